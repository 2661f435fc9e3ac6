/* SPDX-License-Identifier: MIT */
#ifndef CLI_OBJECT_WHY_H
#define CLI_OBJECT_WHY_H

#include <heapscan/objects.h>

#include "cli/reach.h"

/* Who holds an object that a runtime keeps in memory of its own: what `why`
 * says of it. */
struct object_why {
	bool there; /* else there is nothing to say */
	struct hs_object_why why;
	bool has_referrers, has_references;            /* they were asked for */
	struct hs_object_step *referrers, *references; /* NULL: none */
	size_t referrer_count, reference_count;
};

/* Follow the objects of the runtime, once; CLI owns the answer. OPTIONAL: where
 * they cannot be followed there is none, and that is no failure. Not
 * EXIT_ANSWERED: it was reported. */
int objects_build(struct cli *cli, struct hs_graph *graph, bool optional);

/* Is what ADDR lies in, in no block of malloc, such an object? */
bool object_is_at(struct cli *cli, hs_addr addr, struct hs_part_info *ret);

/* Ask about ADDR. LISTS: the holders and the held, if the options say so, and
 * it is a failure when nothing can be said. Not EXIT_ANSWERED: it was reported.
 * Release RET in any case. */
int object_why_ask(struct cli *cli, struct hs_graph *graph, hs_addr addr,
		   bool lists, struct object_why *ret);
void object_why_release(struct object_why *why);

/* SHORT: below the answer about a block, which is the headline. */
void object_why_print(struct cli *cli, struct hs_graph *graph,
		      const struct object_why *why, bool brief);

/* As `why --json` of an object that is in no block. */
void out_json_object_why(struct cli *cli, struct hs_graph *graph,
			 const struct object_why *why);

/* `owners --objects`: which variable holds how much. */
int object_shares_answer(struct cli *cli, struct hs_graph *graph, size_t top);
void out_json_object_shares(struct cli *cli,
			    const struct hs_object_shares *shares);

#endif
