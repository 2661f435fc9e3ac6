/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_SWIFT_STACK_H
#define SYMBOLS_SWIFT_STACK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A Swift symbol is read as it was made, by a stack machine: operands first,
 * then a letter that takes them. Each operand is a piece of text in one arena
 * of fixed size, which names that would grow without end do not fit. (Names of
 * types in memory have a machine of their own, types/swift_machine.h: they lead
 * to descriptors, and say how values lie in memory.)
 */
#define HS_SWIFT_ITEMS 128u
#define HS_SWIFT_ARENA 16384u
#define HS_SWIFT_WORDS 26u

enum hs_swift_kind {
	HS_SWIFT_TYPE,
	HS_SWIFT_MODULE,
	HS_SWIFT_WORD,   /* an identifier */
	HS_SWIFT_NAME,   /* of a declaration, when it is more than a word */
	HS_SWIFT_ENTITY, /* function, variable, closure, extension, ... */
	HS_SWIFT_EMPTY,  /* the end of a list, or an empty one */
	HS_SWIFT_FIRST,  /* the element below is the first of its list */
	HS_SWIFT_SIGNATURE,
	HS_SWIFT_REQUIREMENT,
	HS_SWIFT_MARK, /* of a function's type; its text follows the parameters
			*/
	HS_SWIFT_VARIADIC,
	HS_SWIFT_CONFORMANCE,
	HS_SWIFT_CONFORMS, /* to a protocol: part of a conformance */
	HS_SWIFT_PREFIX,   /* "partial apply for ": goes before it all */
	HS_SWIFT_WHOLE,    /* text of a symbol that nothing can be done with */
};

struct hs_swift_item {
	enum hs_swift_kind kind;
	unsigned at, len; /* in the arena */
	unsigned params;  /* of a function's type; elements of a tuple */
	bool nominal;     /* types: may hold others */
	bool protocol, is_class, tuple;
	bool function; /* a type that is one */
	bool loose;    /* what is put behind wants brackets around it */
	bool local;    /* names: of something in a function */
	bool hidden;   /* names: private */
};

struct hs_swift_stack {
	const char *pos;
	struct hs_swift_item item[HS_SWIFT_ITEMS], subst[HS_SWIFT_ITEMS];
	unsigned depth, substs;
	unsigned used;
	/* Words of identifiers, which later ones may refer to. */
	struct {
		unsigned at, len; /* in the arena */
	} word[HS_SWIFT_WORDS];
	unsigned words;
	char arena[HS_SWIFT_ARENA];
};

/* What is called "%.*s" below: the text of an item. */
#define HS_SWIFT_SHOW(s, item) (int)(item).len, (s)->arena + (item).at

/* All of these: false if it is something else, or there is no room. */
bool hs_swift_push(struct hs_swift_stack *s, struct hs_swift_item item);
bool hs_swift_push_mark(struct hs_swift_stack *s, enum hs_swift_kind kind);
bool hs_swift_push_text(struct hs_swift_stack *s, enum hs_swift_kind kind,
			const char *text);
bool hs_swift_pop(struct hs_swift_stack *s, enum hs_swift_kind kind,
		  struct hs_swift_item *ret);
bool hs_swift_pop_mark(struct hs_swift_stack *s, enum hs_swift_kind kind);
bool hs_swift_top_is(const struct hs_swift_stack *s, enum hs_swift_kind kind);
/* Keep ITEM for names that refer to it later. */
bool hs_swift_keep(struct hs_swift_stack *s, struct hs_swift_item item);

/* Format text into the arena, as that of RET; arguments may lie there. */
__attribute__((__format__(__printf__, 3, 4))) bool
hs_swift_put(struct hs_swift_stack *s, struct hs_swift_item *ret,
	     const char *fmt, ...);
bool hs_swift_is(const struct hs_swift_stack *s,
		 const struct hs_swift_item *item, const char *text);

/* The next character, if it is C. */
bool hs_swift_next_if(struct hs_swift_stack *s, char c);
/* Digits, perhaps none (then 0). */
bool hs_swift_number(struct hs_swift_stack *s, unsigned *ret);
/* "_" is 0, "0_" is 1. */
bool hs_swift_index(struct hs_swift_stack *s, unsigned *ret);

/* Things that several letters take. */
bool hs_swift_pop_module(struct hs_swift_stack *s, struct hs_swift_item *ret);
bool hs_swift_pop_name(struct hs_swift_stack *s, struct hs_swift_item *ret);
bool hs_swift_pop_nominal(struct hs_swift_stack *s, struct hs_swift_item *ret);
bool hs_swift_pop_protocol(struct hs_swift_stack *s, struct hs_swift_item *ret);
/* What may hold declarations: module, type, function, ... */
bool hs_swift_pop_context(struct hs_swift_stack *s, struct hs_swift_item *ret);
/* The same that is none of a module. */
bool hs_swift_pop_entity(struct hs_swift_stack *s, struct hs_swift_item *ret);
/* Types up to the first of their list: "A, B". */
bool hs_swift_pop_types(struct hs_swift_stack *s, struct hs_swift_item *ret,
			unsigned *count);
/* "context.name", "name in context"; of RET all but the text stays. */
bool hs_swift_join(struct hs_swift_stack *s,
		   const struct hs_swift_item *context,
		   const struct hs_swift_item *name, struct hs_swift_item *ret);

#endif
