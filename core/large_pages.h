/* SPDX-License-Identifier: MIT */
#ifndef CORE_LARGE_PAGES_H
#define CORE_LARGE_PAGES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define HS_LARGE_PAGE (UINT64_C(1) << 21)

/*
 * TABLE, LEN bytes from malloc() that were not written yet, will be looked up
 * all over: with pages of 2 MB most of that needs no walk through page tables.
 * What lies in small pages as before is as good, only slower, so nobody is
 * told.
 */
static inline void hs_want_large_pages(void *table, size_t len)
{
	uintptr_t start = (uintptr_t)table;
	uintptr_t end = (start + len) & ~(uintptr_t)(HS_LARGE_PAGE - 1);
	start = (start + HS_LARGE_PAGE - 1) & ~(uintptr_t)(HS_LARGE_PAGE - 1);
	if (table && start < end)
		(void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}

#endif
