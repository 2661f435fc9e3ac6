/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/bits.h"
#include "core/cleanup.h"
#include "core/grow.h"
#include "core/large_pages.h"
#include "core/limits.h"
#include "symbols/local_frames.h"
#include "tls/thread_offsets.h"
#include "tls/tls.h"
#include "types/c_types.h"
#include "types/cxx_exception.h"

/*
 * Blocks of C programs by what debug information declares. Reading it, finding
 * the variables in memory, and giving the claims that spread from there
 * (c_spread.c) their names.
 */

/* Steps of the way to a block that are shown. */
#define MAX_STEPS 6u

static void free_queues(struct hs_c *c)
{
	for (size_t i = 0; i < HS_C_RANKS; i++) {
		free(c->queue[i].chunk);
		c->queue[i] = (struct hs_c_queue){ .chunk = NULL };
	}
	free(c->inferred.chunk);
	free(c->met.chunk);
	c->inferred = c->met = (struct hs_c_queue){ .chunk = NULL };
}

static void release(void *state)
{
	struct hs_c *c = state;
	hs_decls_release(&c->decls);
	hs_c_rules_release(&c->rules);
	free_queues(c);
	free(c->root);
	free(c->place);
	free(c->part);
	hs_c_containers_release(&c->containers);
	hs_addr_map_release(&c->vtables);
	hs_addr_map_release(&c->frames);
	hs_c_plans_release(&c->plans);
	hs_c_inner_forget(c);
	free(c->inners.inner);
	free(c->choices.choice);
	free(c->claim);
	free(c->settled);
	free(c->due);
}

/* Is what module I declares of no use? The C library's own blocks have a namer
 * that needs no debug information, and its mathematics, whose debug
 * information is the larger part, asks for none. */
static bool is_of_libc(const struct hs_naming *n,
		       const struct hs_runtime *runtime, size_t i)
{
	static const char *const others[] = { "libm.so", "libm-2.", "libmvec" };
	if (i == runtime->program)
		return false;
	for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++)
		if (hs_symbols_module_named(n->syms, others[k], i) == i)
			return true;
	return i == runtime->libc || i == runtime->loader ||
	       i == runtime->libpthread || i == n->heap->module;
}

/* Read what the modules declare. */
static enum hs_status read_modules(struct hs_naming *n, struct hs_c *c,
				   struct hs_error *err)
{
	struct hs_runtime runtime;
	const struct hs_module_list *list = &n->target->modules;
	HS_CLEANUP(hs_local_frames_release)
	struct hs_local_frames frames = { .count = 0 };
	enum hs_status st = hs_decls_init(&c->decls, err);
	if (!st)
		st = hs_local_frames_find(n->target, n->syms, &frames, err);
	if (st)
		return st;
	hs_runtime_find(n->target, n->syms, &runtime);
	n->without_dwarf = runtime.program;
	for (size_t i = 0; i < list->count; i++) {
		if (is_of_libc(n, &runtime, i))
			continue;
		if (n->opt->progress &&
		    !n->opt->progress(n->opt->progress_arg,
				      "reading debug info", i, list->count))
			return hs_fail(err, HS_ERR_CANCELLED,
				       "stopped while reading debug info");
		st = hs_symbols_declarations(n->syms, i, &frames, &c->decls,
					     err);
		if (st && st != HS_ERR_NO_SYMBOL)
			return st;
		if (!st) {
			c->ready = true;
			if (i == runtime.program)
				n->without_dwarf = SIZE_MAX;
		}
	}
	n->split_missing = c->decls.split_missing;
	return c->ready ? hs_decls_complete(&c->decls, err) : HS_OK;
}

static enum hs_status add_root(struct hs_c *c, const struct hs_c_root *root,
			       struct hs_error *err)
{
	enum hs_status st = hs_grow(&c->root, &c->root_capacity, c->root_count,
				    sizeof(*c->root), err);
	if (!st && c->root_count < HS_C_FROM_VARIABLE)
		c->root[c->root_count++] = *root;
	return st;
}

