/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/live_fixture.h"
#include "tls/dtv.h"
#include "tls/self_pointers.h"
#include "tls/tls.h"

/* A running fixture, its copy, and what can be asked of it. */
struct scene {
	struct live_fixture fixture;
	struct hs_target *target;
	struct hs_symbols *syms;
	struct hs_tls *tls;
};

static void open_symbols(struct scene *s)
{
	/* No debug files: what is tested must hold without them. */
	struct hs_symbols_options opt = { .struct_size = sizeof(opt),
					  .debug_dirs = "/nonexistent" };
	assert_int_equal(hs_symbols_new(s->target, &opt, &s->syms, NULL),
			 HS_OK);
}

static void set_scene(struct scene *s, const char *name, const char *plugin)
{
	memset(s, 0, sizeof(*s));
	if (!live_fixture_start(&s->fixture, name, plugin))
		skip();
	s->target = live_fixture_open(&s->fixture);
	if (!s->target) {
		live_fixture_stop(&s->fixture);
		skip();
	}
	open_symbols(s);
}

static void ask_tls(struct scene *s)
{
	assert_int_equal(hs_tls_new(s->target, s->syms, &s->tls, NULL), HS_OK);
}

static void clear_scene(struct scene *s)
{
	hs_tls_free(s->tls);
	hs_symbols_free(s->syms);
	hs_target_close(s->target);
	live_fixture_stop(&s->fixture);
}

static size_t program_of(const struct scene *s)
{
	for (size_t i = 0; i < s->target->modules.count; i++)
		if (s->target->modules.module[i].is_executable)
			return i;
	fail_msg("no module is the program");
	return 0;
}

static size_t libc_of(struct scene *s)
{
	size_t libc = hs_symbols_module_named(s->syms, "libc.so", 0);
	return libc == SIZE_MAX ? program_of(s) : libc;
}

/* Is VARIABLE of MODULE where each thread said it is? */
static void check_variable(struct scene *s, size_t module, const char *variable)
{
	uint64_t offset, size;
	size_t checked = 0;
	assert_int_equal(hs_symbols_find_tls(s->syms, module, variable, &offset,
					     &size, NULL),
			 HS_OK);
	for (size_t i = 0; i < hs_tls_thread_count(s->tls); i++) {
		struct hs_tls_thread t;
		hs_addr block;
		hs_tls_thread(s->tls, i, &t);
		hs_addr said = live_fixture_said(&s->fixture, t.tid, variable);
		if (said == HS_NO_ADDR)
			continue;
		assert_int_equal(hs_tls_block(s->tls, i, module, &block, NULL),
				 HS_OK);
		assert_int_equal(block + offset, said);
		checked++;
	}
	assert_int_equal(checked, 5); /* main and four more */
}

static bool noted(const struct scene *s, const char *code)
{
	const struct hs_note_list *notes = hs_tls_notes(s->tls);
	for (size_t i = 0; i < notes->count; i++)
		if (strcmp(notes->note[i].code, code) == 0)
			return true;
	return false;
}

static void check_all_variables(const char *name)
{
	struct scene s;
	set_scene(&s, name, NULL);
	ask_tls(&s);
	check_variable(&s, program_of(&s), "first_variable");
	check_variable(&s, program_of(&s), "aligned_variable");
	check_variable(&s, libc_of(&s), "errno");
	assert_true(hs_tls_lists_known(s.tls));
	assert_int_equal(hs_tls_thread_count(s.tls), 5);
	assert_int_equal(hs_tls_notes(s.tls)->count, 0);
	clear_scene(&s);
}

static void variables_are_where_the_threads_say(void **state)
{
	(void)state;
	check_all_variables("threads");
}

static void variables_of_a_static_program_are_found(void **state)
{
	(void)state;
	check_all_variables("threads-static");
}

static void variables_of_a_32_bit_program_are_found(void **state)
{
	(void)state;
	check_all_variables("threads-m32");
}

static void all_live_threads_and_no_ended_one_are_listed(void **state)
{
	(void)state;
	struct scene s;
	set_scene(&s, "threads", NULL);
	ask_tls(&s);
	assert_int_equal(hs_tls_thread_count(s.tls), 5);
	for (size_t i = 0; i < 5; i++) {
		struct hs_tls_thread t;
		hs_tls_thread(s.tls, i, &t);
		assert_true(t.listed);
		assert_int_equal(t.origin, HS_TLS_REGISTERS);
		assert_int_equal(t.thread, i);
	}
	clear_scene(&s);
}

