/* SPDX-License-Identifier: MIT */
#ifndef TYPES_STD_NODES_H
#define TYPES_STD_NODES_H

#include "types/namer.h"

/* What a block of a container is. */
enum hs_std_kind {
	HS_STD_LIST_NODE,
	HS_STD_TREE_NODE,
	HS_STD_HASH_NODE,
	HS_STD_BUCKETS,
	HS_STD_DEQUE_ELEMENTS,
	HS_STD_DEQUE_MAP,
	HS_STD_STRING,
	HS_STD_BYTES, /* a string, too, with something else than text */
	HS_STD_VECTOR,
	HS_STD_POOL,
	HS_STD_KINDS
};

/* What is known so far of the containers of libstdc++, or of libc++. */
struct hs_std {
	bool libcxx;
	uint32_t type[HS_STD_KINDS]; /* 1 + number of the type; 0: not yet */
	uint64_t budget;             /* nodes that may still be looked at */
};

/* Is libc++ loaded, or in the program? */
bool hs_std_has_libcxx(const struct hs_naming *n);
/* Name the list, if its node B is one: both libraries make them alike. */
bool hs_std_try_list(struct hs_naming *n, struct hs_std *s,
		     const struct hs_block *b);
/* May chunk I be a node? It is a block without a name, and no text fills it.
 * For who looks at all in turn. */
bool hs_std_may_be_node(struct hs_naming *n, size_t i, struct hs_block *ret);
/* Forget which rings were looked at and are no lists. */
void hs_std_forget_seen(struct hs_naming *n);

/* Give the block its name; false: out of memory. */
bool hs_std_found(struct hs_naming *n, struct hs_std *s,
		  const struct hs_block *block, enum hs_std_kind kind);
/* A live block at ADDR that has no name yet. */
bool hs_std_open_block(struct hs_naming *n, hs_addr addr, struct hs_block *ret);
/* Word I of what is at ADDR: containers are made of pointers and sizes. */
static inline bool hs_std_word(struct hs_naming *n, hs_addr addr, unsigned i,
			       uint64_t *ret)
{
	return hs_peek(n, addr + (uint64_t)i * n->target->word_size, ret);
}
/* One more node was looked at; false: enough is enough. */
static inline bool hs_std_spend(struct hs_std *s)
{
	return s->budget > 0 && s->budget-- > 0;
}

/*
 * Look through all writable memory for strings, vectors, deques and hash
 * tables, whose blocks say nothing about themselves.
 */
void hs_std_owners(struct hs_naming *n, struct hs_std *s);

#endif
