/* SPDX-License-Identifier: MIT */
#include "backends/slice_modules.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/mapped_modules.h"
#include "backends/proc_maps.h"
#include "core/cleanup.h"
#include "core/elf_image.h"
#include "core/grow.h"
#include "core/limits.h"

#define DEFAULT_PAGE 4096u

/* An image found in memory, on its way to become a module. */
struct found {
	hs_addr base, end;
	bool runs;                           /* it is mapped so that it can */
	struct hs_elf_image image;           /* owned */
	char *name;                          /* owned, or NULL */
	const struct hs_slice_module *entry; /* that speaks of it, or NULL */
};

struct search {
	struct hs_target *target;
	const struct hs_slice *slice;
	uint64_t page;
	struct found *found;
	size_t count, capacity;
};

static void search_release(struct search *s)
{
	for (size_t i = 0; i < s->count; i++) {
		hs_elf_image_release(&s->found[i].image);
		free(s->found[i].name);
	}
	free(s->found);
}

static uint64_t page_up(uint64_t addr, uint64_t page)
{
	return addr > UINT64_MAX - (page - 1) ? ~(page - 1)
					      : (addr + page - 1) & ~(page - 1);
}

static const struct hs_slice_module *entries(const struct hs_slice *s,
					     size_t *count)
{
	const struct hs_slice_records *r = &s->records;
	*count = r->module_count ? r->module_count : r->listed_count;
	if (*count > HS_LIMIT_SLICE_MODULES)
		*count = HS_LIMIT_SLICE_MODULES;
	return r->module_count ? r->module : r->listed;
}

/* gdb's table of libraries has notes where the path should be. */
static bool is_name(const char *path)
{
	return path && path[0] != '(';
}

/* ---- names of maps, where a module brings lines of /proc/PID/maps ---- */

static struct hs_map *map_from(struct hs_target *target, hs_addr addr)
{
	return &target->maps.map[hs_target_map_behind(target, addr)];
}

static enum hs_status name_map(struct hs_map *map, const char *path,
			       enum hs_map_kind kind, uint64_t offset,
			       struct hs_error *err)
{
	if (map->path)
		return HS_OK; /* the first name counts */
	map->path = strdup(path);
	if (!map->path)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	map->kind = kind;
	map->file_offset = offset;
	return HS_OK;
}

static enum hs_status take_line(struct hs_target *target,
				const struct hs_proc_map *line,
				struct hs_error *err)
{
	const struct hs_map *end = target->maps.map + target->maps.count;
	for (struct hs_map *map = map_from(target, line->start);
	     map < end && map->start < line->end; map++) {
		if (map->start < line->start || map->end > line->end)
			continue;
		map->shared = map->shared || line->shared;
		enum hs_status st =
			!line->path ? HS_OK
				    : name_map(map, line->path,
					       hs_proc_map_kind(line),
					       line->offset + (map->start -
							       line->start),
					       err);
		if (st)
			return st;
	}
	return HS_OK;
}

static enum hs_status name_by_lines(struct search *s, struct hs_error *err)
{
	size_t count;
	const struct hs_slice_module *m = entries(s->slice, &count);
	for (size_t i = 0; i < count; i++) {
		struct hs_proc_map_list lines = { 0 };
		size_t len = m[i].blob_len;
		/* Text, and not a build id, which begins with its length. */
		if (len == 0 || m[i].blob[0] < ' ')
			continue;
		while (len > 0 && m[i].blob[len - 1] == '\0')
			len--;
		enum hs_status st = hs_proc_maps_parse((const char *)m[i].blob,
						       len, &lines, err);
		if (st == HS_ERR_NOMEM)
			return st;
		if (st)
			continue; /* something else */
		for (size_t k = 0; !st && k < lines.count; k++)
			st = take_line(s->target, &lines.map[k], err);
		hs_proc_map_list_release(&lines);
		if (st)
			return st;
	}
	return HS_OK;
}

/* ---- images in memory ---- */

