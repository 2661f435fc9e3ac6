/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUT_TEXT_H
#define CLI_OUT_TEXT_H

#include <heapscan/heap.h>

#include "cli/out.h"

/* Enough for any number, size or address below. */
#define TEXT_LEN 40

const char *text_size(char buf[TEXT_LEN], uint64_t bytes);  /* 12.4 MiB */
const char *text_count(char buf[TEXT_LEN], uint64_t count); /* 48,211 */
const char *text_addr(char buf[TEXT_LEN], hs_addr addr);    /* 0x..., - */

/*
 * TEXT out of a target or an argument made safe for a terminal: control and
 * direction characters and what is not UTF-8 become \x.. escapes. Cut to fit.
 */
void text_escape(char *buf, size_t size, const char *text);
void out_escaped(struct out *out, const char *text);
/*
 * Length of the UTF-8 sequence at TEXT, 0 when it is not one; *RET gets the
 * code point.
 */
size_t text_utf8(const char *text, uint32_t *ret);

/* NOUN with an s unless COUNT is one. */
const char *text_plural(uint64_t count, const char *one, const char *many);

enum ink {
	INK_PLAIN,
	INK_BOLD,
	INK_DIM,
	INK_GOOD,
	INK_BAD,
	INK_WARN,
	INK_FREE
};
enum ink ink_of_state(enum hs_chunk_state state);
enum ink ink_of_severity(enum hs_severity severity);
void out_ink(struct out *out, bool colour, enum ink ink, const char *text);

/*
 * Aligned columns, written row by row: widths are fixed beforehand, so that a
 * table of a million rows costs no memory. The last column is not padded.
 */
struct column {
	const char *title;
	int width; /* negative: aligned to the left */
};
struct table {
	struct out *out;
	bool colour;
	const struct column *columns;
	size_t count, at;
};
void table_begin(struct table *table, struct out *out, bool colour,
		 const struct column *columns, size_t count);
void table_cell(struct table *table, enum ink ink, const char *text);
void table_addr(struct table *table, hs_addr addr);
void table_count(struct table *table, uint64_t count);    /* - for HS_UNKNOWN */
void table_size(struct table *table, uint64_t bytes);     /* - for HS_UNKNOWN */
void table_target(struct table *table, const char *text); /* escaped; or - */
/* The name of a type; of one that fills lines, how it begins and ends. */
void table_name(struct table *table, const char *name);

#endif
