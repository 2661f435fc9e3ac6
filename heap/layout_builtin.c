/* SPDX-License-Identifier: MIT */
/*
 * Struct layouts for a libc without debug info. x86-64 and aarch64 agree.
 *
 * The builds these were read from are listed in docs/glibc-layouts.md;
 * tests/test_layout.c compares the table with any libc debug info it finds.
 * A row says how the structs look, never which version a process runs: rows
 * are chosen by evidence in its memory (layout_evidence.c).
 */
#include "heap/layout.h"

#include <stddef.h>

/* clang-format off */
#define F(id, offset, size, count) { HS_FIELD_##id, { (offset), (size), (count) } }

/* malloc_state up to flags is {int mutex, int flags} everywhere. W is the word
 * size, T where top stands; what follows top has never changed order. */
#define ARENA_HEAD F(ARENA_MUTEX, 0, 4, 1), F(ARENA_FLAGS, 4, 4, 1)
#define ARENA_TAIL(W, T)                                                \
	F(ARENA_TOP, (T), (W), 1),                                      \
	F(ARENA_BINS, (T) + 2 * (W), 254 * (W), 254),                   \
	F(ARENA_NEXT, (T) + 256 * (W) + 16, (W), 1),                    \
	F(ARENA_NEXT_FREE, (T) + 257 * (W) + 16, (W), 1)
#define ARENA_SUMS(W, S)                                                \
	F(ARENA_SYSTEM_MEM, (S), (W), 1),                               \
	F(ARENA_MAX_SYSTEM_MEM, (S) + (W), (W), 1)

static const struct hs_row_field arena8_17[] = {
	ARENA_HEAD, F(ARENA_FASTBINS, 8, 80, 10), ARENA_TAIL(8, 88),
	ARENA_SUMS(8, 2168) };
static const struct hs_row_field arena8_23[] = {
	ARENA_HEAD, F(ARENA_FASTBINS, 8, 80, 10), ARENA_TAIL(8, 88),
	F(ARENA_ATTACHED, 2168, 8, 1), ARENA_SUMS(8, 2176) };
static const struct hs_row_field arena8_27[] = {
	ARENA_HEAD, F(ARENA_FASTBINS, 16, 80, 10), ARENA_TAIL(8, 96),
	F(ARENA_ATTACHED, 2176, 8, 1), ARENA_SUMS(8, 2184) };
static const struct hs_row_field arena8_43[] = {
	ARENA_HEAD, ARENA_TAIL(8, 8),
	F(ARENA_ATTACHED, 2088, 8, 1), ARENA_SUMS(8, 2096) };

static const struct hs_row_field arena4_17[] = {
	ARENA_HEAD, F(ARENA_FASTBINS, 8, 40, 10), ARENA_TAIL(4, 48),
	ARENA_SUMS(4, 1096) };
static const struct hs_row_field arena4_23[] = {
	ARENA_HEAD, F(ARENA_FASTBINS, 8, 40, 10), ARENA_TAIL(4, 48),
	F(ARENA_ATTACHED, 1096, 4, 1), ARENA_SUMS(4, 1100) };
static const struct hs_row_field arena4_26[] = {
	ARENA_HEAD, F(ARENA_FASTBINS, 8, 44, 11), ARENA_TAIL(4, 52),
	F(ARENA_ATTACHED, 1100, 4, 1), ARENA_SUMS(4, 1104) };
static const struct hs_row_field arena4_27[] = {
	ARENA_HEAD, F(ARENA_FASTBINS, 12, 44, 11), ARENA_TAIL(4, 56),
	F(ARENA_ATTACHED, 1104, 4, 1), ARENA_SUMS(4, 1108) };
static const struct hs_row_field arena4_43[] = {
	ARENA_HEAD, ARENA_TAIL(4, 8),
	F(ARENA_ATTACHED, 1056, 4, 1), ARENA_SUMS(4, 1060) };

#define PAR_HEAD(W)                                                     \
	F(PAR_TRIM_THRESHOLD, 0, (W), 1),                               \
	F(PAR_TOP_PAD, (W), (W), 1),                                    \
	F(PAR_MMAP_THRESHOLD, 2 * (W), (W), 1),                         \
	F(PAR_ARENA_TEST, 3 * (W), (W), 1),                             \
	F(PAR_ARENA_MAX, 4 * (W), (W), 1)
