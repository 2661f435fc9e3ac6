/* SPDX-License-Identifier: MIT */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include "symbols/symbols.h"

/*
 * The target's threads and their thread-local variables. Knows ld.so and
 * libpthread, not what the variables are for.
 *
 * Thread pointers come from registers; ld.so's own lists of threads complete
 * and check them. Where the format has no registers at all (qemu-user cores)
 * the x86 self-pointer finds them.
 */
struct hs_tls; /* borrows target and symbols */

/* Where a thread pointer comes from. */
enum hs_tls_origin {
	HS_TLS_REGISTERS, /* the dump or the process said so */
	HS_TLS_LISTS,     /* only ld.so's thread lists know it */
	HS_TLS_SCAN,      /* recognised by its self-pointer */
};

struct hs_tls_thread {
	int64_t tid;   /* -1 when not known */
	hs_addr tp;    /* thread pointer; HS_NO_ADDR: not known */
	size_t thread; /* index for hs_target_thread(); SIZE_MAX: none */
	enum hs_tls_origin origin;
	bool listed;  /* it is on ld.so's lists too */
	bool borrows; /* its thread pointer is that of a listed thread */
};

HS_MUST_CHECK enum hs_status hs_tls_new(struct hs_target *target,
					struct hs_symbols *syms,
					struct hs_tls **ret,
					struct hs_error *err);
void hs_tls_free(struct hs_tls *tls); /* NULL is fine */

/* The target's threads in its own order, then those found otherwise. */
size_t hs_tls_thread_count(const struct hs_tls *tls);
void hs_tls_thread(const struct hs_tls *tls, size_t i,
		   struct hs_tls_thread *ret);

/* Could ld.so's lists be read, so that `listed` means something? */
bool hs_tls_lists_known(const struct hs_tls *tls);

/*
 * Where thread I keeps MODULE's thread-local variables: the start of its TLS
 * block, whose length is the module's PT_TLS memsz. HS_ERR_NO_SYMBOL: cannot
 * be told (then the caller may look for evidence near the thread pointer);
 * HS_ERR_UNMAPPED / HS_ERR_NOT_CAPTURED: the DTV cannot be read;
 * HS_ERR_INVALID: not allocated in this thread.
 * How: the static offset in the module's link map where there is one (the DTV
 * is compared, see hs_tls_notes()), else the DTV. For the program itself, and
 * so for a static one, the ABI fixes the place beside the thread pointer.
 */
HS_MUST_CHECK enum hs_status hs_tls_block(const struct hs_tls *tls, size_t i,
					  size_t module, hs_addr *ret,
					  struct hs_error *err);

/* What was noticed (a thread on one list only, a DTV that contradicts). */
const struct hs_note_list *hs_tls_notes(const struct hs_tls *tls);

#endif
