/* SPDX-License-Identifier: MIT */
#include "core/backend.h"
#include "core/grow.h"
#include "core/limits.h"
#include "types/c_spread.h"

/*
 * Which pointer of a union is there only the program's source says: by a tag
 * beside it, mostly. But what it leads to can be looked at: of the structs that
 * it may be, one has the size of the block, and pointers in the right places,
 * and explains all that the block leads to. If there is just one such, that is
 * a guess, and so is what follows from it; what is known without guesses stays.
 */

/* Pointers of a union that are told apart. */
#define MAX_POINTERS 32u

struct alternative {
	uint64_t offset;
	uint32_t pointee; /* without typedefs */
};

struct choices {
	struct alternative of[MAX_POINTERS];
	unsigned count;
	bool all; /* there are no more */
};

static void collect(const struct hs_decls *d, uint32_t type, uint64_t offset,
		    unsigned depth, struct choices *ret)
{
	type = hs_decls_strip(d, type);
	const struct hs_decl_type *t = &d->type[type];
	if (depth == HS_LIMIT_EMBED_DEPTH) {
		ret->all = false;
		return;
	}
	if (t->kind == HS_DECL_POINTER) {
		if (ret->count == MAX_POINTERS) {
			ret->all = false;
			return;
		}
		ret->of[ret->count++] =
			(struct alternative){ offset,
					      hs_decls_strip(d, t->of) };
	} else if (t->kind == HS_DECL_UNION || t->kind == HS_DECL_STRUCT) {
		for (uint32_t i = 0; i < t->members && ret->all; i++) {
			const struct hs_decl_member *m =
				&d->member[t->member + i];
			if (!m->bits && !m->choice)
				collect(d, m->type, offset + m->offset,
					depth + 1, ret);
		}
	} else if (t->kind == HS_DECL_ARRAY && t->count > 0) {
		/* Of arrays the first only: they are rare here. */
		collect(d, t->of, offset, depth + 1, ret);
	}
}

void hs_c_choice_note(struct hs_c_source *s, uint32_t type, hs_addr addr)
{
	struct hs_c *c = s->c;
	struct hs_error err;
	if (c->choices.count == HS_LIMIT_CHOICES ||
	    c->decls.type[type].size > s->end - addr)
		return;
	enum hs_status st =
		hs_grow(&c->choices.choice, &c->choices.capacity,
			c->choices.count, sizeof(*c->choices.choice), &err);
	if (st) {
		hs_naming_fail(s->n, st, &err);
		return;
	}
	c->choices.choice[c->choices.count++] = (struct hs_c_choice){
		.at = addr, .start = s->start, .type = type, .from = s->from
	};
}

/* How a struct explains a block. */
struct trial {
	struct hs_naming *n;
	struct hs_c *c;
	hs_addr start;
	uint32_t leads; /* pointers to blocks that are what they should be */
	bool nonsense;
};

/* Could the block B be a POINTEE, as far as sizes tell? */
static bool may_be(const struct trial *t, const struct hs_block *b,
		   uint32_t pointee)
{
	const struct hs_decls *d = &t->c->decls;
	const struct hs_decl_type *p = &d->type[pointee];
	bool exact;
	switch (p->kind) {
	case HS_DECL_STRUCT:
	case HS_DECL_UNION:
		return !p->complete || hs_c_fits_with_rest(t->n, b, p->size) ||
		       hs_c_elements(t->n, b, p->size, &exact) > 0 ||
		       (hs_c_plan(t->c, pointee)->has_tail &&
			p->size <= b->usable);
	case HS_DECL_FUNCTION:
		return false;
	default:
		return true;
	}
}

static void try_pointer(struct trial *t, uint32_t pointee, hs_addr addr)
{
	const struct hs_decl_type *p = &t->c->decls.type[pointee];
	const struct hs_map *map;
	struct hs_block b;
	uint64_t v;
	if (!hs_window_word(&t->c->read, addr, &v)) {
		t->nonsense = true;
		return;
	}
	if (t->n->heap->tagged_pointers)
		v &= HS_ADDR_WITHOUT_TAG;
	if (v == 0)
		return;
	if (hs_naming_block_at(t->n, v, &b)) {
		if (may_be(t, &b, pointee))
			t->leads++;
		else
			t->nonsense = true;
		return;
	}
	map = hs_target_find_map(t->n->target, v);
	t->nonsense |= !map || (p->kind == HS_DECL_FUNCTION &&
				!(map->prot & HS_PROT_EXEC));
}

