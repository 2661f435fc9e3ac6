/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DECLARATIONS_H
#define SYMBOLS_DECLARATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr_map.h"
#include "core/fail.h"

/*
 * What the C, C++ and Rust sources of a process declare: its types, and the
 * variables that have a fixed place. One table for all modules, so that a type
 * which two of them use is one. Owns all it holds; no file stays open behind
 * it.
 */

enum hs_decl_kind {
	HS_DECL_VOID,
	HS_DECL_OTHER, /* something that is not understood */
	HS_DECL_NUMBER,
	HS_DECL_POINTER, /* `of` */
	HS_DECL_STRUCT,
	HS_DECL_UNION,
	HS_DECL_ENUM,
	HS_DECL_ARRAY, /* `count` of `of` */
	HS_DECL_FUNCTION,
	HS_DECL_ALIAS, /* a typedef, or a declaration that was completed: `of`
			*/
};

enum hs_decl_number {
	HS_NUMBER_SIGNED,
	HS_NUMBER_UNSIGNED,
	HS_NUMBER_CHAR, /* of one byte: characters, or just bytes */
	HS_NUMBER_BOOL,
	HS_NUMBER_FLOAT,
	HS_NUMBER_OTHER,
};

/* A pointer's `number`. */
enum hs_decl_pointer {
	HS_POINTER_PLAIN,
	HS_POINTER_REFERENCE, /* of C++: T & */
	HS_POINTER_TO_RVALUE, /* T && */
};

/* Always there. */
#define HS_DECL_TYPE_VOID 0u
#define HS_DECL_TYPE_OTHER 1u

struct hs_decl_type {
	uint64_t size;  /* bytes; 0: not known (opaque), or nothing */
	uint64_t count; /* of an array; 0: not said, as in a flexible tail */
	uint32_t name;  /* for hs_decls_text(); 0: none */
	uint32_t of;
	uint32_t member, members; /* those of a struct, union or enum */
	/* The types that a template was made with, and virtual bases, of which
	 * OFFSET is how far before a vtable's address it says where they are:
	 * in the list of members as well, behind those. */
	uint32_t parameters, virtuals;
	uint32_t line;   /* where it is declared; 0: not said */
	uint32_t module; /* the first one that declares it */
	uint8_t kind;    /* enum hs_decl_kind */
	uint8_t number;  /* enum hs_decl_number or hs_decl_pointer */
	bool tagged;     /* named by a tag of C, not by a typedef */
	bool complete;   /* members and size are known */
	bool cxx;        /* of C++ */
	bool rust;
	/* Of an enum of Rust, which holds one of its members marked so: the
	 * number that tells which, in DISCR_SIZE bytes (0: no such type). */
	uint8_t discr_size;
	uint32_t discr_offset;
};

struct hs_decl_member {
	uint64_t offset; /* bytes; of an enum's word: its value */
	uint32_t name;   /* 0: anonymous */
	uint32_t type;
	uint8_t bit, bits; /* of a bit field, from OFFSET on; bits 0: none */
	bool base; /* a base class of C++, whose members are ours; anonymous */
	bool choice; /* it is there if the number is WHEN, or, if OTHERWISE,
		      * none of the others' */
	bool otherwise;
	uint64_t when;
};

struct hs_decl_variable {
	uint64_t at; /* linked address, or offset in the TLS block */
	uint32_t name;
	uint32_t function; /* it is static in; 0: none */
	uint32_t type;
	uint32_t module;
	bool tls;
	bool local; /* of a function: see hs_decl_local; `at` is nothing */
};

/* What a variable of a function was in one frame. */
struct hs_decl_local {
	uint32_t variable;
	size_t thread;  /* index for hs_target_thread() */
	uint64_t frame; /* 0: the innermost */
	hs_addr at; /* in memory; HS_NO_ADDR: in a register only, and then */
	uint64_t value;  /* ... its value, or */
	uint64_t offset; /* ... that of its word so many bytes into it */
};

/* A struct of the C++ library that stands for what a std::function or std::any
 * holds: each entry says one of the two. */
struct hs_decl_manager {
	uint32_t type;
	uint32_t module;
	uint32_t function; /* the mangled name of one that it has; 0: none */
	uint64_t at;       /* ... that has no name: its linked address; 0 */
	int8_t in_place;   /* is it held by value: 1, or by a pointer: -1 */
};

struct hs_decl_rename {
	uint32_t type, name;
};

