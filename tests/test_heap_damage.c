/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "core/limits.h"
#include "support/heap_expect.h"
#include "support/heap_scenario.h"

/*
 * One thing at a time is broken in a sound heap. The finding must be there,
 * and the rest of the picture must stay: of more than 500 chunks, no more than
 * one in a hundred may be misjudged besides those that were smashed.
 */
#define ONE_PERCENT 5u
#define SECONDS_ALLOWED 10 /* of processor time; a scan takes milliseconds */

/* Each list kind and each arrangement of the structs is among them. */
static const unsigned versions[] = { 17, 23, 26, 28, 31, 32, 36, 42, 43, 44 };
#define VERSION_COUNT (sizeof(versions) / sizeof(versions[0]))

typedef void breaker(struct heap_builder *hb, const struct hb_scene *s);

static void put(struct heap_builder *hb, hs_addr at, uint64_t word)
{
	fake_target_put(&hb->target, at, word);
}

static uint64_t get(const struct heap_builder *hb, hs_addr at)
{
	return fake_target_get(&hb->target, at);
}

static double cpu_seconds(void)
{
	struct timespec ts;
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct hs_heap *scan(struct heap_builder *hb)
{
	struct hs_scan_options opt = { .struct_size = sizeof(opt) };
	struct hs_heap *heap = NULL;
	struct hs_error err = { .text = "" };
	double before = cpu_seconds();
	enum hs_status st =
		hs_heap_scan(&hb->target.base, NULL, &opt, &heap, &err);
	assert_true(cpu_seconds() - before < SECONDS_ALLOWED);
	if (st)
		print_error("glibc 2.%u on %s: %s\n", hb->version,
			    hs_arch_name(hb->target.base.arch), err.text);
	assert_int_equal(st, HS_OK);
	assert_int_equal(hb_promises_broken(heap), 0);
	return heap;
}

static void show_problems(const struct hs_heap *heap)
{
	for (size_t i = 0; i < hs_heap_problem_count(heap); i++) {
		struct hs_problem_info p;
		hs_heap_problem(heap, i, &p);
		print_error("  %s %s 0x%" PRIx64 ": %s\n",
			    hs_severity_name(p.severity), p.code, p.addr,
			    p.message);
	}
}

/* CODES: one or several, with '|' between; is one of them reported? */
static bool reported(const struct hs_heap *heap, const char *codes)
{
	for (size_t i = 0; i < hs_heap_problem_count(heap); i++) {
		struct hs_problem_info p;
		hs_heap_problem(heap, i, &p);
		const char *at = strstr(codes, p.code);
		size_t len = strlen(p.code);
		if (at && (at == codes || at[-1] == '|') &&
		    (at[len] == '\0' || at[len] == '|'))
			return true;
	}
	return false;
}

/*
 * Break it in releases FIRST to LAST. CODE must be among the problems, and at
 * most WRONG chunks may be reported otherwise than they were built.
 */
static void breaks_with(unsigned first, unsigned last, breaker *break_it,
			const char *code, unsigned wrong)
{
	unsigned tried = 0, bad = 0;
	for (size_t i = 0; i < VERSION_COUNT; i++)
		for (unsigned arch = 0; arch < 3; arch++) {
			if (versions[i] < first || versions[i] > last)
				continue;
			struct heap_builder hb;
			struct hb_scene scene;
			hb_build(&hb, versions[i], (enum hs_arch)arch, 0,
				 &scene);
			break_it(&hb, &scene);
			struct hs_heap *heap = scan(&hb);
			unsigned missed = hb_chunks_wrong(&hb, heap, false);
			if (!reported(heap, code) || missed > wrong) {
				print_error("glibc 2.%u on %s: %u chunks wrong "
					    "(%u allowed), wanted \"%s\"\n",
					    versions[i],
					    hs_arch_name((enum hs_arch)arch),
					    missed, wrong, code);
				show_problems(heap);
				bad++;
			}
			hs_heap_free(heap);
			hb_release(&hb);
			tried++;
		}
	assert_true(tried > 0);
	assert_int_equal(bad, 0);
}

/* A test: its name states the requirement. */
#define TEST(name, first, last, code, wrong)                                   \
	static void name(void **state)                                         \
	{                                                                      \
		(void)state;                                                   \
		breaks_with(first, last, name##_breaker, code, wrong);         \
	}

/* --- sizes ------------------------------------------------------------ */

static hs_addr size_word(const struct heap_builder *hb, size_t chunk)
{
	return hb_addr(hb, chunk) + hb->word;
}

static void
a_size_of_zero_is_found_and_the_walk_goes_on_breaker(struct heap_builder *hb,
						     const struct hb_scene *s)
{
	put(hb, size_word(hb, s->used + 200), 0);
}
TEST(a_size_of_zero_is_found_and_the_walk_goes_on, 17, 44, "chunk-size-invalid",
     1 + ONE_PERCENT)

static void
a_size_with_the_top_bit_set_is_no_size_breaker(struct heap_builder *hb,
					       const struct hb_scene *s)
{
	put(hb, size_word(hb, s->used + 200),
	    (UINT64_C(1) << (8 * hb->word - 1)) | 1);
}
TEST(a_size_with_the_top_bit_set_is_no_size, 17, 44, "chunk-size-invalid",
     1 + ONE_PERCENT)

static void
a_size_that_wraps_the_address_is_no_size_breaker(struct heap_builder *hb,
						 const struct hb_scene *s)
{
	uint64_t all = hb->word == 8 ? UINT64_MAX : UINT32_MAX;
	put(hb, size_word(hb, s->used + 200), (all & ~UINT64_C(15)) | 1);
}
TEST(a_size_that_wraps_the_address_is_no_size, 17, 44, "chunk-size-invalid",
     1 + ONE_PERCENT)

static void
a_size_below_the_minimum_is_no_size_breaker(struct heap_builder *hb,
					    const struct hb_scene *s)
{
	put(hb, size_word(hb, s->used + 200), hb->align / 2 | 1);
}
TEST(a_size_below_the_minimum_is_no_size, 17, 44, "chunk-size-invalid",
     1 + ONE_PERCENT)

static void
a_size_that_reaches_behind_the_heap_is_no_size_breaker(struct heap_builder *hb,
						       const struct hb_scene *s)
{
	put(hb, size_word(hb, s->used + 200), 0x10000001);
}
TEST(a_size_that_reaches_behind_the_heap_is_no_size, 17, 44,
     "chunk-size-invalid", 1 + ONE_PERCENT)

static void
text_over_several_headers_loses_only_those_breaker(struct heap_builder *hb,
						   const struct hb_scene *s)
{
	hs_addr from = hb_user(hb, s->used + 100);
	hs_addr to = hb_user(hb, s->used + 104);
	for (hs_addr at = from; at < to; at += 4)
		fake_target_put_uint(&hb->target, at, 4, 0x41414141);
}
TEST(text_over_several_headers_loses_only_those, 17, 44, "chunk-size-invalid",
     4 + ONE_PERCENT)

static void
zeroes_over_several_headers_lose_only_those_breaker(struct heap_builder *hb,
						    const struct hb_scene *s)
{
	hs_addr from = hb_user(hb, s->used + 100);
	hs_addr to = hb_user(hb, s->used + 104);
	for (hs_addr at = from; at < to; at += 4)
		fake_target_put_uint(&hb->target, at, 4, 0);
}
TEST(zeroes_over_several_headers_lose_only_those, 17, 44, "chunk-size-invalid",
     4 + ONE_PERCENT)

static void
a_smashed_size_in_a_thread_arena_is_found_breaker(struct heap_builder *hb,
						  const struct hb_scene *s)
{
	put(hb, size_word(hb, s->other_used + 20), 0x4242424242424242);
}
TEST(a_smashed_size_in_a_thread_arena_is_found, 17, 44, "chunk-size-invalid",
     1 + ONE_PERCENT)

/* Wrong, and yet possible: the walk lands in the middle of a chunk. */
static void
a_size_that_reaches_into_a_neighbour_is_found_breaker(struct heap_builder *hb,
						      const struct hb_scene *s)
{
	size_t c = s->used + 200;
	put(hb, size_word(hb, c),
	    (hb->chunk[c].size + hb->chunk[c + 1].size + hb->align) | 1);
}
TEST(a_size_that_reaches_into_a_neighbour_is_found, 17, 44,
     "chunk-size-invalid", 1)

static void a_size_that_reaches_over_a_hundred_chunks_is_found_breaker(
	struct heap_builder *hb, const struct hb_scene *s)
{
	size_t c = s->used + 100;
	put(hb, size_word(hb, c),
	    (hb_addr(hb, c + 100) - hb_addr(hb, c) + hb->align) | 1);
}
TEST(a_size_that_reaches_over_a_hundred_chunks_is_found, 17, 44,
     "chunk-size-invalid", 1)

static void
a_size_that_was_cut_short_costs_one_chunk_breaker(struct heap_builder *hb,
						  const struct hb_scene *s)
{
	size_t c = s->used + 200;
	while (hb->chunk[c].size <= hb->layout.min_size + hb->align)
		c++;
	put(hb, size_word(hb, c), hb->layout.min_size | 1);
}
TEST(a_size_that_was_cut_short_costs_one_chunk, 17, 44, "chunk-size-invalid", 2)

static void a_smashed_top_size_is_found_breaker(struct heap_builder *hb,
						const struct hb_scene *s)
{
	(void)s;
	uint64_t all = hb->word == 8 ? UINT64_MAX : UINT32_MAX;
	put(hb, size_word(hb, hb->arena[HB_MAIN].top), all);
}
TEST(a_smashed_top_size_is_found, 17, 44, "top-size-invalid", 1)

static void a_top_size_of_zero_is_found_breaker(struct heap_builder *hb,
						const struct hb_scene *s)
{
	put(hb, size_word(hb, hb->arena[s->arena].top), 0);
}
TEST(a_top_size_of_zero_is_found, 17, 44, "top-size-invalid", 1)

/* --- flags and boundary tags ------------------------------------------ */

static hs_addr behind(const struct heap_builder *hb, size_t chunk)
{
	return hb_addr(hb, chunk) + hb->chunk[chunk].size;
}

static void a_wrong_prev_size_is_found_breaker(struct heap_builder *hb,
					       const struct hb_scene *s)
{
	put(hb, behind(hb, s->small[1]), 0x40);
}
TEST(a_wrong_prev_size_is_found, 17, 44, "prev-size-mismatch", 0)

static void
a_free_chunk_that_no_list_knows_is_found_breaker(struct heap_builder *hb,
						 const struct hb_scene *s)
{
	size_t c = s->used + 50;
	hs_addr next = behind(hb, c);
	put(hb, next, hb->chunk[c].size);
	put(hb, next + hb->word, get(hb, next + hb->word) & ~UINT64_C(1));
}
TEST(a_free_chunk_that_no_list_knows_is_found, 17, 44, "free-chunk-on-no-list",
     1)

static void
a_binned_chunk_marked_in_use_is_found_breaker(struct heap_builder *hb,
					      const struct hb_scene *s)
{
	hs_addr next = behind(hb, s->small[1]);
	put(hb, next + hb->word, get(hb, next + hb->word) | 1);
}
TEST(a_binned_chunk_marked_in_use_is_found, 17, 44,
     "listed-chunk-marked-in-use", 1)

/* --- tcache ------------------------------------------------------------ */

static hs_addr tcache_entry(const struct heap_builder *hb, size_t thread,
			    size_t chunk)
{
	hs_addr tcache = hb_user(hb, hb->thread[thread].tcache);
	return tcache + hb->layout.field[HS_FIELD_TCACHE_ENTRIES].offset +
	       hb_tcache_index(hb, hb->chunk[chunk].size) * hb->word;
}

static void link_tcached(struct heap_builder *hb, size_t from, uint64_t to)
{
	hs_addr at = hb_user(hb, from);
	put(hb, at, hb_protect(hb, at, to));
}

static void
a_tcache_list_that_bites_its_tail_ends_breaker(struct heap_builder *hb,
					       const struct hb_scene *s)
{
	/* The last freed comes first; the first freed is the last. */
	link_tcached(hb, s->tcached[0], hb_user(hb, s->tcached[2]));
}
TEST(a_tcache_list_that_bites_its_tail_ends, 26, 44, "list-cycle", 0)

static void
a_tcache_entry_that_is_its_own_next_ends_breaker(struct heap_builder *hb,
						 const struct hb_scene *s)
{
	link_tcached(hb, s->tcached[0], hb_user(hb, s->tcached[0]));
}
TEST(a_tcache_entry_that_is_its_own_next_ends, 26, 44, "list-cycle", 0)

static void a_misaligned_tcache_entry_is_found_breaker(struct heap_builder *hb,
						       const struct hb_scene *s)
{
	link_tcached(hb, s->tcached[1], hb_user(hb, s->tcached[0]) + 4);
}
TEST(a_misaligned_tcache_entry_is_found, 26, 44, "list-entry-misaligned", 1)

static void
a_tcache_link_into_nowhere_is_found_breaker(struct heap_builder *hb,
					    const struct hb_scene *s)
{
	link_tcached(hb, s->tcached[1], 0x10000);
}
TEST(a_tcache_link_into_nowhere_is_found, 26, 44, "list-entry-outside-heap", 1)

static void
a_tcache_link_into_a_block_is_found_breaker(struct heap_builder *hb,
					    const struct hb_scene *s)
{
	/* Where a program keeps what looks like a chunk of that size. */
	hs_addr forged = hb_user(hb, s->used + 36) + 0x40;
	put(hb, forged - hb->word, hb->chunk[s->tcached[0]].size | 1);
	put(hb, forged, hb_protect(hb, forged, 0));
	link_tcached(hb, s->tcached[1], forged);
}
TEST(a_tcache_link_into_a_block_is_found, 26, 44, "list-entry-is-no-chunk", 1)

static void
a_chunk_in_the_wrong_tcache_bin_is_found_breaker(struct heap_builder *hb,
						 const struct hb_scene *s)
{
	hs_addr entry = tcache_entry(hb, s->main_thread, s->tcached[0]);
	put(hb, entry + 5 * hb->word, get(hb, entry));
	put(hb, entry, 0);
}
TEST(a_chunk_in_the_wrong_tcache_bin_is_found, 26, 44,
     "list-entry-of-wrong-size", 3)

static void a_wrong_tcache_count_is_found_breaker(struct heap_builder *hb,
						  const struct hb_scene *s)
{
	bool slots = hs_layout_has(&hb->layout, HS_FIELD_TCACHE_NUM_SLOTS);
	const struct hs_field_pos *pos =
		&hb->layout.field[slots ? HS_FIELD_TCACHE_NUM_SLOTS
					: HS_FIELD_TCACHE_COUNTS];
	size_t width = pos->size / pos->count;
	hs_addr tcache = hb_user(hb, hb->thread[s->main_thread].tcache);
	unsigned bin = hb_tcache_index(hb, hb->chunk[s->tcached[0]].size);
	/* Three are there; one, respectively the limit less one, is said. */
	fake_target_put_uint(&hb->target, tcache + pos->offset + bin * width,
			     width, slots ? hb->tcache_count - 1 : 1);
}
TEST(a_wrong_tcache_count_is_found, 26, 44, "tcache-count-mismatch", 0)

static void a_chunk_in_two_tcaches_is_found_breaker(struct heap_builder *hb,
						    const struct hb_scene *s)
{
	/* The other thread's bin was empty; the chunk ends its list. */
	size_t c = s->tcached[0];
	hs_addr entry = tcache_entry(hb, s->other_thread, c);
	put(hb, entry, hb_user(hb, c));
}
TEST(a_chunk_in_two_tcaches_is_found, 26, 44, "chunk-on-two-lists", 2)

/* --- fastbins ----------------------------------------------------------- */

static void link_fast(struct heap_builder *hb, size_t from, uint64_t to)
{
	hs_addr at = hb_addr(hb, from) + hb->header;
	put(hb, at, hb_protect(hb, at, to));
}

static void a_fastbin_that_bites_its_tail_ends_breaker(struct heap_builder *hb,
						       const struct hb_scene *s)
{
	link_fast(hb, s->fast[0], hb_addr(hb, s->fast[2]));
}
TEST(a_fastbin_that_bites_its_tail_ends, 17, 42, "list-cycle", 0)

static void
a_fastbin_link_into_nowhere_is_found_breaker(struct heap_builder *hb,
					     const struct hb_scene *s)
{
	/* Aligned as a chunk is. */
	link_fast(hb, s->fast[1], 0x10000 + hb->align - hb->header);
}
TEST(a_fastbin_link_into_nowhere_is_found, 17, 42, "list-entry-outside-heap", 1)

static void
a_misaligned_fastbin_entry_is_found_breaker(struct heap_builder *hb,
					    const struct hb_scene *s)
{
	link_fast(hb, s->fast[1], hb_addr(hb, s->fast[0]) + 4);
}
TEST(a_misaligned_fastbin_entry_is_found, 17, 42, "list-entry-misaligned", 1)

static void
a_chunk_in_the_wrong_fastbin_is_found_breaker(struct heap_builder *hb,
					      const struct hb_scene *s)
{
	/* A smaller chunk in use, at the end of the list. */
	link_fast(hb, s->fast[0], hb_addr(hb, s->used + 1));
}
TEST(a_chunk_in_the_wrong_fastbin_is_found, 17, 42, "list-entry-of-wrong-size",
     1)

static void
a_chunk_in_tcache_and_fastbin_is_found_breaker(struct heap_builder *hb,
					       const struct hb_scene *s)
{
	/* In an empty tcache bin of the same size: a double free. */
	size_t c = s->fast[0];
	hs_addr at = hb_user(hb, c);
	put(hb, tcache_entry(hb, s->main_thread, c), at);
	put(hb, at, hb_protect(hb, at, 0));
}
TEST(a_chunk_in_tcache_and_fastbin_is_found, 26, 42, "chunk-on-two-lists", 1)

/* --- bins --------------------------------------------------------------- */

/* In a list that is linked both ways, where a cycle begins a link is broken. */
#define CYCLE_OR_LINK "list-cycle|list-link-broken"

#define FD(hb, chunk) (hb_addr(hb, chunk) + 2 * (hb)->word)
#define BK(hb, chunk) (hb_addr(hb, chunk) + 3 * (hb)->word)

static void a_broken_back_link_is_found_breaker(struct heap_builder *hb,
						const struct hb_scene *s)
{
	put(hb, BK(hb, s->small[1]), hb_addr(hb, s->used + 4));
}
TEST(a_broken_back_link_is_found, 17, 44, "list-link-broken", 0)

static void
a_forward_link_into_nowhere_is_found_breaker(struct heap_builder *hb,
					     const struct hb_scene *s)
{
	/* What lies behind it is reached from the other end. */
	put(hb, FD(hb, s->small[1]), 0x4141414141414141);
}
TEST(a_forward_link_into_nowhere_is_found, 17, 44,
     "list-entry-outside-heap|list-link-broken", 1)

static void a_small_bin_that_never_returns_to_its_head_ends_breaker(
	struct heap_builder *hb, const struct hb_scene *s)
{
	put(hb, FD(hb, s->small[0]), hb_addr(hb, s->small[2]));
}
TEST(a_small_bin_that_never_returns_to_its_head_ends, 17, 44, CYCLE_OR_LINK, 0)

static void
a_large_bin_that_bites_its_tail_ends_breaker(struct heap_builder *hb,
					     const struct hb_scene *s)
{
	put(hb, FD(hb, s->large[0]), hb_addr(hb, s->large[0]));
}
TEST(a_large_bin_that_bites_its_tail_ends, 17, 44, CYCLE_OR_LINK, 0)

static void
an_unsorted_bin_that_bites_its_tail_ends_breaker(struct heap_builder *hb,
						 const struct hb_scene *s)
{
	put(hb, FD(hb, s->unsorted[0]), hb_addr(hb, s->unsorted[1]));
	put(hb, BK(hb, s->unsorted[1]), hb_addr(hb, s->unsorted[0]));
}
TEST(an_unsorted_bin_that_bites_its_tail_ends, 17, 44, CYCLE_OR_LINK, 5)

static void
a_chunk_in_the_wrong_small_bin_is_found_breaker(struct heap_builder *hb,
						const struct hb_scene *s)
{
	/* The whole list moves to the head of a bin for other sizes. */
	unsigned bin = hb->chunk[s->small[0]].bin;
	hs_addr from = hb_bin_head(hb, HB_MAIN, bin);
	hs_addr to = hb_bin_head(hb, HB_MAIN, bin + 3);
	hs_addr fd = 2 * hb->word, bk = 3 * hb->word;
	put(hb, to + fd, get(hb, from + fd));
	put(hb, to + bk, get(hb, from + bk));
	put(hb, get(hb, from + fd) + bk, to);
	put(hb, get(hb, from + bk) + fd, to);
	put(hb, from + fd, from);
	put(hb, from + bk, from);
}
TEST(a_chunk_in_the_wrong_small_bin_is_found, 17, 44,
     "list-entry-of-wrong-size", 3)

static void
a_bin_head_that_was_smashed_is_found_breaker(struct heap_builder *hb,
					     const struct hb_scene *s)
{
	hs_addr head = hb_bin_head(hb, HB_MAIN, hb->chunk[s->small[0]].bin);
	put(hb, head + 2 * hb->word, 0x4343434343434343);
	put(hb, head + 3 * hb->word, 0x4343434343434343);
}
TEST(a_bin_head_that_was_smashed_is_found, 17, 44,
     "list-entry-outside-heap|list-link-broken", 3)

static void
a_block_that_is_also_in_a_bin_is_found_breaker(struct heap_builder *hb,
					       const struct hb_scene *s)
{
	/* Two claims: the unsorted list goes on into a small bin's chunk. */
	size_t last = s->unsorted[0];
	put(hb, FD(hb, last), hb_addr(hb, s->small[0]));
}
TEST(a_block_that_is_also_in_a_bin_is_found, 17, 44,
     "chunk-on-two-lists|list-link-broken", 3)

/* --- arenas and heaps --------------------------------------------------- */

static void
a_ring_of_arenas_that_leads_nowhere_is_found_breaker(struct heap_builder *hb,
						     const struct hb_scene *s)
{
	put(hb, hb_arena_field(hb, s->arena, HS_FIELD_ARENA_NEXT), 0x1000);
}
TEST(a_ring_of_arenas_that_leads_nowhere_is_found, 17, 44, "arena-ring-broken",
     ONE_PERCENT)

static void a_ring_of_arenas_without_main_ends_breaker(struct heap_builder *hb,
						       const struct hb_scene *s)
{
	put(hb, hb_arena_field(hb, s->arena, HS_FIELD_ARENA_NEXT),
	    hb->arena[s->idle].addr);
}
TEST(a_ring_of_arenas_without_main_ends, 17, 44, "arena-ring-broken",
     ONE_PERCENT)

static void
a_chain_of_heaps_that_leads_nowhere_is_found_breaker(struct heap_builder *hb,
						     const struct hb_scene *s)
{
	put(hb,
	    hb_heap_info(hb, s->arena, 1) +
		    hb->layout.field[HS_FIELD_HEAP_PREV].offset,
	    0x12345000);
}
TEST(a_chain_of_heaps_that_leads_nowhere_is_found, 17, 44, "heap-chain-broken",
     75) /* what the oldest heap holds cannot be reached */

static void
a_chain_of_heaps_that_bites_its_tail_ends_breaker(struct heap_builder *hb,
						  const struct hb_scene *s)
{
	put(hb,
	    hb_heap_info(hb, s->arena, 0) +
		    hb->layout.field[HS_FIELD_HEAP_PREV].offset,
	    hb_heap_info(hb, s->arena, 2));
}
TEST(a_chain_of_heaps_that_bites_its_tail_ends, 17, 44, "heap-chain-broken",
     ONE_PERCENT)

static void a_heap_of_another_arena_is_found_breaker(struct heap_builder *hb,
						     const struct hb_scene *s)
{
	put(hb,
	    hb_heap_info(hb, s->arena, 1) +
		    hb->layout.field[HS_FIELD_HEAP_AR_PTR].offset,
	    0x7777777777777777);
}
TEST(a_heap_of_another_arena_is_found, 17, 44, "heap-chain-broken", 100)

static void
a_heap_that_claims_everything_is_found_breaker(struct heap_builder *hb,
					       const struct hb_scene *s)
{
	put(hb,
	    hb_heap_info(hb, s->arena, 2) +
		    hb->layout.field[HS_FIELD_HEAP_SIZE].offset,
	    UINT64_C(1) << (8 * hb->word - 1));
}
TEST(a_heap_that_claims_everything_is_found, 17, 44, "heap-chain-broken",
     ONE_PERCENT + 15)

/* --- sums ---------------------------------------------------------------- */

static void a_wrong_system_mem_is_reported_breaker(struct heap_builder *hb,
						   const struct hb_scene *s)
{
	hs_addr at = hb_arena_field(hb, s->arena, HS_FIELD_ARENA_SYSTEM_MEM);
	put(hb, at, get(hb, at) + 0x3000);
	at = hb_arena_field(hb, s->arena, HS_FIELD_ARENA_MAX_SYSTEM_MEM);
	put(hb, at, get(hb, at) + 0x3000);
}
TEST(a_wrong_system_mem_is_reported, 17, 44, "system-mem-mismatch", 0)

static void
a_mmapped_chunk_that_is_not_found_is_reported_breaker(struct heap_builder *hb,
						      const struct hb_scene *s)
{
	put(hb, size_word(hb, s->mmapped[1]), 0x123);
}
TEST(a_mmapped_chunk_that_is_not_found_is_reported, 17, 44, "mmapped-mismatch",
     1)

static void a_smashed_malloc_par_is_reported_breaker(struct heap_builder *hb,
						     const struct hb_scene *s)
{
	(void)s;
	for (unsigned i = 0; i < 160; i += 4)
		fake_target_put_uint(&hb->target, hb->malloc_par + i, 4,
				     0x5a5a5a5a);
}
TEST(a_smashed_malloc_par_is_reported, 17, 44, "malloc-par-not-found", 0)

/* --- everything at once -------------------------------------------------- */

/* Between them enough is sound to find the way again. */
static void many_smashed_chunks_cost_little_more_than_themselves(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene s;
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &s);
	unsigned smashed = 0;
	for (size_t i = 3; i < s.used_count; i += 16) {
		put(&hb, size_word(&hb, s.used + i), 0xdeadbeefcafe0000 + i);
		smashed++;
	}
	struct hs_heap *heap = scan(&hb);
	/* Each may cost the one before it as well. */
	assert_in_range(hb_chunks_wrong(&hb, heap, false), 0, 2 * smashed);
	hs_heap_free(heap);
	hb_release(&hb);
}

/* Problems of one kind are cut off, and the last one says how many. */
static void the_same_problem_everywhere_is_counted_not_repeated(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene s;
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &s);
	for (size_t i = 1; i < s.used_count; i += 11)
		put(&hb, size_word(&hb, s.used + i), 3);
	struct hs_heap *heap = scan(&hb);
	assert_int_equal(hb_problems(heap, "chunk-size-invalid", HS_NOTE),
			 HS_LIMIT_PROBLEMS_PER_CODE + 1);
	hs_heap_free(heap);
	hb_release(&hb);
}

