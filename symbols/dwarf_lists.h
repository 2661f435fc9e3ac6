/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DWARF_LISTS_H
#define SYMBOLS_DWARF_LISTS_H

#include "core/cursor.h"

/*
 * Lists of DWARF: of ranges of code, or of the places where something is in
 * each of them. Those of DWARF 5 (.debug_rnglists, .debug_loclists) and those
 * of before (.debug_ranges, .debug_loc). They are read here because libdwarf of
 * 2021 reads on behind the end of forged ones.
 */
struct hs_dwarf_list {
	struct hs_cursor at; /* from its first byte to the section's last */
	bool old;            /* as before DWARF 5 */
	bool split;          /* of places, in a file for one unit: old ones are
			      * written in a third way there */
	bool places;         /* a list of places, else of ranges */
	unsigned word_size;  /* bytes of an address: 4 or 8 */
	uint64_t base;       /* where the unit's code begins, as linked */
	/* Address number INDEX of the unit's table, as linked. */
	bool (*address)(void *arg, uint64_t index, uint64_t *ret);
	void *arg;
	unsigned count; /* entries read; begin with 0 */
	bool bad;       /* it broke off: what it did not say is not known */
};

struct hs_dwarf_list_entry {
	uint64_t start, end; /* code, as linked */
	const uint8_t
		*expr; /* of a list of places; borrowed from the section */
	uint64_t len;
	bool otherwise; /* it holds where no other entry does */
};

/* The next entry; false: there is none, or the list is bad. */
bool hs_dwarf_list_next(struct hs_dwarf_list *l,
			struct hs_dwarf_list_entry *ret);

#endif
