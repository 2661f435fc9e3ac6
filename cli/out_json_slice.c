/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out_json_doc.h"
#include "cli/slice_view.h"

/* LEN bytes in hexadecimal, or null. */
static json_t *jhex(const uint8_t *bytes, size_t len)
{
	if (!bytes)
		return json_null();
	char *text = malloc(2 * len + 1);
	json_t *ret = text ? json_string(text_hex(text, bytes, len)) : NULL;
	free(text);
	return ret;
}

static json_t *juuid(const uint8_t *uuid)
{
	char text[UUID_TEXT_LEN];
	return json_string(text_uuid(text, uuid));
}

static json_t *jparent(const uint8_t *uuid)
{
	static const uint8_t nil[16];
	return memcmp(uuid, nil, sizeof(nil)) == 0 ? json_null() : juuid(uuid);
}

static json_t *jfile(const struct cli *cli, const struct hs_slice *slice)
{
	struct hs_slice_info i;
	hs_slice_info(slice, &i);
	return json_pack(
		"{s:o,s:o,s:I,s:I,s:s,s:I,s:I,s:I,s:I,s:o,s:o,s:I,s:I,s:s,s:b,"
		"s:b,s:o,s:o,s:b}",
		"path", jtext(cli->opt.target), "size", jcount(i.file_size),
		"version", (json_int_t)i.version, "header_size",
		(json_int_t)i.header_size, "endian",
		i.big_endian ? "big" : "little", "flags", (json_int_t)i.flags,
		"os_type", (json_int_t)i.os_type, "arch_type",
		(json_int_t)i.arch_type, "pid", (json_int_t)i.pid, "dump_uuid",
		juuid(i.dump_uuid), "timestamp_ns", jcount(i.timestamp_ns),
		"clock_source", (json_int_t)i.clock_source, "hash_algorithm",
		(json_int_t)i.hash_algorithm, "hash_name",
		hs_slice_hash_name(i.hash_algorithm), "encrypted",
		(int)i.encrypted, "imported", (int)i.imported, "cap_bitmap",
		jcount(i.cap_bitmap), "block_count", jcount(i.block_count),
		"complete", (int)i.complete);
}

static json_t *jprocess(const struct hs_slice *slice)
{
	struct hs_slice_process p;
	if (!hs_slice_process(slice, &p))
		return json_null();
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "executable",
			 jtext(p.executable), "command_line",
			 jtext(p.command_line), "ppid", jcount(p.ppid),
			 "session_id", jcount(p.session_id), "start_time_ns",
			 jcount(p.start_time_ns));
}

static void modules(struct json_doc *doc, const struct hs_slice *slice)
{
	doc_array_begin(doc, "modules");
	for (size_t i = 0; i < hs_slice_module_count(slice); i++) {
		struct hs_slice_module_info m;
		hs_slice_module(slice, i, &m);
		doc_element(doc,
			    json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "base",
				      jaddr(m.base), "size", jcount(m.size),
				      "path", jtext(m.path), "version",
				      jtext(m.version), "disk_hash",
				      jhex(m.disk_hash, 32), "build_id",
				      jhex(m.build_id, m.build_id_len)));
	}
	doc_array_end(doc);
}

/* A number of any width, most significant digit first. */
static json_t *jregister(const struct hs_slice_register *r)
{
	char text[2 + 2 * 255 + 1] = "0x";
	size_t used = 2, i = r->width;
	while (i > 1 && r->bytes[i - 1] == 0)
		i--;
	if (i == 0)
		return json_string("0x0");
	used += (size_t)snprintf(text + used, 3, "%x", r->bytes[i - 1]);
	while (--i > 0)
		used += (size_t)snprintf(text + used, 3, "%02x",
					 r->bytes[i - 1]);
	return json_string(text);
}

