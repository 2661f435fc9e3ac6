/* SPDX-License-Identifier: MIT */
#include "cli/rss.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/out_text.h"

/* All our targets are of machines with pages of this size, as far as malloc
 * goes: where the kernel's are larger, it works in its own. */
#define PAGE UINT64_C(4096)
/* Pages whose state is asked for at once. */
#define WINDOW 512u
/* A page of which less than one in so many bytes is in use is pinned. */
#define PIN_SHARE 4u

/*
 * Is a page in memory? The kernel says so of a live process, in its pagemap; a
 * dump holds pages that were never touched as zeroes, like those that were
 * given back.
 */
struct residency {
	struct cli *cli;
	int pagemap; /* -1: look at the bytes */
	uint64_t first;
	bool valid, known[WINDOW], in[WINDOW];
	uint64_t entry[WINDOW];
};

static bool is_zero(const uint8_t *bytes, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static bool look_at_page(struct cli *cli, uint64_t page)
{
	hs_addr at = page * PAGE, end = at + PAGE;
	while (at < end) {
		const uint8_t *bytes;
		uint64_t len;
		if (hs_target_view(cli->target, at, &bytes, &len, NULL))
			return false;
		if (len > end - at)
			len = end - at;
		if (!is_zero(bytes, len))
			return true;
		at += len;
	}
	return false;
}

static bool is_resident(struct residency *r, uint64_t page)
{
	uint64_t first = page - page % WINDOW;
	if (!r->valid || first != r->first) {
		memset(r->known, 0, sizeof(r->known));
		r->first = first;
		r->valid = true;
		if (r->pagemap >= 0) {
			memset(r->entry, 0, sizeof(r->entry));
			ssize_t n =
				pread(r->pagemap, r->entry, sizeof(r->entry),
				      (off_t)(first * sizeof(*r->entry)));
			(void)n; /* what is gone by now is not resident */
		}
	}
	size_t i = (size_t)(page - first);
	if (!r->known[i]) {
		r->known[i] = true;
		/* Bit 63: present. */
		r->in[i] = r->pagemap >= 0 ? r->entry[i] >> 63
					   : look_at_page(r->cli, page);
	}
	return r->in[i];
}

static uint64_t resident_bytes(struct residency *r, hs_addr start, hs_addr end)
{
	uint64_t sum = 0;
	while (start < end) {
		hs_addr next = (start / PAGE + 1) * PAGE;
		if (next > end)
			next = end;
		if (is_resident(r, start / PAGE))
			sum += next - start;
		start = next;
	}
	return sum;
}

struct walk {
	struct residency residency;
	struct rss_view *view;
	uint64_t malloc_chunk; /* bytes of glibc's own struct of that name */
	uint64_t min_size;
	/* Free chunks side by side: malloc_trim() joins them first. */
	size_t arena;
	hs_addr free_start, free_end;
	/* The page that is being added up. */
	uint64_t page, used, most; /* number, bytes, largest part */
	uint64_t most_size;        /* and the size of that chunk */
};

static void add_part(struct rss_part *part, const struct hs_chunk_info *c,
		     uint64_t resident)
{
	part->count++;
	part->bytes += c->size;
	part->resident += resident;
}

/* As glibc's mtrim() does, for one run of free memory. */
static void trim_run(struct walk *w)
{
	uint64_t size = w->free_end - w->free_start;
	hs_addr start = w->free_start;
	w->free_start = w->free_end = 0;
	if (size <= PAGE - 1 + w->malloc_chunk)
		return;
	hs_addr at = (start + w->malloc_chunk + PAGE - 1) & ~(PAGE - 1);
	size -= at - start;
	if (size > PAGE - 1)
		w->view->arena[w->arena].trim_inside += resident_bytes(
			&w->residency, at, at + (size & ~(PAGE - 1)));
}

/* As its systrim() does, for the main arena. */
static void trim_top(struct walk *w, const struct hs_chunk_info *c)
{
	struct rss_arena *a = &w->view->arena[w->arena];
	hs_addr start = c->addr;
	/* The free memory in front of it joins it. */
	if (w->free_end == c->addr)
		start = w->free_start;
	w->free_start = w->free_end = 0;
	hs_addr end = c->addr + c->size;
	if (!a->is_main || end - start <= w->min_size + 1)
		return;
	uint64_t extra = (end - start - w->min_size - 1) & ~(PAGE - 1);
	a->trim_top += resident_bytes(&w->residency, end - extra, end);
}

static void finish_page(struct walk *w)
{
	struct rss_view *v = w->view;
	if (w->used && w->used <= PAGE / PIN_SHARE &&
	    is_resident(&w->residency, w->page)) {
		size_t class = (size_t)(w->most_size / 16);
		if (class >= RSS_PINS)
			class = RSS_PINS - 1;
		struct rss_pin *pin = &v->pin[class];
		pin->size = class == RSS_PINS - 1 ? 0 : class * 16;
		pin->pages++;
		pin->free += PAGE - w->used;
		v->pinned_pages++;
		v->pinned_free += PAGE - w->used;
	}
	w->used = w->most = 0;
}

/* Only the first and the last page of a chunk can have room besides it. */
static void occupy(struct walk *w, const struct hs_chunk_info *c)
{
	hs_addr start = c->addr, end = c->addr + c->size;
	for (hs_addr at = start; at < end;) {
		hs_addr next = (at / PAGE + 1) * PAGE;
		if (next > end)
			next = end;
		if (at / PAGE != w->page) {
			finish_page(w);
			w->page = at / PAGE;
		}
		w->used += next - at;
		if (next - at > w->most) {
			w->most = next - at;
			w->most_size = c->size;
		}
		at = next;
		if (at < end && end - at > 2 * PAGE) {
			finish_page(w);
			at = end / PAGE * PAGE;
		}
	}
}

static bool look_at_chunk(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct walk *w = arg;
	struct rss_view *v = w->view;
	size_t arena = c->arena == SIZE_MAX ? v->arena_count - 1 : c->arena;
	(void)i;
	if (c->size > UINT64_MAX - c->addr)
		return true;
	uint64_t resident =
		resident_bytes(&w->residency, c->addr, c->addr + c->size);
	add_part(&v->arena[arena].state[c->state], c, resident);
	add_part(&v->arena[arena].all, c, resident);
	bool joins =
		c->state == HS_CHUNK_FASTBIN || c->state == HS_CHUNK_UNSORTED ||
		c->state == HS_CHUNK_SMALLBIN || c->state == HS_CHUNK_LARGEBIN;
	if (c->state == HS_CHUNK_TOP) {
		if (w->arena != arena || w->free_end != c->addr)
			trim_run(w);
		w->arena = arena;
		trim_top(w, c);
	} else if (!joins || w->free_end != c->addr || w->arena != arena) {
		trim_run(w);
	}
	if (joins) {
		if (!w->free_end)
			w->free_start = c->addr;
		w->free_end = c->addr + c->size;
		w->arena = arena;
	} else if (c->state == HS_CHUNK_USED || c->state == HS_CHUNK_INTERNAL ||
		   c->state == HS_CHUNK_TCACHE) {
		occupy(w, c);
	}
	if (c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED)
		v->usable += c->usable;
	return true;
}

uint64_t rss_free(const struct rss_arena *a)
{
	uint64_t sum = 0;
	for (int s = HS_CHUNK_TCACHE; s <= HS_CHUNK_TOP; s++)
		sum += a->state[s].resident;
	return sum;
}

const char *rss_verdict_name(enum rss_verdict verdict)
{
	static const char *const words[] = { "live", "trim", "fragmentation",
					     "arenas", "caches" };
	return words[verdict];
}

const char *rss_verdict_text(enum rss_verdict verdict)
{
	static const char *const words[] = {
		"the program holds most of it: `heapscan leaks` and `heapscan "
		"owners` say what",
		"much is free and could be given back: malloc_trim(3) would, "
		"now and then",
		"much is free between blocks in use, so that no whole page is: "
		"fragmentation",
		"much is free in arenas of single threads: fewer arenas "
		"(MALLOC_ARENA_MAX) would share it",
		"much is free in threads' caches: glibc.malloc.tcache_count "
		"limits them",
	};
	return words[verdict];
}

/* Less than a quarter free is as good as malloc gets. */
static enum rss_verdict judge(const struct rss_view *v)
{
	const struct rss_arena *t = &v->total;
	uint64_t resident = t->all.resident, spare = rss_free(t), threads = 0;
	if (spare < resident / 4)
		return RSS_LIVE;
	if (t->trim_inside + t->trim_top >= spare / 2)
		return RSS_TRIM;
	for (size_t i = 0; i < v->arena_count; i++)
		if (!v->arena[i].is_main)
			threads += rss_free(&v->arena[i]);
	if (t->state[HS_CHUNK_TCACHE].resident >= spare / 2)
		return RSS_CACHES;
	return threads >= spare / 2 && v->arena_count > 4 ? RSS_ARENAS
							  : RSS_FRAGMENTATION;
}

static void add_up(struct rss_view *v)
{
	for (size_t i = 0; i < v->arena_count; i++) {
		const struct rss_arena *a = &v->arena[i];
		for (int s = 0; s < HS_CHUNK_STATE_COUNT; s++) {
			v->total.state[s].count += a->state[s].count;
			v->total.state[s].bytes += a->state[s].bytes;
			v->total.state[s].resident += a->state[s].resident;
		}
		v->total.all.count += a->all.count;
		v->total.all.bytes += a->all.bytes;
		v->total.all.resident += a->all.resident;
		v->total.trim_inside += a->trim_inside;
		v->total.trim_top += a->trim_top;
	}
	v->verdict = judge(v);
}

/* Resident bytes as the kernel counts them for the whole process. */
static uint64_t ask_kernel(const struct cli *cli)
{
	char path[64], text[256] = "";
	unsigned long long all, resident;
	if (cli->info.kind != HS_TARGET_LIVE)
		return HS_UNKNOWN;
	(void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/statm",
		       cli->info.pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return HS_UNKNOWN;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n <= 0 || sscanf(text, "%llu %llu", &all, &resident) != 2)
		return HS_UNKNOWN;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool measure(struct cli *cli, struct rss_view *v)
{
	unsigned word = cli->info.word_size;
	size_t arenas = hs_heap_arena_count(cli->heap);
	v->arena = calloc(arenas + 1, sizeof(*v->arena));
	if (!v->arena)
		return false;
	v->arena_count = arenas + 1;
	for (size_t i = 0; i < arenas; i++) {
		struct hs_arena_info info;
		hs_heap_arena(cli->heap, i, &info);
		v->arena[i].addr = info.addr;
		v->arena[i].is_main = info.is_main;
	}
	v->arena[arenas].addr = HS_NO_ADDR;
	struct walk w = { .view = v,
			  .malloc_chunk = 6 * word,
			  .min_size = 4 * word,
			  .page = UINT64_MAX };
	w.residency.cli = cli;
	w.residency.pagemap = -1;
	if (cli->info.kind == HS_TARGET_LIVE &&
	    sysconf(_SC_PAGESIZE) == (long)PAGE) {
		char path[64];
		(void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/pagemap",
			       cli->info.pid);
		w.residency.pagemap = open(path, O_RDONLY | O_CLOEXEC);
	}
	v->from_pagemap = w.residency.pagemap >= 0;
	v->kernel = ask_kernel(cli);
	v->page = PAGE;
	hs_heap_each(cli->heap, look_at_chunk, &w);
	trim_run(&w);
	finish_page(&w);
	if (w.residency.pagemap >= 0)
		(void)close(w.residency.pagemap);
	add_up(v);
	return true;
}

static void line(struct out *out, const char *what, const struct rss_part *p)
{
	char resident[TEXT_LEN], bytes[TEXT_LEN], n[TEXT_LEN];
	if (p->count)
		out_printf(out, "  %-24s %10s of %10s  %12s %s\n", what,
			   text_size(resident, p->resident),
			   text_size(bytes, p->bytes), text_count(n, p->count),
			   text_plural(p->count, "chunk", "chunks"));
}

static void print_pins(struct cli *cli, const struct rss_view *v)
{
	char n[TEXT_LEN], size[TEXT_LEN], spare[TEXT_LEN];
	bool shown[RSS_PINS] = { false };
	if (!v->pinned_pages)
		return;
	out_printf(&cli->out,
		   "\npinned: %s pages (%s) are less than a quarter in use; %s "
		   "of that is free. Kept by\n",
		   text_count(n, v->pinned_pages),
		   text_size(size, v->pinned_pages * v->page),
		   text_size(spare, v->pinned_free));
	for (unsigned k = 0; k < 5; k++) {
		size_t best = RSS_PINS;
		for (size_t i = 0; i < RSS_PINS; i++)
			if (!shown[i] && v->pin[i].pages &&
			    (best == RSS_PINS ||
			     v->pin[i].pages > v->pin[best].pages))
				best = i;
		if (best == RSS_PINS)
			break;
		shown[best] = true;
		out_printf(&cli->out,
			   "  chunks of %s bytes: %s pages, %s free\n",
			   v->pin[best].size ? text_count(n, v->pin[best].size)
					     : "more than 16,368",
			   text_count(size, v->pin[best].pages),
			   text_size(spare, v->pin[best].free));
	}
}

static void print_arenas(struct cli *cli, const struct rss_view *v)
{
	static const struct column columns[] = {
		{ "arena", -14 }, { "memory", 10 }, { "resident", 10 },
		{ "in use", 10 }, { "free", 10 },   { "trim", 10 },
	};
	struct table t;
	size_t limit = cli_row_limit(cli);
	out_str(&cli->out, "\n");
	table_begin(&t, &cli->out, cli->colour, columns, 6);
	for (size_t i = 0; i < v->arena_count && i < limit; i++) {
		const struct rss_arena *a = &v->arena[i];
		if (a->addr == HS_NO_ADDR)
			table_cell(&t, INK_PLAIN, "mmapped");
		else if (a->is_main)
			table_cell(&t, INK_PLAIN, "main");
		else
			table_addr(&t, a->addr);
		table_size(&t, a->all.bytes);
		table_size(&t, a->all.resident);
		table_size(&t, a->state[HS_CHUNK_USED].resident +
				       a->state[HS_CHUNK_MMAPPED].resident);
		table_size(&t, rss_free(a));
		table_size(&t, a->trim_inside + a->trim_top);
	}
	cli_announce_rest(cli, v->arena_count < limit ? v->arena_count : limit,
			  v->arena_count);
}

static void print_text(struct cli *cli, const struct rss_view *v)
{
	struct out *out = &cli->out;
	const struct rss_arena *t = &v->total;
	char a[TEXT_LEN], b[TEXT_LEN], c[TEXT_LEN];
	out_printf(out, "%s of the heap's %s are resident (%s)",
		   text_size(a, t->all.resident), text_size(b, t->all.bytes),
		   v->from_pagemap ? "the kernel's page map"
				   : "pages that are not all zero");
	if (v->kernel != HS_UNKNOWN)
		out_printf(out, "; the whole process: %s",
			   text_size(c, v->kernel));
	out_str(out, "\n");
	out_ink(out, cli->colour, INK_BOLD, rss_verdict_text(v->verdict));
	out_str(out, "\n\n");
	line(out, "in use", &t->state[HS_CHUNK_USED]);
	line(out, "in use, mmapped", &t->state[HS_CHUNK_MMAPPED]);
	line(out, "free, threads' caches", &t->state[HS_CHUNK_TCACHE]);
	line(out, "free, fastbins", &t->state[HS_CHUNK_FASTBIN]);
	line(out, "free, unsorted bins", &t->state[HS_CHUNK_UNSORTED]);
	line(out, "free, small bins", &t->state[HS_CHUNK_SMALLBIN]);
	line(out, "free, large bins", &t->state[HS_CHUNK_LARGEBIN]);
	line(out, "free, top", &t->state[HS_CHUNK_TOP]);
	line(out, "the allocator's own", &t->state[HS_CHUNK_INTERNAL]);
	line(out, "not decided", &t->state[HS_CHUNK_UNKNOWN]);
	uint64_t used = t->state[HS_CHUNK_USED].bytes +
			t->state[HS_CHUNK_MMAPPED].bytes;
	out_printf(out, "  headers and rounding of blocks in use: %s\n",
		   text_size(a, used - v->usable));
	out_printf(out,
		   "\nmalloc_trim(0) would give back %s: %s between blocks, %s "
		   "at the end\n",
		   text_size(a, t->trim_inside + t->trim_top),
		   text_size(b, t->trim_inside), text_size(c, t->trim_top));
	print_pins(cli, v);
	print_arenas(cli, v);
}

int cmd_rss(struct cli *cli)
{
	struct rss_view *view = calloc(1, sizeof(*view));
	int code = EXIT_ANSWERED;
	if (!view || !measure(cli, view)) {
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory");
	} else {
		if (cli->opt.json)
			out_json_rss(cli, view);
		else
			print_text(cli, view);
		code = cli_answered(cli);
	}
	if (view)
		free(view->arena);
	free(view);
	return code;
}
