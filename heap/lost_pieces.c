/* SPDX-License-Identifier: MIT */
#include "heap/lost_pieces.h"

#include <stdlib.h>

#include "core/grow.h"
#include "heap/arena_rows.h"
#include "heap/chain.h"

#define PAGE UINT64_C(4096)

/* A chunk and a top that end exactly where the memory does, each size led to:
 * other data does not do that. */
#define FEW_LINKS 2u
/* Where the chain ends otherwise: as many as tell chunks from chance. */
#define ENOUGH_LINKS 8u

/* Heaps of threads begin at multiples of it, at least. */
#define HEAP_STEP (UINT64_C(1) << 20)
/* A heap_info begins alike in every release: arena, previous heap, size, and
 * how much of it was ever writable. Counted in words. */
#define INFO_SIZE 2u
#define INFO_WRITABLE 3u

/* Thread-local storage of a static program stands before the first chunk; it
 * was never seen to be larger. */
#define BEFORE_FIRST (4 * PAGE)

enum stop {
	STOP_END,        /* the last chunk is a top */
	STOP_FENCE,      /* two fenceposts */
	STOP_BAD,        /* no chunk of a main arena */
	STOP_UNREADABLE, /* not captured */
};

struct run {
	hs_addr reached, last; /* last: the last chunk's header */
	uint64_t links;
};

/*
 * A top takes all that is left, so its size may be no multiple of the alignment
 * (i386). It ends with the memory, or where something else begins: zeroes, an
 * mmapped chunk.
 */
static bool is_top(struct hs_scan *scan, hs_addr at, hs_addr limit,
		   hs_addr *end)
{
	unsigned w = scan->target->word_size;
	uint64_t raw, behind;
	if (!hs_window_word(&scan->window, at + w, &raw) ||
	    (raw & HS_SIZE_FLAGS) != HS_PREV_INUSE)
		return false;
	uint64_t size = raw & ~(uint64_t)HS_SIZE_FLAGS;
	if (size < scan->heap->layout.min_size || size > limit - at ||
	    (at + size) % PAGE != 0)
		return false;
	*end = at + size;
	return *end == limit ||
	       (hs_window_word(&scan->window, *end + w, &behind) &&
		(behind == 0 || (behind & HS_SIZE_FLAGS) == HS_IS_MMAPPED));
}

/* Chunk after chunk from FIRST on. */
static enum stop follow(struct hs_scan *scan, hs_addr first, hs_addr limit,
			struct run *run)
{
	const struct hs_layout *l = &scan->heap->layout;
	*run = (struct run){ first, HS_NO_ADDR, 0 };
	for (;;) {
		uint64_t size, next;
		unsigned flags;
		hs_addr end;
		if (run->links > 0 && is_top(scan, run->reached, limit, &end)) {
			run->last = run->reached;
			run->reached = end;
			run->links++;
			return STOP_END;
		}
		switch (hs_chain_header(scan, run->reached, limit, &size,
					&flags)) {
		case HS_HEADER_CHUNK:
			if ((flags & HS_NON_MAIN) ||
			    (run->links == 0 && !(flags & HS_PREV_INUSE)))
				return STOP_BAD;
			run->last = run->reached;
			run->reached += size;
			run->links++;
			break;
		case HS_HEADER_FENCEPOST:
			if (size != l->header ||
			    hs_chain_header(scan, run->reached + l->header,
					    limit, &next,
					    &flags) != HS_HEADER_FENCEPOST ||
			    next != l->header)
				return STOP_BAD;
			run->reached += 2 * (hs_addr)l->header;
			return STOP_FENCE;
		case HS_HEADER_UNREADABLE:
			return STOP_UNREADABLE;
		default:
			return STOP_BAD;
		}
	}
}

static hs_addr first_chunk(const struct hs_scan *scan, hs_addr at)
{
	const struct hs_layout *l = &scan->heap->layout;
	uint64_t off = (at + l->header) % l->align;
	return off ? at + l->align - off : at;
}

/* Does a piece begin with a chunk at FIRST? LIMIT is the end of the memory.
 * PATIENT: it is known to be the heap, however soon the chain breaks. */
static bool piece_at(struct hs_scan *scan, hs_addr first, hs_addr limit,
		     bool patient, struct hs_lost_piece *p)
{
	hs_addr at = first;
	p->first = first;
	p->top = HS_NO_ADDR;
	p->links = 0;
	p->fenced = false;
	for (;;) {
		struct run run;
		enum stop stop = follow(scan, at, limit, &run);
		p->links += run.links;
		p->end = limit;
		if (stop == STOP_END) {
			p->end = run.reached;
			p->top = run.last;
			return p->links >= FEW_LINKS;
		}
		hs_addr from = run.reached;
		if (stop == STOP_FENCE) {
			if (p->links < FEW_LINKS)
				return false;
			/* The memory of another caller of sbrk may follow, or
			 * another piece. */
			hs_addr next = hs_align_up(run.reached, PAGE);
			struct run other;
			if (next >= limit ||
			    follow(scan, first_chunk(scan, next), limit,
				   &other) != STOP_BAD) {
				p->end = next < limit ? next : limit;
				p->fenced = true;
				return true;
			}
		} else if (p->links < ENOUGH_LINKS && !patient) {
			return false;
		} else {
			from += scan->heap->layout.align;
		}
		at = hs_chain_resync(scan, from, limit, HS_NO_ADDR);
		if (at < limit)
			continue;
		if (stop == STOP_FENCE) {
			p->end = hs_align_up(run.reached, PAGE);
			p->fenced = true;
		}
		return p->links >= FEW_LINKS;
	}
}

