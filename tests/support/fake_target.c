/* SPDX-License-Identifier: MIT */
#include "support/fake_target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A test's setup must not go wrong silently, whatever NDEBUG says. */
#define must(truth) ((truth) ? (void)0 : broken_setup(#truth, __LINE__))

_Noreturn static void broken_setup(const char *what, int line)
{
	(void)fprintf(stderr, "fake_target.c:%d: %s does not hold\n", line,
		      what);
	abort();
}

static enum hs_status fake_fill(const struct hs_target *target,
				const struct hs_span *span, const uint8_t **ret,
				struct hs_error *err)
{
	/* The count is the test's own business, not a change of the target. */
	struct fake_target *t = (struct fake_target *)(uintptr_t)target;
	t->reads++;
	if (t->fail_at && t->reads == t->fail_at)
		return hs_fail_errno(
			err, EIO, "read number %lu fails by request", t->reads);
	*ret = span->bytes;
	return HS_OK;
}

static void fake_close(struct hs_target *target)
{
	hs_target_release(target);
}

static const struct hs_backend fake_backend = {
	.name = "fake",
	.summary = "a test's own arrays",
	.kind = HS_TARGET_CORE,
	.close = fake_close,
	.fill = fake_fill,
};

void fake_target_init(struct fake_target *t, enum hs_arch arch)
{
	memset(t, 0, sizeof(*t));
	hs_target_init(&t->base, &fake_backend);
	t->base.arch = arch;
	t->base.word_size = arch == HS_ARCH_I386 ? 4 : 8;
}

void fake_target_map_as(struct fake_target *t, hs_addr start, void *bytes,
			uint64_t len, unsigned prot, enum hs_map_kind kind,
			const char *path)
{
	must(t->piece_count < FAKE_MAX_PIECES);
	t->piece[t->piece_count++] = (struct fake_piece){ start, len, bytes };

	struct hs_span span = {
		.start = start,
		.len = len,
		.bytes = bytes,
		.state = HS_SPAN_BYTES,
	};
	must(hs_span_list_add(&t->base.spans, span, NULL) == HS_OK);

	char name[256] = "";
	if (path)
		(void)snprintf(name, sizeof(name), "%s", path);
	struct hs_map map = {
		.start = start,
		.end = start + len,
		.prot = prot,
		.kind = kind,
		.path = path ? name : NULL,
	};
	must(hs_map_list_add(&t->base.maps, &map, NULL) == HS_OK);
}

void fake_target_map(struct fake_target *t, hs_addr start, void *bytes,
		     uint64_t len, unsigned prot)
{
	fake_target_map_as(t, start, bytes, len, prot, HS_MAP_ANON, NULL);
}

void fake_target_hole(struct fake_target *t, hs_addr start, uint64_t len)
{
	struct hs_span span = {
		.start = start,
		.len = len,
		.state = HS_SPAN_NOT_CAPTURED,
	};
	must(hs_span_list_add(&t->base.spans, span, NULL) == HS_OK);
	struct hs_map map = {
		.start = start,
		.end = start + len,
		.prot = FAKE_RW,
		.kind = HS_MAP_ANON,
	};
	must(hs_map_list_add(&t->base.maps, &map, NULL) == HS_OK);
}

void fake_target_finish(struct fake_target *t)
{
	must(hs_target_finish(&t->base, NULL) == HS_OK);
}

/* The caller's byte behind ADDR, with LEN bytes of room. */
static uint8_t *byte_at(const struct fake_target *t, hs_addr addr, size_t len)
{
	for (size_t i = 0; i < t->piece_count; i++) {
		const struct fake_piece *p = &t->piece[i];
		if (addr >= p->start && addr - p->start < p->len) {
			must(p->len - (addr - p->start) >= len);
			return p->bytes + (addr - p->start);
		}
	}
	broken_setup("address is mapped", __LINE__);
}

void fake_target_put_uint(struct fake_target *t, hs_addr addr, size_t len,
			  uint64_t value)
{
	uint8_t *at = byte_at(t, addr, len);
	for (size_t i = 0; i < len; i++)
		at[t->base.big_endian ? len - 1 - i : i] =
			(uint8_t)(value >> 8 * i);
}

void fake_target_put(struct fake_target *t, hs_addr addr, uint64_t word)
{
	fake_target_put_uint(t, addr, t->base.word_size, word);
}

uint64_t fake_target_get(const struct fake_target *t, hs_addr addr)
{
	size_t len = t->base.word_size;
	const uint8_t *at = byte_at(t, addr, len);
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | at[t->base.big_endian ? i : len - 1 - i];
	return value;
}

void fake_target_fail_nth_read(struct fake_target *t, unsigned long nth)
{
	t->reads = 0;
	t->fail_at = nth;
	for (size_t i = 0; i < t->base.spans.count; i++) {
		struct hs_span *span = &t->base.spans.span[i];
		if (span->state == HS_SPAN_BYTES)
			span->state = HS_SPAN_LAZY;
	}
}

void fake_target_release(struct fake_target *t)
{
	hs_target_release(&t->base);
}
