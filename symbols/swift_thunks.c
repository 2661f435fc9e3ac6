/* SPDX-License-Identifier: MIT */
#include "symbols/swift_thunks.h"

#include <stdio.h>
#include <string.h>

#include "symbols/swift_types.h"

static bool prefix(struct hs_swift_stack *s, const char *text)
{
	return hs_swift_push_text(s, HS_SWIFT_PREFIX, text);
}

/* "curry thunk of app.Bank.put": may be looked into as what it is of. */
static bool of_entity(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item of,
		item = { .kind = HS_SWIFT_ENTITY, .local = true };
	return hs_swift_pop_entity(s, &of) &&
	       hs_swift_put(s, &item, "%s%.*s", what, HS_SWIFT_SHOW(s, of)) &&
	       hs_swift_push(s, item);
}

static bool push_whole(struct hs_swift_stack *s, const char *what,
		       const struct hs_swift_item *of)
{
	struct hs_swift_item item = { .kind = HS_SWIFT_WHOLE };
	return hs_swift_put(s, &item, "%s%.*s", what, HS_SWIFT_SHOW(s, *of)) &&
	       hs_swift_push(s, item);
}

static bool numbered(struct hs_swift_stack *s, const char *before,
		     const char *after)
{
	struct hs_swift_item item = { .kind = HS_SWIFT_PREFIX };
	unsigned i;
	return hs_swift_index(s, &i) &&
	       hs_swift_put(s, &item, "%s%u%s", before, i, after) &&
	       hs_swift_push(s, item);
}

/* What a specialisation kept of itself: letters, and the number of a pass. */
static bool specialised(struct hs_swift_stack *s)
{
	(void)hs_swift_next_if(s, 'm');
	(void)hs_swift_next_if(s, 'q');
	(void)hs_swift_next_if(s, 'a');
	if (*s->pos < '0' || *s->pos > '9')
		return false;
	s->pos++;
	return true;
}

static bool generic_specialisation(struct hs_swift_stack *s, const char *text)
{
	struct hs_swift_item types;
	unsigned count;
	return specialised(s) && hs_swift_pop_types(s, &types, &count) &&
	       prefix(s, text);
}

/* Some arguments were dropped: t, and which. */
static bool dropped(struct hs_swift_stack *s)
{
	unsigned n;
	do {
		if (!hs_swift_number(s, &n))
			return false;
	} while (hs_swift_next_if(s, 't'));
	return (hs_swift_next_if(s, 'g') || hs_swift_next_if(s, 'G') ||
		hs_swift_next_if(s, 'B')) &&
	       generic_specialisation(s, "specialized ");
}

/* What one argument became: what is to be taken from the stack for it. */
enum taken { NOTHING, ONE_WORD, TWO_WORDS_AND_TYPES, CLOSURE, ONE_TYPE };

static bool argument(struct hs_swift_stack *s, enum taken *ret)
{
	unsigned n;
	char c = *s->pos;
	if (!c)
		return false;
	s->pos++;
	*ret = NOTHING;
	switch (c) {
	case 'n':
	case 'x':
	case 'i':
	case 's':
	case 'r':
		return true;
	case 'c':
		*ret = CLOSURE;
		return true;
	case 'C': /* as one before */
		return hs_swift_number(s, &n);
	case 'd':
	case 'e':
		(void)(c == 'e' && hs_swift_next_if(s, 'D'));
		(void)hs_swift_next_if(s, 'G');
		(void)hs_swift_next_if(s, 'O');
		(void)hs_swift_next_if(s, 'X');
		return true;
	case 'g':
	case 'o':
		(void)hs_swift_next_if(s, 'X');
		return true;
	case 'p':
		break;
	default:
		return false;
	}
	/* A constant. */
	c = *s->pos;
	if (!c)
		return false;
	s->pos++;
	switch (c) {
	case 'f':
	case 'g':
		*ret = ONE_WORD;
		return true;
	case 'i':
	case 'd':
		while ((*s->pos >= '0' && *s->pos <= '9') || *s->pos == '-')
			s->pos++;
		return true;
	case 's':
		*ret = ONE_WORD;
		return hs_swift_next_if(s, 'b') || hs_swift_next_if(s, 'w') ||
		       hs_swift_next_if(s, 'c');
	case 'k':
		*ret = TWO_WORDS_AND_TYPES;
		return true;
	case 'S':
		*ret = ONE_TYPE;
		return true;
	default:
		return false;
	}
}

