/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include <stdio.h>
#include <string.h>

#include "support/heap_expect.h"
#include "support/heap_scenario.h"

/* At least one on each side of every change that matters to a reader. */
static const unsigned versions[] = { 17, 22, 23, 24, 25, 26, 27, 28, 29, 30,
				     31, 32, 34, 35, 36, 41, 42, 43, 44 };
#define VERSION_COUNT (sizeof(versions) / sizeof(versions[0]))

static struct hs_heap *scan(const struct heap_builder *hb)
{
	struct hs_target *target = (struct hs_target *)&hb->target.base;
	struct hs_scan_options opt = { .struct_size = sizeof(opt) };
	struct hs_heap *heap = NULL;
	struct hs_error err = { .text = "" };
	enum hs_status st = hs_heap_scan(target, NULL, &opt, &heap, &err);
	if (st)
		print_error("glibc 2.%u on %s: %s\n", hb->version,
			    hs_arch_name(hb->target.base.arch), err.text);
	assert_int_equal(st, HS_OK);
	assert_non_null(heap);
	return heap;
}

static void scan_finds_what_was_built(enum hs_arch arch, unsigned with)
{
	unsigned wrong = 0;
	for (size_t i = 0; i < VERSION_COUNT; i++) {
		if ((with & HB_WITH_BIG_TCACHE) && versions[i] < 42)
			continue;
		struct heap_builder hb;
		struct hb_scene scene;
		hb_build(&hb, versions[i], arch, with, &scene);
		struct hs_heap *heap = scan(&hb);
		wrong += hb_differences(&hb, heap);
		hs_heap_free(heap);
		hb_release(&hb);
	}
	assert_int_equal(wrong, 0);
}

static void every_chunk_of_every_release_on_x86_64(void **state)
{
	(void)state;
	scan_finds_what_was_built(HS_ARCH_X86_64, 0);
}

static void every_chunk_of_every_release_on_i386(void **state)
{
	(void)state;
	scan_finds_what_was_built(HS_ARCH_I386, 0);
}

static void every_chunk_of_every_release_on_aarch64(void **state)
{
	(void)state;
	scan_finds_what_was_built(HS_ARCH_AARCH64, 0);
}

static void a_libc_that_does_not_say_its_version_is_no_obstacle(void **state)
{
	(void)state;
	scan_finds_what_was_built(HS_ARCH_X86_64, HB_WITHOUT_VERSION);
	scan_finds_what_was_built(HS_ARCH_I386, HB_WITHOUT_VERSION);
}

static void foreign_memory_in_the_main_heap_is_stepped_over(void **state)
{
	(void)state;
	scan_finds_what_was_built(HS_ARCH_X86_64, HB_WITH_FOREIGN_SBRK);
	scan_finds_what_was_built(HS_ARCH_I386, HB_WITH_FOREIGN_SBRK);
}

static void mmapped_pieces_of_the_main_arena_are_found(void **state)
{
	(void)state;
	scan_finds_what_was_built(HS_ARCH_X86_64, HB_WITH_BRK_BLOCKED);
	scan_finds_what_was_built(HS_ARCH_I386, HB_WITH_BRK_BLOCKED);
}

static void a_heap_may_begin_inside_a_page(void **state)
{
	(void)state;
	scan_finds_what_was_built(HS_ARCH_X86_64, HB_WITH_STATIC_START);
	scan_finds_what_was_built(HS_ARCH_I386, HB_WITH_STATIC_START);
}

static void a_raised_tcache_limit_caches_large_and_mmapped_chunks(void **state)
{
	(void)state;
	scan_finds_what_was_built(HS_ARCH_X86_64, HB_WITH_BIG_TCACHE);
	scan_finds_what_was_built(HS_ARCH_I386, HB_WITH_BIG_TCACHE);
}

