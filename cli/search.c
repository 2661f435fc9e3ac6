/* SPDX-License-Identifier: MIT */
#include "cli/search.h"

#include <ctype.h>
#include <errno.h>
#include <heapscan/crew.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "cli/search_scan.h"

/* Hits kept: who has more was too vague, and is told so. */
#define MAX_HITS 1000000u
/* Memory is searched in pieces of so many bytes; in larger ones, where there
 * would be more than this many. */
#define PIECE (UINT64_C(4) << 20)
#define MAX_PIECES 65536u

/* What one thread found in one piece, to be put together in order. */
struct part {
	hs_addr start, end;
	/* What begins in the piece may end behind it, but in the mapping. */
	hs_addr map_start, map_end;
	struct search_hit *hit;
	size_t count, capacity;
	uint64_t searched, gave_up;
	atomic_bool done; /* the rest is complete */
};

/* One thread's own. */
struct searcher {
	struct search_regex_worker *regex; /* owned; NULL: there is none */
	/* Of the parts before FIRST it is known that they are done, and hold
	 * this many hits. */
	size_t first;
	uint64_t hits;
};

struct search {
	struct cli *cli;
	struct search_view *view;
	struct search_pattern pattern;
	bool zeroes; /* can be a hit */
	struct part *part;
	size_t part_count;
	struct searcher *worker; /* by number */
	unsigned workers;
};

struct finder {
	const struct search *s;
	struct part *part;
	bool failed; /* no memory */
};

static bool add_hit(void *arg, hs_addr addr, uint64_t len)
{
	struct finder *f = arg;
	struct part *p = f->part;
	const struct cli *cli = f->s->cli;
	size_t chunk = SIZE_MAX;
	if (!cli->heap || !hs_heap_find(cli->heap, addr, &chunk))
		chunk = SIZE_MAX;
	if (chunk == SIZE_MAX && !cli->opt.everywhere)
		return true;
	if (p->count > MAX_HITS)
		return false;
	if (p->count == p->capacity) {
		size_t wanted = p->capacity ? 2 * p->capacity : 16;
		void *bigger = realloc(p->hit, wanted * sizeof(*p->hit));
		f->failed = !bigger;
		if (!bigger)
			return false;
		p->hit = bigger;
		p->capacity = wanted;
	}
	p->hit[p->count++] = (struct search_hit){ addr, len, chunk };
	return true;
}

/* Do the parts before this one hold more than is kept? Then it must not be
 * searched: a zero byte is in every place. */
static bool is_enough(const struct search *s, struct searcher *me)
{
	while (me->first < s->part_count && me->hits <= MAX_HITS &&
	       atomic_load_explicit(&s->part[me->first].done,
				    memory_order_acquire))
		me->hits += s->part[me->first++].count;
	return me->hits > MAX_HITS;
}

/*
 * PIECE ends where the dump has the next bytes somewhere else. Look for what
 * begins in the one and ends in the other. *IN_TEXT: the run of text that goes
 * on behind was looked through. False: enough, or no memory.
 */
static bool find_across(struct finder *f, struct searcher *me,
			const struct search_piece *piece, bool *in_text)
{
	const struct search *s = f->s;
	struct part *p = f->part;
	hs_addr end = piece->at + piece->len;
	const uint8_t *next;
	uint64_t len;
	*in_text = false;
	size_t before = search_unfinished(&s->pattern, piece);
	if (!before || end >= p->map_end ||
	    hs_target_view(s->cli->target, end, &next, &len, NULL))
		return true;
	if (len > p->map_end - end)
		len = p->map_end - end;
	size_t behind = search_continued(&s->pattern, next, (size_t)len);
	if (!behind)
		return true;
	uint8_t *both = malloc(before + behind);
	f->failed = !both;
	if (!both)
		return false;
	memcpy(both, piece->bytes + piece->len - before, before);
	memcpy(both + before, next, behind);
	struct search_piece seam = {
		.at = end - before,
		.bytes = both,
		.own = before,
		.len = before + behind,
	};
	*in_text = s->pattern.kind == SEARCH_REGEX;
	/* Matches in half of a run may be others in all of it. */
	while (*in_text && p->count && p->hit[p->count - 1].addr >= seam.at)
		p->count--;
	bool more = search_scan(&s->pattern, me->regex, &seam, add_hit, f,
				&p->gave_up);
	free(both);
	return more;
}

/* Is the byte before AT, which the dump has somewhere else, text that was
 * looked through together with what is here? */
static bool goes_on(const struct search *s, const struct part *p, hs_addr at)
{
	const uint8_t *before, *here;
	uint64_t len, behind;
	return s->pattern.kind == SEARCH_REGEX && at != p->map_start &&
	       !hs_target_view(s->cli->target, at - 1, &before, &behind,
			       NULL) &&
	       behind == 1 && search_is_text(before, 1) &&
	       !hs_target_view(s->cli->target, at, &here, &len, NULL) &&
	       search_is_text(here, 1);
}

