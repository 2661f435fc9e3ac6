/* SPDX-License-Identifier: MIT */
#include "backends/slice_hash.h"

#include <blake3.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include <heapscan/slice.h>

struct hs_slice_hash {
	const EVP_MD *method; /* NULL: BLAKE3 */
	EVP_MD_CTX *evp;
	blake3_hasher blake3;
};

const char *hs_slice_hash_name(unsigned algorithm)
{
	switch (algorithm) {
	case SLICE_HASH_BLAKE3:
		return "blake3";
	case SLICE_HASH_SHA256:
		return "sha256";
	case SLICE_HASH_SHA512_256:
		return "sha512-256";
	default:
		return "unknown";
	}
}

bool hs_slice_hash_known(unsigned algorithm)
{
	return algorithm <= SLICE_HASH_SHA512_256;
}

static enum hs_status begin(struct hs_slice_hash *hash, struct hs_error *err)
{
	if (!hash->method) {
		blake3_hasher_init(&hash->blake3);
		return HS_OK;
	}
	if (EVP_DigestInit_ex(hash->evp, hash->method, NULL) != 1)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "libcrypto does not provide this hash here");
	return HS_OK;
}

enum hs_status hs_slice_hash_new(unsigned algorithm, struct hs_slice_hash **ret,
				 struct hs_error *err)
{
	if (!hs_slice_hash_known(algorithm))
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "hash algorithm %u is not known", algorithm);
	struct hs_slice_hash *hash = calloc(1, sizeof(*hash));
	if (!hash)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	enum hs_status st = HS_OK;
	if (algorithm != SLICE_HASH_BLAKE3) {
		/* Not SHA-512 cut short: it has a start value of its own. */
		hash->method = algorithm == SLICE_HASH_SHA256
				       ? EVP_sha256()
				       : EVP_sha512_256();
		hash->evp = EVP_MD_CTX_new();
		if (!hash->evp)
			st = hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	if (!st)
		st = begin(hash, err);
	if (st) {
		hs_slice_hash_free(hash);
		return st;
	}
	*ret = hash;
	return HS_OK;
}

void hs_slice_hash_free(struct hs_slice_hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->evp);
	free(hash);
}

enum hs_status hs_slice_hash_update(struct hs_slice_hash *hash,
				    const void *bytes, size_t len,
				    struct hs_error *err)
{
	if (!hash->method)
		blake3_hasher_update(&hash->blake3, bytes, len);
	else if (EVP_DigestUpdate(hash->evp, bytes, len) != 1)
		return hs_fail(err, HS_ERR_UNSUPPORTED, "libcrypto failed");
	return HS_OK;
}

enum hs_status hs_slice_hash_final(struct hs_slice_hash *hash,
				   uint8_t ret[SLICE_HASH_LEN],
				   struct hs_error *err)
{
	if (!hash->method)
		blake3_hasher_finalize(&hash->blake3, ret, SLICE_HASH_LEN);
	else if (EVP_DigestFinal_ex(hash->evp, ret, NULL) != 1)
		return hs_fail(err, HS_ERR_UNSUPPORTED, "libcrypto failed");
	return begin(hash, err);
}

enum hs_status hs_slice_hash_bytes(struct hs_slice_hash *hash,
				   const void *bytes, size_t len,
				   uint8_t ret[SLICE_HASH_LEN],
				   struct hs_error *err)
{
	enum hs_status st = hs_slice_hash_update(hash, bytes, len, err);
	return st ? st : hs_slice_hash_final(hash, ret, err);
}
