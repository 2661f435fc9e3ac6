/* SPDX-License-Identifier: MIT */
#include <heapscan/capture.h>

#include <dirent.h>
#include <errno.h>
#include <lz4.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <heapscan/slice.h>

#include "backends/slice_file.h"
#include "backends/slice_pack.h"
#include "support/fake_target.h"

#define PAGE 4096u
#define BASE UINT64_C(0x7f0000000000)
#define PAGES 64u

static char folder[] = "/tmp/heapscan-capture-XXXXXX";

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
	static char path[2][128];
	static unsigned turn;
	char *p = path[turn++ % 2];
	(void)snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static unsigned files_left(void)
{
	unsigned n = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

static struct hs_capture_options plain(enum hs_capture_format format,
				       enum hs_capture_codec codec)
{
	return (struct hs_capture_options){ .struct_size = sizeof(
						    struct hs_capture_options),
					    .format = format,
					    .codec = codec,
					    .replace = true };
}

static struct hs_target *write_and_open(const struct hs_target *from,
					const struct hs_capture_options *opt,
					struct hs_capture_result *result)
{
	struct hs_error err = { 0 };
	struct hs_target *t = NULL;
	struct hs_open_options how = { .struct_size = sizeof(how),
				       .sysroot = "/dev/null" };
	const char *path = path_of("dump");
	if (hs_capture_write(from, path, opt, result, &err) ||
	    hs_target_open(path, &how, &t, &err))
		fail_msg("%s", err.text);
	assert_int_equal(unlink(path), 0);
	return t;
}

/* Every byte, and every answer where there is none. */
static void assert_same_memory(const struct hs_target *a,
			       const struct hs_target *b, hs_addr from,
			       hs_addr to, bool keeps_holes)
{
	for (hs_addr at = from; at < to; at += PAGE) {
		uint8_t x[PAGE], y[PAGE];
		enum hs_status sa = hs_target_read(a, at, x, PAGE, NULL);
		enum hs_status sb = hs_target_read(b, at, y, PAGE, NULL);
		if (keeps_holes || sa == HS_OK)
			assert_int_equal(sa, sb);
		else
			assert_int_not_equal(sb, HS_OK);
		if (sa == HS_OK)
			assert_memory_equal(x, y, PAGE);
	}
}

/* What hs_target_stream() handed on. */
struct streamed {
	uint8_t *bytes;
	uint64_t len, room;
	uint64_t most; /* take no more: then it is to end */
};

static bool take(void *arg, const uint8_t *bytes, uint64_t len)
{
	struct streamed *s = arg;
	assert_true(len > 0 && len <= s->room - s->len);
	memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
	return s->len < s->most;
}

/* Streamed memory is what is read, up to the first byte that is missing. */
static void assert_same_stream(const struct hs_target *t, hs_addr from,
			       hs_addr to)
{
	uint64_t len = to - from;
	struct streamed s = { malloc(len), 0, len, UINT64_MAX };
	uint8_t *read = malloc(len);
	struct hs_error err = { 0 }, why = { 0 };
	assert_true(s.bytes && read);
	enum hs_status st = hs_target_stream(t, from, len, take, &s, &err);
	assert_int_equal(hs_target_read(t, from, read, s.len, NULL), HS_OK);
	assert_memory_equal(s.bytes, read, s.len);
	assert_int_equal(st, hs_target_read(t, from, read, len, &why));
	assert_int_equal(s.len == len, st == HS_OK);
	if (st) {
		assert_int_equal(err.addr, why.addr);
		assert_int_equal(err.addr, from + s.len);
	}
	free(s.bytes);
	free(read);
}

/* Runs of pages, some there, some not captured, some holes between. */
static void scatter(struct fake_target *t, uint8_t *bytes,
		    unsigned short seed[3])
{
	fake_target_init(t, HS_ARCH_X86_64);
	for (unsigned page = 0; page < PAGES;) {
		unsigned n = 1 + (unsigned)(erand48(seed) * 5);
		unsigned what = (unsigned)(erand48(seed) * 4);
		hs_addr at = BASE + page * PAGE;
		if (n > PAGES - page)
			n = PAGES - page;
		for (size_t i = 0; i < n * PAGE && what < 2; i++)
			bytes[page * PAGE + i] =
				what == 1 ? (uint8_t)(erand48(seed) * 256)
					  : (uint8_t)(i / 100);
		if (what < 2)
			fake_target_map(t, at, bytes + page * PAGE, n * PAGE,
					FAKE_RW);
		else if (what == 2)
			fake_target_hole(t, at, n * PAGE);
		page += n;
	}
	struct hs_thread thread = { .tid = 7,
				    .current = true,
				    .tls_base = BASE + 0x100,
				    .register_count = 27 };
	for (size_t i = 0; i < 27; i++)
		thread.registers[i] = BASE + i;
	thread.pc = thread.registers[16];
	thread.sp = thread.registers[19];
	thread.registers[21] = thread.tls_base;
	assert_int_equal(hs_thread_list_add(&t->base.threads, &thread, NULL),
			 HS_OK);
	t->base.pid = 7;
	fake_target_finish(t);
}

static void what_is_written_is_what_is_read(void **state)
{
	(void)state;
	static const struct {
		enum hs_capture_format format;
		enum hs_capture_codec codec;
	} ways[] = {
		{ HS_CAPTURE_SLICE, HS_CAPTURE_ZSTD },
		{ HS_CAPTURE_SLICE, HS_CAPTURE_LZ4 },
		{ HS_CAPTURE_SLICE, HS_CAPTURE_STORED },
		{ HS_CAPTURE_CORE, HS_CAPTURE_ZSTD },
	};
	unsigned short seed[3] = { 1, 2, 3 };
	uint8_t *bytes = malloc(PAGES * PAGE);
	assert_non_null(bytes);
	for (unsigned round = 0; round < 40; round++) {
		struct fake_target t;
		scatter(&t, bytes, seed);
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			struct hs_capture_options opt =
				plain(ways[i].format, ways[i].codec);
			struct hs_target *there =
				write_and_open(&t.base, &opt, NULL);
			assert_same_memory(&t.base, there, BASE,
					   BASE + PAGES * PAGE, true);
			hs_addr from =
				BASE + (hs_addr)(erand48(seed) * PAGES * PAGE);
			assert_same_stream(there, from, BASE + PAGES * PAGE);
			assert_int_equal(there->threads.count, 1);
			const struct hs_thread *thread =
				&there->threads.thread[0];
			assert_int_equal(thread->tid, 7);
			assert_int_equal(thread->tls_base, BASE + 0x100);
			assert_memory_equal(thread->registers,
					    t.base.threads.thread[0].registers,
					    27 * sizeof(uint64_t));
			assert_int_equal(there->pid, 7);
			hs_target_close(there);
		}
		fake_target_release(&t);
	}
	free(bytes);
	assert_int_equal(files_left(), 0);
}

