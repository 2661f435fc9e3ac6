/* SPDX-License-Identifier: MIT */
#include "backends/slice_describe.h"

#include <heapscan/heapscan.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backends/dump_map.h"

#define FORMAT_ELF_CORE 2u
/* Strings have their length in 16 bits, NUL included. */
#define TEXT_MAX 65534u

/* Rows of the build id manifest: ids longer than SHA-1's do not fit. */
#define ROW_ID_MAX 20u
#define SOURCE_MEMORY 4u /* read out of the image in memory */

/* Bytes of TEXT that may be written: not in the middle of a letter. */
static size_t text_len(const char *text)
{
	size_t len = strlen(text);
	if (len <= TEXT_MAX)
		return len;
	len = TEXT_MAX;
	while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Length as the length fields count: with the NUL; 0: absent. */
static size_t text_size(const char *text)
{
	return text && *text ? text_len(text) + 1 : 0;
}

static void put_text(struct hs_byte_buf *buf, const char *text, size_t size)
{
	if (size == 0)
		return;
	hs_byte_buf_put(buf, text, size - 1);
	hs_byte_buf_zeroes(buf, 1);
	hs_byte_buf_align(buf, 8);
}

void hs_slice_put_provenance(struct hs_byte_buf *buf,
			     const struct hs_target *target, uint64_t now_ns)
{
	char tool[64], note[256];
	uint64_t from_files = 0;
	for (size_t i = 0; i < target->maps.count; i++)
		from_files += target->maps.map[i].from_file;
	(void)snprintf(tool, sizeof(tool), "heapscan %s", hs_version());
	(void)snprintf(note, sizeof(note),
		       "%" PRIu64 " bytes of file pages, which the core left "
		       "out, were taken from files with the same build id",
		       from_files);
	hs_byte_buf_uint(buf, FORMAT_ELF_CORE, 2);
	hs_byte_buf_zeroes(buf, 2);
	hs_byte_buf_uint(buf, text_size(tool), 4);
	hs_byte_buf_uint(buf, now_ns, 8);
	hs_byte_buf_uint(buf, target->file_size, 8);
	hs_byte_buf_uint(buf, text_size(note), 4);
	hs_byte_buf_zeroes(buf, 4);
	put_text(buf, tool, text_size(tool));
	put_text(buf, note, text_size(note));
}

void hs_slice_put_process(struct hs_byte_buf *buf,
			  const struct hs_target *target, bool redacted)
{
	const char *exe = target->executable ? target->executable : "";
	const char *args = redacted ? NULL : target->command_line;
	/* An empty name still has a NUL: other readers want one. */
	size_t exe_size = text_len(exe) + 1, args_size = text_size(args);
	hs_byte_buf_uint(buf, target->ppid > 0 ? (uint64_t)target->ppid : 0, 4);
	hs_byte_buf_uint(
		buf, target->session > 0 ? (uint64_t)target->session : 0, 4);
	hs_byte_buf_uint(buf, target->started_ns, 8);
	hs_byte_buf_uint(buf, exe_size, 2);
	hs_byte_buf_uint(buf, args_size, 2);
	hs_byte_buf_zeroes(buf, 4);
	put_text(buf, exe, exe_size);
	put_text(buf, args, args_size);
}

void hs_slice_put_module_list(struct hs_byte_buf *buf,
			      const struct hs_target *target,
			      const uint8_t *uuids)
{
	hs_byte_buf_uint(buf, target->modules.count, 4);
	hs_byte_buf_zeroes(buf, 4);
	for (size_t i = 0; i < target->modules.count; i++) {
		const struct hs_module *m = &target->modules.module[i];
		hs_byte_buf_put(buf, uuids + i * SLICE_UUID_LEN,
				SLICE_UUID_LEN);
		hs_byte_buf_uint(buf, m->base, 8);
		hs_byte_buf_uint(buf, m->end - m->base, 8);
		hs_byte_buf_uint(buf, text_size(m->path), 2);
		hs_byte_buf_zeroes(buf, 6);
		put_text(buf, m->path, text_size(m->path));
	}
}

/*
 * The lines of the maps that belong to the module, as in /proc/PID/maps:
 * regions have no room for names and offsets of files.
 */
static void put_map_lines(struct hs_byte_buf *buf,
			  const struct hs_target *target,
			  const struct hs_module *m)
{
	bool first = true;
	for (size_t i = 0; i < target->maps.count; i++) {
		const struct hs_map *map = &target->maps.map[i];
		char line[128];
		if (map->start < m->base || map->start >= m->end ||
		    !map->path || strcmp(map->path, m->path) != 0)
			continue;
		int n = snprintf(line, sizeof(line),
				 "%s%" PRIx64 "-%" PRIx64 " %c%c%c%c %08" PRIx64
				 " 00:00 0 ",
				 first ? "" : "\n", map->start, map->end,
				 map->prot & HS_PROT_READ ? 'r' : '-',
				 map->prot & HS_PROT_WRITE ? 'w' : '-',
				 map->prot & HS_PROT_EXEC ? 'x' : '-',
				 map->shared ? 's' : 'p', map->file_offset);
		hs_byte_buf_put(buf, line, (size_t)n);
		hs_byte_buf_put(buf, map->path, strlen(map->path));
		first = false;
	}
}

void hs_slice_put_module(struct hs_byte_buf *buf,
			 const struct hs_target *target, size_t i)
{
	const struct hs_module *m = &target->modules.module[i];
	struct hs_byte_buf blob = { 0 };
	hs_byte_buf_uint(buf, m->base, 8);
	hs_byte_buf_uint(buf, m->end - m->base, 8);
	hs_byte_buf_uint(buf, text_size(m->path), 2);
	hs_byte_buf_zeroes(buf, 6); /* no version */
	put_text(buf, m->path, text_size(m->path));
	hs_byte_buf_zeroes(buf, SLICE_HASH_LEN); /* no hash of the file */
	put_map_lines(&blob, target, m);
	hs_byte_buf_uint(buf, blob.len, 4);
	hs_byte_buf_zeroes(buf, 4);
	hs_byte_buf_put(buf, blob.bytes, blob.len);
	hs_byte_buf_align(buf, 8);
	buf->failed |= blob.failed;
	hs_byte_buf_release(&blob);
}

bool hs_slice_put_build_ids(struct hs_byte_buf *buf,
			    const struct hs_target *target)
{
	uint64_t count = 0;
	for (size_t i = 0; i < target->modules.count; i++) {
		size_t len = target->modules.module[i].build_id_len;
		count += len > 0 && len <= ROW_ID_MAX;
	}
	if (count == 0)
		return false;
	hs_byte_buf_uint(buf, count, 4);
	hs_byte_buf_zeroes(buf, 4);
	for (size_t i = 0; i < target->modules.count; i++) {
		const struct hs_module *m = &target->modules.module[i];
		if (m->build_id_len == 0 || m->build_id_len > ROW_ID_MAX)
			continue;
		hs_byte_buf_uint(buf, m->base, 8);
		hs_byte_buf_uint(buf, m->build_id_len, 1);
		hs_byte_buf_uint(buf, SOURCE_MEMORY, 1);
		hs_byte_buf_zeroes(buf, 2);
		hs_byte_buf_put(buf, m->build_id, m->build_id_len);
		hs_byte_buf_zeroes(buf, ROW_ID_MAX - m->build_id_len +
						SLICE_HASH_LEN);
	}
	return true;
}

static void put_register(struct hs_byte_buf *buf, const char *name,
			 uint64_t value, unsigned width, unsigned flags)
{
	size_t size = strlen(name) + 1;
	hs_byte_buf_uint(buf, size, 1);
	hs_byte_buf_uint(buf, width, 1);
	hs_byte_buf_uint(buf, flags, 2);
	hs_byte_buf_zeroes(buf, 4);
	put_text(buf, name, size);
	hs_byte_buf_uint(buf, value, width);
	hs_byte_buf_align(buf, 8);
}

/*
 * x86-64 has its thread pointer among the registers. For the others it gets
 * the name of the register that would hold it, if one could be read.
 */
static const char *tls_name(enum hs_arch arch)
{
	return arch == HS_ARCH_I386      ? "gs_base"
	       : arch == HS_ARCH_AARCH64 ? "tpidr_el0"
					 : "fs_base";
}

void hs_slice_put_thread(struct hs_byte_buf *buf,
			 const struct hs_target *target, size_t i,
			 bool redacted)
{
	const struct hs_thread *t = &target->threads.thread[i];
	const struct hs_register_set *set = hs_register_set(target->arch);
	size_t count =
		t->register_count < set->count ? t->register_count : set->count;
	bool extra = t->tls_base != HS_NO_ADDR &&
		     (set->tls == SIZE_MAX || set->tls >= count);
	/* Without all registers, what is known of them. */
	bool pc = count == 0 && t->pc != HS_NO_ADDR;
	bool sp = count == 0 && t->sp != HS_NO_ADDR;
	hs_byte_buf_uint(buf, (uint64_t)t->tid, 8);
	hs_byte_buf_zeroes(buf, 8);
	hs_byte_buf_uint(buf, t->current ? SLICE_THREAD_CURRENT : 0, 2);
	hs_byte_buf_uint(buf, SLICE_THREAD_STOPPED, 1);
	hs_byte_buf_zeroes(buf, 1);
	hs_byte_buf_uint(buf, count + extra + pc + sp, 4);
	hs_byte_buf_uint(buf, text_size(t->name), 2);
	hs_byte_buf_zeroes(buf, 6);
	put_text(buf, t->name, text_size(t->name));
	for (size_t r = 0; r < count; r++)
		put_register(
			buf, set->names[r],
			hs_dump_register(target, redacted, t->registers[r]),
			target->word_size,
			r == set->pc   ? SLICE_REGISTER_PC
			: r == set->sp ? SLICE_REGISTER_SP
				       : 0);
	if (pc)
		put_register(buf, set->names[set->pc], t->pc, target->word_size,
			     SLICE_REGISTER_PC);
	if (sp)
		put_register(buf, set->names[set->sp], t->sp, target->word_size,
			     SLICE_REGISTER_SP);
	if (extra)
		put_register(buf, tls_name(target->arch), t->tls_base,
			     target->word_size, 0);
}

uint8_t hs_slice_region_type(const struct hs_target *target,
			     const struct hs_map *map)
{
	if (map->shared)
		return SLICE_REGION_SHARED;
	switch (map->kind) {
	case HS_MAP_HEAP:
		return SLICE_REGION_HEAP;
	case HS_MAP_STACK:
		return SLICE_REGION_STACK;
	case HS_MAP_FILE:
		return hs_target_find_module(target, map->start) == SIZE_MAX
			       ? SLICE_REGION_FILE
			       : SLICE_REGION_IMAGE;
	case HS_MAP_ANON:
		return SLICE_REGION_ANON;
	case HS_MAP_SPECIAL:
		break;
	}
	return SLICE_REGION_UNKNOWN;
}
