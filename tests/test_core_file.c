/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include <elf.h>
#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "core/backend.h"
#include "core/limits.h"
#include "support/core_writer.h"

/* Cores as they come in files: compressed as a whole, cut, with holes. */

#define HEAP UINT64_C(0x555500000000)
#define LEN ((size_t)3 << 20)

/* A core with 3 MiB of memory: a pattern, and in its middle zeroes. */
struct sample {
	struct core_writer w;
	uint8_t *memory;
	const uint8_t *core;
	size_t len;
	char path[64];
};

static void sample_init(struct sample *s)
{
	s->memory = calloc(1, LEN);
	assert_non_null(s->memory);
	for (size_t i = 0; i < LEN; i++)
		if (i < LEN / 6 || i >= LEN / 6 * 5)
			s->memory[i] = (uint8_t)(i * 7 + i / 251);
	core_writer_init(&s->w, HS_ARCH_X86_64);
	core_writer_process(&s->w, 77, "prog", "prog -x");
	core_writer_thread(&s->w, 77, 6, 0x1000, HEAP + 64, 0);
	core_writer_load(&s->w, HEAP, PF_R | PF_W, s->memory, LEN, LEN);
	s->core = core_writer_finish(&s->w, &s->len);
	(void)strcpy(s->path, "/tmp/heapscan-test-XXXXXX");
	int fd = mkstemp(s->path);
	assert_true(fd >= 0);
	(void)close(fd);
}

static void sample_release(struct sample *s)
{
	(void)unlink(s->path);
	core_writer_release(&s->w);
	free(s->memory);
}

