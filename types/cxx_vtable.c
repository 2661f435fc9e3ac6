/* SPDX-License-Identifier: MIT */
#include "types/cxx_vtable.h"

#include <stdio.h>
#include <string.h>

#include "core/limits.h"
#include "symbols/demangle.h"

/* A word at ADDR that is aligned and leads into a module. */
static bool peek_into_module(struct hs_naming *n, hs_addr addr, uint64_t *ret)
{
	unsigned w = n->meta.word_size;
	return addr % w == 0 && hs_peek(n, addr, ret) && *ret % w == 0 &&
	       hs_naming_module(n, *ret) != SIZE_MAX;
}

/* The class of the type_info at INFO is one of the runtime's. */
static bool is_type(struct hs_naming *n, hs_addr info, char *kind, size_t size)
{
	unsigned w = n->meta.word_size;
	uint64_t vptr, meta, name;
	bool missing;
	if (!peek_into_module(n, info, &vptr) || vptr < w ||
	    !peek_into_module(n, vptr - w, &meta) ||
	    !hs_peek(n, meta + w, &name))
		return false;
	size_t module = hs_naming_module(n, name);
	if (module == SIZE_MAX)
		return false;
	if (!hs_peek_name(n, name, kind, size, &missing)) {
		if (missing)
			hs_naming_nameless(n, module);
		return false;
	}
	return strncmp(kind, "N10__cxxabiv1", 13) == 0;
}

bool hs_cxx_is_class(struct hs_naming *n, hs_addr info, char *kind, size_t size)
{
	return is_type(n, info, kind, size) &&
	       strstr(kind, "class_type_info") != NULL;
}

bool hs_cxx_is_type(struct hs_naming *n, hs_addr info)
{
	char kind[HS_LIMIT_STRING];
	return is_type(n, info, kind, sizeof(kind)) &&
	       strstr(kind, "_type_info") != NULL;
}

bool hs_cxx_class_name(struct hs_naming *n, hs_addr info, char *buf,
		       size_t size)
{
	char mangled[HS_LIMIT_STRING];
	uint64_t name;
	bool missing;
	if (!hs_peek(n, info + n->meta.word_size, &name))
		return false;
	size_t module = hs_naming_module(n, name);
	if (module == SIZE_MAX)
		return false;
	if (!hs_peek_name(n, name, mangled, sizeof(mangled), &missing)) {
		if (missing)
			hs_naming_nameless(n, module);
		return false;
	}
	/* '*': the name may only be compared by its address. */
	const char *text = mangled + (mangled[0] == '*');
	if (!hs_demangle_type(text, buf, size))
		(void)snprintf(buf, size, "%s", text);
	return true;
}

bool hs_cxx_vtable(struct hs_naming *n, hs_addr vptr, char *name, size_t size,
		   hs_addr *info)
{
	unsigned w = n->meta.word_size;
	char kind[HS_LIMIT_STRING];
	uint64_t to_top;
	return vptr >= 2 * w && hs_peek(n, vptr - 2 * w, &to_top) &&
	       to_top == 0 && peek_into_module(n, vptr - w, info) &&
	       hs_cxx_is_class(n, *info, kind, sizeof(kind)) &&
	       hs_cxx_class_name(n, *info, name, size);
}
