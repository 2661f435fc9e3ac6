/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_DESCRIBE_H
#define BACKENDS_SLICE_DESCRIBE_H

#include "backends/byte_buf.h"
#include "backends/slice_format.h"
#include "core/backend.h"

/*
 * The payloads of a slice's blocks that are not memory, made from a target.
 * A lack of memory is noted in BUF.
 */

/* A core that is turned into a slice: what it was, and when that was done. */
void hs_slice_put_provenance(struct hs_byte_buf *buf,
			     const struct hs_target *target, uint64_t now_ns);
/* REDACTED: without the arguments; they may hold passwords. */
void hs_slice_put_process(struct hs_byte_buf *buf,
			  const struct hs_target *target, bool redacted);
/* UUIDS: one of 16 bytes for each module. */
void hs_slice_put_module_list(struct hs_byte_buf *buf,
			      const struct hs_target *target,
			      const uint8_t *uuids);
void hs_slice_put_module(struct hs_byte_buf *buf,
			 const struct hs_target *target, size_t i);
/* False: no module has a build id that fits, and there is nothing to put. */
bool hs_slice_put_build_ids(struct hs_byte_buf *buf,
			    const struct hs_target *target);
void hs_slice_put_thread(struct hs_byte_buf *buf,
			 const struct hs_target *target, size_t i,
			 bool redacted);

/* A region's type for MAP. */
uint8_t hs_slice_region_type(const struct hs_target *target,
			     const struct hs_map *map);

#endif
