/* SPDX-License-Identifier: MIT */
#include "types/redis_dict.h"
#include "types/shapes.h"

/*
 * What Redis 6 to 8.6 (and Valkey up to 8.0, to the part that is the same)
 * keeps, on 64-bit machines: dictionaries (see redis_dict.h), and objects and
 * strings, by numbers that fit their blocks.
 *
 *	object   {kind 4 bits, encoding 4 bits, age 24 bits, references u32,
 *	         data}; a string may follow in the same block
 *	         from 8.2 on {kind 4 bits, encoding 4 bits, references 23 bits,
 *	         1 bit: with a key, which words come before it u8, age 24 bits,
 *	         data}, bytes of the key's header u8, key
 *	events   {highest i32, places i32, next timer, in 6 the time, from 8 on
 *	         how many places have events i32, events of 32 bytes, fired ones
 *	         of 8 bytes, timers, stop i32, {epoll i32, events of 12
 *	         bytes} *, ...}
 *	string   {length, room: u8, u16, u32 or u64, size of these u8, text}
 *	         and lead to the text
 */
#define OBJECT_BYTES 16u
#define VISITS 4u

#define KINDS 7u
#define RAW 0u
#define INTEGER 1u
#define HASH_TABLE 2u
#define ZIPLIST 5u
#define INTSET 6u
#define SKIPLIST 7u
#define EMBEDDED 8u
#define QUICKLIST 9u
#define STREAM 10u
#define LISTPACK 11u
#define IS_KEYED UINT64_C(0x80000000)
#define KEYED_BYTES (OBJECT_BYTES + 3)
#define FIELD_MORE 4u /* bit of a field with an end of its life */
#define SHARED_REFERENCES INT32_MAX
#define SHARED_LATE UINT64_C(0x7fffff10) /* a number's first word, from 8.2 */

enum shape {
	DICT,
	BUCKETS,
	ENTRY,
	OBJECT,
	EMBEDDED_STRING,
	STRING,
	FIELD,
	INTEGERS,
	LISTPACKED,
	QUICK,
	QUICK_NODE,
	SORTED,
	SKIPS,
	SKIP_NODE,
	STREAMED,
	EVENT_LOOP,
	EVENTS,
	FIRED,
	POLL,
	POLLED,
};

#define HIGH HS_CONFIDENCE_HIGH
#define MEDIUM HS_CONFIDENCE_MEDIUM
static const struct hs_shape_name shapes[] = {
	[DICT] = { "Redis dict", "a count of its entries", HIGH },
	[BUCKETS] = { "Redis dict buckets", "the dict, and its count", HIGH },
	[ENTRY] = { "Redis dict entry", "the dict, and its count", HIGH },
	[OBJECT] = { "Redis object", "its kind, and what it leads to", HIGH },
	[EMBEDDED_STRING] = { "Redis string object",
			      "it leads to the string that follows", HIGH },
	[STRING] = { "Redis string", "what leads to it, and its length", HIGH },
	[FIELD] = { "Redis hash field", "the entry, and its length", HIGH },
	[INTEGERS] = { "Redis set of integers", "the object, and its length",
		       HIGH },
	[LISTPACKED] = { "Redis listpack", "its length, and its end", HIGH },
	[QUICK] = { "Redis quicklist", "a count of its nodes", HIGH },
	[QUICK_NODE] = { "Redis quicklist node", "the list, and its count",
			 HIGH },
	[SORTED] = { "Redis sorted set", "its dict and its skiplist", HIGH },
	[SKIPS] = { "Redis skiplist", "a count of its nodes", HIGH },
	[SKIP_NODE] = { "Redis skiplist node", "the list, and its count",
			HIGH },
	[STREAMED] = { "Redis stream", "the object that leads to it", MEDIUM },
	[EVENT_LOOP] = { "Redis event loop", "its places, and its arrays",
			 HIGH },
	[EVENTS] = { "Redis events", "the event loop that they fit", HIGH },
	[FIRED] = { "Redis fired events", "the event loop that they fit",
		    HIGH },
	[POLL] = { "Redis epoll state", "the event loop", HIGH },
	[POLLED] = { "Redis epoll events", "the event loop that they fit",
		     HIGH },
};
#undef MEDIUM
#undef HIGH

struct redis {
	bool loaded;
	uint64_t budget; /* what may still be looked at in lists */
};

static void prepare(struct hs_naming *n, void *state)
{
	struct redis *r = state;
	r->loaded = n->target->word_size == 8 && !n->target->big_endian &&
		    (hs_module_named(n, "redis-") != SIZE_MAX ||
		     hs_module_named(n, "valkey-") != SIZE_MAX);
	if (r->loaded)
		r->budget = hs_word_budget(n, VISITS);
}

