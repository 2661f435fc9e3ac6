/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/grow.h"
#include "core/prefetch.h"
#include "types/c_spread.h"

/*
 * What a pointer says of the block that it leads to, and whether that is
 * better than what is known of the block already.
 */
/* Elements of an array whose values are looked at. */
#define MAX_TRIED 64u

static void push(struct hs_c_source *s, uint32_t chunk, unsigned rank)
{
	struct hs_c_queue *q = &s->c->queue[rank];
	struct hs_error err;
	/* What was served makes room. */
	if (q->count == q->capacity && q->first > q->capacity / 2) {
		memmove(q->chunk, q->chunk + q->first,
			(q->count - q->first) * sizeof(*q->chunk));
		q->count -= q->first;
		q->ordered -= q->first;
		q->first = 0;
	}
	enum hs_status st = hs_grow(&q->chunk, &q->capacity, q->count,
				    sizeof(*q->chunk), &err);
	if (st) {
		hs_naming_fail(s->n, st, &err);
		return;
	}
	q->chunk[q->count++] = chunk;
}

bool hs_c_whole_of(const struct hs_c *c, uint32_t a, uint32_t b, uint32_t *ret)
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

/* Does something follow from CLAIM for other blocks? */
static bool leads_on(struct hs_c *c, const struct hs_c_claim *claim)
{
	return claim->form != HS_C_NOTHING && claim->form != HS_C_OPAQUE &&
	       hs_c_plan(c, hs_decls_strip(&c->decls, claim->type))->leads_on;
}

bool hs_c_is_unexplained(const struct hs_c *c, const struct hs_block *b,
			 uint64_t offset)
{
	const struct hs_c_claim *claim = &c->claim[b->chunk];
	switch (claim->form) {
	case HS_C_NOTHING:
	case HS_C_OPAQUE:
		return claim->least < HS_C_RANKS;
	case HS_C_BASE:
		return claim->clash ||
		       offset >= c->decls.type[claim->type].size;
	default:
		return claim->clash || claim->rank == HS_C_SCALARS;
	}
}

static void take(struct hs_c_source *s, const struct hs_block *b, uint32_t type,
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
		.guess = c->guessing,
	};
	/* What was known before guesses stays. */
	if (c->guessing && claim->form != HS_C_NOTHING && !claim->guess)
		return;
	if (rank < claim->least ||
	    (claim->form != HS_C_NOTHING && rank < claim->rank))
		return;
	uint32_t whole;
	/* An object says itself what it is, if it is not a part. */
	if ((claim->form == HS_C_OBJECT || claim->form == HS_C_FRAME) &&
	    (rank < HS_C_FIRM_ONE ||
	     !hs_c_whole_of(c, claim->type, type, &whole) ||
	     whole == claim->type))
		return;
	if (claim->form != HS_C_NOTHING && rank == claim->rank) {
		/* The same, maybe by another name; or the first of many. */
		if (claim->clash || hs_decls_strip(&c->decls, claim->type) ==
					    hs_decls_strip(&c->decls, type))
			return;
		/* Any two pointers to numbers may lead to one buffer. */
		if (rank == HS_C_SCALARS ||
		    !hs_c_whole_of(c, claim->type, type, &whole)) {
			claim->clash = true;
			c->again |= leads_on(c, claim);
			return;
		}
		if (whole == claim->type)
			return;
	}
	/* It may have led on already. */
	c->again |= leads_on(c, claim);
	*claim = new;
	if (leads_on(c, claim))
		push(s, (uint32_t)b->chunk, rank);
}

void hs_c_claim_as(struct hs_c_source *s, const struct hs_block *b,
		   uint32_t type, enum hs_c_form form, enum hs_c_rank rank,
		   hs_addr slot)
{
	take(s, b, type, form, rank, slot, true);
}

