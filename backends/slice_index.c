/* SPDX-License-Identifier: MIT */
#include "backends/slice_index.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backends/slice_hash.h"
#include "backends/slice_resync.h"
#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/grow.h"
#include "core/limits.h"

enum hs_status hs_slice_say(struct hs_slice *s, enum hs_severity severity,
			    const char *code, struct hs_error *err,
			    const char *fmt, ...)
{
	char text[400];
	unsigned seen = 0;
	for (size_t i = 0; i < s->notes.count; i++)
		if (strcmp(s->notes.note[i].code, code) == 0)
			seen++;
	if (seen > HS_LIMIT_PROBLEMS_PER_CODE)
		return HS_OK;
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return hs_note_add(&s->notes, severity, code, HS_NO_ADDR, err, "%s",
			   seen < HS_LIMIT_PROBLEMS_PER_CODE
				   ? text
				   : "and so it is with more blocks");
}

static enum hs_status index_ends(struct hs_slice *s, uint64_t at,
				 struct hs_error *err)
{
	uint64_t left = s->len - at;
	if (s->end != SIZE_MAX) {
		/* What follows the end is nobody's business, unless there is
		 * something that no tool is known to leave. */
		return left == 0
			       ? HS_OK
			       : hs_slice_say(s, HS_NOTE, "slice-trailing", err,
					      "%" PRIu64
					      " bytes behind the last "
					      "block, at offset %" PRIu64
					      ", are none",
					      left, at);
	}
	s->whole = false;
	if (left == 0)
		return hs_slice_say(
			s, HS_WARNING, "slice-no-end", err,
			"the slice ends without End-of-Capture: what was "
			"to follow is missing");
	return hs_slice_say(s, HS_WARNING, "slice-truncated", err,
			    "the slice is cut or damaged at offset %" PRIu64
			    ": %" PRIu64
			    " bytes there are no block, and there is no "
			    "End-of-Capture",
			    at, left);
}

/* The header at AT; false: it is none, or what it says cannot be. */
static bool read_header(const struct hs_slice *s, uint64_t at,
			struct hs_slice_block *ret)
{
	struct hs_cursor c = { .pos = s->bytes + at,
			       .end = s->bytes + s->len,
			       .big_endian = s->header.big_endian };
	const uint8_t *magic = hs_cursor_bytes(&c, SLICE_BLOCK_MAGIC_LEN);
	bool marked = magic && memcmp(magic, SLICE_BLOCK_MAGIC,
				      SLICE_BLOCK_MAGIC_LEN) == 0;
	*ret = (struct hs_slice_block){ .offset = at };
	ret->type = hs_cursor_u16(&c);
	ret->flags = hs_cursor_u16(&c);
	ret->length = hs_cursor_u32(&c);
	ret->version = hs_cursor_u16(&c);
	return marked && hs_slice_length_at(s, at) > 0;
}

static enum hs_status add(struct hs_slice *s, const struct hs_slice_block *b,
			  struct hs_error *err)
{
	if (s->count == HS_LIMIT_SLICE_BLOCKS)
		return hs_fail(err, HS_ERR_LIMIT,
			       "'%s' has more than %u blocks", s->path,
			       HS_LIMIT_SLICE_BLOCKS);
	enum hs_status st = hs_grow(&s->block, &s->capacity, s->count,
				    sizeof(*s->block), err);
	if (st)
		return st;
	if (b->length % 8 != 0)
		s->unpadded = true;
	if (b->type == SLICE_BLOCK_END && s->end == SIZE_MAX)
		s->end = s->count;
	s->block[s->count++] = *b;
	return HS_OK;
}

static void free_hash(struct hs_slice_hash **slot)
{
	hs_slice_hash_free(*slot);
}

/* Would block B, were it LENGTH long, be what the block behind it notes? */
static bool was_as_long(const struct hs_slice *s,
			const struct hs_slice_block *b, uint64_t length)
{
	HS_CLEANUP(free_hash) struct hs_slice_hash *hash = NULL;
	const uint8_t *raw = hs_slice_block_bytes(s, b);
	uint8_t head[SLICE_BLOCK_HEADER_LEN], now[SLICE_HASH_LEN];
	if (length > UINT32_MAX)
		return false;
	memcpy(head, raw, sizeof(head));
	for (unsigned i = 0; i < 4; i++)
		head[SLICE_AT_BLOCK_LENGTH + i] =
			(uint8_t)(length >>
				  8 * (s->header.big_endian ? 3 - i : i));
	return !hs_slice_hash_new(s->header.hash, &hash, NULL) &&
	       !hs_slice_hash_update(hash, head, sizeof(head), NULL) &&
	       !hs_slice_hash_update(hash, raw + sizeof(head),
				     (size_t)length - sizeof(head), NULL) &&
	       !hs_slice_hash_final(hash, now, NULL) &&
	       memcmp(now, raw + length + SLICE_AT_PREVIOUS_HASH,
		      sizeof(now)) == 0;
}

