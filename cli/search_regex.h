/* SPDX-License-Identifier: MIT */
#ifndef CLI_SEARCH_REGEX_H
#define CLI_SEARCH_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A regular expression for runs of text. */
struct search_regex; /* opaque; several threads may use it at once ... */
/* ... each with one of these. */
struct search_regex_worker;

/* NULL: WHY says what is wrong with it. */
struct search_regex *search_regex_new(const char *pattern, char *why,
				      size_t size);
void search_regex_free(struct search_regex *regex); /* NULL is fine */
/* What matches has so many bytes at least. */
size_t search_regex_shortest(const struct search_regex *regex);

/* NULL: no memory. */
struct search_regex_worker *
search_regex_worker_new(const struct search_regex *regex);
void search_regex_worker_free(struct search_regex_worker *worker);

enum search_match { SEARCH_NO_MATCH, SEARCH_MATCH, SEARCH_TOO_LONG };
/* The first match in TEXT[*FROM] to TEXT[LEN - 1]; *FROM and *END say where. */
enum search_match search_regex_match(const struct search_regex *regex,
				     struct search_regex_worker *worker,
				     const char *text, size_t len, size_t *from,
				     size_t *end);

/*
 * The longest run of characters that must be in a match of PATTERN, as its
 * spelling shows: *LEN bytes at BUF, which has room for the whole pattern. 0:
 * none that is easily seen. *FOLD: letters of either case, these are small.
 */
void search_regex_literal(const char *pattern, uint8_t *buf, size_t *len,
			  bool *fold);

#endif
