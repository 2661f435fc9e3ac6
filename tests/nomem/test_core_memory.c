/* SPDX-License-Identifier: MIT */
#include <elf.h>
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
#include "nomem/nth_allocation.h"
#include "support/core_writer.h"

#define LIB 0x40000u
#define STACK 0x70000u

static const uint8_t id[20] = "a build";

/* Threads, files, an image whose file is there, one whose file is not. */
static const uint8_t *write_core(struct core_writer *w, const uint8_t *image,
				 size_t *len)
{
	core_writer_init(w, HS_ARCH_X86_64);
	static const char name[] = "/lib/tiny.so";
	const uint64_t auxv[][2] = { { AT_PHDR, LIB + 0x40 },
				     { AT_EXECFN, STACK } };
	core_writer_process(w, 77, "prog", "prog -x");
	core_writer_thread(w, 77, 6, 1, STACK, 3);
	core_writer_auxv(w, auxv, 2);
	core_writer_file(w, LIB, LIB + 0x1000, 0, name);
	core_writer_file(w, LIB + 0x1000, LIB + 0x2000, 0x1000, name);
	core_writer_file(w, 0x50000, 0x51000, 0, "/lib/gone.so");
	core_writer_load(w, LIB, PF_R, image, 0x1000, 0x1000);
	core_writer_load(w, 0x50000, PF_R | PF_X, image, 0x1000, 0x1000);
	core_writer_load(w, STACK, PF_R | PF_W, name, sizeof(name), 0x1000);
	core_writer_load(w, STACK + 8, PF_R | PF_W, name, 8, 8);
	core_writer_load(w, 0x80000, PF_R | PF_W, NULL, 0, 0x1000);
	return core_writer_finish(w, len);
}

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
	(void)state;
	char root[] = "/tmp/heapscan-test-XXXXXX", lib[64], file[96];
	assert_non_null(mkdtemp(root));
	(void)snprintf(lib, sizeof(lib), "%s/lib", root);
	(void)snprintf(file, sizeof(file), "%s/tiny.so", lib);
	assert_int_equal(mkdir(lib, 0700), 0);
	uint8_t image[TINY_LEN];
	tiny_image(image, 8, EM_X86_64, id, sizeof(id));
	int fd = open(file, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, TINY_LEN), TINY_LEN);
	assert_int_equal(close(fd), 0);

	struct core_writer w;
	size_t len;
	const uint8_t *bytes = write_core(&w, image, &len);
	const struct hs_open_options opt = { .sysroot = root };
	unsigned long n = 0, survived = 0;
	for (;;) {
		struct hs_target *t = NULL;
		nth_allocation_fails(++n);
		enum hs_status st =
			hs_core_open_bytes(bytes, len, "core", &opt, &t, NULL);
		int reached = nth_allocation_reached();
		if (!reached) {
			assert_int_equal(st, HS_OK);
			hs_target_close(t);
			break;
		}
		if (st) {
			assert_int_equal(st, HS_ERR_NOMEM);
			assert_null(t);
		} else { /* a name that is only nice to have */
			survived++;
			hs_target_close(t);
		}
	}
	assert_true(n > 30); /* or nothing was tested */
	assert_true(survived <= 2);
	core_writer_release(&w);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(lib), 0);
	assert_int_equal(rmdir(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_failing_allocation_is_reported_and_leaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
