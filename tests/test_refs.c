/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include <heapscan/refs.h>

#include "support/heap_expect.h"
#include "support/heap_scenario.h"

/* The builder fills blocks with text, which is no address anywhere. */
struct world {
	struct heap_builder hb;
	struct hb_scene scene;
	struct hs_heap *heap;
	struct hs_refs *refs;
};

static void begin(struct world *w, enum hs_arch arch)
{
	hb_init(&w->hb, 36, arch);
	hb_everything(&w->hb, 0, &w->scene);
	w->heap = NULL;
	w->refs = NULL;
}

/* WORD at OFFSET into the user part of CHUNK. */
static void put(struct world *w, size_t chunk, uint64_t offset, uint64_t word)
{
	fake_target_put(&w->hb.target, hb_user(&w->hb, chunk) + offset, word);
}

static void look(struct world *w)
{
	struct hs_refs_options opt = { .struct_size = sizeof(opt) };
	assert_int_equal(
		hs_heap_scan(&w->hb.target.base, NULL, NULL, &w->heap, NULL),
		HS_OK);
	assert_int_equal(
		hs_refs_scan(&w->hb.target.base, w->heap, &opt, &w->refs, NULL),
		HS_OK);
}

static void end(struct world *w)
{
	hs_refs_free(w->refs);
	hs_heap_free(w->heap);
	hb_release(&w->hb);
}

/* The report's number of a chunk that was built. */
static size_t number(const struct world *w, size_t chunk)
{
	size_t i;
	assert_true(hs_heap_find(w->heap, hb_user(&w->hb, chunk), &i));
	struct hs_chunk_info c;
	hs_heap_chunk(w->heap, i, &c);
	assert_int_equal(c.addr, hb_addr(&w->hb, chunk));
	return i;
}

static const enum hs_arch archs[] = { HS_ARCH_X86_64, HS_ARCH_I386 };

static void text_is_no_reference(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 2; a++) {
		struct world w;
		begin(&w, archs[a]);
		hb_finish(&w.hb);
		look(&w);
		assert_int_equal(hs_refs_count(w.refs), 0);
		for (size_t i = 0; i < hs_heap_chunk_count(w.heap); i++) {
			assert_int_equal(hs_refs_out_count(w.refs, i), 0);
			assert_int_equal(hs_refs_in_count(w.refs, i), 0);
		}
		end(&w);
	}
}

static void a_pointer_is_seen_from_both_ends(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 2; a++) {
		struct world w;
		begin(&w, archs[a]);
		hb_finish(&w.hb);
		size_t from = w.scene.used + 9, to = w.scene.other_used + 3;
		put(&w, from, 2 * w.hb.word, hb_user(&w.hb, to));
		look(&w);
		size_t f = number(&w, from), t = number(&w, to);
		assert_int_equal(hs_refs_count(w.refs), 1);
		assert_int_equal(hs_refs_out_count(w.refs, f), 1);
		assert_int_equal(hs_refs_in_count(w.refs, t), 1);
		assert_int_equal(hs_refs_in_count(w.refs, f), 0);
		struct hs_ref out, in;
		hs_refs_out(w.refs, f, 0, &out);
		hs_refs_in(w.refs, t, 0, &in);
		assert_int_equal(out.from, f);
		assert_int_equal(out.to, t);
		assert_int_equal(out.offset, 2 * w.hb.word);
		assert_int_equal(out.interior, 0);
		assert_memory_equal(&in, &out, sizeof(in));
		end(&w);
	}
}

static void tags_of_arm64_pointers_count_for_nothing(void **state)
{
	(void)state;
	const uint64_t tag = UINT64_C(0x3c) << 56;
	for (int arm = 0; arm < 2; arm++) {
		struct world w;
		begin(&w, arm ? HS_ARCH_AARCH64 : HS_ARCH_X86_64);
		hb_finish(&w.hb);
		size_t from = w.scene.used + 9, to = w.scene.other_used + 3;
		put(&w, from, 8, hb_user(&w.hb, to) | tag);
		look(&w);
		assert_int_equal(hs_refs_count(w.refs), arm);
		size_t at;
		assert_int_equal(
			hs_heap_find(w.heap, hb_user(&w.hb, to) | tag, &at),
			arm);
		if (arm) {
			struct hs_ref in;
			assert_int_equal(at, number(&w, to));
			hs_refs_in(w.refs, at, 0, &in);
			assert_int_equal(in.from, number(&w, from));
			assert_int_equal(in.interior, 0);
		}
		end(&w);
	}
}

