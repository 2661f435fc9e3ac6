/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_SHAPE_H
#define TYPES_SWIFT_SHAPE_H

#include "types/swift_metadata.h"

/*
 * How a value of a Swift type lies in memory, as far as references go: where
 * they are, what they do for what they refer to, and how they are disguised.
 */
enum hs_swift_slot_kind {
	HS_SWIFT_SLOT_REF,       /* an object; an enum may have put a tag in */
	HS_SWIFT_SLOT_WEAK,      /* its side table */
	HS_SWIFT_SLOT_UNOWNED,   /* an object */
	HS_SWIFT_SLOT_UNMANAGED, /* a plain address */
	HS_SWIFT_SLOT_STRING,    /* text, unless it is stored in place */
	HS_SWIFT_SLOT_ANY,       /* three words of anything, then its type */
	HS_SWIFT_SLOT_WORDS,     /* LEN bytes which may hold references */
};

struct hs_swift_slot {
	uint32_t offset, len; /* bytes */
	enum hs_swift_slot_kind kind;
	uint32_t name, name_len; /* of what is within, as ".a.b"; in text[] */
};

struct hs_swift_shape {
	bool sized; /* size and align are known */
	bool spare; /* an optional one is no larger */
	uint32_t size, align;
	unsigned first, count; /* slots, ascending by offset */
};

#define HS_SWIFT_SLOTS 512u
#define HS_SWIFT_SLOT_TEXT 8192u
#define HS_SWIFT_OPEN 32u

/* What shapes of one type are made of; for a caller's stack. */
struct hs_swift_shapes {
	struct hs_swift_slot slot[HS_SWIFT_SLOTS];
	unsigned count;
	char text[HS_SWIFT_SLOT_TEXT];
	unsigned text_len;
	/* What is being looked at: a value cannot hold its own type, so who
	 * comes by again came by an argument that lies somewhere else. */
	struct {
		hs_addr desc, args;
	} open[HS_SWIFT_OPEN];
	unsigned opened;
	/* What may still be looked at: types contain types, and forged ones
	 * themselves. The rest is of unknown shape. */
	unsigned steps;
};

/* No references. */
struct hs_swift_shape hs_swift_shape_plain(uint32_t size);
/* One, at OFFSET of SIZE bytes. */
struct hs_swift_shape hs_swift_shape_one(struct hs_swift_shapes *s,
					 enum hs_swift_slot_kind kind,
					 uint32_t offset, uint32_t size);
/* Nothing is known: any word may be one. */
struct hs_swift_shape hs_swift_shape_unknown(struct hs_swift_shapes *s);

/* Add PART, called NAME (may be NULL), behind what SUM has. */
void hs_swift_shape_add(struct hs_swift_shapes *s, struct hs_swift_shape *sum,
			const struct hs_swift_shape *part, const char *name);
/* What is in it, or nothing. */
struct hs_swift_shape hs_swift_shape_optional(struct hs_swift_shape of);
/* A reference, but of another KIND. */
struct hs_swift_shape hs_swift_shape_as(struct hs_swift_shapes *s,
					enum hs_swift_slot_kind kind,
					const struct hs_swift_shape *of);

/* Of the type of the standard library that is called NAME, where that takes no
 * look at it; false: another one. */
bool hs_swift_library_shape(struct hs_swift_shapes *s, const char *name,
			    struct hs_swift_shape *ret);
/* Of the type that DESC describes, with ARGS. */
struct hs_swift_shape
hs_swift_shape_described(struct hs_naming *n, struct hs_swift_shapes *s,
			 hs_addr desc, const struct hs_swift_args *args);
/* Of the type whose metadata this is: sizes are exact. */
struct hs_swift_shape hs_swift_shape_of(struct hs_naming *n,
					struct hs_swift_shapes *s,
					hs_addr metadata, unsigned depth);

/* How values of a type are stored, from its own table. */
struct hs_swift_value {
	uint32_t size, stride, align; /* bytes */
	bool boxed;                   /* inside of an existential */
	bool spare;
};
bool hs_swift_value(struct hs_naming *n, hs_addr metadata,
		    struct hs_swift_value *ret);

#endif
