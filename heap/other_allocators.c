/* SPDX-License-Identifier: MIT */
#include "heap/other_allocators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/limits.h"
#include "heap/libc_module.h"

#define PAGE UINT64_C(4096)

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

/* What an executable defines that has the allocator linked into it. */
static const struct {
	const char *symbol, *name;
} linked_in[] = {
	{ "je_malloc", "jemalloc" },
	{ "_rjem_malloc", "jemalloc" }, /* Rust's crate */
	{ "mallctl", "jemalloc" },
	{ "tc_malloc", "tcmalloc" },
	{ "mi_malloc", "mimalloc" },
	{ "__asan_init", "AddressSanitizer" },
	{ "__hwasan_init", "HWAddressSanitizer" },
	{ "__tsan_init", "ThreadSanitizer" },
	{ "__malloc_context", "musl" }, /* its mallocng ... */
	{ "__simple_malloc", "musl" }, /* ... and what stands in without free */
};

struct names {
	char *text;
	size_t len, used;
};

static bool named(const struct names *n, const char *name)
{
	return n->used > 0 && strstr(n->text, name);
}

static void add(struct names *n, const char *name, const char *file)
{
	if (n->used >= n->len)
		return;
	int more = snprintf(n->text + n->used, n->len - n->used, "%s%s (%s)",
			    n->used ? ", " : "", name, file);
	if (more > 0)
		n->used += (size_t)more;
}

/* musl calls its library libc.so, and the folder says whose it is. */
static bool is_musl(const char *path, const char *file)
{
	return strcmp(file, "libc.so") == 0 && strstr(path, "musl");
}

static void by_file_name(const struct hs_scan *scan, struct names *n)
{
	const struct hs_module_list *modules = &scan->target->modules;
	for (size_t m = 0; m < modules->count; m++) {
		const char *path = modules->module[m].path;
		const char *file = strrchr(path, '/');
		file = file ? file + 1 : path;
		if (is_musl(path, file) && !named(n, "musl"))
			add(n, "musl", file);
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			if (strncmp(file, known[k].prefix,
				    strlen(known[k].prefix)) == 0) {
				add(n, known[k].name, file);
				break;
			}
	}
}

static bool defines(const struct hs_scan *scan, size_t module, const char *name)
{
	struct hs_symbol_info symbol;
	return hs_symbols_find(scan->syms, module, name, &symbol, NULL) ==
	       HS_OK;
}

/*
 * What the program defines itself, all others call as well, libc included: so
 * Chromium and Firefox bring theirs along, stripped of all other names. A
 * static program has libc's there.
 */
static bool has_its_own(const struct hs_scan *scan, size_t executable)
{
	return hs_libc_candidate(scan, 0) != executable &&
	       defines(scan, executable, "malloc") &&
	       defines(scan, executable, "free");
}

static void by_symbol(const struct hs_scan *scan, struct names *n)
{
	const struct hs_module_list *modules = &scan->target->modules;
	for (size_t m = 0; scan->syms && m < modules->count; m++) {
		size_t before = n->used;
		if (!modules->module[m].is_executable)
			continue;
		for (size_t k = 0; k < sizeof(linked_in) / sizeof(linked_in[0]);
		     k++) {
			if (!named(n, linked_in[k].name) &&
			    defines(scan, m, linked_in[k].symbol))
				add(n, linked_in[k].name, "in the executable");
		}
		if (n->used == before && has_its_own(scan, m))
			add(n, "a malloc of its own", "in the executable");
	}
}

/* What Go's linker puts into the data of each program, stripped or not. */
static bool has_go(const struct hs_scan *scan)
{
	static const char magic[] = "\xff Go buildinf:";
	const struct hs_target *t = scan->target;
	for (size_t i = 0; i < t->maps.count; i++) {
		const struct hs_map *map = &t->maps.map[i];
		size_t m = hs_target_find_module(t, map->start);
		const uint8_t *bytes;
		uint64_t len;
		if (map->kind != HS_MAP_FILE || !hs_scan_writable(map) ||
		    m == SIZE_MAX || !t->modules.module[m].is_executable)
			continue;
		for (hs_addr at = map->start; at < map->end; at += len) {
			if (hs_target_view(t, at, &bytes, &len, NULL))
				break;
			if (len > map->end - at)
				len = map->end - at;
			if (memmem(bytes, (size_t)len, magic,
				   sizeof(magic) - 1))
				return true;
		}
	}
	return false;
}

