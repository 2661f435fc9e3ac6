/* SPDX-License-Identifier: MIT */
#include "heap/bin_scan.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/word.h"

/* UNSEEN: it leads to memory that was not captured, so nothing speaks against
 * it. */
enum pair { PAIR_BAD, PAIR_ZERO, PAIR_UNSEEN, PAIR_SOUND, PAIR_EMPTY };

/* The pair whose words stand at AT heads a list, as a chunk at AT - 2W would.
 */
static enum pair look(struct hs_scan *scan, hs_addr at)
{
	unsigned w = scan->target->word_size;
	uint64_t fd, bk, back;
	hs_addr head = at - 2 * w;
	if (!hs_window_word(&scan->window, at, &fd) ||
	    !hs_window_word(&scan->window, at + w, &bk))
		return PAIR_BAD;
	if (fd == head && bk == head)
		return PAIR_EMPTY;
	if (fd == 0 && bk == 0)
		return PAIR_ZERO;
	if (fd % w != 0 || bk % w != 0 || fd == head || bk == head)
		return PAIR_BAD;
	struct hs_window *other = &scan->list_window;
	bool seen = true;
	if (!hs_window_word(other, fd + 3 * w, &back)) {
		if (other->why != HS_ERR_NOT_CAPTURED)
			return PAIR_BAD;
		seen = false;
	} else if (back != head) {
		return PAIR_BAD;
	}
	if (!hs_window_word(other, bk + 2 * w, &back)) {
		if (other->why != HS_ERR_NOT_CAPTURED)
			return PAIR_BAD;
		seen = false;
	} else if (back != head) {
		return PAIR_BAD;
	}
	return seen ? PAIR_SOUND : PAIR_UNSEEN;
}

/*
 * Damage breaks a few pairs at most: an overflow rarely hits libc's data, and
 * a use after free breaks one list at a time. Then some stretch of sound pairs
 * is at least this long, which spares other programs' list heads the search.
 */
#define BROKEN_ALLOWED 8u
#define LONG_STRETCH (HS_BIN_PAIRS / (BROKEN_ALLOWED + 1) - 1)

/* How many pairs before or behind SEED the last sound one stands, when up to
 * *BROKEN others may lie between; these are taken off. */
static size_t reach(struct hs_scan *scan, hs_addr seed, bool down,
		    unsigned *broken)
{
	unsigned pair = 2 * scan->target->word_size;
	size_t last = 0;
	unsigned gap = 0;
	for (size_t i = 1; i <= HS_BIN_PAIRS; i++) {
		if (down ? seed < i * pair : seed > UINT64_MAX - i * pair)
			break;
		hs_addr at = down ? seed - i * pair : seed + i * pair;
		enum pair p = look(scan, at);
		/* Behind a broken one, what cannot be seen is as likely two
		 * pointers of somebody else. */
		if (p >= PAIR_SOUND || (p == PAIR_UNSEEN && gap == 0)) {
			*broken -= gap;
			gap = 0;
			last = i;
		} else if (++gap > *broken) {
			break;
		}
	}
	return last;
}

/* A run around the empty pair at SEED, of *LEN pairs from *START on. */
static void extend(struct hs_scan *scan, hs_addr seed, hs_addr *start,
		   size_t *len)
{
	unsigned broken = 0;
	size_t before = reach(scan, seed, true, &broken);
	size_t behind = reach(scan, seed, false, &broken);
	size_t n = before + behind + 1;
	if (n < HS_BIN_PAIRS && n >= LONG_STRETCH) {
		broken = BROKEN_ALLOWED;
		before = reach(scan, seed, true, &broken);
		behind = reach(scan, seed, false, &broken);
	}
	*start = seed - before * 2 * scan->target->word_size;
	*len = before + behind + 1;
}

