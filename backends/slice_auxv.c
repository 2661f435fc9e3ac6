/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "backends/slice_modules.h"
#include "core/window.h"

/* Strings of the environment lie above the vector: ARG_MAX is 2 MiB, and the
 * kernel allows a quarter of the stack's limit, 6 MiB, at most. */
#define REACH ((uint64_t)6 << 20)
/* The kernel writes about twenty entries, types below 64. */
#define MAX_ENTRIES 64u
#define MAX_TYPE 63u

/*
 * The kernel puts the vector on the new stack, as pairs of words that end with
 * AT_NULL. No slice says where; what it must hold tells it from anything else.
 */
static bool ends_here(struct hs_window *w, hs_addr null, hs_addr start,
		      hs_addr *begin)
{
	unsigned word = w->word_size, n = 0;
	uint64_t type, value, need = 0;
	hs_addr at = null;
	while (n < MAX_ENTRIES && at - start >= 2 * word) {
		if (!hs_window_word(w, at - 2 * word, &type) ||
		    !hs_window_word(w, at - word, &value) || type == AT_NULL ||
		    type > MAX_TYPE)
			break;
		if (type == AT_PAGESZ && (value < 4096 || value > 1u << 20 ||
					  (value & (value - 1)) != 0))
			return false;
		need |= (uint64_t)1 << type;
		at -= 2 * word;
		n++;
	}
	uint64_t all = (uint64_t)1 << AT_PAGESZ | (uint64_t)1 << AT_PHDR |
		       (uint64_t)1 << AT_ENTRY | (uint64_t)1 << AT_RANDOM;
	*begin = at;
	return (need & all) == all;
}

static bool find_vector(const struct hs_target *target,
			const struct hs_map *map, hs_addr *begin, hs_addr *end)
{
	struct hs_window w;
	hs_window_init(&w, target);
	unsigned word = w.word_size;
	hs_addr low =
		map->end - map->start > REACH ? map->end - REACH : map->start;
	low = (low + 15) & ~(hs_addr)15;
	for (hs_addr at = low; at + 2 * word <= map->end; at += word) {
		uint64_t type, value;
		/* AT_NULL is two zeroes; look only where an entry may stand
		 * before it. */
		if (!hs_window_word(&w, at, &type)) {
			at = (at | 4095) + 1 - word; /* the next page */
			continue;
		}
		if (type != 0 || at - low < 2 * word ||
		    !hs_window_word(&w, at + word, &value) || value != 0 ||
		    !hs_window_word(&w, at - 2 * word, &type) || type == 0 ||
		    type > MAX_TYPE)
			continue;
		if (ends_here(&w, at, low, begin)) {
			*end = at + 2 * word;
			return true;
		}
	}
	return false;
}

enum hs_status hs_slice_auxv(struct hs_target *target, struct hs_error *err)
{
	for (size_t i = 0; i < target->maps.count; i++) {
		const struct hs_map *map = &target->maps.map[i];
		hs_addr begin, end;
		if (map->kind != HS_MAP_STACK ||
		    !find_vector(target, map, &begin, &end) || end <= begin)
			continue;
		size_t len = (size_t)(end - begin);
		uint8_t *auxv = malloc(len);
		if (!auxv)
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
		enum hs_status st =
			hs_target_read(target, begin, auxv, len, err);
		if (st) {
			free(auxv);
			return st;
		}
		target->auxv = auxv;
		target->auxv_len = len;
		return HS_OK;
	}
	return HS_OK;
}