/* Whether a region begins with an image; no more of it is unpacked. */
static enum hs_status begins_with_elf(const struct hs_slice_region *r,
				      bool *ret, struct hs_error *err)
{
	struct hs_slice_run run = { 0 };
	*ret = false;
	if (!hs_slice_run_next(r, &run) || run.state != SLICE_PAGE_CAPTURED)
		return HS_OK;
	if (r->packed.codec == HS_SLICE_STORED) {
		*ret = memcmp(r->packed.bytes + r->data, ELFMAG, SELFMAG) == 0;
		return HS_OK;
	}
	size_t want = (size_t)r->data + SELFMAG, got;
	HS_AUTO_FREE uint8_t *head = malloc(want);
	if (!head)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	if (hs_slice_unpack(&r->packed, head, want, &got, NULL) == HS_OK)
		*ret = got == want &&
		       memcmp(head + r->data, ELFMAG, SELFMAG) == 0;
	return HS_OK;
}

static int by_base(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	return x->base < y->base ? -1 : x->base > y->base;
}

/* Is a segment that is to be run mapped so that it can be? A file that someone
 * merely reads is no module. */
static bool can_run(const struct search *s, const struct found *f)
{
	uint16_t type = f->image.header.type;
	if (type != ET_DYN && type != ET_EXEC)
		return false;
	for (size_t i = 0; i < f->image.count; i++) {
		const struct hs_elf_segment *seg = &f->image.segment[i];
		if (seg->type != PT_LOAD || !(seg->flags & PF_X))
			continue;
		const struct hs_map *map = hs_target_find_map(
			s->target, f->image.bias + seg->vaddr);
		if (map && (map->prot & HS_PROT_EXEC))
			return true;
	}
	return false;
}

static enum hs_status look_for_images(struct search *s, struct hs_error *err)
{
	for (size_t i = 0; i < s->slice->region_count; i++) {
		const struct hs_slice_region *r = &s->slice->region[i];
		struct found f = { .base = r->base };
		if (s->count == HS_LIMIT_SLICE_MODULES)
			break;
		bool image;
		enum hs_status st = begins_with_elf(r, &image, err);
		if (st)
			return st;
		if (!image)
			continue;
		st = hs_grow(&s->found, &s->capacity, s->count,
			     sizeof(*s->found), err);
		if (st)
			return st;
		st = hs_elf_image_read(s->target, r->base, &f.image, err);
		if (st == HS_ERR_NOMEM)
			return st;
		if (st)
			continue;
		f.end = page_up(f.image.end, s->page);
		f.runs = can_run(s, &f);
		s->found[s->count++] = f;
	}
	if (s->count > 0)
		qsort(s->found, s->count, sizeof(*s->found), by_base);
	return HS_OK;
}

/* Drop what is no image: not laid out to run, or with another inside. */
static void keep_images(struct search *s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->count; i++) {
		struct found *f = &s->found[i];
		bool again = kept > 0 && s->found[kept - 1].base == f->base;
		bool holds = false;
		for (size_t k = i + 1;
		     k < s->count && s->found[k].base < f->end; k++)
			holds = holds || (s->found[k].base != f->base &&
					  s->found[k].runs);
		if (again || holds || !f->runs)
			hs_elf_image_release(&f->image);
		else
			s->found[kept++] = *f;
	}
	s->count = kept;
}

/* ---- names of images ---- */

static const struct hs_slice_module *entry_of(const struct search *s,
					      const struct found *f)
{
	size_t count;
	const struct hs_slice_module *m = entries(s->slice, &count);
	const struct hs_slice_module *within = NULL;
	for (size_t i = 0; i < count; i++) {
		if (!is_name(m[i].path))
			continue;
		if (m[i].base == f->base)
			return &m[i];
		/* gdb tells where .text begins, not where the image does. */
		if (!within && m[i].base > f->base && m[i].base < f->end)
			within = &m[i];
	}
	return within;
}

/* DT_SONAME out of the image's dynamic section, or NULL. Caller frees. */
static char *soname_of(const struct search *s, const struct found *f)
{
	const struct hs_target *t = s->target;
	uint64_t names = 0, name = 0, tag, value;
	unsigned w = t->word_size;
	char *text = NULL;
	for (size_t i = 0; i < f->image.count; i++) {
		const struct hs_elf_segment *seg = &f->image.segment[i];
		if (seg->type != PT_DYNAMIC)
			continue;
		hs_addr at = f->image.bias + seg->vaddr;
		for (unsigned n = 0; n < HS_LIMIT_DYNAMIC_ENTRIES; n++) {
			if (hs_target_read_word(t, at, &tag, NULL) ||
			    hs_target_read_word(t, at + w, &value, NULL) ||
			    tag == DT_NULL)
				break;
			if (tag == DT_STRTAB)
				names = value;
			if (tag == DT_SONAME)
				name = value;
			at += 2 * w;
		}
	}
	if (names == 0 || name == 0)
		return NULL;
	if (names < f->base) /* not relocated, as in the vdso */
		names += f->image.bias;
	if (hs_target_read_string(t, names + name, HS_LIMIT_STRING, &text,
				  NULL))
		return NULL;
	if (*text == '\0' || strchr(text, '/')) {
		free(text);
		return NULL;
	}
	return text;
}

