/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_SWIFT_SYMBOL_H
#define SYMBOLS_SWIFT_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What a Swift symbol is of, by its path: "app.Bank.put", "app.catalog",
 * without types and labels. Into BUF of SIZE bytes, cut to fit. False: it is no
 * Swift symbol, or one that is not understood (names made of parts of others,
 * extensions, closures, specialised and generated functions); BUF is unchanged.
 */
bool hs_swift_symbol(const char *mangled, char *buf, size_t size);

#endif
