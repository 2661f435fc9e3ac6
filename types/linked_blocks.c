/* SPDX-License-Identifier: MIT */
#include "types/linked_blocks.h"

#include <stdlib.h>

#include "core/bits.h"
#include <heapscan/crew.h>

#define STEP 16u /* bytes from one size to the next */
/* Blocks that are looked at to see what is linked at all, and words of one size
 * that must be. */
#define SAMPLE 32768u
#define LEAST_LINKS 3u
#define PIECE 4096u /* nodes */

void hs_linked_release(struct hs_linked *s)
{
	free(s->seen);
	free(s->node);
	free(s->node_of);
	free(s->worker);
}

bool hs_linked_no_memory(struct hs_linked *s)
{
	struct hs_error err;
	hs_naming_fail(s->n,
		       hs_fail(&err, HS_ERR_NOMEM, "no memory to find lists"),
		       &err);
	return false;
}

static bool is_nameless(const struct hs_naming *n, size_t i)
{
	return n->type_of[i] == HS_NO_TYPE && hs_bit(n->finder.index->live, i);
}

unsigned hs_node_class_of(const struct hs_naming *n, size_t i)
{
	const struct hs_chunk *c = &n->heap->chunks[i];
	uint64_t k = hs_chunk_size(c) / STEP;
	return c->state == HS_CHUNK_USED && k < HS_NODE_CLASSES
		       ? (unsigned)k
		       : HS_NODE_CLASSES;
}

hs_addr hs_linked_user(const struct hs_naming *n, uint32_t i)
{
	return n->heap->chunks[i].addr + n->heap->layout.header;
}

bool hs_linked_into(struct hs_naming *l, uint64_t word, uint32_t *chunk,
		    uint64_t *into)
{
	const struct hs_index_region *r =
		hs_block_finder_region(&l->finder, word);
	return r && hs_block_index_in(l->finder.index, r, word, chunk, into);
}

/* ---- what is linked at all ---- */

static void sample_block(struct hs_linked *s, uint32_t i, unsigned class)
{
	struct hs_naming *n = s->n;
	uint64_t usable = hs_chunk_usable(n->heap, &n->heap->chunks[i]);
	hs_addr user = hs_linked_user(n, i);
	for (uint32_t k = 0; k < HS_NODE_WORDS && (k + 1) * s->word <= usable;
	     k++) {
		uint64_t word, into;
		uint32_t to;
		if (!hs_window_word(&n->block, user + k * s->word, &word))
			return;
		/* The last word is the next chunk's header as well: links of
		 * free lists, which lead to headers, lead there. */
		if (!word || !hs_linked_into(n, word, &to, &into) || to == i ||
		    hs_node_class_of(n, to) != class || !is_nameless(n, to) ||
		    into % s->word || into / s->word >= HS_NODE_WORDS ||
		    into + s->word >= usable)
			continue;
		s->seen[class][k][into / s->word]++;
	}
}

static void add_link(struct hs_node_class *c, const struct hs_node_link *link)
{
	unsigned at = c->links < HS_LINK_FIELDS ? c->links++ : HS_LINK_FIELDS;
	/* Those that were seen most often, and of these the first. */
	while (at > 0 && c->link[at - 1].seen < link->seen) {
		if (at < HS_LINK_FIELDS)
			c->link[at] = c->link[at - 1];
		at--;
	}
	if (at < HS_LINK_FIELDS)
		c->link[at] = *link;
}

static int by_place(const void *x, const void *y)
{
	const struct hs_node_link *a = x, *b = y;
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->into < b->into ? -1 : a->into > b->into;
}

static bool choose_links(struct hs_linked *s)
{
	bool any = false;
	for (unsigned k = 0; k < HS_NODE_CLASSES; k++) {
		struct hs_node_class *c = &s->class[k];
		for (uint32_t at = 0; at < HS_NODE_WORDS; at++)
			for (uint32_t into = 0; into < HS_NODE_WORDS; into++) {
				struct hs_node_link link = {
					at * s->word, into * s->word,
					s->seen[k][at][into]
				};
				if (link.seen >= LEAST_LINKS)
					add_link(c, &link);
			}
		qsort(c->link, c->links, sizeof(*c->link), by_place);
		any |= c->links > 0;
	}
	return any;
}

/* False: nothing is linked. */
static bool sample(struct hs_linked *s)
{
	struct hs_naming *n = s->n;
	size_t step, met = 0;
	for (size_t i = 0; i < n->heap->chunk_count; i++)
		s->nameless += is_nameless(n, i);
	if (s->nameless < LEAST_LINKS)
		return false;
	s->seen = calloc(HS_NODE_CLASSES, sizeof(*s->seen));
	if (!s->seen)
		return hs_linked_no_memory(s);
	step = s->nameless / SAMPLE + 1;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		unsigned class;
		if (!is_nameless(n, i) || met++ % step)
			continue;
		class = hs_node_class_of(n, i);
		if (class < HS_NODE_CLASSES)
			sample_block(s, (uint32_t)i, class);
	}
	return choose_links(s);
}

