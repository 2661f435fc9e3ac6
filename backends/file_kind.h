/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_FILE_KIND_H
#define BACKENDS_FILE_KIND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/fail.h"

/* First bytes that hs_file_kind() likes to see. */
#define HS_FILE_HEAD 64u

/*
 * What a file that is no core seems to be, by its first bytes, with the cure
 * where there is one: "gzip data, unpack it with gzip -d"; NULL: no idea.
 */
const char *hs_file_kind(const uint8_t *head, size_t len);

/*
 * Open PATH for reading: a regular, non-empty file, or an error that says what
 * it is instead. *FD is the caller's to close, INFO its fstat().
 */
HS_MUST_CHECK enum hs_status hs_file_open(const char *path, int *fd,
					  struct stat *info,
					  struct hs_error *err);

#endif
