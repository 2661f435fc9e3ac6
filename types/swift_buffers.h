/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_BUFFERS_H
#define TYPES_SWIFT_BUFFERS_H

#include "types/swift_object.h"

/*
 * Blocks that are no objects, by the pointers of Swift objects that lead to
 * their starts: the bytes of Foundation's Data, the storage of a buffer in a
 * server, a struct of a C library. They are called after the field, "memory of
 * Module.Class.field".
 */
struct hs_swift_buffers {
	struct hs_addr_map owner; /* block -> object; value, extra: its address,
				   * all ones: objects of several types */
};
void hs_swift_buffers_release(struct hs_swift_buffers *b);

/* Do objects that begin with METADATA have plain pointers? */
bool hs_swift_has_pointers(struct hs_naming *n, struct hs_swift_layouts *l,
			   hs_addr metadata);
/* Write down where those of OBJECT lead. */
void hs_swift_buffers_note(struct hs_naming *n, struct hs_swift_layouts *l,
			   struct hs_swift_buffers *b,
			   const struct hs_block *object);
void hs_swift_buffers_merge(struct hs_naming *n, struct hs_swift_buffers *b,
			    const struct hs_swift_buffers *from);
/* When all objects were seen: name what has no name yet, before anybody goes by
 * the shape of things. A Data, say, looks like a std::string: {bytes, length,
 * capacity}. */
void hs_swift_buffers_name(struct hs_naming *n, struct hs_swift_layouts *l,
			   const struct hs_swift_buffers *b);

#endif