static void a_locked_arena_is_said_to_be_locked(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene s;
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &s);
	fake_target_put_uint(&hb.target,
			     hb_arena_field(&hb, s.arena, HS_FIELD_ARENA_MUTEX),
			     4, 1);
	struct hs_heap *heap = scan(&hb);
	assert_int_equal(hb_problems(heap, "arena-locked", HS_NOTE), 1);
	assert_int_equal(hb_problems(heap, NULL, HS_WARNING), 0);
	unsigned locked = 0;
	for (size_t i = 0; i < hs_heap_arena_count(heap); i++) {
		struct hs_arena_info info;
		hs_heap_arena(heap, i, &info);
		locked += info.locked;
		assert_int_equal(info.locked,
				 info.addr == hb.arena[s.arena].addr);
	}
	assert_int_equal(locked, 1);
	hs_heap_free(heap);
	hb_release(&hb);
}

/* A thread was in the middle of malloc: one chunk may be half done. */
static void an_oddity_in_a_locked_arena_is_motion_not_damage(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene s;
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &s);
	fake_target_put_uint(&hb.target,
			     hb_arena_field(&hb, HB_MAIN, HS_FIELD_ARENA_MUTEX),
			     4, 1);
	put(&hb, behind(&hb, s.small[1]), 0x40);
	struct hs_heap *heap = scan(&hb);
	assert_int_equal(hb_problems(heap, "allocator-in-motion", HS_NOTE), 1);
	assert_int_equal(hb_problems(heap, NULL, HS_DAMAGE), 0);
	hs_heap_free(heap);
	hb_release(&hb);
}

