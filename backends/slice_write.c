/* SPDX-License-Identifier: MIT */
#include "backends/slice_write.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backends/dump_map.h"
#include "backends/slice_describe.h"
#include "backends/slice_parts.h"
#include "backends/slice_queue.h"
#include "backends/slice_series.h"
#include "backends/slice_sink.h"
#include "core/cleanup.h"

/* What of a mapping goes into one block. Packed ones are small, so that they
 * are packed and unpacked by many threads, only those are unpacked that are
 * looked at, and damage costs no more than one; zstd's window is not much more
 * than a tenth of it. Those that are stored lose nothing by being large. */
#define PART_PACKED ((uint64_t)4 << 20)
#define PART_STORED ((uint64_t)2 << 30)

#define CLOCK_KIND_REALTIME 1u

/* What is needed while writing. */
struct writer {
	const struct hs_target *target;
	const struct hs_capture_options *opt;
	struct hs_slice_sink sink;
	struct hs_slice_queue *queue; /* NULL: nothing is packed */
	uint64_t part;                /* bytes of memory in one block */
	struct hs_dump_reader reader;
	uint64_t taken_ns;
	uint8_t (*uuid)[SLICE_UUID_LEN]; /* of the modules */
	uint8_t list_uuid[SLICE_UUID_LEN];
	struct hs_capture_result result;
};

static void writer_release(struct writer *w)
{
	hs_slice_queue_free(w->queue);
	hs_slice_sink_release(&w->sink);
	hs_dump_reader_release(&w->reader);
	free(w->uuid);
}

