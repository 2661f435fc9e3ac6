/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stdint.h>
#include <sys/types.h>

/*
 * A process for tests to look at. It answers when it is asked, so that a test
 * waits for what it does, never for time to pass.
 */
struct child {
	pid_t pid;
	int to, from; /* pipes */
};

/* In the child: talk to the test. Both end the child when the test is gone. */
void child_tell(uint64_t value);
uint64_t child_wait(void);

/* Fork a child that runs BODY(ARG) and then answers child_ping() until it is
 * ended. Children that a test forgets die with it. */
struct child child_start(void (*body)(void *arg), void *arg);
/* The next number that the child told. Fails the test when it ended instead. */
uint64_t child_hear(const struct child *c);
void child_say(const struct child *c, uint64_t value);
/* The child still runs: it answers. */
void child_ping(const struct child *c);
void child_end(struct child *c);

/* State letter of thread TID of process PID, 0 when it is gone. */
char thread_state(pid_t pid, pid_t tid);
/* Fails the test when a thread of PID stands in a ptrace or signal stop. */
void assert_all_run(pid_t pid);
/* Wait until thread TID of process PID is in STATE, a minute at most. */
void wait_for_state(pid_t pid, pid_t tid, char state);

#endif
