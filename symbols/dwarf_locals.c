/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_locals.h"

#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "symbols/dwarf_lists.h"

size_t hs_dwarf_frame_from(const struct hs_local_frame *frames, size_t count,
			   uint64_t pc)
{
	size_t lo = 0, hi = count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (frames[mid].pc < pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool add_range(struct hs_dwarf_ranges *ret, uint64_t start, uint64_t end)
{
	if (start >= end || ret->count == HS_LIMIT_DWARF_RANGES)
		return true;
	if (hs_grow(&ret->range, &ret->capacity, ret->count,
		    sizeof(*ret->range), NULL)) {
		ret->no_memory = true;
		return false;
	}
	ret->range[ret->count++] = (struct hs_dwarf_range){ start, end };
	return true;
}

/* Where ATTRIBUTE, a constant or an offset, leads to in its section. */
static bool offset_of(struct hs_dwarf *dw, Dwarf_Attribute attribute,
		      Dwarf_Half form, uint64_t *ret)
{
	Dwarf_Unsigned at;
	if (!hs_dwarf_ok(
		    dw,
		    form == DW_FORM_sec_offset
			    ? dwarf_global_formref(attribute, &at, &dw->error)
			    : dwarf_formudata(attribute, &at, &dw->error)))
		return false;
	*ret = at;
	return true;
}

/* The offset that attribute WHICH of UNIT is, or HS_NO_ADDR. */
static uint64_t table_of(struct hs_dwarf *dw, Dwarf_Die unit, Dwarf_Half which)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	uint64_t at;
	return hs_dwarf_ok(dw,
			   dwarf_attr(unit, which, &attribute, &dw->error)) &&
			       offset_of(dw, attribute, DW_FORM_sec_offset, &at)
		       ? at
		       : HS_NO_ADDR;
}

bool hs_dwarf_enter(struct hs_dwarf *dw, Dwarf_Die die,
		    struct hs_dwarf_unit *unit)
{
	Dwarf_Half version, offset_size, word_size;
	Dwarf_Addr low;
	if (dwarf_get_version_of_die(die, &version, &offset_size) !=
		    DW_DLV_OK ||
	    !hs_dwarf_ok(dw, dwarf_get_die_address_size(die, &word_size,
							&dw->error)) ||
	    (word_size != 4 && word_size != 8) ||
	    (offset_size != 4 && offset_size != 8))
		return false;
	unit->old = version < 5;
	unit->word_size = word_size;
	unit->offset_size = offset_size;
	unit->base =
		hs_dwarf_ok(dw, dwarf_lowpc(die, &low, &dw->error)) ? low : 0;
	unit->range_table = table_of(dw, die, DW_AT_rnglists_base);
	unit->place_table = table_of(dw, die, DW_AT_loclists_base);
	unit->program_ranges = table_of(dw, die, DW_AT_GNU_ranges_base);
	unit->split = false;
	return true;
}

/* Its tables are the first in its part of the section, behind their header. */
bool hs_dwarf_enter_split(struct hs_dwarf *dw, Dwarf_Die die,
			  const struct hs_dwarf_skeleton *skeleton,
			  struct hs_elf_file *program,
			  struct hs_dwarf_unit *unit)
{
	struct Dwarf_Debug_Fission_Per_CU_s part;
	if (!hs_dwarf_enter(dw, die, unit))
		return false;
	/* Nothing is said of what is not in a file for all. */
	memset(&part, 0, sizeof(part));
	(void)hs_dwarf_ok(
		dw, dwarf_get_debugfission_for_die(die, &part, &dw->error));
	unsigned header = unit->offset_size == 8 ? 20 : 12;
	unit->split = true;
	unit->base = skeleton->base;
	unit->program = program;
	unit->program_ranges = skeleton->ranges;
	unit->ranges_from = part.pcu_offset[DW_SECT_RNGLISTS];
	unit->places_from = part.pcu_offset[DW_SECT_LOCLISTS];
	if (unit->ranges_from > UINT32_MAX || unit->places_from > UINT32_MAX)
		return false;
	unit->range_table = unit->ranges_from + header;
	unit->place_table = unit->places_from + header;
	return true;
}

/* Numbers of addresses are told by the DIE's unit. */
struct numbers {
	struct hs_dwarf *dw;
	Dwarf_Die die;
	const struct hs_dwarf_here *here; /* NULL: in no frame */
};

static bool indexed_address(void *arg, uint64_t index, uint64_t *ret)
{
	struct numbers *n = arg;
	Dwarf_Addr addr;
	if (!hs_dwarf_ok(n->dw, dwarf_debug_addr_index_to_addr(
					n->die, index, &addr, &n->dw->error)))
		return false;
	*ret = addr;
	return true;
}

static bool given(void *arg, const struct hs_dwarf_given *what, uint64_t *ret)
{
	const struct numbers *n = arg;
	return n->here->given(n->here->arg, n->here->frame, n->die, what, ret);
}

static bool skip(struct hs_cursor *c, uint64_t n)
{
	return hs_cursor_bytes(c, n) != NULL;
}

/* The list that ATTRIBUTE leads to, with PLACES of places, else of ranges. */
static bool open_list(const struct hs_dwarf_unit *unit, struct numbers *numbers,
		      Dwarf_Attribute attribute, bool places,
		      struct hs_dwarf_list *ret)
{
	static const char *const section[2][2][2] = {
		{ { ".debug_rnglists", ".debug_loclists" },
		  { ".debug_ranges", ".debug_loc" } },
		{ { ".debug_rnglists.dwo", ".debug_loclists.dwo" },
		  { ".debug_ranges", ".debug_loc.dwo" } },
	};
	bool outside = unit->split && unit->old && !places;
	struct hs_dwarf *dw = numbers->dw;
	struct hs_cursor all, at;
	uint64_t offset;
	Dwarf_Half form;
	if (!hs_dwarf_ok(dw, dwarf_whatform(attribute, &form, &dw->error)) ||
	    !offset_of(dw, attribute, form, &offset) ||
	    !hs_elf_file_section(outside ? unit->program : unit->file,
				 section[unit->split][unit->old][places], &all))
		return false;
	/* Numbers of a table count from where that is, and what a program says
	 * itself, from the begin of its section. */
	if (unit->split && form == DW_FORM_sec_offset &&
	    __builtin_add_overflow(offset,
				   outside  ? unit->program_ranges
				   : places ? unit->places_from
					    : unit->ranges_from,
				   &offset))
		return false;
	at = all;
	if (form == DW_FORM_loclistx || form == DW_FORM_rnglistx) {
		/* A number of the unit's table, which has offsets from its own
		 * begin. */
		uint64_t table = places ? unit->place_table : unit->range_table;
		if (offset >= SIZE_MAX / 8 || !skip(&at, table) ||
		    !skip(&at, offset * unit->offset_size))
			return false;
		offset = hs_cursor_uint(&at, unit->offset_size);
		if (at.overrun ||
		    __builtin_add_overflow(offset, table, &offset))
			return false;
		at = all;
	}
	*ret = (struct hs_dwarf_list){
		.at = at,
		.old = unit->old,
		.places = places,
		.split = unit->split,
		.word_size = unit->word_size,
		.base = unit->base,
		.address = indexed_address,
		.arg = numbers,
	};
	return skip(&ret->at, offset);
}

bool hs_dwarf_ranges_of(struct hs_dwarf *dw, Dwarf_Die die,
			const struct hs_dwarf_unit *unit,
			struct hs_dwarf_ranges *ret)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	struct numbers numbers = { dw, die, NULL };
	struct hs_dwarf_list list;
	struct hs_dwarf_list_entry e;
	Dwarf_Half form;
	Dwarf_Addr low, high;
	enum Dwarf_Form_Class kind;
	ret->count = 0;
	if (hs_dwarf_ok(dw, dwarf_attr(die, DW_AT_ranges, &attribute,
				       &dw->error))) {
		if (!open_list(unit, &numbers, attribute, false, &list))
			return false;
		while (hs_dwarf_list_next(&list, &e))
			if (!add_range(ret, e.start, e.end))
				return false;
		return !list.bad;
	}
	if (!hs_dwarf_ok(dw, dwarf_lowpc(die, &low, &dw->error)) ||
	    !hs_dwarf_ok(dw,
			 dwarf_highpc_b(die, &high, &form, &kind, &dw->error)))
		return false;
	if (kind == DW_FORM_CLASS_CONSTANT)
		high += low;
	return add_range(ret, low, high);
}

