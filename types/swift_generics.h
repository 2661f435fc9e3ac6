/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_GENERICS_H
#define TYPES_SWIFT_GENERICS_H

#include "types/swift_metadata.h"

/*
 * The parameters of a generic context, those of the contexts around it first,
 * and which of them have an argument of their own in metadata.
 */
#define HS_SWIFT_LEVELS 8u

struct hs_swift_generics {
	hs_addr params;   /* a byte each, in an image */
	unsigned count;   /* of parameters */
	unsigned lengths; /* words before the arguments: of packs */
	hs_addr packs;    /* their records: 8 bytes each */
	/* Where each level of nesting begins. */
	unsigned level[HS_SWIFT_LEVELS], levels;
};

#define HS_SWIFT_PARAM_TYPE 0u
#define HS_SWIFT_PARAM_PACK 1u
#define HS_SWIFT_PARAM_VALUE 2u

/* Those of the context DESC; all zero where it has none. False: DESC does not
 * look like a context. */
bool hs_swift_generics(struct hs_naming *n, hs_addr desc,
		       struct hs_swift_generics *ret);

/* What one parameter stands for. */
struct hs_swift_argument {
	unsigned kind;
	uint64_t word;  /* metadata; where a pack's is; a value */
	uint64_t count; /* of a pack */
};
/* Argument of parameter number I, with the arguments at AT; false: it has
 * none, or it is not readable. */
bool hs_swift_argument(struct hs_naming *n, const struct hs_swift_generics *g,
		       hs_addr at, unsigned i, struct hs_swift_argument *ret);

#endif
