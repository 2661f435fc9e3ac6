/* SPDX-License-Identifier: MIT */
#ifndef TYPES_C_CONTAINERS_H
#define TYPES_C_CONTAINERS_H

#include "core/fail.h"
#include "symbols/declarations.h"

struct hs_c;
struct hs_c_source;

/*
 * Containers of libstdc++, libc++ and Rust whose element types are declared:
 * what their nodes are is not, in a way that a pointer could be followed. Only
 * of 64-bit programs.
 */
enum hs_c_container_kind {
	HS_C_VECTOR,
	HS_C_DEQUE,
	HS_C_LIST,
	HS_C_FORWARD_LIST,
	HS_C_TREE, /* map, set, multimap, multiset */
	HS_C_HASH, /* unordered ones */
	HS_C_RUST_VEC,
	HS_C_RUST_DEQUE,
	HS_C_RUST_TABLE, /* of HashMap and HashSet */
};

struct hs_c_container {
	enum hs_c_container_kind kind;
	bool libcxx;
	uint32_t blocks; /* a made-up type: that of its nodes or elements */
	uint32_t body;   /* of buckets, or of a deque's map */
	/* Of Rust, whose compiler orders members as it likes: where a container
	 * has its pointer, capacity (of a table: mask) and length; and the type
	 * of a table's entries. */
	uint64_t pointer, capacity, length;
	uint32_t entry;
};

struct hs_c_containers {
	struct hs_c_container *list;
	size_t count, capacity;
	uint32_t *of; /* by type: 1 + index in LIST; 0: none; owned */
	size_t types;
};

/* Look for them among the declarations, which are complete. Adds types. */
HS_MUST_CHECK enum hs_status hs_c_containers_init(struct hs_c *c,
						  struct hs_error *err);
void hs_c_containers_release(struct hs_c_containers *containers);

/* Is a TYPE, without typedefs, one of them? NULL: no. */
const struct hs_c_container *hs_c_container(const struct hs_c *c,
					    uint32_t type);

/* Claim the blocks of the container at ADDR. */
void hs_c_visit_container(struct hs_c_source *s,
			  const struct hs_c_container *container, hs_addr addr);

#endif
