/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backends/slice_file.h"
#include "core/cursor.h"
#include "core/limits.h"

/*
 * A key hint names a region and an offset among its captured pages, not an
 * address: how many pages before it were captured decides where that was.
 */
static bool address_of(const struct hs_slice_region *r, uint64_t offset,
		       hs_addr *ret)
{
	struct hs_slice_run run = { 0 };
	while (hs_slice_run_next(r, &run)) {
		if (run.state != SLICE_PAGE_CAPTURED)
			continue;
		uint64_t before = run.data - r->data;
		uint64_t len = run.count << r->page_shift;
		if (offset < before || offset - before >= len)
			continue;
		*ret = r->base + (run.page << r->page_shift) +
		       (offset - before);
		return true;
	}
	return false;
}

static const struct hs_slice_region *region_named(const struct hs_slice *s,
						  const uint8_t *uuid)
{
	for (size_t i = 0; i < s->region_count; i++) {
		const struct hs_slice_block *b = &s->block[s->region[i].block];
		if (memcmp(hs_slice_block_bytes(s, b) + SLICE_AT_BLOCK_UUID,
			   uuid, SLICE_UUID_LEN) == 0)
			return &s->region[i];
	}
	return NULL;
}

enum hs_status hs_slice_hints(struct hs_slice *s, struct hs_error *err)
{
	unsigned hints = 0;
	for (size_t i = 0; i < s->count && hs_slice_block_counts(s, i); i++) {
		const struct hs_slice_block *b = &s->block[i];
		if (b->type != SLICE_BLOCK_KEY_HINT ||
		    b->version != SLICE_PAYLOAD_VERSION ||
		    (b->flags & SLICE_COMPRESSED))
			continue;
		if (hints++ == HS_LIMIT_SLICE_HINTS)
			return HS_OK;
		const uint8_t *at = hs_slice_block_bytes(s, b);
		struct hs_cursor c = { .pos = at + SLICE_BLOCK_HEADER_LEN,
				       .end = at + b->length,
				       .big_endian = s->header.big_endian };
		const uint8_t *uuid = hs_cursor_bytes(&c, SLICE_UUID_LEN);
		uint64_t offset = hs_cursor_u64(&c);
		const struct hs_slice_region *r =
			c.overrun ? NULL : region_named(s, uuid);
		hs_addr addr;
		char text[24];
		if (!r || !address_of(r, offset, &addr))
			continue;
		(void)snprintf(text, sizeof(text), "0x%" PRIx64, addr);
		enum hs_status st = hs_slice_fact_add(&s->records, i, 0,
						      "address", text, err);
		if (st)
			return st;
	}
	return HS_OK;
}
