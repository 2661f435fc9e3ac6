/* SPDX-License-Identifier: MIT */
#include "backends/live_denied.h"
#include "backends/registry.h"

#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"

#define NOBODY 65534
#define SYS_PTRACE (UINT64_C(1) << 19)

/* An ordinary user looks at a process of his own: nothing forbids it. */
static struct hs_denial ordinary(void)
{
	return (struct hs_denial){
		.pid = 77,
		.us = { .uid = { 1000, 1000, 1000 } },
		.them = { .uid = { 1000, 1000, 1000 } },
		.owner = 1000,
		.yama = 0,
	};
}

/* The explanation has all WORDS in it, and is one line. */
static void explains(const struct hs_denial *f, const char *cause,
		     const char *cure)
{
	struct hs_error err = { 0 };
	assert_int_equal(hs_denial_explain(f, &err), HS_ERR_PERMISSION);
	assert_int_equal(err.code, HS_ERR_PERMISSION);
	assert_non_null(strstr(err.text, cause));
	assert_non_null(strstr(err.text, cure));
	assert_null(strchr(err.text, '\n'));
	assert_true(strlen(err.text) < sizeof(err.text) - 1);
}

static void another_tracer_is_the_first_cause(void **state)
{
	(void)state;
	struct hs_denial f = ordinary();
	f.them.tracer = 12;
	f.yama = 3;
	(void)strcpy(f.tracer_name, "gdb");
	explains(&f, "traced by process 12 (gdb)", "end that first");
}

static void our_own_sandbox_is_named(void **state)
{
	(void)state;
	struct hs_denial f = ordinary();
	f.no_ptrace = true;
	explains(&f, "seccomp", "--cap-add SYS_PTRACE");
}

static void another_user_s_process_needs_root(void **state)
{
	(void)state;
	struct hs_denial f = ordinary();
	f.them.uid[1] = 0;
	f.yama = 1;
	explains(&f, "belongs to user 0", "run it as root");
}

static void a_process_that_forbids_it_needs_root(void **state)
{
	(void)state;
	struct hs_denial f = ordinary();
	f.owner = 0;
	explains(&f, "not dumpable", "as root");
}

static void a_process_with_capabilities_needs_root(void **state)
{
	(void)state;
	struct hs_denial f = ordinary();
	f.them.permitted = 1 << 10;
	explains(&f, "capabilities", "as root");
}

static void yama_s_three_levels_have_three_cures(void **state)
{
	(void)state;
	struct hs_denial f = ordinary();
	f.yama = 1;
	explains(&f, "ptrace_scope is 1", "sysctl kernel.yama.ptrace_scope=0");
	f.yama = 2;
	explains(&f, "ptrace_scope is 2", "as root");
	f.yama = 3;
	explains(&f, "ptrace_scope is 3", "at boot");
	f.us.effective = SYS_PTRACE; /* even root may not */
	explains(&f, "ptrace_scope is 3", "at boot");
}

static void rights_in_an_inner_user_namespace_do_not_count(void **state)
{
	(void)state;
	struct hs_denial f = ordinary();
	f.us.effective = SYS_PTRACE;
	f.inner_user_ns = true;
	explains(&f, "another user namespace", "outside");
}

static void a_security_module_comes_last(void **state)
{
	(void)state;
	struct hs_denial f = ordinary();
	(void)strcpy(f.lsm_profile, "docker-default (enforce)");
	explains(&f, "docker-default", "unconfined");
	f.us.effective = SYS_PTRACE;
	explains(&f, "docker-default", "unconfined");
}

static void without_a_known_cause_there_is_still_a_cure(void **state)
{
	(void)state;
	struct hs_denial f = ordinary();
	explains(&f, "not permitted", "CAP_SYS_PTRACE");
	f.us.effective = SYS_PTRACE;
	explains(&f, "even root", "lockdown");
}

/* ---- the real thing ----------------------------------------------------- */

/* What an unprivileged looker was told; shared with it. */
struct answer {
	pid_t pid;
	enum hs_status st;
	struct hs_error err;
};

static bool become_nobody(void)
{
	return setgroups(0, NULL) == 0 &&
	       setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	       setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

static void look_as_nobody(void *arg)
{
	struct answer *a = arg;
	char spec[16];
	struct hs_open_options opt = { .struct_size = sizeof(opt),
				       .backend = "live" };
	struct hs_target *t = NULL;
	if (!become_nobody())
		_exit(1);
	(void)snprintf(spec, sizeof(spec), "%d", (int)a->pid);
	a->st = hs_target_open(spec, &opt, &t, &a->err);
	if (t)
		hs_target_close(t);
	child_tell(0);
}

static void idle(void *arg)
{
	(void)arg;
	child_tell(0);
}

static void be_nobody(void *arg)
{
	bool *dumpable = arg;
	if (!become_nobody() ||
	    prctl(PR_SET_DUMPABLE, *dumpable ? 1 : 0, 0, 0, 0) != 0)
		_exit(1);
	child_tell(0);
}

/* Start a target that runs BODY, and look at it as nobody. */
static struct answer look_at(void (*body)(void *arg), void *arg)
{
	if (geteuid() != 0)
		skip(); /* only root can become another user */
	struct answer *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	struct child target = child_start(body, arg);
	(void)child_hear(&target);
	shared->pid = target.pid;
	struct child looker = child_start(look_as_nobody, shared);
	(void)child_hear(&looker);
	child_ping(&target);
	child_end(&looker);
	child_end(&target);
	struct answer a = *shared;
	(void)munmap(shared, sizeof(*shared));
	return a;
}

static void nobody_may_not_look_at_root_s_processes(void **state)
{
	(void)state;
	struct answer a = look_at(idle, NULL);
	assert_int_equal(a.st, HS_ERR_PERMISSION);
	assert_non_null(strstr(a.err.text, "belongs to user 0"));
}

static void nobody_may_not_look_at_what_is_not_dumpable(void **state)
{
	(void)state;
	bool dumpable = false;
	struct answer a = look_at(be_nobody, &dumpable);
	assert_int_equal(a.st, HS_ERR_PERMISSION);
	assert_non_null(strstr(a.err.text, "not dumpable"));
}

static void nobody_may_look_at_his_own_processes(void **state)
{
	(void)state;
	bool dumpable = true;
	struct answer a = look_at(be_nobody, &dumpable);
	/* With Yama only parents may: then it is the cause that is named. */
	if (a.st)
		assert_non_null(strstr(a.err.text, "yama"));
	else
		assert_int_equal(a.st, HS_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_tracer_is_the_first_cause),
		cmocka_unit_test(our_own_sandbox_is_named),
		cmocka_unit_test(another_user_s_process_needs_root),
		cmocka_unit_test(a_process_that_forbids_it_needs_root),
		cmocka_unit_test(a_process_with_capabilities_needs_root),
		cmocka_unit_test(yama_s_three_levels_have_three_cures),
		cmocka_unit_test(
			rights_in_an_inner_user_namespace_do_not_count),
		cmocka_unit_test(a_security_module_comes_last),
		cmocka_unit_test(without_a_known_cause_there_is_still_a_cure),
		cmocka_unit_test(nobody_may_not_look_at_root_s_processes),
		cmocka_unit_test(nobody_may_not_look_at_what_is_not_dumpable),
		cmocka_unit_test(nobody_may_look_at_his_own_processes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
