/* SPDX-License-Identifier: MIT */
#include "backends/live_copy.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backends/live_room.h"
#include "backends/page_scan.h"
#include "core/cleanup.h"
#include "core/grow.h"

/* Entries of one read of the page map: 64 Ki of them cover 256 MiB. */
#define ENTRIES ((size_t)1 << 16)
/* Bits of an entry, from the kernel's Documentation/admin-guide/mm/pagemap. */
#define PM_PRESENT (UINT64_C(1) << 63)
#define PM_SWAPPED (UINT64_C(1) << 62)
#define PM_FILE (UINT64_C(1) << 61)  /* the page is the file's, or shared */
#define PM_GUARD (UINT64_C(1) << 58) /* MADV_GUARD_INSTALL, since 6.15 */

/* Mappings from this length on are first asked where they have pages: below,
 * reading their entries of the page map takes less than a millisecond. */
#define SPARSE_MIN ((uint64_t)256 << 20)
#define RANGES 1024u

#define HUGE_PAGE ((uintptr_t)2 << 20)
#define IOVECS 256 /* of one call; more gain nothing (IOV_MAX is 1024) */

/* Threads that copy at the same time: four fill the memory bus of a desktop
 * machine. Less than this is done sooner than a thread is started. */
#define PARTS 4
#define PART_MIN ((uint64_t)16 << 20)

enum hs_status hs_live_copy_init(struct hs_live_copy *copy, pid_t tid, int dir,
				 struct hs_error *err)
{
	long page = sysconf(_SC_PAGESIZE);
	*copy = (struct hs_live_copy){
		.tid = tid,
		.dir = dir,
		.page = page > 0 ? (size_t)page : 4096,
		.pagemap_fd = openat(dir, "pagemap", O_RDONLY | O_CLOEXEC),
		.mem_fd = openat(dir, "mem", O_RDONLY | O_CLOEXEC),
		.entries = malloc(ENTRIES * sizeof(uint64_t)),
	};
	if (!copy->entries)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	return HS_OK;
}

void hs_live_copy_done(struct hs_live_copy *copy)
{
	if (copy->pagemap_fd >= 0)
		(void)close(copy->pagemap_fd);
	if (copy->mem_fd >= 0)
		(void)close(copy->mem_fd);
	copy->pagemap_fd = copy->mem_fd = -1;
	free(copy->entries);
	copy->entries = NULL;
}

void hs_live_copy_release(struct hs_live_copy *copy)
{
	hs_live_copy_done(copy);
	for (size_t i = 0; i < 2; i++)
		if (copy->region[i].at)
			(void)munmap(copy->region[i].at, copy->region[i].len);
	free(copy->slot);
	free(copy->runs.run);
	*copy = (struct hs_live_copy){ .pagemap_fd = -1, .mem_fd = -1 };
}

/* ---- what is there ---------------------------------------------------- */

static enum hs_status add_run(struct hs_copy_run_list *list,
			      struct hs_copy_run run, struct hs_error *err)
{
	if (run.start == run.end)
		return HS_OK;
	if (list->count > 0) {
		struct hs_copy_run *last = &list->run[list->count - 1];
		assert(last->end <= run.start);
		if (last->end == run.start &&
		    last->unreadable == run.unreadable &&
		    last->no_read == run.no_read) {
			last->end = run.end;
			return HS_OK;
		}
	}
	enum hs_status st = hs_grow(&list->run, &list->capacity, list->count,
				    sizeof(*list->run), err);
	if (st)
		return st;
	list->run[list->count++] = run;
	return HS_OK;
}

enum page_is { PAGE_ELSEWHERE, PAGE_OURS, PAGE_GUARD };

/*
 * Only a page that exists is read. That is not only faster: reading one that
 * was never touched would create it in the process, and one that userfaultfd
 * is to provide would wait for a thread that we have stopped.
 */
static enum page_is page_is(uint64_t entry, enum hs_copy_how how)
{
	if (entry & PM_GUARD)
		return PAGE_GUARD;
	if (!(entry & (PM_PRESENT | PM_SWAPPED)))
		return PAGE_ELSEWHERE;
	if (how == HS_COPY_CHANGED && (entry & PM_FILE))
		return PAGE_ELSEWHERE;
	return PAGE_OURS;
}

