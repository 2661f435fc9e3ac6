/* SPDX-License-Identifier: MIT */
#ifndef GRAPH_ROOTS_H
#define GRAPH_ROOTS_H

#include <heapscan/graph.h>

#include "heap/model.h"

/*
 * Where references begin: memory that is alive by itself. Not the heap, whose
 * blocks must be reached, not what the allocator keeps for itself, and not the
 * dead part of stacks.
 */

/* Memory that has a better name than its mapping. */
struct hs_root_label {
	hs_addr start, end;
	enum hs_root_kind kind;
	size_t thread, module; /* SIZE_MAX: none */
};

/* Runs of such memory, or of stack that nobody uses any more. */
struct hs_range_list {
	struct hs_live_range *range;
	size_t count, capacity;
};

struct hs_roots {
	struct hs_range_list live; /* ascending, no overlap */
	struct hs_range_list dead; /* below stack pointers, ended threads */
	struct hs_root_label *label;
	size_t label_count, label_capacity;
	struct hs_root_stack {
		hs_addr sp;
		size_t thread;
	} * stack; /* ascending */
	size_t stack_count;
};

/* SYMS may be NULL: then nothing is known of thread-local storage, whose
 * memory counts under its mapping's name. */
HS_MUST_CHECK enum hs_status hs_roots_find(struct hs_target *target,
					   struct hs_symbols *syms,
					   const struct hs_heap *heap,
					   struct hs_roots *ret,
					   struct hs_error *err);
void hs_roots_release(struct hs_roots *roots);

/* What the root word at ADDR is, without its symbol. */
void hs_roots_describe(const struct hs_roots *roots,
		       const struct hs_target *target, hs_addr addr,
		       struct hs_root_info *ret);

#endif
