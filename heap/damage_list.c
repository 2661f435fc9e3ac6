/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "heap/diagnosis.h"
#include "heap/linked.h"

/*
 * Lists are walked a second time, now that every chunk is known. What comes
 * behind the first break in a list says nothing: only the break is diagnosed.
 */

static bool misaligned(const struct hs_layout *l, hs_addr chunk)
{
	return (chunk + l->header) % l->align != 0;
}

static struct hs_damage_item item_of(const struct hs_list *list, uint32_t index,
				     enum hs_cause cause,
				     enum hs_confidence confidence,
				     enum hs_finding finding)
{
	static const char *const codes[] = {
#define X(id, severity, word) [HS_FINDING_##id] = word,
		HS_FINDINGS(X)
#undef X
	};
	struct hs_damage_item item = hs_damage_item(cause, confidence);
	item.d.code = codes[finding];
	item.list = index;
	if (list->state == HS_CHUNK_TCACHE)
		item.tcache = list->addr;
	else
		item.arena = list->owner;
	return item;
}

/* The link in chunk VIA, which is free, was overwritten. */
static enum hs_status overwritten_link(struct hs_diagnoser *g,
				       struct hs_damage_item *item, size_t via,
				       hs_addr place, const char *which,
				       struct hs_error *err)
{
	const struct hs_heap *heap = g->heap;
	hs_addr user = heap->chunks[via].addr + heap->layout.header;
	item->d.cause = HS_CAUSE_USE_AFTER_FREE;
	item->d.place = place;
	item->d.suspect_chunk = via;
	hs_damage_victim(g, item, user);
	hs_damage_look(g, item, place, heap->word_size);
	return hs_damage_add(g, item, err,
			     "the block 0x%" PRIx64
			     " was written to after it had been freed: its "
			     "link to the %s free one is broken",
			     user, which);
}

/* The head of a list, in the arena or in the tcache structure. */
static enum hs_status overwritten_head(struct hs_diagnoser *g,
				       struct hs_damage_item *item,
				       hs_addr place, struct hs_error *err)
{
	char name[96];
	hs_list_name(g->heap, item->list, name, sizeof(name));
	item->d.confidence = HS_CONFIDENCE_LOW;
	item->d.place = place;
	if (item->d.cause == HS_CAUSE_USE_AFTER_FREE) {
		/* Taking a block off puts its link here, unseen. */
		hs_damage_look(g, item, place, g->heap->word_size);
		return hs_damage_add(
			g, item, err,
			"%s leads to where no chunk can be: a block that was "
			"written to after it had been freed has since been "
			"handed out from it, or its head was overwritten",
			name);
	}
	size_t i;
	if (hs_heap_find(g->heap, place, &i))
		hs_damage_victim(g, item,
				 g->heap->chunks[i].addr +
					 g->heap->layout.header);
	hs_damage_look(g, item, place, g->heap->word_size);
	return hs_damage_add(g, item, err, "the head of %s was overwritten",
			     name);
}

/* ---- tcaches and fastbins ---- */

struct single {
	hs_addr head;      /* where its first pointer stands */
	unsigned to_chunk; /* bytes from a chunk to where pointers point */
	uint64_t size;     /* of every chunk; 0: any */
};

static bool single_of(const struct hs_heap *heap, const struct hs_list *list,
		      struct single *ret)
{
	const struct hs_layout *l = &heap->layout;
	bool tcache = list->state == HS_CHUNK_TCACHE;
	enum hs_field field =
		tcache ? HS_FIELD_TCACHE_ENTRIES : HS_FIELD_ARENA_FASTBINS;
	if (!hs_layout_has(l, field))
		return false;
	ret->head = list->addr + l->field[field].offset +
		    list->index * l->word_size;
	ret->to_chunk = tcache ? l->header : 0;
	if (!tcache)
		ret->size = (list->index + UINT64_C(2))
			    << (l->word_size == 8 ? 4 : 3);
	else if (list->index < HS_TCACHE_SMALL_BINS)
		ret->size = l->min_size + list->index * (uint64_t)l->align;
	else
		ret->size = 0;
	return true;
}

static enum hs_status freed_twice(struct hs_diagnoser *g,
				  struct hs_damage_item *item, size_t chunk,
				  const char *how, struct hs_error *err)
{
	hs_addr user = g->heap->chunks[chunk].addr + g->heap->layout.header;
	item->d.cause = HS_CAUSE_DOUBLE_FREE;
	item->d.confidence = HS_CONFIDENCE_HIGH;
	item->d.suspect_chunk = chunk;
	hs_damage_victim(g, item, user);
	return hs_damage_add(
		g, item, err,
		"the block 0x%" PRIx64 " was freed twice: it is %s", user, how);
}

