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
#include "types/cxx_name.h"
#include "types/swift_mangling.h"
#include "types/swift_object.h"
#include "types/swift_runtime.h"

static void an_object_is_named_by_its_vtable(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	world_put_cxx_class(w, 0x300);
	world_put_text(w, 0x300, "N3app7DerivedE");
	world_put(w, w->user[1], MODULE + 0x20);
	world_name(w);
	assert_string_equal(world_name_of(w, 1), "app::Derived");
	assert_string_equal(world_name_of(w, 2), "");
	world_free(w);
}

static void a_free_chunk_has_no_name(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	world_put_cxx_class(w, 0x300);
	world_put_text(w, 0x300, "N3app7DerivedE");
	world_put(w, w->user[9],
		  MODULE + 0x20); /* a vptr that nobody cleared */
	world_name(w);
	assert_string_equal(world_name_of(w, 9), "");
	world_free(w);
}

static void a_vtable_of_a_second_base_names_nothing(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	world_put_cxx_class(w, 0x300);
	world_put_text(w, 0x300, "N3app7DerivedE");
	world_put(w, MODULE + 0x10,
		  (uint64_t)-16); /* the object begins before */
	world_put(w, w->user[1], MODULE + 0x20);
	world_name(w);
	assert_string_equal(world_name_of(w, 1), "");
	world_free(w);
}

static void objects_without_captured_names_are_counted(void **state)
{
	(void)state;
	struct world *w = world_new(0x400);
	struct hs_types_summary s;
	world_put_cxx_class(w, MODULE_LEN - 0x300);
	for (int i = 0; i < 3; i++)
		world_put(w, w->user[i], MODULE + 0x20);
	world_name(w);
	hs_types_summary(w->types, &s);
	assert_string_equal(world_name_of(w, 0), "");
	assert_int_equal(s.nameless, 3);
	assert_int_equal(s.missing_module,
			 hs_target_find_module(&w->hb.target.base, MODULE));
	world_free(w);
}

static void new_of_an_array_is_named_as_a_whole(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	world_put_cxx_class(w, 0x300);
	world_put_text(w, 0x300, "N3app7DerivedE");
	world_put(w, w->user[1], 3);
	for (int i = 0; i < 3; i++)
		world_put(w, w->user[1] + 8 + 16 * (hs_addr)i, MODULE + 0x20);
	world_put(w, w->user[2], 3); /* one vptr is missing */
	world_put(w, w->user[2] + 8, MODULE + 0x20);
	world_put(w, w->user[2] + 24, MODULE + 0x20);
	world_name(w);
	assert_string_equal(world_name_of(w, 1), "app::Derived[]");
	assert_string_equal(world_name_of(w, 2), "");
	world_free(w);
}

static void a_ring_needs_a_list_that_counts_it(void **state)
{
	(void)state;
	for (uint64_t wrong = 0; wrong < 2; wrong++) {
		struct world *w = world_new(0);
		world_put_cxx_class(w, 0x300); /* there is C++ here */
		world_put_text(w, 0x300, "N3app7DerivedE");
		world_put(w, w->user[0], MODULE + 0x20);
		/* head in block 4, nodes 1 to 3 */
		static const int ring[] = { 4, 1, 2, 3 };
		for (int i = 0; i < 4; i++) {
			world_put(w, w->user[ring[i]],
				  w->user[ring[(i + 1) % 4]]);
			world_put(w, w->user[ring[i]] + 8,
				  w->user[ring[(i + 3) % 4]]);
			world_put(w, w->user[ring[i]] + 16,
				  i ? 100 : 3 + wrong);
		}
		world_name(w);
		/* Without that, a ring is a ring, whoever has it. */
		const char *plain = "56-byte list node, links +0 and +8";
		assert_string_equal(world_name_of(w, 2),
				    wrong ? plain : "std::list node");
		assert_string_equal(world_name_of(w, 4), wrong ? plain : "");
		world_free(w);
	}
}