static void a_pointer_into_a_block_says_how_far(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 2; a++) {
		struct world w;
		begin(&w, archs[a]);
		hb_finish(&w.hb);
		size_t from = w.scene.used + 36, to = w.scene.used + 73;
		unsigned word = w.hb.word;
		hs_addr user = hb_user(&w.hb, to);
		uint64_t last = hb_usable(&w.hb, to) - 1;
		put(&w, from, 0, user + 1);
		put(&w, from, word, user + last);
		put(&w, from, 2 * word, user + last + 1 + word); /* the next */
		put(&w, from, 3 * word, user - w.hb.header); /* its header */
		look(&w);
		size_t f = number(&w, from), t = number(&w, to);
		assert_int_equal(hs_refs_in_count(w.refs, t), 2);
		struct hs_ref r;
		hs_refs_out(w.refs, f, 0, &r);
		assert_int_equal(r.to, t);
		assert_int_equal(r.interior, 1);
		hs_refs_out(w.refs, f, 1, &r);
		assert_int_equal(r.to, t);
		assert_int_equal(r.interior, last);
		end(&w);
	}
}

static void free_chunks_neither_hold_nor_are_held(void **state)
{
	(void)state;
	struct world w;
	begin(&w, HS_ARCH_X86_64);
	hb_finish(&w.hb);
	size_t used = w.scene.used + 20;
	put(&w, used, 0, hb_user(&w.hb, w.scene.large[1]));
	put(&w, used, 8, hb_user(&w.hb, w.scene.tcached[0]));
	put(&w, w.scene.large[1], 64, hb_user(&w.hb, used));
	put(&w, w.scene.tcached[0], 16, hb_user(&w.hb, used));
	look(&w);
	assert_int_equal(hs_refs_count(w.refs), 0);
	end(&w);
}

static void the_allocators_own_chunks_do_not_count(void **state)
{
	(void)state;
	struct world w;
	begin(&w, HS_ARCH_X86_64);
	hb_finish(&w.hb);
	put(&w, w.scene.used + 20, 0, hb_user(&w.hb, w.hb.thread[0].tcache));
	put(&w, w.scene.used + 20, 8, w.hb.arena[w.scene.arena].addr);
	put(&w, w.scene.used + 20, 16, hb_user(&w.hb, w.hb.arena[HB_MAIN].top));
	look(&w);
	assert_int_equal(hs_refs_count(w.refs), 0);
	end(&w);
}

static void mmapped_blocks_hold_and_are_held(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 2; a++) {
		struct world w;
		begin(&w, archs[a]);
		hb_finish(&w.hb);
		size_t big = w.scene.mmapped[1], aligned = w.scene.mmapped[2];
		uint64_t last = hb_usable(&w.hb, big) - w.hb.word;
		last -= last % w.hb.word;
		put(&w, big, last, hb_user(&w.hb, aligned) + 0x1000);
		put(&w, aligned, 0, hb_user(&w.hb, big));
		look(&w);
		size_t b = number(&w, big), c = number(&w, aligned);
		struct hs_ref r;
		assert_int_equal(hs_refs_count(w.refs), 2);
		assert_int_equal(hs_refs_out_count(w.refs, b), 1);
		hs_refs_out(w.refs, b, 0, &r);
		assert_int_equal(r.to, c);
		assert_int_equal(r.offset, last);
		assert_int_equal(r.interior, 0x1000);
		assert_int_equal(hs_refs_in_count(w.refs, b), 1);
		end(&w);
	}
}

static void a_block_may_hold_itself(void **state)
{
	(void)state;
	struct world w;
	begin(&w, HS_ARCH_X86_64);
	hb_finish(&w.hb);
	size_t c = w.scene.used + 11;
	put(&w, c, 8, hb_user(&w.hb, c));
	look(&w);
	size_t i = number(&w, c);
	assert_int_equal(hs_refs_out_count(w.refs, i), 1);
	assert_int_equal(hs_refs_in_count(w.refs, i), 1);
	end(&w);
}

/* Compilers align pointers; other words are chance. */
static void only_aligned_words_count(void **state)
{
	(void)state;
	struct world w;
	begin(&w, HS_ARCH_X86_64);
	hb_finish(&w.hb);
	put(&w, w.scene.used + 36, 12, hb_user(&w.hb, w.scene.used + 5));
	look(&w);
	assert_int_equal(hs_refs_count(w.refs), 0);
	end(&w);
}

