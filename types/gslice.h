/* SPDX-License-Identifier: MIT */
#ifndef TYPES_GSLICE_H
#define TYPES_GSLICE_H

#include "types/namer.h"

/*
 * GLib before 2.76 on 64-bit machines cuts slabs into pieces of one size: small
 * structures, instances of GObject among them, are no blocks of malloc's.
 * *BYTES gets what can be cut of the slab B; false: B is none.
 */
bool hs_gslice_slab(struct hs_naming *n, const struct hs_block *b,
		    uint64_t *bytes);

#endif
