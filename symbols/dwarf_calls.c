/* SPDX-License-Identifier: MIT */
#include "core/grow.h"
#include "core/limits.h"
#include "symbols/branches.h"
#include "symbols/dwarf_reader.h"

/*
 * What callers gave to the functions that threads are in. An optimised function
 * forgets its parameters as soon as it can, but its caller may still know, and
 * the debug information of the call says how.
 *
 * Only if it was this call that began the function: another one may have been
 * called here, and have ended in a jump to it. So the call must lead there, by
 * its instruction or by the address that it was made with, and nothing that the
 * function itself ends in may lead back to it.
 */

/* Blocks in blocks of a function. */
#define MAX_DEPTH 64u

bool hs_dwarf_frames_in(struct hs_dwarf_reader *r, Dwarf_Die die,
			struct hs_dwarf_frames *ret)
{
	if (!hs_dwarf_ranges_of(&r->main, die, &r->lists, &r->ranges))
		return r->ranges.no_memory && hs_dwarf_no_memory(r);
	for (size_t i = 0; i < r->ranges.count; i++) {
		const struct hs_dwarf_range *range = &r->ranges.range[i];
		size_t f = hs_dwarf_frame_from(r->frame, r->frame_count,
					       range->start);
		for (; f < r->frame_count && r->frame[f].pc < range->end; f++) {
			/* Ranges that overlap are forged. */
			if (ret->count == r->frame_count)
				return true;
			if (hs_grow(&ret->frame, &ret->capacity, ret->count,
				    sizeof(*ret->frame), NULL))
				return hs_dwarf_no_memory(r);
			ret->frame[ret->count++] = &r->frame[f];
		}
	}
	return ret->count > 0;
}

static bool is_call(Dwarf_Half tag)
{
	return tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site;
}

static bool is_scope(Dwarf_Half tag)
{
	return tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine;
}

static bool has_either(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half one,
		       Dwarf_Half other)
{
	return hs_dwarf_has(dw, die, one) || hs_dwarf_has(dw, die, other);
}

/* The address behind the call DIE, as linked. */
static bool behind_call(struct hs_dwarf *dw, Dwarf_Die die, uint64_t *ret)
{
	static const Dwarf_Half ways[] = { DW_AT_call_return_pc, DW_AT_low_pc };
	for (size_t i = 0; i < 2; i++) {
		HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
		Dwarf_Addr at;
		if (hs_dwarf_ok(dw, dwarf_attr(die, ways[i], &attribute,
					       &dw->error)) &&
		    hs_dwarf_ok(dw,
				dwarf_formaddr(attribute, &at, &dw->error))) {
			*ret = at;
			return true;
		}
	}
	return false;
}

/* Note the call DIE in the frames that are in it. */
static void note_call(struct hs_dwarf_reader *r, Dwarf_Die die)
{
	struct hs_dwarf *dw = &r->main;
	uint64_t behind;
	Dwarf_Off at;
	if (!behind_call(dw, die, &behind) || behind == 0 ||
	    !hs_dwarf_ok(dw, dwarf_dieoffset(die, &at, &dw->error)))
		return;
	size_t f = hs_dwarf_frame_from(r->frame, r->frame_count, behind - 1);
	for (; f < r->frame_count && r->frame[f].pc == behind - 1; f++)
		r->frame[f].site = at;
}

/* Call FN for each call in the code of FUNCTION, not of functions within; until
 * it returns false, which is returned. */
typedef bool (*call_fn)(struct hs_dwarf_reader *r, Dwarf_Die die, void *arg);

static bool each_call(struct hs_dwarf_reader *r, Dwarf_Die parent, call_fn fn,
		      void *arg, unsigned depth)
{
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_CHILDREN struct hs_dwarf_children c =
		hs_dwarf_children_of(parent, HS_DWARF_INFO);
	if (depth == MAX_DEPTH)
		return false;
	while (hs_dwarf_next_child(dw, &c)) {
		Dwarf_Half tag = hs_dwarf_tag(dw, c.die);
		if (!hs_dwarf_spend(r) ||
		    (is_call(tag) && !fn(r, c.die, arg)) ||
		    (is_scope(tag) && !each_call(r, c.die, fn, arg, depth + 1)))
			return false;
	}
	return true;
}

