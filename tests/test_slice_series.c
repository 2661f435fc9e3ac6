/* SPDX-License-Identifier: MIT */
#include <heapscan/capture.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backends/slice_file.h"
#include "backends/slice_hash.h"
#include "backends/slice_put.h"
#include "support/fake_target.h"
#include "support/slice_builder.h"

#define PAGE 4096u
#define BASE UINT64_C(0x7f0000000000)
#define PAGES 64u

static char folder[] = "/tmp/heapscan-series-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static const char *path_of(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];
	(void)snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static const char *step_path(unsigned i)
{
	char name[16];
	(void)snprintf(name, sizeof(name), "s.%u", i);
	return path_of(name);
}

static void make_target(struct fake_target *t, uint8_t *bytes)
{
	fake_target_init(t, HS_ARCH_X86_64);
	fake_target_map(t, BASE, bytes, PAGES / 2 * PAGE, FAKE_RW);
	fake_target_hole(t, BASE + PAGES / 2 * PAGE, 3 * PAGE);
	fake_target_map(t, BASE + PAGES * PAGE, bytes + PAGES / 2 * PAGE,
			PAGES / 2 * PAGE, FAKE_RW);
	t->base.pid = 7;
	t->base.started_ns = 1000;
	fake_target_finish(t);
}

static hs_addr addr_of(unsigned page)
{
	return BASE + (page < PAGES / 2 ? page : page + PAGES / 2) * PAGE;
}

static void write_step(struct hs_series *series, const struct hs_target *t,
		       unsigned i, enum hs_capture_codec codec,
		       enum hs_capture_hash hash,
		       struct hs_capture_result *result)
{
	struct hs_capture_options opt = { .struct_size = sizeof(opt),
					  .codec = codec,
					  .hash = hash,
					  .replace = true,
					  .series = series };
	struct hs_error err = { 0 };
	if (hs_capture_write(t, step_path(i), &opt, result, &err))
		fail_msg("%s", err.text);
}

static struct hs_target *open_step(unsigned i)
{
	struct hs_open_options how = { .struct_size = sizeof(how),
				       .sysroot = "/dev/null" };
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	if (hs_target_open(step_path(i), &how, &t, &err))
		fail_msg("%s", err.text);
	return t;
}

static bool has_note(const struct hs_target *t, const char *code,
		     const char *text)
{
	for (size_t i = 0; i < t->notes.count; i++)
		if (strcmp(t->notes.note[i].code, code) == 0 &&
		    strstr(t->notes.note[i].message, text))
			return true;
	return false;
}

/* Step I opened: memory is as BYTES was, or not captured where MISSING. */
static void assert_step(unsigned i, const uint8_t *bytes, const bool *missing)
{
	struct hs_target *t = open_step(i);
	for (unsigned page = 0; page < PAGES; page++) {
		uint8_t there[PAGE];
		enum hs_status st =
			hs_target_read(t, addr_of(page), there, PAGE, NULL);
		if (missing && missing[page]) {
			assert_int_equal(st, HS_ERR_NOT_CAPTURED);
			continue;
		}
		assert_int_equal(st, HS_OK);
		assert_memory_equal(there, bytes + page * PAGE, PAGE);
	}
	uint8_t byte;
	assert_int_equal(
		hs_target_read(t, BASE + PAGES / 2 * PAGE, &byte, 1, NULL),
		HS_ERR_NOT_CAPTURED);
	/* What the others hold does not count as failed. */
	assert_int_equal(has_note(t, "slice-base-missing", "'s.1'"),
			 missing != NULL);
	assert_true(has_note(t, "slice-pages-failed", "12288 bytes"));
	hs_target_close(t);
}

static void scribble(uint8_t *page, unsigned short seed[3])
{
	bool noise = erand48(seed) < 0.5;
	uint8_t value = (uint8_t)(erand48(seed) * 256);
	for (size_t i = 0; i < PAGE; i++)
		page[i] = noise ? (uint8_t)(erand48(seed) * 256)
				: (uint8_t)(value + i / 7);
}

