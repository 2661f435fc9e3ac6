/* SPDX-License-Identifier: MIT */
#include "types/swift_layout.h"

#include <stdio.h>

#include "core/grow.h"
#include "core/limits.h"
#include "types/swift_generics.h"
#include "types/swift_mangling.h"

/* Classes above a class. */
#define MAX_SUPERS 32u

void hs_swift_layouts_release(struct hs_swift_layouts *l)
{
	hs_addr_map_release(&l->map);
	free(l->layout);
	free(l->field);
	free(l->slot);
	free(l->text);
}

/* Everything that one layout is made from. */
struct maker {
	struct hs_naming *n;
	struct hs_swift_layouts *l;
	struct hs_swift_layout layout;
	enum hs_status st;
	struct hs_error err;
};

/* Keep LEN bytes of TEXT and a NUL behind them; where. */
static uint32_t keep_text(struct maker *m, const char *text, size_t len)
{
	struct hs_swift_layouts *l = m->l;
	if (m->st || l->text_len + len + 1 >= HS_LIMIT_TYPE_TEXT)
		return 0;
	if (l->text_len == 0)
		len++; /* so that nothing begins at 0 */
	while (!m->st && l->text_len + len + 1 > l->text_capacity)
		m->st = hs_grow(&l->text, &l->text_capacity, l->text_capacity,
				1, &m->err);
	if (m->st)
		return 0;
	if (l->text_len == 0) {
		l->text[l->text_len++] = 0;
		len--;
	}
	uint32_t at = (uint32_t)l->text_len;
	memcpy(l->text + at, text, len);
	l->text[at + len] = 0;
	l->text_len += len + 1;
	return at;
}

/* The part of SLOT within EXTENT bytes; false: there is none. */
static bool clip(struct hs_swift_slot *slot, uint32_t extent)
{
	if (slot->offset >= extent || extent - slot->offset < 8)
		return false;
	if (slot->len > extent - slot->offset) {
		if (slot->kind == HS_SWIFT_SLOT_ANY)
			return false;
		slot->len = extent - slot->offset;
	}
	return true;
}

static void keep_field(struct maker *m, struct hs_swift_field field,
		       const char *name, const char *type,
		       const struct hs_swift_shapes *s,
		       const struct hs_swift_shape *shape)
{
	struct hs_swift_layouts *l = m->l;
	field.name = keep_text(m, name, strlen(name));
	field.type = type ? keep_text(m, type, strlen(type)) : 0;
	field.first = (uint32_t)l->slots;
	for (unsigned i = 0; i < shape->count && !m->st; i++) {
		struct hs_swift_slot slot = s->slot[shape->first + i];
		if (!clip(&slot, field.extent))
			continue;
		slot.name = keep_text(m, s->text + slot.name, slot.name_len);
		m->st = hs_grow(&l->slot, &l->slot_capacity, l->slots,
				sizeof(slot), &m->err);
		if (!m->st)
			l->slot[l->slots++] = slot;
	}
	field.count = (uint32_t)l->slots - field.first;
	l->steps += 1 + field.count; /* memory has its price, too */
	if (!m->st)
		m->st = hs_grow(&l->field, &l->field_capacity, l->fields,
				sizeof(field), &m->err);
	if (!m->st) {
		l->field[l->fields++] = field;
		m->layout.count++;
	}
}

static bool has_steps(const struct hs_swift_layouts *l)
{
	return l->steps < HS_LIMIT_SWIFT_STEPS;
}

static void begin(struct maker *m, struct hs_swift_shapes *s)
{
	unsigned left =
		has_steps(m->l) ? HS_LIMIT_SWIFT_STEPS - m->l->steps : 0;
	s->count = 0;
	s->text_len = 0;
	s->opened = 0;
	s->steps = left < HS_LIMIT_SWIFT_TYPE_STEPS ? left
						    : HS_LIMIT_SWIFT_TYPE_STEPS;
	m->l->steps += s->steps;
}

/* What was not needed is given back. */
static void end(struct maker *m, const struct hs_swift_shapes *s)
{
	m->l->steps -= s->steps;
}

/* The type at AT in its mangled form: its shape, and *TEXT or NULL. */
static struct hs_swift_shape read_type(struct maker *m,
				       struct hs_swift_shapes *s, hs_addr at,
				       const struct hs_swift_args *args,
				       char buf[HS_LIMIT_STRING],
				       const char **text)
{
	struct hs_text out;
	struct hs_swift_shape shape;
	hs_text_init(&out, buf, HS_LIMIT_STRING);
	*text = NULL;
	if (at == HS_NO_ADDR ||
	    !hs_swift_demangle_shape(m->n, at, args, &out, s, &shape))
		return hs_swift_shape_unknown(s);
	*text = buf;
	return shape;
}

/* What a lazy property is stored as: people know it without. */
static const char lazy[] = "$__lazy_storage_$_";

