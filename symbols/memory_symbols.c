/* SPDX-License-Identifier: MIT */
#include "symbols/memory_symbols.h"

#include <elf.h>
#include <inttypes.h>

#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/limits.h"

/* The module under scrutiny, and what its dynamic section says; 0: nothing. */
struct dynamic {
	const struct hs_target *target;
	hs_addr base, end;
	uint64_t bias;
	unsigned word; /* bytes */
	hs_addr symtab, strtab, hash, gnu_hash, versym;
	uint64_t strsz, syment;
};

/* How many bytes of the module follow ADDR; 0: it is outside. */
static uint64_t room(const struct dynamic *d, hs_addr addr)
{
	return addr >= d->base && addr < d->end ? d->end - addr : 0;
}

/*
 * ld.so relocates the pointers of a dynamic section in place, but not where
 * the section is read-only (vdso). Both are tried: only one of them lies in
 * the module.
 */
static hs_addr pointer(const struct dynamic *d, uint64_t value)
{
	if (room(d, value))
		return value;
	uint64_t moved = value + d->bias;
	if (d->word == 4)
		moved = (uint32_t)moved;
	return room(d, moved) ? moved : 0;
}

static enum hs_status read_dynamic(struct dynamic *d, hs_addr at, uint64_t len,
				   struct hs_error *err)
{
	uint64_t n = len / (2 * d->word);
	if (n > HS_LIMIT_DYNAMIC_ENTRIES)
		n = HS_LIMIT_DYNAMIC_ENTRIES;
	for (uint64_t i = 0; i < n; i++, at += 2 * d->word) {
		uint64_t tag, value;
		if (room(d, at) < 2 * d->word)
			break;
		enum hs_status st =
			hs_target_read_word(d->target, at, &tag, err);
		if (!st)
			st = hs_target_read_word(d->target, at + d->word,
						 &value, err);
		if (st)
			return st;
		switch (tag) {
		case DT_NULL:
			return HS_OK;
		case DT_SYMTAB:
			d->symtab = pointer(d, value);
			break;
		case DT_STRTAB:
			d->strtab = pointer(d, value);
			break;
		case DT_STRSZ:
			d->strsz = value;
			break;
		case DT_SYMENT:
			d->syment = value;
			break;
		case DT_HASH:
			d->hash = pointer(d, value);
			break;
		case DT_GNU_HASH:
			d->gnu_hash = pointer(d, value);
			break;
		case DT_VERSYM:
			d->versym = pointer(d, value);
			break;
		default:
			break;
		}
	}
	return HS_OK;
}

/* 32 bits at ADDR + OFFSET, if the module reaches that far. */
static bool read_u32(const struct dynamic *d, hs_addr addr, uint64_t offset,
		     uint32_t *ret)
{
	uint64_t value;
	uint64_t left = room(d, addr);
	if (left < 4 || offset > left - 4 ||
	    hs_target_read_uint(d->target, addr + offset, 4, &value, NULL))
		return false;
	*ret = (uint32_t)value;
	return true;
}

/*
 * Nothing says how many symbols there are; the hash tables do in passing. The
 * classic one has a chain entry for each; of the GNU one the last chain of
 * the highest bucket ends at the last symbol. 0: cannot be told.
 */
static uint64_t count_by_hash(const struct dynamic *d)
{
	uint32_t count;
	return d->hash && read_u32(d, d->hash, 4, &count) ? count : 0;
}

static uint64_t count_by_gnu_hash(const struct dynamic *d, uint64_t most)
{
	uint32_t buckets, first, bloom;
	if (!d->gnu_hash || !read_u32(d, d->gnu_hash, 0, &buckets) ||
	    !read_u32(d, d->gnu_hash, 4, &first) ||
	    !read_u32(d, d->gnu_hash, 8, &bloom))
		return 0;
	uint64_t at = 16 + (uint64_t)bloom * d->word;
	if (buckets > room(d, d->gnu_hash) / 4)
		return 0;
	uint32_t highest = 0;
	for (uint32_t i = 0; i < buckets; i++, at += 4) {
		uint32_t index;
		if (!read_u32(d, d->gnu_hash, at, &index))
			return 0;
		if (index > highest)
			highest = index;
	}
	if (highest < first)
		return first;
	for (uint64_t i = highest; i < most; i++) {
		uint32_t chain;
		if (!read_u32(d, d->gnu_hash, at + 4 * (i - first), &chain))
			return 0;
		if (chain & 1)
			return i + 1;
	}
	return 0;
}

