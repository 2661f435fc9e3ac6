/* SPDX-License-Identifier: MIT */
#include <heapscan/shape.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "core/backend.h"
#include "core/elf_image.h"
#include "heap/model.h"

/* Of a static program only these are libc's: more than any version's structure
 * takes. */
#define ARENA_LEN 2560u
#define MALLOC_PAR_LEN 256u
/* struct pthread, which begins at the thread pointer, or ends there. */
#define THREAD_LEN 2560u
#define PAGE ((hs_addr)4096)
/* Modules with thread-local storage that a thread's table is believed to list:
 * the table of a damaged process must not have everything kept. */
#define DTV_MAX 4096u

/* Memory that is kept as it is, because others than the program wrote it. */
struct kept {
	hs_addr start, end;
};

struct hs_shape {
	const struct hs_target *target;
	const struct hs_heap *heap;
	struct kept *kept; /* ascending */
	size_t count;
};

static void keep(struct hs_shape *s, hs_addr start, hs_addr end)
{
	if (start != HS_NO_ADDR && end > start)
		s->kept[s->count++] = (struct kept){ start, end };
}

static void keep_image(struct hs_shape *s, hs_addr base)
{
	struct hs_elf_image image;
	if (hs_elf_image_read(s->target, base, &image, NULL))
		return;
	/* ld.so allocates from the rest of its last page, too. */
	keep(s, base, (image.end | (PAGE - 1)) + 1);
	hs_elf_image_release(&image);
}

