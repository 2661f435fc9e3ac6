/* SPDX-License-Identifier: MIT */
#include "cli/out.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUT_BUFFER (1u << 20)
#define OUT_RESERVE (1u << 16)

bool out_init(struct out *out, int fd)
{
	*out = (struct out){ .fd = fd, .buf = malloc(OUT_BUFFER) };
	return out->buf != NULL;
}

void out_release(struct out *out)
{
	free(out->buf);
	out->buf = NULL;
}

void out_fail(struct out *out, int sys_errno)
{
	if (!out->error)
		out->error = sys_errno;
	out->len = 0;
}

static void write_all(struct out *out, const char *bytes, size_t len)
{
	while (len && !out->error) {
		if (out->stop && *out->stop) {
			out_fail(out, EINTR);
			return;
		}
		ssize_t n = write(out->fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			out_fail(out, n < 0 ? errno : EIO);
			return;
		}
		bytes += n;
		len -= (size_t)n;
		out->flushed += (uint64_t)n;
	}
}

void out_flush(struct out *out)
{
	write_all(out, out->buf, out->len);
	out->len = 0;
}

bool out_rewind(struct out *out)
{
	out->len = 0;
	return out->flushed == 0 && !out->error;
}

void out_bytes(struct out *out, const void *bytes, size_t len)
{
	if (out->error)
		return;
	if (len > OUT_BUFFER - out->len)
		out_flush(out);
	if (len > OUT_BUFFER) {
		write_all(out, bytes, len);
		return;
	}
	memcpy(out->buf + out->len, bytes, len);
	out->len += len;
}

void out_str(struct out *out, const char *text)
{
	out_bytes(out, text, strlen(text));
}

void out_printf(struct out *out, const char *fmt, ...)
{
	va_list ap;
	char *at = out_reserve(out, OUT_RESERVE);
	va_start(ap, fmt);
	int n = vsnprintf(at, OUT_RESERVE, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	/* Strings out of the target are capped far below this. */
	size_t len = (size_t)n < OUT_RESERVE ? (size_t)n : OUT_RESERVE - 1;
	out_commit(out, at + len);
}

char *out_reserve(struct out *out, size_t n)
{
	assert(n <= OUT_RESERVE);
	if (n > OUT_BUFFER - out->len)
		out_flush(out);
	return out->buf + out->len;
}

void out_commit(struct out *out, const char *end)
{
	if (!out->error)
		out->len = (size_t)(end - out->buf);
}

char *put_u64(char *at, uint64_t value)
{
	char digits[20];
	size_t n = 0;
	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n)
		*at++ = digits[--n];
	return at;
}

char *put_hex(char *at, uint64_t value)
{
	unsigned nibbles = 1;
	if (value)
		nibbles = (67u - (unsigned)__builtin_clzll(value)) / 4;
	*at++ = '0';
	*at++ = 'x';
	for (unsigned i = nibbles; i--;)
		*at++ = "0123456789abcdef"[value >> (4 * i) & 15];
	return at;
}