/* Variables of functions that are being done. */
static enum hs_status find_locals(struct hs_naming *n, struct hs_c *c,
				  struct hs_error *err)
{
	for (size_t i = 0; i < c->decls.local_count; i++) {
		const struct hs_decl_local *l = &c->decls.local[i];
		struct hs_c_root root = {
			.variable = l->variable,
			.at = l->at,
			.value = l->value,
			.offset = l->offset,
			.tid = n->target->threads.thread[l->thread].tid,
			.local = true,
		};
		enum hs_status st = add_root(c, &root, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* Variables at fixed addresses. */
static enum hs_status find_statics(struct hs_naming *n, struct hs_c *c,
				   bool *any_tls, struct hs_error *err)
{
	size_t module = SIZE_MAX;
	uint64_t bias = 0;
	bool known = false;
	for (uint32_t i = 0; i < c->decls.variable_count; i++) {
		const struct hs_decl_variable *v = &c->decls.variable[i];
		if (v->tls) {
			*any_tls = true;
			continue;
		}
		if (v->local)
			continue;
		if (v->module != module) {
			module = v->module;
			known = !hs_symbols_bias(n->syms, module, &bias, NULL);
		}
		/* 0: the linker left it out. */
		if (!known || v->at == 0)
			continue;
		hs_addr at = v->at + bias;
		if (n->block.word_size == 4)
			at = (uint32_t)at;
		struct hs_c_root root = { .variable = i, .at = at, .tid = -1 };
		enum hs_status st = add_root(c, &root, err);
		if (st)
			return st;
	}
	return HS_OK;
}

static void free_tls(struct hs_tls **tls)
{
	hs_tls_free(*tls);
}

/* Where V is in its block. GCC writes into a file of its own for a unit
 * (-gsplit-dwarf) where it is in the program instead. */
static uint64_t tls_offset(struct hs_naming *n,
			   const struct hs_decl_variable *v)
{
	struct hs_tls_segment tls;
	if (!hs_symbols_tls_segment(n->syms, v->module, &tls, NULL) &&
	    v->at >= tls.memsz && v->at >= tls.vaddr &&
	    v->at - tls.vaddr < tls.memsz)
		return v->at - tls.vaddr;
	return v->at;
}

/* Thread-local variables, of each thread. */
static enum hs_status find_tls(struct hs_naming *n, struct hs_c *c,
			       struct hs_error *err)
{
	HS_CLEANUP(free_tls) struct hs_tls *tls = NULL;
	enum hs_status st = hs_tls_new(n->target, n->syms, &tls, err);
	if (st)
		return st == HS_ERR_NOMEM ? st : HS_OK;
	for (size_t t = 0; t < hs_tls_thread_count(tls); t++) {
		struct hs_tls_thread thread;
		size_t module = SIZE_MAX;
		hs_addr block = HS_NO_ADDR;
		hs_tls_thread(tls, t, &thread);
		for (uint32_t i = 0; i < c->decls.variable_count; i++) {
			const struct hs_decl_variable *v =
				&c->decls.variable[i];
			if (!v->tls)
				continue;
			if (v->module != module) {
				module = v->module;
				st = hs_tls_block(tls, t, module, &block, err);
				if (st == HS_ERR_NOMEM)
					return st;
				if (st)
					block = HS_NO_ADDR;
			}
			if (block == HS_NO_ADDR)
				continue;
			struct hs_c_root root = { .variable = i,
						  .at = block +
							tls_offset(n, v),
						  .tid = thread.tid };
			st = add_root(c, &root, err);
			if (st)
				return st;
		}
	}
	return HS_OK;
}

static enum hs_status read_all(struct hs_naming *n, struct hs_c *c,
			       struct hs_error *err)
{
	bool any_tls = false;
	c->syms = n->syms;
	enum hs_status st = read_modules(n, c, err);
	/* Mistakes in them are said, also where they are of no use. */
	if (!st && n->opt->rules)
		st = hs_c_rules_read(&c->rules, &c->decls, n->opt->rules, err);
	if (st || !c->ready)
		return st;
	hs_window_init(&c->read, n->target);
	c->claim = calloc(n->heap->chunk_count + 1, sizeof(*c->claim));
	c->settled = hs_bits_new(n->heap->chunk_count);
	c->due = hs_bits_new(n->heap->chunk_count);
	if (!c->claim || !c->settled || !c->due)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for claims about %zu chunks",
			       n->heap->chunk_count);
	n->settled = c->settled;
	hs_want_large_pages(c->claim, n->heap->chunk_count * sizeof(*c->claim));
	for (size_t i = 0; i < c->decls.type_count && !c->any_cxx; i++)
		c->any_cxx = c->decls.type[i].cxx;
	st = hs_c_containers_init(c, err);
	if (!st)
		st = hs_c_managers_init(n, c, err);
	if (!st)
		st = hs_c_plans_init(c, err);
	if (!st)
		st = find_statics(n, c, &any_tls, err);
	if (!st && any_tls)
		st = find_tls(n, c, err);
	if (!st)
		st = find_locals(n, c, err);
	if (!st)
		st = hs_c_places_init(c, err);
	return st ? st : hs_c_parts_init(c, err);
}

static void prepare(struct hs_naming *n, void *state)
{
	struct hs_error err = { .code = HS_OK };
	if (!n->syms || n->failed || n->opt->without_c)
		return;
	enum hs_status st = read_all(n, state, &err);
	if (st)
		hs_naming_fail(n, st, &err);
}

/* A container was followed as a whole: where it was found does not matter. */
static bool of_container(const struct hs_c_claim *claim)
{
	return claim->form == HS_C_NODE || claim->form == HS_C_ELEMENTS ||
	       claim->form == HS_C_ROW || claim->form == HS_C_COUNTED_ELSEWHERE;
}

/* What declarations are sure of is more than the shape of a container: its
 * name says what is in it. */
static void note_settled(const struct hs_naming *n, struct hs_c *c)
{
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		const struct hs_c_claim *claim = &c->claim[i];
		if (claim->proven && !claim->clash &&
		    (claim->rank >= HS_C_FIRM_ONE || of_container(claim)))
			hs_bit_set(c->settled, i);
	}
}

static void beside(struct hs_naming *n, void *state)
{
	struct hs_c *c = state;
	struct hs_error err = { .code = HS_OK };
	if (!c->ready)
		return;
	hs_c_spread(n, c);
	note_settled(n, c);
	if (!n->failed && c->read.failed) {
		(void)hs_fail(&err, c->read.failed, "memory could not be read");
		hs_naming_fail(n, c->read.failed, &err);
	}
	free_queues(c);
}

static void survey(struct hs_naming *n, void *state)
{
	struct hs_c *c = state;
	struct hs_error err = { .code = HS_OK };
	if (!c->ready || n->failed)
		return;
	hs_c_overrule_objects(n, c);
	enum hs_status st = hs_c_infer(n, c, &err);
	if (!st)
		hs_c_spread_on(n, c);
	hs_c_inner_sort(c);
	free_queues(c);
	if (!st && c->read.failed)
		st = hs_fail(&err, c->read.failed, "memory could not be read");
	if (st)
		hs_naming_fail(n, st, &err);
}

/* Was what leads to the block found on a stack? It may be left over there, or
 * not yet set. */
static bool by_local(const struct hs_c *c, const struct hs_c_claim *claim)
{
	return claim->from & HS_C_FROM_VARIABLE &&
	       c->root[claim->from & ~HS_C_FROM_VARIABLE].local;
}

/* What leads to the block with CLAIM, from another one. */
static hs_addr slot_of(const struct hs_naming *n,
		       const struct hs_c_claim *claim)
{
	return n->heap->chunks[claim->from].addr + n->heap->layout.header +
	       claim->where;
}

/* ... if that is in the middle of it: the object of a pool there, or NULL. */
static const struct hs_c_inner *by_inner(const struct hs_naming *n,
					 const struct hs_c *c,
					 const struct hs_c_claim *claim)
{
	struct hs_block b;
	if (claim->from & HS_C_FROM_VARIABLE || !c->inners.count ||
	    claim->where == UINT32_MAX || !hs_naming_live(n, claim->from, &b) ||
	    !hs_c_is_unexplained(c, &b, claim->where))
		return NULL;
	return hs_c_inner_at(c, slot_of(n, claim));
}

static enum hs_confidence confidence(const struct hs_naming *n,
				     const struct hs_c *c,
				     const struct hs_c_claim *claim)
{
	if (claim->guess)
		return HS_CONFIDENCE_LOW;
	switch (claim->form) {
	case HS_C_ONE:
		return claim->proven && !by_local(c, claim) &&
				       !by_inner(n, c, claim)
			       ? HS_CONFIDENCE_HIGH
			       : HS_CONFIDENCE_MEDIUM;
	case HS_C_RULE:
	case HS_C_OBJECT:
	case HS_C_THROWN:
	case HS_C_FRAME:
	case HS_C_COUNTED:
	case HS_C_NODE:
		return HS_CONFIDENCE_HIGH;
	case HS_C_ELEMENTS:
	case HS_C_ROW:
	case HS_C_COUNTED_ELSEWHERE:
		return claim->rank >= HS_C_FIRM_MANY ? HS_CONFIDENCE_HIGH
						     : HS_CONFIDENCE_MEDIUM;
	case HS_C_TAIL:
		return HS_CONFIDENCE_MEDIUM;
	case HS_C_ARRAY:
		return claim->proven ? HS_CONFIDENCE_MEDIUM : HS_CONFIDENCE_LOW;
	default:
		return HS_CONFIDENCE_LOW;
	}
}

static const char *evidence(uint8_t form)
{
	static const char *const words[] = {
		[HS_C_NOTHING] = "",
		[HS_C_ONE] = "a pointer of that type, and its size",
		[HS_C_TAIL] = "a pointer of that type; it ends in an array",
		[HS_C_ARRAY] = "a pointer of that type, and room for as many",
		[HS_C_BASE] = "a pointer of that type; it is larger",
		[HS_C_OPAQUE] = "a pointer to a type known by name only",
		[HS_C_WITHIN] = "a pointer to a part of it, and its size",
		[HS_C_RULE] = "a pointer, a rule, and its size",
		[HS_C_CONTENTS] = "what it points to, and its size",
		[HS_C_OBJECT] = "the type_info of its vtable",
		[HS_C_THROWN] = "the runtime's words before it",
		[HS_C_FRAME] = "the functions that it begins with",
		[HS_C_COUNTED] = "a pointer of that type, and their number",
		[HS_C_NODE] = "the declared container, and its count",
		[HS_C_ELEMENTS] = "the declared container, and its size",
		[HS_C_ROW] = "the declared container, and its size",
		[HS_C_COUNTED_ELSEWHERE] =
			"the declared container, and its size",
		[HS_C_ALIKE] = "what all like it point to, and its size",
		[HS_C_CHOSEN] = "a union, what it points to, and its size",
	};
	return words[form];
}

static uint64_t size_of(const struct hs_c *c, const struct hs_c_claim *claim)
{
	return c->decls.type[hs_decls_strip(&c->decls, claim->type)].size;
}

/* How the block is called. False: there is no name for it. */
static bool write_name(struct hs_naming *n, const struct hs_c *c,
		       const struct hs_c_claim *claim, const struct hs_block *b,
		       char *buf, size_t size)
{
	char number[32];
	uint64_t count;
	bool exact;
	if (!hs_decls_spell(&c->decls, claim->type, buf, size))
		return false;
	size_t len = strlen(buf);
	const char *more = "";
	if (claim->form == HS_C_BASE) {
		more = " and more";
	} else if (claim->form == HS_C_COUNTED) {
		if (!hs_block_word(n, b, 0, &count))
			return false;
		(void)snprintf(number, sizeof(number), "[%" PRIu64 "]", count);
		more = number;
	} else if (claim->form == HS_C_ARRAY) {
		count = hs_c_elements(n, b, size_of(c, claim), &exact);
		(void)snprintf(number, sizeof(number), "[%" PRIu64 "]", count);
		more = count && exact ? number : "[]";
	}
	if (strlen(more) >= size - len)
		return false;
	memcpy(buf + len, more, strlen(more) + 1);
	return true;
}

/* Of pointers to bytes the least is said; characters are more. */
static bool is_text(struct hs_naming *n, const struct hs_c *c,
		    const struct hs_c_claim *claim, const struct hs_block *b)
{
	return claim->rank == HS_C_SCALARS && size_of(c, claim) == 1 &&
	       hs_is_plain_text(n, b);
}

/* A module is said where a struct is declared. */
static size_t home(const struct hs_c *c, uint32_t type)
{
	for (unsigned i = 0; i < HS_LIMIT_EMBED_DEPTH; i++) {
		const struct hs_decl_type *t = &c->decls.type[type];
		if (t->kind == HS_DECL_STRUCT || t->kind == HS_DECL_UNION ||
		    t->kind == HS_DECL_ENUM)
			return t->module;
		if (t->kind != HS_DECL_POINTER && t->kind != HS_DECL_ARRAY)
			break;
		type = hs_decls_strip(&c->decls, t->of);
	}
	return SIZE_MAX;
}

/* All that the name of a block depends on, and how sure it is, in a number; 0:
 * not to be had. */
static uint64_t name_key(const struct hs_naming *n,
			 const struct hs_c_claim *claim,
			 const struct hs_block *b, enum hs_confidence sure)
{
	uint64_t key = (uint64_t)claim->type << 32 |
		       (uint64_t)claim->form << 2 | (uint64_t)sure;
	if (claim->form == HS_C_COUNTED)
		return 0;
	if (claim->form != HS_C_ARRAY)
		return key;
	/* The number of its elements. */
	if (b->usable >= 1u << 24 ||
	    n->heap->chunks[b->chunk].state == HS_CHUNK_MMAPPED)
		return 0;
	return key | b->usable << 8;
}

static struct hs_name_memo *memo_of(struct hs_naming *n, uint64_t key)
{
	return &n->memo[(key * 0x9e3779b97f4a7c15 >> 32) % HS_NAME_MEMOS];
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct hs_c *c = state;
	char name[HS_LIMIT_STRING];
	if (!c->ready)
		return false;
	const struct hs_c_claim *claim = &c->claim[b->chunk];
	if (claim->form == HS_C_NOTHING || claim->clash ||
	    is_text(n, c, claim, b))
		return false;
	enum hs_confidence sure = confidence(n, c, claim);
	uint64_t key = name_key(n, claim, b, sure);
	struct hs_name_memo *memo = memo_of(n, key);
	if (key && memo->key == key) {
		*type = memo->type;
		return true;
	}
	struct hs_type what = {
		.name = name,
		.source = HS_TYPE_DWARF,
		.confidence = sure,
		.evidence = evidence(claim->form),
		.module = home(c, claim->type),
	};
	if (!write_name(n, c, claim, b, name, sizeof(name)) ||
	    !hs_naming_read_type(n, &what, type))
		return false;
	*memo = (struct hs_name_memo){ key, *type };
	return true;
}

static bool is_array(uint8_t form)
{
	return form == HS_C_ARRAY || form == HS_C_ROW || hs_c_is_counted(form);
}

/* The step that led to a block with CLAIM: "conn_table[3]", "->next". */
static void write_step(const struct hs_naming *n, const struct hs_c *c,
		       const struct hs_c_claim *claim, struct hs_text *text)
{
	const struct hs_decls *d = &c->decls;
	const struct hs_c_inner *inner = by_inner(n, c, claim);
	if (inner) {
		hs_c_path(c, inner->type, slot_of(n, claim) - inner->at, "->",
			  text);
		return;
	}
	if (claim->from & HS_C_FROM_VARIABLE) {
		const struct hs_c_root *root =
			&c->root[claim->from & ~HS_C_FROM_VARIABLE];
		const struct hs_decl_variable *v = &d->variable[root->variable];
		if (v->function) {
			hs_text_add(text, hs_decls_text(d, v->function));
			hs_text_add(text, v->local ? "()::" : "::");
		}
		hs_text_add(text, hs_decls_text(d, v->name));
		hs_c_path(c, v->type, claim->where, ".", text);
		return;
	}
	const struct hs_c_claim *parent = &c->claim[claim->from];
	uint64_t size = size_of(c, parent), offset = claim->where;
	if (parent->form == HS_C_COUNTED) /* their number comes first */
		offset -= c->read.word_size;
	else if (parent->form == HS_C_THROWN)
		offset -= HS_CXX_THROWN;
	if (is_array(parent->form) && size) {
		char number[32];
		(void)snprintf(number, sizeof(number), "[%" PRIu64 "]",
			       offset / size);
		hs_text_add(text, number);
		hs_c_path(c, parent->type, offset % size, ".", text);
		return;
	}
	hs_c_path(c, parent->type, offset, "->", text);
}

/* How many elements a container of Rust has is said beside the pointer to them:
 * what is meant is the whole. */
static void cut_length(struct hs_text *text)
{
	static const char *const ends[] = { ".vec.len", "->vec.len", ".len",
					    "->len" };
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t len = strlen(ends[i]);
		if (text->full || text->len < len ||
		    strcmp(text->buf + text->len - len, ends[i]) != 0)
			continue;
		text->len -= len;
		text->buf[text->len] = 0;
		return;
	}
}

