/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cli/arena_threads.h"
#include "cli/frames.h"
#include "cli/out_json.h"
#include "cli/out_json_doc.h"
#include "cli/text_map.h"

static json_t *jthread(const struct cli *cli,
		       const struct hs_heap_thread_info *t)
{
	bool heap = cli->heap != NULL;
	return json_pack(
		"{s:I,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "tid",
		(json_int_t)t->tid, "current", (int)t->current, "pc",
		jaddr(t->pc), "sp", jaddr(t->sp), "tls_base",
		jaddr(t->tls_base), "arena",
		heap ? jaddr(cli_arena_addr(cli, t->arena)) : json_null(),
		"tcache", jaddr(t->tcache), "name", jtext(t->name),
		"tcache_count",
		t->tcache_known ? jcount(t->tcache_count) : json_null(),
		"tcache_bytes",
		t->tcache_known ? jcount(t->tcache_bytes) : json_null(),
		"in_malloc", heap ? json_boolean(t->in_malloc) : json_null());
}

json_t *jframe(const struct hs_frame_info *f)
{
	char text[1100];
	text_frame(text, sizeof(text), f);
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:b}", "number",
			 jcount(f->number), "pc", jaddr(f->pc), "start",
			 jaddr(f->start), "end", jaddr(f->end), "function",
			 f->has_symbol ? jtext(text) : json_null(), "signal",
			 (int)f->signal);
}

/* What thread I was doing, added to what is said of it. */
static json_t *jframes(struct cli *cli, size_t i, int64_t tid, json_t *thread)
{
	struct hs_stacks *stacks = cli_stacks(cli);
	json_t *list = json_array();
	size_t at = cli_target_thread(cli, tid, i);
	struct hs_frame_info f;
	for (size_t n = 0; stacks && n < hs_stacks_frame_count(stacks, at);
	     n++) {
		hs_stacks_frame(stacks, at, n, &f);
		(void)json_array_append_new(list, jframe(&f));
	}
	(void)json_object_set_new(thread, "frames", list);
	(void)json_object_set_new(thread, "frames_end",
				  stacks ? json_string(hs_stack_end_name(
						   hs_stacks_end(stacks, at)))
					 : json_null());
	return thread;
}

void doc_threads(struct json_doc *doc)
{
	doc_array_begin(doc, "threads");
	for (size_t i = 0; i < cli_thread_count(doc->cli); i++) {
		struct hs_heap_thread_info t;
		cli_thread(doc->cli, i, &t);
		json_t *thread = jthread(doc->cli, &t);
		if (doc->cli->opt.frames)
			thread = jframes(doc->cli, i, t.tid, thread);
		doc_element(doc, thread);
	}
	doc_array_end(doc);
}

static json_t *jheaps(const struct hs_heap *heap, size_t arena, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		hs_addr start, end;
		hs_heap_arena_heap(heap, arena, i, &start, &end);
		if (json_array_append_new(list, json_pack("{s:o,s:o}", "start",
							  jaddr(start), "end",
							  jaddr(end)))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *jtids(const struct arena_threads *at, size_t arena)
{
	json_t *list = json_array();
	for (size_t i = at->start[arena]; i < at->start[arena + 1]; i++)
		if (json_array_append_new(list, json_integer(at->tid[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *jarena(const struct hs_heap *heap, size_t i,
		      const struct arena_threads *at)
{
	struct hs_arena_info a;
	hs_heap_arena(heap, i, &a);
	return json_pack(
		"{s:I,s:o,s:s,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
		"index", (json_int_t)i, "address", jaddr(a.addr), "kind",
		a.is_main ? "main" : "thread", "free",
		a.free_known ? json_boolean(a.free) : json_null(), "locked",
		(int)a.locked, "threads", jtids(at, i), "heaps",
		jheaps(heap, i, a.heap_count), "top", jaddr(a.top), "top_size",
		a.top == HS_NO_ADDR ? json_null() : jcount(a.top_size),
		"system_mem", jcount(a.system_mem), "walked", jcount(a.walked),
		"chunks", jcount(a.chunks), "in_use", jtotal(&a.in_use),
		"freed", jtotal(&a.freed));
}

void doc_arenas(struct json_doc *doc)
{
	struct arena_threads at;
	if (!arena_threads_init(&at, doc->cli->heap)) {
		out_fail(doc->out, ENOMEM);
		return;
	}
	doc_array_begin(doc, "arenas");
	for (size_t i = 0; i < hs_heap_arena_count(doc->cli->heap); i++)
		doc_element(doc, jarena(doc->cli->heap, i, &at));
	doc_array_end(doc);
	arena_threads_release(&at);
}

void out_json_arenas(struct cli *cli)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_allocator(&doc);
	doc_arenas(&doc);
	doc_end(&doc);
}

void out_json_threads(struct cli *cli)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_threads(&doc);
	doc_end(&doc);
}

void out_json_bins(struct cli *cli)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_allocator(&doc);
	doc_array_begin(&doc, "bins");
	for (size_t i = 0; i < hs_heap_bin_count(cli->heap); i++) {
		struct hs_bin_info b;
		hs_heap_bin(cli->heap, i, &b);
		doc_element(
			&doc,
			json_pack("{s:s,s:o,s:o,s:o,s:I,s:o,s:o,s:o,s:o}",
				  "state", hs_chunk_state_name(b.state),
				  "arena", jaddr(cli_arena_addr(cli, b.arena)),
				  "tid", jid(b.tid), "owner", jaddr(b.owner),
				  "bin", (json_int_t)b.index, "count",
				  jcount(b.count), "chunk_bytes",
				  jcount(b.bytes), "min_size",
				  jcount(b.min_size), "max_size",
				  jcount(b.max_size)));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}

void out_json_maps(struct cli *cli)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_array_begin(&doc, "maps");
	for (size_t i = 0; i < hs_target_map_count(cli->target); i++) {
		struct hs_map_info m;
		char prot[5];
		hs_target_map(cli->target, i, &m);
		doc_element(
			&doc,
			json_pack("{s:o,s:o,s:s,s:s,s:o,s:o,s:o,s:o}", "start",
				  jaddr(m.start), "end", jaddr(m.end),
				  "protection", text_prot(prot, &m), "kind",
				  map_kind_name(m.kind), "path", jtext(m.path),
				  "file_offset",
				  m.path ? jcount(m.file_offset) : json_null(),
				  "captured", jcount(m.captured), "from_file",
				  jcount(m.from_file)));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}

void out_json_modules(struct cli *cli)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_array_begin(&doc, "modules");
	for (size_t i = 0; i < hs_target_module_count(cli->target); i++) {
		struct hs_module_info m;
		char id[BUILD_ID_TEXT];
		hs_target_module(cli->target, i, &m);
		const char *debug =
			cli->syms ? hs_symbols_debug_file(cli->syms, i) : NULL;
		doc_element(&doc,
			    json_pack("{s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:b}",
				      "base", jaddr(m.base), "end",
				      jaddr(m.end), "path", jtext(m.path),
				      "file", jtext(m.file), "file_state",
				      hs_module_file_name(m.file_state),
				      "build_id", jtext(text_build_id(id, &m)),
				      "debug_file", jtext(debug),
				      "is_executable", (int)m.is_executable));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}
