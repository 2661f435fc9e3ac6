/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include <heapscan/damage.h>
#include <inttypes.h>
#include <string.h>

#include "support/heap_expect.h"
#include "support/heap_scenario.h"

/*
 * One thing at a time is done to a sound heap, as a program's bug would do it.
 * There must be one diagnosis: what it was, and whose block is to blame.
 */
static const unsigned versions[] = { 17, 23, 26, 28, 29, 31,
				     32, 36, 41, 42, 43, 44 };
#define VERSION_COUNT (sizeof(versions) / sizeof(versions[0]))

/* Does it, and says which chunk is to blame, HB_NONE: nobody. */
typedef size_t bug(struct heap_builder *hb, const struct hb_scene *s);

static void put(struct heap_builder *hb, hs_addr at, uint64_t word)
{
	fake_target_put(&hb->target, at, word);
}

static uint64_t get(const struct heap_builder *hb, hs_addr at)
{
	return fake_target_get(&hb->target, at);
}

static void put_byte(struct heap_builder *hb, hs_addr at, uint8_t byte)
{
	fake_target_put_uint(&hb->target, at, 1, byte);
}

/* Where the size of the chunk behind CHUNK stands: the end of its block. */
static hs_addr end_of(const struct heap_builder *hb, size_t chunk)
{
	return hb_addr(hb, chunk) + hb->chunk[chunk].size + hb->word;
}

static bool is_as_expected(const struct heap_builder *hb,
			   const struct hs_heap *heap,
			   const struct hs_damage *damage, enum hs_cause cause,
			   size_t blamed, uint64_t overrun)
{
	struct hs_diagnosis d;
	if (hs_damage_count(damage) != 1)
		return false;
	hs_damage_at(damage, 0, &d);
	if (d.cause != cause || !d.message || !d.message[0] || d.findings < 1 ||
	    (overrun != HS_UNKNOWN && d.overrun != overrun))
		return false;
	if (blamed == HB_NONE)
		return d.suspect_chunk == SIZE_MAX;
	struct hs_chunk_info c;
	if (d.suspect_chunk >= hs_heap_chunk_count(heap))
		return false;
	hs_heap_chunk(heap, d.suspect_chunk, &c);
	return c.addr == hb_addr(hb, blamed);
}

static void show(const struct hs_heap *heap, const struct hs_damage *damage)
{
	for (size_t i = 0; i < hs_damage_count(damage); i++) {
		struct hs_diagnosis d;
		hs_damage_at(damage, i, &d);
		print_error("  %s (%s): %s, overrun %" PRIu64 "\n",
			    hs_cause_name(d.cause),
			    hs_confidence_name(d.confidence), d.message,
			    d.overrun);
	}
	for (size_t i = 0; i < hs_heap_problem_count(heap); i++) {
		struct hs_problem_info p;
		hs_heap_problem(heap, i, &p);
		print_error("  %s %s\n", p.code, p.message);
	}
}

/* BUG in releases FIRST to LAST is diagnosed so, OVERRUN bytes or
 * HS_UNKNOWN for any. */
static void is_diagnosed(unsigned first, unsigned last, bug *do_it,
			 enum hs_cause cause, uint64_t overrun)
{
	unsigned tried = 0, bad = 0;
	for (size_t i = 0; i < VERSION_COUNT; i++)
		for (unsigned arch = 0; arch < 3; arch++) {
			if (versions[i] < first || versions[i] > last)
				continue;
			struct heap_builder hb;
			struct hb_scene scene;
			struct hs_heap *heap = NULL;
			struct hs_damage *damage = NULL;
			hb_build(&hb, versions[i], (enum hs_arch)arch, 0,
				 &scene);
			size_t blamed = do_it(&hb, &scene);
			assert_int_equal(hs_heap_scan(&hb.target.base, NULL,
						      NULL, &heap, NULL),
					 HS_OK);
			assert_int_equal(hs_damage_diagnose(&hb.target.base,
							    heap, &damage,
							    NULL),
					 HS_OK);
			if (!is_as_expected(&hb, heap, damage, cause, blamed,
					    overrun)) {
				print_error("glibc 2.%u on %s: wanted %s by "
					    "0x%" PRIx64 "\n",
					    versions[i],
					    hs_arch_name((enum hs_arch)arch),
					    hs_cause_name(cause),
					    blamed == HB_NONE
						    ? 0
						    : hb_user(&hb, blamed));
				show(heap, damage);
				bad++;
			}
			hs_damage_free(damage);
			hs_heap_free(heap);
			hb_release(&hb);
			tried++;
		}
	assert_true(tried > 0);
	assert_int_equal(bad, 0);
}

