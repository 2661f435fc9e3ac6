/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/at.h"
#include "cli/frames.h"
#include "cli/out_json.h"
#include "cli/out_text.h"
#include "cli/reach.h"
#include "cli/text_map.h"

struct addr_list {
	hs_addr *addr;
	size_t count, capacity;
};

static bool list_add(struct addr_list *list, hs_addr addr)
{
	if (list->count == list->capacity) {
		size_t wanted = list->capacity ? 2 * list->capacity : 16;
		hs_addr *bigger = realloc(list->addr, wanted * sizeof(*bigger));
		if (!bigger)
			return false;
		list->addr = bigger;
		list->capacity = wanted;
	}
	list->addr[list->count++] = addr;
	return true;
}

static int add_word(struct cli *cli, struct addr_list *list, const char *word)
{
	hs_addr addr;
	if (!parse_addr(word, &addr))
		return cli_usage(cli,
				 "'%s' is not an address: hexadecimal digits, "
				 "with or without 0x",
				 word);
	if (!list_add(list, addr))
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for the addresses");
	return EXIT_ANSWERED;
}

static int add_stdin(struct cli *cli, struct addr_list *list)
{
	char word[64];
	while (scanf("%63s", word) == 1) {
		int code = add_word(cli, list, word);
		if (code)
			return code;
	}
	if (ferror(stdin))
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_IO),
				"cannot read standard input: %s",
				strerror(errno));
	return EXIT_ANSWERED;
}

struct stack_pointer {
	hs_addr sp;
	size_t thread;
};
struct stack_list {
	struct stack_pointer *item; /* ascending */
	size_t count;
};

static int by_sp(const void *a, const void *b)
{
	const struct stack_pointer *x = a, *y = b;
	return x->sp < y->sp ? -1 : x->sp > y->sp;
}

static bool stack_list_init(struct stack_list *list, const struct cli *cli)
{
	size_t n = cli_thread_count(cli);
	*list = (struct stack_list){ calloc(n + 1, sizeof(*list->item)), 0 };
	for (size_t i = 0; list->item && i < n; i++) {
		struct hs_heap_thread_info t;
		cli_thread(cli, i, &t);
		if (t.sp != HS_NO_ADDR)
			list->item[list->count++] =
				(struct stack_pointer){ t.sp, i };
	}
	if (list->item)
		qsort(list->item, list->count, sizeof(*list->item), by_sp);
	return list->item != NULL;
}

/*
 * Stacks grow down: the owner has the nearest stack pointer at or below, in
 * the same mapping. Where there is none, ADDR is in the dead part of the next
 * one above.
 */
static void find_stack(const struct cli *cli, const struct stack_list *list,
		       struct at_answer *a)
{
	size_t above = 0, end = list->count; /* first one above ADDR */
	while (above < end) {
		size_t mid = above + (end - above) / 2;
		if (list->item[mid].sp <= a->addr)
			above = mid + 1;
		else
			end = mid;
	}
	for (int below = 1; below >= 0; below--) {
		size_t i = above - (size_t)below;
		if (i >= list->count || list->item[i].sp < a->map.start ||
		    list->item[i].sp >= a->map.end)
			continue;
		cli_thread(cli, list->item[i].thread, &a->thread);
		a->has_stack = true;
		return;
	}
}

/* What the threads' own pointers say about the place. */
static void find_owner(const struct cli *cli, struct at_answer *a)
{
	for (size_t i = 0; i < cli_thread_count(cli); i++) {
		struct hs_heap_thread_info t;
		cli_thread(cli, i, &t);
		if (a->has_chunk && t.tcache == a->chunk.user)
			a->tcache_of = t.tid;
		if (a->has_chunk || t.tls_base == HS_NO_ADDR ||
		    t.tls_base < a->map.start || t.tls_base >= a->map.end)
			continue;
		uint64_t far = a->addr < t.tls_base ? t.tls_base - a->addr
						    : a->addr - t.tls_base;
		if (far >= AT_TLS_REACH)
			continue;
		a->tls = t;
		a->has_tls = true;
	}
}

