/* SPDX-License-Identifier: MIT */
#include "backends/core_describe.h"

#include <elf.h>
#include <string.h>

#include "backends/core_shapes.h"
#include "backends/dump_map.h"
#include "backends/slice_put.h"

#ifndef NT_FILE
#define NT_FILE 0x46494c45
#endif
#ifndef NT_SIGINFO
#define NT_SIGINFO 0x53494749
#endif
#ifndef NT_ARM_TLS
#define NT_ARM_TLS 0x401
#endif

#define SIGINFO_LEN 128u
#define NT_REDACTED 1u /* of "HEAPSCAN" */
#define FILE_PAGE 4096u

/* Begin a note; returns where its length is to be put when that is known. */
static size_t note_begin(struct hs_byte_buf *buf, const char *name,
			 uint32_t type)
{
	size_t at = buf->len + 4;
	hs_byte_buf_uint(buf, strlen(name) + 1, 4);
	hs_byte_buf_uint(buf, 0, 4);
	hs_byte_buf_uint(buf, type, 4);
	hs_byte_buf_put(buf, name, strlen(name) + 1);
	hs_byte_buf_align(buf, 4);
	return at;
}

static void note_end(struct hs_byte_buf *buf, size_t at, size_t begin)
{
	if (buf->failed)
		return;
	hs_put_u32(buf->bytes + at, (uint32_t)(buf->len - begin));
	hs_byte_buf_align(buf, 4);
}

static void note(struct hs_byte_buf *buf, const char *name, uint32_t type,
		 const void *desc, size_t len)
{
	size_t at = note_begin(buf, name, type), begin = buf->len;
	hs_byte_buf_put(buf, desc, len);
	note_end(buf, at, begin);
}

static void put_at(uint8_t *desc, size_t at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		desc[at + i] = (uint8_t)(value >> (8 * i));
}

static uint32_t id(int64_t value)
{
	return value > 0 ? (uint32_t)value : 0;
}

static void put_status(struct hs_byte_buf *buf, const struct hs_target *t,
		       const struct hs_thread *thread, bool first,
		       bool redacted)
{
	const struct hs_core_shape *s = hs_core_shape(t->arch);
	const struct hs_register_set *set = hs_register_set(t->arch);
	uint8_t desc[HS_CORE_STATUS_MAX] = { 0 };
	/* struct elf_siginfo begins with the signal as well. */
	uint32_t signal = first && t->signal > 0 ? (uint32_t)t->signal : 0;
	put_at(desc, 0, signal, 4);
	put_at(desc, HS_CORE_CURSIG_AT, signal, 2);
	put_at(desc, s->pid, id(thread->tid), 4);
	put_at(desc, s->pid + 4, id(t->ppid), 4);
	put_at(desc, s->pid + 12, id(t->session), 4);
	for (size_t i = 0; i < thread->register_count && i < set->count; i++)
		put_at(desc, s->registers + i * s->word,
		       hs_dump_register(t, redacted, thread->registers[i]),
		       s->word);
	if (thread->register_count == 0) {
		if (thread->pc != HS_NO_ADDR)
			put_at(desc, s->registers + set->pc * s->word,
			       thread->pc, s->word);
		if (thread->sp != HS_NO_ADDR)
			put_at(desc, s->registers + set->sp * s->word,
			       thread->sp, s->word);
		if (set->tls != SIZE_MAX && thread->tls_base != HS_NO_ADDR)
			put_at(desc, s->registers + set->tls * s->word,
			       thread->tls_base, s->word);
	}
	put_at(desc, s->registers + set->count * s->word,
	       thread->fp && !redacted, 4);
	note(buf, "CORE", NT_PRSTATUS, desc, s->status_size);
}

