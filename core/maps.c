/* SPDX-License-Identifier: MIT */
#include "core/maps.h"

#include <stdlib.h>
#include <string.h>

#include "core/grow.h"

enum hs_status hs_map_list_add(struct hs_map_list *list,
			       const struct hs_map *map, struct hs_error *err)
{
	enum hs_status st = hs_grow(&list->map, &list->capacity, list->count,
				    sizeof(*list->map), err);
	if (st)
		return st;
	struct hs_map copy = *map;
	if (map->path) {
		copy.path = strdup(map->path);
		if (!copy.path)
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	list->map[list->count++] = copy;
	return HS_OK;
}

bool hs_map_path_is_anonymous(const char *path)
{
	static const char name[] = "/anon_hugepage";
	return strncmp(path, name, sizeof(name) - 1) == 0;
}

static int by_start(const void *a, const void *b)
{
	const struct hs_map *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

void hs_map_list_sort(struct hs_map_list *list)
{
	if (list->count > 1)
		qsort(list->map, list->count, sizeof(*list->map), by_start);
}

void hs_map_list_release(struct hs_map_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->map[i].path);
	free(list->map);
	*list = (struct hs_map_list){ 0 };
}
