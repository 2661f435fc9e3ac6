/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <heapscan/slice.h>
#include <zstd.h>

#include "backends/slice_file.h"
#include "backends/slice_target.h"
#include "nomem/nth_allocation.h"
#include "support/core_writer.h"
#include "support/slice_builder.h"

#define LIB UINT64_C(0x40000)
#define PAGE SLICE_TEST_PAGE

static const uint8_t id[20] = "a build";
static const uint8_t captured[3];

static void add_module(struct slice_builder *b)
{
	static const char lines[] =
		"40000-41000 r--p 00000000 08:01 77 /lib/tiny.so\n";
	uint8_t p[256] = { 0 };
	p[2] = 4; /* base 0x40000 */
	p[9] = 0x30;
	p[0x10] = 13;
	memcpy(p + 0x18, "/lib/tiny.so", 13);
	p[0x48] = sizeof(lines) - 1;
	memcpy(p + 0x50, lines, sizeof(lines));
	slice_block(b, 0x0002, 0, p, 0x50 + sizeof(lines));
}

static void add_thread(struct slice_builder *b)
{
	uint8_t p[0x48] = { 77 };
	p[0x14] = 1;
	p[0x18] = 5;
	memcpy(p + 0x20, "main", 5);
	p[0x28] = 4;
	p[0x29] = 8;
	memcpy(p + 0x30, "rip", 4);
	slice_block(b, 0x0011, 0, p, 0x40);
}

/* Records, an image, a region that is packed, two that overlap. */
static void write_slice(struct slice_builder *b)
{
	static uint8_t image[TINY_LEN], packed[4 * PAGE];
	tiny_image(image, 8, EM_X86_64, id, sizeof(id));
	uint8_t process[0x28] = { 1 };
	process[0x10] = 3;
	memcpy(process + 0x18, "/x", 3);
	uint8_t related[0x18] = { 7 };
	struct slice_region_as as = {
		.base = LIB, .size = TINY_LEN, .prot = 5, .page_shift = 12
	};
	slice_begin(b);
	slice_block(b, 0x0040, 0, process, sizeof(process));
	add_module(b);
	add_thread(b);
	slice_block(b, 0x0041, 0, related, sizeof(related));
	slice_region_as(b, &as, 3, captured, image, TINY_LEN);
	as = (struct slice_region_as){
		.base = 0x80000, .size = PAGE, .prot = 3, .page_shift = 12
	};
	size_t n;
	uint8_t *payload = slice_region_payload(&as, 1, captured, image + PAGE,
						PAGE, false, &n);
	memset(packed, 0, sizeof(packed));
	packed[0] = (uint8_t)n;
	packed[1] = (uint8_t)(n >> 8);
	size_t len =
		ZSTD_compress(packed + 8, sizeof(packed) - 8, payload, n, 1);
	slice_block(b, 0x0001, 3, packed, 8 + len);
	free(payload);
	slice_region(b, 0x90000, 2, captured, image + PAGE, 2 * PAGE);
	slice_region(b, 0x91000, 2, captured, image + PAGE, 2 * PAGE);
	slice_end(b);
}

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
	(void)state;
	struct slice_builder b;
	write_slice(&b);
	const struct hs_open_options opt = { .struct_size = sizeof(opt),
					     .sysroot = "/dev/null" };
	unsigned long n = 0, survived = 0;
	for (;;) {
		struct hs_target *t = NULL;
		nth_allocation_fails(++n);
		enum hs_status st = hs_slice_target_bytes(
			b.bytes, b.len, "slice", &opt, &t, NULL);
		int reached = nth_allocation_reached();
		if (!reached) {
			assert_int_equal(st, HS_OK);
			assert_int_equal(hs_target_module_count(t), 1);
			assert_int_equal(hs_target_thread_count(t), 1);
			hs_target_close(t);
			break;
		}
		if (st) {
			assert_int_equal(st, HS_ERR_NOMEM);
			assert_null(t);
		} else { /* a name that is only nice to have */
			survived++;
			hs_target_close(t);
		}
	}
	assert_true(n > 40); /* or nothing was tested */
	if (survived > 2)
		fail_msg("%lu failures of %lu went unseen", survived, n);
	slice_release(&b);
}

static void verifying_reports_that_memory_ran_out(void **state)
{
	(void)state;
	struct slice_builder b;
	write_slice(&b);
	const struct hs_open_options opt = { .struct_size = sizeof(opt) };
	struct hs_slice *s = NULL;
	assert_int_equal(
		hs_slice_open_bytes(b.bytes, b.len, "slice", &opt, &s, NULL),
		HS_OK);
	struct hs_slice_integrity in;
	nth_allocation_fails(1);
	assert_int_equal(hs_slice_verify(s, NULL, NULL, &in, NULL),
			 HS_ERR_NOMEM);
	assert_true(nth_allocation_reached());
	assert_int_equal(hs_slice_verify(s, NULL, NULL, &in, NULL), HS_OK);
	assert_true(in.sound);
	hs_slice_close(s);
	slice_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_failing_allocation_is_reported_and_leaks_nothing),
		cmocka_unit_test(verifying_reports_that_memory_ran_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