static void every_step_reads_as_a_whole_slice(void **state)
{
	(void)state;
	enum { STEPS = 5 };
	static uint8_t seen[STEPS][PAGES * PAGE], bytes[PAGES * PAGE];
	unsigned short seed[3] = { 4, 5, 6 };
	for (unsigned way = 0; way < 9; way++) {
		struct hs_series *series;
		struct fake_target t;
		make_target(&t, bytes);
		assert_int_equal(hs_series_new(&series, NULL), HS_OK);
		for (unsigned i = 0; i < STEPS; i++) {
			struct hs_capture_result r;
			unsigned changed = 0;
			for (unsigned page = 0; page < PAGES; page++)
				if (i == 0 || erand48(seed) < 0.2) {
					scribble(bytes + page * PAGE, seed);
					changed++;
				}
			memcpy(seen[i], bytes, sizeof(bytes));
			write_step(series, &t.base, i,
				   (enum hs_capture_codec)(way % 3),
				   (enum hs_capture_hash)(way / 3), &r);
			assert_int_equal(r.captured, changed * PAGE);
			assert_int_equal(r.unchanged, (PAGES - changed) * PAGE);
			assert_int_equal(r.missing, 3 * PAGE);
		}
		for (unsigned i = 0; i < STEPS; i++)
			assert_step(i, seen[i], NULL);
		hs_series_free(series);
		fake_target_release(&t);
	}
	for (unsigned i = 0; i < STEPS; i++)
		assert_int_equal(unlink(step_path(i)), 0);
}

/* Three steps: in each the next third of the pages changes. */
static void three_steps(struct fake_target *t, uint8_t *bytes,
			enum hs_capture_codec codec)
{
	struct hs_series *series;
	unsigned short seed[3] = { 7, 8, 9 };
	for (unsigned page = 0; page < PAGES; page++)
		scribble(bytes + page * PAGE, seed);
	make_target(t, bytes);
	assert_int_equal(hs_series_new(&series, NULL), HS_OK);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned page = i; page < PAGES && i > 0; page += 3)
			scribble(bytes + page * PAGE, seed);
		write_step(series, &t->base, i, codec, HS_CAPTURE_BLAKE3, NULL);
	}
	hs_series_free(series);
}

static void a_missing_base_is_missing_memory_and_is_named(void **state)
{
	(void)state;
	static uint8_t bytes[PAGES * PAGE];
	bool missing[PAGES];
	struct fake_target t;
	three_steps(&t, bytes, HS_CAPTURE_ZSTD);
	for (unsigned page = 0; page < PAGES; page++)
		missing[page] = page % 3 == 1;
	assert_int_equal(unlink(step_path(1)), 0);
	assert_step(2, bytes, missing);
	fake_target_release(&t);
	assert_int_equal(unlink(step_path(0)), 0);
	assert_int_equal(unlink(step_path(2)), 0);
}

static void a_renamed_base_is_found_by_its_identity(void **state)
{
	(void)state;
	static uint8_t bytes[PAGES * PAGE];
	struct fake_target t;
	three_steps(&t, bytes, HS_CAPTURE_ZSTD);
	/* And another slice has taken its name. */
	assert_int_equal(rename(step_path(0), path_of("other")), 0);
	assert_int_equal(rename(step_path(1), step_path(0)), 0);
	/* What is no file is not waited for. */
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	assert_step(2, bytes, NULL);
	fake_target_release(&t);
	assert_int_equal(unlink(path_of("pipe")), 0);
	assert_int_equal(unlink(path_of("other")), 0);
	assert_int_equal(unlink(step_path(0)), 0);
	assert_int_equal(unlink(step_path(2)), 0);
}

static void change_file(const char *path, uint64_t offset)
{
	FILE *f = fopen(path, "r+e");
	assert_non_null(f);
	assert_int_equal(fseek(f, (long)offset, SEEK_SET), 0);
	int c = fgetc(f);
	assert_int_equal(fseek(f, (long)offset, SEEK_SET), 0);
	assert_int_not_equal(fputc(c ^ 1, f), EOF);
	assert_int_equal(fclose(f), 0);
}