/* What it is stands in the block. */
static bool says_itself(uint8_t form)
{
	return form == HS_C_OBJECT || form == HS_C_THROWN || form == HS_C_FRAME;
}

/* "conn_table[3]->next", or the last steps of a longer way. */
static void write_way(const struct hs_naming *n, const struct hs_c *c,
		      const struct hs_c_claim *claim, struct hs_text *text)
{
	const struct hs_c_claim *step[MAX_STEPS];
	struct hs_c_claim of_inner[MAX_STEPS];
	unsigned steps = 0;
	bool whole = false;
	while (steps < MAX_STEPS && !whole && claim->form != HS_C_NOTHING &&
	       claim->form != HS_C_CONTENTS && !says_itself(claim->form)) {
		const struct hs_c_inner *inner = by_inner(n, c, claim);
		step[steps++] = claim;
		whole = claim->from & HS_C_FROM_VARIABLE;
		if (inner) {
			of_inner[steps - 1] =
				(struct hs_c_claim){ .type = inner->type,
						     .from = inner->from,
						     .where = inner->where,
						     .form = HS_C_ONE };
			claim = &of_inner[steps - 1];
		} else if (!whole) {
			claim = &c->claim[claim->from];
		}
	}
	/* An object that says itself what it is needs no way to it. */
	char name[HS_LIMIT_STRING];
	if (!whole && steps > 0 && says_itself(claim->form) &&
	    hs_decls_spell(&c->decls, claim->type, name, sizeof(name)))
		hs_text_add(text, name);
	else if (!whole)
		hs_text_add(text, "...");
	while (steps > 0) {
		write_step(n, c, step[--steps], text);
		if (step[steps]->form == HS_C_COUNTED_ELSEWHERE ||
		    (step[steps]->form == HS_C_ROW &&
		     c->decls.type[step[steps]->type].rust))
			cut_length(text);
	}
}

