/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_BUDGET_H
#define BACKENDS_LIVE_BUDGET_H

#include <stdint.h>

/*
 * How many bytes of memory we may still take without driving the machine, or
 * the control group that we live in, out of it: what is available less a
 * margin. UINT64_MAX when nobody tells.
 */
uint64_t hs_live_budget(void);

#endif
