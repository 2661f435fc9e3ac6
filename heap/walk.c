/* SPDX-License-Identifier: MIT */
#include "heap/walk.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/grow.h"
#include "core/prefetch.h"
#include "heap/arena.h"
#include "heap/bins.h"
#include "heap/chain.h"
#include "heap/linked.h"

/* Where a walk through one region stands. */
struct walker {
	struct hs_scan *scan;
	struct hs_heap *heap;
	struct hs_region *region;
	size_t claim; /* the first one at or behind the position */
	hs_addr top;  /* of this region's arena, if it can lie in here */
	uint64_t top_size;
	bool follows; /* the chunk before ends where the next begins */
};

static enum hs_status emit(struct walker *w, hs_addr at, uint64_t size,
			   unsigned flags, enum hs_chunk_state state,
			   uint32_t list, struct hs_error *err)
{
	struct hs_heap *heap = w->heap;
	enum hs_status st =
		hs_grow(&heap->chunks, &heap->chunk_capacity, heap->chunk_count,
			sizeof(*heap->chunks), err);
	if (st)
		return st;
	if (at >= HS_CHUNK_MAX_ADDR || size >= HS_CHUNK_MAX_SIZE)
		return hs_fail_at(err, HS_ERR_UNSUPPORTED, at,
				  "a chunk of %" PRIu64 " bytes at 0x%" PRIx64
				  " is beyond any known address space",
				  size, at);
	heap->chunks[heap->chunk_count++] = (struct hs_chunk){
		.addr = at & (HS_CHUNK_MAX_ADDR - 1),
		.state = (unsigned)state & 15,
		.flags = flags & HS_SIZE_FLAGS,
		.units = size / 8 & ((UINT64_C(1) << 40) - 1),
		.list = list & HS_MAX_LISTS,
	};
	w->region->count++;
	w->follows = true;
	return HS_OK;
}

static struct hs_chunk *last(struct walker *w)
{
	return w->region->count ? &w->heap->chunks[w->heap->chunk_count - 1]
				: NULL;
}

/* Bytes that hold no chunk we can tell: one entry, so that nothing is lost. */
static enum hs_status emit_unknown(struct walker *w, hs_addr from, hs_addr to,
				   struct hs_error *err)
{
	uint64_t size = (to - from) & ~UINT64_C(7);
	enum hs_status st =
		size ? emit(w, from, size, 0, HS_CHUNK_UNKNOWN, 0, err) : HS_OK;
	w->follows = false;
	return st;
}

static bool is_binned(const struct hs_chunk *c)
{
	return c->state == HS_CHUNK_UNSORTED || c->state == HS_CHUNK_SMALLBIN ||
	       c->state == HS_CHUNK_LARGEBIN;
}

/* A finding about a chunk, unless a call in progress explains it. */
static enum hs_status complain(struct walker *w, enum hs_finding what,
			       hs_addr at, const char *text,
			       struct hs_error *err)
{
	bool moving = hs_arena_in_motion(w->scan, w->region->arena);
	return hs_finding_add(&w->heap->findings,
			      moving ? HS_FINDING_IN_MOTION : what, at, err,
			      "the chunk at 0x%" PRIx64 " %s%s", at, text,
			      moving ? "; a thread was inside malloc" : "");
}

