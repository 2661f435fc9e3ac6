/* SPDX-License-Identifier: MIT */
#include "symbols/debug_files.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"

HS_PRINTF(1, 2) static char *print_path(const char *fmt, ...)
{
	char *path = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&path, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : path;
}

/* What a file must be to be taken. */
struct wanted {
	const struct hs_module *module;
	const uint32_t *crc; /* the link's checksum, or NULL */
	bool debug;          /* a debug file, with something in it */
};

static enum hs_status not_found(struct hs_error *err,
				const struct hs_module *module)
{
	return hs_fail(err, HS_ERR_NO_TARGET, "no file for module \"%s\"",
		       module->path ? module->path : "");
}

/* Is FILE what was wanted? HS_ERR_NO_TARGET: it is not. */
static enum hs_status judge(const struct wanted *want, struct hs_elf_file *file,
			    struct hs_error *err)
{
	const struct hs_module *m = want->module;
	if (m->build_id_len > 0 &&
	    !hs_elf_file_has_build_id(file, m->build_id, m->build_id_len))
		return not_found(err, m);
	if (m->build_id_len == 0 && want->debug && !want->crc)
		return not_found(err, m);
	struct hs_symbol_bytes symbols;
	if (want->debug && !hs_elf_file_has_dwarf(file) &&
	    !hs_elf_file_symbols(file, false, &symbols))
		return not_found(err, m);
	if (want->crc) {
		uint32_t crc;
		enum hs_status st = hs_elf_file_crc(file, &crc, err);
		if (st)
			return st;
		if (crc != *want->crc)
			return not_found(err, m);
	}
	return HS_OK;
}

/*
 * Take the file at PATH, which is ours to free, if it is the wanted one. Any
 * other is skipped, whatever is wrong with it: HS_ERR_NO_TARGET. Only a lack
 * of memory is passed on.
 */
static enum hs_status try_path(const struct wanted *want, char *path,
			       char **ret_path, struct hs_elf_file **ret,
			       struct hs_error *err)
{
	HS_AUTO_FREE char *own = path;
	struct hs_elf_file *file;
	if (!own)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a path");
	enum hs_status st = hs_elf_file_open(own, &file, err);
	if (!st) {
		st = judge(want, file, err);
		if (st)
			hs_elf_file_close(file);
	}
	if (st)
		return st == HS_ERR_NOMEM ? st : not_found(err, want->module);
	*ret_path = HS_TAKE(own);
	*ret = file;
	return HS_OK;
}

enum hs_status hs_module_file_find(const struct hs_file_search *search,
				   const struct hs_module *module, char **path,
				   struct hs_elf_file **ret,
				   struct hs_error *err)
{
	struct wanted want = { .module = module };
	if (module->file && module->file_state == HS_MODULE_FILE_MATCHED) {
		enum hs_status st =
			try_path(&want, strdup(module->file), path, ret, err);
		if (st != HS_ERR_NO_TARGET)
			return st;
	}
	/* The process, and with it its root, may be gone since; a file with
	 * the same build id is as good wherever it is. */
	if (module->build_id_len == 0 || !module->path ||
	    module->path[0] != '/')
		return not_found(err, module);
	for (size_t i = 0; i < search->root_count; i++) {
		enum hs_status st = try_path(
			&want,
			print_path("%s%s", search->root[i], module->path), path,
			ret, err);
		if (st != HS_ERR_NO_TARGET)
			return st;
	}
	return not_found(err, module);
}

/* The next of a colon-separated list: its length; *AT moves behind it. */
static size_t next_dir(const char **at, const char **dir)
{
	*at += strspn(*at, ":");
	*dir = *at;
	size_t len = strcspn(*at, ":");
	*at += len;
	/* "/usr/lib/debug/" and "/usr/lib/debug" are one */
	while (len > 1 && (*dir)[len - 1] == '/')
		len--;
	return len;
}

