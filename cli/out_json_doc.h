/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUT_JSON_DOC_H
#define CLI_OUT_JSON_DOC_H

#include <jansson.h>

#include "cli/cli.h"

struct chunk_selection;
struct damage_view;

/* A document being written, top-level members first to last. */
struct json_doc {
	struct cli *cli;
	struct out *out;
	bool first_member, first_element;
};

/* "{", then schema, tool and target. */
void doc_begin(struct json_doc *doc, struct cli *cli);
/* The same without target: the document is about several. */
void doc_begin_untargeted(struct json_doc *doc, struct cli *cli);
void doc_end(struct json_doc *doc);
/* VALUE is taken over; NULL means that there was no memory for it. */
void doc_member(struct json_doc *doc, const char *name, json_t *value);
void doc_array_begin(struct json_doc *doc, const char *name);
void doc_element(struct json_doc *doc, json_t *value);
/* Before an element that the caller writes himself. */
void doc_element_begin(struct json_doc *doc);
void doc_array_end(struct json_doc *doc);

/* What is not known is null: HS_NO_ADDR, HS_UNKNOWN, negative, NULL. */
json_t *jaddr(hs_addr addr);
json_t *jcount(uint64_t n);
json_t *jid(int64_t n);
json_t *jtext(const char *text);
json_t *jtarget(const struct hs_target_info *target);
/* One frame of a stack. */
json_t *jframe(const struct hs_frame_info *frame);
json_t *jtotal(const struct hs_total *total);
/* What a runtime keeps in an area of its own; NULL: null. */
json_t *jarea_part(const struct cli *cli, const struct hs_part_info *part);

/* Parts that several documents have. */
void doc_allocator(struct json_doc *doc);
void doc_threads(struct json_doc *doc);
void doc_arenas(struct json_doc *doc);
void doc_problems(struct json_doc *doc);
/* What check says of the damage. */
void doc_damage(struct json_doc *doc, const struct damage_view *view);
void doc_chunks(struct json_doc *doc);
void doc_chunk_selection(struct json_doc *doc,
			 const struct chunk_selection *chosen);

#endif
