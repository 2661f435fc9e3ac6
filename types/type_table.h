/* SPDX-License-Identifier: MIT */
#ifndef TYPES_TYPE_TABLE_H
#define TYPES_TYPE_TABLE_H

#include <heapscan/types.h>

#include "core/fail.h"

/* A type as it will be reported. */
struct hs_type {
	const char *name; /* the table owns its own */
	enum hs_type_source source;
	enum hs_confidence confidence;
	const char *evidence; /* a constant */
	size_t module;        /* SIZE_MAX: not known */
	struct hs_total total;
};

/* Every type once, with a small number for each. */
struct hs_type_table {
	struct hs_type *type;
	size_t count, capacity;
	uint32_t *slot; /* 1 + number, by hash; a power of two of them */
	size_t slots;
};

/*
 * The number of the type that is like WANT, which is added if it is new; the
 * name is copied.
 */
HS_MUST_CHECK enum hs_status hs_type_table_put(struct hs_type_table *table,
					       const struct hs_type *want,
					       uint32_t *ret,
					       struct hs_error *err);
void hs_type_table_release(struct hs_type_table *table);

#endif