struct hs_decls {
	struct hs_decl_type *type;
	size_t type_count, type_capacity;
	struct hs_decl_member *member;
	size_t member_count, member_capacity;
	struct hs_decl_variable *variable;
	size_t variable_count, variable_capacity;
	struct hs_decl_local *local;
	size_t local_count, local_capacity;
	struct hs_decl_manager *manager;
	size_t manager_count, manager_capacity;
	char *text;
	size_t text_len, text_capacity;
	/* What types shall be called in the end, who are told from others by
	 * another name until then. */
	struct hs_decl_rename *rename;
	size_t rename_count, rename_capacity;
	struct hs_addr_map same;    /* what types are made of -> type */
	struct hs_addr_map by_name; /* complete ones; extra 1: several */
	uint64_t dies;              /* read so far, of all modules */
	uint64_t split_missing;     /* units in files that were not found */
	bool coroutines; /* there are structs that are frames of those */
	bool cut;        /* a limit was met: some declarations are missing */
};

HS_MUST_CHECK enum hs_status hs_decls_init(struct hs_decls *d,
					   struct hs_error *err);
void hs_decls_release(struct hs_decls *d);

/* Borrowed until the next name is added. "" for 0. */
static inline const char *hs_decls_text(const struct hs_decls *d, uint32_t name)
{
	return d->text + name;
}

/* TYPE, a typedef, without typedefs. */
uint32_t hs_decls_strip_alias(const struct hs_decls *d, uint32_t type);
/* TYPE without typedefs. */
static inline uint32_t hs_decls_strip(const struct hs_decls *d, uint32_t type)
{
	return d->type[type].kind == HS_DECL_ALIAS
		       ? hs_decls_strip_alias(d, type)
		       : type;
}

/* A complete struct or union called NAME, by tag or typedef; false: there is
 * none, or several that differ. */
bool hs_decls_find(const struct hs_decls *d, const char *name, uint32_t *ret);

/* Is MEMBER of the struct T there, if the number that tells is DISCR? */
bool hs_decls_chosen(const struct hs_decls *d, const struct hs_decl_type *t,
		     const struct hs_decl_member *member, uint64_t discr);

/* The type that argument number I of the template TYPE is; false: it has no
 * such, or it is not known. Only types count, not numbers. */
bool hs_decls_parameter(const struct hs_decls *d, uint32_t type, uint32_t i,
			uint32_t *ret);

/* The member of the struct TYPE, or of an anonymous one within, that is called
 * NAME[LEN]; its offset in TYPE. False: there is none. */
bool hs_decls_member(const struct hs_decls *d, uint32_t type, const char *name,
		     size_t len, struct hs_decl_member *ret);

/* Does a value of TYPE end in an array without a length, or of one or no
 * element (as before C99)? Its offset and the type of its elements. */
bool hs_decls_tail(const struct hs_decls *d, uint32_t type, uint64_t *offset,
		   uint32_t *element);

/*
 * TYPE as C writes it ("struct conn *", "char [16]"), into BUF of SIZE bytes.
 * False: it does not fit, or it has no name of its own.
 */
bool hs_decls_spell(const struct hs_decls *d, uint32_t type, char *buf,
		    size_t size);

/*
 * To add. All return false when a limit was met (then `cut` is set) or memory
 * ran out (then *ST says so, and stays).
 */
bool hs_decls_add_text(struct hs_decls *d, const char *text, uint32_t *ret,
		       enum hs_status *st);
bool hs_decls_add_type(struct hs_decls *d, const struct hs_decl_type *type,
		       uint32_t *ret, enum hs_status *st);
bool hs_decls_add_member(struct hs_decls *d,
			 const struct hs_decl_member *member,
			 enum hs_status *st);
bool hs_decls_add_variable(struct hs_decls *d,
			   const struct hs_decl_variable *variable,
			   enum hs_status *st);
bool hs_decls_add_local(struct hs_decls *d, const struct hs_decl_local *local,
			enum hs_status *st);
bool hs_decls_add_manager(struct hs_decls *d,
			  const struct hs_decl_manager *manager,
			  enum hs_status *st);
/* TYPE is called NAME when all is complete. */
bool hs_decls_rename(struct hs_decls *d, uint32_t type, const char *name,
		     enum hs_status *st);
/*
 * The type that is like TYPE and called NAME ("": nothing): one that is there,
 * else added, when *FRESH is set. Structs are alike when name, size and line
 * are, so that the copies in all units are one.
 */
bool hs_decls_same_type(struct hs_decls *d, const struct hs_decl_type *type,
			const char *name, uint32_t *ret, bool *fresh,
			enum hs_status *st);

/* Opaque types become aliases of the complete one of their name. Call it when
 * all modules were read. */
HS_MUST_CHECK enum hs_status hs_decls_complete(struct hs_decls *d,
					       struct hs_error *err);

#endif
