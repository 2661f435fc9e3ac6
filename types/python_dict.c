/* SPDX-License-Identifier: MIT */
#include "types/python_dict.h"

/*
 *	dict  {head, used, -, keys, values}
 *	keys  {users, size, function, free entries, entries, indices, ...}
 *	keys  {users, log2 of size u8, log2 of index bytes u8, kind u8, -,
 *	       free entries, entries, indices, ...}        since 3.11
 *
 * Entries are {hash, key, value}, and {key, value} where all keys are strings
 * and KIND says so. Dicts of one class's objects may share their keys; then the
 * values are in an array of each dict's own, or in the object itself.
 */
#define DICT_KEYS 32u
#define DICT_VALUES 40u
#define KEYS_KIND 10u
#define KEYS_COUNT 24u
#define KEYS_HEAD 32u
#define OLD_KEYS_SIZE 8u
#define OLD_KEYS_COUNT 32u
#define OLD_KEYS_HEAD 40u
#define MOST_LOG 40u

/* In front of objects: 3.11 has values and dict apart; 3.12 the one or the
 * other, told by the lowest bit; later there is only the dict. */
#define MANAGED_VALUES 32u
#define MANAGED_DICT 24u

/* Of an array of values since 3.13: does it lie in the object, does it count?
 */
#define VALUES_EMBEDDED 2u
#define VALUES_VALID 3u

struct keys {
	hs_addr entries;
	uint64_t count;
	unsigned stride; /* bytes of an entry ... */
	unsigned key;    /* ... and where its key is; the value follows */
};

static bool read_byte(struct hs_py *py, hs_addr at, uint64_t *ret)
{
	return hs_window_uint(&py->n->meta, at, 1, ret);
}

static bool read_keys(struct hs_py *py, hs_addr at, struct keys *ret)
{
	uint64_t size, log_index, kind;
	if (at == 0 || at % 8 != 0 || at > UINT64_MAX / 2)
		return false;
	if (py->layout->minor < 11) {
		if (!hs_peek(py->n, at + OLD_KEYS_SIZE, &size) || size == 0 ||
		    (size & (size - 1)) != 0 || size >> MOST_LOG ||
		    !hs_peek(py->n, at + OLD_KEYS_COUNT, &ret->count))
			return false;
		unsigned bytes = size <= 0xff         ? 1
				 : size <= 0xffff     ? 2
				 : size <= 0xffffffff ? 4
						      : 8;
		ret->entries = at + OLD_KEYS_HEAD + size * bytes;
		ret->stride = 24;
		ret->key = 8;
		return ret->count <= size;
	}
	if (!read_byte(py, at + 8, &size) || size > MOST_LOG ||
	    !read_byte(py, at + 9, &log_index) || log_index > MOST_LOG + 3 ||
	    !read_byte(py, at + KEYS_KIND, &kind) || kind > 2 ||
	    !hs_peek(py->n, at + KEYS_COUNT, &ret->count))
		return false;
	ret->entries = at + KEYS_HEAD + (UINT64_C(1) << log_index);
	ret->stride = kind == 0 ? 24 : 16;
	ret->key = kind == 0 ? 8 : 0;
	return ret->count <= UINT64_C(1) << size;
}

static hs_addr key_at(struct hs_py *py, const struct keys *k, uint64_t i)
{
	uint64_t key;
	return hs_peek(py->n, k->entries + i * k->stride + k->key, &key) ? key
									 : 0;
}

static bool tell(hs_py_ref_fn fn, void *arg, hs_addr to, enum hs_py_edge edge,
		 uint64_t number, hs_addr name)
{
	const struct hs_py_ref ref = { .to = to,
				       .edge = edge,
				       .number = number,
				       .name = name,
				       .object = edge != HS_PY_MEMORY,
				       .data = edge == HS_PY_MEMORY };
	return to == 0 || to % 8 != 0 || fn(arg, &ref);
}

/* The array at VALUES, whose names are KEYS. */
static bool tell_values(struct hs_py *py, hs_addr values, const struct keys *k,
			enum hs_py_edge edge, hs_py_ref_fn fn, void *arg)
{
	for (uint64_t i = 0; i < k->count; i++) {
		uint64_t to;
		if (!hs_py_works(py) || !hs_peek(py->n, values + 8 * i, &to))
			break;
		if (to && !tell(fn, arg, to, edge, i, key_at(py, k, i)))
			return false;
	}
	return true;
}

/* Where the memory of the array at VALUES begins: 3.11 and 3.12 keep bytes in
 * front of it, the last of which says how many. */
static hs_addr values_block(struct hs_py *py, hs_addr values)
{
	uint64_t before;
	unsigned minor = py->layout->minor;
	return (minor == 11 || minor == 12) &&
			       read_byte(py, values - 1, &before)
		       ? values - before
		       : values;
}

bool hs_py_dict_refs(struct hs_py *py, hs_addr dict, hs_py_ref_fn fn, void *arg)
{
	struct hs_naming *n = py->n;
	uint64_t at, values, users, embedded;
	struct keys k;
	if (!hs_peek(n, dict + DICT_KEYS, &at) || !read_keys(py, at, &k) ||
	    !hs_peek(n, at, &users) || !hs_peek(n, dict + DICT_VALUES, &values))
		return true;
	if (values) {
		/* The object has them, where they are a part of it. */
		if (py->layout->minor >= 13 &&
		    (!read_byte(py, values + VALUES_EMBEDDED, &embedded) ||
		     embedded))
			return true;
		return tell(fn, arg, values_block(py, values), HS_PY_MEMORY, 0,
			    0) &&
		       tell_values(py, values + py->layout->values, &k,
				   HS_PY_VALUE, fn, arg);
	}
	if (users == 1 && !tell(fn, arg, at, HS_PY_MEMORY, 0, 0))
		return false;
	for (uint64_t i = 0; i < k.count; i++) {
		uint64_t value, key = key_at(py, &k, i);
		hs_addr entry = k.entries + i * k.stride + k.key;
		if (!hs_py_works(py) || !hs_peek(n, entry + 8, &value))
			break;
		if (value && (!tell(fn, arg, value, HS_PY_VALUE, i, key) ||
			      !tell(fn, arg, key, HS_PY_KEY, i, 0)))
			return false;
	}
	return true;
}

bool hs_py_managed_refs(struct hs_py *py, hs_addr addr,
			const struct hs_py_class *c, hs_py_ref_fn fn, void *arg)
{
	struct hs_naming *n = py->n;
	uint64_t dict, values = 0, valid;
	unsigned minor = py->layout->minor;
	struct keys k;
	if (!hs_peek(n, addr - MANAGED_DICT, &dict))
		return true;
	if (minor == 11 && !hs_peek(n, addr - MANAGED_VALUES, &values))
		return true;
	if (minor == 12 && dict & 1) {
		values = dict + 1;
		dict = 0;
	}
	if (dict && !tell(fn, arg, dict, HS_PY_OWN_DICT, 0, 0))
		return false;
	if (minor >= 13 && c->flags & HS_PY_INLINE) {
		hs_addr at = addr + c->basic;
		if (!read_byte(py, at + VALUES_VALID, &valid) || !valid)
			return true;
		values = at + py->layout->values;
	} else if (values && !tell(fn, arg, values_block(py, values),
				   HS_PY_MEMORY, 0, 0)) {
		return false;
	}
	return !values || values % 8 != 0 || !c->keys ||
	       !read_keys(py, c->keys, &k) ||
	       tell_values(py, values, &k, HS_PY_ATTR, fn, arg);
}
