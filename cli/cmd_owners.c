/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/object_why.h"
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

/* Below this share nothing is said of who it is, and below the first level
 * nothing at all of what is less of its owner, or next to nothing of all. */
#define SMALL_SHARE 100u
#define TINY_SHARE 1000u

static uint64_t share_of_all(const struct hs_owners *owners)
{
	struct hs_owner_info whole;
	hs_owners_info(owners, HS_OWNER_TOP, &whole);
	return whole.retained.bytes / SMALL_SHARE + 1;
}

bool owner_holder(struct cli *cli, const struct hs_owners *owners, size_t node,
		  struct hs_root_info *ret)
{
	struct hs_owner_info o;
	hs_owners_info(owners, node, &o);
	return !o.is_root && hs_owners_parent(owners, node) == HS_OWNER_TOP &&
	       o.retained.bytes >= share_of_all(owners) &&
	       reach_root(cli->graph, o.chunk, ret);
}

/* What of a tree is shown. */
struct tree_cut {
	size_t top;     /* children of each node, at most */
	uint64_t least; /* bytes, below the first level */
};

/* How many children of NODE are shown on a level, the largest first. */
static size_t shown_children(const struct cli *cli,
			     const struct hs_owners *owners, size_t node,
			     unsigned level, const struct tree_cut *cut)
{
	size_t count = hs_owners_children(owners, node), n = 0;
	struct hs_owner_info up, o;
	if (count > cut->top)
		count = cut->top;
	if (!level || cli->opt.top || cli->opt.all)
		return count;
	hs_owners_info(owners, node, &up);
	while (n < count) {
		hs_owners_info(owners, hs_owners_child(owners, node, n), &o);
		if (o.retained.bytes < up.retained.bytes / SMALL_SHARE ||
		    o.retained.bytes < cut->least)
			break;
		n++;
	}
	return n;
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
		out_escaped(out, root_whole_text(cli, &o.root, text));
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
	struct hs_root_info root;
	if (owner_holder(cli, owners, node, &root)) {
		out_str(out, ": by ");
		out_escaped(out, root_text(cli, &root, text));
		out_str(out, ", and others");
	}
	out_str(out, "\n");
}

/* The depth is an option's, at most a thousand: no harm in recursion. */
static void print_tree(struct cli *cli, const struct hs_owners *owners,
		       size_t node, unsigned level, const struct tree_cut *cut)
{
	char n[TEXT_LEN], size[TEXT_LEN];
	size_t count = hs_owners_children(owners, node);
	size_t shown = shown_children(cli, owners, node, level, cut);
	for (size_t i = 0; i < shown && !cli->out.error; i++) {
		size_t child = hs_owners_child(owners, node, i);
		print_node(cli, owners, child, level);
		if (level + 1 < cli->opt.depth)
			print_tree(cli, owners, child, level + 1, cut);
	}
	if (shown == count)
		return;
	struct hs_owner_info next;
	hs_owners_info(owners, hs_owners_child(owners, node, shown), &next);
	if (level && !cli->opt.top && next.retained.bytes < cut->least)
		return; /* the numbers of blocks tell that there are some */
	out_printf(&cli->out,
		   "%24s%*s... %s more, %s at most (--top N, --all)\n", "",
		   (int)(2 * level), "", text_count(n, count - shown),
		   text_size(size, next.retained.bytes));
}

/* How much there is, and who has most of it. */
static void print_headline(struct cli *cli, const struct hs_owners *owners,
			   size_t node)
{
	struct hs_owner_info whole, first;
	struct out *out = &cli->out;
	char n[TEXT_LEN], size[TEXT_LEN], text[ROOT_TEXT];
	const char *who;
	hs_owners_info(owners, node, &whole);
	(void)text_count(n, whole.retained.count);
	(void)text_size(size, whole.retained.bytes);
	if (node != HS_OWNER_TOP) {
		if (whole.children)
			out_printf(out,
				   "%s blocks at and below this one retain "
				   "%s\n\n",
				   n, size);
		else
			out_printf(out,
				   "this block retains its own %s, nothing "
				   "else\n\n",
				   size);
		return;
	}
	out_printf(out, "%s %s reached, %s", n,
		   text_plural(whole.retained.count, "block is", "blocks are"),
		   size);
	if (whole.children) {
		hs_owners_info(owners, hs_owners_child(owners, node, 0),
			       &first);
		who = first.is_root ? root_whole_text(cli, &first.root, text)
				    : reach_holder(cli, cli->graph, first.chunk,
						   text);
		out_printf(out, "; most is kept by ");
		out_escaped(out, who ? who : "several owners");
		out_printf(out, "%s: %s", first.is_root ? "" : " and others",
			   text_size(size, first.retained.bytes));
	}
	out_str(out, "\n\n");
}

static int answer(struct cli *cli, const struct hs_graph *graph,
		  const struct hs_owners *owners, size_t chunk)
{
	size_t node = HS_OWNER_TOP;
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
	struct hs_owner_info whole;
	hs_owners_info(owners, node, &whole);
	struct tree_cut cut = { top, whole.retained.bytes / TINY_SHARE };
	print_headline(cli, owners, node);
	out_printf(&cli->out, "%10s %11s  %s\n", "retained", "blocks", "owner");
	if (node == HS_OWNER_TOP) {
		print_tree(cli, owners, node, 0, &cut);
	} else {
		print_node(cli, owners, node, 0);
		print_tree(cli, owners, node, 1, &cut);
	}
	return reach_answered(cli, graph, false);
}

/* Which variable of Python holds how much. */
static int answer_objects(struct cli *cli)
{
	struct hs_graph *graph = NULL;
	size_t top = cli->opt.top ? (size_t)cli->opt.top : DEFAULT_TOP;
	if (cli->opt.arg_count)
		return cli_usage(cli,
				 "--objects is about all of them: `heapscan "
				 "why` says who holds one");
	int code = cli_name_types_quickly(cli);
	if (!code)
		code = reach_build(cli, &graph);
	return code ? code
		    : object_shares_answer(cli, graph,
					   cli->opt.all ? SIZE_MAX : top);
}

int cmd_owners(struct cli *cli)
{
	struct hs_graph *graph = NULL;
	struct hs_owners *owners = NULL;
	struct hs_error err = { .code = HS_OK };
	size_t chunk = SIZE_MAX;
	int code = EXIT_ANSWERED;
	if (cli->opt.objects)
		return answer_objects(cli);
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
