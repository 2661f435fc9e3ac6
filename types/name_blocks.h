/* SPDX-License-Identifier: MIT */
#ifndef TYPES_NAME_BLOCKS_H
#define TYPES_NAME_BLOCKS_H

#include "types/namer_states.h"

/*
 * Ask the namers about every live block: NAMING's type_of, table and map are
 * the caller's, and type_of has a place for each chunk. On as many threads as
 * OPT says; the answer does not depend on how many.
 */
HS_MUST_CHECK enum hs_status hs_name_blocks(struct hs_naming *naming,
					    struct hs_namer_states *states,
					    const struct hs_types_options *opt,
					    struct hs_error *err);

#endif
