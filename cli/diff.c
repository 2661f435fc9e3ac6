/* SPDX-License-Identifier: MIT */
#include "cli/diff.h"

#include <stdlib.h>
#include <string.h>

const char *diff_trend_name(enum diff_trend trend)
{
	static const char *const words[] = {
#define X(id, word) [DIFF_##id] = (word),
		DIFF_TRENDS(X)
#undef X
	};
	return words[trend];
}

static bool series_init(struct diff_series *s, size_t captures)
{
	s->count = calloc(2 * captures, sizeof(*s->count));
	s->bytes = s->count ? s->count + captures : NULL;
	return s->count;
}

/* One for each class, in the same order. */
static bool make_rows(struct diff_view *v)
{
	if (v->fold.count > v->row_capacity) {
		void *bigger =
			realloc(v->row, v->fold.capacity * sizeof(*v->row));
		if (!bigger)
			return false;
		v->row = bigger;
		v->row_capacity = v->fold.capacity;
	}
	for (; v->row_count < v->fold.count; v->row_count++) {
		struct diff_row *r = &v->row[v->row_count];
		*r = (struct diff_row){ .class = (uint32_t)v->row_count,
					.sample = HS_NO_ADDR };
		if (!series_init(&r->is, v->captures))
			return false;
	}
	return true;
}

struct counting {
	struct diff_view *view;
	size_t capture;
	const uint32_t *row_of;
};

static bool count_chunk(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct counting *n = arg;
	if (n->row_of[i] == FOLD_NONE)
		return true;
	struct diff_series *row = &n->view->row[n->row_of[i]].is;
	struct diff_series *all = &n->view->all;
	row->count[n->capture]++;
	row->bytes[n->capture] += c->usable;
	all->count[n->capture]++;
	all->bytes[n->capture] += c->usable;
	return true;
}

static int no_memory(struct cli *cli)
{
	return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
			"no memory for the comparison");
}

/* What types and owners cost is given back as soon as they are counted: a
 * series may be long. */
static int count_capture(struct cli *cli, struct diff_view *v, size_t i)
{
	struct cli *capture = v->capture[i];
	size_t chunks = hs_heap_chunk_count(capture->heap);
	uint32_t *row_of = malloc((chunks + 1) * sizeof(*row_of));
	struct counting n = { v, i, row_of };
	if (!row_of)
		return no_memory(cli);
	int code = fold_heap(&v->fold, capture, row_of);
	/* The command's own may be asked for again. */
	if (capture != cli) {
		hs_graph_free(capture->graph);
		capture->graph = NULL;
		hs_types_free(capture->types);
		capture->types = NULL;
	}
	if (!code && !make_rows(v))
		code = no_memory(cli);
	if (!code) {
		hs_heap_each(capture->heap, count_chunk, &n);
		free(v->row_of);
		v->row_of = row_of;
		return EXIT_ANSWERED;
	}
	free(row_of);
	return code;
}

/* The next block in use from chunk *AT on; SIZE_MAX: there is none. */
static size_t next_block(const struct cli *cli, size_t *at,
			 struct hs_chunk_info *ret)
{
	size_t count = hs_heap_chunk_count(cli->heap);
	while (*at < count) {
		hs_heap_chunk(cli->heap, (*at)++, ret);
		if (fold_in_use(ret))
			return *at - 1;
	}
	return SIZE_MAX;
}

static void add(struct hs_total *total, const struct hs_chunk_info *c)
{
	total->count++;
	total->bytes += c->usable;
	total->chunk_bytes += c->size;
}

static void appear(struct diff_view *v, size_t chunk,
		   const struct hs_chunk_info *c)
{
	struct diff_row *r = &v->row[v->row_of[chunk]];
	add(&v->appeared, c);
	if (r->sample == HS_NO_ADDR)
		r->sample = c->user;
}

/* A block that is at the same place with the same size stayed. One that was
 * given back and taken anew in between looks the same. */
