/* SPDX-License-Identifier: MIT */
#include "types/openssl_objects.h"
#include "types/shapes.h"

/*
 * Hash tables of OpenSSL 1.1 and 3 on 64-bit machines, by a second count of
 * what is in them, and its stacks. Only where libcrypto is loaded.
 *
 *	table   {buckets, compare, hash, [four functions more, from 3.3 on,]
 *	         buckets u32, allocated u32, -, -, -, -, items, ...}
 *	node    {data, next, hash}
 *	sparse  {levels i32, -, highest, items, top}, where 16 pointers lead to
 *	        16 pointers, and so on; at the lowest level to items
 *	stack   {count i32, -, data, sorted i32, allocated i32, compare}
 *	shared  (from 3.4 on) {..., places, places' numbers, items, ...}, where
 *	        places is {-, 64 * so many bytes, how many - 1}, each of four
 *	        {hash, item}, and an item leads back to the table
 */
struct openssl {
	struct hs_openssl_libs libs; /* none: it is not loaded */
	uint64_t budget;             /* words that may still be looked at */
	struct hs_addr_map owned;    /* what objects lead to */
};

#define VISITS 8u
#define TABLE_BYTES 64u
/* Words of a table before its counts. */
#define PLAIN_WORDS 3u
#define THUNK_WORDS 7u
#define NEW_COUNT UINT64_C(8) /* buckets in use at first */

enum shape {
	TABLE,
	BUCKETS,
	NODE,
	STACK,
	STACK_DATA,
	SPARSE,
	SPARSE_NODE,
	SHARED,
	SHARED_PLACES,
	SHARED_ARRAY,
	SHARED_ITEM,
};

static void name_block(struct hs_naming *n, const struct hs_block *b,
		       enum shape shape, size_t module)
{
	static const struct {
		const char *name, *evidence;
		enum hs_confidence confidence;
	} shapes[] = {
		[TABLE] = { "OpenSSL hash table", "a count of its nodes",
			    HS_CONFIDENCE_HIGH },
		[BUCKETS] = { "OpenSSL hash table buckets",
			      "the table, and its count", HS_CONFIDENCE_HIGH },
		[NODE] = { "OpenSSL hash table node",
			   "the table, and its count", HS_CONFIDENCE_HIGH },
		[STACK] = { "OpenSSL stack", "its array fits its numbers",
			    HS_CONFIDENCE_MEDIUM },
		[SPARSE] = { "OpenSSL sparse array", "a count of its items",
			     HS_CONFIDENCE_HIGH },
		[SPARSE_NODE] = { "OpenSSL sparse array node",
				  "the array, and its count",
				  HS_CONFIDENCE_HIGH },
		[SHARED] = { "OpenSSL shared hash table",
			     "a count of its items", HS_CONFIDENCE_HIGH },
		[SHARED_PLACES] = { "OpenSSL shared hash table's places",
				    "the table, and its count",
				    HS_CONFIDENCE_HIGH },
		[SHARED_ARRAY] = { "OpenSSL shared hash table's buckets",
				   "the table, and its count",
				   HS_CONFIDENCE_HIGH },
		[SHARED_ITEM] = { "OpenSSL shared hash table's item",
				  "the table, to which it leads back",
				  HS_CONFIDENCE_HIGH },
		[STACK_DATA] = { "OpenSSL stack data", "the stack that it fits",
				 HS_CONFIDENCE_MEDIUM },
	};
	const struct hs_type what = {
		.name = shapes[shape].name,
		.source = HS_TYPE_OPENSSL,
		.confidence = shapes[shape].confidence,
		.evidence = shapes[shape].evidence,
		.module = module,
	};
	uint32_t type;
	if (n->type_of[b->chunk] == HS_NO_TYPE &&
	    hs_naming_type(n, &what, &type))
		n->type_of[b->chunk] = type;
}

static void add(struct openssl *s, const struct hs_module *module)
{
	if (s->libs.count < HS_OPENSSL_LIBS)
		s->libs.lib[s->libs.count++] = module;
}

