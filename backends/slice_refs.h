/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_REFS_H
#define BACKENDS_SLICE_REFS_H

#include <heapscan/target.h>

#include "backends/slice_format.h"
#include "backends/slice_region.h"

/*
 * A step of a series stores the pages that changed. The others are in the
 * steps before, which are its bases: it names the one that holds each page, and
 * the page's hash. A base is only asked for pages that it holds itself, so
 * there are no chains of references and no circles.
 */
struct hs_slice;

/* Pages in a row that one base holds, at the same addresses. */
struct hs_slice_ref {
	uint64_t page, count; /* of the region: the first; at least one */
	size_t base;          /* in hs_slice.base */
	const uint8_t *hash;  /* borrowed: SLICE_HASH_LEN bytes for each page */
};

struct hs_slice_base {
	uint8_t uuid[SLICE_UUID_LEN];
	char *name;             /* owned: of the file, as noted; or NULL */
	uint64_t pages, bytes;  /* that are taken from it */
	struct hs_slice *slice; /* owned; NULL: it is not there */
	char *problem;          /* owned: why SLICE is NULL */
};

/*
 * Read the payload of a block of page references, whose parent is the last
 * region of S: adds bases to S and references to that region. HS_ERR_FORMAT:
 * it is not what it should be, and nothing was added but bases; HS_ERR_LIMIT,
 * HS_ERR_NOMEM.
 */
HS_MUST_CHECK enum hs_status hs_slice_refs_read(struct hs_slice *s,
						const uint8_t *payload,
						size_t len,
						struct hs_error *err);

/*
 * Find the bases of S, which was read from a file, in the same folder: by the
 * name that is noted, else by their UUID. What is not found is a note.
 */
HS_MUST_CHECK enum hs_status
hs_slice_bases_open(struct hs_slice *s, const struct hs_open_options *opt,
		    struct hs_error *err);
void hs_slice_bases_release(struct hs_slice *s);

/*
 * Hash COUNT pages of 2^SHIFT bytes with the algorithm of S and compare:
 * *GOOD says how many are as HASH has them.
 */
HS_MUST_CHECK enum hs_status
hs_slice_pages_check(const struct hs_slice *s, const uint8_t *pages,
		     uint64_t count, unsigned shift, const uint8_t *hash,
		     uint64_t *good, struct hs_error *err);

#endif
