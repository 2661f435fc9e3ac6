/* SPDX-License-Identifier: MIT */
#include "backends/elf_core.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/core_maps.h"
#include "backends/core_notes.h"
#include "backends/core_table.h"
#include "backends/file_kind.h"
#include "backends/mapped_modules.h"
#include "backends/registry.h"
#include "backends/unpacked_file.h"
#include "core/cleanup.h"
#include "core/elf_image.h"
#include "core/limits.h"

/*
 * A core is used where it lies: spans point into the mapped file, and what the
 * kernel left out is lent by the files that were mapped. Opening costs a pass
 * over the headers, whatever the size of the memory.
 */
struct hs_core {
	struct hs_target base;
	const uint8_t *bytes; /* the file */
	size_t len;
	bool mapped;    /* ours to unmap */
	int fd;         /* borrowed while the core is opened; -1: no file */
	unsigned holes; /* asked for so far */
	struct hs_file_overlay_list files;
};

static void core_close(struct hs_target *target)
{
	struct hs_core *core = (struct hs_core *)target;
	hs_target_release(&core->base);
	hs_file_overlay_list_release(&core->files);
	if (core->mapped)
		(void)munmap((void *)(uintptr_t)core->bytes, core->len);
	free(core);
}

static void core_cleanup(struct hs_core **slot)
{
	if (*slot)
		core_close(&(*slot)->base);
}

/* How much of SEGMENT's bytes the file holds. */
static uint64_t bytes_there(const struct hs_core *core,
			    const struct hs_elf_segment *s)
{
	if (s->offset >= core->len)
		return 0;
	uint64_t left = core->len - s->offset;
	return s->filesz < left ? s->filesz : left;
}

static enum hs_status read_notes(struct hs_core *core,
				 const struct hs_core_table *t,
				 struct hs_core_notes *notes,
				 struct hs_error *err)
{
	for (uint32_t i = 0; i < t->count; i++) {
		struct hs_elf_segment s;
		enum hs_status st = hs_elf_segment_parse(&t->header, t->bytes,
							 t->len, i, &s, err);
		if (st)
			return st;
		uint64_t there = bytes_there(core, &s);
		if (s.type != PT_NOTE || there == 0)
			continue;
		/*
		 * p_align of a core's notes is 0 or 4 whatever the kernel; the
		 * notes themselves are always aligned to 4 bytes.
		 */
		st = hs_core_notes_parse(notes, core->base.arch,
					 core->bytes + s.offset, (size_t)there,
					 4, err);
		if (st)
			return st;
	}
	hs_core_notes_finish(notes);
	if (notes->malformed > 0)
		return hs_note_add(&core->base.notes, HS_WARNING,
				   "core-note-malformed", HS_NO_ADDR, err,
				   "%u notes of the core contradict "
				   "themselves and are ignored, the first is "
				   "%s",
				   notes->malformed, notes->first_malformed);
	return HS_OK;
}

static enum hs_status keep_text(char **slot, const char *text,
				struct hs_error *err)
{
	if (*text == '\0')
		return HS_OK;
	*slot = strdup(text);
	return *slot ? HS_OK : hs_fail(err, HS_ERR_NOMEM, "no memory");
}