static void a_late_library_is_found_by_dtv_or_said_to_be_absent(void **state)
{
	(void)state;
	struct scene s;
	set_scene(&s, "threads", "plugin.so");
	ask_tls(&s);
	size_t plugin = hs_symbols_module_named(s.syms, "plugin.so", 0);
	assert_int_not_equal(plugin, SIZE_MAX);
	uint64_t offset, size;
	assert_int_equal(hs_symbols_find_tls(s.syms, plugin, "plugin_variable",
					     &offset, &size, NULL),
			 HS_OK);
	assert_int_equal(size, 4000);
	size_t with = 0, without = 0;
	for (size_t i = 0; i < hs_tls_thread_count(s.tls); i++) {
		struct hs_tls_thread t;
		hs_addr block;
		hs_tls_thread(s.tls, i, &t);
		enum hs_status st =
			hs_tls_block(s.tls, i, plugin, &block, NULL);
		hs_addr said =
			live_fixture_said(&s.fixture, t.tid, "plugin_variable");
		if (said == HS_NO_ADDR) {
			assert_int_equal(st, HS_ERR_INVALID);
			without++;
		} else {
			assert_int_equal(st, HS_OK);
			assert_int_equal(block + offset, said);
			with++;
		}
	}
	assert_int_equal(with, 2);
	assert_int_equal(without, 3);
	clear_scene(&s);
}

static void lists_give_the_thread_pointer_that_registers_lack(void **state)
{
	(void)state;
	struct scene s;
	set_scene(&s, "threads", NULL);
	struct hs_thread *second = &s.target->threads.thread[1];
	hs_addr tp = second->tls_base;
	second->tls_base = HS_NO_ADDR;
	ask_tls(&s);
	struct hs_tls_thread t;
	hs_tls_thread(s.tls, 1, &t);
	assert_int_equal(t.tp, tp);
	assert_int_equal(t.origin, HS_TLS_LISTS);
	assert_int_equal(t.thread, 1);
	assert_int_equal(hs_tls_thread_count(s.tls), 5);
	check_variable(&s, program_of(&s), "first_variable");
	clear_scene(&s);
}

static void without_registers_the_lists_give_all_threads(void **state)
{
	(void)state;
	struct scene s;
	set_scene(&s, "threads", NULL);
	size_t count = s.target->threads.count;
	s.target->threads.count = 0;
	ask_tls(&s);
	assert_int_equal(hs_tls_thread_count(s.tls), 5);
	check_variable(&s, libc_of(&s), "errno");
	assert_int_equal(hs_tls_notes(s.tls)->count, 0);
	s.target->threads.count = count; /* for whoever frees them */
	clear_scene(&s);
}

static void a_thread_on_one_list_only_is_noted(void **state)
{
	(void)state;
	struct scene s;
	set_scene(&s, "threads", NULL);
	struct hs_thread *second = &s.target->threads.thread[1];
	second->tid = 99999999;
	second->tls_base += 0x10000000;
	ask_tls(&s);
	assert_int_equal(hs_tls_thread_count(s.tls), 6);
	assert_true(noted(&s, "thread-not-listed"));
	assert_true(noted(&s, "thread-only-listed"));
	clear_scene(&s);
}

/* Of the copy only: the process itself is not touched. */
static void poke(struct scene *s, hs_addr addr, uint64_t value)
{
	const uint8_t *bytes;
	uint64_t len;
	assert_int_equal(hs_target_view(s->target, addr, &bytes, &len, NULL),
			 HS_OK);
	memcpy((void *)(uintptr_t)bytes, &value, sizeof(value));
}

static void a_list_that_bites_its_tail_ends_with_a_note(void **state)
{
	(void)state;
	struct scene s;
	struct hs_runtime runtime;
	struct hs_thread_offsets offsets;
	set_scene(&s, "threads", NULL);
	if (s.target->word_size != 8) {
		clear_scene(&s);
		skip();
	}
	hs_runtime_find(s.target, s.syms, &runtime);
	assert_int_equal(hs_thread_offsets_find(s.target, s.syms, &runtime,
						&offsets, NULL),
			 HS_OK);
	hs_addr node = s.target->threads.thread[2].tls_base + offsets.list;
	poke(&s, node, node); /* next: itself */
	ask_tls(&s);
	assert_true(noted(&s, "thread-list-broken"));
	assert_false(hs_tls_lists_known(s.tls));
	check_variable(&s, program_of(&s), "first_variable");
	clear_scene(&s);
}

static void a_damaged_dtv_is_noted_and_the_static_offset_used(void **state)
{
	(void)state;
	struct scene s;
	uint64_t dtv;
	set_scene(&s, "threads", NULL);
	hs_addr tp = s.target->threads.thread[1].tls_base;
	assert_int_equal(hs_target_read_word(s.target, tp + 8, &dtv, NULL),
			 HS_OK);
	poke(&s, dtv + 16, 0x1000); /* module 1, the program */
	ask_tls(&s);
	assert_true(noted(&s, "dtv-contradicts"));
	check_variable(&s, program_of(&s), "first_variable");
	clear_scene(&s);
}

