/* SPDX-License-Identifier: MIT */
#ifndef TYPES_TEXT_H
#define TYPES_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

/* Can C be in a text? All bytes of UTF-8 above ASCII can. */
static inline bool hs_is_text_byte(uint8_t c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t' || c == '\r';
}

/*
 * Can C follow in well-formed UTF-8, when *MORE bytes of its last character
 * (begin with 0) are to follow?
 */
static inline bool hs_goes_on(uint8_t c, unsigned *more)
{
	bool follows = c >= 0x80 && c < 0xc0;
	if (follows != (*more > 0))
		return false;
	if (follows)
		--*more;
	else if (c >= 0xc2 && c < 0xf5)
		*more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	else
		return c < 0x80;
	return true;
}

#endif
