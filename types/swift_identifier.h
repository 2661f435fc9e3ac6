/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_IDENTIFIER_H
#define TYPES_SWIFT_IDENTIFIER_H

#include "types/swift_machine.h"

/*
 * Names within mangled names. Each takes what it needs off the machine's
 * stack, puts what it makes on it and keeps that for later references. False:
 * not such a name.
 */

/* The context descriptor at a distance, after 0x01, or behind a pointer,
 * after 0x02. */
bool hs_mangled_symbolic(struct hs_machine *m, char how);
/* A name, or (after a 0) words of earlier ones with new text between; FIRST is
 * the character that was read. */
bool hs_mangled_identifier(struct hs_machine *m, char first);
/* context, identifier -> a type or protocol of that name. A module is an
 * identifier, too. */
bool hs_mangled_nominal(struct hs_machine *m, enum hs_item_kind kind);
/* A protocol off the stack: as such, or by the name of one. */
bool hs_mangled_protocol(struct hs_machine *m, struct hs_item *ret);
/* module, type -> the type as seen by extensions in another module. */
bool hs_mangled_extension(struct hs_machine *m);
/* context, name, list of types -> a context without a name. */
bool hs_mangled_anonymous(struct hs_machine *m);
/* Names of declarations that are not seen from outside. */
bool hs_mangled_local_name(struct hs_machine *m);

#endif
