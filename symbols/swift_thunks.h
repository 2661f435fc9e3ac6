/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_SWIFT_THUNKS_H
#define SYMBOLS_SWIFT_THUNKS_H

#include "symbols/swift_stack.h"

/* Operators of what compilers make beside the code that people wrote. */
bool hs_swift_thunk(struct hs_swift_stack *s);         /* T */
bool hs_swift_metadata(struct hs_swift_stack *s);      /* M */
bool hs_swift_witness(struct hs_swift_stack *s);       /* W */
bool hs_swift_value_witness(struct hs_swift_stack *s); /* w */
bool hs_swift_conformance(struct hs_swift_stack *s);   /* H */
/* N: the metadata of a type. */
bool hs_swift_type_metadata(struct hs_swift_stack *s);
/* g: a conformance from elsewhere, and its number. */
bool hs_swift_retroactive(struct hs_swift_stack *s);

/* Protocol, type and module below: "app.Bank: app.Keeper". *TYPE, which may be
 * NULL, gets the type alone. */
bool hs_swift_pop_conformance(struct hs_swift_stack *s,
			      struct hs_swift_item *ret,
			      struct hs_swift_item *type);

#endif
