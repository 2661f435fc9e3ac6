/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <argon2.h>
#include <openssl/evp.h>

#include "backends/slice_crypt.h"
#include "backends/slice_file.h"
#include "support/slice_builder.h"

#define PAGE SLICE_TEST_PAGE
#define BASE UINT64_C(0x7f0000000000)

static uint8_t key[32];
static const uint8_t salt[16] = "salt of 16 bytes", nonce[12] = "nonce of 12";

/* What secret() hands out, and how often it was asked. */
struct secret {
	const void *bytes;
	size_t len;
	bool none;
	unsigned asked;
	enum hs_secret_kind kind;
};

static bool secret(void *arg, const char *what, enum hs_secret_kind kind,
		   uint8_t *buf, size_t size, size_t *len)
{
	struct secret *s = arg;
	s->asked++;
	s->kind = kind;
	if (s->none || !what || s->len > size)
		return false;
	memcpy(buf, s->bytes, s->len);
	*len = s->len;
	return true;
}

/* Encrypt everything behind the header, with a tag at the end. */
static void lock(struct slice_builder *b)
{
	int n;
	uint8_t *out = malloc(b->len + 16);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	assert_true(out && c);
	memcpy(out, b->bytes, 128);
	assert_int_equal(
		EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce), 1);
	assert_int_equal(EVP_EncryptUpdate(c, NULL, &n, b->bytes, 128), 1);
	assert_int_equal(EVP_EncryptUpdate(c, out + 128, &n, b->bytes + 128,
					   (int)b->len - 128),
			 1);
	assert_int_equal(EVP_EncryptFinal_ex(c, out + b->len, &n), 1);
	assert_int_equal(
		EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + b->len),
		1);
	EVP_CIPHER_CTX_free(c);
	free(b->bytes);
	b->bytes = out;
	b->len += 16;
}

/* An encrypted slice whose key is Argon2 of "secret", or raw. */
static void locked(struct slice_builder *b, bool raw)
{
	static uint8_t pages[PAGE];
	memset(pages, 0xa5, sizeof(pages));
	slice_begin_as(b, false, 128);
	b->unchained = true;
	slice_poke(b, 0x0c, 4, 4);
	b->bytes[0x40] = 1;
	b->bytes[0x41] = raw ? 0 : 1;
	slice_poke(b, 0x44, 1, 4);
	slice_poke(b, 0x48, 64, 4);
	b->bytes[0x4c] = 1;
	memcpy(b->bytes + 0x50, nonce, 12);
	memcpy(b->bytes + 0x68, salt, 16);
	slice_region(b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_end(b);
	memset(key, 0x42, sizeof(key));
	if (!raw)
		assert_int_equal(argon2id_hash_raw(1, 64, 1, "secret", 6, salt,
						   16, key, 32),
				 0);
	lock(b);
}

static enum hs_status try(const struct slice_builder *b, struct secret *s,
			  struct hs_slice **ret, struct hs_error *err)
{
	const struct hs_open_options opt = { .struct_size = sizeof(opt),
					     .secret = s ? secret : NULL,
					     .secret_arg = s };
	*ret = NULL;
	return hs_slice_open_bytes(b->bytes, b->len, "locked", &opt, ret, err);
}

static void refused(const struct slice_builder *b, struct secret *s,
		    enum hs_status code, const char *word)
{
	struct hs_slice *slice;
	struct hs_error err = { 0 };
	assert_int_equal(try(b, s, &slice, &err), code);
	assert_null(slice);
	if (!strstr(err.text, word))
		fail_msg("'%s' does not say '%s'", err.text, word);
}

static void c12_the_tag_takes_the_place_of_the_chain(void **state)
{
	(void)state;
	for (unsigned raw = 0; raw < 2; raw++) {
		struct slice_builder b;
		locked(&b, raw);
		struct secret s = { "secret", 6, false, 0, HS_SECRET_KEY };
		if (raw)
			s = (struct secret){ key, 32, false, 0,
					     HS_SECRET_PASSPHRASE };
		struct hs_slice *slice;
		struct hs_error err = { 0 };
		if (try(&b, &s, &slice, &err))
			fail_msg("%s", err.text);
		assert_int_equal(s.asked, 1);
		assert_int_equal(s.kind,
				 raw ? HS_SECRET_KEY : HS_SECRET_PASSPHRASE);
		assert_int_equal(hs_slice_region_count(slice), 1);
		/* C12: no chain to check, the tag has spoken. */
		struct hs_slice_integrity in;
		assert_int_equal(hs_slice_verify(slice, NULL, NULL, &in, NULL),
				 HS_OK);
		assert_true(in.sound && in.authenticated);
		assert_int_equal(in.file_hash, HS_SLICE_FILE_HASH_OK);
		hs_slice_close(slice);
		slice_release(&b);
	}
}

static void c12_nothing_is_used_before_the_tag_is_verified(void **state)
{
	(void)state;
	struct slice_builder b;
	locked(&b, true);
	struct secret right = { key, 32, false, 0, HS_SECRET_KEY };
	uint8_t other[32] = { 1 };
	struct secret wrong = { other, 32, false, 0, HS_SECRET_KEY };
	refused(&b, &wrong, HS_ERR_PERMISSION,
		"wrong, or the file was changed");
	/* C12: whatever byte it is, nothing of the content is used: of the
	 * header (timestamp, uuid, pid), of the blocks, of the tag. */
	static const size_t near[] = { 0x18, 0x28, 0x34, 0x50, 128, 200, 4000 };
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		b.bytes[near[i]] ^= 1;
		refused(&b, &right, HS_ERR_PERMISSION,
			"wrong, or the file was changed");
		b.bytes[near[i]] ^= 1;
	}
	b.bytes[b.len - 1] ^= 1;
	refused(&b, &right, HS_ERR_PERMISSION,
		"wrong, or the file was changed");
	b.bytes[b.len - 1] ^= 1;
	b.len--;
	refused(&b, &right, HS_ERR_PERMISSION,
		"wrong, or the file was changed");
	b.len = 128 + 15;
	refused(&b, &right, HS_ERR_FORMAT, "is cut");
	slice_release(&b);
}

