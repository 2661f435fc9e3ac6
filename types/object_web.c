/* SPDX-License-Identifier: MIT */
#include "types/object_web.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/grow.h"
#include "core/limits.h"
#include "types/python_object.h"

/* Threads' records, among them the ones where the stack of frames is written
 * down, are in blocks of a few hundred bytes, or in the interpreter's own: a
 * few hundred KiB. */
#define LARGEST_RECORD (UINT64_C(1) << 20)

/* More than a block has beyond what was asked for: of a pool's, whose sizes are
 * 16 bytes apart, and of malloc's, which may leave what is too small for
 * another one. */
#define POOL_SLACK 16u
#define MALLOC_SLACK 40u

void hs_web_release(struct hs_web *web)
{
	hs_py_release(&web->py);
	hs_py_stacks_release(&web->stacks);
	hs_addr_map_release(&web->pools);
	free(web->pool);
	free(web->head);
	free(web->seen);
	*web = (struct hs_web){ .n = NULL };
}

static void add_pool(void *arg, const struct hs_pymalloc_pool *p)
{
	struct hs_web *web = arg;
	struct hs_error err;
	uint64_t align = hs_python_arenas(web->state)->pool_size;
	if (web->n->failed || p->count > UINT32_MAX - web->slots)
		return;
	enum hs_status st = hs_grow(&web->pool, &web->pool_capacity,
				    web->pool_count, sizeof(*web->pool), &err);
	if (!st)
		st = hs_addr_map_put(
			&web->pools,
			(struct hs_addr_entry){ p->start & ~(align - 1),
						(uint32_t)web->pool_count, 0 },
			&err);
	if (st) {
		hs_naming_fail(web->n, st, &err);
		return;
	}
	web->pool[web->pool_count++] =
		(struct hs_web_pool){ p->start, p->size, p->count, web->slots };
	web->slots += p->count;
	hs_addr end = p->start + (uint64_t)p->size * p->count;
	if (web->lowest == 0)
		web->lowest = p->start;
	if (end > web->highest)
		web->highest = end;
}

/*
 * The collector's links in front of an object lead to others and back, with
 * what it keeps in their lowest bits; or there are none. Memory of something
 * else that begins like an object has no such links. While the collector runs
 * it has other uses for the way back: see settle_doubts().
 */
#define LINK_BITS UINT64_C(3)
#define LINKS 16u

static bool is_linked(struct hs_web *web, hs_addr links)
{
	struct hs_naming *n = web->n;
	uint64_t next, before, back;
	if (!hs_peek(n, links, &next) || !hs_peek(n, links + 8, &before))
		return false;
	next &= ~LINK_BITS;
	before &= ~LINK_BITS;
	if (!next)
		return !before;
	return (hs_peek(n, next + 8, &back) && (back & ~LINK_BITS) == links) ||
	       (before && hs_peek(n, before, &back) &&
		(back & ~LINK_BITS) == links);
}

/* What B is. Items of a tuple that are not all in it are none. */
static uint8_t head_of(struct hs_web *web, const struct hs_block *b)
{
	uint32_t type;
	int64_t count;
	unsigned items = web->py.layout->tuple_items;
	unsigned head = hs_python_object_in(web->n, web->state, b, &type);
	if (head == UINT32_MAX)
		return HS_WEB_MEMORY;
	const struct hs_py_class *c = hs_py_class_of(&web->py, b->user + head);
	if (!c || (c->kind == HS_PY_TUPLE &&
		   (!hs_py_size(&web->py, b->user + head, &count) ||
		    count < 0 || b->usable < head + items ||
		    (uint64_t)count > (b->usable - head - items) / 8)))
		return HS_WEB_MEMORY;
	/* One that the collector does not know has no links that could lead
	 * back. But it fills the block that it was given. */
	if (head == 0)
		return c->item == 0 && !c->text &&
				       b->usable - c->basic >=
					       (b->chunk == SIZE_MAX
							? POOL_SLACK
							: MALLOC_SLACK)
			       ? HS_WEB_MEMORY
			       : 0;
	web->linked++;
	if (is_linked(web, b->user + head - LINKS))
		return (uint8_t)head;
	web->doubtful++;
	return (uint8_t)(head + HS_WEB_DOUBT);
}

/* The collector runs when links of many objects lead nowhere: then they say
 * nothing. */
