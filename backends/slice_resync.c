/* SPDX-License-Identifier: MIT */
#include "backends/slice_resync.h"

#include <stdlib.h>
#include <string.h>

#include "backends/slice_format.h"
#include "core/cursor.h"
#include "core/grow.h"
#include "core/limits.h"

void hs_slice_marks_release(struct hs_slice_marks *marks)
{
	free(marks->mark);
	*marks = (struct hs_slice_marks){ 0 };
}

uint64_t hs_slice_length_at(const struct hs_slice *s, uint64_t at)
{
	if (s->len - at < SLICE_BLOCK_HEADER_LEN)
		return 0;
	struct hs_cursor c = { .pos = s->bytes + at + SLICE_AT_BLOCK_LENGTH,
			       .end = s->bytes + s->len,
			       .big_endian = s->header.big_endian };
	uint64_t length = hs_cursor_u32(&c);
	return length < SLICE_BLOCK_HEADER_LEN || length > s->len - at ? 0
								       : length;
}

/* The first mark at or behind AT: its index. */
static size_t mark_from(const struct hs_slice_marks *m, uint64_t at)
{
	size_t low = 0, high = m->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (m->mark[mid].offset < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Do blocks follow one another from AT on up to the end of the file? */
static bool leads_at(const struct hs_slice *s, const struct hs_slice_marks *m,
		     uint64_t at, bool unmarked)
{
	if (at == s->len)
		return true;
	size_t i = mark_from(m, at);
	if (i < m->count && m->mark[i].offset == at)
		return m->mark[i].leads;
	/* Its first letters may be what is damaged. */
	uint64_t length = unmarked ? hs_slice_length_at(s, at) : 0;
	return length > 0 && leads_at(s, m, at + length, false);
}

/* Behind End-of-Capture comes nothing of the same slice. */
static bool goes_on(const struct hs_slice *s, uint64_t at)
{
	struct hs_cursor c = { .pos = s->bytes + at + SLICE_AT_BLOCK_TYPE,
			       .end = s->bytes + s->len,
			       .big_endian = s->header.big_endian };
	return hs_cursor_u16(&c) != SLICE_BLOCK_END;
}

/* From the last to the first, so that what follows is known already. */
static void follow(const struct hs_slice *s, struct hs_slice_marks *m)
{
	bool any = false;
	for (size_t i = m->count; i-- > 0;) {
		struct hs_slice_mark *mark = &m->mark[i];
		uint64_t length = hs_slice_length_at(s, mark->offset);
		uint64_t next = mark->offset + length;
		if (length == 0) { /* of which block, nothing tells */
			mark->leads = any;
			continue;
		}
		mark->leads = goes_on(s, mark->offset)
				      ? leads_at(s, m, next, true)
				      : next == s->len;
		any |= mark->leads;
	}
}

static enum hs_status search(const struct hs_slice *s, struct hs_slice_marks *m,
			     uint64_t from, struct hs_error *err)
{
	const uint8_t *at = s->bytes + from, *end = s->bytes + s->len;
	m->searched = true;
	while ((at = memmem(at, (size_t)(end - at), SLICE_BLOCK_MAGIC,
			    SLICE_BLOCK_MAGIC_LEN))) {
		/* So many are no blocks but somebody's joke. */
		if (m->count == HS_LIMIT_SLICE_BLOCKS) {
			m->count = 0;
			return HS_OK;
		}
		enum hs_status st = hs_grow(&m->mark, &m->capacity, m->count,
					    sizeof(*m->mark), err);
		if (st)
			return st;
		m->mark[m->count++] = (struct hs_slice_mark){
			.offset = (uint64_t)(at - s->bytes)
		};
		at += SLICE_BLOCK_MAGIC_LEN;
	}
	follow(s, m);
	return HS_OK;
}

enum hs_status hs_slice_resync(const struct hs_slice *s,
			       struct hs_slice_marks *marks, uint64_t from,
			       uint64_t *ret, struct hs_error *err)
{
	enum hs_status st =
		marks->searched ? HS_OK : search(s, marks, from, err);
	if (st)
		return st;
	*ret = UINT64_MAX;
	for (size_t i = mark_from(marks, from); i < marks->count; i++)
		if (marks->mark[i].leads &&
		    hs_slice_length_at(s, marks->mark[i].offset) > 0) {
			*ret = marks->mark[i].offset;
			break;
		}
	return HS_OK;
}
