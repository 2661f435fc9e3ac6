/* SPDX-License-Identifier: MIT */
#ifndef CORE_ELF_IMAGE_H
#define CORE_ELF_IMAGE_H

#include <heapscan/target.h>

#include "core/backend.h"
#include "core/fail.h"

/*
 * The few facts of an ELF image that a backend needs: what it is, where its
 * segments are, which build. Parsed from bytes that we do not trust, in a file
 * or in the target's memory. Symbols and debug info are symbols/'s business.
 */
struct hs_elf_header {
	unsigned word_size; /* 4 or 8 */
	bool big_endian;
	uint16_t type, machine; /* ET_*, EM_* */
	uint64_t entry, phoff, shoff;
	uint32_t phnum; /* real number: PN_XNUM is the caller's to resolve */
	uint16_t phentsize;
};

struct hs_elf_segment {
	uint32_t type, flags; /* PT_*, PF_* */
	uint64_t offset, vaddr, filesz, memsz, align;
};

/* HS_ERR_FORMAT when BYTES do not begin with a plausible ELF header. */
HS_MUST_CHECK enum hs_status hs_elf_header_parse(const uint8_t *bytes,
						 size_t len,
						 struct hs_elf_header *ret,
						 struct hs_error *err);
/* Program header I, taken from TABLE, which holds TABLE_LEN bytes of them. */
HS_MUST_CHECK enum hs_status
hs_elf_segment_parse(const struct hs_elf_header *header, const uint8_t *table,
		     size_t table_len, uint32_t i, struct hs_elf_segment *ret,
		     struct hs_error *err);
/* hs_arch of an e_machine; false: not one we know. */
bool hs_elf_arch(const struct hs_elf_header *header, enum hs_arch *ret);

/* One note out of a PT_NOTE segment's bytes. */
struct hs_elf_note {
	uint32_t type;
	const char *name; /* NOT NUL-terminated; name_len without the NUL */
	size_t name_len;
	const uint8_t *desc; /* borrowed */
	size_t desc_len;
};
/*
 * Take the note at *POS out of BYTES and move *POS behind it; ALIGN is the
 * segment's p_align (8 means 8, else 4). False at the end or when the rest is
 * cut short.
 */
bool hs_elf_note_next(const uint8_t *bytes, size_t len, size_t *pos,
		      uint64_t align, bool big_endian, struct hs_elf_note *ret);

/*
 * An image as it stands in the target's memory. Addresses wrap as the loader's
 * own arithmetic does: address = segment's vaddr + bias.
 */
struct hs_elf_image {
	struct hs_elf_header header;
	struct hs_elf_segment *segment; /* owned; all, not only PT_LOAD */
	size_t count;
	uint64_t bias;
	hs_addr end; /* of the highest PT_LOAD's memory, or base; >= base */
};
/*
 * Read the headers of the image mapped at BASE. HS_ERR_FORMAT: no ELF image
 * there; HS_ERR_NOT_CAPTURED, HS_ERR_UNMAPPED: its headers are missing. Works
 * once the target's spans are sorted.
 */
HS_MUST_CHECK enum hs_status hs_elf_image_read(const struct hs_target *target,
					       hs_addr base,
					       struct hs_elf_image *ret,
					       struct hs_error *err);
void hs_elf_image_release(struct hs_elf_image *image);

/*
 * The build id of an image mapped at BASE, from its PT_NOTE segments in the
 * target's memory: copies at most HS_MAX_BUILD_ID bytes to ID. *ID_LEN is 0
 * when there is none. HS_ERR_FORMAT: no ELF image there; HS_ERR_NOT_CAPTURED:
 * its headers are missing. Works once the target's spans are sorted.
 */
HS_MUST_CHECK enum hs_status hs_elf_build_id(const struct hs_target *target,
					     hs_addr base,
					     uint8_t id[HS_MAX_BUILD_ID],
					     size_t *id_len,
					     struct hs_error *err);
/* The same of a file in memory (its first LEN bytes are enough when the notes
 * are among them). */
HS_MUST_CHECK enum hs_status
hs_elf_build_id_of_bytes(const uint8_t *bytes, size_t len,
			 uint8_t id[HS_MAX_BUILD_ID], size_t *id_len,
			 struct hs_error *err);

#endif
