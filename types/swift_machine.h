/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_MACHINE_H
#define TYPES_SWIFT_MACHINE_H

#include "types/swift_mangling.h"

/*
 * A stack machine, as the mangling is meant to be read: operands come before
 * operators. Each operand is a piece of text in one arena of fixed size, so a
 * name that would grow without end fails instead. All that types of fields and
 * captures commonly have is here; anything else fails as a whole.
 */
#define HS_MACHINE_ITEMS 64u
#define HS_MACHINE_ARENA 6000u

enum hs_item_kind {
	HS_ITEM_TYPE,
	HS_ITEM_PROTOCOL,
	HS_ITEM_MODULE,
	HS_ITEM_WORD, /* an identifier */
	HS_ITEM_EMPTY_LIST,
	HS_ITEM_FIRST, /* the element below is the first of its list */
	HS_ITEM_THROWS,
	HS_ITEM_ASYNC,
	HS_ITEM_MARK,        /* of a function: its text goes before it */
	HS_ITEM_SENDING,     /* of a function: how its result is passed */
	HS_ITEM_VARIADIC,    /* of a parameter */
	HS_ITEM_REQUIREMENT, /* "Self.P.Element == A" */
};

struct hs_item {
	enum hs_item_kind kind;
	unsigned at, len;     /* in the arena */
	bool loose;           /* what is put behind wants brackets around it */
	bool tuple;           /* and these are its own */
	unsigned existential; /* 1 + its witness tables; 0: it is none */
	hs_addr desc;         /* what it was named by; 0: by its name */
	/* How values of it lie in memory; nothing in it: not known yet. */
	struct hs_swift_shape shape;
};

#define HS_MACHINE_WORDS 26u

struct hs_machine {
	struct hs_naming *n;
	hs_addr pos;
	const struct hs_swift_args *args;
	struct hs_item stack[HS_MACHINE_ITEMS], subst[HS_MACHINE_ITEMS];
	unsigned depth, substs;
	char arena[HS_MACHINE_ARENA];
	unsigned used;
	struct hs_swift_shapes *shapes; /* NULL: the text is all */
	/* Words of identifiers, which later ones may refer to. */
	struct {
		unsigned at, len; /* in the arena */
	} word[HS_MACHINE_WORDS];
	unsigned words;
};

/* What is called "%.*s" below: the text of an item. */
#define HS_SHOW(m, item) (int)(item).len, (m)->arena + (item).at

/* The next character of the name; false: it is not readable. */
bool hs_machine_next(struct hs_machine *m, char *ret);
/* The same, but it stays where it is; 0: not readable, or the end. */
char hs_machine_peek(struct hs_machine *m);
/* Digits, perhaps none (then 0); false: more than any name has. */
bool hs_machine_number(struct hs_machine *m, unsigned *ret);
/* "_" is 0, "0_" is 1. */
bool hs_machine_index(struct hs_machine *m, unsigned *ret);

/* All of these: false if there is no room, or not what is asked for. */
bool hs_machine_push(struct hs_machine *m, struct hs_item item);
bool hs_machine_push_mark(struct hs_machine *m, enum hs_item_kind kind);
bool hs_machine_push_text(struct hs_machine *m, enum hs_item_kind kind,
			  const char *text);
/* A type whose values lie in memory as SHAPE. */
bool hs_machine_push_shaped(struct hs_machine *m, const char *text,
			    struct hs_swift_shape shape);
/* The top of the stack, if it is of KIND. */
bool hs_machine_pop(struct hs_machine *m, enum hs_item_kind kind,
		    struct hs_item *ret);
bool hs_machine_pop_mark(struct hs_machine *m, enum hs_item_kind kind);
/* "S2i": the same, twice. */
bool hs_machine_repeat(struct hs_machine *m, unsigned times);
/* Keep ITEM for names that refer to it later. */
bool hs_machine_add_subst(struct hs_machine *m, struct hs_item item);

/* Format text into the arena, as that of RET. The arguments may lie in the
 * arena themselves. */
__attribute__((__format__(__printf__, 3, 4))) bool
hs_machine_put(struct hs_machine *m, struct hs_item *ret, const char *fmt, ...);
bool hs_machine_is_called(const struct hs_machine *m,
			  const struct hs_item *item, const char *name);

/* The type on top with a word before and after it, laid out as before. */
bool hs_machine_wrap(struct hs_machine *m, const char *before,
		     const char *after);
/* The same, with brackets around what has loose ends. */
bool hs_machine_attach(struct hs_machine *m, const char *after);
/* "weak A?": a reference, but not one that owns. */
bool hs_machine_wrap_slot(struct hs_machine *m, const char *word,
			  enum hs_swift_slot_kind kind);
/* A metatype: whatever it is made from, its values have no references. SIZE
 * UINT32_MAX: not known. */
bool hs_machine_wrap_plain(struct hs_machine *m, const char *after,
			   uint32_t size);

/* One reference in SIZE bytes, OFFSET from their start. */
struct hs_swift_shape hs_machine_reference(struct hs_machine *m,
					   uint32_t offset, uint32_t size);
/* How values of a type lie in memory. Only with m->shapes. */
struct hs_swift_shape hs_machine_shape(struct hs_machine *m,
				       const struct hs_item *item);

#endif
