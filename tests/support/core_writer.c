/* SPDX-License-Identifier: MIT */
#include "support/core_writer.h"

#include <assert.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 0x1000u

static uint8_t *room(struct core_bytes *b, size_t n)
{
	if (!b->bytes || n > b->capacity - b->len) {
		size_t wanted = b->capacity * 2 + n + 256;
		b->bytes = realloc(b->bytes, wanted);
		assert(b->bytes);
		b->capacity = wanted;
	}
	uint8_t *at = b->bytes + b->len;
	memset(at, 0, n);
	b->len += n;
	return at;
}

static void put_at(uint8_t *at, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)(i < 8 ? value >> 8 * i : 0);
}

static void put(struct core_bytes *b, size_t n, uint64_t value)
{
	put_at(room(b, n), n, value);
}

static void put_bytes(struct core_bytes *b, const void *from, size_t n)
{
	uint8_t *at = room(b, n);
	if (n > 0)
		memcpy(at, from, n);
}

static void pad(struct core_bytes *b, size_t unit)
{
	(void)room(b, (unit - b->len % unit) % unit);
}

void core_writer_init(struct core_writer *w, enum hs_arch arch)
{
	static const uint16_t machines[] = {
		[HS_ARCH_X86_64] = EM_X86_64,
		[HS_ARCH_I386] = EM_386,
		[HS_ARCH_AARCH64] = EM_AARCH64,
	};
	*w = (struct core_writer){
		.arch = arch,
		.word = arch == HS_ARCH_I386 ? 4 : 8,
		.machine = machines[arch],
	};
}

void core_writer_note(struct core_writer *w, const char *name, uint32_t type,
		      const void *desc, size_t len)
{
	size_t name_len = strlen(name) + 1;
	put(&w->notes, 4, name_len);
	put(&w->notes, 4, len);
	put(&w->notes, 4, type);
	put_bytes(&w->notes, name, name_len);
	pad(&w->notes, 4);
	put_bytes(&w->notes, desc, len);
	pad(&w->notes, 4);
}

void core_writer_process(struct core_writer *w, int pid, const char *comm,
			 const char *args)
{
	uint8_t info[136] = { 0 };
	bool small = w->word == 4;
	size_t comm_at = small ? 28 : 40;
	put_at(info + (small ? 12 : 24), 4, (uint32_t)pid);
	assert(strlen(comm) <= 16 && strlen(args) <= 80);
	memcpy(info + comm_at, comm, strlen(comm));
	memcpy(info + comm_at + 16, args, strlen(args));
	core_writer_note(w, "CORE", NT_PRPSINFO, info, small ? 124 : 136);
}

/* Where pc, sp and the thread pointer stand among the registers, as in the
 * kernel's user_regs_struct; not taken from the code under test. */
static void put_registers(struct core_writer *w, uint8_t *at, hs_addr pc,
			  hs_addr sp, hs_addr tls)
{
	switch (w->arch) {
	case HS_ARCH_X86_64:
		put_at(at + 16 * 8, 8, pc);
		put_at(at + 19 * 8, 8, sp);
		put_at(at + 21 * 8, 8, tls);
		break;
	case HS_ARCH_I386:
		put_at(at + 12 * 4, 4, pc);
		put_at(at + 15 * 4, 4, sp);
		put_at(at + 10 * 4, 4, 12 << 3 | 3); /* gs: entry 12 */
		break;
	case HS_ARCH_AARCH64:
		put_at(at + 32 * 8, 8, pc);
		put_at(at + 31 * 8, 8, sp);
		break;
	}
}

