/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <heapscan/damage.h>

#include "support/heap_expect.h"
#include "support/heap_scenario.h"

/*
 * The heap walk over hostile memory. Noise alone would be no heap at all, so a
 * sound heap is damaged: the input's first three bytes choose release, machine
 * and shape, and each twelve bytes that follow change one word of it, at a
 * place and to a value that matters more often than not.
 *
 * Promised: the scan ends soon, with a heap or with a reason why there is
 * none; a heap's chunks ascend without overlap, have one state each, and sum
 * up (hb_promises_broken()).
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define RECORD 12u
#define MAX_RECORDS 64u
#define SECONDS_ALLOWED 10 /* of processor time, sanitizers included */

static const unsigned versions[] = { 17, 23, 26, 28, 31, 36, 41, 42, 43, 44 };
#define VERSION_COUNT (sizeof(versions) / sizeof(versions[0]))
#define ARCH_COUNT 3u
#define SHAPES 32u /* all of heap_scenario.h's flags */

struct image {
	struct heap_builder hb;
	struct hb_scene scene;
};

/* What a change replaced. */
struct undo {
	struct {
		hs_addr at;
		uint64_t word;
	} word[MAX_RECORDS];
	size_t words;
	struct {
		size_t span;
		struct hs_span was;
	} span[MAX_RECORDS];
	size_t spans;
};

/* Building takes longer than scanning: each image is built once. */
static struct image *image(unsigned version, unsigned arch, unsigned shape)
{
	static struct image *images[VERSION_COUNT][ARCH_COUNT][SHAPES];
	struct image **slot = &images[version][arch][shape];
	if (!*slot) {
		*slot = calloc(1, sizeof(**slot));
		if (!*slot)
			abort();
		hb_build(&(*slot)->hb, versions[version], (enum hs_arch)arch,
			 shape, &(*slot)->scene);
	}
	return *slot;
}

static const struct hb_chunk *chunk(const struct heap_builder *hb, unsigned i)
{
	return &hb->chunk[i % hb->chunk_count];
}

/* A place that the allocator trusts, or any. */
static hs_addr place(const struct heap_builder *hb, unsigned area,
		     unsigned index, unsigned sub)
{
	unsigned w = hb->word;
	const uint32_t *size = hb->layout.struct_size;
	const struct hb_thread *t = &hb->thread[sub % hb->thread_count];
	const struct fake_piece *p;
	hs_addr at;
	switch (area % 10) {
	case 0:
		return hb->arena[sub % hb->arena_count].addr +
		       index * w % size[HS_STRUCT_ARENA];
	case 1:
		return hb->malloc_par + index * w % size[HS_STRUCT_PAR];
	case 2:
		return sub % 2 ? hb_tls_arena(hb, index % hb->thread_count)
			       : hb_tls_tcache(hb, index % hb->thread_count);
	case 3: /* size */
		return chunk(hb, index)->addr + w;
	case 4: /* prev_size, fd, bk, the nextsize ring */
		return chunk(hb, index)->addr + (sub % 2 ? 0 : sub % 6 * w);
	case 5: /* the links and sizes of free chunks: they come late */
		at = chunk(hb, 400 + index % 140)->addr;
		return at + (1 + sub % 3) * w;
	case 6: /* heap_info */
		at = hb_heap_info(hb, 1, index % 3);
		return at + sub * w % size[HS_STRUCT_HEAP];
	case 7:
		if (t->tcache == HB_NONE)
			return hb->arena[0].addr;
		return hb_user(hb, t->tcache) +
		       index * w % size[HS_STRUCT_TCACHE];
	case 8: /* tops */
		return hb_addr(hb, hb->arena[index % hb->arena_count].top) +
		       (sub % 2) * w;
	default:
		p = &hb->target.piece[sub % hb->target.piece_count];
		return p->start + (uint64_t)index * 64 % p->len / w * w;
	}
}

static uint64_t value(const struct heap_builder *hb, hs_addr at, uint64_t old,
		      unsigned mode, uint64_t raw)
{
	unsigned low = (unsigned)(raw & 0xffff);
	hs_addr target = chunk(hb, low)->addr;
	switch (mode % 12) {
	case 0:
		return raw;
	case 1:
		return target;
	case 2:
		return target + hb->header;
	case 3:
		return old ^ UINT64_C(1) << low % (8 * hb->word);
	case 4:
		return old + (low & 0xff) * 8;
	case 5:
		return old - (low & 0xff) * 8;
	case 6:
		return hb_bin_head(hb, low % hb->arena_count,
				   1 + (low >> 4) % HS_BIN_LAST);
	case 7:
		return hb_protect(hb, at, target + hb->header);
	case 8:
		return hb_protect(hb, at, target);
	case 9: /* a plausible size */
		return (uint64_t)low * hb->align | (raw >> 16 & 7);
	case 10: /* as large as it gets */
		return UINT64_MAX - (low & 0xff);
	default:
		return hb->arena[low % hb->arena_count].addr;
	}
}

