/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_COROUTINE_NAMES_H
#define SYMBOLS_COROUTINE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The frame of a coroutine of C++ is a struct that a compiler makes up, as are
 * the functions that go on with one and destroy it. GCC calls them after the
 * mangled name of the function, within others, and so does clang of late (seen
 * in 19); before, it had one name for all of those structs. Here both get one:
 * "coroutine frame of app::serve(int)".
 */

/* What a function does with the frame of a coroutine. */
enum hs_coroutine_part {
	HS_COROUTINE_NONE, /* it is no such function */
	HS_COROUTINE_RESUMES,
	HS_COROUTINE_DESTROYS,
};

/* What the function SYMBOL, mangled, does, and the name of the frame into BUF
 * of SIZE bytes. NONE also when that does not fit. */
enum hs_coroutine_part hs_coroutine_of_symbol(const char *symbol, char *buf,
					      size_t size);

/* Is a struct of this name, as debug information has it, such a frame? */
bool hs_is_coroutine_frame(const char *own);
/* Its name, from its own one and the FULL one, with all that it is in. */
bool hs_coroutine_of_struct(const char *own, const char *full, char *buf,
			    size_t size);

#endif
