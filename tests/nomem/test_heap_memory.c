/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include <heapscan/damage.h>

#include "nomem/nth_allocation.h"
#include "support/heap_expect.h"
#include "support/heap_scenario.h"

/* Leaks are the sanitizers' to find: see the debug preset. */
static void out_of_memory_anywhere_is_said(unsigned version, unsigned with)
{
	struct heap_builder hb;
	struct hb_scene scene;
	hb_build(&hb, version, HS_ARCH_X86_64, with, &scene);
	unsigned long n = 0;
	for (;;) {
		struct hs_heap *heap = NULL;
		struct hs_error err = { .code = HS_OK };
		nth_allocation_fails(++n);
		enum hs_status st =
			hs_heap_scan(&hb.target.base, NULL, NULL, &heap, &err);
		if (!nth_allocation_reached()) {
			assert_int_equal(st, HS_OK);
			assert_int_equal(hb_differences(&hb, heap), 0);
			hs_heap_free(heap);
			break;
		}
		assert_int_equal(st, HS_ERR_NOMEM);
		assert_int_equal(err.code, HS_ERR_NOMEM);
		assert_null(heap);
	}
	assert_true(n > 10); /* or nothing was tested */
	hb_release(&hb);
}

static void a_scan_without_memory_says_so_and_leaks_nothing(void **state)
{
	(void)state;
	out_of_memory_anywhere_is_said(36, 0);
	out_of_memory_anywhere_is_said(43, HB_WITH_BRK_BLOCKED |
						   HB_WITH_FOREIGN_SBRK);
	out_of_memory_anywhere_is_said(23, HB_WITHOUT_VERSION);
}

/* Findings need memory too. */
static void a_damaged_heap_without_memory_says_so(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene scene;
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &scene);
	for (size_t i = 0; i < 50; i++)
		fake_target_put(&hb.target,
				hb_addr(&hb, scene.used + 7 * i) + hb.word, 3);
	unsigned long n = 0;
	for (;;) {
		struct hs_heap *heap = NULL;
		nth_allocation_fails(++n);
		enum hs_status st =
			hs_heap_scan(&hb.target.base, NULL, NULL, &heap, NULL);
		if (!nth_allocation_reached()) {
			assert_int_equal(st, HS_OK);
			assert_true(hb_problems(heap, NULL, HS_DAMAGE) > 0);
			hs_heap_free(heap);
			break;
		}
		assert_int_equal(st, HS_ERR_NOMEM);
		assert_null(heap);
	}
	assert_true(n > 10);
	hb_release(&hb);
}

/* And so do diagnoses. */
static void a_diagnosis_without_memory_says_so_and_leaks_nothing(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene scene;
	struct hs_heap *heap = NULL;
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &scene);
	for (size_t i = 0; i < 25; i++)
		fake_target_put(&hb.target,
				hb_addr(&hb, scene.used + 16 * i) + hb.word, 3);
	assert_int_equal(hs_heap_scan(&hb.target.base, NULL, NULL, &heap, NULL),
			 HS_OK);
	unsigned long n = 0;
	for (;;) {
		struct hs_damage *damage = NULL;
		nth_allocation_fails(++n);
		enum hs_status st = hs_damage_diagnose(&hb.target.base, heap,
						       &damage, NULL);
		if (!nth_allocation_reached()) {
			assert_int_equal(st, HS_OK);
			assert_true(hs_damage_count(damage) > 10);
			hs_damage_free(damage);
			break;
		}
		assert_int_equal(st, HS_ERR_NOMEM);
		assert_null(damage);
	}
	assert_true(n > 10);
	hs_heap_free(heap);
	hb_release(&hb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_scan_without_memory_says_so_and_leaks_nothing),
		cmocka_unit_test(a_damaged_heap_without_memory_says_so),
		cmocka_unit_test(
			a_diagnosis_without_memory_says_so_and_leaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
