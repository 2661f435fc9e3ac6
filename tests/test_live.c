/* SPDX-License-Identifier: MIT */
#include "backends/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "support/child.h"

#define PAGE 4096u
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static enum hs_status open_pid(pid_t pid, struct hs_target **ret,
			       struct hs_error *err)
{
	char spec[16];
	struct hs_open_options opt = { .struct_size = sizeof(opt),
				       .backend = "live" };
	(void)snprintf(spec, sizeof(spec), "%d", (int)pid);
	return hs_target_open(spec, &opt, ret, err);
}

static struct hs_target *must_open(pid_t pid)
{
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	if (open_pid(pid, &t, &err))
		fail_msg("%s", err.text);
	return t;
}

static void must_fail(pid_t pid, enum hs_status code, const char *word)
{
	struct hs_target *t = NULL;
	struct hs_error err = { 0 };
	assert_int_equal(open_pid(pid, &t, &err), code);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.text, word));
	assert_null(t);
}

static bool has_note(const struct hs_target *t, const char *code)
{
	for (size_t i = 0; i < hs_target_problem_count(t); i++) {
		struct hs_problem_info p;
		hs_target_problem(t, i, &p);
		if (strcmp(p.code, code) == 0)
			return true;
	}
	return false;
}

/* The child of a sanitized build has terabytes of shadow memory. */
static void assert_complete(const struct hs_target *t)
{
	assert_true(t->complete || has_note(t, "live-mapping-too-big"));
}

static enum hs_status read_at(const struct hs_target *t, uint64_t addr,
			      void *buf, size_t len)
{
	return hs_target_read(t, addr, buf, len, NULL);
}

static void assert_byte(const struct hs_target *t, uint64_t addr, uint8_t want)
{
	uint8_t got = (uint8_t)~want;
	assert_int_equal(read_at(t, addr, &got, 1), HS_OK);
	assert_int_equal(got, want);
}

static const struct hs_thread *thread_of(const struct hs_target *t, int64_t tid)
{
	for (size_t i = 0; i < t->threads.count; i++)
		if (t->threads.thread[i].tid == tid)
			return &t->threads.thread[i];
	return NULL;
}

