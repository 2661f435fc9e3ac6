/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HEAP_BUILDER_INSIDE_H
#define TESTS_HEAP_BUILDER_INSIDE_H

#include <stdio.h>
#include <stdlib.h>

#include "support/heap_builder.h"

/* What heap_builder.c and heap_builder_write.c share. */

#define HB_PAGE 0x1000u
#define HB_RODATA_LEN 0x1000u
#define HB_DATA_LEN 0x4000u
#define HB_THREAD_LEN 0x2000u

/* A scenario that glibc could not reach is the test's mistake: stop loudly. */
#define must(truth)                                                            \
	((truth) ? (void)0 : hb_wrong_scenario(__FILE__, __LINE__, #truth))

_Noreturn static inline void hb_wrong_scenario(const char *file, int line,
					       const char *what)
{
	(void)fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
	abort();
}

void hb_place_tops(struct heap_builder *hb);

#endif
