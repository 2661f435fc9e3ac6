/* SPDX-License-Identifier: MIT */
#include "types/swift_object.h"

#include "core/limits.h"
#include "types/swift_mangling.h"

#define SLOW (UINT64_C(1) << 63)
#define SIDE (UINT64_C(3) << 62)

/* The bits that an enum may use to tell its cases apart: no address has them,
 * since user space ends at 2^56 and objects are 8-aligned. */
#define ADDRESS_BITS UINT64_C(0x00fffffffffffff8)

static void inline_counts(uint64_t word, struct hs_swift_refs *ret)
{
	/* The strong count is kept less one; the object itself holds one
	 * unowned reference. */
	uint64_t unowned = word >> 1 & 0x7fffffff;
	ret->strong = (word >> 33 & 0x3fffffff) + 1;
	ret->unowned = unowned ? unowned - 1 : 0;
	ret->deiniting = word >> 32 & 1;
}

bool hs_swift_refs(struct hs_naming *n, uint64_t word,
		   struct hs_swift_refs *ret)
{
	uint32_t weak;
	*ret = (struct hs_swift_refs){ .side_table = HS_NO_ADDR };
	/* First of all: such words look like anything else, too. */
	if ((uint32_t)word == UINT32_MAX) {
		ret->immortal = true;
		return true;
	}
	if ((word & SIDE) == SIDE) {
		hs_addr side = (word & ~SIDE) << 3;
		if (!hs_peek(n, side + 16, &word) ||
		    !hs_peek_u32(n, side + 24, &weak))
			return false;
		ret->side_table = side;
		ret->weak = weak ? weak - 1 : 0;
		inline_counts(word, ret);
		return true;
	}
	if (word & SLOW || (word >> 1 & 0x7fffffff) == 0)
		return false;
	inline_counts(word, ret);
	return true;
}

static enum hs_strength strength_of(const char *type)
{
	static const struct {
		const char *begins;
		enum hs_strength strength;
	} words[] = {
		{ "weak ", HS_STRENGTH_WEAK },
		{ "unowned(unsafe) ", HS_STRENGTH_UNMANAGED },
		{ "unowned ", HS_STRENGTH_UNOWNED },
		{ "Swift.Unsafe", HS_STRENGTH_UNMANAGED },
		{ "Swift.Int", HS_STRENGTH_NONE },
		{ "Swift.UInt", HS_STRENGTH_NONE },
		{ "Swift.Double", HS_STRENGTH_NONE },
		{ "Swift.Float", HS_STRENGTH_NONE },
		{ "Swift.Bool", HS_STRENGTH_NONE },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(type, words[i].begins, strlen(words[i].begins)) ==
		    0)
			return words[i].strength;
	return HS_STRENGTH_STRONG;
}

/* What the field refers to; clears the strength of one that refers to
 * nothing, or is not known to. */
static void resolve(struct hs_naming *n, const struct hs_block *b,
		    struct hs_field_info *f)
{
	uint64_t word;
	f->word = f->offset;
	if (!f->type || f->strength == HS_STRENGTH_NONE)
		return;
	/* A string's storage is its second word, when it is not inline. */
	uint64_t at = f->offset;
	bool string = strncmp(f->type, "Swift.String", 12) == 0;
	if (string)
		at += 8;
	if (at % 8 != 0 || !hs_block_word(n, b, (size_t)(at / 8), &word) ||
	    (string && word >> 60 != 0))
		word = 0;
	if (f->strength == HS_STRENGTH_WEAK) {
		/* Weak variables hold the side table, whose first word is the
		 * object. */
		struct hs_block side;
		word = word && hs_naming_block_at(n, word & ADDRESS_BITS, &side)
			       ? side.first
			       : 0;
	}
	if (hs_naming_block_in(n, word & ADDRESS_BITS, NULL)) {
		f->refers_to = word & ADDRESS_BITS;
		f->word = at;
	} else if (f->strength == HS_STRENGTH_STRONG) {
		f->strength = HS_STRENGTH_NONE;
	}
}

/* The fields that one class adds. */
static bool own_fields(struct hs_naming *n, const struct hs_block *b,
		       const struct hs_swift_class *class, hs_field_fn fn,
		       void *arg)
{
	hs_addr records, at;
	uint64_t size;
	uint32_t count, vector;
	struct hs_swift_args args = hs_swift_class_args(n, class);
	if (!hs_swift_relative(n, class->descriptor + 16, &records) ||
	    !hs_peek_u32(n, class->descriptor + 40, &vector) ||
	    !hs_window_uint(&n->meta, records + 10, 2, &size) || size < 12 ||
	    !hs_peek_u32(n, records + 12, &count) ||
	    count > HS_LIMIT_TYPE_FIELDS)
		return true;
	for (uint32_t i = 0; i < count; i++) {
		char name[512], type[HS_LIMIT_STRING];
		struct hs_text text;
		struct hs_field_info f = { .name = name,
					   .refers_to = HS_NO_ADDR };
		hs_addr record = records + 16 + i * size;
		if (!hs_peek(n,
			     class->metadata +
				     8 * ((uint64_t)vector + (uint64_t)i),
			     &f.offset) ||
		    f.offset >= class->instance_size ||
		    !hs_swift_relative(n, record + 8, &at) ||
		    !hs_peek_name(n, at, name, sizeof(name), NULL))
			continue;
		hs_text_init(&text, type, sizeof(type));
		if (hs_swift_relative(n, record + 4, &at) &&
		    hs_swift_demangle(n, at, &args, &text)) {
			f.type = type;
			f.strength = strength_of(type);
		}
		resolve(n, b, &f);
		if (!fn(arg, &f))
			return false;
	}
	return true;
}

void hs_swift_fields(struct hs_naming *n, const struct hs_block *block,
		     const struct hs_swift_class *class, hs_field_fn fn,
		     void *arg)
{
	/* Superclasses first: their fields come first. */
	struct hs_swift_class chain[32];
	size_t count = 0;
	chain[count++] = *class;
	while (count < sizeof(chain) / sizeof(chain[0]) &&
	       hs_swift_class(n, chain[count - 1].super, &chain[count]))
		count++;
	while (count-- > 0)
		if (!own_fields(n, block, &chain[count], fn, arg))
			return;
}
