/* SPDX-License-Identifier: MIT */
#ifndef TYPES_UNNAMED_H
#define TYPES_UNNAMED_H

#include "types/namer.h"

/* See hs_types_unnamed(). */
HS_MUST_CHECK enum hs_status hs_unnamed_groups(struct hs_naming *n,
					       struct hs_unnamed_group *ret,
					       size_t max, size_t *count,
					       struct hs_error *err);

#endif
