/* SPDX-License-Identifier: MIT */
#include "cli/rss.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/out_evidence.h"
#include "cli/out_text.h"
#include "cli/reach.h"

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
	size_t most_chunk;         /* and the chunk that has it */
	const uint32_t *class_of;  /* by chunk */
	uint32_t *pin_of;    /* by class: pin + 1; the last two: RSS_PIN_* */
	size_t last_pinning; /* chunk */
	bool failed;
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

/* The pin of what CHUNK is, made when it is new; NULL: no memory. */
static struct rss_pin *pin_of_chunk(struct walk *w, size_t chunk)
{
	struct rss_view *v = w->view;
	struct hs_chunk_info c;
	uint32_t class = w->class_of[chunk];
	size_t slot = class;
	if (class == FOLD_NONE) {
		hs_heap_chunk(w->residency.cli->heap, chunk, &c);
		bool cached = c.state == HS_CHUNK_TCACHE;
		class = cached ? RSS_PIN_CACHE : RSS_PIN_INTERNAL;
		slot = v->fold.count + cached;
	}
	if (!w->pin_of[slot]) {
		struct rss_pin *more =
			realloc(v->pin, (v->pin_count + 1) * sizeof(*v->pin));
		if (!more)
			return NULL;
		v->pin = more;
		v->pin[v->pin_count++] = (struct rss_pin){ .class = class };
		w->pin_of[slot] = (uint32_t)v->pin_count;
	}
	return &v->pin[w->pin_of[slot] - 1];
}

static void finish_page(struct walk *w)
{
	struct rss_view *v = w->view;
	if (w->used && w->used <= PAGE / PIN_SHARE &&
	    is_resident(&w->residency, w->page)) {
		struct rss_pin *pin = pin_of_chunk(w, w->most_chunk);
		if (!pin) {
			w->failed = true;
			return;
		}
		pin->blocks += w->last_pinning != w->most_chunk;
		w->last_pinning = w->most_chunk;
		pin->pages++;
		pin->free += PAGE - w->used;
		v->pinned_pages++;
		v->pinned_free += PAGE - w->used;
	}
	w->used = w->most = 0;
}

/* Only the first and the last page of a chunk can have room besides it. */
static void occupy(struct walk *w, size_t i, const struct hs_chunk_info *c)
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
			w->most_chunk = i;
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
		occupy(w, i, c);
	}
	if (c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED)
		v->usable += c->usable;
	return true;
}

/* What is free and yet resident. */
static uint64_t free_resident(const struct rss_arena *a)
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

const char *rss_pin_text(const struct rss_view *v, const struct rss_pin *pin,
			 char *buf)
{
	if (pin->class == RSS_PIN_CACHE)
		return "free blocks in threads' caches";
	if (pin->class == RSS_PIN_INTERNAL)
		return "the allocator's own";
	return fold_text(&v->fold, pin->class, buf);
}

/* Less than a quarter free is as good as malloc gets. */
static enum rss_verdict judge(const struct rss_view *v)
{
	const struct rss_arena *t = &v->total;
	uint64_t resident = t->all.resident, spare = free_resident(t),
		 threads = 0;
	if (spare < resident / 4)
		return RSS_LIVE;
	if (t->trim_inside + t->trim_top >= spare / 2)
		return RSS_TRIM;
	for (size_t i = 0; i < v->arena_count; i++)
		if (!v->arena[i].is_main)
			threads += free_resident(&v->arena[i]);
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

static int by_pages(const void *a, const void *b)
{
	const struct rss_pin *x = a, *y = b;
	if (x->pages != y->pages)
		return x->pages > y->pages ? -1 : 1;
	return x->class < y->class ? -1 : x->class > y->class;
}

static int open_pagemap(const struct cli *cli)
{
	char path[64];
	if (cli->info.kind != HS_TARGET_LIVE ||
	    sysconf(_SC_PAGESIZE) != (long)PAGE)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/pagemap",
		       cli->info.pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool measure(struct cli *cli, struct rss_view *v,
		    const uint32_t *class_of)
{
	unsigned word = cli->info.word_size;
	size_t arenas = hs_heap_arena_count(cli->heap);
	uint32_t *pin_of = calloc(v->fold.count + 2, sizeof(*pin_of));
	v->arena = calloc(arenas + 1, sizeof(*v->arena));
	if (!v->arena || !pin_of) {
		free(pin_of);
		return false;
	}
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
			  .page = UINT64_MAX,
			  .class_of = class_of,
			  .pin_of = pin_of,
			  .last_pinning = SIZE_MAX };
	w.residency.cli = cli;
	w.residency.pagemap = open_pagemap(cli);
	v->from_pagemap = w.residency.pagemap >= 0;
	v->page = PAGE;
	hs_heap_each(cli->heap, look_at_chunk, &w);
	trim_run(&w);
	finish_page(&w);
	if (w.residency.pagemap >= 0)
		(void)close(w.residency.pagemap);
	free(pin_of);
	add_up(v);
	if (v->pin_count)
		qsort(v->pin, v->pin_count, sizeof(*v->pin), by_pages);
	/* Of what only looks resident the kernel knows nothing. */
	v->process.all = HS_UNKNOWN;
	if (v->from_pagemap)
		rss_ask_kernel(cli, v->total.all.resident, &v->process);
	return !w.failed;
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

#define SHOWN_PINS 5u

static void print_pins(struct cli *cli, const struct rss_view *v)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN], size[TEXT_LEN], spare[TEXT_LEN], text[FOLD_TEXT];
	size_t limit = cli->opt.all ? SIZE_MAX : SHOWN_PINS, i;
	if (!v->pinned_pages)
		return;
	out_printf(out,
		   "\npinned: %s %s (%s), of each at most a quarter in use; %s "
		   "of that is free. Kept by\n",
		   text_count(n, v->pinned_pages),
		   text_plural(v->pinned_pages, "page", "pages"),
		   text_size(size, v->pinned_pages * v->page),
		   text_size(spare, v->pinned_free));
	for (i = 0; i < v->pin_count && i < limit; i++) {
		const struct rss_pin *p = &v->pin[i];
		out_str(out, "  ");
		out_escaped(out, rss_pin_text(v, p, text));
		out_printf(out, ": %s of them %s %s %s, %s free\n",
			   text_count(n, p->blocks),
			   text_plural(p->blocks, "keeps", "keep"),
			   text_count(size, p->pages),
			   text_plural(p->pages, "page", "pages"),
			   text_size(spare, p->free));
	}
	cli_announce_rest(cli, i, v->pin_count);
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
		table_size(&t, free_resident(a));
		table_size(&t, a->trim_inside + a->trim_top);
	}
	cli_announce_rest(cli, v->arena_count < limit ? v->arena_count : limit,
			  v->arena_count);
}

