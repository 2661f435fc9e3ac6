/* SPDX-License-Identifier: MIT */
#include "cli/search.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out_text.h"
#include "cli/text_map.h"

/* Hits kept: who has more was too vague, and is told so. */
#define MAX_HITS 1000000u
/* Shorter runs of text are no text; regexec() gets at most this much at once,
 * since its time can grow faster than its input. */
#define MIN_TEXT 4u
#define MAX_TEXT 65536u

struct search {
	struct cli *cli;
	struct search_view *view;
	enum search_kind kind;
	uint8_t *bytes; /* BYTES, TEXT */
	size_t len;
	uint64_t low, high; /* POINTER, INTEGER: words from LOW to HIGH */
	unsigned width;     /* of a word, bytes */
	regex_t regex;
	bool has_regex, failed;
};

/* False: enough. */
static bool add_hit(struct search *s, hs_addr addr, uint64_t len)
{
	struct search_view *v = s->view;
	size_t chunk;
	if (!s->cli->opt.everywhere &&
	    !(s->cli->heap && hs_heap_find(s->cli->heap, addr, &chunk)))
		return true;
	if (v->count == MAX_HITS) {
		v->cut = true;
		return false;
	}
	if (v->count == v->capacity) {
		size_t wanted = v->capacity ? 2 * v->capacity : 256;
		void *bigger = realloc(v->hit, wanted * sizeof(*v->hit));
		if (!bigger) {
			s->failed = true;
			return false;
		}
		v->hit = bigger;
		v->capacity = wanted;
	}
	v->hit[v->count++] = (struct search_hit){ addr, len };
	return true;
}

static bool find_bytes(struct search *s, hs_addr at, const uint8_t *bytes,
		       size_t len)
{
	const uint8_t *from = bytes, *end = bytes + len, *hit;
	while ((hit = memmem(from, (size_t)(end - from), s->bytes, s->len))) {
		if (!add_hit(s, at + (size_t)(hit - bytes), s->len))
			return false;
		from = hit + 1;
	}
	return true;
}

static bool find_words(struct search *s, hs_addr at, const uint8_t *bytes,
		       size_t len)
{
	unsigned w = s->width;
	bool big = s->cli->info.big_endian;
	size_t i = (size_t)(-at & (w - 1));
	for (; i + w <= len; i += w) {
		uint64_t value = 0;
		for (unsigned k = 0; k < w; k++)
			value = value << 8 | bytes[i + (big ? k : w - 1 - k)];
		if (value >= s->low && value <= s->high &&
		    !add_hit(s, at + i, w))
			return false;
	}
	return true;
}

static bool is_text(uint8_t c)
{
	return c >= 0x20 ? c != 0x7f : c == '\t';
}

static bool match_text(struct search *s, hs_addr at, const char *text,
		       size_t len)
{
	size_t from = 0;
	while (from < len) {
		regmatch_t m = { .rm_so = (regoff_t)from,
				 .rm_eo = (regoff_t)len };
		int flags = REG_STARTEND | (from ? REG_NOTBOL : 0);
		if (regexec(&s->regex, text, 1, &m, flags))
			return true;
		if (m.rm_eo > m.rm_so &&
		    !add_hit(s, at + (size_t)m.rm_so,
			     (uint64_t)(m.rm_eo - m.rm_so)))
			return false;
		from = (size_t)(m.rm_eo > m.rm_so ? m.rm_eo : m.rm_so + 1);
	}
	return true;
}

static bool find_regex(struct search *s, hs_addr at, const uint8_t *bytes,
		       size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = 0;
		while (i + n < len && n < MAX_TEXT && is_text(bytes[i + n]))
			n++;
		if (n >= MIN_TEXT &&
		    !match_text(s, at + i, (const char *)bytes + i, n))
			return false;
		i += n ? n : 1;
	}
	return true;
}

static bool find_in(struct search *s, hs_addr at, const uint8_t *bytes,
		    size_t len)
{
	s->view->searched += len;
	switch (s->kind) {
	case SEARCH_TEXT:
	case SEARCH_HEX:
		return find_bytes(s, at, bytes, len);
	case SEARCH_REGEX:
		return find_regex(s, at, bytes, len);
	default:
		return find_words(s, at, bytes, len);
	}
}

/* Whatever spans two pieces of a dump is found only in one of them. */
static bool find_in_map(struct search *s, const struct hs_map_info *map)
{
	hs_addr at = map->start;
	while (at < map->end) {
		const uint8_t *bytes;
		uint64_t len;
		if (hs_target_view(s->cli->target, at, &bytes, &len, NULL)) {
			at = (at | 4095) + 1; /* page by page, until some */
			if (!at)
				break;
			continue;
		}
		if (len > map->end - at)
			len = map->end - at;
		if (!find_in(s, at, bytes, (size_t)len))
			return false;
		at += len;
	}
	return true;
}

