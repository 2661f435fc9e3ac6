/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_PARAMETER_H
#define TYPES_SWIFT_PARAMETER_H

#include "types/swift_machine.h"

/*
 * Parameters of generic types, and what depends on them: what they stand for
 * by the machine's arguments, else the letters that compilers write.
 */

/* Number I of a LEVEL of nesting. */
bool hs_mangled_parameter(struct hs_machine *m, unsigned level, unsigned i);
/* q: any but the first. */
bool hs_mangled_numbered_parameter(struct hs_machine *m);
/* Q: types that are chosen by others, and packs that are spread out. */
bool hs_mangled_dependent(struct hs_machine *m);

#endif
