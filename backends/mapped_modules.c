/* SPDX-License-Identifier: MIT */
#include "backends/mapped_modules.h"

#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/same_image.h"
#include "core/cleanup.h"
#include "core/limits.h"

#define DEFAULT_PAGE 4096u

static uint64_t page_size(const struct hs_target *target)
{
	uint64_t size;
	if (hs_target_auxv(target, AT_PAGESZ, &size) && size >= DEFAULT_PAGE &&
	    size <= (1u << 20) && (size & (size - 1)) == 0)
		return size;
	return DEFAULT_PAGE;
}

/* ADDR up to a page boundary, or the last one there is. */
static uint64_t page_up(uint64_t addr, uint64_t page)
{
	return addr > UINT64_MAX - (page - 1) ? ~(page - 1)
					      : (addr + page - 1) & ~(page - 1);
}

static bool same_file(const struct hs_map *a, const struct hs_map *b)
{
	if (!a->path || !b->path)
		return !a->path && !b->path;
	return strcmp(a->path, b->path) == 0;
}

static bool any_map_has_a_file(const struct hs_target *target)
{
	for (size_t i = 0; i < target->maps.count; i++)
		if (target->maps.map[i].kind == HS_MAP_FILE &&
		    target->maps.map[i].path)
			return true;
	return false;
}

/*
 * Executable, or nothing known: gdb lists files in NT_FILE whose protection
 * stands nowhere. A file that is mapped only to be read (a debugger looks at
 * its symbols, say) is no module.
 */
static bool may_run(const struct hs_map *map)
{
	return map->prot == 0 || (map->prot & HS_PROT_EXEC);
}

/*
 * The mappings from number FIRST on that make up one image. IMAGE, which is
 * NULL when its headers were not captured, tells how far it reaches; else the
 * run of mappings of the same file with growing offsets is taken. The .bss
 * behind the last of them belongs to the image too.
 */
static hs_addr image_end(const struct hs_target *target, size_t first,
			 const struct hs_elf_image *image, uint64_t page,
			 bool *runs)
{
	const struct hs_map *map = target->maps.map;
	size_t count = target->maps.count, last = first;
	hs_addr limit = image ? page_up(image->end, page) : HS_NO_ADDR;
	size_t pieces = 1;
	*runs = may_run(&map[first]);
	if (count - first > HS_LIMIT_IMAGE_MAPS)
		count = first + HS_LIMIT_IMAGE_MAPS;
	for (size_t i = first + 1; i < count && map[i].start < limit; i++) {
		if (!same_file(&map[i], &map[first])) {
			if (!image && map[i].path)
				break;
			continue;
		}
		if (!image && map[i].file_offset <= map[last].file_offset)
			break;
		last = i;
		pieces++;
		*runs = *runs || may_run(&map[i]);
	}
	/* A single mapping that shows neither header nor protection may be any
	 * data file; images come in several pieces. */
	if (!image && pieces == 1 && !(map[first].prot & HS_PROT_EXEC))
		*runs = false;
	hs_addr end = map[last].end;
	if (!image || end >= limit)
		return end;
	if (last + 1 < count && !map[last + 1].path &&
	    map[last + 1].start == end)
		return limit < map[last + 1].end ? limit : map[last + 1].end;
	return end;
}

static bool is_deleted(const char *path)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(path), n = sizeof(mark) - 1;
	return len >= n && strcmp(path + len - n, mark) == 0;
}

/* Does MODULE hold the program that the kernel started? */
static bool is_program(const struct hs_target *target,
		       const struct hs_module *module)
{
	uint64_t at;
	if (hs_target_auxv(target, AT_PHDR, &at) && at != 0)
		return at >= module->base && at < module->end;
	if (hs_target_auxv(target, AT_ENTRY, &at) && at != 0)
		return at >= module->base && at < module->end;
	return target->executable && module->path &&
	       strcmp(target->executable, module->path) == 0;
}

/* What the program was started as: AT_EXECFN's string, or NULL. Caller
 * frees. */
