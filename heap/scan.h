/* SPDX-License-Identifier: MIT */
#ifndef HEAP_SCAN_H
#define HEAP_SCAN_H

#include "core/window.h"
#include "heap/free_index.h"
#include "heap/model.h"
#include "tls/tls.h"

/*
 * A further libc in the same process (dlmopen, auditing, a plug-in of a static
 * program): a malloc of its own, of the same layout.
 */
struct hs_other_libc {
	hs_addr main_arena;
	uint64_t sbrk_base; /* HS_UNKNOWN: its malloc_par was not found */
	size_t module;      /* SIZE_MAX: none */
};

/* A tcache of one of those: a thread has one for each libc it uses. */
struct hs_further_tcache {
	hs_addr tcache;
	uint32_t thread;
};

/* A scan while it runs: what the steps in scan.c hand to one another. */
struct hs_scan {
	struct hs_target *target;
	struct hs_symbols *syms; /* NULL: evidence only */
	struct hs_tls *tls;      /* NULL: evidence only */
	const struct hs_scan_options *opt;
	struct hs_heap *heap;
	struct hs_window window;      /* for lists and structs */
	struct hs_window list_window; /* for the entries of lists */
	struct hs_free_index free_index;

	/* What malloc_par says; HS_UNKNOWN where it was not found. */
	uint64_t sbrk_base, n_mmaps, mmapped_mem, tcache_slots, hp_pagesize;
	struct hs_other_libc other[HS_LIMIT_NAMESPACES];
	size_t other_count;
	struct hs_further_tcache *further; /* owned */
	size_t further_count, further_capacity;
	bool further_known;     /* every thread was asked for every libc */
	size_t mmapped_chunks;  /* found so far */
	uint64_t mmapped_bytes; /* whole mappings */
	bool missing;           /* bytes that the answer needs */
	bool interrupted_known; /* their stacks were walked */
	uint64_t *hand;         /* owned: words of frames inside malloc */
	size_t hand_count, hand_capacity;

	/* The main arena itself was not captured: what its chunks tell. */
	bool lost;
	hs_addr lost_top;       /* HS_NO_ADDR: not known */
	uint64_t lost_top_size; /* bytes */
	uint64_t lost_bytes;    /* of its memory, as far as found */

	uint64_t total_system_mem; /* over all arenas: bounds every list */
};

/* HS_ERR_CANCELLED when the progress callback wants to stop. */
HS_MUST_CHECK enum hs_status hs_scan_progress(struct hs_scan *scan,
					      const char *what, uint64_t done,
					      uint64_t total,
					      struct hs_error *err);

/* One member of a struct at BASE; false: absent or not readable. */
bool hs_scan_field(struct hs_scan *scan, hs_addr base, enum hs_field field,
		   uint64_t *ret);

/* Memory that may hold an allocator's data: private and writable. */
bool hs_scan_writable(const struct hs_map *map);

#endif