/* DIR/.build-id/ab/cdef.debug */
static char *build_id_path(const char *root, const char *dir, size_t dir_len,
			   const struct hs_module *module)
{
	char hex[2 * HS_MAX_BUILD_ID + 1];
	for (size_t i = 0; i < module->build_id_len; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", module->build_id[i]);
	return print_path("%s%.*s/.build-id/%.2s/%s.debug", root, (int)dir_len,
			  dir, hex, hex + 2);
}

static enum hs_status find_by_build_id(const struct hs_file_search *search,
				       const struct hs_module *module,
				       char **path, struct hs_elf_file **ret,
				       struct hs_error *err)
{
	struct wanted want = { .module = module, .debug = true };
	if (module->build_id_len < 2)
		return not_found(err, module);
	for (size_t i = 0; i < search->root_count; i++) {
		const char *at = search->debug_dirs, *dir;
		for (size_t len; (len = next_dir(&at, &dir)) > 0;) {
			enum hs_status st =
				try_path(&want,
					 build_id_path(search->root[i], dir,
						       len, module),
					 path, ret, err);
			if (st != HS_ERR_NO_TARGET)
				return st;
		}
	}
	return not_found(err, module);
}

static int folder_len(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	return slash ? (int)(slash - path) : 0;
}

static enum hs_status find_by_link(const struct hs_file_search *search,
				   const struct hs_module *module,
				   struct hs_elf_file *own,
				   const char *own_path, char **path,
				   struct hs_elf_file **ret,
				   struct hs_error *err)
{
	const char *name;
	uint32_t crc;
	/* A link is a name, not a way out of the folder. */
	if (!own || !own_path || !hs_elf_file_debuglink(own, &name, &crc) ||
	    name[0] == '\0' || strchr(name, '/'))
		return not_found(err, module);
	struct wanted want = { .module = module, .crc = &crc, .debug = true };
	static const char *const beside[] = { "/", "/.debug/" };
	for (size_t i = 0; i < 2; i++) {
		enum hs_status st =
			try_path(&want,
				 print_path("%.*s%s%s", folder_len(own_path),
					    own_path, beside[i], name),
				 path, ret, err);
		if (st != HS_ERR_NO_TARGET)
			return st;
	}
	for (size_t i = 0; i < search->root_count; i++) {
		const char *at = search->debug_dirs, *dir;
		for (size_t len; (len = next_dir(&at, &dir)) > 0;) {
			enum hs_status st = try_path(
				&want,
				print_path("%s%.*s%.*s/%s", search->root[i],
					   (int)len, dir,
					   folder_len(module->path),
					   module->path, name),
				path, ret, err);
			if (st != HS_ERR_NO_TARGET)
				return st;
		}
	}
	return not_found(err, module);
}

enum hs_status hs_debug_file_find(const struct hs_file_search *search,
				  const struct hs_module *module,
				  struct hs_elf_file *own, const char *own_path,
				  char **path, struct hs_elf_file **ret,
				  struct hs_error *err)
{
	enum hs_status st = find_by_build_id(search, module, path, ret, err);
	if (st != HS_ERR_NO_TARGET)
		return st;
	return find_by_link(search, module, own, own_path, path, ret, err);
}

enum hs_status hs_alt_file_find(const struct hs_file_search *search,
				struct hs_elf_file *debug,
				const char *debug_path,
				struct hs_elf_file **ret, struct hs_error *err)
{
	const char *name;
	const uint8_t *id;
	size_t id_len;
	if (!hs_elf_file_debugaltlink(debug, &name, &id, &id_len))
		return hs_fail(err, HS_ERR_NO_TARGET, "\"%s\" shares nothing",
			       debug_path);
	/* It is no module, but found in the same ways. */
	struct hs_module wish = { .build_id_len = id_len };
	struct wanted want = { .module = &wish, .debug = true };
	HS_AUTO_FREE char *path = NULL;
	memcpy(wish.build_id, id, id_len);
	for (size_t i = 0; name[0] == '/' && i < search->root_count; i++) {
		enum hs_status st = try_path(
			&want, print_path("%s%s", search->root[i], name), &path,
			ret, err);
		if (st != HS_ERR_NO_TARGET)
			return st;
	}
	if (name[0] != '/') {
		enum hs_status st =
			try_path(&want,
				 print_path("%.*s/%s", folder_len(debug_path),
					    debug_path, name),
				 &path, ret, err);
		if (st != HS_ERR_NO_TARGET)
			return st;
	}
	return find_by_build_id(search, &wish, &path, ret, err);
}

/* The file at PATH, which is ours to free, whatever it is. */
static bool open_any(char *path, struct hs_elf_file **ret, enum hs_status *st)
{
	HS_AUTO_FREE char *own = path;
	if (!own)
		*st = HS_ERR_NOMEM;
	else
		*st = hs_elf_file_open(own, ret, NULL);
	return !*st || *st == HS_ERR_NOMEM;
}

enum hs_status hs_split_file_find(const struct hs_file_search *search,
				  const char *debug_path, const char *name,
				  const char *folder, struct hs_elf_file **ret,
				  struct hs_error *err)
{
	enum hs_status st = HS_ERR_NO_TARGET;
	bool done = false;
	const char *slash = name ? strrchr(name, '/') : NULL;
	bool whole = name && name[0] == '/';
	for (size_t i = 0;
	     name && (whole || folder) && !done && i < search->root_count; i++)
		done = open_any(
			whole ? print_path("%s%s", search->root[i], name)
			      : print_path("%s%s/%s", search->root[i], folder,
					   name),
			ret, &st);
	if (!done && name)
		done = open_any(print_path("%.*s/%s", folder_len(debug_path),
					   debug_path,
					   slash ? slash + 1 : name),
				ret, &st);
	if (!name)
		done = open_any(print_path("%s.dwp", debug_path), ret, &st);
	if (done)
		return st ? hs_fail(err, st, "no memory for a path") : HS_OK;
	return hs_fail(err, HS_ERR_NO_TARGET, "no \"%s\"",
		       name ? name : ".dwp");
}
