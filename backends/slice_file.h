/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_FILE_H
#define BACKENDS_SLICE_FILE_H

#include <heapscan/slice.h>

#include "backends/slice_header.h"
#include "backends/slice_records.h"
#include "backends/slice_refs.h"
#include "backends/slice_region.h"
#include "core/notes.h"

struct hs_slice_block {
	uint64_t offset; /* in hs_slice.bytes */
	uint32_t length; /* header included; within hs_slice.bytes */
	uint16_t type, flags, version;
};

/* An open slice: every block listed, every record read, no page unpacked. */
struct hs_slice {
	char *path;
	uint64_t file_size;
	const uint8_t *bytes; /* the file; decrypted, if it is encrypted */
	size_t len;
	bool mapped; /* ours to unmap */
	struct hs_slice_header header;
	struct hs_slice_block *block;
	size_t count, capacity;
	size_t end;  /* index of the first End-of-Capture; SIZE_MAX: none */
	bool whole;  /* ... and nothing before it is cut or malformed */
	bool mended; /* a block's header is damaged: slice_index.c */
	bool legacy; /* blocks in libmsl's layout are wanted */
	bool framed_b, unpadded; /* signs of MemDiver's way of writing */

	struct hs_slice_region *region;
	size_t region_count, region_capacity;
	struct hs_slice_base *base; /* whose pages regions refer to */
	size_t base_count, base_capacity;
	struct hs_slice_records records;
	struct hs_note_list notes;
};

/*
 * A slice from BYTES, which must stay as they are until it is closed; NAME is
 * what messages call it. What opening a file comes down to. OPT is never NULL.
 */
HS_MUST_CHECK enum hs_status
hs_slice_open_bytes(const uint8_t *bytes, size_t len, const char *name,
		    const struct hs_open_options *opt, struct hs_slice **ret,
		    struct hs_error *err);

/* As hs_slice_open(), but its bases are not looked for. OPT is never NULL. */
HS_MUST_CHECK enum hs_status
hs_slice_open_alone(const char *path, const struct hs_open_options *opt,
		    struct hs_slice **ret, struct hs_error *err);

/* Add the addresses that key hints mean to the records: slice_hints.c. */
HS_MUST_CHECK enum hs_status hs_slice_hints(struct hs_slice *s,
					    struct hs_error *err);

/* The word for a block type; NULL: not known. */
const char *hs_slice_type_name(unsigned type);

static inline const uint8_t *
hs_slice_block_bytes(const struct hs_slice *s, const struct hs_slice_block *b)
{
	return s->bytes + b->offset;
}

/* Whether block I counts: it is not behind End-of-Capture. */
static inline bool hs_slice_block_counts(const struct hs_slice *s, size_t i)
{
	return s->end == SIZE_MAX || i <= s->end;
}

#endif
