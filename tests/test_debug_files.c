/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols/debug_files.h"

/*
 * A folder of its own, in which objcopy makes from a fixture:
 *
 *	full		as the compiler wrote it
 *	app/prog	stripped, with a .gnu_debuglink to prog.debug
 *	prog.debug	what was stripped
 *	anon/...	the same without build ids
 */
static char folder[] = "/tmp/test_debug_files.XXXXXX";

struct place {
	struct hs_module module;
	struct hs_elf_file *own;
	char own_path[256];
	struct hs_file_search search;
	char dirs[512], root[256];
};

static char *print_to(char *buf, size_t len, const char *fmt, ...)
	HS_PRINTF(3, 4);
static char *print_to(char *buf, size_t len, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(buf, len, fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < len);
	return buf;
}

/* Run SCRIPT by the shell, inside the folder. */
static bool run(const char *script)
{
	char line[2048];
	(void)print_to(line, sizeof(line), "cd '%s' && { %s; } >log 2>&1",
		       folder, script);
	return system(line) == 0;
}

static int make_files(void **state)
{
	(void)state;
	const char *fixtures = getenv("FIXTURES");
	char script[1024];
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(script, sizeof(script),
		       "command -v objcopy && cp '%s/threads' full",
		       fixtures ? fixtures : ".");
	if (!run(script)) {
		(void)fprintf(stderr,
			      "skipped: objcopy (binutils) or the fixture "
			      "\"threads\" is not here\n");
		(void)run("rm -f full log");
		(void)rmdir(folder);
		exit(77);
	}
	return run("set -e; mkdir app anon;"
		   "objcopy --only-keep-debug full prog.debug;"
		   "objcopy --strip-all --add-gnu-debuglink=prog.debug full "
		   "app/prog;"
		   "objcopy --remove-section .note.gnu.build-id full "
		   "anon/full;"
		   "cd anon; objcopy --only-keep-debug full prog.debug;"
		   "objcopy --strip-all --add-gnu-debuglink=prog.debug full "
		   "prog")
		       ? 0
		       : -1;
}

