/* SPDX-License-Identifier: MIT */
#ifndef TYPES_PYMALLOC_H
#define TYPES_PYMALLOC_H

#include "types/namer.h"

/*
 * CPython's own allocator for small objects, 3.9 to 3.15 on 64-bit machines:
 * arenas come from mmap(2) and are cut into pools, pools into blocks of one
 * size. Nothing of it is malloc's but the table of arenas.
 */
struct hs_pymalloc {
	struct hs_pymalloc_arena {
		hs_addr base;
		hs_addr start, end; /* of the pools that were ever used */
		uint32_t index;     /* in the table */
	} * arena;                  /* ascending; owned */
	size_t count;
	hs_addr table;
	unsigned pool_size;  /* bytes */
	uint64_t arena_size; /* bytes, what each takes from the system */
};

/* A block of a pool. */
struct hs_pymalloc_block {
	hs_addr start;
	unsigned size;
	bool live; /* false: on the pool's list of free ones, or never used */
};

/* Find the table of arenas among the blocks of the heap; COUNT is 0 if there is
 * none. What was written to *PM is the caller's to release. */
void hs_pymalloc_find(struct hs_naming *n, struct hs_pymalloc *pm);
void hs_pymalloc_release(struct hs_pymalloc *pm);

/* Since 3.10 a tree in blocks of malloc's tells what is in an arena: is B one
 * that leads to those of PM? */
bool hs_pymalloc_map(struct hs_naming *n, const struct hs_pymalloc *pm,
		     const struct hs_block *b);

/* The blocks of a pool that were ever used, those that are free a bit each. A
 * pool whose own count does not agree with its list of free blocks is left out.
 */
struct hs_pymalloc_pool {
	hs_addr start; /* of the first block */
	uint32_t size; /* bytes of each */
	uint32_t count;
	const uint64_t *free; /* borrowed for the call */
};
typedef void (*hs_pymalloc_pool_fn)(void *arg,
				    const struct hs_pymalloc_pool *pool);
void hs_pymalloc_pools(struct hs_naming *n, const struct hs_pymalloc *pm,
		       hs_pymalloc_pool_fn fn, void *arg);

/* Every block in use, by address. */
typedef void (*hs_pymalloc_fn)(void *arg,
			       const struct hs_pymalloc_block *block);
void hs_pymalloc_walk(struct hs_naming *n, const struct hs_pymalloc *pm,
		      hs_pymalloc_fn fn, void *arg);

/* The block that ADDR lies in; false: none, or nothing is known of it. */
bool hs_pymalloc_at(struct hs_naming *n, const struct hs_pymalloc *pm,
		    hs_addr addr, struct hs_pymalloc_block *ret);

#endif