static char *started_as(const struct hs_target *target)
{
	uint64_t at;
	char *name = NULL;
	if (!hs_target_auxv(target, AT_EXECFN, &at) ||
	    hs_target_read_string(target, at, HS_LIMIT_STRING, &name, NULL))
		return NULL;
	if (*name == '\0') {
		free(name);
		return NULL;
	}
	return name;
}

static enum hs_status add_module(struct hs_target *target, struct hs_module *m,
				 struct hs_error *err)
{
	m->is_executable = is_program(target, m);
	HS_AUTO_FREE char *name = NULL;
	char made_up[40];
	if (!m->path) {
		(void)snprintf(made_up, sizeof(made_up), "[elf@0x%" PRIx64 "]",
			       m->base);
		name = m->is_executable ? started_as(target) : NULL;
		m->path = name ? name : made_up;
		m->file_state =
			name ? HS_MODULE_FILE_MISSING : HS_MODULE_FILE_NONE;
	}
	if (is_deleted(m->path))
		m->file_state = HS_MODULE_FILE_NONE;
	if (m->is_executable && !target->executable && m->path[0] != '[') {
		target->executable = strdup(m->path);
		if (!target->executable)
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	enum hs_status st = hs_elf_build_id(target, m->base, m->build_id,
					    &m->build_id_len, err);
	if (st == HS_ERR_NOMEM)
		return st;
	if (st)
		m->build_id_len = 0; /* not in memory: said when it matters */
	return hs_module_list_add(&target->modules, m, err);
}

/* A module that begins with map number I, if one does; *END is its end. */
static enum hs_status try_module(struct hs_target *target, size_t i,
				 uint64_t page, hs_addr *end,
				 struct hs_error *err)
{
	const struct hs_map *map = &target->maps.map[i];
	HS_CLEANUP(hs_elf_image_release) struct hs_elf_image image = { 0 };
	enum hs_status st = hs_elf_image_read(target, map->start, &image, err);
	if (st == HS_ERR_NOMEM)
		return st;
	bool readable = st == HS_OK;
	bool missing = st == HS_ERR_NOT_CAPTURED || st == HS_ERR_UNMAPPED;
	if (readable && image.header.type != ET_EXEC &&
	    image.header.type != ET_DYN)
		return HS_OK;
	if (!readable && !(missing && map->path))
		return HS_OK;

