/* SPDX-License-Identifier: MIT */
#include <heapscan/stacks.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "symbols/unwind.h"

/* The System V ABI of x86-64 lets a function use this much below its stack
 * pointer. */
#define RED_ZONE 128u

struct frame {
	hs_addr pc, look, start, end;
	size_t module;
	bool signal;
};

struct stack {
	size_t first, count; /* frames */
	enum hs_stack_end end;
};

/* A run of frames that lie one above the other, for looking up. */
struct run {
	hs_addr start, end;
	size_t thread, first, count; /* of thread's frames */
};

struct hs_stacks {
	struct hs_target *target;
	struct hs_symbols *syms;
	struct stack *stack; /* by thread */
	size_t count;
	struct frame *frame;
	size_t frame_count, frame_capacity;
	struct run *run; /* by start */
	size_t run_count, run_capacity;
};

const char *hs_stack_end_name(enum hs_stack_end end)
{
	static const char *const names[] = {
#define X(id, word) word,
		HS_STACK_ENDS(X)
#undef X
	};
	return (unsigned)end < HS_STACK_END_COUNT ? names[end] : "?";
}

static enum hs_status add_frame(struct hs_stacks *s, const struct hs_frame *f,
				struct hs_error *err)
{
	enum hs_status st = hs_grow(&s->frame, &s->frame_capacity,
				    s->frame_count, sizeof(*s->frame), err);
	if (st)
		return st;
	/* Of the last frame, where nothing is known, not even the end is. */
	s->frame[s->frame_count++] = (struct frame){
		.pc = f->pc,
		.look = f->look,
		.start = f->sp,
		.end = f->cfa != HS_NO_ADDR && f->cfa >= f->sp ? f->cfa
							       : HS_NO_ADDR,
		.module = f->module,
		.signal = f->signal,
	};
	return HS_OK;
}

/* The frames of THREAD as runs: one, but for signals on other stacks. */
static enum hs_status add_runs(struct hs_stacks *s, size_t thread,
			       struct hs_error *err)
{
	const struct stack *stack = &s->stack[thread];
	struct run run = { .count = 0 };
	for (size_t i = 0; i <= stack->count; i++) {
		const struct frame *f =
			i < stack->count ? &s->frame[stack->first + i] : NULL;
		if (f && f->end == HS_NO_ADDR)
			f = NULL;
		if (f && run.count && f->start == run.end) {
			run.end = f->end;
			run.count++;
			continue;
		}
		if (run.count) {
			enum hs_status st =
				hs_grow(&s->run, &s->run_capacity, s->run_count,
					sizeof(*s->run), err);
			if (st)
				return st;
			s->run[s->run_count++] = run;
			run.count = 0;
		}
		if (!f)
			continue;
		run = (struct run){ f->start, f->end, thread, i, 1 };
		if (i == 0 && s->target->arch == HS_ARCH_X86_64)
			run.start -=
				run.start < RED_ZONE ? run.start : RED_ZONE;
	}
	return HS_OK;
}

static int by_start(const void *a, const void *b)
{
	const struct run *x = a, *y = b;
	return (x->start > y->start) - (x->start < y->start);
}

static enum hs_status walk_thread(struct hs_stacks *s, struct hs_unwinder *u,
				  size_t thread, struct hs_error *err)
{
	struct stack *stack = &s->stack[thread];
	struct hs_frame f;
	stack->first = s->frame_count;
	for (bool more =
		     hs_unwind_begin(u, &s->target->threads.thread[thread], &f);
	     more; more = hs_unwind_next(u, &f)) {
		enum hs_status st = add_frame(s, &f, err);
		if (st)
			return st;
	}
	stack->count = s->frame_count - stack->first;
	stack->end = u->end;
	return add_runs(s, thread, err);
}

static enum hs_status walk(struct hs_stacks *s, struct hs_error *err)
{
	struct hs_unwinder u;
	enum hs_status st = hs_unwinder_init(&u, s->target, s->syms, err);
	if (st)
		return st;
	for (size_t t = 0; t < s->count && !st; t++)
		st = walk_thread(s, &u, t, err);
	if (!st && u.no_memory)
		st = hs_fail(err, HS_ERR_NOMEM, "no memory for stack frames");
	hs_unwinder_release(&u);
	if (!st && s->run_count)
		qsort(s->run, s->run_count, sizeof(*s->run), by_start);
	return st;
}

enum hs_status hs_stacks_new(struct hs_target *target, struct hs_symbols *syms,
			     struct hs_stacks **ret, struct hs_error *err)
{
	struct hs_stacks *s = calloc(1, sizeof(*s));
	if (!s)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	s->target = target;
	s->syms = syms;
	s->count = target->threads.count;
	/* One more: calloc(0) may be NULL. */
	s->stack = calloc(s->count + 1, sizeof(*s->stack));
	enum hs_status st =
		s->stack ? walk(s, err)
			 : hs_fail(err, HS_ERR_NOMEM,
				   "no memory for the stacks of %zu threads",
				   s->count);
	if (st) {
		hs_stacks_free(s);
		return st;
	}
	*ret = s;
	return HS_OK;
}

void hs_stacks_free(struct hs_stacks *stacks)
{
	if (!stacks)
		return;
	free(stacks->stack);
	free(stacks->frame);
	free(stacks->run);
	free(stacks);
}

size_t hs_stacks_frame_count(const struct hs_stacks *stacks, size_t thread)
{
	return thread < stacks->count ? stacks->stack[thread].count : 0;
}

enum hs_stack_end hs_stacks_end(const struct hs_stacks *stacks, size_t thread)
{
	return thread < stacks->count ? stacks->stack[thread].end
				      : HS_STACK_NO_REGISTERS;
}

void hs_stacks_frame(struct hs_stacks *stacks, size_t thread, size_t i,
		     struct hs_frame_info *ret)
{
	const struct frame *f = &stacks->frame[stacks->stack[thread].first + i];
	*ret = (struct hs_frame_info){
		.thread = thread,
		.number = i,
		.pc = f->pc,
		.start = f->start,
		.end = f->end,
		.signal = f->signal,
		.module = f->module,
	};
	ret->has_symbol = hs_symbols_at(stacks->syms, f->look, &ret->symbol);
	if (ret->has_symbol)
		ret->offset = f->pc - ret->symbol.addr;
}

bool hs_stacks_at(struct hs_stacks *stacks, hs_addr addr,
		  struct hs_frame_info *ret)
{
	size_t lo = 0, hi = stacks->run_count;
	while (lo < hi) { /* the first run that begins behind */
		size_t mid = lo + (hi - lo) / 2;
		if (stacks->run[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || addr >= stacks->run[lo - 1].end)
		return false;
	const struct run *run = &stacks->run[lo - 1];
	const struct frame *f =
		&stacks->frame[stacks->stack[run->thread].first + run->first];
	lo = 0;
	hi = run->count;
	while (lo < hi) { /* the first frame that ends behind */
		size_t mid = lo + (hi - lo) / 2;
		if (f[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	hs_stacks_frame(stacks, run->thread, run->first + lo, ret);
	return true;
}
