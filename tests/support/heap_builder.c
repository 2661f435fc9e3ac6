/* SPDX-License-Identifier: MIT */
#include "support/heap_builder.h"

#include <stdlib.h>
#include <string.h>

#include "support/heap_builder_inside.h"

/*
 * Laying out: which chunk stands where and what has become of it. Not a byte
 * is written before hb_finish(), see heap_builder_write.c.
 */

#define MAIN_ROOM 0x500000u
#define INITIAL_TOP 0x21000u /* top_pad and a little, as glibc takes it */
#define MAIN_ARENA_AT 0x1c80u
#define MALLOC_PAR_BELOW 0x7a0u

/* Where things are in the fake process. */
static const struct places {
	hs_addr brk, libc, heaps, extra, mmapped, threads;
	uint64_t heap_max;
} places[] = {
	{ 0x55555557a000, 0x7ffff7c00000, 0x7fffe8000000, 0x7ffff6000000,
	  0x7ffff7000000, 0x7ffff7a00000, 0x4000000 },
	{ 0x09000000, 0xf7d00000, 0xf5800000, 0xf6400000, 0xf6c00000,
	  0xf7a00000, 0x100000 },
};

static const struct places *places_of(const struct heap_builder *hb)
{
	return &places[hb->word == 8 ? 0 : 1];
}

static void use_rows(struct heap_builder *hb)
{
	hs_layout_init(&hb->layout, hb->word);
	for (unsigned of = 0; of < HS_STRUCT_COUNT; of++) {
		const struct hs_layout_row *row;
		for (size_t i = 0;
		     (row = hs_layout_builtin((enum hs_struct)of, hb->word, i));
		     i++)
			if (hb->version >= row->first &&
			    hb->version <= row->last)
				hs_layout_use_row(&hb->layout, row,
						  HS_ORIGIN_BUILTIN);
	}
}

static struct hb_region *region_add(struct heap_builder *hb,
				    enum hb_region_kind kind, hs_addr start,
				    uint64_t room, size_t arena)
{
	must(hb->region_count < HB_MAX_REGIONS);
	struct hb_region *r = &hb->region[hb->region_count++];
	*r = (struct hb_region){
		.kind = kind,
		.map_start = start,
		.start = start,
		.next = start,
		.bytes = calloc(1, room),
		.room = room,
		.arena = arena,
	};
	must(r->bytes != NULL);
	return r;
}

/* Where the first chunk at or behind ADDR goes: what malloc returns for it is
 * aligned, the header before it need not be. */
static hs_addr chunk_place(const struct heap_builder *hb, hs_addr addr)
{
	uint64_t mask = hb->align - 1;
	return ((addr + hb->header + mask) & ~mask) - hb->header;
}

static void set_first_chunk(const struct heap_builder *hb, struct hb_region *r,
			    hs_addr behind)
{
	r->next = chunk_place(hb, behind);
	r->first_chunk_pad = (size_t)(r->next - behind);
}

void hb_init(struct heap_builder *hb, unsigned version, enum hs_arch arch)
{
	memset(hb, 0, sizeof(*hb));
	fake_target_init(&hb->target, arch);
	hb->target.base.pid = 1000;
	hb->version = version;
	hb->word = hb->target.base.word_size;
	hb->header = 2 * hb->word;
	/* 2.26 gave i386 the alignment of long double. */
	hb->align = hb->word == 8 || version >= 26 ? 16 : 8;
	hb->min_size = 4 * hb->word;
	use_rows(hb);

	const struct places *at = places_of(hb);
	hb->libc = at->libc;
	hb->rodata = at->libc;
	hb->data = at->libc + 0x1d0000;
	hb->data_end = hb->data + HB_DATA_LEN;
	hb->rodata_bytes = calloc(1, HB_RODATA_LEN);
	hb->data_bytes = calloc(1, HB_DATA_LEN);
	hb->thread_bytes = calloc(HB_MAX_THREADS, HB_THREAD_LEN);
	must(hb->rodata_bytes && hb->data_bytes && hb->thread_bytes);
	hb->dummy = hb->rodata + 0x800;
	hb->malloc_par = hb->data + MAIN_ARENA_AT - MALLOC_PAR_BELOW;
	hb->tcache_key = 0xd1b54a32d192ed03u;
	if (hb->word == 4)
		hb->tcache_key &= UINT32_MAX;
	hb->tcache_count = version >= 43 ? 16 : 7;

	struct hb_region *r =
		region_add(hb, HB_REGION_BRK, at->brk, MAIN_ROOM, HB_MAIN);
	set_first_chunk(hb, r, r->start);
	hb->arena[HB_MAIN] = (struct hb_arena){
		.addr = hb->data + MAIN_ARENA_AT,
		.top = HB_NONE,
		.regions = 1,
	};
	hb->arena_count = 1;
}

