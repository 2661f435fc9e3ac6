/* SPDX-License-Identifier: MIT */
#include "types/pymalloc.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * The table of arenas is a block of malloc's: 16 entries at first, twice as
 * many when they do not suffice. Pools begin with a header that says which
 * arena they belong to, so that a table and its pools vouch for each other.
 *
 *	entry   {address, first unused pool, free pools u32, all pools u32,
 *	         list of free pools, next, previous}
 *	pool    {blocks in use u32, -, free block, next, previous,
 *	         arena u32, size class u32, next unused u32, last u32}
 *
 * A free block begins with the address of the next one.
 */
#define ENTRY 48u
#define FIRST_ENTRIES 16u
#define HEADER 48u
#define CLASSES 32u
#define MOST_BLOCKS 1024u /* of the smallest size in the largest pool */

/* Bytes beyond the table in its block: see SLACK in std_owners.c. */
#define SLACK 40u
#define PAGE 4096u

static const struct shape {
	uint64_t arena;
	unsigned pool;
} shapes[] = {
	{ UINT64_C(1) << 20, 16384 }, /* since 3.10 */
	{ UINT64_C(256) << 10, 4096 },
};

struct pool {
	uint32_t used, size, carved; /* blocks; bytes of one; ever used */
	uint64_t free;
};

/* The pool at AT of arena INDEX; false: it is empty, or none. */
static bool read_pool(struct hs_naming *n, hs_addr at, unsigned pool_size,
		      uint32_t index, struct pool *ret)
{
	uint32_t arena, class, next, last;
	if (!hs_peek_u32(n, at, &ret->used) || ret->used == 0 ||
	    !hs_peek(n, at + 8, &ret->free) ||
	    !hs_peek_u32(n, at + 32, &arena) || arena != index ||
	    !hs_peek_u32(n, at + 36, &class) || class >= CLASSES ||
	    !hs_peek_u32(n, at + 40, &next) || !hs_peek_u32(n, at + 44, &last))
		return false;
	ret->size = 16 * (class + 1);
	if (last != pool_size - ret->size || next < HEADER ||
	    next > last + ret->size || (next - HEADER) % ret->size != 0)
		return false;
	ret->carved = (next - HEADER) / ret->size;
	return ret->used <= ret->carved;
}

/* Which blocks of the pool at AT are free, a bit each; false: the pool's count
 * says otherwise. */
static bool free_blocks(struct hs_naming *n, hs_addr at, const struct pool *p,
			uint64_t bits[MOST_BLOCKS / 64])
{
	uint32_t count = 0;
	memset(bits, 0, MOST_BLOCKS / 8);
	for (uint64_t block = p->free; block != 0; count++) {
		uint64_t off = block - at - HEADER;
		if (block < at + HEADER || off % p->size != 0 ||
		    off / p->size >= p->carved)
			return false;
		uint64_t i = off / p->size;
		if (bits[i / 64] >> (i % 64) & 1 || !hs_peek(n, block, &block))
			return false;
		bits[i / 64] |= UINT64_C(1) << (i % 64);
	}
	return count + p->used == p->carved;
}

struct entry {
	uint64_t address, pools_end;
	uint32_t free, all;
};

static bool read_entry(struct hs_naming *n, hs_addr at, const struct shape *s,
		       struct entry *ret)
{
	if (!hs_peek(n, at, &ret->address))
		return false;
	if (ret->address == 0)
		return true; /* not in use */
	uint64_t align = s->pool - 1;
	return ret->address % PAGE == 0 && ret->address < UINT64_MAX / 2 &&
	       hs_peek(n, at + 8, &ret->pools_end) &&
	       ret->pools_end >= ret->address &&
	       ret->pools_end - ret->address <= s->arena &&
	       (ret->pools_end & align) == 0 &&
	       hs_peek_u32(n, at + 16, &ret->free) &&
	       hs_peek_u32(n, at + 20, &ret->all) && ret->free <= ret->all &&
	       ret->all == (ret->address & align ? s->arena / s->pool - 1
						 : s->arena / s->pool);
}

