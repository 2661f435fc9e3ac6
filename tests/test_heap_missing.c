/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include <heapscan/graph.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "support/heap_expect.h"
#include "support/heap_scenario.h"

/*
 * Parts of the memory were not captured. Whatever they held, it was not
 * zeroes: the report says what is missing, judges nothing by it, and never
 * calls it damage.
 */

#define PAGE 0x1000u
#define FULL 0x100000u /* the heap of a thread cannot grow further, i386 */

static const unsigned versions[] = { 17, 26, 31, 36, 42, 43, 44 };
#define VERSION_COUNT (sizeof(versions) / sizeof(versions[0]))

static struct hs_heap *scan(struct heap_builder *hb)
{
	struct hs_scan_options opt = { .struct_size = sizeof(opt) };
	struct hs_heap *heap = NULL;
	struct hs_error err = { .text = "" };
	enum hs_status st =
		hs_heap_scan(&hb->target.base, NULL, &opt, &heap, &err);
	if (st)
		print_error("glibc 2.%u: %s\n", hb->version, err.text);
	assert_int_equal(st, HS_OK);
	assert_int_equal(hb_promises_broken(heap), 0);
	return heap;
}

static bool is_complete(const struct hs_heap *heap)
{
	struct hs_heap_checks checks;
	hs_heap_checks(heap, &checks);
	return checks.complete;
}

struct hole {
	hs_addr start, end;
	unsigned headers; /* reported in there */
};

static bool count_headers(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct hole *h = arg;
	(void)i;
	h->headers += c->user - 1 >= h->start && c->user - 1 < h->end &&
		      c->state != HS_CHUNK_UNKNOWN;
	return true;
}

/* Chunks whose size word is in the hole cannot be told. */
static unsigned chunks_in(const struct heap_builder *hb, hs_addr start,
			  uint64_t len)
{
	unsigned n = 0;
	for (size_t i = 0; i < hb->chunk_count; i++) {
		hs_addr word = hb->chunk[i].addr + hb->word;
		n += word + hb->word > start && word < start + len;
	}
	return n;
}

static void expect_warning(const struct hs_heap *heap, const char *codes,
			   unsigned version)
{
	bool found = false;
	for (size_t i = 0; i < hs_heap_problem_count(heap); i++) {
		struct hs_problem_info p;
		hs_heap_problem(heap, i, &p);
		found |= strstr(codes, p.code) != NULL;
		if (p.severity == HS_DAMAGE)
			fail_msg("glibc 2.%u: %s at 0x%" PRIx64 ": %s", version,
				 p.code, p.addr, p.message);
	}
	if (!found)
		fail_msg("glibc 2.%u: none of \"%s\" is reported", version,
			 codes);
}

static void a_page_missing_amid_the_heap_costs_only_its_chunks(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++)
		for (unsigned arch = 0; arch < 2; arch++) {
			struct heap_builder hb;
			struct hb_scene s;
			hb_init(&hb, versions[v], (enum hs_arch)arch);
			hb_everything(&hb, 0, &s);
			struct hole hole = {
				.start = (hb_addr(&hb, s.used + 200) + PAGE) &
					 ~(hs_addr)(PAGE - 1),
			};
			hole.end = hole.start + PAGE;
			hb_hole(&hb, hole.start, PAGE);
			hb_finish(&hb);
			struct hs_heap *heap = scan(&hb);
			expect_warning(heap, "heap-not-captured", versions[v]);
			assert_false(is_complete(heap));
			hs_heap_each(heap, count_headers, &hole);
			assert_int_equal(hole.headers, 0);
			/* The one before the hole may not be provable, nor
			 * where the next one begins. */
			assert_in_range(hb_chunks_wrong(&hb, heap, true), 1,
					chunks_in(&hb, hole.start, PAGE) + 4);
			hs_heap_free(heap);
			hb_release(&hb);
		}
}

/* Chunks in the main arena's fastbins: nothing but the arena leads to them. */
static unsigned main_fast(const struct heap_builder *hb)
{
	unsigned n = 0;
	for (size_t i = 0; i < hb->chunk_count; i++)
		n += hb->chunk[i].state == HS_CHUNK_FASTBIN &&
		     hb->chunk[i].arena == HB_MAIN;
	return n;
}

