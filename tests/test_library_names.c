/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <heapscan/types.h>

#include "support/type_world.h"

/* Names that libraries' structures have by their shape: what must fit does. */

/* A string of Lua's in BLOCK, made after the one in BEFORE. */
static void put_lua_string(struct world *w, int block, int before, uint64_t len)
{
	world_put(w, w->user[block], before >= 0 ? w->user[before] : 0);
	world_put(w, w->user[block] + 8,
		  4 | len << 24 | UINT64_C(0xabcdef01) << 32);
}

/* The string by which Lua is known, in block 7. */
static void put_index(struct world *w)
{
	world_put(w, w->user[7], w->user[1]);
	world_put(w, w->user[7] + 8, 4 | 7 << 24 | UINT64_C(0xabcd) << 32);
	world_put(w, w->user[7] + 24, UINT64_C(0x007865646e695f5f));
}

static void without_its_index_there_is_no_lua(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	put_lua_string(w, 1, -1, 30);
	put_lua_string(w, 2, 1, 30);
	world_name(w);
	assert_string_equal(world_name_of(w, 2), "");
	world_free(w);
}

static void a_lua_string_fills_its_block(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	put_lua_string(w, 1, -1, 30);
	put_index(w);
	put_lua_string(w, 2, 1, 30); /* 24 + 30 + 1 of 56 */
	put_lua_string(w, 3, 2, 40); /* does not fit */
	put_lua_string(w, 4, 2, 30);
	world_put(w, w->user[4] + 24 + 30, 'x'); /* does not end */
	put_lua_string(w, 5, 6, 30);             /* made after no object */
	world_name(w);
	assert_string_equal(world_name_of(w, 2), "Lua string");
	assert_string_equal(world_name_of(w, 3), "");
	assert_string_equal(world_name_of(w, 4), "");
	assert_string_equal(world_name_of(w, 5), "");
	world_free(w);
}

static void a_lua_table_leads_to_parts_of_its_sizes(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	put_lua_string(w, 1, -1, 30);
	put_index(w);
	for (int t = 2; t <= 4; t += 2) { /* an array of 3, and 2 nodes */
		world_put(w, w->user[t], w->user[1]);
		world_put(w, w->user[t] + 8, 5 | 1 << 24 | UINT64_C(3) << 32);
		world_put(w, w->user[t] + 16, w->user[5]);
		world_put(w, w->user[t] + 24, w->user[6]);
		world_put(w, w->user[t] + 32, w->user[6] + 48);
	}
	world_put(w, w->user[4] + 16, w->user[SMALL_BLOCK]); /* too small */
	world_name(w);
	assert_string_equal(world_name_of(w, 2), "Lua table");
	assert_string_equal(world_name_of(w, 5), "Lua table array");
	assert_string_equal(world_name_of(w, 6), "Lua table nodes");
	assert_string_equal(world_name_of(w, 4), "");
	assert_string_equal(world_name_of(w, SMALL_BLOCK), "");
	world_free(w);
}

static void a_table_of_lua_5_5_leads_behind_its_array(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	put_lua_string(w, 1, -1, 30);
	put_index(w);
	for (int t = 2; t <= 4; t += 2) { /* an array of 3, and 2 nodes */
		world_put(w, w->user[t], w->user[1]);
		world_put(w, w->user[t] + 8, 5 | 1 << 24 | UINT64_C(3) << 32);
		world_put(w, w->user[t] + 16, w->user[5] + 24);
		world_put(w, w->user[t] + 24, w->user[6]);
	}
	world_put(w, w->user[4] + 16, w->user[3] + 16); /* not behind them */
	world_name(w);
	assert_string_equal(world_name_of(w, 2), "Lua table");
	assert_string_equal(world_name_of(w, 5), "Lua table array");
	assert_string_equal(world_name_of(w, 6), "Lua table nodes");
	assert_string_equal(world_name_of(w, 4), "");
	assert_string_equal(world_name_of(w, 3), "");
	world_free(w);
}

