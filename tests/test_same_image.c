/* SPDX-License-Identifier: MIT */
/*
 * A core whose image has no build id: is the file on disk the one that ran?
 */
#include "backends/elf_core.h"

#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backends/mapped_modules.h"
#include "support/core_writer.h"

#define BASE 0x7f1200000000u
#define PAGE 0x1000u
#define DISTANCE 0x10000u
#define LIB_PATH "/lib/one.so"
#define TEXT 0x5a

/* Within the image: relocations, pointers that are sealed, one that is not. */
#define TABLE 0x800u
#define SEALED 0x2000u
#define POINTERS 16u
#define OPEN 0x2900u
#define DYNAMIC 0x2600u

/* As on disk: headers, code, data. */
struct image {
	uint8_t bytes[3 * PAGE];
};

static void put(struct image *f, size_t at, const void *what, size_t len)
{
	memcpy(f->bytes + at, what, len);
}

static void put_segment(struct image *f, unsigned i, uint32_t type,
			uint32_t flags, uint64_t at, uint64_t len)
{
	Elf64_Phdr p = { .p_type = type,
			 .p_flags = flags,
			 .p_offset = at,
			 .p_vaddr = at,
			 .p_filesz = len,
			 .p_memsz = len,
			 .p_align = PAGE };
	put(f, sizeof(Elf64_Ehdr) + i * sizeof(p), &p, sizeof(p));
}

static uint64_t place(unsigned i)
{
	return i < POINTERS ? SEALED + 8 * i : OPEN;
}

static uint64_t points_to(unsigned i)
{
	return 0x1000 + 24 * i;
}

static void write_image(struct image *f)
{
	Elf64_Ehdr h = { .e_type = ET_DYN,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_phoff = sizeof(h),
			 .e_ehsize = sizeof(h),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 5 };
	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	h.e_ident[EI_VERSION] = EV_CURRENT;
	memset(f->bytes, 0x11, PAGE);
	memset(f->bytes + PAGE, TEXT, PAGE);
	memset(f->bytes + 2 * (size_t)PAGE, 0, PAGE);
	put(f, 0, &h, sizeof(h));
	put_segment(f, 0, PT_LOAD, PF_R, 0, PAGE);
	put_segment(f, 1, PT_LOAD, PF_R | PF_X, PAGE, PAGE);
	put_segment(f, 2, PT_LOAD, PF_R | PF_W, 2 * PAGE, PAGE);
	put_segment(f, 3, PT_DYNAMIC, PF_R | PF_W, DYNAMIC, 4 * 16);
	put_segment(f, 4, PT_GNU_RELRO, PF_R, SEALED, 0x800);
	for (unsigned i = 0; i <= POINTERS; i++) {
		Elf64_Rela r = { place(i), R_X86_64_RELATIVE,
				 (int64_t)points_to(i) };
		put(f, TABLE + i * sizeof(r), &r, sizeof(r));
	}
	Elf64_Dyn dynamic[] = {
		{ DT_RELA, { TABLE } },
		{ DT_RELASZ, { (POINTERS + 1) * sizeof(Elf64_Rela) } },
		{ DT_NULL, { 0 } },
	};
	put(f, DYNAMIC, dynamic, sizeof(dynamic));
}

/* What the loader makes of the data, and the program of what is open. */
static void relocate(struct image *f)
{
	for (unsigned i = 0; i <= POINTERS; i++) {
		uint64_t word = i < POINTERS ? BASE + points_to(i) : 0x4711;
		put(f, place(i), &word, sizeof(word));
	}
}

/* A core of the image in DUMP and the file in DISK, the core some seconds
 * younger. */
struct world {
	char dir[64], file[96], core_path[96];
	struct image disk, dump;
	struct core_writer w;
	struct hs_target *t;
	unsigned copies; /* of the image, beside one another */
	int younger;
	bool with_data;
};

static void set_up(struct world *w)
{
	memset(w, 0, sizeof(*w));
	write_image(&w->disk);
	write_image(&w->dump);
	relocate(&w->dump);
	w->copies = 1;
	w->younger = 10;
	w->with_data = true;
}

static void write_file(const char *path, const void *bytes, size_t len,
		       time_t when)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(futimens(fd, times), 0);
	assert_int_equal(close(fd), 0);
}

