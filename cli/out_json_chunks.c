/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/chunk_selection.h"
#include "cli/out_json.h"
#include "cli/out_json_doc.h"
#include "cli/out_text.h"

/*
 * Chunks are the bulk of a document: millions of lines of one shape. They are
 * put together by hand from constant pieces and numbers, without a tree and
 * without printf, about ten times as fast as either.
 */

/* The longest line: fixed text, two addresses, an arena, four numbers. */
#define LINE_MAX_BYTES 512

struct chunk_writer {
	struct json_doc *doc;
	bool typed;               /* with the members of `chunks` */
	char (*arenas)[TEXT_LEN]; /* each as it stands in the document */
	size_t arena_count;
	char **types; /* each with source and confidence, as it stands there */
	size_t type_count;
};

#define NO_TYPE "\"type\":null,\"type_source\":null,\"confidence\":null"

#define PUT(at, text)                                                          \
	((char *)memcpy((at), (text), sizeof(text) - 1) + sizeof(text) - 1)

static char *put_str(char *at, const char *text)
{
	size_t len = strlen(text);
	memcpy(at, text, len);
	return at + len;
}

static void put_chunk(struct chunk_writer *w, size_t i,
		      const struct hs_chunk_info *chunk)
{
	struct json_doc *doc = w->doc;
	size_t type = w->types ? hs_types_of(doc->cli->types, i) : SIZE_MAX;
	const char *typed = type == SIZE_MAX ? NO_TYPE : w->types[type];
	char *at = out_reserve(doc->out, LINE_MAX_BYTES);
	at = PUT(at, "{\"address\":\"");
	at = put_hex(at, chunk->addr);
	at = PUT(at, "\",\"user\":\"");
	at = put_hex(at, chunk->user);
	at = PUT(at, "\",\"size\":");
	at = put_u64(at, chunk->size);
	at = PUT(at, ",\"usable\":");
	at = put_u64(at, chunk->usable);
	at = PUT(at, ",\"state\":\"");
	at = put_str(at, hs_chunk_state_name(chunk->state));
	at = PUT(at, "\",\"arena\":");
	at = chunk->arena < w->arena_count
		     ? put_str(at, w->arenas[chunk->arena])
		     : PUT(at, "null");
	at = PUT(at, ",\"tid\":");
	at = chunk->tid < 0 ? PUT(at, "null")
			    : put_u64(at, (uint64_t)chunk->tid);
	at = PUT(at, ",\"bin\":");
	at = chunk->bin == HS_NO_BIN ? PUT(at, "null")
				     : put_u64(at, chunk->bin);
	if (!w->typed)
		*at++ = '}';
	out_commit(doc->out, at);
	if (w->typed) { /* of any length */
		out_str(doc->out, ",");
		out_str(doc->out, typed);
		out_str(doc->out, "}");
	}
}

static bool write_chunk(void *arg, size_t i, const struct hs_chunk_info *chunk)
{
	struct chunk_writer *w = arg;
	doc_element_begin(w->doc);
	put_chunk(w, i, chunk);
	return !w->doc->out->error;
}

static bool write_line(void *arg, size_t i, const struct hs_chunk_info *chunk)
{
	struct chunk_writer *w = arg;
	put_chunk(w, i, chunk);
	out_bytes(w->doc->out, "\n", 1);
	return !w->doc->out->error;
}

static char *type_text(const struct hs_types *types, size_t i)
{
	struct hs_type_info t;
	hs_types_info(types, i, &t);
	json_t *object =
		json_pack("{s:o,s:s,s:s}", "type", jtext(t.name), "type_source",
			  hs_type_source_name(t.source), "confidence",
			  hs_confidence_name(t.confidence));
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (text) { /* without the braces */
		size_t len = strlen(text);
		memmove(text, text + 1, len - 2);
		text[len - 2] = 0;
	}
	return text;
}

static bool types_init(struct chunk_writer *w)
{
	size_t n = hs_types_count(w->doc->cli->types);
	w->types = calloc(n + 1, sizeof(*w->types));
	w->type_count = w->types ? n : 0;
	bool ok = w->types != NULL;
	for (size_t i = 0; ok && i < n; i++) {
		w->types[i] = type_text(w->doc->cli->types, i);
		ok = w->types[i] != NULL;
	}
	if (!ok)
		out_fail(w->doc->out, ENOMEM);
	return ok;
}

static void writer_release(struct chunk_writer *w)
{
	for (size_t i = 0; i < w->type_count; i++)
		free(w->types[i]);
	free(w->types);
	free(w->arenas);
}

static bool writer_init(struct chunk_writer *w, struct json_doc *doc,
			bool typed)
{
	size_t n = hs_heap_arena_count(doc->cli->heap);
	*w = (struct chunk_writer){ .doc = doc,
				    .typed = typed,
				    .arenas = calloc(n + 1, TEXT_LEN),
				    .arena_count = n };
	if (!w->arenas) {
		out_fail(doc->out, ENOMEM);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		char *at = w->arenas[i];
		hs_addr addr = cli_arena_addr(doc->cli, i);
		if (addr == HS_NO_ADDR) { /* not captured */
			(void)put_str(at, "null");
			continue;
		}
		*at++ = '"';
		at = put_hex(at, addr);
		*at = '"';
	}
	return !typed || types_init(w);
}

void doc_chunks(struct json_doc *doc)
{
	struct chunk_writer w;
	doc_array_begin(doc, "chunks");
	if (writer_init(&w, doc, false))
		hs_heap_each(doc->cli->heap, write_chunk, &w);
	writer_release(&w);
	doc_array_end(doc);
}

void doc_chunk_selection(struct json_doc *doc,
			 const struct chunk_selection *chosen)
{
	struct chunk_writer w;
	doc_member(doc, "selected", jtotal(&chosen->total));
	doc_array_begin(doc, "chunks");
	if (writer_init(&w, doc, true))
		chunk_selection_each(chosen, write_chunk, &w);
	writer_release(&w);
	doc_array_end(doc);
}

void out_ndjson_chunks(struct cli *cli, struct out *out,
		       const struct chunk_selection *chosen)
{
	struct json_doc doc = { .cli = cli, .out = out };
	struct chunk_writer w;
	if (writer_init(&w, &doc, true))
		chunk_selection_each(chosen, write_line, &w);
	writer_release(&w);
}

void out_json_string(struct out *out, const char *text)
{
	json_t *value = jtext(text);
	char *dumped = json_dumps(value, JSON_ENCODE_ANY);
	if (dumped)
		out_str(out, dumped);
	else
		out_fail(out, ENOMEM);
	free(dumped);
	json_decref(value);
}
