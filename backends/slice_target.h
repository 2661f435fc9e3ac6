/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_TARGET_H
#define BACKENDS_SLICE_TARGET_H

#include "core/backend.h"

struct hs_slice;

/* A target from SLICE, which it takes over in any case. OPT is never NULL. */
HS_MUST_CHECK enum hs_status
hs_slice_target_new(struct hs_slice *slice, const struct hs_open_options *opt,
		    struct hs_target **ret, struct hs_error *err);

/*
 * A target from the bytes of a slice, which must stay as they are until the
 * target is closed; NAME is what messages call it. What opening a file comes
 * down to; tests and fuzzing have no file.
 */
HS_MUST_CHECK enum hs_status
hs_slice_target_bytes(const uint8_t *bytes, size_t len, const char *name,
		      const struct hs_open_options *opt, struct hs_target **ret,
		      struct hs_error *err);

#endif
