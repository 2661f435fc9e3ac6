/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "backends/elf_core.h"

/*
 * Any bytes as a core file: it opens or says why, and what opened keeps the
 * contract of core/backend.h, however the segments lie.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			abort();                                               \
	} while (0)

static void check_maps(const struct hs_target *t)
{
	hs_addr end = 0;
	for (size_t i = 0; i < hs_target_map_count(t); i++) {
		struct hs_map_info m;
		hs_target_map(t, i, &m);
		MUST(m.start >= end && m.end > m.start);
		MUST(m.captured <= m.end - m.start);
		MUST(m.from_file <= m.captured);
		end = m.end;
	}
}

static void check_spans(const struct hs_target *t, const uint8_t *data,
			size_t len)
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
		if (s->state == HS_SPAN_NOT_CAPTURED) {
			MUST(st == HS_ERR_NOT_CAPTURED);
			continue;
		}
		MUST(st == HS_OK && !s->from_file); /* no file is given */
		MUST(s->bytes >= data && s->bytes < data + len);
		MUST(s->len <= (size_t)(data + len - s->bytes));
	}
}

static void check_modules(const struct hs_target *t)
{
	hs_addr base = 0;
	for (size_t i = 0; i < hs_target_module_count(t); i++) {
		struct hs_module_info m;
		hs_target_module(t, i, &m);
		MUST(m.path && m.end > m.base && m.base >= base);
		MUST(m.build_id_len <= HS_MAX_BUILD_ID);
		MUST(m.file_state != HS_MODULE_FILE_MATCHED);
		base = m.base;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* Below a device there are no files: nothing is opened. */
	const struct hs_open_options opt = { .struct_size = sizeof(opt),
					     .sysroot = "/dev/null" };
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	enum hs_status st =
		hs_core_open_bytes(data, len, "core", &opt, &t, &err);
	if (st) {
		MUST(!t && err.code == st && err.text[0]);
		MUST(!strchr(err.text, '\n'));
		return 0;
	}
	check_maps(t);
	check_spans(t, data, len);
	check_modules(t);
	for (size_t i = 0; i < hs_target_thread_count(t); i++)
		MUST(t->threads.thread[i].current == (i == 0));
	for (size_t i = 0; i < hs_target_problem_count(t); i++)
		MUST(t->notes.note[i].message[0]);
	hs_target_close(t);
	return 0;
}
