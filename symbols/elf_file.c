/* SPDX-License-Identifier: MIT */
#include "symbols/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/limits.h"

#define ELF_HEADER_MAX 64u
#define CRC_BLOCK (64u << 10)

struct hs_elf_file {
	int fd;
	Elf *elf;
	struct hs_elf_header header;
	size_t names;  /* index of the section with the sections' names */
	uint64_t size; /* bytes, when it was opened */
	enum { NOT_ASKED, NO_DWARF, SANE_DWARF } dwarf;
};

/*
 * ELF_C_READ, not the mapped variant: a mapping of a file that somebody cuts
 * short ends in SIGBUS. What is not asked for is not read.
 */
static enum hs_status open_elf(struct hs_elf_file *file, const char *path,
			       struct hs_error *err)
{
	uint8_t raw[ELF_HEADER_MAX];
	ssize_t n = pread(file->fd, raw, sizeof(raw), 0);
	if (n < 0)
		return hs_fail_errno(err, errno, "cannot read \"%s\"", path);
	enum hs_status st =
		hs_elf_header_parse(raw, (size_t)n, &file->header, err);
	if (st)
		return st;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "libelf does not know this ELF version");
	file->elf = elf_begin(file->fd, ELF_C_READ, NULL);
	if (!file->elf)
		return hs_fail(err, HS_ERR_FORMAT, "cannot read \"%s\": %s",
			       path, elf_errmsg(-1));
	if (elf_kind(file->elf) != ELF_K_ELF)
		return hs_fail(err, HS_ERR_FORMAT, "\"%s\" is no ELF file",
			       path);
	if (elf_getshdrstrndx(file->elf, &file->names) != 0)
		file->names = 0; /* no section names: sections have none */
	return HS_OK;
}

enum hs_status hs_elf_file_open(const char *path, struct hs_elf_file **ret,
				struct hs_error *err)
{
	/* O_NONBLOCK: the path may be a fifo that nobody writes to. */
	HS_AUTO_CLOSE int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		int why = errno;
		if (why == ENOENT || why == ENOTDIR)
			return hs_fail(err, HS_ERR_NO_TARGET, "no file \"%s\"",
				       path);
		return hs_fail_errno(err, why, "cannot open \"%s\"", path);
	}
	struct stat info;
	if (fstat(fd, &info) != 0)
		return hs_fail_errno(err, errno, "cannot stat \"%s\"", path);
	if (!S_ISREG(info.st_mode))
		return hs_fail(err, HS_ERR_FORMAT, "\"%s\" is no regular file",
			       path);
	struct hs_elf_file *file = calloc(1, sizeof(*file));
	if (!file)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	file->fd = fd;
	file->size = (uint64_t)info.st_size;
	fd = -1;
	enum hs_status st = open_elf(file, path, err);
	if (st) {
		hs_elf_file_close(file);
		return st;
	}
	*ret = file;
	return HS_OK;
}

void hs_elf_file_close(struct hs_elf_file *file)
{
	if (!file)
		return;
	if (file->elf)
		(void)elf_end(file->elf);
	if (file->fd >= 0)
		(void)close(file->fd);
	free(file);
}

int hs_elf_file_descriptor(const struct hs_elf_file *file)
{
	return file->fd;
}

/* Bytes of SECTION as they stand in the file, or NULL. */
static const uint8_t *section_bytes(Elf_Scn *section, const GElf_Shdr *header,
				    size_t *len)
{
	/* Compressed symbol tables exist in no distribution; to read one as
	 * it stands would be nonsense. */
	if (header->sh_type == SHT_NOBITS || header->sh_flags & SHF_COMPRESSED)
		return NULL;
	Elf_Data *data = elf_rawdata(section, NULL);
	if (!data || !data->d_buf || data->d_size == 0)
		return NULL;
	*len = data->d_size;
	return data->d_buf;
}