/* The entry of LIST that holds at PC. */
static bool place_at(struct hs_dwarf_list *list, uint64_t pc,
		     struct hs_dwarf_list_entry *ret)
{
	struct hs_dwarf_list_entry e, otherwise = { .len = 0 };
	bool found = false;
	while (hs_dwarf_list_next(list, &e)) {
		if (e.otherwise)
			otherwise = e;
		if (e.len == 0 || pc < e.start || pc >= e.end)
			continue;
		if (found) /* two places: which one is right? */
			return false;
		found = true;
		*ret = e;
	}
	if (!found)
		*ret = otherwise;
	return !list->bad && ret->len > 0;
}

bool hs_dwarf_locate(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half which,
		     const struct hs_dwarf_here *here,
		     struct hs_dwarf_location *ret)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	struct numbers numbers = { dw, die, here };
	const struct hs_local_frame *frame = here->frame;
	struct hs_dwarf_context c = {
		.read = here->read,
		.registers = &frame->frame.registers,
		.cfa = frame->frame.cfa,
		.frame_base = frame->base,
		.bias = here->bias,
		.offset_size = here->unit ? here->unit->offset_size : 4,
		.address = indexed_address,
		.given = here->given ? given : NULL,
		.arg = &numbers,
	};
	struct hs_dwarf_list list;
	struct hs_dwarf_list_entry e;
	Dwarf_Half form;
	Dwarf_Unsigned len;
	Dwarf_Ptr expr;
	Dwarf_Block *block;
	if (!hs_dwarf_ok(dw, dwarf_attr(die, which, &attribute, &dw->error)) ||
	    !hs_dwarf_ok(dw, dwarf_whatform(attribute, &form, &dw->error)))
		return false;
	ret->moves = false;
	if (form == DW_FORM_exprloc)
		return hs_dwarf_ok(dw, dwarf_formexprloc(attribute, &len, &expr,
							 &dw->error)) &&
		       hs_dwarf_evaluate_pieces(&c, expr, len, ret->piece,
						&ret->pieces);
	if (form == DW_FORM_block1 || form == DW_FORM_block2 ||
	    form == DW_FORM_block4 || form == DW_FORM_block) {
		if (!hs_dwarf_ok(
			    dw, dwarf_formblock(attribute, &block, &dw->error)))
			return false;
		bool found = hs_dwarf_evaluate_pieces(&c, block->bl_data,
						      block->bl_len, ret->piece,
						      &ret->pieces);
		dwarf_dealloc(dw->dbg, block, DW_DLA_BLOCK);
		return found;
	}
	ret->moves = true;
	return here->unit &&
	       open_list(here->unit, &numbers, attribute, true, &list) &&
	       place_at(&list, frame->pc, &e) &&
	       hs_dwarf_evaluate_pieces(&c, e.expr, e.len, ret->piece,
					&ret->pieces);
}

