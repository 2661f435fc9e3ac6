/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>
#include <gnu/libc-version.h>

#include "support/fake_target.h"
#include "support/live_fixture.h"
#include "symbols/symbol_table.h"
#include "symbols/symbols.h"

/* One name after the other, as in a string table. */
#define NAMES "\0alpha\0beta@@V2\0beta@V1\0gamma\0$x\0inner\0label"
enum {
	ALPHA = 1,
	BETA = 7,
	OLD_BETA = 16,
	GAMMA = 24,
	MAPPING = 30,
	INNER = 33,
	LABEL = 39
};

struct one {
	uint32_t name;
	uint8_t bind, type;
	uint16_t section;
	uint64_t value, size;
};

/* A table of those COUNT symbols, read as a file's would be. */
static void fill(struct hs_symbol_table *table, const struct one *one,
		 size_t count, enum hs_symbol_source source)
{
	Elf64_Sym raw[16];
	assert_true(count <= 16);
	for (size_t i = 0; i < count; i++)
		raw[i] = (Elf64_Sym){
			.st_name = one[i].name,
			.st_info = (unsigned char)ELF64_ST_INFO(one[i].bind,
								one[i].type),
			.st_shndx = one[i].section,
			.st_value = one[i].value,
			.st_size = one[i].size,
		};
	struct hs_symbol_bytes bytes = {
		.symbols = (const uint8_t *)raw,
		.symbols_len = count * sizeof(*raw),
		.strings = NAMES,
		.strings_len = sizeof(NAMES),
		.word_size = 8,
		.source = source,
	};
	assert_int_equal(hs_symbol_table_add(table, &bytes, NULL), HS_OK);
}

static const struct hs_symbol *named(struct hs_symbol_table *table,
				     const char *name)
{
	const struct hs_symbol *s;
	assert_int_equal(hs_symbol_table_named(table, name, false, &s, NULL),
			 HS_OK);
	return s;
}

static const struct hs_symbol *at(struct hs_symbol_table *table, uint64_t value)
{
	const struct hs_symbol *s;
	assert_int_equal(hs_symbol_table_at(table, value, &s, NULL), HS_OK);
	return s;
}

static void what_names_no_place_is_left_out(void **state)
{
	(void)state;
	struct hs_symbol_table table = { 0 };
	const struct one one[] = {
		{ 0, STB_LOCAL, STT_NOTYPE, 1, 1, 0 },
		{ ALPHA, STB_GLOBAL, STT_FUNC, SHN_UNDEF, 0, 0 },
		{ BETA, STB_GLOBAL, STT_OBJECT, SHN_ABS, 5, 0 },
		{ GAMMA, STB_LOCAL, STT_FILE, SHN_ABS, 0, 0 },
		{ GAMMA, STB_LOCAL, STT_SECTION, 1, 0x10, 0 },
		{ MAPPING, STB_LOCAL, STT_NOTYPE, 1, 0x10, 0 },
		{ 100000, STB_GLOBAL, STT_FUNC, 1, 0x10, 4 },
	};
	fill(&table, one, 7, HS_SYMBOL_SYMTAB);
	assert_int_equal(table.count, 0);
	assert_null(named(&table, "alpha"));
	assert_null(at(&table, 0x10));
	hs_symbol_table_release(&table);
}

static void versions_are_no_part_of_names_and_the_default_wins(void **state)
{
	(void)state;
	struct hs_symbol_table table = { 0 };
	const struct one one[] = {
		{ OLD_BETA, STB_GLOBAL, STT_FUNC, 1, 0x100, 8 },
		{ BETA, STB_GLOBAL, STT_FUNC, 1, 0x200, 8 },
	};
	fill(&table, one, 2, HS_SYMBOL_SYMTAB);
	assert_non_null(named(&table, "beta"));
	assert_int_equal(named(&table, "beta")->value, 0x200);
	assert_string_equal(at(&table, 0x104)->name, "beta");
	hs_symbol_table_release(&table);
}

