/* SPDX-License-Identifier: MIT */
#include "graph/edges.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "core/prefetch.h"
#include "core/word.h"
#include "graph/known_refs.h"
#include <heapscan/crew.h>

/* Pieces of root memory: large enough that starting one costs nothing. */
#define ROOT_PIECE (UINT64_C(4) << 20)
/* Free memory that is skipped rather than read along with its neighbours. */
#define SKIP_FREE 4096u
/* Lookups under way at once: about as many misses as a core keeps open. */
#define BATCH 16u

struct words {
	const struct hs_block_index *index;
	unsigned w;
	hs_filter_fn filter;
	hs_word_fn fn;
	void *arg;
};

/*
 * A large free chunk that is alone of its size leads to itself, in its third
 * and fourth word. Who is given its beginning and does not write so far holds
 * the address of its own header, which is the last word of the block before:
 * no reference to that.
 */
static bool is_left_by_malloc(const struct words *ws, hs_addr at, hs_addr value,
			      uint32_t chunk, uint64_t into)
{
	const struct hs_heap *heap = ws->index->heap;
	if (at - value != 4 * (uint64_t)ws->w &&
	    at - value != 5 * (uint64_t)ws->w)
		return false;
	return into + ws->w == hs_chunk_usable(heap, &heap->chunks[chunk]);
}

/* The words at BYTES that the filter let through; false: FN had enough. */
static bool look_up(const struct words *ws, hs_addr at, const uint8_t *bytes,
		    const uint16_t *hits, size_t count)
{
	const struct hs_index_region *region[BATCH];
	hs_addr value[BATCH];
	for (size_t i = 0; i < count; i += BATCH) {
		size_t n = count - i < BATCH ? count - i : BATCH;
		/* All misses first, then the answers. */
		for (size_t k = 0; k < n; k++) {
			value[k] = hs_word_at(
				bytes + (size_t)hits[i + k] * ws->w, ws->w);
			region[k] = hs_block_index_region(ws->index, value[k]);
			if (region[k])
				hs_prefetch(hs_block_index_slot(
					ws->index, region[k], value[k]));
		}
		for (size_t k = 0; k < n; k++) {
			uint32_t chunk;
			uint64_t into;
			hs_addr where = at + (size_t)hits[i + k] * ws->w;
			if (region[k] &&
			    hs_block_index_in(ws->index, region[k], value[k],
					      &chunk, &into) &&
			    !is_left_by_malloc(ws, where, value[k], chunk,
					       into) &&
			    !ws->fn(ws->arg, where, chunk, into))
				return false;
		}
	}
	return true;
}

/*
 * Bytes from START to END, which were not captured, that somebody should miss.
 * Of a complete target nobody does: what was never touched is left out, and
 * guard pages, which newer glibc puts inside the mappings of stacks.
 */
static uint64_t missed(const struct hs_target *target, hs_addr start,
		       hs_addr end)
{
	uint64_t sum = 0;
	while (start < end) {
		const struct hs_map *map = hs_target_find_map(target, start);
		hs_addr to = map && map->end < end ? map->end : end;
		if (!map || !target->complete)
			sum += to - start;
		start = to;
	}
	return sum;
}

/*
 * aarch64 ignores the top byte of an address (and memory tagging keeps its tags
 * there), and Swift tells cases of enums apart by it, so a pointer may carry
 * anything in it. N words without it.
 */
static const uint8_t *without_tags(uint64_t *out, const uint8_t *words,
				   size_t n)
{
	memcpy(out, words, n * sizeof(*out));
	for (size_t i = 0; i < n; i++)
		out[i] = htole64(le64toh(out[i]) & HS_ADDR_WITHOUT_TAG);
	return (const uint8_t *)out;
}

