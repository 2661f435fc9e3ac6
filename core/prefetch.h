/* SPDX-License-Identifier: MIT */
#ifndef CORE_PREFETCH_H
#define CORE_PREFETCH_H

/*
 * Ask the caches for what is at P, which need not be readable. The empty
 * statement counts as an effect: to gcc a function that does nothing but
 * prefetch does nothing at all, and it drops the calls of it without a word.
 */
static inline void hs_prefetch(const void *p)
{
	__builtin_prefetch(p);
	__asm__ volatile("");
}

/* The same for what will be written. */
static inline void hs_prefetch_to_write(const void *p)
{
	__builtin_prefetch(p, 1);
	__asm__ volatile("");
}

#endif