/* Could a block of TYPE, one of them, be B? A tail may make it longer. */
static bool could_be(const struct hs_c_source *s, const struct hs_block *b,
		     uint32_t type, enum hs_c_form *form)
{
	const struct hs_decls *d = &s->c->decls;
	const struct hs_c_plan *plan;
	if (!d->type[type].complete)
		return false;
	if (hs_c_fits(s->n, b, d->type[type].size)) {
		*form = HS_C_ONE;
		return true;
	}
	plan = hs_c_plan(s->c, type);
	if (plan->has_tail && plan->tail <= b->usable && plan->tail > 0 &&
	    d->type[type].size <= b->usable) {
		*form = HS_C_TAIL;
		return true;
	}
	return false;
}

/*
 * A pointer to TYPE leads OFFSET bytes into B: the one struct with such a part
 * there that B could be. False: none, or more than one.
 */
static bool only_whole(struct hs_c_source *s, const struct hs_block *b,
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

/* Does any struct that begins with TYPE fit B? That depends on B's size alone,
 * and the blocks of a type have mostly one. */
static bool any_whole(struct hs_c_source *s, const struct hs_block *b,
		      uint32_t type)
{
	struct hs_c *c = s->c;
	struct hs_c_plan *plan = hs_c_plan(c, type);
	bool mapped = s->n->heap->chunks[b->chunk].state == HS_CHUNK_MMAPPED;
	enum hs_c_form form;
	if (plan->asked && plan->asked_usable == b->usable &&
	    plan->asked_mapped == mapped)
		return plan->answer;
	plan->asked = true;
	plan->asked_usable = b->usable;
	plan->asked_mapped = mapped;
	plan->answer = false;
	for (uint32_t i = 0; i < plan->wholes && !plan->answer; i++)
		plan->answer =
			could_be(s, b, c->part[plan->whole + i].whole, &form);
	return plan->answer;
}

static enum hs_c_sense array_sense(struct hs_c_source *s, uint32_t type,
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

/* Does a TYPE have a pointer to another one, as nodes of lists have? */
static bool links_itself(struct hs_c *c, uint32_t type)
{
	const struct hs_c_plan *plan = hs_c_plan(c, type);
	for (uint32_t i = 0; plan->flat_leads && i < plan->leads; i++)
		if (!c->plans.lead[plan->lead + i].choice &&
		    hs_decls_strip(&c->decls,
				   c->plans.lead[plan->lead + i].pointee) ==
			    type)
			return true;
	return false;
}

/*
 * Programs keep how many elements they asked for beside the pointer to them. Is
 * there a number next to SLOT, as many of SIZE as malloc gives B for?
 */
static bool is_counted_beside(struct hs_c_source *s, const struct hs_block *b,
			      uint64_t size, hs_addr slot)
{
	static const uint8_t widths[] = { 4, 8 };
	hs_addr w = s->c->read.word_size;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned from = 0; from <= 4 * w; from += widths[i]) {
			uint64_t count;
			/* The pointer itself is no number. */
			if (from < 3 * w && from + widths[i] > 2 * w)
				continue;
			if (hs_window_uint(&s->c->read, slot - 2 * w + from,
					   widths[i], &count) &&
			    count > 1 && count <= b->usable / size &&
			    hs_c_fits(s->n, b, count * size))
				return true;
		}
	}
	return false;
}

