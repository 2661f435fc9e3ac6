/* SPDX-License-Identifier: MIT */
#include "backends/slice_records.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/cursor.h"

/*
 * Blocks that people look at and nothing here depends on: each is rows of
 * fields, so each is a line of the tables below. What a row holds beyond its
 * fields is not read.
 *
 * Kinds of fields: 1 2 4 8 a number of as many bytes; X an address of 8; F the
 * family of the addresses A (16 bytes) behind it; l and L the length, of 2 and
 * 4 bytes, of a string that follows later; S such a string, padded to 8, s
 * without padding; U a UUID; H a hash, zeroes being none; I a build id of 20
 * bytes. Without a name a field is skipped; then its kind is its length in
 * bytes.
 */
struct field {
	const char *name;
	char kind;
};

#define MAX_FIELDS 16u
#define MAX_STRINGS 4u

/* clang-format off */
static const struct table {
	unsigned type;
	bool counted; /* begins with a count and four reserved bytes */
	struct field field[MAX_FIELDS];
} tables[] = {
	{ SLICE_BLOCK_KEY_HINT, false, {
		{ "region", 'U' }, { "offset", '8' }, { "key_length", '4' },
		{ "key_type", '2' }, { "protocol", '2' },
		{ "confidence", '1' }, { "state", '1' }, { NULL, '2' },
		{ "note", 'L' }, { NULL, '4' }, { "note", 'S' } } },
	{ SLICE_BLOCK_PROVENANCE, false, {
		{ "source_format", '2' }, { NULL, '2' }, { "tool", 'L' },
		{ "import_time_ns", '8' }, { "original_size", '8' },
		{ "note", 'L' }, { NULL, '4' },
		{ "tool", 'S' }, { "note", 'S' } } },
	{ SLICE_BLOCK_RELATED, false, {
		{ "dump", 'U' }, { "pid", '4' }, { "relationship", '2' } } },
	{ SLICE_BLOCK_PROCESS_TABLE, true, {
		{ "pid", '4' }, { "ppid", '4' }, { "uid", '4' },
		{ "is_target", '1' }, { NULL, '3' }, { "start_time_ns", '8' },
		{ "rss", '8' }, { "executable", 'l' }, { "command_line", 'l' },
		{ "user", 'l' }, { NULL, '2' }, { "executable", 'S' },
		{ "command_line", 'S' }, { "user", 'S' } } },
	{ SLICE_BLOCK_CONNECTION_TABLE, true, {
		{ "pid", '4' }, { "family", 'F' }, { "protocol", '1' },
		{ "state", '1' }, { NULL, '1' }, { "local", 'A' },
		{ "local_port", '2' }, { NULL, '2' }, { "remote", 'A' },
		{ "remote_port", '2' }, { NULL, '2' } } },
	/* One writer has a type of two bytes; its values need but one. */
	{ SLICE_BLOCK_HANDLE_TABLE, true, {
		{ "pid", '4' }, { "fd", '4' }, { "type", '2' }, { "path", 'l' },
		{ NULL, '4' }, { "path", 'S' } } },
	{ SLICE_BLOCK_PERSISTENCE, true, {
		{ "source", '1' }, { NULL, '1' }, { "path", 'l' },
		{ "path", 's' }, { "mtime_ns", '8' }, { "size", '8' },
		{ "mode", '4' } } },
	{ SLICE_BLOCK_KERNEL_MODULES, true, {
		{ "name", 'l' }, { "name", 's' }, { "size", '8' },
		{ "refcount", '4' }, { "state", '1' }, { "taint", '1' },
		{ "base", 'X' }, { "flags", '1' }, { NULL, '1' } } },
	{ SLICE_BLOCK_PHYSICAL_MAP, true, {
		{ "start", 'X' }, { "end", 'X' }, { "label", 'l' },
		{ NULL, '2' }, { "label", 's' } } },
	{ SLICE_BLOCK_BUILD_IDS, true, {
		{ "base", 'X' }, { "id_length", '1' }, { "source", '1' },
		{ "flags", '1' }, { NULL, '1' }, { "build_id", 'I' },
		{ "disk_hash", 'H' } } },
};

