/* SPDX-License-Identifier: MIT */
#include "support/namer_world.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "support/heap_builder.h"

#define LIBRARY_LEN 0x1000u
#define LIBRARIES UINT64_C(0x7f5500000000)
#define PAGES UINT64_C(0x7f6600000000)
#define PAGES_LEN 0x8000u
#define SHELL_LEN 0x1000u /* of them the last are variables of bash */
/* A program of rustc's: a page of text, a page of code. */
#define PROGRAM UINT64_C(0x7f5600000000)
#define RECORD 12u

struct place {
	hs_addr start;
	uint64_t len;
};

struct world {
	struct heap_builder hb;
	uint8_t library[2 * LIBRARY_LEN], pages[PAGES_LEN];
	uint8_t program[2 * LIBRARY_LEN];
	struct place place[PLACE_COUNT];
	struct hs_heap *heap;
};

static void put_blocks(struct world *w, size_t chunk[PLACE_COUNT])
{
	static const struct {
		unsigned first, end, bytes;
	} kinds[] = {
		{ PLACE_SLABS, PLACE_LARGE, 120 },
		{ PLACE_TABLE, PLACE_FILE, 776 },
		{ PLACE_FILE, PLACE_SLABS, 1000 },
		{ PLACE_LARGE, PLACE_SMALL, 104 },
		{ PLACE_SMALL, PLACE_BLOCKS, 24 },
		{ PLACE_BLOCKS, PLACE_STATES, 56 },
		{ PLACE_STATES, PLACE_STATES + 1, 5960 },
		{ PLACE_STATES + 1, PLACE_STATES + 2, 7160 },
		{ PLACE_STATES + 2, PLACE_STATES + 3, 392 },
		{ PLACE_STATES + 3, PLACE_STATES + 4, 4120 },
		{ PLACE_STATES + 4, PLACE_STATES + 7, 136 },
		{ PLACE_STATES + 7, PLACE_COUNT, 232 },
	};
	while ((w->hb.region[0].next + 16) % 128 != 0)
		(void)hb_alloc(&w->hb, HB_MAIN, 24);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (unsigned i = kinds[k].first; i < kinds[k].end; i++) {
			chunk[i] = hb_alloc(&w->hb, HB_MAIN, kinds[k].bytes);
			w->place[i].len = kinds[k].bytes;
		}
}

static void add_libraries(struct world *w)
{
	/* As much as namers ask for by name. */
	static char glib[] =
		"/lib/libstdc++/libcrypto/libc++.so/libglib-2.0.so.0",
		    gobject[] = "/lib/libgobject-2.0.so.0+libperl";
	char *path[] = { glib, gobject };
	fake_target_map(&w->hb.target, LIBRARIES, w->library,
			sizeof(w->library), FAKE_RW);
	fake_target_map(&w->hb.target, PAGES, w->pages, PAGES_LEN - SHELL_LEN,
			FAKE_RW);
	fake_target_map(&w->hb.target, PAGES + PAGES_LEN - SHELL_LEN,
			w->pages + PAGES_LEN - SHELL_LEN, SHELL_LEN, FAKE_RW);
	for (unsigned i = 0; i < 2; i++) {
		struct hs_module m = {
			.base = LIBRARIES + i * LIBRARY_LEN,
			.end = LIBRARIES + (i + 1) * LIBRARY_LEN,
			.path = path[i],
		};
		if (hs_module_list_add(&w->hb.target.base.modules, &m, NULL))
			abort();
		w->place[i] = (struct place){ m.base, LIBRARY_LEN };
	}
	struct hs_module m = { .base = PROGRAM,
			       .end = PROGRAM + 2 * LIBRARY_LEN,
			       .path = (char[]){ "/bin/redis-program" },
			       .is_executable = true };
	struct hs_module xml = { .base = PROGRAM + 4 * LIBRARY_LEN,
				 .end = PROGRAM + 5 * LIBRARY_LEN,
				 .path = (char[]){ "/lib/libxml2.so.2" } };
	struct hs_module keys = { .base = PROGRAM + 5 * LIBRARY_LEN,
				  .end = PROGRAM + 6 * LIBRARY_LEN,
				  .path = (char[]){ "/lib/libreadline.so.8" } };
	struct hs_module server = { .base = PROGRAM + 6 * LIBRARY_LEN,
				    .end = PROGRAM + 7 * LIBRARY_LEN,
				    .path = (char[]){ "/bin/postgres" } };
	struct hs_module office = { .base = PROGRAM + 7 * LIBRARY_LEN,
				    .end = PROGRAM + 8 * LIBRARY_LEN,
				    .path = (char[]){
					    "/lib/libuno_sal.so.3" } };
	struct hs_module shell = { .base = PAGES + PAGES_LEN - SHELL_LEN,
				   .end = PAGES + PAGES_LEN,
				   .path = (char[]){ "/bin/bash" } };
	struct hs_module more[] = {
		{ .base = PROGRAM + 8 * LIBRARY_LEN,
		  .end = PROGRAM + 9 * LIBRARY_LEN,
		  .path = (char[]){ "/lib/libcurl.so.4" } },
		{ .base = PROGRAM + 9 * LIBRARY_LEN,
		  .end = PROGRAM + 10 * LIBRARY_LEN,
		  .path = (char[]){ "/lib/libssl.so.3" } },
	};
	memcpy(w->program + 64, "/rustc/", 7);
	fake_target_map(&w->hb.target, PROGRAM, w->program, LIBRARY_LEN,
			HS_PROT_READ);
	fake_target_map(&w->hb.target, PROGRAM + LIBRARY_LEN,
			w->program + LIBRARY_LEN, LIBRARY_LEN,
			HS_PROT_READ | HS_PROT_EXEC);
	if (hs_module_list_add(&w->hb.target.base.modules, &m, NULL) ||
	    hs_module_list_add(&w->hb.target.base.modules, &xml, NULL) ||
	    hs_module_list_add(&w->hb.target.base.modules, &keys, NULL) ||
	    hs_module_list_add(&w->hb.target.base.modules, &server, NULL) ||
	    hs_module_list_add(&w->hb.target.base.modules, &office, NULL) ||
	    hs_module_list_add(&w->hb.target.base.modules, &shell, NULL) ||
	    hs_module_list_add(&w->hb.target.base.modules, &more[0], NULL) ||
	    hs_module_list_add(&w->hb.target.base.modules, &more[1], NULL))
		abort();
	w->place[PLACE_PAGES] = (struct place){ PAGES, PAGES_LEN };
}

