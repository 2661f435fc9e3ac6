/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "types/shapes.h"

/*
 * What no library speaks for, but whose bytes are all of one kind: arrays of
 * pointers (tables, too, with their empty places), and memory that holds
 * nothing but characters and zeroes. The names say just that, with low
 * confidence: whose array it is they cannot know.
 */
#define LEAST_WORDS 16u
#define LEAST_POINTERS 8u
/* Places of a table may be empty; one of so many must not be. */
#define SPARSEST 64u
/* So many of ten that lead to blocks of one size make the rest exceptions. */
#define MOST_OF_TEN 9u

struct pointers {
	uint64_t starts, within, like_first;
	uint64_t usable; /* of the block that the first one leads to */
};

static bool add_pointer(struct hs_naming *n, const struct hs_block *b,
			uint64_t word, struct pointers *p)
{
	struct hs_block to;
	if (word - b->user < b->usable || !hs_naming_block_in(n, word, &to))
		return false;
	if (p->starts + p->within == 0)
		p->usable = to.usable;
	p->starts += word == to.user;
	p->within += word != to.user;
	p->like_first += to.usable == p->usable;
	return true;
}

static bool all_pointers(struct hs_naming *n, const struct hs_block *b,
			 struct pointers *p)
{
	unsigned w = n->block.word_size;
	uint64_t words = b->usable / w, word;
	/* The last one may be what malloc added. */
	for (uint64_t i = 0; i < words; i++) {
		if (!hs_window_word(&n->block, b->user + i * w, &word) ||
		    (word != 0 && !add_pointer(n, b, word, p) && i + 1 < words))
			return false;
	}
	return true;
}

static bool name_pointers(struct hs_naming *n, const struct pointers *p,
			  uint32_t *type)
{
	char name[64];
	uint64_t all = p->starts + p->within;
	if (p->starts && !p->within && 10 * p->like_first >= MOST_OF_TEN * all)
		(void)snprintf(name, sizeof(name),
			       "pointers to %" PRIu64 "-byte blocks",
			       p->usable);
	else
		(void)snprintf(name, sizeof(name), "pointers %s",
			       p->within ? "into blocks" : "to blocks");
	const struct hs_shape_name shape = { name, "all of its words",
					     HS_CONFIDENCE_LOW };
	return hs_shape_type(n, &shape, HS_TYPE_SHAPE, type);
}

static bool is_pointers(struct hs_naming *n, const struct hs_block *b,
			struct pointers *p)
{
	*p = (struct pointers){ 0 };
	return b->usable >= (uint64_t)LEAST_WORDS * n->block.word_size &&
	       all_pointers(n, b, p) &&
	       p->starts + p->within >= LEAST_POINTERS &&
	       (p->starts + p->within) * SPARSEST >=
		       b->usable / n->block.word_size;
}

/* Characters of ASCII, or in a longer one of UTF-8. */
#define LEAST_TEXT 16u /* bytes; fewer are the start of something else */

struct texts {
	uint64_t bytes; /* of characters */
	uint64_t count; /* of texts that a zero ends */
	uint64_t end;   /* behind the last one */
	bool inside;
	unsigned more; /* bytes of a character that are to follow */
};

static bool add_byte(struct texts *t, uint8_t c)
{
	if (c == 0) {
		t->count += t->inside;
		t->inside = false;
		return t->more == 0;
	}
	if (!hs_is_text_byte(c) || !hs_goes_on(c, &t->more))
		return false;
	t->bytes++;
	t->inside = true;
	return true;
}

static bool read_texts(struct hs_naming *n, const struct hs_block *b,
		       struct texts *t)
{
	*t = (struct texts){ 0 };
	for (uint64_t at = 0, len; at < b->usable; at += len) {
		const uint8_t *bytes =
			hs_window_bytes(&n->block, b->user + at, &len);
		if (!bytes)
			return false;
		if (len > b->usable - at)
			len = b->usable - at;
		for (uint64_t i = 0; i < len; i++) {
			if (!add_byte(t, bytes[i]))
				return false;
			if (bytes[i])
				t->end = at + i + 1;
			/* Most blocks begin with some zeroes or a number. */
			else if (at + i < 4)
				return false;
		}
	}
	return !t->inside && t->more == 0;
}

/*
 * One text and zeroes, or many with a zero each: two zeroes in a row before the
 * end would be something else's, of which no more is known.
 */
static bool name_texts(struct hs_naming *n, const struct hs_block *b,
		       uint32_t *type)
{
	static const struct hs_shape_name one = { "text and zeroes",
						  "all of its bytes",
						  HS_CONFIDENCE_LOW },
					  many = { "texts", "all of its bytes",
						   HS_CONFIDENCE_LOW };
	struct texts t;
	if (b->usable < LEAST_TEXT || !read_texts(n, b, &t) ||
	    t.bytes < LEAST_TEXT || t.end != t.bytes + t.count - 1)
		return false;
	return hs_shape_type(n, t.count == 1 ? &one : &many, HS_TYPE_SHAPE,
			     type);
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	struct pointers p;
	(void)state;
	if (b->first & 0xff && name_texts(n, b, type))
		return true;
	return is_pointers(n, b, &p) && name_pointers(n, &p, type);
}

const struct hs_namer hs_namer_arrays = {
	.claim_late = claim_late,
	.source = HS_TYPE_SHAPE,
};
