/* SPDX-License-Identifier: MIT */
#include "backends/slice_stream.h"

#include <heapscan/crew.h>
#include <stdlib.h>

#include <heapscan/crew.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "core/limits.h"
#include <heapscan/crew.h>

/* Unpacked for each thread while what came before is written: enough for two
 * blocks of ours. Memory that is new costs more than unpacking into it. */
#define ROOM_PER_WORKER ((uint64_t)8 << 20)
/* One region goes to a place that suits its pages. */
#define ALIGN UINT64_C(64)

/* Bytes in a row. */
struct piece {
	const uint8_t *bytes; /* where they are; NULL: JOB's will be */
	size_t job;
	uint64_t data, len; /* of the job's payload */
};

/* A region to be unpacked. */
struct job {
	size_t region;
	uint64_t at; /* in the batch's room */
	bool failed;
};

/* What is unpacked together, and written together. */
struct batch {
	struct piece *piece;
	size_t piece_count, piece_capacity;
	struct job *job;
	size_t job_count, job_capacity;
	struct hs_slice_buffer room;
	uint64_t used; /* of it */
};

struct stream {
	struct hs_slice_memory *memory;
	const struct hs_span_list *spans;
	hs_slice_place_fn place;
	const void *place_arg;
	hs_addr at;    /* to be planned next */
	uint64_t left; /* from there */
	uint64_t room; /* of a batch */
	struct batch a, b;
	struct batch *now, *before; /* to be unpacked; to be written */
	hs_bytes_fn fn;
	void *arg;
	uint64_t done;
	bool ended; /* a region is damaged: what follows is not for us */
};

static void batch_release(struct batch *b)
{
	free(b->piece);
	free(b->job);
	hs_slice_buffer_cleanup(&b->room);
}

static void stream_release(struct stream *s)
{
	batch_release(&s->a);
	batch_release(&s->b);
}

/* ---- what is next ---- */

/* True: SPAN's bytes get a job in B, or already have one. */
static bool add_job(struct stream *s, struct batch *b, struct piece *piece,
		    const struct hs_span *span,
		    const struct hs_slice_place *place, enum hs_status *st,
		    struct hs_error *err)
{
	const struct hs_slice_region *r =
		&s->memory->slice->region[place->region];
	uint64_t room = hs_slice_region_room(r);
	struct job *last = b->job_count ? &b->job[b->job_count - 1] : NULL;
	piece->job = b->job_count - 1;
	if (last && last->region == place->region)
		return true;
	/* What is wanted in small parts is better unpacked once and kept. */
	if (room > s->room || span->len < room / 2 || room > s->room - b->used)
		return false;
	*st = hs_grow(&b->job, &b->job_capacity, b->job_count, sizeof(*b->job),
		      err);
	if (*st)
		return false;
	piece->job = b->job_count;
	b->job[b->job_count++] = (struct job){ place->region, b->used, false };
	b->used += (room + ALIGN - 1) & ~(ALIGN - 1);
	if (b->used > s->room)
		b->used = s->room;
	return true;
}

/* False: SPAN, the next, is not for this batch. */
static bool add_span(struct stream *s, struct batch *b,
		     const struct hs_span *span, enum hs_status *st,
		     struct hs_error *err)
{
	uint64_t skip = s->at - span->start;
	uint64_t len = span->len - skip;
	struct piece piece = { .len = len < s->left ? len : s->left };
	struct hs_slice_place place;
	*st = hs_grow(&b->piece, &b->piece_capacity, b->piece_count,
		      sizeof(*b->piece), err);
	if (*st)
		return false;
	if (span->state == HS_SPAN_BYTES) {
		piece.bytes = span->bytes + skip;
	} else if (span->state != HS_SPAN_LAZY ||
		   !s->place(s->place_arg, span, &place)) {
		return false;
	} else if (hs_slice_memory_ready(s->memory, place.region)) {
		const uint8_t *payload;
		*st = hs_slice_memory_payload(s->memory, place.region, &payload,
					      err);
		if (*st)
			return false;
		piece.bytes = payload + place.data + skip;
	} else {
		piece.data = place.data + skip;
		if (!add_job(s, b, &piece, span, &place, st, err))
			return false;
	}
	b->piece[b->piece_count++] = piece;
	s->at += piece.len;
	s->left -= piece.len;
	return true;
}

static enum hs_status plan(struct stream *s, struct batch *b,
			   struct hs_error *err)
{
	enum hs_status st = HS_OK;
	b->piece_count = b->job_count = 0;
	b->used = 0;
	while (s->left > 0 && !s->ended) {
		const struct hs_span *span = hs_span_list_find(s->spans, s->at);
		if (!span || !add_span(s, b, span, &st, err))
			break;
	}
	if (!st && b->job_count > 0 && !b->room.bytes)
		st = hs_slice_buffer_new(&b->room, s->room, err);
	return st;
}

/* ---- at work ---- */

static enum hs_status hand_on(struct stream *s, struct hs_error *err)
{
	const struct batch *b = s->before;
	for (size_t i = 0; i < b->piece_count; i++) {
		const struct piece *p = &b->piece[i];
		const uint8_t *bytes = p->bytes;
		if (!bytes && b->job[p->job].failed) {
			s->ended = true;
			break;
		}
		if (!bytes)
			bytes = b->room.bytes + b->job[p->job].at + p->data;
		if (!s->fn(s->arg, bytes, p->len))
			return hs_fail(err, HS_ERR_CANCELLED, "cancelled");
		s->done += p->len;
	}
	return HS_OK;
}

/* Piece 0 of the work writes, the others unpack. */
static enum hs_status work(void *arg, unsigned worker, size_t piece,
			   struct hs_error *err)
{
	struct stream *s = arg;
	(void)worker;
	if (piece == 0)
		return hand_on(s, err);
	struct batch *b = s->now;
	struct job *j = &b->job[piece - 1];
	/* What is wrong is said by the way that keeps what it unpacks. */
	j->failed =
		hs_slice_region_unpack_to(&s->memory->slice->region[j->region],
					  b->room.bytes + j->at, NULL) != HS_OK;
	return HS_OK;
}

enum hs_status hs_slice_stream(struct hs_slice_memory *memory,
			       const struct hs_span_list *spans,
			       hs_slice_place_fn place, const void *place_arg,
			       hs_addr addr, uint64_t len, hs_bytes_fn fn,
			       void *arg, uint64_t *done, struct hs_error *err)
{
	HS_CLEANUP(stream_release)
	struct stream s = { .memory = memory,
			    .spans = spans,
			    .place = place,
			    .place_arg = place_arg,
			    .at = addr,
			    .left = len,
			    .fn = fn,
			    .arg = arg };
	s.room = hs_crew_count(0, HS_LIMIT_WORKERS) * ROOM_PER_WORKER;
	s.now = &s.a;
	s.before = &s.b;
	enum hs_status st;
	do {
		st = plan(&s, s.now, err);
		if (!st)
			st = hs_crew_run(0, s.now->job_count + 1, work, &s,
					 "reading", NULL, NULL, err);
		struct batch *written = s.before;
		s.before = s.now;
		s.now = written;
	} while (!st && !s.ended && s.before->piece_count > 0);
	*done = s.done;
	return st;
}
