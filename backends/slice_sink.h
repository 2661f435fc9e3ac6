/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_SINK_H
#define BACKENDS_SLICE_SINK_H

#include <heapscan/target.h>

#include <openssl/types.h>

#include "backends/out_file.h"
#include "backends/slice_hash.h"
#include "backends/slice_header.h"

/*
 * Blocks on their way into a slice: chained, hashed, and encrypted if the
 * header says so. What has been written is never changed again.
 */
struct hs_slice_sink {
	struct hs_out_file *out;          /* borrowed */
	struct hs_slice_hash *of_block;   /* fed with the current block */
	struct hs_slice_hash *of_file;    /* and with everything */
	EVP_CIPHER_CTX *cipher;           /* NULL: in the clear */
	uint8_t *scratch;                 /* owned: takes what is encrypted */
	uint8_t previous[SLICE_HASH_LEN]; /* hash of the block before */
	uint64_t left;   /* payload bytes that the current block still wants */
	unsigned pad;    /* zeroes that follow them */
	uint64_t sealed; /* bytes encrypted so far */
};

/* One block's header; see slice_format.h for the numbers. */
struct hs_slice_head {
	uint16_t type, flags, version;
	uint8_t uuid[SLICE_UUID_LEN], parent[SLICE_UUID_LEN];
};

/* A new random identity (version 4). HS_ERR_IO: the kernel gives none. */
HS_MUST_CHECK enum hs_status hs_slice_uuid(uint8_t ret[SLICE_UUID_LEN],
					   struct hs_error *err);

/*
 * Write HEADER, whose size and lock members are made to fit its flags. With
 * SLICE_ENCRYPTED a fresh salt and nonce are drawn, and the secret is asked of
 * ASK for the file called NAME: HS_ERR_PERMISSION when there is none.
 */
HS_MUST_CHECK enum hs_status
hs_slice_sink_start(struct hs_slice_sink *sink, struct hs_out_file *out,
		    const struct hs_slice_header *header, const char *name,
		    hs_secret_fn ask, void *ask_arg, struct hs_error *err);
void hs_slice_sink_release(struct hs_slice_sink *sink);

/* The most that one block's payload may have, padding included. */
#define HS_SLICE_PAYLOAD_MAX                                                   \
	(((uint64_t)UINT32_MAX - SLICE_BLOCK_HEADER_LEN) & ~(uint64_t)7)

/* Begin a block with a payload of LEN bytes, which must follow in full. */
HS_MUST_CHECK enum hs_status
hs_slice_sink_block(struct hs_slice_sink *sink,
		    const struct hs_slice_head *head, uint64_t len,
		    struct hs_error *err);
/* The next bytes of the payload; the last are padded. */
HS_MUST_CHECK enum hs_status hs_slice_sink_bytes(struct hs_slice_sink *sink,
						 const void *bytes, size_t len,
						 struct hs_error *err);

/*
 * End-of-Capture, acquired until END_NS, and the tag. UUID is the identity of
 * the block, NULL: a new one.
 */
HS_MUST_CHECK enum hs_status hs_slice_sink_finish(struct hs_slice_sink *sink,
						  uint64_t end_ns,
						  const uint8_t *uuid,
						  struct hs_error *err);

#endif