static enum hs_status add(struct hs_bin_runs *runs, hs_addr bins, bool exact,
			  struct hs_error *err)
{
	enum hs_status st = hs_grow(&runs->run, &runs->capacity, runs->count,
				    sizeof(*runs->run), err);
	if (st)
		return st;
	runs->run[runs->count++] = (struct hs_bin_run){ bins, exact };
	return HS_OK;
}

/* The LEN pairs from START on as an arena's bins, if that many can be. */
static enum hs_status add_run(struct hs_scan *scan, struct hs_bin_runs *runs,
			      hs_addr start, size_t len, struct hs_error *err)
{
	unsigned pair = 2 * scan->target->word_size;
	if (len > HS_BIN_PAIRS || len < HS_BIN_PAIRS - BROKEN_ALLOWED)
		return HS_OK;
	size_t missing = HS_BIN_PAIRS - len;
	for (size_t i = 0; i <= missing && i * pair <= start; i++) {
		hs_addr bins = start - i * pair;
		bool exact = len == HS_BIN_PAIRS &&
			     hs_bins_sound(scan, bins, NULL) == HS_BIN_PAIRS;
		enum hs_status st = add(runs, bins, exact, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* One view's bytes: an empty pair is a seed for a run. */
static enum hs_status scan_bytes(struct hs_scan *scan, hs_addr at,
				 const uint8_t *bytes, uint64_t len,
				 struct hs_bin_runs *runs, struct hs_error *err)
{
	unsigned w = scan->target->word_size;
	hs_addr skip = 0; /* already part of a run that was looked at */
	for (uint64_t off = 0; off + 2 * w <= len; off += w) {
		hs_addr head = at + off - 2 * w;
		uint64_t fd = hs_word_at(bytes + off, w);
		if (fd != head || hs_word_at(bytes + off + w, w) != head ||
		    at + off < skip)
			continue;
		hs_addr start;
		size_t run;
		extend(scan, at + off, &start, &run);
		enum hs_status st = add_run(scan, runs, start, run, err);
		if (st)
			return st;
		skip = start + run * 2 * w;
	}
	return HS_OK;
}

enum hs_status hs_bin_scan(struct hs_scan *scan, hs_addr start, hs_addr end,
			   struct hs_bin_runs *runs, struct hs_error *err)
{
	unsigned w = scan->target->word_size;
	for (hs_addr at = hs_align_up(start, w); at < end;) {
		hs_addr behind =
			hs_span_list_skip_zeroes(&scan->target->spans, at);
		if (behind > at) {
			at = hs_align_up(behind, w);
			continue;
		}
		const uint8_t *bytes;
		uint64_t len;
		struct hs_error why; /* a hole is no error of ours */
		enum hs_status st =
			hs_target_view(scan->target, at, &bytes, &len, &why);
		if (st && st != HS_ERR_UNMAPPED && st != HS_ERR_NOT_CAPTURED) {
			if (err)
				*err = why;
			return st;
		}
		if (st) {
			const struct hs_span *next =
				hs_span_list_from(&scan->target->spans, at);
			if (!next)
				return HS_OK;
			at = next->start > at ? next->start
					      : next->start + next->len;
			at = hs_align_up(at, w);
			continue;
		}
		if (len > end - at)
			len = end - at;
		st = scan_bytes(scan, at, bytes, len, runs, err);
		if (st)
			return st;
		at += len;
		at = hs_align_up(at, w);
	}
	return HS_OK;
}

void hs_bin_runs_release(struct hs_bin_runs *runs)
{
	free(runs->run);
	*runs = (struct hs_bin_runs){ 0 };
}

unsigned hs_bins_sound(struct hs_scan *scan, hs_addr bins, unsigned *zeroes)
{
	unsigned pair = 2 * scan->target->word_size;
	unsigned sound = 0, zero = 0;
	for (unsigned i = 0; i < HS_BIN_PAIRS; i++) {
		enum pair p = look(scan, bins + i * pair);
		sound += p >= PAIR_UNSEEN;
		zero += p == PAIR_ZERO;
	}
	if (zeroes)
		*zeroes = zero;
	return sound;
}
