/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lz4.h>
#include <lz4frame.h>
#include <zstd.h>

#include "backends/slice_codec.h"
#include "backends/slice_hash.h"
#include "backends/slice_target.h"
#include "backends/workers.h"
#include "support/slice_builder.h"

#define FLAGS_ZSTD 0x3u
#define FLAGS_LZ4 0x5u
#define PAGE SLICE_TEST_PAGE
#define BASE UINT64_C(0x7f0000000000)
#define LEN (40 * PAGE)

static uint8_t plain[LEN]; /* compresses a little */

static int fill(void **state)
{
	(void)state;
	uint32_t seed = 1;
	for (size_t i = 0; i < LEN; i++) {
		seed = seed * 1103515245 + 12345;
		plain[i] = i % 64 < 32 ? (uint8_t)(seed >> 16) : 7;
	}
	return 0;
}

/* The two ways of framing, and PAD zeroes behind. */
struct packed {
	uint8_t bytes[2 * LEN + 512];
	size_t len;
	unsigned flags;
};

enum way { A_ZSTD, A_LZ4, B_ZSTD, B_LZ4, WAYS };

static void put64(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void pack(struct packed *p, enum way way, const void *bytes, size_t len,
		 size_t pad)
{
	size_t at = 0, room = sizeof(p->bytes) - 64;
	memset(p->bytes, 0, sizeof(p->bytes));
	if (way == A_ZSTD || way == A_LZ4) {
		put64(p->bytes, len);
		at = 8;
	}
	switch (way) {
	case A_LZ4:
		for (int i = 0; i < 4; i++)
			p->bytes[at++] = (uint8_t)(len >> 8 * i);
		at += (size_t)LZ4_compress_default(bytes, (char *)p->bytes + at,
						   (int)len, (int)room);
		break;
	case B_LZ4:
		at += LZ4F_compressFrame(p->bytes, room, bytes, len, NULL);
		break;
	default:
		at += ZSTD_compress(p->bytes + at, room, bytes, len, 1);
		break;
	}
	p->len = at + pad;
	p->flags = way == A_ZSTD || way == B_ZSTD ? FLAGS_ZSTD : FLAGS_LZ4;
}

static enum hs_status unpack(const struct packed *p, uint8_t *out, size_t want,
			     size_t *got, struct hs_error *err)
{
	struct hs_slice_packed parsed;
	enum hs_status st = hs_slice_packed_parse(p->flags, p->bytes, p->len,
						  false, &parsed, err);
	return st ? st : hs_slice_unpack(&parsed, out, want, got, err);
}

static void any_padding_behind_any_codec_is_no_harm(void **state)
{
	(void)state;
	struct packed p;
	uint8_t *out = malloc(LEN);
	assert_non_null(out);
	for (unsigned way = 0; way < WAYS; way++) {
		for (size_t pad = 0; pad <= 16; pad++) {
			struct hs_error err = { 0 };
			size_t got = 0;
			pack(&p, (enum way)way, plain, LEN, pad);
			if (unpack(&p, out, LEN, &got, &err))
				fail_msg("way %u, pad %zu: %s", way, pad,
					 err.text);
			assert_int_equal(got, LEN);
			assert_memory_equal(out, plain, LEN);
		}
	}
	free(out);
}

static void the_beginning_can_be_had_alone(void **state)
{
	(void)state;
	static const size_t wants[] = { 1, 32, 40, PAGE, LEN - 1 };
	struct packed p;
	for (unsigned way = 0; way < WAYS; way++) {
		for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
			uint8_t *out = malloc(wants[i]); /* not a byte more */
			size_t got = 0;
			assert_non_null(out);
			pack(&p, (enum way)way, plain, LEN, 3);
			assert_int_equal(unpack(&p, out, wants[i], &got, NULL),
					 HS_OK);
			assert_int_equal(got, wants[i]);
			assert_memory_equal(out, plain, got);
			free(out);
		}
	}
}

