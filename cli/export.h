/* SPDX-License-Identifier: MIT */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "cli/cli.h"

/*
 * One file for other tools: docs/exports.md says what each holds. Nothing but
 * addresses, sizes and names goes into it, never what is in the memory.
 */
struct export_job {
	struct cli *cli;
	struct out *out;          /* where the format goes; not sqlite */
	const char *partial;      /* path of the unfinished file; sqlite */
	struct hs_graph *graph;   /* these three where the format asks */
	struct hs_leaks *leaks;   /* for them, else NULL */
	struct hs_owners *owners; /* ... */
};

/* Each writes the whole format. Not EXIT_ANSWERED: it was reported; failures
 * to write go to job->out->error. */
int export_csv(struct export_job *job);
int export_ndjson(struct export_job *job);
int export_heapsnapshot(struct export_job *job);
int export_pprof(struct export_job *job);
int export_sqlite(struct export_job *job);

/* "no memory for ...", reported. */
int export_nomem(struct export_job *job, const char *what);

/* TEXT with U+FFFD for what is not UTF-8, cut to fit. */
void export_utf8(const char *text, char *buf, size_t size);

/* What block CHUNK is, if something tells. */
bool export_type(const struct export_job *job, size_t chunk,
		 struct hs_type_info *ret);

#define EXPORT_CLASS 64
/*
 * What blocks like this one are called together, since viewers group by it:
 * its type, else "malloc[64]" up to 1032 usable bytes, powers of two beyond.
 * Borrowed from the types, or BUF.
 */
const char *export_class(const struct export_job *job, size_t chunk,
			 uint64_t usable, char buf[EXPORT_CLASS]);

#endif
