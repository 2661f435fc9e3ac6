/* SPDX-License-Identifier: MIT */
#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include <endian.h>
#include <string.h>

#include "core/backend.h"

/*
 * The last view of a target, kept: walks that move a little at a time look up
 * their span once, not once a word. One window for one walk; not shared.
 */
struct hs_window {
	const struct hs_target *target;
	hs_addr start;
	uint64_t len; /* bytes; 0: nothing viewed yet */
	const uint8_t *bytes;
	unsigned word_size;
	bool big_endian;
	enum hs_status why; /* why the last read failed */
	/* The first read that failed although the memory was captured (a disk,
	 * a decoder): HS_OK while there was none. What was concluded since
	 * then is worth nothing. */
	enum hs_status failed;
	hs_addr failed_at;
};

static inline void hs_window_init(struct hs_window *w,
				  const struct hs_target *target)
{
	*w = (struct hs_window){
		.target = target,
		.word_size = target->word_size,
		.big_endian = target->big_endian,
	};
}

static inline bool hs_window_fails(struct hs_window *w, enum hs_status why,
				   hs_addr addr)
{
	w->why = why;
	if (why != HS_ERR_UNMAPPED && why != HS_ERR_NOT_CAPTURED &&
	    !w->failed) {
		w->failed = why;
		w->failed_at = addr;
	}
	return false;
}

/* View the span at ADDR; false: w->why says why not. */
static inline bool hs_window_move(struct hs_window *w, hs_addr addr)
{
	const uint8_t *bytes;
	uint64_t len;
	enum hs_status st = hs_target_view(w->target, addr, &bytes, &len, NULL);
	if (st) {
		w->len = 0;
		return hs_window_fails(w, st, addr);
	}
	w->start = addr;
	w->bytes = bytes;
	w->len = len;
	return true;
}

/* N bytes (1 to 8) at ADDR as an unsigned integer; false: not readable. */
static inline bool hs_window_uint(struct hs_window *w, hs_addr addr, unsigned n,
				  uint64_t *ret)
{
	uint64_t off = addr - w->start;
	if (off >= w->len || w->len - off < n) {
		if (!hs_window_move(w, addr))
			return false;
		if (w->len < n) { /* across two spans: rare, the slow way */
			enum hs_status st = hs_target_read_uint(w->target, addr,
								n, ret, NULL);
			return !st || hs_window_fails(w, st, addr);
		}
		off = 0;
	}
	const uint8_t *p = w->bytes + off;
	if (!w->big_endian && n == 8) {
		uint64_t v;
		memcpy(&v, p, sizeof(v));
		*ret = le64toh(v);
		return true;
	}
	uint64_t v = 0;
	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[w->big_endian ? i : n - 1 - i];
	*ret = v;
	return true;
}

/* The bytes from ADDR to the end of its span, *LEN of them; NULL: not readable,
 * see w->why. */
static inline const uint8_t *hs_window_bytes(struct hs_window *w, hs_addr addr,
					     uint64_t *len)
{
	if (addr - w->start >= w->len && !hs_window_move(w, addr))
		return NULL;
	*len = w->len - (addr - w->start);
	return w->bytes + (addr - w->start);
}

/* One target word at ADDR; false: not readable, see w->why. */
static inline bool hs_window_word(struct hs_window *w, hs_addr addr,
				  uint64_t *ret)
{
	return hs_window_uint(w, addr, w->word_size, ret);
}

#endif
