/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_REFS_H
#define HEAPSCAN_REFS_H

#include <heapscan/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * References between the live chunks of a heap: conservative, every aligned
 * word of a used or mmapped chunk that points into a used or mmapped chunk.
 * Independent of the target once built; borrows the heap.
 */
struct hs_refs; /* opaque */

struct hs_ref {
	size_t from, to;   /* chunk indexes */
	uint64_t offset;   /* bytes from the user pointer of FROM to the word */
	uint64_t interior; /* bytes into TO's user part; 0: its start */
};

struct hs_refs_options {
	size_t struct_size;
	hs_progress_fn progress; /* may be NULL */
	void *progress_arg;
};

/* One linear pass over the live bytes. Free with hs_refs_free(). */
HS_API enum hs_status hs_refs_scan(struct hs_target *target,
				   const struct hs_heap *heap,
				   const struct hs_refs_options *opt,
				   struct hs_refs **ret, struct hs_error *err);
HS_API void hs_refs_free(struct hs_refs *refs); /* NULL is fine */

HS_API uint64_t hs_refs_count(const struct hs_refs *refs);
/* References held by (out) or leading to (in) CHUNK, by offset or by from. */
HS_API size_t hs_refs_out_count(const struct hs_refs *refs, size_t chunk);
HS_API void hs_refs_out(const struct hs_refs *refs, size_t chunk, size_t i,
			struct hs_ref *ret);
HS_API size_t hs_refs_in_count(const struct hs_refs *refs, size_t chunk);
HS_API void hs_refs_in(const struct hs_refs *refs, size_t chunk, size_t i,
		       struct hs_ref *ret);

#ifdef __cplusplus
}
#endif
#endif