static void a_tree_needs_a_header_that_counts_it(void **state)
{
	(void)state;
	for (uint64_t wrong = 0; wrong < 2; wrong++) {
		struct world *w = world_new(0);
		world_put_cxx_class(w, 0x300);
		world_put_text(w, 0x300, "N3app7DerivedE");
		world_put(w, w->user[0], MODULE + 0x20);
		hs_addr head = w->user[1], root = w->user[2], left = w->user[3];
		world_put(w, head + 8, root);
		world_put(w, head + 16, left);
		world_put(w, head + 24, root);
		world_put(w, head + 32, 2 + wrong);
		world_put(w, root,
			  UINT64_C(0xdeadbeef00000001)); /* colour, rubbish */
		world_put(w, root + 8, head);
		world_put(w, root + 16, left);
		world_put(w, left + 8, root);
		world_name(w);
		const char *name = wrong ? "" : "std::map or std::set node";
		assert_string_equal(world_name_of(w, 2), name);
		assert_string_equal(world_name_of(w, 3), name);
		world_free(w);
	}
}

static void strings_are_named_only_when_they_fill_their_block(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	char text[56];
	for (int block = 1; block < 4; block++) {
		/* full; too short for the block; with a control character */
		memset(text, 'x', sizeof(text));
		text[block == 2 ? 20 : 50] = 0;
		if (block == 3)
			text[7] = 1;
		for (unsigned i = 0; i < sizeof(text); i++)
			fake_target_put_uint(&w->hb.target, w->user[block] + i,
					     1, (uint8_t)text[i]);
	}
	world_name(w);
	assert_string_equal(world_name_of(w, 1), "text");
	assert_string_equal(world_name_of(w, 2), "");
	assert_string_equal(world_name_of(w, 3), "");
	world_free(w);
}

static void a_string_in_two_regions_of_a_dump_is_one(void **state)
{
	(void)state;
	for (unsigned cut = 1; cut < 56; cut++) {
		struct world *w = world_new(0);
		struct fake_target *t = &w->hb.target;
		for (unsigned i = 0; i < 50; i += 2)
			fake_target_put_uint(t, w->user[1] + i, 2, 0xa9c3);
		struct hs_span_list *l = &t->base.spans;
		struct hs_span *s = l->span;
		while (w->user[1] - s->start >= s->len)
			s++;
		struct hs_span rest = *s;
		s->len = w->user[1] + cut - s->start;
		rest.start += s->len;
		rest.bytes += s->len;
		rest.len -= s->len;
		assert_int_equal(hs_span_list_add(l, rest, NULL), HS_OK);
		assert_int_equal(hs_span_list_sort(l, NULL, NULL), HS_OK);
		world_name(w);
		assert_string_equal(world_name_of(w, 1), "text");
		world_free(w);
	}
}

static void what_a_thread_cache_left_behind_is_no_text(void **state)
{
	(void)state;
	const struct {
		uint64_t word;
		const char *name;
	} t[] = {
		{ TEXTUAL + 0xc3c, "" },
		{ TEXTUAL + 0x10000000c3c, "text" }, /* nothing is there */
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct world *w = world_new(0);
		hs_addr user = w->user[SMALL_BLOCK];
		for (unsigned k = 0; k < 24; k += 8)
			world_put(w, user + k, 0);
		world_put(w, user, t[i].word ^ user >> 12);
		world_name(w);
		assert_string_equal(world_name_of(w, SMALL_BLOCK), t[i].name);
		world_free(w);
	}
}

static void a_pointer_is_no_text_though_its_bytes_are_characters(void **state)
{
	(void)state;
	const struct {
		uint64_t word;
		const char *name;
	} t[] = {
		{ TEXTUAL + 0x142, "" },       /* "B1<<CC": memory of ours */
		{ TEXTUAL + 0x100142, "text" } /* nothing is there */
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct world *w = world_new(0);
		for (unsigned k = 0; k < 24; k += 8)
			world_put(w, w->user[SMALL_BLOCK] + k, 0);
		world_put(w, w->user[SMALL_BLOCK], t[i].word);
		world_name(w);
		assert_string_equal(world_name_of(w, SMALL_BLOCK), t[i].name);
		world_free(w);
	}
}

