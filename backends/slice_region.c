/* SPDX-License-Identifier: MIT */
#include "backends/slice_region.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/limits.h"

static uint8_t shift_of(uint64_t size)
{
	uint8_t shift = 0;
	while (size > 1 && size % 2 == 0) {
		size /= 2;
		shift++;
	}
	return size == 1 ? shift : 0;
}

static enum hs_status parse_fixed(const uint8_t *payload, size_t len,
				  bool big_endian, bool legacy,
				  struct hs_slice_region *r,
				  struct hs_error *err)
{
	struct hs_cursor c = { .pos = payload,
			       .end = payload + len,
			       .big_endian = big_endian };
	r->base = hs_cursor_u64(&c);
	r->size = hs_cursor_u64(&c);
	r->protection = (uint8_t)hs_cursor_uint(&c, 1);
	r->type = (uint8_t)hs_cursor_uint(&c, 1);
	if (legacy) {
		r->page_shift = shift_of(hs_cursor_u16(&c));
		(void)hs_cursor_u32(&c); /* pages: the size says it too */
	} else {
		r->page_shift = (uint8_t)hs_cursor_uint(&c, 1);
		(void)hs_cursor_bytes(&c, 5);
	}
	r->timestamp = hs_cursor_u64(&c);
	if (c.overrun)
		return hs_fail(err, HS_ERR_FORMAT,
			       "a region of %zu bytes is cut short", len);
	if (r->page_shift < SLICE_PAGE_SHIFT_MIN ||
	    r->page_shift > SLICE_PAGE_SHIFT_MAX)
		return hs_fail(err, HS_ERR_FORMAT,
			       "the region at 0x%" PRIx64
			       " has pages of 2^%u bytes; 2^%u to 2^%u are "
			       "possible",
			       r->base, r->page_shift, SLICE_PAGE_SHIFT_MIN,
			       SLICE_PAGE_SHIFT_MAX);
	if (r->size == 0 || r->size > UINT64_MAX - r->base)
		return hs_fail(err, HS_ERR_FORMAT,
			       "a region of %" PRIu64 " bytes at 0x%" PRIx64
			       " is impossible",
			       r->size, r->base);
	uint64_t mask = ((uint64_t)1 << r->page_shift) - 1;
	r->pages = (r->size >> r->page_shift) + ((r->size & mask) != 0);
	if (r->pages > HS_LIMIT_SLICE_PAGES)
		return hs_fail(err, HS_ERR_LIMIT,
			       "the region at 0x%" PRIx64 " claims %" PRIu64
			       " pages, more than %" PRIu64 " are not read",
			       r->base, r->pages, HS_LIMIT_SLICE_PAGES);
	return HS_OK;
}

static unsigned state_of(const uint8_t *map, uint64_t page)
{
	/* The first page of a byte is in its highest bits: all who write or
	 * read slices agree, though the specification does not say. */
	unsigned state = (unsigned)map[page / 4] >> (6 - page % 4 * 2) & 3u;
	return state == SLICE_PAGE_RESERVED ? SLICE_PAGE_FAILED : state;
}

/* Pages from PAGE on, at most up to END, that are in the same state. */
static uint64_t alike(const uint8_t *map, uint64_t page, uint64_t end,
		      unsigned state)
{
	static const uint8_t whole[] = { 0x00, 0x55, 0xaa };
	uint64_t at = page;
	while (at < end) {
		if (at % 4 == 0 && end - at >= 4 && map[at / 4] == whole[state])
			at += 4;
		else if (state_of(map, at) == state)
			at++;
		else
			break;
	}
	return at - page;
}

bool hs_slice_run_next(const struct hs_slice_region *r,
		       struct hs_slice_run *run)
{
	uint64_t page = run->page + run->count;
	uint64_t data = run->data;
	if (page >= r->pages)
		return false;
	if (run->count == 0)
		data = r->data;
	else if (run->state == SLICE_PAGE_CAPTURED)
		data += run->count << r->page_shift;
	unsigned state = state_of(r->map, page);
	uint64_t count = alike(r->map, page, r->pages, state);
	*run = (struct hs_slice_run){ page, count, state, data };
	if (state != SLICE_PAGE_CAPTURED)
		return true;
	/* What the file lacks of them failed, whatever their state says. */
	uint64_t there = r->packed.size > data
				 ? (r->packed.size - data) >> r->page_shift
				 : 0;
	if (there == 0)
		run->state = SLICE_PAGE_FAILED;
	else if (there < count)
		run->count = there;
	return true;
}