static bool take(struct hs_swift_stack *s, enum taken what)
{
	struct hs_swift_item item;
	switch (what) {
	case ONE_WORD:
		return hs_swift_pop(s, HS_SWIFT_WORD, &item);
	case ONE_TYPE:
		return hs_swift_pop(s, HS_SWIFT_TYPE, &item);
	case TWO_WORDS_AND_TYPES:
		return hs_swift_pop(s, HS_SWIFT_WORD, &item) &&
		       hs_swift_pop(s, HS_SWIFT_WORD, &item) &&
		       hs_swift_pop(s, HS_SWIFT_TYPE, &item) &&
		       hs_swift_pop(s, HS_SWIFT_TYPE, &item);
	case CLOSURE:
		while (hs_swift_pop(s, HS_SWIFT_TYPE, &item))
			;
		return hs_swift_pop(s, HS_SWIFT_WORD, &item);
	default:
		return true;
	}
}

/* A function made for some of its arguments. */
static bool function_specialisation(struct hs_swift_stack *s)
{
	enum taken what[HS_SWIFT_ITEMS], result;
	unsigned count = 0;
	if (!specialised(s))
		return false;
	while (!hs_swift_next_if(s, '_'))
		if (count == HS_SWIFT_ITEMS || !argument(s, &what[count++]))
			return false;
	if (!hs_swift_next_if(s, 'n') && !argument(s, &result))
		return false;
	while (count-- > 0)
		if (!take(s, what[count]))
			return false;
	return prefix(s, "specialized ");
}

/* Of a key path: what it leads to, and the types of its subscripts. */
static bool key_path(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item type;
	(void)hs_swift_next_if(s, 'q');
	while (hs_swift_top_is(s, HS_SWIFT_TYPE) && s->depth > 1)
		(void)hs_swift_pop(s, HS_SWIFT_TYPE, &type);
	(void)hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE);
	return of_entity(s, what);
}

/* Of the subscripts of a key path: nothing but types. */
static bool key_path_indices(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item type;
	(void)hs_swift_next_if(s, 'q');
	(void)hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE);
	while (hs_swift_pop(s, HS_SWIFT_TYPE, &type))
		;
	return hs_swift_push_text(s, HS_SWIFT_WHOLE, what);
}

static bool reabstraction(struct hs_swift_stack *s, bool with_self)
{
	struct hs_swift_item type;
	(void)hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE);
	return (!with_self || hs_swift_pop(s, HS_SWIFT_TYPE, &type)) &&
	       hs_swift_pop(s, HS_SWIFT_TYPE, &type) &&
	       hs_swift_pop(s, HS_SWIFT_TYPE, &type) &&
	       hs_swift_push_text(s, HS_SWIFT_ENTITY, "reabstraction thunk");
}

static bool protocol_witness(struct hs_swift_stack *s)
{
	struct hs_swift_item of, conformance, type,
		item = { .kind = HS_SWIFT_ENTITY, .local = true };
	return hs_swift_pop_entity(s, &of) &&
	       hs_swift_pop_conformance(s, &conformance, &type) &&
	       hs_swift_put(s, &item,
			    "protocol witness for %.*s in conformance %.*s",
			    HS_SWIFT_SHOW(s, of), HS_SWIFT_SHOW(s, type)) &&
	       hs_swift_push(s, item);
}

static bool vtable_thunk(struct hs_swift_stack *s)
{
	struct hs_swift_item of, base,
		item = { .kind = HS_SWIFT_ENTITY, .local = true };
	return hs_swift_pop_entity(s, &of) && hs_swift_pop_entity(s, &base) &&
	       hs_swift_put(s, &item,
			    "vtable thunk for %.*s dispatching to %.*s",
			    HS_SWIFT_SHOW(s, base), HS_SWIFT_SHOW(s, of)) &&
	       hs_swift_push(s, item);
}

/* "P.Element" of what a protocol leaves open. */
static bool associated_descriptor(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item protocol = { 0 }, name, item = { 0 };
	if (hs_swift_top_is(s, HS_SWIFT_TYPE) &&
	    !hs_swift_pop_protocol(s, &protocol))
		return false;
	return hs_swift_pop(s, HS_SWIFT_WORD, &name) &&
	       hs_swift_put(s, &item, "%.*s%s%.*s", HS_SWIFT_SHOW(s, protocol),
			    protocol.len ? "." : "", HS_SWIFT_SHOW(s, name)) &&
	       push_whole(s, what, &item);
}