static bool note_site(struct hs_dwarf_reader *r, Dwarf_Die die, void *arg)
{
	(void)arg;
	note_call(r, die);
	return true;
}

static void note_base(struct hs_dwarf_reader *r, Dwarf_Die die,
		      struct hs_local_frame *f)
{
	struct hs_dwarf_here here = {
		.unit = &r->lists, .frame = f, .read = r->read, .bias = r->bias
	};
	struct hs_dwarf_location at;
	f->base = HS_NO_ADDR;
	if (!hs_dwarf_locate(&r->main, die, DW_AT_frame_base, &here, &at) ||
	    at.pieces != 1 || at.piece[0].size)
		return;
	const struct hs_dwarf_place *place = &at.piece[0].place;
	if (place->kind == HS_DWARF_IN_MEMORY)
		f->base = place->value;
	else if (place->kind == HS_DWARF_IN_REGISTER)
		(void)hs_dwarf_register(&f->frame.registers, place->value,
					&f->base);
}

/* The functions below PARENT, which is a unit, a namespace or a function. */
static void functions(struct hs_dwarf_reader *r, Dwarf_Die parent,
		      unsigned depth);

static void function(struct hs_dwarf_reader *r, Dwarf_Die die, unsigned depth)
{
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_FRAMES struct hs_dwarf_frames set = { .count = 0 };
	Dwarf_Off at;
	if (!hs_dwarf_frames_in(r, die, &set) ||
	    !hs_dwarf_ok(dw, dwarf_dieoffset(die, &at, &dw->error)))
		return;
	uint64_t entry = r->ranges.range[0].start;
	for (size_t i = 0; i < set.count; i++) {
		set.frame[i]->function = at;
		set.frame[i]->entry = entry;
		note_base(r, die, set.frame[i]);
	}
	(void)each_call(r, die, note_site, NULL, 0);
	functions(r, die, depth + 1);
}

static void functions(struct hs_dwarf_reader *r, Dwarf_Die parent,
		      unsigned depth)
{
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_CHILDREN struct hs_dwarf_children c =
		hs_dwarf_children_of(parent, HS_DWARF_INFO);
	if (depth == MAX_DEPTH)
		return;
	while (hs_dwarf_next_child(dw, &c) && hs_dwarf_spend(r)) {
		Dwarf_Half tag = hs_dwarf_tag(dw, c.die);
		if (tag == DW_TAG_subprogram)
			function(r, c.die, depth);
		else if (tag == DW_TAG_namespace || is_scope(tag))
			functions(r, c.die, depth + 1);
	}
}

void hs_dwarf_read_calls(struct hs_dwarf_reader *r, Dwarf_Die unit)
{
	HS_AUTO_FRAMES struct hs_dwarf_frames set = { .count = 0 };
	/* Of one that does not say where its code is, all functions are
	 * asked; of one in another file the program said it. */
	if (r->skeletons ||
	    !hs_dwarf_ranges_of(&r->main, unit, &r->lists, &r->ranges) ||
	    hs_dwarf_frames_in(r, unit, &set))
		functions(r, unit, 0);
}

/* Functions that one may end in a jump to, and those that they may, ... */
struct last_calls {
	Dwarf_Off function[HS_LIMIT_LAST_CALLS];
	unsigned count;
	hs_addr entry; /* of the first one, as linked */
};

/* Does DIE say where its own code is? Of a mere declaration nobody knows which
 * function it is. */
static bool has_code(struct hs_dwarf *dw, Dwarf_Die die)
{
	return has_either(dw, die, DW_AT_low_pc, DW_AT_ranges);
}

/* A jump that leads out of the module. */
static bool leaves(struct hs_dwarf_reader *r, Dwarf_Die die)
{
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	const struct hs_target *target = r->read->target;
	Dwarf_Addr at;
	uint64_t behind;
	hs_addr to;
	/* What compilers say is the address of the jump, or the one behind. */
	if (hs_dwarf_ok(dw, dwarf_attr(die, DW_AT_call_pc, &attribute,
				       &dw->error)) &&
	    hs_dwarf_ok(dw, dwarf_formaddr(attribute, &at, &dw->error)))
		behind = at + 5;
	else if (!behind_call(dw, die, &behind))
		return false;
	return hs_branch_target(r->read, behind + r->bias, HS_BRANCH_JUMP,
				&to) &&
	       hs_target_find_module(target, to) != SIZE_MAX &&
	       hs_target_find_module(target, to) != r->module;
}