static bool holds(const struct found *f, uint64_t addr)
{
	return addr >= f->base && addr < f->end;
}

static bool is_program(const struct search *s, const struct found *f)
{
	uint64_t at;
	if (hs_target_auxv(s->target, AT_PHDR, &at) ||
	    hs_target_auxv(s->target, AT_ENTRY, &at))
		return holds(f, at);
	return s->target->executable && f->name &&
	       strcmp(s->target->executable, f->name) == 0;
}

static char *program_name(const struct search *s)
{
	uint64_t at;
	char *name = NULL;
	if (s->target->executable)
		return strdup(s->target->executable);
	if (!hs_target_auxv(s->target, AT_EXECFN, &at) ||
	    hs_target_read_string(s->target, at, HS_LIMIT_STRING, &name, NULL))
		return NULL;
	return name;
}

static enum hs_status name_image(struct search *s, struct found *f,
				 struct hs_error *err)
{
	uint64_t vdso;
	const struct hs_map *map = hs_target_find_map(s->target, f->base);
	char made_up[40];
	f->entry = entry_of(s, f);
	if (hs_target_auxv(s->target, AT_SYSINFO_EHDR, &vdso) &&
	    vdso == f->base)
		f->name = strdup("[vdso]");
	else if (map && map->path)
		f->name = strdup(map->path);
	else if (f->entry)
		f->name = strdup(f->entry->path);
	else if (is_program(s, f))
		f->name = program_name(s);
	if (!f->name)
		f->name = soname_of(s, f);
	if (!f->name) {
		(void)snprintf(made_up, sizeof(made_up), "[elf@0x%" PRIx64 "]",
			       f->base);
		f->name = strdup(made_up);
	}
	return f->name ? HS_OK : hs_fail(err, HS_ERR_NOMEM, "no memory");
}

/* Give the maps that show an image's file its name and their place in it. */
static enum hs_status name_maps(struct search *s, const struct found *f,
				struct hs_error *err)
{
	const struct hs_map *end = s->target->maps.map + s->target->maps.count;
	bool special = strcmp(f->name, "[vdso]") == 0;
	if (f->name[0] == '[' && !special)
		return HS_OK;
	for (struct hs_map *map = map_from(s->target, f->base);
	     map < end && map->start < f->end; map++) {
		for (size_t i = 0; i < f->image.count; i++) {
			const struct hs_elf_segment *seg = &f->image.segment[i];
			hs_addr at = f->image.bias + seg->vaddr;
			hs_addr low = at & ~(s->page - 1);
			if (seg->type != PT_LOAD || seg->filesz == 0 ||
			    map->start < low ||
			    map->start - low >=
				    page_up(seg->filesz + (at - low), s->page))
				continue;
			enum hs_status st =
				name_map(map, f->name,
					 special ? HS_MAP_SPECIAL : HS_MAP_FILE,
					 seg->offset + (map->start - at), err);
			if (st)
				return st;
			break;
		}
	}
	return HS_OK;
}

/* ---- the list ---- */

static bool is_deleted(const char *path)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(path), n = sizeof(mark) - 1;
	return len >= n && strcmp(path + len - n, mark) == 0;
}

static enum hs_status add_module(struct search *s, struct hs_module *m,
				 const struct hs_slice_module *entry,
				 struct hs_error *err)
{
	m->file_state = m->path[0] == '/' && !is_deleted(m->path)
				? HS_MODULE_FILE_MISSING
				: HS_MODULE_FILE_NONE;
	enum hs_status st = hs_elf_build_id(s->target, m->base, m->build_id,
					    &m->build_id_len, err);
	if (st == HS_ERR_NOMEM)
		return st;
	if (st)
		m->build_id_len = 0;
	/* Memory first: some write down the id of the wrong place. */
	if (m->build_id_len == 0 && entry && entry->base == m->base) {
		memcpy(m->build_id, entry->build_id, entry->build_id_len);
		m->build_id_len = entry->build_id_len;
	}
	return hs_module_list_add(&s->target->modules, m, err);
}

