/* SPDX-License-Identifier: MIT */
#include "backends/slice_queue.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backends/workers.h"
#include "core/grow.h"
#include "core/limits.h"

/* Blocks for each thread: one that it packs, others that wait for it or for
 * their turn to be written. */
#define JOBS_PER_WORKER 3u

/* What is larger goes alone: a few of them would take all memory. */
#define LARGE ((uint64_t)64 << 20)

enum stage { FREE, READY, PACKING, PACKED };

/* One in the ring. */
struct slot {
	struct hs_slice_job job;
	enum stage stage;
	struct hs_slice_packer *packer; /* holds what came out */
	const uint8_t *packed;          /* NULL: it is not smaller */
	size_t packed_len;
	struct hs_error err;
};

struct hs_slice_queue {
	enum hs_slice_codec codec;
	struct hs_slice_sink *sink;
	struct slot *slot;
	size_t count;
	size_t head, used; /* the oldest; how many are on their way */
	size_t next;       /* to be packed */
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	pthread_t thread[HS_LIMIT_WORKERS];
	size_t threads;
	bool stop;
};

static void job_clear(struct hs_slice_job *job)
{
	free(job->copy);
	job->head = (struct hs_slice_head){ 0 };
	job->pack = false;
	job->front.len = 0;
	job->front.failed = false;
	job->count = 0;
	job->len = 0;
	job->copy = NULL;
	job->copy_len = 0;
}

enum hs_status hs_slice_job_add(struct hs_slice_job *job, const uint8_t *bytes,
				size_t len, struct hs_error *err)
{
	struct hs_slice_piece *last =
		job->count ? &job->piece[job->count - 1] : NULL;
	job->len += len;
	if (last && last->bytes + last->len == bytes) {
		last->len += len;
		return HS_OK;
	}
	enum hs_status st = hs_grow(&job->piece, &job->capacity, job->count,
				    sizeof(*job->piece), err);
	if (!st)
		job->piece[job->count++] =
			(struct hs_slice_piece){ bytes, len };
	return st;
}

/* ---- packing ---- */

static enum hs_status pack(struct slot *s, struct hs_error *err)
{
	static const uint8_t zero[8];
	const struct hs_slice_job *j = &s->job;
	uint64_t len = j->front.len + j->len;
	uint64_t total = SLICE_PAD8(len);
	enum hs_status st =
		hs_slice_packer_start(s->packer, total, j->front.len, err);
	if (!st)
		st = hs_slice_packer_feed(s->packer, j->front.bytes,
					  j->front.len, err);
	for (size_t i = 0; !st && i < j->count; i++)
		st = hs_slice_packer_feed(s->packer, j->piece[i].bytes,
					  j->piece[i].len, err);
	if (!st)
		st = hs_slice_packer_feed(s->packer, zero,
					  (size_t)(total - len), err);
	if (!st)
		st = hs_slice_packer_finish(s->packer, &s->packed,
					    &s->packed_len, err);
	if (!st && s->packed_len >= len)
		s->packed = NULL;
	return st;
}

/* Under the lock, which is let go meanwhile; false: there is nothing to do. */
static bool pack_next(struct hs_slice_queue *q)
{
	struct slot *s = &q->slot[q->next];
	if (s->stage != READY)
		return false;
	q->next = (q->next + 1) % q->count;
	s->stage = PACKING;
	(void)pthread_mutex_unlock(&q->lock);
	if (s->job.pack && pack(s, &s->err))
		assert(s->err.code);
	(void)pthread_mutex_lock(&q->lock);
	s->stage = PACKED;
	(void)pthread_cond_signal(&q->done);
	return true;
}

