/* SPDX-License-Identifier: MIT */
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

/* What a reader of slices must do (C1 to C12), and what it promises beyond. */
#define PAGE SLICE_TEST_PAGE
#define BASE UINT64_C(0x7f0000000000)

static const struct hs_open_options plain = { .struct_size = sizeof(plain),
					      .sysroot = "/dev/null" };

static uint8_t pages[4 * PAGE];

static int fill_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pages); i++)
		pages[i] = (uint8_t)(i / PAGE * 50 + i % 251 + 1);
	return 0;
}

static struct hs_slice *open_slice(const struct slice_builder *b)
{
	struct hs_slice *s = NULL;
	struct hs_error err = { 0 };
	if (hs_slice_open_bytes(b->bytes, b->len, "test", &plain, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static struct hs_target *open_target(const struct slice_builder *b)
{
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	if (hs_slice_target_bytes(b->bytes, b->len, "test", &plain, &t, &err))
		fail_msg("%s", err.text);
	return t;
}

static void refused(const struct slice_builder *b, enum hs_status code,
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

static bool has_problem(const struct hs_slice *s, const char *code)
{
	for (size_t i = 0; i < hs_slice_problem_count(s); i++) {
		struct hs_problem_info p;
		hs_slice_problem(s, i, &p);
		if (strcmp(p.code, code) == 0)
			return true;
	}
	return false;
}

static struct hs_slice_integrity verify(const struct slice_builder *b)
{
	struct hs_slice *s = open_slice(b);
	struct hs_slice_integrity in;
	assert_int_equal(hs_slice_verify(s, NULL, NULL, &in, NULL), HS_OK);
	hs_slice_close(s);
	return in;
}

/* One page of BASE, as simple as a slice can be. */
static void simple(struct slice_builder *b)
{
	slice_begin(b);
	slice_region(b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_end(b);
}

static void reads(const struct hs_target *t, hs_addr addr, const void *bytes,
		  size_t len)
{
	uint8_t *got = malloc(len);
	struct hs_error err = { 0 };
	assert_non_null(got);
	if (hs_target_read(t, addr, got, len, &err))
		fail_msg("%s", err.text);
	assert_memory_equal(got, bytes, len);
	free(got);
}

static enum hs_status status_at(const struct hs_target *t, hs_addr addr)
{
	uint8_t byte;
	return hs_target_read(t, addr, &byte, 1, NULL);
}

/* ---- C1 to C12 ---- */

static void c1_bad_magic_or_byte_order_is_refused(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	b.bytes[7] = 'X';
	refused(&b, HS_ERR_FORMAT, "no Memory Slice");
	b.bytes[7] = 'E';
	b.bytes[8] = 0;
	refused(&b, HS_ERR_FORMAT, "byte order");
	b.bytes[8] = 3;
	refused(&b, HS_ERR_FORMAT, "byte order");
	slice_release(&b);
}

static void c2_blocks_begin_where_the_header_says(void **state)
{
	(void)state;
	struct slice_builder b;
	slice_begin_as(&b, false, 96);
	slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_end(&b);
	struct hs_target *t = open_target(&b);
	reads(t, BASE, pages, PAGE);
	hs_target_close(t);
	assert_true(verify(&b).sound);
	b.bytes[9] = 63;
	refused(&b, HS_ERR_FORMAT, "64 at least");
	slice_release(&b);
}

static void c3_unknown_types_are_listed_and_skipped(void **state)
{
	(void)state;
	struct slice_builder b;
	slice_begin(&b);
	slice_block(&b, 0x0777, 0, "whatever", 8);
	slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_end(&b);
	struct hs_slice *s = open_slice(&b);
	struct hs_slice_block_info block;
	assert_int_equal(hs_slice_block_count(s), 3);
	hs_slice_block(s, 0, &block);
	assert_int_equal(block.type, 0x0777);
	assert_string_equal(block.type_name, "unknown");
	assert_int_equal(hs_slice_region_count(s), 1);
	assert_int_equal(hs_slice_problem_count(s), 0);
	hs_slice_close(s);
	slice_release(&b);
}

static void c4_without_end_of_capture_it_is_incomplete(void **state)
{
	(void)state;
	struct slice_builder b;
	slice_begin(&b);
	slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	struct hs_target *t = open_target(&b);
	struct hs_target_info info;
	hs_target_info(t, &info);
	assert_false(info.complete);
	reads(t, BASE, pages, PAGE);
	hs_target_close(t);
	struct hs_slice_integrity in = verify(&b);
	assert_false(in.end_of_capture);
	assert_int_equal(in.file_hash, HS_SLICE_FILE_HASH_ABSENT);
	assert_int_equal(in.chain, HS_SLICE_CHAIN_OK);
	assert_false(in.sound);
	slice_release(&b);
}

static void c4_what_follows_the_end_is_listed_and_not_used(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	slice_region(&b, BASE + PAGE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	struct hs_target *t = open_target(&b);
	assert_int_equal(status_at(t, BASE + PAGE), HS_ERR_UNMAPPED);
	hs_target_close(t);
	struct hs_slice *s = open_slice(&b);
	struct hs_slice_block_info block;
	hs_slice_block(s, 2, &block);
	assert_true(block.after_end);
	hs_slice_close(s);
	assert_true(verify(&b).sound);
	slice_release(&b);
}

static void c5_reserved_bytes_are_ignored(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	b.bytes[0x3e] = b.bytes[0x3f] = 0xff;
	slice_poke(&b, b.start[0] + 0x0e, 0xffff, 2);
	memset(b.bytes + b.start[0] + 80 + 0x13, 0xff, 5);
	slice_rechain(&b);
	struct hs_target *t = open_target(&b);
	reads(t, BASE, pages, PAGE);
	hs_target_close(t);
	assert_true(verify(&b).sound);
	slice_release(&b);
}

static void c6_type_0_is_refused_and_the_rest_is_read(void **state)
{
	(void)state;
	struct slice_builder b;
	slice_begin(&b);
	slice_block(&b, 0, 0, "nothing!", 8);
	slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_end(&b);
	struct hs_slice *s = open_slice(&b);
	assert_true(has_problem(s, "slice-block-malformed"));
	assert_int_equal(hs_slice_region_count(s), 1);
	hs_slice_close(s);
	slice_release(&b);
}

static void c7_unknown_payload_versions_are_skipped(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	slice_poke(&b, b.start[0] + 0x0c, 2, 2);
	slice_rechain(&b);
	struct hs_slice *s = open_slice(&b);
	assert_true(has_problem(s, "slice-payload-version"));
	assert_int_equal(hs_slice_region_count(s), 0);
	hs_slice_close(s);
	slice_release(&b);
}

/* base, size, lengths, "/lib/a.so", "1.2", hash, blob */
static size_t module_payload(uint8_t *p, uint8_t hash_byte)
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

static void c8_a_disk_hash_of_zeroes_is_none(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte <= 9; byte += 9) {
		struct slice_builder b;
		uint8_t payload[128];
		slice_begin(&b);
		slice_block(&b, 0x0002, 0, payload,
			    module_payload(payload, (uint8_t)byte));
		slice_end(&b);
		struct hs_slice *s = open_slice(&b);
		struct hs_slice_module_info m;
		assert_int_equal(hs_slice_module_count(s), 1);
		hs_slice_module(s, 0, &m);
		assert_int_equal(m.base, UINT64_C(0x7f4030201000));
		assert_int_equal(m.size, 0x5000);
		assert_string_equal(m.path, "/lib/a.so");
		assert_string_equal(m.version, "1.2");
		assert_int_equal(m.disk_hash != NULL, byte != 0);
		assert_int_equal(m.build_id_len, 16);
		assert_int_equal(m.build_id[15], 0xb1);
		hs_slice_close(s);
		slice_release(&b);
	}
}

static void c9_codec_bits_mean_nothing_without_compressed(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	slice_poke(&b, b.start[0] + 0x06, 0x0006, 2);
	slice_rechain(&b);
	struct hs_target *t = open_target(&b);
	reads(t, BASE, pages, PAGE);
	hs_target_close(t);
	slice_release(&b);
}

static void c10_impossible_page_sizes_are_refused(void **state)
{
	(void)state;
	static const uint8_t shifts[] = { 0, 9, 41, 255 };
	for (size_t i = 0; i < sizeof(shifts); i++) {
		struct slice_builder b;
		simple(&b);
		b.bytes[b.start[0] + 80 + 0x12] = shifts[i];
		struct hs_slice *s = open_slice(&b);
		assert_int_equal(hs_slice_region_count(s), 0);
		assert_true(has_problem(s, "slice-block-malformed"));
		hs_slice_close(s);
		slice_release(&b);
	}
}

static void c11_four_states_first_page_in_the_high_bits(void **state)
{
	(void)state;
	struct slice_builder b;
	slice_begin(&b);
	slice_region(&b, BASE, 6, (const uint8_t[]){ 0, 1, 2, 3, 0, 2 }, pages,
		     2 * PAGE);
	slice_end(&b);
	/* captured, failed, unmapped, reserved: 00 01 10 11 */
	assert_int_equal(b.bytes[b.start[0] + 80 + 32], 0x1b);
	struct hs_slice *s = open_slice(&b);
	struct hs_slice_region_info r;
	hs_slice_region(s, 0, &r);
	assert_int_equal(r.captured_pages, 2);
	assert_int_equal(r.failed_pages, 2); /* the reserved state is failed */
	assert_int_equal(r.unmapped_pages, 2);
	hs_slice_close(s);
	struct hs_target *t = open_target(&b);
	reads(t, BASE, pages, PAGE);
	assert_int_equal(status_at(t, BASE + PAGE), HS_ERR_NOT_CAPTURED);
	assert_int_equal(status_at(t, BASE + 2 * PAGE), HS_ERR_UNMAPPED);
	assert_int_equal(status_at(t, BASE + 3 * PAGE), HS_ERR_NOT_CAPTURED);
	reads(t, BASE + 4 * PAGE, pages + PAGE, PAGE);
	assert_int_equal(status_at(t, BASE + 5 * PAGE), HS_ERR_UNMAPPED);
	/* Two maps: what was not mapped is in none. */
	assert_int_equal(hs_target_map_count(t), 2);
	/* Writable pages that could not be read are missing. */
	assert_false(t->complete);
	hs_target_close(t);
	slice_release(&b);
}

static void c12_an_encrypted_header_has_128_bytes(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	slice_poke(&b, 0x0c, 4, 4);
	refused(&b, HS_ERR_FORMAT, "128");
	slice_release(&b);
}

/* ---- regions ---- */

static void plain_pages_are_viewed_where_they_lie(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	struct hs_target *t = open_target(&b);
	const uint8_t *bytes;
	uint64_t len;
	assert_int_equal(hs_target_view(t, BASE + 5, &bytes, &len, NULL),
			 HS_OK);
	assert_ptr_equal(bytes, b.bytes + b.start[0] + 80 + 32 + 8 + 5);
	assert_int_equal(len, PAGE - 5);
	hs_target_close(t);
	slice_release(&b);
}

static void pages_that_the_file_lacks_are_not_captured(void **state)
{
	(void)state;
	struct slice_builder b;
	slice_begin(&b);
	slice_region(&b, BASE, 3, (const uint8_t[]){ 0, 0, 0 }, pages,
		     PAGE + 1);
	slice_end(&b);
	struct hs_slice *s = open_slice(&b);
	struct hs_slice_region_info r;
	hs_slice_region(s, 0, &r);
	assert_int_equal(r.captured_pages, 1);
	assert_int_equal(r.failed_pages, 2);
	assert_true(has_problem(s, "slice-region-short"));
	hs_slice_close(s);
	struct hs_target *t = open_target(&b);
	reads(t, BASE, pages, PAGE);
	assert_int_equal(status_at(t, BASE + PAGE), HS_ERR_NOT_CAPTURED);
	assert_false(t->complete);
	hs_target_close(t);
	slice_release(&b);
}

static void of_overlapping_regions_the_later_taken_wins(void **state)
{
	(void)state;
	for (unsigned order = 0; order < 2; order++) {
		struct slice_builder b;
		struct slice_region_as as = { .base = BASE,
					      .size = 2 * PAGE,
					      .timestamp = order ? 5 : 9,
					      .prot = 3,
					      .page_shift = 12 };
		slice_begin(&b);
		slice_region_as(&b, &as, 2, (const uint8_t[]){ 0, 0 }, pages,
				2 * PAGE);
		as.base += PAGE;
		as.timestamp = 7;
		slice_region_as(&b, &as, 2, (const uint8_t[]){ 0, 0 },
				pages + 2 * PAGE, 2 * PAGE);
		slice_end(&b);
		struct hs_target *t = open_target(&b);
		reads(t, BASE, pages, PAGE);
		reads(t, BASE + PAGE, pages + (order ? 2 : 1) * PAGE, PAGE);
		reads(t, BASE + 2 * PAGE, pages + 3 * PAGE, PAGE);
		assert_int_equal(hs_target_problem_count(t), 1);
		assert_string_equal(t->notes.note[0].code, "slice-overlap");
		hs_target_close(t);
		slice_release(&b);
	}
}

static void continuations_are_one_map(void **state)
{
	(void)state;
	struct slice_builder b;
	struct slice_region_as as = { .base = BASE,
				      .size = PAGE,
				      .prot = 3,
				      .page_shift = 12,
				      .flags = 0x10 };
	slice_begin(&b);
	for (unsigned i = 0; i < 3; i++) {
		slice_region_as(&b, &as, 1, (const uint8_t[]){ 0 },
				pages + i * PAGE, PAGE);
		as.base += PAGE;
		as.flags = 0x20;
	}
	slice_end(&b);
	struct hs_target *t = open_target(&b);
	assert_int_equal(hs_target_map_count(t), 1);
	reads(t, BASE, pages, 3 * PAGE);
	hs_target_close(t);
	slice_release(&b);
}

/* One page of TYPE that was captured, behind it one that was not. */
static struct hs_target *half_captured(struct slice_builder *b, uint8_t type)
{
	const struct slice_region_as as = { .base = BASE,
					    .size = 2 * PAGE,
					    .prot = 3,
					    .type = type,
					    .page_shift = 12 };
	slice_begin(b);
	slice_region_as(b, &as, 2, (const uint8_t[]){ 0, 1 }, pages, PAGE);
	slice_end(b);
	return open_target(b);
}

static void what_a_region_is_its_map_is(void **state)
{
	(void)state;
	static const enum hs_map_kind kind_of[] = {
		HS_MAP_ANON, HS_MAP_HEAP, HS_MAP_STACK, HS_MAP_FILE,
		HS_MAP_FILE, HS_MAP_ANON, HS_MAP_ANON,
	};
	for (uint8_t type = 0; type <= 6; type++) {
		struct slice_builder b;
		struct hs_map_info map;
		struct hs_target *t = half_captured(&b, type);
		hs_target_map(t, 0, &map);
		assert_int_equal(map.kind, kind_of[type]);
		assert_int_equal(map.shared, type == 6);
		hs_target_close(t);
		slice_release(&b);
	}
}

static void only_shared_memory_may_be_left_out(void **state)
{
	(void)state;
	for (uint8_t type = 5; type <= 6; type++) {
		struct slice_builder b;
		struct hs_target_info info;
		struct hs_target *t = half_captured(&b, type);
		hs_target_info(t, &info);
		assert_int_equal(info.complete, type == 6);
		hs_target_close(t);
		slice_release(&b);
	}
}

static void impossible_regions_are_left_out(void **state)
{
	(void)state;
	static const struct slice_region_as wrong[] = {
		{ .base = UINT64_MAX - PAGE, .size = 2 * PAGE },
		{ .base = BASE, .size = 0 },
		{ .base = BASE, .size = UINT64_MAX },
		{ .base = BASE, .size = (uint64_t)PAGE << 29 },
		{ .base = BASE, .size = (uint64_t)PAGE << 20 }, /* map cut */
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct slice_builder b;
		struct slice_region_as as = wrong[i];
		as.page_shift = 12;
		slice_begin(&b);
		slice_region_as(&b, &as, 1, (const uint8_t[]){ 0 }, pages,
				PAGE);
		slice_end(&b);
		struct hs_slice *s = open_slice(&b);
		assert_int_equal(hs_slice_region_count(s), 0);
		assert_true(has_problem(s, "slice-block-malformed"));
		hs_slice_close(s);
		slice_release(&b);
	}
}

static void big_endian_structures_are_read(void **state)
{
	(void)state;
	struct slice_builder b;
	slice_begin_as(&b, true, 64);
	slice_region(&b, BASE, 2, (const uint8_t[]){ 1, 0 }, pages, PAGE);
	slice_end(&b);
	struct hs_target *t = open_target(&b);
	assert_int_equal(t->pid, 4711);
	reads(t, BASE + PAGE, pages, PAGE);
	hs_target_close(t);
	slice_release(&b);
}

static void a_little_endian_file_that_says_big_is_read(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	b.bytes[8] = 2;
	struct hs_slice *s = open_slice(&b);
	struct hs_slice_info info;
	hs_slice_info(s, &info);
	assert_false(info.big_endian);
	assert_int_equal(info.pid, 4711);
	assert_true(has_problem(s, "slice-byte-order"));
	hs_slice_close(s);
	slice_release(&b);
}

static void an_unknown_major_version_is_refused(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	slice_poke(&b, 0x0a, 0x0200, 2);
	refused(&b, HS_ERR_UNSUPPORTED, "version 2.0");
	slice_poke(&b, 0x0a, 0x0109, 2);
	hs_slice_close(open_slice(&b));
	slice_release(&b);
}

static void other_architectures_can_be_listed_only(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	slice_poke(&b, 0x32, 10, 2); /* s390x */
	hs_slice_close(open_slice(&b));
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	assert_int_equal(
		hs_slice_target_bytes(b.bytes, b.len, "test", &plain, &t, &err),
		HS_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "architecture 10"));
	slice_release(&b);
}

static void no_memory_at_all_is_not_complete(void **state)
{
	(void)state;
	struct slice_builder b;
	slice_begin(&b);
	slice_end(&b);
	struct hs_slice *s = open_slice(&b);
	struct hs_slice_info info;
	hs_slice_info(s, &info);
	assert_false(info.complete);
	assert_true(has_problem(s, "slice-no-memory"));
	hs_slice_close(s);
	assert_true(verify(&b).sound); /* as it was written */
	slice_release(&b);
}

/* ---- the other blocks ---- */

static void the_process_is_named(void **state)
{
	(void)state;
	struct slice_builder b;
	uint8_t p[0x18 + 16] = { 0 };
	p[0] = 42;
	p[4] = 43;
	p[8] = 44;
	p[0x10] = 6;
	p[0x12] = 7;
	memcpy(p + 0x18, "/bin/a", 6); /* five and a NUL make six */
	p[0x18 + 5] = 0;
	memcpy(p + 0x20, "a -b -", 7);
	slice_begin(&b);
	slice_block(&b, 0x0040, 0, p, sizeof(p));
	slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_end(&b);
	struct hs_slice *s = open_slice(&b);
	struct hs_slice_process process;
	assert_true(hs_slice_process(s, &process));
	assert_string_equal(process.executable, "/bin/");
	assert_string_equal(process.command_line, "a -b -");
	assert_int_equal(process.ppid, 42);
	assert_int_equal(process.session_id, 43);
	assert_int_equal(process.start_time_ns, 44);
	hs_slice_close(s);
	slice_release(&b);
}

/* Two registers: rip with the flag, fs_base. */
static size_t thread_payload(uint8_t *p, const char *tls_name, uint64_t tls)
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

static void threads_bring_registers_and_thread_pointer(void **state)
{
	(void)state;
	/* radare2 keeps the base under the selector's name */
	static const struct {
		const char *name;
		uint64_t value;
		hs_addr tls;
	} rows[] = {
		{ "fs_base", 0x7fccb6768740, 0x7fccb6768740 },
		{ "fs", 0x7fccb6768740, 0x7fccb6768740 },
		{ "fs", 0x33, HS_NO_ADDR },
	};
	for (size_t i = 0; i < 3; i++) {
		struct slice_builder b;
		uint8_t p[256];
		slice_begin(&b);
		slice_block(&b, 0x0011, 0, p,
			    thread_payload(p, rows[i].name, rows[i].value));
		slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
		slice_end(&b);
		struct hs_target *t = open_target(&b);
		struct hs_thread_info thread;
		assert_int_equal(hs_target_thread_count(t), 1);
		hs_target_thread(t, 0, &thread);
		assert_int_equal(thread.tid, 77);
		assert_true(thread.current);
		assert_string_equal(thread.name, "main");
		assert_int_equal(thread.pc, 0x55);
		assert_int_equal(thread.sp, HS_NO_ADDR);
		assert_int_equal(thread.tls_base, rows[i].tls);
		assert_int_equal(thread.register_count, 0); /* not all */
		hs_target_close(t);
		slice_release(&b);
	}
}

static void a_thread_in_another_layout_keeps_its_id_only(void **state)
{
	(void)state;
	uint8_t p[256];
	size_t len = thread_payload(p, "fs_base", 1);
	struct hs_slice_thread t;
	for (size_t cut = 0; cut < len; cut++) {
		enum hs_status st =
			hs_slice_thread_parse(p, cut, false, &t, NULL);
		if (cut < 8) {
			assert_int_equal(st, HS_ERR_FORMAT);
			continue;
		}
		assert_int_equal(st, HS_OK);
		assert_int_equal(t.tid, 77);
		assert_false(t.understood);
		assert_int_equal(t.count, 0);
	}
	assert_int_equal(hs_slice_thread_parse(p, len, false, &t, NULL), HS_OK);
	assert_true(t.understood);
	assert_int_equal(t.count, 2);
	hs_slice_thread_release(&t);
	p[0x14] = 0xff; /* more registers than there can be */
	p[0x17] = 0xff;
	assert_int_equal(hs_slice_thread_parse(p, len, false, &t, NULL), HS_OK);
	assert_false(t.understood);
}

static const char *fact(const struct hs_slice *s, uint64_t row,
			const char *name)
{
	for (size_t i = 0; i < hs_slice_fact_count(s); i++) {
		struct hs_slice_fact f;
		hs_slice_fact(s, i, &f);
		if (f.row == row && strcmp(f.name, name) == 0)
			return f.value;
	}
	return NULL;
}

static void says(unsigned type, const char *bytes, size_t len,
		 const char *const (*facts)[2], size_t count)
{
	struct slice_builder b;
	slice_begin(&b);
	slice_block(&b, type, 0, bytes, len);
	slice_end(&b);
	struct hs_slice *s = open_slice(&b);
	for (size_t i = 0; i < count; i++) {
		const char *value = fact(s, 0, facts[i][0]);
		if (!value)
			fail_msg("type 0x%04x lacks %s", type, facts[i][0]);
		assert_string_equal(value, facts[i][1]);
	}
	hs_slice_close(s);
	/* However short, it is no reason to fail. */
	for (size_t cut = 0; cut < len; cut += 4) {
		slice_release(&b);
		slice_begin(&b);
		slice_block(&b, type, 0, bytes, cut);
		slice_end(&b);
		hs_slice_close(open_slice(&b));
	}
	slice_release(&b);
}
#define SAYS(type, bytes, ...)                                                 \
	do {                                                                   \
		static const char *const facts[][2] = { __VA_ARGS__ };         \
		says(type, bytes, sizeof(bytes) - 1, facts,                    \
		     sizeof(facts) / sizeof(facts[0]));                        \
	} while (0)

static void a_key_hint_is_turned_into_an_address(void **state)
{
	(void)state;
	struct slice_builder b;
	uint8_t hint[0x30] = { 0 };
	memset(hint, 1, 16); /* the first block's UUID */
	hint[0x11] = 0x18;   /* offset 0x1800: in the second captured page */
	slice_begin(&b);
	slice_region(&b, BASE, 4, (const uint8_t[]){ 1, 0, 2, 0 }, pages,
		     2 * PAGE);
	slice_block(&b, 0x0020, 0, hint, sizeof(hint));
	hint[0x11] = 0x20; /* behind them */
	slice_block(&b, 0x0020, 0, hint, sizeof(hint));
	slice_end(&b);
	struct hs_slice *s = open_slice(&b);
	size_t found = 0;
	for (size_t i = 0; i < hs_slice_fact_count(s); i++) {
		struct hs_slice_fact f;
		hs_slice_fact(s, i, &f);
		if (strcmp(f.name, "address") != 0)
			continue;
		found++;
		assert_int_equal(f.block, 1);
		assert_string_equal(f.value, "0x7f0000003800");
	}
	assert_int_equal(found, 1);
	hs_slice_close(s);
	slice_release(&b);
}

#define Z2 "\0\0"
#define Z4 Z2 Z2
#define Z8 Z4 Z4
#define ONE4 "\1\0\0\0"
#define U16 "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10"

static void tables_are_shown_row_by_row(void **state)
{
	(void)state;
	SAYS(0x0020,
	     U16 "\x40" Z4 Z2 "\0"
		 "\x20\0\0\0"
		 "\5\0\2\0"
		 "\1\1\0\0"
		 "\4\0\0\0" Z4 "tls\0" Z4,
	     { "region", "01020304-0506-0708-090a-0b0c0d0e0f10" },
	     { "offset", "64" }, { "key_type", "5" }, { "note", "tls" });
	SAYS(0x0030,
	     "\2\0" Z2 "\5\0\0\0"
	     "\7" Z4 Z2 "\0"
	     "\x08" Z4 Z2 "\0" Z4 Z4 "gdb9\0\0\0\0",
	     { "source_format", "2" }, { "tool", "gdb9" },
	     { "import_time_ns", "7" }, { "original_size", "8" });
	SAYS(0x0041, U16 "\x2a\0\0\0\1\0\0\0", { "pid", "42" },
	     { "relationship", "1" });
	/* both layouts of the system context */
	SAYS(0x0050,
	     "\x09" Z4 Z2 "\0"
	     "\1"
	     "\1\0\0\0"
	     "\5\0\5\0\0\0\0\0\0\0" Z8 "\0"
	     "root\0\0\0\0"
	     "host\0\0\0\0",
	     { "boot_time_ns", "9" }, { "user", "root" },
	     { "hostname", "host" });
	SAYS(0x0050,
	     "\x09" Z4 Z2 "\0"
	     "\1\0\0\0"
	     "\1\0\0\0"
	     "\5\0\5\0\0\0\0\0\0\0" Z4 Z2 "root\0\0\0\0"
	     "host\0\0\0\0",
	     { "boot_time_ns", "9" }, { "user", "root" },
	     { "hostname", "host" });
	SAYS(0x0051,
	     ONE4 Z4 "\7\0\0\0\1\0\0\0\2\0\0\0"
		     "\1\0\0\0" Z8 Z8 "\3\0\0\0\2\0" Z2 "/x\0" Z4 "\0"
		     "u\0" Z4 Z2,
	     { "pid", "7" }, { "is_target", "1" }, { "executable", "/x" },
	     { "user", "u" });
	SAYS(0x0052,
	     ONE4 Z4 "\7\0\0\0"
		     "\2\6\1\0"
		     "\x7f\0\0\1" Z8 Z4 "\x50\0\0\0"
		     "\x0a\0\0\1" Z8 Z4 "\xbb\1\0\0",
	     { "local", "127.0.0.1" }, { "local_port", "80" },
	     { "remote", "10.0.0.1" }, { "remote_port", "443" });
	SAYS(0x0053,
	     ONE4 Z4 "\7\0\0\0\3\0\0\0"
		     "\1\0\3\0" Z4 "/y\0" Z4 "\0",
	     { "fd", "3" }, { "path", "/y" });
	SAYS(0x0054, ONE4 Z4 "\3\2\0\xab\xcd" Z2 "\0", { "neighbour", "abcd" });
	SAYS(0x0055, ONE4 Z4 "\1\0\4\0\0\x10\0\0", { "page_size", "4096" });
	SAYS(0x0056,
	     ONE4 Z4 "\1\0\2\0/z"
		     "\5" Z4 Z2 "\0" Z8 "\1\0\0\0",
	     { "path", "/z" }, { "mtime_ns", "5" }, { "mode", "1" });
	SAYS(0x0057,
	     ONE4 Z4 "\3\0ext" Z8 "\1\0\0\0"
		     "\1\0" Z8 "\0\0",
	     { "name", "ext" }, { "refcount", "1" });
	SAYS(0x0058, "\7\0\0\0" Z4 "\x13\0\4\0\4\0\0\0", { "threads", "4" });
	SAYS(0x0059, ONE4 Z4 "\0\x10" Z4 Z2 "\0\x20" Z4 Z2 "\3\0\0\0ram",
	     { "start", "0x1000" }, { "label", "ram" });
	SAYS(0x005a,
	     ONE4 Z4 "\0\x10" Z4 Z2
		     "\4\1\0\0\xde\xad\xbe\xef" Z8 Z8 Z8 Z8 Z8 Z8,
	     { "base", "0x1000" }, { "build_id", "deadbeef" });
	SAYS(0x1001,
	     ONE4 Z4 "\0\x10" Z4 Z2 "\0\x20" Z4 Z2 "\3\1\3\0" Z4 "/q\0" Z4 "\0",
	     { "base", "0x1000" }, { "size", "8192" }, { "path", "/q" });
}

/* ---- integrity ---- */

static void every_changed_byte_before_the_end_is_found(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	b.count = 2;
	b.len = b.start[2];
	assert_true(verify(&b).sound);
	size_t end = b.start[1];
	for (size_t at = 64 + 0x10; at < end; at += at < 300 ? 1 : 97) {
		b.bytes[at] ^= 0x40;
		struct hs_slice_integrity in = verify(&b);
		assert_false(in.sound);
		assert_int_equal(in.file_hash, HS_SLICE_FILE_HASH_MISMATCH);
		assert_int_equal(in.chain, HS_SLICE_CHAIN_BROKEN);
		bool link = at >= b.start[0] + 0x30 && at < b.start[0] + 0x50;
		assert_int_equal(in.broken_at_block, link ? 0 : 1);
		b.bytes[at] ^= 0x40;
	}
	slice_release(&b);
}

static void the_header_is_part_of_the_chain(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	b.bytes[0x28] ^= 1;
	struct hs_slice_integrity in = verify(&b);
	assert_int_equal(in.broken_at_block, 0);
	slice_release(&b);
}

static void an_unknown_hash_cannot_be_verified(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	b.bytes[0x3d] = 0xff;
	struct hs_slice_integrity in = verify(&b);
	assert_int_equal(in.chain, HS_SLICE_CHAIN_UNVERIFIABLE);
	assert_int_equal(in.file_hash, HS_SLICE_FILE_HASH_UNVERIFIABLE);
	assert_false(in.sound);
	slice_release(&b);
}

static void memdivers_loose_first_block_is_named_not_broken(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	slice_rechain(&b);
	memset(b.bytes + b.start[0] + 0x30, 0, 32);
	b.count--; /* link the end again */
	b.len = b.start[1];
	slice_end(&b);
	struct hs_slice_integrity in = verify(&b);
	assert_int_equal(in.chain, HS_SLICE_CHAIN_OK);
	assert_false(in.anchored);
	assert_string_equal(in.dialect, "memdiver");
	assert_true(in.sound);
	slice_release(&b);
}

static void enrichs_broken_tail_is_named(void **state)
{
	(void)state;
	struct slice_builder b;
	uint8_t manifest[8] = { 0 };
	slice_begin(&b);
	slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_block(&b, 0x005a, 0, manifest, sizeof(manifest));
	memset(b.bytes + b.start[1] + 0x30, 0x99, 32);
	slice_end(&b);
	b.bytes[b.start[2] + 80] ^= 1; /* over another file */
	struct hs_slice_integrity in = verify(&b);
	assert_int_equal(in.chain, HS_SLICE_CHAIN_BROKEN);
	assert_int_equal(in.broken_at_block, 1);
	assert_string_equal(in.dialect, "memslicer-enrich");
	assert_false(in.sound);
	slice_release(&b);
}

static void libmsls_layout_is_read_when_asked_for(void **state)
{
	(void)state;
	struct slice_builder b;
	slice_begin(&b);
	slice_poke(&b, 0x0a, 0x0001, 2);
	uint8_t p[32 + 8 + PAGE] = { 0 };
	memcpy(p, &(uint64_t){ BASE }, 8);
	memcpy(p + 8, &(uint64_t){ PAGE }, 8);
	p[0x10] = 3;
	p[0x12] = 0;
	p[0x13] = 0x10; /* page size 4096 */
	p[0x14] = 1;
	memcpy(p + 40, pages, PAGE);
	slice_block(&b, 0x0001, 0, p, sizeof(p));
	slice_poke(&b, b.start[0] + 0x0c, 0, 2);
	slice_end(&b);
	slice_poke(&b, b.start[1] + 0x0c, 0, 2);
	slice_rechain(&b);
	struct hs_slice *s = open_slice(&b);
	assert_int_equal(hs_slice_region_count(s), 0);
	hs_slice_close(s);
	assert_string_equal(verify(&b).dialect, "libmsl");
	struct hs_open_options legacy = plain;
	legacy.legacy = true;
	struct hs_target *t = NULL;
	assert_int_equal(hs_slice_target_bytes(b.bytes, b.len, "test", &legacy,
					       &t, NULL),
			 HS_OK);
	reads(t, BASE, pages, PAGE);
	hs_target_close(t);
	slice_release(&b);
}

/* ---- damaged headers ---- */

/* Three pages, a block each. */
static void three(struct slice_builder *b)
{
	slice_begin(b);
	for (unsigned i = 0; i < 3; i++)
		slice_region(b, BASE + i * PAGE, 1, (const uint8_t[]){ 0 },
			     pages + (size_t)i * PAGE, PAGE);
	slice_end(b);
}

static void one_damaged_field_of_a_header_costs_no_memory(void **state)
{
	(void)state;
	static const size_t field[] = { 0, 3, 8, 9, 10 };
	for (size_t block = 0; block < 4; block++)
		for (size_t f = 0; f < sizeof(field) / sizeof(*field); f++)
			for (unsigned bit = 0; bit < 8; bit++) {
				struct slice_builder b;
				three(&b);
				b.bytes[b.start[block] + field[f]] ^=
					(uint8_t)(1u << bit);
				struct hs_slice *s = open_slice(&b);
				assert_int_equal(hs_slice_block_count(s), 4);
				assert_true(
					has_problem(s, "slice-block-header"));
				hs_slice_close(s);
				struct hs_slice_integrity in = verify(&b);
				assert_false(in.sound);
				assert_int_equal(
					in.chain,
					block == 3 ? HS_SLICE_CHAIN_OK
						   : HS_SLICE_CHAIN_BROKEN);
				struct hs_target *t = open_target(&b);
				assert_false(t->complete);
				/* A length too small loses the rest of it. */
				bool cut = block < 3 && field[f] >= 8 &&
					   status_at(t, BASE + block * PAGE) !=
						   HS_OK;
				for (size_t i = 0; i < 3; i++)
					if (!cut || i != block)
						reads(t, BASE + i * PAGE,
						      pages + i * PAGE, PAGE);
				assert_false(cut);
				hs_target_close(t);
				slice_release(&b);
			}
}

static void a_destroyed_header_costs_its_block_only(void **state)
{
	(void)state;
	for (size_t block = 0; block < 3; block++) {
		struct slice_builder b;
		three(&b);
		memset(b.bytes + b.start[block], 0, 80);
		struct hs_slice *s = open_slice(&b);
		assert_int_equal(hs_slice_block_count(s), 3);
		assert_true(has_problem(s, "slice-bytes-lost"));
		hs_slice_close(s);
		assert_int_equal(verify(&b).broken_at_block, block);
		struct hs_target *t = open_target(&b);
		assert_false(t->complete);
		for (size_t i = 0; i < 3; i++)
			if (i != block)
				reads(t, BASE + i * PAGE, pages + i * PAGE,
				      PAGE);
		assert_int_not_equal(status_at(t, BASE + block * PAGE), HS_OK);
		hs_target_close(t);
		slice_release(&b);
	}
}

/* Somebody's memory may hold a slice: its blocks are not ours. */
static void blocks_inside_of_lost_memory_are_not_taken(void **state)
{
	(void)state;
	struct slice_builder inner, b;
	static uint8_t held[2 * PAGE];
	slice_begin(&inner);
	slice_block(&inner, 0x0040, 0, pages, 0x18);
	slice_region(&inner, 16 * BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_end(&inner);
	assert_true(inner.len < sizeof(held));
	memcpy(held + sizeof(held) - inner.len, inner.bytes, inner.len);
	for (size_t block = 0; block < 3; block++) {
		slice_begin(&b);
		slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
		slice_region(&b, BASE + PAGE, 2, (const uint8_t[]){ 0, 0 },
			     held, sizeof(held));
		slice_region(&b, BASE + 3 * PAGE, 1, (const uint8_t[]){ 0 },
			     pages, PAGE);
		slice_end(&b);
		memset(b.bytes + b.start[block], 0xee, 80);
		struct hs_target *t = open_target(&b);
		assert_int_equal(status_at(t, 16 * BASE), HS_ERR_UNMAPPED);
		for (size_t i = 0; i < 3; i++)
			if (i != block)
				assert_int_equal(
					status_at(t,
						  BASE + (i + (i == 2)) * PAGE),
					HS_OK);
		hs_target_close(t);
		slice_release(&b);
	}
	slice_release(&inner);
}

/* ---- cut files ---- */

static void a_slice_cut_anywhere_is_refused_or_read(void **state)
{
	(void)state;
	struct slice_builder b;
	uint8_t p[256];
	struct slice_region_as small = {
		.base = BASE, .size = 2048, .prot = 3, .page_shift = 10
	};
	slice_begin(&b);
	slice_block(&b, 0x0040, 0, p, 0x18);
	slice_block(&b, 0x0002, 0, p, module_payload(p, 1));
	slice_block(&b, 0x0011, 0, p, thread_payload(p, "fs_base", 5));
	slice_region_as(&b, &small, 2, (const uint8_t[]){ 0, 0 }, pages, 2048);
	slice_end(&b);
	for (size_t len = 0; len < b.len; len++) {
		/* In memory of its own, so that a read behind it shows. */
		uint8_t *cut = malloc(len ? len : 1);
		assert_non_null(cut);
		memcpy(cut, b.bytes, len);
		struct hs_target *t = NULL;
		struct hs_error err = { 0 };
		enum hs_status st = hs_slice_target_bytes(cut, len, "cut",
							  &plain, &t, &err);
		if (len < 64) {
			assert_int_equal(st, HS_ERR_FORMAT);
			assert_true(err.text[0]);
		} else {
			assert_int_equal(st, HS_OK);
			assert_false(t->complete);
			assert_true(hs_target_problem_count(t) > 0);
			if (len >= b.start[4])
				reads(t, BASE, pages, 2048);
			hs_target_close(t);
		}
		free(cut);
	}
	slice_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(c1_bad_magic_or_byte_order_is_refused),
		cmocka_unit_test(c2_blocks_begin_where_the_header_says),
		cmocka_unit_test(c3_unknown_types_are_listed_and_skipped),
		cmocka_unit_test(c4_without_end_of_capture_it_is_incomplete),
		cmocka_unit_test(
			c4_what_follows_the_end_is_listed_and_not_used),
		cmocka_unit_test(c5_reserved_bytes_are_ignored),
		cmocka_unit_test(c6_type_0_is_refused_and_the_rest_is_read),
		cmocka_unit_test(c7_unknown_payload_versions_are_skipped),
		cmocka_unit_test(c8_a_disk_hash_of_zeroes_is_none),
		cmocka_unit_test(c9_codec_bits_mean_nothing_without_compressed),
		cmocka_unit_test(c10_impossible_page_sizes_are_refused),
		cmocka_unit_test(c11_four_states_first_page_in_the_high_bits),
		cmocka_unit_test(c12_an_encrypted_header_has_128_bytes),
		cmocka_unit_test(plain_pages_are_viewed_where_they_lie),
		cmocka_unit_test(pages_that_the_file_lacks_are_not_captured),
		cmocka_unit_test(of_overlapping_regions_the_later_taken_wins),
		cmocka_unit_test(continuations_are_one_map),
		cmocka_unit_test(what_a_region_is_its_map_is),
		cmocka_unit_test(only_shared_memory_may_be_left_out),
		cmocka_unit_test(impossible_regions_are_left_out),
		cmocka_unit_test(big_endian_structures_are_read),
		cmocka_unit_test(a_little_endian_file_that_says_big_is_read),
		cmocka_unit_test(an_unknown_major_version_is_refused),
		cmocka_unit_test(other_architectures_can_be_listed_only),
		cmocka_unit_test(no_memory_at_all_is_not_complete),
		cmocka_unit_test(the_process_is_named),
		cmocka_unit_test(threads_bring_registers_and_thread_pointer),
		cmocka_unit_test(a_thread_in_another_layout_keeps_its_id_only),
		cmocka_unit_test(a_key_hint_is_turned_into_an_address),
		cmocka_unit_test(tables_are_shown_row_by_row),
		cmocka_unit_test(every_changed_byte_before_the_end_is_found),
		cmocka_unit_test(the_header_is_part_of_the_chain),
		cmocka_unit_test(an_unknown_hash_cannot_be_verified),
		cmocka_unit_test(
			memdivers_loose_first_block_is_named_not_broken),
		cmocka_unit_test(enrichs_broken_tail_is_named),
		cmocka_unit_test(libmsls_layout_is_read_when_asked_for),
		cmocka_unit_test(one_damaged_field_of_a_header_costs_no_memory),
		cmocka_unit_test(a_destroyed_header_costs_its_block_only),
		cmocka_unit_test(blocks_inside_of_lost_memory_are_not_taken),
		cmocka_unit_test(a_slice_cut_anywhere_is_refused_or_read),
	};
	return cmocka_run_group_tests(tests, fill_pages, NULL);
}
