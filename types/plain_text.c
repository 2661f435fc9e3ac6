/* SPDX-License-Identifier: MIT */
#include "core/backend.h"
#include "types/namer.h"

/*
 * The last resort: a block that holds one string which fills it, as strdup()
 * would leave it. Only said with low confidence.
 */
#define SLACK 24u   /* what malloc may add to a request */
#define SHORTEST 5u /* fewer characters are a number, more likely */

static bool is_text_byte(uint64_t c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t' || c == '\r';
}

/* Well-formed UTF-8 has no other bytes above 0x7f than these, in this order. */
static unsigned continuation(uint64_t c)
{
	if (c >= 0xc2 && c < 0xe0)
		return 1;
	if (c >= 0xe0 && c < 0xf0)
		return 2;
	return c >= 0xf0 && c < 0xf5 ? 3 : 0;
}

/*
 * The bytes of an address below 2^48 can be well-formed characters, ended by
 * its zeroes: a block that begins with a pointer is not text for that.
 */
static bool is_pointer(struct hs_naming *n, const struct hs_block *b,
		       uint64_t len)
{
	return len < n->block.word_size &&
	       hs_target_find_map(n->target, b->first) != NULL;
}

static bool claim_late(struct hs_naming *n, void *state,
		       const struct hs_block *b, uint32_t *type)
{
	uint64_t c = 0, len = 0;
	unsigned more = 0;
	uint32_t *known = state; /* 1 + its number */
	for (; len < b->usable; len++) {
		if (!hs_window_uint(&n->block, b->user + len, 1, &c) || !c)
			break;
		bool follows = c >= 0x80 && c < 0xc0;
		if (!is_text_byte(c) || follows != (more > 0))
			return false;
		if (follows)
			more--;
		else if (c >= 0x80 && !(more = continuation(c)))
			return false;
	}
	if (c || more || len < SHORTEST || len >= b->usable ||
	    b->usable - len - 1 >= SLACK || is_pointer(n, b, len))
		return false;
	struct hs_type what = { .name = "text",
				.source = HS_TYPE_TEXT,
				.confidence = HS_CONFIDENCE_LOW,
				.evidence = "its characters fill it",
				.module = SIZE_MAX };
	if (*known == 0) {
		if (!hs_naming_type(n, &what, type))
			return false;
		*known = *type + 1;
	}
	*type = *known - 1;
	return true;
}

const struct hs_namer hs_namer_plain_text = {
	.state_size = sizeof(uint32_t),
	.claim_late = claim_late,
	.source = HS_TYPE_TEXT,
};