/* A pointer to a TYPE of known size leads to the start of B. */
static void claim_start(struct hs_c_source *s, const struct hs_block *b,
			uint32_t type, hs_addr slot)
{
	struct hs_c *c = s->c;
	const struct hs_decls *d = &c->decls;
	enum hs_c_rank one = s->doubtful ? HS_C_DOUBTFUL_ONE : HS_C_FIRM_ONE;
	enum hs_c_rank many = s->doubtful ? HS_C_DOUBTFUL_MANY : HS_C_FIRM_MANY;
	uint64_t size = d->type[type].size;
	uint32_t whole;
	bool exact;
	if (size > b->usable)
		return;
	enum hs_c_sense own = hs_c_makes_sense(s->n, c, type, b->user);
	/* An element that is not in use, and was something else before. */
	if (s->doubtful && own == HS_C_NONSENSE)
		return;
	bool fits = hs_c_fits(s->n, b, size);
	if (fits && !any_whole(s, b, type)) {
		/* Of small ones the smallest block has room for several. */
		take(s, b, type, HS_C_ONE, one, slot,
		     own != HS_C_NONSENSE && size > b->usable / 2);
		return;
	}
	if (hs_c_plan(c, type)->has_tail && !any_whole(s, b, type)) {
		take(s, b, type, HS_C_TAIL, many, slot, true);
		return;
	}
	if (hs_c_plan(c, type)->wholes) {
		if (!fits && only_whole(s, b, type, 0, &whole) &&
		    hs_c_makes_sense(s->n, c, whole, b->user) == HS_C_SENSE)
			take(s, b, whole, HS_C_WITHIN, HS_C_INFERRED, slot,
			     true);
		else
			take(s, b, type, HS_C_BASE, HS_C_BEGINS, slot, false);
		return;
	}
	/* What is left of a larger block may look like one more. */
	if (links_itself(c, type) && hs_c_fits_with_rest(s->n, b, size)) {
		take(s, b, type, HS_C_ONE, one, slot, false);
		return;
	}
	uint64_t count = hs_c_elements(s->n, b, size, &exact);
	enum hs_c_sense all = array_sense(s, type, b->user, size, count);
	/* Small ones fit everywhere, and null pointers are in all kinds of
	 * data: only numbers are taken for an array of them unproven. */
	if (count > 1 &&
	    (all == HS_C_SENSE || all == HS_C_NO_POINTERS ||
	     (all == HS_C_SILENT && is_counted_beside(s, b, size, slot))))
		take(s, b, type, HS_C_ARRAY, many, slot, all == HS_C_SENSE);
	else if (hs_c_fits_with_rest(s->n, b, size))
		take(s, b, type, HS_C_ONE, one, slot, false);
	else
		take(s, b, type, HS_C_BASE, HS_C_BEGINS, slot, false);
}

/* Is B a new TYPE[n], where n has been put before the objects because they have
 * a destructor? */
static bool is_counted(struct hs_c_source *s, const struct hs_block *b,
		       uint32_t type, uint64_t offset)
{
	const struct hs_decl_type *t = &s->c->decls.type[type];
	unsigned w = s->c->read.word_size;
	uint64_t count;
	return t->cxx && t->size > 0 && offset == w &&
	       hs_window_word(&s->c->read, b->user, &count) && count > 0 &&
	       count <= (b->usable - w) / t->size &&
	       hs_c_fits(s->n, b, count * t->size + w) &&
	       hs_c_makes_sense(s->n, s->c, type, b->user + w) != HS_C_NONSENSE;
}

/* A pointer to TYPE leads into B, OFFSET bytes from its start. */
static void claim_inside(struct hs_c_source *s, const struct hs_block *b,
			 uint32_t type, uint64_t offset, hs_addr slot)
{
	uint32_t whole;
	if (is_counted(s, b, type, offset)) {
		take(s, b, type, HS_C_COUNTED,
		     s->doubtful ? HS_C_DOUBTFUL_ONE : HS_C_FIRM_ONE, slot,
		     true);
		return;
	}
	/* Of an array it is an element; that is not for us to say. */
	if (only_whole(s, b, type, offset, &whole) &&
	    hs_c_makes_sense(s->n, s->c, whole, b->user) != HS_C_NONSENSE)
		take(s, b, whole, HS_C_WITHIN, HS_C_INFERRED, slot, true);
	else
		hs_c_inner_note(s, b, type, offset, slot);
}

/* A rule says that the pointer at SLOT, whose value is V, leads to what RULE
 * says. It must have the size for it. */