void hs_dwarf_note_lines(struct hs_dwarf *dw, Dwarf_Die unit,
			 struct hs_local_frame *frames, size_t count)
{
	Dwarf_Unsigned version, number, file;
	Dwarf_Small tables;
	Dwarf_Line_Context context;
	Dwarf_Line *line;
	Dwarf_Signed lines;
	if (!hs_dwarf_ok(dw, dwarf_srclines_b(unit, &version, &tables, &context,
					      &dw->error)))
		return;
	if (!hs_dwarf_ok(dw, dwarf_srclines_from_linecontext(
				     context, &line, &lines, &dw->error)))
		lines = 0;
	Dwarf_Addr start = 0, end;
	bool before = false; /* START is that of the line before this */
	for (Dwarf_Signed i = 0; i < lines; i++) {
		Dwarf_Bool last;
		if (!hs_dwarf_ok(dw,
				 dwarf_lineaddr(line[i], &end, &dw->error)) ||
		    !hs_dwarf_ok(dw, dwarf_lineendsequence(line[i], &last,
							   &dw->error)))
			break;
		size_t f = before ? hs_dwarf_frame_from(frames, count, start)
				  : count;
		for (; f < count && frames[f].pc < end; f++) {
			if (!hs_dwarf_ok(dw, dwarf_lineno(line[i - 1], &number,
							  &dw->error)) ||
			    !hs_dwarf_ok(dw, dwarf_line_srcfileno(line[i - 1],
								  &file,
								  &dw->error)))
				break;
			frames[f].line = number;
			frames[f].file = file;
		}
		start = end;
		before = !last;
	}
	dwarf_srclines_dealloc_b(context);
}
