/* SPDX-License-Identifier: MIT */
#ifndef GRAPH_WORD_FILTER_H
#define GRAPH_WORD_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/word_range.h"

/*
 * Which words of some memory could be pointers into the heap: the inner loop
 * of every scan, so there is one for each vector unit.
 */

/* The most words that one call looks at; an index fits 16 bits. */
#define HS_FILTER_WORDS 2048u

/*
 * Write the indexes of those among COUNT words at BYTES, in no special
 * alignment, that lie in RANGE to HITS, ascending, and return how many. HITS
 * has room for HS_FILTER_WORDS; COUNT is at most that.
 */
typedef size_t (*hs_filter_fn)(const struct hs_word_range *range,
			       const uint8_t *bytes, size_t count,
			       uint16_t *hits);

struct hs_filter_way {
	const char *name; /* "avx512", "avx2", "sse2", "plain" */
	bool usable;      /* this machine can run it */
	hs_filter_fn fn;
};

/* Ways for words of 8 bytes, fastest first; the last is plain C. False: no
 * such way. */
bool hs_filter_way(size_t i, struct hs_filter_way *ret);

/* The fastest that this machine can run, for words of WORD_SIZE bytes. */
hs_filter_fn hs_filter_best(unsigned word_size);

#endif
