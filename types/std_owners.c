/* SPDX-License-Identifier: MIT */
#include "types/pointing_words.h"
#include "types/std_nodes.h"

/*
 * Blocks that hold nothing but elements are known by who points at them: the
 * container's own words, wherever they are. Each rule looks at the words from
 * the one that leads to the block.
 *
 *	string       {text, length, capacity}
 *	vector       {begin, end, end of storage}
 *	deque        {map, size, first iterator, last iterator}
 *	unordered    {buckets, number, first node, count, 1.0f}
 *
 * libc++ has two of its own:
 *
 *	string       {bytes of the block | 1, length, text}
 *	deque        {map, first used, last used, end of map, start, size}
 */

/* Bytes that malloc may add to a request: to round it up, and a rest that is
 * too small for a chunk. Blocks with a mapping of their own have whole pages.
 */
#define SLACK 40u
#define PAGE 4096u

/* Does a request of BYTES give a block like B? */
static bool fits(const struct hs_naming *n, const struct hs_block *b,
		 uint64_t bytes)
{
	bool pages = n->heap->chunks[b->chunk].state == HS_CHUNK_MMAPPED;
	return bytes <= b->usable &&
	       b->usable - bytes < SLACK + (pages ? PAGE : 0);
}

/* Can LEN bytes at ADDR be one container? They are not if they go on beyond the
 * block that they begin in, where malloc's own words are. */
static bool in_one_place(struct hs_naming *n, hs_addr addr, uint64_t len)
{
	struct hs_block b;
	return !hs_naming_block_in(n, addr, &b) ||
	       len <= b.user + b.usable - addr;
}

static bool is_string(struct hs_naming *n, hs_addr owner,
		      const struct hs_block *b)
{
	uint64_t len, capacity, end;
	return hs_std_word(n, owner, 1, &len) &&
	       hs_std_word(n, owner, 2, &capacity) && capacity > 15 &&
	       capacity < b->usable && len <= capacity &&
	       fits(n, b, capacity + 1) &&
	       hs_window_uint(&n->block, b->user + len, 1, &end) && end == 0 &&
	       in_one_place(n, owner, 2 * (uint64_t)n->block.word_size + 16);
}

static bool is_libcxx_string(struct hs_naming *n, hs_addr owner,
			     const struct hs_block *b)
{
	uint64_t len, bytes, end;
	return owner >= 16 && hs_peek(n, owner - 8, &len) &&
	       hs_peek(n, owner - 16, &bytes) && bytes % 8 == 1 && bytes > 16 &&
	       len < bytes - 1 && fits(n, b, bytes - 1) &&
	       hs_window_uint(&n->block, b->user + len, 1, &end) && end == 0 &&
	       in_one_place(n, owner - 16, 24);
}

/* Does the string in B have characters, and no zero among them? What a string
 * left behind when it was destroyed may lead to a block that is another's now.
 */
static bool has_text(struct hs_naming *n, hs_addr length,
		     const struct hs_block *b)
{
	uint64_t len, room;
	const uint8_t *bytes = hs_window_bytes(&n->block, b->user, &room);
	return bytes && hs_peek(n, length, &len) && len > 0 && len < room &&
	       memchr(bytes, 0, len) == NULL;
}

/* Is OWNER one of the pointers of a C library's FILE? */
static bool in_file(struct hs_naming *n, hs_addr owner)
{
	for (unsigned i = 1; i <= 8; i++) {
		uint32_t magic;
		if (hs_peek_u32(n, owner - (uint64_t)i * n->target->word_size,
				&magic) &&
		    magic >> 16 == 0xfbad)
			return true;
	}
	return false;
}

/* Words at the start of a block that an arena may have for itself, and the
 * least that such a block has: arenas take more at once than one asks them for.
 */
#define HEADER 4u
#define ARENA_WORDS 16u

/*
 * Arenas keep {block, next free, end} as well. Their blocks say themselves how
 * long they are, or where they end: HotSpot's, obstacks. Of real elements one
 * in the first four is such a number once in a long while, and has no name
 * then.
 */
