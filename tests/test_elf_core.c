/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backends/elf_core.h"
#include "support/core_writer.h"

#define HEAP 0x10000u
#define STACK 0x70000u
#define LIB 0x40000u
#define NOWHERE "/nonexistent"
#define LIB_PATH "/lib/tiny.so"

static const uint8_t id_a[20] = "the build that ran..", id_b[20] = "another";

static void fill(uint8_t *bytes, size_t len, uint8_t start)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(start + i);
}

static struct hs_target *open_with(struct core_writer *w,
				   const struct hs_open_options *opt)
{
	size_t len;
	const uint8_t *bytes = core_writer_finish(w, &len);
	struct hs_target *t = NULL;
	struct hs_error err;
	if (hs_core_open_bytes(bytes, len, "core", opt, &t, &err))
		fail_msg("%s", err.text);
	return t;
}

static struct hs_target *open_it(struct core_writer *w)
{
	const struct hs_open_options opt = { .struct_size = sizeof(opt),
					     .sysroot = NOWHERE };
	return open_with(w, &opt);
}

static enum hs_status refused(const uint8_t *bytes, size_t len, const char *why)
{
	const struct hs_open_options opt = { .sysroot = NOWHERE };
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	enum hs_status st =
		hs_core_open_bytes(bytes, len, "core.77", &opt, &t, &err);
	assert_null(t);
	assert_non_null(strstr(err.text, "'core.77'"));
	if (!strstr(err.text, why))
		fail_msg("no '%s' in: %s", why, err.text);
	return st;
}

static const struct hs_note *note_of(const struct hs_target *t,
				     const char *code)
{
	for (size_t i = 0; i < t->notes.count; i++)
		if (strcmp(t->notes.note[i].code, code) == 0)
			return &t->notes.note[i];
	return NULL;
}

static enum hs_status read_at(const struct hs_target *t, hs_addr at, uint8_t *b)
{
	return hs_target_read(t, at, b, 1, NULL);
}

static void bytes_unmapped_and_not_captured_are_three_answers(void **state)
{
	(void)state;
	uint8_t page[0x1000], b;
	fill(page, sizeof(page), 7);
	for (int arch = HS_ARCH_X86_64; arch <= HS_ARCH_AARCH64; arch++) {
		struct core_writer w;
		core_writer_init(&w, (enum hs_arch)arch);
		core_writer_process(&w, 77, "prog", "prog -x");
		core_writer_thread(&w, 77, 6, 0x1111, STACK + 8, 0x3333);
		core_writer_load(&w, HEAP, PF_R | PF_W, page, 0x1000, 0x1000);
		core_writer_load(&w, STACK, PF_R | PF_W, page, 0x800, 0x1000);
		struct hs_target *t = open_it(&w);
		assert_int_equal(t->arch, arch);
		assert_int_equal(t->word_size, arch == HS_ARCH_I386 ? 4 : 8);
		assert_int_equal(t->pid, 77);
		assert_int_equal(t->signal, 6);
		assert_string_equal(t->command_line, "prog -x");
		assert_string_equal(t->threads.thread[0].name, "prog");

		assert_int_equal(read_at(t, HEAP + 3, &b), HS_OK);
		assert_int_equal(b, 10);
		assert_int_equal(read_at(t, HEAP - 1, &b), HS_ERR_UNMAPPED);
		assert_int_equal(read_at(t, STACK + 0x7ff, &b), HS_OK);
		assert_int_equal(read_at(t, STACK + 0x800, &b),
				 HS_ERR_NOT_CAPTURED);
		assert_int_equal(read_at(t, STACK + 0x1000, &b),
				 HS_ERR_UNMAPPED);
		assert_int_equal(hs_target_map_count(t), 2);
		assert_int_equal(t->maps.map[1].kind, HS_MAP_STACK);
		assert_int_equal(t->maps.map[1].captured, 0x800);
		assert_false(t->complete); /* a stack in part */
		hs_target_close(t);
		core_writer_release(&w);
	}
}

static void a_view_points_into_the_file_not_to_a_copy(void **state)
{
	(void)state;
	uint8_t page[0x1000] = { 1 };
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	core_writer_load(&w, HEAP, PF_R | PF_W, page, 0x1000, 0x1000);
	struct hs_target *t = open_it(&w);
	const uint8_t *at;
	uint64_t len;
	assert_int_equal(hs_target_view(t, HEAP + 0x10, &at, &len, NULL),
			 HS_OK);
	assert_int_equal(len, 0xff0);
	assert_true(at > w.out.bytes && at + len <= w.out.bytes + w.out.len);
	assert_true(t->complete);
	assert_null(note_of(t, "core-malformed"));
	hs_target_close(t);
	core_writer_release(&w);
}

