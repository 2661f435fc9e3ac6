/* SPDX-License-Identifier: MIT */
#include "heap/other_allocators.h"

#include <stdio.h>

/* How each library's file name begins, as distributions install it. */
static const struct {
	const char *prefix, *name;
} known[] = {
	{ "libjemalloc", "jemalloc" },
	{ "libtcmalloc", "tcmalloc" },
	{ "libmimalloc", "mimalloc" },
	{ "libasan.so", "AddressSanitizer" },
	{ "libclang_rt.asan", "AddressSanitizer" },
	{ "libhwasan.so", "HWAddressSanitizer" },
	{ "libtsan.so", "ThreadSanitizer" },
	{ "liblsan.so", "LeakSanitizer" },
	{ "libsnmalloc", "snmalloc" },
	{ "libhoard", "Hoard" },
	{ "librpmalloc", "rpmalloc" },
	{ "libtbbmalloc", "TBB malloc" },
	{ "libscudo", "Scudo" },
	{ "ld-musl", "musl" },
	{ "libc.musl", "musl" },
};

bool hs_other_allocators(const struct hs_scan *scan, char *text, size_t len)
{
	const struct hs_module_list *modules = &scan->target->modules;
	size_t used = 0;
	for (size_t m = 0; m < modules->count; m++) {
		const char *path = modules->module[m].path;
		const char *file = strrchr(path, '/');
		file = file ? file + 1 : path;
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
			if (strncmp(file, known[k].prefix,
				    strlen(known[k].prefix)) != 0 ||
			    used >= len)
				continue;
			int n = snprintf(text + used, len - used, "%s%s (%s)",
					 used ? ", " : "", known[k].name, file);
			if (n > 0)
				used += (size_t)n;
			break;
		}
	}
	return used > 0;
}