/* Move what the notes say of the process to the target. */
static enum hs_status take_process(struct hs_target *target,
				   struct hs_core_notes *notes,
				   struct hs_error *err)
{
	target->pid = notes->pid;
	target->signal = notes->signal;
	enum hs_status st = keep_text(
		&target->command_line,
		*notes->command_line ? notes->command_line : notes->comm, err);
	if (st)
		return st;
	if (notes->auxv_len > 0) {
		target->auxv = malloc(notes->auxv_len);
		if (!target->auxv)
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
		memcpy(target->auxv, notes->auxv, notes->auxv_len);
		target->auxv_len = notes->auxv_len;
	}
	target->threads = notes->threads;
	notes->threads = (struct hs_thread_list){ 0 };
	for (size_t i = 0; i < target->threads.count; i++) {
		struct hs_thread *t = &target->threads.thread[i];
		if (t->tid != target->pid || t->name)
			continue;
		st = keep_text(&t->name, notes->comm, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* What adding up the segments showed. */
struct tally {
	uint64_t file_end; /* where the file should end, bytes */
	uint64_t lost;     /* bytes of segments behind the file's end */
	uint64_t left_out; /* bytes of private memory left out as a whole */
	bool dumped;       /* some private memory was dumped */
	bool torn;         /* some was dumped in part */
	size_t impossible; /* segments that no address space can hold */
	hs_addr impossible_at;
};

/*
 * Private memory is what no file stands behind. The kernel leaves a mapping of
 * it out when it was never touched, when the process asked (MADV_DONTDUMP), or
 * when coredump_filter leaves out all of it.
 */
static void count_private(struct tally *tally, const struct hs_elf_segment *s,
			  bool has_file)
{
	if (has_file || !(s->flags & PF_W))
		return;
	if (s->filesz == 0)
		tally->left_out += s->memsz;
	else
		tally->dumped = true;
	if (s->filesz > 0 && s->filesz < s->memsz)
		tally->torn = true;
}

/* False: SEGMENT cannot be, and was counted as such. Else it is made to fit. */
static bool make_possible(struct hs_elf_segment *s, unsigned word_size,
			  struct tally *tally)
{
	uint64_t top = word_size == 8 ? UINT64_MAX : (uint64_t)1 << 32;
	bool sound = s->memsz <= top - s->vaddr;
	if (s->filesz > UINT64_MAX - s->offset) {
		sound = false;
		s->filesz = 0;
	}
	if (!sound && tally->impossible++ == 0)
		tally->impossible_at = s->vaddr;
	if (s->memsz > top - s->vaddr)
		s->memsz = top - s->vaddr;
	if (s->filesz > s->memsz)
		s->filesz = s->memsz;
	return s->memsz > 0;
}

static enum hs_status add_run(struct hs_core *core,
			      const struct hs_elf_segment *s, uint64_t from,
			      uint64_t to, bool zero, struct hs_error *err)
{
	if (from == to)
		return HS_OK;
	struct hs_span span = {
		.start = s->vaddr + from,
		.len = to - from,
		.bytes = core->bytes + s->offset + from,
		.state = HS_SPAN_BYTES,
		.zero = zero,
	};
	return hs_span_list_add(&core->base.spans, span, err);
}

/* The next long hole of the file in [FROM, END) of the segment; false: none. */
static bool next_hole(struct hs_core *core, const struct hs_elf_segment *s,
		      uint64_t from, uint64_t end, uint64_t *start,
		      uint64_t *stop)
{
	while (core->fd >= 0 && end - from >= HS_ZERO_RUN &&
	       s->offset <= (uint64_t)INT64_MAX - end &&
	       core->holes < HS_LIMIT_HOLES) {
		core->holes++;
		off_t hole =
			lseek(core->fd, (off_t)(s->offset + from), SEEK_HOLE);
		if (hole < 0 || (uint64_t)hole - s->offset >= end)
			return false;
		*start = (uint64_t)hole - s->offset;
		off_t data = lseek(core->fd, hole, SEEK_DATA);
		*stop = data < 0 || (uint64_t)data - s->offset > end
				? end
				: (uint64_t)data - s->offset;
		if (*stop <= *start)
			return false;
		if (*stop - *start >= HS_ZERO_RUN)
			return true;
		from = *stop;
	}
	return false;
}

/* The first LEN bytes of a segment. The kernel leaves holes for pages that were
 * never touched; they are marked, so that searches can skip them. */
static enum hs_status add_bytes(struct hs_core *core,
				const struct hs_elf_segment *s, uint64_t len,
				struct hs_error *err)
{
	uint64_t at = 0, start, stop;
	while (next_hole(core, s, at, len, &start, &stop)) {
		enum hs_status st = add_run(core, s, at, start, false, err);
		if (!st)
			st = add_run(core, s, start, stop, true, err);
		if (st)
			return st;
		at = stop;
	}
	return add_run(core, s, at, len, false, err);
}

static enum hs_status add_segment(struct hs_core *core,
				  const struct hs_core_notes *notes,
				  struct hs_elf_segment *s, struct tally *tally,
				  struct hs_error *err)
{
	if (s->memsz == 0)
		return HS_OK;
	if (!make_possible(s, core->base.word_size, tally))
		return HS_OK;
	const struct hs_core_file *file =
		hs_core_notes_file_at(notes, s->vaddr);
	count_private(tally, s, file != NULL);
	enum hs_status st = hs_core_add_map(&core->base, s, file, err);
	if (st)
		return st;

	uint64_t there = bytes_there(core, s);
	tally->lost += s->filesz - there;
	if (s->filesz > 0 && s->offset + s->filesz > tally->file_end)
		tally->file_end = s->offset + s->filesz;
	st = add_bytes(core, s, there, err);
	if (st)
		return st;
	if (there < s->memsz) {
		struct hs_span span = {
			.start = s->vaddr + there,
			.len = s->memsz - there,
			.state = HS_SPAN_NOT_CAPTURED,
		};
		st = hs_span_list_add(&core->base.spans, span, err);
		if (st)
			return st;
	}
	return HS_OK;
}

static enum hs_status read_segments(struct hs_core *core,
				    const struct hs_core_table *t,
				    const struct hs_core_notes *notes,
				    struct tally *tally, struct hs_error *err)
{
	for (uint32_t i = 0; i < t->count; i++) {
		struct hs_elf_segment s;
		enum hs_status st = hs_elf_segment_parse(&t->header, t->bytes,
							 t->len, i, &s, err);
		if (st)
			return st;
		if (s.type == PT_NOTE && s.filesz <= UINT64_MAX - s.offset) {
			tally->lost += s.filesz - bytes_there(core, &s);
			if (s.offset + s.filesz > tally->file_end)
				tally->file_end = s.offset + s.filesz;
		}
		if (s.type == PT_LOAD)
			st = add_segment(core, notes, &s, tally, err);
		if (st)
			return st;
	}
	return HS_OK;
}

static enum hs_status report_cut(struct hs_core *core,
				 const struct hs_core_table *t,
				 const struct tally *tally,
				 struct hs_error *err)
{
	struct hs_target *target = &core->base;
	if (t->count < t->claimed) {
		target->complete = false;
		return hs_note_add(&target->notes, HS_WARNING, "core-truncated",
				   HS_NO_ADDR, err,
				   "the core is cut within its table of "
				   "segments: %" PRIu32 " of %" PRIu32
				   " are there",
				   t->count, t->claimed);
	}
	if (tally->lost == 0)
		return HS_OK;
	target->complete = false;
	return hs_note_add(&target->notes, HS_WARNING, "core-truncated",
			   HS_NO_ADDR, err,
			   "the core is cut: %" PRIu64 " of its %" PRIu64
			   " bytes are missing; a whole one needs disk space "
			   "and ulimit -c unlimited (systemd: ProcessSizeMax= "
			   "and ExternalSizeMax= in coredump.conf)",
			   tally->file_end - core->len, tally->file_end);
}

static enum hs_status report_left_out(struct hs_target *target,
				      const struct tally *tally,
				      struct hs_error *err)
{
	if (tally->torn)
		target->complete = false;
	if (tally->left_out == 0)
		return HS_OK;
	if (tally->dumped)
		return hs_note_add(&target->notes, HS_NOTE, "memory-left-out",
				   HS_NO_ADDR, err,
				   "%" PRIu64 " bytes of private mappings are "
				   "not in the core: never touched, or "
				   "excluded by the process with MADV_DONTDUMP",
				   tally->left_out);
	target->complete = false;
	return hs_note_add(&target->notes, HS_WARNING, "memory-filtered",
			   HS_NO_ADDR, err,
			   "the core holds no private memory at all: let the "
			   "process dump it with echo 0x33 > "
			   "/proc/PID/coredump_filter");
}

static enum hs_status report_impossible(struct hs_target *target,
					const struct tally *tally,
					struct hs_error *err)
{
	if (tally->impossible == 0)
		return HS_OK;
	target->complete = false;
	return hs_note_add(&target->notes, HS_WARNING, "core-malformed",
			   tally->impossible_at, err,
			   "%zu segments of the core run past the end of the "
			   "address space or of any file",
			   tally->impossible);
}

static enum hs_status report(struct hs_core *core,
			     const struct hs_core_table *t,
			     const struct tally *tally, struct hs_error *err)
{
	enum hs_status st = report_cut(core, t, tally, err);
	if (!st)
		st = report_left_out(&core->base, tally, err);
	if (!st)
		st = report_impossible(&core->base, tally, err);
	return st;
}

/* Sorted spans and maps; what overlaps is said, once. */
static enum hs_status settle(struct hs_target *target,
			     const struct hs_core_notes *notes,
			     struct hs_error *err)
{
	size_t overlaps = 0;
	enum hs_status st = hs_span_list_sort(&target->spans, &overlaps, err);
	if (st)
		return st;
	overlaps += hs_core_cut_maps(target);
	if (overlaps > 0) {
		target->complete = false;
		st = hs_note_add(&target->notes, HS_WARNING, "core-malformed",
				 HS_NO_ADDR, err,
				 "%zu segments of the core overlap others: of "
				 "two bytes for one address the first counts",
				 overlaps);
		if (st)
			return st;
	}
	st = hs_core_add_listed_maps(target, notes, err);
	if (st)
		return st;
	return hs_span_list_sort(&target->spans, NULL, err);
}

/* The path to try for a module's file; caller frees. */
static enum hs_status file_of(const struct hs_module *m,
			      const struct hs_open_options *opt, char **ret,
			      struct hs_error *err)
{
	char *path;
	int n;
	if (m->is_executable && opt->executable)
		n = asprintf(&path, "%s", opt->executable);
	else if (opt->sysroot)
		n = asprintf(&path, "%s%s%s", opt->sysroot,
			     m->path[0] == '/' ? "" : "/", m->path);
	else
		n = asprintf(&path, "%s", m->path);
	if (n < 0)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a path");
	*ret = path;
	return HS_OK;
}

static enum hs_status fill_modules(struct hs_core *core,
				   const struct hs_open_options *opt,
				   struct hs_error *err)
{
	struct hs_target *target = &core->base;
	for (size_t i = 0; i < target->modules.count; i++) {
		const struct hs_module *m = &target->modules.module[i];
		bool given = m->is_executable && opt->executable;
		if (m->path[0] == '[' && !given)
			continue;
		HS_AUTO_FREE char *path = NULL;
		enum hs_status st = file_of(m, opt, &path, err);
		if (st)
			return st;
		st = hs_module_fill(target, i, path, &core->files, err);
		if (st)
			return st;
	}
	return hs_modules_filled(target, &core->files, err);
}

static enum hs_status read_core(struct hs_core *core,
				const struct hs_open_options *opt,
				struct hs_error *err)
{
	struct hs_target *target = &core->base;
	struct hs_core_table table = { 0 };
	enum hs_status st = hs_core_table_find(core->bytes, core->len,
					       target->path, &table, err);
	if (st)
		return st;
	target->arch = table.arch;
	target->word_size = table.header.word_size;

	HS_CLEANUP(hs_core_notes_release) struct hs_core_notes notes;
	hs_core_notes_init(&notes);
	st = read_notes(core, &table, &notes, err);
	if (st)
		return st;
	struct tally tally = { 0 };
	st = read_segments(core, &table, &notes, &tally, err);
	if (st)
		return st;
	st = report(core, &table, &tally, err);
	if (st)
		return st;
	st = take_process(target, &notes, err);
	if (st)
		return st;
	st = settle(target, &notes, err);
	if (st)
		return st;
	hs_core_name_maps(target);
	st = hs_modules_find(target, err);
	if (st)
		return st;
	st = fill_modules(core, opt, err);
	if (st)
		return st;
	st = hs_core_protect_listed_maps(target, err);
	if (st)
		return st;
	return hs_target_finish(target, err);
}

static enum hs_status core_new(const uint8_t *bytes, size_t len, int fd,
			       bool mapped, const char *name,
			       const struct hs_open_options *opt,
			       struct hs_target **ret, struct hs_error *err)
{
	struct hs_core *fresh = calloc(1, sizeof(*fresh));
	if (!fresh) {
		if (mapped)
			(void)munmap((void *)(uintptr_t)bytes, len);
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	hs_target_init(&fresh->base, &hs_backend_core);
	fresh->bytes = bytes;
	fresh->len = len;
	fresh->mapped = mapped;
	fresh->fd = fd;
	fresh->base.file_size = len;
	HS_CLEANUP(core_cleanup) struct hs_core *core = fresh;

	core->base.path = strdup(name);
	if (!core->base.path)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	if (opt->sysroot) {
		core->base.sysroot = strdup(opt->sysroot);
		if (!core->base.sysroot)
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	enum hs_status st = read_core(core, opt, err);
	if (st)
		return st;
	core->fd = -1;
	*ret = &HS_TAKE(core)->base;
	return HS_OK;
}

enum hs_status hs_core_open_bytes(const uint8_t *bytes, size_t len,
				  const char *name,
				  const struct hs_open_options *opt,
				  struct hs_target **ret, struct hs_error *err)
{
	return core_new(bytes, len, -1, false, name, opt, ret, err);
}

static bool core_probe(const char *spec, const uint8_t *head, size_t head_len)
{
	(void)spec;
	return (head_len >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0) ||
	       hs_packing_of(head, head_len) != HS_PACKING_NONE;
}

static enum hs_status map_core(int fd, uint64_t len, const char *spec,
			       const struct hs_open_options *opt,
			       struct hs_target **ret, struct hs_error *err)
{
	if (len > SIZE_MAX)
		return hs_fail(err, HS_ERR_LIMIT,
			       "'%s' is too big for this machine", spec);
	void *bytes = mmap(NULL, (size_t)len, PROT_READ,
			   MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	if (bytes == MAP_FAILED)
		return hs_fail_errno(err, errno, "cannot map '%s': %s", spec,
				     strerror(errno));
	return core_new(bytes, (size_t)len, fd, true, spec, opt, ret, err);
}

/* A core that was compressed as a whole (systemd-coredump does it). */
static enum hs_status open_packed(int fd, enum hs_packing packing,
				  const char *spec,
				  const struct hs_open_options *opt,
				  struct hs_target **ret, struct hs_error *err)
{
	struct hs_unpacked unpacked;
	enum hs_status st =
		hs_file_unpack(fd, packing, spec, opt, &unpacked, err);
	if (st)
		return st;
	HS_AUTO_CLOSE int out = unpacked.fd;
	uint8_t head[HS_FILE_HEAD];
	ssize_t got = pread(out, head, sizeof(head), 0);
	size_t len = got > 0 ? (size_t)got : 0;
	const char *packed = hs_packing_name(packing);
	if (len < SELFMAG || memcmp(head, ELFMAG, SELFMAG) != 0) {
		const char *kind = hs_file_kind(head, len);
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' is %s data, and what is in there is %s",
			       spec, packed, kind ? kind : "no ELF core");
	}
	struct hs_target *target = NULL;
	st = map_core(out, unpacked.len, spec, opt, &target, err);
	if (st)
		return st;
	st = hs_note_add(&target->notes, HS_NOTE, "core-unpacked", HS_NO_ADDR,
			 err,
			 "the core is %s data: its %" PRIu64
			 " bytes were unpacked into a temporary file",
			 packed, unpacked.len);
	if (!st && unpacked.cut) {
		target->complete = false;
		st = hs_note_add(&target->notes, HS_WARNING, "core-truncated",
				 HS_NO_ADDR, err,
				 "the %s data end early or are damaged: the "
				 "first %" PRIu64
				 " bytes of the core are there",
				 packed, unpacked.len);
	}
	if (st) {
		core_close(target);
		return st;
	}
	*ret = target;
	return HS_OK;
}

static enum hs_status core_open(const char *spec,
				const struct hs_open_options *opt,
				struct hs_target **ret, struct hs_error *err)
{
	HS_AUTO_CLOSE int fd = -1;
	struct stat info;
	enum hs_status st = hs_file_open(spec, &fd, &info, err);
	if (st)
		return st;
	uint8_t head[HS_FILE_HEAD];
	ssize_t got = pread(fd, head, sizeof(head), 0);
	enum hs_packing packing =
		hs_packing_of(head, got > 0 ? (size_t)got : 0);
	if (packing != HS_PACKING_NONE)
		return open_packed(fd, packing, spec, opt, ret, err);
	return map_core(fd, (uint64_t)info.st_size, spec, opt, ret, err);
}

const struct hs_backend hs_backend_core = {
	.name = "core",
	.summary = "ELF core file of Linux",
	.kind = HS_TARGET_CORE,
	.probe = core_probe,
	.open = core_open,
	.close = core_close,
};
