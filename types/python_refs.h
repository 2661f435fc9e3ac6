/* SPDX-License-Identifier: MIT */
#ifndef TYPES_PYTHON_REFS_H
#define TYPES_PYTHON_REFS_H

#include "types/python_class.h"

/*
 * What an object of CPython refers to and keeps alive: not what it knows
 * weakly, not what it borrows, and not what is left over in a container behind
 * its last item.
 */

/* How one object has another. */
enum hs_py_edge {
	HS_PY_WORD,   /* NUMBER: bytes from its start */
	HS_PY_ATTR,   /* NAME: a str */
	HS_PY_ITEM,   /* NUMBER: index */
	HS_PY_VALUE,  /* of a dict; NAME: the key */
	HS_PY_KEY,    /* of a dict */
	HS_PY_MEMBER, /* of a set */
	HS_PY_OWN_DICT,
	HS_PY_CLASS,
	HS_PY_LOCAL, /* variable of a function; NAME: a str, 0: not known */
	HS_PY_STACK, /* what a function is computing with */
	HS_PY_MEMORY,
	HS_PY_CODE,     /* of a frame */
	HS_PY_FUNCTION, /* of a frame */
	HS_PY_LOCALS,   /* of a frame: its f_locals */
	HS_PY_FRAME_OBJECT,
	HS_PY_IN_MEMORY, /* NUMBER: bytes into a block that is no object */
};

struct hs_py_ref {
	hs_addr to; /* what is there is not checked; never 0 */
	enum hs_py_edge edge;
	uint64_t number;
	hs_addr name;
	/* TO is no object but memory of the object at hand, where nothing
	 * refers to anything. */
	bool data;
	/* TO is an object, if it is anything; else it may be memory. */
	bool object;
	bool stale; /* it may be left over */
};
/* False: no more of them are wanted. */
typedef bool (*hs_py_ref_fn)(void *arg, const struct hs_py_ref *ref);

/* False: FN ended it. */
bool hs_py_refs(struct hs_py *py, hs_addr addr, hs_py_ref_fn fn, void *arg);

/* The same of a function's frame at ADDR, 3.11 and later. With STALE FN is told
 * of words that may be left over, too: what a function that runs computes with.
 * *END is where the frame ends. */
enum hs_py_frame { HS_PY_NO_FRAME, HS_PY_FRAME_READ, HS_PY_FRAME_ENDED };
enum hs_py_frame hs_py_frame_refs(struct hs_py *py, hs_addr addr, bool stale,
				  hs_py_ref_fn fn, void *arg, hs_addr *end);
/* The code object of that frame; false: it has none. */
bool hs_py_frame_code(struct hs_py *py, hs_addr addr, hs_addr *ret);

/*
 * The text of the str at ADDR, if it is plain ASCII that can be printed and
 * fits into BUF of SIZE bytes.
 */
bool hs_py_text(struct hs_py *py, hs_addr addr, char *buf, size_t size);

#endif
