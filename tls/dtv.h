/* SPDX-License-Identifier: MIT */
#ifndef TLS_DTV_H
#define TLS_DTV_H

#include "tls/link_maps.h"

/* Where a module's thread-local variables are, as far as ld.so knows. */
struct hs_module_tls {
	bool known;      /* false: cannot be told */
	uint64_t modid;  /* index into each thread's DTV; 0: it has no TLS, or
			  * its place is fixed by the ABI alone */
	bool fixed;      /* the block is at the same place in all threads ... */
	uint64_t offset; /* ... TP plus this, modulo the target's word */
};

/*
 * For each of the target's modules, in caller's array RET, from its link map
 * and OFFSETS. Where nobody says what struct link_map looks like, the two
 * members are recognised: TP[COUNT] are thread pointers to prove them with.
 */
HS_MUST_CHECK enum hs_status hs_module_tls_find(
	const struct hs_target *target, struct hs_symbols *syms,
	const struct hs_runtime *runtime, const struct hs_link_map_list *maps,
	const struct hs_thread_offsets *offsets, const hs_addr *tp,
	size_t count, struct hs_module_tls *ret, struct hs_error *err);

/*
 * What the DTV of the thread at TP says of MODID. HS_ERR_INVALID: the block
 * is not allocated; HS_ERR_UNMAPPED, HS_ERR_NOT_CAPTURED: it cannot be read.
 */
HS_MUST_CHECK enum hs_status hs_dtv_entry(const struct hs_target *target,
					  hs_addr tp, uint64_t modid,
					  hs_addr *ret, struct hs_error *err);

/* TP + OFFSET as the target's own arithmetic has it. */
hs_addr hs_tls_add(const struct hs_target *target, hs_addr tp, uint64_t offset);

#endif
