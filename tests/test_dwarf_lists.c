/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "symbols/dwarf_lists.h"

#define BASE UINT64_C(0x400000)

/* Address number N of the unit is 0x1000 * N; it has ten. */
static bool numbered(void *arg, uint64_t index, uint64_t *ret)
{
	(void)arg;
	if (index >= 10)
		return false;
	*ret = 0x1000 * index;
	return true;
}

static struct hs_dwarf_list list_of(const uint8_t *bytes, size_t len)
{
	return (struct hs_dwarf_list){
		.at = { .pos = bytes, .end = bytes + len },
		.word_size = 4,
		.base = BASE,
		.address = numbered,
	};
}

static void assert_next(struct hs_dwarf_list *l, uint64_t start, uint64_t end)
{
	struct hs_dwarf_list_entry e;
	assert_true(hs_dwarf_list_next(l, &e));
	assert_int_equal(e.start, start);
	assert_int_equal(e.end, end);
	assert_false(e.otherwise);
}

/* As assert_next(), of a list of places whose expression is one byte. */
static void assert_place(struct hs_dwarf_list *l, uint64_t start, uint64_t end,
			 uint8_t op)
{
	struct hs_dwarf_list_entry e;
	assert_true(hs_dwarf_list_next(l, &e));
	assert_int_equal(e.start, start);
	assert_int_equal(e.end, end);
	assert_int_equal(e.len, 1);
	assert_int_equal(e.expr[0], op);
}

static void assert_end(struct hs_dwarf_list *l, bool bad)
{
	struct hs_dwarf_list_entry e;
	assert_false(hs_dwarf_list_next(l, &e));
	assert_int_equal(l->bad, bad);
}

static void ranges_of_every_kind_are_read(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {
		4,    0x10, 0x20,             /* offset_pair */
		1,    2,                      /* base_addressx */
		4,    0x10, 0x80, 0x01,       /* offset_pair */
		2,    3,    4,                /* startx_endx */
		3,    5,    0x08,             /* startx_length */
		5,    0,    0,    0x50, 0,    /* base_address */
		4,    0,    1,                /* offset_pair */
		6,    1,    0,    0,    0,    /* start_end */
		9,    0,    0,    0,          /* ... */
		7,    2,    0,    0,    0, 3, /* start_length */
		0,                            /* end_of_list */
		0xff,
	};
	struct hs_dwarf_list l = list_of(bytes, sizeof(bytes));
	assert_next(&l, BASE + 0x10, BASE + 0x20);
	assert_next(&l, 0x2010, 0x2080);
	assert_next(&l, 0x3000, 0x4000);
	assert_next(&l, 0x5000, 0x5008);
	assert_next(&l, 0x500000, 0x500001);
	assert_next(&l, 1, 9);
	assert_next(&l, 2, 5);
	assert_end(&l, false);
}

static void places_have_kinds_and_expressions_of_their_own(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {
		9, 1,    2,                          /* view_pair */
		4, 0x10, 0x20, 1, 0x50,              /* offset_pair */
		6, 0,    0,    5, 0,                 /* base_address */
		4, 0,    1,    1, 0x51,              /* offset_pair */
		7, 1,    0,    0, 0,                 /* start_end */
		9, 0,    0,    0, 1,    0x52,        /* ... */
		8, 2,    0,    0, 0,    3,    1, 83, /* start_length */
		5, 1,    0x54,                       /* default_location */
		0,                                   /* end_of_list */
	};
	struct hs_dwarf_list l = list_of(bytes, sizeof(bytes));
	struct hs_dwarf_list_entry e;
	l.places = true;
	assert_place(&l, BASE + 0x10, BASE + 0x20, 0x50);
	assert_place(&l, 0x50000, 0x50001, 0x51);
	assert_place(&l, 1, 9, 0x52);
	assert_place(&l, 2, 5, 0x53);
	assert_true(hs_dwarf_list_next(&l, &e));
	assert_true(e.otherwise);
	assert_int_equal(e.expr[0], 0x54);
	assert_end(&l, false);
}

