/* SPDX-License-Identifier: MIT */
#include "graph/known_refs.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/word.h"

struct collector {
	const struct hs_target *target;
	const struct hs_block_index *index;
	struct hs_known_refs *known;
	size_t chunk;
	hs_addr start; /* of the block's user part */
	uint64_t usable;
	size_t left; /* what this block may still say */
	struct hs_error *err;
	enum hs_status status;
};

/* Does the word AT say as much by itself? */
static bool is_plain(const struct collector *c, hs_addr at, uint32_t to,
		     uint64_t into)
{
	const struct hs_heap *heap = c->index->heap;
	uint64_t word;
	uint32_t chunk;
	uint64_t far;
	if ((at & (heap->word_size - 1)) ||
	    hs_target_read_word(c->target, at, &word, NULL))
		return false;
	if (c->index->tagged)
		word &= HS_ADDR_WITHOUT_TAG;
	return hs_block_index_find(c->index, word, &chunk, &far) &&
	       chunk == to && far == into;
}

static bool add_ref(void *arg, const struct hs_known_ref *ref)
{
	struct collector *c = arg;
	unsigned w = c->index->heap->word_size;
	uint32_t to;
	uint64_t into;
	/* Fields come from the target: as many as there is room for. */
	if (!c->left)
		return false;
	c->left--;
	if (c->usable < w || ref->word > c->usable - w ||
	    ref->to == HS_NO_ADDR ||
	    !hs_block_index_find(c->index, ref->to, &to, &into))
		return true;
	struct hs_known one = { c->start + ref->word, into, to,
				(uint32_t)c->chunk };
	if (!ref->owns)
		one.to |= HS_KNOWN_WEAK;
	else if (is_plain(c, one.at, to, into))
		return true;
	struct hs_known_refs *known = c->known;
	c->status = hs_grow(&known->item, &known->capacity, known->count,
			    sizeof(*known->item), c->err);
	if (c->status)
		return false;
	known->item[known->count++] = one;
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct hs_known *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (hs_known_to(x) != hs_known_to(y))
		return hs_known_to(x) < hs_known_to(y) ? -1 : 1;
	/* What owns first. */
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return x->into < y->into ? -1 : x->into > y->into;
}

/* Said twice, one of them that it owns: it does. */
static void sort_them(struct hs_known_refs *known)
{
	size_t kept = 0;
	if (!known->count)
		return;
	qsort(known->item, known->count, sizeof(*known->item), by_place);
	for (size_t i = 0; i < known->count; i++) {
		const struct hs_known *k = &known->item[i];
		if (kept && known->item[kept - 1].at == k->at &&
		    hs_known_to(&known->item[kept - 1]) == hs_known_to(k))
			continue;
		known->weak += (k->to & HS_KNOWN_WEAK) != 0;
		known->item[kept++] = *k;
	}
	known->count = kept;
}

enum hs_status hs_known_refs_collect(const struct hs_target *target,
				     const struct hs_heap *heap,
				     const struct hs_block_index *index,
				     const struct hs_graph_options *opt,
				     struct hs_known_refs *ret,
				     struct hs_error *err)
{
	const struct hs_graph_knowledge *knowledge = opt->knowledge;
	struct hs_known_refs known = { .item = NULL };
	struct collector c = {
		.target = target, .index = index, .known = &known, .err = err
	};
	if (!knowledge || !knowledge->refs) {
		*ret = known;
		return HS_OK;
	}
	for (size_t i = 0; i < heap->chunk_count && !c.status; i++) {
		if (opt->progress && i % 65536 == 0 &&
		    !opt->progress(opt->progress_arg, "asking for fields", i,
				   heap->chunk_count))
			c.status = hs_fail(err, HS_ERR_CANCELLED,
					   "stopped while asking for fields");
		if (c.status || !hs_bit(index->live, i))
			continue;
		c.chunk = i;
		c.start = heap->chunks[i].addr + heap->layout.header;
		c.usable = hs_chunk_usable(heap, &heap->chunks[i]);
		c.left = (size_t)(c.usable / heap->word_size) * 2;
		knowledge->refs(knowledge->arg, i, add_ref, &c);
	}
	if (c.status) {
		hs_known_refs_release(&known);
		return c.status;
	}
	sort_them(&known);
	*ret = known;
	return HS_OK;
}

void hs_known_refs_release(struct hs_known_refs *known)
{
	free(known->item);
	*known = (struct hs_known_refs){ .item = NULL };
}

void hs_known_merge_from(struct hs_known_merge *merge,
			 const struct hs_known_refs *known, hs_addr start)
{
	size_t lo = 0, hi = known->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (known->item[mid].at < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	merge->next = merge->end = known->item;
	if (known->count) {
		merge->next += lo;
		merge->end += known->count;
	}
}

/* False: the one who is told had enough. */
static bool tell(struct hs_known_merge *m)
{
	const struct hs_known *k = m->next++;
	hs_word_fn fn = k->to & HS_KNOWN_WEAK ? m->weak : m->fn;
	return !fn || fn(m->arg, k->at, hs_known_to(k), k->into);
}

bool hs_known_merge_word(void *merge, hs_addr at, uint32_t chunk, uint64_t into)
{
	struct hs_known_merge *m = merge;
	bool said = false, more = true;
	while (more && m->next < m->end && m->next->at <= at) {
		said |= m->next->at == at && hs_known_to(m->next) == chunk;
		more = tell(m);
	}
	if (more && !said)
		more = m->fn(m->arg, at, chunk, into);
	if (!more)
		m->next = m->end; /* who had enough has it for good */
	return more;
}

void hs_known_merge_rest(struct hs_known_merge *merge, hs_addr end)
{
	while (merge->next < merge->end && merge->next->at < end)
		if (!tell(merge))
			merge->next = merge->end;
}
