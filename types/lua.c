/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

/*
 * Objects of Lua 5.3 to 5.5 on 64-bit machines, also where a program has it
 * inside. Each begins with a link to the one that was made before it, its tag
 * and the collector's marks; what else it has must fit its block.
 *
 *	all      {next, tag u8, marks u8, ...}
 *	string   {..., extra u8, length u8, hash u32, length or link, text}
 *	table    {..., flags u8, log2 of nodes u8, size of array u32, array,
 *	         nodes, free node, metatable, gray list}
 *	closure  {..., values u8, gray list, prototype, values[]}
 *	captured {..., -, value *, value, ...}, once its function returned
 *
 * In 5.3 what is captured is no object but {value *, uses, value}. In 5.5 a
 *long string leads to its text, which is behind it or elsewhere; a table has no
 *word for its free node, which may be before the nodes; and an array's address
 *is behind its values, where how long it may be and the values' tags follow.
 *
 * Some of these are weak evidence; but where there is Lua, there is the string
 * "__index", which the first thing that it makes keeps for ever.
 *
 * The gray list is written when the collector first comes by.
 */
#define TAG 8u
#define LONG_BIT 0x10u
#define C_BIT 0x20u
#define TAG_STRING 4u
#define TAG_TABLE 5u
#define TAG_CLOSURE 6u
#define TAG_PROTOTYPE_53 9u
#define TAG_CAPTURED 9u
#define CAPTURED_BYTES 40u
#define CAPTURED_53_BYTES 32u
#define COLLECTABLE UINT64_C(0x40)
#define LAST_KIND 8u
#define TAG_LAST 10u /* a prototype of 5.4 */
#define STRING_HEADER 24u
#define TEXT_55 32u
#define STRING_55_BYTES 48u
#define OUTSIDE                                                                \
	0xfdu /* in place of a length: there is a function to free it          \
	       */
#define SHORT_MOST 40u
#define TABLE_BYTES 56u
#define TABLE_55_BYTES 48u
#define LAST_FREE_LOG2 3u /* smaller ones do not say where it is */
#define CLOSURE_HEADER 32u
#define VALUE_BYTES 16u
#define NODE_BYTES 24u
#define NODE_53_BYTES 32u
#define LOG2_MOST 30u
/* The array may be larger than the table says, up to a power of two. */
#define ARRAY_MOST (UINT32_C(1) << 31)

enum shape {
	STRING,
	TEXT,
	TABLE,
	ARRAY,
	NODES,
	FUNCTION,
	C_FUNCTION,
	CAPTURED
};

#define HIGH HS_CONFIDENCE_HIGH
static const struct hs_shape_name shapes[] = {
	[STRING] = { "Lua string", "its tag, its length, its neighbours",
		     HIGH },
	[TEXT] = { "Lua string text", "the string that it fits", HIGH },
	[TABLE] = { "Lua table", "its tag, and its parts fit", HIGH },
	[ARRAY] = { "Lua table array", "the table that it fits", HIGH },
	[NODES] = { "Lua table nodes", "the table that it fits", HIGH },
	[FUNCTION] = { "Lua function", "its tag, its prototype, its values",
		       HIGH },
	[C_FUNCTION] = { "Lua C function", "its tag, its code, its values",
			 HIGH },
	[CAPTURED] = { "Lua captured variable",
		       "its tag, and it leads to its own value", HIGH },
};
#undef HIGH

struct lua {
	struct hs_addr_map owned; /* arrays and nodes, by tables */
	bool claimed, there;      /* something; the string of all Luas */
};

static void release(void *state)
{
	hs_addr_map_release(&((struct lua *)state)->owned);
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	struct lua *lua = state;
	const struct lua *from = worker;
	hs_owned_merge(n, &lua->owned, &from->owned);
	lua->claimed |= from->claimed;
	lua->there |= from->there;
}

/* The tag of an object at AT, as far as it can be one. Threads lie within a
 * larger block. */
