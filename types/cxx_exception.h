/* SPDX-License-Identifier: MIT */
#ifndef TYPES_CXX_EXCEPTION_H
#define TYPES_CXX_EXCEPTION_H

#include "types/namer.h"

/* Bytes of the runtime's own before the object, of 64-bit programs. */
#define HS_CXX_THROWN 128u

/*
 * Is B what `throw` allocated, and is its object thrown, or kept by a
 * std::exception_ptr? Then the type_info of that object, which is HS_CXX_THROWN
 * bytes into B.
 */
bool hs_cxx_exception(struct hs_naming *n, const struct hs_block *b,
		      hs_addr *info);

#endif
