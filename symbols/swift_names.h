/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_SWIFT_NAMES_H
#define SYMBOLS_SWIFT_NAMES_H

#include "symbols/swift_stack.h"

/* Operators that put names on the stack, or change what is there. */

/* A digit: an identifier, perhaps made of words of earlier ones. */
bool hs_swift_identifier(struct hs_swift_stack *s);
/* A: something once more; S: a type of the library. */
bool hs_swift_substitution(struct hs_swift_stack *s);
bool hs_swift_standard(struct hs_swift_stack *s);
/* L: names of private and of local things; o: names of operators. */
bool hs_swift_local_name(struct hs_swift_stack *s);
bool hs_swift_operator(struct hs_swift_stack *s);
/* C, V, O, P, a: a nominal type of its context. */
bool hs_swift_nominal(struct hs_swift_stack *s, char letter);

#endif