/* A test: its name states the requirement. */
#define TEST(name, first, last, cause, overrun)                                \
	static void name(void **state)                                         \
	{                                                                      \
		(void)state;                                                   \
		is_diagnosed(first, last, name##_bug, cause, overrun);         \
	}

/* ---- nothing ---- */

static void a_sound_heap_has_no_diagnosis(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERSION_COUNT; i++)
		for (unsigned arch = 0; arch < 3; arch++) {
			struct heap_builder hb;
			struct hb_scene scene;
			struct hs_heap *heap = NULL;
			struct hs_damage *damage = NULL;
			struct hs_verdict verdict;
			hb_build(&hb, versions[i], (enum hs_arch)arch, 0,
				 &scene);
			assert_int_equal(hs_heap_scan(&hb.target.base, NULL,
						      NULL, &heap, NULL),
					 HS_OK);
			assert_int_equal(hs_damage_diagnose(&hb.target.base,
							    heap, &damage,
							    NULL),
					 HS_OK);
			assert_int_equal(hs_damage_count(damage), 0);
			assert_false(hs_heap_verdict(heap, &verdict));
			hs_damage_free(damage);
			hs_heap_free(heap);
			hb_release(&hb);
		}
}

/* ---- headers ---- */

static size_t text_over_a_header_is_an_overflow_bug(struct heap_builder *hb,
						    const struct hb_scene *s)
{
	size_t c = s->used + 199;
	for (hs_addr at = hb_user(hb, c); at < end_of(hb, c) + hb->word; at++)
		put_byte(hb, at, (uint8_t)('a' + at % 7));
	return c;
}
TEST(text_over_a_header_is_an_overflow, 17, 44, HS_CAUSE_OVERFLOW, HS_UNKNOWN)

static size_t zeroes_over_a_header_are_an_overflow_bug(struct heap_builder *hb,
						       const struct hb_scene *s)
{
	size_t c = s->used + 199;
	for (hs_addr at = hb_user(hb, c); at < end_of(hb, c) + hb->word; at++)
		put_byte(hb, at, 0);
	return c;
}
TEST(zeroes_over_a_header_are_an_overflow, 17, 44, HS_CAUSE_OVERFLOW,
     HS_UNKNOWN)

/* The next size grows by less than a chunk: it leads into one. */
static size_t
one_byte_too_many_is_an_overflow_by_one_bug(struct heap_builder *hb,
					    const struct hb_scene *s)
{
	size_t c = s->used + 199;
	while (((hb->chunk[c + 1].size + hb->align) & 0xff) < hb->align ||
	       hb->chunk[c + 2].size <= hb->align + hb->min_size)
		c++;
	put_byte(hb, end_of(hb, c),
		 (uint8_t)((hb->chunk[c + 1].size + hb->align) | 1));
	return c;
}
TEST(one_byte_too_many_is_an_overflow_by_one, 17, 44, HS_CAUSE_OVERFLOW, 1)

static size_t
a_zero_behind_a_string_is_an_overflow_by_one_bug(struct heap_builder *hb,
						 const struct hb_scene *s)
{
	size_t c = s->used + 100;
	while (hb->chunk[c + 1].size <= 0x100 ||
	       hb->chunk[c + 1].size % 0x100 == 0)
		if (++c + 1 == s->used + s->used_count)
			fail_msg("the scene has no chunk of that size");
	put_byte(hb, end_of(hb, c), 0);
	return c;
}
TEST(a_zero_behind_a_string_is_an_overflow_by_one, 17, 44, HS_CAUSE_OVERFLOW, 1)

static size_t
high_bytes_of_a_size_are_hit_from_behind_bug(struct heap_builder *hb,
					     const struct hb_scene *s)
{
	size_t c = s->used + 200;
	hs_addr user = hb_user(hb, c);
	put_byte(hb, user - 1, 'U');
	put_byte(hb, user - 2, 'U');
	return c;
}
TEST(high_bytes_of_a_size_are_hit_from_behind, 17, 44, HS_CAUSE_UNDERFLOW, 2)