/* The answer, with its numbers. */
static void print_verdict(struct cli *cli, const struct rss_view *v)
{
	static const char *const words[] = {
		[RSS_LIVE] = "the program holds most of what is resident",
		[RSS_TRIM] = "much is free, and malloc_trim(3) would give it "
			     "back",
		[RSS_FRAGMENTATION] = "fragmentation: much is free between "
				      "blocks in use, and few whole pages are",
		[RSS_ARENAS] =
			"much is free in arenas of single threads: fewer "
			"arenas (MALLOC_ARENA_MAX) would share it",
		[RSS_CACHES] = "much is free in threads' caches: "
			       "glibc.malloc.tcache_count limits them",
	};
	const struct rss_arena *t = &v->total;
	char a[TEXT_LEN], b[TEXT_LEN], c[TEXT_LEN];
	out_ink(&cli->out, cli->colour, INK_BOLD, words[v->verdict]);
	out_printf(&cli->out, ": %s of %s in use, %s free\n",
		   text_size(a, t->state[HS_CHUNK_USED].resident +
					t->state[HS_CHUNK_MMAPPED].resident),
		   text_size(b, t->all.resident),
		   text_size(c, free_resident(t)));
}

static void print_process(struct out *out, const struct rss_view *v)
{
	const struct rss_process *p = &v->process;
	char a[TEXT_LEN], b[TEXT_LEN], c[TEXT_LEN], d[TEXT_LEN], e[TEXT_LEN];
	if (p->all == HS_UNKNOWN)
		return;
	out_printf(out, "the process: %s = %s heap + %s stacks + %s files",
		   text_size(a, p->all), text_size(b, v->total.all.resident),
		   text_size(c, p->stacks), text_size(d, p->files));
	if (p->other == HS_UNKNOWN)
		out_str(out, " and more: it changed meanwhile\n");
	else
		out_printf(out, " + %s other memory\n", text_size(e, p->other));
}

static void print_text(struct cli *cli, const struct rss_view *v)
{
	struct out *out = &cli->out;
	const struct rss_arena *t = &v->total;
	char a[TEXT_LEN], b[TEXT_LEN], c[TEXT_LEN];
	print_verdict(cli, v);
	out_printf(out, "%s of the heap's %s are resident (%s)\n",
		   text_size(a, t->all.resident), text_size(b, t->all.bytes),
		   v->from_pagemap ? "the kernel's page map"
				   : "pages that are not all zero");
	print_process(out, v);
	out_str(out, "\n");
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

/* What to do next, where another command knows more. */
static void print_next(struct cli *cli, const struct rss_view *v)
{
	if (v->verdict != RSS_LIVE)
		return;
	out_str(&cli->out, "\nnext: heapscan owners ");
	out_target(&cli->out, cli);
	out_str(&cli->out, "   who holds it\n      heapscan leaks ");
	out_target(&cli->out, cli);
	out_str(&cli->out, "   is it lost\n");
}

/* Not EXIT_ANSWERED: it was reported. */
static int look(struct cli *cli, struct rss_view *v)
{
	size_t chunks = hs_heap_chunk_count(cli->heap);
	uint32_t *class_of = malloc((chunks + 1) * sizeof(*class_of));
	int code = class_of ? reach_name(cli) : EXIT_ANSWERED;
	v->fold.by = cli->types ? FOLD_TYPE : FOLD_SIZE;
	if (class_of && !code)
		code = fold_heap(&v->fold, cli, class_of);
	if (!code && (!class_of || !measure(cli, v, class_of)))
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory");
	free(class_of);
	return code;
}

int cmd_rss(struct cli *cli)
{
	struct rss_view view = { .arena = NULL };
	int code = look(cli, &view);
	if (!code) {
		if (cli->opt.json) {
			out_json_rss(cli, &view);
		} else {
			print_text(cli, &view);
			print_next(cli, &view);
		}
		code = cli_answered(cli);
	}
	fold_release(&view.fold);
	free(view.arena);
	free(view.pin);
	return code;
}