static void *worker(void *arg)
{
	struct hs_slice_queue *q = arg;
	(void)pthread_mutex_lock(&q->lock);
	while (!q->stop)
		if (!pack_next(q))
			(void)pthread_cond_wait(&q->work, &q->lock);
	(void)pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* ---- in order ---- */

static enum hs_status write_slot(struct hs_slice_queue *q, struct slot *s,
				 struct hs_error *err)
{
	struct hs_slice_job *j = &s->job;
	if (s->err.code)
		return hs_fail(err, s->err.code, "%s", s->err.text);
	if (s->packed) {
		j->head.flags |= hs_slice_packer_flags(q->codec);
		enum hs_status st = hs_slice_sink_block(q->sink, &j->head,
							s->packed_len, err);
		return st ? st
			  : hs_slice_sink_bytes(q->sink, s->packed,
						s->packed_len, err);
	}
	enum hs_status st = hs_slice_sink_block(q->sink, &j->head,
						j->front.len + j->len, err);
	if (!st)
		st = hs_slice_sink_bytes(q->sink, j->front.bytes, j->front.len,
					 err);
	for (size_t i = 0; !st && i < j->count; i++)
		st = hs_slice_sink_bytes(q->sink, j->piece[i].bytes,
					 j->piece[i].len, err);
	return st;
}

/* Write the oldest, when it is packed. */
static enum hs_status write_oldest(struct hs_slice_queue *q,
				   struct hs_error *err)
{
	struct slot *s = &q->slot[q->head];
	(void)pthread_mutex_lock(&q->lock);
	/* Rather than wait, help. */
	while (s->stage != PACKED)
		if (!pack_next(q))
			(void)pthread_cond_wait(&q->done, &q->lock);
	(void)pthread_mutex_unlock(&q->lock);
	enum hs_status st = write_slot(q, s, err);
	if (s->job.len > LARGE)
		hs_slice_packer_forget(s->packer);
	job_clear(&s->job);
	s->packed = NULL;
	s->err = (struct hs_error){ 0 };
	(void)pthread_mutex_lock(&q->lock);
	s->stage = FREE;
	(void)pthread_mutex_unlock(&q->lock);
	q->head = (q->head + 1) % q->count;
	q->used--;
	return st;
}

enum hs_status hs_slice_queue_job(struct hs_slice_queue *q,
				  struct hs_slice_job **ret,
				  struct hs_error *err)
{
	if (q->used == q->count) {
		enum hs_status st = write_oldest(q, err);
		if (st)
			return st;
	}
	*ret = &q->slot[(q->head + q->used) % q->count].job;
	job_clear(*ret);
	return HS_OK;
}

enum hs_status hs_slice_queue_put(struct hs_slice_queue *q,
				  struct hs_error *err)
{
	struct slot *s = &q->slot[(q->head + q->used) % q->count];
	enum hs_status st = hs_byte_buf_check(&s->job.front, err);
	if (st)
		return st;
	(void)pthread_mutex_lock(&q->lock);
	s->stage = READY;
	q->used++;
	(void)pthread_cond_signal(&q->work);
	(void)pthread_mutex_unlock(&q->lock);
	return s->job.len > LARGE ? hs_slice_queue_flush(q, err) : HS_OK;
}

enum hs_status hs_slice_queue_flush(struct hs_slice_queue *q,
				    struct hs_error *err)
{
	enum hs_status st = HS_OK;
	while (!st && q->used > 0)
		st = write_oldest(q, err);
	return st;
}

/* ---- the queue itself ---- */

static enum hs_status make_slots(struct hs_slice_queue *q, size_t workers,
				 struct hs_error *err)
{
	q->count = workers * JOBS_PER_WORKER;
	q->slot = calloc(q->count, sizeof(*q->slot));
	if (!q->slot)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	enum hs_status st = HS_OK;
	for (size_t i = 0; !st && i < q->count; i++)
		st = hs_slice_packer_new(q->codec, &q->slot[i].packer, err);
	return st;
}

enum hs_status hs_slice_queue_new(enum hs_slice_codec codec,
				  struct hs_slice_sink *sink,
				  struct hs_slice_queue **ret,
				  struct hs_error *err)
{
	size_t workers = hs_workers_count(HS_LIMIT_WORKERS);
	struct hs_slice_queue *q = calloc(1, sizeof(*q));
	if (!q)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	q->codec = codec;
	q->sink = sink;
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)pthread_cond_init(&q->work, NULL);
	(void)pthread_cond_init(&q->done, NULL);
	enum hs_status st = make_slots(q, workers, err);
	if (st) {
		hs_slice_queue_free(q);
		return st;
	}
	/* Where no threads are to be had, the one that writes does it all. */
	while (q->threads < workers &&
	       pthread_create(&q->thread[q->threads], NULL, worker, q) == 0)
		q->threads++;
	*ret = q;
	return HS_OK;
}

void hs_slice_queue_free(struct hs_slice_queue *q)
{
	if (!q)
		return;
	(void)pthread_mutex_lock(&q->lock);
	q->stop = true;
	(void)pthread_cond_broadcast(&q->work);
	(void)pthread_mutex_unlock(&q->lock);
	for (size_t i = 0; i < q->threads; i++)
		(void)pthread_join(q->thread[i], NULL);
	for (size_t i = 0; q->slot && i < q->count; i++) {
		struct slot *s = &q->slot[i];
		job_clear(&s->job);
		free(s->job.piece);
		hs_byte_buf_release(&s->job.front);
		hs_slice_packer_free(s->packer);
	}
	free(q->slot);
	(void)pthread_cond_destroy(&q->work);
	(void)pthread_cond_destroy(&q->done);
	(void)pthread_mutex_destroy(&q->lock);
	free(q);
}
