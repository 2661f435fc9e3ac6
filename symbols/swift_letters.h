/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_SWIFT_LETTERS_H
#define SYMBOLS_SWIFT_LETTERS_H

#include <stdbool.h>

/*
 * The name of the standard library's type that mangled names write as S and
 * LETTER, or, where it is one for CONCURRENCY, as Sc and LETTER. *PROTOCOL: it
 * is a protocol. NULL: none has that letter.
 */
const char *hs_swift_letter(char letter, bool concurrency, bool *protocol);

#endif
