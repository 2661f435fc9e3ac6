/* SPDX-License-Identifier: MIT */
#include "cli/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out_text.h"

/* Sizes up to this stand for themselves, as programs' objects have them; the
 * larger ones are four classes for each power of two. */
#define EXACT_SIZES 1024u
/* What pair_map tells apart: names and classes of sizes. */
#define KEY_NAME 0u
#define KEY_SIZE 1u

const char *diff_trend_name(enum diff_trend trend)
{
	static const char *const words[] = {
#define X(id, word) [DIFF_##id] = (word),
		DIFF_TRENDS(X)
#undef X
	};
	return words[trend];
}

static bool in_use(const struct hs_chunk_info *c)
{
	return c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED;
}

static bool series_init(struct diff_series *s, size_t captures)
{
	s->count = calloc(2 * captures, sizeof(*s->count));
	s->bytes = s->count ? s->count + captures : NULL;
	return s->count;
}

/* The row of a key, made when it is new; DIFF_NO_ROW: no memory. */
static uint32_t row_of_key(struct diff_view *v, uint32_t kind, uint32_t key)
{
	uint32_t at = pair_map_get(&v->keys, kind, key);
	if (at == PAIR_FAILED)
		return DIFF_NO_ROW;
	if (at < v->row_count)
		return at;
	if (v->row_count == v->row_capacity) {
		size_t wanted = v->row_capacity ? 2 * v->row_capacity : 256;
		void *bigger = realloc(v->row, wanted * sizeof(*v->row));
		if (!bigger)
			return DIFF_NO_ROW;
		v->row = bigger;
		v->row_capacity = wanted;
	}
	struct diff_row *r = &v->row[v->row_count];
	*r = (struct diff_row){ .name = kind == KEY_NAME ? key : DIFF_SIZES,
				.low = UINT64_MAX,
				.sample = HS_NO_ADDR };
	if (!series_init(&r->is, v->captures))
		return DIFF_NO_ROW;
	v->row_count++;
	return at;
}

static uint32_t size_class(uint64_t size)
{
	if (size <= EXACT_SIZES)
		return (uint32_t)size;
	unsigned log = 63u - (unsigned)__builtin_clzll(size);
	return EXACT_SIZES + 4 * log + (unsigned)(size >> (log - 2) & 3);
}

struct counting {
	struct diff_view *view;
	size_t capture;
	uint32_t *row_of_type; /* by the capture's type; NULL: by size */
	uint32_t *row_of;      /* by chunk: by owner the name's number before */
	bool failed;
};

static uint32_t row_of_chunk(struct counting *n, size_t i,
			     const struct hs_chunk_info *c)
{
	struct diff_view *v = n->view;
	if (v->by == FOLD_OWNER)
		return row_of_key(v, KEY_NAME, n->row_of[i]);
	size_t type = SIZE_MAX;
	if (n->row_of_type)
		type = hs_types_of(v->capture[n->capture]->types, i);
	if (type != SIZE_MAX)
		return n->row_of_type[type];
	return row_of_key(v, KEY_SIZE, size_class(c->usable));
}

static bool count_chunk(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct counting *n = arg;
	struct diff_view *v = n->view;
	if (!in_use(c)) {
		n->row_of[i] = DIFF_NO_ROW;
		return true;
	}
	uint32_t at = row_of_chunk(n, i, c);
	n->row_of[i] = at;
	n->failed = at == DIFF_NO_ROW;
	if (n->failed)
		return false;
	struct diff_row *r = &v->row[at];
	if (c->usable < r->low)
		r->low = c->usable;
	if (c->usable > r->high)
		r->high = c->usable;
	r->is.count[n->capture]++;
	r->is.bytes[n->capture] += c->usable;
	v->all.count[n->capture]++;
	v->all.bytes[n->capture] += c->usable;
	return true;
}

