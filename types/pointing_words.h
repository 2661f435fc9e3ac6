/* SPDX-License-Identifier: MIT */
#ifndef TYPES_POINTING_WORDS_H
#define TYPES_POINTING_WORDS_H

#include "types/namer.h"

/* WORD, at AT, lies in the range of all blocks. */
typedef void (*hs_word_fn)(void *arg, hs_addr at, uint64_t word);

/*
 * Call FN for each word of writable memory that may lead to a block, on 64-bit
 * little endian targets: in live blocks, in variables, on stacks down to the
 * stack pointer. What was left behind is among them.
 */
void hs_pointing_words(struct hs_naming *n, hs_word_fn fn, void *arg);

#endif
