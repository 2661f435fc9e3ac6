/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_expression.h"

#include <dwarf.h>

#include "core/cursor.h"
#include "core/limits.h"

/* Compilers use three or four; the signal frames of libc two. */
#define MAX_STACK 64u

struct machine {
	const struct hs_dwarf_context *c;
	struct hs_cursor at;
	const uint8_t *start;
	uint64_t stack[MAX_STACK];
	unsigned depth;
	uint64_t mask; /* of a word of the target */
	struct hs_dwarf_place place;
	bool placed; /* `place` is the answer: but for the next piece nothing
		      * may follow */
	/* What is on the stack, or `place`, is made of what is not known: the
	 * next piece may be better. */
	bool lost;
	struct hs_dwarf_piece *piece; /* NULL: there may be none */
	unsigned pieces;
	uint64_t offset; /* of the next piece */
};

static bool push(struct machine *m, uint64_t v)
{
	if (m->depth == MAX_STACK)
		return false;
	m->stack[m->depth++] = v & m->mask;
	return true;
}

static bool pop(struct machine *m, uint64_t *ret)
{
	if (m->depth == 0)
		return false;
	*ret = m->stack[--m->depth];
	return true;
}

static bool push_pick(struct machine *m, uint64_t n)
{
	return n < m->depth && push(m, m->stack[m->depth - 1 - n]);
}

static bool push_register(struct machine *m, uint64_t n, int64_t offset)
{
	uint64_t v;
	return hs_dwarf_register(m->c->registers, n, &v) &&
	       push(m, v + (uint64_t)offset);
}

static bool push_memory(struct machine *m, uint64_t size)
{
	uint64_t addr, v = 0;
	return size >= 1 && size <= m->c->read->word_size && pop(m, &addr) &&
	       (m->lost ||
		hs_window_uint(m->c->read, addr, (unsigned)size, &v)) &&
	       push(m, v);
}

static bool push_indexed(struct machine *m, uint64_t index, bool is_address)
{
	uint64_t v;
	return m->c->address && m->c->address(m->c->arg, index, &v) &&
	       push(m, is_address ? v + m->c->bias : v);
}

static int64_t to_signed(const struct machine *m, uint64_t v)
{
	return m->c->read->word_size == 4 ? (int32_t)v : (int64_t)v;
}

/* Two numbers from the stack, the upper one is B. */
static bool binary(struct machine *m, uint8_t op)
{
	uint64_t a, b;
	if (!pop(m, &b) || !pop(m, &a))
		return false;
	int64_t sa = to_signed(m, a), sb = to_signed(m, b);
	unsigned bits = m->c->read->word_size * 8;
	switch (op) {
	case DW_OP_and:
		return push(m, a & b);
	case DW_OP_or:
		return push(m, a | b);
	case DW_OP_xor:
		return push(m, a ^ b);
	case DW_OP_plus:
		return push(m, a + b);
	case DW_OP_minus:
		return push(m, a - b);
	case DW_OP_mul:
		return push(m, a * b);
	case DW_OP_div: /* the one overflow: the smallest by -1 */
		return b && push(m, sb == -1 ? 0 - a : (uint64_t)(sa / sb));
	case DW_OP_mod:
		return b && push(m, a % b);
	case DW_OP_shl:
		return push(m, b < bits ? a << b : 0);
	case DW_OP_shr:
		return push(m, b < bits ? a >> b : 0);
	case DW_OP_shra:
		return push(m, (uint64_t)(sa >> (b < bits ? b : bits - 1)));
	case DW_OP_eq:
		return push(m, sa == sb);
	case DW_OP_ne:
		return push(m, sa != sb);
	case DW_OP_lt:
		return push(m, sa < sb);
	case DW_OP_le:
		return push(m, sa <= sb);
	case DW_OP_gt:
		return push(m, sa > sb);
	case DW_OP_ge:
		return push(m, sa >= sb);
	default:
		return false;
	}
}

static bool unary(struct machine *m, uint8_t op)
{
	uint64_t v;
	if (!pop(m, &v))
		return false;
	switch (op) {
	case DW_OP_abs:
		return push(m, to_signed(m, v) < 0 ? 0 - v : v);
	case DW_OP_neg:
		return push(m, 0 - v);
	case DW_OP_not:
		return push(m, ~v);
	default: /* DW_OP_plus_uconst */
		return push(m, v + hs_cursor_uleb(&m->at));
	}
}

static bool reorder(struct machine *m, uint8_t op)
{
	uint64_t *top = m->stack + m->depth, v;
	if (op == DW_OP_drop)
		return pop(m, &v);
	if (op == DW_OP_swap) {
		if (m->depth < 2)
			return false;
		v = top[-1];
		top[-1] = top[-2];
		top[-2] = v;
		return true;
	}
	if (m->depth < 3) /* DW_OP_rot: the upper one goes below the others */
		return false;
	v = top[-1];
	top[-1] = top[-2];
	top[-2] = top[-3];
	top[-3] = v;
	return true;
}

