/* SPDX-License-Identifier: MIT */
#include "cli/out_json_doc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out_json.h"
#include "cli/out_text.h"

#define DUMP_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

static int dump_to_out(const char *bytes, size_t len, void *arg)
{
	struct out *out = arg;
	out_bytes(out, bytes, len);
	return out->error ? -1 : 0;
}

static void dump(struct out *out, json_t *value)
{
	if (!value ||
	    (json_dump_callback(value, dump_to_out, out, DUMP_FLAGS) &&
	     !out->error))
		out_fail(out, ENOMEM);
	json_decref(value);
}

void doc_member(struct json_doc *doc, const char *name, json_t *value)
{
	out_str(doc->out, doc->first_member ? "{\n\"" : ",\n\"");
	out_str(doc->out, name);
	out_str(doc->out, "\":");
	doc->first_member = false;
	dump(doc->out, value);
}

void doc_array_begin(struct json_doc *doc, const char *name)
{
	out_str(doc->out, doc->first_member ? "{\n\"" : ",\n\"");
	out_str(doc->out, name);
	out_str(doc->out, "\":[");
	doc->first_member = false;
	doc->first_element = true;
}

void doc_element_begin(struct json_doc *doc)
{
	out_str(doc->out, doc->first_element ? "\n" : ",\n");
	doc->first_element = false;
}

void doc_element(struct json_doc *doc, json_t *value)
{
	doc_element_begin(doc);
	dump(doc->out, value);
}

void doc_array_end(struct json_doc *doc)
{
	out_str(doc->out, doc->first_element ? "]" : "\n]");
}

void doc_end(struct json_doc *doc)
{
	out_str(doc->out, "\n}\n");
}

json_t *jaddr(hs_addr addr)
{
	char buf[TEXT_LEN];
	return addr == HS_NO_ADDR ? json_null()
				  : json_string(text_addr(buf, addr));
}

json_t *jcount(uint64_t n)
{
	if (n == HS_UNKNOWN)
		return json_null();
	/* jansson's integers are signed; a damaged heap may claim more. */
	return n > INT64_MAX ? json_real((double)n)
			     : json_integer((json_int_t)n);
}