static bool read_tag(struct hs_naming *n, hs_addr at, uint64_t *tag)
{
	return at % 8 == 0 && hs_naming_block_in(n, at, NULL) &&
	       hs_window_uint(&n->meta, at + TAG, 1, tag) &&
	       (*tag & 0xfu) >= TAG_STRING && (*tag & 0xfu) <= TAG_LAST &&
	       *tag < 0x30;
}

static bool leads_to_object(struct hs_naming *n, hs_addr at)
{
	uint64_t tag;
	return read_tag(n, at, &tag);
}

/* A text of LEN bytes, HEADER bytes behind the start of B. */
static bool has_text(struct hs_naming *n, const struct hs_block *b,
		     unsigned header, uint64_t len)
{
	uint64_t end;
	return len < b->usable && hs_block_fits(n, b, header + len + 1) &&
	       hs_window_uint(&n->block, b->user + header + len, 1, &end) &&
	       end == 0;
}

/* One that a buffer of the library's became, in a block of its own. */
static bool is_outside(struct hs_naming *n, struct lua *lua,
		       const struct hs_block *b, uint64_t len, hs_addr text)
{
	uint64_t release;
	struct hs_block other;
	if (!hs_block_fits(n, b, STRING_55_BYTES) ||
	    !hs_block_word(n, b, 4, &release) ||
	    hs_naming_module(n, release) == SIZE_MAX ||
	    !hs_naming_block_at(n, text, &other) ||
	    !has_text(n, &other, 0, len))
		return false;
	hs_owned_note(n, &lua->owned, text, TEXT);
	return true;
}

static bool is_string(struct hs_naming *n, struct lua *lua,
		      const struct hs_block *b, uint64_t header)
{
	uint64_t len = header >> 24 & 0xff, hash = header >> 32, third, text;
	if (!hs_block_word(n, b, 2, &third))
		return false;
	if ((header & 0xff) == TAG_STRING)
		/* The third word leads to one with the same place in the
		 * table of strings. */
		return len <= SHORT_MOST && hash != 0 &&
		       (third == 0 || leads_to_object(n, third)) &&
		       has_text(n, b, STRING_HEADER, len);
	if (third <= SHORT_MOST || !hs_block_word(n, b, 3, &text))
		return false;
	if (text == b->user + TEXT_55)
		return has_text(n, b, TEXT_55, third);
	return has_text(n, b, STRING_HEADER, third) ||
	       (len == OUTSIDE && is_outside(n, lua, b, third, text));
}

/* Does B, a string, consist of TEXT? */
static bool is_text(struct hs_naming *n, const struct hs_block *b,
		    const char *text)
{
	uint64_t len;
	const uint8_t *bytes =
		hs_window_bytes(&n->block, b->user + STRING_HEADER, &len);
	return bytes && len > strlen(text) &&
	       memcmp(bytes, text, strlen(text) + 1) == 0;
}

/* COUNT items of BYTES at AT. */
static bool is_array(struct hs_naming *n, hs_addr at, uint64_t count,
		     uint64_t bytes)
{
	struct hs_block b;
	return hs_naming_block_at(n, at, &b) &&
	       hs_block_fits(n, &b, count * bytes);
}

static bool array_fits(struct hs_naming *n, hs_addr at, uint64_t count)
{
	uint64_t more = 1;
	if (at == 0)
		return count == 0;
	while (more < count)
		more *= 2;
	return count <= ARRAY_MOST && (is_array(n, at, count, VALUE_BYTES) ||
				       is_array(n, at, more, VALUE_BYTES));
}

static bool nodes_fit(struct hs_naming *n, hs_addr at, uint64_t log2)
{
	uint64_t count = UINT64_C(1) << log2;
	return is_array(n, at, count, NODE_BYTES) ||
	       is_array(n, at, count, NODE_53_BYTES);
}

/* Words of a table. */
struct table {
	uint64_t array, nodes, free, meta;
	uint64_t size, log2; /* of the array, and of the nodes */
};

