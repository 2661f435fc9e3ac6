/* SPDX-License-Identifier: MIT */
#include "heap/coverage.h"

#include <stdlib.h>

#include "core/cleanup.h"

/* Whether the bytes of a span are there: of a compressed dump that shows only
 * when they are unpacked. */
static enum hs_status is_there(const struct hs_scan *scan,
			       const struct hs_span *s, bool *ret,
			       struct hs_error *err)
{
	const uint8_t *bytes;
	uint64_t len;
	*ret = s->state == HS_SPAN_BYTES;
	if (s->state != HS_SPAN_LAZY)
		return HS_OK;
	enum hs_status st =
		hs_target_view(scan->target, s->start, &bytes, &len, err);
	*ret = st == HS_OK;
	return st == HS_ERR_NOT_CAPTURED ? HS_OK : st;
}

/* Add [FROM, TO) and what of it can be read. */
static enum hs_status cover(const struct hs_scan *scan, hs_addr from,
			    hs_addr to, struct hs_covered *c,
			    struct hs_error *err)
{
	const struct hs_span_list *spans = &scan->target->spans;
	if (from >= to)
		return HS_OK;
	c->bytes += to - from;
	const struct hs_span *s = hs_span_list_from(spans, from);
	for (; s && s < spans->span + spans->count && s->start < to; s++) {
		hs_addr end = s->start + s->len;
		hs_addr a = s->start > from ? s->start : from;
		hs_addr b = end < to ? end : to;
		if (a >= b)
			continue;
		bool there;
		enum hs_status st = is_there(scan, s, &there, err);
		if (st)
			return st;
		/* Where nothing is missing, a hole is a guard page between two
		 * stacks, or was never touched. */
		if (there)
			c->captured += b - a;
		else if (s->state == HS_SPAN_NOT_CAPTURED &&
			 scan->target->complete)
			c->bytes -= b - a;
	}
	return HS_OK;
}

static int by_value(const void *a, const void *b)
{
	hs_addr x = *(const hs_addr *)a, y = *(const hs_addr *)b;
	return x < y ? -1 : x > y;
}

/* A stack in use holds return addresses: one of nothing but zeroes was not
 * captured, whatever the dump says. */
static bool all_zeroes(struct hs_scan *scan, hs_addr from, hs_addr to)
{
	unsigned w = scan->target->word_size;
	uint64_t word;
	for (hs_addr at = from & ~(hs_addr)(w - 1); at < to && at - from < 4096;
	     at += w)
		if (!hs_window_word(&scan->list_window, at, &word) || word != 0)
			return false;
	return from < to;
}

/* From each stack pointer to the end of its mapping, or to the next stack in
 * the same one: what is below is not in use. */
static enum hs_status cover_stacks(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	size_t n = 0;
	HS_AUTO_FREE hs_addr *sp =
		malloc((heap->thread_count + 1) * sizeof(*sp));
	if (!sp)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t t = 0; t < heap->thread_count; t++)
		if (heap->threads[t].sp != HS_NO_ADDR)
			sp[n++] = heap->threads[t].sp;
	qsort(sp, n, sizeof(*sp), by_value);
	for (size_t i = 0; i < n; i++) {
		const struct hs_map *map =
			hs_target_find_map(scan->target, sp[i]);
		if (!map)
			continue;
		hs_addr end = map->end;
		if (i + 1 < n && sp[i + 1] < end)
			end = sp[i + 1];
		uint64_t captured = heap->coverage.stacks.captured;
		enum hs_status st =
			cover(scan, sp[i], end, &heap->coverage.stacks, err);
		if (st)
			return st;
		if (all_zeroes(scan, sp[i], end))
			heap->coverage.stacks.captured = captured;
	}
	return HS_OK;
}

static enum hs_status cover_libc(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_target *target = scan->target;
	enum hs_status st = HS_OK;
	if (heap->module == SIZE_MAX)
		return HS_OK;
	const struct hs_module *m = &target->modules.module[heap->module];
	for (size_t i = 0; !st && i < target->maps.count; i++) {
		const struct hs_map *map = &target->maps.map[i];
		if (!hs_scan_writable(map) || map->end <= m->base ||
		    map->start >= m->end)
			continue;
		st = cover(scan, map->start, map->end,
			   &heap->coverage.libc_data, err);
	}
	return st;
}

enum hs_status hs_coverage_measure(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	enum hs_status st = HS_OK;
	for (size_t r = 0; !st && r < heap->region_count; r++)
		st = cover(scan, heap->regions[r].start, heap->regions[r].end,
			   &heap->coverage.heaps, err);
	if (!st)
		st = cover_libc(scan, err);
	return st ? st : cover_stacks(scan, err);
}

bool hs_thread_zeroed(struct hs_scan *scan, const struct hs_thread_heap *thread)
{
	uint64_t first;
	return thread->tp != HS_NO_ADDR &&
	       hs_window_word(&scan->list_window, thread->tp, &first) &&
	       first == 0;
}
