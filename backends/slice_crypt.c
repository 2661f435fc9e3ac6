/* SPDX-License-Identifier: MIT */
#include "backends/slice_crypt.h"

#include <argon2.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/limits.h"

/* libcrypto counts in int; a progress report a piece. */
#define PIECE ((size_t)16 << 20)

/* One GCM message: 2^32 - 2 blocks of 16 bytes (NIST SP 800-38D). */
#define GCM_MAX (((uint64_t)1 << 36) - 32)

/* What must not stay in memory. */
struct secrets {
	uint8_t text[HS_LIMIT_PASSPHRASE];
	uint8_t key[SLICE_KEY_LEN];
};

static void wipe(struct secrets *s)
{
	OPENSSL_cleanse(s, sizeof(*s));
}

static enum hs_status check_argon2(const struct hs_slice_lock *lock,
				   struct hs_error *err)
{
	if (lock->lanes == 0 || lock->time == 0 ||
	    lock->memory < 8 * lock->lanes)
		return hs_fail(err, HS_ERR_FORMAT,
			       "the slice's Argon2 parameters are impossible: "
			       "%" PRIu32 " passes, %" PRIu32 " KiB, %" PRIu32
			       " lanes",
			       lock->time, lock->memory, lock->lanes);
	if (lock->time > HS_LIMIT_ARGON2_TIME ||
	    lock->memory > HS_LIMIT_ARGON2_MEMORY ||
	    lock->lanes > HS_LIMIT_ARGON2_LANES)
		return hs_fail(err, HS_ERR_LIMIT,
			       "the slice asks for Argon2 with %" PRIu32
			       " passes over %" PRIu32 " KiB in %" PRIu32
			       " lanes; at most %u, %u and %u are done",
			       lock->time, lock->memory, lock->lanes,
			       HS_LIMIT_ARGON2_TIME, HS_LIMIT_ARGON2_MEMORY,
			       HS_LIMIT_ARGON2_LANES);
	return HS_OK;
}

enum hs_status hs_slice_lock_check(const struct hs_slice_lock *lock,
				   struct hs_error *err)
{
	if (lock->encapsulation != 0)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "the slice's key is encapsulated for a "
			       "recipient (method %u); passphrases and raw "
			       "keys are understood",
			       lock->encapsulation);
	if (lock->encapsulation_len != 0)
		return hs_fail(err, HS_ERR_FORMAT,
			       "the slice holds an encapsulated key of %u "
			       "bytes and says that it has none",
			       lock->encapsulation_len);
	if (lock->cipher != SLICE_CIPHER_AES_256_GCM)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "the slice is encrypted with cipher %u; "
			       "AES-256-GCM (1) is understood",
			       lock->cipher);
	if (lock->kdf == SLICE_KDF_ARGON2ID)
		return check_argon2(lock, err);
	if (lock->kdf != SLICE_KDF_RAW)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "the slice's key is derived by method %u; "
			       "Argon2id (1) and raw keys (0) are understood",
			       lock->kdf);
	return HS_OK;
}

static enum hs_status make_key(const struct hs_slice_lock *lock,
			       const char *name,
			       const struct hs_open_options *opt,
			       struct secrets *s, struct hs_error *err)
{
	bool raw = lock->kdf == SLICE_KDF_RAW;
	size_t len = 0;
	if (!opt->secret ||
	    !opt->secret(opt->secret_arg, name,
			 raw ? HS_SECRET_KEY : HS_SECRET_PASSPHRASE, s->text,
			 sizeof(s->text), &len))
		return hs_fail(err, HS_ERR_PERMISSION,
			       "'%s' is encrypted: give its %s with "
			       "--passphrase-file FILE or in "
			       "HEAPSCAN_PASSPHRASE",
			       name, raw ? "key of 32 bytes" : "passphrase");
	if (len > sizeof(s->text))
		return hs_fail(err, HS_ERR_LIMIT,
			       "a passphrase has at most %u bytes",
			       HS_LIMIT_PASSPHRASE);
	if (raw && len != SLICE_KEY_LEN)
		return hs_fail(err, HS_ERR_PERMISSION,
			       "'%s' is encrypted with a raw key of 32 bytes, "
			       "not %zu",
			       name, len);
	if (raw) {
		memcpy(s->key, s->text, SLICE_KEY_LEN);
		return HS_OK;
	}
	int bad = argon2id_hash_raw(lock->time, lock->memory, lock->lanes,
				    s->text, len, lock->salt, SLICE_SALT_LEN,
				    s->key, SLICE_KEY_LEN);
	if (bad == ARGON2_MEMORY_ALLOCATION_ERROR)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for Argon2, which needs %" PRIu32
			       " KiB",
			       lock->memory);
	if (bad)
		return hs_fail(err, HS_ERR_UNSUPPORTED, "Argon2 failed: %s",
			       argon2_error_message(bad));
	return HS_OK;
}