bool hs_other_allocators(const struct hs_scan *scan, char *text, size_t len)
{
	struct names n = { .text = text, .len = len };
	by_file_name(scan, &n);
	by_symbol(scan, &n);
	if (has_go(scan))
		add(&n, "Go's runtime", "in the executable");
	return n.used > 0;
}

/*
 * Bytes of MAP in pages that are not all zero: what was never touched is there
 * or not as it pleases who wrote the dump. Of STRIDE pages one is looked at.
 */
static uint64_t touched(const struct hs_scan *scan, const struct hs_map *map,
			uint64_t stride)
{
	static const uint8_t zeroes[PAGE];
	const struct hs_target *t = scan->target;
	uint64_t sum = 0, len;
	for (hs_addr at = map->start; at < map->end;) {
		const struct hs_span *s = hs_span_list_from(&t->spans, at);
		if (!s || s->start >= map->end)
			break;
		hs_addr end = s->start + s->len;
		if (end > map->end)
			end = map->end;
		if (s->start > at)
			at = s->start;
		const uint8_t *bytes;
		if (s->zero || s->state == HS_SPAN_NOT_CAPTURED ||
		    hs_target_view(t, at, &bytes, &len, NULL)) {
			at = end;
			continue;
		}
		if (len > end - at)
			len = end - at;
		if (len > PAGE)
			len = PAGE;
		if (memcmp(bytes, zeroes, (size_t)len) != 0)
			sum += len == PAGE ? PAGE * stride : len;
		/* Not beyond the span: what follows may be of another kind. */
		at = end - at > PAGE * stride ? at + PAGE * stride : end;
	}
	return sum;
}

static bool is_private(const struct hs_map *map)
{
	return hs_scan_writable(map) &&
	       (map->kind == HS_MAP_ANON || map->kind == HS_MAP_HEAP);
}

/* One page of so many is looked at. */
static uint64_t stride_of(const struct hs_map_list *maps)
{
	uint64_t captured = 0;
	for (size_t i = 0; i < maps->count; i++)
		if (is_private(&maps->map[i]))
			captured += maps->map[i].captured;
	return 1 + captured / HS_LIMIT_OTHER_BYTES;
}

static int by_value(const void *a, const void *b)
{
	hs_addr x = *(const hs_addr *)a, y = *(const hs_addr *)b;
	return x < y ? -1 : x > y;
}

enum hs_status hs_other_bytes(const struct hs_scan *scan, uint64_t *ret,
			      struct hs_error *err)
{
	const struct hs_map_list *maps = &scan->target->maps;
	const struct hs_thread_list *threads = &scan->target->threads;
	const struct hs_heap *heap = scan->heap;
	/* Sorted: stacks are then met as the maps are. */
	HS_AUTO_FREE hs_addr *sp = malloc((threads->count + 1) * sizeof(*sp));
	if (!sp)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t t = 0; t < threads->count; t++)
		sp[t] = threads->thread[t].sp;
	qsort(sp, threads->count, sizeof(*sp), by_value);
	/* The stacks of goroutines are part of Go's heap. */
	bool go = has_go(scan);

	uint64_t sum = 0, stride = stride_of(maps);
	for (size_t i = 0, r = 0, t = 0; i < maps->count; i++) {
		const struct hs_map *map = &maps->map[i];
		while (r < heap->region_count &&
		       heap->regions[r].end <= map->start)
			r++;
		while (t < threads->count && sp[t] < map->start)
			t++;
		bool ours = r < heap->region_count &&
			    heap->regions[r].start < map->end;
		bool stack = t < threads->count && sp[t] < map->end && !go;
		if (!ours && !stack && is_private(map) &&
		    hs_target_find_module(scan->target, map->start) == SIZE_MAX)
			sum += touched(scan, map, stride);
	}
	*ret = sum;
	return HS_OK;
}
