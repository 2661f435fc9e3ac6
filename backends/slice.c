/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core_maps.h"
#include "backends/live_budget.h"
#include "backends/registry.h"
#include "backends/slice_file.h"
#include "backends/slice_modules.h"
#include "backends/slice_target.h"
#include "backends/workers.h"
#include "core/cleanup.h"
#include "core/grow.h"
#include "core/limits.h"

/*
 * A slice as a target. Pages that are stored plainly are used where they lie in
 * the mapped file. Compressed regions are unpacked when first looked at, each
 * once, as a whole, since their codecs know no other way in.
 */
struct region_store {
	pthread_mutex_t lock;             /* held while one thread unpacks */
	_Atomic(const uint8_t *) payload; /* unpacked; NULL: not yet */
	struct hs_slice_buffer buffer;
	enum hs_status failed; /* under LOCK: it cannot be unpacked */
};

/* Where the bytes of a lazy span are. */
struct lazy_run {
	size_t region;
	hs_addr start;
	uint64_t data; /* of START in the region's payload */
};

struct hs_slice_target {
	struct hs_target base;
	struct hs_slice *slice;
	struct hs_file_overlay_list files;
	struct region_store *store; /* one a region */
	struct lazy_run *run;       /* by hs_span.source */
	size_t run_count, run_capacity;
	atomic_uint_fast64_t unpacking; /* bytes, by all threads just now */
	atomic_uint asked;   /* writable regions that someone asked for */
	atomic_size_t ahead; /* region to unpack next, ahead of need */
};

static void slice_close(struct hs_target *target)
{
	struct hs_slice_target *t = (struct hs_slice_target *)target;
	hs_target_release(&t->base);
	hs_file_overlay_list_release(&t->files);
	for (size_t i = 0; t->store && i < t->slice->region_count; i++) {
		hs_slice_buffer_cleanup(&t->store[i].buffer);
		(void)pthread_mutex_destroy(&t->store[i].lock);
	}
	free(t->store);
	free(t->run);
	hs_slice_close(t->slice);
	free(t);
}

static void target_cleanup(struct hs_slice_target **slot)
{
	if (*slot)
		slice_close(&(*slot)->base);
}

/* ---- bytes ---- */

