/* SPDX-License-Identifier: MIT */
#include "heap/chain.h"

#include "heap/free_index.h"

enum hs_header hs_chain_header(struct hs_scan *scan, hs_addr at, hs_addr end,
			       uint64_t *size, unsigned *flags)
{
	const struct hs_layout *l = &scan->heap->layout;
	uint64_t raw;
	if (at > end || end - at < l->header)
		return HS_HEADER_BAD;
	if (!hs_window_word(&scan->window, at + l->word_size, &raw))
		return HS_HEADER_UNREADABLE;
	*flags = raw & HS_SIZE_FLAGS;
	*size = raw & ~(uint64_t)HS_SIZE_FLAGS;
	/* The first of a pair follows what was left of the old top, which is
	 * free in a bin unless it was small; the last one, of size 0, follows
	 * the first. */
	if ((*size == l->header && !(*flags & ~HS_PREV_INUSE)) ||
	    (*size == 0 && *flags == HS_PREV_INUSE))
		return HS_HEADER_FENCEPOST;
	if (*size < l->min_size || *size % l->align != 0 || *size > end - at ||
	    (*flags & HS_IS_MMAPPED))
		return HS_HEADER_BAD;
	return HS_HEADER_CHUNK;
}

bool hs_chain_piece(struct hs_scan *scan, const struct hs_arena *a,
		    hs_addr first, hs_addr limit, hs_addr *end,
		    hs_addr *reached)
{
	const struct hs_layout *l = &scan->heap->layout;
	hs_addr at = first;
	for (;;) {
		*reached = at;
		if (at == a->top && a->top_size > 0 &&
		    a->top_size <= limit - at) {
			*end = at + a->top_size;
			return true;
		}
		uint64_t size, next;
		unsigned flags;
		switch (hs_chain_header(scan, at, limit, &size, &flags)) {
		case HS_HEADER_CHUNK:
			if ((flags & HS_NON_MAIN) ||
			    (at == first && !(flags & HS_PREV_INUSE)))
				return false;
			at += size;
			break;
		case HS_HEADER_FENCEPOST:
			/* Two in a row, each of header size. */
			if (size != l->header || at == first ||
			    hs_chain_header(scan, at + l->header, limit, &next,
					    &flags) != HS_HEADER_FENCEPOST ||
			    next != l->header)
				return false;
			*end = at + 2 * l->header;
			return true;
		default:
			return false;
		}
	}
}

/* Chunks that must follow one another before chance is ruled out, and how much
 * of that a chunk on a list is worth. */
#define ENOUGH_LINKS 8u
#define CLAIM_WORTH 6u

static bool believable(struct hs_scan *scan, hs_addr at, hs_addr end,
		       hs_addr top, size_t claim)
{
	const struct hs_free_index *index = &scan->free_index;
	unsigned worth = 0;
	while (worth < ENOUGH_LINKS) {
		if (at == top || at == end)
			return worth > 0;
		while (claim < index->count && index->claim[claim].addr < at)
			claim++;
		bool claimed =
			claim < index->count && index->claim[claim].addr == at;
		uint64_t size;
		unsigned flags;
		switch (hs_chain_header(scan, at, end, &size, &flags)) {
		case HS_HEADER_CHUNK:
			break;
		case HS_HEADER_FENCEPOST:
			return worth > 1;
		default:
			return false;
		}
		size_t next = claimed ? claim + 1 : claim;
		while (next < index->count && index->claim[next].addr == at)
			next++;
		/* A claimed chunk inside this one: one of them is wrong. */
		if (next < index->count && index->claim[next].addr < at + size)
			return false;
		if (top > at && top < at + size)
			return false;
		worth += claimed ? CLAIM_WORTH : 1;
		at += size;
	}
	return true;
}

hs_addr hs_chain_resync(struct hs_scan *scan, hs_addr from, hs_addr end,
			hs_addr top)
{
	const struct hs_layout *l = &scan->heap->layout;
	size_t claim = hs_free_index_from(&scan->free_index, from);
	uint64_t off = (from + l->header) % l->align;
	hs_addr at = off ? from + l->align - off : from;
	while (at < end) {
		if (at == top)
			return at;
		uint64_t raw;
		if (!hs_window_word(&scan->window, at + l->word_size, &raw)) {
			/* Behind the hole, if there is anything. */
			const struct hs_span *span = hs_span_list_from(
				&scan->target->spans, at + l->word_size);
			if (!span)
				return end;
			hs_addr next = span->start > at
					       ? span->start
					       : span->start + span->len;
			off = (next + l->header) % l->align;
			hs_addr to = off ? next + l->align - off : next;
			at = to > at ? to : at + l->align;
			continue;
		}
		while (claim < scan->free_index.count &&
		       scan->free_index.claim[claim].addr < at)
			claim++;
		if (raw >= l->min_size && believable(scan, at, end, top, claim))
			return at;
		at += l->align;
	}
	return end;
}

/* Steps that looking for a way through may take for each place it could begin
 * at: a heap made to mislead must not cost the square of its size. */
#define STEPS_PER_PLACE 4u

bool hs_chain_inside(struct hs_scan *scan, hs_addr from, hs_addr to,
		     hs_addr end, hs_addr top, bool may_meet, hs_addr *ret)
{
	const struct hs_layout *l = &scan->heap->layout;
	const struct hs_free_index *index = &scan->free_index;
	uint64_t off = (from + l->header) % l->align;
	hs_addr at = off ? from + l->align - off : from;
	size_t claim = hs_free_index_from(index, at);
	uint64_t steps = (to > at ? (to - at) / l->align : 0) * STEPS_PER_PLACE;
	for (; at < to && steps; at += l->align) {
		while (claim < index->count && index->claim[claim].addr < at)
			claim++;
		hs_addr pos = at;
		size_t next = claim;
		bool claimed = false;
		uint64_t size;
		unsigned flags;
		while (pos < to && steps &&
		       hs_chain_header(scan, pos, end, &size, &flags) ==
			       HS_HEADER_CHUNK &&
		       size < to - pos) {
			steps--;
			while (next < index->count &&
			       index->claim[next].addr < pos)
				next++;
			claimed |= next < index->count &&
				   index->claim[next].addr == pos;
			pos += size;
		}
		if (pos >= to || !steps ||
		    hs_chain_header(scan, pos, end, &size, &flags) !=
			    HS_HEADER_CHUNK)
			continue;
		claimed |=
			next < index->count && index->claim[next].addr == pos;
		if (size == to - pos
			    ? may_meet && claimed
			    : believable(scan, pos, end, top,
					 hs_free_index_from(index, pos))) {
			*ret = at;
			return true;
		}
	}
	return false;
}
