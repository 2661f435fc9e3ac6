/* SPDX-License-Identifier: MIT */
#ifndef GRAPH_CHUNK_INDEX_H
#define GRAPH_CHUNK_INDEX_H

#include "heap/model.h"

/*
 * From any address to the live chunk it points into, in constant time: for
 * every page of heap the first chunk that begins in it or behind. Four bytes a
 * page; a search among all chunks would cost a cache miss a step.
 */
struct hs_chunk_index; /* borrows the heap */

HS_MUST_CHECK enum hs_status hs_chunk_index_new(const struct hs_heap *heap,
						struct hs_chunk_index **ret,
						struct hs_error *err);
void hs_chunk_index_free(struct hs_chunk_index *index); /* NULL is fine */
static inline void hs_chunk_index_cleanup(struct hs_chunk_index **slot)
{
	hs_chunk_index_free(*slot);
}

/*
 * The used or mmapped chunk whose user part holds ADDR, its last borrowed word
 * included. *INTO is the distance from its user pointer.
 */
bool hs_chunk_index_find(const struct hs_chunk_index *index, hs_addr addr,
			 size_t *chunk, uint64_t *into);

#endif