void hb_release(struct heap_builder *hb)
{
	fake_target_release(&hb->target);
	for (size_t i = 0; i < hb->region_count; i++)
		free(hb->region[i].bytes);
	free(hb->chunk);
	free(hb->rodata_bytes);
	free(hb->data_bytes);
	free(hb->thread_bytes);
}

void hb_brk_begins_at(struct heap_builder *hb, uint64_t offset)
{
	must(hb->chunk_count == 0 && offset < HB_PAGE);
	struct hb_region *r = &hb->region[0];
	r->start = r->map_start + offset;
	set_first_chunk(hb, r, r->start);
}

static size_t add_heap(struct heap_builder *hb, size_t arena, size_t nth)
{
	const struct places *at = places_of(hb);
	/* Heaps of several arenas alternate, and not all grow upwards. */
	size_t slot = nth * HB_MAX_ARENAS + arena;
	must(slot < HB_MAX_REGIONS);
	size_t index = hb->region_count;
	struct hb_region *r =
		region_add(hb, HB_REGION_HEAP, at->heaps - slot * at->heap_max,
			   0x100000, arena);
	hs_addr behind = r->start + hb->layout.struct_size[HS_STRUCT_HEAP];
	if (nth == 0) {
		hb->arena[arena].addr = behind;
		behind += hb->layout.struct_size[HS_STRUCT_ARENA];
	}
	set_first_chunk(hb, r, behind);
	return index;
}

size_t hb_arena(struct heap_builder *hb)
{
	must(hb->arena_count < HB_MAX_ARENAS);
	size_t arena = hb->arena_count++;
	hb->arena[arena] = (struct hb_arena){ .top = HB_NONE, .regions = 1 };
	hb->arena[arena].region = add_heap(hb, arena, 0);
	return arena;
}

size_t hb_thread(struct heap_builder *hb, size_t arena)
{
	must(hb->thread_count < HB_MAX_THREADS);
	must(arena == HB_NONE || arena < hb->arena_count);
	size_t i = hb->thread_count++;
	hs_addr area = places_of(hb)->threads + i * 2 * HB_THREAD_LEN;
	hb->thread[i] = (struct hb_thread){
		.tid = 1000 + (int64_t)i,
		.area = area,
		.tp = area + HB_THREAD_LEN / 2,
		.arena = arena,
		.tcache = HB_NONE,
	};
	return i;
}

void hb_idle(struct heap_builder *hb, size_t arena)
{
	for (size_t i = 0; i < hb->thread_count; i++)
		must(hb->thread[i].arena != arena);
	hb->arena[arena].idle = true;
}

uint64_t hb_chunk_size(const struct heap_builder *hb, uint64_t request)
{
	uint64_t mask = hb->align - 1;
	uint64_t size = (request + hb->word + mask) & ~mask;
	return size < hb->min_size ? hb->min_size : size;
}

