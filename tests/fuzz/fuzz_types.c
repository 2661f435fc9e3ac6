/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <heapscan/types.h>

#include "support/heap_builder.h"

/*
 * Naming over arbitrary memory: the heap is sound, what its blocks and a module
 * hold is the input. The first byte chooses the machine, the next MODULE_LEN
 * bytes are the module (writable, so metadata may be there), the rest fills
 * blocks of 64 bytes. Addresses are not to be guessed, so words are read as
 *
 *	0xcafe 0000 0000 OFFS    MODULE + OFFS
 *	0xbeef 0000 NNNN OFFS    user pointer of block NNNN, plus OFFS
 *
 * Promised: it ends; only live chunks have types; sums are those of the
 * chunks; names are there; fields lie within their block.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MODULE UINT64_C(0x7f5500000000)
#define MODULE_LEN 0x1000u
#define BLOCKS 64u
#define BLOCK_LEN 64u

struct image {
	struct heap_builder hb;
	uint8_t module[MODULE_LEN];
	hs_addr user[BLOCKS];
	struct hs_heap *heap;
};

/* A heap takes longer to build than to name: one for each machine. */
static struct image *image(unsigned arch)
{
	static struct image *images[2];
	struct image **slot = &images[arch];
	if (*slot)
		return *slot;
	*slot = calloc(1, sizeof(**slot));
	if (!*slot)
		abort();
	struct image *im = *slot;
	hb_init(&im->hb, 36, arch ? HS_ARCH_I386 : HS_ARCH_X86_64);
	size_t thread = hb_thread(&im->hb, HB_MAIN);
	hb_tcache(&im->hb, thread);
	hs_addr module = arch ? 0x70000000 : MODULE;
	fake_target_map(&im->hb.target, module, im->module, MODULE_LEN,
			FAKE_RW);
	/* As much as namers ask for by name. */
	static char glib[] = "/lib/libstdc++/libglib-2.0.so.0",
		    gobject[] = "/lib/libgobject-2.0.so.0";
	struct hs_module m[] = {
		{ .base = module,
		  .end = module + MODULE_LEN / 2,
		  .path = glib },
		{ .base = module + MODULE_LEN / 2,
		  .end = module + MODULE_LEN,
		  .path = gobject },
	};
	for (unsigned i = 0; i < 2; i++)
		if (hs_module_list_add(&im->hb.target.base.modules, &m[i],
				       NULL))
			abort();
	size_t chunk[BLOCKS];
	for (unsigned i = 0; i < BLOCKS; i++)
		chunk[i] = hb_alloc(&im->hb, HB_MAIN, BLOCK_LEN);
	for (unsigned i = 0; i < 4; i++) /* some are free */
		hb_to_tcache(&im->hb, chunk[4 + 8 * i], thread);
	hb_finish(&im->hb);
	for (unsigned i = 0; i < BLOCKS; i++)
		im->user[i] = hb_user(&im->hb, chunk[i]);
	if (hs_heap_scan(&im->hb.target.base, NULL, NULL, &im->heap, NULL))
		abort();
	return im;
}

static uint64_t translate(const struct image *im, uint64_t word)
{
	switch (word >> 48) {
	case 0xcafe:
		return MODULE + (word & 0xffff);
	case 0xbeef:
		return im->user[(word >> 16) % BLOCKS] + (word & 0xffff);
	default:
		return word;
	}
}

static void fill(struct image *im, hs_addr at, const uint8_t *data, size_t len)
{
	unsigned w = im->hb.target.base.word_size;
	for (size_t i = 0; i + w <= len; i += w) {
		uint64_t word = 0;
		memcpy(&word, data + i, w);
		fake_target_put(&im->hb.target, at + i, translate(im, word));
	}
}

static bool check_field(void *arg, const struct hs_field_info *f)
{
	const struct hs_chunk_info *c = arg;
	if (!f->name || f->offset >= UINT32_MAX ||
	    (f->refers_to != HS_NO_ADDR && f->word + 4 > c->usable))
		abort();
	return true;
}

static bool check_detail(void *arg, const char *what, const char *value)
{
	(void)arg;
	if (!what || !value)
		abort();
	return true;
}

static void check_areas(const struct image *im, struct hs_types *types)
{
	for (int k = 0; k < HS_AREA_COUNT; k++) {
		struct hs_area_info area;
		struct hs_total sum = { 0 };
		hs_types_area(types, (enum hs_area)k, &area);
		for (size_t i = 0; i < hs_types_count(types); i++) {
			struct hs_total t;
			hs_types_in_area(types, (enum hs_area)k, i, &t);
			sum.count += t.count;
			sum.bytes += t.bytes;
		}
		if (sum.count != area.named.count ||
		    sum.bytes != area.named.bytes ||
		    area.named.count > area.live.count ||
		    area.live.bytes > area.bytes)
			abort();
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct hs_part_info part;
		if (hs_types_part_at(types, im->user[i], &part) &&
		    im->user[i] - part.start >= part.size)
			abort();
	}
}

static void check(const struct image *im, struct hs_types *types)
{
	struct hs_types_summary s;
	struct hs_total named = { 0 }, by_type = { 0 };
	for (size_t i = 0; i < hs_heap_chunk_count(im->heap); i++) {
		struct hs_chunk_info c;
		hs_heap_chunk(im->heap, i, &c);
		size_t type = hs_types_of(types, i);
		if (type == SIZE_MAX)
			continue;
		if (c.state != HS_CHUNK_USED && c.state != HS_CHUNK_MMAPPED)
			abort();
		if (type >= hs_types_count(types))
			abort();
		named.count++;
		named.bytes += c.usable;
		hs_types_fields(types, i, check_field, &c);
		hs_types_details(types, i, check_detail, NULL);
	}
	for (size_t i = 0; i < hs_types_count(types); i++) {
		struct hs_type_info t;
		hs_types_info(types, i, &t);
		if (!t.name || !*t.name || !t.evidence)
			abort();
		by_type.count += t.total.count;
		by_type.bytes += t.total.bytes;
	}
	check_areas(im, types);
	hs_types_summary(types, &s);
	if (s.named.count != named.count || s.named.bytes != named.bytes ||
	    by_type.count != named.count || by_type.bytes != named.bytes ||
	    s.live.count < named.count)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1)
		return 0;
	struct image *im = image(data[0] & 1);
	data++;
	len--;
	memset(im->module, 0, MODULE_LEN);
	size_t part = len < MODULE_LEN ? len : MODULE_LEN;
	fill(im, data[-1] & 1 ? 0x70000000 : MODULE, data, part);
	data += part;
	len -= part;
	static const uint8_t none[BLOCK_LEN];
	for (unsigned i = 0; i < BLOCKS; i++) {
		fill(im, im->user[i], none, BLOCK_LEN);
		part = len < BLOCK_LEN ? len : BLOCK_LEN;
		fill(im, im->user[i], data, part);
		data += part;
		len -= part;
	}
	struct hs_types *types;
	if (hs_types_new(&im->hb.target.base, im->heap, NULL, &types, NULL))
		return 0;
	check(im, types);
	hs_types_free(types);
	return 0;
}