static void try_value(struct trial *t, uint32_t type, uint64_t offset,
		      unsigned depth)
{
	const struct hs_decls *d = &t->c->decls;
	type = hs_decls_strip(d, type);
	const struct hs_decl_type *what = &d->type[type];
	if (depth == HS_LIMIT_EMBED_DEPTH || t->c->budget == 0)
		t->nonsense = true;
	if (t->nonsense)
		return;
	t->c->budget--;
	if (what->kind == HS_DECL_POINTER) {
		try_pointer(t, hs_decls_strip(d, what->of), t->start + offset);
	} else if (what->kind == HS_DECL_STRUCT) {
		for (uint32_t i = 0; i < what->members; i++) {
			const struct hs_decl_member *m =
				&d->member[what->member + i];
			if (!m->bits && !m->choice)
				try_value(t, m->type, offset + m->offset,
					  depth + 1);
		}
	} else if (what->kind == HS_DECL_ARRAY) {
		uint64_t size = d->type[hs_decls_strip(d, what->of)].size;
		for (uint64_t i = 0;
		     size > 1 && i < what->count && !t->nonsense; i++)
			try_value(t, what->of, offset + i * size, depth + 1);
	}
}

/* Is B a TYPE, and does that say all there is to say of where it leads? */
static bool explains(struct hs_naming *n, struct hs_c *c, uint32_t type,
		     const struct hs_block *b)
{
	struct trial t = { .n = n, .c = c, .start = b->user };
	unsigned w = c->read.word_size;
	uint32_t leads = 0;
	if (!c->decls.type[type].complete ||
	    !hs_c_fits(n, b, c->decls.type[type].size))
		return false;
	try_value(&t, type, 0, 0);
	if (t.nonsense || t.leads == 0)
		return false;
	for (uint64_t at = 0; at + w <= c->decls.type[type].size; at += w) {
		uint64_t v;
		leads += hs_window_word(&c->read, b->user + at, &v) && v &&
			 hs_naming_block_at(n, v, NULL);
	}
	return leads == t.leads;
}

/* The one struct that the pointer OFFSET bytes into a union may lead to, B. */
static bool choose(struct hs_naming *n, struct hs_c *c,
		   const struct choices *all, uint64_t offset,
		   const struct hs_block *b, uint32_t *ret)
{
	unsigned found = 0;
	for (unsigned i = 0; i < all->count; i++) {
		uint32_t pointee = all->of[i].pointee;
		const struct hs_decl_type *p = &c->decls.type[pointee];
		if (all->of[i].offset != offset || (found && pointee == *ret))
			continue;
		switch (p->kind) {
		case HS_DECL_STRUCT:
			if (explains(n, c, pointee, b)) {
				found++;
				*ret = pointee;
			}
			break;
		case HS_DECL_NUMBER: /* leads nowhere, text above all */
		case HS_DECL_FUNCTION:
			break;
		default: /* pointers, or anything */
			return false;
		}
	}
	return found == 1;
}

static void look(struct hs_naming *n, struct hs_c *c,
		 const struct hs_c_choice *choice)
{
	struct choices all = { .all = true };
	struct hs_c_source s = {
		.n = n, .c = c, .from = choice->from, .start = choice->start
	};
	collect(&c->decls, choice->type, 0, 0, &all);
	for (unsigned i = 0; all.all && i < all.count; i++) {
		hs_addr slot = choice->at + all.of[i].offset;
		struct hs_block b;
		uint32_t type = 0;
		uint64_t v;
		bool again = false;
		for (unsigned k = 0; k < i && !again; k++)
			again = all.of[k].offset == all.of[i].offset;
		if (again || !hs_window_word(&c->read, slot, &v) || v == 0)
			continue;
		if (n->heap->tagged_pointers)
			v &= HS_ADDR_WITHOUT_TAG;
		if (hs_naming_block_at(n, v, &b) &&
		    n->type_of[b.chunk] == HS_NO_TYPE &&
		    c->claim[b.chunk].form == HS_C_NOTHING &&
		    !hs_is_plain_text(n, &b) &&
		    choose(n, c, &all, all.of[i].offset, &b, &type))
			hs_c_claim_as(&s, &b, type, HS_C_CHOSEN, HS_C_INFERRED,
				      slot);
	}
}

bool hs_c_choose(struct hs_naming *n, struct hs_c *c)
{
	struct hs_c_choices *all = &c->choices;
	if (n->failed || all->next == all->count)
		return false;
	/* More are noted when these lead on. */
	for (size_t end = all->count; all->next < end && !n->failed;) {
		struct hs_c_choice choice = all->choice[all->next++];
		look(n, c, &choice);
	}
	return true;
}
