/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "cli/cli.h"
#include "cli/graph_view.h"
#include "cli/out_dot.h"
#include "cli/out_json.h"
#include "cli/progress.h"

static enum hs_status build(struct cli *cli, const struct hs_refs *refs,
			    size_t start, struct graph_view *view)
{
	const struct options *opt = &cli->opt;
	if (opt->around != HS_NO_ADDR)
		return graph_around(view, cli->heap, refs, start, opt->depth,
				    opt->max_nodes);
	return graph_by_size(view, cli->heap, refs, opt->max_nodes);
}

/* Not EXIT_ANSWERED: it was reported. */
static int scan(struct cli *cli, size_t start, struct graph_view *view)
{
	struct hs_refs_options how = { .struct_size = sizeof(how),
				       .progress = progress_show };
	struct hs_refs *refs = NULL;
	struct hs_error err = { .code = HS_OK };
	if (hs_refs_scan(cli->target, cli->heap, &how, &refs, &err))
		return cli_fail_error(cli, &err);
	int code = EXIT_ANSWERED;
	if (build(cli, refs, start, view))
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for the graph");
	hs_refs_free(refs);
	return code;
}

int cmd_graph(struct cli *cli)
{
	const struct options *opt = &cli->opt;
	size_t start = 0;
	if (opt->by == FOLD_TYPE || opt->by == FOLD_OWNER)
		return cli_usage(cli, "graph folds the heap by size only");
	if (!opt->json && !out_dot_works())
		return cli_usage(cli, "this static build has no graphviz and "
				      "cannot write dot; --json has the same "
				      "graph");
	if (opt->around != HS_NO_ADDR &&
	    !hs_heap_find(cli->heap, opt->around, &start))
		return cli_usage(cli,
				 "no block of this heap holds 0x%" PRIx64
				 "; `heapscan at` says what is there",
				 opt->around);
	struct graph_view view = { .nodes = NULL };
	int code = opt->path || opt->leaks ? graph_reach(cli, &view)
					   : scan(cli, start, &view);
	char cut[128];
	if (!code) {
		if (graph_cut_text(&view, cut, sizeof(cut)))
			cli_note("the graph is %s (--max-nodes)", cut);
		/* --dot says it outright, but dot is the answer anyway. */
		if (opt->json)
			out_json_graph(cli, &view);
		else
			out_dot(cli, &view);
	}
	graph_view_release(&view);
	return code ? code : cli_answered(cli);
}
