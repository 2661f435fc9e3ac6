/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/chunk_selection.h"
#include "cli/out_json.h"
#include "cli/out_text.h"

struct rows {
	struct cli *cli;
	struct table table;
	size_t left;
	size_t arena; /* the last one asked for, and its name */
	char arena_name[TEXT_LEN];
};

static const char *arena_name(struct rows *r, size_t arena)
{
	if (arena == SIZE_MAX)
		return "-";
	if (arena != r->arena) {
		struct hs_arena_info a;
		hs_heap_arena(r->cli->heap, arena, &a);
		(void)snprintf(r->arena_name, TEXT_LEN,
			       a.is_main ? "main" : "0x%" PRIx64, a.addr);
		r->arena = arena;
	}
	return r->arena_name;
}

/* "tcache 12 of 4711" says which list and whose. */
static void list_cell(struct rows *r, const struct hs_chunk_info *chunk)
{
	char text[TEXT_LEN * 2] = "-";
	if (chunk->bin != HS_NO_BIN && chunk->tid >= 0)
		(void)snprintf(text, sizeof(text), "%" PRIu32 " of %" PRId64,
			       chunk->bin, chunk->tid);
	else if (chunk->bin != HS_NO_BIN)
		(void)snprintf(text, sizeof(text), "%" PRIu32, chunk->bin);
	table_cell(&r->table, INK_PLAIN, text);
}

static bool print_row(void *arg, size_t i, const struct hs_chunk_info *chunk)
{
	struct rows *r = arg;
	if (!r->left--)
		return false;
	table_addr(&r->table, chunk->addr);
	table_addr(&r->table, chunk->user);
	table_count(&r->table, chunk->size);
	table_count(&r->table, chunk->usable);
	table_cell(&r->table, ink_of_state(chunk->state),
		   hs_chunk_state_name(chunk->state));
	table_cell(&r->table, INK_PLAIN, arena_name(r, chunk->arena));
	list_cell(r, chunk);
	if (r->cli->types) {
		struct hs_type_info type = { .name = NULL };
		size_t t = hs_types_of(r->cli->types, i);
		if (t != SIZE_MAX)
			hs_types_info(r->cli->types, t, &type);
		table_name(&r->table, type.name);
	}
	return !r->cli->out.error;
}

static void print_text(struct cli *cli, const struct chunk_selection *sel)
{
	static const struct column columns[] = {
		{ "chunk", -14 }, { "user", -14 }, { "size", 13 },
		{ "usable", 13 }, { "state", -8 }, { "arena", -14 },
		{ "list", -8 },   { "type", -8 },
	};
	char n[TEXT_LEN], size[TEXT_LEN], bytes[TEXT_LEN];
	size_t limit = cli_row_limit(cli);
	/* --top N asked for a number of rows already. */
	if (cli->opt.top || limit > sel->count)
		limit = sel->count;
	out_printf(&cli->out, "%s %s, %s (%s bytes, headers included)\n\n",
		   text_count(n, sel->total.count),
		   text_plural(sel->total.count, "chunk", "chunks"),
		   text_size(size, sel->total.chunk_bytes),
		   text_count(bytes, sel->total.chunk_bytes));
	if (!sel->count)
		return;
	struct rows r = { .cli = cli, .left = limit, .arena = SIZE_MAX };
	table_begin(&r.table, &cli->out, cli->colour, columns,
		    cli->types ? 8 : 7);
	chunk_selection_each(sel, print_row, &r);
	if (limit < sel->count)
		cli_announce_rest(cli, limit, sel->count);
	else if (sel->count < sel->total.count)
		out_printf(&cli->out, "... %s more (without --top)\n",
			   text_count(n, sel->total.count - sel->count));
}

int cmd_chunks(struct cli *cli)
{
	struct chunk_selection sel;
	int code = chunk_selection_init(&sel, cli);
	if (!code) {
		if (cli->opt.json)
			out_json_chunks(cli, &sel);
		else
			print_text(cli, &sel);
		code = cli_answered(cli);
	}
	chunk_selection_release(&sel);
	return code;
}
