/* SPDX-License-Identifier: MIT */
#include "nomem/nth_allocation.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

/* The linker's names for the wrapped functions: see ld(1), --wrap. */
void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *old, size_t len);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t max);
void *__real_aligned_alloc(size_t align, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *old, size_t len);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t max);
void *__wrap_aligned_alloc(size_t align, size_t len);

static atomic_ulong seen, fail_at;

void nth_allocation_fails(unsigned long nth)
{
	atomic_store(&seen, 0);
	atomic_store(&fail_at, nth);
}

int nth_allocation_reached(void)
{
	unsigned long nth = atomic_exchange(&fail_at, 0);
	return nth != 0 && atomic_load(&seen) >= nth;
}

static int fails(void)
{
	unsigned long nth = atomic_load(&fail_at);
	if (nth == 0 || atomic_fetch_add(&seen, 1) + 1 != nth)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *__wrap_malloc(size_t len)
{
	return fails() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t len)
{
	return fails() ? NULL : __real_calloc(n, len);
}

void *__wrap_realloc(void *old, size_t len)
{
	return fails() ? NULL : __real_realloc(old, len);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t max)
{
	return fails() ? NULL : __real_strndup(text, max);
}

void *__wrap_aligned_alloc(size_t align, size_t len)
{
	return fails() ? NULL : __real_aligned_alloc(align, len);
}
