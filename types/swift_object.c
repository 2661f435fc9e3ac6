/* SPDX-License-Identifier: MIT */
#include "types/swift_object.h"

#include <inttypes.h>
#include <stdio.h>

#include <heapscan/symbols.h>

#include "core/limits.h"
#include "types/swift_unused.h"

#define SLOW (UINT64_C(1) << 63)
#define SIDE (UINT64_C(3) << 62)

/* The bits that an enum may use to tell its cases apart: no address has them,
 * since user space ends at 2^56 and objects are 8-aligned. */
#define ADDRESS_BITS UINT64_C(0x00fffffffffffff8)

static void inline_counts(uint64_t word, struct hs_swift_refs *ret)
{
	/* The strong count is kept less one; the object itself holds one
	 * unowned reference. */
	uint64_t unowned = word >> 1 & 0x7fffffff;
	ret->strong = (word >> 33 & 0x3fffffff) + 1;
	ret->unowned = unowned ? unowned - 1 : 0;
	ret->deiniting = word >> 32 & 1;
}

bool hs_swift_refs(struct hs_naming *n, uint64_t word,
		   struct hs_swift_refs *ret)
{
	uint32_t weak;
	*ret = (struct hs_swift_refs){ .side_table = HS_NO_ADDR };
	/* First of all: such words look like anything else, too. */
	if ((uint32_t)word == UINT32_MAX) {
		ret->immortal = true;
		return true;
	}
	if ((word & SIDE) == SIDE) {
		hs_addr side = (word & ~SIDE) << 3;
		if (!hs_peek(n, side + 16, &word) ||
		    !hs_peek_u32(n, side + 24, &weak))
			return false;
		ret->side_table = side;
		ret->weak = weak ? weak - 1 : 0;
		inline_counts(word, ret);
		return true;
	}
	uint64_t unowned = word >> 1 & 0x7fffffff;
	if (word & SLOW || unowned == 0 || unowned > HS_LIMIT_SWIFT_UNOWNED)
		return false;
	inline_counts(word, ret);
	return true;
}

/* One walk over the references of an object. */
struct walk {
	struct hs_naming *n;
	struct hs_swift_layouts *l;
	const struct hs_block *block;
	hs_field_fn fn;
	void *arg;
	bool stop;
};

/* Existentials in existentials: a value in place is three words at most. */
#define MAX_INNER 3u

static void tell(struct walk *w, const struct hs_field_info *f)
{
	if (!w->stop)
		w->stop = !w->fn(w->arg, f);
}

static bool word_at(struct walk *w, uint64_t offset, uint64_t *ret)
{
	return offset % 8 == 0 &&
	       hs_block_word(w->n, w->block, (size_t)(offset / 8), ret);
}

static enum hs_strength strength_of(enum hs_swift_slot_kind kind)
{
	switch (kind) {
	case HS_SWIFT_SLOT_WEAK:
		return HS_STRENGTH_WEAK;
	case HS_SWIFT_SLOT_UNOWNED:
		return HS_STRENGTH_UNOWNED;
	case HS_SWIFT_SLOT_UNMANAGED:
		return HS_STRENGTH_UNMANAGED;
	default:
		return HS_STRENGTH_STRONG;
	}
}

/* What the word at OFFSET refers to, for a slot of KIND. *STRENGTH gets what
 * that does for it. False: nothing in the heap. */
static bool follow(struct walk *w, enum hs_swift_slot_kind kind,
		   uint64_t offset, hs_addr *to, enum hs_strength *strength)
{
	uint64_t word;
	struct hs_block b;
	*strength = HS_STRENGTH_STRONG;
	if (!word_at(w, offset, &word) || !word)
		return false;
	switch (kind) {
	case HS_SWIFT_SLOT_WEAK:
		if (!hs_naming_block_at(w->n, word & ADDRESS_BITS, &b))
			return false;
		/* The table goes on when its object is gone. */
		*to = b.user;
		if (hs_naming_block_at(w->n, b.first, NULL)) {
			*to = b.first;
			*strength = HS_STRENGTH_WEAK;
		}
		return true;
	case HS_SWIFT_SLOT_UNOWNED:
	case HS_SWIFT_SLOT_UNMANAGED:
		*strength = strength_of(kind);
		*to = word & (kind == HS_SWIFT_SLOT_UNOWNED ? ADDRESS_BITS
							    : UINT64_MAX);
		return hs_naming_block_in(w->n, *to, NULL);
	case HS_SWIFT_SLOT_STRING:
		/* The top bits say whether it is in place, or a constant. */
		*to = word;
		return word >> 60 == 0 && hs_naming_block_at(w->n, word, NULL);
	case HS_SWIFT_SLOT_WORDS:
		*to = word;
		if (hs_naming_block_in(w->n, word, NULL))
			return true;
		break;
	default:
		break;
	}
	*to = word & ADDRESS_BITS;
	return hs_naming_block_at(w->n, *to, NULL);
}

