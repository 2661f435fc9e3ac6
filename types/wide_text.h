/* SPDX-License-Identifier: MIT */
#ifndef TYPES_WIDE_TEXT_H
#define TYPES_WIDE_TEXT_H

#include "types/namer.h"

/*
 * UTF-16 in memory. Of the 65536 values of a unit nearly all are some
 * character's, so what is text must be told by who speaks for it: ANY takes
 * all characters that are assigned in most blocks, for text whose length is
 * known; without it only letters, digits and punctuation of alphabets count,
 * which are one in fifty.
 */
bool hs_is_wide_char(uint16_t unit, bool any);

/* How many such units there are from AT on, at most MOST. */
uint64_t hs_wide_text(struct hs_naming *n, hs_addr at, uint64_t most, bool any);

#endif