static void add_copy(struct world *w, hs_addr base)
{
	struct image dump = w->dump;
	for (unsigned i = 0; i < POINTERS; i++) {
		uint64_t word;
		memcpy(&word, dump.bytes + place(i), sizeof(word));
		word += base - BASE;
		put(&dump, place(i), &word, sizeof(word));
	}
	for (unsigned i = 0; i < 3; i++)
		core_writer_file(&w->w, base + i * PAGE, base + (i + 1) * PAGE,
				 i * PAGE, LIB_PATH);
	core_writer_load(&w->w, base, PF_R, dump.bytes, PAGE, PAGE);
	core_writer_load(&w->w, base + PAGE, PF_R | PF_X, NULL, 0, PAGE);
	core_writer_load(&w->w, base + 2 * PAGE, PF_R | PF_W,
			 dump.bytes + 2 * (size_t)PAGE, w->with_data ? PAGE : 0,
			 PAGE);
}

static void open_core(struct world *w)
{
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/heapscan-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->file, sizeof(w->file), "%s/lib", w->dir);
	assert_int_equal(mkdir(w->file, 0700), 0);
	(void)snprintf(w->file, sizeof(w->file), "%s" LIB_PATH, w->dir);
	(void)snprintf(w->core_path, sizeof(w->core_path), "%s/core", w->dir);
	write_file(w->file, w->disk.bytes, sizeof(w->disk), 1000000000);

	core_writer_init(&w->w, HS_ARCH_X86_64);
	for (unsigned c = 0; c < w->copies; c++)
		add_copy(w, BASE + c * DISTANCE);
	size_t len;
	const uint8_t *bytes = core_writer_finish(&w->w, &len);
	write_file(w->core_path, bytes, len, 1000000000 + w->younger);
	const struct hs_open_options opt = { .struct_size = sizeof(opt),
					     .sysroot = w->dir };
	struct hs_error err;
	if (hs_core_open_bytes(bytes, len, w->core_path, &opt, &w->t, &err))
		fail_msg("%s", err.text);
	assert_int_equal(w->t->modules.count, w->copies);
}

static void tear_down(struct world *w)
{
	hs_target_close(w->t);
	core_writer_release(&w->w);
	(void)unlink(w->file);
	(void)unlink(w->core_path);
	*strrchr(w->file, '/') = '\0';
	(void)rmdir(w->file);
	(void)rmdir(w->dir);
}

static void expect(struct world *w, enum hs_module_file state, const char *code,
		   const char *says)
{
	const struct hs_note *note = NULL;
	uint8_t b;
	open_core(w);
	enum hs_status st = hs_target_read(w->t, BASE + PAGE, &b, 1, NULL);
	assert_int_equal(w->t->modules.module[0].file_state, state);
	if (state == HS_MODULE_FILE_MATCHED) {
		assert_int_equal(st, HS_OK);
		assert_int_equal(b, TEXT);
	} else {
		assert_int_equal(st, HS_ERR_NOT_CAPTURED);
	}
	for (size_t i = 0; i < w->t->notes.count; i++)
		if (strncmp(w->t->notes.note[i].code, "module-file", 11) == 0)
			note = &w->t->notes.note[i];
	assert_non_null(note);
	assert_string_equal(note->code, code);
	if (!strstr(note->message, says))
		fail_msg("no '%s' in: %s", says, note->message);
	tear_down(w);
}

static void
a_file_that_agrees_with_the_dump_is_used_and_that_is_said(void **state)
{
	(void)state;
	struct world w;
	set_up(&w);
	expect(&w, HS_MODULE_FILE_MATCHED, "module-file-by-content",
	       "4096 bytes and 16 relocated words");
}

static void one_byte_that_differs_makes_it_another_build(void **state)
{
	(void)state;
	struct world w;
	set_up(&w);
	w.disk.bytes[PAGE - 1] ^= 1;
	expect(&w, HS_MODULE_FILE_MISMATCH, "module-file-mismatch",
	       "--sysroot");
}

static void one_pointer_that_differs_makes_it_another_build(void **state)
{
	(void)state;
	struct world w;
	set_up(&w);
	uint64_t word = BASE + points_to(7) + 8;
	put(&w.dump, place(7), &word, sizeof(word));
	expect(&w, HS_MODULE_FILE_MISMATCH, "module-file-mismatch",
	       "another build");
}

