/* SPDX-License-Identifier: MIT */
#ifndef CORE_THREADS_H
#define CORE_THREADS_H

#include <heapscan/target.h>

#include "core/fail.h"

struct hs_thread {
	int64_t tid;
	bool current;
	hs_addr pc, sp, tls_base;             /* HS_NO_ADDR when not known */
	char *name;                           /* owned, or NULL */
	size_t register_count;                /* 0: not known */
	uint64_t registers[HS_MAX_REGISTERS]; /* kernel's user_regs_struct */
	/* Floating point registers as the kernel lays them out (NT_FPREGSET),
	 * not looked into; owned, NULL when not known. */
	uint8_t *fp;
	size_t fp_len;
};

struct hs_thread_list {
	struct hs_thread *thread;
	size_t count, capacity;
};

/* Append a copy of THREAD; its name and fp are copied. */
HS_MUST_CHECK enum hs_status hs_thread_list_add(struct hs_thread_list *list,
						const struct hs_thread *thread,
						struct hs_error *err);
void hs_thread_list_release(struct hs_thread_list *list);

/* How many words user_regs_struct has, and where pc, sp and the thread
 * pointer stand in it; SIZE_MAX: not in there (i386, aarch64: see notes). */
struct hs_register_set {
	size_t count, pc, sp, tls;
	const char *const *names;
};
const struct hs_register_set *hs_register_set(enum hs_arch arch);

#endif
