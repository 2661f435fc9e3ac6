/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include "support/fake_target.h"
#include "symbols/memory_symbols.h"

/* One page of a module: the tables of a dynamic section and little else. */
enum {
	BASE = 0x10000000,
	PAGE = 0x1000,
	DYNAMIC = 0x100,
	SYMTAB = 0x300,
	STRTAB = 0x400,
	HASH = 0x500,
	GNU_HASH = 0x600,
	VERSYM = 0x700,
	SYMBOLS = 4, /* the null symbol, and three */
};

#define STRINGS "\0alpha\0beta\0gamma"

struct module {
	struct fake_target t;
	uint8_t bytes[PAGE];
	struct hs_image image;
	struct hs_symbol_table table;
	unsigned entries; /* of the dynamic section */
};

static void add_dynamic(struct module *m, uint64_t tag, uint64_t value)
{
	unsigned w = m->t.base.word_size;
	hs_addr at = BASE + DYNAMIC + m->entries++ * 2 * w;
	fake_target_put(&m->t, at, tag);
	fake_target_put(&m->t, at + w, value);
}

/* Where the value of entry I of the dynamic section is. */
static hs_addr dynamic_value(const struct module *m, unsigned i)
{
	unsigned w = m->t.base.word_size;
	return BASE + DYNAMIC + i * 2 * w + w;
}

static void add_symbol(struct module *m, unsigned i, uint32_t name,
		       uint64_t value)
{
	bool wide = m->t.base.word_size == 8;
	hs_addr at = BASE + SYMTAB + i * (wide ? 24 : 16);
	uint8_t info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
	fake_target_put_uint(&m->t, at, 4, name);
	fake_target_put_uint(&m->t, at + (wide ? 4 : 12), 1, info);
	fake_target_put_uint(&m->t, at + (wide ? 6 : 14), 2, 1);
	fake_target_put(&m->t, at + (wide ? 8 : 4), value);
	fake_target_put(&m->t, at + (wide ? 16 : 8), 4);
}

/* Two hash tables that both say four symbols. */
static void add_hashes(struct module *m)
{
	unsigned w = m->t.base.word_size;
	hs_addr gnu = BASE + GNU_HASH, at = gnu + 16 + w;
	fake_target_put_uint(&m->t, BASE + HASH, 4, 1);
	fake_target_put_uint(&m->t, BASE + HASH + 4, 4, SYMBOLS);
	fake_target_put_uint(&m->t, gnu, 4, 2);        /* buckets */
	fake_target_put_uint(&m->t, gnu + 4, 4, 1);    /* first symbol */
	fake_target_put_uint(&m->t, gnu + 8, 4, 1);    /* words of bloom */
	fake_target_put_uint(&m->t, at, 4, 1);         /* bucket 0 */
	fake_target_put_uint(&m->t, at + 4, 4, 2);     /* bucket 1 */
	fake_target_put_uint(&m->t, at + 8, 4, 0x11);  /* symbol 1: an end */
	fake_target_put_uint(&m->t, at + 12, 4, 0x20); /* symbol 2 */
	fake_target_put_uint(&m->t, at + 16, 4, 0x21); /* symbol 3: an end */
}

