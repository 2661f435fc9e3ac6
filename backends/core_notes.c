/* SPDX-License-Identifier: MIT */
#include "backends/core_notes.h"

#include <assert.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core_shapes.h"
#include "core/cursor.h"
#include "core/elf_image.h"
#include "core/grow.h"
#include "core/limits.h"

#ifndef NT_FILE
#define NT_FILE 0x46494c45
#endif

/* clang-format off */
static const struct hs_core_shape shapes[] = {
	/*                   word size pid  regs  size pid comm  args */
	[HS_ARCH_X86_64]  = { 8,  336,  32,  112,  136, 24,  40,  56 },
	[HS_ARCH_AARCH64] = { 8,  392,  32,  112,  136, 24,  40,  56 },
	[HS_ARCH_I386]    = { 4,  144,  24,   72,  124, 12,  28,  44 },
};
/* clang-format on */
#define FP_MAX 1024u /* aarch64 has 528 bytes of them, x86-64 512 */
#define HS_CORE_ARGS_LEN 80u

const struct hs_core_shape *hs_core_shape(enum hs_arch arch)
{
	assert((size_t)arch < sizeof(shapes) / sizeof(shapes[0]));
	return &shapes[arch];
}

void hs_core_notes_init(struct hs_core_notes *notes)
{
	*notes = (struct hs_core_notes){ .pid = -1 };
}

void hs_core_notes_release(struct hs_core_notes *notes)
{
	hs_thread_list_release(&notes->threads);
	free(notes->file);
	hs_core_notes_init(notes);
}

static void malformed(struct hs_core_notes *notes, const char *what)
{
	if (notes->malformed++ == 0)
		notes->first_malformed = what;
}

static struct hs_cursor cursor_at(const struct hs_elf_note *n, size_t at)
{
	return (struct hs_cursor){ .pos = n->desc + at,
				   .end = n->desc + n->desc_len };
}

static enum hs_status parse_status(struct hs_core_notes *notes,
				   enum hs_arch arch,
				   const struct hs_elf_note *n,
				   struct hs_error *err)
{
	const struct hs_core_shape *shape = &shapes[arch];
	const struct hs_register_set *set = hs_register_set(arch);
	notes->in_thread = false;
	if (n->desc_len < shape->status_size) {
		malformed(notes, "NT_PRSTATUS");
		return HS_OK;
	}
	if (notes->threads.count == HS_LIMIT_THREADS)
		return hs_fail(err, HS_ERR_LIMIT,
			       "core claims more than %u threads",
			       HS_LIMIT_THREADS);
	struct hs_thread t = {
		.current = notes->threads.count == 0,
		.tls_base = HS_NO_ADDR,
		.register_count = set->count,
	};
	struct hs_cursor c = cursor_at(n, HS_CORE_CURSIG_AT);
	uint16_t signal = hs_cursor_u16(&c);
	c = cursor_at(n, shape->pid);
	t.tid = (int32_t)hs_cursor_u32(&c);
	c = cursor_at(n, shape->registers);
	for (size_t i = 0; i < set->count; i++)
		t.registers[i] = hs_cursor_uint(&c, shape->word);
	assert(!c.overrun); /* the shapes above fit their own size */
	t.pc = t.registers[set->pc];
	t.sp = t.registers[set->sp];
	/* A C library sets its thread pointer before anything else: 0 means
	 * that the writer of the core did not know it. */
	if (set->tls != SIZE_MAX && t.registers[set->tls] != 0)
		t.tls_base = t.registers[set->tls];
	if (t.current)
		notes->signal = signal;
	notes->in_thread = true;
	return hs_thread_list_add(&notes->threads, &t, err);
}

static void copy_text(char *out, const uint8_t *from, size_t len)
{
	memcpy(out, from, len);
	out[len] = '\0';
	size_t n = strlen(out);
	while (n > 0 && out[n - 1] == ' ') /* the kernel ends args with one */
		out[--n] = '\0';
}

static void parse_info(struct hs_core_notes *notes, enum hs_arch arch,
		       const struct hs_elf_note *n)
{
	const struct hs_core_shape *shape = &shapes[arch];
	if (n->desc_len < shape->info_size) {
		malformed(notes, "NT_PRPSINFO");
		return;
	}
	struct hs_cursor c = cursor_at(n, shape->info_pid);
	notes->pid = (int32_t)hs_cursor_u32(&c);
	copy_text(notes->comm, n->desc + shape->comm, HS_CORE_COMM_LEN);
	copy_text(notes->command_line, n->desc + shape->command_line,
		  HS_CORE_ARGS_LEN);
}

/*
 * struct user_desc: entry number, base, limit, flags. glibc's thread pointer is
 * the base of the entry that %gs selects.
 */
static void parse_386_tls(struct hs_core_notes *notes,
			  const struct hs_elf_note *n)
{
	if (!notes->in_thread || n->desc_len % 16 != 0) {
		malformed(notes, "NT_386_TLS");
		return;
	}
	struct hs_thread *t = &notes->threads.thread[notes->threads.count - 1];
	const struct hs_register_set *set = hs_register_set(HS_ARCH_I386);
	uint64_t selector = 0;
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->names[i], "gs") == 0)
			selector = t->registers[i] & 0xffff;
	struct hs_cursor c = cursor_at(n, 0);
	bool chosen = false;
	while (hs_cursor_left(&c) >= 16) {
		uint32_t entry = hs_cursor_u32(&c);
		uint32_t base = hs_cursor_u32(&c);
		(void)hs_cursor_u64(&c);
		bool selected = entry == selector >> 3;
		if (base != 0 && (selected || !chosen)) {
			t->tls_base = base;
			chosen = true;
		}
		if (selected)
			break;
	}
}

