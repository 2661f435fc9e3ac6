/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_FUNCTION_H
#define TYPES_SWIFT_FUNCTION_H

#include "types/swift_machine.h"

/*
 * Types that are made of a list of others. False: the stack holds no such list.
 */

/* t: (A, label: B), from the last element to the one that is marked first. */
bool hs_mangled_tuple(struct hs_machine *m);
/* c, Xf, ...: result, parameters, marks -> "(A) async throws -> B", with
 * CONVENTION before it, of which values lie in memory as SHAPE. */
bool hs_mangled_function(struct hs_machine *m, const char *convention,
			 struct hs_swift_shape shape);
/* I: "(A, B) -> C" of a function as compilers lower it: letters for how each
 * parameter, then each result is passed, whose types are on the stack. */
bool hs_mangled_lowered_function(struct hs_machine *m);
/* Xx: "box of A, B": what closures share, one after another. */
bool hs_mangled_boxed(struct hs_machine *m);

#endif
