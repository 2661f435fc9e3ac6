/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "types/c_types.h"

/*
 * Types spread from variables over the blocks, best reasons first: as long as
 * something follows from what is firm, nothing doubtful is followed.
 *
 * A block that two equally good reasons call differently has no name, and
 * nothing follows from it. When that, or a better reason, comes after a block
 * has led on, all is done again with that block settled: what it led to may
 * have been wrong.
 */
#define MAX_ROUNDS 3u
#define MAX_DEPTH HS_LIMIT_EMBED_DEPTH
/* Addresses below are numbers. */
#define LOWEST 4096u
/* Elements of an array whose values are looked at. */
#define MAX_TRIED 64u

/* Where the pointer is that is being followed. */
struct source {
	struct hs_naming *n;
	struct hs_c *c;
	uint32_t from; /* as in a claim */
	hs_addr start; /* of FROM */
	hs_addr end;   /* values lie before it */
	bool doubtful;
};

static bool push(struct source *s, uint32_t chunk, unsigned rank)
{
	struct hs_c_queue *q = &s->c->queue[rank];
	struct hs_error err;
	/* What was served makes room. */
	if (q->count == q->capacity && q->first > q->capacity / 2) {
		memmove(q->chunk, q->chunk + q->first,
			(q->count - q->first) * sizeof(*q->chunk));
		q->count -= q->first;
		q->first = 0;
	}
	enum hs_status st = hs_grow(&q->chunk, &q->capacity, q->count,
				    sizeof(*q->chunk), &err);
	if (st) {
		hs_naming_fail(s->n, st, &err);
		return false;
	}
	q->chunk[q->count++] = chunk;
	return true;
}

/* Is one of two types that are as well founded just a part of the other, and
 * says the other more? Then *RET is the whole. */
static bool whole_of(const struct hs_c *c, uint32_t a, uint32_t b,
		     uint32_t *ret)
{
	for (int turn = 0; turn < 2; turn++) {
		uint32_t part = turn ? b : a, whole = turn ? a : b;
		size_t count, first = hs_c_parts_find(c, part, 0, &count);
		for (size_t i = first; i < first + count; i++)
			if (c->part[i].whole == whole) {
				*ret = whole;
				return true;
			}
	}
	return false;
}

static void take(struct source *s, const struct hs_block *b, uint32_t type,
		 enum hs_c_form form, enum hs_c_rank rank, hs_addr slot,
		 bool proven)
{
	struct hs_c *c = s->c;
	struct hs_c_claim *claim = &c->claim[b->chunk];
	struct hs_c_claim new = {
		.type = type,
		.from = s->from,
		.where = slot - s->start > UINT32_MAX
				 ? UINT32_MAX
				 : (uint32_t)(slot - s->start),
		.form = (uint8_t)form,
		.rank = (uint8_t)rank,
		.least = claim->least,
		.proven = proven,
	};
	if (rank < claim->least ||
	    (claim->form != HS_C_NOTHING && rank < claim->rank))
		return;
	if (claim->form != HS_C_NOTHING && rank == claim->rank) {
		uint32_t whole;
		/* The same, maybe by another name; or the first of many. */
		if (claim->clash || hs_decls_strip(&c->decls, claim->type) ==
					    hs_decls_strip(&c->decls, type))
			return;
		/* Any two pointers to numbers may lead to one buffer. */
		if (rank == HS_C_SCALARS ||
		    !whole_of(c, claim->type, type, &whole)) {
			claim->clash = true;
			c->again |= rank != HS_C_SCALARS;
			return;
		}
		if (whole == claim->type)
			return;
	}
	/* It had led on already. */
	if (claim->form != HS_C_NOTHING)
		c->again = true;
	*claim = new;
	(void)push(s, (uint32_t)b->chunk, rank);
}

/* Could a block of TYPE, one of them, be B? A tail may make it longer. */
static bool could_be(const struct source *s, const struct hs_block *b,
		     uint32_t type, enum hs_c_form *form)
{
	const struct hs_decls *d = &s->c->decls;
	uint64_t tail;
	uint32_t element;
	if (!d->type[type].complete)
		return false;
	if (hs_c_fits(s->n, b, d->type[type].size)) {
		*form = HS_C_ONE;
		return true;
	}
	if (hs_decls_tail(d, type, &tail, &element) && tail <= b->usable &&
	    tail > 0 && d->type[type].size <= b->usable) {
		*form = HS_C_TAIL;
		return true;
	}
	return false;
}

/*
 * A pointer to TYPE leads OFFSET bytes into B: the one struct with such a part
 * there that B could be. False: none, or more than one.
 */
