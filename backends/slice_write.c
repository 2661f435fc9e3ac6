/* SPDX-License-Identifier: MIT */
#include "backends/slice_write.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backends/dump_map.h"
#include "backends/slice_describe.h"
#include "backends/slice_pack.h"
#include "backends/slice_put.h"
#include "backends/slice_series.h"
#include "backends/slice_sink.h"
#include "core/cleanup.h"

/*
 * A mapping larger than this goes into more than one block: what is packed is
 * held in memory until its length is known, and lz4 needs its input as well.
 */
#define PART_ZSTD ((uint64_t)1 << 30)
#define PART_LZ4 ((uint64_t)256 << 20)
#define PART_STORED ((uint64_t)2 << 30)
/* A hole like that gets a block of its own, which can have larger pages. */
#define HOLE ((uint64_t)1 << 30)
/* Pages of a block: their states take 4 MiB. */
#define PAGES_MAX ((uint64_t)1 << 24)

#define CLOCK_KIND_REALTIME 1u

/* What is needed while writing. */
struct writer {
	const struct hs_target *target;
	const struct hs_capture_options *opt;
	struct hs_slice_sink sink;
	struct hs_slice_packer *packer; /* NULL: nothing is packed */
	enum hs_slice_codec codec;
	uint64_t part; /* bytes of memory in one block */
	struct hs_dump_reader reader;
	uint64_t taken_ns;
	uint8_t (*uuid)[SLICE_UUID_LEN]; /* of the modules */
	uint8_t list_uuid[SLICE_UUID_LEN];
	struct hs_capture_result result;
};

static void writer_release(struct writer *w)
{
	hs_slice_sink_release(&w->sink);
	hs_slice_packer_free(w->packer);
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

/* A piece of a mapping on its way into one block. */
struct part {
	hs_addr start, end;
	size_t first, count; /* runs of the mapping that it touches */
	unsigned shift;      /* of its pages */
	uint64_t captured;   /* bytes */
};

/* The part of M that begins at START, in run FIRST. */
static struct part next_part(const struct writer *w,
			     const struct hs_dump_map *m, hs_addr start,
			     size_t first)
{
	struct part p = { start, start, first, 0, 12, 0 };
	for (size_t i = first; i < m->count; i++) {
		const struct hs_dump_run *r = &m->run[i];
		uint64_t len = r->end - p.end;
		uint64_t room = PAGES_MAX * HS_DUMP_PAGE - (p.end - start);
		if (r->state != HS_DUMP_CAPTURED &&
		    r->state != HS_DUMP_REFERRED && len >= HOLE) {
			if (p.end > start)
				break;
			/* As few pages as its size allows, not more than fit
			 * into one block; the rest is another part. */
			while (len >> p.shift > 1 << 16)
				p.shift++;
			p.end += len >> p.shift << p.shift;
			p.count = 1;
			return p;
		}
		if (r->state == HS_DUMP_CAPTURED && room > w->part - p.captured)
			room = w->part - p.captured;
		if (len > room)
			len = room;
		if (len == 0)
			break;
		p.end += len;
		p.count++;
		if (r->state == HS_DUMP_CAPTURED)
			p.captured += len;
		if (p.end < r->end)
			break;
	}
	return p;
}

static void set_states(uint8_t *map, uint64_t page, uint64_t count,
		       unsigned state)
{
	static const uint8_t whole[] = { 0x00, 0x55, 0xaa };
	for (uint64_t end = page + count; page < end;) {
		if (page % 4 == 0 && end - page >= 4) {
			map[page / 4] = whole[state];
			page += 4;
			continue;
		}
		map[page / 4] |= (uint8_t)(state << (6 - page % 4 * 2));
		page++;
	}
}

static const unsigned state_codes[] = {
	[HS_DUMP_CAPTURED] = SLICE_PAGE_CAPTURED,
	[HS_DUMP_FAILED] = SLICE_PAGE_FAILED,
	[HS_DUMP_UNMAPPED] = SLICE_PAGE_UNMAPPED,
	/* Not in this file, as any reader sees it; a block behind says where.
	 */
	[HS_DUMP_REFERRED] = SLICE_PAGE_FAILED,
};

/* What stands before the pages: fixed part and page states. */
static enum hs_status put_front(const struct writer *w,
				const struct hs_dump_map *m,
				const struct part *p, struct hs_byte_buf *buf,
				struct hs_error *err)
{
	uint64_t pages = (p->end - p->start) >> p->shift;
	unsigned prot = (m->map->prot & HS_PROT_READ ? SLICE_PROT_READ : 0) |
			(m->map->prot & HS_PROT_WRITE ? SLICE_PROT_WRITE : 0) |
			(m->map->prot & HS_PROT_EXEC ? SLICE_PROT_EXEC : 0);
	hs_byte_buf_uint(buf, p->start, 8);
	hs_byte_buf_uint(buf, p->end - p->start, 8);
	hs_byte_buf_uint(buf, prot, 1);
	hs_byte_buf_uint(buf, hs_slice_region_type(w->target, m->map), 1);
	hs_byte_buf_uint(buf, p->shift, 1);
	hs_byte_buf_zeroes(buf, 5);
	hs_byte_buf_uint(buf, w->taken_ns, 8);
	hs_byte_buf_zeroes(buf, SLICE_PAD8((pages + 3) / 4));
	enum hs_status st = hs_byte_buf_check(buf, err);
	if (st)
		return st;
	for (size_t i = p->first; i < p->first + p->count; i++) {
		const struct hs_dump_run *r = &m->run[i];
		hs_addr from = r->start > p->start ? r->start : p->start;
		hs_addr to = r->end < p->end ? r->end : p->end;
		set_states(buf->bytes + SLICE_REGION_LEN,
			   (from - p->start) >> p->shift,
			   (to - from) >> p->shift, state_codes[r->state]);
	}
	return HS_OK;
}

static enum hs_status to_packer(void *arg, const uint8_t *bytes, size_t len,
				struct hs_error *err)
{
	return hs_slice_packer_feed(arg, bytes, len, err);
}

static enum hs_status to_sink(void *arg, const uint8_t *bytes, size_t len,
			      struct hs_error *err)
{
	return hs_slice_sink_bytes(arg, bytes, len, err);
}

static enum hs_status read_part(struct writer *w, const struct hs_dump_map *m,
				const struct part *p, hs_dump_fn fn, void *arg,
				struct hs_error *err)
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
				 const struct part *p,
				 const struct hs_slice_head *head,
				 const struct hs_byte_buf *front,
				 struct hs_error *err)
{
	enum hs_status st = hs_slice_sink_block(&w->sink, head,
						front->len + p->captured, err);
	if (!st)
		st = hs_slice_sink_bytes(&w->sink, front->bytes, front->len,
					 err);
	return st ? st : read_part(w, m, p, to_sink, &w->sink, err);
}