void core_writer_thread(struct core_writer *w, int tid, int signal, hs_addr pc,
			hs_addr sp, hs_addr tls)
{
	static const size_t sizes[] = { [HS_ARCH_X86_64] = 336,
					[HS_ARCH_I386] = 144,
					[HS_ARCH_AARCH64] = 392 };
	uint8_t status[400] = { 0 };
	put_at(status + 12, 2, (uint32_t)signal);
	put_at(status + (w->word == 4 ? 24 : 32), 4, (uint32_t)tid);
	put_registers(w, status + (w->word == 4 ? 72 : 112), pc, sp, tls);
	core_writer_note(w, "CORE", NT_PRSTATUS, status, sizes[w->arch]);
	if (tls == 0)
		return;
	uint8_t note[48] = { 0 };
	if (w->arch == HS_ARCH_I386) {
		for (unsigned i = 0; i < 3; i++)
			put_at(note + 16 * (size_t)i, 4, 12 + i);
		put_at(note + 4, 4, tls);
		core_writer_note(w, "LINUX", NT_386_TLS, note, sizeof(note));
	} else if (w->arch == HS_ARCH_AARCH64) {
		put_at(note, 8, tls);
		core_writer_note(w, "LINUX", NT_ARM_TLS, note, 8);
	}
}

void core_writer_auxv(struct core_writer *w, const uint64_t (*pairs)[2],
		      size_t count)
{
	struct core_bytes b = { 0 };
	for (size_t i = 0; i < count; i++) {
		put(&b, w->word, pairs[i][0]);
		put(&b, w->word, pairs[i][1]);
	}
	put(&b, 2 * (size_t)w->word, AT_NULL);
	core_writer_note(w, "CORE", NT_AUXV, b.bytes, b.len);
	free(b.bytes);
}

void core_writer_file(struct core_writer *w, hs_addr start, hs_addr end,
		      uint64_t offset, const char *path)
{
	put(&w->files, w->word, start);
	put(&w->files, w->word, end);
	put(&w->files, w->word, offset / PAGE);
	put_bytes(&w->names, path, strlen(path) + 1);
	w->file_count++;
}

void core_writer_load(struct core_writer *w, hs_addr vaddr, uint32_t flags,
		      const void *bytes, uint64_t filesz, uint64_t memsz)
{
	if (w->load_count == w->load_capacity) {
		w->load_capacity = w->load_capacity * 2 + 16;
		w->load = realloc(w->load, w->load_capacity * sizeof(*w->load));
		assert(w->load);
	}
	w->load[w->load_count++] = (struct core_load){
		.vaddr = vaddr,
		.flags = flags,
		.filesz = filesz,
		.memsz = memsz,
		.data = w->memory.len,
	};
	put_bytes(&w->memory, bytes, (size_t)filesz);
}

static void finish_files(struct core_writer *w)
{
	if (w->file_count == 0)
		return;
	struct core_bytes b = { 0 };
	put(&b, w->word, w->file_count);
	put(&b, w->word, PAGE);
	put_bytes(&b, w->files.bytes, w->files.len);
	put_bytes(&b, w->names.bytes, w->names.len);
	core_writer_note(w, "CORE", NT_FILE, b.bytes, b.len);
	free(b.bytes);
	w->file_count = 0;
}

static void put_header(struct core_bytes *b, unsigned word, uint16_t type,
		       uint16_t machine, uint64_t shoff, size_t phnum)
{
	size_t ehsize = word == 8 ? 64 : 52, phsize = word == 8 ? 56 : 32;
	size_t shsize = word == 8 ? 64 : 40;
	uint8_t ident[EI_NIDENT] = { 0x7f, 'E', 'L', 'F' };
	ident[EI_CLASS] = word == 8 ? ELFCLASS64 : ELFCLASS32;
	ident[EI_DATA] = ELFDATA2LSB;
	ident[EI_VERSION] = EV_CURRENT;
	put_bytes(b, ident, sizeof(ident));
	put(b, 2, type);
	put(b, 2, machine);
	put(b, 4, EV_CURRENT);
	put(b, word, 0);      /* entry */
	put(b, word, ehsize); /* phoff */
	put(b, word, shoff);
	put(b, 4, 0);
	put(b, 2, ehsize);
	put(b, 2, phsize);
	put(b, 2, phnum < PN_XNUM ? phnum : PN_XNUM);
	put(b, 2, shoff ? shsize : 0);
	put(b, 2, shoff ? 1 : 0);
	put(b, 2, 0);
}

