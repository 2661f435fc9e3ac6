/* SPDX-License-Identifier: MIT */
#ifndef CLI_REACH_H
#define CLI_REACH_H

#include "cli/cli.h"
#include "cli/surplus.h"

/* What commands that follow references share. */

/* The graph of the heap, built when it is first asked for, with what is known
 * of types if they were named; CLI owns it. Not EXIT_ANSWERED: it was reported.
 */
int reach_build(struct cli *cli, struct hs_graph **ret);
/* Name blocks where that was asked for or is soon done. */
int reach_name(struct cli *cli);
/* The same; blocks are named first where that was asked for or is soon done. */
int reach_build_named(struct cli *cli, struct hs_graph **ret);

/* The same for those who may need no names in the end: in small heaps, where
 * nobody asked for them, C types are left out, and *BRIEF says so. They add
 * names and change nothing else. */
int reach_build_brief(struct cli *cli, struct hs_graph **ret, bool *brief);

/* EXIT_ANSWERED, or EXIT_INCOMPLETE when bytes that could hold a reference were
 * missing; FOUND: EXIT_FOUND in place of the former. */
int reach_answered(const struct cli *cli, const struct hs_graph *graph,
		   bool found);

/* On stderr: what is missing, and what that means for the answer. */
void reach_note_missing(const struct hs_graph *graph);

/* The chunk in use that the argument WORD names. Not EXIT_ANSWERED: it was
 * reported. */
int reach_block(struct cli *cli, const char *word, size_t *ret);

/* The type of CHUNK; NULL: none, or types were not asked for. */
const char *reach_type(const struct cli *cli, size_t chunk);

/*
 * The field of CHUNK's object that holds the reference OFFSET bytes into it:
 * "next (strong)", not escaped. NULL: not known, or types were not asked for.
 */
#define FIELD_TEXT 512
const char *reach_field(const struct cli *cli, size_t chunk, uint64_t offset,
			char buf[FIELD_TEXT]);

/* The field of its owner that holds the block of NODE; NULL: it does not hold
 * it by itself, or the field is not known. */
const char *owner_field(struct cli *cli, const struct hs_owners *owners,
			size_t node, char buf[FIELD_TEXT]);

/* Of several roots that lead to the block of NODE, and none of which owns it,
 * one that will be there long. False: one does, or too little is retained to be
 * worth the look. */
bool owner_holder(struct cli *cli, const struct hs_owners *owners, size_t node,
		  struct hs_root_info *ret);

/* What the source calls the variable, or the part of it, that a root is:
 * "table[3].first", not escaped. False: not known, or types were not asked for.
 */
#define PLACE_TEXT 256
bool root_place(const struct cli *cli, const struct hs_root_info *root,
		char buf[PLACE_TEXT]);

/* A root in words: "variable table[3] of /bin/x", or "variable table +0x18 of
 * /bin/x"; not escaped. */
#define ROOT_TEXT 512
const char *root_text(struct cli *cli, const struct hs_root_info *root,
		      char buf[ROOT_TEXT]);

/* The same for all of a variable, of which ROOT is some part. */
const char *root_whole_text(struct cli *cli, const struct hs_root_info *root,
			    char buf[ROOT_TEXT]);

/* In which function's frame a stack root is; false: it is none, or that is not
 * known. */
bool root_frame(struct cli *cli, const struct hs_root_info *root,
		struct hs_frame_info *ret);

/* Of roots that lead to one block, the one of highest rank will be there the
 * longest: variables before stacks, registers last. Above 0. */
uint8_t root_rank(enum hs_root_kind kind);

/* Who holds CHUNK in the shortest ways, in words of root_text(); NULL: leaked,
 * not to be known, or GRAPH or CHUNK is none. */
const char *reach_holder(struct cli *cli, struct hs_graph *graph, size_t chunk,
			 char buf[ROOT_TEXT]);
/* The same root itself; false: there is none. */
bool reach_root(struct hs_graph *graph, size_t chunk, struct hs_root_info *ret);

/* What leaked before, by shape. */
struct baseline {
	struct baseline_group {
		char *shape;
		uint64_t count, bytes;
	} * group;
	size_t count;
	bool named; /* shapes have the names of types */
};
/* What the shape leaked then; zeroes when it did not. */
void baseline_find(const struct baseline *base, const char *shape,
		   uint64_t *count, uint64_t *bytes);
void baseline_release(struct baseline *base);

/* What `leaks` found, and how it is judged. */
struct leak_view {
	struct hs_graph *graph;
	struct hs_leaks *leaks;
	struct hs_graph_summary summary;
	const char *baseline_path; /* NULL: none */
	struct baseline baseline;
	uint64_t new_count, new_bytes; /* more than in the baseline */
	struct surplus_list surplus;
};

void out_json_leaks(struct cli *cli, const struct leak_view *view);
/* Read an earlier answer; NULL: what was wrong with it. */
const char *out_json_read_leaks(const char *path, struct baseline *ret);
/* What leaked with a block: its cycle, or what it hangs below. */
struct why_leak {
	struct hs_cycle cycle; /* without steps: it is in none */
	size_t below;          /* a chunk; SIZE_MAX: nothing */
};
/* LEAK may be NULL: it did not leak. So may COUNTS: the block's object is not
 * counted. */
struct object_why;
void out_json_why(struct cli *cli, size_t chunk, const struct why_leak *leak,
		  const struct surplus *counts,
		  const struct hs_path_list *paths,
		  const struct hs_holder_list *referrers,
		  const struct hs_holder_list *references,
		  const struct object_why *object);
void out_json_owners(struct cli *cli, const struct hs_owners *owners,
		     size_t node, unsigned depth, size_t top);

#endif