static void without_libcs_data_the_chunks_tell_the_heap(void **state)
{
	(void)state;
	static const unsigned shapes[] = { 0, HB_WITH_FOREIGN_SBRK,
					   HB_WITH_BRK_BLOCKED,
					   HB_WITH_STATIC_START,
					   HB_WITHOUT_VERSION };
	for (size_t v = 0; v < VERSION_COUNT; v++)
		for (unsigned n = 0; n < 15; n++) {
			struct heap_builder hb;
			struct hb_scene s;
			hb_init(&hb, versions[v], (enum hs_arch)(n % 3));
			hb_everything(&hb, shapes[n / 3], &s);
			hb_hole(&hb, hb.data, hb.data_end - hb.data);
			hb_finish(&hb);
			struct hs_heap *heap = scan(&hb);
			expect_warning(heap, "main-arena-not-captured",
				       versions[v]);
			assert_false(is_complete(heap));
			struct hs_allocator_info a;
			hs_heap_allocator(heap, &a);
			assert_true(a.main_arena_missing);
			assert_int_equal(a.confidence, HS_CONFIDENCE_MEDIUM);
			assert_int_equal(a.main_arena, hb.arena[0].addr);
			if (hb_chunks_wrong(&hb, heap, false) != main_fast(&hb))
				fail_msg("glibc 2.%u, shape %#x, machine %u",
					 versions[v], shapes[n / 3], n % 3);
			struct hs_mallinfo m;
			hs_heap_mallinfo(heap, &m);
			assert_int_equal(m.arena, HS_UNKNOWN);
			assert_int_equal(m.fordblks, HS_UNKNOWN);
			hs_heap_free(heap);
			hb_release(&hb);
		}
}

/* As the kernel does: mappings that touch and are alike are one. */
static void join_maps(struct heap_builder *hb)
{
	struct hs_map_list *maps = &hb->target.base.maps;
	size_t kept = 0;
	for (size_t i = 1; i < maps->count; i++) {
		struct hs_map *m = &maps->map[kept], *next = &maps->map[i];
		if (m->end != next->start || m->kind != HS_MAP_ANON ||
		    next->kind != HS_MAP_ANON || m->prot != next->prot) {
			maps->map[++kept] = *next;
			continue;
		}
		m->end = next->end;
		m->captured += next->captured;
	}
	maps->count = kept + 1;
}

static void a_threads_heap_is_not_the_lost_main_arenas(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_X86_64);
		hb_everything(&hb, 0, &s);
		/* A piece with fenceposts ends where the thread's heap begins,
		 * and a newer one is elsewhere. */
		hs_addr info = hb_heap_info(&hb, s.arena, 0);
		(void)hb_brk_blocked_at(&hb, info - 3 * PAGE);
		(void)hb_alloc_many(&hb, HB_MAIN, 100, 60);
		(void)hb_brk_blocked(&hb);
		(void)hb_alloc_many(&hb, HB_MAIN, 100, 60);
		hb_hole(&hb, hb.data, hb.data_end - hb.data);
		hb_finish(&hb);
		size_t maps = hb.target.base.maps.count;
		join_maps(&hb);
		assert_true(hb.target.base.maps.count < maps);
		struct hs_heap *heap = scan(&hb);
		if (hb_chunks_wrong(&hb, heap, false) != main_fast(&hb))
			fail_msg("glibc 2.%u", versions[v]);
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

/* A heap that is full leaves no gap before what was mapped above it. */
static void a_piece_behind_a_full_heap_of_a_thread_is_found(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_I386);
		size_t arena = hb_arena(&hb); /* nothing is above the first */
		hb_everything(&hb, 0, &s);
		(void)hb_thread(&hb, arena);
		hs_addr info = hb_heap_info(&hb, arena, 0);
		const struct hb_region *r = &hb.region[hb.arena[arena].region];
		(void)hb_alloc(&hb, arena,
			       info + FULL - PAGE - r->next + 0x100);
		(void)hb_new_heap(&hb, arena);
		(void)hb_brk_blocked_at(&hb, info + FULL);
		(void)hb_alloc_many(&hb, HB_MAIN, 100, 60);
		(void)hb_brk_blocked(&hb);
		(void)hb_alloc_many(&hb, HB_MAIN, 100, 60);
		hb_hole(&hb, hb.data, hb.data_end - hb.data);
		hb_finish(&hb);
		size_t maps = hb.target.base.maps.count;
		join_maps(&hb);
		assert_true(hb.target.base.maps.count < maps);
		struct hs_heap *heap = scan(&hb);
		if (hb_chunks_wrong(&hb, heap, false) != main_fast(&hb))
			fail_msg("glibc 2.%u: %u of %u", versions[v],
				 hb_chunks_wrong(&hb, heap, false),
				 main_fast(&hb));
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