static uint64_t now_ns(void)
{
	struct timespec t = { 0 };
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool imports(const struct writer *w)
{
	return w->target->backend->kind == HS_TARGET_CORE;
}

/* Slices that this one refers to. */
static size_t bases(const struct writer *w)
{
	return w->opt->series ? hs_series_base_count(w->opt->series) : 0;
}

/* ---- blocks that are no memory ---- */

/* UUID may be NULL: a new one. PARENT may be NULL: none. */
static enum hs_status put_block(struct writer *w, unsigned type, unsigned flags,
				const uint8_t *uuid, const uint8_t *parent,
				struct hs_byte_buf *payload,
				struct hs_error *err)
{
	struct hs_slice_head head = {
		.type = (uint16_t)type,
		.flags = (uint16_t)flags,
		.version = SLICE_PAYLOAD_VERSION,
	};
	enum hs_status st = hs_byte_buf_check(payload, err);
	if (!st && uuid)
		memcpy(head.uuid, uuid, SLICE_UUID_LEN);
	else if (!st)
		st = hs_slice_uuid(head.uuid, err);
	if (parent)
		memcpy(head.parent, parent, SLICE_UUID_LEN);
	if (!st)
		st = hs_slice_sink_block(&w->sink, &head, payload->len, err);
	if (!st)
		st = hs_slice_sink_bytes(&w->sink, payload->bytes, payload->len,
					 err);
	payload->len = 0;
	return st;
}

static enum hs_status put_modules(struct writer *w, struct hs_byte_buf *buf,
				  struct hs_error *err)
{
	size_t count = w->target->modules.count;
	hs_slice_put_module_list(buf, w->target, w->uuid[0]);
	enum hs_status st = put_block(w, SLICE_BLOCK_MODULE_LIST,
				      count ? SLICE_HAS_CHILDREN : 0,
				      w->list_uuid, NULL, buf, err);
	for (size_t i = 0; !st && i < count; i++) {
		hs_slice_put_module(buf, w->target, i);
		st = put_block(w, SLICE_BLOCK_MODULE, 0, w->uuid[i],
			       w->list_uuid, buf, err);
	}
	return st;
}

/* Any reader is told which dumps this one goes with. */
static enum hs_status put_related(struct writer *w, struct hs_byte_buf *buf,
				  struct hs_error *err)
{
	enum hs_status st = HS_OK;
	for (size_t i = 0; !st && i < bases(w); i++) {
		hs_byte_buf_put(buf, hs_series_base_uuid(w->opt->series, i),
				SLICE_UUID_LEN);
		hs_byte_buf_uint(
			buf, w->target->pid > 0 ? (uint64_t)w->target->pid : 0,
			4);
		hs_byte_buf_uint(buf, 0, 4); /* how: no word fits */
		st = put_block(w, SLICE_BLOCK_RELATED, 0, NULL, NULL, buf, err);
	}
	return st;
}

static enum hs_status put_tables(struct writer *w, struct hs_error *err)
{
	HS_CLEANUP(hs_byte_buf_release) struct hs_byte_buf buf = { 0 };
	enum hs_status st = HS_OK;
	if (imports(w)) {
		hs_slice_put_provenance(&buf, w->target, now_ns());
		st = put_block(w, SLICE_BLOCK_PROVENANCE, 0, NULL, NULL, &buf,
			       err);
	}
	hs_slice_put_process(&buf, w->target, w->opt->redact != NULL);
	if (!st)
		st = put_block(w, SLICE_BLOCK_PROCESS, 0, NULL, NULL, &buf,
			       err);
	if (!st)
		st = put_modules(w, &buf, err);
	if (!st)
		st = put_related(w, &buf, err);
	for (size_t i = 0; !st && i < w->target->threads.count; i++) {
		hs_slice_put_thread(&buf, w->target, i, w->opt->redact != NULL);
		st = put_block(w, SLICE_BLOCK_THREAD, 0, NULL, NULL, &buf, err);
		if (w->target->threads.thread[i].fp)
			w->result.lost |= HS_LOST_FP_REGISTERS;
	}
	return st;
}

static enum hs_status put_build_ids(struct writer *w, struct hs_error *err)
{
	HS_CLEANUP(hs_byte_buf_release) struct hs_byte_buf buf = { 0 };
	if (!hs_slice_put_build_ids(&buf, w->target))
		return HS_OK;
	return put_block(w, SLICE_BLOCK_BUILD_IDS, 0, NULL, NULL, &buf, err);
}

/* ---- memory ---- */

/* Without redaction these are the target's own bytes, which stay. */
static enum hs_status to_job(void *arg, const uint8_t *bytes, size_t len,
			     struct hs_error *err)
{
	struct hs_slice_job *job = arg;
	if (job->copy) {
		memcpy(job->copy + job->copy_len, bytes, len);
		bytes = job->copy + job->copy_len;
		job->copy_len += len;
	}
	return hs_slice_job_add(job, bytes, len, err);
}

static enum hs_status to_sink(void *arg, const uint8_t *bytes, size_t len,
			      struct hs_error *err)
{
	return hs_slice_sink_bytes(arg, bytes, len, err);
}

static enum hs_status read_part(struct writer *w, const struct hs_dump_map *m,
				const struct hs_slice_part *p, hs_dump_fn fn,
				void *arg, struct hs_error *err)
{
	enum hs_status st = HS_OK;
	for (size_t i = p->first; !st && i < p->first + p->count; i++) {
		const struct hs_dump_run *r = &m->run[i];
		if (r->state != HS_DUMP_CAPTURED)
			continue;
		st = hs_dump_read(
			&w->reader, r->start > p->start ? r->start : p->start,
			r->end < p->end ? r->end : p->end, fn, arg, err);
	}
	return st;
}

static enum hs_status put_stored(struct writer *w, const struct hs_dump_map *m,
				 const struct hs_slice_part *p,
				 const struct hs_slice_head *head,
				 struct hs_error *err)
{
	HS_CLEANUP(hs_byte_buf_release) struct hs_byte_buf front = { 0 };
	enum hs_status st =
		hs_slice_put_front(&front, w->target, w->taken_ns, m, p, err);
	if (!st)
		st = hs_slice_sink_block(&w->sink, head,
					 front.len + p->captured, err);
	if (!st)
		st = hs_slice_sink_bytes(&w->sink, front.bytes, front.len, err);
	return st ? st : read_part(w, m, p, to_sink, &w->sink, err);
}

static enum hs_status put_packed(struct writer *w, const struct hs_dump_map *m,
				 const struct hs_slice_part *p,
				 const struct hs_slice_head *head,
				 struct hs_error *err)
{
	struct hs_slice_job *job;
	enum hs_status st = hs_slice_queue_job(w->queue, &job, err);
	if (st)
		return st;
	job->head = *head;
	job->pack = true;
	if (w->opt->redact && p->captured > 0) {
		job->copy = malloc((size_t)p->captured);
		if (!job->copy)
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	st = hs_slice_put_front(&job->front, w->target, w->taken_ns, m, p, err);
	if (!st)
		st = read_part(w, m, p, to_job, job, err);
	return st ? st : hs_slice_queue_put(w->queue, err);
}

/* Who has the pages of P that are not in this file; BUF may stay empty. */
static enum hs_status find_references(struct writer *w,
				      const struct hs_dump_map *m,
				      const struct hs_slice_part *p,
				      struct hs_byte_buf *buf,
				      struct hs_error *err)
{
	bool any;
	return w->opt->series ? hs_series_put(w->opt->series, m->run + p->first,
					      p->count, p->start, p->end, buf,
					      &any, err)
			      : HS_OK;
}

static enum hs_status put_references(struct writer *w,
				     struct hs_byte_buf *references,
				     const uint8_t *parent,
				     struct hs_error *err)
{
	struct hs_slice_job *job;
	if (!w->queue)
		return put_block(w, SLICE_BLOCK_PAGE_REFERENCES, 0, NULL,
				 parent, references, err);
	enum hs_status st = hs_slice_queue_job(w->queue, &job, err);
	if (st)
		return st;
	struct hs_byte_buf empty = job->front;
	job->head.type = SLICE_BLOCK_PAGE_REFERENCES;
	job->head.version = SLICE_PAYLOAD_VERSION;
	memcpy(job->head.parent, parent, SLICE_UUID_LEN);
	job->front = *references;
	*references = empty;
	st = hs_slice_uuid(job->head.uuid, err);
	return st ? st : hs_slice_queue_put(w->queue, err);
}

static enum hs_status put_part(struct writer *w, const struct hs_dump_map *m,
			       const struct hs_slice_part *p,
			       struct hs_slice_head *head, struct hs_error *err)
{
	HS_CLEANUP(hs_byte_buf_release) struct hs_byte_buf references = { 0 };
	enum hs_status st = find_references(w, m, p, &references, err);
	if (references.len > 0)
		head->flags |= SLICE_HAS_CHILDREN;
	if (!st)
		st = w->queue ? put_packed(w, m, p, head, err)
			      : put_stored(w, m, p, head, err);
	if (!st && references.len > 0)
		st = put_references(w, &references, head->uuid, err);
	return st;
}

/*
 * A mapping in parts. They are continuations as the format has them only where
 * one block could not hold it: known readers fail on that flag, and read parts
 * as regions of their own. That they belong together is said by their parent.
 */
static enum hs_status put_map(struct writer *w, const struct hs_dump_map *m,
			      struct hs_error *err)
{
	uint64_t pages = (m->end - m->start) / HS_DUMP_PAGE;
	bool too_large = m->captured > HS_SLICE_PAYLOAD_MAX ||
			 pages / 4 + m->captured + SLICE_REGION_LEN + 8 >
				 HS_SLICE_PAYLOAD_MAX;
	uint8_t first_uuid[SLICE_UUID_LEN] = { 0 };
	hs_addr at = m->start;
	size_t run = 0;
	enum hs_status st = HS_OK;
	while (!st && at < m->end) {
		struct hs_slice_part p =
			hs_slice_part_next(m, at, run, w->part);
		struct hs_slice_head head = {
			.type = SLICE_BLOCK_REGION,
			.version = SLICE_PAYLOAD_VERSION,
		};
		st = hs_slice_uuid(head.uuid, err);
		if (at == m->start) {
			memcpy(first_uuid, head.uuid, sizeof(first_uuid));
			if (p.end < m->end)
				head.flags = SLICE_HAS_CHILDREN;
		} else {
			memcpy(head.parent, first_uuid, sizeof(first_uuid));
			if (too_large)
				head.flags = SLICE_CONTINUATION;
		}
		if (!st)
			st = put_part(w, m, &p, &head, err);
		at = p.end;
		while (run < m->count && m->run[run].end <= at)
			run++;
	}
	return st;
}

static void count_map(struct writer *w, const struct hs_dump_map *m)
{
	struct hs_capture_result *r = &w->result;
	r->captured += m->captured;
	if (m->cut)
		r->lost |= HS_LOST_BYTES;
	if (m->map->path && m->map->path[0] == '/' &&
	    hs_target_find_module(w->target, m->map->start) == SIZE_MAX)
		r->lost |= HS_LOST_FILE_NAMES;
	for (size_t i = 0; i < m->count; i++) {
		uint64_t len = m->run[i].end - m->run[i].start;
		if (m->excluded)
			r->left_out += len;
		else if (m->run[i].state == HS_DUMP_FAILED)
			r->missing += len;
		else if (m->run[i].state == HS_DUMP_REFERRED)
			r->unchanged += len;
	}
}

static enum hs_status put_memory(struct writer *w, struct hs_error *err)
{
	hs_addr before = 0;
	enum hs_status st = HS_OK;
	for (size_t i = 0; !st && i < w->target->maps.count; i++) {
		HS_CLEANUP(hs_dump_map_release) struct hs_dump_map m = { 0 };
		st = hs_dump_map_describe(w->target, w->opt, i, before, &m,
					  err);
		if (!st && w->opt->series)
			st = hs_series_split(w->opt->series, &m, err);
		if (!st)
			st = put_map(w, &m, err);
		if (!st)
			count_map(w, &m);
		before = m.end > before ? m.end : before;
	}
	return st || !w->queue ? st : hs_slice_queue_flush(w->queue, err);
}

/* ---- the file ---- */

static enum hs_status describe_file(const struct writer *w, const char *path,
				    struct hs_slice_header *h,
				    struct hs_error *err)
{
	static const uint8_t hashes[] = {
		[HS_CAPTURE_BLAKE3] = SLICE_HASH_BLAKE3,
		[HS_CAPTURE_SHA256] = SLICE_HASH_SHA256,
		[HS_CAPTURE_SHA512_256] = SLICE_HASH_SHA512_256,
		[HS_CAPTURE_SAME_HASH] = SLICE_HASH_BLAKE3,
	};
	static const uint16_t archs[] = {
		[HS_ARCH_X86_64] = SLICE_ARCH_X86_64,
		[HS_ARCH_I386] = SLICE_ARCH_X86,
		[HS_ARCH_AARCH64] = SLICE_ARCH_ARM64,
	};
	const struct hs_target *t = w->target;
	*h = (struct hs_slice_header){
		/* Thread contexts and the like are newer than 1.0. */
		.version = SLICE_VERSION_1_1,
		.flags = (imports(w) ? SLICE_IMPORTED : 0) |
			 (w->opt->encrypt ? SLICE_ENCRYPTED : 0) |
			 (w->opt->redact ? SLICE_REDACTED : 0),
		.capabilities =
			1u << SLICE_CAP_MODULES | 1u << SLICE_CAP_IDENTITY,
		.timestamp = w->taken_ns,
		.os = SLICE_OS_LINUX,
		.arch = archs[t->arch],
		.pid = t->pid > 0 ? (uint32_t)t->pid : 0,
		.clock = t->taken_ns ? CLOCK_KIND_REALTIME : 0,
		.hash = hashes[w->opt->hash],
	};
	if (t->maps.count > 0)
		h->capabilities |= 1u << SLICE_CAP_REGIONS;
	if (t->threads.count > 0)
		h->capabilities |= 1u << SLICE_CAP_THREADS;
	enum hs_status st = hs_slice_uuid(h->uuid, err);
	if (!st && w->opt->series)
		st = hs_series_begin(w->opt->series, t, w->opt, h->hash,
				     h->uuid, path, err);
	if (!st && bases(w) > 0)
		h->capabilities |= 1u << SLICE_CAP_RELATED;
	return st;
}

/* A core does not say when it was taken; its file is about as old. */
static uint64_t when_taken(const struct hs_target *t)
{
	struct stat s;
	if (t->taken_ns)
		return t->taken_ns;
	if (t->path && stat(t->path, &s) == 0 && s.st_mtim.tv_sec > 0)
		return (uint64_t)s.st_mtim.tv_sec * 1000000000 +
		       (uint64_t)s.st_mtim.tv_nsec;
	return now_ns();
}

static enum hs_status prepare(struct writer *w, struct hs_error *err)
{
	size_t count = w->target->modules.count;
	enum hs_status st = HS_OK;
	w->reader =
		(struct hs_dump_reader){ .target = w->target, .opt = w->opt };
	for (size_t i = 0; i < w->target->maps.count; i++)
		w->reader.total += w->target->maps.map[i].captured;
	w->taken_ns = when_taken(w->target);
	w->uuid = calloc(count + 1, sizeof(*w->uuid));
	if (!w->uuid)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; !st && i < count; i++)
		st = hs_slice_uuid(w->uuid[i], err);
	if (!st)
		st = hs_slice_uuid(w->list_uuid, err);
	w->part =
		w->opt->codec == HS_CAPTURE_STORED ? PART_STORED : PART_PACKED;
	if (!st && w->opt->codec != HS_CAPTURE_STORED)
		st = hs_slice_queue_new(w->opt->codec == HS_CAPTURE_LZ4
						? HS_SLICE_LZ4
						: HS_SLICE_ZSTD,
					&w->sink, &w->queue, err);
	return st;
}

enum hs_status hs_slice_write(const struct hs_target *target,
			      const struct hs_capture_options *opt,
			      const char *path, struct hs_out_file *out,
			      struct hs_capture_result *ret,
			      struct hs_error *err)
{
	HS_CLEANUP(writer_release)
	struct writer w = { .target = target, .opt = opt };
	struct hs_slice_header h;
	if (target->modules.count > UINT32_MAX ||
	    target->threads.count > UINT32_MAX)
		return hs_fail(err, HS_ERR_LIMIT, "too many modules");
	enum hs_status st = prepare(&w, err);
	if (!st)
		st = describe_file(&w, path, &h, err);
	if (!st)
		st = hs_slice_sink_start(&w.sink, out, &h, path, opt->secret,
					 opt->secret_arg, err);
	if (!st)
		st = put_tables(&w, err);
	if (!st)
		st = put_memory(&w, err);
	if (!st)
		st = put_build_ids(&w, err);
	if (!st)
		st = hs_slice_sink_finish(&w.sink, now_ns(), NULL, err);
	if (st)
		return st;
	if (target->signal)
		w.result.lost |= HS_LOST_SIGNAL;
	*ret = w.result;
	return HS_OK;
}
