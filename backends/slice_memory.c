/* SPDX-License-Identifier: MIT */
#include "backends/slice_memory.h"

#include <inttypes.h>
#include <stdlib.h>

#include "backends/live_budget.h"
#include "core/grow.h"
#include "core/limits.h"

/* One region goes to a place that suits its pages. */
#define ALIGN UINT64_C(64)

/*
 * Address space for all regions, so that huge pages serve more than one of
 * them. Where there is not so much of it, each gets some when it is unpacked.
 */
static void reserve(struct hs_slice_memory *m)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < m->slice->region_count; i++) {
		uint64_t room = hs_slice_region_room(&m->slice->region[i]);
		if (room > HS_LIMIT_SLICE_PAYLOAD - sum)
			return;
		m->store[i].at = sum;
		sum += (room + ALIGN - 1) & ~(ALIGN - 1);
		if (sum > HS_LIMIT_SLICE_PAYLOAD)
			return;
	}
	if (sum > 0)
		(void)!hs_slice_buffer_new(&m->room, sum, NULL);
}

enum hs_status hs_slice_memory_init(struct hs_slice_memory *m,
				    const struct hs_slice *slice,
				    struct hs_error *err)
{
	size_t count = slice->region_count;
	m->slice = slice;
	m->store = calloc(count + 1, sizeof(*m->store));
	if (!m->store)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < count; i++)
		(void)pthread_mutex_init(&m->store[i].lock, NULL);
	reserve(m);
	return HS_OK;
}

void hs_slice_memory_release(struct hs_slice_memory *m)
{
	for (size_t i = 0; m->store && i < m->slice->region_count; i++) {
		hs_slice_buffer_cleanup(&m->store[i].buffer);
		(void)pthread_mutex_destroy(&m->store[i].lock);
	}
	hs_slice_buffer_cleanup(&m->room);
	free(m->store);
	free(m->stretch);
	m->store = NULL;
	m->stretch = NULL;
}

static enum hs_status unpack_into(struct hs_slice_memory *m, size_t i,
				  const uint8_t **ret, struct hs_error *err)
{
	struct hs_slice_store *store = &m->store[i];
	const struct hs_slice_region *r = &m->slice->region[i];
	const uint8_t *pages;
	if (m->room.bytes) {
		uint8_t *at = m->room.bytes + store->at;
		*ret = at;
		return hs_slice_region_unpack_to(r, at, err);
	}
	enum hs_status st =
		hs_slice_region_unpack(r, &store->buffer, &pages, err);
	*ret = store->buffer.bytes;
	return st;
}

/* Under the store's lock. */
static enum hs_status unpack(struct hs_slice_memory *m, size_t i,
			     struct hs_error *err)
{
	struct hs_slice_store *store = &m->store[i];
	const struct hs_slice_region *r = &m->slice->region[i];
	const uint8_t *payload;
	if (store->failed)
		return hs_fail_at(err, HS_ERR_NOT_CAPTURED, r->base,
				  "the region at 0x%" PRIx64
				  " (block %zu) is damaged and cannot be "
				  "unpacked",
				  r->base, r->block);
	/* What others unpack at this moment is not in use yet, but will be. */
	uint64_t room = hs_slice_region_room(r);
	uint64_t sum = atomic_fetch_add(&m->unpacking, room) + room;
	struct hs_error why = { 0 };
	enum hs_status st = HS_OK;
	if (sum > hs_live_budget())
		st = hs_fail(&why, HS_ERR_LIMIT,
			     "a region of the slice unpacks to %" PRIu64
			     " bytes, more than there is memory for: examine "
			     "it on a larger machine",
			     room);
	if (!st)
		st = unpack_into(m, i, &payload, &why);
	(void)atomic_fetch_sub(&m->unpacking, room);
	if (!st) {
		atomic_store_explicit(&store->payload, payload,
				      memory_order_release);
		return HS_OK;
	}
	if (st == HS_ERR_NOMEM || st == HS_ERR_LIMIT)
		return hs_fail(err, st, "%s", why.text);
	/* Damage is a hole in the dump, not the end of the analysis. */
	store->failed = st;
	return hs_fail_at(err, HS_ERR_NOT_CAPTURED, r->base,
			  "the region at 0x%" PRIx64
			  " (block %zu) cannot be unpacked: %s",
			  r->base, r->block, why.text);
}

bool hs_slice_memory_ready(struct hs_slice_memory *m, size_t i)
{
	return m->slice->region[i].packed.codec == HS_SLICE_STORED ||
	       atomic_load_explicit(&m->store[i].payload, memory_order_acquire);
}

enum hs_status hs_slice_memory_payload(struct hs_slice_memory *m, size_t i,
				       const uint8_t **ret,
				       struct hs_error *err)
{
	struct hs_slice_store *store = &m->store[i];
	const struct hs_slice_region *r = &m->slice->region[i];
	if (r->packed.codec == HS_SLICE_STORED) {
		*ret = r->packed.bytes;
		return HS_OK;
	}
	const uint8_t *payload =
		atomic_load_explicit(&store->payload, memory_order_acquire);
	enum hs_status st = HS_OK;
	if (!payload) {
		(void)pthread_mutex_lock(&store->lock);
		payload = atomic_load(&store->payload);
		if (!payload) {
			st = unpack(m, i, err);
			payload = atomic_load(&store->payload);
		}
		(void)pthread_mutex_unlock(&store->lock);
	}
	if (!st)
		*ret = payload;
	return st;
}

static int by_address(const void *a, const void *b)
{
	const struct hs_slice_stretch *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

static enum hs_status list_region(struct hs_slice_memory *m, size_t i,
				  struct hs_error *err)
{
	const struct hs_slice_region *r = &m->slice->region[i];
	struct hs_slice_run run = { 0 };
	while (hs_slice_run_next(r, &run)) {
		if (run.state != SLICE_PAGE_CAPTURED)
			continue;
		enum hs_status st = hs_grow(&m->stretch, &m->capacity, m->count,
					    sizeof(*m->stretch), err);
		if (st)
			return st;
		hs_addr start = r->base + (run.page << r->page_shift);
		uint64_t len = run.count << r->page_shift;
		if (len > r->base + r->size - start)
			len = r->base + r->size - start;
		m->stretch[m->count++] =
			(struct hs_slice_stretch){ start, start + len, i,
						   run.data };
	}
	return HS_OK;
}

enum hs_status hs_slice_memory_index(struct hs_slice_memory *m,
				     struct hs_error *err)
{
	enum hs_status st = HS_OK;
	for (size_t i = 0; !st && i < m->slice->region_count; i++)
		st = list_region(m, i, err);
	if (st)
		return st;
	if (m->count > 1)
		qsort(m->stretch, m->count, sizeof(*m->stretch), by_address);
	/* Where regions overlap the first counts: what is taken is checked. */
	size_t kept = 0;
	for (size_t k = 0; k < m->count; k++)
		if (kept == 0 ||
		    m->stretch[k].start >= m->stretch[kept - 1].end)
			m->stretch[kept++] = m->stretch[k];
	m->count = kept;
	return HS_OK;
}

const struct hs_slice_stretch *
hs_slice_memory_from(const struct hs_slice_memory *m, hs_addr addr)
{
	size_t low = 0, high = m->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (m->stretch[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low < m->count ? &m->stretch[low] : NULL;
}