static void compare_blocks(struct diff_view *v)
{
	const struct cli *a = v->capture[0], *b = v->capture[v->captures - 1];
	struct hs_chunk_info x, y;
	size_t i = 0, k = 0;
	size_t was = next_block(a, &i, &x), is = next_block(b, &k, &y);
	while (was != SIZE_MAX || is != SIZE_MAX) {
		bool left =
			was != SIZE_MAX && (is == SIZE_MAX || x.user <= y.user);
		bool right =
			is != SIZE_MAX && (was == SIZE_MAX || y.user <= x.user);
		if (left && right && x.usable == y.usable) {
			add(&v->stayed, &y);
		} else {
			if (left)
				add(&v->vanished, &x);
			if (right)
				appear(v, is, &y);
		}
		if (left)
			was = next_block(a, &i, &x);
		if (right)
			is = next_block(b, &k, &y);
	}
}

/* A row that nothing appeared in has a sample all the same. */
static void find_samples(struct diff_view *v)
{
	const struct cli *last = v->capture[v->captures - 1];
	struct hs_chunk_info c;
	size_t at = 0, i;
	while ((i = next_block(last, &at, &c)) != SIZE_MAX) {
		struct diff_row *r = &v->row[v->row_of[i]];
		if (r->sample == HS_NO_ADDR)
			r->sample = c.user;
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

/* Growth of the later half of the steps under half that of the first. */
static bool is_slowing(const uint64_t *bytes, size_t n)
{
	size_t half = (n - 1) / 2;
	return n >= 4 && bytes[n - 1] - bytes[n - 1 - half] <
				 (bytes[half] - bytes[0]) / 2;
}

static void judge(struct diff_series *s, size_t n)
{
	double mean_x = (double)(n - 1) / 2, mean_y = 0, up = 0, down = 0;
	size_t rises = 0, falls = 0;
	for (size_t i = 0; i < n; i++)
		mean_y += (double)s->bytes[i] / (double)n;
	for (size_t i = 0; i < n; i++) {
		double x = (double)i - mean_x;
		up += x * ((double)s->bytes[i] - mean_y);
		down += x * x;
		rises += i && s->bytes[i] > s->bytes[i - 1];
		falls += i && s->bytes[i] < s->bytes[i - 1];
	}
	s->slope = up / down;
	if (!rises && !falls)
		s->trend = DIFF_SAME;
	else if (rises == n - 1)
		s->trend =
			is_slowing(s->bytes, n) ? DIFF_SLOWING : DIFF_GROWING;
	else if (falls == n - 1)
		s->trend = DIFF_SHRINKING;
	else
		s->trend = falls ? DIFF_UNEVEN : DIFF_RISING;
	s->confidence =
		s->trend == DIFF_UNEVEN || s->trend == DIFF_RISING || n < 4
			? HS_CONFIDENCE_LOW
		: n < 6 ? HS_CONFIDENCE_MEDIUM
			: HS_CONFIDENCE_HIGH;
}

/* What grew in every step stands before what merely is larger now. */
static int by_growth(const void *a, const void *b, void *arg)
{
	const struct diff_row *x = a, *y = b;
	const struct diff_view *v = arg;
	if (v->captures > 2) {
		bool grew = x->is.trend == DIFF_GROWING ||
			    x->is.trend == DIFF_SLOWING;
		bool other = y->is.trend == DIFF_GROWING ||
			     y->is.trend == DIFF_SLOWING;
		if (grew != other)
			return grew ? -1 : 1;
	}
	if (x->is.slope != y->is.slope)
		return x->is.slope > y->is.slope ? -1 : 1;
	const struct fold_class *m = &v->fold.class[x->class];
	const struct fold_class *n = &v->fold.class[y->class];
	if ((m->name == FOLD_SIZES) != (n->name == FOLD_SIZES))
		return n->name == FOLD_SIZES ? -1 : 1;
	if (m->name != FOLD_SIZES)
		return strcmp(v->fold.names.text[m->name],
			      v->fold.names.text[n->name]);
	return m->low < n->low ? -1 : m->low > n->low;
}

/* A string of a target that is about to be closed. */
static bool keep_text(struct diff_view *v, const char **text)
{
	if (!*text)
		return true;
	char *copy = strdup(*text);
	if (copy)
		v->text[v->text_count++] = copy;
	*text = copy;
	return copy;
}

/* A series may be long, and each capture as large as a process. */
static bool close_early(struct diff_view *v, struct cli *capture)
{
	bool ok = keep_text(v, &capture->info.path) &&
		  keep_text(v, &capture->info.executable) &&
		  keep_text(v, &capture->info.command_line);
	diff_close_capture(capture);
	return ok;
}

void diff_close_capture(struct cli *capture)
{
	hs_graph_free(capture->graph);
	hs_types_free(capture->types);
	hs_heap_free(capture->heap);
	hs_symbols_free(capture->syms);
	hs_target_close(capture->target);
	capture->graph = NULL;
	capture->types = NULL;
	capture->heap = NULL;
	capture->syms = NULL;
	capture->target = NULL;
}

/* Not EXIT_ANSWERED: it was reported. */
static int look_into(struct cli *cli, struct cli *capture)
{
	if (capture->heap)
		return EXIT_ANSWERED;
	capture->out = cli->out;
	int code = cli_scan(capture);
	cli->out = capture->out;
	if (!code)
		cli_note_problems(capture);
	return code;
}

/* The first and the last are compared block by block; the others are closed
 * as soon as they are counted. */
static int look_at_all(struct cli *cli, struct diff_view *v)
{
	size_t last = v->captures - 1;
	int code = look_into(cli, v->capture[0]);
	if (!code)
		code = look_into(cli, v->capture[last]);
	if (code)
		return code;
	v->same_process = is_same_process(v->capture[0], v->capture[last]);
	v->fold.with_tid = v->same_process;
	for (size_t i = 0; i <= last && !code; i++) {
		code = look_into(cli, v->capture[i]);
		if (!code)
			code = count_capture(cli, v, i);
		if (code)
			return code;
		v->incomplete |= cli_answered(v->capture[i]) != EXIT_ANSWERED;
		if (i && i < last && !close_early(v, v->capture[i]))
			code = no_memory(cli);
	}
	return code;
}

int diff_compare(struct cli *cli, struct diff_view *v)
{
	v->text = calloc(3 * v->captures, sizeof(*v->text));
	if (!v->text || !series_init(&v->all, v->captures))
		return no_memory(cli);
	int code = look_at_all(cli, v);
	if (code)
		return code;
	if (v->same_process)
		compare_blocks(v);
	find_samples(v);
	judge(&v->all, v->captures);
	for (size_t i = 0; i < v->row_count; i++)
		judge(&v->row[i].is, v->captures);
	if (v->row_count > 1)
		qsort_r(v->row, v->row_count, sizeof(*v->row), by_growth, v);
	return EXIT_ANSWERED;
}

void diff_release(struct diff_view *v)
{
	for (size_t i = 0; i < v->row_count; i++)
		free(v->row[i].is.count); /* its bytes are behind it */
	for (size_t i = 0; i < v->text_count; i++)
		free(v->text[i]);
	free(v->text);
	free(v->all.count);
	free(v->row);
	free(v->row_of);
	fold_release(&v->fold);
}

static bool series_changed(const struct diff_series *s, size_t n)
{
	return s->trend != DIFF_SAME || s->count[0] != s->count[n - 1];
}

bool diff_changed(const struct diff_view *v)
{
	if (v->same_process)
		return v->appeared.count || v->vanished.count;
	for (size_t i = 0; i < v->row_count; i++)
		if (series_changed(&v->row[i].is, v->captures))
			return true;
	return false;
}
