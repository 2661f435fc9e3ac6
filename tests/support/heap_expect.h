/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HEAP_EXPECT_H
#define TESTS_HEAP_EXPECT_H

#include <heapscan/heap.h>

#include "support/heap_builder.h"

/*
 * What a scan says, beside what was built. Both functions print the first
 * differences to stderr, each with its address.
 */

/*
 * Everything: each chunk, the sums over them, mallinfo, checks, arenas with
 * their heaps, bins, threads, and that no problem is worse than a note.
 * Returns the number of differences.
 */
unsigned hb_differences(const struct heap_builder *hb,
			const struct hs_heap *heap);

/*
 * Only chunks: how many that were built are not reported with their address,
 * size and state. For heaps that were damaged. UNKNOWN_IS_FINE forgives a
 * chunk that is there with the state HS_CHUNK_UNKNOWN.
 */
unsigned hb_chunks_wrong(const struct heap_builder *hb,
			 const struct hs_heap *heap, bool unknown_is_fine);

/*
 * What holds of any report, whatever the target's memory was: chunks ascend
 * and do not overlap, every one has a state, the sums are those of the chunks,
 * hs_heap_find() agrees with the list, problems are ordered. Returns the
 * number of broken promises.
 */
unsigned hb_promises_broken(const struct hs_heap *heap);

/* How many problems are called CODE; NULL: how many of at least SEVERITY. */
unsigned hb_problems(const struct hs_heap *heap, const char *code,
		     enum hs_severity severity);

#endif
