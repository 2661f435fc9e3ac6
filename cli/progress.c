/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define QUIET_NS 1000000000ll
#define EVERY_NS 100000000ll
/* Blanks wipe the line, not an escape sequence: dumb terminals and those who
 * asked for no colour get none. */
#define WIDTH 60

volatile sig_atomic_t progress_stop;

static struct {
	int64_t started, shown; /* 0: not yet */
	int is_terminal;        /* -1: not asked yet */
	bool on_screen;
} state = { .is_terminal = -1 };

static int64_t now_ns(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

bool progress_show(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)arg;
	if (state.is_terminal < 0)
		state.is_terminal = isatty(STDERR_FILENO);
	if (!state.is_terminal)
		return !progress_stop;
	int64_t now = now_ns();
	if (!state.started)
		state.started = now;
	if (now - state.started < QUIET_NS || now - state.shown < EVERY_NS)
		return !progress_stop;
	state.shown = now;
	state.on_screen = true;
	char line[WIDTH + 1];
	if (total)
		(void)snprintf(line, sizeof(line), "%s %.0f%%", what,
			       100.0 * (double)done / (double)total);
	else
		(void)snprintf(line, sizeof(line), "%s ...", what);
	(void)fprintf(stderr, "\r%-*s", WIDTH, line);
	return !progress_stop;
}

void progress_clear(void)
{
	if (state.on_screen)
		(void)fprintf(stderr, "\r%*s\r", WIDTH, "");
	state.on_screen = false;
}