static size_t chunk_add(struct heap_builder *hb, struct hb_chunk chunk)
{
	if (hb->chunk_count == hb->chunk_room) {
		hb->chunk_room = hb->chunk_room ? 2 * hb->chunk_room : 64;
		hb->chunk =
			realloc(hb->chunk, hb->chunk_room * sizeof(*hb->chunk));
		must(hb->chunk != NULL);
	}
	hb->chunk[hb->chunk_count] = chunk;
	return hb->chunk_count++;
}

/* The next SIZE bytes of REGION as a chunk. */
static size_t carve(struct heap_builder *hb, size_t region, uint64_t size,
		    enum hs_chunk_state state)
{
	struct hb_region *r = &hb->region[region];
	must(!r->closed && r->next + size <= r->map_start + r->room);
	size_t i = chunk_add(hb, (struct hb_chunk){
					 .addr = r->next,
					 .size = size,
					 .state = state,
					 .arena = r->arena,
					 .region = region,
					 .thread = HB_NONE,
					 .bin = HS_NO_BIN,
				 });
	r->next += size;
	return i;
}

size_t hb_alloc(struct heap_builder *hb, size_t arena, uint64_t request)
{
	must(arena < hb->arena_count);
	return carve(hb, hb->arena[arena].region, hb_chunk_size(hb, request),
		     HS_CHUNK_USED);
}

size_t hb_alloc_many(struct heap_builder *hb, size_t arena, uint64_t request,
		     size_t count)
{
	must(count > 0);
	size_t first = hb_alloc(hb, arena, request);
	for (size_t i = 1; i < count; i++)
		(void)hb_alloc(hb, arena, request);
	return first;
}

void hb_tcache(struct heap_builder *hb, size_t thread)
{
	if (!hb_has_tcache(hb))
		return;
	struct hb_thread *t = &hb->thread[thread];
	must(thread < hb->thread_count && t->tcache == HB_NONE);
	uint64_t request = hb->layout.struct_size[HS_STRUCT_TCACHE];
	/* 2.43, when malloc() itself makes it: padded twice by mistake. */
	if (hb->version == 43 && thread % 2 == 0)
		request = hb_chunk_size(hb, request);
	t->tcache =
		hb_alloc(hb, t->arena == HB_NONE ? HB_MAIN : t->arena, request);
	hb->chunk[t->tcache].state = HS_CHUNK_INTERNAL;
}

static struct hb_chunk *release_chunk(struct heap_builder *hb, size_t chunk,
				      enum hs_chunk_state state, unsigned bin)
{
	must(chunk < hb->chunk_count);
	struct hb_chunk *c = &hb->chunk[chunk];
	c->state = state;
	c->bin = bin;
	c->freed = ++hb->freed;
	return c;
}

void hb_to_tcache(struct heap_builder *hb, size_t chunk, size_t thread)
{
	must(thread < hb->thread_count && hb->thread[thread].tcache != HB_NONE);
	unsigned bin = hb_tcache_index(hb, hb->chunk[chunk].size);
	must(hb->chunk[chunk].arena != HB_NONE || hb->version >= 43);
	release_chunk(hb, chunk, HS_CHUNK_TCACHE, bin)->thread = thread;
}

void hb_to_fastbin(struct heap_builder *hb, size_t chunk)
{
	must(hb_has_fastbins(hb));
	uint64_t size = hb->chunk[chunk].size;
	must(size <= (hb->word == 8 ? 0x80u : 0x40u));
	release_chunk(hb, chunk, HS_CHUNK_FASTBIN, hb_fastbin_index(hb, size));
}

void hb_to_unsorted(struct heap_builder *hb, size_t chunk)
{
	release_chunk(hb, chunk, HS_CHUNK_UNSORTED, 1);
}

void hb_to_bin(struct heap_builder *hb, size_t chunk)
{
	unsigned bin = hb_bin_index(hb, hb->chunk[chunk].size);
	release_chunk(hb, chunk,
		      bin <= HS_BIN_LAST_SMALL ? HS_CHUNK_SMALLBIN
					       : HS_CHUNK_LARGEBIN,
		      bin);
}

