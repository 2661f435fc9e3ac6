/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dwarf.h>

#include <heapscan/stacks.h>

#include "support/fake_target.h"

/*
 * A module of three functions, whose call frame information is written here by
 * hand, and a stack as they would have left it:
 *
 *	_start	calls middle, and says that nobody called it
 *	middle	saves the frame pointer and the return address, calls leaf
 *	leaf	uses no stack
 *
 * arm64 has what x86 has not: a return address in a register, where a leaf
 * leaves it, and signatures in it.
 */
#define BASE UINT64_C(0x400000)
#define HEADER 0x200u /* .eh_frame_hdr */
#define FRAMES 0x300u /* .eh_frame */
#define CODE 0x800u   /* each function has 0x40 bytes */
#define LEN 0x1000u
#define STACK UINT64_C(0x7000000)
#define STACK_LEN 0x200u

enum { LEAF, MIDDLE, START, FUNCTIONS };

struct world {
	struct fake_target t;
	uint8_t module[LEN], stack[STACK_LEN];
	struct hs_symbols *syms;
	struct hs_stacks *stacks;
	size_t at; /* in module, where the next byte goes */
};

static hs_addr code(unsigned function, unsigned offset)
{
	return BASE + CODE + 0x40 * function + offset;
}

static void put(struct world *w, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		w->module[w->at++] = (uint8_t)(v >> 8 * i);
}

static void put_bytes(struct world *w, const uint8_t *bytes, size_t len)
{
	memcpy(w->module + w->at, bytes, len);
	w->at += len;
}

/* The length of the record at START, when all of it was put. */
static void close_record(struct world *w, size_t start)
{
	size_t end;
	while (w->at % 4)
		put(w, DW_CFA_nop, 1);
	end = w->at;
	w->at = start;
	put(w, end - start - 4, 4);
	w->at = end;
}

static void write_header(struct world *w)
{
	Elf64_Ehdr h = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_AARCH64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(h),
		.e_ehsize = sizeof(h),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	Elf64_Phdr p[2] = {
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_X,
		  .p_vaddr = BASE,
		  .p_filesz = LEN,
		  .p_memsz = LEN },
		{ .p_type = PT_GNU_EH_FRAME,
		  .p_vaddr = BASE + HEADER,
		  .p_offset = HEADER,
		  .p_filesz = 0x40,
		  .p_memsz = 0x40 },
	};
	memcpy(w->module, &h, sizeof(h));
	memcpy(w->module + sizeof(h), p, sizeof(p));
}

/* As compilers write them: a common record, one for each function, and the
 * linker's list. */
static void write_frames(struct world *w, bool with_list)
{
	static const uint8_t common[] = { DW_CFA_def_cfa, 31, 0 };
	static const uint8_t middle[] = {
		DW_CFA_advance_loc | 1,
		DW_CFA_GNU_window_save, /* signed */
		DW_CFA_advance_loc | 1,
		DW_CFA_def_cfa_offset,
		32,
		DW_CFA_offset | 29,
		4,
		DW_CFA_offset | 30,
		3,
	};
	static const uint8_t start[] = { DW_CFA_undefined, 30 };
	size_t record[FUNCTIONS];
	w->at = FRAMES;
	put(w, 0, 4); /* length, later */
	put(w, 0, 4); /* this is a common one */
	put(w, 1, 1);
	put_bytes(w, (const uint8_t *)"zR", 3);
	put(w, 4, 1);    /* code alignment */
	put(w, 0x78, 1); /* data alignment: -8 */
	put(w, 30, 1);   /* the return address */
	put(w, 1, 1);
	put(w, DW_EH_PE_pcrel | DW_EH_PE_sdata4, 1);
	put_bytes(w, common, sizeof(common));
	close_record(w, FRAMES);
	for (unsigned f = 0; f < FUNCTIONS; f++) {
		record[f] = w->at;
		put(w, 0, 4);
		put(w, w->at - FRAMES, 4);
		put(w, code(f, 0) - (BASE + w->at), 4);
		put(w, 0x40, 4);
		put(w, 0, 1);
		if (f == MIDDLE)
			put_bytes(w, middle, sizeof(middle));
		if (f == START)
			put_bytes(w, start, sizeof(start));
		close_record(w, record[f]);
	}
	put(w, 0, 4);
	w->at = HEADER;
	put(w, 1, 1);
	put(w, DW_EH_PE_pcrel | DW_EH_PE_sdata4, 1);
	put(w, DW_EH_PE_udata4, 1);
	put(w, with_list ? DW_EH_PE_datarel | DW_EH_PE_sdata4 : DW_EH_PE_omit,
	    1);
	put(w, FRAMES - HEADER - 4, 4);
	put(w, FUNCTIONS, 4);
	for (unsigned f = 0; f < FUNCTIONS; f++) {
		put(w, code(f, 0) - (BASE + HEADER), 4);
		put(w, record[f] - HEADER, 4);
	}
}

