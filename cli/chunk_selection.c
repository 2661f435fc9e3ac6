/* SPDX-License-Identifier: MIT */
#include "cli/chunk_selection.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool has_type(const struct chunk_selection *sel, size_t i)
{
	size_t type = hs_types_of(sel->cli->types, i);
	return type != SIZE_MAX && sel->type_passes[type];
}

static bool passes(const struct chunk_selection *sel, size_t i,
		   const struct hs_chunk_info *chunk)
{
	const struct options *opt = &sel->cli->opt;
	return (!opt->states || opt->states & 1u << chunk->state) &&
	       (!opt->arena || chunk->arena == sel->arena) &&
	       (opt->tid < 0 || chunk->tid == opt->tid) &&
	       (!opt->type || has_type(sel, i)) &&
	       chunk->size >= opt->min_size && chunk->size <= opt->max_size;
}

static bool count_one(void *arg, size_t i, const struct hs_chunk_info *chunk)
{
	struct chunk_selection *sel = arg;
	if (passes(sel, i, chunk)) {
		sel->total.count++;
		sel->total.bytes += chunk->usable;
		sel->total.chunk_bytes += chunk->size;
	}
	return true;
}

struct sort_item {
	uint64_t key; /* ascending */
	size_t index;
};

struct collect {
	const struct chunk_selection *sel;
	struct sort_item *items;
	size_t count;
	enum sort_key by;
};

static bool collect_one(void *arg, size_t i, const struct hs_chunk_info *chunk)
{
	struct collect *c = arg;
	if (!passes(c->sel, i, chunk))
		return true;
	uint64_t key = 0; /* by address: the index decides */
	if (c->by == SORT_SIZE)
		key = UINT64_MAX - chunk->size;
	else if (c->by == SORT_STATE)
		key = (uint64_t)chunk->state;
	c->items[c->count++] = (struct sort_item){ key, i };
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct sort_item *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int sort(struct chunk_selection *sel, enum sort_key by)
{
	size_t n = (size_t)sel->total.count;
	struct collect c = { .sel = sel, .by = by };
	c.items = calloc(n + 1, sizeof(*c.items));
	sel->order = calloc(n + 1, sizeof(*sel->order));
	if (!c.items || !sel->order) {
		free(c.items);
		return cli_fail(sel->cli, EXIT_INPUT,
				hs_status_name(HS_ERR_NOMEM),
				"no memory to sort %zu chunks", n);
	}
	hs_heap_each(sel->cli->heap, collect_one, &c);
	qsort(c.items, n, sizeof(*c.items), compare);
	for (size_t i = 0; i < n; i++)
		sel->order[i] = c.items[i].index;
	free(c.items);
	return EXIT_ANSWERED;
}

static int find_arena(struct chunk_selection *sel)
{
	struct cli *cli = sel->cli;
	const char *which = cli->opt.arena;
	size_t count = hs_heap_arena_count(cli->heap);
	uint64_t number;
	hs_addr addr;
	bool is_index = strncmp(which, "0x", 2) != 0 &&
			strspn(which, "0123456789") == strlen(which) &&
			parse_size(which, &number) && number < count;
	bool is_addr = parse_addr(which, &addr);
	for (size_t i = 0; i < count; i++) {
		struct hs_arena_info a;
		hs_heap_arena(cli->heap, i, &a);
		if ((strcmp(which, "main") == 0 && a.is_main) ||
		    (is_index && number == i) || (is_addr && a.addr == addr)) {
			sel->arena = i;
			return EXIT_ANSWERED;
		}
	}
	return cli_usage(cli,
			 "no arena '%s'; `heapscan arenas` lists the %zu there "
			 "are",
			 which, count);
}

/* A name is taken as it is first: some have brackets and stars. */
static int match_types(struct chunk_selection *sel)
{
	struct cli *cli = sel->cli;
	int code = cli_name_types(cli);
	if (code || !cli->opt.type)
		return code;
	size_t n = hs_types_count(cli->types);
	sel->type_passes = calloc(n + 1, sizeof(*sel->type_passes));
	if (!sel->type_passes)
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for %zu types", n);
	for (size_t i = 0; i < n; i++) {
		struct hs_type_info info;
		hs_types_info(cli->types, i, &info);
		sel->type_passes[i] =
			strcmp(info.name, cli->opt.type) == 0 ||
			fnmatch(cli->opt.type, info.name, FNM_NOESCAPE) == 0;
	}
	return EXIT_ANSWERED;
}

static bool has_thread(const struct cli *cli, int64_t tid)
{
	for (size_t i = 0; i < hs_target_thread_count(cli->target); i++) {
		struct hs_thread_info thread;
		hs_target_thread(cli->target, i, &thread);
		if (thread.tid == tid)
			return true;
	}
	return false;
}

int chunk_selection_init(struct chunk_selection *sel, struct cli *cli)
{
	const struct options *opt = &cli->opt;
	*sel = (struct chunk_selection){ .cli = cli, .arena = SIZE_MAX };
	if (opt->arena) {
		int code = find_arena(sel);
		if (code)
			return code;
	}
	if (opt->sort > SORT_STATE)
		return cli_usage(cli, "chunks are sorted by address, size or "
				      "state");
	/* Names cost a pass over the heap: only where they are shown. */
	if (opt->type || opt->json) {
		int code = match_types(sel);
		if (code)
			return code;
	}
	hs_heap_each(cli->heap, count_one, sel);
	if (opt->tid >= 0 && !sel->total.count && !has_thread(cli, opt->tid))
		return cli_usage(cli,
				 "no thread %" PRId64 "; `heapscan threads` "
				 "lists the %zu there are",
				 opt->tid, hs_target_thread_count(cli->target));
	enum sort_key by = opt->sort;
	if (by == SORT_NONE && opt->top)
		by = SORT_SIZE;
	if (by == SORT_SIZE || by == SORT_STATE) {
		int code = sort(sel, by);
		if (code)
			return code;
	}
	sel->count = (size_t)sel->total.count;
	if (opt->top && opt->top < sel->count)
		sel->count = (size_t)opt->top;
	return EXIT_ANSWERED;
}

void chunk_selection_release(struct chunk_selection *sel)
{
	free(sel->order);
	free(sel->type_passes);
	sel->order = NULL;
	sel->type_passes = NULL;
}

struct each {
	const struct chunk_selection *sel;
	hs_chunk_fn fn;
	void *arg;
	size_t left;
};

static bool each_one(void *arg, size_t i, const struct hs_chunk_info *chunk)
{
	struct each *e = arg;
	if (!e->left)
		return false;
	if (!passes(e->sel, i, chunk))
		return true;
	e->left--;
	return e->fn(e->arg, i, chunk);
}

void chunk_selection_each(const struct chunk_selection *sel, hs_chunk_fn fn,
			  void *arg)
{
	if (!sel->order) {
		struct each e = { sel, fn, arg, sel->count };
		hs_heap_each(sel->cli->heap, each_one, &e);
		return;
	}
	for (size_t n = 0; n < sel->count; n++) {
		struct hs_chunk_info chunk;
		hs_heap_chunk(sel->cli->heap, sel->order[n], &chunk);
		if (!fn(arg, sel->order[n], &chunk))
			return;
	}
}
