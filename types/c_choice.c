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
/* Members of a union, and of what is in it, that are looked at. */
#define MAX_MEMBERS 512u

struct alternative {
	uint64_t offset;
	uint32_t pointee; /* without typedefs */
};

struct choices {
	struct alternative of[MAX_POINTERS];
	unsigned count;
	unsigned looked_at; /* members */
	bool all;           /* there are no more */
};

static void collect(const struct hs_decls *d, uint32_t type, uint64_t offset,
		    unsigned depth, struct choices *ret)
{
	type = hs_decls_strip(d, type);
	const struct hs_decl_type *t = &d->type[type];
	if (depth == HS_LIMIT_EMBED_DEPTH || ret->looked_at++ == MAX_MEMBERS) {
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
			if (hs_c_explains(n, c, pointee, b, NULL)) {
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
