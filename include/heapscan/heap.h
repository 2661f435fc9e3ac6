/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_HEAP_H
#define HEAPSCAN_HEAP_H

#include <heapscan/confidence.h>
#include <heapscan/symbols.h>
#include <heapscan/target.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What one scan found: every chunk of every arena with its state. Owns all it
 * says, so the target may be closed and two heaps may be compared.
 */
struct hs_heap; /* opaque */

/*
 * What a chunk is. The word is the same in every output.
 * USED: handed out, as far as anyone can tell. INTERNAL: the allocator's own
 * (tcache structures, fenceposts, arena headers). UNKNOWN: what was captured
 * does not decide it.
 */
/* clang-format off */
#define HS_CHUNK_STATES(X)                                             \
	X(USED, "used")             /* handed out */                   \
	X(MMAPPED, "mmapped")       /* handed out, its own mapping */  \
	X(TCACHE, "tcache")         /* on a thread's tcache list */    \
	X(FASTBIN, "fastbin")       /* on an arena's fastbin list */   \
	X(UNSORTED, "unsorted")     /* on bin 1 */                     \
	X(SMALLBIN, "smallbin")     /* on bins 2 to 63 */              \
	X(LARGEBIN, "largebin")     /* on bins 64 to 126 */            \
	X(TOP, "top")               /* an arena's remaining space */   \
	X(INTERNAL, "internal")     /* the allocator's own */          \
	X(UNKNOWN, "unknown")       /* not decidable */
/* clang-format on */

enum hs_chunk_state {
#define X(id, word) HS_CHUNK_##id,
	HS_CHUNK_STATES(X)
#undef X
		HS_CHUNK_STATE_COUNT
};
HS_API const char *hs_chunk_state_name(enum hs_chunk_state state);

/* struct_size first, the rest zero; grows at the end. */
struct hs_scan_options {
	size_t struct_size;
	hs_progress_fn progress; /* may be NULL */
	void *progress_arg;
	/* Use nothing but the structure in memory: no symbols, no DWARF. */
	bool no_symbols;
};

/*
 * Reconstruct the heap. SYMS may be NULL (then only evidence in memory is
 * used). Fails only when there is no heap to describe, with HS_ERR_NO_HEAP
 * and a text that says what is there instead (musl, jemalloc, nothing).
 * Damage and holes become problems in *RET: a partial result is a result.
 */
HS_API enum hs_status hs_heap_scan(struct hs_target *target,
				   struct hs_symbols *syms,
				   const struct hs_scan_options *opt,
				   struct hs_heap **ret, struct hs_error *err);
HS_API void hs_heap_free(struct hs_heap *heap); /* NULL is fine */

enum hs_layout_origin {
	HS_ORIGIN_NONE,     /* not known */
	HS_ORIGIN_DWARF,    /* debug info of the very build */
	HS_ORIGIN_BUILTIN,  /* a built-in row, chosen by evidence in memory */
	HS_ORIGIN_INFERRED, /* measured in memory, no row fits */
};

enum hs_place_origin {
	HS_PLACE_NONE,
	HS_PLACE_SYMBOL,   /* a symbol of the module or its debug file */
	HS_PLACE_EVIDENCE, /* recognised by its structure */
};

/* How the heap was found: the answer to "how do you know". */
struct hs_allocator_info {
	const char *version;        /* "2.36", or NULL */
	const char *version_source; /* for people: "libc.so.6 .rodata", ... */
	enum hs_layout_origin layout_source;
	const char *layout_detail; /* for people: "rows 2.30 to 2.31", file */
	hs_addr main_arena;
	enum hs_place_origin main_arena_source;
	hs_addr malloc_par; /* mp_; HS_NO_ADDR when not found */
	enum hs_place_origin malloc_par_source;
	enum hs_place_origin
		tcache_source; /* how threads' tcaches were found */
	bool is_static;        /* libc is part of the executable */
	bool safe_linking;
	bool has_tcache, has_fastbins;
	size_t module; /* of libc, for hs_target_module(); SIZE_MAX: none */
	const char
		*other_allocator; /* "jemalloc" ... loaded as well; or NULL */
	/* The main arena itself was not captured, libc's data is missing: its
	 * heap is told by its chunks alone, and main_arena may be HS_NO_ADDR.
	 */
	bool main_arena_missing;
	/* In the states of the main arena's chunks. MEDIUM: its lists had to be
	 * put together from their ends. LOW: which release's chunks these are
	 * was guessed as well. */
	enum hs_confidence confidence;
};
HS_API void hs_heap_allocator(const struct hs_heap *heap,
			      struct hs_allocator_info *ret);

struct hs_total {
	uint64_t count;
	uint64_t bytes;       /* sum of usable sizes */
	uint64_t chunk_bytes; /* sum of chunk sizes, headers included */
};
struct hs_heap_summary {
	struct hs_total state[HS_CHUNK_STATE_COUNT];
	struct hs_total in_use; /* used + mmapped */
	struct hs_total free;   /* tcache, fastbin, unsorted, small, large */
};
HS_API void hs_heap_summary(const struct hs_heap *heap,
			    struct hs_heap_summary *ret);

/*
 * As mallinfo2(3) in the process would say, summed over all arenas; computed
 * from the walk. HS_UNKNOWN where bytes that it needs were missing.
 */
#define HS_UNKNOWN UINT64_MAX
struct hs_mallinfo {
	uint64_t arena, ordblks, smblks, hblks, hblkhd, fsmblks, uordblks,
		fordblks, keepcost;
};
HS_API void hs_heap_mallinfo(const struct hs_heap *heap,
			     struct hs_mallinfo *ret);

