/* SPDX-License-Identifier: MIT */
#include "backends/core_maps.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"

/* Where x86-64 kernels show the vsyscall page. */
#define VSYSCALL_PAGE UINT64_C(0xffffffffff600000)

static unsigned prot_of(uint32_t flags)
{
	return (flags & PF_R ? HS_PROT_READ : 0) |
	       (flags & PF_W ? HS_PROT_WRITE : 0) |
	       (flags & PF_X ? HS_PROT_EXEC : 0);
}

static struct hs_map map_of(hs_addr start, hs_addr end,
			    const struct hs_core_file *file)
{
	struct hs_map map = { .start = start, .end = end };
	if (file) {
		map.kind = hs_map_path_is_anonymous(file->path) ? HS_MAP_ANON
								: HS_MAP_FILE;
		map.path = (char *)(uintptr_t)file->path; /* is copied */
		map.file_offset = file->file_offset + (start - file->start);
	}
	return map;
}

enum hs_status hs_core_add_map(struct hs_target *target,
			       const struct hs_elf_segment *s,
			       const struct hs_core_file *file,
			       struct hs_error *err)
{
	struct hs_map map = map_of(s->vaddr, s->vaddr + s->memsz, file);
	map.prot = prot_of(s->flags);
	return hs_map_list_add(&target->maps, &map, err);
}

size_t hs_core_cut_maps(struct hs_target *target)
{
	struct hs_map_list *list = &target->maps;
	size_t cut = 0, kept = 0;
	hs_addr end = 0; /* of all maps so far */
	hs_map_list_sort(list);
	for (size_t i = 0; i < list->count; i++) {
		struct hs_map m = list->map[i];
		if (i > 0 && m.start < end) {
			cut++;
			if (m.end <= end) {
				free(m.path);
				continue;
			}
			if (m.path)
				m.file_offset += end - m.start;
			m.start = end;
		}
		end = m.end;
		list->map[kept++] = m;
	}
	list->count = kept;
	return cut;
}

static enum hs_status add_gap(struct hs_target *target, hs_addr start,
			      hs_addr end, const struct hs_core_file *file,
			      struct hs_error *err)
{
	struct hs_map map = map_of(start, end, file);
	enum hs_status st = hs_map_list_add(&target->maps, &map, err);
	if (st)
		return st;
	struct hs_span span = { .start = start,
				.len = end - start,
				.state = HS_SPAN_NOT_CAPTURED };
	return hs_span_list_add(&target->spans, span, err);
}

enum hs_status hs_core_add_listed_maps(struct hs_target *target,
				       const struct hs_core_notes *notes,
				       struct hs_error *err)
{
	size_t known = target->maps.count; /* new ones are appended */
	size_t next = 0;
	hs_addr at = 0; /* all before is dealt with */
	for (size_t f = 0; f < notes->file_count; f++) {
		const struct hs_core_file *file = &notes->file[f];
		if (file->start > at)
			at = file->start;
		while (at < file->end) {
			while (next < known && target->maps.map[next].end <= at)
				next++;
			const struct hs_map *map =
				next < known ? &target->maps.map[next] : NULL;
			if (map && map->start <= at) {
				at = map->end;
				continue;
			}
			hs_addr end = map && map->start < file->end ? map->start
								    : file->end;
			enum hs_status st = add_gap(target, at, end, file, err);
			if (st)
				return st;
			at = end;
		}
	}
	hs_map_list_sort(&target->maps);
	return HS_OK;
}

static struct hs_map *map_at(struct hs_target *target, hs_addr addr)
{
	const struct hs_map *found = hs_target_find_map(target, addr);
	return found ? &target->maps.map[found - target->maps.map] : NULL;
}

static void protect_image(struct hs_target *target, const struct hs_module *m,
			  const struct hs_elf_image *image)
{
	const struct hs_map *end = target->maps.map + target->maps.count;
	for (struct hs_map *map = map_at(target, m->base);
	     map && map < end && map->start < m->end; map++) {
		if (map->prot != 0 || !map->path ||
		    strcmp(map->path, m->path) != 0)
			continue;
		for (size_t k = 0; k < image->count; k++) {
			const struct hs_elf_segment *s = &image->segment[k];
			hs_addr start = image->bias + s->vaddr;
			if (s->type == PT_LOAD && start < map->end &&
			    s->memsz > 0 && start + s->memsz > map->start)
				map->prot = prot_of(s->flags);
		}
	}
}

enum hs_status hs_core_protect_listed_maps(struct hs_target *target,
					   struct hs_error *err)
{
	bool any = false;
	for (size_t i = 0; i < target->maps.count; i++)
		any = any || (target->maps.map[i].prot == 0 &&
			      target->maps.map[i].path);
	for (size_t i = 0; any && i < target->modules.count; i++) {
		const struct hs_module *m = &target->modules.module[i];
		HS_CLEANUP(hs_elf_image_release)
		struct hs_elf_image image = { 0 };
		enum hs_status st =
			hs_elf_image_read(target, m->base, &image, err);
		if (st == HS_ERR_NOMEM)
			return st;
		if (!st)
			protect_image(target, m, &image);
	}
	return HS_OK;
}

/* An address on the main thread's stack, or HS_NO_ADDR. The kernel puts its
 * own strings there; a main thread that ran on another stack may lie. */
static hs_addr on_main_stack(const struct hs_target *target)
{
	uint64_t at;
	if ((hs_target_auxv(target, AT_EXECFN, &at) ||
	     hs_target_auxv(target, AT_RANDOM, &at)) &&
	    at != 0)
		return at;
	for (size_t i = 0; i < target->threads.count; i++)
		if (target->threads.thread[i].tid == target->pid)
			return target->threads.thread[i].sp;
	return HS_NO_ADDR;
}

void hs_core_name_maps(struct hs_target *target)
{
	struct hs_map *map = map_at(target, on_main_stack(target));
	if (map && !map->path && (map->prot & HS_PROT_WRITE))
		map->kind = HS_MAP_STACK;
	uint64_t vdso;
	if (hs_target_auxv(target, AT_SYSINFO_EHDR, &vdso)) {
		map = map_at(target, vdso);
		if (map && !map->path && map->kind == HS_MAP_ANON)
			map->kind = HS_MAP_SPECIAL;
	}
	map = target->arch == HS_ARCH_X86_64 ? map_at(target, VSYSCALL_PAGE)
					     : NULL;
	if (map && !map->path && map->start == VSYSCALL_PAGE)
		map->kind = HS_MAP_SPECIAL;
}
