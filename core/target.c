/* SPDX-License-Identifier: MIT */
#include <heapscan/heapscan.h>

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/backend.h"
#include "core/cleanup.h"
#include "core/limits.h"

const char *hs_version(void)
{
	return HS_VERSION; /* from CMakeLists.txt */
}

const char *hs_target_kind_name(enum hs_target_kind kind)
{
	switch (kind) {
	case HS_TARGET_CORE:
		return "core";
	case HS_TARGET_SLICE:
		return "slice";
	case HS_TARGET_LIVE:
		return "live";
	}
	return "unknown";
}

const char *hs_arch_name(enum hs_arch arch)
{
	switch (arch) {
	case HS_ARCH_X86_64:
		return "x86_64";
	case HS_ARCH_I386:
		return "i386";
	case HS_ARCH_AARCH64:
		return "aarch64";
	}
	return "unknown";
}

const char *hs_module_file_name(enum hs_module_file state)
{
	switch (state) {
	case HS_MODULE_FILE_MATCHED:
		return "matched";
	case HS_MODULE_FILE_MISMATCH:
		return "mismatch";
	case HS_MODULE_FILE_MISSING:
		return "missing";
	case HS_MODULE_FILE_NONE:
		return "none";
	}
	return "unknown";
}

const char *hs_severity_name(enum hs_severity severity)
{
	switch (severity) {
	case HS_NOTE:
		return "note";
	case HS_WARNING:
		return "warning";
	case HS_DAMAGE:
		return "damage";
	}
	return "unknown";
}

void hs_target_init(struct hs_target *target, const struct hs_backend *backend)
{
	*target = (struct hs_target){
		.backend = backend,
		.word_size = 8,
		.complete = true,
		.pid = -1,
		.paused_ns = -1,
		.ppid = -1,
		.session = -1,
	};
}

void hs_target_release(struct hs_target *target)
{
	free(target->path);
	free(target->executable);
	free(target->command_line);
	free(target->sysroot);
	free(target->auxv);
	hs_span_list_release(&target->spans);
	hs_map_list_release(&target->maps);
	hs_module_list_release(&target->modules);
	hs_thread_list_release(&target->threads);
	hs_note_list_release(&target->notes);
}

void hs_target_close(struct hs_target *target)
{
	if (target)
		target->backend->close(target);
}

/* Bytes that MAP has of SPAN, and whether they came from its file. */
static uint64_t shared_bytes(const struct hs_map *map,
			     const struct hs_span *span)
{
	hs_addr from = span->start > map->start ? span->start : map->start;
	hs_addr span_end = span->start + span->len;
	hs_addr to = span_end < map->end ? span_end : map->end;
	return to > from ? to - from : 0;
}

enum hs_status hs_target_finish(struct hs_target *target, struct hs_error *err)
{
	enum hs_status st = hs_span_list_sort(&target->spans, NULL, err);
	if (st)
		return st;
	hs_map_list_sort(&target->maps);
	hs_module_list_sort(&target->modules);

	const struct hs_span_list *spans = &target->spans;
	size_t first = 0; /* both lists ascend: one pass over each */
	for (size_t m = 0; m < target->maps.count; m++) {
		struct hs_map *map = &target->maps.map[m];
		map->captured = map->from_file = 0;
		while (first < spans->count &&
		       spans->span[first].start + spans->span[first].len <=
			       map->start)
			first++;
		for (size_t i = first;
		     i < spans->count && spans->span[i].start < map->end; i++) {
			const struct hs_span *span = &spans->span[i];
			if (span->state == HS_SPAN_NOT_CAPTURED)
				continue;
			uint64_t n = shared_bytes(map, span);
			map->captured += n;
			if (span->from_file)
				map->from_file += n;
		}
	}
	return HS_OK;
}

enum hs_status hs_target_view_span(const struct hs_target *target, hs_addr addr,
				   hs_addr *start, const uint8_t **ret,
				   uint64_t *len, struct hs_error *err)
{
	const struct hs_span *span = hs_span_list_find(&target->spans, addr);
	if (!span)
		return hs_fail_at(err, HS_ERR_UNMAPPED, addr,
				  "nothing is mapped at 0x%" PRIx64, addr);
	const uint8_t *bytes = span->bytes;
	switch (span->state) {
	case HS_SPAN_NOT_CAPTURED:
		return hs_fail_at(err, HS_ERR_NOT_CAPTURED, addr,
				  "memory at 0x%" PRIx64 " was not captured",
				  addr);
	case HS_SPAN_LAZY: {
		enum hs_status st =
			target->backend->fill(target, span, &bytes, err);
		if (st)
			return st;
		break;
	}
	default:
		break;
	}
	*start = span->start;
	*ret = bytes;
	*len = span->len;
	return HS_OK;
}

