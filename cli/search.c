/* SPDX-License-Identifier: MIT */
#include "cli/search.h"

#include <assert.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Hits kept: who has more was too vague, and is told so. */
#define MAX_HITS 1000000u
/* Shorter runs of text are no text. */
#define MIN_TEXT 4u
/* Words judged at once: most of memory holds no hit. */
#define MANY_WORDS 512u

struct search {
	struct cli *cli;
	struct search_view *view;
	enum search_kind kind;
	uint8_t *bytes; /* BYTES, TEXT */
	size_t len;
	uint64_t low, high; /* POINTER, INTEGER: words from LOW to HIGH */
	unsigned width;     /* of a word, bytes */
	struct search_regex *regex;
	bool failed;
};

/* False: enough. */
static bool add_hit(struct search *s, hs_addr addr, uint64_t len)
{
	struct search_view *v = s->view;
	size_t chunk = SIZE_MAX;
	struct hs_chunk_info c;
	if (!s->cli->heap || !hs_heap_find(s->cli->heap, addr, &chunk))
		chunk = SIZE_MAX;
	if (chunk == SIZE_MAX && !s->cli->opt.everywhere)
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
	v->hit[v->count++] = (struct search_hit){ addr, len, chunk };
	if (chunk == SIZE_MAX) {
		v->elsewhere++;
		return true;
	}
	hs_heap_chunk(s->cli->heap, chunk, &c);
	v->in_use += c.state == HS_CHUNK_USED || c.state == HS_CHUNK_MMAPPED;
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

static uint64_t word(const struct search *s, const uint8_t *at)
{
	uint64_t value = 0;
	bool big = s->cli->info.big_endian;
	for (unsigned k = 0; k < s->width; k++)
		value = value << 8 | at[big ? k : s->width - 1 - k];
	return value;
}

/* Is one of N words within the limits? Without a branch for each. */
static bool any_hit(const struct search *s, const uint8_t *bytes, size_t n)
{
	uint64_t low = s->low, room = s->high - s->low;
	bool any = false;
	if (s->cli->info.big_endian)
		return true;
	for (size_t i = 0; i < n && s->width == 8; i++) {
		uint64_t value;
		memcpy(&value, bytes + 8 * i, 8);
		any |= le64toh(value) - low <= room;
	}
	for (size_t i = 0; i < n && s->width == 4; i++) {
		uint32_t value;
		memcpy(&value, bytes + 4 * i, 4);
		any |= le32toh(value) - low <= room;
	}
	return any;
}

static bool find_words(struct search *s, hs_addr at, const uint8_t *bytes,
		       size_t len)
{
	unsigned w = s->width;
	assert(w == 4 || w == 8);
	size_t i = (size_t)(-at & (w - 1));
	while (i + w <= len) {
		size_t n = (len - i) / w;
		if (n > MANY_WORDS)
			n = MANY_WORDS;
		for (size_t k = any_hit(s, bytes + i, n) ? 0 : n; k < n; k++) {
			uint64_t value = word(s, bytes + i + k * w);
			if (value >= s->low && value <= s->high &&
			    !add_hit(s, at + i + k * w, w))
				return false;
		}
		i += n * w;
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
	size_t from = 0, end;
	enum search_match match;
	while (from < len &&
	       (match = search_regex_match(s->regex, text, len, &from, &end))) {
		if (match == SEARCH_TOO_LONG) {
			s->view->gave_up++;
			return true;
		}
		if (!add_hit(s, at + from, end - from))
			return false;
		from = end;
	}
	return true;
}

/* What is before I is no text. A run has MIN_TEXT bytes, so of what is none
 * only every MIN_TEXTth is looked at. */
static bool find_regex(struct search *s, hs_addr at, const uint8_t *bytes,
		       size_t len)
{
	for (size_t i = 0; i + MIN_TEXT <= len;) {
		size_t begin = i + MIN_TEXT - 1, end = begin;
		if (!is_text(bytes[begin])) {
			i += MIN_TEXT;
			continue;
		}
		while (begin > i && is_text(bytes[begin - 1]))
			begin--;
		while (end < len && is_text(bytes[end]))
			end++;
		if (end - begin >= MIN_TEXT &&
		    !match_text(s, at + begin, (const char *)bytes + begin,
				end - begin))
			return false;
		i = end + 1;
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
	s->regex = search_regex_new(text, why, sizeof(why));
	return s->regex ? EXIT_ANSWERED : bad_pattern(s, why);
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

int search_find(struct cli *cli, struct search_view *view)
{
	struct search s = { .cli = cli, .view = view, .kind = cli->opt.search };
	int code = take_pattern(&s);
	if (!code)
		find_all(&s);
	if (!code && s.failed)
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for the hits");
	search_regex_free(s.regex);
	free(s.bytes);
	return code;
}

void search_release(struct search_view *view)
{
	free(view->hit);
}
