/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include "core/spans.h"
#include "nomem/nth_allocation.h"

/* Enough to make the list grow twice, and overlaps to make the sort work. */
static enum hs_status build(struct hs_span_list *list)
{
	static const uint8_t bytes[64];
	for (unsigned i = 0; i < 40; i++) {
		struct hs_span span = {
			.start = 0x1000 + i * 32,
			.len = sizeof(bytes),
			.bytes = bytes,
			.state = HS_SPAN_BYTES,
		};
		enum hs_status st = hs_span_list_add(list, span, NULL);
		if (st)
			return st;
	}
	return hs_span_list_sort(list, NULL, NULL);
}

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
	(void)state;
	unsigned long n = 0;
	for (;;) {
		struct hs_span_list list = { 0 };
		nth_allocation_fails(++n);
		enum hs_status st = build(&list);
		int reached = nth_allocation_reached();
		hs_span_list_release(&list);
		if (!reached) {
			assert_int_equal(st, HS_OK);
			break;
		}
		assert_int_equal(st, HS_ERR_NOMEM);
	}
	assert_true(n > 3); /* or nothing was tested */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_failing_allocation_is_reported_and_leaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
