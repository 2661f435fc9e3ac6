/* SPDX-License-Identifier: MIT */
#include "backends/proc_maps.h"
#include "backends/proc_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct hs_proc_map_list parse(const char *text)
{
	struct hs_proc_map_list list = { 0 };
	struct hs_error err;
	assert_int_equal(hs_proc_maps_parse(text, strlen(text), &list, &err),
			 HS_OK);
	return list;
}

/* The text is refused with CODE, and the list not written. */
static void refuse(const char *text, size_t len, enum hs_status code)
{
	struct hs_proc_map_list list = { .count = 77 };
	struct hs_error err = { 0 };
	assert_int_equal(hs_proc_maps_parse(text, len, &list, &err), code);
	assert_int_equal(err.code, code);
	assert_int_equal(list.count, 77);
}

static void every_column_is_read(void **state)
{
	(void)state;
	struct hs_proc_map_list l =
		parse("7f2bd1287000-7f2bd12ad000 r-xp 00026000 fe:1b 332835"
		      "                     /usr/lib/libc.so.6\n");
	assert_int_equal(l.count, 1);
	const struct hs_proc_map *m = &l.map[0];
	assert_int_equal(m->start, 0x7f2bd1287000);
	assert_int_equal(m->end, 0x7f2bd12ad000);
	assert_int_equal(m->prot, HS_PROT_READ | HS_PROT_EXEC);
	assert_false(m->shared);
	assert_int_equal(m->offset, 0x26000);
	assert_int_equal(m->dev_major, 0xfe);
	assert_int_equal(m->dev_minor, 0x1b);
	assert_int_equal(m->inode, 332835);
	assert_string_equal(m->path, "/usr/lib/libc.so.6");
	assert_false(m->deleted);
	hs_proc_map_list_release(&l);
}

static void anonymous_memory_has_no_path(void **state)
{
	(void)state;
	struct hs_proc_map_list l = parse("1000-2000 rw-s 00000000 00:00 0 \n"
					  "2000-3000 ---p 00000000 00:00 0");
	assert_int_equal(l.count, 2);
	assert_null(l.map[0].path);
	assert_true(l.map[0].shared);
	assert_null(l.map[1].path);
	assert_int_equal(l.map[1].prot, 0);
	hs_proc_map_list_release(&l);
}

static void blanks_and_newlines_in_paths_survive(void **state)
{
	(void)state;
	struct hs_proc_map_list l =
		parse("1000-2000 r--p 00000000 fe:00 7    /a  b\\012c \n");
	assert_string_equal(l.map[0].path, "/a  b\nc ");
	hs_proc_map_list_release(&l);
}

static void a_deleted_file_is_said_to_be_one(void **state)
{
	(void)state;
	struct hs_proc_map_list l =
		parse("1000-2000 r--p 0 fe:00 7  /tmp/x (deleted)\n"
		      "2000-3000 r--p 0 00:00 0  [anon:y (deleted)]\n"
		      "3000-4000 r--p 0 00:00 0  [anon: (deleted)\n");
	assert_string_equal(l.map[0].path, "/tmp/x");
	assert_true(l.map[0].deleted);
	assert_false(l.map[1].deleted);
	assert_string_equal(l.map[2].path, "[anon: (deleted)");
	hs_proc_map_list_release(&l);
}

static void the_kernel_s_own_names_tell_the_kind(void **state)
{
	(void)state;
	struct hs_proc_map_list l =
		parse("1000-2000 rw-p 0 00:00 0  [heap]\n"
		      "2000-3000 rw-p 0 00:00 0  [stack]\n"
		      "3000-4000 r-xp 0 00:00 0  [vdso]\n"
		      "4000-5000 rw-p 0 00:00 0  [anon: glibc: malloc]\n"
		      "5000-6000 rw-p 0 00:00 0\n"
		      "6000-7000 rw-p 0 00:01 5  /memfd:x (deleted)\n"
		      "ffffffffff600000-ffffffffff601000 --xp 0 00:00 0"
		      "  [vsyscall]\n");
	static const enum hs_map_kind kinds[] = {
		HS_MAP_HEAP, HS_MAP_STACK, HS_MAP_SPECIAL, HS_MAP_ANON,
		HS_MAP_ANON, HS_MAP_FILE,  HS_MAP_SPECIAL,
	};
	assert_int_equal(l.count, sizeof(kinds) / sizeof(kinds[0]));
	for (size_t i = 0; i < l.count; i++)
		assert_int_equal(hs_proc_map_kind(&l.map[i]), kinds[i]);
	hs_proc_map_list_release(&l);
}

