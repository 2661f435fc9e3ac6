/* SPDX-License-Identifier: MIT */
#include "backends/slice_pack.h"

#include <assert.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "backends/slice_format.h"
#include "backends/slice_put.h"
#include "backends/workers.h"

/* Below this threads cost more than they save. */
#define THREADS_FROM ((uint64_t)8 << 20)
/* Faster than a disk takes it, and heaps lose little by it. */
#define ZSTD_LEVEL 1

struct hs_slice_packer {
	enum hs_slice_codec codec;
	uint64_t total, fed, front;
	ZSTD_CCtx *zstd;
	uint8_t *out; /* what was packed, sizes in front */
	size_t len, capacity;
	uint8_t *in; /* lz4 wants all at once */
	size_t in_capacity;
};

enum hs_status hs_slice_packer_new(enum hs_slice_codec codec,
				   struct hs_slice_packer **ret,
				   struct hs_error *err)
{
	assert(codec == HS_SLICE_ZSTD || codec == HS_SLICE_LZ4);
	struct hs_slice_packer *p = calloc(1, sizeof(*p));
	if (!p)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	p->codec = codec;
	if (codec == HS_SLICE_ZSTD) {
		p->zstd = ZSTD_createCCtx();
		if (!p->zstd) {
			free(p);
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
		}
	}
	*ret = p;
	return HS_OK;
}

void hs_slice_packer_free(struct hs_slice_packer *packer)
{
	if (!packer)
		return;
	(void)ZSTD_freeCCtx(packer->zstd);
	hs_slice_packer_forget(packer);
	free(packer);
}

void hs_slice_packer_forget(struct hs_slice_packer *packer)
{
	free(packer->out);
	free(packer->in);
	packer->out = NULL;
	packer->in = NULL;
	packer->len = packer->capacity = packer->in_capacity = 0;
}

uint64_t hs_slice_packer_max(enum hs_slice_codec codec)
{
	return codec == HS_SLICE_LZ4 ? LZ4_MAX_INPUT_SIZE
				     : HS_SLICE_PACK_ZSTD_MAX;
}

uint16_t hs_slice_packer_flags(enum hs_slice_codec codec)
{
	switch (codec) {
	case HS_SLICE_ZSTD:
		return SLICE_COMPRESSED | SLICE_CODEC_ZSTD << 1;
	case HS_SLICE_LZ4:
		return SLICE_COMPRESSED | SLICE_CODEC_LZ4 << 1;
	default:
		return 0;
	}
}

/* Room for N bytes at *BUF; what was there is kept. */
static enum hs_status make_room(uint8_t **buf, size_t *capacity, size_t n,
				struct hs_error *err)
{
	if (n <= *capacity)
		return HS_OK;
	uint8_t *bigger = realloc(*buf, n);
	if (!bigger)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu bytes", n);
	*buf = bigger;
	*capacity = n;
	return HS_OK;
}

static enum hs_status zstd_failed(size_t code, struct hs_error *err)
{
	return hs_fail(err, HS_ERR_NOMEM, "zstd: %s", ZSTD_getErrorName(code));
}

enum hs_status hs_slice_packer_start(struct hs_slice_packer *p, uint64_t total,
				     uint64_t front, struct hs_error *err)
{
	assert(total % 8 == 0 && total <= hs_slice_packer_max(p->codec));
	p->total = total;
	p->fed = 0;
	p->front = front;
	p->len = 8;
	enum hs_status st =
		make_room(&p->out, &p->capacity, (size_t)1 << 16, err);
	if (st)
		return st;
	hs_put_u64(p->out, total);
	if (p->codec == HS_SLICE_LZ4)
		return make_room(&p->in, &p->in_capacity, (size_t)total, err);
	size_t workers = total < THREADS_FROM ? 1 : hs_workers_count(SIZE_MAX);
	(void)ZSTD_CCtx_reset(p->zstd, ZSTD_reset_session_and_parameters);
	(void)ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel,
				     ZSTD_LEVEL);
	/* So that damage is an error, and not other memory. */
	(void)ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1);
	/* A libzstd without threads says no, and works without. */
	if (workers > 1)
		(void)ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_nbWorkers,
					     (int)workers);
	size_t n = ZSTD_CCtx_setPledgedSrcSize(p->zstd, total);
	return ZSTD_isError(n) ? zstd_failed(n, err) : HS_OK;
}

