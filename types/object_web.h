/* SPDX-License-Identifier: MIT */
#ifndef TYPES_OBJECT_WEB_H
#define TYPES_OBJECT_WEB_H

#include <heapscan/objects.h>

#include "types/python_stacks.h"

/*
 * Everything that may hold a Python object, or be held by one: the blocks in
 * use of the interpreter's own arenas, and those of malloc. A number for each,
 * what it is in a byte, and how many references to it were seen.
 *
 * References are not kept. Whoever needs those of one object reads them again.
 */
struct hs_web {
	struct hs_naming *n; /* borrowed, as STATE */
	void *state;         /* of the namer */
	struct hs_py py;
	struct hs_web_pool {
		hs_addr start; /* of the first block */
		uint32_t size, count;
		uint32_t first; /* node */
	} * pool;               /* by address */
	size_t pool_count, pool_capacity;
	hs_addr lowest, highest;  /* of blocks in pools */
	struct hs_addr_map pools; /* index, by address of the pool */
	uint32_t slots, nodes;    /* chunk I is node SLOTS + I */
	uint8_t *head;            /* by node: see below */
	uint32_t *seen; /* by node: references of objects and frames */
	struct hs_py_stacks stacks;
	const struct hs_live_range *live; /* borrowed */
	size_t live_count;
	uint64_t work;
	uint64_t linked, doubtful; /* objects that the collector has links of */
};

/* What a node is: bytes from its start to the object in it, or */
#define HS_WEB_LAST_HEAD 32u
#define HS_WEB_DOUBT 64u   /* more: while WEB is made, an object or not */
#define HS_WEB_DATA 253u   /* of an object; refers to nothing by itself */
#define HS_WEB_MEMORY 254u /* nobody knows */
#define HS_WEB_NONE 255u   /* free */

#define HS_WEB_NO_NODE UINT32_MAX

/* WEB is to be released in any case. HS_ERR_UNSUPPORTED: no Python is there
 * whose objects are known. */
HS_MUST_CHECK enum hs_status hs_web_init(struct hs_web *web,
					 struct hs_naming *n, void *state,
					 struct hs_error *err);
void hs_web_release(struct hs_web *web);

/* What is at NODE: its memory, all of it. */
void hs_web_block(const struct hs_web *web, uint32_t node, hs_addr *start,
		  uint64_t *size);
static inline bool hs_web_is_object(const struct hs_web *web, uint32_t node)
{
	return web->head[node] <= HS_WEB_LAST_HEAD;
}
/* Where the object of NODE begins, or its memory. */
hs_addr hs_web_addr(const struct hs_web *web, uint32_t node);

/* The node whose memory ADDR lies in; *INTO bytes from its start. */
bool hs_web_in(const struct hs_web *web, hs_addr addr, uint32_t *node,
	       uint64_t *into);
/* The node of the object at ADDR. */
bool hs_web_object(const struct hs_web *web, hs_addr addr, uint32_t *node);
/* What REF leads to; false: nothing that is known. */
bool hs_web_target(const struct hs_web *web, const struct hs_py_ref *ref,
		   uint32_t *node);

/* How much one reference makes a way longer: those that a reader would not
 * write down cost more. */
unsigned hs_web_cost(struct hs_web *web, uint32_t from,
		     const struct hs_py_ref *ref);
#define HS_WEB_MOST_COST 63u

/* All that NODE refers to. Blocks that are no objects are looked at word by
 * word. */
typedef bool (*hs_web_ref_fn)(void *arg, uint32_t to,
			      const struct hs_py_ref *ref);
bool hs_web_refs(struct hs_web *web, uint32_t node, hs_web_ref_fn fn,
		 void *arg);

/* One place that is alive by itself. */
struct hs_web_root {
	enum hs_object_root_kind kind;
	hs_addr addr;  /* of the word, or of the frame */
	size_t thread; /* of a register */
	unsigned reg;
	unsigned cost;
	const struct hs_py_ref *ref; /* of a frame */
};
typedef bool (*hs_web_root_fn)(void *arg, uint32_t to,
			       const struct hs_web_root *root);
/* Those of functions that run alone, with what may be left over. */
void hs_web_frames(struct hs_web *web, hs_web_root_fn fn, void *arg);
void hs_web_roots(struct hs_web *web, hs_web_root_fn fn, void *arg);

#endif
