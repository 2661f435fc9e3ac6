/* SPDX-License-Identifier: MIT */
#include "types/swift_shape.h"

#include <stdio.h>

#include "core/limits.h"
#include "types/swift_generics.h"
#include "types/swift_mangling.h"

/* A value of which the size is not known goes on to the end of what is around
 * it; whoever knows that end cuts it off there. */
#define OPEN_END UINT32_MAX

/* What a shape may grow to: a value of more is no field of anything. */
#define MAX_SIZE (1u << 24)

struct hs_swift_shape hs_swift_shape_plain(uint32_t size)
{
	uint32_t align = size >= 16 ? 8 : size ? size : 1;
	return (struct hs_swift_shape){ .sized = true,
					.size = size,
					.align = align & -align };
}

static bool put_slot(struct hs_swift_shapes *s, struct hs_swift_slot slot)
{
	if (s->count == HS_SWIFT_SLOTS)
		return false;
	s->slot[s->count++] = slot;
	return true;
}

struct hs_swift_shape hs_swift_shape_unknown(struct hs_swift_shapes *s)
{
	struct hs_swift_shape shape = { .align = 8, .first = s->count };
	shape.count = put_slot(
		s, (struct hs_swift_slot){ .len = OPEN_END,
					   .kind = HS_SWIFT_SLOT_WORDS });
	return shape;
}

struct hs_swift_shape hs_swift_shape_one(struct hs_swift_shapes *s,
					 enum hs_swift_slot_kind kind,
					 uint32_t offset, uint32_t size)
{
	struct hs_swift_shape shape = {
		.sized = true,
		.spare = kind != HS_SWIFT_SLOT_UNOWNED,
		.size = size,
		.align = 8,
		.first = s->count,
	};
	struct hs_swift_slot slot = { .offset = offset,
				      .len = kind == HS_SWIFT_SLOT_ANY ? 32 : 8,
				      .kind = kind };
	shape.count = put_slot(s, slot);
	return shape.count ? shape : hs_swift_shape_unknown(s);
}

/* ".NAME" before what the slot is called already. */
static void call(struct hs_swift_shapes *s, struct hs_swift_slot *slot,
		 const char *name)
{
	size_t len = name ? strlen(name) : 0;
	if (!len || len + 1 + slot->name_len > HS_SWIFT_SLOT_TEXT - s->text_len)
		return;
	char *at = s->text + s->text_len;
	at[0] = '.';
	memcpy(at + 1, name, len);
	memcpy(at + 1 + len, s->text + slot->name, slot->name_len);
	slot->name = s->text_len;
	slot->name_len += (uint32_t)len + 1;
	s->text_len += slot->name_len;
}

/* The slots of both, side by side at the arena's end. */
static void copy_slots(struct hs_swift_shapes *s, struct hs_swift_shape *sum,
		       const struct hs_swift_shape *part, uint32_t offset,
		       const char *name)
{
	unsigned first = s->count, lost = 0;
	for (unsigned i = 0; i < sum->count; i++)
		lost += !put_slot(s, s->slot[sum->first + i]);
	for (unsigned i = 0; i < part->count; i++) {
		struct hs_swift_slot slot = s->slot[part->first + i];
		slot.offset += offset;
		call(s, &slot, name);
		bool there = false; /* in another case of an enum */
		for (unsigned k = first; k < s->count; k++)
			there |= s->slot[k].offset == slot.offset;
		if (!there)
			lost += !put_slot(s, slot);
	}
	sum->first = first;
	sum->count = s->count - first;
	sum->sized &= !lost;
}

