/* SPDX-License-Identifier: MIT */
#include "support/slice_test.h"

/* What a reader of slices must do (C1 to C12), and what memory it shows. */
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
	};
	return cmocka_run_group_tests(tests, fill_pages, NULL);
}
