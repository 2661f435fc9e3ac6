/* SPDX-License-Identifier: MIT */
#include "heap/shared_cache.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"

/* A cache, and one who has it. */
struct holder {
	hs_addr tcache;
	bool listed;
	uint32_t thread;
};

/* The one that pthread_create() made first, else the first there is. */
static int by_cache(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;
	if (x->tcache != y->tcache)
		return x->tcache < y->tcache ? -1 : 1;
	if (x->listed != y->listed)
		return x->listed ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static enum hs_status report(struct hs_heap *heap,
			     const struct hs_thread_heap *owner,
			     const struct hs_thread_heap *other,
			     struct hs_error *err)
{
	if (owner->tp == other->tp)
		return hs_finding_add(
			&heap->findings, HS_FINDING_TCACHE_SHARED,
			owner->tcache, err,
			"thread %" PRId64 " has the thread pointer of thread "
			"%" PRId64 ", so it has no tcache of its own: "
			"clone() made it, not pthread_create()",
			other->tid, owner->tid);
	return hs_finding_add(
		&heap->findings, HS_FINDING_TCACHE_UNKNOWN, owner->tcache, err,
		"thread %" PRId64 " says its tcache is at 0x%" PRIx64
		", which is that of thread %" PRId64,
		other->tid, owner->tcache, owner->tid);
}

static enum hs_status settle(struct hs_heap *heap, const struct holder *holder,
			     size_t count, struct hs_error *err)
{
	size_t first = 0;
	for (size_t i = 1; i < count; i++) {
		if (holder[i].tcache != holder[first].tcache) {
			first = i;
			continue;
		}
		struct hs_thread_heap *owner =
			&heap->threads[holder[first].thread];
		struct hs_thread_heap *other = &heap->threads[holder[i].thread];
		other->shares = true;
		other->owner = holder[first].thread;
		owner->cache_busy |= other->cache_busy;
		enum hs_status st = report(heap, owner, other, err);
		if (st)
			return st;
	}
	return HS_OK;
}

static int by_tcache(const void *a, const void *b)
{
	const struct hs_further_tcache *x = a, *y = b;
	if (x->tcache != y->tcache)
		return x->tcache < y->tcache ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

/* Caches of further libcs: each once. */
static void settle_further(struct hs_scan *scan)
{
	if (scan->further_count < 2)
		return;
	size_t kept = 1;
	qsort(scan->further, scan->further_count, sizeof(*scan->further),
	      by_tcache);
	for (size_t i = 1; i < scan->further_count; i++)
		if (scan->further[i].tcache != scan->further[kept - 1].tcache)
			scan->further[kept++] = scan->further[i];
	scan->further_count = kept;
}

enum hs_status hs_shared_caches_settle(struct hs_scan *scan,
				       struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	size_t count = 0;
	HS_AUTO_FREE struct holder *holder =
		calloc(heap->thread_count + 1, sizeof(*holder));
	if (!holder)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < heap->thread_count; i++) {
		const struct hs_thread_heap *t = &heap->threads[i];
		if (t->tcache != HS_NO_ADDR)
			holder[count++] = (struct holder){ t->tcache, t->listed,
							   (uint32_t)i };
	}
	if (count > 1)
		qsort(holder, count, sizeof(*holder), by_cache);
	settle_further(scan);
	return settle(heap, holder, count, err);
}
