/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include "support/fake_target.h"

#define HEAP 0x555555559000u

static void words_put_are_words_read_in_any_word_size(void **state)
{
	(void)state;
	const enum hs_arch archs[] = { HS_ARCH_X86_64, HS_ARCH_I386 };
	for (unsigned i = 0; i < 2; i++) {
		uint8_t bytes[64] = { 0 };
		struct fake_target t;
		fake_target_init(&t, archs[i]);
		fake_target_map(&t, HEAP, bytes, sizeof(bytes), FAKE_RW);
		fake_target_finish(&t);
		fake_target_put(&t, HEAP + 8, 0x1234567);
		uint64_t word = 0;
		assert_int_equal(
			hs_target_read_word(&t.base, HEAP + 8, &word, NULL),
			HS_OK);
		assert_int_equal(word, 0x1234567);
		assert_int_equal(fake_target_get(&t, HEAP + 8), 0x1234567);
		fake_target_release(&t);
	}
}

static void a_hole_is_not_captured_and_the_rest_is_unmapped(void **state)
{
	(void)state;
	uint8_t bytes[16] = { 0 };
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, HEAP, bytes, sizeof(bytes), FAKE_RW);
	fake_target_hole(&t, HEAP + 16, 16);
	fake_target_finish(&t);
	uint64_t word;
	assert_int_equal(hs_target_read_word(&t.base, HEAP + 16, &word, NULL),
			 HS_ERR_NOT_CAPTURED);
	assert_int_equal(hs_target_read_word(&t.base, HEAP + 32, &word, NULL),
			 HS_ERR_UNMAPPED);
	fake_target_release(&t);
}

static void the_chosen_read_fails_and_the_next_works(void **state)
{
	(void)state;
	uint8_t bytes[16] = { 0 };
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, HEAP, bytes, sizeof(bytes), FAKE_RW);
	fake_target_finish(&t);
	fake_target_fail_nth_read(&t, 2);
	uint64_t word;
	assert_int_equal(hs_target_read_word(&t.base, HEAP, &word, NULL),
			 HS_OK);
	assert_int_equal(hs_target_read_word(&t.base, HEAP, &word, NULL),
			 HS_ERR_IO);
	assert_int_equal(hs_target_read_word(&t.base, HEAP, &word, NULL),
			 HS_OK);
	fake_target_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_put_are_words_read_in_any_word_size),
		cmocka_unit_test(
			a_hole_is_not_captured_and_the_rest_is_unmapped),
		cmocka_unit_test(the_chosen_read_fails_and_the_next_works),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