	bool runs;
	struct hs_module m = {
		.base = map->start,
		.path = map->path, /* copied when added */
		.file_state = HS_MODULE_FILE_MISSING,
	};
	m.end = image_end(target, i, readable ? &image : NULL, page, &runs);
	if (!runs)
		return HS_OK;
	*end = m.end;
	return add_module(target, &m, err);
}

static enum hs_status add_vdso(struct hs_target *target, struct hs_error *err)
{
	uint64_t at;
	if (!hs_target_auxv(target, AT_SYSINFO_EHDR, &at))
		return HS_OK;
	const struct hs_map *map = hs_target_find_map(target, at);
	if (!map || hs_target_find_module(target, at) != SIZE_MAX)
		return HS_OK;
	char name[] = "[vdso]";
	struct hs_module m = {
		.base = at,
		.end = map->end,
		.path = name, /* copied when added */
		.file_state = HS_MODULE_FILE_NONE,
	};
	return add_module(target, &m, err);
}

enum hs_status hs_modules_find(struct hs_target *target, struct hs_error *err)
{
	uint64_t page = page_size(target), vdso = HS_NO_ADDR;
	(void)hs_target_auxv(target, AT_SYSINFO_EHDR, &vdso);
	bool named = any_map_has_a_file(target);
	const struct hs_map *begun = NULL; /* where the last module begins */
	hs_addr end = 0;
	for (size_t i = 0; i < target->maps.count; i++) {
		const struct hs_map *map = &target->maps.map[i];
		bool candidate = named ? map->kind == HS_MAP_FILE &&
						 map->path &&
						 map->file_offset == 0
				       : !map->path && map->start != vdso;
		if (!candidate ||
		    (begun && map->start < end && same_file(begun, map)))
			continue;
		size_t before = target->modules.count;
		enum hs_status st = try_module(target, i, page, &end, err);
		if (st)
			return st;
		if (target->modules.count > before)
			begun = map;
	}
	hs_module_list_sort(&target->modules);
	enum hs_status st = add_vdso(target, err);
	if (st)
		return st;
	hs_module_list_sort(&target->modules);
	/* The program's header may be missing, and with it the module: a core
	 * of qemu has no file pages at all. */
	if (!target->executable)
		target->executable = started_as(target);
	return HS_OK;
}

/*
 * A note about a module's file. A process may have hundreds of modules; after
 * so many of a kind one last note says that there are more.
 */
static HS_PRINTF(6, 7) enum hs_status
	say(struct hs_target *target, enum hs_severity severity,
	    const char *code, hs_addr addr, struct hs_error *err,
	    const char *fmt, ...)
{
	unsigned seen = 0;
	for (size_t i = 0; i < target->notes.count; i++)
		if (strcmp(target->notes.note[i].code, code) == 0)
			seen++;
	if (seen > HS_LIMIT_PROBLEMS_PER_CODE)
		return HS_OK;
	if (seen == HS_LIMIT_PROBLEMS_PER_CODE)
		return hs_note_add(&target->notes, severity, code, addr, err,
				   "and so it is for more modules, see the "
				   "list of modules");
	HS_AUTO_FREE char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a message");
	}
	return hs_note_add(&target->notes, severity, code, addr, err, "%s",
			   text);
}

static bool same_loads(const struct hs_file_overlay *o,
		       const struct hs_elf_image *image)
{
	size_t n = 0;
	for (size_t i = 0; i < image->count; i++) {
		const struct hs_elf_segment *a = &image->segment[i];
		if (a->type != PT_LOAD)
			continue;
		if (n == o->load_count)
			return false;
		const struct hs_elf_segment *b = &o->load[n++];
		if (a->offset != b->offset || a->vaddr != b->vaddr ||
		    a->filesz != b->filesz || a->memsz != b->memsz ||
		    a->flags != b->flags)
			return false;
	}
	return n == o->load_count;
}

/* The bias of an image whose headers only the file shows. */
static uint64_t bias_by_file(const struct hs_file_overlay *o, hs_addr base)
{
	const struct hs_elf_segment *lowest = NULL;
	for (size_t i = 0; i < o->load_count; i++)
		if (!lowest || o->load[i].vaddr < lowest->vaddr)
			lowest = &o->load[i];
	return base - (lowest ? lowest->vaddr - lowest->offset : 0);
}

/* Bytes of the file that a mapping can show: to the end of its last page,
 * which the kernel fills with zeroes, for the target as for us. */
static uint64_t file_reach(const struct hs_file_overlay *o, uint64_t page)
{
	long ours = sysconf(_SC_PAGESIZE);
	if (ours > 0 && (uint64_t)ours < page)
		page = (uint64_t)ours;
	return page_up(o->len, page);
}

/* Lend the pages from FROM to TO, which show the file from OFFSET on, where
 * the target has this file mapped there: under PATH, or all of it under no
 * name. */
static enum hs_status lend(const struct hs_target *target, const char *path,
			   const struct hs_file_overlay *o, hs_addr from,
			   hs_addr to, uint64_t offset,
			   struct hs_span_list *lent, struct hs_error *err)
{
	for (size_t i = hs_target_map_behind(target, from);
	     i < target->maps.count && target->maps.map[i].start < to; i++) {
		const struct hs_map *map = &target->maps.map[i];
		hs_addr start = map->start > from ? map->start : from;
		hs_addr end = map->end < to ? map->end : to;
		uint64_t at = offset + (start - from);
		if (map->prot & HS_PROT_WRITE)
			continue;
		/* Another file's, or anonymous memory put over this one. */
		if (!map->path != !path ||
		    (path && (strcmp(map->path, path) != 0 ||
			      at != map->file_offset + (start - map->start))))
			continue;
		struct hs_span span = {
			.start = start,
			.len = end - start,
			.bytes = o->bytes + at,
			.state = HS_SPAN_BYTES,
			.from_file = true,
		};
		enum hs_status st = hs_span_list_add(lent, span, err);
		if (st)
			return st;
	}
	return HS_OK;
}

