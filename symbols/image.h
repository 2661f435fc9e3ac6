/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_IMAGE_H
#define SYMBOLS_IMAGE_H

#include "core/backend.h"
#include "core/elf_image.h"

/*
 * What an ELF image's program headers say, from a file or from memory. All
 * addresses are as linked: add the bias.
 */
struct hs_image {
	unsigned word_size; /* 4 or 8 */
	bool big_endian;
	bool fixed;           /* ET_EXEC: runs where it was linked, bias 0 */
	uint64_t header;      /* of the ELF header itself */
	uint64_t end;         /* one past the last byte of any PT_LOAD */
	uint64_t dynamic;     /* PT_DYNAMIC, valid if dynamic_len > 0 */
	uint64_t dynamic_len; /* bytes; 0: a static program */
	struct {
		uint64_t vaddr, filesz, memsz, align;
	} tls;               /* memsz 0: none */
	uint64_t unwind;     /* .eh_frame_hdr, valid if unwind_len > 0 */
	uint64_t unwind_len; /* bytes; 0: it has none */
};

/* HEADER was parsed already; TABLE holds the program headers' bytes.
 * HS_ERR_FORMAT when no PT_LOAD is among them. */
HS_MUST_CHECK enum hs_status
hs_image_parse(const struct hs_elf_header *header, const uint8_t *table,
	       size_t table_len, struct hs_image *ret, struct hs_error *err);
/* The image mapped at BASE. HS_ERR_NOT_CAPTURED and the like: its headers are
 * not among the bytes we have. */
HS_MUST_CHECK enum hs_status hs_image_in_memory(const struct hs_target *target,
						hs_addr base,
						struct hs_image *ret,
						struct hs_error *err);

/* How far an image that is mapped at BASE was moved. Wraps like the loader's
 * own arithmetic: use hs_image_addr(). */
uint64_t hs_image_bias(const struct hs_image *image, hs_addr base);
/* VALUE + BIAS, modulo the target's word. */
hs_addr hs_image_addr(const struct hs_image *image, uint64_t value,
		      uint64_t bias);

#endif
