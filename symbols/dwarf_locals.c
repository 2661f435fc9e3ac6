/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_locals.h"

#include "core/grow.h"
#include "core/limits.h"

/* An expression that is written out again: those of compilers have a dozen
 * bytes. */
#define MAX_EXPRESSION 256u

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

uint64_t hs_dwarf_base(struct hs_dwarf *dw, Dwarf_Die unit)
{
	Dwarf_Addr low;
	return hs_dwarf_ok(dw, dwarf_lowpc(unit, &low, &dw->error)) ? low : 0;
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

/* Is there a table number I of lists, of locations with PLACES, else of ranges?
 * libdwarf loads them with the DIEs; to load them again loses memory. */
static bool has_table(struct hs_dwarf *dw, bool places, Dwarf_Unsigned i)
{
	Dwarf_Unsigned header, entries, offsets, first, end;
	Dwarf_Small offset_size, extension, address_size, segment_size;
	unsigned version;
	return hs_dwarf_ok(
		dw,
		places ? dwarf_get_loclist_context_basics(
				 dw->dbg, i, &header, &offset_size, &extension,
				 &version, &address_size, &segment_size,
				 &entries, &offsets, &first, &end, &dw->error)
		       : dwarf_get_rnglist_context_basics(
				 dw->dbg, i, &header, &offset_size, &extension,
				 &version, &address_size, &segment_size,
				 &entries, &offsets, &first, &end, &dw->error));
}

/*
 * Does ATTRIBUTE lead into its section of lists (of locations with PLACES, else
 * of ranges)? libdwarf of 2021 reads on wherever it leads.
 */
static bool leads_inside(struct hs_dwarf *dw, Dwarf_Attribute attribute,
			 bool places)
{
	Dwarf_Unsigned size[20] = { 0 }, at, table, global;
	Dwarf_Half form;
	if (dwarf_get_section_max_offsets_d(
		    dw->dbg, &size[0], &size[1], &size[2], &size[3], &size[4],
		    &size[5], &size[6], &size[7], &size[8], &size[9], &size[10],
		    &size[11], &size[12], &size[13], &size[14], &size[15],
		    &size[16], &size[17], &size[18], &size[19]) != DW_DLV_OK ||
	    !hs_dwarf_ok(dw, dwarf_whatform(attribute, &form, &dw->error)))
		return false;
	Dwarf_Unsigned old = size[places ? 3 : 9];
	Dwarf_Unsigned new = size[places ? 18 : 19];
	if (form != DW_FORM_loclistx && form != DW_FORM_rnglistx)
		return hs_dwarf_ok(dw, dwarf_global_formref(attribute, &at,
							    &dw->error)) &&
		       (at < old || at < new);
	if (!hs_dwarf_ok(dw, dwarf_formudata(attribute, &at, &dw->error)))
		return false;
	/* Which of the tables is meant is not asked: all must be sound. */
	bool any = false;
	for (Dwarf_Unsigned i = 0;
	     i < HS_LIMIT_DWARF_RANGES && has_table(dw, places, i); i++) {
		if (!hs_dwarf_ok(dw,
				 places ? dwarf_get_loclist_offset_index_value(
						  dw->dbg, i, at, &table,
						  &global, &dw->error)
					: dwarf_get_rnglist_offset_index_value(
						  dw->dbg, i, at, &table,
						  &global, &dw->error)))
			continue;
		if (global >= new)
			return false;
		any = true;
	}
	return any;
}

/* As DWARF 5 lists them. */
static bool range_list(struct hs_dwarf *dw, Dwarf_Attribute attribute,
		       Dwarf_Half form, struct hs_dwarf_ranges *ret)
{
	Dwarf_Rnglists_Head head;
	Dwarf_Unsigned value, count, at;
	bool all = true;
	bool indexed = form == DW_FORM_rnglistx;
	if (indexed ? !hs_dwarf_ok(dw, dwarf_formudata(attribute, &value,
						       &dw->error))
		    : !hs_dwarf_ok(dw, dwarf_global_formref(attribute, &value,
							    &dw->error)))
		return false;
	if (!hs_dwarf_ok(dw, dwarf_rnglists_get_rle_head(attribute, form, value,
							 &head, &count, &at,
							 &dw->error)))
		return false;
	for (Dwarf_Unsigned i = 0; i < count && all; i++) {
		unsigned len, kind;
		Dwarf_Unsigned raw[2], low, high;
		Dwarf_Bool unknown;
		if (!hs_dwarf_ok(dw,
				 dwarf_get_rnglists_entry_fields_a(
					 head, i, &len, &kind, &raw[0], &raw[1],
					 &unknown, &low, &high, &dw->error)) ||
		    kind == DW_RLE_end_of_list)
			break;
		if (!unknown && kind != DW_RLE_base_addressx &&
		    kind != DW_RLE_base_address)
			all = add_range(ret, low, high);
	}
	(void)dwarf_dealloc_rnglists_head(head);
	return all;
}

/* As DWARF 3 and 4 list them. */
static bool old_range_list(struct hs_dwarf *dw, Dwarf_Die die,
			   Dwarf_Attribute attribute, uint64_t base,
			   struct hs_dwarf_ranges *ret)
{
	Dwarf_Off at, real;
	Dwarf_Ranges *list;
	Dwarf_Signed count;
	Dwarf_Unsigned bytes;
	bool all = true;
	if (!hs_dwarf_ok(dw,
			 dwarf_global_formref(attribute, &at, &dw->error)) ||
	    !hs_dwarf_ok(dw, dwarf_get_ranges_b(dw->dbg, at, die, &real, &list,
						&count, &bytes, &dw->error)))
		return false;
	for (Dwarf_Signed i = 0; i < count && all; i++) {
		if (list[i].dwr_type == DW_RANGES_END)
			break;
		if (list[i].dwr_type == DW_RANGES_ADDRESS_SELECTION)
			base = list[i].dwr_addr2;
		else
			all = add_range(ret, base + list[i].dwr_addr1,
					base + list[i].dwr_addr2);
	}
	hs_dwarf_free_ranges(dw->dbg, list, count);
	return all;
}

bool hs_dwarf_ranges_of(struct hs_dwarf *dw, Dwarf_Die die, uint64_t base,
			struct hs_dwarf_ranges *ret)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	Dwarf_Half version, offset_size, form;
	Dwarf_Addr low, high;
	enum Dwarf_Form_Class kind;
	ret->count = 0;
	if (hs_dwarf_ok(dw, dwarf_attr(die, DW_AT_ranges, &attribute,
				       &dw->error))) {
		if (!leads_inside(dw, attribute, false) ||
		    dwarf_get_version_of_die(die, &version, &offset_size) !=
			    DW_DLV_OK ||
		    !hs_dwarf_ok(dw,
				 dwarf_whatform(attribute, &form, &dw->error)))
			return false;
		return version >= 5
			       ? range_list(dw, attribute, form, ret)
			       : old_range_list(dw, die, attribute, base, ret);
	}
	if (!hs_dwarf_ok(dw, dwarf_lowpc(die, &low, &dw->error)) ||
	    !hs_dwarf_ok(dw,
			 dwarf_highpc_b(die, &high, &form, &kind, &dw->error)))
		return false;
	if (kind == DW_FORM_CLASS_CONSTANT)
		high += low;
	return add_range(ret, low, high);
}

