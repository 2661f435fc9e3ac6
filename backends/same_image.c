/* SPDX-License-Identifier: MIT */
#include "backends/same_image.h"

#include <elf.h>
#include <string.h>

#include "core/cursor.h"
#include "core/window.h"

/* The kernel dumps the first page of an image, which has its headers and begins
 * its table of symbols: this much of it, and some pointers, to be no accident.
 * The least program that gcc links has 4 KiB and 8 or more. */
#define ENOUGH_BYTES 512u
#define ENOUGH_WORDS 4u
/* Pointers that anybody may have written to: so many, and most of them. */
#define ENOUGH_OPEN 16u
#define MOST 8u

struct look {
	const struct hs_elf_image *image;
	const struct hs_file_overlay *file;
	struct hs_window window;
	struct hs_same_image same;
};

static void differ(struct look *l, hs_addr addr)
{
	if (l->same.differs == HS_NO_ADDR)
		l->same.differs = addr;
}

/* What the target has of LEN bytes at ADDR, which are the file's from OFFSET
 * on. */
static void compare_bytes(struct look *l, hs_addr addr, uint64_t offset,
			  uint64_t len)
{
	const struct hs_span_list *spans = &l->window.target->spans;
	hs_addr end = addr + len;
	const struct hs_span *s = hs_span_list_from(spans, addr);
	for (; s && s < spans->span + spans->count && s->start < end; s++) {
		if (s->state == HS_SPAN_NOT_CAPTURED || s->from_file)
			continue;
		hs_addr at = s->start > addr ? s->start : addr;
		hs_addr stop =
			s->start + s->len < end ? s->start + s->len : end;
		while (at < stop) {
			uint64_t n;
			const uint8_t *bytes =
				hs_window_bytes(&l->window, at, &n);
			if (!bytes)
				return;
			if (n > stop - at)
				n = stop - at;
			if (memcmp(bytes, l->file->bytes + offset + (at - addr),
				   (size_t)n) != 0) {
				differ(l, at);
				return;
			}
			l->same.bytes += n;
			at += n;
		}
	}
}

static void compare_segments(struct look *l)
{
	const struct hs_file_overlay *f = l->file;
	for (size_t i = 0; i < f->load_count; i++) {
		const struct hs_elf_segment *s = &f->load[i];
		hs_addr start = s->vaddr + l->image->bias;
		if ((s->flags & PF_W) || s->offset > f->len ||
		    s->filesz > f->len - s->offset ||
		    s->filesz > UINT64_MAX - start)
			continue;
		l->same.read_only += s->filesz;
		compare_bytes(l, start, s->offset, s->filesz);
	}
}

/* The bytes of the file that are loaded at VADDR, to the end of the segment. */
static bool file_at(const struct hs_file_overlay *f, uint64_t vaddr,
		    struct hs_cursor *ret)
{
	for (size_t i = 0; i < f->load_count; i++) {
		const struct hs_elf_segment *s = &f->load[i];
		if (vaddr < s->vaddr || vaddr - s->vaddr >= s->filesz ||
		    s->offset > f->len || s->filesz > f->len - s->offset)
			continue;
		const uint8_t *at = f->bytes + s->offset;
		*ret = (struct hs_cursor){
			.pos = at + (vaddr - s->vaddr),
			.end = at + s->filesz,
			.big_endian = f->header.big_endian,
		};
		return true;
	}
	return false;
}

/* Where the file's relocations are, from its dynamic section. */
struct relocations {
	uint64_t rela, rela_size, rel, rel_size;
};

