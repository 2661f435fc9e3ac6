/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * meter COMMAND...: run it, read and count what it prints, and watch its
 * memory. Prints "SECONDS OUTPUT_BYTES PEAK_ANON_KIB PEAK_RSS_KIB".
 *
 * PEAK_ANON leaves out pages of mapped files, which cost nobody anything: it
 * is sampled every 2 ms, since the kernel keeps no high-water mark of it.
 */

static double now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

_Noreturn static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* A line "NAME:  123 kB" of a status file. */
static uint64_t kib(const char *status, const char *name)
{
	const char *line = strstr(status, name);
	return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

static void sample(int status, uint64_t *anon, uint64_t *rss)
{
	char text[4096];
	ssize_t n = pread(status, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return;
	text[n] = '\0';
	uint64_t a = kib(text, "RssAnon:"), r = kib(text, "VmHWM:");
	*anon = a > *anon ? a : *anon;
	*rss = r > *rss ? r : *rss;
}

int main(int argc, char **argv)
{
	int out[2];
	if (argc < 2)
		return 2;
	if (pipe(out) != 0)
		fail("pipe");
	(void)fcntl(out[0], F_SETPIPE_SZ, 1 << 20);
	double start = now();
	pid_t child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)close(out[0]);
		(void)close(out[1]);
		(void)execvp(argv[1], argv + 1);
		fail(argv[1]);
	}
	(void)close(out[1]);
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)child);
	int status = open(path, O_RDONLY | O_CLOEXEC);

	static char text[1 << 20];
	uint64_t bytes = 0, anon = 0, rss = 0;
	double sampled = start;
	for (;;) {
		struct pollfd wait_for = { .fd = out[0], .events = POLLIN };
		int ready = poll(&wait_for, 1, 2);
		if (ready < 0 && errno != EINTR)
			fail("poll");
		if (ready == 0 || now() - sampled > 0.002) {
			sample(status, &anon, &rss);
			sampled = now();
		}
		if (ready <= 0)
			continue;
		ssize_t n = read(out[0], text, sizeof(text));
		if (n <= 0)
			break;
		bytes += (uint64_t)n;
	}
	int code = 0;
	(void)waitpid(child, &code, 0);
	printf("%.4f %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", now() - start,
	       bytes, anon, rss);
	return WIFEXITED(code) ? WEXITSTATUS(code) : 1;
}
