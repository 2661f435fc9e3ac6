/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DEMANGLE_H
#define SYMBOLS_DEMANGLE_H

#include <heapscan/symbols.h>

/*
 * The encoding of a C++ type as type_info holds it ("N3app7DerivedE", "i"),
 * as people write it, into BUF of SIZE bytes, cut to fit. False: it is none,
 * and BUF is unchanged. See hs_demangle() for symbols.
 */
bool hs_demangle_type(const char *mangled, char *buf, size_t size);

#endif
