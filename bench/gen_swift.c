/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The core of a Swift program with many more objects than it had, without a
 * compiler for Swift: chunks of its main arena's top become copies of objects
 * that the program made, which hold one another.
 *
 *	gen_swift CORE TRUTH BLOCKS OUT
 *
 * CORE and TRUTH are those of fixtures/swift/sleaks.swift. A list of TreeNodes
 * hangs on a word among the program's variables; each has an array of four
 * Entries, each of these a string. Beside them, of every hundred units one
 *leaks two TreeNodes that hold each other, and one an Entry with its string.
 *
 * Prints "ready BLOCKS LEAKED CYCLES NODES ARRAYS ENTRIES STRINGS" of what was
 * added. A 64-bit machine that has its lowest byte first makes such cores, and
 * reads them here.
 */

#define PT_LOAD 1u
#define TAKEN 1u /* of a chunk's size: the one before is in use */
#define ENTRIES 4u
#define TEXT_BYTES 128u

struct segment {
	uint64_t header; /* where in the file its header is */
	uint64_t offset, start, len;
	uint32_t flags;
};

struct core {
	uint8_t *bytes;
	uint64_t len;
	struct segment segment[512];
	unsigned segments;
};

/* An object of the program that others are made like. */
struct pattern {
	uint64_t metadata, counts;
	unsigned words; /* behind those two, as they are */
	uint64_t word[TEXT_BYTES / 8];
};

struct heap {
	struct core *core;
	const struct segment *segment;
	uint64_t arena_top; /* where the arena says where its top is */
	uint64_t start;     /* of what is added */
	uint8_t *bytes;
	uint64_t used, room;
	uint64_t blocks;
};

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "gen_swift: %s\n", what);
	exit(1);
}

static uint64_t get(const uint8_t *at)
{
	uint64_t word;
	memcpy(&word, at, 8);
	return word;
}

static void put(uint8_t *at, uint64_t word)
{
	memcpy(at, &word, 8);
}

static void load(struct core *core, const char *path)
{
	FILE *file = fopen(path, "rb");
	long len;
	if (!file || fseek(file, 0, SEEK_END) || (len = ftell(file)) < 64)
		fail("no core to read");
	core->len = (uint64_t)len;
	core->bytes = malloc(core->len);
	rewind(file);
	if (!core->bytes || fread(core->bytes, 1, core->len, file) != core->len)
		fail("the core cannot be read");
	(void)fclose(file);
	uint64_t at = get(core->bytes + 32);
	uint16_t count;
	memcpy(&count, core->bytes + 56, 2);
	for (unsigned i = 0; i < count; i++, at += 56) {
		struct segment *s = &core->segment[core->segments];
		uint32_t type;
		if (at + 56 > core->len)
			fail("the core is cut short");
		memcpy(&type, core->bytes + at, 4);
		memcpy(&s->flags, core->bytes + at + 4, 4);
		s->header = at;
		s->offset = get(core->bytes + at + 8);
		s->start = get(core->bytes + at + 16);
		s->len = get(core->bytes + at + 32);
		if (s->offset > core->len || s->len > core->len - s->offset)
			fail("the core is cut short");
		if (type == PT_LOAD && core->segments + 1 < 512)
			core->segments++;
	}
}

static const struct segment *find(const struct core *core, uint64_t addr)
{
	for (unsigned i = 0; i < core->segments; i++)
		if (addr >= core->segment[i].start &&
		    addr - core->segment[i].start < core->segment[i].len)
			return &core->segment[i];
	fail("an address is in no segment");
}

static uint8_t *at(const struct core *core, uint64_t addr)
{
	const struct segment *s = find(core, addr);
	return core->bytes + s->offset + (addr - s->start);
}

