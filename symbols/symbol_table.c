/* SPDX-License-Identifier: MIT */
#include "symbols/symbol_table.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/grow.h"
#include "core/limits.h"

#define VERSION_HIDDEN 0x8000u /* VERSYM_HIDDEN: not the default */

/* As it stands in the file, before anything was judged. */
struct raw_symbol {
	uint32_t name;
	uint8_t info;
	uint16_t section;
	uint64_t value, size;
};

static void read_symbol(struct hs_cursor *c, unsigned word_size,
			struct raw_symbol *ret)
{
	ret->name = hs_cursor_u32(c);
	if (word_size == 4) {
		ret->value = hs_cursor_u32(c);
		ret->size = hs_cursor_u32(c);
	}
	ret->info = (uint8_t)hs_cursor_uint(c, 1);
	(void)hs_cursor_uint(c, 1); /* visibility */
	ret->section = hs_cursor_u16(c);
	if (word_size == 8) {
		ret->value = hs_cursor_u64(c);
		ret->size = hs_cursor_u64(c);
	}
}

/* Does this entry name a place in the module? */
static bool names_a_place(const struct raw_symbol *raw)
{
	uint8_t type = ELF64_ST_TYPE(raw->info);
	return raw->name != 0 && raw->section != SHN_UNDEF &&
	       raw->section != SHN_ABS && raw->section != SHN_COMMON &&
	       type != STT_SECTION && type != STT_FILE;
}

/* Mapping symbols ($x, $d.17) tell a disassembler where data begins. */
static bool is_mapping_symbol(const char *name)
{
	return name[0] == '$' && name[1] != '\0' &&
	       (name[2] == '\0' || name[2] == '.');
}

static bool version_hidden(const struct hs_symbol_bytes *bytes, size_t i)
{
	if (!bytes->versions || i >= bytes->versions_len / 2)
		return false;
	struct hs_cursor c = { .pos = bytes->versions + 2 * i,
			       .end = bytes->versions + 2 * i + 2,
			       .big_endian = bytes->big_endian };
	return hs_cursor_u16(&c) & VERSION_HIDDEN;
}

/* Where NAME's version begins, or NULL. The search has an end of its own:
 * a forged table may point a million names into one endless string. */
static const char *version_of(const char *name)
{
	return memchr(name, '@', strnlen(name, HS_LIMIT_STRING));
}

/* Keep a copy of the strings; *LEN is how many may be used: up to and with the
 * last NUL, so that every name within ends inside. */
static enum hs_status keep_strings(struct hs_symbol_table *table,
				   const struct hs_symbol_bytes *bytes,
				   char **ret, size_t *len,
				   struct hs_error *err)
{
	const char *last = bytes->strings_len ? memrchr(bytes->strings, '\0',
							bytes->strings_len)
					      : NULL;
	if (!last) {
		*len = 0;
		return HS_OK;
	}
	size_t keep = (size_t)(last - bytes->strings) + 1;
	enum hs_status st =
		hs_grow(&table->strings, &table->strings_capacity,
			table->strings_count, sizeof(*table->strings), err);
	if (st)
		return st;
	char *copy = malloc(keep);
	if (!copy)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu bytes",
			       keep);
	memcpy(copy, bytes->strings, keep);
	table->strings[table->strings_count++] = copy;
	*ret = copy;
	*len = keep;
	return HS_OK;
}

static void drop_indexes(struct hs_symbol_table *table)
{
	free(table->by_name);
	free(table->by_addr);
	free(table->by_tls);
	free(table->reach);
	table->by_name = NULL;
	table->by_addr = NULL;
	table->by_tls = NULL;
	table->reach = NULL;
}

enum hs_status hs_symbol_table_add(struct hs_symbol_table *table,
				   const struct hs_symbol_bytes *bytes,
				   struct hs_error *err)
{
	size_t entry =
		bytes->word_size == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	size_t n = bytes->symbols_len / entry;
	if (n > HS_LIMIT_SYMBOLS - table->count)
		return hs_fail(err, HS_ERR_LIMIT, "symbol table of %zu entries",
			       n);
	char *strings = NULL;
	size_t strings_len = 0;
	enum hs_status st =
		keep_strings(table, bytes, &strings, &strings_len, err);
	if (st)
		return st;

