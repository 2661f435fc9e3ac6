/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/out_text.h"

#define QUIET_NS 1000000000LL
#define EVERY_NS 100000000LL
/* Blanks wipe the line, not an escape sequence: dumb terminals and those who
 * asked for no colour get none. */
#define WIDTH 60

volatile sig_atomic_t progress_stop;

/* Work that is counted in bytes of memory or of a file. */
static const char *const in_bytes[] = {
	"comparing", "copying",   "decrypting",
	"unpacking", "verifying", "writing",
};

static struct {
	int64_t started, shown; /* 0: not yet */
	char what[32];          /* being done now ... */
	int64_t since;          /* ... from this moment, */
	uint64_t done;          /* when so much of it had been done */
	int is_terminal;        /* -1: not asked yet */
	bool on_screen;
} state = { .is_terminal = -1 };

static int64_t now_ns(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static bool counts_bytes(const char *what)
{
	for (size_t i = 0; i < sizeof(in_bytes) / sizeof(in_bytes[0]); i++)
		if (strcmp(in_bytes[i], what) == 0)
			return true;
	return false;
}

/* "writing 45%, 410.0 MiB of 926.0 MiB, 340.2 MiB/s" */
static void compose(char *line, size_t size, const char *what, uint64_t done,
		    uint64_t total, int64_t now)
{
	char a[TEXT_LEN], b[TEXT_LEN], c[TEXT_LEN];
	double percent = total ? 100.0 * (double)done / (double)total : 0;
	double seconds = (double)(now - state.since) / 1e9;
	if (!total) {
		(void)snprintf(line, size, "%s ...", what);
		return;
	}
	if (!counts_bytes(what)) {
		(void)snprintf(line, size, "%s %.0f%%", what, percent);
		return;
	}
	int n = snprintf(line, size, "%s %.0f%%, %s of %s", what, percent,
			 text_size(a, done), text_size(b, total));
	if (seconds > 0 && done > state.done && n > 0 && (size_t)n < size)
		(void)snprintf(
			line + n, size - (size_t)n, ", %s/s",
			text_size(c, (uint64_t)((double)(done - state.done) /
						seconds)));
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
	/* Another work, or the same once more. */
	if (strcmp(state.what, what) != 0 || done < state.done) {
		(void)snprintf(state.what, sizeof(state.what), "%s", what);
		state.since = now;
		state.done = done;
	}
	if (now - state.started < QUIET_NS || now - state.shown < EVERY_NS)
		return !progress_stop;
	state.shown = now;
	state.on_screen = true;
	char line[WIDTH + 1];
	compose(line, sizeof(line), what, done, total, now);
	(void)fprintf(stderr, "\r%-*s", WIDTH, line);
	return !progress_stop;
}

void progress_begin(void)
{
	progress_clear();
	progress_stop = 0;
	state.started = 0;
}

void progress_clear(void)
{
	if (state.on_screen)
		(void)fprintf(stderr, "\r%*s\r", WIDTH, "");
	state.on_screen = false;
}
