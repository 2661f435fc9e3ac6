/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <heapscan/heapscan.h>

#include "backends/file_kind.h"
#include "support/core_writer.h"

/* Every test runs in a fresh folder. */
static char folder[64];

static int enter(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/heapscan-test-XXXXXX");
	return !mkdtemp(folder) || chdir(folder) != 0;
}

static int leave(void **state)
{
	(void)state;
	(void)unlink("file");
	(void)unlink("4000000");
	(void)rmdir("folder");
	return chdir("/") != 0 || rmdir(folder) != 0;
}

static void put_file(const char *name, const void *bytes, size_t len)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	assert_int_equal(close(fd), 0);
}

static void put_core(const char *name)
{
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	core_writer_load(&w, 0x10000, PF_R | PF_W, "x", 1, 1);
	size_t len;
	const uint8_t *bytes = core_writer_finish(&w, &len);
	put_file(name, bytes, len);
	core_writer_release(&w);
}

static enum hs_status refused(const char *spec, const char *backend,
			      const char *why)
{
	const struct hs_open_options opt = { .struct_size = sizeof(opt),
					     .backend = backend };
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	enum hs_status st = hs_target_open(spec, &opt, &t, &err);
	assert_null(t);
	assert_int_equal(err.code, st);
	if (!strstr(err.text, why))
		fail_msg("no '%s' in: %s", why, err.text);
	assert_null(strchr(err.text, '\n'));
	return st;
}

static void a_core_is_known_by_its_bytes_not_its_name(void **state)
{
	(void)state;
	put_core("file");
	struct hs_target *t = NULL;
	assert_int_equal(hs_target_open("file", NULL, &t, NULL), HS_OK);
	struct hs_target_info info;
	hs_target_info(t, &info);
	assert_int_equal(info.kind, HS_TARGET_CORE);
	assert_string_equal(info.path, "file");
	hs_target_close(t);
}

static void a_file_named_like_a_process_is_a_file(void **state)
{
	(void)state;
	put_core("4000000");
	struct hs_target *t = NULL;
	assert_int_equal(hs_target_open("4000000", NULL, &t, NULL), HS_OK);
	struct hs_target_info info;
	hs_target_info(t, &info);
	assert_int_equal(info.kind, HS_TARGET_CORE);
	hs_target_close(t);
	put_file("4000000", "", 0);
	assert_int_equal(refused("4000000", NULL, "empty"), HS_ERR_FORMAT);
}

static void a_number_that_names_no_file_is_a_process(void **state)
{
	(void)state;
	/* Beyond PID_MAX_LIMIT: no process ever has it. */
	assert_int_equal(refused("4194305", NULL, "process"), HS_ERR_NO_TARGET);
}

static void what_is_not_there_is_named(void **state)
{
	(void)state;
	assert_int_equal(refused("file", NULL, "'file'"), HS_ERR_NO_TARGET);
	assert_int_equal(refused("file", "core", "'file'"), HS_ERR_NO_TARGET);
	assert_int_equal(refused("file/x", NULL, "'file/x'"), HS_ERR_NO_TARGET);
}

static void what_is_no_file_is_named(void **state)
{
	(void)state;
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(refused("folder", NULL, "'folder' is a directory"),
			 HS_ERR_FORMAT);
	assert_int_equal(mkfifo("file", 0600), 0);
	assert_int_equal(refused("file", NULL, "pipe"), HS_ERR_FORMAT);
	assert_int_equal(refused("file", "core", "pipe"), HS_ERR_FORMAT);
	assert_int_equal(refused("/dev/zero", NULL, "regular"), HS_ERR_FORMAT);
}

static void what_is_no_core_is_named_with_its_cure(void **state)
{
	(void)state;
	put_file("file", "", 0);
	assert_int_equal(refused("file", NULL, "'file' is empty"),
			 HS_ERR_FORMAT);
	put_file("file", "\x1f\x8b.....", 7);
	assert_int_equal(refused("file", NULL, "gzip -d"), HS_ERR_FORMAT);
	assert_int_equal(refused("file", "core", "gzip -d"), HS_ERR_FORMAT);
	put_file("file", "hello", 5);
	assert_int_equal(refused("file", NULL, "--pid N"), HS_ERR_FORMAT);
	assert_int_equal(refused("/proc/self/exe", NULL, "not a core"),
			 HS_ERR_FORMAT);
}

static void every_magic_is_known_and_nothing_else(void **state)
{
	(void)state;
	static const uint8_t xz[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };
	assert_non_null(strstr(hs_file_kind(xz, 6), "xz -d"));
	assert_null(hs_file_kind(xz, 5));
	assert_null(hs_file_kind(xz, 0));
	static const uint8_t lz4[] = { 0x04, 0x22, 0x4d, 0x18 };
	assert_non_null(strstr(hs_file_kind(lz4, 4), "lz4 -d"));
	assert_non_null(
		strstr(hs_file_kind((const uint8_t *)"MEMSLICE", 8), "Slice"));
}

static void a_backend_that_does_not_exist_is_refused(void **state)
{
	(void)state;
	assert_int_equal(refused("file", "dwim", "'dwim'"), HS_ERR_INVALID);
	assert_int_equal(refused("", NULL, "no target"), HS_ERR_INVALID);
}

static void options_of_an_older_caller_are_completed(void **state)
{
	(void)state;
	put_core("file");
	struct hs_target *t = NULL;
	struct hs_open_options opt;
	memset(&opt, 0xff, sizeof(opt)); /* what lies behind is not ours */
	opt.struct_size = sizeof(opt.struct_size);
	assert_int_equal(hs_target_open("file", &opt, &t, NULL), HS_OK);
	hs_target_close(t);
	t = NULL;
	opt.struct_size = 0;
	assert_int_equal(hs_target_open("file", &opt, &t, NULL),
			 HS_ERR_INVALID);
	assert_null(t);
}

int main(void)
{
#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, enter, leave)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_core_is_known_by_its_bytes_not_its_name),
		IN_FOLDER(a_file_named_like_a_process_is_a_file),
		IN_FOLDER(a_number_that_names_no_file_is_a_process),
		IN_FOLDER(what_is_not_there_is_named),
		IN_FOLDER(what_is_no_file_is_named),
		IN_FOLDER(what_is_no_core_is_named_with_its_cure),
		cmocka_unit_test(every_magic_is_known_and_nothing_else),
		IN_FOLDER(a_backend_that_does_not_exist_is_refused),
		IN_FOLDER(options_of_an_older_caller_are_completed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
