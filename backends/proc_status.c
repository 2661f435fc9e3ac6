/* SPDX-License-Identifier: MIT */
#include "backends/proc_status.h"

#include <stdlib.h>
#include <string.h>

/* The number in TEXT, or -1; *REST is what follows it. */
static int64_t number(const char *text, int base, const char **rest)
{
	char *end;
	long long value = strtoll(text, &end, base);
	if (rest)
		*rest = end;
	return end == text ? -1 : value;
}

static uint64_t mask(const char *text)
{
	return strtoull(text, NULL, 16);
}

/* The kernel's list of pids, outermost namespace (that of the mounted /proc)
 * first. */
static void take_inner_pid(const char *text, struct hs_proc_status *s)
{
	for (unsigned n = 0; n < 64; n++) { /* namespaces nest 32 deep */
		int64_t pid = number(text, 10, &text);
		if (pid < 0)
			return;
		s->nested_pid = n > 0;
		s->inner_pid = pid;
	}
}

static void take_line(const char *key, const char *value,
		      struct hs_proc_status *s)
{
	if (strcmp(key, "Name") == 0) {
		size_t n = strnlen(value, sizeof(s->name) - 1);
		memcpy(s->name, value, n);
		s->name[n] = '\0';
	} else if (strcmp(key, "State") == 0) {
		s->state = *value;
	} else if (strcmp(key, "Tgid") == 0) {
		s->tgid = number(value, 10, NULL);
	} else if (strcmp(key, "PPid") == 0) {
		s->ppid = number(value, 10, NULL);
	} else if (strcmp(key, "TracerPid") == 0) {
		s->tracer = number(value, 10, NULL);
	} else if (strcmp(key, "NSpid") == 0) {
		take_inner_pid(value, s);
	} else if (strcmp(key, "Uid") == 0) {
		for (size_t i = 0; i < 3; i++)
			s->uid[i] = number(value, 10, &value);
	} else if (strcmp(key, "Seccomp") == 0) {
		s->seccomp = number(value, 10, NULL);
	} else if (strcmp(key, "VmSize") == 0) {
		s->has_memory = true;
	} else if (strcmp(key, "Kthread") == 0) {
		s->kthread = number(value, 10, NULL);
	} else if (strcmp(key, "CapPrm") == 0) {
		s->permitted = mask(value);
	} else if (strcmp(key, "CapEff") == 0) {
		s->effective = mask(value);
	}
}

void hs_proc_status_parse(const char *text, size_t len,
			  struct hs_proc_status *ret)
{
	*ret = (struct hs_proc_status){
		.tgid = -1,
		.ppid = -1,
		.tracer = -1,
		.inner_pid = -1,
		.uid = { -1, -1, -1 },
		.seccomp = -1,
		.kthread = -1,
	};
	const char *end = text + len;
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		const char *stop = eol ? eol : end;
		char line[512]; /* every line we ask for is shorter */
		size_t n = (size_t)(stop - text);
		if (n >= sizeof(line))
			n = sizeof(line) - 1;
		memcpy(line, text, n);
		line[n] = '\0';
		char *colon = strchr(line, ':');
		if (colon) {
			*colon = '\0';
			const char *value = colon + 1;
			while (*value == '\t' || *value == ' ')
				value++;
			take_line(line, value, ret);
		}
		text = eol ? eol + 1 : end;
	}
}
