/* SPDX-License-Identifier: MIT */
#ifndef TLS_THREAD_OFFSETS_H
#define TLS_THREAD_OFFSETS_H

#include "symbols/symbols.h"

/*
 * Where ld.so and libpthread keep what we need, in bytes from the start of
 * the struct; HS_NO_OFFSET where nobody says.
 *
 * The C library describes itself to debuggers in `_thread_db_*` records: exact
 * on any build, and dynamic symbols since 2.34. Before that they are in
 * libpthread's .symtab, and DWARF knows the same. What all releases agree
 * on is built in, and believed only where the memory bears it out.
 */
#define HS_NO_OFFSET UINT64_MAX

struct hs_thread_offsets {
	uint64_t list, tid;              /* in struct pthread */
	uint64_t pthread_size;           /* of struct pthread */
	uint64_t tls_offset, tls_modid;  /* in struct link_map */
	uint64_t stack_used, stack_user; /* in _rtld_global */
};

/* The modules that the C library consists of; SIZE_MAX: there is none. */
struct hs_runtime {
	size_t loader, libc, libpthread, program;
};
void hs_runtime_find(const struct hs_target *target, struct hs_symbols *syms,
		     struct hs_runtime *ret);

/* Ask the records, then DWARF. Fails only for want of memory. */
HS_MUST_CHECK enum hs_status
hs_thread_offsets_find(const struct hs_target *target, struct hs_symbols *syms,
		       const struct hs_runtime *runtime,
		       struct hs_thread_offsets *ret, struct hs_error *err);

/*
 * Fill LIST, TID and PTHREAD_SIZE from the built-in rows if they are missing,
 * and if the list nodes of the thread at thread pointer TP link both ways.
 */
void hs_thread_offsets_guess(const struct hs_target *target, hs_addr tp,
			     struct hs_thread_offsets *offsets);

/* Where struct pthread of thread pointer TP starts, and back. False: its size
 * is not known (aarch64 needs it). */
bool hs_pthread_of(const struct hs_target *target,
		   const struct hs_thread_offsets *offsets, hs_addr tp,
		   hs_addr *ret);
bool hs_pthread_tp(const struct hs_target *target,
		   const struct hs_thread_offsets *offsets, hs_addr pthread,
		   hs_addr *ret);

#endif