enum hs_status hs_target_view(const struct hs_target *target, hs_addr addr,
			      const uint8_t **ret, uint64_t *len,
			      struct hs_error *err)
{
	hs_addr start;
	const uint8_t *bytes;
	uint64_t all;
	enum hs_status st =
		hs_target_view_span(target, addr, &start, &bytes, &all, err);
	if (st)
		return st;
	*ret = bytes + (addr - start);
	*len = all - (addr - start);
	return HS_OK;
}

hs_addr hs_target_next(const struct hs_target *target, hs_addr addr,
		       bool zeroes)
{
	const struct hs_span_list *list = &target->spans;
	const struct hs_span *s = hs_span_list_from(list, addr);
	for (; s && s < list->span + list->count; s++)
		if (s->state != HS_SPAN_NOT_CAPTURED && (zeroes || !s->zero))
			return s->start > addr ? s->start : addr;
	return HS_NO_ADDR;
}

enum hs_status hs_target_read(const struct hs_target *target, hs_addr addr,
			      void *buf, size_t len, struct hs_error *err)
{
	assert(target && (buf || len == 0));

	/* Lengths come from the target too: a forged size must not wrap. */
	if (len > UINT64_MAX - addr)
		return hs_fail_at(err, HS_ERR_UNMAPPED, addr,
				  "read of %zu bytes at 0x%" PRIx64
				  " runs past the end of the address space",
				  len, addr);

	uint8_t *out = buf;
	while (len > 0) {
		const uint8_t *bytes;
		uint64_t got;
		enum hs_status st =
			hs_target_view(target, addr, &bytes, &got, err);
		if (st)
			return st;
		assert(got > 0);
		size_t n = got < len ? (size_t)got : len;
		memcpy(out, bytes, n);
		out += n;
		addr += n;
		len -= n;
	}
	return HS_OK;
}

/* At a lazy span: what the backend hands on at once. */
static enum hs_status stream_lazy(const struct hs_target *target, hs_addr addr,
				  uint64_t len, hs_bytes_fn fn, void *arg,
				  uint64_t *done, struct hs_error *err)
{
	const struct hs_span *span = hs_span_list_find(&target->spans, addr);
	*done = 0;
	if (!span || span->state != HS_SPAN_LAZY || !target->backend->stream)
		return HS_OK;
	return target->backend->stream(target, addr, len, fn, arg, done, err);
}

enum hs_status hs_target_stream(const struct hs_target *target, hs_addr addr,
				uint64_t len, hs_bytes_fn fn, void *arg,
				struct hs_error *err)
{
	assert(target && fn);
	if (len > UINT64_MAX - addr)
		return hs_fail_at(err, HS_ERR_UNMAPPED, addr,
				  "%" PRIu64 " bytes at 0x%" PRIx64
				  " run past the end of the address space",
				  len, addr);
	while (len > 0) {
		const uint8_t *bytes;
		uint64_t n;
		enum hs_status st =
			stream_lazy(target, addr, len, fn, arg, &n, err);
		if (st)
			return st;
		if (n == 0) {
			st = hs_target_view(target, addr, &bytes, &n, err);
			if (st)
				return st;
			if (n > len)
				n = len;
			if (!fn(arg, bytes, n))
				return hs_fail(err, HS_ERR_CANCELLED,
					       "cancelled");
		}
		addr += n;
		len -= n;
	}
	return HS_OK;
}

enum hs_status hs_target_read_uint(const struct hs_target *target, hs_addr addr,
				   size_t len, uint64_t *ret,
				   struct hs_error *err)
{
	uint8_t raw[8];
	assert(len >= 1 && len <= sizeof(raw));
	enum hs_status st = hs_target_read(target, addr, raw, len, err);
	if (st)
		return st;
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | raw[target->big_endian ? i : len - 1 - i];
	*ret = value;
	return HS_OK;
}

enum hs_status hs_target_read_word(const struct hs_target *target, hs_addr addr,
				   uint64_t *ret, struct hs_error *err)
{
	return hs_target_read_uint(target, addr, target->word_size, ret, err);
}

enum hs_status hs_target_read_string(const struct hs_target *target,
				     hs_addr addr, size_t max, char **ret,
				     struct hs_error *err)
{
	size_t len = 0;
	for (bool ended = false; !ended;) {
		const uint8_t *bytes;
		uint64_t got;
		if (len > UINT64_MAX - addr)
			return hs_fail_at(err, HS_ERR_UNMAPPED, addr,
					  "string runs past the end of the "
					  "address space");
		enum hs_status st =
			hs_target_view(target, addr + len, &bytes, &got, err);
		if (st)
			return st;
		size_t room = max - len;
		if (room < SIZE_MAX)
			room++; /* the NUL may stand at MAX */
		size_t n = got < room ? (size_t)got : room;
		const uint8_t *nul = memchr(bytes, 0, n);
		len += nul ? (size_t)(nul - bytes) : n;
		ended = nul != NULL;
		if (!ended && len > max)
			return hs_fail_at(err, HS_ERR_LIMIT, addr,
					  "string at 0x%" PRIx64
					  " is longer than %zu bytes",
					  addr, max);
	}
	HS_AUTO_FREE char *text = malloc(len + 1);
	if (!text)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	enum hs_status st = hs_target_read(target, addr, text, len, err);
	if (st)
		return st;
	text[len] = '\0';
	*ret = HS_TAKE(text);
	return HS_OK;
}

