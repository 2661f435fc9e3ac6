/* SPDX-License-Identifier: MIT */
#ifndef CLI_RSS_H
#define CLI_RSS_H

#include "cli/cli.h"
#include "cli/fold.h"

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

/* Pages, resident and at most a quarter in use, by what keeps them: the class
 * of the block that has the largest part of each. */
struct rss_pin {
	uint32_t class;  /* of the view's FOLD; RSS_PIN_*: no block in use */
	uint64_t blocks; /* how many have a largest part */
	uint64_t pages, free;
};
#define RSS_PIN_CACHE (FOLD_NONE - 1) /* free, in threads' caches */
#define RSS_PIN_INTERNAL (FOLD_NONE - 2)

/* Where a process's resident memory is, as the kernel says, in bytes. */
struct rss_process {
	uint64_t all; /* HS_UNKNOWN: not to be known */
	uint64_t files, stacks;
	uint64_t other; /* neither those nor heap; HS_UNKNOWN: it has changed
			 * since the heap was seen */
};

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
	struct rss_process process;
	struct rss_arena *arena;
	size_t arena_count; /* the last one is for mmapped chunks */
	struct rss_arena total;
	uint64_t usable;     /* of blocks in use: without headers */
	struct fold fold;    /* what the classes are */
	struct rss_pin *pin; /* most pages first */
	size_t pin_count;
	uint64_t pinned_pages, pinned_free;
	enum rss_verdict verdict;
};

const char *rss_verdict_name(enum rss_verdict verdict);
/* What pins, not escaped; BUF has room for FOLD_TEXT bytes. */
const char *rss_pin_text(const struct rss_view *view, const struct rss_pin *pin,
			 char *buf);
/* Fill in view->process, whose heap's resident bytes are HEAP. */
void rss_ask_kernel(const struct cli *cli, uint64_t heap,
		    struct rss_process *ret);
void out_json_rss(struct cli *cli, const struct rss_view *view);

#endif
