/* SPDX-License-Identifier: MIT */
#include <heapscan/refs.h>

#include <assert.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "core/window.h"
#include "core/word.h"
#include "heap/block_index.h"

struct edge {
	uint32_t to;
	uint32_t word; /* offset in the holder, in words: blocks of 32 GiB */
	uint64_t into; /* bytes into the user part of TO */
};

struct hs_refs {
	unsigned word_size;
	size_t chunk_count;
	struct edge *edge; /* by holder, then offset */
	size_t count, capacity;
	uint64_t *out;      /* first edge of each holder; one more at the end */
	uint64_t *in;       /* the same for `incoming` */
	uint64_t *incoming; /* edges by target: indexes into `edge` */
	uint32_t *holder;   /* of each entry of `incoming` */
};

/* Words of chunk I that point into live chunks. */
static enum hs_status scan_chunk(struct hs_refs *refs,
				 const struct hs_target *target,
				 const struct hs_heap *heap,
				 const struct hs_block_index *index, size_t i,
				 struct hs_error *err)
{
	const struct hs_chunk *c = &heap->chunks[i];
	unsigned w = refs->word_size;
	hs_addr user = c->addr + heap->layout.header;
	uint64_t usable = hs_chunk_usable(heap, c);
	for (uint64_t off = 0; off + w <= usable;) {
		const uint8_t *bytes;
		uint64_t len;
		struct hs_error why; /* a hole is no error of ours */
		enum hs_status st =
			hs_target_view(target, user + off, &bytes, &len, &why);
		if (st && st != HS_ERR_UNMAPPED && st != HS_ERR_NOT_CAPTURED) {
			if (err)
				*err = why;
			return st;
		}
		if (st) {
			/* Behind what was not captured. */
			const struct hs_span *next =
				hs_span_list_from(&target->spans, user + off);
			if (!next)
				return HS_OK;
			hs_addr to = next->start > user + off
					     ? next->start
					     : next->start + next->len;
			off = (to - user + w - 1) & ~(uint64_t)(w - 1);
			continue;
		}
		if (len > usable - off)
			len = usable - off;
		if (len < w) { /* a span that ends inside a word */
			off += w;
			continue;
		}
		uint64_t n = 0;
		for (; n + w <= len; n += w) {
			uint32_t to;
			uint64_t into;
			uint64_t word = hs_word_at(bytes + n, w);
			if (heap->tagged_pointers)
				word &= HS_ADDR_WITHOUT_TAG;
			if (!hs_block_index_find(index, word, &to, &into) ||
			    (off + n) / w > UINT32_MAX)
				continue;
			st = hs_grow(&refs->edge, &refs->capacity, refs->count,
				     sizeof(*refs->edge), err);
			if (st)
				return st;
			refs->edge[refs->count++] =
				(struct edge){ to, (uint32_t)((off + n) / w),
					       into };
		}
		off += n;
	}
	return HS_OK;
}

/* Sort the edges by target, by counting. */
static enum hs_status reverse(struct hs_refs *refs, struct hs_error *err)
{
	refs->in = calloc(refs->chunk_count + 2, sizeof(*refs->in));
	refs->incoming = malloc((refs->count + 1) * sizeof(*refs->incoming));
	refs->holder = malloc((refs->count + 1) * sizeof(*refs->holder));
	if (!refs->in || !refs->incoming || !refs->holder)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for %zu references", refs->count);
	for (size_t e = 0; e < refs->count; e++)
		refs->in[refs->edge[e].to + 2]++;
	for (size_t i = 2; i < refs->chunk_count + 2; i++)
		refs->in[i] += refs->in[i - 1];
	/* in[to + 1] is the place for the next edge to TO; when all are placed
	 * it is where the edges to TO + 1 begin. */
	for (size_t from = 0; from < refs->chunk_count; from++)
		for (uint64_t e = refs->out[from]; e < refs->out[from + 1];
		     e++) {
			uint64_t at = refs->in[refs->edge[e].to + 1]++;
			refs->incoming[at] = e;
			refs->holder[at] = (uint32_t)from;
		}
	return HS_OK;
}

static enum hs_status scan_all(struct hs_refs *refs,
			       const struct hs_target *target,
			       const struct hs_heap *heap,
			       const struct hs_refs_options *opt,
			       struct hs_error *err)
{
	HS_CLEANUP(hs_block_index_cleanup) struct hs_block_index *index = NULL;
	enum hs_status st = hs_block_index_new(heap, &index, err);
	if (st)
		return st;
	refs->out = malloc((heap->chunk_count + 1) * sizeof(*refs->out));
	if (!refs->out)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu chunks",
			       heap->chunk_count);
	for (size_t i = 0; i < heap->chunk_count; i++) {
		refs->out[i] = refs->count;
		const struct hs_chunk *c = &heap->chunks[i];
		if (i % 65536 == 0 && opt && opt->progress &&
		    !opt->progress(opt->progress_arg, "following references", i,
				   heap->chunk_count))
			return hs_fail(err, HS_ERR_CANCELLED,
				       "stopped while following references");
		if (c->state != HS_CHUNK_USED && c->state != HS_CHUNK_MMAPPED)
			continue;
		st = scan_chunk(refs, target, heap, index, i, err);
		if (st)
			return st;
	}
	refs->out[heap->chunk_count] = refs->count;
	return reverse(refs, err);
}

enum hs_status hs_refs_scan(struct hs_target *target,
			    const struct hs_heap *heap,
			    const struct hs_refs_options *opt,
			    struct hs_refs **ret, struct hs_error *err)
{
	struct hs_refs *refs = calloc(1, sizeof(*refs));
	if (!refs)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	refs->word_size = heap->word_size;
	refs->chunk_count = heap->chunk_count;
	enum hs_status st = scan_all(refs, target, heap, opt, err);
	if (st) {
		hs_refs_free(refs);
		return st;
	}
	*ret = refs;
	return HS_OK;
}

void hs_refs_free(struct hs_refs *refs)
{
	if (!refs)
		return;
	free(refs->edge);
	free(refs->out);
	free(refs->in);
	free(refs->incoming);
	free(refs->holder);
	free(refs);
}

uint64_t hs_refs_count(const struct hs_refs *refs)
{
	return refs->count;
}

size_t hs_refs_out_count(const struct hs_refs *refs, size_t chunk)
{
	assert(chunk < refs->chunk_count);
	return (size_t)(refs->out[chunk + 1] - refs->out[chunk]);
}

static void describe(const struct hs_refs *refs, uint64_t e, size_t from,
		     struct hs_ref *ret)
{
	const struct edge *edge = &refs->edge[e];
	*ret = (struct hs_ref){
		.from = from,
		.to = edge->to,
		.offset = (uint64_t)edge->word * refs->word_size,
		.interior = edge->into,
	};
}

void hs_refs_out(const struct hs_refs *refs, size_t chunk, size_t i,
		 struct hs_ref *ret)
{
	assert(i < hs_refs_out_count(refs, chunk));
	describe(refs, refs->out[chunk] + i, chunk, ret);
}

size_t hs_refs_in_count(const struct hs_refs *refs, size_t chunk)
{
	assert(chunk < refs->chunk_count);
	return (size_t)(refs->in[chunk + 1] - refs->in[chunk]);
}

void hs_refs_in(const struct hs_refs *refs, size_t chunk, size_t i,
		struct hs_ref *ret)
{
	assert(i < hs_refs_in_count(refs, chunk));
	uint64_t at = refs->in[chunk] + i;
	describe(refs, refs->incoming[at], refs->holder[at], ret);
}
