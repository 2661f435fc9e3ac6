/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "symbols/swift_thunks.h"
#include "symbols/swift_types.h"

/* Metadata, tables of witnesses, and what works on values. */

bool hs_swift_pop_conformance(struct hs_swift_stack *s,
			      struct hs_swift_item *ret,
			      struct hs_swift_item *type)
{
	struct hs_swift_item module, protocol, of;
	(void)hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE);
	*ret = (struct hs_swift_item){ .kind = HS_SWIFT_WHOLE };
	if (!hs_swift_pop_module(s, &module) ||
	    !hs_swift_pop_protocol(s, &protocol) ||
	    !hs_swift_pop(s, HS_SWIFT_TYPE, &of) ||
	    !hs_swift_put(s, ret, "%.*s: %.*s", HS_SWIFT_SHOW(s, of),
			  HS_SWIFT_SHOW(s, protocol)))
		return false;
	if (type)
		*type = of;
	return true;
}

static bool push_about(struct hs_swift_stack *s, const char *what,
		       const struct hs_swift_item *of)
{
	struct hs_swift_item item = { .kind = HS_SWIFT_WHOLE };
	return hs_swift_put(s, &item, "%s%.*s", what, HS_SWIFT_SHOW(s, *of)) &&
	       hs_swift_push(s, item);
}

static bool about_type(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item of;
	return hs_swift_pop(s, HS_SWIFT_TYPE, &of) && push_about(s, what, &of);
}

static bool about_protocol(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item of;
	return hs_swift_pop_protocol(s, &of) && push_about(s, what, &of);
}

static bool about_entity(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item of;
	return hs_swift_pop_context(s, &of) && push_about(s, what, &of);
}

static bool about_conformance(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item of;
	return hs_swift_pop_conformance(s, &of, NULL) &&
	       push_about(s, what, &of);
}

struct letter {
	char letter, of; /* t: type, p: protocol, e: entity, c: conformance */
	const char *what;
};

static bool about(struct hs_swift_stack *s, const struct letter *known,
		  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!hs_swift_next_if(s, known[i].letter))
			continue;
		switch (known[i].of) {
		case 't':
			return about_type(s, known[i].what);
		case 'p':
			return about_protocol(s, known[i].what);
		case 'c':
			return about_conformance(s, known[i].what);
		default:
			return about_entity(s, known[i].what);
		}
	}
	return false;
}
#define ABOUT(s, known) about(s, known, sizeof(known) / sizeof((known)[0]))

bool hs_swift_type_metadata(struct hs_swift_stack *s)
{
	return about_type(s, "type metadata for ");
}

bool hs_swift_metadata(struct hs_swift_stack *s)
{
	/* clang-format off */
	static const struct letter known[] = {
		{ 'a', 't', "type metadata accessor for " },
		{ 'A', 'c', "reflection metadata associated type descriptor " },
		{ 'b', 't', "canonical specialized generic type metadata accessor for " },
		{ 'B', 't', "reflection metadata builtin descriptor " },
		{ 'c', 'c', "protocol conformance descriptor for " },
		{ 'C', 't', "reflection metadata superclass descriptor " },
		{ 'D', 't', "demangling cache variable for type metadata for " },
		{ 'f', 't', "full type metadata for " },
		{ 'F', 't', "reflection metadata field descriptor " },
		{ 'g', 'e', "opaque type descriptor accessor for " },
		{ 'h', 'e', "opaque type descriptor accessor impl for " },
		{ 'i', 't', "type metadata instantiation function for " },
		{ 'I', 't', "type metadata instantiation cache for " },
		{ 'l', 't', "type metadata singleton initialization cache for " },
		{ 'L', 't', "lazy cache variable for type metadata for " },
		{ 'm', 't', "metaclass for " },
		{ 'n', 't', "nominal type descriptor for " },
		{ 'o', 't', "class metadata base offset for " },
		{ 'p', 'p', "protocol descriptor for " },
		{ 'P', 't', "generic type metadata pattern for " },
		{ 'Q', 'e', "opaque type descriptor for " },
		{ 'r', 't', "type metadata completion function for " },
		{ 'S', 'p', "protocol self-conformance descriptor for " },
		{ 'u', 't', "method lookup function for " },
		{ 'V', 'e', "property descriptor for " },
	};
	/* clang-format on */
	if (strncmp(s->pos, "XE", 2) == 0 || strncmp(s->pos, "XM", 2) == 0) {
		s->pos += 2;
		return about_entity(s, s->pos[-1] == 'E'
					       ? "extension descriptor "
					       : "module descriptor ");
	}
	return ABOUT(s, known);
}

