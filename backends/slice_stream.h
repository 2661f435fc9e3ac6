/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_STREAM_H
#define BACKENDS_SLICE_STREAM_H

#include <heapscan/target.h>

#include "backends/slice_memory.h"
#include "core/spans.h"

/* Where the bytes of a lazy span are. */
struct hs_slice_place {
	size_t region;
	uint64_t data; /* of the span's first byte in the payload */
};
/* False: they are not in MEMORY, or have to be checked. */
typedef bool (*hs_slice_place_fn)(const void *arg, const struct hs_span *span,
				  struct hs_slice_place *ret);

/*
 * Hand the bytes from ADDR on to FN, at most LEN of them, as far as they lie in
 * a row and in regions that are worth unpacking for this only: while some are
 * written, threads unpack the next ones, into memory that is used again.
 * *DONE bytes were handed on, maybe none; the way that keeps what it unpacks
 * knows what to do with the next one. HS_ERR_CANCELLED, HS_ERR_NOMEM.
 */
HS_MUST_CHECK enum hs_status
hs_slice_stream(struct hs_slice_memory *memory,
		const struct hs_span_list *spans, hs_slice_place_fn place,
		const void *place_arg, hs_addr addr, uint64_t len,
		hs_bytes_fn fn, void *arg, uint64_t *done,
		struct hs_error *err);

#endif
