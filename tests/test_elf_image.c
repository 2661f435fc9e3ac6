/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/elf_image.h"
#include "support/core_writer.h"
#include "support/fake_target.h"

#define BASE 0x7f0000000000u

static const uint8_t id[20] = "twenty bytes of it..";

static void a_header_of_either_size_is_read(void **state)
{
	(void)state;
	uint8_t image[TINY_LEN];
	for (unsigned word = 4; word <= 8; word += 4) {
		tiny_image(image, word, word == 8 ? EM_AARCH64 : EM_386, id,
			   sizeof(id));
		struct hs_elf_header h;
		assert_int_equal(hs_elf_header_parse(image, TINY_LEN, &h, NULL),
				 HS_OK);
		assert_int_equal(h.word_size, word);
		assert_int_equal(h.type, ET_DYN);
		assert_int_equal(h.phnum, 4);
		enum hs_arch arch;
		assert_true(hs_elf_arch(&h, &arch));
		assert_int_equal(arch,
				 word == 8 ? HS_ARCH_AARCH64 : HS_ARCH_I386);
	}
}

static void a_header_cut_anywhere_is_refused(void **state)
{
	(void)state;
	uint8_t image[TINY_LEN];
	for (unsigned word = 4; word <= 8; word += 4) {
		tiny_image(image, word, EM_386, NULL, 0);
		/* phnum is the last field that is read */
		size_t need = word == 8 ? 58 : 46;
		for (size_t cut = 0; cut < need; cut++) {
			uint8_t *exact = malloc(cut + 1);
			assert_non_null(exact);
			memcpy(exact, image, cut);
			struct hs_elf_header h;
			assert_int_equal(
				hs_elf_header_parse(exact, cut, &h, NULL),
				HS_ERR_FORMAT);
			free(exact);
		}
	}
}

static void program_headers_that_are_too_small_are_refused(void **state)
{
	(void)state;
	uint8_t image[TINY_LEN];
	tiny_image(image, 8, EM_X86_64, NULL, 0);
	image[54] = 55; /* e_phentsize */
	struct hs_elf_header h;
	assert_int_equal(hs_elf_header_parse(image, TINY_LEN, &h, NULL),
			 HS_ERR_FORMAT);
}

static void a_segment_behind_its_table_is_refused(void **state)
{
	(void)state;
	uint8_t image[TINY_LEN];
	tiny_image(image, 8, EM_X86_64, NULL, 0);
	struct hs_elf_header h;
	struct hs_elf_segment s;
	assert_int_equal(hs_elf_header_parse(image, TINY_LEN, &h, NULL), HS_OK);
	const uint8_t *table = image + h.phoff;
	assert_int_equal(hs_elf_segment_parse(&h, table, 112, 1, &s, NULL),
			 HS_OK);
	assert_int_equal(s.vaddr, TINY_PAGE);
	assert_int_equal(s.flags, PF_R | PF_X);
	assert_int_equal(hs_elf_segment_parse(&h, table, 111, 1, &s, NULL),
			 HS_ERR_FORMAT);
	assert_int_equal(
		hs_elf_segment_parse(&h, table, 112, UINT32_MAX, &s, NULL),
		HS_ERR_FORMAT);
}

static void x32_and_foreign_machines_are_not_ours(void **state)
{
	(void)state;
	enum hs_arch arch;
	struct hs_elf_header h = { .word_size = 4, .machine = EM_X86_64 };
	assert_false(hs_elf_arch(&h, &arch));
	h.machine = EM_RISCV;
	assert_false(hs_elf_arch(&h, &arch));
}

static void notes_are_padded_by_the_segments_alignment(void **state)
{
	(void)state;
	/* name "GNU", 5 bytes of description, then a note without any */
	uint8_t four[12 + 4 + 8 + 12] = { 4, 0, 0, 0,   5,   0,   0, 0, 7,
					  0, 0, 0, 'G', 'N', 'U', 0, 1 };
	four[24 + 8] = 9;
	size_t pos = 0;
	struct hs_elf_note n;
	assert_true(hs_elf_note_next(four, sizeof(four), &pos, 4, false, &n));
	assert_int_equal(n.type, 7);
	assert_int_equal(n.name_len, 3);
	assert_int_equal(n.desc_len, 5);
	assert_int_equal(n.desc[0], 1);
	assert_int_equal(pos, 24);
	assert_true(hs_elf_note_next(four, sizeof(four), &pos, 4, false, &n));
	assert_int_equal(n.type, 9);
	assert_false(hs_elf_note_next(four, sizeof(four), &pos, 4, false, &n));

	/* The same with 8: description at 16, next note at 24. */
	pos = 0;
	assert_true(hs_elf_note_next(four, sizeof(four), &pos, 8, false, &n));
	assert_int_equal(pos, 24);
}