static void seventy_thousand_segments_are_all_there(void **state)
{
	(void)state;
	for (int arch = HS_ARCH_X86_64; arch <= HS_ARCH_I386; arch++) {
		struct core_writer w;
		core_writer_init(&w, (enum hs_arch)arch);
		uint8_t b[2];
		for (uint32_t i = 0; i < 70000; i++) {
			fill(b, 2, (uint8_t)i);
			core_writer_load(&w, HEAP + (hs_addr)i * 0x1000,
					 PF_R | PF_W, b, 2, 2);
		}
		struct hs_target *t = open_it(&w);
		assert_int_equal(hs_target_map_count(t), 70000);
		assert_int_equal(read_at(t, HEAP + 69999u * 0x1000 + 1, b),
				 HS_OK);
		assert_int_equal(b[0], (uint8_t)(69999 + 1));
		assert_true(t->complete);
		hs_target_close(t);

		/* Cut in the memory, the count at the end is gone as well. */
		size_t len;
		const uint8_t *bytes = core_writer_finish(&w, &len);
		const struct hs_open_options opt = { .sysroot = NOWHERE };
		assert_int_equal(hs_core_open_bytes(bytes, len - 1000, "core",
						    &opt, &t, NULL),
				 HS_OK);
		assert_int_equal(hs_target_map_count(t), 70000);
		assert_non_null(note_of(t, "core-truncated"));
		assert_false(t->complete);
		hs_target_close(t);
		core_writer_release(&w);
	}
}

static void a_cut_core_is_used_as_far_as_it_goes(void **state)
{
	(void)state;
	uint8_t page[0x1000], b;
	fill(page, sizeof(page), 0);
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	core_writer_load(&w, HEAP, PF_R | PF_W, page, 0x1000, 0x1000);
	core_writer_load(&w, STACK, PF_R | PF_W, page, 0x1000, 0x1000);
	size_t len;
	const uint8_t *bytes = core_writer_finish(&w, &len);
	const struct hs_open_options opt = { .sysroot = NOWHERE };
	struct hs_target *t;
	assert_int_equal(
		hs_core_open_bytes(bytes, len - 0x10, "core", &opt, &t, NULL),
		HS_OK);
	assert_false(t->complete);
	assert_int_equal(read_at(t, STACK + 0xfef, &b), HS_OK);
	assert_int_equal(b, 0xef);
	assert_int_equal(read_at(t, STACK + 0xff0, &b), HS_ERR_NOT_CAPTURED);
	const struct hs_note *note = note_of(t, "core-truncated");
	assert_non_null(note);
	char expect[64];
	(void)snprintf(expect, sizeof(expect), "16 of its %zu bytes", len);
	assert_non_null(strstr(note->message, expect));
	hs_target_close(t);
	core_writer_release(&w);
}

/* Everything a small core has: threads, files, an image, an auxv. */
static void small_core(struct core_writer *w, enum hs_arch arch)
{
	core_writer_init(w, arch);
	uint8_t image[TINY_LEN], page[0x40] = { 1 };
	tiny_image(image, w->word, w->machine, id_a, sizeof(id_a));
	core_writer_process(w, 77, "prog", "prog -x");
	core_writer_thread(w, 77, 6, 0x1111, STACK + 8, 0x3333);
	const uint64_t auxv[][2] = { { AT_PAGESZ, 0x1000 },
				     { AT_PHDR, LIB + 0x40 },
				     { AT_RANDOM, STACK + 0x20 } };
	core_writer_auxv(w, auxv, 3);
	for (unsigned i = 0; i < 3; i++)
		core_writer_file(w, LIB + (hs_addr)i * TINY_PAGE,
				 LIB + (hs_addr)(i + 1) * TINY_PAGE,
				 (uint64_t)i * TINY_PAGE, LIB_PATH);
	core_writer_load(w, HEAP, PF_R | PF_W, page, 0x40, 0x1000);
	core_writer_load(w, LIB, PF_R, image, 0x200, TINY_PAGE);
	core_writer_load(w, LIB + TINY_PAGE, PF_R | PF_X, NULL, 0, TINY_PAGE);
	core_writer_load(w, LIB + 2 * TINY_PAGE, PF_R | PF_W, page, 0x40,
			 TINY_PAGE);
	core_writer_load(w, STACK, PF_R | PF_W, page, 0x40, 0x40);
}

