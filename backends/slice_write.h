/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_WRITE_H
#define BACKENDS_SLICE_WRITE_H

#include <heapscan/capture.h>

#include "backends/out_file.h"

/*
 * Write TARGET as a Memory Slice to OUT; PATH is what messages call it. The
 * caller commits OUT. RET gets what hs_capture_write() promises, but for the
 * size of the file.
 */
HS_MUST_CHECK enum hs_status
hs_slice_write(const struct hs_target *target,
	       const struct hs_capture_options *opt, const char *path,
	       struct hs_out_file *out, struct hs_capture_result *ret,
	       struct hs_error *err);

/* The same for the blocks of SLICE: what hs_slice_rewrite() promises. */
HS_MUST_CHECK enum hs_status
hs_slice_write_again(const struct hs_slice *slice,
		     const struct hs_capture_options *opt, const char *path,
		     struct hs_out_file *out, struct hs_capture_result *ret,
		     struct hs_error *err);

#endif
