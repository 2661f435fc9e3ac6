/* SPDX-License-Identifier: MIT */
#ifndef CORE_SPANS_H
#define CORE_SPANS_H

#include <heapscan/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fail.h"

enum hs_span_state {
	HS_SPAN_BYTES,        /* `bytes` holds them */
	HS_SPAN_NOT_CAPTURED, /* mapped in the process, left out of the dump */
	HS_SPAN_LAZY,         /* the backend's fill() provides them */
};

/* The next multiple of STEP, a power of two, from ADDR on; HS_NO_ADDR where the
 * address space ends before it: a walk ends there, and does not begin anew. */
static inline hs_addr hs_align_up(hs_addr addr, uint64_t step)
{
	return addr > HS_NO_ADDR - (step - 1) ? HS_NO_ADDR
					      : (addr + step - 1) & ~(step - 1);
}

/* One run of target memory that is all alike. */
struct hs_span {
	hs_addr start;
	uint64_t len;         /* bytes, at least 1; start + len never wraps */
	const uint8_t *bytes; /* borrowed from the backend; NULL if not BYTES */
	uint8_t state;        /* enum hs_span_state */
	bool from_file;       /* overlaid from a mapped file, not dumped */
	bool zero;            /* all zeroes, as far as it goes: see below */
	uint32_t source;      /* LAZY: the backend's own number for fill() */
};

struct hs_span_list {
	struct hs_span *span;
	size_t count, capacity;
};

/* Append; order does not matter until hs_span_list_sort(). */
HS_MUST_CHECK enum hs_status hs_span_list_add(struct hs_span_list *list,
					      struct hs_span span,
					      struct hs_error *err);
/*
 * By address. Overlaps are settled: bytes win over not captured, then the
 * dump over a file, then the one added first; what is left of the loser is
 * cut into pieces. Neighbours without bytes are joined. *OVERLAPS, which may
 * be NULL, tells how many captured spans were cut.
 */
HS_MUST_CHECK enum hs_status hs_span_list_sort(struct hs_span_list *list,
					       size_t *overlaps,
					       struct hs_error *err);
/* The span that holds ADDR, or NULL: unmapped. Needs a sorted list. */
const struct hs_span *hs_span_list_find(const struct hs_span_list *list,
					hs_addr addr);
/* The first span that ends behind ADDR, or NULL. Needs a sorted list. */
const struct hs_span *hs_span_list_from(const struct hs_span_list *list,
					hs_addr addr);
/*
 * Where a search for anything that is not zero goes on: behind the long runs of
 * zeroes at ADDR, else ADDR. Backends mark runs of HS_ZERO_RUN bytes and more
 * that were never written (holes of a file, untouched pages): wading through
 * terabytes of them would cost minutes and find nothing.
 */
hs_addr hs_span_list_skip_zeroes(const struct hs_span_list *list, hs_addr addr);
/*
 * The first multiple of STEP, a power of two, from ADDR on that has bytes other
 * than those long runs of zeroes; HS_NO_ADDR: none. For walks in steps: a
 * mapping may claim any length, what is in a dump ends.
 */
hs_addr hs_span_list_next_step(const struct hs_span_list *list, hs_addr addr,
			       uint64_t step);
void hs_span_list_release(struct hs_span_list *list);

#endif
