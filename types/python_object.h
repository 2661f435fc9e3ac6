/* SPDX-License-Identifier: MIT */
#ifndef TYPES_PYTHON_OBJECT_H
#define TYPES_PYTHON_OBJECT_H

#include "types/pymalloc.h"

/* What the namer of Python found out, for those who ask about single objects.
 * STATE is that namer's own. */

/* Where the type of all types is; 0: there is no Python here. */
hs_addr hs_python_type_of_types(const void *state);
/* Small objects' memory; without arenas before the blocks are named. */
const struct hs_pymalloc *hs_python_arenas(const void *state);

/* Bytes from B's start to the object in it: what the collector keeps stands
 * before. UINT32_MAX: there is none. *TYPE is its number in the table. */
unsigned hs_python_object_in(struct hs_naming *n, void *state,
			     const struct hs_block *b, uint32_t *type);

#endif