static void a_hidden_version_of_dynsym_gives_way(void **state)
{
	(void)state;
	struct hs_symbol_table table = { 0 };
	Elf32_Sym raw[2] = {
		{ .st_name = ALPHA,
		  .st_info = ELF32_ST_INFO(STB_GLOBAL, STT_FUNC),
		  .st_shndx = 1,
		  .st_value = 0x10 },
		{ .st_name = ALPHA,
		  .st_info = ELF32_ST_INFO(STB_GLOBAL, STT_FUNC),
		  .st_shndx = 1,
		  .st_value = 0x20 },
	};
	const uint16_t versions[2] = { 0x8002, 3 };
	struct hs_symbol_bytes bytes = {
		.symbols = (const uint8_t *)raw,
		.symbols_len = sizeof(raw),
		.strings = NAMES,
		.strings_len = sizeof(NAMES),
		.versions = (const uint8_t *)versions,
		.versions_len = sizeof(versions),
		.word_size = 4,
		.source = HS_SYMBOL_DYNSYM,
	};
	assert_int_equal(hs_symbol_table_add(&table, &bytes, NULL), HS_OK);
	assert_int_equal(named(&table, "alpha")->value, 0x20);
	hs_symbol_table_release(&table);
}

static void
symtab_is_believed_before_dynsym_and_global_before_local(void **state)
{
	(void)state;
	struct hs_symbol_table table = { 0 };
	const struct one dynamic = { ALPHA, STB_GLOBAL, STT_FUNC, 1, 0x10, 4 };
	const struct one full[] = {
		{ ALPHA, STB_LOCAL, STT_FUNC, 1, 0x20, 4 },
		{ GAMMA, STB_LOCAL, STT_OBJECT, 1, 0x30, 4 },
		{ GAMMA, STB_WEAK, STT_OBJECT, 1, 0x40, 4 },
		{ GAMMA, STB_GLOBAL, STT_OBJECT, 1, 0x50, 4 },
		{ GAMMA, STB_GLOBAL, STT_TLS, 1, 0x60, 4 },
	};
	fill(&table, &dynamic, 1, HS_SYMBOL_DYNSYM);
	assert_int_equal(named(&table, "alpha")->value, 0x10);
	fill(&table, full, 5, HS_SYMBOL_DEBUG);
	assert_int_equal(named(&table, "alpha")->value, 0x20);
	assert_int_equal(named(&table, "gamma")->value, 0x50);
	const struct hs_symbol *tls;
	assert_int_equal(
		hs_symbol_table_named(&table, "gamma", true, &tls, NULL),
		HS_OK);
	assert_int_equal(tls->value, 0x60);
	assert_string_equal(at(&table, 0x53)->name, "gamma");
	assert_null(at(&table, 0x63)); /* an offset is no address */
	hs_symbol_table_release(&table);
}

static void an_address_gets_the_closest_symbol_that_reaches_it(void **state)
{
	(void)state;
	struct hs_symbol_table table = { 0 };
	const struct one one[] = {
		{ ALPHA, STB_GLOBAL, STT_FUNC, 1, 0x100, 0x100 },
		{ INNER, STB_LOCAL, STT_FUNC, 1, 0x140, 0x10 },
		{ LABEL, STB_LOCAL, STT_NOTYPE, 1, 0x148, 0 },
		{ LABEL, STB_LOCAL, STT_NOTYPE, 1, 0x300, 0 },
		{ GAMMA, STB_GLOBAL, STT_FUNC, 1, 0x400, 4 },
		{ BETA, STB_GLOBAL, STT_FUNC, 1, UINT64_MAX - 3, 100 },
	};
	fill(&table, one, 6, HS_SYMBOL_SYMTAB);
	assert_null(at(&table, 0xff));
	assert_string_equal(at(&table, 0x100)->name, "alpha");
	assert_string_equal(at(&table, 0x140)->name, "inner");
	assert_string_equal(at(&table, 0x14c)->name, "inner");
	assert_string_equal(at(&table, 0x150)->name, "alpha");
	assert_string_equal(at(&table, 0x1ff)->name, "alpha");
	assert_null(at(&table, 0x200));
	assert_string_equal(at(&table, 0x310)->name, "label");
	assert_string_equal(at(&table, 0x403)->name, "gamma");
	assert_null(at(&table, 0x404));
	assert_string_equal(at(&table, UINT64_MAX - 1)->name, "beta");
	hs_symbol_table_release(&table);
}

