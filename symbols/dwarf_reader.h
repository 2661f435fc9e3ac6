/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DWARF_READER_H
#define SYMBOLS_DWARF_READER_H

#include "symbols/declarations.h"
#include "symbols/dwarf_locals.h"
#include "symbols/dwarf_split.h"

/*
 * What the files that read declarations share: dwarf_reader.c makes types of
 * DIEs, dwarf_declarations.c goes through the units, dwarf_scopes.c through the
 * functions that a thread is in.
 */

/* Where DIEs are. An offset means something in one of these only. */
enum hs_dwarf_space { HS_DWARF_INFO, HS_DWARF_TYPES, HS_DWARF_ALT };

struct hs_dwarf_spot {
	enum hs_dwarf_space space;
	Dwarf_Off at;
};

/* A struct or enum whose members are to be read. */
struct hs_dwarf_to_fill {
	struct hs_dwarf_spot place;
	uint32_t type;
};

/* What a unit is written in, as far as that matters here. */
enum hs_dwarf_language {
	HS_DWARF_C,
	HS_DWARF_CXX,
	HS_DWARF_RUST,
	HS_DWARF_SILENT, /* it does not say: a part that dwz put into common */
	HS_DWARF_OTHER,
};

/* The namespaces, classes and functions that DIEs are in, which libdwarf cannot
 * be asked for: "app::Server::" of what is declared in there. */
struct hs_dwarf_qualifiers {
	struct hs_addr_map of; /* place -> offset in TEXT */
	char *text;
	size_t len, capacity;
};

struct hs_dwarf_reader {
	struct hs_dwarf main, alt;
	struct hs_decls *d;
	uint32_t module;
	struct hs_addr_map seen;       /* place -> type */
	struct hs_addr_map signatures; /* of type units -> index of unit */
	struct hs_dwarf_spot *unit;    /* the types of those units */
	size_t unit_count, unit_capacity;
	struct hs_dwarf_to_fill *fill;
	size_t fill_count, fill_capacity;
	struct hs_addr_map managers; /* without a name: place -> index */
	struct hs_split_units split; /* units that are elsewhere */
	struct hs_dwarf_qualifiers qualifiers;
	bool any_c, any_cxx; /* units of the module; Rust is such, too */
	bool cxx;            /* the unit at hand has namespaces: C++, and */
	bool rust;           /* ... maybe Rust */
	/* Of the module, by pc, and what they are read with. */
	struct hs_local_frame *frame;
	size_t frame_count;
	struct hs_window *read;
	uint64_t bias;              /* of the module */
	struct hs_dwarf_unit lists; /* of the unit at hand */
	/* Of a file for units: what the program says of them. Borrowed. */
	const struct hs_split_units *skeletons;
	struct hs_elf_file *program;
	struct hs_dwarf_ranges ranges; /* of the last DIE asked */
	struct hs_addr_map no_loops;   /* functions -> is it sure that none of
					* their last calls leads back to them? */
	unsigned gifts_left;   /* of callers, for the variable at hand */
	enum hs_status failed; /* no memory */
};

static inline struct hs_dwarf *hs_dwarf_of(struct hs_dwarf_reader *r,
					   enum hs_dwarf_space space)
{
	return space == HS_DWARF_ALT ? &r->alt : &r->main;
}

/* Note that memory ran out; false. */
bool hs_dwarf_no_memory(struct hs_dwarf_reader *r);
/* One more DIE is looked at; false: that is enough. */
bool hs_dwarf_spend(struct hs_dwarf_reader *r);

/* Those below PARENT, which is in SPACE; for hs_dwarf_next_child(). */
static inline struct hs_dwarf_children
hs_dwarf_children_of(Dwarf_Die parent, enum hs_dwarf_space space)
{
	return (struct hs_dwarf_children){ .of = parent,
					   .types = space == HS_DWARF_TYPES };
}

static inline hs_addr hs_dwarf_place_key(struct hs_dwarf_spot p)
{
	return (uint64_t)p.at << 2 | p.space;
}

/* Of a type unit, for r->signatures. */
hs_addr hs_dwarf_signature_key(const Dwarf_Sig8 *signature);

/* Where attribute WHICH of DIE, which is in FROM, leads. */
bool hs_dwarf_refers(struct hs_dwarf_reader *r, Dwarf_Die die,
		     enum hs_dwarf_space from, Dwarf_Half which,
		     struct hs_dwarf_spot *ret);
/* Is DIE, a typedef, the only name that a struct or union has? */
bool hs_dwarf_names_struct(struct hs_dwarf_reader *r, Dwarf_Die die,
			   enum hs_dwarf_space space);

/*
 * What says the name and type of DIE: DIE itself, or what it refers to (a
 * definition after `extern`, a copy of a function that was inlined). Borrowed,
 * or owned by *HOLD.
 */
Dwarf_Die hs_dwarf_described(struct hs_dwarf_reader *r, Dwarf_Die die,
			     enum hs_dwarf_space *space, Dwarf_Die *hold);

