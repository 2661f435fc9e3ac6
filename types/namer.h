/* SPDX-License-Identifier: MIT */
#ifndef TYPES_NAMER_H
#define TYPES_NAMER_H

#include <heapscan/types.h>

#include "core/addr_map.h"
#include "core/bits.h"
#include "core/window.h"
#include "heap/block_index.h"
#include "types/text.h"
#include "types/type_table.h"

/* A live block, with what most namers look at first. */
struct hs_block {
	size_t chunk; /* index in the heap */
	hs_addr user;
	uint64_t usable;
	uint64_t first; /* its first word */
};

#define HS_NO_TYPE UINT32_MAX

/* Chunks from one that is looked at to the one whose bytes are asked for. */
#define HS_CHUNKS_AHEAD 16u

/* Objects that a runtime keeps in areas of its own. */
struct hs_parts {
	struct hs_area_info info;
	struct hs_total *by_type; /* as many as `types`; owned */
	size_t types;
};

/* A name that was worked out for one block and is that of others, too. */
#define HS_NAME_MEMOS 1024u

struct hs_name_memo {
	uint64_t key; /* of one namer's making; 0: empty */
	uint32_t type;
};

/* What namers share while a heap is being named, and afterwards. */
struct hs_naming {
	struct hs_target *target;
	const struct hs_heap *heap;
	struct hs_symbols *syms; /* NULL: no files but what is in memory */
	const struct hs_types_options *opt; /* only while naming */
	struct hs_window block;             /* what is in blocks */
	struct hs_window meta;              /* what blocks refer to */
	struct hs_type_table table;
	uint32_t *type_of;       /* by chunk; HS_NO_TYPE: none */
	uint64_t *plain;         /* a bit a chunk, from the first pass: see
				  * hs_note_plain_text(); NULL: none yet */
	const uint64_t *settled; /* a bit a chunk, when beside() was done: what
				  * declarations say of it is more than the
				  * shape of a container would; NULL: none */
	uint64_t nameless;       /* see hs_naming_nameless() */
	size_t missing_module;   /* of them the first */
	size_t without_dwarf;    /* the program, if its types are not known */
	uint64_t split_missing;  /* files with a unit's types, not found */
	bool overflow;           /* names were refused: too much text */
	unsigned depth;          /* of names within names, right now */
	bool brief;  /* of fields only what they refer to is asked */
	size_t text; /* bytes of names read so far */
	struct hs_block_finder finder;
	uint32_t text_type; /* 1 + the number of "text"; 0: not met yet */
	struct hs_name_memo memo[HS_NAME_MEMOS]; /* of the C namer, by key */
	struct hs_parts parts[HS_AREA_COUNT];    /* counted in survey() */
	/* The first failure that is not the target's: no memory. Namers go
	 * on, and the pass ends with it. */
	enum hs_status failed;
	struct hs_error error;
};

/*
 * One runtime, or one library's way to lay out memory.
 *
 * To add one:
 *   1. write types/NAME.c and define `const struct hs_namer hs_namer_NAME`;
 *   2. list it in types/namer_states.c, before those that are easier to
 * deceive;
 *   3. add its word to HS_TYPE_SOURCES if it is a source of its own;
 *   4. a fixture with its truth, a fuzz harness, a row in docs/types.md.
 *
 * Whatever a namer reads may be arbitrary bytes. A wrong name is worse than
 * none: it claims a block only for reasons that other data does not have.
 */
struct hs_namer {
	size_t state_size;            /* bytes of its own, zeroed; 0: none */
	void (*release)(void *state); /* NULL: nothing to release in it */

	/* Before everything else: is there such a runtime, and where is what
	 * it keeps? Puts numbers and addresses into STATE. If it claims blocks
	 * in the first pass, no memory: each worker begins with a copy then.
	 * NULL: no need. */
	void (*prepare)(struct hs_naming *naming, void *state);
	/* Is BLOCK's object this runtime's? Then a type of naming->table. May
	 * depend on the block and on what it refers to, but not on which blocks
	 * were seen before: workers share them out among themselves. */
	bool (*claim)(struct hs_naming *naming, void *state,
		      const struct hs_block *block, uint32_t *type);
	/* A look at everything that takes a while, needs no other namer's
	 * answers, and is for claim_late(): it is done beside the first pass,
	 * in one of its threads and with NAMING of that. NULL: no need. */
	void (*beside)(struct hs_naming *naming, void *state);
	/* Take over from a worker's state what claims() found out beyond what
	 * can be looked up again, for survey() and claim_late(). */
	void (*merge)(struct hs_naming *naming, void *state,
		      const void *worker);
	/* Between the passes: a look at everything, when it is known what
	 * most blocks are. NULL: no need. */
	void (*survey)(struct hs_naming *naming, void *state);
	/* The same as claim() in a second pass over what nobody claimed. All
	 * workers use the one state. */
	bool (*claim_late)(struct hs_naming *naming, const void *state,
			   const struct hs_block *block, uint32_t *type);
	/* The part of one of its areas that ADDR lies in; NULL: it has none.
	 * What is in areas survey() counts, with hs_naming_part(). */
	bool (*part_at)(struct hs_naming *naming, void *state, hs_addr addr,
			struct hs_part_info *ret);
	/* What the program calls the place ADDR, which is in no block. NULL:
	 * it has no words for that. */
	bool (*place)(void *state, hs_addr addr, struct hs_text *text);
	/* The fields of an object that it claimed, and what else there is to
	 * say of it. NULL: nothing. */
	void (*fields)(struct hs_naming *naming, void *state,
		       const struct hs_block *block, hs_field_fn fn, void *arg);
	void (*details)(struct hs_naming *naming, void *state,
			const struct hs_block *block, hs_detail_fn fn,
			void *arg);
	/* How many strong references an object that it claimed counts; false:
	 * nobody does. NULL: nobody ever. */
	bool (*retains)(struct hs_naming *naming, void *state,
			const struct hs_block *block, uint64_t *ret);
	enum hs_type_source source; /* of all that it claims */
};

