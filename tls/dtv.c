/* SPDX-License-Identifier: MIT */
#include "tls/dtv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/limits.h"

hs_addr hs_tls_add(const struct hs_target *target, hs_addr tp, uint64_t offset)
{
	uint64_t sum = tp + offset;
	return target->word_size == 4 ? (uint32_t)sum : sum;
}

/* The largest word: what ld.so calls (size_t) -1. */
static uint64_t minus_one(const struct hs_target *target)
{
	return target->word_size == 4 ? UINT32_MAX : UINT64_MAX;
}

/* TP's word with the DTV's address: tcbhead_t is {tcb, dtv, ...} on x86, and
 * {dtv, private} on aarch64. */
static hs_addr dtv_slot(const struct hs_target *target, hs_addr tp)
{
	return target->arch == HS_ARCH_AARCH64 ? tp : tp + target->word_size;
}

enum hs_status hs_dtv_entry(const struct hs_target *target, hs_addr tp,
			    uint64_t modid, hs_addr *ret, struct hs_error *err)
{
	/* dtv[i] is {val, to_free}; dtv[-1] counts the entries. */
	unsigned entry = 2 * target->word_size;
	uint64_t dtv, count, value;
	enum hs_status st =
		hs_target_read_word(target, dtv_slot(target, tp), &dtv, err);
	if (st)
		return st;
	if (dtv < entry)
		return hs_fail_at(err, HS_ERR_INVALID, tp,
				  "thread at 0x%" PRIx64 " has no DTV", tp);
	st = hs_target_read_word(target, dtv - entry, &count, err);
	if (st)
		return st;
	/* Grown when the thread first uses a module loaded later. */
	if (modid == 0 || modid > count || modid > HS_LIMIT_TLS_MODULES)
		return hs_fail_at(err, HS_ERR_INVALID, dtv,
				  "DTV at 0x%" PRIx64 " has no entry %" PRIu64,
				  dtv, modid);
	st = hs_target_read_word(target, dtv + modid * entry, &value, err);
	if (st)
		return st;
	if (value == 0 || value == minus_one(target))
		return hs_fail_at(err, HS_ERR_INVALID, dtv,
				  "thread-local variables of module %" PRIu64
				  " are not allocated",
				  modid);
	*ret = value;
	return HS_OK;
}

/*
 * l_tls_offset as a distance from the thread pointer. x86 keeps the blocks
 * below it, and 0 and -1 mean "not in static TLS"; aarch64 keeps them above,
 * with -1 and -2.
 */
static bool fixed_offset(const struct hs_target *target, uint64_t tls_offset,
			 uint64_t *ret)
{
	uint64_t none = minus_one(target);
	if (target->arch == HS_ARCH_AARCH64) {
		*ret = tls_offset;
		return tls_offset != none && tls_offset != none - 1;
	}
	*ret = -tls_offset;
	return tls_offset != 0 && tls_offset != none;
}

/*
 * The program's own block is where the linker and the ABI agreed: right below
 * the thread pointer on x86, behind the two words of the TCB on aarch64. This
 * is all there is in a static program.
 */
static bool program_offset(const struct hs_target *target,
			   const struct hs_tls_segment *tls, uint64_t *ret)
{
	uint64_t align = tls->align ? tls->align : 1;
	uint64_t end;
	if (align & (align - 1) ||
	    __builtin_add_overflow(tls->memsz, align - 1, &end))
		return false;
	if (target->arch == HS_ARCH_AARCH64) {
		uint64_t tcb = 2 * target->word_size;
		*ret = align > tcb ? align : tcb;
	} else {
		*ret = -(end & ~(align - 1));
	}
	return true;
}

/* memsz of an object whose program headers are not at hand. */
#define NOT_KNOWN UINT64_MAX

/* What is needed to try places of l_tls_offset and l_tls_modid. */
struct trial {
	const struct hs_target *target;
	const struct hs_link_map_list *maps;
	const struct hs_tls_segment *tls; /* of each of MAPS */
	const hs_addr *tp;
	size_t count;
};

/* Does an object with these two values fit what the threads' DTVs say?
 * *PROOF counts the entries that agree. */
static bool fits(const struct trial *t, const struct hs_tls_segment *tls,
		 uint64_t tls_offset, uint64_t modid, size_t *proof)
{
	uint64_t offset;
	if (tls->memsz == NOT_KNOWN)
		return true;
	if (tls->memsz == 0)
		return modid == 0;
	if (modid == 0 || modid > HS_LIMIT_TLS_MODULES)
		return false;
	if (!fixed_offset(t->target, tls_offset, &offset))
		return true; /* of dynamic TLS nothing can be checked */
	for (size_t i = 0; i < t->count; i++) {
		hs_addr block;
		if (hs_dtv_entry(t->target, t->tp[i], modid, &block, NULL))
			continue; /* not yet, or not captured */
		if (block != hs_tls_add(t->target, t->tp[i], offset))
			return false;
		(*proof)++;
	}
	return true;
}

