/* SPDX-License-Identifier: MIT */
#ifndef TYPES_PYTHON_DICT_H
#define TYPES_PYTHON_DICT_H

#include "types/python_refs.h"

/* What dicts and the attributes of objects refer to. False: FN ended it. */

bool hs_py_dict_refs(struct hs_py *py, hs_addr dict, hs_py_ref_fn fn,
		     void *arg);
/* Of the object at ADDR of class C, whose dict, or attributes that are in none
 * yet, lie in front of it or at its end: 3.11 and later. */
bool hs_py_managed_refs(struct hs_py *py, hs_addr addr,
			const struct hs_py_class *c, hs_py_ref_fn fn,
			void *arg);

#endif
