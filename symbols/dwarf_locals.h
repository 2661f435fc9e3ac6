/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DWARF_LOCALS_H
#define SYMBOLS_DWARF_LOCALS_H

#include "symbols/dwarf_die.h"
#include "symbols/elf_file.h"
#include "symbols/local_frames.h"

/*
 * Where in the code DIEs hold, and where their variables are then: ranges,
 * locations and lines of DWARF 2 to 5.
 */

/* Code, as linked. */
struct hs_dwarf_range {
	uint64_t start, end;
};
struct hs_dwarf_ranges {
	struct hs_dwarf_range *range; /* owned */
	size_t count, capacity;
	bool no_memory; /* for all of them, once */
};

/* What the lists of a unit are read with. */
struct hs_dwarf_unit {
	struct hs_elf_file *file;        /* with their sections; borrowed */
	bool old;                        /* before DWARF 5 */
	unsigned word_size, offset_size; /* bytes: 4 or 8 */
	uint64_t base;        /* where its code begins; 0: it does not say */
	uint64_t range_table; /* offsets in the sections; HS_NO_ADDR: none */
	uint64_t place_table;
	/* Of a unit whose DIEs are in a file of their own: where its lists
	 * begin there. Old ranges stay in the program, from `program_ranges`
	 * on. */
	bool split;
	uint64_t ranges_from, places_from;
	struct hs_elf_file *program; /* borrowed; of a split unit */
	uint64_t program_ranges;
};
/* Fill in all but `file` for the unit DIE; false: it makes no sense. */
bool hs_dwarf_enter(struct hs_dwarf *dw, Dwarf_Die die,
		    struct hs_dwarf_unit *unit);

/* A unit in the program, for that which has its DIEs in another file. */
struct hs_dwarf_skeleton {
	uint64_t base;   /* where its code begins; 0: it does not say */
	uint64_t ranges; /* where old ranges begin */
};
/* The same for a unit DIE in another file, which belongs to SKELETON in
 * PROGRAM. */
bool hs_dwarf_enter_split(struct hs_dwarf *dw, Dwarf_Die die,
			  const struct hs_dwarf_skeleton *skeleton,
			  struct hs_elf_file *program,
			  struct hs_dwarf_unit *unit);

/*
 * The code of DIE, which is in UNIT, into RET, which may hold an earlier
 * answer. False: it says nothing of code, or nonsense, or there is no memory.
 */
bool hs_dwarf_ranges_of(struct hs_dwarf *dw, Dwarf_Die die,
			const struct hs_dwarf_unit *unit,
			struct hs_dwarf_ranges *ret);

/* What was found of a variable. */
struct hs_dwarf_location {
	struct hs_dwarf_piece piece[HS_DWARF_PIECES];
	unsigned pieces;
	bool moves; /* it is said for parts of the code: where it is not, the
		     * variable has no value */
};
/* Where a question is asked. Borrowed. */
struct hs_dwarf_here {
	const struct hs_dwarf_unit *unit; /* NULL: no lists are read */
	const struct hs_local_frame *frame;
	struct hs_window *read; /* the target's memory */
	uint64_t bias;          /* how far the module was moved */
	/* WHAT was given to the function of FRAME by its caller; in UNIT_DIE's
	 * unit, if it is a parameter. NULL: nobody knows. */
	bool (*given)(void *arg, const struct hs_local_frame *frame,
		      Dwarf_Die unit_die, const struct hs_dwarf_given *what,
		      uint64_t *ret);
	void *arg;
};
/*
 * Where attribute WHICH of DIE (a location, a frame base, a value of a call)
 * says that it is HERE. False: nowhere, or nobody knows.
 */
bool hs_dwarf_locate(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half which,
		     const struct hs_dwarf_here *here,
		     struct hs_dwarf_location *ret);

/* Note in each of FRAMES (COUNT, by pc) that UNIT's lines speak of the line and
 * the file where it is. */
void hs_dwarf_note_lines(struct hs_dwarf *dw, Dwarf_Die unit,
			 struct hs_local_frame *frames, size_t count);

/* The first of FRAMES (COUNT, by pc) at PC or behind. */
size_t hs_dwarf_frame_from(const struct hs_local_frame *frames, size_t count,
			   uint64_t pc);

#endif
