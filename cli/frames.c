/* SPDX-License-Identifier: MIT */
#include "cli/frames.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/text_map.h"

struct hs_stacks *cli_stacks(struct cli *cli)
{
	if (!cli->stacks && cli->syms &&
	    hs_stacks_new(cli->target, cli->syms, &cli->stacks, NULL))
		cli->stacks = NULL;
	return cli->stacks;
}

size_t cli_target_thread(const struct cli *cli, int64_t tid, size_t hint)
{
	struct hs_thread_info t;
	size_t count = hs_target_thread_count(cli->target);
	for (size_t i = 0; i < count; i++) {
		size_t at = hint < count ? (hint + i) % count : i;
		hs_target_thread(cli->target, at, &t);
		if (t.tid == tid)
			return at;
	}
	return SIZE_MAX;
}

void text_frame(char *buf, size_t size, const struct hs_frame_info *frame)
{
	char name[1024];
	if (!frame->has_symbol) {
		(void)snprintf(buf, size, "0x%" PRIx64, frame->pc);
		return;
	}
	if (!hs_demangle(frame->symbol.name, name, sizeof(name)))
		(void)snprintf(name, sizeof(name), "%s", frame->symbol.name);
	(void)snprintf(buf, size, "%s+0x%" PRIx64, name, frame->offset);
}

const char *text_stack_end(enum hs_stack_end end)
{
	switch (end) {
	case HS_STACK_OUTERMOST:
		return NULL;
	case HS_STACK_NO_REGISTERS:
		return "its registers are not known";
	case HS_STACK_NO_TABLE:
		return "no call frame information tells who called that code";
	case HS_STACK_UNREADABLE:
		return "what comes next was not captured";
	case HS_STACK_BROKEN:
		return "what comes next makes no sense: a smashed stack?";
	default:
		return "too many frames";
	}
}