/* The last mapping claims to reach the end of the address space. */
static void make_endless(struct heap_builder *hb)
{
	struct hs_target *t = &hb->target.base;
	struct hs_map *last = &t->maps.map[t->maps.count - 1];
	const struct hs_span rest = {
		.start = last->end,
		.len = UINT64_MAX - last->end,
		.state = HS_SPAN_NOT_CAPTURED,
	};
	last->end += rest.len;
	t->signal = SIGABRT;
	assert_int_equal(hs_span_list_add(&t->spans, rest, NULL), HS_OK);
	assert_int_equal(hs_span_list_sort(&t->spans, NULL, NULL), HS_OK);
}

/* A walk over what it claims, page by page, would not end. */
static void a_mapping_may_claim_any_length(void **state)
{
	(void)state;
	static uint8_t page[PAGE] = { 1 };
	for (unsigned lost = 0; lost < 2; lost++) {
		struct heap_builder hb;
		struct hb_scene s;
		struct hs_graph *graph = NULL;
		hb_init(&hb, 36, HS_ARCH_X86_64);
		hb_everything(&hb, 0, &s);
		if (lost)
			hb_hole(&hb, hb.data, hb.data_end - hb.data);
		fake_target_map(&hb.target, UINT64_C(1) << 48, page,
				sizeof(page), FAKE_RW);
		hb_finish(&hb);
		make_endless(&hb);
		struct hs_heap *heap = scan(&hb);
		assert_int_equal(hs_graph_new(&hb.target.base, NULL, heap, NULL,
					      &graph, NULL),
				 HS_OK);
		hs_graph_free(graph);
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

/* No thread arena shows how they look, no version, no name of the memory. */
static void a_lost_arena_without_any_hint_is_told_by_its_chunks(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++)
		for (unsigned arch = 0; arch < 3; arch++) {
			struct heap_builder hb;
			hb_init(&hb, versions[v], (enum hs_arch)arch);
			hb.no_version_text = true;
			size_t t = hb_thread(&hb, HB_MAIN);
			hb_tcache(&hb, t);
			(void)hb_alloc_many(&hb, HB_MAIN, 100, 30);
			for (unsigned i = 0; i < 6; i++) {
				size_t c =
					hb_alloc(&hb, HB_MAIN, 150 + 400 * i);
				(void)hb_alloc(&hb, HB_MAIN, 24);
				hb_to_bin(&hb, c);
			}
			if (hb_has_tcache(&hb))
				hb_to_tcache(&hb, hb_alloc(&hb, HB_MAIN, 60),
					     t);
			(void)hb_alloc(&hb, HB_MAIN, 24);
			(void)hb_mmapped(&hb, 0x30000);
			hb_hole(&hb, hb.data, hb.data_end - hb.data);
			hb_finish(&hb);
			struct hs_map_list *maps = &hb.target.base.maps;
			for (size_t i = 0; i < maps->count; i++)
				if (maps->map[i].kind == HS_MAP_HEAP)
					maps->map[i].kind = HS_MAP_ANON;
			struct hs_heap *heap = scan(&hb);
			expect_warning(heap, "main-arena-not-captured",
				       versions[v]);
			struct hs_allocator_info a;
			hs_heap_allocator(heap, &a);
			assert_int_equal(a.confidence, HS_CONFIDENCE_LOW);
			if (hb_chunks_wrong(&hb, heap, false) != 0)
				fail_msg("glibc 2.%u, machine %u", versions[v],
					 arch);
			hs_heap_free(heap);
			hb_release(&hb);
		}
}

/* A core that ends amid the main heap has neither libc nor stacks. */
static void
a_heap_that_is_cut_before_libc_is_told_as_far_as_it_goes(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_X86_64);
		hb_everything(&hb, 0, &s);
		hs_addr cut = (hb_addr(&hb, s.used + 200) + PAGE) &
			      ~(hs_addr)(PAGE - 1);
		hb_hole(&hb, cut, 0x100000);
		hb_hole(&hb, hb.data, hb.data_end - hb.data);
		hb_finish(&hb);
		struct hs_heap *heap = scan(&hb);
		expect_warning(heap, "main-arena-not-captured", versions[v]);
		for (size_t i = 0; i < 200; i++) {
			struct hs_chunk_info c;
			size_t found;
			assert_true(hs_heap_find(heap, hb_user(&hb, s.used + i),
						 &found));
			hs_heap_chunk(heap, found, &c);
			assert_int_equal(c.user, hb_user(&hb, s.used + i));
			assert_int_equal(c.size, hb.chunk[s.used + i].size);
			assert_int_equal(c.state, HS_CHUNK_USED);
		}
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

static void without_libc_and_heap_there_is_nothing_to_describe(void **state)
{
	(void)state;
	struct heap_builder hb;
	hb_init(&hb, 36, HS_ARCH_X86_64);
	size_t t = hb_thread(&hb, HB_MAIN);
	hb_tcache(&hb, t);
	(void)hb_alloc(&hb, HB_MAIN, 100);
	hb_hole(&hb, hb.data, hb.data_end - hb.data);
	hb_hole(&hb, hb.region[0].map_start, 0x100000);
	hb_finish(&hb);
	struct hs_heap *heap = NULL;
	struct hs_error err = { .text = "" };
	assert_int_equal(hs_heap_scan(&hb.target.base, NULL, NULL, &heap, &err),
			 HS_ERR_NO_HEAP);
	assert_null(heap);
	/* It says that something is missing, not that there is nothing. */
	assert_non_null(strstr(err.text, "missing"));
	hb_release(&hb);
}

static void an_empty_process_has_no_heap(void **state)
{
	(void)state;
	uint8_t bytes[0x4000] = { 0 };
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, 0x7ffff7c00000, bytes, sizeof(bytes), FAKE_RW);
	fake_target_finish(&t);
	struct hs_heap *heap = NULL;
	struct hs_error err = { .text = "" };
	assert_int_equal(hs_heap_scan(&t.base, NULL, NULL, &heap, &err),
			 HS_ERR_NO_HEAP);
	assert_null(heap);
	assert_true(err.text[0] != '\0');
	fake_target_release(&t);

	fake_target_init(&t, HS_ARCH_I386); /* not even memory */
	fake_target_finish(&t);
	assert_int_equal(hs_heap_scan(&t.base, NULL, NULL, &heap, NULL),
			 HS_ERR_NO_HEAP);
	fake_target_release(&t);
}

