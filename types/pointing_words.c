/* SPDX-License-Identifier: MIT */
#include "types/pointing_words.h"

#include <stdlib.h>

#include <heapscan/crew.h>

#include "core/bits.h"
#include "core/cleanup.h"
#include "core/grow.h"

/* Bytes that are looked at together, and pieces whose words are kept at the
 * same time: 64 MiB if all of them lead to blocks. */
#define PIECE_BYTES ((uint64_t)1 << 19)
#define BATCH 64u

/* A word that leads to the start of a block without a name. */
struct lead {
	hs_addr at;
	uint32_t chunk;
	unsigned what;
};

struct piece {
	hs_addr from, to;     /* a part of a mapping; 0: none */
	size_t first, behind; /* ... but these chunks */
	struct lead *lead;
	size_t count, capacity;
};

struct walk {
	struct hs_naming *n;
	hs_addr lo, hi; /* of all blocks */
	struct piece *piece;
	size_t count, capacity;
	size_t batch;             /* the piece that this batch begins with */
	struct hs_naming *worker; /* for each thread */
	uint64_t *open; /* a bit for each live chunk to ask about; owned */
	hs_judge_fn judge;
	const void *arg;
};

static void walk_release(struct walk *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->piece[i].lead);
	free(w->piece);
	free(w->worker);
	free(w->open);
}

/* ---- in any thread ---- */

static inline uint64_t word_at(const uint8_t *bytes, unsigned size)
{
	uint64_t word = 0;
	memcpy(&word, bytes, size);
	return le64toh(word);
}

/* Names come between the batches only, so all threads see the same. */
static inline bool leads_to_nameless(const struct walk *w, struct hs_naming *l,
				     hs_addr addr, uint32_t *chunk)
{
	const struct hs_index_region *r =
		hs_block_finder_region(&l->finder, addr);
	return r && hs_block_index_begins(l->finder.index, r, addr, chunk) &&
	       hs_bit(w->open, *chunk);
}

static enum hs_status keep(struct piece *p, hs_addr at, uint32_t chunk,
			   unsigned what, struct hs_error *err)
{
	enum hs_status st = hs_grow(&p->lead, &p->capacity, p->count,
				    sizeof(*p->lead), err);
	if (!st)
		p->lead[p->count++] = (struct lead){ at, chunk, what };
	return st;
}

static inline enum hs_status look_at_each(const struct walk *w,
					  struct hs_naming *l, struct piece *p,
					  hs_addr from, const uint8_t *bytes,
					  uint64_t len, unsigned word,
					  struct hs_error *err)
{
	enum hs_status st = HS_OK;
	for (uint64_t i = 0; !st && i + word <= len; i += word) {
		uint64_t value = word_at(bytes + i, word);
		unsigned what;
		uint32_t chunk;
		if (value >= w->lo && value < w->hi &&
		    leads_to_nameless(w, l, value, &chunk) &&
		    (what = w->judge(l, w->arg, from + i, chunk)) != 0)
			st = keep(p, from + i, chunk, what, err);
	}
	return st;
}

static enum hs_status look_at_words(const struct walk *w, struct hs_naming *l,
				    struct piece *p, hs_addr from, hs_addr to,
				    struct hs_error *err)
{
	const struct hs_target *t = w->n->target;
	unsigned word = t->word_size;
	enum hs_status st = HS_OK;
	while (!st && from < to) {
		uint64_t len;
		const uint8_t *bytes = hs_window_bytes(&l->block, from, &len);
		if (!bytes) {
			const struct hs_span *next =
				hs_span_list_from(&t->spans, from);
			if (!next)
				break;
			hs_addr skip = next->start > from
					       ? next->start
					       : next->start + next->len;
			from = (skip + word - 1) & ~(hs_addr)(word - 1);
			continue;
		}
		if (len > to - from)
			len = to - from;
		/* A length that the compiler knows: no call for each word. */
		st = word == 8
			     ? look_at_each(w, l, p, from, bytes, len, 8, err)
			     : look_at_each(w, l, p, from, bytes, len, 4, err);
		from += (len + word - 1) & ~(hs_addr)(word - 1);
	}
	return st;
}