/* Returns zstd's own word on how much is left to flush in *REST. */
static enum hs_status zstd_step(struct hs_slice_packer *p, ZSTD_inBuffer *in,
				ZSTD_EndDirective how, size_t *rest,
				struct hs_error *err)
{
	if (p->capacity - p->len < ZSTD_CStreamOutSize()) {
		enum hs_status st =
			make_room(&p->out, &p->capacity,
				  p->capacity * 2 + ZSTD_CStreamOutSize(), err);
		if (st)
			return st;
	}
	ZSTD_outBuffer out = { p->out + p->len, p->capacity - p->len, 0 };
	*rest = ZSTD_compressStream2(p->zstd, &out, in, how);
	p->len += out.pos;
	return ZSTD_isError(*rest) ? zstd_failed(*rest, err) : HS_OK;
}

enum hs_status hs_slice_packer_feed(struct hs_slice_packer *p,
				    const void *bytes, size_t len,
				    struct hs_error *err)
{
	assert(len <= p->total - p->fed);
	if (p->codec == HS_SLICE_LZ4) {
		memcpy(p->in + p->fed, bytes, len);
		p->fed += len;
		return HS_OK;
	}
	const uint8_t *from = bytes;
	if (p->fed < p->front && len > p->front - p->fed) {
		size_t n = (size_t)(p->front - p->fed);
		enum hs_status st = hs_slice_packer_feed(p, from, n, err);
		return st ? st
			  : hs_slice_packer_feed(p, from + n, len - n, err);
	}
	p->fed += len;
	ZSTD_inBuffer in = { bytes, len, 0 };
	enum hs_status st = HS_OK;
	size_t rest = 1;
	while (!st && in.pos < in.size)
		st = zstd_step(p, &in, ZSTD_e_continue, &rest, err);
	if (p->fed == p->front)
		for (rest = 1; !st && rest > 0;)
			st = zstd_step(p, &in, ZSTD_e_flush, &rest, err);
	return st;
}

static enum hs_status finish_lz4(struct hs_slice_packer *p,
				 struct hs_error *err)
{
	int bound = LZ4_compressBound((int)p->total);
	/* Sizes in front; room for the stretch behind. */
	enum hs_status st =
		make_room(&p->out, &p->capacity, 12 + (size_t)bound + 64, err);
	if (st)
		return st;
	hs_put_u32(p->out + 8, (uint32_t)p->total);
	int n = LZ4_compress_default((const char *)p->in, (char *)p->out + 12,
				     (int)p->total, bound);
	if (n <= 0)
		return hs_fail(err, HS_ERR_NOMEM, "lz4 failed");
	p->len = (size_t)n;
	/* With the 12 bytes in front a multiple of 8, so that there is no
	 * padding. What cannot be stretched has hardly anything in it that
	 * could be packed: it is better stored. */
	bool good = hs_lz4_stretch(p->out + 12, &p->len, p->capacity - 12,
				   p->in, (size_t)p->total, 4);
	p->len = good ? p->len + 12 : (size_t)p->total;
	return HS_OK;
}

enum hs_status hs_slice_packer_finish(struct hs_slice_packer *p,
				      const uint8_t **ret, size_t *len,
				      struct hs_error *err)
{
	enum hs_status st = HS_OK;
	assert(p->fed == p->total);
	if (p->codec == HS_SLICE_LZ4) {
		st = finish_lz4(p, err);
	} else {
		ZSTD_inBuffer none = { NULL, 0, 0 };
		size_t rest = 1;
		while (!st && rest > 0)
			st = zstd_step(p, &none, ZSTD_e_end, &rest, err);
	}
	if (st)
		return st;
	*ret = p->out;
	*len = p->len;
	return HS_OK;
}
