/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "types/shapes.h"

/*
 * Memory contexts of PostgreSQL 13 to 18, on 64-bit machines. All that the
 * server keeps is in them; a context knows its neighbours in a tree, and its
 * name, which is a constant.
 *
 *	context  {kind i32, reset u8, critical u8, bytes, functions, parent,
 *	         first child, previous, next, name, more of a name, callbacks,
 *	         ...}
 *	AllocSet {context, blocks, ..., its first block}
 *	block    {set, previous, next, free from here, end, ...}
 *
 * The blocks of other kinds (Generation, Slab) are rings, whose ends lie in
 * the context: {previous, next}, at the start of a block or after some words.
 * Sets that are no longer needed wait for the next one of their size; they
 * have their first block, but no neighbours.
 */
#define BYTES 1u
#define FUNCTIONS 2u
#define PARENT 3u
#define CHILD 4u
#define PREVIOUS 5u
#define NEXT 6u
#define NAME 7u
#define MORE 8u
#define BLOCKS 10u
#define HEADER_BYTES 80u
#define KIND_MOST 2000u

/* A set's own first block begins behind 11 lists of free pieces and some
 * numbers, whose types differ. */
#define FIRST_BLOCK 22u
#define FIRST_BLOCK_END 34u
#define BLOCK_BYTES 40u

/* Rings begin among the first words behind the header. */
#define RING_END 32u
#define RING_WITHIN 64u /* bytes of a block before its link */

#define NAME_BYTES 64u
#define SOURCE HS_TYPE_POSTGRES

static const struct hs_shape_name waits = {
	"PostgreSQL memory context, kept for the next", "its first block",
	HS_CONFIDENCE_HIGH
};

struct postgres {
	bool loaded;
	struct hs_addr_map owned; /* blocks in rings: the context's chunk */
};

static void release(void *state)
{
	hs_addr_map_release(&((struct postgres *)state)->owned);
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	hs_owned_merge(n, &((struct postgres *)state)->owned,
		       &((const struct postgres *)worker)->owned);
}

static void prepare(struct hs_naming *n, void *state)
{
	struct postgres *p = state;
	p->loaded = n->target->word_size == 8 && !n->target->big_endian &&
		    hs_module_named(n, "postgres") != SIZE_MAX;
}

static bool word_at(struct hs_naming *n, hs_addr at, unsigned word,
		    uint64_t *ret)
{
	return at <= UINT64_MAX - 8 * word && hs_peek(n, at + 8 * word, ret);
}

/* Word number WORD of what is at AT is WANT. */
static bool leads_to(struct hs_naming *n, hs_addr at, unsigned word,
		     uint64_t want)
{
	uint64_t to;
	return word_at(n, at, word, &to) && to == want;
}

/* Does B begin as a context does? */
static bool is_header(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t kind = b->first & UINT32_MAX, bytes, functions, name;
	return kind != 0 && kind < KIND_MOST && (b->first >> 32 & 0xff) <= 1 &&
	       (b->first >> 40 & 0xff) <= 1 && b->usable > HEADER_BYTES &&
	       hs_block_word(n, b, FUNCTIONS, &functions) &&
	       functions % 8 == 0 &&
	       hs_naming_module(n, functions) != SIZE_MAX &&
	       hs_block_word(n, b, BYTES, &bytes) && bytes % 8 == 0 &&
	       bytes != 0 && hs_block_word(n, b, NAME, &name) &&
	       hs_naming_module(n, name) != SIZE_MAX;
}

/* Is it in the tree, and do all who are beside it say so? */
static bool is_in_tree(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t parent, child, previous, next;
	if (!hs_block_word(n, b, PARENT, &parent) ||
	    !hs_block_word(n, b, CHILD, &child) ||
	    !hs_block_word(n, b, PREVIOUS, &previous) ||
	    !hs_block_word(n, b, NEXT, &next) || (parent | child) == 0)
		return false;
	if (child && (!leads_to(n, child, PARENT, b->user) ||
		      !leads_to(n, child, PREVIOUS, 0)))
		return false;
	if (!parent) /* the root of all */
		return previous == 0 && next == 0;
	return (previous ? leads_to(n, previous, NEXT, b->user) &&
				   leads_to(n, previous, PARENT, parent)
			 : leads_to(n, parent, CHILD, b->user)) &&
	       (!next || (leads_to(n, next, PREVIOUS, b->user) &&
			  leads_to(n, next, PARENT, parent)));
}

/* {set, previous, next, free, end} at AT in B: the end is that of B. */
static bool is_set_block(struct hs_naming *n, const struct hs_block *b,
			 hs_addr at)
{
	uint64_t from, end;
	return word_at(n, at, 3, &from) && word_at(n, at, 4, &end) &&
	       from >= at + BLOCK_BYTES && from <= end && end > b->user &&
	       hs_block_fits(n, b, end - b->user);
}

