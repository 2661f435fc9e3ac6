/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_DUMP_MAP_H
#define BACKENDS_DUMP_MAP_H

#include <heapscan/capture.h>

#include "core/backend.h"

/* What there is to write of one mapping of a target. */
enum hs_dump_state {
	HS_DUMP_CAPTURED, /* the bytes are there */
	HS_DUMP_FAILED,   /* mapped, but not captured, or left out */
	HS_DUMP_UNMAPPED, /* a hole that the process had */
	HS_DUMP_REFERRED, /* another file has them: slice_series.h */
};

/* Whole pages that are all alike. */
struct hs_dump_run {
	hs_addr start, end;
	enum hs_dump_state state;
};

struct hs_dump_map {
	const struct hs_map *map; /* borrowed */
	hs_addr start, end;       /* whole pages */
	struct hs_dump_run *run;  /* owned; they fill START to END */
	size_t count, capacity;
	uint64_t captured; /* bytes */
	bool excluded;     /* by the options */
	bool cut;          /* bytes were lost: a page is there in part only */
};

#define HS_DUMP_PAGE ((uint64_t)4096)

/*
 * Describe map I of TARGET. BEFORE is where the map before it ended: a page
 * that both share stays with that one. A map of which then nothing is left
 * comes out with start == end. Release RET in any case.
 */
HS_MUST_CHECK enum hs_status
hs_dump_map_describe(const struct hs_target *target,
		     const struct hs_capture_options *opt, size_t i,
		     hs_addr before, struct hs_dump_map *ret,
		     struct hs_error *err);
void hs_dump_map_release(struct hs_dump_map *map);

/* Append a run, which begins where the last one ended. */
HS_MUST_CHECK enum hs_status hs_dump_map_add(struct hs_dump_map *map,
					     hs_addr start, hs_addr end,
					     enum hs_dump_state state,
					     struct hs_error *err);

/*
 * A register's value as it may be written: when the file is redacted, only
 * what is an address of the process, or too small to tell anything.
 */
uint64_t hs_dump_register(const struct hs_target *target, bool redacted,
			  uint64_t value);

/* Takes the bytes of a run on their way into a file, piece by piece. */
typedef enum hs_status (*hs_dump_fn)(void *arg, const uint8_t *bytes,
				     size_t len, struct hs_error *err);

/*
 * How far the work has come, and the buffer for redaction: one for all of a
 * file. TOTAL counts bytes of memory to be read, for the progress.
 */
struct hs_dump_reader {
	const struct hs_target *target;
	const struct hs_capture_options *opt;
	const char *what; /* for the progress; NULL: "writing" */
	uint64_t done, total;
	uint8_t *copy; /* owned */
};
void hs_dump_reader_release(struct hs_dump_reader *reader);

/* Hand the captured bytes from START to END to FN. */
HS_MUST_CHECK enum hs_status hs_dump_read(struct hs_dump_reader *reader,
					  hs_addr start, hs_addr end,
					  hs_dump_fn fn, void *arg,
					  struct hs_error *err);

#endif