static void a_core_cut_at_any_byte_opens_or_says_why(void **state)
{
	(void)state;
	for (int arch = HS_ARCH_X86_64; arch <= HS_ARCH_I386; arch++) {
		struct core_writer w;
		small_core(&w, (enum hs_arch)arch);
		size_t len, opened = 0;
		const uint8_t *bytes = core_writer_finish(&w, &len);
		const struct hs_open_options opt = { .sysroot = NOWHERE };
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *exact = malloc(cut + 1);
			assert_non_null(exact);
			memcpy(exact, bytes, cut);
			struct hs_target *t = NULL;
			struct hs_error err = { 0 };
			enum hs_status st = hs_core_open_bytes(
				exact, cut, "core", &opt, &t, &err);
			if (st) {
				assert_int_equal(st, HS_ERR_FORMAT);
				assert_true(strlen(err.text) > 0);
				assert_null(t);
			} else {
				assert_false(t->complete);
				assert_non_null(note_of(t, "core-truncated"));
				opened++;
				hs_target_close(t);
			}
			free(exact);
		}
		assert_true(opened > len / 2);
		core_writer_release(&w);
	}
}

static void any_changed_byte_is_survived(void **state)
{
	(void)state;
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	for (int arch = HS_ARCH_X86_64; arch <= HS_ARCH_I386; arch++) {
		struct core_writer w;
		small_core(&w, (enum hs_arch)arch);
		size_t len, asked = 0;
		(void)core_writer_finish(&w, &len);
		uint8_t *bytes = w.out.bytes;
		const struct hs_open_options opt = { .sysroot = NOWHERE };
		for (size_t i = 0; i < 5 * len; i++) {
			uint8_t was = bytes[i / 5], b;
			bytes[i / 5] = values[i % 5];
			struct hs_target *t = NULL;
			if (hs_core_open_bytes(bytes, len, "core", &opt, &t,
					       NULL) == HS_OK) {
				for (size_t m = 0; m < t->maps.count; m++)
					asked +=
						read_at(t, t->maps.map[m].start,
							&b) == HS_OK;
				hs_target_close(t);
			}
			bytes[i / 5] = was;
		}
		assert_true(asked > 0);
		core_writer_release(&w);
	}
}

/* A folder that holds LIB_PATH with BUILD_ID, below which the core's paths are
 * looked for. */
struct root {
	char dir[64], file[96];
};