/*
 * No block begins at AT, and one does at NEXT. Either the length of the block
 * before is damaged, or one field of the header at AT, or more: then what was
 * there is lost.
 */
static enum hs_status bridge(struct hs_slice *s, uint64_t at, uint64_t next,
			     struct hs_error *err)
{
	struct hs_slice_block b;
	s->whole = false;
	s->mended = true;
	struct hs_slice_block *last = s->count ? &s->block[s->count - 1] : NULL;
	if (next < at || (last && next < s->len &&
			  was_as_long(s, last, next - last->offset))) {
		last->length = (uint32_t)(next - last->offset);
		return hs_slice_say(s, HS_WARNING, "slice-block-header", err,
				    "the length of block %zu (offset %" PRIu64
				    ") is damaged: the next block begins at "
				    "%" PRIu64,
				    s->count - 1, last->offset, next);
	}
	bool marked = next - at >= SLICE_BLOCK_HEADER_LEN &&
		      memcmp(s->bytes + at, SLICE_BLOCK_MAGIC,
			     SLICE_BLOCK_MAGIC_LEN) == 0;
	(void)read_header(s, at, &b);
	if (next - at <= UINT32_MAX && (marked || b.length == next - at)) {
		b.length = (uint32_t)(next - at);
		enum hs_status st = hs_slice_say(
			s, HS_WARNING, "slice-block-header", err,
			"the header of block %zu (offset %" PRIu64
			") is damaged: what is left of it, and where the "
			"next begins, at %" PRIu64 ", say how to read it",
			s->count, at, next);
		return st ? st : add(s, &b, err);
	}
	return hs_slice_say(s, HS_WARNING, "slice-bytes-lost", err,
			    "%" PRIu64 " bytes at offset %" PRIu64
			    " are damaged: the blocks there are lost, and it "
			    "goes on behind them with block %zu",
			    next - at, at, s->count);
}

/* The last block, of whose header enough is left, has no next one to tell. */
static bool is_last(const struct hs_slice *s, uint64_t at)
{
	struct hs_slice_block b;
	uint64_t left = s->len - at;
	if (left < SLICE_BLOCK_HEADER_LEN || left > UINT32_MAX)
		return false;
	(void)read_header(s, at, &b);
	return b.length == left || (b.type == SLICE_BLOCK_END &&
				    memcmp(s->bytes + at, SLICE_BLOCK_MAGIC,
					   SLICE_BLOCK_MAGIC_LEN) == 0);
}

/* Behind End-of-Capture nothing is looked for. */
static enum hs_status go_on(struct hs_slice *s, struct hs_slice_marks *marks,
			    uint64_t *at, struct hs_error *err)
{
	uint64_t from = *at, next = UINT64_MAX;
	enum hs_status st = HS_OK;
	if (s->count > 0)
		from = s->block[s->count - 1].offset + SLICE_BLOCK_HEADER_LEN;
	if (s->end == SIZE_MAX) {
		st = hs_slice_resync(s, marks, from, &next, err);
		if (!st && next == UINT64_MAX && is_last(s, *at))
			next = s->len;
	}
	if (!st && next != UINT64_MAX) {
		st = bridge(s, *at, next, err);
		*at = next;
		return st;
	}
	if (!st)
		st = index_ends(s, *at, err);
	*at = UINT64_MAX;
	return st;
}

enum hs_status hs_slice_index(struct hs_slice *s, struct hs_error *err)
{
	HS_CLEANUP(hs_slice_marks_release) struct hs_slice_marks marks = { 0 };
	uint64_t at = s->header.size;
	enum hs_status st = HS_OK;
	s->end = SIZE_MAX;
	s->whole = true;
	while (!st && at != UINT64_MAX) {
		struct hs_slice_block b;
		if (read_header(s, at, &b)) {
			st = add(s, &b, err);
			at += b.length;
		} else {
			st = go_on(s, &marks, &at, err);
		}
	}
	return st;
}
