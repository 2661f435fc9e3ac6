/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_LOCAL_FRAMES_H
#define SYMBOLS_LOCAL_FRAMES_H

#include "symbols/unwind.h"

/*
 * The frames whose functions' variables are looked for: of each thread the
 * innermost and the outermost ones, with their registers.
 */
struct hs_local_frame {
	size_t thread; /* index for hs_target_thread() */
	struct hs_frame frame;
	uint64_t pc; /* frame.look, as linked */
	/* The frame that made the call, if it is of the same module, else
	 * NULL. Borrowed. */
	struct hs_local_frame *caller;
	/* What the reader of debug information notes here; HS_NO_ADDR: not
	 * known. What DW_OP_fbreg counts from, where the function begins, as
	 * linked, and where the DIEs are of the function and of the call that
	 * it is in. */
	hs_addr base;
	uint64_t entry, function, site;
	uint64_t line, file; /* that the function is in; 0: not known */
};

static inline void hs_local_frame_forget(struct hs_local_frame *f)
{
	f->base = f->entry = f->function = f->site = HS_NO_ADDR;
}

/* A frame of which nothing is noted yet. */
static inline struct hs_local_frame
hs_local_frame_new(size_t thread, const struct hs_frame *frame)
{
	struct hs_local_frame f = { .thread = thread, .frame = *frame };
	hs_local_frame_forget(&f);
	return f;
}

struct hs_local_frames {
	struct hs_local_frame *frame; /* owned; by module, then by pc */
	size_t count, capacity;
	struct hs_window read;
};

HS_MUST_CHECK enum hs_status hs_local_frames_find(struct hs_target *target,
						  struct hs_symbols *syms,
						  struct hs_local_frames *ret,
						  struct hs_error *err);
void hs_local_frames_release(struct hs_local_frames *frames);

/* Those in MODULE: *COUNT from the index returned. */
size_t hs_local_frames_of(const struct hs_local_frames *frames, size_t module,
			  size_t *count);

#endif