static enum hs_status scan_words(const struct words *ws,
				 const struct hs_target *target, hs_addr start,
				 hs_addr end, uint64_t *missing,
				 struct hs_error *err)
{
	uint16_t hits[HS_FILTER_WORDS];
	uint64_t untagged[HS_FILTER_WORDS];
	bool tagged = ws->index->tagged;
	start = hs_align_up(start, ws->w);
	while (start < end && end - start >= ws->w) {
		hs_addr behind =
			hs_span_list_skip_zeroes(&target->spans, start);
		if (behind > start) {
			start = hs_align_up(behind, ws->w);
			continue;
		}
		const uint8_t *bytes;
		uint64_t len;
		struct hs_error why = { .code = HS_OK };
		enum hs_status st =
			hs_target_view(target, start, &bytes, &len, &why);
		if (st == HS_ERR_UNMAPPED || st == HS_ERR_NOT_CAPTURED) {
			/* Go on behind what is missing. */
			const struct hs_span *next =
				hs_span_list_from(&target->spans, start);
			hs_addr to = end;
			if (next && next->start > start)
				to = next->start;
			else if (next)
				to = next->start + next->len;
			if (to > end)
				to = end;
			if (missing && st == HS_ERR_NOT_CAPTURED)
				*missing += missed(target, start, to);
			start = hs_align_up(to, ws->w);
			continue;
		}
		if (st) {
			if (err)
				*err = why;
			return st;
		}
		if (len > end - start)
			len = end - start;
		size_t count = (size_t)(len / ws->w);
		if (!count) /* a span that ends inside a word */
			start += ws->w;
		for (size_t done = 0; done < count;) {
			size_t n = count - done;
			if (n > HS_FILTER_WORDS)
				n = HS_FILTER_WORDS;
			const uint8_t *p = bytes + done * ws->w;
			if (tagged)
				p = without_tags(untagged, p, n);
			size_t hit = ws->filter(&ws->index->range, p, n, hits);
			if (!look_up(ws, start + done * ws->w, p, hits, hit))
				return HS_OK;
			done += n;
		}
		start += count * ws->w;
	}
	return HS_OK;
}

enum hs_status hs_words_scan(const struct hs_target *target,
			     const struct hs_block_index *index, hs_addr start,
			     hs_addr end, hs_word_fn fn, void *arg,
			     uint64_t *missing, struct hs_error *err)
{
	struct words ws = { index, target->word_size,
			    hs_filter_best(target->word_size), fn, arg };
	return scan_words(&ws, target, start, end, missing, err);
}

struct scan {
	const struct hs_target *target;
	const struct hs_heap *heap;
	const struct hs_block_index *index;
	const struct hs_known_refs *known;
	hs_filter_fn filter;
	struct hs_edges *edges;
};

/* Words found are told apart by the block they are in, which moves along. */
struct holder {
	const struct hs_heap *heap;
	const uint64_t *live;
	struct hs_edges *edges;
	struct hs_edge_piece *piece;
	size_t chunk, last; /* the holder, and the last of its piece */
	hs_addr start, end; /* its user part; empty: not live */
	size_t filled;      /* chunks whose first edge is known */
	struct hs_error *err;
	enum hs_status status;
};

static void hold(struct holder *h, size_t chunk)
{
	const struct hs_chunk *c = &h->heap->chunks[chunk];
	h->chunk = chunk;
	h->start = c->addr + h->heap->layout.header;
	h->end = h->start;
	if (hs_bit(h->live, chunk))
		h->end += hs_chunk_usable(h->heap, c);
}

static bool hold_word(void *arg, hs_addr at, uint32_t to, uint64_t into)
{
	struct holder *h = arg;
	while (at >= h->end) {
		const struct hs_chunk *next = &h->heap->chunks[h->chunk + 1];
		if (h->chunk == h->last ||
		    next->addr + h->heap->layout.header > at)
			return true; /* in free memory or a header */
		hold(h, h->chunk + 1);
	}
	if (at < h->start)
		return true;
	struct hs_edge_piece *p = h->piece;
	uint32_t edge = to | (into ? HS_EDGE_INTERIOR : 0);
	while (h->filled <= h->chunk)
		h->edges->first[h->filled++] = (uint32_t)p->count;
	/* A table full of one pointer is one reference. */
	if (p->count > h->edges->first[h->chunk] &&
	    p->edge[p->count - 1] == edge)
		return true;
	if (p->count == UINT32_MAX) {
		h->status = hs_fail(h->err, HS_ERR_LIMIT,
				    "more references in one place than fit");
		return false;
	}
	h->status = hs_grow(&p->edge, &p->capacity, p->count, sizeof(*p->edge),
			    h->err);
	if (h->status)
		return false;
	p->edge[p->count++] = edge;
	return true;
}

/* Bytes of blocks FROM to TO, which are in use, that were not captured. The
 * scan counts what it met, free memory in between included; this is exact and
 * only needed then. */