static void prepare(struct hs_naming *n, void *state)
{
	struct openssl *s = state;
	const struct hs_module *module = n->target->modules.module;
	if (n->target->word_size != 8 || n->target->big_endian)
		return;
	for (size_t i = 0; i < n->target->modules.count; i++)
		if (strstr(module[i].path, "/libcrypto"))
			add(s, &module[i]);
	size_t node = hs_module_named(n, "node"); /* which has it inside */
	if (!s->libs.count && node != SIZE_MAX)
		add(s, &module[node]);
	if (s->libs.count)
		s->budget = hs_word_budget(n, VISITS);
}

static void release(void *state)
{
	hs_addr_map_release(&((struct openssl *)state)->owned);
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	hs_owned_merge(n, &((struct openssl *)state)->owned,
		       &((const struct openssl *)worker)->owned);
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct openssl *s = state;
	return s->libs.count &&
	       hs_openssl_claim(n, &s->owned, &s->libs, b, type);
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct openssl *s = state;
	return hs_openssl_claim_late(n, &s->owned, b, type);
}

struct table {
	struct hs_block buckets;
	uint32_t count;
	uint64_t items;
};

static bool read_counts(struct hs_naming *n, const struct hs_block *b,
			unsigned words, struct table *t)
{
	hs_addr at = b->user + 8 * (uint64_t)words;
	uint32_t allocated;
	return hs_block_word(n, b, words + 4, &t->items) &&
	       hs_peek_u32(n, at, &t->count) && t->count > 0 &&
	       hs_peek_u32(n, at + 4, &allocated) && t->count <= allocated &&
	       allocated <= t->buckets.usable / 8;
}

static bool read_table(struct hs_naming *n, const struct hs_block *b,
		       struct table *t)
{
	uint64_t compare, hash;
	return b->usable >= TABLE_BYTES &&
	       hs_naming_block_at(n, b->first, &t->buckets) &&
	       hs_block_word(n, b, 1, &compare) &&
	       hs_naming_module(n, compare) != SIZE_MAX &&
	       hs_block_word(n, b, 2, &hash) &&
	       hs_naming_module(n, hash) != SIZE_MAX &&
	       (read_counts(n, b, PLAIN_WORDS, t) ||
		read_counts(n, b, THUNK_WORDS, t));
}

/* Every node of T; NAMED: give them their names. False: not as many as the
 * table counts, or something that is no node. */
static bool walk(struct hs_naming *n, struct openssl *s, const struct table *t,
		 bool named, size_t module)
{
	uint64_t items = 0;
	for (uint32_t i = 0; i < t->count; i++) {
		uint64_t at;
		if (!hs_spend(&s->budget) ||
		    !hs_peek(n, t->buckets.user + 8 * (uint64_t)i, &at))
			return false;
		while (at != 0) {
			struct hs_block node;
			if (!hs_spend(&s->budget) || ++items > t->items ||
			    !hs_naming_block_at(n, at, &node) ||
			    node.usable < 24 || node.usable > 48 ||
			    !hs_peek(n, at + 8, &at))
				return false;
			if (named)
				name_block(n, &node, NODE, module);
		}
	}
	return items == t->items;
}

/* An empty table proves nothing, unless its numbers are those with which one
 * begins: {8, 16, 0, 8: u32, 512, 256}. */
static bool is_new(struct hs_naming *n, const struct hs_block *b,
		   const struct table *t)
{
	for (unsigned words = PLAIN_WORDS; words <= THUNK_WORDS; words += 4) {
		uint64_t split, up, down;
		if (hs_block_word(n, b, words + 1, &split) &&
		    split == NEW_COUNT << 32 &&
		    hs_block_word(n, b, words + 2, &up) &&
		    up == 64 * NEW_COUNT &&
		    hs_block_word(n, b, words + 3, &down) &&
		    down == 32 * NEW_COUNT)
			return t->count == NEW_COUNT;
	}
	return false;
}

