/* SPDX-License-Identifier: MIT */
#include "backends/proc_stat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static const char line[] =
	"77 (a) b (c) S 12 77 34 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 250 "
	"9 9 18446744073709551615 1 1\n";

static void a_name_with_brackets_and_blanks_hides_nothing(void **state)
{
	(void)state;
	struct hs_proc_stat s;
	hs_proc_stat_parse(line, 100, 1000 * SECOND, &s);
	assert_int_equal(s.ppid, 12);
	assert_int_equal(s.session, 34);
	assert_int_equal(s.started_ns, 1002 * SECOND + SECOND / 2);
}

static void a_line_that_is_cut_anywhere_tells_what_it_has(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(line); n++) {
		char cut[sizeof(line)] = "";
		struct hs_proc_stat s;
		memcpy(cut, line, n);
		hs_proc_stat_parse(cut, 100, 0, &s);
		assert_true(s.ppid == -1 || s.ppid == 1 || s.ppid == 12 ||
			    s.ppid == 0);
	}
	struct hs_proc_stat s;
	hs_proc_stat_parse("", 0, 0, &s);
	assert_int_equal(s.ppid, -1);
	assert_int_equal(s.session, -1);
	assert_int_equal(s.started_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_with_brackets_and_blanks_hides_nothing),
		cmocka_unit_test(a_line_that_is_cut_anywhere_tells_what_it_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
