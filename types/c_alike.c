/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "core/grow.h"
#include "core/limits.h"
#include "types/c_spread.h"

/*
 * Hash tables of any kind of thing: a bucket of a type, and a void pointer in
 * it. What one such member leads to is mostly of one type, so that many blocks
 * can be asked together: if of all structs of their size just one explains each
 * of them, and there is something in two places or more that other data would
 * not have (a function, a text, what is known to be that very struct), they are
 * that one. It is a guess, and so is what follows from it.
 */

/* Blocks that make a group, and of those that are asked which struct it is. */
#define LEAST 4u
#define ASKED 64u
/* One in so many may be something else. */
#define FEW 8u
/* Places with such evidence. */
#define LEAST_PLACES 2u
/* Members of a struct, and of those in it, that are looked at. */
#define MAX_MEMBERS 1024u
/* Structs of a size that are tried. */
#define MAX_TRIED 512u

/* A void pointer in a claimed block leads to a block without a name. */
struct held {
	uint32_t type;   /* of the holder */
	uint32_t offset; /* of the pointer in it */
	uint64_t usable; /* of the block */
	uint32_t chunk, from;
};

struct sized {
	uint64_t usable;
	uint32_t type;
};

struct search {
	struct hs_naming *n;
	struct hs_c *c;
	struct held *held;
	size_t count, capacity;
	struct sized *sized; /* by usable */
	size_t sized_count, sized_capacity;
	bool any; /* was claimed */
	enum hs_status st;
	struct hs_error err;
};

static int by_member(const void *x, const void *y)
{
	const struct held *a = x, *b = y;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	if (a->usable != b->usable)
		return a->usable < b->usable ? -1 : 1;
	if (a->chunk != b->chunk)
		return a->chunk < b->chunk ? -1 : 1;
	return a->from < b->from ? -1 : a->from > b->from;
}

static int by_usable(const void *x, const void *y)
{
	const struct sized *a = x, *b = y;
	if (a->usable != b->usable)
		return a->usable < b->usable ? -1 : 1;
	return a->type < b->type ? -1 : a->type > b->type;
}

static bool is_open(const struct search *s, uint32_t chunk)
{
	return s->n->type_of[chunk] == HS_NO_TYPE &&
	       s->c->claim[chunk].form == HS_C_NOTHING;
}

/* Note where the void pointers of a TYPE in the block FROM lead. */
static void note(struct search *s, uint32_t holder, uint32_t type,
		 uint64_t offset, uint32_t from, const struct hs_block *b,
		 unsigned depth)
{
	const struct hs_decls *d = &s->c->decls;
	type = hs_decls_strip(d, type);
	const struct hs_decl_type *t = &d->type[type];
	struct hs_block target;
	uint64_t v;
	if (s->c->budget == 0)
		return;
	s->c->budget--;
	if (t->kind == HS_DECL_STRUCT && depth < HS_LIMIT_EMBED_DEPTH) {
		for (uint32_t i = 0; i < t->members && !s->st; i++) {
			const struct hs_decl_member *m =
				&d->member[t->member + i];
			if (!m->bits && !m->choice)
				note(s, holder, m->type, offset + m->offset,
				     from, b, depth + 1);
		}
		return;
	}
	if (t->kind != HS_DECL_POINTER || offset > UINT32_MAX ||
	    d->type[hs_decls_strip(d, t->of)].kind != HS_DECL_VOID)
		return;
	if (!hs_window_word(&s->c->read, b->user + offset, &v))
		return;
	if (s->n->heap->tagged_pointers)
		v &= HS_ADDR_WITHOUT_TAG;
	if (v < HS_C_LOWEST || !hs_naming_block_at(s->n, v, &target) ||
	    !is_open(s, (uint32_t)target.chunk) ||
	    s->count == HS_LIMIT_CHOICES || hs_is_plain_text(s->n, &target))
		return;
	s->st = hs_grow(&s->held, &s->capacity, s->count, sizeof(*s->held),
			&s->err);
	if (!s->st)
		s->held[s->count++] =
			(struct held){ holder, (uint32_t)offset, target.usable,
				       (uint32_t)target.chunk, from };
}

/* Has a TYPE a void pointer? *LEFT: members that may still be looked at. */
static bool has_void(const struct hs_decls *d, uint32_t type, unsigned depth,
		     unsigned *left)
{
	type = hs_decls_strip(d, type);
	const struct hs_decl_type *t = &d->type[type];
	bool yes = false;
	if (*left == 0)
		return false;
	--*left;
	if (t->kind == HS_DECL_POINTER)
		return d->type[hs_decls_strip(d, t->of)].kind == HS_DECL_VOID;
	for (uint32_t i = 0; t->kind == HS_DECL_STRUCT && i < t->members &&
			     depth < HS_LIMIT_EMBED_DEPTH && !yes;
	     i++)
		yes = has_void(d, d->member[t->member + i].type, depth + 1,
			       left);
	return yes;
}

