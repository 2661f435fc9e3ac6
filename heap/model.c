/* SPDX-License-Identifier: MIT */
#include "heap/model.h"

#include <assert.h>
#include <stdlib.h>

enum hs_status hs_heap_new(struct hs_heap **ret, struct hs_error *err)
{
	struct hs_heap *heap = calloc(1, sizeof(*heap));
	if (!heap)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a heap");
	heap->module = SIZE_MAX;
	heap->main_arena = heap->malloc_par = HS_NO_ADDR;
	*ret = heap;
	return HS_OK;
}

void hs_heap_free(struct hs_heap *heap)
{
	if (!heap)
		return;
	free(heap->version_source);
	free(heap->layout_detail);
	free(heap->other_allocator);
	free(heap->verdict);
	free(heap->arenas);
	for (size_t i = 0; i < heap->thread_count; i++)
		free(heap->threads[i].name);
	free(heap->threads);
	free(heap->lists);
	free(heap->regions);
	free(heap->chunks);
	free(heap->slack);
	hs_findings_release(&heap->findings);
	free(heap);
}

const char *hs_chunk_state_name(enum hs_chunk_state state)
{
	static const char *const words[] = {
#define X(id, word) [HS_CHUNK_##id] = word,
		HS_CHUNK_STATES(X)
#undef X
	};
	return (size_t)state < HS_CHUNK_STATE_COUNT ? words[state] : "unknown";
}

void hs_heap_allocator(const struct hs_heap *heap,
		       struct hs_allocator_info *ret)
{
	const struct hs_layout *l = &heap->layout;
	*ret = (struct hs_allocator_info){
		.version = heap->version_text[0] ? heap->version_text : NULL,
		.version_source = heap->version_source,
		.layout_source = l->origin[HS_STRUCT_ARENA],
		.layout_detail = heap->layout_detail,
		.main_arena = heap->main_arena,
		.main_arena_source = heap->main_arena_source,
		.main_arena_missing = heap->main_arena_lost,
		.confidence = heap->main_arena_lost
				      ? l->origin[HS_STRUCT_ARENA] ==
							HS_ORIGIN_INFERRED
						? HS_CONFIDENCE_LOW
						: HS_CONFIDENCE_MEDIUM
				      : HS_CONFIDENCE_HIGH,
		.malloc_par = heap->malloc_par,
		.malloc_par_source = heap->malloc_par_source,
		.tcache_source = heap->tcache_source,
		.is_static = heap->is_static,
		.safe_linking = heap->safe_linking,
		.has_tcache = hs_layout_has(l, HS_FIELD_TCACHE_ENTRIES),
		.has_fastbins = hs_layout_has(l, HS_FIELD_ARENA_FASTBINS),
		.module = heap->module,
		.other_allocator = heap->other_allocator,
	};
}

void hs_heap_summary(const struct hs_heap *heap, struct hs_heap_summary *ret)
{
	*ret = heap->summary;
}

void hs_heap_mallinfo(const struct hs_heap *heap, struct hs_mallinfo *ret)
{
	*ret = heap->mallinfo;
}

void hs_heap_coverage(const struct hs_heap *heap, struct hs_heap_coverage *ret)
{
	*ret = heap->coverage;
}

void hs_heap_checks(const struct hs_heap *heap, struct hs_heap_checks *ret)
{
	*ret = heap->checks;
}

size_t hs_heap_arena_count(const struct hs_heap *heap)
{
	return heap->arena_count;
}

void hs_heap_arena(const struct hs_heap *heap, size_t arena,
		   struct hs_arena_info *ret)
{
	assert(arena < heap->arena_count);
	const struct hs_arena *a = &heap->arenas[arena];
	*ret = (struct hs_arena_info){
		.addr = a->addr,
		.is_main = a->is_main,
		.free = a->attached_known && a->attached == 0,
		.free_known = a->attached_known,
		.locked = a->locked,
		.top = a->top,
		.top_size = a->top_size,
		.system_mem = a->system_mem,
		.walked = a->walked,
		.chunks = a->chunks,
		.in_use = a->in_use,
		.freed = a->freed,
		.heap_count = a->heap_count,
	};
}

