/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_CODEC_H
#define BACKENDS_SLICE_CODEC_H

#include "core/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Compressed payloads. The format does not say how they are framed, so there
 * are two ways:
 *
 *	A: size u64, codec bytes, zeroes up to a multiple of 8. With lz4 the
 *	   codec bytes are a bare block behind a u32 with its size.
 *	B: codec bytes alone: a zstd frame, or an lz4 frame (not a block).
 */
enum hs_slice_codec { HS_SLICE_STORED, HS_SLICE_ZSTD, HS_SLICE_LZ4 };

struct hs_slice_packed {
	enum hs_slice_codec codec;
	bool is_b;            /* framed the second way */
	const uint8_t *bytes; /* borrowed: of the codec, padding included */
	size_t len;
	/* Bytes that come out: as claimed, not more than LEN bytes can hold;
	 * without a claim that bound. */
	uint64_t size;
	bool size_known;
	bool odd; /* two claims of the size contradict each other */
};

/* "none", "zstd", "lz4". */
const char *hs_slice_codec_name(enum hs_slice_codec codec);

/*
 * Find out how the payload of a block with these FLAGS is packed. Allocates
 * nothing. HS_ERR_FORMAT: not so that anyone could unpack it, or it claims a
 * size that its bytes cannot hold; HS_ERR_UNSUPPORTED: a codec not known;
 * HS_ERR_LIMIT: more than HS_LIMIT_SLICE_PAYLOAD.
 */
HS_MUST_CHECK enum hs_status hs_slice_packed_parse(unsigned flags,
						   const uint8_t *payload,
						   size_t len, bool big_endian,
						   struct hs_slice_packed *ret,
						   struct hs_error *err);

/*
 * The first WANT bytes, or as many as there are: *GOT. HS_ERR_FORMAT: the
 * codec's bytes are damaged before that.
 */
HS_MUST_CHECK enum hs_status hs_slice_unpack(const struct hs_slice_packed *p,
					     uint8_t *out, size_t want,
					     size_t *got, struct hs_error *err);

#endif
