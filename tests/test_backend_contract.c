/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <heapscan/heapscan.h>

#include "backends/registry.h"

/*
 * What core/backend.h asks of every backend, as assertions. The program that
 * is looked at, fixtures/answers.c, says itself what it holds; each row of the
 * table below makes a target out of a run of it.
 */
struct row {
	const char *name;    /* of the test */
	const char *fixture; /* built into $FIXTURES */
	const char *backend;
	enum hs_target_kind kind;
	unsigned word_size;
	const char *compress; /* slices */
};

static const struct row rows[] = {
	{ "core", "answers", "core", HS_TARGET_CORE, sizeof(void *), NULL },
	{ "live", "answers", "live", HS_TARGET_LIVE, sizeof(void *), NULL },
#if defined(__x86_64__)
	{ "slice", "answers", "slice", HS_TARGET_SLICE, 8, NULL },
	{ "slice of zstd", "answers", "slice", HS_TARGET_SLICE, 8, "zstd" },
#endif
	{ "core of 32 bits", "answers-m32", "core", HS_TARGET_CORE, 4, NULL },
	{ "live of 32 bits", "answers-m32", "live", HS_TARGET_LIVE, 4, NULL },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* A run of the fixture and what it said. */
struct run {
	const struct row *row;
	char dir[64], program[512], spec[400];
	const char *why_not; /* there is nothing to look at */
	pid_t pid;
	hs_addr pattern, page;
	int64_t tid[2];
	hs_addr pointer[2];
	struct hs_target *target;
};

static int skipped; /* rows that could not run here */

static void skip_row(const char *why)
{
	print_message("skipped: %s\n", why);
	skipped++;
	skip();
}

static void start(struct run *r)
{
	int out[2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		const char *arg =
			r->row->kind == HS_TARGET_CORE ? "abort" : "wait";
		if (chdir(r->dir) == 0 && dup2(out[1], 1) == 1)
			execl(r->program, r->row->fixture, arg, NULL);
		_exit(127);
	}
	(void)close(out[1]);
	FILE *says = fdopen(out[0], "r");
	assert_non_null(says);
	int n = fscanf(says,
		       "%" SCNu64 " %" SCNd64 " %" SCNu64 " %" SCNd64
		       " %" SCNu64,
		       &r->pattern, &r->tid[0], &r->pointer[0], &r->tid[1],
		       &r->pointer[1]);
	(void)fclose(says);
	assert_int_equal(n, 5);
	r->page = (hs_addr)sysconf(_SC_PAGESIZE);
}

/* The one file that the dying process left in its folder. */
static bool find_core(struct run *r)
{
	DIR *dir = opendir(r->dir);
	assert_non_null(dir);
	bool found = false;
	const struct dirent *e;
	while (!found && (e = readdir(dir))) {
		found = strncmp(e->d_name, "core", 4) == 0;
		if (found)
			(void)snprintf(r->spec, sizeof(r->spec), "%s/%s",
				       r->dir, e->d_name);
	}
	(void)closedir(dir);
	return found;
}

/* A slice of the running process, by a writer that shares nothing with us. */
static void make_slice(struct run *r)
{
	char script[512], pid[16];
	const char *source = getenv("SOURCE");
	if (!source) {
		r->why_not = "SOURCE does not say where the writer is";
		return;
	}
	(void)snprintf(script, sizeof(script), "%s/tests/slices/make_slice.py",
		       source);
	(void)snprintf(pid, sizeof(pid), "%d", r->pid);
	(void)snprintf(r->spec, sizeof(r->spec), "%s/slice.msl", r->dir);
	pid_t writer = fork();
	assert_true(writer >= 0);
	if (writer == 0) {
		const char *compress = r->row->compress;
		execlp("python3", "python3", "-B", script, pid, r->spec,
		       "--compress", compress ? compress : "none", NULL);
		_exit(77);
	}
	int status;
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		r->why_not = "no slice can be made here: python3, libzstd or "
			     "the right to trace is missing";
	else
		assert_int_equal(WEXITSTATUS(status), 0);
}

static int make_target(void **state)
{
	struct run *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	r->row = *state;
	*state = r;
	const char *fixtures = getenv("FIXTURES");
	if (!fixtures)
		return 0;
	(void)snprintf(r->program, sizeof(r->program), "%s/%s", fixtures,
		       r->row->fixture);
	if (access(r->program, X_OK) != 0)
		return 0;
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/heapscan-test-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	start(r);
	if (r->row->kind == HS_TARGET_LIVE) {
		(void)snprintf(r->spec, sizeof(r->spec), "%d", r->pid);
		return 0;
	}
	if (r->row->kind == HS_TARGET_SLICE) {
		make_slice(r);
		return 0;
	}
	int status;
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_true(WIFSIGNALED(status));
	(void)find_core(r); /* none: the test says so */
	return 0;
}

static int drop_target(void **state)
{
	struct run *r = *state;
	hs_target_close(r->target);
	if (r->row->kind != HS_TARGET_CORE && r->pid > 0) {
		(void)kill(r->pid, SIGKILL);
		(void)waitpid(r->pid, NULL, 0);
	}
	if (r->row->kind != HS_TARGET_LIVE && r->spec[0])
		(void)unlink(r->spec);
	if (r->dir[0])
		(void)rmdir(r->dir);
	free(r);
	return 0;
}

static void check_info(const struct run *r)
{
	struct hs_target_info info;
	hs_target_info(r->target, &info);
	bool live = r->row->kind == HS_TARGET_LIVE;
	assert_int_equal(info.kind, r->row->kind);
	assert_int_equal(info.word_size, r->row->word_size);
	assert_int_equal(info.pid, r->tid[0]);
	assert_int_equal(info.signal,
			 r->row->kind == HS_TARGET_CORE ? SIGABRT : 0);
	assert_true(live ? info.paused_ns > 0 : info.paused_ns == -1);
	assert_true(live ? info.file_size == 0 : info.file_size > 0);
	assert_true(live ? info.copied > 0 : info.copied == 0);
	assert_true(live ? !info.path : strcmp(info.path, r->spec) == 0);
	assert_string_equal(info.executable, r->program);
	assert_non_null(strstr(info.command_line, r->row->fixture));
	assert_true(info.complete);
	uint64_t page = 0;
	assert_true(hs_target_auxv(r->target, AT_PAGESZ, &page));
	assert_int_equal(page, r->page);
}

static void check_answers(const struct run *r)
{
	size_t len = 2 * (size_t)r->page;
	uint8_t *got = malloc(len + 1);
	assert_non_null(got);
	struct hs_error err;
	assert_int_equal(hs_target_read(r->target, r->pattern, got, len, &err),
			 HS_OK);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(got[i], (uint8_t)(i * 7 + 3));

	/* A byte more is in a page that no one captured. */
	assert_int_equal(
		hs_target_read(r->target, r->pattern, got, len + 1, &err),
		HS_ERR_NOT_CAPTURED);
	assert_int_equal(err.addr, r->pattern + len);
	assert_int_equal(hs_target_read(r->target, r->pattern + 3 * r->page,
					got, 1, &err),
			 HS_ERR_UNMAPPED);
	assert_int_equal(err.addr, r->pattern + 3 * r->page);

	const uint8_t *view;
	uint64_t lent;
	assert_int_equal(
		hs_target_view(r->target, r->pattern + 1, &view, &lent, &err),
		HS_OK);
	assert_true(lent >= 1 && view[0] == 10);
	free(got);
}

static void check_maps(const struct run *r)
{
	size_t count = hs_target_map_count(r->target);
	assert_true(count > 0);
	struct hs_map_info map;
	hs_addr end = 0;
	bool seen = false, text = false, stack = false;
	for (size_t i = 0; i < count; i++) {
		hs_target_map(r->target, i, &map);
		assert_true(map.start >= end && map.end > map.start);
		end = map.end;
		assert_true(map.captured <= map.end - map.start);
		assert_true(map.from_file <= map.captured);
		stack = stack || map.kind == HS_MAP_STACK;
		if (map.path && strcmp(map.path, r->program) == 0 &&
		    (map.prot & HS_PROT_EXEC)) {
			text = true;
			assert_int_equal(map.kind, HS_MAP_FILE);
			assert_int_equal(map.captured, map.end - map.start);
			assert_true(map.file_offset % r->page == 0);
		}
		if (r->pattern < map.start || r->pattern >= map.end)
			continue;
		seen = true;
		assert_int_equal(map.prot, HS_PROT_READ | HS_PROT_WRITE);
		assert_int_equal(map.kind, HS_MAP_ANON);
		assert_false(map.shared);
		assert_int_equal(map.captured, map.end - map.start);
		assert_int_equal(map.from_file, 0);
	}
	assert_true(seen && text && stack);
	/* Spans lie within maps: what is not mapped has no answer but that. */
	const struct hs_span_list *spans = &r->target->spans;
	for (size_t i = 0; i < spans->count; i++) {
		const struct hs_span *s = &spans->span[i];
		assert_non_null(hs_target_find_map(r->target, s->start));
		assert_non_null(
			hs_target_find_map(r->target, s->start + s->len - 1));
		if (i > 0)
			assert_true(s[-1].start + s[-1].len <= s->start);
	}
}

static void check_modules(const struct run *r)
{
	size_t count = hs_target_module_count(r->target);
	assert_true(count >= 3); /* the program, libc, ld.so */
	size_t programs = 0, vdsos = 0;
	hs_addr base = 0;
	for (size_t i = 0; i < count; i++) {
		struct hs_module_info m;
		hs_target_module(r->target, i, &m);
		assert_non_null(m.path);
		assert_true(m.base > base && m.end > m.base);
		base = m.base;
		uint8_t magic[4];
		assert_int_equal(
			hs_target_read(r->target, m.base, magic, 4, NULL),
			HS_OK);
		assert_memory_equal(magic, "\177ELF", 4);
		vdsos += strcmp(m.path, "[vdso]") == 0;
		if (m.path[0] == '[') {
			assert_int_equal(m.file_state, HS_MODULE_FILE_NONE);
			continue;
		}
		assert_int_equal(m.file_state, HS_MODULE_FILE_MATCHED);
		assert_true(m.file && m.build_id_len > 0);
		programs += m.is_executable;
		if (m.is_executable)
			assert_string_equal(m.path, r->program);
	}
	assert_int_equal(programs, 1);
	assert_int_equal(vdsos, 1);
}

static void check_threads(const struct run *r)
{
	assert_int_equal(hs_target_thread_count(r->target), 2);
	const struct hs_register_set *set = hs_register_set(r->target->arch);
	unsigned seen = 0, current = 0;
	for (size_t i = 0; i < 2; i++) {
		struct hs_thread_info t;
		hs_target_thread(r->target, i, &t);
		unsigned which = t.tid == r->tid[1];
		assert_int_equal(t.tid, r->tid[which]);
		seen |= 1u << which;
		assert_int_equal(t.tls_base, r->pointer[which]);
		assert_int_equal(t.register_count, set->count);
		assert_int_equal(t.pc, t.registers[set->pc]);
		assert_int_equal(t.sp, t.registers[set->sp]);
		uint64_t word;
		assert_int_equal(
			hs_target_read_word(r->target, t.sp, &word, NULL),
			HS_OK);
		assert_int_equal(
			hs_target_read_word(r->target, t.pc, &word, NULL),
			HS_OK);
		if (t.current) {
			current++; /* the second thread aborted */
			assert_int_equal(t.tid, r->tid[1]);
		}
		if (which == 0)
			assert_non_null(t.name);
	}
	assert_int_equal(seen, 3);
	assert_int_equal(current, r->row->kind == HS_TARGET_CORE ? 1 : 0);
}

static void check_refusal(const struct run *r)
{
	const struct hs_open_options opt = { .struct_size = sizeof(opt),
					     .backend = r->row->backend };
	struct hs_target *untouched = r->target;
	struct hs_error err = { 0 };
	assert_int_not_equal(
		hs_target_open("/nonexistent/x", &opt, &untouched, &err),
		HS_OK);
	assert_ptr_equal(untouched, r->target);
	assert_true(strlen(err.text) > 0);
	assert_null(strchr(err.text, '\n'));
	assert_int_not_equal(
		hs_target_open("/nonexistent/x", &opt, &untouched, NULL),
		HS_OK);
}

static void keeps_the_contract(void **state)
{
	struct run *r = *state;
	if (!r->program[0])
		skip_row("FIXTURES does not say where the fixtures are");
	if (access(r->program, X_OK) != 0)
		skip_row("this fixture could not be built here");
	if (r->why_not)
		skip_row(r->why_not);
	if (!r->spec[0])
		skip_row("the kernel wrote no core into the working "
			 "folder: see /proc/sys/kernel/core_pattern");
	struct hs_error err;
	enum hs_status st = hs_target_open(r->spec, NULL, &r->target, &err);
	if (st == HS_ERR_PERMISSION)
		skip_row(err.text);
	if (st)
		fail_msg("%s", err.text);
	check_info(r);
	check_answers(r);
	check_maps(r);
	check_modules(r);
	check_threads(r);
	check_refusal(r);
}

static void every_backend_is_complete_and_in_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; hs_backends[i]; i++) {
		const struct hs_backend *b = hs_backends[i];
		assert_true(b->name && b->summary && b->probe && b->open &&
			    b->close);
		bool tried = false;
		for (size_t k = 0; k < ROWS; k++)
			tried = tried || strcmp(rows[k].backend, b->name) == 0;
		assert_true(tried);
	}
}

int main(void)
{
	struct CMUnitTest tests[ROWS + 1] = {
		cmocka_unit_test(every_backend_is_complete_and_in_the_table),
	};
	for (size_t i = 0; i < ROWS; i++)
		tests[i + 1] =
			(struct CMUnitTest){ rows[i].name, keeps_the_contract,
					     make_target, drop_target,
					     (void *)(uintptr_t)&rows[i] };
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return failed ? 1 : skipped ? 77 : 0;
}
