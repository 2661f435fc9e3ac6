/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/elf_image.h"
#include "heap/layout.h"
#include "support/fake_target.h"

#define OLDEST 17u
#define NEWEST 44u

static const struct hs_layout_row *row_for(enum hs_struct of, unsigned word,
					   unsigned version)
{
	const struct hs_layout_row *row, *found = NULL;
	for (size_t i = 0; (row = hs_layout_builtin(of, word, i)); i++)
		if (version >= row->first && version <= row->last) {
			assert_null(found); /* rows must not overlap */
			found = row;
		}
	return found;
}

static void whole(struct hs_layout *l, unsigned word, unsigned version)
{
	hs_layout_init(l, word);
	for (unsigned of = 0; of < HS_STRUCT_COUNT; of++) {
		const struct hs_layout_row *row =
			row_for((enum hs_struct)of, word, version);
		if (row)
			hs_layout_use_row(l, row, HS_ORIGIN_BUILTIN);
	}
	hs_layout_settle(l);
}

static void every_release_has_one_row_of_each_struct(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4)
		for (unsigned v = OLDEST; v <= NEWEST; v++) {
			assert_non_null(row_for(HS_STRUCT_ARENA, word, v));
			assert_non_null(row_for(HS_STRUCT_PAR, word, v));
			assert_non_null(row_for(HS_STRUCT_HEAP, word, v));
			/* The tcache came with 2.26. */
			assert_int_equal(row_for(HS_STRUCT_TCACHE, word, v) !=
						 NULL,
					 v >= 26);
		}
}

/* Sizes as the releases' own sources give them when they are compiled. */
static void struct_sizes_are_those_of_the_releases(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct {
		enum hs_struct of;
		unsigned first, last, size8, size4;
	} known[] = {
		{ HS_STRUCT_ARENA, 17, 22, 2184, 1104 },
		{ HS_STRUCT_ARENA, 23, 25, 2192, 1108 },
		{ HS_STRUCT_ARENA, 26, 26, 2192, 1112 },
		{ HS_STRUCT_ARENA, 27, 42, 2200, 1116 },
		{ HS_STRUCT_ARENA, 43, 44, 2112, 1068 },
		{ HS_STRUCT_PAR, 17, 23, 88, 52 },
		{ HS_STRUCT_PAR, 24, 25, 80, 48 },
		{ HS_STRUCT_PAR, 26, 34, 112, 64 },
		{ HS_STRUCT_PAR, 35, 42, 136, 76 },
		{ HS_STRUCT_PAR, 43, 43, 144, 80 },
		{ HS_STRUCT_PAR, 44, 44, 136, 76 },
		{ HS_STRUCT_HEAP, 17, 25, 32, 16 },
		{ HS_STRUCT_HEAP, 26, 34, 32, 24 },
		{ HS_STRUCT_HEAP, 35, 44, 48, 24 },
		{ HS_STRUCT_TCACHE, 26, 29, 576, 320 },
		{ HS_STRUCT_TCACHE, 30, 41, 640, 384 },
		{ HS_STRUCT_TCACHE, 42, 44, 760, 456 },
	};
	/* clang-format on */
	unsigned covered = 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		for (unsigned v = known[i].first; v <= known[i].last; v++) {
			assert_int_equal(
				row_for(known[i].of, 8, v)->struct_size,
				known[i].size8);
			assert_int_equal(
				row_for(known[i].of, 4, v)->struct_size,
				known[i].size4);
			covered++;
		}
	/* Four structs in 28 releases, but nine releases without a tcache. */
	assert_int_equal(covered, 4 * (NEWEST - OLDEST + 1) - 9);
}

static void offsets_are_those_of_the_releases(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct {
		unsigned version, word;
		enum hs_field field;
		unsigned offset;
	} known[] = {
		{ 17, 8, HS_FIELD_ARENA_TOP, 88 },
		{ 26, 8, HS_FIELD_ARENA_BINS, 104 },
		{ 27, 8, HS_FIELD_ARENA_FASTBINS, 16 },
		{ 36, 8, HS_FIELD_ARENA_BINS, 112 },
		{ 36, 8, HS_FIELD_ARENA_NEXT, 2160 },
		{ 36, 8, HS_FIELD_ARENA_ATTACHED, 2176 },
		{ 43, 8, HS_FIELD_ARENA_BINS, 24 },
		{ 43, 8, HS_FIELD_ARENA_MAX_SYSTEM_MEM, 2104 },
		{ 17, 4, HS_FIELD_ARENA_SYSTEM_MEM, 1096 },
		{ 23, 4, HS_FIELD_ARENA_ATTACHED, 1096 },
		{ 26, 4, HS_FIELD_ARENA_BINS, 60 },
		{ 27, 4, HS_FIELD_ARENA_BINS, 64 },
		{ 44, 4, HS_FIELD_ARENA_NEXT, 1048 },
		{ 17, 8, HS_FIELD_PAR_SBRK_BASE, 80 },
		{ 24, 8, HS_FIELD_PAR_SBRK_BASE, 72 },
		{ 31, 8, HS_FIELD_PAR_TCACHE_COUNT, 96 },
		{ 36, 8, HS_FIELD_PAR_N_MMAPS, 60 },
		{ 36, 8, HS_FIELD_PAR_MMAPPED_MEM, 80 },
		{ 44, 8, HS_FIELD_PAR_N_MMAPS, 68 },
		{ 44, 8, HS_FIELD_PAR_TCACHE_COUNT, 128 },
		{ 36, 4, HS_FIELD_PAR_SBRK_BASE, 56 },
		{ 43, 4, HS_FIELD_PAR_N_MMAPS, 36 },
		{ 29, 8, HS_FIELD_TCACHE_ENTRIES, 64 },
		{ 30, 8, HS_FIELD_TCACHE_ENTRIES, 128 },
		{ 42, 8, HS_FIELD_TCACHE_ENTRIES, 152 },
		{ 42, 4, HS_FIELD_TCACHE_ENTRIES, 152 },
		{ 35, 8, HS_FIELD_HEAP_PAGESIZE, 32 },
		{ 35, 4, HS_FIELD_HEAP_PAGESIZE, 16 },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct hs_layout l;
		whole(&l, known[i].word, known[i].version);
		assert_true(hs_layout_has(&l, known[i].field));
		assert_int_equal(l.field[known[i].field].offset,
				 known[i].offset);
	}
}

