/* SPDX-License-Identifier: MIT */
#include "types/unnamed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/limits.h"

/*
 * Blocks that have no name, put together by their size and by what their first
 * words look like. Eight words tell structures apart well enough; looking at
 * all would part those whose ends differ.
 */
#define WORDS 8u

enum look { ZERO, POINTER, CHARACTERS, NUMBER };
#define LOOK_BITS 2u
#define SIZE_SHIFT (WORDS * LOOK_BITS)

/* Blocks of a group whose words are followed into images, and of these one in
 * so many may lead elsewhere. */
#define FOLLOWED 64u
#define ELSEWHERE_IN 16u

/* Where the words of those lead. */
struct images {
	uint32_t module[WORDS]; /* 1 + index; 0: into none */
	uint8_t elsewhere[WORDS];
	uint8_t code[WORDS];
	uint8_t blocks;
};

struct groups {
	struct hs_naming *n;
	struct hs_unnamed_group *group;
	struct images *images; /* of each */
	size_t count;
	struct hs_addr_map by_key; /* value: index */
};

/* At least three characters, and zeroes behind them. */
static bool is_characters(uint64_t word, unsigned bytes)
{
	unsigned len = 0;
	while (len < bytes && word >> (8 * len) != 0) {
		uint8_t c = (uint8_t)(word >> (8 * len));
		if (c < 0x20 || c > 0x7e)
			return false;
		len++;
	}
	return len >= 3;
}

static enum look look_at(struct hs_naming *n, uint64_t word)
{
	if (word == 0)
		return ZERO;
	if (word >= 4096 && hs_target_find_map(n->target, word))
		return POINTER;
	return is_characters(word, n->block.word_size) ? CHARACTERS : NUMBER;
}

static unsigned words_of(const struct hs_naming *n, uint64_t usable)
{
	uint64_t words = usable / n->block.word_size;
	return words < WORDS ? (unsigned)words : WORDS;
}

/* The looks of B's words, the first one in the lowest bits. */
static uint64_t looks_of(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t looks = 0, word;
	for (unsigned i = 0; i < words_of(n, b->usable); i++)
		if (hs_block_word(n, b, i, &word))
			looks |= (uint64_t)look_at(n, word) << (LOOK_BITS * i);
	return looks;
}

/* The image that WORD leads to, 1 + its index; 0: none. Data of the C library
 * is none: what was free leads to malloc's lists. */
static uint32_t image_of(struct hs_naming *n, uint64_t word, bool *code)
{
	size_t module = hs_naming_module(n, word);
	const struct hs_map *map =
		module == SIZE_MAX ? NULL : hs_target_find_map(n->target, word);
	if (!map || module >= UINT32_MAX - 1)
		return 0;
	*code = map->prot & HS_PROT_EXEC;
	return *code || module != hs_naming_module(n, n->heap->main_arena)
		       ? (uint32_t)module + 1
		       : 0;
}

static void follow(struct groups *g, struct images *im,
		   const struct hs_block *b)
{
	uint64_t word;
	if (im->blocks == FOLLOWED)
		return;
	for (unsigned i = 0; i < words_of(g->n, b->usable); i++) {
		bool code = false;
		uint32_t image = hs_block_word(g->n, b, i, &word) && word
					 ? image_of(g->n, word, &code)
					 : 0;
		if (im->blocks == 0)
			im->module[i] = image;
		if (image && image == im->module[i])
			im->code[i] += code;
		else
			im->elsewhere[i]++;
	}
	im->blocks++;
}

/* The first word that leads to functions, else that to data. */
static void attribute(struct hs_naming *n, struct hs_unnamed_group *group,
		      const struct images *im)
{
	group->module = SIZE_MAX;
	for (unsigned i = 0; i < words_of(n, group->usable); i++) {
		bool code = im->code[i] * 2u > im->blocks;
		if (!im->module[i] ||
		    im->elsewhere[i] * ELSEWHERE_IN > im->blocks ||
		    (group->module != SIZE_MAX && (group->functions || !code)))
			continue;
		group->module = im->module[i] - 1;
		group->functions = code;
		group->offset = (uint64_t)i * n->block.word_size;
	}
}

