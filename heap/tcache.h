/* SPDX-License-Identifier: MIT */
#ifndef HEAP_TCACHE_H
#define HEAP_TCACHE_H

#include "heap/scan.h"

/*
 * One thread's cache: tcache_perthread_struct, found by its address.
 */

/* Is the chunk size SIZE that of a tcache structure laid out as in ROW's
 * struct_size bytes? A little more can come with it: what was left over when it
 * was split off, and in 2.43 a second padding. */
bool hs_tcache_size_fits(const struct hs_layout *layout, uint32_t struct_size,
			 uint64_t size);

/*
 * How many bins of the structure at TCACHE, laid out as LAYOUT says, are not
 * as they must be; UINT_MAX when there is no such layout. *CHUNKS is what the
 * others hold.
 */
unsigned hs_tcache_odd_bins(struct hs_scan *scan,
			    const struct hs_layout *layout, hs_addr tcache,
			    uint64_t *chunks);
/*
 * Does LAYOUT describe what stands at TCACHE (a user pointer)? Every bin must
 * be either empty or a list whose length agrees with its counter. *CHUNKS is
 * how many it holds: 0 proves little, since zeroed memory looks alike.
 */
bool hs_tcache_shape(struct hs_scan *scan, const struct hs_layout *layout,
		     hs_addr tcache, uint64_t *chunks);

/*
 * Decide, once, whether list links are mangled (2.32 and later), by following
 * the first link of every tcache and fastbin list known so far. Without any
 * list the version decides, and nothing depends on it.
 */
void hs_tcache_settle_linking(struct hs_scan *scan);

/* Claim every chunk in TCACHE for thread OWNER (index), or HS_NO_ARENA. */
HS_MUST_CHECK enum hs_status hs_tcache_walk(struct hs_scan *scan,
					    hs_addr tcache, uint32_t owner,
					    struct hs_error *err);

/*
 * After the linear walk: caches of threads that could not be asked (no
 * registers, stacks not captured, exited with 2.26), by their shape. Their
 * chunks change from used to tcache in the model.
 */
HS_MUST_CHECK enum hs_status hs_tcache_find_by_shape(struct hs_scan *scan,
						     struct hs_error *err);

#endif