static uint64_t missing_bytes(const struct scan *s, size_t from, size_t to)
{
	uint64_t sum = 0;
	for (size_t i = from; i <= to; i++) {
		if (!hs_bit(s->index->live, i))
			continue;
		const struct hs_chunk *c = &s->heap->chunks[i];
		hs_addr at = c->addr + s->heap->layout.header;
		hs_addr end = at + hs_chunk_usable(s->heap, c);
		while (at < end) {
			const struct hs_span *span =
				hs_span_list_from(&s->target->spans, at);
			if (!span || span->start >= end)
				break;
			hs_addr stop = span->start + span->len;
			if (stop > end)
				stop = end;
			if (span->start > at)
				at = span->start;
			if (span->state == HS_SPAN_NOT_CAPTURED)
				sum += stop - at;
			at = stop;
		}
	}
	return sum;
}

/* Blocks in use that lie side by side, small free ones in between. */
static size_t run_end(const struct scan *s, size_t i, size_t last)
{
	const struct hs_chunk *chunks = s->heap->chunks;
	size_t live = i;
	for (; i < last; i++) {
		const struct hs_chunk *c = &chunks[i], *next = c + 1;
		if (c->addr + hs_chunk_size(c) != next->addr)
			break;
		if (hs_bit(s->index->live, i + 1))
			live = i + 1;
		else if (hs_chunk_size(next) > SKIP_FREE)
			break;
	}
	return live;
}

static enum hs_status scan_piece(const struct scan *s, size_t number,
				 struct hs_error *err)
{
	const struct hs_heap *heap = s->heap;
	size_t from = number << HS_PIECE_SHIFT;
	size_t last = from + HS_PIECE_CHUNKS - 1;
	if (last >= heap->chunk_count)
		last = heap->chunk_count - 1;
	struct hs_edge_piece *piece = &s->edges->piece[number];
	struct holder h = { .heap = heap,
			    .live = s->index->live,
			    .edges = s->edges,
			    .piece = piece,
			    .filled = from,
			    .err = err };
	struct words ws = { s->index, heap->word_size, s->filter, hold_word,
			    &h };
	struct hs_known_merge merge = { .fn = hold_word, .arg = &h };
	if (s->known->count) {
		hs_known_merge_from(&merge, s->known, heap->chunks[from].addr);
		ws.fn = hs_known_merge_word;
		ws.arg = &merge;
	}
	for (size_t i = from; i <= last; i++) {
		if (!hs_bit(s->index->live, i))
			continue;
		size_t end = run_end(s, i, last);
		const struct hs_chunk *c = &heap->chunks[end];
		uint64_t missing = 0;
		hold(&h, i);
		h.last = end;
		hs_addr stop = c->addr + heap->layout.header +
			       hs_chunk_usable(heap, c);
		enum hs_status st = scan_words(&ws, s->target, h.start, stop,
					       &missing, err);
		if (!st && !h.status)
			hs_known_merge_rest(&merge, stop);
		if (!st)
			st = h.status;
		if (st)
			return st;
		if (missing && !s->target->complete)
			piece->missing += missing_bytes(s, i, end);
		i = end;
	}
	while (h.filled <= last)
		s->edges->first[h.filled++] = (uint32_t)piece->count;
	/* Give back what doubling took too much. */
	if (piece->count) {
		uint32_t *fit =
			realloc(piece->edge, piece->count * sizeof(*fit));
		if (fit)
			piece->edge = fit;
	}
	return HS_OK;
}

struct root_holder {
	struct hs_root_piece *piece;
	struct hs_error *err;
	enum hs_status status;
};

static bool root_word(void *arg, hs_addr at, uint32_t to, uint64_t into)
{
	struct root_holder *h = arg;
	struct hs_root_piece *p = h->piece;
	h->status = hs_grow(&p->ref, &p->capacity, p->count, sizeof(*p->ref),
			    h->err);
	if (h->status)
		return false;
	p->ref[p->count++] =
		(struct hs_root_ref){ at, to | (into ? HS_EDGE_INTERIOR : 0) };
	return true;
}

static enum hs_status scan_root(const struct scan *s, size_t number,
				struct hs_error *err)
{
	struct hs_root_piece *piece = &s->edges->root[number];
	struct root_holder h = { .piece = piece, .err = err };
	struct words ws = { s->index, s->heap->word_size, s->filter, root_word,
			    &h };
	enum hs_status st = scan_words(&ws, s->target, piece->start, piece->end,
				       &piece->missing, err);
	return st ? st : h.status;
}

