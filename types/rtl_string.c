/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"
#include "types/wide_text.h"

/*
 * Strings of LibreOffice and OpenOffice: {references i32, length i32, text},
 * in UTF-16 or in bytes, with a zero behind it. What fits its length, and is
 * text all along, may still be something else if it is short.
 */
#define HEADER_BYTES 8u
#define LENGTH_MOST (UINT32_C(1) << 30)
/* The highest bits say that it is kept for all, or for ever. */
#define REFERENCES UINT32_C(0x3fffffff)
#define REFERENCES_MOST (UINT32_C(1) << 24)

static const struct hs_shape_name
	wide_shape = { "rtl_uString", "its length, and its characters",
		       HS_CONFIDENCE_MEDIUM },
	shape = { "rtl_String", "its length, and its characters",
		  HS_CONFIDENCE_MEDIUM },
	/* {..., 'a', 0, 0, 0} is one as much as the other. */
	short_shape = { "rtl_String or rtl_uString",
			"its length, and its character", HS_CONFIDENCE_MEDIUM };

struct rtl {
	bool loaded;
};

static void prepare(struct hs_naming *n, void *state)
{
	struct rtl *r = state;
	r->loaded = n->target->word_size == 8 && !n->target->big_endian &&
		    hs_module_named(n, "libuno_sal") != SIZE_MAX;
}

static bool is_text(struct hs_naming *n, hs_addr at, uint32_t length)
{
	uint64_t c;
	for (uint32_t i = 0; i < length; i++)
		if (!hs_window_uint(&n->block, at + i, 1, &c) ||
		    !hs_is_text_byte((uint8_t)c))
			return false;
	return hs_window_uint(&n->block, at + length, 1, &c) && c == 0;
}

static bool is_wide(struct hs_naming *n, hs_addr at, uint32_t length)
{
	uint64_t end;
	return hs_wide_text(n, at, length, true) == length &&
	       hs_window_uint(&n->block, at + 2 * (uint64_t)length, 2, &end) &&
	       end == 0;
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	const struct rtl *r = state;
	uint32_t references = (uint32_t)b->first & REFERENCES,
		 length = (uint32_t)(b->first >> 32);
	hs_addr text = b->user + HEADER_BYTES;
	if (!r->loaded || references == 0 || references > REFERENCES_MOST ||
	    length == 0 || length > LENGTH_MOST)
		return false;
	if (hs_block_fits(n, b, HEADER_BYTES + 2 * ((uint64_t)length + 1)) &&
	    is_wide(n, text, length))
		return hs_shape_type(n,
				     length == 1 && is_text(n, text, length)
					     ? &short_shape
					     : &wide_shape,
				     HS_TYPE_LIBREOFFICE, type);
	return hs_block_fits(n, b, HEADER_BYTES + (uint64_t)length + 1) &&
	       is_text(n, text, length) &&
	       hs_shape_type(n, &shape, HS_TYPE_LIBREOFFICE, type);
}

const struct hs_namer hs_namer_rtl_string = {
	.state_size = sizeof(struct rtl),
	.prepare = prepare,
	.claim = claim,
	.source = HS_TYPE_LIBREOFFICE,
};