static enum hs_status lend_segments(const struct hs_target *target,
				    const char *path,
				    const struct hs_file_overlay *o,
				    uint64_t bias, struct hs_span_list *lent,
				    struct hs_error *err)
{
	uint64_t page = page_size(target);
	uint64_t reach = file_reach(o, page);
	for (size_t i = 0; i < o->load_count; i++) {
		const struct hs_elf_segment *s = &o->load[i];
		uint64_t offset = s->offset & ~(page - 1);
		if ((s->flags & PF_W) || s->filesz == 0 || offset >= reach ||
		    (s->offset - s->vaddr) % page != 0)
			continue;
		uint64_t lead = s->offset - offset;
		if (s->filesz > UINT64_MAX - lead)
			continue;
		uint64_t len = page_up(lead + s->filesz, page);
		if (len > reach - offset)
			len = reach - offset;
		hs_addr start = bias + (s->vaddr & ~(page - 1));
		if (len == 0 || len > UINT64_MAX - start)
			continue;
		enum hs_status st = lend(target, path, o, start, start + len,
					 offset, lent, err);
		if (st)
			return st;
	}
	return HS_OK;
}

static void print_id(char *out, size_t size, const uint8_t *id, size_t len)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < len && i < 6 && used + 3 < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%02x",
					 id[i]);
}

static enum hs_status refuse(struct hs_target *target,
			     const struct hs_module *m, const char *path,
			     const struct hs_file_overlay *o,
			     struct hs_error *err)
{
	char ran[16], found[16];
	print_id(ran, sizeof(ran), m->build_id, m->build_id_len);
	print_id(found, sizeof(found), o->build_id, o->build_id_len);
	if (o->build_id_len == 0)
		(void)snprintf(found, sizeof(found), "none");
	return say(target, HS_WARNING, "module-file-mismatch", m->base, err,
		   "'%s' is another build than the one that ran (build id %s, "
		   "not %s): its read-only pages are missing; give the root "
		   "of the right files with --sysroot DIR",
		   path, found, ran);
}

/* Was FILE written after the dump? No dump's time known: no. */
static bool is_newer(const struct hs_target *target,
		     const struct hs_file_overlay *o)
{
	struct stat info;
	return target->path && stat(target->path, &info) == 0 &&
	       (o->modified.tv_sec > info.st_mtim.tv_sec ||
		(o->modified.tv_sec == info.st_mtim.tv_sec &&
		 o->modified.tv_nsec > info.st_mtim.tv_nsec));
}

/* Without a build id in memory: *USE says whether the file may lend. */
static enum hs_status judge_by_content(struct hs_target *target,
				       struct hs_module *m, const char *path,
				       const struct hs_file_overlay *o,
				       const struct hs_elf_image *image,
				       bool *use, struct hs_error *err)
{
	struct hs_same_image same;
	*use = false;
	hs_same_image(target, image, o, &same);
	if (!same_loads(o, image) || same.differs != HS_NO_ADDR) {
		m->file_state = HS_MODULE_FILE_MISMATCH;
		return say(target, HS_WARNING, "module-file-mismatch", m->base,
			   err,
			   "'%s' is another build than the one that ran, which "
			   "has no build id but other bytes: its read-only "
			   "pages are missing; give the root of the right "
			   "files with --sysroot DIR",
			   path);
	}
	if (!hs_same_image_enough(&same))
		return say(target, HS_NOTE, "module-file-unverified", m->base,
			   err,
			   "'%s' is not used: the image in memory shows no "
			   "build id to check it by, and too little else: "
			   "%" PRIu64 " bytes and %" PRIu64 " relocated words",
			   path, same.bytes, same.words + same.open);
	if (is_newer(target, o))
		return say(target, HS_NOTE, "module-file-unverified", m->base,
			   err,
			   "'%s' is not used: it has no build id and was "
			   "written after the dump; if it is the one that ran, "
			   "give it a time before it (touch -r)",
			   path);
	*use = true;
	return say(target, HS_NOTE, "module-file-by-content", m->base, err,
		   "'%s' has no build id and is used because it agrees with "
		   "the dump in %" PRIu64 " bytes and %" PRIu64
		   " relocated words",
		   path, same.bytes, same.words + same.open);
}