/* Those that it had in its hands are free or will be used: of no state, but
 * nothing is missing. */
static void chunks_that_malloc_has_in_hand_are_accounted_for(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene s;
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &s);
	fake_target_put_uint(&hb.target,
			     hb_arena_field(&hb, HB_MAIN, HS_FIELD_ARENA_MUTEX),
			     4, 1);
	hs_addr head = hb_bin_head(&hb, HB_MAIN, hb.chunk[s.small[0]].bin);
	put(&hb, head + 16, head);
	put(&hb, head + 24, head);
	struct hs_heap *heap = scan(&hb);
	assert_int_equal(hb_problems(heap, "allocator-in-motion", HS_NOTE), 3);
	assert_int_equal(hb_problems(heap, "system-mem-mismatch", HS_NOTE), 0);
	struct hs_heap_checks checks;
	hs_heap_checks(heap, &checks);
	assert_true(checks.complete);
	assert_true(checks.system_mem_walked == checks.system_mem_expected);
	hs_heap_free(heap);
	hb_release(&hb);
}

/* One smashed chunk must not cost the piece of the main arena it lies in. */
static void damage_in_a_scattered_main_arena_stays_local(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERSION_COUNT; i++)
		for (unsigned arch = 0; arch < 2; arch++) {
			struct heap_builder hb;
			struct hb_scene s;
			hb_build(&hb, versions[i], (enum hs_arch)arch,
				 HB_WITH_BRK_BLOCKED, &s);
			put(&hb, size_word(&hb, s.used + 200),
			    0x4242424242424242);
			/* And the 20th chunk of each mmapped piece. */
			unsigned nth[HB_MAX_REGIONS] = { 0 }, smashed = 1;
			for (size_t c = 0; c < hb.chunk_count; c++) {
				size_t r = hb.chunk[c].region;
				if (hb.region[r].kind != HB_REGION_EXTRA ||
				    ++nth[r] != 20)
					continue;
				put(&hb, size_word(&hb, c), 0x42424243);
				smashed++;
			}
			assert_int_equal(smashed, 3);
			struct hs_heap *heap = scan(&hb);
			assert_int_equal(hb_problems(heap, "chunk-size-invalid",
						     HS_NOTE),
					 smashed);
			assert_in_range(hb_chunks_wrong(&hb, heap, false), 0,
					smashed + ONE_PERCENT);
			hs_heap_free(heap);
			hb_release(&hb);
		}
}