/* The thread is in leaf, where nothing is on the stack. */
static void set_up(struct world *w, bool with_list)
{
	struct hs_module m = {
		.base = BASE,
		.end = BASE + LEN,
		.path = (char *)(uintptr_t) "/nowhere/module",
		.file_state = HS_MODULE_FILE_NONE,
	};
	struct hs_thread thread = {
		.tid = 7,
		.pc = code(LEAF, 0x10),
		.sp = STACK + 0x40,
		.tls_base = HS_NO_ADDR,
		.register_count = 34,
	};
	memset(w, 0, sizeof(*w));
	write_header(w);
	write_frames(w, with_list);
	thread.registers[30] = code(MIDDLE, 0x20);
	thread.registers[29] = STACK + 0x40;
	thread.registers[31] = thread.sp;
	thread.registers[32] = thread.pc;
	fake_target_init(&w->t, HS_ARCH_AARCH64);
	fake_target_map(&w->t, BASE, w->module, LEN,
			HS_PROT_READ | HS_PROT_EXEC);
	fake_target_map(&w->t, STACK, w->stack, STACK_LEN, FAKE_RW);
	assert_int_equal(hs_module_list_add(&w->t.base.modules, &m, NULL), 0);
	assert_int_equal(hs_thread_list_add(&w->t.base.threads, &thread, NULL),
			 0);
	fake_target_finish(&w->t);
	/* middle's frame: 32 bytes, frame pointer and return address below. */
	fake_target_put(&w->t, STACK + 0x40, STACK + 0x80);
	fake_target_put(&w->t, STACK + 0x48,
			code(START, 0x8) | UINT64_C(0x2b) << 48);
}

static void walk(struct world *w)
{
	assert_int_equal(hs_symbols_new(&w->t.base, NULL, &w->syms, NULL),
			 HS_OK);
	assert_int_equal(hs_stacks_new(&w->t.base, w->syms, &w->stacks, NULL),
			 HS_OK);
}

static void tear_down(struct world *w)
{
	hs_stacks_free(w->stacks);
	hs_symbols_free(w->syms);
	fake_target_release(&w->t);
}

static void a_leaf_and_a_signed_return_are_gone_through(void **state)
{
	struct world w;
	struct hs_frame_info f;
	(void)state;
	set_up(&w, true);
	walk(&w);
	assert_int_equal(hs_stacks_frame_count(w.stacks, 0), 3);
	assert_int_equal(hs_stacks_end(w.stacks, 0), HS_STACK_OUTERMOST);
	hs_stacks_frame(w.stacks, 0, 1, &f);
	assert_int_equal(f.pc, code(MIDDLE, 0x20));
	assert_int_equal(f.start, STACK + 0x40);
	assert_int_equal(f.end, STACK + 0x60);
	hs_stacks_frame(w.stacks, 0, 2, &f);
	assert_int_equal(f.pc, code(START, 0x8));
	tear_down(&w);
}