static void strings_without_an_end_lend_no_name(void **state)
{
	(void)state;
	struct hs_symbol_table table = { 0 };
	const Elf64_Sym raw = {
		.st_name = 1,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = 1,
	};
	struct hs_symbol_bytes bytes = {
		.symbols = (const uint8_t *)&raw,
		.symbols_len = sizeof(raw),
		.strings = "\0abc",
		.strings_len = 4, /* without the NUL */
		.word_size = 8,
	};
	assert_int_equal(hs_symbol_table_add(&table, &bytes, NULL), HS_OK);
	assert_int_equal(table.count, 0);
	hs_symbol_table_release(&table);
}

/* From here on: a real process. */

struct scene {
	struct live_fixture fixture;
	struct hs_target *target;
	struct hs_symbols *syms;
};

static void open_symbols(struct scene *s, const char *debug_dirs)
{
	struct hs_symbols_options opt = { .struct_size = sizeof(opt),
					  .debug_dirs = debug_dirs };
	assert_int_equal(hs_symbols_new(s->target, &opt, &s->syms, NULL),
			 HS_OK);
}

static void set_scene(struct scene *s, const char *name)
{
	memset(s, 0, sizeof(*s));
	if (!live_fixture_start(&s->fixture, name, NULL))
		skip();
	s->target = live_fixture_open(&s->fixture);
	live_fixture_stop(&s->fixture);
	if (!s->target)
		skip();
}

static void clear_scene(struct scene *s)
{
	hs_symbols_free(s->syms);
	hs_target_close(s->target);
}

static size_t program_of(const struct scene *s)
{
	for (size_t i = 0; i < s->target->modules.count; i++)
		if (s->target->modules.module[i].is_executable)
			return i;
	fail_msg("no module is the program");
	return 0;
}

static void names_and_addresses_lead_to_each_other(void **state)
{
	(void)state;
	static const char *const names[] = { "threads", "threads-static",
					     "threads-m32" };
	static const char *const symbols[] = { "global_variable",
					       "static_variable", "wait_here" };
	for (size_t n = 0; n < 3; n++) {
		struct scene s;
		struct hs_symbol_info there, back;
		set_scene(&s, names[n]);
		open_symbols(&s, "/nonexistent");
		for (size_t i = 0; i < 3; i++) {
			hs_addr said =
				live_fixture_said(&s.fixture, -1, symbols[i]);
			assert_int_equal(hs_symbols_find(s.syms, program_of(&s),
							 symbols[i], &there,
							 NULL),
					 HS_OK);
			assert_int_equal(there.addr, said);
			assert_int_equal(there.is_function, i == 2);
			assert_true(hs_symbols_at(s.syms, said + 1, &back));
			assert_string_equal(back.name, symbols[i]);
			assert_int_equal(back.addr, said);
			assert_int_equal(back.module, program_of(&s));
			assert_false(back.from_debug_file);
		}
		clear_scene(&s);
	}
}

static void an_unknown_name_is_no_symbol(void **state)
{
	(void)state;
	struct scene s;
	struct hs_symbol_info info;
	struct hs_error err;
	set_scene(&s, "threads");
	open_symbols(&s, "/nonexistent");
	assert_int_equal(hs_symbols_find(s.syms, program_of(&s), "no_such_name",
					 &info, &err),
			 HS_ERR_NO_SYMBOL);
	assert_non_null(strstr(err.text, "no_such_name"));
	assert_false(hs_symbols_at(s.syms, 16, &info));
	assert_int_equal(hs_symbols_find(s.syms, 100000, "x", &info, NULL),
			 HS_ERR_INVALID);
	clear_scene(&s);
}