static void everything_at_once(void **state)
{
	(void)state;
	unsigned all = HB_WITH_FOREIGN_SBRK | HB_WITH_BRK_BLOCKED |
		       HB_WITH_STATIC_START | HB_WITHOUT_VERSION;
	scan_finds_what_was_built(HS_ARCH_X86_64, all);
	scan_finds_what_was_built(HS_ARCH_I386, all);
	scan_finds_what_was_built(HS_ARCH_AARCH64, all);
}

static void one_thread_and_one_chunk_are_a_heap(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERSION_COUNT; i++)
		for (unsigned arch = 0; arch < 3; arch++) {
			struct heap_builder hb;
			hb_init(&hb, versions[i], (enum hs_arch)arch);
			size_t t = hb_thread(&hb, HB_MAIN);
			hb_tcache(&hb, t);
			(void)hb_alloc(&hb, HB_MAIN, 100);
			hb_finish(&hb);
			struct hs_heap *heap = scan(&hb);
			assert_int_equal(hb_differences(&hb, heap), 0);
			hs_heap_free(heap);
			hb_release(&hb);
		}
}

/* A bin takes what it is for: sizes on both sides of every kind of border. */
static void chunks_of_all_sizes_are_in_their_bins(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERSION_COUNT; i++)
		for (unsigned arch = 0; arch < 2; arch++) {
			struct heap_builder hb;
			hb_init(&hb, versions[i], (enum hs_arch)arch);
			size_t t = hb_thread(&hb, HB_MAIN);
			hb_tcache(&hb, t);
			for (uint64_t size = 8; size < 0x60000;
			     size += size < 0x800 ? 8 : size / 7) {
				hb_to_bin(&hb, hb_alloc(&hb, HB_MAIN, size));
				(void)hb_alloc(&hb, HB_MAIN, 8);
			}
			hb_finish(&hb);
			struct hs_heap *heap = scan(&hb);
			assert_int_equal(hb_differences(&hb, heap), 0);
			hs_heap_free(heap);
			hb_release(&hb);
		}
}

