/* SPDX-License-Identifier: MIT */
#ifndef GRAPH_KNOWN_REFS_H
#define GRAPH_KNOWN_REFS_H

#include "graph/edges.h"

/*
 * What somebody knows of words in blocks beyond their bits, and only where it
 * makes a difference: references that do not own, and those that the bits do
 * not show. A block without any costs nothing.
 */
struct hs_known {
	hs_addr at;    /* of the word */
	uint64_t into; /* bytes into the block that it leads to */
	uint32_t to;   /* that block, with HS_KNOWN_WEAK when it does not own */
	uint32_t from; /* the block that holds it */
};
#define HS_KNOWN_WEAK (UINT32_C(1) << 31)
static inline uint32_t hs_known_to(const struct hs_known *known)
{
	return known->to & ~HS_KNOWN_WEAK;
}

struct hs_known_refs {
	struct hs_known *item; /* by address; each word and block once */
	size_t count, capacity;
	uint64_t weak; /* how many do not own */
};

/* Ask KNOWLEDGE, which may be NULL, about every block in use. */
HS_MUST_CHECK enum hs_status hs_known_refs_collect(
	const struct hs_target *target, const struct hs_heap *heap,
	const struct hs_block_index *index, const struct hs_graph_options *opt,
	struct hs_known_refs *ret, struct hs_error *err);
void hs_known_refs_release(struct hs_known_refs *known);

/*
 * Words as they are in memory and what is known of them, made one: give it to
 * hs_words_scan() with hs_known_merge_word(), and call hs_known_merge_rest()
 * when that is done. References that own go to FN; the others to WEAK, or
 * nowhere when that is NULL.
 */
struct hs_known_merge {
	const struct hs_known *next, *end;
	hs_word_fn fn, weak;
	void *arg;
};
/* From the first word at or behind START. */
void hs_known_merge_from(struct hs_known_merge *merge,
			 const struct hs_known_refs *known, hs_addr start);
bool hs_known_merge_word(void *merge, hs_addr at, uint32_t chunk,
			 uint64_t into);
/* What is known of words before END that memory did not show. */
void hs_known_merge_rest(struct hs_known_merge *merge, hs_addr end);

#endif
