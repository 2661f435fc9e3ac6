/* SPDX-License-Identifier: MIT */
#ifndef TYPES_CXX_NAME_H
#define TYPES_CXX_NAME_H

#include <stddef.h>

/* What a class of the C++ library is to its reader. */
enum hs_cxx_form {
	HS_CXX_OBJECT,          /* nothing special */
	HS_CXX_SHARED_INPLACE,  /* counts and object, by make_shared */
	HS_CXX_SHARED_SEPARATE, /* counts of an object elsewhere */
	HS_CXX_FUNCTION,        /* what a std::function calls */
};

/*
 * FULL is a demangled class name; SHOWN, of SIZE bytes, gets it as it should
 * be shown: the counts behind a shared_ptr<T> become "shared_ptr block of T",
 * what libc++'s std::function has in a block "std::function of T".
 */
enum hs_cxx_form hs_cxx_form(const char *full, char *shown, size_t size);

#endif
