/* SPDX-License-Identifier: MIT */
#include "support/live_fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void broken(const char *what)
{
	(void)fprintf(stderr, "live_fixture: %s\n", what);
	abort();
}

static void read_lines(struct live_fixture *f, FILE *in)
{
	char line[256];
	while (fgets(line, sizeof(line), in)) {
		struct live_line l = { .tid = -1 };
		if (strcmp(line, "ready\n") == 0)
			return;
		if (sscanf(line, "symbol %39s %" SCNx64, l.name, &l.addr) !=
			    2 &&
		    sscanf(line, "thread %" SCNd64 " %39s %" SCNx64, &l.tid,
			   l.name, &l.addr) != 3)
			continue;
		if (f->count == sizeof(f->line) / sizeof(*f->line))
			broken("too many lines");
		f->line[f->count++] = l;
	}
	broken("the fixture ended before it was ready");
}

bool live_fixture_start(struct live_fixture *f, const char *name,
			const char *argument)
{
	char path[4096], other[4096];
	const char *folder = getenv("FIXTURES");
	memset(f, 0, sizeof(*f));
	(void)snprintf(path, sizeof(path), "%s/%s", folder ? folder : ".",
		       name);
	(void)snprintf(other, sizeof(other), "%s/%s", folder ? folder : ".",
		       argument ? argument : "");
	if (access(path, X_OK) != 0) {
		(void)fprintf(stderr, "skipped: there is no fixture %s\n",
			      path);
		return false;
	}
	int ends[2];
	if (pipe(ends))
		broken("pipe");
	f->pid = fork();
	if (f->pid < 0)
		broken("fork");
	if (f->pid == 0) {
		/* A test that crashes leaves nothing running. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)close(ends[0]);
		(void)close(ends[1]);
		(void)execl(path, path, argument ? other : NULL, (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	FILE *in = fdopen(ends[0], "r");
	if (!in)
		broken("fdopen");
	read_lines(f, in);
	(void)fclose(in);
	return true;
}

void live_fixture_stop(struct live_fixture *f)
{
	if (f->pid <= 0)
		return;
	(void)kill(f->pid, SIGKILL);
	(void)waitpid(f->pid, NULL, 0);
	f->pid = 0;
}

hs_addr live_fixture_said(const struct live_fixture *f, int64_t tid,
			  const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->line[i].tid == tid && strcmp(f->line[i].name, name) == 0)
			return f->line[i].addr;
	return HS_NO_ADDR;
}

struct hs_target *live_fixture_open(const struct live_fixture *f)
{
	char spec[24];
	struct hs_open_options opt = { .struct_size = sizeof(opt),
				       .backend = "live" };
	struct hs_target *target;
	struct hs_error err;
	(void)snprintf(spec, sizeof(spec), "%d", (int)f->pid);
	enum hs_status st = hs_target_open(spec, &opt, &target, &err);
	if (st == HS_OK)
		return target;
	if (st != HS_ERR_PERMISSION)
		broken(err.text);
	(void)fprintf(stderr, "skipped: %s\n", err.text);
	return NULL;
}
