/* SPDX-License-Identifier: MIT */
#include "symbols/local_frames.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "core/limits.h"

/* Between these of one thread there is a recursion, which says the same again
 * and again. */
#define INNERMOST 256u
#define OUTERMOST 256u

static enum hs_status add(struct hs_local_frames *frames, size_t thread,
			  const struct hs_frame *f, struct hs_error *err)
{
	enum hs_status st = hs_grow(&frames->frame, &frames->capacity,
				    frames->count, sizeof(*frames->frame), err);
	if (!st)
		frames->frame[frames->count++] = hs_local_frame_new(thread, f);
	return st;
}

/* The frames of one thread. The outermost ones are a ring behind the others
 * until the last is known; their order does not matter. */
static enum hs_status of_thread(struct hs_unwinder *u, size_t thread,
				struct hs_local_frames *frames,
				struct hs_error *err)
{
	struct hs_frame f;
	size_t first = frames->count;
	for (bool more =
		     hs_unwind_begin(u, &u->target->threads.thread[thread], &f);
	     more; more = hs_unwind_next(u, &f)) {
		/* Without a module there is no debug information either. */
		if (f.module == SIZE_MAX ||
		    frames->count >= HS_LIMIT_LOCAL_FRAMES)
			continue;
		if (frames->count - first < INNERMOST + OUTERMOST) {
			enum hs_status st = add(frames, thread, &f, err);
			if (st)
				return st;
			continue;
		}
		frames->frame[first + INNERMOST + f.number % OUTERMOST].frame =
			f;
	}
	return HS_OK;
}

static int by_place(const void *a, const void *b)
{
	const struct hs_local_frame *x = a, *y = b;
	if (x->frame.module != y->frame.module)
		return x->frame.module < y->frame.module ? -1 : 1;
	if (x->pc != y->pc)
		return x->pc < y->pc ? -1 : 1;
	/* The same answer every time. */
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return (x->frame.number > y->frame.number) -
	       (x->frame.number < y->frame.number);
}

static int by_call(const void *a, const void *b)
{
	const struct hs_local_frame *x = *(struct hs_local_frame *const *)a,
				    *y = *(struct hs_local_frame *const *)b;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return (x->frame.number > y->frame.number) -
	       (x->frame.number < y->frame.number);
}

/* Whom a signal interrupted made no call. */
static void link_callers(struct hs_local_frames *frames,
			 struct hs_local_frame **order)
{
	for (size_t i = 0; i < frames->count; i++)
		order[i] = &frames->frame[i];
	qsort(order, frames->count, sizeof(*order), by_call);
	for (size_t i = 0; i + 1 < frames->count; i++) {
		const struct hs_frame *f = &order[i]->frame;
		const struct hs_frame *up = &order[i + 1]->frame;
		if (order[i]->thread == order[i + 1]->thread &&
		    f->number + 1 == up->number && f->module == up->module &&
		    !f->signal && !up->signal)
			order[i]->caller = order[i + 1];
	}
}

enum hs_status hs_local_frames_find(struct hs_target *target,
				    struct hs_symbols *syms,
				    struct hs_local_frames *ret,
				    struct hs_error *err)
{
	struct hs_local_frames frames = { .count = 0 };
	struct hs_unwinder u;
	uint64_t bias;
	enum hs_status st = hs_unwinder_init(&u, target, syms, err);
	if (st)
		return st;
	for (size_t t = 0; t < target->threads.count && !st; t++)
		st = of_thread(&u, t, &frames, err);
	if (!st && u.no_memory)
		st = hs_fail(err, HS_ERR_NOMEM, "no memory for stack frames");
	hs_unwinder_release(&u);
	if (st) {
		hs_local_frames_release(&frames);
		return st;
	}
	for (size_t i = 0; i < frames.count; i++) {
		struct hs_local_frame *f = &frames.frame[i];
		if (hs_symbols_bias(syms, f->frame.module, &bias, NULL))
			bias = 0;
		f->pc = f->frame.look - bias;
		if (target->word_size == 4)
			f->pc = (uint32_t)f->pc;
	}
	if (frames.count) {
		HS_AUTO_FREE struct hs_local_frame **order =
			calloc(frames.count, sizeof(*order));
		if (!order) {
			hs_local_frames_release(&frames);
			return hs_fail(err, HS_ERR_NOMEM,
				       "no memory for stack frames");
		}
		qsort(frames.frame, frames.count, sizeof(*frames.frame),
		      by_place);
		link_callers(&frames, order);
	}
	hs_window_init(&frames.read, target);
	*ret = frames;
	return HS_OK;
}

void hs_local_frames_release(struct hs_local_frames *frames)
{
	free(frames->frame);
	*frames = (struct hs_local_frames){ .count = 0 };
}

size_t hs_local_frames_of(const struct hs_local_frames *frames, size_t module,
			  size_t *count)
{
	size_t lo = 0, hi = frames->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (frames->frame[mid].frame.module < module)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (hi = lo;
	     hi < frames->count && frames->frame[hi].frame.module == module;)
		hi++;
	*count = hi - lo;
	return lo;
}
