/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HEAP_SCENARIO_H
#define TESTS_HEAP_SCENARIO_H

#include "support/heap_builder.h"

/* What a whole process image is made of, beyond the usual. */
#define HB_WITH_FOREIGN_SBRK 1u
#define HB_WITH_BRK_BLOCKED 2u
#define HB_WITH_STATIC_START 4u /* the heap begins inside a page */
#define HB_WITH_BIG_TCACHE 8u   /* 2.42 and later */
#define HB_WITHOUT_VERSION 16u  /* no version string in memory */

/* Handles into it, for tests that damage something. Two of a kind where there
 * is a list, so that the list has a middle. */
struct hb_scene {
	size_t main_thread, other_thread, late_thread;
	size_t arena, idle; /* thread arenas */
	size_t used;        /* 400 neighbours in use, main arena */
	size_t used_count;
	size_t tcached[3];       /* one bin of the main thread's tcache */
	size_t other_tcached[2]; /* of the other thread's */
	size_t fast[3];          /* HB_NONE without fastbins */
	size_t unsorted[2];
	size_t small[3]; /* of one size */
	size_t large[4]; /* three sizes of one bin, the middle one twice */
	size_t other_used, other_used_count; /* in the thread arena */
	size_t other_small[2];
	size_t mmapped[4]; /* the third is memalign'd */
};

/*
 * A process with three threads, three arenas (one has two heaps, one is idle)
 * and something in every state that the release knows. hb_init() before,
 * hb_finish() after.
 */
void hb_everything(struct heap_builder *hb, unsigned with,
		   struct hb_scene *scene);

/* hb_init(), hb_everything(), hb_finish(). */
void hb_build(struct heap_builder *hb, unsigned version, enum hs_arch arch,
	      unsigned with, struct hb_scene *scene);

#endif