/* The page map's entries of MAP from *POS to END. *POS is where it ended. */
static enum hs_status survey_pages(struct hs_live_copy *copy,
				   const struct hs_proc_map *map, hs_addr *pos,
				   hs_addr end, enum hs_copy_how how,
				   struct hs_error *err)
{
	bool no_read = !(map->prot & HS_PROT_READ);
	hs_addr at = *pos;
	enum hs_status st = HS_OK;
	while (!st && at < end) {
		uint64_t pages = (end - at) / copy->page;
		size_t want = pages < ENTRIES ? (size_t)pages : ENTRIES;
		ssize_t got = pread(copy->pagemap_fd, copy->entries, want * 8,
				    (off_t)(at / copy->page * 8));
		if (got < 8)
			break;
		size_t n = (size_t)got / 8;
		for (size_t i = 0; !st && i < n;) {
			enum page_is is = page_is(copy->entries[i], how);
			size_t first = i++;
			while (i < n && page_is(copy->entries[i], how) == is)
				i++;
			struct hs_copy_run run = {
				.start = at + first * copy->page,
				.end = at + i * copy->page,
				.unreadable = is == PAGE_GUARD,
				.no_read = no_read,
			};
			if (is != PAGE_ELSEWHERE)
				st = add_run(&copy->runs, run, err);
		}
		at += n * copy->page;
	}
	*pos = at;
	return st;
}

/* The same where pages are few and far between; *POS stays where the kernel
 * does not tell. */
static enum hs_status survey_sparse(struct hs_live_copy *copy,
				    const struct hs_proc_map *map, hs_addr *pos,
				    enum hs_copy_how how, struct hs_error *err)
{
	struct hs_page_range range[RANGES];
	hs_addr at = *pos;
	enum hs_status st = HS_OK;
	while (!st && at < map->end) {
		hs_addr up_to;
		int n = hs_page_scan(copy->pagemap_fd, at, map->end, range,
				     RANGES, &up_to);
		if (n < 0)
			break;
		for (int i = 0; !st && i < n; i++) {
			hs_addr from = range[i].start;
			st = survey_pages(copy, map, &from, range[i].end, how,
					  err);
			if (!st && from < range[i].end) {
				*pos = from;
				return HS_OK;
			}
		}
		at = up_to;
	}
	*pos = at;
	return st;
}

static enum hs_status survey_map(struct hs_live_copy *copy,
				 const struct hs_proc_map *map,
				 enum hs_copy_how how, struct hs_error *err)
{
	bool no_read = !(map->prot & HS_PROT_READ);
	hs_addr at = map->start;
	enum hs_status st = HS_OK;
	if (how != HS_COPY_ALL && copy->pagemap_fd >= 0) {
		if (map->end - at >= SPARSE_MIN)
			st = survey_sparse(copy, map, &at, how, err);
		if (!st)
			st = survey_pages(copy, map, &at, map->end, how, err);
	}
	/* Nobody says which pages exist: take them all. */
	struct hs_copy_run rest = {
		.start = at,
		.end = map->end,
		.no_read = no_read,
	};
	return st ? st : add_run(&copy->runs, rest, err);
}

enum hs_status hs_live_copy_survey(struct hs_live_copy *copy,
				   const struct hs_proc_map_list *maps,
				   const enum hs_copy_how *how,
				   struct hs_error *err)
{
	copy->runs.count = 0;
	for (size_t i = 0; i < maps->count; i++) {
		if (how[i] == HS_COPY_NOTHING)
			continue;
		enum hs_status st =
			survey_map(copy, &maps->map[i], how[i], err);
		if (st)
			return st;
	}
	copy->bytes = 0;
	for (size_t i = 0; i < copy->runs.count; i++)
		if (!copy->runs.run[i].unreadable)
			copy->bytes +=
				copy->runs.run[i].end - copy->runs.run[i].start;
	return HS_OK;
}

/* ---- where it goes ---------------------------------------------------- */