static void a_sound_heap_has_no_damage_after_all(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene s;
	hb_build(&hb, 31, HS_ARCH_X86_64, 0, &s);
	struct hs_heap *heap = scan(&hb);
	assert_int_equal(hb_problems(heap, NULL, HS_WARNING), 0);
	assert_int_equal(hb_chunks_wrong(&hb, heap, false), 0);
	hs_heap_free(heap);
	hb_release(&hb);
}

/* A cache that is known by its shape alone is walked after the heap: where its
 * lists lead astray is found all the same. */
static void lists_of_a_cache_without_a_thread_lead_astray_too(void **state)
{
	(void)state;
	for (unsigned version = 26; version <= 44; version++)
		for (unsigned into = 0; into < 2; into++) {
			struct heap_builder hb;
			struct hb_scene s;
			hb_build(&hb, version, HS_ARCH_AARCH64, 0, &s);
			struct hs_thread_list *threads =
				&hb.target.base.threads;
			for (size_t t = 0; t < threads->count; t++)
				threads->thread[t].tls_base = HS_NO_ADDR;
			/* Handed out last, so the list goes on behind it. */
			hs_addr entry = hb_user(&hb, s.tcached[2]);
			hs_addr to = into ? hb_user(&hb, s.small[0])
					  : hb_user(&hb, s.used + 30) + 32;
			fake_target_put(&hb.target, entry,
					hb_safe_linking(&hb)
						? hb_protect(&hb, entry, to)
						: to);
			struct hs_heap *heap = NULL;
			assert_int_equal(hs_heap_scan(&hb.target.base, NULL,
						      NULL, &heap, NULL),
					 HS_OK);
			const char *code = into ? "chunk-on-two-lists"
						: "list-entry-is-no-chunk";
			if (hb_problems(heap, code, HS_DAMAGE) == 0)
				fail_msg("glibc 2.%u: no %s", version, code);
			assert_int_equal(hb_promises_broken(heap), 0);
			hs_heap_free(heap);
			hb_release(&hb);
		}
}

