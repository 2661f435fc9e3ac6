/* SPDX-License-Identifier: MIT */
#ifndef TYPES_C_CONTAINERS_H
#define TYPES_C_CONTAINERS_H

#include "core/addr_map.h"
#include "core/fail.h"
#include "symbols/declarations.h"

struct hs_c;
struct hs_c_source;
struct hs_naming;

/*
 * Containers of libstdc++, libc++ and Rust whose element types are declared:
 * what their nodes are is not, in a way that a pointer could be followed. Only
 * of 64-bit programs.
 */
enum hs_c_container_kind {
	HS_C_VECTOR,
	HS_C_BITS, /* vector<bool> */
	HS_C_DEQUE,
	HS_C_LIST,
	HS_C_FORWARD_LIST,
	HS_C_TREE, /* map, set, multimap, multiset */
	HS_C_HASH, /* unordered ones */
	HS_C_HELD, /* function and any, see c_held.c */
	HS_C_LIBCXX_FUNCTION,
	HS_C_WEAK, /* weak_ptr */
	HS_C_RUST_VEC,
	HS_C_RUST_DEQUE,
	HS_C_RUST_TABLE, /* of HashMap and HashSet */
};

struct hs_c_container {
	enum hs_c_container_kind kind;
	bool libcxx;
	uint32_t blocks; /* a made-up type: that of its nodes or elements */
	uint32_t body;   /* of buckets, or of a deque's map */
	/* Where it has its pointers, its capacity and its length. Of C++, whose
	 * allocators and comparisons may keep state before them: where the
	 * pointers begin, the first node of a hash table is, and the count.
	 * Rust's compiler orders members as it likes; the capacity of a table
	 * is its mask. */
	uint64_t pointer, capacity, length;
	uint32_t entry; /* of a table of Rust, a weak_ptr: the type in it */
};

struct hs_c_containers {
	struct hs_c_container *list;
	size_t count, capacity;
	uint32_t *of; /* by type: 1 + index in LIST; 0: none; owned */
	size_t types;
	/* Functions that know what a function or any holds -> type; extra: one
	 * of these. */
	struct hs_addr_map managers;
};

enum hs_c_held { HS_C_HELD_UNKNOWN, HS_C_HELD_IN_PLACE, HS_C_HELD_BY_POINTER };

/* Look for them among the declarations, which are complete. Adds types. */
HS_MUST_CHECK enum hs_status hs_c_containers_init(struct hs_c *c,
						  struct hs_error *err);
/* Look for the functions, when the containers are known. */
HS_MUST_CHECK enum hs_status
hs_c_managers_init(struct hs_naming *n, struct hs_c *c, struct hs_error *err);
/* What the function, any or weak_ptr at ADDR holds. */
void hs_c_visit_held(struct hs_c_source *s, const struct hs_c_container *k,
		     hs_addr addr);
void hs_c_containers_release(struct hs_c_containers *containers);

/* Is a TYPE, without typedefs, one of them? NULL: no. */
const struct hs_c_container *hs_c_container(const struct hs_c *c,
					    uint32_t type);

/* Claim the blocks of the container at ADDR. */
void hs_c_visit_container(struct hs_c_source *s,
			  const struct hs_c_container *container, hs_addr addr);

#endif
