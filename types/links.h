/* SPDX-License-Identifier: MIT */
#ifndef TYPES_LINKS_H
#define TYPES_LINKS_H

#include "types/namer.h"

/*
 * Nodes of lists and trees among the blocks that nobody has a name for: called
 * after the namers. Blocks of one size whose fields at the same offset lead to
 * one another, as a whole: what is said was followed link by link. Costs a look
 * at some thousand blocks, and at all of a size where these are linked.
 */
void hs_name_links(struct hs_naming *n);

#endif