static bool has_header(struct hs_naming *n, const struct hs_block *b,
		       hs_addr limit)
{
	uint64_t size = limit - b->user, word, w = n->target->word_size;
	if (size < ARENA_WORDS * w)
		return false;
	for (unsigned i = 0; i < HEADER && hs_block_word(n, b, i, &word); i++)
		if (word == limit ||
		    (word <= size && size - word <= HEADER * w))
			return true;
	return false;
}

static bool is_vector(struct hs_naming *n, hs_addr owner,
		      const struct hs_block *b)
{
	uint64_t end, limit;
	return hs_std_word(n, owner, 1, &end) &&
	       hs_std_word(n, owner, 2, &limit) && end >= b->user &&
	       end <= limit && limit > b->user && fits(n, b, limit - b->user) &&
	       in_one_place(n, owner, 3 * (uint64_t)n->block.word_size) &&
	       !in_file(n, owner) && !has_header(n, b, limit);
}

struct iterator {
	uint64_t at, first, last, node;
};

/* An iterator at ADDR into the map of SIZE nodes at MAP. */
static bool read_iterator(struct hs_naming *n, hs_addr addr, hs_addr map,
			  uint64_t size, struct iterator *ret)
{
	uint64_t first;
	unsigned w = n->target->word_size;
	return hs_peek(n, addr, &ret->at) &&
	       hs_std_word(n, addr, 1, &ret->first) &&
	       hs_std_word(n, addr, 2, &ret->last) &&
	       hs_std_word(n, addr, 3, &ret->node) && ret->node >= map &&
	       ret->node - map < w * size && ret->node % w == 0 &&
	       hs_peek(n, ret->node, &first) && first == ret->first &&
	       ret->first <= ret->at && ret->at <= ret->last &&
	       ret->last > ret->first;
}

static bool try_deque(struct hs_naming *n, struct hs_std *s, hs_addr owner,
		      const struct hs_block *map)
{
	struct iterator begin, end;
	struct hs_block b;
	uint64_t size, at;
	unsigned w = n->target->word_size;
	if (!hs_std_word(n, owner, 1, &size) || size < 3 ||
	    size > map->usable / w || !fits(n, map, w * size) ||
	    !read_iterator(n, owner + 2 * w, map->user, size, &begin) ||
	    !read_iterator(n, owner + 6 * w, map->user, size, &end) ||
	    begin.node > end.node ||
	    begin.last - begin.first != end.last - end.first)
		return false;
	for (hs_addr node = begin.node; node <= end.node; node += w) {
		if (!hs_peek(n, node, &at) || !hs_std_spend(s))
			return false;
		if (hs_std_open_block(n, at, &b) &&
		    fits(n, &b, begin.last - begin.first) &&
		    !hs_std_found(n, s, &b, HS_STD_DEQUE_ELEMENTS))
			return false;
	}
	return hs_std_found(n, s, map, HS_STD_DEQUE_MAP);
}

/* Blocks of libc++'s deques have so many bytes where values are small. */
#define LIBCXX_DEQUE 4096u

static bool try_libcxx_deque(struct hs_naming *n, struct hs_std *s,
			     hs_addr owner, const struct hs_block *map)
{
	uint64_t first, last, end, start, size, at;
	struct hs_block b;
	if (!hs_peek(n, owner + 8, &first) || !hs_peek(n, owner + 16, &last) ||
	    !hs_peek(n, owner + 24, &end) || !hs_peek(n, owner + 32, &start) ||
	    !hs_peek(n, owner + 40, &size) || first < map->user ||
	    first >= last || last > end || end - map->user > map->usable ||
	    first % 8 != 0 || last % 8 != 0 || size == 0 ||
	    !fits(n, map, end - map->user))
		return false;
	uint64_t room = (last - first) / 8 * LIBCXX_DEQUE;
	if (start >= room || size > room - start)
		return false;
	for (int name = 0; name < 2; name++)
		for (at = first; at < last; at += 8) {
			uint64_t elements;
			if (!hs_std_spend(s) || !hs_peek(n, at, &elements) ||
			    !hs_std_open_block(n, elements, &b) ||
			    !fits(n, &b, LIBCXX_DEQUE) ||
			    (name &&
			     !hs_std_found(n, s, &b, HS_STD_DEQUE_ELEMENTS)))
				return false;
		}
	return hs_std_found(n, s, map, HS_STD_DEQUE_MAP);
}