/* Under the store's lock. */
static enum hs_status unpack(struct hs_slice_target *t, size_t i,
			     struct hs_error *err)
{
	struct region_store *store = &t->store[i];
	const struct hs_slice_region *r = &t->slice->region[i];
	const uint8_t *pages;
	if (store->failed)
		return hs_fail_at(err, HS_ERR_NOT_CAPTURED, r->base,
				  "the region at 0x%" PRIx64
				  " (block %zu) is damaged and cannot be "
				  "unpacked",
				  r->base, r->block);
	/* What others unpack at this moment is not in use yet, but will be. */
	uint64_t room = hs_slice_region_room(r);
	uint64_t sum = atomic_fetch_add(&t->unpacking, room) + room;
	struct hs_error why = { 0 };
	enum hs_status st = HS_OK;
	if (sum > hs_live_budget())
		st = hs_fail(&why, HS_ERR_LIMIT,
			     "a region of the slice unpacks to %" PRIu64
			     " bytes, more than there is memory for: examine "
			     "it on a larger machine",
			     room);
	if (!st)
		st = hs_slice_region_unpack(r, &store->buffer, &pages, &why);
	(void)atomic_fetch_sub(&t->unpacking, room);
	if (!st) {
		atomic_store_explicit(&store->payload, store->buffer.bytes,
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

static enum hs_status payload_of(struct hs_slice_target *t, size_t i,
				 const uint8_t **ret, struct hs_error *err)
{
	struct region_store *store = &t->store[i];
	enum hs_status st = HS_OK;
	(void)pthread_mutex_lock(&store->lock);
	const uint8_t *payload = atomic_load(&store->payload);
	if (!payload) {
		st = unpack(t, i, err);
		payload = store->buffer.bytes;
	}
	(void)pthread_mutex_unlock(&store->lock);
	if (!st)
		*ret = payload;
	return st;
}

static bool is_writable(const struct hs_slice_region *r)
{
	return r->packed.codec != HS_SLICE_STORED &&
	       (r->protection & SLICE_PROT_WRITE);
}

static void *unpack_ahead(void *arg)
{
	struct hs_slice_target *t = arg;
	for (;;) {
		size_t i = atomic_fetch_add(&t->ahead, 1);
		const uint8_t *ignored;
		if (i >= t->slice->region_count)
			return NULL;
		/* What fails here fails again for whoever needs it. */
		if (is_writable(&t->slice->region[i]) &&
		    payload_of(t, i, &ignored, NULL) == HS_ERR_LIMIT)
			return NULL;
	}
}

/*
 * Whoever looks at a second writable region is not after a single address but
 * walks the heap, and will want the others: unpack them all now, with as many
 * threads as there are processors.
 */
static void look_ahead(struct hs_slice_target *t,
		       const struct hs_slice_region *r)
{
	if (!is_writable(r) || atomic_fetch_add(&t->asked, 1) != 1)
		return;
	size_t workers = hs_workers_count(t->slice->region_count);
	if (workers > 1)
		hs_workers_run(workers, unpack_ahead, t);
}

static enum hs_status slice_fill(const struct hs_target *target,
				 const struct hs_span *span,
				 const uint8_t **ret, struct hs_error *err)
{
	/* Filling in changes what is held, not what is answered. */
	struct hs_slice_target *t = (struct hs_slice_target *)(uintptr_t)target;
	const struct lazy_run *run = &t->run[span->source];
	const uint8_t *payload = atomic_load_explicit(
		&t->store[run->region].payload, memory_order_acquire);
	if (!payload) {
		look_ahead(t, &t->slice->region[run->region]);
		enum hs_status st = payload_of(t, run->region, &payload, err);
		if (st)
			return st;
	}
	*ret = payload + run->data + (span->start - run->start);
	return HS_OK;
}

/* ---- spans and maps ---- */

static enum hs_status add_lazy(struct hs_slice_target *t, size_t region,
			       uint64_t data, struct hs_span *span,
			       struct hs_error *err)
{
	enum hs_status st = hs_grow(&t->run, &t->run_capacity, t->run_count,
				    sizeof(*t->run), err);
	if (st)
		return st;
	span->state = HS_SPAN_LAZY;
	span->source = (uint32_t)t->run_count;
	t->run[t->run_count++] = (struct lazy_run){ region, span->start, data };
	return HS_OK;
}

static enum hs_status add_run(struct hs_slice_target *t, size_t region,
			      const struct hs_slice_run *run, hs_addr *end,
			      struct hs_error *err)
{
	const struct hs_slice_region *r = &t->slice->region[region];
	uint64_t at = run->page << r->page_shift;
	uint64_t len = run->count << r->page_shift;
	if (len > r->size - at)
		len = r->size - at; /* the last page is a part of one */
	*end = r->base + at + len;
	struct hs_span span = { .start = r->base + at, .len = len };
	if (run->state == SLICE_PAGE_UNMAPPED)
		return HS_OK;
	if (t->base.spans.count >= HS_LIMIT_SEGMENTS)
		return hs_fail(err, HS_ERR_LIMIT,
			       "'%s' has more than %u runs of pages",
			       t->slice->path, HS_LIMIT_SEGMENTS);
	if (run->state == SLICE_PAGE_FAILED) {
		span.state = HS_SPAN_NOT_CAPTURED;
	} else if (r->packed.codec == HS_SLICE_STORED) {
		span.state = HS_SPAN_BYTES;
		span.bytes = r->packed.bytes + run->data;
	} else {
		enum hs_status st = add_lazy(t, region, run->data, &span, err);
		if (st)
			return st;
	}
	return hs_span_list_add(&t->base.spans, span, err);
}

static unsigned prot_of(const struct hs_slice_region *r)
{
	return (r->protection & SLICE_PROT_READ ? HS_PROT_READ : 0) |
	       (r->protection & SLICE_PROT_WRITE ? HS_PROT_WRITE : 0) |
	       (r->protection & SLICE_PROT_EXEC ? HS_PROT_EXEC : 0);
}

static enum hs_status add_map(struct hs_slice_target *t, size_t region,
			      hs_addr start, hs_addr end, struct hs_error *err)
{
	const struct hs_slice_region *r = &t->slice->region[region];
	struct hs_map map = {
		.start = start,
		.end = end,
		.prot = prot_of(r),
		.shared = r->type == SLICE_REGION_SHARED,
		.kind = r->type == SLICE_REGION_HEAP    ? HS_MAP_HEAP
			: r->type == SLICE_REGION_STACK ? HS_MAP_STACK
							: HS_MAP_ANON,
	};
	return hs_map_list_add(&t->base.maps, &map, err);
}

/* A map for each stretch of pages that the process had. */
static enum hs_status add_region(struct hs_slice_target *t, size_t region,
				 struct hs_error *err)
{
	const struct hs_slice_region *r = &t->slice->region[region];
	struct hs_slice_run run = { 0 };
	hs_addr start = r->base, end = r->base;
	while (hs_slice_run_next(r, &run)) {
		hs_addr before = end;
		enum hs_status st = add_run(t, region, &run, &end, err);
		if (!st && run.state == SLICE_PAGE_UNMAPPED) {
			if (before > start)
				st = add_map(t, region, start, before, err);
			start = end;
		}
		if (st)
			return st;
	}
	return end > start ? add_map(t, region, start, end, err) : HS_OK;
}

/* A mapping too large for one block goes on in the next: one map of them. */
static enum hs_status join_continuations(struct hs_slice_target *t,
					 struct hs_error *err)
{
	struct hs_map_list *maps = &t->base.maps;
	HS_AUTO_FREE bool *goes_on = calloc(maps->count + 1, sizeof(*goes_on));
	if (!goes_on)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < t->slice->region_count; i++) {
		const struct hs_slice_region *r = &t->slice->region[i];
		const struct hs_map *map;
		if (t->slice->block[r->block].flags & SLICE_CONTINUATION &&
		    (map = hs_target_find_map(&t->base, r->base)) &&
		    map->start == r->base)
			goes_on[map - maps->map] = true;
	}
	size_t kept = 0;
	for (size_t i = 0; i < maps->count; i++) {
		struct hs_map *last = kept ? &maps->map[kept - 1] : NULL;
		const struct hs_map *map = &maps->map[i];
		if (goes_on[i] && last && last->end == map->start &&
		    last->prot == map->prot && last->kind == map->kind &&
		    last->shared == map->shared)
			last->end = map->end; /* no path yet to be freed */
		else
			maps->map[kept++] = *map;
	}
	maps->count = kept;
	return HS_OK;
}

struct order {
	uint64_t timestamp;
	size_t region;
};

/* The newest first, since of overlapping spans the first added wins. */
static int newest_first(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	if (x->timestamp != y->timestamp)
		return x->timestamp > y->timestamp ? -1 : 1;
	return x->region < y->region ? 1 : -1;
}

static enum hs_status add_regions(struct hs_slice_target *t,
				  struct hs_error *err)
{
	size_t count = t->slice->region_count, overlaps = 0;
	HS_AUTO_FREE struct order *order = malloc((count + 1) * sizeof(*order));
	if (!order)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < count; i++)
		order[i] = (struct order){ t->slice->region[i].timestamp, i };
	qsort(order, count, sizeof(*order), newest_first);
	enum hs_status st = HS_OK;
	for (size_t i = 0; !st && i < count; i++)
		st = add_region(t, order[i].region, err);
	if (!st)
		st = hs_span_list_sort(&t->base.spans, &overlaps, err);
	if (st)
		return st;
	size_t cut = hs_core_cut_maps(&t->base);
	st = join_continuations(t, err);
	if (st)
		return st;
	if (overlaps == 0 && cut == 0)
		return HS_OK;
	return hs_note_add(&t->base.notes, HS_WARNING, "slice-overlap",
			   HS_NO_ADDR, err,
			   "%zu regions of the slice overlap others: of two "
			   "bytes for one address the later taken counts",
			   overlaps > cut ? overlaps : cut);
}

/* ---- the rest ---- */

static enum hs_status check_arch(struct hs_target *target,
				 const struct hs_slice *s, struct hs_error *err)
{
	switch (s->header.arch) {
	case SLICE_ARCH_X86:
		target->arch = HS_ARCH_I386;
		target->word_size = 4;
		return HS_OK;
	case SLICE_ARCH_X86_64:
		target->arch = HS_ARCH_X86_64;
		return HS_OK;
	case SLICE_ARCH_ARM64:
		target->arch = HS_ARCH_AARCH64;
		return HS_OK;
	default:
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "'%s' is of architecture %u; x86 (0), x86_64 "
			       "(1) and arm64 (2) are understood (`heapscan "
			       "info` shows what is in the file)",
			       s->path, s->header.arch);
	}
}

