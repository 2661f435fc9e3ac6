/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CORE_WRITER_H
#define TESTS_CORE_WRITER_H

#include <heapscan/target.h>

/*
 * A core file, piece by piece, as the kernel lays it out: header, program
 * headers, notes, memory; section header 0 at the end when there are more than
 * 65,534 segments. Running out of memory is an assertion.
 *
 *	struct core_writer w;
 *	core_writer_init(&w, HS_ARCH_X86_64);
 *	core_writer_process(&w, 77, "prog", "prog -x");
 *	core_writer_thread(&w, 77, 6, PC, SP, TLS);
 *	core_writer_file(&w, LIB, LIB + 0x1000, 0, "/lib/x.so");
 *	core_writer_load(&w, HEAP, PF_R | PF_W, bytes, sizeof(bytes), 0x1000);
 *	size_t len;
 *	const uint8_t *core = core_writer_finish(&w, &len);
 *	...
 *	core_writer_release(&w);
 */
struct core_bytes {
	uint8_t *bytes;
	size_t len, capacity;
};

struct core_load {
	hs_addr vaddr;
	uint32_t flags; /* PF_* */
	uint64_t filesz, memsz;
	size_t data; /* offset in core_writer.memory */
};

struct core_writer {
	enum hs_arch arch;
	unsigned word;
	uint16_t machine; /* EM_*; may be changed before finish */
	struct core_bytes notes, files, names, memory, out;
	uint64_t file_count;
	struct core_load *load;
	size_t load_count, load_capacity;
};

void core_writer_init(struct core_writer *w, enum hs_arch arch);
/* NT_PRPSINFO. */
void core_writer_process(struct core_writer *w, int pid, const char *comm,
			 const char *args);
/* NT_PRSTATUS, and the note that holds the thread pointer where it is in
 * another; TLS 0 writes no such note. */
void core_writer_thread(struct core_writer *w, int tid, int signal, hs_addr pc,
			hs_addr sp, hs_addr tls);
/* NT_AUXV out of COUNT pairs; AT_NULL is added. */
void core_writer_auxv(struct core_writer *w, const uint64_t (*pairs)[2],
		      size_t count);
/* A line of NT_FILE; OFFSET in bytes. */
void core_writer_file(struct core_writer *w, hs_addr start, hs_addr end,
		      uint64_t offset, const char *path);
/* Any other note. */
void core_writer_note(struct core_writer *w, const char *name, uint32_t type,
		      const void *desc, size_t len);
/* A PT_LOAD: the first FILESZ of MEMSZ bytes are BYTES. */
void core_writer_load(struct core_writer *w, hs_addr vaddr, uint32_t flags,
		      const void *bytes, uint64_t filesz, uint64_t memsz);
/* The file's bytes, which the writer owns. */
const uint8_t *core_writer_finish(struct core_writer *w, size_t *len);
void core_writer_release(struct core_writer *w);

/*
 * A shared object as a linker would write it, in three pages: headers and
 * build id (R), text (R X), data (R W). Text and data are filled with TEXT and
 * DATA. BUILD_ID_LEN 0 writes no build id.
 */
#define TINY_PAGE 0x1000u
#define TINY_LEN (3 * TINY_PAGE)
#define TINY_TEXT 0x5au
#define TINY_DATA 0xdau
void tiny_image(uint8_t out[TINY_LEN], unsigned word, uint16_t machine,
		const uint8_t *build_id, size_t build_id_len);

#endif
