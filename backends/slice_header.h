/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_HEADER_H
#define BACKENDS_SLICE_HEADER_H

#include "backends/slice_format.h"
#include "core/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the content of an encrypted slice was locked. */
struct hs_slice_lock {
	uint8_t cipher, kdf, encapsulation;
	uint32_t time, memory, lanes; /* cost of Argon2; memory in KiB */
	uint16_t encapsulation_len;
	uint8_t nonce[SLICE_NONCE_LEN], salt[SLICE_SALT_LEN];
};

struct hs_slice_header {
	bool big_endian;  /* of the structures, not of the memory */
	bool mislabelled; /* says big endian, and is little */
	bool legacy;      /* version bytes as libmsl writes them */
	uint8_t size;     /* where the first block begins */
	uint16_t version;
	uint32_t flags;
	uint64_t capabilities;
	uint8_t uuid[SLICE_UUID_LEN];
	uint64_t timestamp;
	uint16_t os, arch;
	uint32_t pid;
	uint8_t clock, hash;
	uint32_t block_count;
	struct hs_slice_lock lock; /* with SLICE_ENCRYPTED only */
};

/*
 * HS_ERR_FORMAT: BYTES do not begin with the header of a slice, or it is cut;
 * HS_ERR_UNSUPPORTED: of a major version that we do not know.
 */
HS_MUST_CHECK enum hs_status hs_slice_header_parse(const uint8_t *bytes,
						   size_t len,
						   struct hs_slice_header *ret,
						   struct hs_error *err);

#endif
