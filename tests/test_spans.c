/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/spans.h"

static uint8_t dump[0x100], other[0x100];

static void add(struct hs_span_list *list, hs_addr start, uint64_t len,
		const uint8_t *bytes, bool from_file)
{
	struct hs_span span = {
		.start = start,
		.len = len,
		.bytes = bytes,
		.state = bytes ? HS_SPAN_BYTES : HS_SPAN_NOT_CAPTURED,
		.from_file = from_file,
	};
	assert_int_equal(hs_span_list_add(list, span, NULL), HS_OK);
}

static size_t sort(struct hs_span_list *list)
{
	size_t overlaps = 99;
	assert_int_equal(hs_span_list_sort(list, &overlaps, NULL), HS_OK);
	return overlaps;
}

static const uint8_t *byte_at(const struct hs_span_list *list, hs_addr addr)
{
	const struct hs_span *s = hs_span_list_find(list, addr);
	return s && s->bytes ? s->bytes + (addr - s->start) : NULL;
}

static void an_empty_list_sorts_and_finds_nothing(void **state)
{
	(void)state;
	struct hs_span_list list = { 0 };
	assert_int_equal(sort(&list), 0);
	assert_null(hs_span_list_find(&list, 0));
	assert_null(hs_span_list_from(&list, 0));
	hs_span_list_release(&list);
}

static void neighbours_do_not_overlap(void **state)
{
	(void)state;
	struct hs_span_list list = { 0 };
	add(&list, 0x2000, 0x10, dump, false);
	add(&list, 0x1ff0, 0x10, other, false);
	add(&list, 0x2010, 0x10, other, false);
	assert_int_equal(sort(&list), 0);
	assert_int_equal(list.count, 3);
	assert_ptr_equal(byte_at(&list, 0x1fff), other + 0xf);
	assert_ptr_equal(byte_at(&list, 0x2000), dump);
	assert_ptr_equal(byte_at(&list, 0x2010), other);
	hs_span_list_release(&list);
}

static void of_two_dumped_bytes_the_first_added_counts(void **state)
{
	(void)state;
	struct hs_span_list list = { 0 };
	add(&list, 0x1008, 0x10, dump, false);
	add(&list, 0x1000, 0x20, other, false);
	assert_int_equal(sort(&list), 1);
	assert_ptr_equal(byte_at(&list, 0x1007), other + 7);
	assert_ptr_equal(byte_at(&list, 0x1008), dump);
	assert_ptr_equal(byte_at(&list, 0x1017), dump + 0xf);
	assert_ptr_equal(byte_at(&list, 0x1018), other + 0x18);
	hs_span_list_release(&list);
}

static void bytes_win_over_not_captured_and_dump_over_file(void **state)
{
	(void)state;
	struct hs_span_list list = { 0 };
	add(&list, 0x1000, 0x100, NULL, false);
	add(&list, 0x1000, 0x80, other, true);
	add(&list, 0x1040, 0x10, dump, false);
	sort(&list);
	assert_ptr_equal(byte_at(&list, 0x103f), other + 0x3f);
	assert_ptr_equal(byte_at(&list, 0x1040), dump);
	assert_ptr_equal(byte_at(&list, 0x1050), other + 0x50);
	assert_null(byte_at(&list, 0x1080));
	const struct hs_span *rest = hs_span_list_find(&list, 0x1080);
	assert_non_null(rest);
	assert_int_equal(rest->state, HS_SPAN_NOT_CAPTURED);
	assert_int_equal(rest->start, 0x1080);
	assert_int_equal(rest->len, 0x80);
	hs_span_list_release(&list);
}

static void what_was_not_captured_is_no_overlap(void **state)
{
	(void)state;
	struct hs_span_list list = { 0 };
	add(&list, 0x1000, 0x100, NULL, false);
	add(&list, 0x1010, 0x10, dump, false);
	add(&list, 0x1080, 0x100, NULL, false);
	assert_int_equal(sort(&list), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.span[2].len, 0x160);
	hs_span_list_release(&list);
}

static void pieces_with_adjacent_bytes_are_joined(void **state)
{
	(void)state;
	struct hs_span_list list = { 0 };
	add(&list, 0x1000, 0x10, dump, false);
	add(&list, 0x1010, 0x10, dump + 0x10, false);
	add(&list, 0x1020, 0x10, dump, false);
	sort(&list);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.span[0].len, 0x20);
	hs_span_list_release(&list);
}

static void a_gap_is_unmapped_and_the_next_span_is_known(void **state)
{
	(void)state;
	struct hs_span_list list = { 0 };
	add(&list, 0x3000, 0x10, dump, false);
	add(&list, 0x1000, 0x10, other, false);
	sort(&list);
	assert_null(hs_span_list_find(&list, 0x1010));
	assert_null(hs_span_list_find(&list, 0xfff));
	assert_int_equal(hs_span_list_from(&list, 0x1010)->start, 0x3000);
	assert_null(hs_span_list_from(&list, 0x3010));
	hs_span_list_release(&list);
}

