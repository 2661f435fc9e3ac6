/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <heapscan/graph.h>

#include "nomem/nth_allocation.h"
#include "support/heap_scenario.h"

/* Three blocks that hold each other in a ring, one of them known by name, one
 * reference disguised and one weak; and one that a root holds. */
#define BLOCKS 4u
#define ROOT_AREA 0x7f1200000000u

struct ring {
	struct heap_builder hb;
	struct hs_heap *heap;
	uint64_t roots[512];
	size_t chunk[BLOCKS];
	hs_addr user[BLOCKS];
};

static void tell(void *arg, size_t chunk, hs_known_ref_fn fn, void *fn_arg)
{
	const struct ring *r = arg;
	for (size_t i = 0; i < 3; i++) {
		struct hs_known_ref next = { 0, r->user[(i + 1) % 3], true };
		struct hs_known_ref weak = { 8, r->user[3], false };
		if (r->chunk[i] == chunk && fn(fn_arg, &next))
			(void)fn(fn_arg, &weak);
	}
}

static const char *name(void *arg, size_t chunk)
{
	const struct ring *r = arg;
	return chunk == r->chunk[0] ? "Ring" : NULL;
}

static void make_ring(struct ring *r)
{
	*r = (struct ring){ .heap = NULL };
	size_t block[BLOCKS];
	hb_init(&r->hb, 36, HS_ARCH_X86_64);
	(void)hb_thread(&r->hb, HB_MAIN);
	for (size_t i = 0; i < BLOCKS; i++)
		block[i] = hb_alloc(&r->hb, HB_MAIN, 40 + 16 * i);
	fake_target_map(&r->hb.target, ROOT_AREA, r->roots, sizeof(r->roots),
			FAKE_RW);
	hb_finish(&r->hb);
	for (size_t i = 0; i < BLOCKS; i++)
		r->user[i] = hb_user(&r->hb, block[i]);
	for (size_t i = 0; i < BLOCKS; i++)
		for (unsigned k = 0; k < 40; k += 8)
			fake_target_put(&r->hb.target, r->user[i] + k, 0);
	fake_target_put(&r->hb.target, r->user[0], r->user[1]);
	fake_target_put(&r->hb.target, r->user[1], r->user[2]);
	fake_target_put(&r->hb.target, r->user[2], ~r->user[0]);
	r->roots[0] = r->user[3];
	assert_int_equal(
		hs_heap_scan(&r->hb.target.base, NULL, NULL, &r->heap, NULL),
		HS_OK);
	for (size_t i = 0; i < BLOCKS; i++)
		assert_true(hs_heap_find(r->heap, r->user[i], &r->chunk[i]));
}

/* Everything a graph can be asked, as long as there is memory. */
static enum hs_status ask(struct ring *r)
{
	struct hs_graph_knowledge knowledge = { r, tell, name, false };
	struct hs_graph_options how = { .struct_size = sizeof(how),
					.jobs = 1,
					.knowledge = &knowledge };
	struct hs_graph *graph = NULL;
	struct hs_leaks *leaks = NULL;
	struct hs_owners *owners = NULL;
	struct hs_cycle cycle = { NULL, 0 };
	struct hs_path_list paths = { NULL, 0, 0 };
	struct hs_holder_list in = { NULL, 0 }, out = { NULL, 0 };
	enum hs_status st = hs_graph_new(&r->hb.target.base, NULL, r->heap,
					 &how, &graph, NULL);
	if (!st)
		st = hs_leaks_find(graph, &leaks, NULL);
	if (!st)
		st = hs_leaks_cycle(leaks, 0, &cycle, NULL);
	if (!st)
		st = hs_owners_find(graph, &owners, NULL);
	if (!st)
		st = hs_graph_why(graph, r->chunk[3], 2, &paths, NULL);
	if (!st)
		st = hs_graph_referrers(graph, r->chunk[3], &in, NULL);
	if (!st)
		st = hs_graph_references(graph, r->chunk[1], &out, NULL);
	if (!st) {
		assert_int_equal(hs_leaks_count(leaks), 3);
		assert_int_equal(cycle.count, 3);
		assert_int_equal(paths.count, 1);
		assert_int_equal(in.count, 4);
		assert_int_equal(out.count, 2);
	}
	hs_holder_list_release(&out);
	hs_holder_list_release(&in);
	hs_path_list_release(&paths);
	hs_owners_free(owners);
	hs_cycle_release(&cycle);
	hs_leaks_free(leaks);
	hs_graph_free(graph);
	return st;
}

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
	(void)state;
	struct ring *r = malloc(sizeof(*r));
	assert_non_null(r);
	make_ring(r);
	unsigned long n = 0;
	for (;;) {
		nth_allocation_fails(++n);
		enum hs_status st = ask(r);
		if (!nth_allocation_reached()) {
			assert_int_equal(st, HS_OK);
			break;
		}
		assert_true(st == HS_OK || st == HS_ERR_NOMEM);
	}
	assert_true(n > 60);
	hs_heap_free(r->heap);
	hb_release(&r->hb);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_failing_allocation_is_reported_and_leaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
