/* SPDX-License-Identifier: MIT */
#include "backends/live_layout.h"

#include <inttypes.h>
#include <string.h>

#include "core/limits.h"

static enum hs_copy_how plan_one(const struct hs_proc_map *map,
				 struct hs_live_files *files)
{
	uint64_t len = map->end - map->start;
	if (map->shared || map->prot == 0)
		return HS_COPY_NOTHING;
	/* [vvar] is the kernel's and [vsyscall] no memory at all. */
	if (hs_proc_map_kind(map) == HS_MAP_SPECIAL)
		return strcmp(map->path, "[vdso]") == 0 ? HS_COPY_ALL
							: HS_COPY_NOTHING;
	if (len > HS_LIMIT_LIVE_MAPPING)
		return HS_COPY_NOTHING;
	/* To read a device's memory may do things. */
	if (hs_proc_map_is_device(map))
		return HS_COPY_NOTHING;
	if (!hs_live_files_wants(map))
		return HS_COPY_TOUCHED;
	const struct hs_live_file *file = hs_live_files_of(files, map);
	if (file && file->bytes)
		return HS_COPY_CHANGED;
	/* Unchanged pages would be lost with the file; changed ones, which
	 * nobody else has, are copied in any case. */
	return len <= HS_LIMIT_FILE_COPY ? HS_COPY_ALL : HS_COPY_CHANGED;
}

void hs_live_layout_plan(const struct hs_proc_map_list *maps,
			 struct hs_live_files *files, enum hs_copy_how *how)
{
	for (size_t i = 0; i < maps->count; i++)
		how[i] = plan_one(&maps->map[i], files);
}

/* What the notes at the end are about. */
struct missing {
	uint64_t bytes;
	hs_addr first;
};

static void count(struct missing *m, hs_addr at, uint64_t len)
{
	if (m->bytes == 0)
		m->first = at;
	m->bytes += len;
}

/* One mapping on its way into spans. */
struct build {
	struct hs_target *target;
	const struct hs_live_copy *copy;
	const struct hs_proc_map *map;
	enum hs_copy_how how;
	const struct hs_live_file *file; /* or NULL */
	struct missing *unreadable, *untouched, *no_file;
};

enum whose { OWN, OF_FILE, UNTOUCHED };

static enum hs_status add_span(const struct build *b, hs_addr from, hs_addr to,
			       const uint8_t *bytes, enum whose whose,
			       struct hs_error *err)
{
	if (from == to)
		return HS_OK;
	struct hs_span span = {
		.start = from,
		.len = to - from,
		.bytes = bytes,
		.state = bytes ? HS_SPAN_BYTES : HS_SPAN_NOT_CAPTURED,
		.from_file = whose == OF_FILE,
		.zero = whose == UNTOUCHED && to - from >= HS_ZERO_RUN,
	};
	return hs_span_list_add(&b->target->spans, span, err);
}

/* Pages that are the file's. What lies behind its last page, no one can read:
 * SIGBUS. The rest of the last page reads as zeroes, in our mapping too. */
static enum hs_status add_file(const struct build *b, hs_addr from, hs_addr to,
			       struct hs_error *err)
{
	uint64_t page = b->copy->page;
	uint64_t has = (b->file->size + page - 1) & ~(page - 1);
	uint64_t into = from - b->map->start;
	uint64_t offset = into > UINT64_MAX - b->map->offset
				  ? UINT64_MAX
				  : b->map->offset + into;
	uint64_t n = offset < has ? has - offset : 0;
	if (n > to - from)
		n = to - from;
	enum hs_status st = HS_OK;
	if (n > 0)
		st = add_span(b, from, from + n, b->file->bytes + offset,
			      OF_FILE, err);
	return st ? st : add_span(b, from + n, to, NULL, OWN, err);
}

/* Pages between the runs: not copied, for one reason or another. */
static enum hs_status add_rest(const struct build *b, hs_addr from, hs_addr to,
			       struct hs_error *err)
{
	if (from == to)
		return HS_OK;
	if (b->how == HS_COPY_CHANGED) {
		if (b->file && b->file->bytes)
			return add_file(b, from, to, err);
		count(b->no_file, from, to - from);
		return add_span(b, from, to, NULL, OWN, err);
	}
	if (to - from > HS_LIMIT_UNTOUCHED) {
		count(b->untouched, from, to - from);
		return add_span(b, from, to, NULL, OWN, err);
	}
	const uint8_t *bytes = hs_live_copy_bytes(b->copy, b->map->start);
	return add_span(b, from, to, bytes + (from - b->map->start), UNTOUCHED,
			err);
}

