/* SPDX-License-Identifier: MIT */
#include "types/python_refs.h"

#include "types/python_dict.h"

#define HEAD 16u /* of an object: its count and its type */

/* list    {head, items, where, room} */
#define LIST_ITEMS 24u

/* set     {head, filled, used, mask, table, ...}, entries {key, hash} */
#define SET_MASK 32u
#define SET_TABLE 40u
#define SET_ENTRY 16u

/* deque   {head, items, first, last, index in the first, in the last, ...},
 * blocks of {previous, 64 items, next} */
#define DEQUE_FIRST 24u
#define DEQUE_INDEX 40u
#define DEQUE_ITEMS 64u

/* A weak reference's function that is called when the object goes. */
#define WEAK_CALLBACK 24u

/* Links of the list of what was used last, which owns nothing: the dict beside
 * it does. */
#define CACHE_LINKS 16u

/* The references of a type object; the rest is of slots and caches. */
static const unsigned type_fields[] = { 256, 264, 336, 344, 352, 360 };

/* A frame that outlived its function is kept by an object. */
#define OWNED_BY_OBJECT 2u
/* What a generator is at, as a byte before its frame: a positive number, it is
 * done; since 3.15 from 5 on. */
#define GENERATOR_STATE 5u

/* Frames of 3.9 and 3.10 are objects. */
#define OLD_FRAME_STACK 64u
#define OLD_FRAME_TOP 72u
#define OLD_FRAME_DEPTH 80u

/* What 3.14 keeps in the lowest bits of a frame's values. */
#define TAG UINT64_C(3)

struct teller {
	struct hs_py *py;
	hs_addr addr;
	const struct hs_py_class *class;
	hs_py_ref_fn fn;
	void *arg;
};

static bool tell(const struct teller *t, hs_addr to, enum hs_py_edge edge,
		 uint64_t number, hs_addr name)
{
	const struct hs_py_ref ref = { .to = to,
				       .edge = edge,
				       .number = number,
				       .name = name,
				       .object = true };
	return to == 0 || to % 8 != 0 || t->fn(t->arg, &ref);
}

/* A word that may lead to an object, or to memory of the object at hand. */
static bool tell_field(const struct teller *t, uint64_t offset, bool data,
		       bool object)
{
	struct hs_py_ref ref = { .edge = HS_PY_WORD,
				 .number = offset,
				 .data = data,
				 .object = object };
	return !hs_py_works(t->py) ||
	       !hs_peek(t->py->n, t->addr + offset, &ref.to) || ref.to == 0 ||
	       ref.to % 8 != 0 || t->fn(t->arg, &ref);
}

/* Memory of the object at hand: of DATA nothing is owned. */
static bool tell_memory(const struct teller *t, hs_addr at)
{
	const struct hs_py_ref ref = { .to = at,
				       .edge = HS_PY_MEMORY,
				       .data = true };
	return at == 0 || t->fn(t->arg, &ref);
}

static bool tell_items(const struct teller *t, hs_addr items, int64_t count,
		       enum hs_py_edge edge)
{
	uint64_t to;
	for (int64_t i = 0; i < count; i++) {
		if (!hs_py_works(t->py) ||
		    !hs_peek(t->py->n, items + 8 * (uint64_t)i, &to))
			break;
		if (!tell(t, to, edge, (uint64_t)i, 0))
			return false;
	}
	return true;
}

static bool tell_list(const struct teller *t)
{
	uint64_t items;
	int64_t count;
	return !hs_py_size(t->py, t->addr, &count) ||
	       !hs_peek(t->py->n, t->addr + LIST_ITEMS, &items) || !items ||
	       (tell_memory(t, items) &&
		tell_items(t, items, count, HS_PY_ITEM));
}

static bool tell_tuple(const struct teller *t)
{
	int64_t count;
	return !hs_py_size(t->py, t->addr, &count) ||
	       tell_items(t, t->addr + t->py->layout->tuple_items, count,
			  HS_PY_ITEM);
}

static bool tell_set(const struct teller *t)
{
	uint64_t mask, table, key;
	if (!hs_peek(t->py->n, t->addr + SET_MASK, &mask) ||
	    !hs_peek(t->py->n, t->addr + SET_TABLE, &table) ||
	    (mask & (mask + 1)) != 0)
		return true;
	if (!tell_memory(t, table))
		return false;
	for (uint64_t i = 0; i <= mask; i++) {
		if (!hs_py_works(t->py) ||
		    !hs_peek(t->py->n, table + SET_ENTRY * i, &key))
			break;
		if (!tell(t, key, HS_PY_MEMBER, i, 0))
			return false;
	}
	return true;
}