/* What the chunk at AT says about the one before it. */
static enum hs_status check_before(struct walker *w, hs_addr at, unsigned flags,
				   struct hs_error *err)
{
	struct hs_chunk *before = last(w);
	if (!before || !w->follows)
		return HS_OK;
	bool binned = is_binned(before);
	if (flags & HS_PREV_INUSE) {
		if (!binned)
			return HS_OK;
		return complain(w, HS_FINDING_LISTED_IN_USE, before->addr,
				"is on a list of free chunks, but the next "
				"chunk says it is in use",
				err);
	}
	uint64_t prev_size;
	if (!hs_window_word(&w->scan->window, at, &prev_size))
		return HS_OK;
	bool agrees = prev_size == hs_chunk_size(before);
	if (binned) {
		if (agrees)
			return HS_OK;
		return complain(w, HS_FINDING_PREV_SIZE, at,
				"gives another size for the free chunk before "
				"it than that chunk itself",
				err);
	}
	const uint64_t *met = w->heap->findings.count;
	bool lists_missing = met[HS_FINDING_LIST_UNREADABLE] ||
			     met[HS_FINDING_MAIN_ARENA_LOST] ||
			     met[HS_FINDING_ARENA_UNREADABLE];
	uint64_t moving = met[HS_FINDING_IN_MOTION];
	/* A size that is none speaks against the mark, not for it. */
	if (before->state == HS_CHUNK_USED && (agrees || lists_missing))
		before->state = HS_CHUNK_UNKNOWN;
	if (lists_missing)
		return complain(w, HS_FINDING_LIST_UNREADABLE, before->addr,
				"is free, but the list that it is on was not "
				"captured",
				err);
	enum hs_status st = complain(
		w, HS_FINDING_FREE_UNLISTED, before->addr,
		agrees ? "is marked free by its neighbour, but no list of free "
			 "chunks leads to it"
		       : "is on no list of free chunks, but the next chunk's "
			 "header says it is free; that header was probably "
			 "overwritten",
		err);
	/* In somebody's hands, on the way from one list to another. */
	if (met[HS_FINDING_IN_MOTION] > moving &&
	    before->state == HS_CHUNK_UNKNOWN)
		w->heap->arenas[w->region->arena].in_hand +=
			hs_chunk_size(before);
	return st;
}

static enum hs_status no_chunk(struct hs_scan *scan,
			       const struct hs_claim *claim,
			       struct hs_error *err)
{
	char name[96];
	hs_list_name(scan->heap, claim->list, name, sizeof(name));
	/* A chunk that is being merged leaves its list last. */
	return hs_finding_add(
		&scan->heap->findings,
		hs_list_in_motion(scan, claim->list) ? HS_FINDING_IN_MOTION
						     : HS_FINDING_LIST_NO_CHUNK,
		claim->addr, err,
		"%s leads to 0x%" PRIx64 ", where no chunk begins", name,
		claim->addr);
}

static enum hs_status on_two_lists(struct hs_scan *scan, hs_addr at,
				   uint32_t first, uint32_t second,
				   struct hs_error *err)
{
	char one[96], two[96];
	hs_list_name(scan->heap, first, one, sizeof(one));
	hs_list_name(scan->heap, second, two, sizeof(two));
	/* Nor do moves from list to list happen at once. */
	bool moving = hs_list_in_motion(scan, first) ||
		      hs_list_in_motion(scan, second);
	return hs_finding_add(
		&scan->heap->findings,
		moving ? HS_FINDING_IN_MOTION : HS_FINDING_CLAIMED_TWICE, at,
		err,
		"the chunk at 0x%" PRIx64 " is on two lists: %s, and %s; %s",
		at, one, two,
		moving ? "a thread was inside malloc" : "freed twice?");
}