static void count_pages(struct hs_slice_region *r)
{
	uint64_t claimed = 0;
	for (uint64_t page = 0; page < r->pages;) {
		unsigned state = state_of(r->map, page);
		uint64_t n = alike(r->map, page, r->pages, state);
		if (state == SLICE_PAGE_CAPTURED)
			claimed += n;
		else if (state == SLICE_PAGE_FAILED)
			r->failed += n;
		else
			r->unmapped += n;
		page += n;
	}
	uint64_t bytes = r->packed.size - r->data;
	uint64_t there = bytes >> r->page_shift;
	r->captured = claimed < there ? claimed : there;
	r->missing = claimed - r->captured;
	r->failed += r->missing;
	uint64_t behind = bytes - (r->captured << r->page_shift);
	if (r->missing == 0 && behind > 7 && r->packed.size_known)
		r->extra = behind;
}

static enum hs_status cut_short(uint64_t base, struct hs_error *err)
{
	return hs_fail(err, HS_ERR_FORMAT,
		       "the region at 0x%" PRIx64
		       " is cut within its map of page states",
		       base);
}

enum hs_status hs_slice_region_parse(const struct hs_slice_packed *packed,
				     bool big_endian, bool legacy,
				     struct hs_slice_region *ret,
				     struct hs_error *err)
{
	struct hs_slice_region r = { .packed = *packed };
	uint8_t fixed[SLICE_REGION_LEN];
	size_t got;
	enum hs_status st =
		hs_slice_unpack(packed, fixed, sizeof(fixed), &got, err);
	if (!st)
		st = parse_fixed(fixed, got, big_endian, legacy, &r, err);
	if (st)
		return st;
	size_t map_len = (size_t)SLICE_PAD8((r.pages + 3) / 4);
	r.data = SLICE_REGION_LEN + map_len;
	if (r.data > packed->size)
		return cut_short(r.base, err);
	if (packed->codec == HS_SLICE_STORED) {
		r.map = packed->bytes + SLICE_REGION_LEN;
		count_pages(&r);
		*ret = r;
		return HS_OK;
	}
	HS_AUTO_FREE uint8_t *head = malloc((size_t)r.data);
	if (!head)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	st = hs_slice_unpack(packed, head, (size_t)r.data, &got, err);
	if (st)
		return st;
	if (got < r.data)
		return cut_short(r.base, err);
	memmove(head, head + SLICE_REGION_LEN, map_len);
	r.map_copy = HS_TAKE(head);
	r.map = r.map_copy;
	count_pages(&r);
	*ret = r;
	return HS_OK;
}

void hs_slice_region_release(struct hs_slice_region *region)
{
	free(region->map_copy);
	free(region->ref);
	region->map_copy = NULL;
	region->ref = NULL;
}

uint64_t hs_slice_region_room(const struct hs_slice_region *r)
{
	if (r->packed.codec == HS_SLICE_STORED)
		return 0;
	uint64_t need = r->data + (r->captured << r->page_shift);
	/* With the padding, if it is no more: all at once is faster. */
	return r->packed.size_known && r->packed.size - need < 8
		       ? r->packed.size
		       : need;
}

enum hs_status hs_slice_region_unpack_to(const struct hs_slice_region *r,
					 uint8_t *out, struct hs_error *err)
{
	size_t room = (size_t)hs_slice_region_room(r), got;
	enum hs_status st = hs_slice_unpack(&r->packed, out, room, &got, err);
	if (!st && got < room)
		st = hs_fail(err, HS_ERR_FORMAT,
			     "the region at 0x%" PRIx64
			     " unpacks to %zu bytes, not %zu",
			     r->base, got, room);
	return st;
}

enum hs_status hs_slice_buffer_new(struct hs_slice_buffer *ret, uint64_t len,
				   struct hs_error *err)
{
	void *bytes =
		len > SIZE_MAX
			? MAP_FAILED
			: mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			       0);
	if (bytes == MAP_FAILED)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for %" PRIu64 " bytes", len);
	/* A page fault for every 4 KiB would take as long as unpacking. */
	(void)madvise(bytes, (size_t)len, MADV_HUGEPAGE);
	*ret = (struct hs_slice_buffer){ bytes, (size_t)len };
	return HS_OK;
}

enum hs_status hs_slice_region_unpack(const struct hs_slice_region *r,
				      struct hs_slice_buffer *buffer,
				      const uint8_t **pages,
				      struct hs_error *err)
{
	if (r->packed.codec == HS_SLICE_STORED) {
		*pages = r->packed.bytes + r->data;
		return HS_OK;
	}
	struct hs_slice_buffer fresh = { 0 };
	enum hs_status st =
		hs_slice_buffer_new(&fresh, hs_slice_region_room(r), err);
	if (!st)
		st = hs_slice_region_unpack_to(r, fresh.bytes, err);
	if (st) {
		hs_slice_buffer_cleanup(&fresh);
		return st;
	}
	*buffer = fresh;
	*pages = fresh.bytes + r->data;
	return HS_OK;
}

void hs_slice_buffer_cleanup(struct hs_slice_buffer *buffer)
{
	if (buffer->bytes)
		(void)munmap(buffer->bytes, buffer->len);
	*buffer = (struct hs_slice_buffer){ 0 };
}
