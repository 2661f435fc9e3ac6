/* SPDX-License-Identifier: MIT */
#include "backends/slice_series.h"

#include <assert.h>
#include <heapscan/crew.h>
#include <stdlib.h>
#include <string.h>

#include "backends/slice_hash.h"
#include "core/cleanup.h"
#include "core/grow.h"
#include "core/limits.h"

/* When a process began is told in ticks since the machine did, whose own start
 * moves when its clock is set. */
#define SAME_START_NS UINT64_C(5000000000)

/* A step of the series that is there. */
struct step {
	uint8_t uuid[SLICE_UUID_LEN];
	char *name; /* owned: of its file */
};

/* Pages in a row. */
struct extent {
	hs_addr start;
	size_t count, first; /* pages; index of the first */
};

/* Every page that one step has or refers to, by address. */
struct page_table {
	struct extent *extent;
	size_t extent_count, extent_capacity;
	uint8_t (*hash)[SLICE_HASH_LEN];
	uint32_t *step; /* of each page: who holds it */
	size_t count;
};

struct hs_series {
	unsigned algorithm; /* of the hashes in LAST */
	int64_t pid;
	uint64_t started_ns;
	struct step *step;
	size_t step_count, step_capacity; /* with the one being written */
	struct page_table last, now;
	uint32_t base[HS_LIMIT_SLICE_BASES]; /* steps that NOW refers to */
	size_t base_count;
	bool writing;
};

static void table_release(struct page_table *t)
{
	free(t->extent);
	free(t->hash);
	free(t->step);
	*t = (struct page_table){ 0 };
}

enum hs_status hs_series_new(struct hs_series **ret, struct hs_error *err)
{
	struct hs_series *s = calloc(1, sizeof(*s));
	if (!s)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	*ret = s;
	return HS_OK;
}

void hs_series_free(struct hs_series *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->step_count; i++)
		free(s->step[i].name);
	free(s->step);
	table_release(&s->last);
	table_release(&s->now);
	free(s);
}

/* The page at ADDR; SIZE_MAX: it is not there. *HINT is the extent to look at
 * first, and the one to look at next. */
static size_t find_page(const struct page_table *t, hs_addr addr, size_t *hint)
{
	size_t i = *hint;
	if (i >= t->extent_count || t->extent[i].start > addr) {
		size_t low = 0, high = t->extent_count;
		while (low < high) {
			size_t mid = low + (high - low) / 2;
			if (t->extent[mid].start <= addr)
				low = mid + 1;
			else
				high = mid;
		}
		if (low == 0)
			return SIZE_MAX;
		i = low - 1;
	}
	while (i + 1 < t->extent_count && t->extent[i + 1].start <= addr)
		i++;
	*hint = i;
	uint64_t page = (addr - t->extent[i].start) / HS_DUMP_PAGE;
	return page < t->extent[i].count ? t->extent[i].first + (size_t)page
					 : SIZE_MAX;
}

/* ---- every page of a step ---- */

/* Pages hashed by one thread at a time. */
#define PIECE_PAGES ((size_t)1024)

/* One thread's hands. */
struct hashing {
	struct hs_series *series;
	struct hs_slice_hash *hash;
	struct hs_dump_reader reader;
	hs_addr at;    /* of the page being hashed */
	size_t page;   /* its index */
	size_t filled; /* bytes of it */
	size_t hint;
};

/* All of them. */
struct hashers {
	struct hs_series *series;
	struct hs_capture_options quiet; /* progress is told by the crew */
	struct hashing *hashing;
	unsigned count;
	hs_progress_fn progress;
	void *progress_arg;
};

static void hashers_release(struct hashers *all)
{
	for (unsigned i = 0; all->hashing && i < all->count; i++) {
		hs_slice_hash_free(all->hashing[i].hash);
		hs_dump_reader_release(&all->hashing[i].reader);
	}
	free(all->hashing);
}

static void end_page(struct hashing *h)
{
	struct hs_series *s = h->series;
	struct page_table *t = &s->now;
	size_t before = find_page(&s->last, h->at, &h->hint);
	bool same = before != SIZE_MAX &&
		    memcmp(s->last.hash[before], t->hash[h->page],
			   SLICE_HASH_LEN) == 0;
	t->step[h->page] =
		same ? s->last.step[before] : (uint32_t)(s->step_count - 1);
	h->page++;
	h->at += HS_DUMP_PAGE;
	h->filled = 0;
}

