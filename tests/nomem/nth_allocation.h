/* SPDX-License-Identifier: MIT */
#ifndef TESTS_NTH_ALLOCATION_H
#define TESTS_NTH_ALLOCATION_H

/*
 * Memory that runs out at a chosen moment. Covers what our own code calls by
 * name (malloc, calloc, realloc, strdup, strndup, aligned_alloc), not what
 * other libraries do inside.
 *
 *	for (unsigned long n = 1;; n++) {
 *		nth_allocation_fails(n);
 *		st = the_thing_under_test(...);
 *		if (!nth_allocation_reached())
 *			break;          // it needs fewer than n: done
 *		assert_int_equal(st, HS_ERR_NOMEM);
 *	}
 */

/* Count from here; the NTH fails once (1 is the next). 0: none fails. */
void nth_allocation_fails(unsigned long nth);
/* Did it come to that? Also ends the counting. */
int nth_allocation_reached(void);

#endif
