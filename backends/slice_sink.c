/* SPDX-License-Identifier: MIT */
#include "backends/slice_sink.h"

#include <argon2.h>
#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "backends/slice_put.h"
#include "core/cleanup.h"
#include "core/limits.h"

/* What is encrypted at a time. */
#define PIECE ((size_t)64 << 10)
/* One GCM message: 2^32 - 2 blocks of 16 bytes (NIST SP 800-38D). */
#define GCM_MAX (((uint64_t)1 << 36) - 32)

/* The cost that other tools use, and below which some refuse to go. */
#define ARGON2_TIME 3u
#define ARGON2_MEMORY 65536u /* KiB */
#define ARGON2_LANES 4u

/* HS_ERR_IO: the kernel gives none. */
static enum hs_status random_bytes(uint8_t *ret, size_t len,
				   struct hs_error *err)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = getrandom(ret + at, len - at, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return hs_fail_errno(
				err, errno, "the kernel gives no random bytes");
		at += (size_t)n;
	}
	return HS_OK;
}

enum hs_status hs_slice_uuid(uint8_t ret[SLICE_UUID_LEN], struct hs_error *err)
{
	enum hs_status st = random_bytes(ret, SLICE_UUID_LEN, err);
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x40); /* version 4 */
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80); /* of RFC 4122 */
	return st;
}

static void encode_lock(uint8_t *h, const struct hs_slice_lock *lock)
{
	h[SLICE_AT_CIPHER] = lock->cipher;
	h[SLICE_AT_KDF] = lock->kdf;
	hs_put_u32(h + SLICE_AT_KDF_TIME, lock->time);
	hs_put_u32(h + SLICE_AT_KDF_MEMORY, lock->memory);
	h[SLICE_AT_KDF_LANES] = (uint8_t)lock->lanes;
	memcpy(h + SLICE_AT_NONCE, lock->nonce, SLICE_NONCE_LEN);
	memcpy(h + SLICE_AT_SALT, lock->salt, SLICE_SALT_LEN);
}

static void encode(uint8_t out[SLICE_HEADER_LEN_ENCRYPTED],
		   const struct hs_slice_header *h)
{
	memset(out, 0, SLICE_HEADER_LEN_ENCRYPTED);
	memcpy(out, SLICE_MAGIC, SLICE_MAGIC_LEN);
	out[SLICE_AT_ENDIAN] = SLICE_LITTLE_ENDIAN;
	out[SLICE_AT_HEADER_SIZE] = h->size;
	hs_put_u16(out + SLICE_AT_VERSION, h->version);
	hs_put_u32(out + SLICE_AT_FLAGS, h->flags);
	hs_put_u64(out + SLICE_AT_CAPABILITIES, h->capabilities);
	memcpy(out + SLICE_AT_UUID, h->uuid, SLICE_UUID_LEN);
	hs_put_u64(out + SLICE_AT_TIMESTAMP, h->timestamp);
	hs_put_u16(out + SLICE_AT_OS, h->os);
	hs_put_u16(out + SLICE_AT_ARCH, h->arch);
	hs_put_u32(out + SLICE_AT_PID, h->pid);
	out[SLICE_AT_CLOCK] = h->clock;
	/* How many blocks will follow is not known yet: 0 says so. */
	out[SLICE_AT_HASH] = h->hash;
	if (h->flags & SLICE_ENCRYPTED)
		encode_lock(out, &h->lock);
}

struct secrets {
	uint8_t text[HS_LIMIT_PASSPHRASE];
	uint8_t key[SLICE_KEY_LEN];
};

static void wipe(struct secrets *s)
{
	OPENSSL_cleanse(s, sizeof(*s));
}

