/* SPDX-License-Identifier: MIT */
#include "support/slice_builder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backends/slice_hash.h"

/*
 * Offsets are written out as numbers, and not taken from the reader's own
 * table: a mistake there must show.
 */

static void grow(struct slice_builder *b, size_t more)
{
	if (b->len + more > b->capacity) {
		b->capacity = (b->len + more) * 2;
		b->bytes = realloc(b->bytes, b->capacity);
		assert(b->bytes);
	}
}

static void append(struct slice_builder *b, const void *bytes, size_t len)
{
	grow(b, len + 8);
	if (len)
		memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

static void put(uint8_t *at, uint64_t value, size_t n, bool big_endian)
{
	for (size_t i = 0; i < n; i++)
		at[big_endian ? n - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

void slice_poke(struct slice_builder *b, size_t at, uint64_t value, size_t n)
{
	assert(at + n <= b->len);
	put(b->bytes + at, value, n, b->big_endian);
}

static void hash(const uint8_t *bytes, size_t len, uint8_t ret[32])
{
	struct hs_slice_hash *h;
	enum hs_status st = hs_slice_hash_new(1, &h, NULL);
	assert(!st);
	st = hs_slice_hash_bytes(h, bytes, len, ret, NULL);
	assert(!st);
	(void)st;
	hs_slice_hash_free(h);
}

void slice_begin_as(struct slice_builder *b, bool big_endian,
		    uint8_t header_size)
{
	*b = (struct slice_builder){ .big_endian = big_endian };
	grow(b, header_size);
	memset(b->bytes, 0, header_size);
	b->len = header_size;
	memcpy(b->bytes, "MEMSLICE", 8);
	b->bytes[0x08] = big_endian ? 2 : 1;
	b->bytes[0x09] = header_size;
	slice_poke(b, 0x0a, 0x0100, 2);
	slice_poke(b, 0x10, 1, 8);      /* has regions */
	memset(b->bytes + 0x18, 7, 16); /* uuid */
	slice_poke(b, 0x28, 1700000000000000000, 8);
	slice_poke(b, 0x30, 1, 2); /* Linux */
	slice_poke(b, 0x32, 1, 2); /* x86_64 */
	slice_poke(b, 0x34, 4711, 4);
	b->bytes[0x38] = 1;
	b->bytes[0x3d] = 1; /* SHA-256 */
}

void slice_begin(struct slice_builder *b)
{
	slice_begin_as(b, false, 64);
}

static void link_block(struct slice_builder *b, size_t i)
{
	uint8_t *at = b->bytes + b->start[i] + 0x30;
	if (b->unchained)
		memset(at, 0, 32);
	else if (i == 0)
		hash(b->bytes, b->start[0], at);
	else
		hash(b->bytes + b->start[i - 1], b->start[i] - b->start[i - 1],
		     at);
}

void slice_block(struct slice_builder *b, unsigned type, unsigned flags,
		 const void *payload, size_t len)
{
	static const uint8_t zero[80];
	size_t at = b->len, padded = (len + 7) & ~(size_t)7;
	assert(b->count < sizeof(b->start) / sizeof(b->start[0]));
	b->start[b->count] = at;
	append(b, zero, 80);
	append(b, payload, len);
	append(b, zero, padded - len);
	memcpy(b->bytes + at, "MSLC", 4);
	slice_poke(b, at + 0x04, type, 2);
	slice_poke(b, at + 0x06, flags, 2);
	slice_poke(b, at + 0x08, 80 + padded, 4);
	slice_poke(b, at + 0x0c, 1, 2);
	memset(b->bytes + at + 0x10, (int)b->count + 1, 16);
	link_block(b, b->count++);
}

uint8_t *slice_region_payload(const struct slice_region_as *as, size_t pages,
			      const uint8_t *states, const void *data,
			      size_t len, bool big_endian, size_t *ret)
{
	size_t map = ((pages + 3) / 4 + 7) & ~(size_t)7;
	uint8_t *p = calloc(1, 32 + map + len + 8);
	assert(p);
	put(p, as->base, 8, big_endian);
	put(p + 0x08, as->size, 8, big_endian);
	p[0x10] = as->prot;
	p[0x11] = as->type;
	p[0x12] = as->page_shift;
	put(p + 0x18, as->timestamp, 8, big_endian);
	for (size_t i = 0; i < pages; i++)
		p[32 + i / 4] |= (uint8_t)(states[i] << (6 - i % 4 * 2));
	if (len)
		memcpy(p + 32 + map, data, len);
	*ret = 32 + map + len;
	return p;
}

void slice_region_as(struct slice_builder *b, const struct slice_region_as *as,
		     size_t pages, const uint8_t *states, const void *data,
		     size_t len)
{
	size_t n;
	uint8_t *p = slice_region_payload(as, pages, states, data, len,
					  b->big_endian, &n);
	slice_block(b, 0x0001, as->flags, p, n);
	free(p);
}

void slice_region(struct slice_builder *b, uint64_t base, size_t pages,
		  const uint8_t *states, const void *data, size_t len)
{
	const struct slice_region_as as = {
		.base = base,
		.size = pages * SLICE_TEST_PAGE,
		.timestamp = 1,
		.prot = 3,
		.type = 5,
		.page_shift = 12,
	};
	slice_region_as(b, &as, pages, states, data, len);
}

void slice_end(struct slice_builder *b)
{
	uint8_t payload[48] = { 0 };
	hash(b->bytes, b->len, payload);
	slice_block(b, 0x0fff, 0, payload, sizeof(payload));
}

void slice_rechain(struct slice_builder *b)
{
	for (size_t i = 0; i < b->count; i++) {
		size_t at = b->start[i];
		uint8_t *type = b->bytes + at + 4;
		link_block(b, i);
		if (type[0] == 0xff && type[1] == 0x0f)
			hash(b->bytes, at, b->bytes + at + 80);
	}
}

void slice_release(struct slice_builder *b)
{
	free(b->bytes);
	*b = (struct slice_builder){ 0 };
}
