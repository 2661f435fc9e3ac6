/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_GRAPH_H
#define HEAPSCAN_GRAPH_H

#include <heapscan/confidence.h>
#include <heapscan/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Which blocks are reached from where: roots, and every aligned word of a
 * block in use that points into a block in use. Conservative: a number that
 * looks like a pointer is one. Free chunks hold nothing.
 *
 * Borrows target, symbols and heap, which must outlive it. Not for use by two
 * threads at once.
 */
struct hs_graph; /* opaque */

/* What is known of one word of a block beyond its bits. */
struct hs_known_ref {
	uint64_t word; /* where it is: bytes from the user pointer */
	hs_addr to;    /* what it refers to, however that is written */
	bool owns;     /* keeps it alive: false for weak references */
};
/* REF is borrowed for the call; false: stop. */
typedef bool (*hs_known_ref_fn)(void *arg, const struct hs_known_ref *ref);

/*
 * Whoever knows what is in blocks sharpens the graph with this; hs_types_*()
 * can answer both questions. A reference that the bits do not show is added.
 * One that they do show counts as before unless it is said not to own; then it
 * keeps nothing alive, and makes no cycle and no owner.
 */
struct hs_graph_knowledge {
	void *arg;
	/* Call FN with FN_ARG for what is known of block CHUNK's words, in any
	 * order. Asked once for each block in use, while the graph is made, in
	 * the caller's thread. NULL: nothing is known. */
	void (*refs)(void *arg, size_t chunk, hs_known_ref_fn fn, void *fn_arg);
	/* What block CHUNK is called, NULL: nobody knows; borrowed as long as
	 * the graph. Leaks are folded by it. NULL: no names. */
	const char *(*name)(void *arg, size_t chunk);
	/* Words may carry a tag in their top byte, wherever they are: enums of
	 * Swift do. */
	bool tagged;
};

/* struct_size first, the rest zero; grows at the end. */
struct hs_graph_options {
	size_t struct_size;
	hs_progress_fn progress; /* may be NULL */
	void *progress_arg;
	unsigned jobs; /* threads; 0: as many as this process may use */
	const struct hs_graph_knowledge *knowledge; /* NULL; outlives graph */
	bool ways; /* hs_graph_why() will be asked: 8 bytes more a chunk save
		    * it a pass of its own */
};

/*
 * One pass over roots and blocks in use, then the marking. SYMS may be NULL.
 * Free with hs_graph_free().
 */
HS_API enum hs_status hs_graph_new(struct hs_target *target,
				   struct hs_symbols *syms,
				   const struct hs_heap *heap,
				   const struct hs_graph_options *opt,
				   struct hs_graph **ret, struct hs_error *err);
HS_API void hs_graph_free(struct hs_graph *graph); /* NULL is fine */

/* chunk_bytes included, though scripts mostly want count and bytes. */
struct hs_graph_summary {
	struct hs_total reachable; /* from a root, in one step or many ... */
	/* ... of these, those to whose start nothing reachable points: only
	 * to a place inside, or to one past the end. */
	struct hs_total interior_only;
	struct hs_total leaked; /* the other blocks in use */
	uint64_t references;    /* between blocks */
	uint64_t root_references;
	uint64_t root_bytes; /* looked at */
	/* Not captured, so that what they held is not known. A block is only
	 * as surely leaked as these are 0. */
	uint64_t missing_root_bytes, missing_block_bytes;
	/* Threads without registers: their stacks count as a whole. */
	uint64_t threads_without_registers;
	uint64_t weak_references; /* known not to own; none of the above */
};
HS_API void hs_graph_summary(const struct hs_graph *graph,
			     struct hs_graph_summary *ret);

/* Is the block in use and reached? */
HS_API bool hs_graph_reached(const struct hs_graph *graph, size_t chunk);

/* What kind of memory a root is. The word is the same in every output. */
/* clang-format off */
#define HS_ROOT_KINDS(X)                                                  \
	X(REGISTER, "register")   /* of a thread */                       \
	X(STACK, "stack")         /* from the stack pointer up */         \
	X(TLS, "tls")             /* a thread-local variable */           \
	X(THREAD, "thread")       /* the C library's own record of it */  \
	X(SPECIFIC, "specific")   /* pthread_setspecific() */             \
	X(DATA, "data")           /* a module's variables */              \
	X(ANONYMOUS, "anonymous") /* mapped, not heap */                  \
	X(FILE, "file")           /* a mapped file that is no module */   \
	X(SHARED, "shared")       /* memory shared with others */         \
	X(UNKNOWN, "unknown")     /* heap that could not be decided */