void hs_swift_shape_add(struct hs_swift_shapes *s, struct hs_swift_shape *sum,
			const struct hs_swift_shape *part, const char *name)
{
	if (!sum->sized) {
		/* Where PART begins cannot be told. */
		struct hs_swift_slot rest = { .offset = sum->size,
					      .len = OPEN_END,
					      .kind = HS_SWIFT_SLOT_WORDS };
		struct hs_swift_slot *last =
			sum->count ? &s->slot[sum->first + sum->count - 1]
				   : NULL;
		if (last && last->len == OPEN_END) {
			last->name_len = 0; /* it may be of PART by now */
			return;
		}
		struct hs_swift_shape none = { 0 };
		copy_slots(s, sum, &none, 0, NULL);
		sum->count += put_slot(s, rest);
		return;
	}
	uint32_t align = part->align ? part->align : 1;
	uint32_t at = (sum->size + align - 1) & -align;
	copy_slots(s, sum, part, at, name);
	sum->size = at + part->size;
	sum->sized &= part->sized && sum->size <= MAX_SIZE;
	sum->spare |= part->spare;
	if (align > sum->align)
		sum->align = align;
	if (sum->size > MAX_SIZE)
		sum->size = MAX_SIZE;
}

/* Lay PART over what SUM has: another case of an enum. */
static void overlay(struct hs_swift_shapes *s, struct hs_swift_shape *sum,
		    const struct hs_swift_shape *part)
{
	copy_slots(s, sum, part, 0, NULL);
	if (part->size > sum->size)
		sum->size = part->size;
	if (part->align > sum->align)
		sum->align = part->align;
	sum->sized &= part->sized;
}

struct hs_swift_shape hs_swift_shape_optional(struct hs_swift_shape of)
{
	if (!of.spare) {
		of.size++;
		of.spare = true;
	}
	return of;
}

struct hs_swift_shape hs_swift_shape_as(struct hs_swift_shapes *s,
					enum hs_swift_slot_kind kind,
					const struct hs_swift_shape *of)
{
	/* Of an existential, the tables behind the reference stay. */
	return hs_swift_shape_one(s, kind, 0,
				  of->sized && of->size > 8 ? of->size : 8);
}

/* clang-format off */
static const struct {
	const char *name;
	enum hs_swift_slot_kind kind; /* WORDS: none */
	uint8_t offset, size;
} library_types[] = {
	{ "Int", HS_SWIFT_SLOT_WORDS, 0, 8 },
	{ "UInt", HS_SWIFT_SLOT_WORDS, 0, 8 },
	{ "Int8", HS_SWIFT_SLOT_WORDS, 0, 1 },
	{ "UInt8", HS_SWIFT_SLOT_WORDS, 0, 1 },
	{ "Int16", HS_SWIFT_SLOT_WORDS, 0, 2 },
	{ "UInt16", HS_SWIFT_SLOT_WORDS, 0, 2 },
	{ "Int32", HS_SWIFT_SLOT_WORDS, 0, 4 },
	{ "UInt32", HS_SWIFT_SLOT_WORDS, 0, 4 },
	{ "Int64", HS_SWIFT_SLOT_WORDS, 0, 8 },
	{ "UInt64", HS_SWIFT_SLOT_WORDS, 0, 8 },
	{ "Float", HS_SWIFT_SLOT_WORDS, 0, 4 },
	{ "Double", HS_SWIFT_SLOT_WORDS, 0, 8 },
	{ "ObjectIdentifier", HS_SWIFT_SLOT_UNMANAGED, 0, 8 },
	{ "Array", HS_SWIFT_SLOT_REF, 0, 8 },
	{ "ContiguousArray", HS_SWIFT_SLOT_REF, 0, 8 },
	{ "Dictionary", HS_SWIFT_SLOT_REF, 0, 8 },
	{ "Set", HS_SWIFT_SLOT_REF, 0, 8 },
	{ "String", HS_SWIFT_SLOT_STRING, 8, 16 },
	{ "Character", HS_SWIFT_SLOT_STRING, 8, 16 },
	{ "Substring", HS_SWIFT_SLOT_STRING, 24, 32 },
	{ "OpaquePointer", HS_SWIFT_SLOT_UNMANAGED, 0, 8 },
	{ "UnsafePointer", HS_SWIFT_SLOT_UNMANAGED, 0, 8 },
	{ "UnsafeMutablePointer", HS_SWIFT_SLOT_UNMANAGED, 0, 8 },
	{ "UnsafeRawPointer", HS_SWIFT_SLOT_UNMANAGED, 0, 8 },
	{ "UnsafeMutableRawPointer", HS_SWIFT_SLOT_UNMANAGED, 0, 8 },
	{ "UnsafeBufferPointer", HS_SWIFT_SLOT_UNMANAGED, 0, 16 },
	{ "UnsafeMutableBufferPointer", HS_SWIFT_SLOT_UNMANAGED, 0, 16 },
	{ "UnsafeRawBufferPointer", HS_SWIFT_SLOT_UNMANAGED, 0, 16 },
	{ "UnsafeMutableRawBufferPointer", HS_SWIFT_SLOT_UNMANAGED, 0, 16 },
	{ "Task", HS_SWIFT_SLOT_REF, 0, 8 },
	{ "AsyncStream", HS_SWIFT_SLOT_REF, 0, 8 },
	{ "AsyncThrowingStream", HS_SWIFT_SLOT_REF, 0, 8 },
	{ "CheckedContinuation", HS_SWIFT_SLOT_REF, 0, 8 },
	{ "UnsafeContinuation", HS_SWIFT_SLOT_UNMANAGED, 0, 8 },
};
/* clang-format on */