static void what_no_kernel_writes_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"\n",
		"1000-2000",
		"1000-2000 rw-p 0 00:00",
		"1000 2000 rw-p 0 00:00 0\n",
		"1000-2000 rwzp 0 00:00 0\n",
		"1000-2000 rw-q 0 00:00 0\n",
		"1000-2000 rw-p 0 00:00 0/x\n",
		"2000-1000 rw-p 0 00:00 0\n",
		"1000-1000 rw-p 0 00:00 0\n",
		"10000000000000000-2 rw-p 0 00:00 0\n",
		"1000-2000 rw-p 0 100000000:00 0\n",
		"1000-2000 rw-p 0 00:00 99999999999999999999\n",
		"1000-2000 RW-P 0 00:00 0\n",
		"-1000-2000 rw-p 0 00:00 0\n",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(bad[i], strlen(bad[i]), HS_ERR_FORMAT);
	static const char nul[] = "1000-2000 rw-p 0 00:00 0 /a\0b\n";
	refuse(nul, sizeof(nul) - 1, HS_ERR_FORMAT);
}

static void what_a_torn_read_shows_twice_is_cut_off(void **state)
{
	(void)state;
	struct hs_proc_map_list l = parse("2000-4000 rw-p 0 00:00 0\n"
					  "3000-5000 rw-p 1000 fe:00 1 /a\n"
					  "1000-4800 rw-p 0 00:00 0\n"
					  "6000-7000 rw-p 0 00:00 0\n");
	assert_int_equal(l.count, 3);
	assert_int_equal(l.map[1].start, 0x4000);
	assert_int_equal(l.map[1].end, 0x5000);
	assert_int_equal(l.map[1].offset, 0x2000);
	assert_int_equal(l.map[2].start, 0x6000);
	hs_proc_map_list_release(&l);
}

static void a_map_is_found_by_its_start_only(void **state)
{
	(void)state;
	struct hs_proc_map_list l = parse("1000-2000 rw-p 0 00:00 0\n"
					  "3000-5000 rw-p 0 00:00 0\n");
	assert_ptr_equal(hs_proc_map_at(&l, 0x3000), &l.map[1]);
	assert_null(hs_proc_map_at(&l, 0x4000));
	assert_null(hs_proc_map_at(&l, 0x6000));
	hs_proc_map_list_release(&l);
}

static void only_real_devices_are_devices(void **state)
{
	(void)state;
	struct hs_proc_map_list l =
		parse("1000-2000 rw-p 0 00:06 9 /dev/mem\n"
		      "2000-3000 rw-p 0 00:06 9 /dev/zero\n"
		      "3000-4000 rw-p 0 00:06 9 /dev/shm/a\n"
		      "4000-5000 rw-p 0 00:00 0\n");
	assert_true(hs_proc_map_is_device(&l.map[0]));
	for (size_t i = 1; i < l.count; i++)
		assert_false(hs_proc_map_is_device(&l.map[i]));
	hs_proc_map_list_release(&l);
}

static void a_status_file_is_understood(void **state)
{
	(void)state;
	static const char text[] = "Name:\tredis: bgsave\n"
				   "State:\tt (tracing stop)\n"
				   "Tgid:\t12\n"
				   "PPid:\t3\n"
				   "TracerPid:\t44\n"
				   "Uid:\t1\t2\t3\t4\n"
				   "NSpid:\t12\t5\t1\n"
				   "VmSize:\t  176 kB\n"
				   "CapPrm:\t0000000000000400\n"
				   "CapEff:\t0000000000080000\n"
				   "Seccomp:\t2\n";
	struct hs_proc_status s;
	hs_proc_status_parse(text, strlen(text), &s);
	assert_string_equal(s.name, "redis: bgsave");
	assert_int_equal(s.state, 't');
	assert_int_equal(s.tgid, 12);
	assert_int_equal(s.ppid, 3);
	assert_int_equal(s.tracer, 44);
	assert_int_equal(s.uid[0], 1);
	assert_int_equal(s.uid[1], 2);
	assert_int_equal(s.uid[2], 3);
	assert_true(s.nested_pid);
	assert_int_equal(s.inner_pid, 1);
	assert_true(s.has_memory);
	assert_int_equal(s.permitted, 0x400);
	assert_int_equal(s.effective, 0x80000);
	assert_int_equal(s.seccomp, 2);
}

static void what_a_status_file_leaves_out_is_not_known(void **state)
{
	(void)state;
	struct hs_proc_status s;
	hs_proc_status_parse("Name:\tx\nNSpid:\t12\nTgid", 22, &s);
	assert_int_equal(s.tgid, -1);
	assert_int_equal(s.tracer, -1);
	assert_int_equal(s.seccomp, -1);
	assert_int_equal(s.uid[1], -1);
	assert_false(s.nested_pid);
	assert_false(s.has_memory);
	assert_int_equal(s.state, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_column_is_read),
		cmocka_unit_test(anonymous_memory_has_no_path),
		cmocka_unit_test(blanks_and_newlines_in_paths_survive),
		cmocka_unit_test(a_deleted_file_is_said_to_be_one),
		cmocka_unit_test(the_kernel_s_own_names_tell_the_kind),
		cmocka_unit_test(what_no_kernel_writes_is_refused),
		cmocka_unit_test(what_a_torn_read_shows_twice_is_cut_off),
		cmocka_unit_test(a_map_is_found_by_its_start_only),
		cmocka_unit_test(only_real_devices_are_devices),
		cmocka_unit_test(a_status_file_is_understood),
		cmocka_unit_test(what_a_status_file_leaves_out_is_not_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
