/* SPDX-License-Identifier: MIT */
#include "cli/type_rows.h"

#include <stdlib.h>
#include <string.h>

uint64_t type_row_average(const struct type_row *row)
{
	return row->total.count ? row->total.bytes / row->total.count : 0;
}

const char *type_module_path(const struct cli *cli, size_t module)
{
	if (module >= hs_target_module_count(cli->target))
		return NULL;
	struct hs_module_info info;
	hs_target_module(cli->target, module, &info);
	return info.path;
}

static int by_name(const struct type_row *a, const struct type_row *b)
{
	return strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

static int compare(const void *x, const void *y, void *arg)
{
	const struct type_row *a = x, *b = y;
	const enum sort_key *key = arg;
	uint64_t m = a->total.bytes, n = b->total.bytes;
	if (*key == SORT_COUNT) {
		m = a->total.count;
		n = b->total.count;
	} else if (*key == SORT_AVERAGE) {
		m = type_row_average(a);
		n = type_row_average(b);
	}
	if (*key != SORT_NAME && m != n)
		return m > n ? -1 : 1;
	return by_name(a, b);
}

static const char *group_name(const struct cli *cli, enum type_group by,
			      const struct hs_type_info *info)
{
	switch (by) {
	case GROUP_BY_SOURCE:
		return hs_type_source_name(info->source);
	case GROUP_BY_MODULE:
		return type_module_path(cli, info->module);
	default:
		return info->name;
	}
}

/* Rows of one name become one: they are neighbours once sorted by it. */
static void join(struct type_rows *rows)
{
	size_t kept = 0;
	for (size_t i = 0; i < rows->count; i++) {
		struct type_row *last = kept ? &rows->row[kept - 1] : NULL;
		const struct type_row *r = &rows->row[i];
		if (!last || by_name(last, r) != 0) {
			rows->row[kept++] = *r;
			continue;
		}
		last->total.count += r->total.count;
		last->total.bytes += r->total.bytes;
		last->total.chunk_bytes += r->total.chunk_bytes;
	}
	rows->count = kept;
}

static enum sort_key sort_key(const struct cli *cli)
{
	return cli->opt.sort ? cli->opt.sort : SORT_SIZE;
}

/* What of type I is in AREA, or in blocks of the heap. */
static void look_up(struct type_row *r, const struct cli *cli,
		    const enum hs_area *area, size_t i)
{
	hs_types_info(cli->types, i, &r->info);
	r->total = r->info.total;
	if (area)
		hs_types_in_area(cli->types, *area, i, &r->total);
}

static int fill(struct type_rows *rows, struct cli *cli,
		const enum hs_area *area)
{
	size_t n = hs_types_count(cli->types);
	enum sort_key key = sort_key(cli);
	if (key == SORT_ADDRESS || key == SORT_STATE)
		return cli_usage(cli, "types are sorted by size, count, "
				      "average or name");
	rows->row = calloc(n + 1, sizeof(*rows->row));
	if (!rows->row)
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for %zu types", n);
	for (size_t i = 0; i < n; i++) {
		struct type_row *r = &rows->row[rows->count];
		look_up(r, cli, area, i);
		r->name = group_name(cli, rows->by, &r->info);
		rows->count += r->total.count > 0;
	}
	return EXIT_ANSWERED;
}

static void put_in_order(struct type_rows *rows, const struct cli *cli)
{
	enum sort_key key = sort_key(cli);
	qsort_r(rows->row, rows->count, sizeof(*rows->row), compare, &key);
	rows->all = rows->count;
	if (cli->opt.top && cli->opt.top < rows->count)
		rows->count = (size_t)cli->opt.top;
}

int type_rows_init(struct type_rows *rows, struct cli *cli)
{
	enum sort_key name = SORT_NAME;
	*rows = (struct type_rows){ .by = cli->opt.group_by };
	int code = fill(rows, cli, NULL);
	if (code)
		return code;
	if (rows->by != GROUP_BY_TYPE) {
		qsort_r(rows->row, rows->count, sizeof(*rows->row), compare,
			&name);
		join(rows);
	}
	put_in_order(rows, cli);
	return EXIT_ANSWERED;
}

int type_rows_of_area(struct type_rows *rows, struct cli *cli,
		      enum hs_area area)
{
	*rows = (struct type_rows){ .by = GROUP_BY_TYPE };
	int code = fill(rows, cli, &area);
	if (!code)
		put_in_order(rows, cli);
	return code;
}

void type_rows_release(struct type_rows *rows)
{
	free(rows->row);
	rows->row = NULL;
}
