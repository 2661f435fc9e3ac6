/* SPDX-License-Identifier: MIT */
#ifndef CLI_FRAMES_H
#define CLI_FRAMES_H

#include "cli/cli.h"

/* The stacks of the target, walked when first asked for; NULL: without symbols
 * (--no-symbols), or no memory. */
struct hs_stacks *cli_stacks(struct cli *cli);
/* Index for hs_target_thread() of the thread TID; HINT is where it may be.
 * SIZE_MAX: the target names no such thread. */
size_t cli_target_thread(const struct cli *cli, int64_t tid, size_t hint);
/* "worker_main+0x1c", demangled; or the address of the code. */
void text_frame(char *buf, size_t size, const struct hs_frame_info *frame);
/* Why a list of frames ends, for people; NULL: where the thread began. */
const char *text_stack_end(enum hs_stack_end end);

#endif
