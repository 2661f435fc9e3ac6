/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

/*
 * Pages that SQLite 3.8 and later keeps in memory, on 64-bit machines: the
 * bytes of the page, then what the cache knows of it, which leads back to both.
 *
 *	{page, {page *, extra *, number u32, in bulk u16, ...}, {header *, ...}}
 *
 * Its allocator may put the size of a block before it. What is in the page
 * does not matter: the bytes of a database may be enciphered.
 */
#define SMALLEST 512u
#define LARGEST 65536u
#define SIZE_WORD 8u
/* Bytes of what the cache knows; the rest follows directly. */
#define HEADER_LEAST 32u
#define HEADER_MOST 80u

enum shape { PAGE, PAGES };

static const struct hs_shape_name shapes[] = {
	[PAGE] = { "SQLite page", "its header, which leads back to it",
		   HS_CONFIDENCE_HIGH },
	[PAGES] = { "SQLite pages", "the first one's header",
		    HS_CONFIDENCE_HIGH },
};

/* Is there a page of BYTES at AT? *END: behind its header. */
static bool is_page(struct hs_naming *n, const struct hs_block *b, hs_addr at,
		    uint64_t bytes, hs_addr *end)
{
	hs_addr header = at + bytes;
	uint64_t page, extra, back;
	if (header + 16 > b->user + b->usable ||
	    !hs_window_word(&n->block, header, &page) || page != at ||
	    !hs_window_word(&n->block, header + 8, &extra) ||
	    extra < header + HEADER_LEAST || extra > header + HEADER_MOST ||
	    extra + 8 > b->user + b->usable ||
	    !hs_window_word(&n->block, extra, &back) ||
	    (back != header && back != 0)) /* it is not in use yet */
		return false;
	*end = extra + 8;
	return true;
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	hs_addr end;
	(void)state;
	if (b->usable < SMALLEST + HEADER_LEAST || n->target->word_size != 8)
		return false;
	for (uint64_t bytes = SMALLEST; bytes <= LARGEST && bytes < b->usable;
	     bytes *= 2)
		for (unsigned skip = 0; skip <= SIZE_WORD; skip += SIZE_WORD)
			if (is_page(n, b, b->user + skip, bytes, &end))
				return hs_shape_type(
					n,
					/* room for no other */
					&shapes[b->user + b->usable - end >
								bytes
							? PAGES
							: PAGE],
					HS_TYPE_SQLITE, type);
	return false;
}

const struct hs_namer hs_namer_sqlite = {
	.claim = claim,
	.source = HS_TYPE_SQLITE,
};
