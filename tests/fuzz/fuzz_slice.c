/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <heapscan/slice.h>

#include "backends/slice_file.h"
#include "backends/slice_hash.h"
#include "backends/slice_target.h"

/*
 * Any bytes as a slice: it opens or says why; what opened can be listed,
 * verified and read to the last byte, and as a target it keeps the contract of
 * core/backend.h.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			abort();                                               \
	} while (0)

static void check_lists(const struct hs_slice *s)
{
	uint64_t at = 0;
	for (size_t i = 0; i < hs_slice_block_count(s); i++) {
		struct hs_slice_block_info b;
		hs_slice_block(s, i, &b);
		MUST(b.offset >= at && b.length >= SLICE_BLOCK_HEADER_LEN);
		at = b.offset + b.length;
		MUST(at <= s->len && b.type_name && b.uuid && b.parent_uuid);
	}
	for (size_t i = 0; i < hs_slice_region_count(s); i++) {
		struct hs_slice_region_info r;
		hs_slice_region(s, i, &r);
		MUST(r.size > 0 && r.size <= UINT64_MAX - r.base);
		uint64_t all =
			r.captured_pages + r.failed_pages + r.unmapped_pages;
		MUST(all == r.size / r.page_size + (r.size % r.page_size != 0));
	}
	for (size_t i = 0; i < hs_slice_module_count(s); i++) {
		struct hs_slice_module_info m;
		hs_slice_module(s, i, &m);
		MUST(m.build_id_len <= HS_MAX_BUILD_ID);
		MUST(!m.path || m.path[0]);
	}
	for (size_t i = 0; i < hs_slice_thread_count(s); i++) {
		struct hs_slice_thread_info t;
		hs_slice_thread(s, i, &t);
		MUST(t.understood || t.register_count == 0);
	}
	for (size_t i = 0; i < hs_slice_fact_count(s); i++) {
		struct hs_slice_fact f;
		hs_slice_fact(s, i, &f);
		MUST(f.block < hs_slice_block_count(s) && f.name && f.value);
	}
}

static void check_integrity(const struct hs_slice *s)
{
	struct hs_slice_integrity in;
	MUST(hs_slice_verify(s, NULL, NULL, &in, NULL) == HS_OK);
	MUST(!in.sound || in.end_of_capture);
	MUST((in.chain == HS_SLICE_CHAIN_BROKEN) ==
	     (in.broken_at_block != SIZE_MAX));
	MUST(in.broken_at_block == SIZE_MAX ||
	     in.broken_at_block < hs_slice_block_count(s));
}

static void check_spans(const struct hs_target *t)
{
	hs_addr end = 0;
	for (size_t i = 0; i < t->spans.count; i++) {
		const struct hs_span *s = &t->spans.span[i];
		MUST(s->start >= end && s->len > 0);
		MUST(s->len <= UINT64_MAX - s->start);
		end = s->start + s->len;
		MUST(hs_target_find_map(t, s->start));
		MUST(hs_target_find_map(t, end - 1));
		uint8_t byte;
		enum hs_status st = hs_target_read(t, end - 1, &byte, 1, NULL);
		if (s->state == HS_SPAN_NOT_CAPTURED)
			MUST(st == HS_ERR_NOT_CAPTURED);
		else if (s->state == HS_SPAN_LAZY)
			MUST(st == HS_OK || st == HS_ERR_NOT_CAPTURED ||
			     st == HS_ERR_LIMIT || st == HS_ERR_NOMEM);
		else
			MUST(st == HS_OK && !s->from_file);
	}
}

static void check_maps(const struct hs_target *t)
{
	hs_addr end = 0;
	for (size_t i = 0; i < hs_target_map_count(t); i++) {
		struct hs_map_info m;
		hs_target_map(t, i, &m);
		MUST(m.start >= end && m.end > m.start);
		MUST(m.captured <= m.end - m.start);
		end = m.end;
	}
	for (size_t i = 0; i < hs_target_module_count(t); i++) {
		struct hs_module_info m;
		hs_target_module(t, i, &m);
		MUST(m.path && m.end > m.base);
		MUST(m.file_state != HS_MODULE_FILE_MATCHED);
	}
}

/* Whatever slices it refers to: with OWN_BASE let them be the same bytes. */
static void check_target(const uint8_t *data, size_t len,
			 const struct hs_open_options *opt, bool own_base)
{
	struct hs_error err = { 0 };
	struct hs_slice *s = NULL;
	struct hs_target *t = NULL;
	MUST(hs_slice_open_bytes(data, len, "slice", opt, &s, &err) == HS_OK);
	if (own_base && s->base_count == 0) {
		hs_slice_close(s);
		return;
	}
	for (size_t i = 0; own_base && i < s->base_count && i < 4; i++) {
		struct hs_slice_base_check c;
		MUST(hs_slice_open_bytes(data, len, "base", opt,
					 &s->base[i].slice, &err) == HS_OK);
		if (hs_slice_hash_known(s->header.hash))
			MUST(hs_slice_base_check(s, i, NULL, NULL, &c, &err) ==
			     HS_OK);
	}
	if (hs_slice_target_new(s, opt, &t, &err)) {
		MUST(!t && err.text[0]); /* of another architecture */
		return;
	}
	check_spans(t);
	check_maps(t);
	hs_target_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* Below a device there are no files: nothing is opened. */
	const struct hs_open_options opt = {
		.struct_size = sizeof(opt),
		.sysroot = "/dev/null",
		.legacy = len > 0x3e && data[0x3e] & 1,
	};
	struct hs_error err = { 0 };
	struct hs_slice *s = NULL;
	enum hs_status st =
		hs_slice_open_bytes(data, len, "slice", &opt, &s, &err);
	if (st) {
		MUST(!s && err.code == st && err.text[0]);
		MUST(!strchr(err.text, '\n'));
		return 0;
	}
	check_lists(s);
	check_integrity(s);
	hs_slice_close(s);
	check_target(data, len, &opt, false);
	check_target(data, len, &opt, true);
	return 0;
}