/*
 * What glibc does to a top that it cannot extend: two fenceposts of a header's
 * size at its end, the rest is freed. RESERVE is what it takes off first; the
 * second fencepost of a heap has a size field of 0.
 */
static size_t close_top(struct heap_builder *hb, size_t region, hs_addr end)
{
	struct hb_region *r = &hb->region[region];
	bool heap = r->kind == HB_REGION_HEAP;
	uint64_t reserve = heap ? hb->min_size : 2 * hb->header;
	uint64_t old = (end - r->next - reserve) & ~(uint64_t)(hb->align - 1);
	size_t rest = HB_NONE;
	if (old >= hb->min_size) {
		rest = carve(hb, region, old, HS_CHUNK_USED);
		hb_to_unsorted(hb, rest);
		old = 0;
	}
	size_t first = carve(hb, region, old + hb->header, HS_CHUNK_INTERNAL);
	size_t second = carve(hb, region, hb->header, HS_CHUNK_INTERNAL);
	hb->chunk[first].fencepost = hb->chunk[second].fencepost = true;
	hb->chunk[second].empty_fence = heap;
	return rest;
}

static hs_addr page_up(hs_addr addr)
{
	return (addr + HB_PAGE - 1) & ~(hs_addr)(HB_PAGE - 1);
}

static void next_heap(struct heap_builder *hb, size_t arena)
{
	struct hb_arena *a = &hb->arena[arena];
	a->region = add_heap(hb, arena, a->regions);
	a->regions++;
}

size_t hb_new_heap(struct heap_builder *hb, size_t arena)
{
	must(arena != HB_MAIN);
	struct hb_region *r = &hb->region[hb->arena[arena].region];
	hs_addr end = page_up(r->next + 0x800);
	size_t rest = close_top(hb, hb->arena[arena].region, end);
	r->end = end;
	r->closed = true;
	next_heap(hb, arena);
	return rest;
}

void hb_new_heap_tight(struct heap_builder *hb, size_t arena)
{
	must(arena != HB_MAIN);
	struct hb_region *r = &hb->region[hb->arena[arena].region];
	/* Leave just what top always keeps, and on x86-64 one step more. */
	uint64_t left = hb->word == 8 ? 0x30 : hb->align == 16 ? 0x18 : 0x10;
	hs_addr end = page_up(r->next + hb->min_size + left);
	(void)carve(hb, hb->arena[arena].region, end - left - r->next,
		    HS_CHUNK_USED);
	size_t rest = close_top(hb, hb->arena[arena].region, end);
	must(rest == HB_NONE);
	r->end = end;
	r->closed = true;
	next_heap(hb, arena);
}

size_t hb_foreign_sbrk(struct heap_builder *hb, uint64_t len)
{
	size_t region = hb->arena[HB_MAIN].region;
	struct hb_region *r = &hb->region[region];
	must(r->kind == HB_REGION_BRK);
	hs_addr end = page_up(r->next + 0x800);
	size_t rest = close_top(hb, region, end);
	r->next = chunk_place(hb, end + len);
	return rest;
}

size_t hb_brk_blocked(struct heap_builder *hb)
{
	/* A gap before the next one. */
	size_t before = hb->arena[HB_MAIN].regions - 1;
	return hb_brk_blocked_at(hb, places_of(hb)->extra + before * 0x140000);
}

size_t hb_brk_blocked_at(struct heap_builder *hb, hs_addr start)
{
	struct hb_arena *a = &hb->arena[HB_MAIN];
	struct hb_region *r = &hb->region[a->region];
	hs_addr end = page_up(r->next + 0x800);
	size_t rest = close_top(hb, a->region, end);
	r->end = end;
	r->closed = true;
	a->region = hb->region_count;
	a->regions++;
	hb->noncontiguous = true;
	/* MMAP_AS_MORECORE_SIZE */
	r = region_add(hb, HB_REGION_EXTRA, start, 0x100000, HB_MAIN);
	set_first_chunk(hb, r, r->start);
	return rest;
}

