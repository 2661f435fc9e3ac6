/* SPDX-License-Identifier: MIT */
#include "support/child.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int child_in = -1, child_out = -1;

void child_tell(uint64_t value)
{
	if (write(child_out, &value, sizeof(value)) != (ssize_t)sizeof(value))
		_exit(0);
}

uint64_t child_wait(void)
{
	uint64_t value;
	ssize_t got;
	do
		got = read(child_in, &value, sizeof(value));
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(value))
		_exit(0);
	return value;
}

struct child child_start(void (*body)(void *arg), void *arg)
{
	int to[2], from[2];
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(to[1]);
		(void)close(from[0]);
		child_in = to[0];
		child_out = from[1];
		body(arg);
		for (;;)
			child_tell(child_wait());
	}
	(void)close(to[0]);
	(void)close(from[1]);
	return (struct child){ pid, to[1], from[0] };
}

uint64_t child_hear(const struct child *c)
{
	uint64_t value = 0;
	ssize_t got;
	do
		got = read(c->from, &value, sizeof(value));
	while (got < 0 && errno == EINTR);
	assert_int_equal(got, sizeof(value));
	return value;
}

void child_say(const struct child *c, uint64_t value)
{
	assert_int_equal(write(c->to, &value, sizeof(value)), sizeof(value));
}

void child_ping(const struct child *c)
{
	child_say(c, 4711);
	assert_int_equal(child_hear(c), 4711);
}

void child_end(struct child *c)
{
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, __WALL);
	(void)close(c->to);
	(void)close(c->from);
}

char thread_state(pid_t pid, pid_t tid)
{
	char path[64], line[512];
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid,
		       (int)tid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	char *got = fgets(line, sizeof(line), f);
	(void)fclose(f);
	const char *paren = got ? strrchr(line, ')') : NULL;
	return paren && paren[1] ? paren[2] : 0;
}

void assert_all_run(pid_t pid)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	assert_non_null(dir);
	const struct dirent *entry;
	while ((entry = readdir(dir))) {
		int tid = atoi(entry->d_name);
		char state = tid > 0 ? thread_state(pid, tid) : 'S';
		assert_true(state != 't' && state != 'T');
	}
	(void)closedir(dir);
}

void wait_for_state(pid_t pid, pid_t tid, char state)
{
	for (int i = 0; i < 60000; i++) {
		if (thread_state(pid, tid) == state)
			return;
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	fail_msg("thread %d is in state %c, not %c", (int)tid,
		 thread_state(pid, tid), state);
}
