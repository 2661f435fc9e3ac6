/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbols/dwarf_declarations.h"

/* What fixtures/ctypes.c declares. False: there is no such fixture. */
static bool read_fixture(struct hs_decls *d, const char *name,
			 enum hs_status *st)
{
	char path[4096];
	const char *folder = getenv("FIXTURES");
	(void)snprintf(path, sizeof(path), "%s/%s", folder ? folder : ".",
		       name);
	struct hs_elf_file *file;
	if (hs_elf_file_open(path, &file, NULL)) {
		(void)fprintf(stderr, "skipped: there is no %s\n", path);
		return false;
	}
	assert_int_equal(hs_decls_init(d, NULL), HS_OK);
	*st = hs_dwarf_declarations(file, NULL, 0, NULL, 0, NULL, d, NULL);
	hs_elf_file_close(file);
	return true;
}

static const struct hs_decl_variable *variable(const struct hs_decls *d,
					       const char *name)
{
	for (size_t i = 0; i < d->variable_count; i++)
		if (strcmp(hs_decls_text(d, d->variable[i].name), name) == 0)
			return &d->variable[i];
	fail_msg("no variable %s", name);
	return NULL;
}

static void assert_spelled(const struct hs_decls *d, uint32_t type,
			   const char *want)
{
	char buf[256];
	assert_true(hs_decls_spell(d, type, buf, sizeof(buf)));
	assert_string_equal(buf, want);
}

static struct hs_decl_member member(const struct hs_decls *d, uint32_t type,
				    const char *name)
{
	struct hs_decl_member m;
	if (!hs_decls_member(d, type, name, strlen(name), &m))
		fail_msg("no member %s", name);
	return m;
}

static void look_around(const char *fixture)
{
	struct hs_decls d;
	enum hs_status st;
	uint32_t conn, group, job, element;
	uint64_t tail;
	if (!read_fixture(&d, fixture, &st))
		skip();
	assert_int_equal(st, HS_OK);
	assert_int_equal(hs_decls_complete(&d, NULL), HS_OK);
	assert_false(d.cut);

	assert_spelled(&d, variable(&d, "conn_table")->type,
		       "struct conn *[16]");
	assert_spelled(&d, variable(&d, "anon")->type, "anon_ref");
	assert_spelled(&d, hs_decls_strip(&d, variable(&d, "anon")->type),
		       "anon_t *");
	assert_true(variable(&d, "own_cell")->tls);
	assert_int_equal(variable(&d, "own_cell")->at, 0);
	assert_false(variable(&d, "conn_table")->tls);
	assert_string_equal(hs_decls_text(&d, variable(&d, "root")->function),
			    "fill_tree");

	assert_true(hs_decls_find(&d, "conn", &conn));
	assert_int_equal(d.type[conn].size, 80);
	assert_int_equal(member(&d, conn, "at").offset, 56);
	assert_int_equal(member(&d, conn, "state").offset, 40);
	assert_int_equal(member(&d, conn, "state").bit, 1);
	assert_int_equal(member(&d, conn, "state").bits, 5);
	assert_int_equal(8 * member(&d, conn, "delta").offset +
				 member(&d, conn, "delta").bit,
			 8 * 40 + 6);

	assert_true(hs_decls_find(&d, "group", &group));
	assert_true(hs_decls_tail(&d, group, &tail, &element));
	assert_int_equal(tail, 16);
	assert_spelled(&d, element, "struct conn *");
	assert_false(hs_decls_tail(&d, conn, &tail, &element));

	/* Only casts speak of it. */
	assert_true(hs_decls_find(&d, "job", &job));
	assert_false(hs_decls_find(&d, "no_such", &job));
	/* A declaration here is completed by the other unit. */
	uint32_t of = hs_decls_strip(&d, variable(&d, "opaques")->type);
	of = hs_decls_strip(&d, d.type[of].of);
	uint32_t opaque = hs_decls_strip(&d, d.type[of].of);
	assert_true(d.type[opaque].complete);
	assert_int_equal(d.type[opaque].size, 56);
	hs_decls_release(&d);
}

static void dwarf_5_tells_types_and_variables(void **state)
{
	(void)state;
	look_around("ctypes-dwarf5");
}

static void dwarf_4_with_type_units_tells_the_same(void **state)
{
	(void)state;
	look_around("ctypes-dwarf4");
}

static void a_file_without_debug_info_declares_nothing(void **state)
{
	struct hs_decls d;
	enum hs_status st;
	(void)state;
	if (!read_fixture(&d, "ctypes-no-debug", &st))
		skip();
	assert_true(st == HS_OK || st == HS_ERR_NO_SYMBOL);
	assert_int_equal(d.variable_count, 0);
	assert_int_equal(d.type_count, HS_DECL_TYPE_OTHER + 1);
	hs_decls_release(&d);
}

static void copies_of_a_struct_are_one_and_others_are_not(void **state)
{
	struct hs_decls d;
	enum hs_status st = HS_OK;
	struct hs_decl_type t = { .kind = HS_DECL_STRUCT,
				  .size = 16,
				  .line = 7,
				  .tagged = true,
				  .complete = true };
	uint32_t first, again, other, found;
	bool fresh;
	(void)state;
	assert_int_equal(hs_decls_init(&d, NULL), HS_OK);
	assert_true(hs_decls_same_type(&d, &t, "state", &first, &fresh, &st));
	assert_true(fresh);
	assert_true(hs_decls_same_type(&d, &t, "state", &again, &fresh, &st));
	assert_false(fresh);
	assert_int_equal(first, again);
	assert_int_equal(hs_decls_complete(&d, NULL), HS_OK);
	assert_true(hs_decls_find(&d, "state", &found));
	/* The same name, static in another unit: nobody knows which is meant.
	 */
	t.line = 70;
	assert_true(hs_decls_same_type(&d, &t, "state", &other, &fresh, &st));
	assert_true(fresh);
	assert_int_equal(hs_decls_complete(&d, NULL), HS_OK);
	assert_false(hs_decls_find(&d, "state", &found));
	hs_decls_release(&d);
}

static void a_typedef_of_itself_is_no_type(void **state)
{
	struct hs_decls d;
	enum hs_status st = HS_OK;
	struct hs_decl_type t = { .kind = HS_DECL_ALIAS, .complete = true };
	uint32_t type;
	bool fresh;
	(void)state;
	assert_int_equal(hs_decls_init(&d, NULL), HS_OK);
	assert_true(hs_decls_same_type(&d, &t, "self", &type, &fresh, &st));
	d.type[type].of = type;
	assert_int_equal(hs_decls_strip(&d, type), HS_DECL_TYPE_OTHER);
	hs_decls_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dwarf_5_tells_types_and_variables),
		cmocka_unit_test(dwarf_4_with_type_units_tells_the_same),
		cmocka_unit_test(a_file_without_debug_info_declares_nothing),
		cmocka_unit_test(copies_of_a_struct_are_one_and_others_are_not),
		cmocka_unit_test(a_typedef_of_itself_is_no_type),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