static enum hs_status to_hash(void *arg, const uint8_t *bytes, size_t len,
			      struct hs_error *err)
{
	struct hashing *h = arg;
	while (len > 0) {
		size_t n = HS_DUMP_PAGE - h->filled;
		if (n > len)
			n = len;
		enum hs_status st =
			hs_slice_hash_update(h->hash, bytes, n, err);
		h->filled += n;
		bytes += n;
		len -= n;
		if (!st && h->filled == HS_DUMP_PAGE) {
			st = hs_slice_hash_final(
				h->hash, h->series->now.hash[h->page], err);
			end_page(h);
		}
		if (st)
			return st;
	}
	return HS_OK;
}

/* The extent that holds page I. */
static size_t extent_of(const struct page_table *t, size_t i)
{
	size_t low = 0, high = t->extent_count;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;
		if (t->extent[mid].first <= i)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static enum hs_status hash_piece(void *arg, unsigned worker, size_t piece,
				 struct hs_error *err)
{
	struct hashers *all = arg;
	struct hashing *h = &all->hashing[worker];
	const struct page_table *t = &all->series->now;
	size_t page = piece * PIECE_PAGES, end = page + PIECE_PAGES;
	enum hs_status st = HS_OK;
	if (end > t->count)
		end = t->count;
	for (size_t e = extent_of(t, page); !st && page < end; e++) {
		const struct extent *x = &t->extent[e];
		size_t skip = page - x->first, n = x->count - skip;
		if (n > end - page)
			n = end - page;
		h->page = page;
		h->at = x->start + skip * HS_DUMP_PAGE;
		h->filled = 0;
		st = hs_dump_read(&h->reader, h->at, h->at + n * HS_DUMP_PAGE,
				  to_hash, h, err);
		page += n;
	}
	return st;
}

/* The crew counts pieces, people bytes. */
static bool tell(void *arg, const char *what, uint64_t done, uint64_t total)
{
	const struct hashers *all = arg;
	uint64_t bytes = all->series->now.count * HS_DUMP_PAGE;
	(void)total;
	done *= PIECE_PAGES * HS_DUMP_PAGE;
	return all->progress(all->progress_arg, what,
			     done < bytes ? done : bytes, bytes);
}

static enum hs_status add_extent(struct page_table *t, hs_addr start,
				 hs_addr end, struct hs_error *err)
{
	struct extent *last =
		t->extent_count ? &t->extent[t->extent_count - 1] : NULL;
	size_t pages = (size_t)((end - start) / HS_DUMP_PAGE);
	if (!last || last->start + last->count * HS_DUMP_PAGE != start) {
		enum hs_status st =
			hs_grow(&t->extent, &t->extent_capacity,
				t->extent_count, sizeof(*t->extent), err);
		if (st)
			return st;
		last = &t->extent[t->extent_count++];
		*last = (struct extent){ .start = start, .first = t->count };
	}
	last->count += pages;
	t->count += pages;
	return HS_OK;
}

static enum hs_status list_pages(struct page_table *t,
				 const struct hs_target *target,
				 const struct hs_capture_options *opt,
				 struct hs_error *err)
{
	hs_addr before = 0;
	enum hs_status st = HS_OK;
	for (size_t i = 0; !st && i < target->maps.count; i++) {
		HS_CLEANUP(hs_dump_map_release) struct hs_dump_map m = { 0 };
		st = hs_dump_map_describe(target, opt, i, before, &m, err);
		for (size_t k = 0; !st && k < m.count; k++)
			if (m.run[k].state == HS_DUMP_CAPTURED)
				st = add_extent(t, m.run[k].start, m.run[k].end,
						err);
		before = m.end > before ? m.end : before;
	}
	if (st)
		return st;
	t->hash = calloc(t->count + 1, sizeof(*t->hash));
	t->step = calloc(t->count + 1, sizeof(*t->step));
	return t->hash && t->step
		       ? HS_OK
		       : hs_fail(err, HS_ERR_NOMEM, "no memory for %zu pages",
				 t->count);
}

static enum hs_status hash_all(struct hs_series *s,
			       const struct hs_target *target,
			       const struct hs_capture_options *opt,
			       struct hs_error *err)
{
	enum hs_status st = list_pages(&s->now, target, opt, err);
	if (st)
		return st;
	size_t pieces = (s->now.count + PIECE_PAGES - 1) / PIECE_PAGES;
	/* Who redacts need not do so in several threads at once. */
	unsigned jobs = opt->redact ? 1 : 0;
	HS_CLEANUP(hashers_release)
	struct hashers all = { .series = s,
			       .quiet = *opt,
			       .count = hs_crew_count(jobs, pieces),
			       .progress = opt->progress,
			       .progress_arg = opt->progress_arg };
	all.quiet.progress = NULL;
	all.hashing = calloc(all.count, sizeof(*all.hashing));
	if (!all.hashing)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (unsigned i = 0; !st && i < all.count; i++) {
		struct hashing *h = &all.hashing[i];
		h->series = s;
		h->reader.target = target;
		h->reader.opt = &all.quiet;
		st = hs_slice_hash_new(s->algorithm, &h->hash, err);
	}
	return st ? st
		  : hs_crew_run(jobs, pieces, hash_piece, &all, "comparing",
				opt->progress ? tell : NULL, &all, err);
}

/* Whom this step refers to. Too many: then it refers to nobody. */
static void find_bases(struct hs_series *s)
{
	uint32_t current = (uint32_t)(s->step_count - 1), last = current;
	s->base_count = 0;
	for (size_t i = 0; i < s->now.count; i++) {
		uint32_t step = s->now.step[i];
		size_t k = 0;
		if (step == last || step == current)
			continue;
		while (k < s->base_count && s->base[k] != step)
			k++;
		last = step;
		if (k < s->base_count)
			continue;
		if (k < HS_LIMIT_SLICE_BASES) {
			s->base[s->base_count++] = step;
			continue;
		}
		s->base_count = 0;
		for (i = 0; i < s->now.count; i++)
			s->now.step[i] = current;
	}
}

static bool same_process(const struct hs_series *s, const struct hs_target *t)
{
	uint64_t a = s->started_ns, b = t->started_ns;
	return s->pid == t->pid && (a > b ? a - b : b - a) <= SAME_START_NS;
}

static enum hs_status add_step(struct hs_series *s, const uint8_t *uuid,
			       const char *path, struct hs_error *err)
{
	const char *slash = strrchr(path, '/');
	enum hs_status st = hs_grow(&s->step, &s->step_capacity, s->step_count,
				    sizeof(*s->step), err);
	if (st)
		return st;
	if (s->step_count == UINT32_MAX)
		return hs_fail(err, HS_ERR_LIMIT, "the series is too long");
	struct step fresh = { .name = strdup(slash ? slash + 1 : path) };
	if (!fresh.name)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	memcpy(fresh.uuid, uuid, SLICE_UUID_LEN);
	s->step[s->step_count++] = fresh;
	return HS_OK;
}

enum hs_status hs_series_begin(struct hs_series *s,
			       const struct hs_target *target,
			       const struct hs_capture_options *opt,
			       unsigned algorithm,
			       const uint8_t uuid[SLICE_UUID_LEN],
			       const char *path, struct hs_error *err)
{
	assert(!s->writing);
	if (s->step_count > 0 && !same_process(s, target))
		return hs_fail(err, HS_ERR_INVALID,
			       "this is not the process that the series began "
			       "with");
	enum hs_status st = add_step(s, uuid, path, err);
	if (st)
		return st;
	s->writing = true;
	s->pid = target->pid;
	s->started_ns = target->started_ns;
	if (algorithm != s->algorithm)
		table_release(&s->last);
	s->algorithm = algorithm;
	st = hash_all(s, target, opt, err);
	if (!st)
		find_bases(s);
	return st;
}

void hs_series_commit(struct hs_series *s)
{
	assert(s->writing);
	table_release(&s->last);
	s->last = s->now;
	s->now = (struct page_table){ 0 };
	s->writing = false;
}

void hs_series_abort(struct hs_series *s)
{
	if (!s->writing)
		return;
	table_release(&s->now);
	free(s->step[--s->step_count].name);
	s->writing = false;
}

size_t hs_series_base_count(const struct hs_series *s)
{
	return s->base_count;
}

const uint8_t *hs_series_base_uuid(const struct hs_series *s, size_t i)
{
	return s->step[s->base[i]].uuid;
}

/* ---- what the writer asks ---- */

/* Who holds the page at ADDR, and its hash; false: the step itself. */
static bool referred(const struct hs_series *s, hs_addr addr, size_t *hint,
		     uint32_t *step, const uint8_t **hash)
{
	size_t page = find_page(&s->now, addr, hint);
	if (page == SIZE_MAX || s->now.step[page] + 1 == s->step_count)
		return false;
	*step = s->now.step[page];
	*hash = s->now.hash[page];
	return true;
}

enum hs_status hs_series_split(const struct hs_series *s, struct hs_dump_map *m,
			       struct hs_error *err)
{
	struct hs_dump_map out = *m;
	size_t hint = 0;
	enum hs_status st = HS_OK;
	out.run = NULL;
	out.count = out.capacity = 0;
	out.captured = 0;
	for (size_t i = 0; !st && i < m->count; i++) {
		const struct hs_dump_run *r = &m->run[i];
		if (r->state != HS_DUMP_CAPTURED) {
			st = hs_dump_map_add(&out, r->start, r->end, r->state,
					     err);
			continue;
		}
		for (hs_addr at = r->start; !st && at < r->end;
		     at += HS_DUMP_PAGE) {
			uint32_t step;
			const uint8_t *hash;
			bool there = referred(s, at, &hint, &step, &hash);
			st = hs_dump_map_add(&out, at, at + HS_DUMP_PAGE,
					     there ? HS_DUMP_REFERRED
						   : HS_DUMP_CAPTURED,
					     err);
		}
	}
	if (st) {
		free(out.run);
		return st;
	}
	free(m->run);
	*m = out;
	return HS_OK;
}

/* One page after the other of those referred to between START and END. */
struct walk {
	const struct hs_series *series;
	const struct hs_dump_run *run;
	size_t count, i, hint;
	hs_addr at, end;
};

static bool next_page(struct walk *w, hs_addr *addr, uint32_t *step,
		      const uint8_t **hash)
{
	for (; w->i < w->count; w->i++) {
		const struct hs_dump_run *r = &w->run[w->i];
		if (r->state != HS_DUMP_REFERRED)
			continue;
		if (w->at < r->start)
			w->at = r->start;
		if (w->at >= r->end)
			continue;
		if (w->at >= w->end)
			return false;
		*addr = w->at;
		w->at += HS_DUMP_PAGE;
		return referred(w->series, *addr, &w->hint, step, hash);
	}
	return false;
}

struct put {
	struct hs_byte_buf runs, hashes;
	uint32_t used[HS_LIMIT_SLICE_BASES]; /* bases in their order */
	uint32_t base_count, run_count;
};

static void put_release(struct put *p)
{
	hs_byte_buf_release(&p->runs);
	hs_byte_buf_release(&p->hashes);
}

static uint32_t place_of(const struct hs_series *s, struct put *p,
			 uint32_t step)
{
	uint32_t i = 0;
	while (s->base[i] != step)
		i++;
	for (uint32_t k = 0; k < p->base_count; k++)
		if (p->used[k] == i)
			return k;
	p->used[p->base_count] = i;
	return p->base_count++;
}

static void end_run(struct put *p, uint64_t first, uint64_t count,
		    uint32_t place)
{
	if (count == 0)
		return;
	hs_byte_buf_uint(&p->runs, first, 8);
	hs_byte_buf_uint(&p->runs, count, 8);
	hs_byte_buf_uint(&p->runs, place, 4);
	hs_byte_buf_uint(&p->runs, 0, 4);
	p->run_count++;
}

static void put_base(const struct step *step, struct hs_byte_buf *buf)
{
	size_t len = strlen(step->name) + 1;
	/* The reader can do without a name, and none is so long. */
	if (len > UINT16_MAX)
		len = 0;
	hs_byte_buf_put(buf, step->uuid, SLICE_UUID_LEN);
	hs_byte_buf_uint(buf, len, 2);
	hs_byte_buf_uint(buf, 0, 6);
	hs_byte_buf_put(buf, step->name, len);
	hs_byte_buf_zeroes(buf, SLICE_PAD8(len) - len);
}

enum hs_status hs_series_put(const struct hs_series *s,
			     const struct hs_dump_run *run, size_t count,
			     hs_addr start, hs_addr end,
			     struct hs_byte_buf *buf, bool *any,
			     struct hs_error *err)
{
	HS_CLEANUP(put_release) struct put p = { 0 };
	struct walk w = { s, run, count, 0, 0, start, end };
	uint64_t first = 0, pages = 0;
	uint32_t step, last = UINT32_MAX, place = 0;
	const uint8_t *hash;
	for (hs_addr at; next_page(&w, &at, &step, &hash);) {
		uint64_t page = (at - start) / HS_DUMP_PAGE;
		if (step != last || page != first + pages) {
			end_run(&p, first, pages, place);
			first = page;
			pages = 0;
		}
		if (step != last)
			place = place_of(s, &p, step);
		last = step;
		pages++;
		hs_byte_buf_put(&p.hashes, hash, SLICE_HASH_LEN);
	}
	end_run(&p, first, pages, place);
	*any = p.run_count > 0;
	if (!*any)
		return HS_OK;
	hs_byte_buf_uint(buf, p.base_count, 4);
	hs_byte_buf_uint(buf, p.run_count, 4);
	for (uint32_t i = 0; i < p.base_count; i++)
		put_base(&s->step[s->base[p.used[i]]], buf);
	hs_byte_buf_put(buf, p.runs.bytes, p.runs.len);
	hs_byte_buf_put(buf, p.hashes.bytes, p.hashes.len);
	enum hs_status st = hs_byte_buf_check(&p.runs, err);
	if (!st)
		st = hs_byte_buf_check(&p.hashes, err);
	return st ? st : hs_byte_buf_check(buf, err);
}
