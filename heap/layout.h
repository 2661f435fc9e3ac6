/* SPDX-License-Identifier: MIT */
#ifndef HEAP_LAYOUT_H
#define HEAP_LAYOUT_H

#include <heapscan/heap.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbols/symbols.h"

/*
 * The members of glibc's private structs that we read. One line each: the name
 * used here, our struct, the DWARF name of the member. A member that glibc
 * renamed has its later name in HS_RENAMED.
 */
/* clang-format off */
#define HS_STRUCTS(X)                            \
	X(ARENA, "malloc_state")                 \
	X(PAR, "malloc_par")                     \
	X(HEAP, "_heap_info")                    \
	X(TCACHE, "tcache_perthread_struct")

#define HS_FIELDS(X)                                            \
	X(ARENA_MUTEX, ARENA, "mutex")                          \
	X(ARENA_FLAGS, ARENA, "flags")                          \
	X(ARENA_FASTBINS, ARENA, "fastbinsY")                   \
	X(ARENA_TOP, ARENA, "top")                              \
	X(ARENA_BINS, ARENA, "bins")                            \
	X(ARENA_NEXT, ARENA, "next")                            \
	X(ARENA_NEXT_FREE, ARENA, "next_free")                  \
	X(ARENA_ATTACHED, ARENA, "attached_threads")            \
	X(ARENA_SYSTEM_MEM, ARENA, "system_mem")                \
	X(ARENA_MAX_SYSTEM_MEM, ARENA, "max_system_mem")        \
	X(PAR_TRIM_THRESHOLD, PAR, "trim_threshold")            \
	X(PAR_TOP_PAD, PAR, "top_pad")                          \
	X(PAR_MMAP_THRESHOLD, PAR, "mmap_threshold")            \
	X(PAR_ARENA_TEST, PAR, "arena_test")                    \
	X(PAR_ARENA_MAX, PAR, "arena_max")                      \
	X(PAR_HP_PAGESIZE, PAR, "hp_pagesize")                  \
	X(PAR_N_MMAPS, PAR, "n_mmaps")                          \
	X(PAR_N_MMAPS_MAX, PAR, "n_mmaps_max")                  \
	X(PAR_MAX_N_MMAPS, PAR, "max_n_mmaps")                  \
	X(PAR_NO_DYN_THRESHOLD, PAR, "no_dyn_threshold")        \
	X(PAR_MMAPPED_MEM, PAR, "mmapped_mem")                  \
	X(PAR_MAX_MMAPPED_MEM, PAR, "max_mmapped_mem")          \
	X(PAR_SBRK_BASE, PAR, "sbrk_base")                      \
	X(PAR_TCACHE_BINS, PAR, "tcache_bins")                  \
	X(PAR_TCACHE_MAX_BYTES, PAR, "tcache_max_bytes")        \
	X(PAR_TCACHE_COUNT, PAR, "tcache_count")                \
	X(HEAP_AR_PTR, HEAP, "ar_ptr")                          \
	X(HEAP_PREV, HEAP, "prev")                              \
	X(HEAP_SIZE, HEAP, "size")                              \
	X(HEAP_MPROTECT_SIZE, HEAP, "mprotect_size")            \
	X(HEAP_PAGESIZE, HEAP, "pagesize")                      \
	X(TCACHE_COUNTS, TCACHE, "counts")                      \
	X(TCACHE_NUM_SLOTS, TCACHE, "num_slots")                \
	X(TCACHE_ENTRIES, TCACHE, "entries")

#define HS_RENAMED(X)                            \
	X(PAR_TCACHE_BINS, "tcache_small_bins") /* 2.42 */
/* clang-format on */

enum hs_struct {
#define X(id, type) HS_STRUCT_##id,
	HS_STRUCTS(X)
#undef X
		HS_STRUCT_COUNT
};

enum hs_field {
#define X(id, owner, member) HS_FIELD_##id,
	HS_FIELDS(X)
#undef X
		HS_FIELD_COUNT
};

struct hs_field_pos {
	uint16_t offset; /* bytes from the start of its struct */
	uint16_t size;   /* bytes of the whole member; 0: there is none */
	uint16_t count;  /* elements of an array, else 1 */
};

/* One generation of one struct: see layout_builtin.c. */
struct hs_layout_row {
	enum hs_struct of;
	uint16_t first, last; /* glibc 2.NN as NN, inclusive */
	uint8_t word_size;
	uint16_t struct_size; /* bytes */
	const struct hs_row_field {
		enum hs_field field;
		struct hs_field_pos pos;
	} * fields;
	size_t field_count;
};

/* Rows of one struct and word size, oldest first; NULL behind the last. */
const struct hs_layout_row *hs_layout_builtin(enum hs_struct of,
					      unsigned word_size, size_t i);

struct hs_layout {
	unsigned word_size;
	unsigned header;   /* bytes of a chunk header: two words */
	unsigned align;    /* MALLOC_ALIGNMENT */
	unsigned min_size; /* of a chunk, MINSIZE */
	struct hs_field_pos field[HS_FIELD_COUNT];
	uint32_t struct_size[HS_STRUCT_COUNT]; /* 0: not known */
	enum hs_layout_origin origin[HS_STRUCT_COUNT];
	/* glibc versions (NN of 2.NN) that the rows in use allow. */
	unsigned first, last;
};

/* Ask this, never the version number: distributions backport. */
static inline bool hs_layout_has(const struct hs_layout *l, enum hs_field f)
{
	return l->field[f].size != 0;
}

/* Nothing known but the word size. */
void hs_layout_init(struct hs_layout *layout, unsigned word_size);

/* Take over one built-in row. */
void hs_layout_use_row(struct hs_layout *layout,
		       const struct hs_layout_row *row,
		       enum hs_layout_origin origin);

/*
 * Read every struct from MODULE's DWARF. HS_ERR_NO_SYMBOL when it has none or
 * lacks the arena's members; LAYOUT is then unchanged.
 */
HS_MUST_CHECK enum hs_status hs_layout_from_dwarf(struct hs_layout *layout,
						  struct hs_symbols *syms,
						  size_t module,
						  struct hs_error *err);

/*
 * Alignment and minimum size follow from the arena's and the tcache's shape;
 * call when those are known. glibc 2.26 raised i386 from 8 to 16.
 */
void hs_layout_settle(struct hs_layout *layout);

/* Did mmapped chunks lose their second header word? The change came with the
 * removal of fastbins in 2.43. */
static inline bool hs_layout_new_mmapped(const struct hs_layout *l)
{
	return !hs_layout_has(l, HS_FIELD_ARENA_FASTBINS);
}

/* Bins in malloc_state.bins: 127 pairs of words, the last one unused. */
#define HS_BIN_PAIRS 127u
#define HS_BIN_LAST 126u
#define HS_BIN_LAST_SMALL 63u
/* tcache bins 64 and up hold sizes by powers of two (2.42 and later). */
#define HS_TCACHE_SMALL_BINS 64u

#endif
