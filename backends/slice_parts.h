/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_PARTS_H
#define BACKENDS_SLICE_PARTS_H

#include "backends/byte_buf.h"
#include "backends/dump_map.h"

/* How a mapping is cut into regions of a slice. */
struct hs_slice_part {
	hs_addr start, end;
	size_t first, count; /* runs of the mapping that it touches */
	unsigned shift;      /* of its pages */
	uint64_t captured;   /* bytes */
};

/* The part of M that begins at START, in run FIRST, with MOST bytes at most. */
struct hs_slice_part hs_slice_part_next(const struct hs_dump_map *m,
					hs_addr start, size_t first,
					uint64_t most);

/* What stands before the pages of P: fixed part and page states. BUF is
 * empty. */
HS_MUST_CHECK enum hs_status
hs_slice_put_front(struct hs_byte_buf *buf, const struct hs_target *target,
		   uint64_t taken_ns, const struct hs_dump_map *m,
		   const struct hs_slice_part *p, struct hs_error *err);

#endif