/* The first section of TYPE, or (TYPE 0) the one called NAME. */
static Elf_Scn *find_section(struct hs_elf_file *file, uint32_t type,
			     const char *name, GElf_Shdr *ret)
{
	Elf_Scn *section = NULL;
	while ((section = elf_nextscn(file->elf, section))) {
		if (!gelf_getshdr(section, ret))
			continue;
		if (type != 0) {
			if (ret->sh_type == type)
				return section;
			continue;
		}
		const char *have =
			elf_strptr(file->elf, file->names, ret->sh_name);
		if (have && strcmp(have, name) == 0)
			return section;
	}
	return NULL;
}

bool hs_elf_file_build_id(struct hs_elf_file *file, uint8_t id[HS_MAX_BUILD_ID],
			  size_t *ret_len)
{
	/* Sections, not segments: in debug files a segment's file offset
	 * may point anywhere. */
	Elf_Scn *section = NULL;
	while ((section = elf_nextscn(file->elf, section))) {
		GElf_Shdr header;
		size_t len, pos = 0;
		if (!gelf_getshdr(section, &header) ||
		    header.sh_type != SHT_NOTE)
			continue;
		const uint8_t *bytes = section_bytes(section, &header, &len);
		struct hs_elf_note n;
		while (bytes &&
		       hs_elf_note_next(bytes, len, &pos, header.sh_addralign,
					file->header.big_endian, &n)) {
			if (n.type != NT_GNU_BUILD_ID || n.name_len != 3 ||
			    memcmp(n.name, "GNU", 3) != 0 || n.desc_len == 0 ||
			    n.desc_len > HS_MAX_BUILD_ID)
				continue;
			memcpy(id, n.desc, n.desc_len);
			*ret_len = n.desc_len;
			return true;
		}
	}
	return false;
}

bool hs_elf_file_has_build_id(struct hs_elf_file *file, const uint8_t *id,
			      size_t len)
{
	uint8_t own[HS_MAX_BUILD_ID];
	size_t own_len;
	return hs_elf_file_build_id(file, own, &own_len) && own_len == len &&
	       memcmp(own, id, len) == 0;
}

enum hs_status hs_elf_file_image(struct hs_elf_file *file, struct hs_image *ret,
				 struct hs_error *err)
{
	const struct hs_elf_header *h = &file->header;
	size_t table_len = (size_t)h->phnum * h->phentsize;
	if (h->phnum == 0 || h->phnum > HS_LIMIT_PROGRAM_HEADERS ||
	    h->phoff > file->size || table_len > file->size - h->phoff)
		return hs_fail(err, HS_ERR_FORMAT,
			       "ELF file of %" PRIu64 " bytes with %" PRIu32
			       " program headers at %" PRIu64,
			       file->size, h->phnum, h->phoff);
	HS_AUTO_FREE uint8_t *table = malloc(table_len);
	if (!table)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu bytes",
			       table_len);
	ssize_t n = pread(file->fd, table, table_len, (off_t)h->phoff);
	if (n < 0)
		return hs_fail_errno(err, errno, "cannot read program headers");
	return hs_image_parse(h, table, (size_t)n, ret, err);
}

bool hs_elf_file_symbols(struct hs_elf_file *file, bool dynamic,
			 struct hs_symbol_bytes *ret)
{
	GElf_Shdr header, other;
	Elf_Scn *section = find_section(file, dynamic ? SHT_DYNSYM : SHT_SYMTAB,
					NULL, &header);
	struct hs_symbol_bytes b = {
		.word_size = file->header.word_size,
		.big_endian = file->header.big_endian,
	};
	if (!section)
		return false;
	b.symbols = section_bytes(section, &header, &b.symbols_len);
	Elf_Scn *strings = elf_getscn(file->elf, header.sh_link);
	if (!b.symbols || !strings || !gelf_getshdr(strings, &other))
		return false;
	b.strings =
		(const char *)section_bytes(strings, &other, &b.strings_len);
	if (!b.strings)
		return false;
	if (dynamic) {
		section = find_section(file, SHT_GNU_versym, NULL, &other);
		if (section)
			b.versions =
				section_bytes(section, &other, &b.versions_len);
	}
	*ret = b;
	return true;
}