/* If the call DIE is the last thing that its function does, note which function
 * goes on then. False: it may be any, or the first one. */
static bool note_last(struct hs_dwarf_reader *r, Dwarf_Die die, void *arg)
{
	struct last_calls *calls = arg;
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_DIE Dwarf_Die to = NULL;
	Dwarf_Off at;
	if (!has_either(dw, die, DW_AT_call_tail_call, DW_AT_GNU_tail_call))
		return true;
	bool known = hs_dwarf_referred(dw, die, DW_AT_call_origin, &to) ||
		     hs_dwarf_referred(dw, die, DW_AT_abstract_origin, &to);
	if (!known || !has_code(dw, to))
		return leaves(r, die);
	if (!hs_dwarf_ok(dw, dwarf_dieoffset(to, &at, &dw->error)) ||
	    at == calls->function[0])
		return false;
	for (unsigned i = 1; i < calls->count; i++)
		if (calls->function[i] == at)
			return true;
	if (calls->count == HS_LIMIT_LAST_CALLS)
		return false;
	calls->function[calls->count++] = at;
	return true;
}

/* Does DIE say of all its last calls which they are? */
static bool says_last_calls(struct hs_dwarf *dw, Dwarf_Die die)
{
	return has_either(dw, die, DW_AT_call_all_calls,
			  DW_AT_GNU_all_call_sites) ||
	       has_either(dw, die, DW_AT_call_all_tail_calls,
			  DW_AT_GNU_all_tail_call_sites);
}

/* Is it sure that FUNCTION never ends in a jump that leads back to it? */
static bool never_loops(struct hs_dwarf_reader *r, Dwarf_Off function)
{
	const struct hs_addr_entry *known =
		hs_addr_map_get(&r->no_loops, function);
	struct last_calls calls = { .function = { function }, .count = 1 };
	struct hs_dwarf *dw = &r->main;
	bool sure = true;
	if (known)
		return known->value;
	for (unsigned i = 0; i < calls.count && sure; i++) {
		HS_AUTO_DIE Dwarf_Die die = NULL;
		sure = hs_dwarf_ok(dw,
				   dwarf_offdie_b(dw->dbg, calls.function[i], 1,
						  &die, &dw->error)) &&
		       says_last_calls(dw, die) &&
		       each_call(r, die, note_last, &calls, 0);
	}
	struct hs_addr_entry e = { function, sure, 0 };
	return (!hs_addr_map_put(&r->no_loops, e, NULL) ||
		hs_dwarf_no_memory(r)) &&
	       sure;
}

/* The number that attribute WHICH of DIE is for the caller. */
static bool value_of(struct hs_dwarf_reader *r, Dwarf_Die die, Dwarf_Half which,
		     const struct hs_dwarf_here *here, uint64_t *ret)
{
	struct hs_dwarf_location at;
	if (!hs_dwarf_locate(&r->main, die, which, here, &at) ||
	    at.pieces != 1 || at.piece[0].size ||
	    at.piece[0].place.kind == HS_DWARF_IN_REGISTER)
		return false;
	*ret = at.piece[0].place.value;
	return true;
}

/* Did the call SITE of HERE begin the function at ENTRY, an address? */
static bool led_to(struct hs_dwarf_reader *r, Dwarf_Die site,
		   const struct hs_dwarf_here *here, hs_addr entry)
{
	hs_addr to;
	if (hs_branch_target(r->read, here->frame->frame.pc, HS_BRANCH_CALL,
			     &to))
		return to == entry;
	return (value_of(r, site, DW_AT_call_target, here, &to) ||
		value_of(r, site, DW_AT_GNU_call_site_target, here, &to)) &&
	       to == entry;
}

