/* SPDX-License-Identifier: MIT */
#ifndef TLS_SELF_POINTERS_H
#define TLS_SELF_POINTERS_H

#include "tls/thread_offsets.h"

/*
 * Thread pointers of a target that has no registers, in ascending order: on
 * x86 a thread control block holds its own address twice. Blocks of ended
 * threads, which stay in the stack cache, have lost their tid and are left
 * out. *RET[*COUNT] is the caller's to free; on other architectures *COUNT
 * is 0.
 */
HS_MUST_CHECK enum hs_status
hs_self_pointers_scan(const struct hs_target *target,
		      const struct hs_thread_offsets *offsets, hs_addr **ret,
		      size_t *count, struct hs_error *err);

#endif