static void a_stream_ends_when_it_is_told_to(void **state)
{
	(void)state;
	const size_t len = (size_t)40 << 20;
	uint8_t *bytes = calloc(1, len);
	struct streamed s = { malloc(len), 0, len, len / 2 };
	struct hs_capture_options opt =
		plain(HS_CAPTURE_SLICE, HS_CAPTURE_ZSTD);
	struct fake_target t;
	assert_true(bytes && s.bytes);
	bytes[len / 2 + 1] = 7;
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, BASE, bytes, len, FAKE_RW);
	fake_target_finish(&t);
	struct hs_target *there = write_and_open(&t.base, &opt, NULL);
	assert_int_equal(hs_target_stream(there, BASE, len, take, &s, NULL),
			 HS_ERR_CANCELLED);
	assert_true(s.len >= len / 2 && s.len < len);
	assert_memory_equal(s.bytes, bytes, s.len);
	s.len = 0;
	s.most = UINT64_MAX;
	assert_int_equal(hs_target_stream(there, BASE, len, take, &s, NULL),
			 HS_OK);
	assert_memory_equal(s.bytes, bytes, len);
	hs_target_close(there);
	fake_target_release(&t);
	free(s.bytes);
	free(bytes);
}

/* A bit of a compressed part flips: that part is lost, the others are not. */
static void a_flipped_bit_costs_one_part(void **state)
{
	(void)state;
	const size_t len = (size_t)18 << 20, part = (size_t)4 << 20;
	uint8_t *bytes = malloc(len);
	struct fake_target t;
	struct hs_slice *s = NULL;
	struct hs_error err = { 0 };
	struct hs_open_options how = { .struct_size = sizeof(how),
				       .sysroot = "/dev/null" };
	struct hs_capture_options opt =
		plain(HS_CAPTURE_SLICE, HS_CAPTURE_ZSTD);
	unsigned short seed[3] = { 1, 2, 3 };
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(nrand48(seed) >> 8 & 7);
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, BASE, bytes, len, FAKE_RW);
	fake_target_finish(&t);
	const char *path = path_of("dump");
	for (unsigned round = 0; round < 20; round++) {
		struct hs_target *there = NULL;
		size_t lost = 0;
		assert_int_equal(
			hs_capture_write(&t.base, path, &opt, NULL, &err),
			HS_OK);
		assert_int_equal(hs_slice_open(path, NULL, &s, &err), HS_OK);
		assert_int_equal(s->region_count, 5);
		/* Behind the front, within the third. */
		const struct hs_slice_packed *p = &s->region[2].packed;
		long at = (long)(p->bytes - s->bytes) + 1000 +
			  (long)(erand48(seed) * (double)(p->len - 1010));
		hs_slice_close(s);
		s = NULL;
		FILE *f = fopen(path, "r+e");
		assert_non_null(f);
		assert_int_equal(fseek(f, at, SEEK_SET), 0);
		int c = fgetc(f);
		assert_int_equal(fseek(f, at, SEEK_SET), 0);
		assert_int_not_equal(fputc(c ^ 1 << round % 8, f), EOF);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(hs_target_open(path, &how, &there, &err),
				 HS_OK);
		assert_int_equal(hs_target_map_count(there), 1);
		if (round < 2) { /* all before the damage comes */
			assert_same_stream(there, BASE + 5, BASE + len);
			assert_same_stream(there, BASE + 3 * part + 7,
					   BASE + len - 9);
		}
		for (size_t i = 0; i < len; i += PAGE) {
			uint8_t page[PAGE];
			enum hs_status st = hs_target_read(there, BASE + i,
							   page, PAGE, &err);
			if (st == HS_OK) {
				assert_memory_equal(page, bytes + i, PAGE);
				continue;
			}
			assert_int_equal(st, HS_ERR_NOT_CAPTURED);
			assert_in_range(i, 2 * part, 3 * part - 1);
			lost += PAGE;
		}
		assert_int_equal(lost, part);
		hs_target_close(there);
	}
	assert_int_equal(unlink(path), 0);
	fake_target_release(&t);
	free(bytes);
}

