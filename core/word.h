/* SPDX-License-Identifier: MIT */
#ifndef CORE_WORD_H
#define CORE_WORD_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* The little-endian target word of SIZE bytes (4 or 8) at P, which need not be
 * aligned. For loops over lent bytes; all machines we read are little-endian.
 */
static inline uint64_t hs_word_at(const uint8_t *p, unsigned size)
{
	if (size == 8) {
		uint64_t v;
		memcpy(&v, p, sizeof(v));
		return le64toh(v);
	}
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

#endif