static void settle_doubts(struct hs_web *web)
{
	bool collecting = web->doubtful > web->linked / 16;
	for (uint32_t i = 0; i < web->nodes && web->doubtful; i++) {
		uint8_t head = web->head[i];
		if (head <= HS_WEB_LAST_HEAD ||
		    head > HS_WEB_LAST_HEAD + HS_WEB_DOUBT)
			continue;
		web->head[i] = collecting ? (uint8_t)(head - HS_WEB_DOUBT)
					  : HS_WEB_MEMORY;
	}
}

static void fill_pool(void *arg, const struct hs_pymalloc_pool *p)
{
	struct hs_web *web = arg;
	uint64_t align = hs_python_arenas(web->state)->pool_size;
	const struct hs_addr_entry *known =
		hs_addr_map_get(&web->pools, p->start & ~(align - 1));
	if (!known)
		return;
	uint8_t *head = web->head + web->pool[known->value].first;
	for (uint32_t i = 0; i < p->count; i++) {
		struct hs_block b = { .chunk = SIZE_MAX,
				      .user = p->start + (uint64_t)i * p->size,
				      .usable = p->size };
		if (hs_bit(p->free, i))
			continue;
		(void)hs_window_word(&web->n->block, b.user, &b.first);
		head[i] = head_of(web, &b);
	}
}

static void fill_chunks(struct hs_web *web)
{
	struct hs_naming *n = web->n;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		uint32_t type = n->type_of[i];
		hs_naming_look_ahead(n, i);
		if (!hs_naming_block(n, i, &b))
			continue;
		web->work += b.usable / 8;
		/* Only objects have a class that the namer knows. */
		web->head[web->slots + i] =
			type != HS_NO_TYPE && n->table.type[type].source ==
						      HS_TYPE_PYTHON
				? head_of(web, &b)
				: HS_WEB_MEMORY;
	}
}

void hs_web_block(const struct hs_web *web, uint32_t node, hs_addr *start,
		  uint64_t *size)
{
	struct hs_block b = { .usable = 0 };
	if (node >= web->slots) {
		(void)hs_naming_live(web->n, node - web->slots, &b);
		*start = b.user;
		*size = b.usable;
		return;
	}
	size_t lo = 0, hi = web->pool_count;
	while (hi - lo > 1) { /* the last pool whose first is at or below */
		size_t mid = lo + (hi - lo) / 2;
		if (web->pool[mid].first <= node)
			lo = mid;
		else
			hi = mid;
	}
	const struct hs_web_pool *p = &web->pool[lo];
	*start = p->start + (uint64_t)(node - p->first) * p->size;
	*size = p->size;
}

hs_addr hs_web_addr(const struct hs_web *web, uint32_t node)
{
	hs_addr start;
	uint64_t size;
	hs_web_block(web, node, &start, &size);
	return hs_web_is_object(web, node) ? start + web->head[node] : start;
}

bool hs_web_in(const struct hs_web *web, hs_addr addr, uint32_t *node,
	       uint64_t *into)
{
	if (addr >= web->lowest && addr < web->highest) {
		uint64_t align = hs_python_arenas(web->state)->pool_size;
		const struct hs_addr_entry *known =
			hs_addr_map_get(&web->pools, addr & ~(align - 1));
		if (known) {
			const struct hs_web_pool *p = &web->pool[known->value];
			uint64_t off = addr - p->start;
			if (addr < p->start || off / p->size >= p->count)
				return false;
			*node = p->first + (uint32_t)(off / p->size);
			*into = off % p->size;
			return web->head[*node] != HS_WEB_NONE;
		}
	}
	struct hs_block_finder *finder = &web->n->finder;
	const struct hs_index_region *r = hs_block_finder_region(finder, addr);
	uint32_t chunk;
	if (!r || !hs_block_index_in(finder->index, r, addr, &chunk, into))
		return false;
	*node = web->slots + chunk;
	return web->head[*node] != HS_WEB_NONE;
}

bool hs_web_object(const struct hs_web *web, hs_addr addr, uint32_t *node)
{
	uint64_t into;
	return addr % 8 == 0 && hs_web_in(web, addr, node, &into) &&
	       hs_web_is_object(web, *node) && into == web->head[*node];
}

/* The block that begins at ADDR and is no object. */
static bool memory_at(const struct hs_web *web, hs_addr addr, uint32_t *node)
{
	uint64_t into;
	return hs_web_in(web, addr, node, &into) && into == 0 &&
	       !hs_web_is_object(web, *node);
}

bool hs_web_target(const struct hs_web *web, const struct hs_py_ref *ref,
		   uint32_t *node)
{
	if (ref->edge == HS_PY_MEMORY)
		return memory_at(web, ref->to, node);
	return hs_web_object(web, ref->to, node) ||
	       (!ref->object && memory_at(web, ref->to, node));
}

