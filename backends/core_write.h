/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CORE_WRITE_H
#define BACKENDS_CORE_WRITE_H

#include <heapscan/capture.h>

#include "backends/out_file.h"

/*
 * Write TARGET as an ELF core to OUT, laid out as the kernel does it. The
 * caller commits OUT. RET gets what hs_capture_write() promises, but for the
 * size of the file. HS_ERR_UNSUPPORTED: a 32-bit target whose memory does not
 * fit a 32-bit core.
 */
HS_MUST_CHECK enum hs_status hs_core_write(const struct hs_target *target,
					   const struct hs_capture_options *opt,
					   struct hs_out_file *out,
					   struct hs_capture_result *ret,
					   struct hs_error *err);

#endif