bool hs_swift_library_shape(struct hs_swift_shapes *s, const char *name,
			    struct hs_swift_shape *ret)
{
	if (strcmp(name, "Bool") == 0) {
		*ret = hs_swift_shape_plain(1);
		ret->spare = true;
		return true;
	}
	for (size_t i = 0; i < sizeof(library_types) / sizeof(library_types[0]);
	     i++) {
		if (strcmp(name, library_types[i].name) != 0)
			continue;
		*ret = library_types[i].kind == HS_SWIFT_SLOT_WORDS
			       ? hs_swift_shape_plain(library_types[i].size)
			       : hs_swift_shape_one(s, library_types[i].kind,
						    library_types[i].offset,
						    library_types[i].size);
		return true;
	}
	return false;
}

struct record {
	uint32_t flags;
	hs_addr type; /* HS_NO_ADDR: none */
	char name[256];
};

static bool read_record(struct hs_naming *n, hs_addr at, struct record *ret)
{
	hs_addr name;
	uint32_t has;
	if (!hs_peek_u32(n, at, &ret->flags) || !hs_peek_u32(n, at + 4, &has))
		return false;
	if (!has || !hs_swift_relative(n, at + 4, &ret->type))
		ret->type = HS_NO_ADDR;
	if (!hs_swift_relative(n, at + 8, &name) ||
	    !hs_peek_name(n, name, ret->name, sizeof(ret->name), NULL))
		ret->name[0] = 0;
	return true;
}

/* The first record of DESC's fields or cases; false: none are described. */
static bool records(struct hs_naming *n, hs_addr desc, hs_addr *ret,
		    uint32_t *count, uint64_t *step)
{
	hs_addr at;
	if (!hs_swift_relative(n, desc + 16, &at) ||
	    !hs_window_uint(&n->meta, at + 10, 2, step) || *step < 12 ||
	    !hs_peek_u32(n, at + 12, count) || *count > HS_LIMIT_TYPE_FIELDS)
		return false;
	*ret = at + 16;
	return true;
}

static struct hs_swift_shape of_record(struct hs_naming *n,
				       struct hs_swift_shapes *s,
				       const struct record *r,
				       const struct hs_swift_args *args)
{
	char text[HS_LIMIT_STRING];
	struct hs_text out;
	struct hs_swift_shape shape;
	hs_text_init(&out, text, sizeof(text));
	if (r->type == HS_NO_ADDR ||
	    !hs_swift_demangle_shape(n, r->type, args, &out, s, &shape))
		return hs_swift_shape_unknown(s);
	return shape;
}

static struct hs_swift_shape of_struct(struct hs_naming *n,
				       struct hs_swift_shapes *s, hs_addr desc,
				       const struct hs_swift_args *args)
{
	struct hs_swift_shape sum = { .sized = true, .align = 1 };
	hs_addr at;
	uint32_t count;
	uint64_t step;
	if (!records(n, desc, &at, &count, &step))
		return hs_swift_shape_unknown(s);
	for (uint32_t i = 0; i < count && s->steps; i++) {
		struct record r;
		if (!read_record(n, at + i * step, &r))
			return hs_swift_shape_unknown(s);
		struct hs_swift_shape part = of_record(n, s, &r, args);
		/* A wrapper around one thing is that thing. */
		hs_swift_shape_add(s, &sum, &part, count > 1 ? r.name : NULL);
	}
	return sum;
}

