/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <heapscan/types.h>

#include "support/live_fixture.h"

static bool hides(const char *spec)
{
	struct hs_target *t = NULL;
	struct hs_heap *heap = NULL;
	struct hs_error err;
	enum hs_status st = hs_target_open(spec, NULL, &t, &err);
	if (st == HS_ERR_PERMISSION) {
		print_message("skipped: %s\n", err.text);
		exit(77);
	}
	assert_int_equal(st, HS_OK);
	assert_int_equal(hs_heap_scan(t, NULL, NULL, &heap, NULL), HS_OK);
	bool hidden = hs_types_hide_references(t, heap);
	hs_heap_free(heap);
	hs_target_close(t);
	return hidden;
}

static void a_swift_program_is_known_by_a_sample_of_its_blocks(void **state)
{
	static const char *const cores[] = { "smini_static", "sdemo-6.2",
					     "stasks-6.0" };
	(void)state;
	const char *source = getenv("SOURCE");
	if (!source || system("command -v xz >/dev/null") != 0) {
		print_message("skipped: SOURCE is not set, or xz is missing\n");
		exit(77);
	}
	for (unsigned i = 0; i < 3; i++) {
		char path[] = "/tmp/heapscan-test-XXXXXX", command[512];
		int fd = mkstemp(path);
		assert_true(fd >= 0);
		assert_int_equal(close(fd), 0);
		(void)snprintf(command, sizeof(command),
			       "xz -dc '%s/fixtures/swift/%s.core.xz' >%s",
			       source, cores[i], path);
		assert_int_equal(system(command), 0);
		bool hidden = hides(path);
		(void)unlink(path);
		assert_true(hidden);
	}
}

/* A program of its own: this one may be sanitized, and have no glibc heap. */
static void a_c_program_is_not(void **state)
{
	char spec[16], ledger[4096];
	const char *folder = getenv("FIXTURES");
	struct live_fixture f;
	(void)state;
	if (!live_fixture_start(&f, "shapes", "swift_sample.ledger"))
		exit(77);
	(void)snprintf(ledger, sizeof(ledger), "%s/swift_sample.ledger",
		       folder ? folder : ".");
	(void)unlink(ledger);
	(void)snprintf(spec, sizeof(spec), "%d", (int)f.pid);
	bool hidden = hides(spec);
	live_fixture_stop(&f);
	assert_false(hidden);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_swift_program_is_known_by_a_sample_of_its_blocks),
		cmocka_unit_test(a_c_program_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
