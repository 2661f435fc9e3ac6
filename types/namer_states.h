/* SPDX-License-Identifier: MIT */
#ifndef TYPES_NAMER_STATES_H
#define TYPES_NAMER_STATES_H

#include "types/namer.h"

/* Every namer, in the order in which they are asked. */
#define HS_NAMERS 30u
extern const struct hs_namer *const hs_namers[HS_NAMERS];

/* What each namer knows, in the order of hs_namers. */
struct hs_namer_states {
	void *of[HS_NAMERS]; /* NULL where it keeps nothing */
};

/* The namer of what comes from SOURCE: each source has one. */
size_t hs_namer_of(enum hs_type_source source);

/* STATES may be released after a failure, too. */
HS_MUST_CHECK enum hs_status
hs_namer_states_init(struct hs_namer_states *states, struct hs_error *err);
/* A worker's own states: as FROM, which was only prepared. */
HS_MUST_CHECK enum hs_status
hs_namer_states_copy(struct hs_namer_states *states,
		     const struct hs_namer_states *from, struct hs_error *err);
void hs_namer_states_release(struct hs_namer_states *states);

#endif