static void references_are_in_order(void **state)
{
	(void)state;
	struct world w;
	begin(&w, HS_ARCH_X86_64);
	hb_finish(&w.hb);
	size_t to = w.scene.used + 50;
	for (unsigned i = 0; i < 20; i++)
		put(&w, w.scene.used + 200 - 9 * i, 0, hb_user(&w.hb, to) + i);
	size_t from = w.scene.used + 36; /* a large one */
	for (unsigned i = 0; i < 10; i++)
		put(&w, from, 8 * i, hb_user(&w.hb, w.scene.used + 90 - i));
	look(&w);
	struct hs_ref r, before;
	size_t t = number(&w, to), f = number(&w, from);
	assert_true(hs_refs_in_count(w.refs, t) >= 19);
	hs_refs_in(w.refs, t, 0, &before);
	for (size_t i = 1; i < hs_refs_in_count(w.refs, t); i++) {
		hs_refs_in(w.refs, t, i, &r);
		assert_true(r.from > before.from);
		assert_int_equal(r.to, t);
		before = r;
	}
	assert_int_equal(hs_refs_out_count(w.refs, f), 10);
	for (size_t i = 0; i < 10; i++) {
		hs_refs_out(w.refs, f, i, &r);
		assert_int_equal(r.offset, 8 * i);
		assert_int_equal(r.to, number(&w, w.scene.used + 90 - i));
	}
	end(&w);
}

static void what_lies_behind_a_hole_in_a_block_is_seen(void **state)
{
	(void)state;
	struct world w;
	begin(&w, HS_ARCH_X86_64);
	size_t big = w.scene.mmapped[0];
	hs_addr page = hb_addr(&w.hb, big);
	hb_hole(&w.hb, page + 0x2000, 0x3000);
	hb_hole(&w.hb, page + 0x6003, 0x100); /* not even aligned */
	hb_finish(&w.hb);
	put(&w, big, 0x3000, hb_user(&w.hb, w.scene.used + 1)); /* in there */
	put(&w, big, 0x8000, hb_user(&w.hb, w.scene.used + 2));
	look(&w);
	size_t b = number(&w, big);
	struct hs_ref r;
	assert_int_equal(hs_refs_out_count(w.refs, b), 1);
	hs_refs_out(w.refs, b, 0, &r);
	assert_int_equal(r.offset, 0x8000);
	assert_int_equal(r.to, number(&w, w.scene.used + 2));
	end(&w);
}

static bool say_stop(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)what;
	(void)done;
	(void)total;
	++*(unsigned *)arg;
	return false;
}

static void the_search_can_be_cancelled(void **state)
{
	(void)state;
	struct world w;
	begin(&w, HS_ARCH_X86_64);
	hb_finish(&w.hb);
	look(&w);
	unsigned asked = 0;
	struct hs_refs_options opt = {
		.struct_size = sizeof(opt),
		.progress = say_stop,
		.progress_arg = &asked,
	};
	struct hs_refs *refs = NULL;
	assert_int_equal(
		hs_refs_scan(&w.hb.target.base, w.heap, &opt, &refs, NULL),
		HS_ERR_CANCELLED);
	assert_int_equal(asked, 1);
	assert_null(refs);
	end(&w);
}

static void a_read_that_fails_is_an_error(void **state)
{
	(void)state;
	struct world w;
	begin(&w, HS_ARCH_X86_64);
	hb_finish(&w.hb);
	look(&w);
	fake_target_fail_nth_read(&w.hb.target, 5);
	struct hs_refs *refs = NULL;
	assert_int_equal(
		hs_refs_scan(&w.hb.target.base, w.heap, NULL, &refs, NULL),
		HS_ERR_IO);
	assert_null(refs);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_no_reference),
		cmocka_unit_test(a_pointer_is_seen_from_both_ends),
		cmocka_unit_test(tags_of_arm64_pointers_count_for_nothing),
		cmocka_unit_test(a_pointer_into_a_block_says_how_far),
		cmocka_unit_test(free_chunks_neither_hold_nor_are_held),
		cmocka_unit_test(the_allocators_own_chunks_do_not_count),
		cmocka_unit_test(mmapped_blocks_hold_and_are_held),
		cmocka_unit_test(a_block_may_hold_itself),
		cmocka_unit_test(only_aligned_words_count),
		cmocka_unit_test(references_are_in_order),
		cmocka_unit_test(what_lies_behind_a_hole_in_a_block_is_seen),
		cmocka_unit_test(the_search_can_be_cancelled),
		cmocka_unit_test(a_read_that_fails_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
