/* SPDX-License-Identifier: MIT */
#include "backends/slice_codec.h"

#include <inttypes.h>
#include <limits.h>
#include <lz4.h>
#include <lz4frame.h>
#include <string.h>
#include <zstd.h>

#include "backends/slice_format.h"
#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/limits.h"

#define ZSTD_MAGIC 0xfd2fb528u
#define LZ4_FRAME_MAGIC 0x184d2204u

/*
 * The most that LEN compressed bytes can hold, so that a claim of gigabytes in
 * a few bytes is refused before anything is allocated. A zstd block makes at
 * most 128 KiB out of at least 4 bytes; an lz4 byte is worth at most 255.
 */
static uint64_t most(enum hs_slice_codec codec, size_t len)
{
	uint64_t n = len;
	if (codec == HS_SLICE_ZSTD)
		return n / 4 < UINT64_MAX >> 18 ? (n / 4 + 1) << 17
						: UINT64_MAX;
	return n < UINT64_MAX >> 9 ? n * 255 + 64 : UINT64_MAX;
}

const char *hs_slice_codec_name(enum hs_slice_codec codec)
{
	switch (codec) {
	case HS_SLICE_ZSTD:
		return "zstd";
	case HS_SLICE_LZ4:
		return "lz4";
	default:
		return "none";
	}
}

static uint32_t le32(const uint8_t *at)
{
	struct hs_cursor c = { .pos = at, .end = at + 4 };
	return hs_cursor_u32(&c);
}

/* A size that the frame at BYTES itself states. */
static bool frame_size(const struct hs_slice_packed *p, uint64_t *ret)
{
	if (p->codec == HS_SLICE_ZSTD) {
		unsigned long long n =
			ZSTD_getFrameContentSize(p->bytes, p->len);
		if (n == ZSTD_CONTENTSIZE_UNKNOWN ||
		    n == ZSTD_CONTENTSIZE_ERROR)
			return false;
		*ret = n;
		return true;
	}
	if (!p->is_b)
		return false;
	LZ4F_dctx *dctx = NULL;
	LZ4F_frameInfo_t info = LZ4F_INIT_FRAMEINFO;
	size_t used = p->len;
	bool known = false;
	if (!LZ4F_isError(
		    LZ4F_createDecompressionContext(&dctx, LZ4F_VERSION)) &&
	    !LZ4F_isError(LZ4F_getFrameInfo(dctx, &info, p->bytes, &used)) &&
	    info.contentSize != 0) {
		known = true;
		*ret = info.contentSize;
	}
	(void)LZ4F_freeDecompressionContext(dctx);
	return known;
}

static enum hs_status parse_a(struct hs_slice_packed *p, uint64_t claimed,
			      struct hs_error *err)
{
	uint64_t framed;
	p->size = claimed;
	p->size_known = true;
	if (p->codec == HS_SLICE_LZ4) {
		if (p->len < 4)
			return hs_fail(err, HS_ERR_FORMAT,
				       "an lz4 payload of %zu bytes is cut "
				       "short",
				       p->len);
		p->odd = le32(p->bytes) != claimed;
		p->bytes += 4;
		p->len -= 4;
	} else if (p->len < 4 || le32(p->bytes) != ZSTD_MAGIC) {
		return hs_fail(err, HS_ERR_FORMAT,
			       "a payload is marked as zstd and holds no zstd "
			       "frame");
	} else if (frame_size(p, &framed) && framed != claimed) {
		return hs_fail(err, HS_ERR_FORMAT,
			       "a payload claims %" PRIu64
			       " bytes and its zstd frame %" PRIu64,
			       claimed, framed);
	}
	return HS_OK;
}

static enum hs_status check_size(struct hs_slice_packed *p,
				 struct hs_error *err)
{
	uint64_t bound = most(p->codec, p->len);
	if (!p->size_known)
		p->size = bound < HS_LIMIT_SLICE_PAYLOAD
				  ? bound
				  : HS_LIMIT_SLICE_PAYLOAD;
	if (p->size > bound)
		return hs_fail(err, HS_ERR_FORMAT,
			       "a payload claims %" PRIu64
			       " bytes, more than %zu bytes of %s can hold",
			       p->size, p->len, hs_slice_codec_name(p->codec));
	if (p->size > HS_LIMIT_SLICE_PAYLOAD)
		return hs_fail(err, HS_ERR_LIMIT,
			       "a payload claims %" PRIu64
			       " bytes, more than %" PRIu64 " are not unpacked",
			       p->size, HS_LIMIT_SLICE_PAYLOAD);
	return HS_OK;
}

