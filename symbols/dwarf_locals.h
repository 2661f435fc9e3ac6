/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DWARF_LOCALS_H
#define SYMBOLS_DWARF_LOCALS_H

#include "symbols/dwarf_die.h"
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

/*
 * The code of DIE, into RET, which may hold an earlier answer; BASE is where
 * the code of its unit begins. False: it says nothing of code, or there is no
 * memory.
 */
bool hs_dwarf_ranges_of(struct hs_dwarf *dw, Dwarf_Die die, uint64_t base,
			struct hs_dwarf_ranges *ret);
/* Where the code of UNIT begins; 0: it does not say. */
uint64_t hs_dwarf_base(struct hs_dwarf *dw, Dwarf_Die unit);

/* What was found of a variable. */
struct hs_dwarf_location {
	struct hs_dwarf_piece piece[HS_DWARF_PIECES];
	unsigned pieces;
	bool moves; /* it is said for parts of the code: where it is not, the
		     * variable has no value */
};
/*
 * Where attribute WHICH of DIE (a location, or a frame base) says that it is in
 * FRAME. Memory is read by READ; BIAS is how far the module was moved. False:
 * nowhere, or nobody knows.
 */
bool hs_dwarf_locate(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half which,
		     const struct hs_local_frame *frame, struct hs_window *read,
		     uint64_t bias, struct hs_dwarf_location *ret);

/* Note in each of FRAMES (COUNT, by pc) that UNIT's lines speak of the line and
 * the file where it is. */
void hs_dwarf_note_lines(struct hs_dwarf *dw, Dwarf_Die unit,
			 struct hs_local_frame *frames, size_t count);

/* The first of FRAMES (COUNT, by pc) at PC or behind. */
size_t hs_dwarf_frame_from(const struct hs_local_frame *frames, size_t count,
			   uint64_t pc);

#endif
