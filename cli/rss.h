/* SPDX-License-Identifier: MIT */
#ifndef CLI_RSS_H
#define CLI_RSS_H

#include "cli/cli.h"

/* All in bytes, unless said otherwise. */
struct rss_part {
	uint64_t count; /* chunks */
	uint64_t bytes; /* with headers */
	uint64_t resident;
};
struct rss_arena {
	hs_addr addr; /* HS_NO_ADDR: chunks with mappings of their own */
	bool is_main;
	struct rss_part state[HS_CHUNK_STATE_COUNT];
	struct rss_part all;
	/* What malloc_trim(0) would give back: whole resident pages of free
	 * chunks, and those at the end of the main arena. */
	uint64_t trim_inside, trim_top;
};

/* Pages, resident and at most a quarter in use, by what keeps them. */
struct rss_pin {
	uint64_t size; /* chunk size of the largest part */
	uint64_t pages, free;
};
#define RSS_PINS 1025 /* sizes in steps of 16; the last: larger */

enum rss_verdict {
	RSS_LIVE,          /* the program holds it */
	RSS_TRIM,          /* free, and could be given back */
	RSS_FRAGMENTATION, /* free, between blocks in use */
	RSS_ARENAS,        /* free, in many arenas */
	RSS_CACHES,        /* free, in threads' caches */
};

struct rss_view {
	bool from_pagemap; /* else: pages that are not all zero */
	uint64_t page;     /* bytes */
	uint64_t kernel;   /* the process's own resident size; HS_UNKNOWN */
	struct rss_arena *arena;
	size_t arena_count; /* the last one is for mmapped chunks */
	struct rss_arena total;
	uint64_t usable; /* of blocks in use: without headers */
	struct rss_pin pin[RSS_PINS];
	uint64_t pinned_pages, pinned_free;
	enum rss_verdict verdict;
};

const char *rss_verdict_name(enum rss_verdict verdict);
const char *rss_verdict_text(enum rss_verdict verdict);
/* What is free and yet resident. */
uint64_t rss_free(const struct rss_arena *arena);
void out_json_rss(struct cli *cli, const struct rss_view *view);

#endif