/* Cached chunks look as if in use: without the cache nobody knows. */
static void a_missing_tcache_makes_the_answer_incomplete(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		if (versions[v] < 26)
			continue;
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_X86_64);
		hb_everything(&hb, 0, &s);
		hs_addr tcache = hb_user(&hb, hb.thread[s.main_thread].tcache);
		hb_hole(&hb, tcache & ~(hs_addr)(PAGE - 1), PAGE);
		hb_finish(&hb);
		struct hs_heap *heap = scan(&hb);
		expect_warning(heap, "tcache-not-captured|list-not-captured",
			       versions[v]);
		assert_false(is_complete(heap));
		struct hs_heap_thread_info info;
		hs_heap_thread(heap, s.main_thread, &info);
		assert_int_equal(info.tcache_count, 0);
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

static void a_thread_whose_variables_are_missing_is_said_so(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		if (versions[v] < 26)
			continue;
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_X86_64);
		hb_everything(&hb, 0, &s);
		hb_hole(&hb, hb.thread[s.other_thread].area, 2 * PAGE);
		hb_finish(&hb);
		struct hs_heap *heap = scan(&hb);
		struct hs_heap_thread_info info;
		hs_heap_thread(heap, s.other_thread, &info);
		/* Its tcache may be recognised by its shape, but whose it is
		 * nobody can say for sure; the others are known. */
		assert_false(info.arena_known);
		expect_warning(heap,
			       "tcache-not-captured|tcache-not-found|"
			       "tcache-found-by-shape",
			       versions[v]);
		hs_heap_thread(heap, s.main_thread, &info);
		assert_true(info.tcache_known);
		assert_int_equal(info.tcache,
				 hb_user(&hb, hb.thread[0].tcache));
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

