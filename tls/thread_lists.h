/* SPDX-License-Identifier: MIT */
#ifndef TLS_THREAD_LISTS_H
#define TLS_THREAD_LISTS_H

#include "core/notes.h"
#include "tls/thread_offsets.h"

/* A thread as libpthread's lists have it. */
struct hs_listed_thread {
	hs_addr tp;
	int64_t tid; /* above 0 */
};

struct hs_listed_threads {
	struct hs_listed_thread *thread;
	size_t count, capacity;
	bool known; /* both lists were read to their ends */
};

/*
 * Threads on the lists of used stacks: those that glibc made, and those that
 * brought their own, the main thread among them. Ended threads, whose tid is
 * gone, are left out; the cache of free stacks is never looked at.
 */
HS_MUST_CHECK enum hs_status
hs_thread_lists_read(const struct hs_target *target, struct hs_symbols *syms,
		     const struct hs_runtime *runtime,
		     const struct hs_thread_offsets *offsets,
		     struct hs_listed_threads *ret, struct hs_note_list *notes,
		     struct hs_error *err);
void hs_listed_threads_release(struct hs_listed_threads *list);

#endif