static hs_addr first_pool(const struct entry *e, const struct shape *s)
{
	return (e->address + s->pool - 1) & ~(uint64_t)(s->pool - 1);
}

/* Does a pool of the arena number INDEX say so, too? All of an arena are not
 * empty at once: it is given back then. */
static bool has_pool(struct hs_naming *n, const struct entry *e,
		     const struct shape *s, uint32_t index)
{
	struct pool p;
	for (hs_addr at = first_pool(e, s); at < e->pools_end; at += s->pool)
		if (read_pool(n, at, s->pool, index, &p))
			return true;
	return false;
}

/* How many entries the table in B has; 0: it is none. *USED of them have an
 * arena, half of which at least have a pool that says so, too. */
static uint32_t check_table(struct hs_naming *n, const struct hs_block *b,
			    const struct shape *s, uint32_t *used)
{
	uint64_t entries = FIRST_ENTRIES;
	bool pages = n->heap->chunks[b->chunk].state == HS_CHUNK_MMAPPED;
	while (2 * entries * ENTRY <= b->usable)
		entries *= 2;
	if (b->usable < entries * ENTRY || entries > UINT32_MAX ||
	    b->usable - entries * ENTRY >= SLACK + (pages ? PAGE : 0))
		return 0;
	uint32_t sure = 0;
	*used = 0;
	for (uint32_t i = 0; i < entries; i++) {
		struct entry e;
		if (!read_entry(n, b->user + (uint64_t)i * ENTRY, s, &e))
			return 0;
		if (e.address == 0)
			continue;
		++*used;
		sure += has_pool(n, &e, s, i);
	}
	return sure > 0 && sure >= *used / 2 ? (uint32_t)entries : 0;
}

static int by_start(const void *a, const void *b)
{
	const struct hs_pymalloc_arena *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

static void take_table(struct hs_naming *n, hs_addr table, uint32_t entries,
		       uint32_t used, const struct shape *s,
		       struct hs_pymalloc *pm)
{
	struct hs_error err;
	struct hs_pymalloc_arena *arena = calloc(used, sizeof(*arena));
	if (!arena) {
		hs_naming_fail(n,
			       hs_fail(&err, HS_ERR_NOMEM,
				       "no memory for %" PRIu32 " arenas",
				       used),
			       &err);
		return;
	}
	size_t count = 0;
	for (uint32_t i = 0; i < entries && count < used; i++) {
		struct entry e;
		if (!read_entry(n, table + (uint64_t)i * ENTRY, s, &e) ||
		    e.address == 0)
			continue;
		arena[count++] =
			(struct hs_pymalloc_arena){ .base = e.address,
						    .start = first_pool(&e, s),
						    .end = e.pools_end,
						    .index = i };
	}
	qsort(arena, count, sizeof(*arena), by_start);
	/* Arenas do not overlap; of two that do, neither is believed. */
	for (size_t i = 1; i < count; i++)
		if (arena[i].start < arena[i - 1].end) {
			free(arena);
			return;
		}
	*pm = (struct hs_pymalloc){ arena, count, table, s->pool, s->arena };
}

void hs_pymalloc_find(struct hs_naming *n, struct hs_pymalloc *pm)
{
	*pm = (struct hs_pymalloc){ .count = 0 };
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		if (!hs_naming_block(n, i, &b) ||
		    b.usable < FIRST_ENTRIES * ENTRY || b.first % PAGE != 0)
			continue;
		for (size_t k = 0; k < sizeof(shapes) / sizeof(shapes[0]);
		     k++) {
			uint32_t used,
				entries = check_table(n, &b, &shapes[k], &used);
			if (entries) {
				take_table(n, b.user, entries, used, &shapes[k],
					   pm);
				return;
			}
		}
	}
}

/*
 * The tree: 15 bits of an address choose a pointer in the root, a variable, 15
 * more one in a middle node, 14 an entry {i32, i32} in a leaf. The first number
 * is how far into that MiB the arena begins, -1: not at all.
 */
#define LEAF_BYTES (8u << 14)
#define MIDDLE_BYTES (8u << 15)

/* Calloc'd nodes have a mapping of their own. */
static bool node_sized(const struct hs_block *b, uint64_t bytes)
{
	return b->usable >= bytes && b->usable - bytes < SLACK + PAGE;
}