static void
link_map_members_are_recognised_without_any_description(void **state)
{
	(void)state;
	static const char *const names[] = { "threads", "threads-m32" };
	for (size_t n = 0; n < 2; n++) {
		struct scene s;
		struct hs_runtime runtime;
		struct hs_thread_offsets known;
		struct hs_link_map_list maps = { 0 };
		struct hs_note_list notes = { 0 };
		set_scene(&s, names[n], n == 0 ? "plugin.so" : NULL);
		hs_runtime_find(s.target, s.syms, &runtime);
		assert_int_equal(hs_thread_offsets_find(s.target, s.syms,
							&runtime, &known, NULL),
				 HS_OK);
		assert_int_equal(hs_link_maps_read(s.target, s.syms, &runtime,
						   &maps, &notes, NULL),
				 HS_OK);
		assert_int_equal(notes.count, 0);
		assert_true(maps.count >= 4);

		struct hs_thread_offsets none = known;
		none.tls_offset = none.tls_modid = HS_NO_OFFSET;
		hs_addr tp[2] = { s.target->threads.thread[0].tls_base,
				  s.target->threads.thread[1].tls_base };
		struct hs_module_tls told[64] = { 0 }, seen[64] = { 0 };
		assert_true(s.target->modules.count < 64);
		assert_int_equal(hs_module_tls_find(s.target, s.syms, &runtime,
						    &maps, &known, tp, 2, told,
						    NULL),
				 HS_OK);
		assert_int_equal(hs_module_tls_find(s.target, s.syms, &runtime,
						    &maps, &none, tp, 2, seen,
						    NULL),
				 HS_OK);
		for (size_t i = 0; i < s.target->modules.count; i++) {
			assert_int_equal(seen[i].known, told[i].known);
			assert_int_equal(seen[i].modid, told[i].modid);
			assert_int_equal(seen[i].offset, told[i].offset);
		}
		assert_true(seen[libc_of(&s)].known);
		hs_link_map_list_release(&maps);
		hs_note_list_release(&notes);
		clear_scene(&s);
	}
}

static void built_in_rows_fit_where_nothing_is_described(void **state)
{
	(void)state;
	static const char *const names[] = { "threads", "threads-m32" };
	for (size_t n = 0; n < 2; n++) {
		struct scene s;
		struct hs_runtime runtime;
		struct hs_thread_offsets known, guess;
		set_scene(&s, names[n], NULL);
		hs_runtime_find(s.target, s.syms, &runtime);
		assert_int_equal(hs_thread_offsets_find(s.target, s.syms,
							&runtime, &known, NULL),
				 HS_OK);
		guess = known;
		guess.list = guess.tid = HS_NO_OFFSET;
		hs_thread_offsets_guess(
			s.target, s.target->threads.thread[0].tls_base, &guess);
		assert_int_equal(guess.list, known.list);
		assert_int_equal(guess.tid, known.tid);
		clear_scene(&s);
	}
}

static void self_pointers_are_the_live_threads(void **state)
{
	(void)state;
	static const char *const names[] = { "threads", "threads-static",
					     "threads-m32" };
	for (size_t n = 0; n < 3; n++) {
		struct scene s;
		struct hs_thread_offsets none;
		hs_addr *tp;
		size_t count;
		memset(&none, 0xff, sizeof(none));
		set_scene(&s, names[n], NULL);
		assert_int_equal(hs_self_pointers_scan(s.target, &none, &tp,
						       &count, NULL),
				 HS_OK);
		assert_int_equal(count, s.target->threads.count);
		for (size_t i = 0; i < count; i++) {
			bool known = false;
			for (size_t t = 0; t < count; t++)
				known |= s.target->threads.thread[t].tls_base ==
					 tp[i];
			assert_true(known);
		}
		free(tp);
		clear_scene(&s);
	}
}

static void a_module_without_link_map_cannot_be_told(void **state)
{
	(void)state;
	struct scene s;
	hs_addr block;
	struct hs_error err;
	set_scene(&s, "threads", NULL);
	size_t vdso = hs_symbols_module_named(s.syms, "[vdso]", 0);
	ask_tls(&s);
	if (vdso == SIZE_MAX) {
		clear_scene(&s);
		skip();
	}
	assert_int_equal(hs_tls_block(s.tls, 0, vdso, &block, &err),
			 HS_ERR_NO_SYMBOL);
	clear_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_are_where_the_threads_say),
		cmocka_unit_test(variables_of_a_static_program_are_found),
		cmocka_unit_test(variables_of_a_32_bit_program_are_found),
		cmocka_unit_test(all_live_threads_and_no_ended_one_are_listed),
		cmocka_unit_test(
			a_late_library_is_found_by_dtv_or_said_to_be_absent),
		cmocka_unit_test(
			lists_give_the_thread_pointer_that_registers_lack),
		cmocka_unit_test(without_registers_the_lists_give_all_threads),
		cmocka_unit_test(a_thread_on_one_list_only_is_noted),
		cmocka_unit_test(a_list_that_bites_its_tail_ends_with_a_note),
		cmocka_unit_test(
			a_damaged_dtv_is_noted_and_the_static_offset_used),
		cmocka_unit_test(
			link_map_members_are_recognised_without_any_description),
		cmocka_unit_test(built_in_rows_fit_where_nothing_is_described),
		cmocka_unit_test(self_pointers_are_the_live_threads),
		cmocka_unit_test(a_module_without_link_map_cannot_be_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
