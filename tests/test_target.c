/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/fake_target.h"

#define HEAP 0x10000u

static void a_read_crosses_from_span_to_span(void **state)
{
	(void)state;
	uint8_t one[16], two[16], got[20];
	memset(one, 1, sizeof(one));
	memset(two, 2, sizeof(two));
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, HEAP + 16, two, sizeof(two), FAKE_RW);
	fake_target_map(&t, HEAP, one, sizeof(one), FAKE_RW);
	fake_target_finish(&t);
	assert_int_equal(hs_target_read(&t.base, HEAP + 6, got, 20, NULL),
			 HS_OK);
	assert_memory_equal(got, one, 10);
	assert_memory_equal(got + 10, two, 10);
	fake_target_release(&t);
}

static void a_failed_read_names_the_first_address_without_bytes(void **state)
{
	(void)state;
	uint8_t one[16] = { 0 }, got[64];
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, HEAP, one, sizeof(one), FAKE_RW);
	fake_target_hole(&t, HEAP + 16, 16);
	fake_target_finish(&t);
	struct hs_error err;
	assert_int_equal(hs_target_read(&t.base, HEAP + 8, got, 20, &err),
			 HS_ERR_NOT_CAPTURED);
	assert_int_equal(err.code, HS_ERR_NOT_CAPTURED);
	assert_int_equal(err.addr, HEAP + 16);
	assert_int_equal(hs_target_read(&t.base, HEAP + 32, got, 1, &err),
			 HS_ERR_UNMAPPED);
	assert_int_equal(err.addr, HEAP + 32);
	assert_int_equal(hs_target_read(&t.base, HEAP + 99, got, 0, &err),
			 HS_OK); /* nothing asked, nothing missing */
	fake_target_release(&t);
}

static void a_length_that_wraps_is_unmapped(void **state)
{
	(void)state;
	uint8_t one[16] = { 0 }, got[16];
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, 0, one, sizeof(one), FAKE_RW);
	fake_target_finish(&t);
	assert_int_equal(hs_target_read(&t.base, UINT64_MAX - 3, got, 16, NULL),
			 HS_ERR_UNMAPPED);
	uint64_t word;
	assert_int_equal(hs_target_read_word(&t.base, UINT64_MAX, &word, NULL),
			 HS_ERR_UNMAPPED);
	fake_target_release(&t);
}

static void words_follow_size_and_byte_order_of_the_target(void **state)
{
	(void)state;
	uint8_t raw[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, HEAP, raw, sizeof(raw), FAKE_RW);
	fake_target_finish(&t);
	uint64_t w;
	assert_int_equal(hs_target_read_word(&t.base, HEAP, &w, NULL), HS_OK);
	assert_int_equal(w, UINT64_C(0x0807060504030201));
	t.base.word_size = 4;
	assert_int_equal(hs_target_read_word(&t.base, HEAP, &w, NULL), HS_OK);
	assert_int_equal(w, 0x04030201);
	t.base.big_endian = true;
	assert_int_equal(hs_target_read_word(&t.base, HEAP, &w, NULL), HS_OK);
	assert_int_equal(w, 0x01020304);
	assert_int_equal(hs_target_read_uint(&t.base, HEAP + 1, 3, &w, NULL),
			 HS_OK);
	assert_int_equal(w, 0x020304);
	fake_target_release(&t);
}

static void a_string_ends_at_its_nul_within_the_limit(void **state)
{
	(void)state;
	char one[4] = "abcd", two[4] = "ef\0";
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, HEAP, one, 4, FAKE_RW);
	fake_target_map(&t, HEAP + 4, two, 4, FAKE_RW);
	fake_target_finish(&t);
	char *s = NULL;
	assert_int_equal(hs_target_read_string(&t.base, HEAP, 6, &s, NULL),
			 HS_OK);
	assert_string_equal(s, "abcdef");
	free(s);
	s = NULL;
	assert_int_equal(hs_target_read_string(&t.base, HEAP, 5, &s, NULL),
			 HS_ERR_LIMIT);
	assert_null(s);
	assert_int_equal(
		hs_target_read_string(&t.base, HEAP, SIZE_MAX, &s, NULL),
		HS_OK);
	assert_string_equal(s, "abcdef");
	free(s);
	s = NULL;
	assert_int_equal(hs_target_read_string(&t.base, HEAP + 6, 0, &s, NULL),
			 HS_OK);
	assert_string_equal(s, "");
	free(s);
	fake_target_release(&t);
}

