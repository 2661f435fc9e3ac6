/* SPDX-License-Identifier: MIT */
#include "cli/out_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of a name in a table, in bytes. Templates of templates have thousands. */
#define NAME_LEN 200u
#define NAME_END 60u /* of them at its end */

const char *text_size(char buf[TEXT_LEN], uint64_t bytes)
{
	static const char units[][4] = { "KiB", "MiB", "GiB",
					 "TiB", "PiB", "EiB" };
	if (bytes < 1024) {
		(void)snprintf(buf, TEXT_LEN, "%" PRIu64 " B", bytes);
		return buf;
	}
	size_t unit = 0;
	uint64_t whole = bytes;
	while (whole >= 1024 * 1024) {
		whole >>= 10;
		unit++;
	}
	/* Rounding may reach the next unit: 1023.97 KiB is 1.0 MiB. */
	uint64_t tenths = (whole * 10 + 512) / 1024;
	if (tenths >= 10240 && unit < 5) {
		tenths = 10;
		unit++;
	}
	(void)snprintf(buf, TEXT_LEN, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
		       tenths % 10, units[unit]);
	return buf;
}

const char *text_count(char buf[TEXT_LEN], uint64_t count)
{
	char digits[24];
	size_t len = (size_t)(put_u64(digits, count) - digits);
	char *at = buf;
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = 0;
	return buf;
}

const char *text_addr(char buf[TEXT_LEN], hs_addr addr)
{
	if (addr == HS_NO_ADDR)
		return "-";
	*put_hex(buf, addr) = 0;
	return buf;
}

size_t text_utf8(const char *text, uint32_t *ret)
{
	const unsigned char *s = (const unsigned char *)text;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80             ? 1
		     : (s[0] & 0xe0) == 0xc0 ? 2
		     : (s[0] & 0xf0) == 0xe0 ? 3
		     : (s[0] & 0xf8) == 0xf0 ? 4
					     : 0;
	if (!len || !s[0])
		return 0;
	uint32_t point = len == 1 ? s[0] : s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3fu);
	}
	if (point < least[len] || point > 0x10ffff ||
	    (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret = point;
	return len;
}

/* Characters that would move the cursor or turn the line round. */
static bool is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e ||
	       c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* Take one character off TEXT, escaped, into BUF: at most 16 bytes. */
static size_t escape_one(const char **text, char buf[17])
{
	uint32_t point = 0;
	size_t len = text_utf8(*text, &point);
	if (len && !is_unsafe(point)) {
		memcpy(buf, *text, len);
		*text += len;
		return len;
	}
	if (!len)
		len = 1;
	size_t n = 0;
	for (size_t i = 0; i < len; i++)
		n += (size_t)snprintf(buf + n, 17 - n, "\\x%02x",
				      (unsigned char)(*text)[i]);
	*text += len;
	return n;
}

void text_escape(char *buf, size_t size, const char *text)
{
	size_t used = 0;
	while (*text) {
		char one[17];
		size_t n = escape_one(&text, one);
		if (n >= size - used)
			break;
		memcpy(buf + used, one, n);
		used += n;
	}
	buf[used] = 0;
}

void out_escaped(struct out *out, const char *text)
{
	while (*text) {
		char one[17];
		size_t n = escape_one(&text, one);
		out_bytes(out, one, n);
	}
}

const char *text_plural(uint64_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

enum ink ink_of_state(enum hs_chunk_state state)
{
	switch (state) {
	case HS_CHUNK_USED:
	case HS_CHUNK_MMAPPED:
		return INK_GOOD;
	case HS_CHUNK_TCACHE:
	case HS_CHUNK_FASTBIN:
	case HS_CHUNK_UNSORTED:
	case HS_CHUNK_SMALLBIN:
	case HS_CHUNK_LARGEBIN:
		return INK_FREE;
	case HS_CHUNK_UNKNOWN:
		return INK_WARN;
	default:
		return INK_DIM;
	}
}

enum ink ink_of_severity(enum hs_severity severity)
{
	return severity == HS_DAMAGE    ? INK_BAD
	       : severity == HS_WARNING ? INK_WARN
					: INK_DIM;
}

static const char *const inks[] = {
	[INK_PLAIN] = "",         [INK_BOLD] = "\033[1m",
	[INK_DIM] = "\033[2m",    [INK_GOOD] = "\033[32m",
	[INK_BAD] = "\033[1;31m", [INK_WARN] = "\033[33m",
	[INK_FREE] = "\033[36m",
};

void out_ink(struct out *out, bool colour, enum ink ink, const char *text)
{
	if (!colour || ink == INK_PLAIN) {
		out_str(out, text);
		return;
	}
	out_str(out, inks[ink]);
	out_str(out, text);
	out_str(out, "\033[0m");
}

static void pad(struct out *out, size_t n)
{
	static const char blanks[] = "                                ";
	for (size_t left = n; left;) {
		size_t some =
			left < sizeof(blanks) - 1 ? left : sizeof(blanks) - 1;
		out_bytes(out, blanks, some);
		left -= some;
	}
}

void table_begin(struct table *table, struct out *out, bool colour,
		 const struct column *columns, size_t count)
{
	*table = (struct table){ out, colour, columns, count, 0 };
	for (size_t i = 0; i < count; i++)
		table_cell(table, INK_DIM, columns[i].title);
}

void table_cell(struct table *table, enum ink ink, const char *text)
{
	const struct column *col = &table->columns[table->at];
	bool last = table->at + 1 == table->count;
	size_t width = (size_t)(col->width < 0 ? -col->width : col->width);
	size_t len = strlen(text);
	size_t blanks = len < width ? width - len : 0;
	if (col->width > 0)
		pad(table->out, blanks);
	out_ink(table->out, table->colour, ink, text);
	if (col->width < 0 && !last)
		pad(table->out, blanks);
	out_str(table->out, last ? "\n" : "  ");
	table->at = last ? 0 : table->at + 1;
}

void table_addr(struct table *table, hs_addr addr)
{
	char buf[TEXT_LEN];
	table_cell(table, INK_PLAIN, text_addr(buf, addr));
}

void table_count(struct table *table, uint64_t count)
{
	char buf[TEXT_LEN];
	table_cell(table, INK_PLAIN,
		   count == HS_UNKNOWN ? "-" : text_count(buf, count));
}

void table_size(struct table *table, uint64_t bytes)
{
	char buf[TEXT_LEN];
	table_cell(table, INK_PLAIN,
		   bytes == HS_UNKNOWN ? "-" : text_size(buf, bytes));
}

void table_target(struct table *table, const char *text)
{
	char buf[4 * 4096 + 1];
	text_escape(buf, sizeof(buf), text && *text ? text : "-");
	table_cell(table, INK_PLAIN, buf);
}

/* Behind AT bytes of TEXT, where no character is cut. */
static size_t whole_character(const char *text, size_t at)
{
	while (at && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

void table_name(struct table *table, const char *name)
{
	char buf[NAME_LEN + sizeof(" ... ")];
	size_t len = name ? strlen(name) : 0;
	if (len <= NAME_LEN + sizeof(" ... ")) {
		table_target(table, name);
		return;
	}
	(void)snprintf(buf, sizeof(buf), "%.*s ... %s",
		       (int)whole_character(name, NAME_LEN - NAME_END), name,
		       name + whole_character(name, len - NAME_END));
	table_target(table, buf);
}
