/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "backends/registry.h"
#include "nomem/nth_allocation.h"
#include "support/child.h"

static void idle(void *arg)
{
	(void)arg;
	child_tell(0);
}

static void a_process_runs_on_when_our_memory_runs_out(void **state)
{
	(void)state;
	struct child c = child_start(idle, NULL);
	(void)child_hear(&c);
	char spec[16];
	const struct hs_open_options opt = { .struct_size = sizeof(opt) };
	(void)snprintf(spec, sizeof(spec), "%d", (int)c.pid);
	unsigned long n = 0, failed = 0;
	for (int reached = 1; reached;) {
		struct hs_target *t = NULL;
		struct hs_error err = { 0 };
		nth_allocation_fails(++n);
		enum hs_status st = hs_backend_live.open(spec, &opt, &t, &err);
		reached = nth_allocation_reached();
		if (st) {
			assert_true(reached);
			assert_int_equal(st, HS_ERR_NOMEM);
			assert_int_equal(err.code, HS_ERR_NOMEM);
			assert_null(t);
			failed++;
		} else { /* without a name, say, that was nice to have */
			hs_target_close(t);
		}
		assert_all_run(c.pid);
	}
	assert_true(failed > 20);
	child_ping(&c);
	child_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_runs_on_when_our_memory_runs_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