static void *map_anon(size_t len, int prot)
{
	void *at = mmap(NULL, len, prot,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		_exit(1);
	return at;
}

static uint64_t addr_of(const volatile void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void idle(void *arg)
{
	(void)arg;
	child_tell(0);
}

static struct child start_idle(void)
{
	struct child c = child_start(idle, NULL);
	(void)child_hear(&c);
	return c;
}

/* ---- bytes -------------------------------------------------------------- */

static int some_data = 1;
static char much_data[64 * PAGE];
/* Written by the dynamic linker, read-only ever after. */
static void *const relocated[] = { &some_data, much_data };

static void fill_memory(void *arg)
{
	volatile uint64_t on_stack = 0x57ac57ac;
	(void)arg;
	some_data = 4242;
	for (size_t i = 0; i < sizeof(much_data); i++)
		much_data[i] = (char)(i * 7 / 3);
	uint64_t *heap = malloc(300000);
	for (size_t i = 0; i < 300000 / 8; i++)
		heap[i] = i * i;
	child_tell(addr_of(&on_stack));
	child_tell(addr_of(heap));
	(void)child_wait(); /* the stack frame must live */
}

static void the_copy_equals_the_process_s_bytes(void **state)
{
	(void)state;
	struct child c = child_start(fill_memory, NULL);
	uint64_t on_stack = child_hear(&c), heap = child_hear(&c), word;
	struct hs_target *t = must_open(c.pid);
	child_end(&c); /* the copy does not need the process */

	int data;
	assert_int_equal(read_at(t, addr_of(&some_data), &data, sizeof(data)),
			 HS_OK);
	assert_int_equal(data, 4242);
	static char much[sizeof(much_data)];
	assert_int_equal(read_at(t, addr_of(much_data), much, sizeof(much)),
			 HS_OK);
	for (size_t i = 0; i < sizeof(much); i++)
		assert_int_equal(much[i], (char)(i * 7 / 3));
	assert_int_equal(read_at(t, on_stack, &word, 8), HS_OK);
	assert_int_equal(word, 0x57ac57ac);
	for (uint64_t i = 0; i < 300000 / 8; i++) {
		assert_int_equal(read_at(t, heap + i * 8, &word, 8), HS_OK);
		assert_int_equal(word, i * i);
	}
	assert_complete(t);
	hs_target_close(t);
}

static void relocated_read_only_pages_are_the_process_s_own(void **state)
{
	(void)state;
	struct child c = start_idle();
	struct hs_target *t = must_open(c.pid);
	void *const *volatile table = relocated; /* the same in the child */
	uint64_t words[2];
	assert_int_equal(read_at(t, addr_of(table), words, sizeof(words)),
			 HS_OK);
	assert_int_equal(words[0], addr_of(&some_data));
	assert_int_equal(words[1], addr_of(much_data));
	hs_target_close(t);
	child_end(&c);
}

static void code_comes_from_the_mapped_file(void **state)
{
	(void)state;
	struct child c = start_idle();
	struct hs_target *t = must_open(c.pid);
	uint8_t code[64];
	uint64_t at = (uint64_t)(uintptr_t)&start_idle;
	assert_int_equal(read_at(t, at, code, sizeof(code)), HS_OK);
	assert_memory_equal(code, (const void *)(uintptr_t)at, sizeof(code));
	const struct hs_span *span = hs_span_list_find(&t->spans, at);
	assert_true(span->from_file);
	hs_target_close(t);
	child_end(&c);
}

static void a_process_is_described(void **state)
{
	(void)state;
	struct child c = start_idle();
	struct hs_target *t = must_open(c.pid);
	struct hs_target_info info;
	hs_target_info(t, &info);
	assert_int_equal(info.kind, HS_TARGET_LIVE);
	assert_int_equal(info.pid, c.pid);
	assert_non_null(strstr(info.executable, "test_live"));
	assert_non_null(strstr(info.command_line, "test_live"));
	assert_null(info.path);
	assert_true(info.copied >= PAGE);

	size_t programs = 0, vdso = 0, libc = 0;
	for (size_t i = 0; i < t->modules.count; i++) {
		const struct hs_module *m = &t->modules.module[i];
		programs += m->is_executable;
		vdso += strcmp(m->path, "[vdso]") == 0;
		if (!strstr(m->path, "/libc.so"))
			continue;
		libc++;
		assert_int_equal(m->file_state, HS_MODULE_FILE_MATCHED);
		assert_string_equal(m->file, m->path);
		assert_true(m->build_id_len > 0);
	}
	assert_int_equal(programs, 1);
	assert_int_equal(vdso, 1);
	assert_int_equal(libc, 1);
	hs_target_close(t);
	child_ping(&c);
	child_end(&c);
}

static void the_pause_is_measured(void **state)
{
	(void)state;
	struct child c = start_idle();
	struct timespec a, b;
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	struct hs_target *t = must_open(c.pid);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	int64_t all =
		(b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
	assert_true(t->paused_ns > 0);
	assert_true(t->paused_ns < all);
	hs_target_close(t);
	child_end(&c);
}

/* ---- holes -------------------------------------------------------------- */

static void make_guards(void *arg)
{
	(void)arg;
	uint8_t *p = map_anon(16 * PAGE, PROT_READ | PROT_WRITE);
	memset(p, 0xaa, 16 * PAGE);
	uint64_t done =
		madvise(p + 4 * PAGE, 2 * PAGE, MADV_GUARD_INSTALL) == 0;
	(void)mprotect(p + 10 * PAGE, PAGE, PROT_NONE);
	(void)munmap(p + 15 * PAGE, PAGE);
	child_tell(addr_of(p));
	child_tell(done);
}

static void guard_pages_are_not_captured_and_the_rest_is(void **state)
{
	(void)state;
	struct child c = child_start(make_guards, NULL);
	uint64_t p = child_hear(&c);
	bool guards = child_hear(&c);
	struct hs_target *t = must_open(c.pid);
	uint8_t byte;
	static const unsigned good[] = { 0, 3, 6, 9, 11, 14 };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_byte(t, p + good[i] * PAGE, 0xaa);
		assert_byte(t, p + good[i] * PAGE + PAGE - 1, 0xaa);
	}
	assert_int_equal(read_at(t, p + 10 * PAGE, &byte, 1),
			 HS_ERR_NOT_CAPTURED);
	if (guards) { /* Linux 6.13 */
		assert_int_equal(read_at(t, p + 4 * PAGE, &byte, 1),
				 HS_ERR_NOT_CAPTURED);
		assert_int_equal(read_at(t, p + 6 * PAGE - 1, &byte, 1),
				 HS_ERR_NOT_CAPTURED);
		assert_true(has_note(t, "live-unreadable-pages"));
	}
	assert_complete(t);
	hs_target_close(t);
	child_end(&c);
}

static void make_hole(void *arg)
{
	(void)arg;
	uint8_t *p = map_anon(3 * PAGE, PROT_READ | PROT_WRITE);
	memset(p, 1, 3 * PAGE);
	(void)munmap(p + PAGE, PAGE);
	child_tell(addr_of(p));
}

static void what_was_never_mapped_is_unmapped(void **state)
{
	(void)state;
	struct child c = child_start(make_hole, NULL);
	uint64_t p = child_hear(&c);
	struct hs_target *t = must_open(c.pid);
	uint8_t byte;
	assert_byte(t, p, 1);
	assert_int_equal(read_at(t, p + PAGE, &byte, 1), HS_ERR_UNMAPPED);
	assert_byte(t, p + 2 * PAGE, 1);
	hs_target_close(t);
	child_end(&c);
}

#define SPARSE ((size_t)1 << 30)

static void map_sparse(void *arg)
{
	(void)arg;
	uint8_t *p = map_anon(SPARSE, PROT_READ | PROT_WRITE);
	p[SPARSE / 2] = 9;
	child_tell(addr_of(p));
}

static unsigned long status_kb(pid_t pid, const char *key)
{
	char path[64], line[256];
	unsigned long kb = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			kb = strtoul(line + strlen(key), NULL, 10);
	(void)fclose(f);
	return kb;
}

static void untouched_memory_is_zero_and_stays_untouched(void **state)
{
	(void)state;
	struct child c = child_start(map_sparse, NULL);
	uint64_t p = child_hear(&c);
	unsigned long before = status_kb(c.pid, "VmPTE:");
	struct hs_target *t = must_open(c.pid);
	/* To read a gigabyte would have cost the child 2 MiB of page tables. */
	assert_true(status_kb(c.pid, "VmPTE:") < before + 1024);
	assert_true(t->copied < SPARSE / 8);
	assert_byte(t, p, 0);
	assert_byte(t, p + SPARSE / 2, 9);
	assert_byte(t, p + SPARSE - 1, 0);
	hs_target_close(t);
	child_end(&c);
}

static void map_write_only(void *arg)
{
	(void)arg;
	uint8_t *p = map_anon(PAGE * 2, PROT_READ | PROT_WRITE);
	memset(p, 0x5a, PAGE * 2);
	(void)mprotect(p, PAGE, PROT_WRITE);
	(void)mprotect(p + PAGE, PAGE, PROT_EXEC);
	child_tell(addr_of(p));
}

static void memory_that_may_not_be_read_is_copied_too(void **state)
{
	(void)state;
	struct child c = child_start(map_write_only, NULL);
	uint64_t p = child_hear(&c);
	struct hs_target *t = must_open(c.pid);
	assert_byte(t, p + 17, 0x5a);
	assert_byte(t, p + PAGE + 17, 0x5a);
	hs_target_close(t);
	child_end(&c);
}

static void map_shared(void *arg)
{
	(void)arg;
	uint8_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*p = 1;
	child_tell(addr_of(p));
}

static void shared_memory_is_not_captured(void **state)
{
	(void)state;
	struct child c = child_start(map_shared, NULL);
	uint64_t p = child_hear(&c);
	struct hs_target *t = must_open(c.pid);
	uint8_t byte;
	assert_int_equal(read_at(t, p, &byte, 1), HS_ERR_NOT_CAPTURED);
	const struct hs_map *m = hs_target_find_map(t, p);
	assert_true(m->shared);
	assert_int_equal(m->captured, 0);
	assert_complete(t);
	hs_target_close(t);
	child_end(&c);
}

/* ---- files -------------------------------------------------------------- */

static void map_deleted_file(void *arg)
{
	char path[] = "/tmp/heapscan test XXXXXX";
	(void)arg;
	int fd = mkstemp(path);
	uint8_t page[PAGE];
	for (unsigned i = 0; i < 3; i++) {
		memset(page, (int)(0x30 + i), sizeof(page));
		if (write(fd, page, i == 2 ? 100 : PAGE) < 0)
			_exit(1);
	}
	uint8_t *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			  fd, 0);
	(void)close(fd);
	(void)unlink(path);
	p[PAGE] = 0x77; /* a page of our own; the others are the file's */
	child_tell(addr_of(p));
}

static void pages_of_a_deleted_file_are_not_lost(void **state)
{
	(void)state;
	struct child c = child_start(map_deleted_file, NULL);
	uint64_t p = child_hear(&c);
	struct hs_target *t = must_open(c.pid);
	child_end(&c);
	uint8_t byte;
	assert_byte(t, p, 0x30);
	assert_byte(t, p + PAGE, 0x77);
	assert_byte(t, p + PAGE + 1, 0x31);
	assert_byte(t, p + 2 * PAGE + 99, 0x32);
	assert_byte(t, p + 2 * PAGE + 100, 0);
	/* Behind the end of the file: to touch it would be a SIGBUS. */
	assert_int_equal(read_at(t, p + 3 * PAGE, &byte, 1),
			 HS_ERR_NOT_CAPTURED);
	const struct hs_map *m = hs_target_find_map(t, p);
	assert_non_null(strstr(m->path, "/tmp/heapscan test "));
	assert_null(strstr(m->path, "(deleted)"));
	hs_target_close(t);
}

/* ---- threads ------------------------------------------------------------ */

static void *tell_thread(void *arg)
{
	(void)arg;
	(void)prctl(PR_SET_NAME, "second thread");
	child_tell((uint64_t)syscall(SYS_gettid));
	child_tell((uint64_t)pthread_self());
	for (;;)
		(void)pause();
	return NULL;
}

static void start_second(void *arg)
{
	pthread_t thread;
	(void)arg;
	(void)prctl(PR_SET_NAME, "first thread");
	child_tell((uint64_t)pthread_self());
	if (pthread_create(&thread, NULL, tell_thread, NULL))
		_exit(1);
}

static void registers_of_every_thread_are_its_own(void **state)
{
	(void)state;
	struct child c = child_start(start_second, NULL);
	uint64_t self1 = child_hear(&c), tid2 = child_hear(&c);
	uint64_t self2 = child_hear(&c);
	struct hs_target *t = must_open(c.pid);
	assert_int_equal(t->threads.count, 2);
	const struct hs_thread *a = thread_of(t, c.pid);
	const struct hs_thread *b = thread_of(t, (int64_t)tid2);
	assert_non_null(a);
	assert_non_null(b);
	assert_string_equal(a->name, "first thread");
	assert_string_equal(b->name, "second thread");
#if defined(__x86_64__) /* there the thread pointer is pthread_self() */
	assert_int_equal(a->tls_base, self1);
	assert_int_equal(b->tls_base, self2);
#else
	assert_int_not_equal(a->tls_base, b->tls_base);
	(void)self1;
	(void)self2;
#endif
	assert_true(a->register_count > 0 && b->register_count > 0);
	assert_true(hs_target_find_map(t, a->pc)->prot & HS_PROT_EXEC);
	assert_int_equal(hs_target_find_map(t, a->sp)->kind, HS_MAP_STACK);
	assert_true(hs_target_find_map(t, b->sp)->prot & HS_PROT_WRITE);
	hs_target_close(t);

	/* A number of any thread names the whole process. */
	t = must_open((pid_t)tid2);
	assert_int_equal(t->pid, c.pid);
	assert_int_equal(t->threads.count, 2);
	assert_true(has_note(t, "live-thread-id"));
	hs_target_close(t);
	child_ping(&c);
	child_end(&c);
}

static void *nothing(void *arg)
{
	return arg;
}

static void *churn(void *arg)
{
	volatile uint64_t *rounds = arg;
	for (;;) {
		pthread_t thread[4];
		unsigned n = 0;
		while (n < 4 &&
		       pthread_create(&thread[n], NULL, nothing, NULL) == 0)
			n++;
		while (n > 0)
			(void)pthread_join(thread[--n], NULL);
		++*rounds;
	}
	return NULL;
}

static void start_churn(void *arg)
{
	pthread_t thread;
	for (unsigned i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, churn,
				   (uint64_t *)arg + i * 8))
			_exit(1);
	child_tell(0);
}