bool hs_target_auxv(const struct hs_target *target, uint64_t type,
		    uint64_t *ret)
{
	size_t w = target->word_size;
	for (size_t at = 0; at + 2 * w <= target->auxv_len; at += 2 * w) {
		uint64_t pair[2] = { 0 };
		for (size_t i = 0; i < 2 * w; i++) {
			size_t byte =
				target->big_endian ? i % w : w - 1 - i % w;
			pair[i / w] = pair[i / w] << 8 |
				      target->auxv[at + i / w * w + byte];
		}
		if (pair[0] == 0) /* AT_NULL */
			return false;
		if (pair[0] == type) {
			*ret = pair[1];
			return true;
		}
	}
	return false;
}

size_t hs_target_map_behind(const struct hs_target *target, hs_addr addr)
{
	size_t lo = 0, hi = target->maps.count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (target->maps.map[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct hs_map *hs_target_find_map(const struct hs_target *target,
					hs_addr addr)
{
	size_t lo = hs_target_map_behind(target, addr);
	if (lo == target->maps.count || target->maps.map[lo].start > addr)
		return NULL;
	return &target->maps.map[lo];
}

size_t hs_target_find_module(const struct hs_target *target, hs_addr addr)
{
	size_t lo = 0, hi = target->modules.count;
	while (lo < hi) { /* the first base behind ADDR */
		size_t mid = lo + (hi - lo) / 2;
		if (target->modules.module[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || target->modules.module[lo - 1].end <= addr)
		return SIZE_MAX;
	return lo - 1;
}

void hs_target_info(const struct hs_target *target, struct hs_target_info *ret)
{
	*ret = (struct hs_target_info){
		.kind = target->backend->kind,
		.arch = target->arch,
		.word_size = target->word_size,
		.big_endian = target->big_endian,
		.complete = target->complete,
		.path = target->path,
		.executable = target->executable,
		.command_line = target->command_line,
		.pid = target->pid,
		.paused_ns = target->paused_ns,
		.file_size = target->file_size,
		.copied = target->copied,
		.signal = target->signal,
	};
}

size_t hs_target_map_count(const struct hs_target *target)
{
	return target->maps.count;
}

void hs_target_map(const struct hs_target *target, size_t i,
		   struct hs_map_info *ret)
{
	assert(i < target->maps.count);
	const struct hs_map *m = &target->maps.map[i];
	*ret = (struct hs_map_info){
		.start = m->start,
		.end = m->end,
		.prot = m->prot,
		.shared = m->shared,
		.kind = m->kind,
		.path = m->path,
		.file_offset = m->file_offset,
		.captured = m->captured,
		.from_file = m->from_file,
	};
}

size_t hs_target_module_count(const struct hs_target *target)
{
	return target->modules.count;
}

void hs_target_module(const struct hs_target *target, size_t i,
		      struct hs_module_info *ret)
{
	assert(i < target->modules.count);
	const struct hs_module *m = &target->modules.module[i];
	*ret = (struct hs_module_info){
		.base = m->base,
		.end = m->end,
		.path = m->path,
		.file = m->file,
		.file_state = m->file_state,
		.build_id = m->build_id_len ? m->build_id : NULL,
		.build_id_len = m->build_id_len,
		.is_executable = m->is_executable,
	};
}

size_t hs_target_thread_count(const struct hs_target *target)
{
	return target->threads.count;
}

void hs_target_thread(const struct hs_target *target, size_t i,
		      struct hs_thread_info *ret)
{
	assert(i < target->threads.count);
	const struct hs_thread *t = &target->threads.thread[i];
	*ret = (struct hs_thread_info){
		.tid = t->tid,
		.current = t->current,
		.pc = t->pc,
		.sp = t->sp,
		.tls_base = t->tls_base,
		.name = t->name,
		.register_count = t->register_count,
		.registers = t->registers,
	};
}

size_t hs_target_problem_count(const struct hs_target *target)
{
	return target->notes.count;
}

void hs_target_problem(const struct hs_target *target, size_t i,
		       struct hs_problem_info *ret)
{
	assert(i < target->notes.count);
	const struct hs_note *n = &target->notes.note[i];
	*ret = (struct hs_problem_info){
		.severity = n->severity,
		.addr = n->addr,
		.code = n->code,
		.message = n->message,
	};
}