static void name_block(struct hs_naming *n, const struct hs_block *b,
		       enum shape shape)
{
	uint32_t type;
	if (n->type_of[b->chunk] == HS_NO_TYPE &&
	    hs_shape_type(n, &shapes[shape], HS_TYPE_REDIS, &type))
		n->type_of[b->chunk] = type;
}

/* Is there a string whose text begins at TEXT, in B from its start? *END: where
 * its room ends. */
static bool is_string(struct hs_naming *n, const struct hs_block *b,
		      hs_addr text, hs_addr start)
{
	uint64_t kind, len, room, end;
	if (text <= start || text > b->user + b->usable ||
	    !hs_window_uint(&n->block, text - 1, 1, &kind))
		return false;
	unsigned log2 = (unsigned)(kind & 7u) - 1, bytes;
	if (log2 > 3) /* 0 has its length in the same byte */
		return (kind & 7u) == 0 && text - 1 == start &&
		       text + (kind >> 3) < b->user + b->usable &&
		       hs_window_uint(&n->block, text + (kind >> 3), 1, &end) &&
		       end == 0;
	bytes = 1u << log2;
	if (text - start != 2u * bytes + 1 ||
	    !hs_window_uint(&n->block, start, bytes, &len) ||
	    !hs_window_uint(&n->block, start + bytes, bytes, &room) ||
	    len > room || room >= b->user + b->usable - text)
		return false;
	return hs_window_uint(&n->block, text + len, 1, &end) && end == 0;
}

/* A string alone in its block; *TEXT is led to. Its header tells how long it
 * is itself. */
static bool string_at(struct hs_naming *n, hs_addr text, struct hs_block *b)
{
	return hs_naming_block_in(n, text, b) && text > b->user &&
	       text - b->user <= 17 && is_string(n, b, text, b->user);
}

static bool name_string(struct hs_naming *n, hs_addr text)
{
	struct hs_block b;
	if (!string_at(n, text, &b))
		return false;
	name_block(n, &b, STRING);
	return true;
}

/* The field of a hash of Redis 8, without an end of its life: its length, and
 * the text. */
static void name_field(struct hs_naming *n, hs_addr text)
{
	static const struct {
		unsigned header, at, bytes;
	} kinds[] = { { 1, 1, 1 }, { 3, 2, 1 }, { 3, 3, 2 }, { 9, 9, 8 } };
	struct hs_block b;
	uint64_t info, len, end;
	if (!hs_naming_block_in(n, text, &b) || text == b.user ||
	    !hs_window_uint(&n->block, text - 1, 1, &info) ||
	    (info & FIELD_MORE) || text - b.user != kinds[info & 3].header ||
	    !hs_window_uint(&n->block, text - kinds[info & 3].at,
			    kinds[info & 3].bytes, &len))
		return;
	if ((info & 3) == 0)
		len >>= 3;
	if (len < b.usable && hs_block_fits(n, &b, text - b.user + len + 1) &&
	    hs_window_uint(&n->block, text + len, 1, &end) && end == 0)
		name_block(n, &b, FIELD);
}

struct object {
	unsigned kind, encoding;
	int32_t references;
	uint64_t data;
};

static bool read_object(struct hs_naming *n, const struct hs_block *b,
			struct object *o)
{
	if (b->usable < OBJECT_BYTES || !hs_block_word(n, b, 1, &o->data))
		return false;
	o->kind = b->first & 0xf;
	o->encoding = b->first >> 4 & 0xf;
	o->references = (int32_t)(b->first >> 32);
	return o->kind < KINDS && o->encoding <= LISTPACK && o->references > 0;
}

/* {bytes u32, entries u16, ..., 0xff}; a ziplist has one word more. */
static bool is_packed(struct hs_naming *n, const struct hs_block *b)
{
	uint32_t bytes = (uint32_t)b->first;
	uint64_t end;
	return bytes >= 7 && bytes <= b->usable &&
	       hs_window_uint(&n->block, b->user + bytes - 1, 1, &end) &&
	       end == 0xff;
}

static bool is_intset(const struct hs_naming *n, const struct hs_block *b)
{
	uint64_t width = b->first & UINT32_MAX, count = b->first >> 32;
	return (width == 2 || width == 4 || width == 8) &&
	       hs_block_fits(n, b, 8 + width * count);
}

/* Nodes of a list from AT on, each leading on by word NEXT: as many as COUNT?
 * NAMED: give them their names. */
static bool walk_list(struct hs_naming *n, struct redis *r, hs_addr at,
		      unsigned next, uint64_t count, int named)
{
	while (at != 0) {
		struct hs_block b;
		if (!hs_spend(&r->budget) || count-- == 0 ||
		    !hs_naming_block_at(n, at, &b) ||
		    !hs_block_word(n, &b, next, &at))
			return false;
		if (named >= 0)
			name_block(n, &b, (enum shape)named);
	}
	return count == 0;
}

