/* SPDX-License-Identifier: MIT */
#include "cli/at.h"
#include "cli/out_json.h"
#include "cli/out_json_doc.h"
#include "cli/text_map.h"

static json_t *jchunk(const struct cli *cli, const struct at_answer *a)
{
	const struct hs_chunk_info *c = &a->chunk;
	if (!a->has_chunk)
		return json_null();
	return json_pack(
		"{s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o}", "address",
		jaddr(c->addr), "user", jaddr(c->user), "size", jcount(c->size),
		"usable", jcount(c->usable), "state",
		hs_chunk_state_name(c->state), "arena",
		jaddr(cli_arena_addr(cli, c->arena)), "tid", jid(c->tid), "bin",
		c->bin == HS_NO_BIN ? json_null() : jcount(c->bin), "offset",
		a->in_header ? json_null() : jcount(a->offset));
}

static bool add_detail(void *arg, const char *what, const char *value)
{
	return json_object_set_new(arg, what, jtext(value)) == 0;
}

struct field_list {
	json_t *array;
	bool content;
};

static bool add_field(void *arg, const struct hs_field_info *f)
{
	struct field_list *list = arg;
	json_t *field = json_pack(
		"{s:o,s:o,s:o,s:s,s:o,s:o}", "name", jtext(f->name), "type",
		jtext(f->type), "offset", jcount(f->offset), "strength",
		hs_strength_name(f->strength), "refers_to", jaddr(f->refers_to),
		"value", jtext(f->value));
	if (field && f->text && list->content)
		(void)json_object_set_new(field, "text", jtext(f->text));
	return json_array_append_new(list->array, field) == 0;
}

static json_t *jobject(const struct cli *cli, const struct at_answer *a)
{
	if (!a->has_type)
		return json_null();
	json_t *details = json_object(), *fields = json_array();
	if (details && fields) {
		hs_types_details(cli->types, a->chunk_index, add_detail,
				 details);
		struct field_list list = { fields, cli->opt.content };
		hs_types_fields(cli->types, a->chunk_index, add_field, &list);
	}
	return json_pack("{s:o,s:s,s:s,s:s,s:o,s:o}", "type",
			 jtext(a->type.name), "type_source",
			 hs_type_source_name(a->type.source), "confidence",
			 hs_confidence_name(a->type.confidence), "evidence",
			 a->type.evidence, "details", details, "fields",
			 fields);
}

json_t *jarea_part(const struct cli *cli, const struct hs_part_info *part)
{
	struct hs_type_info type;
	bool typed = part && part->type != SIZE_MAX;
	if (!part)
		return json_null();
	if (typed)
		hs_types_info(cli->types, part->type, &type);
	return json_pack(
		"{s:s,s:o,s:o,s:b,s:o,s:o}", "area", hs_area_name(part->area),
		"start", jaddr(part->start), "size", jcount(part->size), "live",
		(int)part->live, "type", jtext(typed ? type.name : NULL),
		"confidence",
		jtext(typed ? hs_confidence_name(type.confidence) : NULL));
}

static json_t *jsymbol(const struct at_answer *a)
{
	const struct hs_symbol_info *s = &a->symbol;
	if (!a->has_symbol)
		return json_null();
	return json_pack("{s:o,s:o,s:o,s:b,s:b}", "name", jtext(s->name),
			 "address", jaddr(s->addr), "offset",
			 jcount(a->addr - s->addr), "is_function",
			 (int)s->is_function, "from_debug_file",
			 (int)s->from_debug_file);
}

static json_t *jmodule(const struct at_answer *a)
{
	if (!a->has_module)
		return json_null();
	return json_pack("{s:o,s:o}", "base", jaddr(a->module.base), "path",
			 jtext(a->module.path));
}

static json_t *jstack(const struct at_answer *a)
{
	if (!a->has_stack)
		return json_null();
	return json_pack(
		"{s:o,s:o,s:o,s:b,s:o,s:o}", "tid", jid(a->thread.tid), "name",
		jtext(a->thread.name), "sp", jaddr(a->thread.sp), "below_sp",
		a->addr < a->thread.sp, "frame",
		a->has_frame ? jframe(&a->frame) : json_null(), "variable",
		jtext(a->variable[0] ? a->variable : NULL));
}

static json_t *jtls(const struct at_answer *a)
{
	if (!a->has_tls)
		return json_null();
	return json_pack("{s:o,s:o}", "tid", jid(a->tls.tid), "tls_base",
			 jaddr(a->tls.tls_base));
}

static json_t *jmapping(const struct at_answer *a)
{
	char prot[5];
	if (!a->has_map)
		return json_null();
	return json_pack(
		"{s:o,s:o,s:s,s:s,s:o}", "start", jaddr(a->map.start), "end",
		jaddr(a->map.end), "protection", text_prot(prot, &a->map),
		"kind", map_kind_name(a->map.kind), "path", jtext(a->map.path));
}

static const char *memory_word(const struct at_answer *a)
{
	if (a->memory == HS_OK)
		return "captured";
	return a->has_map ? "not-captured" : "unmapped";
}

/* An address is never "not known" here, even the highest one. */
static json_t *jplain_addr(hs_addr addr)
{
	char buf[24];
	*put_hex(buf, addr) = 0;
	return json_string(buf);
}

void out_json_at(struct cli *cli, const struct at_answer *answers, size_t n)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_array_begin(&doc, "addresses");
	for (size_t i = 0; i < n; i++) {
		const struct at_answer *a = &answers[i];
		doc_element(
			&doc,
			json_pack(
				"{s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
				"address", jplain_addr(a->addr), "memory",
				memory_word(a), "chunk", jchunk(cli, a),
				"object", jobject(cli, a), "part",
				jarea_part(cli, a->has_part ? &a->part : NULL),
				"symbol", jsymbol(a), "module", jmodule(a),
				"stack", jstack(a), "tls", jtls(a), "tcache_of",
				jid(a->tcache_of), "mapping", jmapping(a)));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}

void out_json_read(struct cli *cli, hs_addr addr, const uint8_t *bytes,
		   size_t len)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_member(&doc, "address", jplain_addr(addr));
	doc_member(&doc, "length", jcount(len));
	out_str(doc.out, ",\n\"bytes\":\"");
	for (size_t i = 0; i < len; i++) {
		char *at = out_reserve(doc.out, 2);
		*at++ = "0123456789abcdef"[bytes[i] >> 4];
		*at++ = "0123456789abcdef"[bytes[i] & 15];
		out_commit(doc.out, at);
	}
	out_str(doc.out, "\"");
	doc_end(&doc);
}
