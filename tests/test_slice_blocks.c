/* SPDX-License-Identifier: MIT */
#include "support/slice_test.h"

/* What slices hold besides memory: the process, threads, keys, tables. */
static void the_process_is_named(void **state)
{
	(void)state;
	struct slice_builder b;
	uint8_t p[0x18 + 16] = { 0 };
	p[0] = 42;
	p[4] = 43;
	p[8] = 44;
	p[0x10] = 6;
	p[0x12] = 7;
	memcpy(p + 0x18, "/bin/a", 6); /* five and a NUL make six */
	p[0x18 + 5] = 0;
	memcpy(p + 0x20, "a -b -", 7);
	slice_begin(&b);
	slice_block(&b, 0x0040, 0, p, sizeof(p));
	slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_end(&b);
	struct hs_slice *s = open_slice(&b);
	struct hs_slice_process process;
	assert_true(hs_slice_process(s, &process));
	assert_string_equal(process.executable, "/bin/");
	assert_string_equal(process.command_line, "a -b -");
	assert_int_equal(process.ppid, 42);
	assert_int_equal(process.session_id, 43);
	assert_int_equal(process.start_time_ns, 44);
	hs_slice_close(s);
	slice_release(&b);
}

static void threads_bring_registers_and_thread_pointer(void **state)
{
	(void)state;
	/* radare2 keeps the base under the selector's name */
	static const struct {
		const char *name;
		uint64_t value;
		hs_addr tls;
	} rows[] = {
		{ "fs_base", 0x7fccb6768740, 0x7fccb6768740 },
		{ "fs", 0x7fccb6768740, 0x7fccb6768740 },
		{ "fs", 0x33, HS_NO_ADDR },
	};
	for (size_t i = 0; i < 3; i++) {
		struct slice_builder b;
		uint8_t p[256];
		slice_begin(&b);
		slice_block(&b, 0x0011, 0, p,
			    thread_payload(p, rows[i].name, rows[i].value));
		slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
		slice_end(&b);
		struct hs_target *t = open_target(&b);
		struct hs_thread_info thread;
		assert_int_equal(hs_target_thread_count(t), 1);
		hs_target_thread(t, 0, &thread);
		assert_int_equal(thread.tid, 77);
		assert_true(thread.current);
		assert_string_equal(thread.name, "main");
		assert_int_equal(thread.pc, 0x55);
		assert_int_equal(thread.sp, HS_NO_ADDR);
		assert_int_equal(thread.tls_base, rows[i].tls);
		assert_int_equal(thread.register_count, 0); /* not all */
		hs_target_close(t);
		slice_release(&b);
	}
}

static void a_thread_in_another_layout_keeps_its_id_only(void **state)
{
	(void)state;
	uint8_t p[256];
	size_t len = thread_payload(p, "fs_base", 1);
	struct hs_slice_thread t;
	for (size_t cut = 0; cut < len; cut++) {
		enum hs_status st =
			hs_slice_thread_parse(p, cut, false, &t, NULL);
		if (cut < 8) {
			assert_int_equal(st, HS_ERR_FORMAT);
			continue;
		}
		assert_int_equal(st, HS_OK);
		assert_int_equal(t.tid, 77);
		assert_false(t.understood);
		assert_int_equal(t.count, 0);
	}
	assert_int_equal(hs_slice_thread_parse(p, len, false, &t, NULL), HS_OK);
	assert_true(t.understood);
	assert_int_equal(t.count, 2);
	hs_slice_thread_release(&t);
	p[0x14] = 0xff; /* more registers than there can be */
	p[0x17] = 0xff;
	assert_int_equal(hs_slice_thread_parse(p, len, false, &t, NULL), HS_OK);
	assert_false(t.understood);
}

