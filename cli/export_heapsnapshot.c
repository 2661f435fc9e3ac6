/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export.h"
#include "cli/export_leaks.h"
#include "cli/export_roots.h"
#include "cli/out_json.h"

/*
 * The heap snapshot of V8, as DevTools reads it: one document whose members
 * stand in a fixed order, nodes as five numbers each, then edges as three,
 * grouped by the node they leave, then strings. Nothing but unsigned numbers
 * is understood, and all are kept in 32 bits.
 *
 * Nodes: the root, "(GC roots)", "(leaked)", one for each root that holds
 * something, the blocks in use by address, and the rests of blocks that are
 * larger than 32 bits can say. The viewer leaves sizes alone only if every
 * child of the root is synthetic.
 *
 * The references are gone through three times, to count, to write edges, and
 * to write their names, which takes less memory than keeping them.
 */

#define NODE_ROOT 0u
#define NODE_GC_ROOTS 1u
#define NODE_LEAKED 2u
#define FIXED_NODES 3u

/* As in "meta" below. */
enum node_type { NODE_OBJECT = 3, NODE_NATIVE = 8, NODE_SYNTHETIC = 9 };
enum edge_type { EDGE_ELEMENT = 1, EDGE_PROPERTY = 2, EDGE_WEAK = 6 };
#define NODE_FIELDS 5u

static const char meta[] =
	"{\"snapshot\":{\"meta\":{"
	"\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\","
	"\"edge_count\"],"
	"\"node_types\":[[\"hidden\",\"array\",\"string\",\"object\",\"code\","
	"\"closure\",\"regexp\",\"number\",\"native\",\"synthetic\","
	"\"concatenated string\",\"sliced string\",\"symbol\",\"bigint\"],"
	"\"string\",\"number\",\"number\",\"number\"],"
	"\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],"
	"\"edge_types\":[[\"context\",\"element\",\"property\",\"internal\","
	"\"hidden\",\"shortcut\",\"weak\"],\"string_or_number\",\"node\"],"
	"\"trace_function_info_fields\":[],\"trace_node_fields\":[],"
	"\"sample_fields\":[],\"location_fields\":[]},";

/* What one node can weigh; more goes to a second node, and so on. */
#define NODE_SIZE_MAX UINT32_MAX

struct snapshot {
	struct export_job *job;
	struct export_roots roots;
	struct export_leak_heads heads;
	struct intern strings;
	uint32_t *node;    /* of each chunk in use */
	uint32_t *edges;   /* that leave each node */
	uint32_t *id_slot; /* ids that are taken, open addressing */
	size_t id_slots;   /* a power of two */
	uint64_t nodes, edge_count;
	uint64_t rests;     /* nodes for what is left of huge blocks */
	uint64_t next_rest; /* while edges are gone through */
	int code;           /* not EXIT_ANSWERED: it was reported */
};

/* One edge as the three passes see it. */
struct edge {
	uint64_t from, to; /* nodes */
	enum edge_type type;
	uint32_t index;   /* ELEMENT */
	const char *name; /* else this, or ... */
	uint64_t offset;  /* ... made of these three */
	uint64_t interior;
	hs_addr user; /* HS_NO_ADDR: NAME alone */
};
typedef void (*edge_fn)(struct snapshot *s, const struct edge *edge);

static bool is_live(const struct hs_chunk_info *c)
{
	return c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED;
}

/* Nodes beyond the first that a block of this size takes. */
static uint64_t rests_of(uint64_t usable)
{
	return usable ? (usable - 1) / NODE_SIZE_MAX : 0;
}

/* ---- edges ---- */

static void root_edges(struct snapshot *s, edge_fn fn)
{
	const struct export_roots *r = &s->roots;
	uint32_t n = 0;
	struct edge e = { NODE_ROOT, NODE_GC_ROOTS, EDGE_ELEMENT, 1, NULL, 0,
			  0,         HS_NO_ADDR };
	fn(s, &e);
	e.to = NODE_LEAKED;
	e.index = 2;
	fn(s, &e);
	e.from = NODE_GC_ROOTS;
	for (size_t i = 0; i < r->count; i++) {
		if (r->root[i].parent != NO_ROOT)
			continue;
		e.to = FIXED_NODES + i;
		e.index = ++n;
		fn(s, &e);
	}
}

