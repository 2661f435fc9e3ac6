/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_INDEX_H
#define BACKENDS_SLICE_INDEX_H

#include "backends/slice_file.h"

/*
 * List the blocks of S, whose header is read. Behind a header that is damaged
 * it goes on where blocks follow one another up to the end of the file
 * (slice_resync.h); what is lost between is said. Fails for want of memory, or
 * for too many blocks.
 */
HS_MUST_CHECK enum hs_status hs_slice_index(struct hs_slice *s,
					    struct hs_error *err);

/* A note; after so many of a CODE one last says that there are more. */
enum hs_status hs_slice_say(struct hs_slice *s, enum hs_severity severity,
			    const char *code, struct hs_error *err,
			    const char *fmt, ...) HS_PRINTF(5, 6);

#endif
