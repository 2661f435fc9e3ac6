/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_SHAPE_H
#define HEAPSCAN_SHAPE_H

#include <heapscan/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The shape of a heap without what is in it, for dumps that can be shown to
 * others: in memory that a program writes, all is zeroed but the allocator's
 * own data, that of ld.so and libc, and words that are addresses of the
 * process. Code and constants of mapped files stay.
 */
struct hs_shape; /* opaque */

/* Borrows TARGET and HEAP. Free with hs_shape_free(). HS_ERR_NOMEM. */
HS_API enum hs_status hs_shape_new(const struct hs_target *target,
				   const struct hs_heap *heap,
				   struct hs_shape **ret, struct hs_error *err);
HS_API void hs_shape_free(struct hs_shape *shape); /* NULL is fine */

/* To be used as hs_capture_options.redact, with a struct hs_shape as its
 * argument. */
HS_API void hs_shape_redact(void *shape, hs_addr addr, uint8_t *bytes,
			    size_t len);

#ifdef __cplusplus
}
#endif
#endif