static void leak_edges(struct snapshot *s, edge_fn fn)
{
	for (size_t i = 0; i < s->heads.count; i++) {
		size_t chunk = s->heads.chunk[i];
		struct hs_chunk_info c;
		hs_heap_chunk(s->job->cli->heap, chunk, &c);
		struct edge e = { NODE_LEAKED, s->node[chunk], EDGE_PROPERTY,
				  0,           NULL,           HS_UNKNOWN,
				  0,           c.user };
		fn(s, &e);
	}
}

/* A module itself has no words: there are few, and all its children come after
 * it. */
static void below_module(struct snapshot *s, size_t i, edge_fn fn)
{
	const struct export_roots *r = &s->roots;
	for (size_t child = i + 1; child < r->count; child++) {
		if (r->root[child].parent != i)
			continue;
		struct edge e = { FIXED_NODES + i,
				  FIXED_NODES + child,
				  EDGE_PROPERTY,
				  0,
				  NULL,
				  0,
				  0,
				  HS_NO_ADDR };
		e.name = export_root_name(r, child);
		fn(s, &e);
	}
}

static void word_edge(struct snapshot *s, size_t i, size_t k, edge_fn fn)
{
	const struct export_root_word *w = &s->roots.word[k];
	struct hs_chunk_info c;
	hs_heap_chunk(s->job->cli->heap, w->chunk, &c);
	struct edge e = { FIXED_NODES + i, s->node[w->chunk],
			  EDGE_PROPERTY,   0,
			  w->reg,          w->offset,
			  w->interior,     c.user };
	fn(s, &e);
}

struct block_edges {
	struct snapshot *s;
	edge_fn fn;
};

static bool edges_of_block(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct block_edges *b = arg;
	struct snapshot *s = b->s;
	struct hs_graph *graph = s->job->graph;
	struct hs_holder_list list;
	struct hs_error err = { .code = HS_OK };
	if (!is_live(c))
		return true;
	if (hs_graph_references(graph, i, &list, &err)) {
		s->code = cli_fail_error(s->job->cli, &err);
		return false;
	}
	bool leaked = !hs_graph_reached(graph, i);
	for (size_t k = 0; k < list.count; k++) {
		const struct hs_holder *h = &list.holder[k];
		struct hs_chunk_info to;
		hs_heap_chunk(s->job->cli->heap, h->chunk, &to);
		/* What a leak points to is not kept by it: the viewer does not
		 * count weak ones among what retains. */
		bool weak = leaked && hs_graph_reached(graph, h->chunk);
		struct edge e = { s->node[i],
				  s->node[h->chunk],
				  weak ? EDGE_WEAK : EDGE_PROPERTY,
				  0,
				  NULL,
				  h->offset,
				  h->interior,
				  to.user };
		b->fn(s, &e);
	}
	hs_holder_list_release(&list);
	for (uint64_t k = rests_of(c->usable); k; k--) {
		struct edge e = { s->node[i], s->next_rest++, EDGE_PROPERTY,
				  0,          "(continued)",  0,
				  0,          HS_NO_ADDR };
		b->fn(s, &e);
	}
	return !s->job->out->error;
}

/* Every edge, by the node that it leaves. */
static void each_edge(struct snapshot *s, edge_fn fn)
{
	struct block_edges b = { s, fn };
	s->next_rest = s->nodes - s->rests;
	root_edges(s, fn);
	leak_edges(s, fn);
	for (size_t i = 0; i < s->roots.count; i++) {
		size_t first, end;
		export_root_words(&s->roots, i, &first, &end);
		if (first == end)
			below_module(s, i, fn);
		for (size_t k = first; k < end; k++)
			word_edge(s, i, k, fn);
	}
	hs_heap_each(s->job->cli->heap, edges_of_block, &b);
}

static void count_edge(struct snapshot *s, const struct edge *e)
{
	s->edges[e->from]++;
	s->edge_count++;
}

/* ---- nodes ---- */

/*
 * The Comparison view joins two snapshots by id: the same address must give
 * the same one in both. Two addresses that meet are told apart by steps of a
 * fixed length, in the order of addresses.
 */
