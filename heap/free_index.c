/* SPDX-License-Identifier: MIT */
#include "heap/free_index.h"

#include <stdlib.h>
#include <string.h>

#include "core/grow.h"

enum hs_status hs_free_index_add(struct hs_free_index *index, hs_addr addr,
				 uint32_t list, struct hs_error *err)
{
	enum hs_status st = hs_grow(&index->claim, &index->capacity,
				    index->count, sizeof(*index->claim), err);
	if (st)
		return st;
	index->claim[index->count++] =
		(struct hs_claim){ .addr = addr, .list = list };
	return HS_OK;
}

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

/*
 * Radix sort, least digit first: stable, and linear where a comparison sort of
 * a few million free chunks would be the slowest part of a scan. Only the bits
 * in which the addresses differ take part.
 */
enum hs_status hs_free_index_sort(struct hs_free_index *index,
				  struct hs_error *err)
{
	size_t n = index->count;
	if (n < 2)
		return HS_OK;
	uint64_t differ = 0;
	for (size_t i = 1; i < n; i++)
		differ |= index->claim[i].addr ^ index->claim[0].addr;

	struct hs_claim *other = malloc(n * sizeof(*other));
	if (!other)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu claims",
			       n);
	struct hs_claim *from = index->claim, *to = other;
	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
		if ((differ >> shift & (DIGITS - 1)) == 0)
			continue;
		size_t start[DIGITS] = { 0 };
		for (size_t i = 0; i < n; i++)
			start[from[i].addr >> shift & (DIGITS - 1)]++;
		size_t sum = 0;
		for (size_t d = 0; d < DIGITS; d++) {
			size_t count = start[d];
			start[d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[start[from[i].addr >> shift & (DIGITS - 1)]++] =
				from[i];
		struct hs_claim *t = from;
		from = to;
		to = t;
	}
	index->claim = from;
	index->capacity = from == other ? n : index->capacity;
	free(to);
	return HS_OK;
}

size_t hs_free_index_from(const struct hs_free_index *index, hs_addr addr)
{
	size_t lo = 0, hi = index->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (index->claim[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void hs_free_index_release(struct hs_free_index *index)
{
	free(index->claim);
	*index = (struct hs_free_index){ 0 };
}
