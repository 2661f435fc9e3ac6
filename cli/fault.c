/* SPDX-License-Identifier: MIT */
#include "cli/fault.h"

#include <signal.h>
#include <unistd.h>

#include "cli/exit_status.h"

#define MESSAGE                                                                \
	"a mapped file became shorter or unreadable while it was read; "       \
	"wait until it is written and try again"

static const struct out *answer;
static volatile sig_atomic_t answer_is_json;

static void put(int fd, const char *text, size_t len)
{
	ssize_t n = write(fd, text, len);
	(void)n; /* nothing is left to be done about it */
}

/* Only calls that are safe in a signal handler. */
static void on_sigbus(int number)
{
	static const char text[] = "heapscan: " MESSAGE "\n";
	static const char json[] = "{\"error\":{\"code\":\"io\",\"message\":"
				   "\"" MESSAGE "\"}}\n";
	(void)number;
	put(STDERR_FILENO, text, sizeof(text) - 1);
	if (answer_is_json && answer->flushed == 0)
		put(answer->fd, json, sizeof(json) - 1);
	_exit(EXIT_INPUT);
}

void fault_catch(const struct out *out, bool json)
{
	answer = out;
	answer_is_json = json;
	struct sigaction action = { .sa_handler = on_sigbus };
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGBUS, &action, NULL);
}