static const struct hs_copy_slot *slot_at(const struct hs_live_copy *copy,
					  hs_addr start)
{
	size_t lo = 0, hi = copy->slot_count;
	while (lo < hi) { /* the first that starts behind START */
		size_t mid = lo + (hi - lo) / 2;
		if (copy->slot[mid].start <= start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? &copy->slot[lo - 1] : NULL;
}

const uint8_t *hs_live_copy_bytes(const struct hs_live_copy *copy,
				  hs_addr start)
{
	const struct hs_copy_slot *slot = slot_at(copy, start);
	return slot && slot->start == start ? slot->bytes : NULL;
}

/* Bytes of a slot for MAP; GROWS: with room for what it may gain until the
 * process stands. */
static uint64_t room_for(const struct hs_live_copy *copy,
			 const struct hs_proc_map *map, enum hs_copy_how how,
			 bool grows)
{
	uint64_t len = map->end - map->start;
	if (grows && how == HS_COPY_TOUCHED)
		len += (len / 8 + (64 << 10)) & ~(uint64_t)(copy->page - 1);
	return len;
}

/* As far into a huge page as START is in the process, so that huge pages of
 * ours can take whole ones of its. */
static uint64_t aligned_like(uint64_t offset, hs_addr start, uint64_t len)
{
	if (len < HUGE_PAGE)
		return offset;
	return offset + ((start - offset) & (HUGE_PAGE - 1));
}

static bool fits(const struct hs_copy_slot *slot, const struct hs_proc_map *map)
{
	return slot && slot->start == map->start &&
	       slot->len >= map->end - map->start;
}

/*
 * A slot for every map that is copied: those we have are kept, the others go
 * to a new region. Slots of mappings that are gone are dropped.
 */
static enum hs_status make_slots(struct hs_live_copy *copy, size_t region,
				 const struct hs_proc_map_list *maps,
				 const enum hs_copy_how *how, bool grows,
				 struct hs_error *err)
{
	struct hs_copy_slot *fresh = NULL;
	size_t count = 0, capacity = 0;
	uint64_t total = 0;
	enum hs_status st = HS_OK;
	for (size_t i = 0; !st && i < maps->count; i++) {
		const struct hs_proc_map *map = &maps->map[i];
		if (how[i] == HS_COPY_NOTHING)
			continue;
		const struct hs_copy_slot *old = slot_at(copy, map->start);
		struct hs_copy_slot slot = { .start = map->start };
		if (fits(old, map)) {
			slot = *old;
		} else {
			slot.len = room_for(copy, map, how[i], grows);
			total = aligned_like(total, map->start, slot.len) +
				slot.len;
		}
		st = hs_grow(&fresh, &capacity, count, sizeof(*fresh), err);
		if (!st)
			fresh[count++] = slot;
	}
	if (st || total > SIZE_MAX - HUGE_PAGE) {
		free(fresh);
		return st ? st
			  : hs_fail(err, HS_ERR_NOMEM,
				    "no address space for "
				    "the process's memory");
	}
	free(copy->slot);
	copy->slot = fresh;
	copy->slot_count = count;
	copy->slot_capacity = capacity;
	if (total == 0)
		return HS_OK;

	size_t len = (size_t)(total + HUGE_PAGE);
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no address space for %zu bytes of the process: "
			       "take a core with gcore and scan that",
			       len);
	copy->region[region].at = at;
	copy->region[region].len = len;
	/* Else a page of the process could cost 512 of ours. */
	(void)madvise(at, len, MADV_NOHUGEPAGE);

	uintptr_t base = ((uintptr_t)at + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	uint64_t offset = 0;
	for (size_t i = 0; i < count; i++) {
		if (fresh[i].bytes)
			continue;
		offset = aligned_like(offset, fresh[i].start, fresh[i].len);
		fresh[i].bytes = (uint8_t *)base + offset;
		offset += fresh[i].len;
	}
	return HS_OK;
}

static uint8_t *place_of(const struct hs_live_copy *copy, hs_addr addr)
{
	const struct hs_copy_slot *slot = slot_at(copy, addr);
	assert(slot && addr - slot->start < slot->len);
	return slot->bytes + (addr - slot->start);
}

/* Runs may reach over the border of two mappings, slots do not. */
static uint64_t within_slot(const struct hs_live_copy *copy, hs_addr addr,
			    uint64_t len)
{
	const struct hs_copy_slot *slot = slot_at(copy, addr);
	if (slot + 1 < copy->slot + copy->slot_count &&
	    slot[1].start - addr < len)
		return slot[1].start - addr;
	return len;
}

enum hs_status hs_live_copy_prepare(struct hs_live_copy *copy,
				    const struct hs_proc_map_list *maps,
				    const enum hs_copy_how *how,
				    hs_progress_fn progress, void *arg,
				    struct hs_error *err)
{
	HS_CLEANUP(hs_room_list_release) struct hs_room_list rooms = { 0 };
	enum hs_status st = make_slots(copy, 0, maps, how, true, err);
	for (size_t i = 0; !st && i < copy->runs.count; i++) {
		const struct hs_copy_run *run = &copy->runs.run[i];
		if (run->unreadable)
			continue;
		for (hs_addr at = run->start; !st && at < run->end;) {
			uint64_t n = within_slot(copy, at, run->end - at);
			st = hs_room_add(&rooms, place_of(copy, at), n, err);
			at += n;
		}
	}
	return st ? st : hs_room_provide(&rooms, progress, arg, err);
}

/* ---- the copy --------------------------------------------------------- */

/* A part of the copy: its runs, how far it got, what became of them. */
struct part {
	const struct hs_live_copy *copy;
	struct hs_copy_run_list todo, done;
	size_t run; /* of todo */
	hs_addr at; /* in that run */
	uint64_t copied;
	bool no_vm_readv; /* the system call is not to be had */
	enum hs_status st;
	struct hs_error err;
	pthread_t thread;
};

static enum hs_status advance(struct part *p, uint64_t n, bool unreadable)
{
	if (!unreadable)
		p->copied += n;
	while (n > 0) {
		const struct hs_copy_run *run = &p->todo.run[p->run];
		uint64_t step = run->end - p->at < n ? run->end - p->at : n;
		struct hs_copy_run piece = {
			.start = p->at,
			.end = p->at + step,
			.unreadable = unreadable,
		};
		enum hs_status st = add_run(&p->done, piece, &p->err);
		if (st)
			return st;
		p->at += step;
		n -= step;
		if (p->at < run->end)
			continue;
		p->run++;
		if (p->run < p->todo.count)
			p->at = p->todo.run[p->run].start;
	}
	return HS_OK;
}

/* Returns bytes read in bulk from where P stands, or -errno. */
static ssize_t read_bulk(const struct part *p)
{
	struct iovec local[IOVECS], remote[IOVECS];
	size_t n = 0;
	hs_addr at = p->at;
	for (size_t r = p->run; n < IOVECS && r < p->todo.count;) {
		const struct hs_copy_run *run = &p->todo.run[r];
		if (run->unreadable || run->no_read)
			break;
		uint64_t len = within_slot(p->copy, at, run->end - at);
		local[n].iov_base = place_of(p->copy, at);
		local[n].iov_len = (size_t)len;
		remote[n].iov_base = (void *)(uintptr_t)at;
		remote[n].iov_len = (size_t)len;
		n++;
		at += len;
		if (at == run->end && ++r < p->todo.count)
			at = p->todo.run[r].start;
	}
	ssize_t got = process_vm_readv(p->copy->tid, local, n, remote, n, 0);
	return got < 0 ? -errno : got;
}

/*
 * One run through /proc/PID/mem, which also reads mappings that their owner
 * may only write or execute. Stops at the first page that cannot be read.
 * Returns bytes, or -errno.
 */
static ssize_t read_slowly(const struct part *p)
{
	if (p->copy->mem_fd < 0 || p->at > INT64_MAX)
		return -EFAULT;
	uint64_t len = p->todo.run[p->run].end - p->at;
	len = within_slot(p->copy, p->at, len);
	ssize_t got = pread(p->copy->mem_fd, place_of(p->copy, p->at),
			    (size_t)len, (off_t)p->at);
	if (got < 0)
		return errno == EIO ? -EFAULT : -errno;
	return got > 0 ? got : -ESRCH; /* its address space is gone */
}

static ssize_t read_some(struct part *p)
{
	if (p->no_vm_readv || p->todo.run[p->run].no_read)
		return read_slowly(p);
	ssize_t got = read_bulk(p);
	if (got == -EPERM || got == -ENOSYS) {
		p->no_vm_readv = true; /* a seccomp filter, an old kernel */
		return p->copy->mem_fd >= 0 ? read_slowly(p) : got;
	}
	return got == 0 ? -EFAULT : got;
}

static enum hs_status copy_part(struct part *p)
{
	if (p->todo.count > 0)
		p->at = p->todo.run[0].start;
	while (p->run < p->todo.count) {
		const struct hs_copy_run *run = &p->todo.run[p->run];
		enum hs_status st;
		if (run->unreadable) {
			st = advance(p, run->end - p->at, true);
			if (st)
				return st;
			continue;
		}
		ssize_t got = read_some(p);
		if (got == -EINTR)
			continue;
		if (got == -ESRCH)
			return hs_fail(&p->err, HS_ERR_NO_TARGET,
				       "the process ended while it was being "
				       "copied");
		if (got == -EPERM || got == -EACCES || got == -ENOSYS)
			return hs_fail(&p->err, HS_ERR_PERMISSION,
				       "neither process_vm_readv nor "
				       "/proc/PID/mem may be used here: a "
				       "seccomp filter forbids it");
		if (got == -ENOMEM)
			return hs_fail(&p->err, HS_ERR_NOMEM,
				       "no memory for the copy of the process");
		/* A page in the middle that nobody can read: on behind it. */
		uint64_t page = p->copy->page;
		uint64_t bad = page - (p->at & (page - 1));
		st = got < 0 ? advance(p, bad, true)
			     : advance(p, (uint64_t)got, false);
		if (st)
			return st;
	}
	return HS_OK;
}

static void *copy_part_thread(void *arg)
{
	struct part *p = arg;
	p->st = copy_part(p);
	return NULL;
}

/* More threads make the pause shorter where memory is faster than a core. */
static size_t parts_for(uint64_t bytes)
{
	cpu_set_t cpus;
	size_t n = 1;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		n = (size_t)CPU_COUNT(&cpus);
	if (n > bytes / PART_MIN)
		n = (size_t)(bytes / PART_MIN);
	return n > PARTS ? PARTS : n < 1 ? 1 : n;
}

/* Deal the runs out, so that each part has about the same to copy. */
static enum hs_status deal(const struct hs_live_copy *copy, struct part *part,
			   size_t parts, struct hs_error *err)
{
	uint64_t share = copy->bytes / parts, dealt = 0;
	size_t k = 0;
	for (size_t i = 0; i < copy->runs.count; i++) {
		struct hs_copy_run run = copy->runs.run[i];
		while (run.start < run.end) {
			struct hs_copy_run piece = run;
			uint64_t room = share > dealt ? share - dealt : 0;
			/* Cut only in the middle of what can be cut, and
			 * between pages. */
			room = (room + copy->page) & ~(copy->page - 1);
			if (k + 1 < parts && !run.unreadable &&
			    run.end - run.start > room)
				piece.end = run.start + room;
			enum hs_status st = add_run(&part[k].todo, piece, err);
			if (st)
				return st;
			if (!run.unreadable)
				dealt += piece.end - piece.start;
			run.start = piece.end;
			if (dealt >= share && k + 1 < parts) {
				k++;
				dealt = 0;
			}
		}
	}
	return HS_OK;
}

static enum hs_status gather(struct hs_live_copy *copy, struct part *part,
			     size_t parts, struct hs_error *err)
{
	copy->runs.count = 0;
	copy->copied = 0;
	for (size_t k = 0; k < parts; k++) {
		if (part[k].st && err)
			*err = part[k].err;
		if (part[k].st)
			return part[k].st;
		copy->copied += part[k].copied;
		for (size_t i = 0; i < part[k].done.count; i++) {
			enum hs_status st =
				add_run(&copy->runs, part[k].done.run[i], err);
			if (st)
				return st;
		}
	}
	return HS_OK;
}

enum hs_status hs_live_copy_run(struct hs_live_copy *copy,
				const struct hs_proc_map_list *maps,
				const enum hs_copy_how *how,
				struct hs_error *err)
{
	enum hs_status st = make_slots(copy, 1, maps, how, false, err);
	if (st)
		return st;
	struct part part[PARTS] = { 0 };
	size_t parts = parts_for(copy->bytes);
	for (size_t k = 0; k < parts; k++)
		part[k].copy = copy;
	st = deal(copy, part, parts, err);
	bool started[PARTS] = { false };
	for (size_t k = 1; !st && k < parts; k++)
		started[k] = pthread_create(&part[k].thread, NULL,
					    copy_part_thread, &part[k]) == 0;
	for (size_t k = 0; !st && k < parts; k++)
		if (!started[k])
			part[k].st = copy_part(&part[k]);
	for (size_t k = 0; k < parts; k++)
		if (started[k])
			(void)pthread_join(part[k].thread, NULL);
	if (!st)
		st = gather(copy, part, parts, err);
	for (size_t k = 0; k < parts; k++) {
		free(part[k].todo.run);
		free(part[k].done.run);
	}
	return st;
}

size_t hs_live_copy_from(const struct hs_live_copy *copy, hs_addr addr)
{
	size_t lo = 0, hi = copy->runs.count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (copy->runs.run[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
