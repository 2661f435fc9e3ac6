/* SPDX-License-Identifier: MIT */
#include "heap/tcache.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "heap/cache_slots.h"
#include "heap/interrupted.h"
#include "heap/linked.h"
#include "heap/walk.h"

/* Counters are 16 bits wide, so no honest list is longer. */
#define MAX_ENTRIES UINT16_MAX

static uint64_t chunk_size_for(const struct hs_layout *l, uint64_t bytes)
{
	uint64_t size = bytes + l->word_size + l->align - 1;
	size -= size % l->align;
	return size < l->min_size ? l->min_size : size;
}

bool hs_tcache_size_fits(const struct hs_layout *layout, uint32_t struct_size,
			 uint64_t size)
{
	uint64_t nominal = chunk_size_for(layout, struct_size);
	return struct_size > 0 && size >= nominal &&
	       size <= nominal + 2 * (uint64_t)layout->align;
}

/* Bins of the structure, and how one counter reads. */
struct bins {
	unsigned count, counter_size;
	bool counts_down; /* num_slots: the room left, not the entries held */
	uint64_t counters, entries; /* offsets */
};

static bool bins_of(const struct hs_layout *l, struct bins *ret)
{
	enum hs_field f = hs_layout_has(l, HS_FIELD_TCACHE_NUM_SLOTS)
				  ? HS_FIELD_TCACHE_NUM_SLOTS
				  : HS_FIELD_TCACHE_COUNTS;
	const struct hs_field_pos *c = &l->field[f];
	const struct hs_field_pos *e = &l->field[HS_FIELD_TCACHE_ENTRIES];
	if (!c->size || !e->size || e->count > c->count)
		return false;
	*ret = (struct bins){
		.count = e->count,
		.counter_size = c->size / c->count,
		.counts_down = f == HS_FIELD_TCACHE_NUM_SLOTS,
		.counters = c->offset,
		.entries = e->offset,
	};
	return true;
}

static bool read_bin(struct hs_scan *scan, const struct hs_layout *l,
		     const struct bins *b, hs_addr tcache, unsigned i,
		     uint64_t *counter, hs_addr *first)
{
	return hs_window_uint(&scan->window,
			      tcache + b->counters + i * b->counter_size,
			      b->counter_size, counter) &&
	       hs_window_word(&scan->window,
			      tcache + b->entries + i * l->word_size, first);
}

/*
 * Entries that bin I should hold. From 2.42 on the room that an empty bin has
 * comes from mp_; without mp_ the roomiest bin tells.
 */
static bool expected(const struct bins *b, uint64_t counter, uint64_t slots,
		     uint64_t *ret)
{
	if (!b->counts_down) {
		*ret = counter;
		return true;
	}
	if (slots == HS_UNKNOWN || counter > slots)
		return false;
	*ret = slots - counter;
	return true;
}

static uint64_t slots_of(struct hs_scan *scan, const struct hs_layout *l,
			 const struct bins *b, hs_addr tcache)
{
	if (!b->counts_down || scan->tcache_slots != HS_UNKNOWN)
		return scan->tcache_slots;
	uint64_t most = 0, counter;
	hs_addr first;
	for (unsigned i = 0; i < b->count; i++)
		if (read_bin(scan, l, b, tcache, i, &counter, &first) &&
		    counter > most)
			most = counter;
	return most;
}

static bool in_writable(const struct hs_scan *scan, hs_addr addr)
{
	const struct hs_map *map = hs_target_find_map(scan->target, addr);
	return map && hs_scan_writable(map);
}

/* Does bin I look as it must? *WANT is how many entries it should hold. */
static bool bin_fits(struct hs_scan *scan, const struct hs_layout *layout,
		     const struct bins *b, hs_addr tcache, unsigned i,
		     uint64_t slots, uint64_t *want)
{
	uint64_t counter, size;
	hs_addr first;
	if (!read_bin(scan, layout, b, tcache, i, &counter, &first) ||
	    !expected(b, counter, slots, want) || (*want == 0) != (first == 0))
		return false;
	if (first == 0)
		return true;
	if (first % layout->align != 0 || !in_writable(scan, first) ||
	    !hs_window_word(&scan->list_window, first - layout->word_size,
			    &size))
		return false;
	size &= ~(uint64_t)HS_SIZE_FLAGS;
	return i >= HS_TCACHE_SMALL_BINS ||
	       size == layout->min_size + (uint64_t)i * layout->align;
}

