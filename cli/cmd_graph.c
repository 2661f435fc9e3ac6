/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "cli/cli.h"
#include "cli/graph_view.h"
#include "cli/out_dot.h"
#include "cli/out_json.h"
#include "cli/progress.h"
#include "cli/reach.h"

/* Not EXIT_ANSWERED: it was reported. */
static int build(struct cli *cli, const struct hs_refs *refs, size_t start,
		 struct graph_view *view)
{
	const struct options *opt = &cli->opt;
	enum hs_status st;
	if (opt->around != HS_NO_ADDR) {
		int code = reach_name(cli);
		if (code)
			return code;
		st = graph_around(view, cli, refs, start, opt->depth,
				  opt->max_nodes);
	} else if (opt->by == FOLD_TYPE || opt->by == FOLD_OWNER) {
		return graph_fold(cli, refs, opt->max_nodes, view);
	} else {
		st = graph_by_size(view, cli->heap, refs, opt->max_nodes);
	}
	return st ? cli_fail(cli, EXIT_INPUT, hs_status_name(st),
			     "no memory for the graph")
		  : EXIT_ANSWERED;
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
	int code = build(cli, refs, start, view);
	hs_refs_free(refs);
	return code;
}

int cmd_graph(struct cli *cli)
{
	const struct options *opt = &cli->opt;
	size_t start = 0;
	/* A graph for people: more is unreadable, and layouts become slow.
	 * Classes have more edges than blocks. */
	if (!opt->max_nodes)
		cli->opt.max_nodes =
			opt->around != HS_NO_ADDR || opt->path || opt->leaks
				? 200
				: 40;
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
