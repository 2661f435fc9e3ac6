/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/core_notes.h"
#include "support/core_writer.h"

static struct hs_core_notes parse(const struct core_writer *w)
{
	struct hs_core_notes n;
	hs_core_notes_init(&n);
	assert_int_equal(hs_core_notes_parse(&n, w->arch, w->notes.bytes,
					     w->notes.len, 4, NULL),
			 HS_OK);
	hs_core_notes_finish(&n);
	return n;
}

static void a_thread_of_every_architecture_is_read(void **state)
{
	(void)state;
	for (int arch = HS_ARCH_X86_64; arch <= HS_ARCH_AARCH64; arch++) {
		struct core_writer w;
		core_writer_init(&w, (enum hs_arch)arch);
		core_writer_thread(&w, 77, 11, 0x1111, 0x2222, 0x3333);
		core_writer_thread(&w, 78, 0, 0x4444, 0x5555, 0x6666);
		struct hs_core_notes n = parse(&w);
		assert_int_equal(n.threads.count, 2);
		assert_int_equal(n.signal, 11);
		const struct hs_thread *t = n.threads.thread;
		assert_int_equal(t[0].tid, 77);
		assert_true(t[0].current);
		assert_int_equal(t[0].pc, 0x1111);
		assert_int_equal(t[0].sp, 0x2222);
		assert_int_equal(t[0].tls_base, 0x3333);
		assert_int_equal(t[1].tid, 78);
		assert_false(t[1].current);
		assert_int_equal(t[1].pc, 0x4444);
		assert_int_equal(t[1].sp, 0x5555);
		assert_int_equal(t[1].tls_base, 0x6666);
		assert_int_equal(n.malformed, 0);
		hs_core_notes_release(&n);
		core_writer_release(&w);
	}
}

static void without_its_note_a_thread_pointer_is_not_known(void **state)
{
	(void)state;
	for (int arch = HS_ARCH_X86_64; arch <= HS_ARCH_AARCH64; arch++) {
		struct core_writer w;
		core_writer_init(&w, (enum hs_arch)arch);
		core_writer_thread(&w, 77, 6, 0x1111, 0x2222, 0);
		struct hs_core_notes n = parse(&w);
		assert_int_equal(n.threads.thread[0].tls_base, HS_NO_ADDR);
		hs_core_notes_release(&n);
		core_writer_release(&w);
	}
}

static void put32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static hs_addr tls_of_i386(const uint32_t entry[3], const uint32_t base[3])
{
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_I386);
	core_writer_thread(&w, 5, 6, 0x1111, 0x2222, 0); /* gs: entry 12 */
	uint8_t note[48] = { 0 };
	for (size_t i = 0; i < 3; i++) {
		put32(note + 16 * i, entry[i]);
		put32(note + 16 * i + 4, base[i]);
	}
	core_writer_note(&w, "LINUX", NT_386_TLS, note, sizeof(note));
	struct hs_core_notes n = parse(&w);
	hs_addr tls = n.threads.thread[0].tls_base;
	hs_core_notes_release(&n);
	core_writer_release(&w);
	return tls;
}

static void the_tls_entry_that_gs_selects_wins(void **state)
{
	(void)state;
	const uint32_t base[3] = { 0x1000, 0x2000, 0x3000 };
	const uint32_t usual[3] = { 12, 13, 14 }, last[3] = { 13, 14, 12 };
	assert_int_equal(tls_of_i386(usual, base), 0x1000);
	assert_int_equal(tls_of_i386(last, base), 0x3000);
}

static void without_selected_entry_the_first_base_counts(void **state)
{
	(void)state;
	const uint32_t entry[3] = { 6, 7, 8 };
	const uint32_t base[3] = { 0, 0x2000, 0x3000 }, none[3] = { 0 };
	assert_int_equal(tls_of_i386(entry, base), 0x2000);
	assert_int_equal(tls_of_i386(entry, none), HS_NO_ADDR);
}

