/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DWARF_SPLIT_H
#define SYMBOLS_DWARF_SPLIT_H

#include "core/addr_map.h"
#include "symbols/dwarf_locals.h"

/*
 * Where the debug information is that a compiler did not put into the program
 * (-gsplit-dwarf): in one file for each unit (.dwo), or in one for all of them
 * (.dwp).
 */
struct hs_split_files {
	/* The file NAME that was written in FOLDER (NULL: not said); NAME NULL:
	 * the one for all. The caller closes it. False: there is none. */
	bool (*open)(void *arg, const char *name, const char *folder,
		     struct hs_elf_file **ret);
	void *arg;
};

/* A unit whose DIEs are elsewhere. Strings are owned. */
struct hs_split_unit {
	char *name, *folder;
	uint64_t id; /* which its file has as well */
	struct hs_dwarf_skeleton skeleton;
	bool has_frames; /* threads are in its code */
};

struct hs_split_units {
	struct hs_split_unit *unit;
	size_t count, capacity;
	struct hs_addr_map with_frames; /* by id; value: the index */
};

void hs_split_units_release(struct hs_split_units *units);

#endif