static struct hs_swift_shape of_enum(struct hs_naming *n,
				     struct hs_swift_shapes *s, hs_addr desc,
				     const struct hs_swift_args *args)
{
	struct hs_swift_shape sum = { .sized = true, .align = 1 }, only = sum;
	hs_addr at;
	uint32_t count, payloads = 0, refs = 0;
	uint64_t step;
	if (!records(n, desc, &at, &count, &step))
		return hs_swift_shape_unknown(s);
	for (uint32_t i = 0; i < count && s->steps; i++) {
		struct record r;
		if (!read_record(n, at + i * step, &r))
			return hs_swift_shape_unknown(s);
		if (r.type == HS_NO_ADDR)
			continue;
		bool boxed = r.flags & 1; /* "indirect" */
		only = boxed ? hs_swift_shape_one(s, HS_SWIFT_SLOT_REF, 0, 8)
			     : of_record(n, s, &r, args);
		overlay(s, &sum, &only);
		payloads++;
		refs += only.sized && only.count == 1 && only.size == 8 &&
			s->slot[only.first].kind == HS_SWIFT_SLOT_REF;
	}
	if (payloads == 0) {
		sum = hs_swift_shape_plain(count > 256 ? 2 : count > 1);
		sum.spare = count > 1;
	} else if (payloads == 1) {
		sum.spare = only.spare;
		if (count > 1)
			sum = hs_swift_shape_optional(sum);
	} else if (payloads == refs) {
		sum.spare = true; /* tags are where no address has bits */
	} else {
		sum.sized = false; /* there may be a byte for the tag */
	}
	return sum;
}

struct hs_swift_shape hs_swift_shape_described(struct hs_naming *n,
					       struct hs_swift_shapes *s,
					       hs_addr desc,
					       const struct hs_swift_args *args)
{
	hs_addr at = args ? args->at : 0;
	unsigned kind = hs_swift_context_kind(n, desc);
	if (kind == HS_SWIFT_KIND_CLASS)
		return hs_swift_shape_one(s, HS_SWIFT_SLOT_REF, 0, 8);
	if (s->steps == 0 || s->opened == HS_SWIFT_OPEN ||
	    (kind != HS_SWIFT_KIND_STRUCT && kind != HS_SWIFT_KIND_ENUM))
		return hs_swift_shape_unknown(s);
	for (unsigned i = 0; i < s->opened; i++)
		if (s->open[i].desc == desc && s->open[i].args == at)
			return hs_swift_shape_unknown(s);
	s->steps--;
	s->open[s->opened].desc = desc;
	s->open[s->opened++].args = at;
	struct hs_swift_shape shape = kind == HS_SWIFT_KIND_STRUCT
					      ? of_struct(n, s, desc, args)
					      : of_enum(n, s, desc, args);
	s->opened--;
	return shape;
}

bool hs_swift_value(struct hs_naming *n, hs_addr metadata,
		    struct hs_swift_value *ret)
{
	uint64_t witness, size, stride;
	uint32_t flags, extra;
	if (!hs_peek(n, metadata - 8, &witness) || witness % 8 != 0 ||
	    !hs_peek(n, witness + 64, &size) ||
	    !hs_peek(n, witness + 72, &stride) ||
	    !hs_peek_u32(n, witness + 80, &flags) ||
	    !hs_peek_u32(n, witness + 84, &extra) || size > MAX_SIZE ||
	    stride < size || stride > MAX_SIZE + 4096 || stride == 0)
		return false;
	*ret = (struct hs_swift_value){ .size = (uint32_t)size,
					.stride = (uint32_t)stride,
					.align = (flags & 0xff) + 1,
					.boxed = flags & 0x20000,
					.spare = extra != 0 };
	return (ret->align & (ret->align - 1)) == 0;
}

