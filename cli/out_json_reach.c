/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/out_json_doc.h"
#include "cli/out_json_object.h"
#include "cli/reach.h"

static json_t *juser(const struct cli *cli, size_t chunk)
{
	struct hs_chunk_info c;
	if (chunk == SIZE_MAX)
		return json_null();
	hs_heap_chunk(cli->heap, chunk, &c);
	return jaddr(c.user);
}

static json_t *jusable(const struct cli *cli, size_t chunk)
{
	struct hs_chunk_info c;
	hs_heap_chunk(cli->heap, chunk, &c);
	return jcount(c.usable);
}

static void put_leak(struct json_doc *doc, const struct leak_view *v, size_t i)
{
	struct hs_leak_info leak;
	hs_leaks_get(v->leaks, i, &leak);
	doc_element(doc,
		    json_pack("{s:o,s:o,s:s,s:o,s:s,s:o,s:I}", "user",
			      juser(doc->cli, leak.chunk), "usable",
			      jusable(doc->cli, leak.chunk), "kind",
			      hs_leak_kind_name(leak.kind), "type",
			      jtext(reach_type(doc->cli, leak.chunk)),
			      "confidence", hs_confidence_name(leak.confidence),
			      "root", juser(doc->cli, leak.root), "group",
			      (json_int_t)leak.group));
}

/* The steps of a cycle that begins and ends at FROM; null: it has none. */
static json_t *jsteps(const struct cli *cli, const struct hs_cycle *cycle,
		      size_t from)
{
	if (!cycle->count)
		return json_null();
	json_t *steps = json_array();
	for (size_t k = 0; k < cycle->count && steps; k++) {
		const struct hs_step *s = &cycle->step[k];
		char field[FIELD_TEXT];
		json_t *step = json_pack(
			"{s:o,s:o,s:o,s:o}", "user", juser(cli, s->chunk),
			"type", jtext(reach_type(cli, s->chunk)), "offset",
			jcount(s->offset), "field",
			jtext(reach_field(cli, from, s->offset, field)));
		from = s->chunk;
		if (json_array_append_new(steps, step)) {
			json_decref(steps);
			steps = NULL;
		}
	}
	return steps;
}

/* Null: the group is no cycle, or a long one. */
static json_t *jcycle(const struct cli *cli, const struct leak_view *v,
		      size_t i, size_t sample)
{
	struct hs_cycle cycle;
	if (hs_leaks_cycle(v->leaks, i, &cycle, NULL))
		return json_null();
	json_t *steps = jsteps(cli, &cycle, sample);
	hs_cycle_release(&cycle);
	return steps;
}

static void put_group(struct json_doc *doc, const struct leak_view *v, size_t i)
{
	struct hs_leak_group g;
	uint64_t count, bytes;
	hs_leaks_group(v->leaks, i, &g);
	baseline_find(&v->baseline, g.shape, &count, &bytes);
	json_t *old_count = v->baseline_path ? jcount(count) : json_null();
	json_t *old_bytes = v->baseline_path ? jcount(bytes) : json_null();
	doc_element(
		doc,
		json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:o,s:o,"
			  "s:o}",
			  "count", jcount(g.count), "bytes", jcount(g.bytes),
			  "roots", jcount(g.roots), "root_bytes",
			  jcount(g.root_bytes), "root_bytes_most",
			  jcount(g.root_bytes_most), "shape", jtext(g.shape),
			  "type", jtext(g.type), "sample",
			  juser(doc->cli, g.sample), "kind",
			  hs_leak_kind_name(g.kind), "confidence",
			  hs_confidence_name(g.worst), "baseline_count",
			  old_count, "baseline_bytes", old_bytes, "cycle",
			  jcycle(doc->cli, v, i, g.sample)));
}

static json_t *jmissing(const struct hs_graph_summary *s)
{
	return json_pack("{s:o,s:o,s:o}", "root_bytes",
			 jcount(s->missing_root_bytes), "block_bytes",
			 jcount(s->missing_block_bytes),
			 "threads_without_registers",
			 jcount(s->threads_without_registers));
}

static void put_surplus(struct json_doc *doc, const struct surplus_list *list)
{
	doc_array_begin(doc, "surplus");
	for (size_t i = 0; i < list->count && !doc->out->error; i++) {
		const struct surplus *s = &list->surplus[i];
		doc_element(doc,
			    json_pack("{s:o,s:o,s:o,s:o,s:s}", "user",
				      juser(doc->cli, s->chunk), "type",
				      jtext(reach_type(doc->cli, s->chunk)),
				      "retains", jcount(s->retains),
				      "references", jcount(s->references),
				      "confidence",
				      hs_confidence_name(list->confidence)));
	}
	doc_array_end(doc);
}

