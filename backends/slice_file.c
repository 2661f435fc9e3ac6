/* SPDX-License-Identifier: MIT */
#include "backends/slice_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backends/file_kind.h"
#include "backends/live_budget.h"
#include "backends/slice_crypt.h"
#include "backends/slice_index.h"
#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/grow.h"
#include "core/limits.h"

void hs_slice_close(struct hs_slice *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->region_count; i++)
		hs_slice_region_release(&s->region[i]);
	free(s->region);
	hs_slice_bases_release(s);
	hs_slice_records_release(&s->records);
	hs_note_list_release(&s->notes);
	free(s->block);
	free(s->path);
	if (s->mapped)
		(void)munmap((void *)(uintptr_t)s->bytes, s->len);
	free(s);
}

static void slice_cleanup(struct hs_slice **slot)
{
	hs_slice_close(*slot);
}

const char *hs_slice_type_name(unsigned type)
{
	switch (type) {
#define X(id, number, word)                                                    \
	case number:                                                           \
		return word;
		SLICE_BLOCK_TYPES(X)
#undef X
	default:
		return NULL;
	}
}

/* ---- what is in them ---- */

/* Damage in a block is a note and the block is left out; trouble of our own
 * is an error. */
static enum hs_status drop(struct hs_slice *s, size_t i,
			   const struct hs_error *why, struct hs_error *err)
{
	if (why->code == HS_ERR_NOMEM || why->code == HS_ERR_CANCELLED) {
		if (err)
			*err = *why;
		return why->code;
	}
	const struct hs_slice_block *b = &s->block[i];
	s->whole = false;
	return hs_slice_say(
		s, HS_WARNING, "slice-block-malformed", err,
		"block %zu (%s, offset %" PRIu64 ") is left out: %s", i,
		hs_slice_type_name(b->type) ? hs_slice_type_name(b->type)
					    : "unknown",
		b->offset, why->text);
}

static enum hs_status read_region(struct hs_slice *s, size_t i,
				  const struct hs_slice_packed *packed,
				  bool legacy, struct hs_error *why,
				  struct hs_error *err)
{
	struct hs_slice_region r;
	enum hs_status st = hs_slice_region_parse(packed, s->header.big_endian,
						  legacy, &r, why);
	if (st)
		return st;
	r.block = i;
	st = hs_grow(&s->region, &s->region_capacity, s->region_count,
		     sizeof(*s->region), why);
	if (st) {
		hs_slice_region_release(&r);
		return st;
	}
	s->region[s->region_count++] = r;
	if (r.missing > 0) {
		s->whole = false;
		st = hs_slice_say(s, HS_WARNING, "slice-region-short", err,
				  "the region at 0x%" PRIx64
				  " (block %zu) lacks %" PRIu64
				  " of the pages that it calls captured",
				  r.base, i, r.missing);
	} else if (r.extra > 0) {
		st = hs_slice_say(s, HS_WARNING, "slice-region-long", err,
				  "the region at 0x%" PRIx64
				  " (block %zu) has %" PRIu64
				  " bytes behind its last page",
				  r.base, i, r.extra);
	}
	if (st)
		(void)hs_fail(why, st, "no memory");
	return st;
}

/* Only behind its region: looking for another would take time. */
static enum hs_status read_refs(struct hs_slice *s, size_t i,
				const struct hs_slice_packed *packed,
				struct hs_error *why)
{
	const struct hs_slice_region *r =
		s->region_count ? &s->region[s->region_count - 1] : NULL;
	if (packed->codec != HS_SLICE_STORED)
		return hs_fail(why, HS_ERR_UNSUPPORTED,
			       "page references are never compressed");
	if (!r ||
	    memcmp(hs_slice_block_bytes(s, &s->block[r->block]) +
			   SLICE_AT_BLOCK_UUID,
		   hs_slice_block_bytes(s, &s->block[i]) + SLICE_AT_PARENT_UUID,
		   SLICE_UUID_LEN) != 0)
		return hs_fail(why, HS_ERR_FORMAT,
			       "the region before it is not its parent");
	return hs_slice_refs_read(s, packed->bytes, packed->len, why);
}

static enum hs_status read_record(struct hs_slice *s, size_t i,
				  const struct hs_slice_packed *packed,
				  struct hs_error *why)
{
	HS_AUTO_FREE uint8_t *unpacked = NULL;
	const uint8_t *payload = packed->bytes;
	size_t len = packed->len;
	enum hs_status st;
	if (packed->codec != HS_SLICE_STORED) {
		size_t room = packed->size < HS_LIMIT_SLICE_TABLE
				      ? (size_t)packed->size
				      : HS_LIMIT_SLICE_TABLE;
		if (packed->size_known && packed->size > room)
			return hs_fail(why, HS_ERR_LIMIT,
				       "a table of %" PRIu64 " bytes is not "
				       "unpacked",
				       packed->size);
		unpacked = malloc(room ? room : 1);
		if (!unpacked)
			return hs_fail(why, HS_ERR_NOMEM, "no memory");
		st = hs_slice_unpack(packed, unpacked, room, &len, why);
		if (st)
			return st;
		payload = unpacked;
	}
	return hs_slice_records_read(&s->records, i, s->block[i].type, payload,
				     len, s->header.big_endian, why);
}

