/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core_maps.h"
#include "backends/registry.h"
#include "backends/slice_hash.h"
#include "backends/slice_memory.h"
#include "backends/slice_modules.h"
#include "backends/slice_stream.h"
#include "backends/slice_target.h"
#include "backends/workers.h"
#include "core/cleanup.h"
#include "core/grow.h"
#include "core/limits.h"

/*
 * A slice as a target: its own pages, and those of its bases that did not
 * change. slice_memory.h tells how bytes are come by.
 */

/* Where the bytes of a lazy span are: a region's payload, unpacked. */
struct lazy_run {
	struct hs_slice_memory *memory;
	size_t region; /* of that memory */
	hs_addr start;
	uint64_t data;       /* of START in the payload */
	const uint8_t *hash; /* of pages from a base: as they must be ... */
	uint64_t pages;
	uint8_t shift;
	uint8_t checked; /* ... and what came of it: enum check; atomic */
	bool ahead;      /* to be filled ahead of need */
};
enum check { CHECK_NOT_YET, CHECK_GOOD, CHECK_BAD };

struct hs_slice_target {
	struct hs_target base;
	struct hs_slice *slice;
	struct hs_file_overlay_list files;
	struct hs_slice_memory memory;
	struct hs_slice_memory *bases; /* as hs_slice.base; those there are */
	struct lazy_run *run;          /* by hs_span.source */
	size_t run_count, run_capacity;
	atomic_uint asked;   /* runs that someone had to wait for */
	atomic_size_t ahead; /* run to fill next, ahead of need */
};

/* Pages of a base that are checked, and lost, together. */
#define REF_PIECE ((uint64_t)1 << 20)

/* Whoever looks at so many runs is not after a single address but walks the
 * heap, and will want the others. */
#define AHEAD_FROM 2u
#define AHEAD_NEVER (UINT32_MAX / 2)

