/* SPDX-License-Identifier: MIT */
#ifndef CLI_SEARCH_SCAN_H
#define CLI_SEARCH_SCAN_H

#include <heapscan/target.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"
#include "cli/search_regex.h"

/* What is searched for; several threads may use it at once. */
struct search_pattern {
	enum search_kind kind;
	/* TEXT, HEX: the bytes. REGEX: bytes that are in whatever matches, none
	 * when that is not known. Owned. */
	uint8_t *bytes;
	size_t len;
	size_t rare[2];     /* places of the two rarest of these bytes */
	bool fold;          /* small letters stand for capitals as well */
	uint64_t low, high; /* POINTER, INTEGER: words from LOW to HIGH */
	unsigned width;     /* of a word, bytes */
	bool big_endian;
	struct search_regex *regex; /* owned */
};

/* Are these bytes text, as regular expressions are matched with? */
bool search_is_text(const uint8_t *bytes, size_t len);

/* Choose the rarest of the bytes, when they are complete. */
void search_pattern_settle(struct search_pattern *p);
void search_pattern_release(struct search_pattern *p);

/* Bytes in which hits may begin, and those behind them into which they go. */
struct search_piece {
	hs_addr at;
	const uint8_t *bytes;
	size_t own, len; /* OWN of LEN */
	bool inside;     /* BYTES[-1] is there as well */
	bool in_text;    /* it is text, wherever it is */
};

/* How many of the bytes of PIECE, at its end, could be the beginning of a hit
 * that goes on behind it. */
size_t search_unfinished(const struct search_pattern *p,
			 const struct search_piece *piece);
/* How many of the bytes that follow are needed to tell. */
size_t search_continued(const struct search_pattern *p, const uint8_t *bytes,
			size_t len);

/* False: enough. */
typedef bool (*search_hit_fn)(void *arg, hs_addr addr, uint64_t len);

/*
 * Call FN for all hits in PIECE, ascending; false: FN said so. *GAVE_UP grows
 * by the runs of text that were too much. WORKER is this thread's own, NULL but
 * for a REGEX.
 */
bool search_scan(const struct search_pattern *p,
		 struct search_regex_worker *worker,
		 const struct search_piece *piece, search_hit_fn fn, void *arg,
		 uint64_t *gave_up);

#endif