/* An expression being written. */
struct text {
	uint8_t byte[MAX_EXPRESSION];
	size_t len;
	bool full;
};

static void put(struct text *t, uint64_t byte)
{
	if (t->len == sizeof(t->byte))
		t->full = true;
	else
		t->byte[t->len++] = (uint8_t)byte;
}

static void put_fixed(struct text *t, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++, v >>= 8)
		put(t, v);
}

static void put_uleb(struct text *t, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		put(t, v | 0x80);
	put(t, v);
}

static void put_sleb(struct text *t, int64_t v)
{
	while (v < -0x40 || v >= 0x40) {
		put(t, ((uint64_t)v & 0x7f) | 0x80);
		v >>= 7;
	}
	put(t, (uint64_t)v & 0x7f);
}

/* How an operation's one operand is written. */
enum operand {
	NONE,
	FIXED1,
	FIXED2,
	FIXED4,
	FIXED8,
	ULEB,
	SLEB,
	ULEB_SLEB,
	WORD,
	BRANCH,
};

static enum operand operand_of(uint8_t op)
{
	if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
		return SLEB;
	if ((op >= DW_OP_lit0 && op <= DW_OP_lit31) ||
	    (op >= DW_OP_reg0 && op <= DW_OP_reg31))
		return NONE;
	switch (op) {
	case DW_OP_addr:
		return WORD;
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_pick:
	case DW_OP_deref_size:
		return FIXED1;
	case DW_OP_const2u:
	case DW_OP_const2s:
		return FIXED2;
	case DW_OP_const4u:
	case DW_OP_const4s:
		return FIXED4;
	case DW_OP_const8u:
	case DW_OP_const8s:
		return FIXED8;
	case DW_OP_constu:
	case DW_OP_plus_uconst:
	case DW_OP_regx:
	case DW_OP_addrx:
	case DW_OP_constx:
	case DW_OP_GNU_addr_index:
	case DW_OP_GNU_const_index:
		return ULEB;
	case DW_OP_consts:
	case DW_OP_fbreg:
		return SLEB;
	case DW_OP_bra:
	case DW_OP_skip:
		return BRANCH;
	case DW_OP_bregx:
		return ULEB_SLEB;
	case DW_OP_piece:
		return ULEB;
	default: /* what has no operand, or what is not evaluated anyhow */
		return NONE;
	}
}