static enum hs_status make_key(struct hs_slice_lock *lock, const char *name,
			       hs_secret_fn ask, void *ask_arg,
			       struct secrets *s, struct hs_error *err)
{
	size_t len = 0;
	*lock = (struct hs_slice_lock){
		.cipher = SLICE_CIPHER_AES_256_GCM,
		.kdf = SLICE_KDF_ARGON2ID,
		.time = ARGON2_TIME,
		.memory = ARGON2_MEMORY,
		.lanes = ARGON2_LANES,
	};
	enum hs_status st = random_bytes(lock->nonce, SLICE_NONCE_LEN, err);
	if (!st)
		st = random_bytes(lock->salt, SLICE_SALT_LEN, err);
	if (st)
		return st;
	if (!ask || !ask(ask_arg, name, HS_SECRET_PASSPHRASE, s->text,
			 sizeof(s->text), &len))
		return hs_fail(err, HS_ERR_PERMISSION,
			       "no passphrase to encrypt '%s' with: give it "
			       "with --passphrase-file FILE or in "
			       "HEAPSCAN_PASSPHRASE",
			       name);
	if (len == 0 || len > sizeof(s->text))
		return hs_fail(err, HS_ERR_INVALID,
			       "a passphrase has 1 to %u bytes",
			       HS_LIMIT_PASSPHRASE);
	int bad = argon2id_hash_raw(lock->time, lock->memory, lock->lanes,
				    s->text, len, lock->salt, SLICE_SALT_LEN,
				    s->key, SLICE_KEY_LEN);
	if (bad == ARGON2_MEMORY_ALLOCATION_ERROR)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for Argon2, which needs %u KiB",
			       ARGON2_MEMORY);
	if (bad)
		return hs_fail(err, HS_ERR_UNSUPPORTED, "Argon2 failed: %s",
			       argon2_error_message(bad));
	return HS_OK;
}

static enum hs_status broken(struct hs_error *err)
{
	return hs_fail(err, HS_ERR_UNSUPPORTED, "libcrypto failed");
}

