/* SPDX-License-Identifier: MIT */
#include "symbols/symbols.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "symbols/debug_files.h"
#include "symbols/dwarf_declarations.h"
#include "symbols/dwarf_types.h"
#include "symbols/elf_file.h"
#include "symbols/image.h"
#include "symbols/memory_symbols.h"
#include "symbols/symbol_table.h"

#define DEFAULT_DEBUG_DIRS "/usr/lib/debug"

/* What is known of one module. Nothing is, until somebody asks. */
struct module_symbols {
	bool image_tried, image_known;
	struct hs_image image;

	bool opened; /* the rest is filled */
	struct hs_symbol_table table;
	/* Owned. Which file holds what; files are opened again for DWARF, so
	 * that a process of 500 modules does not cost 1000 descriptors. */
	char *file, *debug_file;
	bool file_has_dwarf, debug_has_dwarf;
	bool has_symtab;
};

struct hs_symbols {
	struct hs_target *target;
	char *debug_dirs, *sysroot; /* owned; sysroot may be NULL */
	struct hs_file_search search;
	struct module_symbols *module; /* one for each of the target's */
};

enum hs_status hs_symbols_new(struct hs_target *target,
			      const struct hs_symbols_options *opt,
			      struct hs_symbols **ret, struct hs_error *err)
{
	/* An older caller's options are shorter: the rest counts as zero. */
	struct hs_symbols_options o = { 0 };
	if (opt)
		memcpy(&o, opt,
		       opt->struct_size < sizeof(o) ? opt->struct_size
						    : sizeof(o));
	const char *sysroot = o.sysroot ? o.sysroot : target->sysroot;
	struct hs_symbols *syms = calloc(1, sizeof(*syms));
	if (!syms)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	syms->target = target;
	syms->debug_dirs =
		strdup(o.debug_dirs ? o.debug_dirs : DEFAULT_DEBUG_DIRS);
	syms->sysroot = sysroot ? strdup(sysroot) : NULL;
	/* One more: calloc(0) may be NULL. */
	syms->module = calloc(target->modules.count + 1, sizeof(*syms->module));
	if (!syms->debug_dirs || !syms->module || (sysroot && !syms->sysroot)) {
		hs_symbols_free(syms);
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	/*
	 * What the user names as sysroot is the whole world. A live target's
	 * own root comes first, but debug files are often on the host only,
	 * and build ids are exact.
	 */
	struct hs_file_search *s = &syms->search;
	s->debug_dirs = syms->debug_dirs;
	if (syms->sysroot)
		s->root[s->root_count++] = syms->sysroot;
	if (!syms->sysroot ||
	    (!o.sysroot && target->backend->kind == HS_TARGET_LIVE))
		s->root[s->root_count++] = "";
	*ret = syms;
	return HS_OK;
}

void hs_symbols_free(struct hs_symbols *syms)
{
	if (!syms)
		return;
	for (size_t i = 0; syms->module && i < syms->target->modules.count;
	     i++) {
		struct module_symbols *m = &syms->module[i];
		hs_symbol_table_release(&m->table);
		free(m->file);
		free(m->debug_file);
	}
	free(syms->module);
	free(syms->debug_dirs);
	free(syms->sysroot);
	free(syms);
}

/* A module's headers in memory are the truth about how it is mapped; its file
 * serves where they were not captured. */
static enum hs_status need_image(struct hs_symbols *syms, size_t module,
				 struct hs_error *err)
{
	if (module >= syms->target->modules.count)
		return hs_fail(err, HS_ERR_INVALID, "there is no module %zu",
			       module);
	struct module_symbols *m = &syms->module[module];
	const struct hs_module *info = &syms->target->modules.module[module];
	if (!m->image_tried) {
		enum hs_status st = hs_image_in_memory(syms->target, info->base,
						       &m->image, err);
		if (st == HS_ERR_NOMEM)
			return st;
		struct hs_elf_file *file = NULL;
		HS_AUTO_FREE char *path = NULL;
		if (st) {
			st = hs_module_file_find(&syms->search, info, &path,
						 &file, err);
			if (!st)
				st = hs_elf_file_image(file, &m->image, err);
			hs_elf_file_close(file);
			if (st == HS_ERR_NOMEM)
				return st;
		}
		m->image_known = st == HS_OK;
		m->image_tried = true;
	}
	if (!m->image_known)
		return hs_fail_at(err, HS_ERR_NO_SYMBOL, info->base,
				  "neither headers nor file of module \"%s\" "
				  "are at hand",
				  info->path);
	return HS_OK;
}

/* Symbols of one kind; a table that makes no sense is no table. */
static enum hs_status add_symbols(struct module_symbols *m,
				  struct hs_elf_file *file, bool dynamic,
				  enum hs_symbol_source source, bool *added,
				  struct hs_error *err)
{
	struct hs_symbol_bytes bytes;
	if (!hs_elf_file_symbols(file, dynamic, &bytes))
		return HS_OK;
	bytes.source = source;
	enum hs_status st = hs_symbol_table_add(&m->table, &bytes, err);
	if (!st)
		*added = true;
	return st == HS_ERR_NOMEM ? st : HS_OK;
}

static enum hs_status
read_files(struct hs_symbols *syms, const struct hs_module *info,
	   struct module_symbols *m, struct hs_elf_file **own,
	   struct hs_elf_file **debug, bool *has_dynsym, struct hs_error *err)
{
	enum hs_status st =
		hs_module_file_find(&syms->search, info, &m->file, own, err);
	if (!st) {
		m->file_has_dwarf = hs_elf_file_has_dwarf(*own);
		st = add_symbols(m, *own, false, HS_SYMBOL_SYMTAB,
				 &m->has_symtab, err);
		if (!st)
			st = add_symbols(m, *own, true, HS_SYMBOL_DYNSYM,
					 has_dynsym, err);
	}
	if (st && st != HS_ERR_NO_TARGET)
		return st;
	if (m->has_symtab && m->file_has_dwarf)
		return HS_OK; /* nothing was stripped */

