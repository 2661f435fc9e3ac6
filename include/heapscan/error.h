/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_ERROR_H
#define HEAPSCAN_ERROR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HS_API __attribute__((__visibility__("default")))

/*
 * An address in the target. Never a pointer here: it must not be
 * dereferenced.
 */
typedef uint64_t hs_addr;
#define HS_NO_ADDR UINT64_MAX

/*
 * Why an operation could not be done. Values are part of the API: append, do
 * not renumber.
 *
 * Damage in the target's heap is not listed here. A broken list is a result
 * (see struct hs_problem_info), and the analysis goes on after it.
 */
enum hs_status {
	HS_OK = 0,
	HS_ERR_NOMEM = 1,
	HS_ERR_INVALID = 2,  /* the caller asked for something meaningless */
	HS_ERR_IO = 3,       /* a system call failed; see sys_errno */
	HS_ERR_UNMAPPED = 4, /* the target had nothing at that address */
	HS_ERR_NOT_CAPTURED = 5, /* it had, but the dump left it out */
	HS_ERR_FORMAT = 6,       /* the dump, slice or ELF file is malformed */
	HS_ERR_NO_SYMBOL = 7,
	HS_ERR_UNSUPPORTED = 8, /* understood, but not something we can do */
	HS_ERR_LIMIT = 9,       /* an input asked for more than we allow */
	HS_ERR_PERMISSION = 10, /* not allowed to attach or to read */
	HS_ERR_NO_HEAP = 11,    /* the target holds no glibc heap */
	HS_ERR_NO_TARGET = 12,  /* no such file, no such process */
	HS_ERR_CANCELLED = 13,  /* a progress callback said stop */
};

/* Owned by the caller, written only on failure, needs no destructor. */
struct hs_error {
	enum hs_status code;
	int sys_errno;  /* 0 unless code is HS_ERR_IO */
	hs_addr addr;   /* target address concerned, or HS_NO_ADDR */
	char text[488]; /* one line: lower case, no full stop, with the cure */
};

/* A fixed name such as "not-captured", for machines. Never NULL. */
HS_API const char *hs_status_name(enum hs_status code);

#ifdef __cplusplus
}
#endif
#endif