/* "field", "field.part": into BUF, as much as it has room for. */
static void join(char *buf, size_t size, const char *a, const char *b)
{
	if (!*a && *b == '.')
		b++;
	size_t len = strnlen(a, size - 1), more = strnlen(b, size - 1 - len);
	memcpy(buf, a, len);
	memcpy(buf + len, b, more);
	buf[len + more] = 0;
}

static void tell_value(struct walk *w, hs_addr metadata, uint64_t base,
		       const char *name, unsigned depth);

/* A reference by itself, in a line of its own. */
static bool tell_reference(struct walk *w, enum hs_swift_slot_kind kind,
			   uint64_t offset, const char *name)
{
	struct hs_field_info f = { .name = name,
				   .offset = offset,
				   .word = offset };
	if (!follow(w, kind, offset, &f.refers_to, &f.strength))
		return false;
	tell(w, &f);
	return true;
}

/* Is in the existential at OFFSET an object, or a box of what it holds? */
static bool any_is_reference(struct walk *w, uint64_t offset)
{
	uint64_t metadata;
	struct hs_swift_class class;
	struct hs_swift_value value;
	if (!word_at(w, offset + 24, &metadata) || !metadata)
		return false;
	return hs_swift_class(w->n, metadata, &class) ||
	       (hs_swift_value(w->n, metadata, &value) && value.boxed);
}

/* Of the three words of an existential a value may need fewer: the rest is what
 * was there before. ALONE: no other case of an enum may lie there. */
static void tell_rest(struct walk *w, uint64_t offset, bool alone)
{
	uint64_t metadata, used = 24;
	struct hs_swift_value value;
	if (!w->n->brief || w->stop || !word_at(w, offset + 24, &metadata))
		return;
	if (!metadata)
		used = alone ? 0 : 24;
	else if (any_is_reference(w, offset))
		used = 8;
	else if (hs_swift_value(w->n, metadata, &value))
		used = value.size;
	if (used < 24)
		w->stop = !hs_swift_unused_words(w->n, w->block, offset + used,
						 offset + 24, w->fn, w->arg);
}

/* Three words of whatever type the fourth one says, or a box of it. */
static void tell_any(struct walk *w, uint64_t offset, const char *name,
		     unsigned depth)
{
	uint64_t metadata;
	if (any_is_reference(w, offset))
		(void)tell_reference(w, HS_SWIFT_SLOT_REF, offset, name);
	else if (depth && word_at(w, offset + 24, &metadata) && metadata)
		tell_value(w, metadata, offset, name, depth - 1);
	tell_rest(w, offset, false);
}

static void tell_slot(struct walk *w, const struct hs_swift_slot *slot,
		      uint64_t base, uint32_t extent, const char *name,
		      unsigned depth)
{
	char text[512], plus[16];
	uint64_t at = base + slot->offset, end = at + slot->len;
	if (slot->kind == HS_SWIFT_SLOT_ANY) {
		tell_any(w, at, name, depth);
		return;
	}
	if (slot->kind != HS_SWIFT_SLOT_WORDS) {
		(void)tell_reference(w, slot->kind, at, name);
		return;
	}
	if (end > w->block->usable)
		end = w->block->usable;
	for (; at + 8 <= end && !w->stop; at += 8) {
		(void)snprintf(plus, sizeof(plus), "+%u",
			       (unsigned)(at - base));
		join(text, sizeof(text), name, plus);
		(void)tell_reference(w, slot->kind, at,
				     at == base && extent <= 8 ? name : text);
	}
}

