/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <heapscan/capture.h>

#include "nomem/nth_allocation.h"
#include "support/fake_target.h"

#define BASE UINT64_C(0x7f0000000000)

static char folder[] = "/tmp/heapscan-capture-XXXXXX";

static unsigned files_left(void)
{
	unsigned n = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

static void make_target(struct fake_target *t, uint8_t *bytes, size_t len)
{
	char name[] = "first", path[] = "/lib/libx.so";
	uint8_t fp[512] = { 1 };
	struct hs_thread thread = { .tid = 7,
				    .tls_base = BASE,
				    .register_count = 27,
				    .name = name,
				    .fp = fp,
				    .fp_len = sizeof(fp) };
	struct hs_module module = { .base = BASE,
				    .end = BASE + len,
				    .path = path,
				    .build_id = { 1, 2, 3 },
				    .build_id_len = 20 };
	fake_target_init(t, HS_ARCH_X86_64);
	fake_target_map_as(t, BASE, bytes, len, FAKE_RW, HS_MAP_FILE, path);
	fake_target_hole(t, BASE + len, 4096);
	assert_int_equal(hs_thread_list_add(&t->base.threads, &thread, NULL),
			 HS_OK);
	assert_int_equal(hs_module_list_add(&t->base.modules, &module, NULL),
			 HS_OK);
	fake_target_finish(t);
}

static void blank(void *arg, hs_addr addr, uint8_t *bytes, size_t len)
{
	(void)arg;
	(void)addr;
	memset(bytes, 0, len);
}

static void
every_failing_allocation_is_reported_and_leaves_nothing(void **state)
{
	(void)state;
	static uint8_t bytes[16 * 4096];
	struct fake_target t;
	char path[128];
	make_target(&t, bytes, sizeof(bytes));
	(void)snprintf(path, sizeof(path), "%s/dump", folder);
	for (unsigned way = 0; way < 5; way++) {
		struct hs_capture_options opt = {
			.struct_size = sizeof(opt),
			.format = way == 4 ? HS_CAPTURE_CORE : HS_CAPTURE_SLICE,
			.codec = way == 1   ? HS_CAPTURE_LZ4
				 : way == 2 ? HS_CAPTURE_STORED
					    : HS_CAPTURE_ZSTD,
			.hash = way == 1 ? HS_CAPTURE_SHA256
					 : HS_CAPTURE_BLAKE3,
			.redact = way == 3 ? blank : NULL,
		};
		unsigned long n = 1;
		for (;; n++) {
			struct hs_error err = { 0 };
			nth_allocation_fails(n);
			enum hs_status st = hs_capture_write(&t.base, path,
							     &opt, NULL, &err);
			if (!nth_allocation_reached()) {
				assert_int_equal(st, HS_OK);
				break;
			}
			assert_int_equal(st, HS_ERR_NOMEM);
			assert_int_equal(files_left(), 0);
		}
		assert_true(n > 4);
		assert_int_equal(unlink(path), 0);
	}
	fake_target_release(&t);
}

/* A second step, which refers to the first, and that step read again. */
static void every_failing_allocation_of_a_series_is_reported(void **state)
{
	(void)state;
	static uint8_t bytes[16 * 4096];
	struct fake_target t;
	char first[128], second[128];
	struct hs_capture_options opt = { .struct_size = sizeof(opt) };
	struct hs_error err = { 0 };
	make_target(&t, bytes, sizeof(bytes));
	(void)snprintf(first, sizeof(first), "%s/first", folder);
	(void)snprintf(second, sizeof(second), "%s/second", folder);
	assert_int_equal(hs_series_new(&opt.series, NULL), HS_OK);
	assert_int_equal(hs_capture_write(&t.base, first, &opt, NULL, &err),
			 HS_OK);
	bytes[0] = 1;
	for (unsigned long n = 1;; n++) {
		nth_allocation_fails(n);
		enum hs_status st =
			hs_capture_write(&t.base, second, &opt, NULL, &err);
		if (!nth_allocation_reached()) {
			assert_int_equal(st, HS_OK);
			break;
		}
		assert_int_equal(st, HS_ERR_NOMEM);
		assert_int_equal(files_left(), 1);
	}
	for (unsigned long n = 1;; n++) {
		struct hs_slice *s = NULL;
		nth_allocation_fails(n);
		enum hs_status st = hs_slice_open(second, NULL, &s, &err);
		struct hs_slice_base_check check;
		if (!st)
			st = hs_slice_base_check(s, 0, NULL, NULL, &check,
						 &err);
		bool failed = nth_allocation_reached();
		hs_slice_close(s);
		/* How much memory there is may stay unknown. */
		assert_true(st == HS_OK || (failed && st == HS_ERR_NOMEM));
		if (!failed)
			break;
	}
	for (unsigned long n = 1;; n++) {
		struct hs_open_options how = { .struct_size = sizeof(how),
					       .sysroot = "/dev/null" };
		struct hs_target *there = NULL;
		nth_allocation_fails(n);
		enum hs_status st = hs_target_open(second, &how, &there, &err);
		bool failed = nth_allocation_reached();
		hs_target_close(there);
		assert_true(st == HS_OK || (failed && st == HS_ERR_NOMEM));
		if (!failed)
			break;
	}
	hs_series_free(opt.series);
	fake_target_release(&t);
	assert_int_equal(unlink(first), 0);
	assert_int_equal(unlink(second), 0);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_failing_allocation_is_reported_and_leaves_nothing),
		cmocka_unit_test(
			every_failing_allocation_of_a_series_is_reported),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
