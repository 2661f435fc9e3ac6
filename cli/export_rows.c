/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/chunk_selection.h"
#include "cli/export.h"
#include "cli/out_json.h"

/*
 * csv and ndjson: a row a chunk, written as they come. Both have the members
 * of `chunks --json` under the same names; what is not known is empty here and
 * null there.
 */

/* The longest row without a type: three addresses, four numbers, a word. */
#define ROW_MAX_BYTES 512

static char *put_text(char *at, const char *text)
{
	size_t len = strlen(text);
	memcpy(at, text, len);
	return at + len;
}

/* The only value that may hold a comma; quotes within are doubled. */
static void put_type(struct out *out, const struct hs_type_info *type)
{
	out_str(out, "\"");
	for (const char *at = type->name; *at;) {
		size_t plain = strcspn(at, "\"");
		out_bytes(out, at, plain);
		at += plain;
		if (*at == '"') {
			out_str(out, "\"\"");
			at++;
		}
	}
	out_printf(out, "\",%s,%s\n", hs_type_source_name(type->source),
		   hs_confidence_name(type->confidence));
}

static bool write_row(void *arg, size_t i, const struct hs_chunk_info *chunk)
{
	struct export_job *job = arg;
	char *at = out_reserve(job->out, ROW_MAX_BYTES);
	at = put_hex(at, chunk->addr);
	*at++ = ',';
	at = put_hex(at, chunk->user);
	*at++ = ',';
	at = put_u64(at, chunk->size);
	*at++ = ',';
	at = put_u64(at, chunk->usable);
	*at++ = ',';
	at = put_text(at, hs_chunk_state_name(chunk->state));
	*at++ = ',';
	hs_addr arena = cli_arena_addr(job->cli, chunk->arena);
	if (arena != HS_NO_ADDR)
		at = put_hex(at, arena);
	*at++ = ',';
	if (chunk->tid >= 0)
		at = put_u64(at, (uint64_t)chunk->tid);
	*at++ = ',';
	if (chunk->bin != HS_NO_BIN)
		at = put_u64(at, chunk->bin);
	struct hs_type_info type;
	bool typed = export_type(job, i, &type);
	at = put_text(at, typed ? "," : ",,,\n");
	out_commit(job->out, at);
	if (typed)
		put_type(job->out, &type);
	return !job->out->error;
}

int export_csv(struct export_job *job)
{
	struct chunk_selection chosen;
	int code = chunk_selection_init(&chosen, job->cli);
	if (!code) {
		out_str(job->out, "address,user,size,usable,state,arena,tid,"
				  "bin,type,type_source,confidence\n");
		chunk_selection_each(&chosen, write_row, job);
	}
	chunk_selection_release(&chosen);
	return code;
}

int export_ndjson(struct export_job *job)
{
	struct chunk_selection chosen;
	int code = chunk_selection_init(&chosen, job->cli);
	if (!code)
		out_ndjson_chunks(job->cli, job->out, &chosen);
	chunk_selection_release(&chosen);
	return code;
}