/* The slots of FIELD, whose value begins at BASE. */
static void tell_slots(struct walk *w, const struct hs_swift_field *field,
		       uint64_t base, const char *name, unsigned depth)
{
	for (uint32_t i = 0; i < field->count && !w->stop; i++) {
		char text[512];
		struct hs_swift_slot slot = w->l->slot[field->first + i];
		join(text, sizeof(text), name,
		     slot.name ? w->l->text + slot.name : "");
		tell_slot(w, &slot, base, field->extent, text, depth);
	}
}

static void tell_value(struct walk *w, hs_addr metadata, uint64_t base,
		       const char *name, unsigned depth)
{
	struct hs_swift_layout layout;
	struct hs_swift_class class;
	if (hs_swift_class(w->n, metadata, &class)) {
		(void)tell_reference(w, HS_SWIFT_SLOT_REF, base, name);
		return;
	}
	if (!hs_swift_layout(w->n, w->l, metadata, &layout))
		return;
	for (uint32_t i = 0; i < layout.count && !w->stop; i++) {
		struct hs_swift_field f = w->l->field[layout.first + i];
		tell_slots(w, &f, base + f.offset, name, depth);
	}
}

/* What is in a field of one of the library's plain types; false: another. */
static bool plain_value(struct walk *w, const struct hs_swift_field *field,
			const char *type, char *buf, size_t size)
{
	static const struct {
		const char *type;
		unsigned size;
		char how; /* i, u: signed or not; d: floating; b: true, false */
	} known[] = {
		{ "Swift.Int", 8, 'i' },    { "Swift.UInt", 8, 'u' },
		{ "Swift.Int64", 8, 'i' },  { "Swift.UInt64", 8, 'u' },
		{ "Swift.Int32", 4, 'i' },  { "Swift.UInt32", 4, 'u' },
		{ "Swift.Int16", 2, 'i' },  { "Swift.UInt16", 2, 'u' },
		{ "Swift.Int8", 1, 'i' },   { "Swift.UInt8", 1, 'u' },
		{ "Swift.Double", 8, 'd' }, { "Swift.Bool", 1, 'b' },
	};
	uint64_t word;
	double number;
	size_t i = 0;
	while (i < sizeof(known) / sizeof(known[0]) &&
	       strcmp(known[i].type, type) != 0)
		i++;
	if (i == sizeof(known) / sizeof(known[0]) ||
	    field->offset + known[i].size > w->block->usable ||
	    !hs_window_uint(&w->n->block, w->block->user + field->offset,
			    known[i].size, &word))
		return false;
	unsigned unused = 64 - 8 * known[i].size;
	switch (known[i].how) {
	case 'i':
		(void)snprintf(buf, size, "%" PRId64,
			       (int64_t)(word << unused) >> unused);
		return true;
	case 'u':
		(void)snprintf(buf, size, "%" PRIu64, word);
		return true;
	case 'd':
		memcpy(&number, &word, sizeof(number));
		(void)snprintf(buf, size, "%g", number);
		return true;
	default:
		(void)snprintf(buf, size, "%s", word & 1 ? "true" : "false");
		return word <= 1;
	}
}

/* The function that a closure in FIELD begins with, before what it captured. */
static bool closure_code(struct walk *w, const struct hs_swift_field *field,
			 const char *type, char *buf, size_t size)
{
	struct hs_symbol_info symbol;
	uint64_t code;
	return field->extent == 16 && strstr(type, " -> ") && w->n->syms &&
	       word_at(w, field->offset, &code) && code &&
	       hs_symbols_at(w->n->syms, code, &symbol) &&
	       symbol.addr == code && symbol.is_function &&
	       hs_demangle(symbol.name, buf, size);
}

#define SHOWN_TEXT 200u /* bytes of a string */

/* The text of the string whose second word is at OFFSET; false: none, or not
 * captured. */