static void root_init(struct root *r, const uint8_t *build_id, size_t len)
{
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/heapscan-test-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	(void)snprintf(r->file, sizeof(r->file), "%s/lib", r->dir);
	assert_int_equal(mkdir(r->file, 0700), 0);
	(void)snprintf(r->file, sizeof(r->file), "%s%s", r->dir, LIB_PATH);
	uint8_t image[TINY_LEN];
	tiny_image(image, 8, EM_X86_64, build_id, len);
	int fd = open(r->file, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	/* 0x10 bytes short of a page: the rest of it is zeroes when mapped. */
	assert_int_equal(write(fd, image, TINY_LEN - 0x10), TINY_LEN - 0x10);
	assert_int_equal(close(fd), 0);
}

static void root_release(struct root *r)
{
	assert_int_equal(unlink(r->file), 0);
	*strrchr(r->file, '/') = '\0';
	assert_int_equal(rmdir(r->file), 0);
	assert_int_equal(rmdir(r->dir), 0);
}

static struct hs_target *open_with_lib(struct core_writer *w,
				       const uint8_t *build_id, size_t len)
{
	struct root r;
	root_init(&r, build_id, len);
	small_core(w, HS_ARCH_X86_64);
	const struct hs_open_options opt = { .sysroot = r.dir };
	struct hs_target *t = open_with(w, &opt);
	root_release(&r); /* a mapped file outlives its name */
	return t;
}

static void pages_left_out_come_from_the_file_of_the_same_build(void **state)
{
	(void)state;
	struct core_writer w;
	uint8_t b;
	struct hs_target *t = open_with_lib(&w, id_a, sizeof(id_a));
	assert_int_equal(t->modules.count, 1);
	const struct hs_module *m = &t->modules.module[0];
	assert_int_equal(m->base, LIB);
	assert_string_equal(m->path, LIB_PATH);
	assert_int_equal(m->file_state, HS_MODULE_FILE_MATCHED);
	assert_non_null(strstr(m->file, LIB_PATH));
	assert_int_equal(m->build_id_len, sizeof(id_a));
	assert_memory_equal(m->build_id, id_a, sizeof(id_a));
	assert_true(m->is_executable);
	assert_string_equal(t->executable, LIB_PATH);

	assert_int_equal(read_at(t, LIB + TINY_PAGE, &b), HS_OK);
	assert_int_equal(b, TINY_TEXT);
	assert_int_equal(read_at(t, LIB + 0x300, &b), HS_OK);
	const struct hs_map *text = hs_target_find_map(t, LIB + TINY_PAGE);
	assert_int_equal(text->captured, TINY_PAGE);
	assert_int_equal(text->from_file, TINY_PAGE);
	const struct hs_map *head = hs_target_find_map(t, LIB);
	assert_int_equal(head->captured, TINY_PAGE);
	assert_int_equal(head->from_file, TINY_PAGE - 0x200);
	hs_target_close(t);
	core_writer_release(&w);
}

static void written_pages_never_come_from_a_file(void **state)
{
	(void)state;
	struct core_writer w;
	uint8_t b;
	struct hs_target *t = open_with_lib(&w, id_a, sizeof(id_a));
	assert_int_equal(read_at(t, LIB + 2 * TINY_PAGE, &b), HS_OK);
	assert_int_equal(b, 1); /* the dump's byte */
	assert_int_equal(read_at(t, LIB + 2 * TINY_PAGE + 0x40, &b),
			 HS_ERR_NOT_CAPTURED);
	hs_target_close(t);
	core_writer_release(&w);
}

static void another_builds_file_lends_nothing(void **state)
{
	(void)state;
	struct core_writer w;
	uint8_t b;
	struct hs_target *t = open_with_lib(&w, id_b, sizeof(id_b));
	assert_int_equal(t->modules.module[0].file_state,
			 HS_MODULE_FILE_MISMATCH);
	assert_null(t->modules.module[0].file);
	assert_int_equal(read_at(t, LIB + TINY_PAGE, &b), HS_ERR_NOT_CAPTURED);
	const struct hs_note *note = note_of(t, "module-file-mismatch");
	assert_non_null(note);
	assert_int_equal(note->severity, HS_WARNING);
	assert_non_null(strstr(note->message, "--sysroot"));
	hs_target_close(t);
	core_writer_release(&w);
}

static void a_file_without_build_id_lends_nothing(void **state)
{
	(void)state;
	struct core_writer w;
	uint8_t b;
	struct hs_target *t = open_with_lib(&w, NULL, 0);
	assert_int_equal(t->modules.module[0].file_state,
			 HS_MODULE_FILE_MISMATCH);
	assert_int_equal(read_at(t, LIB + TINY_PAGE, &b), HS_ERR_NOT_CAPTURED);
	hs_target_close(t);
	core_writer_release(&w);
}

static void a_missing_file_is_a_note_with_its_cure(void **state)
{
	(void)state;
	struct core_writer w;
	uint8_t b;
	small_core(&w, HS_ARCH_I386);
	struct hs_target *t = open_it(&w);
	assert_int_equal(t->modules.count, 1);
	assert_int_equal(t->modules.module[0].file_state,
			 HS_MODULE_FILE_MISSING);
	assert_int_equal(read_at(t, LIB + TINY_PAGE, &b), HS_ERR_NOT_CAPTURED);
	const struct hs_note *note = note_of(t, "module-file-missing");
	assert_non_null(note);
	assert_int_equal(note->severity, HS_NOTE);
	assert_non_null(strstr(note->message, "--sysroot"));
	hs_target_close(t);
	core_writer_release(&w);
}

static void without_its_header_page_no_file_is_trusted(void **state)
{
	(void)state;
	struct root r;
	root_init(&r, id_a, sizeof(id_a));
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	core_writer_file(&w, LIB, LIB + 0x1000, 0, LIB_PATH);
	core_writer_file(&w, LIB + 0x1000, LIB + 0x2000, 0x1000, LIB_PATH);
	core_writer_load(&w, LIB, PF_R, NULL, 0, 0x1000);
	core_writer_load(&w, LIB + 0x1000, PF_R | PF_X, NULL, 0, 0x1000);
	const struct hs_open_options opt = { .sysroot = r.dir };
	struct hs_target *t = open_with(&w, &opt);
	root_release(&r);
	uint8_t b;
	assert_int_equal(t->modules.count, 1);
	assert_int_equal(t->modules.module[0].end, LIB + 0x2000);
	assert_int_equal(t->modules.module[0].file_state,
			 HS_MODULE_FILE_MISSING);
	assert_int_equal(read_at(t, LIB + TINY_PAGE, &b), HS_ERR_NOT_CAPTURED);
	const struct hs_note *note = note_of(t, "module-file-unverified");
	assert_non_null(note);
	assert_non_null(strstr(note->message, "header page"));
	assert_true(t->complete); /* left out by design */
	hs_target_close(t);
	core_writer_release(&w);
}

static void a_file_that_only_nt_file_knows_is_mapped_and_lends(void **state)
{
	(void)state;
	struct root r;
	root_init(&r, id_a, sizeof(id_a));
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	uint8_t image[TINY_LEN], b;
	tiny_image(image, 8, EM_X86_64, id_a, sizeof(id_a));
	core_writer_file(&w, LIB, LIB + 0x1000, 0, LIB_PATH);
	core_writer_file(&w, LIB + 0x1000, LIB + 0x2000, 0x1000, LIB_PATH);
	core_writer_file(&w, 0x90000, 0x91000, 0, "/usr/share/data");
	core_writer_load(&w, LIB, PF_R, image, 0x1000, 0x1000);
	const struct hs_open_options opt = { .sysroot = r.dir };
	struct hs_target *t = open_with(&w, &opt);
	root_release(&r);
	assert_int_equal(hs_target_map_count(t), 3);
	assert_int_equal(read_at(t, LIB + TINY_PAGE, &b), HS_OK);
	assert_int_equal(b, TINY_TEXT);
	assert_int_equal(t->maps.map[1].prot, HS_PROT_READ | HS_PROT_EXEC);
	assert_int_equal(read_at(t, 0x90000, &b), HS_ERR_NOT_CAPTURED);
	assert_int_equal(read_at(t, 0x91000, &b), HS_ERR_UNMAPPED);
	hs_target_close(t);
	core_writer_release(&w);
}

static void without_nt_file_an_image_is_known_by_its_header(void **state)
{
	(void)state;
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_AARCH64);
	uint8_t image[TINY_LEN];
	static const char name[] = "./prog";
	tiny_image(image, 8, EM_AARCH64, id_a, sizeof(id_a));
	const uint64_t auxv[][2] = { { AT_PHDR, LIB + 0x40 },
				     { AT_EXECFN, STACK } };
	core_writer_auxv(&w, auxv, 2);
	core_writer_load(&w, HEAP, PF_R | PF_W, image + TINY_PAGE, 16, 16);
	core_writer_load(&w, LIB, PF_R, image, 0x1000, 0x1000);
	core_writer_load(&w, LIB + 0x1000, PF_R | PF_X, image, 0x1000, 0x1000);
	core_writer_load(&w, STACK, PF_R | PF_W, name, sizeof(name),
			 sizeof(name));
	core_writer_load(&w, 0x90000, PF_R | PF_X, image, 0x1000, 0x1000);
	struct hs_target *t = open_it(&w);
	assert_int_equal(t->modules.count, 2);
	assert_string_equal(t->modules.module[0].path, "./prog");
	assert_true(t->modules.module[0].is_executable);
	assert_string_equal(t->executable, "./prog");
	assert_string_equal(t->modules.module[1].path, "[elf@0x90000]");
	assert_int_equal(t->modules.module[1].file_state, HS_MODULE_FILE_NONE);
	hs_target_close(t);
	core_writer_release(&w);
}

