/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/heap_builder.h"
#include "support/heap_builder_inside.h"

/*
 * Writing down what heap_builder.c laid out, as the allocator would have left
 * it: headers with their flag bits, lists, malloc_state, malloc_par, the
 * thread-local words.
 */

#define PREV_INUSE 1u
#define IS_MMAPPED 2u
#define NON_MAIN_ARENA 4u

static void put(struct heap_builder *hb, hs_addr at, uint64_t word)
{
	fake_target_put(&hb->target, at, word);
}

static void put_field(struct heap_builder *hb, hs_addr base,
		      enum hs_field field, uint64_t value)
{
	const struct hs_field_pos *pos = &hb->layout.field[field];
	if (pos->size)
		fake_target_put_uint(&hb->target, base + pos->offset,
				     pos->size / pos->count, value);
}

static bool is_binned(const struct hb_chunk *c)
{
	return c->state == HS_CHUNK_UNSORTED || c->state == HS_CHUNK_SMALLBIN ||
	       c->state == HS_CHUNK_LARGEBIN;
}

/* Something that is neither zero nor looks like a pointer. */
static void fill(uint8_t *bytes, uint64_t len, unsigned seed)
{
	for (uint64_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(0x20 + (seed + 7 * i) % 0x5b);
}

static void map_regions(struct heap_builder *hb)
{
	for (size_t i = 0; i < hb->region_count; i++) {
		struct hb_region *r = &hb->region[i];
		uint64_t len = r->end - r->map_start;
		fill(r->bytes, len, (unsigned)i);
		if (len == 0)
			continue;
		bool brk = r->kind == HB_REGION_BRK;
		fake_target_map_as(&hb->target, r->map_start, r->bytes, len,
				   FAKE_RW, brk ? HS_MAP_HEAP : HS_MAP_ANON,
				   brk ? "[heap]" : NULL);
		if (r->kind != HB_REGION_HEAP)
			continue;
		/* The rest of a heap is reserved, without access. */
		uint64_t max = hb->word == 8 ? 0x4000000 : 0x100000;
		if (len == max)
			continue;
		struct hs_map rest = {
			.start = r->end,
			.end = r->start + max,
			.kind = HS_MAP_ANON,
		};
		must(hs_map_list_add(&hb->target.base.maps, &rest, NULL) ==
		     HS_OK);
	}
}

static void map_libc(struct heap_builder *hb)
{
	char path[] = "/lib/x86_64-linux-gnu/libc.so.6";
	if (!hb->no_version_text)
		(void)snprintf((char *)hb->rodata_bytes + 0x100, 0x100,
			       "GNU C Library (Fake 2.%u-1) stable release "
			       "version 2.%u.\nCopyright",
			       hb->version, hb->version);
	fake_target_map_as(&hb->target, hb->rodata, hb->rodata_bytes,
			   HB_RODATA_LEN, HS_PROT_READ, HS_MAP_FILE, path);
	fake_target_map_as(&hb->target, hb->data, hb->data_bytes, HB_DATA_LEN,
			   FAKE_RW, HS_MAP_FILE, path);
	struct hs_module libc = {
		.base = hb->libc,
		.end = hb->data_end,
		.path = path,
		.file_state = HS_MODULE_FILE_MISSING,
	};
	must(hs_module_list_add(&hb->target.base.modules, &libc, NULL) ==
	     HS_OK);
}

static void write_header(struct heap_builder *hb, const struct hb_chunk *c,
			 const struct hb_chunk *before)
{
	uint64_t flags = PREV_INUSE;
	if (before && is_binned(before)) {
		must(!is_binned(c) && c->state != HS_CHUNK_TOP);
		flags = 0;
		put(hb, c->addr, before->size);
	}
	if (c->fencepost) {
		/* set_foot(): only a heap's second one is told its size. */
		if (before && before->fencepost && c->empty_fence)
			put(hb, c->addr, before->size);
	} else if (c->arena != HB_MAIN && !is_binned(c) &&
		   c->state != HS_CHUNK_TOP) {
		flags |= NON_MAIN_ARENA;
	}
	put(hb, c->addr + hb->word, (c->empty_fence ? 0 : c->size) | flags);
}

static void write_mmapped(struct heap_builder *hb, const struct hb_chunk *c)
{
	uint64_t tail = hb->version >= 43 ? hb->header : 0;
	uint64_t base = hb->align - hb->header;
	hs_addr start = c->addr - c->offset;
	/* The block as it was before memalign moved its beginning. */
	put(hb, start + base, base);
	put(hb, start + base + hb->word, (c->total - base - tail) | IS_MMAPPED);
	put(hb, c->addr, c->offset);
	put(hb, c->addr + hb->word, c->size | IS_MMAPPED);
	/* Fresh pages: zero up to the end. */
	struct hb_region *r = &hb->region[c->region];
	hs_addr from = c->addr + hb->header + 0x40;
	memset(r->bytes + (from - r->map_start), 0, start + c->total - from);
}

static void write_headers(struct heap_builder *hb)
{
	/* Chunks of one region were made in address order. */
	size_t last[HB_MAX_REGIONS];
	for (size_t i = 0; i < HB_MAX_REGIONS; i++)
		last[i] = HB_NONE;
	for (size_t i = 0; i < hb->chunk_count; i++) {
		struct hb_chunk *c = &hb->chunk[i];
		if (c->total) {
			write_mmapped(hb, c);
			continue;
		}
		const struct hb_chunk *before =
			last[c->region] == HB_NONE
				? NULL
				: &hb->chunk[last[c->region]];
		if (before && before->addr + before->size != c->addr)
			before = NULL; /* foreign memory lies between */
		write_header(hb, c, before);
		last[c->region] = i;
	}
}

static int by_size_down(const void *a, const void *b)
{
	const struct hb_chunk *x = *(const struct hb_chunk *const *)a;
	const struct hb_chunk *y = *(const struct hb_chunk *const *)b;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->freed < y->freed ? -1 : x->freed > y->freed;
}

static int last_freed_first(const void *a, const void *b)
{
	const struct hb_chunk *x = *(const struct hb_chunk *const *)a;
	const struct hb_chunk *y = *(const struct hb_chunk *const *)b;
	return x->freed > y->freed ? -1 : x->freed < y->freed;
}

/* The chunks in STATE of bin BIN that OWNER, arena or thread, holds. */
static size_t members(const struct heap_builder *hb, enum hs_chunk_state state,
		      size_t owner, unsigned bin, const struct hb_chunk **ret)
{
	size_t n = 0;
	for (size_t i = 0; i < hb->chunk_count; i++) {
		const struct hb_chunk *c = &hb->chunk[i];
		size_t whose = state == HS_CHUNK_TCACHE ? c->thread : c->arena;
		if (c->state == state && c->bin == bin && whose == owner)
			ret[n++] = c;
	}
	qsort(ret, n, sizeof(*ret),
	      state == HS_CHUNK_LARGEBIN ? by_size_down : last_freed_first);
	return n;
}

/* Chunks of one size are found at the first of them. */
static void write_nextsize(struct heap_builder *hb,
			   const struct hb_chunk **list, size_t n)
{
	hs_addr fd_nextsize = 4 * hb->word, bk_nextsize = 5 * hb->word;
	hs_addr first = 0, before = 0;
	for (size_t i = 0; i < n; i++) {
		hs_addr at = list[i]->addr;
		put(hb, at + fd_nextsize, 0);
		put(hb, at + bk_nextsize, 0);
		if (i > 0 && list[i]->size == list[i - 1]->size)
			continue;
		if (!first)
			first = at;
		else {
			put(hb, before + fd_nextsize, at);
			put(hb, at + bk_nextsize, before);
		}
		before = at;
	}
	put(hb, before + fd_nextsize, first);
	put(hb, first + bk_nextsize, before);
}

static void write_bins(struct heap_builder *hb, size_t arena,
		       const struct hb_chunk **list)
{
	hs_addr binmap = hb_arena_field(hb, arena, HS_FIELD_ARENA_BINS) +
			 2 * HS_BIN_PAIRS * hb->word;
	uint32_t map[4] = { 0 };
	for (unsigned bin = 1; bin <= HS_BIN_PAIRS; bin++) {
		/* The last pair is never used, but initialised. */
		hs_addr head =
			hb_bin_head(hb, arena, 1) + 2 * (bin - 1) * hb->word;
		enum hs_chunk_state state = bin == 1 ? HS_CHUNK_UNSORTED
					    : bin <= HS_BIN_LAST_SMALL
						    ? HS_CHUNK_SMALLBIN
						    : HS_CHUNK_LARGEBIN;
		size_t n = members(hb, state, arena, bin, list);
		hs_addr fd = 2 * hb->word, bk = 3 * hb->word;
		hs_addr before = head;
		for (size_t i = 0; i < n; i++) {
			put(hb, before + fd, list[i]->addr);
			put(hb, list[i]->addr + bk, before);
			before = list[i]->addr;
			if (state == HS_CHUNK_UNSORTED &&
			    list[i]->size >= 0x400) {
				put(hb, before + 4 * hb->word, 0);
				put(hb, before + 5 * hb->word, 0);
			}
		}
		put(hb, before + fd, head);
		put(hb, head + bk, before);
		if (n && state == HS_CHUNK_LARGEBIN)
			write_nextsize(hb, list, n);
		if (n && bin > 1)
			map[bin / 32] |= 1u << bin % 32;
	}
	for (unsigned i = 0; i < 4; i++)
		fake_target_put_uint(&hb->target, binmap + 4 * i, 4, map[i]);
}

static bool write_fastbins(struct heap_builder *hb, size_t arena,
			   const struct hb_chunk **list)
{
	bool any = false;
	if (!hb_has_fastbins(hb))
		return false;
	const struct hs_field_pos *pos =
		&hb->layout.field[HS_FIELD_ARENA_FASTBINS];
	for (unsigned bin = 0; bin < pos->count; bin++) {
		size_t n = members(hb, HS_CHUNK_FASTBIN, arena, bin, list);
		hs_addr head =
			hb->arena[arena].addr + pos->offset + bin * hb->word;
		put(hb, head, n ? list[0]->addr : 0);
		for (size_t i = 0; i < n; i++) {
			hs_addr at = list[i]->addr + hb->header;
			uint64_t next = i + 1 < n ? list[i + 1]->addr : 0;
			put(hb, at, hb_protect(hb, at, next));
		}
		any |= n > 0;
	}
	return any;
}

static void write_arena(struct heap_builder *hb, size_t arena,
			const struct hb_chunk **list)
{
	const struct hb_arena *a = &hb->arena[arena];
	uint8_t *bytes =
		arena == HB_MAIN ? hb->data_bytes + (a->addr - hb->data) : NULL;
	for (size_t i = 0; !bytes; i++) {
		const struct hb_region *r = &hb->region[i];
		if (a->addr >= r->map_start && a->addr < r->end)
			bytes = r->bytes + (a->addr - r->map_start);
	}
	memset(bytes, 0, hb->layout.struct_size[HS_STRUCT_ARENA]);

	write_bins(hb, arena, list);
	bool fast = write_fastbins(hb, arena, list);
	bool noncontiguous = arena != HB_MAIN || hb->noncontiguous;
	uint64_t flags = noncontiguous ? 2 : 0;
	if (hb->version <= 26 && !fast)
		flags |= 1; /* set: there are no fast chunks */
	put_field(hb, a->addr, HS_FIELD_ARENA_FLAGS, flags);
	if (hb->version >= 27 && hb->version <= 42) /* have_fastchunks */
		fake_target_put_uint(&hb->target, a->addr + 8, 4, fast);
	put_field(hb, a->addr, HS_FIELD_ARENA_TOP, hb->chunk[a->top].addr);
	size_t next = (arena + hb->arena_count - 1) % hb->arena_count;
	put_field(hb, a->addr, HS_FIELD_ARENA_NEXT, hb->arena[next].addr);

	uint64_t attached = 0, next_free = 0;
	for (size_t i = 0; i < hb->thread_count; i++)
		attached += hb->thread[i].arena == arena;
	if (arena == HB_MAIN && attached == 0)
		attached = 1; /* as it is initialised */
	for (size_t i = arena + 1; a->idle && i < hb->arena_count; i++)
		if (hb->arena[i].idle && !next_free)
			next_free = hb->arena[i].addr;
	put_field(hb, a->addr, HS_FIELD_ARENA_NEXT_FREE, next_free);
	put_field(hb, a->addr, HS_FIELD_ARENA_ATTACHED, attached);
	put_field(hb, a->addr, HS_FIELD_ARENA_SYSTEM_MEM, a->system_mem);
	put_field(hb, a->addr, HS_FIELD_ARENA_MAX_SYSTEM_MEM,
		  a->system_mem + HB_PAGE);
}

static void write_heap_infos(struct heap_builder *hb)
{
	hs_addr newest[HB_MAX_ARENAS] = { 0 };
	for (size_t i = 0; i < hb->region_count; i++) {
		const struct hb_region *r = &hb->region[i];
		if (r->kind != HB_REGION_HEAP)
			continue;
		memset(r->bytes, 0, hb->layout.struct_size[HS_STRUCT_HEAP]);
		uint64_t len = r->end - r->start;
		put_field(hb, r->start, HS_FIELD_HEAP_AR_PTR,
			  hb->arena[r->arena].addr);
		put_field(hb, r->start, HS_FIELD_HEAP_PREV, newest[r->arena]);
		put_field(hb, r->start, HS_FIELD_HEAP_SIZE, len);
		put_field(hb, r->start, HS_FIELD_HEAP_MPROTECT_SIZE, len);
		put_field(hb, r->start, HS_FIELD_HEAP_PAGESIZE, HB_PAGE);
		newest[r->arena] = r->start;
	}
}

static void write_par(struct heap_builder *hb)
{
	static const struct {
		enum hs_field field;
		uint64_t value;
	} fixed[] = {
		{ HS_FIELD_PAR_TRIM_THRESHOLD, 0x20000 },
		{ HS_FIELD_PAR_TOP_PAD, 0x20000 },
		{ HS_FIELD_PAR_MMAP_THRESHOLD, 0x20000 },
		{ HS_FIELD_PAR_N_MMAPS_MAX, 65536 },
		{ HS_FIELD_PAR_TCACHE_BINS, 64 },
	};
	hs_addr par = hb->malloc_par;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		put_field(hb, par, fixed[i].field, fixed[i].value);
	put_field(hb, par, HS_FIELD_PAR_ARENA_TEST, hb->word == 8 ? 8 : 2);
	put_field(hb, par, HS_FIELD_PAR_N_MMAPS, hb->mmapped_count);
	put_field(hb, par, HS_FIELD_PAR_MAX_N_MMAPS, hb->mmapped_count + 1);
	put_field(hb, par, HS_FIELD_PAR_MMAPPED_MEM, hb->mmapped_bytes);
	put_field(hb, par, HS_FIELD_PAR_MAX_MMAPPED_MEM,
		  hb->mmapped_bytes + 0x30000);
	put_field(hb, par, HS_FIELD_PAR_SBRK_BASE, hb->region[0].start);
	put_field(hb, par, HS_FIELD_PAR_TCACHE_COUNT, hb->tcache_count);
	/* The largest request; since 2.42 the largest chunk (and one). */
	uint64_t largest = 63 * hb->align + hb->min_size;
	uint64_t max = hb->version <= 42 ? largest - hb->word : largest + 1;
	if (hb->big_tcache)
		max = 4000001;
	put_field(hb, par, HS_FIELD_PAR_TCACHE_MAX_BYTES, max);
}

/* COUNTS, one integer per bin, has another width in every generation. */
static void put_count(struct heap_builder *hb, hs_addr tcache, unsigned bin,
		      uint64_t in_list)
{
	bool slots = hs_layout_has(&hb->layout, HS_FIELD_TCACHE_NUM_SLOTS);
	const struct hs_field_pos *pos =
		&hb->layout.field[slots ? HS_FIELD_TCACHE_NUM_SLOTS
					: HS_FIELD_TCACHE_COUNTS];
	size_t width = pos->size / pos->count;
	must(in_list <= hb->tcache_count);
	fake_target_put_uint(&hb->target, tcache + pos->offset + bin * width,
			     width,
			     slots ? hb->tcache_count - in_list : in_list);
}

static int by_size_up(const void *a, const void *b)
{
	return -by_size_down(a, b);
}

static void write_tcache(struct heap_builder *hb, size_t thread,
			 const struct hb_chunk **list)
{
	hs_addr tcache = hb_user(hb, hb->thread[thread].tcache);
	const struct hs_field_pos *entries =
		&hb->layout.field[HS_FIELD_TCACHE_ENTRIES];
	uint64_t key = hb->version >= 34 ? hb->tcache_key : tcache;
	for (unsigned bin = 0; bin < entries->count; bin++) {
		size_t n = members(hb, HS_CHUNK_TCACHE, thread, bin, list);
		if (bin >= HS_TCACHE_SMALL_BINS)
			qsort(list, n, sizeof(*list), by_size_up);
		put_count(hb, tcache, bin, n);
		put(hb, tcache + entries->offset + bin * hb->word,
		    n ? list[0]->addr + hb->header : 0);
		for (size_t i = 0; i < n; i++) {
			hs_addr at = list[i]->addr + hb->header;
			uint64_t next =
				i + 1 < n ? list[i + 1]->addr + hb->header : 0;
			put(hb, at, hb_protect(hb, at, next));
			if (hb->version >= 29)
				put(hb, at + hb->word, key);
		}
	}
}

static void write_thread(struct heap_builder *hb, size_t i,
			 const struct hb_chunk **list)
{
	const struct hb_thread *t = &hb->thread[i];
	fake_target_map(&hb->target, t->area,
			hb->thread_bytes + i * HB_THREAD_LEN, HB_THREAD_LEN,
			FAKE_RW);
	struct hs_thread info = {
		.tid = t->tid,
		.current = i == 0,
		.pc = hb->libc + 0x500,
		.sp = t->area + 0x400,
		.tls_base = t->tp,
	};
	must(hs_thread_list_add(&hb->target.base.threads, &info, NULL) ==
	     HS_OK);

	enum hs_arch arch = hb->target.base.arch;
	if (arch == HS_ARCH_AARCH64) /* dtv: anywhere, but somewhere */
		put(hb, t->tp, t->area + 0x10);
	if (arch != HS_ARCH_AARCH64) { /* tcb, self */
		put(hb, t->tp, t->tp);
		put(hb, t->tp + 2 * hb->word, t->tp);
		fake_target_put_uint(&hb->target,
				     t->tp + (hb->word == 8 ? 720 : 104), 4,
				     (uint64_t)t->tid);
	}
	put(hb, hb_tls_arena(hb, i),
	    t->arena == HB_NONE ? 0 : hb->arena[t->arena].addr);
	uint64_t tcache = hb->version >= 43 ? hb->dummy : 0;
	if (t->tcache != HB_NONE) {
		tcache = hb_user(hb, t->tcache);
		write_tcache(hb, i, list);
	}
	if (hb_has_tcache(hb))
		put(hb, hb_tls_tcache(hb, i), tcache);
}

/* What a hole covers is no longer captured; the maps stay as they are. */
static void punch(struct heap_builder *hb, hs_addr start, uint64_t len)
{
	struct hs_span_list old = hb->target.base.spans, cut = { 0 };
	hs_addr end = start + len;
	for (size_t i = 0; i < old.count; i++) {
		struct hs_span s = old.span[i];
		hs_addr s_end = s.start + s.len;
		if (s.state != HS_SPAN_BYTES || s_end <= start ||
		    s.start >= end) {
			must(hs_span_list_add(&cut, s, NULL) == HS_OK);
			continue;
		}
		hs_addr from = s.start > start ? s.start : start;
		hs_addr to = s_end < end ? s_end : end;
		struct hs_span piece[3] = { s, s, s };
		piece[0].len = from - s.start;
		piece[1].start = from;
		piece[1].len = to - from;
		piece[1].state = HS_SPAN_NOT_CAPTURED;
		piece[1].bytes = NULL;
		piece[2].start = to;
		piece[2].len = s_end - to;
		piece[2].bytes = s.bytes + (to - s.start);
		for (unsigned p = 0; p < 3; p++)
			if (piece[p].len)
				must(hs_span_list_add(&cut, piece[p], NULL) ==
				     HS_OK);
	}
	hs_span_list_release(&old);
	hb->target.base.spans = cut;
	hb->target.base.complete = false;
}

void hb_finish(struct heap_builder *hb)
{
	hb_place_tops(hb);
	map_regions(hb);
	map_libc(hb);
	const struct hb_chunk **list =
		calloc(hb->chunk_count, sizeof(struct hb_chunk *));
	must(list != NULL);
	write_headers(hb);
	write_heap_infos(hb);
	for (size_t i = 0; i < hb->arena_count; i++)
		write_arena(hb, i, list);
	write_par(hb);
	for (size_t i = 0; i < hb->thread_count; i++)
		write_thread(hb, i, list);
	free((void *)list);
	for (size_t i = 0; i < hb->hole_count; i++)
		punch(hb, hb->hole[i].start, hb->hole[i].len);
	fake_target_finish(&hb->target);
}