static bool string_text(struct walk *w, uint64_t offset,
			char buf[SHOWN_TEXT + 4])
{
	uint64_t count, object, c;
	hs_addr at;
	if (offset < 8 || !word_at(w, offset - 8, &count) ||
	    !word_at(w, offset, &object) || object == 0)
		return false;
	if (object >> 61 & 1) { /* in place, with the length on top */
		count = object >> 56 & 15;
		at = w->block->user + offset - 8;
	} else { /* behind the storage's header, or as if there were one */
		count &= 0xffffffffffff;
		at = (object & 0x0fffffffffffffff) + 32;
	}
	uint64_t shown = count < SHOWN_TEXT ? count : SHOWN_TEXT;
	for (uint64_t i = 0; i < shown; i++) {
		if (!hs_window_uint(&w->n->meta, at + i, 1, &c) || !c)
			return false;
		buf[i] = (char)c;
	}
	/* Between characters. */
	while (shown < count && shown && (buf[shown - 1] & 0x80))
		shown--;
	memcpy(buf + shown, shown < count ? "..." : "",
	       4 - 3 * !(shown < count));
	return true;
}

/* A field with its type; its one reference in the same line, several in lines
 * of their own. */
static void tell_field(struct walk *w, const struct hs_swift_field *field)
{
	char name[512], type[HS_LIMIT_STRING], value[256];
	char text[SHOWN_TEXT + 4];
	struct hs_field_info f = {
		.name = name,
		.offset = field->offset,
		.word = field->offset,
		.refers_to = HS_NO_ADDR,
	};
	/* The pools may move while inner types are looked at. */
	join(name, sizeof(name), w->l->text + field->name, "");
	if (field->type) {
		join(type, sizeof(type), w->l->text + field->type, "");
		f.type = type;
		if (!w->n->brief &&
		    (plain_value(w, field, type, value, sizeof(value)) ||
		     closure_code(w, field, type, value, sizeof(value))))
			f.value = value;
	}
	if (field->count == 1 && field->extent >= 8) {
		struct hs_swift_slot slot = w->l->slot[field->first];
		bool word = !*(w->l->text + slot.name) &&
			    slot.kind != HS_SWIFT_SLOT_ANY &&
			    (slot.kind != HS_SWIFT_SLOT_WORDS ||
			     field->extent == 8);
		hs_addr to;
		uint64_t at = f.offset + slot.offset;
		if (!w->n->brief && slot.kind == HS_SWIFT_SLOT_STRING && word &&
		    string_text(w, at, text))
			f.text = text;
		if (word) {
			enum hs_strength strength;
			if (follow(w, slot.kind, at, &to, &strength)) {
				f.refers_to = to;
				f.word = at;
				f.strength = strength;
			} else if (slot.kind >= HS_SWIFT_SLOT_WEAK &&
				   slot.kind <= HS_SWIFT_SLOT_UNMANAGED) {
				f.strength = strength_of(slot.kind);
			}
			tell(w, &f);
			return;
		}
	}
	if (field->count == 1 &&
	    w->l->slot[field->first].kind == HS_SWIFT_SLOT_ANY &&
	    any_is_reference(w, f.offset + w->l->slot[field->first].offset)) {
		f.word = f.offset + w->l->slot[field->first].offset;
		if (!follow(w, HS_SWIFT_SLOT_REF, f.word, &f.refers_to,
			    &f.strength)) {
			f.refers_to = HS_NO_ADDR;
			f.strength = HS_STRENGTH_NONE;
		}
		tell(w, &f);
		tell_rest(w, f.word, true);
		return;
	}
	tell(w, &f);
	if (field->count == 1 &&
	    w->l->slot[field->first].kind == HS_SWIFT_SLOT_ANY)
		tell_rest(w, f.offset + w->l->slot[field->first].offset, true);
	tell_slots(w, field, f.offset, name, MAX_INNER);
}

/* May values of this type refer to anything? Bytes need no look at each. */
static bool refers(struct walk *w, hs_addr metadata)
{
	struct hs_swift_layout layout;
	struct hs_swift_class class;
	if (hs_swift_class(w->n, metadata, &class))
		return true;
	if (!hs_swift_layout(w->n, w->l, metadata, &layout))
		return false;
	for (uint32_t i = 0; i < layout.count; i++)
		if (w->l->field[layout.first + i].count)
			return true;
	return false;
}

/* One element of a collection: its references. */
static void tell_element(struct walk *w, hs_addr metadata, uint64_t at,
			 const char *what, uint64_t i)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "%s[%" PRIu64 "]", what, i);
	tell_value(w, metadata, at, name, MAX_INNER);
}

