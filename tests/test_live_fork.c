/* SPDX-License-Identifier: MIT */
#include "backends/live_inject.h"
#include "backends/registry.h"
#include "core/backend.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"

#define ROUNDS 12u
#define KILLS 40u

/* What the target's first thread does while it is forked. */
enum occupation { SLEEP, POLL, WAIT, SUSPEND, COMPUTE, READ, OCCUPATIONS };

/* Shared with the target. */
struct seen {
	enum occupation does;
	volatile uint64_t rounds, wrong, children, alarms;
	volatile int first_wrong; /* errno */
	int never[2];             /* a pipe that nobody writes to */
};

static struct seen *seen_new(void)
{
	struct seen *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(s, MAP_FAILED);
	return s;
}

static struct seen *here; /* in the target */

static void on_child(int signal)
{
	(void)signal;
	here->children++;
}

static void on_alarm(int signal)
{
	(void)signal;
	here->alarms++;
}

static void expect(bool good)
{
	if (!good && here->wrong++ == 0)
		here->first_wrong = errno;
}

/* The same numbers come out however often it is interrupted. */
static bool compute(void)
{
	uint64_t n = 88172645463325252u;
	double sum = 0;
	for (unsigned i = 0; i < 200000; i++) {
		n ^= n << 13;
		n ^= n >> 7;
		n ^= n << 17;
		sum += (double)(n & 0xffff) / 3;
	}
	static uint64_t n_before;
	static double sum_before;
	bool same = !n_before || (n == n_before && sum == sum_before);
	n_before = n;
	sum_before = sum;
	return same;
}

static void occupy(const struct seen *s, sem_t *never)
{
	struct pollfd p = { .fd = s->never[0], .events = POLLIN };
	struct timespec soon;
	sigset_t none;
	char byte;
	switch (s->does) {
	case SLEEP: /* restarted by restart_syscall(2) */
		expect(nanosleep(&(struct timespec){ .tv_nsec = 20000000 },
				 NULL) == 0);
		break;
	case POLL:
		expect(poll(&p, 1, 20) == 0);
		break;
	case WAIT:
		(void)clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += 20000000;
		if (soon.tv_nsec >= 1000000000) {
			soon.tv_sec++;
			soon.tv_nsec -= 1000000000;
		}
		expect(sem_timedwait(never, &soon) != 0 && errno == ETIMEDOUT);
		break;
	case SUSPEND: /* under a mask that only the call has */
		(void)sigemptyset(&none);
		(void)setitimer(
			ITIMER_REAL,
			&(struct itimerval){ .it_value.tv_usec = 20000 }, NULL);
		uint64_t before = here->alarms;
		expect(sigsuspend(&none) < 0 && errno == EINTR &&
		       here->alarms == before + 1);
		break;
	case COMPUTE:
		expect(compute());
		break;
	default: /* until the test writes */
		expect(read(s->never[0], &byte, 1) == 1);
	}
}

static void be_busy(void *arg)
{
	sem_t never;
	sigset_t alarm_only, mask;
	here = arg;
	(void)sem_init(&never, 0, 0);
	struct sigaction on = { .sa_handler = on_child };
	(void)sigaction(SIGCHLD, &on, NULL);
	on.sa_handler = on_alarm;
	(void)sigaction(SIGALRM, &on, NULL);
	(void)sigemptyset(&alarm_only);
	(void)sigaddset(&alarm_only, SIGALRM);
	(void)sigprocmask(SIG_SETMASK, &alarm_only, NULL);
	child_tell(0);
	for (;;) {
		occupy(here, &never);
		/* Nothing of ours is left behind: no child, no signal, no
		 * mask. */
		expect(sigprocmask(SIG_SETMASK, NULL, &mask) == 0 &&
		       sigismember(&mask, SIGALRM) == 1 &&
		       sigismember(&mask, SIGUSR1) == 0);
		here->rounds++;
	}
}