static void free_cipher(EVP_CIPHER_CTX **slot)
{
	EVP_CIPHER_CTX_free(*slot);
}

static enum hs_status broken(struct hs_error *err)
{
	return hs_fail(err, HS_ERR_UNSUPPORTED, "libcrypto failed");
}

static enum hs_status refused(const char *name, struct hs_error *err)
{
	return hs_fail(err, HS_ERR_PERMISSION,
		       "'%s' cannot be decrypted: the passphrase or key is "
		       "wrong, or the file was changed or cut",
		       name);
}

static enum hs_status decrypt(const struct hs_slice_header *h, const char *name,
			      const uint8_t *bytes, size_t len,
			      const struct hs_open_options *opt,
			      const uint8_t key[SLICE_KEY_LEN], uint8_t *out,
			      struct hs_error *err)
{
	HS_CLEANUP(free_cipher) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;
	size_t end = len - SLICE_TAG_LEN;
	if (!ctx)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, NULL, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, SLICE_NONCE_LEN,
				NULL) != 1 ||
	    EVP_DecryptInit_ex(ctx, NULL, NULL, key, h->lock.nonce) != 1 ||
	    EVP_DecryptUpdate(ctx, NULL, &n, bytes, h->size) != 1)
		return broken(err);
	for (size_t at = h->size; at < end;) {
		size_t piece = end - at < PIECE ? end - at : PIECE;
		if (EVP_DecryptUpdate(ctx, out + at, &n, bytes + at,
				      (int)piece) != 1)
			return broken(err);
		at += piece;
		if (opt->progress &&
		    !opt->progress(opt->progress_arg, "decrypting", at, end))
			return hs_fail(err, HS_ERR_CANCELLED, "cancelled");
	}
	uint8_t tag[SLICE_TAG_LEN];
	memcpy(tag, bytes + end, sizeof(tag));
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SLICE_TAG_LEN,
				tag) != 1)
		return broken(err);
	if (EVP_DecryptFinal_ex(ctx, out + end, &n) != 1)
		return refused(name, err);
	return HS_OK;
}

enum hs_status hs_slice_decrypt(const struct hs_slice_header *h,
				const char *name, const uint8_t *bytes,
				size_t len, const struct hs_open_options *opt,
				uint8_t *out, struct hs_error *err)
{
	enum hs_status st = hs_slice_lock_check(&h->lock, err);
	if (st)
		return st;
	if (len < (size_t)h->size + SLICE_TAG_LEN)
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' is cut: %zu bytes cannot hold an "
			       "encrypted slice",
			       name, len);
	if (len - h->size - SLICE_TAG_LEN > GCM_MAX)
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' is larger than one AES-GCM message can be",
			       name);
	HS_CLEANUP(wipe) struct secrets secrets = { 0 };
	st = make_key(&h->lock, name, opt, &secrets, err);
	if (st)
		return st;
	memcpy(out, bytes, h->size);
	st = decrypt(h, name, bytes, len, opt, secrets.key, out, err);
	if (st)
		OPENSSL_cleanse(out, len - SLICE_TAG_LEN);
	return st;
}