static bool only_whole(struct source *s, const struct hs_block *b,
		       uint32_t type, uint64_t offset, uint32_t *ret)
{
	struct hs_c *c = s->c;
	size_t count, first = hs_c_parts_find(c, type, offset, &count);
	size_t found = 0;
	enum hs_c_form form;
	for (size_t i = first; i < first + count && found < 2; i++) {
		uint32_t whole = c->part[i].whole;
		if (!could_be(s, b, whole, &form))
			continue;
		found++;
		*ret = whole;
	}
	return found == 1;
}

/* Does any struct that begins with TYPE fit B? */
static bool any_whole(struct source *s, const struct hs_block *b, uint32_t type)
{
	struct hs_c *c = s->c;
	size_t count, first = hs_c_parts_find(c, type, 0, &count);
	enum hs_c_form form;
	for (size_t i = first; i < first + count; i++)
		if (could_be(s, b, c->part[i].whole, &form))
			return true;
	return false;
}

static enum hs_c_sense array_sense(struct source *s, uint32_t type,
				   hs_addr addr, uint64_t size, uint64_t count)
{
	enum hs_c_sense all = HS_C_NO_POINTERS;
	for (uint64_t i = 1; i < count && i < MAX_TRIED; i++) {
		enum hs_c_sense one =
			hs_c_makes_sense(s->n, s->c, type, addr + i * size);
		if (one == HS_C_NONSENSE)
			return one;
		if (one > all)
			all = one;
	}
	return all;
}

/* A pointer to a TYPE of known size leads to the start of B. */
static void claim_start(struct source *s, const struct hs_block *b,
			uint32_t type, hs_addr slot)
{
	struct hs_c *c = s->c;
	const struct hs_decls *d = &c->decls;
	enum hs_c_rank one = s->doubtful ? HS_C_DOUBTFUL_ONE : HS_C_FIRM_ONE;
	enum hs_c_rank many = s->doubtful ? HS_C_DOUBTFUL_MANY : HS_C_FIRM_MANY;
	uint64_t size = d->type[type].size, tail;
	uint32_t whole, element;
	bool exact;
	if (size > b->usable)
		return;
	enum hs_c_sense own = hs_c_makes_sense(s->n, c, type, b->user);
	/* An element that is not in use, and was something else before. */
	if (s->doubtful && own == HS_C_NONSENSE)
		return;
	bool fits = hs_c_fits(s->n, b, size);
	if (fits && !any_whole(s, b, type)) {
		take(s, b, type, HS_C_ONE, one, slot, own != HS_C_NONSENSE);
		return;
	}
	if (hs_decls_tail(d, type, &tail, &element) && !any_whole(s, b, type)) {
		take(s, b, type, HS_C_TAIL, many, slot, true);
		return;
	}
	if (hs_c_is_base(c, type)) {
		if (!fits && only_whole(s, b, type, 0, &whole) &&
		    hs_c_makes_sense(s->n, c, whole, b->user) == HS_C_SENSE)
			take(s, b, whole, HS_C_WITHIN, HS_C_INFERRED, slot,
			     true);
		else
			take(s, b, type, HS_C_BASE, HS_C_BEGINS, slot, false);
		return;
	}
	uint64_t count = hs_c_elements(s->n, b, size, &exact);
	enum hs_c_sense all = array_sense(s, type, b->user, size, count);
	/* Small ones fit everywhere, and null pointers are in all kinds of
	 * data: only numbers are taken for an array of them unproven. */
	if (count > 1 && (all == HS_C_SENSE || all == HS_C_NO_POINTERS))
		take(s, b, type, HS_C_ARRAY, many, slot, all == HS_C_SENSE);
	else if (hs_c_fits_with_rest(s->n, b, size))
		take(s, b, type, HS_C_ONE, one, slot, false);
	else
		take(s, b, type, HS_C_BASE, HS_C_BEGINS, slot, false);
}

/* A pointer to TYPE leads into B, OFFSET bytes from its start. */
static void claim_inside(struct source *s, const struct hs_block *b,
			 uint32_t type, uint64_t offset, hs_addr slot)
{
	uint32_t whole;
	/* Of an array it is an element; that is not for us to say. */
	if (only_whole(s, b, type, offset, &whole) &&
	    hs_c_makes_sense(s->n, s->c, whole, b->user) != HS_C_NONSENSE)
		take(s, b, whole, HS_C_WITHIN, HS_C_INFERRED, slot, true);
}

/* A rule says that the pointer at SLOT, whose value is V, leads to what RULE
 * says. It must have the size for it. */
