/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_reader.h"

#include "core/limits.h"

/*
 * The functions that threads are in, and what is in their variables.
 */

/* Blocks in blocks of a function. */
#define MAX_DEPTH 64u

/* Has the variable that SAYS describes a value when its function is at FRAME?
 * Those that always stay in one place have one from their declaration on. */
static bool has_begun(struct hs_dwarf_reader *r, Dwarf_Die says,
		      enum hs_dwarf_space space, bool parameter,
		      const struct hs_local_frame *frame)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	uint64_t line = 0, file = 0;
	/* It may be about to be stored. */
	if (parameter && frame->frame.number > 0)
		return true;
	(void)hs_dwarf_constant(dw, says, DW_AT_decl_line, &line);
	(void)hs_dwarf_constant(dw, says, DW_AT_decl_file, &file);
	return frame->line && (file != frame->file || frame->line > line);
}

/* A variable that is being looked for. */
struct sought {
	struct hs_decl_variable v;
	Dwarf_Die die, says; /* what has its place, and its name and type */
	enum hs_dwarf_space in;
	const char *name, *function;
	bool added; /* to the declarations */
};

/* The variable has the value L in a frame. */
static bool add_local(struct hs_dwarf_reader *r, struct sought *sought,
		      struct hs_decl_local *l)
{
	struct hs_decl_variable *v = &sought->v;
	if (!sought->added) {
		bool own = hs_dwarf_has(&r->main, sought->die, DW_AT_type);
		v->at = 0;
		v->type =
			own ? hs_dwarf_type_of(r, sought->die, HS_DWARF_INFO, 0)
			    : hs_dwarf_type_of(r, sought->says, sought->in, 0);
		if (!hs_decls_add_text(r->d, sought->name, &v->name,
				       &r->failed) ||
		    (sought->function &&
		     !hs_decls_add_text(r->d, sought->function, &v->function,
					&r->failed)) ||
		    !hs_decls_add_variable(r->d, v, &r->failed))
			return false;
		sought->added = true;
	}
	l->variable = (uint32_t)r->d->variable_count - 1;
	return hs_decls_add_local(r->d, l, &r->failed);
}

/* PIECE of the variable, word by word where it is not the whole. */
static bool add_piece(struct hs_dwarf_reader *r, struct sought *sought,
		      const struct hs_local_frame *f,
		      const struct hs_dwarf_piece *piece)
{
	const struct hs_dwarf_place *place = &piece->place;
	unsigned word = r->read->word_size;
	struct hs_decl_local l = { .thread = f->thread,
				   .frame = f->frame.number,
				   .at = HS_NO_ADDR,
				   .value = place->value,
				   .offset = piece->offset };
	if (place->kind == HS_DWARF_IN_REGISTER) {
		bool known = hs_dwarf_register(&f->frame.registers,
					       place->value, &l.value);
		if (!known && !hs_dwarf_passed_in(r, f, place->value, &l.value))
			return true;
		if (known && !piece->size)
			l.at = f->frame.saved[place->value];
	} else if (place->kind == HS_DWARF_IN_MEMORY && !piece->size) {
		l.at = place->value;
	} else if (place->kind == HS_DWARF_IN_MEMORY) {
		for (uint64_t i = 0;
		     i < HS_DWARF_PIECES && (i + 1) * word <= piece->size;
		     i++) {
			l.offset = piece->offset + i * word;
			if (hs_window_word(r->read, place->value + i * word,
					   &l.value) &&
			    !add_local(r, sought, &l))
				return false;
		}
		return true;
	}
	return (piece->size && piece->size != word) || add_local(r, sought, &l);
}

/* The variable or parameter DIE of FUNCTION, in each frame of SET. */
static void local(struct hs_dwarf_reader *r, Dwarf_Die die,
		  const char *function, const struct hs_dwarf_frames *set)
{
	struct hs_dwarf *dw = &r->main;
	bool parameter = hs_dwarf_tag(dw, die) == DW_TAG_formal_parameter;
	HS_AUTO_DIE Dwarf_Die hold = NULL;
	struct sought s = { .v = { .module = r->module, .local = true },
			    .die = die,
			    .in = HS_DWARF_INFO,
			    .function = function };
	if (!hs_dwarf_has(dw, die, DW_AT_location) ||
	    hs_dwarf_fixed_location(r, die, HS_DWARF_INFO, &s.v))
		return; /* it is nowhere, or always in the same place */
	s.says = hs_dwarf_described(r, die, &s.in, &hold);
	s.name = hs_dwarf_name(hs_dwarf_of(r, s.in), s.says);
	for (size_t i = 0; s.name && i < set->count && !r->failed; i++) {
		const struct hs_local_frame *f = set->frame[i];
		struct hs_dwarf_location at;
		struct hs_dwarf_here here = hs_dwarf_here(r, f);
		if (!hs_dwarf_locate(dw, die, DW_AT_location, &here, &at) ||
		    (!at.moves && !has_begun(r, s.says, s.in, parameter, f)))
			continue;
		for (unsigned k = 0; k < at.pieces; k++)
			if (!add_piece(r, &s, f, &at.piece[k]))
				return;
	}
}