/* Nothing but the bins shows what the arena is, and how it is laid out must
 * come from elsewhere: libc's version, or malloc_par. */
static void the_only_arena_with_a_smashed_next_is_found(void **state)
{
	(void)state;
	for (unsigned version = 17; version <= 44; version++)
		for (unsigned n = 0; n < 6; n++) {
			struct heap_builder hb;
			hb_init(&hb, version, (enum hs_arch)(n % 3));
			hb.no_version_text = n >= 3;
			size_t t = hb_thread(&hb, HB_MAIN);
			hb_tcache(&hb, t);
			(void)hb_alloc_many(&hb, HB_MAIN, 100, 30);
			if (hb_has_fastbins(&hb))
				hb_to_fastbin(&hb, hb_alloc(&hb, HB_MAIN, 20));
			size_t c = hb_alloc(&hb, HB_MAIN, 900);
			(void)hb_alloc(&hb, HB_MAIN, 24);
			hb_to_bin(&hb, c);
			hb_finish(&hb);
			fake_target_put(&hb.target,
					hb_arena_field(&hb, HB_MAIN,
						       HS_FIELD_ARENA_NEXT),
					0x4141414141414141);
			struct hs_heap *heap = NULL;
			struct hs_error err = { .text = "" };
			if (hs_heap_scan(&hb.target.base, NULL, NULL, &heap,
					 &err))
				fail_msg("glibc 2.%u, machine %u: %s", version,
					 n % 3, err.text);
			assert_int_equal(
				hb_problems(heap, "arena-ring-broken", 0), 1);
			if (hb_chunks_wrong(&hb, heap, false) != 0)
				fail_msg("glibc 2.%u, machine %u", version, n);
			hs_heap_free(heap);
			hb_release(&hb);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			lists_of_a_cache_without_a_thread_lead_astray_too),
		cmocka_unit_test(the_only_arena_with_a_smashed_next_is_found),
		cmocka_unit_test(a_sound_heap_has_no_damage_after_all),
		cmocka_unit_test(a_size_of_zero_is_found_and_the_walk_goes_on),
		cmocka_unit_test(a_size_with_the_top_bit_set_is_no_size),
		cmocka_unit_test(a_size_that_wraps_the_address_is_no_size),
		cmocka_unit_test(a_size_below_the_minimum_is_no_size),
		cmocka_unit_test(
			a_size_that_reaches_behind_the_heap_is_no_size),
		cmocka_unit_test(text_over_several_headers_loses_only_those),
		cmocka_unit_test(zeroes_over_several_headers_lose_only_those),
		cmocka_unit_test(a_smashed_size_in_a_thread_arena_is_found),
		cmocka_unit_test(a_size_that_reaches_into_a_neighbour_is_found),
		cmocka_unit_test(
			a_size_that_reaches_over_a_hundred_chunks_is_found),
		cmocka_unit_test(a_size_that_was_cut_short_costs_one_chunk),
		cmocka_unit_test(a_smashed_top_size_is_found),
		cmocka_unit_test(a_top_size_of_zero_is_found),
		cmocka_unit_test(a_wrong_prev_size_is_found),
		cmocka_unit_test(a_free_chunk_that_no_list_knows_is_found),
		cmocka_unit_test(a_binned_chunk_marked_in_use_is_found),
		cmocka_unit_test(a_tcache_list_that_bites_its_tail_ends),
		cmocka_unit_test(a_tcache_entry_that_is_its_own_next_ends),
		cmocka_unit_test(a_misaligned_tcache_entry_is_found),
		cmocka_unit_test(a_tcache_link_into_nowhere_is_found),
		cmocka_unit_test(a_tcache_link_into_a_block_is_found),
		cmocka_unit_test(a_chunk_in_the_wrong_tcache_bin_is_found),
		cmocka_unit_test(a_wrong_tcache_count_is_found),
		cmocka_unit_test(a_chunk_in_two_tcaches_is_found),
		cmocka_unit_test(a_fastbin_that_bites_its_tail_ends),
		cmocka_unit_test(a_fastbin_link_into_nowhere_is_found),
		cmocka_unit_test(a_misaligned_fastbin_entry_is_found),
		cmocka_unit_test(a_chunk_in_the_wrong_fastbin_is_found),
		cmocka_unit_test(a_chunk_in_tcache_and_fastbin_is_found),
		cmocka_unit_test(a_broken_back_link_is_found),
		cmocka_unit_test(a_forward_link_into_nowhere_is_found),
		cmocka_unit_test(
			a_small_bin_that_never_returns_to_its_head_ends),
		cmocka_unit_test(a_large_bin_that_bites_its_tail_ends),
		cmocka_unit_test(an_unsorted_bin_that_bites_its_tail_ends),
		cmocka_unit_test(a_chunk_in_the_wrong_small_bin_is_found),
		cmocka_unit_test(a_bin_head_that_was_smashed_is_found),
		cmocka_unit_test(a_block_that_is_also_in_a_bin_is_found),
		cmocka_unit_test(a_ring_of_arenas_that_leads_nowhere_is_found),
		cmocka_unit_test(a_ring_of_arenas_without_main_ends),
		cmocka_unit_test(a_chain_of_heaps_that_leads_nowhere_is_found),
		cmocka_unit_test(a_chain_of_heaps_that_bites_its_tail_ends),
		cmocka_unit_test(a_heap_of_another_arena_is_found),
		cmocka_unit_test(a_heap_that_claims_everything_is_found),
		cmocka_unit_test(a_wrong_system_mem_is_reported),
		cmocka_unit_test(a_mmapped_chunk_that_is_not_found_is_reported),
		cmocka_unit_test(a_smashed_malloc_par_is_reported),
		cmocka_unit_test(
			many_smashed_chunks_cost_little_more_than_themselves),
		cmocka_unit_test(
			the_same_problem_everywhere_is_counted_not_repeated),
		cmocka_unit_test(a_locked_arena_is_said_to_be_locked),
		cmocka_unit_test(
			an_oddity_in_a_locked_arena_is_motion_not_damage),
		cmocka_unit_test(
			chunks_that_malloc_has_in_hand_are_accounted_for),
		cmocka_unit_test(damage_in_a_scattered_main_arena_stays_local),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
