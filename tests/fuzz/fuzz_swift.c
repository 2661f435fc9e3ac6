/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "support/heap_builder.h"
#include "symbols/demangle.h"
#include "types/namer.h"
#include "types/swift_mangling.h"

/*
 * The namer of Swift objects alone, over arbitrary memory. The first two bytes
 * say where in the module a mangled name is read, the next two which context
 * its parameters are of; MODULE_LEN bytes are the module, the rest fills blocks
 * of BLOCK_LEN bytes. Distances are as they are; of addresses,
 *
 *	0xcafe 0000 0000 OFFS    MODULE + OFFS
 *	0xbeef 0000 NNNN OFFS    user pointer of block NNNN, plus OFFS
 *
 * What follows those four bytes is read as a symbol, too.
 *
 * Promised: it ends, whatever contains itself; names are there and fit; a
 * reference of a field lies within its block; a shape's slots exist.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MODULE UINT64_C(0x7f5500000000)
#define MODULE_LEN 0x4000u
#define BLOCKS 48u
#define BLOCK_LEN 136u

struct image {
	struct heap_builder hb;
	uint8_t module[MODULE_LEN];
	hs_addr user[BLOCKS];
	struct hs_heap *heap;
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* A heap takes longer to build than to name: one for all inputs. */
static struct image *image(void)
{
	static struct image *im;
	if (im)
		return im;
	im = calloc(1, sizeof(*im));
	require(im);
	hb_init(&im->hb, 36, HS_ARCH_X86_64);
	size_t chunk[BLOCKS], thread = hb_thread(&im->hb, HB_MAIN);
	hb_tcache(&im->hb, thread);
	fake_target_map(&im->hb.target, MODULE, im->module, MODULE_LEN,
			FAKE_RW);
	struct hs_module m = { .base = MODULE,
			       .end = MODULE + MODULE_LEN,
			       .path = (char[]){ "/lib/libswiftCore.so" } };
	require(!hs_module_list_add(&im->hb.target.base.modules, &m, NULL));
	for (unsigned i = 0; i < BLOCKS; i++)
		chunk[i] = hb_alloc(&im->hb, HB_MAIN, BLOCK_LEN);
	hb_finish(&im->hb);
	for (unsigned i = 0; i < BLOCKS; i++)
		im->user[i] = hb_user(&im->hb, chunk[i]);
	require(!hs_heap_scan(&im->hb.target.base, NULL, NULL, &im->heap,
			      NULL));
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

static size_t fill(struct image *im, hs_addr at, size_t room,
		   const uint8_t *data, size_t len)
{
	size_t part = len < room ? len : room;
	for (size_t i = 0; i + 8 <= room; i += 8) {
		uint64_t word = 0;
		if (i + 8 <= part)
			memcpy(&word, data + i, 8);
		fake_target_put(&im->hb.target, at + i, translate(im, word));
	}
	return part;
}

static bool check_field(void *arg, const struct hs_field_info *f)
{
	const struct hs_block *b = arg;
	require(f->name && strlen(f->name) < HS_LIMIT_STRING);
	require(!f->type || strlen(f->type) < HS_LIMIT_STRING);
	if (f->refers_to != HS_NO_ADDR)
		require(f->word % 8 == 0 && f->word + 8 <= b->usable);
	return true;
}

static bool check_detail(void *arg, const char *what, const char *value)
{
	(void)arg;
	require(what && value);
	return true;
}

static void name_all(struct hs_naming *n, void *state, bool late)
{
	const struct hs_namer *swift = &hs_namer_swift;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		uint32_t type;
		uint64_t retains;
		if (!hs_naming_block(n, i, &b) ||
		    !(late ? swift->claim_late(n, state, &b, &type)
			   : swift->claim(n, state, &b, &type)))
			continue;
		require(type < n->table.count && *n->table.type[type].name);
		swift->fields(n, state, &b, check_field, &b);
		swift->details(n, state, &b, check_detail, NULL);
		(void)swift->retains(n, state, &b, &retains);
	}
}

/* A symbol is a text that fits, or none. */
static void read_symbol(const uint8_t *data, size_t len)
{
	char name[1024] = "$s", text[512], cut[8];
	size_t part = len < sizeof(name) - 3 ? len : sizeof(name) - 3;
	memcpy(name + 2, data, part);
	name[2 + part] = 0;
	memset(text, 'x', sizeof(text));
	bool ok = hs_demangle(name, text, sizeof(text));
	require(!ok || memchr(text, 0, sizeof(text)));
	require(hs_demangle(name, cut, sizeof(cut)) == ok);
	require(!ok || memchr(cut, 0, sizeof(cut)));
}

static void demangle(struct hs_naming *n, unsigned at, unsigned context)
{
	char text[HS_LIMIT_STRING];
	struct hs_text out;
	struct hs_swift_shape shape;
	static struct hs_swift_shapes shapes;
	struct hs_swift_args args = { .at = MODULE + 0x100,
				      .context = MODULE + context };
	shapes = (struct hs_swift_shapes){ .steps = HS_LIMIT_SWIFT_TYPE_STEPS };
	hs_text_init(&out, text, sizeof(text));
	if (!hs_swift_demangle_shape(n, MODULE + at, &args, &out, &shapes,
				     &shape))
		return;
	require(out.len == strlen(text));
	require(shape.first + shape.count <= shapes.count);
	for (unsigned i = 0; i < shape.count; i++) {
		const struct hs_swift_slot *s = &shapes.slot[shape.first + i];
		require(s->name + s->name_len <= shapes.text_len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 4)
		return 0;
	struct image *im = image();
	read_symbol(data + 4, len - 4);
	unsigned at = (data[0] | (unsigned)data[1] << 8) % MODULE_LEN;
	unsigned context = (data[2] | (unsigned)data[3] << 8) % MODULE_LEN;
	data += 4;
	len -= 4;
	size_t part = fill(im, MODULE, MODULE_LEN, data, len);
	for (unsigned i = 0; i < BLOCKS; i++) {
		data += part;
		len -= part;
		part = fill(im, im->user[i], BLOCK_LEN, data, len);
	}
	struct hs_naming n = { .target = &im->hb.target.base,
			       .heap = im->heap,
			       .missing_module = SIZE_MAX };
	void *state = calloc(1, hs_namer_swift.state_size);
	require(state);
	hs_window_init(&n.block, n.target);
	hs_window_init(&n.meta, n.target);
	struct hs_block_index *index = NULL;
	require(!hs_block_index_new(im->heap, &index, NULL));
	n.finder.index = index;
	name_all(&n, state, false);
	name_all(&n, state, true);
	demangle(&n, at, context & ~3u);
	require(n.depth == 0 && !n.failed);
	hs_namer_swift.release(state);
	free(state);
	hs_block_index_free(index);
	hs_type_table_release(&n.table);
	return 0;
}