json_t *jid(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

/* TEXT with U+FFFD for every byte that is not UTF-8, which JSON cannot hold. */
json_t *jtext(const char *text)
{
	if (!text)
		return json_null();
	char *clean = malloc(3 * strlen(text) + 1);
	if (!clean)
		return NULL;
	size_t used = 0;
	while (*text) {
		uint32_t point;
		size_t len = text_utf8(text, &point);
		if (len) {
			memcpy(clean + used, text, len);
			used += len;
			text += len;
		} else {
			memcpy(clean + used, "\xef\xbf\xbd", 3);
			used += 3;
			text++;
		}
	}
	json_t *ret = json_stringn(clean, used);
	free(clean);
	return ret;
}

json_t *jtotal(const struct hs_total *total)
{
	return json_pack("{s:o,s:o,s:o}", "count", jcount(total->count),
			 "bytes", jcount(total->bytes), "chunk_bytes",
			 jcount(total->chunk_bytes));
}

json_t *jtarget(const struct hs_target_info *t)
{
	int64_t paused_us = t->paused_ns / 1000;
	json_t *paused = t->paused_ns < 0
				 ? json_null()
				 : json_real((double)paused_us / 1000.0);
	return json_pack(
		"{s:s,s:o,s:o,s:s,s:i,s:s,s:o,s:o,s:b,s:o,s:o,s:o,s:o}", "kind",
		hs_target_kind_name(t->kind), "path", jtext(t->path), "pid",
		jid(t->pid), "arch", hs_arch_name(t->arch), "word_size",
		(int)t->word_size, "endian", t->big_endian ? "big" : "little",
		"executable", jtext(t->executable), "command_line",
		jtext(t->command_line), "complete", (int)t->complete,
		"paused_ms", paused, "file_size",
		t->kind == HS_TARGET_LIVE ? json_null() : jcount(t->file_size),
		"copied_bytes",
		t->kind == HS_TARGET_LIVE ? jcount(t->copied) : json_null(),
		"signal", t->signal > 0 ? jid(t->signal) : json_null());
}

void doc_begin_untargeted(struct json_doc *doc, struct cli *cli)
{
	*doc = (struct json_doc){ .cli = cli,
				  .out = &cli->out,
				  .first_member = true };
	doc_member(doc, "schema", json_string("heapscan/1"));
	doc_member(doc, "tool",
		   json_pack("{s:s,s:s}", "name", "heapscan", "version",
			     hs_version()));
}

void doc_begin(struct json_doc *doc, struct cli *cli)
{
	doc_begin_untargeted(doc, cli);
	doc_member(doc, "target", jtarget(&cli->info));
}

static json_t *jorigin(enum hs_layout_origin origin)
{
	static const char *const words[] = {
		[HS_ORIGIN_DWARF] = "dwarf",
		[HS_ORIGIN_BUILTIN] = "built-in",
		[HS_ORIGIN_INFERRED] = "inferred",
	};
	return origin == HS_ORIGIN_NONE ? json_null()
					: json_string(words[origin]);
}

static json_t *jplace(enum hs_place_origin origin)
{
	if (origin == HS_PLACE_NONE)
		return json_null();
	return json_string(origin == HS_PLACE_SYMBOL ? "symbol" : "evidence");
}

void doc_allocator(struct json_doc *doc)
{
	struct cli *cli = doc->cli;
	struct hs_allocator_info a;
	hs_heap_allocator(cli->heap, &a);
	struct hs_module_info libc = { .path = NULL };
	if (a.module < hs_target_module_count(cli->target))
		hs_target_module(cli->target, a.module, &libc);
	doc_member(doc, "allocator",
		   json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,"
			     "s:o,s:b,s:b,s:b,s:o,s:b,s:s}",
			     "name", "glibc", "version", jtext(a.version),
			     "version_source", jtext(a.version_source),
			     "layout_source", jorigin(a.layout_source),
			     "layout_detail", jtext(a.layout_detail),
			     "main_arena", jaddr(a.main_arena),
			     "main_arena_source", jplace(a.main_arena_source),
			     "malloc_par", jaddr(a.malloc_par),
			     "malloc_par_source", jplace(a.malloc_par_source),
			     "tcache_source", jplace(a.tcache_source),
			     "linking", a.is_static ? "static" : "dynamic",
			     "module", jtext(libc.path), "safe_linking",
			     (int)a.safe_linking, "has_tcache",
			     (int)a.has_tcache, "has_fastbins",
			     (int)a.has_fastbins, "other_allocator",
			     jtext(a.other_allocator), "main_arena_missing",
			     (int)a.main_arena_missing, "confidence",
			     hs_confidence_name(a.confidence)));
}

void doc_problems(struct json_doc *doc)
{
	struct cli *cli = doc->cli;
	size_t of_target = hs_target_problem_count(cli->target);
	size_t of_heap = cli->heap ? hs_heap_problem_count(cli->heap) : 0;
	doc_array_begin(doc, "problems");
	for (size_t i = 0; i < of_heap + of_target; i++) {
		struct hs_problem_info p;
		if (i < of_heap)
			hs_heap_problem(cli->heap, i, &p);
		else
			hs_target_problem(cli->target, i - of_heap, &p);
		doc_element(doc, json_pack("{s:s,s:s,s:o,s:o}", "severity",
					   hs_severity_name(p.severity), "code",
					   p.code, "address", jaddr(p.addr),
					   "message", jtext(p.message)));
	}
	doc_array_end(doc);
}

void out_json_error(struct out *out, const char *code, const char *message)
{
	dump(out, json_pack("{s:{s:s,s:o}}", "error", "code", code, "message",
			    jtext(message)));
	out_str(out, "\n");
}
