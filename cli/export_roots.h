/* SPDX-License-Identifier: MIT */
#ifndef CLI_EXPORT_ROOTS_H
#define CLI_EXPORT_ROOTS_H

#include "cli/export.h"
#include "cli/intern.h"

/*
 * The roots that hold something, as viewers show them: a variable below its
 * module, and beside the modules stacks, registers and the like.
 */
struct export_root {
	uint32_t parent; /* NO_ROOT: at the top */
	size_t first;    /* its words, one behind another; see root_words() */
};
#define NO_ROOT UINT32_MAX

struct export_root_word {
	uint32_t root;
	size_t chunk;
	uint64_t offset;   /* bytes into the variable or the like */
	uint64_t interior; /* bytes into the block, or HS_UNKNOWN */
	const char *reg;   /* name of the register, or NULL */
};

struct export_roots {
	struct intern key; /* parent, a line break, name: number as ROOT's */
	struct export_root *root;
	size_t count, capacity;
	struct export_root_word *word; /* by root */
	size_t word_count, word_capacity;
};

/* Not EXIT_ANSWERED: it was reported. */
int export_roots_find(struct export_roots *ret, struct export_job *job);
void export_roots_release(struct export_roots *roots);
const char *export_root_name(const struct export_roots *roots, size_t i);
/* Of root I: the words are from *FIRST up to, not including, *END. */
void export_root_words(const struct export_roots *roots, size_t i,
		       size_t *first, size_t *end);

/* The owner that a root word belongs to, without the word itself: "table",
 * "stack of thread 7 (worker)". */
#define OWNER_TEXT 512
const char *export_owner_text(const struct cli *cli,
			      const struct hs_root_info *root,
			      char buf[OWNER_TEXT]);
/* What a variable stands below: "variables of /bin/x"; NULL: nothing. */
const char *export_owner_parent(const struct cli *cli,
				const struct hs_root_info *root,
				char buf[OWNER_TEXT]);

#endif
