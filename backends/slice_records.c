/* SPDX-License-Identifier: MIT */
#include "backends/slice_records.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/grow.h"
#include "core/limits.h"

/*
 * A string that takes LEN bytes with its NUL, padded to 8. One writer counts
 * the padding in LEN, one leaves an empty string out and one gives it eight
 * bytes: the NUL decides, and nothing becomes NULL. Caller frees.
 */
static enum hs_status take_string(struct hs_cursor *c, size_t len, char **ret,
				  struct hs_error *err)
{
	*ret = NULL;
	if (len == 0)
		return HS_OK;
	size_t padded = (size_t)SLICE_PAD8(len);
	const uint8_t *at = hs_cursor_bytes(c, len);
	if (!at)
		return HS_OK; /* the cursor knows */
	/* At the end of a payload its padding may be missing. */
	size_t left = hs_cursor_left(c);
	(void)hs_cursor_bytes(c, padded - len < left ? padded - len : left);
	size_t used = strnlen((const char *)at, len);
	if (used == 0)
		return HS_OK;
	*ret = strndup((const char *)at, used);
	return *ret ? HS_OK : hs_fail(err, HS_ERR_NOMEM, "no memory");
}

static enum hs_status cut_short(const char *what, struct hs_error *err)
{
	return hs_fail(err, HS_ERR_FORMAT, "the %s is cut short", what);
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* ---- modules ---- */

static void module_release(struct hs_slice_module *m)
{
	free(m->path);
	free(m->version);
	free(m->blob);
}

/* A module's native data may hold its build id: a writer's own format. */
static void build_id_of_blob(struct hs_slice_module *m)
{
	if (m->blob_len < 4 || m->blob[3] != 0)
		return;
	size_t len = m->blob[0];
	if (len == 0 || len > HS_MAX_BUILD_ID || len > m->blob_len - 4)
		return;
	memcpy(m->build_id, m->blob + 4, len);
	m->build_id_len = len;
}

static enum hs_status parse_module(struct hs_cursor *c,
				   struct hs_slice_module *m,
				   struct hs_error *err)
{
	m->base = hs_cursor_u64(c);
	m->size = hs_cursor_u64(c);
	size_t path_len = hs_cursor_u16(c), version_len = hs_cursor_u16(c);
	(void)hs_cursor_u32(c);
	enum hs_status st = take_string(c, path_len, &m->path, err);
	if (!st)
		st = take_string(c, version_len, &m->version, err);
	if (st)
		return st;
	const uint8_t *hash = hs_cursor_bytes(c, SLICE_HASH_LEN);
	if (!hash)
		return cut_short("module entry", err);
	m->has_hash = !all_zero(hash, SLICE_HASH_LEN);
	memcpy(m->hash, hash, SLICE_HASH_LEN);
	if (hs_cursor_left(c) < 8)
		return HS_OK; /* MemDiver stops here */
	size_t blob_len = hs_cursor_u32(c);
	(void)hs_cursor_u32(c);
	const uint8_t *blob = hs_cursor_bytes(c, blob_len);
	if (!blob)
		return cut_short("native data of a module entry", err);
	if (blob_len == 0)
		return HS_OK;
	m->blob = malloc(blob_len);
	if (!m->blob)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	memcpy(m->blob, blob, blob_len);
	m->blob_len = blob_len;
	build_id_of_blob(m);
	return HS_OK;
}

static enum hs_status read_module(struct hs_slice_records *r,
				  struct hs_cursor *c, struct hs_error *err)
{
	enum hs_status st = hs_grow(&r->module, &r->module_capacity,
				    r->module_count, sizeof(*r->module), err);
	if (st)
		return st;
	struct hs_slice_module m = { 0 };
	st = parse_module(c, &m, err);
	if (st) {
		module_release(&m);
		return st;
	}
	r->module[r->module_count++] = m;
	return HS_OK;
}

static enum hs_status read_module_list(struct hs_slice_records *r,
				       struct hs_cursor *c,
				       struct hs_error *err)
{
	uint32_t count = hs_cursor_u32(c);
	(void)hs_cursor_u32(c);
	/* One writer gives the count alone. */
	for (uint32_t i = 0; i < count && hs_cursor_left(c) >= 0x28; i++) {
		enum hs_status st =
			hs_grow(&r->listed, &r->listed_capacity,
				r->listed_count, sizeof(*r->listed), err);
		if (st)
			return st;
		struct hs_slice_module m = { 0 };
		(void)hs_cursor_bytes(c, SLICE_UUID_LEN);
		m.base = hs_cursor_u64(c);
		m.size = hs_cursor_u64(c);
		size_t path_len = hs_cursor_u16(c);
		(void)hs_cursor_bytes(c, 6);
		st = take_string(c, path_len, &m.path, err);
		if (st || c->overrun) {
			module_release(&m);
			return st ? st : cut_short("module list", err);
		}
		r->listed[r->listed_count++] = m;
	}
	return c->overrun ? cut_short("module list", err) : HS_OK;
}

/* ---- the process ---- */

static enum hs_status read_process(struct hs_slice_records *r,
				   struct hs_cursor *c, struct hs_error *err)
{
	uint32_t ppid = hs_cursor_u32(c), session = hs_cursor_u32(c);
	uint64_t start = hs_cursor_u64(c);
	size_t exe_len = hs_cursor_u16(c), cmd_len = hs_cursor_u16(c);
	(void)hs_cursor_u32(c);
	HS_AUTO_FREE char *exe = NULL;
	HS_AUTO_FREE char *cmd = NULL;
	enum hs_status st = take_string(c, exe_len, &exe, err);
	if (!st)
		st = take_string(c, cmd_len, &cmd, err);
	if (st)
		return st;
	if (c->overrun)
		return cut_short("process identity", err);
	if (r->has_process)
		return HS_OK; /* the first counts */
	r->has_process = true;
	r->ppid = ppid;
	r->session = session;
	r->start_time = start;
	r->executable = HS_TAKE(exe);
	r->command_line = HS_TAKE(cmd);
	return HS_OK;
}

/* ---- threads ---- */

void hs_slice_thread_release(struct hs_slice_thread *t)
{
	free(t->name);
	for (size_t i = 0; i < t->count; i++) {
		free(t->value[i].name);
		free(t->value[i].bytes);
	}
	free(t->value);
	*t = (struct hs_slice_thread){ 0 };
}

static enum hs_status take_register(struct hs_cursor *c,
				    struct hs_slice_value *v,
				    struct hs_error *err)
{
	size_t name_len = hs_cursor_uint(c, 1);
	v->width = (uint8_t)hs_cursor_uint(c, 1);
	v->flags = hs_cursor_u16(c);
	(void)hs_cursor_u32(c);
	enum hs_status st = take_string(c, name_len, &v->name, err);
	if (st)
		return st;
	const uint8_t *bytes = hs_cursor_bytes(c, v->width);
	size_t pad = (size_t)SLICE_PAD8(v->width) - v->width;
	if (!bytes || !hs_cursor_bytes(c, pad) || !v->name)
		return cut_short("register", err);
	v->bytes = malloc(v->width ? v->width : 1);
	if (!v->bytes)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	memcpy(v->bytes, bytes, v->width);
	return HS_OK;
}

static enum hs_status take_registers(struct hs_cursor *c, uint32_t count,
				     struct hs_slice_thread *t,
				     struct hs_error *err)
{
	if (count > hs_cursor_left(c) / 8) /* eight bytes is the least */
		return cut_short("list of registers", err);
	t->value = calloc((size_t)count + 1, sizeof(*t->value));
	if (!t->value)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	while (t->count < count) {
		enum hs_status st =
			take_register(c, &t->value[t->count++], err);
		if (st)
			return st;
	}
	return HS_OK;
}

enum hs_status hs_slice_thread_parse(const uint8_t *payload, size_t len,
				     bool big_endian,
				     struct hs_slice_thread *ret,
				     struct hs_error *err)
{
	struct hs_cursor c = { .pos = payload,
			       .end = payload + len,
			       .big_endian = big_endian };
	struct hs_slice_thread t = { .tid = hs_cursor_u64(&c) };
	if (c.overrun)
		return cut_short("thread context", err);
	(void)hs_cursor_u64(&c);
	t.flags = hs_cursor_u16(&c);
	t.state = (uint8_t)hs_cursor_uint(&c, 1);
	(void)hs_cursor_uint(&c, 1);
	uint32_t count = hs_cursor_u32(&c);
	size_t name_len = hs_cursor_u16(&c);
	(void)hs_cursor_bytes(&c, 6);
	enum hs_status st = HS_ERR_FORMAT;
	if (!c.overrun)
		st = take_string(&c, name_len, &t.name, err);
	if (!st)
		st = take_registers(&c, count, &t, err);
	/*
	 * The layout is nowhere specified. It is taken for the one that we
	 * know if it leads exactly to the end; else only the id is certain.
	 */
	t.understood = !st && !c.overrun && hs_cursor_left(&c) < 8;
	if (st == HS_ERR_NOMEM) {
		hs_slice_thread_release(&t);
		return st;
	}
	if (!t.understood) {
		uint64_t tid = t.tid;
		hs_slice_thread_release(&t);
		t.tid = tid;
	}
	*ret = t;
	return HS_OK;
}

static enum hs_status read_thread(struct hs_slice_records *r,
				  const uint8_t *payload, size_t len,
				  bool big_endian, struct hs_error *err)
{
	if (r->thread_count == HS_LIMIT_THREADS)
		return hs_fail(err, HS_ERR_FORMAT,
			       "more than %u threads are not read",
			       HS_LIMIT_THREADS);
	enum hs_status st = hs_grow(&r->thread, &r->thread_capacity,
				    r->thread_count, sizeof(*r->thread), err);
	if (st)
		return st;
	struct hs_slice_thread t;
	st = hs_slice_thread_parse(payload, len, big_endian, &t, err);
	if (st)
		return st;
	r->thread[r->thread_count++] = t;
	return HS_OK;
}

/* ---- all ---- */

enum hs_status hs_slice_fact_add(struct hs_slice_records *r, size_t block,
				 uint64_t row, const char *name,
				 const char *text, struct hs_error *err)
{
	if (r->fact_count == HS_LIMIT_SLICE_FACTS) {
		r->facts_cut = true;
		return HS_OK;
	}
	enum hs_status st = hs_grow(&r->fact, &r->fact_capacity, r->fact_count,
				    sizeof(*r->fact), err);
	if (st)
		return st;
	struct hs_slice_row_value f = { block, row, name, strdup(text) };
	if (!f.text)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	r->fact[r->fact_count++] = f;
	return HS_OK;
}

enum hs_status hs_slice_records_read(struct hs_slice_records *r, size_t block,
				     unsigned type, const uint8_t *payload,
				     size_t len, bool big_endian,
				     struct hs_error *err)
{
	struct hs_cursor c = { .pos = payload,
			       .end = payload + len,
			       .big_endian = big_endian };
	switch (type) {
	case SLICE_BLOCK_MODULE:
		return read_module(r, &c, err);
	case SLICE_BLOCK_MODULE_LIST:
		return read_module_list(r, &c, err);
	case SLICE_BLOCK_THREAD:
		return read_thread(r, payload, len, big_endian, err);
	case SLICE_BLOCK_PROCESS:
		return read_process(r, &c, err);
	default:
		return hs_slice_table_read(r, block, type, payload, len,
					   big_endian, err);
	}
}

void hs_slice_records_release(struct hs_slice_records *r)
{
	free(r->executable);
	free(r->command_line);
	for (size_t i = 0; i < r->module_count; i++)
		module_release(&r->module[i]);
	free(r->module);
	for (size_t i = 0; i < r->listed_count; i++)
		module_release(&r->listed[i]);
	free(r->listed);
	for (size_t i = 0; i < r->thread_count; i++)
		hs_slice_thread_release(&r->thread[i]);
	free(r->thread);
	for (size_t i = 0; i < r->fact_count; i++)
		free(r->fact[i].text);
	free(r->fact);
	*r = (struct hs_slice_records){ 0 };
}
