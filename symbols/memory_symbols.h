/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_MEMORY_SYMBOLS_H
#define SYMBOLS_MEMORY_SYMBOLS_H

#include "symbols/image.h"
#include "symbols/symbol_table.h"

/*
 * Add the dynamic symbols of a module as they are mapped in the target, for
 * when there is no file: through PT_DYNAMIC. BASE and END bound the module;
 * nothing outside is read. HS_ERR_NO_SYMBOL: it has no dynamic section, or one
 * that makes no sense; HS_ERR_NOT_CAPTURED, HS_ERR_UNMAPPED: the bytes are
 * missing.
 */
HS_MUST_CHECK enum hs_status hs_memory_symbols(const struct hs_target *target,
					       const struct hs_image *image,
					       hs_addr base, hs_addr end,
					       struct hs_symbol_table *table,
					       struct hs_error *err);

#endif
