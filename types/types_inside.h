/* SPDX-License-Identifier: MIT */
#ifndef TYPES_TYPES_INSIDE_H
#define TYPES_TYPES_INSIDE_H

#include "types/namer.h"

/* What the naming of TYPES found out, and what the namer of SOURCE did. */
struct hs_naming *hs_types_naming(struct hs_types *types,
				  enum hs_type_source source, void **state);

#endif
