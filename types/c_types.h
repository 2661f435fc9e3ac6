/* SPDX-License-Identifier: MIT */
#ifndef TYPES_C_TYPES_H
#define TYPES_C_TYPES_H

#include "symbols/declarations.h"
#include "types/c_containers.h"
#include "types/c_plan.h"
#include "types/c_rules.h"
#include "types/namer.h"
#include "types/text.h"

/*
 * C has no types at run time. What a block is follows from who points to it:
 * variables have declared types, their pointers lead to blocks, which therefore
 * have types, too, whose pointers lead on. A claim is such a conclusion about
 * one block.
 */

/* What a claim says of the block. */
enum hs_c_form {
	HS_C_NOTHING,
	HS_C_ONE,      /* one T, by its size */
	HS_C_TAIL,     /* one T and its tail, of whatever length */
	HS_C_ARRAY,    /* T after T */
	HS_C_BASE,     /* it begins with a T; what follows is not known */
	HS_C_OPAQUE,   /* a T, which is declared nowhere */
	HS_C_WITHIN,   /* one T: a part of it is pointed to */
	HS_C_RULE,     /* one T (or with a tail), as a rule has it */
	HS_C_CONTENTS, /* one T, by what is in it; nothing points to it */
	HS_C_OBJECT,   /* one T, by its vtable */
	HS_C_THROWN,   /* one T, behind HS_CXX_THROWN bytes */
	HS_C_FRAME,    /* one T, a coroutine's frame, by its functions */
	HS_C_COUNTED,  /* the number of T, and as many: new T[n] */
	HS_C_NODE,     /* one T, of the container that leads to it */
	HS_C_ELEMENTS, /* T after T, up to where a vector says */
	HS_C_ROW,      /* T after T in a deque, some of them in use */
	HS_C_COUNTED_ELSEWHERE, /* T after T: how many is said where WHERE is */
	HS_C_CHOSEN,            /* one T, which a union leads to */
	HS_C_ALIKE, /* one T, which a void pointer leads to, as others do */
};

/*
 * How good the reasons are. Better ones overrule; what two equally good ones
 * call differently has no name. FIRM: through members and variables; DOUBTFUL:
 * through elements of which nobody knows how many are in use, or from a block
 * that is itself doubtful.
 */
enum hs_c_rank {
	HS_C_SCALARS, /* numbers: any pointer to them is like another */
	HS_C_BEGINS,
	HS_C_INFERRED,
	HS_C_DOUBTFUL_MANY,
	HS_C_DOUBTFUL_ONE,
	HS_C_FIRM_MANY,
	HS_C_FIRM_ONE,
	HS_C_BY_CLASS,
	HS_C_RANKS,
};

#define HS_C_FROM_VARIABLE UINT32_C(0x80000000)

struct hs_c_claim {
	uint32_t type;  /* without typedefs, unless it is a number */
	uint32_t from;  /* the chunk, or HS_C_FROM_VARIABLE | root; CONTENTS:
			 * the chunk that it points to */
	uint32_t where; /* bytes from the start of that; CONTENTS: of itself */
	uint8_t form, rank;
	uint8_t least;   /* rank below which nothing is believed any more */
	bool clash : 1;  /* two equally good reasons, two names */
	bool proven : 1; /* its values make sense as that type */
	bool guess : 1;  /* it follows from CONTENTS */
};
_Static_assert(sizeof(struct hs_c_claim) == 16, "each chunk has one");

/* A variable in memory. */
struct hs_c_root {
	uint32_t variable;
	hs_addr at;      /* HS_NO_ADDR: in a register only, and then */
	uint64_t value;  /* ... this, or */
	uint64_t offset; /* ... its word so many bytes into the variable is */
	int64_t tid;     /* of a thread-local one, or a function's; -1 */
	bool local;      /* a function's: it may not be set yet, or any more */
};

/* Where a variable begins: an index, by address. */
struct hs_c_place {
	hs_addr at;
	uint32_t root;
};

/* D has a T at OFFSET: by value, or as its first members. */
struct hs_c_part {
	uint32_t type;  /* T */
	uint32_t whole; /* D */
	uint64_t offset;
};

/*
 * A pointer that is to be followed. They are collected and followed together,
 * because each leads to a block that was not looked at for long: waiting for
 * memory once for many takes no longer than once for one.
 */
