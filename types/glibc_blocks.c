/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

/*
 * What the C library itself takes from malloc: streams and their buffers,
 * descriptions of loaded objects, tables of thread-local storage.
 */
struct glibc {
	struct hs_addr_map buffers; /* blocks that streams use */
	struct hs_addr_map dtvs;
	struct hs_addr_map tls;      /* what dtvs lead to */
	struct hs_addr_map obstacks; /* first chunks, others lead to them */
};

static void release(void *state)
{
	struct glibc *g = state;
	hs_addr_map_release(&g->buffers);
	hs_addr_map_release(&g->dtvs);
	hs_addr_map_release(&g->tls);
	hs_addr_map_release(&g->obstacks);
}

static void note(struct hs_naming *n, struct hs_addr_map *map, hs_addr addr)
{
	struct hs_error err;
	enum hs_status st = HS_OK;
	if (addr != HS_NO_ADDR)
		st = hs_addr_map_put(map, (struct hs_addr_entry){ addr, 0, 0 },
				     &err);
	if (st)
		hs_naming_fail(n, st, &err);
}

/*
 * A stream begins with a magic number of 16 bits and ends with a pointer to
 * its functions in libc. What lies between has had these sizes since 1999.
 */
static bool is_stream(struct hs_naming *n, hs_addr at)
{
	uint32_t magic;
	uint64_t table, buffer, end;
	unsigned w = n->meta.word_size;
	return hs_peek_u32(n, at, &magic) && magic >> 16 == 0xfbad &&
	       hs_peek(n, at + (w == 8 ? 216u : 148u), &table) &&
	       hs_naming_module(n, table) != SIZE_MAX &&
	       hs_peek(n, at + 7u * w, &buffer) &&
	       hs_peek(n, at + 8u * w, &end) && buffer <= end;
}

static void note_buffer(struct hs_naming *n, struct glibc *g, hs_addr stream)
{
	uint64_t buffer;
	if (hs_peek(n, stream + 7u * n->meta.word_size, &buffer) && buffer)
		note(n, &g->buffers, buffer);
}

/*
 * link_map of what dlopen() loaded: where (its module), its name, its dynamic
 * section, and its neighbours.
 */
static bool is_link_map(struct hs_naming *n, const struct hs_block *b)
{
	unsigned w = n->block.word_size;
	uint64_t dynamic, next, prev, back;
	return b->usable >= 100u * w && b->first % 4096 == 0 && b->first != 0 &&
	       hs_block_word(n, b, 2, &dynamic) && dynamic > b->first &&
	       hs_naming_module(n, b->first) != SIZE_MAX &&
	       hs_naming_module(n, b->first) == hs_naming_module(n, dynamic) &&
	       hs_block_word(n, b, 3, &next) && hs_block_word(n, b, 4, &prev) &&
	       ((prev && hs_peek(n, prev + 3u * w, &back) && back == b->user) ||
		(next && hs_peek(n, next + 4u * w, &back) && back == b->user));
}

/*
 * Functions for exit(3), 32 at a time: {next, count, {flavour, ...}[32]}. The
 * last list is a variable of libc.
 */
static bool is_exit_list(struct hs_naming *n, const struct hs_block *b)
{
	unsigned w = n->block.word_size;
	uint64_t next = b->first, count, flavour, above;
	if (w != 8 || b->usable < 1040 || b->usable >= 1064 ||
	    !hs_block_word(n, b, 1, &count) || count > 32 ||
	    !hs_peek(n, next + w, &above) || above > 32)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!hs_block_word(n, b, 2 + 4 * (size_t)i, &flavour) ||
		    flavour > 4)
			return false;
	/* A block of the same kind, or libc's. */
	for (unsigned i = 0; i < 4096; i++) {
		if (hs_naming_module(n, next) == n->heap->module &&
		    n->heap->module != SIZE_MAX)
			return true;
		if (!hs_naming_block_at(n, next, NULL) ||
		    !hs_peek(n, next + w, &above) || above > 32 ||
		    !hs_peek(n, next, &next))
			return false;
	}
	return false;
}

/* A chunk of an obstack ends where it says, and so does the one before it. */
static bool ends_itself(const struct hs_block *b, uint64_t limit)
{
	return limit > b->user && limit - b->user <= b->usable &&
	       b->usable - (limit - b->user) < 24;
}

static bool is_obstack(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_block before;
	uint64_t prev;
	return b->usable >= 256 && ends_itself(b, b->first) &&
	       hs_block_word(n, b, 1, &prev) && prev != b->user &&
	       prev % 16 == 0 && hs_naming_block_at(n, prev, &before) &&
	       ends_itself(&before, before.first);
}

/*
 * A folder that is being read: {descriptor, lock, allocated, read, offset,
 * place, error, entries}. Entries tell their length, and fill what was read.
 */
#define DIR_BYTES 48u
#define ENTRY_LENGTH 16u
#define ENTRY_BYTES 24u
#define DIR_LEAST 1024u

