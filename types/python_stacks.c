/* SPDX-License-Identifier: MIT */
#include "types/python_stacks.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/limits.h"

/*
 *	piece   {the one before, bytes, words in use, words ...}
 *	thread  {..., piece, first free word, end of the piece, ...}
 *
 * What is in use of the last piece only the thread knows. A piece is of whole
 * pages, and all three words of the thread must agree with it.
 */
#define PIECE_SIZE 8u
#define PIECE_USED 16u
#define PIECE_HEAD 24u
#define PAGE 4096u

void hs_py_stacks_release(struct hs_py_stacks *stacks)
{
	free(stacks->piece);
	*stacks = (struct hs_py_stacks){ .count = 0 };
}

static enum hs_status add(struct hs_py_stacks *stacks,
			  const struct hs_py_stack *piece, struct hs_error *err)
{
	enum hs_status st = hs_grow(&stacks->piece, &stacks->capacity,
				    stacks->count, sizeof(*stacks->piece), err);
	if (!st)
		stacks->piece[stacks->count++] = *piece;
	return st;
}

enum hs_status hs_py_stacks_look(struct hs_py *py, struct hs_py_stacks *stacks,
				 hs_addr addr, uint64_t word,
				 struct hs_error *err)
{
	struct hs_naming *n = py->n;
	uint64_t top, end, size;
	if (word == 0 || word % PAGE != 0 || word > UINT64_MAX / 2 ||
	    py->layout->minor < 11 || !hs_peek(n, addr + 16, &end) ||
	    end <= word || (end - word) % PAGE != 0 ||
	    !hs_peek(n, addr + 8, &top) || top < word + PIECE_HEAD ||
	    top > end || top % 8 != 0 ||
	    !hs_peek(n, word + PIECE_SIZE, &size) || size != end - word)
		return HS_OK;
	for (unsigned i = 0; i < HS_LIMIT_PYTHON_PIECES; i++) {
		uint64_t before, used;
		if (!hs_peek(n, word, &before))
			return HS_OK;
		const struct hs_py_stack piece = { word, end, top,
						   before == 0 };
		enum hs_status st = add(stacks, &piece, err);
		if (st || before == 0)
			return st;
		if (before % PAGE != 0 || before > UINT64_MAX / 2 ||
		    !hs_peek(n, before + PIECE_SIZE, &size) ||
		    size > UINT64_MAX / 4 || size % PAGE != 0 ||
		    !hs_peek(n, before + PIECE_USED, &used) ||
		    used > (size - PIECE_HEAD) / 8)
			return HS_OK;
		word = before;
		end = word + size;
		top = word + PIECE_HEAD + 8 * used;
	}
	return HS_OK;
}

static int by_start(const void *a, const void *b)
{
	const struct hs_py_stack *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->top < y->top ? -1 : x->top > y->top;
}

void hs_py_stacks_sort(struct hs_py_stacks *stacks)
{
	size_t kept = 0;
	if (!stacks->count)
		return;
	qsort(stacks->piece, stacks->count, sizeof(*stacks->piece), by_start);
	for (size_t i = 1; i < stacks->count; i++)
		if (stacks->piece[i].start >= stacks->piece[kept].end)
			stacks->piece[++kept] = stacks->piece[i];
	stacks->count = kept + 1;
}

static bool ignore(void *arg, const struct hs_py_ref *ref)
{
	(void)arg;
	(void)ref;
	return false;
}

void hs_py_stack_frames(struct hs_py *py, const struct hs_py_stack *piece,
			hs_py_frame_fn fn, void *arg, hs_addr *end)
{
	/* The first word of a thread's first piece is not used. */
	hs_addr at = piece->start + PIECE_HEAD + (piece->first ? 8 : 0), next;
	while (at < piece->top && hs_py_works(py) &&
	       hs_py_frame_refs(py, at, false, ignore, NULL, &next) !=
		       HS_PY_NO_FRAME &&
	       next > at && next <= piece->top && fn(arg, at))
		at = next;
	*end = at;
}
