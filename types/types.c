/* SPDX-License-Identifier: MIT */
#include <heapscan/types.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/bits.h"
#include "core/cleanup.h"
#include "core/large_pages.h"
#include "types/name_blocks.h"
#include "types/namer_states.h"
#include "types/types_inside.h"
#include "types/unnamed.h"
#include <heapscan/crew.h>

struct hs_types {
	struct hs_naming naming;
	struct hs_namer_states states;
	struct hs_block_index *index;
	struct hs_types_summary summary;
};

const char *hs_type_source_name(enum hs_type_source source)
{
	static const char *const words[] = {
#define X(id, word) [HS_TYPE_##id] = word,
		HS_TYPE_SOURCES(X)
#undef X
	};
	assert((unsigned)source < HS_TYPE_SOURCE_COUNT);
	return words[source];
}

const char *hs_area_name(enum hs_area area)
{
	static const char *const words[] = {
#define X(id, word) [HS_AREA_##id] = word,
		HS_AREAS(X)
#undef X
	};
	assert((unsigned)area < HS_AREA_COUNT);
	return words[area];
}

const char *hs_strength_name(enum hs_strength strength)
{
	static const char *const words[] = { "none",    "strong",    "weak",
					     "unowned", "unmanaged", "unused" };
	assert((unsigned)strength < sizeof(words) / sizeof(words[0]));
	return words[strength];
}

static void count(struct hs_total *total, const struct hs_heap *heap,
		  const struct hs_chunk *c)
{
	total->count++;
	total->bytes += hs_chunk_usable(heap, c);
	total->chunk_bytes += hs_chunk_size(c);
}

/* What one thread counted. */
struct sums {
	struct hs_total live, named;
	struct hs_total *by_type; /* as many as there are; owned */
};

struct summing {
	const struct hs_naming *n;
	struct sums *sums; /* by worker */
	unsigned workers;
};

#define PIECE ((size_t)1 << 16) /* chunks */

static enum hs_status sum_piece(void *arg, unsigned worker, size_t piece,
				struct hs_error *err)
{
	const struct summing *s = arg;
	const struct hs_heap *heap = s->n->heap;
	struct sums *sums = &s->sums[worker];
	size_t end = (piece + 1) * PIECE;
	(void)err;
	if (end > heap->chunk_count)
		end = heap->chunk_count;
	for (size_t i = piece * PIECE; i < end; i++) {
		const struct hs_chunk *c = &heap->chunks[i];
		if (c->state != HS_CHUNK_USED && c->state != HS_CHUNK_MMAPPED)
			continue;
		count(&sums->live, heap, c);
		if (s->n->type_of[i] == HS_NO_TYPE)
			continue;
		count(&sums->named, heap, c);
		count(&sums->by_type[s->n->type_of[i]], heap, c);
	}
	return HS_OK;
}

static void add(struct hs_total *to, const struct hs_total *more)
{
	to->count += more->count;
	to->bytes += more->bytes;
	to->chunk_bytes += more->chunk_bytes;
}

static void summing_release(struct summing *s)
{
	for (unsigned i = 0; s->sums && i < s->workers; i++)
		free(s->sums[i].by_type);
	free(s->sums);
}

static enum hs_status sum_up(struct hs_types *types, unsigned jobs,
			     struct hs_error *err)
{
	struct hs_naming *n = &types->naming;
	struct hs_types_summary *ret = &types->summary;
	size_t pieces = (n->heap->chunk_count + PIECE - 1) / PIECE;
	HS_CLEANUP(summing_release)
	struct summing s = { .n = n, .workers = hs_crew_count(jobs, pieces) };
	s.sums = calloc(s.workers, sizeof(*s.sums));
	for (unsigned i = 0; s.sums && i < s.workers; i++) {
		s.sums[i].by_type =
			calloc(n->table.count + 1, sizeof(*s.sums[i].by_type));
		if (!s.sums[i].by_type)
			return hs_fail(err, HS_ERR_NOMEM,
				       "no memory to count %zu types",
				       n->table.count);
	}
	if (!s.sums)
		return hs_fail(err, HS_ERR_NOMEM, "no memory to count types");
	enum hs_status st = hs_crew_run(s.workers, pieces, sum_piece, &s,
					"counting", NULL, NULL, err);
	if (st)
		return st;
	for (unsigned i = 0; i < s.workers; i++) {
		add(&ret->live, &s.sums[i].live);
		add(&ret->named, &s.sums[i].named);
		for (size_t k = 0; k < n->table.count; k++)
			add(&n->table.type[k].total, &s.sums[i].by_type[k]);
	}
	ret->nameless = n->nameless;
	ret->missing_module = n->missing_module;
	ret->without_debug_info = n->without_dwarf;
	ret->missing_split_files = n->split_missing;
	return HS_OK;
}

