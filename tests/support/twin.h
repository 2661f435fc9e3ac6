/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TWIN_H
#define TESTS_TWIN_H

#include <stddef.h>

/* twin.c has a `struct twin` of its own, another one than test_dwarf_types.c:
 * that of this variable's unit. */
extern int twin_home;
extern const size_t twin_value_offset, twin_size;

#endif