static void gigabytes_out_of_a_few_bytes_are_refused_unallocated(void **state)
{
	(void)state;
	/* 4 GiB out of 1 KiB, and so on up to what no number holds */
	static const uint64_t claims[] = { (uint64_t)4 << 30, (uint64_t)1 << 40,
					   UINT64_MAX };
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		for (unsigned way = A_ZSTD; way <= A_LZ4; way++) {
			struct packed p;
			struct hs_slice_packed parsed;
			struct hs_error err = { 0 };
			pack(&p, (enum way)way, plain, 512, 0);
			put64(p.bytes, claims[i]);
			p.len = 1024;
			assert_int_equal(hs_slice_packed_parse(p.flags, p.bytes,
							       p.len, false,
							       &parsed, &err),
					 HS_ERR_FORMAT);
			assert_non_null(strstr(err.text, "claims"));
		}
	}
}

static void damaged_and_cut_payloads_are_errors_not_crashes(void **state)
{
	(void)state;
	struct packed p;
	uint8_t *out = malloc(LEN);
	assert_non_null(out);
	for (unsigned way = 0; way < WAYS; way++) {
		pack(&p, (enum way)way, plain, LEN, 0);
		size_t whole = p.len, got;
		for (size_t len = 0; len < whole; len += len < 64 ? 1 : 1013) {
			got = 0;
			p.len = len;
			enum hs_status st = unpack(&p, out, LEN, &got, NULL);
			assert_true(st != HS_OK || got < LEN);
		}
		p.len = whole;
		for (size_t at = 0; at < whole; at += at < 64 ? 1 : 509) {
			p.bytes[at] ^= 0x55;
			(void)unpack(&p, out, LEN, &got, NULL);
			p.bytes[at] ^= 0x55;
		}
	}
	free(out);
}

static void unknown_codecs_are_unsupported(void **state)
{
	(void)state;
	struct hs_slice_packed parsed;
	for (unsigned codec = 0; codec <= 3; codec += 3)
		assert_int_equal(hs_slice_packed_parse(1 | codec << 1, plain,
						       64, false, &parsed,
						       NULL),
				 HS_ERR_UNSUPPORTED);
}

/* ---- compressed regions of a target ---- */

#define REGIONS 12u

static void build(struct slice_builder *b, struct packed *p)
{
	static const uint8_t states[40]; /* all captured */
	slice_begin(b);
	for (unsigned i = 0; i < REGIONS; i++) {
		const struct slice_region_as as = {
			.base = BASE + i * 2 * (uint64_t)LEN,
			.size = LEN,
			.prot = 3,
			.page_shift = 12,
		};
		size_t n;
		uint8_t *payload = slice_region_payload(&as, 40, states, plain,
							LEN, false, &n);
		payload[n - 1] = (uint8_t)i; /* each is another */
		pack(p, (enum way)(i % WAYS), payload, n, 0);
		slice_block(b, 0x0001, p->flags, p->bytes, p->len);
		free(payload);
	}
	slice_end(b);
}

static void *read_all(void *arg)
{
	const struct hs_target *t = arg;
	bool good = true;
	for (unsigned k = 0; k < REGIONS; k++) {
		hs_addr base = BASE + k * 2 * (uint64_t)LEN;
		const uint8_t *bytes;
		uint64_t len;
		good = good &&
		       hs_target_view(t, base, &bytes, &len, NULL) == HS_OK &&
		       len == LEN && memcmp(bytes, plain, LEN - 1) == 0 &&
		       bytes[LEN - 1] == (uint8_t)k;
	}
	/* in a thread of its own, where cmocka's asserts cannot be */
	return good ? arg : NULL;
}

static void *must_read_all(void *arg)
{
	if (!read_all(arg))
		abort();
	return NULL;
}

static const struct hs_open_options nowhere = { .struct_size = sizeof(nowhere),
						.sysroot = "/dev/null" };

