/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_BYTE_BUF_H
#define BACKENDS_BYTE_BUF_H

#include "core/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes being put together, numbers in little endian. A lack of memory sticks
 * and is asked for once, at the end, with hs_byte_buf_check().
 */
struct hs_byte_buf {
	uint8_t *bytes; /* owned */
	size_t len, capacity;
	bool failed;
};

void hs_byte_buf_put(struct hs_byte_buf *buf, const void *bytes, size_t len);
void hs_byte_buf_zeroes(struct hs_byte_buf *buf, size_t len);
/* The low LEN bytes of VALUE, at most 8. */
void hs_byte_buf_uint(struct hs_byte_buf *buf, uint64_t value, size_t len);
/* Zeroes up to a multiple of ALIGN, a power of two. */
void hs_byte_buf_align(struct hs_byte_buf *buf, size_t align);
HS_MUST_CHECK enum hs_status hs_byte_buf_check(const struct hs_byte_buf *buf,
					       struct hs_error *err);
void hs_byte_buf_release(struct hs_byte_buf *buf);

#endif
