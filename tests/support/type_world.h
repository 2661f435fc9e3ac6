/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TYPE_WORLD_H
#define TESTS_TYPE_WORLD_H

#include <heapscan/types.h>

#include "support/heap_builder.h"

/*
 * A heap of ten blocks (56 bytes, zeroed; the last one is free, in a tcache),
 * a smaller one, and a library, all to be written into; then everything is
 * named. TEXTUAL is a page whose addresses are characters, too,
 * and still are when safe-linking has mangled them in the heap.
 */
#define MODULE UINT64_C(0x7f5500000000)
#define MODULE_LEN 0x1000u
#define TEXTUAL UINT64_C(0x43433c3c3000)
#define SMALL_BLOCK 10 /* 24 bytes */

struct world {
	struct heap_builder hb;
	uint8_t module[MODULE_LEN];
	uint8_t textual[4096];
	size_t chunk[11];
	hs_addr user[11];
	struct hs_heap *heap;   /* after world_scan() */
	struct hs_types *types; /* after world_name() */
};

/* HOLE: bytes at the end of the library that were not captured. */
struct world *world_new(uint64_t hole);
void world_free(struct world *w);
void world_put(struct world *w, hs_addr at, uint64_t word);
void world_put_text(struct world *w, uint64_t offset, const char *text);
void world_scan(struct world *w);
/* Scan, then name all blocks. */
void world_name(struct world *w);
/* The name of a block, or "". */
const char *world_name_of(struct world *w, int block);

/* app::Derived, a class with one base: its vtable is at MODULE + 0x20, its
 * mangled name belongs at MODULE + NAMES. */
void world_put_cxx_class(struct world *w, uint64_t names);

#endif