static void lists_before_dwarf_5_are_pairs_of_addresses(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {
		0x10, 0,    0,    0,    0x20, 0, 0, 0,    1, 0,
		0x50, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x50, 0, /* new base */
		0,    0,    0,    0,    1,    0, 0, 0,    1, 0,
		0x51, 0,    0,    0,    0,    0, 0, 0,    0, 0xff,
	};
	struct hs_dwarf_list l = list_of(bytes, sizeof(bytes));
	l.old = l.places = true;
	assert_place(&l, BASE + 0x10, BASE + 0x20, 0x50);
	assert_place(&l, 0x500000, 0x500001, 0x51);
	assert_end(&l, false);
}

/* Wherever a list is cut, what follows is said to be unknown. */
static void a_list_that_is_cut_short_is_bad(void **state)
{
	(void)state;
	static const uint8_t whole[] = {
		4, 0x10, 0x20, 2, 0x50, 0x51, 8, 2, 0, 0, 0, 3, 1, 0x53, 0,
	};
	for (size_t len = 0; len < sizeof(whole); len++) {
		struct hs_dwarf_list l = list_of(whole, len);
		struct hs_dwarf_list_entry e;
		l.places = true;
		while (hs_dwarf_list_next(&l, &e))
			assert_in_range(e.len, 1, 2);
		assert_true(l.bad);
	}
}

static void nonsense_ends_a_list(void **state)
{
	(void)state;
	static const uint8_t kind[] = { 8, 0, 0, 0, 0 };
	static const uint8_t number[] = { 1, 10, 4, 0, 1, 0 };
	static const uint8_t expression[] = { 4,    0,    1,    0xff, 0xff,
					      0xff, 0xff, 0xff, 0x0f, 0 };
	static const uint8_t wraps[] = { 3,    9,    0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff, 0xff,
					 0xff, 0x01, 0 };
	struct hs_dwarf_list l = list_of(kind, sizeof(kind));
	assert_end(&l, true);
	l = list_of(number, sizeof(number));
	assert_end(&l, true);
	l = list_of(expression, sizeof(expression));
	l.places = true;
	assert_end(&l, true);
	l = list_of(wraps, sizeof(wraps));
	assert_end(&l, true);
	assert_end(&l, true); /* and it stays so */
}

static void old_places_in_a_file_for_a_unit_have_numbers(void **state)
{
	(void)state;
	const uint8_t bytes[] = {
		1, 2, /* from address 2 on */
		4, 1, 0,    0, 0, 9,    0, 0, 0,
		1, 0, 0x50,                         /* from 1 to 9 */
		3, 3, 0x20, 0, 0, 0,    1, 0, 0x51, /* address 3, 0x20 bytes */
		2, 4, 5,    1, 0, 0x52,             /* from address 4 to 5 */
		0,
	};
	struct hs_dwarf_list l = list_of(bytes, sizeof(bytes));
	l.old = l.places = l.split = true;
	assert_place(&l, 0x2001, 0x2009, 0x50);
	assert_place(&l, 0x3000, 0x3020, 0x51);
	assert_place(&l, 0x4000, 0x5000, 0x52);
	assert_end(&l, false);
	/* One that the unit does not have, and what is not known. */
	const uint8_t none[] = { 3, 11, 1, 0, 0, 0, 1, 0, 0x50, 0 };
	l = list_of(none, sizeof(none));
	l.old = l.places = l.split = true;
	assert_end(&l, true);
	const uint8_t other[] = { 5, 0 };
	l = list_of(other, sizeof(other));
	l.old = l.places = l.split = true;
	assert_end(&l, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_of_every_kind_are_read),
		cmocka_unit_test(
			places_have_kinds_and_expressions_of_their_own),
		cmocka_unit_test(lists_before_dwarf_5_are_pairs_of_addresses),
		cmocka_unit_test(a_list_that_is_cut_short_is_bad),
		cmocka_unit_test(nonsense_ends_a_list),
		cmocka_unit_test(old_places_in_a_file_for_a_unit_have_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
