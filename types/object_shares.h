/* SPDX-License-Identifier: MIT */
#ifndef TYPES_OBJECT_SHARES_H
#define TYPES_OBJECT_SHARES_H

#include "types/object_ways.h"

/*
 * What each variable of a module and of a function that runs holds: every
 * object and its memory count once, for the variable that the way to them leads
 * through.
 */
struct hs_shares {
	struct hs_share {
		uint32_t node; /* that the variable refers to */
		uint64_t objects, bytes;
	} * share; /* most bytes first */
	size_t count;
	struct hs_object_total held;    /* all of these together */
	struct hs_object_total own;     /* through no variable: modules, what
					 * the interpreter keeps */
	struct hs_object_total garbage; /* waits for the collector */
	struct hs_object_total unseen;  /* and what holds that was not seen */
};
HS_MUST_CHECK enum hs_status hs_shares_find(struct hs_web *web,
					    const struct hs_ways *ways,
					    struct hs_shares *ret,
					    struct hs_error *err);
void hs_shares_release(struct hs_shares *shares);

#endif