/* Types of this capture that earlier ones had are the same rows. */
static bool match_types(struct counting *n)
{
	struct diff_view *v = n->view;
	const struct hs_types *types = v->capture[n->capture]->types;
	size_t count = hs_types_count(types);
	n->row_of_type = calloc(count + 1, sizeof(*n->row_of_type));
	for (size_t t = 0; n->row_of_type && t < count; t++) {
		struct hs_type_info info;
		hs_types_info(types, t, &info);
		uint32_t name = intern_get(&v->names, info.name);
		if (name == INTERN_FAILED)
			return false;
		n->row_of_type[t] = row_of_key(v, KEY_NAME, name);
		if (n->row_of_type[t] == DIFF_NO_ROW)
			return false;
	}
	return n->row_of_type;
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
	struct counting n = { .view = v, .capture = i };
	size_t chunks = hs_heap_chunk_count(capture->heap);
	int code = EXIT_ANSWERED;
	n.row_of = malloc((chunks + 1) * sizeof(*n.row_of));
	if (!n.row_of)
		return no_memory(cli);
	if (v->by == FOLD_OWNER)
		code = diff_owners(capture, v->same_process, &v->names,
				   n.row_of);
	else if (v->by == FOLD_TYPE)
		code = cli_name_types(capture);
	if (!code && v->by == FOLD_TYPE)
		n.failed = !match_types(&n);
	if (!code && !n.failed)
		hs_heap_each(capture->heap, count_chunk, &n);
	free(n.row_of_type);
	hs_graph_free(capture->graph);
	capture->graph = NULL;
	hs_types_free(capture->types);
	capture->types = NULL;
	if (!code && !n.failed && i + 1 == v->captures)
		v->row_of = n.row_of;
	else
		free(n.row_of);
	return !code && n.failed ? no_memory(cli) : code;
}

/* The next block in use from chunk *AT on; SIZE_MAX: there is none. */
static size_t next_block(const struct cli *cli, size_t *at,
			 struct hs_chunk_info *ret)
{
	size_t count = hs_heap_chunk_count(cli->heap);
	while (*at < count) {
		hs_heap_chunk(cli->heap, (*at)++, ret);
		if (in_use(ret))
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
	if ((x->name == DIFF_SIZES) != (y->name == DIFF_SIZES))
		return y->name == DIFF_SIZES ? -1 : 1;
	if (x->name != DIFF_SIZES)
		return strcmp(v->names.text[x->name], v->names.text[y->name]);
	return x->low < y->low ? -1 : x->low > y->low;
}

int diff_compare(struct cli *cli, struct diff_view *v)
{
	int code = EXIT_ANSWERED;
	v->same_process =
		is_same_process(v->capture[0], v->capture[v->captures - 1]);
	if (!series_init(&v->all, v->captures))
		return no_memory(cli);
	for (size_t i = 0; i < v->captures && !code; i++)
		code = count_capture(cli, v, i);
	if (code)
		return code;
	if (v->same_process)
		compare_blocks(v);
	find_samples(v);
	judge(&v->all, v->captures);
	for (size_t i = 0; i < v->row_count; i++)
		judge(&v->row[i].is, v->captures);
	qsort_r(v->row, v->row_count, sizeof(*v->row), by_growth, v);
	return EXIT_ANSWERED;
}

void diff_release(struct diff_view *v)
{
	for (size_t i = 0; i < v->row_count; i++)
		free(v->row[i].is.count); /* its bytes are behind it */
	free(v->all.count);
	free(v->row);
	free(v->row_of);
	intern_release(&v->names);
	pair_map_release(&v->keys);
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

const char *diff_row_name(const struct diff_view *v, const struct diff_row *row,
			  char buf[DIFF_NAME])
{
	char low[TEXT_LEN], high[TEXT_LEN];
	if (row->name != DIFF_SIZES)
		return v->names.text[row->name];
	(void)text_count(low, row->low);
	if (row->low == row->high)
		(void)snprintf(buf, DIFF_NAME, "%s-byte blocks", low);
	else
		(void)snprintf(buf, DIFF_NAME, "blocks of %s to %s bytes", low,
			       text_count(high, row->high));
	return buf;
}