static void build(struct module *m, enum hs_arch arch)
{
	memset(m, 0, sizeof(*m));
	fake_target_init(&m->t, arch);
	fake_target_map(&m->t, BASE, m->bytes, PAGE, FAKE_RW);
	fake_target_finish(&m->t);
	memcpy(m->bytes + STRTAB, STRINGS, sizeof(STRINGS));
	add_symbol(m, 1, 1, 0x10);
	add_symbol(m, 2, 7, 0x20);
	add_symbol(m, 3, 12, 0x30);
	add_hashes(m);
	add_dynamic(m, DT_SYMTAB, BASE + SYMTAB);
	add_dynamic(m, DT_STRTAB, BASE + STRTAB);
	add_dynamic(m, DT_STRSZ, sizeof(STRINGS));
	add_dynamic(m, DT_SYMENT, arch == HS_ARCH_I386 ? 16 : 24);
	add_dynamic(m, DT_HASH, BASE + HASH);
	add_dynamic(m, DT_GNU_HASH, BASE + GNU_HASH);
	add_dynamic(m, DT_VERSYM, BASE + VERSYM);
	add_dynamic(m, DT_NULL, 0);
	m->image = (struct hs_image){
		.word_size = m->t.base.word_size,
		.dynamic = DYNAMIC,
		.dynamic_len = m->entries * 2 * m->t.base.word_size,
	};
}
enum { D_SYMTAB, D_STRTAB, D_STRSZ, D_SYMENT, D_HASH, D_GNU_HASH, D_VERSYM };

static void clear(struct module *m)
{
	hs_symbol_table_release(&m->table);
	fake_target_release(&m->t);
}

static enum hs_status read_it(struct module *m)
{
	return hs_memory_symbols(&m->t.base, &m->image, BASE, BASE + PAGE,
				 &m->table, NULL);
}

static void check_three_symbols(struct module *m)
{
	static const char *const names[] = { "alpha", "beta", "gamma" };
	assert_int_equal(read_it(m), HS_OK);
	assert_int_equal(m->table.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct hs_symbol *s;
		assert_int_equal(hs_symbol_table_named(&m->table, names[i],
						       false, &s, NULL),
				 HS_OK);
		assert_non_null(s);
		assert_int_equal(s->value, 0x10 * (i + 1));
		assert_int_equal(s->size, 4);
		assert_int_equal(s->source, HS_SYMBOL_MEMORY);
	}
}

static void a_sound_section_gives_its_symbols(void **state)
{
	(void)state;
	static const enum hs_arch archs[] = { HS_ARCH_X86_64, HS_ARCH_I386,
					      HS_ARCH_AARCH64 };
	for (size_t i = 0; i < 3; i++) {
		struct module m;
		build(&m, archs[i]);
		check_three_symbols(&m);
		clear(&m);
	}
}

static void pointers_may_be_relocated_or_not(void **state)
{
	(void)state;
	struct module m;
	build(&m, HS_ARCH_X86_64);
	fake_target_put(&m.t, dynamic_value(&m, D_SYMTAB), SYMTAB);
	fake_target_put(&m.t, dynamic_value(&m, D_STRTAB), STRTAB);
	fake_target_put(&m.t, dynamic_value(&m, D_GNU_HASH), GNU_HASH);
	check_three_symbols(&m);
	clear(&m);
}

static void one_damaged_hash_table_is_made_up_for_by_the_other(void **state)
{
	(void)state;
	struct module m;
	build(&m, HS_ARCH_X86_64);
	/* buckets that do not end within the module */
	fake_target_put_uint(&m.t, BASE + GNU_HASH, 4, UINT32_MAX);
	check_three_symbols(&m);
	clear(&m);

	build(&m, HS_ARCH_X86_64);
	/* a bloom filter that is larger than memory */
	fake_target_put_uint(&m.t, BASE + GNU_HASH + 8, 4, UINT32_MAX);
	check_three_symbols(&m);
	clear(&m);

	build(&m, HS_ARCH_X86_64);
	fake_target_put_uint(&m.t, BASE + HASH + 4, 4, UINT32_MAX);
	check_three_symbols(&m);
	clear(&m);
}

static void a_chain_without_end_stops_at_the_end_of_the_module(void **state)
{
	(void)state;
	struct module m;
	build(&m, HS_ARCH_X86_64);
	/* all chain entries up to the end of the page are even */
	for (unsigned at = GNU_HASH + 32; at < PAGE; at += 4)
		fake_target_put_uint(&m.t, BASE + at, 4, 2);
	check_three_symbols(&m);
	clear(&m);
}

