/* SPDX-License-Identifier: MIT */
/*
 * A thread that a signal stopped at every instruction of malloc and free in
 * turn, as crash handlers stop all threads but one: its pc is in the handler,
 * and what it was doing is half done.
 */
#include "core/backend.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include <heapscan/heap.h>

#include "support/child.h"
#include "support/heap_expect.h"

/* The flag of x86 that ends every instruction with a signal. */
#define TRAP_FLAG 0x100

/* What is done once the thread is about to be stopped. */
enum deed {
	FREE_SMALL,
	MALLOC_SMALL,
	FREE_LARGE,
	MALLOC_LARGE,
	EMPTY_FASTBIN,
	DEEDS
};

/* More than a tcache takes. */
#define FREED 24u
static void *freed[FREED];

static volatile sig_atomic_t armed;
static volatile uint64_t steps, stop_at;

/* The first one, by raise(), begins; those after it are instructions. */
static void on_trap(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
#ifdef __x86_64__
	ucontext_t *c = context;
	if (armed && ++steps < stop_at) {
		c->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
		return;
	}
	c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	if (!armed)
		return;
	armed = false;
	child_tell(1);
	(void)child_wait();
#else
	(void)context;
#endif
}

static void do_it(enum deed deed, void **block)
{
	switch (deed) {
	case FREE_SMALL:
	case FREE_LARGE:
		free(*block);
		*block = NULL;
		break;
	case MALLOC_SMALL:
		*block = malloc(100);
		break;
	case MALLOC_LARGE:
	case EMPTY_FASTBIN: /* as large requests do first of all */
		*block = malloc(5000);
		break;
	case DEEDS:
		break;
	}
}

/* Every other of a row of blocks, so that none joins its neighbour. */
static void fill_fastbin(void *wall[FREED])
{
	for (unsigned i = 0; i < FREED; i++) {
		freed[i] = malloc(72);
		wall[i] = malloc(40);
	}
	for (unsigned i = 0; i < FREED; i++)
		free(freed[i]);
}

static void deeds(void *arg)
{
	struct sigaction act = { .sa_sigaction = on_trap,
				 .sa_flags = SA_SIGINFO };
	(void)arg;
	(void)sigaction(SIGTRAP, &act, NULL);
	for (;;) {
		enum deed deed = (enum deed)child_wait();
		uint64_t at = child_wait();
		bool is_large = deed == FREE_LARGE || deed == MALLOC_LARGE;
		void *block = NULL, *other = malloc(is_large ? 5000 : 100);
		void *wall = malloc(100); /* so that none ends at the top */
		if (deed == FREE_SMALL || deed == FREE_LARGE)
			block = malloc(is_large ? 5000 : 100);
		void *second = malloc(100);
		free(other);
		void *row[FREED] = { NULL };
		memset(freed, 0, sizeof(freed));
		if (deed == EMPTY_FASTBIN)
			fill_fastbin(row);
		steps = 0;
		stop_at = at;
		armed = true;
		(void)raise(SIGTRAP);
		do_it(deed, &block);
		bool stood = !armed;
		armed = false;
		free(block);
		free(second);
		free(wall);
		for (unsigned i = 0; i < FREED; i++)
			free(row[i]);
		if (!stood)
			child_tell(0);
	}
}

/* How many of the blocks that were freed are said to be used. */
static unsigned freed_in_use(const struct hs_target *t,
			     const struct hs_heap *heap)
{
	unsigned used = 0;
	for (unsigned i = 0; i < FREED; i++) {
		uint64_t block;
		struct hs_chunk_info c;
		size_t chunk;
		assert_int_equal(hs_target_read(t,
						(hs_addr)(uintptr_t)&freed[i],
						&block, sizeof(block), NULL),
				 HS_OK);
		if (!block || !hs_heap_find(heap, block, &chunk))
			continue;
		hs_heap_chunk(heap, chunk, &c);
		used += c.state == HS_CHUNK_USED;
	}
	return used;
}

/* What a scan of C says now. */
static void judge(const struct child *c, enum deed deed, uint64_t at,
		  unsigned *moving)
{
	char spec[16];
	struct hs_target *t = NULL;
	struct hs_symbols *syms = NULL;
	struct hs_heap *heap = NULL;
	struct hs_error err;
	(void)snprintf(spec, sizeof(spec), "%d", (int)c->pid);
	struct hs_open_options opt = { .struct_size = sizeof(opt),
				       .backend = "live" };
	enum hs_status st = hs_target_open(spec, &opt, &t, &err);
	if (st == HS_ERR_PERMISSION) {
		print_message("skipped: %s\n", err.text);
		exit(77);
	}
	assert_int_equal(st, HS_OK);
	/* Without debug files: no names for what malloc() calls. */
	struct hs_symbols_options bare = { .struct_size = sizeof(bare),
					   .debug_dirs = "/nonexistent" };
	assert_int_equal(hs_symbols_new(t, &bare, &syms, NULL), HS_OK);
	assert_int_equal(hs_heap_scan(t, syms, NULL, &heap, NULL), HS_OK);
	if (hb_problems(heap, NULL, HS_DAMAGE)) {
		struct hs_problem_info p = { 0 };
		for (size_t i = 0; i < hs_heap_problem_count(heap); i++) {
			hs_heap_problem(heap, i, &p);
			if (p.severity == HS_DAMAGE)
				break;
		}
		fail_msg("deed %u, step %u: %s", (unsigned)deed, (unsigned)at,
			 p.message);
	}
	/* One may be in hand alone, and one half done. */
	if (freed_in_use(t, heap) > 2)
		fail_msg("deed %u, step %u: %u free blocks are said to be used",
			 (unsigned)deed, (unsigned)at, freed_in_use(t, heap));
	*moving += hb_problems(heap, "allocator-in-motion", HS_NOTE) > 0;
	hs_heap_free(heap);
	hs_symbols_free(syms);
	hs_target_close(t);
}

static void a_thread_stopped_anywhere_in_malloc_is_no_damage(void **state)
{
	(void)state;
#ifndef __x86_64__
	print_message("skipped: only on x86-64\n");
	exit(77);
#endif
	if (getenv("HS_SANITIZED")) {
		print_message("skipped: malloc is the sanitizer's here\n");
		exit(77);
	}
	unsigned moving = 0, looked = 0;
	for (unsigned deed = 0; deed < DEEDS; deed++) {
		struct child c = child_start(deeds, NULL);
		bool stands = true;
		/* It takes thousands of instructions. */
		unsigned stride = deed == EMPTY_FASTBIN ? 19 : 1;
		for (uint64_t at = 2; stands; at += stride) {
			child_say(&c, deed);
			child_say(&c, at);
			stands = child_hear(&c);
			if (!stands)
				break;
			judge(&c, (enum deed)deed, at, &moving);
			child_say(&c, 0);
			looked++;
		}
		child_end(&c);
	}
	print_message("%u places, %u of them odd\n", looked, moving);
	assert_true(looked > 100);
	assert_true(moving > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_thread_stopped_anywhere_in_malloc_is_no_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