static void pages_that_are_there_in_part_are_said_to_be_lost(void **state)
{
	(void)state;
	static uint8_t bytes[PAGE];
	struct fake_target t;
	struct hs_capture_result result;
	struct hs_capture_options opt =
		plain(HS_CAPTURE_SLICE, HS_CAPTURE_STORED);
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, BASE, bytes, PAGE / 2, FAKE_RW);
	fake_target_finish(&t);
	struct hs_target *there = write_and_open(&t.base, &opt, &result);
	assert_true(result.lost & HS_LOST_BYTES);
	assert_int_equal(result.captured, 0);
	uint8_t byte;
	assert_int_equal(hs_target_read(there, BASE, &byte, 1, NULL),
			 HS_ERR_NOT_CAPTURED);
	hs_target_close(there);
	fake_target_release(&t);
}

/* The file at PATH holds one mapping in parts that are marked as such. */
static void assert_continued(const char *path, bool is_continued)
{
	struct hs_slice *s = NULL;
	const struct hs_open_options how = { .struct_size = sizeof(how) };
	struct hs_slice_block_info b;
	const uint8_t *first = NULL;
	size_t parts = 0;
	assert_int_equal(hs_slice_open(path, &how, &s, NULL), HS_OK);
	for (size_t i = 0; i < hs_slice_block_count(s); i++) {
		hs_slice_block(s, i, &b);
		if (b.type != SLICE_BLOCK_REGION)
			continue;
		assert_true(b.length <= UINT32_MAX);
		if (parts++ == 0) {
			first = b.uuid;
			assert_true(b.flags & SLICE_HAS_CHILDREN);
			assert_false(b.flags & SLICE_CONTINUATION);
			continue;
		}
		assert_memory_equal(b.parent_uuid, first, SLICE_UUID_LEN);
		assert_int_equal((b.flags & SLICE_CONTINUATION) != 0,
				 is_continued);
	}
	assert_true(parts > 1);
	hs_slice_close(s);
}

