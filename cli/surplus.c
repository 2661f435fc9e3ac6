/* SPDX-License-Identifier: MIT */
#include "cli/surplus.h"

#include <stdlib.h>

/* How many references own each block; NULL: no memory, which is reported. */
static uint32_t *count_owners(struct cli *cli, const struct hs_graph *graph,
			      int *code)
{
	size_t chunks = hs_heap_chunk_count(cli->heap);
	struct hs_error err = { .code = HS_OK };
	uint32_t *owners = calloc(chunks + 1, sizeof(*owners));
	if (!owners) {
		*code = cli_fail(cli, EXIT_INPUT, "memory",
				 "no memory for the references of %zu chunks",
				 chunks);
	} else if (hs_graph_count_owners(graph, owners, &err)) {
		*code = cli_fail_error(cli, &err);
		free(owners);
		owners = NULL;
	}
	return owners;
}

static enum hs_confidence confidence(const struct hs_graph *graph)
{
	struct hs_graph_summary s;
	hs_graph_summary(graph, &s);
	return s.missing_root_bytes || s.missing_block_bytes ||
			       s.threads_without_registers
		       ? HS_CONFIDENCE_LOW
		       : HS_CONFIDENCE_MEDIUM;
}

static int by_difference(const void *a, const void *b)
{
	const struct surplus *x = a, *y = b;
	uint64_t dx = x->retains - x->references,
		 dy = y->retains - y->references;
	if (dx != dy)
		return dx > dy ? -1 : 1;
	return x->chunk < y->chunk ? -1 : x->chunk > y->chunk;
}

int surplus_find(struct cli *cli, struct hs_graph *graph,
		 struct surplus_list *ret)
{
	struct surplus_list list = { NULL, 0, confidence(graph) };
	int code = EXIT_ANSWERED;
	*ret = list;
	if (!cli->types || !hs_types_tagged(cli->types))
		return code; /* nothing here counts */
	uint32_t *owners = count_owners(cli, graph, &code);
	size_t room = 0;
	for (size_t i = 0; owners && i < hs_heap_chunk_count(cli->heap); i++) {
		uint64_t retains;
		if (!hs_graph_reached(graph, i) ||
		    !hs_types_retains(cli->types, i, &retains) ||
		    retains <= owners[i])
			continue;
		if (list.count == room) {
			room = room ? 2 * room : 16;
			struct surplus *more =
				realloc(list.surplus, room * sizeof(*more));
			if (!more) {
				code = cli_fail(cli, EXIT_INPUT, "memory",
						"no memory for %zu objects",
						room);
				break;
			}
			list.surplus = more;
		}
		list.surplus[list.count++] =
			(struct surplus){ i, retains, owners[i] };
	}
	free(owners);
	if (code) {
		surplus_release(&list);
		return code;
	}
	if (list.count)
		qsort(list.surplus, list.count, sizeof(*list.surplus),
		      by_difference);
	*ret = list;
	return code;
}

void surplus_release(struct surplus_list *list)
{
	free(list->surplus);
	*list = (struct surplus_list){ .surplus = NULL };
}

bool surplus_of(struct cli *cli, struct hs_graph *graph, size_t chunk,
		struct surplus *ret, int *code)
{
	uint64_t retains;
	*code = EXIT_ANSWERED;
	if (!cli->types || !hs_types_retains(cli->types, chunk, &retains))
		return false;
	uint32_t *owners = count_owners(cli, graph, code);
	if (!owners)
		return false;
	*ret = (struct surplus){ chunk, retains, owners[chunk] };
	free(owners);
	return true;
}