static enum hs_status find_in_part(void *arg, unsigned worker, size_t i,
				   struct hs_error *err)
{
	struct search *s = arg;
	const struct hs_target *target = s->cli->target;
	struct finder f = { .s = s, .part = &s->part[i] };
	struct part *p = f.part;
	hs_addr at = p->start;
	struct searcher *me = &s->worker[worker];
	bool more = !is_enough(s, me), in_text = goes_on(s, p, at);
	while (more && (at = hs_target_next(target, at, s->zeroes)) < p->end) {
		struct search_piece piece = { .at = at };
		const uint8_t *before;
		uint64_t len, behind;
		if (hs_target_view(target, at, &piece.bytes, &len, NULL)) {
			at = (at | 4095) + 1; /* page by page, until some */
			in_text = false;
			if (!at)
				break;
			continue;
		}
		if (len > p->map_end - at)
			len = p->map_end - at;
		piece.len = (size_t)len;
		piece.own =
			len < p->end - at ? piece.len : (size_t)(p->end - at);
		piece.inside = at == p->start && at &&
			       !hs_target_view(target, at - 1, &before, &behind,
					       NULL) &&
			       behind > 1;
		piece.in_text = in_text;
		in_text = false;
		p->searched += piece.own;
		more = search_scan(&s->pattern, me->regex, &piece, add_hit, &f,
				   &p->gave_up);
		if (more && piece.own == piece.len)
			more = find_across(&f, me, &piece, &in_text);
		at += piece.own;
	}
	atomic_store_explicit(&p->done, true, memory_order_release);
	if (!f.failed)
		return HS_OK;
	*err = (struct hs_error){ .code = HS_ERR_NOMEM,
				  .addr = HS_NO_ADDR,
				  .text = "no memory for the hits" };
	return HS_ERR_NOMEM;
}

static bool is_searched(const struct search *s, const struct hs_map_info *map)
{
	/* No heap is in a file. */
	return map->captured &&
	       (map->kind != HS_MAP_FILE || s->cli->opt.everywhere);
}

/* Cut memory into pieces; false: no memory for them. */
static bool cut(struct search *s)
{
	uint64_t total = 0, step = PIECE;
	struct hs_map_info map;
	size_t maps = hs_target_map_count(s->cli->target), count = 0;
	for (size_t i = 0; i < maps; i++) {
		hs_target_map(s->cli->target, i, &map);
		total += is_searched(s, &map) ? map.end - map.start : 0;
	}
	while (total / step >= MAX_PIECES)
		step *= 2;
	s->part = calloc((size_t)(total / step) + maps + 1, sizeof(*s->part));
	if (!s->part)
		return false;
	for (size_t i = 0; i < maps; i++) {
		hs_target_map(s->cli->target, i, &map);
		if (!is_searched(s, &map))
			continue;
		for (hs_addr at = map.start; at < map.end;) {
			struct part *p = &s->part[count++];
			uint64_t len =
				map.end - at < step ? map.end - at : step;
			p->start = at;
			p->end = at + len;
			p->map_start = map.start;
			p->map_end = map.end;
			at += len;
		}
	}
	s->part_count = count;
	return true;
}

static bool make_workers(struct search *s)
{
	unsigned n = hs_crew_count(s->cli->opt.jobs, s->part_count);
	s->worker = calloc(n, sizeof(*s->worker));
	if (!s->worker)
		return false;
	for (; s->workers < n && s->pattern.regex; s->workers++) {
		struct searcher *w = &s->worker[s->workers];
		w->regex = search_regex_worker_new(s->pattern.regex);
		if (!w->regex)
			return false;
	}
	return true;
}

/* The hits of all parts in one list, up to as many as are kept. */
static bool put_together(struct search *s)
{
	struct search_view *v = s->view;
	size_t count = 0;
	for (size_t i = 0; i < s->part_count; i++)
		count += s->part[i].count;
	v->cut = count > MAX_HITS;
	if (v->cut)
		count = MAX_HITS;
	v->hit = malloc((count + 1) * sizeof(*v->hit));
	if (!v->hit)
		return false;
	for (size_t i = 0; i < s->part_count && (v->count < count || !v->cut);
	     i++) {
		const struct part *p = &s->part[i];
		size_t n = p->count < count - v->count ? p->count
						       : count - v->count;
		if (n)
			memcpy(v->hit + v->count, p->hit, n * sizeof(*p->hit));
		v->count += n;
		v->searched += p->searched;
		v->gave_up += p->gave_up;
	}
	for (size_t i = 0; i < v->count; i++) {
		struct hs_chunk_info c;
		if (v->hit[i].chunk == SIZE_MAX) {
			v->elsewhere++;
			continue;
		}
		hs_heap_chunk(s->cli->heap, v->hit[i].chunk, &c);
		v->in_use +=
			c.state == HS_CHUNK_USED || c.state == HS_CHUNK_MMAPPED;
	}
	return true;
}

