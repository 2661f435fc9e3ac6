/* SPDX-License-Identifier: MIT */
#include "cli/search_scan.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Shorter runs of text are no text. */
#define MIN_TEXT 4u
/* Words, or places, judged at once: most of memory holds no hit. */
#define MANY 512u

struct scan {
	const struct search_pattern *p;
	struct search_regex_worker *worker;
	const struct search_piece *piece;
	search_hit_fn fn;
	void *arg;
	uint64_t *gave_up;
};

static bool tell(const struct scan *s, size_t at, size_t len)
{
	return s->fn(s->arg, s->piece->at + at, len);
}

/* How common a byte is in memory that holds something else: a guess. */
static unsigned commonness(uint8_t c)
{
	static const char often[] = " etaoinsrlcdpmu_gfhb";
	const char *at = c ? strchr(often, c) : NULL;
	if (!c)
		return 255;
	if (at)
		return 100 - (unsigned)(at - often);
	if (c == 0xff || c < 8 || c == 0x7f || c == 0x55)
		return 90; /* small numbers, negative ones, pointers */
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		return 50;
	return c >= 'A' && c <= 'Z' ? 30 : 20;
}

void search_pattern_settle(struct search_pattern *p)
{
	if (!p->len)
		return;
	size_t first = 0, second = 0;
	for (size_t i = 1; i < p->len; i++)
		if (commonness(p->bytes[i]) < commonness(p->bytes[first]))
			first = i;
	if (p->len > 1)
		second = first ? 0 : 1;
	for (size_t i = 0; i < p->len; i++)
		if (i != first &&
		    commonness(p->bytes[i]) < commonness(p->bytes[second]))
			second = i;
	p->rare[0] = first;
	p->rare[1] = second;
}

void search_pattern_release(struct search_pattern *p)
{
	search_regex_free(p->regex);
	free(p->bytes);
}

/* What makes a capital of P's byte I small; 0: it is none, or that matters. */
static uint8_t case_bit(const struct search_pattern *p, size_t i)
{
	return p->fold && p->bytes[i] >= 'a' && p->bytes[i] <= 'z' ? 0x20 : 0;
}

/* Are both rare bytes in their places for one of N places from BYTES on?
 * Without a branch for each, so that compilers make vectors of it. */
static bool any_place(const struct search_pattern *p, const uint8_t *bytes,
		      size_t n)
{
	size_t i = p->rare[0], k = p->rare[1];
	const uint8_t *a = bytes + i, *b = bytes + k;
	uint8_t x = p->bytes[i], y = p->bytes[k], any = 0;
	uint8_t ax = case_bit(p, i), by = case_bit(p, k);
	if (n == MANY) { /* a length that the compiler knows */
		for (i = 0; i < MANY; i++)
			any |= (uint8_t)(((a[i] | ax) == x) &
					 ((b[i] | by) == y));
		return any;
	}
	for (i = 0; i < n; i++)
		any |= (uint8_t)(((a[i] | ax) == x) & ((b[i] | by) == y));
	return any;
}

static bool is_here(const struct search_pattern *p, const uint8_t *bytes)
{
	size_t i = p->rare[0];
	if ((bytes[i] | case_bit(p, i)) != p->bytes[i])
		return false;
	if (!p->fold)
		return memcmp(bytes, p->bytes, p->len) == 0;
	for (i = 0; i < p->len; i++)
		if ((bytes[i] | case_bit(p, i)) != p->bytes[i])
			return false;
	return true;
}

/* The first place of the pattern's bytes at or after FROM; END: none. */
static size_t find_literal(const struct search_pattern *p, const uint8_t *bytes,
			   size_t from, size_t end)
{
	while (end - from >= p->len) {
		size_t n = end - from - p->len + 1;
		if (n > MANY)
			n = MANY;
		for (size_t i = any_place(p, bytes + from, n) ? 0 : n; i < n;
		     i++)
			if (is_here(p, bytes + from + i))
				return from + i;
		from += n;
	}
	return end;
}

static bool scan_bytes(const struct scan *s)
{
	const struct search_piece *piece = s->piece;
	size_t end = piece->own + s->p->len - 1;
	if (end > piece->len)
		end = piece->len;
	for (size_t at = 0;; at++) {
		at = find_literal(s->p, piece->bytes, at, end);
		if (at == end)
			return true;
		if (!tell(s, at, s->p->len))
			return false;
	}
}

static uint64_t word(const struct search_pattern *p, const uint8_t *at)
{
	uint64_t value = 0;
	for (unsigned k = 0; k < p->width; k++)
		value = value << 8 | at[p->big_endian ? k : p->width - 1 - k];
	return value;
}

/* Is one of N words within the limits? */
static bool any_word(const struct search_pattern *p, const uint8_t *bytes,
		     size_t n)
{
	uint64_t low = p->low, room = p->high - p->low;
	bool any = false;
	if (p->big_endian)
		return true;
	for (size_t i = 0; i < n && p->width == 8; i++) {
		uint64_t value;
		memcpy(&value, bytes + 8 * i, 8);
		any |= le64toh(value) - low <= room;
	}
	for (size_t i = 0; i < n && p->width == 4; i++) {
		uint32_t value;
		memcpy(&value, bytes + 4 * i, 4);
		any |= le32toh(value) - low <= room;
	}
	return any;
}