static void without_any_file_page_the_program_still_has_its_name(void **state)
{
	(void)state;
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_AARCH64);
	static const char name[] = "./prog";
	const uint64_t auxv[][2] = { { AT_PHDR, LIB + 0x40 },
				     { AT_EXECFN, STACK } };
	core_writer_auxv(&w, auxv, 2);
	core_writer_load(&w, LIB, PF_R | PF_X, NULL, 0, 0x1000);
	core_writer_load(&w, STACK, PF_R | PF_W, name, sizeof(name),
			 sizeof(name));
	struct hs_target *t = open_it(&w);
	assert_int_equal(t->modules.count, 0);
	assert_string_equal(t->executable, "./prog");
	hs_target_close(t);
	core_writer_release(&w);
}

static void the_vdso_is_a_module_without_file(void **state)
{
	(void)state;
	struct core_writer w;
	small_core(&w, HS_ARCH_X86_64);
	uint8_t image[TINY_LEN];
	tiny_image(image, 8, EM_X86_64, id_b, sizeof(id_b));
	core_writer_release(&w);
	core_writer_init(&w, HS_ARCH_X86_64);
	const uint64_t auxv[][2] = { { AT_SYSINFO_EHDR, 0x50000 } };
	core_writer_auxv(&w, auxv, 1);
	core_writer_load(&w, 0x50000, PF_R | PF_X, image, 0x1000, 0x1000);
	struct hs_target *t = open_it(&w);
	assert_int_equal(t->modules.count, 1);
	assert_string_equal(t->modules.module[0].path, "[vdso]");
	assert_int_equal(t->modules.module[0].file_state, HS_MODULE_FILE_NONE);
	assert_int_equal(t->modules.module[0].build_id_len, sizeof(id_b));
	assert_int_equal(t->maps.map[0].kind, HS_MAP_SPECIAL);
	hs_target_close(t);
	core_writer_release(&w);
}

