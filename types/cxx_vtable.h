/* SPDX-License-Identifier: MIT */
#ifndef TYPES_CXX_VTABLE_H
#define TYPES_CXX_VTABLE_H

#include "types/namer.h"

/*
 * Is there a type_info of a class at INFO? KIND gets the mangled name of its
 * own class. What only lacks bytes that were not captured is counted: the
 * reader must know why there is no name.
 */
bool hs_cxx_is_class(struct hs_naming *n, hs_addr info, char *kind,
		     size_t size);

/* The same of any type: also numbers and pointers may be thrown. */
bool hs_cxx_is_type(struct hs_naming *n, hs_addr info);

/* The name of the class, or other type, whose type_info is at INFO, as the
 * demangler writes it, into BUF. */
bool hs_cxx_class_name(struct hs_naming *n, hs_addr info, char *buf,
		       size_t size);

/* The class whose complete objects have their vtable at VPTR: its name and its
 * type_info. False: there is no such vtable. */
bool hs_cxx_vtable(struct hs_naming *n, hs_addr vptr, char *name, size_t size,
		   hs_addr *info);

#endif