static bool is_dir(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t allocated, read, offset, place, length;
	bool met = false;
	if (n->block.word_size != 8 || n->block.big_endian ||
	    b->first >> 32 > 2 || b->first & UINT32_C(1) << 31 ||
	    !hs_block_word(n, b, 1, &allocated) || allocated % DIR_LEAST ||
	    !allocated || !hs_block_fits(n, b, DIR_BYTES + allocated) ||
	    !hs_block_word(n, b, 2, &read) || read > allocated ||
	    !hs_block_word(n, b, 3, &offset) || offset > read ||
	    !hs_block_word(n, b, 4, &place))
		return false;
	if (!read) /* not yet */
		return !place && !offset;
	for (uint64_t at = 0; at < read; at += length) {
		if (!hs_window_uint(&n->block,
				    b->user + DIR_BYTES + at + ENTRY_LENGTH, 2,
				    &length) ||
		    length % 8 || length < ENTRY_BYTES || length > read - at)
			return false;
		met |= at == offset;
	}
	return met || offset == read;
}

static bool name(struct hs_naming *n, const char *text, const char *evidence,
		 uint32_t *type)
{
	struct hs_type what = { .name = text,
				.source = HS_TYPE_GLIBC,
				.confidence = HS_CONFIDENCE_HIGH,
				.evidence = evidence,
				.module = n->heap->module };
	return hs_naming_type(n, &what, type);
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	if (b->usable >= 29u * n->block.word_size && is_stream(n, b->user)) {
		note_buffer(n, state, b->user);
		return name(n, "FILE", "its magic number and its functions",
			    type);
	}
	if (is_exit_list(n, b))
		return name(n, "functions for exit",
			    "the list it is in, to libc", type);
	if (is_obstack(n, b)) {
		uint64_t first;
		if (hs_block_word(n, b, 1, &first))
			note(n, &((struct glibc *)state)->obstacks, first);
		return name(n, "obstack chunk",
			    "its end, and that of the one before it", type);
	}
	if (b->usable >= DIR_LEAST && is_dir(n, b))
		return name(n, "DIR", "its numbers, and its entries", type);
	return is_link_map(n, b) &&
	       name(n, "link_map", "its module and its neighbours", type);
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	struct glibc *g = state;
	const struct glibc *from = worker;
	hs_naming_merge(n, &g->buffers, &from->buffers);
	hs_naming_merge(n, &g->obstacks, &from->obstacks);
}

/* stdin, stdout and stderr are variables of libc. */
static void streams_in(struct hs_naming *n, struct glibc *g,
		       const struct hs_map *map)
{
	for (hs_addr at = map->start; at + 256 <= map->end; at += 8) {
		uint64_t word;
		if (!hs_window_uint(&n->block, at, 4, &word))
			return;
		if (word >> 16 == 0xfbad && is_stream(n, at))
			note_buffer(n, g, at);
	}
}

/* {counter, -}, {generation, -}, {address, block to free}[counter], of which
 * the second is at DTV: storage of modules that came later. */
#define MODULES_MOST 65536u

static void note_storage(struct hs_naming *n, struct glibc *g, hs_addr dtv)
{
	unsigned w = n->target->word_size;
	uint64_t count, at, block;
	struct hs_block b;
	if (!hs_peek(n, dtv - 2 * w, &count) || count > MODULES_MOST)
		return;
	for (uint64_t i = 1; i <= count; i++)
		if (!hs_peek(n, dtv + 2 * w * i, &at) ||
		    !hs_peek(n, dtv + 2 * w * i + w, &block))
			return;
		else if (block && hs_naming_block_at(n, block, &b) &&
			 at >= block && at - block < b.usable)
			note(n, &g->tls, block);
}

static void survey(struct hs_naming *n, void *state)
{
	struct glibc *g = state;
	unsigned w = n->target->word_size;
	for (size_t i = 0; i < n->target->maps.count; i++) {
		const struct hs_map *map = &n->target->maps.map[i];
		if (map->prot & HS_PROT_WRITE && n->heap->module != SIZE_MAX &&
		    hs_naming_module(n, map->start) == n->heap->module)
			streams_in(n, g, map);
	}
	/* The word behind a thread pointer's own leads into the table. */
	for (size_t i = 0; i < n->target->threads.count; i++) {
		const struct hs_thread *t = &n->target->threads.thread[i];
		uint64_t dtv;
		if (t->tls_base != HS_NO_ADDR &&
		    n->target->arch != HS_ARCH_AARCH64 &&
		    hs_peek(n, t->tls_base + w, &dtv) && dtv > 2u * w) {
			note(n, &g->dtvs, dtv - 2u * w);
			note_storage(n, g, dtv);
		}
	}
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct glibc *g = state;
	if (hs_addr_map_get(&g->buffers, b->user))
		return name(n, "stdio buffer", "the stream that uses it", type);
	if (hs_addr_map_get(&g->obstacks, b->user))
		return name(n, "obstack chunk",
			    "its end, and the one behind it", type);
	if (hs_addr_map_get(&g->tls, b->user))
		return name(n, "thread-local storage",
			    "the thread that uses it", type);
	return hs_addr_map_get(&g->dtvs, b->user) &&
	       name(n, "dtv", "the thread that uses it", type);
}

const struct hs_namer hs_namer_glibc = {
	.state_size = sizeof(struct glibc),
	.release = release,
	.claim = claim,
	.merge = merge,
	.survey = survey,
	.claim_late = claim_late,
	.source = HS_TYPE_GLIBC,
};