unsigned hs_tcache_odd_bins(struct hs_scan *scan,
			    const struct hs_layout *layout, hs_addr tcache,
			    uint64_t *chunks)
{
	struct bins b;
	unsigned odd = 0;
	*chunks = 0;
	if (!bins_of(layout, &b))
		return UINT_MAX;
	uint64_t slots = slots_of(scan, layout, &b, tcache);
	for (unsigned i = 0; i < b.count; i++) {
		uint64_t want;
		if (bin_fits(scan, layout, &b, tcache, i, slots, &want))
			*chunks += want;
		else
			odd++;
	}
	return odd;
}

bool hs_tcache_shape(struct hs_scan *scan, const struct hs_layout *layout,
		     hs_addr tcache, uint64_t *chunks)
{
	return hs_tcache_odd_bins(scan, layout, tcache, chunks) == 0;
}

/* ---- are links mangled? ---- */

struct votes {
	unsigned plain, mangled;
};

static void vote(struct hs_scan *scan, hs_addr entry, struct votes *votes)
{
	const struct hs_layout *l = &scan->heap->layout;
	uint64_t stored;
	if (entry == 0 || !in_writable(scan, entry) ||
	    !hs_window_word(&scan->list_window, entry, &stored))
		return;
	hs_addr revealed = hs_link_reveal(stored, entry);
	if (l->word_size == 4)
		revealed &= UINT32_MAX;
	bool plain = stored == 0 ||
		     (stored % l->word_size == 0 && in_writable(scan, stored));
	bool mangled = revealed == 0 || (revealed % l->word_size == 0 &&
					 in_writable(scan, revealed));
	votes->plain += plain && !mangled;
	votes->mangled += mangled && !plain;
}

void hs_tcache_settle_linking(struct hs_scan *scan)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_layout *l = &heap->layout;
	struct votes votes = { 0 };
	struct bins b;
	if (bins_of(l, &b))
		for (size_t t = 0; t < heap->thread_count; t++) {
			uint64_t counter;
			hs_addr first;
			if (heap->threads[t].tcache == HS_NO_ADDR)
				continue;
			for (unsigned i = 0; i < b.count; i++)
				if (read_bin(scan, l, &b,
					     heap->threads[t].tcache, i,
					     &counter, &first))
					vote(scan, first, &votes);
		}
	const struct hs_field_pos *fast = &l->field[HS_FIELD_ARENA_FASTBINS];
	for (size_t a = 0; a < heap->arena_count && fast->size; a++)
		for (unsigned i = 0; i < fast->count; i++) {
			uint64_t first;
			if (hs_window_word(&scan->window,
					   heap->arenas[a].addr + fast->offset +
						   i * l->word_size,
					   &first) &&
			    first != 0)
				vote(scan, first + l->header, &votes);
		}
	if (votes.plain != votes.mangled)
		heap->safe_linking = votes.mangled > votes.plain;
	else if (heap->version)
		heap->safe_linking = heap->version >= 32;
	else
		heap->safe_linking = l->first >= 32;
}

/* ---- the walk ---- */

enum hs_status hs_tcache_walk(struct hs_scan *scan, hs_addr tcache,
			      uint32_t owner, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_layout *l = &heap->layout;
	struct bins b;
	if (!bins_of(l, &b))
		return HS_OK;
	uint64_t slots = slots_of(scan, l, &b, tcache);
	for (unsigned i = 0; i < b.count; i++) {
		uint64_t counter, want = 0, met = 0;
		hs_addr first;
		if (!read_bin(scan, l, &b, tcache, i, &counter, &first)) {
			scan->missing = true;
			return hs_finding_add(
				&heap->findings, HS_FINDING_TCACHE_UNREADABLE,
				tcache, err,
				"the tcache at 0x%" PRIx64 " was not captured",
				tcache);
		}
		bool counted = expected(&b, counter, slots, &want);
		const uint64_t *cut =
			&heap->findings.count[HS_FINDING_LIST_UNREADABLE];
		uint64_t cut_before = *cut;
		uint32_t index;
		if (first != 0) {
			struct hs_list list = { .state = HS_CHUNK_TCACHE,
						.index = (uint16_t)i,
						.owner = owner,
						.addr = tcache };
			enum hs_status st =
				hs_list_add(heap, &list, &index, err);
			if (st)
				return st;
			struct hs_linked linked = {
				.first = first,
				.header = l->header,
				.max_entries = MAX_ENTRIES,
				.max_size = UINT64_MAX,
			};
			if (i < HS_TCACHE_SMALL_BINS)
				linked.min_size = linked.max_size =
					l->min_size + (uint64_t)i * l->align;
			st = hs_linked_walk(scan, &linked, index, &met, err);
			if (st)
				return st;
		}
		if ((counted && want == met) || *cut != cut_before)
			continue;
		bool busy = owner != HS_NO_ARENA && hs_cache_busy(scan, owner);
		enum hs_finding what =
			busy ? HS_FINDING_IN_MOTION : HS_FINDING_TCACHE_COUNT;
		enum hs_status st = hs_finding_add(
			&heap->findings, what, tcache, err,
			"bin %u of the tcache at 0x%" PRIx64 " holds %" PRIu64
			" chunks, its counter says %" PRIu64,
			i, tcache, met,
			b.counts_down && counted ? want : counter);
		if (st)
			return st;
	}
	return HS_OK;
}