	drop_indexes(table);
	size_t first = table->count;
	struct hs_cursor c = { .pos = bytes->symbols,
			       .end = bytes->symbols + n * entry,
			       .big_endian = bytes->big_endian };
	for (size_t i = 0; i < n; i++) {
		struct raw_symbol raw = { 0 };
		read_symbol(&c, bytes->word_size, &raw);
		if (!names_a_place(&raw) || raw.name >= strings_len)
			continue;
		const char *name = strings + raw.name;
		if (*name == '\0' || is_mapping_symbol(name))
			continue;
		st = hs_grow(&table->symbol, &table->capacity, table->count,
			     sizeof(*table->symbol), err);
		if (st)
			return st;
		const char *at = version_of(name);
		table->symbol[table->count++] = (struct hs_symbol){
			.name = name,
			.value = raw.value,
			.size = raw.size,
			.type = ELF64_ST_TYPE(raw.info),
			.bind = ELF64_ST_BIND(raw.info),
			.source = (uint8_t)bytes->source,
			.old_version = (at && at[1] != '@') ||
				       version_hidden(bytes, i),
		};
	}
	/*
	 * .symtab writes versions into the names (name@VERSION, and @@ for the
	 * default); .dynsym keeps them apart. Cut them off now that all were
	 * seen: several names may share one tail.
	 */
	for (size_t i = first; i < table->count; i++) {
		const char *name = table->symbol[i].name;
		const char *at = version_of(name);
		if (at && at != name)
			strings[at - strings] = '\0';
	}
	/* A forged name may begin where another one was cut. */
	size_t kept = first;
	for (size_t i = first; i < table->count; i++)
		if (table->symbol[i].name[0] != '\0')
			table->symbol[kept++] = table->symbol[i];
	table->count = kept;
	return HS_OK;
}

void hs_symbol_table_release(struct hs_symbol_table *table)
{
	drop_indexes(table);
	for (size_t i = 0; i < table->strings_count; i++)
		free(table->strings[i]);
	free(table->strings);
	free(table->symbol);
	*table = (struct hs_symbol_table){ 0 };
}

/* FNV-1a. Names longer than the cap, which nobody asks for, are left out. */
static bool hash_name(const char *name, uint32_t *ret)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; name[i]; i++) {
		if (i == HS_LIMIT_SYMBOL_NAME)
			return false;
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	}
	*ret = hash;
	return true;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Sorted hashes rather than a hash table: names that collide on purpose cost
 * a walk over the colliding ones, and no more. */
static enum hs_status index_names(struct hs_symbol_table *table,
				  struct hs_error *err)
{
	uint64_t *keys = malloc((table->count + 1) * sizeof(*keys));
	if (!keys)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for an index of %zu symbols",
			       table->count);
	size_t n = 0;
	for (size_t i = 0; i < table->count; i++) {
		uint32_t hash;
		if (hash_name(table->symbol[i].name, &hash))
			keys[n++] = (uint64_t)hash << 32 | i;
	}
	qsort(keys, n, sizeof(*keys), compare_u64);
	table->by_name = keys;
	table->by_name_count = n;
	return HS_OK;
}

static unsigned bind_rank(uint8_t bind)
{
	switch (bind) {
	case STB_GLOBAL:
	case STB_GNU_UNIQUE:
		return 0;
	case STB_WEAK:
		return 1;
	default:
		return 2;
	}
}

/* Is A a better answer to its name than B? Equal: the earlier one stays. */
static bool better_named(const struct hs_symbol *a, const struct hs_symbol *b)
{
	if (a->source != b->source)
		return a->source < b->source;
	if (bind_rank(a->bind) != bind_rank(b->bind))
		return bind_rank(a->bind) < bind_rank(b->bind);
	return !a->old_version && b->old_version;
}

enum hs_status hs_symbol_table_named(struct hs_symbol_table *table,
				     const char *name, bool tls,
				     const struct hs_symbol **ret,
				     struct hs_error *err)
{
	if (!table->by_name) {
		enum hs_status st = index_names(table, err);
		if (st)
			return st;
	}
	*ret = NULL;
	uint32_t hash;
	if (!hash_name(name, &hash))
		return HS_OK;
	size_t lo = 0, hi = table->by_name_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (table->by_name[mid] >> 32 < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < table->by_name_count && table->by_name[lo] >> 32 == hash;
	     lo++) {
		const struct hs_symbol *s =
			&table->symbol[(uint32_t)table->by_name[lo]];
		if ((s->type == STT_TLS) == tls && strcmp(s->name, name) == 0 &&
		    (!*ret || better_named(s, *ret)))
			*ret = s;
	}
	return HS_OK;
}

/* Ascending by address; at one address the best answer comes last, because a
 * search from above meets it first. */
