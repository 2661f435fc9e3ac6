/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_COPY_H
#define BACKENDS_LIVE_COPY_H

#include <sys/types.h>

#include "backends/proc_maps.h"
#include "core/fail.h"

/* What to do with one mapping of the process. */
enum hs_copy_how {
	HS_COPY_NOTHING, /* shared, PROT_NONE, [vvar] ... */
	HS_COPY_TOUCHED, /* pages that exist; the others are zeroes */
	HS_COPY_CHANGED, /* pages that the process made its own; the others
			  * are the mapped file's */
	HS_COPY_ALL,     /* every page, whoever it belongs to */
};

/* A run of pages that are all alike. */
struct hs_copy_run {
	hs_addr start, end;
	bool unreadable; /* a guard page, or it could not be read */
	/* The process itself may not read it, only write or execute: takes
	 * another, slower way. */
	bool no_read;
};

struct hs_copy_run_list {
	struct hs_copy_run *run; /* ascending, no overlap */
	size_t count, capacity;
};

/* Address space of ours that takes the copy of one mapping. */
struct hs_copy_slot {
	hs_addr start; /* of the mapping */
	uint64_t len;  /* room, bytes */
	uint8_t *bytes;
};

/*
 * The copy of a process's memory. A slot is laid out like its mapping, in
 * address space that costs nothing until it is written: pages that the process
 * never touched are zeroes there as well, without being copied.
 */
struct hs_live_copy {
	pid_t tid;                   /* a thread that is alive */
	int dir, pagemap_fd, mem_fd; /* -1: not to be had */
	uint64_t *entries;           /* owned: room for one page map read */
	size_t page;                 /* bytes */

	struct hs_copy_slot *slot; /* ascending by start */
	size_t slot_count, slot_capacity;
	struct {
		void *at;
		size_t len;
	} region[2]; /* prepared before the stop; during it */

	struct hs_copy_run_list runs; /* of all mappings */
	uint64_t bytes;               /* to be copied: sum of readable runs */
	uint64_t copied;              /* bytes */
};

/* DIR, the folder /proc/PID, is borrowed. */
HS_MUST_CHECK enum hs_status hs_live_copy_init(struct hs_live_copy *copy,
					       pid_t tid, int dir,
					       struct hs_error *err);
/* Nothing more is to be copied: closes what leads to the process. */
void hs_live_copy_done(struct hs_live_copy *copy);
/* The spans that point into the copy must be gone. */
void hs_live_copy_release(struct hs_live_copy *copy);

/*
 * What would be copied now: fill copy->runs and copy->bytes for MAPS, of which
 * HOW[i] says what to do with map i. Only reads the process's page map.
 */
HS_MUST_CHECK enum hs_status
hs_live_copy_survey(struct hs_live_copy *copy,
		    const struct hs_proc_map_list *maps,
		    const enum hs_copy_how *how, struct hs_error *err);

/*
 * While the process still runs: make room for what the survey found, and have
 * the kernel provide the memory, so that this need not be done while it stands.
 */
HS_MUST_CHECK enum hs_status
hs_live_copy_prepare(struct hs_live_copy *copy,
		     const struct hs_proc_map_list *maps,
		     const enum hs_copy_how *how, hs_progress_fn progress,
		     void *arg, struct hs_error *err);

/*
 * While it stands, after another survey: make room for what is new, and copy.
 * Runs that could not be read are marked so. HS_ERR_NO_TARGET: the process is
 * gone; HS_ERR_PERMISSION: no way to read it.
 */
HS_MUST_CHECK enum hs_status
hs_live_copy_run(struct hs_live_copy *copy, const struct hs_proc_map_list *maps,
		 const enum hs_copy_how *how, struct hs_error *err);

/* Where the copy of the mapping that starts at START is, or NULL. */
const uint8_t *hs_live_copy_bytes(const struct hs_live_copy *copy,
				  hs_addr start);

/* Index of the first run that ends behind ADDR; runs.count: none. */
size_t hs_live_copy_from(const struct hs_live_copy *copy, hs_addr addr);

#endif