enum hs_status hs_slice_packed_parse(unsigned flags, const uint8_t *payload,
				     size_t len, bool big_endian,
				     struct hs_slice_packed *ret,
				     struct hs_error *err)
{
	struct hs_slice_packed p = { .bytes = payload, .len = len };
	if (!(flags & SLICE_COMPRESSED)) { /* the codec bits mean nothing */
		p.size = len;
		p.size_known = true;
		*ret = p;
		return HS_OK;
	}
	unsigned codec = SLICE_CODEC(flags);
	if (codec != SLICE_CODEC_ZSTD && codec != SLICE_CODEC_LZ4)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "compression %u is not known", codec);
	p.codec = codec == SLICE_CODEC_ZSTD ? HS_SLICE_ZSTD : HS_SLICE_LZ4;
	uint32_t frame =
		p.codec == HS_SLICE_ZSTD ? ZSTD_MAGIC : LZ4_FRAME_MAGIC;
	/* No size of the first way is what the magics would make of it, but
	 * one, which a second magic behind it tells apart. */
	p.is_b = len >= 4 && le32(payload) == frame &&
		 !(p.codec == HS_SLICE_ZSTD && len >= 12 &&
		   le32(payload + 8) == frame && le32(payload + 4) == 0);
	enum hs_status st = HS_OK;
	if (p.is_b) {
		p.size_known = frame_size(&p, &p.size);
	} else {
		struct hs_cursor c = { .pos = payload,
				       .end = payload + len,
				       .big_endian = big_endian };
		uint64_t claimed = hs_cursor_u64(&c);
		if (c.overrun)
			return hs_fail(err, HS_ERR_FORMAT,
				       "a compressed payload of %zu bytes is "
				       "cut short",
				       len);
		p.bytes += 8;
		p.len -= 8;
		st = parse_a(&p, claimed, err);
	}
	if (!st)
		st = check_size(&p, err);
	if (!st)
		*ret = p;
	return st;
}

static enum hs_status damaged(const struct hs_slice_packed *p, const char *why,
			      struct hs_error *err)
{
	return hs_fail(err, HS_ERR_FORMAT, "%zu bytes of %s are damaged: %s",
		       p->len, hs_slice_codec_name(p->codec), why);
}

static void free_zstd(ZSTD_DCtx **slot)
{
	(void)ZSTD_freeDCtx(*slot);
}

/*
 * A decoder that stops at the end of the frame: what follows, the padding,
 * ZSTD_decompress() would call an error.
 */
static enum hs_status unpack_zstd(const struct hs_slice_packed *p, uint8_t *out,
				  size_t want, size_t *got,
				  struct hs_error *err)
{
	HS_CLEANUP(free_zstd) ZSTD_DCtx *dctx = ZSTD_createDCtx();
	if (!dctx)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for zstd");
	size_t frame = ZSTD_findFrameCompressedSize(p->bytes, p->len);
	if (!ZSTD_isError(frame) && p->size_known && want == p->size) {
		size_t n =
			ZSTD_decompressDCtx(dctx, out, want, p->bytes, frame);
		if (ZSTD_isError(n))
			return damaged(p, ZSTD_getErrorName(n), err);
		*got = n;
		return HS_OK;
	}
	ZSTD_inBuffer from = { p->bytes, p->len, 0 };
	ZSTD_outBuffer to = { out, want, 0 };
	while (to.pos < to.size) {
		size_t before = to.pos, taken = from.pos;
		size_t left = ZSTD_decompressStream(dctx, &to, &from);
		if (ZSTD_isError(left))
			return damaged(p, ZSTD_getErrorName(left), err);
		if (left == 0)
			break; /* the frame ends here */
		if (to.pos == before && from.pos == taken)
			return damaged(p, "they are cut short", err);
	}
	*got = to.pos;
	return HS_OK;
}

static void free_lz4(LZ4F_dctx **slot)
{
	(void)LZ4F_freeDecompressionContext(*slot);
}

static enum hs_status unpack_lz4_frame(const struct hs_slice_packed *p,
				       uint8_t *out, size_t want, size_t *got,
				       struct hs_error *err)
{
	HS_CLEANUP(free_lz4) LZ4F_dctx *dctx = NULL;
	if (LZ4F_isError(LZ4F_createDecompressionContext(&dctx, LZ4F_VERSION)))
		return hs_fail(err, HS_ERR_NOMEM, "no memory for lz4");
	size_t in = 0, made = 0;
	while (made < want) {
		size_t taken = p->len - in, room = want - made;
		size_t left = LZ4F_decompress(dctx, out + made, &room,
					      p->bytes + in, &taken, NULL);
		if (LZ4F_isError(left))
			return damaged(p, LZ4F_getErrorName(left), err);
		in += taken;
		made += room;
		if (left == 0)
			break;
		if (taken == 0 && room == 0)
			return damaged(p, "they are cut short", err);
	}
	*got = made;
	return HS_OK;
}

/*
 * A bare block does not say where it ends and the padding begins, and any
 * padding makes LZ4_decompress_safe() fail. The partial decoder stops when it
 * has what was asked for.
 */
static enum hs_status unpack_lz4_block(const struct hs_slice_packed *p,
				       uint8_t *out, size_t want, size_t *got,
				       struct hs_error *err)
{
	if (want > INT_MAX || p->len > INT_MAX)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "an lz4 block of %zu bytes for %zu is larger "
			       "than lz4 can read",
			       p->len, want);
	int n = LZ4_decompress_safe_partial((const char *)p->bytes, (char *)out,
					    (int)p->len, (int)want, (int)want);
	if (n < 0)
		return damaged(p, "no valid block", err);
	*got = (size_t)n;
	return HS_OK;
}

enum hs_status hs_slice_unpack(const struct hs_slice_packed *p, uint8_t *out,
			       size_t want, size_t *got, struct hs_error *err)
{
	if (want > p->size)
		want = (size_t)p->size;
	if (want == 0) {
		*got = 0;
		return HS_OK;
	}
	switch (p->codec) {
	case HS_SLICE_ZSTD:
		return unpack_zstd(p, out, want, got, err);
	case HS_SLICE_LZ4:
		return p->is_b ? unpack_lz4_frame(p, out, want, got, err)
			       : unpack_lz4_block(p, out, want, got, err);
	default:
		memcpy(out, p->bytes, want);
		*got = want;
		return HS_OK;
	}
}
