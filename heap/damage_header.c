/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "heap/diagnosis.h"

/* How far a run of bytes is followed: what it looks like is clear by then. */
#define MAX_RUN 65536u

/*
 * Which bytes of a size field were written? Machines that we read keep the
 * lowest byte first. Who writes past the end of the block before it hits the
 * low bytes first, who writes before the start of the block behind it the high
 * ones: a size whose low bytes are right and whose high ones are not tells.
 */

static unsigned lowest_byte(uint64_t diff)
{
	unsigned n = 0;
	while (diff && !(diff & 0xff)) {
		diff >>= 8;
		n++;
	}
	return n;
}

static unsigned highest_byte(uint64_t diff)
{
	unsigned n = 0;
	while (diff >>= 8)
		n++;
	return n;
}

/* Low bytes of RAW that lead from AT to a chunk; 0: none do. */
static unsigned bytes_that_fit(struct hs_diagnoser *g, hs_addr at, uint64_t raw)
{
	const struct hs_layout *l = &g->heap->layout;
	for (unsigned n = l->word_size - 1; n >= 2; n--) {
		uint64_t low = raw & ((UINT64_C(1) << 8 * n) - 1);
		uint64_t size = low & ~(uint64_t)HS_SIZE_FLAGS;
		size_t next;
		if (low != raw && size >= l->min_size && size % l->align == 0 &&
		    hs_heap_chunk_at(g->heap, at + size, &next) &&
		    g->heap->chunks[next].state != HS_CHUNK_UNKNOWN)
			return n;
	}
	return 0;
}

/* A kind of byte that goes on: the same one again, or text. */
struct run {
	bool text;
	uint8_t byte;
};

static bool continues(struct hs_diagnoser *g, hs_addr at, const struct run *run)
{
	uint64_t byte;
	if (!hs_window_uint(&g->window, at, 1, &byte))
		return false;
	if (run->text)
		return hs_damage_is_text((uint8_t)byte);
	return byte == run->byte;
}

/* The kind that the word at PLACE is of: one byte all over, else text. */
static struct run run_at(struct hs_diagnoser *g, hs_addr place)
{
	struct run run = { .text = false };
	uint64_t byte;
	if (!hs_window_uint(&g->window, place, 1, &byte))
		return run;
	run.byte = (uint8_t)byte;
	for (unsigned i = 1; i < g->heap->word_size; i++)
		if (!continues(g, place + i, &run)) {
			run.text = hs_damage_is_text(run.byte);
			break;
		}
	return run;
}

/*
 * Does what was written to the size field at PLACE begin before it, in the
 * block that ends there? *LENGTH is how far it goes on, at least 1.
 */
static bool comes_from_before(struct hs_diagnoser *g, hs_addr place,
			      uint64_t *length)
{
	struct run run = run_at(g, place);
	uint64_t n = 1;
	while (n < MAX_RUN && continues(g, place + n, &run))
		n++;
	*length = n;
	for (unsigned i = 1; i <= g->heap->word_size; i++)
		if (!continues(g, place - i, &run))
			return false;
	return true;
}

/* Is the chunk as its own header says? Its state may not be known then, but
 * where it ends is. */
static bool is_sound(struct hs_diagnoser *g, size_t chunk)
{
	const struct hs_chunk *c = &g->heap->chunks[chunk];
	uint64_t raw;
	return c->state != HS_CHUNK_INTERNAL &&
	       hs_window_word(&g->window, c->addr + g->heap->word_size, &raw) &&
	       (raw & ~(uint64_t)HS_SIZE_FLAGS) == hs_chunk_size(c);
}

static enum hs_status past_end(struct hs_diagnoser *g,
			       struct hs_damage_item *item, size_t suspect,
			       uint64_t raw, uint64_t expected,
			       struct hs_error *err)
{
	const struct hs_heap *heap = g->heap;
	const struct hs_chunk *c = &heap->chunks[suspect];
	hs_addr place = item->d.place;
	uint64_t length, surely;
	bool continued = comes_from_before(g, place, &length);
	if (expected != HS_UNKNOWN)
		surely = highest_byte(raw ^ expected) + 1;
	else if (raw)
		surely = highest_byte(raw) + 1;
	else
		surely = heap->word_size;
	/* What goes on behind the header may be the next block's own. */
	bool goes_on = surely == heap->word_size && length > surely;
	item->d.overrun = surely;
	item->d.suspect_chunk = suspect;
	item->d.confidence = continued || surely == 1 ? HS_CONFIDENCE_HIGH
						      : HS_CONFIDENCE_MEDIUM;
	hs_damage_look(g, item, place, goes_on ? length : surely);
	char far[80] = "";
	if (goes_on)
		(void)snprintf(far, sizeof(far),
			       ", and the same goes on for %" PRIu64 " bytes",
			       length);
	bool top = item->d.victim_chunk != SIZE_MAX &&
		   heap->chunks[item->d.victim_chunk].state == HS_CHUNK_TOP;
	return hs_damage_add(
		g, item, err,
		"the block 0x%" PRIx64 " of %" PRIu64
		" bytes%s was written past its end, by at least %" PRIu64
		" byte%s, over the size of the %s behind it%s",
		(hs_addr)c->addr + heap->layout.header,
		hs_chunk_usable(heap, c),
		hs_damage_is_free(c) ? ", which is free," : "", surely,
		surely == 1 ? "" : "s", top ? "top" : "chunk", far);
}

enum hs_status hs_damage_header(struct hs_diagnoser *g, const char *code,
				hs_addr victim, uint64_t expected,
				struct hs_error *err)
{
	const struct hs_heap *heap = g->heap;
	uint64_t raw;
	if (!hs_window_word(&g->window, victim + heap->word_size, &raw))
		return HS_OK;
	struct hs_damage_item item =
		hs_damage_item(HS_CAUSE_OVERFLOW, HS_CONFIDENCE_MEDIUM);
	hs_addr user = victim + heap->layout.header;
	item.d.code = code;
	item.d.place = victim + heap->word_size;
	hs_damage_victim(g, &item, user);

	unsigned intact;
	uint64_t length;
	/* Two bytes lead to some chunk easily; not so what only goes on here.
	 */
	if (expected == HS_UNKNOWN)
		intact = comes_from_before(g, item.d.place, &length) &&
					 length >= heap->word_size
				 ? 0
				 : bytes_that_fit(g, victim, raw);
	else
		intact = raw == expected ? 0 : lowest_byte(raw ^ expected);
	if (intact >= 2) {
		item.d.cause = HS_CAUSE_UNDERFLOW;
		item.d.suspect_chunk = item.d.victim_chunk;
		item.d.overrun = heap->word_size - intact;
		item.d.place += intact;
		hs_damage_look(g, &item, item.d.place, item.d.overrun);
		return hs_damage_add(g, &item, err,
				     "the block 0x%" PRIx64
				     " was written before its start, by at "
				     "least %" PRIu64 " bytes, over its size",
				     user, item.d.overrun);
	}
	size_t before = hs_damage_before(heap, victim);
	if (before != SIZE_MAX && is_sound(g, before))
		return past_end(g, &item, before, raw, expected, err);
	item.d.cause = HS_CAUSE_OVERWRITTEN;
	item.d.confidence = HS_CONFIDENCE_LOW;
	hs_damage_look(g, &item, item.d.place, heap->word_size);
	return hs_damage_add(g, &item, err,
			     "the size of the chunk at 0x%" PRIx64
			     " was overwritten",
			     victim);
}
