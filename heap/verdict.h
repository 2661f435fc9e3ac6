/* SPDX-License-Identifier: MIT */
#ifndef HEAP_VERDICT_H
#define HEAP_VERDICT_H

#include "heap/scan.h"

/*
 * What glibc wrote before it called abort(): __abort_msg, which its own error
 * reports and assert() leave for whoever looks at the core. Nothing is set
 * when there is none, or when no symbol leads there.
 */
HS_MUST_CHECK enum hs_status hs_verdict_read(struct hs_scan *scan,
					     struct hs_error *err);

#endif
