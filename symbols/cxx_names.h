/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_CXX_NAMES_H
#define SYMBOLS_CXX_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The name of a C++ type as people write it, into BUF of SIZE bytes. Compilers
 * and the demangler write one type differently; this makes them one:
 *
 *	std::__cxx11::basic_string<char, std::char_traits<char>, ...>
 *			-> std::string
 *	std::map<int, T, std::less<int>, std::allocator<...> >
 *			-> std::map<int, T>
 *	Box<std::array<char const *, 4ul> >
 *			-> Box<std::array<const char*, 4>>
 *
 * Arguments are left out where they are the default ones of the standard
 * library's templates; so are ABI tags, which declarations do not have. False:
 *it does not fit, and BUF holds nothing of use.
 */
bool hs_cxx_shorten(const char *name, char *buf, size_t size);

/* Where the parameters of FUNCTION begin, as the demangler writes it: at the
 * bracket that its last one closes; its length: it has none. */
size_t hs_cxx_parameters(const char *function);

/*
 * The class of which METHOD is a function, as the demangler writes it, in the
 * same way: "app::Box<int>" of "app::Box<int>::open(int) const". False: it does
 * not say, or as above.
 */
bool hs_cxx_class_of(const char *method, char *buf, size_t size);

/*
 * The same for Rust: "alloc::vec::Vec<app::Part, alloc::alloc::Global>" is
 * "Vec<app::Part>". What every program knows is written without its path.
 */
bool hs_rust_shorten(const char *name, char *buf, size_t size);

#endif
