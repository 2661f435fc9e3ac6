/* SPDX-License-Identifier: MIT */
#ifndef TYPES_STD_NODES_H
#define TYPES_STD_NODES_H

#include "types/addr_map.h"
#include "types/namer.h"

/* What is known so far of libstdc++'s containers. */
struct hs_std {
	struct hs_addr_map found; /* user pointers; value: type or none */
	uint64_t budget;          /* nodes that may still be looked at */
};

/* Note that the block at USER is NAME; false: out of memory. */
bool hs_std_found(struct hs_naming *n, struct hs_std *s, hs_addr user,
		  const char *name, const char *evidence,
		  enum hs_certainty confidence);
/* A live block at ADDR that has no name yet. */
bool hs_std_open_block(struct hs_naming *n, const struct hs_std *s,
		       hs_addr addr, struct hs_block *ret);
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