static struct hs_target *open_min(pid_t pid)
{
	char spec[16];
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	struct hs_open_options opt = { .struct_size = sizeof(opt),
				       .backend = "live",
				       .pause = HS_PAUSE_MIN };
	(void)snprintf(spec, sizeof(spec), "%d", (int)pid);
	enum hs_status st = hs_target_open(spec, &opt, &t, &err);
	if (st == HS_ERR_PERMISSION) {
		print_message("skipped: %s\n", err.text);
		exit(77);
	}
	if (st)
		fail_msg("%s", err.text);
	return t;
}

/* The reason why it was not forked; NULL: it was. */
static const char *plain_because(const struct hs_target *t)
{
	for (size_t i = 0; i < t->notes.count; i++)
		if (strcmp(t->notes.note[i].code, "live-pause-plain") == 0)
			return t->notes.note[i].message;
	return NULL;
}

/* The kernel's own list; needs no wait() in the process. */
static bool has_children(pid_t pid)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "/proc/%d/task/%d/children",
		       (int)pid, (int)pid);
	FILE *f = fopen(name, "re");
	if (!f)
		return false;
	int c = fgetc(f);
	(void)fclose(f);
	return c != EOF;
}

/* FROM was taken before anything that lets the target go round. */
static void await_rounds(const struct seen *s, uint64_t from, uint64_t more)
{
	uint64_t until = from + more;
	for (unsigned i = 0; i < 600000 && s->rounds < until; i++)
		(void)usleep(100);
	assert_true(s->rounds >= until);
}

static void a_forked_process_goes_on_as_if_nothing_had_been(void **state)
{
	(void)state;
	for (int does = 0; does < OCCUPATIONS; does++) {
		struct seen *s = seen_new();
		s->does = (enum occupation)does;
		assert_int_equal(pipe(s->never), 0);
		struct child target = child_start(be_busy, s);
		(void)child_hear(&target);
		for (unsigned i = 0; i < ROUNDS; i++) {
			struct hs_target *t = open_min(target.pid);
			const char *why = plain_because(t);
			if (why)
				fail_msg("occupation %d: %s", does, why);
			assert_true(t->threads.count == 1);
			assert_int_equal(t->threads.thread[0].tid, target.pid);
			hs_target_close(t);
			assert_false(has_children(target.pid));
		}
		uint64_t from = s->rounds;
		if (does == READ)
			for (unsigned i = 0; i < 8; i++)
				assert_int_equal(write(s->never[1], "x", 1), 1);
		await_rounds(s, from, 2);
		if (s->wrong)
			fail_msg("occupation %d: %s", does,
				 strerror(s->first_wrong));
		assert_int_equal(s->children, 0); /* no SIGCHLD */
		child_end(&target);
		(void)close(s->never[0]);
		(void)close(s->never[1]);
		(void)munmap(s, sizeof(*s));
	}
}

static void the_copy_is_of_one_moment(void **state)
{
	(void)state;
	struct seen *s = seen_new();
	s->does = COMPUTE;
	struct child target = child_start(be_busy, s);
	(void)child_hear(&target);
	struct hs_target *t = open_min(target.pid);
	/* Private memory is there, and the code around it. */
	uint64_t word, sp = t->threads.thread[0].sp;
	assert_int_equal(hs_target_read_word(t, sp, &word, NULL), HS_OK);
	assert_int_equal(
		hs_target_read_word(t, t->threads.thread[0].pc, &word, NULL),
		HS_OK);
	assert_true(t->executable != NULL);
	assert_true(t->auxv_len > 0);
	assert_true(t->paused_ns > 0);
	hs_target_close(t);
	child_end(&target);
	(void)munmap(s, sizeof(*s));
}

static void sit(void *arg)
{
	(void)arg;
	child_tell(0);
}

static void sit_with_filter(void *arg)
{
	struct sock_filter all[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { 1, all };
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
	sit(arg);
}

static void sit_on_unforked_memory(void *arg)
{
	void *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)memset(at, 1, 8192);
	(void)madvise(at, 8192, MADV_DONTFORK);
	sit(arg);
}

static void sit_on_wiped_memory(void *arg)
{
	void *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)memset(at, 1, 8192);
	(void)madvise(at, 8192, MADV_WIPEONFORK);
	sit(arg);
}

