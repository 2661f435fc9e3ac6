/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "backends/slice_pack.h"

/*
 * An lz4 block is a row of sequences: a token, literals, and a match (two bytes
 * of distance, length in the token and more bytes). The last has no match. To
 * write the end of a match as literals instead costs a byte each, and changes
 * nothing else: that is how a block is stretched.
 */
#define MIN_MATCH 4u
#define IN_TOKEN 15u
/* Sequences from the end that are tried: usually the very last will do. */
#define TRIED 16u

struct sequence {
	size_t token, literals, match; /* position; two lengths */
	size_t literals_at, end;       /* in the block; of the match, in IN */
};

/* Bytes behind the token that a length of N takes. */
static size_t more(size_t n)
{
	return n < IN_TOKEN ? 0 : (n - IN_TOKEN) / 255 + 1;
}

static size_t put_length(uint8_t *at, size_t n)
{
	size_t k = 0;
	if (n < IN_TOKEN)
		return 0;
	for (n -= IN_TOKEN; n >= 255; n -= 255)
		at[k++] = 255;
	at[k++] = (uint8_t)n;
	return k;
}

/* False: the block ends within it, which ours never do. */
static bool get_length(const uint8_t *block, size_t len, size_t *at, size_t *n)
{
	if (*n < IN_TOKEN)
		return true;
	uint8_t byte;
	do {
		if (*at >= len)
			return false;
		byte = block[(*at)++];
		*n += byte;
	} while (byte == 255);
	return true;
}

/* Sequence with a match that begins at *AT; false: it was the last. */
static bool next_sequence(const uint8_t *block, size_t len, size_t *at,
			  size_t *in, struct sequence *s)
{
	if (*at >= len)
		return false;
	s->token = (*at)++;
	s->literals = block[s->token] >> 4;
	s->match = block[s->token] & IN_TOKEN;
	if (!get_length(block, len, at, &s->literals) ||
	    s->literals >= len - *at)
		return false;
	s->literals_at = *at;
	*at += s->literals + 2;
	if (*at > len || !get_length(block, len, at, &s->match))
		return false;
	s->match += MIN_MATCH;
	*in += s->literals + s->match;
	s->end = *in;
	return true;
}

/* Length of the block when S is the last match, CUT bytes shorter. */
static size_t length_with(const struct sequence *s, size_t cut, size_t in_len)
{
	size_t tail = in_len - s->end + cut;
	return s->literals_at + s->literals + 2 +
	       more(s->match - cut - MIN_MATCH) + 1 + more(tail) + tail;
}

static void rewrite(uint8_t *block, const struct sequence *s, size_t cut,
		    const uint8_t *in, size_t in_len)
{
	size_t match = s->match - cut - MIN_MATCH;
	size_t tail = in_len - s->end + cut;
	size_t at = s->literals_at + s->literals + 2;
	block[s->token] = (uint8_t)((block[s->token] & 0xf0) |
				    (match < IN_TOKEN ? match : IN_TOKEN));
	at += put_length(block + at, match);
	block[at++] = (uint8_t)((tail < IN_TOKEN ? tail : IN_TOKEN) << 4);
	at += put_length(block + at, tail);
	memcpy(block + at, in + in_len - tail, tail);
}

bool hs_lz4_stretch(uint8_t *block, size_t *len, size_t room, const uint8_t *in,
		    size_t in_len, size_t rest)
{
	struct sequence last[TRIED];
	size_t count = 0, at = 0, done = 0;
	struct sequence s;
	if (*len % 8 == rest)
		return true;
	while (next_sequence(block, *len, &at, &done, &s))
		last[count++ % TRIED] = s;
	for (size_t k = 0; k < TRIED && k < count; k++) {
		const struct sequence *c = &last[(count - 1 - k) % TRIED];
		for (size_t cut = 0; cut <= c->match - MIN_MATCH && cut < 16;
		     cut++) {
			size_t n = length_with(c, cut, in_len);
			if (n % 8 != rest || n > room)
				continue;
			rewrite(block, c, cut, in, in_len);
			*len = n;
			return true;
		}
	}
	return false;
}