static void a_page_that_is_another_one_in_its_base_is_not_taken(void **state)
{
	(void)state;
	static uint8_t bytes[PAGES * PAGE];
	struct fake_target t;
	struct hs_slice *s = NULL;
	struct hs_slice_base_info info;
	struct hs_slice_base_check check;
	struct hs_error err = { 0 };
	three_steps(&t, bytes, HS_CAPTURE_STORED);
	assert_int_equal(hs_slice_open(step_path(0), NULL, &s, &err), HS_OK);
	const struct hs_slice_region *r = &s->region[0];
	uint64_t at = (uint64_t)(r->packed.bytes - s->bytes) + r->data;
	hs_slice_close(s);
	s = NULL;
	change_file(step_path(0), at + 6 * PAGE + 100);

	struct hs_target *step = open_step(2);
	uint8_t there[PAGE];
	assert_int_equal(hs_target_read(step, addr_of(6), there, PAGE, &err),
			 HS_ERR_NOT_CAPTURED);
	assert_non_null(strstr(err.text, "not the same"));
	for (unsigned page = 32; page < PAGES; page++) {
		assert_int_equal(
			hs_target_read(step, addr_of(page), there, PAGE, NULL),
			HS_OK);
		assert_memory_equal(there, bytes + page * PAGE, PAGE);
	}
	hs_target_close(step);

	assert_int_equal(hs_slice_open(step_path(2), NULL, &s, &err), HS_OK);
	assert_int_equal(hs_slice_base_count(s), 2);
	uint64_t changed = 0;
	for (size_t i = 0; i < 2; i++) {
		hs_slice_base(s, i, &info);
		assert_non_null(info.path);
		assert_int_equal(
			hs_slice_base_check(s, i, NULL, NULL, &check, &err),
			HS_OK);
		assert_int_equal(check.good + check.changed, info.bytes);
		assert_int_equal(check.missing, 0);
		changed += check.changed;
	}
	assert_int_equal(changed, PAGE);
	hs_slice_close(s);
	fake_target_release(&t);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(unlink(step_path(i)), 0);
}

static void another_process_is_refused_and_the_series_goes_on(void **state)
{
	(void)state;
	static uint8_t bytes[PAGES * PAGE];
	struct hs_capture_options opt = { .struct_size = sizeof(opt) };
	struct hs_error err = { 0 };
	struct fake_target t;
	memset(bytes, 1, sizeof(bytes));
	make_target(&t, bytes);
	assert_int_equal(hs_series_new(&opt.series, NULL), HS_OK);
	write_step(opt.series, &t.base, 0, HS_CAPTURE_ZSTD, HS_CAPTURE_BLAKE3,
		   NULL);
	t.base.started_ns += UINT64_C(60000000000);
	assert_int_equal(
		hs_capture_write(&t.base, step_path(1), &opt, NULL, &err),
		HS_ERR_INVALID);
	assert_int_equal(access(step_path(1), F_OK), -1);
	t.base.started_ns = 1000;
	write_step(opt.series, &t.base, 1, HS_CAPTURE_ZSTD, HS_CAPTURE_BLAKE3,
		   NULL);
	assert_step(1, bytes, NULL);
	hs_series_free(opt.series);
	fake_target_release(&t);
	assert_int_equal(unlink(step_path(0)), 0);
	assert_int_equal(unlink(step_path(1)), 0);
}

static void too_many_bases_make_a_step_begin_anew(void **state)
{
	(void)state;
	enum { MANY = 300 };
	static uint8_t bytes[MANY * PAGE];
	struct hs_series *series;
	struct fake_target t;
	unsigned full = 0;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, BASE, bytes, sizeof(bytes), FAKE_RW);
	t.base.pid = 7;
	fake_target_finish(&t);
	assert_int_equal(hs_series_new(&series, NULL), HS_OK);
	for (unsigned i = 0; i < MANY; i++) {
		struct hs_capture_result r;
		bytes[i * PAGE] = 1;
		write_step(series, &t.base, i, HS_CAPTURE_ZSTD,
			   HS_CAPTURE_BLAKE3, &r);
		full += r.unchanged == 0;
	}
	assert_int_equal(full, 2);
	struct hs_target *last = open_step(MANY - 1);
	assert_true(last->complete);
	for (unsigned i = 0; i < MANY; i++) {
		uint8_t byte;
		assert_int_equal(
			hs_target_read(last, BASE + i * PAGE, &byte, 1, NULL),
			HS_OK);
		assert_int_equal(byte, 1);
	}
	hs_target_close(last);
	hs_series_free(series);
	fake_target_release(&t);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(unlink(step_path(i)), 0);
}

