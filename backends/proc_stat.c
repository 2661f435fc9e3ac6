/* SPDX-License-Identifier: MIT */
#include "backends/proc_stat.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/proc_file.h"
#include "core/cleanup.h"
#include "core/limits.h"

#define NS UINT64_C(1000000000)

/* Numbers of the fields as proc(5) counts them. */
#define FIELD_STATE 3
#define FIELD_PPID 4
#define FIELD_SESSION 6
#define FIELD_STARTED 22

void hs_proc_stat_parse(const char *text, uint64_t ticks, uint64_t boot_ns,
			struct hs_proc_stat *ret)
{
	*ret = (struct hs_proc_stat){ .ppid = -1, .session = -1 };
	/* The name may hold blanks and brackets; nothing behind it does. */
	const char *at = strrchr(text, ')');
	if (!at || at[1] != ' ')
		return;
	at += 2;
	for (unsigned field = FIELD_STATE; *at; field++) {
		uint64_t value = strtoull(at, NULL, 10);
		if (field == FIELD_PPID)
			ret->ppid = (int64_t)value;
		else if (field == FIELD_SESSION)
			ret->session = (int64_t)value;
		else if (field == FIELD_STARTED && ticks > 0)
			ret->started_ns = boot_ns + value / ticks * NS +
					  value % ticks * (NS / ticks);
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t = { 0 };
	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

void hs_proc_stat_read(int dir, struct hs_proc_stat *ret)
{
	HS_AUTO_FREE char *text = NULL;
	size_t len;
	long ticks = sysconf(_SC_CLK_TCK);
	uint64_t now = clock_ns(CLOCK_REALTIME), up = clock_ns(CLOCK_BOOTTIME);
	if (hs_proc_file_read(dir, "stat", HS_LIMIT_STRING, &text, &len)) {
		hs_proc_stat_parse("", 0, 0, ret);
		return;
	}
	hs_proc_stat_parse(text, ticks > 0 ? (uint64_t)ticks : 0,
			   now > up ? now - up : 0, ret);
}