static void find_relocations(const struct look *l, struct relocations *ret)
{
	unsigned w = l->file->header.word_size;
	struct hs_cursor c;
	*ret = (struct relocations){ 0 };
	for (size_t i = 0; i < l->image->count; i++) {
		const struct hs_elf_segment *s = &l->image->segment[i];
		if (s->type != PT_DYNAMIC || !file_at(l->file, s->vaddr, &c))
			continue;
		if (hs_cursor_left(&c) > s->filesz)
			c.end = c.pos + s->filesz;
		while (hs_cursor_left(&c) >= 2 * w) {
			uint64_t tag = hs_cursor_uint(&c, w);
			uint64_t value = hs_cursor_uint(&c, w);
			if (tag == DT_NULL)
				break;
			if (tag == DT_RELA)
				ret->rela = value;
			else if (tag == DT_RELASZ)
				ret->rela_size = value;
			else if (tag == DT_REL)
				ret->rel = value;
			else if (tag == DT_RELSZ)
				ret->rel_size = value;
		}
	}
}

/* Made read-only once it was relocated: nobody wrote there since. */
static bool is_sealed(const struct look *l, uint64_t vaddr)
{
	unsigned w = l->file->header.word_size;
	for (size_t i = 0; i < l->image->count; i++) {
		const struct hs_elf_segment *s = &l->image->segment[i];
		if (s->type == PT_GNU_RELRO && vaddr >= s->vaddr &&
		    s->memsz >= w && vaddr - s->vaddr <= s->memsz - w)
			return true;
	}
	return false;
}

static bool is_relative(const struct look *l, uint64_t info)
{
	uint32_t type =
		l->file->header.word_size == 8 ? (uint32_t)info : (uint8_t)info;
	switch (l->file->header.machine) {
	case EM_X86_64:
	case EM_386: /* one number */
		return type == R_X86_64_RELATIVE;
	case EM_AARCH64:
		return type == R_AARCH64_RELATIVE;
	default:
		return false;
	}
}

static void compare_word(struct look *l, uint64_t vaddr, uint64_t addend)
{
	unsigned w = l->file->header.word_size;
	uint64_t want = addend + l->image->bias, is;
	hs_addr addr = vaddr + l->image->bias;
	if (w == 4) {
		want = (uint32_t)want;
		addr = (uint32_t)addr;
	}
	if (!hs_window_uint(&l->window, addr, w, &is))
		return; /* not captured */
	if (!is_sealed(l, vaddr))
		*(is == want ? &l->same.open : &l->same.written) += 1;
	else if (is == want)
		l->same.words++;
	else
		differ(l, addr);
}

/* One table; WITH_ADDEND: else the file has it where the pointer goes. */
static void compare_table(struct look *l, uint64_t table, uint64_t size,
			  bool with_addend)
{
	unsigned w = l->file->header.word_size, step = (2 + with_addend) * w;
	struct hs_cursor c, place;
	if (!size || !file_at(l->file, table, &c))
		return;
	if (hs_cursor_left(&c) > size)
		c.end = c.pos + size;
	while (hs_cursor_left(&c) >= step) {
		uint64_t vaddr = hs_cursor_uint(&c, w);
		uint64_t info = hs_cursor_uint(&c, w);
		uint64_t addend = with_addend ? hs_cursor_uint(&c, w) : 0;
		if (!is_relative(l, info))
			continue;
		if (!with_addend) {
			if (!file_at(l->file, vaddr, &place))
				continue;
			addend = hs_cursor_uint(&place, w);
			if (place.overrun)
				continue;
		}
		compare_word(l, vaddr, addend);
	}
}

void hs_same_image(const struct hs_target *target,
		   const struct hs_elf_image *image,
		   const struct hs_file_overlay *file,
		   struct hs_same_image *ret)
{
	struct look l = { .image = image,
			  .file = file,
			  .same = { .differs = HS_NO_ADDR } };
	struct relocations r;
	hs_window_init(&l.window, target);
	compare_segments(&l);
	find_relocations(&l, &r);
	compare_table(&l, r.rela, r.rela_size, true);
	compare_table(&l, r.rel, r.rel_size, false);
	*ret = l.same;
}

bool hs_same_image_enough(const struct hs_same_image *same)
{
	if (same->differs != HS_NO_ADDR || same->bytes < ENOUGH_BYTES)
		return false;
	return same->words >= ENOUGH_WORDS || same->bytes == same->read_only ||
	       (same->open >= ENOUGH_OPEN &&
		same->written <= same->open / MOST);
}
