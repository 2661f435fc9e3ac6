/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/slice_file.h"
#include "backends/slice_queue.h"
#include "backends/slice_write.h"
#include "core/cleanup.h"
#include "core/cursor.h"

/*
 * A slice written once more, block by block: types, identities and order stay,
 * also of blocks that we do not understand. Only what the codec, the hash and
 * the cipher make of them changes.
 */
struct rewriter {
	const struct hs_slice *slice;
	const struct hs_capture_options *opt;
	struct hs_slice_sink sink;
	struct hs_slice_queue *queue; /* NULL: nothing is to be packed */
	enum hs_slice_codec codec;    /* wanted; with KEEP of no meaning */
	bool keep;                    /* each block stays packed as it is */
	struct hs_capture_result result;
};

static void rewriter_release(struct rewriter *w)
{
	hs_slice_queue_free(w->queue);
	hs_slice_sink_release(&w->sink);
}

/* *RET is the caller's to free. */
static enum hs_status unpack(const struct hs_slice_packed *packed,
			     uint8_t **ret, size_t *got, struct hs_error *err)
{
	if (packed->size > SIZE_MAX)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	size_t len = packed->size ? (size_t)packed->size : 1;
	HS_AUTO_FREE uint8_t *bytes = malloc(len);
	if (!bytes)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for %zu bytes of a block", len);
	enum hs_status st = hs_slice_unpack(packed, bytes, len, got, err);
	if (!st && packed->size_known && *got != packed->size)
		return hs_fail(err, HS_ERR_FORMAT,
			       "a compressed block ends after %zu of its "
			       "%" PRIu64 " bytes",
			       *got, packed->size);
	if (!st)
		*ret = HS_TAKE(bytes);
	return st;
}

/* What comes before a region's pages: as whoever writes one anew has it. */
static size_t front_of(const uint8_t *payload, size_t len)
{
	struct hs_slice_packed whole = {
		.bytes = payload, .len = len, .size = len, .size_known = true
	};
	struct hs_slice_region r;
	if (hs_slice_region_parse(&whole, false, false, &r, NULL))
		return 0;
	hs_slice_region_release(&r);
	return (size_t)r.data;
}

/* COPY, which may be NULL, is what PAYLOAD points into; it is taken over. */
static enum hs_status put(struct rewriter *w, const struct hs_slice_head *head,
			  bool pack, const uint8_t *payload, size_t len,
			  uint8_t *copy, struct hs_error *err)
{
	HS_AUTO_FREE uint8_t *owned = copy;
	struct hs_slice_job *job;
	if (!w->queue) {
		enum hs_status st =
			hs_slice_sink_block(&w->sink, head, len, err);
		return st ? st
			  : hs_slice_sink_bytes(&w->sink, payload, len, err);
	}
	enum hs_status st = hs_slice_queue_job(w->queue, &job, err);
	if (st)
		return st;
	size_t front = pack ? front_of(payload, len) : 0;
	job->head = *head;
	job->pack = pack;
	job->copy = HS_TAKE(owned);
	hs_byte_buf_put(&job->front, payload, front);
	st = hs_slice_job_add(job, payload + front, len - front, err);
	return st ? st : hs_slice_queue_put(w->queue, err);
}

static enum hs_status put_block(struct rewriter *w,
				const struct hs_slice_block *b,
				struct hs_error *err)
{
	const uint8_t *raw = hs_slice_block_bytes(w->slice, b);
	const uint8_t *payload = raw + SLICE_BLOCK_HEADER_LEN;
	size_t len = b->length - SLICE_BLOCK_HEADER_LEN;
	struct hs_slice_head head = {
		.type = b->type,
		.flags = b->flags,
		.version = b->version,
	};
	struct hs_slice_packed packed;
	HS_AUTO_FREE uint8_t *unpacked = NULL;
	memcpy(head.uuid, raw + SLICE_AT_BLOCK_UUID, SLICE_UUID_LEN);
	memcpy(head.parent, raw + SLICE_AT_PARENT_UUID, SLICE_UUID_LEN);
	enum hs_status st = hs_slice_packed_parse(b->flags, payload, len,
						  w->slice->header.big_endian,
						  &packed, err);
	if (st)
		return st;
	bool stored = packed.codec == HS_SLICE_STORED;
	/* Framed the other way it is a file that few can read: not again. */
	if ((w->keep && !packed.is_b) ||
	    (packed.codec == w->codec && !packed.is_b && !w->keep) ||
	    (stored && b->type != SLICE_BLOCK_REGION))
		return put(w, &head, false, payload, len, NULL, err);
	head.flags &= (uint16_t) ~(SLICE_COMPRESSED | 3u << 1);
	if (!stored) {
		st = unpack(&packed, &unpacked, &len, err);
		payload = unpacked;
	}
	if (st)
		return st;
	bool pack = w->queue && b->type == SLICE_BLOCK_REGION &&
		    SLICE_PAD8(len) <= hs_slice_packer_max(w->codec);
	return put(w, &head, pack, payload, len, HS_TAKE(unpacked), err);
}