/* ---- forged references ---- */

static uint8_t page_bytes[3 * PAGE];

/* A region of four pages, the second and third of which are elsewhere, and a
 * block of references with one base and one run. */
struct forged {
	uint32_t bases, runs;
	uint64_t first, count;
	uint32_t base;
	size_t hashes;
	bool own_uuid, orphan, compressed;
};

static void build(struct slice_builder *b, const struct forged *f)
{
	static const uint8_t states[] = { 0, 1, 1, 0 };
	uint8_t p[8 + 24 + 24 + 4 * 32] = { 0 };
	hs_put_u32(p, f->bases);
	hs_put_u32(p + 4, f->runs);
	slice_begin(b);
	if (f->own_uuid)
		memcpy(p + 8, b->bytes + SLICE_AT_UUID, SLICE_UUID_LEN);
	else
		memset(p + 8, 0x44, SLICE_UUID_LEN);
	hs_put_u64(p + 32, f->first);
	hs_put_u64(p + 40, f->count);
	hs_put_u32(p + 48, f->base);
	slice_region(b, BASE, 4, states, page_bytes, 2 * PAGE);
	size_t region = b->start[b->count - 1];
	slice_block(b, SLICE_BLOCK_PAGE_REFERENCES, f->compressed ? 3 : 0, p,
		    56 + f->hashes * SLICE_HASH_LEN);
	if (!f->orphan)
		memcpy(b->bytes + b->start[b->count - 1] + SLICE_AT_PARENT_UUID,
		       b->bytes + region + SLICE_AT_BLOCK_UUID, SLICE_UUID_LEN);
	slice_end(b);
}

static void forged_references_are_left_out(void **state)
{
	(void)state;
	static const struct forged good = { 1, 1, 1, 2, 0, 2, 0, 0, 0 };
	struct forged bad[10];
	for (size_t i = 0; i < 10; i++)
		bad[i] = good;
	bad[0].own_uuid = true;
	bad[1].orphan = true;
	bad[2].compressed = true;
	bad[3].bases = UINT32_MAX;
	bad[4].runs = UINT32_MAX;
	bad[5].count = UINT64_MAX;
	bad[6].first = 0; /* a page that is captured */
	bad[7].base = 1;
	bad[8].hashes = 1;
	bad[9].first = UINT64_MAX;
	for (size_t i = 0; i <= 10; i++) {
		struct slice_builder b;
		struct hs_slice *s = NULL;
		struct hs_error err = { 0 };
		struct hs_open_options opt = { .struct_size = sizeof(opt) };
		build(&b, i < 10 ? &bad[i] : &good);
		assert_int_equal(hs_slice_open_bytes(b.bytes, b.len, "x", &opt,
						     &s, &err),
				 HS_OK);
		assert_int_equal(s->region_count, 1);
		assert_int_equal(s->region[0].referenced, i < 10 ? 0 : 2);
		assert_int_equal(s->whole, i == 10);
		hs_slice_close(s);
		slice_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_step_reads_as_a_whole_slice),
		cmocka_unit_test(a_missing_base_is_missing_memory_and_is_named),
		cmocka_unit_test(a_renamed_base_is_found_by_its_identity),
		cmocka_unit_test(
			a_page_that_is_another_one_in_its_base_is_not_taken),
		cmocka_unit_test(
			another_process_is_refused_and_the_series_goes_on),
		cmocka_unit_test(too_many_bases_make_a_step_begin_anew),
		cmocka_unit_test(forged_references_are_left_out),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
