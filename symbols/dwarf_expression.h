/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DWARF_EXPRESSION_H
#define SYMBOLS_DWARF_EXPRESSION_H

#include "core/window.h"

/*
 * DWARF's little programs that say where something is: a variable, the caller's
 * copy of a register. They run here over what is known of one frame.
 */

/* Registers by DWARF's numbers: those of integers, which is all that leads to
 * memory. aarch64 has most: x0 to x30, sp, pc. */
#define HS_DWARF_REGISTERS 33u

struct hs_dwarf_registers {
	uint64_t value[HS_DWARF_REGISTERS];
	uint64_t known; /* bit N: value[N] is that of register N */
};

static inline bool hs_dwarf_register(const struct hs_dwarf_registers *r,
				     uint64_t n, uint64_t *ret)
{
	if (n >= HS_DWARF_REGISTERS || !(r->known >> n & 1))
		return false;
	*ret = r->value[n];
	return true;
}

/* What a caller gave: in a register, or for a parameter that the function does
 * without (a clone of GCC's), which is told by its DIE. */
struct hs_dwarf_given {
	bool parameter;
	uint64_t at; /* the register, or the DIE's offset in its unit */
};

/* What a program may ask for. Borrowed. */
struct hs_dwarf_context {
	struct hs_window *read; /* the target's memory */
	const struct hs_dwarf_registers *registers;
	hs_addr cfa;          /* of the frame; HS_NO_ADDR: not known */
	hs_addr frame_base;   /* of the function; HS_NO_ADDR: not known */
	uint64_t bias;        /* how far the module was moved */
	unsigned offset_size; /* of the unit: 4 or 8 bytes */
	/* Address number INDEX of the unit's table, as linked; NULL: there is
	 * none. */
	bool (*address)(void *arg, uint64_t index, uint64_t *ret);
	/* What it was when the function began; NULL: nobody knows. */
	bool (*given)(void *arg, const struct hs_dwarf_given *what,
		      uint64_t *ret);
	void *arg;
};

enum hs_dwarf_place_kind {
	HS_DWARF_IN_MEMORY,   /* at address `value` */
	HS_DWARF_IN_REGISTER, /* number `value` */
	HS_DWARF_NOWHERE,     /* it has no place, but this `value` */
};

struct hs_dwarf_place {
	enum hs_dwarf_place_kind kind;
	uint64_t value;
};

/* A part of the thing that has a place of its own. */
#define HS_DWARF_PIECES 8u

struct hs_dwarf_piece {
	struct hs_dwarf_place place;
	uint64_t offset, size; /* bytes of the thing; size 0: all of it */
};

/*
 * Run EXPR of LEN bytes, which may say several pieces (DW_OP_piece): *COUNT of
 * them, those that are nowhere left out. False: as below.
 */
bool hs_dwarf_evaluate_pieces(const struct hs_dwarf_context *c,
			      const uint8_t *expr, size_t len,
			      struct hs_dwarf_piece piece[HS_DWARF_PIECES],
			      unsigned *count);

/*
 * Run EXPR of LEN bytes; FIRST, unless NULL, is on the stack before. False: it
 * makes no sense, asks for what is not known, needs memory that is not there,
 * or says that the thing is in several pieces or nowhere.
 */
bool hs_dwarf_evaluate(const struct hs_dwarf_context *c, const uint8_t *expr,
		       size_t len, const uint64_t *first,
		       struct hs_dwarf_place *ret);

#endif