#define HS_C_WAITING 32u

struct hs_c_waiting {
	hs_addr to; /* where it leads, without tags */
	hs_addr slot;
	hs_addr start;                        /* of FROM */
	const struct hs_index_region *region; /* that TO is in */
	uint32_t pointee;                     /* as declared */
	uint32_t from;                        /* as in a claim */
	uint32_t chunk; /* that TO is in; UINT32_MAX: none */
	bool doubtful;
	bool plain;    /* to numbers: see is_plain() */
	bool at_start; /* TO is the start of CHUNK's user part */
};

struct hs_c_queue {
	uint32_t *chunk;
	size_t first, count, capacity;
	size_t ordered; /* those before it are ascending, from `first` on */
};

/*
 * Something of TYPE in the middle of a block that is not one of a type: one of
 * the objects of a pool.
 */
struct hs_c_inner {
	hs_addr at;
	uint32_t type;
	uint32_t chunk; /* that it is in */
	uint32_t from;  /* as in a claim: what leads to it */
	uint32_t where;
};

struct hs_c_inners {
	struct hs_c_inner *inner; /* in the order they were met, until
				   * hs_c_inner_sort() */
	size_t count, capacity;
	size_t next;           /* those before it were looked at */
	struct hs_addr_map at; /* value: the last one there; extra: its type */
};

/* A union of pointers, which may lead to one thing or another. */
struct hs_c_choice {
	hs_addr at;
	hs_addr start; /* of FROM */
	uint32_t type;
	uint32_t from; /* as in a claim: what it is in */
};

struct hs_c_choices {
	struct hs_c_choice *choice;
	size_t count, capacity;
	size_t next; /* those before it were looked at */
};

struct hs_c {
	struct hs_decls decls;
	bool ready; /* there are declarations */
	struct hs_c_rules rules;
	struct hs_c_root *root;
	size_t root_count, root_capacity;
	struct hs_c_place *place; /* as many, when all roots are known */
	struct hs_c_part *part;   /* by type, offset, whole */
	size_t part_count, part_capacity;
	struct hs_c_containers containers;
	struct hs_addr_map vtables; /* of c_class.c, as are */
	struct hs_addr_map frames;  /* ... these, of coroutines */
	/* For who spreads types, beside workers that do not ask for symbols.
	 * Borrowed; only while naming. */
	struct hs_symbols *syms;
	bool any_cxx; /* something is declared in C++ */
	struct hs_c_plans plans;
	struct hs_c_claim *claim; /* by chunk */
	uint64_t *settled;        /* see struct hs_naming */
	struct hs_c_waiting waiting[HS_C_WAITING];
	unsigned waiting_count;
	struct hs_c_queue queue[HS_C_RANKS];
	struct hs_c_queue met; /* of one container, see c_container_walk.c */
	uint64_t *due; /* a bit a chunk, all 0: to order a queue; owned */
	struct hs_c_inners inners;
	struct hs_c_choices choices;
	struct hs_c_queue inferred; /* what hs_c_infer() claimed, ascending */
	uint64_t budget;            /* values that may still be looked at */
	bool again; /* what was overruled had led on: another round */
	const struct hs_map *known_map; /* that a pointer led into; or NULL */
	bool guessing; /* what is claimed follows from CONTENTS */
	struct hs_window read;
};

/* List which struct holds which. Call once, when DECLS are complete. */
HS_MUST_CHECK enum hs_status hs_c_parts_init(struct hs_c *c,
					     struct hs_error *err);
/*
 * The parts that are TYPE at OFFSET: *COUNT of them from the index returned.
 */
size_t hs_c_parts_find(const struct hs_c *c, uint32_t type, uint64_t offset,
		       size_t *count);
/* Is TYPE one of the C++ library's own, which are parts of others? */
bool hs_c_is_library(const struct hs_c *c, uint32_t type);

/* Is the member M of a T at ADDR there? Of a Rust enum one variant is. */
bool hs_c_is_there(struct hs_c *c, const struct hs_decl_type *t,
		   const struct hs_decl_member *m, hs_addr addr);

/* Where the virtual base number I of the T at ADDR is, which its vtable says.
 * False: there is no such object. */