enum hs_dwarf_language hs_dwarf_language(struct hs_dwarf *dw, Dwarf_Die unit);

/* Note what the DIEs of a C++ UNIT are in. Before any of them is read. */
void hs_dwarf_note_qualifiers(struct hs_dwarf_reader *r, Dwarf_Die unit,
			      enum hs_dwarf_space space);
void hs_dwarf_qualifiers_release(struct hs_dwarf_qualifiers *q);
/*
 * The name of DIE with all that it is in ("app::Server::Session<int>"), into
 * BUF of HS_LIMIT_STRING bytes. NULL: it has none, or a longer one.
 */
const char *hs_dwarf_full_name(struct hs_dwarf_reader *r, Dwarf_Die die,
			       enum hs_dwarf_space space, char *buf);
/* The same of a function, without its parameters. */
const char *hs_dwarf_function_name(struct hs_dwarf_reader *r, Dwarf_Die die,
				   enum hs_dwarf_space space, char *buf);

/* The type DIE, and the one that DIE's DW_AT_type leads to (void where it has
 * none), among the declarations. DEPTH: how many have led here; begin with
 * 0. */
uint32_t hs_dwarf_intern(struct hs_dwarf_reader *r, Dwarf_Die die,
			 enum hs_dwarf_space space, unsigned depth);
uint32_t hs_dwarf_type_of(struct hs_dwarf_reader *r, Dwarf_Die die,
			  enum hs_dwarf_space space, unsigned depth);
/* Read the members of the types met so far. */
void hs_dwarf_fill_all(struct hs_dwarf_reader *r);

/* The one place where the variable DIE always is, into V. False: it moves, or
 * is nowhere. */
bool hs_dwarf_fixed_location(struct hs_dwarf_reader *r, Dwarf_Die die,
			     enum hs_dwarf_space space,
			     struct hs_decl_variable *v);

/* Does the struct NAME belong to what a std::function or std::any holds? */
bool hs_dwarf_is_manager(const char *name);
/* Note what the entry DIE of such a struct TYPE says of that. */
void hs_dwarf_note_manager(struct hs_dwarf_reader *r, Dwarf_Die die,
			   enum hs_dwarf_space space, uint32_t type);

/* Find those that have no mangled name, because what they hold is UNIT's own.
 * When the types of UNIT have been read. */
void hs_dwarf_find_managers(struct hs_dwarf_reader *r, Dwarf_Die unit,
			    enum hs_dwarf_space space);

/* Is UNIT one whose DIEs are in a file of their own? Then it is noted. */
bool hs_dwarf_note_split(struct hs_dwarf_reader *r, Dwarf_Die unit,
			 const Dwarf_Sig8 *signature);
/* Read the files of the units that were noted; those that are not found are
 * counted. */
void hs_dwarf_read_split(struct hs_dwarf_reader *r,
			 const struct hs_split_files *files);

/* All units of a file that is open, and what of a reader is not the file's. */
void hs_dwarf_read_units(struct hs_dwarf_reader *r);
void hs_dwarf_reader_release(struct hs_dwarf_reader *r);

/* Frames that are in some code. */
struct hs_dwarf_frames {
	struct hs_local_frame **frame; /* owned */
	size_t count, capacity;
};
static inline void hs_dwarf_free_frames(const struct hs_dwarf_frames *frames)
{
	free(frames->frame);
}
#define HS_AUTO_FRAMES HS_CLEANUP(hs_dwarf_free_frames)

/* The frames that are in the code of DIE, into RET, which is empty; false:
 * none. The code is in r->ranges. */
bool hs_dwarf_frames_in(struct hs_dwarf_reader *r, Dwarf_Die die,
			struct hs_dwarf_frames *ret);

/* Begin with UNIT: may frames be in its code? Then it can be asked for lists.
 * SIGNATURE is that of its header. */
bool hs_dwarf_enter_unit(struct hs_dwarf_reader *r, Dwarf_Die unit,
			 const Dwarf_Sig8 *signature);
/* Note where functions of UNIT and calls that they are in are, in the frames.
 * Of all units before hs_dwarf_here() is used. */
void hs_dwarf_read_calls(struct hs_dwarf_reader *r, Dwarf_Die unit);
/* To ask where something of the unit at hand is in FRAME. One question may
 * look at so many calls and no more. */
struct hs_dwarf_here hs_dwarf_here(struct hs_dwarf_reader *r,
				   const struct hs_local_frame *frame);
/* What was in register REG, which is lost, when FRAME made the call that it is
 * in, if that was an argument. False: it was none, or nobody knows. */
bool hs_dwarf_passed_in(struct hs_dwarf_reader *r,
			const struct hs_local_frame *frame, uint64_t reg,
			uint64_t *ret);

/* What the variables of UNIT's functions are in the frames. */
void hs_dwarf_read_locals(struct hs_dwarf_reader *r, Dwarf_Die unit);

#endif