static void a_note_behind_a_malformed_thread_is_not_its_neighbours(void **state)
{
	(void)state;
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_AARCH64);
	core_writer_thread(&w, 77, 6, 0x1111, 0x2222, 0x3333);
	core_writer_note(&w, "CORE", NT_PRSTATUS, "short", 5);
	core_writer_note(&w, "LINUX", NT_ARM_TLS, "\1\2\3\4\5\6\7\10", 8);
	struct hs_core_notes n = parse(&w);
	assert_int_equal(n.threads.count, 1);
	assert_int_equal(n.threads.thread[0].tls_base, 0x3333);
	assert_int_equal(n.malformed, 2);
	assert_string_equal(n.first_malformed, "NT_PRSTATUS");
	hs_core_notes_release(&n);
	core_writer_release(&w);
}

static void the_process_is_named_in_both_word_sizes(void **state)
{
	(void)state;
	for (int arch = HS_ARCH_X86_64; arch <= HS_ARCH_AARCH64; arch++) {
		struct core_writer w;
		core_writer_init(&w, (enum hs_arch)arch);
		core_writer_process(&w, 4711, "sixteen-letters!",
				    "prog with arguments ");
		struct hs_core_notes n = parse(&w);
		assert_int_equal(n.pid, 4711);
		assert_string_equal(n.comm, "sixteen-letters!");
		assert_string_equal(n.command_line, "prog with arguments");
		hs_core_notes_release(&n);
		core_writer_release(&w);
	}
}

static void files_are_found_by_address(void **state)
{
	(void)state;
	for (int arch = HS_ARCH_X86_64; arch <= HS_ARCH_I386; arch++) {
		struct core_writer w;
		core_writer_init(&w, (enum hs_arch)arch);
		core_writer_file(&w, 0x8000, 0x9000, 0x3000, "/lib/b.so");
		core_writer_file(&w, 0x4000, 0x6000, 0, "/lib/a.so");
		size_t len;
		(void)core_writer_finish(&w, &len);
		struct hs_core_notes n = parse(&w);
		assert_int_equal(n.file_count, 2);
		assert_null(hs_core_notes_file_at(&n, 0x3fff));
		assert_string_equal(hs_core_notes_file_at(&n, 0x4000)->path,
				    "/lib/a.so");
		assert_string_equal(hs_core_notes_file_at(&n, 0x5fff)->path,
				    "/lib/a.so");
		assert_null(hs_core_notes_file_at(&n, 0x6000));
		const struct hs_core_file *b =
			hs_core_notes_file_at(&n, 0x8000);
		assert_string_equal(b->path, "/lib/b.so");
		assert_int_equal(b->file_offset, 0x3000);
		hs_core_notes_release(&n);
		core_writer_release(&w);
	}
}

/* NT_FILE of the words in DESC, with NAMES bytes of "x" behind. */
static struct hs_core_notes files_of(const uint64_t *desc, size_t words,
				     const char *names, size_t names_len)
{
	uint8_t raw[256] = { 0 };
	assert_true(words * 8 + names_len <= sizeof(raw));
	for (size_t i = 0; i < words * 8; i++)
		raw[i] = (uint8_t)(desc[i / 8] >> 8 * (i % 8));
	memcpy(raw + words * 8, names, names_len);
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	core_writer_note(&w, "CORE", NT_FILE, raw, words * 8 + names_len);
	struct hs_core_notes n = parse(&w);
	assert_true(n.malformed > 0);
	size_t count = n.file_count;
	hs_core_notes_release(&n); /* the paths die with the writer */
	core_writer_release(&w);
	n.file_count = count;
	return n;
}

static void a_count_of_files_that_overflows_is_malformed(void **state)
{
	(void)state;
	const uint64_t counts[] = {
		2,
		UINT64_MAX,
		UINT64_MAX / 24 + 2,
		UINT64_C(1) << 61,
		UINT64_C(0xaaaaaaaaaaaaaab),
	};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		const uint64_t d[] = { counts[i], 4096, 0x1000, 0x2000, 0 };
		assert_int_equal(files_of(d, 5, "/x", 3).file_count, 0);
	}
}

