/* SPDX-License-Identifier: MIT */
#include "support/heap_expect.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/heap_builder_inside.h"

#define SHOWN 12u

struct differences {
	unsigned count;
};

HS_PRINTF(2, 3)
static void differs(struct differences *d, const char *fmt, ...)
{
	if (d->count++ >= SHOWN)
		return;
	va_list ap;
	va_start(ap, fmt);
	(void)fputs("  ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
}

#define same(d, what, got, wanted)                                             \
	do {                                                                   \
		uint64_t got_ = (got), wanted_ = (wanted);                     \
		if (got_ != wanted_)                                           \
			differs(d,                                             \
				"%s is %" PRIu64 " (0x%" PRIx64                \
				"), not %" PRIu64 " (0x%" PRIx64 ")",          \
				what, got_, got_, wanted_, wanted_);           \
	} while (0)

static int by_addr(const void *a, const void *b)
{
	const struct hb_chunk *x = *(const struct hb_chunk *const *)a;
	const struct hb_chunk *y = *(const struct hb_chunk *const *)b;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Every chunk but fenceposts, by address; caller frees. */
static const struct hb_chunk **sorted(const struct heap_builder *hb, size_t *n)
{
	const struct hb_chunk **list =
		calloc(hb->chunk_count + 1, sizeof(*list));
	must(list != NULL);
	*n = 0;
	for (size_t i = 0; i < hb->chunk_count; i++)
		if (!hb->chunk[i].fencepost)
			list[(*n)++] = &hb->chunk[i];
	qsort((void *)list, *n, sizeof(*list), by_addr);
	return list;
}

/* Fenceposts and the headers of arenas and heaps may be cut as one likes. */
static bool is_allocators_own(const struct heap_builder *hb,
			      const struct hs_chunk_info *c)
{
	hs_addr end = c->addr + c->size;
	for (size_t i = 0; i < hb->region_count; i++) {
		const struct hb_region *r = &hb->region[i];
		hs_addr header_end = r->start +
				     hb->layout.struct_size[HS_STRUCT_HEAP] +
				     hb->layout.struct_size[HS_STRUCT_ARENA];
		if (r->kind == HB_REGION_HEAP && c->addr >= r->start &&
		    end <= header_end + hb->align)
			return true;
	}
	for (size_t i = 0; i < hb->chunk_count; i++) {
		const struct hb_chunk *f = &hb->chunk[i];
		if (f->fencepost && c->addr >= f->addr &&
		    end <= f->addr + 2 * hb->header + hb->align)
			return true;
	}
	return false;
}

struct chunk_walk {
	const struct heap_builder *hb;
	const struct hs_heap *heap;
	struct differences *d;
	const struct hb_chunk **wanted;
	size_t wanted_count, at;
};

static size_t arena_of(const struct heap_builder *hb,
		       const struct hs_heap *heap, size_t arena)
{
	if (arena == HB_NONE)
		return SIZE_MAX;
	for (size_t i = 0; i < hs_heap_arena_count(heap); i++) {
		struct hs_arena_info info;
		hs_heap_arena(heap, i, &info);
		if (info.addr == hb->arena[arena].addr)
			return i;
	}
	return SIZE_MAX - 1;
}

static void compare_chunk(struct chunk_walk *w, const struct hb_chunk *b,
			  const struct hs_chunk_info *c)
{
	struct differences *d = w->d;
	const struct heap_builder *hb = w->hb;
	if (c->state != b->state || c->size != b->size)
		differs(d,
			"chunk 0x%" PRIx64 " is %s of 0x%" PRIx64
			", not %s of 0x%" PRIx64,
			b->addr, hs_chunk_state_name(c->state), c->size,
			hs_chunk_state_name(b->state), b->size);
	char what[64];
#define member(name, got, value)                                               \
	(void)snprintf(what, sizeof(what), name " of 0x%" PRIx64, b->addr);    \
	same(d, what, got, value)
	size_t i = (size_t)(b - hb->chunk);
	member("user", c->user, b->addr + hb->header);
	member("usable", c->usable, hb_usable(hb, i));
	member("arena", c->arena, arena_of(hb, w->heap, b->arena));
	member("bin", c->bin, b->bin);
	int64_t tid = b->thread == HB_NONE ? -1 : hb->thread[b->thread].tid;
	member("tid", (uint64_t)c->tid, (uint64_t)tid);
#undef member
}

static bool each_chunk(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct chunk_walk *w = arg;
	(void)i;
	while (w->at < w->wanted_count && w->wanted[w->at]->addr < c->addr) {
		const struct hb_chunk *b = w->wanted[w->at++];
		differs(w->d, "chunk 0x%" PRIx64 " (%s) is missing", b->addr,
			hs_chunk_state_name(b->state));
	}
	if (w->at < w->wanted_count && w->wanted[w->at]->addr == c->addr)
		compare_chunk(w, w->wanted[w->at++], c);
	else if (c->state != HS_CHUNK_INTERNAL || !is_allocators_own(w->hb, c))
		differs(w->d,
			"there is no chunk 0x%" PRIx64 " (%s, 0x%" PRIx64
			" bytes)",
			c->addr, hs_chunk_state_name(c->state), c->size);
	return true;
}

static void compare_chunks(const struct heap_builder *hb,
			   const struct hs_heap *heap, struct differences *d)
{
	struct chunk_walk w = { .hb = hb, .heap = heap, .d = d };
	w.wanted = sorted(hb, &w.wanted_count);
	hs_heap_each(heap, each_chunk, &w);
	for (; w.at < w.wanted_count; w.at++)
		differs(d, "chunk 0x%" PRIx64 " (%s) is missing",
			w.wanted[w.at]->addr,
			hs_chunk_state_name(w.wanted[w.at]->state));
	free((void *)w.wanted);
}

static bool in_bin(const struct hb_chunk *c)
{
	return c->state == HS_CHUNK_UNSORTED || c->state == HS_CHUNK_SMALLBIN ||
	       c->state == HS_CHUNK_LARGEBIN;
}

/* As the release itself would compute it for mallinfo2(). */
static void compare_mallinfo(const struct heap_builder *hb,
			     const struct hs_heap *heap, struct differences *d)
{
	struct hs_mallinfo m, want = { .ordblks = hb->arena_count };
	hs_heap_mallinfo(heap, &m);
	for (size_t i = 0; i < hb->arena_count; i++)
		want.arena += hb->arena[i].system_mem;
	for (size_t i = 0; i < hb->chunk_count; i++) {
		const struct hb_chunk *c = &hb->chunk[i];
		bool fast = c->state == HS_CHUNK_FASTBIN;
		want.ordblks += in_bin(c);
		want.smblks += fast;
		want.fsmblks += fast ? c->size : 0;
		if (fast || in_bin(c) || c->state == HS_CHUNK_TOP)
			want.fordblks += c->size;
	}
	want.uordblks = want.arena - want.fordblks;
	want.hblks = hb->mmapped_count;
	want.hblkhd = hb->mmapped_bytes;
	want.keepcost = hb->chunk[hb->arena[HB_MAIN].top].size;
	same(d, "mallinfo.arena", m.arena, want.arena);
	same(d, "mallinfo.ordblks", m.ordblks, want.ordblks);
	same(d, "mallinfo.smblks", m.smblks, want.smblks);
	same(d, "mallinfo.hblks", m.hblks, want.hblks);
	same(d, "mallinfo.hblkhd", m.hblkhd, want.hblkhd);
	same(d, "mallinfo.fsmblks", m.fsmblks, want.fsmblks);
	same(d, "mallinfo.uordblks", m.uordblks, want.uordblks);
	same(d, "mallinfo.fordblks", m.fordblks, want.fordblks);
	same(d, "mallinfo.keepcost", m.keepcost, want.keepcost);

	struct hs_heap_checks c;
	hs_heap_checks(heap, &c);
	same(d, "checks.mmapped_expected", c.mmapped_expected, want.hblks);
	same(d, "checks.mmapped_found", c.mmapped_found, want.hblks);
	same(d, "checks.mmapped_bytes_expected", c.mmapped_bytes_expected,
	     want.hblkhd);
	same(d, "checks.mmapped_bytes_found", c.mmapped_bytes_found,
	     want.hblkhd);
	same(d, "checks.system_mem_expected", c.system_mem_expected,
	     want.arena);
	same(d, "checks.system_mem_walked", c.system_mem_walked, want.arena);
	same(d, "checks.complete", c.complete, true);
}

static void compare_states(const struct heap_builder *hb,
			   const struct hs_heap *heap, struct differences *d)
{
	struct hs_total want[HS_CHUNK_STATE_COUNT] = { 0 };
	for (size_t i = 0; i < hb->chunk_count; i++) {
		struct hs_total *t = &want[hb->chunk[i].state];
		t->count++;
		t->bytes += hb_usable(hb, i);
		t->chunk_bytes += hb->chunk[i].size;
	}
	struct hs_heap_summary s;
	hs_heap_summary(heap, &s);
	for (unsigned i = 0; i < HS_CHUNK_STATE_COUNT; i++) {
		if (i == HS_CHUNK_INTERNAL) /* cut as one likes */
			continue;
		char what[64];
		const char *name = hs_chunk_state_name((enum hs_chunk_state)i);
		(void)snprintf(what, sizeof(what), "number of %s", name);
		same(d, what, s.state[i].count, want[i].count);
		(void)snprintf(what, sizeof(what), "usable bytes of %s", name);
		same(d, what, s.state[i].bytes, want[i].bytes);
		(void)snprintf(what, sizeof(what), "chunk bytes of %s", name);
		same(d, what, s.state[i].chunk_bytes, want[i].chunk_bytes);
	}
}

static void compare_arenas(const struct heap_builder *hb,
			   const struct hs_heap *heap, struct differences *d)
{
	same(d, "number of arenas", hs_heap_arena_count(heap), hb->arena_count);
	for (size_t i = 0; i < hb->arena_count; i++) {
		const struct hb_arena *a = &hb->arena[i];
		size_t index = arena_of(hb, heap, i);
		if (index >= hs_heap_arena_count(heap)) {
			differs(d, "arena 0x%" PRIx64 " is missing", a->addr);
			continue;
		}
		struct hs_arena_info info;
		hs_heap_arena(heap, index, &info);
		same(d, "arena's is_main", info.is_main, i == HB_MAIN);
		if (info.free_known)
			same(d, "arena's free", info.free, a->idle);
		else
			same(d, "attached_threads is known", false,
			     hb->version >= 23);
		same(d, "arena's locked", info.locked, false);
		same(d, "arena's top", info.top, hb->chunk[a->top].addr);
		same(d, "arena's top_size", info.top_size,
		     hb->chunk[a->top].size);
		same(d, "arena's system_mem", info.system_mem, a->system_mem);
		same(d, "arena's walked", info.walked, a->system_mem);
		same(d, "arena's totals",
		     info.in_use.count + info.freed.count <= info.chunks, true);
		/* A foreign hole may or may not cut the main heap in two. */
		if (i != HB_MAIN)
			same(d, "arena's heaps", info.heap_count, a->regions);
		else
			same(d, "main arena has its heaps",
			     info.heap_count >= a->regions, true);
		for (size_t h = 0; h < info.heap_count; h++) {
			hs_addr start, end;
			hs_heap_arena_heap(heap, index, h, &start, &end);
			bool known = false;
			for (size_t r = 0; r < hb->region_count; r++)
				known |= hb->region[r].arena == i &&
					 start >= hb->region[r].start &&
					 end <= hb->region[r].end;
			if (!known || end <= start)
				differs(d,
					"arena has no heap 0x%" PRIx64
					"-0x%" PRIx64,
					start, end);
		}
	}
}

static bool is_members_bin(const struct heap_builder *hb,
			   const struct hb_chunk *c,
			   const struct hs_bin_info *bin)
{
	if (c->state != bin->state || c->bin != bin->index)
		return false;
	if (c->state == HS_CHUNK_TCACHE)
		return bin->tid == hb->thread[c->thread].tid;
	return hb->arena[c->arena].addr == bin->owner;
}

static void compare_bins(const struct heap_builder *hb,
			 const struct hs_heap *heap, struct differences *d)
{
	size_t listed = 0, free_chunks = 0;
	for (size_t b = 0; b < hs_heap_bin_count(heap); b++) {
		struct hs_bin_info bin;
		hs_heap_bin(heap, b, &bin);
		uint64_t count = 0, bytes = 0, min = UINT64_MAX, max = 0;
		for (size_t i = 0; i < hb->chunk_count; i++) {
			const struct hb_chunk *c = &hb->chunk[i];
			if (!is_members_bin(hb, c, &bin))
				continue;
			count++;
			bytes += c->size;
			min = c->size < min ? c->size : min;
			max = c->size > max ? c->size : max;
		}
		listed += count;
		char what[80];
#define member(name)                                                           \
	(void)snprintf(what, sizeof(what), name " of %s bin %u at 0x%" PRIx64, \
		       hs_chunk_state_name(bin.state), bin.index, bin.owner)
		member("count");
		same(d, what, bin.count, count);
		member("bytes");
		same(d, what, bin.bytes, bytes);
		member("min_size");
		same(d, what, bin.min_size, min);
		member("max_size");
		same(d, what, bin.max_size, max);
#undef member
	}
	for (size_t i = 0; i < hb->chunk_count; i++)
		free_chunks += hb->chunk[i].bin != HS_NO_BIN;
	same(d, "chunks on lists", listed, free_chunks);
}

static void compare_threads(const struct heap_builder *hb,
			    const struct hs_heap *heap, struct differences *d)
{
	same(d, "number of threads", hs_heap_thread_count(heap),
	     hb->thread_count);
	for (size_t i = 0;
	     i < hb->thread_count && i < hs_heap_thread_count(heap); i++) {
		const struct hb_thread *t = &hb->thread[i];
		struct hs_heap_thread_info info;
		hs_heap_thread(heap, i, &info);
		char what[64];
#define member(name, got, value)                                               \
	(void)snprintf(what, sizeof(what), name " of thread %" PRId64,         \
		       t->tid);                                                \
	same(d, what, got, value)
		member("tid", (uint64_t)info.tid, (uint64_t)t->tid);
		member("tls_base", info.tls_base, t->tp);
		member("arena", info.arena, arena_of(hb, heap, t->arena));
		member("tcache", info.tcache,
		       t->tcache == HB_NONE ? HS_NO_ADDR
					    : hb_user(hb, t->tcache));
		uint64_t count = 0, bytes = 0;
		for (size_t c = 0; c < hb->chunk_count; c++)
			if (hb->chunk[c].thread == i) {
				count++;
				bytes += hb_usable(hb, c);
			}
		member("tcache_count", info.tcache_count, count);
		member("tcache_bytes", info.tcache_bytes, bytes);
#undef member
	}
}

unsigned hb_problems(const struct hs_heap *heap, const char *code,
		     enum hs_severity severity)
{
	unsigned n = 0;
	for (size_t i = 0; i < hs_heap_problem_count(heap); i++) {
		struct hs_problem_info p;
		hs_heap_problem(heap, i, &p);
		n += code ? strcmp(p.code, code) == 0 : p.severity >= severity;
	}
	return n;
}

unsigned hb_differences(const struct heap_builder *hb,
			const struct hs_heap *heap)
{
	struct differences d = { 0 };
	compare_chunks(hb, heap, &d);
	compare_states(hb, heap, &d);
	compare_mallinfo(hb, heap, &d);
	compare_arenas(hb, heap, &d);
	compare_bins(hb, heap, &d);
	compare_threads(hb, heap, &d);
	for (size_t i = 0; i < hs_heap_problem_count(heap); i++) {
		struct hs_problem_info p;
		hs_heap_problem(heap, i, &p);
		if (p.severity >= HS_WARNING)
			differs(&d, "%s %s at 0x%" PRIx64 ": %s",
				hs_severity_name(p.severity), p.code, p.addr,
				p.message);
	}
	d.count += hb_promises_broken(heap);
	if (d.count)
		(void)fprintf(stderr, "%u differences with glibc 2.%u on %s\n",
			      d.count, hb->version,
			      hs_arch_name(hb->target.base.arch));
	return d.count;
}

struct state_walk {
	const struct hb_chunk **wanted;
	size_t wanted_count, at, right;
	bool unknown_is_fine;
};

static bool each_state(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct state_walk *w = arg;
	(void)i;
	while (w->at < w->wanted_count && w->wanted[w->at]->addr < c->addr)
		w->at++;
	if (w->at == w->wanted_count)
		return false;
	const struct hb_chunk *b = w->wanted[w->at];
	w->right += b->addr == c->addr && b->size == c->size &&
		    (b->state == c->state ||
		     (w->unknown_is_fine && c->state == HS_CHUNK_UNKNOWN));
	return true;
}

unsigned hb_chunks_wrong(const struct heap_builder *hb,
			 const struct hs_heap *heap, bool unknown_is_fine)
{
	struct state_walk w = { .unknown_is_fine = unknown_is_fine };
	w.wanted = sorted(hb, &w.wanted_count);
	hs_heap_each(heap, each_state, &w);
	free((void *)w.wanted);
	return (unsigned)(w.wanted_count - w.right);
}

struct promise_walk {
	const struct hs_heap *heap;
	struct differences d;
	struct hs_total total[HS_CHUNK_STATE_COUNT];
	hs_addr end;
	size_t next;
};

static bool each_promise(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct promise_walk *w = arg;
	if (i != w->next++)
		differs(&w->d, "chunk %zu comes as number %zu", w->next - 1, i);
	if (c->addr < w->end)
		differs(&w->d, "chunk 0x%" PRIx64 " overlaps the one before",
			c->addr);
	if (c->size == 0 || c->size > UINT64_MAX - c->addr)
		differs(&w->d, "chunk 0x%" PRIx64 " has 0x%" PRIx64 " bytes",
			c->addr, c->size);
	w->end = c->addr + c->size;
	if ((unsigned)c->state >= HS_CHUNK_STATE_COUNT) {
		differs(&w->d, "chunk 0x%" PRIx64 " has no state", c->addr);
		return true;
	}
	w->total[c->state].count++;
	w->total[c->state].bytes += c->usable;
	w->total[c->state].chunk_bytes += c->size;

	struct hs_chunk_info again;
	hs_heap_chunk(w->heap, i, &again);
	if (again.addr != c->addr || again.size != c->size ||
	    again.state != c->state || again.arena != c->arena ||
	    again.bin != c->bin || again.tid != c->tid)
		differs(&w->d, "chunk 0x%" PRIx64 " differs when asked for",
			c->addr);
	size_t found = SIZE_MAX;
	/* Its second word is its own, whatever stands before it. */
	if (c->user - c->addr < c->size &&
	    (!hs_heap_find(w->heap, c->user - 1, &found) || found != i))
		differs(&w->d, "0x%" PRIx64 " is not found in its chunk",
			c->user - 1);
	bool listed =
		c->state == HS_CHUNK_TCACHE || c->state == HS_CHUNK_FASTBIN ||
		c->state == HS_CHUNK_UNSORTED ||
		c->state == HS_CHUNK_SMALLBIN || c->state == HS_CHUNK_LARGEBIN;
	if (listed != (c->bin != HS_NO_BIN))
		differs(&w->d, "chunk 0x%" PRIx64 " is %s with bin %u", c->addr,
			hs_chunk_state_name(c->state), c->bin);
	if (c->arena != SIZE_MAX && c->arena >= hs_heap_arena_count(w->heap))
		differs(&w->d, "chunk 0x%" PRIx64 " is of no arena", c->addr);
	return true;
}

static void add_total(struct hs_total *sum, const struct hs_total *t)
{
	sum->count += t->count;
	sum->bytes += t->bytes;
	sum->chunk_bytes += t->chunk_bytes;
}

static void same_total(struct differences *d, const char *what,
		       const struct hs_total *got, const struct hs_total *want)
{
	if (got->count != want->count || got->bytes != want->bytes ||
	    got->chunk_bytes != want->chunk_bytes)
		differs(d, "the sum of %s is not that of its chunks", what);
}

unsigned hb_promises_broken(const struct hs_heap *heap)
{
	struct promise_walk w = { .heap = heap };
	hs_heap_each(heap, each_promise, &w);
	same(&w.d, "number of chunks", hs_heap_chunk_count(heap), w.next);

	struct hs_heap_summary s;
	hs_heap_summary(heap, &s);
	struct hs_total in_use = { 0 }, freed = { 0 };
	for (unsigned i = 0; i < HS_CHUNK_STATE_COUNT; i++)
		same_total(&w.d, hs_chunk_state_name((enum hs_chunk_state)i),
			   &s.state[i], &w.total[i]);
	add_total(&in_use, &w.total[HS_CHUNK_USED]);
	add_total(&in_use, &w.total[HS_CHUNK_MMAPPED]);
	for (unsigned i = HS_CHUNK_TCACHE; i <= HS_CHUNK_LARGEBIN; i++)
		add_total(&freed, &w.total[i]);
	same_total(&w.d, "what is in use", &s.in_use, &in_use);
	same_total(&w.d, "what is free", &s.free, &freed);

	enum hs_severity worst = HS_DAMAGE;
	for (size_t i = 0; i < hs_heap_problem_count(heap); i++) {
		struct hs_problem_info p;
		hs_heap_problem(heap, i, &p);
		if (p.severity > worst)
			differs(&w.d,
				"problem %zu is worse than the one "
				"before",
				i);
		worst = p.severity;
		if (!p.code || !p.message || !p.message[0])
			differs(&w.d, "problem %zu says nothing", i);
	}
	return w.d.count;
}