/* ---- by shape, after the walk ---- */

static bool is_known(const struct hs_heap *heap, hs_addr tcache)
{
	for (size_t t = 0; t < heap->thread_count; t++)
		if (heap->threads[t].tcache == tcache)
			return true;
	return false;
}

/* Rows to try when the layout itself does not say. */
static bool shape_of_any(struct hs_scan *scan, hs_addr tcache, uint64_t size,
			 uint64_t *chunks)
{
	struct hs_layout *l = &scan->heap->layout;
	if (l->origin[HS_STRUCT_TCACHE] != HS_ORIGIN_NONE)
		return hs_tcache_size_fits(l, l->struct_size[HS_STRUCT_TCACHE],
					   size) &&
		       hs_tcache_shape(scan, l, tcache, chunks);
	const struct hs_layout_row *row;
	for (size_t i = 0;
	     (row = hs_layout_builtin(HS_STRUCT_TCACHE, l->word_size, i));
	     i++) {
		struct hs_layout trial = *l;
		if (row->last < l->first || row->first > l->last ||
		    !hs_tcache_size_fits(l, row->struct_size, size))
			continue;
		hs_layout_use_row(&trial, row, HS_ORIGIN_BUILTIN);
		if (!hs_tcache_shape(scan, &trial, tcache, chunks) ||
		    *chunks == 0)
			continue;
		*l = trial;
		return true;
	}
	return false;
}

/* Is every thread's cache known, or known to be absent? */
static bool all_known(const struct hs_heap *heap)
{
	if (heap->thread_count == 0)
		return false;
	for (size_t t = 0; t < heap->thread_count; t++)
		if (!heap->threads[t].tcache_known)
			return false;
	/* 2.26 leaked the caches of threads that ended; its counters are bytes,
	 * as in the three releases that followed. */
	const struct hs_field_pos *c =
		&heap->layout.field[HS_FIELD_TCACHE_COUNTS];
	bool bytes = c->size && c->size == c->count;
	return !bytes || (heap->version && heap->version != 26);
}

enum hs_status hs_tcache_find_by_shape(struct hs_scan *scan,
				       struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	if (heap->layout.last < 26 || (all_known(heap) && scan->further_known))
		return HS_OK;
	size_t found = 0, before = scan->free_index.count;
	hs_addr at = HS_NO_ADDR;
	bool linking_settled = false;
	for (size_t t = 0; t < heap->thread_count; t++)
		linking_settled |= heap->threads[t].tcache_count > 0;
	for (size_t i = 0; i < heap->chunk_count; i++) {
		struct hs_chunk *c = &heap->chunks[i];
		hs_addr tcache = c->addr + heap->layout.header;
		uint64_t chunks;
		if (c->state != HS_CHUNK_USED || is_known(heap, tcache) ||
		    !shape_of_any(scan, tcache, hs_chunk_size(c), &chunks) ||
		    chunks == 0)
			continue;
		if (!linking_settled) {
			/* No list was known when this was decided. */
			struct hs_thread_heap self = { .tcache = tcache };
			struct hs_thread_heap *threads = heap->threads;
			size_t count = heap->thread_count;
			heap->threads = &self;
			heap->thread_count = 1;
			hs_tcache_settle_linking(scan);
			heap->threads = threads;
			heap->thread_count = count;
			linking_settled = true;
		}
		enum hs_status st =
			hs_tcache_walk(scan, tcache, HS_NO_ARENA, err);
		if (st)
			return st;
		c->state = HS_CHUNK_INTERNAL;
		at = tcache;
		found++;
	}
	if (found == 0)
		return HS_OK;
	enum hs_status st = hs_walk_claim_late(scan, before, err);
	if (st)
		return st;
	if (heap->tcache_source == HS_PLACE_NONE)
		heap->tcache_source = HS_PLACE_EVIDENCE;
	size_t left;
	st = hs_cache_slots_find(scan, &left, err);
	if (st || left == 0)
		return st;
	return hs_finding_add(
		&heap->findings, HS_FINDING_TCACHE_BY_SHAPE, at, err,
		"%zu tcache%s found by shape, not through a "
		"thread: which thread owns %s is not known",
		left, left == 1 ? " was" : "s were", left == 1 ? "it" : "them");
}