static int compare_by_addr(const void *a, const void *b, void *arg)
{
	const struct hs_symbol *symbol = arg;
	const struct hs_symbol *x = &symbol[*(const uint32_t *)a];
	const struct hs_symbol *y = &symbol[*(const uint32_t *)b];
	if (x->value != y->value)
		return x->value > y->value ? 1 : -1;
	if (!x->size != !y->size)
		return x->size ? 1 : -1;
	if (bind_rank(x->bind) != bind_rank(y->bind))
		return bind_rank(x->bind) < bind_rank(y->bind) ? 1 : -1;
	if (x->old_version != y->old_version)
		return y->old_version ? 1 : -1;
	if (x->source != y->source)
		return x->source < y->source ? 1 : -1;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	return i < j ? 1 : i > j ? -1 : 0;
}

static uint64_t symbol_end(const struct hs_symbol *s)
{
	return s->size > UINT64_MAX - s->value ? UINT64_MAX
					       : s->value + s->size;
}

static enum hs_status index_addresses(struct hs_symbol_table *table,
				      struct hs_error *err)
{
	HS_AUTO_FREE uint32_t *order =
		malloc((table->count + 1) * sizeof(*order));
	HS_AUTO_FREE uint64_t *reach =
		malloc((table->count + 1) * sizeof(*reach));
	if (!order || !reach)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for an index of %zu symbols",
			       table->count);
	size_t n = 0;
	for (size_t i = 0; i < table->count; i++)
		if (table->symbol[i].type != STT_TLS)
			order[n++] = (uint32_t)i;
	qsort_r(order, n, sizeof(*order), compare_by_addr, table->symbol);
	uint64_t highest = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t end = symbol_end(&table->symbol[order[i]]);
		if (end > highest)
			highest = end;
		reach[i] = highest;
	}
	table->by_addr = HS_TAKE(order);
	table->reach = HS_TAKE(reach);
	table->by_addr_count = n;
	return HS_OK;
}

enum hs_status hs_symbol_table_at(struct hs_symbol_table *table, uint64_t value,
				  const struct hs_symbol **ret,
				  struct hs_error *err)
{
	if (!table->by_addr) {
		enum hs_status st = index_addresses(table, err);
		if (st)
			return st;
	}
	*ret = NULL;
	size_t lo = 0, hi = table->by_addr_count;
	while (lo < hi) { /* the first symbol behind VALUE */
		size_t mid = lo + (hi - lo) / 2;
		if (table->symbol[table->by_addr[mid]].value <= value)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Downwards to one that reaches VALUE; `reach` says when none can. */
	for (size_t i = lo, steps = 0; i > 0 && table->reach[i - 1] > value &&
				       steps < HS_LIMIT_SYMBOL_OVERLAP;
	     i--, steps++) {
		const struct hs_symbol *s =
			&table->symbol[table->by_addr[i - 1]];
		if (symbol_end(s) > value) {
			*ret = s;
			return HS_OK;
		}
	}
	/* A label without size holds up to the next symbol, but not out of a
	 * sized one that it stands in: behind that is a gap. */
	if (lo > 0) {
		const struct hs_symbol *s =
			&table->symbol[table->by_addr[lo - 1]];
		bool inside = lo > 1 && table->reach[lo - 2] > s->value;
		if (s->size == 0 && !inside)
			*ret = s;
	}
	return HS_OK;
}

static enum hs_status index_tls(struct hs_symbol_table *table,
				struct hs_error *err)
{
	size_t n = 0;
	for (size_t i = 0; i < table->count; i++)
		n += table->symbol[i].type == STT_TLS;
	uint32_t *order = malloc((n + 1) * sizeof(*order));
	if (!order)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for an index of %zu symbols", n);
	n = 0;
	for (size_t i = 0; i < table->count; i++)
		if (table->symbol[i].type == STT_TLS)
			order[n++] = (uint32_t)i;
	qsort_r(order, n, sizeof(*order), compare_by_addr, table->symbol);
	table->by_tls = order;
	table->by_tls_count = n;
	return HS_OK;
}

enum hs_status hs_symbol_table_tls_at(struct hs_symbol_table *table,
				      uint64_t offset,
				      const struct hs_symbol **ret,
				      struct hs_error *err)
{
	if (!table->by_tls) {
		enum hs_status st = index_tls(table, err);
		if (st)
			return st;
	}
	*ret = NULL;
	size_t lo = 0, hi = table->by_tls_count;
	while (lo < hi) { /* the first symbol behind OFFSET */
		size_t mid = lo + (hi - lo) / 2;
		if (table->symbol[table->by_tls[mid]].value <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t i = lo, steps = 0; i > 0 && steps < HS_LIMIT_SYMBOL_OVERLAP;
	     i--, steps++) {
		const struct hs_symbol *s =
			&table->symbol[table->by_tls[i - 1]];
		if (symbol_end(s) > offset) {
			*ret = s;
			break;
		}
	}
	return HS_OK;
}