/* As in a core that was copied away from its machine. */
static void take_file_away(struct hs_module *m)
{
	m->file_state = HS_MODULE_FILE_MISSING;
	m->build_id_len = 0;
}

static void without_a_file_the_mapped_dynsym_serves(void **state)
{
	(void)state;
	static const char *const names[] = { "threads", "threads-m32" };
	static const char *const symbols[] = { "malloc", "environ",
					       "_thread_db_pthread_list" };
	for (size_t n = 0; n < 2; n++) {
		struct scene s;
		struct hs_symbol_info file[3], memory;
		set_scene(&s, names[n]);
		open_symbols(&s, "/nonexistent");
		size_t libc = hs_symbols_module_named(s.syms, "libc.so", 0);
		assert_int_not_equal(libc, SIZE_MAX);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(hs_symbols_find(s.syms, libc,
							 symbols[i], &file[i],
							 NULL),
					 HS_OK);
		hs_symbols_free(s.syms);
		take_file_away(&s.target->modules.module[libc]);
		open_symbols(&s, "/nonexistent");
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(hs_symbols_find(s.syms, libc,
							 symbols[i], &memory,
							 NULL),
					 HS_OK);
			assert_int_equal(memory.addr, file[i].addr);
			assert_int_equal(memory.size, file[i].size);
		}
		uint64_t offset, size;
		assert_int_equal(hs_symbols_find_tls(s.syms, libc, "errno",
						     &offset, &size, NULL),
				 HS_OK);
		assert_int_equal(size, 4);
		clear_scene(&s);
	}
}

static void the_vdso_has_symbols_in_memory(void **state)
{
	(void)state;
	struct scene s;
	struct hs_symbol_info info, back;
	set_scene(&s, "threads");
	open_symbols(&s, NULL);
	size_t vdso = hs_symbols_module_named(s.syms, "[vdso]", 0);
	if (vdso == SIZE_MAX) {
		(void)fprintf(stderr, "skipped: no vdso here\n");
		clear_scene(&s);
		skip();
	}
	enum hs_status st = hs_symbols_find(
		s.syms, vdso, "__vdso_clock_gettime", &info, NULL);
	if (st == HS_ERR_NO_SYMBOL) /* aarch64 calls it otherwise */
		st = hs_symbols_find(s.syms, vdso, "__kernel_clock_gettime",
				     &info, NULL);
	assert_int_equal(st, HS_OK);
	assert_true(hs_symbols_at(s.syms, info.addr, &back));
	assert_int_equal(back.addr, info.addr);
	clear_scene(&s);
}

static void struct_layouts_of_libc_come_from_its_debug_file(void **state)
{
	(void)state;
	struct scene s;
	set_scene(&s, "threads");
	open_symbols(&s, NULL);
	size_t libc = hs_symbols_module_named(s.syms, "libc.so", 0);
	if (libc == SIZE_MAX || !hs_symbols_has_dwarf(s.syms, libc)) {
		(void)fprintf(stderr, "skipped: no debug file of libc here "
				      "(libc6-dbg)\n");
		clear_scene(&s);
		skip();
	}
	assert_non_null(hs_symbols_debug_file(s.syms, libc));
	struct hs_member_query q[] = {
		{ .type = "malloc_state", .member = "top" },
		{ .type = "malloc_state", .member = "bins" },
		{ .type = "malloc_state", .member = "next" },
		{ .type = "malloc_state", .member = "system_mem" },
		{ .type = "malloc_state" },
		{ .type = "no_such_struct", .member = "x" },
	};
	assert_int_equal(
		hs_symbols_members(s.syms, libc, "main_arena", q, 6, NULL),
		HS_OK);
	for (size_t i = 0; i < 5; i++)
		assert_true(q[i].found);
	assert_false(q[5].found);
	assert_int_equal(q[1].count, 254);
	assert_int_equal(q[1].size, 254 * s.target->word_size);
	/* true of all releases */
	assert_int_equal(q[2].offset, q[1].offset + q[1].size + 16);
	if (strcmp(gnu_get_libc_version(), "2.36") == 0 &&
	    s.target->word_size == 8) {
		assert_int_equal(q[0].offset, 96);
		assert_int_equal(q[1].offset, 112);
		assert_int_equal(q[2].offset, 2160);
		assert_int_equal(q[3].offset, 2184);
		assert_int_equal(q[4].size, 2200);
	}
	/* and a local symbol that only the debug file has */
	struct hs_symbol_info arena;
	assert_int_equal(
		hs_symbols_find(s.syms, libc, "main_arena", &arena, NULL),
		HS_OK);
	assert_true(arena.from_debug_file);
	assert_int_equal(arena.size, q[4].size);
	clear_scene(&s);
}