static void overlapping_segments_are_settled_and_said(void **state)
{
	(void)state;
	uint8_t one[0x20], two[0x20], b;
	memset(one, 1, sizeof(one));
	memset(two, 2, sizeof(two));
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	core_writer_load(&w, HEAP + 0x10, PF_R | PF_W, one, 0x20, 0x20);
	core_writer_load(&w, HEAP, PF_R | PF_W, two, 0x20, 0x20);
	core_writer_load(&w, HEAP + 0x18, PF_R | PF_W, two, 4, 4);
	struct hs_target *t = open_it(&w);
	assert_non_null(note_of(t, "core-malformed"));
	assert_int_equal(read_at(t, HEAP + 0xf, &b), HS_OK);
	assert_int_equal(b, 2);
	assert_int_equal(read_at(t, HEAP + 0x1f, &b), HS_OK);
	assert_int_equal(b, 1);
	for (size_t i = 1; i < t->maps.count; i++)
		assert_true(t->maps.map[i - 1].end <= t->maps.map[i].start);
	hs_target_close(t);
	core_writer_release(&w);
}

static void segments_that_no_address_space_holds_are_cut_and_said(void **state)
{
	(void)state;
	uint8_t page[0x20] = { 9 }, b;
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	core_writer_load(&w, UINT64_MAX - 0xff, PF_R | PF_W, page, 0x20,
			 0x1000);
	core_writer_load(&w, HEAP, PF_R | PF_W, page, 0x20, 0x20);
	core_writer_load(&w, UINT64_MAX, PF_R | PF_W, page, 0x20, 0x20);
	struct hs_target *t = open_it(&w);
	assert_non_null(note_of(t, "core-malformed"));
	assert_false(t->complete);
	assert_int_equal(read_at(t, HEAP, &b), HS_OK);
	assert_int_equal(b, 9);
	assert_int_equal(read_at(t, UINT64_MAX - 0xff, &b), HS_OK);
	hs_target_close(t);
	core_writer_release(&w);
}

static void a_core_filtered_of_private_memory_is_incomplete(void **state)
{
	(void)state;
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	core_writer_load(&w, HEAP, PF_R | PF_W, NULL, 0, 0x1000);
	struct hs_target *t = open_it(&w);
	assert_false(t->complete);
	const struct hs_note *note = note_of(t, "memory-filtered");
	assert_non_null(note);
	assert_non_null(strstr(note->message, "coredump_filter"));
	hs_target_close(t);
	core_writer_release(&w);
}

static void a_mapping_that_was_never_touched_is_not_missed(void **state)
{
	(void)state;
	uint8_t page[0x20] = { 9 };
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	core_writer_load(&w, HEAP, PF_R | PF_W, NULL, 0, 0x1000);
	core_writer_load(&w, STACK, PF_R | PF_W, page, 0x20, 0x20);
	struct hs_target *t = open_it(&w);
	assert_true(t->complete);
	assert_non_null(note_of(t, "memory-left-out"));
	hs_target_close(t);
	core_writer_release(&w);
}

