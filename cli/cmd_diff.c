/* SPDX-License-Identifier: MIT */
#include "cli/diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out_evidence.h"
#include "cli/out_text.h"

static bool in_use(const struct hs_chunk_info *c)
{
	return c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED;
}

static struct diff_row *add_row(struct diff_view *v, const char *type,
				uint64_t size)
{
	if (v->row_count == v->row_capacity) {
		size_t wanted = v->row_capacity ? 2 * v->row_capacity : 256;
		void *bigger = realloc(v->row, wanted * sizeof(*v->row));
		if (!bigger)
			return NULL;
		v->row = bigger;
		v->row_capacity = wanted;
	}
	uint64_t *numbers = calloc(2 * v->captures, sizeof(*numbers));
	if (!numbers)
		return NULL;
	struct diff_row *r = &v->row[v->row_count++];
	*r = (struct diff_row){ .type = type,
				.size = size,
				.count = numbers,
				.bytes = numbers + v->captures };
	return r;
}

/* Sizes in a table of their own: open addressing, at most half full. */
static bool grow_slots(struct diff_view *v)
{
	size_t wanted = v->slot_count ? 2 * v->slot_count : 1024;
	uint32_t *slots = calloc(wanted, sizeof(*slots));
	if (!slots)
		return false;
	free(v->slot);
	v->slot = slots;
	v->slot_count = wanted;
	for (size_t i = 0; i < v->row_count; i++) {
		if (v->row[i].type)
			continue;
		size_t at =
			(size_t)(v->row[i].size * 0x9e3779b97f4a7c15u >> 20) %
			wanted;
		while (slots[at])
			at = (at + 1) % wanted;
		slots[at] = (uint32_t)i + 1;
	}
	return true;
}

static struct diff_row *row_of_size(struct diff_view *v, uint64_t size)
{
	if (2 * (v->row_count + 1) > v->slot_count && !grow_slots(v))
		return NULL;
	size_t at = (size_t)(size * 0x9e3779b97f4a7c15u >> 20) % v->slot_count;
	for (; v->slot[at]; at = (at + 1) % v->slot_count) {
		struct diff_row *r = &v->row[v->slot[at] - 1];
		if (r->size == size)
			return r;
	}
	struct diff_row *r = add_row(v, NULL, size);
	if (r)
		v->slot[at] = (uint32_t)v->row_count;
	return r;
}

struct counting {
	struct diff_view *view;
	size_t capture;
	uint32_t *row_of_type; /* row + 1, by the capture's type */
	bool failed;
};

static bool count_chunk(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct counting *n = arg;
	struct hs_types *types = n->view->capture[n->capture]->types;
	if (!in_use(c))
		return true;
	size_t type = types ? hs_types_of(types, i) : SIZE_MAX;
	struct diff_row *r;
	if (type == SIZE_MAX)
		r = row_of_size(n->view, c->usable);
	else
		r = &n->view->row[n->row_of_type[type] - 1];
	if (!r) {
		n->failed = true;
		return false;
	}
	r->count[n->capture]++;
	r->bytes[n->capture] += c->usable;
	return true;
}