static bool tell_deque(const struct teller *t)
{
	struct hs_naming *n = t->py->n;
	uint64_t block, index, to;
	int64_t count;
	if (!hs_py_size(t->py, t->addr, &count) ||
	    !hs_peek(n, t->addr + DEQUE_FIRST, &block) ||
	    !hs_peek(n, t->addr + DEQUE_INDEX, &index) ||
	    index >= DEQUE_ITEMS || !tell_memory(t, block))
		return true;
	for (int64_t i = 0; i < count; i++, index++) {
		if (index == DEQUE_ITEMS) {
			index = 0;
			if (!hs_peek(n, block + 8 * (1 + DEQUE_ITEMS), &block))
				break;
			if (!tell_memory(t, block))
				return false;
		}
		if (!hs_py_works(t->py) ||
		    !hs_peek(n, block + 8 * (1 + index), &to))
			break;
		if (!tell(t, to, HS_PY_ITEM, (uint64_t)i, 0))
			return false;
	}
	return true;
}

static bool tell_type(const struct teller *t)
{
	for (size_t i = 0; i < sizeof(type_fields) / sizeof(type_fields[0]);
	     i++)
		if (!tell_field(t, type_fields[i], true, true))
			return false;
	const struct hs_py_class *made = hs_py_class_at(t->py, t->addr);
	unsigned names = t->py->layout->type_names;
	if (!made || !(made->flags & HS_PY_HEAP))
		return true;
	for (unsigned i = 0; i <= 4; i++)
		if (i != 3 && !tell_field(t, names + 8 * i, true, true))
			return false;
	/* Names that its objects share are its memory. */
	return !made->keys || tell_memory(t, made->keys);
}

/* Where the words begin and end that the code at CODE computes with; and how
 * many variables there are. */
struct room {
	uint64_t count, stack;
	hs_addr names;
};

static bool read_room(struct hs_py *py, hs_addr code, struct room *ret)
{
	const struct hs_py_layout *l = py->layout;
	uint32_t count, stack;
	const struct hs_py_class *c = hs_py_class_of(py, code);
	if (!c || strcmp(c->name, "code") != 0 || c->flags & HS_PY_HEAP ||
	    !hs_peek_u32(py->n, code + l->code_count, &count) ||
	    !hs_peek_u32(py->n, code + l->code_stack, &stack) ||
	    count > INT32_MAX || stack > INT32_MAX ||
	    !hs_peek(py->n, code + l->code_names, &ret->names))
		return false;
	ret->count = count;
	ret->stack = stack;
	return true;
}

/* Variable I of a function, as its code calls it: a str; 0: not known. */
static hs_addr local_name(struct hs_py *py, const struct room *room, uint64_t i)
{
	int64_t count;
	uint64_t name;
	return room->names && hs_py_size(py, room->names, &count) &&
			       i < (uint64_t)count &&
			       hs_peek(py->n,
				       room->names + py->layout->tuple_items +
					       8 * i,
				       &name)
		       ? name
		       : 0;
}

bool hs_py_frame_code(struct hs_py *py, hs_addr addr, hs_addr *ret)
{
	struct room room;
	uint64_t code;
	if (py->layout->minor < 11 ||
	    !hs_peek(py->n, addr + py->layout->frame_code, &code) ||
	    !read_room(py, code & ~TAG, &room))
		return false;
	*ret = code & ~TAG;
	return true;
}

/* How many words on its stack a frame is known to use; UINT64_MAX: it runs, and
 * nobody wrote that down. */
static uint64_t frame_depth(struct hs_py *py, hs_addr addr,
			    const struct room *room)
{
	const struct hs_py_layout *l = py->layout;
	uint64_t top;
	uint32_t index;
	if (l->minor >= 14) {
		hs_addr first = addr + l->frame_values + 8 * room->count;
		if (!hs_peek(py->n, addr + l->frame_top, &top) || top < first ||
		    (top - first) / 8 > room->stack)
			return UINT64_MAX;
		return (top - first) / 8;
	}
	if (!hs_peek_u32(py->n, addr + l->frame_top, &index) ||
	    index > INT32_MAX || index < room->count ||
	    index - room->count > room->stack)
		return UINT64_MAX;
	return index - room->count;
}

