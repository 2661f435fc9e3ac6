/* SPDX-License-Identifier: MIT */
#include "cli/export_leaks.h"

#include <stdlib.h>

struct search {
	struct export_job *job;
	uint8_t *seen;   /* by chunk */
	uint32_t *stack; /* room for every leak: each is pushed once */
	size_t depth;
};

static void push(struct search *s, size_t chunk)
{
	if (s->seen[chunk])
		return;
	s->seen[chunk] = 1;
	s->stack[s->depth++] = (uint32_t)chunk;
}

/* See everything that is leaked below CHUNK. */
static int follow(struct search *s, size_t chunk)
{
	struct hs_graph *graph = s->job->graph;
	push(s, chunk);
	while (s->depth) {
		struct hs_holder_list list;
		struct hs_error err = { .code = HS_OK };
		if (hs_graph_references(graph, s->stack[--s->depth], &list,
					&err))
			return cli_fail_error(s->job->cli, &err);
		for (size_t i = 0; i < list.count; i++)
			if (!hs_graph_reached(graph, list.holder[i].chunk))
				push(s, list.holder[i].chunk);
		hs_holder_list_release(&list);
	}
	return EXIT_ANSWERED;
}

/* KIND in two turns: what a cycle hangs below has to be seen before it. */
static int find(struct search *s, struct export_leak_heads *ret,
		enum hs_leak_kind kind)
{
	const struct hs_leaks *leaks = s->job->leaks;
	for (size_t i = 0; i < hs_leaks_count(leaks); i++) {
		struct hs_leak_info leak;
		hs_leaks_get(leaks, i, &leak);
		if (leak.kind != kind || s->seen[leak.chunk])
			continue;
		ret->chunk[ret->count++] = leak.chunk;
		int code = follow(s, leak.chunk);
		if (code)
			return code;
	}
	return EXIT_ANSWERED;
}

static int by_chunk(const void *a, const void *b)
{
	const size_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

int export_leak_heads_find(struct export_leak_heads *ret,
			   struct export_job *job)
{
	size_t n = hs_leaks_count(job->leaks);
	struct search s = { .job = job };
	s.seen = calloc(hs_heap_chunk_count(job->cli->heap) + 1, 1);
	s.stack = calloc(n + 1, sizeof(*s.stack));
	*ret = (struct export_leak_heads){ calloc(n + 1, sizeof(*ret->chunk)),
					   0 };
	int code = EXIT_ANSWERED;
	if (!s.seen || !s.stack || !ret->chunk)
		code = export_nomem(job, "leaks");
	/* A block that only leaks point to is in no turn: it is seen. */
	if (!code)
		code = find(&s, ret, HS_LEAK_ROOT);
	if (!code)
		code = find(&s, ret, HS_LEAK_CYCLE);
	if (!code && ret->count)
		qsort(ret->chunk, ret->count, sizeof(*ret->chunk), by_chunk);
	free(s.seen);
	free(s.stack);
	if (code)
		export_leak_heads_release(ret);
	return code;
}

void export_leak_heads_release(struct export_leak_heads *heads)
{
	free(heads->chunk);
	*heads = (struct export_leak_heads){ NULL, 0 };
}