/* The stored properties that one class adds. */
static void class_fields(struct maker *m, const struct hs_swift_class *class)
{
	struct hs_naming *n = m->n;
	struct hs_swift_shapes s;
	hs_addr records, at;
	uint64_t step;
	uint32_t count, vector;
	struct hs_swift_args args = hs_swift_class_args(n, class);
	if (!hs_swift_relative(n, class->descriptor + 16, &records) ||
	    !hs_peek_u32(n, class->descriptor + 40, &vector) ||
	    !hs_window_uint(&n->meta, records + 10, 2, &step) || step < 12 ||
	    !hs_peek_u32(n, records + 12, &count) ||
	    count > HS_LIMIT_TYPE_FIELDS)
		return;
	hs_addr offsets = class->metadata + 8 * (uint64_t)vector;
	for (uint32_t i = 0; i < count && !m->st && has_steps(m->l); i++) {
		char name[512], buf[HS_LIMIT_STRING];
		const char *type;
		uint64_t offset, next;
		hs_addr record = records + 16 + i * step;
		if (!hs_peek(n, offsets + 8 * (uint64_t)i, &offset) ||
		    offset >= class->instance_size ||
		    !hs_swift_relative(n, record + 8, &at) ||
		    !hs_peek_name(n, at, name, sizeof(name), NULL))
			continue;
		if (i + 1 == count ||
		    !hs_peek(n, offsets + 8 * (uint64_t)i + 8, &next) ||
		    next <= offset || next > class->instance_size)
			next = class->instance_size;
		if (!hs_swift_relative(n, record + 4, &at))
			at = HS_NO_ADDR;
		begin(m, &s);
		struct hs_swift_shape shape =
			read_type(m, &s, at, &args, buf, &type);
		end(m, &s);
		struct hs_swift_field f = { .offset = (uint32_t)offset,
					    .extent =
						    (uint32_t)(next - offset) };
		bool is_lazy = !strncmp(name, lazy, sizeof(lazy) - 1);
		keep_field(m, f, name + (is_lazy ? sizeof(lazy) - 1 : 0), type,
			   &s, &shape);
	}
}

/* What the class keeps behind its properties. */
static void look_for_elements(struct maker *m,
			      const struct hs_swift_class *class)
{
	static const struct {
		const char *name;
		enum hs_swift_container container;
		unsigned types;
	} known[] = {
		{ "Swift._ContiguousArrayStorage", HS_SWIFT_ARRAY, 1 },
		{ "Swift._DictionaryStorage", HS_SWIFT_DICTIONARY, 2 },
		{ "Swift._SetStorage", HS_SWIFT_SET, 1 },
		{ "Swift.__StringStorage", HS_SWIFT_TEXT, 0 },
	};
	char name[64];
	struct hs_text text;
	hs_text_init(&text, name, sizeof(name));
	if (!hs_swift_context_name(m->n, class->descriptor, NULL, &text))
		return;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct hs_swift_generics g;
		struct hs_swift_argument arg;
		if (strcmp(name, known[i].name) != 0)
			continue;
		m->layout.container = known[i].container;
		if (!known[i].types ||
		    !hs_swift_generics(m->n, class->descriptor, &g))
			return;
		hs_addr args = hs_swift_class_args(m->n, class).at;
		for (unsigned k = 0; k < known[i].types; k++)
			if (hs_swift_argument(m->n, &g, args, k, &arg) &&
			    arg.kind == HS_SWIFT_PARAM_TYPE)
				m->layout.element[k] = arg.word;
	}
}

/* The library's own classes have things behind their fields, and so have those
 * that people make of its ManagedBuffer. */
static bool ends_with_its_fields(struct hs_naming *n,
				 const struct hs_swift_class *chain,
				 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char name[HS_LIMIT_TYPE_NAME];
		struct hs_text text;
		hs_text_init(&text, name, sizeof(name));
		if (!hs_swift_context_name(n, chain[i].descriptor, NULL,
					   &text) ||
		    strncmp(name, "Swift.", 6) == 0)
			return false;
	}
	return chain[count - 1].super == 0;
}

static void instance_fields(struct maker *m, const struct hs_swift_class *class)
{
	/* Superclasses first: their fields come first. */
	struct hs_swift_class chain[MAX_SUPERS];
	size_t count = 0;
	chain[count++] = *class;
	while (count < MAX_SUPERS &&
	       hs_swift_class(m->n, chain[count - 1].super, &chain[count]))
		count++;
	m->layout.ends = ends_with_its_fields(m->n, chain, count);
	while (count-- > 0)
		class_fields(m, &chain[count]);
	look_for_elements(m, class);
}

/* One field of which nothing is known but where it begins. */
static void unknown_field(struct maker *m, uint32_t offset, const char *name)
{
	struct hs_swift_shapes s;
	struct hs_swift_field f = { .offset = offset, .extent = UINT32_MAX };
	begin(m, &s);
	struct hs_swift_shape shape = hs_swift_shape_unknown(&s);
	end(m, &s);
	keep_field(m, f, name, NULL, &s, &shape);
}

