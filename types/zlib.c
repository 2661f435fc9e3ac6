/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

/*
 * What zlib (1.2.9 and later) keeps of a stream that is being packed or
 * unpacked, on 64-bit machines. The stream is the program's and leads to the
 * state, whose first word leads back; what else the state has is led to by it.
 *
 *	stream   {..., state at 56, ...}
 *	inflate  {stream, mode u32 from 16180 on, last i32, ...,
 *	         window bits u32, size, have, next: u32, window}
 *	deflate  {stream, status u32, pending, its size, ...,
 *	         window size, bits, mask: u32, window, its bytes,
 *	         previous, heads, hash u32, number of heads u32, ...}
 */
#define STREAM_STATE 56u

#define INFLATE_BYTES 7000u
#define INFLATE_MOST 11000u
#define MODE_FIRST 16180u
#define MODE_LAST 16211u
#define BITS_MOST 15u

#define DEFLATE_BYTES 5800u
#define DEFLATE_MOST 6200u

enum shape {
	INFLATE,
	INFLATE_WINDOW,
	DEFLATE,
	DEFLATE_PENDING,
	DEFLATE_WINDOW,
	DEFLATE_PREVIOUS,
	DEFLATE_HEADS,
};

#define HIGH HS_CONFIDENCE_HIGH
static const struct hs_shape_name shapes[] = {
	[INFLATE] = { "zlib inflate state", "the stream that leads to it",
		      HIGH },
	[INFLATE_WINDOW] = { "zlib inflate window", "the state that it fits",
			     HIGH },
	[DEFLATE] = { "zlib deflate state", "the stream that leads to it",
		      HIGH },
	[DEFLATE_PENDING] = { "zlib deflate output", "the state that it fits",
			      HIGH },
	[DEFLATE_WINDOW] = { "zlib deflate window", "the state that it fits",
			     HIGH },
	[DEFLATE_PREVIOUS] = { "zlib deflate chains", "the state that it fits",
			       HIGH },
	[DEFLATE_HEADS] = { "zlib deflate hash heads", "the state that it fits",
			    HIGH },
};
#undef HIGH

struct zlib {
	struct hs_addr_map owned; /* what states lead to */
};

static void release(void *state)
{
	hs_addr_map_release(&((struct zlib *)state)->owned);
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	hs_owned_merge(n, &((struct zlib *)state)->owned,
		       &((const struct zlib *)worker)->owned);
}

/* The block of BYTES that word I of B leads to. */
static bool leads_to(struct hs_naming *n, const struct hs_block *b, size_t i,
		     uint64_t bytes, hs_addr *at)
{
	struct hs_block other;
	return hs_block_word(n, b, i, at) && *at != b->user &&
	       hs_naming_block_at(n, *at, &other) && other.usable >= bytes &&
	       /* implementations for some processors pad */
	       other.usable - bytes < bytes / 4 + 4096;
}

static bool half(struct hs_naming *n, const struct hs_block *b, unsigned off,
		 uint32_t *ret)
{
	return hs_peek_u32(n, b->user + off, ret);
}

/* {..., bits u32, size u32, have u32, next u32, window} from word I on: the
 * window is allocated when it is needed. */
static void note_window(struct hs_naming *n, struct zlib *z,
			const struct hs_block *b)
{
	for (unsigned i = 5; i < 10; i++) {
		uint32_t bits, size, have, next;
		uint64_t window;
		if (!half(n, b, 8 * i, &bits) || bits > BITS_MOST ||
		    !half(n, b, 8 * i + 4, &size) ||
		    size != UINT32_C(1) << bits ||
		    !half(n, b, 8 * i + 8, &have) || have > size ||
		    !half(n, b, 8 * i + 12, &next) || next > size ||
		    !leads_to(n, b, i + 2, size, &window))
			continue;
		hs_owned_note(n, &z->owned, window, INFLATE_WINDOW);
		return;
	}
}

static bool try_deflate(struct hs_naming *n, struct zlib *z,
			const struct hs_block *b)
{
	uint64_t pending, pending_size, window, window_size, previous, heads;
	if (!hs_block_word(n, b, 3, &pending_size) || pending_size < 256 ||
	    !leads_to(n, b, 2, pending_size, &pending))
		return false;
	for (unsigned i = 7; i < 12; i++) {
		uint32_t size, bits, mask, hashes;
		if (!half(n, b, 8 * i, &size) ||
		    !half(n, b, 8 * i + 4, &bits) ||
		    !half(n, b, 8 * i + 8, &mask) || bits > BITS_MOST ||
		    bits < 8 || size != UINT32_C(1) << bits ||
		    mask != size - 1 ||
		    !hs_block_word(n, b, i + 3, &window_size) ||
		    window_size != 2 * (uint64_t)size ||
		    !half(n, b, 8 * i + 52, &hashes) || hashes < 128 ||
		    !leads_to(n, b, i + 2, window_size, &window) ||
		    !leads_to(n, b, i + 4, 2 * (uint64_t)size, &previous) ||
		    !leads_to(n, b, i + 5, 2 * (uint64_t)hashes, &heads))
			continue;
		hs_owned_note(n, &z->owned, pending, DEFLATE_PENDING);
		hs_owned_note(n, &z->owned, window, DEFLATE_WINDOW);
		hs_owned_note(n, &z->owned, previous, DEFLATE_PREVIOUS);
		hs_owned_note(n, &z->owned, heads, DEFLATE_HEADS);
		return true;
	}
	return false;
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct zlib *z = state;
	uint64_t back;
	uint32_t mode, last;
	if (b->usable < DEFLATE_BYTES || b->usable > INFLATE_MOST ||
	    n->target->word_size != 8 || n->target->big_endian ||
	    b->first % 8 != 0 || !hs_peek(n, b->first + STREAM_STATE, &back) ||
	    back != b->user || !half(n, b, 8, &mode) || !half(n, b, 12, &last))
		return false;
	if (b->usable >= INFLATE_BYTES && mode >= MODE_FIRST &&
	    mode <= MODE_LAST && last <= 1) {
		note_window(n, z, b);
		return hs_shape_type(n, &shapes[INFLATE], HS_TYPE_ZLIB, type);
	}
	return b->usable <= DEFLATE_MOST && try_deflate(n, z, b) &&
	       hs_shape_type(n, &shapes[DEFLATE], HS_TYPE_ZLIB, type);
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct zlib *z = state;
	uint32_t shape;
	return z->owned.count && hs_owned_get(&z->owned, b->user, &shape) &&
	       hs_shape_type(n, &shapes[shape], HS_TYPE_ZLIB, type);
}

const struct hs_namer hs_namer_zlib = {
	.state_size = sizeof(struct zlib),
	.release = release,
	.claim = claim,
	.merge = merge,
	.claim_late = claim_late,
	.source = HS_TYPE_ZLIB,
};
