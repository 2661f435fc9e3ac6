/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nomem/nth_allocation.h"
#include "support/live_fixture.h"
#include "tls/tls.h"

/* What one asks of a target, from nothing to an answer. */
struct answers {
	hs_addr global, errno_block;
	size_t threads;
	bool member_found;
};

static enum hs_status ask(struct hs_target *target, struct hs_symbols *syms,
			  struct answers *ret)
{
	struct hs_symbol_info info;
	struct hs_tls *tls;
	struct hs_member_query q = { .type = "unknown" };
	size_t program = SIZE_MAX;
	for (size_t i = 0; i < target->modules.count; i++)
		if (target->modules.module[i].is_executable)
			program = i;
	enum hs_status st =
		hs_symbols_find(syms, program, "global_variable", &info, NULL);
	if (st)
		return st;
	ret->global = info.addr;
	st = hs_symbols_members(syms, program, NULL, &q, 1, NULL);
	if (st)
		return st;
	ret->member_found = q.found;
	st = hs_tls_new(target, syms, &tls, NULL);
	if (st)
		return st;
	ret->threads = hs_tls_thread_count(tls);
	size_t libc = hs_symbols_module_named(syms, "libc.so", 0);
	st = hs_tls_block(tls, 0, libc, &ret->errno_block, NULL);
	hs_tls_free(tls);
	return st;
}

static enum hs_status ask_all(struct hs_target *target, struct answers *ret)
{
	struct hs_symbols_options opt = { .struct_size = sizeof(opt),
					  .debug_dirs = "/nonexistent" };
	struct hs_symbols *syms = NULL;
	enum hs_status st = hs_symbols_new(target, &opt, &syms, NULL);
	if (st)
		return st;
	st = ask(target, syms, ret);
	hs_symbols_free(syms);
	return st;
}

static void a_failing_allocation_is_reported_and_changes_no_answer(void **state)
{
	(void)state;
	struct live_fixture f;
	if (!live_fixture_start(&f, "threads", NULL))
		skip();
	struct hs_target *target = live_fixture_open(&f);
	live_fixture_stop(&f);
	if (!target)
		skip();
	struct answers truth = { 0 };
	assert_int_equal(ask_all(target, &truth), HS_OK);
	assert_int_equal(truth.threads, 5);
	unsigned long n = 0, refused = 0;
	for (;;) {
		struct answers a = { 0 };
		nth_allocation_fails(++n);
		enum hs_status st = ask_all(target, &a);
		int reached = nth_allocation_reached();
		if (st)
			assert_int_equal(st, HS_ERR_NOMEM);
		else
			assert_memory_equal(&a, &truth, sizeof(a));
		refused += st != HS_OK;
		if (!reached) {
			assert_int_equal(st, HS_OK);
			break;
		}
	}
	assert_true(refused > 20);
	hs_target_close(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_failing_allocation_is_reported_and_changes_no_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
