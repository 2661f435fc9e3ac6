/* SPDX-License-Identifier: MIT */
#include "heap/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap/libc_module.h"

/* "GNU C Library (Vendor 2.36-9) stable release version 2.36.\n" */
static const char banner[] = "GNU C Library (";
static const char release[] = "release version 2.";

/* The banner is a line; anything longer is something else. */
#define BANNER_MAX 256u
/* libc's read-only data is half a MiB, a static program's can be large. */
#define SEARCH_MAX (UINT64_C(512) << 20)

static unsigned parse(const uint8_t *line, size_t len)
{
	const uint8_t *at = memmem(line, len, release, sizeof(release) - 1);
	if (!at)
		return 0;
	unsigned version = 0;
	for (at += sizeof(release) - 1;
	     at < line + len && *at >= '0' && *at <= '9' && version < 1000;
	     at++)
		version = version * 10 + (unsigned)(*at - '0');
	return version;
}

static unsigned search(const uint8_t *bytes, size_t len)
{
	const uint8_t *end = bytes + len;
	while ((bytes = memmem(bytes, (size_t)(end - bytes), banner,
			       sizeof(banner) - 1))) {
		size_t left = (size_t)(end - bytes);
		unsigned version =
			parse(bytes, left < BANNER_MAX ? left : BANNER_MAX);
		if (version)
			return version;
		bytes++;
	}
	return 0;
}

unsigned hs_version_of_module(struct hs_scan *scan, size_t module)
{
	const struct hs_target *t = scan->target;
	const struct hs_module *m = &t->modules.module[module];
	uint64_t budget = SEARCH_MAX;
	for (size_t i = 0; i < t->maps.count; i++) {
		const struct hs_map *map = &t->maps.map[i];
		if (map->end <= m->base || map->start >= m->end ||
		    (map->prot & HS_PROT_WRITE))
			continue;
		for (hs_addr at = map->start; at < map->end && budget > 0;) {
			const uint8_t *bytes;
			uint64_t len;
			if (hs_target_view(t, at, &bytes, &len, NULL))
				break;
			if (len > map->end - at)
				len = map->end - at;
			if (len > budget)
				len = budget;
			unsigned version = search(bytes, (size_t)len);
			if (version)
				return version;
			budget -= len;
			at += len;
		}
	}
	return 0;
}

static bool is_malloc_debug(const struct hs_scan *scan, size_t module)
{
	const char *path = scan->target->modules.module[module].path;
	return path && strstr(path, "/libc_malloc_debug.so");
}

enum hs_status hs_version_find(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	if (heap->module == SIZE_MAX)
		return HS_OK;
	size_t from = heap->module;
	heap->version = hs_version_of_module(scan, from);
	/* libc_malloc_debug.so, which has no banner, comes with its libc. */
	if (!heap->version && is_malloc_debug(scan, from)) {
		from = hs_libc_candidate(scan, 0);
		if (from != SIZE_MAX)
			heap->version = hs_version_of_module(scan, from);
	}
	if (!heap->version)
		return HS_OK;
	(void)snprintf(heap->version_text, sizeof(heap->version_text), "2.%u",
		       heap->version);
	if (asprintf(&heap->version_source, "banner in %s",
		     scan->target->modules.module[from].path) < 0) {
		heap->version_source = NULL;
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a text");
	}
	return HS_OK;
}