static bool claim_by_rule(struct source *s, const struct hs_c_rule *rule,
			  uint64_t v, hs_addr slot)
{
	struct hs_c *c = s->c;
	struct hs_block b;
	enum hs_c_form form;
	uint32_t type = hs_decls_strip(&c->decls, rule->type);
	hs_addr at = v + (uint64_t)rule->at;
	if (!hs_c_tests_hold(&rule->provided, &c->read, at) ||
	    !hs_naming_block_at(s->n, at, &b))
		return false;
	if (c->decls.type[type].kind == HS_DECL_NUMBER) {
		take(s, &b, rule->type, HS_C_ARRAY, HS_C_SCALARS, slot, false);
		return true;
	}
	if (!could_be(s, &b, type, &form) ||
	    hs_c_makes_sense(s->n, c, type, b.user) == HS_C_NONSENSE)
		return false;
	take(s, &b, type, HS_C_RULE,
	     s->doubtful ? HS_C_DOUBTFUL_ONE : HS_C_FIRM_ONE, slot, true);
	return true;
}

static bool follow_rules(struct source *s, uint32_t subject,
			 enum hs_c_subject of, hs_addr addr, hs_addr slot);

/* The pointer at SLOT leads to what RULE says. */
static bool follow_rule(struct source *s, const struct hs_c_rule *rule,
			hs_addr slot)
{
	struct hs_c *c = s->c;
	uint64_t v;
	if (!hs_window_word(&c->read, slot, &v))
		return false;
	if (s->n->heap->tagged_pointers)
		v &= HS_ADDR_WITHOUT_TAG;
	if (v < LOWEST)
		return false;
	/* What a rule leads to may have rules of its own: `sds`, a base. */
	if (rule->of == HS_C_MEMBER) {
		if (hs_c_rules_has(&c->rules, rule->type, HS_C_TYPEDEF))
			return follow_rules(s, rule->type, HS_C_TYPEDEF, v,
					    slot);
		uint32_t type = hs_decls_strip(&c->decls, rule->type);
		if (rule->at == 0 && rule->provided.count == 0 &&
		    hs_c_rules_has(&c->rules, type, HS_C_POINTEE) &&
		    follow_rules(s, type, HS_C_POINTEE, v, slot))
			return true;
	}
	return claim_by_rule(s, rule, v, slot);
}

/* Try the rules of SUBJECT, whose conditions are about what is at ADDR. */
static bool follow_rules(struct source *s, uint32_t subject,
			 enum hs_c_subject of, hs_addr addr, hs_addr slot)
{
	struct hs_c *c = s->c;
	size_t count, first = hs_c_rules_find(&c->rules, subject, &count);
	bool any = false;
	for (size_t i = first; i < first + count; i++) {
		const struct hs_c_rule *rule = &c->rules.rule[i];
		if (rule->of != of || c->budget == 0 ||
		    !hs_c_tests_hold(&rule->when, &c->read, addr))
			continue;
		c->budget--;
		if (of == HS_C_MEMBER) /* one for each of its members */
			any |= follow_rule(s, rule, addr + rule->member);
		else if (follow_rule(s, rule, slot))
			return true;
	}
	return any;
}

static void follow(struct source *s, uint32_t pointee, hs_addr slot)
{
	const struct hs_decls *d = &s->c->decls;
	uint32_t type = hs_decls_strip(d, pointee);
	const struct hs_decl_type *t = &d->type[type];
	struct hs_block b;
	uint64_t v;
	if (!hs_window_word(&s->c->read, slot, &v))
		return;
	if (s->n->heap->tagged_pointers)
		v &= HS_ADDR_WITHOUT_TAG;
	if (v < LOWEST || !hs_naming_block_in(s->n, v, &b))
		return;
	bool at_start = v == b.user;
	if (hs_c_rules_has(&s->c->rules, type, HS_C_POINTEE) &&
	    follow_rules(s, type, HS_C_POINTEE, v, slot))
		return;
	switch (t->kind) {
	case HS_DECL_STRUCT:
	case HS_DECL_UNION:
		if (!t->complete) {
			if (at_start && t->name)
				take(s, &b, type, HS_C_OPAQUE, HS_C_BEGINS,
				     slot, false);
		} else if (at_start) {
			claim_start(s, &b, type, slot);
		} else {
			claim_inside(s, &b, type, v - b.user, slot);
		}
		break;
	case HS_DECL_POINTER:
	case HS_DECL_ARRAY:
		if (at_start && t->size > 0 && t->size <= b.usable)
			take(s, &b, type, HS_C_ARRAY,
			     s->doubtful ? HS_C_DOUBTFUL_MANY : HS_C_FIRM_MANY,
			     slot, false);
		break;
	case HS_DECL_NUMBER:
	case HS_DECL_ENUM:
		if (at_start)
			take(s, &b, pointee, HS_C_ARRAY, HS_C_SCALARS, slot,
			     false);
		break;
	default: /* void, functions: nothing is said */
		break;
	}
}

