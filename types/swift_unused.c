/* SPDX-License-Identifier: MIT */
#include "types/swift_unused.h"

#include "core/limits.h"

/* What malloc gives beyond what it was asked for: up to 15 bytes, and a rest
 * of 16 that is too small for a block of its own. */
#define MALLOC_MORE 32u

bool hs_swift_unused_words(struct hs_naming *n, const struct hs_block *block,
			   uint64_t from, uint64_t end, hs_field_fn fn,
			   void *arg)
{
	struct hs_field_info f = { .name = "memory",
				   .strength = HS_STRENGTH_UNUSED };
	uint64_t word;
	if (end > block->usable)
		end = block->usable;
	/* A word of which a part is in use is in use. */
	if (from > end)
		return true;
	for (uint64_t at = (from + 7) & ~UINT64_C(7); at + 8 <= end; at += 8) {
		if (!hs_block_word(n, block, (size_t)(at / 8), &word) ||
		    !word || !hs_naming_block_in(n, word, NULL))
			continue;
		f.offset = f.word = at;
		f.refers_to = word;
		if (!fn(arg, &f))
			return false;
	}
	return true;
}

/* Where the captures of a closure or a box end; 0: not known. */
static uint64_t captures_end(const struct hs_swift_layouts *l,
			     const struct hs_swift_layout *layout)
{
	uint64_t end = 0;
	for (uint32_t i = 0; i < layout->count; i++) {
		const struct hs_swift_field *f = &l->field[layout->first + i];
		if (f->extent == UINT32_MAX)
			return 0;
		if (end < (uint64_t)f->offset + f->extent)
			end = (uint64_t)f->offset + f->extent;
	}
	return end;
}

static bool behind_the_end(struct hs_naming *n, struct hs_swift_layouts *l,
			   const struct hs_block *b,
			   const struct hs_swift_layout *layout, hs_field_fn fn,
			   void *arg)
{
	struct hs_swift_class class;
	uint64_t end;
	if (!hs_swift_class(n, b->first, &class))
		end = captures_end(l, layout);
	else
		end = layout->ends ? class.instance_size : 0;
	if (end < 16 || end > b->usable || b->usable - end >= MALLOC_MORE)
		return true;
	return hs_swift_unused_words(n, b, end, b->usable, fn, arg);
}

/* An array that says it is empty may just be moving. */
static bool behind_an_array(struct hs_naming *n, const struct hs_block *b,
			    hs_addr type, hs_field_fn fn, void *arg)
{
	struct hs_swift_value value;
	uint64_t count;
	if (!type || !hs_block_word(n, b, 2, &count) || !count ||
	    !hs_swift_value(n, type, &value) || !value.stride ||
	    count > b->usable / value.stride)
		return true;
	uint64_t start = value.align > 32 ? value.align : 32;
	return hs_swift_unused_words(n, b, start + count * value.stride,
				     b->usable, fn, arg);
}

/* A table of elements whose address is in word WHERE; those whose bit from byte
 * BITS on is not set are empty. */
static bool empty_buckets(struct hs_naming *n, const struct hs_block *b,
			  hs_addr type, size_t where, uint64_t bits,
			  hs_field_fn fn, void *arg)
{
	struct hs_swift_value value;
	uint64_t raw, scale, taken = 0;
	if (!type || !hs_block_word(n, b, where, &raw) || raw < b->user ||
	    raw - b->user > b->usable ||
	    !hs_window_uint(&n->block, b->user + 32, 1, &scale) || scale > 40 ||
	    !hs_swift_value(n, type, &value) || value.stride < 8)
		return true;
	for (uint64_t i = 0, at = raw - b->user; i < UINT64_C(1) << scale;
	     i++, at += value.stride) {
		if (at >= b->usable || i >= HS_LIMIT_SWIFT_ELEMENTS ||
		    (i % 64 == 0 &&
		     !hs_block_word(n, b, (size_t)((bits + i / 8) / 8),
				    &taken)))
			return true;
		if (!(taken >> (i % 64) & 1) &&
		    !hs_swift_unused_words(n, b, at, at + value.stride, fn,
					   arg))
			return false;
	}
	return true;
}

/* Words of a hash table's storage: what its hashes were mixed with, which is
 * its own address, and where its keys and values are, within it. */
#define TABLE_SEED 40u
#define SET_BITS 56u
#define DICTIONARY_BITS 64u

bool hs_swift_unused_of_object(struct hs_naming *n, struct hs_swift_layouts *l,
			       const struct hs_block *block, hs_field_fn fn,
			       void *arg)
{
	struct hs_swift_layout y;
	bool more = true;
	if (!hs_swift_layout(n, l, block->first, &y))
		return true;
	switch (y.container) {
	case HS_SWIFT_NO_CONTAINER:
		return behind_the_end(n, l, block, &y, fn, arg);
	case HS_SWIFT_ARRAY:
		return behind_an_array(n, block, y.element[0], fn, arg);
	case HS_SWIFT_DICTIONARY:
		more = hs_swift_unused_words(n, block, TABLE_SEED,
					     DICTIONARY_BITS, fn, arg) &&
		       empty_buckets(n, block, y.element[1], 7, DICTIONARY_BITS,
				     fn, arg);
		return more && empty_buckets(n, block, y.element[0], 6,
					     DICTIONARY_BITS, fn, arg);
	case HS_SWIFT_SET:
		return hs_swift_unused_words(n, block, TABLE_SEED, SET_BITS, fn,
					     arg) &&
		       empty_buckets(n, block, y.element[0], 6, SET_BITS, fn,
				     arg);
	default:
		return true;
	}
}