static size_t a_smashed_top_is_an_overflow_bug(struct heap_builder *hb,
					       const struct hb_scene *s)
{
	(void)s;
	size_t top = hb->arena[HB_MAIN].top, c = 0;
	while (hb_addr(hb, c) + hb->chunk[c].size != hb_addr(hb, top))
		c++;
	for (unsigned i = 0; i < hb->word; i++)
		put_byte(hb, end_of(hb, c) + i, 0xff);
	return c;
}
TEST(a_smashed_top_is_an_overflow, 17, 44, HS_CAUSE_OVERFLOW, HS_UNKNOWN)

static size_t the_repeated_size_of_a_free_block_is_its_own_last_word_bug(
	struct heap_builder *hb, const struct hb_scene *s)
{
	put(hb, end_of(hb, s->small[1]) - hb->word, 0x1234);
	return s->small[1];
}
TEST(the_repeated_size_of_a_free_block_is_its_own_last_word, 17, 44,
     HS_CAUSE_USE_AFTER_FREE, HS_UNKNOWN)

/* ---- lists ---- */

static void link_to(struct heap_builder *hb, size_t from, uint64_t to)
{
	hs_addr at = hb_user(hb, from);
	put(hb, at, hb_protect(hb, at, to));
}

static size_t
text_over_a_cached_block_is_a_use_after_free_bug(struct heap_builder *hb,
						 const struct hb_scene *s)
{
	put(hb, hb_user(hb, s->tcached[1]), 0x7777777777777777);
	return s->tcached[1];
}
TEST(text_over_a_cached_block_is_a_use_after_free, 26, 44,
     HS_CAUSE_USE_AFTER_FREE, HS_UNKNOWN)

static size_t
text_over_a_fast_block_is_a_use_after_free_bug(struct heap_builder *hb,
					       const struct hb_scene *s)
{
	put(hb, hb_user(hb, s->fast[1]), 0x7777777777777777);
	return s->fast[1];
}
TEST(text_over_a_fast_block_is_a_use_after_free, 17, 42,
     HS_CAUSE_USE_AFTER_FREE, HS_UNKNOWN)

static size_t
a_link_into_another_block_is_a_use_after_free_bug(struct heap_builder *hb,
						  const struct hb_scene *s)
{
	hs_addr forged = hb_user(hb, s->used + 36) + 0x40;
	put(hb, forged - hb->word, hb->chunk[s->tcached[0]].size | 1);
	put(hb, forged, hb_protect(hb, forged, 0));
	link_to(hb, s->tcached[1], forged);
	return s->tcached[1];
}
TEST(a_link_into_another_block_is_a_use_after_free, 26, 44,
     HS_CAUSE_USE_AFTER_FREE, HS_UNKNOWN)

static size_t
a_cached_block_on_its_list_twice_was_freed_twice_bug(struct heap_builder *hb,
						     const struct hb_scene *s)
{
	link_to(hb, s->tcached[0], hb_user(hb, s->tcached[0]));
	return s->tcached[0];
}
TEST(a_cached_block_on_its_list_twice_was_freed_twice, 26, 44,
     HS_CAUSE_DOUBLE_FREE, HS_UNKNOWN)

static size_t
a_block_in_cache_and_fastbin_was_freed_twice_bug(struct heap_builder *hb,
						 const struct hb_scene *s)
{
	size_t c = s->fast[0];
	hs_addr tcache = hb_user(hb, hb->thread[s->main_thread].tcache);
	hs_addr at = hb_user(hb, c);
	put(hb,
	    tcache + hb->layout.field[HS_FIELD_TCACHE_ENTRIES].offset +
		    hb_tcache_index(hb, hb->chunk[c].size) * hb->word,
	    at);
	put(hb, at, hb_protect(hb, at, 0));
	return c;
}
TEST(a_block_in_cache_and_fastbin_was_freed_twice, 26, 42, HS_CAUSE_DOUBLE_FREE,
     HS_UNKNOWN)

#define FD(hb, chunk) (hb_addr(hb, chunk) + 2 * (hb)->word)
#define BK(hb, chunk) (hb_addr(hb, chunk) + 3 * (hb)->word)

static size_t a_broken_link_on_is_a_use_after_free_bug(struct heap_builder *hb,
						       const struct hb_scene *s)
{
	put(hb, FD(hb, s->small[1]), 0x7777777777777777);
	return s->small[1];
}
TEST(a_broken_link_on_is_a_use_after_free, 17, 44, HS_CAUSE_USE_AFTER_FREE,
     HS_UNKNOWN)