/* Take typedefs off TYPE, up to one that has rules: then true. */
static bool ruled_alias(const struct hs_c *c, uint32_t *type)
{
	uint32_t at = *type;
	for (unsigned i = 0; i < MAX_DEPTH; i++) {
		const struct hs_decl_type *t = &c->decls.type[at];
		if (t->kind != HS_DECL_ALIAS)
			break;
		if (hs_c_rules_has(&c->rules, at, HS_C_TYPEDEF)) {
			*type = at;
			return true;
		}
		at = t->of;
	}
	*type = hs_decls_strip(&c->decls, *type);
	return false;
}

/* Has a value of TYPE pointers that lead on? Asked once for each type. */
static bool leads(struct hs_c *c, uint32_t type, unsigned depth)
{
	enum { UNKNOWN, NO, YES };
	const struct hs_decls *d = &c->decls;
	if (ruled_alias(c, &type))
		return true;
	const struct hs_decl_type *t = &d->type[type];
	if (hs_c_rules_has(&c->rules, type, HS_C_MEMBER) ||
	    hs_c_rules_has(&c->rules, type, HS_C_VIEW))
		return true;
	if (c->leads[type] != UNKNOWN)
		return c->leads[type] == YES;
	bool yes = false;
	if (depth == MAX_DEPTH)
		return false;
	c->leads[type] = NO; /* while it is being asked: no harm */
	if (t->kind == HS_DECL_POINTER) {
		uint8_t kind = d->type[hs_decls_strip(d, t->of)].kind;
		yes = kind != HS_DECL_VOID && kind != HS_DECL_FUNCTION &&
		      kind != HS_DECL_OTHER;
	} else if (t->kind == HS_DECL_ARRAY) {
		yes = leads(c, t->of, depth + 1);
	} else if (t->kind == HS_DECL_STRUCT) {
		for (uint32_t i = 0; i < t->members && !yes; i++)
			yes = leads(c, d->member[t->member + i].type,
				    depth + 1);
	}
	c->leads[type] = yes ? YES : NO;
	return yes;
}

static void visit(struct source *s, uint32_t type, hs_addr addr,
		  unsigned depth);

/* The member that a rule names for the union TYPE. */
static void visit_view(struct source *s, uint32_t type, hs_addr addr,
		       unsigned depth)
{
	struct hs_c *c = s->c;
	size_t count, first = hs_c_rules_find(&c->rules, type, &count);
	for (size_t i = first; i < first + count; i++) {
		const struct hs_c_rule *rule = &c->rules.rule[i];
		if (rule->of == HS_C_VIEW &&
		    hs_c_tests_hold(&rule->when, &c->read, addr)) {
			visit(s, rule->type, addr + rule->member, depth + 1);
			return;
		}
	}
}

/* Follow the pointers in a value of TYPE at ADDR. What is in a union depends on
 * what only the program knows. */
static void visit(struct source *s, uint32_t type, hs_addr addr, unsigned depth)
{
	struct hs_c *c = s->c;
	const struct hs_decls *d = &c->decls;
	uint64_t v;
	if (depth == MAX_DEPTH || c->budget == 0 || addr >= s->end ||
	    !leads(c, type, 0))
		return;
	c->budget--;
	if (ruled_alias(c, &type)) {
		if (hs_window_word(&c->read, addr, &v) && v >= LOWEST)
			(void)follow_rules(s, type, HS_C_TYPEDEF, v, addr);
		return;
	}
	const struct hs_decl_type *t = &d->type[type];
	if (hs_c_rules_has(&c->rules, type, HS_C_MEMBER))
		(void)follow_rules(s, type, HS_C_MEMBER, addr, addr);
	if (hs_c_rules_has(&c->rules, type, HS_C_VIEW)) {
		visit_view(s, type, addr, depth);
	} else if (t->kind == HS_DECL_POINTER) {
		if (t->size == c->read.word_size && s->end - addr >= t->size)
			follow(s, t->of, addr);
	} else if (t->kind == HS_DECL_STRUCT) {
		for (uint32_t i = 0; i < t->members; i++) {
			const struct hs_decl_member *m =
				&d->member[t->member + i];
			if (!m->bits && m->offset < s->end - addr)
				visit(s, m->type, addr + m->offset, depth + 1);
		}
	} else if (t->kind == HS_DECL_ARRAY) {
		uint64_t size = d->type[hs_decls_strip(d, t->of)].size;
		for (uint64_t i = 0; size > 0 && i < t->count &&
				     i < (s->end - addr) / size && c->budget;
		     i++)
			visit(s, t->of, addr + i * size, depth + 1);
	}
}

