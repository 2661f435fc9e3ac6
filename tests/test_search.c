/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/search_world.h"

#define AT 0x7000003u

static uint32_t seed = 1;
static uint32_t dice(uint32_t sides)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % sides;
}

static void what_a_match_must_hold_is_seen_in_plain_patterns(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *literal;
		bool fold;
	} known[] = {
		{ "needle", "needle", false },
		{ "session=[0-9a-f]{8}", "session=", false },
		{ "colou?rs of", "rs of", false },
		{ "ab*cd", "cd", false },
		{ "a+bc", "bc", false },
		{ "x{0,3}tail", "tail", false },
		{ "tail{2}{3}", "tai", false },
		{ "(?:no|yes), sir\\.", ", sir.", false },
		{ "(?<=before)in", "in", false },
		{ "^user: \\w+$", "user: ", false },
		{ "[]a]]bc", "]bc", false },
		{ "(?i)PassWord\\s*=", "password", true },
		/* Nothing is known of these. */
		{ "one|two", "", false },
		{ "a(?i)b", "", false },
		{ "(?x) a b c", "", false },
		{ "\\Qa|b\\E", "", false },
		{ "\\x41bc", "", false },
		{ "\\101bc", "", false },
		{ "(a)(?1)bcd", "", false },
		{ "[[:alpha:]]bcd", "", false },
		{ "(*ACCEPT)bcd", "", false },
		{ "(?#comment)bcd", "", false },
		{ ".*", "", false },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		uint8_t buf[64];
		size_t len;
		bool fold;
		search_regex_literal(known[i].pattern, buf, &len, &fold);
		buf[len] = 0;
		assert_string_equal((char *)buf, known[i].literal);
		if (len)
			assert_int_equal(fold, known[i].fold);
	}
}

/* Few letters, so that there are hits, and now and then what is no text. */
static void fill(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = dice(9) ? (uint8_t) "abAB 12-"[dice(8)]
				   : (uint8_t)dice(256);
}

static void bytes_are_found_in_every_place_and_piece(void **state)
{
	(void)state;
	static struct search_world plain, found;
	uint8_t memory[3000], wanted[6];
	for (int round = 0; round < 400; round++) {
		struct search_pattern p = { .kind = SEARCH_TEXT,
					    .bytes = wanted,
					    .len = 1 + dice(sizeof(wanted)) };
		size_t len = 1 + dice(sizeof(memory));
		fill(memory, len);
		fill(wanted, p.len);
		search_pattern_settle(&p);
		plain.count = 0;
		for (size_t i = 0; i + p.len <= len; i++)
			if (memcmp(memory + i, wanted, p.len) == 0)
				(void)search_world_hit(&plain, AT + i, p.len);
		search_world_find(&p, NULL, AT, memory, len, 1 + dice(2000),
				  &found);
		assert_true(search_world_same(&plain, &found));
	}
}

static void words_are_found_where_they_are_aligned(void **state)
{
	(void)state;
	static struct search_world plain, found;
	uint8_t memory[3000];
	for (int round = 0; round < 200; round++) {
		unsigned width = dice(2) ? 8 : 4;
		struct search_pattern p = { .kind = SEARCH_POINTER,
					    .width = width,
					    .low = 'a',
					    .high = 'a' + dice(3) };
		size_t len = 1 + dice(sizeof(memory));
		memset(memory, 0, len);
		for (size_t i = 0; i < len; i += 1 + dice(40))
			memory[i] = (uint8_t)('a' + dice(4));
		plain.count = 0;
		for (size_t i = 0; i + width <= len; i++) {
			uint64_t value = 0;
			for (unsigned k = 0; k < width; k++)
				value |= (uint64_t)memory[i + k] << (8 * k);
			if ((AT + i) % width == 0 && value >= p.low &&
			    value <= p.high)
				(void)search_world_hit(&plain, AT + i, width);
		}
		search_world_find(&p, NULL, AT, memory, len, 1 + dice(2000),
				  &found);
		assert_true(search_world_same(&plain, &found));
	}
}

static void a_literal_and_pieces_change_no_hit_of_an_expression(void **state)
{
	(void)state;
	static const char *const patterns[] = {
		"ab",        "a.*b",     "[0-9]+-[0-9]", "(?i)aab?",     "1{2}",
		"a(b|1)?A ", "(?<! )A+", "\\w{5,}",      "(?i) B[^-]*-", "$",
	};
	static struct search_world whole, found;
	static uint8_t memory[3000];
	for (int round = 0; round < 400; round++) {
		const char *pattern = patterns[dice(10)];
		uint8_t literal[64];
		char why[128];
		size_t len = 1 + dice(sizeof(memory));
		struct search_pattern p = { .kind = SEARCH_REGEX };
		p.regex = search_regex_new(pattern, why, sizeof(why));
		struct search_regex_worker *worker =
			search_regex_worker_new(p.regex);
		assert_non_null(worker);
		fill(memory, len);
		search_world_find(&p, worker, AT, memory, len, len, &whole);
		p.bytes = literal;
		search_regex_literal(pattern, literal, &p.len, &p.fold);
		search_pattern_settle(&p);
		search_world_find(&p, worker, AT, memory, len, 1 + dice(2000),
				  &found);
		assert_true(search_world_same(&whole, &found));
		search_regex_worker_free(worker);
		search_regex_free(p.regex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_a_match_must_hold_is_seen_in_plain_patterns),
		cmocka_unit_test(bytes_are_found_in_every_place_and_piece),
		cmocka_unit_test(words_are_found_where_they_are_aligned),
		cmocka_unit_test(
			a_literal_and_pieces_change_no_hit_of_an_expression),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