static void find_all(struct search *s)
{
	for (size_t i = 0; i < hs_target_map_count(s->cli->target); i++) {
		struct hs_map_info map;
		hs_target_map(s->cli->target, i, &map);
		/* No heap is in a file. */
		if (!map.captured ||
		    (map.kind == HS_MAP_FILE && !s->cli->opt.everywhere))
			continue;
		if (!find_in_map(s, &map))
			return;
	}
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
		s->bytes[s->len++] = (uint8_t)strtoul(pair, NULL, 16);
		text++;
	}
	return s->len ? EXIT_ANSWERED : bad_pattern(s, "it is empty");
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
	s->width = small ? 4 : 8;
	s->low = s->high = small ? (uint32_t)value : value;
	return EXIT_ANSWERED;
}

/* Pointers to an address, or to any place in the block that holds it. */
static int take_pointer(struct search *s, const char *text)
{
	hs_addr addr;
	size_t chunk;
	if (!parse_addr(text, &addr))
		return bad_pattern(s, "an address, hexadecimal");
	s->width = s->cli->info.word_size;
	s->low = s->high = addr;
	if (s->cli->heap && hs_heap_find(s->cli->heap, addr, &chunk)) {
		struct hs_chunk_info c;
		hs_heap_chunk(s->cli->heap, chunk, &c);
		s->low = c.user;
		s->high = c.user + c.usable - 1;
	}
	return EXIT_ANSWERED;
}

static int take_regex(struct search *s, const char *text)
{
	char why[128];
	int code = regcomp(&s->regex, text, REG_EXTENDED);
	if (code) {
		(void)regerror(code, &s->regex, why, sizeof(why));
		return bad_pattern(s, why);
	}
	s->has_regex = true;
	return EXIT_ANSWERED;
}

static int take_pattern(struct search *s)
{
	const char *text = s->cli->opt.args[0];
	size_t len = strlen(text);
	s->bytes = malloc(len + 1);
	if (!s->bytes)
		return cli_fail(s->cli, EXIT_INPUT,
				hs_status_name(HS_ERR_NOMEM), "no memory");
	switch (s->kind) {
	case SEARCH_HEX:
		return take_hex(s, text);
	case SEARCH_INTEGER:
		return take_integer(s, text);
	case SEARCH_POINTER:
		return take_pointer(s, text);
	case SEARCH_REGEX:
		return take_regex(s, text);
	default:
		memcpy(s->bytes, text, len);
		s->len = len;
		return len ? EXIT_ANSWERED : bad_pattern(s, "it is empty");
	}
}

static void print_hit(struct cli *cli, const struct search_hit *hit)
{
	struct out *out = &cli->out;
	struct hs_chunk_info c;
	struct hs_symbol_info symbol;
	struct hs_map_info map;
	char n[TEXT_LEN];
	size_t i;
	out_printf(out, "0x%" PRIx64 "  ", hit->addr);
	if (cli->heap && hs_heap_find(cli->heap, hit->addr, &i)) {
		hs_heap_chunk(cli->heap, i, &c);
		out_printf(out,
			   "+%" PRId64 " in the %s block 0x%" PRIx64
			   " of %s bytes\n",
			   (int64_t)(hit->addr - c.user),
			   hs_chunk_state_name(c.state), c.user,
			   text_count(n, c.usable));
		return;
	}
	if (cli->syms && hs_symbols_at(cli->syms, hit->addr, &symbol)) {
		out_escaped(out, symbol.name);
		out_printf(out, "+0x%" PRIx64 "\n", hit->addr - symbol.addr);
		return;
	}
	i = find_map(cli->target, hit->addr);
	hs_target_map(cli->target, i, &map);
	out_printf(out, "0x%" PRIx64 " bytes into ", hit->addr - map.start);
	out_escaped(out, map.path ? map.path : map_kind_name(map.kind));
	out_str(out, "\n");
}

static void print_text(struct cli *cli, const struct search_view *v)
{
	char n[TEXT_LEN], size[TEXT_LEN];
	size_t limit = cli_row_limit(cli);
	if (limit > v->count)
		limit = v->count;
	out_printf(&cli->out, "%s%s %s in %s\n", text_count(n, v->count),
		   v->cut ? " and more" : "",
		   text_plural(v->count, "hit", "hits"),
		   text_size(size, v->searched));
	for (size_t i = 0; i < limit && !cli->out.error; i++)
		print_hit(cli, &v->hit[i]);
	cli_announce_rest(cli, limit, v->count);
}

int cmd_search(struct cli *cli)
{
	struct search_view view = { .hit = NULL };
	struct search s = { .cli = cli,
			    .view = &view,
			    .kind = cli->opt.search };
	if (!cli->heap && !cli->opt.everywhere)
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NO_HEAP),
				"there is no heap to search; --everywhere "
				"searches all memory");
	int code = take_pattern(&s);
	if (!code) {
		find_all(&s);
		if (s.failed)
			code = cli_fail(cli, EXIT_INPUT,
					hs_status_name(HS_ERR_NOMEM),
					"no memory for the hits");
	}
	if (!code) {
		if (cli->opt.json)
			out_json_search(cli, &view);
		else
			print_text(cli, &view);
		code = cli_answered(cli);
	}
	if (s.has_regex)
		regfree(&s.regex);
	free(s.bytes);
	free(view.hit);
	return code;
}
