/* SPDX-License-Identifier: MIT */
#include "types/swift_runtime.h"

#include <inttypes.h>
#include <stdio.h>

#include <heapscan/symbols.h>

#include "types/swift_unused.h"

/* A piece of a task's memory: an address of the runtime's that marks it, the
 * next piece, bytes that there are, bytes in use. */
#define FRAMES_HEADER 32u

static bool looks_like_frames(struct hs_naming *n, const struct hs_block *b,
			      uint64_t mark, uint64_t *next)
{
	uint64_t sizes;
	if (!hs_block_word(n, b, 1, next) || !hs_block_word(n, b, 2, &sizes))
		return false;
	uint64_t room = sizes & UINT32_MAX, used = sizes >> 32;
	/* malloc may have given a little more than was asked for. */
	return b->first == mark && room + FRAMES_HEADER <= b->usable &&
	       b->usable - room - FRAMES_HEADER < 16 && used <= room;
}

bool hs_swift_is_frames(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_block other;
	uint64_t next, after;
	return b->usable >= 256 && b->first % 8 == 0 &&
	       hs_naming_module(n, b->first) != SIZE_MAX &&
	       looks_like_frames(n, b, b->first, &next) &&
	       (next == 0 || (hs_naming_block_at(n, next, &other) &&
			      looks_like_frames(n, &other, b->first, &after)));
}

void hs_swift_left_frames(struct hs_naming *n, const struct hs_block *b,
			  hs_field_fn fn, void *arg)
{
	uint64_t sizes;
	if (hs_block_word(n, b, 2, &sizes))
		(void)hs_swift_unused_words(n, b, FRAMES_HEADER + (sizes >> 32),
					    b->usable, fn, arg);
}

/* What its objects that are in no list have for the next one. */
#define LISTLESS UINT64_C(0xffffffff89abcdef)

bool hs_swift_dispatch_kind(struct hs_naming *n, const struct hs_block *b,
			    struct hs_text *out)
{
	uint64_t word, type, kind;
	char name[32];
	size_t module;
	/* {table, two counts, next, queue, ...}; the table: {two functions of
	 * every object, type, its name, functions}. */
	if (!hs_block_word(n, b, 2, &word) || word != LISTLESS ||
	    b->first % 8 != 0)
		return false;
	module = hs_naming_module(n, b->first);
	if (module == SIZE_MAX || !hs_peek(n, b->first + 16, &type) ||
	    type > UINT32_MAX || !hs_peek(n, b->first + 24, &kind) ||
	    hs_naming_module(n, kind) != module)
		return false;
	for (unsigned i = 0; i < 6; i++)
		if (i != 2 && (!hs_peek(n, b->first + 8 * i, &word) ||
			       hs_naming_module(n, word) != module))
			return false;
	if (!hs_peek_name(n, kind, name, sizeof(name), NULL))
		return false;
	hs_text_add(out, "dispatch ");
	hs_text_add(out, name);
	return !out->full;
}

/* Is there room for SIZE bytes in B, and for no more? */
static bool has_size(const struct hs_block *b, uint64_t size)
{
	return size >= 32 && size <= b->usable && b->usable - size < 24;
}

/* {class, flags and counts, function, description, captures...}; the
 * description: {0, size, ...}. */
#define BLOCK_OF_MALLOC (UINT32_C(1) << 24)

static bool is_block(struct hs_naming *n, const struct hs_block *b,
		     hs_addr *code)
{
	uint64_t flags, function, about, size;
	if (hs_naming_module(n, b->first) == SIZE_MAX ||
	    !hs_block_word(n, b, 1, &flags) || !(flags & BLOCK_OF_MALLOC) ||
	    (flags & 0xfffe) == 0 || !hs_block_word(n, b, 2, &function) ||
	    hs_naming_module(n, function) == SIZE_MAX ||
	    !hs_block_word(n, b, 3, &about) || about % 8 != 0 ||
	    hs_naming_module(n, about) == SIZE_MAX ||
	    !hs_peek(n, about + 8, &size) || !has_size(b, size))
		return false;
	*code = function;
	return true;
}

/* What a source watches: {class, ...}; the class: {its name, filters, bits,
 * sizes of the source and of this, functions}. */
static bool watched_kind(struct hs_naming *n, const struct hs_block *b,
			 struct hs_text *out)
{
	uint64_t name, size, word;
	char text[32];
	size_t module = hs_naming_module(n, b->first);
	if (module == SIZE_MAX || b->first % 8 != 0 ||
	    !hs_peek(n, b->first, &name) ||
	    hs_naming_module(n, name) != module ||
	    !hs_peek(n, b->first + 24, &size) || !has_size(b, size))
		return false;
	for (unsigned i = 4; i < 6; i++)
		if (!hs_peek(n, b->first + 8 * i, &word) ||
		    hs_naming_module(n, word) != module)
			return false;
	if (!hs_peek_name(n, name, text, sizeof(text), NULL))
		return false;
	hs_text_add(out, "dispatch ");
	hs_text_add(out, text);
	return !out->full;
}