static enum hs_status add(struct groups *g, const struct hs_block *b,
			  struct hs_error *err)
{
	uint64_t key = b->usable << SIZE_SHIFT | looks_of(g->n, b);
	const struct hs_addr_entry *have = hs_addr_map_get(&g->by_key, key);
	struct hs_unnamed_group *group;
	if (have) {
		group = &g->group[have->value];
	} else {
		if (g->count == HS_LIMIT_UNNAMED_GROUPS || key == HS_NO_ADDR)
			return HS_OK;
		enum hs_status st = hs_addr_map_put(
			&g->by_key,
			(struct hs_addr_entry){ key, (uint32_t)g->count, 0 },
			err);
		if (st)
			return st;
		group = &g->group[g->count++];
		*group = (struct hs_unnamed_group){ .usable = b->usable,
						    .sample = b->user };
	}
	follow(g, &g->images[group - g->group], b);
	group->total.count++;
	group->total.bytes += b->usable;
	group->total.chunk_bytes +=
		hs_chunk_size(&g->n->heap->chunks[b->chunk]);
	return HS_OK;
}

static void describe(struct hs_naming *n, struct hs_unnamed_group *group)
{
	static const char *const one[] = { "zero", "pointer", "text",
					   "number" };
	static const char *const many[] = { "zeroes", "pointers",
					    "words of text", "numbers" };
	struct hs_text text;
	struct hs_block b;
	hs_text_init(&text, group->looks, sizeof(group->looks));
	if (!hs_naming_block_at(n, group->sample, &b))
		return;
	uint64_t looks = looks_of(n, &b);
	unsigned words = words_of(n, b.usable);
	for (unsigned i = 0, run; i < words; i += run) {
		char part[32];
		unsigned look = looks >> (LOOK_BITS * i) & 3u;
		for (run = 1; i + run < words; run++)
			if ((looks >> (LOOK_BITS * (i + run)) & 3u) != look)
				break;
		if (run == 1)
			(void)snprintf(part, sizeof(part), "%s%s",
				       i ? ", " : "", one[look]);
		else
			(void)snprintf(part, sizeof(part), "%s%u %s",
				       i ? ", " : "", run, many[look]);
		hs_text_add(&text, part);
	}
	if (b.usable / n->block.word_size > words)
		hs_text_add(&text, ", more");
}

static int most_bytes_first(const void *a, const void *b)
{
	const struct hs_unnamed_group *x = a, *y = b;
	if (x->total.bytes != y->total.bytes)
		return x->total.bytes < y->total.bytes ? 1 : -1;
	return x->sample < y->sample ? -1 : x->sample > y->sample;
}

static enum hs_status collect(struct groups *g, struct hs_error *err)
{
	const struct hs_naming *n = g->n;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		if (n->type_of[i] != HS_NO_TYPE ||
		    !hs_naming_block(g->n, i, &b))
			continue;
		enum hs_status st = add(g, &b, err);
		if (st)
			return st;
	}
	return HS_OK;
}

enum hs_status hs_unnamed_groups(struct hs_naming *n,
				 struct hs_unnamed_group *ret, size_t max,
				 size_t *count, struct hs_error *err)
{
	HS_AUTO_FREE struct hs_unnamed_group *group =
		malloc(HS_LIMIT_UNNAMED_GROUPS * sizeof(*group));
	HS_AUTO_FREE struct images *images =
		calloc(HS_LIMIT_UNNAMED_GROUPS, sizeof(*images));
	struct groups g = { .n = n, .group = group, .images = images };
	if (!group || !images)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %u groups",
			       HS_LIMIT_UNNAMED_GROUPS);
	enum hs_status st = collect(&g, err);
	hs_addr_map_release(&g.by_key);
	if (st)
		return st;
	for (size_t i = 0; i < g.count; i++)
		attribute(n, &group[i], &images[i]);
	qsort(group, g.count, sizeof(*group), most_bytes_first);
	if (max > g.count)
		max = g.count;
	for (size_t i = 0; i < max; i++) {
		ret[i] = group[i];
		describe(n, &ret[i]);
	}
	*count = max;
	return HS_OK;
}
