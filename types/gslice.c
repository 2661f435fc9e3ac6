/* SPDX-License-Identifier: MIT */
#include "types/gslice.h"

/*
 * A slab has the size of a power of two and is aligned to it; malloc was asked
 * for 16 bytes less. At its end is what is known of it, in a ring with the
 * other slabs of that piece size:
 *
 *	{first free piece, pieces given out u32, next, previous}
 */
#define SMALLEST 128u
#define LARGEST 8192u
#define MALLOC_KEEPS 16u
#define INFO 48u  /* from the end of the slab */
#define SLACK 24u /* what malloc may add */

bool hs_gslice_slab(struct hs_naming *n, const struct hs_block *b,
		    uint64_t *bytes)
{
	uint64_t size = SMALLEST, free, next, prev, link;
	uint32_t used;
	while (size - MALLOC_KEEPS + SLACK <= b->usable && size < LARGEST)
		size *= 2;
	if (size - MALLOC_KEEPS > b->usable ||
	    size - MALLOC_KEEPS + SLACK <= b->usable || b->user % size != 0)
		return false;
	hs_addr info = b->user + size - INFO;
	if (!hs_peek(n, info, &free) || !hs_peek_u32(n, info + 8, &used) ||
	    used == 0 || used > (size - INFO) / 16 ||
	    (free != 0 && (free < b->user || free >= info || free % 16)) ||
	    !hs_peek(n, info + 16, &next) || !hs_peek(n, info + 24, &prev) ||
	    next % 16 != 0 || prev % 16 != 0 || !hs_peek(n, next + 24, &link) ||
	    link != info || !hs_peek(n, prev + 16, &link) || link != info)
		return false;
	*bytes = size - INFO;
	return true;
}