static enum hs_status add_images(struct search *s, struct hs_error *err)
{
	struct hs_target *t = s->target;
	for (size_t i = 0; i < s->count; i++) {
		struct found *f = &s->found[i];
		enum hs_status st = name_image(s, f, err);
		if (!st)
			st = name_maps(s, f, err);
		if (st)
			return st;
		struct hs_module m = { .base = f->base,
				       .end = f->end,
				       .path = f->name, /* is copied */
				       .is_executable = is_program(s, f) };
		if (m.is_executable && !t->executable && f->name[0] != '[') {
			t->executable = strdup(f->name);
			if (!t->executable)
				return hs_fail(err, HS_ERR_NOMEM, "no memory");
		}
		st = add_module(s, &m, f->entry, err);
		if (st)
			return st;
	}
	hs_module_list_sort(&t->modules);
	return HS_OK;
}

/* Modules that are listed, and whose headers were not captured. */
static enum hs_status add_entries(struct search *s, struct hs_error *err)
{
	size_t count, images = s->count, known = 0;
	const struct hs_slice_module *e = entries(s->slice, &count);
	for (size_t i = 0; i < count; i++) {
		bool covered = false;
		if (!is_name(e[i].path) || e[i].size == 0 ||
		    e[i].size > UINT64_MAX - e[i].base ||
		    !hs_target_find_map(s->target, e[i].base))
			continue;
		hs_addr end = e[i].base + e[i].size;
		for (size_t k = 0; k < images && !covered; k++)
			covered = e[i].base < s->found[k].end &&
				  end > s->found[k].base;
		for (size_t k = images; k < images + known && !covered; k++)
			covered =
				e[i].base < s->target->modules.module[k].end &&
				end > s->target->modules.module[k].base;
		if (covered)
			continue;
		struct hs_module m = { .base = e[i].base,
				       .end = end,
				       .path = e[i].path };
		m.is_executable = s->target->executable &&
				  strcmp(s->target->executable, m.path) == 0;
		enum hs_status st = add_module(s, &m, &e[i], err);
		if (st)
			return st;
		known++;
	}
	hs_module_list_sort(&s->target->modules);
	return HS_OK;
}

/* The path to try for a module's file; NULL: none. Caller frees. */
static enum hs_status file_of(const struct hs_module *m,
			      const struct hs_open_options *opt, char **ret,
			      struct hs_error *err)
{
	int n;
	*ret = NULL;
	if (m->is_executable && opt->executable)
		n = asprintf(ret, "%s", opt->executable);
	else if (m->file_state == HS_MODULE_FILE_NONE)
		return HS_OK;
	else
		n = asprintf(ret, "%s%s", opt->sysroot ? opt->sysroot : "",
			     m->path);
	if (n < 0) {
		*ret = NULL;
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a path");
	}
	return HS_OK;
}

static enum hs_status fill(struct search *s, const struct hs_open_options *opt,
			   struct hs_file_overlay_list *files,
			   struct hs_error *err)
{
	struct hs_target *t = s->target;
	for (size_t i = 0; i < t->modules.count; i++) {
		HS_AUTO_FREE char *path = NULL;
		enum hs_status st =
			file_of(&t->modules.module[i], opt, &path, err);
		if (!st && path)
			st = hs_module_fill(t, i, path, files, err);
		if (st)
			return st;
	}
	return hs_modules_filled(t, files, err);
}

enum hs_status hs_slice_modules(struct hs_target *target,
				const struct hs_slice *slice,
				const struct hs_open_options *opt,
				struct hs_file_overlay_list *files,
				struct hs_error *err)
{
	HS_CLEANUP(search_release)
	struct search s = { .target = target,
			    .slice = slice,
			    .page = DEFAULT_PAGE };
	uint64_t page;
	enum hs_status st = name_by_lines(&s, err);
	if (!st)
		st = hs_slice_auxv(target, err);
	if (!st && hs_target_auxv(target, AT_PAGESZ, &page))
		s.page = page;
	if (!st)
		st = look_for_images(&s, err);
	if (st)
		return st;
	keep_images(&s);
	st = add_images(&s, err);
	if (!st)
		st = add_entries(&s, err);
	return st ? st : fill(&s, opt, files, err);
}