static int bad_pattern(struct search *s, const char *why)
{
	return cli_usage(s->cli, "'%s' is no such pattern: %s",
			 s->cli->opt.args[0], why);
}

static int take_hex(struct search *s, const char *text)
{
	for (; *text; text++) {
		if (isspace((unsigned char)*text))
			continue;
		if (!isxdigit((unsigned char)text[0]) ||
		    !isxdigit((unsigned char)text[1]))
			return bad_pattern(s, "pairs of hexadecimal digits");
		char pair[3] = { text[0], text[1], 0 };
		s->pattern.bytes[s->pattern.len++] =
			(uint8_t)strtoul(pair, NULL, 16);
		text++;
	}
	return s->pattern.len ? EXIT_ANSWERED : bad_pattern(s, "it is empty");
}

static int take_integer(struct search *s, const char *text)
{
	char *end;
	errno = 0;
	bool minus = *text == '-';
	uint64_t value = minus ? (uint64_t)strtoll(text, &end, 0)
			       : strtoull(text, &end, 0);
	if (errno || end == text || *end)
		return bad_pattern(s, "a number, decimal or with 0x");
	bool small = minus ? (int64_t)value >= INT32_MIN : value <= UINT32_MAX;
	s->pattern.width = small ? 4 : 8;
	s->pattern.low = s->pattern.high = small ? (uint32_t)value : value;
	return EXIT_ANSWERED;
}

/* Pointers to an address, or to any place in the block that holds it. */
static int take_pointer(struct search *s, const char *text)
{
	hs_addr addr;
	size_t chunk;
	if (!parse_addr(text, &addr))
		return bad_pattern(s, "an address, hexadecimal");
	s->pattern.width = s->cli->info.word_size;
	s->pattern.low = s->pattern.high = addr;
	if (s->cli->heap && hs_heap_find(s->cli->heap, addr, &chunk)) {
		struct hs_chunk_info c;
		hs_heap_chunk(s->cli->heap, chunk, &c);
		s->pattern.low = c.user;
		s->pattern.high = c.user + c.usable - 1;
	}
	return EXIT_ANSWERED;
}

static int take_regex(struct search *s, const char *text)
{
	char why[128];
	s->pattern.regex = search_regex_new(text, why, sizeof(why));
	if (!s->pattern.regex)
		return bad_pattern(s, why);
	search_regex_literal(text, s->pattern.bytes, &s->pattern.len,
			     &s->pattern.fold);
	if (!search_is_text(s->pattern.bytes, s->pattern.len))
		s->pattern.len = 0; /* nothing matches, as will be seen */
	return EXIT_ANSWERED;
}

static int take_pattern(struct search *s)
{
	const char *text = s->cli->opt.args[0];
	size_t len = strlen(text);
	s->pattern.bytes = malloc(len + 1);
	if (!s->pattern.bytes)
		return cli_fail(s->cli, EXIT_INPUT,
				hs_status_name(HS_ERR_NOMEM), "no memory");
	switch (s->pattern.kind) {
	case SEARCH_HEX:
		return take_hex(s, text);
	case SEARCH_INTEGER:
		return take_integer(s, text);
	case SEARCH_POINTER:
		return take_pointer(s, text);
	case SEARCH_REGEX:
		return take_regex(s, text);
	default:
		memcpy(s->pattern.bytes, text, len);
		s->pattern.len = len;
		return len ? EXIT_ANSWERED : bad_pattern(s, "it is empty");
	}
}

static bool is_zeroes(const struct search_pattern *p)
{
	for (size_t i = 0; i < p->len; i++)
		if (p->bytes[i])
			return false;
	return p->kind == SEARCH_HEX || (p->width && p->low == 0);
}

static int find_all(struct search *s)
{
	struct hs_error err = { .code = HS_OK };
	if (cut(s) && make_workers(s)) {
		if (hs_crew_run(s->cli->opt.jobs, s->part_count, find_in_part,
				s, "searching", progress_show, NULL, &err))
			return cli_fail_error(s->cli, &err);
		if (put_together(s))
			return EXIT_ANSWERED;
	}
	return cli_fail(s->cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
			"no memory for the hits");
}

int search_find(struct cli *cli, struct search_view *view)
{
	struct search s = { .cli = cli,
			    .view = view,
			    .pattern = { .kind = cli->opt.search,
					 .big_endian = cli->info.big_endian } };
	int code = take_pattern(&s);
	if (!code) {
		search_pattern_settle(&s.pattern);
		s.zeroes = is_zeroes(&s.pattern);
		code = find_all(&s);
	}
	for (unsigned i = 0; i < s.workers; i++)
		search_regex_worker_free(s.worker[i].regex);
	free(s.worker);
	for (size_t i = 0; i < s.part_count; i++)
		free(s.part[i].hit);
	free(s.part);
	search_pattern_release(&s.pattern);
	return code;
}

void search_release(struct search_view *view)
{
	free(view->hit);
}
