/* SPDX-License-Identifier: MIT */
#include "core/modules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"

enum hs_status hs_module_list_add(struct hs_module_list *list,
				  const struct hs_module *module,
				  struct hs_error *err)
{
	assert(module->path && module->build_id_len <= HS_MAX_BUILD_ID);
	enum hs_status st = hs_grow(&list->module, &list->capacity, list->count,
				    sizeof(*list->module), err);
	if (st)
		return st;
	struct hs_module copy = *module;
	copy.path = strdup(module->path);
	copy.file = module->file ? strdup(module->file) : NULL;
	if (!copy.path || (module->file && !copy.file)) {
		free(copy.path);
		free(copy.file);
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	list->module[list->count++] = copy;
	return HS_OK;
}

static int by_base(const void *a, const void *b)
{
	const struct hs_module *x = a, *y = b;
	return x->base < y->base ? -1 : x->base > y->base;
}

void hs_module_list_sort(struct hs_module_list *list)
{
	if (list->count > 1)
		qsort(list->module, list->count, sizeof(*list->module),
		      by_base);
}

void hs_module_list_release(struct hs_module_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->module[i].path);
		free(list->module[i].file);
	}
	free(list->module);
	*list = (struct hs_module_list){ 0 };
}