/* clang-format on */

enum hs_root_kind {
#define X(id, word) HS_ROOT_##id,
	HS_ROOT_KINDS(X)
#undef X
		HS_ROOT_KIND_COUNT
};
HS_API const char *hs_root_kind_name(enum hs_root_kind kind);

/* One word that is alive by itself. */
struct hs_root_info {
	enum hs_root_kind kind;
	hs_addr addr;    /* of the word; HS_NO_ADDR: a register */
	size_t thread;   /* index for hs_heap_thread(), or SIZE_MAX */
	unsigned reg;    /* for hs_register_name(), REGISTER only */
	size_t module;   /* index for hs_target_module(), or SIZE_MAX */
	size_t map;      /* index for hs_target_map(), or SIZE_MAX */
	uint64_t offset; /* bytes: STACK above the stack pointer; TLS, THREAD
			  * and SPECIFIC into their block */
	bool has_symbol; /* DATA or TLS, with a symbol */
	struct hs_symbol_info symbol;
};

/*
 * Every root word that leads to a block, by address, registers first: what it
 * is, the block's chunk, and bytes into the block (HS_UNKNOWN: not readable any
 * more). INFO is borrowed for the call; false from FN stops.
 */
typedef bool (*hs_root_fn)(void *arg, const struct hs_root_info *info,
			   size_t chunk, uint64_t interior);
HS_API void hs_graph_each_root(struct hs_graph *graph, hs_root_fn fn,
			       void *arg);

/* Memory that is alive by itself: where roots are looked for, by address. Taken
 * along by those who know of more than blocks of malloc. */
struct hs_live_range {
	hs_addr start, end;
};
/* Borrowed from GRAPH. */
HS_API const struct hs_live_range *hs_graph_live(const struct hs_graph *graph,
						 size_t *count);
/* What the word at ADDR, which is in such a range, is as a root. */
HS_API void hs_graph_root_at(struct hs_graph *graph, hs_addr addr,
			     struct hs_root_info *ret);

/* ---- what leaked ---- */

/* clang-format off */
#define HS_LEAK_KINDS(X)                                                   \
	X(ROOT, "root")   /* nothing holds it */                           \
	X(CHILD, "child") /* only other leaked blocks do */                \
	X(CYCLE, "cycle") /* it leads back to itself */
/* clang-format on */
enum hs_leak_kind {
#define X(id, word) HS_LEAK_##id,
	HS_LEAK_KINDS(X)
#undef X
};
HS_API const char *hs_leak_kind_name(enum hs_leak_kind kind);

struct hs_leaks; /* opaque; borrows the graph */

struct hs_leak_info {
	size_t chunk;
	enum hs_leak_kind kind;
	enum hs_confidence confidence;
	size_t root;  /* the leaked block above it; SIZE_MAX: none */
	size_t group; /* for hs_leaks_group() */
};

/* Leaks of one shape: what hangs together in one is counted as one. */
struct hs_leak_group {
	uint64_t count, bytes;    /* blocks and their usable bytes, all */
	uint64_t roots;           /* things that leaked: heads and cycles */
	uint64_t root_bytes;      /* usable bytes of the smallest head ... */
	uint64_t root_bytes_most; /* ... and of the largest */
	const char *shape;        /* "192 bytes -> 24, 40", names in place of
				   * sizes where known; from LEAKS */
	const char *type;         /* what a head is called; NULL: unknown */
	size_t sample;            /* chunk: a head, the lowest */
	enum hs_leak_kind kind;   /* ROOT or CYCLE */
	enum hs_confidence worst; /* of its blocks */
};

HS_API enum hs_status hs_leaks_find(struct hs_graph *graph,
				    struct hs_leaks **ret,
				    struct hs_error *err);
HS_API void hs_leaks_free(struct hs_leaks *leaks); /* NULL is fine */
HS_API size_t hs_leaks_count(const struct hs_leaks *leaks);
/* In address order. */
HS_API void hs_leaks_get(const struct hs_leaks *leaks, size_t i,
			 struct hs_leak_info *ret);
/* Most bytes first. */
HS_API size_t hs_leaks_group_count(const struct hs_leaks *leaks);
HS_API void hs_leaks_group(const struct hs_leaks *leaks, size_t i,
			   struct hs_leak_group *ret);

/* ---- who holds a block ---- */