enum hs_py_frame hs_py_frame_refs(struct hs_py *py, hs_addr addr, bool stale,
				  hs_py_ref_fn fn, void *arg, hs_addr *end)
{
	const struct hs_py_layout *l = py->layout;
	const struct teller t = { py, addr, NULL, fn, arg };
	struct room room;
	hs_addr code, at = addr + l->frame_values;
	uint64_t to;
	if (!hs_py_frame_code(py, addr, &code) || !read_room(py, code, &room))
		return HS_PY_NO_FRAME;
	*end = at + 8 * (room.count + room.stack);
	const struct {
		unsigned offset;
		enum hs_py_edge edge;
	} heads[] = { { l->frame_function, HS_PY_FUNCTION },
		      { l->frame_code, HS_PY_CODE },
		      { l->frame_locals, HS_PY_LOCALS },
		      { l->frame_object, HS_PY_FRAME_OBJECT } };
	for (size_t i = 0; i < 4; i++)
		if (hs_peek(py->n, addr + heads[i].offset, &to) &&
		    !tell(&t, to & ~TAG, heads[i].edge, heads[i].offset, 0))
			return HS_PY_FRAME_ENDED;
	uint64_t depth = frame_depth(py, addr, &room);
	uint64_t words = room.count + (depth != UINT64_MAX ? depth
				       : stale             ? room.stack
							   : 0);
	for (uint64_t i = 0; i < words; i++) {
		bool local = i < room.count;
		if (!hs_py_works(py) || !hs_peek(py->n, at + 8 * i, &to))
			break;
		if (!(to & ~TAG))
			continue;
		const struct hs_py_ref ref = {
			.to = to & ~TAG,
			.edge = local ? HS_PY_LOCAL : HS_PY_STACK,
			.number = i,
			.name = local ? local_name(py, &room, i) : 0,
			.object = true,
			.stale = !local && depth == UINT64_MAX,
		};
		if (!fn(arg, &ref))
			return HS_PY_FRAME_ENDED;
	}
	return HS_PY_FRAME_READ;
}

/* Variables of a frame of 3.9 and 3.10, and what it computes with while it
 * waits to go on. */
static bool tell_old_frame(const struct teller *t)
{
	struct hs_py *py = t->py;
	uint64_t stack, top;
	uint32_t depth;
	hs_addr first = t->addr + t->class->basic - 8;
	bool nine = py->layout->minor == 9;
	static const unsigned owned[] = { 24, 32, 40, 48, 56 };
	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		if (!tell_field(t, owned[i], true, true))
			return false;
	if (!tell_field(t, nine ? 80 : 72, true, true) ||
	    !hs_peek(py->n, t->addr + OLD_FRAME_STACK, &stack) ||
	    stack < first || stack % 8 != 0)
		return true;
	if (!tell_items(t, first, (int64_t)((stack - first) / 8), HS_PY_LOCAL))
		return false;
	if (nine)
		return !hs_peek(py->n, t->addr + OLD_FRAME_TOP, &top) ||
		       top < stack ||
		       tell_items(t, stack, (int64_t)((top - stack) / 8),
				  HS_PY_STACK);
	return !hs_peek_u32(py->n, t->addr + OLD_FRAME_DEPTH, &depth) ||
	       depth > INT32_MAX || tell_items(t, stack, depth, HS_PY_STACK);
}

static bool tell_frame(const struct teller *t)
{
	struct hs_py *py = t->py;
	const struct hs_py_layout *l = py->layout;
	uint64_t frame, owner;
	hs_addr end;
	if (l->minor < 11)
		return tell_old_frame(t);
	hs_addr own = t->addr + t->class->basic - l->frame_values;
	for (unsigned at = HEAD; at + l->frame_values + 8 <= t->class->basic;
	     at += 8)
		if (at != 24 && !tell_field(t, at, true, true))
			return false;
	if (!hs_peek(py->n, t->addr + 24, &frame) || frame != own ||
	    !hs_window_uint(&py->n->meta, own + l->frame_owner, 1, &owner) ||
	    owner != OWNED_BY_OBJECT)
		return true;
	return hs_py_frame_refs(py, own, false, t->fn, t->arg, &end) !=
	       HS_PY_FRAME_ENDED;
}

static bool tell_generator(const struct teller *t)
{
	struct hs_py *py = t->py;
	const struct hs_py_layout *l = py->layout;
	uint64_t state;
	hs_addr end;
	uint64_t own = l->minor < 11 ? t->class->basic
				     : t->class->basic - l->frame_values;
	/* Where a coroutine came from is the last but the state: nobody sets it
	 * in a generator. */
	uint64_t fields = l->minor >= 11 ? own - 8 : own;
	if (l->minor >= 11 && strcmp(t->class->name, "generator") == 0)
		fields -= 8;
	for (uint64_t at = HEAD; at + 8 <= fields; at += 8)
		if (at != t->class->weak && !tell_field(t, at, true, true))
			return false;
	if (l->minor < 11 ||
	    !hs_window_uint(&py->n->meta, t->addr + own - GENERATOR_STATE, 1,
			    &state) ||
	    (int8_t)state >= (l->minor >= 15 ? 5 : 1))
		return true;
	return hs_py_frame_refs(py, t->addr + own, false, t->fn, t->arg,
				&end) != HS_PY_FRAME_ENDED;
}

/* A number of a code object, which builds with the global lock never set: there
 * is what malloc had there. */