static int remove_one(const char *path, const struct stat *info, int kind,
		      struct FTW *ftw)
{
	(void)info;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int remove_files(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The module whose file is FOLDER/FILE. */
static void set_place(struct place *p, const char *file)
{
	memset(p, 0, sizeof(*p));
	(void)print_to(p->own_path, sizeof(p->own_path), "%s/%s", folder, file);
	assert_int_equal(hs_elf_file_open(p->own_path, &p->own, NULL), HS_OK);
	p->module.path = p->own_path;
	p->module.file = p->own_path;
	p->module.file_state = HS_MODULE_FILE_MATCHED;
	(void)hs_elf_file_build_id(p->own, p->module.build_id,
				   &p->module.build_id_len);
	p->search.debug_dirs = "/nonexistent";
	p->search.root[0] = "";
	p->search.root_count = 1;
}

static void clear_place(struct place *p)
{
	hs_elf_file_close(p->own);
}

/* The path found, relative to the folder; "" if none. Caller's buffer. */
static const char *find(struct place *p, char found[512])
{
	char *path;
	struct hs_elf_file *file;
	enum hs_status st = hs_debug_file_find(&p->search, &p->module, p->own,
					       p->own_path, &path, &file, NULL);
	found[0] = '\0';
	if (st) {
		assert_int_equal(st, HS_ERR_NO_TARGET);
		return found;
	}
	assert_true(hs_elf_file_has_dwarf(file));
	(void)print_to(found, 512, "%s", path);
	assert_memory_equal(found, folder, strlen(folder));
	hs_elf_file_close(file);
	free(path);
	return found + strlen(folder);
}

/* .build-id/ab/cdef.debug of the module. */
static const char *id_path(const struct place *p, char path[256])
{
	size_t n = (size_t)snprintf(path, 256, ".build-id/%02x/",
				    p->module.build_id[0]);
	for (size_t i = 1; i < p->module.build_id_len; i++)
		n += (size_t)snprintf(path + n, 256 - n, "%02x",
				      p->module.build_id[i]);
	(void)snprintf(path + n, 256 - n, ".debug");
	return path;
}

/* Copy FILE to DIR/.build-id/... */
static void install_by_id(const struct place *p, const char *file,
			  const char *dir)
{
	char path[256], script[1024];
	(void)print_to(script, sizeof(script),
		       "mkdir -p '%s/.build-id/%02x' && cp %s '%s/%s'", dir,
		       p->module.build_id[0], file, dir, id_path(p, path));
	assert_true(run(script));
}

static void nothing_is_found_where_nothing_is(void **state)
{
	(void)state;
	struct place p;
	char found[512];
	set_place(&p, "app/prog");
	assert_true(p.module.build_id_len >= 8);
	assert_false(hs_elf_file_has_dwarf(p.own));
	assert_string_equal(find(&p, found), "");
	clear_place(&p);
}

static void a_link_is_followed_to_the_same_folder(void **state)
{
	(void)state;
	struct place p;
	char found[512];
	set_place(&p, "app/prog");
	assert_true(run("cp prog.debug app/"));
	assert_string_equal(find(&p, found), "/app/prog.debug");
	assert_true(run("mkdir app/.debug && mv app/prog.debug app/.debug/"));
	assert_string_equal(find(&p, found), "/app/.debug/prog.debug");
	assert_true(run("rm -r app/.debug"));
	clear_place(&p);
}

static void a_link_is_followed_below_the_debug_folders(void **state)
{
	(void)state;
	struct place p;
	char found[512], script[1024];
	set_place(&p, "app/prog");
	(void)print_to(p.dirs, sizeof(p.dirs), "/nonexistent::%s/dbg/", folder);
	p.search.debug_dirs = p.dirs;
	(void)print_to(script, sizeof(script),
		       "mkdir -p dbg/%s/app && cp prog.debug dbg/%s/app/",
		       folder + 1, folder + 1);
	assert_true(run(script));
	(void)print_to(script, sizeof(script), "/dbg%s/app/prog.debug", folder);
	assert_string_equal(find(&p, found), script);
	assert_true(run("rm -r dbg"));
	clear_place(&p);
}

static void a_wrong_checksum_is_refused(void **state)
{
	(void)state;
	struct place p;
	char found[512];
	set_place(&p, "app/prog");
	assert_true(run("cp prog.debug app/ && echo >>app/prog.debug"));
	assert_string_equal(find(&p, found), "");
	clear_place(&p);
	/* also where there is no build id to save us */
	set_place(&p, "anon/prog");
	assert_int_equal(p.module.build_id_len, 0);
	assert_string_equal(find(&p, found), "/anon/prog.debug");
	assert_true(run("echo >>anon/prog.debug"));
	assert_string_equal(find(&p, found), "");
	assert_true(run("rm app/prog.debug"));
	clear_place(&p);
}

static void a_debug_file_is_found_by_build_id_in_a_list_of_folders(void **state)
{
	(void)state;
	struct place p;
	char found[512], path[256], wanted[512];
	set_place(&p, "app/prog");
	install_by_id(&p, "prog.debug", "second");
	(void)print_to(p.dirs, sizeof(p.dirs), "%s/first:%s/second", folder,
		       folder);
	p.search.debug_dirs = p.dirs;
	(void)print_to(wanted, sizeof(wanted), "/second/%s", id_path(&p, path));
	assert_string_equal(find(&p, found), wanted);
	/* without the module's own file too */
	struct hs_elf_file *own = p.own;
	p.own = NULL;
	assert_string_equal(find(&p, found), wanted);
	p.own = own;
	assert_true(run("rm -r second"));
	clear_place(&p);
}

static void another_build_under_our_build_id_is_refused(void **state)
{
	(void)state;
	struct place p;
	char found[512];
	set_place(&p, "app/prog");
	(void)print_to(p.dirs, sizeof(p.dirs), "%s/dbg", folder);
	p.search.debug_dirs = p.dirs;
	/* no build id at all */
	install_by_id(&p, "anon/full", "dbg");
	assert_string_equal(find(&p, found), "");
	/* nothing in it */
	install_by_id(&p, "app/prog", "dbg");
	assert_string_equal(find(&p, found), "");
	/* not even an ELF file */
	install_by_id(&p, "log", "dbg");
	assert_string_equal(find(&p, found), "");
	/* another's id */
	install_by_id(&p, "prog.debug", "dbg");
	assert_string_not_equal(find(&p, found), "");
	p.module.build_id[p.module.build_id_len - 1] ^= 1;
	install_by_id(&p, "prog.debug", "dbg");
	assert_string_equal(find(&p, found), "");
	assert_true(run("rm -r dbg"));
	clear_place(&p);
}

static void all_paths_are_below_the_sysroot(void **state)
{
	(void)state;
	struct place p;
	char found[512];
	set_place(&p, "app/prog");
	install_by_id(&p, "prog.debug", "root/usr/lib/debug");
	p.search.debug_dirs = "/usr/lib/debug";
	assert_string_equal(find(&p, found), "");
	(void)print_to(p.root, sizeof(p.root), "%s/root", folder);
	p.search.root[0] = p.root;
	assert_memory_equal(find(&p, found), "/root/usr/lib/debug/", 20);
	assert_true(run("rm -r root"));
	clear_place(&p);
}

static void the_module_itself_is_found_again_by_path_and_build_id(void **state)
{
	(void)state;
	struct place p;
	char *path;
	struct hs_elf_file *file;
	set_place(&p, "app/prog");
	(void)print_to(p.root, sizeof(p.root), "%s/root", folder);
	p.search.root[0] = p.root;
	char name[] = "/bin/prog", gone[] = "/nonexistent/prog";
	p.module.path = name;
	p.module.file = gone;
	assert_true(run("mkdir -p root/bin && cp app/prog root/bin/prog"));
	assert_int_equal(
		hs_module_file_find(&p.search, &p.module, &path, &file, NULL),
		HS_OK);
	hs_elf_file_close(file);
	free(path);
	/* another build has come in its place */
	assert_true(run("cp anon/prog root/bin/prog"));
	assert_int_equal(
		hs_module_file_find(&p.search, &p.module, &path, &file, NULL),
		HS_ERR_NO_TARGET);
	assert_true(run("rm -r root"));
	clear_place(&p);
}

static void what_is_no_regular_file_is_not_opened(void **state)
{
	(void)state;
	struct hs_elf_file *file;
	char path[256];
	/* A fifo that nobody writes to would hold us for ever. */
	assert_true(run("mkfifo fifo"));
	(void)print_to(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(hs_elf_file_open(path, &file, NULL), HS_ERR_FORMAT);
	assert_int_equal(hs_elf_file_open(folder, &file, NULL), HS_ERR_FORMAT);
	assert_int_equal(hs_elf_file_open("/dev/zero", &file, NULL),
			 HS_ERR_FORMAT);
	assert_int_equal(hs_elf_file_open("/nonexistent", &file, NULL),
			 HS_ERR_NO_TARGET);
}

static void a_file_cut_anywhere_is_an_error_or_less_of_a_file(void **state)
{
	(void)state;
	char path[256];
	struct stat info;
	assert_true(run("cp full cut"));
	(void)print_to(path, sizeof(path), "%s/cut", folder);
	assert_int_equal(stat(path, &info), 0);
	for (off_t size = info.st_size; size > 0; size -= size / 7 + 1) {
		struct hs_elf_file *file;
		struct hs_symbol_bytes symbols;
		struct hs_image image;
		assert_int_equal(truncate(path, size), 0);
		enum hs_status st = hs_elf_file_open(path, &file, NULL);
		if (st) {
			assert_int_equal(st, HS_ERR_FORMAT);
			continue;
		}
		/* The section headers are at the end. */
		bool whole = size == info.st_size;
		assert_int_equal(hs_elf_file_has_dwarf(file), whole);
		assert_int_equal(hs_elf_file_symbols(file, false, &symbols),
				 whole);
		st = hs_elf_file_image(file, &image, NULL);
		assert_true(st == HS_OK || st == HS_ERR_FORMAT);
		hs_elf_file_close(file);
	}
}

/* libdwarf would allocate it, whatever it is. */
static void a_section_larger_than_its_file_makes_it_no_debug_info(void **state)
{
	(void)state;
	char path[256];
	Elf64_Ehdr header;
	Elf64_Shdr names;
	struct hs_elf_file *file;
	assert_true(run("cp full forged"));
	(void)print_to(path, sizeof(path), "%s/forged", folder);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	off_t at = (off_t)(header.e_shoff + header.e_shstrndx * sizeof(names));
	assert_int_equal(pread(fd, &names, sizeof(names), at), sizeof(names));
	names.sh_size = UINT32_MAX;
	assert_int_equal(pwrite(fd, &names, sizeof(names), at), sizeof(names));
	assert_int_equal(close(fd), 0);
	assert_int_equal(hs_elf_file_open(path, &file, NULL), HS_OK);
	assert_false(hs_elf_file_has_dwarf(file));
	hs_elf_file_close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_found_where_nothing_is),
		cmocka_unit_test(a_link_is_followed_to_the_same_folder),
		cmocka_unit_test(a_link_is_followed_below_the_debug_folders),
		cmocka_unit_test(
			a_debug_file_is_found_by_build_id_in_a_list_of_folders),
		cmocka_unit_test(another_build_under_our_build_id_is_refused),
		cmocka_unit_test(all_paths_are_below_the_sysroot),
		cmocka_unit_test(
			the_module_itself_is_found_again_by_path_and_build_id),
		cmocka_unit_test(a_wrong_checksum_is_refused),
		cmocka_unit_test(what_is_no_regular_file_is_not_opened),
		cmocka_unit_test(
			a_file_cut_anywhere_is_an_error_or_less_of_a_file),
		cmocka_unit_test(
			a_section_larger_than_its_file_makes_it_no_debug_info),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
