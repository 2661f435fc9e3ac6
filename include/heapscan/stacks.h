/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_STACKS_H
#define HEAPSCAN_STACKS_H

#include <heapscan/symbols.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The frames on the stacks of a target's threads: which function a byte of a
 * stack belongs to. By the call frame information that is loaded with the code;
 * needs neither symbols nor debug files, but names do. Inlined functions have
 * no frames of their own.
 *
 * Borrows target and symbols, which must outlive it. Not for use by two threads
 * at once.
 */
struct hs_stacks; /* opaque */

/* Why a thread's list of frames ends. The word is the same in every output. */
/* clang-format off */
#define HS_STACK_ENDS(X)                                                    \
	X(OUTERMOST, "outermost")     /* where the thread began */          \
	X(NO_REGISTERS, "no-registers") /* it has no frames at all */       \
	X(NO_TABLE, "no-table")       /* nothing tells about that code */   \
	X(UNREADABLE, "unreadable")   /* memory was not captured */         \
	X(BROKEN, "broken")           /* it leads nowhere, or back */       \
	X(LIMIT, "limit")             /* more frames than are looked at */
/* clang-format on */

enum hs_stack_end {
#define X(id, word) HS_STACK_##id,
	HS_STACK_ENDS(X)
#undef X
		HS_STACK_END_COUNT
};
HS_API const char *hs_stack_end_name(enum hs_stack_end end);

/* Walk all stacks. Fails only for want of memory. Free with hs_stacks_free().
 */
HS_API enum hs_status hs_stacks_new(struct hs_target *target,
				    struct hs_symbols *syms,
				    struct hs_stacks **ret,
				    struct hs_error *err);
HS_API void hs_stacks_free(struct hs_stacks *stacks); /* NULL is fine */

struct hs_frame_info {
	size_t thread;   /* index for hs_target_thread() */
	size_t number;   /* 0: what the thread is doing right now */
	hs_addr pc;      /* where it goes on: behind the call, for callers */
	hs_addr start;   /* its bytes of the stack: the stack pointer ... */
	hs_addr end;     /* ... and one past; HS_NO_ADDR: not known */
	bool signal;     /* it calls a signal handler */
	size_t module;   /* index for hs_target_module(), or SIZE_MAX */
	bool has_symbol; /* of the function; it may be the nearest one that a
			  * stripped file names: see its size */
	struct hs_symbol_info symbol;
	uint64_t offset; /* of PC, bytes from symbol.addr */
};

/* THREAD is an index for hs_target_thread(); 0 frames: see the end. */
HS_API size_t hs_stacks_frame_count(const struct hs_stacks *stacks,
				    size_t thread);
HS_API enum hs_stack_end hs_stacks_end(const struct hs_stacks *stacks,
				       size_t thread);
HS_API void hs_stacks_frame(struct hs_stacks *stacks, size_t thread, size_t i,
			    struct hs_frame_info *ret);

/* The frame that has the byte at ADDR. What a function may use below its stack
 * pointer is the innermost frame's. False: no frame that is known has it. */
HS_API bool hs_stacks_at(struct hs_stacks *stacks, hs_addr addr,
			 struct hs_frame_info *ret);

#ifdef __cplusplus
}
#endif
#endif
