/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_MANGLING_H
#define TYPES_SWIFT_MANGLING_H

#include "types/swift_metadata.h"
#include "types/swift_shape.h"

/*
 * Put the type whose mangled name is at ADDR. These are names as they occur in
 * memory, in records of fields and captures: without a prefix, and with
 * symbolic references, that is, bytes below 0x20 followed by the distance to a
 * context descriptor. ARGS, which may be NULL, are what the parameters of
 * generic types stand for. False: a form that we do not know, or no name.
 */
bool hs_swift_demangle(struct hs_naming *n, hs_addr addr,
		       const struct hs_swift_args *args, struct hs_text *out);
/* The same, and how such values lie in memory: *RET, with slots in SHAPES. */
bool hs_swift_demangle_shape(struct hs_naming *n, hs_addr addr,
			     const struct hs_swift_args *args,
			     struct hs_text *out,
			     struct hs_swift_shapes *shapes,
			     struct hs_swift_shape *ret);

#endif