void out_json_leaks(struct cli *cli, const struct leak_view *v)
{
	struct json_doc doc;
	const struct hs_graph_summary *s = &v->summary;
	doc_begin(&doc, cli);
	doc_allocator(&doc);
	doc_member(&doc, "summary",
		   json_pack("{s:o,s:o,s:o}", "leaked", jtotal(&s->leaked),
			     "reachable", jtotal(&s->reachable),
			     "interior_only", jtotal(&s->interior_only)));
	doc_member(&doc, "missing", jmissing(s));
	doc_member(&doc, "new",
		   v->baseline_path ? json_pack("{s:o,s:o}", "count",
						jcount(v->new_count), "bytes",
						jcount(v->new_bytes))
				    : json_null());
	doc_member(&doc, "named", json_boolean(cli->knowledge.name != NULL));
	doc_array_begin(&doc, "leaks");
	for (size_t i = 0; i < hs_leaks_count(v->leaks) && !cli->out.error; i++)
		put_leak(&doc, v, i);
	doc_array_end(&doc);
	doc_array_begin(&doc, "groups");
	for (size_t i = 0; i < hs_leaks_group_count(v->leaks); i++)
		put_group(&doc, v, i);
	doc_array_end(&doc);
	put_surplus(&doc, &v->surplus);
	doc_end(&doc);
}

const char *out_json_read_leaks(const char *path, struct baseline *ret)
{
	json_error_t error;
	json_t *doc = json_load_file(path, 0, &error);
	json_t *groups = json_object_get(doc, "groups");
	const char *wrong = NULL;
	if (!doc)
		wrong = "it is not readable as JSON";
	else if (!json_is_array(groups))
		wrong = "it is no answer of leaks --json";
	size_t n = json_array_size(groups);
	ret->group = calloc(n + 1, sizeof(*ret->group));
	ret->named = json_is_true(json_object_get(doc, "named"));
	if (!wrong && !ret->group)
		wrong = "no memory";
	for (size_t i = 0; i < n && !wrong; i++) {
		json_t *g = json_array_get(groups, i);
		const char *shape =
			json_string_value(json_object_get(g, "shape"));
		json_int_t count =
			json_integer_value(json_object_get(g, "count"));
		json_int_t bytes =
			json_integer_value(json_object_get(g, "bytes"));
		if (!shape || count < 0 || bytes < 0) {
			wrong = "a group has no shape";
			break;
		}
		struct baseline_group *to = &ret->group[ret->count];
		to->shape = strdup(shape);
		to->count = (uint64_t)count;
		to->bytes = (uint64_t)bytes;
		if (!to->shape)
			wrong = "no memory";
		else
			ret->count++;
	}
	json_decref(doc);
	if (wrong)
		baseline_release(ret);
	return wrong;
}

json_t *jroot(struct cli *cli, const struct hs_root_info *r)
{
	struct hs_frame_info frame;
	struct hs_heap_thread_info t = { .tid = -1 };
	struct hs_module_info m = { .path = NULL };
	struct hs_map_info map = { .start = HS_NO_ADDR };
	char text[ROOT_TEXT], place[PLACE_TEXT];
	const char *reg = NULL;
	if (r->thread < hs_heap_thread_count(cli->heap))
		hs_heap_thread(cli->heap, r->thread, &t);
	if (r->module < hs_target_module_count(cli->target))
		hs_target_module(cli->target, r->module, &m);
	if (r->map < hs_target_map_count(cli->target))
		hs_target_map(cli->target, r->map, &map);
	if (r->kind == HS_ROOT_REGISTER)
		reg = hs_register_name(cli->info.arch, r->reg);
	json_t *symbol = r->has_symbol
				 ? json_pack("{s:o,s:o,s:o}", "name",
					     jtext(r->symbol.name), "address",
					     jaddr(r->symbol.addr), "offset",
					     jcount(r->addr - r->symbol.addr))
				 : json_null();
	return json_pack(
		"{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "kind",
		hs_root_kind_name(r->kind), "frame",
		root_frame(cli, r, &frame) ? jframe(&frame) : json_null(),
		"address", jaddr(r->addr), "tid", jid(t.tid), "register",
		jtext(reg), "module", jtext(m.path), "symbol", symbol, "place",
		jtext(root_place(cli, r, place) ? place : NULL), "mapping",
		jaddr(map.start), "text", jtext(root_text(cli, r, text)));
}

static void put_path(struct json_doc *doc, const struct hs_path *p)
{
	json_t *steps = json_array();
	for (size_t i = 0; i < p->count && steps; i++) {
		const struct hs_step *s = &p->step[i];
		char field[FIELD_TEXT];
		size_t holder = i ? p->step[i - 1].chunk : SIZE_MAX;
		json_t *step = json_pack(
			"{s:o,s:o,s:o,s:o,s:o,s:o}", "user",
			juser(doc->cli, s->chunk), "usable",
			jusable(doc->cli, s->chunk), "offset",
			jcount(s->offset), "interior", jcount(s->interior),
			"type", jtext(reach_type(doc->cli, s->chunk)), "field",
			jtext(reach_field(doc->cli, holder, s->offset, field)));
		if (json_array_append_new(steps, step)) {
			json_decref(steps);
			steps = NULL;
		}
	}
	doc_element(doc, json_pack("{s:o,s:o}", "root",
				   jroot(doc->cli, &p->root), "steps", steps));
}