/* (A, B): each element says where it is. */
static struct hs_swift_shape of_tuple(struct hs_naming *n,
				      struct hs_swift_shapes *s,
				      hs_addr metadata, unsigned depth)
{
	struct hs_swift_shape sum = { .sized = true, .align = 1 };
	uint64_t count, type;
	if (!hs_peek(n, metadata + 8, &count) || count > HS_LIMIT_TYPE_FIELDS)
		return hs_swift_shape_unknown(s);
	for (uint64_t i = 0; i < count && s->steps; i++) {
		char name[24];
		if (!hs_peek(n, metadata + 24 + 16 * i, &type))
			return hs_swift_shape_unknown(s);
		struct hs_swift_shape part =
			hs_swift_shape_of(n, s, type, depth + 1);
		(void)snprintf(name, sizeof(name), "%u", (unsigned)i);
		hs_swift_shape_add(s, &sum, &part, name);
	}
	return sum;
}

static struct hs_swift_shape
of_existential(struct hs_naming *n, struct hs_swift_shapes *s, hs_addr metadata)
{
	uint32_t flags;
	if (!hs_peek_u32(n, metadata + 8, &flags))
		return hs_swift_shape_unknown(s);
	uint32_t tables = flags & 0xffffff;
	if (tables > HS_LIMIT_TYPE_FIELDS)
		return hs_swift_shape_unknown(s);
	if ((flags >> 24 & 0x3f) == 1) /* any Error: a box of its own kind */
		return hs_swift_shape_one(s, HS_SWIFT_SLOT_REF, 0, 8);
	return flags & 0x80000000 ? hs_swift_shape_one(s, HS_SWIFT_SLOT_ANY, 0,
						       32 + 8 * tables)
				  : hs_swift_shape_one(s, HS_SWIFT_SLOT_REF, 0,
						       8 + 8 * tables);
}

/* A few types of the library whose inside is known better than described. */
static bool of_library(struct hs_naming *n, struct hs_swift_shapes *s,
		       hs_addr desc, struct hs_swift_shape *ret)
{
	char name[64];
	struct hs_text text;
	hs_text_init(&text, name, sizeof(name));
	return hs_swift_context_name(n, desc, NULL, &text) && !text.full &&
	       strncmp(name, "Swift.", 6) == 0 &&
	       hs_swift_library_shape(s, name + 6, ret);
}

struct hs_swift_shape hs_swift_shape_of(struct hs_naming *n,
					struct hs_swift_shapes *s,
					hs_addr metadata, unsigned depth)
{
	uint64_t kind, desc;
	struct hs_swift_shape shape;
	struct hs_swift_value value;
	struct hs_swift_args args = { .at = metadata + 16, .depth = depth };
	if (s->steps == 0 || depth > HS_LIMIT_TYPE_DEPTH || metadata % 8 != 0 ||
	    !hs_peek(n, metadata, &kind))
		return hs_swift_shape_unknown(s);
	s->steps--;
	switch (kind) {
	case HS_SWIFT_CLASS:
		return hs_swift_shape_one(s, HS_SWIFT_SLOT_REF, 0, 8);
	case HS_SWIFT_STRUCT:
	case HS_SWIFT_ENUM:
	case HS_SWIFT_OPTIONAL:
		if (!hs_peek(n, metadata + 8, &desc))
			return hs_swift_shape_unknown(s);
		args.context = desc;
		if (!of_library(n, s, desc, &shape))
			shape = hs_swift_shape_described(n, s, desc, &args);
		break;
	case HS_SWIFT_TUPLE:
		shape = of_tuple(n, s, metadata, depth);
		break;
	case HS_SWIFT_FUNCTION:
		return hs_swift_shape_one(s, HS_SWIFT_SLOT_REF, 8, 16);
	case HS_SWIFT_EXISTENTIAL:
		return of_existential(n, s, metadata);
	case HS_SWIFT_METATYPE:
		return hs_swift_shape_plain(8);
	default:
		shape = hs_swift_shape_unknown(s);
	}
	if (hs_swift_value(n, metadata, &value)) {
		shape.sized = true;
		shape.size = value.size;
		shape.align = value.align;
		shape.spare = value.spare;
	}
	return shape;
}
