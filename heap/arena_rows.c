/* SPDX-License-Identifier: MIT */
#include "heap/arena_rows.h"

#include "heap/malloc_par.h"
#include "heap/version.h"

/*
 * A few bins may be smashed and the arena still be one: overflows rarely hit
 * libc's data, and a use after free breaks one list at a time.
 */
#define ENOUGH_SOUND_BINS (HS_BIN_PAIRS - 8)

bool hs_is_arena(struct hs_scan *scan, hs_addr bins)
{
	return hs_bins_sound(scan, bins, NULL) >= ENOUGH_SOUND_BINS;
}

/* Allocated statically and never used: everything but a few words is zero. */
bool hs_is_unused_arena(struct hs_scan *scan, hs_addr bins)
{
	unsigned zeroes;
	(void)hs_bins_sound(scan, bins, &zeroes);
	return zeroes == HS_BIN_PAIRS;
}

/* Do the `next` pointers from BASE lead round to BASE? */
static bool ring_closes(struct hs_scan *scan, hs_addr base,
			uint64_t next_offset)
{
	hs_addr at = base;
	for (unsigned n = 0; n < HS_LIMIT_ARENAS; n++) {
		uint64_t next;
		if (!hs_window_word(&scan->window, at + next_offset, &next))
			return false;
		if (next == base)
			return true;
		if (next == 0 || next % scan->target->word_size != 0)
			return false;
		at = next;
	}
	return false;
}

/*
 * attached_threads came with 2.23 between next_free and system_mem: the word
 * there is a small count, or else already the memory's size in bytes.
 */
bool hs_arena_sums_fit(struct hs_scan *scan, hs_addr base,
		       const struct hs_layout *layout)
{
	uint64_t attached, system_mem, max;
	const struct hs_field_pos *f = layout->field;
	if (!hs_window_word(&scan->window,
			    base + f[HS_FIELD_ARENA_SYSTEM_MEM].offset,
			    &system_mem) ||
	    !hs_window_word(&scan->window,
			    base + f[HS_FIELD_ARENA_MAX_SYSTEM_MEM].offset,
			    &max))
		return false;
	if (max < system_mem || (system_mem > 0 && system_mem < 4096))
		return false;
	if (!hs_layout_has(layout, HS_FIELD_ARENA_ATTACHED))
		return true;
	return hs_window_word(&scan->window,
			      base + f[HS_FIELD_ARENA_ATTACHED].offset,
			      &attached) &&
	       attached <= HS_LIMIT_THREADS;
}

/* Further evidence for an arena of the layout L at BASE. */
typedef bool (*row_test)(struct hs_scan *scan, const struct hs_bin_runs *runs,
			 hs_addr base, const struct hs_layout *l);

/* The built-in row that fits the arena whose bins stand at BINS. */
static bool row_that(row_test fits, struct hs_scan *scan,
		     const struct hs_bin_runs *runs, hs_addr bins,
		     struct hs_layout *layout)
{
	const struct hs_layout_row *row;
	unsigned word = scan->target->word_size;
	for (size_t i = 0; (row = hs_layout_builtin(HS_STRUCT_ARENA, word, i));
	     i++) {
		struct hs_layout l;
		hs_layout_init(&l, word);
		hs_layout_use_row(&l, row, HS_ORIGIN_BUILTIN);
		hs_layout_settle(&l);
		hs_addr base = bins - l.field[HS_FIELD_ARENA_BINS].offset;
		if (!hs_arena_sums_fit(scan, base, &l) ||
		    !fits(scan, runs, base, &l))
			continue;
		*layout = l;
		return true;
	}
	return false;
}

static bool on_ring(struct hs_scan *scan, const struct hs_bin_runs *runs,
		    hs_addr base, const struct hs_layout *l)
{
	(void)runs;
	return ring_closes(scan, base, l->field[HS_FIELD_ARENA_NEXT].offset);
}

bool hs_arena_row_by_ring(struct hs_scan *scan, hs_addr bins,
			  struct hs_layout *layout)
{
	return row_that(on_ring, scan, NULL, bins, layout);
}

static struct hs_field_pos one_word(size_t offset, unsigned word)
{
	return (struct hs_field_pos){ (uint16_t)offset, (uint16_t)word, 1 };
}

/*
 * No row fits: a release newer than this table. Bins, binmap and next have
 * kept their distances in every release, so the ring tells where the struct
 * begins, and what stands between follows.
 */