/*
 * A mapping is one again when it is read. More than 2^32 - 81 bytes do not fit
 * in a block: what holds the rest says that it continues the first.
 */
static void mapping_in_parts(uint64_t len, bool is_continued)
{
	/* The same bytes again and again: there is no need for gigabytes. */
	const uint64_t piece = (uint64_t)64 << 20;
	uint8_t *bytes = calloc(1, piece);
	struct fake_target t;
	/* Not writable: only the parts that are looked at are unpacked. */
	struct hs_map map = { .start = BASE,
			      .end = BASE + len,
			      .prot = HS_PROT_READ };
	assert_non_null(bytes);
	assert_int_equal(len % piece, 0);
	bytes[0] = 3;
	bytes[piece - 1] = 4;
	fake_target_init(&t, HS_ARCH_X86_64);
	assert_int_equal(hs_map_list_add(&t.base.maps, &map, NULL), HS_OK);
	for (uint64_t at = 0; at < len; at += piece) {
		struct hs_span span = { .start = BASE + at,
					.len = piece,
					.bytes = bytes,
					.state = HS_SPAN_BYTES };
		assert_int_equal(hs_span_list_add(&t.base.spans, span, NULL),
				 HS_OK);
	}
	fake_target_finish(&t);
	struct hs_capture_options opt =
		plain(HS_CAPTURE_SLICE, HS_CAPTURE_ZSTD);
	struct hs_open_options how = { .struct_size = sizeof(how),
				       .sysroot = "/dev/null" };
	struct hs_target *there = NULL;
	const char *path = path_of("dump");
	assert_int_equal(hs_capture_write(&t.base, path, &opt, NULL, NULL),
			 HS_OK);
	assert_continued(path, is_continued);
	assert_int_equal(hs_target_open(path, &how, &there, NULL), HS_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(there->maps.count, 1);
	assert_int_equal(there->maps.map[0].start, BASE);
	assert_int_equal(there->maps.map[0].end, BASE + len);
	for (uint64_t at = 0; at < len; at += 16 * piece) {
		uint8_t byte = 0;
		assert_int_equal(
			hs_target_read(there, BASE + at, &byte, 1, NULL),
			HS_OK);
		assert_int_equal(byte, 3);
	}
	uint8_t byte = 0;
	assert_int_equal(hs_target_read(there, BASE + len - 1, &byte, 1, NULL),
			 HS_OK);
	assert_int_equal(byte, 4);
	hs_target_close(there);
	fake_target_release(&t);
	free(bytes);
}

static void a_mapping_of_gigabytes_survives(void **state)
{
	(void)state;
	mapping_in_parts((uint64_t)1280 << 20, false);
}

static void p12_what_no_block_can_hold_is_continued(void **state)
{
	(void)state;
	mapping_in_parts(((uint64_t)4 << 30) + ((uint64_t)64 << 20), true);
}

/* Sanitizers reserve terabytes: neither file nor work grow with that. */
static void terabytes_of_nothing_take_no_room(void **state)
{
	(void)state;
	for (int format = 0; format < 2; format++) {
		struct fake_target t;
		struct hs_capture_result result;
		static uint8_t bytes[PAGE];
		struct hs_capture_options opt = plain(
			(enum hs_capture_format)format, HS_CAPTURE_STORED);
		fake_target_init(&t, HS_ARCH_X86_64);
		fake_target_map(&t, PAGE, bytes, PAGE, FAKE_RW);
		fake_target_hole(&t, (uint64_t)1 << 40,
				 ((uint64_t)20 << 40) + 5 * PAGE);
		fake_target_finish(&t);
		struct hs_target *there =
			write_and_open(&t.base, &opt, &result);
		assert_true(result.file_size < 1 << 20);
		uint8_t byte;
		assert_int_equal(hs_target_read(there,
						((uint64_t)21 << 40) + 100,
						&byte, 1, NULL),
				 HS_ERR_NOT_CAPTURED);
		assert_int_equal(hs_target_read(there, (uint64_t)22 << 40,
						&byte, 1, NULL),
				 HS_ERR_UNMAPPED);
		hs_target_close(there);
		fake_target_release(&t);
	}
}

/* More segments than an ELF header can count. */
static void a_core_may_have_very_many_segments(void **state)
{
	(void)state;
	const unsigned count = 70000;
	static uint8_t bytes[PAGE] = { 42 };
	struct fake_target t;
	fake_target_init(&t, HS_ARCH_X86_64);
	for (unsigned i = 0; i < count; i++) {
		hs_addr start = BASE + (uint64_t)i * 2 * PAGE;
		struct hs_map map = { .start = start,
				      .end = start + PAGE,
				      .prot = FAKE_RW };
		struct hs_span span = { .start = start,
					.len = PAGE,
					.bytes = bytes,
					.state = HS_SPAN_BYTES };
		assert_int_equal(hs_map_list_add(&t.base.maps, &map, NULL),
				 HS_OK);
		assert_int_equal(hs_span_list_add(&t.base.spans, span, NULL),
				 HS_OK);
	}
	fake_target_finish(&t);
	struct hs_capture_options opt = plain(HS_CAPTURE_CORE, 0);
	struct hs_target *there = write_and_open(&t.base, &opt, NULL);
	assert_int_equal(there->maps.count, count);
	assert_true(there->complete);
	hs_target_close(there);
	fake_target_release(&t);
}

static void blank(void *arg, hs_addr addr, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (addr + i >= BASE + *(unsigned *)arg)
			bytes[i] = 0;
}

static void what_is_redacted_is_in_no_file(void **state)
{
	(void)state;
	static uint8_t bytes[4 * PAGE];
	unsigned from = PAGE + 8;
	for (int way = 0; way < 3; way++) {
		struct fake_target t;
		struct hs_capture_options opt =
			plain(way == 2 ? HS_CAPTURE_CORE : HS_CAPTURE_SLICE,
			      way == 1 ? HS_CAPTURE_STORED : HS_CAPTURE_ZSTD);
		opt.redact = blank;
		opt.redact_arg = &from;
		memset(bytes, 7, sizeof(bytes));
		fake_target_init(&t, HS_ARCH_X86_64);
		fake_target_map(&t, BASE, bytes, sizeof(bytes), FAKE_RW);
		fake_target_finish(&t);
		struct hs_target *there = write_and_open(&t.base, &opt, NULL);
		uint8_t out[sizeof(bytes)];
		assert_int_equal(
			hs_target_read(there, BASE, out, sizeof(out), NULL),
			HS_OK);
		for (size_t i = 0; i < sizeof(out); i++)
			assert_int_equal(out[i], i < from ? 7 : 0);
		assert_int_equal(bytes[sizeof(bytes) - 1], 7);
		hs_target_close(there);
		fake_target_release(&t);
	}
}

static bool stop_at_once(void *arg, const char *what, uint64_t done,
			 uint64_t total)
{
	(void)arg;
	(void)what;
	(void)done;
	(void)total;
	return false;
}

static void what_is_not_finished_leaves_nothing(void **state)
{
	(void)state;
	static uint8_t bytes[PAGE];
	struct fake_target t;
	struct hs_capture_options opt = plain(HS_CAPTURE_SLICE, 0);
	fake_target_init(&t, HS_ARCH_X86_64);
	fake_target_map(&t, BASE, bytes, PAGE, FAKE_RW);
	fake_target_finish(&t);
	opt.progress = stop_at_once;
	assert_int_equal(
		hs_capture_write(&t.base, path_of("x"), &opt, NULL, NULL),
		HS_ERR_CANCELLED);
	opt.progress = NULL;
	opt.encrypt = true; /* and nobody to ask */
	assert_int_equal(
		hs_capture_write(&t.base, path_of("x"), &opt, NULL, NULL),
		HS_ERR_PERMISSION);
	assert_int_equal(files_left(), 0);
	fake_target_release(&t);
}

/* Of damaged memory: a page that cannot be had is not the end. */
static void a_read_that_fails_is_an_error(void **state)
{
	(void)state;
	static uint8_t bytes[PAGE];
	struct hs_capture_options opt = plain(HS_CAPTURE_SLICE, 0);
	for (unsigned long nth = 1; nth < 3; nth++) {
		struct fake_target t;
		fake_target_init(&t, HS_ARCH_X86_64);
		fake_target_map(&t, BASE, bytes, PAGE, FAKE_RW);
		fake_target_finish(&t);
		fake_target_fail_nth_read(&t, nth);
		assert_int_equal(hs_capture_write(&t.base, path_of("x"), &opt,
						  NULL, NULL),
				 HS_ERR_IO);
		fake_target_release(&t);
	}
	assert_int_equal(files_left(), 0);
}

static void a_stretched_block_unpacks_to_the_same(void **state)
{
	(void)state;
	unsigned short seed[3] = { 7, 7, 7 };
	unsigned done = 0, tried = 0;
	for (unsigned round = 0; round < 2000; round++) {
		uint8_t in[3000], out[3000], packed[4096];
		size_t len = 64 + (size_t)(erand48(seed) * 2900);
		unsigned noise = (unsigned)(erand48(seed) * 30) + 2;
		for (size_t i = 0; i < len; i++)
			in[i] = (uint8_t)(erand48(seed) * 40 < noise
						  ? erand48(seed) * 256
						  : (double)i / 50);
		int n = LZ4_compress_default((char *)in, (char *)packed,
					     (int)len, sizeof(packed));
		assert_true(n > 0);
		size_t small = (size_t)n, rest = round % 8;
		bool good = hs_lz4_stretch(packed, &small, sizeof(packed), in,
					   len, rest);
		tried++;
		done += good;
		assert_true(!good || small % 8 == rest);
		assert_true(small >= (size_t)n);
		assert_int_equal(LZ4_decompress_safe((char *)packed,
						     (char *)out, (int)small,
						     sizeof(out)),
				 len);
		assert_memory_equal(in, out, len);
	}
	print_message("%u of %u blocks\n", done, tried);
	assert_true(done > tried / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_ends_when_it_is_told_to),
		cmocka_unit_test(a_flipped_bit_costs_one_part),
		cmocka_unit_test(what_is_written_is_what_is_read),
		cmocka_unit_test(
			pages_that_are_there_in_part_are_said_to_be_lost),
		cmocka_unit_test(a_mapping_of_gigabytes_survives),
		cmocka_unit_test(p12_what_no_block_can_hold_is_continued),
		cmocka_unit_test(terabytes_of_nothing_take_no_room),
		cmocka_unit_test(a_core_may_have_very_many_segments),
		cmocka_unit_test(what_is_redacted_is_in_no_file),
		cmocka_unit_test(what_is_not_finished_leaves_nothing),
		cmocka_unit_test(a_read_that_fails_is_an_error),
		cmocka_unit_test(a_stretched_block_unpacks_to_the_same),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
