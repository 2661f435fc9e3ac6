/* SPDX-License-Identifier: MIT */
#ifndef HEAP_OTHER_ALLOCATORS_H
#define HEAP_OTHER_ALLOCATORS_H

#include "heap/scan.h"

/*
 * Allocators besides glibc's that are loaded in the target, by the names of
 * its modules: "jemalloc (libjemalloc.so.2)", several with commas. False:
 * none. TEXT holds LEN bytes.
 */
bool hs_other_allocators(const struct hs_scan *scan, char *text, size_t len);

#endif