#define PAR_INTS(N)                                                     \
	F(PAR_N_MMAPS, (N), 4, 1), F(PAR_N_MMAPS_MAX, (N) + 4, 4, 1),   \
	F(PAR_MAX_N_MMAPS, (N) + 8, 4, 1),                              \
	F(PAR_NO_DYN_THRESHOLD, (N) + 12, 4, 1)
#define PAR_MMAPPED(W, M)                                               \
	F(PAR_MMAPPED_MEM, (M), (W), 1),                                \
	F(PAR_MAX_MMAPPED_MEM, (M) + (W), (W), 1)
#define PAR_TCACHE(W, T)                                                \
	F(PAR_TCACHE_BINS, (T), (W), 1),                                \
	F(PAR_TCACHE_MAX_BYTES, (T) + (W), (W), 1),                     \
	F(PAR_TCACHE_COUNT, (T) + 2 * (W), (W), 1)

static const struct hs_row_field par8_17[] = { PAR_HEAD(8), PAR_INTS(40),
	PAR_MMAPPED(8, 56), F(PAR_SBRK_BASE, 80, 8, 1) };
static const struct hs_row_field par8_24[] = { PAR_HEAD(8), PAR_INTS(40),
	PAR_MMAPPED(8, 56), F(PAR_SBRK_BASE, 72, 8, 1) };
static const struct hs_row_field par8_26[] = { PAR_HEAD(8), PAR_INTS(40),
	PAR_MMAPPED(8, 56), F(PAR_SBRK_BASE, 72, 8, 1), PAR_TCACHE(8, 80) };
static const struct hs_row_field par8_35[] = { PAR_HEAD(8), PAR_INTS(60),
	F(PAR_HP_PAGESIZE, 48, 8, 1), PAR_MMAPPED(8, 80),
	F(PAR_SBRK_BASE, 96, 8, 1), PAR_TCACHE(8, 104) };
static const struct hs_row_field par8_43[] = { PAR_HEAD(8), PAR_INTS(68),
	F(PAR_HP_PAGESIZE, 56, 8, 1), PAR_MMAPPED(8, 88),
	F(PAR_SBRK_BASE, 104, 8, 1), PAR_TCACHE(8, 112) };

static const struct hs_row_field par4_17[] = { PAR_HEAD(4), PAR_INTS(20),
	PAR_MMAPPED(4, 36), F(PAR_SBRK_BASE, 48, 4, 1) };
static const struct hs_row_field par4_24[] = { PAR_HEAD(4), PAR_INTS(20),
	PAR_MMAPPED(4, 36), F(PAR_SBRK_BASE, 44, 4, 1) };
static const struct hs_row_field par4_26[] = { PAR_HEAD(4), PAR_INTS(20),
	PAR_MMAPPED(4, 36), F(PAR_SBRK_BASE, 44, 4, 1), PAR_TCACHE(4, 48) };
static const struct hs_row_field par4_35[] = { PAR_HEAD(4), PAR_INTS(32),
	F(PAR_HP_PAGESIZE, 24, 4, 1), PAR_MMAPPED(4, 48),
	F(PAR_SBRK_BASE, 56, 4, 1), PAR_TCACHE(4, 60) };
static const struct hs_row_field par4_43[] = { PAR_HEAD(4), PAR_INTS(36),
	F(PAR_HP_PAGESIZE, 28, 4, 1), PAR_MMAPPED(4, 52),
	F(PAR_SBRK_BASE, 60, 4, 1), PAR_TCACHE(4, 64) };

#define HEAP_HEAD(W)                                                    \
	F(HEAP_AR_PTR, 0, (W), 1), F(HEAP_PREV, (W), (W), 1),           \
	F(HEAP_SIZE, 2 * (W), (W), 1),                                  \
	F(HEAP_MPROTECT_SIZE, 3 * (W), (W), 1)
static const struct hs_row_field heap8_17[] = { HEAP_HEAD(8) };
static const struct hs_row_field heap8_35[] = { HEAP_HEAD(8),
	F(HEAP_PAGESIZE, 32, 8, 1) };
