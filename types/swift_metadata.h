/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_METADATA_H
#define TYPES_SWIFT_METADATA_H

#include "types/namer.h"
#include "types/text.h"

/*
 * Metadata of the Swift runtime on 64-bit Linux, as compilers 5.9 to 6.x write
 * it: what types are called, without any symbol. Everything is reached from
 * the metadata pointer that an object begins with.
 */
#define HS_SWIFT_CLASS 0u
#define HS_SWIFT_STRUCT 0x200u
#define HS_SWIFT_ENUM 0x201u
#define HS_SWIFT_OPTIONAL 0x202u
#define HS_SWIFT_TUPLE 0x301u
#define HS_SWIFT_FUNCTION 0x302u
#define HS_SWIFT_EXISTENTIAL 0x303u
#define HS_SWIFT_METATYPE 0x304u
#define HS_SWIFT_EXTENDED_EXISTENTIAL 0x307u
#define HS_SWIFT_BOX 0x400u         /* captures, boxed variables */
#define HS_SWIFT_GENERIC_BOX 0x500u /* the same of a generic type */
#define HS_SWIFT_ERROR 0x501u
#define HS_SWIFT_TASK 0x502u
#define HS_SWIFT_JOB 0x503u

/* The class of an object. */
struct hs_swift_class {
	hs_addr metadata;
	hs_addr descriptor; /* in an image, read-only */
	hs_addr super;      /* metadata, or 0 */
	uint32_t instance_size;
};

/* Is METADATA that of a class? For reasons that hold up in arbitrary memory. */
bool hs_swift_class(struct hs_naming *n, hs_addr metadata,
		    struct hs_swift_class *ret);

/*
 * The name of a type, as String(reflecting:) would write it: module, contexts,
 * generic arguments. False: something does not look like metadata; then OUT
 * holds no name.
 */
bool hs_swift_type_name(struct hs_naming *n, hs_addr metadata,
			struct hs_text *out);

/* Contexts around a type: modules hold types hold types. */
#define HS_SWIFT_CONTEXTS 32u

/* Generic arguments of a type, for names that speak of them. */
struct hs_swift_shape;
struct hs_swift_args {
	hs_addr at; /* of the first; HS_NO_ADDR: none */
	unsigned depth;
	hs_addr context; /* whose parameters they are for; 0: of none */
	/* Or how they lie in memory, in the order of the parameters. */
	const struct hs_swift_shape *shape;
	unsigned shapes;
};
/* Those of a class. */
struct hs_swift_args hs_swift_class_args(struct hs_naming *n,
					 const struct hs_swift_class *class);

/* The name that the context descriptor DESC stands for, with ARGS if given. */
bool hs_swift_context_name(struct hs_naming *n, hs_addr desc,
			   const struct hs_swift_args *args,
			   struct hs_text *out);
/* As hs_swift_type_name(), for one that is part of another. */
bool hs_swift_inner_name(struct hs_naming *n, hs_addr metadata, unsigned depth,
			 struct hs_text *out);

/* ADDR plus the 32-bit signed distance stored there; false: not readable, or
 * no distance (0). */
bool hs_swift_relative(struct hs_naming *n, hs_addr addr, hs_addr *ret);
/* The same where the lowest bit says that a pointer comes in between. */
bool hs_swift_indirect(struct hs_naming *n, hs_addr addr, hs_addr *ret);

#define HS_SWIFT_KIND_MODULE 0u
#define HS_SWIFT_KIND_EXTENSION 1u
#define HS_SWIFT_KIND_ANONYMOUS 2u
#define HS_SWIFT_KIND_PROTOCOL 3u
#define HS_SWIFT_KIND_CLASS 16u
#define HS_SWIFT_KIND_STRUCT 17u
#define HS_SWIFT_KIND_ENUM 18u
/* What DESC describes: one of the above, or another below 32; UINT_MAX: it is
 * no context descriptor. */
unsigned hs_swift_context_kind(struct hs_naming *n, hs_addr desc);

#endif
