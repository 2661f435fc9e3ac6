/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "support/twin.h"
#include "symbols/dwarf_types.h"
#include "symbols/elf_file.h"

/* Structs of every shape; the compiler's offsetof() is the truth. */

typedef struct {
	int first;
	double second;
} nameless;

typedef nameless renamed;
typedef uint16_t grid_row[5];

struct elsewhere; /* never completed here */

struct inner {
	char tag;
	void *pointer;
	const volatile renamed *const *deep;
};

enum colour { RED, GREEN };

struct shapes {
	uint8_t byte;
	union {
		struct inner header;
		struct {
			uint64_t hidden;
			uint32_t hidden_too[3];
		};
		void *padding[24];
	};
	nameless embedded;
	struct inner several[7];
	int64_t matrix[3][4];
	grid_row rows[2];
	enum colour colour;
	unsigned flag : 3;
	struct elsewhere *opaque;
	void (*function)(int);
	struct shapes *next;
	const char text[];
};

/* As in support/twin.c by name only. */
struct twin {
	short value;
};

/* Kept, so that the compiler describes them. */
static struct shapes shapes;
static struct twin twin;

static struct hs_member_query ask(const char *type, const char *member,
				  const char *prefer)
{
	struct hs_member_query q = { .type = type, .member = member };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(hs_dwarf_members(fd, prefer, &q, 1, NULL), HS_OK);
	assert_int_equal(close(fd), 0);
	return q;
}

/* The test program may have been built without debug info. */
static int need_dwarf(void **state)
{
	(void)state;
	struct hs_elf_file *file;
	if (hs_elf_file_open("/proc/self/exe", &file, NULL))
		return -1;
	bool has = hs_elf_file_has_dwarf(file);
	hs_elf_file_close(file);
	if (!has) {
		(void)fprintf(stderr, "skipped: built without debug info\n");
		exit(77);
	}
	/* An address that escapes keeps the variables alive. */
	*state = twin_home ? (void *)&shapes : (void *)&twin;
	return 0;
}

#define CHECK(path, elements)                                                  \
	do {                                                                   \
		struct hs_member_query q = ask("shapes", #path, NULL);         \
		assert_true(q.found);                                          \
		assert_int_equal(q.offset, offsetof(struct shapes, path));     \
		assert_int_equal(q.size, sizeof(shapes.path));                 \
		assert_int_equal(q.count, elements);                           \
	} while (0)

static void members_are_where_the_compiler_puts_them(void **state)
{
	(void)state;
	CHECK(byte, 1);
	CHECK(embedded, 1);
	CHECK(colour, 1);
	CHECK(opaque, 1);
	CHECK(function, 1);
	CHECK(next, 1);
}

static void arrays_have_a_length_and_dimensions_multiply(void **state)
{
	(void)state;
	CHECK(several, 7);
	CHECK(matrix, 12);
	CHECK(rows, 10);
}

static void paths_lead_into_structs_and_arrays(void **state)
{
	(void)state;
	CHECK(header.pointer, 1);
	CHECK(embedded.second, 1);
	struct hs_member_query q = ask("shapes", "several.deep", NULL);
	assert_true(q.found);
	assert_int_equal(q.offset, offsetof(struct shapes, several) +
					   offsetof(struct inner, deep));
}

static void members_of_anonymous_structs_belong_to_the_outer_one(void **state)
{
	(void)state;
	CHECK(hidden, 1);
	CHECK(hidden_too, 3);
	CHECK(padding, 24);
}

static void a_flexible_array_has_no_elements(void **state)
{
	(void)state;
	struct hs_member_query q = ask("shapes", "text", NULL);
	assert_true(q.found);
	assert_int_equal(q.offset, offsetof(struct shapes, text));
	assert_int_equal(q.size, 0);
	assert_int_equal(q.count, 0);
}

static void a_type_has_a_size_also_by_its_typedef(void **state)
{
	(void)state;
	struct hs_member_query q = ask("shapes", NULL, NULL);
	assert_true(q.found);
	assert_int_equal(q.size, sizeof(struct shapes));
	q = ask("nameless", NULL, NULL);
	assert_true(q.found);
	assert_int_equal(q.size, sizeof(nameless));
	q = ask("renamed", "second", NULL);
	assert_true(q.found);
	assert_int_equal(q.offset, offsetof(renamed, second));
}

static void what_is_not_there_is_not_found(void **state)
{
	(void)state;
	assert_false(ask("shapes", "no_such_member", NULL).found);
	assert_false(ask("shapes", "flag", NULL).found); /* a bit field */
	assert_false(ask("shapes", "byte.more", NULL).found);
	assert_false(ask("shapes", "next.byte", NULL).found); /* a pointer */
	assert_false(ask("shapes", "", NULL).found);
	assert_false(ask("shapes", ".", NULL).found);
	assert_false(ask("shapes", "header.", NULL).found);
	assert_false(ask("elsewhere", NULL, NULL).found);
	assert_false(ask("no_such_type", NULL, NULL).found);
	assert_false(ask("", NULL, NULL).found);
}

static void the_unit_of_the_preferred_variable_decides(void **state)
{
	(void)state;
	struct hs_member_query q = ask("twin", "value", "twin_home");
	assert_true(q.found);
	assert_int_equal(q.offset, twin_value_offset);
	assert_int_equal(ask("twin", NULL, "twin_home").size, twin_size);
	assert_int_equal(ask("twin", NULL, "shapes").size, sizeof(twin));
	/* a variable that nobody defines decides nothing */
	assert_true(ask("twin", NULL, "no_such_variable").found);
}

static void many_questions_are_answered_in_one_pass(void **state)
{
	(void)state;
	struct hs_member_query q[] = {
		{ .type = "shapes", .member = "matrix", .found = true },
		{ .type = "inner", .member = "pointer" },
		{ .type = "absent", .member = "x", .found = true },
		{ .type = "shapes" },
	};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(hs_dwarf_members(fd, NULL, q, 4, NULL), HS_OK);
	assert_int_equal(close(fd), 0);
	assert_true(q[0].found);
	assert_int_equal(q[1].offset, offsetof(struct inner, pointer));
	assert_false(q[2].found);
	assert_int_equal(q[3].size, sizeof(struct shapes));
}

static void a_file_without_dwarf_is_said_to_have_none(void **state)
{
	(void)state;
	struct hs_member_query q = { .type = "shapes" };
	struct hs_error err;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(hs_dwarf_members(fd, NULL, &q, 1, &err),
			 HS_ERR_NO_SYMBOL);
	assert_false(q.found);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_where_the_compiler_puts_them),
		cmocka_unit_test(arrays_have_a_length_and_dimensions_multiply),
		cmocka_unit_test(paths_lead_into_structs_and_arrays),
		cmocka_unit_test(
			members_of_anonymous_structs_belong_to_the_outer_one),
		cmocka_unit_test(a_flexible_array_has_no_elements),
		cmocka_unit_test(a_type_has_a_size_also_by_its_typedef),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(the_unit_of_the_preferred_variable_decides),
		cmocka_unit_test(many_questions_are_answered_in_one_pass),
		cmocka_unit_test(a_file_without_dwarf_is_said_to_have_none),
	};
	return cmocka_run_group_tests(tests, need_dwarf, NULL);
}
