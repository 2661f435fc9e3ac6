/* SPDX-License-Identifier: MIT */
#include "symbols/swift_punycode.h"

#include <stdint.h>
#include <string.h>

/* The parameters of RFC 3492. */
#define BASE 36u
#define TMIN 1u
#define TMAX 26u
#define SKEW 38u
#define DAMP 700u
#define FIRST_BIAS 72u
#define FIRST_BEYOND 0x80u
#define LAST_CHARACTER 0x10ffffu

/* No name has more characters. */
#define MAX_CHARACTERS 512u

struct characters {
	uint32_t at[MAX_CHARACTERS];
	uint32_t count;
};

static bool insert(struct characters *name, uint32_t at, uint32_t c)
{
	if (name->count == MAX_CHARACTERS || at > name->count)
		return false;
	memmove(name->at + at + 1, name->at + at,
		(name->count - at) * sizeof(name->at[0]));
	name->at[at] = c;
	name->count++;
	return true;
}

static uint32_t adapt(uint32_t delta, uint32_t count, bool first)
{
	uint32_t k = 0;
	delta = first ? delta / DAMP : delta / 2;
	delta += delta / count;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

/* BASE: no digit. */
static uint32_t digit(char c)
{
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a');
	return c >= 'A' && c <= 'J' ? (uint32_t)(c - 'A') + 26 : BASE;
}

/* A number of digits that say themselves which is the last. */
static bool distance(const char **code, const char *end, uint32_t bias,
		     uint32_t *ret)
{
	uint64_t value = 0, weight = 1;
	for (uint32_t k = BASE; *code < end; k += BASE) {
		uint32_t d = digit(*(*code)++), t = TMIN;
		if (k > bias)
			t = k - bias < TMAX ? k - bias : TMAX;
		value += d * weight;
		if (d == BASE || value > UINT32_MAX)
			return false;
		if (d < t) {
			*ret = (uint32_t)value;
			return true;
		}
		weight *= BASE - t;
		if (weight > UINT32_MAX)
			return false;
	}
	return false;
}

/* C in UTF-8; how many bytes, 0: none. */
static size_t put_utf8(uint32_t c, char out[4])
{
	/* Swift's way to write ASCII that is no part of names. */
	if (c >= 0xd800 && c < 0xd880)
		c -= 0xd800;
	if (c > LAST_CHARACTER || (c >= 0xd800 && c < 0xe000) || c < 0x20)
		return 0;
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = len; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[len] | c);
	return len;
}

static bool decode(const char *code, size_t len, struct characters *name)
{
	const char *end = code + len, *sep = end;
	uint32_t c = FIRST_BEYOND, at = 0, bias = FIRST_BIAS, delta;
	while (sep > code && *sep != '_')
		sep--;
	for (const char *p = code; p < sep; p++)
		if (!insert(name, name->count, (unsigned char)*p))
			return false;
	if (sep > code)
		code = sep + 1;
	while (code < end) {
		uint32_t before = at, count = name->count + 1;
		if (!distance(&code, end, bias, &delta) ||
		    delta > UINT32_MAX - at)
			return false;
		at += delta;
		bias = adapt(delta, count, before == 0);
		if (at / count > LAST_CHARACTER - c)
			return false;
		c += at / count;
		at %= count;
		if (!insert(name, at++, c))
			return false;
	}
	return name->count > 0;
}

bool hs_swift_punycode(const char *code, size_t len, char *text, size_t size)
{
	struct characters name = { .count = 0 };
	size_t used = 0;
	if (!decode(code, len, &name))
		return false;
	for (uint32_t i = 0; i < name.count; i++) {
		char utf8[4];
		size_t part = put_utf8(name.at[i], utf8);
		if (!part || part >= size - used)
			return false;
		memcpy(text + used, utf8, part);
		used += part;
	}
	text[used] = 0;
	return true;
}
