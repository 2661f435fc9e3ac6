/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "core/fail.h"
#include "types/c_types.h"

/*
 * Which variable an address lies in, and what C calls that place of it. Of
 * variables that lie in one another, as common blocks may, the one that begins
 * last is taken.
 */

/* Variables that begin before an address and end before it, too, which are
 * looked at: one that is declared in several units lies there as often. */
#define MAX_BEFORE 16u

/* qsort has no argument of its own: what is sorted says where it is. */
static int by_address(const void *x, const void *y)
{
	const struct hs_c_place *a = x, *b = y;
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->root < b->root ? -1 : a->root > b->root;
}

enum hs_status hs_c_places_init(struct hs_c *c, struct hs_error *err)
{
	if (!c->root_count)
		return HS_OK;
	c->place = calloc(c->root_count, sizeof(*c->place));
	if (!c->place)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for the places of %zu variables",
			       c->root_count);
	for (size_t i = 0; i < c->root_count; i++)
		c->place[i] = (struct hs_c_place){ c->root[i].at, (uint32_t)i };
	qsort(c->place, c->root_count, sizeof(*c->place), by_address);
	return HS_OK;
}

bool hs_c_place(const struct hs_c *c, hs_addr addr, struct hs_text *text)
{
	const struct hs_decls *d = &c->decls;
	size_t first = 0, end = c->place ? c->root_count : 0;
	while (first < end) {
		size_t mid = first + (end - first) / 2;
		if (c->place[mid].at <= addr)
			first = mid + 1;
		else
			end = mid;
	}
	for (unsigned i = 0; i < MAX_BEFORE && first > 0; i++) {
		const struct hs_c_place *p = &c->place[--first];
		const struct hs_decl_variable *v =
			&d->variable[c->root[p->root].variable];
		uint64_t offset = addr - p->at;
		if (offset >= d->type[hs_decls_strip(d, v->type)].size ||
		    !v->name)
			continue;
		if (v->function) {
			hs_text_add(text, hs_decls_text(d, v->function));
			hs_text_add(text, v->local ? "()::" : "::");
		}
		hs_text_add(text, hs_decls_text(d, v->name));
		hs_c_path(c, v->type, offset, ".", text);
		return !text->full;
	}
	return false;
}
