/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CORE_NOTES_H
#define BACKENDS_CORE_NOTES_H

#include "core/backend.h"

/*
 * The notes of a core file, parsed from bytes: what the kernel (or gdb, or
 * qemu) says about the process beside its memory. Nothing is opened, nothing
 * of the target's memory is read.
 */

/* One line of NT_FILE. */
struct hs_core_file {
	hs_addr start, end;   /* end > start */
	uint64_t file_offset; /* bytes */
	const char *path;     /* borrowed from the notes, NUL-terminated */
};

struct hs_core_notes {
	struct hs_thread_list threads; /* in the core's order */
	int32_t signal;                /* of the first thread; 0: none */
	int64_t pid;                   /* -1: not known */
	char comm[17];                 /* "" when not known */
	char command_line[81];         /* the kernel keeps 80 bytes of it */
	const uint8_t *auxv;           /* borrowed; NULL when not there */
	size_t auxv_len;
	struct hs_core_file *file; /* owned; by address; they may overlap */
	size_t file_count, file_capacity;
	unsigned malformed;          /* notes that contradict themselves */
	const char *first_malformed; /* what the first one was, or NULL */
	bool cut;                    /* the last note runs behind the end */
	bool in_thread; /* the notes that come next belong to the last thread */
};

/* Start: nothing known. */
void hs_core_notes_init(struct hs_core_notes *notes);
/*
 * Add what the LEN bytes of a PT_NOTE segment say; ALIGN is its p_align.
 * Several segments may follow each other. BYTES must outlive NOTES. Malformed
 * notes are counted and passed over: fails only with HS_ERR_NOMEM, or with
 * HS_ERR_LIMIT when there are more threads than any kernel has.
 */
HS_MUST_CHECK enum hs_status hs_core_notes_parse(struct hs_core_notes *notes,
						 enum hs_arch arch,
						 const uint8_t *bytes,
						 size_t len, uint64_t align,
						 struct hs_error *err);
/* Once after the last segment: sorts files. */
void hs_core_notes_finish(struct hs_core_notes *notes);
void hs_core_notes_release(struct hs_core_notes *notes);

/* The line of NT_FILE that holds ADDR, or NULL. Needs sorted files; of
 * overlapping lines the one with the highest start. */
const struct hs_core_file *
hs_core_notes_file_at(const struct hs_core_notes *notes, hs_addr addr);

#endif