bool hs_arena_row_inferred(struct hs_scan *scan, hs_addr bins,
			   struct hs_layout *layout)
{
	unsigned w = scan->target->word_size;
	size_t next_after_bins = 254 * w + 16;
	for (unsigned k = 2 * w; k <= 256; k += w) {
		hs_addr base = bins - k;
		if (!ring_closes(scan, base, k + next_after_bins))
			continue;
		struct hs_layout l;
		hs_layout_init(&l, w);
		struct hs_field_pos *f = l.field;
		size_t next = k + next_after_bins;
		f[HS_FIELD_ARENA_MUTEX] = one_word(0, 4);
		f[HS_FIELD_ARENA_FLAGS] = one_word(4, 4);
		f[HS_FIELD_ARENA_TOP] = one_word(k - 2 * w, w);
		f[HS_FIELD_ARENA_BINS] =
			(struct hs_field_pos){ (uint16_t)k, (uint16_t)(254 * w),
					       254 };
		if (k >= 8 + 12 * w)
			f[HS_FIELD_ARENA_FASTBINS] =
				(struct hs_field_pos){ (uint16_t)(k - 12 * w),
						       (uint16_t)(10 * w), 10 };
		f[HS_FIELD_ARENA_NEXT] = one_word(next, w);
		f[HS_FIELD_ARENA_NEXT_FREE] = one_word(next + w, w);
		f[HS_FIELD_ARENA_ATTACHED] = one_word(next + 2 * w, w);
		f[HS_FIELD_ARENA_SYSTEM_MEM] = one_word(next + 3 * w, w);
		f[HS_FIELD_ARENA_MAX_SYSTEM_MEM] = one_word(next + 4 * w, w);
		l.struct_size[HS_STRUCT_ARENA] = (uint32_t)(next + 5 * w);
		l.origin[HS_STRUCT_ARENA] = HS_ORIGIN_INFERRED;
		if (!hs_arena_sums_fit(scan, base, &l))
			continue;
		hs_layout_settle(&l);
		*layout = l;
		return true;
	}
	return false;
}

/*
 * The ring of arenas is broken somewhere. The rest of it still tells where
 * structs begin: does the arena at BINS, were it ROW, lead to another one, or
 * another one here?
 */
static bool on_broken_ring(struct hs_scan *scan, const struct hs_bin_runs *runs,
			   hs_addr base, const struct hs_layout *l)
{
	hs_addr bins = base + l->field[HS_FIELD_ARENA_BINS].offset;
	uint64_t to_base = l->field[HS_FIELD_ARENA_BINS].offset;
	uint64_t to_next = l->field[HS_FIELD_ARENA_NEXT].offset - to_base;
	uint64_t own, next;
	if (!hs_window_word(&scan->window, bins + to_next, &own))
		own = 0;
	for (size_t i = 0; i < runs->count; i++) {
		hs_addr other = runs->run[i].bins;
		if (!runs->run[i].exact || other == bins)
			continue;
		if (own == other - to_base)
			return true;
		if (hs_window_word(&scan->window, other + to_next, &next) &&
		    next == bins - to_base)
			return true;
	}
	return false;
}

bool hs_arena_row_by_others(struct hs_scan *scan,
			    const struct hs_bin_runs *runs, hs_addr bins,
			    struct hs_layout *layout)
{
	return row_that(on_broken_ring, scan, runs, bins, layout);
}

/* Whatever stands in the fastbins leads to chunks of their sizes. */
static bool fastbins_fit(struct hs_scan *scan, hs_addr base,
			 const struct hs_layout *l)
{
	const struct hs_field_pos *fast = &l->field[HS_FIELD_ARENA_FASTBINS];
	unsigned w = l->word_size;
	for (unsigned i = 0; i < fast->count && fast->size; i++) {
		uint64_t chunk, size;
		if (!hs_window_word(&scan->window, base + fast->offset + i * w,
				    &chunk))
			return false;
		if (chunk == 0)
			continue;
		if (!hs_window_word(&scan->list_window, chunk + w, &size) ||
		    (size & ~(uint64_t)HS_SIZE_FLAGS) != (i + 2u) * 2 * w)
			return false;
	}
	return true;
}

/*
 * What is the same in all releases tells nothing. The version is in libc's
 * read-only data; without it malloc_par beside the arena narrows it down.
 */
bool hs_arena_row_alone(struct hs_scan *scan, hs_addr bins,
			struct hs_layout *layout)
{
	const struct hs_layout_row *row;
	unsigned word = scan->target->word_size, best = 0;
	size_t module = hs_target_find_module(scan->target, bins);
	unsigned version =
		module == SIZE_MAX ? 0 : hs_version_of_module(scan, module);
	for (size_t i = 0; (row = hs_layout_builtin(HS_STRUCT_ARENA, word, i));
	     i++) {
		struct hs_layout l;
		hs_layout_init(&l, word);
		hs_layout_use_row(&l, row, HS_ORIGIN_BUILTIN);
		hs_layout_settle(&l);
		hs_addr base = bins - l.field[HS_FIELD_ARENA_BINS].offset;
		if (!hs_arena_sums_fit(scan, base, &l) ||
		    !fastbins_fit(scan, base, &l))
			continue;
		unsigned points =
			version ? row->first <= version && version <= row->last
				: hs_malloc_par_points(scan, &l, base);
		/* 2.26 and 2.27 differ in nothing that matters here: rather the
		 * release that more people have. */
		if (points > 0 && points >= best) {
			best = points;
			*layout = l;
		}
	}
	return best > 0;
}

/* A thread arena follows its heap_info, whose first word points to it. */
bool hs_is_thread_arena(struct hs_scan *scan, hs_addr base)
{
	unsigned w = scan->target->word_size;
	static const unsigned words[] = { 4, 6 }; /* of heap_info */
	for (size_t i = 0; i < 2; i++) {
		hs_addr info = base - words[i] * (hs_addr)w;
		uint64_t ar_ptr;
		if (info % 0x10000 == 0 &&
		    hs_window_word(&scan->window, info, &ar_ptr) &&
		    ar_ptr == base)
			return true;
	}
	return false;
}