/* A heap takes longer to build than to name. */
static struct world *the_world(void)
{
	static struct world *world;
	size_t chunk[PLACE_COUNT] = { 0 };
	if (world)
		return world;
	struct world *w = calloc(1, sizeof(*w));
	if (!w)
		abort();
	hb_init(&w->hb, 36, HS_ARCH_X86_64);
	size_t thread = hb_thread(&w->hb, HB_MAIN);
	hb_tcache(&w->hb, thread);
	add_libraries(w);
	put_blocks(w, chunk);
	for (unsigned i = PLACE_BLOCKS; i < PLACE_STATES; i += 8)
		hb_to_tcache(&w->hb, chunk[i], thread); /* some are free */
	hb_finish(&w->hb);
	for (unsigned i = PLACE_TABLE; i < PLACE_COUNT; i++)
		w->place[i].start = hb_user(&w->hb, chunk[i]);
	for (unsigned i = PLACE_TABLE; i < PLACE_COUNT; i++)
		for (uint64_t off = 0; off + 8 <= w->place[i].len; off += 8)
			if (i < PLACE_BLOCKS || i >= PLACE_STATES ||
			    (i - PLACE_BLOCKS) % 8 != 0)
				fake_target_put(&w->hb.target,
						w->place[i].start + off, 0);
	if (hs_heap_scan(&w->hb.target.base, NULL, NULL, &w->heap, NULL))
		abort();
	w->heap->module = 0; /* as if the C library were libglib */
	world = w;
	return w;
}

/* Write the records, or zeroes in their place. */
static void put(struct world *w, const uint8_t *data, size_t len, bool clear)
{
	for (; len >= RECORD; data += RECORD, len -= RECORD) {
		const struct place *p = &w->place[data[0] % PLACE_COUNT];
		uint64_t word;
		memcpy(&word, data + 4, sizeof(word));
		word = le64toh(word);
		unsigned off = (unsigned)(data[2] | data[3] << 8);
		off = (unsigned)(off % (p->len - 7));
		/* The pages are two mappings. */
		if (p->start == PAGES && off + 7 >= PAGES_LEN - SHELL_LEN &&
		    off < PAGES_LEN - SHELL_LEN)
			off = PAGES_LEN - SHELL_LEN;
		if (word >> 48 == 0xcafe)
			word = w->place[(word >> 32 & 0xff) % PLACE_COUNT]
				       .start +
			       (word >> 16 & 0xffff);
		fake_target_put(&w->hb.target, p->start + off,
				clear ? 0 : word);
	}
}