static void demangle(struct world *w, const char *mangled, const char *expected)
{
	struct hs_naming n = { .target = &w->hb.target.base };
	char buf[256];
	struct hs_text text;
	hs_window_init(&n.block, n.target);
	hs_window_init(&n.meta, n.target);
	hs_text_init(&text, buf, sizeof(buf));
	world_put_text(w, 0x700, mangled);
	bool ok = hs_swift_demangle(&n, MODULE + 0x700, NULL, &text);
	assert_string_equal(ok ? buf : "-", expected);
}

static void swift_types_are_written_as_in_source(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	demangle(w, "Si", "Swift.Int");
	demangle(w, "SSSg", "Swift.String?");
	demangle(w, "SaySiG", "Swift.Array<Swift.Int>");
	demangle(w, "SDySSSaySiGG",
		 "Swift.Dictionary<Swift.String, Swift.Array<Swift.Int>>");
	demangle(w, "Si_SSt", "(Swift.Int, Swift.String)");
	demangle(w, "Si1a_SS1bt", "(a: Swift.Int, b: Swift.String)");
	demangle(w, "4demo4NodeCSgXw", "weak demo.Node?");
	demangle(w, "4demo4NodeCXo", "unowned demo.Node");
	demangle(w, "4demo5OuterV5InnerO", "demo.Outer.Inner");
	demangle(w, "ySic", "(Swift.Int) -> ()");
	demangle(w, "SiSS_SbtKc",
		 "(Swift.String, Swift.Bool) throws -> Swift.Int");
	demangle(w, "yycSg", "(() -> ())?");
	demangle(w, "yp", "Any");
	demangle(w, "yXl", "Swift.AnyObject");
	demangle(w, "4demo5ShapeP_p", "any demo.Shape");
	demangle(w, "4demo4NodeC_ACt", "(demo.Node, demo.Node)");
	demangle(w, "x", "A");
	demangle(w, "Bo", "Builtin.NativeObject");
	world_free(w);
}

static void what_is_no_swift_type_gets_no_name(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	demangle(w, "", "-");
	demangle(w, "Sg", "-");
	demangle(w, "SiSi", "-");
	demangle(w, "SaySi", "-");
	demangle(w, "99999999999x", "-");
	demangle(w, "\x01\x01\x01\x01\x01", "-");
	demangle(w, "AZ", "-");
	demangle(w, "GGGG", "-");
	demangle(w, "yyyyt", "-");
	world_free(w);
}

static void check_refs(struct world *w, uint64_t word, bool ok, uint64_t strong,
		       uint64_t unowned, bool immortal)
{
	struct hs_naming n = { .target = &w->hb.target.base };
	struct hs_swift_refs refs;
	hs_window_init(&n.meta, n.target);
	assert_int_equal(hs_swift_refs(&n, word, &refs), ok);
	if (!ok)
		return;
	assert_int_equal(refs.immortal, immortal);
	if (immortal)
		return;
	assert_int_equal(refs.strong, strong);
	assert_int_equal(refs.unowned, unowned);
}

static void swift_counts_are_read_in_all_their_forms(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	check_refs(w, 3, true, 1, 0, false);
	check_refs(w, UINT64_C(0x9c4000000003), true, 20001, 0, false);
	check_refs(w, UINT64_C(0x80000004ffffffff), true, 0, 0, true);
	check_refs(w, 0, false, 0, 0, false);
	/* A pointer: more unowned references than memory has room for. */
	check_refs(w, UINT64_C(0x5625fc9c30b0), false, 0, 0, false);
	/* In a side table: three strong, one unowned, two weak. */
	world_put(w, w->user[5], w->user[4]);
	world_put(w, w->user[5] + 16, UINT64_C(2) << 33 | 5);
	world_put(w, w->user[5] + 24, 3);
	check_refs(w, UINT64_C(3) << 62 | w->user[5] >> 3, true, 3, 1, false);
	/* Side table bits that lead nowhere. */
	check_refs(w, UINT64_C(3) << 62 | 0x1000, false, 0, 0, false);
	world_free(w);
}