/* The first object that the truth says is one of NAME. */
static uint64_t object(const char *truth, const char *name)
{
	char line[512], called[400];
	uint64_t addr, found = 0;
	FILE *file = fopen(truth, "r");
	if (!file)
		fail("no truth to read");
	while (!found && fgets(line, sizeof(line), file))
		if (sscanf(line, "OBJ %*s %" SCNx64 " %399[^\n]", &addr,
			   called) == 2 &&
		    strcmp(called, name) == 0)
			found = addr;
	(void)fclose(file);
	if (!found)
		fail("the program made no such object");
	return found;
}

static struct pattern like(const struct core *core, uint64_t addr,
			   unsigned words)
{
	struct pattern p = { .metadata = get(at(core, addr)),
			     .counts = get(at(core, addr + 8)),
			     .words = words };
	/* Held once. */
	p.counts &= 0xffffffff;
	for (unsigned i = 0; i < words; i++)
		p.word[i] = get(at(core, addr + 16 + 8 * (uint64_t)i));
	return p;
}

/*
 * The main arena, of glibc 2.26 to 2.41: its top, then an empty list of chunks
 * that lead to the arena itself or into the heap, and 2088 bytes on how much
 * the kernel gave, which is what is there.
 */
#define SYSTEM_MEM 2088u
static void find_top(struct heap *h)
{
	const struct core *core = h->core;
	uint64_t end = h->segment->start + h->segment->len;
	for (unsigned i = 0; i < core->segments; i++) {
		const struct segment *s = &core->segment[i];
		const uint8_t *bytes = core->bytes + s->offset;
		for (uint64_t o = 0; o + SYSTEM_MEM + 16 <= s->len; o += 8) {
			uint64_t top = get(bytes + o);
			if (top % 16 != 0 || top < h->segment->start ||
			    top >= end - 32 ||
			    get(bytes + o + SYSTEM_MEM) != h->segment->len ||
			    top + (get(at(core, top + 8)) & ~UINT64_C(7)) !=
				    end)
				continue;
			h->arena_top = s->start + o;
			h->start = top;
			return;
		}
	}
	fail("the main arena is not where it was");
}

/* A chunk for LEN bytes; its address for the program. */
static uint64_t take(struct heap *h, uint64_t len)
{
	uint64_t size = (len + 8 + 15) & ~UINT64_C(15);
	if (size < 32)
		size = 32;
	if (h->used + size + 64 > h->room)
		fail("more blocks than there is room for");
	put(h->bytes + h->used + 8, size | TAKEN);
	h->used += size;
	h->blocks++;
	return h->start + h->used - size + 16;
}

static void set(struct heap *h, uint64_t user, unsigned word, uint64_t value)
{
	put(h->bytes + (user - h->start) + 8 * (uint64_t)word, value);
}

static uint64_t make(struct heap *h, const struct pattern *p)
{
	uint64_t user = take(h, 16 + 8 * (uint64_t)p->words);
	set(h, user, 0, p->metadata);
	set(h, user, 1, p->counts);
	for (unsigned i = 0; i < p->words; i++)
		set(h, user, 2 + i, p->word[i]);
	return user;
}

/* A word that nobody uses, behind the program's variables. */
static uint64_t free_word(const struct core *core, const struct segment *heap)
{
	const struct segment *last = NULL;
	for (unsigned i = 0; i < core->segments; i++)
		if (core->segment[i].start < heap->start &&
		    core->segment[i].len && (core->segment[i].flags & 2))
			last = &core->segment[i];
	if (!last)
		fail("there are no variables");
	static const uint8_t zero[256];
	for (uint64_t o = last->len - 256; o > 256; o -= 256)
		if (!memcmp(core->bytes + last->offset + o, zero, 256))
			return last->start + o + 128;
	fail("no word is free");
}

struct patterns {
	struct pattern node, array, entry, text;
};

static uint64_t make_entry(struct heap *h, const struct patterns *p)
{
	uint64_t text = make(h, &p->text), entry = make(h, &p->entry);
	set(h, entry, 3, text);
	return entry;
}