struct room {
	const struct hs_block *block;
};

static bool check_field(void *arg, const struct hs_field_info *f)
{
	const struct room *room = arg;
	if (!f->name ||
	    (f->refers_to != HS_NO_ADDR && f->word + 4 > room->block->usable))
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

static void check_types(struct hs_naming *n, const struct hs_namer *namer,
			void *state)
{
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		struct room room = { &b };
		if (n->type_of[i] == HS_NO_TYPE)
			continue;
		if (n->type_of[i] >= n->table.count ||
		    !hs_naming_block(n, i, &b))
			abort();
		const struct hs_type *t = &n->table.type[n->type_of[i]];
		if (!t->name[0] || !t->evidence || t->source != namer->source)
			abort();
		if (namer->fields)
			namer->fields(n, state, &b, check_field, &room);
		if (namer->details)
			namer->details(n, state, &b, check_detail, NULL);
	}
}

static void check_parts(struct world *w, struct hs_naming *n,
			const struct hs_namer *namer, void *state)
{
	for (int k = 0; k < HS_AREA_COUNT; k++) {
		const struct hs_parts *p = &n->parts[k];
		struct hs_total sum = { 0 };
		for (size_t i = 0; i < p->types; i++) {
			sum.count += p->by_type[i].count;
			sum.bytes += p->by_type[i].bytes;
		}
		if (sum.count != p->info.named.count ||
		    sum.bytes != p->info.named.bytes ||
		    sum.count > p->info.live.count ||
		    (p->info.count && p->info.live.bytes > p->info.bytes))
			abort();
	}
	for (unsigned i = 0; namer->part_at && i < PLACE_COUNT; i++) {
		struct hs_part_info part;
		hs_addr at = w->place[i].start + 100;
		if (namer->part_at(n, state, at, &part) &&
		    (at - part.start >= part.size ||
		     (part.type != SIZE_MAX && part.type >= n->table.count)))
			abort();
	}
}

static void name_all(struct hs_naming *n, const struct hs_namer *namer,
		     void *state)
{
	struct hs_block b;
	uint32_t type;
	if (namer->prepare)
		namer->prepare(n, state);
	for (size_t i = 0; namer->claim && i < n->heap->chunk_count; i++)
		if (hs_naming_block(n, i, &b) &&
		    namer->claim(n, state, &b, &type))
			n->type_of[i] = type;
	if (namer->survey)
		namer->survey(n, state);
	for (size_t i = 0; namer->claim_late && i < n->heap->chunk_count; i++)
		if (n->type_of[i] == HS_NO_TYPE && hs_naming_block(n, i, &b) &&
		    namer->claim_late(n, state, &b, &type))
			n->type_of[i] = type;
}

void namer_world_run(const struct hs_namer *namer, const uint8_t *data,
		     size_t len)
{
	namer_world_run_with(namer, data, len, NULL);
}

void namer_world_run_with(const struct hs_namer *namer, const uint8_t *data,
			  size_t len, namer_world_fn fn)
{
	static const struct hs_types_options opt = { .struct_size = sizeof(opt),
						     .jobs = 1 };
	struct world *w = the_world();
	struct hs_naming n = { .target = &w->hb.target.base,
			       .heap = w->heap,
			       .opt = &opt,
			       .missing_module = SIZE_MAX };
	void *state = calloc(1, namer->state_size + 1);
	n.type_of = malloc((w->heap->chunk_count + 1) * sizeof(*n.type_of));
	struct hs_block_index *index = NULL;
	if (!state || !n.type_of || hs_block_index_new(w->heap, &index, NULL))
		abort();
	n.finder.index = index;
	memset(n.type_of, 0xff, w->heap->chunk_count * sizeof(*n.type_of));
	hs_window_init(&n.block, n.target);
	hs_window_init(&n.meta, n.target);
	put(w, data, len, false);
	name_all(&n, namer, state);
	check_types(&n, namer, state);
	check_parts(w, &n, namer, state);
	if (fn)
		fn(&n, state);
	put(w, data, len, true);
	if (namer->release)
		namer->release(state);
	hs_type_table_release(&n.table);
	hs_block_index_free(index);
	for (int k = 0; k < HS_AREA_COUNT; k++)
		free(n.parts[k].by_type);
	free(n.type_of);
	free(state);
}
