/* SPDX-License-Identifier: MIT */
#include "types/cxx_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/limits.h"
#include "symbols/cxx_names.h"

/* Control blocks of libstdc++, Boost and libc++, and what a std::function of
 * libc++ holds; T or T* is their first argument. */
static const struct {
	const char *prefix;
	enum hs_cxx_form form;
} blocks[] = {
	{ "std::_Sp_counted_ptr_inplace", HS_CXX_SHARED_INPLACE },
	{ "std::_Sp_counted_ptr", HS_CXX_SHARED_SEPARATE },
	{ "std::_Sp_counted_deleter", HS_CXX_SHARED_SEPARATE },
	{ "std::__1::__shared_ptr_emplace", HS_CXX_SHARED_INPLACE },
	{ "std::__1::__shared_ptr_emplace_for_overwrite",
	  HS_CXX_SHARED_INPLACE },
	{ "std::__1::__shared_ptr_pointer", HS_CXX_SHARED_SEPARATE },
	{ "std::__1::__function::__func", HS_CXX_FUNCTION },
	{ "boost::detail::sp_counted_impl_p", HS_CXX_SHARED_SEPARATE },
};

/*
 * Length of the template argument that TEXT begins with, up to its comma or
 * closing bracket; 0 when there is no end.
 */
static size_t argument(const char *text)
{
	unsigned depth = 0;
	for (size_t i = 0; text[i]; i++) {
		bool opens = strchr("<([{", text[i]) != NULL;
		bool closes = strchr(">)]}", text[i]) != NULL;
		if (depth == 0 && (closes || text[i] == ','))
			return i;
		depth += opens;
		depth -= closes;
	}
	return 0;
}

enum hs_cxx_form hs_cxx_form(const char *full, char *shown, size_t size)
{
	char whole[HS_LIMIT_TYPE_NAME], name[HS_LIMIT_TYPE_NAME];
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		size_t skip = strlen(blocks[i].prefix);
		if (strncmp(full, blocks[i].prefix, skip) != 0)
			continue;
		/* Those of libc++ have a tag since LLVM 22. */
		if (full[skip] == '[')
			skip += strcspn(full + skip, "<");
		if (full[skip++] != '<')
			continue;
		size_t len = argument(full + skip);
		while (blocks[i].form == HS_CXX_SHARED_SEPARATE && len > 1 &&
		       (full[skip + len - 1] == '*' ||
			full[skip + len - 1] == ' '))
			len--;
		if (!len)
			break;
		(void)snprintf(whole, sizeof(whole), "%.*s", (int)len,
			       full + skip);
		if (!hs_cxx_shorten(whole, name, sizeof(name)))
			break;
		(void)snprintf(shown, size, "%s of %s",
			       blocks[i].form == HS_CXX_FUNCTION
				       ? "std::function"
				       : "shared_ptr block",
			       name);
		return blocks[i].form;
	}
	if (!hs_cxx_shorten(full, shown, size))
		(void)snprintf(shown, size, "%s", full);
	return HS_CXX_OBJECT;
}
