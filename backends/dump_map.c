/* SPDX-License-Identifier: MIT */
#include "backends/dump_map.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"

/* Pieces handed on: often enough for a progress to move. */
#define PIECE ((uint64_t)4 << 20)

static const char *name_of(const struct hs_map *map)
{
	if (map->path)
		return map->path;
	switch (map->kind) {
	case HS_MAP_HEAP:
		return "[heap]";
	case HS_MAP_STACK:
		return "[stack]";
	default:
		return "[anon]";
	}
}

static bool matches(const char *pattern, const struct hs_map *map)
{
	const char *name = name_of(map);
	if (strcmp(pattern, name) == 0)
		return true;
	if (pattern[0] == '0' && (pattern[1] == 'x' || pattern[1] == 'X')) {
		char *end;
		errno = 0;
		hs_addr addr = strtoull(pattern, &end, 16);
		return !*end && !errno && addr >= map->start && addr < map->end;
	}
	/* "[heap]" is a name here, not a set of letters. */
	return pattern[0] != '[' && fnmatch(pattern, name, 0) == 0;
}

static bool is_excluded(const struct hs_capture_options *opt,
			const struct hs_map *map)
{
	if (opt->only_writable && !(map->prot & HS_PROT_WRITE))
		return true;
	if (opt->max_mapping && map->end - map->start > opt->max_mapping)
		return true;
	for (size_t i = 0; i < opt->exclude_count; i++)
		if (matches(opt->exclude[i], map))
			return true;
	return false;
}

enum hs_status hs_dump_map_add(struct hs_dump_map *m, hs_addr start,
			       hs_addr end, enum hs_dump_state state,
			       struct hs_error *err)
{
	if (state == HS_DUMP_CAPTURED)
		m->captured += end - start;
	if (m->count > 0 && m->run[m->count - 1].state == state) {
		m->run[m->count - 1].end = end;
		return HS_OK;
	}
	enum hs_status st =
		hs_grow(&m->run, &m->capacity, m->count, sizeof(*m->run), err);
	if (!st)
		m->run[m->count++] = (struct hs_dump_run){ start, end, state };
	return st;
}

static hs_addr page_down(hs_addr addr)
{
	return addr & ~(HS_DUMP_PAGE - 1);
}

/* A hole in writable memory of which nothing is missing: a guard page within a
 * mapping, as newer glibc makes them. There is nothing that a reader of the
 * dump should miss. */
static bool is_guard(const struct hs_target *t, hs_addr at)
{
	const struct hs_map *map = hs_target_find_map(t, at);
	return t->complete && map && map->captured &&
	       (map->prot & HS_PROT_WRITE);
}

/*
 * The stretch of memory that begins at AT and is all alike, byte by byte, up
 * to *END at most. What a damaged slice cannot unpack was not captured.
 */
static enum hs_status alike(const struct hs_target *t, hs_addr at, hs_addr *end,
			    enum hs_dump_state *state, struct hs_error *err)
{
	const struct hs_span *s = hs_span_list_from(&t->spans, at);
	struct hs_error why = { 0 };
	const uint8_t *bytes;
	uint64_t len;
	if (!s || s->start > at) {
		*state = HS_DUMP_UNMAPPED;
		if (s && s->start < *end)
			*end = s->start;
		return HS_OK;
	}
	if (s->start + s->len < *end)
		*end = s->start + s->len;
	*state = HS_DUMP_FAILED;
	if (s->state == HS_SPAN_NOT_CAPTURED) {
		if (is_guard(t, at))
			*state = HS_DUMP_UNMAPPED;
		return HS_OK;
	}
	enum hs_status st = hs_target_view(t, at, &bytes, &len, &why);
	if (st == HS_ERR_NOT_CAPTURED || st == HS_ERR_UNMAPPED)
		return HS_OK;
	if (st)
		return hs_fail(err, st, "%s", why.text);
	*state = HS_DUMP_CAPTURED;
	return HS_OK;
}

