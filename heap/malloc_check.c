/* SPDX-License-Identifier: MIT */
#include "heap/malloc_check.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"

/* Blocks looked at before the rest: by chance one in some hundred has a tail
 * like that. */
#define SAMPLE 64u
#define LEAST 4u

/* libc's own copy was given up with 2.34. */
static bool may_be_checked(const struct hs_scan *scan)
{
	const struct hs_heap *heap = scan->heap;
	if (heap->module == SIZE_MAX)
		return true;
	const char *path = scan->target->modules.module[heap->module].path;
	if (path && strstr(path, "/libc_malloc_debug.so"))
		return true;
	return heap->version < 34; /* 0: it is not known */
}

/*
 * The byte made from the chunk's address stands behind the last one asked for.
 * From the end of the chunk, each byte before that one tells how far down the
 * next one to look at is; none may be zero. *SLACK is what is not usable.
 */
static bool tail_of(struct hs_scan *scan, const struct hs_chunk *c,
		    uint16_t *slack)
{
	hs_addr at = c->addr;
	uint64_t magic = (at >> 3 ^ at >> 11) & 0xff;
	magic += magic == 1;
	uint64_t room = hs_chunk_usable(scan->heap, c), byte;
	hs_addr user = at + scan->heap->layout.header;
	for (uint64_t pos = room; pos > 0;) {
		if (!hs_window_uint(&scan->window, user + pos - 1, 1, &byte))
			return false;
		if (byte == magic) {
			if (room - (pos - 1) > UINT16_MAX)
				return false;
			*slack = (uint16_t)(room - (pos - 1));
			return true;
		}
		if (byte == 0 || byte >= pos)
			return false;
		pos -= byte;
	}
	return false;
}

static bool in_use(const struct hs_chunk *c)
{
	return c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED;
}

enum hs_status hs_malloc_check_find(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	unsigned seen = 0, marked = 0;
	uint16_t slack;
	if (!may_be_checked(scan))
		return HS_OK;
	for (size_t i = 0; i < heap->chunk_count && seen < SAMPLE; i++) {
		if (!in_use(&heap->chunks[i]))
			continue;
		seen++;
		marked += tail_of(scan, &heap->chunks[i], &slack);
	}
	/* What libc allocates for itself may have come before, unchecked; a
	 * block that was overrun has lost its byte. */
	if (marked < LEAST || marked * 4 < seen * 3)
		return HS_OK;
	HS_AUTO_FREE uint16_t *all = calloc(heap->chunk_count, sizeof(*all));
	if (!all)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < heap->chunk_count; i++)
		if (in_use(&heap->chunks[i]) &&
		    tail_of(scan, &heap->chunks[i], &slack))
			all[i] = slack;
	heap->slack = HS_TAKE(all);
	return hs_finding_add(
		&heap->findings, HS_FINDING_MALLOC_CHECK, HS_NO_ADDR, err,
		"MALLOC_CHECK_ is on: usable sizes are what the "
		"program asked for, a byte behind them is malloc's");
}