/* Numbered values: tag, length, bytes. */
struct tag {
	unsigned number;
	const char *name;
	char kind; /* n a number, t text, h hexadecimal, X an address */
};
static const struct tag kernel_tags[] = {
	{ 0x01, "page_size", 'n' }, { 0x02, "build_id", 'h' },
	{ 0x03, "text", 'X' }, { 0x04, "page_offset", 'X' },
	{ 0x05, "la57", 'n' }, { 0x06, "pti", 'n' },
	{ 0x07, "btf_sha256", 'h' }, { 0x08, "btf_size", 'n' },
	{ 0x09, "vmcoreinfo_sha256", 'h' }, { 0x0a, "config_sha256", 'h' },
	{ 0x0b, "realtime", 'n' }, { 0x0c, "monotonic", 'n' },
	{ 0x0d, "boottime", 'n' }, { 0x0e, "clocksource", 't' },
	{ 0x0f, "transparent_huge_pages", 't' }, { 0x10, "ksm", 'n' },
	{ 0x11, "directmap_4k", 'n' }, { 0x12, "directmap_2m", 'n' },
	{ 0x13, "directmap_1g", 'n' }, { 0x14, "zram", 't' },
	{ 0x15, "zswap", 'n' }, { 0, NULL, 0 },
};
static const struct tag target_tags[] = {
	{ 0x01, "tracer", 'n' }, { 0x02, "loginuid", 'n' },
	{ 0x03, "audit_session", 'n' }, { 0x04, "selinux", 't' },
	{ 0x05, "namespaces", 't' }, { 0x06, "namespace_scope", 't' },
	{ 0x07, "pss", 'n' }, { 0x08, "swap", 'n' },
	{ 0x09, "anonymous_huge", 'n' }, { 0x0a, "rwx_maps", 'n' },
	{ 0x0b, "cgroup", 't' }, { 0x0c, "cwd", 't' }, { 0x0d, "root", 't' },
	{ 0x0e, "cap_effective", 't' }, { 0x0f, "cap_ambient", 't' },
	{ 0x10, "no_new_privs", 'n' }, { 0x11, "seccomp", 'n' },
	{ 0x12, "coredumping", 'n' }, { 0x13, "threads", 'n' },
	{ 0x14, "signals_caught", 't' }, { 0x15, "io_read", 'n' },
	{ 0x16, "io_written", 'n' }, { 0x17, "io_read_bytes", 'n' },
	{ 0x18, "io_write_bytes", 'n' }, { 0x19, "limit_nofile", 't' },
	{ 0x1a, "limit_core", 't' }, { 0x1b, "limit_memlock", 't' },
	{ 0x1c, "personality", 't' }, { 0x1d, "ancestry", 't' },
	{ 0x1e, "mismatch", 'n' }, { 0x1f, "environ", 't' },
	{ 0x20, "redacted_keys", 't' }, { 0, NULL, 0 },
};
static const struct tag connectivity_rows[] = {
	{ 1, "route4", 'h' }, { 2, "route6", 'h' }, { 3, "neighbour", 'h' },
	{ 4, "packet_socket", 'h' }, { 5, "device", 'h' },
	{ 6, "socket_counts", 'h' }, { 7, "counter", 'h' }, { 0, NULL, 0 },
};
/* clang-format on */

/* Where the values of one row go. */
struct sink {
	struct hs_slice_records *records;
	size_t block;
	uint64_t row;
	struct hs_error *err;
};

static enum hs_status put_text(const struct sink *s, const char *name,
			       const char *text)
{
	return hs_slice_fact_add(s->records, s->block, s->row, name, text,
				 s->err);
}

static enum hs_status put_number(const struct sink *s, const char *name,
				 uint64_t value, bool hex)
{
	char text[24];
	(void)snprintf(text, sizeof(text), hex ? "0x%" PRIx64 : "%" PRIu64,
		       value);
	return put_text(s, name, text);
}