static void a_member_that_a_release_lacks_is_absent(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4)
		for (unsigned v = OLDEST; v <= NEWEST; v++) {
			struct hs_layout l;
			whole(&l, word, v);
			assert_int_equal(
				hs_layout_has(&l, HS_FIELD_ARENA_FASTBINS),
				v <= 42);
			assert_int_equal(
				hs_layout_has(&l, HS_FIELD_ARENA_ATTACHED),
				v >= 23);
			assert_int_equal(
				hs_layout_has(&l, HS_FIELD_TCACHE_COUNTS),
				v >= 26 && v <= 41);
			assert_int_equal(
				hs_layout_has(&l, HS_FIELD_TCACHE_NUM_SLOTS),
				v >= 42);
			assert_int_equal(
				hs_layout_has(&l, HS_FIELD_PAR_HP_PAGESIZE),
				v >= 35);
			assert_int_equal(
				hs_layout_has(&l, HS_FIELD_HEAP_PAGESIZE),
				v >= 35);
			assert_int_equal(hs_layout_new_mmapped(&l), v >= 43);
		}
}

/* 2.26 gave i386 the alignment that 64-bit machines always had. */
static void alignment_follows_from_the_structs(void **state)
{
	(void)state;
	for (unsigned v = OLDEST; v <= NEWEST; v++) {
		struct hs_layout l;
		whole(&l, 8, v);
		assert_int_equal(l.align, 16);
		assert_int_equal(l.min_size, 32);
		assert_int_equal(l.header, 16);
		whole(&l, 4, v);
		assert_int_equal(l.align, v >= 26 ? 16 : 8);
		assert_int_equal(l.min_size, 16);
		assert_int_equal(l.header, 8);
	}
}

static void members_lie_within_their_struct_and_apart(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4)
		for (unsigned of = 0; of < HS_STRUCT_COUNT; of++) {
			const struct hs_layout_row *r;
			for (size_t i = 0;
			     (r = hs_layout_builtin((enum hs_struct)of, word,
						    i));
			     i++) {
				unsigned end = 0;
				uint8_t seen[4096] = { 0 };
				for (size_t f = 0; f < r->field_count; f++) {
					const struct hs_field_pos *p =
						&r->fields[f].pos;
					for (unsigned b = 0; b < p->size; b++)
						assert_int_equal(
							seen[p->offset + b]++,
							0);
					if (p->offset + p->size > end)
						end = p->offset + p->size;
				}
				assert_in_range(end, 1, r->struct_size);
			}
		}
}

struct libc_file {
	uint8_t *bytes;
	size_t len;
};

static bool read_file(const char *path, struct libc_file *ret)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return false;
	*ret = (struct libc_file){ .bytes = malloc(1u << 24) };
	assert_non_null(ret->bytes);
	ret->len = fread(ret->bytes, 1, 1u << 24, file);
	(void)fclose(file);
	return true;
}

/* NN of "stable release version 2.NN"; 0: it does not say. */
static unsigned version_of(const struct libc_file *file)
{
	static const char text[] = "release version 2.";
	const uint8_t *at =
		memmem(file->bytes, file->len, text, sizeof(text) - 1);
	return at ? (unsigned)strtoul((const char *)at + sizeof(text) - 1, NULL,
				      10)
		  : 0;
}

