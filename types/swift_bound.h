/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_BOUND_H
#define TYPES_SWIFT_BOUND_H

#include "types/swift_machine.h"

/* G: type, list of types -> "m.Outer<A>.Inner<B, C>". */
bool hs_mangled_bound_generic(struct hs_machine *m);

#endif