static bool is_table_54(struct hs_naming *n, struct lua *lua,
			const struct hs_block *b, const struct table *t)
{
	if (!hs_block_fits(n, b, TABLE_BYTES) ||
	    (t->meta != 0 && !leads_to_object(n, t->meta)) ||
	    !array_fits(n, t->array, t->size))
		return false;
	/* None: it leads to a constant; so does the free one up to 5.3.3. */
	bool none = t->log2 == 0 && (t->free == 0 || t->free == t->nodes) &&
		    hs_naming_module(n, t->nodes) != SIZE_MAX;
	if (!none && (t->free == 0 || t->free < t->nodes ||
		      !nodes_fit(n, t->nodes, t->log2)))
		return false;
	if (t->array)
		hs_owned_note(n, &lua->owned, t->array, ARRAY);
	if (!none)
		hs_owned_note(n, &lua->owned, t->nodes, NODES);
	return true;
}

static bool is_table_55(struct hs_naming *n, struct lua *lua,
			const struct hs_block *b, const struct table *t)
{
	hs_addr meta = t->free, array = t->array - 8 * t->size;
	hs_addr nodes = t->nodes - (t->log2 >= LAST_FREE_LOG2 ? 8 : 0);
	struct hs_block block;
	if (!hs_block_fits(n, b, TABLE_55_BYTES) ||
	    (meta != 0 && !leads_to_object(n, meta)) ||
	    (t->size == 0) != (t->array == 0) ||
	    (t->size != 0 && !is_array(n, array, 1, 9 * t->size + 4)))
		return false;
	bool none = t->log2 == 0 && hs_naming_module(n, nodes) != SIZE_MAX;
	if (!none &&
	    (!hs_naming_block_at(n, nodes, &block) ||
	     !hs_block_fits(n, &block,
			    t->nodes - nodes +
				    ((uint64_t)NODE_BYTES << t->log2))))
		return false;
	if (t->size)
		hs_owned_note(n, &lua->owned, array, ARRAY);
	if (!none)
		hs_owned_note(n, &lua->owned, nodes, NODES);
	return true;
}

static bool is_table(struct hs_naming *n, struct lua *lua,
		     const struct hs_block *b, uint64_t header)
{
	struct table t = { .size = header >> 32, .log2 = header >> 24 & 0xff };
	return t.log2 <= LOG2_MOST && hs_block_word(n, b, 2, &t.array) &&
	       hs_block_word(n, b, 3, &t.nodes) &&
	       hs_block_word(n, b, 4, &t.free) &&
	       hs_block_word(n, b, 5, &t.meta) &&
	       (is_table_54(n, lua, b, &t) || is_table_55(n, lua, b, &t));
}

/* {value, kind u8, ...}, COUNT of them from word FIRST on: what the collector
 * looks after says so, and is what the kind says. */
static bool are_values(struct hs_naming *n, const struct hs_block *b,
		       size_t first, uint64_t count)
{
	for (size_t i = first; i < first + 2 * count; i += 2) {
		uint64_t value, kind, tag;
		if (!hs_block_word(n, b, i, &value) ||
		    !hs_block_word(n, b, i + 1, &kind))
			return false;
		kind &= 0xff;
		if ((kind & COLLECTABLE)
			    ? !read_tag(n, value, &tag) ||
				      tag != (kind & ~COLLECTABLE)
			    : (kind & 0xf) > LAST_KIND || kind > 0x3f)
			return false;
	}
	return true;
}

/* What a function of 5.3 captured, at AT: it leads to its own value once the
 * function returned, to a stack before. */
