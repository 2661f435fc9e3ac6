/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "symbols/coroutine_names.h"
#include "symbols/cxx_names.h"

static void shortens(const char *name, const char *expected)
{
	char buf[1024];
	assert_true(hs_cxx_shorten(name, buf, sizeof(buf)));
	assert_string_equal(buf, expected);
}

static void a_string_has_its_own_name(void **state)
{
	(void)state;
	shortens("std::__cxx11::basic_string<char, std::char_traits<char>, "
		 "std::allocator<char> >",
		 "std::string");
	shortens("std::__1::basic_string<wchar_t, std::__1::char_traits<"
		 "wchar_t>, std::__1::allocator<wchar_t>>",
		 "std::__1::wstring");
	shortens("Box<std::basic_ostream<char, std::char_traits<char> >*>",
		 "Box<std::ostream*>");
}

static void default_arguments_are_left_out(void **state)
{
	(void)state;
	shortens("std::map<int, T, std::less<int>, "
		 "std::allocator<std::pair<int const, T> > >",
		 "std::map<int, T>");
	shortens("std::unique_ptr<A[], std::default_delete<A[]> >",
		 "std::unique_ptr<A[]>");
	/* What follows one that is not must be said. */
	shortens("std::unordered_map<int, T, Mine, std::equal_to<int>, "
		 "std::allocator<std::pair<int const, T> > >",
		 "std::unordered_map<int, T, Mine>");
	shortens("std::vector<int, Pool<int> >", "std::vector<int, Pool<int>>");
	/* Another's template may have another default. */
	shortens("my::vector<int, std::allocator<int> >",
		 "my::vector<int, std::allocator<int>>");
}

static void compilers_and_the_demangler_agree(void **state)
{
	(void)state;
	shortens("A<std::array<char const*, 4ul> >",
		 "A<std::array<const char*, 4>>");
	shortens("A<std::array<const char *, 4> >",
		 "A<std::array<const char*, 4>>");
	shortens("A<long unsigned int, short int>", "A<unsigned long, short>");
	shortens("A<char* const>", "A<char* const>");
	shortens("F<long int(long int, const char *)>",
		 "F<long (long, const char*)>");
	shortens("F<long (long, char const*)>", "F<long (long, const char*)>");
	shortens("F<void (A::*)(long int) const>",
		 "F<void (A::*)(long) const>");
	shortens("F<void (*)(std::map<int, long int>)>",
		 "F<void (*)(std::map<int, long>)>");
	shortens("run(int)::Local", "run(int)::Local");
	shortens("F<run(int)::Local, 2>", "F<run(int)::Local, 2>");
	shortens("F<run()::<lambda(long int)> >", "F<run()::{lambda(long)}>");
	shortens("F<run()::{lambda(long)#1}>", "F<run()::{lambda(long)#1}>");
	shortens("run()::<lambda(std::string)>",
		 "run()::{lambda(std::string)}");
	shortens("F<(lambda at /a/b, c.cc:3:5)>",
		 "F<(lambda at /a/b, c.cc:3:5)>");
	shortens("P<T, (__gnu_cxx::_Lock_policy)2>",
		 "P<T, __gnu_cxx::_S_atomic>");
}

static void abi_tags_are_left_out(void **state)
{
	(void)state;
	shortens("std::__1::__emplace[abi:nqe230104]<A, std::__1::allocator<A> "
		 ">",
		 "std::__1::__emplace<A, std::__1::allocator<A>>");
	shortens("app::Tagged[abi:v2][abi:v3]::Inner", "app::Tagged::Inner");
	shortens("A<int[abi:4]", "A<int");
	shortens("A<B[abi:", "A<B");
}

static void brackets_are_written_in_one_way(void **state)
{
	(void)state;
	shortens("(anonymous namespace)::Hidden<int>::Inner",
		 "(anonymous namespace)::Hidden<int>::Inner");
	shortens("main::{lambda(A<int>)#1}", "main::{lambda(A<int>)#1}");
	shortens("f<int>(int)::<lambda(B<C, D>)>",
		 "f<int>(int)::{lambda(B<C, D>)}");
	shortens("std::function<void (int, char const*)>",
		 "std::function<void (int, const char*)>");
	shortens("A::operator<", "A::operator<");
	shortens("A<<<B", "A<<<B");
	shortens(">,<", ">,<");
	shortens("", "");
}

static void rust_is_written_without_the_paths_that_all_know(void **state)
{
	(void)state;
	char buf[256];
	static const char *const names[][2] = {
		{ "alloc::vec::Vec<app::Part, alloc::alloc::Global>",
		  "Vec<app::Part>" },
		{ "core::option::Option<alloc::boxed::Box<dyn app::T, "
		  "alloc::alloc::Global>>",
		  "Option<Box<dyn app::T>>" },
		{ "std::collections::hash::map::HashMap<u32, "
		  "alloc::string::String, std::hash::random::RandomState>",
		  "HashMap<u32, String>" },
		{ "my::alloc::vec::Vec<u8>", "my::alloc::vec::Vec<u8>" },
		{ "(u32, app::Part)", "(u32, app::Part)" },
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_true(hs_rust_shorten(names[i][0], buf, sizeof(buf)));
		assert_string_equal(buf, names[i][1]);
	}
	assert_false(hs_rust_shorten("app::Part", buf, 9));
}

static void what_does_not_fit_is_no_name(void **state)
{
	(void)state;
	char buf[8];
	assert_false(hs_cxx_shorten("Box<int, int>", buf, sizeof(buf)));
	assert_true(hs_cxx_shorten("Box<int", buf, sizeof(buf)));
	assert_false(hs_cxx_shorten("Box<int>", buf, sizeof(buf)));
}