/* The list leads to CHUNK, where none begins. Was that freed, or was the link
 * overwritten that leads there? */
static enum hs_status leads_to_none(struct hs_diagnoser *g,
				    struct hs_damage_item *item,
				    const struct hs_list *list, hs_addr chunk,
				    size_t via, hs_addr link,
				    struct hs_error *err)
{
	const struct hs_heap *heap = g->heap;
	hs_addr user = chunk + heap->layout.header;
	uint64_t key;
	bool marked =
		list->state == HS_CHUNK_TCACHE &&
		hs_window_word(&g->window, user + heap->word_size, &key) &&
		((g->key_known && key == g->key) || key == list->addr);
	if (via != SIZE_MAX && !marked)
		return overwritten_link(g, item, via, link, "next", err);
	item->d.cause = HS_CAUSE_INVALID_FREE;
	item->d.confidence = marked ? HS_CONFIDENCE_HIGH : HS_CONFIDENCE_MEDIUM;
	hs_damage_victim(g, item, user);
	item->d.suspect_chunk = item->d.victim_chunk;
	if (item->d.suspect_chunk == SIZE_MAX)
		return hs_damage_add(g, item, err,
				     "0x%" PRIx64 " was freed, which is not "
				     "in the heap: malloc never gave it out",
				     user);
	hs_addr start =
		heap->chunks[item->d.suspect_chunk].addr + heap->layout.header;
	return hs_damage_add(g, item, err,
			     "0x%" PRIx64 " was freed, which is %" PRIu64
			     " bytes into the block 0x%" PRIx64
			     ": malloc never gave it out",
			     user, user - start, start);
}

static enum hs_status single(struct hs_diagnoser *g, uint32_t index,
			     struct hs_error *err)
{
	const struct hs_heap *heap = g->heap;
	const struct hs_layout *l = &heap->layout;
	const struct hs_list *list = &heap->lists[index];
	struct single s;
	uint64_t pointer, raw;
	if (!single_of(heap, list, &s) ||
	    !hs_window_word(&g->window, s.head, &pointer))
		return HS_OK;
	hs_addr link = s.head, mark = HS_NO_ADDR;
	size_t via = SIZE_MAX;
	/* As many as there are chunks, or it comes round again. */
	for (uint64_t n = 0, next_mark = 1; pointer != 0; n++) {
		hs_addr chunk = pointer - s.to_chunk;
		size_t i;
		struct hs_damage_item item =
			item_of(list, index, HS_CAUSE_USE_AFTER_FREE,
				HS_CONFIDENCE_HIGH, HS_FINDING_LIST_MISALIGNED);
		bool known = hs_heap_chunk_at(heap, chunk, &i);
		if (known && (chunk == mark || n > heap->chunk_count)) {
			item.d.code = "list-cycle";
			return freed_twice(g, &item, i,
					   "on its list more than once", err);
		}
		if (n == next_mark) {
			mark = chunk;
			next_mark *= 2;
		}
		if (misaligned(l, chunk) ||
		    !hs_window_word(&g->window, chunk + l->word_size, &raw)) {
			if (!misaligned(l, chunk))
				item.d.code = "list-entry-outside-heap";
			if (!misaligned(l, chunk) &&
			    g->window.why == HS_ERR_NOT_CAPTURED)
				return HS_OK;
			return via == SIZE_MAX
				       ? overwritten_head(g, &item, link, err)
				       : overwritten_link(g, &item, via, link,
							  "next", err);
		}
		if (!known) {
			item.d.code = "list-entry-is-no-chunk";
			return leads_to_none(g, &item, list, chunk, via, link,
					     err);
		}
		const struct hs_chunk *c = &heap->chunks[i];
		uint64_t size = raw & ~(uint64_t)HS_SIZE_FLAGS;
		if (c->list && (uint32_t)c->list - 1 != index) {
			item.d.code = "chunk-on-two-lists";
			return freed_twice(g, &item, i,
					   "on two lists of free ones", err);
		}
		if (s.size && size != s.size) {
			if (c->state == HS_CHUNK_UNKNOWN ||
			    hs_chunk_size(c) != size)
				return hs_damage_header(
					g, "list-entry-of-wrong-size", chunk,
					s.size | (raw & HS_NON_MAIN) |
						HS_PREV_INUSE,
					err);
			item.d.confidence = HS_CONFIDENCE_LOW;
			item.d.code = "list-entry-of-wrong-size";
			return via == SIZE_MAX
				       ? overwritten_head(g, &item, link, err)
				       : overwritten_link(g, &item, via, link,
							  "next", err);
		}
		via = i;
		link = chunk + l->header;
		if (!hs_window_word(&g->window, link, &raw))
			return HS_OK;
		pointer = heap->safe_linking ? hs_link_reveal(raw, link) : raw;
		if (l->word_size == 4)
			pointer &= UINT32_MAX;
	}
	return HS_OK;
}