static void try_table(struct hs_naming *n, struct openssl *s,
		      const struct hs_block *b, size_t module)
{
	struct table t;
	if (!read_table(n, b, &t) || (t.items == 0 && !is_new(n, b, &t)) ||
	    !walk(n, s, &t, false, module))
		return;
	(void)walk(n, s, &t, true, module);
	name_block(n, b, TABLE, module);
	name_block(n, &t.buckets, BUCKETS, module);
}

static void try_stack(struct hs_naming *n, struct openssl *s,
		      const struct hs_block *b, size_t module)
{
	uint32_t count, sorted, allocated;
	uint64_t data, compare, item;
	struct hs_block array;
	if (b->usable < 32 || b->usable > 56 ||
	    !hs_peek_u32(n, b->user, &count) || count == 0 ||
	    !hs_block_word(n, b, 1, &data) ||
	    !hs_naming_block_at(n, data, &array) ||
	    !hs_peek_u32(n, b->user + 16, &sorted) || sorted > 1 ||
	    !hs_peek_u32(n, b->user + 20, &allocated) || count > allocated ||
	    allocated > array.usable / 8 ||
	    array.usable - 8 * (uint64_t)allocated >= 40 ||
	    !hs_block_word(n, b, 3, &compare) ||
	    (compare != 0 && hs_naming_module(n, compare) == SIZE_MAX))
		return;
	for (uint32_t i = 0; i < count; i++) /* pointers, all of them */
		if (!hs_spend(&s->budget) ||
		    !hs_block_word(n, &array, i, &item) ||
		    !hs_target_find_map(n->target, item))
			return;
	name_block(n, b, STACK, module);
	name_block(n, &array, STACK_DATA, module);
}

#define FANOUT 16u
#define LEVELS_MOST 16u
#define LEAST_HIGHEST 2u /* a lower one proves nothing */

/*
 * The items beneath the node at AT, LEVELS of nodes high; NAMED: give nodes
 * their name. False: something there is no node.
 */
static bool count_items(struct hs_naming *n, struct openssl *s, hs_addr at,
			unsigned levels, bool named, uint64_t *items)
{
	struct hs_block node[LEVELS_MOST];
	unsigned next[LEVELS_MOST], depth = 0;
	*items = 0;
	if (!hs_naming_block_at(n, at, &node[0]))
		return false;
	next[0] = 0;
	for (;;) {
		uint64_t to;
		if (next[depth] == FANOUT) {
			if (depth-- == 0)
				return true;
			continue;
		}
		if (next[depth] == 0) {
			if (!hs_spend(&s->budget) ||
			    !hs_block_fits(n, &node[depth], 8 * FANOUT))
				return false;
			if (named)
				name_block(n, &node[depth], SPARSE_NODE,
					   SIZE_MAX);
		}
		if (!hs_block_word(n, &node[depth], next[depth]++, &to))
			return false;
		if (to == 0)
			continue;
		if (depth + 1 == levels) {
			++*items;
			continue;
		}
		if (!hs_naming_block_at(n, to, &node[depth + 1]))
			return false;
		next[++depth] = 0;
	}
}

static bool try_sparse(struct hs_naming *n, struct openssl *s,
		       const struct hs_block *b, size_t module)
{
	uint64_t levels = b->first & UINT32_MAX, highest, items, count, top;
	/* There are as many levels as the highest number needs. */
	if (!hs_block_fits(n, b, 32) || levels == 0 || levels >= LEVELS_MOST ||
	    !hs_block_word(n, b, 1, &highest) || highest >> 4 * levels != 0 ||
	    (levels > 1 && highest >> 4 * (levels - 1) == 0) ||
	    (levels == 1 && highest < LEAST_HIGHEST) ||
	    !hs_block_word(n, b, 2, &items) || items == 0 ||
	    items > n->heap->chunk_count || !hs_block_word(n, b, 3, &top) ||
	    !count_items(n, s, top, (unsigned)levels, false, &count) ||
	    count != items)
		return false;
	(void)count_items(n, s, top, (unsigned)levels, true, &count);
	name_block(n, b, SPARSE, module);
	return true;
}

