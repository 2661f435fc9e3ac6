/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

/*
 * What regcomp() makes of a regular expression, on 64-bit machines: an
 * automaton, with arrays of as many places as it has nodes, and a hash table
 * of states, each of which is where its hash says.
 *
 *	automaton {nodes, places, nodes in use, next[], origins[], edges[],
 *	          closures[], inverse closures[], states[], first states[4],
 *	          ..., i32, mask u32 at 132, ...}
 *	set       {allocated i32, elements i32, elements i32[]}
 *	entry     {states i32, allocated i32, states[]}
 *	state     {hash u32, -, its sets[3], entrance, transitions[256],
 *	          others[512], ...}
 *	node      {character set, kind u8, ...}
 */
#define DFA_BYTES 224u
#define DFA_MOST 264u
#define MASK_AT 132u
#define NODE_BYTES 16u
#define SET_BYTES 16u
#define ENTRY_BYTES 16u
#define STATE_BYTES 80u
#define STATE_MOST 136u
#define TRANSITIONS 256u
#define CHARACTERS_BYTES 32u
#define BRACKET 3u
#define BRACKET_WIDE 6u

enum shape {
	DFA,
	NODES,
	NUMBERS,
	SETS,
	SET,
	TABLE,
	STATES,
	STATE,
	MOVES,
	CHARACTERS,
};

#define HIGH HS_CONFIDENCE_HIGH
static const struct hs_shape_name shapes[] = {
	[DFA] = { "regex", "its arrays, which fit its nodes", HIGH },
	[NODES] = { "regex nodes", "the regex that they fit", HIGH },
	[NUMBERS] = { "regex nodes' numbers", "the regex that they fit", HIGH },
	[SETS] = { "regex node sets", "the regex that they fit", HIGH },
	[SET] = { "regex node set", "a set of the regex that it fits", HIGH },
	[TABLE] = { "regex states' table", "the regex that it fits", HIGH },
	[STATES] = { "regex states' list", "the states, by their hash", HIGH },
	[STATE] = { "regex state", "its hash, and the table", HIGH },
	[MOVES] = { "regex transitions", "the state that they fit", HIGH },
	[CHARACTERS] = { "regex characters", "the node that has them", HIGH },
};
#undef HIGH

/* Parts may be looked at so often; each has one regex, unless somebody means
 * harm. */
struct regex {
	uint64_t budget;
};
#define VISITS 64u /* of each block */

struct dfa {
	hs_addr nodes, table;
	uint64_t places, used, mask;
};

/* False: there were too many. */
static bool spend(struct regex *r)
{
	r->budget -= r->budget > 0;
	return r->budget > 0;
}

static void put(struct hs_naming *n, hs_addr at, enum shape shape)
{
	struct hs_block b;
	uint32_t type;
	if (at && hs_naming_block_at(n, at, &b) &&
	    n->type_of[b.chunk] == HS_NO_TYPE &&
	    hs_shape_type(n, &shapes[shape], HS_TYPE_GLIBC, &type))
		n->type_of[b.chunk] = type;
}

static bool fits_at(struct hs_naming *n, hs_addr at, uint64_t bytes)
{
	struct hs_block b;
	return at && hs_naming_block_at(n, at, &b) &&
	       hs_block_fits(n, &b, bytes);
}

static bool read_dfa(struct hs_naming *n, const struct hs_block *b,
		     struct dfa *dfa)
{
	uint64_t next, origins, edges, closures;
	uint32_t mask;
	dfa->nodes = b->first;
	if (!hs_block_word(n, b, 1, &dfa->places) || dfa->places == 0 ||
	    dfa->places > UINT32_MAX || !hs_block_word(n, b, 2, &dfa->used) ||
	    dfa->used > dfa->places || dfa->used == 0 ||
	    !hs_block_word(n, b, 3, &next) ||
	    !hs_block_word(n, b, 4, &origins) ||
	    !hs_block_word(n, b, 5, &edges) ||
	    !hs_block_word(n, b, 6, &closures) ||
	    !hs_block_word(n, b, 8, &dfa->table) ||
	    !hs_peek_u32(n, b->user + MASK_AT, &mask) ||
	    (mask & (mask + 1)) != 0)
		return false;
	dfa->mask = mask;
	return fits_at(n, dfa->nodes, NODE_BYTES * dfa->places) &&
	       fits_at(n, next, 4 * dfa->places) &&
	       (!origins || fits_at(n, origins, 4 * dfa->places)) &&
	       fits_at(n, edges, SET_BYTES * dfa->places) &&
	       fits_at(n, closures, SET_BYTES * dfa->places) &&
	       fits_at(n, dfa->table, ENTRY_BYTES * (dfa->mask + 1));
}

/* The elements of the set at AT. */
static void put_set(struct hs_naming *n, hs_addr at)
{
	uint32_t places, used;
	uint64_t elements;
	if (hs_peek_u32(n, at, &places) && hs_peek_u32(n, at + 4, &used) &&
	    used <= places && places > 0 && hs_peek(n, at + 8, &elements) &&
	    fits_at(n, elements, 4 * (uint64_t)places))
		put(n, elements, SET);
}

