/* SPDX-License-Identifier: MIT */
#ifndef TYPES_POINTING_WORDS_H
#define TYPES_POINTING_WORDS_H

#include "types/namer.h"

/*
 * The word at AT is the address of the block CHUNK, which has no name. What may
 * that be? 0: nothing. NAMING is a thread's own, and names nothing.
 */
typedef unsigned (*hs_judge_fn)(struct hs_naming *naming, const void *arg,
				hs_addr at, uint32_t chunk);
/* ... and is that; it may be named now. */
typedef void (*hs_word_fn)(void *arg, hs_addr at, uint32_t chunk,
			   unsigned what);

/*
 * Ask JUDGE, in several threads, about each word of writable memory that leads
 * to the start of a live block without a name: in live blocks, in variables, on
 * stacks down to the stack pointer. What was left behind is among them. Then,
 * by address and in this thread, hand what may be something to FN, if the block
 * still has no name. Of blocks that have their bit in BUT, which may be NULL,
 * nothing is asked.
 */
void hs_pointing_words(struct hs_naming *n, const uint64_t *but,
		       hs_judge_fn judge, hs_word_fn fn, void *arg);

#endif