static enum hs_status init(struct hs_types *types, struct hs_error *err)
{
	struct hs_naming *n = &types->naming;
	size_t chunks = n->heap->chunk_count;
	n->type_of = malloc((chunks + 1) * sizeof(*n->type_of));
	if (!n->type_of)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for the types of %zu chunks", chunks);
	n->plain = hs_bits_new(chunks);
	if (!n->plain)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for bits of %zu chunks", chunks);
	hs_want_large_pages(n->type_of, chunks * sizeof(*n->type_of));
	enum hs_status st = hs_block_index_new(n->heap, &types->index, err);
	n->finder.index = types->index;
	return st ? st : hs_namer_states_init(&types->states, err);
}

static void free_types(struct hs_types **slot)
{
	hs_types_free(*slot);
}

enum hs_status hs_types_new(struct hs_target *target,
			    const struct hs_heap *heap,
			    const struct hs_types_options *opt,
			    struct hs_types **ret, struct hs_error *err)
{
	/* An older caller's options are shorter: the rest counts as zero. */
	struct hs_types_options o = { 0 };
	if (opt)
		memcpy(&o, opt,
		       opt->struct_size < sizeof(o) ? opt->struct_size
						    : sizeof(o));
	HS_CLEANUP(free_types)
	struct hs_types *types = calloc(1, sizeof(*types));
	if (!types)
		return hs_fail(err, HS_ERR_NOMEM, "no memory to name blocks");
	types->naming = (struct hs_naming){ .target = target,
					    .heap = heap,
					    .syms = o.symbols,
					    .opt = &o,
					    .missing_module = SIZE_MAX,
					    .without_dwarf = SIZE_MAX };
	hs_window_init(&types->naming.block, target);
	hs_window_init(&types->naming.meta, target);
	enum hs_status st = init(types, err);
	if (!st)
		st = hs_name_blocks(&types->naming, &types->states, &o, err);
	types->naming.opt = NULL;
	if (!st)
		st = sum_up(types, o.jobs, err);
	if (st)
		return st;
	*ret = HS_TAKE(types);
	return HS_OK;
}

/* Blocks that are looked at. In programs written in Swift, most are its
 * objects. */
#define SAMPLES 4096u

static bool sample_has_swift(struct hs_naming *n, void *state)
{
	const struct hs_namer *swift = hs_namers[hs_namer_of(HS_TYPE_SWIFT)];
	size_t chunks = n->heap->chunk_count, step = chunks / SAMPLES + 1;
	for (size_t i = 0; i < chunks; i += step) {
		struct hs_block b;
		uint32_t type;
		if (hs_naming_block(n, i, &b) &&
		    swift->claim(n, state, &b, &type))
			return true;
	}
	return false;
}

bool hs_types_hide_references(struct hs_target *target,
			      const struct hs_heap *heap)
{
	struct hs_types_options none = { .jobs = 1 };
	/* Without an index of blocks, which takes as long as it is large. */
	struct hs_naming n = { .target = target,
			       .heap = heap,
			       .opt = &none,
			       .missing_module = SIZE_MAX,
			       .without_dwarf = SIZE_MAX };
	struct hs_namer_states states = { 0 };
	hs_window_init(&n.block, target);
	hs_window_init(&n.meta, target);
	bool hidden =
		!hs_namer_states_init(&states, NULL) &&
		sample_has_swift(&n, states.of[hs_namer_of(HS_TYPE_SWIFT)]);
	hs_namer_states_release(&states);
	hs_type_table_release(&n.table);
	return hidden;
}

void hs_types_free(struct hs_types *types)
{
	if (!types)
		return;
	hs_namer_states_release(&types->states);
	hs_type_table_release(&types->naming.table);
	for (size_t i = 0; i < HS_AREA_COUNT; i++)
		free(types->naming.parts[i].by_type);
	free(types->naming.type_of);
	free(types->naming.plain);
	hs_block_index_free(types->index);
	free(types);
}

struct hs_naming *hs_types_naming(struct hs_types *types,
				  enum hs_type_source source, void **state)
{
	*state = types->states.of[hs_namer_of(source)];
	return &types->naming;
}

size_t hs_types_count(const struct hs_types *types)
{
	return types->naming.table.count;
}

