/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "heap/diagnosis.h"

/*
 * free() passes its pointer, and the chunk that it belongs to, down to where
 * malloc gives up; both stay in registers and in the frames above. abort() and
 * what it calls take a few hundred bytes of stack, free() itself not much more.
 */
#define STACK_BYTES 2048u

/* Words near to where the thread gave up, the innermost first. */
struct words {
	uint64_t word[STACK_BYTES / 4 + HS_MAX_REGISTERS];
	size_t count;
};

static void collect(struct hs_diagnoser *g, struct words *words)
{
	const struct hs_thread_list *threads = &g->target->threads;
	words->count = 0;
	for (size_t t = 0; t < threads->count; t++) {
		const struct hs_thread *thread = &threads->thread[t];
		if (!thread->current || thread->sp == HS_NO_ADDR)
			continue;
		unsigned w = g->heap->word_size;
		for (hs_addr at = thread->sp & ~(hs_addr)(w - 1);
		     at >= thread->sp - w && at < thread->sp + STACK_BYTES;
		     at += w)
			if (hs_window_word(&g->window, at,
					   &words->word[words->count]))
				words->count++;
		for (size_t i = 0; i < thread->register_count; i++)
			words->word[words->count++] = thread->registers[i];
		return;
	}
}

static bool has(const struct words *words, uint64_t word)
{
	for (size_t i = 0; i < words->count; i++)
		if (words->word[i] == word)
			return true;
	return false;
}

bool hs_damage_in_hand(struct hs_diagnoser *g, size_t chunk)
{
	if (chunk == SIZE_MAX)
		return false;
	struct words words;
	collect(g, &words);
	const struct hs_chunk *c = &g->heap->chunks[chunk];
	return has(&words, c->addr) ||
	       has(&words, c->addr + g->heap->layout.header);
}

/* States of a chunk that is freed once more, as glibc names them. */
static bool is_state(const char *verdict, const struct hs_chunk *c)
{
	if (strstr(verdict, "tcache"))
		return c->state == HS_CHUNK_TCACHE;
	if (strstr(verdict, "(fasttop)"))
		return c->state == HS_CHUNK_FASTBIN;
	if (strstr(verdict, "(top)"))
		return c->state == HS_CHUNK_TOP;
	return hs_damage_is_free(c) || c->state == HS_CHUNK_TOP;
}

static size_t occurrences(const struct words *words, uint64_t word)
{
	size_t n = 0;
	for (size_t i = 0; i < words->count; i++)
		n += words->word[i] == word;
	return n;
}

/*
 * The stack also holds what was left there by calls long gone, such as an array
 * of blocks that were freed. What free() was given is there more often: as it
 * came, as a chunk, and in the frame of the caller.
 */
static bool freed_again(struct hs_diagnoser *g, const struct words *words,
			size_t *ret, bool *sure)
{
	const struct hs_heap *heap = g->heap;
	size_t most = 0;
	for (size_t i = 0; i < words->count; i++) {
		hs_addr user = words->word[i];
		size_t c;
		if (!hs_heap_chunk_at(heap, user - heap->layout.header, &c) ||
		    !is_state(heap->verdict, &heap->chunks[c]))
			continue;
		size_t as_chunk = occurrences(words, heap->chunks[c].addr);
		size_t n = occurrences(words, user) + as_chunk;
		if (n <= most)
			continue;
		*ret = c;
		*sure = as_chunk > 0;
		most = n;
	}
	return most > 0;
}

/*
 * A pointer that malloc never gave, and lies inside a block. SURE: both what
 * free() got and the chunk that would belong to it are there. Else it is one
 * that malloc could not give, not aligned, and the one that is there most.
 */
static bool never_given(struct hs_diagnoser *g, const struct words *words,
			hs_addr *ret, size_t *chunk, bool *sure)
{
	const struct hs_heap *heap = g->heap;
	const struct hs_layout *l = &heap->layout;
	size_t most = 1; /* once may be anything */
	*sure = false;
	for (size_t i = 0; i < words->count && !*sure; i++) {
		hs_addr user = words->word[i];
		size_t c;
		if (hs_heap_chunk_at(heap, user - l->header, &c) ||
		    hs_heap_chunk_at(heap, user, &c) ||
		    !hs_heap_find(heap, user, &c) ||
		    heap->chunks[c].state > HS_CHUNK_LARGEBIN)
			continue;
		*sure = has(words, user - l->header);
		size_t n = occurrences(words, user);
		if (!*sure && (n <= most || user % l->align == 0))
			continue;
		*ret = user;
		*chunk = c;
		most = n;
	}
	return *sure || most > 1;
}

static enum hs_status again(struct hs_diagnoser *g, size_t chunk, bool sure,
			    struct hs_error *err)
{
	struct hs_damage_item item = hs_damage_item(
		HS_CAUSE_DOUBLE_FREE,
		sure ? HS_CONFIDENCE_HIGH : HS_CONFIDENCE_MEDIUM);
	const struct hs_chunk *c = &g->heap->chunks[chunk];
	hs_addr user = c->addr + g->heap->layout.header;
	item.at_verdict = true;
	item.d.suspect_chunk = chunk;
	hs_damage_victim(g, &item, user);
	return hs_damage_add(
		g, &item, err,
		"the block 0x%" PRIx64
		" was freed once more: it is free already (%s)",
		user, hs_chunk_state_name((enum hs_chunk_state)c->state));
}

enum hs_status hs_damage_call(struct hs_diagnoser *g, struct hs_error *err)
{
	const char *verdict = g->heap->verdict;
	bool twice =
		strstr(verdict, "double free") && !strstr(verdict, "(out)");
	bool invalid = strstr(verdict, "invalid pointer") ||
		       strstr(verdict, "invalid size") ||
		       strstr(verdict, "(out)");
	struct words words;
	size_t chunk;
	hs_addr user;
	bool sure = false;
	collect(g, &words);
	if (twice && freed_again(g, &words, &chunk, &sure))
		return again(g, chunk, sure, err);
	if ((twice || invalid) &&
	    never_given(g, &words, &user, &chunk, &sure)) {
		struct hs_damage_item item = hs_damage_item(
			HS_CAUSE_INVALID_FREE,
			sure ? HS_CONFIDENCE_MEDIUM : HS_CONFIDENCE_LOW);
		hs_addr start =
			g->heap->chunks[chunk].addr + g->heap->layout.header;
		item.at_verdict = true;
		item.d.victim = user;
		item.d.victim_chunk = item.d.suspect_chunk = chunk;
		return hs_damage_add(g, &item, err,
				     "0x%" PRIx64
				     " was freed, which is %" PRIu64
				     " bytes into the block 0x%" PRIx64
				     ": malloc never gave it out",
				     user, user - start, start);
	}
	struct hs_damage_item item = hs_damage_item(
		twice     ? HS_CAUSE_DOUBLE_FREE
		: invalid ? HS_CAUSE_INVALID_FREE
			  : HS_CAUSE_OVERWRITTEN,
		twice || invalid ? HS_CONFIDENCE_MEDIUM : HS_CONFIDENCE_LOW);
	item.at_verdict = true;
	return hs_damage_add(g, &item, err,
			     "malloc gave up, and which block it was about is "
			     "not to be seen");
}
