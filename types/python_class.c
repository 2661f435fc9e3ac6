/* SPDX-License-Identifier: MIT */
#include "types/python_class.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/grow.h"
#include "types/python_object.h"

/* A type object: what all releases from 3.9 to 3.15 have at the same place. */
#define OBJECT_SIZE 16u
#define TYPE_NAME 24u
#define TYPE_BASIC 32u
#define TYPE_ITEM 40u
#define TYPE_FLAGS 168u
#define TYPE_WEAK 208u
#define TYPE_MEMBERS 240u
#define TYPE_BASE 256u
#define TYPE_DICT 288u
#define TYPE_OWN 408u /* what follows is of classes that programs make */

/* A field that Python code may read: {name, kind int, offset, ...}. */
#define MEMBER 40u
#define MEMBER_KIND 8u
#define MEMBER_OFFSET 16u
#define KIND_OBJECT 6u
#define KIND_OBJECT_OR_NONE 16u
#define MOST_MEMBERS 256u

/* Nobody derives so often. */
#define MOST_BASES 64u

#define LARGEST (UINT64_C(1) << 20)

/* clang-format off */
static const struct hs_py_layout layouts[] = {
	{ .minor = 9, .type_size = 880, .type_names = 840,
	  .text = 48, .tuple_items = 24 },
	{ .minor = 10, .type_size = 888, .type_names = 848,
	  .text = 48, .tuple_items = 24 },
	{ .minor = 11, .type_size = 904, .type_names = 848,
	  .text = 48, .tuple_items = 24,
	  .frame_function = 0, .frame_code = 32, .frame_locals = 24,
	  .frame_object = 40, .frame_top = 64, .frame_owner = 69,
	  .frame_values = 72, .code_stack = 68, .code_count = 76,
	  .code_names = 96, .code_name = 120 },
	{ .minor = 12, .type_size = 920, .type_names = 856,
	  .text = 40, .tuple_items = 24,
	  .frame_function = 16, .frame_code = 0, .frame_locals = 40,
	  .frame_object = 48, .frame_top = 64, .frame_owner = 70,
	  .frame_values = 72, .code_stack = 64, .code_count = 72,
	  .code_names = 96, .code_name = 120 },
	{ .minor = 13, .type_size = 928, .type_names = 856,
	  .text = 40, .tuple_items = 24,
	  .values = 8,
	  .frame_function = 16, .frame_code = 0, .frame_locals = 40,
	  .frame_object = 48, .frame_top = 64, .frame_owner = 70,
	  .frame_values = 72, .code_stack = 64, .code_count = 72,
	  .code_names = 96, .code_name = 120 },
	{ .minor = 14, .type_size = 936, .type_names = 856,
	  .text = 40, .tuple_items = 32,
	  .values = 8,
	  .frame_function = 16, .frame_code = 0, .frame_locals = 40,
	  .frame_object = 48, .frame_top = 64, .frame_owner = 74,
	  .frame_values = 80, .code_stack = 64, .code_count = 72,
	  .code_names = 96, .code_name = 120 },
	{ .minor = 15, .type_size = 944, .type_names = 864,
	  .text = 40, .tuple_items = 32,
	  .values = 8,
	  .frame_function = 16, .frame_code = 0, .frame_locals = 40,
	  .frame_object = 48, .frame_top = 64, .frame_owner = 74,
	  .frame_values = 80, .code_stack = 64, .code_count = 72,
	  .code_names = 96, .code_name = 120 },
};

/* Classes whose objects keep references, or nothing, in ways of their own.
 * Those without a dot are the interpreter's, no matter what else has the name.
 */
static const struct {
	const char *name;
	enum hs_py_kind kind;
} kinds[] = {
	{ "str", HS_PY_DATA }, { "bytes", HS_PY_DATA },
	{ "bytearray", HS_PY_BYTES }, { "int", HS_PY_DATA },
	{ "float", HS_PY_DATA }, { "complex", HS_PY_DATA },
	{ "code", HS_PY_BUFFERED },
	{ "memoryview", HS_PY_BUFFERED }, { "managedbuffer", HS_PY_BUFFERED },
	{ "array.array", HS_PY_BUFFERED },
	{ "_io.BytesIO", HS_PY_BUFFERED }, { "_io.StringIO", HS_PY_BUFFERED },
	{ "_io.BufferedReader", HS_PY_BUFFERED },
	{ "_io.BufferedWriter", HS_PY_BUFFERED },
	{ "_io.BufferedRandom", HS_PY_BUFFERED },
	{ "list", HS_PY_LIST }, { "tuple", HS_PY_TUPLE },
	{ "dict", HS_PY_DICT }, { "set", HS_PY_SET },
	{ "frozenset", HS_PY_SET }, { "type", HS_PY_TYPE },
	{ "frame", HS_PY_FRAME }, { "generator", HS_PY_GENERATOR },
	{ "coroutine", HS_PY_GENERATOR },
	{ "async_generator", HS_PY_GENERATOR },
	{ "collections.deque", HS_PY_DEQUE },
	{ "weakref", HS_PY_WEAK }, { "weakref.ReferenceType", HS_PY_WEAK },
	{ "weakproxy", HS_PY_WEAK }, { "weakcallableproxy", HS_PY_WEAK },
	{ "weakref.ProxyType", HS_PY_WEAK },
	{ "weakref.CallableProxyType", HS_PY_WEAK },
	{ "functools._lru_cache_wrapper", HS_PY_CACHE },
	{ "functools._lru_list_elem", HS_PY_CACHE },
};