/* ---- all blocks of classes that are linked ---- */

/* Are blocks of class K nodes, of this class or the one before? */
static bool has_nodes(const struct hs_linked *s, unsigned k)
{
	return k < HS_NODE_CLASSES &&
	       (s->class[k].links || (k > 0 && s->class[k - 1].links));
}

/* False: none, or no memory. */
static bool collect_nodes(struct hs_linked *s)
{
	struct hs_naming *n = s->n;
	size_t chunks = n->heap->chunk_count;
	uint32_t all = 0, at[HS_NODE_CLASSES];
	for (size_t i = 0; i < chunks; i++) {
		unsigned k = is_nameless(n, i) ? hs_node_class_of(n, i)
					       : HS_NODE_CLASSES;
		if (has_nodes(s, k))
			s->class[k].own++;
	}
	for (unsigned k = 0; k < HS_NODE_CLASSES; k++) {
		struct hs_node_class *c = &s->class[k];
		at[k] = c->first = all;
		all += c->own;
		c->count = c->own;
		if (c->links && k + 1 < HS_NODE_CLASSES)
			c->count += s->class[k + 1].own;
	}
	s->node = malloc((all + 1u) * sizeof(*s->node));
	s->node_of = malloc((chunks + 1) * sizeof(*s->node_of));
	if (!s->node || !s->node_of)
		return hs_linked_no_memory(s);
	for (size_t i = 0; i < chunks; i++) {
		unsigned k = is_nameless(n, i) ? hs_node_class_of(n, i)
					       : HS_NODE_CLASSES;
		s->node_of[i] = HS_NO_NODE;
		if (has_nodes(s, k)) {
			s->node_of[i] = at[k];
			s->node[at[k]++] = (uint32_t)i;
		}
	}
	return all > 0;
}

static uint32_t follow(const struct hs_linked *s, struct hs_naming *l,
		       const struct hs_node_class *c,
		       const struct hs_node_link *link, uint32_t node)
{
	uint64_t word, into;
	uint32_t to;
	if (!hs_window_word(&l->block,
			    hs_linked_user(l, s->node[node]) + link->at, &word))
		return HS_LINK_OUT;
	if (!word)
		return HS_LINK_NONE;
	if (!hs_linked_into(l, word, &to, &into) || into != link->into ||
	    s->node_of[to] == HS_NO_NODE)
		return HS_LINK_OUT;
	to = s->node_of[to];
	return to != node && to - c->first < c->count ? to - c->first
						      : HS_LINK_OUT;
}

struct following {
	const struct hs_linked *s;
	const struct hs_node_class *c;
	uint32_t *to;
};

static enum hs_status follow_piece(void *arg, unsigned worker, size_t piece,
				   struct hs_error *err)
{
	const struct following *f = arg;
	const struct hs_node_class *c = f->c;
	struct hs_naming *l = &f->s->worker[worker];
	uint32_t first = (uint32_t)piece * PIECE, behind = first + PIECE;
	(void)err;
	if (behind > c->count)
		behind = c->count;
	for (uint32_t i = first; i < behind; i++)
		for (unsigned k = 0; k < c->links; k++)
			f->to[(size_t)k * c->count + i] =
				follow(f->s, l, c, &c->link[k], c->first + i);
	return HS_OK;
}

bool hs_linked_follow(struct hs_linked *s, const struct hs_node_class *c,
		      uint32_t *to)
{
	struct following f = { s, c, to };
	struct hs_error err;
	enum hs_status st = hs_crew_run(
		s->n->opt->jobs, (c->count + PIECE - 1) / PIECE, follow_piece,
		&f, "following links", NULL, NULL, &err);
	if (st)
		hs_naming_fail(s->n, st, &err);
	return !st;
}

uint64_t hs_linked_usable(const struct hs_linked *s,
			  const struct hs_node_class *c)
{
	const struct hs_heap *heap = s->n->heap;
	return hs_chunk_usable(heap, &heap->chunks[s->node[c->first]]);
}

static bool make_workers(struct hs_linked *s)
{
	unsigned workers = hs_crew_count(s->n->opt->jobs, SIZE_MAX);
	s->worker = malloc(workers * sizeof(*s->worker));
	if (!s->worker)
		return hs_linked_no_memory(s);
	for (unsigned i = 0; i < workers; i++) {
		s->worker[i] = *s->n;
		hs_window_init(&s->worker[i].block, s->n->target);
	}
	return true;
}

bool hs_linked_init(struct hs_linked *s, struct hs_naming *n)
{
	*s = (struct hs_linked){ .n = n, .word = n->block.word_size };
	return sample(s) && collect_nodes(s) && make_workers(s);
}