static uint32_t make_id(struct snapshot *s, uint64_t key)
{
	key *= UINT64_C(0x9e3779b97f4a7c15);
	key ^= key >> 32;
	uint32_t id = (uint32_t)key;
	for (;; id += UINT32_C(0x85ebca6b)) {
		if (!id)
			continue;
		size_t at = (id * UINT32_C(0x9e3779b1)) & (s->id_slots - 1);
		while (s->id_slot[at] && s->id_slot[at] != id)
			at = (at + 1) & (s->id_slots - 1);
		if (s->id_slot[at])
			continue;
		s->id_slot[at] = id;
		return id;
	}
}

static void put_numbers(struct out *out, char first, const uint64_t *n,
			size_t count)
{
	char *at = out_reserve(out, 256);
	*at++ = first;
	for (size_t i = 0; i < count; i++) {
		if (i)
			*at++ = ',';
		at = put_u64(at, n[i]);
	}
	*at++ = '\n';
	out_commit(out, at);
}

static uint32_t string_of(struct snapshot *s, const char *text)
{
	uint32_t i = intern_get(&s->strings, text);
	if (i == INTERN_FAILED && !s->code)
		s->code = export_nomem(s->job, "names");
	return i;
}

static void put_node(struct snapshot *s, enum node_type type, const char *name,
		     uint64_t node, uint64_t key, uint64_t size)
{
	const uint64_t n[] = { type, string_of(s, name), make_id(s, key), size,
			       s->edges[node] };
	put_numbers(s->job->out, node ? ',' : ' ', n, 5);
}

/* A block that one node cannot hold says so in its name. */
static const char *class_of(const struct snapshot *s, size_t chunk,
			    uint64_t usable, char buf[EXPORT_CLASS])
{
	if (!rests_of(usable))
		return export_class(s->job, chunk, usable, buf);
	(void)snprintf(buf, EXPORT_CLASS, "malloc[%" PRIu64 "]", usable);
	return buf;
}

static bool put_block(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct snapshot *s = arg;
	char name[EXPORT_CLASS];
	struct hs_type_info type;
	if (!is_live(c))
		return true;
	put_node(s, export_type(s->job, i, &type) ? NODE_OBJECT : NODE_NATIVE,
		 class_of(s, i, c->usable, name), s->node[i], c->user,
		 rests_of(c->usable) ? NODE_SIZE_MAX : c->usable);
	return !s->code && !s->job->out->error;
}

static bool put_rests(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct snapshot *s = arg;
	char whole[EXPORT_CLASS], name[EXPORT_CLASS + 16];
	uint64_t left = c->usable;
	if (!is_live(c))
		return true;
	for (uint64_t k = rests_of(c->usable); k; k--) {
		left -= NODE_SIZE_MAX;
		(void)snprintf(name, sizeof(name), "%s (continued)",
			       class_of(s, i, c->usable, whole));
		put_node(s, NODE_NATIVE, name, s->next_rest++, c->user + k,
			 left > NODE_SIZE_MAX ? NODE_SIZE_MAX : left);
	}
	return !s->code && !s->job->out->error;
}

static void put_nodes(struct snapshot *s)
{
	const struct hs_heap *heap = s->job->cli->heap;
	put_node(s, NODE_SYNTHETIC, "", NODE_ROOT, 1, 0);
	put_node(s, NODE_SYNTHETIC, "(GC roots)", NODE_GC_ROOTS, 2, 0);
	put_node(s, NODE_SYNTHETIC, "(leaked)", NODE_LEAKED, 3, 0);
	for (size_t i = 0; i < s->roots.count; i++)
		put_node(s, NODE_SYNTHETIC, export_root_name(&s->roots, i),
			 FIXED_NODES + i, intern_hash(s->roots.key.text[i]), 0);
	hs_heap_each(heap, put_block, s);
	s->next_rest = s->nodes - s->rests;
	hs_heap_each(heap, put_rests, s);
}

/* ---- the document ---- */

/* Names of edges follow those of nodes, one for each that is no element. */
static void put_edge(struct snapshot *s, const struct edge *e)
{
	uint64_t name = e->index;
	if (e->type != EDGE_ELEMENT)
		name = s->strings.count + s->edge_count++;
	const uint64_t n[] = { e->type, name, e->to * NODE_FIELDS };
	put_numbers(s->job->out,
		    e->from == NODE_ROOT && e->index == 1 ? ' ' : ',', n, 3);
}