static const struct hs_row_field heap4_17[] = { HEAP_HEAD(4) };
static const struct hs_row_field heap4_35[] = { HEAP_HEAD(4),
	F(HEAP_PAGESIZE, 16, 4, 1) };

/* From 2.42 the counter runs the other way: num_slots is the room left, and 12
 * more bins hold large chunks. */
static const struct hs_row_field tcache8_26[] = {
	F(TCACHE_COUNTS, 0, 64, 64), F(TCACHE_ENTRIES, 64, 512, 64) };
static const struct hs_row_field tcache8_30[] = {
	F(TCACHE_COUNTS, 0, 128, 64), F(TCACHE_ENTRIES, 128, 512, 64) };
static const struct hs_row_field tcache8_42[] = {
	F(TCACHE_NUM_SLOTS, 0, 152, 76), F(TCACHE_ENTRIES, 152, 608, 76) };
static const struct hs_row_field tcache4_26[] = {
	F(TCACHE_COUNTS, 0, 64, 64), F(TCACHE_ENTRIES, 64, 256, 64) };
static const struct hs_row_field tcache4_30[] = {
	F(TCACHE_COUNTS, 0, 128, 64), F(TCACHE_ENTRIES, 128, 256, 64) };
static const struct hs_row_field tcache4_42[] = {
	F(TCACHE_NUM_SLOTS, 0, 152, 76), F(TCACHE_ENTRIES, 152, 304, 76) };

#define ROW(of, first, last, word, size, fields)                        \
	{ HS_STRUCT_##of, (first), (last), (word), (size), (fields),    \
	  sizeof(fields) / sizeof((fields)[0]) }

static const struct hs_layout_row rows[] = {
	ROW(ARENA, 17, 22, 8, 2184, arena8_17),
	ROW(ARENA, 23, 26, 8, 2192, arena8_23),
	ROW(ARENA, 27, 42, 8, 2200, arena8_27),
	ROW(ARENA, 43, 44, 8, 2112, arena8_43),
	ROW(ARENA, 17, 22, 4, 1104, arena4_17),
	ROW(ARENA, 23, 25, 4, 1108, arena4_23),
	ROW(ARENA, 26, 26, 4, 1112, arena4_26),
	ROW(ARENA, 27, 42, 4, 1116, arena4_27),
	ROW(ARENA, 43, 44, 4, 1068, arena4_43),

	ROW(PAR, 17, 23, 8, 88, par8_17),
	ROW(PAR, 24, 25, 8, 80, par8_24),
	ROW(PAR, 26, 34, 8, 112, par8_26),
	ROW(PAR, 35, 42, 8, 136, par8_35),
	ROW(PAR, 43, 43, 8, 144, par8_43), /* + tcache_unsorted_limit */
	ROW(PAR, 44, 44, 8, 136, par8_43),
	ROW(PAR, 17, 23, 4, 52, par4_17),
	ROW(PAR, 24, 25, 4, 48, par4_24),
	ROW(PAR, 26, 34, 4, 64, par4_26),
	ROW(PAR, 35, 42, 4, 76, par4_35),
	ROW(PAR, 43, 43, 4, 80, par4_43),
	ROW(PAR, 44, 44, 4, 76, par4_43),

	ROW(HEAP, 17, 34, 8, 32, heap8_17),
	ROW(HEAP, 35, 44, 8, 48, heap8_35),
	ROW(HEAP, 17, 25, 4, 16, heap4_17),
	ROW(HEAP, 26, 34, 4, 24, heap4_17),
	ROW(HEAP, 35, 44, 4, 24, heap4_35),

	ROW(TCACHE, 26, 29, 8, 576, tcache8_26),
	ROW(TCACHE, 30, 41, 8, 640, tcache8_30),
	ROW(TCACHE, 42, 44, 8, 760, tcache8_42),
	ROW(TCACHE, 26, 29, 4, 320, tcache4_26),
	ROW(TCACHE, 30, 41, 4, 384, tcache4_30),
	ROW(TCACHE, 42, 44, 4, 456, tcache4_42),
};
/* clang-format on */

const struct hs_layout_row *hs_layout_builtin(enum hs_struct of,
					      unsigned word_size, size_t i)
{
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		if (rows[r].of == of && rows[r].word_size == word_size &&
		    i-- == 0)
			return &rows[r];
	return NULL;
}