static int by_start(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* The table that leads to a thread's variables; its length stands before it. */
static void keep_dtv(struct hs_shape *s, hs_addr tp)
{
	unsigned w = s->target->word_size;
	hs_addr slot = s->target->arch == HS_ARCH_AARCH64 ? tp : tp + w;
	uint64_t dtv, count;
	if (hs_target_read_word(s->target, slot, &dtv, NULL) || dtv < 2 * w ||
	    hs_target_read_word(s->target, dtv - 2 * w, &count, NULL) ||
	    count > DTV_MAX)
		return;
	keep(s, dtv - 2 * w, dtv + (count + 1) * 2 * w);
}

static void keep_thread(struct hs_shape *s, hs_addr tp)
{
	if (tp == HS_NO_ADDR || tp < THREAD_LEN || tp > UINT64_MAX - THREAD_LEN)
		return;
	/* On aarch64 the thread's structure lies below its pointer. */
	if (s->target->arch == HS_ARCH_AARCH64)
		keep(s, tp - THREAD_LEN, tp + 16);
	else
		keep(s, tp, tp + THREAD_LEN);
	keep_dtv(s, tp);
}

/* memalign leaves a header at the start of a mapping, before the chunk: it
 * tells that there is one. */
static void keep_old_header(struct hs_shape *s, const struct hs_region *r)
{
	unsigned align = s->heap->layout.align;
	if (r->arena == HS_NO_ARENA && r->first >= r->start + 2 * align)
		keep(s, r->start, r->start + 2 * align);
}

enum hs_status hs_shape_new(const struct hs_target *target,
			    const struct hs_heap *heap, struct hs_shape **ret,
			    struct hs_error *err)
{
	struct hs_shape *s = calloc(1, sizeof(*s));
	uint64_t ld_so;
	if (s)
		s->kept =
			calloc(2 * heap->thread_count + heap->region_count + 8,
			       sizeof(*s->kept));
	if (!s || !s->kept) {
		hs_shape_free(s);
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	s->target = target;
	s->heap = heap;
	if (heap->module < target->modules.count && !heap->is_static)
		keep_image(s, target->modules.module[heap->module].base);
	if (hs_target_auxv(target, AT_BASE, &ld_so) && ld_so)
		keep_image(s, ld_so);
	if (heap->main_arena != HS_NO_ADDR)
		keep(s, heap->main_arena, heap->main_arena + ARENA_LEN);
	if (heap->malloc_par != HS_NO_ADDR)
		keep(s, heap->malloc_par, heap->malloc_par + MALLOC_PAR_LEN);
	for (size_t i = 0; i < heap->thread_count; i++)
		keep_thread(s, heap->threads[i].tp);
	for (size_t i = 0; i < heap->region_count; i++)
		keep_old_header(s, &heap->regions[i]);
	qsort(s->kept, s->count, sizeof(*s->kept), by_start);
	*ret = s;
	return HS_OK;
}

void hs_shape_free(struct hs_shape *shape)
{
	if (!shape)
		return;
	free(shape->kept);
	free(shape);
}

static bool is_kept(const struct hs_shape *s, hs_addr addr)
{
	size_t lo = 0, hi = s->count;
	while (lo < hi) { /* the first that starts behind ADDR */
		size_t mid = lo + (hi - lo) / 2;
		if (s->kept[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* A main arena lies in its libc: one more back may be the one. */
	for (size_t i = lo; i > 0 && lo - i < 4; i--)
		if (addr < s->kept[i - 1].end)
			return true;
	return false;
}

/* Code and constants: nothing of them is the program's secret. */
static bool is_public(const struct hs_map *map)
{
	return !(map->prot & HS_PROT_WRITE) &&
	       (map->kind == HS_MAP_FILE || map->kind == HS_MAP_SPECIAL);
}

/* Keep an address, blank anything else. */
static void blank_unless_address(const struct hs_shape *s, uint8_t *at)
{
	unsigned w = s->target->word_size;
	uint64_t value = 0;
	for (unsigned i = w; i > 0; i--)
		value = value << 8 | at[i - 1];
	if (value == 0)
		return;
	if (s->heap->tagged_pointers)
		value &= HS_ADDR_WITHOUT_TAG;
	if (!hs_target_find_map(s->target, value))
		memset(at, 0, w);
}

enum fate { KEEP, ADDRESSES, BLANK };

/* Of the words that a chunk's user may have written. */
static enum fate fate_in(const struct hs_chunk *c, hs_addr addr, unsigned w)
{
	uint64_t word = (addr - (c->addr + 2 * w)) / w;
	switch ((enum hs_chunk_state)c->state) {
	case HS_CHUNK_INTERNAL:
		return KEEP;
	case HS_CHUNK_TCACHE: /* next and key */
	case HS_CHUNK_FASTBIN:
		return word < 2 ? KEEP : BLANK;
	case HS_CHUNK_UNSORTED:
	case HS_CHUNK_SMALLBIN:
	case HS_CHUNK_LARGEBIN: /* two links, and two by size */
		return word < 4 ? KEEP : BLANK;
	case HS_CHUNK_TOP:
		return BLANK;
	default:
		return ADDRESSES;
	}
}

static bool is_binned(const struct hs_chunk *c)
{
	return c->state == HS_CHUNK_UNSORTED || c->state == HS_CHUNK_SMALLBIN ||
	       c->state == HS_CHUNK_LARGEBIN;
}

/* The word at ADDR, which lies in chunk I. */
static enum fate fate_of(const struct hs_heap *heap, size_t i, hs_addr addr,
			 unsigned w)
{
	const struct hs_chunk *c = &heap->chunks[i];
	const struct hs_chunk *before = i > 0 ? c - 1 : NULL;
	if (addr >= c->addr + 2 * w)
		return fate_in(c, addr, w);
	if (addr >= c->addr + w || c->state == HS_CHUNK_MMAPPED ||
	    c->state == HS_CHUNK_INTERNAL)
		return KEEP;
	/* The first word of a header is the last of the block before, unless
	 * that is free and its size stands there. */
	if (!before || before->addr + hs_chunk_size(before) != c->addr ||
	    is_binned(before))
		return KEEP;
	return fate_in(before, addr, w);
}

void hs_shape_redact(void *shape, hs_addr addr, uint8_t *bytes, size_t len)
{
	const struct hs_shape *s = shape;
	const struct hs_heap *heap = s->heap;
	unsigned w = s->target->word_size;
	const struct hs_map *map = NULL;
	size_t chunk = hs_heap_chunk_below(heap, addr);
	for (size_t at = 0; at < len; at += w) {
		hs_addr here = addr + at;
		if (len - at < w) { /* half a word tells nothing */
			memset(bytes + at, 0, len - at);
			return;
		}
		if (!map || here < map->start || here >= map->end)
			map = hs_target_find_map(s->target, here);
		while (chunk + 1 < heap->chunk_count &&
		       heap->chunks[chunk + 1].addr <= here)
			chunk++;
		enum fate fate = ADDRESSES;
		if (chunk != SIZE_MAX &&
		    here - heap->chunks[chunk].addr <
			    hs_chunk_size(&heap->chunks[chunk]))
			fate = fate_of(heap, chunk, here, w);
		else if (map && is_public(map))
			fate = KEEP;
		if (fate == ADDRESSES && is_kept(s, here))
			fate = KEEP;
		if (fate == ADDRESSES)
			blank_unless_address(s, bytes + at);
		else if (fate == BLANK)
			memset(bytes + at, 0, w);
	}
}
