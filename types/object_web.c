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
		return b->chunk == SIZE_MAX && c->item == 0 && !c->text &&
				       b->usable - c->basic >= 16
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

unsigned hs_web_cost(struct hs_web *web, uint32_t from,
		     const struct hs_py_ref *ref)
{
	const struct hs_py_class *c;
	switch (ref->edge) {
	case HS_PY_WORD:
		/* A function leads to all variables of its module, a frame to
		 * its caller's. */
		c = hs_py_class_of(&web->py, hs_web_addr(web, from));
		return c && (c->kind == HS_PY_FRAME || c->kind == HS_PY_TYPE)
			       ? 8
		       : c && strcmp(c->name, "function") == 0 ? 6
							       : 2;
	case HS_PY_CLASS:
	case HS_PY_CODE:
	case HS_PY_FUNCTION:
	case HS_PY_LOCALS:
	case HS_PY_FRAME_OBJECT:
		return 8;
	case HS_PY_KEY:
	case HS_PY_STACK:
		return ref->stale ? 40 : 2;
	case HS_PY_IN_MEMORY:
		return ref->stale ? 40 : 10;
	default:
		return 1;
	}
}

struct resolve {
	struct hs_web *web;
	hs_web_ref_fn fn;
	void *arg;
};

static bool resolve(void *arg, const struct hs_py_ref *ref)
{
	const struct resolve *r = arg;
	uint32_t to;
	return !hs_web_target(r->web, ref, &to) || r->fn(r->arg, to, ref);
}

/*
 * The interpreter remembers by name and version what it found in classes, and
 * owns nothing of that: {version u32, a str, the object}. Since 3.13 it
 * remembers functions and their code as well: {function, code}.
 */
static bool is_remembered(struct hs_web *web, uint32_t to, hs_addr at)
{
	uint64_t version, name;
	uint32_t node;
	const struct hs_py_class *c;
	if (hs_web_is_object(web, to) &&
	    (c = hs_py_class_of(&web->py, hs_web_addr(web, to))) &&
	    !(c->flags & HS_PY_HEAP) &&
	    (strcmp(c->name, "function") == 0 || strcmp(c->name, "code") == 0))
		return true;
	return hs_peek(web->n, at - 16, &version) && version > 0 &&
	       version <= UINT32_MAX && hs_peek(web->n, at - 8, &name) &&
	       (name < web->lowest || name >= web->highest ||
		hs_web_object(web, name, &node)) &&
	       (c = hs_py_class_of(&web->py, name)) && c->text;
}

/*
 * Might a word outside of objects own the object of NODE? Not if all references
 * that it counts were seen in objects and frames: then the word is borrowed, or
 * left over in one of the interpreter's lists of free objects, or on a stack.
 * It is how Python's collector tells what is held from outside, too.
 */
static bool has_more_owners(struct hs_web *web, uint32_t node)
{
	uint32_t count;
	return !hs_web_is_object(web, node) ||
	       (hs_peek_u32(web->n, hs_web_addr(web, node), &count) &&
		count > web->seen[node]);
}

/* Words from START to END that lead to objects, or into blocks. */
typedef bool (*word_fn)(void *arg, uint32_t to, hs_addr at);
static bool each_word(struct hs_web *web, hs_addr start, hs_addr end,
		      word_fn fn, void *arg)
{
	struct hs_window *w = &web->n->block;
	hs_addr at = (start + 7) & ~(hs_addr)7;
	while (at < end && end - at >= 8) {
		uint64_t len;
		const uint8_t *bytes = hs_window_bytes(w, at, &len);
		if (!bytes || len < 8) {
			hs_addr next = hs_target_next(w->target, at + 1, false);
			if (next == HS_NO_ADDR || next <= at)
				return true;
			at = (next + 7) & ~(hs_addr)7;
			continue;
		}
		if (len > end - at)
			len = end - at;
		for (uint64_t i = 0; i + 8 <= len; i += 8) {
			uint64_t word, into;
			uint32_t node;
			memcpy(&word, bytes + i, 8);
			word = le64toh(word);
			/* No object is that low, and few words are higher. */
			if (word < 4096 || word > UINT64_MAX / 2 ||
			    !hs_web_in(web, word, &node, &into))
				continue;
			if (hs_web_is_object(web, node)
				    ? into != web->head[node]
				    : node < web->slots && into != 0)
				continue;
			if (!has_more_owners(web, node))
				continue;
			if (!fn(arg, node, at + i))
				return false;
		}
		at += len & ~UINT64_C(7);
	}
	return true;
}

struct in_memory {
	const struct resolve *r;
	hs_addr start;
};

static bool tell_word(void *arg, uint32_t to, hs_addr at)
{
	const struct in_memory *m = arg;
	const struct hs_py_ref ref = {
		.to = hs_web_addr(m->r->web, to),
		.edge = HS_PY_IN_MEMORY,
		.number = at - m->start,
		.stale = is_remembered(m->r->web, to, at),
	};
	return m->r->fn(m->r->arg, to, &ref);
}

