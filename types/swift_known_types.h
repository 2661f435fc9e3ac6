/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_KNOWN_TYPES_H
#define TYPES_SWIFT_KNOWN_TYPES_H

#include "types/swift_machine.h"

/*
 * Types that mangled names have letters for. Each puts one on the machine's
 * stack; false: none has that letter.
 */

/* S: of the standard library; "Sg" makes the type on top optional. */
bool hs_mangled_standard(struct hs_machine *m);
/* B: what the compiler knows itself. */
bool hs_mangled_builtin(struct hs_machine *m);
/* A: something of this name once more. A..Z: the last one; a..z: and more
 * follow; a number: so many times. */
bool hs_mangled_substitution(struct hs_machine *m);

#endif
