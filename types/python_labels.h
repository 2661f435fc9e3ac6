/* SPDX-License-Identifier: MIT */
#ifndef TYPES_PYTHON_LABELS_H
#define TYPES_PYTHON_LABELS_H

#include "types/python_refs.h"

/* A reference in words of Python: ".cache", "[3]", "['key']". FROM is the
 * object that has it, 0: none; NAMESPACE: FROM is a dict of attributes or
 * variables, whose keys are names. Other keys are shown only with CONTENT. */
void hs_py_label(struct hs_py *py, hs_addr from, bool namespace,
		 const struct hs_py_ref *ref, bool content, char *buf,
		 size_t size);

/* What a module, a class or a frame's function is called: "app", "Session",
 * "run()"; "": ADDR is none. Is it a module? */
bool hs_py_name(struct hs_py *py, hs_addr addr, char *buf, size_t size);

/* The function that a frame belongs to: "Session.run", "" if not known. */
void hs_py_function(struct hs_py *py, hs_addr frame, char *buf, size_t size);

#endif