static void a_span_past_the_end_of_the_address_space_is_refused(void **state)
{
	(void)state;
	struct hs_span_list list = { 0 };
	struct hs_span span = { .start = UINT64_MAX - 0xf,
				.len = 0x10,
				.bytes = dump };
	assert_int_equal(hs_span_list_add(&list, span, NULL), HS_ERR_FORMAT);
	span.len = 0xf; /* ends at the last address that has an end */
	assert_int_equal(hs_span_list_add(&list, span, NULL), HS_OK);
	sort(&list);
	assert_non_null(hs_span_list_find(&list, UINT64_MAX - 1));
	assert_null(hs_span_list_find(&list, UINT64_MAX));
	hs_span_list_release(&list);
}

/*
 * The definition, address by address, beside the sweep: 2,000 random lists of
 * up to eight spans in a space of 64 addresses.
 */
static void every_address_shows_the_best_of_its_spans(void **state)
{
	(void)state;
	unsigned seed = 1;
	for (int round = 0; round < 2000; round++) {
		struct hs_span_list list = { 0 }, input = { 0 };
		unsigned n = 1 + (unsigned)rand_r(&seed) % 8;
		for (unsigned i = 0; i < n; i++) {
			hs_addr start = (unsigned)rand_r(&seed) % 56;
			uint64_t len = 1 + (unsigned)rand_r(&seed) % 8;
			unsigned kind = (unsigned)rand_r(&seed) % 3;
			const uint8_t *bytes = kind ? dump + i * 16 : NULL;
			add(&list, start, len, bytes, kind == 2);
			add(&input, start, len, bytes, kind == 2);
		}
		sort(&list);
		for (hs_addr a = 0; a < 64; a++) {
			const struct hs_span *want = NULL;
			for (size_t i = 0; i < input.count; i++) {
				const struct hs_span *s = &input.span[i];
				if (a < s->start || a - s->start >= s->len)
					continue;
				if (!want || (s->bytes && !want->bytes) ||
				    (s->bytes && want->from_file &&
				     !s->from_file))
					want = s;
			}
			const struct hs_span *got = hs_span_list_find(&list, a);
			assert_int_equal(!!got, !!want);
			if (!got)
				continue;
			assert_int_equal(got->state, want->state);
			assert_int_equal(got->from_file, want->from_file);
			if (want->bytes)
				assert_ptr_equal(got->bytes + (a - got->start),
						 want->bytes +
							 (a - want->start));
		}
		hs_span_list_release(&list);
		hs_span_list_release(&input);
	}
}

static void searches_skip_long_runs_of_zeroes(void **state)
{
	(void)state;
	struct hs_span_list list = { 0 };
	add(&list, 0x1000, 0x10, dump, false);
	struct hs_span zero = {
		.start = 0x1010,
		.len = 0x20,
		.bytes = dump + 0x10,
		.state = HS_SPAN_BYTES,
		.zero = true,
	};
	assert_int_equal(hs_span_list_add(&list, zero, NULL), HS_OK);
	add(&list, 0x1030, 0x10, dump + 0x30, false);
	assert_int_equal(sort(&list), 0);

	/* The bytes are there all the same. */
	assert_ptr_equal(byte_at(&list, 0x1020), dump + 0x20);
	assert_int_equal(hs_span_list_skip_zeroes(&list, 0x1000), 0x1000);
	assert_int_equal(hs_span_list_skip_zeroes(&list, 0x1018), 0x1030);
	assert_int_equal(hs_span_list_skip_zeroes(&list, 0x1030), 0x1030);
	assert_int_equal(hs_span_list_skip_zeroes(&list, 0x5000), 0x5000);
	hs_span_list_release(&list);
}

static void walks_in_steps_go_where_bytes_are(void **state)
{
	(void)state;
	struct hs_span_list list = { 0 };
	add(&list, 0x10f0, 0x20, dump, false);
	add(&list, 0x1240, 0x80, dump, false); /* between two steps */
	const struct hs_span endless = {
		.start = 0x2000,
		.len = UINT64_C(1) << 62,
		.state = HS_SPAN_NOT_CAPTURED,
	};
	assert_int_equal(hs_span_list_add(&list, endless, NULL), HS_OK);
	add(&list, UINT64_MAX - 0x17f, 0x100, dump, false);
	assert_int_equal(sort(&list), 0);
	assert_int_equal(hs_span_list_next_step(&list, 0, 0x100), 0x1100);
	assert_int_equal(hs_span_list_next_step(&list, 0x1100, 0x100), 0x1100);
	assert_int_equal(hs_span_list_next_step(&list, 0x1101, 0x100),
			 UINT64_MAX - 0xff);
	assert_int_equal(
		hs_span_list_next_step(&list, UINT64_MAX - 0xfe, 0x100),
		HS_NO_ADDR);
	hs_span_list_release(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_list_sorts_and_finds_nothing),
		cmocka_unit_test(neighbours_do_not_overlap),
		cmocka_unit_test(of_two_dumped_bytes_the_first_added_counts),
		cmocka_unit_test(
			bytes_win_over_not_captured_and_dump_over_file),
		cmocka_unit_test(what_was_not_captured_is_no_overlap),
		cmocka_unit_test(pieces_with_adjacent_bytes_are_joined),
		cmocka_unit_test(a_gap_is_unmapped_and_the_next_span_is_known),
		cmocka_unit_test(
			a_span_past_the_end_of_the_address_space_is_refused),
		cmocka_unit_test(every_address_shows_the_best_of_its_spans),
		cmocka_unit_test(searches_skip_long_runs_of_zeroes),
		cmocka_unit_test(walks_in_steps_go_where_bytes_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
