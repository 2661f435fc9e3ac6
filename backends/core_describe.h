/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CORE_DESCRIBE_H
#define BACKENDS_CORE_DESCRIBE_H

#include "backends/byte_buf.h"
#include "core/backend.h"

/*
 * Put all notes of a core of TARGET into BUF, in the order of the kernel: the
 * thread that took the signal, the process, the other threads. REDACTED adds a
 * note that says so. A lack of memory is noted in BUF; HS_ERR_LIMIT: there are
 * more than a note can hold.
 */
HS_MUST_CHECK enum hs_status hs_core_put_notes(struct hs_byte_buf *buf,
					       const struct hs_target *target,
					       bool redacted,
					       struct hs_error *err);

#endif