/* The report says where its picture comes from. */
static void without_symbols_the_layout_is_told_by_evidence(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERSION_COUNT; i++) {
		struct heap_builder hb;
		struct hb_scene scene;
		hb_build(&hb, versions[i], HS_ARCH_X86_64, 0, &scene);
		struct hs_heap *heap = scan(&hb);
		struct hs_allocator_info info;
		hs_heap_allocator(heap, &info);
		assert_int_equal(info.main_arena, hb.arena[HB_MAIN].addr);
		assert_int_equal(info.main_arena_source, HS_PLACE_EVIDENCE);
		assert_int_equal(info.malloc_par, hb.malloc_par);
		assert_int_equal(info.malloc_par_source, HS_PLACE_EVIDENCE);
		assert_int_equal(info.layout_source, HS_ORIGIN_BUILTIN);
		assert_int_equal(info.has_tcache, hb_has_tcache(&hb));
		assert_int_equal(info.has_fastbins, hb_has_fastbins(&hb));
		assert_int_equal(info.safe_linking, hb_safe_linking(&hb));
		assert_false(info.is_static);
		assert_int_equal(info.module, 0);
		char version[8];
		(void)snprintf(version, sizeof(version), "2.%u", versions[i]);
		assert_non_null(info.version);
		assert_string_equal(info.version, version);
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

static void what_is_unusual_but_sound_is_a_note(void **state)
{
	(void)state;
	static const struct {
		unsigned with;
		const char *code;
	} notes[] = {
		{ HB_WITH_FOREIGN_SBRK, "foreign-sbrk" },
		{ HB_WITH_BRK_BLOCKED, "main-arena-not-contiguous" },
	};
	for (size_t i = 0; i < 2; i++) {
		struct heap_builder hb;
		struct hb_scene scene;
		hb_build(&hb, 36, HS_ARCH_X86_64, notes[i].with, &scene);
		struct hs_heap *heap = scan(&hb);
		assert_int_equal(hb_problems(heap, notes[i].code, HS_NOTE), 1);
		assert_int_equal(hb_problems(heap, NULL, HS_NOTE), 1);
		hs_heap_free(heap);
		hb_release(&hb);
	}
}

static void another_allocator_is_named(void **state)
{
	(void)state;
	char path[] = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
	struct hs_module other = {
		.base = 0x7ffff6000000,
		.end = 0x7ffff6010000,
		.path = path,
		.file_state = HS_MODULE_FILE_MISSING,
	};
	struct heap_builder hb;
	struct hb_scene scene;
	hb_init(&hb, 36, HS_ARCH_X86_64);
	hb_everything(&hb, 0, &scene);
	assert_int_equal(
		hs_module_list_add(&hb.target.base.modules, &other, NULL),
		HS_OK);
	hb_finish(&hb);
	struct hs_heap *heap = scan(&hb);
	struct hs_allocator_info info;
	hs_heap_allocator(heap, &info);
	assert_non_null(info.other_allocator);
	assert_non_null(strstr(info.other_allocator, "jemalloc"));
	assert_int_equal(hb_problems(heap, "other-allocator", HS_NOTE), 1);
	assert_int_equal(hb_differences(&hb, heap), 0);
	hs_heap_free(heap);
	hb_release(&hb);
}

/* Untouched pages are in one kind of dump and not in the other. */
static void what_another_allocator_holds_is_no_untouched_page(void **state)
{
	(void)state;
	static uint8_t bytes[4 * 4096];
	char path[] = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
	struct hs_module other = {
		.base = 0x7ffff6000000,
		.end = 0x7ffff6010000,
		.path = path,
		.file_state = HS_MODULE_FILE_MISSING,
	};
	struct heap_builder hb;
	struct hb_scene scene;
	bytes[4096] = bytes[4 * 4096 - 1] = 1;
	hb_init(&hb, 36, HS_ARCH_X86_64);
	hb_everything(&hb, 0, &scene);
	assert_int_equal(
		hs_module_list_add(&hb.target.base.modules, &other, NULL),
		HS_OK);
	fake_target_map(&hb.target, 0x7ffff6800000, bytes, sizeof(bytes),
			FAKE_RW);
	hb_finish(&hb);
	struct hs_heap *heap = scan(&hb);
	for (size_t i = 0; i < hs_heap_problem_count(heap); i++) {
		struct hs_problem_info p;
		hs_heap_problem(heap, i, &p);
		if (strcmp(p.code, "other-allocator") == 0)
			assert_non_null(strstr(p.message, " 8192 bytes"));
	}
	hs_heap_free(heap);
	hb_release(&hb);
}

/* The address of every byte of a chunk leads to that chunk. */
static void any_address_in_a_chunk_finds_it(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene scene;
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &scene);
	struct hs_heap *heap = scan(&hb);
	const size_t chunks[] = { scene.used + 3, scene.mmapped[0],
				  scene.mmapped[2], scene.large[0],
				  scene.other_used };
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		hs_addr user = hb_user(&hb, chunks[i]);
		hs_addr last = user + hb_usable(&hb, chunks[i]) - 1;
		const hs_addr inside[] = { user - 1, user, user + 1 };
		struct hs_chunk_info c;
		size_t found;
		for (size_t a = 0; a < 3; a++) {
			assert_true(hs_heap_find(heap, inside[a], &found));
			hs_heap_chunk(heap, found, &c);
			assert_int_equal(c.user, user);
		}
		/* A free chunk gives its last word to its neighbour's header.
		 */
		if (c.state == HS_CHUNK_LARGEBIN)
			last -= hb.word;
		assert_true(hs_heap_find(heap, last, &found));
		hs_heap_chunk(heap, found, &c);
		assert_int_equal(c.user, user);
	}
	size_t found;
	assert_false(hs_heap_find(heap, hb.libc, &found));
	assert_false(hs_heap_find(heap, 0, &found));
	assert_false(hs_heap_find(heap, HS_NO_ADDR, &found));
	hs_heap_free(heap);
	hb_release(&hb);
}

