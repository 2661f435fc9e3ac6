/* SPDX-License-Identifier: MIT */
#include "backends/byte_buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *room(struct hs_byte_buf *buf, size_t len)
{
	if (buf->failed || len > SIZE_MAX / 2 - buf->len) {
		buf->failed = true;
		return NULL;
	}
	if (len > buf->capacity - buf->len) {
		size_t wanted = (buf->len + len) * 2;
		uint8_t *bigger = realloc(buf->bytes, wanted);
		if (!bigger) {
			buf->failed = true;
			return NULL;
		}
		buf->bytes = bigger;
		buf->capacity = wanted;
	}
	uint8_t *at = buf->bytes + buf->len;
	buf->len += len;
	return at;
}

void hs_byte_buf_put(struct hs_byte_buf *buf, const void *bytes, size_t len)
{
	uint8_t *at = len ? room(buf, len) : NULL;
	if (at)
		memcpy(at, bytes, len);
}

void hs_byte_buf_zeroes(struct hs_byte_buf *buf, size_t len)
{
	uint8_t *at = len ? room(buf, len) : NULL;
	if (at)
		memset(at, 0, len);
}

void hs_byte_buf_uint(struct hs_byte_buf *buf, uint64_t value, size_t len)
{
	uint8_t raw[8];
	assert(len <= sizeof(raw));
	for (size_t i = 0; i < len; i++)
		raw[i] = (uint8_t)(value >> (8 * i));
	hs_byte_buf_put(buf, raw, len);
}

void hs_byte_buf_align(struct hs_byte_buf *buf, size_t align)
{
	hs_byte_buf_zeroes(buf, -buf->len & (align - 1));
}

enum hs_status hs_byte_buf_check(const struct hs_byte_buf *buf,
				 struct hs_error *err)
{
	return buf->failed ? hs_fail(err, HS_ERR_NOMEM, "no memory") : HS_OK;
}

void hs_byte_buf_release(struct hs_byte_buf *buf)
{
	free(buf->bytes);
	*buf = (struct hs_byte_buf){ 0 };
}
