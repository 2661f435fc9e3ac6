/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUT_JSON_OBJECT_H
#define CLI_OUT_JSON_OBJECT_H

#include "cli/object_why.h"
#include "cli/out_json_doc.h"

/* A root of references, as `why --json` has it. */
json_t *jroot(struct cli *cli, const struct hs_root_info *root);
/* What is known of who holds an object; null: WHY has nothing to say. */
json_t *jobject_why(struct cli *cli, struct hs_graph *graph,
		    const struct object_why *why);

#endif