/* "outlined copy of app.Bank": done out of line, for values of a type. */
static bool outlined(struct hs_swift_stack *s)
{
	static const struct letter known[] = {
		{ 'y', 't', "outlined copy of " },
		{ 'e', 't', "outlined consume of " },
		{ 'r', 't', "outlined retain of " },
		{ 's', 't', "outlined release of " },
		{ 'b', 't', "outlined init with take of " },
		{ 'B', 't', "outlined init with take of " },
		{ 'c', 't', "outlined init with copy of " },
		{ 'C', 't', "outlined init with copy of " },
		{ 'd', 't', "outlined assign with take of " },
		{ 'D', 't', "outlined assign with take of " },
		{ 'f', 't', "outlined assign with copy of " },
		{ 'F', 't', "outlined assign with copy of " },
		{ 'h', 't', "outlined destroy of " },
		{ 'H', 't', "outlined destroy of " },
		{ 'g', 't', "outlined enum get tag of " },
	};
	(void)hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE);
	return ABOUT(s, known);
}

/* What is run once: globals of a line share it. */
static bool once(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item name, context, all = { 0 }, item = { 0 };
	bool first = false;
	while (!first) {
		first = hs_swift_pop_mark(s, HS_SWIFT_FIRST);
		if (!hs_swift_pop_name(s, &name) ||
		    !hs_swift_put(s, &all, "%.*s%s%.*s", HS_SWIFT_SHOW(s, name),
				  all.len ? ", " : "", HS_SWIFT_SHOW(s, all)))
			return false;
	}
	return hs_swift_pop_context(s, &context) &&
	       hs_swift_put(s, &item, "%.*s.%.*s", HS_SWIFT_SHOW(s, context),
			    HS_SWIFT_SHOW(s, all)) &&
	       push_about(s, what, &item);
}

/* "app.Bank: app.Keeper" of what is asked of a conformance's types. */
static bool associated_table(struct hs_swift_stack *s)
{
	struct hs_swift_item protocol, path, of, item = { 0 };
	return hs_swift_pop(s, HS_SWIFT_TYPE, &protocol) &&
	       hs_swift_pop_path(s, &path) &&
	       hs_swift_pop_conformance(s, &of, NULL) &&
	       hs_swift_put(s, &item, "%.*s: %.*s in %.*s",
			    HS_SWIFT_SHOW(s, path), HS_SWIFT_SHOW(s, protocol),
			    HS_SWIFT_SHOW(s, of)) &&
	       push_about(s, "associated type witness table accessor for ",
			  &item);
}

static bool associated_accessor(struct hs_swift_stack *s)
{
	struct hs_swift_item name, of, item = { 0 };
	return hs_swift_pop_name(s, &name) &&
	       hs_swift_pop_conformance(s, &of, NULL) &&
	       hs_swift_put(s, &item, "%.*s in %.*s", HS_SWIFT_SHOW(s, name),
			    HS_SWIFT_SHOW(s, of)) &&
	       push_about(s, "associated type metadata accessor for ", &item);
}

static bool base_table(struct hs_swift_stack *s)
{
	struct hs_swift_item protocol, of, item = { 0 };
	return hs_swift_pop(s, HS_SWIFT_TYPE, &protocol) &&
	       hs_swift_pop_conformance(s, &of, NULL) &&
	       hs_swift_put(s, &item, "%.*s in %.*s",
			    HS_SWIFT_SHOW(s, protocol), HS_SWIFT_SHOW(s, of)) &&
	       push_about(s, "base witness table accessor for ", &item);
}

/* Of a type whose conformance is looked for when it is needed. */
static bool lazy_table(struct hs_swift_stack *s, const char *what)
{
	struct hs_swift_item of, type, item = { 0 };
	return hs_swift_pop_conformance(s, &of, NULL) &&
	       hs_swift_pop(s, HS_SWIFT_TYPE, &type) &&
	       hs_swift_put(s, &item, "%.*s", HS_SWIFT_SHOW(s, of)) &&
	       push_about(s, what, &item);
}

bool hs_swift_witness(struct hs_swift_stack *s)
{
	static const struct letter known[] = {
		{ 'V', 't', "value witness table for " },
		{ 'S', 'p', "protocol self-conformance witness table for " },
		{ 'P', 'c', "protocol witness table for " },
		{ 'p', 'c', "protocol witness table pattern for " },
		{ 'G', 'c', "generic protocol witness table for " },
		{ 'I', 'c',
		  "instantiation function for generic protocol witness table "
		  "for " },
		{ 'r', 'c', "resilient protocol witness table for " },
		{ 'a', 'c', "protocol witness table accessor for " },
		{ 'C', 'e', "enum case for " },
	};
	char c = *s->pos;
	if (!c)
		return false;
	if (strchr("VSPpGIraC", c))
		return ABOUT(s, known);
	s->pos++;
	switch (c) {
	case 'v':
		if (hs_swift_next_if(s, 'd'))
			return about_entity(s, "direct field offset for ");
		return hs_swift_next_if(s, 'i') &&
		       about_entity(s, "indirect field offset for ");
	case 'l':
		return lazy_table(s,
				  "lazy protocol witness table accessor for ");
	case 'L':
		return lazy_table(
			s, "lazy protocol witness table cache variable for ");
	case 't':
		return associated_accessor(s);
	case 'T':
		return associated_table(s);
	case 'b':
		return base_table(s);
	case 'O':
		return outlined(s);
	case 'Z':
		return once(s, "one-time initialization function for ");
	case 'z':
		return once(s, "one-time initialization token for ");
	default:
		return false;
	}
}