static void sit_without_right_to_fork(void *arg)
{
	struct rlimit none = { 0, 0 };
	(void)setrlimit(RLIMIT_NPROC, &none);
	(void)!setgid(65534);
	(void)!setuid(65534); /* root is not counted */
	(void)prctl(PR_SET_DUMPABLE, 1);
	sit(arg);
}

static void what_cannot_be_forked_is_copied_standing_and_said(void **state)
{
	(void)state;
	static const struct {
		void (*body)(void *arg);
		const char *says;
	} cases[] = {
		{ sit_with_filter, "seccomp" },
		{ sit_on_unforked_memory, "MADV_DONTFORK" },
		{ sit_on_wiped_memory, "MADV_DONTFORK" },
		{ sit_without_right_to_fork, "RLIMIT_NPROC" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].body == sit_without_right_to_fork && getuid() != 0)
			continue;
		struct child target = child_start(cases[i].body, NULL);
		(void)child_hear(&target);
		struct hs_target *t = open_min(target.pid);
		const char *why = plain_because(t);
		assert_non_null(why);
		if (!strstr(why, cases[i].says))
			fail_msg("%s", why);
		assert_int_equal(t->threads.count, 1);
		hs_target_close(t);
		assert_false(has_children(target.pid));
		child_ping(&target);
		child_end(&target);
	}
}

static void look_without_end(void *arg)
{
	char spec[16];
	struct hs_open_options opt = { .struct_size = sizeof(opt),
				       .backend = "live",
				       .pause = HS_PAUSE_MIN };
	(void)snprintf(spec, sizeof(spec), "%d", (int)*(pid_t *)arg);
	child_tell(0);
	for (;;) {
		/* Refused as long as the helper of one that was killed before
		 * is at work. */
		struct hs_target *t = NULL;
		if (hs_target_open(spec, &opt, &t, NULL) == HS_OK)
			hs_target_close(t);
	}
}

/*
 * The helper works on when we are killed; it is done when the process has no
 * child any more and nobody traces it.
 */
static void await_peace(pid_t pid)
{
	for (unsigned i = 0; i < 200000; i++) {
		char state = thread_state(pid, pid);
		if (!has_children(pid) && state != 't' && state != 'T')
			return;
		(void)usleep(100);
	}
	fail_msg("something of the copy remains");
}

static void the_target_survives_our_death_at_any_moment(void **state)
{
	(void)state;
	unsigned short seed[3] = { 3, 2, 1 };
	for (int does = 0; does < OCCUPATIONS; does++) {
		struct seen *s = seen_new();
		s->does = (enum occupation)does;
		assert_int_equal(pipe(s->never), 0);
		struct child target = child_start(be_busy, s);
		(void)child_hear(&target);
		for (unsigned i = 0; i < KILLS / OCCUPATIONS; i++) {
			struct child looker =
				child_start(look_without_end, &target.pid);
			(void)child_hear(&looker);
			(void)usleep((useconds_t)(erand48(seed) * 6000));
			assert_int_equal(kill(looker.pid, SIGKILL), 0);
			int status;
			assert_int_equal(waitpid(looker.pid, &status, 0),
					 looker.pid);
			assert_true(WIFSIGNALED(status));
			(void)close(looker.to);
			(void)close(looker.from);
			await_peace(target.pid);
		}
		uint64_t from = s->rounds;
		if (does == READ)
			for (unsigned i = 0; i < 8; i++)
				assert_int_equal(write(s->never[1], "x", 1), 1);
		await_rounds(s, from, 2);
		if (s->wrong)
			fail_msg("occupation %d: %s", does,
				 strerror(s->first_wrong));
		assert_int_equal(s->children, 0);
		child_end(&target);
		(void)close(s->never[0]);
		(void)close(s->never[1]);
		(void)munmap(s, sizeof(*s));
	}
}

int main(void)
{
	if (!hs_inject_supported()) {
		print_message("skipped: only on x86-64\n");
		return 77;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_forked_process_goes_on_as_if_nothing_had_been),
		cmocka_unit_test(the_copy_is_of_one_moment),
		cmocka_unit_test(
			what_cannot_be_forked_is_copied_standing_and_said),
		cmocka_unit_test(the_target_survives_our_death_at_any_moment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
