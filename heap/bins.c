/* SPDX-License-Identifier: MIT */
#include "heap/bins.h"

#include <inttypes.h>

#include "heap/arena.h"
#include "heap/linked.h"

/* Chunks that fit into all arenas: no list of distinct chunks is longer. */
static uint64_t most_chunks(const struct hs_scan *scan)
{
	return scan->total_system_mem / scan->heap->layout.min_size + 1;
}

static enum hs_status fastbins(struct hs_scan *scan, uint32_t arena,
			       struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_layout *l = &heap->layout;
	const struct hs_field_pos *fast = &l->field[HS_FIELD_ARENA_FASTBINS];
	hs_addr base = heap->arenas[arena].addr;
	for (unsigned i = 0; i < fast->count && fast->size; i++) {
		uint64_t first;
		if (!hs_window_word(&scan->window,
				    base + fast->offset + i * l->word_size,
				    &first) ||
		    first == 0)
			continue;
		struct hs_list list = { .state = HS_CHUNK_FASTBIN,
					.index = (uint16_t)i,
					.owner = arena,
					.addr = base };
		uint32_t index;
		enum hs_status st = hs_list_add(heap, &list, &index, err);
		if (st)
			return st;
		/* fastbin_index: (size >> 4) - 2, with 32 bit (size >> 3) - 2.
		 * The list is chained through the first user word. */
		uint64_t size =
			l->word_size == 8 ? (i + 2u) << 4 : (i + 2u) << 3;
		struct hs_linked linked = {
			.first = first,
			.header = l->header,
			.to_link = l->header,
			.max_entries = most_chunks(scan),
			.min_size = size,
			.max_size = size,
		};
		uint64_t count;
		st = hs_linked_walk(scan, &linked, index, &count, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* Walking a bin one way. fd leads on, bk must lead back, or the reverse. */
struct way {
	unsigned on, back; /* offsets from the chunk header */
};

enum end { END_CLOSED, END_BROKEN, END_UNREADABLE };

/* From the chunk AT on, which HEAD leads to. */
static enum hs_status follow(struct hs_scan *scan, hs_addr head, hs_addr at,
			     const struct way *way, uint32_t list,
			     enum end *end, hs_addr *where,
			     struct hs_error *err)
{
	const struct hs_layout *l = &scan->heap->layout;
	hs_addr before = head;
	*end = END_BROKEN;
	*where = head;
	/* Each step is checked against the one before, so a cycle that does
	 * not lead back to the head breaks at its first chunk. */
	for (uint64_t n = 0; at != head && n <= most_chunks(scan); n++) {
		uint64_t on, back;
		*where = at;
		if ((at + l->header) % l->align != 0)
			return HS_OK;
		if (!hs_window_word(&scan->list_window, at + way->on, &on) ||
		    !hs_window_word(&scan->list_window, at + way->back,
				    &back)) {
			if (scan->list_window.why == HS_ERR_NOT_CAPTURED)
				*end = END_UNREADABLE;
			return HS_OK;
		}
		if (back != before)
			return HS_OK;
		enum hs_status st =
			hs_free_index_add(&scan->free_index, at, list, err);
		if (st)
			return st;
		before = at;
		at = on;
	}
	if (at == head)
		*end = END_CLOSED;
	return HS_OK;
}

static uint8_t bin_state(unsigned bin)
{
	if (bin == 1)
		return HS_CHUNK_UNSORTED;
	return bin <= HS_BIN_LAST_SMALL ? HS_CHUNK_SMALLBIN : HS_CHUNK_LARGEBIN;
}

static enum hs_status broken(struct hs_scan *scan, uint32_t arena,
			     uint32_t list, enum end end, hs_addr where,
			     struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	char name[96];
	hs_list_name(heap, list, name, sizeof(name));
	if (end == END_UNREADABLE) {
		scan->missing = true;
		return hs_finding_add(
			&heap->findings, HS_FINDING_LIST_UNREADABLE, where, err,
			"%s: chunk 0x%" PRIx64 " was not captured", name,
			where);
	}
	enum hs_finding what = hs_arena_in_motion(scan, arena)
				       ? HS_FINDING_IN_MOTION
				       : HS_FINDING_LIST_LINK;
	return hs_finding_add(&heap->findings, what, where, err,
			      "%s: the links around 0x%" PRIx64
			      " do not lead to one another",
			      name, where);
}

enum hs_status hs_bin_walk(struct hs_scan *scan, uint32_t arena, unsigned i,
			   hs_addr head, hs_addr first, hs_addr last,
			   struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_layout *l = &heap->layout;
	const struct way forward = { 2 * l->word_size, 3 * l->word_size };
	const struct way backward = { 3 * l->word_size, 2 * l->word_size };
	struct hs_list list = { .state = bin_state(i),
				.index = (uint16_t)i,
				.owner = arena,
				.addr = heap->arenas[arena].addr };
	uint32_t index;
	enum hs_status st = hs_list_add(heap, &list, &index, err);
	if (st)
		return st;
	enum end end, other;
	hs_addr where, elsewhere;
	if (first != HS_NO_ADDR) {
		st = follow(scan, head, first, &forward, index, &end, &where,
			    err);
		if (st || end == END_CLOSED)
			return st;
		st = broken(scan, arena, index, end, where, err);
		if (st)
			return st;
	}
	if (last == HS_NO_ADDR)
		return HS_OK;
	return follow(scan, head, last, &backward, index, &other, &elsewhere,
		      err);
}

enum hs_status hs_bins_walk(struct hs_scan *scan, uint32_t arena,
			    struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_layout *l = &heap->layout;
	const struct hs_arena *a = &heap->arenas[arena];
	enum hs_status st = fastbins(scan, arena, err);
	if (st)
		return st;
	hs_addr bins = a->addr + l->field[HS_FIELD_ARENA_BINS].offset;
	for (unsigned i = 1; i <= HS_BIN_LAST; i++) {
		hs_addr pair = bins + (i - 1) * l->header;
		hs_addr head = pair - l->header;
		uint64_t fd, bk;
		if (!hs_window_word(&scan->window, pair, &fd) ||
		    !hs_window_word(&scan->window, pair + l->word_size, &bk)) {
			scan->missing = true;
			return hs_finding_add(&heap->findings,
					      HS_FINDING_ARENA_UNREADABLE,
					      a->addr, err,
					      "the bins of the arena at "
					      "0x%" PRIx64 " were not captured",
					      a->addr);
		}
		/* All zero: an arena that was never used. */
		if ((fd == head && bk == head) || (fd == 0 && bk == 0))
			continue;
		st = hs_bin_walk(scan, arena, i, head, fd, bk, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/*
 * glibc's largebin_index: the bins behind the first, finely spaced ones are
 * 512, 4096, 32768 and 262144 bytes wide. The first ones are 64 wide, and
 * where they begin and end depends on word size and alignment.
 */
static unsigned large_index(const struct hs_layout *l, uint64_t size)
{
	unsigned fine = 56, last_fine = 38;
	if (l->word_size == 8)
		fine = last_fine = 48;
	else if (l->align == 16)
		fine = 49, last_fine = 45;
	if (size >> 6 <= last_fine)
		return fine + (unsigned)(size >> 6);
	if (size >> 9 <= 20)
		return 91 + (unsigned)(size >> 9);
	if (size >> 12 <= 10)
		return 110 + (unsigned)(size >> 12);
	if (size >> 15 <= 4)
		return 119 + (unsigned)(size >> 15);
	if (size >> 18 <= 2)
		return 124 + (unsigned)(size >> 18);
	return 126;
}

bool hs_bin_takes(const struct hs_layout *layout, unsigned index, uint64_t size)
{
	/* i386 since 2.26: chunks of 16 bytes spacing, but bin 2 must stay
	 * the smallest chunk's. */
	unsigned shift = layout->align > layout->header ? 1 : 0;
	if (index == 1)
		return true;
	if (index <= HS_BIN_LAST_SMALL)
		return size == (uint64_t)(index - shift) * layout->align;
	return size >= (uint64_t)(HS_BIN_LAST_SMALL + 1 - shift) *
			       layout->align &&
	       index == large_index(layout, size);
}
