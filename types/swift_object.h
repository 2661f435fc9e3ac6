/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_OBJECT_H
#define TYPES_SWIFT_OBJECT_H

#include "types/swift_layout.h"

/*
 * The second word of a Swift object on 64-bit machines: its reference counts,
 * or where they went.
 */
struct hs_swift_refs {
	bool immortal; /* a static: never counted */
	bool deiniting;
	uint64_t strong, unowned, weak;
	hs_addr side_table; /* HS_NO_ADDR: the counts are in the object */
};

/* Decode WORD, and the side table it leads to. False: no object has such. */
bool hs_swift_refs(struct hs_naming *n, uint64_t word,
		   struct hs_swift_refs *ret);

/*
 * The fields of the object in BLOCK, and what its elements refer to if it is
 * the storage of a collection. False from FN stops.
 */
void hs_swift_fields(struct hs_naming *n, struct hs_swift_layouts *l,
		     const struct hs_block *block, hs_field_fn fn, void *arg);
/* The same of an error's box, whose type is in itself. */
void hs_swift_error_fields(struct hs_naming *n, struct hs_swift_layouts *l,
			   const struct hs_block *block, hs_field_fn fn,
			   void *arg);

#endif
