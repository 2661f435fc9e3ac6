/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_HASH_H
#define BACKENDS_SLICE_HASH_H

#include "backends/slice_format.h"
#include "core/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The hashes that a slice may be chained with, fed piece by piece. */
struct hs_slice_hash; /* opaque */

/* Do we know ALGORITHM, the number in a slice's header? */
bool hs_slice_hash_known(unsigned algorithm);

/* HS_ERR_UNSUPPORTED: not known. Free with hs_slice_hash_free(). */
HS_MUST_CHECK enum hs_status hs_slice_hash_new(unsigned algorithm,
					       struct hs_slice_hash **ret,
					       struct hs_error *err);
void hs_slice_hash_free(struct hs_slice_hash *hash); /* NULL is fine */
HS_MUST_CHECK enum hs_status hs_slice_hash_update(struct hs_slice_hash *hash,
						  const void *bytes, size_t len,
						  struct hs_error *err);
/* The hash of what was fed; HASH begins anew. */
HS_MUST_CHECK enum hs_status hs_slice_hash_final(struct hs_slice_hash *hash,
						 uint8_t ret[SLICE_HASH_LEN],
						 struct hs_error *err);
/* All at once. */
HS_MUST_CHECK enum hs_status hs_slice_hash_bytes(struct hs_slice_hash *hash,
						 const void *bytes, size_t len,
						 uint8_t ret[SLICE_HASH_LEN],
						 struct hs_error *err);

#endif
