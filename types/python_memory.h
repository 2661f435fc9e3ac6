/* SPDX-License-Identifier: MIT */
#ifndef TYPES_PYTHON_MEMORY_H
#define TYPES_PYTHON_MEMORY_H

#include "types/namer.h"

/*
 * Blocks that are no objects, by the pointers in Python objects that lead to
 * their starts: the bytes of a bytearray, the numbers of an array, the struct
 * of a C library that a module wraps. They are called after the class, "memory
 * of bytearray", if objects of one class alone lead there.
 */
struct hs_python_memory {
	struct hs_addr_map owner; /* block -> type; value: its number, extra:
				   * not 0 where there are several */
};
void hs_python_memory_release(struct hs_python_memory *m);

/* An object of the type number TYPE, OFFSET bytes into B: write down where its
 * fields, which are SIZE bytes with its head, lead. Only when it is known what
 * most blocks are: those that have a name keep it. */
void hs_python_memory_note(struct hs_naming *n, struct hs_python_memory *m,
			   const struct hs_block *b, unsigned offset,
			   uint64_t size, uint32_t type);
/* When all objects were seen: name those blocks that are not in BODIES, which
 * have a better name to come. */
void hs_python_memory_name(struct hs_naming *n,
			   const struct hs_python_memory *m,
			   const struct hs_addr_map *bodies, size_t module);

#endif