static void a_string_of_lua_5_5_may_have_its_text_elsewhere(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	put_lua_string(w, 1, -1, 30);
	put_index(w);
	for (int s = 2; s <= 4; s += 2) {
		world_put(w, w->user[s], w->user[1]);
		world_put(w, w->user[s] + 8, 0x14 | UINT64_C(0xfd) << 24);
		world_put(w, w->user[s] + 16, 50);
		world_put(w, w->user[s] + 24, w->user[s + 1]);
		world_put(w, w->user[s] + 32, MODULE + 8);
	}
	world_put(w, w->user[5] + 48, UINT64_C(0x616161)); /* does not end */
	world_name(w);
	assert_string_equal(world_name_of(w, 2), "Lua string");
	assert_string_equal(world_name_of(w, 3), "Lua string text");
	assert_string_equal(world_name_of(w, 4), "");
	world_free(w);
}

static void what_lua_5_3_captured_leads_to_its_own_value(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	put_lua_string(w, 1, -1, 30);
	put_index(w);
	world_put(w, w->user[6], w->user[1]); /* a prototype of 5.3 */
	world_put(w, w->user[6] + 8, 9);
	for (int f = 2; f <= 4; f += 2) {
		world_put(w, w->user[f], w->user[1]);
		world_put(w, w->user[f] + 8, 6 | 1 << 16);
		world_put(w, w->user[f] + 24, w->user[6]);
		world_put(w, w->user[f] + 32, w->user[f + 1]);
		world_put(w, w->user[f + 1], w->user[f + 1] + 16);
	}
	world_put(w, w->user[3] + 8, 2); /* functions have it, nobody has 5 */
	world_name(w);
	assert_string_equal(world_name_of(w, 2), "Lua function");
	assert_string_equal(world_name_of(w, 3), "Lua captured variable");
	assert_string_equal(world_name_of(w, 4), "");
	assert_string_equal(world_name_of(w, 5), "");
	world_free(w);
}

static void what_two_lua_tables_claim_has_no_name(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	put_lua_string(w, 1, -1, 30);
	put_index(w);
	for (int t = 2; t <= 3; t++) {
		world_put(w, w->user[t], w->user[1]);
		world_put(w, w->user[t] + 8, 5 | 1 << 24 | UINT64_C(3) << 32);
		world_put(w, w->user[t] + 16, w->user[t == 2 ? 5 : 6]);
		world_put(w, w->user[t] + 24, w->user[t == 2 ? 6 : 5]);
		world_put(w, w->user[t] + 32, w->user[t == 2 ? 6 : 5] + 48);
	}
	world_name(w);
	assert_string_equal(world_name_of(w, 5), "");
	assert_string_equal(world_name_of(w, 6), "");
	world_free(w);
}

/* Types of a Python in the world's textual page, which its library is made to
 * have: "type" and "Thing" of 16 bytes, with HEAD bytes before what they have
 * of their own. */
#define PYTHON_TYPE TEXTUAL
#define PYTHON_THING (TEXTUAL + 0x200)
static void put_python(struct world *w, unsigned head)
{
	static char path[] = "/lib/libpython.so";
	struct hs_module m = { .base = TEXTUAL,
			       .end = TEXTUAL + 4096,
			       .path = path };
	assert_int_equal(
		hs_module_list_add(&w->hb.target.base.modules, &m, NULL),
		HS_OK);
	hs_module_list_sort(&w->hb.target.base.modules);
	world_put_text(w, 0x800, "type");
	world_put_text(w, 0x808, "Thing");
	for (unsigned i = 0; i < 2; i++) {
		hs_addr at = i ? PYTHON_THING : PYTHON_TYPE;
		world_put(w, at, 1);
		world_put(w, at + head - 8, PYTHON_TYPE);
		world_put(w, at + head + 8, MODULE + 0x800 + 8 * i);
		world_put(w, at + head + 16, i ? head : 400);
		world_put(w, at + head + 152, 1 << 12); /* it is ready */
	}
}