static enum hs_status look_for_stacks(struct hs_web *web, hs_addr start,
				      hs_addr end, struct hs_error *err)
{
	struct hs_window *w = &web->n->block;
	for (hs_addr at = (start + 7) & ~(hs_addr)7; at < end && end - at >= 8;
	     at += 8) {
		uint64_t word;
		if (!hs_window_word(w, at, &word)) {
			at = hs_target_next(w->target, at + 1, false);
			if (at == HS_NO_ADDR)
				break;
			at = ((at + 7) & ~(hs_addr)7) - 8;
			continue;
		}
		if (word == 0 || word % 4096 != 0)
			continue;
		enum hs_status st = hs_py_stacks_look(&web->py, &web->stacks,
						      at, word, err);
		if (st)
			return st;
	}
	return HS_OK;
}

static enum hs_status find_stacks(struct hs_web *web, struct hs_error *err)
{
	enum hs_status st = HS_OK;
	for (size_t i = 0; i < web->live_count && !st; i++)
		if (hs_naming_module(web->n, web->live[i].start) != SIZE_MAX)
			st = look_for_stacks(web, web->live[i].start,
					     web->live[i].end, err);
	for (size_t i = 0; i < web->n->heap->chunk_count && !st; i++) {
		struct hs_block b;
		if (web->head[web->slots + i] == HS_WEB_MEMORY &&
		    hs_naming_live(web->n, i, &b) && b.usable <= LARGEST_RECORD)
			st = look_for_stacks(web, b.user, b.user + b.usable,
					     err);
	}
	hs_py_stacks_sort(&web->stacks);
	return st;
}

static bool count_ref(void *arg, uint32_t to, const struct hs_py_ref *ref)
{
	struct hs_web *web = arg;
	if (ref->data && !hs_web_is_object(web, to))
		web->head[to] = HS_WEB_DATA;
	else if (web->seen[to] < UINT32_MAX)
		web->seen[to]++;
	return true;
}

static bool count_in_frame(void *arg, uint32_t to,
			   const struct hs_web_root *root)
{
	struct hs_web *web = arg;
	if (root->kind == HS_OBJECT_ROOT_FRAME && !root->ref->stale)
		web->seen[to]++;
	return true;
}

static enum hs_status failed(const struct hs_web *web, struct hs_error *err)
{
	if (web->n->failed)
		return hs_fail(err, web->n->failed, "%s", web->n->error.text);
	if (!web->py.work)
		return hs_fail(err, HS_ERR_LIMIT,
			       "the Python objects lead to each other's memory "
			       "too often to be followed");
	return HS_OK;
}

enum hs_status hs_web_init(struct hs_web *web, struct hs_naming *n, void *state,
			   struct hs_error *err)
{
	const struct hs_live_range *live = web->live;
	size_t live_count = web->live_count;
	*web = (struct hs_web){
		.n = n, .state = state, .live = live, .live_count = live_count
	};
	if (!hs_py_init(&web->py, n, state))
		return hs_fail(
			err, HS_ERR_UNSUPPORTED,
			"there is no CPython 3.9 to 3.15 in this process "
			"whose objects can be followed");
	const struct hs_pymalloc *pm = hs_python_arenas(state);
	if (n->failed)
		return failed(web, err);
	if (pm->count)
		hs_pymalloc_pools(n, pm, add_pool, web);
	if (n->heap->chunk_count >= UINT32_MAX - web->slots)
		return hs_fail(err, HS_ERR_LIMIT, "too many blocks to number");
	web->nodes = web->slots + (uint32_t)n->heap->chunk_count;
	web->head = malloc((size_t)web->nodes + 1);
	web->seen = calloc((size_t)web->nodes + 1, sizeof(*web->seen));
	if (!web->head || !web->seen)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for %" PRIu32 " objects", web->nodes);
	memset(web->head, HS_WEB_NONE, web->nodes);
	if (pm->count)
		hs_pymalloc_pools(n, pm, fill_pool, web);
	fill_chunks(web);
	settle_doubts(web);
	web->work += pm->count * pm->arena_size / 8 + web->nodes + (1u << 20);
	web->work *= HS_LIMIT_PYTHON_WORDS;
	enum hs_status st = find_stacks(web, err);
	if (st)
		return st;
	web->py.work = web->work;
	for (uint32_t i = 0; i < web->nodes && !n->failed; i++)
		if (hs_web_is_object(web, i))
			(void)hs_web_refs(web, i, count_ref, web);
	hs_web_frames(web, count_in_frame, web);
	return failed(web, err);
}
