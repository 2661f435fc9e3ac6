/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/elf_image.h"
#include "support/fake_target.h"

/*
 * Any bytes as an ELF image, in a file and mapped somewhere in a target: both
 * ways either find the same build id or write nothing.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BASE UINT64_C(0x7f0000000000)
#define UNTOUCHED 9999u

#define MUST(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			abort();                                               \
	} while (0)

static void check_mapped(const struct hs_target *t)
{
	struct hs_elf_image image = { 0 };
	if (hs_elf_image_read(t, BASE, &image, NULL) == HS_OK) {
		MUST(image.count == image.header.phnum && image.count > 0);
		MUST(image.end >= BASE);
		hs_elf_image_release(&image);
	}
	MUST(!image.segment);
	uint8_t id[HS_MAX_BUILD_ID];
	size_t id_len = UNTOUCHED;
	struct hs_error err = { 0 };
	enum hs_status st = hs_elf_build_id(t, BASE, id, &id_len, &err);
	MUST(st ? id_len == UNTOUCHED && err.code == st && err.text[0]
		: id_len <= HS_MAX_BUILD_ID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	uint8_t id[HS_MAX_BUILD_ID];
	size_t id_len = UNTOUCHED;
	struct hs_error err = { 0 };
	enum hs_status st =
		hs_elf_build_id_of_bytes(data, len, id, &id_len, &err);
	MUST(st ? id_len == UNTOUCHED && err.text[0]
		: id_len <= HS_MAX_BUILD_ID);

	uint8_t *copy = malloc(len);
	if (!copy)
		return 0;
	memcpy(copy, data, len);
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, BASE, copy, len, HS_PROT_READ);
	fake_target_finish(&t);
	check_mapped(&t.base);
	fake_target_release(&t);
	free(copy);
	return 0;
}
