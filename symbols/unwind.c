/* SPDX-License-Identifier: MIT */
#include "symbols/unwind.h"

#include <stdlib.h>

#include "core/limits.h"

/* aarch64: addresses have 48 bits; what is above may be a signature. */
#define AARCH64_ADDRESS ((UINT64_C(1) << 48) - 1)

/* How the kernel's registers are numbered in DWARF, and which of them a
 * function gives back as it found them. */
struct machine {
	const uint8_t *kernel;  /* index of DWARF's register N */
	unsigned count, sp, pc; /* DWARF's numbers */
	uint64_t kept;
};
#define BIT(n) (UINT64_C(1) << (n))

static const uint8_t x86_64_kernel[] = { 10, 12, 11, 5, 13, 14, 4, 19, 9,
					 8,  7,  6,  3, 2,  1,  0, 16 };
static const uint8_t i386_kernel[] = { 6, 1, 2, 0, 15, 5, 3, 4, 12 };
static const uint8_t aarch64_kernel[] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,
					  9,  10, 11, 12, 13, 14, 15, 16, 17,
					  18, 19, 20, 21, 22, 23, 24, 25, 26,
					  27, 28, 29, 30, 31, 32 };

static const struct machine machines[] = {
	[HS_ARCH_X86_64] = { x86_64_kernel, 17, 7, 16,
			     BIT(3) | BIT(6) | BIT(12) | BIT(13) | BIT(14) |
				     BIT(15) },
	[HS_ARCH_I386] = { i386_kernel, 9, 4, 8,
			   BIT(3) | BIT(5) | BIT(6) | BIT(7) },
	[HS_ARCH_AARCH64] = { aarch64_kernel, 33, 31, 32, (BIT(12) - 1) << 19 },
};

enum hs_status hs_unwinder_init(struct hs_unwinder *u, struct hs_target *target,
				struct hs_symbols *syms, struct hs_error *err)
{
	/* One more: calloc(0) may be NULL. */
	size_t count = target->modules.count + 1;
	u->target = target;
	u->syms = syms;
	hs_window_init(&u->read, target);
	u->end = HS_STACK_NO_REGISTERS;
	u->frames = HS_LIMIT_FRAMES;
	u->bytes = HS_LIMIT_FRAME_BYTES;
	u->switches = 0;
	u->no_memory = false;
	u->table = calloc(count, sizeof(*u->table));
	u->asked = calloc(count, sizeof(*u->asked));
	if (u->table && u->asked)
		return HS_OK;
	hs_unwinder_release(u);
	return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu modules", count);
}

void hs_unwinder_release(struct hs_unwinder *u)
{
	for (size_t i = 0; u->table && i < u->target->modules.count; i++)
		hs_cfi_table_release(&u->table[i]);
	free(u->table);
	free(u->asked);
	u->table = NULL;
	u->asked = NULL;
}

static const struct machine *machine(const struct hs_unwinder *u)
{
	return &machines[u->target->arch];
}

static hs_addr word(const struct hs_unwinder *u, uint64_t v)
{
	return u->target->word_size == 4 ? (uint32_t)v : v;
}

/* The table of MODULE; NULL: it has none. */
static struct hs_cfi_table *need_table(struct hs_unwinder *u, size_t module)
{
	struct hs_cfi_table *table = &u->table[module];
	if (!u->asked[module]) {
		enum hs_status st =
			hs_symbols_call_frames(u->syms, module, table, NULL);
		if (st)
			*table = (struct hs_cfi_table){ 0 };
		u->no_memory |= st == HS_ERR_NOMEM;
		u->asked[module] = true;
	}
	return table->header_len || table->records_len ? table : NULL;
}

static void context(struct hs_unwinder *u, const struct hs_frame *f,
		    struct hs_dwarf_context *ret)
{
	*ret = (struct hs_dwarf_context){
		.read = &u->read,
		.registers = &f->registers,
		.cfa = f->cfa,
		.frame_base = HS_NO_ADDR,
	};
}