static enum hs_status start_cipher(struct hs_slice_sink *sink,
				   const struct hs_slice_header *h,
				   const uint8_t *raw,
				   const uint8_t key[SLICE_KEY_LEN],
				   struct hs_error *err)
{
	int n;
	sink->cipher = EVP_CIPHER_CTX_new();
	sink->scratch = malloc(PIECE);
	if (!sink->cipher || !sink->scratch)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	if (EVP_EncryptInit_ex(sink->cipher, EVP_aes_256_gcm(), NULL, NULL,
			       NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(sink->cipher, EVP_CTRL_AEAD_SET_IVLEN,
				SLICE_NONCE_LEN, NULL) != 1 ||
	    EVP_EncryptInit_ex(sink->cipher, NULL, NULL, key, h->lock.nonce) !=
		    1 ||
	    EVP_EncryptUpdate(sink->cipher, NULL, &n, raw, h->size) != 1)
		return broken(err);
	return HS_OK;
}

enum hs_status hs_slice_sink_start(struct hs_slice_sink *sink,
				   struct hs_out_file *out,
				   const struct hs_slice_header *header,
				   const char *name, hs_secret_fn ask,
				   void *ask_arg, struct hs_error *err)
{
	struct hs_slice_header h = *header;
	uint8_t raw[SLICE_HEADER_LEN_ENCRYPTED];
	HS_CLEANUP(wipe) struct secrets secrets = { 0 };
	bool secret = h.flags & SLICE_ENCRYPTED;
	enum hs_status st = HS_OK;
	*sink = (struct hs_slice_sink){ .out = out };
	h.size = secret ? SLICE_HEADER_LEN_ENCRYPTED : SLICE_HEADER_LEN;
	if (secret)
		st = make_key(&h.lock, name, ask, ask_arg, &secrets, err);
	if (!st)
		st = hs_slice_hash_new(h.hash, &sink->of_block, err);
	if (!st)
		st = hs_slice_hash_new(h.hash, &sink->of_file, err);
	if (st)
		return st;
	encode(raw, &h);
	st = hs_out_file_write(out, raw, h.size, err);
	if (!st)
		st = hs_slice_hash_update(sink->of_file, raw, h.size, err);
	if (!st && secret)
		return start_cipher(sink, &h, raw, secrets.key, err);
	/* Where a tag covers everything, no chain is kept: it stays zero. */
	if (!st)
		st = hs_slice_hash_bytes(sink->of_block, raw, h.size,
					 sink->previous, err);
	return st;
}

void hs_slice_sink_release(struct hs_slice_sink *sink)
{
	hs_slice_hash_free(sink->of_block);
	hs_slice_hash_free(sink->of_file);
	EVP_CIPHER_CTX_free(sink->cipher);
	if (sink->scratch)
		OPENSSL_cleanse(sink->scratch, PIECE);
	free(sink->scratch);
	*sink = (struct hs_slice_sink){ 0 };
}

static enum hs_status seal(struct hs_slice_sink *sink, const uint8_t *bytes,
			   size_t len, struct hs_error *err)
{
	if (len > GCM_MAX - sink->sealed)
		return hs_fail(err, HS_ERR_LIMIT,
			       "an encrypted slice holds at most 64 GiB: "
			       "leave mappings out, or write it in the clear");
	sink->sealed += len;
	while (len > 0) {
		size_t piece = len < PIECE ? len : PIECE;
		int n;
		if (EVP_EncryptUpdate(sink->cipher, sink->scratch, &n, bytes,
				      (int)piece) != 1)
			return broken(err);
		enum hs_status st = hs_out_file_write(sink->out, sink->scratch,
						      (size_t)n, err);
		if (st)
			return st;
		bytes += piece;
		len -= piece;
	}
	return HS_OK;
}

static enum hs_status put(struct hs_slice_sink *sink, const void *bytes,
			  size_t len, struct hs_error *err)
{
	enum hs_status st =
		hs_slice_hash_update(sink->of_file, bytes, len, err);
	if (!st && !sink->cipher)
		st = hs_slice_hash_update(sink->of_block, bytes, len, err);
	if (st)
		return st;
	return sink->cipher ? seal(sink, bytes, len, err)
			    : hs_out_file_write(sink->out, bytes, len, err);
}

static enum hs_status end_block(struct hs_slice_sink *sink,
				struct hs_error *err)
{
	static const uint8_t zero[8];
	enum hs_status st = put(sink, zero, sink->pad, err);
	if (st || sink->cipher)
		return st;
	return hs_slice_hash_final(sink->of_block, sink->previous, err);
}

enum hs_status hs_slice_sink_block(struct hs_slice_sink *sink,
				   const struct hs_slice_head *head,
				   uint64_t len, struct hs_error *err)
{
	uint8_t raw[SLICE_BLOCK_HEADER_LEN] = { 0 };
	assert(sink->left == 0);
	if (len > HS_SLICE_PAYLOAD_MAX)
		return hs_fail(err, HS_ERR_LIMIT,
			       "a block of a slice is smaller than 4 GiB");
	memcpy(raw, SLICE_BLOCK_MAGIC, SLICE_BLOCK_MAGIC_LEN);
	hs_put_u16(raw + SLICE_AT_BLOCK_TYPE, head->type);
	hs_put_u16(raw + SLICE_AT_BLOCK_FLAGS, head->flags);
	hs_put_u32(raw + SLICE_AT_BLOCK_LENGTH,
		   (uint32_t)(SLICE_BLOCK_HEADER_LEN + SLICE_PAD8(len)));
	hs_put_u16(raw + SLICE_AT_PAYLOAD_VERSION, head->version);
	memcpy(raw + SLICE_AT_BLOCK_UUID, head->uuid, SLICE_UUID_LEN);
	memcpy(raw + SLICE_AT_PARENT_UUID, head->parent, SLICE_UUID_LEN);
	memcpy(raw + SLICE_AT_PREVIOUS_HASH, sink->previous, SLICE_HASH_LEN);
	sink->left = len;
	sink->pad = (unsigned)(SLICE_PAD8(len) - len);
	enum hs_status st = put(sink, raw, sizeof(raw), err);
	return st || len > 0 ? st : end_block(sink, err);
}

enum hs_status hs_slice_sink_bytes(struct hs_slice_sink *sink,
				   const void *bytes, size_t len,
				   struct hs_error *err)
{
	assert(len <= sink->left);
	if (len == 0)
		return HS_OK;
	enum hs_status st = put(sink, bytes, len, err);
	sink->left -= len;
	return st || sink->left > 0 ? st : end_block(sink, err);
}

enum hs_status hs_slice_sink_finish(struct hs_slice_sink *sink, uint64_t end_ns,
				    const uint8_t *uuid, struct hs_error *err)
{
	uint8_t payload[SLICE_HASH_LEN + 16] = { 0 };
	struct hs_slice_head head = { .type = SLICE_BLOCK_END,
				      .version = SLICE_PAYLOAD_VERSION };
	assert(sink->left == 0);
	enum hs_status st = hs_slice_hash_final(sink->of_file, payload, err);
	if (!st && uuid)
		memcpy(head.uuid, uuid, SLICE_UUID_LEN);
	else if (!st)
		st = hs_slice_uuid(head.uuid, err);
	if (st)
		return st;
	hs_put_u64(payload + SLICE_HASH_LEN, end_ns);
	st = hs_slice_sink_block(sink, &head, sizeof(payload), err);
	if (!st)
		st = hs_slice_sink_bytes(sink, payload, sizeof(payload), err);
	if (st || !sink->cipher)
		return st;
	uint8_t tag[SLICE_TAG_LEN];
	int n;
	if (EVP_EncryptFinal_ex(sink->cipher, sink->scratch, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(sink->cipher, EVP_CTRL_AEAD_GET_TAG,
				SLICE_TAG_LEN, tag) != 1)
		return broken(err);
	return hs_out_file_write(sink->out, tag, sizeof(tag), err);
}
