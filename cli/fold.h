/* SPDX-License-Identifier: MIT */
#ifndef CLI_FOLD_H
#define CLI_FOLD_H

#include "cli/cli.h"
#include "cli/intern.h"
#include "cli/pair_map.h"

/*
 * Blocks in use put into classes: by type, or by size where they have none, by
 * size alone, or by the owner at the top of the dominator tree. Classes of
 * several heaps are the same where their names or sizes are.
 */
struct fold {
	enum fold_by by;
	bool with_tid; /* owners: threads are told apart by number */
	struct fold_class {
		uint32_t name;      /* in NAMES; FOLD_SIZES: sizes */
		uint64_t low, high; /* usable bytes, least and most */
	} * class;
	size_t count, capacity;
	struct intern names;
	struct pair_map keys;
};
#define FOLD_SIZES UINT32_MAX

/*
 * The class of each chunk of CLI's heap into CLASS_OF, which has room for all
 * of them; FOLD_NONE for what is not in use. Not EXIT_ANSWERED: it was
 * reported.
 */
#define FOLD_NONE UINT32_MAX
int fold_heap(struct fold *fold, struct cli *cli, uint32_t *class_of);
void fold_release(struct fold *fold);

/* Not escaped: "std::string", "192-byte blocks". */
#define FOLD_TEXT 1024
const char *fold_text(const struct fold *fold, size_t class,
		      char buf[FOLD_TEXT]);

/* The name of each chunk's owner, a number in NAMES, into RET; FOLD_NONE for
 * what is not in use. Not EXIT_ANSWERED: it was reported. */
int fold_owners(struct cli *cli, bool with_tid, struct intern *names,
		uint32_t *ret);

/* Is it handed out? */
bool fold_in_use(const struct hs_chunk_info *chunk);

#endif
