/* SPDX-License-Identifier: MIT */
#ifndef HEAP_OTHER_ALLOCATORS_H
#define HEAP_OTHER_ALLOCATORS_H

#include "heap/scan.h"

/*
 * Allocators besides glibc's that are part of the target, by the names of its
 * modules and by what the executable defines: "jemalloc (libjemalloc.so.2)",
 * several with commas. False: none. TEXT holds LEN bytes.
 */
bool hs_other_allocators(const struct hs_scan *scan, char *text, size_t len);

/*
 * Bytes that they may hold: pages of private anonymous memory that are not all
 * zero and neither glibc's, as far as its regions are known, nor a stack nor a
 * module's; an estimate where there are more than HS_LIMIT_OTHER_BYTES of them.
 * Others than allocators have such memory, too.
 */
HS_MUST_CHECK enum hs_status
hs_other_bytes(const struct hs_scan *scan, uint64_t *ret, struct hs_error *err);

#endif
