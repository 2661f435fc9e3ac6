/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_UNUSED_H
#define TYPES_SWIFT_UNUSED_H

#include "types/swift_layout.h"

/*
 * Words of Swift's blocks that nobody reads any more, or that are no addresses
 * whatever they look like: what malloc gave beyond an object's end, room that
 * an array has for more, empty buckets, frames that were left. Those that look
 * like references are told as HS_STRENGTH_UNUSED, so that they keep nothing
 * alive. True: FN wants more.
 */
bool hs_swift_unused_of_object(struct hs_naming *n, struct hs_swift_layouts *l,
			       const struct hs_block *block, hs_field_fn fn,
			       void *arg);
/* Of BLOCK from byte FROM to byte END, which may be beyond its own. */
bool hs_swift_unused_words(struct hs_naming *n, const struct hs_block *block,
			   uint64_t from, uint64_t end, hs_field_fn fn,
			   void *arg);

#endif
