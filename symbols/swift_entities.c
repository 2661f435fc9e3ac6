/* SPDX-License-Identifier: MIT */
#include "symbols/swift_entities.h"

#include <string.h>

#include "symbols/swift_types.h"

bool hs_swift_extension(struct hs_swift_stack *s)
{
	struct hs_swift_item module, of, item = { .kind = HS_SWIFT_ENTITY };
	(void)hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE);
	if (!hs_swift_pop_module(s, &module) || !hs_swift_pop_nominal(s, &of))
		return false;
	item.is_class = false; /* the tool, too, asks the extended type alone */
	item.local = of.local;
	return hs_swift_put(s, &item, "(extension in %.*s):%.*s",
			    HS_SWIFT_SHOW(s, module), HS_SWIFT_SHOW(s, of)) &&
	       hs_swift_push(s, item);
}

/* A declaration: its name, which is below its type, in what is below that. */
static bool declare(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	struct hs_swift_item name, context;
	*ret = (struct hs_swift_item){ .kind = HS_SWIFT_ENTITY };
	return hs_swift_pop_name(s, &name) &&
	       hs_swift_pop_context(s, &context) &&
	       hs_swift_join(s, &context, &name, ret);
}

bool hs_swift_plain_function(struct hs_swift_stack *s)
{
	struct hs_swift_item type, item;
	(void)hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE);
	return hs_swift_pop_function(s, &type) &&
	       hs_swift_pop_labels(s, &type) && declare(s, &item) &&
	       hs_swift_push(s, item);
}

/* A name of ours in what is below: "app.Bank.init". */
static bool push_member(struct hs_swift_stack *s, const char *name)
{
	struct hs_swift_item context, word = { .kind = HS_SWIFT_WORD },
				      item = { .kind = HS_SWIFT_ENTITY };
	return hs_swift_put(s, &word, "%s", name) &&
	       hs_swift_pop_context(s, &context) &&
	       hs_swift_join(s, &context, &word, &item) &&
	       hs_swift_push(s, item);
}

/* "closure #1 in app.Bank.put" */
static bool push_part(struct hs_swift_stack *s, const char *what,
		      const char *in)
{
	struct hs_swift_item context,
		item = { .kind = HS_SWIFT_ENTITY, .local = true };
	return hs_swift_pop_context(s, &context) &&
	       hs_swift_put(s, &item, "%s%s%.*s", what, in,
			    HS_SWIFT_SHOW(s, context)) &&
	       hs_swift_push(s, item);
}

static bool numbered_part(struct hs_swift_stack *s, const char *what,
			  unsigned number, const char *in)
{
	struct hs_swift_item context,
		item = { .kind = HS_SWIFT_ENTITY, .local = true };
	return hs_swift_pop_context(s, &context) &&
	       hs_swift_put(s, &item, "%s%u%s%.*s", what, number, in,
			    HS_SWIFT_SHOW(s, context)) &&
	       hs_swift_push(s, item);
}

static bool closure(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item type;
	unsigned i;
	return hs_swift_index(s, &i) && hs_swift_pop(s, HS_SWIFT_TYPE, &type) &&
	       numbered_part(s, what, i + 1, " in ");
}

/* An initialiser; of a class, there is one that allocates as well. */
static bool initialiser(struct hs_swift_stack *s, bool allocates)
{
	struct hs_swift_item name, type;
	if (s->depth && s->item[s->depth - 1].hidden)
		(void)hs_swift_pop(s, HS_SWIFT_NAME, &name);
	if (!hs_swift_pop(s, HS_SWIFT_TYPE, &type) ||
	    !hs_swift_pop_labels(s, &type) || !s->depth)
		return false;
	return push_member(s, allocates && s->item[s->depth - 1].is_class
				      ? "__allocating_init"
				      : "init");
}

bool hs_swift_function_entity(struct hs_swift_stack *s)
{
	char c = *s->pos;
	unsigned i;
	if (!c)
		return false;
	s->pos++;
	switch (c) {
	case 'D':
		return push_member(s, "__deallocating_deinit");
	case 'd':
		return push_member(s, "deinit");
	case 'Z':
		return push_member(s, "__isolated_deallocating_deinit");
	case 'E':
		return push_member(s, "__ivar_destroyer");
	case 'e':
		return push_member(s, "__ivar_initializer");
	case 'C':
	case 'c':
		return initialiser(s, c == 'C');
	case 'U':
		return closure(s, "closure #");
	case 'u':
		return closure(s, "implicit closure #");
	case 'A':
		return hs_swift_index(s, &i) &&
		       numbered_part(s, "default argument ", i, " of ");
	case 'i':
		return push_part(s, "variable initialization expression",
				 " of ");
	case 'P':
		return push_part(s, "property wrapper backing initializer",
				 " of ");
	case 'W':
		return push_part(s,
				 "property wrapper init from projected value",
				 " of ");
	default:
		return false;
	}
}

/* What is done with the variable or subscript OF. */
static bool accessor(struct hs_swift_stack *s, const struct hs_swift_item *of)
{
	static const struct {
		const char *letters, *name;
	} known[] = {
		{ "g", "getter" },
		{ "s", "setter" },
		{ "m", "materializeForSet" },
		{ "G", "getter" },
		{ "w", "willset" },
		{ "W", "didset" },
		{ "r", "read" },
		{ "M", "modify" },
		{ "y", "read2" },
		{ "x", "modify2" },
		{ "i", "init" },
		{ "b", "borrow" },
		{ "z", "mutate" },
		{ "aO", "owningMutableAddressor" },
		{ "ao", "nativeOwningMutableAddressor" },
		{ "ap", "nativePinningMutableAddressor" },
		{ "au", "unsafeMutableAddressor" },
		{ "lO", "owningAddressor" },
		{ "lo", "nativeOwningAddressor" },
		{ "lp", "nativePinningAddressor" },
		{ "lu", "unsafeAddressor" },
	};
	struct hs_swift_item item = { .kind = HS_SWIFT_ENTITY },
			     word = { .kind = HS_SWIFT_WORD };
	if (hs_swift_next_if(s, 'p'))
		return hs_swift_push(s, *of);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = strlen(known[i].letters);
		if (strncmp(s->pos, known[i].letters, len) != 0)
			continue;
		s->pos += len;
		return hs_swift_put(s, &word, "%s", known[i].name) &&
		       hs_swift_join(s, of, &word, &item) &&
		       hs_swift_push(s, item);
	}
	return false;
}

bool hs_swift_subscript(struct hs_swift_stack *s)
{
	struct hs_swift_item name, type, of;
	if (s->depth && s->item[s->depth - 1].hidden)
		(void)hs_swift_pop(s, HS_SWIFT_NAME, &name);
	return hs_swift_pop(s, HS_SWIFT_TYPE, &type) &&
	       hs_swift_pop_labels(s, &type) && push_member(s, "subscript") &&
	       hs_swift_pop(s, HS_SWIFT_ENTITY, &of) && accessor(s, &of);
}

bool hs_swift_variable(struct hs_swift_stack *s)
{
	struct hs_swift_item type, of;
	return hs_swift_pop(s, HS_SWIFT_TYPE, &type) &&
	       hs_swift_pop_labels(s, &type) && declare(s, &of) &&
	       accessor(s, &of);
}
