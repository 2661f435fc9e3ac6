/* SPDX-License-Identifier: MIT */
#ifndef CORE_MODULES_H
#define CORE_MODULES_H

#include <heapscan/target.h>

#include "core/fail.h"

#define HS_MAX_BUILD_ID 64

struct hs_module {
	hs_addr base; /* where its ELF header is mapped */
	hs_addr end;  /* of its last mapping */
	char *path;   /* owned; as the target names it; never NULL once added */
	char *file;   /* owned; the file we read, or NULL */
	enum hs_module_file file_state;
	uint8_t build_id[HS_MAX_BUILD_ID];
	size_t build_id_len; /* 0: none or not known */
	bool is_executable;
};

struct hs_module_list {
	struct hs_module *module;
	size_t count, capacity;
};

/* Append a copy of MODULE; its strings are copied. */
HS_MUST_CHECK enum hs_status hs_module_list_add(struct hs_module_list *list,
						const struct hs_module *module,
						struct hs_error *err);
void hs_module_list_sort(struct hs_module_list *list); /* by base */
void hs_module_list_release(struct hs_module_list *list);

#endif