static bool try_unordered(struct hs_naming *n, struct hs_std *s, hs_addr owner,
			  const struct hs_block *buckets)
{
	uint64_t number, first, count, at;
	uint32_t load;
	struct hs_block b;
	unsigned w = n->target->word_size;
	if (!hs_std_word(n, owner, 1, &number) || number < 2 ||
	    number > buckets->usable / w || !fits(n, buckets, w * number) ||
	    !hs_std_word(n, owner, 2, &first) ||
	    !hs_std_word(n, owner, 3, &count) ||
	    !hs_peek_u32(n, owner + 4 * w, &load) || load != 0x3f800000 ||
	    count > n->heap->chunk_count)
		return false;
	at = first;
	for (uint64_t i = 0; i < count; i++) {
		if (!hs_std_spend(s) || !hs_naming_block_at(n, at, NULL) ||
		    !hs_peek(n, at, &at))
			return false;
	}
	if (at != 0)
		return false;
	for (at = first; at != 0 && hs_std_spend(s);) {
		if (hs_std_open_block(n, at, &b) &&
		    !hs_std_found(n, s, &b, HS_STD_HASH_NODE))
			return false;
		if (!hs_peek(n, at, &at))
			return false;
	}
	return hs_std_found(n, s, buckets, HS_STD_BUCKETS);
}

/* What the word at OWNER, which is the address of B, may belong to. */
enum verdict {
	NOTHING,
	A_TABLE, /* a deque or a hash table: has more than one block */
	A_STRING,
	BYTES,
	A_VECTOR,
};

static bool may_be_table(struct hs_naming *n, hs_addr owner,
			 const struct hs_block *b)
{
	uint64_t number;
	unsigned w = n->target->word_size;
	return hs_std_word(n, owner, 1, &number) && number >= 2 &&
	       number <= b->usable / w && fits(n, b, w * number);
}

static unsigned judge_buffer(struct hs_naming *n, bool libcxx, hs_addr owner,
			     const struct hs_block *b)
{
	unsigned w = n->target->word_size;
	if (libcxx ? is_libcxx_string(n, owner, b) : is_string(n, owner, b))
		return has_text(n, libcxx ? owner - w : owner + w, b) ? A_STRING
								      : BYTES;
	return is_vector(n, owner, b) ? A_VECTOR : NOTHING;
}

struct search {
	struct hs_naming *n;
	struct hs_std *std;
};

static unsigned judge(struct hs_naming *n, const void *arg, hs_addr at,
		      uint32_t chunk)
{
	const struct search *s = arg;
	struct hs_block b;
	if (!hs_naming_block(n, chunk, &b))
		return NOTHING;
	/* Who owns a block is in another: what leads to its own block is what
	 * somebody left there, a hash table of Swift's perhaps. */
	if (at - b.user < b.usable)
		return NOTHING;
	/* Of libc++'s deques the first words are others. */
	if (s->std->libcxx || may_be_table(n, at, &b))
		return A_TABLE;
	return judge_buffer(n, false, at, &b);
}

static void look_at_word(void *arg, hs_addr at, uint32_t chunk, unsigned what)
{
	const struct search *s = arg;
	static const enum hs_std_kind kind[] = {
		[A_STRING] = HS_STD_STRING,
		[BYTES] = HS_STD_BYTES,
		[A_VECTOR] = HS_STD_VECTOR,
	};
	struct hs_block b;
	if (!hs_naming_live(s->n, chunk, &b))
		return;
	if (what == A_TABLE) {
		if ((s->std->libcxx ? try_libcxx_deque
				    : try_deque)(s->n, s->std, at, &b) ||
		    try_unordered(s->n, s->std, at, &b))
			return;
		what = judge_buffer(s->n, s->std->libcxx, at, &b);
	}
	if (what != NOTHING)
		(void)hs_std_found(s->n, s->std, &b, kind[what]);
}

void hs_std_owners(struct hs_naming *n, struct hs_std *s)
{
	struct search search = { n, s };
	hs_pointing_words(n, n->settled, judge, look_at_word, &search);
}
