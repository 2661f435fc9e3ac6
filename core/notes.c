/* SPDX-License-Identifier: MIT */
#include "core/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"

enum hs_status hs_note_add(struct hs_note_list *list, enum hs_severity severity,
			   const char *code, hs_addr addr, struct hs_error *err,
			   const char *fmt, ...)
{
	enum hs_status st = hs_grow(&list->note, &list->capacity, list->count,
				    sizeof(*list->note), err);
	if (st)
		return st;
	char *message = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&message, fmt, ap);
	va_end(ap);
	if (n < 0)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a message");
	list->note[list->count++] = (struct hs_note){
		.severity = severity,
		.addr = addr,
		.code = code,
		.message = message,
	};
	return HS_OK;
}

void hs_note_list_release(struct hs_note_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->note[i].message);
	free(list->note);
	*list = (struct hs_note_list){ 0 };
}
