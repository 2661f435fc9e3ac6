/* SPDX-License-Identifier: MIT */
#ifndef TYPES_COROUTINE_H
#define TYPES_COROUTINE_H

#include "types/namer.h"

/*
 * Frames of suspended coroutines of C++. A frame begins with the addresses of
 * two functions (as compilers agreed, whatever else is in it): the one that
 * goes on with it, NULL when the coroutine has come to its end, and the one
 * that destroys it. Their symbols say of which coroutine they are; that is all
 * there is to go by, so that a program without symbols has none of these names.
 */

/*
 * The name of the frame that begins with these two words, into BUF of SIZE
 * bytes. False: these are no functions of one coroutine. Asks for symbols, so
 * that only one thread may do it.
 */
bool hs_coroutine_name(struct hs_symbols *syms, uint64_t resume,
		       uint64_t destroy, char *buf, size_t size);

/* Blocks that may be frames: workers collect them, and then the symbols are
 * asked. */
struct hs_coroutines {
	/* By the first word, or the second one if that is 0. Value: are these
	 * functions? Then, in the end: the type, or HS_NO_TYPE. */
	struct hs_addr_map met;
	uint32_t *chunk; /* owned */
	size_t count, capacity;
};

void hs_coroutines_release(struct hs_coroutines *co);
/* Note B if it begins with functions of one module. */
void hs_coroutines_note(struct hs_naming *n, struct hs_coroutines *co,
			const struct hs_block *b);
/* Take over what OTHER has. */
void hs_coroutines_merge(struct hs_naming *n, struct hs_coroutines *co,
			 const struct hs_coroutines *other);
/* Name those that are frames. */
void hs_coroutines_name(struct hs_naming *n, struct hs_coroutines *co);
/* Is B one, when that is done? */
bool hs_coroutines_has(struct hs_naming *n, const struct hs_coroutines *co,
		       const struct hs_block *b);

#endif
