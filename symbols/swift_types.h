/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_SWIFT_TYPES_H
#define SYMBOLS_SWIFT_TYPES_H

#include "symbols/swift_stack.h"

/* Operators that make types, and what belongs to types. */
bool hs_swift_bound_generic(struct hs_swift_stack *s);    /* G */
bool hs_swift_builtin(struct hs_swift_stack *s);          /* B */
bool hs_swift_tuple(struct hs_swift_stack *s);            /* t */
bool hs_swift_function_type(struct hs_swift_stack *s);    /* c */
bool hs_swift_lowered_function(struct hs_swift_stack *s); /* I */
bool hs_swift_annotation(struct hs_swift_stack *s);       /* Y */
bool hs_swift_special_type(struct hs_swift_stack *s);     /* X */
bool hs_swift_protocols(struct hs_swift_stack *s);        /* p */
bool hs_swift_metatype(struct hs_swift_stack *s);         /* m */
bool hs_swift_archetype(struct hs_swift_stack *s);        /* Q */
bool hs_swift_parameter(struct hs_swift_stack *s);        /* q */
bool hs_swift_first_parameter(struct hs_swift_stack *s);  /* x */
bool hs_swift_requirement(struct hs_swift_stack *s);      /* R */
bool hs_swift_generic_type(struct hs_swift_stack *s);     /* u */
/* r, or l: the latter says how many parameters there are. */
bool hs_swift_signature(struct hs_swift_stack *s, bool counts);
/* n, h, z, and others that say how a value is passed. */
bool hs_swift_wrap(struct hs_swift_stack *s, const char *before);

/* A function's type on top of the stack, without its letter. */
bool hs_swift_pop_function(struct hs_swift_stack *s, struct hs_swift_item *ret);
/* The labels below, of the parameters of TYPE. */
bool hs_swift_pop_labels(struct hs_swift_stack *s,
			 const struct hs_swift_item *type);
/* Conformances that arguments of a generic type have from elsewhere. */
void hs_swift_pop_conformances(struct hs_swift_stack *s);
/* "Self.P.Element": names below; what they are of may be anything. */
bool hs_swift_pop_path(struct hs_swift_stack *s, struct hs_swift_item *ret);

#endif
