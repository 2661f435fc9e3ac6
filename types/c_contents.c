/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "core/backend.h"
#include "core/grow.h"
#include "core/limits.h"
#include "types/c_types.h"

/*
 * Blocks that no pointer with a type leads to, leaked ones above all, by what
 * they point to themselves: of all structs that malloc gives such a block for,
 * just one has pointers of the right types in the right places, and has them
 * wherever the block leads to another one.
 *
 * Only what the spread found counts as the type of what is pointed to, never
 * another guess of this kind: the order of blocks does not matter.
 */

/* Structs that are tried on one block; with more there would be no answer. */
#define MAX_TRIED 32u
/* Addresses below are numbers. */
#define LOWEST 4096u

/* A struct has a pointer to a struct that is known. */
struct slot {
	uint64_t usable; /* of the block that the struct gets */
	uint64_t offset;
	uint32_t pointee;
	uint32_t whole;
};

struct search {
	struct hs_naming *n;
	struct hs_c *c;
	struct slot *slot; /* by usable, offset, pointee, whole; owned */
	size_t count, capacity;
	uint64_t left; /* members that may still be looked at */
	enum hs_status st;
	struct hs_error err;
};

/* How well a struct explains what is in a block. */
struct trial {
	uint32_t told;    /* pointers to what has just that type */
	uint32_t leads;   /* pointers to blocks, with these */
	uint32_t pointee; /* of the first of them */
	uint64_t offset;  /* where that is */
	size_t target;    /* the chunk it leads to */
	bool other;       /* there is something else than these */
};

static int by_size(const void *x, const void *y)
{
	const struct slot *a = x, *b = y;
	if (a->usable != b->usable)
		return a->usable < b->usable ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	if (a->pointee != b->pointee)
		return a->pointee < b->pointee ? -1 : 1;
	return a->whole < b->whole ? -1 : a->whole > b->whole;
}

static bool is_struct(const struct hs_decl_type *t)
{
	return t->kind == HS_DECL_STRUCT && t->complete;
}

static void list_slots(struct search *s, uint32_t whole, uint32_t type,
		       uint64_t offset, unsigned depth)
{
	const struct hs_decls *d = &s->c->decls;
	const struct hs_decl_type *t = &d->type[type];
	if (depth == HS_LIMIT_EMBED_DEPTH)
		return;
	for (uint32_t i = 0; i < t->members && !s->st; i++) {
		const struct hs_decl_member *m = &d->member[t->member + i];
		uint32_t inner = hs_decls_strip(d, m->type);
		uint64_t at;
		/* A forged struct contains itself in a thousand ways. */
		if (s->left == 0)
			return;
		s->left--;
		if (m->bits || m->choice || s->count == HS_LIMIT_EMBEDDED ||
		    __builtin_add_overflow(offset, m->offset, &at) ||
		    at >= d->type[whole].size)
			continue;
		if (is_struct(&d->type[inner])) {
			list_slots(s, whole, inner, at, depth + 1);
			continue;
		}
		if (d->type[inner].kind != HS_DECL_POINTER)
			continue;
		uint32_t pointee = hs_decls_strip(d, d->type[inner].of);
		if (!is_struct(&d->type[pointee]))
			continue;
		s->st = hs_grow(&s->slot, &s->capacity, s->count,
				sizeof(*s->slot), &s->err);
		if (!s->st)
			s->slot[s->count++] = (struct slot){
				.usable =
					hs_c_usable(s->n, d->type[whole].size),
				.offset = at,
				.pointee = pointee,
				.whole = whole,
			};
	}
}

static size_t first_of(const struct search *s, uint64_t usable)
{
	size_t first = 0, end = s->count;
	while (first < end) {
		size_t mid = first + (end - first) / 2;
		if (s->slot[mid].usable < usable)
			first = mid + 1;
		else
			end = mid;
	}
	return first;
}

/* Where the pointer V leads: a live block, and what that is known to be. */
static bool known_target(struct search *s, uint64_t v, struct hs_block *b,
			 uint32_t *type)
{
	if (s->n->heap->tagged_pointers)
		v &= HS_ADDR_WITHOUT_TAG;
	if (v < LOWEST || !hs_naming_block_at(s->n, v, b))
		return false;
	const struct hs_c_claim *claim = &s->c->claim[b->chunk];
	bool known = s->n->type_of[b->chunk] == HS_NO_TYPE && !claim->clash &&
		     claim->rank > HS_C_INFERRED &&
		     (claim->form == HS_C_ONE || claim->form == HS_C_TAIL ||
		      claim->form == HS_C_RULE);
	*type = known ? hs_decls_strip(&s->c->decls, claim->type) : UINT32_MAX;
	return true;
}

