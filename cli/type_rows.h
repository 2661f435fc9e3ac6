/* SPDX-License-Identifier: MIT */
#ifndef CLI_TYPE_ROWS_H
#define CLI_TYPE_ROWS_H

#include "cli/cli.h"

/* As many groups of blocks without a name are shown. */
#define UNNAMED_GROUPS 5u

/* Types, their sources or their modules with what each has, in order. */
struct type_row {
	const char *name; /* of the type, source or module; NULL: no module */
	struct hs_type_info info; /* valid when rows are types */
	struct hs_total total;
};

struct type_rows {
	enum type_group by;
	struct type_row *row; /* owned */
	size_t count;         /* --top applied ... */
	size_t all;           /* ... not applied */
};

/* Not EXIT_ANSWERED: it was reported. Needs cli->types. */
int type_rows_init(struct type_rows *rows, struct cli *cli);
/* The same for the objects in an area of a runtime's, by type. */
int type_rows_of_area(struct type_rows *rows, struct cli *cli,
		      enum hs_area area);
void type_rows_release(struct type_rows *rows);

/* Usable bytes of one, on average. */
uint64_t type_row_average(const struct type_row *row);
/* Path of the module that a type is defined in, or NULL. */
const char *type_module_path(const struct cli *cli, size_t module);

#endif