static void check_closure(struct world *w, const uint64_t *word,
			  uint64_t usable, const char *expected)
{
	struct hs_naming n = { .target = &w->hb.target.base };
	struct hs_block b = { .user = w->user[6],
			      .usable = usable,
			      .first = word[0] };
	char buf[64] = "";
	struct hs_text text;
	hs_addr code;
	hs_window_init(&n.block, n.target);
	hs_window_init(&n.meta, n.target);
	hs_text_init(&text, buf, sizeof(buf));
	for (unsigned i = 0; i < 6; i++)
		world_put(w, b.user + 8 * i, word[i]);
	bool ok = hs_swift_closure_kind(&n, &b, &text, &code);
	assert_string_equal(ok ? buf : "", expected);
}

static void closures_of_the_runtimes_below_swift_are_known(void **state)
{
	(void)state;
	struct world *w = world_new(0);
	/* A block: 48 bytes, with one capture. */
	uint64_t block[6] = { MODULE, 0xc1000002, MODULE + 0x500, MODULE + 0x40,
			      w->user[1] };
	world_put(w, MODULE + 0x48, 48);
	check_closure(w, block, 56, "block");
	check_closure(w, block, 120, "");
	block[1] = 0xc0000002; /* one on a stack */
	check_closure(w, block, 56, "");
	/* What a timer watches: 120 bytes, and its class's name. */
	uint64_t timer[6] = { MODULE + 0x80 };
	world_put(w, MODULE + 0x80, MODULE + 0x700);
	world_put(w, MODULE + 0x80 + 24, 120);
	world_put(w, MODULE + 0x80 + 32, MODULE + 0x500);
	world_put(w, MODULE + 0x80 + 40, MODULE + 0x508);
	world_put_text(w, 0x700, "timer (after)");
	check_closure(w, timer, 120, "dispatch timer (after)");
	check_closure(w, timer, 72, "");
	world_put(w, MODULE + 0x80 + 40, 7);
	check_closure(w, timer, 120, "");
	/* Work: with flags, and with a table of type 0x100. */
	uint64_t work[6] = { 0x104, 4, 0, 0, MODULE + 0x500, w->user[1] };
	check_closure(w, work, 72, "dispatch continuation");
	work[0] = 0x004;
	check_closure(w, work, 72, "");
	uint64_t table[6] = { MODULE + 0xc0, 3, 0, UINT64_MAX };
	world_put(w, MODULE + 0xc0 + 16, 0x100);
	check_closure(w, table, 72, "dispatch continuation");
	table[3] = 1;
	check_closure(w, table, 72, "");
	world_free(w);
}

static void control_blocks_are_called_after_what_they_count(void **state)
{
	(void)state;
	char shown[128];
	assert_int_equal(
		hs_cxx_form("std::_Sp_counted_ptr_inplace<std::pair<int, "
			    "(anonymous namespace)::A>, "
			    "std::allocator<void>, (__gnu_cxx::_Lock_policy)2>",
			    shown, sizeof(shown)),
		HS_CXX_SHARED_INPLACE);
	assert_string_equal(shown, "shared_ptr block of std::pair<int, "
				   "(anonymous namespace)::A>");
	assert_int_equal(hs_cxx_form("std::_Sp_counted_ptr<app::B*, "
				     "(__gnu_cxx::_Lock_policy)2>",
				     shown, sizeof(shown)),
			 HS_CXX_SHARED_SEPARATE);
	assert_string_equal(shown, "shared_ptr block of app::B");
	assert_int_equal(hs_cxx_form("boost::detail::sp_counted_impl_p<app::E>",
				     shown, sizeof(shown)),
			 HS_CXX_SHARED_SEPARATE);
	assert_string_equal(shown, "shared_ptr block of app::E");
	assert_int_equal(hs_cxx_form("std::__1::__function::__func<main::$_0, "
				     "std::__1::allocator<main::$_0>, void ()>",
				     shown, sizeof(shown)),
			 HS_CXX_FUNCTION);
	assert_string_equal(shown, "std::function of main::$_0");
	assert_int_equal(hs_cxx_form("app::C<int>", shown, sizeof(shown)),
			 HS_CXX_OBJECT);
	assert_string_equal(shown, "app::C<int>");
}