/* As in cores of qemu's user mode. */
static void without_thread_pointers_caches_find_their_threads(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		if (versions[v] < 26)
			continue;
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_AARCH64);
		hb_everything(&hb, 0, &s);
		hb_finish(&hb);
		struct hs_thread_list *threads = &hb.target.base.threads;
		for (size_t t = 0; t < threads->count; t++)
			threads->thread[t].tls_base = HS_NO_ADDR;
		struct hs_heap *heap = scan(&hb);
		const size_t with_chunks[] = { s.main_thread, s.other_thread };
		for (size_t i = 0; i < 2; i++) {
			struct hs_heap_thread_info info;
			hs_heap_thread(heap, with_chunks[i], &info);
			assert_true(info.tcache_known);
			assert_int_equal(
				info.tcache,
				hb_user(&hb, hb.thread[with_chunks[i]].tcache));
			assert_true(info.arena_known);
			struct hs_arena_info arena;
			hs_heap_arena(heap, info.arena, &arena);
			assert_int_equal(
				arena.addr,
				hb.arena[hb.thread[with_chunks[i]].arena].addr);
			assert_true(info.tcache_count > 0);
		}
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

/* As gdb's gcore leaves a stack of which a page could not be read. */
static void a_stack_of_zeroes_is_said_and_its_cache_is_found(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_X86_64);
		hb_everything(&hb, 0, &s);
		hb_finish(&hb);
		hs_addr area = hb.thread[s.other_thread].area;
		for (hs_addr at = area; at < area + 2 * PAGE; at += 8)
			fake_target_put(&hb.target, at, 0);
		struct hs_heap *heap = scan(&hb);
		expect_warning(heap, "stack-zeroed", versions[v]);
		assert_false(is_complete(heap));
		/* Free blocks in its cache are free all the same. */
		for (size_t i = 0; hb_has_tcache(&hb) && i < 2; i++) {
			size_t at;
			struct hs_chunk_info chunk;
			assert_true(hs_heap_find(
				heap, hb_user(&hb, s.other_tcached[i]), &at));
			hs_heap_chunk(heap, at, &chunk);
			assert_int_equal(chunk.state, HS_CHUNK_TCACHE);
		}
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

static void coverage_counts_what_is_there(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene s;
	hb_init(&hb, 36, HS_ARCH_X86_64);
	hb_everything(&hb, 0, &s);
	hb_finish(&hb);
	struct hs_heap *heap = scan(&hb);
	struct hs_heap_coverage whole, c;
	hs_heap_coverage(heap, &whole);
	assert_true(whole.heaps.bytes > 0 && whole.stacks.bytes > 0 &&
		    whole.libc_data.bytes > 0);
	assert_int_equal(whole.heaps.captured, whole.heaps.bytes);
	assert_int_equal(whole.stacks.captured, whole.stacks.bytes);
	assert_int_equal(whole.libc_data.captured, whole.libc_data.bytes);
	hs_heap_free(heap);
	hb_release(&hb);

	hb_init(&hb, 36, HS_ARCH_X86_64);
	hb_everything(&hb, 0, &s);
	hs_addr in_use = hb_addr(&hb, s.used + 200) & ~(hs_addr)(PAGE - 1);
	hb_hole(&hb, in_use, PAGE);
	hb_finish(&hb);
	heap = scan(&hb);
	hs_heap_coverage(heap, &c);
	assert_int_equal(c.heaps.bytes, whole.heaps.bytes);
	assert_int_equal(c.heaps.captured, whole.heaps.bytes - PAGE);
	assert_int_equal(c.stacks.captured, c.stacks.bytes);
	hs_heap_free(heap);
	hb_release(&hb);
}

static void a_cache_switched_off_is_not_missed(void **state)
{
	(void)state;
	struct heap_builder hb;
	hb_init(&hb, 43, HS_ARCH_X86_64);
	(void)hb_thread(&hb, HB_MAIN);
	(void)hb_alloc_many(&hb, HB_MAIN, 100, 10);
	hb_finish(&hb);
	fake_target_put(&hb.target,
			hb_par_field(&hb, HS_FIELD_PAR_TCACHE_COUNT), 0);
	hb.target.base.threads.thread[0].tls_base = HS_NO_ADDR;
	struct hs_heap *heap = scan(&hb);
	assert_true(is_complete(heap));
	hs_heap_free(heap);
	hb_release(&hb);
}