static void compressed_regions_read_the_same_from_many_threads(void **state)
{
	(void)state;
	struct slice_builder b;
	struct packed *p = malloc(sizeof(*p));
	assert_non_null(p);
	build(&b, p);
	free(p);
	for (int round = 0; round < 10; round++) {
		struct hs_target *t = NULL;
		assert_int_equal(hs_slice_target_bytes(b.bytes, b.len, "test",
						       &nowhere, &t, NULL),
				 HS_OK);
		for (size_t i = 0; i < t->spans.count; i++)
			assert_int_equal(t->spans.span[i].state, HS_SPAN_LAZY);
		hs_workers_run(4, must_read_all, t);
		/* Unpacked once: the same bytes stay where they are. */
		const uint8_t *first, *again;
		uint64_t len;
		assert_int_equal(hs_target_view(t, BASE, &first, &len, NULL),
				 HS_OK);
		assert_int_equal(hs_target_view(t, BASE, &again, &len, NULL),
				 HS_OK);
		assert_ptr_equal(first, again);
		hs_target_close(t);
	}
	slice_release(&b);
}

static void a_damaged_region_is_a_hole_and_the_rest_is_read(void **state)
{
	(void)state;
	struct slice_builder b;
	struct packed *p = malloc(sizeof(*p));
	assert_non_null(p);
	build(&b, p);
	free(p);
	/* Far behind the page map, so that only pages suffer. */
	size_t at = b.start[1] + (b.start[2] - b.start[1]) / 2;
	memset(b.bytes + at, 0, 4000);
	struct hs_target *t = NULL;
	assert_int_equal(hs_slice_target_bytes(b.bytes, b.len, "test", &nowhere,
					       &t, NULL),
			 HS_OK);
	uint8_t byte;
	struct hs_error err = { 0 };
	enum hs_status st =
		hs_target_read(t, BASE + 2 * LEN + LEN - 1, &byte, 1, &err);
	if (st) { /* an lz4 block has no checksum: it may yield something */
		assert_int_equal(st, HS_ERR_NOT_CAPTURED);
		assert_non_null(strstr(err.text, "block 1"));
	}
	assert_int_equal(hs_target_read(t, BASE, &byte, 1, NULL), HS_OK);
	hs_target_close(t);
	slice_release(&b);
}

/* ---- hashes ---- */

static void hashes_are_the_published_ones(void **state)
{
	(void)state;
	static const struct {
		unsigned algorithm;
		const char *text, *hex;
	} rows[] = {
		{ 0, "",
		  "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae4"
		  "1f3262" },
		{ 1, "abc",
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f2"
		  "0015ad" },
		{ 2, "abc",
		  "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107"
		  "e7af23" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hs_slice_hash *h = NULL;
		uint8_t got[32];
		char hex[65];
		assert_int_equal(hs_slice_hash_new(rows[i].algorithm, &h, NULL),
				 HS_OK);
		for (int twice = 0; twice < 2; twice++)
			assert_int_equal(
				hs_slice_hash_bytes(h, rows[i].text,
						    strlen(rows[i].text), got,
						    NULL),
				HS_OK);
		for (size_t k = 0; k < 32; k++)
			(void)snprintf(hex + 2 * k, 3, "%02x", got[k]);
		assert_string_equal(hex, rows[i].hex);
		hs_slice_hash_free(h);
	}
	struct hs_slice_hash *none = NULL;
	assert_int_equal(hs_slice_hash_new(3, &none, NULL), HS_ERR_UNSUPPORTED);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_padding_behind_any_codec_is_no_harm),
		cmocka_unit_test(the_beginning_can_be_had_alone),
		cmocka_unit_test(
			gigabytes_out_of_a_few_bytes_are_refused_unallocated),
		cmocka_unit_test(
			damaged_and_cut_payloads_are_errors_not_crashes),
		cmocka_unit_test(unknown_codecs_are_unsupported),
		cmocka_unit_test(
			compressed_regions_read_the_same_from_many_threads),
		cmocka_unit_test(
			a_damaged_region_is_a_hole_and_the_rest_is_read),
		cmocka_unit_test(hashes_are_the_published_ones),
	};
	return cmocka_run_group_tests(tests, fill, NULL);
}