static enum hs_status add(struct hs_lost_pieces *pieces,
			  const struct hs_lost_piece *p, struct hs_error *err)
{
	enum hs_status st = hs_grow(&pieces->piece, &pieces->capacity,
				    pieces->count, sizeof(*pieces->piece), err);
	if (st)
		return st;
	pieces->piece[pieces->count++] = *p;
	return HS_OK;
}

/* The heap of a static program begins within a page. */
static bool begins_inside(struct hs_scan *scan, hs_addr from, hs_addr limit,
			  struct hs_lost_piece *p)
{
	unsigned align = scan->heap->layout.align;
	for (hs_addr at = first_chunk(scan, from) + align;
	     at < limit && at - from < BEFORE_FIRST; at += align) {
		uint64_t raw;
		if (hs_window_word(&scan->window, at + scan->target->word_size,
				   &raw) &&
		    raw > HS_SIZE_FLAGS &&
		    piece_at(scan, at, limit, false, p)) {
			p->start = at;
			return true;
		}
	}
	return false;
}

/*
 * A thread's heap may stand in one mapping with pieces, before or behind them:
 * it belongs to the thread's arena. From FROM on, the next one below END, or
 * END.
 */
static hs_addr next_thread_heap(struct hs_scan *scan, hs_addr from, hs_addr end)
{
	const struct hs_span_list *spans = &scan->target->spans;
	for (hs_addr at = hs_span_list_next_step(spans, from, HEAP_STEP);
	     at < end; at = hs_span_list_next_step(spans, at + 1, HEAP_STEP)) {
		uint64_t arena;
		if (hs_window_word(&scan->window, at, &arena) &&
		    hs_is_thread_arena(scan, arena))
			return at;
	}
	return end;
}

/* Where the thread's heap at AT ends, which is below END; else END: nothing
 * can be told of the memory behind it. */
static hs_addr behind_thread_heap(struct hs_scan *scan, hs_addr at, hs_addr end)
{
	unsigned w = scan->target->word_size;
	uint64_t size, writable;
	if (!hs_window_word(&scan->window, at + INFO_SIZE * w, &size) ||
	    !hs_window_word(&scan->window, at + INFO_WRITABLE * w, &writable))
		return end;
	/* One that shrank keeps what was writable. */
	if (writable > size)
		size = writable;
	return size > 0 && size % PAGE == 0 && size < end - at ? at + size
							       : end;
}

/* From START on, up to END, which other memory follows. */
static enum hs_status search(struct hs_scan *scan, hs_addr start, hs_addr end,
			     bool brk, struct hs_lost_pieces *ret,
			     struct hs_error *err)
{
	const struct hs_span_list *spans = &scan->target->spans;
	hs_addr at = start;
	while (at < end) {
		struct hs_lost_piece p = { .start = at, .brk = brk };
		hs_addr first = first_chunk(scan, at);
		bool found =
			first < end && piece_at(scan, first, end, false, &p);
		if (!found && at == start)
			found = begins_inside(scan, at, end, &p) ||
				(brk && piece_at(scan, first, end, true, &p));
		if (found) {
			enum hs_status st = add(ret, &p, err);
			if (st)
				return st;
			at = hs_align_up(p.end, PAGE);
			continue;
		}
		/* What a chain covered is not tried again, nor are zeroes. */
		struct run run;
		(void)follow(scan, first, end, &run);
		hs_addr next = run.reached > at ? run.reached : at;
		next = (next + PAGE) & ~(PAGE - 1);
		if (next <= at)
			break;
		at = hs_align_up(hs_span_list_skip_zeroes(spans, next), PAGE);
		/* Not captured: on where bytes are. */
		uint64_t any;
		if (at < end && !hs_window_word(&scan->window, at, &any)) {
			const struct hs_span *span =
				hs_span_list_from(spans, at);
			if (!span)
				break;
			if (span->start > at)
				at = hs_align_up(span->start, PAGE);
			else
				at = hs_align_up(span->start + span->len, PAGE);
		}
	}
	return HS_OK;
}

enum hs_status hs_lost_pieces_find(struct hs_scan *scan,
				   struct hs_lost_pieces *ret,
				   struct hs_error *err)
{
	const struct hs_map_list *maps = &scan->target->maps;
	for (size_t i = 0; i < maps->count; i++) {
		const struct hs_map *map = &maps->map[i];
		if (!hs_scan_writable(map) || map->captured == 0 ||
		    map->kind == HS_MAP_FILE || map->kind == HS_MAP_STACK)
			continue;
		enum hs_status st = HS_OK;
		for (hs_addr at = map->start; !st && at < map->end;) {
			hs_addr end = next_thread_heap(scan, at, map->end);
			st = search(scan, at, end, map->kind == HS_MAP_HEAP,
				    ret, err);
			at = end == map->end
				     ? end
				     : behind_thread_heap(scan, end, map->end);
		}
		if (!st)
			st = hs_scan_progress(scan, "looking for the heap", i,
					      maps->count, err);
		if (st)
			return st;
	}
	return HS_OK;
}

void hs_lost_pieces_release(struct hs_lost_pieces *pieces)
{
	free(pieces->piece);
	*pieces = (struct hs_lost_pieces){ 0 };
}
