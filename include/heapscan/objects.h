/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_OBJECTS_H
#define HEAPSCAN_OBJECTS_H

#include <heapscan/graph.h>
#include <heapscan/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Who holds an object of a runtime that cuts up memory itself: of CPython, 3.9
 * to 3.15. Its small objects are no blocks of malloc, and no nodes of struct
 * hs_graph; here they are, with malloc's blocks beside them, and references are
 * those that Python counts: not weak ones, not the collector's own links, not
 * what is left over behind the last item of a list.
 *
 * Borrows the types, and the live ranges, which must outlive it. Not for use by
 * two threads at once.
 */
struct hs_objects; /* opaque */

/* struct_size first, the rest zero; grows at the end. */
struct hs_objects_options {
	size_t struct_size;
	/* Memory that is alive by itself, from hs_graph_live(). */
	const struct hs_live_range *live;
	size_t live_count;
	hs_progress_fn progress; /* may be NULL */
	void *progress_arg;
};

/*
 * Two passes over all objects, and one over what leads to them. Fails with
 * HS_ERR_UNSUPPORTED where there is no such runtime, HS_ERR_LIMIT for memory
 * that is forged, HS_ERR_NOMEM or HS_ERR_CANCELLED. Free with
 * hs_objects_free().
 */
HS_API enum hs_status hs_objects_new(struct hs_types *types,
				     const struct hs_objects_options *opt,
				     struct hs_objects **ret,
				     struct hs_error *err);
HS_API void hs_objects_free(struct hs_objects *objects); /* NULL is fine */

/* One object, or memory of one. */
struct hs_object_info {
	hs_addr addr;  /* of the object, as id() says it, or of the memory */
	uint64_t size; /* bytes of the block that it is in, the collector's
			* links included */
	size_t type;   /* for hs_types_info(); SIZE_MAX: not known */
	bool is_object;
	bool is_module;
	bool in_area;  /* not in a block of malloc */
	size_t chunk;  /* of malloc; SIZE_MAX: in an area */
	char name[64]; /* of a module, a class, a frame's function; "" of
			* others */
	/* How many references are counted, of objects; immortal ones are not */
	uint64_t references;
	bool immortal;
	uint64_t seen; /* of these, in objects and in functions' variables */
};
/* What ADDR lies in; false: in nothing that is in use. */
HS_API bool hs_objects_at(struct hs_objects *objects, hs_addr addr,
			  struct hs_object_info *ret);

/* clang-format off */
#define HS_OBJECT_ROOT_KINDS(X)                                              \
	X(NONE, "none")         /* nothing leads there */                    \
	X(WORD, "word")         /* see hs_graph_root_at() */                 \
	X(REGISTER, "register")                                              \
	X(FRAME, "frame")       /* of a Python function that runs */
/* clang-format on */
enum hs_object_root_kind {
#define X(id, word) HS_OBJECT_ROOT_##id,
	HS_OBJECT_ROOT_KINDS(X)
#undef X
};
HS_API const char *hs_object_root_kind_name(enum hs_object_root_kind kind);

struct hs_object_root {
	enum hs_object_root_kind kind;
	hs_addr addr;  /* of the word, or the frame */
	size_t thread; /* REGISTER: index for hs_target_thread(), and which */
	unsigned reg;
	char function[128]; /* FRAME; "" when not known */
	char how[128]; /* FRAME: what holds it, "local app", "its function" */
};

struct hs_object_step {
	struct hs_object_info object;
	/* How the object before, or the root, holds it: ".cache", "[3]",
	 * "['key']", "(item of the set)", "" for a root's first. */
	char how[160];
	bool sure; /* known to be a reference: else a word in memory of which
		    * nobody knows what it is */
};

/* clang-format off */
#define HS_OBJECT_STATES(X)                                                  \
	X(HELD, "held")                                                      \
	X(CYCLE, "garbage")   /* it waits for the collector: every reference \
			       * that is counted comes from what nothing     \
			       * else holds */                               \
	X(UNSEEN, "unseen")   /* somebody counts as a holder who was not     \
			       * seen */                                     \
	X(NOT_COUNTED, "unreached") /* it is memory, which nobody counts */
/* clang-format on */
enum hs_object_state {
#define X(id, word) HS_OBJECT_##id,
	HS_OBJECT_STATES(X)
#undef X
};
HS_API const char *hs_object_state_name(enum hs_object_state state);

struct hs_object_why {
	struct hs_object_info object;
	enum hs_object_state state;
	enum hs_confidence confidence;
	struct hs_object_root root;  /* HELD */
	struct hs_object_step *step; /* HELD: from the root, the last one is the
				      * object; CYCLE: from the object back to
				      * itself, or to what holds it */
	size_t count;
	/* "app.sessions[3].cache": the way as a programmer would write it, from
	 * the last module or class or function's variable; "": there is none; a
	 * long one ends in "..." */
	char expression[512];
	/* UNSEEN: who has more references than were seen, and how many more */
	struct hs_object_info unseen;
	uint64_t unseen_count;
};
/* Why is what ADDR lies in alive? Keys of dicts are texts of the target's: they
 * are part of the answer only with CONTENT; names of attributes and variables
 * are in any case. HS_ERR_INVALID: nothing in use is there. Release with
 * hs_object_why_release(). */
HS_API enum hs_status hs_objects_why(struct hs_objects *objects, hs_addr addr,
				     bool content, struct hs_object_why *ret,
				     struct hs_error *err);
HS_API void hs_object_why_release(struct hs_object_why *why);

/* Everything that holds it, a step each, the object's own address and how it
 * holds; SURE ones first. Free *RET with free(). */
HS_API enum hs_status hs_objects_referrers(struct hs_objects *objects,
					   hs_addr addr, bool content,
					   struct hs_object_step **ret,
					   size_t *count, struct hs_error *err);

/* The same of everything that it holds, in the order of its fields. */
HS_API enum hs_status hs_objects_references(struct hs_objects *objects,
					    hs_addr addr, bool content,
					    struct hs_object_step **ret,
					    size_t *count,
					    struct hs_error *err);

/* ---- who holds how much ---- */

struct hs_object_total {
	uint64_t objects;
	uint64_t bytes;  /* of these, and of the memory that they have */
	hs_addr example; /* of what nothing leads to: one of them */
};
/* A variable of a module, or of a function that runs. */
struct hs_object_share {
	struct hs_object_info object; /* that it refers to */
	struct hs_object_total held;
	char expression[512]; /* "app.sessions" */
};
/* Everything counts once, for the variable that hs_objects_why() would name:
 * what several hold is the share of one of them. */
struct hs_object_shares {
	struct hs_object_share *share; /* most bytes first; at most TOP */
	size_t count;
	size_t more;                 /* variables that are left out */
	struct hs_object_total held; /* by variables, all of them */
	struct hs_object_total own;  /* by none: modules, what the interpreter
				      * keeps */
	struct hs_object_total garbage; /* see HS_OBJECT_CYCLE */
	struct hs_object_total unseen;  /* see HS_OBJECT_UNSEEN */
};
/* Release with hs_object_shares_release(). */
HS_API enum hs_status hs_objects_shares(struct hs_objects *objects, size_t top,
					struct hs_object_shares *ret,
					struct hs_error *err);
HS_API void hs_object_shares_release(struct hs_object_shares *shares);

#ifdef __cplusplus
}
#endif
#endif
