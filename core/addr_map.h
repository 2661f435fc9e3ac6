/* SPDX-License-Identifier: MIT */
#ifndef CORE_ADDR_MAP_H
#define CORE_ADDR_MAP_H

#include <heapscan/error.h>
#include <stddef.h>

#include "core/fail.h"

/*
 * What was found out about an address, so that a million objects of one class
 * cost one look at it.
 */
struct hs_addr_entry {
	hs_addr addr;
	uint32_t value, extra; /* the owner's */
};

struct hs_addr_map {
	struct hs_addr_entry *entry; /* by hash; addr HS_NO_ADDR: free */
	size_t count, slots;
};

/* NULL: nothing is known of ADDR. Borrowed until the next put. */
const struct hs_addr_entry *hs_addr_map_get(const struct hs_addr_map *map,
					    hs_addr addr);
/* ADDR is not HS_NO_ADDR. */
HS_MUST_CHECK enum hs_status hs_addr_map_put(struct hs_addr_map *map,
					     struct hs_addr_entry entry,
					     struct hs_error *err);
void hs_addr_map_release(struct hs_addr_map *map);

#endif
