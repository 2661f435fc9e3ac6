/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

/*
 * Handles of libcurl, which begin with numbers of their own, and the buffers
 * that a transfer has: its handle leads to them and knows their size.
 */
#define EASY UINT32_C(0xc0dedbad)
#define MULTI UINT32_C(0x000bab1e)
#define SHARE UINT32_C(0x7e117a1e)
#define EASY_LEAST 2048u /* bytes */
#define EASY_MOST 16384u
#define OTHER_LEAST 64u
#define OTHER_MOST 4096u
#define BUFFER_LEAST 1024u
#define SIZES_MOST 32u /* numbers of a handle that may be a buffer's size */

enum shape { HANDLE, MANY, SHARED, BUFFER };

#define HIGH HS_CONFIDENCE_HIGH
static const struct hs_shape_name shapes[] = {
	[HANDLE] = { "curl handle", "its magic number", HIGH },
	[MANY] = { "curl multi handle", "its magic number", HIGH },
	[SHARED] = { "curl share handle", "its magic number", HIGH },
	[BUFFER] = { "curl buffer", "the handle, which knows its size", HIGH },
};
#undef HIGH

struct curl {
	bool loaded;
	struct hs_addr_map owned;
};

static void release(void *state)
{
	hs_addr_map_release(&((struct curl *)state)->owned);
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	hs_owned_merge(n, &((struct curl *)state)->owned,
		       &((const struct curl *)worker)->owned);
}

static void prepare(struct hs_naming *n, void *state)
{
	struct curl *c = state;
	c->loaded = n->target->word_size == 8 && !n->target->big_endian &&
		    (hs_module_named(n, "libcurl") != SIZE_MAX ||
		     hs_module_named(n, "curl") != SIZE_MAX);
}

/* The different numbers in the handle B that may be sizes of buffers, how
 * many: looked for once, not for each buffer. */
static unsigned collect_sizes(struct hs_naming *n, const struct hs_block *b,
			      uint32_t sizes[SIZES_MOST])
{
	unsigned count = 0;
	uint32_t size;
	for (uint64_t off = 0; off + 4 <= b->usable && count < SIZES_MOST;
	     off += 4) {
		unsigned i = 0;
		if (!hs_peek_u32(n, b->user + off, &size) ||
		    size < BUFFER_LEAST || size % BUFFER_LEAST != 0)
			continue;
		while (i < count && sizes[i] != size)
			i++;
		if (i == count)
			sizes[count++] = size;
	}
	return count;
}

static void note_buffers(struct hs_naming *n, struct curl *c,
			 const struct hs_block *b)
{
	struct hs_block buffer;
	uint32_t sizes[SIZES_MOST];
	unsigned count = collect_sizes(n, b, sizes);
	uint64_t to;
	for (unsigned i = 1; hs_block_word(n, b, i, &to); i++) {
		if (!to || to == b->user ||
		    !hs_naming_block_at(n, to, &buffer) ||
		    buffer.usable < BUFFER_LEAST)
			continue;
		for (unsigned k = 0; k < count; k++)
			if (hs_block_fits(n, &buffer, sizes[k]))
				hs_owned_note(n, &c->owned, to, BUFFER);
	}
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct curl *c = state;
	uint32_t magic = (uint32_t)b->first;
	enum shape shape = magic == MULTI ? MANY : SHARED;
	if (!c->loaded || (magic != EASY && magic != MULTI && magic != SHARE))
		return false;
	if (magic == EASY && b->usable >= EASY_LEAST &&
	    b->usable <= EASY_MOST) {
		shape = HANDLE;
		note_buffers(n, c, b);
	} else if (magic == EASY || b->usable < OTHER_LEAST ||
		   b->usable > OTHER_MOST) {
		return false;
	}
	return hs_shape_type(n, &shapes[shape], HS_TYPE_CURL, type);
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct curl *c = state;
	uint32_t shape;
	return c->owned.count && hs_owned_get(&c->owned, b->user, &shape) &&
	       hs_shape_type(n, &shapes[shape], HS_TYPE_CURL, type);
}

const struct hs_namer hs_namer_curl = {
	.state_size = sizeof(struct curl),
	.release = release,
	.prepare = prepare,
	.claim = claim,
	.merge = merge,
	.claim_late = claim_late,
	.source = HS_TYPE_CURL,
};
