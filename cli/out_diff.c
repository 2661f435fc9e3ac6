/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/diff.h"
#include "cli/out_evidence.h"
#include "cli/out_text.h"

static const char *signed_size(char buf[TEXT_LEN + 1], uint64_t before,
			       uint64_t after)
{
	char text[TEXT_LEN];
	(void)snprintf(buf, TEXT_LEN + 1, "%s%s",
		       after > before   ? "+"
		       : after < before ? "-"
					: "",
		       text_size(text, after > before ? after - before
						      : before - after));
	return buf;
}

/* What changed most in the direction in which the whole did. */
static const struct diff_row *main_row(const struct diff_view *v)
{
	const struct diff_row *best = NULL;
	size_t last = v->captures - 1;
	bool shrank = v->all.bytes[last] < v->all.bytes[0];
	uint64_t most = 0;
	for (size_t i = 0; i < v->row_count; i++) {
		const uint64_t *b = v->row[i].is.bytes;
		uint64_t was = shrank ? b[last] : b[0];
		uint64_t is = shrank ? b[0] : b[last];
		if (is > was && is - was > most) {
			most = is - was;
			best = &v->row[i];
		}
	}
	return best;
}

static void print_main_row(struct out *out, const struct diff_view *v)
{
	const struct diff_row *r = main_row(v);
	char name[FOLD_TEXT], size[TEXT_LEN + 1];
	if (r) {
		out_str(out, "; most of it: ");
		out_escaped(out, fold_text(&v->fold, r->class, name));
		out_printf(out, ", %s",
			   signed_size(size, r->is.bytes[0],
				       r->is.bytes[v->captures - 1]));
	}
	out_str(out, "\n");
}

static void print_name(struct out *out, const struct cli *capture)
{
	char word[512];
	out_escaped(out, target_word(capture, word, sizeof(word)));
}

/* "b holds 4.2 MiB more than a in 13,400 more blocks". */
static void print_difference(struct out *out, const struct diff_view *v)
{
	size_t last = v->captures - 1;
	uint64_t x = v->all.bytes[0], y = v->all.bytes[last];
	uint64_t m = v->all.count[0], n = v->all.count[last];
	char text[TEXT_LEN];
	print_name(out, v->capture[last]);
	if (x == y)
		out_str(out, " holds as many bytes as ");
	else
		out_printf(out, " holds %s %s than ",
			   text_size(text, y > x ? y - x : x - y),
			   y > x ? "more" : "less");
	print_name(out, v->capture[0]);
	if (m == n)
		out_str(out, " in as many blocks");
	else
		out_printf(
			out, " in %s %s %s",
			text_count(text, n > m ? n - m : m - n),
			n > m ? "more" : "fewer",
			text_plural(n > m ? n - m : m - n, "block", "blocks"));
	print_main_row(out, v);
}

static void print_verdict(struct out *out, const struct diff_view *v)
{
	static const char *const sayings[] = {
		[DIFF_SAME] = "the bytes in use stay the same",
		[DIFF_GROWING] = "growing in every step",
		[DIFF_SLOWING] = ("growing in every step, but less and less, "
				  "as a cache that fills"),
		[DIFF_RISING] = "growing, though not in every step",
		[DIFF_UNEVEN] = "up and down",
		[DIFF_SHRINKING] = "shrinking in every step",
	};
	char n[TEXT_LEN], size[TEXT_LEN];
	const struct diff_series *s = &v->all;
	double slope = s->slope < 0 ? -s->slope : s->slope;
	out_printf(out, "%s: %s%s a step over %s captures (confidence %s)",
		   sayings[s->trend], s->slope < 0 ? "-" : "+",
		   text_size(size, (uint64_t)slope), text_count(n, v->captures),
		   hs_confidence_name(s->confidence));
	print_main_row(out, v);
}

static void print_total(struct out *out, const char *what,
			const struct hs_total *t)
{
	char n[TEXT_LEN], size[TEXT_LEN];
	out_printf(out, "%-9s %13s %s %11s\n", what, text_count(n, t->count),
		   t->count == 1 ? "block, " : "blocks,",
		   text_size(size, t->bytes));
}

