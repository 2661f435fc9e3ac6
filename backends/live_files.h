/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_FILES_H
#define BACKENDS_LIVE_FILES_H

#include <sys/types.h>

#include "backends/proc_maps.h"
#include "core/modules.h"

/*
 * A file that the process has mapped, and that we hold to be the very one:
 * pages which the process did not change are taken from here.
 */
struct hs_live_file {
	uint32_t dev_major, dev_minor; /* as in the process's maps ... */
	uint64_t inode;
	char *path; /* owned; ... and its name there */
	enum hs_module_file state;
	const uint8_t *bytes; /* mapped; NULL unless MATCHED */
	uint64_t size;        /* bytes */
	char *name;           /* owned: a path under which we can open it */
	int fd;               /* kept open where NAME needs it, else -1 */
};

struct hs_live_files {
	struct hs_live_file *file;
	size_t count, capacity;
	size_t last;  /* hit; neighbours in the maps belong together */
	int root;     /* the process's root folder, or -1 */
	char *prefix; /* owned: put before the process's paths; "": nothing */
};

/*
 * DIR is the folder /proc/PID. SYSROOT, which may be NULL, replaces the
 * process's own root.
 */
HS_MUST_CHECK enum hs_status hs_live_files_init(struct hs_live_files *files,
						int dir, const char *sysroot,
						struct hs_error *err);
/* The spans that point into the files must be gone. */
void hs_live_files_release(struct hs_live_files *files);

/* Has MAP a file whose unchanged pages it shows? */
bool hs_live_files_wants(const struct hs_proc_map *map);

/*
 * Open and map the files of MAPS that are not known yet. A file counts when
 * the kernel itself hands it out (/proc/PID/map_files), when device and inode
 * are those of the map, or when its first page is the one in memory of thread
 * TID and has a build id. One that cannot be had is no error.
 */
HS_MUST_CHECK enum hs_status
hs_live_files_open(struct hs_live_files *files, int dir, pid_t tid,
		   const struct hs_proc_map_list *maps, struct hs_error *err);

/* The file of MAP, or NULL when it was never asked for. Valid until the next
 * hs_live_files_open(). */
const struct hs_live_file *hs_live_files_of(struct hs_live_files *files,
					    const struct hs_proc_map *map);

#endif