static void put(const struct sample *s, const void *bytes, size_t len)
{
	FILE *f = fopen(s->path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static size_t zstd(const void *bytes, size_t len, uint8_t **ret)
{
	*ret = malloc(ZSTD_compressBound(len));
	assert_non_null(*ret);
	size_t n = ZSTD_compress(*ret, ZSTD_compressBound(len), bytes, len, 1);
	assert_false(ZSTD_isError(n));
	return n;
}

static size_t lz4(const void *bytes, size_t len, uint8_t **ret)
{
	size_t room = LZ4F_compressFrameBound(len, NULL);
	*ret = malloc(room);
	assert_non_null(*ret);
	size_t n = LZ4F_compressFrame(*ret, room, bytes, len, NULL);
	assert_false(LZ4F_isError(n));
	return n;
}

static const char *code_of(const struct hs_target *t, const char *code)
{
	for (size_t i = 0; i < t->notes.count; i++)
		if (strcmp(t->notes.note[i].code, code) == 0)
			return t->notes.note[i].message;
	return NULL;
}

static void expect_whole(const struct sample *s)
{
	struct hs_target *t = NULL;
	struct hs_error err = { .text = "" };
	enum hs_status st = hs_target_open(s->path, NULL, &t, &err);
	if (st)
		print_error("%s\n", err.text);
	assert_int_equal(st, HS_OK);
	uint8_t *got = malloc(LEN);
	assert_non_null(got);
	assert_int_equal(hs_target_read(t, HEAP, got, LEN, NULL), HS_OK);
	assert_memory_equal(got, s->memory, LEN);
	assert_true(t->complete);
	assert_int_equal(t->pid, 77);
	free(got);
	hs_target_close(t);
}

static void a_compressed_core_reads_like_the_core(void **state)
{
	(void)state;
	struct sample s;
	sample_init(&s);
	uint8_t *packed;
	size_t n = zstd(s.core, s.len, &packed);
	put(&s, packed, n);
	expect_whole(&s);
	free(packed);
	n = lz4(s.core, s.len, &packed);
	put(&s, packed, n);
	expect_whole(&s);
	free(packed);
	sample_release(&s);
}

/* As long as the reader's buffer, or a byte more or less. */
static void a_whole_file_is_never_called_cut(void **state)
{
	(void)state;
	struct sample s;
	sample_init(&s);
	for (size_t len = LEN - 1; len <= LEN + 1; len++) {
		uint8_t *longer = calloc(1, len);
		assert_non_null(longer);
		memcpy(longer, s.core, s.len - LEN);
		for (int kind = 0; kind < 2; kind++) {
			uint8_t *packed;
			size_t n = kind ? lz4(longer, len, &packed)
					: zstd(longer, len, &packed);
			put(&s, packed, n);
			struct hs_target *t = NULL;
			assert_int_equal(hs_target_open(s.path, NULL, &t, NULL),
					 HS_OK);
			const char *cut = code_of(t, "core-truncated");
			/* The core inside is cut, the packed data are not. */
			assert_true(!cut || !strstr(cut, "data end early"));
			hs_target_close(t);
			free(packed);
		}
		free(longer);
	}
	sample_release(&s);
}

static void frames_behind_one_another_are_one_core(void **state)
{
	(void)state;
	struct sample s;
	sample_init(&s);
	uint8_t *a, *b;
	size_t half = s.len / 2;
	size_t na = zstd(s.core, half, &a);
	size_t nb = zstd(s.core + half, s.len - half, &b);
	uint8_t *both = malloc(na + nb);
	assert_non_null(both);
	memcpy(both, a, na);
	memcpy(both + na, b, nb);
	put(&s, both, na + nb);
	expect_whole(&s);
	free(both);
	free(a);
	free(b);
	sample_release(&s);
}

static void a_cut_compressed_core_is_called_cut(void **state)
{
	(void)state;
	struct sample s;
	sample_init(&s);
	for (int kind = 0; kind < 2; kind++) {
		uint8_t *packed;
		size_t n = kind ? lz4(s.core, s.len, &packed)
				: zstd(s.core, s.len, &packed);
		put(&s, packed, n / 2);
		struct hs_target *t = NULL;
		struct hs_error err;
		enum hs_status st = hs_target_open(s.path, NULL, &t, &err);
		if (st == HS_OK) {
			assert_false(t->complete);
			assert_non_null(code_of(t, "core-truncated"));
			hs_target_close(t);
		} else {
			/* Not even the header came out. */
			assert_int_equal(st, HS_ERR_FORMAT);
		}
		free(packed);
	}
	sample_release(&s);
}

static void compressed_data_that_are_no_core_are_named(void **state)
{
	(void)state;
	struct sample s;
	sample_init(&s);
	static const char script[] = "#!/bin/sh\necho this is no core\n";
	uint8_t *packed;
	size_t n = zstd(script, sizeof(script) - 1, &packed);
	put(&s, packed, n);
	struct hs_target *t = NULL;
	struct hs_error err;
	assert_int_equal(hs_target_open(s.path, NULL, &t, &err), HS_ERR_FORMAT);
	assert_non_null(strstr(err.text, "a script"));
	put(&s, packed, 4); /* the magic number alone */
	assert_int_equal(hs_target_open(s.path, NULL, &t, &err), HS_ERR_FORMAT);
	assert_non_null(strstr(err.text, "nothing can be unpacked"));
	free(packed);
	sample_release(&s);
}

static void holes_of_a_core_are_known_to_be_zero(void **state)
{
	(void)state;
	struct sample s;
	sample_init(&s);
	FILE *f = fopen(s.path, "w");
	assert_non_null(f);
	for (size_t at = 0; at < s.len; at += 4096) {
		size_t n = s.len - at < 4096 ? s.len - at : 4096;
		static const uint8_t zeroes[4096];
		if (memcmp(s.core + at, zeroes, n) == 0)
			continue;
		assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
		assert_int_equal(fwrite(s.core + at, 1, n, f), n);
	}
	assert_int_equal(fclose(f), 0);
	assert_int_equal(truncate(s.path, (off_t)s.len), 0);
	expect_whole(&s);

	struct hs_target *t = NULL;
	assert_int_equal(hs_target_open(s.path, NULL, &t, NULL), HS_OK);
	hs_addr middle = HEAP + LEN / 2;
	hs_addr behind = hs_span_list_skip_zeroes(&t->spans, middle);
	/* A file system without holes has nothing to tell. */
	if (behind != middle)
		assert_in_range(behind, HEAP + LEN / 6 * 5 - 8192,
				HEAP + LEN / 6 * 5);
	assert_int_equal(hs_span_list_skip_zeroes(&t->spans, HEAP), HEAP);
	hs_target_close(t);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_compressed_core_reads_like_the_core),
		cmocka_unit_test(a_whole_file_is_never_called_cut),
		cmocka_unit_test(frames_behind_one_another_are_one_core),
		cmocka_unit_test(a_cut_compressed_core_is_called_cut),
		cmocka_unit_test(compressed_data_that_are_no_core_are_named),
		cmocka_unit_test(holes_of_a_core_are_known_to_be_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
