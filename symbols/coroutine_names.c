/* SPDX-License-Identifier: MIT */
#include "symbols/coroutine_names.h"

#include <heapscan/symbols.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/limits.h"
#include "symbols/cxx_names.h"

#define CLANG_FRAME "__coro_frame_ty"
/* Behind the mangled name of the function. */
#define GCC_FRAME ".Frame"
#define LATE_CLANG_FRAME ".coro_frame_ty"

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);
	return len > n && memcmp(text + len - n, end, n) == 0;
}

/* How much of OWN, the name of a struct, is the mangled one of the function
 * whose frame it is; 0: it is called otherwise. */
static size_t mangled_length(const char *own)
{
	size_t len = strlen(own);
	if (own[0] != '_' || own[1] != 'Z')
		return 0;
	if (ends_with(own, len, GCC_FRAME))
		return len - strlen(GCC_FRAME);
	if (ends_with(own, len, LATE_CLANG_FRAME))
		return len - strlen(LATE_CLANG_FRAME);
	return 0;
}

bool hs_is_coroutine_frame(const char *own)
{
	return own[0] == '_' &&
	       (strcmp(own, CLANG_FRAME) == 0 || mangled_length(own));
}

/* FUNCTION without the type that it returns, which is only said of templates:
 * what is behind the last space that is in no brackets. */
static const char *without_result(const char *function)
{
	size_t end = hs_cxx_parameters(function), start = 0;
	unsigned depth = 0;
	for (size_t i = 0; i < end; i++) {
		if (strchr("<({[", function[i]))
			depth++;
		else if (strchr(">)}]", function[i]))
			depth -= depth > 0;
		else if (function[i] == ' ' && depth == 0)
			start = i + 1;
	}
	return function + start;
}

/* The name of the frame of FUNCTION, as the demangler writes it. Parameters are
 * types like those of a template. */
static bool frame_of(const char *function, char *buf, size_t size)
{
	char list[HS_LIMIT_STRING], shown[HS_LIMIT_STRING] = "<>";
	char name[HS_LIMIT_STRING];
	size_t open = hs_cxx_parameters(function);
	const char *close = strrchr(function, ')');
	if (function[open] == 0)
		return false;
	int len = snprintf(list, sizeof(list), "p<%.*s>",
			   (int)(close - function - (ptrdiff_t)open - 1),
			   function + open + 1);
	if (len < 0 || (size_t)len >= sizeof(list) ||
	    (len > 3 && !hs_cxx_shorten(list, shown, sizeof(shown))))
		return false;
	len = snprintf(list, sizeof(list), "%.*s", (int)open, function);
	if (len < 0 || (size_t)len >= sizeof(list) ||
	    !hs_cxx_shorten(list, name, sizeof(name)))
		return false;
	const char *of = strchr(shown, '<') + 1;
	len = snprintf(buf, size, "coroutine frame of %s(%.*s)%s",
		       without_result(name), (int)strlen(of) - 1, of,
		       close + 1);
	return len > 0 && (size_t)len < size;
}

/* The same of the function whose mangled name is the first LEN of MANGLED. */
static bool frame_of_mangled(const char *mangled, size_t len, char *buf,
			     size_t size)
{
	char name[HS_LIMIT_STRING], text[HS_LIMIT_STRING];
	if (len >= sizeof(name))
		return false;
	memcpy(name, mangled, len);
	name[len] = 0;
	return hs_demangle(name, text, sizeof(text)) &&
	       frame_of(text, buf, size);
}

bool hs_coroutine_of_struct(const char *own, const char *full, char *buf,
			    size_t size)
{
	char function[HS_LIMIT_STRING];
	size_t len = strlen(full), skip = strlen("::" CLANG_FRAME);
	if (strcmp(own, CLANG_FRAME) != 0)
		return frame_of_mangled(own, mangled_length(own), buf, size);
	if (!ends_with(full, len, "::" CLANG_FRAME) ||
	    len - skip >= sizeof(function))
		return false;
	memcpy(function, full, len - skip);
	function[len - skip] = 0;
	return frame_of(function, buf, size);
}

/* What GCC calls the struct, which such a function has in its own name with the
 * length before it: the first LEN of SYMBOL end with it. */
static const char *gcc_struct(const char *symbol, size_t len, size_t *ret)
{
	for (size_t i = 1; i + 2 < len; i++) {
		size_t number = 0, digit = 1, at = i;
		if (symbol[i] != '_' || symbol[i + 1] != 'Z')
			continue;
		while (at > 0 && symbol[at - 1] >= '0' &&
		       symbol[at - 1] <= '9' && digit < HS_LIMIT_STRING) {
			number += digit * (size_t)(symbol[--at] - '0');
			digit *= 10;
		}
		if (number == len - i) {
			*ret = number;
			return symbol + i;
		}
	}
	return NULL;
}

enum hs_coroutine_part hs_coroutine_of_symbol(const char *symbol, char *buf,
					      size_t size)
{
	static const struct {
		const char *end;
		enum hs_coroutine_part part;
	} parts[] = {
		{ ".actor", HS_COROUTINE_RESUMES },
		{ ".resume", HS_COROUTINE_RESUMES },
		{ ".destroy", HS_COROUTINE_DESTROYS },
	};
	size_t len = strlen(symbol);
	if (symbol[0] != '_' || symbol[1] != 'Z')
		return HS_COROUTINE_NONE;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const char *function = symbol;
		if (!ends_with(symbol, len, parts[i].end))
			continue;
		len -= strlen(parts[i].end);
		if (ends_with(symbol, len, GCC_FRAME)) {
			function = gcc_struct(symbol, len, &len);
			if (!function)
				break;
			len -= strlen(GCC_FRAME);
		}
		return frame_of_mangled(function, len, buf, size)
			       ? parts[i].part
			       : HS_COROUTINE_NONE;
	}
	return HS_COROUTINE_NONE;
}
