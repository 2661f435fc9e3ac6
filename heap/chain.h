/* SPDX-License-Identifier: MIT */
#ifndef HEAP_CHAIN_H
#define HEAP_CHAIN_H

#include "heap/scan.h"

/*
 * Telling chunks from other bytes: a chunk's size leads to the next chunk, and
 * chance does not keep that up for long. Used to find pieces of heap that
 * nothing points to, and to find the way again behind damage.
 */

/* One header, looked at on its own. */
enum hs_header {
	HS_HEADER_CHUNK,     /* a size that a chunk can have, within the end */
	HS_HEADER_FENCEPOST, /* {header size} or {0 | 1}: ends a piece */
	HS_HEADER_BAD,
	HS_HEADER_UNREADABLE,
};
enum hs_header hs_chain_header(struct hs_scan *scan, hs_addr at, hs_addr end,
			       uint64_t *size, unsigned *flags);

/*
 * Does a piece of the main arena A begin with a chunk at FIRST? Then *END is
 * behind its top or its fenceposts. Else *REACHED tells how far the attempt
 * came. Costs as many steps as chunks lie between FIRST and there.
 */
bool hs_chain_piece(struct hs_scan *scan, const struct hs_arena *a,
		    hs_addr first, hs_addr limit, hs_addr *end,
		    hs_addr *reached);

/*
 * The first place at or behind FROM and before END where chunks go on, or END.
 * TOP may be HS_NO_ADDR. Chunks that lists claim are believed sooner than
 * others. Linear in END - FROM.
 */
hs_addr hs_chain_resync(struct hs_scan *scan, hs_addr from, hs_addr end,
			hs_addr top);

/*
 * Is TO, where some size leads, rather the inside of a chunk? Then *RET is the
 * first place at or behind FROM where chunks begin that follow one another
 * past TO without one beginning there, and on behind it. MAY_MEET: one may
 * begin there, if a list claims a chunk in between. About linear in TO - FROM.
 */
bool hs_chain_inside(struct hs_scan *scan, hs_addr from, hs_addr to,
		     hs_addr end, hs_addr top, bool may_meet, hs_addr *ret);

#endif
