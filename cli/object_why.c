/* SPDX-License-Identifier: MIT */
#include "cli/object_why.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out_text.h"
#include "cli/progress.h"

bool object_is_at(struct cli *cli, hs_addr addr, struct hs_part_info *ret)
{
	return cli->types && hs_types_part_at(cli->types, addr, ret) &&
	       ret->area == HS_AREA_PYMALLOC;
}

int objects_build(struct cli *cli, struct hs_graph *graph, bool optional)
{
	struct hs_objects_options how = { .struct_size = sizeof(how),
					  .progress = progress_show };
	struct hs_error err = { .code = HS_OK };
	if (cli->objects)
		return EXIT_ANSWERED;
	how.live = hs_graph_live(graph, &how.live_count);
	if (hs_objects_new(cli->types, &how, &cli->objects, &err) &&
	    !(optional && err.code == HS_ERR_UNSUPPORTED))
		return cli_fail_error(cli, &err);
	return EXIT_ANSWERED;
}

int object_why_ask(struct cli *cli, struct hs_graph *graph, hs_addr addr,
		   bool lists, struct object_why *ret)
{
	struct object_why why = { .there = true };
	struct hs_error err = { .code = HS_OK };
	bool content = cli->opt.content;
	*ret = (struct object_why){ .there = false };
	int code = objects_build(cli, graph, !lists);
	if (code || !cli->objects)
		return code;
	enum hs_status st =
		hs_objects_why(cli->objects, addr, content, &why.why, &err);
	if (!st && lists && cli->opt.referrers)
		st = hs_objects_referrers(cli->objects, addr, content,
					  &why.referrers, &why.referrer_count,
					  &err);
	if (!st && lists && cli->opt.references)
		st = hs_objects_references(cli->objects, addr, content,
					   &why.references,
					   &why.reference_count, &err);
	if (st) {
		object_why_release(&why);
		return cli_fail_error(cli, &err);
	}
	why.has_referrers = lists && cli->opt.referrers;
	why.has_references = lists && cli->opt.references;
	*ret = why;
	return EXIT_ANSWERED;
}

void object_why_release(struct object_why *why)
{
	hs_object_why_release(&why->why);
	free(why->referrers);
	free(why->references);
	*why = (struct object_why){ .there = false };
}

static void print_object(struct cli *cli, const struct hs_object_info *o)
{
	struct out *out = &cli->out;
	struct hs_type_info type = { .name = o->is_object ? "object"
							  : "memory" };
	if (o->type != SIZE_MAX)
		hs_types_info(cli->types, o->type, &type);
	out_printf(out, "0x%" PRIx64 "  ", o->addr);
	out_escaped(out, type.name);
	if (o->name[0]) {
		out_str(out, " ");
		out_escaped(out, o->name);
	}
}

static void print_step(struct cli *cli, const struct hs_object_step *s,
		       const char *before)
{
	struct out *out = &cli->out;
	size_t width = strlen(s->how);
	out_str(out, "  ");
	out_escaped(out, s->how);
	if (!s->sure && width) {
		out_str(out, " ?");
		width += 2;
	}
	out_printf(out, "%*s %s", width < 20 ? (int)(20 - width) : 0, "",
		   before);
	print_object(cli, &s->object);
	out_str(out, "\n");
}

static void print_root(struct cli *cli, struct hs_graph *graph,
		       const struct hs_object_root *root)
{
	struct out *out = &cli->out;
	struct hs_root_info info = { .kind = HS_ROOT_REGISTER,
				     .addr = HS_NO_ADDR,
				     .thread = root->thread,
				     .reg = root->reg,
				     .module = SIZE_MAX,
				     .map = SIZE_MAX };
	char text[ROOT_TEXT];
	if (root->kind == HS_OBJECT_ROOT_FRAME) {
		out_ink(out, cli->colour, INK_BOLD, "frame");
		out_printf(out, "  0x%" PRIx64 "  ", root->addr);
		out_str(out, "function ");
		out_escaped(out, root->function[0] ? root->function : "?");
		out_str(out, "(), which runs\n");
		return;
	}
	if (root->kind == HS_OBJECT_ROOT_WORD)
		hs_graph_root_at(graph, root->addr, &info);
	out_ink(out, cli->colour, INK_BOLD, hs_root_kind_name(info.kind));
	out_str(out, "  ");
	if (info.addr != HS_NO_ADDR)
		out_printf(out, "0x%" PRIx64 "  ", info.addr);
	out_escaped(out, root_text(cli, &info, text));
	out_str(out, "\n");
}

static void print_counts(struct cli *cli, const struct hs_object_info *o)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN], m[TEXT_LEN];
	if (o->immortal)
		out_str(out, "; immortal: its references are not counted");
	else if (o->is_object)
		out_printf(
			out, "; %s %s counted, %s in objects and frames",
			text_count(n, o->references),
			text_plural(o->references, "reference", "references"),
			text_count(m, o->seen));
}

/* The answer in one line. */
static void print_verdict(struct cli *cli, const struct hs_object_why *w)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN];
	switch (w->state) {
	case HS_OBJECT_HELD:
		out_str(out, w->expression[0] ? "held as " : "held");
		out_escaped(out, w->expression);
		break;
	case HS_OBJECT_CYCLE:
		out_str(out, "garbage: only what nothing else holds leads to "
			     "it; it waits for Python's collector");
		break;
	case HS_OBJECT_UNSEEN:
		out_str(out, "held by something that was not seen: ");
		print_object(cli, &w->unseen);
		if (w->unseen_count)
			out_printf(out, " has %s %s more than were found",
				   text_count(n, w->unseen_count),
				   text_plural(w->unseen_count, "reference",
					       "references"));
		break;
	case HS_OBJECT_NOT_COUNTED:
		out_str(out, "nothing that was seen leads to it");
		break;
	}
	out_printf(out, "  (%s confidence)\n",
		   hs_confidence_name(w->confidence));
}

static void print_list(struct cli *cli, const char *title,
		       const struct hs_object_step *step, size_t count)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN];
	size_t limit = cli_row_limit(cli);
	if (limit > count)
		limit = count;
	out_printf(out, "%s: %s\n", title, text_count(n, count));
	for (size_t i = 0; i < limit && !out->error; i++)
		print_step(cli, &step[i], "");
	cli_announce_rest(cli, limit, count);
}

void object_why_print(struct cli *cli, struct hs_graph *graph,
		      const struct object_why *why, bool brief)
{
	struct out *out = &cli->out;
	const struct hs_object_why *w = &why->why;
	char n[TEXT_LEN];
	print_verdict(cli, w);
	if (!brief) {
		print_object(cli, &w->object);
		out_printf(out, ", %s bytes in %s",
			   text_count(n, w->object.size),
			   w->object.in_area ? hs_area_name(HS_AREA_PYMALLOC)
					     : "a block of malloc");
		print_counts(cli, &w->object);
		out_str(out, "\n");
	}
	out_str(out, "\n");
	if (w->state == HS_OBJECT_HELD)
		print_root(cli, graph, &w->root);
	for (size_t i = 0; i < w->count; i++)
		if (cli_shows_step(cli, i, w->count))
			print_step(cli, &w->step[i], "-> ");
	if (w->count)
		out_str(out, "\n");
	if (why->has_referrers)
		print_list(cli, "referrers", why->referrers,
			   why->referrer_count);
	if (why->has_references)
		print_list(cli, "references", why->references,
			   why->reference_count);
}