static void *shared_page(void)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void wait_to_exceed(volatile const uint64_t *counter, uint64_t value)
{
	for (int i = 0; i < 20000 && *counter <= value; i++)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
	assert_true(*counter > value);
}

static void threads_that_come_and_go_are_stopped_all(void **state)
{
	(void)state;
	volatile uint64_t *rounds = shared_page();
	struct child c = child_start(start_churn, (void *)rounds);
	(void)child_hear(&c);
	for (unsigned i = 0; i < 40; i++) {
		wait_to_exceed(rounds, rounds[0]);
		struct hs_target *t = must_open(c.pid);
		/* The first, and three that create others. */
		assert_true(t->threads.count >= 4);
		for (size_t k = 0; k < t->threads.count; k++)
			assert_true(t->threads.thread[k].register_count > 0);
		hs_target_close(t);
	}
	for (unsigned i = 0; i < 3; i++)
		wait_to_exceed(&rounds[i * 8], rounds[i * 8]);
	child_ping(&c);
	child_end(&c);
	(void)munmap((void *)rounds, PAGE);
}

static void *outlive(void *arg)
{
	(void)arg;
	child_tell(addr_of(&some_data));
	for (;;)
		child_tell(child_wait());
	return NULL;
}

static void leave_first(void *arg)
{
	pthread_t thread;
	(void)arg;
	some_data = 99;
	if (pthread_create(&thread, NULL, outlive, NULL))
		_exit(1);
	pthread_exit(NULL);
}