#define SHARED_LEAST 64u /* bytes */
#define SHARED_MOST 160u
#define BUCKET_BYTES 64u
#define ITEM_LEAST 40u
#define ITEM_WORDS 8u /* one of the first leads to the table */

static bool leads_to(struct hs_naming *n, const struct hs_block *item,
		     hs_addr table)
{
	uint64_t word;
	for (unsigned i = 0; i < ITEM_WORDS && hs_block_word(n, item, i, &word);
	     i++)
		if (word == table)
			return true;
	return false;
}

/* The items in the buckets of the shared table B; NAMED: give them names. */
static bool walk_shared(struct hs_naming *n, struct openssl *s,
			const struct hs_block *b,
			const struct hs_block *buckets, uint64_t count,
			uint64_t items, bool named)
{
	/* Buckets are aligned to themselves. */
	hs_addr at = (buckets->user + BUCKET_BYTES - 1) &
		     ~(uint64_t)(BUCKET_BYTES - 1);
	if (count > (buckets->user + buckets->usable - at) / BUCKET_BYTES)
		return false;
	for (uint64_t i = 0; i < 4 * count; i++) {
		struct hs_block item;
		uint64_t to;
		if (!hs_spend(&s->budget) || !hs_peek(n, at + 16 * i + 8, &to))
			return false;
		if (!to)
			continue;
		if (!items-- || !hs_naming_block_at(n, to, &item) ||
		    item.usable < ITEM_LEAST || !leads_to(n, &item, b->user))
			return false;
		if (named)
			name_block(n, &item, SHARED_ITEM, SIZE_MAX);
	}
	return items == 0;
}

static bool try_shared(struct hs_naming *n, struct openssl *s,
		       const struct hs_block *b, size_t module)
{
	uint64_t at, count, items, all, mask;
	struct hs_block places, buckets;
	if (b->usable < SHARED_LEAST || b->usable > SHARED_MOST)
		return false;
	for (unsigned i = 4; hs_block_word(n, b, i + 2, &items); i++) {
		if (!hs_block_word(n, b, i, &at) ||
		    !hs_block_word(n, b, i + 1, &count) || count < 2 ||
		    items == 0 || !hs_naming_block_at(n, at, &places) ||
		    !hs_block_fits(n, &places, 24) ||
		    !hs_block_word(n, &places, 1, &all) ||
		    !hs_block_word(n, &places, 2, &mask) || mask != count - 1 ||
		    (count & mask) != 0 ||
		    !hs_naming_block_at(n, all, &buckets) ||
		    buckets.usable < BUCKET_BYTES ||
		    !walk_shared(n, s, b, &buckets, count, items, false))
			continue;
		(void)walk_shared(n, s, b, &buckets, count, items, true);
		name_block(n, b, SHARED, module);
		name_block(n, &places, SHARED_PLACES, SIZE_MAX);
		name_block(n, &buckets, SHARED_ARRAY, SIZE_MAX);
		return true;
	}
	return false;
}

static void survey(struct hs_naming *n, void *state)
{
	struct openssl *s = state;
	if (!s->libs.count)
		return;
	/* Which one's they are is only known where there is one. */
	size_t module =
		s->libs.count > 1
			? SIZE_MAX
			: (size_t)(s->libs.lib[0] - n->target->modules.module);
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		hs_naming_look_ahead(n, i);
		if (n->type_of[i] != HS_NO_TYPE || !hs_naming_block(n, i, &b))
			continue;
		if (try_shared(n, s, &b, module))
			continue;
		if (b.usable >= TABLE_BYTES)
			try_table(n, s, &b, module);
		else if (!try_sparse(n, s, &b, module))
			try_stack(n, s, &b, module);
	}
}

const struct hs_namer hs_namer_openssl = {
	.state_size = sizeof(struct openssl),
	.release = release,
	.prepare = prepare,
	.claim = claim,
	.merge = merge,
	.survey = survey,
	.claim_late = claim_late,
	.source = HS_TYPE_OPENSSL,
};