static const char *fact(const struct hs_slice *s, uint64_t row,
			const char *name)
{
	for (size_t i = 0; i < hs_slice_fact_count(s); i++) {
		struct hs_slice_fact f;
		hs_slice_fact(s, i, &f);
		if (f.row == row && strcmp(f.name, name) == 0)
			return f.value;
	}
	return NULL;
}

static void says(unsigned type, const char *bytes, size_t len,
		 const char *const (*facts)[2], size_t count)
{
	struct slice_builder b;
	slice_begin(&b);
	slice_block(&b, type, 0, bytes, len);
	slice_end(&b);
	struct hs_slice *s = open_slice(&b);
	for (size_t i = 0; i < count; i++) {
		const char *value = fact(s, 0, facts[i][0]);
		if (!value)
			fail_msg("type 0x%04x lacks %s", type, facts[i][0]);
		assert_string_equal(value, facts[i][1]);
	}
	hs_slice_close(s);
	/* However short, it is no reason to fail. */
	for (size_t cut = 0; cut < len; cut += 4) {
		slice_release(&b);
		slice_begin(&b);
		slice_block(&b, type, 0, bytes, cut);
		slice_end(&b);
		hs_slice_close(open_slice(&b));
	}
	slice_release(&b);
}
#define SAYS(type, bytes, ...)                                                 \
	do {                                                                   \
		static const char *const facts[][2] = { __VA_ARGS__ };         \
		says(type, bytes, sizeof(bytes) - 1, facts,                    \
		     sizeof(facts) / sizeof(facts[0]));                        \
	} while (0)

static void a_key_hint_is_turned_into_an_address(void **state)
{
	(void)state;
	struct slice_builder b;
	uint8_t hint[0x30] = { 0 };
	memset(hint, 1, 16); /* the first block's UUID */
	hint[0x11] = 0x18;   /* offset 0x1800: in the second captured page */
	slice_begin(&b);
	slice_region(&b, BASE, 4, (const uint8_t[]){ 1, 0, 2, 0 }, pages,
		     2 * PAGE);
	slice_block(&b, 0x0020, 0, hint, sizeof(hint));
	hint[0x11] = 0x20; /* behind them */
	slice_block(&b, 0x0020, 0, hint, sizeof(hint));
	slice_end(&b);
	struct hs_slice *s = open_slice(&b);
	size_t found = 0;
	for (size_t i = 0; i < hs_slice_fact_count(s); i++) {
		struct hs_slice_fact f;
		hs_slice_fact(s, i, &f);
		if (strcmp(f.name, "address") != 0)
			continue;
		found++;
		assert_int_equal(f.block, 1);
		assert_string_equal(f.value, "0x7f0000003800");
	}
	assert_int_equal(found, 1);
	hs_slice_close(s);
	slice_release(&b);
}

#define Z2 "\0\0"
#define Z4 Z2 Z2
#define Z8 Z4 Z4
#define ONE4 "\1\0\0\0"
#define U16 "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10"

