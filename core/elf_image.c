/* SPDX-License-Identifier: MIT */
#include "core/elf_image.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/cursor.h"

#define EHDR_SIZE(word) ((word) == 8 ? 64u : 52u)
#define PHDR_SIZE(word) ((word) == 8 ? 56u : 32u)

/* More program headers than any linker writes, in an image that is mapped;
 * cores, which may have more, are read by backends/elf_core.c. */
#define MAX_IMAGE_PHDRS 1024u
/* Notes of an image are a few hundred bytes; distributions reach some KiB. */
#define MAX_IMAGE_NOTES (1u << 20)

enum hs_status hs_elf_header_parse(const uint8_t *bytes, size_t len,
				   struct hs_elf_header *ret,
				   struct hs_error *err)
{
	if (len < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return hs_fail(err, HS_ERR_FORMAT, "no ELF header");
	if ((bytes[EI_CLASS] != ELFCLASS32 && bytes[EI_CLASS] != ELFCLASS64) ||
	    (bytes[EI_DATA] != ELFDATA2LSB && bytes[EI_DATA] != ELFDATA2MSB))
		return hs_fail(err, HS_ERR_FORMAT,
			       "ELF header with class %u and data encoding %u",
			       bytes[EI_CLASS], bytes[EI_DATA]);

	struct hs_elf_header h = { 0 };
	h.word_size = bytes[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	h.big_endian = bytes[EI_DATA] == ELFDATA2MSB;
	struct hs_cursor c = { .pos = bytes + EI_NIDENT,
			       .end = bytes + len,
			       .big_endian = h.big_endian };
	h.type = hs_cursor_u16(&c);
	h.machine = hs_cursor_u16(&c);
	(void)hs_cursor_u32(&c); /* version */
	h.entry = hs_cursor_uint(&c, h.word_size);
	h.phoff = hs_cursor_uint(&c, h.word_size);
	h.shoff = hs_cursor_uint(&c, h.word_size);
	(void)hs_cursor_u32(&c); /* flags */
	(void)hs_cursor_u16(&c); /* ehsize */
	h.phentsize = hs_cursor_u16(&c);
	h.phnum = hs_cursor_u16(&c);
	if (c.overrun)
		return hs_fail(err, HS_ERR_FORMAT,
			       "ELF header is cut short: %zu bytes", len);
	if (h.phnum > 0 && h.phentsize < PHDR_SIZE(h.word_size))
		return hs_fail(err, HS_ERR_FORMAT,
			       "ELF program headers of %u bytes", h.phentsize);
	*ret = h;
	return HS_OK;
}

enum hs_status hs_elf_segment_parse(const struct hs_elf_header *header,
				    const uint8_t *table, size_t table_len,
				    uint32_t i, struct hs_elf_segment *ret,
				    struct hs_error *err)
{
	size_t entry = header->phentsize;
	if (entry == 0 || i >= table_len / entry)
		return hs_fail(err, HS_ERR_FORMAT,
			       "program header %" PRIu32 " is missing", i);
	struct hs_cursor c = { .pos = table + (size_t)i * entry,
			       .end = table + ((size_t)i + 1) * entry,
			       .big_endian = header->big_endian };
	unsigned w = header->word_size;
	struct hs_elf_segment s = { 0 };
	s.type = hs_cursor_u32(&c);
	if (w == 8)
		s.flags = hs_cursor_u32(&c);
	s.offset = hs_cursor_uint(&c, w);
	s.vaddr = hs_cursor_uint(&c, w);
	(void)hs_cursor_uint(&c, w); /* paddr */
	s.filesz = hs_cursor_uint(&c, w);
	s.memsz = hs_cursor_uint(&c, w);
	if (w == 4)
		s.flags = hs_cursor_u32(&c);
	s.align = hs_cursor_uint(&c, w);
	if (c.overrun)
		return hs_fail(err, HS_ERR_FORMAT,
			       "program header %" PRIu32 " is cut short", i);
	*ret = s;
	return HS_OK;
}

bool hs_elf_arch(const struct hs_elf_header *header, enum hs_arch *ret)
{
	switch (header->machine) {
	case EM_X86_64:
		*ret = HS_ARCH_X86_64;
		return header->word_size == 8; /* x32 is not supported */
	case EM_386:
		*ret = HS_ARCH_I386;
		return header->word_size == 4;
	case EM_AARCH64:
		*ret = HS_ARCH_AARCH64;
		return header->word_size == 8;
	default:
		return false;
	}
}

static size_t padded(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

bool hs_elf_note_next(const uint8_t *bytes, size_t len, size_t *pos,
		      uint64_t align, bool big_endian, struct hs_elf_note *ret)
{
	size_t unit = align == 8 ? 8 : 4;
	if (*pos > len)
		return false;
	struct hs_cursor c = { .pos = bytes + *pos,
			       .end = bytes + len,
			       .big_endian = big_endian };
	uint32_t name_len = hs_cursor_u32(&c);
	uint32_t desc_len = hs_cursor_u32(&c);
	uint32_t type = hs_cursor_u32(&c);
	if (c.overrun)
		return false;

	/* Padding is counted from the start of the note. */
	size_t name_end = 12 + (size_t)name_len;
	size_t desc_at = padded(name_end, unit);
	size_t desc_end = desc_at + desc_len;
	if (desc_end > len - *pos)
		return false;
	struct hs_elf_note n = {
		.type = type,
		.name = (const char *)bytes + *pos + 12,
		.name_len = name_len,
		.desc = bytes + *pos + desc_at,
		.desc_len = desc_len,
	};
	while (n.name_len > 0 && n.name[n.name_len - 1] == '\0')
		n.name_len--;
	size_t next = *pos + padded(desc_end, unit);
	*pos = next < len ? next : len;
	*ret = n;
	return true;
}

static bool take_build_id(const uint8_t *notes, size_t len, uint64_t align,
			  bool big_endian, uint8_t id[HS_MAX_BUILD_ID],
			  size_t *id_len)
{
	size_t pos = 0;
	struct hs_elf_note n;
	while (hs_elf_note_next(notes, len, &pos, align, big_endian, &n)) {
		if (n.type != NT_GNU_BUILD_ID || n.name_len != 3 ||
		    memcmp(n.name, "GNU", 3) != 0 || n.desc_len == 0)
			continue;
		*id_len = n.desc_len < HS_MAX_BUILD_ID ? n.desc_len
						       : HS_MAX_BUILD_ID;
		memcpy(id, n.desc, *id_len);
		return true;
	}
	return false;
}

/* The loader puts the lowest PT_LOAD's page at the image's base. */
static void place_image(struct hs_elf_image *image, hs_addr base)
{
	const struct hs_elf_segment *lowest = NULL;
	for (size_t i = 0; i < image->count; i++) {
		const struct hs_elf_segment *s = &image->segment[i];
		if (s->type == PT_LOAD && (!lowest || s->vaddr < lowest->vaddr))
			lowest = s;
	}
	image->bias = base - (lowest ? lowest->vaddr - lowest->offset : 0);
	image->end = base;
	for (size_t i = 0; i < image->count; i++) {
		const struct hs_elf_segment *s = &image->segment[i];
		hs_addr start = image->bias + s->vaddr;
		if (s->type == PT_LOAD && s->memsz <= UINT64_MAX - start &&
		    start + s->memsz > image->end)
			image->end = start + s->memsz;
	}
}

enum hs_status hs_elf_image_read(const struct hs_target *target, hs_addr base,
				 struct hs_elf_image *ret, struct hs_error *err)
{
	uint8_t raw[EHDR_SIZE(8)];
	size_t have = EHDR_SIZE(4);
	enum hs_status st = hs_target_read(target, base, raw, have, err);
	if (st)
		return st;
	if (hs_target_read(target, base, raw, sizeof(raw), NULL) == HS_OK)
		have = sizeof(raw);
	struct hs_elf_image image = { 0 };
	st = hs_elf_header_parse(raw, have, &image.header, err);
	if (st)
		return st;
	const struct hs_elf_header *h = &image.header;
	if (h->phnum == 0 || h->phnum > MAX_IMAGE_PHDRS)
		return hs_fail_at(err, HS_ERR_FORMAT, base,
				  "image at 0x%" PRIx64 " has %" PRIu32
				  " program headers",
				  base, h->phnum);
	if (h->phoff > UINT64_MAX - base)
		return hs_fail_at(err, HS_ERR_FORMAT, base,
				  "program headers out of range");
	size_t table_len = (size_t)h->phnum * h->phentsize;
	HS_AUTO_FREE uint8_t *table = malloc(table_len);
	image.segment = calloc(h->phnum, sizeof(*image.segment));
	if (!table || !image.segment)
		st = hs_fail(err, HS_ERR_NOMEM, "no memory for %zu bytes",
			     table_len);
	if (!st)
		st = hs_target_read(target, base + h->phoff, table, table_len,
				    err);
	for (uint32_t i = 0; !st && i < h->phnum; i++) {
		st = hs_elf_segment_parse(h, table, table_len, i,
					  &image.segment[i], err);
		image.count = (size_t)i + 1;
	}
	if (st) {
		hs_elf_image_release(&image);
		return st;
	}
	place_image(&image, base);
	*ret = image;
	return HS_OK;
}

void hs_elf_image_release(struct hs_elf_image *image)
{
	free(image->segment);
	*image = (struct hs_elf_image){ 0 };
}

enum hs_status hs_elf_build_id(const struct hs_target *target, hs_addr base,
			       uint8_t id[HS_MAX_BUILD_ID], size_t *id_len,
			       struct hs_error *err)
{
	HS_CLEANUP(hs_elf_image_release) struct hs_elf_image image = { 0 };
	enum hs_status st = hs_elf_image_read(target, base, &image, err);
	if (st)
		return st;
	enum hs_status missing = HS_OK;
	for (size_t i = 0; i < image.count; i++) {
		const struct hs_elf_segment *s = &image.segment[i];
		if (s->type != PT_NOTE || s->filesz == 0 ||
		    s->filesz > MAX_IMAGE_NOTES)
			continue;
		HS_AUTO_FREE uint8_t *notes = malloc(s->filesz);
		if (!notes)
			return hs_fail(err, HS_ERR_NOMEM,
				       "no memory for %" PRIu64 " bytes",
				       s->filesz);
		st = hs_target_read(target, image.bias + s->vaddr, notes,
				    s->filesz, err);
		if (st) {
			missing = st;
			continue;
		}
		if (take_build_id(notes, s->filesz, s->align,
				  image.header.big_endian, id, id_len))
			return HS_OK;
	}
	if (missing)
		return missing;
	*id_len = 0;
	return HS_OK;
}

enum hs_status hs_elf_build_id_of_bytes(const uint8_t *bytes, size_t len,
					uint8_t id[HS_MAX_BUILD_ID],
					size_t *id_len, struct hs_error *err)
{
	struct hs_elf_header h;
	enum hs_status st = hs_elf_header_parse(bytes, len, &h, err);
	if (st)
		return st;
	if (h.phoff > len)
		return hs_fail(err, HS_ERR_FORMAT,
			       "program headers lie behind the end");
	size_t left = len - (size_t)h.phoff;
	for (uint32_t i = 0; i < h.phnum; i++) {
		struct hs_elf_segment s;
		st = hs_elf_segment_parse(&h, bytes + h.phoff, left, i, &s,
					  err);
		if (st)
			return st;
		if (s.type != PT_NOTE || s.offset > len ||
		    s.filesz > len - s.offset)
			continue;
		if (take_build_id(bytes + s.offset, s.filesz, s.align,
				  h.big_endian, id, id_len))
			return HS_OK;
	}
	*id_len = 0;
	return HS_OK;
}
