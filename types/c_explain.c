/* SPDX-License-Identifier: MIT */
#include "core/backend.h"
#include "core/limits.h"
#include "types/c_spread.h"

/*
 * Could a block that no typed pointer leads to be a struct of some type? All
 * that counts is memory, and what is known for certain: whatever is guessed of
 * other blocks meanwhile, the answer is the same.
 */

struct trial {
	struct hs_naming *n;
	struct hs_c *c;
	hs_addr start;
	uint32_t leads; /* pointers to blocks that are what they should be */
	bool nonsense;
	struct hs_c_evidence *evidence; /* NULL: not asked for */
};

/* Does B begin as a text does, if only as an empty one? */
static bool begins_as_text(const struct trial *t, const struct hs_block *b)
{
	for (unsigned i = 0; i < t->c->read.word_size; i++) {
		uint64_t c;
		if (!hs_window_uint(&t->n->block, b->user + i, 1, &c))
			return false;
		if (c == 0)
			return true;
		if ((c < ' ' && (c < '\t' || c > '\r')) || c > '~')
			return false;
	}
	return true;
}

/* Could the block B be a POINTEE, as far as sizes tell, and first bytes? */
static bool may_be(const struct trial *t, const struct hs_block *b,
		   uint32_t pointee)
{
	const struct hs_decl_type *p = &t->c->decls.type[pointee];
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
	case HS_DECL_NUMBER:
		return p->number != HS_NUMBER_CHAR || begins_as_text(t, b);
	default:
		return true;
	}
}

/* What else could the pointer OFFSET bytes into the struct not be? */
static void add_evidence(struct trial *t, uint64_t offset)
{
	struct hs_c_evidence *e = t->evidence;
	if (!e)
		return;
	for (unsigned i = 0; i < e->count; i++)
		if (e->offset[i] == offset)
			return;
	if (e->count < HS_C_EVIDENCE)
		e->offset[e->count++] = offset;
}

/* Does B, which a pointer to POINTEE leads to, say itself that it is one? */
static bool is_known_as(const struct trial *t, const struct hs_block *b,
			uint32_t pointee)
{
	const struct hs_decl_type *p = &t->c->decls.type[pointee];
	const struct hs_c_claim *claim = &t->c->claim[b->chunk];
	if (p->kind == HS_DECL_NUMBER)
		return p->size == 1 && hs_is_plain_text(t->n, b);
	return p->kind == HS_DECL_STRUCT && claim->form == HS_C_ONE &&
	       !claim->clash && !claim->guess &&
	       hs_decls_strip(&t->c->decls, claim->type) == pointee;
}

/* A known block that is something else. */
static bool is_known_otherwise(const struct trial *t, const struct hs_block *b,
			       uint32_t pointee)
{
	const struct hs_c_claim *claim = &t->c->claim[b->chunk];
	return t->c->decls.type[pointee].kind == HS_DECL_STRUCT &&
	       claim->form == HS_C_ONE && claim->rank >= HS_C_DOUBTFUL_ONE &&
	       !claim->clash && !claim->guess &&
	       hs_decls_strip(&t->c->decls, claim->type) != pointee;
}

static void try_pointer(struct trial *t, uint32_t pointee, uint64_t offset)
{
	const struct hs_decl_type *p = &t->c->decls.type[pointee];
	struct hs_block b;
	uint64_t v;
	if (!hs_window_word(&t->c->read, t->start + offset, &v)) {
		t->nonsense = true;
		return;
	}
	if (t->n->heap->tagged_pointers)
		v &= HS_ADDR_WITHOUT_TAG;
	if (v == 0)
		return;
	if (hs_naming_block_at(t->n, v, &b)) {
		if (!may_be(t, &b, pointee) ||
		    is_known_otherwise(t, &b, pointee)) {
			t->nonsense = true;
			return;
		}
		t->leads++;
		if (is_known_as(t, &b, pointee))
			add_evidence(t, offset);
		return;
	}
	const struct hs_map *map = hs_target_find_map(t->n->target, v);
	bool code = map && map->prot & HS_PROT_EXEC;
	t->nonsense |= !map || (p->kind == HS_DECL_FUNCTION) != code;
	if (code)
		add_evidence(t, offset);
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
		try_pointer(t, hs_decls_strip(d, what->of), offset);
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

bool hs_c_explains(struct hs_naming *n, struct hs_c *c, uint32_t type,
		   const struct hs_block *b, struct hs_c_evidence *evidence)
{
	struct trial t = {
		.n = n, .c = c, .start = b->user, .evidence = evidence
	};
	unsigned w = c->read.word_size;
	uint64_t size = c->decls.type[type].size;
	uint32_t leads = 0;
	if (!c->decls.type[type].complete || !hs_c_fits(n, b, size))
		return false;
	try_value(&t, type, 0, 0);
	if (t.nonsense || t.leads == 0)
		return false;
	for (uint64_t at = 0; at + w <= size; at += w) {
		uint64_t v;
		leads += hs_window_word(&c->read, b->user + at, &v) && v &&
			 hs_naming_block_at(n, v, NULL);
	}
	return leads == t.leads;
}
