/* SPDX-License-Identifier: MIT */
#ifndef CORE_WORD_RANGE_H
#define CORE_WORD_RANGE_H

#include <stdint.h>

/*
 * Two ranges [low, high), below 2^62: what the kernel gives by brk and by mmap
 * lies terabytes apart, and what is between them is everything else. An empty
 * range has low == high.
 */
struct hs_word_range {
	uint64_t low[2], high[2];
};

#endif
