/* SPDX-License-Identifier: MIT */
/* Names of C++ as compilers, the demangler and symbol tables write them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/coroutine_names.h"
#include "symbols/cxx_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A name that was made ends within its room. */
static void ends(bool made, const char *buf, size_t size)
{
	if (made && strnlen(buf, size) == size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const size_t sizes[] = { 1, 16, 64, 1024 };
	char name[512], buf[1024];
	size_t n = len < sizeof(name) ? len : sizeof(name) - 1;
	memcpy(name, data, n);
	name[n] = 0;
	if (hs_cxx_parameters(name) > n)
		abort();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t size = sizes[i];
		ends(hs_cxx_shorten(name, buf, size), buf, size);
		ends(hs_rust_shorten(name, buf, size), buf, size);
		ends(hs_cxx_class_of(name, buf, size), buf, size);
		ends(hs_coroutine_of_symbol(name, buf, size) !=
			     HS_COROUTINE_NONE,
		     buf, size);
		if (hs_is_coroutine_frame(name))
			ends(hs_coroutine_of_struct(name, name, buf, size), buf,
			     size);
		ends(hs_coroutine_of_struct("__coro_frame_ty", name, buf, size),
		     buf, size);
	}
	return 0;
}
