/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_PROC_MAPS_H
#define BACKENDS_PROC_MAPS_H

#include "core/maps.h"

/* One line of /proc/PID/maps. */
struct hs_proc_map {
	hs_addr start, end; /* end > start */
	unsigned prot;      /* HS_PROT_* */
	bool shared;
	uint64_t offset; /* of START in the file, bytes */
	uint32_t dev_major, dev_minor;
	uint64_t inode; /* 0: no file */
	/* Owned, or NULL. "\012" is a newline again, and the kernel's
	 * " (deleted)" has become DELETED. */
	char *path;
	bool deleted; /* the file has no name any more */
};

/* Ascending by address, without overlap. */
struct hs_proc_map_list {
	struct hs_proc_map *map;
	size_t count, capacity;
};

/*
 * Parse TEXT, the LEN bytes of a maps file; it need not end with a NUL. A last
 * line without its newline counts. What a line shares with those before it is
 * cut off: so it looks when a process changed its mappings while we read them.
 * *RET is written on success only; free it with hs_proc_map_list_release().
 *
 * HS_ERR_FORMAT: a line that no kernel writes; HS_ERR_LIMIT: more than
 * HS_LIMIT_SEGMENTS; HS_ERR_NOMEM.
 */
HS_MUST_CHECK enum hs_status hs_proc_maps_parse(const char *text, size_t len,
						struct hs_proc_map_list *ret,
						struct hs_error *err);
void hs_proc_map_list_release(struct hs_proc_map_list *list);

/* What kind of mapping that is, by its path. */
enum hs_map_kind hs_proc_map_kind(const struct hs_proc_map *map);

/* Does it show the memory of a device? Not so /dev/zero and /dev/shm. */
bool hs_proc_map_is_device(const struct hs_proc_map *map);

/* The map that begins at START, or NULL. */
const struct hs_proc_map *hs_proc_map_at(const struct hs_proc_map_list *list,
					 hs_addr start);

#endif
