/* SPDX-License-Identifier: MIT */
#ifndef CLI_INTERN_H
#define CLI_INTERN_H

#include <stddef.h>
#include <stdint.h>

/* Strings by number, each once, in the order in which they were first met. */
struct intern {
	char **text; /* owned */
	size_t count, capacity;
	uint32_t *slot; /* open addressing: number + 1; 0: empty */
	size_t slots;   /* a power of two, or 0 */
};
#define INTERN_FAILED UINT32_MAX

/* The number of TEXT; INTERN_FAILED: no memory. */
uint32_t intern_get(struct intern *intern, const char *text);
void intern_release(struct intern *intern);

/* FNV-1a of TEXT: the same in every run. */
uint64_t intern_hash(const char *text);

#endif
