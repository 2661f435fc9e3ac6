/* SPDX-License-Identifier: MIT */
#ifndef TESTS_NAMER_WORLD_H
#define TESTS_NAMER_WORLD_H

#include "types/namer.h"

/*
 * One namer alone over memory that DATA describes, in a sound heap with blocks
 * of the sizes that namers ask for, two libraries, and pages that no malloc
 * knows. DATA is a row of records of twelve bytes, little endian:
 *
 *	u8 place, u8 ignored, u16 offset, u64 word
 *
 * A word 0xcafe00PPOOOO0000 is the address OOOO bytes into place PP.
 *
 * It aborts unless: it ends; only live blocks have types, which are there and
 * have names; fields lie in their blocks; parts of areas add up.
 */
void namer_world_run(const struct hs_namer *namer, const uint8_t *data,
		     size_t len);
/* The same, with a look at what was named before it goes. */
typedef void (*namer_world_fn)(struct hs_naming *naming, void *state);
void namer_world_run_with(const struct hs_namer *namer, const uint8_t *data,
			  size_t len, namer_world_fn fn);

/* Places: the libraries (4096 bytes each, libglib and libgobject), 32 KiB of
 * pages, then blocks: one of 776 bytes, one of 1000, 4 each of 120 (aligned to
 * 128), 104 and 24, 24 of 56, then one each of 5960, 7160, 392 and 4120, three
 * of 136, one of 232. */
enum namer_place {
	PLACE_GLIB,
	PLACE_GOBJECT,
	PLACE_PAGES,
	PLACE_TABLE,
	PLACE_FILE,
	PLACE_SLABS,
	PLACE_LARGE = PLACE_SLABS + 4,
	PLACE_SMALL = PLACE_LARGE + 4,
	PLACE_BLOCKS = PLACE_SMALL + 4,
	PLACE_STATES = PLACE_BLOCKS + 24,
	PLACE_COUNT = PLACE_STATES + 8,
};

#endif
