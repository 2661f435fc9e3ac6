/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_RESYNC_H
#define BACKENDS_SLICE_RESYNC_H

#include "backends/slice_file.h"

/*
 * Where blocks go on behind one whose header is damaged. The four letters that
 * a block begins with may also stand in the memory that a slice holds, whole
 * slices among it. So only a place counts from where block follows block up to
 * the end of the file, past no more than damage of one field in a header.
 */
struct hs_slice_mark {
	uint64_t offset;
	bool leads; /* from here on up to the end of the file */
};

struct hs_slice_marks {
	struct hs_slice_mark *mark; /* by offset */
	size_t count, capacity;
	bool searched;
};

/* What the header at AT says its block's length is; 0 if that cannot be. */
uint64_t hs_slice_length_at(const struct hs_slice *s, uint64_t at);

/* The first place at or behind FROM that leads to the end; UINT64_MAX: none. S
 * is searched once, from there, at the first call. */
HS_MUST_CHECK enum hs_status hs_slice_resync(const struct hs_slice *s,
					     struct hs_slice_marks *marks,
					     uint64_t from, uint64_t *ret,
					     struct hs_error *err);
void hs_slice_marks_release(struct hs_slice_marks *marks);

#endif
