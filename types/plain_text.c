/* SPDX-License-Identifier: MIT */
#include "core/backend.h"
#include "core/bits.h"
#include "types/namer.h"

/*
 * The last resort: a block that holds one string which fills it, as strdup()
 * would leave it. Only said with low confidence.
 */
#define SLACK 24u   /* what malloc may add to a request */
#define SHORTEST 5u /* fewer characters are a number, more likely */

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

/* Bytes that are looked at together: every machine of ours has vectors of this
 * length, and for what is longer some compilers take the bytes one by one. */
#define TOGETHER 16u
typedef int8_t bytes_together __attribute__((__vector_size__(TOGETHER)));

/* Are they all between 0x20 and 0x7e, or ends of lines, or tabs? Beyond 0x7f
 * they are negative. */
static bool all_plain(const uint8_t *at)
{
	bytes_together v;
	uint64_t good[2];
	memcpy(&v, at, sizeof(v));
	bytes_together plain = ((v > 0x1f) & ~(v == 0x7f)) | (v == '\n') |
			       (v == '\t') | (v == '\r');
	memcpy(good, &plain, sizeof(good));
	return (good[0] & good[1]) == UINT64_MAX;
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
		if (!t->more && len - i >= TOGETHER && all_plain(bytes + i)) {
			i += TOGETHER - 1;
			t->len += TOGETHER;
			continue;
		}
		if (!c) {
			t->ended = true;
			return !t->more;
		}
		if (!hs_is_text_byte(c) || !hs_goes_on(c, &t->more))
			return false;
		t->len++;
	}
	return true;
}

/* Can a block whose memory begins with WORD, of WORD_SIZE bytes, be text? */
static bool begins_as_text(uint64_t word, unsigned word_size, bool big_endian)
{
	for (unsigned i = 0; i < word_size; i++) {
		unsigned at = big_endian ? word_size - 1 - i : i;
		uint8_t c = (uint8_t)(word >> 8 * at);
		if (!hs_is_text_byte(c))
			return i > 0 && !c;
	}
	return true;
}

static bool is_plain_text(struct hs_naming *n, const struct hs_block *b)
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

bool hs_is_plain_text(struct hs_naming *n, const struct hs_block *b)
{
	return n->plain ? hs_bit(n->plain, b->chunk) : is_plain_text(n, b);
}

void hs_note_plain_text(struct hs_naming *n, const struct hs_block *b)
{
	if (begins_as_text(b->first, n->block.word_size, n->block.big_endian) &&
	    is_plain_text(n, b))
		hs_bit_set(n->plain, b->chunk);
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	(void)state;
	if (!hs_is_plain_text(n, b))
		return false;
	if (n->text_type) { /* as so many are */
		*type = n->text_type - 1;
		return true;
	}
	const struct hs_type what = { .name = "text",
				      .source = HS_TYPE_TEXT,
				      .confidence = HS_CONFIDENCE_LOW,
				      .evidence = "its characters fill it",
				      .module = SIZE_MAX };
	if (!hs_naming_type(n, &what, type))
		return false;
	n->text_type = *type + 1;
	return true;
}

const struct hs_namer hs_namer_plain_text = {
	.claim_late = claim_late,
	.source = HS_TYPE_TEXT,
};