static enum hs_status keep_text(char **slot, const char *text,
				struct hs_error *err)
{
	if (!text || *text == '\0')
		return HS_OK;
	*slot = strdup(text);
	return *slot ? HS_OK : hs_fail(err, HS_ERR_NOMEM, "no memory");
}

static enum hs_status take_process(struct hs_slice_target *t,
				   const struct hs_open_options *opt,
				   struct hs_error *err)
{
	struct hs_target *target = &t->base;
	const struct hs_slice *s = t->slice;
	if (s->header.pid != 0)
		target->pid = s->header.pid;
	target->taken_ns = s->header.timestamp;
	target->started_ns = s->records.start_time;
	if (s->records.ppid != 0)
		target->ppid = s->records.ppid;
	if (s->records.session != 0)
		target->session = s->records.session;
	enum hs_status st = keep_text(&target->path, s->path, err);
	if (!st)
		st = keep_text(&target->sysroot, opt->sysroot, err);
	if (!st)
		st = keep_text(&target->executable, s->records.executable, err);
	if (!st)
		st = keep_text(&target->command_line, s->records.command_line,
			       err);
	return st;
}

static enum hs_status take_notes(struct hs_slice_target *t,
				 struct hs_error *err)
{
	const struct hs_slice *s = t->slice;
	if (!s->whole)
		t->base.complete = false;
	for (size_t i = 0; i < s->notes.count; i++) {
		const struct hs_note *n = &s->notes.note[i];
		enum hs_status st =
			hs_note_add(&t->base.notes, n->severity, n->code,
				    n->addr, err, "%s", n->message);
		if (st)
			return st;
	}
	return HS_OK;
}

