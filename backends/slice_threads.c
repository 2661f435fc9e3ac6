/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "backends/slice_modules.h"

/* Two names for one register: ours, and how radare2 calls it. */
static const char *const synonyms[][2] = {
	{ "eflags", "rflags" },
	{ "orig_rax", "orax" },
	{ "orig_eax", "oeax" },
	{ "pstate", "cpsr" },
};

static const struct hs_slice_value *find(const struct hs_slice_thread *t,
					 const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->value[i].name, name) == 0)
			return &t->value[i];
	return NULL;
}

static const struct hs_slice_value *find_any(const struct hs_slice_thread *t,
					     const char *name)
{
	const struct hs_slice_value *v = find(t, name);
	for (size_t i = 0; !v && i < sizeof(synonyms) / sizeof(synonyms[0]);
	     i++)
		if (strcmp(synonyms[i][0], name) == 0)
			v = find(t, synonyms[i][1]);
	return v;
}

static uint64_t number(const struct hs_slice_value *v)
{
	uint64_t n = 0;
	for (size_t i = v->width < 8 ? v->width : 8; i > 0; i--)
		n = n << 8 | v->bytes[i - 1];
	return n;
}

static hs_addr flagged(const struct hs_slice_thread *t, unsigned flag)
{
	for (size_t i = 0; i < t->count; i++)
		if ((t->value[i].flags & flag) && t->value[i].width > 0)
			return number(&t->value[i]);
	return HS_NO_ADDR;
}

/*
 * radare2 mixes up the kernel's struct and calls the base of fs "fs", with
 * "fs_base" 0. A selector has 16 bits, so a larger value is no selector.
 */
static hs_addr thread_pointer(enum hs_arch arch,
			      const struct hs_slice_thread *t)
{
	static const char *const names[][3] = {
		[HS_ARCH_X86_64] = { "fs_base", "fs", NULL },
		[HS_ARCH_I386] = { "gs_base", "gs", NULL },
		[HS_ARCH_AARCH64] = { "tpidr_el0", "tpidr", "tls" },
	};
	for (size_t i = 0; i < 3 && names[arch][i]; i++) {
		const struct hs_slice_value *v = find(t, names[arch][i]);
		uint64_t value = v ? number(v) : 0;
		bool selector = i == 1 && arch != HS_ARCH_AARCH64;
		if (value > (selector ? 0xffff : 0))
			return value;
	}
	return HS_NO_ADDR;
}

static void take(enum hs_arch arch, const struct hs_slice_thread *t,
		 struct hs_thread *ret)
{
	const struct hs_register_set *set = hs_register_set(arch);
	size_t known = 0;
	ret->tls_base = thread_pointer(arch, t);
	for (size_t i = 0; i < set->count; i++) {
		const struct hs_slice_value *v = find_any(t, set->names[i]);
		if (!v)
			continue;
		ret->registers[i] = number(v);
		known++;
		if (i == set->pc)
			ret->pc = number(v);
		if (i == set->sp)
			ret->sp = number(v);
		if (i == set->tls && ret->tls_base != HS_NO_ADDR)
			ret->registers[i] = ret->tls_base;
	}
	/* All or none: nobody could tell which of them are there. */
	ret->register_count = known == set->count ? known : 0;
	if (ret->pc == HS_NO_ADDR)
		ret->pc = flagged(t, SLICE_REGISTER_PC);
	if (ret->sp == HS_NO_ADDR)
		ret->sp = flagged(t, SLICE_REGISTER_SP);
}

enum hs_status hs_slice_threads(struct hs_target *target,
				const struct hs_slice_records *records,
				struct hs_error *err)
{
	for (size_t i = 0; i < records->thread_count; i++) {
		const struct hs_slice_thread *t = &records->thread[i];
		struct hs_thread thread = {
			.tid = t->tid <= INT64_MAX ? (int64_t)t->tid : -1,
			.current = t->flags & SLICE_THREAD_CURRENT,
			.pc = HS_NO_ADDR,
			.sp = HS_NO_ADDR,
			.tls_base = HS_NO_ADDR,
			.name = t->name, /* is copied */
		};
		take(target->arch, t, &thread);
		enum hs_status st =
			hs_thread_list_add(&target->threads, &thread, err);
		if (st)
			return st;
	}
	return HS_OK;
}