static void print_captures(struct cli *cli, const struct diff_view *v)
{
	static const struct column columns[] = {
		{ "blocks in use", 13 },
		{ "bytes", 16 },
		{ "change", 12 },
		{ "capture", -7 },
	};
	struct table t;
	char text[TEXT_LEN + 1], word[512];
	table_begin(&t, &cli->out, cli->colour, columns, 4);
	for (size_t i = 0; i < v->captures; i++) {
		table_count(&t, v->all.count[i]);
		table_count(&t, v->all.bytes[i]);
		table_cell(&t, INK_PLAIN,
			   i ? signed_size(text, v->all.bytes[i - 1],
					   v->all.bytes[i])
			     : "");
		table_target(&t,
			     target_word(v->capture[i], word, sizeof(word)));
	}
	out_str(&cli->out, "\n");
	if (!v->same_process) {
		out_str(&cli->out, "these are different processes: their "
				   "addresses are not compared\n\n");
		return;
	}
	print_total(&cli->out, "appeared", &v->appeared);
	print_total(&cli->out, "vanished", &v->vanished);
	print_total(&cli->out, "stayed", &v->stayed);
	out_str(&cli->out, "\n");
}

static void cell_change(struct table *t, uint64_t before, uint64_t after)
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

static void print_row(struct table *t, const struct diff_view *v,
		      const struct diff_row *r)
{
	size_t last = v->captures - 1;
	char text[TEXT_LEN + 8], name[FOLD_TEXT], n[TEXT_LEN];
	table_count(t, r->is.count[last]);
	cell_change(t, r->is.count[0], r->is.count[last]);
	table_count(t, r->is.bytes[last]);
	cell_change(t, r->is.bytes[0], r->is.bytes[last]);
	if (v->captures > 2) {
		double slope = r->is.slope < 0 ? -r->is.slope : r->is.slope;
		(void)snprintf(text, sizeof(text), "%s%s",
			       r->is.slope < 0 ? "-" : "+",
			       text_count(n, (uint64_t)(slope + 0.5)));
		table_cell(t, INK_PLAIN, text);
		table_cell(t, INK_PLAIN, diff_trend_name(r->is.trend));
	}
	table_addr(t, r->sample);
	table_name(t, fold_text(&v->fold, r->class, name));
}

static bool row_changed(const struct diff_view *v, const struct diff_row *r)
{
	return r->is.trend != DIFF_SAME ||
	       r->is.count[0] != r->is.count[v->captures - 1];
}

static void print_rows(struct cli *cli, const struct diff_view *v)
{
	static const char *const whats[] = {
		[FOLD_TYPE] = "type, or size where there is none",
		[FOLD_SIZE] = "size",
		[FOLD_OWNER] = "owner",
	};
	struct column columns[] = {
		{ "blocks", 11 },     { "change", 12 },
		{ "bytes", 14 },      { "change", 14 },
		{ "a step", 12 },     { "trend", -9 },
		{ "an example", 14 }, { whats[v->fold.by], -8 },
	};
	struct table t;
	size_t limit = cli_row_limit(cli), shown = 0, changed = 0;
	if (cli->opt.top && cli->opt.top < limit)
		limit = (size_t)cli->opt.top;
	for (size_t i = 0; i < v->row_count; i++)
		changed += row_changed(v, &v->row[i]);
	if (!changed)
		return;
	if (v->captures == 2) {
		columns[4] = columns[6];
		columns[5] = columns[7];
	}
	table_begin(&t, &cli->out, cli->colour, columns,
		    v->captures == 2 ? 6 : 8);
	for (size_t i = 0; i < v->row_count && shown < limit; i++) {
		if (!row_changed(v, &v->row[i]))
			continue;
		print_row(&t, v, &v->row[i]);
		shown++;
	}
	cli_announce_rest(cli, shown, changed);
}

/* Who holds a block of what grew most; then the same by owner. */
static void print_next(struct cli *cli, const struct diff_view *v)
{
	struct out *out = &cli->out;
	const struct cli *last = v->capture[v->captures - 1];
	const struct diff_row *r = main_row(v);
	if (!r || r->sample == HS_NO_ADDR)
		return;
	out_str(out, "\nnext: heapscan why ");
	out_target(out, last);
	out_printf(out, " 0x%" PRIx64 "   who holds one of them\n", r->sample);
	if (v->fold.by == FOLD_OWNER)
		return;
	out_str(out, "      heapscan diff --by owner");
	for (size_t i = 0; i < v->captures; i++) {
		out_str(out, " ");
		print_name(out, v->capture[i]);
	}
	out_str(out, "\n");
}

void out_diff(struct cli *cli, const struct diff_view *v)
{
	if (v->captures == 2)
		print_difference(&cli->out, v);
	else
		print_verdict(&cli->out, v);
	out_str(&cli->out, "\n");
	print_captures(cli, v);
	print_rows(cli, v);
	print_next(cli, v);
}