/* What deflate can make of a byte: a section that claims to hold more was
 * forged to make libdwarf allocate it. zstd may do better on zeroes, which no
 * debug info is. */
#define MAX_EXPANSION 1032u

static bool is_sane_section(struct hs_elf_file *file, Elf_Scn *section,
			    const GElf_Shdr *header)
{
	GElf_Chdr packed;
	if (header->sh_type == SHT_NOBITS)
		return true;
	if (header->sh_offset > file->size ||
	    header->sh_size > file->size - header->sh_offset)
		return false;
	if (!(header->sh_flags & SHF_COMPRESSED))
		return true;
	return gelf_getchdr(section, &packed) &&
	       packed.ch_size / MAX_EXPANSION <= header->sh_size;
}

/* The bytes of SECTION, a sane one, as they were before they were packed. */
static const uint8_t *unpacked_bytes(Elf_Scn *section, GElf_Shdr *header,
				     size_t *len)
{
	if (header->sh_flags & SHF_COMPRESSED &&
	    (elf_compress(section, 0, 0) < 0 || !gelf_getshdr(section, header)))
		return NULL;
	return section_bytes(section, header, len);
}

bool hs_elf_file_section(struct hs_elf_file *file, const char *name,
			 struct hs_cursor *ret)
{
	GElf_Shdr header;
	size_t len;
	Elf_Scn *section = find_section(file, 0, name, &header);
	/* One that was unpacked before is larger than the file allows. */
	if (!section || (header.sh_flags & SHF_COMPRESSED &&
			 !is_sane_section(file, section, &header)))
		return false;
	const uint8_t *bytes = unpacked_bytes(section, &header, &len);
	if (!bytes)
		return false;
	*ret = (struct hs_cursor){ .pos = bytes,
				   .end = bytes + len,
				   .big_endian = file->header.big_endian };
	return true;
}

/*
 * Do the tables of .debug_rnglists and .debug_loclists have headers as DWARF 5
 * has them? libdwarf 20210528, which reads the headers with the first DIE,
 * frees what it did not allocate when one has not.
 */
static bool are_sane_lists(struct hs_cursor c)
{
	while (hs_cursor_left(&c) > 0) {
		size_t width = 4;
		uint64_t length = hs_cursor_u32(&c);
		if (length == UINT32_MAX) {
			width = 8;
			length = hs_cursor_u64(&c);
		}
		/* Version, sizes of address and segment, count of offsets. */
		struct hs_cursor table = { .pos = hs_cursor_bytes(&c, length),
					   .big_endian = c.big_endian };
		if (c.overrun)
			return false;
		table.end = c.pos;
		unsigned version = hs_cursor_u16(&table);
		uint64_t address = hs_cursor_uint(&table, 1);
		uint64_t segment = hs_cursor_uint(&table, 1);
		uint64_t offsets = hs_cursor_u32(&table);
		if (table.overrun || version != 5 ||
		    (address != 4 && address != 8) || segment != 0 ||
		    offsets > hs_cursor_left(&table) / width)
			return false;
	}
	return true;
}

static bool is_list_section(const char *name)
{
	return strncmp(name, "rnglists", 8) == 0 ||
	       strncmp(name, "loclists", 8) == 0;
}

/* Is there debug info, and all of it as libdwarf needs it to cope? */
static bool has_sane_dwarf(struct hs_elf_file *file)
{
	Elf_Scn *section = NULL;
	bool found = false;
	while ((section = elf_nextscn(file->elf, section))) {
		GElf_Shdr header;
		if (!gelf_getshdr(section, &header))
			return false;
		/* libdwarf allocates what a section claims to hold, those of
		 * names and symbols as well. */
		if (header.sh_type == SHT_NULL)
			continue;
		if (!is_sane_section(file, section, &header))
			return false;
		const char *name =
			elf_strptr(file->elf, file->names, header.sh_name);
		/* Packed as GNU did it before ELF had a way: that length would
		 * have to be checked, too. */
		if (name && strncmp(name, ".zdebug_", 8) == 0)
			return false;
		if (!name || strncmp(name, ".debug_", 7) != 0)
			continue;
		if (is_list_section(name + 7) && header.sh_size > 0 &&
		    header.sh_type != SHT_NOBITS) {
			struct hs_cursor lists = {
				.big_endian = file->header.big_endian
			};
			size_t len;
			lists.pos = unpacked_bytes(section, &header, &len);
			if (!lists.pos)
				return false;
			lists.end = lists.pos + len;
			if (!are_sane_lists(lists))
				return false;
		}
		if (strcmp(name, ".debug_info") == 0 ||
		    strcmp(name, ".debug_info.dwo") == 0)
			found |= header.sh_type != SHT_NOBITS &&
				 header.sh_size > 0;
	}
	return found;
}

