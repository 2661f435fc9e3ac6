/* SPDX-License-Identifier: MIT */
#include "backends/proc_maps.h"
#include "backends/proc_status.h"

#include <stdlib.h>
#include <string.h>

/*
 * The texts of /proc are the kernel's, but names in them are anybody's. What
 * the parser promised must hold for whatever it accepted.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hs_proc_map_list list = { 0 };
	struct hs_error err = { 0 };
	enum hs_status st =
		hs_proc_maps_parse((const char *)data, len, &list, &err);
	if (st != HS_OK && (list.count != 0 || err.code != st || !err.text[0]))
		abort();
	for (size_t i = 0; i < list.count; i++) {
		const struct hs_proc_map *m = &list.map[i];
		if (m->end <= m->start)
			abort();
		if (i > 0 && list.map[i - 1].end > m->start)
			abort();
		if (m->path && strlen(m->path) > len)
			abort();
		if (hs_proc_map_at(&list, m->start) != m)
			abort();
		if (hs_proc_map_kind(m) == HS_MAP_FILE && !m->path)
			abort();
		(void)hs_proc_map_is_device(m);
	}
	hs_proc_map_list_release(&list);

	struct hs_proc_status status;
	hs_proc_status_parse((const char *)data, len, &status);
	if (strnlen(status.name, sizeof(status.name)) == sizeof(status.name))
		abort();
	return 0;
}
