/* SPDX-License-Identifier: MIT */
#include "core/spans.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"

enum hs_status hs_span_list_add(struct hs_span_list *list, struct hs_span span,
				struct hs_error *err)
{
	assert(span.len > 0);
	assert(span.state != HS_SPAN_BYTES || span.bytes);
	if (span.len > UINT64_MAX - span.start)
		return hs_fail_at(err, HS_ERR_FORMAT, span.start,
				  "%" PRIu64 " bytes at 0x%" PRIx64
				  " run past the end of the address space",
				  span.len, span.start);
	enum hs_status st = hs_grow(&list->span, &list->capacity, list->count,
				    sizeof(*list->span), err);
	if (st)
		return st;
	list->span[list->count++] = span;
	return HS_OK;
}

/* Smaller is better: the dump's bytes, a file's bytes, nothing. */
static unsigned rank(const struct hs_span *s)
{
	if (s->state == HS_SPAN_NOT_CAPTURED)
		return 2;
	return s->from_file ? 1 : 0;
}

struct ordered {
	struct hs_span span;
	size_t order; /* in which it was added: the last tie-breaker */
};

static int by_address(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;
	if (x->span.start != y->span.start)
		return x->span.start < y->span.start ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool better(const struct ordered *a, const struct ordered *b)
{
	unsigned ra = rank(&a->span), rb = rank(&b->span);
	return ra != rb ? ra < rb : a->order < b->order;
}

static hs_addr end_of(const struct hs_span *s)
{
	return s->start + s->len;
}

/* The part of SPAN from FROM to TO, which must not be empty. */
static struct hs_span part(const struct hs_span *span, hs_addr from, hs_addr to)
{
	struct hs_span piece = *span;
	piece.start = from;
	piece.len = to - from;
	if (piece.bytes)
		piece.bytes += from - span->start;
	return piece;
}

static enum hs_status append(struct hs_span_list *out, struct hs_span piece,
			     struct hs_error *err)
{
	if (out->count > 0) {
		struct hs_span *last = &out->span[out->count - 1];
		bool alike = last->state == piece.state &&
			     last->from_file == piece.from_file &&
			     last->zero == piece.zero &&
			     end_of(last) == piece.start;
		if (alike && (piece.state == HS_SPAN_NOT_CAPTURED ||
			      (piece.state == HS_SPAN_BYTES &&
			       last->bytes + last->len == piece.bytes))) {
			last->len += piece.len;
			return HS_OK;
		}
	}
	return hs_span_list_add(out, piece, err);
}

/*
 * A heap of the spans that cover the sweep's position, best on top. Spans
 * rarely overlap, so it rarely holds more than two.
 */
struct active {
	const struct ordered **item;
	size_t count, capacity;
};

static void sift_down(struct active *a, size_t i)
{
	for (;;) {
		size_t best = i;
		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < a->count; c++)
			if (better(a->item[c], a->item[best]))
				best = c;
		if (best == i)
			return;
		const struct ordered *t = a->item[i];
		a->item[i] = a->item[best];
		a->item[best] = t;
		i = best;
	}
}