static void put_segment(struct core_bytes *b, unsigned word, uint32_t type,
			uint32_t flags, uint64_t offset, hs_addr vaddr,
			uint64_t filesz, uint64_t memsz, uint64_t align)
{
	put(b, 4, type);
	if (word == 8)
		put(b, 4, flags);
	put(b, word, offset);
	put(b, word, vaddr);
	put(b, word, 0);
	put(b, word, filesz);
	put(b, word, memsz);
	if (word == 4)
		put(b, 4, flags);
	put(b, word, align);
}

const uint8_t *core_writer_finish(struct core_writer *w, size_t *len)
{
	finish_files(w);
	size_t phnum = w->load_count + 1;
	size_t ehsize = w->word == 8 ? 64 : 52, phsize = w->word == 8 ? 56 : 32;
	size_t notes_at = ehsize + phnum * phsize;
	size_t memory_at = notes_at + w->notes.len;
	size_t end = memory_at + w->memory.len;
	bool extended = phnum >= PN_XNUM;

	struct core_bytes *b = &w->out;
	b->len = 0;
	put_header(b, w->word, ET_CORE, w->machine, extended ? end : 0, phnum);
	put_segment(b, w->word, PT_NOTE, 0, notes_at, 0, w->notes.len, 0, 0);
	for (size_t i = 0; i < w->load_count; i++) {
		const struct core_load *l = &w->load[i];
		put_segment(b, w->word, PT_LOAD, l->flags, memory_at + l->data,
			    l->vaddr, l->filesz, l->memsz, PAGE);
	}
	put_bytes(b, w->notes.bytes, w->notes.len);
	put_bytes(b, w->memory.bytes, w->memory.len);
	if (extended) {
		uint8_t *section = room(b, w->word == 8 ? 64 : 40);
		put_at(section + (w->word == 8 ? 44 : 28), 4, phnum);
	}
	*len = b->len;
	return b->bytes;
}

void core_writer_release(struct core_writer *w)
{
	free(w->notes.bytes);
	free(w->files.bytes);
	free(w->names.bytes);
	free(w->memory.bytes);
	free(w->out.bytes);
	free(w->load);
}

void tiny_image(uint8_t out[TINY_LEN], unsigned word, uint16_t machine,
		const uint8_t *build_id, size_t build_id_len)
{
	struct core_bytes b = { 0 };
	size_t phnum = build_id_len ? 4 : 3;
	size_t note_at = word == 8 ? 64 + 4 * 56 : 52 + 4 * 32;
	put_header(&b, word, ET_DYN, machine, 0, phnum);
	put_segment(&b, word, PT_LOAD, PF_R, 0, 0, 0x200, 0x200, TINY_PAGE);
	put_segment(&b, word, PT_LOAD, PF_R | PF_X, TINY_PAGE, TINY_PAGE,
		    TINY_PAGE - 0x10, TINY_PAGE - 0x10, TINY_PAGE);
	put_segment(&b, word, PT_LOAD, PF_R | PF_W, 2 * TINY_PAGE,
		    2 * TINY_PAGE, TINY_PAGE, TINY_PAGE + 0x100, TINY_PAGE);
	if (build_id_len) {
		put_segment(&b, word, PT_NOTE, PF_R, note_at, note_at,
			    16 + build_id_len, 16 + build_id_len, 4);
		put(&b, 4, 4);
		put(&b, 4, build_id_len);
		put(&b, 4, NT_GNU_BUILD_ID);
		put_bytes(&b, "GNU", 4);
		put_bytes(&b, build_id, build_id_len);
	}
	assert(b.len <= TINY_PAGE);
	memset(out, 0, TINY_PAGE);
	memcpy(out, b.bytes, b.len);
	memset(out + TINY_PAGE, TINY_TEXT, TINY_PAGE);
	memset(out + 2 * (size_t)TINY_PAGE, TINY_DATA, TINY_PAGE);
	free(b.bytes);
}