static bool is_leaf_of(struct hs_naming *n, hs_addr leaf, hs_addr base)
{
	uint32_t tail, want = base & 0xfffff;
	return hs_peek_u32(n, leaf + 8 * (base >> 20 & 0x3fff), &tail) &&
	       tail == (want ? want : UINT32_MAX);
}

bool hs_pymalloc_map(struct hs_naming *n, const struct hs_pymalloc *pm,
		     const struct hs_block *b)
{
	bool leaf = node_sized(b, LEAF_BYTES);
	if (!leaf && !node_sized(b, MIDDLE_BYTES))
		return false;
	for (size_t i = 0; i < pm->count; i++) {
		struct hs_block below = *b;
		hs_addr base = pm->arena[i].base;
		if (!leaf) {
			uint64_t at;
			if (!hs_block_word(n, b, base >> 34 & 0x7fff, &at) ||
			    !hs_naming_block_at(n, at, &below) ||
			    !node_sized(&below, LEAF_BYTES))
				continue;
		}
		if (is_leaf_of(n, below.user, base))
			return true;
	}
	return false;
}

void hs_pymalloc_release(struct hs_pymalloc *pm)
{
	free(pm->arena);
	*pm = (struct hs_pymalloc){ .count = 0 };
}

void hs_pymalloc_pools(struct hs_naming *n, const struct hs_pymalloc *pm,
		       hs_pymalloc_pool_fn fn, void *arg)
{
	for (size_t i = 0; i < pm->count && !n->failed; i++)
		for (hs_addr at = pm->arena[i].start; at < pm->arena[i].end;
		     at += pm->pool_size) {
			uint64_t bits[MOST_BLOCKS / 64];
			struct pool p;
			if (!read_pool(n, at, pm->pool_size, pm->arena[i].index,
				       &p) ||
			    !free_blocks(n, at, &p, bits))
				continue;
			const struct hs_pymalloc_pool pool = {
				.start = at + HEADER,
				.size = p.size,
				.count = p.carved,
				.free = bits,
			};
			fn(arg, &pool);
		}
}

struct walk {
	hs_pymalloc_fn fn;
	void *arg;
};

static void walk_pool(void *arg, const struct hs_pymalloc_pool *pool)
{
	const struct walk *w = arg;
	for (uint32_t i = 0; i < pool->count; i++) {
		const struct hs_pymalloc_block b = {
			pool->start + (uint64_t)i * pool->size, pool->size, true
		};
		if (!hs_bit(pool->free, i))
			w->fn(w->arg, &b);
	}
}

void hs_pymalloc_walk(struct hs_naming *n, const struct hs_pymalloc *pm,
		      hs_pymalloc_fn fn, void *arg)
{
	struct walk w = { fn, arg };
	hs_pymalloc_pools(n, pm, walk_pool, &w);
}

bool hs_pymalloc_at(struct hs_naming *n, const struct hs_pymalloc *pm,
		    hs_addr addr, struct hs_pymalloc_block *ret)
{
	size_t lo = 0, hi = pm->count;
	while (lo < hi) { /* the first arena that begins behind ADDR */
		size_t mid = lo + (hi - lo) / 2;
		if (pm->arena[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || addr >= pm->arena[lo - 1].end)
		return false;
	const struct hs_pymalloc_arena *a = &pm->arena[lo - 1];
	hs_addr at = addr & ~(uint64_t)(pm->pool_size - 1);
	uint64_t bits[MOST_BLOCKS / 64];
	struct pool p;
	if (!read_pool(n, at, pm->pool_size, a->index, &p) ||
	    addr < at + HEADER || !free_blocks(n, at, &p, bits))
		return false;
	uint64_t i = (addr - at - HEADER) / p.size;
	if (at + HEADER + (i + 1) * p.size > at + pm->pool_size)
		return false; /* what is left at the end */
	*ret = (struct hs_pymalloc_block){
		at + HEADER + i * p.size, p.size,
		i < p.carved && !(bits[i / 64] >> (i % 64) & 1)
	};
	return true;
}