static void slice_close(struct hs_target *target)
{
	struct hs_slice_target *t = (struct hs_slice_target *)target;
	hs_target_release(&t->base);
	hs_file_overlay_list_release(&t->files);
	hs_slice_memory_release(&t->memory);
	for (size_t i = 0; t->bases && i < t->slice->base_count; i++)
		hs_slice_memory_release(&t->bases[i]);
	free(t->bases);
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

static bool is_ready(const struct lazy_run *run)
{
	return hs_slice_memory_ready(run->memory, run->region) &&
	       (!run->hash ||
		__atomic_load_n(&run->checked, __ATOMIC_ACQUIRE) == CHECK_GOOD);
}

/* Are these pages still what the step that refers to them saw? */
static enum hs_status check_run(const struct hs_slice_target *t,
				struct lazy_run *run, const uint8_t *bytes,
				struct hs_error *err)
{
	uint8_t checked = __atomic_load_n(&run->checked, __ATOMIC_ACQUIRE);
	if (checked == CHECK_NOT_YET) {
		uint64_t good;
		enum hs_status st =
			hs_slice_pages_check(t->slice, bytes, run->pages,
					     run->shift, run->hash, &good, err);
		if (st)
			return st;
		checked = good == run->pages ? CHECK_GOOD : CHECK_BAD;
		__atomic_store_n(&run->checked, checked, __ATOMIC_RELEASE);
	}
	if (checked == CHECK_GOOD)
		return HS_OK;
	return hs_fail_at(err, HS_ERR_NOT_CAPTURED, run->start,
			  "the pages from 0x%" PRIx64 " on are not the same "
			  "in '%s' as when they were referred to",
			  run->start, run->memory->slice->path);
}

static enum hs_status fill_run(struct hs_slice_target *t, struct lazy_run *run,
			       const uint8_t **ret, struct hs_error *err)
{
	const uint8_t *payload;
	enum hs_status st = hs_slice_memory_payload(run->memory, run->region,
						    &payload, err);
	if (!st && run->hash)
		st = check_run(t, run, payload + run->data, err);
	if (!st)
		*ret = payload + run->data;
	return st;
}

static void *fill_ahead(void *arg)
{
	struct hs_slice_target *t = arg;
	for (;;) {
		size_t i = atomic_fetch_add(&t->ahead, 1);
		const uint8_t *ignored;
		if (i >= t->run_count)
			return NULL;
		/* What fails here fails again for whoever needs it. */
		if (t->run[i].ahead &&
		    fill_run(t, &t->run[i], &ignored, NULL) == HS_ERR_LIMIT)
			return NULL;
	}
}

/* Fill all writable ones now, with as many threads as there are processors. */
static void look_ahead(struct hs_slice_target *t, const struct lazy_run *run)
{
	if (!run->ahead || atomic_fetch_add(&t->asked, 1) + 1 != AHEAD_FROM)
		return;
	size_t workers = hs_workers_count(t->run_count);
	if (workers > 1)
		hs_workers_run(workers, fill_ahead, t);
}

static enum hs_status slice_fill(const struct hs_target *target,
				 const struct hs_span *span,
				 const uint8_t **ret, struct hs_error *err)
{
	/* Filling in changes what is held, not what is answered. */
	struct hs_slice_target *t = (struct hs_slice_target *)(uintptr_t)target;
	struct lazy_run *run = &t->run[span->source];
	const uint8_t *bytes;
	if (!is_ready(run))
		look_ahead(t, run);
	enum hs_status st = fill_run(t, run, &bytes, err);
	if (!st)
		*ret = bytes + (span->start - run->start);
	return st;
}

/* Pages of this slice itself, which nothing has to be compared with. */
static bool place_of(const void *arg, const struct hs_span *span,
		     struct hs_slice_place *ret)
{
	const struct hs_slice_target *t = arg;
	const struct lazy_run *run = &t->run[span->source];
	if (run->memory != &t->memory || run->hash)
		return false;
	*ret = (struct hs_slice_place){
		.region = run->region,
		.data = run->data + (span->start - run->start),
	};
	return true;
}

static enum hs_status slice_stream(const struct hs_target *target, hs_addr addr,
				   uint64_t len, hs_bytes_fn fn, void *arg,
				   uint64_t *done, struct hs_error *err)
{
	struct hs_slice_target *t = (struct hs_slice_target *)(uintptr_t)target;
	return hs_slice_stream(&t->memory, &target->spans, place_of, t, addr,
			       len, fn, arg, done, err);
}

/* ---- spans and maps ---- */

static enum hs_status add_lazy(struct hs_slice_target *t,
			       const struct lazy_run *run, uint64_t len,
			       struct hs_error *err)
{
	struct hs_span span = { .start = run->start,
				.len = len,
				.state = HS_SPAN_LAZY };
	enum hs_status st = hs_grow(&t->run, &t->run_capacity, t->run_count,
				    sizeof(*t->run), err);
	if (st)
		return st;
	span.source = (uint32_t)t->run_count;
	t->run[t->run_count++] = *run;
	return hs_span_list_add(&t->base.spans, span, err);
}

static enum hs_status check_spans(const struct hs_slice_target *t,
				  struct hs_error *err)
{
	if (t->base.spans.count < HS_LIMIT_SEGMENTS)
		return HS_OK;
	return hs_fail(err, HS_ERR_LIMIT, "'%s' has more than %u runs of pages",
		       t->slice->path, HS_LIMIT_SEGMENTS);
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
	enum hs_status st = check_spans(t, err);
	if (st)
		return st;
	if (run->state == SLICE_PAGE_FAILED) {
		span.state = HS_SPAN_NOT_CAPTURED;
	} else if (r->packed.codec == HS_SLICE_STORED) {
		span.state = HS_SPAN_BYTES;
		span.bytes = r->packed.bytes + run->data;
	} else {
		struct lazy_run lazy = {
			.memory = &t->memory,
			.region = region,
			.start = span.start,
			.data = run->data,
			.ahead = r->protection & SLICE_PROT_WRITE,
		};
		return add_lazy(t, &lazy, len, err);
	}
	return hs_span_list_add(&t->base.spans, span, err);
}

/* Pages from FROM to TO that are in one stretch of a base. */
static enum hs_status add_piece(struct hs_slice_target *t,
				const struct hs_slice_region *r,
				const struct hs_slice_ref *ref, hs_addr from,
				hs_addr to, const struct hs_slice_stretch *s,
				struct hs_error *err)
{
	hs_addr first = r->base + (ref->page << r->page_shift);
	uint64_t skipped = (from - first) >> r->page_shift;
	struct lazy_run lazy = {
		.memory = &t->bases[ref->base],
		.region = s->region,
		.start = from,
		.data = s->data + (from - s->start),
		.hash = ref->hash + skipped * SLICE_HASH_LEN,
		.pages = (to - from) >> r->page_shift,
		.shift = r->page_shift,
		.ahead = r->protection & SLICE_PROT_WRITE,
	};
	enum hs_status st = check_spans(t, err);
	return st ? st : add_lazy(t, &lazy, to - from, err);
}

/* What the base does not have either stays not captured: *LACKING bytes. */
static enum hs_status add_ref(struct hs_slice_target *t,
			      const struct hs_slice_region *r,
			      const struct hs_slice_ref *ref, uint64_t *lacking,
			      struct hs_error *err)
{
	uint64_t page = (uint64_t)1 << r->page_shift;
	hs_addr at = r->base + (ref->page << r->page_shift);
	/* Of a page that is there in part there is no hash. */
	uint64_t len = ref->count << r->page_shift;
	if (len > r->base + r->size - at)
		len = (r->base + r->size - at) & ~(page - 1);
	hs_addr end = at + len;
	const struct hs_slice_memory *m = &t->bases[ref->base];
	while (at < end) {
		const struct hs_slice_stretch *s = hs_slice_memory_from(m, at);
		hs_addr to = end;
		if (!s || s->start > at || s->end - at < page) {
			/* Up to the first page that could be there. */
			if (s && s->start > at && s->start - at < end - at)
				to = at +
				     ((s->start - at + page - 1) & ~(page - 1));
			else if (s && s->start <= at)
				to = at + page;
			*lacking += to - at;
			at = to;
			continue;
		}
		if ((s->end - at) < to - at)
			to = at + ((s->end - at) & ~(page - 1));
		if (to - at > REF_PIECE && page <= REF_PIECE)
			to = at + REF_PIECE;
		enum hs_status st = add_piece(t, r, ref, at, to, s, err);
		if (st)
			return st;
		at = to;
	}
	return HS_OK;
}

static enum hs_status add_refs(struct hs_slice_target *t, struct hs_error *err)
{
	uint64_t lacking = 0;
	for (size_t i = 0; i < t->slice->region_count; i++) {
		const struct hs_slice_region *r = &t->slice->region[i];
		for (size_t k = 0; k < r->ref_count; k++) {
			enum hs_status st = t->slice->base[r->ref[k].base].slice
						    ? add_ref(t, r, &r->ref[k],
							      &lacking, err)
						    : HS_OK;
			if (st)
				return st;
		}
	}
	if (lacking == 0)
		return HS_OK;
	t->base.complete = false;
	return hs_note_add(&t->base.notes, HS_WARNING, "slice-base-lacks",
			   HS_NO_ADDR, err,
			   "%" PRIu64 " bytes that had not changed are not in "
			   "the slices that are said to have them",
			   lacking);
}

/* The slices that unchanged pages are in. */
static enum hs_status open_bases(struct hs_slice_target *t,
				 struct hs_error *err)
{
	const struct hs_slice *s = t->slice;
	t->bases = calloc(s->base_count + 1, sizeof(*t->bases));
	if (!t->bases)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	if (s->base_count > 0 && !hs_slice_hash_known(s->header.hash))
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "'%s' takes pages from other slices, and what "
			       "its hashes of them are is not known",
			       s->path);
	enum hs_status st = HS_OK;
	for (size_t i = 0; !st && i < s->base_count; i++) {
		if (!s->base[i].slice)
			continue;
		st = hs_slice_memory_init(&t->bases[i], s->base[i].slice, err);
		if (!st)
			st = hs_slice_memory_index(&t->bases[i], err);
	}
	return st;
}