static enum hs_status push(struct active *a, const struct ordered *o,
			   struct hs_error *err)
{
	enum hs_status st = hs_grow(&a->item, &a->capacity, a->count,
				    sizeof(*a->item), err);
	if (st)
		return st;
	size_t i = a->count++;
	while (i > 0 && better(o, a->item[(i - 1) / 2])) {
		a->item[i] = a->item[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	a->item[i] = o;
	return HS_OK;
}

static void pop(struct active *a)
{
	a->item[0] = a->item[--a->count];
	sift_down(a, 0);
}

/* Only asserted, so without a caller where assertions are off. */
__attribute__((__unused__)) static bool
sorted_without_overlap(const struct hs_span_list *list)
{
	for (size_t i = 1; i < list->count; i++)
		if (end_of(&list->span[i - 1]) > list->span[i].start)
			return false;
	return true;
}

/*
 * A sweep over the starts and ends in address order; at each step the best
 * span that covers the position gives its bytes. O(n log n) however the spans
 * overlap, since each is pushed and popped once.
 */
enum hs_status hs_span_list_sort(struct hs_span_list *list, size_t *overlaps,
				 struct hs_error *err)
{
	size_t cuts = 0;
	size_t n = list->count;
	HS_AUTO_FREE struct ordered *in = malloc((n ? n : 1) * sizeof(*in));
	if (!in)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu spans", n);
	for (size_t i = 0; i < n; i++)
		in[i] = (struct ordered){ list->span[i], i };
	qsort(in, n, sizeof(*in), by_address);

	struct hs_span_list out = { 0 };
	HS_AUTO_FREE const struct ordered **items = NULL;
	struct active active = { 0 };
	enum hs_status st = HS_OK;
	hs_addr at = 0;
	size_t next = 0;
	while (!st && (next < n || active.count > 0)) {
		/* Whatever ends here does not overlap what begins here. */
		while (active.count > 0 && end_of(&active.item[0]->span) <= at)
			pop(&active);
		if (active.count == 0 && next == n)
			break;
		if (active.count == 0)
			at = in[next].span.start;
		while (!st && next < n && in[next].span.start == at) {
			if (active.count > 0 &&
			    in[next].span.state != HS_SPAN_NOT_CAPTURED &&
			    active.item[0]->span.state != HS_SPAN_NOT_CAPTURED)
				cuts++;
			st = push(&active, &in[next++], err);
		}
		if (st)
			break;
		const struct hs_span *best = &active.item[0]->span;
		hs_addr to = end_of(best);
		if (next < n && in[next].span.start < to)
			to = in[next].span.start;
		if (to > at)
			st = append(&out, part(best, at, to), err);
		at = to;
	}
	items = active.item;
	if (st) {
		hs_span_list_release(&out);
		return st;
	}
	hs_span_list_release(list);
	*list = out;
	assert(sorted_without_overlap(list));
	if (overlaps)
		*overlaps = cuts;
	return HS_OK;
}

/* Index of the first span that ends behind ADDR; list->count: none. */
static size_t lower(const struct hs_span_list *list, hs_addr addr)
{
	size_t lo = 0, hi = list->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (end_of(&list->span[mid]) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct hs_span *hs_span_list_find(const struct hs_span_list *list,
					hs_addr addr)
{
	const struct hs_span *s = hs_span_list_from(list, addr);
	return s && s->start <= addr ? s : NULL;
}

const struct hs_span *hs_span_list_from(const struct hs_span_list *list,
					hs_addr addr)
{
	size_t i = lower(list, addr);
	return i < list->count ? &list->span[i] : NULL;
}

hs_addr hs_span_list_skip_zeroes(const struct hs_span_list *list, hs_addr addr)
{
	const struct hs_span *s = hs_span_list_find(list, addr);
	const struct hs_span *end = list->span + list->count;
	while (s && s < end && s->zero && s->start <= addr) {
		addr = s->start + s->len;
		s++;
	}
	return addr;
}

hs_addr hs_span_list_next_step(const struct hs_span_list *list, hs_addr addr,
			       uint64_t step)
{
	size_t i = lower(list, addr);
	while (i < list->count) {
		const struct hs_span *s = &list->span[i];
		if (s->state == HS_SPAN_NOT_CAPTURED || s->zero) {
			i++;
			continue;
		}
		if (s->start > addr)
			addr = s->start;
		if (addr > UINT64_MAX - (step - 1))
			break;
		addr = (addr + step - 1) & ~(step - 1);
		if (addr - s->start < s->len)
			return addr;
		i = lower(list, addr);
	}
	return HS_NO_ADDR;
}

void hs_span_list_release(struct hs_span_list *list)
{
	free(list->span);
	*list = (struct hs_span_list){ 0 };
}
