/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_RUNTIME_H
#define TYPES_SWIFT_RUNTIME_H

#include "types/namer.h"
#include "types/text.h"

/*
 * Blocks of Swift's concurrency runtime that no Swift class describes.
 */

/* Memory that a task cuts frames of suspended functions, and what it keeps for
 * itself, out of: B says how much of it there is and where the next one lies.
 */
bool hs_swift_is_frames(struct hs_naming *n, const struct hs_block *b);
/* The references of a task's own that are known. */
void hs_swift_task_fields(struct hs_naming *n, const struct hs_block *b,
			  hs_field_fn fn, void *arg);
/* What frames that were left, of such a piece, still hold. */
void hs_swift_left_frames(struct hs_naming *n, const struct hs_block *b,
			  hs_field_fn fn, void *arg);

/* An object of libdispatch's: put "dispatch " and its kind, which its table of
 * functions names. */
bool hs_swift_dispatch_kind(struct hs_naming *n, const struct hs_block *b,
			    struct hs_text *out);

/*
 * What else Swift programs have from the runtimes below them: blocks of clang's
 * ("block"), and what libdispatch has besides objects ("dispatch timer
 * (after)", "dispatch continuation"). *CODE gets an address in the module that
 * has the code.
 */
bool hs_swift_closure_kind(struct hs_naming *n, const struct hs_block *b,
			   struct hs_text *out, hs_addr *code);

/* What there is to say of a task that B is: its number, and where it goes on
 * when what it waits for is there. */
void hs_swift_task_details(struct hs_naming *n, const struct hs_block *b,
			   hs_detail_fn fn, void *arg);

#endif
