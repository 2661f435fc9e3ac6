/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <heapscan/stacks.h>
#include <heapscan/types.h>

#include "nomem/nth_allocation.h"
#include "support/live_fixture.h"

/* A heap whose blocks have names by debug information. */
struct named_heap {
	struct live_fixture fixture;
	struct hs_target *target;
	struct hs_symbols *syms;
	struct hs_heap *heap;
};

static bool open_heap(struct named_heap *h, const char *fixture)
{
	struct hs_symbols_options opt = { .struct_size = sizeof(opt),
					  .debug_dirs = "/nonexistent" };
	*h = (struct named_heap){ .target = NULL };
	if (!live_fixture_start(&h->fixture, fixture, "ctypes-nomem"))
		return false;
	h->target = live_fixture_open(&h->fixture);
	live_fixture_stop(&h->fixture);
	if (!h->target)
		return false;
	assert_int_equal(hs_symbols_new(h->target, &opt, &h->syms, NULL),
			 HS_OK);
	assert_int_equal(hs_heap_scan(h->target, h->syms, NULL, &h->heap, NULL),
			 HS_OK);
	return true;
}

static void close_heap(struct named_heap *h)
{
	hs_heap_free(h->heap);
	hs_symbols_free(h->syms);
	hs_target_close(h->target);
}

static void fail_every_allocation(const char *fixture)
{
	struct named_heap h;
	struct hs_types_summary whole, s;
	struct hs_types *types;
	struct hs_types_options opt = {
		.struct_size = sizeof(opt),
		.jobs = 1,
		.rules = "struct event: type == 1 -> struct key_event\n"
			 "struct cell.extra -> struct blob at -8\n",
	};
	if (!open_heap(&h, fixture))
		skip();
	opt.symbols = h.syms;
	assert_int_equal(hs_types_new(h.target, h.heap, &opt, &types, NULL),
			 HS_OK);
	hs_types_summary(types, &whole);
	hs_types_free(types);
	assert_true(whole.named.count > 150);
	for (unsigned long n = 1;; n++) {
		types = NULL;
		nth_allocation_fails(n);
		enum hs_status st =
			hs_types_new(h.target, h.heap, &opt, &types, NULL);
		if (!nth_allocation_reached()) {
			assert_int_equal(st, HS_OK);
			hs_types_free(types);
			assert_true(n > 50);
			break;
		}
		/* A library's file may be left out, as if it were not there:
		 * then there is less, and nothing else. */
		if (st == HS_OK) {
			hs_types_summary(types, &s);
			assert_true(s.named.count <= whole.named.count);
			hs_types_free(types);
			continue;
		}
		assert_int_equal(st, HS_ERR_NOMEM);
		assert_null(types);
	}
	close_heap(&h);
}

static void every_failing_allocation_is_reported(void **state)
{
	(void)state;
	fail_every_allocation("ctypes-dwarf5");
}

static void every_failing_allocation_for_locals_is_reported(void **state)
{
	(void)state;
	fail_every_allocation("clocals-optimised");
}

static void stacks_are_whole_or_not_there(void **state)
{
	struct named_heap h;
	struct hs_stacks *stacks;
	(void)state;
	if (!open_heap(&h, "clocals-optimised"))
		skip();
	assert_int_equal(hs_stacks_new(h.target, h.syms, &stacks, NULL), HS_OK);
	size_t frames = hs_stacks_frame_count(stacks, 0);
	hs_stacks_free(stacks);
	assert_true(frames > 5);
	for (unsigned long n = 1;; n++) {
		stacks = NULL;
		nth_allocation_fails(n);
		enum hs_status st =
			hs_stacks_new(h.target, h.syms, &stacks, NULL);
		bool reached = nth_allocation_reached();
		assert_true(reached || st == HS_OK);
		if (st == HS_OK)
			assert_int_equal(hs_stacks_frame_count(stacks, 0),
					 frames);
		else
			assert_int_equal(st, HS_ERR_NOMEM);
		hs_stacks_free(stacks);
		if (!reached)
			break;
	}
	close_heap(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failing_allocation_is_reported),
		cmocka_unit_test(
			every_failing_allocation_for_locals_is_reported),
		cmocka_unit_test(stacks_are_whole_or_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
