/* SPDX-License-Identifier: MIT */
#include "types/object_web.h"

#include "types/python_object.h"

/* What nodes refer to, and what does so from outside. */

unsigned hs_web_cost(struct hs_web *web, uint32_t from,
		     const struct hs_py_ref *ref)
{
	const struct hs_py_class *c;
	switch (ref->edge) {
	case HS_PY_WORD:
		/* A function leads to all variables of its module, a frame to
		 * its caller's. */
		c = hs_py_class_of(&web->py, hs_web_addr(web, from));
		return c && (c->kind == HS_PY_FRAME || c->kind == HS_PY_TYPE)
			       ? 8
		       : c && strcmp(c->name, "function") == 0 ? 6
							       : 2;
	case HS_PY_CLASS:
	case HS_PY_CODE:
	case HS_PY_FUNCTION:
	case HS_PY_LOCALS:
	case HS_PY_FRAME_OBJECT:
		return 8;
	case HS_PY_KEY:
	case HS_PY_STACK:
		return ref->stale ? 40 : 2;
	case HS_PY_IN_MEMORY:
		return ref->stale ? 40 : 10;
	default:
		return 1;
	}
}

struct resolve {
	struct hs_web *web;
	hs_web_ref_fn fn;
	void *arg;
};

static bool resolve(void *arg, const struct hs_py_ref *ref)
{
	const struct resolve *r = arg;
	uint32_t to;
	return !hs_web_target(r->web, ref, &to) || r->fn(r->arg, to, ref);
}

/*
 * The interpreter remembers by name and version what it found in classes, and
 * owns nothing of that: {version u32, a str, the object}. Since 3.13 it
 * remembers functions and their code as well: {function, code}.
 */
static bool is_remembered(struct hs_web *web, uint32_t to, hs_addr at)
{
	uint64_t version, name;
	uint32_t node;
	const struct hs_py_class *c;
	if (hs_web_is_object(web, to) &&
	    (c = hs_py_class_of(&web->py, hs_web_addr(web, to))) &&
	    !(c->flags & HS_PY_HEAP) &&
	    (strcmp(c->name, "function") == 0 || strcmp(c->name, "code") == 0))
		return true;
	return hs_peek(web->n, at - 16, &version) && version > 0 &&
	       version <= UINT32_MAX && hs_peek(web->n, at - 8, &name) &&
	       (name < web->lowest || name >= web->highest ||
		hs_web_object(web, name, &node)) &&
	       (c = hs_py_class_of(&web->py, name)) && c->text;
}

/*
 * Might a word outside of objects own the object of NODE? Not if all references
 * that it counts were seen in objects and frames: then the word is borrowed, or
 * left over in one of the interpreter's lists of free objects, or on a stack.
 * It is how Python's collector tells what is held from outside, too.
 */
static bool has_more_owners(struct hs_web *web, uint32_t node)
{
	uint32_t count;
	return !hs_web_is_object(web, node) ||
	       (hs_peek_u32(web->n, hs_web_addr(web, node), &count) &&
		count > web->seen[node]);
}

/* Words from START to END that lead to objects, or into blocks. */
typedef bool (*word_fn)(void *arg, uint32_t to, hs_addr at);
static bool each_word(struct hs_web *web, hs_addr start, hs_addr end,
		      word_fn fn, void *arg)
{
	struct hs_window *w = &web->n->block;
	hs_addr at = (start + 7) & ~(hs_addr)7;
	while (at < end && end - at >= 8) {
		uint64_t len;
		const uint8_t *bytes = hs_window_bytes(w, at, &len);
		if (!bytes || len < 8) {
			hs_addr next = hs_target_next(w->target, at + 1, false);
			if (next == HS_NO_ADDR || next <= at)
				return true;
			at = (next + 7) & ~(hs_addr)7;
			continue;
		}
		if (len > end - at)
			len = end - at;
		for (uint64_t i = 0; i + 8 <= len; i += 8) {
			uint64_t word, into;
			uint32_t node;
			memcpy(&word, bytes + i, 8);
			word = le64toh(word);
			/* No object is that low, and few words are higher. */
			if (word < 4096 || word > UINT64_MAX / 2 ||
			    !hs_web_in(web, word, &node, &into))
				continue;
			if (hs_web_is_object(web, node)
				    ? into != web->head[node]
				    : node < web->slots && into != 0)
				continue;
			if (!has_more_owners(web, node))
				continue;
			if (!fn(arg, node, at + i))
				return false;
		}
		at += len & ~UINT64_C(7);
	}
	return true;
}

struct in_memory {
	const struct resolve *r;
	hs_addr start;
};

static bool tell_word(void *arg, uint32_t to, hs_addr at)
{
	const struct in_memory *m = arg;
	const struct hs_py_ref ref = {
		.to = hs_web_addr(m->r->web, to),
		.edge = HS_PY_IN_MEMORY,
		.number = at - m->start,
		.stale = is_remembered(m->r->web, to, at),
	};
	return m->r->fn(m->r->arg, to, &ref);
}