/* Fields that Python shows in other ways than as members, from a release on, up
 * to another. */
static const struct {
	const char *class;
	uint64_t offset;
	const char *name;
	unsigned from, to;
} fields[] = {
	{ "function", 16, "__code__", 9, 9 },
	{ "function", 32, "__defaults__", 9, 9 },
	{ "function", 40, "__kwdefaults__", 9, 9 },
	{ "function", 48, "__code__", 10, 15 },
	{ "function", 56, "__defaults__", 10, 15 },
	{ "function", 64, "__kwdefaults__", 10, 15 },
	{ "builtin_function_or_method", 24, "__self__", 9, 15 },
	{ "cell", 16, "cell_contents", 9, 15 },
	{ "type", 264, "__dict__", 9, 15 },
	{ "type", 256, "__base__", 9, 15 },
	{ "type", 336, "__bases__", 9, 15 },
	{ "type", 344, "__mro__", 9, 15 },
	{ "frame", 24, "f_back", 9, 10 },
	{ "frame", 32, "f_code", 9, 10 },
	{ "frame", 16, "f_back", 11, 15 },
	{ "collections.defaultdict", 48, "default_factory", 9, 15 },
};
/* clang-format on */

bool hs_py_init(struct hs_py *py, struct hs_naming *n, void *state)
{
	uint64_t size;
	*py = (struct hs_py){ .n = n,
			      .state = state,
			      .type = hs_python_type_of_types(state),
			      .work = UINT64_MAX };
	if (!py->type || !hs_peek(n, py->type + TYPE_BASIC, &size))
		return false;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].type_size == size)
			py->layout = &layouts[i];
	return py->layout;
}

void hs_py_release(struct hs_py *py)
{
	for (size_t i = 0; i < py->count; i++)
		free(py->class[i]);
	free(py->class);
	hs_addr_map_release(&py->by_addr);
	*py = (struct hs_py){ .n = NULL };
}

static bool find_kind(const struct hs_py_class *c, enum hs_py_kind *ret)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, c->name) == 0 &&
		    (strchr(c->name, '.') || !(c->flags & HS_PY_HEAP))) {
			*ret = kinds[i].kind;
			return true;
		}
	return false;
}

/*
 * The table of names that objects of a class share for their attributes, which
 * its type object leads to. Since 3.11
 *
 *	{users, log2 of size u8, log2 of index bytes u8, kind u8, u8, u32,
 *	 free entries, entries, indices, ...}
 */
static hs_addr shared_keys(struct hs_py *py, const struct hs_py_class *c)
{
	struct hs_naming *n = py->n;
	if (py->layout->minor < 11 || !(c->flags & HS_PY_HEAP))
		return 0;
	for (uint64_t at = c->addr + TYPE_OWN;
	     at < c->addr + py->layout->type_size; at += 8) {
		uint64_t keys, sizes, count;
		if (hs_peek(n, at, &keys) && keys % 16 == 0 && keys &&
		    keys < UINT64_MAX / 2 && hs_peek(n, keys + 8, &sizes) &&
		    (sizes >> 16 & 0xff) == 2 && (sizes & 0xff) >= 3 &&
		    (sizes & 0xff) <= (sizes >> 8 & 0xff) &&
		    (sizes >> 8 & 0xff) < 16 && hs_peek(n, keys + 24, &count) &&
		    count <= UINT64_C(1) << (sizes & 0xff))
			return keys;
	}
	return 0;
}

static bool read_class(struct hs_py *py, hs_addr addr, struct hs_py_class *c)
{
	struct hs_naming *n = py->n;
	uint64_t name, above, meta, dict;
	*c = (struct hs_py_class){ .addr = addr };
	if (addr % 8 != 0 || addr < 4096 || addr > UINT64_MAX / 2 ||
	    !hs_peek(n, addr + 8, &meta) || meta % 8 != 0 || meta < 4096 ||
	    (meta != py->type &&
	     (!hs_peek(n, meta + 8, &above) || above != py->type)) ||
	    !hs_peek(n, addr + TYPE_NAME, &name) ||
	    !hs_peek(n, addr + TYPE_BASIC, &c->basic) ||
	    !hs_peek(n, addr + TYPE_ITEM, &c->item) ||
	    !hs_peek(n, addr + TYPE_FLAGS, &c->flags) ||
	    !hs_peek(n, addr + TYPE_WEAK, &c->weak) ||
	    !hs_peek(n, addr + TYPE_DICT, &dict) || c->basic < OBJECT_SIZE ||
	    c->basic > LARGEST || c->item > LARGEST)
		return false;
	c->dict = (int64_t)dict;
	if (c->dict > (int64_t)LARGEST || c->dict < -(int64_t)LARGEST)
		c->dict = 0;
	/* Too long a name is none that matters here. */
	if (!hs_peek_name(n, name, c->name, sizeof(c->name), NULL))
		c->name[0] = 0;
	return true;
}

