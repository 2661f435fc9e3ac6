/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_SYMBOL_TABLE_H
#define SYMBOLS_SYMBOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fail.h"

/*
 * The names one module defines, from all of its symbol tables, with an index
 * by name and one by address. Opens nothing: it is fed raw bytes, from a file
 * or from the target's memory, and trusts none of them.
 */

/* Where a symbol was read. In the order in which they are believed. */
enum hs_symbol_source {
	HS_SYMBOL_SYMTAB, /* .symtab of the module's own file */
	HS_SYMBOL_DEBUG,  /* .symtab of its debug file */
	HS_SYMBOL_DYNSYM, /* .dynsym of its own file */
	HS_SYMBOL_MEMORY, /* .dynsym as it is mapped in the target */
};

struct hs_symbol {
	const char *name; /* borrowed from the table, NUL-terminated */
	uint64_t value;   /* linked address; STT_TLS: offset in the block */
	uint64_t size;    /* bytes; 0: not said */
	uint8_t type;     /* STT_* */
	uint8_t bind;     /* STB_* */
	uint8_t source;   /* enum hs_symbol_source */
	bool old_version; /* name@VERSION: not what new programs link to */
};

/* A symbol table as it stands in an ELF file. Borrowed by the reader. */
struct hs_symbol_bytes {
	const uint8_t *symbols;
	size_t symbols_len; /* bytes */
	const char *strings;
	size_t strings_len;
	const uint8_t *versions; /* .gnu.version, or NULL */
	size_t versions_len;
	unsigned word_size; /* 4 or 8: ELF32 or ELF64 */
	bool big_endian;
	enum hs_symbol_source source;
};

/* Zero is an empty table. */
struct hs_symbol_table {
	struct hs_symbol *symbol;
	size_t count, capacity;
	char **strings; /* the string tables behind the names */
	size_t strings_count, strings_capacity;
	uint64_t *by_name; /* hash << 32 | index, ascending; NULL: not built */
	size_t by_name_count;
	uint32_t *by_addr; /* indexes, ascending; NULL: not built */
	uint64_t *reach;   /* highest end among by_addr[0..i] */
	size_t by_addr_count;
	uint32_t *by_tls; /* thread-local ones, by offset; NULL: not built */
	size_t by_tls_count;
};

/*
 * Append the defined symbols of BYTES, which may be let go afterwards. Left
 * out: undefined and absolute ones, sections, files, mapping symbols ($x), and
 * those whose names run past the strings.
 */
HS_MUST_CHECK enum hs_status
hs_symbol_table_add(struct hs_symbol_table *table,
		    const struct hs_symbol_bytes *bytes, struct hs_error *err);
void hs_symbol_table_release(struct hs_symbol_table *table);

/*
 * The best symbol called NAME, among the thread-local ones or the others; NULL
 * in *RET when there is none. Best: by source, then global before weak before
 * local, then the default version, then the first.
 */
HS_MUST_CHECK enum hs_status
hs_symbol_table_named(struct hs_symbol_table *table, const char *name, bool tls,
		      const struct hs_symbol **ret, struct hs_error *err);

/*
 * The symbol that linked address VALUE lies in; NULL in *RET when there is
 * none. One with a size, then the closest, then a global one.
 */
HS_MUST_CHECK enum hs_status hs_symbol_table_at(struct hs_symbol_table *table,
						uint64_t value,
						const struct hs_symbol **ret,
						struct hs_error *err);

/* The thread-local variable that byte OFFSET of the module's block lies in;
 * NULL in *RET when no symbol with a size says so. */
HS_MUST_CHECK enum hs_status
hs_symbol_table_tls_at(struct hs_symbol_table *table, uint64_t offset,
		       const struct hs_symbol **ret, struct hs_error *err);

#endif
