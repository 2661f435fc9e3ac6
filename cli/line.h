/* SPDX-License-Identifier: MIT */
#ifndef CLI_LINE_H
#define CLI_LINE_H

#include <stddef.h>

/* Lines that a person or a script types, for `heapscan shell`. */

/* Words that may follow START, which ends where the cursor is: with STATE 0 the
 * first, then one each call, allocated; NULL: no more. */
typedef char *(*line_words_fn)(const char *start, const char *word, int state);

/* Once, before line_read(). With editing and a history when standard input is a
 * terminal; the history is never written anywhere. */
void line_init(line_words_fn words);
/* The next line without its newline, allocated; NULL: no more. PROMPT is shown
 * to people only. */
char *line_read(const char *prompt);

/* The same without editing. */
char *line_get(void);

/*
 * Take LINE apart into words, as a shell does with blanks, quotes and
 * backslashes; a bare # begins a comment. The words are put into BUF, which has
 * room for strlen(LINE) + 2 bytes. *TAIL, in LINE: what stands behind a bare
 * `|`, or from a bare `>` on, for /bin/sh; NULL: neither. Returns how many
 * words, -1: a quote is not closed, or there are more than MAX.
 */
int line_split(const char *line, char *buf, char **words, int max,
	       const char **tail);

#endif