/* {first, last, entries, nodes, ...} of {previous, next, listpack, ...} */
static void name_quicklist(struct hs_naming *n, struct redis *r,
			   const struct hs_block *b)
{
	uint64_t nodes, at, packed;
	struct hs_block node, data;
	if (!hs_block_word(n, b, 3, &nodes) ||
	    !walk_list(n, r, b->first, 1, nodes, -1))
		return;
	(void)walk_list(n, r, b->first, 1, nodes, QUICK_NODE);
	name_block(n, b, QUICK);
	for (at = b->first; at != 0 && hs_naming_block_at(n, at, &node) &&
			    hs_block_word(n, &node, 1, &at);)
		if (hs_block_word(n, &node, 2, &packed) &&
		    hs_naming_block_at(n, packed, &data) && is_packed(n, &data))
			name_block(n, &data, LISTPACKED);
}

/* {dict, skiplist}, which is {head, last, nodes, levels u32} of {string, score,
 * before, {next, distance}[]}; the head is not counted. From 8.4 on of {score,
 * before, {next, distance}[], string}. */
static void name_sorted(struct hs_naming *n, struct redis *r,
			const struct hs_block *b)
{
	struct hs_block list, head;
	uint64_t at, first, nodes;
	if (!hs_block_word(n, b, 1, &at) || !hs_naming_block_at(n, at, &list) ||
	    !hs_naming_block_at(n, list.first, &head) ||
	    !hs_block_word(n, &list, 2, &nodes))
		return;
	for (unsigned next = 3; next >= 2; next--)
		if (hs_block_word(n, &head, next, &first) &&
		    walk_list(n, r, first, next, nodes, -1)) {
			(void)walk_list(n, r, first, next, nodes, SKIP_NODE);
			name_block(n, &head, SKIP_NODE);
			name_block(n, &list, SKIPS);
			name_block(n, b, SORTED);
			return;
		}
}

/* What the object leads to, by how it says that it keeps it. */
static bool name_data(struct hs_naming *n, struct redis *r,
		      const struct object *o)
{
	struct hs_block b;
	if (o->encoding == INTEGER)
		return o->kind == 0;
	if (o->encoding == RAW) {
		(void)name_string(n, o->data);
		return o->kind == 0 && string_at(n, o->data, &b);
	}
	if (!hs_naming_block_at(n, o->data, &b))
		return false;
	switch (o->encoding) {
	case ZIPLIST:
	case LISTPACK:
		if (!is_packed(n, &b))
			return false;
		name_block(n, &b, LISTPACKED);
		return true;
	case INTSET:
		if (!is_intset(n, &b))
			return false;
		name_block(n, &b, INTEGERS);
		return true;
	case QUICKLIST:
		name_quicklist(n, r, &b);
		return true;
	case SKIPLIST:
		name_sorted(n, r, &b);
		return true;
	case STREAM:
		name_block(n, &b, STREAMED);
		return true;
	default:
		return o->encoding == HASH_TABLE;
	}
}

static void name_value(struct hs_naming *n, struct redis *r, hs_addr at)
{
	struct hs_block b;
	struct object o;
	if (!hs_naming_block_at(n, at, &b))
		(void)name_string(n, at); /* in a hash */
	else if (n->type_of[b.chunk] == HS_NO_TYPE && read_object(n, &b, &o) &&
		 name_data(n, r, &o))
		name_block(n, &b, OBJECT);
}

/* An object of Redis 8.2 and later, which has its key; before it is a word for
 * each bit of what else is known of the key. */
static bool name_keyed(struct hs_naming *n, struct redis *r, hs_addr at)
{
	struct hs_block b;
	struct object o = { 0 };
	uint64_t word, header;
	if (!hs_naming_block_in(n, at, &b) ||
	    b.user + b.usable - at < KEYED_BYTES || !hs_peek(n, at, &word) ||
	    !hs_peek(n, at + 8, &o.data) ||
	    !hs_window_uint(&n->block, at + OBJECT_BYTES, 1, &header))
		return false;
	unsigned more = (unsigned)__builtin_popcount(word >> 32 & 0xff);
	o.kind = word & 0xf;
	o.encoding = word >> 4 & 0xf;
	if (!(word & IS_KEYED) || at != b.user + 8u * more || o.kind >= KINDS ||
	    o.encoding > LISTPACK ||
	    !is_string(n, &b, at + OBJECT_BYTES + 1 + header,
		       at + OBJECT_BYTES + 1))
		return false;
	if (o.encoding != EMBEDDED) {
		if (!name_data(n, r, &o))
			return false;
		name_block(n, &b, OBJECT);
		return true;
	}
	if (o.kind != 0 || o.data < at + KEYED_BYTES ||
	    !is_string(n, &b, o.data, o.data - 3))
		return false;
	name_block(n, &b, EMBEDDED_STRING);
	return true;
}

