/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/addr_map.h"
#include "core/grow.h"
#include "core/limits.h"
#include "types/coroutine.h"
#include "types/cxx_exception.h"
#include "types/cxx_name.h"
#include "types/cxx_vtable.h"
#include "types/namer.h"

/*
 * C++ objects by their vtable: the word before it leads to the class's
 * type_info (Itanium C++ ABI, 2.9.5). No symbol is needed, so stripped
 * programs and a libstdc++ inside the executable are no different: a type_info
 * is an object of a class of the runtime's own, whose type_info in turn names
 * it (__cxxabiv1::__si_class_type_info and two more).
 *
 *	object      vtable              type_info        its class's type_info
 *	vptr   -->  [-2] offset to top  vptr        -->  [-1] ... name
 *	            [-1] type_info -->  name
 *	            [ 0] functions      bases
 */
struct cxx_class {
	uint32_t type;       /* of one object */
	uint32_t array_type; /* of new T[n]; HS_NO_TYPE: not met yet */
	hs_addr info;        /* its type_info */
	enum hs_cxx_form form;
	char *name; /* owned */
};

struct cxx {
	struct hs_addr_map vtables; /* value: 1 + class; 0: no vtable */
	struct hs_addr_map thrown;  /* by type_info; value: the type */
	struct cxx_class *class;
	size_t count, capacity;
	struct hs_coroutines coroutines;
};

static void release(void *state)
{
	struct cxx *cxx = state;
	for (size_t i = 0; i < cxx->count; i++)
		free(cxx->class[i].name);
	free(cxx->class);
	hs_addr_map_release(&cxx->vtables);
	hs_addr_map_release(&cxx->thrown);
	hs_coroutines_release(&cxx->coroutines);
}

static bool add_class(struct hs_naming *n, struct cxx *cxx, hs_addr info,
		      const char *full)
{
	struct hs_error err;
	char shown[HS_LIMIT_TYPE_NAME];
	struct cxx_class class = { .info = info,
				   .array_type = HS_NO_TYPE,
				   .form = hs_cxx_form(full, shown,
						       sizeof(shown)) };
	struct hs_type type = {
		.name = shown,
		.source = HS_TYPE_CXX,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = "the type_info of its vtable",
		.module = hs_naming_module(n, info),
	};
	if (!hs_naming_read_type(n, &type, &class.type))
		return false;
	enum hs_status st = hs_grow(&cxx->class, &cxx->capacity, cxx->count,
				    sizeof(*cxx->class), &err);
	if (!st) {
		class.name = strdup(full);
		if (!class.name)
			st = hs_fail(&err, HS_ERR_NOMEM, "no memory to name");
	}
	if (st) {
		hs_naming_fail(n, st, &err);
		return false;
	}
	cxx->class[cxx->count++] = class;
	return true;
}

/* Look at the vtable at VPTR; 1 + its class, or 0. */
static uint32_t examine(struct hs_naming *n, struct cxx *cxx, hs_addr vptr)
{
	char text[HS_LIMIT_TYPE_NAME];
	hs_addr info;
	if (!hs_cxx_vtable(n, vptr, text, sizeof(text), &info) ||
	    !add_class(n, cxx, info, text))
		return 0;
	return (uint32_t)cxx->count;
}

/* The class whose vtable is at VPTR, or NULL. Borrowed until the next call. */
static struct cxx_class *class_at(struct hs_naming *n, struct cxx *cxx,
				  hs_addr vptr)
{
	if (vptr % n->meta.word_size != 0 ||
	    hs_naming_module(n, vptr) == SIZE_MAX)
		return NULL;
	const struct hs_addr_entry *known =
		hs_addr_map_get(&cxx->vtables, vptr);
	uint32_t number;
	if (known) {
		number = known->value;
	} else {
		struct hs_error err;
		uint64_t nameless = n->nameless;
		number = examine(n, cxx, vptr);
		/* Each nameless object counts, so it is asked again. */
		if (n->nameless == nameless) {
			enum hs_status st = hs_addr_map_put(
				&cxx->vtables,
				(struct hs_addr_entry){ vptr, number, 0 },
				&err);
			if (st)
				hs_naming_fail(n, st, &err);
		}
	}
	return number ? &cxx->class[number - 1] : NULL;
}

/*
 * new T[n] where T has a destructor: n, then the objects. Their distance is
 * that of the first two vptrs; where there is one object it is what is left.
 */
static bool claim_array(struct hs_naming *n, struct cxx *cxx,
			const struct hs_block *b, uint32_t *type)
{
	unsigned w = n->block.word_size;
	uint64_t vptr, next, count = b->first;
	if (count < 2 || count > b->usable / (2 * w) + 1 ||
	    !hs_block_word(n, b, 1, &vptr))
		return false;
	struct cxx_class *class = class_at(n, cxx, vptr);
	if (!class || class->form != HS_CXX_OBJECT)
		return false;
	uint64_t most = (b->usable - w) / count / w;
	uint64_t stride = 1;
	while (stride <= most && hs_block_word(n, b, 1 + stride, &next) &&
	       next != vptr)
		stride++;
	if (stride > most || b->usable - w - count * stride * w >= 4 * w)
		return false;
	for (uint64_t i = 1; i < count; i++)
		if (!hs_block_word(n, b, 1 + i * stride, &next) || next != vptr)
			return false;
	if (class->array_type == HS_NO_TYPE) {
		char name[HS_LIMIT_TYPE_NAME + 4];
		struct hs_type of = n->table.type[class->type];
		(void)snprintf(name, sizeof(name), "%s[]", of.name);
		of.name = name;
		of.evidence = "a count and that many objects of one vtable";
		if (!hs_naming_read_type(n, &of, &class->array_type))
			return false;
	}
	*type = class->array_type;
	return true;
}