/* Sums the allocator keeps itself, beside what the walk found. */
struct hs_heap_checks {
	uint64_t mmapped_expected, mmapped_found; /* chunks; mp_.n_mmaps */
	uint64_t mmapped_bytes_expected, mmapped_bytes_found;
	uint64_t system_mem_expected; /* sum over arenas */
	uint64_t system_mem_walked;   /* bytes accounted for by the walk */
	bool complete; /* no byte that the answer needs was missing */
};
HS_API void hs_heap_checks(const struct hs_heap *heap,
			   struct hs_heap_checks *ret);

/*
 * What the answer rests on, and how much of it was captured, in bytes. A part
 * of which nothing is known (no stack pointers, no module of libc) has 0 bytes.
 */
struct hs_covered {
	uint64_t bytes, captured;
};
struct hs_heap_coverage {
	struct hs_covered heaps;     /* the arenas' memory, mmapped chunks */
	struct hs_covered stacks;    /* in use: from the stack pointers up */
	struct hs_covered libc_data; /* where arenas and counters are kept */
};
HS_API void hs_heap_coverage(const struct hs_heap *heap,
			     struct hs_heap_coverage *ret);

struct hs_arena_info {
	hs_addr addr; /* of its malloc_state */
	bool is_main;
	bool free;           /* on the free list: no thread uses it ... */
	bool free_known;     /* ... as far as that could be read */
	bool locked;         /* its mutex is held: a thread was in malloc */
	hs_addr top;         /* HS_NO_ADDR: no memory yet */
	uint64_t top_size;   /* bytes */
	uint64_t system_mem; /* bytes, as the arena says; HS_UNKNOWN */
	uint64_t walked;     /* bytes the walk accounted for */
	uint64_t chunks;     /* in its heaps */
	size_t heap_count;
	struct hs_total in_use, freed; /* without mmapped chunks */
};
HS_API size_t hs_heap_arena_count(const struct hs_heap *heap);
HS_API void hs_heap_arena(const struct hs_heap *heap, size_t arena,
			  struct hs_arena_info *ret);
/* One contiguous run of ARENA's memory; ascending. */
HS_API void hs_heap_arena_heap(const struct hs_heap *heap, size_t arena,
			       size_t i, hs_addr *start, hs_addr *end);

/* Same threads in the same order as hs_target_thread(), then those that only
 * ld.so's own list knows. */
struct hs_heap_thread_info {
	int64_t tid;
	bool current;
	hs_addr pc, sp, tls_base; /* HS_NO_ADDR when not known */
	const char *name;
	size_t arena;   /* index, SIZE_MAX: none or not known */
	hs_addr tcache; /* its tcache structure, HS_NO_ADDR: none */
	bool arena_known, tcache_known;      /* false: could not be read */
	uint64_t tcache_count, tcache_bytes; /* chunks it holds; usable bytes */
	bool in_malloc; /* its pc is inside the allocator */
};
HS_API size_t hs_heap_thread_count(const struct hs_heap *heap);
HS_API void hs_heap_thread(const struct hs_heap *heap, size_t i,
			   struct hs_heap_thread_info *ret);

/* One non-empty list of free chunks, as the allocator links it. */
struct hs_bin_info {
	enum hs_chunk_state state; /* TCACHE, FASTBIN, UNSORTED, SMALL, LARGE */
	size_t arena;              /* index; SIZE_MAX for a tcache bin */
	int64_t tid;               /* whose tcache; -1 else */
	hs_addr owner;             /* the arena, or the tcache structure */
	unsigned index;            /* in its array, as glibc counts */
	uint64_t count;            /* chunks linked */
	uint64_t bytes;            /* their chunk sizes */
	uint64_t min_size, max_size; /* chunk sizes met */
};
HS_API size_t hs_heap_bin_count(const struct hs_heap *heap);
HS_API void hs_heap_bin(const struct hs_heap *heap, size_t i,
			struct hs_bin_info *ret);

#define HS_NO_BIN UINT32_MAX

struct hs_chunk_info {
	hs_addr addr;    /* of the header */
	hs_addr user;    /* what malloc returned */
	uint64_t size;   /* chunk size without flag bits */
	uint64_t usable; /* as malloc_usable_size would say */
	enum hs_chunk_state state;
	size_t arena; /* index; SIZE_MAX for mmapped chunks */
	int64_t tid;  /* TCACHE: the thread whose cache holds it, else -1 */
	uint32_t bin; /* list index where state has one, else HS_NO_BIN */
};
/* In address order. O(log n) each; hs_heap_each() is the fast way. */
HS_API size_t hs_heap_chunk_count(const struct hs_heap *heap);
HS_API void hs_heap_chunk(const struct hs_heap *heap, size_t i,
			  struct hs_chunk_info *ret);
/* Every chunk in address order, I counting up; false from FN stops. */
typedef bool (*hs_chunk_fn)(void *arg, size_t i,
			    const struct hs_chunk_info *chunk);
HS_API void hs_heap_each(const struct hs_heap *heap, hs_chunk_fn fn, void *arg);
/*
 * The chunk that ADDR lies in, header included. *RET is its index. What
 * malloc calls "usable" of a chunk in use reaches one word into the header of
 * the next: that word counts for the chunk in use. On aarch64 the top byte of
 * ADDR may hold a tag, which counts for nothing.
 */
HS_API bool hs_heap_find(const struct hs_heap *heap, hs_addr addr, size_t *ret);

/* Findings, worst first; the same kind at many places is cut off with a
 * count in the last message. */
HS_API size_t hs_heap_problem_count(const struct hs_heap *heap);
HS_API void hs_heap_problem(const struct hs_heap *heap, size_t i,
			    struct hs_problem_info *ret);

#ifdef __cplusplus
}
#endif
#endif
