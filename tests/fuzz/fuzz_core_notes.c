/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "backends/core_notes.h"

/*
 * Any bytes as the notes of a core: the first chooses architecture and
 * alignment. What is lent lies within the bytes, and is what the header says.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			abort();                                               \
	} while (0)

static void check(const struct hs_core_notes *n, const uint8_t *bytes,
		  size_t len)
{
	MUST(n->threads.count <= len / 144); /* the smallest NT_PRSTATUS */
	for (size_t i = 0; i < n->threads.count; i++)
		MUST(n->threads.thread[i].current == (i == 0));
	MUST(memchr(n->comm, 0, sizeof(n->comm)));
	MUST(memchr(n->command_line, 0, sizeof(n->command_line)));
	MUST(!n->auxv || (n->auxv >= bytes &&
			  n->auxv_len <= (size_t)(bytes + len - n->auxv)));
	MUST(!n->malformed == !n->first_malformed);
	for (size_t i = 0; i < n->file_count; i++) {
		const struct hs_core_file *f = &n->file[i];
		const uint8_t *path = (const uint8_t *)f->path;
		MUST(f->end > f->start);
		MUST(path >= bytes && path < bytes + len && *path);
		MUST(memchr(path, 0, (size_t)(bytes + len - path)));
		MUST(i == 0 || f[-1].start <= f->start);
		const struct hs_core_file *at =
			hs_core_notes_file_at(n, f->start);
		MUST(!at || (at->start <= f->start && at->end > f->start));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	enum hs_arch arch = (enum hs_arch)(data[0] % 3);
	uint64_t align = data[0] & 0x80 ? 8 : 4;
	struct hs_core_notes n;
	hs_core_notes_init(&n);
	MUST(hs_core_notes_parse(&n, arch, data + 1, len - 1, align, NULL) ==
	     HS_OK);
	hs_core_notes_finish(&n);
	check(&n, data + 1, len - 1);
	hs_core_notes_release(&n);
	return 0;
}
