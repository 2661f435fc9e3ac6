/* SPDX-License-Identifier: MIT */
#include "types/redis_dict.h"

#include "types/shapes.h"

#define DICT_BYTES 56u
#define DICT_MOST 4096u /* with what its owner adds, such as a histogram */
#define OLD_DICT_BYTES 96u
#define LOG2_MOST 40u
#define KIND_MASK 7u
#define ODD_KEY UINT64_C(1)
#define EVEN_KEY UINT64_C(2) /* from 8 on; before, an entry without a value */

/* Bits that tell of a key without an entry; words of an entry, 0: no value. */
static const struct kind {
	uint64_t alone;
	unsigned key, value, next;
} kinds[] = {
	{ ODD_KEY, 0, 1, 2 },            /* 6 to 7.4 */
	{ ODD_KEY | EVEN_KEY, 0, 1, 2 }, /* 8.0 */
	{ ODD_KEY | EVEN_KEY, 1, 2, 0 }, /* from 8.2 on */
	{ ODD_KEY | EVEN_KEY, 1, 0, 0 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Table I, which begins AT and has so many PLACES. */
static bool take_table(struct hs_naming *n, struct hs_redis_dict *d, unsigned i,
		       hs_addr at, uint64_t places)
{
	d->places[i] = places;
	return places <= UINT64_C(1) << LOG2_MOST &&
	       hs_naming_block_at(n, at, &d->buckets[i]) &&
	       hs_block_fits(n, &d->buckets[i], 8 * places);
}

/* The sizes are in word 6, from bit SHIFT on. */
static bool read_dict(struct hs_naming *n, const struct hs_block *b,
		      unsigned shift, struct hs_redis_dict *d)
{
	uint64_t at, sizes;
	*d = (struct hs_redis_dict){ 0 };
	if (b->usable < DICT_BYTES || b->usable >= DICT_MOST ||
	    !hs_block_word(n, b, 3, &d->used[0]) ||
	    !hs_block_word(n, b, 4, &d->used[1]) ||
	    !hs_block_word(n, b, 6, &sizes))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		unsigned log2 = (unsigned)(sizes >> (shift + 8 * i) & 0xff);
		if (!hs_block_word(n, b, 1 + i, &at) ||
		    (at ? log2 > LOG2_MOST || !take_table(n, d, i, at,
							  UINT64_C(1) << log2)
			: log2 != 0xff || d->used[i] != 0)) /* no table */
			return false;
	}
	return true;
}

static bool read_old_dict(struct hs_naming *n, const struct hs_block *b,
			  struct hs_redis_dict *d)
{
	*d = (struct hs_redis_dict){ 0 };
	if (!hs_block_fits(n, b, OLD_DICT_BYTES))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t at, places, mask;
		if (!hs_block_word(n, b, 2 + 4 * i, &at) ||
		    !hs_block_word(n, b, 3 + 4 * i, &places) ||
		    !hs_block_word(n, b, 4 + 4 * i, &mask) ||
		    !hs_block_word(n, b, 5 + 4 * i, &d->used[i]))
			return false;
		if (!at && !places && !mask && !d->used[i])
			continue;
		if (places == 0 || mask != places - 1 || (places & mask) != 0 ||
		    !take_table(n, d, i, at, places))
			return false;
	}
	return true;
}

/* The entry that TAGGED leads to, and what it leads on to. */
static bool read_entry(struct hs_naming *n, const struct kind *kind,
		       uint64_t tagged, struct hs_redis_entry *e,
		       uint64_t *next)
{
	hs_addr at = tagged & ~(uint64_t)KIND_MASK;
	*e = (struct hs_redis_entry){ .has_block = !(tagged & kind->alone) };
	*next = 0;
	if (!e->has_block) {
		e->key = tagged & ODD_KEY ? tagged : at;
		return hs_naming_block_in(n, at, NULL);
	}
	if ((tagged & ODD_KEY) || !hs_naming_block_at(n, at, &e->block))
		return false;
	if (tagged != at) { /* {key, next} */
		e->key = e->block.first;
		return hs_block_word(n, &e->block, 1, next);
	}
	return hs_block_word(n, &e->block, kind->key, &e->key) &&
	       (!kind->value ||
		hs_block_word(n, &e->block, kind->value, &e->value)) &&
	       hs_block_word(n, &e->block, kind->next, next) &&
	       /* Where two kinds differ by that alone. */
	       (kind->next || !e->value ||
		hs_naming_block_in(n, e->value, NULL) ||
		hs_naming_module(n, e->value) != SIZE_MAX);
}

/* False: they are not as many as it counts, something is no entry, or the
 * budget is spent. */
static bool walk(struct hs_naming *n, const struct hs_redis_dict *d,
		 uint64_t *budget, hs_redis_visit visit, void *arg)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t count = 0, at;
		for (uint64_t k = 0; k < d->places[i]; k++) {
			if (!hs_spend(budget) ||
			    !hs_peek(n, d->buckets[i].user + 8 * k, &at))
				return false;
			while (at != 0) {
				struct hs_redis_entry e;
				if (!hs_spend(budget) || ++count > d->used[i] ||
				    !read_entry(n, &kinds[d->kind], at, &e,
						&at))
					return false;
				if (visit)
					visit(arg, &e);
			}
		}
		if (count != d->used[i])
			return false;
	}
	return true;
}

bool hs_redis_dict_read(struct hs_naming *n, const struct hs_block *b,
			uint64_t *budget, struct hs_redis_dict *d)
{
	uint64_t function;
	/* The first function hashes: each has one. Who has many dictionaries
	 * may have a copy of the functions. */
	if (b->first % 8 != 0 || !hs_peek(n, b->first, &function) ||
	    hs_naming_module(n, function) == SIZE_MAX)
		return false;
	if (!read_dict(n, b, 16, d) && !read_dict(n, b, 32, d) &&
	    !read_old_dict(n, b, d))
		return false;
	if (d->used[0] + d->used[1] == 0)
		return false;
	for (d->kind = 0; d->kind < KINDS; d->kind++)
		if (walk(n, d, budget, NULL, NULL))
			return true;
	return false;
}

void hs_redis_dict_visit(struct hs_naming *n, const struct hs_redis_dict *d,
			 uint64_t *budget, hs_redis_visit visit, void *arg)
{
	(void)walk(n, d, budget, visit, arg);
}
