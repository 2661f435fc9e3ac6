/* SPDX-License-Identifier: MIT */
#include "cli/out_json_object.h"

static json_t *jtype(const struct cli *cli, const struct hs_object_info *o)
{
	struct hs_type_info type;
	if (o->type == SIZE_MAX)
		return json_null();
	hs_types_info(cli->types, o->type, &type);
	return jtext(type.name);
}

static json_t *jname(const struct hs_object_info *o)
{
	return jtext(o->name[0] ? o->name : NULL);
}

static json_t *jsteps(const struct cli *cli, const struct hs_object_step *step,
		      size_t count)
{
	json_t *steps = json_array();
	for (size_t i = 0; i < count && steps; i++) {
		const struct hs_object_step *s = &step[i];
		json_t *one = json_pack(
			"{s:o,s:o,s:o,s:o,s:b}", "address",
			jaddr(s->object.addr), "type", jtype(cli, &s->object),
			"name", jname(&s->object), "how",
			jtext(s->how[0] ? s->how : NULL), "sure", (int)s->sure);
		if (json_array_append_new(steps, one)) {
			json_decref(steps);
			steps = NULL;
		}
	}
	return steps;
}

static json_t *jobject_root(struct cli *cli, struct hs_graph *graph,
			    const struct hs_object_root *r)
{
	struct hs_root_info info = { .kind = HS_ROOT_REGISTER,
				     .addr = HS_NO_ADDR,
				     .thread = r->thread,
				     .reg = r->reg,
				     .module = SIZE_MAX,
				     .map = SIZE_MAX };
	if (r->kind == HS_OBJECT_ROOT_NONE || r->kind == HS_OBJECT_ROOT_FRAME)
		return json_null();
	if (r->kind == HS_OBJECT_ROOT_WORD)
		hs_graph_root_at(graph, r->addr, &info);
	return jroot(cli, &info);
}

static json_t *jobject_frame(const struct hs_object_root *r)
{
	if (r->kind != HS_OBJECT_ROOT_FRAME)
		return json_null();
	return json_pack("{s:o,s:o,s:s}", "address", jaddr(r->addr), "function",
			 jtext(r->function[0] ? r->function : NULL), "holds",
			 r->how);
}

static json_t *junseen(const struct cli *cli, const struct hs_object_why *w)
{
	if (w->state != HS_OBJECT_UNSEEN)
		return json_null();
	return json_pack(
		"{s:o,s:o,s:o,s:o}", "address", jaddr(w->unseen.addr), "type",
		jtype(cli, &w->unseen), "name", jname(&w->unseen), "more",
		w->unseen_count ? jcount(w->unseen_count) : json_null());
}

json_t *jobject_why(struct cli *cli, struct hs_graph *graph,
		    const struct object_why *why)
{
	const struct hs_object_why *w = &why->why;
	const struct hs_object_info *o = &w->object;
	if (!why->there)
		return json_null();
	bool counted = o->is_object && !o->immortal;
	return json_pack(
		"{s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:o,s:o,s:s,s:s,s:o,s:o,s:o,s:o,"
		"s:o,s:o,s:o}",
		"address", jaddr(o->addr), "size", jcount(o->size), "area",
		jtext(o->in_area ? hs_area_name(HS_AREA_PYMALLOC) : NULL),
		"type", jtype(cli, o), "name", jname(o), "is_object",
		(int)o->is_object, "immortal", (int)o->immortal, "counted",
		counted ? jcount(o->references) : json_null(), "seen",
		o->is_object ? jcount(o->seen) : json_null(), "state",
		hs_object_state_name(w->state), "confidence",
		hs_confidence_name(w->confidence), "expression",
		jtext(w->expression[0] ? w->expression : NULL), "root",
		jobject_root(cli, graph, &w->root), "frame",
		jobject_frame(&w->root), "steps",
		jsteps(cli, w->step, w->count), "unseen", junseen(cli, w),
		"referrers", jsteps(cli, why->referrers, why->referrer_count),
		"references",
		why->has_references
			? jsteps(cli, why->references, why->reference_count)
			: json_null());
}

void out_json_object_why(struct cli *cli, struct hs_graph *graph,
			 const struct object_why *why)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_member(&doc, "block", json_null());
	doc_member(&doc, "cycle", json_null());
	doc_member(&doc, "below", json_null());
	doc_member(&doc, "counted", json_null());
	doc_array_begin(&doc, "paths");
	doc_array_end(&doc);
	doc_member(&doc, "more_paths", jcount(0));
	doc_member(&doc, "referrers", json_null());
	doc_member(&doc, "references", json_null());
	doc_member(&doc, "object", jobject_why(cli, graph, why));
	doc_end(&doc);
}

static json_t *jobject_total(const struct hs_object_total *t)
{
	return json_pack("{s:o,s:o}", "objects", jcount(t->objects), "bytes",
			 jcount(t->bytes));
}

/* Of what nothing leads to. */
static json_t *jobject_lost(const struct hs_object_total *t)
{
	return json_pack("{s:o,s:o,s:o}", "objects", jcount(t->objects),
			 "bytes", jcount(t->bytes), "example",
			 t->objects ? jaddr(t->example) : json_null());
}

void out_json_object_shares(struct cli *cli, const struct hs_object_shares *s)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_member(&doc, "held", jobject_total(&s->held));
	doc_member(&doc, "own", jobject_total(&s->own));
	doc_member(&doc, "garbage", jobject_lost(&s->garbage));
	doc_member(&doc, "unseen", jobject_lost(&s->unseen));
	doc_array_begin(&doc, "object_owners");
	for (size_t i = 0; i < s->count && !cli->out.error; i++) {
		const struct hs_object_share *v = &s->share[i];
		doc_element(&doc, json_pack("{s:s,s:o,s:o,s:o,s:o}",
					    "expression", v->expression,
					    "address", jaddr(v->object.addr),
					    "type", jtype(cli, &v->object),
					    "objects", jcount(v->held.objects),
					    "bytes", jcount(v->held.bytes)));
	}
	doc_array_end(&doc);
	doc_member(&doc, "more", jcount(s->more));
	doc_end(&doc);
}