static json_t *jregisters(const struct hs_slice *slice, size_t thread,
			  size_t count)
{
	json_t *all = json_object();
	for (size_t i = 0; i < count; i++) {
		struct hs_slice_register r;
		hs_slice_register(slice, thread, i, &r);
		/* A name that is no UTF-8 cannot be a key. */
		(void)json_object_set_new(all, r.name, jregister(&r));
	}
	return all;
}

static void threads(struct json_doc *doc, const struct hs_slice *slice)
{
	doc_array_begin(doc, "threads");
	for (size_t i = 0; i < hs_slice_thread_count(slice); i++) {
		struct hs_slice_thread_info t;
		hs_slice_thread(slice, i, &t);
		doc_element(
			doc,
			json_pack("{s:o,s:o,s:o,s:o,s:o}", "tid", jcount(t.tid),
				  "current",
				  t.understood ? json_boolean(t.current)
					       : json_null(),
				  "state",
				  t.understood ? jcount(t.state) : json_null(),
				  "name", jtext(t.name), "registers",
				  jregisters(slice, i, t.register_count)));
	}
	doc_array_end(doc);
}

static json_t *jdigest(const struct hs_slice *slice, size_t i)
{
	uint8_t digest[32];
	if (hs_slice_region_digest(slice, i, digest, NULL))
		return json_null(); /* it cannot be unpacked */
	return jhex(digest, sizeof(digest));
}

static void regions(struct json_doc *doc, const struct slice_view *view)
{
	doc_array_begin(doc, "regions");
	for (size_t i = 0; i < hs_slice_region_count(view->slice); i++) {
		struct hs_slice_region_info r;
		hs_slice_region(view->slice, i, &r);
		json_t *region = json_pack(
			"{s:o,s:o,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:s,s:I,s:o}",
			"base", jaddr(r.base), "size", jcount(r.size),
			"protection", (json_int_t)r.protection, "region_type",
			(json_int_t)r.region_type, "page_size",
			jcount(r.page_size), "timestamp_ns",
			jcount(r.timestamp_ns), "captured_pages",
			jcount(r.captured_pages), "failed_pages",
			jcount(r.failed_pages), "unmapped_pages",
			jcount(r.unmapped_pages), "compression", r.compression,
			"block", (json_int_t)r.block, "referenced_pages",
			jcount(r.referenced_pages));
		if (region && view->digests)
			(void)json_object_set_new(region, "sha256",
						  jdigest(view->slice, i));
		doc_element(doc, region);
	}
	doc_array_end(doc);
}

static void blocks(struct json_doc *doc, const struct hs_slice *slice)
{
	doc_array_begin(doc, "blocks");
	for (size_t i = 0; i < hs_slice_block_count(slice); i++) {
		struct hs_slice_block_info b;
		hs_slice_block(slice, i, &b);
		doc_element(
			doc,
			json_pack("{s:I,s:I,s:s,s:o,s:I,s:I,s:I,s:o,s:o,s:b}",
				  "index", (json_int_t)i, "type",
				  (json_int_t)b.type, "type_name", b.type_name,
				  "offset", jcount(b.offset), "length",
				  (json_int_t)b.length, "flags",
				  (json_int_t)b.flags, "payload_version",
				  (json_int_t)b.payload_version, "uuid",
				  juuid(b.uuid), "parent_uuid",
				  jparent(b.parent_uuid), "after_end",
				  (int)b.after_end));
	}
	doc_array_end(doc);
}

/* One object a row, with what names it beside it. */
static void tables(struct json_doc *doc, const struct hs_slice *slice)
{
	size_t count = hs_slice_fact_count(slice);
	doc_array_begin(doc, "tables");
	for (size_t i = 0; i < count;) {
		struct hs_slice_fact f, first;
		struct hs_slice_block_info b;
		hs_slice_fact(slice, i, &first);
		hs_slice_block(slice, first.block, &b);
		json_t *values = json_object();
		for (; i < count; i++) {
			hs_slice_fact(slice, i, &f);
			if (f.block != first.block || f.row != first.row)
				break;
			(void)json_object_set_new(values, f.name,
						  jtext(f.value));
		}
		doc_element(doc,
			    json_pack("{s:I,s:s,s:o,s:o}", "block",
				      (json_int_t)first.block, "type_name",
				      b.type_name, "row", jcount(first.row),
				      "values", values));
	}
	doc_array_end(doc);
}

