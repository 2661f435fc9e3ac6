/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

/*
 * Pools of nginx and of what grew out of it, on 64-bit machines: a row of
 * blocks, and what was too large for them. The first block says where it ends
 * and how much it gives out at most, which follow from each other.
 *
 *	first   {used to, end, next, failures, most, current, -, large, ...}
 *	others  {used to, end, next, failures}
 *	large   {next, block}, in the pool
 */
#define FIRST_BYTES 80u
#define OTHER_BYTES 32u
/* A page less one is what a pool gives out at most. */
#define MOST_EVER 65535u
/* A block is left after so many failures that no number above is one. */
#define MANY_FAILURES 1000u
#define SLACK 32u /* what malloc may add */

#define VISITS 4u

struct pool_block {
	uint64_t used, end, next, failed;
};

static bool read_block(struct hs_naming *n, const struct hs_block *b,
		       unsigned header, struct pool_block *ret)
{
	struct pool_block p = { .used = b->first };
	if (b->usable < FIRST_BYTES || !hs_block_word(n, b, 1, &p.end) ||
	    p.end < b->user || p.end - b->user > b->usable ||
	    b->usable - (p.end - b->user) >= SLACK ||
	    p.used < b->user + header || p.used > p.end ||
	    !hs_block_word(n, b, 2, &p.next) ||
	    !hs_block_word(n, b, 3, &p.failed) || p.failed > MANY_FAILURES)
		return false;
	*ret = p;
	return true;
}

/* Block number COUNT of a pool behind AT: all are as large as the first. */
static bool next_block(struct hs_naming *n, hs_addr at, uint64_t usable,
		       struct hs_block *b, struct pool_block *ret)
{
	return hs_naming_block_at(n, at, b) &&
	       /* malloc may leave a little more at one of them */
	       b->usable + 16 >= usable && b->usable <= usable + 16 &&
	       read_block(n, b, OTHER_BYTES, ret);
}

static bool is_pool(struct hs_naming *n, const struct hs_block *b)
{
	struct pool_block p, other;
	struct hs_block next;
	uint64_t most, current;
	if (!read_block(n, b, FIRST_BYTES, &p) ||
	    !hs_block_word(n, b, 4, &most) || !hs_block_word(n, b, 5, &current))
		return false;
	uint64_t room = p.end - b->user - FIRST_BYTES;
	/* All of it, or a page less one where that is less. */
	if (most != room && (most > room || most > MOST_EVER ||
			     (most & (most + 1)) != 0 || most < 4095))
		return false;
	if (p.next != 0 && !next_block(n, p.next, b->usable, &next, &other))
		return false;
	return current == b->user ||
	       next_block(n, current, b->usable, &next, &other);
}

static bool pool_type(struct hs_naming *n, const char *name,
		      const char *evidence, uint32_t *ret)
{
	const struct hs_type what = {
		.name = name,
		.source = HS_TYPE_NGINX,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = evidence,
		.module = SIZE_MAX,
	};
	return hs_naming_type(n, &what, ret);
}

#define POOL "nginx pool"

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	(void)state;
	return n->target->word_size == 8 && !n->target->big_endian &&
	       is_pool(n, b) &&
	       pool_type(n, POOL, "its end, its room and its current block",
			 type);
}

static void name_block(struct hs_naming *n, const struct hs_block *b,
		       const char *name, const char *evidence)
{
	uint32_t type;
	if (n->type_of[b->chunk] == HS_NO_TYPE &&
	    pool_type(n, name, evidence, &type))
		n->type_of[b->chunk] = type;
}

static void name_rest(struct hs_naming *n, const struct hs_block *first,
		      uint64_t *budget)
{
	struct pool_block p;
	struct hs_block b = *first;
	uint64_t at, large, data;
	if (!read_block(n, first, FIRST_BYTES, &p))
		return;
	while (p.next != 0) {
		/* A row that comes back ends where its blocks have names. */
		if (!next_block(n, p.next, first->usable, &b, &p) ||
		    n->type_of[b.chunk] != HS_NO_TYPE)
			break;
		name_block(n, &b, "nginx pool block", "the pool it belongs to");
		if (n->type_of[b.chunk] == HS_NO_TYPE)
			return; /* no memory */
	}
	if (!hs_block_word(n, first, 7, &large))
		return;
	while (large != 0 && hs_spend(budget)) {
		/* The list lies in the pool itself. */
		if (!hs_naming_block_in(n, large, &b) ||
		    n->type_of[b.chunk] == HS_NO_TYPE ||
		    n->table.type[n->type_of[b.chunk]].source !=
			    HS_TYPE_NGINX ||
		    !hs_peek(n, large, &at) || !hs_peek(n, large + 8, &data))
			break;
		if (data != 0 && hs_naming_block_at(n, data, &b))
			name_block(n, &b, "nginx pool data",
				   "a pool's list of large data");
		large = at;
	}
}

static void survey(struct hs_naming *n, void *state)
{
	(void)state;
	if (!hs_naming_met(n, HS_TYPE_NGINX, POOL))
		return;
	uint64_t budget = hs_word_budget(n, VISITS);
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		uint32_t type = n->type_of[i];
		if (type != HS_NO_TYPE &&
		    n->table.type[type].source == HS_TYPE_NGINX &&
		    strcmp(n->table.type[type].name, POOL) == 0 &&
		    hs_naming_block(n, i, &b))
			name_rest(n, &b, &budget);
	}
}

const struct hs_namer hs_namer_nginx = {
	.claim = claim,
	.survey = survey,
	.source = HS_TYPE_NGINX,
};
