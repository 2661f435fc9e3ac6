/* SPDX-License-Identifier: MIT */
#include "backends/slice_refs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/slice_file.h"
#include "backends/slice_hash.h"
#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/grow.h"
#include "core/limits.h"

static enum hs_status cut_short(struct hs_error *err)
{
	return hs_fail(err, HS_ERR_FORMAT, "its page references are cut short");
}

/* A file's name, not a way to another folder; anything else is no name. */
static enum hs_status take_name(struct hs_slice_base *b, const uint8_t *text,
				size_t len, struct hs_error *err)
{
	size_t n = strnlen((const char *)text, len);
	if (n == 0 || n == len || memchr(text, '/', n) ||
	    (n <= 2 && text[0] == '.'))
		return HS_OK;
	b->name = strndup((const char *)text, n);
	return b->name ? HS_OK : hs_fail(err, HS_ERR_NOMEM, "no memory");
}

static enum hs_status find_base(struct hs_slice *s, const uint8_t *uuid,
				const uint8_t *name, size_t name_len,
				size_t *ret, struct hs_error *err)
{
	for (size_t i = s->base_count; i-- > 0;) {
		if (memcmp(s->base[i].uuid, uuid, SLICE_UUID_LEN) == 0) {
			*ret = i;
			return HS_OK;
		}
	}
	if (memcmp(uuid, s->header.uuid, SLICE_UUID_LEN) == 0)
		return hs_fail(err, HS_ERR_FORMAT,
			       "it refers to pages of this very slice");
	if (s->base_count == HS_LIMIT_SLICE_BASES)
		return hs_fail(err, HS_ERR_LIMIT,
			       "more than %u slices are referred to",
			       HS_LIMIT_SLICE_BASES);
	enum hs_status st = hs_grow(&s->base, &s->base_capacity, s->base_count,
				    sizeof(*s->base), err);
	if (st)
		return st;
	struct hs_slice_base *b = &s->base[s->base_count];
	*b = (struct hs_slice_base){ 0 };
	st = take_name(b, name, name_len, err);
	if (st)
		return st;
	memcpy(b->uuid, uuid, SLICE_UUID_LEN);
	*ret = s->base_count++;
	return HS_OK;
}

static enum hs_status read_bases(struct hs_slice *s, struct hs_cursor *c,
				 uint32_t count, size_t *index,
				 struct hs_error *err)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *uuid = hs_cursor_bytes(c, SLICE_UUID_LEN);
		size_t len = hs_cursor_u16(c);
		(void)hs_cursor_bytes(c, 6);
		const uint8_t *name =
			hs_cursor_bytes(c, (size_t)SLICE_PAD8(len));
		if (c->overrun)
			return cut_short(err);
		enum hs_status st =
			find_base(s, uuid, name, len, &index[i], err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* Only what the region itself says it lacks may come from elsewhere. */
static enum hs_status check_states(const struct hs_slice_region *r,
				   const struct hs_slice_ref *ref, size_t count,
				   struct hs_error *err)
{
	struct hs_slice_run run = { 0 };
	bool more = hs_slice_run_next(r, &run);
	for (size_t i = 0; i < count; i++) {
		uint64_t end = ref[i].page + ref[i].count;
		while (more && run.page + run.count <= ref[i].page)
			more = hs_slice_run_next(r, &run);
		if (!more || run.state != SLICE_PAGE_FAILED ||
		    end > run.page + run.count)
			return hs_fail(err, HS_ERR_FORMAT,
				       "it refers to pages that its region "
				       "does not lack");
	}
	return HS_OK;
}

static enum hs_status read_runs(struct hs_cursor *c,
				const struct hs_slice_region *r,
				const size_t *index, uint32_t bases,
				struct hs_slice_ref *ref, uint32_t count,
				uint64_t *pages, struct hs_error *err)
{
	uint64_t end = 0, sum = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t page = hs_cursor_u64(c);
		uint64_t n = hs_cursor_u64(c);
		uint32_t base = hs_cursor_u32(c);
		(void)hs_cursor_u32(c);
		if (c->overrun)
			return cut_short(err);
		if (n == 0 || page < end || page > r->pages ||
		    n > r->pages - page || base >= bases)
			return hs_fail(err, HS_ERR_FORMAT,
				       "its reference %" PRIu32 " makes no "
				       "sense",
				       i);
		ref[i] = (struct hs_slice_ref){ page, n, index[base], NULL };
		end = page + n;
		sum += n; /* not more than the region has */
	}
	*pages = sum;
	return HS_OK;
}

enum hs_status hs_slice_refs_read(struct hs_slice *s, const uint8_t *payload,
				  size_t len, struct hs_error *err)
{
	struct hs_slice_region *r = &s->region[s->region_count - 1];
	struct hs_cursor c = { .pos = payload,
			       .end = payload + len,
			       .big_endian = s->header.big_endian };
	uint32_t bases = hs_cursor_u32(&c), runs = hs_cursor_u32(&c);
	uint64_t pages = 0;
	if (c.overrun)
		return cut_short(err);
	if (r->ref)
		return hs_fail(err, HS_ERR_FORMAT,
			       "its region has page references already");
	if (bases > HS_LIMIT_SLICE_BASES)
		return hs_fail(err, HS_ERR_LIMIT,
			       "it refers to %" PRIu32 " slices, more than %u "
			       "are not opened",
			       bases, HS_LIMIT_SLICE_BASES);
	if (runs == 0 || runs > len / SLICE_REFS_RUN_LEN)
		return cut_short(err);
	size_t index[HS_LIMIT_SLICE_BASES];
	HS_AUTO_FREE struct hs_slice_ref *ref = calloc(runs, sizeof(*ref));
	if (!ref)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	enum hs_status st = read_bases(s, &c, bases, index, err);
	if (!st)
		st = read_runs(&c, r, index, bases, ref, runs, &pages, err);
	if (!st)
		st = check_states(r, ref, runs, err);
	if (st)
		return st;
	if ((uint64_t)(c.end - c.pos) / SLICE_HASH_LEN < pages)
		return cut_short(err);
	for (uint32_t i = 0; i < runs; i++) {
		struct hs_slice_base *b = &s->base[ref[i].base];
		uint64_t bytes = ref[i].count << r->page_shift;
		ref[i].hash = hs_cursor_bytes(&c, (size_t)ref[i].count *
							  SLICE_HASH_LEN);
		b->pages += ref[i].count;
		b->bytes = bytes > UINT64_MAX - b->bytes ? UINT64_MAX
							 : b->bytes + bytes;
	}
	r->ref = HS_TAKE(ref);
	r->ref_count = runs;
	r->referenced = pages;
	return HS_OK;
}

enum hs_status hs_slice_pages_check(const struct hs_slice *s,
				    const uint8_t *pages, uint64_t count,
				    unsigned shift, const uint8_t *hash,
				    uint64_t *good, struct hs_error *err)
{
	struct hs_slice_hash *h = NULL;
	uint64_t right = 0;
	enum hs_status st = hs_slice_hash_new(s->header.hash, &h, err);
	for (uint64_t i = 0; !st && i < count; i++) {
		uint8_t now[SLICE_HASH_LEN];
		st = hs_slice_hash_bytes(h, pages + (i << shift),
					 (size_t)1 << shift, now, err);
		right += !st && memcmp(now, hash + i * SLICE_HASH_LEN,
				       SLICE_HASH_LEN) == 0;
	}
	hs_slice_hash_free(h);
	if (!st)
		*good = right;
	return st;
}