static void a_thread_arena_without_its_first_page_is_said_so(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_X86_64);
		hb_everything(&hb, 0, &s);
		hs_addr start = hb_heap_info(&hb, s.arena, 0);
		hb_hole(&hb, start, PAGE);
		hb_finish(&hb);
		struct hs_heap *heap = scan(&hb);
		expect_warning(heap, "arena-not-captured|heap-not-captured",
			       versions[v]);
		assert_false(is_complete(heap));
		/* The main arena is not concerned. */
		struct hs_chunk_info c;
		size_t i;
		assert_true(hs_heap_find(heap, hb_user(&hb, s.used + 7), &i));
		hs_heap_chunk(heap, i, &c);
		assert_int_equal(c.state, HS_CHUNK_USED);
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

/* A bin whose ends are missing: what lies between is free, on whatever list. */
static void free_chunks_of_a_missing_list_are_no_damage(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_X86_64);
		hb_everything(&hb, 0, &s);
		/* Its links only; the size stays. */
		hb_hole(&hb, hb_user(&hb, s.large[0]), 64);
		hb_hole(&hb, hb_user(&hb, s.large[3]), 64);
		hb_finish(&hb);
		struct hs_heap *heap = scan(&hb);
		expect_warning(heap, "list-not-captured", versions[v]);
		assert_false(is_complete(heap));
		assert_int_equal(hb_chunks_wrong(&hb, heap, true), 0);
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

static void a_mmapped_chunk_without_its_header_is_missed(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_X86_64);
		hb_everything(&hb, 0, &s);
		hb_hole(&hb, hb_addr(&hb, s.mmapped[1]), PAGE);
		hb_finish(&hb);
		struct hs_heap *heap = scan(&hb);
		expect_warning(heap, "mmapped-mismatch", versions[v]);
		assert_false(is_complete(heap));
		struct hs_heap_checks checks;
		hs_heap_checks(heap, &checks);
		assert_int_equal(checks.mmapped_expected, hb.mmapped_count);
		assert_int_equal(checks.mmapped_found, hb.mmapped_count - 1);
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

/* What a block holds is not needed to know that it is one. */
static void pages_inside_a_block_are_not_missed(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++)
		for (unsigned arch = 0; arch < 3; arch++) {
			struct heap_builder hb;
			struct hb_scene s;
			hb_init(&hb, versions[v], (enum hs_arch)arch);
			hb_everything(&hb, 0, &s);
			hs_addr page = hb_addr(&hb, s.mmapped[3]) &
				       ~(hs_addr)(PAGE - 1);
			hb_hole(&hb, page + 2 * PAGE, 5 * PAGE);
			page = (hb_addr(&hb, s.large[1]) + 2 * PAGE) &
			       ~(hs_addr)(PAGE - 1);
			hb_hole(&hb, page, PAGE);
			hb_finish(&hb);
			struct hs_heap *heap = scan(&hb);
			assert_int_equal(hb_differences(&hb, heap), 0);
			hs_heap_free(heap);
			hb_release(&hb);
		}
}

static void a_missing_malloc_par_is_a_warning(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene s;
	hb_init(&hb, 36, HS_ARCH_X86_64);
	hb_everything(&hb, 0, &s);
	hb_hole(&hb, hb.malloc_par, 0x100);
	hb_finish(&hb);
	struct hs_heap *heap = scan(&hb);
	expect_warning(heap, "malloc-par-not-found", 36);
	struct hs_heap_checks checks;
	hs_heap_checks(heap, &checks);
	assert_int_equal(checks.mmapped_expected, HS_UNKNOWN);
	assert_int_equal(checks.mmapped_bytes_expected, HS_UNKNOWN);
	struct hs_mallinfo m;
	hs_heap_mallinfo(heap, &m);
	assert_int_equal(m.arena, hb.arena[0].system_mem +
					  hb.arena[1].system_mem +
					  hb.arena[2].system_mem);
	hs_heap_free(heap);
	hb_release(&hb);
}