static void is_frame(const char *symbol, enum hs_coroutine_part part,
		     const char *expected)
{
	char buf[1024];
	assert_int_equal(hs_coroutine_of_symbol(symbol, buf, sizeof(buf)),
			 part);
	if (part != HS_COROUTINE_NONE)
		assert_string_equal(buf, expected);
}

static void a_coroutine_has_one_name_whoever_compiled_it(void **state)
{
	(void)state;
	char buf[1024];
	const char *serve = "coroutine frame of app::serve(app::conn*, int)";
	is_frame("_ZN3app5serveEPZNS_5serveEPNS_4connEiE31_"
		 "ZN3app5serveEPNS_4connEi.Frame.actor",
		 HS_COROUTINE_RESUMES, serve);
	is_frame("_ZN3app5serveEPZNS_5serveEPNS_4connEiE31_"
		 "ZN3app5serveEPNS_4connEi.Frame.destroy",
		 HS_COROUTINE_DESTROYS, serve);
	is_frame("_ZN3app5serveEPNS_4connEi.resume", HS_COROUTINE_RESUMES,
		 serve);
	is_frame("_ZN3app5serveEPNS_4connEi.destroy", HS_COROUTINE_DESTROYS,
		 serve);
	assert_true(hs_coroutine_of_struct(
		"_ZN3app5serveEPNS_4connEi.Frame",
		"app::_ZN3app5serveEPNS_4connEi.Frame", buf, sizeof(buf)));
	assert_string_equal(buf, serve);
	assert_true(hs_coroutine_of_struct(
		"__coro_frame_ty",
		"app::serve(app::conn*, int)::__coro_frame_ty", buf,
		sizeof(buf)));
	assert_string_equal(buf, serve);
	assert_true(hs_is_coroutine_frame(
		"_ZN3app5serveEPNS_4connEi.coro_frame_ty"));
	assert_true(hs_coroutine_of_struct(
		"_ZN3app5serveEPNS_4connEi.coro_frame_ty",
		"_ZN3app5serveEPNS_4connEi.coro_frame_ty", buf, sizeof(buf)));
	assert_string_equal(buf, serve);
	/* Without the type that it returns, and the default arguments. */
	is_frame("_ZN3app4passIiEENS_4taskIT_EES2_St6vectorIS2_SaIS2_EE.resume",
		 HS_COROUTINE_RESUMES,
		 "coroutine frame of app::pass<int>(int, std::vector<int>)");
}

static void other_functions_are_no_coroutines(void **state)
{
	(void)state;
	char buf[16];
	is_frame("_ZN3app5serveEPNS_4connEi", HS_COROUTINE_NONE, NULL);
	is_frame("_ZN3app5serveEPNS_4connEi.cleanup", HS_COROUTINE_NONE, NULL);
	is_frame("_ZN3app5serveEPNS_4connEi.cold", HS_COROUTINE_NONE, NULL);
	is_frame("_Z.resume", HS_COROUTINE_NONE, NULL);
	is_frame("thread.resume", HS_COROUTINE_NONE, NULL);
	is_frame("_Z.Frame.actor", HS_COROUTINE_NONE, NULL);
	is_frame("_Z99999999999999999999_ZN3app5serveEv.Frame.actor",
		 HS_COROUTINE_NONE, NULL);
	is_frame("_ZN3app5tableE.resume", HS_COROUTINE_NONE, NULL);
	assert_false(hs_is_coroutine_frame("_Z"));
	assert_false(hs_is_coroutine_frame(".Frame"));
	assert_false(hs_is_coroutine_frame("app.Frame"));
	assert_false(hs_coroutine_of_struct(
		"__coro_frame_ty", "::__coro_frame_ty", buf, sizeof(buf)));
	/* It does not fit. */
	assert_int_equal(hs_coroutine_of_symbol("_ZN3app5serveEi.resume", buf,
						sizeof(buf)),
			 HS_COROUTINE_NONE);
}

static void a_class_is_told_by_its_functions(void **state)
{
	(void)state;
	char buf[256];
	static const char *const pairs[][2] = {
		{ "app::Box<int>::open(int) const", "app::Box<int>" },
		{ "main::$_0::operator()(int) const", "main::$_0" },
		{ "app::loop::add(app::conn*)::{lambda(int)#1}::operator()(int)"
		  " const",
		  "app::loop::add(app::conn*)::{lambda(int)#1}" },
		{ "Box<main::$_0, void (int)>::destroy()",
		  "Box<main::$_0, void (int)>" },
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		assert_true(hs_cxx_class_of(pairs[i][0], buf, sizeof(buf)));
		assert_string_equal(buf, pairs[i][1]);
	}
	/* A plain function; one whose result is written, too; no function. */
	assert_false(hs_cxx_class_of("main()", buf, sizeof(buf)));
	assert_false(hs_cxx_class_of("void Box<int>::put<long>(long)", buf,
				     sizeof(buf)));
	assert_false(hs_cxx_class_of("", buf, sizeof(buf)));
	assert_false(hs_cxx_class_of(")", buf, sizeof(buf)));
	assert_false(hs_cxx_class_of("::x()", buf, sizeof(buf)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_string_has_its_own_name),
		cmocka_unit_test(default_arguments_are_left_out),
		cmocka_unit_test(compilers_and_the_demangler_agree),
		cmocka_unit_test(abi_tags_are_left_out),
		cmocka_unit_test(brackets_are_written_in_one_way),
		cmocka_unit_test(
			rust_is_written_without_the_paths_that_all_know),
		cmocka_unit_test(what_does_not_fit_is_no_name),
		cmocka_unit_test(a_coroutine_has_one_name_whoever_compiled_it),
		cmocka_unit_test(other_functions_are_no_coroutines),
		cmocka_unit_test(a_class_is_told_by_its_functions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
