/* SPDX-License-Identifier: MIT */
#ifndef HEAP_IN_HAND_H
#define HEAP_IN_HAND_H

#include "heap/scan.h"

/*
 * Free chunks on no list, because a thread was emptying one when it was
 * stopped: malloc_consolidate() takes all of a fastbin off the arena at once,
 * and goes on along the links. The rest of such a chain is found from the
 * registers and the frames of that thread, and is of no state. Needs the walk.
 */
HS_MUST_CHECK enum hs_status hs_in_hand_find(struct hs_scan *scan,
					     struct hs_error *err);

#endif