bool hs_c_virtual_base(struct hs_naming *n, struct hs_c *c,
		       const struct hs_decl_type *t, uint32_t i, hs_addr addr,
		       const struct hs_decl_member **base, hs_addr *at);

static inline bool hs_c_is_counted(uint8_t form)
{
	return form == HS_C_COUNTED || form == HS_C_ELEMENTS ||
	       form == HS_C_COUNTED_ELSEWHERE;
}

/* How many T are in the block B with CLAIM, whose form is one of these, and
 * where they begin; 0: that cannot be read. */
uint64_t hs_c_counted(const struct hs_naming *n, struct hs_c *c,
		      const struct hs_c_claim *claim, const struct hs_block *b,
		      hs_addr *first);

/* Usable bytes that malloc gives for a request of BYTES. */
uint64_t hs_c_usable(const struct hs_naming *n, uint64_t bytes);
/* Would a request of BYTES get the block B? */
bool hs_c_fits(const struct hs_naming *n, const struct hs_block *b,
	       uint64_t bytes);
/* The same where malloc left a rest too small to be a chunk in the block. */
bool hs_c_fits_with_rest(const struct hs_naming *n, const struct hs_block *b,
			 uint64_t bytes);

/* What the pointers in a TYPE at ADDR say about there being one: they lead
 * nowhere; it has none; they are all null; some lead somewhere. */
enum hs_c_sense { HS_C_NONSENSE, HS_C_NO_POINTERS, HS_C_SILENT, HS_C_SENSE };
enum hs_c_sense hs_c_makes_sense(struct hs_naming *n, struct hs_c *c,
				 uint32_t type, hs_addr addr);

/* Is a TYPE a pointer, or a union of nothing but pointers? */
bool hs_c_is_pointer(const struct hs_c *c, uint32_t type);

/* How many T fit into B, if a whole number of them was asked for; 0: that
 * would leave too much. *EXACT: there is only one such number. */
uint64_t hs_c_elements(const struct hs_naming *n, const struct hs_block *b,
		       uint64_t size, bool *exact);

/* Claim blocks, from the roots on. */
void hs_c_spread(struct hs_naming *n, struct hs_c *c);

/* Claim blocks, from those on that hs_c_infer() claimed. What is claimed
 * already stays as it is. */
void hs_c_spread_on(struct hs_naming *n, struct hs_c *c);

/* What has an object with a vtable as its first member, as pointers say, loses
 * the name that the vtable gave it. */
void hs_c_overrule_objects(struct hs_naming *n, const struct hs_c *c);

/* Claim blocks that nothing leads to, by what they lead to. */
HS_MUST_CHECK enum hs_status hs_c_infer(struct hs_naming *n, struct hs_c *c,
					struct hs_error *err);

/* The object of a pool that ADDR lies in; NULL: none. Needs hs_c_inner_sort(),
 * after which nothing may be noted any more. */
const struct hs_c_inner *hs_c_inner_at(const struct hs_c *c, hs_addr addr);
void hs_c_inner_sort(struct hs_c *c);
/* None is known any more. */
void hs_c_inner_forget(struct hs_c *c);
/* Does the claim about B say nothing of what is OFFSET bytes into it? */
bool hs_c_is_unexplained(const struct hs_c *c, const struct hs_block *b,
			 uint64_t offset);

/* Make the places. Call once, when all roots are known. */
HS_MUST_CHECK enum hs_status hs_c_places_init(struct hs_c *c,
					      struct hs_error *err);
/* Append what C calls ADDR ("table[3].first"), the variable it lies in first;
 * false: it lies in none that is known. */
bool hs_c_place(const struct hs_c *c, hs_addr addr, struct hs_text *text);

/* Which fields a block with a claim has: see hs_types_fields(). */
void hs_c_fields(struct hs_naming *n, struct hs_c *c, const struct hs_block *b,
		 const struct hs_c_claim *claim, hs_field_fn fn, void *arg);

/*
 * Append to TEXT what is OFFSET bytes into a value of TYPE, as C writes the way
 * to it (".link.next", "[3].name"); FIRST goes before it if that is a member
 * ("." or "->").
 */
void hs_c_path(const struct hs_c *c, uint32_t type, uint64_t offset,
	       const char *first, struct hs_text *text);

#endif
