/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "support/fake_target.h"
#include "symbols/demangle.h"
#include "types/swift_mangling.h"

/*
 * The demangler against what swift-demangle wrote of the same names: lines of
 * a mangled type, a tab, its text (types/swift_names.txt, by
 * fixtures/swift/names.py), and of symbols (types/swift_symbols.txt). With a
 * file as argument every difference in that is printed instead, and a sum; a
 * file of symbols comes after "symbols".
 */
#define TEXT UINT64_C(0x7f5500000000)
#define ROOM 4096u

struct names {
	struct fake_target target;
	uint8_t bytes[ROOM];
	unsigned same, unknown, wrong;
};

static void names_init(struct names *names)
{
	memset(names, 0, sizeof(*names));
	fake_target_init(&names->target, HS_ARCH_X86_64);
	fake_target_map(&names->target, TEXT, names->bytes, ROOM, FAKE_RW);
	fake_target_finish(&names->target);
}

static bool demangle(struct names *names, const char *mangled, char *buf,
		     size_t size)
{
	struct hs_naming n = { .target = &names->target.base,
			       .missing_module = SIZE_MAX };
	struct hs_text text;
	size_t len = strlen(mangled) + 1;
	assert_in_range(len, 1, ROOM);
	memcpy(names->bytes, mangled, len);
	hs_window_init(&n.block, n.target);
	hs_window_init(&n.meta, n.target);
	hs_text_init(&text, buf, size);
	return hs_swift_demangle(&n, TEXT, NULL, &text);
}

/* How long the one type at TEXT is, up to the bracket that closes; 0: there is
 * more than one, or a function. */
static size_t closes_after(const char *text)
{
	unsigned depth = 0;
	for (size_t i = 0; text[i]; i++) {
		bool arrow = i && text[i] == '>' && text[i - 1] == '-';
		if (text[i] == ')' && !depth)
			return i;
		if (strchr("<(", text[i]))
			depth++;
		else if (strchr(">)", text[i]) && !arrow)
			depth--;
		else if (!depth && (arrow || strchr(",&:", text[i])))
			return 0;
	}
	return 0;
}

/* "(any A & B)?" -> "(A & B)?", "(any A)?" -> "A?", "(any A).Protocol" ->
 * "A.Protocol": the tool leaves out what source has. */
static void drop_any(char *text)
{
	char *at;
	while ((at = strstr(text, "any ")))
		memmove(at, at + 4, strlen(at + 4) + 1);
	for (at = text; (at = strchr(at, '(')); at++) {
		size_t len = closes_after(at + 1);
		if ((at > text && at[-1] == '.') || !len ||
		    !strchr("?.", at[len + 2]) || !at[len + 2])
			continue;
		memmove(at + 1 + len, at + 2 + len, strlen(at + 2 + len) + 1);
		memmove(at, at + 1, strlen(at));
	}
}

/* Every line of the file at PATH. */
static void compare(struct names *names, const char *path, bool verbose)
{
	char line[2 * ROOM], text[HS_LIMIT_TYPE_NAME];
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *expected = strchr(line, '\t');
		if (line[0] == '#' || !expected)
			continue;
		*expected++ = 0;
		expected[strcspn(expected, "\n")] = 0;
		if (!demangle(names, line, text, sizeof(text))) {
			names->unknown++;
			if (verbose)
				(void)printf("unknown %s\t%s\n", line,
					     expected);
			continue;
		}
		drop_any(text);
		if (strcmp(text, expected) == 0) {
			names->same++;
		} else {
			names->wrong++;
			(void)printf("wrong %s\n\t%s\n\t%s\n", line, text,
				     expected);
		}
	}
	(void)fclose(file);
}

static void names_are_what_swift_demangle_says(void **state)
{
	(void)state;
	struct names names;
	char path[4096];
	const char *source = getenv("SOURCE");
	(void)snprintf(path, sizeof(path), "%s/tests/types/swift_names.txt",
		       source ? source : ".");
	names_init(&names);
	compare(&names, path, false);
	fake_target_release(&names.target);
	assert_int_equal(names.wrong, 0);
	assert_int_equal(names.unknown, 0);
	assert_true(names.same > 300);
}

static void read_symbols(struct names *names, const char *path, bool verbose)
{
	char line[2 * ROOM], text[ROOM];
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *expected = strchr(line, '\t');
		if (line[0] == '#' || !expected)
			continue;
		*expected++ = 0;
		expected[strcspn(expected, "\n")] = 0;
		if (!hs_demangle(line, text, sizeof(text))) {
			names->unknown++;
			if (verbose)
				(void)printf("unknown %s\t%s\n", line,
					     expected);
		} else if (strcmp(text, expected) != 0) {
			names->wrong++;
			(void)printf("wrong %s\n\t%s\n\t%s\n", line, text,
				     expected);
		} else {
			names->same++;
		}
	}
	(void)fclose(file);
}

static void symbols_are_what_swift_demangle_says(void **state)
{
	(void)state;
	struct names names = { .same = 0 };
	char path[4096];
	const char *source = getenv("SOURCE");
	(void)snprintf(path, sizeof(path), "%s/tests/types/swift_symbols.txt",
		       source ? source : ".");
	read_symbols(&names, path, false);
	assert_int_equal(names.wrong, 0);
	assert_int_equal(names.unknown, 0);
	assert_true(names.same > 400);
}

/* Names that are all repetition, or refer to nothing. */
static void a_symbol_that_makes_no_sense_is_none(void **state)
{
	(void)state;
	static const char *const names[] = {
		"$s",           "$sF",
		"$s3app",       "$sA_",
		"$s9999S",      "$s3app99999Ab",
		"$s3appTfnn_n", "$sSSSS",
		"$sSS500S",     "$s0a",
		"$sSSSgG",      "$s3app1fyyFTf0",
		"$sTA",         "$s3app1fyyFTg9",
		"$s3app1foiF",  "$sIeg",
	};
	char text[64] = "as it was";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_false(hs_demangle(names[i], text, sizeof(text)));
		assert_string_equal(text, "as it was");
	}
}

/* Cut off anywhere, a name is another name or none: never text and more. */
static void a_name_that_is_cut_short_ends(void **state)
{
	(void)state;
	const char *whole = "SDySS4demo3BoxCySayAC5InnerVyx_GGGSg_SbtSgKc";
	char cut[64], text[HS_LIMIT_TYPE_NAME];
	struct names names;
	names_init(&names);
	for (size_t len = 0; len < strlen(whole); len++) {
		memcpy(cut, whole, len);
		cut[len] = 0;
		text[0] = 0;
		bool ok = demangle(&names, cut, text, sizeof(text));
		assert_int_equal(ok, text[0] != 0);
	}
	fake_target_release(&names.target);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_what_swift_demangle_says),
		cmocka_unit_test(a_name_that_is_cut_short_ends),
		cmocka_unit_test(symbols_are_what_swift_demangle_says),
		cmocka_unit_test(a_symbol_that_makes_no_sense_is_none),
	};
	if (argc < 2)
		return cmocka_run_group_tests(tests, NULL, NULL);
	struct names names;
	names_init(&names);
	if (argc > 2)
		read_symbols(&names, argv[2], true);
	else
		compare(&names, argv[1], true);
	(void)printf("%u the same, %u not known, %u wrong\n", names.same,
		     names.unknown, names.wrong);
	fake_target_release(&names.target);
	return names.wrong > 0;
}
