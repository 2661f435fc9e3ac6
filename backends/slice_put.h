/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_PUT_H
#define BACKENDS_SLICE_PUT_H

#include <stdint.h>

/* Little-endian numbers into files of ours. */
static inline void hs_put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static inline void hs_put_u32(uint8_t *at, uint32_t value)
{
	hs_put_u16(at, (uint16_t)value);
	hs_put_u16(at + 2, (uint16_t)(value >> 16));
}

static inline void hs_put_u64(uint8_t *at, uint64_t value)
{
	hs_put_u32(at, (uint32_t)value);
	hs_put_u32(at + 4, (uint32_t)(value >> 32));
}

#endif