static void answer(struct cli *cli, const struct stack_list *stacks,
		   hs_addr addr, struct at_answer *a)
{
	*a = (struct at_answer){ .addr = addr, .tcache_of = -1 };
	const uint8_t *bytes;
	uint64_t len;
	size_t i = find_map(cli->target, addr);
	a->memory = hs_target_view(cli->target, addr, &bytes, &len, NULL);
	if (i != SIZE_MAX) {
		hs_target_map(cli->target, i, &a->map);
		a->has_map = true;
	}
	if (cli->heap && hs_heap_find(cli->heap, addr, &i)) {
		hs_heap_chunk(cli->heap, i, &a->chunk);
		a->has_chunk = true;
		a->chunk_index = i;
		a->in_header = addr < a->chunk.user;
		a->offset = a->in_header ? 0 : addr - a->chunk.user;
	}
	if (a->has_chunk && cli->types) {
		i = hs_types_of(cli->types, i);
		a->has_type = i != SIZE_MAX;
		if (a->has_type)
			hs_types_info(cli->types, i, &a->type);
	}
	a->has_part =
		cli->types && hs_types_part_at(cli->types, addr, &a->part);
	if (a->has_part && a->part.type != SIZE_MAX)
		hs_types_info(cli->types, a->part.type, &a->part_type);
	i = find_module(cli->target, addr);
	if (i != SIZE_MAX) {
		hs_target_module(cli->target, i, &a->module);
		a->has_module = true;
	}
	if (a->has_map)
		find_owner(cli, a);
	/* A coroutine's stack may be a heap block: then it is the block. */
	if (a->has_chunk)
		return;
	a->has_symbol = cli->syms && hs_symbols_at(cli->syms, addr, &a->symbol);
	if (a->has_map && a->map.kind != HS_MAP_HEAP)
		find_stack(cli, stacks, a);
	a->has_frame = a->has_stack && cli_stacks(cli) &&
		       hs_stacks_at(cli->stacks, addr, &a->frame);
	if (a->has_stack && cli->types &&
	    !hs_types_place(cli->types, addr, a->variable, sizeof(a->variable)))
		a->variable[0] = 0;
}

/* BEFORE and the function in whose frame it is, if that has a name. */
static void frame_words(struct out *out, const char *before,
			const struct at_answer *a)
{
	char text[1100];
	if (!a->has_frame || !a->frame.has_symbol)
		return;
	text_frame(text, sizeof(text), &a->frame);
	out_str(out, before);
	out_escaped(out, text);
}

static void headline_chunk(struct out *out, const struct at_answer *a)
{
	const struct hs_chunk_info *c = &a->chunk;
	char n[TEXT_LEN];
	if (a->in_header)
		out_str(out, "in the header of ");
	else if (a->offset)
		out_printf(out, "%s %s into ", text_count(n, a->offset),
			   text_plural(a->offset, "byte", "bytes"));
	else
		out_str(out, "the start of ");
	out_printf(out, "the %s block 0x%" PRIx64 " of %s bytes\n",
		   hs_chunk_state_name(c->state), c->user,
		   text_count(n, c->usable));
}

void at_print_part(struct out *out, hs_addr addr, const struct hs_part_info *p)
{
	char n[TEXT_LEN];
	if (addr == p->start)
		out_str(out, "the start of ");
	else
		out_printf(out, "%s %s into ", text_count(n, addr - p->start),
			   text_plural(addr - p->start, "byte", "bytes"));
	out_printf(out, "0x%" PRIx64 ", %s bytes %s in %s", p->start,
		   text_count(n, p->size), p->live ? "in use" : "free",
		   hs_area_name(p->area));
}

static void headline_part(struct out *out, const struct at_answer *a)
{
	at_print_part(out, a->addr, &a->part);
	out_str(out, "\n");
}

static void part_lines(struct out *out, const struct at_answer *a)
{
	if (a->has_chunk) {
		out_str(out, "    part     ");
		headline_part(out, a);
	}
	if (a->part.type == SIZE_MAX)
		return;
	out_str(out, "    type     ");
	out_escaped(out, a->part_type.name);
	out_printf(out, " (%s, %s: %s)\n",
		   hs_type_source_name(a->part_type.source),
		   hs_confidence_name(a->part_type.confidence),
		   a->part_type.evidence);
}

