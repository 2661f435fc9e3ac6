/* SPDX-License-Identifier: MIT */
#include "symbols/swift_stack.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool hs_swift_push(struct hs_swift_stack *s, struct hs_swift_item item)
{
	if (s->depth == HS_SWIFT_ITEMS)
		return false;
	s->item[s->depth++] = item;
	return true;
}

bool hs_swift_push_mark(struct hs_swift_stack *s, enum hs_swift_kind kind)
{
	return hs_swift_push(s, (struct hs_swift_item){ .kind = kind });
}

bool hs_swift_push_text(struct hs_swift_stack *s, enum hs_swift_kind kind,
			const char *text)
{
	struct hs_swift_item item = { .kind = kind };
	return hs_swift_put(s, &item, "%s", text) && hs_swift_push(s, item);
}

bool hs_swift_top_is(const struct hs_swift_stack *s, enum hs_swift_kind kind)
{
	return s->depth && s->item[s->depth - 1].kind == kind;
}

bool hs_swift_pop(struct hs_swift_stack *s, enum hs_swift_kind kind,
		  struct hs_swift_item *ret)
{
	if (!hs_swift_top_is(s, kind))
		return false;
	*ret = s->item[--s->depth];
	return true;
}

bool hs_swift_pop_mark(struct hs_swift_stack *s, enum hs_swift_kind kind)
{
	struct hs_swift_item item;
	return hs_swift_pop(s, kind, &item);
}

bool hs_swift_keep(struct hs_swift_stack *s, struct hs_swift_item item)
{
	/* Nobody refers to those beyond in names that fit. */
	if (s->substs < HS_SWIFT_ITEMS)
		s->subst[s->substs++] = item;
	return true;
}

bool hs_swift_put(struct hs_swift_stack *s, struct hs_swift_item *ret,
		  const char *fmt, ...)
{
	va_list args;
	size_t room = sizeof(s->arena) - s->used;
	va_start(args, fmt);
	int len = vsnprintf(s->arena + s->used, room, fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room)
		return false;
	ret->at = s->used;
	ret->len = (unsigned)len;
	s->used += (unsigned)len + 1;
	return true;
}

bool hs_swift_is(const struct hs_swift_stack *s,
		 const struct hs_swift_item *item, const char *text)
{
	return item->len == strlen(text) &&
	       memcmp(s->arena + item->at, text, item->len) == 0;
}

bool hs_swift_next_if(struct hs_swift_stack *s, char c)
{
	if (!c || *s->pos != c)
		return false;
	s->pos++;
	return true;
}

bool hs_swift_number(struct hs_swift_stack *s, unsigned *ret)
{
	unsigned n = 0;
	for (; *s->pos >= '0' && *s->pos <= '9'; s->pos++)
		if ((n = n * 10 + (unsigned)(*s->pos - '0')) > HS_SWIFT_ARENA)
			return false;
	*ret = n;
	return true;
}

bool hs_swift_index(struct hs_swift_stack *s, unsigned *ret)
{
	unsigned n = 0;
	bool digits = *s->pos != '_';
	if (!hs_swift_number(s, &n) || !hs_swift_next_if(s, '_'))
		return false;
	*ret = n + digits;
	return true;
}

bool hs_swift_pop_module(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	return hs_swift_pop(s, HS_SWIFT_MODULE, ret) ||
	       hs_swift_pop(s, HS_SWIFT_WORD, ret);
}

bool hs_swift_pop_name(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	return hs_swift_pop(s, HS_SWIFT_NAME, ret) ||
	       hs_swift_pop(s, HS_SWIFT_WORD, ret);
}

bool hs_swift_pop_nominal(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	return s->depth && s->item[s->depth - 1].nominal &&
	       hs_swift_pop(s, HS_SWIFT_TYPE, ret);
}

bool hs_swift_pop_entity(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	return hs_swift_pop(s, HS_SWIFT_ENTITY, ret) ||
	       hs_swift_pop_nominal(s, ret);
}

bool hs_swift_pop_context(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	return hs_swift_pop_module(s, ret) || hs_swift_pop_entity(s, ret);
}

bool hs_swift_pop_protocol(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	struct hs_swift_item name, context;
	if (s->depth && s->item[s->depth - 1].protocol)
		return hs_swift_pop(s, HS_SWIFT_TYPE, ret);
	*ret = (struct hs_swift_item){ .kind = HS_SWIFT_TYPE,
				       .protocol = true,
				       .nominal = true };
	return hs_swift_pop_name(s, &name) &&
	       hs_swift_pop_context(s, &context) &&
	       hs_swift_join(s, &context, &name, ret);
}

bool hs_swift_pop_types(struct hs_swift_stack *s, struct hs_swift_item *ret,
			unsigned *count)
{
	struct hs_swift_item one;
	bool first = false;
	*ret = (struct hs_swift_item){ .kind = HS_SWIFT_TYPE };
	*count = 0;
	if (hs_swift_pop_mark(s, HS_SWIFT_EMPTY))
		return true;
	while (!first) {
		first = hs_swift_pop_mark(s, HS_SWIFT_FIRST);
		if (!hs_swift_pop(s, HS_SWIFT_TYPE, &one) ||
		    !hs_swift_put(s, ret, "%.*s%s%.*s", HS_SWIFT_SHOW(s, one),
				  ret->len ? ", " : "", HS_SWIFT_SHOW(s, *ret)))
			return false;
		(*count)++;
	}
	return true;
}

bool hs_swift_join(struct hs_swift_stack *s,
		   const struct hs_swift_item *context,
		   const struct hs_swift_item *name, struct hs_swift_item *ret)
{
	if (name->local) {
		ret->local = true;
		return hs_swift_put(s, ret, "%.*s in %.*s",
				    HS_SWIFT_SHOW(s, *name),
				    HS_SWIFT_SHOW(s, *context));
	}
	return hs_swift_put(
		s, ret, context->local ? "(%.*s).%.*s" : "%.*s.%.*s",
		HS_SWIFT_SHOW(s, *context), HS_SWIFT_SHOW(s, *name));
}
