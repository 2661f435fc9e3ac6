/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "support/search_world.h"

/*
 * A regular expression up to the first zero byte, then memory. What is promised
 * stands in search_world.h.
 */
#define MAX_PATTERN 64u
#define MAX_MEMORY 2048u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct search_world whole, other;
	const uint8_t *zero = memchr(data, 0, len);
	char pattern[MAX_PATTERN + 1] = "", why[128];
	uint8_t literal[MAX_PATTERN + 1];
	if (!zero || (size_t)(zero - data) > MAX_PATTERN)
		return 0;
	memcpy(pattern, data, (size_t)(zero - data));
	len -= (size_t)(zero + 1 - data);
	if (len > MAX_MEMORY)
		len = MAX_MEMORY;
	/* Of its own, so that a sanitizer sees a read behind it. */
	HS_AUTO_FREE uint8_t *memory = malloc(len + 1);
	struct search_pattern p = { .kind = SEARCH_REGEX };
	p.regex = search_regex_new(pattern, why, sizeof(why));
	struct search_regex_worker *worker =
		p.regex ? search_regex_worker_new(p.regex) : NULL;
	if (worker && memory) {
		memcpy(memory, zero + 1, len);
		search_world_find(&p, worker, 0x1000, memory, len, MAX_MEMORY,
				  &whole);
		search_regex_literal(pattern, literal, &p.len, &p.fold);
		p.bytes = literal;
		if (!search_is_text(literal, p.len))
			p.len = 0;
		search_pattern_settle(&p);
		for (size_t step = MAX_MEMORY; step; step /= 7) {
			search_world_find(&p, worker, 0x1000, memory, len, step,
					  &other);
			if (!search_world_same(&whole, &other))
				abort();
		}
	}
	search_regex_worker_free(worker);
	search_regex_free(p.regex);
	return 0;
}
