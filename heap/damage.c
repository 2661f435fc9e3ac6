/* SPDX-License-Identifier: MIT */
#include "heap/diagnosis.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"

const char *hs_cause_name(enum hs_cause cause)
{
	static const char *const words[] = {
#define X(id, word) [HS_CAUSE_##id] = word,
		HS_CAUSES(X)
#undef X
	};
	return (size_t)cause < HS_CAUSE_COUNT ? words[cause] : "overwritten";
}

const char *hs_look_name(enum hs_look look)
{
	static const char *const words[] = { "none",     "text",    "zeroes",
					     "repeated", "pointer", "binary" };
	return (size_t)look < 6 ? words[look] : "none";
}

size_t hs_damage_before(const struct hs_heap *heap, hs_addr addr)
{
	size_t lo = 0, hi = heap->chunk_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (heap->chunks[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return SIZE_MAX;
	const struct hs_chunk *c = &heap->chunks[lo - 1];
	return c->addr + hs_chunk_size(c) == addr ? lo - 1 : SIZE_MAX;
}

struct hs_damage_item hs_damage_item(enum hs_cause cause,
				     enum hs_confidence confidence)
{
	return (struct hs_damage_item){
		.d = { .cause = cause,
		       .confidence = confidence,
		       .place = HS_NO_ADDR,
		       .victim = HS_NO_ADDR,
		       .victim_chunk = SIZE_MAX,
		       .suspect_chunk = SIZE_MAX,
		       .overrun = HS_UNKNOWN,
		       .bytes = HS_NO_ADDR },
		.list = UINT32_MAX,
		.tcache = HS_NO_ADDR,
		.arena = HS_NO_ARENA,
	};
}

void hs_damage_victim(struct hs_diagnoser *g, struct hs_damage_item *item,
		      hs_addr user)
{
	size_t i;
	item->d.victim = user;
	if (hs_heap_chunk_at(g->heap, user - g->heap->layout.header, &i) ||
	    hs_heap_find(g->heap, user, &i))
		item->d.victim_chunk = i;
}

void hs_damage_look(struct hs_diagnoser *g, struct hs_damage_item *item,
		    hs_addr at, uint64_t length)
{
	uint64_t text = 0, same = 0, first = 0, n;
	for (n = 0; n < length; n++) {
		uint64_t byte;
		if (!hs_window_uint(&g->window, at + n, 1, &byte))
			break;
		if (n == 0)
			first = byte;
		text += hs_damage_is_text((uint8_t)byte);
		same += byte == first;
	}
	if (n == 0)
		return;
	item->d.bytes = at;
	item->d.length = n;
	uint64_t word;
	if (same == n && first == 0)
		item->d.look = HS_LOOK_ZEROES;
	else if (text == n && (same < n || n == 1))
		item->d.look = HS_LOOK_TEXT;
	else if (same == n)
		item->d.look = HS_LOOK_REPEATED;
	else if (n >= g->heap->word_size &&
		 hs_window_word(&g->window, at, &word) &&
		 hs_target_find_map(g->target, word))
		item->d.look = HS_LOOK_POINTER;
	else
		item->d.look = HS_LOOK_BINARY;
}

enum hs_status hs_damage_add(struct hs_diagnoser *g,
			     const struct hs_damage_item *item,
			     struct hs_error *err, const char *fmt, ...)
{
	struct hs_damage *damage = g->damage;
	for (size_t i = 0; i < damage->count; i++) {
		struct hs_diagnosis *d = &damage->item[i].d;
		if ((item->d.suspect_chunk != SIZE_MAX &&
		     item->d.suspect_chunk == d->suspect_chunk) ||
		    (item->d.victim != HS_NO_ADDR &&
		     item->d.victim == d->victim)) {
			d->findings++;
			return HS_OK;
		}
	}
	enum hs_status st = hs_grow(&damage->item, &damage->capacity,
				    damage->count, sizeof(*item), err);
	if (st)
		return st;
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	char *message = strdup(text);
	if (!message)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	struct hs_damage_item *slot = &damage->item[damage->count++];
	*slot = *item;
	slot->message = message;
	slot->d.message = message;
	slot->d.findings = 1;
	return HS_OK;
}

/* ---- one finding after the other ---- */

static bool has_lists(const struct hs_heap *heap)
{
	const uint64_t *count = heap->findings.count;
	return count[HS_FINDING_CLAIMED_TWICE] || count[HS_FINDING_LIST_LINK] ||
	       count[HS_FINDING_LIST_CYCLE] ||
	       count[HS_FINDING_LIST_MISALIGNED] ||
	       count[HS_FINDING_LIST_OUTSIDE] ||
	       count[HS_FINDING_LIST_NO_CHUNK] || count[HS_FINDING_LIST_SIZE] ||
	       count[HS_FINDING_TCACHE_COUNT];
}

/* A size field that does not lead to the next chunk. What it should be is
 * known when the chunk was found again behind it. */
static enum hs_status chunk_size(struct hs_diagnoser *g, const char *code,
				 hs_addr at, struct hs_error *err)
{
	size_t i;
	uint64_t expected = HS_UNKNOWN;
	/* No wonder that it leads nowhere: the header before was hit. */
	size_t liar = hs_damage_before(g->heap, at);
	for (i = 0; liar != SIZE_MAX && i < g->damage->count; i++) {
		struct hs_diagnosis *d = &g->damage->item[i].d;
		if (d->victim_chunk == liar && d->suspect_chunk != liar) {
			d->findings++;
			return HS_OK;
		}
	}
	if (hs_heap_chunk_at(g->heap, at, &i) &&
	    g->heap->chunks[i].state != HS_CHUNK_UNKNOWN) {
		const struct hs_chunk *c = &g->heap->chunks[i];
		size_t before = hs_damage_before(g->heap, at);
		expected = hs_chunk_size(c) | (c->flags & HS_NON_MAIN);
		if (before == SIZE_MAX ||
		    g->heap->chunks[before].state <= HS_CHUNK_FASTBIN)
			expected |= HS_PREV_INUSE;
	}
	return hs_damage_header(g, code, at, expected, err);
}

/* Is a chunk that no list knows what a broken list has lost? Then its diagnosis
 * explains this one, too. */
static bool lost_by_list(struct hs_diagnoser *g, size_t chunk)
{
	const struct hs_region *r = hs_heap_region_of(g->heap, chunk);
	for (size_t i = 0; i < g->damage->count; i++) {
		struct hs_damage_item *item = &g->damage->item[i];
		if (item->arena != HS_NO_ARENA && item->arena == r->arena) {
			item->d.findings++;
			return true;
		}
	}
	return false;
}

/*
 * The chunk at AT is in use, and the next one's header says that it is free:
 * PREV_INUSE was cleared, which is what a zero behind the end of a string does.
 * In the old chunk's last word there may stand a forged size.
 */
static enum hs_status unlisted(struct hs_diagnoser *g, const char *code,
			       hs_addr at, struct hs_error *err)
{
	const struct hs_heap *heap = g->heap;
	size_t i;
	uint64_t raw, prev_size;
	if (!hs_heap_chunk_at(heap, at, &i))
		return HS_OK;
	const struct hs_chunk *c = &heap->chunks[i];
	hs_addr next = at + hs_chunk_size(c);
	if (hs_window_word(&g->window, next, &prev_size) &&
	    prev_size == hs_chunk_size(c) && lost_by_list(g, i))
		return HS_OK;
	if (!hs_window_word(&g->window, next + heap->word_size, &raw))
		return HS_OK;
	size_t n;
	uint64_t expected = raw | HS_PREV_INUSE;
	if (hs_heap_chunk_at(heap, next, &n) &&
	    heap->chunks[n].state != HS_CHUNK_UNKNOWN)
		expected = hs_chunk_size(&heap->chunks[n]) |
			   (raw & HS_NON_MAIN) | HS_PREV_INUSE;
	return hs_damage_header(g, code, next, expected, err);
}

static enum hs_status prev_size(struct hs_diagnoser *g, const char *code,
				hs_addr at, struct hs_error *err)
{
	struct hs_damage_item item =
		hs_damage_item(HS_CAUSE_USE_AFTER_FREE, HS_CONFIDENCE_MEDIUM);
	size_t f = hs_damage_before(g->heap, at);
	if (f == SIZE_MAX)
		return HS_OK;
	hs_addr user = g->heap->chunks[f].addr + g->heap->layout.header;
	item.d.code = code;
	item.d.place = at;
	item.d.suspect_chunk = f;
	hs_damage_victim(g, &item, user);
	hs_damage_look(g, &item, at, g->heap->word_size);
	return hs_damage_add(g, &item, err,
			     "the last word of the free block 0x%" PRIx64
			     ", where malloc keeps its size, was overwritten "
			     "after it had been freed",
			     user);
}

static enum hs_status somehow(struct hs_diagnoser *g, const char *code,
			      hs_addr at, struct hs_error *err)
{
	struct hs_damage_item item =
		hs_damage_item(HS_CAUSE_OVERWRITTEN, HS_CONFIDENCE_LOW);
	size_t i;
	item.d.code = code;
	item.d.place = at;
	if (hs_heap_find(g->heap, at, &i))
		hs_damage_victim(g, &item,
				 g->heap->chunks[i].addr +
					 g->heap->layout.header);
	return hs_damage_add(
		g, &item, err,
		"what malloc keeps at 0x%" PRIx64 " was overwritten", at);
}

static enum hs_status in_use(struct hs_diagnoser *g, const char *code,
			     hs_addr at, struct hs_error *err)
{
	size_t i;
	if (!hs_heap_chunk_at(g->heap, at, &i))
		return HS_OK;
	struct hs_damage_item item =
		hs_damage_item(HS_CAUSE_USE_AFTER_FREE, HS_CONFIDENCE_LOW);
	hs_addr user = at + g->heap->layout.header;
	item.d.code = code;
	item.d.suspect_chunk = i;
	item.d.place =
		at + hs_chunk_size(&g->heap->chunks[i]) + g->heap->word_size;
	hs_damage_victim(g, &item, user);
	return hs_damage_add(g, &item, err,
			     "the block 0x%" PRIx64 " is on a list of free "
			     "ones and marked in use behind its end: the list, "
			     "or the mark, was overwritten",
			     user);
}

/* In two rounds: a header that was hit explains what comes behind it. */
static enum hs_status diagnose(struct hs_diagnoser *g,
			       const struct hs_note *note, bool first_round,
			       struct hs_error *err)
{
	enum hs_finding finding = hs_finding_of(note->code);
	if (note->addr == HS_NO_ADDR || note->severity != HS_DAMAGE ||
	    first_round != (finding == HS_FINDING_FREE_UNLISTED))
		return HS_OK;
	switch (finding) {
	case HS_FINDING_CHUNK_SIZE:
	case HS_FINDING_TOP_SIZE:
		return chunk_size(g, note->code, note->addr, err);
	case HS_FINDING_PREV_SIZE:
		return prev_size(g, note->code, note->addr, err);
	case HS_FINDING_FREE_UNLISTED:
		return unlisted(g, note->code, note->addr, err);
	case HS_FINDING_LISTED_IN_USE:
		return in_use(g, note->code, note->addr, err);
	case HS_FINDING_ARENA_RING:
	case HS_FINDING_HEAP_CHAIN:
		return somehow(g, note->code, note->addr, err);
	default:
		return HS_OK; /* lists: those were looked at as a whole */
	}
}

/* ---- all of them ---- */

static int surest_first(const void *a, const void *b)
{
	const struct hs_damage_item *x = a, *y = b;
	if (x->at_verdict != y->at_verdict)
		return x->at_verdict ? -1 : 1;
	if (x->d.confidence != y->d.confidence)
		return x->d.confidence > y->d.confidence ? -1 : 1;
	if (x->d.place != y->d.place)
		return x->d.place < y->d.place ? -1 : 1;
	return x->d.victim < y->d.victim ? -1 : x->d.victim > y->d.victim;
}

/* The mark of cached chunks (2.29 and later): what most of them carry. */
static void find_key(struct hs_diagnoser *g)
{
	const struct hs_heap *heap = g->heap;
	unsigned votes = 0;
	for (size_t i = 0; i < heap->chunk_count; i++) {
		const struct hs_chunk *c = &heap->chunks[i];
		uint64_t word;
		if (c->state != HS_CHUNK_TCACHE ||
		    !hs_window_word(&g->window,
				    c->addr + heap->layout.header +
					    heap->word_size,
				    &word))
			continue;
		/* Boyer and Moore's majority vote */
		if (votes == 0)
			g->key = word;
		votes = word == g->key ? votes + 1 : votes - 1;
	}
	g->key_known = votes > 1 && g->key != 0;
}

static enum hs_status run(struct hs_diagnoser *g, struct hs_error *err)
{
	const struct hs_note_list *notes = &g->heap->findings.list;
	const struct hs_heap *heap = g->heap;
	enum hs_status st = HS_OK;
	if (has_lists(heap)) {
		find_key(g);
		st = hs_damage_lists(g, err);
	}
	for (size_t i = 0; !st && i < notes->count; i++)
		st = diagnose(g, &notes->note[i], true, err);
	for (size_t i = 0; !st && i < notes->count; i++)
		st = diagnose(g, &notes->note[i], false, err);
	if (st || !heap->verdict_about_heap)
		return st;
	if (g->damage->count == 0)
		return hs_damage_call(g, err);
	for (size_t i = 0; i < g->damage->count; i++) {
		struct hs_damage_item *item = &g->damage->item[i];
		item->at_verdict = hs_damage_in_hand(g, item->d.victim_chunk) ||
				   hs_damage_in_hand(g, item->d.suspect_chunk);
	}
	return HS_OK;
}

enum hs_status hs_damage_diagnose(struct hs_target *target,
				  const struct hs_heap *heap,
				  struct hs_damage **ret, struct hs_error *err)
{
	struct hs_diagnoser g = { .target = target, .heap = heap };
	g.damage = calloc(1, sizeof(*g.damage));
	if (!g.damage)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	hs_window_init(&g.window, target);
	enum hs_status st = run(&g, err);
	if (!st && g.window.failed)
		st = hs_fail_at(err, g.window.failed, g.window.failed_at,
				"the target's memory at 0x%" PRIx64
				" could not be read",
				g.window.failed_at);
	if (st) {
		hs_damage_free(g.damage);
		return st;
	}
	if (g.damage->count > 1)
		qsort(g.damage->item, g.damage->count, sizeof(*g.damage->item),
		      surest_first);
	*ret = g.damage;
	return HS_OK;
}

void hs_damage_free(struct hs_damage *damage)
{
	if (!damage)
		return;
	for (size_t i = 0; i < damage->count; i++)
		free(damage->item[i].message);
	free(damage->item);
	free(damage);
}

size_t hs_damage_count(const struct hs_damage *damage)
{
	return damage->count;
}

void hs_damage_at(const struct hs_damage *damage, size_t i,
		  struct hs_diagnosis *ret)
{
	*ret = damage->item[i].d;
}
