/* SPDX-License-Identifier: MIT */
#include "types/c_spread.h"
#include "core/bits.h"
#include "core/limits.h"
#include "core/prefetch.h"
#include "types/cxx_exception.h"

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
/* Blocks of a queue for which memory is asked before their turn. */
#define AHEAD 48u
/* Blocks for which it is worth while to put them in order. */
#define LEAST_ORDERED 64u

static void visit(struct hs_c_source *s, uint32_t type, hs_addr addr,
		  unsigned depth);

/* The member that a rule names for the union TYPE. */
static void visit_view(struct hs_c_source *s, uint32_t type, hs_addr addr,
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

/* The same as visit() from a list, if TYPE has one and lies before the end. */
static bool visit_listed(struct hs_c_source *s, uint32_t type, hs_addr addr)
{
	struct hs_c *c = s->c;
	const struct hs_c_plan *plan = hs_c_plan(c, type);
	if (!plan->flat_leads || c->decls.type[type].size > s->end - addr ||
	    c->budget < plan->leads)
		return false;
	c->budget -= plan->leads;
	for (uint32_t i = 0; i < plan->leads; i++) {
		const struct hs_c_lead *lead = &c->plans.lead[plan->lead + i];
		if (lead->choice)
			hs_c_choice_note(s, lead->pointee, addr + lead->offset);
		else if ((uint64_t)lead->offset + c->read.word_size <=
			 s->end - addr)
			hs_c_follow(s, lead->pointee, addr + lead->offset);
	}
	return true;
}

/* Follow the pointers in a value of TYPE at ADDR. What is in a union depends on
 * what only the program knows. */
static void visit(struct hs_c_source *s, uint32_t type, hs_addr addr,
		  unsigned depth)
{
	struct hs_c *c = s->c;
	const struct hs_decls *d = &c->decls;
	uint64_t v;
	if (depth == MAX_DEPTH || c->budget == 0 || addr >= s->end ||
	    !hs_c_leads(c, type))
		return;
	c->budget--;
	if (hs_c_ruled_alias(c, &type)) {
		if (hs_window_word(&c->read, addr, &v) && v >= HS_C_LOWEST)
			(void)hs_c_follow_rules(s, type, HS_C_TYPEDEF, v, addr);
		return;
	}
	if (visit_listed(s, type, addr))
		return;
	const struct hs_decl_type *t = &d->type[type];
	if (hs_c_rules_has(&c->rules, type, HS_C_MEMBER))
		(void)hs_c_follow_rules(s, type, HS_C_MEMBER, addr, addr);
	const struct hs_c_container *container = hs_c_container(c, type);
	if (hs_c_rules_has(&c->rules, type, HS_C_VIEW)) {
		visit_view(s, type, addr, depth);
	} else if (container) {
		if (t->size <= s->end - addr)
			hs_c_visit_container(s, container, addr);
	} else if (t->kind == HS_DECL_POINTER) {
		if (t->size == c->read.word_size && s->end - addr >= t->size)
			hs_c_follow(s, t->of, addr);
	} else if (t->kind == HS_DECL_STRUCT) {
		for (uint32_t i = 0; i < t->members; i++) {
			const struct hs_decl_member *m =
				&d->member[t->member + i];
			if (!m->bits && m->offset < s->end - addr &&
			    hs_c_is_there(c, t, m, addr))
				visit(s, m->type, addr + m->offset, depth + 1);
		}
		for (uint32_t i = 0; i < t->virtuals; i++) {
			const struct hs_decl_member *base;
			hs_addr at;
			if (hs_c_virtual_base(s->n, c, t, i, addr, &base, &at))
				visit(s, base->type, at, depth + 1);
		}
	} else if (t->kind == HS_DECL_UNION) {
		hs_c_choice_note(s, type, addr);
	} else if (t->kind == HS_DECL_ARRAY) {
		uint64_t size = d->type[hs_decls_strip(d, t->of)].size;
		for (uint64_t i = 0; size > 0 && i < t->count &&
				     i < (s->end - addr) / size && c->budget;
		     i++)
			visit(s, t->of, addr + i * size, depth + 1);
	}
}

void hs_c_visit_value(struct hs_c_source *s, uint32_t type, hs_addr addr)
{
	visit(s, type, addr, 0);
}

/* Elements from ADDR to the end of the block, FIRST of them for certain. */
static void visit_elements(struct hs_c_source *s, uint32_t type, hs_addr addr,
			   uint64_t certain)
{
	const struct hs_decls *d = &s->c->decls;
	uint64_t size = d->type[hs_decls_strip(d, type)].size;
	bool doubtful = s->doubtful;
	if (size == 0 || addr > s->end || !hs_c_leads(s->c, type))
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
	if (claim->clash || !hs_naming_live(n, chunk, &b))
		return;
	struct hs_c_source s = {
		.n = n,
		.c = c,
		.from = chunk,
		.start = b.user,
		.end = b.user + b.usable,
		/* Variables of a coroutine may not be set yet, or not any
		 * more. */
		.doubtful = claim->rank < HS_C_FIRM_MANY ||
			    claim->form == HS_C_FRAME,
	};
	if (claim->form == HS_C_ARRAY) {
		visit_elements(&s, claim->type, b.user, 1);
		return;
	}
	if (hs_c_is_counted(claim->form)) {
		hs_addr first;
		uint64_t count = hs_c_counted(n, c, claim, &b, &first);
		s.end = first + count * c->decls.type[claim->type].size;
		visit_elements(&s, claim->type, first, count);
		return;
	}
	if (claim->form == HS_C_ROW) {
		visit_elements(&s, claim->type, b.user, 0);
		return;
	}
	const struct hs_c_plan *plan =
		hs_c_plan(c, hs_decls_strip(&c->decls, claim->type));
	uint64_t size = c->decls.type[claim->type].size;
	if (size < b.usable)
		s.end = b.user + size;
	if (claim->form == HS_C_THROWN) {
		if (size > b.usable - HS_CXX_THROWN)
			return;
		s.end = b.user + HS_CXX_THROWN + size;
		visit(&s, claim->type, b.user + HS_CXX_THROWN, 0);
		return;
	}
	visit(&s, claim->type, b.user, 0);
	/* WITHIN and RULE may have tails, too. */
	if (claim->form != HS_C_BASE && plan->has_tail) {
		s.end = b.user + b.usable;
		visit_elements(&s, plan->element, b.user + plan->tail, 0);
	}
}

/* The word VALUE, OFFSET bytes into a variable of TYPE, which is nowhere but in
 * registers. */
static void visit_register(struct hs_c_source *s, uint32_t type,
			   uint64_t offset, uint64_t value)
{
	const struct hs_c *c = s->c;
	const struct hs_c_plan *plan =
		hs_c_plan(s->c, hs_decls_strip(&c->decls, type));
	for (uint32_t i = 0; plan->flat_leads && i < plan->leads; i++) {
		const struct hs_c_lead *lead = &c->plans.lead[plan->lead + i];
		if (lead->offset == offset && !lead->choice)
			hs_c_follow_value(s, lead->pointee, value,
					  s->start + offset);
	}
}

static void visit_roots(struct hs_naming *n, struct hs_c *c)
{
	for (size_t i = 0; i < c->root_count && !n->failed; i++) {
		const struct hs_c_root *root = &c->root[i];
		uint32_t type = c->decls.variable[root->variable].type;
		uint64_t size =
			c->decls.type[hs_decls_strip(&c->decls, type)].size;
		struct hs_c_source s = {
			.n = n,
			.c = c,
			.from = HS_C_FROM_VARIABLE | (uint32_t)i,
			.start = root->at,
			.doubtful = root->local,
		};
		if (root->at == HS_NO_ADDR)
			visit_register(&s, type, root->offset, root->value);
		else if (!__builtin_add_overflow(root->at, size, &s.end))
			visit(&s, type, root->at, 0);
	}
}

/* Ask the caches for what comes up in Q: a frontier may be larger than they
 * are. */
static void ask_ahead(struct hs_naming *n, struct hs_c *c,
		      const struct hs_c_queue *q)
{
	size_t far = q->first + AHEAD, near = q->first + AHEAD / 2;
	if (far < q->count) {
		hs_prefetch(&c->claim[q->chunk[far]]);
		hs_prefetch(&n->heap->chunks[q->chunk[far]]);
	}
	if (near < q->count)
		hs_window_ask(&c->read, n->heap->chunks[q->chunk[near]].addr +
						n->heap->layout.header);
}

/*
 * Who waits in Q goes by address: what is at hand once, in caches and page
 * tables, serves all that need it, and the order in which programs allocate is
 * mostly the one in which they link. Few are left in the order they came in.
 */
static void put_in_order(struct hs_c *c, struct hs_c_queue *q)
{
	size_t count = q->count - q->first;
	uint32_t *chunk = q->chunk + q->first, low = UINT32_MAX, high = 0;
	q->ordered = q->count;
	if (count < LEAST_ORDERED)
		return;
	for (size_t i = 0; i < count; i++) {
		low = chunk[i] < low ? chunk[i] : low;
		high = chunk[i] > high ? chunk[i] : high;
	}
	if ((high - low) / 64 > count)
		return;
	for (size_t i = 0; i < count; i++)
		hs_bit_set(c->due, chunk[i]);
	size_t to = 0;
	for (uint32_t at = low / 64; at <= high / 64; at++) {
		for (uint64_t bits = c->due[at]; bits; bits &= bits - 1)
			chunk[to++] = at * 64 + (uint32_t)__builtin_ctzll(bits);
		c->due[at] = 0;
	}
	/* What was in it twice. */
	q->count = q->ordered = q->first + to;
}

/* The best queue that has something; HS_C_RANKS: none. */
static unsigned best_queue(struct hs_c *c)
{
	for (unsigned rank = HS_C_RANKS; rank-- > 0;) {
		struct hs_c_queue *q = &c->queue[rank];
		if (q->first < q->count)
			return rank;
		q->first = q->count = q->ordered = 0;
	}
	return HS_C_RANKS;
}

/* Serve the best queue that has something, until none has. Before a worse one
 * gets its turn, no pointer waits that could lead to a better. */
static void serve(struct hs_naming *n, struct hs_c *c)
{
	unsigned last = HS_C_RANKS;
	while (!n->failed) {
		unsigned rank = best_queue(c);
		if (c->waiting_count && (rank == HS_C_RANKS || rank < last)) {
			hs_c_follow_waiting(n, c);
			continue;
		}
		if (rank == HS_C_RANKS) {
			last = HS_C_RANKS;
			if (!hs_c_inner_visit(n, c))
				return;
			continue;
		}
		struct hs_c_queue *q = &c->queue[rank];
		if (q->first >= q->ordered)
			put_in_order(c, q);
		ask_ahead(n, c, q);
		uint32_t chunk = q->chunk[q->first++];
		/* Overruled ones stand in a better queue as well. */
		if (c->claim[chunk].rank == rank)
			expand(n, c, chunk);
		last = rank;
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
	hs_c_inner_forget(c);
	c->choices.count = 0;
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
		hs_c_claim_objects(n, c);
		visit_roots(n, c);
		serve(n, c);
		if (!c->again || round + 1 == MAX_ROUNDS)
			return;
		settle(n, c);
	}
}

/* What follows, and what follows from unions that were met on the way. */
static void serve_choices(struct hs_naming *n, struct hs_c *c)
{
	do
		serve(n, c);
	while (hs_c_choose(n, c));
}

void hs_c_spread_on(struct hs_naming *n, struct hs_c *c)
{
	c->guessing = true;
	for (size_t i = 0; i < c->inferred.count && !n->failed; i++)
		expand(n, c, c->inferred.chunk[i]);
	serve_choices(n, c);
	for (unsigned round = 0;
	     round < MAX_ROUNDS && !n->failed && hs_c_alike(n, c); round++)
		serve_choices(n, c);
}