static void a_process_whose_first_thread_ended_is_readable(void **state)
{
	(void)state;
	struct child c = child_start(leave_first, NULL);
	uint64_t data = child_hear(&c);
	wait_for_state(c.pid, c.pid, 'Z');
	struct hs_target *t = must_open(c.pid);
	assert_byte(t, data, 99);
	assert_int_equal(t->pid, c.pid);
	assert_int_equal(t->threads.count, 1);
	hs_target_close(t);
	child_ping(&c);
	child_end(&c);
}

/* ---- what it is like afterwards ----------------------------------------- */

static void stop_yourself(void *arg)
{
	(void)arg;
	child_tell(0);
	(void)raise(SIGSTOP);
}

static void a_stopped_process_stays_stopped(void **state)
{
	(void)state;
	struct child c = child_start(stop_yourself, NULL);
	(void)child_hear(&c);
	wait_for_state(c.pid, c.pid, 'T');
	for (unsigned i = 0; i < 3; i++) {
		struct hs_target *t = must_open(c.pid);
		assert_int_equal(t->threads.count, 1);
		assert_true(t->threads.thread[0].register_count > 0);
		hs_target_close(t);
		wait_for_state(c.pid, c.pid, 'T');
	}
	assert_int_equal(kill(c.pid, SIGCONT), 0);
	child_ping(&c);
	child_end(&c);
}

