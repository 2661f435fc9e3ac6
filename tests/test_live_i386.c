/* SPDX-License-Identifier: MIT */
#include "backends/registry.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A 32-bit process, seen by a 64-bit heapscan. The program brings all it needs,
 * so a compiler without 32-bit libraries will do: it makes a segment for gs, as
 * glibc does for the thread pointer, says so, and waits.
 */
static const char program[] =
	"struct desc { unsigned entry, base, limit, flags; };\n"
	"static unsigned block[16] = { 0x12345678 };\n"
	"static int call(int n, int a, int b, int c)\n"
	"{ int r; __asm__ volatile(\"int $0x80\" : \"=a\"(r) : \"a\"(n),\n"
	"  \"b\"(a), \"c\"(b), \"d\"(c) : \"memory\"); return r; }\n"
	"void _start(void) {\n"
	"  struct desc d = { -1, (unsigned)block, 0xfffff, 0x51 };\n"
	"  unsigned at = (unsigned)block;\n"
	"  call(243, (int)&d, 0, 0);\n" /* set_thread_area */
	"  __asm__ volatile(\"mov %0, %%gs\" :: \"r\"(d.entry * 8 + 3));\n"
	"  call(4, 1, (int)&at, 4);\n"    /* write */
	"  for (;;) call(29, 0, 0, 0);\n" /* pause */
	"}\n";

static char folder[] = "/tmp/heapscan-i386-XXXXXX";
static char source[64], binary[64];

static bool compile(void)
{
	char command[256];
	if (!mkdtemp(folder))
		return false;
	(void)snprintf(source, sizeof(source), "%s/p.c", folder);
	(void)snprintf(binary, sizeof(binary), "%s/p", folder);
	FILE *f = fopen(source, "w");
	if (!f)
		return false;
	(void)fputs(program, f);
	(void)fclose(f);
	(void)snprintf(command, sizeof(command),
		       "cc -m32 -O1 -w -ffreestanding -fno-pie -no-pie "
		       "-fno-stack-protector -nostdlib -static -o %s %s "
		       "2>/dev/null",
		       binary, source);
	return system(command) == 0;
}

/* Runs the program; *BLOCK is where its gs points. Returns -1 when this kernel
 * runs no 32-bit programs. */
static pid_t start(uint32_t *block)
{
	int out[2];
	assert_int_equal(pipe(out), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(out[1], 1);
		(void)execl(binary, binary, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	ssize_t got = read(out[0], block, sizeof(*block));
	(void)close(out[0]);
	if (got == (ssize_t)sizeof(*block))
		return pid;
	(void)waitpid(pid, NULL, 0);
	return -1;
}

static pid_t pid = -1;
static uint32_t block;

static void a_32_bit_process_is_read_as_one(void **state)
{
	(void)state;
	char spec[16];
	struct hs_open_options opt = { .struct_size = sizeof(opt),
				       .backend = "live" };
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	(void)snprintf(spec, sizeof(spec), "%d", (int)pid);
	if (hs_target_open(spec, &opt, &t, &err))
		fail_msg("%s", err.text);
	assert_int_equal(t->arch, HS_ARCH_I386);
	assert_int_equal(t->word_size, 4);
	assert_int_equal(t->threads.count, 1);
	const struct hs_thread *thread = &t->threads.thread[0];
	assert_int_equal(thread->register_count,
			 hs_register_set(HS_ARCH_I386)->count);
	assert_int_equal(thread->tls_base, block);
	assert_true(thread->sp > UINT32_MAX / 2 && thread->sp <= UINT32_MAX);
	uint64_t word;
	assert_int_equal(hs_target_read_word(t, block, &word, NULL), HS_OK);
	assert_int_equal(word, 0x12345678);
	uint64_t entry = 0;
	assert_true(hs_target_auxv(t, 9, &entry)); /* AT_ENTRY */
	assert_true(hs_target_find_map(t, entry)->prot & HS_PROT_EXEC);
	hs_target_close(t);
}

static void clean(void)
{
	(void)unlink(source);
	(void)unlink(binary);
	(void)rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_32_bit_process_is_read_as_one),
	};
#if !defined(__x86_64__)
	puts("skipped: not an x86-64 machine");
	return 77;
#endif
	if (!compile()) {
		puts("skipped: cc -m32 does not work here");
		clean();
		return 77;
	}
	pid = start(&block);
	clean();
	if (pid < 0) {
		puts("skipped: this kernel runs no 32-bit programs");
		return 77;
	}
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return failed;
}
