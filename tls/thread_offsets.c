/* SPDX-License-Identifier: MIT */
#include "tls/thread_offsets.h"

#include <elf.h>
#include <stdio.h>

void hs_runtime_find(const struct hs_target *target, struct hs_symbols *syms,
		     struct hs_runtime *ret)
{
	static const char *const loaders[] = { "ld-linux", "ld-2.", "ld64.so",
					       "ld.so" };
	static const char *const libcs[] = { "libc.so", "libc-2." };
	struct hs_runtime r = { .loader = SIZE_MAX,
				.libc = SIZE_MAX,
				.program = SIZE_MAX };

	/* The kernel says where it put the interpreter. Not so when somebody
	 * called ld.so itself, with the program as argument. */
	uint64_t base;
	if (hs_target_auxv(target, AT_BASE, &base) && base != 0)
		r.loader = hs_target_find_module(target, base);
	for (size_t i = 0; r.loader == SIZE_MAX && i < 4; i++)
		r.loader = hs_symbols_module_named(syms, loaders[i], 0);
	for (size_t i = 0; r.libc == SIZE_MAX && i < 2; i++)
		r.libc = hs_symbols_module_named(syms, libcs[i], 0);
	r.libpthread = hs_symbols_module_named(syms, "libpthread", 0);
	for (size_t i = 0; i < target->modules.count; i++)
		if (target->modules.module[i].is_executable)
			r.program = i;
	*ret = r;
}

/* A record is three 32-bit words {bits, elements, offset}; the one of a size
 * is a single word. */
#define RECORD_OFFSET 8u

static enum hs_status record(const struct hs_target *target,
			     struct hs_symbols *syms, size_t module,
			     const char *name, uint64_t at, uint64_t *ret,
			     struct hs_error *err)
{
	char symbol[64];
	struct hs_symbol_info info;
	uint64_t value;
	if (module == SIZE_MAX || *ret != HS_NO_OFFSET)
		return HS_OK;
	(void)snprintf(symbol, sizeof(symbol), "_thread_db_%s", name);
	enum hs_status st = hs_symbols_find(syms, module, symbol, &info, err);
	if (st == HS_ERR_NO_SYMBOL)
		return HS_OK;
	if (st)
		return st;
	if (hs_target_read_uint(target, info.addr + at, 4, &value, NULL))
		return HS_OK; /* in a page that was left out */
	/* These structs are a few KiB. Anything else is not a record. */
	if (value < 0x10000)
		*ret = value;
	return HS_OK;
}