extern const struct hs_namer hs_namer_swift, hs_namer_cxx, hs_namer_python,
	hs_namer_glibc, hs_namer_glib, hs_namer_gobject, hs_namer_openssl,
	hs_namer_perl, hs_namer_nginx, hs_namer_libtasn1, hs_namer_rust,
	hs_namer_libcxx, hs_namer_std_nodes, hs_namer_c, hs_namer_plain_text,
	hs_namer_sqlite, hs_namer_zlib, hs_namer_lua, hs_namer_libxml2,
	hs_namer_redis, hs_namer_arrays, hs_namer_readline, hs_namer_postgres,
	hs_namer_glibc_lists, hs_namer_glibc_regex, hs_namer_wide_text,
	hs_namer_rtl_string, hs_namer_bash, hs_namer_libssl, hs_namer_curl;

/* One target word outside the block at hand; false: not readable. */
static inline bool hs_peek(struct hs_naming *n, hs_addr addr, uint64_t *ret)
{
	return hs_window_word(&n->meta, addr, ret);
}
static inline bool hs_peek_u32(struct hs_naming *n, hs_addr addr, uint32_t *ret)
{
	uint64_t v;
	if (!hs_window_uint(&n->meta, addr, 4, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}
/* Word number I of BLOCK; false: not within, or not readable. */
static inline bool hs_block_word(struct hs_naming *n, const struct hs_block *b,
				 size_t i, uint64_t *ret)
{
	uint64_t off = (uint64_t)i * n->block.word_size;
	return off + n->block.word_size <= b->usable &&
	       hs_window_word(&n->block, b->user + off, ret);
}
/*
 * The string at ADDR into BUF of SIZE bytes. False: longer, empty, not
 * readable, or with characters that no name has; *NOT_CAPTURED, which may be
 * NULL, tells whether it is there but was left out.
 */
bool hs_peek_name(struct hs_naming *n, hs_addr addr, char *buf, size_t size,
		  bool *not_captured);

/* Is B filled by one string? */
bool hs_is_plain_text(struct hs_naming *n, const struct hs_block *b);
/* Find that out for all who will ask, while B's memory is at hand. */
void hs_note_plain_text(struct hs_naming *n, const struct hs_block *b);

/* Index of the module that ADDR lies in, or SIZE_MAX. */
size_t hs_naming_module(const struct hs_naming *n, hs_addr addr);
/* The live block whose user pointer is ADDR; false: there is none. RET may be
 * NULL. */
bool hs_naming_block_at(struct hs_naming *n, hs_addr addr,
			struct hs_block *ret);
/* The same without a look at its memory: the chunk's index. */
bool hs_naming_chunk_at(struct hs_naming *n, hs_addr addr, uint32_t *ret);
/* The live block that ADDR points into. */
bool hs_naming_block_in(struct hs_naming *n, hs_addr addr,
			struct hs_block *ret);
/* Has a block got a type of SOURCE, called NAME if that is not NULL? For who
 * would look through all blocks for them. */
bool hs_naming_met(const struct hs_naming *n, enum hs_type_source source,
		   const char *name);
/* The number of a type; false: no memory, which naming->failed keeps. */
bool hs_naming_type(struct hs_naming *n, const struct hs_type *want,
		    uint32_t *ret);
/* The same for a name out of the target; false: too much was written, too. */
bool hs_naming_read_type(struct hs_naming *n, const struct hs_type *want,
			 uint32_t *ret);
/* BLOCK's user pointer etc. of chunk I; false: not live or not readable. */
bool hs_naming_block(struct hs_naming *n, size_t i, struct hs_block *ret);
/* For who looks at all blocks in turn and is at chunk I: the memory of a later
 * one is asked for, so that it has come by then. */
static inline void hs_naming_look_ahead(const struct hs_naming *n, size_t i)
{
	const struct hs_heap *heap = n->heap;
	if (heap->chunk_count - i > HS_CHUNKS_AHEAD)
		hs_window_ask(&n->block,
			      heap->chunks[i + HS_CHUNKS_AHEAD].addr +
				      heap->layout.header);
}
/* BLOCK's user pointer etc. without its first word, and readable or not. */
bool hs_naming_live(const struct hs_naming *n, size_t i, struct hs_block *ret);
/* Is chunk I without a name that the shape of a container could give it? */
static inline bool hs_naming_open(const struct hs_naming *n, size_t i)
{
	return n->type_of[i] == HS_NO_TYPE &&
	       !(n->settled && hs_bit(n->settled, i));
}
/* The object at hand has a name in MODULE, but it was not captured: the reader
 * must know why there is none. */
void hs_naming_nameless(struct hs_naming *n, size_t module);
/* Put all addresses of FROM into MAP. */
void hs_naming_merge(struct hs_naming *n, struct hs_addr_map *map,
		     const struct hs_addr_map *from);
/* A part in use of SIZE bytes was met in an area; TYPE may be HS_NO_TYPE. */
void hs_naming_part(struct hs_naming *n, enum hs_area area, uint64_t size,
		    uint32_t type);
/* Remember that memory ran out. */
void hs_naming_fail(struct hs_naming *n, enum hs_status st,
		    const struct hs_error *err);

#endif
