/* SPDX-License-Identifier: MIT */
#include "types/swift_machine.h"

#include <stdarg.h>
#include <stdio.h>

bool hs_machine_next(struct hs_machine *m, char *ret)
{
	uint64_t c;
	if (!hs_window_uint(&m->n->meta, m->pos, 1, &c))
		return false;
	m->pos++;
	*ret = (char)c;
	return true;
}

char hs_machine_peek(struct hs_machine *m)
{
	uint64_t c;
	return (char)(hs_window_uint(&m->n->meta, m->pos, 1, &c) ? c : 0);
}

bool hs_machine_push(struct hs_machine *m, struct hs_item item)
{
	if (m->depth == HS_MACHINE_ITEMS)
		return false;
	m->stack[m->depth++] = item;
	return true;
}

bool hs_machine_push_mark(struct hs_machine *m, enum hs_item_kind kind)
{
	return hs_machine_push(m, (struct hs_item){ .kind = kind });
}

bool hs_machine_pop(struct hs_machine *m, enum hs_item_kind kind,
		    struct hs_item *ret)
{
	if (!m->depth || m->stack[m->depth - 1].kind != kind)
		return false;
	*ret = m->stack[--m->depth];
	return true;
}

bool hs_machine_pop_mark(struct hs_machine *m, enum hs_item_kind kind)
{
	struct hs_item item;
	return hs_machine_pop(m, kind, &item);
}

bool hs_machine_put(struct hs_machine *m, struct hs_item *ret, const char *fmt,
		    ...)
{
	char text[HS_MACHINE_ARENA]; /* the arguments are in the arena
					themselves */
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0 || (unsigned)len >= HS_MACHINE_ARENA - m->used)
		return false;
	memcpy(m->arena + m->used, text, (size_t)len);
	ret->at = m->used;
	ret->len = (unsigned)len;
	m->used += (unsigned)len;
	return true;
}

bool hs_machine_push_text(struct hs_machine *m, enum hs_item_kind kind,
			  const char *text)
{
	struct hs_item item = { .kind = kind };
	return hs_machine_put(m, &item, "%s", text) && hs_machine_push(m, item);
}

bool hs_machine_push_shaped(struct hs_machine *m, const char *text,
			    struct hs_swift_shape shape)
{
	struct hs_item item = { .kind = HS_ITEM_TYPE, .shape = shape };
	return hs_machine_put(m, &item, "%s", text) && hs_machine_push(m, item);
}

struct hs_swift_shape hs_machine_reference(struct hs_machine *m,
					   uint32_t offset, uint32_t size)
{
	if (!m->shapes)
		return (struct hs_swift_shape){ 0 };
	return hs_swift_shape_one(m->shapes, HS_SWIFT_SLOT_REF, offset, size);
}

struct hs_swift_shape hs_machine_shape(struct hs_machine *m,
				       const struct hs_item *item)
{
	if (item->shape.sized || item->shape.count)
		return item->shape;
	if (item->desc)
		return hs_swift_shape_described(m->n, m->shapes, item->desc,
						NULL);
	return hs_swift_shape_unknown(m->shapes);
}

bool hs_machine_add_subst(struct hs_machine *m, struct hs_item item)
{
	if (m->substs == HS_MACHINE_ITEMS)
		return false;
	m->subst[m->substs++] = item;
	return true;
}

bool hs_machine_number(struct hs_machine *m, unsigned *ret)
{
	unsigned value = 0;
	char c;
	while (c = hs_machine_peek(m), c >= '0' && c <= '9') {
		if (value > 10000)
			return false;
		value = value * 10 + (unsigned)(c - '0');
		m->pos++;
	}
	*ret = value;
	return true;
}

bool hs_machine_index(struct hs_machine *m, unsigned *ret)
{
	char c = hs_machine_peek(m);
	bool zero = c == '_';
	if ((!zero && (c < '0' || c > '9')) || !hs_machine_number(m, ret) ||
	    !hs_machine_next(m, &c) || c != '_')
		return false;
	*ret += !zero;
	return true;
}

bool hs_machine_repeat(struct hs_machine *m, unsigned times)
{
	while (times-- > 1)
		if (!m->depth || !hs_machine_push(m, m->stack[m->depth - 1]))
			return false;
	return true;
}

bool hs_machine_is_called(const struct hs_machine *m,
			  const struct hs_item *item, const char *name)
{
	return item->len == strlen(name) &&
	       memcmp(m->arena + item->at, name, item->len) == 0;
}

bool hs_machine_wrap(struct hs_machine *m, const char *before,
		     const char *after)
{
	struct hs_item of, item = { .kind = HS_ITEM_TYPE };
	if (!hs_machine_pop(m, HS_ITEM_TYPE, &of))
		return false;
	if (m->shapes)
		item.shape = hs_machine_shape(m, &of);
	return hs_machine_put(m, &item, "%s%.*s%s", before, HS_SHOW(m, of),
			      after) &&
	       hs_machine_push(m, item);
}

bool hs_machine_attach(struct hs_machine *m, const char *after)
{
	char behind[16];
	if (!m->depth || !m->stack[m->depth - 1].loose)
		return hs_machine_wrap(m, "", after);
	(void)snprintf(behind, sizeof(behind), ")%s", after);
	return hs_machine_wrap(m, "(", behind);
}

bool hs_machine_wrap_slot(struct hs_machine *m, const char *word,
			  enum hs_swift_slot_kind kind)
{
	if (!hs_machine_wrap(m, word, "") || !m->shapes)
		return m->depth > 0;
	struct hs_item *top = &m->stack[m->depth - 1];
	top->shape = hs_swift_shape_as(m->shapes, kind, &top->shape);
	return true;
}

bool hs_machine_wrap_plain(struct hs_machine *m, const char *after,
			   uint32_t size)
{
	if (!hs_machine_attach(m, after))
		return false;
	m->stack[m->depth - 1].shape = size == UINT32_MAX
					       ? (struct hs_swift_shape){ 0 }
					       : hs_swift_shape_plain(size);
	return true;
}
