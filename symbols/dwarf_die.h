/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DWARF_DIE_H
#define SYMBOLS_DWARF_DIE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/cleanup.h"
#include "core/fail.h"
#include "symbols/libdwarf_compat.h"

/*
 * Questions to debugging information entries (DIEs), for the readers of
 * DWARF. What libdwarf finds wrong counts as not being there: a reader asks
 * what is said, and does without what is not.
 */
struct hs_dwarf {
	Dwarf_Debug dbg;
	Dwarf_Error error; /* of the last call, already let go */
};

/* Open the DWARF of FD, which stays the caller's. HS_ERR_NO_SYMBOL: there is
 * none that can be read. */
HS_MUST_CHECK enum hs_status hs_dwarf_open(int fd, struct hs_dwarf *dw,
					   struct hs_error *err);
void hs_dwarf_close(struct hs_dwarf *dw);

/* DIEs and attributes are freed one by one: there are a million of them. */
static inline void hs_dwarf_free_die(const Dwarf_Die *die)
{
	if (*die)
		dwarf_dealloc_die(*die);
}
#define HS_AUTO_DIE HS_CLEANUP(hs_dwarf_free_die)

static inline void hs_dwarf_free_attribute(const Dwarf_Attribute *attribute)
{
	if (*attribute)
		dwarf_dealloc_attribute(*attribute);
}
#define HS_AUTO_ATTRIBUTE HS_CLEANUP(hs_dwarf_free_attribute)

/* Is it there? What is wrong does not matter: then it is not. */
bool hs_dwarf_ok(struct hs_dwarf *dw, int result);

/* 0: it has none, which is no tag's number. */
Dwarf_Half hs_dwarf_tag(struct hs_dwarf *dw, Dwarf_Die die);
/* Borrowed from libdwarf; NULL: the DIE has no name. */
const char *hs_dwarf_name(struct hs_dwarf *dw, Dwarf_Die die);
/* The same of its mangled name. */
const char *hs_dwarf_linkage_name(struct hs_dwarf *dw, Dwarf_Die die);
bool hs_dwarf_has(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half attribute);
/* A constant of any form that is not negative; false: none there, or it is no
 * constant. */
bool hs_dwarf_constant(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half which,
		       uint64_t *ret);
/* The DIE of the same section that attribute WHICH refers to; caller frees.
 * False: none, or it is in another file (dwz) or in a type unit. */
bool hs_dwarf_referred(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half which,
		       Dwarf_Die *ret);
/* Bytes of TYPE, a DIE with TAG: as it says, or those of an address. */
bool hs_dwarf_byte_size(struct hs_dwarf *dw, Dwarf_Die type, Dwarf_Half tag,
			uint64_t *ret);

/* Elements of DIE, one dimension of an array; 0: not said. */
uint64_t hs_dwarf_dimension(struct hs_dwarf *dw, Dwarf_Die die);

/*
 * The DIEs directly below another one, whose offsets ascend: a forged sibling
 * that leads back ends them.
 *
 *	HS_AUTO_CHILDREN struct hs_dwarf_children c = { .of = parent };
 *	while (hs_dwarf_next_child(dw, &c))
 *		... c.die ...
 */
struct hs_dwarf_children {
	Dwarf_Die of;  /* borrowed */
	bool types;    /* it is in .debug_types */
	Dwarf_Die die; /* the one at hand; owned; begin with NULL */
	Dwarf_Off at;  /* where that is; begin with 0 */
};
bool hs_dwarf_next_child(struct hs_dwarf *dw, struct hs_dwarf_children *c);

static inline void hs_dwarf_free_children(const struct hs_dwarf_children *c)
{
	hs_dwarf_free_die(&c->die);
}
#define HS_AUTO_CHILDREN HS_CLEANUP(hs_dwarf_free_children)

static inline bool hs_dwarf_is_struct(Dwarf_Half tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_class_type;
}

/* Qualifiers: a type that is another one as far as memory is concerned. */
static inline bool hs_dwarf_is_qualifier(Dwarf_Half tag)
{
	return tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
	       tag == DW_TAG_atomic_type || tag == DW_TAG_restrict_type;
}

#endif
