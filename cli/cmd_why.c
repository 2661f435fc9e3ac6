/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "cli/leak_cycles.h"
#include "cli/object_why.h"
#include "cli/out_text.h"
#include "cli/reach.h"
#include "cli/text_map.h"

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
		if (!cli_shows_step(cli, i, path->count))
			continue;
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
		       const struct why_leak *leak,
		       const struct object_why *object)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN];
	print_chunk(cli, chunk, 0);
	if (leak)
		print_leak(cli, leak, chunk);
	if (object->there)
		object_why_print(cli, cli->graph, object, true);
	else
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

/* Does the best way to CHUNK lead through an object that a runtime keeps in
 * memory of its own, or is CHUNK one? Then who holds that is said as well. */
static bool is_of_object(struct cli *cli, size_t chunk,
			 const struct hs_path_list *paths)
{
	struct hs_part_info part;
	struct hs_type_info type;
	size_t i = cli->types ? hs_types_of(cli->types, chunk) : SIZE_MAX;
	if (i != SIZE_MAX) {
		hs_types_info(cli->types, i, &type);
		if (type.source == HS_TYPE_PYTHON)
			return true;
	}
	return paths->count && paths->path[0].root.addr != HS_NO_ADDR &&
	       object_is_at(cli, paths->path[0].root.addr, &part);
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
	struct object_why object = { .there = false };
	struct hs_chunk_info c;
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
	hs_heap_chunk(cli->heap, chunk, &c);
	if (st)
		code = cli_fail_error(cli, &err);
	else if (is_of_object(cli, chunk, &paths))
		code = object_why_ask(cli, graph, c.user, false, &object);
	if (!code) {
		reach_note_missing(graph);
		if (!hs_graph_reached(graph, chunk)) {
			find_leak(graph, chunk, &leak);
			leaked = &leak;
		}
		if (opt->json) {
			out_json_why(cli, chunk, leaked,
				     counted ? &counts : NULL, &paths,
				     opt->referrers ? &in : NULL,
				     opt->references ? &out : NULL, &object);
		} else {
			print_text(cli, chunk, &paths, leaked, &object);
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
	object_why_release(&object);
	hs_path_list_release(&paths);
	hs_holder_list_release(&in);
	hs_holder_list_release(&out);
	return code;
}

/* An object of a runtime's own arenas, which are no blocks of this heap. */
static int answer_object(struct cli *cli, hs_addr addr)
{
	struct object_why why = { .there = false };
	struct hs_graph *graph = NULL;
	int code = reach_build(cli, &graph);
	if (!code)
		code = object_why_ask(cli, graph, addr, true, &why);
	if (code)
		return code;
	reach_note_missing(graph);
	if (cli->opt.json)
		out_json_object_why(cli, graph, &why);
	else
		object_why_print(cli, graph, &why, false);
	code = reach_answered(cli, graph, why.why.state != HS_OBJECT_HELD);
	object_why_release(&why);
	return code;
}

/* Is ADDR in such an arena? *CODE: not EXIT_ANSWERED where it was reported why
 * that is of no use. */
static bool is_object(struct cli *cli, hs_addr addr, int *code)
{
	struct hs_part_info part;
	struct hs_map_info map;
	size_t chunk, i = find_map(cli->target, addr);
	*code = EXIT_ANSWERED;
	if (hs_heap_find(cli->heap, addr, &chunk) || i == SIZE_MAX)
		return false;
	hs_target_map(cli->target, i, &map);
	if (map.kind != HS_MAP_ANON)
		return false;
	*code = cli_name_types_quickly(cli);
	if (*code || !object_is_at(cli, addr, &part))
		return false;
	if (!part.live)
		*code = cli_usage(cli,
				  "the %" PRIu64 " bytes at 0x%" PRIx64
				  " in %s are not in use",
				  part.size, part.start,
				  hs_area_name(part.area));
	return part.live;
}

int cmd_why(struct cli *cli)
{
	struct hs_graph *graph = NULL;
	hs_addr addr;
	size_t chunk;
	int code = EXIT_ANSWERED;
	if (parse_addr(cli->opt.args[0], &addr) && is_object(cli, addr, &code))
		return answer_object(cli, addr);
	if (!code)
		code = reach_block(cli, cli->opt.args[0], &chunk);
	if (!code)
		code = reach_build_named(cli, &graph);
	if (!code)
		code = answer(cli, graph, chunk);
	return code;
}
