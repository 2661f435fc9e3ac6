/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HEAP_BUILDER_H
#define TESTS_HEAP_BUILDER_H

#include "heap/layout.h"
#include "support/fake_target.h"

/*
 * A whole glibc process image as one release would have left it, written from
 * what is known about the releases and not from what heap/ does: chunks with
 * all their flag bits, every kind of free list, arenas, heaps, thread-local
 * variables, malloc_par. Only the table of member offsets is shared with
 * heap/; tests/test_layout.c checks that table by other means.
 *
 *	struct heap_builder hb;
 *	hb_init(&hb, 36, HS_ARCH_X86_64);               // as glibc 2.36
 *	size_t t = hb_thread(&hb, HB_MAIN);
 *	hb_tcache(&hb, t);
 *	size_t c = hb_alloc(&hb, HB_MAIN, 100);
 *	hb_to_tcache(&hb, c, t);
 *	hb_finish(&hb);
 *	... hs_heap_scan(&hb.target.base, ...) ...
 *	assert_int_equal(hb_differences(&hb, heap), 0);  // heap_expect.h
 *	hb_release(&hb);
 *
 * Chunks, arenas and threads are named by the number that the function which
 * made them returned. A scenario that glibc could not reach (two neighbours in
 * bins, a binned chunk below top) is a mistake of the test: it aborts.
 */
#define HB_MAIN ((size_t)0) /* the main arena */
#define HB_NONE SIZE_MAX

#define HB_MAX_ARENAS 8u
#define HB_MAX_REGIONS 24u
#define HB_MAX_THREADS 8u
#define HB_MAX_HOLES 8u

struct hb_chunk {
	hs_addr addr;
	uint64_t size; /* bytes, as in the size field without flag bits */
	enum hs_chunk_state state;
	size_t arena;     /* HB_NONE: it has its own mapping */
	size_t region;    /* index into heap_builder.region */
	size_t thread;    /* TCACHE: whose */
	unsigned bin;     /* HS_NO_BIN: none */
	uint64_t total;   /* mmapped: bytes of the mapping ... */
	uint64_t offset;  /* ... and how far into it the header is */
	uint64_t freed;   /* counts up: the order in which chunks were freed */
	bool fencepost;   /* INTERNAL, at the end of a run of chunks */
	bool empty_fence; /* its size field holds 0 */
};

enum hb_region_kind {
	HB_REGION_BRK,   /* the main arena's */
	HB_REGION_HEAP,  /* of a thread arena, begins with heap_info */
	HB_REGION_EXTRA, /* the main arena's, mmapped when brk was blocked */
	HB_REGION_MMAP,  /* mmapped chunks side by side */
};

/* A run of memory; it becomes one mapping. */
struct hb_region {
	enum hb_region_kind kind;
	hs_addr map_start; /* page-aligned */
	hs_addr start;     /* where the allocator's memory begins */
	hs_addr next;      /* where the next chunk goes */
	hs_addr end;       /* known once closed */
	uint8_t *bytes;    /* from map_start; owned */
	uint64_t room;     /* bytes allocated */
	size_t arena;
	size_t first_chunk_pad; /* bytes before the first chunk */
	bool closed;
};

struct hb_arena {
	hs_addr addr;
	size_t region; /* the newest */
	size_t top;    /* chunk; set by hb_finish() */
	bool idle;     /* no thread uses it, it is on the free list */
	uint64_t system_mem;
	size_t regions;
};

struct hb_thread {
	int64_t tid;
	hs_addr tp, area; /* thread pointer; the memory around it */
	size_t arena;     /* HB_NONE: it never took the slow path */
	size_t tcache;    /* chunk, HB_NONE: none */
};

struct heap_builder {
	struct fake_target target;
	unsigned version; /* NN of glibc 2.NN */
	unsigned word, header, align, min_size;
	struct hs_layout layout;

	hs_addr libc, rodata, data, data_end; /* the fake libc */
	hs_addr malloc_par, dummy;            /* dummy: 2.43's empty tcache */
	uint8_t *rodata_bytes, *data_bytes, *thread_bytes;
	uint64_t tcache_key, tcache_count;
	uint64_t mmapped_count, mmapped_bytes;

	struct hb_chunk *chunk;
	size_t chunk_count, chunk_room;
	struct hb_region region[HB_MAX_REGIONS];
	size_t region_count;
	struct hb_arena arena[HB_MAX_ARENAS];
	size_t arena_count;
	struct hb_thread thread[HB_MAX_THREADS];
	size_t thread_count;
	struct {
		hs_addr start;
		uint64_t len;
	} hole[HB_MAX_HOLES];
	size_t hole_count;
	uint64_t freed;

	/* Set between hb_init() and the first allocation. */
	bool noncontiguous;
	bool big_tcache;      /* glibc.malloc.tcache_max was raised (2.42+) */
	bool no_version_text; /* the libc's read-only data was left out */
};