struct named {
	const char *name;
	uint32_t row;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* Types of this capture that earlier ones had are the same rows. */
static bool match_types(struct counting *n)
{
	struct diff_view *v = n->view;
	const struct hs_types *types = v->capture[n->capture]->types;
	size_t count = types ? hs_types_count(types) : 0, known = 0;
	n->row_of_type = calloc(count + 1, sizeof(*n->row_of_type));
	struct named *names = calloc(v->row_count + 1, sizeof(*names));
	for (size_t i = 0; names && i < v->row_count; i++)
		if (v->row[i].type)
			names[known++] =
				(struct named){ v->row[i].type, (uint32_t)i };
	bool ok = names && n->row_of_type;
	if (ok && known)
		qsort(names, known, sizeof(*names), by_name);
	for (size_t t = 0; ok && t < count; t++) {
		struct hs_type_info info;
		hs_types_info(types, t, &info);
		struct named key = { info.name, 0 };
		const struct named *same =
			known ? bsearch(&key, names, known, sizeof(*names),
					by_name)
			      : NULL;
		ok = same || add_row(v, info.name, 0);
		n->row_of_type[t] =
			same ? same->row + 1 : (uint32_t)v->row_count;
	}
	free(names);
	return ok;
}

static bool count_captures(struct diff_view *v)
{
	for (size_t i = 0; i < v->captures; i++) {
		struct counting n = { .view = v, .capture = i };
		n.failed = !match_types(&n);
		if (!n.failed)
			hs_heap_each(v->capture[i]->heap, count_chunk, &n);
		free(n.row_of_type);
		if (n.failed)
			return false;
	}
	return true;
}

/* The next block in use from chunk I on. */
static bool next_block(const struct cli *cli, size_t *i,
		       struct hs_chunk_info *ret)
{
	size_t count = hs_heap_chunk_count(cli->heap);
	for (; *i < count; (*i)++) {
		hs_heap_chunk(cli->heap, *i, ret);
		if (in_use(ret)) {
			(*i)++;
			return true;
		}
	}
	return false;
}

static void add(struct hs_total *total, const struct hs_chunk_info *c)
{
	total->count++;
	total->bytes += c->usable;
	total->chunk_bytes += c->size;
}

/* A block that is at the same place with the same size stayed. One that was
 * given back and taken anew in between looks the same. */
static void compare_blocks(struct diff_view *v)
{
	const struct cli *a = v->capture[0], *b = v->capture[v->captures - 1];
	struct hs_chunk_info x, y;
	size_t i = 0, k = 0;
	bool more_x = next_block(a, &i, &x), more_y = next_block(b, &k, &y);
	while (more_x || more_y) {
		if (v->same_process && more_x && more_y && x.user == y.user) {
			add(x.usable == y.usable ? &v->stayed : &v->appeared,
			    &y);
			if (x.usable != y.usable)
				add(&v->vanished, &x);
			more_x = next_block(a, &i, &x);
			more_y = next_block(b, &k, &y);
		} else if (more_x && (!more_y || x.user < y.user)) {
			add(&v->vanished, &x);
			more_x = next_block(a, &i, &x);
		} else {
			add(&v->appeared, &y);
			more_y = next_block(b, &k, &y);
		}
	}
}

static bool is_same_process(const struct cli *a, const struct cli *b)
{
	struct hs_allocator_info x, y;
	hs_heap_allocator(a->heap, &x);
	hs_heap_allocator(b->heap, &y);
	return x.main_arena == y.main_arena && a->info.arch == b->info.arch &&
	       (a->info.pid < 0 || b->info.pid < 0 ||
		a->info.pid == b->info.pid);
}

static void find_slope(struct diff_row *r, size_t n)
{
	double mean_x = (double)(n - 1) / 2, mean_y = 0, up = 0, down = 0;
	for (size_t i = 0; i < n; i++)
		mean_y += (double)r->bytes[i] / (double)n;
	for (size_t i = 0; i < n; i++) {
		double x = (double)i - mean_x;
		up += x * ((double)r->bytes[i] - mean_y);
		down += x * x;
	}
	r->slope = up / down;
}

static int by_growth(const void *a, const void *b)
{
	const struct diff_row *x = a, *y = b;
	if (x->slope != y->slope)
		return x->slope > y->slope ? -1 : 1;
	if (!x->type != !y->type)
		return x->type ? -1 : 1;
	if (x->type)
		return strcmp(x->type, y->type);
	return x->size < y->size ? -1 : x->size > y->size;
}

static void table_change(struct table *t, uint64_t before, uint64_t after)
{
	char n[TEXT_LEN], text[TEXT_LEN + 1];
	uint64_t by = after > before ? after - before : before - after;
	(void)snprintf(text, sizeof(text), "%s%s",
		       after > before   ? "+"
		       : after < before ? "-"
					: "",
		       text_count(n, by));
	table_cell(t,
		   after > before   ? INK_BAD
		   : after < before ? INK_GOOD
				    : INK_PLAIN,
		   text);
}

static void print_rows(struct cli *cli, const struct diff_view *v)
{
	static const struct column columns[] = {
		{ "blocks before", 13 }, { "after", 11 },  { "change", 12 },
		{ "bytes after", 14 },   { "change", 14 }, { "a step", 12 },
		{ "what", -20 },
	};
	struct table t;
	size_t limit = cli_row_limit(cli), shown = 0, last = v->captures - 1;
	char text[TEXT_LEN + 8], n[TEXT_LEN];
	table_begin(&t, &cli->out, cli->colour, columns, 7);
	for (size_t i = 0; i < v->row_count && shown < limit; i++) {
		const struct diff_row *r = &v->row[i];
		/* What did not change is no news. */
		if (r->count[0] == r->count[last] &&
		    r->bytes[0] == r->bytes[last] && r->slope == 0)
			continue;
		shown++;
		table_count(&t, r->count[0]);
		table_count(&t, r->count[last]);
		table_change(&t, r->count[0], r->count[last]);
		table_count(&t, r->bytes[last]);
		table_change(&t, r->bytes[0], r->bytes[last]);
		(void)snprintf(text, sizeof(text), "%+.0f", r->slope);
		table_cell(&t, INK_PLAIN, text);
		if (r->type) {
			table_target(&t, r->type);
			continue;
		}
		(void)snprintf(text, sizeof(text), "%s bytes",
			       text_count(n, r->size));
		table_cell(&t, INK_PLAIN, text);
	}
	if (shown == limit && shown < v->row_count)
		out_str(&cli->out, "... and more (use --all)\n");
}

static void print_total(struct out *out, const char *what,
			const struct hs_total *t)
{
	char n[TEXT_LEN], size[TEXT_LEN];
	out_printf(out, "%-9s %12s %s, %s\n", what, text_count(n, t->count),
		   text_plural(t->count, "block", "blocks"),
		   text_size(size, t->bytes));
}

static void print_text(struct cli *cli, const struct diff_view *v)
{
	char word[512];
	for (size_t i = 0; i < v->captures; i++) {
		struct hs_heap_summary s;
		hs_heap_summary(v->capture[i]->heap, &s);
		out_escaped(&cli->out,
			    target_word(v->capture[i], word, sizeof(word)));
		out_str(&cli->out, "\n");
		print_total(&cli->out, "  in use", &s.in_use);
	}
	out_str(&cli->out, "\n");
	print_total(&cli->out, "appeared", &v->appeared);
	print_total(&cli->out, "vanished", &v->vanished);
	if (v->same_process)
		print_total(&cli->out, "stayed", &v->stayed);
	else
		out_str(&cli->out, "these are different processes: their "
				   "addresses are not compared\n");
	out_str(&cli->out, "\n");
	print_rows(cli, v);
}

/* Another capture, opened as the first was, its complaints on our output. */
static int open_capture(struct cli *cli, const char *spec, struct cli *other)
{
	*other = (struct cli){ .command = cli->command,
			       .opt = cli->opt,
			       .out = cli->out,
			       .tty = cli->tty,
			       .colour = cli->colour };
	other->opt.target = spec;
	other->opt.pid = NULL;
	int code = cli_prepare(other);
	if (!code)
		code = cli_name_types(other);
	cli->out = other->out;
	return code;
}

static void close_capture(struct cli *other)
{
	hs_types_free(other->types);
	hs_heap_free(other->heap);
	hs_symbols_free(other->syms);
	hs_target_close(other->target);
}

static int compare(struct cli *cli, struct diff_view *v)
{
	bool changed;
	if (!count_captures(v))
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for the comparison");
	v->same_process =
		is_same_process(v->capture[0], v->capture[v->captures - 1]);
	compare_blocks(v);
	for (size_t i = 0; i < v->row_count; i++)
		find_slope(&v->row[i], v->captures);
	qsort(v->row, v->row_count, sizeof(*v->row), by_growth);
	changed = v->appeared.count || v->vanished.count;
	if (cli->opt.json)
		out_json_diff(cli, v);
	else
		print_text(cli, v);
	for (size_t i = 0; i < v->captures; i++) {
		int code = cli_answered(v->capture[i]);
		if (code)
			return code;
	}
	return changed ? EXIT_FOUND : EXIT_ANSWERED;
}

int cmd_diff(struct cli *cli)
{
	size_t n = (size_t)cli->opt.arg_count;
	struct cli *others = calloc(n + 1, sizeof(*others));
	struct diff_view v = { .captures = n + 1 };
	v.capture = calloc(n + 1, sizeof(struct cli *));
	int code = EXIT_ANSWERED;
	if (!others || !v.capture)
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory");
	if (!code)
		code = cli_name_types(cli);
	for (size_t i = 0; i < n && !code; i++) {
		code = open_capture(cli, cli->opt.args[i], &others[i]);
		v.capture[i + 1] = &others[i];
	}
	if (!code) {
		v.capture[0] = cli;
		code = compare(cli, &v);
	}
	for (size_t i = 0; i < v.row_count; i++)
		free(v.row[i].count); /* its bytes are behind it */
	for (size_t i = 0; others && i < n; i++)
		close_capture(&others[i]);
	free(v.row);
	free(v.slot);
	free(v.capture);
	free(others);
	return code;
}