static enum hs_status scan_registers(const struct scan *s, struct hs_error *err)
{
	struct root_holder h = { .piece = &s->edges->root[0], .err = err };
	for (size_t t = 0; t < s->target->threads.count; t++) {
		const struct hs_thread *thread = &s->target->threads.thread[t];
		for (size_t r = 0; r < thread->register_count; r++) {
			uint32_t chunk;
			uint64_t into;
			if (hs_block_index_find(s->index, thread->registers[r],
						&chunk, &into) &&
			    !root_word(&h, (hs_addr)t << 8 | r, chunk, into))
				return h.status;
		}
	}
	return HS_OK;
}

/* Where the piece that begins at AT ends. What has no bytes is one, however
 * long a mapping claims to be: scan_words() goes over it in one step. */
static hs_addr piece_end(const struct hs_target *target, hs_addr at,
			 hs_addr end)
{
	const struct hs_span *s = hs_span_list_from(&target->spans, at);
	if (!s)
		return end;
	hs_addr next = at;
	if (s->start > at)
		next = s->start;
	else if (s->zero || s->state == HS_SPAN_NOT_CAPTURED)
		next = s->start + s->len;
	if (next - at < ROOT_PIECE)
		next = end - at > ROOT_PIECE ? at + ROOT_PIECE : end;
	return next < end ? next : end;
}

static enum hs_status cut_roots(const struct hs_target *target,
				struct hs_edges *edges,
				const struct hs_roots *roots,
				struct hs_error *err)
{
	size_t count = 1;
	for (size_t i = 0; i < roots->live.count; i++) {
		const struct hs_live_range *r = &roots->live.range[i];
		for (hs_addr at = r->start; at < r->end; count++)
			at = piece_end(target, at, r->end);
	}
	edges->root = calloc(count, sizeof(*edges->root));
	if (!edges->root)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu pieces",
			       count);
	edges->root_count = count;
	size_t n = 1;
	for (size_t i = 0; i < roots->live.count; i++) {
		const struct hs_live_range *r = &roots->live.range[i];
		for (hs_addr at = r->start; at < r->end;) {
			hs_addr end = piece_end(target, at, r->end);
			edges->root[n++] = (struct hs_root_piece){ .start = at,
								   .end = end };
			at = end;
		}
	}
	return HS_OK;
}

static enum hs_status do_piece(void *arg, unsigned worker, size_t number,
			       struct hs_error *err)
{
	const struct scan *s = arg;
	(void)worker;
	if (number < s->edges->piece_count)
		return scan_piece(s, number, err);
	return scan_root(s, number - s->edges->piece_count + 1, err);
}

static enum hs_status scan_all(const struct scan *s,
			       const struct hs_roots *roots,
			       const struct hs_graph_options *opt,
			       struct hs_error *err)
{
	struct hs_edges *edges = s->edges;
	size_t chunks = s->heap->chunk_count;
	edges->chunk_count = chunks;
	edges->piece_count = (chunks + HS_PIECE_CHUNKS - 1) >> HS_PIECE_SHIFT;
	edges->first = malloc((chunks + 1) * sizeof(*edges->first));
	edges->piece = calloc(edges->piece_count + 1, sizeof(*edges->piece));
	if (!edges->first || !edges->piece)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu chunks",
			       chunks);
	enum hs_status st = cut_roots(s->target, edges, roots, err);
	if (!st)
		st = scan_registers(s, err);
	if (st)
		return st;
	return hs_crew_run(opt->jobs,
			   edges->piece_count + edges->root_count - 1, do_piece,
			   (void *)s, "following references", opt->progress,
			   opt->progress_arg, err);
}

enum hs_status hs_edges_scan(const struct hs_target *target,
			     const struct hs_heap *heap,
			     const struct hs_block_index *index,
			     const struct hs_roots *roots,
			     const struct hs_known_refs *known,
			     const struct hs_graph_options *opt,
			     struct hs_edges *ret, struct hs_error *err)
{
	struct hs_edges edges = { .chunk_count = 0 };
	const struct scan s = {
		target, heap, index, known, hs_filter_best(heap->word_size),
		&edges
	};
	enum hs_status st = scan_all(&s, roots, opt, err);
	if (st) {
		hs_edges_release(&edges);
		return st;
	}
	*ret = edges;
	return HS_OK;
}

void hs_edges_release(struct hs_edges *edges)
{
	for (size_t i = 0; i < edges->piece_count && edges->piece; i++)
		free(edges->piece[i].edge);
	for (size_t i = 0; i < edges->root_count && edges->root; i++)
		free(edges->root[i].ref);
	free(edges->piece);
	free(edges->root);
	free(edges->first);
	*edges = (struct hs_edges){ .chunk_count = 0 };
}