static bool jump(struct machine *m, uint8_t op)
{
	int16_t by = (int16_t)hs_cursor_u16(&m->at);
	uint64_t v = 1;
	if (m->at.overrun || (op == DW_OP_bra && (m->lost || !pop(m, &v))))
		return false;
	if (!v)
		return true;
	if (by < m->start - m->at.pos || by > m->at.end - m->at.pos)
		return false;
	m->at.pos += by;
	return true;
}

static bool placed(struct machine *m, enum hs_dwarf_place_kind kind,
		   uint64_t value)
{
	m->place = (struct hs_dwarf_place){ kind, value };
	m->placed = true;
	return true;
}

static int64_t fixed_signed(struct machine *m, unsigned size)
{
	uint64_t v = hs_cursor_uint(&m->at, size);
	unsigned unused = 64 - size * 8;
	return (int64_t)(v << unused) >> unused;
}

static bool constant(struct machine *m, uint8_t op)
{
	struct hs_cursor *at = &m->at;
	switch (op) {
	case DW_OP_const1u:
		return push(m, hs_cursor_uint(at, 1));
	case DW_OP_const2u:
		return push(m, hs_cursor_u16(at));
	case DW_OP_const4u:
		return push(m, hs_cursor_u32(at));
	case DW_OP_const8u:
	case DW_OP_const8s:
		return push(m, hs_cursor_u64(at));
	case DW_OP_const1s:
		return push(m, (uint64_t)fixed_signed(m, 1));
	case DW_OP_const2s:
		return push(m, (uint64_t)fixed_signed(m, 2));
	case DW_OP_const4s:
		return push(m, (uint64_t)fixed_signed(m, 4));
	case DW_OP_constu:
		return push(m, hs_cursor_uleb(at));
	default: /* DW_OP_consts */
		return push(m, (uint64_t)hs_cursor_sleb(at));
	}
}

/* What was said until here is the next SIZE bytes of the thing. */
static bool end_piece(struct machine *m, uint64_t size)
{
	uint64_t addr;
	if (!m->piece || size == 0 || size > UINT64_MAX - m->offset)
		return false;
	bool somewhere = !m->lost && (m->placed || m->depth > 0);
	if (somewhere) {
		if (m->pieces == HS_DWARF_PIECES)
			return false;
		if (!m->placed && pop(m, &addr))
			m->place = (struct hs_dwarf_place){ HS_DWARF_IN_MEMORY,
							    addr };
		m->piece[m->pieces++] =
			(struct hs_dwarf_piece){ m->place, m->offset, size };
	}
	m->offset += size;
	m->depth = 0;
	m->placed = false;
	m->lost = false;
	return true;
}

static bool lose(struct machine *m)
{
	m->lost = true;
	return true;
}

/* What was given to the function, which C may know. */
static bool push_given(struct machine *m, const struct hs_dwarf_given *what)
{
	uint64_t v = 0;
	if (!m->c->given || !m->c->given(m->c->arg, what, &v))
		m->lost = true;
	return push(m, v);
}

/* The value that something had when the function began: compilers ask for
 * registers only. */
static bool push_entry_value(struct machine *m)
{
	struct hs_dwarf_given what = { .parameter = false };
	uint64_t len = hs_cursor_uleb(&m->at);
	const uint8_t *expr = hs_cursor_bytes(&m->at, len);
	if (!expr || len == 0)
		return false;
	struct hs_cursor at = { .pos = expr, .end = expr + len };
	uint8_t op = (uint8_t)hs_cursor_uint(&at, 1);
	if (op == DW_OP_regx)
		what.at = hs_cursor_uleb(&at);
	else if (op >= DW_OP_reg0 && op <= DW_OP_reg31)
		what.at = (uint64_t)op - DW_OP_reg0;
	else
		return lose(m) && push(m, 0);
	if (at.overrun || hs_cursor_left(&at))
		return false;
	return push_given(m, &what);
}

/* A pointer to something that is in no memory: DW_OP_implicit_pointer. Where
 * that has its parts is said of it. */
static bool no_pointer(struct machine *m)
{
	(void)hs_cursor_uint(&m->at, m->c->offset_size);
	(void)hs_cursor_sleb(&m->at);
	return lose(m) && placed(m, HS_DWARF_NOWHERE, 0);
}

/* A constant, as bytes. */
static bool implicit_value(struct machine *m)
{
	uint64_t len = hs_cursor_uleb(&m->at);
	return hs_cursor_bytes(&m->at, len) && lose(m) &&
	       placed(m, HS_DWARF_NOWHERE, 0);
}

