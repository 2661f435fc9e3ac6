/* SPDX-License-Identifier: MIT */
#ifndef HEAP_MODEL_H
#define HEAP_MODEL_H

#include <heapscan/heap.h>

#include "heap/finding.h"
#include "heap/layout.h"

/*
 * What a scan leaves behind. Nothing here refers to the target: a live one is
 * already gone.
 */

/*
 * 16 bytes: a large heap has tens of millions of these. Addresses of user
 * space have at most 57 bits on all our machines (x86-64 with five levels) and
 * are multiples of 8, as sizes are.
 */
struct hs_chunk {
	uint64_t addr : 57;  /* of the header */
	uint64_t state : 4;  /* enum hs_chunk_state */
	uint64_t flags : 3;  /* HS_CHUNK_* as stored in the size field */
	uint64_t units : 40; /* size in units of 8 bytes */
	uint64_t list : 24;  /* 1 + index into lists; 0: on none */
};
_Static_assert(sizeof(struct hs_chunk) == 16, "hs_chunk grew");
_Static_assert(HS_CHUNK_STATE_COUNT <= 16, "hs_chunk.state is too narrow");

#define HS_CHUNK_MAX_ADDR (UINT64_C(1) << 57)
#define HS_CHUNK_MAX_SIZE (UINT64_C(1) << 43)
#define HS_MAX_LISTS ((UINT32_C(1) << 24) - 1)

#define HS_PREV_INUSE 1u
#define HS_IS_MMAPPED 2u
#define HS_NON_MAIN 4u
#define HS_SIZE_FLAGS 7u

static inline uint64_t hs_chunk_size(const struct hs_chunk *c)
{
	return (uint64_t)c->units * 8;
}

#define HS_NO_ARENA UINT32_MAX

/*
 * A run of target memory whose chunks follow one another in the model: a heap,
 * a piece of the main arena, or neighbouring mmapped chunks.
 */
struct hs_region {
	hs_addr start, end;  /* as the allocator got it from the kernel */
	hs_addr first;       /* the first chunk's header */
	size_t chunk, count; /* its chunks in the model */
	uint32_t arena;      /* index, or HS_NO_ARENA for mmapped chunks */
};

struct hs_arena {
	hs_addr addr;
	bool is_main, locked, attached_known;
	uint64_t sbrk_base; /* of a main arena; HS_UNKNOWN, or 0: no brk */
	uint64_t flags, attached;
	hs_addr top;       /* HS_NO_ADDR: no memory yet */
	uint64_t top_size; /* 0 when it cannot be trusted */
	hs_addr next, next_free;
	uint64_t system_mem; /* HS_UNKNOWN: not readable */
	uint64_t walked;     /* bytes accounted for */
	uint64_t holes;      /* ... of these, foreign ones */
	uint64_t in_hand;    /* ... and of chunks that malloc had taken out */
	uint64_t chunks;
	size_t heap_count; /* its regions */
	struct hs_total in_use, freed;
	unsigned oddities; /* explained by a call in progress, so far */
};

struct hs_thread_heap {
	int64_t tid;
	bool current;
	hs_addr pc, sp, tp;
	char *name;     /* owned, or NULL */
	uint32_t arena; /* index or HS_NO_ARENA */
	bool arena_known, tcache_known, in_malloc;
	bool listed;     /* libc knows it */
	bool shares;     /* its cache is another's; that one counts: */
	uint32_t owner;  /* ... the thread; itself otherwise */
	bool cache_busy; /* someone who has its cache is inside malloc */
	hs_addr tcache;  /* user pointer of its structure, or HS_NO_ADDR */
	uint64_t tcache_count, tcache_bytes;
};

struct hs_list {
	uint8_t state;  /* enum hs_chunk_state */
	uint16_t index; /* in its array */
	uint32_t owner; /* arena or thread: index; or HS_NO_ARENA */
	hs_addr addr;   /* of the arena or the tcache structure */
	uint64_t count, bytes, min_size, max_size;
};

/* What of an address the processor looks at where it ignores the top byte. */
#define HS_ADDR_WITHOUT_TAG ((UINT64_C(1) << 56) - 1)

struct hs_heap {
	bool tagged_pointers; /* aarch64: see HS_ADDR_WITHOUT_TAG */
	struct hs_layout layout;
	bool safe_linking, safe_linking_known;
	bool is_static;
	unsigned version; /* NN of 2.NN; 0: not known */
	char *version_source, *layout_detail, *other_allocator; /* or NULL */
	char version_text[16];
	size_t module; /* of libc; SIZE_MAX: none */
	hs_addr main_arena, malloc_par;
	bool main_arena_lost; /* not captured; main_arena may be HS_NO_ADDR */
	enum hs_place_origin main_arena_source, malloc_par_source,
		tcache_source;
	unsigned word_size;

	struct hs_arena *arenas;
	size_t arena_count, arena_capacity;
	struct hs_thread_heap *threads;
	size_t thread_count, thread_capacity;
	struct hs_list *lists;
	size_t list_count, list_capacity;
	struct hs_region *regions; /* ascending */
	size_t region_count, region_capacity;
	struct hs_chunk *chunks; /* ascending */
	size_t chunk_count, chunk_capacity;

	/* With MALLOC_CHECK_: bytes at the end of each chunk that are no use to
	 * the program. Owned; NULL without. */
	uint16_t *slack;

	struct hs_heap_summary summary;
	struct hs_mallinfo mallinfo;
	struct hs_heap_checks checks;
	struct hs_heap_coverage coverage;
	struct hs_findings findings;

	char *verdict; /* what glibc said before it aborted, or NULL */
	bool verdict_about_heap;
	int64_t verdict_tid;
};

HS_MUST_CHECK enum hs_status hs_heap_new(struct hs_heap **ret,
					 struct hs_error *err);

/* Usable bytes of a chunk, as malloc_usable_size would say for one in use. */
uint64_t hs_chunk_usable(const struct hs_heap *heap, const struct hs_chunk *c);

/* The region of chunk I. */
const struct hs_region *hs_heap_region_of(const struct hs_heap *heap, size_t i);

/* Index of the last chunk whose header is at ADDR or below; SIZE_MAX: none. */
size_t hs_heap_chunk_below(const struct hs_heap *heap, hs_addr addr);
/* Index of the chunk whose header is at ADDR; false: none starts there. */
bool hs_heap_chunk_at(const struct hs_heap *heap, hs_addr addr, size_t *ret);

#endif
