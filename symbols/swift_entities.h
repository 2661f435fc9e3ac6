/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_SWIFT_ENTITIES_H
#define SYMBOLS_SWIFT_ENTITIES_H

#include "symbols/swift_stack.h"

/* Operators that make functions, variables, closures, and what holds them. */
bool hs_swift_extension(struct hs_swift_stack *s);       /* E */
bool hs_swift_plain_function(struct hs_swift_stack *s);  /* F */
bool hs_swift_function_entity(struct hs_swift_stack *s); /* f */
bool hs_swift_subscript(struct hs_swift_stack *s);       /* i */
bool hs_swift_variable(struct hs_swift_stack *s);        /* v */

#endif