static void parse_arm_tls(struct hs_core_notes *notes,
			  const struct hs_elf_note *n)
{
	if (!notes->in_thread || n->desc_len < 8) {
		malformed(notes, "NT_ARM_TLS");
		return;
	}
	struct hs_cursor c = cursor_at(n, 0);
	uint64_t base = hs_cursor_u64(&c);
	if (base != 0)
		notes->threads.thread[notes->threads.count - 1].tls_base = base;
}

static enum hs_status add_file(struct hs_core_notes *notes,
			       const struct hs_core_file *file,
			       struct hs_error *err)
{
	enum hs_status st =
		hs_grow(&notes->file, &notes->file_capacity, notes->file_count,
			sizeof(*notes->file), err);
	if (st)
		return st;
	notes->file[notes->file_count++] = *file;
	return HS_OK;
}

/* count, page size, COUNT times (start, end, offset in pages), COUNT names. */
static enum hs_status parse_files(struct hs_core_notes *notes,
				  enum hs_arch arch,
				  const struct hs_elf_note *n,
				  struct hs_error *err)
{
	unsigned w = shapes[arch].word;
	struct hs_cursor c = cursor_at(n, 0);
	uint64_t count = hs_cursor_uint(&c, w);
	uint64_t page = hs_cursor_uint(&c, w);
	if (c.overrun || count > hs_cursor_left(&c) / (3 * w) || page == 0) {
		malformed(notes, "NT_FILE");
		return HS_OK;
	}
	struct hs_cursor names = c;
	(void)hs_cursor_bytes(&names, (size_t)count * 3 * w);
	for (uint64_t i = 0; i < count; i++) {
		struct hs_core_file f = { 0 };
		f.start = hs_cursor_uint(&c, w);
		f.end = hs_cursor_uint(&c, w);
		uint64_t pages = hs_cursor_uint(&c, w);
		size_t left = hs_cursor_left(&names);
		const uint8_t *nul = memchr(names.pos, 0, left);
		if (!nul) {
			malformed(notes, "NT_FILE");
			return HS_OK;
		}
		f.path = (const char *)hs_cursor_bytes(
			&names, (size_t)(nul - names.pos) + 1);
		if (f.end <= f.start || pages > UINT64_MAX / page ||
		    *f.path == '\0') {
			malformed(notes, "NT_FILE");
			continue;
		}
		f.file_offset = pages * page;
		enum hs_status st = add_file(notes, &f, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* Kept as it is, for whoever writes the thread into another file. */
static enum hs_status parse_fp(struct hs_core_notes *notes,
			       const struct hs_elf_note *n,
			       struct hs_error *err)
{
	if (!notes->in_thread || n->desc_len == 0 || n->desc_len > FP_MAX)
		return HS_OK;
	struct hs_thread *t = &notes->threads.thread[notes->threads.count - 1];
	uint8_t *fp = realloc(t->fp, n->desc_len);
	if (!fp)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	memcpy(fp, n->desc, n->desc_len);
	t->fp = fp;
	t->fp_len = n->desc_len;
	return HS_OK;
}

static bool is_named(const struct hs_elf_note *n, const char *name)
{
	return n->name_len == strlen(name) &&
	       memcmp(n->name, name, n->name_len) == 0;
}

static enum hs_status take(struct hs_core_notes *notes, enum hs_arch arch,
			   const struct hs_elf_note *n, struct hs_error *err)
{
	bool core = is_named(n, "CORE");
	if (core && n->type == NT_FPREGSET)
		return parse_fp(notes, n, err);
	bool linux_ = is_named(n, "LINUX");
	if (core && n->type == NT_PRSTATUS)
		return parse_status(notes, arch, n, err);
	if (core && n->type == NT_FILE)
		return parse_files(notes, arch, n, err);
	if (core && n->type == NT_PRPSINFO)
		parse_info(notes, arch, n);
	if (core && n->type == NT_AUXV && !notes->auxv) {
		notes->auxv = n->desc;
		notes->auxv_len = n->desc_len;
	}
	if (linux_ && n->type == NT_386_TLS && arch == HS_ARCH_I386)
		parse_386_tls(notes, n);
	if (linux_ && n->type == NT_ARM_TLS && arch == HS_ARCH_AARCH64)
		parse_arm_tls(notes, n);
	return HS_OK;
}

enum hs_status hs_core_notes_parse(struct hs_core_notes *notes,
				   enum hs_arch arch, const uint8_t *bytes,
				   size_t len, uint64_t align,
				   struct hs_error *err)
{
	assert((size_t)arch < sizeof(shapes) / sizeof(shapes[0]));
	size_t pos = 0;
	struct hs_elf_note n;
	while (hs_elf_note_next(bytes, len, &pos, align, false, &n)) {
		enum hs_status st = take(notes, arch, &n, err);
		if (st)
			return st;
	}
	if (pos < len)
		notes->cut = true;
	return HS_OK;
}

static int by_start(const void *a, const void *b)
{
	const struct hs_core_file *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

void hs_core_notes_finish(struct hs_core_notes *notes)
{
	if (notes->file_count > 1)
		qsort(notes->file, notes->file_count, sizeof(*notes->file),
		      by_start);
}

const struct hs_core_file *
hs_core_notes_file_at(const struct hs_core_notes *notes, hs_addr addr)
{
	size_t lo = 0, hi = notes->file_count;
	while (lo < hi) { /* the first that starts behind ADDR */
		size_t mid = lo + (hi - lo) / 2;
		if (notes->file[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || notes->file[lo - 1].end <= addr)
		return NULL;
	return &notes->file[lo - 1];
}
