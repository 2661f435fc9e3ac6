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

/* Memory of the target, or what a thread cache makes of a link: since
 * glibc 2.32 it is mangled with its own address, and the last one is 0. A block
 * that was taken from there and never written still begins with it. */
static bool leads_somewhere(struct hs_naming *n, hs_addr at, uint64_t word)
{
	uint64_t link = word ^ at >> 12;
	if (n->block.word_size == 4)
		link &= UINT32_MAX;
	return link == 0 || hs_target_find_map(n->target, word) != NULL ||
	       hs_target_find_map(n->target, link) != NULL;
}

/*
 * The bytes of an address can be well-formed characters, ended by its zeroes or
 * by those behind it: a block that begins with one or two is not text for that.
 */
static bool is_pointer(struct hs_naming *n, const struct hs_block *b,
		       uint64_t len)
{
	unsigned w = n->block.word_size;
	if (len > 2 * w)
		return false;
	for (uint64_t off = 0; off < len; off += w) {
		uint64_t word;
		if (hs_window_word(&n->block, b->user + off, &word) &&
		    leads_somewhere(n, b->user + off, word))
			return true;
	}
	return false;
}

/* Eight bytes that are all between 0x20 and 0x7e; in any order. */
static bool all_plain(uint64_t v)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	/* Only a byte that is wrong carries into the next one. */
	return ((v | (v + ones) | (v - 0x20 * ones)) & 0x80 * ones) == 0;
}

/* A text that is read piece by piece: spans of memory end where a dump's
 * regions do, in the middle of blocks too. */
struct text {
	uint64_t len;
	unsigned more; /* bytes of a character that are to follow */
	bool ended;    /* by its zero */
};

/* Read on in BYTES; false: something else comes before a zero. */
static bool read_text(struct text *t, const uint8_t *bytes, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		uint8_t c = bytes[i];
		uint64_t eight;
		if (!t->more && len - i >= 8) {
			memcpy(&eight, bytes + i, 8);
			if (all_plain(eight)) {
				i += 7;
				t->len += 8;
				continue;
			}
		}
		if (!c) {
			t->ended = true;
			return !t->more;
		}
		bool follows = c >= 0x80 && c < 0xc0;
		if (!is_text_byte(c) || follows != (t->more > 0))
			return false;
		if (follows)
			t->more--;
		else if (c >= 0x80 && !(t->more = continuation(c)))
			return false;
		t->len++;
	}
	return true;
}

bool hs_is_plain_text(struct hs_naming *n, const struct hs_block *b)
{
	struct text t = { 0 };
	uint64_t byte;
	/* Text that fills the block has no zero before its last bytes. */
	if (!hs_window_uint(&n->block, b->user, 1, &byte) || !byte ||
	    (b->usable > SLACK &&
	     (!hs_window_uint(&n->block, b->user + b->usable - SLACK - 1, 1,
			      &byte) ||
	      !byte)))
		return false;
	for (uint64_t at = 0, len; at < b->usable && !t.ended; at += len) {
		const uint8_t *bytes =
			hs_window_bytes(&n->block, b->user + at, &len);
		if (!bytes)
			return false;
		if (len > b->usable - at)
			len = b->usable - at;
		if (!read_text(&t, bytes, len))
			return false;
	}
	return t.ended && t.len >= SHORTEST && b->usable - t.len - 1 < SLACK &&
	       !is_pointer(n, b, t.len);
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	(void)state;
	if (!hs_is_plain_text(n, b))
		return false;
	const struct hs_type what = { .name = "text",
				      .source = HS_TYPE_TEXT,
				      .confidence = HS_CONFIDENCE_LOW,
				      .evidence = "its characters fill it",
				      .module = SIZE_MAX };
	return hs_naming_type(n, &what, type);
}

const struct hs_namer hs_namer_plain_text = {
	.claim_late = claim_late,
	.source = HS_TYPE_TEXT,
};