static volatile uint64_t *received;

static void count_signal(int number)
{
	(void)number;
	++*received;
}

static void count_signals(void *arg)
{
	received = arg;
	struct sigaction act = { .sa_handler = count_signal,
				 .sa_flags = SA_RESTART };
	(void)sigaction(SIGRTMIN, &act, NULL);
	child_tell(0);
}

#define SIGNALS 20000u

static void send_signals(void *arg)
{
	pid_t pid = *(pid_t *)arg;
	child_tell(0);
	for (unsigned i = 0; i < SIGNALS; i++)
		while (sigqueue(pid, SIGRTMIN, (union sigval){ 0 }) != 0)
			if (errno != EAGAIN) /* the queue is full */
				_exit(1);
	child_tell(1);
}

static void no_signal_is_lost_or_doubled(void **state)
{
	(void)state;
	volatile uint64_t *count = shared_page();
	struct child c = child_start(count_signals, (void *)count);
	(void)child_hear(&c);
	struct child sender = child_start(send_signals, &c.pid);
	(void)child_hear(&sender);
	/* Real-time signals queue up: each that is sent must arrive. */
	for (unsigned i = 0; i < 200 && *count < SIGNALS; i++)
		hs_target_close(must_open(c.pid));
	assert_int_equal(child_hear(&sender), 1);
	child_ping(&c);
	wait_to_exceed(count, SIGNALS - 1);
	assert_int_equal(*count, SIGNALS);
	child_end(&sender);
	child_end(&c);
	(void)munmap((void *)count, PAGE);
}