/* libdwarf takes expressions of lists apart: put one together again. */
static bool write_expression(struct hs_dwarf *dw, Dwarf_Locdesc_c list,
			     Dwarf_Unsigned count, unsigned word,
			     struct text *t)
{
	/* Branches count bytes: is each operation where it was? */
	bool branches = false, same = true;
	for (Dwarf_Unsigned i = 0; i < count && !t->full; i++) {
		Dwarf_Small op;
		Dwarf_Unsigned v, second, third, branch;
		if (!hs_dwarf_ok(dw, dwarf_get_location_op_value_c(
					     list, i, &op, &v, &second, &third,
					     &branch, &dw->error)))
			return false;
		same &= branch == t->len;
		put(t, op);
		switch (operand_of(op)) {
		case NONE:
			break;
		case FIXED1:
			put_fixed(t, v, 1);
			break;
		case FIXED2:
			put_fixed(t, v, 2);
			break;
		case FIXED4:
			put_fixed(t, v, 4);
			break;
		case FIXED8:
			put_fixed(t, v, 8);
			break;
		case ULEB:
			put_uleb(t, v);
			break;
		case SLEB:
			put_sleb(t, (int64_t)v);
			break;
		case WORD:
			put_fixed(t, v, word);
			break;
		case ULEB_SLEB:
			put_uleb(t, v);
			put_sleb(t, (int64_t)second);
			break;
		case BRANCH:
			branches = true;
			put_fixed(t, v, 2);
			break;
		}
	}
	return !t->full && (same || !branches);
}

/* The expression of a list of locations that holds at PC. */
static bool listed(struct hs_dwarf *dw, Dwarf_Attribute attribute, uint64_t pc,
		   unsigned word, struct text *t)
{
	Dwarf_Loc_Head_c head;
	Dwarf_Unsigned count;
	bool found = false, again = false;
	if (!leads_inside(dw, attribute, true) ||
	    !hs_dwarf_ok(dw, dwarf_get_loclist_c(attribute, &head, &count,
						 &dw->error)))
		return false;
	for (Dwarf_Unsigned i = 0;
	     i < count && i < HS_LIMIT_DWARF_RANGES && !again; i++) {
		Dwarf_Small kind, source;
		Dwarf_Unsigned raw[2], ops, at[2];
		Dwarf_Bool unknown;
		Dwarf_Addr low, high;
		Dwarf_Locdesc_c list;
		if (!hs_dwarf_ok(dw,
				 dwarf_get_locdesc_entry_d(
					 head, i, &kind, &raw[0], &raw[1],
					 &unknown, &low, &high, &ops, &list,
					 &source, &at[0], &at[1], &dw->error)))
			break;
		if (unknown || ops == 0 || pc < low || pc >= high)
			continue;
		again = found; /* two places: which one is right? */
		found = write_expression(dw, list, ops, word, t);
		if (!found)
			break;
	}
	hs_dwarf_free_locations(head);
	return found && !again;
}

/* Numbers of addresses are told by the DIE's unit. */
struct unit {
	struct hs_dwarf *dw;
	Dwarf_Die die;
};

static bool indexed_address(void *arg, uint64_t index, uint64_t *ret)
{
	struct unit *u = arg;
	Dwarf_Addr addr;
	if (!hs_dwarf_ok(u->dw, dwarf_debug_addr_index_to_addr(
					u->die, index, &addr, &u->dw->error)))
		return false;
	*ret = addr;
	return true;
}

bool hs_dwarf_locate(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half which,
		     const struct hs_local_frame *frame, struct hs_window *read,
		     uint64_t bias, struct hs_dwarf_location *ret)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	struct unit unit = { dw, die };
	struct hs_dwarf_context c = {
		.read = read,
		.registers = &frame->frame.registers,
		.cfa = frame->frame.cfa,
		.frame_base = frame->base,
		.bias = bias,
		.address = indexed_address,
		.arg = &unit,
	};
	struct text t = { .len = 0 };
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
	return listed(dw, attribute, frame->pc, read->word_size, &t) &&
	       hs_dwarf_evaluate_pieces(&c, t.byte, t.len, ret->piece,
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
