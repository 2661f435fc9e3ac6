/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/at.h"
#include "cli/frames.h"
#include "cli/out_text.h"
#include "cli/reach.h"
#include "cli/search.h"
#include "cli/text_map.h"

/* The object that a runtime keeps there. Where in it the hit is, and what it
 * is.
 */
static void print_part(struct cli *cli, hs_addr addr,
		       const struct hs_part_info *part)
{
	struct hs_type_info type;
	at_print_part(&cli->out, addr, part);
	if (part->type == SIZE_MAX)
		return;
	hs_types_info(cli->types, part->type, &type);
	out_str(&cli->out, ", ");
	out_escaped(&cli->out, type.name);
}

static bool find_part(struct cli *cli, hs_addr addr, struct hs_part_info *ret)
{
	return cli->types && hs_types_part_at(cli->types, addr, ret);
}

static void print_block(struct cli *cli, const struct search_view *v,
			const struct search_hit *hit)
{
	struct out *out = &cli->out;
	struct hs_chunk_info c;
	char n[TEXT_LEN], holder[ROOT_TEXT];
	const char *type = reach_type(cli, hit->chunk);
	const char *text = reach_holder(cli, v->graph, hit->chunk, holder);
	hs_heap_chunk(cli->heap, hit->chunk, &c);
	out_printf(out,
		   "+%" PRId64 " in the %s block 0x%" PRIx64 " of %s bytes",
		   (int64_t)(hit->addr - c.user), hs_chunk_state_name(c.state),
		   c.user, text_count(n, c.usable));
	if (type) {
		out_str(out, ", ");
		out_escaped(out, type);
	}
	struct hs_part_info part;
	if (find_part(cli, hit->addr, &part)) {
		out_str(out, ": ");
		print_part(cli, hit->addr, &part);
	}
	if (text) {
		out_str(out, "; held by ");
		out_escaped(out, text);
	} else if (v->graph &&
		   (c.state == HS_CHUNK_USED || c.state == HS_CHUNK_MMAPPED)) {
		out_str(out, "; leaked: nothing leads to it");
	}
	out_str(out, "\n");
}

/* False: no function's part of a stack is known to be there. */
static bool print_frame(struct cli *cli, hs_addr addr)
{
	struct hs_stacks *stacks = cli_stacks(cli);
	struct hs_frame_info f;
	struct hs_thread_info t;
	char text[1024];
	if (!stacks || !hs_stacks_at(stacks, addr, &f))
		return false;
	hs_target_thread(cli->target, f.thread, &t);
	out_printf(&cli->out, "stack of thread %" PRId64, t.tid);
	if (f.has_symbol && f.offset < f.symbol.size) {
		text_frame(text, sizeof(text), &f);
		out_str(&cli->out, ", in ");
		out_escaped(&cli->out, text);
	}
	out_str(&cli->out, "\n");
	return true;
}

static void print_hit(struct cli *cli, const struct search_view *v,
		      const struct search_hit *hit)
{
	struct out *out = &cli->out;
	struct hs_symbol_info symbol;
	struct hs_map_info map;
	out_printf(out, "0x%" PRIx64 "  ", hit->addr);
	if (hit->chunk != SIZE_MAX) {
		print_block(cli, v, hit);
		return;
	}
	struct hs_part_info part;
	if (find_part(cli, hit->addr, &part)) {
		print_part(cli, hit->addr, &part);
		out_str(out, "\n");
		return;
	}
	if (cli->syms && hs_symbols_at(cli->syms, hit->addr, &symbol)) {
		out_escaped(out, symbol.name);
		out_printf(out, "+0x%" PRIx64 "\n", hit->addr - symbol.addr);
		return;
	}
	if (print_frame(cli, hit->addr))
		return;
	hs_target_map(cli->target, find_map(cli->target, hit->addr), &map);
	out_printf(out, "0x%" PRIx64 " bytes into ", hit->addr - map.start);
	if (map.path)
		out_escaped(out, map.path);
	else
		out_printf(out, "%s memory at 0x%" PRIx64,
			   map.kind == HS_MAP_ANON ? "anonymous"
						   : map_kind_name(map.kind),
			   map.start);
	out_str(out, "\n");
}

/* "12 hits in 1.0 GiB: 10 in blocks in use, 2 in free ones". */
static void print_sum(struct cli *cli, const struct search_view *v)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN], size[TEXT_LEN];
	uint64_t free = v->count - v->in_use - v->elsewhere;
	const char *before = ": ";
	out_printf(out, "%s%s %s in %s", text_count(n, v->count),
		   v->cut ? " and more" : "",
		   text_plural(v->count, "hit", "hits"),
		   text_size(size, v->searched));
	if (v->in_use) {
		out_printf(out, "%s%s in blocks in use", before,
			   text_count(n, v->in_use));
		before = ", ";
	}
	if (free) {
		out_printf(out, "%s%s in memory that is not", before,
			   text_count(n, free));
		before = ", ";
	}
	if (v->elsewhere)
		out_printf(out, "%s%s outside the heap", before,
			   text_count(n, v->elsewhere));
	out_str(out, "\n");
}

static void print_text(struct cli *cli, const struct search_view *v)
{
	size_t limit = cli_row_limit(cli);
	if (limit > v->count)
		limit = v->count;
	print_sum(cli, v);
	if (!v->count && !cli->opt.everywhere)
		out_str(&cli->out, "only the heap was searched; --everywhere "
				   "searches all memory\n");
	for (size_t i = 0; i < limit && !cli->out.error; i++)
		print_hit(cli, v, &v->hit[i]);
	cli_announce_rest(cli, limit, v->count);
}

/* What is to be said of each hit. Not EXIT_ANSWERED: it was reported. */
static int prepare_holders(struct cli *cli, struct search_view *v)
{
	if (!cli->heap)
		return EXIT_ANSWERED;
	if (!cli->opt.why)
		return reach_name(cli);
	int code = reach_build_named(cli, &v->graph);
	if (!code)
		reach_note_missing(v->graph);
	return code;
}

int cmd_search(struct cli *cli)
{
	struct search_view view = { .hit = NULL };
	char n[TEXT_LEN];
	if (!cli->heap && !cli->opt.everywhere)
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NO_HEAP),
				"there is no heap to search; --everywhere "
				"searches all memory");
	int code = search_find(cli, &view);
	if (!code && view.count)
		code = prepare_holders(cli, &view);
	if (!code) {
		if (view.gave_up)
			cli_note(
				"warning: %s %s of text %s left out, for which "
				"the pattern takes too long; repetitions "
				"within repetitions do that",
				text_count(n, view.gave_up),
				text_plural(view.gave_up, "run", "runs"),
				text_plural(view.gave_up, "was", "were"));
		if (cli->opt.json)
			out_json_search(cli, &view);
		else
			print_text(cli, &view);
		code = cli_answered(cli);
	}
	search_release(&view);
	return code;
}