static size_t mmap_region(struct heap_builder *hb, bool fresh)
{
	size_t last = HB_NONE, count = 0;
	for (size_t i = 0; i < hb->region_count; i++)
		if (hb->region[i].kind == HB_REGION_MMAP) {
			last = i;
			count++;
		}
	if (last != HB_NONE && !fresh)
		return last;
	if (last != HB_NONE)
		hb->region[last].closed = true;
	hs_addr start = places_of(hb)->mmapped + count * 0x400000;
	region_add(hb, HB_REGION_MMAP, start, 0x300000, HB_NONE);
	return hb->region_count - 1;
}

static size_t mmapped(struct heap_builder *hb, uint64_t request,
		      uint64_t offset)
{
	struct hb_region *r = &hb->region[mmap_region(hb, false)];
	/* i386 since 2.26: what malloc returns must be 16-aligned. */
	uint64_t base = hb->align - hb->header;
	uint64_t total = page_up(request + offset + base + 2 * hb->header);
	uint64_t tail = hb->version >= 43 ? hb->header : 0;
	must(r->next + total <= r->map_start + r->room);
	size_t i = chunk_add(hb, (struct hb_chunk){
					 .addr = r->next + base + offset,
					 .size = total - base - offset - tail,
					 .state = HS_CHUNK_MMAPPED,
					 .arena = HB_NONE,
					 .region = (size_t)(r - hb->region),
					 .thread = HB_NONE,
					 .bin = HS_NO_BIN,
					 .total = total,
					 .offset = base + offset,
				 });
	r->next += total;
	hb->mmapped_count++;
	hb->mmapped_bytes += total;
	return i;
}

size_t hb_mmapped(struct heap_builder *hb, uint64_t request)
{
	return mmapped(hb, request, 0);
}

size_t hb_mmapped_aligned(struct heap_builder *hb, uint64_t request,
			  uint64_t align)
{
	must(align % 16 == 0 && align - hb->align >= hb->min_size);
	/* Mappings begin at a page; what is returned, at a multiple. */
	return mmapped(hb, request, align - hb->align);
}

void hb_mmapped_pages(struct heap_builder *hb, unsigned pages, bool gap)
{
	struct hb_region *r = &hb->region[mmap_region(hb, gap)];
	must(r->next + pages * HB_PAGE <= r->map_start + r->room);
	r->next += pages * HB_PAGE;
}

void hb_hole(struct heap_builder *hb, hs_addr start, uint64_t len)
{
	must(hb->hole_count < HB_MAX_HOLES && len > 0);
	hb->hole[hb->hole_count].start = start;
	hb->hole[hb->hole_count++].len = len;
}

/* The rest of each arena's newest region is its top. */
void hb_place_tops(struct heap_builder *hb)
{
	for (size_t i = 0; i < hb->arena_count; i++) {
		struct hb_arena *a = &hb->arena[i];
		struct hb_region *r = &hb->region[a->region];
		hs_addr end = page_up(r->start + INITIAL_TOP);
		if (r->kind == HB_REGION_EXTRA)
			end = r->map_start + r->room;
		if (end < r->next + hb->min_size)
			end = page_up(r->next + hb->min_size);
		a->top = carve(hb, a->region, end - r->next, HS_CHUNK_TOP);
		/* i386 since 2.26: top is a multiple of 16 as well, but for
		 * the heap's end, which is a page's. */
		r->end = end;
		r->closed = true;
	}
	for (size_t i = 0; i < hb->region_count; i++) {
		struct hb_region *r = &hb->region[i];
		if (r->kind == HB_REGION_MMAP)
			r->end = r->next;
		else
			hb->arena[r->arena].system_mem += r->end - r->start;
	}
}
