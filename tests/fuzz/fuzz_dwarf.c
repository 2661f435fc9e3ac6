/* SPDX-License-Identifier: MIT */
/* Bytes as an ELF file with debug info: libdwarf, as we use it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/fake_target.h"
#include "symbols/branches.h"
#include "symbols/dwarf_declarations.h"
#include "symbols/dwarf_types.h"
#include "symbols/elf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ask(int fd, const char *prefer)
{
	struct hs_member_query q[] = {
		{ .type = "list", .member = "next" },
		{ .type = "list", .member = "head.value" },
		{ .type = "list", .member = "items" },
		{ .type = "list", .member = "inside" },
		{ .type = "list" },
		{ .type = "alias", .member = "value" },
	};
	size_t n = sizeof(q) / sizeof(*q);
	if (hs_dwarf_members(fd, prefer, q, n, NULL) != HS_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!q[i].found)
			continue;
		/* A whole number of elements, and none that is not there. */
		if (q[i].count == 0 ? q[i].size != 0
				    : q[i].size % q[i].count != 0)
			abort();
	}
}

/* Frames all over the code, whose registers all point to a stack: half of them
 * in calls, as far as the bytes, which are also the memory from 0 on, say. */
#define FRAMES 64u
#define STACK 0x20000000u

static int by_place(const void *a, const void *b)
{
	const struct hs_local_frame *x = a, *y = b;
	return (x->pc > y->pc) - (x->pc < y->pc);
}

/* The frame that is in a call of the function which F is in, more or less. */
static struct hs_local_frame *caller_of(struct hs_local_frame *frame,
					const struct hs_local_frame *f,
					struct hs_window *read)
{
	struct hs_local_frame *ret = NULL;
	hs_addr to, best = 0;
	for (unsigned i = 0; i < FRAMES; i++)
		if (hs_branch_target(read, frame[i].frame.pc, HS_BRANCH_CALL,
				     &to) &&
		    to <= f->pc && to >= best) {
			best = to;
			ret = &frame[i];
		}
	return ret;
}

static void stand(struct hs_local_frames *frames, struct hs_local_frame *frame,
		  const struct hs_target *target, const uint8_t *data,
		  size_t len)
{
	size_t at = 0x40;
	for (unsigned i = 0; i < FRAMES; i++) {
		struct hs_local_frame *f = &frame[i];
		*f = hs_local_frame_new(0, &(struct hs_frame){ .pc = 0 });
		f->pc = 0x40 + 0x10 * i;
		while (i % 2 && at < len && data[at] != 0xe8)
			at++;
		if (i % 2 && at < len)
			f->pc = at++ + 4;
		f->frame.pc = f->pc + 1;
		f->frame.number = i % 3;
		f->frame.cfa = STACK + 8 * i;
		f->frame.registers.known = UINT64_MAX;
		for (unsigned n = 0; n < HS_DWARF_REGISTERS; n++) {
			f->frame.registers.value[n] = STACK + 8 * n;
			f->frame.saved[n] = n % 2 ? STACK + 8 * n : HS_NO_ADDR;
		}
	}
	*frames = (struct hs_local_frames){ .frame = frame, .count = FRAMES };
	hs_window_init(&frames->read, target);
	qsort(frame, FRAMES, sizeof(*frame), by_place);
	for (unsigned i = 0; i < FRAMES; i++)
		frame[i].caller = caller_of(frame, &frame[i], &frames->read);
}

/* A second ELF file in the bytes is that of the units which the first one does
 * not have, whatever that calls it. */
struct second {
	const uint8_t *data;
	size_t len;
	int fd; /* -1: there is none yet */
};

static bool open_second(void *arg, const char *name, const char *folder,
			struct hs_elf_file **ret)
{
	static const char magic[] = "\177ELF";
	struct second *s = arg;
	char path[40];
	(void)name, (void)folder;
	for (size_t at = 64; s->fd < 0 && at + 4 < s->len; at++) {
		if (memcmp(s->data + at, magic, 4) != 0)
			continue;
		s->fd = memfd_create("fuzz", MFD_CLOEXEC);
		if (s->fd < 0 || write(s->fd, s->data + at, s->len - at) !=
					 (ssize_t)(s->len - at))
			abort();
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd);
	return s->fd >= 0 && hs_elf_file_open(path, ret, NULL) == HS_OK;
}

/* Every index of what is declared is one of the table. */
static void declare(struct hs_elf_file *file, const struct hs_target *target,
		    const uint8_t *data, size_t len)
{
	static struct hs_local_frame frame[FRAMES];
	struct hs_local_frames frames;
	struct second second = { data, len, -1 };
	const struct hs_split_files split = { open_second, &second };
	struct hs_decls d;
	char name[256];
	uint64_t tail;
	uint32_t element;
	stand(&frames, frame, target, data, len);
	if (hs_decls_init(&d, NULL))
		abort();
	if (hs_dwarf_declarations(file, NULL, 0, &frames, 0, &split, &d,
				  NULL) == HS_OK &&
	    hs_decls_complete(&d, NULL) == HS_OK) {
		for (uint32_t i = 0; i < d.type_count; i++) {
			const struct hs_decl_type *t = &d.type[i];
			if (t->of >= d.type_count || t->name >= d.text_len ||
			    t->member > d.member_count ||
			    t->members > d.member_count - t->member ||
			    t->parameters >
				    d.member_count - t->member - t->members)
				abort();
			(void)hs_decls_spell(&d, i, name, sizeof(name));
			(void)hs_decls_tail(&d, i, &tail, &element);
		}
		for (size_t i = 0; i < d.member_count; i++)
			if (d.member[i].type >= d.type_count ||
			    d.member[i].name >= d.text_len)
				abort();
		for (size_t i = 0; i < d.variable_count; i++)
			if (d.variable[i].type >= d.type_count ||
			    d.variable[i].name >= d.text_len ||
			    d.variable[i].function >= d.text_len)
				abort();
		for (size_t i = 0; i < d.local_count; i++)
			if (d.local[i].variable >= d.variable_count ||
			    !d.variable[d.local[i].variable].local)
				abort();
	}
	hs_decls_release(&d);
	if (second.fd >= 0)
		(void)close(second.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t stack[1024], code[4096];
	char path[40];
	struct hs_elf_file *file;
	struct fake_target t;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0)
		abort();
	fake_target_init(&t, HS_ARCH_X86_64);
	memset(code, 0, sizeof(code));
	if (len)
		memcpy(code, data, len < sizeof(code) ? len : sizeof(code));
	fake_target_map(&t, 0, code, sizeof(code), HS_PROT_READ | HS_PROT_EXEC);
	fake_target_map(&t, STACK, stack, sizeof(stack), FAKE_RW);
	fake_target_finish(&t);
	if (len == 0 || write(fd, data, len) == (ssize_t)len) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (hs_elf_file_open(path, &file, NULL) == HS_OK) {
			/* The same guard as for real files. */
			if (hs_elf_file_has_dwarf(file)) {
				ask(hs_elf_file_descriptor(file), NULL);
				ask(hs_elf_file_descriptor(file), "home");
				declare(file, &t.base, data, len);
			}
			hs_elf_file_close(file);
		}
	}
	fake_target_release(&t);
	(void)close(fd);
	return 0;
}
