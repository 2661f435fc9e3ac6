/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_lists.h"

#include <dwarf.h>

#include "core/limits.h"

/* What lists of places have besides the kinds of those of ranges. Pairs of
 * views, of GNU, tell in which order things happen at one address. */
#define DEFAULT_PLACE 0x100u
#define VIEW_PAIR 0x101u

enum said { ENTRY, NO_ENTRY, END, NONSENSE };

/* The kind of the next entry, by the numbers of .debug_rnglists. */
static unsigned next_kind(struct hs_dwarf_list *l)
{
	unsigned kind = (unsigned)hs_cursor_uint(&l->at, 1);
	if (!l->places || kind < DW_LLE_default_location)
		return kind;
	switch (kind) {
	case DW_LLE_default_location:
		return DEFAULT_PLACE;
	case DW_LLE_base_address:
		return DW_RLE_base_address;
	case DW_LLE_start_end:
		return DW_RLE_start_end;
	case DW_LLE_start_length:
		return DW_RLE_start_length;
	case DW_LLE_start_length + 1:
		return VIEW_PAIR;
	default:
		return UINT32_MAX;
	}
}

static uint64_t address(struct hs_dwarf_list *l)
{
	return hs_cursor_uint(&l->at, l->word_size);
}

static bool indexed(struct hs_dwarf_list *l, uint64_t *ret)
{
	uint64_t index = hs_cursor_uleb(&l->at);
	return !l->at.overrun && l->address && l->address(l->arg, index, ret);
}

static enum said up_to(struct hs_dwarf_list_entry *e, uint64_t len)
{
	return __builtin_add_overflow(e->start, len, &e->end) ? NONSENSE
							      : ENTRY;
}

static enum said read_new(struct hs_dwarf_list *l,
			  struct hs_dwarf_list_entry *e)
{
	switch (next_kind(l)) {
	case DW_RLE_end_of_list:
		return END;
	case DW_RLE_base_addressx:
		return indexed(l, &l->base) ? NO_ENTRY : NONSENSE;
	case DW_RLE_base_address:
		l->base = address(l);
		return NO_ENTRY;
	case VIEW_PAIR:
		(void)hs_cursor_uleb(&l->at);
		(void)hs_cursor_uleb(&l->at);
		return NO_ENTRY;
	case DW_RLE_startx_endx:
		return indexed(l, &e->start) && indexed(l, &e->end) ? ENTRY
								    : NONSENSE;
	case DW_RLE_startx_length:
		return indexed(l, &e->start) ? up_to(e, hs_cursor_uleb(&l->at))
					     : NONSENSE;
	case DW_RLE_offset_pair:
		e->start = l->base + hs_cursor_uleb(&l->at);
		e->end = l->base + hs_cursor_uleb(&l->at);
		return ENTRY;
	case DEFAULT_PLACE:
		e->otherwise = true;
		return ENTRY;
	case DW_RLE_start_end:
		e->start = address(l);
		e->end = address(l);
		return ENTRY;
	case DW_RLE_start_length:
		e->start = address(l);
		return up_to(e, hs_cursor_uleb(&l->at));
	default:
		return NONSENSE;
	}
}

static enum said read_old(struct hs_dwarf_list *l,
			  struct hs_dwarf_list_entry *e)
{
	uint64_t start = address(l), end = address(l);
	if (start == 0 && end == 0)
		return END;
	if (start == (l->word_size == 4 ? UINT32_MAX : UINT64_MAX)) {
		l->base = end;
		return NO_ENTRY;
	}
	e->start = l->base + start;
	e->end = l->base + end;
	return ENTRY;
}

/* Before DWARF 5, in files for units: addresses are numbers. */
static enum said read_split(struct hs_dwarf_list *l,
			    struct hs_dwarf_list_entry *e)
{
	switch (hs_cursor_uint(&l->at, 1)) {
	case DW_LLEX_end_of_list_entry:
		return END;
	case DW_LLEX_base_address_selection_entry:
		return indexed(l, &l->base) ? NO_ENTRY : NONSENSE;
	case DW_LLEX_start_end_entry:
		return indexed(l, &e->start) && indexed(l, &e->end) ? ENTRY
								    : NONSENSE;
	case DW_LLEX_start_length_entry:
		return indexed(l, &e->start) ? up_to(e, hs_cursor_u32(&l->at))
					     : NONSENSE;
	case DW_LLEX_offset_pair_entry:
		e->start = l->base + hs_cursor_u32(&l->at);
		e->end = l->base + hs_cursor_u32(&l->at);
		return ENTRY;
	default:
		return NONSENSE;
	}
}

bool hs_dwarf_list_next(struct hs_dwarf_list *l,
			struct hs_dwarf_list_entry *ret)
{
	while (!l->bad && l->count++ < HS_LIMIT_DWARF_RANGES) {
		struct hs_dwarf_list_entry e = { .start = 0 };
		enum said said = !l->old                 ? read_new(l, &e)
				 : l->split && l->places ? read_split(l, &e)
							 : read_old(l, &e);
		if (said == ENTRY && l->places) {
			e.len = l->old ? hs_cursor_u16(&l->at)
				       : hs_cursor_uleb(&l->at);
			e.expr = hs_cursor_bytes(&l->at, e.len);
		}
		if (said == NONSENSE || l->at.overrun)
			break;
		if (said == END)
			return false;
		if (said == ENTRY) {
			*ret = e;
			return true;
		}
	}
	l->bad = true;
	return false;
}
