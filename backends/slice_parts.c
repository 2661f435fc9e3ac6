/* SPDX-License-Identifier: MIT */
#include "backends/slice_parts.h"

#include "backends/slice_describe.h"
#include "backends/slice_format.h"

/* A hole like that gets a block of its own, which can have larger pages. */
#define HOLE ((uint64_t)1 << 30)
/* Pages of a block: their states take 4 MiB. */
#define PAGES_MAX ((uint64_t)1 << 24)

struct hs_slice_part hs_slice_part_next(const struct hs_dump_map *m,
					hs_addr start, size_t first,
					uint64_t most)
{
	struct hs_slice_part p = { start, start, first, 0, 12, 0 };
	for (size_t i = first; i < m->count; i++) {
		const struct hs_dump_run *r = &m->run[i];
		uint64_t len = r->end - p.end;
		uint64_t room = PAGES_MAX * HS_DUMP_PAGE - (p.end - start);
		if (r->state != HS_DUMP_CAPTURED &&
		    r->state != HS_DUMP_REFERRED && len >= HOLE) {
			if (p.end > start)
				break;
			/* As few pages as its size allows, not more than fit
			 * into one block; the rest is another part. */
			while (len >> p.shift > 1 << 16)
				p.shift++;
			p.end += len >> p.shift << p.shift;
			p.count = 1;
			return p;
		}
		if (r->state == HS_DUMP_CAPTURED && room > most - p.captured)
			room = most - p.captured;
		if (len > room)
			len = room;
		if (len == 0)
			break;
		p.end += len;
		p.count++;
		if (r->state == HS_DUMP_CAPTURED)
			p.captured += len;
		if (p.end < r->end)
			break;
	}
	return p;
}

static void set_states(uint8_t *map, uint64_t page, uint64_t count,
		       unsigned state)
{
	static const uint8_t whole[] = { 0x00, 0x55, 0xaa };
	for (uint64_t end = page + count; page < end;) {
		if (page % 4 == 0 && end - page >= 4) {
			map[page / 4] = whole[state];
			page += 4;
			continue;
		}
		map[page / 4] |= (uint8_t)(state << (6 - page % 4 * 2));
		page++;
	}
}

static const unsigned state_codes[] = {
	[HS_DUMP_CAPTURED] = SLICE_PAGE_CAPTURED,
	[HS_DUMP_FAILED] = SLICE_PAGE_FAILED,
	[HS_DUMP_UNMAPPED] = SLICE_PAGE_UNMAPPED,
	/* Not in this file, as any reader sees it; a block behind says where.
	 */
	[HS_DUMP_REFERRED] = SLICE_PAGE_FAILED,
};

enum hs_status
hs_slice_put_front(struct hs_byte_buf *buf, const struct hs_target *target,
		   uint64_t taken_ns, const struct hs_dump_map *m,
		   const struct hs_slice_part *p, struct hs_error *err)
{
	uint64_t pages = (p->end - p->start) >> p->shift;
	unsigned prot = (m->map->prot & HS_PROT_READ ? SLICE_PROT_READ : 0) |
			(m->map->prot & HS_PROT_WRITE ? SLICE_PROT_WRITE : 0) |
			(m->map->prot & HS_PROT_EXEC ? SLICE_PROT_EXEC : 0);
	hs_byte_buf_uint(buf, p->start, 8);
	hs_byte_buf_uint(buf, p->end - p->start, 8);
	hs_byte_buf_uint(buf, prot, 1);
	hs_byte_buf_uint(buf, hs_slice_region_type(target, m->map), 1);
	hs_byte_buf_uint(buf, p->shift, 1);
	hs_byte_buf_zeroes(buf, 5);
	hs_byte_buf_uint(buf, taken_ns, 8);
	hs_byte_buf_zeroes(buf, SLICE_PAD8((pages + 3) / 4));
	enum hs_status st = hs_byte_buf_check(buf, err);
	if (st)
		return st;
	for (size_t i = p->first; i < p->first + p->count; i++) {
		const struct hs_dump_run *r = &m->run[i];
		hs_addr from = r->start > p->start ? r->start : p->start;
		hs_addr to = r->end < p->end ? r->end : p->end;
		set_states(buf->bytes + SLICE_REGION_LEN,
			   (from - p->start) >> p->shift,
			   (to - from) >> p->shift, state_codes[r->state]);
	}
	return HS_OK;
}
