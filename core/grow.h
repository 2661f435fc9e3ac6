/* SPDX-License-Identifier: MIT */
#ifndef CORE_GROW_H
#define CORE_GROW_H

#include <stdint.h>
#include <stdlib.h>

#include "core/fail.h"

/*
 * Make room for one more element in a growing array. ARRAY is the address of
 * the array's pointer. Large arrays are moved by remapping, so doubling costs
 * address space, not memory.
 */
HS_MUST_CHECK static inline enum hs_status hs_grow(void *array,
						   size_t *capacity,
						   size_t count, size_t element,
						   struct hs_error *err)
{
	if (count < *capacity)
		return HS_OK;
	size_t wanted = *capacity ? *capacity * 2 : 16;
	if (wanted > SIZE_MAX / element)
		return hs_fail(err, HS_ERR_NOMEM, "no room for %zu elements",
			       wanted);
	void **slot = array;
	void *bigger = realloc(*slot, wanted * element);
	if (!bigger)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu bytes",
			       wanted * element);
	*slot = bigger;
	*capacity = wanted;
	return HS_OK;
}

#endif
