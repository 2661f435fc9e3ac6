/* SPDX-License-Identifier: MIT */
#include "types/namer.h"

/*
 * Nodes of libtasn1's trees (GnuTLS), on 64-bit machines. A node knows the one
 * left of it, or, if it is the leftmost, the one above; each of them knows the
 * node in turn.
 *
 *	{char name[65], -, hash u32, type u32, value, length i32, -, down,
 *	 right, left, ...}
 */
#define NODE_BYTES 176u
#define SLACK 32u /* what malloc may add */
#define NAME_BYTES 65u
#define TYPE 9u /* the word whose lower half it is */
#define VALUE 10u
#define DOWN 12u
#define RIGHT 13u
#define LEFT 14u

/* The kinds of things in ASN.1, as libtasn1 numbers them. */
#define LAST_TYPE 0x25u

static bool points_back(struct hs_naming *n, uint64_t at, unsigned word,
			hs_addr to)
{
	struct hs_block b;
	uint64_t back;
	return hs_naming_block_at(n, at, &b) && b.usable >= NODE_BYTES &&
	       b.usable < NODE_BYTES + SLACK &&
	       hs_block_word(n, &b, word, &back) && back == to;
}

static bool has_name(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t c;
	for (unsigned i = 0; i < NAME_BYTES; i++) {
		if (!hs_window_uint(&n->block, b->user + i, 1, &c))
			return false;
		if (c == 0)
			return true;
		if (c < 0x20 || c > 0x7e)
			return false;
	}
	return false;
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	uint64_t kind, value, down, right, left;
	(void)state;
	if (n->target->word_size != 8 || n->target->big_endian ||
	    b->usable < NODE_BYTES || b->usable >= NODE_BYTES + SLACK ||
	    !hs_block_word(n, b, TYPE, &kind) ||
	    !hs_block_word(n, b, VALUE, &value) ||
	    !hs_block_word(n, b, DOWN, &down) ||
	    !hs_block_word(n, b, RIGHT, &right) ||
	    !hs_block_word(n, b, LEFT, &left) || (kind & 0xff) == 0 ||
	    (kind & 0xff) > LAST_TYPE || (down | right | left) == 0)
		return false;
	if ((down && !points_back(n, down, LEFT, b->user)) ||
	    (right && !points_back(n, right, LEFT, b->user)) ||
	    (left && !points_back(n, left, RIGHT, b->user) &&
	     !points_back(n, left, DOWN, b->user)) ||
	    (value && !hs_target_find_map(n->target, value)) || !has_name(n, b))
		return false;
	const struct hs_type what = {
		.name = "ASN.1 node",
		.source = HS_TYPE_LIBTASN1,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = "the nodes around it, which know it",
		.module = SIZE_MAX,
	};
	return hs_naming_type(n, &what, type);
}

const struct hs_namer hs_namer_libtasn1 = {
	.claim = claim,
	.source = HS_TYPE_LIBTASN1,
};