/* The nearest of its bases, or itself, that keeps references in a way of its
 * own. */
static void derive(struct hs_py *py, struct hs_py_class *c)
{
	struct hs_py_class base = *c;
	c->own = OBJECT_SIZE;
	c->kind = HS_PY_FIELDS;
	for (unsigned i = 0; i < MOST_BASES; i++) {
		uint64_t up;
		if (find_kind(&base, &c->kind)) {
			/* The fields of these are looked at one by one. */
			if (c->kind != HS_PY_BUFFERED && c->kind != HS_PY_CACHE)
				c->own = base.basic;
			return;
		}
		if (!hs_peek(py->n, base.addr + TYPE_BASE, &up) || !up ||
		    !read_class(py, up, &base))
			return;
	}
}

const struct hs_py_class *hs_py_class_at(struct hs_py *py, hs_addr addr)
{
	const struct hs_addr_entry *known = hs_addr_map_get(&py->by_addr, addr);
	struct hs_py_class c;
	struct hs_error err;
	if (known)
		return py->class[known->value];
	if (py->count == UINT32_MAX || !read_class(py, addr, &c))
		return NULL;
	derive(py, &c);
	c.text = c.flags & HS_PY_TEXT;
	c.keys = shared_keys(py, &c);
	struct hs_py_class *kept = malloc(sizeof(*kept));
	enum hs_status st = hs_grow(&py->class, &py->capacity, py->count,
				    sizeof(struct hs_py_class *), &err);
	if (!st && !kept)
		st = hs_fail(&err, HS_ERR_NOMEM, "no memory for a class");
	if (!st)
		st = hs_addr_map_put(
			&py->by_addr,
			(struct hs_addr_entry){ addr, (uint32_t)py->count, 0 },
			&err);
	if (st) {
		free(kept);
		hs_naming_fail(py->n, st, &err);
		return NULL;
	}
	*kept = c;
	py->class[py->count++] = kept;
	return kept;
}

const struct hs_py_class *hs_py_class_of(struct hs_py *py, hs_addr addr)
{
	uint64_t type;
	return hs_peek(py->n, addr + 8, &type) ? hs_py_class_at(py, type)
					       : NULL;
}

static bool member_at(struct hs_py *py, hs_addr members, size_t most,
		      uint64_t offset, char *buf, size_t size)
{
	for (size_t i = 0; i < most; i++, members += MEMBER) {
		uint64_t name, at;
		uint32_t kind;
		if (!hs_peek(py->n, members, &name) || !name ||
		    !hs_peek_u32(py->n, members + MEMBER_KIND, &kind) ||
		    !hs_peek(py->n, members + MEMBER_OFFSET, &at))
			return false;
		if (at == offset &&
		    (kind == KIND_OBJECT || kind == KIND_OBJECT_OR_NONE))
			return hs_peek_name(py->n, name, buf, size, NULL);
	}
	return false;
}

bool hs_py_field(struct hs_py *py, const struct hs_py_class *class,
		 uint64_t offset, char *buf, size_t size)
{
	struct hs_py_class c = *class;
	for (unsigned i = 0; i < MOST_BASES; i++) {
		uint64_t members, up;
		if (hs_peek(py->n, c.addr + TYPE_MEMBERS, &members) &&
		    members &&
		    member_at(py, members, MOST_MEMBERS, offset, buf, size))
			return true;
		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
			if (fields[k].offset == offset &&
			    fields[k].from <= py->layout->minor &&
			    fields[k].to >= py->layout->minor &&
			    (!(c.flags & HS_PY_HEAP) || strchr(c.name, '.')) &&
			    strcmp(fields[k].class, c.name) == 0) {
				(void)snprintf(buf, size, "%s", fields[k].name);
				return true;
			}
		if (!hs_peek(py->n, c.addr + TYPE_BASE, &up) || !up ||
		    !read_class(py, up, &c))
			return false;
	}
	return false;
}

bool hs_py_size(struct hs_py *py, hs_addr addr, int64_t *ret)
{
	uint64_t size;
	if (!hs_peek(py->n, addr + OBJECT_SIZE, &size))
		return false;
	*ret = (int64_t)size;
	return true;
}
