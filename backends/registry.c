/* SPDX-License-Identifier: MIT */
#include "backends/registry.h"

#include <string.h>
#include <unistd.h>

#include "backends/file_kind.h"
#include "core/cleanup.h"

const struct hs_backend *const hs_backends[] = {
	&hs_backend_core,
	&hs_backend_slice,
	&hs_backend_live, /* takes what names no file */
	NULL,
};

static const struct hs_backend *by_name(const char *name)
{
	for (size_t i = 0; hs_backends[i]; i++)
		if (strcmp(hs_backends[i]->name, name) == 0)
			return hs_backends[i];
	return NULL;
}

static const struct hs_backend *by_probe(const char *spec, const uint8_t *head,
					 size_t len)
{
	for (size_t i = 0; hs_backends[i]; i++)
		if (hs_backends[i]->probe(spec, head, len))
			return hs_backends[i];
	return NULL;
}

/* A file that is there decides by its bytes; only what names no file may be
 * something else, such as a process id. */
static enum hs_status find_backend(const char *spec,
				   const struct hs_backend **ret,
				   struct hs_error *err)
{
	uint8_t head[HS_FILE_HEAD];
	struct stat info;
	HS_AUTO_CLOSE int fd = -1;
	struct hs_error why;
	enum hs_status st = hs_file_open(spec, &fd, &info, &why);
	if (st == HS_ERR_NO_TARGET) {
		*ret = by_probe(spec, head, 0);
		if (*ret)
			return HS_OK;
	}
	if (st) {
		if (err)
			*err = why;
		return st;
	}
	ssize_t got = pread(fd, head, sizeof(head), 0);
	size_t len = got > 0 ? (size_t)got : 0;
	*ret = by_probe(spec, head, len);
	if (*ret)
		return HS_OK;
	const char *kind = hs_file_kind(head, len);
	if (kind)
		return hs_fail(err, HS_ERR_FORMAT, "'%s' is %s", spec, kind);
	return hs_fail(err, HS_ERR_FORMAT,
		       "'%s' is no ELF core and no Memory Slice: give one of "
		       "them, or --pid N for a running process",
		       spec);
}

enum hs_status hs_target_open(const char *spec,
			      const struct hs_open_options *opt,
			      struct hs_target **ret, struct hs_error *err)
{
	if (!spec || !*spec || !ret)
		return hs_fail(err, HS_ERR_INVALID, "no target given");
	/* An older caller knows fewer members: the rest is zero. */
	struct hs_open_options full = { 0 };
	if (opt) {
		if (opt->struct_size < sizeof(opt->struct_size))
			return hs_fail(err, HS_ERR_INVALID,
				       "hs_open_options without struct_size");
		memcpy(&full, opt,
		       opt->struct_size < sizeof(full) ? opt->struct_size
						       : sizeof(full));
	}
	full.struct_size = sizeof(full);

	const struct hs_backend *backend = NULL;
	if (full.backend) {
		backend = by_name(full.backend);
		if (!backend)
			return hs_fail(err, HS_ERR_INVALID,
				       "no backend '%s': there are 'core', "
				       "'slice' and 'live'",
				       full.backend);
	} else {
		enum hs_status st = find_backend(spec, &backend, err);
		if (st)
			return st;
	}
	struct hs_target *target = NULL;
	enum hs_status st = backend->open(spec, &full, &target, err);
	if (st)
		return st;
	*ret = target;
	return HS_OK;
}
