/* SPDX-License-Identifier: MIT */
#include "backends/core_table.h"

#include <elf.h>
#include <inttypes.h>

#include "backends/file_kind.h"
#include "core/cursor.h"
#include "core/limits.h"

static const char *machine_name(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x32";
	case EM_ARM:
		return "32-bit ARM";
	case EM_AARCH64:
		return "32-bit AArch64";
	case EM_RISCV:
		return "RISC-V";
	case EM_PPC:
	case EM_PPC64:
		return "PowerPC";
	case EM_S390:
		return "s390";
	case EM_MIPS:
		return "MIPS";
	case 258:
		return "LoongArch";
	default:
		return NULL;
	}
}

static enum hs_status check_header(const struct hs_elf_header *h,
				   const uint8_t *bytes, size_t len,
				   const char *name, enum hs_arch *arch,
				   struct hs_error *err)
{
	if (h->type != ET_CORE)
		return hs_fail(err, HS_ERR_FORMAT, "'%s' is %s", name,
			       hs_file_kind(bytes, len));
	if (h->big_endian)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "'%s' is of a big-endian machine; x86_64, i386 "
			       "and aarch64 are understood",
			       name);
	if (!hs_elf_arch(h, arch)) {
		const char *machine = machine_name(h->machine);
		if (machine)
			return hs_fail(err, HS_ERR_UNSUPPORTED,
				       "'%s' is of a %s machine; x86_64, i386 "
				       "and aarch64 are understood",
				       name, machine);
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "'%s' is of ELF machine %u; x86_64, i386 and "
			       "aarch64 are understood",
			       name, h->machine);
	}
	return HS_OK;
}

/*
 * More than 65,534 segments: their number stands in section header 0, which
 * the kernel writes last, behind all memory. Of a core that was cut it is the
 * first thing to go; then the notes, which follow the table directly, tell
 * where the table ends.
 */
static uint32_t extended_count(const struct hs_core_table *t,
			       const uint8_t *bytes, size_t len)
{
	const struct hs_elf_header *h = &t->header;
	size_t info_at = h->word_size == 8 ? 44 : 28;
	if (h->shoff != 0 && h->shoff <= len && len - h->shoff >= info_at + 4) {
		struct hs_cursor c = { .pos = bytes + h->shoff + info_at,
				       .end = bytes + len };
		return hs_cursor_u32(&c);
	}
	for (uint32_t i = 0; i < t->len / h->phentsize; i++) {
		struct hs_elf_segment s;
		if (hs_elf_segment_parse(h, t->bytes, t->len, i, &s, NULL))
			break;
		if ((s.type == PT_NOTE || s.type == PT_LOAD) && s.filesz > 0 &&
		    s.offset > h->phoff) {
			uint64_t n = (s.offset - h->phoff) / h->phentsize;
			return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
		}
	}
	return PN_XNUM;
}

enum hs_status hs_core_table_find(const uint8_t *bytes, size_t len,
				  const char *name, struct hs_core_table *ret,
				  struct hs_error *err)
{
	struct hs_core_table t = { 0 };
	const struct hs_elf_header *h = &t.header;
	if (hs_elf_header_parse(bytes, len, &t.header, NULL)) {
		const char *kind = hs_file_kind(bytes, len);
		return hs_fail(err, HS_ERR_FORMAT, "'%s' is %s", name,
			       kind ? kind : "no ELF core");
	}
	enum hs_status st = check_header(h, bytes, len, name, &t.arch, err);
	if (st)
		return st;
	if (h->phnum == 0)
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' is a core without segments", name);
	t.claimed = h->phnum;
	if (h->phoff < len) {
		t.bytes = bytes + h->phoff;
		t.len = len - (size_t)h->phoff;
	}
	if (h->phnum == PN_XNUM)
		t.claimed = extended_count(&t, bytes, len);
	size_t there = t.len / h->phentsize;
	t.count = there < t.claimed ? (uint32_t)there : t.claimed;
	if (t.count == 0)
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' is a core that is cut before its first "
			       "segment, after %zu bytes",
			       name, len);
	if (t.count > HS_LIMIT_SEGMENTS)
		return hs_fail(err, HS_ERR_LIMIT,
			       "'%s' claims %" PRIu32
			       " segments, more than %u are not read",
			       name, t.count, HS_LIMIT_SEGMENTS);
	*ret = t;
	return HS_OK;
}
