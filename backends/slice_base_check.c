/* SPDX-License-Identifier: MIT */
#include <heapscan/slice.h>

#include <assert.h>

#include "backends/slice_memory.h"
#include "core/cleanup.h"

/* Pages hashed between two reports of progress. */
#define PIECE_PAGES 1024u

struct checking {
	const struct hs_slice *slice;
	struct hs_slice_memory memory;
	uint64_t total; /* bytes */
	hs_progress_fn progress;
	void *progress_arg;
	struct hs_slice_base_check found;
};

static void checking_release(struct checking *c)
{
	hs_slice_memory_release(&c->memory);
}

/* N pages from ADDR on, all in stretch S. */
static enum hs_status check_pages(struct checking *c, hs_addr addr, uint64_t n,
				  unsigned shift, const uint8_t *hash,
				  const struct hs_slice_stretch *s,
				  struct hs_error *err)
{
	const uint8_t *payload;
	uint64_t good;
	enum hs_status st =
		hs_slice_memory_payload(&c->memory, s->region, &payload, err);
	if (st == HS_ERR_NOT_CAPTURED) { /* damaged */
		c->found.changed += n << shift;
		return HS_OK;
	}
	if (!st)
		st = hs_slice_pages_check(c->slice,
					  payload + s->data + (addr - s->start),
					  n, shift, hash, &good, err);
	if (st)
		return st;
	c->found.good += good << shift;
	c->found.changed += (n - good) << shift;
	return HS_OK;
}

static enum hs_status check_ref(struct checking *c,
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
			there ? check_pages(c, at, n, shift,
					    ref->hash + i * SLICE_HASH_LEN, s,
					    err)
			      : HS_OK;
		if (st)
			return st;
		if (!there)
			c->found.missing += n << shift;
		i += n;
		uint64_t done =
			c->found.good + c->found.changed + c->found.missing;
		if (c->progress &&
		    !c->progress(c->progress_arg, "comparing", done, c->total))
			return hs_fail(err, HS_ERR_CANCELLED, "cancelled");
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
			      .total = b->bytes,
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
				st = check_ref(&c, r, &r->ref[n], err);
	}
	if (!st)
		*ret = c.found;
	return st;
}