static bool stop_at_third(void *arg, size_t i,
			  const struct hs_chunk_info *chunk)
{
	unsigned *seen = arg;
	assert_int_equal(i, *seen);
	assert_int_not_equal(chunk->size, 0);
	return ++*seen < 3;
}

static void a_walk_over_the_chunks_can_be_stopped(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene scene;
	hb_build(&hb, 41, HS_ARCH_X86_64, 0, &scene);
	struct hs_heap *heap = scan(&hb);
	unsigned seen = 0;
	hs_heap_each(heap, stop_at_third, &seen);
	assert_int_equal(seen, 3);
	hs_heap_free(heap);
	hb_release(&hb);
}

static bool say_stop(void *arg, const char *what, uint64_t done, uint64_t total)
{
	unsigned *asked = arg;
	(void)done;
	(void)total;
	assert_non_null(what);
	++*asked;
	return false;
}

static void a_scan_can_be_cancelled(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene scene;
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &scene);
	unsigned asked = 0;
	struct hs_scan_options opt = {
		.struct_size = sizeof(opt),
		.progress = say_stop,
		.progress_arg = &asked,
	};
	struct hs_heap *heap = NULL;
	assert_int_equal(hs_heap_scan(&hb.target.base, NULL, &opt, &heap, NULL),
			 HS_ERR_CANCELLED);
	assert_null(heap);
	assert_int_equal(asked, 1); /* no is no */
	hb_release(&hb);
}

static void the_same_memory_gives_the_same_report(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene scene;
	hb_build(&hb, 43, HS_ARCH_X86_64, HB_WITH_FOREIGN_SBRK, &scene);
	struct hs_heap *a = scan(&hb), *b = scan(&hb);
	assert_int_equal(hs_heap_chunk_count(a), hs_heap_chunk_count(b));
	for (size_t i = 0; i < hs_heap_chunk_count(a); i++) {
		struct hs_chunk_info x, y;
		memset(&x, 0, sizeof(x));
		memset(&y, 0, sizeof(y));
		hs_heap_chunk(a, i, &x);
		hs_heap_chunk(b, i, &y);
		assert_int_equal(x.addr, y.addr);
		assert_int_equal(x.state, y.state);
		assert_int_equal(x.bin, y.bin);
	}
	hs_heap_free(a);
	hs_heap_free(b);
	hb_release(&hb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_chunk_of_every_release_on_x86_64),
		cmocka_unit_test(every_chunk_of_every_release_on_i386),
		cmocka_unit_test(every_chunk_of_every_release_on_aarch64),
		cmocka_unit_test(
			a_libc_that_does_not_say_its_version_is_no_obstacle),
		cmocka_unit_test(
			foreign_memory_in_the_main_heap_is_stepped_over),
		cmocka_unit_test(mmapped_pieces_of_the_main_arena_are_found),
		cmocka_unit_test(a_heap_may_begin_inside_a_page),
		cmocka_unit_test(
			a_raised_tcache_limit_caches_large_and_mmapped_chunks),
		cmocka_unit_test(everything_at_once),
		cmocka_unit_test(one_thread_and_one_chunk_are_a_heap),
		cmocka_unit_test(chunks_of_all_sizes_are_in_their_bins),
		cmocka_unit_test(
			without_symbols_the_layout_is_told_by_evidence),
		cmocka_unit_test(what_is_unusual_but_sound_is_a_note),
		cmocka_unit_test(another_allocator_is_named),
		cmocka_unit_test(
			what_another_allocator_holds_is_no_untouched_page),
		cmocka_unit_test(any_address_in_a_chunk_finds_it),
		cmocka_unit_test(a_walk_over_the_chunks_can_be_stopped),
		cmocka_unit_test(a_scan_can_be_cancelled),
		cmocka_unit_test(the_same_memory_gives_the_same_report),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