bool hs_web_refs(struct hs_web *web, uint32_t node, hs_web_ref_fn fn, void *arg)
{
	struct resolve r = { web, fn, arg };
	hs_addr start;
	uint64_t size;
	if (hs_web_is_object(web, node))
		return hs_py_refs(&web->py, hs_web_addr(web, node), resolve,
				  &r);
	if (web->head[node] != HS_WEB_MEMORY)
		return true;
	hs_web_block(web, node, &start, &size);
	struct in_memory m = { &r, start };
	return each_word(web, start, start + size, tell_word, &m);
}

/* ---- roots ---- */

struct roots {
	struct hs_web *web;
	hs_web_root_fn fn;
	void *arg;
	hs_addr frame;
};

static bool tell_root(void *arg, uint32_t to, hs_addr at)
{
	const struct roots *r = arg;
	struct hs_web_root root = { .kind = HS_OBJECT_ROOT_WORD, .addr = at };
	/* What lies on a stack, or in memory that nobody knows, may be left
	 * over. */
	if (hs_naming_module(r->web->n, at) == SIZE_MAX)
		root.cost = 40;
	else if (is_remembered(r->web, to, at))
		root.cost = 60;
	return r->fn(r->arg, to, &root);
}

static bool tell_of_frame(void *arg, const struct hs_py_ref *ref)
{
	const struct roots *r = arg;
	uint32_t to;
	if (!hs_web_target(r->web, ref, &to) ||
	    (ref->stale && !has_more_owners(r->web, to)))
		return true;
	struct hs_web_root root = { .kind = HS_OBJECT_ROOT_FRAME,
				    .addr = r->frame,
				    .ref = ref,
				    .cost = hs_web_cost(r->web, to, ref) };
	return r->fn(r->arg, to, &root);
}

static bool tell_frame(void *arg, hs_addr frame)
{
	struct roots *r = arg;
	hs_addr end;
	r->frame = frame;
	return hs_py_frame_refs(&r->web->py, frame, true, tell_of_frame, r,
				&end) != HS_PY_FRAME_ENDED;
}

void hs_web_frames(struct hs_web *web, hs_web_root_fn fn, void *arg)
{
	struct roots r = { .web = web, .fn = fn, .arg = arg };
	for (size_t i = 0; i < web->stacks.count; i++) {
		hs_addr end;
		hs_py_stack_frames(&web->py, &web->stacks.piece[i], tell_frame,
				   &r, &end);
	}
}

/* START to END, without arenas and stacks of frames, which are looked at in
 * their own ways. Both are sorted; *ARENA and *PIECE move along. */
static bool each_root_word(struct roots *r, hs_addr start, hs_addr end,
			   size_t *arena, size_t *piece)
{
	const struct hs_pymalloc *pm = hs_python_arenas(r->web->state);
	const struct hs_py_stacks *s = &r->web->stacks;
	while (start < end) {
		while (*arena < pm->count &&
		       pm->arena[*arena].base + pm->arena_size <= start)
			++*arena;
		while (*piece < s->count && s->piece[*piece].end <= start)
			++*piece;
		hs_addr stop = end, go_on = end;
		if (*arena < pm->count && pm->arena[*arena].base < stop) {
			stop = pm->arena[*arena].base;
			go_on = stop + pm->arena_size;
		}
		if (*piece < s->count && s->piece[*piece].start < stop) {
			stop = s->piece[*piece].start;
			go_on = s->piece[*piece].end;
		}
		if (stop > start &&
		    !each_word(r->web, start, stop, tell_root, r))
			return false;
		start = go_on;
	}
	return true;
}

static bool each_register(struct roots *r)
{
	struct hs_naming *n = r->web->n;
	size_t threads = hs_target_thread_count(n->target);
	for (size_t t = 0; t < threads; t++) {
		struct hs_thread_info info;
		hs_target_thread(n->target, t, &info);
		for (size_t i = 0; i < info.register_count; i++) {
			uint32_t to;
			if (!hs_web_object(r->web, info.registers[i], &to) ||
			    !has_more_owners(r->web, to))
				continue;
			const struct hs_web_root root = {
				.kind = HS_OBJECT_ROOT_REGISTER,
				.addr = HS_NO_ADDR,
				.thread = t,
				.reg = (unsigned)i,
				.cost = 50,
			};
			if (!r->fn(r->arg, to, &root))
				return false;
		}
	}
	return true;
}

void hs_web_roots(struct hs_web *web, hs_web_root_fn fn, void *arg)
{
	struct roots r = { .web = web, .fn = fn, .arg = arg };
	size_t arena = 0, piece = 0;
	for (size_t i = 0; i < web->stacks.count; i++) {
		hs_addr end;
		hs_py_stack_frames(&web->py, &web->stacks.piece[i], tell_frame,
				   &r, &end);
		/* What could not be made out, word by word. */
		if (end < web->stacks.piece[i].top &&
		    !each_word(web, end, web->stacks.piece[i].top, tell_root,
			       &r))
			return;
	}
	for (size_t i = 0; i < web->live_count; i++)
		if (!each_root_word(&r, web->live[i].start, web->live[i].end,
				    &arena, &piece))
			return;
	(void)each_register(&r);
}