/* Claims that lie before AT and met no chunk. */
static enum hs_status skip_claims(struct walker *w, hs_addr at,
				  struct hs_error *err)
{
	struct hs_free_index *index = &w->scan->free_index;
	for (; w->claim < index->count && index->claim[w->claim].addr < at;
	     w->claim++) {
		const struct hs_claim *c = &index->claim[w->claim];
		if (c->used)
			continue;
		enum hs_status st = no_chunk(w->scan, c, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* The list that claims the chunk at AT, 1 + index; 0: none. */
static enum hs_status take_claim(struct walker *w, hs_addr at, uint32_t *list,
				 struct hs_error *err)
{
	struct hs_free_index *index = &w->scan->free_index;
	*list = 0;
	enum hs_status st = skip_claims(w, at, err);
	for (; !st && w->claim < index->count &&
	       index->claim[w->claim].addr == at;
	     w->claim++) {
		struct hs_claim *c = &index->claim[w->claim];
		c->used = 1;
		if (*list == 0) {
			*list = c->list + 1;
			continue;
		}
		if (c->list + 1 == *list)
			continue; /* a cycle, reported where it was met */
		st = on_two_lists(w->scan, at, *list - 1, c->list, err);
	}
	return st;
}

/* Behind damage or a hole at AT: find where chunks go on. *AT moves there. */
static enum hs_status resync(struct walker *w, hs_addr *at, hs_addr from,
			     struct hs_error *err)
{
	hs_addr to = hs_chain_resync(w->scan, from, w->region->end, w->top);
	enum hs_status st = emit_unknown(w, *at, to, err);
	if (!st)
		st = skip_claims(w, to, err);
	*at = to;
	return st;
}

static enum hs_status unreadable(struct walker *w, hs_addr *at,
				 struct hs_error *err)
{
	w->scan->missing = true;
	enum hs_status st = hs_finding_add(
		&w->heap->findings, HS_FINDING_HEAP_UNREADABLE, *at, err,
		"heap memory from 0x%" PRIx64 " on was not captured", *at);
	return st ? st : resync(w, at, *at, err);
}

/* A chunk that leads past the next one: its size was overwritten. */
static enum hs_status wrong_size(struct walker *w, hs_addr at, uint64_t size,
				 hs_addr next, struct hs_error *err)
{
	char text[160];
	(void)snprintf(text, sizeof(text),
		       "gives its size as 0x%" PRIx64
		       ", but the next chunk begins 0x%" PRIx64
		       " bytes behind it: the size was overwritten",
		       size, next - at);
	return complain(w, HS_FINDING_CHUNK_SIZE, at, text, err);
}

/* Chunks that may lie between a wrong size and the place where it shows: what
 * looks like a header in somebody's data does not often do so twice. */
#define LOOK_BACK 4u

/*
 * No chunk begins at *AT. Was the walk led astray by one of the last chunks,
 * whose size is wrong and yet possible? Then that one is cut to what it was,
 * those made of other chunks' bytes are dropped, and *AT moves back.
 */
static enum hs_status led_astray(struct walker *w, hs_addr *at, bool *ret,
				 struct hs_error *err)
{
	struct hs_heap *heap = w->heap;
	const struct hs_layout *l = &heap->layout;
	*ret = false;
	for (size_t k = 1; k <= LOOK_BACK && k <= w->region->count; k++) {
		struct hs_chunk *c = &heap->chunks[heap->chunk_count - k];
		uint64_t size = hs_chunk_size(c);
		hs_addr next;
		if (c->state == HS_CHUNK_UNKNOWN ||
		    c->state == HS_CHUNK_INTERNAL)
			return HS_OK;
		if (size > l->min_size &&
		    hs_chain_inside(w->scan, c->addr + l->min_size, *at,
				    w->region->end, w->top, false, &next) &&
		    next < c->addr + size) {
			hs_addr addr = c->addr;
			if (c->list) {
				struct hs_list *list =
					&heap->lists[c->list - 1];
				list->bytes -= size - (next - addr);
			}
			c->units =
				(next - addr) / 8 & ((UINT64_C(1) << 40) - 1);
			heap->chunk_count -= k - 1;
			w->region->count -= k - 1;
			w->claim = hs_free_index_from(&w->scan->free_index,
						      addr + 1);
			*at = next;
			*ret = true;
			return wrong_size(w, addr, size, next, err);
		}
		if (c->list) /* a list knows it: it is no product of chance */
			return HS_OK;
	}
	return HS_OK;
}

/* Does the chunk at AT reach over others, which lists claim? *NEXT is where
 * the first of them begins. */
static bool reaches_over(struct walker *w, hs_addr at, uint64_t size,
			 hs_addr *next)
{
	const struct hs_free_index *index = &w->scan->free_index;
	const struct hs_layout *l = &w->heap->layout;
	size_t i = w->claim;
	while (i < index->count && index->claim[i].addr <= at)
		i++;
	if (i == index->count || index->claim[i].addr >= at + size)
		return false;
	uint64_t prev_size, flags;
	/* Free, and the chunk behind agrees: the claims are wrong. */
	if (hs_window_word(&w->scan->window, at + size, &prev_size) &&
	    hs_window_word(&w->scan->window, at + size + l->word_size,
			   &flags) &&
	    !(flags & HS_PREV_INUSE) && prev_size == size)
		return false;
	return hs_chain_inside(w->scan, at + l->min_size, at + size,
			       w->region->end, w->top, true, next);
}

static enum hs_status bad_size(struct walker *w, hs_addr *at,
			       struct hs_error *err)
{
	bool astray = false;
	if (w->follows && last(w)) {
		enum hs_status led = led_astray(w, at, &astray, err);
		if (led || astray)
			return led;
	}
	/* Not the value: it is what somebody wrote there, text as like as
	 * not, and messages go into tickets. */
	const struct hs_chunk *before = last(w);
	const char *text = "has an impossible size field";
	if (before && w->follows && before->state == HS_CHUNK_USED)
		text = "has an impossible size field; the block before it was "
		       "probably written past its end";
	enum hs_status st = complain(w, HS_FINDING_CHUNK_SIZE, *at, text, err);
	const struct hs_layout *l = &w->heap->layout;
	return st ? st : resync(w, at, *at + l->align, err);
}

/* Is the header at AT a fencepost, and of which size? */
static bool fencepost_at(struct walker *w, hs_addr at, uint64_t *size)
{
	unsigned flags;
	return at < w->region->end &&
	       hs_chain_header(w->scan, at, w->region->end, size, &flags) ==
		       HS_HEADER_FENCEPOST;
}

/*
 * Fenceposts close a piece: {2W|1}{0|1} at the end of a thread heap that has a
 * successor (a lone {0|1} when the old top was too small to be split), and two
 * or three {2W|1} in the main arena. Behind those the memory belongs to
 * somebody else who called sbrk(), until chunks go on. Anything else that looks
 * like a fencepost is a smashed header.
 */
static enum hs_status fenceposts(struct walker *w, hs_addr *at, uint64_t size,
				 struct hs_error *err)
{
	const struct hs_layout *l = &w->heap->layout;
	struct hs_arena *a = &w->heap->arenas[w->region->arena];
	hs_addr end = w->region->end, next = *at + l->header;
	struct hs_chunk *before = last(w);
	uint64_t after;
	bool pair = size != 0 && fencepost_at(w, next, &after);
	bool closes = size == 0 && !a->is_main && end - next < l->min_size;
	if (!pair && !closes)
		return bad_size(w, at, err);
	if (closes && before && w->follows && before->state == HS_CHUNK_USED &&
	    hs_chunk_size(before) <= l->min_size)
		before->state = HS_CHUNK_INTERNAL; /* too small to be freed */

	next = *at;
	do {
		enum hs_status st = emit(w, next, l->header, HS_PREV_INUSE,
					 HS_CHUNK_INTERNAL, 0, err);
		if (st)
			return st;
		next += l->header;
	} while (size != 0 && fencepost_at(w, next, &size));
	*at = next;
	if (end - next < l->min_size) {
		*at = end; /* slack of alignment */
		return HS_OK;
	}
	if (!a->is_main)
		return bad_size(w, at, err);

	hs_addr to = hs_chain_resync(w->scan, next, end, w->top);
	w->follows = false;
	a->holes += to - next;
	*at = to;
	return hs_finding_add(&w->heap->findings, HS_FINDING_FOREIGN_SBRK, next,
			      err,
			      "%" PRIu64 " bytes from 0x%" PRIx64
			      " lie inside the main heap but belong to another "
			      "caller of sbrk",
			      to - next, next);
}

static enum hs_status top(struct walker *w, hs_addr *at, struct hs_error *err)
{
	hs_addr end = w->region->end;
	uint64_t raw = 0;
	if (hs_window_word(&w->scan->window, *at + w->heap->layout.word_size,
			   &raw)) {
		enum hs_status st = check_before(
			w, *at, (unsigned)(raw & HS_SIZE_FLAGS), err);
		if (st)
			return st;
	}
	uint64_t size = w->top_size ? w->top_size : end - *at;
	enum hs_status st = emit(w, *at, size & ~UINT64_C(7),
				 raw & HS_SIZE_FLAGS, HS_CHUNK_TOP, 0, err);
	*at = end;
	return st;
}

/* How far ahead of the walk memory is asked for: a few chunks' worth, so that
 * the chain of sizes does not wait for each cache line in turn. */
#define AHEAD 1024u
#define LINE 64u

/*
 * The common case, chunk after chunk in use: no list claims it, its neighbour
 * has nothing to say about it. Everything else is left to the careful loop at
 * the place where this one stops, which is returned.
 */
static enum hs_status stride(struct walker *w, hs_addr *pos,
			     struct hs_error *err)
{
	struct hs_window *window = &w->scan->window;
	struct hs_heap *heap = w->heap;
	const struct hs_layout *l = &heap->layout;
	const struct hs_free_index *index = &w->scan->free_index;
	hs_addr at = *pos, stop = w->region->end;
	struct hs_chunk *before = last(w);
	if (l->word_size != 8 || window->big_endian || !before || !w->follows ||
	    is_binned(before))
		return HS_OK;
	if (w->claim < index->count && index->claim[w->claim].addr < stop)
		stop = index->claim[w->claim].addr;
	if (w->top != HS_NO_ADDR && w->top < stop)
		stop = w->top;
	if (at - window->start >= window->len && !hs_window_move(window, at))
		return HS_OK;
	const uint8_t *bytes = window->bytes; /* of window->start */
	hs_addr base = window->start;
	hs_addr readable = window->start + window->len;
	const uint64_t bad_bits = HS_IS_MMAPPED | (l->align - 1u - 7u);
	while (at < stop && readable - at > AHEAD + 4 * LINE) {
		uint64_t raw;
		memcpy(&raw, bytes + (at - base) + 8, sizeof(raw));
		for (unsigned n = 0; n < 4; n++)
			hs_prefetch(bytes + (at - base) + AHEAD + n * LINE);
		raw = le64toh(raw);
		uint64_t size = raw & ~(uint64_t)HS_SIZE_FLAGS;
		if ((raw & bad_bits) || !(raw & HS_PREV_INUSE) ||
		    size < l->min_size || size > stop - at ||
		    size >= readable - at)
			break;
		enum hs_status st =
			hs_grow(&heap->chunks, &heap->chunk_capacity,
				heap->chunk_count, sizeof(*heap->chunks), err);
		if (st)
			return st;
		heap->chunks[heap->chunk_count++] = (struct hs_chunk){
			.addr = at & (HS_CHUNK_MAX_ADDR - 1),
			.state = HS_CHUNK_USED,
			.flags = raw & HS_SIZE_FLAGS,
			.units = size / 8 & ((UINT64_C(1) << 40) - 1),
		};
		w->region->count++;
		at += size;
	}
	*pos = at;
	return HS_OK;
}

/* Singly linked lists check their sizes as they are walked; bins take their
 * chunks without a look at the size, as glibc does. */
static enum hs_status check_bin(struct walker *w, hs_addr at, uint64_t size,
				uint32_t list, struct hs_error *err)
{
	const struct hs_list *l = &w->heap->lists[list - 1];
	if ((l->state != HS_CHUNK_SMALLBIN && l->state != HS_CHUNK_LARGEBIN) ||
	    hs_bin_takes(&w->heap->layout, l->index, size))
		return HS_OK;
	return complain(w, HS_FINDING_LIST_SIZE, at,
			"is in a bin for chunks of another size", err);
}

static enum hs_status walk_region(struct walker *w, struct hs_error *err)
{
	struct hs_scan *scan = w->scan;
	const struct hs_layout *l = &w->heap->layout;
	hs_addr at = w->region->first, end = w->region->end;
	enum hs_status st = HS_OK;
	while (!st && at < end) {
		st = stride(w, &at, err);
		if (st || at >= end)
			break;
		if (at == w->top) {
			st = top(w, &at, err);
			continue;
		}
		if (end - at < l->header) {
			at = end; /* slack of alignment */
			break;
		}
		uint64_t size;
		unsigned flags;
		switch (hs_chain_header(scan, at, end, &size, &flags)) {
		case HS_HEADER_UNREADABLE:
			st = unreadable(w, &at, err);
			continue;
		case HS_HEADER_BAD:
			st = bad_size(w, &at, err);
			continue;
		case HS_HEADER_FENCEPOST:
			st = check_before(w, at, flags, err);
			if (!st)
				st = fenceposts(w, &at, size, err);
			continue;
		case HS_HEADER_CHUNK:
			break;
		}
		if (w->top > at && w->top != HS_NO_ADDR && w->top < at + size) {
			/* It would swallow the top. */
			st = bad_size(w, &at, err);
			continue;
		}
		uint32_t list;
		hs_addr next;
		st = check_before(w, at, flags, err);
		if (!st && reaches_over(w, at, size, &next)) {
			st = wrong_size(w, at, size, next, err);
			size = next - at;
		}
		if (!st)
			st = take_claim(w, at, &list, err);
		if (st)
			break;
		enum hs_chunk_state state = HS_CHUNK_USED;
		if (list) {
			state = (enum hs_chunk_state)w->heap->lists[list - 1]
					.state;
			hs_list_count(w->heap, list - 1, size);
			st = check_bin(w, at, size, list, err);
			if (st)
				break;
		}
		st = emit(w, at, size, flags, state, list, err);
		at += size;
	}
	if (!st)
		st = skip_claims(w, end, err);
	return st;
}

/* heap_info and, in an arena's first heap, the arena itself. */
static enum hs_status header(struct walker *w, struct hs_error *err)
{
	const struct hs_region *r = w->region;
	if (w->heap->arenas[r->arena].is_main || r->first == r->start)
		return HS_OK; /* the main arena's front pad is no header */
	uint64_t size = r->first - r->start;
	enum hs_status st = HS_OK;
	if (size % 8 == 0)
		st = emit(w, r->start, size, 0, HS_CHUNK_INTERNAL, 0, err);
	w->follows = false;
	return st;
}

/* An mmapped chunk has a region to itself; it was checked when found. */
static enum hs_status mmapped(struct walker *w, struct hs_error *err)
{
	const struct hs_layout *l = &w->heap->layout;
	uint64_t raw;
	hs_addr at = w->region->first;
	if (!hs_window_word(&w->scan->window, at + l->word_size, &raw))
		return HS_OK;
	uint32_t list;
	enum hs_status st = take_claim(w, at, &list, err);
	if (st)
		return st;
	uint64_t size = raw & ~(uint64_t)HS_SIZE_FLAGS;
	if (list)
		hs_list_count(w->heap, list - 1, size);
	st = emit(w, at, size, (unsigned)(raw & HS_SIZE_FLAGS),
		  list ? (enum hs_chunk_state)w->heap->lists[list - 1].state
		       : HS_CHUNK_MMAPPED,
		  list, err);
	return st ? st : skip_claims(w, w->region->end, err);
}

enum hs_status hs_walk(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	struct walker w = { .scan = scan, .heap = heap };
	for (size_t r = 0; r < heap->region_count; r++) {
		struct hs_region *region = &heap->regions[r];
		w.region = region;
		w.follows = false;
		w.top = HS_NO_ADDR;
		region->chunk = heap->chunk_count;
		region->count = 0;
		enum hs_status st = skip_claims(&w, region->start, err);
		if (!st && region->arena == HS_NO_ARENA) {
			st = mmapped(&w, err);
		} else if (!st) {
			const struct hs_arena *a = &heap->arenas[region->arena];
			if (a->top != HS_NO_ADDR && a->top >= region->first &&
			    a->top < region->end) {
				w.top = a->top;
				w.top_size = a->top_size;
			}
			st = header(&w, err);
			if (!st)
				st = walk_region(&w, err);
		}
		if (!st)
			st = hs_scan_progress(scan, "walking the heap", r + 1,
					      heap->region_count, err);
		if (st)
			return st;
	}
	w.region = NULL;
	return skip_claims(&w, HS_NO_ADDR, err);
}

enum hs_status hs_walk_claim_late(struct hs_scan *scan, size_t first,
				  struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	for (size_t i = first; i < scan->free_index.count; i++) {
		const struct hs_claim *claim = &scan->free_index.claim[i];
		size_t at;
		if (!hs_heap_chunk_at(heap, claim->addr, &at)) {
			enum hs_status st = no_chunk(scan, claim, err);
			if (st)
				return st;
			continue;
		}
		struct hs_chunk *c = &heap->chunks[at];
		if (c->state != HS_CHUNK_USED && c->state != HS_CHUNK_MMAPPED) {
			/* A cycle was reported where it was met. */
			enum hs_status st =
				c->list && c->list != claim->list + 1
					? on_two_lists(scan, c->addr,
						       c->list - 1, claim->list,
						       err)
					: HS_OK;
			if (st)
				return st;
			continue;
		}
		c->state = HS_CHUNK_TCACHE;
		c->list = (claim->list + 1) & HS_MAX_LISTS;
		hs_list_count(heap, claim->list, hs_chunk_size(c));
	}
	return HS_OK;
}
