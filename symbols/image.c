/* SPDX-License-Identifier: MIT */
#include "symbols/image.h"

#include <elf.h>
#include <inttypes.h>

#include "core/cleanup.h"
#include "core/limits.h"

#define ELF64_HEADER 64u
#define ELF32_HEADER 52u

enum hs_status hs_image_parse(const struct hs_elf_header *header,
			      const uint8_t *table, size_t table_len,
			      struct hs_image *ret, struct hs_error *err)
{
	struct hs_image image = {
		.word_size = header->word_size,
		.big_endian = header->big_endian,
		.fixed = header->type == ET_EXEC,
	};
	bool loaded = false;
	for (uint32_t i = 0; i < header->phnum; i++) {
		struct hs_elf_segment s;
		enum hs_status st = hs_elf_segment_parse(header, table,
							 table_len, i, &s, err);
		if (st)
			return st;
		switch (s.type) {
		case PT_LOAD:
			/* The segment with the file's first byte tells where
			 * the header is; the lowest one always holds it. */
			if (!loaded || s.vaddr - s.offset < image.header)
				image.header = s.vaddr - s.offset;
			if (s.memsz <= UINT64_MAX - s.vaddr &&
			    s.vaddr + s.memsz > image.end)
				image.end = s.vaddr + s.memsz;
			loaded = true;
			break;
		case PT_DYNAMIC:
			image.dynamic = s.vaddr;
			/* A stripped debug file keeps only the memory size. */
			image.dynamic_len = s.memsz;
			break;
		case PT_TLS:
			image.tls.vaddr = s.vaddr;
			image.tls.filesz = s.filesz;
			image.tls.memsz = s.memsz;
			image.tls.align = s.align;
			break;
		case PT_GNU_EH_FRAME:
			image.unwind = s.vaddr;
			image.unwind_len = s.memsz;
			break;
		default:
			break;
		}
	}
	if (!loaded)
		return hs_fail(err, HS_ERR_FORMAT,
			       "ELF image without a loaded segment");
	*ret = image;
	return HS_OK;
}

enum hs_status hs_image_in_memory(const struct hs_target *target, hs_addr base,
				  struct hs_image *ret, struct hs_error *err)
{
	uint8_t raw[ELF64_HEADER];
	size_t len = target->word_size == 8 ? ELF64_HEADER : ELF32_HEADER;
	enum hs_status st = hs_target_read(target, base, raw, len, err);
	if (st)
		return st;
	struct hs_elf_header h;
	st = hs_elf_header_parse(raw, len, &h, err);
	if (st)
		return st;
	if (h.phnum == 0 || h.phnum > HS_LIMIT_PROGRAM_HEADERS ||
	    h.phoff > UINT64_MAX - base)
		return hs_fail_at(err, HS_ERR_FORMAT, base,
				  "image at 0x%" PRIx64 " has %" PRIu32
				  " program headers",
				  base, h.phnum);
	size_t table_len = (size_t)h.phnum * h.phentsize;
	HS_AUTO_FREE uint8_t *table = malloc(table_len);
	if (!table)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu bytes",
			       table_len);
	st = hs_target_read(target, base + h.phoff, table, table_len, err);
	if (st)
		return st;
	return hs_image_parse(&h, table, table_len, ret, err);
}

uint64_t hs_image_bias(const struct hs_image *image, hs_addr base)
{
	return image->fixed ? 0 : base - image->header;
}

hs_addr hs_image_addr(const struct hs_image *image, uint64_t value,
		      uint64_t bias)
{
	uint64_t sum = value + bias;
	return image->word_size == 4 ? (uint32_t)sum : sum;
}