static bool find_cfa(struct hs_unwinder *u, struct hs_frame *f)
{
	const struct hs_cfi_rule *rule = &u->row.cfa;
	struct hs_dwarf_context c;
	struct hs_dwarf_place place;
	uint64_t v;
	switch (rule->how) {
	case HS_CFI_VALUE:
		if (!hs_dwarf_register(&f->registers, u->row.cfa_register, &v))
			return false;
		f->cfa = word(u, v + (uint64_t)rule->offset);
		return true;
	case HS_CFI_VALUE_OF:
		context(u, f, &c);
		if (!hs_dwarf_evaluate(&c, rule->expr, rule->len, NULL,
				       &place) ||
		    place.kind == HS_DWARF_IN_REGISTER)
			return false;
		f->cfa = place.value;
		return true;
	default:
		return false;
	}
}

static bool record_of(struct hs_unwinder *u, struct hs_cfi_table *table,
		      hs_addr pc)
{
	bool found = hs_cfi_find(&u->read, table, pc, &u->cfi);
	u->no_memory |= table->no_memory;
	u->bytes -= u->bytes < u->cfi.bytes ? u->bytes : u->cfi.bytes;
	return found;
}

/* Nobody called the code that handlers return to: its first instruction is
 * what comes next, and its record may begin there, or one byte before. */
static bool find_record(struct hs_unwinder *u, struct hs_cfi_table *table,
			const struct hs_frame *f)
{
	return record_of(u, table, f->look) ||
	       (f->look != f->pc && record_of(u, table, f->pc) &&
		u->cfi.signal);
}

/* Find out where F, whose registers are known, has what. */
static void describe(struct hs_unwinder *u, struct hs_frame *f)
{
	f->cfa = HS_NO_ADDR;
	f->signal = false;
	f->module = hs_target_find_module(u->target, f->look);
	u->end = HS_STACK_NO_TABLE;
	struct hs_cfi_table *table =
		f->module != SIZE_MAX ? need_table(u, f->module) : NULL;
	if (!table)
		return;
	u->read.why = HS_OK;
	if (!find_record(u, table, f)) {
		if (u->read.why)
			u->end = HS_STACK_UNREADABLE;
		return;
	}
	f->signal = u->cfi.signal;
	if (f->signal)
		f->look = f->pc;
	if (hs_cfi_row(&u->cfi, f->look, &u->row) && find_cfa(u, f))
		u->end = HS_STACK_OUTERMOST; /* not yet, really */
}

bool hs_unwind_begin(struct hs_unwinder *u, const struct hs_thread *thread,
		     struct hs_frame *ret)
{
	const struct machine *m = machine(u);
	u->end = HS_STACK_NO_REGISTERS;
	u->switches = 0;
	if (u->frames == 0)
		u->end = HS_STACK_LIMIT;
	if (u->frames == 0 || thread->pc == HS_NO_ADDR ||
	    thread->sp == HS_NO_ADDR)
		return false;
	u->frames--;
	*ret = (struct hs_frame){ .pc = thread->pc, .look = thread->pc };
	ret->sp = thread->sp;
	for (unsigned n = 0; n < HS_DWARF_REGISTERS; n++)
		ret->saved[n] = HS_NO_ADDR;
	for (unsigned n = 0; n < m->count; n++) {
		if (m->kernel[n] >= thread->register_count)
			continue;
		ret->registers.value[n] =
			word(u, thread->registers[m->kernel[n]]);
		ret->registers.known |= BIT(n);
	}
	ret->registers.value[m->sp] = thread->sp;
	ret->registers.value[m->pc] = thread->pc;
	ret->registers.known |= BIT(m->sp) | BIT(m->pc);
	describe(u, ret);
	return true;
}

/* The caller's register N into *RET, and where it was read into *SAVED. False:
 * it is lost. */
