/* SPDX-License-Identifier: MIT */
#ifndef CLI_AT_H
#define CLI_AT_H

#include "cli/cli.h"

/* Everything that is known about one address. */
struct at_answer {
	hs_addr addr;
	enum hs_status memory; /* HS_OK: captured; _UNMAPPED, _NOT_CAPTURED */
	bool has_map;
	struct hs_map_info map;
	bool has_chunk;
	struct hs_chunk_info chunk;
	bool in_header;     /* ADDR is below the user part ... */
	uint64_t offset;    /* ... else bytes from its start */
	size_t chunk_index; /* with has_chunk */
	bool has_type;      /* and then this is what the block is */
	struct hs_type_info type;
	bool has_part; /* of an area that a runtime cuts up itself */
	struct hs_part_info part;
	struct hs_type_info part_type; /* with part.type != SIZE_MAX */
	bool has_symbol;
	struct hs_symbol_info symbol;
	bool has_module;
	struct hs_module_info module;
	bool has_stack;
	struct hs_heap_thread_info thread; /* whose stack it is */
	bool has_frame;                    /* and whose of its functions */
	struct hs_frame_info frame;
	char variable[1024]; /* of which function, or "" */
	int64_t tcache_of;   /* the chunk is this thread's tcache; -1: none's */
	bool has_tls;        /* near a thread pointer, where threads keep their
			      * variables ... */
	struct hs_heap_thread_info tls; /* ... of this thread */
};

/* "8 bytes into 0x7f.., 64 bytes in use in pymalloc arenas": where ADDR is in
 * what a runtime keeps in memory that it cuts up itself. */
void at_print_part(struct out *out, hs_addr addr, const struct hs_part_info *p);

/* Static thread-local storage and the thread's descriptor lie this near to the
 * thread pointer: bytes. Their exact ends are the loader's business. */
#define AT_TLS_REACH 4096u

#endif
