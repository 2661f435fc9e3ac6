/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OUT_FILE_H
#define BACKENDS_OUT_FILE_H

#include "core/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A file of ours while it is being written. It has another name beside the
 * wanted one until it is whole, so that nobody takes a half for a whole, and
 * can be read by its owner only: it holds a process's secrets.
 */
struct hs_out_file {
	int fd;        /* -1: none */
	char *path;    /* owned: as wanted */
	char *partial; /* owned: as it is called meanwhile; NULL: it is gone */
	bool replace;
	uint8_t *buf; /* owned: collected small writes */
	size_t used;
	uint64_t at; /* bytes so far, holes and BUF included */
};

#define HS_OUT_FILE_NONE ((struct hs_out_file){ .fd = -1 })

/* Fails with HS_ERR_INVALID when PATH exists, unless REPLACE; with
 * HS_ERR_NO_TARGET when there is no such folder; HS_ERR_PERMISSION. */
HS_MUST_CHECK enum hs_status hs_out_file_create(struct hs_out_file *file,
						const char *path, bool replace,
						struct hs_error *err);
HS_MUST_CHECK enum hs_status hs_out_file_write(struct hs_out_file *file,
					       const void *bytes, size_t len,
					       struct hs_error *err);
/* LEN zero bytes that take no room on the disk, where it can do so. */
HS_MUST_CHECK enum hs_status
hs_out_file_skip(struct hs_out_file *file, uint64_t len, struct hs_error *err);
/* It is whole: give it its name. */
HS_MUST_CHECK enum hs_status hs_out_file_commit(struct hs_out_file *file,
						struct hs_error *err);
/* Removes what was not committed. */
void hs_out_file_release(struct hs_out_file *file);

#endif
