/* SPDX-License-Identifier: MIT */
#include "types/swift_buffers.h"

#include <stdio.h>

#include "core/limits.h"

/* In place of an owner: there are several, of different types. */
#define SEVERAL UINT64_MAX

void hs_swift_buffers_release(struct hs_swift_buffers *b)
{
	hs_addr_map_release(&b->owner);
}

bool hs_swift_has_pointers(struct hs_naming *n, struct hs_swift_layouts *l,
			   hs_addr metadata)
{
	struct hs_swift_layout layout;
	/* Dictionaries have two, into themselves. */
	if (!hs_swift_layout(n, l, metadata, &layout) || layout.container)
		return false;
	for (uint32_t i = layout.first; i < layout.first + layout.count; i++) {
		const struct hs_swift_field *f = &l->field[i];
		for (uint32_t s = f->first; s < f->first + f->count; s++)
			if (l->slot[s].kind == HS_SWIFT_SLOT_UNMANAGED)
				return true;
	}
	return false;
}

static void put(struct hs_naming *n, struct hs_addr_map *map, hs_addr key,
		uint64_t value)
{
	struct hs_error err;
	enum hs_status st = hs_addr_map_put(
		map,
		(struct hs_addr_entry){ key, (uint32_t)value,
					(uint32_t)(value >> 32) },
		&err);
	if (st)
		hs_naming_fail(n, st, &err);
}

static uint64_t value_of(const struct hs_addr_entry *entry)
{
	return (uint64_t)entry->extra << 32 | entry->value;
}

/* Of several objects of one type the first counts, so that it does not matter
 * who comes by first. */
static void note(struct hs_naming *n, struct hs_swift_buffers *b, hs_addr block,
		 hs_addr owner)
{
	const struct hs_addr_entry *known = hs_addr_map_get(&b->owner, block);
	uint64_t is, was;
	if (known && owner != SEVERAL && value_of(known) != SEVERAL) {
		hs_addr other = value_of(known);
		if (other <= owner &&
		    (other == owner || (hs_peek(n, owner, &is) &&
					hs_peek(n, other, &was) && is == was)))
			return;
		if (!hs_peek(n, owner, &is) || !hs_peek(n, other, &was) ||
		    is != was)
			owner = SEVERAL;
	} else if (known) {
		owner = SEVERAL;
	}
	put(n, &b->owner, block, owner);
}

struct noting {
	struct hs_naming *n;
	struct hs_swift_buffers *b;
	hs_addr object;
};

static bool note_field(void *arg, const struct hs_field_info *f)
{
	const struct noting *to = arg;
	if (f->strength == HS_STRENGTH_UNMANAGED && f->refers_to != HS_NO_ADDR)
		note(to->n, to->b, f->refers_to, to->object);
	return true;
}

void hs_swift_buffers_note(struct hs_naming *n, struct hs_swift_layouts *l,
			   struct hs_swift_buffers *b,
			   const struct hs_block *object)
{
	struct noting to = { n, b, object->user };
	bool brief = n->brief;
	n->brief = true;
	hs_swift_fields(n, l, object, note_field, &to);
	n->brief = brief;
}

void hs_swift_buffers_merge(struct hs_naming *n, struct hs_swift_buffers *b,
			    const struct hs_swift_buffers *from)
{
	for (size_t i = 0; i < from->owner.slots && !n->failed; i++)
		if (from->owner.entry[i].addr != HS_NO_ADDR)
			note(n, b, from->owner.entry[i].addr,
			     value_of(&from->owner.entry[i]));
}

/* ---- names ---- */

struct finding {
	hs_addr block;
	char *name;
	size_t size;
	uint64_t word; /* where in the object */
	bool found;
};

static bool find_field(void *arg, const struct hs_field_info *f)
{
	struct finding *to = arg;
	if (f->strength != HS_STRENGTH_UNMANAGED || f->refers_to != to->block)
		return true;
	(void)snprintf(to->name, to->size, "%s", f->name);
	to->word = f->word;
	to->found = true;
	return false;
}

/* "memory of TYPE.FIELD" */
static bool make_type(struct hs_naming *n, hs_addr metadata, const char *field,
		      uint32_t *ret)
{
	char name[HS_LIMIT_TYPE_NAME];
	struct hs_text text;
	struct hs_type what = {
		.name = name,
		.source = HS_TYPE_SWIFT,
		.confidence = HS_CONFIDENCE_MEDIUM,
		.evidence = "a pointer in a field of a Swift object",
		.module = SIZE_MAX,
	};
	hs_text_init(&text, name, sizeof(name));
	hs_text_add(&text, "memory of ");
	if (!hs_swift_type_name(n, metadata, &text))
		return false;
	hs_text_add(&text, ".");
	hs_text_add(&text, field);
	return !text.full && hs_naming_type(n, &what, ret);
}

/* One type for each field of a class. */
static bool type_of_field(struct hs_naming *n, struct hs_addr_map *known,
			  hs_addr metadata, const struct finding *f,
			  uint32_t *ret)
{
	/* Both are multiples of 8, and no object has 128 KiB of fields. */
	hs_addr key = metadata << 11 | (f->word >> 3 & 0x3fff);
	const struct hs_addr_entry *entry = hs_addr_map_get(known, key);
	if (entry) {
		*ret = entry->value;
		return true;
	}
	if (!make_type(n, metadata, f->name, ret))
		return false;
	put(n, known, key, *ret);
	return true;
}

static void name_buffer(struct hs_naming *n, struct hs_swift_layouts *l,
			struct hs_addr_map *known,
			const struct hs_addr_entry *e)
{
	char field[HS_LIMIT_TYPE_NAME];
	struct finding f = { e->addr, field, sizeof(field), 0, false };
	struct hs_block object, buffer;
	uint32_t type;
	if (value_of(e) == SEVERAL ||
	    !hs_naming_block_at(n, e->addr, &buffer) ||
	    n->type_of[buffer.chunk] != HS_NO_TYPE ||
	    !hs_naming_block_at(n, value_of(e), &object))
		return;
	hs_swift_fields(n, l, &object, find_field, &f);
	if (f.found && type_of_field(n, known, object.first, &f, &type))
		n->type_of[buffer.chunk] = type;
}

void hs_swift_buffers_name(struct hs_naming *n, struct hs_swift_layouts *l,
			   const struct hs_swift_buffers *b)
{
	struct hs_addr_map known = { 0 };
	bool brief = n->brief;
	n->brief = true;
	for (size_t i = 0; i < b->owner.slots && !n->failed; i++)
		if (b->owner.entry[i].addr != HS_NO_ADDR)
			name_buffer(n, l, &known, &b->owner.entry[i]);
	n->brief = brief;
	hs_addr_map_release(&known);
}
