/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_SYMBOLS_H
#define HEAPSCAN_SYMBOLS_H

#include <heapscan/target.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Names of a target's functions and variables, from the ELF files of its
 * modules, their debug files, and the dynamic symbols in the memory itself.
 * Modules are opened when first asked for. Not for use by two threads at once.
 */
struct hs_symbols; /* opaque; borrows the target, which must outlive it */

/* struct_size first, the rest zero; grows at the end. */
struct hs_symbols_options {
	size_t struct_size;
	const char *debug_dirs; /* colon-separated; NULL: /usr/lib/debug */
	const char *sysroot;    /* as in hs_open_options */
};

HS_API enum hs_status hs_symbols_new(struct hs_target *target,
				     const struct hs_symbols_options *opt,
				     struct hs_symbols **ret,
				     struct hs_error *err);
HS_API void hs_symbols_free(struct hs_symbols *syms); /* NULL is fine */

struct hs_symbol_info {
	const char *name; /* borrowed from SYMS */
	hs_addr addr;     /* where the symbol begins */
	uint64_t size;    /* bytes; 0 when the file does not say */
	size_t module;    /* index for hs_target_module() */
	bool is_function;
	bool from_debug_file; /* else from the module itself */
};

/*
 * The symbol that ADDR lies in. Among several the one with a size, then the
 * closest, then a global one. False: no module there, or no symbol.
 */
HS_API bool hs_symbols_at(struct hs_symbols *syms, hs_addr addr,
			  struct hs_symbol_info *ret);

/* The debug file in use for MODULE, or NULL. Borrowed from SYMS. */
HS_API const char *hs_symbols_debug_file(struct hs_symbols *syms,
					 size_t module);

/*
 * MANGLED (C++, Rust, or the path of a Swift one: "app.Bank.put") as people
 * write it, into BUF of SIZE bytes, cut to fit. False: it is not a mangled
 * name, and BUF is unchanged.
 */
HS_API bool hs_demangle(const char *mangled, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