/* The first block of a set, within B; 0: it is no set. */
static hs_addr first_block(struct hs_naming *n, const struct hs_block *b)
{
	for (unsigned i = FIRST_BLOCK; i < FIRST_BLOCK_END; i++) {
		uint64_t set;
		if (!hs_block_word(n, b, i, &set))
			return 0;
		if (set == b->user && is_set_block(n, b, b->user + 8 * i))
			return b->user + 8 * (uint64_t)i;
	}
	return 0;
}

static bool name_as(struct hs_naming *n, const struct hs_block *context,
		    const char *evidence, uint32_t *type)
{
	char name[NAME_BYTES], full[NAME_BYTES + 32];
	uint64_t at, more;
	if (!hs_block_word(n, context, NAME, &at) ||
	    !hs_peek_name(n, at, name, sizeof(name), NULL))
		return false;
	/* All hash tables have the same first name: PostgreSQL itself calls
	 * them by the other one. */
	if (strcmp(name, "dynahash") == 0 &&
	    (!hs_block_word(n, context, MORE, &more) ||
	     !hs_peek_name(n, more, name, sizeof(name), NULL)))
		(void)strcpy(name, "dynahash");
	(void)snprintf(full, sizeof(full), "PostgreSQL memory context %s",
		       name);
	const struct hs_type what = { .name = full,
				      .source = SOURCE,
				      .confidence = HS_CONFIDENCE_HIGH,
				      .evidence = evidence,
				      .module = SIZE_MAX };
	return hs_naming_read_type(n, &what, type);
}

/* Blocks on the ring that begins at HEAD in context B. Each leads back to the
 * one before it, so no block is on two rings. */
static void note_ring(struct hs_naming *n, struct postgres *p,
		      const struct hs_block *b, hs_addr head)
{
	uint64_t before = head, at, previous;
	if (!word_at(n, head, 1, &at))
		return;
	while (at != head) {
		struct hs_block block;
		if (!word_at(n, at, 0, &previous) || previous != before ||
		    !hs_naming_block_in(n, at, &block))
			return;
		if (block.chunk != b->chunk) { /* the first may lie in it */
			if (at - block.user > RING_WITHIN)
				return;
			hs_owned_note(n, &p->owned, block.user,
				      (uint32_t)b->chunk);
		}
		before = at;
		if (!word_at(n, at, 1, &at))
			return;
	}
}

static void note_rings(struct hs_naming *n, struct postgres *p,
		       const struct hs_block *b)
{
	for (unsigned i = BLOCKS; i < RING_END; i++) {
		hs_addr head = b->user + 8 * (uint64_t)i;
		uint64_t last, next;
		if (!hs_block_word(n, b, i, &last) ||
		    !hs_block_word(n, b, i + 1, &next))
			return;
		if (last != head && next != head && last % 8 == 0 &&
		    next % 8 == 0 && leads_to(n, last, 1, head) &&
		    leads_to(n, next, 0, head))
			note_ring(n, p, b, head);
	}
}

static bool claim_context(struct hs_naming *n, struct postgres *p,
			  const struct hs_block *b, uint32_t *type)
{
	if (!is_header(n, b))
		return false;
	hs_addr first = first_block(n, b);
	if (is_in_tree(n, b)) {
		if (!first)
			note_rings(n, p, b);
		return name_as(n, b, "its neighbours, which know it", type);
	}
	uint64_t parent, child;
	return first && hs_block_word(n, b, PARENT, &parent) && parent == 0 &&
	       hs_block_word(n, b, CHILD, &child) && child == 0 &&
	       hs_shape_type(n, &waits, SOURCE, type);
}

/* A block that a set has beside its first one. */
static bool claim_block(struct hs_naming *n, const struct hs_block *b,
			uint32_t *type)
{
	struct hs_block set;
	uint64_t previous, next;
	return b->first % 8 == 0 && b->first != b->user &&
	       is_set_block(n, b, b->user) &&
	       hs_naming_block_at(n, b->first, &set) && is_header(n, &set) &&
	       first_block(n, &set) && hs_block_word(n, b, 1, &previous) &&
	       hs_block_word(n, b, 2, &next) &&
	       (previous ? leads_to(n, previous, 2, b->user)
			 : leads_to(n, set.user, BLOCKS, b->user)) &&
	       (!next || leads_to(n, next, 1, b->user)) &&
	       name_as(n, &set, "its set, and its neighbours", type);
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct postgres *p = state;
	return p->loaded && b->usable > HEADER_BYTES &&
	       (claim_context(n, p, b, type) || claim_block(n, b, type));
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct postgres *p = state;
	struct hs_block context;
	uint32_t chunk;
	return p->owned.count && hs_owned_get(&p->owned, b->user, &chunk) &&
	       hs_naming_block(n, chunk, &context) &&
	       name_as(n, &context, "the ring of the context's blocks", type);
}

const struct hs_namer hs_namer_postgres = {
	.state_size = sizeof(struct postgres),
	.release = release,
	.prepare = prepare,
	.claim = claim,
	.merge = merge,
	.claim_late = claim_late,
	.source = SOURCE,
};
