/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_PACK_H
#define BACKENDS_SLICE_PACK_H

#include "backends/slice_codec.h"
#include "core/fail.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Compresses payloads the way that slice_codec.h calls A: what comes out is
 * the whole payload of a block, size in front, not yet padded.
 */
struct hs_slice_packer; /* opaque */

/* zstd has no limit of its own; the payload of a block is below 4 GiB. */
#define HS_SLICE_PACK_ZSTD_MAX ((uint64_t)3 << 30)

/* Free with hs_slice_packer_free(). CODEC is ZSTD or LZ4. */
HS_MUST_CHECK enum hs_status hs_slice_packer_new(enum hs_slice_codec codec,
						 struct hs_slice_packer **ret,
						 struct hs_error *err);
void hs_slice_packer_free(struct hs_slice_packer *packer); /* NULL is fine */

/* The most that a payload may have before it is packed: lz4 counts in int. */
uint64_t hs_slice_packer_max(enum hs_slice_codec codec);

/*
 * A payload of TOTAL bytes, a multiple of 8, will be fed. The first FRONT of
 * them are what readers want to know before the rest: zstd ends a block there.
 */
HS_MUST_CHECK enum hs_status
hs_slice_packer_start(struct hs_slice_packer *packer, uint64_t total,
		      uint64_t front, struct hs_error *err);
HS_MUST_CHECK enum hs_status
hs_slice_packer_feed(struct hs_slice_packer *packer, const void *bytes,
		     size_t len, struct hs_error *err);
/* All was fed. *RET is PACKER's own, until it is used again; with a *LEN that
 * is not below the total it means nothing, and the payload is to be stored. */
HS_MUST_CHECK enum hs_status
hs_slice_packer_finish(struct hs_slice_packer *packer, const uint8_t **ret,
		       size_t *len, struct hs_error *err);

/* Give back the memory of what was packed. */
void hs_slice_packer_forget(struct hs_slice_packer *packer);

/* The flags of a block whose payload was packed so. */
uint16_t hs_slice_packer_flags(enum hs_slice_codec codec);

/*
 * Make the lz4 block of *LEN bytes at BLOCK, which unpacks to IN, longer by a
 * few bytes so that its length is REST modulo 8; there are ROOM bytes. It
 * unpacks to the same. False, and nothing done: there is no way. For readers
 * that take the padding behind a block for a part of it.
 */
bool hs_lz4_stretch(uint8_t *block, size_t *len, size_t room, const uint8_t *in,
		    size_t in_len, size_t rest);

#endif