/* The picture of a heap whose last pages are cut off: a truncated core. */
static void a_heap_cut_off_in_the_middle_is_read_as_far_as_it_goes(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERSION_COUNT; v++) {
		struct heap_builder hb;
		struct hb_scene s;
		hb_init(&hb, versions[v], HS_ARCH_X86_64);
		hb_everything(&hb, 0, &s);
		hs_addr cut = (hb_addr(&hb, s.used + 200) + PAGE) &
			      ~(hs_addr)(PAGE - 1);
		hb_hole(&hb, cut, 0x100000);
		hb_finish(&hb);
		struct hs_heap *heap = scan(&hb);
		expect_warning(heap, "heap-not-captured", versions[v]);
		assert_false(is_complete(heap));
		for (size_t i = 0; i < 200; i++) {
			struct hs_chunk_info c;
			size_t found;
			assert_true(hs_heap_find(heap, hb_user(&hb, s.used + i),
						 &found));
			hs_heap_chunk(heap, found, &c);
			assert_int_equal(c.user, hb_user(&hb, s.used + i));
			assert_int_equal(c.size, hb.chunk[s.used + i].size);
		}
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

/* A disk that fails is our caller's problem and never taken for a hole. */
static void a_read_that_fails_is_not_taken_for_an_answer(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene s;
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &s);
	fake_target_fail_nth_read(&hb.target, 0);
	struct hs_heap *heap = scan(&hb);
	unsigned long reads = hb.target.reads;
	assert_int_equal(hb_differences(&hb, heap), 0);
	hs_heap_free(heap);
	assert_true(reads > 10);

	unsigned long step = reads / 200 + 1, failed = 0;
	for (unsigned long n = 1; n <= reads; n += n < 50 ? 1 : step) {
		fake_target_fail_nth_read(&hb.target, n);
		heap = NULL;
		struct hs_error err = { .text = "" };
		enum hs_status st =
			hs_heap_scan(&hb.target.base, NULL, NULL, &heap, &err);
		if (st) {
			assert_int_equal(st, HS_ERR_IO);
			assert_null(heap);
			failed++;
			continue;
		}
		/* It may know better than to need it, or say what it lacks. */
		if (is_complete(heap) && hb_differences(&hb, heap) != 0)
			fail_msg("read %lu of %lu failed and changed a report "
				 "that calls itself complete",
				 n, reads);
		hs_heap_free(heap);
	}
	assert_true(failed > 0);
	hb_release(&hb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_page_missing_amid_the_heap_costs_only_its_chunks),
		cmocka_unit_test(without_libcs_data_the_chunks_tell_the_heap),
		cmocka_unit_test(a_threads_heap_is_not_the_lost_main_arenas),
		cmocka_unit_test(a_mapping_may_claim_any_length),
		cmocka_unit_test(
			a_piece_behind_a_full_heap_of_a_thread_is_found),
		cmocka_unit_test(
			a_lost_arena_without_any_hint_is_told_by_its_chunks),
		cmocka_unit_test(
			a_heap_that_is_cut_before_libc_is_told_as_far_as_it_goes),
		cmocka_unit_test(
			without_libc_and_heap_there_is_nothing_to_describe),
		cmocka_unit_test(an_empty_process_has_no_heap),
		cmocka_unit_test(a_missing_tcache_makes_the_answer_incomplete),
		cmocka_unit_test(
			a_thread_whose_variables_are_missing_is_said_so),
		cmocka_unit_test(
			without_thread_pointers_caches_find_their_threads),
		cmocka_unit_test(
			a_stack_of_zeroes_is_said_and_its_cache_is_found),
		cmocka_unit_test(coverage_counts_what_is_there),
		cmocka_unit_test(a_cache_switched_off_is_not_missed),
		cmocka_unit_test(
			a_thread_arena_without_its_first_page_is_said_so),
		cmocka_unit_test(free_chunks_of_a_missing_list_are_no_damage),
		cmocka_unit_test(a_mmapped_chunk_without_its_header_is_missed),
		cmocka_unit_test(pages_inside_a_block_are_not_missed),
		cmocka_unit_test(a_missing_malloc_par_is_a_warning),
		cmocka_unit_test(
			a_heap_cut_off_in_the_middle_is_read_as_far_as_it_goes),
		cmocka_unit_test(a_read_that_fails_is_not_taken_for_an_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