static void a_string_that_leaves_memory_is_unreadable(void **state)
{
	(void)state;
	char one[4] = "abcd", *s = NULL;
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, HEAP, one, 4, FAKE_RW);
	fake_target_hole(&t, HEAP + 4, 4);
	fake_target_finish(&t);
	assert_int_equal(hs_target_read_string(&t.base, HEAP, 99, &s, NULL),
			 HS_ERR_NOT_CAPTURED);
	assert_null(s);
	fake_target_release(&t);
}

static void an_auxiliary_vector_is_read_up_to_its_end(void **state)
{
	(void)state;
	struct hs_target t;
	hs_target_init(&t, NULL);
	uint64_t value = 1;
	assert_false(hs_target_auxv(&t, AT_PHDR, &value));
	const uint8_t raw64[] = { AT_PAGESZ, 0, 0, 0, 0, 0, 0, 0,      0,
				  0x10,      0, 0, 0, 0, 0, 0, AT_NULL };
	t.auxv = calloc(1, 64);
	assert_non_null(t.auxv);
	memcpy(t.auxv, raw64, sizeof(raw64));
	t.auxv[32] = AT_PHDR; /* behind AT_NULL: not ours any more */
	t.auxv_len = 64;
	assert_true(hs_target_auxv(&t, AT_PAGESZ, &value));
	assert_int_equal(value, 0x1000);
	assert_false(hs_target_auxv(&t, AT_PHDR, &value));
	t.auxv_len = 15; /* cut within the first pair */
	assert_false(hs_target_auxv(&t, AT_PAGESZ, &value));
	const uint8_t raw32[] = { 0, 0, 0, AT_PAGESZ, 0, 0, 0x20, 0 };
	memcpy(t.auxv, raw32, sizeof(raw32));
	t.auxv_len = 8;
	t.word_size = 4;
	t.big_endian = true;
	assert_true(hs_target_auxv(&t, AT_PAGESZ, &value));
	assert_int_equal(value, 0x2000);
	hs_target_release(&t);
}

static void maps_and_modules_are_found_by_address(void **state)
{
	(void)state;
	uint8_t raw[0x30] = { 0 };
	char path[] = "/lib/x.so";
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, HEAP, raw, 0x10, FAKE_RW);
	fake_target_map(&t, HEAP + 0x20, raw, 0x10, FAKE_RW);
	const struct hs_module m = { .base = HEAP + 0x20,
				     .end = HEAP + 0x30,
				     .path = path };
	assert_int_equal(hs_module_list_add(&t.base.modules, &m, NULL), HS_OK);
	fake_target_finish(&t);
	assert_null(hs_target_find_map(&t.base, HEAP - 1));
	assert_int_equal(hs_target_find_map(&t.base, HEAP + 0xf)->start, HEAP);
	assert_null(hs_target_find_map(&t.base, HEAP + 0x10));
	assert_int_equal(hs_target_find_map(&t.base, HEAP + 0x20)->start,
			 HEAP + 0x20);
	assert_null(hs_target_find_map(&t.base, HEAP + 0x30));
	assert_int_equal(hs_target_find_module(&t.base, HEAP + 0x1f), SIZE_MAX);
	assert_int_equal(hs_target_find_module(&t.base, HEAP + 0x20), 0);
	assert_int_equal(hs_target_find_module(&t.base, HEAP + 0x30), SIZE_MAX);
	fake_target_release(&t);
}

