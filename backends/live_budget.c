/* SPDX-License-Identifier: MIT */
#include "backends/live_budget.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/proc_file.h"
#include "core/cleanup.h"

#define SMALL_FILE ((size_t)1 << 20)

/* What must stay free for everybody else: a twentieth, at least 64 MiB. */
#define MARGIN_MIN ((uint64_t)64 << 20)

static uint64_t less_margin(uint64_t available)
{
	uint64_t margin = available / 20;
	if (margin < MARGIN_MIN)
		margin = MARGIN_MIN;
	return available > margin ? available - margin : 0;
}

/* The number behind KEY at the start of a line of TEXT; false: none. */
static bool number_of(const char *text, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);
	while (text && strncmp(text, key, n) != 0) {
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	if (!text)
		return false;
	char *end;
	*ret = strtoull(text + n, &end, 10);
	return end != text + n;
}

static bool file_number(const char *folder, const char *name, const char *key,
			uint64_t *ret)
{
	char path[4096];
	HS_AUTO_FREE char *text = NULL;
	size_t len;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
	    (int)sizeof(path))
		return false;
	if (hs_proc_file_read(AT_FDCWD, path, SMALL_FILE, &text, &len))
		return false;
	return number_of(text, key, ret); /* "max" is no number: no limit */
}

/* Limits of version 1 and 2 have other names, and mean the same. */
struct limit_files {
	const char *root, *limit, *used, *reclaimable;
};
static const struct limit_files v2 = { "/sys/fs/cgroup", "memory.max",
				       "memory.current", "inactive_file " };
static const struct limit_files v1 = { "/sys/fs/cgroup/memory",
				       "memory.limit_in_bytes",
				       "memory.usage_in_bytes",
				       "total_inactive_file " };

/* What GROUP and the groups above it leave to us. */
static uint64_t group_leaves(const struct limit_files *files, const char *group)
{
	char folder[4096];
	uint64_t least = UINT64_MAX;
	if (snprintf(folder, sizeof(folder), "%s%s", files->root, group) >=
	    (int)sizeof(folder))
		return least;
	for (;;) {
		uint64_t limit, used, cached = 0;
		if (file_number(folder, files->limit, "", &limit) &&
		    file_number(folder, files->used, "", &used)) {
			/* Pages of files that nobody used lately give way. */
			(void)file_number(folder, "memory.stat",
					  files->reclaimable, &cached);
			used = used > cached ? used - cached : 0;
			uint64_t left = limit > used ? limit - used : 0;
			if (left < least)
				least = left;
		}
		char *slash = strrchr(folder, '/');
		if (!slash || (size_t)(slash - folder) < strlen(files->root))
			return least;
		*slash = '\0';
	}
}

/* Lines of /proc/self/cgroup: "0::/path" (v2), "4:memory:/path" (v1). */
static uint64_t groups_leave(void)
{
	HS_AUTO_FREE char *text = NULL;
	size_t len;
	uint64_t least = UINT64_MAX;
	if (hs_proc_file_read(AT_FDCWD, "/proc/self/cgroup", SMALL_FILE, &text,
			      &len))
		return least;
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(line, ':');
		char *group = names ? strchr(names + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = '\0';
		uint64_t left = UINT64_MAX;
		if (names[1] == '\0')
			left = group_leaves(&v2, group);
		else if (strstr(names + 1, "memory"))
			left = group_leaves(&v1, group);
		if (left < least)
			least = left;
	}
	return least;
}

uint64_t hs_live_budget(void)
{
	uint64_t available = UINT64_MAX, kib;
	if (file_number("/proc", "meminfo", "MemAvailable:", &kib))
		available = kib * 1024;
	uint64_t group = groups_leave();
	if (group < available)
		available = group;
	return available == UINT64_MAX ? available : less_margin(available);
}