void hs_types_info(const struct hs_types *types, size_t i,
		   struct hs_type_info *ret)
{
	assert(i < types->naming.table.count);
	const struct hs_type *t = &types->naming.table.type[i];
	*ret = (struct hs_type_info){ .name = t->name,
				      .source = t->source,
				      .confidence = t->confidence,
				      .evidence = t->evidence,
				      .module = t->module,
				      .total = t->total };
}

size_t hs_types_of(const struct hs_types *types, size_t chunk)
{
	assert(chunk < types->naming.heap->chunk_count);
	uint32_t type = types->naming.type_of[chunk];
	return type == HS_NO_TYPE ? SIZE_MAX : type;
}

void hs_types_summary(const struct hs_types *types,
		      struct hs_types_summary *ret)
{
	*ret = types->summary;
}

enum hs_status hs_types_unnamed(struct hs_types *types,
				struct hs_unnamed_group *ret, size_t max,
				size_t *count, struct hs_error *err)
{
	return hs_unnamed_groups(&types->naming, ret, max, count, err);
}

void hs_types_area(const struct hs_types *types, enum hs_area area,
		   struct hs_area_info *ret)
{
	assert((unsigned)area < HS_AREA_COUNT);
	*ret = types->naming.parts[area].info;
}

void hs_types_in_area(const struct hs_types *types, enum hs_area area, size_t i,
		      struct hs_total *ret)
{
	assert((unsigned)area < HS_AREA_COUNT);
	assert(i < types->naming.table.count);
	const struct hs_parts *p = &types->naming.parts[area];
	*ret = i < p->types ? p->by_type[i] : (struct hs_total){ 0 };
}

bool hs_types_part_at(struct hs_types *types, hs_addr addr,
		      struct hs_part_info *ret)
{
	for (size_t i = 0; i < HS_NAMERS; i++)
		if (hs_namers[i]->part_at &&
		    hs_namers[i]->part_at(&types->naming, types->states.of[i],
					  addr, ret))
			return true;
	return false;
}

bool hs_types_place(struct hs_types *types, hs_addr addr, char *buf,
		    size_t size)
{
	for (size_t i = 0; i < HS_NAMERS; i++) {
		struct hs_text text;
		hs_text_init(&text, buf, size);
		if (hs_namers[i]->place &&
		    hs_namers[i]->place(types->states.of[i], addr, &text))
			return true;
	}
	return false;
}

void hs_types_fields(struct hs_types *types, size_t chunk, hs_field_fn fn,
		     void *arg)
{
	struct hs_naming *n = &types->naming;
	struct hs_block b;
	if (hs_types_of(types, chunk) == SIZE_MAX ||
	    !hs_naming_block(n, chunk, &b))
		return;
	enum hs_type_source source = n->table.type[n->type_of[chunk]].source;
	/* A vtable says the name of a class, and declarations the rest. */
	size_t i = hs_namer_of(source == HS_TYPE_CXX ? HS_TYPE_DWARF : source);
	if (hs_namers[i]->fields)
		hs_namers[i]->fields(n, types->states.of[i], &b, fn, arg);
}

void hs_types_references(struct hs_types *types, size_t chunk, hs_field_fn fn,
			 void *arg)
{
	types->naming.brief = true;
	hs_types_fields(types, chunk, fn, arg);
	types->naming.brief = false;
}

void hs_types_details(struct hs_types *types, size_t chunk, hs_detail_fn fn,
		      void *arg)
{
	struct hs_naming *n = &types->naming;
	struct hs_block b;
	if (hs_types_of(types, chunk) == SIZE_MAX ||
	    !hs_naming_block(n, chunk, &b))
		return;
	size_t i = hs_namer_of(n->table.type[n->type_of[chunk]].source);
	if (hs_namers[i]->details)
		hs_namers[i]->details(n, types->states.of[i], &b, fn, arg);
}

bool hs_types_retains(struct hs_types *types, size_t chunk, uint64_t *ret)
{
	struct hs_naming *n = &types->naming;
	struct hs_block b;
	if (hs_types_of(types, chunk) == SIZE_MAX ||
	    !hs_naming_block(n, chunk, &b))
		return false;
	size_t i = hs_namer_of(n->table.type[n->type_of[chunk]].source);
	return hs_namers[i]->retains &&
	       hs_namers[i]->retains(n, types->states.of[i], &b, ret);
}

bool hs_types_tagged(const struct hs_types *types)
{
	const struct hs_type_table *table = &types->naming.table;
	for (size_t i = 0; i < table->count; i++)
		if (table->type[i].source == HS_TYPE_SWIFT &&
		    table->type[i].total.count)
			return true;
	return false;
}
