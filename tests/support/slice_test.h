/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SLICE_TEST_H
#define TESTS_SLICE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <heapscan/heapscan.h>

#include "backends/slice_file.h"
#include "backends/slice_target.h"
#include "support/slice_builder.h"

/* What the tests of the reader of slices share. */
#define PAGE SLICE_TEST_PAGE
#define BASE UINT64_C(0x7f0000000000)

static const struct hs_open_options plain = { .struct_size = sizeof(plain),
					      .sysroot = "/dev/null" };

static uint8_t pages[4 * PAGE];

static inline int fill_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pages); i++)
		pages[i] = (uint8_t)(i / PAGE * 50 + i % 251 + 1);
	return 0;
}

static inline struct hs_slice *open_slice(const struct slice_builder *b)
{
	struct hs_slice *s = NULL;
	struct hs_error err = { 0 };
	if (hs_slice_open_bytes(b->bytes, b->len, "test", &plain, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static inline struct hs_target *open_target(const struct slice_builder *b)
{
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	if (hs_slice_target_bytes(b->bytes, b->len, "test", &plain, &t, &err))
		fail_msg("%s", err.text);
	return t;
}

static inline void refused(const struct slice_builder *b, enum hs_status code,
			   const char *word)
{
	struct hs_slice *s = NULL;
	struct hs_error err = { 0 };
	assert_int_equal(
		hs_slice_open_bytes(b->bytes, b->len, "test", &plain, &s, &err),
		code);
	assert_null(s);
	if (!strstr(err.text, word))
		fail_msg("'%s' does not say '%s'", err.text, word);
}

static inline bool has_problem(const struct hs_slice *s, const char *code)
{
	for (size_t i = 0; i < hs_slice_problem_count(s); i++) {
		struct hs_problem_info p;
		hs_slice_problem(s, i, &p);
		if (strcmp(p.code, code) == 0)
			return true;
	}
	return false;
}

static inline struct hs_slice_integrity verify(const struct slice_builder *b)
{
	struct hs_slice *s = open_slice(b);
	struct hs_slice_integrity in;
	assert_int_equal(hs_slice_verify(s, NULL, NULL, &in, NULL), HS_OK);
	hs_slice_close(s);
	return in;
}

/* One page of BASE, as simple as a slice can be. */
static inline void simple(struct slice_builder *b)
{
	slice_begin(b);
	slice_region(b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_end(b);
}

static inline void reads(const struct hs_target *t, hs_addr addr,
			 const void *bytes, size_t len)
{
	uint8_t *got = malloc(len);
	struct hs_error err = { 0 };
	assert_non_null(got);
	if (hs_target_read(t, addr, got, len, &err))
		fail_msg("%s", err.text);
	assert_memory_equal(got, bytes, len);
	free(got);
}

static inline enum hs_status status_at(const struct hs_target *t, hs_addr addr)
{
	uint8_t byte;
	return hs_target_read(t, addr, &byte, 1, NULL);
}

/* base, size, lengths, "/lib/a.so", "1.2", hash, blob */
static inline size_t module_payload(uint8_t *p, uint8_t hash_byte)
{
	memset(p, 0, 128);
	memcpy(p, "\x00\x10\x20\x30\x40\x7f\0\0", 8);
	memcpy(p + 8, "\x00\x50\0\0\0\0\0\0", 8);
	p[0x10] = 10; /* with NUL */
	p[0x12] = 4;
	memcpy(p + 0x18, "/lib/a.so", 10);
	memcpy(p + 0x28, "1.2", 4);
	memset(p + 0x30, hash_byte, 32);
	p[0x50] = 4 + 16; /* blob: a build id */
	p[0x58] = 16;
	memset(p + 0x5c, 0xb1, 16);
	return 0x58 + 24;
}

/* Two registers: rip with the flag, fs_base. */
static inline size_t thread_payload(uint8_t *p, const char *tls_name,
				    uint64_t tls)
{
	memset(p, 0, 256);
	p[0] = 77;
	p[0x10] = 1; /* current */
	p[0x12] = 3;
	p[0x14] = 2;
	p[0x18] = 5;
	memcpy(p + 0x20, "main", 5);
	uint8_t *r = p + 0x28;
	r[0] = 4;
	r[1] = 8;
	r[2] = 1;
	memcpy(r + 8, "rip", 4);
	r[16] = 0x55;
	r += 24;
	r[0] = (uint8_t)(strlen(tls_name) + 1);
	r[1] = 8;
	memcpy(r + 8, tls_name, strlen(tls_name));
	memcpy(r + 16, &tls, 8);
	return (size_t)(r + 24 - p);
}

#endif
