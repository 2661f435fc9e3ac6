/* SPDX-License-Identifier: MIT */
#include <heapscan/slice.h>

#include <assert.h>
#include <string.h>

#include "backends/slice_file.h"
#include "backends/slice_hash.h"
#include "core/cleanup.h"

/* The public face of an open slice. */

void hs_slice_info(const struct hs_slice *s, struct hs_slice_info *ret)
{
	const struct hs_slice_header *h = &s->header;
	*ret = (struct hs_slice_info){
		.version = h->version,
		.header_size = h->size,
		.big_endian = h->big_endian,
		.flags = h->flags,
		.os_type = h->os,
		.arch_type = h->arch,
		.pid = h->pid,
		.timestamp_ns = h->timestamp,
		.clock_source = h->clock,
		.hash_algorithm = h->hash,
		.cap_bitmap = h->capabilities,
		.block_count = h->block_count,
		.encrypted = h->flags & SLICE_ENCRYPTED,
		.imported = h->flags & SLICE_IMPORTED,
		.file_size = s->file_size,
		.complete = s->whole,
	};
	memcpy(ret->dump_uuid, h->uuid, SLICE_UUID_LEN);
}

bool hs_slice_process(const struct hs_slice *s, struct hs_slice_process *ret)
{
	const struct hs_slice_records *r = &s->records;
	*ret = (struct hs_slice_process){
		.executable = r->executable,
		.command_line = r->command_line,
		.ppid = r->ppid,
		.session_id = r->session,
		.start_time_ns = r->start_time,
	};
	return r->has_process;
}

size_t hs_slice_block_count(const struct hs_slice *s)
{
	return s->count;
}

void hs_slice_block(const struct hs_slice *s, size_t i,
		    struct hs_slice_block_info *ret)
{
	assert(i < s->count);
	const struct hs_slice_block *b = &s->block[i];
	const uint8_t *at = hs_slice_block_bytes(s, b);
	const char *name = hs_slice_type_name(b->type);
	*ret = (struct hs_slice_block_info){
		.type = b->type,
		.flags = b->flags,
		.payload_version = b->version,
		.type_name = name ? name : "unknown",
		.offset = b->offset,
		.length = b->length,
		.uuid = at + SLICE_AT_BLOCK_UUID,
		.parent_uuid = at + SLICE_AT_PARENT_UUID,
		.after_end = !hs_slice_block_counts(s, i),
	};
}

size_t hs_slice_region_count(const struct hs_slice *s)
{
	return s->region_count;
}

void hs_slice_region(const struct hs_slice *s, size_t i,
		     struct hs_slice_region_info *ret)
{
	assert(i < s->region_count);
	const struct hs_slice_region *r = &s->region[i];
	*ret = (struct hs_slice_region_info){
		.block = r->block,
		.base = r->base,
		.size = r->size,
		.protection = r->protection,
		.region_type = r->type,
		.page_size = (uint64_t)1 << r->page_shift,
		.timestamp_ns = r->timestamp,
		.captured_pages = r->captured,
		.failed_pages = r->failed,
		.unmapped_pages = r->unmapped,
		.compression = hs_slice_codec_name(r->packed.codec),
		.referenced_pages = r->referenced,
	};
}

enum hs_status hs_slice_region_digest(const struct hs_slice *s, size_t i,
				      uint8_t ret[32], struct hs_error *err)
{
	assert(i < s->region_count);
	const struct hs_slice_region *r = &s->region[i];
	size_t len = (size_t)(r->captured << r->page_shift);
	HS_CLEANUP(hs_slice_buffer_cleanup)
	struct hs_slice_buffer buffer = { 0 };
	const uint8_t *pages;
	enum hs_status st = hs_slice_region_unpack(r, &buffer, &pages, err);
	if (st)
		return st;
	struct hs_slice_hash *hash;
	st = hs_slice_hash_new(SLICE_HASH_SHA256, &hash, err);
	if (st)
		return st;
	st = hs_slice_hash_bytes(hash, pages, len, ret, err);
	hs_slice_hash_free(hash);
	return st;
}