struct naming_dict {
	struct hs_naming *n;
	struct redis *r;
};

static void name_entry(void *arg, const struct hs_redis_entry *e)
{
	struct naming_dict *d = arg;
	if (e->has_block)
		name_block(d->n, &e->block, ENTRY);
	if (!name_string(d->n, e->key) && !name_keyed(d->n, d->r, e->key))
		name_field(d->n, e->key);
	if (e->value)
		name_value(d->n, d->r, e->value);
}

static void try_dict(struct hs_naming *n, struct redis *r,
		     const struct hs_block *b)
{
	struct hs_redis_dict d;
	struct naming_dict arg = { n, r };
	if (!hs_redis_dict_read(n, b, &r->budget, &d))
		return;
	name_block(n, b, DICT);
	hs_redis_dict_visit(n, &d, &r->budget, name_entry, &arg);
	for (unsigned i = 0; i < 2; i++)
		if (d.places[i])
			name_block(n, &d.buckets[i], BUCKETS);
}

#define LOOP_BYTES 56u
#define LOOP_MOST 128u   /* later ones have more at their end */
#define LEAST_PLACES 64u /* fewer could be anything */

/* The block of COUNT items of BYTES that word I of B leads to. */
static bool array_at(struct hs_naming *n, const struct hs_block *b, size_t i,
		     uint64_t count, unsigned bytes, struct hs_block *ret)
{
	uint64_t at;
	return hs_block_word(n, b, i, &at) && hs_naming_block_at(n, at, ret) &&
	       hs_block_fits(n, ret, count * bytes);
}

/* With arrays for MADE of its places, of which word FIRST is the first. */
static bool name_event_loop(struct hs_naming *n, const struct hs_block *b,
			    uint64_t made, unsigned first)
{
	struct hs_block events, fired, poll, polled;
	uint64_t places = b->first >> 32, at;
	if (made < LEAST_PLACES || made > places ||
	    !array_at(n, b, first, made, 32, &events) ||
	    !array_at(n, b, first + 1, made, 8, &fired))
		return false;
	name_block(n, b, EVENT_LOOP);
	name_block(n, &events, EVENTS);
	name_block(n, &fired, FIRED);
	if (hs_block_word(n, b, first + 4, &at) &&
	    hs_naming_block_at(n, at, &poll) &&
	    array_at(n, &poll, 1, places, 12, &polled)) {
		name_block(n, &poll, POLL);
		name_block(n, &polled, POLLED);
	}
	return true;
}

static void try_event_loop(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t places = b->first >> 32, word;
	int32_t highest = (int32_t)b->first;
	if (b->usable < LOOP_BYTES || b->usable > LOOP_MOST || highest < -1 ||
	    highest >= (int64_t)places || !hs_block_word(n, b, 2, &word))
		return;
	if (!name_event_loop(n, b, places, 2) &&
	    !name_event_loop(n, b, places, 3))
		(void)name_event_loop(n, b, word & INT32_MAX, 3);
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	const struct redis *r = state;
	struct object o;
	if (!r->loaded)
		return false;
	if (b->first == SHARED_LATE && hs_block_fits(n, b, OBJECT_BYTES))
		return hs_shape_type(n, &shapes[OBJECT], HS_TYPE_REDIS, type);
	if (!read_object(n, b, &o) || o.kind != 0)
		return false;
	if (o.encoding == EMBEDDED)
		return o.data == b->user + OBJECT_BYTES + 3 &&
		       is_string(n, b, o.data, b->user + OBJECT_BYTES) &&
		       hs_shape_type(n, &shapes[EMBEDDED_STRING], HS_TYPE_REDIS,
				     type);
	/* Small numbers are shared by all who need them. */
	return o.encoding == INTEGER && o.references == SHARED_REFERENCES &&
	       hs_shape_type(n, &shapes[OBJECT], HS_TYPE_REDIS, type);
}

static void survey(struct hs_naming *n, void *state)
{
	struct redis *r = state;
	for (size_t i = 0; r->loaded && i < n->heap->chunk_count; i++) {
		struct hs_block b;
		hs_naming_look_ahead(n, i);
		if (n->type_of[i] != HS_NO_TYPE || !hs_naming_block(n, i, &b))
			continue;
		try_dict(n, r, &b);
		if (n->type_of[i] == HS_NO_TYPE)
			try_event_loop(n, &b);
	}
}

const struct hs_namer hs_namer_redis = {
	.state_size = sizeof(struct redis),
	.prepare = prepare,
	.claim = claim,
	.survey = survey,
	.source = HS_TYPE_REDIS,
};