static void tables_are_shown_row_by_row(void **state)
{
	(void)state;
	SAYS(0x0020,
	     U16 "\x40" Z4 Z2 "\0"
		 "\x20\0\0\0"
		 "\5\0\2\0"
		 "\1\1\0\0"
		 "\4\0\0\0" Z4 "tls\0" Z4,
	     { "region", "01020304-0506-0708-090a-0b0c0d0e0f10" },
	     { "offset", "64" }, { "key_type", "5" }, { "note", "tls" });
	SAYS(0x0030,
	     "\2\0" Z2 "\5\0\0\0"
	     "\7" Z4 Z2 "\0"
	     "\x08" Z4 Z2 "\0" Z4 Z4 "gdb9\0\0\0\0",
	     { "source_format", "2" }, { "tool", "gdb9" },
	     { "import_time_ns", "7" }, { "original_size", "8" });
	SAYS(0x0041, U16 "\x2a\0\0\0\1\0\0\0", { "pid", "42" },
	     { "relationship", "1" });
	/* both layouts of the system context */
	SAYS(0x0050,
	     "\x09" Z4 Z2 "\0"
	     "\1"
	     "\1\0\0\0"
	     "\5\0\5\0\0\0\0\0\0\0" Z8 "\0"
	     "root\0\0\0\0"
	     "host\0\0\0\0",
	     { "boot_time_ns", "9" }, { "user", "root" },
	     { "hostname", "host" });
	SAYS(0x0050,
	     "\x09" Z4 Z2 "\0"
	     "\1\0\0\0"
	     "\1\0\0\0"
	     "\5\0\5\0\0\0\0\0\0\0" Z4 Z2 "root\0\0\0\0"
	     "host\0\0\0\0",
	     { "boot_time_ns", "9" }, { "user", "root" },
	     { "hostname", "host" });
	SAYS(0x0051,
	     ONE4 Z4 "\7\0\0\0\1\0\0\0\2\0\0\0"
		     "\1\0\0\0" Z8 Z8 "\3\0\0\0\2\0" Z2 "/x\0" Z4 "\0"
		     "u\0" Z4 Z2,
	     { "pid", "7" }, { "is_target", "1" }, { "executable", "/x" },
	     { "user", "u" });
	SAYS(0x0052,
	     ONE4 Z4 "\7\0\0\0"
		     "\2\6\1\0"
		     "\x7f\0\0\1" Z8 Z4 "\x50\0\0\0"
		     "\x0a\0\0\1" Z8 Z4 "\xbb\1\0\0",
	     { "local", "127.0.0.1" }, { "local_port", "80" },
	     { "remote", "10.0.0.1" }, { "remote_port", "443" });
	SAYS(0x0053,
	     ONE4 Z4 "\7\0\0\0\3\0\0\0"
		     "\1\0\3\0" Z4 "/y\0" Z4 "\0",
	     { "fd", "3" }, { "path", "/y" });
	SAYS(0x0054, ONE4 Z4 "\3\2\0\xab\xcd" Z2 "\0", { "neighbour", "abcd" });
	SAYS(0x0055, ONE4 Z4 "\1\0\4\0\0\x10\0\0", { "page_size", "4096" });
	SAYS(0x0056,
	     ONE4 Z4 "\1\0\2\0/z"
		     "\5" Z4 Z2 "\0" Z8 "\1\0\0\0",
	     { "path", "/z" }, { "mtime_ns", "5" }, { "mode", "1" });
	SAYS(0x0057,
	     ONE4 Z4 "\3\0ext" Z8 "\1\0\0\0"
		     "\1\0" Z8 "\0\0",
	     { "name", "ext" }, { "refcount", "1" });
	SAYS(0x0058, "\7\0\0\0" Z4 "\x13\0\4\0\4\0\0\0", { "threads", "4" });
	SAYS(0x0059, ONE4 Z4 "\0\x10" Z4 Z2 "\0\x20" Z4 Z2 "\3\0\0\0ram",
	     { "start", "0x1000" }, { "label", "ram" });
	SAYS(0x005a,
	     ONE4 Z4 "\0\x10" Z4 Z2
		     "\4\1\0\0\xde\xad\xbe\xef" Z8 Z8 Z8 Z8 Z8 Z8,
	     { "base", "0x1000" }, { "build_id", "deadbeef" });
	SAYS(0x1001,
	     ONE4 Z4 "\0\x10" Z4 Z2 "\0\x20" Z4 Z2 "\3\1\3\0" Z4 "/q\0" Z4 "\0",
	     { "base", "0x1000" }, { "size", "8192" }, { "path", "/q" });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_process_is_named),
		cmocka_unit_test(threads_bring_registers_and_thread_pointer),
		cmocka_unit_test(a_thread_in_another_layout_keeps_its_id_only),
		cmocka_unit_test(a_key_hint_is_turned_into_an_address),
		cmocka_unit_test(tables_are_shown_row_by_row),
	};
	return cmocka_run_group_tests(tests, fill_pages, NULL);
}
