/* SPDX-License-Identifier: MIT */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "cli/search.h"

/*
 * Steps for each place where a match may begin: what needs more tries all
 * ways of repeating a repetition, and would not end within hours.
 */
#define MAX_STEPS 1000000u

struct search_regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

struct search_regex *search_regex_new(const char *pattern, char *why,
				      size_t size)
{
	int error = 0;
	PCRE2_SIZE at;
	struct search_regex *r = calloc(1, sizeof(*r));
	if (r)
		r->code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern),
					PCRE2_NEVER_UTF, &error, &at, NULL);
	if (r && r->code) {
		r->data = pcre2_match_data_create_from_pattern(r->code, NULL);
		r->limits = pcre2_match_context_create(NULL);
	}
	if (r && r->data && r->limits) {
		(void)pcre2_set_match_limit(r->limits, MAX_STEPS);
		/* Where the system forbids it, matching is slower. */
		(void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
		return r;
	}
	if (!error || pcre2_get_error_message(error, (PCRE2_UCHAR *)why,
					      size) == PCRE2_ERROR_BADDATA)
		(void)strncpy(why, "no memory", size);
	search_regex_free(r);
	return NULL;
}

void search_regex_free(struct search_regex *r)
{
	if (!r)
		return;
	pcre2_match_context_free(r->limits);
	pcre2_match_data_free(r->data);
	pcre2_code_free(r->code);
	free(r);
}

enum search_match search_regex_match(struct search_regex *r, const char *text,
				     size_t len, size_t *from, size_t *end)
{
	int n = pcre2_match(r->code, (PCRE2_SPTR)text, len, *from,
			    PCRE2_NOTEMPTY, r->data, r->limits);
	if (n == PCRE2_ERROR_NOMATCH)
		return SEARCH_NO_MATCH;
	if (n < 0)
		return SEARCH_TOO_LONG;
	const PCRE2_SIZE *where = pcre2_get_ovector_pointer(r->data);
	/* \K in a lookahead may end a match before it begins. */
	if (where[1] <= where[0] || where[0] < *from)
		return SEARCH_NO_MATCH;
	*from = where[0];
	*end = where[1];
	return SEARCH_MATCH;
}