static bool recover(struct hs_unwinder *u, const struct hs_frame *f, unsigned n,
		    uint64_t *ret, hs_addr *saved)
{
	const struct machine *m = machine(u);
	const struct hs_cfi_rule *rule = &u->row.rule[n];
	struct hs_dwarf_context c;
	struct hs_dwarf_place place;
	*saved = HS_NO_ADDR;
	switch (rule->how) {
	case HS_CFI_UNSAID:
		if (n == m->sp) {
			*ret = f->cfa;
			return true;
		}
		/* What callees may use as they like can be anything by now. */
		if (!(m->kept & BIT(n)) &&
		    (n != u->cfi.return_address || n == m->pc))
			return false;
		*saved = f->saved[n];
		return hs_dwarf_register(&f->registers, n, ret);
	case HS_CFI_SAME:
		*saved = f->saved[n];
		return hs_dwarf_register(&f->registers, n, ret);
	case HS_CFI_SAVED:
		*saved = word(u, f->cfa + (uint64_t)rule->offset);
		return hs_window_word(&u->read, *saved, ret);
	case HS_CFI_VALUE:
		*ret = word(u, f->cfa + (uint64_t)rule->offset);
		return true;
	case HS_CFI_REGISTER:
		return hs_dwarf_register(&f->registers, (uint64_t)rule->offset,
					 ret);
	case HS_CFI_SAVED_WHERE:
	case HS_CFI_VALUE_OF:
		context(u, f, &c);
		if (!hs_dwarf_evaluate(&c, rule->expr, rule->len, &f->cfa,
				       &place) ||
		    place.kind == HS_DWARF_IN_REGISTER)
			return false;
		*ret = place.value;
		if (rule->how == HS_CFI_VALUE_OF)
			return true;
		*saved = place.value;
		return hs_window_word(&u->read, place.value, ret);
	default: /* undefined */
		return false;
	}
}

/* May code at ADDR be run? */
static bool is_code(const struct hs_unwinder *u, hs_addr addr)
{
	const struct hs_map *map = hs_target_find_map(u->target, addr);
	return map && map->prot & HS_PROT_EXEC;
}

static bool ends(struct hs_unwinder *u, enum hs_stack_end why)
{
	u->end = why;
	return false;
}

bool hs_unwind_next(struct hs_unwinder *u, struct hs_frame *frame)
{
	const struct machine *m = machine(u);
	struct hs_frame up = { .number = frame->number + 1 };
	uint64_t ra = u->cfi.return_address;
	if (frame->cfa == HS_NO_ADDR)
		return false; /* u->end says why */
	if (ra >= HS_DWARF_REGISTERS)
		return ends(u, HS_STACK_NO_TABLE);
	if (u->row.rule[ra].how == HS_CFI_UNDEFINED)
		return ends(u, HS_STACK_OUTERMOST);
	if (u->frames == 0 || u->bytes == 0)
		return ends(u, HS_STACK_LIMIT);
	u->frames--;
	for (unsigned n = 0; n < m->count; n++)
		if (recover(u, frame, n, &up.registers.value[n], &up.saved[n]))
			up.registers.known |= BIT(n);
	/* aarch64 returns to what is in the link register, or says where else:
	 * then DWARF's register is not that of the program counter. */
	if (!hs_dwarf_register(&up.registers, ra, &up.pc))
		return ends(u, HS_STACK_UNREADABLE);
	if (u->target->arch == HS_ARCH_AARCH64)
		up.pc &= AARCH64_ADDRESS;
	if (!hs_dwarf_register(&up.registers, m->sp, &up.sp))
		return ends(u, HS_STACK_BROKEN);
	if (up.pc == 0)
		return ends(u, HS_STACK_OUTERMOST);
	if (!is_code(u, up.pc))
		return ends(u, HS_STACK_BROKEN);
	/* The call itself has changed the link register. */
	if (!frame->signal)
		up.registers.known &= ~BIT(ra);
	up.registers.value[m->pc] = up.pc;
	up.registers.known |= BIT(m->pc);
	up.look = frame->signal ? up.pc : up.pc - 1;
	/* Stacks grow down, so the way back goes up; but for a leaf that has
	 * nothing on it. */
	bool up_the_stack =
		up.sp > frame->sp || (up.sp == frame->sp && frame->number == 0);
	if (!up_the_stack &&
	    (!frame->signal || u->switches++ == HS_LIMIT_STACK_SWITCHES))
		return ends(u, HS_STACK_BROKEN);
	describe(u, &up);
	*frame = up;
	return true;
}
