/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nomem/nth_allocation.h"
#include "support/type_world.h"

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	static const int ring[] = { 4, 1, 2, 3 };
	world_put_cxx_class(w, 0x300);
	world_put_text(w, 0x300, "N3app7DerivedE");
	world_put(w, w->user[0], MODULE + 0x20);
	world_put(w, w->user[5], 2);
	world_put(w, w->user[5] + 8, MODULE + 0x20);
	world_put(w, w->user[5] + 32, MODULE + 0x20);
	for (int i = 0; i < 4; i++) {
		world_put(w, w->user[ring[i]], w->user[ring[(i + 1) % 4]]);
		world_put(w, w->user[ring[i]] + 8, w->user[ring[(i + 3) % 4]]);
		world_put(w, w->user[ring[i]] + 16, i ? 100 : 3);
	}
	world_put(w, w->user[4] + 24, w->user[6]); /* a string's owner */
	world_put(w, w->user[4] + 32, 4);
	world_put(w, w->user[4] + 40, 50);
	world_scan(w);
	unsigned long n = 0;
	for (;;) {
		struct hs_types *types = NULL;
		nth_allocation_fails(++n);
		enum hs_status st = hs_types_new(&w->hb.target.base, w->heap,
						 NULL, &types, NULL);
		if (!nth_allocation_reached()) {
			assert_int_equal(st, HS_OK);
			assert_int_equal(hs_types_count(types), 4);
			hs_types_free(types);
			break;
		}
		assert_int_equal(st, HS_ERR_NOMEM);
		assert_null(types);
	}
	assert_true(n > 10);
	world_free(w);
}

static void groups_without_a_name_say_that_there_is_no_memory(void **state)
{
	(void)state;
	struct hs_unnamed_group group[2];
	size_t count = 7;
	unsigned long n = 0;
	struct world *w = world_new(0);
	world_put(w, w->user[1], w->user[2]);
	world_name(w);
	for (;;) {
		nth_allocation_fails(++n);
		enum hs_status st =
			hs_types_unnamed(w->types, group, 2, &count, NULL);
		if (!nth_allocation_reached()) {
			assert_int_equal(st, HS_OK);
			assert_int_equal(count, 2);
			break;
		}
		assert_int_equal(st, HS_ERR_NOMEM);
		assert_int_equal(count, 7);
	}
	assert_true(n > 2);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			groups_without_a_name_say_that_there_is_no_memory),
		cmocka_unit_test(
			every_failing_allocation_is_reported_and_leaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