static bool claim_by_rule(struct hs_c_source *s, const struct hs_c_rule *rule,
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

/*
 * A program's own stack: V leads into a block, or to its end, in which values
 * that RULE names may be anywhere. Where their rules hold is one, or was.
 */
static bool claim_anywhere(struct hs_c_source *s, const struct hs_c_rule *rule,
			   uint64_t v, hs_addr slot)
{
	struct hs_c *c = s->c;
	struct hs_c_source in = *s;
	struct hs_block b;
	bool any = false;
	size_t count, first = hs_c_rules_find(&c->rules, rule->type, &count);
	uint64_t w = c->read.word_size, size = c->decls.type[rule->type].size;
	if (!hs_naming_block_in(s->n, v - 1, &b))
		return false;
	in.doubtful = true;
	for (uint64_t at = 0; b.usable >= size && at <= b.usable - size;
	     at += w) {
		for (size_t i = first; i < first + count; i++) {
			const struct hs_c_rule *of = &c->rules.rule[i];
			uint64_t to;
			if (of->of != HS_C_MEMBER || of->anywhere)
				continue;
			if (c->budget == 0)
				return any;
			c->budget--;
			if (hs_c_tests_hold(&of->when, &c->read, b.user + at) &&
			    hs_window_word(&c->read, b.user + at + of->member,
					   &to) &&
			    to >= HS_C_LOWEST)
				any |= claim_by_rule(&in, of, to, slot);
		}
	}
	return any;
}

/* The pointer at SLOT leads to what RULE says. */
static bool follow_rule(struct hs_c_source *s, const struct hs_c_rule *rule,
			hs_addr slot)
{
	struct hs_c *c = s->c;
	uint64_t v;
	if (!hs_window_word(&c->read, slot, &v))
		return false;
	if (s->n->heap->tagged_pointers)
		v &= HS_ADDR_WITHOUT_TAG;
	if (v < HS_C_LOWEST)
		return false;
	if (rule->anywhere)
		return claim_anywhere(s, rule, v, slot);
	/* What a rule leads to may have rules of its own: `sds`, a base. */
	if (rule->of == HS_C_MEMBER) {
		if (hs_c_rules_has(&c->rules, rule->type, HS_C_TYPEDEF))
			return hs_c_follow_rules(s, rule->type, HS_C_TYPEDEF, v,
						 slot);
		uint32_t type = hs_decls_strip(&c->decls, rule->type);
		if (rule->at == 0 && rule->provided.count == 0 &&
		    hs_c_rules_has(&c->rules, type, HS_C_POINTEE) &&
		    hs_c_follow_rules(s, type, HS_C_POINTEE, v, slot))
			return true;
	}
	return claim_by_rule(s, rule, v, slot);
}

bool hs_c_follow_rules(struct hs_c_source *s, uint32_t subject,
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

/* A pointer to a POINTEE, found at SLOT, leads to V, which is within B. */
static void claim(struct hs_c_source *s, uint32_t pointee, hs_addr slot,
		  uint64_t v, const struct hs_block *b)
{
	const struct hs_decls *d = &s->c->decls;
	uint32_t type = hs_decls_strip(d, pointee);
	const struct hs_decl_type *t = &d->type[type];
	bool at_start = v == b->user;
	if (hs_c_rules_has(&s->c->rules, type, HS_C_POINTEE) &&
	    hs_c_follow_rules(s, type, HS_C_POINTEE, v, slot))
		return;
	switch (t->kind) {
	case HS_DECL_STRUCT:
	case HS_DECL_UNION:
		if (!t->complete) {
			if (at_start && t->name)
				take(s, b, type, HS_C_OPAQUE, HS_C_BEGINS, slot,
				     false);
		} else if (at_start) {
			claim_start(s, b, type, slot);
		} else {
			claim_inside(s, b, type, v - b->user, slot);
		}
		break;
	case HS_DECL_POINTER:
	case HS_DECL_ARRAY:
		if (at_start && t->size > 0 && t->size <= b->usable)
			take(s, b, type, HS_C_ARRAY,
			     s->doubtful ? HS_C_DOUBTFUL_MANY : HS_C_FIRM_MANY,
			     slot, false);
		break;
	case HS_DECL_NUMBER:
	case HS_DECL_ENUM:
		if (at_start)
			take(s, b, pointee, HS_C_ARRAY, HS_C_SCALARS, slot,
			     false);
		break;
	default: /* void, functions: nothing is said */
		break;
	}
}

/*
 * Is what W says of its block known, or less than what is? Whatever else is at
 * that block need not be looked at then, and mostly it is so: blocks have
 * vtables, or more than one pointer leads to them.
 */
static bool is_nothing_new(const struct hs_c *c, const struct hs_c_waiting *w)
{
	const struct hs_c_claim *claim = &c->claim[w->chunk];
	uint32_t type = hs_decls_strip(&c->decls, w->pointee);
	if (hs_c_rules_has(&c->rules, type, HS_C_POINTEE))
		return false;
	if (claim->rank > HS_C_FIRM_ONE || claim->least > HS_C_FIRM_ONE)
		return true;
	return w->at_start && claim->form == HS_C_ONE &&
	       claim->rank == HS_C_FIRM_ONE && claim->type == type;
}

/*
 * Three rounds over those that wait: each asks the caches for what the next one
 * needs, so that the waits for memory overlap.
 */
void hs_c_follow_waiting(struct hs_naming *n, struct hs_c *c)
{
	unsigned count = c->waiting_count;
	c->waiting_count = 0;
	for (unsigned i = 0; i < count; i++) {
		struct hs_c_waiting *w = &c->waiting[i];
		if (!hs_block_index_near(n->finder.index, w->region, w->to,
					 &w->chunk, &w->at_start)) {
			w->chunk = UINT32_MAX;
			continue;
		}
		hs_prefetch_to_write(&c->claim[w->chunk]);
		if (!w->plain || !w->at_start)
			hs_prefetch(&n->heap->chunks[w->chunk]);
	}
	for (unsigned i = 0; i < count && !n->failed; i++) {
		const struct hs_c_waiting *w = &c->waiting[i];
		struct hs_c_source s = { .n = n,
					 .c = c,
					 .from = w->from,
					 .start = w->start,
					 .doubtful = w->doubtful };
		struct hs_block b;
		if (w->chunk == UINT32_MAX || is_nothing_new(c, w))
			continue;
		if (w->plain && w->at_start) {
			b = (struct hs_block){ .chunk = w->chunk };
			take(&s, &b, w->pointee, HS_C_ARRAY, HS_C_SCALARS,
			     w->slot, false);
		} else if (hs_naming_live(n, w->chunk, &b) &&
			   w->to - b.user < b.usable) {
			claim(&s, w->pointee, w->slot, w->to, &b);
		}
	}
}

void hs_c_follow(struct hs_c_source *s, uint32_t pointee, hs_addr slot)
{
	uint64_t v;
	if (hs_window_word(&s->c->read, slot, &v))
		hs_c_follow_value(s, pointee, v, slot);
}

/* Is all that is said of a block, by a pointer to POINTEE that leads to its
 * start, that there are some? */
static bool is_plain(const struct hs_c *c, uint32_t pointee)
{
	uint32_t type = hs_decls_strip(&c->decls, pointee);
	uint8_t kind = c->decls.type[type].kind;
	return (kind == HS_DECL_NUMBER || kind == HS_DECL_ENUM) &&
	       !hs_c_rules_has(&c->rules, type, HS_C_POINTEE);
}

void hs_c_follow_value(struct hs_c_source *s, uint32_t pointee, uint64_t v,
		       hs_addr slot)
{
	struct hs_c *c = s->c;
	if (s->n->heap->tagged_pointers)
		v &= HS_ADDR_WITHOUT_TAG;
	if (v < HS_C_LOWEST)
		return;
	const struct hs_block_index *index = s->n->finder.index;
	const struct hs_index_region *region =
		hs_block_finder_region(&s->n->finder, v);
	if (!region)
		return;
	/* Of a number's block nothing is looked at. */
	bool plain = is_plain(c, pointee);
	hs_prefetch(hs_block_index_slot(index, region, v));
	if (!plain)
		hs_window_ask(&s->n->block, v);
	c->waiting[c->waiting_count++] =
		(struct hs_c_waiting){ .to = v,
				       .slot = slot,
				       .start = s->start,
				       .region = region,
				       .pointee = pointee,
				       .from = s->from,
				       .doubtful = s->doubtful,
				       .plain = plain };
	if (c->waiting_count == HS_C_WAITING)
		hs_c_follow_waiting(s->n, c);
}