static bool scan_words(const struct scan *s)
{
	const struct search_piece *piece = s->piece;
	const struct search_pattern *p = s->p;
	unsigned w = p->width;
	assert(w == 4 || w == 8);
	size_t end = piece->own + w - 1;
	if (end > piece->len)
		end = piece->len;
	size_t i = (size_t)(-piece->at & (w - 1));
	while (i + w <= end) {
		size_t n = (end - i) / w;
		if (n > MANY)
			n = MANY;
		for (size_t k = any_word(p, piece->bytes + i, n) ? 0 : n; k < n;
		     k++) {
			uint64_t value = word(p, piece->bytes + i + k * w);
			if (value >= p->low && value <= p->high &&
			    !tell(s, i + k * w, w))
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

/* Which of 64 bytes are text: a bit each, the first one lowest. */
static uint64_t text_of_64(const uint8_t *bytes)
{
	uint64_t text = 0;
#ifdef __SSE2__
	const __m128i last = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t');
	const __m128i del = _mm_set1_epi8(0x7f);
	for (unsigned i = 0; i < 4; i++) {
		__m128i v = _mm_loadu_si128((const void *)(bytes + 16 * i));
		__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, last), v);
		__m128i none = _mm_or_si128(
			_mm_andnot_si128(_mm_cmpeq_epi8(v, tab), low),
			_mm_cmpeq_epi8(v, del));
		uint64_t bits = (uint16_t)~_mm_movemask_epi8(none);
		text |= bits << (16 * i);
	}
#else
	for (unsigned i = 0; i < 64; i++)
		text |= (uint64_t)is_text(bytes[i]) << i;
#endif
	return text;
}

/* The first place from FROM on where MIN_TEXT bytes are text; LEN: none. */
static size_t find_text(const uint8_t *bytes, size_t from, size_t len)
{
	for (; len - from >= 64; from += 64 - (MIN_TEXT - 1)) {
		uint64_t text = text_of_64(bytes + from);
		uint64_t four = text & text >> 1;
		four &= four >> 2;
		if (four)
			return from + (size_t)__builtin_ctzll(four);
	}
	for (size_t run = 0; from < len; from++) {
		run = is_text(bytes[from]) ? run + 1 : 0;
		if (run == MIN_TEXT)
			return from - (MIN_TEXT - 1);
	}
	return len;
}

/* The first place from FROM on that is no text; LEN: all is. */
static size_t end_of_text(const uint8_t *bytes, size_t from, size_t len)
{
	for (; len - from >= 64; from += 64) {
		uint64_t text = text_of_64(bytes + from);
		if (~text)
			return from + (size_t)__builtin_ctzll(~text);
	}
	while (from < len && is_text(bytes[from]))
		from++;
	return from;
}

bool search_is_text(const uint8_t *bytes, size_t len)
{
	return end_of_text(bytes, 0, len) == len;
}

static bool match_run(const struct scan *s, size_t begin, size_t end)
{
	const char *text = (const char *)s->piece->bytes + begin;
	size_t from = 0, to, len = end - begin;
	if (len < MIN_TEXT || len < search_regex_shortest(s->p->regex))
		return true;
	while (from < len) {
		enum search_match match = search_regex_match(
			s->p->regex, s->worker, text, len, &from, &to);
		if (match == SEARCH_TOO_LONG)
			++*s->gave_up;
		if (match != SEARCH_MATCH)
			return true;
		if (!tell(s, begin + from, to - from))
			return false;
		from = to;
	}
	return true;
}

/* Runs of text that begin in this piece; with bytes that must be in a match,
 * only those runs that hold them. */
static bool scan_regex(const struct scan *s)
{
	const struct search_piece *piece = s->piece;
	const uint8_t *bytes = piece->bytes;
	size_t begin = 0, end = piece->own;
	if (piece->in_text || (piece->inside && is_text(bytes[-1])))
		begin = end_of_text(bytes, 0, piece->len);
	if (begin >= piece->own)
		return true;
	if (is_text(bytes[end - 1]))
		end = end_of_text(bytes, end, piece->len);
	for (size_t low = begin; low < end;
	     low = end_of_text(bytes, begin, piece->len)) {
		if (s->p->len) {
			size_t hit = find_literal(s->p, bytes, low, end);
			if (hit == end)
				return true;
			for (begin = hit;
			     begin > low && is_text(bytes[begin - 1]); begin--)
				;
		} else {
			begin = find_text(bytes, low, end);
			if (begin == end)
				return true;
		}
		if (!match_run(s, begin, end_of_text(bytes, begin, piece->len)))
			return false;
	}
	return true;
}

size_t search_unfinished(const struct search_pattern *p,
			 const struct search_piece *piece)
{
	size_t len = 0;
	switch (p->kind) {
	case SEARCH_TEXT:
	case SEARCH_HEX:
		return p->len - 1 < piece->len ? p->len - 1 : piece->len;
	case SEARCH_REGEX:
		while (len < piece->len &&
		       is_text(piece->bytes[piece->len - len - 1]))
			len++;
		return len;
	default: /* words lie where they can be divided by */
		return 0;
	}
}

size_t search_continued(const struct search_pattern *p, const uint8_t *bytes,
			size_t len)
{
	if (p->kind == SEARCH_REGEX)
		return end_of_text(bytes, 0, len);
	return p->len - 1 < len ? p->len - 1 : len;
}

bool search_scan(const struct search_pattern *p,
		 struct search_regex_worker *worker,
		 const struct search_piece *piece, search_hit_fn fn, void *arg,
		 uint64_t *gave_up)
{
	const struct scan s = { p, worker, piece, fn, arg, gave_up };
	switch (p->kind) {
	case SEARCH_TEXT:
	case SEARCH_HEX:
		return scan_bytes(&s);
	case SEARCH_REGEX:
		return scan_regex(&s);
	default:
		return scan_words(&s);
	}
}