/* Can what is not known to be one struct be a POINTEE? */
static bool may_be(struct search *s, const struct hs_block *b, uint32_t pointee)
{
	const struct hs_decls *d = &s->c->decls;
	const struct hs_decl_type *t = &d->type[pointee];
	const struct hs_c_claim *claim = &s->c->claim[b->chunk];
	uint8_t form =
		claim->form == HS_C_CONTENTS ? HS_C_NOTHING : claim->form;
	uint64_t tail;
	uint32_t element;
	switch (t->kind) {
	case HS_DECL_STRUCT:
	case HS_DECL_UNION:
		if (s->n->type_of[b->chunk] != HS_NO_TYPE ||
		    form != HS_C_NOTHING)
			return false;
		return !t->complete || hs_c_fits(s->n, b, t->size) ||
		       (hs_decls_tail(d, pointee, &tail, &element) &&
			t->size <= b->usable);
	case HS_DECL_NUMBER:
	case HS_DECL_ENUM:
		return form == HS_C_NOTHING || claim->rank == HS_C_SCALARS;
	case HS_DECL_FUNCTION:
		return false;
	default:
		return form == HS_C_NOTHING || form == HS_C_ARRAY;
	}
}

/* Does a pointer to POINTEE at ADDR, OFFSET bytes into the block, make sense
 * there? */
static bool try_pointer(struct search *s, uint32_t pointee, hs_addr addr,
			uint64_t offset, struct trial *trial)
{
	const struct hs_decl_type *t = &s->c->decls.type[pointee];
	struct hs_block b;
	uint32_t type;
	uint64_t v;
	if (!hs_window_word(&s->c->read, addr, &v))
		return false;
	if (v == 0)
		return true;
	if (known_target(s, v, &b, &type)) {
		trial->leads++;
		if (t->kind == HS_DECL_VOID) {
			trial->other = true;
			return true;
		}
		if (type == UINT32_MAX) {
			trial->other = true;
			return may_be(s, &b, pointee);
		}
		if (type != pointee)
			return false;
		if (trial->told++ == 0) {
			trial->pointee = pointee;
			trial->offset = offset;
			trial->target = b.chunk;
		} else if (trial->pointee != pointee) {
			trial->other = true;
		}
		return true;
	}
	if (s->n->heap->tagged_pointers)
		v &= HS_ADDR_WITHOUT_TAG;
	if (v < LOWEST)
		return false;
	/* Text is pointed into, structs are not. */
	if (hs_naming_block_in(s->n, v, &b))
		return t->kind == HS_DECL_VOID ||
		       (t->kind == HS_DECL_NUMBER && may_be(s, &b, pointee));
	const struct hs_map *map = hs_target_find_map(s->n->target, v);
	if (!map)
		return false;
	return t->kind != HS_DECL_FUNCTION || (map->prot & HS_PROT_EXEC);
}

/* Does a TYPE, OFFSET bytes into the block at START, explain what is there? */
static bool try_value(struct search *s, uint32_t type, hs_addr start,
		      uint64_t offset, struct trial *trial, unsigned depth)
{
	const struct hs_decls *d = &s->c->decls;
	type = hs_decls_strip(d, type);
	const struct hs_decl_type *t = &d->type[type];
	bool good = true;
	if (depth == HS_LIMIT_EMBED_DEPTH || s->c->budget == 0)
		return false;
	s->c->budget--;
	switch (t->kind) {
	case HS_DECL_POINTER:
		return t->size == s->c->read.word_size &&
		       try_pointer(s, hs_decls_strip(d, t->of), start + offset,
				   offset, trial);
	case HS_DECL_STRUCT:
		for (uint32_t i = 0; i < t->members && good; i++) {
			const struct hs_decl_member *m =
				&d->member[t->member + i];
			good = m->bits || m->choice ||
			       try_value(s, m->type, start, offset + m->offset,
					 trial, depth + 1);
		}
		return good;
	case HS_DECL_ARRAY: {
		uint64_t size = d->type[hs_decls_strip(d, t->of)].size;
		for (uint64_t i = 0; size > 1 && i < t->count && good; i++)
			good = try_value(s, t->of, start, offset + i * size,
					 trial, depth + 1);
		return good;
	}
	case HS_DECL_NUMBER:
	case HS_DECL_ENUM:
	case HS_DECL_UNION: /* depends on what only the program knows */
		return true;
	default:
		return false;
	}
}

