/* SPDX-License-Identifier: MIT */
#ifndef TYPES_TEXT_H
#define TYPES_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A name being put together in the caller's buffer; always NUL-terminated. */
struct hs_text {
	char *buf;
	size_t size, len;
	bool full; /* something did not fit: what is there is no name */
};

static inline void hs_text_init(struct hs_text *t, char *buf, size_t size)
{
	*t = (struct hs_text){ .buf = buf, .size = size };
	buf[0] = 0;
}

static inline void hs_text_put(struct hs_text *t, const char *part, size_t len)
{
	if (t->full || len >= t->size - t->len) {
		t->full = true;
		return;
	}
	memcpy(t->buf + t->len, part, len);
	t->len += len;
	t->buf[t->len] = 0;
}

static inline void hs_text_add(struct hs_text *t, const char *part)
{
	hs_text_put(t, part, strlen(part));
}

#endif