/* With one. IMAGE is NULL where its headers were not captured. */
static enum hs_status judge_by_id(struct hs_target *target, struct hs_module *m,
				  const char *path,
				  const struct hs_file_overlay *o,
				  const struct hs_elf_image *image, bool *use,
				  struct hs_error *err)
{
	*use = false;
	m->file_state = HS_MODULE_FILE_MISMATCH;
	if (o->build_id_len != m->build_id_len ||
	    memcmp(o->build_id, m->build_id, m->build_id_len) != 0)
		return refuse(target, m, path, o, err);
	/* A debug file carries the same build id, and none of the bytes. */
	if (image && !same_loads(o, image))
		return say(target, HS_WARNING, "module-file-mismatch", m->base,
			   err,
			   "'%s' has the right build id but other segments "
			   "than the one that ran: is it a debug file?",
			   path);
	*use = true;
	return HS_OK;
}

enum hs_status hs_module_fill(struct hs_target *target, size_t i,
			      const char *path,
			      struct hs_file_overlay_list *files,
			      struct hs_error *err)
{
	struct hs_module *m = &target->modules.module[i];
	HS_CLEANUP(hs_elf_image_release) struct hs_elf_image image = { 0 };
	struct hs_error why;
	enum hs_status st = hs_elf_image_read(target, m->base, &image, &why);
	if (st == HS_ERR_NOMEM)
		return hs_fail(err, st, "no memory");
	bool readable = st == HS_OK;

	const struct hs_file_overlay *o;
	st = hs_file_overlay_open(files, path, &o, &why);
	if (st == HS_ERR_NOMEM)
		return hs_fail(err, st, "no memory");
	if (st)
		return say(target, HS_NOTE, "module-file-missing", m->base, err,
			   "%s: read-only pages of '%s' that were not dumped "
			   "are missing; give the root of its files with "
			   "--sysroot DIR",
			   why.text, m->path);
	if (m->build_id_len == 0 && !readable)
		return say(target, HS_NOTE, "module-file-unverified", m->base,
			   err,
			   "'%s' is not used: the image in memory shows no "
			   "build id to check it by, its header page was not "
			   "captured",
			   path);
	bool use;
	st = m->build_id_len
		     ? judge_by_id(target, m, path, o, readable ? &image : NULL,
				   &use, err)
		     : judge_by_content(target, m, path, o, &image, &use, err);
	if (st || !use)
		return st;
	char *file = strdup(path);
	if (!file)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	free(m->file);
	m->file = file;
	m->file_state = HS_MODULE_FILE_MATCHED;
	const struct hs_map *map = hs_target_find_map(target, m->base);
	return lend_segments(target, map ? map->path : NULL, o,
			     readable ? image.bias : bias_by_file(o, m->base),
			     &files->lent, err);
}

enum hs_status hs_modules_filled(struct hs_target *target,
				 struct hs_file_overlay_list *files,
				 struct hs_error *err)
{
	enum hs_status st = HS_OK;
	for (size_t i = 0; i < files->lent.count && !st; i++)
		st = hs_span_list_add(&target->spans, files->lent.span[i], err);
	hs_span_list_release(&files->lent);
	return st;
}