static void a_note_longer_than_its_segment_ends_the_list(void **state)
{
	(void)state;
	static const uint32_t lengths[] = { 5, 0x7fffffff, 0xfffffff0,
					    0xffffffff };
	for (size_t i = 0; i < 4; i++) {
		for (size_t field = 0; field < 8; field += 4) {
			uint8_t raw[16] = { 0 };
			for (unsigned b = 0; b < 4; b++)
				raw[field + b] = (uint8_t)(lengths[i] >> 8 * b);
			size_t pos = 0;
			struct hs_elf_note n;
			assert_false(hs_elf_note_next(raw, sizeof(raw), &pos, 8,
						      false, &n));
			assert_int_equal(pos, 0);
		}
	}
}

static void a_build_id_is_found_in_file_and_memory(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		uint8_t image[TINY_LEN], got[HS_MAX_BUILD_ID];
		size_t len = 0;
		tiny_image(image, word, word == 8 ? EM_X86_64 : EM_386, id,
			   sizeof(id));
		assert_int_equal(hs_elf_build_id_of_bytes(image, TINY_LEN, got,
							  &len, NULL),
				 HS_OK);
		assert_int_equal(len, sizeof(id));
		assert_memory_equal(got, id, sizeof(id));

		struct fake_target t;
		fake_target_init(&t, HS_ARCH_X86_64);
		fake_target_map(&t, BASE, image, TINY_LEN, HS_PROT_READ);
		fake_target_finish(&t);
		len = 0;
		assert_int_equal(
			hs_elf_build_id(&t.base, BASE, got, &len, NULL), HS_OK);
		assert_int_equal(len, sizeof(id));
		assert_memory_equal(got, id, sizeof(id));
		struct hs_elf_image i;
		assert_int_equal(hs_elf_image_read(&t.base, BASE, &i, NULL),
				 HS_OK);
		assert_int_equal(i.bias, BASE);
		assert_int_equal(i.end, BASE + TINY_LEN + 0x100);
		assert_int_equal(i.count, 4);
		hs_elf_image_release(&i);
		fake_target_release(&t);
	}
}

static void an_image_without_build_id_has_none(void **state)
{
	(void)state;
	uint8_t image[TINY_LEN], got[HS_MAX_BUILD_ID];
	size_t len = 99;
	tiny_image(image, 8, EM_X86_64, NULL, 0);
	assert_int_equal(
		hs_elf_build_id_of_bytes(image, TINY_LEN, got, &len, NULL),
		HS_OK);
	assert_int_equal(len, 0);
}

static void a_long_build_id_is_cut_to_its_room(void **state)
{
	(void)state;
	uint8_t image[TINY_LEN], got[HS_MAX_BUILD_ID + 1], longer[100];
	memset(longer, 7, sizeof(longer));
	got[HS_MAX_BUILD_ID] = 0x55;
	size_t len = 0;
	tiny_image(image, 8, EM_X86_64, longer, sizeof(longer));
	assert_int_equal(
		hs_elf_build_id_of_bytes(image, TINY_LEN, got, &len, NULL),
		HS_OK);
	assert_int_equal(len, HS_MAX_BUILD_ID);
	assert_int_equal(got[HS_MAX_BUILD_ID], 0x55);
}

static void missing_headers_and_no_image_are_told_apart(void **state)
{
	(void)state;
	uint8_t text[128] = "this is no image", image[TINY_LEN];
	tiny_image(image, 8, EM_X86_64, id, sizeof(id));
	uint8_t got[HS_MAX_BUILD_ID];
	size_t len = 7;
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, BASE, text, sizeof(text), HS_PROT_READ);
	fake_target_hole(&t, BASE + 0x1000, 0x1000);
	/* The header is there, the program headers are not. */
	fake_target_map(&t, BASE + 0x4000, image, 64, HS_PROT_READ);
	fake_target_hole(&t, BASE + 0x4000 + 64, 0x1000 - 64);
	fake_target_finish(&t);
	assert_int_equal(hs_elf_build_id(&t.base, BASE, got, &len, NULL),
			 HS_ERR_FORMAT);
	assert_int_equal(
		hs_elf_build_id(&t.base, BASE + 0x1000, got, &len, NULL),
		HS_ERR_NOT_CAPTURED);
	assert_int_equal(
		hs_elf_build_id(&t.base, BASE + 0x3000, got, &len, NULL),
		HS_ERR_UNMAPPED);
	assert_int_equal(
		hs_elf_build_id(&t.base, BASE + 0x4000, got, &len, NULL),
		HS_ERR_NOT_CAPTURED);
	assert_int_equal(len, 7); /* written only on success */
	fake_target_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_of_either_size_is_read),
		cmocka_unit_test(a_header_cut_anywhere_is_refused),
		cmocka_unit_test(
			program_headers_that_are_too_small_are_refused),
		cmocka_unit_test(a_segment_behind_its_table_is_refused),
		cmocka_unit_test(x32_and_foreign_machines_are_not_ours),
		cmocka_unit_test(notes_are_padded_by_the_segments_alignment),
		cmocka_unit_test(a_note_longer_than_its_segment_ends_the_list),
		cmocka_unit_test(a_build_id_is_found_in_file_and_memory),
		cmocka_unit_test(an_image_without_build_id_has_none),
		cmocka_unit_test(a_long_build_id_is_cut_to_its_room),
		cmocka_unit_test(missing_headers_and_no_image_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