/* What NT_PRSTATUS does not hold of a thread. */
static void put_more(struct hs_byte_buf *buf, const struct hs_target *t,
		     const struct hs_thread *thread, bool redacted)
{
	uint8_t desc[16] = { 0 };
	if (thread->fp && !redacted)
		note(buf, "CORE", NT_FPREGSET, thread->fp, thread->fp_len);
	if (thread->tls_base == HS_NO_ADDR)
		return;
	if (t->arch == HS_ARCH_AARCH64) {
		put_at(desc, 0, thread->tls_base, 8);
		note(buf, "LINUX", NT_ARM_TLS, desc, 8);
	} else if (t->arch == HS_ARCH_I386) {
		/* struct user_desc: the entry that %gs selects, base, limit in
		 * pages, flags as the kernel sets them for a C library. */
		uint64_t gs = thread->register_count > 10
				      ? thread->registers[10] & 0xffff
				      : 0x63;
		put_at(desc, 0, gs >> 3, 4);
		put_at(desc, 4, thread->tls_base, 4);
		put_at(desc, 8, 0xfffff, 4);
		put_at(desc, 12, 0x51, 4);
		note(buf, "LINUX", NT_386_TLS, desc, 16);
	}
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static void put_text_at(uint8_t *desc, size_t at, const char *text, size_t room)
{
	if (text) /* zeroes follow: the room is one longer than the text */
		memcpy(desc + at, text, strnlen(text, room - 1));
}

static void put_process(struct hs_byte_buf *buf, const struct hs_target *t,
			const struct hs_thread *first, bool redacted)
{
	const struct hs_core_shape *s = hs_core_shape(t->arch);
	uint8_t desc[HS_CORE_INFO_MAX] = { 0 };
	const char *name = first ? first->name : NULL;
	if (!name && t->executable)
		name = base_name(t->executable);
	desc[1] = 'R';
	put_at(desc, s->info_pid, id(t->pid), 4);
	put_at(desc, s->info_pid + 4, id(t->ppid), 4);
	put_at(desc, s->info_pid + 12, id(t->session), 4);
	put_text_at(desc, s->comm, name, HS_CORE_COMM_LEN);
	put_text_at(desc, s->command_line,
		    t->command_line && !redacted ? t->command_line
						 : t->executable,
		    HS_CORE_ARGS_LEN);
	note(buf, "CORE", NT_PRPSINFO, desc, s->info_size);
}

static void put_auxv(struct hs_byte_buf *buf, const struct hs_target *t)
{
	if (t->auxv)
		note(buf, "CORE", NT_AUXV, t->auxv, t->auxv_len);
}

static bool has_file(const struct hs_map *map)
{
	return map->path && map->path[0] == '/';
}

static void put_files(struct hs_byte_buf *buf, const struct hs_target *t)
{
	unsigned w = t->word_size;
	uint64_t count = 0;
	for (size_t i = 0; i < t->maps.count; i++)
		count += has_file(&t->maps.map[i]);
	if (count == 0)
		return;
	size_t at = note_begin(buf, "CORE", NT_FILE), begin = buf->len;
	hs_byte_buf_uint(buf, count, w);
	hs_byte_buf_uint(buf, FILE_PAGE, w);
	for (size_t i = 0; i < t->maps.count; i++) {
		const struct hs_map *map = &t->maps.map[i];
		if (!has_file(map))
			continue;
		hs_byte_buf_uint(buf, map->start, w);
		hs_byte_buf_uint(buf, map->end, w);
		hs_byte_buf_uint(buf, map->file_offset / FILE_PAGE, w);
	}
	for (size_t i = 0; i < t->maps.count; i++)
		if (has_file(&t->maps.map[i]))
			hs_byte_buf_put(buf, t->maps.map[i].path,
					strlen(t->maps.map[i].path) + 1);
	note_end(buf, at, begin);
}

enum hs_status hs_core_put_notes(struct hs_byte_buf *buf,
				 const struct hs_target *t, bool redacted,
				 struct hs_error *err)
{
	const struct hs_thread *all = t->threads.thread, *first = NULL;
	for (size_t i = 0; !first && i < t->threads.count; i++)
		if (all[i].current)
			first = &all[i];
	if (!first && t->threads.count > 0)
		first = all;
	if (first)
		put_status(buf, t, first, true, redacted);
	put_process(buf, t, first, redacted);
	uint8_t info[SIGINFO_LEN] = { 0 };
	put_at(info, 0, t->signal > 0 ? (uint32_t)t->signal : 0, 4);
	note(buf, "CORE", NT_SIGINFO, info, sizeof(info));
	put_auxv(buf, t);
	put_files(buf, t);
	if (redacted)
		note(buf, "HEAPSCAN", NT_REDACTED, "redacted", 9);
	if (first)
		put_more(buf, t, first, redacted);
	for (size_t i = 0; i < t->threads.count; i++) {
		if (&all[i] == first)
			continue;
		put_status(buf, t, &all[i], false, redacted);
		put_more(buf, t, &all[i], redacted);
	}
	if (buf->len > UINT32_MAX)
		return hs_fail(err, HS_ERR_LIMIT,
			       "the notes of this core would take more than "
			       "4 GiB");
	return hs_byte_buf_check(buf, err);
}