void hs_heap_arena_heap(const struct hs_heap *heap, size_t arena, size_t i,
			hs_addr *start, hs_addr *end)
{
	for (size_t r = 0; r < heap->region_count; r++)
		if (heap->regions[r].arena == arena && i-- == 0) {
			*start = heap->regions[r].start;
			*end = heap->regions[r].end;
			return;
		}
	assert(false); /* no such heap */
}

size_t hs_heap_thread_count(const struct hs_heap *heap)
{
	return heap->thread_count;
}

void hs_heap_thread(const struct hs_heap *heap, size_t i,
		    struct hs_heap_thread_info *ret)
{
	assert(i < heap->thread_count);
	const struct hs_thread_heap *t = &heap->threads[i];
	*ret = (struct hs_heap_thread_info){
		.tid = t->tid,
		.current = t->current,
		.pc = t->pc,
		.sp = t->sp,
		.tls_base = t->tp,
		.name = t->name,
		.arena = t->arena == HS_NO_ARENA ? SIZE_MAX : t->arena,
		.tcache = t->tcache,
		.arena_known = t->arena_known,
		.tcache_known = t->tcache_known,
		.tcache_count = t->tcache_count,
		.tcache_bytes = t->tcache_bytes,
		.in_malloc = t->in_malloc,
	};
}

static int64_t list_tid(const struct hs_heap *heap, const struct hs_list *list)
{
	if (list->state != HS_CHUNK_TCACHE || list->owner == HS_NO_ARENA)
		return -1;
	return heap->threads[list->owner].tid;
}

size_t hs_heap_bin_count(const struct hs_heap *heap)
{
	return heap->list_count;
}

void hs_heap_bin(const struct hs_heap *heap, size_t i, struct hs_bin_info *ret)
{
	assert(i < heap->list_count);
	const struct hs_list *l = &heap->lists[i];
	bool tcache = l->state == HS_CHUNK_TCACHE;
	*ret = (struct hs_bin_info){
		.state = (enum hs_chunk_state)l->state,
		.arena = tcache ? SIZE_MAX : l->owner,
		.tid = list_tid(heap, l),
		.owner = l->addr,
		.index = l->index,
		.count = l->count,
		.bytes = l->bytes,
		.min_size = l->min_size,
		.max_size = l->max_size,
	};
}

size_t hs_heap_chunk_count(const struct hs_heap *heap)
{
	return heap->chunk_count;
}

/* Usable bytes by its size alone. */
static uint64_t room_of(const struct hs_heap *heap, const struct hs_chunk *c)
{
	const struct hs_layout *l = &heap->layout;
	uint64_t size = hs_chunk_size(c);
	/* A mapping has no next chunk to borrow a word from. From 2.43 on its
	 * size field leaves one header out already. */
	uint64_t overhead = l->word_size;
	if ((c->flags & HS_IS_MMAPPED) && !hs_layout_new_mmapped(l))
		overhead = l->header;
	if (c->state == HS_CHUNK_INTERNAL && size < l->min_size)
		return 0; /* a fencepost */
	return size > overhead ? size - overhead : 0;
}

uint64_t hs_chunk_usable(const struct hs_heap *heap, const struct hs_chunk *c)
{
	uint64_t room = room_of(heap, c);
	return heap->slack ? room - heap->slack[c - heap->chunks] : room;
}