static unsigned prot_of(const struct hs_slice_region *r)
{
	return (r->protection & SLICE_PROT_READ ? HS_PROT_READ : 0) |
	       (r->protection & SLICE_PROT_WRITE ? HS_PROT_WRITE : 0) |
	       (r->protection & SLICE_PROT_EXEC ? HS_PROT_EXEC : 0);
}

/* The file's name is lost, but malloc puts nothing into a file. */
static enum hs_map_kind kind_of(const struct hs_slice_region *r)
{
	switch (r->type) {
	case SLICE_REGION_HEAP:
		return HS_MAP_HEAP;
	case SLICE_REGION_STACK:
		return HS_MAP_STACK;
	case SLICE_REGION_IMAGE:
	case SLICE_REGION_FILE:
		return HS_MAP_FILE;
	default:
		return HS_MAP_ANON;
	}
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
		.kind = kind_of(r),
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

/* A mapping in several blocks, whose parent is the first: one map of them. */
static enum hs_status join_continuations(struct hs_slice_target *t,
					 struct hs_error *err)
{
	static const uint8_t none[SLICE_UUID_LEN];
	struct hs_map_list *maps = &t->base.maps;
	HS_AUTO_FREE bool *goes_on = calloc(maps->count + 1, sizeof(*goes_on));
	if (!goes_on)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	const uint8_t *first = none;
	for (size_t i = 0; i < t->slice->region_count; i++) {
		const struct hs_slice_region *r = &t->slice->region[i];
		const struct hs_slice_block *b = &t->slice->block[r->block];
		const uint8_t *raw = hs_slice_block_bytes(t->slice, b);
		const uint8_t *parent = raw + SLICE_AT_PARENT_UUID;
		const struct hs_map *map;
		bool orphan = memcmp(parent, none, SLICE_UUID_LEN) == 0;
		bool part =
			b->flags & SLICE_CONTINUATION ||
			(!orphan && memcmp(parent, first, SLICE_UUID_LEN) == 0);
		if (!part && orphan)
			first = raw + SLICE_AT_BLOCK_UUID;
		if (part && (map = hs_target_find_map(&t->base, r->base)) &&
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
		st = add_refs(t, err);
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

/*
 * Pages that the process could write and the writer could not read, or was told
 * to leave out. Shared memory, which belongs to others too, is left out of a
 * slice as it is of a live process, and nothing is amiss then.
 */
static enum hs_status note_failed(struct hs_slice_target *t,
				  struct hs_error *err)
{
	uint64_t failed = 0;
	hs_addr first = HS_NO_ADDR;
	for (size_t i = 0; i < t->slice->region_count; i++) {
		const struct hs_slice_region *r = &t->slice->region[i];
		uint64_t pages = r->failed - r->missing;
		/* Missing pages may be referred to as well. */
		pages -= r->referenced < pages ? r->referenced : pages;
		if (pages == 0 || r->type == SLICE_REGION_SHARED ||
		    !(r->protection & SLICE_PROT_READ) ||
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
			   "read, or were left out, when the slice was taken",
			   failed);
}

static enum hs_status build(struct hs_slice_target *t,
			    const struct hs_open_options *opt,
			    struct hs_error *err)
{
	struct hs_target *target = &t->base;
	enum hs_status st = check_arch(target, t->slice, err);
	atomic_init(&t->asked, AHEAD_NEVER);
	if (!st)
		st = hs_slice_memory_init(&t->memory, t->slice, err);
	if (!st)
		st = open_bases(t, err);
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

enum hs_status hs_slice_target_new(struct hs_slice *slice,
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
	return st ? st : hs_slice_target_new(slice, opt, ret, err);
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
	return st ? st : hs_slice_target_new(slice, opt, ret, err);
}

const struct hs_backend hs_backend_slice = {
	.name = "slice",
	.summary = "Memory Slice (.msl)",
	.kind = HS_TARGET_SLICE,
	.probe = slice_probe,
	.open = slice_open,
	.close = slice_close,
	.fill = slice_fill,
	.stream = slice_stream,
};