static void segments_say_where_the_module_was_moved(void **state)
{
	(void)state;
	struct scene s;
	struct hs_tls_segment tls;
	uint64_t bias;
	hs_addr dynamic;
	set_scene(&s, "threads-static");
	open_symbols(&s, NULL);
	size_t program = program_of(&s);
	assert_int_equal(hs_symbols_bias(s.syms, program, &bias, NULL), HS_OK);
	assert_int_equal(bias, 0);
	assert_int_equal(hs_symbols_dynamic(s.syms, program, &dynamic, NULL),
			 HS_OK);
	assert_true(dynamic == HS_NO_ADDR);
	assert_int_equal(hs_symbols_tls_segment(s.syms, program, &tls, NULL),
			 HS_OK);
	assert_int_equal(tls.align, 64);
	assert_true(tls.memsz >= 104 && tls.filesz >= 4);
	clear_scene(&s);
}

static void headers_that_were_left_out_are_read_from_the_file(void **state)
{
	(void)state;
	struct scene s;
	struct hs_symbol_info info;
	const uint8_t *bytes;
	uint64_t len;
	set_scene(&s, "threads");
	struct hs_module *m = &s.target->modules.module[program_of(&s)];
	enum hs_status st =
		hs_target_view(s.target, m->base, &bytes, &len, NULL);
	if (st == HS_OK) {
		/* As if the page had been left out: cut the span off it. */
		for (size_t i = 0; i < s.target->spans.count; i++) {
			struct hs_span *span = &s.target->spans.span[i];
			if (span->start == m->base)
				span->state = HS_SPAN_NOT_CAPTURED;
		}
	}
	open_symbols(&s, NULL);
	assert_int_equal(hs_symbols_find(s.syms, program_of(&s),
					 "global_variable", &info, NULL),
			 HS_OK);
	assert_int_equal(info.addr,
			 live_fixture_said(&s.fixture, -1, "global_variable"));
	clear_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_names_no_place_is_left_out),
		cmocka_unit_test(
			versions_are_no_part_of_names_and_the_default_wins),
		cmocka_unit_test(a_hidden_version_of_dynsym_gives_way),
		cmocka_unit_test(
			symtab_is_believed_before_dynsym_and_global_before_local),
		cmocka_unit_test(
			an_address_gets_the_closest_symbol_that_reaches_it),
		cmocka_unit_test(strings_without_an_end_lend_no_name),
		cmocka_unit_test(names_and_addresses_lead_to_each_other),
		cmocka_unit_test(an_unknown_name_is_no_symbol),
		cmocka_unit_test(without_a_file_the_mapped_dynsym_serves),
		cmocka_unit_test(the_vdso_has_symbols_in_memory),
		cmocka_unit_test(
			struct_layouts_of_libc_come_from_its_debug_file),
		cmocka_unit_test(segments_say_where_the_module_was_moved),
		cmocka_unit_test(
			headers_that_were_left_out_are_read_from_the_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