static size_t
a_broken_link_back_is_a_use_after_free_bug(struct heap_builder *hb,
					   const struct hb_scene *s)
{
	put(hb, BK(hb, s->unsorted[1]), hb_user(hb, s->used + 36));
	return s->unsorted[1];
}
TEST(a_broken_link_back_is_a_use_after_free, 17, 44, HS_CAUSE_USE_AFTER_FREE,
     HS_UNKNOWN)

static size_t text_over_both_links_of_a_large_block_is_one_use_after_free_bug(
	struct heap_builder *hb, const struct hb_scene *s)
{
	put(hb, FD(hb, s->large[3]), 0x7777777777777777);
	put(hb, BK(hb, s->large[3]), 0x7777777777777777);
	return s->large[3];
}
TEST(text_over_both_links_of_a_large_block_is_one_use_after_free, 17, 44,
     HS_CAUSE_USE_AFTER_FREE, HS_UNKNOWN)

/* Freed into a bin, and then into a cache with room: that writes its own link
 * and mark over those of the bin. */
static size_t
a_block_in_bin_and_cache_was_freed_twice_bug(struct heap_builder *hb,
					     const struct hb_scene *s)
{
	size_t c = s->small[2];
	hs_addr tcache = hb_user(hb, hb->thread[s->main_thread].tcache);
	hs_addr entry = tcache +
			hb->layout.field[HS_FIELD_TCACHE_ENTRIES].offset +
			hb_tcache_index(hb, hb->chunk[c].size) * hb->word;
	put(hb, BK(hb, c), get(hb, hb_user(hb, s->tcached[0]) + hb->word));
	put(hb, FD(hb, c), hb_protect(hb, FD(hb, c), get(hb, entry)));
	put(hb, entry, hb_user(hb, c));
	return c;
}
TEST(a_block_in_bin_and_cache_was_freed_twice, 29, 44, HS_CAUSE_DOUBLE_FREE,
     HS_UNKNOWN)

/* What free() would make of a pointer into a block, behind a likely size. */
static size_t
a_cached_place_inside_a_block_was_no_block_bug(struct heap_builder *hb,
					       const struct hb_scene *s)
{
	size_t c = s->used + 36;
	hs_addr inside = hb_user(hb, c) + 0x40;
	hs_addr tcache = hb_user(hb, hb->thread[s->main_thread].tcache);
	hs_addr entry =
		tcache + hb->layout.field[HS_FIELD_TCACHE_ENTRIES].offset +
		hb_tcache_index(hb, hb->chunk[s->tcached[0]].size) * hb->word;
	put(hb, inside - hb->word, hb->chunk[s->tcached[0]].size | 1);
	put(hb, inside, hb_protect(hb, inside, get(hb, entry)));
	put(hb, inside + hb->word,
	    get(hb, hb_user(hb, s->tcached[0]) + hb->word));
	put(hb, entry, inside);
	return c;
}
TEST(a_cached_place_inside_a_block_was_no_block, 26, 44, HS_CAUSE_INVALID_FREE,
     HS_UNKNOWN)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_heap_has_no_diagnosis),
		cmocka_unit_test(text_over_a_header_is_an_overflow),
		cmocka_unit_test(zeroes_over_a_header_are_an_overflow),
		cmocka_unit_test(one_byte_too_many_is_an_overflow_by_one),
		cmocka_unit_test(a_zero_behind_a_string_is_an_overflow_by_one),
		cmocka_unit_test(high_bytes_of_a_size_are_hit_from_behind),
		cmocka_unit_test(a_smashed_top_is_an_overflow),
		cmocka_unit_test(
			the_repeated_size_of_a_free_block_is_its_own_last_word),
		cmocka_unit_test(text_over_a_cached_block_is_a_use_after_free),
		cmocka_unit_test(text_over_a_fast_block_is_a_use_after_free),
		cmocka_unit_test(a_link_into_another_block_is_a_use_after_free),
		cmocka_unit_test(
			a_cached_block_on_its_list_twice_was_freed_twice),
		cmocka_unit_test(a_block_in_cache_and_fastbin_was_freed_twice),
		cmocka_unit_test(a_broken_link_on_is_a_use_after_free),
		cmocka_unit_test(a_broken_link_back_is_a_use_after_free),
		cmocka_unit_test(
			text_over_both_links_of_a_large_block_is_one_use_after_free),
		cmocka_unit_test(a_block_in_bin_and_cache_was_freed_twice),
		cmocka_unit_test(a_cached_place_inside_a_block_was_no_block),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