static bool all_fit(const struct trial *t, uint64_t at)
{
	size_t proof = 0;
	unsigned w = t->target->word_size;
	for (size_t i = 0; i < t->maps->count; i++) {
		uint64_t tls_offset, modid;
		const struct hs_link_map *map = &t->maps->map[i];
		if (map->module == SIZE_MAX)
			continue;
		if (hs_target_read_word(t->target, map->addr + at, &tls_offset,
					NULL) ||
		    hs_target_read_word(t->target, map->addr + at + w, &modid,
					NULL) ||
		    !fits(t, &t->tls[i], tls_offset, modid, &proof))
			return false;
	}
	return proof > 0;
}

/* The two members are neighbours in every release, somewhere in the second
 * half of some 1200 bytes (600 on i386). Only one place may fit. */
#define FIRST_WORD 32u
#define LAST_WORD 256u

static bool recognise(const struct trial *t, uint64_t *tls_offset,
		      uint64_t *tls_modid)
{
	unsigned w = t->target->word_size;
	uint64_t found = 0;
	for (uint64_t i = FIRST_WORD; i < LAST_WORD; i++) {
		if (!all_fit(t, i * w))
			continue;
		if (found)
			return false;
		found = i * w;
	}
	*tls_offset = found;
	*tls_modid = found + w;
	return found != 0;
}

/* PT_TLS of each object on the list; caller frees. */
static enum hs_status segments_of(struct hs_symbols *syms,
				  const struct hs_link_map_list *maps,
				  struct hs_tls_segment **ret,
				  struct hs_error *err)
{
	HS_AUTO_FREE struct hs_tls_segment *tls =
		calloc(maps->count + 1, sizeof(*tls));
	if (!tls)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < maps->count; i++) {
		if (maps->map[i].module == SIZE_MAX)
			continue;
		enum hs_status st = hs_symbols_tls_segment(
			syms, maps->map[i].module, &tls[i], err);
		if (st == HS_ERR_NO_SYMBOL)
			tls[i].memsz = NOT_KNOWN;
		else if (st)
			return st;
	}
	*ret = HS_TAKE(tls);
	return HS_OK;
}

static void from_link_map(const struct hs_target *target, hs_addr map,
			  uint64_t offset_at, uint64_t modid_at,
			  struct hs_module_tls *ret)
{
	uint64_t tls_offset;
	struct hs_module_tls m = { .known = true };
	if (hs_target_read_word(target, map + offset_at, &tls_offset, NULL) ||
	    hs_target_read_word(target, map + modid_at, &m.modid, NULL) ||
	    m.modid == 0)
		return;
	m.fixed = fixed_offset(target, tls_offset, &m.offset);
	*ret = m;
}

enum hs_status hs_module_tls_find(
	const struct hs_target *target, struct hs_symbols *syms,
	const struct hs_runtime *runtime, const struct hs_link_map_list *maps,
	const struct hs_thread_offsets *offsets, const hs_addr *tp,
	size_t count, struct hs_module_tls *ret, struct hs_error *err)
{
	HS_AUTO_FREE struct hs_tls_segment *tls = NULL;
	enum hs_status st = segments_of(syms, maps, &tls, err);
	if (st)
		return st;
	struct trial t = { target, maps, tls, tp, count };
	uint64_t offset_at = offsets->tls_offset;
	uint64_t modid_at = offsets->tls_modid;
	bool known = offset_at != HS_NO_OFFSET && modid_at != HS_NO_OFFSET;
	if (!known)
		known = recognise(&t, &offset_at, &modid_at);
	for (size_t i = 0; known && i < maps->count; i++)
		if (maps->map[i].module != SIZE_MAX && tls[i].memsz > 0)
			from_link_map(target, maps->map[i].addr, offset_at,
				      modid_at, &ret[maps->map[i].module]);

	size_t program = runtime->program;
	struct hs_tls_segment own;
	if (program == SIZE_MAX || ret[program].known)
		return HS_OK;
	st = hs_symbols_tls_segment(syms, program, &own, err);
	if (st)
		return st == HS_ERR_NO_SYMBOL ? HS_OK : st;
	struct hs_module_tls m = { .known = true, .fixed = true };
	if (own.memsz > 0 && program_offset(target, &own, &m.offset))
		ret[program] = m;
	return HS_OK;
}