static void without_hash_tables_the_strings_end_the_symbols(void **state)
{
	(void)state;
	struct module m;
	build(&m, HS_ARCH_X86_64);
	fake_target_put(&m.t, dynamic_value(&m, D_HASH), 0);
	fake_target_put(&m.t, dynamic_value(&m, D_GNU_HASH), 0);
	check_three_symbols(&m);
	clear(&m);
}

static void nonsense_is_no_symbol_table(void **state)
{
	(void)state;
	static const struct {
		unsigned entry;
		uint64_t value;
	} damage[] = {
		{ D_SYMTAB, 0x5000 },    { D_STRTAB, UINT64_MAX },
		{ D_STRSZ, 0 },          { D_STRSZ, PAGE },
		{ D_STRSZ, UINT64_MAX }, { D_SYMENT, 0x11 },
	};
	for (size_t i = 0; i < sizeof(damage) / sizeof(*damage); i++) {
		struct module m;
		build(&m, HS_ARCH_X86_64);
		fake_target_put(&m.t, dynamic_value(&m, damage[i].entry),
				damage[i].value);
		assert_int_equal(read_it(&m), HS_ERR_NO_SYMBOL);
		assert_int_equal(m.table.count, 0);
		clear(&m);
	}
}

static void names_past_the_strings_are_left_out(void **state)
{
	(void)state;
	struct module m;
	build(&m, HS_ARCH_X86_64);
	add_symbol(&m, 2, UINT32_MAX, 0x20);
	add_symbol(&m, 3, sizeof(STRINGS), 0x30);
	assert_int_equal(read_it(&m), HS_OK);
	assert_int_equal(m.table.count, 1);
	clear(&m);
}

static void a_static_program_has_no_dynamic_symbols(void **state)
{
	(void)state;
	struct module m;
	build(&m, HS_ARCH_X86_64);
	m.image.dynamic_len = 0;
	assert_int_equal(read_it(&m), HS_ERR_NO_SYMBOL);
	clear(&m);
}

static void pages_that_were_left_out_are_said_to_be_missing(void **state)
{
	(void)state;
	struct module m;
	build(&m, HS_ARCH_X86_64);
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_hole(&t, BASE, PAGE);
	fake_target_finish(&t);
	assert_int_equal(hs_memory_symbols(&t.base, &m.image, BASE, BASE + PAGE,
					   &m.table, NULL),
			 HS_ERR_NOT_CAPTURED);
	assert_int_equal(m.table.count, 0);
	fake_target_release(&t);
	clear(&m);
}

static void any_failing_read_is_an_error_or_does_not_matter(void **state)
{
	(void)state;
	struct module m;
	build(&m, HS_ARCH_X86_64);
	fake_target_fail_nth_read(&m.t, 0);
	assert_int_equal(read_it(&m), HS_OK);
	unsigned long reads = m.t.reads;
	assert_true(reads > 20);
	for (unsigned long i = 1; i <= reads; i++) {
		hs_symbol_table_release(&m.table);
		fake_target_fail_nth_read(&m.t, i);
		enum hs_status st = read_it(&m);
		/* a hash table or the versions can be done without */
		assert_true(st == HS_ERR_IO ||
			    (st == HS_OK && m.table.count == 3));
	}
	clear(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_section_gives_its_symbols),
		cmocka_unit_test(pointers_may_be_relocated_or_not),
		cmocka_unit_test(
			one_damaged_hash_table_is_made_up_for_by_the_other),
		cmocka_unit_test(
			a_chain_without_end_stops_at_the_end_of_the_module),
		cmocka_unit_test(
			without_hash_tables_the_strings_end_the_symbols),
		cmocka_unit_test(nonsense_is_no_symbol_table),
		cmocka_unit_test(names_past_the_strings_are_left_out),
		cmocka_unit_test(a_static_program_has_no_dynamic_symbols),
		cmocka_unit_test(
			pages_that_were_left_out_are_said_to_be_missing),
		cmocka_unit_test(
			any_failing_read_is_an_error_or_does_not_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