static void function_frames(struct hs_dwarf_reader *r, Dwarf_Die die,
			    unsigned depth);
static void scope(struct hs_dwarf_reader *r, Dwarf_Die die,
		  const char *function, const struct hs_dwarf_frames *set,
		  unsigned depth);

/* A scope within a function: a block, or a function that was inlined. */
static void inner_scope(struct hs_dwarf_reader *r, Dwarf_Die die,
			Dwarf_Half tag, const char *function, unsigned depth)
{
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_FRAMES struct hs_dwarf_frames set = { .count = 0 };
	char buf[HS_LIMIT_STRING];
	uint64_t line = 0, file = 0;
	if (!hs_dwarf_frames_in(r, die, &set))
		return;
	if (tag == DW_TAG_inlined_subroutine)
		function = hs_dwarf_function_name(r, die, HS_DWARF_INFO, buf);
	scope(r, die, function, &set, depth + 1);
	if (tag != DW_TAG_inlined_subroutine)
		return;
	/* To the scopes around, the frame is in the line of the call. */
	(void)hs_dwarf_constant(dw, die, DW_AT_call_line, &line);
	(void)hs_dwarf_constant(dw, die, DW_AT_call_file, &file);
	for (size_t i = 0; i < set.count; i++) {
		set.frame[i]->line = line;
		set.frame[i]->file = file;
	}
}

/* Call for each child of PARENT. */
typedef void (*child_fn)(struct hs_dwarf_reader *r, Dwarf_Die die,
			 Dwarf_Half tag, const char *function,
			 const struct hs_dwarf_frames *set, unsigned depth);

static void each_child(struct hs_dwarf_reader *r, Dwarf_Die parent, child_fn fn,
		       const char *function, const struct hs_dwarf_frames *set,
		       unsigned depth)
{
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_CHILDREN struct hs_dwarf_children c =
		hs_dwarf_children_of(parent, HS_DWARF_INFO);
	if (depth == MAX_DEPTH)
		return;
	while (hs_dwarf_next_child(dw, &c) && hs_dwarf_spend(r))
		fn(r, c.die, hs_dwarf_tag(dw, c.die), function, set, depth);
}

static void nested(struct hs_dwarf_reader *r, Dwarf_Die die, Dwarf_Half tag,
		   const char *function, const struct hs_dwarf_frames *set,
		   unsigned depth)
{
	(void)set;
	if (tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine)
		inner_scope(r, die, tag, function, depth);
	else if (tag == DW_TAG_subprogram || tag == DW_TAG_namespace)
		function_frames(r, die, depth);
}

static void variables(struct hs_dwarf_reader *r, Dwarf_Die die, Dwarf_Half tag,
		      const char *function, const struct hs_dwarf_frames *set,
		      unsigned depth)
{
	(void)depth;
	if (tag == DW_TAG_variable || tag == DW_TAG_formal_parameter)
		local(r, die, function, set);
}

/* Inner scopes first: they say in which line of this one the frames are. */
static void scope(struct hs_dwarf_reader *r, Dwarf_Die die,
		  const char *function, const struct hs_dwarf_frames *set,
		  unsigned depth)
{
	each_child(r, die, nested, function, set, depth);
	each_child(r, die, variables, function, set, depth);
}

/* The function DIE, or those in the namespace. */
static void function_frames(struct hs_dwarf_reader *r, Dwarf_Die die,
			    unsigned depth)
{
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_FRAMES struct hs_dwarf_frames set = { .count = 0 };
	char buf[HS_LIMIT_STRING];
	if (hs_dwarf_tag(dw, die) == DW_TAG_namespace) {
		each_child(r, die, nested, NULL, NULL, depth + 1);
		return;
	}
	if (!hs_dwarf_frames_in(r, die, &set))
		return;
	scope(r, die, hs_dwarf_function_name(r, die, HS_DWARF_INFO, buf), &set,
	      depth + 1);
}

/* What the variables of UNIT's functions are in the frames. */
void hs_dwarf_read_locals(struct hs_dwarf_reader *r, Dwarf_Die unit)
{
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_FRAMES struct hs_dwarf_frames set = { .count = 0 };
	if (r->skeletons) {
		each_child(r, unit, nested, NULL, NULL, 0);
		return;
	}
	/* Of one that does not say where its code is, all functions are
	 * asked. */
	bool silent = !hs_dwarf_ranges_of(dw, unit, &r->lists, &r->ranges);
	if (!silent && !hs_dwarf_frames_in(r, unit, &set))
		return;
	hs_dwarf_note_lines(dw, unit, r->frame, r->frame_count);
	each_child(r, unit, nested, NULL, NULL, 0);
}
