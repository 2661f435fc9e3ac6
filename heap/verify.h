/* SPDX-License-Identifier: MIT */
#ifndef HEAP_VERIFY_H
#define HEAP_VERIFY_H

#include "heap/scan.h"

/*
 * The last step: add everything up, and compare with the sums that malloc
 * keeps itself. What does not agree is a warning: either bytes were missing,
 * or the picture is wrong, and the reader must know.
 */
HS_MUST_CHECK enum hs_status hs_verify(struct hs_scan *scan,
				       struct hs_error *err);

#endif