static void headline(struct cli *cli, const struct at_answer *a)
{
	struct out *out = &cli->out;
	char addr[TEXT_LEN];
	*put_hex(addr, a->addr) = 0;
	out_ink(out, cli->colour, INK_BOLD, addr);
	out_str(out, "  ");
	if (a->has_chunk) {
		headline_chunk(out, a);
	} else if (a->has_part) {
		headline_part(out, a);
	} else if (a->has_symbol) {
		char name[4096];
		if (!hs_demangle(a->symbol.name, name, sizeof(name)))
			(void)snprintf(name, sizeof(name), "%s",
				       a->symbol.name);
		out_escaped(out, name);
		out_printf(out, "+0x%" PRIx64 " in ", a->addr - a->symbol.addr);
		out_escaped(out, a->has_module ? a->module.path : "?");
		out_str(out, "\n");
	} else if (a->has_tls) {
		bool below = a->addr < a->tls.tls_base;
		out_printf(out,
			   "%" PRIu64 " bytes %s the thread pointer of thread "
			   "%" PRId64 "\n",
			   below ? a->tls.tls_base - a->addr
				 : a->addr - a->tls.tls_base,
			   below ? "below" : "above", a->tls.tid);
	} else if (a->has_stack) {
		out_printf(out, "on the stack of thread %" PRId64,
			   a->thread.tid);
		frame_words(out, ", in ", a);
		out_str(out, "\n");
	} else if (a->has_map) {
		out_printf(out, "0x%" PRIx64 " bytes into ",
			   a->addr - a->map.start);
		out_escaped(out,
			    a->map.path ? a->map.path : "an anonymous mapping");
		out_str(out, "\n");
	} else {
		out_str(out, a->memory == HS_OK ? "mapped, but listed nowhere\n"
						: "not mapped\n");
	}
}

static void chunk_lines(struct cli *cli, const struct hs_chunk_info *c)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN];
	out_printf(out, "    chunk    0x%" PRIx64 ", %s bytes with header\n",
		   c->addr, text_count(n, c->size));
	if (c->arena != SIZE_MAX) {
		struct hs_arena_info arena;
		hs_heap_arena(cli->heap, c->arena, &arena);
		out_printf(out, "    arena    %s%s\n", text_addr(n, arena.addr),
			   arena.is_main ? " (main)" : "");
	}
	if (c->bin != HS_NO_BIN && c->tid >= 0)
		out_printf(out,
			   "    list     bin %" PRIu32
			   " of the tcache of thread %" PRId64 "\n",
			   c->bin, c->tid);
	else if (c->bin != HS_NO_BIN)
		out_printf(out, "    list     bin %" PRIu32 "\n", c->bin);
}

static bool detail_line(void *arg, const char *what, const char *value)
{
	struct out *out = arg;
	out_printf(out, "             %s: ", what);
	out_escaped(out, value);
	out_str(out, "\n");
	return !out->error;
}

/* What lies at ADDR, in a word: a block's type, a function. */
static void pointed_to(struct cli *cli, hs_addr addr)
{
	struct out *out = &cli->out;
	struct hs_symbol_info symbol;
	struct hs_chunk_info c;
	const char *what;
	size_t i;
	if (hs_heap_find(cli->heap, addr, &i)) {
		what = reach_type(cli, i);
		hs_heap_chunk(cli->heap, i, &c);
		if (what) {
			out_str(out, addr == c.user ? " " : " in ");
			out_escaped(out, what);
		}
	} else if (cli->syms && hs_symbols_at(cli->syms, addr, &symbol)) {
		out_str(out, " <");
		out_escaped(out, symbol.name);
		if (addr > symbol.addr)
			out_printf(out, "+%" PRIu64, addr - symbol.addr);
		out_str(out, ">");
	}
}

static bool field_line(void *arg, const struct hs_field_info *f)
{
	struct cli *cli = arg;
	struct out *out = &cli->out;
	/* The structs around it stand above, each a step to the left. */
	const char *last = f->depth ? strrchr(f->name, '.') : NULL;
	if (f->depth && !last)
		last = strrchr(f->name, '[');
	out_printf(out, "    +%-7" PRIu64 " %*s", f->offset,
		   (int)(2 * f->depth), "");
	out_escaped(out, last ? last + (*last == '.') : f->name);
	if (f->type) {
		out_str(out, ": ");
		out_escaped(out, f->type);
	}
	if (f->value) {
		out_str(out, " = ");
		out_escaped(out, f->value);
	}
	if (f->refers_to != HS_NO_ADDR) {
		out_printf(out, " -> 0x%" PRIx64, f->refers_to);
		if (f->strength != HS_STRENGTH_NONE)
			out_printf(out, " (%s)", hs_strength_name(f->strength));
		pointed_to(cli, f->refers_to);
	}
	if (f->text && cli->opt.content) {
		out_str(out, " \"");
		out_escaped(out, f->text);
		out_str(out, "\"");
	}
	out_str(out, "\n");
	return !out->error;
}

