/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_EXISTENTIAL_H
#define TYPES_SWIFT_EXISTENTIAL_H

#include "types/swift_machine.h"

/*
 * Types of values of any type that keeps a promise. False: the stack holds no
 * such list.
 */

/* p: protocols down to the one marked first, or none. BASE: of classes only;
 * if it has a name, of that one. */
bool hs_mangled_protocols(struct hs_machine *m, const struct hs_item *base);
/* Xc: the protocols are above their superclass. */
bool hs_mangled_protocols_of_class(struct hs_machine *m);
/* Xp: "any P.Type", the type of what is in an existential, and its tables. */
bool hs_mangled_existential_metatype(struct hs_machine *m);
/* R: what an existential type asks of a type in its protocol: one kind of
 * many, the one that there is in types of values. */
bool hs_mangled_requirement(struct hs_machine *m);
/* XP: "any P<Self.P.Element == A>". */
bool hs_mangled_constrained(struct hs_machine *m);

#endif
