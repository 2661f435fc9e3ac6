/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_SERIES_H
#define BACKENDS_SLICE_SERIES_H

#include <heapscan/capture.h>

#include "backends/byte_buf.h"
#include "backends/dump_map.h"
#include "backends/slice_format.h"

/*
 * What a series remembers from step to step: the hash of every page, and the
 * step that holds it. One step at a time: hs_series_begin(), then the writer
 * asks what to leave out, then hs_series_commit() when the file is there, or
 * hs_series_abort().
 */

/*
 * Look at every page of TARGET that OPT lets through, and find those that are
 * as they were. ALGORITHM is that of the file; UUID its identity, PATH its
 * name. HS_ERR_INVALID: TARGET is not the process of the steps before.
 */
HS_MUST_CHECK enum hs_status
hs_series_begin(struct hs_series *series, const struct hs_target *target,
		const struct hs_capture_options *opt, unsigned algorithm,
		const uint8_t uuid[SLICE_UUID_LEN], const char *path,
		struct hs_error *err);
void hs_series_commit(struct hs_series *series);
void hs_series_abort(struct hs_series *series);

/* Steps before that this one refers to. */
size_t hs_series_base_count(const struct hs_series *series);
const uint8_t *hs_series_base_uuid(const struct hs_series *series, size_t i);

/* Turn the captured pages of MAP that did not change into HS_DUMP_REFERRED. */
HS_MUST_CHECK enum hs_status hs_series_split(const struct hs_series *series,
					     struct hs_dump_map *map,
					     struct hs_error *err);

/*
 * Append the references of the pages from START to END, a region of which COUNT
 * runs from RUN on are a part, to BUF; *ANY is false, and nothing was done,
 * when there are none.
 */
HS_MUST_CHECK enum hs_status hs_series_put(const struct hs_series *series,
					   const struct hs_dump_run *run,
					   size_t count, hs_addr start,
					   hs_addr end, struct hs_byte_buf *buf,
					   bool *any, struct hs_error *err);

#endif