static enum hs_status put_hex(const struct sink *s, const char *name,
			      const uint8_t *bytes, size_t len)
{
	char text[2 * 256 + 4];
	size_t shown = len < 256 ? len : 256;
	for (size_t i = 0; i < shown; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	text[2 * shown] = '\0';
	if (shown < len)
		memcpy(text + 2 * shown, "...", 4);
	return put_text(s, name, text);
}

/* Text that need not end with NUL; NULs within become blanks. */
static enum hs_status put_bytes(const struct sink *s, const char *name,
				const uint8_t *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	HS_AUTO_FREE char *text = malloc(len + 1);
	if (!text)
		return hs_fail(s->err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(bytes[i] ? bytes[i] : ' ');
	text[len] = '\0';
	return put_text(s, name, text);
}

static enum hs_status put_uuid(const struct sink *s, const char *name,
			       const uint8_t *u)
{
	char text[40], *at = text;
	for (size_t i = 0; i < SLICE_UUID_LEN; i++)
		at += sprintf(at,
			      i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x"
								    : "%02x",
			      u[i]);
	return put_text(s, name, text);
}

static enum hs_status put_address(const struct sink *s, const char *name,
				  unsigned family, const uint8_t *bytes)
{
	char text[INET6_ADDRSTRLEN];
	/* 2 is AF_INET everywhere, 10 is AF_INET6 on Linux. */
	int how = family == 2 ? AF_INET : AF_INET6;
	if ((family != 2 && family != 10) ||
	    !inet_ntop(how, bytes, text, sizeof(text)))
		return put_hex(s, name, bytes, 16);
	return put_text(s, name, text);
}

/* What earlier fields of a row mean for later ones. */
struct row_state {
	unsigned family;
	uint64_t length[MAX_STRINGS];
	size_t lengths, strings;
	unsigned id_len;
};

static enum hs_status take_text(struct hs_cursor *c, const struct field *f,
				struct row_state *row, const struct sink *s)
{
	uint64_t len =
		row->strings < row->lengths ? row->length[row->strings++] : 0;
	if (len == 0 || len > hs_cursor_left(c)) {
		c->overrun = c->overrun || len != 0;
		return HS_OK;
	}
	const uint8_t *bytes = hs_cursor_bytes(c, (size_t)len);
	if (!bytes)
		return HS_OK;
	size_t pad = f->kind == 'S' ? (size_t)(SLICE_PAD8(len) - len) : 0;
	size_t left = hs_cursor_left(c);
	(void)hs_cursor_bytes(c, pad < left ? pad : left);
	return put_bytes(s, f->name, bytes, (size_t)len);
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static enum hs_status take_field(struct hs_cursor *c, const struct field *f,
				 struct row_state *row, const struct sink *s)
{
	size_t digit = (size_t)(f->kind - '0');
	const uint8_t *bytes;
	uint64_t number;
	if (!f->name) {
		(void)hs_cursor_bytes(c, digit);
		return HS_OK;
	}
	switch (f->kind) {
	case 'l':
	case 'L':
		number = hs_cursor_uint(c, f->kind == 'l' ? 2 : 4);
		if (row->lengths < MAX_STRINGS)
			row->length[row->lengths++] = number;
		return HS_OK;
	case 's':
	case 'S':
		return take_text(c, f, row, s);
	case 'U':
		bytes = hs_cursor_bytes(c, SLICE_UUID_LEN);
		return bytes ? put_uuid(s, f->name, bytes) : HS_OK;
	case 'H':
		bytes = hs_cursor_bytes(c, SLICE_HASH_LEN);
		return bytes && !is_zero(bytes, SLICE_HASH_LEN)
			       ? put_hex(s, f->name, bytes, SLICE_HASH_LEN)
			       : HS_OK;
	case 'I':
		bytes = hs_cursor_bytes(c, 20);
		return bytes && row->id_len > 0 && row->id_len <= 20
			       ? put_hex(s, f->name, bytes, row->id_len)
			       : HS_OK;
	case 'A':
		bytes = hs_cursor_bytes(c, 16);
		return bytes ? put_address(s, f->name, row->family, bytes)
			     : HS_OK;
	case 'X':
		number = hs_cursor_u64(c);
		return c->overrun ? HS_OK
				  : put_number(s, f->name, number, true);
	case 'F':
		row->family = (unsigned)hs_cursor_uint(c, 1);
		return HS_OK;
	default:
		number = hs_cursor_uint(c, digit);
		if (strcmp(f->name, "id_length") == 0) {
			row->id_len = (unsigned)number;
			return HS_OK;
		}
		return c->overrun ? HS_OK
				  : put_number(s, f->name, number, false);
	}
}

static enum hs_status take_row(struct hs_cursor *c, const struct field *field,
			       const struct sink *s)
{
	struct row_state row = { 0 };
	for (size_t i = 0; i < MAX_FIELDS && field[i].kind; i++) {
		enum hs_status st = take_field(c, &field[i], &row, s);
		if (st)
			return st;
		if (c->overrun)
			return hs_fail(s->err, HS_ERR_FORMAT,
				       "row %" PRIu64 " of a table is cut "
				       "short",
				       s->row);
	}
	return HS_OK;
}

static enum hs_status read_table(const struct table *t, struct hs_cursor *c,
				 struct sink *s)
{
	if (!t->counted)
		return take_row(c, t->field, s);
	uint32_t count = hs_cursor_u32(c);
	(void)hs_cursor_u32(c);
	for (; s->row < count; s->row++) {
		enum hs_status st = take_row(c, t->field, s);
		if (st || s->records->facts_cut)
			return st;
	}
	return HS_OK;
}

static enum hs_status put_tagged(const struct sink *s, const struct tag *tags,
				 unsigned number, const uint8_t *bytes,
				 size_t len, bool big_endian)
{
	const struct tag *t = tags;
	while (t->name && t->number != number)
		t++;
	char kind = (char)(t->name ? t->kind : 'h');
	const char *name = t->name ? t->name : "unknown";
	if ((kind == 'n' || kind == 'X') && len >= 1 && len <= 8) {
		struct hs_cursor c = { .pos = bytes,
				       .end = bytes + len,
				       .big_endian = big_endian };
		return put_number(s, name, hs_cursor_uint(&c, len),
				  kind == 'X');
	}
	return kind == 't' ? put_bytes(s, name, bytes, len)
			   : put_hex(s, name, bytes, len);
}

/* Tags of TAG_LEN bytes, lengths of two; do they lead exactly to the end? */
static bool tags_fit(struct hs_cursor c, size_t tag_len)
{
	while (hs_cursor_left(&c) >= tag_len + 2) {
		uint64_t tag = hs_cursor_uint(&c, tag_len);
		size_t len = hs_cursor_u16(&c);
		if (tag == 0 && len == 0)
			break; /* padding */
		if (tag == 0 || !hs_cursor_bytes(&c, len))
			return false;
	}
	return hs_cursor_left(&c) < 8;
}

static enum hs_status read_tags(struct hs_cursor *c, size_t tag_len,
				const struct tag *tags, struct sink *s)
{
	for (; hs_cursor_left(c) >= tag_len + 2; s->row++) {
		unsigned tag = (unsigned)hs_cursor_uint(c, tag_len);
		size_t len = hs_cursor_u16(c);
		const uint8_t *bytes = hs_cursor_bytes(c, len);
		if (tag == 0 || !bytes)
			break;
		enum hs_status st =
			put_tagged(s, tags, tag, bytes, len, c->big_endian);
		if (st)
			return st;
	}
	return HS_OK;
}

/* Two writers swapped the numbers of two tables; the one that fits is it. */
static enum hs_status read_tagged(unsigned type, struct hs_cursor *c,
				  struct sink *s)
{
	(void)hs_cursor_u64(c); /* count or pid, reserved */
	if (type == SLICE_BLOCK_INTROSPECTION)
		return read_tags(c, 2, target_tags, s);
	bool rows = tags_fit(*c, 1), tags = tags_fit(*c, 2);
	if (rows && (type == SLICE_BLOCK_CONNECTIVITY || !tags))
		return read_tags(c, 1, connectivity_rows, s);
	if (tags)
		return read_tags(c, 2, kernel_tags, s);
	return hs_fail(s->err, HS_ERR_FORMAT,
		       "a table is in none of the known layouts");
}

/* Two layouts that exclude each other: which one adds up to the payload? */
static enum hs_status read_system(struct hs_cursor *c, struct sink *s)
{
	static const char *const names[] = { "user", "hostname", "domain",
					     "os_detail", "case" };
	struct hs_cursor at[2] = { *c, *c };
	uint64_t boot = 0, len[2][5];
	bool fits[2];
	for (int i = 0; i < 2; i++) {
		uint64_t sum = 32;
		boot = hs_cursor_u64(&at[i]);
		(void)hs_cursor_bytes(&at[i], i == 0 ? 5 : 8);
		for (int k = 0; k < 5; k++) {
			len[i][k] = hs_cursor_u16(&at[i]);
			sum += SLICE_PAD8(len[i][k]);
		}
		(void)hs_cursor_bytes(&at[i], i == 0 ? 9 : 6);
		fits[i] = !at[i].overrun && sum <= hs_cursor_left(c);
	}
	const uint8_t *raw = c->pos;
	bool wide = fits[1] && (!fits[0] || is_zero(raw + 9, 3));
	if (!fits[0] && !fits[1])
		return hs_fail(s->err, HS_ERR_FORMAT,
			       "the system context is in none of the known "
			       "layouts");
	enum hs_status st = put_number(s, "boot_time_ns", boot, false);
	for (int k = 0; !st && k < 5; k++) {
		uint64_t n = len[wide][k];
		const uint8_t *bytes =
			hs_cursor_bytes(&at[wide], (size_t)SLICE_PAD8(n));
		if (n > 0 && bytes)
			st = put_bytes(s, names[k], bytes, (size_t)n);
	}
	return st;
}

/* Entries of a fixed size, or, with size 0, as long as their paths. */
static enum hs_status read_vas_map(struct hs_cursor *c, struct sink *s)
{
	uint32_t count = hs_cursor_u32(c);
	uint32_t size = hs_cursor_u32(c);
	for (; s->row < count && !s->records->facts_cut; s->row++) {
		const uint8_t *begin = c->pos;
		uint64_t base = hs_cursor_u64(c), bytes = hs_cursor_u64(c);
		(void)hs_cursor_u16(c);
		size_t path_len = hs_cursor_u16(c);
		(void)hs_cursor_u32(c);
		size_t left = hs_cursor_left(c), want = path_len;
		const uint8_t *path = hs_cursor_bytes(c, path_len);
		want = (size_t)SLICE_PAD8(path_len) - want;
		left -= path ? path_len : 0;
		(void)hs_cursor_bytes(c, want < left ? want : left);
		size_t used = (size_t)(c->pos - begin);
		if (size > used)
			(void)hs_cursor_bytes(c, size - used);
		if (c->overrun)
			return hs_fail(s->err, HS_ERR_FORMAT,
				       "row %" PRIu64 " of a map is cut short",
				       s->row);
		enum hs_status st = put_number(s, "base", base, true);
		if (!st)
			st = put_number(s, "size", bytes, false);
		if (!st && path_len)
			st = put_bytes(s, "path", path, path_len);
		if (st)
			return st;
	}
	return HS_OK;
}

enum hs_status hs_slice_table_read(struct hs_slice_records *r, size_t block,
				   unsigned type, const uint8_t *payload,
				   size_t len, bool big_endian,
				   struct hs_error *err)
{
	struct hs_cursor c = { .pos = payload,
			       .end = payload + len,
			       .big_endian = big_endian };
	struct sink s = { .records = r, .block = block, .err = err };
	switch (type) {
	case SLICE_BLOCK_SYSTEM:
		return read_system(&c, &s);
	case SLICE_BLOCK_CONNECTIVITY:
	case SLICE_BLOCK_KERNEL_SYMBOLS:
	case SLICE_BLOCK_INTROSPECTION:
		return read_tagged(type, &c, &s);
	case SLICE_BLOCK_VAS_MAP:
		return read_vas_map(&c, &s);
	default:
		break;
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (tables[i].type == type)
			return read_table(&tables[i], &c, &s);
	return HS_OK;
}
