/* SPDX-License-Identifier: MIT */
#include "backends/registry.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"

#define THREADS 4u
#define ROUNDS 40u
#define PATIENCE 30000 /* ms, all rounds together */

/* Each on a cache line of its own, shared with the test. */
struct counter {
	volatile uint64_t value;
	char pad[56];
};

static void nap(long ns)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

static void *count(void *arg)
{
	struct counter *c = arg;
	for (;;) {
		c->value++;
		nap(20000);
	}
	return NULL;
}

static void start_counting(void *arg)
{
	pthread_t thread;
	struct counter *c = arg;
	/* Enough memory for the copy to take a while. */
	uint8_t *p = malloc((size_t)48 << 20);
	for (size_t i = 0; p && i < (size_t)48 << 20; i += 4096)
		p[i] = 1;
	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, count, &c[i]))
			_exit(1);
	child_tell(0);
}

/* Open the target again and again, until somebody ends us. */
static void look_without_end(void *arg)
{
	char spec[16];
	struct hs_open_options opt = { .struct_size = sizeof(opt),
				       .backend = "live" };
	(void)snprintf(spec, sizeof(spec), "%d", (int)*(pid_t *)arg);
	child_tell(0);
	for (;;) {
		struct hs_target *t = NULL;
		if (hs_target_open(spec, &opt, &t, NULL))
			_exit(1);
		hs_target_close(t);
	}
}

static int64_t now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * Freeze LOOKER while TARGET stands: what is frozen cannot let go, so that
 * the stop lasts until the looker is killed. The stops are too short to be met
 * by looking now and then; hence in a loop, until DEADLINE.
 */
static bool freeze_in_stop(pid_t looker, pid_t target, int64_t deadline)
{
	do {
		assert_int_equal(kill(looker, SIGSTOP), 0);
		wait_for_state(looker, looker, 'T');
		if (thread_state(target, target) == 't')
			return true;
		assert_int_equal(kill(looker, SIGCONT), 0);
		/* Not in step with its rounds. */
		nap((long)(looker % 7 + now_ms() % 13) * 50000);
	} while (now_ms() < deadline);
	return false;
}

static void assert_counts_on(const struct counter *c)
{
	uint64_t before = c->value;
	for (int i = 0; i < 60000 && c->value == before; i++)
		nap(1000000);
	assert_true(c->value != before);
}

static void the_target_runs_on_when_we_are_killed_at_any_moment(void **state)
{
	(void)state;
	struct counter *c =
		mmap(NULL, sizeof(*c) * THREADS, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(c, MAP_FAILED);
	struct child target = child_start(start_counting, c);
	(void)child_hear(&target);
	unsigned stopped = 0;
	int64_t deadline = now_ms() + PATIENCE;
	unsigned short seed[3] = { 1, 2, 3 };
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct child looker =
			child_start(look_without_end, &target.pid);
		(void)child_hear(&looker);
		/* Any moment at all, and any moment of the stop. */
		nap((long)(erand48(seed) * 40e6));
		if (round % 2)
			stopped += freeze_in_stop(looker.pid, target.pid,
						  deadline);
		assert_int_equal(kill(looker.pid, SIGKILL), 0);
		int status;
		assert_int_equal(waitpid(looker.pid, &status, 0), looker.pid);
		assert_true(WIFSIGNALED(status)); /* it had not failed */
		(void)close(looker.to);
		(void)close(looker.from);

		assert_all_run(target.pid);
		for (unsigned i = 0; i < THREADS; i++)
			assert_counts_on(&c[i]);
		child_ping(&target);
	}
	print_message("killed %u times, %u of them in the middle of a stop\n",
		      ROUNDS, stopped);
	child_end(&target);
	(void)munmap(c, sizeof(*c) * THREADS);
	if (stopped == 0) {
		print_message("skipped: no stop was met in %d ms\n", PATIENCE);
		skip();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_target_runs_on_when_we_are_killed_at_any_moment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