bool hs_elf_file_has_dwarf(struct hs_elf_file *file)
{
	if (file->dwarf == NOT_ASKED)
		file->dwarf = has_sane_dwarf(file) ? SANE_DWARF : NO_DWARF;
	return file->dwarf == SANE_DWARF;
}

bool hs_elf_file_loaded_section(struct hs_elf_file *file, const char *name,
				uint64_t *addr, uint64_t *len)
{
	GElf_Shdr header;
	if (!find_section(file, 0, name, &header) ||
	    !(header.sh_flags & SHF_ALLOC))
		return false;
	*addr = header.sh_addr;
	*len = header.sh_size;
	return true;
}

bool hs_elf_file_debuglink(struct hs_elf_file *file, const char **name,
			   uint32_t *crc)
{
	GElf_Shdr header;
	size_t len;
	Elf_Scn *section = find_section(file, 0, ".gnu_debuglink", &header);
	const uint8_t *bytes =
		section ? section_bytes(section, &header, &len) : NULL;
	if (!bytes)
		return false;
	/* The name, its NUL, padding to 4, the CRC. */
	const uint8_t *nul = memchr(bytes, 0, len);
	if (!nul)
		return false;
	size_t at = ((size_t)(nul - bytes) + 4) & ~(size_t)3;
	if (at > len)
		return false;
	struct hs_cursor c = { .pos = bytes + at,
			       .end = bytes + len,
			       .big_endian = file->header.big_endian };
	uint32_t value = hs_cursor_u32(&c);
	if (c.overrun)
		return false;
	*name = (const char *)bytes;
	*crc = value;
	return true;
}

bool hs_elf_file_debugaltlink(struct hs_elf_file *file, const char **name,
			      const uint8_t **id, size_t *id_len)
{
	GElf_Shdr header;
	size_t len;
	Elf_Scn *section = find_section(file, 0, ".gnu_debugaltlink", &header);
	const uint8_t *bytes =
		section ? section_bytes(section, &header, &len) : NULL;
	const uint8_t *nul = bytes ? memchr(bytes, 0, len) : NULL;
	if (!nul || nul + 1 == bytes + len ||
	    (size_t)(bytes + len - nul - 1) > HS_MAX_BUILD_ID)
		return false;
	*name = (const char *)bytes;
	*id = nul + 1;
	*id_len = (size_t)(bytes + len - nul - 1);
	return true;
}

/* The CRC-32 of Ethernet and zip, least significant bit first. */
static void make_crc_table(uint32_t table[256])
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
		table[i] = c;
	}
}

enum hs_status hs_elf_file_crc(const struct hs_elf_file *file, uint32_t *ret,
			       struct hs_error *err)
{
	uint32_t table[256];
	make_crc_table(table);
	HS_AUTO_FREE uint8_t *block = malloc(CRC_BLOCK);
	if (!block)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	uint32_t crc = UINT32_MAX;
	off_t at = 0;
	for (;;) {
		ssize_t n = pread(file->fd, block, CRC_BLOCK, at);
		if (n < 0)
			return hs_fail_errno(err, errno,
					     "cannot read for the checksum");
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			crc = table[(crc ^ block[i]) & 0xff] ^ (crc >> 8);
		at += n;
	}
	*ret = ~crc;
	return HS_OK;
}
