/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_FILE_OVERLAY_H
#define BACKENDS_FILE_OVERLAY_H

#include <time.h>

#include "core/backend.h"
#include "core/elf_image.h"

/*
 * An ELF file that the target had mapped, mapped read-only by us, so that it
 * can lend the pages which the target's own memory did not give.
 */
struct hs_file_overlay {
	char *path;           /* owned: the file that we opened */
	const uint8_t *bytes; /* zeroes follow up to the end of a page */
	size_t len;           /* bytes of the file */
	uint64_t device, inode;
	struct timespec modified;
	struct hs_elf_header header;
	struct hs_elf_segment *load; /* owned: its PT_LOADs, as they stand */
	size_t load_count;
	uint8_t build_id[HS_MAX_BUILD_ID];
	size_t build_id_len; /* 0: the file has none */
};

/* Overlays a target has open: must live until its spans are released. */
struct hs_file_overlay_list {
	struct hs_file_overlay **file;
	size_t count, capacity;
	struct hs_span_list lent; /* not yet the target's */
};

/*
 * Map the file at PATH; a file that LIST already holds is mapped only once.
 * *RET is borrowed from LIST.
 *
 * HS_ERR_NO_TARGET: no such file; HS_ERR_PERMISSION; HS_ERR_FORMAT: not a
 * regular file, or no ELF image; HS_ERR_IO; HS_ERR_NOMEM. PATH comes from the
 * target, so it may name anything: only regular files are opened.
 */
HS_MUST_CHECK enum hs_status
hs_file_overlay_open(struct hs_file_overlay_list *list, const char *path,
		     const struct hs_file_overlay **ret, struct hs_error *err);
/* Unmap and free all of them. */
void hs_file_overlay_list_release(struct hs_file_overlay_list *list);

#endif