/* Pages that the process could write and the writer could not read. */
static enum hs_status note_failed(struct hs_slice_target *t,
				  struct hs_error *err)
{
	uint64_t failed = 0;
	hs_addr first = HS_NO_ADDR;
	for (size_t i = 0; i < t->slice->region_count; i++) {
		const struct hs_slice_region *r = &t->slice->region[i];
		uint64_t pages = r->failed - r->missing;
		if (pages == 0 || !(r->protection & SLICE_PROT_READ) ||
		    !(r->protection & SLICE_PROT_WRITE))
			continue;
		failed += pages << r->page_shift;
		if (first == HS_NO_ADDR)
			first = r->base;
	}
	if (failed == 0)
		return HS_OK;
	t->base.complete = false;
	return hs_note_add(&t->base.notes, HS_WARNING, "slice-pages-failed",
			   first, err,
			   "%" PRIu64 " bytes of writable memory could not be "
			   "read when the slice was taken",
			   failed);
}

static enum hs_status make_stores(struct hs_slice_target *t,
				  struct hs_error *err)
{
	size_t count = t->slice->region_count;
	t->store = calloc(count + 1, sizeof(*t->store));
	if (!t->store)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < count; i++)
		(void)pthread_mutex_init(&t->store[i].lock, NULL);
	atomic_init(&t->asked, 2);
	return HS_OK;
}

static enum hs_status build(struct hs_slice_target *t,
			    const struct hs_open_options *opt,
			    struct hs_error *err)
{
	struct hs_target *target = &t->base;
	enum hs_status st = check_arch(target, t->slice, err);
	if (!st)
		st = make_stores(t, err);
	if (!st)
		st = take_process(t, opt, err);
	if (!st)
		st = take_notes(t, err);
	if (!st)
		st = note_failed(t, err);
	if (!st)
		st = add_regions(t, err);
	if (!st)
		st = hs_slice_threads(target, &t->slice->records, err);
	if (!st)
		st = hs_slice_modules(target, t->slice, opt, &t->files, err);
	if (st)
		return st;
	/* Only now: what opening looked at is no sign of what will be. */
	atomic_store(&t->asked, 0);
	return hs_target_finish(target, err);
}

/* Takes over SLICE, in any case. */
static enum hs_status target_new(struct hs_slice *slice,
				 const struct hs_open_options *opt,
				 struct hs_target **ret, struct hs_error *err)
{
	struct hs_slice_target *fresh = calloc(1, sizeof(*fresh));
	if (!fresh) {
		hs_slice_close(slice);
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	hs_target_init(&fresh->base, &hs_backend_slice);
	fresh->slice = slice;
	fresh->base.file_size = slice->file_size;
	HS_CLEANUP(target_cleanup) struct hs_slice_target *t = fresh;
	enum hs_status st = build(t, opt, err);
	if (st)
		return st;
	*ret = &HS_TAKE(t)->base;
	return HS_OK;
}

enum hs_status hs_slice_target_bytes(const uint8_t *bytes, size_t len,
				     const char *name,
				     const struct hs_open_options *opt,
				     struct hs_target **ret,
				     struct hs_error *err)
{
	struct hs_slice *slice = NULL;
	enum hs_status st =
		hs_slice_open_bytes(bytes, len, name, opt, &slice, err);
	return st ? st : target_new(slice, opt, ret, err);
}

static bool slice_probe(const char *spec, const uint8_t *head, size_t head_len)
{
	(void)spec;
	return head_len >= SLICE_MAGIC_LEN &&
	       memcmp(head, SLICE_MAGIC, SLICE_MAGIC_LEN) == 0;
}

static enum hs_status slice_open(const char *spec,
				 const struct hs_open_options *opt,
				 struct hs_target **ret, struct hs_error *err)
{
	struct hs_slice *slice = NULL;
	enum hs_status st = hs_slice_open(spec, opt, &slice, err);
	return st ? st : target_new(slice, opt, ret, err);
}

const struct hs_backend hs_backend_slice = {
	.name = "slice",
	.summary = "Memory Slice (.msl)",
	.kind = HS_TARGET_SLICE,
	.probe = slice_probe,
	.open = slice_open,
	.close = slice_close,
	.fill = slice_fill,
};