/* Linkers that seal nothing: pointers in data, most of them untouched. */
static void without_sealed_pointers_most_others_must_agree(void **state)
{
	(void)state;
	for (unsigned written = 0; written < 5; written++) {
		struct world w;
		set_up(&w);
		put_segment(&w.disk, 4, PT_NULL, 0, 0, 0);
		put_segment(&w.dump, 4, PT_NULL, 0, 0, 0);
		uint64_t right = BASE + points_to(POINTERS), other = 0x4711;
		put(&w.dump, OPEN, &right, sizeof(right));
		for (unsigned i = 0; i < written; i++)
			put(&w.dump, place(i), &other, sizeof(other));
		if (written == 0)
			expect(&w, HS_MODULE_FILE_MATCHED,
			       "module-file-by-content",
			       "4096 bytes and 17 relocated words");
		else if (written == 1)
			expect(&w, HS_MODULE_FILE_MATCHED,
			       "module-file-by-content",
			       "4096 bytes and 16 relocated words");
		else
			expect(&w, HS_MODULE_FILE_MISSING,
			       "module-file-unverified", "too little else");
	}
}

static void headers_alone_are_too_little(void **state)
{
	(void)state;
	struct world w;
	set_up(&w);
	w.with_data = false;
	expect(&w, HS_MODULE_FILE_MISSING, "module-file-unverified",
	       "too little else");
}

static void a_file_written_after_the_dump_is_not_used(void **state)
{
	(void)state;
	struct world w;
	set_up(&w);
	w.younger = -1;
	expect(&w, HS_MODULE_FILE_MISSING, "module-file-unverified",
	       "touch -r");
}

static void what_one_image_is_lent_hides_no_other(void **state)
{
	(void)state;
	struct world w;
	set_up(&w);
	w.copies = 12;
	open_core(&w);
	for (unsigned i = 0; i < w.copies; i++) {
		uint8_t b;
		assert_int_equal(w.t->modules.module[i].file_state,
				 HS_MODULE_FILE_MATCHED);
		assert_int_equal(hs_target_read(w.t, BASE + i * DISTANCE + PAGE,
						&b, 1, NULL),
				 HS_OK);
		assert_int_equal(b, TEXT);
	}
	tear_down(&w);
}

/* Of a slice, lines may be missing: then the ELF header is in nameless memory,
 * and what has a name behind it is another file's. */
static void a_nameless_image_is_lent_nothing_where_maps_have_names(void **state)
{
	(void)state;
	struct world w;
	struct hs_file_overlay_list files = { 0 };
	set_up(&w);
	open_core(&w);
	free(w.t->maps.map[0].path);
	w.t->maps.map[0].path = NULL;
	assert_int_equal(hs_module_fill(w.t, 0, w.file, &files, NULL), HS_OK);
	assert_int_equal(w.t->modules.module[0].file_state,
			 HS_MODULE_FILE_MATCHED);
	for (size_t i = 0; i < files.lent.count; i++)
		assert_in_range(files.lent.span[i].start, BASE,
				BASE + PAGE - 1);
	assert_int_equal(hs_modules_filled(w.t, &files, NULL), HS_OK);
	tear_down(&w);
	hs_file_overlay_list_release(&files);
}

/* Whatever its dynamic section and its relocations say. */
static void a_hostile_file_is_survived(void **state)
{
	(void)state;
	static const uint64_t values[] = {
		0, 1, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 7, 0x2ff8
	};
	for (size_t at = DYNAMIC; at < DYNAMIC + 48; at += 8)
		for (unsigned i = 0; i < 6; i++) {
			struct world w;
			set_up(&w);
			put(&w.disk, at, &values[i], 8);
			open_core(&w);
			tear_down(&w);
		}
	for (size_t at = TABLE; at < TABLE + 24; at += 8)
		for (unsigned i = 0; i < 6; i++) {
			struct world w;
			set_up(&w);
			put(&w.disk, at, &values[i], 8);
			put(&w.dump, at, &values[i], 8);
			open_core(&w);
			tear_down(&w);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_file_that_agrees_with_the_dump_is_used_and_that_is_said),
		cmocka_unit_test(one_byte_that_differs_makes_it_another_build),
		cmocka_unit_test(
			one_pointer_that_differs_makes_it_another_build),
		cmocka_unit_test(
			without_sealed_pointers_most_others_must_agree),
		cmocka_unit_test(headers_alone_are_too_little),
		cmocka_unit_test(a_file_written_after_the_dump_is_not_used),
		cmocka_unit_test(what_one_image_is_lent_hides_no_other),
		cmocka_unit_test(
			a_nameless_image_is_lent_nothing_where_maps_have_names),
		cmocka_unit_test(a_hostile_file_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
