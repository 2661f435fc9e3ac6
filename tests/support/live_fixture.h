/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIVE_FIXTURE_H
#define TESTS_LIVE_FIXTURE_H

#include <heapscan/target.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A fixture that runs and has said "ready", with the lines it printed before:
 *
 *	symbol NAME ADDRESS
 *	thread TID NAME ADDRESS
 */
struct live_line {
	int64_t tid; /* -1: a symbol */
	char name[40];
	hs_addr addr;
};

struct live_fixture {
	pid_t pid;
	struct live_line line[64];
	size_t count;
};

/*
 * Start FIXTURES/NAME, with FIXTURES/ARGUMENT's path as argument unless that
 * is NULL. False: there is no such fixture here, which was said on stderr.
 */
bool live_fixture_start(struct live_fixture *f, const char *name,
			const char *argument);
/* End it. */
void live_fixture_stop(struct live_fixture *f);
/* What it said; HS_NO_ADDR: nothing. TID is -1 for a symbol. */
hs_addr live_fixture_said(const struct live_fixture *f, int64_t tid,
			  const char *name);
/*
 * A copy of the running fixture. NULL: tracing is not allowed here, which was
 * said on stderr; any other failure ends the test.
 */
struct hs_target *live_fixture_open(const struct live_fixture *f);

#endif