bool hs_web_refs(struct hs_web *web, uint32_t node, hs_web_ref_fn fn, void *arg)
{
	struct resolve r = { web, fn, arg };
	hs_addr start;
	uint64_t size;
	if (hs_web_is_object(web, node))
		return hs_py_refs(&web->py, hs_web_addr(web, node), resolve,
				  &r);
	if (web->head[node] != HS_WEB_MEMORY)
		return true;
	hs_web_block(web, node, &start, &size);
	struct in_memory m = { &r, start };
	return each_word(web, start, start + size, tell_word, &m);
}

/* ---- roots ---- */

struct roots {
	struct hs_web *web;
	hs_web_root_fn fn;
	void *arg;
	hs_addr frame;
};

static bool tell_root(void *arg, uint32_t to, hs_addr at)
{
	const struct roots *r = arg;
	struct hs_web_root root = { .kind = HS_OBJECT_ROOT_WORD, .addr = at };
	/* What lies on a stack, or in memory that nobody knows, may be left
	 * over. */
	if (hs_naming_module(r->web->n, at) == SIZE_MAX)
		root.cost = 40;
	else if (is_remembered(r->web, to, at))
		root.cost = 60;
	return r->fn(r->arg, to, &root);
}

static bool tell_of_frame(void *arg, const struct hs_py_ref *ref)
{
	const struct roots *r = arg;
	uint32_t to;
	if (!hs_web_target(r->web, ref, &to) ||
	    (ref->stale && !has_more_owners(r->web, to)))
		return true;
	struct hs_web_root root = { .kind = HS_OBJECT_ROOT_FRAME,
				    .addr = r->frame,
				    .ref = ref,
				    .cost = hs_web_cost(r->web, to, ref) };
	return r->fn(r->arg, to, &root);
}

static bool tell_frame(void *arg, hs_addr frame)
{
	struct roots *r = arg;
	hs_addr end;
	r->frame = frame;
	return hs_py_frame_refs(&r->web->py, frame, true, tell_of_frame, r,
				&end) != HS_PY_FRAME_ENDED;
}

/* START to END, without arenas and stacks of frames, which are looked at in
 * their own ways. Both are sorted; *ARENA and *PIECE move along. */
static bool each_root_word(struct roots *r, hs_addr start, hs_addr end,
			   size_t *arena, size_t *piece)
{
	const struct hs_pymalloc *pm = hs_python_arenas(r->web->state);
	const struct hs_py_stacks *s = &r->web->stacks;
	while (start < end) {
		while (*arena < pm->count &&
		       pm->arena[*arena].base + pm->arena_size <= start)
			++*arena;
		while (*piece < s->count && s->piece[*piece].end <= start)
			++*piece;
		hs_addr stop = end, go_on = end;
		if (*arena < pm->count && pm->arena[*arena].base < stop) {
			stop = pm->arena[*arena].base;
			go_on = stop + pm->arena_size;
		}
		if (*piece < s->count && s->piece[*piece].start < stop) {
			stop = s->piece[*piece].start;
			go_on = s->piece[*piece].end;
		}
		if (stop > start &&
		    !each_word(r->web, start, stop, tell_root, r))
			return false;
		start = go_on;
	}
	return true;
}

static bool each_register(struct roots *r)
{
	struct hs_naming *n = r->web->n;
	size_t threads = hs_target_thread_count(n->target);
	for (size_t t = 0; t < threads; t++) {
		struct hs_thread_info info;
		hs_target_thread(n->target, t, &info);
		for (size_t i = 0; i < info.register_count; i++) {
			uint32_t to;
			if (!hs_web_object(r->web, info.registers[i], &to) ||
			    !has_more_owners(r->web, to))
				continue;
			const struct hs_web_root root = {
				.kind = HS_OBJECT_ROOT_REGISTER,
				.addr = HS_NO_ADDR,
				.thread = t,
				.reg = (unsigned)i,
				.cost = 50,
			};
			if (!r->fn(r->arg, to, &root))
				return false;
		}
	}
	return true;
}

void hs_web_roots(struct hs_web *web, hs_web_root_fn fn, void *arg)
{
	struct roots r = { .web = web, .fn = fn, .arg = arg };
	size_t arena = 0, piece = 0;
	for (size_t i = 0; i < web->stacks.count; i++) {
		hs_addr end;
		hs_py_stack_frames(&web->py, &web->stacks.piece[i], tell_frame,
				   &r, &end);
		/* What could not be made out, word by word. */
		if (end < web->stacks.piece[i].top &&
		    !each_word(web, end, web->stacks.piece[i].top, tell_root,
			       &r))
			return;
	}
	for (size_t i = 0; i < web->live_count; i++)
		if (!each_root_word(&r, web->live[i].start, web->live[i].end,
				    &arena, &piece))
			return;
	(void)each_register(&r);
}

/* ---- making ---- */

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
	for (size_t i = 0; i < web->stacks.count; i++) {
		struct roots r = { web, count_in_frame, web, 0 };
		hs_addr end;
		hs_py_stack_frames(&web->py, &web->stacks.piece[i], tell_frame,
				   &r, &end);
	}
	return failed(web, err);
}
