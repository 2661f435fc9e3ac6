/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "cli/leak_cycles.h"
#include "cli/out_text.h"
#include "cli/reach.h"

static void print_chunk(struct cli *cli, size_t chunk, uint64_t interior)
{
	struct hs_chunk_info c;
	char n[TEXT_LEN];
	hs_heap_chunk(cli->heap, chunk, &c);
	out_printf(&cli->out, "0x%" PRIx64, c.user);
	if (interior && interior != HS_UNKNOWN)
		out_printf(&cli->out, "%s+%" PRIu64,
			   interior == c.usable ? " (its end) " : " ",
			   interior);
	out_printf(&cli->out, "  %s bytes, %s", text_count(n, c.usable),
		   hs_chunk_state_name(c.state));
	const char *type = reach_type(cli, chunk);
	if (type) {
		out_str(&cli->out, ", ");
		out_escaped(&cli->out, type);
	}
	out_str(&cli->out, "\n");
}

/* ".next (strong) " of the block that holds it; false: not known. */
static bool print_field(struct cli *cli, size_t holder, uint64_t offset)
{
	char text[FIELD_TEXT];
	const char *field = reach_field(cli, holder, offset, text);
	if (!field)
		return false;
	out_str(&cli->out, ".");
	out_escaped(&cli->out, field);
	out_str(&cli->out, " ");
	return true;
}

static void print_path(struct cli *cli, const struct hs_path *path)
{
	char text[ROOT_TEXT];
	struct out *out = &cli->out;
	out_ink(out, cli->colour, INK_BOLD, hs_root_kind_name(path->root.kind));
	out_str(out, "  ");
	if (path->root.addr != HS_NO_ADDR)
		out_printf(out, "0x%" PRIx64 "  ", path->root.addr);
	out_escaped(out, root_text(cli, &path->root, text));
	out_str(out, "\n");
	for (size_t i = 0; i < path->count; i++) {
		const struct hs_step *s = &path->step[i];
		if (i && s->offset != HS_UNKNOWN) {
			out_printf(out, "   +%-5" PRIu64 " ", s->offset);
			(void)print_field(cli, path->step[i - 1].chunk,
					  s->offset);
			out_str(out, "-> ");
		} else {
			out_str(out, "          -> ");
		}
		print_chunk(cli, s->chunk, s->interior);
	}
	out_str(out, "\n");
}

/* HOLDER: of all that is listed; SIZE_MAX: each holds by itself. */
static void print_holders(struct cli *cli, const char *title,
			  const struct hs_holder_list *list, size_t holder)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN], text[ROOT_TEXT];
	size_t limit = cli_row_limit(cli);
	if (limit > list->count)
		limit = list->count;
	out_printf(out, "%s: %s\n", title, text_count(n, list->count));
	for (size_t i = 0; i < limit && !out->error; i++) {
		const struct hs_holder *h = &list->holder[i];
		if (h->is_root) {
			out_str(out, "  ");
			out_escaped(out, root_text(cli, &h->root, text));
			out_str(out, "\n");
			continue;
		}
		out_printf(out, "  +%-5" PRIu64 " ", h->offset);
		if (!print_field(cli, holder == SIZE_MAX ? h->chunk : holder,
				 h->offset) &&
		    h->weak)
			out_str(out, "(does not own) ");
		print_chunk(cli, h->chunk, 0);
	}
	cli_announce_rest(cli, limit, list->count);
}

/* Ways more than asked for, in search of one that will last. */
#define LOOK_FOR 4u

/*
 * A register or a stack holds a block for a moment. Where nothing else leads to
 * it on the ways that were asked for, the first of the others that will be
 * there longer is worth a look. SIZE_MAX: none.
 */
static size_t lasting_way(const struct cli *cli,
			  const struct hs_path_list *paths)
{
	uint8_t passing = root_rank(HS_ROOT_STACK);
	for (size_t i = 0; i < paths->count; i++)
		if (root_rank(paths->path[i].root.kind) > passing)
			return i < cli->opt.paths ? SIZE_MAX : i;
	return SIZE_MAX;
}