static bool step(struct machine *m, uint8_t op)
{
	const struct hs_dwarf_context *c = m->c;
	struct hs_cursor *at = &m->at;
	uint64_t v;
	if (op >= DW_OP_lit0 && op <= DW_OP_lit31)
		return push(m, (uint64_t)op - DW_OP_lit0);
	if (op >= DW_OP_reg0 && op <= DW_OP_reg31)
		return placed(m, HS_DWARF_IN_REGISTER,
			      (uint64_t)op - DW_OP_reg0);
	if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
		return push_register(m, (uint64_t)op - DW_OP_breg0,
				     hs_cursor_sleb(at));
	if (op >= DW_OP_const1u && op <= DW_OP_consts)
		return constant(m, op);
	switch (op) {
	case DW_OP_addr:
		return push(m,
			    hs_cursor_uint(at, c->read->word_size) + c->bias);
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		return push_indexed(m, hs_cursor_uleb(at), true);
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		return push_indexed(m, hs_cursor_uleb(at), false);
	case DW_OP_regx:
		return placed(m, HS_DWARF_IN_REGISTER, hs_cursor_uleb(at));
	case DW_OP_bregx:
		v = hs_cursor_uleb(at);
		return push_register(m, v, hs_cursor_sleb(at));
	case DW_OP_fbreg:
		return c->frame_base != HS_NO_ADDR &&
		       push(m, c->frame_base + (uint64_t)hs_cursor_sleb(at));
	case DW_OP_call_frame_cfa:
		return c->cfa != HS_NO_ADDR && push(m, c->cfa);
	case DW_OP_deref:
		return push_memory(m, c->read->word_size);
	case DW_OP_deref_size:
		return push_memory(m, hs_cursor_uint(at, 1));
	case DW_OP_dup:
		return push_pick(m, 0);
	case DW_OP_over:
		return push_pick(m, 1);
	case DW_OP_pick:
		return push_pick(m, hs_cursor_uint(at, 1));
	case DW_OP_drop:
	case DW_OP_swap:
	case DW_OP_rot:
		return reorder(m, op);
	case DW_OP_abs:
	case DW_OP_neg:
	case DW_OP_not:
	case DW_OP_plus_uconst:
		return unary(m, op);
	case DW_OP_skip:
	case DW_OP_bra:
		return jump(m, op);
	case DW_OP_nop:
		return true;
	case DW_OP_piece:
		return end_piece(m, hs_cursor_uleb(at));
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		return push_entry_value(m);
	case DW_OP_GNU_parameter_ref:
		return push_given(
			m, &(struct hs_dwarf_given){ .parameter = true,
						     .at = hs_cursor_u32(at) });
	case DW_OP_implicit_pointer:
	case DW_OP_GNU_implicit_pointer:
		return no_pointer(m);
	case DW_OP_implicit_value:
		return implicit_value(m);
	case DW_OP_stack_value:
		return pop(m, &v) && placed(m, HS_DWARF_NOWHERE, v);
	default:
		return binary(m, op); /* or nothing that we know */
	}
}

/* Run the machine to the end of its program. */
static bool run(struct machine *m)
{
	for (unsigned n = 0; hs_cursor_left(&m->at) > 0; n++) {
		uint8_t op = (uint8_t)hs_cursor_uint(&m->at, 1);
		if ((m->placed && op != DW_OP_piece) ||
		    n == HS_LIMIT_DWARF_STEPS || !step(m, op) || m->at.overrun)
			return false;
	}
	return true;
}

/* Where the whole thing is, when nothing was said of pieces. */
static bool whole(struct machine *m, struct hs_dwarf_place *ret)
{
	uint64_t addr;
	if (m->lost)
		return false;
	if (!m->placed) {
		if (!pop(m, &addr))
			return false; /* optimised out */
		m->place = (struct hs_dwarf_place){ HS_DWARF_IN_MEMORY, addr };
	}
	*ret = m->place;
	return true;
}

bool hs_dwarf_evaluate_pieces(const struct hs_dwarf_context *c,
			      const uint8_t *expr, size_t len,
			      struct hs_dwarf_piece piece[HS_DWARF_PIECES],
			      unsigned *count)
{
	struct machine m = {
		.c = c,
		.at = { .pos = expr, .end = expr + len },
		.start = expr,
		.mask = c->read->word_size == 4 ? UINT32_MAX : UINT64_MAX,
		.piece = piece,
	};
	if (!run(&m))
		return false;
	if (m.offset) { /* what follows the last piece belongs to none */
		*count = m.pieces;
		return !m.placed && m.depth == 0;
	}
	*count = 1;
	piece[0] = (struct hs_dwarf_piece){ .offset = 0 };
	return whole(&m, &piece[0].place);
}

bool hs_dwarf_evaluate(const struct hs_dwarf_context *c, const uint8_t *expr,
		       size_t len, const uint64_t *first,
		       struct hs_dwarf_place *ret)
{
	struct machine m = {
		.c = c,
		.at = { .pos = expr, .end = expr + len },
		.start = expr,
		.mask = c->read->word_size == 4 ? UINT32_MAX : UINT64_MAX,
	};
	if (first && !push(&m, *first))
		return false;
	return run(&m) && whole(&m, ret);
}