/* One page whose bytes are not all alike: only whole ones can be written. */
static enum hs_status mixed(struct hs_dump_map *m, const struct hs_target *t,
			    hs_addr page, struct hs_error *err)
{
	hs_addr end = page + HS_DUMP_PAGE;
	enum hs_dump_state all = HS_DUMP_UNMAPPED;
	bool some = false, whole = true;
	for (hs_addr at = page; at < end;) {
		hs_addr stop = end;
		enum hs_dump_state state;
		enum hs_status st = alike(t, at, &stop, &state, err);
		if (st)
			return st;
		some |= state == HS_DUMP_CAPTURED;
		whole &= state == HS_DUMP_CAPTURED;
		if (state != HS_DUMP_UNMAPPED)
			all = HS_DUMP_FAILED;
		at = stop;
	}
	if (whole)
		all = HS_DUMP_CAPTURED;
	else if (some)
		m->cut = true;
	return hs_dump_map_add(m, page, end, all, err);
}

static enum hs_status find_runs(struct hs_dump_map *m,
				const struct hs_target *t, struct hs_error *err)
{
	for (hs_addr at = m->start; at < m->end;) {
		hs_addr end = m->end;
		enum hs_dump_state state;
		enum hs_status st = alike(t, at, &end, &state, err);
		end = page_down(end);
		if (!st && end > at)
			st = hs_dump_map_add(m, at, end, state, err);
		else if (!st)
			st = mixed(m, t, at, err);
		if (st)
			return st;
		at = end > at ? end : at + HS_DUMP_PAGE;
	}
	return HS_OK;
}

enum hs_status hs_dump_map_describe(const struct hs_target *target,
				    const struct hs_capture_options *opt,
				    size_t i, hs_addr before,
				    struct hs_dump_map *ret,
				    struct hs_error *err)
{
	const struct hs_map *map = &target->maps.map[i];
	hs_addr start = page_down(map->start);
	/* The very last page of all has no end that can be written down. */
	hs_addr end = map->end > UINT64_MAX - HS_DUMP_PAGE
			      ? page_down(map->end)
			      : page_down(map->end + HS_DUMP_PAGE - 1);
	if (start < before)
		start = before;
	if (end < start)
		end = start;
	*ret = (struct hs_dump_map){ .map = map, .start = start, .end = end };
	ret->cut = end < map->end;
	if (start == end)
		return HS_OK;
	ret->excluded = is_excluded(opt, map);
	if (ret->excluded)
		return hs_dump_map_add(ret, start, end, HS_DUMP_FAILED, err);
	return find_runs(ret, target, err);
}

void hs_dump_map_release(struct hs_dump_map *map)
{
	free(map->run);
	*map = (struct hs_dump_map){ 0 };
}

/* Selectors, flags and numbers of system calls are below this. */
#define TELLS_NOTHING 0x1000000u

uint64_t hs_dump_register(const struct hs_target *target, bool redacted,
			  uint64_t value)
{
	if (!redacted || value < TELLS_NOTHING ||
	    hs_target_find_map(target, value))
		return value;
	return 0;
}

void hs_dump_reader_release(struct hs_dump_reader *reader)
{
	free(reader->copy);
	reader->copy = NULL;
}

static enum hs_status redact(struct hs_dump_reader *r, hs_addr addr,
			     const uint8_t **bytes, size_t len,
			     struct hs_error *err)
{
	if (!r->copy)
		r->copy = malloc(PIECE);
	if (!r->copy)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	memcpy(r->copy, *bytes, len);
	r->opt->redact(r->opt->redact_arg, addr, r->copy, len);
	*bytes = r->copy;
	return HS_OK;
}

enum hs_status hs_dump_read(struct hs_dump_reader *r, hs_addr start,
			    hs_addr end, hs_dump_fn fn, void *arg,
			    struct hs_error *err)
{
	while (start < end) {
		const uint8_t *bytes;
		uint64_t len;
		enum hs_status st =
			hs_target_view(r->target, start, &bytes, &len, err);
		if (st)
			return st;
		if (len > end - start)
			len = end - start;
		if (len > PIECE)
			len = PIECE;
		if (r->opt->redact)
			st = redact(r, start, &bytes, (size_t)len, err);
		if (!st)
			st = fn(arg, bytes, (size_t)len, err);
		if (st)
			return st;
		start += len;
		r->done += len;
		if (r->opt->progress &&
		    !r->opt->progress(
			    r->opt->progress_arg, r->what ? r->what : "writing",
			    r->done < r->total ? r->done : r->total, r->total))
			return hs_fail(err, HS_ERR_CANCELLED, "cancelled");
	}
	return HS_OK;
}
