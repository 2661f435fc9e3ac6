/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUT_JSON_H
#define CLI_OUT_JSON_H

#include "cli/cli.h"

struct at_answer;
struct chunk_selection;
struct damage_view;
struct graph_view;
struct type_rows;

/*
 * Documents of schema heapscan/1, docs/schema/heapscan-1.schema.json. Lists
 * are written element by element, so memory does not grow with their length.
 * Failures go to cli->out.error.
 */

/* {"error":{...}} and nothing else. */
void out_json_error(struct out *out, const char *code, const char *message);

/* The default document; CHUNKS: all of them. */
void out_json_report(struct cli *cli, bool chunks);
/* The same with the chosen chunks, their types and the sum of the choice. */
void out_json_chunks(struct cli *cli, const struct chunk_selection *chosen);
/* The same without chunks, and what check says. */
void out_json_check(struct cli *cli, bool damaged,
		    const struct damage_view *view);

/* One object a line, the same as in the document. */
void out_ndjson_chunks(struct cli *cli, struct out *out,
		       const struct chunk_selection *chosen);
/* TEXT, or null, as it stands in a document. */
void out_json_string(struct out *out, const char *text);

void out_json_arenas(struct cli *cli);
void out_json_bins(struct cli *cli);
void out_json_threads(struct cli *cli);
void out_json_maps(struct cli *cli);
void out_json_modules(struct cli *cli);
void out_json_at(struct cli *cli, const struct at_answer *answers, size_t n);
void out_json_read(struct cli *cli, hs_addr addr, const uint8_t *bytes,
		   size_t len);
void out_json_types(struct cli *cli, const struct type_rows *rows);
void out_json_graph(struct cli *cli, const struct graph_view *view);

#endif