static void a_python_object_of_3_14_has_flags_beside_its_count(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	put_python(w, 16);
	for (int i = 1; i <= 4; i++)
		world_put(w, w->user[i] + 8, PYTHON_THING);
	world_put(w, w->user[1], 3);
	world_put(w, w->user[2], UINT64_C(1) << 48 | UINT32_C(3) << 30);
	world_put(w, w->user[3], UINT64_C(1) << 48); /* no count */
	world_put(w, w->user[4], w->user[3] | UINT64_C(1) << 40);
	world_name(w);
	assert_string_equal(world_name_of(w, 1), "Thing");
	assert_string_equal(world_name_of(w, 2), "Thing");
	assert_string_equal(world_name_of(w, 3), "");
	assert_string_equal(world_name_of(w, 4), "");
	world_free(w);
}

static void python_without_the_lock_has_no_names(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	put_python(w, 32); /* {thread, flags and count, count, type} */
	for (int i = 1; i <= 3; i++) {
		world_put(w, w->user[i], TEXTUAL + 0x900);
		world_put(w, w->user[i] + 8, UINT64_C(1) << 32);
		world_put(w, w->user[i] + 24, PYTHON_THING);
	}
	world_name(w);
	for (int i = 1; i <= 3; i++)
		assert_string_equal(world_name_of(w, i), "");
	world_free(w);
}

static void redis_and_libxml2_name_nothing_where_they_are_not(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	world_put(w, w->user[1], 0x80 | UINT64_C(1) << 32);
	world_put(w, w->user[1] + 8, w->user[1] + 19);
	world_put(w, w->user[1] + 16, 0x6162010303);
	world_put(w, w->user[2] + 8, 9); /* a document of XML */

	world_name(w);
	assert_string_equal(world_name_of(w, 1), "");
	assert_string_equal(world_name_of(w, 2), "");
	world_free(w);
}

static void what_has_no_name_is_put_together_by_its_looks(void **state)
{
	(void)state;
	struct hs_unnamed_group group[4];
	size_t count;
	struct world *w = world_new(0);
	for (int i = 0; i < 6; i++) {
		world_put(w, w->user[i], w->user[8]);
		world_put(w, w->user[i] + 8, MODULE + 8);
		world_put(w, w->user[i] + 16, UINT64_C(0x646362)); /* bcd */
		world_put(w, w->user[i] + 24, 1000 + (uint64_t)i);
	}
	world_name(w);
	assert_int_equal(hs_types_unnamed(w->types, group, 4, &count, NULL),
			 HS_OK);
	assert_true(count >= 2); /* three blocks are zeroed */
	assert_int_equal(group[0].total.count, 6);
	assert_int_equal(group[0].total.bytes, 6 * 56);
	assert_int_equal(group[0].usable, 56);
	assert_int_equal(group[0].sample, w->user[0]);
	assert_string_equal(group[0].looks,
			    "2 pointers, text, number, 3 zeroes");
	/* All have a word that leads into the one image. */
	assert_int_equal(group[0].module, 0);
	assert_false(group[0].functions);
	assert_int_equal(group[0].offset, 8);
	assert_true(group[1].module == SIZE_MAX);
	assert_int_equal(group[1].total.count, 3);
	assert_string_equal(group[1].looks, "7 zeroes");
	assert_int_equal(hs_types_unnamed(w->types, group, 1, &count, NULL),
			 HS_OK);
	assert_int_equal(count, 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_its_index_there_is_no_lua),
		cmocka_unit_test(a_lua_string_fills_its_block),
		cmocka_unit_test(a_lua_table_leads_to_parts_of_its_sizes),
		cmocka_unit_test(a_table_of_lua_5_5_leads_behind_its_array),
		cmocka_unit_test(
			a_string_of_lua_5_5_may_have_its_text_elsewhere),
		cmocka_unit_test(what_lua_5_3_captured_leads_to_its_own_value),
		cmocka_unit_test(what_two_lua_tables_claim_has_no_name),
		cmocka_unit_test(what_has_no_name_is_put_together_by_its_looks),
		cmocka_unit_test(
			a_python_object_of_3_14_has_flags_beside_its_count),
		cmocka_unit_test(python_without_the_lock_has_no_names),
		cmocka_unit_test(
			redis_and_libxml2_name_nothing_where_they_are_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
