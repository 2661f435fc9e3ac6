/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "core/limits.h"
#include "types/c_types.h"

/* Is there nothing in a TYPE? */
static bool is_nothing(const struct hs_decls *d, uint32_t type)
{
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, type)];
	return t->kind == HS_DECL_OTHER ||
	       (t->kind == HS_DECL_STRUCT && !t->members);
}

/* The member of T that holds byte OFFSET: the one that begins last before it,
 * and of a union the first. NULL: none does. */
static const struct hs_decl_member *member_at(const struct hs_decls *d,
					      const struct hs_decl_type *t,
					      uint64_t offset)
{
	const struct hs_decl_member *best = NULL;
	unsigned choices = 0;
	for (uint32_t i = 0; i < t->members; i++) {
		const struct hs_decl_member *m = &d->member[t->member + i];
		if (m->offset > offset || m->bits)
			continue;
		/* A variant with nothing in it leads nowhere; of two others
		 * only the memory tells which is there. */
		if (m->choice && is_nothing(d, m->type))
			continue;
		choices += m->choice;
		if (choices > 1)
			return NULL;
		if (!best || m->offset > best->offset)
			best = m;
	}
	return best;
}

static uint64_t size_of(const struct hs_decls *d, uint32_t type)
{
	return d->type[hs_decls_strip(d, type)].size;
}

void hs_c_path(const struct hs_c *c, uint32_t type, uint64_t offset,
	       const char *first, struct hs_text *text)
{
	const struct hs_decls *d = &c->decls;
	char number[32];
	for (unsigned depth = 0; depth < HS_LIMIT_EMBED_DEPTH; depth++) {
		type = hs_decls_strip(d, type);
		const struct hs_decl_type *t = &d->type[type];
		if (t->kind == HS_DECL_STRUCT || t->kind == HS_DECL_UNION) {
			const struct hs_decl_member *m =
				member_at(d, t, offset);
			if (!m)
				return;
			/* A virtual base is where the object says. */
			if (t->virtuals &&
			    offset - m->offset >= size_of(d, m->type)) {
				hs_text_add(text, first);
				hs_text_add(text, "...");
				return;
			}
			if (m->name) {
				hs_text_add(text, first);
				hs_text_add(text, hs_decls_text(d, m->name));
				first = ".";
			}
			offset -= m->offset;
			type = m->type;
		} else if (t->kind == HS_DECL_ARRAY) {
			uint64_t size = d->type[hs_decls_strip(d, t->of)].size;
			if (!size)
				return;
			(void)snprintf(number, sizeof(number), "[%" PRIu64 "]",
				       offset / size);
			hs_text_add(text, number);
			offset %= size;
			type = t->of;
			first = ".";
		} else {
			return;
		}
	}
}