static uint64_t make_unit(struct heap *h, const struct patterns *p,
			  uint64_t next)
{
	uint64_t node = make(h, &p->node);
	uint64_t array = take(h, 32 + 8 * ENTRIES);
	set(h, array, 0, p->array.metadata);
	set(h, array, 1, p->array.counts);
	set(h, array, 2, ENTRIES);
	set(h, array, 3, 2 * ENTRIES);
	for (unsigned i = 0; i < ENTRIES; i++)
		set(h, array, 4 + i, make_entry(h, p));
	set(h, node, 2, array);
	set(h, node, 3, next);
	return node;
}

/* Two that hold each other; their arrays are the library's empty one. */
static void make_cycle(struct heap *h, const struct patterns *p, uint64_t empty)
{
	uint64_t a = make(h, &p->node), b = make(h, &p->node);
	set(h, a, 2, empty);
	set(h, b, 2, empty);
	set(h, a, 3, b);
	set(h, b, 3, a);
}

static void write_out(const struct heap *h, const char *path)
{
	struct core *core = h->core;
	uint64_t before = h->start - h->segment->start;
	uint64_t len = before + h->used;
	uint8_t *header = core->bytes + h->segment->header;
	uint64_t offset = (core->len + 4095) & ~UINT64_C(4095);
	static const uint8_t zero[4096];
	/* The file's end is where the heap is now. */
	put(header + 8, offset);
	put(header + 32, len);
	put(header + 40, len);
	FILE *out = fopen(path, "wb");
	if (!out || fwrite(core->bytes, 1, core->len, out) != core->len ||
	    fwrite(zero, 1, offset - core->len, out) != offset - core->len ||
	    fwrite(core->bytes + h->segment->offset, 1, before, out) !=
		    before ||
	    fwrite(h->bytes, 1, h->used, out) != h->used || fclose(out))
		fail("the new core cannot be written");
}

int main(int argc, char **argv)
{
	static struct core core;
	struct heap h = { .core = &core };
	if (argc != 5)
		fail("CORE TRUTH BLOCKS OUT");
	load(&core, argv[1]);
	uint64_t wanted = strtoull(argv[3], NULL, 10);
	uint64_t node = object(argv[2], "sleaks.TreeNode");
	uint64_t entry = object(argv[2], "sleaks.Entry");
	uint64_t other = get(at(&core, get(at(&core, node + 16)) + 32));
	uint64_t text = get(at(&core, entry + 24));
	struct patterns p = {
		.node = like(&core, node, 2),
		.array = like(&core, get(at(&core, node + 16)), 2),
		.entry = like(&core, entry, 2),
		.text = like(&core, text, 7),
	};
	h.segment = find(&core, entry);
	find_top(&h);
	/* A unit's ten blocks are less than a page. */
	h.room = wanted * 100 + (UINT64_C(1) << 20);
	h.bytes = calloc(1, h.room);
	if (!h.bytes)
		fail("no memory");
	uint64_t units = 0, cycles = 0, alone = 0, list = 0;
	while (h.blocks < wanted) {
		list = make_unit(&h, &p, list);
		units++;
		if (units % 100 == 50) {
			make_cycle(&h, &p, get(at(&core, other + 16)));
			cycles++;
		} else if (units % 100 == 99) {
			(void)make_entry(&h, &p);
			alone++;
		}
	}
	/* What is left to the end of a page is the new top. */
	uint64_t end = (h.start + h.used + 4096 + 4095) & ~UINT64_C(4095);
	put(h.bytes + h.used + 8, (end - h.start - h.used) | TAKEN);
	put(at(&core, h.arena_top), h.start + h.used);
	h.used = end - h.start;
	put(at(&core, h.arena_top + SYSTEM_MEM), end - h.segment->start);
	put(at(&core, h.arena_top + SYSTEM_MEM + 8), end - h.segment->start);
	put(at(&core, free_word(&core, h.segment)), list);
	write_out(&h, argv[4]);
	(void)printf("ready %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		     " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		     h.blocks, 2 * cycles + 2 * alone, cycles,
		     units + 2 * cycles, units, ENTRIES * units + alone,
		     ENTRIES * units + alone);
	free(h.bytes);
	free(core.bytes);
	return 0;
}
