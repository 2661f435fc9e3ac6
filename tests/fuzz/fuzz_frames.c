/* SPDX-License-Identifier: MIT */
/*
 * A module with call frame information and a stack, made up: one byte chooses,
 * two say where in the module the thread is, 256 are its stack, the rest is the
 * module as it stands in memory.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <heapscan/stacks.h>

#include "core/limits.h"
#include "support/fake_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BASE 0x10000000u
#define STACK 0x20000000u
#define STACK_LEN 256u
#define MAX_MODULE (64u << 10)

/* Frames lie one above the other, but where a signal came, and what is said to
 * be a frame's is found to be so. */
static void check(struct hs_stacks *s)
{
	struct hs_frame_info f, up, found;
	size_t n = hs_stacks_frame_count(s, 0);
	if (n == 0 || n > HS_LIMIT_FRAMES || hs_stacks_frame_count(s, 1) != 0)
		abort();
	for (size_t i = 0; i < n; i++) {
		hs_stacks_frame(s, 0, i, &f);
		if (f.number != i || (f.end != HS_NO_ADDR && f.end < f.start))
			abort();
		if (i + 1 < n) {
			hs_stacks_frame(s, 0, i + 1, &up);
			if (!f.signal && i > 0 && up.start <= f.start)
				abort();
		}
		if (f.end != HS_NO_ADDR && f.end > f.start &&
		    !hs_stacks_at(s, f.start, &found))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t module[MAX_MODULE], stack[STACK_LEN];
	static const enum hs_arch archs[] = { HS_ARCH_X86_64, HS_ARCH_I386,
					      HS_ARCH_AARCH64 };
	if (len < 3 + STACK_LEN + 1)
		return 0;
	enum hs_arch arch = archs[data[0] % 3];
	hs_addr pc = BASE + (data[1] | (unsigned)data[2] << 8);
	memcpy(stack, data + 3, STACK_LEN);
	len -= 3 + STACK_LEN;
	if (len > MAX_MODULE)
		len = MAX_MODULE;
	memcpy(module, data + 3 + STACK_LEN, len);

	struct fake_target t;
	struct hs_symbols *syms;
	struct hs_stacks *stacks;
	fake_target_init(&t, arch);
	fake_target_map(&t, BASE, module, len, HS_PROT_READ | HS_PROT_EXEC);
	fake_target_map(&t, STACK, stack, STACK_LEN, FAKE_RW);
	struct hs_module m = {
		.base = BASE,
		.end = BASE + len,
		.path = (char *)(uintptr_t) "/nowhere/module",
		.file_state = HS_MODULE_FILE_NONE,
	};
	struct hs_thread thread = {
		.tid = 1,
		.pc = pc,
		.sp = STACK + 16,
		.tls_base = HS_NO_ADDR,
		.register_count = hs_register_set(arch)->count,
	};
	for (size_t i = 0; i < thread.register_count; i++)
		thread.registers[i] = STACK + 8 * (i % 24);
	thread.registers[hs_register_set(arch)->pc] = pc;
	thread.registers[hs_register_set(arch)->sp] = thread.sp;
	if (hs_module_list_add(&t.base.modules, &m, NULL) ||
	    hs_thread_list_add(&t.base.threads, &thread, NULL))
		abort();
	fake_target_finish(&t);
	if (hs_symbols_new(&t.base, NULL, &syms, NULL) ||
	    hs_stacks_new(&t.base, syms, &stacks, NULL))
		abort();
	check(stacks);
	hs_stacks_free(stacks);
	hs_symbols_free(syms);
	fake_target_release(&t);
	return 0;
}