static void without_a_secret_the_cure_is_named(void **state)
{
	(void)state;
	struct slice_builder b;
	locked(&b, false);
	struct secret none = { NULL, 0, true, 0, HS_SECRET_KEY };
	refused(&b, &none, HS_ERR_PERMISSION, "--passphrase-file");
	refused(&b, NULL, HS_ERR_PERMISSION, "--passphrase-file");
	slice_release(&b);
	locked(&b, true);
	struct secret shorter = { "short", 5, false, 0, HS_SECRET_KEY };
	refused(&b, &shorter, HS_ERR_PERMISSION, "32 bytes, not 5");
	slice_release(&b);
}

static void what_we_cannot_open_is_refused_before_asking(void **state)
{
	(void)state;
	static const struct {
		size_t at, bytes;
		uint64_t value;
		enum hs_status code;
		const char *word;
	} rows[] = {
		{ 0x40, 1, 2, HS_ERR_UNSUPPORTED, "cipher 2" },
		{ 0x41, 1, 9, HS_ERR_UNSUPPORTED, "method 9" },
		{ 0x42, 1, 1, HS_ERR_UNSUPPORTED, "encapsulated" },
		{ 0x4e, 2, 32, HS_ERR_FORMAT, "encapsulated key of 32" },
		{ 0x44, 4, 65, HS_ERR_LIMIT, "65 passes" },
		{ 0x44, 4, 0, HS_ERR_FORMAT, "impossible" },
		{ 0x48, 4, 0xffffffff, HS_ERR_LIMIT, "4294967295 KiB" },
		{ 0x48, 4, 7, HS_ERR_FORMAT, "impossible" },
		{ 0x4c, 1, 0, HS_ERR_FORMAT, "impossible" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice_builder b;
		struct secret s = { "secret", 6, false, 0, HS_SECRET_KEY };
		locked(&b, false);
		slice_poke(&b, rows[i].at, rows[i].value, rows[i].bytes);
		refused(&b, &s, rows[i].code, rows[i].word);
		assert_int_equal(s.asked, 0);
		slice_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(c12_the_tag_takes_the_place_of_the_chain),
		cmocka_unit_test(
			c12_nothing_is_used_before_the_tag_is_verified),
		cmocka_unit_test(without_a_secret_the_cure_is_named),
		cmocka_unit_test(what_we_cannot_open_is_refused_before_asking),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
