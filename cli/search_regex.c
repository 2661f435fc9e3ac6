/* SPDX-License-Identifier: MIT */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/search_regex.h"

/*
 * Steps for each place where a match may begin: what needs more tries all
 * ways of repeating a repetition, and would not end within hours.
 */
#define MAX_STEPS 1000000u

struct search_regex {
	pcre2_code *code;
	uint32_t shortest; /* bytes of a match */
	bool compiled;     /* to machine code */
};
struct search_regex_worker {
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
		/* Where the system forbids it, matching is slower. */
		size_t machine = 0;
		(void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
		r->compiled = !pcre2_pattern_info(r->code, PCRE2_INFO_JITSIZE,
						  &machine) &&
			      machine;
		if (pcre2_pattern_info(r->code, PCRE2_INFO_MINLENGTH,
				       &r->shortest))
			r->shortest = 0;
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
	pcre2_code_free(r->code);
	free(r);
}

size_t search_regex_shortest(const struct search_regex *r)
{
	return r->shortest;
}

struct search_regex_worker *
search_regex_worker_new(const struct search_regex *r)
{
	struct search_regex_worker *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->data = pcre2_match_data_create_from_pattern(r->code, NULL);
	w->limits = pcre2_match_context_create(NULL);
	if (!w->data || !w->limits) {
		search_regex_worker_free(w);
		return NULL;
	}
	(void)pcre2_set_match_limit(w->limits, MAX_STEPS);
	return w;
}

void search_regex_worker_free(struct search_regex_worker *w)
{
	if (!w)
		return;
	pcre2_match_context_free(w->limits);
	pcre2_match_data_free(w->data);
	free(w);
}

enum search_match search_regex_match(const struct search_regex *r,
				     struct search_regex_worker *w,
				     const char *text, size_t len, size_t *from,
				     size_t *end)
{
	/* Most runs of text are short: then even the checks count. */
	int n = (r->compiled ? pcre2_jit_match : pcre2_match)(
		r->code, (PCRE2_SPTR)text, len, *from, PCRE2_NOTEMPTY, w->data,
		w->limits);
	if (n == PCRE2_ERROR_NOMATCH)
		return SEARCH_NO_MATCH;
	if (n < 0)
		return SEARCH_TOO_LONG;
	const PCRE2_SIZE *where = pcre2_get_ovector_pointer(w->data);
	/* \K in a lookahead may end a match before it begins. */
	if (where[1] <= where[0] || where[0] < *from)
		return SEARCH_NO_MATCH;
	*from = where[0];
	*end = where[1];
	return SEARCH_MATCH;
}