/* Modules have blocks of their own; the list serves where there are none. */
static const struct hs_slice_module *modules(const struct hs_slice *s,
					     size_t *count)
{
	const struct hs_slice_records *r = &s->records;
	*count = r->module_count ? r->module_count : r->listed_count;
	return r->module_count ? r->module : r->listed;
}

size_t hs_slice_module_count(const struct hs_slice *s)
{
	size_t count;
	(void)modules(s, &count);
	return count;
}

void hs_slice_module(const struct hs_slice *s, size_t i,
		     struct hs_slice_module_info *ret)
{
	size_t count;
	const struct hs_slice_module *m = modules(s, &count) + i;
	assert(i < count);
	*ret = (struct hs_slice_module_info){
		.base = m->base,
		.size = m->size,
		.path = m->path,
		.version = m->version,
		.disk_hash = m->has_hash ? m->hash : NULL,
		.build_id = m->build_id_len ? m->build_id : NULL,
		.build_id_len = m->build_id_len,
		.blob = m->blob,
		.blob_len = m->blob_len,
	};
}

size_t hs_slice_thread_count(const struct hs_slice *s)
{
	return s->records.thread_count;
}

void hs_slice_thread(const struct hs_slice *s, size_t i,
		     struct hs_slice_thread_info *ret)
{
	assert(i < s->records.thread_count);
	const struct hs_slice_thread *t = &s->records.thread[i];
	*ret = (struct hs_slice_thread_info){
		.tid = t->tid,
		.understood = t->understood,
		.current = t->flags & SLICE_THREAD_CURRENT,
		.state = t->state,
		.name = t->name,
		.register_count = t->count,
	};
}

void hs_slice_register(const struct hs_slice *s, size_t thread, size_t i,
		       struct hs_slice_register *ret)
{
	assert(thread < s->records.thread_count &&
	       i < s->records.thread[thread].count);
	const struct hs_slice_value *v = &s->records.thread[thread].value[i];
	*ret = (struct hs_slice_register){ v->name, v->flags, v->width,
					   v->bytes };
}

size_t hs_slice_fact_count(const struct hs_slice *s)
{
	return s->records.fact_count;
}

void hs_slice_fact(const struct hs_slice *s, size_t i,
		   struct hs_slice_fact *ret)
{
	assert(i < s->records.fact_count);
	const struct hs_slice_row_value *f = &s->records.fact[i];
	*ret = (struct hs_slice_fact){ f->block, f->row, f->name, f->text };
}

const char *hs_slice_chain_name(enum hs_slice_chain chain)
{
	switch (chain) {
	case HS_SLICE_CHAIN_OK:
		return "ok";
	case HS_SLICE_CHAIN_BROKEN:
		return "broken";
	default:
		return "unverifiable";
	}
}

const char *hs_slice_file_hash_name(enum hs_slice_file_hash hash)
{
	switch (hash) {
	case HS_SLICE_FILE_HASH_OK:
		return "ok";
	case HS_SLICE_FILE_HASH_MISMATCH:
		return "mismatch";
	case HS_SLICE_FILE_HASH_ABSENT:
		return "absent";
	default:
		return "unverifiable";
	}
}

size_t hs_slice_base_count(const struct hs_slice *s)
{
	return s->base_count;
}

void hs_slice_base(const struct hs_slice *s, size_t i,
		   struct hs_slice_base_info *ret)
{
	assert(i < s->base_count);
	const struct hs_slice_base *b = &s->base[i];
	*ret = (struct hs_slice_base_info){
		.uuid = b->uuid,
		.name = b->name,
		.path = b->slice ? b->slice->path : NULL,
		.bytes = b->bytes,
	};
}

size_t hs_slice_problem_count(const struct hs_slice *s)
{
	return s->notes.count;
}

void hs_slice_problem(const struct hs_slice *s, size_t i,
		      struct hs_problem_info *ret)
{
	assert(i < s->notes.count);
	const struct hs_note *n = &s->notes.note[i];
	*ret = (struct hs_problem_info){ n->severity, n->addr, n->code,
					 n->message };
}
