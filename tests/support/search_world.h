/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_SEARCH_WORLD_H
#define SUPPORT_SEARCH_WORLD_H

#include "cli/search_scan.h"

/*
 * Promised of every search: the same hits whether memory is looked at as a
 * whole or in pieces of any size, and with or without looking first for bytes
 * that a regular expression needs.
 */

#define SEARCH_WORLD_HITS 4096
struct search_world {
	struct {
		uint64_t addr, len;
	} hit[SEARCH_WORLD_HITS];
	size_t count;
};

static inline bool search_world_hit(void *arg, hs_addr addr, uint64_t len)
{
	struct search_world *w = arg;
	if (w->count == SEARCH_WORLD_HITS)
		return false;
	w->hit[w->count].addr = addr;
	w->hit[w->count++].len = len;
	return true;
}

/* What P finds in LEN bytes at address AT, in pieces of STEP. */
static inline void search_world_find(const struct search_pattern *p,
				     struct search_regex_worker *worker,
				     hs_addr at, const uint8_t *bytes,
				     size_t len, size_t step,
				     struct search_world *ret)
{
	uint64_t gave_up = 0;
	ret->count = 0;
	for (size_t from = 0; from < len; from += step) {
		struct search_piece piece = {
			.at = at + from,
			.bytes = bytes + from,
			.own = len - from < step ? len - from : step,
			.len = len - from,
			.inside = from > 0,
		};
		if (!search_scan(p, worker, &piece, search_world_hit, ret,
				 &gave_up))
			return;
	}
}

static inline bool search_world_same(const struct search_world *a,
				     const struct search_world *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; same && i < a->count; i++)
		same = a->hit[i].addr == b->hit[i].addr &&
		       a->hit[i].len == b->hit[i].len;
	return same;
}

#endif
