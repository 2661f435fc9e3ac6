/* SPDX-License-Identifier: MIT */
#include "backends/core_write.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core_describe.h"
#include "backends/dump_map.h"
#include "core/cleanup.h"
#include "core/grow.h"

/*
 * Header, program headers, section header 0 (with very many segments only),
 * notes, memory. The section header stands before the memory, so that a file
 * that is cut later still says how many segments it has.
 */
struct writer {
	const struct hs_target *target;
	const struct hs_capture_options *opt;
	struct hs_out_file *out;
	struct hs_dump_map *map; /* one for each of the target's */
	size_t count;
	struct load {
		hs_addr start, end;
		uint64_t len; /* bytes in the file, from START */
		unsigned prot;
	} * load; /* those that become a PT_LOAD */
	size_t load_count, load_capacity;
	struct hs_byte_buf notes;
	struct hs_dump_reader reader;
	struct hs_capture_result result;
};

static void writer_release(struct writer *w)
{
	for (size_t i = 0; w->map && i < w->count; i++)
		hs_dump_map_release(&w->map[i]);
	free(w->map);
	free(w->load);
	hs_byte_buf_release(&w->notes);
	hs_dump_reader_release(&w->reader);
}

static enum hs_status add_load(struct writer *w, const struct hs_map *map,
			       const struct hs_dump_run *run,
			       struct hs_error *err)
{
	struct load *last = w->load_count ? &w->load[w->load_count - 1] : NULL;
	uint64_t len =
		run->state == HS_DUMP_CAPTURED ? run->end - run->start : 0;
	/* What follows captured pages and was not captured is the same
	 * segment, longer in memory than in the file. */
	if (last && len == 0 && last->end == run->start &&
	    run->start > map->start) {
		last->end = run->end;
		return HS_OK;
	}
	enum hs_status st = hs_grow(&w->load, &w->load_capacity, w->load_count,
				    sizeof(*w->load), err);
	if (!st)
		w->load[w->load_count++] =
			(struct load){ run->start, run->end, len, map->prot };
	return st;
}

static enum hs_status survey(struct writer *w, struct hs_error *err)
{
	const struct hs_map_list *maps = &w->target->maps;
	struct hs_capture_result *r = &w->result;
	hs_addr before = 0;
	enum hs_status st = HS_OK;
	w->map = calloc(maps->count + 1, sizeof(*w->map));
	if (!w->map)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (; !st && w->count < maps->count; w->count++) {
		struct hs_dump_map *m = &w->map[w->count];
		st = hs_dump_map_describe(w->target, w->opt, w->count, before,
					  m, err);
		before = m->end > before ? m->end : before;
		r->captured += m->captured;
		if (m->cut)
			r->lost |= HS_LOST_BYTES;
		for (size_t i = 0; !st && i < m->count; i++) {
			uint64_t len = m->run[i].end - m->run[i].start;
			if (m->run[i].state == HS_DUMP_UNMAPPED)
				continue;
			if (m->excluded)
				r->left_out += len;
			else if (m->run[i].state == HS_DUMP_FAILED)
				r->missing += len;
			st = add_load(w, m->map, &m->run[i], err);
		}
	}
	return st;
}

static void put_header(struct hs_byte_buf *buf, const struct writer *w,
		       uint64_t segments, uint64_t sections_at)
{
	static const uint16_t machines[] = {
		[HS_ARCH_X86_64] = EM_X86_64,
		[HS_ARCH_I386] = EM_386,
		[HS_ARCH_AARCH64] = EM_AARCH64,
	};
	bool wide = w->target->word_size == 8;
	unsigned word = w->target->word_size;
	uint8_t ident[EI_NIDENT] = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3 };
	ident[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	ident[EI_DATA] = ELFDATA2LSB;
	ident[EI_VERSION] = EV_CURRENT;
	hs_byte_buf_put(buf, ident, sizeof(ident));
	hs_byte_buf_uint(buf, ET_CORE, 2);
	hs_byte_buf_uint(buf, machines[w->target->arch], 2);
	hs_byte_buf_uint(buf, EV_CURRENT, 4);
	hs_byte_buf_uint(buf, 0, word); /* entry */
	hs_byte_buf_uint(buf, wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr),
			 word);
	hs_byte_buf_uint(buf, sections_at, word);
	hs_byte_buf_uint(buf, 0, 4); /* flags */
	hs_byte_buf_uint(buf, wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr),
			 2);
	hs_byte_buf_uint(buf, wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr),
			 2);
	hs_byte_buf_uint(buf, segments < PN_XNUM ? segments : PN_XNUM, 2);
	hs_byte_buf_uint(buf,
			 !sections_at ? 0
			 : wide       ? sizeof(Elf64_Shdr)
				      : sizeof(Elf32_Shdr),
			 2);
	hs_byte_buf_uint(buf, sections_at != 0, 2);
	hs_byte_buf_uint(buf, 0, 2); /* no section names */
}

struct segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz, align;
};

