/* SPDX-License-Identifier: MIT */
#include "core/window.h"

static bool fails(struct hs_window *w, enum hs_status why, hs_addr addr)
{
	w->why = why;
	if (why != HS_ERR_UNMAPPED && why != HS_ERR_NOT_CAPTURED &&
	    !w->failed) {
		w->failed = why;
		w->failed_at = addr;
	}
	return false;
}

/* The whole span, not what is behind ADDR: walks go down as well as up. */
bool hs_window_move(struct hs_window *w, hs_addr addr)
{
	enum hs_status st = hs_target_view_span(w->target, addr, &w->start,
						&w->bytes, &w->len, NULL);
	return !st || fails(w, st, addr);
}

bool hs_window_uint_afar(struct hs_window *w, hs_addr addr, unsigned n,
			 uint64_t *ret)
{
	if (!hs_window_move(w, addr))
		return false;
	uint64_t off = addr - w->start;
	if (w->len - off >= n) {
		*ret = hs_window_get(w, off, n);
		return true;
	}
	/* Across two spans: rare, the slow way. */
	enum hs_status st = hs_target_read_uint(w->target, addr, n, ret, NULL);
	return !st || fails(w, st, addr);
}