static enum hs_status read_block(struct hs_slice *s, size_t i,
				 struct hs_error *err)
{
	const struct hs_slice_block *b = &s->block[i];
	struct hs_error why = { 0 };
	bool legacy = b->version == 0 && s->legacy;
	if (b->type == 0) {
		(void)hs_fail(&why, HS_ERR_FORMAT, "there is no type 0");
		return drop(s, i, &why, err);
	}
	if (!hs_slice_type_name(b->type) || b->type == SLICE_BLOCK_END)
		return HS_OK;
	if (b->version != SLICE_PAYLOAD_VERSION && !legacy)
		return hs_slice_say(
			s, HS_WARNING, "slice-payload-version", err,
			"block %zu (%s) is of payload version %u and left "
			"out%s",
			i, hs_slice_type_name(b->type), b->version,
			b->version == 0 ? ": --legacy reads what libmsl "
					  "wrote"
					: "");
	/* In libmsl's blocks the flag means that there are children. */
	unsigned flags = legacy ? 0 : b->flags;
	struct hs_slice_packed packed;
	enum hs_status st = hs_slice_packed_parse(
		flags, hs_slice_block_bytes(s, b) + SLICE_BLOCK_HEADER_LEN,
		b->length - SLICE_BLOCK_HEADER_LEN, s->header.big_endian,
		&packed, &why);
	if (!st && packed.is_b)
		s->framed_b = true;
	if (!st && packed.odd)
		st = hs_slice_say(
			s, HS_WARNING, "slice-size-contradicts", &why,
			"block %zu states two sizes of its unpacked payload",
			i);
	if (!st && b->type == SLICE_BLOCK_REGION)
		st = read_region(s, i, &packed, legacy, &why, err);
	else if (!st && b->type == SLICE_BLOCK_PAGE_REFERENCES)
		st = read_refs(s, i, &packed, &why);
	else if (!st)
		st = read_record(s, i, &packed, &why);
	return st ? drop(s, i, &why, err) : HS_OK;
}

/* Two hexadecimal digits, as the tables' own text has them. */
static uint8_t hex_byte(const char *text)
{
	const char digits[3] = { text[0], text[1], '\0' };
	return (uint8_t)strtoul(digits, NULL, 16);
}

/* A module's build id may stand in a block of its own. */
static void merge_build_ids(struct hs_slice *s)
{
	hs_addr base = 0;
	const struct hs_slice_records *r = &s->records;
	for (size_t i = 0; i < r->fact_count; i++) {
		const struct hs_slice_row_value *f = &r->fact[i];
		if (s->block[f->block].type != SLICE_BLOCK_BUILD_IDS)
			continue;
		if (strcmp(f->name, "base") == 0)
			base = strtoull(f->text, NULL, 16);
		if (strcmp(f->name, "build_id") != 0)
			continue;
		for (size_t m = 0; m < r->module_count; m++) {
			struct hs_slice_module *mod = &r->module[m];
			size_t len = strlen(f->text) / 2;
			if (mod->base != base || mod->build_id_len > 0 ||
			    len > HS_MAX_BUILD_ID)
				continue;
			for (size_t k = 0; k < len; k++)
				mod->build_id[k] = hex_byte(f->text + 2 * k);
			mod->build_id_len = len;
		}
	}
}

static enum hs_status check_claims(struct hs_slice *s, struct hs_error *err)
{
	enum hs_status st = HS_OK;
	bool claimed = s->header.capabilities >> SLICE_CAP_REGIONS & 1;
	if (s->header.mislabelled)
		st = hs_slice_say(
			s, HS_NOTE, "slice-byte-order", err,
			"the slice calls itself big-endian and is not");
	if (!st && s->region_count == 0) {
		s->whole = false;
		st = hs_slice_say(
			s, HS_WARNING, "slice-no-memory", err,
			"the slice holds no memory%s",
			claimed ? ", although it claims to: the acquisition "
				  "failed"
				: "");
	}
	if (!st && s->header.block_count != 0 &&
	    s->header.block_count != s->count)
		st = hs_slice_say(s, HS_WARNING, "slice-block-count", err,
				  "the slice claims %" PRIu32
				  " blocks and has %zu",
				  s->header.block_count, s->count);
	if (!st && s->records.facts_cut)
		st = hs_slice_say(
			s, HS_NOTE, "slice-tables-cut", err,
			"only %u values of the slice's tables are kept",
			HS_LIMIT_SLICE_FACTS);
	return st;
}

static enum hs_status read_blocks(struct hs_slice *s, struct hs_error *err)
{
	for (size_t i = 0; i < s->count && hs_slice_block_counts(s, i); i++) {
		enum hs_status st = read_block(s, i, err);
		if (st)
			return st;
	}
	merge_build_ids(s);
	enum hs_status st = hs_slice_hints(s, err);
	return st ? st : check_claims(s, err);
}

/* ---- opening ---- */

