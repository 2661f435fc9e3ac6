/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/out_text.h"
#include "cli/reach.h"

/* Owners shown on each level: the rest is told as a number. */
#define DEFAULT_TOP 20

const char *owner_field(struct cli *cli, const struct hs_owners *owners,
			size_t node, char buf[FIELD_TEXT])
{
	struct hs_owner_info o, up;
	struct hs_step step;
	size_t parent = hs_owners_parent(owners, node);
	if (!cli->types || parent == HS_OWNER_TOP)
		return NULL;
	hs_owners_info(owners, node, &o);
	hs_owners_info(owners, parent, &up);
	if (o.is_root || up.is_root ||
	    hs_graph_step(cli->graph, up.chunk, o.chunk, &step, NULL))
		return NULL;
	return reach_field(cli, up.chunk, step.offset, buf);
}

static void print_node(struct cli *cli, const struct hs_owners *owners,
		       size_t node, unsigned level)
{
	struct hs_owner_info o;
	struct out *out = &cli->out;
	char size[TEXT_LEN], count[TEXT_LEN], text[ROOT_TEXT], usable[TEXT_LEN];
	char field_text[FIELD_TEXT];
	hs_owners_info(owners, node, &o);
	out_printf(out, "%10s %11s  %*s", text_size(size, o.retained.bytes),
		   text_count(count, o.retained.count), (int)(2 * level), "");
	if (o.is_root) {
		out_ink(out, cli->colour, INK_BOLD,
			hs_root_kind_name(o.root.kind));
		out_str(out, "  ");
		out_escaped(out, root_text(cli, &o.root, text));
		out_str(out, "\n");
		return;
	}
	struct hs_chunk_info c;
	const char *field = owner_field(cli, owners, node, field_text);
	if (field) {
		out_str(out, ".");
		out_escaped(out, field);
		out_str(out, " -> ");
	}
	hs_heap_chunk(cli->heap, o.chunk, &c);
	out_printf(out, "0x%" PRIx64 "  %s bytes", c.user,
		   text_count(usable, c.usable));
	const char *type = reach_type(cli, o.chunk);
	if (type) {
		out_str(out, ", ");
		out_escaped(out, type);
	}
	out_str(out, "\n");
}

/* The depth is an option's, at most a thousand: no harm in recursion. */
static void print_tree(struct cli *cli, const struct hs_owners *owners,
		       size_t node, unsigned level, size_t top)
{
	char n[TEXT_LEN];
	size_t count = hs_owners_children(owners, node);
	for (size_t i = 0; i < count && i < top && !cli->out.error; i++) {
		size_t child = hs_owners_child(owners, node, i);
		print_node(cli, owners, child, level);
		if (level + 1 < cli->opt.depth)
			print_tree(cli, owners, child, level + 1, top);
	}
	if (count > top)
		out_printf(&cli->out, "%24s%*s... %s more (--top N, --all)\n",
			   "", (int)(2 * level), "",
			   text_count(n, count - top));
}

static int answer(struct cli *cli, const struct hs_graph *graph,
		  const struct hs_owners *owners, size_t chunk)
{
	size_t node = HS_OWNER_TOP;
	struct hs_owner_info whole;
	char n[TEXT_LEN], size[TEXT_LEN];
	size_t top = cli->opt.top ? (size_t)cli->opt.top : DEFAULT_TOP;
	if (cli->opt.all)
		top = SIZE_MAX;
	bool found = chunk == SIZE_MAX || hs_owners_node(owners, chunk, &node);
	reach_note_missing(graph);
	if (!found)
		return cli_usage(cli, "that block is leaked: nothing owns it");
	if (cli->opt.json) {
		out_json_owners(cli, owners, node, cli->opt.depth, top);
		return reach_answered(cli, graph, false);
	}
	hs_owners_info(owners, node, &whole);
	out_printf(&cli->out, "%s %s retain %s\n\n",
		   text_count(n, whole.retained.count),
		   node == HS_OWNER_TOP ? "blocks are reached: their owners"
					: "blocks at and below this one",
		   text_size(size, whole.retained.bytes));
	out_printf(&cli->out, "%10s %11s  %s\n", "retained", "blocks", "owner");
	if (node == HS_OWNER_TOP) {
		print_tree(cli, owners, node, 0, top);
	} else {
		print_node(cli, owners, node, 0);
		print_tree(cli, owners, node, 1, top);
	}
	return reach_answered(cli, graph, false);
}

int cmd_owners(struct cli *cli)
{
	struct hs_graph *graph = NULL;
	struct hs_owners *owners = NULL;
	struct hs_error err = { .code = HS_OK };
	size_t chunk = SIZE_MAX;
	int code = EXIT_ANSWERED;
	if (cli->opt.arg_count)
		code = reach_block(cli, cli->opt.args[0], &chunk);
	if (!code)
		code = reach_build_named(cli, &graph);
	if (!code && hs_owners_find(graph, &owners, &err))
		code = cli_fail_error(cli, &err);
	if (!code)
		code = answer(cli, graph, owners, chunk);
	hs_owners_free(owners);
	return code;
}