/* What is wrong with the file would be gone from its copy. */
static enum hs_status check_sound(const struct rewriter *w,
				  struct hs_error *err)
{
	const struct hs_slice *s = w->slice;
	struct hs_slice_integrity in;
	if (s->header.big_endian || s->header.legacy)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "'%s' is laid out in a way that is not written "
			       "again",
			       s->path);
	if (s->base_count > 0)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "'%s' has pages in other slices: write it as a "
			       "target",
			       s->path);
	if (s->end == SIZE_MAX || !s->whole)
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' is not whole, which its copy would not "
			       "show",
			       s->path);
	enum hs_status st = hs_slice_verify(s, w->opt->progress,
					    w->opt->progress_arg, &in, err);
	if (st)
		return st;
	if (in.chain == HS_SLICE_CHAIN_BROKEN ||
	    in.file_hash == HS_SLICE_FILE_HASH_MISMATCH)
		return hs_fail(err, HS_ERR_FORMAT,
			       "the hashes of '%s' do not hold, which its copy "
			       "would not show; `heapscan verify` tells more",
			       s->path);
	return HS_OK;
}

static enum hs_status prepare(struct rewriter *w, struct hs_slice_header *h,
			      struct hs_error *err)
{
	static const enum hs_slice_codec codecs[] = {
		[HS_CAPTURE_ZSTD] = HS_SLICE_ZSTD,
		[HS_CAPTURE_LZ4] = HS_SLICE_LZ4,
		[HS_CAPTURE_STORED] = HS_SLICE_STORED,
		[HS_CAPTURE_SAME_CODEC] = HS_SLICE_ZSTD,
	};
	static const uint8_t hashes[] = {
		[HS_CAPTURE_BLAKE3] = SLICE_HASH_BLAKE3,
		[HS_CAPTURE_SHA256] = SLICE_HASH_SHA256,
		[HS_CAPTURE_SHA512_256] = SLICE_HASH_SHA512_256,
	};
	enum hs_status st = check_sound(w, err);
	if (st)
		return st;
	w->keep = w->opt->codec == HS_CAPTURE_SAME_CODEC;
	w->codec = codecs[w->opt->codec];
	if (w->codec != HS_SLICE_STORED && !w->keep)
		st = hs_slice_queue_new(w->codec, &w->sink, &w->queue, err);
	*h = w->slice->header;
	h->block_count = 0;
	h->flags &= ~SLICE_ENCRYPTED;
	if (w->opt->encrypt)
		h->flags |= SLICE_ENCRYPTED;
	if (w->opt->hash != HS_CAPTURE_SAME_HASH)
		h->hash = hashes[w->opt->hash];
	if (h->hash != SLICE_HASH_BLAKE3 || w->opt->encrypt)
		h->version = SLICE_VERSION_1_1;
	return st;
}

/* With what the slice's own End-of-Capture says. */
static enum hs_status finish(struct rewriter *w, struct hs_error *err)
{
	const struct hs_slice *s = w->slice;
	const struct hs_slice_block *b = &s->block[s->end];
	const uint8_t *raw = hs_slice_block_bytes(s, b);
	struct hs_cursor c = { .pos = raw + SLICE_BLOCK_HEADER_LEN,
			       .end = raw + b->length };
	(void)hs_cursor_bytes(&c, SLICE_HASH_LEN);
	return hs_slice_sink_finish(&w->sink, hs_cursor_u64(&c),
				    raw + SLICE_AT_BLOCK_UUID, err);
}

enum hs_status hs_slice_write_again(const struct hs_slice *slice,
				    const struct hs_capture_options *opt,
				    const char *path, struct hs_out_file *out,
				    struct hs_capture_result *ret,
				    struct hs_error *err)
{
	HS_CLEANUP(rewriter_release)
	struct rewriter w = { .slice = slice, .opt = opt };
	struct hs_slice_header h;
	enum hs_status st = prepare(&w, &h, err);
	if (!st)
		st = hs_slice_sink_start(&w.sink, out, &h, path, opt->secret,
					 opt->secret_arg, err);
	for (size_t i = 0; !st && i < slice->end; i++) {
		const struct hs_slice_block *b = &slice->block[i];
		st = put_block(&w, b, err);
		if (!st && opt->progress &&
		    !opt->progress(opt->progress_arg, "writing",
				   b->offset + b->length, slice->len))
			st = hs_fail(err, HS_ERR_CANCELLED, "cancelled");
	}
	if (!st && w.queue)
		st = hs_slice_queue_flush(w.queue, err);
	if (!st)
		st = finish(&w, err);
	if (st)
		return st;
	/* Blocks behind the end are covered by nothing and not taken along. */
	if (slice->end + 1 < slice->count)
		w.result.lost |= HS_LOST_TABLES;
	for (size_t i = 0; i < slice->region_count; i++) {
		const struct hs_slice_region *r = &slice->region[i];
		w.result.captured += r->captured << r->page_shift;
		w.result.missing += r->failed << r->page_shift;
	}
	*ret = w.result;
	return HS_OK;
}
