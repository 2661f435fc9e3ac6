/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_ROOM_H
#define BACKENDS_LIVE_ROOM_H

#include <heapscan/target.h>

#include "core/fail.h"

/* Memory of ours that will be written soon. */
struct hs_room {
	uint8_t *at;
	uint64_t len;
};

struct hs_room_list {
	struct hs_room *room;
	size_t count, capacity;
};

/* Add LEN bytes at AT, in parts that several threads can share. */
HS_MUST_CHECK enum hs_status hs_room_add(struct hs_room_list *list, uint8_t *at,
					 uint64_t len, struct hs_error *err);
void hs_room_list_release(struct hs_room_list *list);

/*
 * Have the kernel provide all of it now, by several threads: clearing pages is
 * a third of the work of a copy, and a virtual machine may first have to ask
 * its host for them. Only for speed: what cannot be had fails when it is
 * written. HS_ERR_CANCELLED, by PROGRESS, which may be NULL.
 */
HS_MUST_CHECK enum hs_status hs_room_provide(const struct hs_room_list *list,
					     hs_progress_fn progress, void *arg,
					     struct hs_error *err);

#endif
