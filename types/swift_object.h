/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_OBJECT_H
#define TYPES_SWIFT_OBJECT_H

#include "types/swift_metadata.h"

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
 * Every stored property of the object in BLOCK whose class is CLASS, those of
 * its superclasses first. False from FN stops.
 */
void hs_swift_fields(struct hs_naming *n, const struct hs_block *block,
		     const struct hs_swift_class *class, hs_field_fn fn,
		     void *arg);

#endif
