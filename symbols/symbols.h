/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_SYMBOLS_H
#define SYMBOLS_SYMBOLS_H

#include <heapscan/symbols.h>

#include "core/backend.h"
#include "symbols/dwarf_cfi.h"

/*
 * What the rooms above ask of a module, by name. Nothing here knows what the
 * names mean. Modules are indexes for hs_target_module(). A module is opened,
 * and its debug file looked for, when it is first asked about; DWARF only when
 * hs_symbols_members() is called.
 */

/* NAME as a defined function or variable, with target addresses. .symtab of
 * module or debug file first, then .dynsym (of the file, else in memory).
 * HS_ERR_NO_SYMBOL when there is none. */
HS_MUST_CHECK enum hs_status hs_symbols_find(struct hs_symbols *syms,
					     size_t module, const char *name,
					     struct hs_symbol_info *ret,
					     struct hs_error *err);

/* A thread-local NAME: offset and size in bytes within the module's TLS
 * block. */
HS_MUST_CHECK enum hs_status
hs_symbols_find_tls(struct hs_symbols *syms, size_t module, const char *name,
		    uint64_t *offset, uint64_t *size, struct hs_error *err);

/*
 * The thread-local variable that byte OFFSET of the module's block lies in, as
 * hs_symbols_at() tells others; its `addr` is an offset into the block. False:
 * no symbol says so.
 */
bool hs_symbols_tls_at(struct hs_symbols *syms, size_t module, uint64_t offset,
		       struct hs_symbol_info *ret);

/* The module's PT_TLS; memsz is 0 when it has none. */
struct hs_tls_segment {
	uint64_t filesz, memsz, align; /* bytes */
	uint64_t vaddr;                /* as linked, without the load bias */
};
HS_MUST_CHECK enum hs_status hs_symbols_tls_segment(struct hs_symbols *syms,
						    size_t module,
						    struct hs_tls_segment *ret,
						    struct hs_error *err);

/* How far the module was moved: address = linked address + bias. */
HS_MUST_CHECK enum hs_status hs_symbols_bias(struct hs_symbols *syms,
					     size_t module, uint64_t *ret,
					     struct hs_error *err);

/* Address of the module's dynamic section (l_ld), HS_NO_ADDR: static. */
HS_MUST_CHECK enum hs_status hs_symbols_dynamic(struct hs_symbols *syms,
						size_t module, hs_addr *ret,
						struct hs_error *err);

/* Where the module's call frame information is in memory; release it with
 * hs_cfi_table_release(). HS_ERR_NO_SYMBOL: it has none, or nobody knows. */
HS_MUST_CHECK enum hs_status hs_symbols_call_frames(struct hs_symbols *syms,
						    size_t module,
						    struct hs_cfi_table *ret,
						    struct hs_error *err);

/*
 * One question about a struct, answered from DWARF. MEMBER may be a path such
 * as "header.dtv"; NULL asks for the struct's own size. Typedef names are
 * followed ("heap_info"). Fill type and member, the rest is the answer.
 */
struct hs_member_query {
	const char *type, *member;
	bool found;
	uint64_t offset; /* bytes from the start of the struct */
	uint64_t size;   /* bytes of the whole member: an array's own length */
	uint64_t count;  /* elements, 1 when it is no array */
};

/*
 * Answer COUNT queries in one pass over MODULE's DWARF; of several types with
 * one name the first complete one counts. HS_OK also when some were not found;
 * HS_ERR_NO_SYMBOL when the module has no DWARF at all. PREFER, which may be
 * NULL, names a variable: its unit is looked at first.
 */
HS_MUST_CHECK enum hs_status
hs_symbols_members(struct hs_symbols *syms, size_t module, const char *prefer,
		   struct hs_member_query *query, size_t count,
		   struct hs_error *err);

/* Add what the DWARF of MODULE declares to DECLS, and what functions' variables
 * are in FRAMES (NULL: none): see dwarf_declarations.h. HS_ERR_NO_SYMBOL: it
 * has none. */
struct hs_decls;
struct hs_local_frames;
HS_MUST_CHECK enum hs_status
hs_symbols_declarations(struct hs_symbols *syms, size_t module,
			struct hs_local_frames *frames, struct hs_decls *decls,
			struct hs_error *err);

/* Is there any DWARF of MODULE? */
bool hs_symbols_has_dwarf(struct hs_symbols *syms, size_t module);

/* The first module whose path's last part begins with PREFIX ("libc.so",
 * "libc-2.", "ld-linux"), counted from FROM; SIZE_MAX: none. */
size_t hs_symbols_module_named(struct hs_symbols *syms, const char *prefix,
			       size_t from);

#endif