static enum hs_status ask_records(const struct hs_target *target,
				  struct hs_symbols *syms, size_t module,
				  struct hs_thread_offsets *o,
				  struct hs_error *err)
{
	const struct {
		const char *name;
		uint64_t at, *ret;
	} wanted[] = {
		{ "pthread_list", RECORD_OFFSET, &o->list },
		{ "pthread_tid", RECORD_OFFSET, &o->tid },
		{ "sizeof_pthread", 0, &o->pthread_size },
		{ "link_map_l_tls_offset", RECORD_OFFSET, &o->tls_offset },
		{ "link_map_l_tls_modid", RECORD_OFFSET, &o->tls_modid },
		{ "rtld_global__dl_stack_used", RECORD_OFFSET, &o->stack_used },
		{ "rtld_global__dl_stack_user", RECORD_OFFSET, &o->stack_user },
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		enum hs_status st = record(target, syms, module, wanted[i].name,
					   wanted[i].at, wanted[i].ret, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* The same facts from DWARF, where it is at hand. */
static enum hs_status ask_dwarf(struct hs_symbols *syms, size_t module,
				struct hs_thread_offsets *o,
				struct hs_error *err)
{
	if (module == SIZE_MAX || !hs_symbols_has_dwarf(syms, module))
		return HS_OK;
	struct hs_member_query q[] = {
		{ .type = "pthread", .member = "list" },
		{ .type = "pthread", .member = "tid" },
		{ .type = "pthread" },
		{ .type = "link_map", .member = "l_tls_offset" },
		{ .type = "link_map", .member = "l_tls_modid" },
		{ .type = "rtld_global", .member = "_dl_stack_used" },
		{ .type = "rtld_global", .member = "_dl_stack_user" },
	};
	uint64_t *ret[] = { &o->list,       &o->tid,       &o->pthread_size,
			    &o->tls_offset, &o->tls_modid, &o->stack_used,
			    &o->stack_user };
	size_t n = sizeof(q) / sizeof(*q);
	enum hs_status st = hs_symbols_members(syms, module, NULL, q, n, err);
	if (st)
		return st == HS_ERR_NOMEM ? st : HS_OK;
	for (size_t i = 0; i < n; i++)
		if (q[i].found && *ret[i] == HS_NO_OFFSET)
			*ret[i] = q[i].member ? q[i].offset : q[i].size;
	return HS_OK;
}

static bool complete(const struct hs_thread_offsets *o)
{
	return o->list != HS_NO_OFFSET && o->tid != HS_NO_OFFSET &&
	       o->pthread_size != HS_NO_OFFSET &&
	       o->tls_offset != HS_NO_OFFSET && o->tls_modid != HS_NO_OFFSET;
}

enum hs_status hs_thread_offsets_find(const struct hs_target *target,
				      struct hs_symbols *syms,
				      const struct hs_runtime *runtime,
				      struct hs_thread_offsets *ret,
				      struct hs_error *err)
{
	struct hs_thread_offsets o = {
		.list = HS_NO_OFFSET,
		.tid = HS_NO_OFFSET,
		.pthread_size = HS_NO_OFFSET,
		.tls_offset = HS_NO_OFFSET,
		.tls_modid = HS_NO_OFFSET,
		.stack_used = HS_NO_OFFSET,
		.stack_user = HS_NO_OFFSET,
	};
	/* A static program carries libpthread's records itself, if any. */
	size_t libc =
		runtime->libc != SIZE_MAX ? runtime->libc : runtime->program;
	enum hs_status st = ask_records(target, syms, libc, &o, err);
	if (!st)
		st = ask_records(target, syms, runtime->libpthread, &o, err);
	if (!st && !complete(&o))
		st = ask_dwarf(syms, libc, &o, err);
	if (!st && !complete(&o))
		st = ask_dwarf(syms, runtime->libpthread, &o, err);
	/* Up to 2.33 only ld.so's own DWARF describes the lists in there. */
	if (!st && o.stack_user == HS_NO_OFFSET)
		st = ask_dwarf(syms, runtime->loader, &o, err);
	if (st)
		return st;
	*ret = o;
	return HS_OK;
}

bool hs_pthread_of(const struct hs_target *target,
		   const struct hs_thread_offsets *offsets, hs_addr tp,
		   hs_addr *ret)
{
	if (target->arch != HS_ARCH_AARCH64) {
		*ret = tp;
		return true;
	}
	if (offsets->pthread_size > tp)
		return false;
	*ret = tp - offsets->pthread_size;
	return true;
}

bool hs_pthread_tp(const struct hs_target *target,
		   const struct hs_thread_offsets *offsets, hs_addr pthread,
		   hs_addr *ret)
{
	if (target->arch != HS_ARCH_AARCH64) {
		*ret = pthread;
		return true;
	}
	if (offsets->pthread_size == HS_NO_OFFSET)
		return false;
	*ret = pthread + offsets->pthread_size;
	return true;
}

/* Is NODE a member of a ring: do its neighbours point back at it? */
static bool links_both_ways(const struct hs_target *target, hs_addr node)
{
	uint64_t next, prev, back, forth;
	unsigned w = target->word_size;
	return !hs_target_read_word(target, node, &next, NULL) &&
	       !hs_target_read_word(target, node + w, &prev, NULL) &&
	       next != node &&
	       !hs_target_read_word(target, next + w, &back, NULL) &&
	       !hs_target_read_word(target, prev, &forth, NULL) &&
	       back == node && forth == node;
}

/* clang-format off */
static const struct row {
	enum hs_arch arch;
	uint64_t list, tid, size;
} rows[] = { /* see docs/threads-and-symbols.md */
	{ HS_ARCH_X86_64,  704, 720, 0 /* not needed */ },
	{ HS_ARCH_I386,     96, 104, 0 },
	{ HS_ARCH_AARCH64, 192, 208, 1792 },
	{ HS_ARCH_AARCH64, 192, 208, 1856 },
	{ HS_ARCH_AARCH64, 192, 208, 1824 },
};
/* clang-format on */

void hs_thread_offsets_guess(const struct hs_target *target, hs_addr tp,
			     struct hs_thread_offsets *offsets)
{
	if (offsets->list != HS_NO_OFFSET && offsets->tid != HS_NO_OFFSET)
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		if (row->arch != target->arch || row->size > tp ||
		    !links_both_ways(target, tp - row->size + row->list))
			continue;
		offsets->list = row->list;
		offsets->tid = row->tid;
		offsets->pthread_size = row->size;
		return;
	}
}