/* ---- bins ---- */

static enum hs_status doubly(struct hs_diagnoser *g, uint32_t index,
			     struct hs_error *err)
{
	const struct hs_heap *heap = g->heap;
	const struct hs_layout *l = &heap->layout;
	const struct hs_list *list = &heap->lists[index];
	unsigned fd = 2 * l->word_size, bk = 3 * l->word_size;
	hs_addr head = list->addr + l->field[HS_FIELD_ARENA_BINS].offset +
		       (list->index - 1u) * l->header - l->header;
	hs_addr before = head;
	size_t via = SIZE_MAX;
	uint64_t at, back, onward;
	if (!hs_window_word(&g->window, head + fd, &at))
		return HS_OK;
	for (uint64_t n = 0; at != head && n <= heap->chunk_count; n++) {
		struct hs_damage_item item =
			item_of(list, index, HS_CAUSE_USE_AFTER_FREE,
				HS_CONFIDENCE_HIGH, HS_FINDING_LIST_LINK);
		size_t i;
		if (!hs_heap_chunk_at(heap, at, &i)) {
			if (via != SIZE_MAX)
				return overwritten_link(g, &item, via,
							before + fd, "next",
							err);
			item.d.cause = HS_CAUSE_OVERWRITTEN;
			return overwritten_head(g, &item, head + fd, err);
		}
		if (!hs_window_word(&g->window, at + bk, &back))
			return HS_OK;
		/* Put on the list while it was its first: then it follows, or
		 * precedes, itself. */
		if (back == at ||
		    (hs_window_word(&g->window, at + fd, &onward) &&
		     onward == at))
			return freed_twice(g, &item, i, "linked to itself",
					   err);
		/* A tcache has it as well, and overwrote the links. */
		const struct hs_chunk *c = &heap->chunks[i];
		if (back != before && c->list &&
		    (uint32_t)c->list - 1 != index &&
		    (c->state == HS_CHUNK_TCACHE ||
		     c->state == HS_CHUNK_FASTBIN)) {
			item.d.code = "chunk-on-two-lists";
			return freed_twice(g, &item, i,
					   "on two lists of free ones", err);
		}
		if (back != before) {
			/* Does the one it names know it? Then it is the one
			 * before that has lost its way. */
			bool rightly =
				back != head &&
				hs_heap_chunk_at(heap, back, &(size_t){ 0 }) &&
				hs_window_word(&g->window, back + fd,
					       &onward) &&
				onward == at;
			if (rightly && via != SIZE_MAX)
				return overwritten_link(g, &item, via,
							before + fd, "next",
							err);
			return overwritten_link(g, &item, i, at + bk,
						"previous", err);
		}
		via = i;
		before = at;
		if (!hs_window_word(&g->window, at + fd, &at))
			return HS_OK;
	}
	/* Forward all is well; the way back may still be broken at the head. */
	if (at == head && hs_window_word(&g->window, head + bk, &back) &&
	    back != before) {
		struct hs_damage_item item =
			item_of(list, index, HS_CAUSE_OVERWRITTEN,
				HS_CONFIDENCE_LOW, HS_FINDING_LIST_LINK);
		return overwritten_head(g, &item, head + bk, err);
	}
	return HS_OK;
}

enum hs_status hs_damage_lists(struct hs_diagnoser *g, struct hs_error *err)
{
	const struct hs_heap *heap = g->heap;
	for (size_t i = 0; i < heap->list_count; i++) {
		uint8_t state = heap->lists[i].state;
		enum hs_status st =
			state == HS_CHUNK_TCACHE || state == HS_CHUNK_FASTBIN
				? single(g, (uint32_t)i, err)
				: doubly(g, (uint32_t)i, err);
		if (st)
			return st;
	}
	return HS_OK;
}
