/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SHAPES_H
#define TYPES_SHAPES_H

#include "types/namer.h"

/* What namers of libraries by the shape of their structures have in common. */
struct hs_shape_name {
	const char *name, *evidence;
	enum hs_confidence confidence;
};

/* The number of the type that SHAPE is, from SOURCE; false: no memory. */
bool hs_shape_type(struct hs_naming *n, const struct hs_shape_name *shape,
		   enum hs_type_source source, uint32_t *ret);

/* Would malloc give a block like B for BYTES? It adds to align, and what would
 * be too little for a chunk; a mapping of its own has whole pages. */
bool hs_block_fits(const struct hs_naming *n, const struct hs_block *b,
		   uint64_t bytes);

/*
 * Blocks that owners lead to: found out in the first pass, with a number of
 * the namer's own, and asked for in the second. The first number stays, so
 * that it does not matter who comes first only if all owners agree: give one
 * that two different owners claim up instead.
 */
#define HS_OWNED_DOUBTFUL UINT32_MAX

void hs_owned_note(struct hs_naming *n, struct hs_addr_map *map, hs_addr addr,
		   uint32_t shape);
/* Take over what a worker found out. */
void hs_owned_merge(struct hs_naming *n, struct hs_addr_map *map,
		    const struct hs_addr_map *from);
/* False: nobody leads there, or two that do not agree. */
bool hs_owned_get(const struct hs_addr_map *map, hs_addr addr, uint32_t *shape);

/*
 * What may be looked at in blocks that others lead to, if each is looked at
 * VISITS times: one of each block and of each of its words. A part belongs to
 * one block, unless somebody means harm, who lets all share it.
 */
uint64_t hs_word_budget(const struct hs_naming *n, unsigned visits);
static inline bool hs_spend(uint64_t *budget) /* false: all of it is spent */
{
	*budget -= *budget > 0;
	return *budget > 0;
}

/* Index of the module whose file name begins with PART, or SIZE_MAX. */
size_t hs_module_named(const struct hs_naming *n, const char *part);

#endif
