/* SPDX-License-Identifier: MIT */
#ifndef TYPES_PYTHON_CLASS_H
#define TYPES_PYTHON_CLASS_H

#include "types/namer.h"

/*
 * The classes of a CPython process, as far as it matters who refers to whom:
 * where objects of a class keep references, and which of these own nothing.
 */

/* Where the references of an object are, beyond fields that hold one each. */
enum hs_py_kind {
	HS_PY_FIELDS,   /* in its fields, and in memory that these lead to */
	HS_PY_DATA,     /* nowhere: text, numbers, bytes */
	HS_PY_BYTES,    /* nowhere: what its memory has is data as well */
	HS_PY_BUFFERED, /* in its fields; its memory is data */
	HS_PY_LIST,
	HS_PY_TUPLE,
	HS_PY_DICT,
	HS_PY_SET,
	HS_PY_TYPE,
	HS_PY_FRAME,
	HS_PY_GENERATOR, /* has its frame in itself */
	HS_PY_DEQUE,
	HS_PY_WEAK,
	HS_PY_CACHE, /* of functools.lru_cache(), or what is in one */
};

struct hs_py_class {
	hs_addr addr;
	enum hs_py_kind kind;
	uint64_t basic; /* bytes of an object, with its head ... */
	uint64_t item;  /* ... and of each of its items */
	uint64_t own;   /* bytes of it that KIND tells about, from its start */
	int64_t dict;   /* where its dict is; below 0: from the end; 0: none */
	uint64_t weak;  /* where weak references to it are listed; 0: none */
	uint64_t flags; /* as in the type object */
	bool text;      /* it is a str */
	hs_addr keys;   /* names that its objects' attributes share; 0: none */
	char name[64];  /* cut to fit */
};

/* What differs from release to release: bytes. */
struct hs_py_layout {
	unsigned minor;      /* 9: CPython 3.9 */
	uint64_t type_size;  /* of the type of types: tells the release */
	unsigned type_names; /* of a class: its name, slots and qualified name;
			      * a word further its module */
	unsigned text;       /* of a short str: where its characters are */
	unsigned tuple_items;
	unsigned values; /* of a dict's or an object's array of values:
			  * where they begin */
	/* Of a function's frame, 3.11 and later */
	unsigned frame_function, frame_code, frame_locals, frame_object;
	unsigned frame_top, frame_owner, frame_values;
	/* Of a code object */
	unsigned code_stack, code_count, code_names, code_name;
};

struct hs_py {
	struct hs_naming *n;
	void *state;  /* of the namer */
	hs_addr type; /* of types */
	const struct hs_py_layout *layout;
	struct hs_py_class **class; /* owned */
	size_t count, capacity;
	struct hs_addr_map by_addr; /* index into CLASS */
	uint64_t work;              /* words that may still be looked at */
};

/* False: it is no release that is known. PY is to be released in any case. */
bool hs_py_init(struct hs_py *py, struct hs_naming *n, void *state);
void hs_py_release(struct hs_py *py);

/* The class at ADDR, borrowed; NULL: it is none, or memory ran out, which the
 * naming keeps. */
const struct hs_py_class *hs_py_class_at(struct hs_py *py, hs_addr addr);
/* The class of the object at ADDR. */
const struct hs_py_class *hs_py_class_of(struct hs_py *py, hs_addr addr);

/* The field OFFSET bytes into objects of CLASS, as Python calls it; false: it
 * has no name. */
bool hs_py_field(struct hs_py *py, const struct hs_py_class *class,
		 uint64_t offset, char *buf, size_t size);

/* How many items the object at ADDR has by its head; below 0: of no meaning. */
bool hs_py_size(struct hs_py *py, hs_addr addr, int64_t *ret);

/* One unit of work, false: there is none left. */
static inline bool hs_py_works(struct hs_py *py)
{
	return py->work && py->work--;
}

/* Bits of a class's flags. */
#define HS_PY_INLINE (UINT64_C(1) << 2)  /* values within the object */
#define HS_PY_MANAGED (UINT64_C(1) << 4) /* the dict is in front of it */
#define HS_PY_HEAP (UINT64_C(1) << 9)
#define HS_PY_GC (UINT64_C(1) << 14)
#define HS_PY_TEXT (UINT64_C(1) << 28)

#endif
