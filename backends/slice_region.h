/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_REGION_H
#define BACKENDS_SLICE_REGION_H

#include <heapscan/error.h>

#include "backends/slice_codec.h"
#include "backends/slice_format.h"

/* A run of target memory with a state for every page. */
struct hs_slice_region {
	hs_addr base;
	uint64_t size; /* bytes; base + size never wraps */
	uint8_t protection, type, page_shift;
	uint64_t timestamp;
	uint64_t pages;                      /* the last may be a part of one */
	uint64_t captured, failed, unmapped; /* pages; what is missing failed */
	uint64_t missing; /* of the failed: called captured, but not there */
	uint64_t extra;   /* bytes behind the last page that are no padding */
	struct hs_slice_packed packed;
	uint64_t data;      /* where the pages begin in the payload, unpacked */
	const uint8_t *map; /* states, two bits a page */
	uint8_t *map_copy;  /* owned: of compressed ones; else NULL */
	size_t block;       /* where it came from; the caller's */

	/* Of the failed pages these are in other slices: slice_refs.h. */
	struct hs_slice_ref *ref; /* owned, ascending; NULL: none */
	size_t ref_count;
	uint64_t referenced; /* pages */
};

/*
 * Parse a region's payload. LEGACY: as libmsl laid it out. Of a compressed one
 * only the beginning is unpacked. HS_ERR_FORMAT, HS_ERR_UNSUPPORTED,
 * HS_ERR_LIMIT, HS_ERR_NOMEM.
 */
HS_MUST_CHECK enum hs_status
hs_slice_region_parse(const struct hs_slice_packed *packed, bool big_endian,
		      bool legacy, struct hs_slice_region *ret,
		      struct hs_error *err);
void hs_slice_region_release(struct hs_slice_region *region);

/*
 * The captured pages of REGION: *PAGES points into the file where they are
 * stored, else into BUFFER, which gets the whole payload unpacked. A payload
 * that ends early is HS_ERR_FORMAT.
 */
struct hs_slice_buffer {
	uint8_t *bytes; /* mapped, or NULL */
	size_t len;
};
HS_MUST_CHECK enum hs_status
hs_slice_region_unpack(const struct hs_slice_region *region,
		       struct hs_slice_buffer *buffer, const uint8_t **pages,
		       struct hs_error *err);
/* Bytes that hs_slice_region_unpack() will put into its buffer. */
uint64_t hs_slice_region_room(const struct hs_slice_region *region);
/* The same into the caller's memory, which has that much room. */
HS_MUST_CHECK enum hs_status
hs_slice_region_unpack_to(const struct hs_slice_region *region, uint8_t *out,
			  struct hs_error *err);
/* Address space that costs what is put into it. */
HS_MUST_CHECK enum hs_status hs_slice_buffer_new(struct hs_slice_buffer *ret,
						 uint64_t len,
						 struct hs_error *err);
void hs_slice_buffer_cleanup(struct hs_slice_buffer *buffer);

/* Pages in a row that are all alike. */
struct hs_slice_run {
	uint64_t page, count; /* first page; at least one */
	unsigned state;       /* CAPTURED, FAILED or UNMAPPED */
	uint64_t data;        /* CAPTURED: where in the payload, unpacked */
};
/* The run behind RUN, which begins as { 0 }; false: that was the last. */
bool hs_slice_run_next(const struct hs_slice_region *region,
		       struct hs_slice_run *run);

#endif
