/* SPDX-License-Identifier: MIT */
#include "graph/roots.h"

#include <elf.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/elf_image.h"
#include "core/grow.h"
#include "core/limits.h"
#include "core/window.h"
#include "tls/thread_offsets.h"
#include "tls/tls.h"

/* The System V ABI of x86-64 lets a function use this much below its stack
 * pointer; the other two have no red zone. */
#define RED_ZONE 128u

/* pthread_setspecific()'s first keys are in struct pthread itself. */
#define SPECIFIC_KEYS 32u

struct finder {
	struct hs_target *target;
	struct hs_symbols *syms;
	const struct hs_heap *heap;
	struct hs_tls *tls; /* NULL: nothing known */
	uint64_t pthread_size;
	struct hs_roots *roots;
	struct hs_range_list cut; /* not roots, whatever maps say */
};

static enum hs_status add_range(struct hs_range_list *list, hs_addr start,
				hs_addr end, struct hs_error *err)
{
	if (start >= end)
		return HS_OK;
	enum hs_status st = hs_grow(&list->range, &list->capacity, list->count,
				    sizeof(*list->range), err);
	if (st)
		return st;
	list->range[list->count++] = (struct hs_live_range){ start, end };
	return HS_OK;
}

static int by_start(const void *a, const void *b)
{
	const struct hs_live_range *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int label_by_start(const void *a, const void *b)
{
	const struct hs_root_label *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

static int by_sp(const void *a, const void *b)
{
	const struct hs_root_stack *x = a, *y = b;
	return x->sp < y->sp ? -1 : x->sp > y->sp;
}

static enum hs_status add_label(struct hs_roots *roots,
				const struct hs_root_label *label,
				struct hs_error *err)
{
	if (label->start >= label->end ||
	    roots->label_count >= HS_LIMIT_TLS_BLOCKS)
		return HS_OK;
	enum hs_status st =
		hs_grow(&roots->label, &roots->label_capacity,
			roots->label_count, sizeof(*roots->label), err);
	if (st)
		return st;
	roots->label[roots->label_count++] = *label;
	return HS_OK;
}

static hs_addr after(hs_addr start, uint64_t len)
{
	return len > UINT64_MAX - start ? UINT64_MAX : start + len;
}

/* The allocator's heaps, blocks included, and its own variables. */
static enum hs_status cut_allocator(struct finder *f, struct hs_error *err)
{
	const struct hs_heap *heap = f->heap;
	enum hs_status st = HS_OK;
	for (size_t i = 0; i < heap->region_count && !st; i++)
		st = add_range(&f->cut, heap->regions[i].start,
			       heap->regions[i].end, err);
	if (!st && heap->main_arena != HS_NO_ADDR)
		st = add_range(&f->cut, heap->main_arena,
			       after(heap->main_arena,
				     heap->layout.struct_size[HS_STRUCT_ARENA]),
			       err);
	if (!st && heap->malloc_par != HS_NO_ADDR)
		st = add_range(&f->cut, heap->malloc_par,
			       after(heap->malloc_par,
				     heap->layout.struct_size[HS_STRUCT_PAR]),
			       err);
	return st;
}

/*
 * May MAP hold anything but stacks? Crash handlers start helpers by clone() on
 * an array among their variables, and on anonymous memory without a guard,
 * which the kernel joins to its neighbours: what is below their stack pointers
 * is as good as any other.
 */
static bool holds_more(const struct finder *f, const struct hs_map *map,
		       size_t thread)
{
	const struct hs_map_list *maps = &f->target->maps;
	if (hs_target_find_module(f->target, map->start) != SIZE_MAX)
		return true;
	if (!f->heap->threads[thread].shares || map->kind == HS_MAP_STACK)
		return false;
	const struct hs_map *below = map > maps->map ? map - 1 : NULL;
	return !below || below->end != map->start || below->prot;
}

static enum hs_status find_stacks(struct finder *f, struct hs_error *err)
{
	struct hs_roots *roots = f->roots;
	const struct hs_heap *heap = f->heap;
	roots->stack = calloc(heap->thread_count + 1, sizeof(*roots->stack));
	if (!roots->stack)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t t = 0; t < heap->thread_count; t++)
		if (heap->threads[t].sp != HS_NO_ADDR)
			roots->stack[roots->stack_count++] =
				(struct hs_root_stack){ heap->threads[t].sp,
							t };
	qsort(roots->stack, roots->stack_count, sizeof(*roots->stack), by_sp);
	/* Only what is below the lowest stack pointer of a mapping is surely
	 * dead: where programs bring their own stacks, several share one. */
	const struct hs_map *before = NULL;
	unsigned red = f->target->arch == HS_ARCH_X86_64 ? RED_ZONE : 0;
	for (size_t i = 0; i < roots->stack_count; i++) {
		hs_addr sp = roots->stack[i].sp;
		const struct hs_map *map = hs_target_find_map(f->target, sp);
		if (!map || map == before || sp - map->start <= red ||
		    holds_more(f, map, roots->stack[i].thread))
			continue;
		before = map;
		hs_addr end = (sp - red) & ~(hs_addr)(heap->word_size - 1);
		enum hs_status st = add_range(&f->cut, map->start, end, err);
		if (!st)
			st = add_range(&roots->dead, map->start, end, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* Where struct pthread keeps the values of its first keys. */
static bool find_specific(struct finder *f, const struct hs_runtime *runtime,
			  uint64_t *ret)
{
	const size_t modules[] = { runtime->libc, runtime->libpthread,
				   runtime->program };
	for (size_t i = 0; i < 3; i++) {
		struct hs_symbol_info info;
		uint64_t offset;
		/* {bits, elements, offset}, for debuggers */
		if (modules[i] == SIZE_MAX ||
		    hs_symbols_find(f->syms, modules[i],
				    "_thread_db_pthread_specific", &info,
				    NULL) ||
		    hs_target_read_uint(f->target, info.addr + 8, 4, &offset,
					NULL))
			continue;
		uint64_t len = SPECIFIC_KEYS * 2 * f->heap->word_size;
		if (offset < len || offset > f->pthread_size)
			continue;
		*ret = offset - len;
		return true;
	}
	return false;
}

static enum hs_status label_thread(struct finder *f, size_t t, hs_addr tp,
				   uint64_t specific, struct hs_error *err)
{
	struct hs_thread_offsets o = { .pthread_size = f->pthread_size };
	hs_addr start;
	if (!f->pthread_size || !hs_pthread_of(f->target, &o, tp, &start))
		return HS_OK;
	struct hs_root_label label = {
		.start = start,
		.end = after(start, f->pthread_size),
		.kind = HS_ROOT_THREAD,
		.thread = t,
		.module = SIZE_MAX,
	};
	if (specific == HS_NO_OFFSET)
		return add_label(f->roots, &label, err);
	/* Before, the keys, behind: labels do not overlap. */
	struct hs_root_label keys = label, tail = label;
	keys.kind = HS_ROOT_SPECIFIC;
	keys.start = after(start, specific);
	keys.end = after(keys.start, SPECIFIC_KEYS * 2 * f->heap->word_size);
	label.end = keys.start;
	tail.start = keys.end;
	enum hs_status st = add_label(f->roots, &label, err);
	if (!st)
		st = add_label(f->roots, &keys, err);
	return st ? st : add_label(f->roots, &tail, err);
}

/*
 * A thread's block of thread-local variables. Static ones are in mappings that
 * are roots anyway; dynamic ones are blocks of the heap, reached through the
 * thread's record: as roots of their own they have a better name.
 */
static enum hs_status label_block(struct finder *f, size_t t, size_t module,
				  uint64_t size, struct hs_error *err)
{
	hs_addr start;
	size_t chunk;
	if (hs_tls_block(f->tls, t, module, &start, NULL))
		return HS_OK;
	struct hs_root_label label = {
		.start = start,
		.end = after(start, size),
		.kind = HS_ROOT_TLS,
		.thread = t,
		.module = module,
	};
	enum hs_status st = add_label(f->roots, &label, err);
	if (!st && hs_heap_find(f->heap, start, &chunk) &&
	    f->heap->chunks[chunk].state == HS_CHUNK_USED)
		st = add_range(&f->roots->live, start, label.end, err);
	return st;
}

static enum hs_status label_threads(struct finder *f, struct hs_error *err)
{
	if (!f->syms)
		return HS_OK;
	enum hs_status st = hs_tls_new(f->target, f->syms, &f->tls, err);
	if (st == HS_ERR_NOMEM)
		return st;
	if (st)
		return HS_OK; /* names are missing, nothing else */
	struct hs_runtime runtime;
	struct hs_thread_offsets offsets;
	uint64_t specific = HS_NO_OFFSET;
	hs_runtime_find(f->target, f->syms, &runtime);
	if (!hs_thread_offsets_find(f->target, f->syms, &runtime, &offsets,
				    NULL) &&
	    offsets.pthread_size != HS_NO_OFFSET) {
		f->pthread_size = offsets.pthread_size;
		if (!find_specific(f, &runtime, &specific))
			specific = HS_NO_OFFSET;
	}
	size_t threads = hs_tls_thread_count(f->tls);
	if (threads > f->heap->thread_count)
		threads = f->heap->thread_count;
	for (size_t t = 0; t < threads; t++) {
		struct hs_tls_thread info;
		hs_tls_thread(f->tls, t, &info);
		if (info.tp == HS_NO_ADDR)
			continue;
		st = label_thread(f, t, info.tp, specific, err);
		if (st)
			return st;
	}
	for (size_t m = 0; m < f->target->modules.count; m++) {
		struct hs_tls_segment segment;
		if (hs_symbols_tls_segment(f->syms, m, &segment, NULL) ||
		    !segment.memsz)
			continue;
		for (size_t t = 0; t < threads; t++) {
			st = label_block(f, t, m, segment.memsz, err);
			if (st)
				return st;
		}
	}
	return HS_OK;
}

/* Is the thread whose record begins at TP one that runs? */
static bool is_thread(const struct hs_heap *heap, hs_addr tp)
{
	for (size_t t = 0; t < heap->thread_count; t++)
		if (heap->threads[t].tp == tp)
			return true;
	return false;
}

/* The record is within the last pages of its mapping, unless a neighbour
 * joined it: then this much is looked through. */
#define RECORD_REACH (UINT64_C(64) << 20)

/* A struct pthread in MAP, the highest. On x86 it begins with its own address,
 * and has it again two words on. */
static bool find_record(const struct finder *f, const struct hs_map *map,
			hs_addr *ret)
{
	uint64_t w = f->heap->word_size, page = 4096, self;
	struct hs_window window;
	hs_window_init(&window, f->target);
	uint64_t len = map->end - map->start;
	for (uint64_t back = page; back <= len && back <= RECORD_REACH;
	     back += page) {
		hs_addr at = map->end - back;
		if (!hs_window_word(&window, at, &self))
			continue;
		for (hs_addr end = at + page - 2 * w; at < end; at += w)
			if (hs_window_word(&window, at, &self) && self == at &&
			    hs_window_word(&window, at + 2 * w, &self) &&
			    self == at) {
				*ret = at;
				return true;
			}
	}
	return false;
}

/*
 * glibc keeps the stacks of ended threads for later ones, and what they held
 * is no reference. Such a mapping has a guard below it and a struct pthread
 * that is no thread's at its end.
 */
static enum hs_status cut_ended(struct finder *f, const struct hs_map *below,
				const struct hs_map *map, struct hs_error *err)
{
	hs_addr record;
	if (f->target->arch == HS_ARCH_AARCH64 || below->prot ||
	    below->end != map->start || map->kind != HS_MAP_ANON ||
	    !f->pthread_size || !find_record(f, map, &record) ||
	    is_thread(f->heap, record))
		return HS_OK;
	/* But for the second word: the table of thread-local blocks goes to the
	 * next thread that gets the stack. */
	uint64_t w = f->heap->word_size;
	hs_addr end = after(record, f->pthread_size);
	if (end > map->end)
		end = map->end;
	enum hs_status st = add_range(&f->cut, map->start, record + w, err);
	if (!st)
		st = add_range(&f->cut, record + 2 * w, end, err);
	if (!st)
		st = add_range(&f->roots->dead, map->start, record + w, err);
	return st ? st : add_range(&f->roots->dead, record + 2 * w, end, err);
}

static enum hs_status cut_stacks_of_ended(struct finder *f,
					  struct hs_error *err)
{
	const struct hs_map_list *maps = &f->target->maps;
	for (size_t m = 1; m < maps->count; m++) {
		const struct hs_map *map = &maps->map[m];
		if ((map->prot & HS_PROT_WRITE) && !map->shared) {
			enum hs_status st =
				cut_ended(f, &maps->map[m - 1], map, err);
			if (st)
				return st;
		}
	}
	return HS_OK;
}

/* START to END without what is cut out; *AT moves along, as maps ascend. */
static enum hs_status add_rest(struct finder *f, size_t *at, hs_addr start,
			       hs_addr end, struct hs_error *err)
{
	const struct hs_range_list *cut = &f->cut;
	while (*at < cut->count && cut->range[*at].end <= start)
		(*at)++;
	enum hs_status st = HS_OK;
	for (size_t i = *at; i < cut->count && cut->range[i].start < end && !st;
	     i++) {
		st = add_range(&f->roots->live, start, cut->range[i].start,
			       err);
		if (cut->range[i].end > start)
			start = cut->range[i].end;
	}
	return st ? st : add_range(&f->roots->live, start, end, err);
}

/* Overlapping cuts made one, so that add_rest() may walk along. */
static void join_cuts(struct hs_range_list *cut)
{
	size_t n = 0;
	if (!cut->count)
		return;
	qsort(cut->range, cut->count, sizeof(*cut->range), by_start);
	for (size_t i = 1; i < cut->count; i++) {
		if (cut->range[i].start > cut->range[n].end)
			cut->range[++n] = cut->range[i];
		else if (cut->range[i].end > cut->range[n].end)
			cut->range[n].end = cut->range[i].end;
	}
	cut->count = n + 1;
}

static bool is_root_map(const struct hs_map *map)
{
	if (map->kind == HS_MAP_SPECIAL || !(map->prot & HS_PROT_READ))
		return false;
	if (map->shared)
		return (map->prot & HS_PROT_WRITE) && map->captured;
	/* Programs write-protect what they filled in. */
	return (map->prot & HS_PROT_WRITE) ||
	       (map->kind != HS_MAP_FILE && map->captured);
}

static enum hs_status add_maps(struct finder *f, struct hs_error *err)
{
	const struct hs_map_list *maps = &f->target->maps;
	size_t at = 0;
	enum hs_status st = HS_OK;
	join_cuts(&f->cut);
	for (size_t m = 0; m < maps->count && !st; m++)
		if (is_root_map(&maps->map[m]))
			st = add_rest(f, &at, maps->map[m].start,
				      maps->map[m].end, err);
	return st;
}

/* What the loader filled in before it took the right to write away. */
static enum hs_status add_relro(struct finder *f, struct hs_error *err)
{
	for (size_t m = 0; m < f->target->modules.count; m++) {
		struct hs_elf_image image;
		if (hs_elf_image_read(f->target,
				      f->target->modules.module[m].base, &image,
				      NULL))
			continue;
		enum hs_status st = HS_OK;
		for (size_t s = 0; s < image.count && !st; s++) {
			const struct hs_elf_segment *seg = &image.segment[s];
			hs_addr start = seg->vaddr + image.bias;
			const struct hs_map *map =
				hs_target_find_map(f->target, start);
			if (seg->type != PT_GNU_RELRO || !map || map->shared ||
			    is_root_map(map) || !map->captured)
				continue;
			hs_addr end = after(start, seg->memsz);
			if (end > map->end)
				end = map->end;
			st = add_range(&f->roots->live, start, end, err);
		}
		hs_elf_image_release(&image);
		if (st)
			return st;
	}
	return HS_OK;
}

/* Chunks that may be in use or not: what they hold must not be called leaked,
 * and they themselves are not. */
static enum hs_status add_unknown(struct finder *f, struct hs_error *err)
{
	const struct hs_heap *heap = f->heap;
	enum hs_status st = HS_OK;
	if (!heap->summary.state[HS_CHUNK_UNKNOWN].count)
		return HS_OK;
	for (size_t i = 0; i < heap->chunk_count && !st; i++) {
		const struct hs_chunk *c = &heap->chunks[i];
		if (c->state == HS_CHUNK_UNKNOWN)
			st = add_range(&f->roots->live,
				       c->addr + heap->layout.header,
				       c->addr + hs_chunk_size(c), err);
	}
	return st;
}

static enum hs_status find(struct finder *f, struct hs_error *err)
{
	enum hs_status st = cut_allocator(f, err);
	if (!st)
		st = find_stacks(f, err);
	if (!st)
		st = label_threads(f, err);
	if (!st)
		st = cut_stacks_of_ended(f, err);
	if (!st)
		st = add_maps(f, err);
	if (!st)
		st = add_relro(f, err);
	return st ? st : add_unknown(f, err);
}

enum hs_status hs_roots_find(struct hs_target *target, struct hs_symbols *syms,
			     const struct hs_heap *heap, struct hs_roots *ret,
			     struct hs_error *err)
{
	struct hs_roots roots = { .stack = NULL };
	struct finder f = {
		.target = target, .syms = syms, .heap = heap, .roots = &roots
	};
	enum hs_status st = find(&f, err);
	hs_tls_free(f.tls);
	free(f.cut.range);
	if (st) {
		hs_roots_release(&roots);
		return st;
	}
	join_cuts(&roots.live);
	join_cuts(&roots.dead);
	if (roots.label)
		qsort(roots.label, roots.label_count, sizeof(*roots.label),
		      label_by_start);
	*ret = roots;
	return HS_OK;
}

void hs_roots_release(struct hs_roots *roots)
{
	free(roots->live.range);
	free(roots->dead.range);
	free(roots->label);
	free(roots->stack);
	*roots = (struct hs_roots){ .stack = NULL };
}

static const struct hs_root_label *find_label(const struct hs_roots *roots,
					      hs_addr addr)
{
	size_t lo = 0, hi = roots->label_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (roots->label[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Two that begin together: the larger stands last. */
	if (lo == 0 || roots->label[lo - 1].end <= addr)
		return NULL;
	return &roots->label[lo - 1];
}

static bool on_stack(const struct hs_roots *roots,
		     const struct hs_target *target, hs_addr addr,
		     struct hs_root_info *ret)
{
	size_t lo = 0, hi = roots->stack_count;
	const struct hs_map *map = hs_target_find_map(target, addr);
	while (lo < hi) { /* the first stack pointer above ADDR */
		size_t mid = lo + (hi - lo) / 2;
		if (roots->stack[mid].sp <= addr + RED_ZONE)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || !map || roots->stack[lo - 1].sp < map->start)
		return false;
	ret->kind = HS_ROOT_STACK;
	ret->thread = roots->stack[lo - 1].thread;
	ret->offset = addr - roots->stack[lo - 1].sp;
	return true;
}

void hs_roots_describe(const struct hs_roots *roots,
		       const struct hs_target *target, hs_addr addr,
		       struct hs_root_info *ret)
{
	*ret = (struct hs_root_info){ .kind = HS_ROOT_ANONYMOUS,
				      .addr = addr,
				      .thread = SIZE_MAX,
				      .module = SIZE_MAX,
				      .map = SIZE_MAX };
	const struct hs_map *map = hs_target_find_map(target, addr);
	if (map)
		ret->map = (size_t)(map - target->maps.map);
	const struct hs_root_label *label = find_label(roots, addr);
	if (label) {
		ret->kind = label->kind;
		ret->thread = label->thread;
		ret->module = label->module;
		ret->offset = addr - label->start;
		return;
	}
	ret->module = hs_target_find_module(target, addr);
	if (ret->module != SIZE_MAX) {
		ret->kind = HS_ROOT_DATA;
		return;
	}
	if (on_stack(roots, target, addr, ret) || !map)
		return;
	if (map->shared)
		ret->kind = HS_ROOT_SHARED;
	else if (map->kind == HS_MAP_FILE)
		ret->kind = HS_ROOT_FILE;
}