static enum hs_status look(void *arg, unsigned worker, size_t i,
			   struct hs_error *err)
{
	const struct walk *w = arg;
	struct hs_naming *l = &w->worker[worker];
	struct piece *p = &w->piece[w->batch + i];
	const struct hs_heap *heap = w->n->heap;
	enum hs_status st = HS_OK;
	p->count = 0;
	if (p->to)
		return look_at_words(w, l, p, p->from, p->to, err);
	/* Live blocks; what is in free ones is of the past. */
	for (size_t k = p->first; !st && k < p->behind; k++) {
		struct hs_block b;
		if (heap->chunk_count - k > HS_CHUNKS_AHEAD)
			hs_window_ask(&l->block,
				      heap->chunks[k + HS_CHUNKS_AHEAD].addr +
					      heap->layout.header);
		if (hs_naming_live(w->n, k, &b))
			st = look_at_words(w, l, p, b.user, b.user + b.usable,
					   err);
	}
	return st;
}

/* ---- what is looked at ---- */

static enum hs_status add_piece(struct walk *w, const struct piece *piece,
				struct hs_error *err)
{
	enum hs_status st = hs_grow(&w->piece, &w->capacity, w->count,
				    sizeof(*w->piece), err);
	if (!st)
		w->piece[w->count++] = *piece;
	return st;
}

static enum hs_status add_bytes(struct walk *w, hs_addr at, hs_addr end,
				struct hs_error *err)
{
	enum hs_status st = HS_OK;
	while (!st && at < end) {
		struct piece p = { .from = at, .to = end };
		if (end - at > PIECE_BYTES)
			p.to = at + PIECE_BYTES;
		st = add_piece(w, &p, err);
		at = p.to;
	}
	return st;
}

static enum hs_status add_blocks(struct walk *w, struct hs_error *err)
{
	const struct hs_heap *heap = w->n->heap;
	struct piece p = { 0 };
	uint64_t bytes = 0;
	enum hs_status st = HS_OK;
	for (size_t i = 0; !st && i < heap->chunk_count; i++) {
		uint64_t size = hs_chunk_size(&heap->chunks[i]);
		bool large = size > PIECE_BYTES;
		bytes += size;
		p.behind = i + !large;
		if (bytes < PIECE_BYTES && i + 1 < heap->chunk_count)
			continue;
		struct hs_block b;
		if (p.behind > p.first)
			st = add_piece(w, &p, err);
		if (!st && large && hs_naming_live(w->n, i, &b))
			st = add_bytes(w, b.user, b.user + b.usable, err);
		p.first = i + 1;
		bytes = 0;
	}
	return st;
}

/* Of a mapping, what has pages; a sparse one has few. */
static enum hs_status add_range(struct walk *w, hs_addr from, hs_addr to,
				struct hs_error *err)
{
	const struct hs_span_list *spans = &w->n->target->spans;
	enum hs_status st = HS_OK;
	const struct hs_span *s = hs_span_list_from(spans, from);
	for (; !st && s && s < spans->span + spans->count && s->start < to;
	     s++) {
		hs_addr at = s->start > from ? s->start : from;
		hs_addr end = s->start + s->len < to ? s->start + s->len : to;
		if (s->zero || s->state == HS_SPAN_NOT_CAPTURED)
			continue;
		at = (at + w->n->target->word_size - 1) &
		     ~(hs_addr)(w->n->target->word_size - 1);
		st = add_bytes(w, at, end, err);
	}
	return st;
}

static int by_value(const void *a, const void *b)
{
	hs_addr x = *(const hs_addr *)a, y = *(const hs_addr *)b;
	return x < y ? -1 : x > y;
}

/* The threads' stack pointers, ascending; NULL: out of memory. */
static hs_addr *stack_pointers(const struct hs_target *target)
{
	const struct hs_thread_list *threads = &target->threads;
	hs_addr *sp = malloc((threads->count + 1) * sizeof(*sp));
	if (!sp)
		return NULL;
	for (size_t i = 0; i < threads->count; i++)
		sp[i] = threads->thread[i].sp;
	qsort(sp, threads->count, sizeof(*sp), by_value);
	return sp;
}

/* Variables: whatever is writable and not the heap. Maps, regions and stack
 * pointers are met in one order. */