/* *PACKED is false, and nothing was written, when it would not pay. */
static enum hs_status put_packed(struct writer *w, const struct hs_dump_map *m,
				 const struct part *p,
				 const struct hs_slice_head *head,
				 const struct hs_byte_buf *front, bool *packed,
				 struct hs_error *err)
{
	uint64_t total = front->len + p->captured;
	uint64_t done = w->reader.done;
	const uint8_t *bytes;
	size_t len;
	struct hs_slice_head h = *head;
	enum hs_status st = hs_slice_packer_start(w->packer, total, err);
	if (!st)
		st = hs_slice_packer_feed(w->packer, front->bytes, front->len,
					  err);
	if (!st)
		st = read_part(w, m, p, to_packer, w->packer, err);
	if (!st)
		st = hs_slice_packer_finish(w->packer, &bytes, &len, err);
	if (st)
		return st;
	*packed = len < total;
	if (!*packed) {
		w->reader.done = done; /* it will be read once more */
		return HS_OK;
	}
	h.flags |= hs_slice_packer_flags(w->codec);
	st = hs_slice_sink_block(&w->sink, &h, len, err);
	return st ? st : hs_slice_sink_bytes(&w->sink, bytes, len, err);
}

static enum hs_status put_part(struct writer *w, const struct hs_dump_map *m,
			       const struct part *p,
			       const struct hs_slice_head *head,
			       struct hs_error *err)
{
	HS_CLEANUP(hs_byte_buf_release) struct hs_byte_buf front = { 0 };
	bool packed = false;
	enum hs_status st = put_front(w, m, p, &front, err);
	if (!st && w->packer)
		st = put_packed(w, m, p, head, &front, &packed, err);
	if (st || packed)
		return st;
	return put_stored(w, m, p, head, &front, err);
}

/* Who has the pages of P that are not in this file. */
static enum hs_status put_references(struct writer *w,
				     const struct hs_dump_map *m,
				     const struct part *p,
				     struct hs_byte_buf *buf,
				     struct hs_error *err)
{
	bool any;
	return w->opt->series ? hs_series_put(w->opt->series, m->run + p->first,
					      p->count, p->start, p->end, buf,
					      &any, err)
			      : HS_OK;
}

static enum hs_status put_map(struct writer *w, const struct hs_dump_map *m,
			      struct hs_error *err)
{
	uint8_t first_uuid[SLICE_UUID_LEN] = { 0 };
	hs_addr at = m->start;
	size_t run = 0;
	enum hs_status st = HS_OK;
	while (!st && at < m->end) {
		struct part p = next_part(w, m, at, run);
		HS_CLEANUP(hs_byte_buf_release)
		struct hs_byte_buf references = { 0 };
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
			head.flags = SLICE_CONTINUATION;
		}
		if (!st)
			st = put_references(w, m, &p, &references, err);
		if (references.len > 0)
			head.flags |= SLICE_HAS_CHILDREN;
		if (!st)
			st = put_part(w, m, &p, &head, err);
		if (!st && references.len > 0)
			st = put_block(w, SLICE_BLOCK_PAGE_REFERENCES, 0, NULL,
				       head.uuid, &references, err);
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
	return st;
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
	w->part = PART_STORED;
	w->codec = HS_SLICE_STORED;
	if (w->opt->codec == HS_CAPTURE_ZSTD ||
	    w->opt->codec == HS_CAPTURE_SAME_CODEC) {
		w->codec = HS_SLICE_ZSTD;
		w->part = PART_ZSTD;
	} else if (w->opt->codec == HS_CAPTURE_LZ4) {
		w->codec = HS_SLICE_LZ4;
		w->part = PART_LZ4;
	}
	if (!st && w->codec != HS_SLICE_STORED)
		st = hs_slice_packer_new(w->codec, &w->packer, err);
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
