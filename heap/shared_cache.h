/* SPDX-License-Identifier: MIT */
#ifndef HEAP_SHARED_CACHE_H
#define HEAP_SHARED_CACHE_H

#include "heap/scan.h"

/*
 * Threads that have one cache between them, so that its lists are walked once:
 * clone() without CLONE_SETTLS leaves the new thread the thread pointer of the
 * one that called it, as crash handlers do (Swift's among them). The thread
 * that libc knows keeps the cache; the others get `shares`. Threads with
 * pointers of their own that name the same cache are reported. Needs the
 * caches found.
 */
HS_MUST_CHECK enum hs_status hs_shared_caches_settle(struct hs_scan *scan,
						     struct hs_error *err);

#endif