const struct hs_region *hs_heap_region_of(const struct hs_heap *heap, size_t i)
{
	size_t lo = 0, hi = heap->region_count;
	while (lo < hi) { /* the first region that begins behind chunk I */
		size_t mid = lo + (hi - lo) / 2;
		if (heap->regions[mid].chunk <= i)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Empty regions share their first index with the one behind them. */
	while (lo > 0 && heap->regions[lo - 1].count == 0)
		lo--;
	assert(lo > 0);
	return &heap->regions[lo - 1];
}

static void describe(const struct hs_heap *heap, const struct hs_region *region,
		     const struct hs_chunk *c, struct hs_chunk_info *ret)
{
	*ret = (struct hs_chunk_info){
		.addr = c->addr,
		.user = c->addr + heap->layout.header,
		.size = hs_chunk_size(c),
		.usable = hs_chunk_usable(heap, c),
		.state = (enum hs_chunk_state)c->state,
		.arena =
			region->arena == HS_NO_ARENA ? SIZE_MAX : region->arena,
		.tid = -1,
		.bin = HS_NO_BIN,
	};
	if (c->list > 0) {
		const struct hs_list *l = &heap->lists[c->list - 1];
		ret->bin = l->index;
		ret->tid = list_tid(heap, l);
	}
}

void hs_heap_chunk(const struct hs_heap *heap, size_t i,
		   struct hs_chunk_info *ret)
{
	assert(i < heap->chunk_count);
	describe(heap, hs_heap_region_of(heap, i), &heap->chunks[i], ret);
}

void hs_heap_each(const struct hs_heap *heap, hs_chunk_fn fn, void *arg)
{
	for (size_t r = 0; r < heap->region_count; r++) {
		const struct hs_region *region = &heap->regions[r];
		for (size_t i = region->chunk;
		     i < region->chunk + region->count; i++) {
			struct hs_chunk_info info;
			describe(heap, region, &heap->chunks[i], &info);
			if (!fn(arg, i, &info))
				return;
		}
	}
}

size_t hs_heap_chunk_below(const struct hs_heap *heap, hs_addr addr)
{
	size_t lo = 0, hi = heap->chunk_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (heap->chunks[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? lo - 1 : SIZE_MAX;
}

bool hs_heap_chunk_at(const struct hs_heap *heap, hs_addr addr, size_t *ret)
{
	size_t i = hs_heap_chunk_below(heap, addr);
	if (i == SIZE_MAX || heap->chunks[i].addr != addr)
		return false;
	*ret = i;
	return true;
}

static bool handed_out(const struct hs_chunk *c)
{
	return c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED;
}

bool hs_heap_find(const struct hs_heap *heap, hs_addr addr, size_t *ret)
{
	if (heap->tagged_pointers)
		addr &= HS_ADDR_WITHOUT_TAG;
	size_t i = hs_heap_chunk_below(heap, addr);
	if (i == SIZE_MAX)
		return false;
	const struct hs_chunk *c = &heap->chunks[i];
	uint64_t into = addr - c->addr;
	/* The first header word is the last usable one of the chunk before. */
	if (into < heap->word_size && i > 0) {
		const struct hs_chunk *before = &heap->chunks[i - 1];
		if (handed_out(before) && !(before->flags & HS_IS_MMAPPED) &&
		    before->addr + hs_chunk_size(before) == c->addr) {
			*ret = i - 1;
			return true;
		}
	}
	uint64_t reach = hs_chunk_size(c);
	if (c->flags & HS_IS_MMAPPED)
		reach = heap->layout.header + room_of(heap, c);
	if (into >= reach)
		return false;
	*ret = i;
	return true;
}

size_t hs_heap_problem_count(const struct hs_heap *heap)
{
	return heap->findings.list.count;
}

void hs_heap_problem(const struct hs_heap *heap, size_t i,
		     struct hs_problem_info *ret)
{
	assert(i < heap->findings.list.count);
	const struct hs_note *n = &heap->findings.list.note[i];
	*ret = (struct hs_problem_info){
		.severity = n->severity,
		.addr = n->addr,
		.code = n->code,
		.message = n->message,
	};
}
