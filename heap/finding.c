/* SPDX-License-Identifier: MIT */
#include "heap/finding.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	enum hs_severity severity;
	const char *word;
} kinds[] = {
#define X(id, severity, word) [HS_FINDING_##id] = { HS_##severity, word },
	HS_FINDINGS(X)
#undef X
};

enum hs_status hs_finding_add(struct hs_findings *findings,
			      enum hs_finding finding, hs_addr addr,
			      struct hs_error *err, const char *fmt, ...)
{
	if (++findings->count[finding] > HS_LIMIT_PROBLEMS_PER_CODE)
		return HS_OK;
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return hs_note_add(&findings->list, kinds[finding].severity,
			   kinds[finding].word, addr, err, "%s", text);
}

enum hs_finding hs_finding_of(const char *code)
{
	size_t i = 0;
	while (i < HS_FINDING_COUNT && strcmp(kinds[i].word, code) != 0)
		i++;
	return (enum hs_finding)i;
}

/* Worst first; within a severity in the order they were found in, which for
 * one kind is mostly by address. The kind's place in the table breaks ties. */
static int worst_first(const void *a, const void *b)
{
	const struct hs_note *x = a, *y = b;
	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->code != y->code) {
		size_t i = 0, j = 0;
		while (i < HS_FINDING_COUNT && kinds[i].word != x->code)
			i++;
		while (j < HS_FINDING_COUNT && kinds[j].word != y->code)
			j++;
		return i < j ? -1 : 1;
	}
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

enum hs_status hs_findings_finish(struct hs_findings *findings,
				  struct hs_error *err)
{
	struct hs_note_list *list = &findings->list;
	for (size_t f = 0; f < HS_FINDING_COUNT; f++) {
		if (findings->count[f] <= HS_LIMIT_PROBLEMS_PER_CODE)
			continue;
		/* The highest address sorts it behind the ones it counts. */
		enum hs_status st = hs_note_add(
			list, kinds[f].severity, kinds[f].word, HS_NO_ADDR, err,
			"%" PRIu64 " more of this kind are not listed",
			findings->count[f] - HS_LIMIT_PROBLEMS_PER_CODE);
		if (st)
			return st;
	}
	if (list->count > 1)
		qsort(list->note, list->count, sizeof(*list->note),
		      worst_first);
	return HS_OK;
}

void hs_findings_release(struct hs_findings *findings)
{
	hs_note_list_release(&findings->list);
}