static bool claim_exception(struct hs_naming *n, struct cxx *cxx,
			    const struct hs_block *b, uint32_t *type)
{
	char full[HS_LIMIT_TYPE_NAME], shown[HS_LIMIT_TYPE_NAME],
		name[HS_LIMIT_TYPE_NAME];
	struct hs_error err;
	hs_addr info;
	if (!hs_cxx_exception(n, b, &info))
		return false;
	const struct hs_addr_entry *known = hs_addr_map_get(&cxx->thrown, info);
	if (known) {
		*type = known->value;
		return true;
	}
	if (!hs_cxx_class_name(n, info, full, sizeof(full)))
		return false;
	(void)hs_cxx_form(full, shown, sizeof(shown));
	int len = snprintf(name, sizeof(name), "exception object %s", shown);
	struct hs_type what = {
		.name = name,
		.source = HS_TYPE_CXX,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = "the runtime's words before it, and its type_info",
		.module = hs_naming_module(n, info),
	};
	if (len < 0 || (size_t)len >= sizeof(name) ||
	    !hs_naming_read_type(n, &what, type))
		return false;
	enum hs_status st = hs_addr_map_put(
		&cxx->thrown, (struct hs_addr_entry){ info, *type, 0 }, &err);
	if (st)
		hs_naming_fail(n, st, &err);
	return !st;
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct cxx *cxx = state;
	if (b->first < UINT32_MAX &&
	    (claim_array(n, cxx, b, type) || claim_exception(n, cxx, b, type)))
		return true;
	const struct cxx_class *class = class_at(n, cxx, b->first);
	if (!class) {
		hs_coroutines_note(n, &cxx->coroutines, b);
		return false;
	}
	*type = class->type;
	return true;
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	struct cxx *cxx = state;
	const struct cxx *other = worker;
	hs_coroutines_merge(n, &cxx->coroutines, &other->coroutines);
}

static void survey(struct hs_naming *n, void *state)
{
	struct cxx *cxx = state;
	hs_coroutines_name(n, &cxx->coroutines);
}

/* The direct bases that the type_info at INFO lists, as text. */
static void base_classes(struct hs_naming *n, hs_addr info, hs_detail_fn fn,
			 void *arg)
{
	unsigned w = n->meta.word_size;
	char kind[256], name[HS_LIMIT_TYPE_NAME];
	uint64_t base;
	uint32_t count = 1;
	hs_addr at = info + 2 * w;
	if (!hs_cxx_is_class(n, info, kind, sizeof(kind)))
		return;
	if (strstr(kind, "__vmi_class")) {
		if (!hs_peek_u32(n, at + 4, &count))
			return;
		at += 8;
	} else if (!strstr(kind, "__si_class")) {
		return;
	}
	/* The program's own compiler wrote this, but who knows. */
	for (uint32_t i = 0; i < count && i < 64; i++, at += 2 * w) {
		char inner[256];
		if (!hs_peek(n, at, &base) ||
		    !hs_cxx_is_class(n, base, inner, sizeof(inner)) ||
		    !hs_cxx_class_name(n, base, name, sizeof(name)) ||
		    !fn(arg, "base class", name))
			return;
	}
}

static void details(struct hs_naming *n, void *state, const struct hs_block *b,
		    hs_detail_fn fn, void *arg)
{
	struct cxx *cxx = state;
	unsigned w = n->block.word_size;
	char text[64];
	const struct cxx_class *class = class_at(n, cxx, b->first);
	hs_addr info;
	if (hs_cxx_exception(n, b, &info)) {
		uint64_t count;
		bool ours = b->first != 0; /* libc++abi has it behind */
		if (hs_block_word(n, b, ours ? 0 : 1, &count)) {
			(void)snprintf(text, sizeof(text), "%" PRIu32,
				       (uint32_t)count);
			(void)fn(arg, "references", text);
		}
		return;
	}
	if (!class && hs_coroutines_has(n, &cxx->coroutines, b)) {
		if (b->first == 0)
			(void)fn(arg, "state", "at its end");
		return;
	}
	if (!class) {
		(void)snprintf(text, sizeof(text), "%" PRIu64, b->first);
		(void)fn(arg, "elements", text);
		return;
	}
	if (class->form == HS_CXX_OBJECT) {
		base_classes(n, class->info, fn, arg);
		return;
	}
	uint64_t uses, weak;
	/* libc++ counts otherwise. */
	if (class->form == HS_CXX_FUNCTION ||
	    strncmp(class->name, "std::__1::", 10) == 0) {
		(void)fn(arg, "class", class->name);
		return;
	}
	if (!hs_window_uint(&n->block, b->user + w, 4, &uses) ||
	    !hs_window_uint(&n->block, b->user + w + 4, 4, &weak))
		return;
	(void)snprintf(text, sizeof(text), "%" PRIu64, uses);
	if (!fn(arg, "shared_ptr", text))
		return;
	/* All shared_ptr together hold one of the weak references. */
	(void)snprintf(text, sizeof(text), "%" PRIu64,
		       weak - (uses && weak ? 1 : 0));
	if (fn(arg, "weak_ptr", text))
		(void)fn(arg, "class", class->name);
}

const struct hs_namer hs_namer_cxx = {
	.state_size = sizeof(struct cxx),
	.release = release,
	.claim = claim,
	.merge = merge,
	.survey = survey,
	.details = details,
	.source = HS_TYPE_CXX,
};