static void what_is_no_core_is_called_by_its_name(void **state)
{
	(void)state;
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	core_writer_load(&w, HEAP, PF_R, "x", 1, 1);
	size_t len;
	(void)core_writer_finish(&w, &len);
	uint8_t *core = w.out.bytes;
	core[16] = ET_DYN;
	assert_int_equal(refused(core, len, "an ELF executable"),
			 HS_ERR_FORMAT);
	core[16] = ET_REL;
	assert_int_equal(refused(core, len, "object file"), HS_ERR_FORMAT);
	core[16] = ET_CORE;
	core[18] = EM_RISCV;
	assert_int_equal(refused(core, len, "RISC-V"), HS_ERR_UNSUPPORTED);
	core[18] = 200;
	assert_int_equal(refused(core, len, "200"), HS_ERR_UNSUPPORTED);
	core[18] = EM_X86_64;
	core[EI_CLASS] = ELFCLASS32;
	core[42] = 32; /* e_phentsize of a 32-bit header */
	assert_int_equal(refused(core, len, "x32"), HS_ERR_UNSUPPORTED);
	static const uint8_t big[64] = {
		0x7f, 'E', 'L', 'F',     ELFCLASS64, ELFDATA2MSB, 1,
		0,    0,   0,   0,       0,          0,           0,
		0,    0,   0,   ET_CORE, 0,          EM_PPC64
	};
	assert_int_equal(refused(big, sizeof(big), "big-endian"),
			 HS_ERR_UNSUPPORTED);
	static const uint8_t gzip[16] = { 0x1f, 0x8b }, text[16] = "hello";
	static const uint8_t zstd[16] = { 0x28, 0xb5, 0x2f, 0xfd };
	assert_int_equal(refused(gzip, 16, "gzip -d"), HS_ERR_FORMAT);
	assert_int_equal(refused(zstd, 16, "zstd -d"), HS_ERR_FORMAT);
	assert_int_equal(refused(text, 16, "no ELF core"), HS_ERR_FORMAT);
	assert_int_equal(refused(text, 0, "no ELF core"), HS_ERR_FORMAT);
	core_writer_release(&w);
}

static void a_core_without_segments_is_refused(void **state)
{
	(void)state;
	struct core_writer w;
	small_core(&w, HS_ARCH_X86_64);
	size_t len;
	(void)core_writer_finish(&w, &len);
	assert_int_equal(refused(w.out.bytes, 64, "cut"), HS_ERR_FORMAT);
	w.out.bytes[56] = w.out.bytes[57] = 0; /* e_phnum */
	assert_int_equal(refused(w.out.bytes, len, "without segments"),
			 HS_ERR_FORMAT);
	core_writer_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			bytes_unmapped_and_not_captured_are_three_answers),
		cmocka_unit_test(a_view_points_into_the_file_not_to_a_copy),
		cmocka_unit_test(seventy_thousand_segments_are_all_there),
		cmocka_unit_test(a_cut_core_is_used_as_far_as_it_goes),
		cmocka_unit_test(a_core_cut_at_any_byte_opens_or_says_why),
		cmocka_unit_test(any_changed_byte_is_survived),
		cmocka_unit_test(
			pages_left_out_come_from_the_file_of_the_same_build),
		cmocka_unit_test(written_pages_never_come_from_a_file),
		cmocka_unit_test(another_builds_file_lends_nothing),
		cmocka_unit_test(a_file_without_build_id_lends_nothing),
		cmocka_unit_test(a_missing_file_is_a_note_with_its_cure),
		cmocka_unit_test(without_its_header_page_no_file_is_trusted),
		cmocka_unit_test(
			a_file_that_only_nt_file_knows_is_mapped_and_lends),
		cmocka_unit_test(
			without_nt_file_an_image_is_known_by_its_header),
		cmocka_unit_test(
			without_any_file_page_the_program_still_has_its_name),
		cmocka_unit_test(the_vdso_is_a_module_without_file),
		cmocka_unit_test(overlapping_segments_are_settled_and_said),
		cmocka_unit_test(
			segments_that_no_address_space_holds_are_cut_and_said),
		cmocka_unit_test(
			a_core_filtered_of_private_memory_is_incomplete),
		cmocka_unit_test(
			a_mapping_that_was_never_touched_is_not_missed),
		cmocka_unit_test(what_is_no_core_is_called_by_its_name),
		cmocka_unit_test(a_core_without_segments_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