static enum hs_status add_map_spans(const struct build *b, struct hs_error *err)
{
	const struct hs_proc_map *map = b->map;
	if (b->how == HS_COPY_NOTHING)
		return add_span(b, map->start, map->end, NULL, OWN, err);

	const struct hs_copy_run_list *runs = &b->copy->runs;
	const uint8_t *bytes = hs_live_copy_bytes(b->copy, map->start);
	hs_addr at = map->start;
	for (size_t i = hs_live_copy_from(b->copy, at);
	     i < runs->count && runs->run[i].start < map->end; i++) {
		const struct hs_copy_run *run = &runs->run[i];
		hs_addr from = run->start > at ? run->start : at;
		hs_addr to = run->end < map->end ? run->end : map->end;
		enum hs_status st = add_rest(b, at, from, err);
		if (!st && run->unreadable) {
			count(b->unreadable, from, to - from);
			st = add_span(b, from, to, NULL, OWN, err);
		} else if (!st) {
			st = add_span(b, from, to, bytes + (from - map->start),
				      OWN, err);
		}
		if (st)
			return st;
		at = to;
	}
	return add_rest(b, at, map->end, err);
}

static enum hs_status add_map(struct hs_target *target,
			      const struct hs_proc_map *map,
			      struct hs_error *err)
{
	struct hs_map m = {
		.start = map->start,
		.end = map->end,
		.prot = map->prot,
		.shared = map->shared,
		.kind = hs_proc_map_kind(map),
		.path = map->path,
		.file_offset = map->offset,
	};
	return hs_map_list_add(&target->maps, &m, err);
}

static enum hs_status add_notes(struct hs_target *target,
				const struct missing *unreadable,
				const struct missing *untouched,
				const struct missing *no_file,
				struct hs_error *err)
{
	struct hs_note_list *notes = &target->notes;
	enum hs_status st = HS_OK;
	if (unreadable->bytes > 0)
		st = hs_note_add(notes, HS_NOTE, "live-unreadable-pages",
				 unreadable->first, err,
				 "%" PRIu64 " bytes inside mappings cannot be "
				 "read by anyone: guard pages",
				 unreadable->bytes);
	if (!st && untouched->bytes > 0)
		st = hs_note_add(notes, HS_NOTE, "live-untouched-pages",
				 untouched->first, err,
				 "%" PRIu64 " bytes that the process never "
				 "touched, all zero, are left out",
				 untouched->bytes);
	if (!st && no_file->bytes > 0) {
		target->complete = false;
		st = hs_note_add(notes, HS_WARNING, "live-file-missing",
				 no_file->first, err,
				 "%" PRIu64 " bytes of mapped files are left "
				 "out: the files are not to be had",
				 no_file->bytes);
	}
	return st;
}

enum hs_status hs_live_layout_build(struct hs_target *target,
				    const struct hs_proc_map_list *maps,
				    const enum hs_copy_how *how,
				    const struct hs_live_copy *copy,
				    struct hs_live_files *files,
				    struct hs_error *err)
{
	struct missing unreadable = { 0 }, untouched = { 0 }, no_file = { 0 };
	for (size_t i = 0; i < maps->count; i++) {
		const struct hs_proc_map *map = &maps->map[i];
		struct build b = {
			.target = target,
			.copy = copy,
			.map = map,
			.how = how[i],
			.file = hs_live_files_wants(map)
					? hs_live_files_of(files, map)
					: NULL,
			.unreadable = &unreadable,
			.untouched = &untouched,
			.no_file = &no_file,
		};
		enum hs_status st = add_map(target, map, err);
		if (!st)
			st = add_map_spans(&b, err);
		if (!st && how[i] == HS_COPY_NOTHING && map->prot &&
		    !map->shared &&
		    map->end - map->start > HS_LIMIT_LIVE_MAPPING) {
			target->complete = false;
			st = hs_note_add(
				&target->notes, HS_WARNING,
				"live-mapping-too-big", map->start, err,
				"a mapping of %" PRIu64 " bytes is left out: "
				"more than %" PRIu64 " are not looked at",
				map->end - map->start, HS_LIMIT_LIVE_MAPPING);
		}
		if (st)
			return st;
	}
	enum hs_status st = hs_span_list_sort(&target->spans, NULL, err);
	if (st)
		return st;
	hs_map_list_sort(&target->maps);
	return add_notes(target, &unreadable, &untouched, &no_file, err);
}