	st = hs_debug_file_find(&syms->search, info, *own, m->file,
				&m->debug_file, debug, err);
	if (st == HS_ERR_NO_TARGET)
		return HS_OK;
	if (st)
		return st;
	m->debug_has_dwarf = hs_elf_file_has_dwarf(*debug);
	if (m->has_symtab)
		return HS_OK;
	return add_symbols(m, *debug, false, HS_SYMBOL_DEBUG, &m->has_symtab,
			   err);
}

static void forget(struct module_symbols *m)
{
	hs_symbol_table_release(&m->table);
	free(m->file);
	free(m->debug_file);
	m->file = m->debug_file = NULL;
	m->has_symtab = m->file_has_dwarf = m->debug_has_dwarf = false;
}

/* After this the module is as well known as it can be. Fails only for want of
 * memory, and may then be tried again. */
static enum hs_status open_module(struct hs_symbols *syms, size_t module,
				  struct hs_error *err)
{
	if (module >= syms->target->modules.count)
		return hs_fail(err, HS_ERR_INVALID, "there is no module %zu",
			       module);
	struct module_symbols *m = &syms->module[module];
	if (m->opened)
		return HS_OK;
	const struct hs_module *info = &syms->target->modules.module[module];
	struct hs_elf_file *own = NULL, *debug = NULL;
	bool has_dynsym = false;
	enum hs_status st =
		read_files(syms, info, m, &own, &debug, &has_dynsym, err);
	hs_elf_file_close(own);
	hs_elf_file_close(debug);
	if (!st && !has_dynsym) {
		st = need_image(syms, module, err);
		if (!st)
			st = hs_memory_symbols(syms->target, &m->image,
					       info->base, info->end, &m->table,
					       err);
		if (st != HS_ERR_NOMEM)
			st = HS_OK; /* then there are none */
	}
	if (st) {
		forget(m);
		return st;
	}
	m->opened = true;
	return HS_OK;
}

enum hs_status hs_symbols_bias(struct hs_symbols *syms, size_t module,
			       uint64_t *ret, struct hs_error *err)
{
	enum hs_status st = need_image(syms, module, err);
	if (st)
		return st;
	*ret = hs_image_bias(&syms->module[module].image,
			     syms->target->modules.module[module].base);
	return HS_OK;
}

enum hs_status hs_symbols_tls_segment(struct hs_symbols *syms, size_t module,
				      struct hs_tls_segment *ret,
				      struct hs_error *err)
{
	enum hs_status st = need_image(syms, module, err);
	if (st)
		return st;
	const struct hs_image *image = &syms->module[module].image;
	*ret = (struct hs_tls_segment){
		.filesz = image->tls.filesz,
		.memsz = image->tls.memsz,
		.align = image->tls.align,
		.vaddr = image->tls.vaddr,
	};
	return HS_OK;
}

enum hs_status hs_symbols_dynamic(struct hs_symbols *syms, size_t module,
				  hs_addr *ret, struct hs_error *err)
{
	uint64_t bias;
	enum hs_status st = hs_symbols_bias(syms, module, &bias, err);
	if (st)
		return st;
	const struct hs_image *image = &syms->module[module].image;
	*ret = image->dynamic_len ? hs_image_addr(image, image->dynamic, bias)
				  : HS_NO_ADDR;
	return HS_OK;
}

enum hs_status hs_symbols_call_frames(struct hs_symbols *syms, size_t module,
				      struct hs_cfi_table *ret,
				      struct hs_error *err)
{
	uint64_t bias, linked;
	struct hs_elf_file *file;
	HS_AUTO_FREE char *path = NULL;
	enum hs_status st = hs_symbols_bias(syms, module, &bias, err);
	if (st)
		return st;
	const struct hs_image *image = &syms->module[module].image;
	const struct hs_module *info = &syms->target->modules.module[module];
	struct hs_cfi_table table = { .header_len = image->unwind_len };
	if (image->unwind_len) {
		table.header = hs_image_addr(image, image->unwind, bias);
		*ret = table;
		return HS_OK;
	}
	/* Only sections' names say where it is in a static program. */
	st = hs_module_file_find(&syms->search, info, &path, &file, err);
	if (st && st != HS_ERR_NO_TARGET)
		return st;
	bool found =
		!st && hs_elf_file_loaded_section(file, ".eh_frame", &linked,
						  &table.records_len);
	if (!st)
		hs_elf_file_close(file);
	if (!found)
		return hs_fail(err, HS_ERR_NO_SYMBOL,
			       "\"%s\" has no call frame information",
			       info->path);
	table.records = hs_image_addr(image, linked, bias);
	*ret = table;
	return HS_OK;
}

static enum hs_status named(struct hs_symbols *syms, size_t module,
			    const char *name, bool tls,
			    const struct hs_symbol **ret, struct hs_error *err)
{
	const struct hs_symbol *s;
	enum hs_status st = open_module(syms, module, err);
	if (st)
		return st;
	st = hs_symbol_table_named(&syms->module[module].table, name, tls, &s,
				   err);
	if (st)
		return st;
	if (!s)
		return hs_fail(err, HS_ERR_NO_SYMBOL,
			       "no symbol \"%s\" in \"%s\"", name,
			       syms->target->modules.module[module].path);
	*ret = s;
	return HS_OK;
}

static void describe(const struct hs_symbols *syms, size_t module,
		     const struct hs_symbol *s, uint64_t bias,
		     struct hs_symbol_info *ret)
{
	*ret = (struct hs_symbol_info){
		.name = s->name,
		.addr = hs_image_addr(&syms->module[module].image, s->value,
				      bias),
		.size = s->size,
		.module = module,
		.is_function = s->type == STT_FUNC || s->type == STT_GNU_IFUNC,
		.from_debug_file = s->source == HS_SYMBOL_DEBUG,
	};
}

enum hs_status hs_symbols_find(struct hs_symbols *syms, size_t module,
			       const char *name, struct hs_symbol_info *ret,
			       struct hs_error *err)
{
	uint64_t bias;
	const struct hs_symbol *s;
	enum hs_status st = named(syms, module, name, false, &s, err);
	if (!st)
		st = hs_symbols_bias(syms, module, &bias, err);
	if (st)
		return st;
	describe(syms, module, s, bias, ret);
	return HS_OK;
}

enum hs_status hs_symbols_find_tls(struct hs_symbols *syms, size_t module,
				   const char *name, uint64_t *offset,
				   uint64_t *size, struct hs_error *err)
{
	const struct hs_symbol *s;
	enum hs_status st = named(syms, module, name, true, &s, err);
	if (st)
		return st;
	*offset = s->value;
	*size = s->size;
	return HS_OK;
}

bool hs_symbols_tls_at(struct hs_symbols *syms, size_t module, uint64_t offset,
		       struct hs_symbol_info *ret)
{
	const struct hs_symbol *s;
	if (module >= syms->target->modules.count ||
	    open_module(syms, module, NULL) ||
	    hs_symbol_table_tls_at(&syms->module[module].table, offset, &s,
				   NULL) ||
	    !s)
		return false;
	*ret = (struct hs_symbol_info){
		.name = s->name,
		.addr = s->value,
		.size = s->size,
		.module = module,
		.from_debug_file = s->source == HS_SYMBOL_DEBUG,
	};
	return true;
}

bool hs_symbols_at(struct hs_symbols *syms, hs_addr addr,
		   struct hs_symbol_info *ret)
{
	uint64_t bias;
	const struct hs_symbol *s;
	size_t module = hs_target_find_module(syms->target, addr);
	if (module == SIZE_MAX || open_module(syms, module, NULL) ||
	    hs_symbols_bias(syms, module, &bias, NULL))
		return false;
	struct module_symbols *m = &syms->module[module];
	uint64_t linked = hs_image_addr(&m->image, addr, -bias);
	if (hs_symbol_table_at(&m->table, linked, &s, NULL) || !s)
		return false;
	describe(syms, module, s, bias, ret);
	return true;
}

const char *hs_symbols_debug_file(struct hs_symbols *syms, size_t module)
{
	if (open_module(syms, module, NULL))
		return NULL;
	return syms->module[module].debug_file;
}

bool hs_symbols_has_dwarf(struct hs_symbols *syms, size_t module)
{
	if (open_module(syms, module, NULL))
		return false;
	const struct module_symbols *m = &syms->module[module];
	return m->file_has_dwarf || m->debug_has_dwarf;
}

/* Open the file that has MODULE's DWARF; *PATH is borrowed. HS_ERR_NO_SYMBOL:
 * there is none. */
static enum hs_status open_dwarf(struct hs_symbols *syms, size_t module,
				 const char **path, struct hs_elf_file **ret,
				 struct hs_error *err)
{
	enum hs_status st = open_module(syms, module, err);
	if (st)
		return st;
	const struct module_symbols *m = &syms->module[module];
	const struct hs_module *info = &syms->target->modules.module[module];
	if (!m->file_has_dwarf && !m->debug_has_dwarf)
		return hs_fail(err, HS_ERR_NO_SYMBOL,
			       "module \"%s\" has no debug info", info->path);
	*path = m->debug_has_dwarf ? m->debug_file : m->file;
	struct hs_elf_file *file;
	st = hs_elf_file_open(*path, &file, err);
	if (st)
		return st == HS_ERR_NOMEM
			       ? st
			       : hs_fail(err, HS_ERR_NO_SYMBOL,
					 "cannot open \"%s\" again", *path);
	/* It may have been replaced since it was found. */
	if (info->build_id_len > 0 &&
	    !hs_elf_file_has_build_id(file, info->build_id,
				      info->build_id_len)) {
		hs_elf_file_close(file);
		return hs_fail(err, HS_ERR_NO_SYMBOL,
			       "\"%s\" is another build by now", *path);
	}
	*ret = file;
	return HS_OK;
}

enum hs_status hs_symbols_members(struct hs_symbols *syms, size_t module,
				  const char *prefer,
				  struct hs_member_query *query, size_t count,
				  struct hs_error *err)
{
	struct hs_elf_file *file;
	const char *path;
	enum hs_status st = open_dwarf(syms, module, &path, &file, err);
	if (st)
		return st;
	st = hs_dwarf_members(hs_elf_file_descriptor(file), prefer, query,
			      count, err);
	hs_elf_file_close(file);
	return st;
}

/* For hs_split_files. */
struct split_search {
	const struct hs_file_search *search;
	const char *path;
};

static bool open_split(void *arg, const char *name, const char *folder,
		       struct hs_elf_file **ret)
{
	const struct split_search *s = arg;
	return !hs_split_file_find(s->search, s->path, name, folder, ret, NULL);
}

enum hs_status hs_symbols_declarations(struct hs_symbols *syms, size_t module,
				       struct hs_local_frames *frames,
				       struct hs_decls *decls,
				       struct hs_error *err)
{
	struct hs_elf_file *file, *alt = NULL;
	const char *path;
	uint64_t bias;
	enum hs_status st = open_dwarf(syms, module, &path, &file, err);
	if (st)
		return st;
	if (hs_symbols_bias(syms, module, &bias, NULL))
		frames = NULL; /* where its code is, nobody knows */
	struct split_search where = { &syms->search, path };
	struct hs_split_files split = { open_split, &where };
	st = hs_alt_file_find(&syms->search, file, path, &alt, err);
	if (!st || st == HS_ERR_NO_TARGET)
		st = hs_dwarf_declarations(file, alt, (uint32_t)module, frames,
					   frames ? bias : 0, &split, decls,
					   err);
	hs_elf_file_close(alt);
	hs_elf_file_close(file);
	return st;
}

size_t hs_symbols_module_named(struct hs_symbols *syms, const char *prefix,
			       size_t from)
{
	const struct hs_module_list *list = &syms->target->modules;
	size_t len = strlen(prefix);
	for (size_t i = from; i < list->count; i++) {
		const char *path = list->module[i].path;
		const char *slash = strrchr(path, '/');
		if (strncmp(slash ? slash + 1 : path, prefix, len) == 0)
			return i;
	}
	return SIZE_MAX;
}