static bool is_never_set(const struct teller *t, uint64_t at)
{
	return at == 184 && t->py->layout->minor >= 14 &&
	       !(t->class->flags & HS_PY_HEAP) &&
	       strcmp(t->class->name, "code") == 0;
}

/* The fields that no class of the interpreter's accounts for. */
static bool tell_fields(const struct teller *t)
{
	const struct hs_py_class *c = t->class;
	bool data = c->kind != HS_PY_FIELDS || !(c->flags & HS_PY_GC);
	for (uint64_t at = c->own; at + 8 <= c->basic; at += 8) {
		if (at == c->weak || (c->dict > 0 && at == (uint64_t)c->dict) ||
		    is_never_set(t, at))
			continue;
		if (c->kind == HS_PY_CACHE &&
		    (at == CACHE_LINKS || at == CACHE_LINKS + 8))
			continue;
		if (!tell_field(t, at, data, false))
			return false;
	}
	return true;
}

/* The bytes of a bytearray are not in it, and since 3.15 in a bytes object. */
static bool tell_bytes(const struct teller *t)
{
	for (uint64_t at = HEAD; at + 8 <= t->class->own; at += 8) {
		uint64_t to;
		if (hs_py_works(t->py) &&
		    hs_peek(t->py->n, t->addr + at, &to) &&
		    !(tell_memory(t, to) && tell(t, to, HS_PY_WORD, at, 0)))
			return false;
	}
	return true;
}

static bool tell_kind(const struct teller *t)
{
	switch (t->class->kind) {
	case HS_PY_LIST:
		return tell_list(t);
	case HS_PY_TUPLE:
		return tell_tuple(t);
	case HS_PY_DICT:
		return hs_py_dict_refs(t->py, t->addr, t->fn, t->arg);
	case HS_PY_SET:
		return tell_set(t);
	case HS_PY_TYPE:
		return tell_type(t);
	case HS_PY_FRAME:
		return tell_frame(t);
	case HS_PY_GENERATOR:
		return tell_generator(t);
	case HS_PY_DEQUE:
		return tell_deque(t);
	case HS_PY_WEAK:
		return tell_field(t, WEAK_CALLBACK, true, true);
	case HS_PY_BYTES:
		return tell_bytes(t);
	default:
		return true;
	}
}

/* The dict that the object has for its attributes, or these alone. */
static bool tell_dict(const struct teller *t)
{
	const struct hs_py_class *c = t->class;
	int64_t at = c->dict, count;
	uint64_t dict;
	if (c->flags & HS_PY_MANAGED && t->py->layout->minor >= 11)
		return hs_py_managed_refs(t->py, t->addr, c, t->fn, t->arg);
	if (at == 0 || c->kind == HS_PY_TYPE)
		return true;
	if (at < 0) { /* behind the last of its items */
		if (!hs_py_size(t->py, t->addr, &count))
			return true;
		uint64_t items =
			count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
		if (items > UINT32_MAX)
			return true;
		at += (int64_t)((c->basic + c->item * items + 7) & ~7ull);
		if (at < (int64_t)HEAD)
			return true;
	}
	return !hs_peek(t->py->n, t->addr + (uint64_t)at, &dict) ||
	       tell(t, dict, HS_PY_OWN_DICT, (uint64_t)at, 0);
}

bool hs_py_refs(struct hs_py *py, hs_addr addr, hs_py_ref_fn fn, void *arg)
{
	const struct teller t = { py, addr, hs_py_class_of(py, addr), fn, arg };
	if (!t.class)
		return true;
	return tell_kind(&t) &&
	       (t.class->kind == HS_PY_TUPLE || tell_fields(&t)) &&
	       tell_dict(&t) &&
	       (!(t.class->flags & HS_PY_HEAP) ||
		tell(&t, t.class->addr, HS_PY_CLASS, 0, 0));
}

bool hs_py_text(struct hs_py *py, hs_addr addr, char *buf, size_t size)
{
	struct hs_naming *n = py->n;
	const struct hs_py_class *c = hs_py_class_of(py, addr);
	uint64_t length, state;
	if (!c || !c->text || !hs_peek(n, addr + HEAD, &length) ||
	    length >= size || !hs_window_uint(&n->meta, addr + 32, 4, &state))
		return false;
	/* {interned 2 bits, kind 3 bits, compact, ASCII} */
	state >>= 2;
	if ((state & 7) != 1 || !(state & 8) || !(state & 16))
		return false;
	for (uint64_t i = 0; i < length; i++) {
		uint64_t ch;
		if (!hs_window_uint(&n->meta, addr + py->layout->text + i, 1,
				    &ch) ||
		    ch < 0x20 || ch > 0x7e)
			return false;
		buf[i] = (char)ch;
	}
	buf[length] = 0;
	return true;
}
