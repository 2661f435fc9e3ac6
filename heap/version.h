/* SPDX-License-Identifier: MIT */
#ifndef HEAP_VERSION_H
#define HEAP_VERSION_H

#include "heap/scan.h"

/*
 * The glibc version: from the banner in libc's read-only data where that can
 * be read, else from what the layout allows. A hint for people, and a
 * tie-breaker between layouts that the memory cannot tell apart; never the
 * reason to believe a layout.
 */
HS_MUST_CHECK enum hs_status hs_version_find(struct hs_scan *scan,
					     struct hs_error *err);

/* NN of the 2.NN that MODULE's read-only data names; 0: none. */
unsigned hs_version_of_module(struct hs_scan *scan, size_t module);

#endif