/* LEN bytes at ADDR, which are known to lie in the module. Caller frees. */
static enum hs_status copy(const struct dynamic *d, hs_addr addr, size_t len,
			   uint8_t **ret, struct hs_error *err)
{
	const uint8_t *bytes;
	uint64_t there;
	/* Before allocating as much as a forged number says. */
	enum hs_status st =
		hs_target_view(d->target, addr, &bytes, &there, err);
	if (st)
		return st;
	HS_AUTO_FREE uint8_t *own = malloc(len + 1);
	if (!own)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu bytes",
			       len);
	st = hs_target_read(d->target, addr, own, len, err);
	if (st)
		return st;
	*ret = HS_TAKE(own);
	return HS_OK;
}

enum hs_status hs_memory_symbols(const struct hs_target *target,
				 const struct hs_image *image, hs_addr base,
				 hs_addr end, struct hs_symbol_table *table,
				 struct hs_error *err)
{
	struct dynamic d = {
		.target = target,
		.base = base,
		.end = end,
		.bias = hs_image_bias(image, base),
		.word = target->word_size,
	};
	size_t entry = d.word == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	if (image->dynamic_len == 0)
		return hs_fail(err, HS_ERR_NO_SYMBOL,
			       "module at 0x%" PRIx64 " has no dynamic section",
			       base);
	enum hs_status st =
		read_dynamic(&d, hs_image_addr(image, image->dynamic, d.bias),
			     image->dynamic_len, err);
	if (st)
		return st;
	if (!d.symtab || !d.strtab || (d.syment && d.syment != entry) ||
	    d.strsz == 0 || d.strsz > room(&d, d.strtab) ||
	    d.strsz > HS_LIMIT_DYNAMIC_STRINGS)
		return hs_fail_at(err, HS_ERR_NO_SYMBOL, base,
				  "dynamic section of the module at 0x%" PRIx64
				  " makes no sense",
				  base);

	uint64_t most = room(&d, d.symtab) / entry;
	if (most > HS_LIMIT_SYMBOLS)
		most = HS_LIMIT_SYMBOLS;
	uint64_t n = count_by_gnu_hash(&d, most);
	if (n == 0)
		n = count_by_hash(&d);
	/* Both damaged: linkers put the strings right behind the symbols. */
	if ((n == 0 || n > most) && d.strtab > d.symtab)
		n = (d.strtab - d.symtab) / entry;
	if (n == 0 || n > most)
		return hs_fail_at(err, HS_ERR_NO_SYMBOL, d.symtab,
				  "cannot tell the number of dynamic symbols "
				  "at 0x%" PRIx64,
				  d.symtab);

	HS_AUTO_FREE uint8_t *symbols = NULL;
	HS_AUTO_FREE uint8_t *strings = NULL;
	HS_AUTO_FREE uint8_t *versions = NULL;
	st = copy(&d, d.symtab, (size_t)n * entry, &symbols, err);
	if (!st)
		st = copy(&d, d.strtab, (size_t)d.strsz, &strings, err);
	if (st)
		return st;
	size_t versions_len = (size_t)n * 2;
	if (room(&d, d.versym) < versions_len ||
	    copy(&d, d.versym, versions_len, &versions, NULL))
		versions_len = 0; /* names do without */
	struct hs_symbol_bytes bytes = {
		.symbols = symbols,
		.symbols_len = (size_t)n * entry,
		.strings = (const char *)strings,
		.strings_len = (size_t)d.strsz,
		.versions = versions,
		.versions_len = versions_len,
		.word_size = d.word,
		.big_endian = target->big_endian,
		.source = HS_SYMBOL_MEMORY,
	};
	return hs_symbol_table_add(table, &bytes, err);
}
