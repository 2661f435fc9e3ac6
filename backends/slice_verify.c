/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backends/slice_file.h"
#include "backends/slice_hash.h"
#include "backends/workers.h"

/* A piece of the file hash between two reports of progress. */
#define PIECE ((size_t)4 << 20)

/*
 * Two hashes over every byte: one of each block, which the next block notes,
 * and one of the whole, which End-of-Capture notes. The whole cannot be divided
 * and is one task; each block is another.
 */
struct work {
	const struct hs_slice *slice;
	size_t first, links;  /* blocks whose note of the one before counts */
	atomic_size_t next;   /* task to take */
	atomic_size_t broken; /* the lowest broken link; SIZE_MAX */
	atomic_int status;    /* the first failure of our own */
	bool file_hash_ok;    /* written by the one who does that task */
	hs_progress_fn progress;
	void *progress_arg;
};

static bool is_zero(const uint8_t *hash)
{
	static const uint8_t none[SLICE_HASH_LEN];
	return memcmp(hash, none, SLICE_HASH_LEN) == 0;
}

static void lower(atomic_size_t *slot, size_t value)
{
	size_t seen = atomic_load(slot);
	while (value < seen &&
	       !atomic_compare_exchange_weak(slot, &seen, value))
		;
}

static void give_up(struct work *w, enum hs_status st)
{
	int none = HS_OK;
	(void)atomic_compare_exchange_strong(&w->status, &none, (int)st);
}

static enum hs_status check_file(struct work *w, struct hs_slice_hash *hash)
{
	const struct hs_slice *s = w->slice;
	const struct hs_slice_block *end = &s->block[s->end];
	uint8_t now[SLICE_HASH_LEN];
	for (uint64_t at = 0; at < end->offset;) {
		uint64_t left = end->offset - at;
		size_t n = left < PIECE ? (size_t)left : PIECE;
		enum hs_status st =
			hs_slice_hash_update(hash, s->bytes + at, n, NULL);
		if (st)
			return st;
		at += n;
		if (atomic_load(&w->status))
			return HS_OK; /* another failed */
		if (w->progress &&
		    !w->progress(w->progress_arg, "verifying", at, end->offset))
			return HS_ERR_CANCELLED;
	}
	enum hs_status st = hs_slice_hash_final(hash, now, NULL);
	if (st)
		return st;
	const uint8_t *noted =
		hs_slice_block_bytes(s, end) + SLICE_BLOCK_HEADER_LEN;
	w->file_hash_ok =
		end->length >= SLICE_BLOCK_HEADER_LEN + SLICE_HASH_LEN &&
		memcmp(now, noted, SLICE_HASH_LEN) == 0;
	return HS_OK;
}

/* Does block I note the hash of what stands before it? */
static enum hs_status check_link(struct work *w, struct hs_slice_hash *hash,
				 size_t i)
{
	const struct hs_slice *s = w->slice;
	const uint8_t *before = s->bytes;
	size_t len = s->header.size;
	uint8_t now[SLICE_HASH_LEN];
	if (i > 0) {
		before = hs_slice_block_bytes(s, &s->block[i - 1]);
		len = s->block[i - 1].length;
	}
	enum hs_status st = hs_slice_hash_bytes(hash, before, len, now, NULL);
	const uint8_t *noted =
		hs_slice_block_bytes(s, &s->block[i]) + SLICE_AT_PREVIOUS_HASH;
	if (!st && memcmp(now, noted, SLICE_HASH_LEN) != 0)
		lower(&w->broken, i);
	return st;
}

static void *worker(void *arg)
{
	struct work *w = arg;
	struct hs_slice_hash *hash = NULL;
	enum hs_status st =
		hs_slice_hash_new(w->slice->header.hash, &hash, NULL);
	while (!st && !atomic_load(&w->status)) {
		size_t task = atomic_fetch_add(&w->next, 1);
		if (task > w->links)
			break;
		if (task > w->first)
			st = check_link(w, hash, task - 1);
		else if (task == 0 && w->slice->end != SIZE_MAX)
			st = check_file(w, hash);
	}
	if (st)
		give_up(w, st);
	hs_slice_hash_free(hash);
	return NULL;
}

/* Whose way of writing this is. BROKEN: the first broken link, or SIZE_MAX. */
static const char *dialect_of(const struct hs_slice *s, size_t broken,
			      bool anchored)
{
	if (s->header.legacy && s->count > 0 && s->block[0].version == 0)
		return "libmsl";
	/* It rehashes as if what it appends followed a header of its own. */
	if (broken != SIZE_MAX && broken > 0 && broken + 1 == s->end &&
	    s->block[broken].type == SLICE_BLOCK_BUILD_IDS)
		return "memslicer-enrich";
	if (s->framed_b || (s->count > 0 && !anchored) || s->unpadded)
		return "memdiver";
	return s->count > 0 ? "memslicer" : NULL;
}

static enum hs_status run(struct work *w, struct hs_error *err)
{
	hs_workers_run(hs_workers_count(w->links + 1), worker, w);
	enum hs_status st = (enum hs_status)atomic_load(&w->status);
	if (st)
		return hs_fail(err, st, "the slice cannot be verified: %s",
			       hs_status_name(st));
	return HS_OK;
}

enum hs_status hs_slice_verify(const struct hs_slice *s,
			       hs_progress_fn progress, void *arg,
			       struct hs_slice_integrity *ret,
			       struct hs_error *err)
{
	bool encrypted = s->header.flags & SLICE_ENCRYPTED;
	bool known = hs_slice_hash_known(s->header.hash);
	struct hs_slice_integrity in = {
		.chain = HS_SLICE_CHAIN_UNVERIFIABLE,
		.broken_at_block = SIZE_MAX,
		.file_hash = HS_SLICE_FILE_HASH_UNVERIFIABLE,
		.end_of_capture = s->end != SIZE_MAX,
		.authenticated = encrypted,
		.anchored = true,
	};
	struct work w = { .slice = s,
			  .progress = progress,
			  .progress_arg = arg };
	size_t linked = s->end == SIZE_MAX ? s->count : s->end + 1;
	w.links = encrypted ? 0 : linked;
	atomic_init(&w.broken, SIZE_MAX);
	if (known) {
		/* MemDiver's first block follows nothing: all zeroes. That
		 * link is left out, the others count. */
		if (!encrypted && s->count > 0)
			in.anchored =
				!is_zero(hs_slice_block_bytes(s, &s->block[0]) +
					 SLICE_AT_PREVIOUS_HASH);
		w.first = in.anchored ? 0 : 1;
		enum hs_status st = run(&w, err);
		if (st)
			return st;
		size_t broken = atomic_load(&w.broken);
		in.broken_at_block = broken;
		in.chain = broken == SIZE_MAX ? HS_SLICE_CHAIN_OK
					      : HS_SLICE_CHAIN_BROKEN;
		in.file_hash = w.file_hash_ok ? HS_SLICE_FILE_HASH_OK
					      : HS_SLICE_FILE_HASH_MISMATCH;
	}
	if (!in.end_of_capture)
		in.file_hash = HS_SLICE_FILE_HASH_ABSENT;
	if (encrypted) /* the tag covers it all, whatever the hash */
		in.chain = HS_SLICE_CHAIN_OK;
	in.dialect = dialect_of(s, in.broken_at_block, in.anchored);
	in.sound = in.chain == HS_SLICE_CHAIN_OK && in.end_of_capture &&
		   in.file_hash == HS_SLICE_FILE_HASH_OK && !s->mended;
	*ret = in;
	return HS_OK;
}
