/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_UNPACKED_FILE_H
#define BACKENDS_UNPACKED_FILE_H

#include <heapscan/target.h>

#include "core/fail.h"

/*
 * Files that were compressed as a whole, as systemd-coredump leaves them:
 * zstd and lz4 frames.
 */
enum hs_packing { HS_PACKING_NONE, HS_PACKING_ZSTD, HS_PACKING_LZ4 };

/* By the file's first bytes. */
enum hs_packing hs_packing_of(const uint8_t *head, size_t len);
/* "zstd", "lz4". */
const char *hs_packing_name(enum hs_packing packing);

struct hs_unpacked {
	int fd; /* of the temporary file; the caller's to close */
	uint64_t len;
	bool cut; /* the packed data end early or are damaged: what came out */
};

/*
 * Unpack what FD holds, from its beginning, into a temporary file that has no
 * name, in /var/tmp or /tmp: it goes when its descriptor is closed. Runs of
 * zeroes become holes. What does not begin as an ELF file does is not unpacked
 * further than needed to see that. NAME is for messages.
 *
 * HS_ERR_FORMAT: nothing comes out; HS_ERR_LIMIT: more than
 * HS_LIMIT_UNPACKED, or than the disk can spare; HS_ERR_CANCELLED.
 */
HS_MUST_CHECK enum hs_status hs_file_unpack(int fd, enum hs_packing packing,
					    const char *name,
					    const struct hs_open_options *opt,
					    struct hs_unpacked *ret,
					    struct hs_error *err);

#endif