/* What a closure or a box holds, one behind the other. */
static void captures(struct maker *m, hs_addr metadata)
{
	struct hs_naming *n = m->n;
	struct hs_swift_shapes s;
	uint64_t desc;
	uint32_t offset, count, bindings;
	if (!hs_peek_u32(n, metadata + 8, &offset) ||
	    !hs_peek(n, metadata + 16, &desc) || offset > 4096)
		return;
	if (desc == 0 || hs_naming_module(n, desc) == SIZE_MAX ||
	    !hs_peek_u32(n, desc, &count) || count > HS_LIMIT_TYPE_FIELDS ||
	    !hs_peek_u32(n, desc + 8, &bindings) ||
	    bindings > HS_LIMIT_TYPE_FIELDS) {
		unknown_field(m, offset, "captured");
		return;
	}
	/* What generic types stand for comes first. */
	struct hs_swift_shape sum = hs_swift_shape_plain(offset + 8 * bindings);
	for (uint32_t i = 0; i < count && !m->st && has_steps(m->l); i++) {
		char name[32], buf[HS_LIMIT_STRING];
		const char *type;
		hs_addr at;
		if (!hs_swift_relative(n, desc + 12 + 4 * (uint64_t)i, &at))
			at = HS_NO_ADDR;
		(void)snprintf(name, sizeof(name), "capture[%u]", i);
		begin(m, &s);
		struct hs_swift_shape shape =
			read_type(m, &s, at, NULL, buf, &type);
		end(m, &s);
		uint32_t align = shape.align ? shape.align : 1;
		sum.size = (sum.size + align - 1) & -align;
		struct hs_swift_field f = {
			.offset = sum.size,
			.extent = shape.sized ? shape.size : UINT32_MAX,
		};
		keep_field(m, f, name, type, &s, &shape);
		sum.size += shape.size;
		if (!shape.sized || sum.size > UINT32_MAX / 2)
			return; /* where the next begins cannot be told */
	}
}

/* A value of the type METADATA at OFFSET. */
static void value_field(struct maker *m, hs_addr metadata, uint32_t offset,
			const char *name)
{
	struct hs_swift_shapes s;
	char buf[HS_LIMIT_STRING];
	struct hs_text text;
	hs_text_init(&text, buf, sizeof(buf));
	begin(m, &s);
	struct hs_swift_shape shape = hs_swift_shape_of(m->n, &s, metadata, 0);
	end(m, &s);
	struct hs_swift_field f = {
		.offset = offset,
		.extent = shape.sized ? shape.size : UINT32_MAX,
	};
	bool known = hs_swift_type_name(m->n, metadata, &text);
	keep_field(m, f, name, known ? buf : NULL, &s, &shape);
}

static void make(struct maker *m, hs_addr metadata)
{
	struct hs_swift_class class;
	uint64_t kind, boxed;
	uint32_t offset;
	if (hs_swift_class(m->n, metadata, &class)) {
		instance_fields(m, &class);
		return;
	}
	if (!hs_peek(m->n, metadata, &kind))
		return;
	if (kind == HS_SWIFT_BOX) {
		captures(m, metadata);
	} else if (kind == HS_SWIFT_GENERIC_BOX) {
		if (hs_peek_u32(m->n, metadata + 8, &offset) &&
		    offset <= 4096 && hs_peek(m->n, metadata + 16, &boxed))
			value_field(m, boxed, offset, "value");
	} else if (kind >= HS_SWIFT_STRUCT && kind <= HS_SWIFT_METATYPE) {
		value_field(m, metadata, 0, "");
	}
}

bool hs_swift_layout(struct hs_naming *n, struct hs_swift_layouts *l,
		     hs_addr metadata, struct hs_swift_layout *ret)
{
	const struct hs_addr_entry *known = hs_addr_map_get(&l->map, metadata);
	if (known) {
		*ret = l->layout[known->value];
		return ret->count > 0 || ret->container || ret->ends;
	}
	struct maker m = { .n = n, .l = l };
	m.layout.first = (uint32_t)l->fields;
	if (l->fields >= UINT32_MAX / 2 || l->slots >= UINT32_MAX / 2)
		return false;
	make(&m, metadata);
	if (!m.st)
		m.st = hs_grow(&l->layout, &l->layout_capacity, l->layouts,
			       sizeof(m.layout), &m.err);
	if (!m.st) {
		l->layout[l->layouts] = m.layout;
		m.st = hs_addr_map_put(
			&l->map,
			(struct hs_addr_entry){ metadata, (uint32_t)l->layouts,
						0 },
			&m.err);
	}
	if (m.st) {
		hs_naming_fail(n, m.st, &m.err);
		return false;
	}
	l->layouts++;
	*ret = m.layout;
	return ret->count > 0 || ret->container || ret->ends;
}