static void a_byte_of_a_stack_is_its_functions(void **state)
{
	struct world w;
	struct hs_frame_info f;
	(void)state;
	set_up(&w, true);
	walk(&w);
	assert_true(hs_stacks_at(w.stacks, STACK + 0x40, &f));
	assert_int_equal(f.number, 1);
	assert_true(hs_stacks_at(w.stacks, STACK + 0x5f, &f));
	assert_int_equal(f.number, 1);
	/* Below the stack pointer, and where _start's frame is empty. */
	assert_false(hs_stacks_at(w.stacks, STACK + 0x3f, &f));
	assert_false(hs_stacks_at(w.stacks, STACK + 0x60, &f));
	tear_down(&w);
}

static void code_that_no_record_is_about_ends_the_walk(void **state)
{
	struct world w;
	(void)state;
	set_up(&w, true);
	fake_target_put(&w.t, STACK + 0x48, BASE + CODE + 0x400);
	walk(&w);
	assert_int_equal(hs_stacks_frame_count(w.stacks, 0), 3);
	assert_int_equal(hs_stacks_end(w.stacks, 0), HS_STACK_NO_TABLE);
	tear_down(&w);
}

static void a_return_to_what_is_no_code_ends_the_walk(void **state)
{
	struct world w;
	(void)state;
	set_up(&w, true);
	fake_target_put(&w.t, STACK + 0x48, STACK);
	walk(&w);
	assert_int_equal(hs_stacks_frame_count(w.stacks, 0), 2);
	assert_int_equal(hs_stacks_end(w.stacks, 0), HS_STACK_BROKEN);
	tear_down(&w);
}

/* middle returns to itself, in the same frame, for ever: the stack is full of
 * it, and then ends. */
static void a_stack_of_returns_to_one_place_comes_to_its_end(void **state)
{
	struct world w;
	(void)state;
	set_up(&w, true);
	for (unsigned at = 0x48; at < STACK_LEN; at += 0x20)
		fake_target_put(&w.t, STACK + at, code(MIDDLE, 0x20));
	walk(&w);
	/* leaf, its caller, and one for each word that was written. */
	assert_int_equal(hs_stacks_frame_count(w.stacks, 0),
			 2 + (STACK_LEN - 0x40) / 0x20);
	assert_int_equal(hs_stacks_end(w.stacks, 0), HS_STACK_UNREADABLE);
	tear_down(&w);
}

static void a_list_of_another_kind_is_not_guessed_at(void **state)
{
	struct world w;
	(void)state;
	set_up(&w, false);
	walk(&w);
	assert_int_equal(hs_stacks_frame_count(w.stacks, 0), 1);
	assert_int_equal(hs_stacks_end(w.stacks, 0), HS_STACK_NO_TABLE);
	tear_down(&w);
}

static void without_registers_there_are_no_frames(void **state)
{
	struct world w;
	(void)state;
	set_up(&w, true);
	w.t.base.threads.thread[0].pc = HS_NO_ADDR;
	walk(&w);
	assert_int_equal(hs_stacks_frame_count(w.stacks, 0), 0);
	assert_int_equal(hs_stacks_end(w.stacks, 0), HS_STACK_NO_REGISTERS);
	/* Nor of a thread that is not there. */
	assert_int_equal(hs_stacks_frame_count(w.stacks, 1), 0);
	tear_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_and_a_signed_return_are_gone_through),
		cmocka_unit_test(a_byte_of_a_stack_is_its_functions),
		cmocka_unit_test(code_that_no_record_is_about_ends_the_walk),
		cmocka_unit_test(a_return_to_what_is_no_code_ends_the_walk),
		cmocka_unit_test(
			a_stack_of_returns_to_one_place_comes_to_its_end),
		cmocka_unit_test(a_list_of_another_kind_is_not_guessed_at),
		cmocka_unit_test(without_registers_there_are_no_frames),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
