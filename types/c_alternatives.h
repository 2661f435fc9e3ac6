/* SPDX-License-Identifier: MIT */
#ifndef TYPES_C_ALTERNATIVES_H
#define TYPES_C_ALTERNATIVES_H

#include "symbols/declarations.h"

/*
 * The struct TYPE of the C++ library, called NAME behind "std::" (and
 * "__1::"), holds a value or none, or one of several, as a number of its own
 * says: then its members are made such that only what is there counts
 * (hs_decl_member's `choice`). Others stay as they are. False: *ST says what
 * failed.
 */
bool hs_c_alternatives(struct hs_decls *d, uint32_t type, const char *name,
		       enum hs_status *st);

#endif