static void symbols_of_cxx_and_rust_are_demangled(void **state)
{
	(void)state;
	char buf[64] = "as it was";
	assert_false(hs_demangle("main", buf, sizeof(buf)));
	assert_string_equal(buf, "as it was");
	assert_true(hs_demangle("_ZN3app4Base3runEi", buf, sizeof(buf)));
	assert_string_equal(buf, "app::Base::run(int)");
	assert_true(hs_demangle("_RNvC6_123foo3bar", buf, sizeof(buf)));
	assert_string_equal(buf, "123foo::bar");
	assert_true(
		hs_demangle("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
			    buf, sizeof(buf)));
	assert_string_equal(buf, "core::fmt::Formatter::pad");
}

/* What swift-demangle writes of them, without types and labels. */
static void symbols_of_swift_are_called_after_their_path(void **state)
{
	static const char *const names[][2] = {
		{ "$s3app4bankAA4BankCSgvp", "app.bank" },
		{ "$s3app4BankC3putyySiYaF", "app.Bank.put" },
		{ "$s3app4BankC3putyySiYaFTY0_",
		  "async continuation 1 of app.Bank.put" },
		{ "$s3srv6WorkerC4spinyySbF", "srv.Worker.spin" },
		{ "$s3srv4NodeCfD", "srv.Node.__deallocating_deinit" },
		{ "$s3srvyyYacfU0_TY2_",
		  "async continuation 3 of closure #2 in srv" },
		{ "$s3srv7Handler_pMF",
		  "reflection metadata field descriptor srv.Handler" },
		/* Cut, or no symbols. */
		{ "$s", "" },
		{ "$s3ap", "" },
		{ "$s99999999999999999999app4bankvp", "" },
		{ "$s3app4bank", "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char buf[64] = "";
		assert_int_equal(hs_demangle(names[i][0], buf, sizeof(buf)),
				 names[i][1][0] != 0);
		assert_string_equal(buf, names[i][1]);
	}
}

static void a_name_that_grows_without_end_is_cut(void **state)
{
	(void)state;
	/* Each argument is a pair of the one before: twice the text. */
	static const char mangled[] =
		"_Z1f1aIiiE1bIS_S_E1cIS0_S0_E1dIS1_S1_E1eIS2_S2_E"
		"1fIS3_S3_E1gIS4_S4_E1hIS5_S5_E1iIS6_S6_E1jIS7_S7_E"
		"1kIS8_S8_E1lIS9_S9_E1mISA_SA_E1nISB_SB_E1oISC_SC_E";
	char buf[256];
	assert_true(hs_demangle(mangled, buf, sizeof(buf)));
	assert_int_equal(strlen(buf), sizeof(buf) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_is_named_by_its_vtable),
		cmocka_unit_test(a_free_chunk_has_no_name),
		cmocka_unit_test(a_vtable_of_a_second_base_names_nothing),
		cmocka_unit_test(objects_without_captured_names_are_counted),
		cmocka_unit_test(new_of_an_array_is_named_as_a_whole),
		cmocka_unit_test(a_ring_needs_a_list_that_counts_it),
		cmocka_unit_test(a_tree_needs_a_header_that_counts_it),
		cmocka_unit_test(
			strings_are_named_only_when_they_fill_their_block),
		cmocka_unit_test(a_string_in_two_regions_of_a_dump_is_one),
		cmocka_unit_test(what_a_thread_cache_left_behind_is_no_text),
		cmocka_unit_test(
			a_pointer_is_no_text_though_its_bytes_are_characters),
		cmocka_unit_test(swift_types_are_written_as_in_source),
		cmocka_unit_test(what_is_no_swift_type_gets_no_name),
		cmocka_unit_test(swift_counts_are_read_in_all_their_forms),
		cmocka_unit_test(
			closures_of_the_runtimes_below_swift_are_known),
		cmocka_unit_test(
			control_blocks_are_called_after_what_they_count),
		cmocka_unit_test(symbols_of_cxx_and_rust_are_demangled),
		cmocka_unit_test(symbols_of_swift_are_called_after_their_path),
		cmocka_unit_test(a_name_that_grows_without_end_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
