/* SPDX-License-Identifier: MIT */
#include "backends/proc_maps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "core/limits.h"

/* What is left of one line. */
struct line {
	const char *pos, *end;
};

static bool take_char(struct line *l, char c)
{
	if (l->pos == l->end || *l->pos != c)
		return false;
	l->pos++;
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* At least one digit, and no more than fit into *RET. */
static bool take_number(struct line *l, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;
	const char *first = l->pos;
	for (; l->pos < l->end; l->pos++) {
		int digit = digit_value(*l->pos);
		if (digit < 0 || (unsigned)digit >= base)
			break;
		if (value > (UINT64_MAX - (unsigned)digit) / base)
			return false;
		value = value * base + (unsigned)digit;
	}
	if (l->pos == first)
		return false;
	*ret = value;
	return true;
}

static bool take_prot(struct line *l, struct hs_proc_map *m)
{
	static const struct {
		char letter;
		unsigned bit;
	} bits[] = {
		{ 'r', HS_PROT_READ },
		{ 'w', HS_PROT_WRITE },
		{ 'x', HS_PROT_EXEC },
	};
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (take_char(l, bits[i].letter))
			m->prot |= bits[i].bit;
		else if (!take_char(l, '-'))
			return false;
	}
	m->shared = take_char(l, 's');
	return m->shared || take_char(l, 'p');
}

/* The columns in front of the path. */
static bool take_columns(struct line *l, struct hs_proc_map *m)
{
	uint64_t major, minor;
	if (!take_number(l, 16, &m->start) || !take_char(l, '-') ||
	    !take_number(l, 16, &m->end) || !take_char(l, ' ') ||
	    !take_prot(l, m) || !take_char(l, ' ') ||
	    !take_number(l, 16, &m->offset) || !take_char(l, ' ') ||
	    !take_number(l, 16, &major) || !take_char(l, ':') ||
	    !take_number(l, 16, &minor) || !take_char(l, ' ') ||
	    !take_number(l, 10, &m->inode))
		return false;
	if (major > UINT32_MAX || minor > UINT32_MAX || m->end <= m->start)
		return false;
	m->dev_major = (uint32_t)major;
	m->dev_minor = (uint32_t)minor;
	/* Blanks pad the columns; no path that the kernel prints begins with
	 * one. */
	if (l->pos < l->end && *l->pos != ' ')
		return false;
	while (take_char(l, ' '))
		;
	return true;
}

static bool ends_with(const char *text, size_t len, const char *tail)
{
	size_t n = strlen(tail);
	return len >= n && memcmp(text + len - n, tail, n) == 0;
}

/*
 * A newline is the only character the kernel escapes here, and a backslash is
 * not: a file that is really called `\012` reads the same as a newline.
 */
static enum hs_status take_path(const struct line *l, struct hs_proc_map *m,
				struct hs_error *err)
{
	static const char gone[] = " (deleted)";
	size_t len = (size_t)(l->end - l->pos);
	if (len == 0)
		return HS_OK;
	/* Anonymous names in brackets are free text: nothing was deleted. */
	if (*l->pos != '[' && ends_with(l->pos, len, gone)) {
		m->deleted = true;
		len -= strlen(gone);
	}
	char *path = malloc(len + 1);
	if (!path)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		if (len - i >= 4 && memcmp(l->pos + i, "\\012", 4) == 0) {
			path[n++] = '\n';
			i += 3;
		} else {
			path[n++] = l->pos[i];
		}
	}
	path[n] = '\0';
	m->path = path;
	return HS_OK;
}

/*
 * The kernel hands out the maps a page of text at a time, and a process that
 * runs may join or split mappings in between. False: nothing is left of M.
 */
static bool cut_overlap(const struct hs_proc_map_list *list,
			struct hs_proc_map *m)
{
	hs_addr end = list->count > 0 ? list->map[list->count - 1].end : 0;
	if (m->end <= end)
		return false;
	if (m->start < end) {
		m->offset += end - m->start; /* may wrap: an opinion */
		m->start = end;
	}
	return true;
}

static enum hs_status add_line(struct hs_proc_map_list *list, struct line l,
			       struct hs_error *err)
{
	size_t number = list->count + 1;
	struct hs_proc_map m = { 0 };
	if (memchr(l.pos, 0, (size_t)(l.end - l.pos)) || !take_columns(&l, &m))
		return hs_fail(err, HS_ERR_FORMAT,
			       "line %zu of the memory map is malformed",
			       number);
	if (!cut_overlap(list, &m))
		return HS_OK;
	if (list->count == HS_LIMIT_SEGMENTS)
		return hs_fail(err, HS_ERR_LIMIT,
			       "more than %u mappings in one process",
			       HS_LIMIT_SEGMENTS);
	enum hs_status st = hs_grow(&list->map, &list->capacity, list->count,
				    sizeof(*list->map), err);
	if (st)
		return st;
	st = take_path(&l, &m, err);
	if (st)
		return st;
	list->map[list->count++] = m;
	return HS_OK;
}

enum hs_status hs_proc_maps_parse(const char *text, size_t len,
				  struct hs_proc_map_list *ret,
				  struct hs_error *err)
{
	HS_CLEANUP(hs_proc_map_list_release)
	struct hs_proc_map_list list = { 0 };
	const char *pos = text, *end = text + len;
	while (pos < end) {
		const char *eol = memchr(pos, '\n', (size_t)(end - pos));
		struct line l = { pos, eol ? eol : end };
		enum hs_status st = add_line(&list, l, err);
		if (st)
			return st;
		pos = eol ? eol + 1 : end;
	}
	*ret = list;
	list = (struct hs_proc_map_list){ 0 };
	return HS_OK;
}

void hs_proc_map_list_release(struct hs_proc_map_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->map[i].path);
	free(list->map);
	*list = (struct hs_proc_map_list){ 0 };
}

static bool begins_with(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

enum hs_map_kind hs_proc_map_kind(const struct hs_proc_map *map)
{
	if (!map->path)
		return HS_MAP_ANON;
	if (strcmp(map->path, "[heap]") == 0)
		return HS_MAP_HEAP;
	if (strcmp(map->path, "[stack]") == 0)
		return HS_MAP_STACK;
	/* "[anon:NAME]" from prctl(PR_SET_VMA), "[stack:TID]" before 4.5 */
	if (begins_with(map->path, "[anon") ||
	    begins_with(map->path, "[stack:") ||
	    hs_map_path_is_anonymous(map->path))
		return HS_MAP_ANON;
	return map->path[0] == '[' ? HS_MAP_SPECIAL : HS_MAP_FILE;
}

bool hs_proc_map_is_device(const struct hs_proc_map *map)
{
	return map->path && begins_with(map->path, "/dev/") &&
	       !begins_with(map->path, "/dev/shm/") &&
	       !begins_with(map->path, "/dev/hugepages/") &&
	       strcmp(map->path, "/dev/zero") != 0;
}

const struct hs_proc_map *hs_proc_map_at(const struct hs_proc_map_list *list,
					 hs_addr start)
{
	size_t lo = 0, hi = list->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (list->map[mid].start < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == list->count || list->map[lo].start != start)
		return NULL;
	return &list->map[lo];
}
