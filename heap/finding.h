/* SPDX-License-Identifier: MIT */
#ifndef HEAP_FINDING_H
#define HEAP_FINDING_H

#include <heapscan/target.h>

#include "core/fail.h"
#include "core/limits.h"
#include "core/notes.h"

/*
 * What can be wrong with a heap, or with our picture of it. The word is part
 * of the interface; the severity says whom it concerns: damage is the
 * target's, a warning is about the answer, a note is worth knowing.
 */
/* clang-format off */
#define HS_FINDINGS(X)                                                      \
	X(CHUNK_SIZE, DAMAGE, "chunk-size-invalid")                         \
	X(TOP_SIZE, DAMAGE, "top-size-invalid")                             \
	X(PREV_SIZE, DAMAGE, "prev-size-mismatch")                          \
	X(FREE_UNLISTED, DAMAGE, "free-chunk-on-no-list")                   \
	X(LISTED_IN_USE, DAMAGE, "listed-chunk-marked-in-use")              \
	X(CLAIMED_TWICE, DAMAGE, "chunk-on-two-lists")                      \
	X(LIST_LINK, DAMAGE, "list-link-broken")                            \
	X(LIST_CYCLE, DAMAGE, "list-cycle")                                 \
	X(LIST_MISALIGNED, DAMAGE, "list-entry-misaligned")                 \
	X(LIST_OUTSIDE, DAMAGE, "list-entry-outside-heap")                  \
	X(LIST_NO_CHUNK, DAMAGE, "list-entry-is-no-chunk")                  \
	X(LIST_SIZE, DAMAGE, "list-entry-of-wrong-size")                    \
	X(TCACHE_COUNT, DAMAGE, "tcache-count-mismatch")                    \
	X(ARENA_RING, DAMAGE, "arena-ring-broken")                          \
	X(HEAP_CHAIN, DAMAGE, "heap-chain-broken")                          \
	X(LIST_UNREADABLE, WARNING, "list-not-captured")                    \
	X(HEAP_UNREADABLE, WARNING, "heap-not-captured")                    \
	X(MAIN_ARENA_LOST, WARNING, "main-arena-not-captured")              \
	X(ARENA_UNREADABLE, WARNING, "arena-not-captured")                  \
	X(TCACHE_UNREADABLE, WARNING, "tcache-not-captured")                \
	X(TCACHE_UNKNOWN, WARNING, "tcache-not-found")                      \
	X(STACK_ZEROED, WARNING, "stack-zeroed")                            \
	X(SYSTEM_MEM, WARNING, "system-mem-mismatch")                       \
	X(MMAPPED_SUM, WARNING, "mmapped-mismatch")                         \
	X(PAR_UNKNOWN, WARNING, "malloc-par-not-found")                     \
	X(THREAD, WARNING, "thread-list-mismatch")                          \
	X(OTHER_LIBC, WARNING, "another-malloc")                            \
	X(IN_MOTION, WARNING, "allocator-in-motion")                        \
	X(ARENA_LOCKED, NOTE, "arena-locked")                               \
	X(NONCONTIGUOUS, NOTE, "main-arena-not-contiguous")                 \
	X(FURTHER_LIBC, NOTE, "further-libc")                               \
	X(FOREIGN_SBRK, NOTE, "foreign-sbrk")                               \
	X(TCACHE_BY_SHAPE, NOTE, "tcache-found-by-shape")                   \
	X(TCACHE_SHARED, NOTE, "tcache-shared")                             \
	X(MALLOC_CHECK, NOTE, "malloc-check")                               \
	X(OTHER_ALLOCATOR, NOTE, "other-allocator")
/* clang-format on */

enum hs_finding {
#define X(id, severity, word) HS_FINDING_##id,
	HS_FINDINGS(X)
#undef X
		HS_FINDING_COUNT
};

struct hs_findings {
	struct hs_note_list list;
	uint64_t count[HS_FINDING_COUNT]; /* of each kind, also those cut off */
};

/*
 * Record FINDING about ADDR (HS_NO_ADDR: about no address). Beyond
 * HS_LIMIT_PROBLEMS_PER_CODE only counted. Fails for want of memory alone.
 */
HS_MUST_CHECK enum hs_status
hs_finding_add(struct hs_findings *findings, enum hs_finding finding,
	       hs_addr addr, struct hs_error *err, const char *fmt, ...)
	HS_PRINTF(5, 6);

/* Which finding CODE, a word of the table above, is; HS_FINDING_COUNT: none. */
enum hs_finding hs_finding_of(const char *code);

/* Worst first, and a last message for each kind that was cut off. */
HS_MUST_CHECK enum hs_status hs_findings_finish(struct hs_findings *findings,
						struct hs_error *err);
void hs_findings_release(struct hs_findings *findings);

#endif