static void file_lines_that_cannot_be_are_passed_over(void **state)
{
	(void)state;
	const uint64_t backwards[] = { 1, 4096, 0x2000, 0x1000, 0 };
	assert_int_equal(files_of(backwards, 5, "/x", 3).file_count, 0);
	const uint64_t far[] = { 1, 4096, 0x1000, 0x2000, UINT64_MAX / 2 };
	assert_int_equal(files_of(far, 5, "/x", 3).file_count, 0);
	const uint64_t no_page[] = { 1, 0, 0x1000, 0x2000, 0 };
	assert_int_equal(files_of(no_page, 5, "/x", 3).file_count, 0);
	const uint64_t good[] = { 1, 4096, 0x1000, 0x2000, 0 };
	assert_int_equal(files_of(good, 5, "/x", 2).file_count, 0);
	assert_int_equal(files_of(good, 5, "", 1).file_count, 0);
	const uint64_t two[] = {
		2, 4096, 0x1000, 0x2000, 0, 0x3000, 0x4000, 0
	};
	assert_int_equal(files_of(two, 8, "/x", 3).file_count, 1);
}

static void notes_of_other_owners_are_not_mistaken_for_ours(void **state)
{
	(void)state;
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_X86_64);
	uint8_t zeroes[400] = { 0 };
	core_writer_note(&w, "FreeBSD", NT_PRSTATUS, zeroes, 336);
	core_writer_note(&w, "CORE", NT_SIGINFO, zeroes, 128);
	core_writer_note(&w, "LINUX", NT_X86_XSTATE, zeroes, 400);
	core_writer_note(&w, "LINUX", NT_ARM_TLS, zeroes, 8);
	core_writer_note(&w, "", 0, zeroes, 0);
	struct hs_core_notes n = parse(&w);
	assert_int_equal(n.threads.count, 0);
	assert_int_equal(n.malformed, 0);
	assert_int_equal(n.pid, -1);
	assert_false(n.cut);
	hs_core_notes_release(&n);
	core_writer_release(&w);
}

static void notes_cut_anywhere_keep_what_comes_before(void **state)
{
	(void)state;
	struct core_writer w;
	core_writer_init(&w, HS_ARCH_I386);
	core_writer_process(&w, 4711, "prog", "prog");
	core_writer_thread(&w, 4711, 6, 1, 2, 3);
	core_writer_file(&w, 0x4000, 0x6000, 0, "/lib/a.so");
	size_t len;
	(void)core_writer_finish(&w, &len);
	size_t before = 0;
	for (size_t cut = 0; cut <= w.notes.len; cut++) {
		uint8_t *exact = malloc(cut + 1); /* ASan sees one too far */
		assert_non_null(exact);
		memcpy(exact, w.notes.bytes, cut);
		struct hs_core_notes n;
		hs_core_notes_init(&n);
		assert_int_equal(
			hs_core_notes_parse(&n, w.arch, exact, cut, 4, NULL),
			HS_OK);
		hs_core_notes_finish(&n);
		size_t known = n.threads.count + n.file_count + (n.pid > 0);
		assert_true(known >= before);
		before = known;
		hs_core_notes_release(&n);
		free(exact);
	}
	assert_int_equal(before, 3);
	core_writer_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_of_every_architecture_is_read),
		cmocka_unit_test(
			without_its_note_a_thread_pointer_is_not_known),
		cmocka_unit_test(the_tls_entry_that_gs_selects_wins),
		cmocka_unit_test(without_selected_entry_the_first_base_counts),
		cmocka_unit_test(
			a_note_behind_a_malformed_thread_is_not_its_neighbours),
		cmocka_unit_test(the_process_is_named_in_both_word_sizes),
		cmocka_unit_test(files_are_found_by_address),
		cmocka_unit_test(a_count_of_files_that_overflows_is_malformed),
		cmocka_unit_test(file_lines_that_cannot_be_are_passed_over),
		cmocka_unit_test(
			notes_of_other_owners_are_not_mistaken_for_ours),
		cmocka_unit_test(notes_cut_anywhere_keep_what_comes_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
