/* SPDX-License-Identifier: MIT */
#include "support/heap_scenario.h"

/* A chunk to free, and one in use behind it: neighbours in bins would merge. */
static size_t apart(struct heap_builder *hb, size_t arena, uint64_t request)
{
	size_t chunk = hb_alloc(hb, arena, request);
	(void)hb_alloc(hb, arena, 40);
	return chunk;
}

static void free_lists(struct heap_builder *hb, struct hb_scene *s)
{
	for (unsigned i = 0; i < 3; i++) {
		s->fast[i] = HB_NONE;
		if (hb_has_tcache(hb)) {
			s->tcached[i] = hb_alloc(hb, HB_MAIN, 56);
			hb_to_tcache(hb, s->tcached[i], s->main_thread);
		} else {
			s->tcached[i] = HB_NONE;
		}
		if (hb_has_fastbins(hb)) {
			s->fast[i] = hb_alloc(hb, HB_MAIN, 40);
			hb_to_fastbin(hb, s->fast[i]);
		}
	}
	/* A list of one, and fastbins of other sizes. */
	size_t one = hb_alloc(hb, HB_MAIN, 200);
	if (hb_has_tcache(hb))
		hb_to_tcache(hb, one, s->main_thread);
	one = hb_alloc(hb, HB_MAIN, 20);
	if (hb_has_fastbins(hb))
		hb_to_fastbin(hb, one);
	for (unsigned i = 0; i < 2; i++) {
		s->unsorted[i] = apart(hb, HB_MAIN, 300 + 1200 * i);
		hb_to_unsorted(hb, s->unsorted[i]);
	}
	for (unsigned i = 0; i < 3; i++) {
		s->small[i] = apart(hb, HB_MAIN, 150);
		hb_to_bin(hb, s->small[i]);
	}
	hb_to_bin(hb, apart(hb, HB_MAIN, 250));
	/* Bin of sizes 0x3000 to 0x3fff on all machines. */
	static const uint64_t sizes[4] = { 0x3100, 0x3200, 0x3200, 0x3300 };
	for (unsigned i = 0; i < 4; i++) {
		s->large[i] = apart(hb, HB_MAIN, sizes[i]);
		hb_to_bin(hb, s->large[i]);
	}
	hb_to_bin(hb, apart(hb, HB_MAIN, 0x500));
}

static void thread_arena(struct heap_builder *hb, struct hb_scene *s)
{
	s->arena = hb_arena(hb);
	s->other_thread = hb_thread(hb, s->arena);
	hb_tcache(hb, s->other_thread);
	s->other_used_count = 50;
	s->other_used = hb_alloc_many(hb, s->arena, 100, s->other_used_count);
	for (unsigned i = 0; i < 2; i++) {
		s->other_tcached[i] = HB_NONE;
		s->other_small[i] = apart(hb, s->arena, 170);
		hb_to_bin(hb, s->other_small[i]);
	}
	if (hb_has_tcache(hb)) {
		s->other_tcached[0] = hb_alloc(hb, s->arena, 70);
		/* Any thread may keep chunks of any arena. */
		s->other_tcached[1] = hb_alloc(hb, HB_MAIN, 70);
		for (unsigned i = 0; i < 2; i++)
			hb_to_tcache(hb, s->other_tcached[i], s->other_thread);
	}
	if (hb_has_fastbins(hb))
		hb_to_fastbin(hb, hb_alloc(hb, s->arena, 24));
	hb_to_unsorted(hb, apart(hb, s->arena, 2000));
	(void)hb_alloc(hb, s->arena, 300);
	hb_to_bin(hb, hb_new_heap(hb, s->arena));
	(void)hb_alloc_many(hb, s->arena, 600, 20);
	hb_to_bin(hb, apart(hb, s->arena, 1000));
	hb_new_heap_tight(hb, s->arena);
	(void)hb_alloc_many(hb, s->arena, 30, 10);
}

void hb_everything(struct heap_builder *hb, unsigned with, struct hb_scene *s)
{
	*s = (struct hb_scene){ 0 };
	hb->no_version_text = (with & HB_WITHOUT_VERSION) != 0;
	hb->big_tcache = (with & HB_WITH_BIG_TCACHE) != 0 && hb->version >= 42;
	if (with & HB_WITH_STATIC_START)
		hb_brk_begins_at(hb, 0xd00);

	s->main_thread = hb_thread(hb, HB_MAIN);
	/* From 2.43 on a tcache is made when it is first needed. */
	if (hb->version >= 43)
		(void)hb_alloc_many(hb, HB_MAIN, 500, 7);
	hb_tcache(hb, s->main_thread);
	s->used_count = 400;
	s->used = hb_alloc(hb, HB_MAIN, 1);
	for (size_t i = 1; i < s->used_count; i++)
		(void)hb_alloc(hb, HB_MAIN, i % 37 * 9 + 1);
	free_lists(hb, s);

	thread_arena(hb, s);
	s->idle = hb_arena(hb);
	(void)hb_alloc_many(hb, s->idle, 80, 5);
	hb_to_bin(hb, apart(hb, s->idle, 400));
	hb_idle(hb, s->idle);
	s->late_thread = hb_thread(hb, HB_NONE); /* has not allocated */

	if (with & HB_WITH_FOREIGN_SBRK) {
		(void)hb_alloc(hb, HB_MAIN, 24);
		hb_to_bin(hb, hb_foreign_sbrk(hb, 0x1234));
		(void)hb_alloc_many(hb, HB_MAIN, 60, 30);
		hb_to_bin(hb, apart(hb, HB_MAIN, 180));
	}
	if (with & HB_WITH_BRK_BLOCKED) {
		for (unsigned i = 0; i < 2; i++) {
			(void)hb_alloc(hb, HB_MAIN, 24);
			hb_to_bin(hb, hb_brk_blocked(hb));
			(void)hb_alloc_many(hb, HB_MAIN, 90, 25);
			hb_to_bin(hb, apart(hb, HB_MAIN, 280));
		}
	}

	s->mmapped[0] = hb_mmapped(hb, 0x21000);
	s->mmapped[1] = hb_mmapped(hb, 0x30123);
	s->mmapped[2] = hb_mmapped_aligned(hb, 0x24000, 0x1000);
	(void)hb_mmapped_aligned(hb, 0x23000, 0x40);
	hb_mmapped_pages(hb, 3, false);
	s->mmapped[3] = hb_mmapped(hb, 0x22000);
	hb_mmapped_pages(hb, 2, true);
	(void)hb_mmapped(hb, 0x40000);
	if (hb->big_tcache) {
		for (unsigned i = 0; i < 3; i++)
			hb_to_tcache(hb, apart(hb, HB_MAIN, 0x900 + 0x100 * i),
				     s->main_thread);
		if (hb->version >= 43)
			hb_to_tcache(hb, hb_mmapped(hb, 0x28000),
				     s->other_thread);
	}
	(void)hb_alloc(hb, HB_MAIN, 24); /* nothing binned below top */
}

void hb_build(struct heap_builder *hb, unsigned version, enum hs_arch arch,
	      unsigned with, struct hb_scene *scene)
{
	hb_init(hb, version, arch);
	hb_everything(hb, with, scene);
	hb_finish(hb);
}