/*
 * Is B a TYPE? What is not a pointer there leads to no block; and were there
 * nothing but pointers to one type, it might be an array of them.
 */
static bool is_one(struct search *s, const struct hs_block *b, uint32_t type,
		   struct trial *trial)
{
	unsigned word = s->c->read.word_size;
	uint32_t leads = 0;
	*trial = (struct trial){ 0 };
	if (!try_value(s, type, b->user, 0, trial, 0) || trial->told == 0)
		return false;
	for (uint64_t at = 0; at < s->c->decls.type[type].size; at += word) {
		struct hs_block target;
		uint32_t of;
		uint64_t v;
		if (!hs_window_word(&s->c->read, b->user + at, &v))
			return false;
		if (known_target(s, v, &target, &of))
			leads++;
		else
			trial->other |= v != 0;
	}
	return leads == trial->leads && trial->other;
}

/* The structs for which malloc gives USABLE bytes and that have a pointer to
 * something where B has one. */
static size_t candidates(struct search *s, const struct hs_block *b,
			 uint64_t usable, uint32_t *whole)
{
	size_t found = 0, i = first_of(s, usable);
	while (i < s->count && s->slot[i].usable == usable) {
		uint64_t offset = s->slot[i].offset, v;
		struct hs_block target;
		uint32_t type = UINT32_MAX;
		bool known =
			hs_window_word(&s->c->read, b->user + offset, &v) &&
			known_target(s, v, &target, &type);
		for (; i < s->count && s->slot[i].usable == usable &&
		       s->slot[i].offset == offset;
		     i++) {
			size_t k = 0;
			if (!known || s->slot[i].pointee != type)
				continue;
			while (k < found && whole[k] != s->slot[i].whole)
				k++;
			if (k < found)
				continue;
			if (found == MAX_TRIED)
				return 0;
			whole[found++] = s->slot[i].whole;
		}
	}
	return found;
}

static void keep(struct search *s, const struct hs_block *b,
		 const struct hs_c_claim *claim)
{
	struct hs_c_queue *q = &s->c->inferred;
	s->st = hs_grow(&q->chunk, &q->capacity, q->count, sizeof(*q->chunk),
			&s->err);
	if (s->st)
		return;
	q->chunk[q->count++] = (uint32_t)b->chunk;
	s->c->claim[b->chunk] = *claim;
}

/* Which struct B must be, if that can be told; malloc would give USABLE bytes
 * for it. False: none. */
static bool infer(struct search *s, const struct hs_block *b, uint64_t usable)
{
	uint32_t whole[MAX_TRIED];
	size_t found = candidates(s, b, usable, whole), good = 0;
	struct hs_c_claim claim = { 0 };
	for (size_t i = 0; i < found && good < 2; i++) {
		struct trial trial;
		if (!is_one(s, b, whole[i], &trial))
			continue;
		good++;
		claim = (struct hs_c_claim){
			.type = whole[i],
			.from = (uint32_t)trial.target,
			.where = (uint32_t)trial.offset,
			.form = HS_C_CONTENTS,
			.rank = HS_C_INFERRED,
		};
	}
	if (good == 1)
		keep(s, b, &claim);
	return good > 0;
}

static void infer_sizes(struct search *s, const struct hs_block *b)
{
	const struct hs_layout *l = &s->n->heap->layout;
	/* A rest too small to be a chunk stays with the block. */
	for (uint64_t rest = 0; rest < l->min_size && rest < b->usable;
	     rest += l->align)
		if (infer(s, b, b->usable - rest))
			return;
}

enum hs_status hs_c_infer(struct hs_naming *n, struct hs_c *c,
			  struct hs_error *err)
{
	struct search s = { .n = n, .c = c, .left = 4 * HS_LIMIT_EMBEDDED };
	for (uint32_t i = 0; i < c->decls.type_count && !s.st; i++)
		if (is_struct(&c->decls.type[i]) && c->decls.type[i].name &&
		    !hs_c_is_library(c, i))
			list_slots(&s, i, i, 0, 0);
	if (!s.st && s.count) {
		qsort(s.slot, s.count, sizeof(*s.slot), by_size);
		for (size_t i = 0; i < n->heap->chunk_count && !s.st; i++) {
			struct hs_block b;
			if (n->type_of[i] == HS_NO_TYPE &&
			    c->claim[i].form == HS_C_NOTHING &&
			    hs_naming_live(n, i, &b))
				infer_sizes(&s, &b);
		}
	}
	free(s.slot);
	if (s.st && err)
		*err = s.err;
	return s.st;
}