/* "+0x18 -> ", "rdi -> ", or nothing. */
static char *put_place(char *at, const struct edge *e)
{
	if (e->name)
		return stpcpy(stpcpy(at, e->name), " -> ");
	if (e->offset == HS_UNKNOWN)
		return at;
	/* The red zone is below the stack pointer. */
	bool below = (int64_t)e->offset < 0;
	*at++ = below ? '-' : '+';
	at = put_hex(at, below ? 0 - e->offset : e->offset);
	return stpcpy(at, " -> ");
}

static void put_edge_name(struct snapshot *s, const struct edge *e)
{
	struct out *out = s->job->out;
	if (e->type == EDGE_ELEMENT)
		return;
	out_str(out, ",\n");
	if (e->user == HS_NO_ADDR) {
		out_json_string(out, e->name);
		return;
	}
	char *at = out_reserve(out, 128);
	*at++ = '"';
	at = put_place(at, e);
	at = put_hex(at, e->user);
	if (e->interior && e->interior != HS_UNKNOWN) {
		*at++ = '+';
		at = put_hex(at, e->interior);
	}
	*at++ = '"';
	out_commit(out, at);
}

static void put_snapshot(struct snapshot *s)
{
	struct out *out = s->job->out;
	uint64_t edges = s->edge_count;
	out_str(out, meta);
	out_printf(out,
		   "\"node_count\":%" PRIu64 ",\"edge_count\":%" PRIu64
		   ",\"trace_function_count\":0},\n\"nodes\":[",
		   s->nodes, edges);
	put_nodes(s);
	out_str(out, "],\n\"edges\":[");
	s->edge_count = 0;
	if (!s->code)
		each_edge(s, put_edge);
	out_str(out, "],\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n"
		     "\"samples\":[],\n\"locations\":[],\n\"strings\":[");
	for (size_t i = 0; i < s->strings.count; i++) {
		out_str(out, i ? ",\n" : "\n");
		out_json_string(out, s->strings.text[i]);
	}
	if (!s->code)
		each_edge(s, put_edge_name);
	out_str(out, "]}\n");
}

struct numbering {
	struct snapshot *s;
	uint64_t next;
};

static bool number_block(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct numbering *n = arg;
	if (!is_live(c))
		return true;
	n->s->node[i] = (uint32_t)n->next++;
	n->s->rests += rests_of(c->usable);
	return true;
}

static int prepare(struct snapshot *s)
{
	struct export_job *job = s->job;
	const struct hs_heap *heap = job->cli->heap;
	int code = export_roots_find(&s->roots, job);
	if (!code)
		code = export_leak_heads_find(&s->heads, job);
	if (code)
		return code;
	s->node = calloc(hs_heap_chunk_count(heap) + 1, sizeof(*s->node));
	if (!s->node)
		return export_nomem(job, "nodes");
	struct numbering n = { s, FIXED_NODES + s->roots.count };
	hs_heap_each(heap, number_block, &n);
	s->nodes = n.next + s->rests;
	/* A damaged heap may claim any size. */
	if (s->rests > UINT32_MAX / NODE_FIELDS ||
	    s->nodes > UINT32_MAX / NODE_FIELDS)
		return cli_fail(job->cli, EXIT_INPUT,
				hs_status_name(HS_ERR_LIMIT),
				"%" PRIu64 " blocks and roots are more than a "
				"heap snapshot can hold; sqlite can",
				s->nodes);
	for (s->id_slots = 1024; s->id_slots < 2 * s->nodes;)
		s->id_slots *= 2;
	s->id_slot = calloc(s->id_slots, sizeof(*s->id_slot));
	s->edges = calloc((size_t)s->nodes, sizeof(*s->edges));
	if (!s->id_slot || !s->edges)
		return export_nomem(job, "nodes");
	each_edge(s, count_edge);
	return s->code;
}

int export_heapsnapshot(struct export_job *job)
{
	struct snapshot s = { .job = job };
	int code = prepare(&s);
	if (!code) {
		put_snapshot(&s);
		code = s.code;
	}
	export_roots_release(&s.roots);
	export_leak_heads_release(&s.heads);
	intern_release(&s.strings);
	free(s.node);
	free(s.edges);
	free(s.id_slot);
	return code;
}
