/* SPDX-License-Identifier: MIT */
#ifndef TYPES_PYTHON_STACKS_H
#define TYPES_PYTHON_STACKS_H

#include "types/python_refs.h"

/*
 * Where the functions that run keep their variables, 3.11 and later: memory of
 * the threads' own, in pieces that are chained.
 */
struct hs_py_stacks {
	struct hs_py_stack {
		hs_addr start, end; /* of the piece */
		hs_addr top;        /* from here on it is not in use */
		bool first;         /* of its thread */
	} * piece;
	size_t count, capacity;
};
void hs_py_stacks_release(struct hs_py_stacks *stacks);

/* Is what is at ADDR a thread's record of its stack? Then its pieces are put
 * into STACKS. */
HS_MUST_CHECK enum hs_status hs_py_stacks_look(struct hs_py *py,
					       struct hs_py_stacks *stacks,
					       hs_addr addr, uint64_t word,
					       struct hs_error *err);
/* When all were found: sort them, each once. */
void hs_py_stacks_sort(struct hs_py_stacks *stacks);

/* The frames on PIECE, outermost first; *END is where the last one that could
 * be read ends. */
typedef bool (*hs_py_frame_fn)(void *arg, hs_addr frame);
void hs_py_stack_frames(struct hs_py *py, const struct hs_py_stack *piece,
			hs_py_frame_fn fn, void *arg, hs_addr *end);

#endif
