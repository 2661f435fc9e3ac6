/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_MEMORY_H
#define BACKENDS_SLICE_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>

#include "backends/slice_file.h"

/*
 * The pages that one slice holds itself. Those that are stored plainly are used
 * where they lie in the mapped file; a compressed region is unpacked when first
 * looked at, once, as a whole, since its codec knows no other way in.
 */
struct hs_slice_store {
	pthread_mutex_t lock;             /* held while one thread unpacks */
	_Atomic(const uint8_t *) payload; /* unpacked; NULL: not yet */
	struct hs_slice_buffer buffer;    /* owned, unless it is in ROOM */
	uint64_t at;                      /* where in ROOM */
	enum hs_status failed; /* under LOCK: it cannot be unpacked */
};

/* Captured pages in a row. */
struct hs_slice_stretch {
	hs_addr start, end;
	size_t region;
	uint64_t data; /* of START in the region's payload */
};

struct hs_slice_memory {
	const struct hs_slice *slice;     /* borrowed */
	struct hs_slice_store *store;     /* owned: one a region */
	struct hs_slice_buffer room;      /* owned: for all of them, or none */
	atomic_uint_fast64_t unpacking;   /* bytes, by all threads just now */
	struct hs_slice_stretch *stretch; /* owned: by address; see below */
	size_t count, capacity;
};

/* Release MEMORY in any case. */
HS_MUST_CHECK enum hs_status hs_slice_memory_init(struct hs_slice_memory *m,
						  const struct hs_slice *slice,
						  struct hs_error *err);
void hs_slice_memory_release(struct hs_slice_memory *m);

/*
 * The payload of region I, unpacked. From any thread. HS_ERR_NOT_CAPTURED: it
 * is damaged; HS_ERR_LIMIT, HS_ERR_NOMEM: there is no room for it.
 */
HS_MUST_CHECK enum hs_status hs_slice_memory_payload(struct hs_slice_memory *m,
						     size_t i,
						     const uint8_t **ret,
						     struct hs_error *err);
/* Whether hs_slice_memory_payload() has nothing to do any more. */
bool hs_slice_memory_ready(struct hs_slice_memory *m, size_t i);

/* List the captured pages by address, for: */
HS_MUST_CHECK enum hs_status hs_slice_memory_index(struct hs_slice_memory *m,
						   struct hs_error *err);
/* The first stretch that ends behind ADDR, or NULL. */
const struct hs_slice_stretch *
hs_slice_memory_from(const struct hs_slice_memory *m, hs_addr addr);

#endif
