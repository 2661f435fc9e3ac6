/* SPDX-License-Identifier: MIT */
#include "types/wide_text.h"

#include <string.h>

#include "types/shapes.h"

/*
 * A block that holds one string of UTF-16 which fills it, as ICU, Java's native
 * interface or Windows' programs have it. With low confidence, as for any
 * other text.
 */
#define UNIT 2u
#define SLACK 24u   /* what malloc may add to a request */
#define SHORTEST 5u /* units */
#define UNITS_IN_WORD 4u

bool hs_is_wide_char(uint16_t unit, bool any)
{
	if (unit < 0x80)
		return (unit >= 0x20 && unit != 0x7f) || unit == '\n' ||
		       unit == '\t' || unit == '\r';
	if (!any) /* Latin, Greek, Cyrillic, quotation marks and dashes */
		return (unit >= 0xa0 && unit < 0x180) ||
		       (unit >= 0x386 && unit < 0x482) ||
		       (unit >= 0x2010 && unit < 0x2027);
	return unit >= 0xa0 && unit < 0xfffe &&
	       !(unit >= 0xe000 && unit < 0xf900); /* for private use */
}

uint64_t hs_wide_text(struct hs_naming *n, hs_addr at, uint64_t most, bool any)
{
	uint64_t count = 0, len;
	while (count < most) {
		const uint8_t *bytes =
			hs_window_bytes(&n->block, at + UNIT * count, &len);
		if (!bytes || len < UNIT)
			break;
		for (; len >= UNIT && count < most;
		     len -= UNIT, bytes += UNIT, count++) {
			uint16_t unit;
			memcpy(&unit, bytes, sizeof(unit));
			if (!hs_is_wide_char(unit, any))
				return count;
		}
	}
	return count;
}

static bool is_wide_text(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t most = b->usable / UNIT, end;
	for (unsigned i = 0; i < UNITS_IN_WORD; i++)
		if (!hs_is_wide_char((uint16_t)(b->first >> 16 * i), false))
			return false;
	uint64_t units = hs_wide_text(n, b->user, most, false);
	return units >= SHORTEST && units < most &&
	       hs_window_uint(&n->block, b->user + UNIT * units, UNIT, &end) &&
	       end == 0 && b->usable - UNIT * (units + 1) < SLACK;
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	static const struct hs_shape_name shape = { "text in UTF-16",
						    "its characters fill it",
						    HS_CONFIDENCE_LOW };
	(void)state;
	return n->target->word_size == 8 && !n->target->big_endian &&
	       is_wide_text(n, b) &&
	       hs_shape_type(n, &shape, HS_TYPE_TEXT, type);
}

const struct hs_namer hs_namer_wide_text = {
	.claim_late = claim_late,
	.source = HS_TYPE_TEXT,
};