/* What the block is, and what is in it. */
static void object_lines(struct cli *cli, const struct at_answer *a)
{
	struct out *out = &cli->out;
	out_str(out, "    type     ");
	out_escaped(out, a->type.name);
	out_printf(out, " (%s, %s: %s)\n", hs_type_source_name(a->type.source),
		   hs_confidence_name(a->type.confidence), a->type.evidence);
	hs_types_details(cli->types, a->chunk_index, detail_line, out);
	hs_types_fields(cli->types, a->chunk_index, field_line, cli);
}

static void stack_line(struct out *out, const struct at_answer *a)
{
	const struct hs_heap_thread_info *t = &a->thread;
	bool dead = a->addr < t->sp;
	out_printf(out, "    stack    thread %" PRId64, t->tid);
	if (t->name) {
		out_str(out, " (");
		out_escaped(out, t->name);
		out_str(out, ")");
	}
	out_printf(out, ", %" PRIu64 " bytes %s its stack pointer\n",
		   dead ? t->sp - a->addr : a->addr - t->sp,
		   dead ? "below" : "above");
	if (a->variable[0]) {
		out_str(out, "    variable ");
		out_escaped(out, a->variable);
		out_str(out, "\n");
	}
	if (!a->has_frame)
		return;
	out_printf(out, "    frame    #%zu", a->frame.number);
	frame_words(out, ", ", a);
	out_printf(out, ", 0x%" PRIx64 "-0x%" PRIx64 "\n", a->frame.start,
		   a->frame.end);
}

static void print_answer(struct cli *cli, const struct at_answer *a)
{
	struct out *out = &cli->out;
	char prot[5];
	headline(cli, a);
	if (a->has_chunk)
		chunk_lines(cli, &a->chunk);
	if (a->tcache_of >= 0)
		out_printf(out,
			   "    this is  the tcache structure of thread "
			   "%" PRId64 "\n",
			   a->tcache_of);
	if (a->has_type)
		object_lines(cli, a);
	else if (a->has_chunk && (a->chunk.state == HS_CHUNK_USED ||
				  a->chunk.state == HS_CHUNK_MMAPPED))
		out_str(out,
			cli->types
				? "    type     unknown: nothing that names "
				  "blocks knows it\n"
				: "    type     not looked for in a heap this "
				  "large: --types\n");
	if (a->has_part)
		part_lines(out, a);
	if (a->has_stack)
		stack_line(out, a);
	if (a->has_map) {
		out_printf(out, "    mapping  0x%" PRIx64 "-0x%" PRIx64 " %s",
			   a->map.start, a->map.end, text_prot(prot, &a->map));
		if (a->map.path) {
			out_str(out, " ");
			out_escaped(out, a->map.path);
		}
		out_str(out, "\n");
	}
	if (a->has_map && a->memory != HS_OK)
		out_str(out, "    memory   not captured\n");
}

static int print_all(struct cli *cli, const struct addr_list *list)
{
	struct stack_list stacks;
	int code = EXIT_ANSWERED;
	size_t kept = cli->opt.json ? list->count : 1;
	struct at_answer *answers = calloc(kept + 1, sizeof(*answers));
	if (!stack_list_init(&stacks, cli) || !answers) {
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for the answers");
	} else if (cli->opt.json) {
		for (size_t i = 0; i < list->count; i++)
			answer(cli, &stacks, list->addr[i], &answers[i]);
		out_json_at(cli, answers, list->count);
	} else {
		for (size_t i = 0; i < list->count && !cli->out.error; i++) {
			answer(cli, &stacks, list->addr[i], answers);
			print_answer(cli, answers);
		}
	}
	free(answers);
	free(stacks.item);
	return code;
}

int cmd_at(struct cli *cli)
{
	struct addr_list list = { NULL, 0, 0 };
	int code = EXIT_ANSWERED;
	for (int i = 0; i < cli->opt.arg_count && !code; i++)
		code = strcmp(cli->opt.args[i], "-") == 0
			       ? add_stdin(cli, &list)
			       : add_word(cli, &list, cli->opt.args[i]);
	if (!code && cli->heap)
		code = reach_name(cli);
	if (!code)
		code = print_all(cli, &list);
	free(list.addr);
	return code ? code : cli_answered(cli);
}