static void a_map_knows_how_much_of_it_was_captured(void **state)
{
	(void)state;
	static const uint8_t bytes[0x100] = { 0 };
	struct hs_target t;
	hs_target_init(&t, NULL);
	const struct hs_map maps[] = { { .start = 0x1000, .end = 0x1080 },
				       { .start = 0x1080, .end = 0x1100 },
				       { .start = 0x3000, .end = 0x3100 } };
	for (size_t i = 3; i-- > 0;)
		assert_int_equal(hs_map_list_add(&t.maps, &maps[i], NULL),
				 HS_OK);
	const struct hs_span spans[] = {
		{ .start = 0x1000, .len = 0x90, .bytes = bytes },
		{ .start = 0x1090,
		  .len = 0x20,
		  .bytes = bytes,
		  .from_file = true },
		{ .start = 0x10b0, .len = 0x50, .state = HS_SPAN_NOT_CAPTURED },
	};
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(hs_span_list_add(&t.spans, spans[i], NULL),
				 HS_OK);
	assert_int_equal(hs_target_finish(&t, NULL), HS_OK);
	assert_int_equal(t.maps.map[0].captured, 0x80);
	assert_int_equal(t.maps.map[0].from_file, 0);
	assert_int_equal(t.maps.map[1].captured, 0x30);
	assert_int_equal(t.maps.map[1].from_file, 0x20);
	assert_int_equal(t.maps.map[2].captured, 0);
	hs_target_release(&t);
}

static void closing_nothing_is_fine(void **state)
{
	(void)state;
	hs_target_close(NULL);
	struct hs_target t;
	hs_target_init(&t, NULL);
	assert_int_equal(t.pid, -1);
	assert_int_equal(t.paused_ns, -1);
	assert_true(t.complete);
	hs_target_release(&t);
}

static void every_register_has_a_name_and_no_other_has(void **state)
{
	(void)state;
	for (int a = HS_ARCH_X86_64; a <= HS_ARCH_AARCH64; a++) {
		enum hs_arch arch = (enum hs_arch)a;
		const struct hs_register_set *set = hs_register_set(arch);
		assert_true(set->count <= HS_MAX_REGISTERS);
		for (size_t i = 0; i < set->count; i++)
			assert_non_null(hs_register_name(arch, i));
		assert_null(hs_register_name(arch, set->count));
		const char *sp = hs_register_name(arch, set->sp);
		assert_non_null(strstr(sp, "sp"));
	}
	assert_string_equal(hs_register_name(HS_ARCH_X86_64, 16), "rip");
	assert_string_equal(hs_register_name(HS_ARCH_X86_64, 21), "fs_base");
	assert_string_equal(hs_register_name(HS_ARCH_I386, 12), "eip");
	assert_string_equal(hs_register_name(HS_ARCH_AARCH64, 32), "pc");
}

static void the_next_bytes_are_found_behind_any_gap(void **state)
{
	(void)state;
	uint8_t bytes[16] = { 1 };
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, 0x1000, bytes, sizeof(bytes), FAKE_RW);
	fake_target_hole(&t, 0x2000, UINT64_C(1) << 60);
	fake_target_map(&t, UINT64_C(1) << 62, bytes, sizeof(bytes), FAKE_RW);
	fake_target_finish(&t);
	t.base.spans.span[2].zero = true;
	assert_int_equal(hs_target_next(&t.base, 0, false), 0x1000);
	assert_int_equal(hs_target_next(&t.base, 0x1008, false), 0x1008);
	assert_int_equal(hs_target_next(&t.base, 0x1010, true), UINT64_C(1)
									<< 62);
	assert_int_equal(hs_target_next(&t.base, 0x1010, false), HS_NO_ADDR);
	fake_target_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_crosses_from_span_to_span),
		cmocka_unit_test(
			a_failed_read_names_the_first_address_without_bytes),
		cmocka_unit_test(a_length_that_wraps_is_unmapped),
		cmocka_unit_test(
			words_follow_size_and_byte_order_of_the_target),
		cmocka_unit_test(a_string_ends_at_its_nul_within_the_limit),
		cmocka_unit_test(a_string_that_leaves_memory_is_unreadable),
		cmocka_unit_test(an_auxiliary_vector_is_read_up_to_its_end),
		cmocka_unit_test(maps_and_modules_are_found_by_address),
		cmocka_unit_test(a_map_knows_how_much_of_it_was_captured),
		cmocka_unit_test(the_next_bytes_are_found_behind_any_gap),
		cmocka_unit_test(closing_nothing_is_fine),
		cmocka_unit_test(every_register_has_a_name_and_no_other_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
