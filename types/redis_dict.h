/* SPDX-License-Identifier: MIT */
#ifndef TYPES_REDIS_DICT_H
#define TYPES_REDIS_DICT_H

#include "types/namer.h"

/*
 * Dictionaries of Redis 6 to 8, on 64-bit machines: known by a second count of
 * what is in them.
 *
 *	from 7 on  {functions, buckets[2], entries used[2], rehashed up to i64,
 *	           pauses i16 (from 8.2 on u32), log2 of buckets i8[2], ...}
 *	6          {functions, -, {buckets, places, places - 1, used}[2],
 *	           rehashed up to i64, iterators}
 *	entry      {key, value, next}; from 8.2 on {next, key, value}
 *
 * From 7.2 on the lowest bits of what leads to an entry tell its kind: 1 is
 * part of a key that has no entry, 2 (from 8 on 4) is one without a value,
 *{key, next}; from 8 on 2 is a key as well. From 8.2 on no bit tells of entries
 * without a value: all in their dictionary are {next, key}.
 */
struct hs_redis_dict {
	struct hs_block buckets[2];
	uint64_t used[2], places[2]; /* 0 places: it has none */
	unsigned kind;               /* of its entries */
};

struct hs_redis_entry {
	bool has_block;
	struct hs_block block;
	hs_addr key;
	uint64_t value; /* 0: none */
};

/*
 * Is B one, with as many entries as it counts? An empty one proves nothing, so
 * that is none. Each bucket and each entry that is looked at cost one of
 * BUDGET.
 */
bool hs_redis_dict_read(struct hs_naming *n, const struct hs_block *b,
			uint64_t *budget, struct hs_redis_dict *d);

typedef void (*hs_redis_visit)(void *arg, const struct hs_redis_entry *entry);

/* Visit all entries of D, for what BUDGET allows. */
void hs_redis_dict_visit(struct hs_naming *n, const struct hs_redis_dict *d,
			 uint64_t *budget, hs_redis_visit visit, void *arg);

#endif
