/* SPDX-License-Identifier: MIT */
#include "backends/live_room.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <heapscan/crew.h>

#include "core/grow.h"

/* Debian 12's headers know it, older ones do not (Linux 5.14). */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define HUGE_PAGE ((uintptr_t)2 << 20)
/* A part is so large that handing it out costs nothing. */
#define PART ((uint64_t)64 << 20)

void hs_room_list_release(struct hs_room_list *list)
{
	free(list->room);
	*list = (struct hs_room_list){ 0 };
}

enum hs_status hs_room_add(struct hs_room_list *list, uint8_t *at, uint64_t len,
			   struct hs_error *err)
{
	while (len > 0) {
		enum hs_status st =
			hs_grow(&list->room, &list->capacity, list->count,
				sizeof(*list->room), err);
		if (st)
			return st;
		/* No huge page is cut in two. */
		uint64_t n = PART - ((uintptr_t)at + PART) % HUGE_PAGE;
		if (len < 2 * PART)
			n = len;
		list->room[list->count++] = (struct hs_room){ at, n };
		at += n;
		len -= n;
	}
	return HS_OK;
}

static enum hs_status provide(void *arg, unsigned worker, size_t piece,
			      struct hs_error *err)
{
	const struct hs_room_list *list = arg;
	const struct hs_room *room = &list->room[piece];
	uintptr_t lo = ((uintptr_t)room->at + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	uintptr_t hi =
		((uintptr_t)room->at + (uintptr_t)room->len) & ~(HUGE_PAGE - 1);
	(void)worker, (void)err;
	/* A handful of them pays; each is one more mapping of ours. */
	if (hi > lo && hi - lo >= 4 * HUGE_PAGE)
		(void)madvise((void *)lo, hi - lo, MADV_HUGEPAGE);
	(void)madvise(room->at, (size_t)room->len, MADV_POPULATE_WRITE);
	return HS_OK;
}

enum hs_status hs_room_provide(const struct hs_room_list *list,
			       hs_progress_fn progress, void *arg,
			       struct hs_error *err)
{
	return hs_crew_run(0, list->count, provide, (void *)(uintptr_t)list,
			   "making room", progress, arg, err);
}
