/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_SWIFT_PUNYCODE_H
#define SYMBOLS_SWIFT_PUNYCODE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The LEN characters at CODE as UTF-8 in TEXT, with a NUL. This is Punycode
 * (RFC 3492) with an underscore for the hyphen and A to J for the digits, so
 * that names stay names; characters that no mangled name may have come as
 * surrogates. False: something else, or no room.
 */
bool hs_swift_punycode(const char *code, size_t len, char *text, size_t size);

#endif
