/* SPDX-License-Identifier: MIT */
#ifndef CORE_NOTES_H
#define CORE_NOTES_H

#include <heapscan/target.h>

#include "core/fail.h"

/* What was noticed while opening or scanning: see struct hs_problem_info. */
struct hs_note {
	enum hs_severity severity;
	hs_addr addr;
	const char *code; /* a string constant */
	char *message;    /* owned */
};

struct hs_note_list {
	struct hs_note *note;
	size_t count, capacity;
};

/* MESSAGE like an error text: lower case, one line, no full stop. */
HS_MUST_CHECK enum hs_status hs_note_add(struct hs_note_list *list,
					 enum hs_severity severity,
					 const char *code, hs_addr addr,
					 struct hs_error *err, const char *fmt,
					 ...) HS_PRINTF(6, 7);
void hs_note_list_release(struct hs_note_list *list);

#endif