static void put_segment(struct hs_byte_buf *buf, unsigned word,
			const struct segment *s)
{
	hs_byte_buf_uint(buf, s->type, 4);
	if (word == 8)
		hs_byte_buf_uint(buf, s->flags, 4);
	hs_byte_buf_uint(buf, s->offset, word);
	hs_byte_buf_uint(buf, s->vaddr, word);
	hs_byte_buf_uint(buf, 0, word);
	hs_byte_buf_uint(buf, s->filesz, word);
	hs_byte_buf_uint(buf, s->memsz, word);
	if (word == 4)
		hs_byte_buf_uint(buf, s->flags, 4);
	hs_byte_buf_uint(buf, s->align, word);
}

static void put_section(struct hs_byte_buf *buf, unsigned word,
			uint64_t segments)
{
	size_t before_info = word == 8 ? 44 : 28;
	size_t size = word == 8 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	hs_byte_buf_zeroes(buf, before_info);
	hs_byte_buf_uint(buf, segments, 4);
	hs_byte_buf_zeroes(buf, size - before_info - 4);
}

static unsigned flags_of(unsigned prot)
{
	return (prot & HS_PROT_READ ? PF_R : 0) |
	       (prot & HS_PROT_WRITE ? PF_W : 0) |
	       (prot & HS_PROT_EXEC ? PF_X : 0);
}

/* All that stands before the memory. */
static enum hs_status put_front(struct writer *w, struct hs_error *err)
{
	HS_CLEANUP(hs_byte_buf_release) struct hs_byte_buf buf = { 0 };
	bool wide = w->target->word_size == 8;
	unsigned word = w->target->word_size;
	uint64_t segments = w->load_count + 1;
	uint64_t headers =
		(wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)) +
		segments * (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	uint64_t sections_at = segments >= PN_XNUM ? headers : 0;
	uint64_t notes_at = headers;
	if (sections_at)
		notes_at += wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	uint64_t offset = notes_at + w->notes.len;
	offset = (offset + HS_DUMP_PAGE - 1) & ~(HS_DUMP_PAGE - 1);
	put_header(&buf, w, segments, sections_at);
	struct segment note = {
		.type = PT_NOTE,
		.offset = notes_at,
		.filesz = w->notes.len,
		.align = 4,
	};
	put_segment(&buf, word, &note);
	for (size_t i = 0; i < w->load_count; i++) {
		const struct load *l = &w->load[i];
		struct segment s = {
			.type = PT_LOAD,
			.flags = flags_of(l->prot),
			.offset = offset,
			.vaddr = l->start,
			.filesz = l->len,
			.memsz = l->end - l->start,
			.align = HS_DUMP_PAGE,
		};
		if (!wide && (l->end > (uint64_t)UINT32_MAX + 1 ||
			      offset + l->len > UINT32_MAX))
			return hs_fail(err, HS_ERR_UNSUPPORTED,
				       "a 32-bit core holds less than 4 GiB: "
				       "write a slice, or leave mappings out");
		put_segment(&buf, word, &s);
		offset += l->len;
	}
	if (sections_at)
		put_section(&buf, word, segments);
	hs_byte_buf_put(&buf, w->notes.bytes, w->notes.len);
	hs_byte_buf_align(&buf, HS_DUMP_PAGE);
	enum hs_status st = hs_byte_buf_check(&buf, err);
	return st ? st : hs_out_file_write(w->out, buf.bytes, buf.len, err);
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* Runs of pages that are all zero become holes of the file. */
static enum hs_status put_memory(void *arg, const uint8_t *bytes, size_t len,
				 struct hs_error *err)
{
	struct writer *w = arg;
	while (len > 0) {
		size_t page = HS_DUMP_PAGE - w->out->at % HS_DUMP_PAGE;
		size_t n = page < len ? page : len;
		bool zero = is_zero(bytes, n);
		while (n < len) {
			size_t next =
				len - n < HS_DUMP_PAGE ? len - n : HS_DUMP_PAGE;
			if (is_zero(bytes + n, next) != zero)
				break;
			n += next;
		}
		enum hs_status st =
			zero ? hs_out_file_skip(w->out, n, err)
			     : hs_out_file_write(w->out, bytes, n, err);
		if (st)
			return st;
		bytes += n;
		len -= n;
	}
	return HS_OK;
}

enum hs_status hs_core_write(const struct hs_target *target,
			     const struct hs_capture_options *opt,
			     struct hs_out_file *out,
			     struct hs_capture_result *ret,
			     struct hs_error *err)
{
	HS_CLEANUP(writer_release)
	struct writer w = {
		.target = target,
		.opt = opt,
		.out = out,
		.reader = { .target = target, .opt = opt },
	};
	enum hs_status st = survey(&w, err);
	w.reader.total = w.result.captured;
	if (!st)
		st = hs_core_put_notes(&w.notes, target, opt->redact != NULL,
				       err);
	if (!st)
		st = put_front(&w, err);
	for (size_t i = 0; !st && i < w.load_count; i++)
		st = hs_dump_read(&w.reader, w.load[i].start,
				  w.load[i].start + w.load[i].len, put_memory,
				  &w, err);
	if (!st)
		*ret = w.result;
	return st;
}
