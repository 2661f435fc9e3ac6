/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Standard output through a large buffer of our own. The first error sticks
 * and everything after it is dropped, so that what a full disk cut short can
 * never be followed by a closing brace.
 */
struct out {
	int fd;
	char *buf;
	size_t len;
	uint64_t flushed; /* bytes that left */
	int error;        /* errno of the first failure, or 0 */
	/* Once it is set nothing more is written; NULL: nobody says so. */
	const volatile sig_atomic_t *stop;
};

bool out_init(struct out *out, int fd);
void out_release(struct out *out);
void out_flush(struct out *out);
/* Forget what was not flushed; false when something left already. */
bool out_rewind(struct out *out);
/* Record a failure of ours (ENOMEM): nothing more is written. */
void out_fail(struct out *out, int sys_errno);

void out_bytes(struct out *out, const void *bytes, size_t len);
void out_str(struct out *out, const char *text);
void out_printf(struct out *out, const char *fmt, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/* Room for N more bytes (N at most 64 KiB), to be filled and committed. */
char *out_reserve(struct out *out, size_t n);
void out_commit(struct out *out, const char *end);

/* Write the number at AT and return the end. No NUL. */
char *put_u64(char *at, uint64_t value);
char *put_hex(char *at, uint64_t value); /* with 0x */

#endif