bool hs_swift_value_witness(struct hs_swift_stack *s)
{
	static const struct {
		char letters[3];
		const char *what;
	} known[] = {
		{ "al", "allocateBuffer" },
		{ "ca", "assignWithCopy" },
		{ "ta", "assignWithTake" },
		{ "de", "deallocateBuffer" },
		{ "xx", "destroy" },
		{ "XX", "destroyBuffer" },
		{ "Xx", "destroyArray" },
		{ "CP", "initializeBufferWithCopyOfBuffer" },
		{ "Cp", "initializeBufferWithCopy" },
		{ "cp", "initializeWithCopy" },
		{ "TK", "initializeBufferWithTakeOfBuffer" },
		{ "Tk", "initializeBufferWithTake" },
		{ "tk", "initializeWithTake" },
		{ "pr", "projectBuffer" },
		{ "xs", "storeExtraInhabitant" },
		{ "xg", "getExtraInhabitantIndex" },
		{ "ug", "getEnumTag" },
		{ "up", "destructiveProjectEnumData" },
		{ "ui", "destructiveInjectEnumTag" },
		{ "et", "getEnumTagSinglePayload" },
		{ "st", "storeEnumTagSinglePayload" },
	};
	char text[96];
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(s->pos, known[i].letters, 2) != 0)
			continue;
		s->pos += 2;
		(void)snprintf(text, sizeof(text), "%s value witness for ",
			       known[i].what);
		return about_type(s, text);
	}
	return false;
}

/* Conformances, as arguments of generic types name them. */
static bool push_conformance(struct hs_swift_stack *s)
{
	return hs_swift_push_mark(s, HS_SWIFT_CONFORMANCE);
}

/* A type's own: conditions, where it was declared, the type. */
static bool concrete(struct hs_swift_stack *s)
{
	struct hs_swift_item item;
	bool first = hs_swift_pop_mark(s, HS_SWIFT_EMPTY);
	while (!first) {
		first = hs_swift_pop_mark(s, HS_SWIFT_FIRST);
		if (!hs_swift_pop(s, HS_SWIFT_CONFORMANCE, &item))
			return false;
	}
	if (!hs_swift_pop(s, HS_SWIFT_CONFORMS, &item) &&
	    (!hs_swift_pop_module(s, &item) ||
	     !hs_swift_pop_protocol(s, &item)))
		return false;
	return hs_swift_pop(s, HS_SWIFT_TYPE, &item) && push_conformance(s);
}

bool hs_swift_conformance(struct hs_swift_stack *s)
{
	struct hs_swift_item item;
	unsigned i;
	char c = *s->pos;
	if (!c)
		return false;
	s->pos++;
	switch (c) {
	case 'C':
		return concrete(s);
	case 'P':
	case 'p':
		return hs_swift_pop_protocol(s, &item) &&
		       hs_swift_push_mark(s, HS_SWIFT_CONFORMS);
	case 'D': /* of a parameter */
		return hs_swift_index(s, &i) &&
		       hs_swift_pop_protocol(s, &item) &&
		       hs_swift_pop(s, HS_SWIFT_TYPE, &item) &&
		       push_conformance(s);
	case 'I': /* what another one brings along */
		return hs_swift_index(s, &i) &&
		       hs_swift_pop_protocol(s, &item) &&
		       hs_swift_pop(s, HS_SWIFT_CONFORMANCE, &item) &&
		       push_conformance(s);
	case 'n':
		return about_type(s, "nominal type descriptor runtime record "
				     "for ");
	case 'r':
		return about_protocol(s, "protocol descriptor runtime record "
					 "for ");
	case 'c':
		return about_conformance(s, "protocol conformance descriptor "
					    "runtime record for ");
	case 'o':
		return about_entity(s, "opaque type descriptor runtime record "
				       "for ");
	case 'F':
		return about_entity(s, "accessible function runtime record "
				       "for ");
	default:
		return false;
	}
}

bool hs_swift_retroactive(struct hs_swift_stack *s)
{
	struct hs_swift_item item;
	unsigned i;
	return hs_swift_index(s, &i) &&
	       hs_swift_pop(s, HS_SWIFT_CONFORMANCE, &item) &&
	       push_conformance(s);
}