/* Is PARAMETER of a call about WHAT? */
static bool is_about(struct hs_dwarf *dw, Dwarf_Die parameter,
		     const struct hs_dwarf_given *what)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	HS_AUTO_DIE Dwarf_Die of = NULL;
	Dwarf_Off at;
	Dwarf_Unsigned len;
	Dwarf_Ptr block;
	if (what->parameter)
		return (hs_dwarf_referred(dw, parameter, DW_AT_call_parameter,
					  &of) ||
			hs_dwarf_referred(dw, parameter, DW_AT_abstract_origin,
					  &of)) &&
		       hs_dwarf_ok(dw, dwarf_dieoffset(of, &at, &dw->error)) &&
		       at == what->at;
	if (!hs_dwarf_ok(dw, dwarf_attr(parameter, DW_AT_location, &attribute,
					&dw->error)) ||
	    !hs_dwarf_ok(
		    dw, dwarf_formexprloc(attribute, &len, &block, &dw->error)))
		return false;
	const uint8_t *expr = block;
	return len == 1 && what->at < 32 && expr[0] == DW_OP_reg0 + what->at;
}

/* What the call SITE of HERE passes as WHAT. */
static bool passed(struct hs_dwarf_reader *r, Dwarf_Die site,
		   const struct hs_dwarf_given *what,
		   const struct hs_dwarf_here *here, uint64_t *ret)
{
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_CHILDREN struct hs_dwarf_children c =
		hs_dwarf_children_of(site, HS_DWARF_INFO);
	while (hs_dwarf_next_child(dw, &c) && hs_dwarf_spend(r))
		if (is_about(dw, c.die, what))
			return value_of(r, c.die, DW_AT_call_value, here,
					ret) ||
			       value_of(r, c.die, DW_AT_GNU_call_site_value,
					here, ret);
	return false;
}

static bool given(void *arg, const struct hs_local_frame *frame,
		  Dwarf_Die unit_die, const struct hs_dwarf_given *what,
		  uint64_t *ret);

/* To ask what callers know, who have no lists. */
static struct hs_dwarf_here in_frame(struct hs_dwarf_reader *r,
				     const struct hs_local_frame *frame)
{
	return (struct hs_dwarf_here){ .frame = frame,
				       .read = r->read,
				       .bias = r->bias,
				       .given = given,
				       .arg = r };
}

/* What the caller gave to the function of FRAME. */
static bool given(void *arg, const struct hs_local_frame *frame,
		  Dwarf_Die unit_die, const struct hs_dwarf_given *what,
		  uint64_t *ret)
{
	struct hs_dwarf_reader *r = arg;
	struct hs_dwarf *dw = &r->main;
	const struct hs_local_frame *caller = frame->caller;
	struct hs_dwarf_given sought = *what;
	HS_AUTO_DIE Dwarf_Die site = NULL;
	Dwarf_Off start, len;
	if (!caller || caller->site == HS_NO_ADDR ||
	    frame->function == HS_NO_ADDR || r->gifts_left == 0)
		return false;
	r->gifts_left--;
	struct hs_dwarf_here here = in_frame(r, caller);
	if (what->parameter) {
		if (!hs_dwarf_ok(dw,
				 dwarf_die_CU_offset_range(unit_die, &start,
							   &len, &dw->error)) ||
		    what->at >= len)
			return false;
		sought.at += start;
	}
	if (!hs_dwarf_ok(dw, dwarf_offdie_b(dw->dbg, caller->site, 1, &site,
					    &dw->error)) ||
	    !led_to(r, site, &here, frame->entry + r->bias) ||
	    !never_loops(r, frame->function))
		return false;
	return passed(r, site, &sought, &here, ret);
}

bool hs_dwarf_passed_in(struct hs_dwarf_reader *r,
			const struct hs_local_frame *frame, uint64_t reg,
			uint64_t *ret)
{
	struct hs_dwarf *dw = &r->main;
	struct hs_dwarf_here here = in_frame(r, frame);
	struct hs_dwarf_given what = { .at = reg };
	HS_AUTO_DIE Dwarf_Die site = NULL;
	return frame->site != HS_NO_ADDR &&
	       hs_dwarf_ok(dw, dwarf_offdie_b(dw->dbg, frame->site, 1, &site,
					      &dw->error)) &&
	       passed(r, site, &what, &here, ret);
}

struct hs_dwarf_here hs_dwarf_here(struct hs_dwarf_reader *r,
				   const struct hs_local_frame *frame)
{
	struct hs_dwarf_here here = in_frame(r, frame);
	r->gifts_left = HS_LIMIT_GIFTS;
	here.unit = &r->lists;
	return here;
}
