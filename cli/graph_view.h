/* SPDX-License-Identifier: MIT */
#ifndef CLI_GRAPH_VIEW_H
#define CLI_GRAPH_VIEW_H

#include "cli/cli.h"

/*
 * The part of the reference graph that is shown: chunks around one address or
 * on the way to it, or classes of chunks.
 */
enum graph_by {
	GRAPH_BLOCKS, /* nodes are blocks, and roots */
	GRAPH_BY_SIZE,
	GRAPH_BY_TYPE,
	GRAPH_BY_OWNER,
};
struct graph_node {
	char *label;  /* type, owner or root, not escaped; owned, or NULL */
	bool is_root; /* no block: what LABEL says */
	enum hs_chunk_state state;
	hs_addr user;                /* of the chunk; HS_NO_ADDR for a class */
	uint64_t min_size, max_size; /* chunk sizes */
	uint64_t count, bytes;       /* chunks in it, their chunk sizes */
	unsigned distance;           /* steps from the start */
};
struct graph_edge {
	size_t from, to;   /* nodes */
	uint64_t count;    /* references folded into it */
	uint64_t offset;   /* of the first: bytes into FROM's user part */
	uint64_t interior; /* of the first: bytes into TO's user part */
	char *field;       /* that holds it, not escaped; owned, or NULL */
};
struct graph_view {
	enum graph_by by;
	struct graph_node *nodes;
	size_t node_count;
	struct graph_edge *edges;
	size_t edge_count, edge_capacity;
	bool cut;              /* --max-nodes left something out ... */
	size_t left_out;       /* ... this many nodes; 0: not counted ... */
	size_t edges_left_out; /* ... and the thinnest edges */
	uint64_t all_bytes;    /* of all classes, left out or not */
	uint64_t ref_count;    /* references in the whole heap */
	char title[512];       /* what is shown, not escaped; empty: as usual */
};

/* A chunk as a node, DISTANCE steps from the start. */
struct graph_node graph_node_of_chunk(const struct hs_heap *heap, size_t chunk,
				      unsigned distance);

/* START is a chunk's index. HS_OK or HS_ERR_NOMEM. */
enum hs_status graph_around(struct graph_view *view, const struct cli *cli,
			    const struct hs_refs *refs, size_t start,
			    unsigned depth, size_t max_nodes);
enum hs_status graph_by_size(struct graph_view *view,
			     const struct hs_heap *heap,
			     const struct hs_refs *refs, size_t max_nodes);
/* --by type or owner. Not EXIT_ANSWERED: it was reported. */
int graph_fold(struct cli *cli, const struct hs_refs *refs, size_t max_nodes,
	       struct graph_view *view);
/* The types of the blocks shown, where they were named; CHUNK_OF by node. */
enum hs_status graph_view_label(struct graph_view *view, const struct cli *cli,
				const size_t *chunk_of);
/* --path or --leaks. Not EXIT_ANSWERED: it was reported. */
int graph_reach(struct cli *cli, struct graph_view *view);
void graph_view_release(struct graph_view *view);
/* HS_OK or HS_ERR_NOMEM. */
enum hs_status graph_view_add_edge(struct graph_view *view,
				   const struct graph_edge *edge);

/* Keep the edges of classes that stand for most references. */
void graph_view_thin(struct graph_view *view);

/* "cut at 200 nodes, 12 left out"; NULL when nothing was cut. */
const char *graph_cut_text(const struct graph_view *view, char *buf,
			   size_t size);

#endif