/* HOLDER: of all that is listed; SIZE_MAX: each holds by itself. */
static void put_holders(struct json_doc *doc, const char *name,
			const struct hs_holder_list *list, size_t holder)
{
	if (!list) {
		doc_member(doc, name, json_null());
		return;
	}
	doc_array_begin(doc, name);
	for (size_t i = 0; i < list->count && !doc->out->error; i++) {
		const struct hs_holder *h = &list->holder[i];
		struct cli *cli = doc->cli;
		char text[FIELD_TEXT];
		const char *type = NULL, *field = NULL;
		if (!h->is_root) {
			type = reach_type(cli, h->chunk);
			field = reach_field(
				cli, holder == SIZE_MAX ? h->chunk : holder,
				h->offset, text);
		}
		json_t *root = h->is_root ? jroot(cli, &h->root) : json_null();
		doc_element(doc,
			    json_pack("{s:o,s:o,s:o,s:o,s:b,s:o,s:o}", "root",
				      root, "user", juser(cli, h->chunk),
				      "offset", jcount(h->offset), "interior",
				      jcount(h->interior), "owns",
				      (int)!h->weak, "type", jtext(type),
				      "field", jtext(field)));
	}
	doc_array_end(doc);
}

void out_json_why(struct cli *cli, size_t chunk, const struct why_leak *leak,
		  const struct surplus *counts,
		  const struct hs_path_list *paths,
		  const struct hs_holder_list *referrers,
		  const struct hs_holder_list *references,
		  const struct object_why *object)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_member(&doc, "block",
		   json_pack("{s:o,s:o,s:b}", "user", juser(cli, chunk),
			     "usable", jusable(cli, chunk), "reached",
			     (int)!leak));
	doc_member(&doc, "cycle",
		   leak ? jsteps(cli, &leak->cycle, chunk) : json_null());
	doc_member(&doc, "below", juser(cli, leak ? leak->below : SIZE_MAX));
	doc_member(&doc, "counted",
		   counts ? json_pack("{s:o,s:o}", "retains",
				      jcount(counts->retains), "references",
				      jcount(counts->references))
			  : json_null());
	doc_array_begin(&doc, "paths");
	for (size_t i = 0; i < paths->count; i++)
		put_path(&doc, &paths->path[i]);
	doc_array_end(&doc);
	doc_member(&doc, "more_paths", jcount(paths->more));
	put_holders(&doc, "referrers", referrers, SIZE_MAX);
	put_holders(&doc, "references", references, chunk);
	doc_member(&doc, "object", jobject_why(cli, cli->graph, object));
	doc_end(&doc);
}

static void put_owners(struct json_doc *doc, const struct hs_owners *owners,
		       size_t node, unsigned level, unsigned depth, size_t top)
{
	size_t count = hs_owners_children(owners, node);
	for (size_t i = 0; i < count && i < top && !doc->out->error; i++) {
		size_t child = hs_owners_child(owners, node, i);
		struct hs_owner_info o;
		hs_owners_info(owners, child, &o);
		json_t *root =
			o.is_root ? jroot(doc->cli, &o.root) : json_null();
		char text[FIELD_TEXT];
		const char *type =
			o.is_root ? NULL : reach_type(doc->cli, o.chunk);
		const char *field = owner_field(doc->cli, owners, child, text);
		struct hs_root_info by;
		json_t *holder = owner_holder(doc->cli, owners, child, &by)
					 ? jroot(doc->cli, &by)
					 : json_null();
		doc_element(doc, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,"
					   "s:o}",
					   "type", jtext(type), "field",
					   jtext(field), "level", jcount(level),
					   "root", root, "one_holder", holder,
					   "user", juser(doc->cli, o.chunk),
					   "self", jtotal(&o.self), "retained",
					   jtotal(&o.retained), "children",
					   jcount(o.children)));
		if (level + 1 < depth)
			put_owners(doc, owners, child, level + 1, depth, top);
	}
}

void out_json_owners(struct cli *cli, const struct hs_owners *owners,
		     size_t node, unsigned depth, size_t top)
{
	struct json_doc doc;
	struct hs_owner_info whole;
	hs_owners_info(owners, node, &whole);
	doc_begin(&doc, cli);
	doc_member(&doc, "block", juser(cli, whole.chunk));
	doc_member(&doc, "retained", jtotal(&whole.retained));
	/* A tree, its nodes in the order of a walk, each with its level. */
	doc_array_begin(&doc, "owners");
	put_owners(&doc, owners, node, 0, depth, top);
	doc_array_end(&doc);
	doc_end(&doc);
}