/* "P.Element: Q" */
static bool associated_conformance(struct hs_swift_stack *s, const char *what,
				   bool path)
{
	struct hs_swift_item asked, way = { 0 }, protocol, item = { 0 };
	return hs_swift_pop_protocol(s, &asked) &&
	       (!path || hs_swift_pop_path(s, &way)) &&
	       hs_swift_pop(s, HS_SWIFT_TYPE, &protocol) &&
	       hs_swift_put(s, &item, "%.*s%s%.*s: %.*s",
			    HS_SWIFT_SHOW(s, protocol), path ? "." : "",
			    HS_SWIFT_SHOW(s, way), HS_SWIFT_SHOW(s, asked)) &&
	       push_whole(s, what, &item);
}

static bool of_protocol(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item of;
	return hs_swift_pop_protocol(s, &of) && push_whole(s, what, &of);
}

/* Functions that newer systems have, for older ones. */
static bool back_deployment(struct hs_swift_stack *s)
{
	if (hs_swift_next_if(s, 'b'))
		return prefix(s, "back deployment thunk for ");
	if (hs_swift_next_if(s, 'B'))
		return prefix(s, "back deployment fallback for ");
	if (hs_swift_next_if(s, 'c'))
		return prefix(s, "coro function pointer to ");
	return hs_swift_next_if(s, 'd') && prefix(s, "default override of ");
}

bool hs_swift_thunk(struct hs_swift_stack *s)
{
	char c = *s->pos;
	if (!c)
		return false;
	s->pos++;
	switch (c) {
	case 'a':
		return prefix(s, "partial apply for ");
	case 'A':
		return prefix(s, "partial apply for ");
	case 'b':
		return associated_conformance(
			s, "base conformance descriptor for ", false);
	case 'c':
		return of_entity(s, "curry thunk of ");
	case 'd':
	case 'D':
	case 'o':
	case 'O':
		return prefix(s, "");
	case 'E':
		return prefix(s, "distributed thunk ");
	case 'F':
		return prefix(s, "distributed accessor for ");
	case 'f':
		return function_specialisation(s);
	case 'g':
	case 'G':
	case 'B':
	case 's':
		return generic_specialisation(s, "specialized ");
	case 't':
		return dropped(s);
	case 'i':
		return generic_specialisation(s, "");
	case 'p':
	case 'P': {
		struct hs_swift_item type;
		return specialised(s) &&
		       hs_swift_pop(s, HS_SWIFT_TYPE, &type) &&
		       prefix(s, "specialized ");
	}
	case 'H':
		return key_path_indices(s, "key path index equality operator");
	case 'h':
		return key_path_indices(s, "key path index hash operator");
	case 'I':
		return prefix(s, "dynamically replaceable thunk for ");
	case 'X':
		return prefix(s, "dynamically replaceable variable for ");
	case 'x':
		return prefix(s, "dynamically replaceable key for ");
	case 'j':
		return of_entity(s, "dispatch thunk of ");
	case 'K':
		return key_path(s, "key path getter for ");
	case 'k':
		return key_path(s, "key path setter for ");
	case 'l':
		return associated_descriptor(s,
					     "associated type descriptor for ");
	case 'L':
		return of_protocol(
			s, "protocol requirements base descriptor for ");
	case 'm':
		return prefix(s, "merged ");
	case 'M':
		return associated_descriptor(
			s, "default associated type metadata accessor for ");
	case 'n':
		return associated_conformance(
			s, "associated conformance descriptor for ", true);
	case 'N':
		return associated_conformance(
			s, "default associated conformance accessor for ",
			true);
	case 'q':
		return of_entity(s, "method descriptor for ");
	case 'Q':
	case 'Y':
		return numbered(s, "async continuation ", " of ");
	case 'R':
	case 'r':
	case 'y':
		return reabstraction(s, c == 'y');
	case 'S':
		return of_entity(s, "protocol self-conformance witness for ");
	case 'u':
		return prefix(s, "async function pointer to ");
	case 'v':
		return numbered(s, "outlined variable #", " of ");
	case 'V':
		return vtable_thunk(s);
	case 'w':
		return back_deployment(s);
	case 'W':
		return protocol_witness(s);
	default:
		return false;
	}
}