/* Put the decrypted content in the place of the file's bytes. */
static enum hs_status unlock(struct hs_slice *s,
			     const struct hs_open_options *opt,
			     struct hs_error *err)
{
	enum hs_status st = hs_slice_lock_check(&s->header.lock, err);
	if (st)
		return st;
	if (s->len < (size_t)SLICE_HEADER_LEN_ENCRYPTED + SLICE_TAG_LEN)
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' is cut: %zu bytes cannot hold an "
			       "encrypted slice",
			       s->path, s->len);
	size_t len = s->len - SLICE_TAG_LEN;
	if (len > hs_live_budget())
		return hs_fail(err, HS_ERR_LIMIT,
			       "'%s' needs %zu bytes of memory to be "
			       "decrypted, more than there are: decrypt it on "
			       "a larger machine",
			       s->path, len);
	uint8_t *clear = mmap(NULL, len, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (clear == MAP_FAILED)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu bytes",
			       len);
	st = hs_slice_decrypt(&s->header, s->path, s->bytes, s->len, opt, clear,
			      err);
	if (st) {
		(void)munmap(clear, len);
		return st;
	}
	if (s->mapped)
		(void)munmap((void *)(uintptr_t)s->bytes, s->len);
	s->bytes = clear;
	s->len = len;
	s->mapped = true;
	return HS_OK;
}

static enum hs_status read_all(struct hs_slice *s,
			       const struct hs_open_options *opt,
			       struct hs_error *err)
{
	enum hs_status st =
		hs_slice_header_parse(s->bytes, s->len, &s->header, err);
	if (st)
		return st;
	s->legacy = opt->legacy;
	if (s->header.flags & SLICE_ENCRYPTED)
		st = unlock(s, opt, err);
	if (!st)
		st = hs_slice_index(s, err);
	return st ? st : read_blocks(s, err);
}

static enum hs_status slice_new(const uint8_t *bytes, size_t len, bool mapped,
				const char *name,
				const struct hs_open_options *opt,
				struct hs_slice **ret, struct hs_error *err)
{
	struct hs_slice *fresh = calloc(1, sizeof(*fresh));
	if (!fresh) {
		if (mapped)
			(void)munmap((void *)(uintptr_t)bytes, len);
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	fresh->bytes = bytes;
	fresh->len = len;
	fresh->file_size = len;
	fresh->mapped = mapped;
	HS_CLEANUP(slice_cleanup) struct hs_slice *s = fresh;
	s->path = strdup(name);
	if (!s->path)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	enum hs_status st = read_all(s, opt, err);
	if (st)
		return st;
	*ret = HS_TAKE(s);
	return HS_OK;
}

enum hs_status hs_slice_open_bytes(const uint8_t *bytes, size_t len,
				   const char *name,
				   const struct hs_open_options *opt,
				   struct hs_slice **ret, struct hs_error *err)
{
	return slice_new(bytes, len, false, name, opt, ret, err);
}

enum hs_status hs_slice_open_alone(const char *path,
				   const struct hs_open_options *opt,
				   struct hs_slice **ret, struct hs_error *err)
{
	HS_AUTO_CLOSE int fd = -1;
	struct stat info;
	enum hs_status st = hs_file_open(path, &fd, &info, err);
	if (st)
		return st;
	if ((uint64_t)info.st_size > SIZE_MAX)
		return hs_fail(err, HS_ERR_LIMIT,
			       "'%s' is too big for this machine", path);
	size_t len = (size_t)info.st_size;
	uint8_t *bytes =
		mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	if (bytes == MAP_FAILED)
		return hs_fail_errno(err, errno, "cannot map '%s': %s", path,
				     strerror(errno));
	if (len < SLICE_MAGIC_LEN ||
	    memcmp(bytes, SLICE_MAGIC, SLICE_MAGIC_LEN) != 0) {
		const char *kind = hs_file_kind(bytes, len);
		st = hs_fail(err, HS_ERR_FORMAT, "'%s' is %s, no Memory Slice",
			     path, kind ? kind : "something else");
		(void)munmap(bytes, len);
		return st;
	}
	return slice_new(bytes, len, true, path, opt, ret, err);
}

enum hs_status hs_slice_open(const char *path,
			     const struct hs_open_options *opt,
			     struct hs_slice **ret, struct hs_error *err)
{
	/* An older caller knows fewer members: the rest is zero. */
	struct hs_open_options full = { 0 };
	if (!path || !*path || !ret)
		return hs_fail(err, HS_ERR_INVALID, "no slice given");
	if (opt && opt->struct_size < sizeof(opt->struct_size))
		return hs_fail(err, HS_ERR_INVALID,
			       "hs_open_options without struct_size");
	if (opt)
		memcpy(&full, opt,
		       opt->struct_size < sizeof(full) ? opt->struct_size
						       : sizeof(full));
	full.struct_size = sizeof(full);
	HS_CLEANUP(slice_cleanup) struct hs_slice *s = NULL;
	enum hs_status st = hs_slice_open_alone(path, &full, &s, err);
	if (!st && s->base_count > 0)
		st = hs_slice_bases_open(s, &full, err);
	if (st)
		return st;
	*ret = HS_TAKE(s);
	return HS_OK;
}