/* Work that waits in a queue: {flags or a table, priority, next, voucher,
 * function, its argument, ...}. */
#define WORK_BYTES 64u
#define WORK_ALLOCATED 0x100u /* among the flags, and the table's type */
#define WORK_FLAGS 0x1000u    /* no table lies below */

static bool is_work(struct hs_naming *n, const struct hs_block *b,
		    hs_addr *code)
{
	uint64_t type, next, voucher, function;
	if (!has_size(b, WORK_BYTES) || !hs_block_word(n, b, 2, &next) ||
	    (next != 0 && !hs_naming_block_at(n, next, NULL)) ||
	    !hs_block_word(n, b, 3, &voucher) ||
	    !hs_block_word(n, b, 4, &function))
		return false;
	*code = function;
	if (b->first < WORK_FLAGS)
		return (b->first & WORK_ALLOCATED) &&
		       (voucher == 0 || voucher == UINT64_MAX) &&
		       hs_naming_module(n, function) != SIZE_MAX;
	*code = b->first;
	return b->first % 8 == 0 && hs_naming_module(n, b->first) != SIZE_MAX &&
	       voucher == UINT64_MAX && hs_peek(n, b->first + 16, &type) &&
	       type == WORK_ALLOCATED;
}

bool hs_swift_closure_kind(struct hs_naming *n, const struct hs_block *b,
			   struct hs_text *out, hs_addr *code)
{
	*code = b->first;
	if (is_block(n, b, code))
		hs_text_add(out, "block");
	else if (is_work(n, b, code))
		hs_text_add(out, "dispatch continuation");
	else
		return watched_kind(n, b, out);
	return !out->full;
}

/* Words of a task. */
#define TASK_ID 4u     /* above 32 bits of flags */
#define TASK_RESUME 7u /* code that goes on with it */
/* Of that code: {context of its caller, code there}. */
#define TASK_CONTEXT 8u
#define TASK_FRAMES 15u /* the first piece of its memory */

/* Callers that are shown. */
#define CALLERS 16u

static bool put_code(struct hs_naming *n, hs_addr code, const char *what,
		     hs_detail_fn fn, void *arg)
{
	struct hs_symbol_info symbol;
	char text[512], name[400];
	size_t module = hs_naming_module(n, code);
	if (module == SIZE_MAX)
		return false;
	const struct hs_module *m = &n->target->modules.module[module];
	const char *base = strrchr(m->path, '/');
	if (n->syms && hs_symbols_at(n->syms, code, &symbol))
		(void)snprintf(text, sizeof(text), "0x%" PRIx64 " %s", code,
			       hs_demangle(symbol.name, name, sizeof(name))
				       ? name
				       : symbol.name);
	else
		(void)snprintf(text, sizeof(text),
			       "0x%" PRIx64 " %s+0x%" PRIx64, code,
			       base ? base + 1 : m->path, code - m->base);
	return fn(arg, what, text);
}

void hs_swift_task_fields(struct hs_naming *n, const struct hs_block *b,
			  hs_field_fn fn, void *arg)
{
	struct hs_block frames;
	struct hs_field_info f = { .name = "frames",
				   .offset = 8 * TASK_FRAMES,
				   .word = 8 * TASK_FRAMES,
				   .strength = HS_STRENGTH_STRONG };
	if (!hs_block_word(n, b, TASK_FRAMES, &f.refers_to) ||
	    !hs_naming_block_at(n, f.refers_to, &frames) ||
	    !hs_swift_is_frames(n, &frames))
		return;
	(void)fn(arg, &f);
}

void hs_swift_task_details(struct hs_naming *n, const struct hs_block *b,
			   hs_detail_fn fn, void *arg)
{
	uint64_t id, code, context;
	char text[32];
	if (!hs_block_word(n, b, TASK_ID, &id) ||
	    !hs_block_word(n, b, TASK_RESUME, &code) ||
	    !hs_block_word(n, b, TASK_CONTEXT, &context))
		return;
	(void)snprintf(text, sizeof(text), "%" PRIu64, id >> 32);
	if (!fn(arg, "task", text) || !put_code(n, code, "goes on at", fn, arg))
		return;
	for (unsigned i = 0; i < CALLERS && context % 8 == 0; i++) {
		if (!hs_peek(n, context + 8, &code) ||
		    !hs_peek(n, context, &context) ||
		    !put_code(n, code, "then at", fn, arg))
			return;
	}
}
