/* SPDX-License-Identifier: MIT */
#include "support/heap_builder.h"
#include "support/heap_builder_inside.h"

/*
 * Where things are: bin numbers, and addresses for tests that damage what was
 * built.
 */

unsigned hb_tcache_index(const struct heap_builder *hb, uint64_t size)
{
	uint64_t small = (size - hb->min_size) / hb->align;
	if (small < HS_TCACHE_SMALL_BINS)
		return (unsigned)small;
	must(hb->version >= 42 && hb->big_tcache && size < 0x400000);
	unsigned log2 = 0;
	while (size >> (log2 + 1))
		log2++;
	return HS_TCACHE_SMALL_BINS + log2 - 10;
}

unsigned hb_fastbin_index(const struct heap_builder *hb, uint64_t size)
{
	return (unsigned)(size >> (hb->word == 8 ? 4 : 3)) - 2;
}

unsigned hb_bin_index(const struct heap_builder *hb, uint64_t size)
{
	bool big32 = hb->word == 4 && hb->align == 16;
	uint64_t first_large = hb->word == 8 ? 0x400 : big32 ? 0x3f0 : 0x200;
	if (size < first_large)
		return (unsigned)(big32            ? (size >> 4) + 1
				  : hb->align == 8 ? size >> 3
						   : size >> 4);
	unsigned steps = hb->word == 8 ? 48 : big32 ? 45 : 38;
	unsigned base = hb->word == 8 ? 48 : big32 ? 49 : 56;
	if (size >> 6 <= steps)
		return base + (unsigned)(size >> 6);
	if (size >> 9 <= 20)
		return 91 + (unsigned)(size >> 9);
	if (size >> 12 <= 10)
		return 110 + (unsigned)(size >> 12);
	if (size >> 15 <= 4)
		return 119 + (unsigned)(size >> 15);
	if (size >> 18 <= 2)
		return 124 + (unsigned)(size >> 18);
	return 126;
}

hs_addr hb_addr(const struct heap_builder *hb, size_t chunk)
{
	must(chunk < hb->chunk_count);
	return hb->chunk[chunk].addr;
}

hs_addr hb_user(const struct heap_builder *hb, size_t chunk)
{
	return hb_addr(hb, chunk) + hb->header;
}

uint64_t hb_usable(const struct heap_builder *hb, size_t chunk)
{
	must(chunk < hb->chunk_count);
	const struct hb_chunk *c = &hb->chunk[chunk];
	bool old_mmapped = c->total && hb->version <= 42;
	return c->size - (old_mmapped ? hb->header : hb->word);
}

hs_addr hb_arena_field(const struct heap_builder *hb, size_t arena,
		       enum hs_field field)
{
	must(arena < hb->arena_count && hs_layout_has(&hb->layout, field));
	return hb->arena[arena].addr + hb->layout.field[field].offset;
}

hs_addr hb_par_field(const struct heap_builder *hb, enum hs_field field)
{
	must(hs_layout_has(&hb->layout, field));
	return hb->malloc_par + hb->layout.field[field].offset;
}

hs_addr hb_bin_head(const struct heap_builder *hb, size_t arena, unsigned index)
{
	must(index >= 1 && index <= HS_BIN_LAST);
	hs_addr bins = hb_arena_field(hb, arena, HS_FIELD_ARENA_BINS);
	return bins + 2 * (index - 1) * hb->word - hb->header;
}

hs_addr hb_heap_info(const struct heap_builder *hb, size_t arena, size_t nth)
{
	for (size_t i = 0; i < hb->region_count; i++)
		if (hb->region[i].kind == HB_REGION_HEAP &&
		    hb->region[i].arena == arena && nth-- == 0)
			return hb->region[i].start;
	hb_wrong_scenario(__FILE__, __LINE__, "the arena has that many heaps");
}

/*
 * How far from the thread pointer Debian's builds have the two words. It does
 * not matter as long as it is the same in every thread; x86 has the libc's
 * block below the thread pointer, aarch64 above.
 */
static const struct tls_place {
	int64_t tcache, arena;
} tls_places[3][2] = {
	[HS_ARCH_X86_64] = { { -0x50, -0x40 }, { -0x60, -0x30 } },
	[HS_ARCH_I386] = { { -0x30, -0x28 }, { -0x38, -0x20 } },
	[HS_ARCH_AARCH64] = { { 0x60, 0x58 }, { 0x30, 0x60 } },
};

hs_addr hb_tls_tcache(const struct heap_builder *hb, size_t thread)
{
	return hb->thread[thread].tp +
	       (uint64_t)tls_places[hb->target.base.arch][hb->version >= 43]
		       .tcache;
}

hs_addr hb_tls_arena(const struct heap_builder *hb, size_t thread)
{
	return hb->thread[thread].tp +
	       (uint64_t)tls_places[hb->target.base.arch][hb->version >= 43]
		       .arena;
}

uint64_t hb_protect(const struct heap_builder *hb, hs_addr at, uint64_t to)
{
	return hb_safe_linking(hb) ? at >> 12 ^ to : to;
}