static bool is_captured_53(struct hs_naming *n, struct lua *lua, hs_addr at)
{
	struct hs_block b;
	uint64_t uses;
	if (!hs_naming_block_at(n, at, &b) ||
	    !hs_block_fits(n, &b, CAPTURED_53_BYTES) ||
	    !hs_block_word(n, &b, 1, &uses) || uses == 0 ||
	    uses > n->heap->chunk_count || b.first % 8 != 0 ||
	    (b.first != at + 16 && !hs_naming_block_in(n, b.first, NULL)))
		return false;
	hs_owned_note(n, &lua->owned, at, CAPTURED);
	return true;
}

static bool is_closure(struct hs_naming *n, struct lua *lua,
		       const struct hs_block *b, uint64_t header)
{
	uint64_t code, value, tag, values = header >> 16 & 0xff;
	bool c = header & C_BIT;
	if (!hs_block_fits(n, b,
			   CLOSURE_HEADER + values * (c ? VALUE_BYTES : 8)) ||
	    !hs_block_word(n, b, 3, &code))
		return false;
	if (c)
		return hs_naming_module(n, code) != SIZE_MAX && values > 0 &&
		       are_values(n, b, CLOSURE_HEADER / 8, values);
	if (!read_tag(n, code, &tag) ||
	    (tag != TAG_PROTOTYPE_53 && tag != TAG_LAST))
		return false;
	for (size_t i = 0; i < values; i++)
		if (!hs_block_word(n, b, CLOSURE_HEADER / 8 + i, &value) ||
		    (value != 0 &&
		     !(tag == TAG_PROTOTYPE_53 ? is_captured_53(n, lua, value)
					       : leads_to_object(n, value))))
			return false;
	return true;
}

static bool is_captured(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t value;
	return hs_block_fits(n, b, CAPTURED_BYTES) &&
	       hs_block_word(n, b, 2, &value) && value == b->user + 24;
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct lua *lua = state;
	uint64_t header;
	enum shape shape;
	if (b->usable < STRING_HEADER || b->first % 8 != 0 ||
	    n->target->word_size != 8 || n->target->big_endian ||
	    !hs_block_word(n, b, 1, &header))
		return false;
	switch (header & 0xff) {
	case TAG_STRING:
	case TAG_STRING | LONG_BIT:
		shape = STRING;
		break;
	case TAG_TABLE:
		shape = TABLE;
		break;
	case TAG_CLOSURE:
		shape = FUNCTION;
		break;
	case TAG_CLOSURE | C_BIT:
		shape = C_FUNCTION;
		break;
	case TAG_CAPTURED:
		shape = CAPTURED;
		break;
	default:
		return false;
	}
	/* The first object that was made has no other before it: one of many,
	 * which is not worth a doubt. */
	if (b->first == 0 || !leads_to_object(n, b->first) ||
	    (shape == STRING     ? !is_string(n, lua, b, header)
	     : shape == TABLE    ? !is_table(n, lua, b, header)
	     : shape == CAPTURED ? !is_captured(n, b)
				 : !is_closure(n, lua, b, header)))
		return false;
	lua->claimed = true;
	if (shape == STRING && is_text(n, b, "__index"))
		lua->there = true;
	return hs_shape_type(n, &shapes[shape], HS_TYPE_LUA, type);
}

/* Without that string nothing was an object of Lua's. */
static void survey(struct hs_naming *n, void *state)
{
	struct lua *lua = state;
	if (!lua->claimed || lua->there)
		return;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		uint32_t type = n->type_of[i];
		if (type != HS_NO_TYPE &&
		    n->table.type[type].source == HS_TYPE_LUA)
			n->type_of[i] = HS_NO_TYPE;
	}
	hs_addr_map_release(&lua->owned);
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct lua *lua = state;
	uint32_t shape;
	return lua->owned.count && hs_owned_get(&lua->owned, b->user, &shape) &&
	       hs_shape_type(n, &shapes[shape], HS_TYPE_LUA, type);
}

const struct hs_namer hs_namer_lua = {
	.state_size = sizeof(struct lua),
	.release = release,
	.claim = claim,
	.merge = merge,
	.survey = survey,
	.claim_late = claim_late,
	.source = HS_TYPE_LUA,
};