/* As glibc 2.VERSION on ARCH. The main arena is there and empty. */
void hb_init(struct heap_builder *hb, unsigned version, enum hs_arch arch);
void hb_release(struct heap_builder *hb);

/* The same, where the allocator's first byte is OFFSET into a page (a static
 * executable's thread-local storage comes first). Before any allocation. */
void hb_brk_begins_at(struct heap_builder *hb, uint64_t offset);

/* A thread arena with its first heap. */
size_t hb_arena(struct heap_builder *hb);
/* A thread that allocates from ARENA; HB_NONE: none yet. */
size_t hb_thread(struct heap_builder *hb, size_t arena);
/* Its tcache structure, allocated now. Nothing where glibc has none. */
void hb_tcache(struct heap_builder *hb, size_t thread);
/* The arena's threads are gone. */
void hb_idle(struct heap_builder *hb, size_t arena);

/* What malloc would make of a request. */
uint64_t hb_chunk_size(const struct heap_builder *hb, uint64_t request);
/* The next chunk of the arena's top, in use. */
size_t hb_alloc(struct heap_builder *hb, size_t arena, uint64_t request);
/* COUNT of them; returns the first, the others follow it. */
size_t hb_alloc_many(struct heap_builder *hb, size_t arena, uint64_t request,
		     size_t count);

void hb_to_tcache(struct heap_builder *hb, size_t chunk, size_t thread);
void hb_to_fastbin(struct heap_builder *hb, size_t chunk);
void hb_to_unsorted(struct heap_builder *hb, size_t chunk);
void hb_to_bin(struct heap_builder *hb, size_t chunk); /* small or large */

/* The arena's newest heap is full: fenceposts, and another one. Returns what
 * is left of the old top, in the unsorted bin. */
size_t hb_new_heap(struct heap_builder *hb, size_t arena);
/* The same, where so little is left that it joins the fencepost. */
void hb_new_heap_tight(struct heap_builder *hb, size_t arena);
/* Somebody else called sbrk(LEN). Returns what is left of the old top. */
size_t hb_foreign_sbrk(struct heap_builder *hb, uint64_t len);
/* brk could not grow, glibc went on with mmap. Returns the old top. */
size_t hb_brk_blocked(struct heap_builder *hb);
/* The same, and the new piece is at START. */
size_t hb_brk_blocked_at(struct heap_builder *hb, hs_addr start);

/* A chunk with a mapping of its own, behind the last one in the same VMA. */
size_t hb_mmapped(struct heap_builder *hb, uint64_t request);
/* The same from memalign(ALIGN, ...): the header is further into the mapping
 * and the first one is left behind, stale. At most a page. */
size_t hb_mmapped_aligned(struct heap_builder *hb, uint64_t request,
			  uint64_t align);
/* Pages of somebody else in that VMA; GAP: unmapped ones. */
void hb_mmapped_pages(struct heap_builder *hb, unsigned pages, bool gap);

/* Left out of the dump. Before hb_finish(). */
void hb_hole(struct heap_builder *hb, hs_addr start, uint64_t len);

/* Give every arena its top, write all of it, finish the target. */
void hb_finish(struct heap_builder *hb);

/* For tests that damage what was built. */
hs_addr hb_addr(const struct heap_builder *hb, size_t chunk); /* header */
hs_addr hb_user(const struct heap_builder *hb, size_t chunk);
uint64_t hb_usable(const struct heap_builder *hb, size_t chunk);
hs_addr hb_arena_field(const struct heap_builder *hb, size_t arena,
		       enum hs_field field);
hs_addr hb_par_field(const struct heap_builder *hb, enum hs_field field);
/* The pseudo-chunk of bin INDEX (1 to 126). */
hs_addr hb_bin_head(const struct heap_builder *hb, size_t arena,
		    unsigned index);
/* heap_info of the arena's Nth heap, oldest first. */
hs_addr hb_heap_info(const struct heap_builder *hb, size_t arena, size_t nth);
/* The word that THREAD's tcache, or thread_arena, stands in. */
hs_addr hb_tls_tcache(const struct heap_builder *hb, size_t thread);
hs_addr hb_tls_arena(const struct heap_builder *hb, size_t thread);
/* As safe-linking stores a pointer to TO at position AT (2.32 and later). */
uint64_t hb_protect(const struct heap_builder *hb, hs_addr at, uint64_t to);
/* Bin numbers as glibc computes them. */
unsigned hb_bin_index(const struct heap_builder *hb, uint64_t size);
unsigned hb_tcache_index(const struct heap_builder *hb, uint64_t size);
unsigned hb_fastbin_index(const struct heap_builder *hb, uint64_t size);

static inline bool hb_has_tcache(const struct heap_builder *hb)
{
	return hb->version >= 26;
}

static inline bool hb_has_fastbins(const struct heap_builder *hb)
{
	return hb->version <= 42;
}

static inline bool hb_safe_linking(const struct heap_builder *hb)
{
	return hb->version >= 32;
}

#endif