static void array_elements(struct walk *w, hs_addr type)
{
	struct hs_swift_value value;
	uint64_t count;
	if (!type || !word_at(w, 2 * 8, &count) ||
	    !hs_swift_value(w->n, type, &value) || !refers(w, type))
		return;
	uint64_t start = 32;
	if (value.align > 32)
		start = value.align;
	for (uint64_t i = 0; i < count && i < HS_LIMIT_SWIFT_ELEMENTS; i++) {
		uint64_t at = start + i * value.stride;
		if (at + value.size > w->block->usable || w->stop)
			return;
		tell_element(w, type, at, "", i);
	}
}

/* Elements of a hash table whose address is in word WHERE, for each bucket
 * that the bits from BITS say is taken. */
static void table_elements(struct walk *w, hs_addr type, const char *what,
			   size_t where, uint64_t bits)
{
	struct hs_swift_value value;
	uint64_t raw, scale, taken = 0;
	if (!type || !hs_block_word(w->n, w->block, where, &raw) ||
	    raw < w->block->user || raw - w->block->user > w->block->usable ||
	    !hs_window_uint(&w->n->block, w->block->user + 32, 1, &scale) ||
	    scale > 40 || !hs_swift_value(w->n, type, &value) ||
	    !refers(w, type))
		return;
	uint64_t start = raw - w->block->user;
	for (uint64_t i = 0; i < UINT64_C(1) << scale; i++) {
		uint64_t at = start + i * value.stride;
		if (w->stop || i >= HS_LIMIT_SWIFT_ELEMENTS ||
		    at + value.size > w->block->usable ||
		    (i % 64 == 0 && !word_at(w, bits + i / 8, &taken)))
			return;
		if (taken >> (i % 64) & 1)
			tell_element(w, type, at, what, i);
	}
}

static void elements(struct walk *w, const struct hs_swift_layout *layout)
{
	switch (layout->container) {
	case HS_SWIFT_ARRAY:
		array_elements(w, layout->element[0]);
		break;
	case HS_SWIFT_DICTIONARY:
		table_elements(w, layout->element[0], "keys", 6, 64);
		table_elements(w, layout->element[1], "values", 7, 64);
		break;
	case HS_SWIFT_SET:
		table_elements(w, layout->element[0], "members", 6, 56);
		break;
	default:
		break;
	}
}

void hs_swift_fields(struct hs_naming *n, struct hs_swift_layouts *l,
		     const struct hs_block *block, hs_field_fn fn, void *arg)
{
	struct walk w = { n, l, block, fn, arg, false };
	struct hs_swift_layout layout;
	struct hs_swift_refs refs;
	uint64_t counts;
	/* The counts may have moved: a reference that no plain word is. */
	if (word_at(&w, 8, &counts) && hs_swift_refs(n, counts, &refs) &&
	    refs.side_table != HS_NO_ADDR) {
		struct hs_field_info f = { .name = "side table",
					   .offset = 8,
					   .word = 8,
					   .strength = HS_STRENGTH_STRONG,
					   .refers_to = refs.side_table };
		if (hs_naming_block_at(n, refs.side_table, NULL))
			tell(&w, &f);
	}
	if (w.stop || !hs_swift_layout(n, l, block->first, &layout))
		return;
	for (uint32_t i = 0; i < layout.count && !w.stop; i++) {
		struct hs_swift_field f = l->field[layout.first + i];
		tell_field(&w, &f);
	}
	if (!w.stop)
		elements(&w, &layout);
	if (!w.stop && n->brief)
		(void)hs_swift_unused_of_object(n, l, block, fn, arg);
}

void hs_swift_error_fields(struct hs_naming *n, struct hs_swift_layouts *l,
			   const struct hs_block *block, hs_field_fn fn,
			   void *arg)
{
	struct walk w = { n, l, block, fn, arg, false };
	struct hs_swift_value value;
	uint64_t metadata;
	/* Header, type, its table; then the value. */
	if (!word_at(&w, 16, &metadata) || !hs_swift_value(n, metadata, &value))
		return;
	uint64_t at = (32 + (uint64_t)value.align - 1) & -(uint64_t)value.align;
	tell_value(&w, metadata, at, "error", MAX_INNER);
}