/* "->session, a struct session": what told that it is one. */
static void write_content(const struct hs_c *c, const struct hs_c_claim *claim,
			  struct hs_text *text)
{
	char name[HS_LIMIT_STRING];
	hs_c_path(c, claim->type, claim->where, "->", text);
	if (hs_decls_spell(&c->decls, c->claim[claim->from].type, name,
			   sizeof(name))) {
		hs_text_add(text, ", a ");
		hs_text_add(text, name);
	}
}

static void details(struct hs_naming *n, void *state, const struct hs_block *b,
		    hs_detail_fn fn, void *arg)
{
	struct hs_c *c = state;
	char buf[1024], line[64];
	struct hs_text text;
	const struct hs_c_claim *claim = &c->claim[b->chunk];
	bool content = claim->form == HS_C_CONTENTS;
	hs_text_init(&text, buf, sizeof(buf));
	if (content)
		write_content(c, claim, &text);
	else
		write_way(n, c, claim, &text);
	if (!text.full &&
	    !fn(arg, content ? "recognised by" : "pointed to by", buf))
		return;
	if (!size_of(c, claim))
		return;
	(void)snprintf(line, sizeof(line), "%" PRIu64, size_of(c, claim));
	(void)fn(arg, "size of the type", line);
}

static bool place(void *state, hs_addr addr, struct hs_text *text)
{
	return hs_c_place(state, addr, text);
}

static void fields(struct hs_naming *n, void *state, const struct hs_block *b,
		   hs_field_fn fn, void *arg)
{
	struct hs_c *c = state;
	/* An object of C++ may have no declaration, and others nothing but
	 * that. */
	if (c->ready && c->claim[b->chunk].form != HS_C_NOTHING)
		hs_c_fields(n, c, b, &c->claim[b->chunk], fn, arg);
}

const struct hs_namer hs_namer_c = {
	.state_size = sizeof(struct hs_c),
	.release = release,
	.prepare = prepare,
	.beside = beside,
	.survey = survey,
	.claim_late = claim_late,
	.fields = fields,
	.details = details,
	.place = place,
	.source = HS_TYPE_DWARF,
};
