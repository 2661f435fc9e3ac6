/* SPDX-License-Identifier: MIT */
#include "tls/self_pointers.h"

#include <stdlib.h>

#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/grow.h"
#include "core/limits.h"

/* Thread control blocks are aligned to 64 bytes, to 16 in old releases. */
#define STEP 16u

struct found {
	hs_addr *tp;
	size_t count, capacity;
};

static uint64_t word_at(const struct hs_target *target, const uint8_t *at)
{
	struct hs_cursor c = { .pos = at,
			       .end = at + target->word_size,
			       .big_endian = target->big_endian };
	return hs_cursor_uint(&c, target->word_size);
}

/* Beside the self-pointers: a DTV that can be read and counts something, and
 * a tid where one belongs. */
static bool looks_alive(const struct hs_target *target,
			const struct hs_thread_offsets *offsets, hs_addr tp)
{
	uint64_t tid_at = offsets->tid;
	uint64_t dtv, count, tid;
	unsigned w = target->word_size;
	if (tid_at == HS_NO_OFFSET)
		tid_at = target->arch == HS_ARCH_X86_64 ? 720 : 104;
	return !hs_target_read_word(target, tp + w, &dtv, NULL) &&
	       dtv >= 2 * w &&
	       !hs_target_read_word(target, dtv - 2 * w, &count, NULL) &&
	       count > 0 && count <= HS_LIMIT_TLS_MODULES &&
	       !hs_target_read_uint(target, tp + tid_at, 4, &tid, NULL) &&
	       tid > 0 && tid <= HS_LIMIT_THREADS;
}

static enum hs_status scan_bytes(const struct hs_target *target,
				 const struct hs_thread_offsets *offsets,
				 hs_addr start, const uint8_t *bytes,
				 uint64_t len, struct found *found,
				 struct hs_error *err)
{
	unsigned w = target->word_size;
	/* {tcb, dtv, self}: the first and the third word */
	for (uint64_t i = -start & (STEP - 1); i + 3 * w <= len; i += STEP) {
		hs_addr at = start + i;
		if (word_at(target, bytes + i) != at ||
		    word_at(target, bytes + i + 2 * w) != at ||
		    !looks_alive(target, offsets, at))
			continue;
		if (found->count == HS_LIMIT_THREADS)
			return HS_OK;
		enum hs_status st =
			hs_grow(&found->tp, &found->capacity, found->count,
				sizeof(*found->tp), err);
		if (st)
			return st;
		found->tp[found->count++] = at;
	}
	return HS_OK;
}

enum hs_status hs_self_pointers_scan(const struct hs_target *target,
				     const struct hs_thread_offsets *offsets,
				     hs_addr **ret, size_t *count,
				     struct hs_error *err)
{
	struct found found = { 0 };
	if (target->arch == HS_ARCH_AARCH64) {
		*ret = NULL;
		*count = 0;
		return HS_OK;
	}
	for (size_t i = 0; i < target->spans.count; i++) {
		const struct hs_span *span = &target->spans.span[i];
		const uint8_t *bytes;
		uint64_t len;
		/* File pages hold no thread; unreadable ones are no reason to
		 * give up the others. */
		if (span->from_file || span->state == HS_SPAN_NOT_CAPTURED ||
		    hs_target_view(target, span->start, &bytes, &len, NULL))
			continue;
		enum hs_status st = scan_bytes(target, offsets, span->start,
					       bytes, len, &found, err);
		if (st) {
			free(found.tp);
			return st;
		}
	}
	*ret = found.tp;
	*count = found.count;
	return HS_OK;
}