/* How one step of a path is made. */
struct hs_step {
	size_t chunk;      /* that is reached */
	uint64_t offset;   /* of the word in the holder, from its user pointer;
			    * HS_UNKNOWN for the first step */
	uint64_t interior; /* bytes into the block; 0: its start */
};
struct hs_path {
	struct hs_root_info root;
	struct hs_step *step; /* the last one is the block itself */
	size_t count;
};
struct hs_path_list {
	struct hs_path *path; /* shortest first */
	size_t count;
	uint64_t more; /* other ways, by their last step, left out */
};
/*
 * At most MAX shortest ways from a root to CHUNK, each with another last step.
 * None when it is not reached. Release with hs_path_list_release().
 */
HS_API enum hs_status hs_graph_why(struct hs_graph *graph, size_t chunk,
				   size_t max, struct hs_path_list *ret,
				   struct hs_error *err);
HS_API void hs_path_list_release(struct hs_path_list *list);

/* One reference, with the holder's side in the same form. */
struct hs_holder {
	bool is_root;
	struct hs_root_info root; /* is_root */
	size_t chunk;             /* else the block that holds it */
	uint64_t offset;          /* in that block */
	uint64_t interior;        /* bytes into the block pointed to */
	bool weak;                /* known not to own it */
};
struct hs_holder_list {
	struct hs_holder *holder;
	size_t count;
};
/* Everything that points to CHUNK, roots first, leaked blocks too; what does
 * not own it last. */
HS_API enum hs_status hs_graph_referrers(struct hs_graph *graph, size_t chunk,
					 struct hs_holder_list *ret,
					 struct hs_error *err);
/* Everything CHUNK points to: `chunk` is the block pointed to. */
HS_API enum hs_status hs_graph_references(struct hs_graph *graph, size_t chunk,
					  struct hs_holder_list *ret,
					  struct hs_error *err);
HS_API void hs_holder_list_release(struct hs_holder_list *list);
/* How many words own each block, of roots and blocks, reached or not. RET has
 * room for one number a chunk. One pass over the blocks. */
HS_API enum hs_status hs_graph_count_owners(const struct hs_graph *graph,
					    uint32_t *ret,
					    struct hs_error *err);
/* The reference by which block FROM owns block TO, one to its start if there
 * is one. `offset` is HS_UNKNOWN when there is none. */
HS_API enum hs_status hs_graph_step(struct hs_graph *graph, size_t from,
				    size_t to, struct hs_step *ret,
				    struct hs_error *err);

/*
 * A shortest way from the sample of group I back to itself: the step to the
 * next block, and so on; the last one leads to the sample. None where the group
 * is no cycle, or the sample's is too long to look for. Release with
 * hs_cycle_release().
 */
struct hs_cycle {
	struct hs_step *step;
	size_t count;
};
HS_API enum hs_status hs_leaks_cycle(struct hs_leaks *leaks, size_t i,
				     struct hs_cycle *ret,
				     struct hs_error *err);
/* The same of any block that leaked: one of CHUNK's cycles, none where it is
 * on none. */
HS_API enum hs_status hs_leaks_cycle_of(struct hs_leaks *leaks, size_t chunk,
					struct hs_cycle *ret,
					struct hs_error *err);
HS_API void hs_cycle_release(struct hs_cycle *cycle);

/* ---- who owns how much ---- */

/*
 * Dominators: a block belongs to the one thing without which it would not be
 * reached. What several roots reach belongs to none of them.
 */
struct hs_owners; /* opaque; borrows the graph */

HS_API enum hs_status hs_owners_find(struct hs_graph *graph,
				     struct hs_owners **ret,
				     struct hs_error *err);
HS_API void hs_owners_free(struct hs_owners *owners); /* NULL is fine */

struct hs_owner_info {
	bool is_root;
	struct hs_root_info root; /* its first word: variable, stack, thread */
	size_t chunk;             /* not a root */
	struct hs_total self;     /* not a root: the block */
	struct hs_total retained; /* with everything below */
	size_t children;
};
/* The owners at the top, most bytes retained first: roots, and blocks that
 * several roots reach. */
#define HS_OWNER_TOP SIZE_MAX
HS_API size_t hs_owners_children(const struct hs_owners *owners, size_t node);
/* Child I of NODE, by bytes retained: its node. */
HS_API size_t hs_owners_child(const struct hs_owners *owners, size_t node,
			      size_t i);
HS_API void hs_owners_info(const struct hs_owners *owners, size_t node,
			   struct hs_owner_info *ret);
/* The node of a chunk; false: not reached. */
HS_API bool hs_owners_node(const struct hs_owners *owners, size_t chunk,
			   size_t *ret);
/* Its immediate dominator; HS_OWNER_TOP: none. */
HS_API size_t hs_owners_parent(const struct hs_owners *owners, size_t node);

#ifdef __cplusplus
}
#endif
#endif