static void same_as_dwarf(const struct hs_layout *dwarf, unsigned version,
			  const char *path)
{
	static const char *const names[] = {
#define X(id, owner, member) [HS_FIELD_##id] = #id,
		HS_FIELDS(X)
#undef X
	};
	struct hs_layout table;
	whole(&table, dwarf->word_size, version);
	for (unsigned f = 0; f < HS_FIELD_COUNT; f++) {
		const struct hs_field_pos *a = &dwarf->field[f],
					  *b = &table.field[f];
		if (a->offset != b->offset || a->size != b->size ||
		    a->count != b->count)
			fail_msg("%s of %s: debug info says %u, %u bytes, %u; "
				 "the table %u, %u bytes, %u",
				 names[f], path, a->offset, a->size, a->count,
				 b->offset, b->size, b->count);
	}
	for (unsigned s = 0; s < HS_STRUCT_COUNT; s++)
		assert_int_equal(dwarf->struct_size[s], table.struct_size[s]);
	assert_int_equal(dwarf->align, table.align);
	assert_int_equal(dwarf->min_size, table.min_size);
}

static bool compare_with(char *path, enum hs_arch arch)
{
	struct libc_file file;
	if (!read_file(path, &file))
		return false;
	HS_AUTO_FREE uint8_t *bytes = file.bytes;
	unsigned version = version_of(&file);
	struct hs_module module = {
		.base = 0x7ffff7c00000,
		.end = 0x7ffff7c00000 + file.len,
		.path = path,
		.file = path,
		.file_state = HS_MODULE_FILE_MATCHED,
	};
	assert_int_equal(hs_elf_build_id_of_bytes(bytes, file.len,
						  module.build_id,
						  &module.build_id_len, NULL),
			 HS_OK);
	struct fake_target t;
	fake_target_init(&t, arch);
	fake_target_map(&t, module.base, bytes, file.len, HS_PROT_READ);
	assert_int_equal(hs_module_list_add(&t.base.modules, &module, NULL),
			 HS_OK);
	fake_target_finish(&t);

	struct hs_symbols *syms = NULL;
	struct hs_symbols_options opt = { .struct_size = sizeof(opt) };
	assert_int_equal(hs_symbols_new(&t.base, &opt, &syms, NULL), HS_OK);
	bool has = version >= OLDEST && version <= NEWEST &&
		   hs_symbols_has_dwarf(syms, 0);
	if (has) {
		struct hs_layout dwarf;
		hs_layout_init(&dwarf, t.base.word_size);
		assert_int_equal(hs_layout_from_dwarf(&dwarf, syms, 0, NULL),
				 HS_OK);
		print_message("%s: glibc 2.%u\n", path, version);
		same_as_dwarf(&dwarf, version, path);
	}
	hs_symbols_free(syms);
	fake_target_release(&t);
	return has;
}

static void the_table_agrees_with_any_debug_info_installed_here(void **state)
{
	(void)state;
	static const struct {
		char path[48];
		enum hs_arch arch;
	} libcs[] = {
		{ "/lib/x86_64-linux-gnu/libc.so.6", HS_ARCH_X86_64 },
		{ "/lib64/libc.so.6", HS_ARCH_X86_64 },
		{ "/lib/i386-linux-gnu/libc.so.6", HS_ARCH_I386 },
		{ "/lib/aarch64-linux-gnu/libc.so.6", HS_ARCH_AARCH64 },
	};
	unsigned compared = 0;
	for (size_t i = 0; i < sizeof(libcs) / sizeof(libcs[0]); i++) {
		char path[sizeof(libcs[i].path)];
		memcpy(path, libcs[i].path, sizeof(path));
		compared += compare_with(path, libcs[i].arch);
	}
	if (compared == 0) {
		print_message("skipped: no debug info of a libc here, "
			      "install libc6-dbg\n");
		skip();
	}
}

static void a_layout_without_debug_info_stays_as_it_was(void **state)
{
	(void)state;
	uint8_t bytes[64] = { 0 };
	char path[] = "/nowhere/libc.so.6";
	struct hs_module module = {
		.base = 0x10000,
		.end = 0x10040,
		.path = path,
		.file_state = HS_MODULE_FILE_MISSING,
	};
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, module.base, bytes, sizeof(bytes), HS_PROT_READ);
	assert_int_equal(hs_module_list_add(&t.base.modules, &module, NULL),
			 HS_OK);
	fake_target_finish(&t);
	struct hs_symbols *syms = NULL;
	assert_int_equal(hs_symbols_new(&t.base, NULL, &syms, NULL), HS_OK);
	struct hs_layout layout, before;
	whole(&layout, 8, 36);
	before = layout;
	assert_int_not_equal(hs_layout_from_dwarf(&layout, syms, 0, NULL),
			     HS_OK);
	assert_memory_equal(&layout, &before, sizeof(layout));
	hs_symbols_free(syms);
	fake_target_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_release_has_one_row_of_each_struct),
		cmocka_unit_test(struct_sizes_are_those_of_the_releases),
		cmocka_unit_test(offsets_are_those_of_the_releases),
		cmocka_unit_test(a_member_that_a_release_lacks_is_absent),
		cmocka_unit_test(alignment_follows_from_the_structs),
		cmocka_unit_test(members_lie_within_their_struct_and_apart),
		cmocka_unit_test(
			the_table_agrees_with_any_debug_info_installed_here),
		cmocka_unit_test(a_layout_without_debug_info_stays_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