static enum hs_status add_maps(struct walk *w, struct hs_error *err)
{
	const struct hs_naming *n = w->n;
	const struct hs_heap *heap = n->heap;
	const hs_addr mask = ~(hs_addr)(n->target->word_size - 1);
	HS_AUTO_FREE hs_addr *sp = stack_pointers(n->target);
	size_t r = 0, t = 0;
	enum hs_status st = HS_OK;
	if (!sp)
		return hs_fail(err, HS_ERR_NOMEM, "no memory to name");
	for (size_t i = 0; !st && i < n->target->maps.count; i++) {
		const struct hs_map *map = &n->target->maps.map[i];
		hs_addr at = map->start;
		while (t < n->target->threads.count && sp[t] < map->start)
			t++;
		/* What is below a stack pointer is of the past, too. */
		if (map->kind == HS_MAP_STACK && t < n->target->threads.count &&
		    sp[t] < map->end)
			at = sp[t] & mask;
		if (!(map->prot & HS_PROT_WRITE) || map->shared)
			continue;
		while (r < heap->region_count && heap->regions[r].end <= at)
			r++;
		for (size_t k = r; !st && k < heap->region_count &&
				   heap->regions[k].start < map->end;
		     k++) {
			const struct hs_region *region = &heap->regions[k];
			if (region->start > at)
				st = add_range(w, at, region->start, err);
			at = (region->end + ~mask) & mask;
		}
		if (!st && at < map->end)
			st = add_range(w, at, map->end, err);
	}
	return st;
}

static void hand_on(const struct walk *w, const struct piece *p, hs_word_fn fn,
		    void *arg)
{
	struct hs_naming *n = w->n;
	for (size_t i = 0; i < p->count && !n->failed; i++)
		if (n->type_of[p->lead[i].chunk] == HS_NO_TYPE)
			fn(arg, p->lead[i].at, p->lead[i].chunk,
			   p->lead[i].what);
	for (size_t i = 0; i < p->count; i++)
		if (n->type_of[p->lead[i].chunk] != HS_NO_TYPE)
			hs_bit_clear(w->open, p->lead[i].chunk);
}

static enum hs_status find_open(struct walk *w, const uint64_t *but,
				struct hs_error *err)
{
	const struct hs_naming *n = w->n;
	size_t chunks = n->heap->chunk_count;
	w->open = hs_bits_new(chunks);
	if (!w->open)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for bits of %zu chunks", chunks);
	for (size_t i = 0; i < chunks; i++)
		if (n->type_of[i] == HS_NO_TYPE && !(but && hs_bit(but, i)) &&
		    hs_bit(n->finder.index->live, i))
			hs_bit_set(w->open, i);
	return HS_OK;
}

static enum hs_status run(struct walk *w, unsigned workers, hs_word_fn fn,
			  void *arg, struct hs_error *err)
{
	enum hs_status st = HS_OK;
	for (w->batch = 0; !st && w->batch < w->count; w->batch += BATCH) {
		size_t left = w->count - w->batch;
		size_t n = left < BATCH ? left : BATCH;
		st = hs_crew_run(workers, n, look, w, "looking for holders",
				 NULL, NULL, err);
		for (size_t i = 0; !st && i < n; i++) {
			struct piece *p = &w->piece[w->batch + i];
			hand_on(w, p, fn, arg);
			free(p->lead);
			p->lead = NULL;
			p->capacity = p->count = 0;
		}
	}
	return st;
}

void hs_pointing_words(struct hs_naming *n, const uint64_t *but,
		       hs_judge_fn judge, hs_word_fn fn, void *arg)
{
	const struct hs_heap *heap = n->heap;
	struct hs_error err;
	if (!heap->chunk_count || !n->finder.index)
		return;
	const struct hs_chunk *last = &heap->chunks[heap->chunk_count - 1];
	HS_CLEANUP(walk_release)
	struct walk w = { .n = n,
			  .judge = judge,
			  .arg = arg,
			  .lo = heap->chunks[0].addr,
			  .hi = last->addr + hs_chunk_size(last) };
	unsigned workers = hs_crew_count(n->opt->jobs, BATCH);
	enum hs_status st = find_open(&w, but, &err);
	if (!st)
		st = add_blocks(&w, &err);
	if (!st)
		st = add_maps(&w, &err);
	w.worker = malloc(workers * sizeof(*w.worker));
	if (!st && !w.worker)
		st = hs_fail(&err, HS_ERR_NOMEM, "no memory to name");
	for (unsigned i = 0; !st && i < workers; i++) {
		w.worker[i] = *n;
		hs_window_init(&w.worker[i].block, n->target);
		hs_window_init(&w.worker[i].meta, n->target);
	}
	if (!st)
		st = run(&w, workers, fn, arg, &err);
	if (st)
		hs_naming_fail(n, st, &err);
}