/* With `verify`: what came of comparing the pages. */
static void bases(struct json_doc *doc, const struct slice_view *view)
{
	doc_array_begin(doc, "bases");
	for (size_t i = 0; i < hs_slice_base_count(view->slice); i++) {
		struct hs_slice_base_info b;
		hs_slice_base(view->slice, i, &b);
		json_t *base =
			json_pack("{s:o,s:o,s:o,s:o}", "uuid", juuid(b.uuid),
				  "name", jtext(b.name), "path", jtext(b.path),
				  "bytes", jcount(b.bytes));
		if (base && view->base) {
			const struct hs_slice_base_check *c = &view->base[i];
			(void)json_object_set_new(base, "good",
						  jcount(c->good));
			(void)json_object_set_new(base, "changed",
						  jcount(c->changed));
			(void)json_object_set_new(base, "missing",
						  jcount(c->missing));
		}
		doc_element(doc, base);
	}
	doc_array_end(doc);
}

static json_t *jintegrity(const struct hs_slice_integrity *in)
{
	return json_pack("{s:s,s:o,s:s,s:b,s:o,s:b,s:b,s:b}", "chain",
			 hs_slice_chain_name(in->chain), "broken_at_block",
			 in->broken_at_block == SIZE_MAX
				 ? json_null()
				 : jcount(in->broken_at_block),
			 "file_hash", hs_slice_file_hash_name(in->file_hash),
			 "end_of_capture", (int)in->end_of_capture, "dialect",
			 jtext(in->dialect), "anchored", (int)in->anchored,
			 "authenticated", (int)in->authenticated, "sound",
			 (int)in->sound);
}

static void problems(struct json_doc *doc, const struct hs_slice *slice)
{
	doc_array_begin(doc, "problems");
	for (size_t i = 0; i < hs_slice_problem_count(slice); i++) {
		struct hs_problem_info p;
		hs_slice_problem(slice, i, &p);
		doc_element(doc, json_pack("{s:s,s:s,s:o,s:o}", "severity",
					   hs_severity_name(p.severity), "code",
					   p.code, "address", jaddr(p.addr),
					   "message", jtext(p.message)));
	}
	doc_array_end(doc);
}

static void begin(struct json_doc *doc, struct cli *cli)
{
	*doc = (struct json_doc){ .cli = cli,
				  .out = &cli->out,
				  .first_member = true };
	doc_member(doc, "schema", json_string("heapscan/1"));
	doc_member(doc, "tool",
		   json_pack("{s:s,s:s}", "name", "heapscan", "version",
			     hs_version()));
}

void out_json_info(struct cli *cli, const struct slice_view *view)
{
	struct json_doc doc;
	begin(&doc, cli);
	doc_member(&doc, "file", jfile(cli, view->slice));
	doc_member(&doc, "process", jprocess(view->slice));
	modules(&doc, view->slice);
	threads(&doc, view->slice);
	regions(&doc, view);
	tables(&doc, view->slice);
	blocks(&doc, view->slice);
	bases(&doc, view);
	doc_member(&doc, "integrity", jintegrity(&view->integrity));
	problems(&doc, view->slice);
	doc_end(&doc);
}

void out_json_verify(struct cli *cli, const struct slice_view *view)
{
	struct json_doc doc;
	begin(&doc, cli);
	doc_member(&doc, "file", jfile(cli, view->slice));
	bases(&doc, view);
	doc_member(&doc, "integrity", jintegrity(&view->integrity));
	problems(&doc, view->slice);
	doc_end(&doc);
}
