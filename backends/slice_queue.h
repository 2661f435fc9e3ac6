/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_QUEUE_H
#define BACKENDS_SLICE_QUEUE_H

#include "backends/byte_buf.h"
#include "backends/slice_pack.h"
#include "backends/slice_sink.h"

/*
 * Blocks on their way into a slice whose payloads are packed by as many threads
 * as there are processors, and written in the order in which they came.
 */
struct hs_slice_queue; /* opaque */

/* A payload: FRONT, then pieces of memory that stay until it is written. */
struct hs_slice_piece {
	const uint8_t *bytes;
	size_t len;
};
struct hs_slice_job {
	struct hs_slice_head head;
	bool pack;                /* if that makes it smaller */
	struct hs_byte_buf front; /* owned */
	struct hs_slice_piece *piece;
	size_t count, capacity;
	uint64_t len; /* bytes of the pieces */
	/* Owned: what pieces may point into. */
	uint8_t *copy;
	size_t copy_len;
};

/* Blocks go to SINK, regions packed by CODEC. Free with ..._free(). */
HS_MUST_CHECK enum hs_status hs_slice_queue_new(enum hs_slice_codec codec,
						struct hs_slice_sink *sink,
						struct hs_slice_queue **ret,
						struct hs_error *err);
void hs_slice_queue_free(struct hs_slice_queue *queue); /* NULL is fine */

/*
 * The next block's job, empty, to be filled in; waits for one to become free.
 * It is the queue's; give it back with hs_slice_queue_put(). What is not given
 * back is begun anew the next time.
 */
HS_MUST_CHECK enum hs_status hs_slice_queue_job(struct hs_slice_queue *queue,
						struct hs_slice_job **ret,
						struct hs_error *err);
HS_MUST_CHECK enum hs_status hs_slice_job_add(struct hs_slice_job *job,
					      const uint8_t *bytes, size_t len,
					      struct hs_error *err);
/* That job is complete. */
HS_MUST_CHECK enum hs_status hs_slice_queue_put(struct hs_slice_queue *queue,
						struct hs_error *err);
/* Everything is to be written now. */
HS_MUST_CHECK enum hs_status hs_slice_queue_flush(struct hs_slice_queue *queue,
						  struct hs_error *err);

#endif
