/* SPDX-License-Identifier: MIT */
#ifndef HEAP_LOST_PIECES_H
#define HEAP_LOST_PIECES_H

#include "heap/scan.h"

/*
 * The main heap by its chunks alone, for when no arena tells where it is: its
 * top, and pieces that end in fenceposts. Needs the layout's chunk format.
 */
struct hs_lost_piece {
	hs_addr start, end; /* of the memory */
	hs_addr first;      /* the first chunk's header */
	hs_addr top;        /* the chunk at its end, HS_NO_ADDR: none, or not
			     * to be told */
	uint64_t links;     /* chunks that led to one another */
	bool fenced;        /* ends in fenceposts: an older piece */
	bool brk;           /* the kernel calls it the heap */
};

struct hs_lost_pieces {
	struct hs_lost_piece *piece; /* ascending; owned */
	size_t count, capacity;
};

HS_MUST_CHECK enum hs_status hs_lost_pieces_find(struct hs_scan *scan,
						 struct hs_lost_pieces *ret,
						 struct hs_error *err);
void hs_lost_pieces_release(struct hs_lost_pieces *pieces);

#endif