/* Elements from ADDR to the end of the block, FIRST of them for certain. */
static void visit_elements(struct source *s, uint32_t type, hs_addr addr,
			   uint64_t certain)
{
	const struct hs_decls *d = &s->c->decls;
	uint64_t size = d->type[hs_decls_strip(d, type)].size;
	bool doubtful = s->doubtful;
	if (size == 0 || addr > s->end || !leads(s->c, type, 0))
		return;
	uint64_t count = (s->end - addr) / size;
	for (uint64_t i = 0; i < count && s->c->budget; i++) {
		s->doubtful = doubtful || i >= certain;
		visit(s, type, addr + i * size, 0);
	}
	s->doubtful = doubtful;
}

static void expand(struct hs_naming *n, struct hs_c *c, uint32_t chunk)
{
	const struct hs_c_claim *claim = &c->claim[chunk];
	struct hs_block b;
	uint64_t tail;
	uint32_t element;
	if (claim->clash || !hs_naming_block(n, chunk, &b))
		return;
	struct source s = {
		.n = n,
		.c = c,
		.from = chunk,
		.start = b.user,
		.end = b.user + b.usable,
		.doubtful = claim->rank < HS_C_FIRM_MANY,
	};
	if (claim->form == HS_C_ARRAY) {
		visit_elements(&s, claim->type, b.user, 1);
		return;
	}
	if (claim->form == HS_C_OPAQUE)
		return;
	uint64_t size = c->decls.type[claim->type].size;
	if (size < b.usable)
		s.end = b.user + size;
	visit(&s, claim->type, b.user, 0);
	/* WITHIN and RULE may have tails, too. */
	if (claim->form != HS_C_BASE &&
	    hs_decls_tail(&c->decls, claim->type, &tail, &element)) {
		s.end = b.user + b.usable;
		visit_elements(&s, element, b.user + tail, 0);
	}
}

static void visit_roots(struct hs_naming *n, struct hs_c *c)
{
	for (size_t i = 0; i < c->root_count && !n->failed; i++) {
		const struct hs_c_root *root = &c->root[i];
		uint32_t type = c->decls.variable[root->variable].type;
		uint64_t size =
			c->decls.type[hs_decls_strip(&c->decls, type)].size;
		struct source s = {
			.n = n,
			.c = c,
			.from = HS_C_FROM_VARIABLE | (uint32_t)i,
			.start = root->at,
		};
		if (!__builtin_add_overflow(root->at, size, &s.end))
			visit(&s, type, root->at, 0);
	}
}

/* Serve the best queue that has something, until none has. */
static void serve(struct hs_naming *n, struct hs_c *c)
{
	for (unsigned rank = HS_C_RANKS; rank-- > 0 && !n->failed;) {
		struct hs_c_queue *q = &c->queue[rank];
		if (q->first == q->count) {
			q->first = q->count = 0;
			continue;
		}
		uint32_t chunk = q->chunk[q->first++];
		/* Overruled ones stand in a better queue as well. */
		if (c->claim[chunk].rank == rank)
			expand(n, c, chunk);
		rank = HS_C_RANKS;
	}
}

/* Before another round: what is known by now about each block stays. */
static void settle(struct hs_naming *n, struct hs_c *c)
{
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_c_claim *claim = &c->claim[i];
		uint8_t least = claim->least;
		if (claim->form != HS_C_NOTHING && claim->rank > least)
			least = claim->rank;
		if (claim->clash) /* for good: only better reasons count */
			least++;
		*claim = (struct hs_c_claim){ .least = least };
	}
}

void hs_c_spread(struct hs_naming *n, struct hs_c *c)
{
	uint64_t live = 0;
	for (size_t i = 0; i < n->heap->chunk_count; i++)
		live += hs_chunk_size(&n->heap->chunks[i]);
	c->budget = HS_LIMIT_SPREAD_EXTRA +
		    live / n->block.word_size * HS_LIMIT_SPREAD_PER_WORD;
	for (unsigned round = 0; round < MAX_ROUNDS && !n->failed; round++) {
		c->again = false;
		visit_roots(n, c);
		serve(n, c);
		if (!c->again || round + 1 == MAX_ROUNDS)
			return;
		settle(n, c);
	}
}
