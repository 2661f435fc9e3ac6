/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_UNWIND_H
#define SYMBOLS_UNWIND_H

#include <heapscan/stacks.h>

#include "symbols/dwarf_cfi.h"
#include "symbols/symbols.h"

/*
 * The way from what a thread is doing back to how it began, frame by frame:
 *
 *	struct hs_unwinder u;
 *	struct hs_frame f;
 *	st = hs_unwinder_init(&u, target, syms, err);
 *	for (bool more = hs_unwind_begin(&u, thread, &f); more;
 *	     more = hs_unwind_next(&u, &f))
 *		...
 *	... u.end says why there are no more ...
 *	hs_unwinder_release(&u);
 */
struct hs_frame {
	uint64_t number; /* 0: what the thread is doing right now */
	hs_addr pc;      /* where it will go on */
	hs_addr look;    /* the instruction that is being done: for callers
			  * PC is behind the call, maybe in another function */
	hs_addr sp;      /* when it goes on */
	hs_addr cfa;     /* SP before it was called; HS_NO_ADDR: not known */
	size_t module;   /* that has the code; SIZE_MAX: none */
	bool signal;     /* code of the kernel or libc that calls a handler */
	struct hs_dwarf_registers registers; /* as the frame has them */
	/* Where a callee saved register N, which has it from there; HS_NO_ADDR:
	 * nobody did, or it was worked out. */
	hs_addr saved[HS_DWARF_REGISTERS];
};

struct hs_unwinder {
	struct hs_target *target;
	struct hs_symbols *syms;
	struct hs_window read;
	enum hs_stack_end end; /* after the last frame: why */
	uint64_t frames,
		bytes; /* that may still be looked at, by all threads */
	unsigned switches;
	bool no_memory;             /* so that frames may be missing */
	struct hs_cfi_table *table; /* owned; by module */
	bool *asked;                /* owned; by module */
	struct hs_cfi cfi;
	struct hs_cfi_row row; /* of the frame at hand, if its cfa is known */
};

/* Fails only for want of memory. */
HS_MUST_CHECK enum hs_status hs_unwinder_init(struct hs_unwinder *u,
					      struct hs_target *target,
					      struct hs_symbols *syms,
					      struct hs_error *err);
void hs_unwinder_release(struct hs_unwinder *u);
/* THREAD's innermost frame; false: its registers are not known. */
bool hs_unwind_begin(struct hs_unwinder *u, const struct hs_thread *thread,
		     struct hs_frame *ret);
/* The frame that called FRAME, into FRAME. False: there is none, see u->end. */
bool hs_unwind_next(struct hs_unwinder *u, struct hs_frame *frame);

#endif