/* Note where void pointers of all blocks lead that are one of a type. */
static void note_all(struct search *s)
{
	struct hs_c *c = s->c;
	uint32_t last = UINT32_MAX;
	bool any = false;
	for (size_t i = 0; i < s->n->heap->chunk_count && !s->st; i++) {
		const struct hs_c_claim *claim = &c->claim[i];
		struct hs_block b;
		if ((claim->form != HS_C_ONE && claim->form != HS_C_CHOSEN &&
		     claim->form != HS_C_ALIKE) ||
		    claim->clash)
			continue;
		unsigned left = MAX_MEMBERS;
		if (claim->type != last)
			any = has_void(&c->decls, claim->type, 0, &left);
		last = claim->type;
		if (any && hs_naming_live(s->n, i, &b))
			note(s, claim->type, claim->type, 0, (uint32_t)i, &b,
			     0);
	}
}

/* All structs with a name, by the blocks that they get. */
static void list_structs(struct search *s)
{
	const struct hs_decls *d = &s->c->decls;
	for (uint32_t i = 0; i < d->type_count && !s->st; i++) {
		const struct hs_decl_type *t = &d->type[i];
		if (t->kind != HS_DECL_STRUCT || !t->complete || !t->name ||
		    t->size == 0 || hs_c_is_library(s->c, i))
			continue;
		s->st = hs_grow(&s->sized, &s->sized_capacity, s->sized_count,
				sizeof(*s->sized), &s->err);
		if (!s->st)
			s->sized[s->sized_count++] =
				(struct sized){ hs_c_usable(s->n, t->size), i };
	}
	if (s->sized_count)
		qsort(s->sized, s->sized_count, sizeof(*s->sized), by_usable);
}

static size_t first_of(const struct search *s, uint64_t usable)
{
	size_t first = 0, end = s->sized_count;
	while (first < end) {
		size_t mid = first + (end - first) / 2;
		if (s->sized[mid].usable < usable)
			first = mid + 1;
		else
			end = mid;
	}
	return first;
}

/* Does TYPE explain those of the group that are asked, nearly all of them? A
 * few may be something else. */
static bool explains_all(struct search *s, uint32_t type,
			 const struct held *group, size_t count)
{
	struct hs_c_evidence evidence = { .count = 0 };
	size_t step = count > ASKED ? count / ASKED : 1;
	size_t asked = (count + step - 1) / step, others = 0;
	for (size_t i = 0; i < count; i += step) {
		struct hs_block b;
		if (hs_naming_live(s->n, group[i].chunk, &b) &&
		    hs_c_explains(s->n, s->c, type, &b, &evidence))
			continue;
		if (++others > asked / FEW)
			return false;
	}
	return evidence.count >= LEAST_PLACES;
}

/* The blocks of GROUP, all different, are of one type if that can be told. */
static void look(struct search *s, const struct held *group, size_t count)
{
	size_t at = first_of(s, group->usable), found = 0;
	uint32_t type = 0;
	for (size_t i = at; i < s->sized_count && found < 2 &&
			    s->sized[i].usable == group->usable;
	     i++) {
		if (i - at == MAX_TRIED || s->c->budget == 0)
			return;
		if (!explains_all(s, s->sized[i].type, group, count))
			continue;
		found++;
		type = s->sized[i].type;
	}
	for (size_t i = 0; found == 1 && i < count; i++) {
		struct hs_block b;
		struct hs_c_source source = { .n = s->n,
					      .c = s->c,
					      .from = group[i].from };
		if (!hs_naming_live(s->n, group[i].chunk, &b) ||
		    !hs_c_explains(s->n, s->c, type, &b, NULL))
			continue;
		hs_c_claim_as(&source, &b, type, HS_C_ALIKE, HS_C_INFERRED,
			      group[i].offset);
		s->any = true;
	}
}

static void look_at_all(struct search *s)
{
	size_t kept = 0;
	if (!s->count)
		return;
	qsort(s->held, s->count, sizeof(*s->held), by_member);
	/* Each block once. */
	for (size_t i = 0; i < s->count; i++)
		if (!kept || s->held[kept - 1].chunk != s->held[i].chunk ||
		    s->held[kept - 1].type != s->held[i].type ||
		    s->held[kept - 1].offset != s->held[i].offset)
			s->held[kept++] = s->held[i];
	for (size_t i = 0; i < kept && !s->n->failed;) {
		size_t end = i + 1;
		while (end < kept && s->held[end].type == s->held[i].type &&
		       s->held[end].offset == s->held[i].offset &&
		       s->held[end].usable == s->held[i].usable)
			end++;
		if (end - i >= LEAST)
			look(s, &s->held[i], end - i);
		i = end;
	}
}

bool hs_c_alike(struct hs_naming *n, struct hs_c *c)
{
	struct search s = { .n = n, .c = c };
	note_all(&s);
	if (!s.st && s.count >= LEAST)
		list_structs(&s);
	if (!s.st)
		look_at_all(&s);
	if (s.st)
		hs_naming_fail(n, s.st, &s.err);
	free(s.held);
	free(s.sized);
	return s.any;
}
