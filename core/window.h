/* SPDX-License-Identifier: MIT */
#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include <endian.h>
#include <string.h>

#include "core/backend.h"
#include "core/prefetch.h"

/*
 * The last view of a target, kept: walks that move a little at a time look up
 * their span once, not once a word. One window for one walk; not shared.
 */
struct hs_window {
	const struct hs_target *target;
	hs_addr start; /* of the span, wherever in it was looked */
	uint64_t len;  /* bytes; 0: nothing viewed yet */
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

/* View the span at ADDR; false: w->why says why not, and the view stays. */
bool hs_window_move(struct hs_window *w, hs_addr addr);

/* hs_window_uint() of what is not in view. */
bool hs_window_uint_afar(struct hs_window *w, hs_addr addr, unsigned n,
			 uint64_t *ret);

/* N bytes (1 to 8) in view, OFF from its start. */
static inline uint64_t hs_window_get(const struct hs_window *w, uint64_t off,
				     unsigned n)
{
	const uint8_t *p = w->bytes + off;
	uint64_t v = 0;
	if (!w->big_endian && n == 8) {
		memcpy(&v, p, sizeof(v));
		return le64toh(v);
	}
	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[w->big_endian ? i : n - 1 - i];
	return v;
}

/* N bytes (1 to 8) at ADDR as an unsigned integer; false: not readable. */
static inline bool hs_window_uint(struct hs_window *w, hs_addr addr, unsigned n,
				  uint64_t *ret)
{
	uint64_t off = addr - w->start;
	if (off >= w->len || w->len - off < n)
		return hs_window_uint_afar(w, addr, n, ret);
	*ret = hs_window_get(w, off, n);
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

/* Is ADDR in view, with the rest of its word? */
static inline bool hs_window_has(const struct hs_window *w, hs_addr addr)
{
	return addr - w->start < w->len &&
	       w->len - (addr - w->start) >= w->word_size;
}

/* ADDR will be read soon: ask the caches for it, if it is in view. */
static inline void hs_window_ask(const struct hs_window *w, hs_addr addr)
{
	if (hs_window_has(w, addr))
		hs_prefetch(w->bytes + (addr - w->start));
}

/* One target word at ADDR; false: not readable, see w->why. */
static inline bool hs_window_word(struct hs_window *w, hs_addr addr,
				  uint64_t *ret)
{
	return hs_window_uint(w, addr, w->word_size, ret);
}

#endif
