/* SPDX-License-Identifier: MIT */
#ifndef TYPES_OBJECT_WAYS_H
#define TYPES_OBJECT_WAYS_H

#include "types/object_web.h"

/*
 * The easiest way from a root to each object: the one of the fewest references
 * where those that a programmer would not name count for several, and roots
 * that may be left over only where there is no other.
 */
struct hs_ways {
	uint32_t *before; /* by node: the one that leads to it */
	uint32_t *cost;   /* by node: of the way; UINT32_MAX: none */
};
#define HS_WAYS_ROOT UINT32_MAX

HS_MUST_CHECK enum hs_status
hs_ways_find(struct hs_web *web, struct hs_ways *ret, struct hs_error *err);
void hs_ways_release(struct hs_ways *ways);

/*
 * What leads to an object that no root leads to, step by step back, and whether
 * that is all that its count speaks of. Nodes in ITEM, the object itself first;
 * TO is the one that each was found to lead to.
 */
struct hs_holders {
	struct hs_holder_node {
		uint32_t node, to;
	} * item;
	size_t count;
	uint32_t unseen; /* the first with more references than were seen;
			  * HS_WEB_NO_NODE: none */
	uint32_t closes; /* index of a node that the object itself leads to */
	bool cycle;      /* there is one */
};
HS_MUST_CHECK enum hs_status
hs_holders_find(struct hs_web *web, const struct hs_ways *ways, uint32_t node,
		struct hs_holders *ret, struct hs_error *err);
void hs_holders_release(struct hs_holders *holders);

/* How many references are counted to the object of NODE; *IMMORTAL: nobody
 * counts. */
uint64_t hs_web_count(struct hs_web *web, uint32_t node, bool *immortal);

#endif