static void hold_vfork(void *arg)
{
	(void)arg;
	child_tell(0);
	/* The child shares our memory, and we sleep until it ends. */
	pid_t pid = vfork();
	if (pid == 0) {
		(void)child_wait();
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
	child_tell(7);
}

static void a_thread_that_cannot_be_stopped_is_not_waited_for(void **state)
{
	(void)state;
	struct child c = child_start(hold_vfork, NULL);
	(void)child_hear(&c);
	wait_for_state(c.pid, c.pid, 'D');
	struct hs_target *t = must_open(c.pid);
	assert_true(has_note(t, "live-thread-not-stopped"));
	assert_int_equal(t->threads.count, 1);
	assert_int_equal(t->threads.thread[0].register_count, 0);
	int data;
	assert_int_equal(read_at(t, addr_of(&some_data), &data, sizeof(data)),
			 HS_OK);
	hs_target_close(t);
	child_say(&c, 1); /* ends the vfork */
	assert_int_equal(child_hear(&c), 7);
	child_ping(&c);
	child_end(&c);
}

static bool refuse(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)what;
	(void)done;
	(void)total;
	++*(unsigned *)arg;
	return false;
}

static void a_no_from_the_user_comes_before_the_stop(void **state)
{
	(void)state;
	struct child c = start_idle();
	unsigned asked = 0;
	char spec[16];
	struct hs_open_options opt = { .struct_size = sizeof(opt),
				       .backend = "live",
				       .progress = refuse,
				       .progress_arg = &asked };
	struct hs_target *t = NULL;
	(void)snprintf(spec, sizeof(spec), "%d", (int)c.pid);
	assert_int_equal(hs_target_open(spec, &opt, &t, NULL),
			 HS_ERR_CANCELLED);
	assert_int_equal(asked, 1);
	child_ping(&c);
	child_end(&c);
}

/* ---- what is no target -------------------------------------------------- */

static void leave(void *arg)
{
	(void)arg;
	_exit(0);
}

static void a_zombie_is_said_to_be_one(void **state)
{
	(void)state;
	struct child c = child_start(leave, NULL);
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT),
			 0);
	must_fail(c.pid, HS_ERR_NO_TARGET, "zombie");
	child_end(&c);
	must_fail(c.pid, HS_ERR_NO_TARGET, "no process");
}

/* Much memory takes time to be given back, and meanwhile the process has none
 * and is no zombie yet. */