static bool is_mapped(const struct heap_builder *hb, hs_addr at)
{
	for (size_t i = 0; i < hb->target.piece_count; i++) {
		const struct fake_piece *p = &hb->target.piece[i];
		if (at >= p->start && at - p->start + hb->word <= p->len)
			return true;
	}
	return false;
}

/* A change of one word, or a piece of memory that was not captured. */
static void change(struct heap_builder *hb, const uint8_t *r, struct undo *undo)
{
	unsigned index = r[1] | (unsigned)r[2] << 8;
	uint64_t raw = 0;
	for (unsigned i = 0; i < 7; i++)
		raw |= (uint64_t)r[5 + i] << (8 * i);
	if (r[0] >= 250) {
		struct hs_span_list *spans = &hb->target.base.spans;
		size_t i = index % spans->count;
		undo->span[undo->spans].span = i;
		undo->span[undo->spans++].was = spans->span[i];
		spans->span[i].state = HS_SPAN_NOT_CAPTURED;
		spans->span[i].bytes = NULL;
		/* Without the arenas the chunks alone must do. */
		hb->target.base.complete = false;
		return;
	}
	hs_addr at = place(hb, r[0], index, r[3]);
	at &= ~(hs_addr)(hb->word - 1);
	if (!is_mapped(hb, at)) /* a fencepost's would-be links */
		return;
	uint64_t old = fake_target_get(&hb->target, at);
	undo->word[undo->words].at = at;
	undo->word[undo->words++].word = old;
	fake_target_put(&hb->target, at, value(hb, at, old, r[4], raw));
}

static void restore(struct heap_builder *hb, const struct undo *undo)
{
	for (size_t i = undo->words; i-- > 0;)
		fake_target_put(&hb->target, undo->word[i].at,
				undo->word[i].word);
	for (size_t i = undo->spans; i-- > 0;)
		hb->target.base.spans.span[undo->span[i].span] =
			undo->span[i].was;
	hb->target.base.complete = true;
}

static double cpu_seconds(void)
{
	struct timespec ts;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) != 0)
		abort();
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void broken_promise(const char *what)
{
	(void)fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* Whatever was found, it can be explained: soon, and with chunks that exist. */
static void diagnose(struct heap_builder *hb, const struct hs_heap *heap)
{
	struct hs_damage *damage = NULL;
	double before = cpu_seconds();
	if (hs_damage_diagnose(&hb->target.base, heap, &damage, NULL))
		broken_promise("damage is a result, not an error");
	if (cpu_seconds() - before > SECONDS_ALLOWED)
		broken_promise("a diagnosis ends soon");
	size_t chunks = hs_heap_chunk_count(heap);
	if (hs_damage_count(damage) && !hb_problems(heap, NULL, HS_DAMAGE))
		broken_promise("what is not damaged has no diagnosis");
	for (size_t i = 0; i < hs_damage_count(damage); i++) {
		struct hs_diagnosis d;
		hs_damage_at(damage, i, &d);
		if (!d.message || !d.findings ||
		    (d.suspect_chunk >= chunks &&
		     d.suspect_chunk != SIZE_MAX) ||
		    (d.victim_chunk >= chunks && d.victim_chunk != SIZE_MAX))
			broken_promise("a diagnosis names chunks of the heap");
	}
	hs_damage_free(damage);
}

static void scan(struct heap_builder *hb, bool sound)
{
	struct hs_heap *heap = NULL;
	struct hs_error err = { .text = "" };
	double before = cpu_seconds();
	enum hs_status st =
		hs_heap_scan(&hb->target.base, NULL, NULL, &heap, &err);
	if (cpu_seconds() - before > SECONDS_ALLOWED)
		broken_promise("a scan ends soon");
	if (st) {
		if (heap)
			broken_promise("outputs are written on success");
		if (!err.text[0] || err.code != st)
			broken_promise("an error says what was wrong");
		if (st != HS_ERR_NO_HEAP) {
			(void)fprintf(stderr, "%s: %s\n", hs_status_name(st),
				      err.text);
			broken_promise("a bad heap is a result, not an error");
		}
		return;
	}
	if (hb_promises_broken(heap))
		broken_promise("a heap is consistent");
	if (sound && hb_differences(hb, heap))
		broken_promise("a sound heap is told as it is");
	diagnose(hb, heap);
	hs_heap_free(heap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 3)
		return 0;
	struct image *im = image(data[0] % VERSION_COUNT, data[1] % ARCH_COUNT,
				 data[2] % SHAPES);
	struct undo undo = { .words = 0 };
	size_t records = (len - 3) / RECORD;
	if (records > MAX_RECORDS)
		records = MAX_RECORDS;
	for (size_t i = 0; i < records; i++)
		change(&im->hb, data + 3 + i * RECORD, &undo);
	scan(&im->hb, records == 0);
	restore(&im->hb, &undo);
	return 0;
}