/* What leaked with CHUNK, which did. */
static void find_leak(struct hs_graph *graph, size_t chunk,
		      struct why_leak *ret)
{
	struct hs_leaks *leaks = NULL;
	struct hs_leak_info leak = { .chunk = SIZE_MAX };
	*ret = (struct why_leak){ .below = SIZE_MAX };
	if (hs_leaks_find(graph, &leaks, NULL))
		return;
	for (size_t i = 0; i < hs_leaks_count(leaks) && leak.chunk != chunk;
	     i++)
		hs_leaks_get(leaks, i, &leak);
	if (leak.chunk == chunk && leak.kind != HS_LEAK_CYCLE)
		ret->below = leak.root;
	else if (leak.chunk != chunk ||
		 hs_leaks_cycle_of(leaks, chunk, &ret->cycle, NULL))
		ret->cycle = (struct hs_cycle){ NULL, 0 };
	hs_leaks_free(leaks);
}

static void print_leak(struct cli *cli, const struct why_leak *leak,
		       size_t chunk)
{
	out_str(&cli->out, "leaked: no way leads to it from any root\n");
	if (leak->cycle.count) {
		leak_cycle_print(cli, &leak->cycle, chunk);
	} else if (leak->below != SIZE_MAX) {
		out_str(&cli->out, "    it hangs below ");
		print_chunk(cli, leak->below, 0);
	}
}

static void print_text(struct cli *cli, size_t chunk,
		       const struct hs_path_list *paths,
		       const struct why_leak *leak)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN];
	print_chunk(cli, chunk, 0);
	if (leak)
		print_leak(cli, leak, chunk);
	out_str(out, "\n");
	uint64_t more = paths->more;
	size_t lasting = lasting_way(cli, paths);
	for (size_t i = 0; i < paths->count; i++) {
		if (i < cli->opt.paths || i == lasting)
			print_path(cli, &paths->path[i]);
		else
			more++;
	}
	if (more)
		out_printf(out, "... %s more %s (--paths N)\n",
			   text_count(n, more),
			   text_plural(more, "way", "ways"));
}

/* How often an object was retained, beside what retains it. */
static void print_counts(struct out *out, const struct surplus *s)
{
	char n[TEXT_LEN], m[TEXT_LEN], more[TEXT_LEN];
	out_printf(out, "retained: %s %s, %s %s to it seen",
		   text_count(n, s->retains),
		   text_plural(s->retains, "time", "times"),
		   text_count(m, s->references),
		   text_plural(s->references, "reference", "references"));
	if (s->retains > s->references)
		out_printf(out, "; %s more than anything refers to it",
			   text_count(more, s->retains - s->references));
	out_str(out, "\n");
}

static int answer(struct cli *cli, struct hs_graph *graph, size_t chunk)
{
	struct hs_path_list paths = { NULL, 0, 0 };
	struct hs_holder_list in = { NULL, 0 }, out = { NULL, 0 };
	struct hs_error err = { .code = HS_OK };
	const struct options *opt = &cli->opt;
	struct why_leak leak = { .below = SIZE_MAX };
	const struct why_leak *leaked = NULL;
	struct surplus counts;
	int code;
	bool counted = surplus_of(cli, graph, chunk, &counts, &code);
	if (code)
		return code;
	enum hs_status st = hs_graph_why(
		graph, chunk, opt->json ? opt->paths : opt->paths + LOOK_FOR,
		&paths, &err);
	if (!st && opt->referrers)
		st = hs_graph_referrers(graph, chunk, &in, &err);
	if (!st && opt->references)
		st = hs_graph_references(graph, chunk, &out, &err);
	if (st) {
		code = cli_fail_error(cli, &err);
	} else {
		reach_note_missing(graph);
		if (!hs_graph_reached(graph, chunk)) {
			find_leak(graph, chunk, &leak);
			leaked = &leak;
		}
		if (opt->json) {
			out_json_why(cli, chunk, leaked,
				     counted ? &counts : NULL, &paths,
				     opt->referrers ? &in : NULL,
				     opt->references ? &out : NULL);
		} else {
			print_text(cli, chunk, &paths, leaked);
			if (counted)
				print_counts(&cli->out, &counts);
			if (opt->referrers)
				print_holders(cli, "referrers", &in, SIZE_MAX);
			if (opt->references)
				print_holders(cli, "references", &out, chunk);
		}
		code = reach_answered(cli, graph, leaked != NULL);
		hs_cycle_release(&leak.cycle);
	}
	hs_path_list_release(&paths);
	hs_holder_list_release(&in);
	hs_holder_list_release(&out);
	return code;
}

int cmd_why(struct cli *cli)
{
	struct hs_graph *graph = NULL;
	size_t chunk;
	int code = reach_block(cli, cli->opt.args[0], &chunk);
	if (!code)
		code = reach_build_named(cli, &graph);
	if (!code)
		code = answer(cli, graph, chunk);
	return code;
}
