/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/rss.h"

/* A mapping of /proc/PID/smaps as it is being read. */
struct mapping {
	hs_addr start, end;
	bool is_file, is_stack;
};

static bool holds_a_stack(const struct cli *cli, const struct mapping *m)
{
	for (size_t i = 0; i < hs_target_thread_count(cli->target); i++) {
		struct hs_thread_info t;
		hs_target_thread(cli->target, i, &t);
		if (t.sp != HS_NO_ADDR && t.sp >= m->start && t.sp < m->end)
			return true;
	}
	return false;
}

/* Behind the next N words of LINE and the blanks that follow. */
static const char *skip_words(const char *line, unsigned n)
{
	for (; n; n--) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return line;
}

/* "7f12..-7f34.. rw-p 00000000 fd:01 1234   /path": inode 0 is no file. */
static bool begins_mapping(const struct cli *cli, const char *line,
			   struct mapping *ret)
{
	char *end;
	hs_addr start = strtoull(line, &end, 16);
	if (end == line || *end != '-')
		return false;
	hs_addr stop = strtoull(end + 1, &end, 16);
	if (*end != ' ')
		return false;
	*ret = (struct mapping){
		.start = start,
		.end = stop,
		.is_file = strtoull(skip_words(line, 4), NULL, 10) != 0,
	};
	ret->is_stack = !ret->is_file && holds_a_stack(cli, ret);
	return true;
}

void rss_ask_kernel(const struct cli *cli, uint64_t heap,
		    struct rss_process *ret)
{
	/* A path has 4096 bytes, each of which may be written as \\ooo. */
	char path[64], line[5 * 4096];
	struct mapping m = { .start = 0 };
	*ret = (struct rss_process){ .all = HS_UNKNOWN };
	if (cli->info.kind != HS_TARGET_LIVE)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/smaps",
		       cli->info.pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return;
	struct rss_process p = { .all = 0 };
	while (fgets(line, sizeof(line), file)) {
		if (begins_mapping(cli, line, &m) ||
		    strncmp(line, "Rss:", 4) != 0)
			continue;
		uint64_t bytes = 1024 * strtoull(line + 4, NULL, 10);
		p.all += bytes;
		if (m.is_file)
			p.files += bytes;
		else if (m.is_stack)
			p.stacks += bytes;
	}
	/* The process may be gone, or nobody may look: then nothing was read.
	 */
	bool ok = !ferror(file) && p.all;
	(void)fclose(file);
	if (!ok)
		return;
	uint64_t known = p.files + p.stacks + heap;
	p.other = known <= p.all ? p.all - known : HS_UNKNOWN;
	*ret = p;
}
