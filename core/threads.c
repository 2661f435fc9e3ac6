/* SPDX-License-Identifier: MIT */
#include "core/threads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"

enum hs_status hs_thread_list_add(struct hs_thread_list *list,
				  const struct hs_thread *thread,
				  struct hs_error *err)
{
	assert(thread->register_count <= HS_MAX_REGISTERS);
	enum hs_status st = hs_grow(&list->thread, &list->capacity, list->count,
				    sizeof(*list->thread), err);
	if (st)
		return st;
	struct hs_thread copy = *thread;
	copy.name = NULL;
	copy.fp = NULL;
	if (thread->name)
		copy.name = strdup(thread->name);
	if (thread->fp)
		copy.fp = malloc(thread->fp_len);
	if ((thread->name && !copy.name) || (thread->fp && !copy.fp)) {
		free(copy.name);
		free(copy.fp);
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	if (thread->fp)
		memcpy(copy.fp, thread->fp, thread->fp_len);
	list->thread[list->count++] = copy;
	return HS_OK;
}

void hs_thread_list_release(struct hs_thread_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->thread[i].name);
		free(list->thread[i].fp);
	}
	free(list->thread);
	*list = (struct hs_thread_list){ 0 };
}

/* The order of the kernel's user_regs_struct for each architecture. */
static const char *const x86_64_names[] = {
	"r15",     "r14",      "r13", "r12", "rbp",    "rbx", "r11",
	"r10",     "r9",       "r8",  "rax", "rcx",    "rdx", "rsi",
	"rdi",     "orig_rax", "rip", "cs",  "eflags", "rsp", "ss",
	"fs_base", "gs_base",  "ds",  "es",  "fs",     "gs",
};
static const char *const i386_names[] = {
	"ebx", "ecx", "edx",      "esi", "edi", "ebp",    "eax", "ds", "es",
	"fs",  "gs",  "orig_eax", "eip", "cs",  "eflags", "esp", "ss",
};
static const char *const aarch64_names[] = {
	"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",     "x7",  "x8",
	"x9",  "x10", "x11", "x12", "x13", "x14", "x15",    "x16", "x17",
	"x18", "x19", "x20", "x21", "x22", "x23", "x24",    "x25", "x26",
	"x27", "x28", "x29", "x30", "sp",  "pc",  "pstate",
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct hs_register_set sets[] = {
	[HS_ARCH_X86_64] = { COUNT(x86_64_names), 16, 19, 21, x86_64_names },
	[HS_ARCH_I386] = { COUNT(i386_names), 12, 15, SIZE_MAX, i386_names },
	[HS_ARCH_AARCH64] = { COUNT(aarch64_names), 32, 31, SIZE_MAX,
			      aarch64_names },
};

const struct hs_register_set *hs_register_set(enum hs_arch arch)
{
	assert((size_t)arch < COUNT(sets));
	return &sets[arch];
}

const char *hs_register_name(enum hs_arch arch, size_t i)
{
	const struct hs_register_set *set = hs_register_set(arch);
	return i < set->count ? set->names[i] : NULL;
}
