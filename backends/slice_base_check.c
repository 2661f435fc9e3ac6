/* SPDX-License-Identifier: MIT */
#include <heapscan/slice.h>

#include <assert.h>
#include <heapscan/crew.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "backends/slice_memory.h"
#include "core/cleanup.h"
#include "core/grow.h"

/* Pages hashed by one thread at a time. */
#define PIECE_PAGES 1024u

/* Pages in one stretch of the base. */
struct piece {
	const struct hs_slice_stretch *stretch;
	const uint8_t *hash;
	hs_addr addr;
	uint64_t count;
	uint64_t before; /* bytes that other pieces before it have */
	unsigned shift;
};

struct checking {
	const struct hs_slice *slice;
	struct hs_slice_memory memory;
	struct piece *piece;
	size_t count, capacity;
	uint64_t total, missing; /* bytes: of all pieces; in none */
	atomic_uint_fast64_t good, changed;
	hs_progress_fn progress;
	void *progress_arg;
};

static void checking_release(struct checking *c)
{
	hs_slice_memory_release(&c->memory);
	free(c->piece);
}

static enum hs_status check_piece(void *arg, unsigned worker, size_t i,
				  struct hs_error *err)
{
	struct checking *c = arg;
	const struct piece *p = &c->piece[i];
	const struct hs_slice_stretch *s = p->stretch;
	const uint8_t *payload;
	uint64_t good = 0;
	(void)worker;
	enum hs_status st =
		hs_slice_memory_payload(&c->memory, s->region, &payload, err);
	if (!st)
		st = hs_slice_pages_check(
			c->slice, payload + s->data + (p->addr - s->start),
			p->count, p->shift, p->hash, &good, err);
	if (st && st != HS_ERR_NOT_CAPTURED) /* that is: damaged */
		return st;
	(void)atomic_fetch_add(&c->good, good << p->shift);
	(void)atomic_fetch_add(&c->changed, (p->count - good) << p->shift);
	return HS_OK;
}

/* The crew counts pieces, people bytes. */
static bool tell(void *arg, const char *what, uint64_t done, uint64_t total)
{
	const struct checking *c = arg;
	(void)total;
	return c->progress(c->progress_arg, what,
			   done < c->count ? c->piece[done].before : c->total,
			   c->total);
}

static enum hs_status list_ref(struct checking *c,
			       const struct hs_slice_region *r,
			       const struct hs_slice_ref *ref,
			       struct hs_error *err)
{
	unsigned shift = r->page_shift;
	for (uint64_t i = 0; i < ref->count;) {
		hs_addr at = r->base + ((ref->page + i) << shift);
		const struct hs_slice_stretch *s =
			hs_slice_memory_from(&c->memory, at);
		uint64_t n = 1;
		bool there = s && s->start <= at && (s->end - at) >> shift > 0;
		if (there)
			n = (s->end - at) >> shift;
		if (n > ref->count - i)
			n = ref->count - i;
		if (n > PIECE_PAGES)
			n = PIECE_PAGES;
		enum hs_status st =
			there ? hs_grow(&c->piece, &c->capacity, c->count,
					sizeof(*c->piece), err)
			      : HS_OK;
		if (st)
			return st;
		if (there) {
			c->piece[c->count++] = (struct piece){
				.stretch = s,
				.hash = ref->hash + i * SLICE_HASH_LEN,
				.addr = at,
				.count = n,
				.before = c->total,
				.shift = shift,
			};
			c->total += n << shift;
		} else {
			c->missing += n << shift;
		}
		i += n;
	}
	return HS_OK;
}

enum hs_status hs_slice_base_check(const struct hs_slice *slice, size_t i,
				   hs_progress_fn progress, void *arg,
				   struct hs_slice_base_check *ret,
				   struct hs_error *err)
{
	assert(i < slice->base_count);
	const struct hs_slice_base *b = &slice->base[i];
	HS_CLEANUP(checking_release)
	struct checking c = { .slice = slice,
			      .progress = progress,
			      .progress_arg = arg };
	if (!b->slice) {
		*ret = (struct hs_slice_base_check){ .missing = b->bytes };
		return HS_OK;
	}
	enum hs_status st = hs_slice_memory_init(&c.memory, b->slice, err);
	if (!st)
		st = hs_slice_memory_index(&c.memory, err);
	for (size_t k = 0; !st && k < slice->region_count; k++) {
		const struct hs_slice_region *r = &slice->region[k];
		for (size_t n = 0; !st && n < r->ref_count; n++)
			if (r->ref[n].base == i)
				st = list_ref(&c, r, &r->ref[n], err);
	}
	if (!st)
		st = hs_crew_run(0, c.count, check_piece, &c, "comparing",
				 progress ? tell : NULL, &c, err);
	if (!st)
		*ret = (struct hs_slice_base_check){
			.good = atomic_load(&c.good),
			.changed = atomic_load(&c.changed),
			.missing = c.missing,
		};
	return st;
}