static void leave_with_much_memory(void *arg)
{
	(void)arg;
	size_t len = (size_t)256 << 20;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		memset(p, 1, len);
	child_tell(p != MAP_FAILED);
	(void)child_wait();
	_exit(0);
}

static bool has_memory(pid_t pid)
{
	char path[32], line[256];
	bool has = false;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		has |= strncmp(line, "VmSize:", 7) == 0;
	if (f)
		(void)fclose(f);
	return has;
}

static void what_is_ending_is_no_kernel_thread(void **state)
{
	(void)state;
	struct child c = child_start(leave_with_much_memory, NULL);
	assert_true(child_hear(&c));
	child_say(&c, 1);
	while (has_memory(c.pid))
		;
	must_fail(c.pid, HS_ERR_NO_TARGET, "end");
	child_end(&c);
}

static void we_are_no_target_of_our_own(void **state)
{
	(void)state;
	must_fail(getpid(), HS_ERR_INVALID, "itself");
}

static void a_kernel_thread_has_no_memory(void **state)
{
	(void)state;
	char comm[32] = "";
	FILE *f = fopen("/proc/2/comm", "r");
	if (f && !fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	if (f)
		(void)fclose(f);
	if (strcmp(comm, "kthreadd\n") != 0)
		skip(); /* in a container */
	must_fail(2, HS_ERR_UNSUPPORTED, "kernel thread");
}

static void trace(void *arg)
{
	pid_t pid = *(pid_t *)arg;
	long st = ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	child_tell(st == 0);
}

static void a_tracer_is_named(void **state)
{
	(void)state;
	struct child c = start_idle();
	struct child tracer = child_start(trace, &c.pid);
	assert_int_equal(child_hear(&tracer), 1);
	char word[64];
	(void)snprintf(word, sizeof(word), "traced by process %d (test_live)",
		       (int)tracer.pid);
	must_fail(c.pid, HS_ERR_PERMISSION, word);
	child_end(&tracer);
	hs_target_close(must_open(c.pid));
	child_end(&c);
}

static void only_a_number_is_a_process_id(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"12x", "-5", "0", " 1", "", "4294967297", "99999999999999999"
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(hs_backend_live.probe(bad[i], NULL, 0));
	assert_true(hs_backend_live.probe("1234", NULL, 0));
	/* A file of that name has the right of way. */
	assert_false(hs_backend_live.probe("1234", (const uint8_t *)"x", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_copy_equals_the_process_s_bytes),
		cmocka_unit_test(
			relocated_read_only_pages_are_the_process_s_own),
		cmocka_unit_test(code_comes_from_the_mapped_file),
		cmocka_unit_test(a_process_is_described),
		cmocka_unit_test(the_pause_is_measured),
		cmocka_unit_test(guard_pages_are_not_captured_and_the_rest_is),
		cmocka_unit_test(what_was_never_mapped_is_unmapped),
		cmocka_unit_test(untouched_memory_is_zero_and_stays_untouched),
		cmocka_unit_test(memory_that_may_not_be_read_is_copied_too),
		cmocka_unit_test(shared_memory_is_not_captured),
		cmocka_unit_test(pages_of_a_deleted_file_are_not_lost),
		cmocka_unit_test(registers_of_every_thread_are_its_own),
		cmocka_unit_test(threads_that_come_and_go_are_stopped_all),
		cmocka_unit_test(
			a_process_whose_first_thread_ended_is_readable),
		cmocka_unit_test(a_stopped_process_stays_stopped),
		cmocka_unit_test(no_signal_is_lost_or_doubled),
		cmocka_unit_test(
			a_thread_that_cannot_be_stopped_is_not_waited_for),
		cmocka_unit_test(a_no_from_the_user_comes_before_the_stop),
		cmocka_unit_test(a_zombie_is_said_to_be_one),
		cmocka_unit_test(we_are_no_target_of_our_own),
		cmocka_unit_test(a_kernel_thread_has_no_memory),
		cmocka_unit_test(what_is_ending_is_no_kernel_thread),
		cmocka_unit_test(a_tracer_is_named),
		cmocka_unit_test(only_a_number_is_a_process_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