static void put_sets(struct hs_naming *n, struct regex *r,
		     const struct dfa *dfa, hs_addr sets)
{
	if (!fits_at(n, sets, SET_BYTES * dfa->places) &&
	    !fits_at(n, sets, SET_BYTES * dfa->used))
		return;
	put(n, sets, SETS);
	for (uint64_t i = 0; i < dfa->used && spend(r); i++)
		put_set(n, sets + SET_BYTES * i);
}

static void put_state(struct hs_naming *n, hs_addr state)
{
	uint64_t entrance, moves;
	put(n, state, STATE);
	for (unsigned word = 1; word < 7; word += 2)
		put_set(n, state + 8 * word);
	if (hs_peek(n, state + 56, &entrance) && entrance != state + 8 &&
	    fits_at(n, entrance, SET_BYTES)) {
		put(n, entrance, SETS);
		put_set(n, entrance);
	}
	if (hs_peek(n, state + 64, &moves) &&
	    fits_at(n, moves, 8 * TRANSITIONS))
		put(n, moves, MOVES);
	if (hs_peek(n, state + 72, &moves) &&
	    fits_at(n, moves, 2 * 8 * TRANSITIONS))
		put(n, moves, MOVES);
}

/* A state is in the list that its hash tells, so no list is met twice. */
static void put_states(struct hs_naming *n, struct regex *r,
		       const struct dfa *dfa)
{
	for (uint64_t i = 0; i <= dfa->mask && spend(r); i++) {
		hs_addr entry = dfa->table + ENTRY_BYTES * i;
		uint32_t used, places, hash;
		uint64_t list, state;
		if (!hs_peek_u32(n, entry, &used) ||
		    !hs_peek_u32(n, entry + 4, &places) || used > places ||
		    used == 0 || !hs_peek(n, entry + 8, &list) ||
		    !fits_at(n, list, 8 * (uint64_t)places))
			continue;
		for (uint64_t k = 0; k < used && spend(r); k++) {
			struct hs_block b;
			if (!hs_peek(n, list + 8 * k, &state) ||
			    !hs_naming_block_at(n, state, &b) ||
			    b.usable < STATE_BYTES || b.usable >= STATE_MOST ||
			    !hs_peek_u32(n, state, &hash) ||
			    (hash & dfa->mask) != i)
				break;
			put_state(n, state);
			if (k == 0)
				put(n, list, STATES);
		}
	}
}

static void put_nodes(struct hs_naming *n, struct regex *r,
		      const struct dfa *dfa)
{
	put(n, dfa->nodes, NODES);
	for (uint64_t i = 0; i < dfa->used && spend(r); i++) {
		uint64_t set, kind;
		if (!hs_peek(n, dfa->nodes + NODE_BYTES * i, &set) ||
		    !hs_peek(n, dfa->nodes + NODE_BYTES * i + 8, &kind))
			return;
		kind &= 0xff;
		if ((kind == BRACKET && fits_at(n, set, CHARACTERS_BYTES)) ||
		    (kind == BRACKET_WIDE && hs_naming_block_at(n, set, NULL)))
			put(n, set, CHARACTERS);
	}
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct dfa dfa;
	(void)state;
	return b->usable >= DFA_BYTES && b->usable < DFA_MOST &&
	       n->target->word_size == 8 && !n->target->big_endian &&
	       read_dfa(n, b, &dfa) &&
	       hs_shape_type(n, &shapes[DFA], HS_TYPE_GLIBC, type);
}

static void put_parts(struct hs_naming *n, struct regex *r,
		      const struct hs_block *b)
{
	struct dfa dfa;
	uint64_t at;
	if (!read_dfa(n, b, &dfa))
		return;
	put_nodes(n, r, &dfa);
	for (unsigned word = 3; word <= 4; word++)
		if (hs_block_word(n, b, word, &at))
			put(n, at, NUMBERS);
	for (unsigned word = 5; word <= 7; word++)
		if (hs_block_word(n, b, word, &at))
			put_sets(n, r, &dfa, at);
	put(n, dfa.table, TABLE);
	put_states(n, r, &dfa);
}

/* Regexes were claimed in the first pass. */
static void survey(struct hs_naming *n, void *state)
{
	struct regex *r = state;
	const char *name = shapes[DFA].name;
	if (!hs_naming_met(n, HS_TYPE_GLIBC, name))
		return;
	r->budget = (uint64_t)n->heap->chunk_count * VISITS;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		if (n->type_of[i] == HS_NO_TYPE)
			continue;
		const struct hs_type *t = &n->table.type[n->type_of[i]];
		if (t->source == HS_TYPE_GLIBC && strcmp(t->name, name) == 0 &&
		    hs_naming_block(n, i, &b))
			put_parts(n, r, &b);
	}
}

const struct hs_namer hs_namer_glibc_regex = {
	.state_size = sizeof(struct regex),
	.claim = claim,
	.survey = survey,
	.source = HS_TYPE_GLIBC,
};
