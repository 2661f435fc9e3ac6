/* SPDX-License-Identifier: MIT */
#include "types/name_blocks.h"

#include <stdlib.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "types/links.h"
#include <heapscan/crew.h>

/*
 * Two passes over the blocks, with a survey of everything between them. Blocks
 * go to workers in pieces. In the first pass a worker has states of its own
 * (what is known of a class is found out once by each) and in both a table of
 * types of its own, so that nobody waits for anybody. Afterwards types get
 * their numbers in the order of the blocks that have them: who did which piece
 * leaves no trace.
 */
#define PIECE_SHIFT 14u
#define PIECE (1u << PIECE_SHIFT) /* chunks: a few milliseconds */
/* Chunks to the one whose first word tells what else will be read. */
#define AHEAD_BEHIND_IT 8u

/* In type_of: a number of the worker's table, not of the common one. */
#define OWN (UINT32_C(1) << 31)

struct worker {
	struct hs_naming naming;
	struct hs_namer_states states; /* empty in the second pass */
	uint32_t *number;              /* 1 + common number, by own; 0: not
					* met yet */
};

struct pass {
	struct hs_naming *common;
	struct hs_namer_states *states;
	struct worker *worker;
	unsigned workers;
	bool late;
	bool beside_done; /* see hs_namer.beside */
	uint8_t *who;     /* the worker of each piece */
	/* The namers that claim in this pass. */
	size_t asked[HS_NAMERS], asked_count;
};

static bool claim_early(const struct pass *pass, struct worker *w,
			const struct hs_block *b, uint32_t *type)
{
	for (size_t k = 0; k < pass->asked_count; k++) {
		size_t i = pass->asked[k];
		if (hs_namers[i]->claim(&w->naming, w->states.of[i], b, type))
			return true;
	}
	return false;
}

static bool claim_late(const struct pass *pass, struct worker *w,
		       const struct hs_block *b, uint32_t *type)
{
	for (size_t k = 0; k < pass->asked_count; k++) {
		size_t i = pass->asked[k];
		if (hs_namers[i]->claim_late(&w->naming, pass->states->of[i], b,
					     type))
			return true;
	}
	return false;
}

/* No memory for what was found out, or a disk that fails. */
static enum hs_status trouble(const struct hs_naming *n, struct hs_error *err)
{
	if (n->failed && err)
		*err = n->error;
	if (n->failed)
		return n->failed;
	enum hs_status st = n->block.failed ? n->block.failed : n->meta.failed;
	return st ? hs_fail(err, st, "memory could not be read") : HS_OK;
}

static void ask_behind_it(struct hs_naming *n, size_t i)
{
	const struct hs_chunk *c = &n->heap->chunks[i];
	size_t left = n->heap->chunk_count - i, header = n->heap->layout.header;
	uint64_t first;
	if (left > AHEAD_BEHIND_IT &&
	    hs_window_has(&n->block, c[AHEAD_BEHIND_IT].addr + header) &&
	    hs_window_word(&n->block, c[AHEAD_BEHIND_IT].addr + header, &first))
		hs_window_ask(&n->meta, first);
}

/* In whose hands it is does not matter: what it finds out is for the second
 * pass, and nobody else looks at it now. */
static enum hs_status do_beside(struct pass *pass, struct worker *w,
				struct hs_error *err)
{
	for (size_t i = 0; !pass->beside_done && i < HS_NAMERS; i++)
		if (hs_namers[i]->beside)
			hs_namers[i]->beside(&w->naming, pass->states->of[i]);
	pass->beside_done = true;
	return trouble(&w->naming, err);
}

static enum hs_status do_piece(void *arg, unsigned worker, size_t piece,
			       struct hs_error *err)
{
	struct pass *pass = arg;
	struct worker *w = &pass->worker[worker];
	struct hs_naming *n = &w->naming;
	if (!pass->late && piece-- == 0) /* the longest one goes first */
		return do_beside(pass, w, err);
	size_t end = (piece + 1) << PIECE_SHIFT;
	if (end > n->heap->chunk_count)
		end = n->heap->chunk_count;
	pass->who[piece] = (uint8_t)worker;
	for (size_t i = piece << PIECE_SHIFT; i < end; i++) {
		struct hs_block b;
		uint32_t type;
		hs_naming_look_ahead(n, i);
		ask_behind_it(n, i);
		if (n->type_of[i] != HS_NO_TYPE || !hs_naming_block(n, i, &b))
			continue;
		if (pass->late ? claim_late(pass, w, &b, &type)
			       : claim_early(pass, w, &b, &type))
			n->type_of[i] = type | OWN;
		else if (!pass->late)
			hs_note_plain_text(n, &b);
	}
	return trouble(n, err);
}

static void worker_release(struct worker *w)
{
	hs_namer_states_release(&w->states);
	hs_type_table_release(&w->naming.table);
	free(w->number);
	w->number = NULL;
}

static enum hs_status worker_init(struct worker *w, const struct pass *pass,
				  struct hs_error *err)
{
	const struct hs_naming *n = pass->common;
	*w = (struct worker){ .naming = { .target = n->target,
					  .heap = n->heap,
					  .type_of = n->type_of,
					  .text = n->text,
					  .plain = n->plain,
					  .missing_module = SIZE_MAX,
					  .finder = n->finder } };
	hs_window_init(&w->naming.block, n->target);
	hs_window_init(&w->naming.meta, n->target);
	return pass->late ? HS_OK
			  : hs_namer_states_copy(&w->states, pass->states, err);
}

/* The common number of W's type; a new one if nobody met it before. */
static enum hs_status common_number(struct hs_naming *n, struct worker *w,
				    uint32_t own, uint32_t *ret,
				    struct hs_error *err)
{
	if (!w->number[own]) {
		size_t count = n->table.count;
		const struct hs_type *type = &w->naming.table.type[own];
		uint32_t number;
		enum hs_status st =
			hs_type_table_put(&n->table, type, &number, err);
		if (st)
			return st;
		if (n->table.count > count)
			n->text += strlen(type->name);
		w->number[own] = number + 1;
	}
	*ret = w->number[own] - 1;
	return HS_OK;
}

/* The blocks of the piece that begins with chunk FIRST. */
static enum hs_status number_piece(struct pass *pass, size_t first,
				   struct hs_error *err)
{
	struct hs_naming *n = pass->common;
	struct worker *w = &pass->worker[pass->who[first >> PIECE_SHIFT]];
	size_t left = n->heap->chunk_count - first;
	uint32_t *type = n->type_of + first;
	for (size_t i = 0; i < PIECE && i < left; i++) {
		if (type[i] == HS_NO_TYPE || !(type[i] & OWN))
			continue;
		enum hs_status st =
			common_number(n, w, type[i] & ~OWN, &type[i], err);
		if (st)
			return st;
	}
	return HS_OK;
}

static enum hs_status number_types(struct pass *pass, struct hs_error *err)
{
	struct hs_naming *n = pass->common;
	for (unsigned i = 0; i < pass->workers; i++) {
		struct worker *w = &pass->worker[i];
		w->number =
			calloc(w->naming.table.count + 1, sizeof(*w->number));
		if (!w->number)
			return hs_fail(err, HS_ERR_NOMEM,
				       "no memory for %zu types",
				       w->naming.table.count);
	}
	enum hs_status st = HS_OK;
	for (size_t first = 0; !st && first < n->heap->chunk_count;
	     first += PIECE)
		st = number_piece(pass, first, err);
	return st;
}

/* What all workers found out, in one. */
static enum hs_status put_together(struct pass *pass, struct hs_error *err)
{
	struct hs_naming *n = pass->common;
	for (unsigned i = 0; i < pass->workers; i++) {
		struct worker *w = &pass->worker[i];
		n->nameless += w->naming.nameless;
		if (w->naming.missing_module < n->missing_module)
			n->missing_module = w->naming.missing_module;
		for (size_t k = 0; !pass->late && k < HS_NAMERS; k++)
			if (hs_namers[k]->merge)
				hs_namers[k]->merge(n, pass->states->of[k],
						    w->states.of[k]);
	}
	enum hs_status st = trouble(n, err);
	return st ? st : number_types(pass, err);
}

static enum hs_status work(struct pass *pass,
			   const struct hs_types_options *opt, size_t pieces,
			   struct hs_error *err)
{
	enum hs_status st = HS_OK;
	for (unsigned i = 0; !st && i < pass->workers; i++)
		st = worker_init(&pass->worker[i], pass, err);
	if (!st)
		st = hs_crew_run(pass->workers, pieces + !pass->late, do_piece,
				 pass,
				 pass->late ? "naming the rest" : "naming",
				 opt->progress, opt->progress_arg, err);
	return st;
}

/* Did a worker meet more names than it could keep? Which ones it met first is
 * its own affair. */
static bool overflowed(const struct pass *pass)
{
	for (unsigned i = 0; i < pass->workers; i++)
		if (pass->worker[i].naming.overflow)
			return true;
	return false;
}

static void unname(struct pass *pass)
{
	struct hs_naming *n = pass->common;
	for (size_t i = 0; i < n->heap->chunk_count; i++)
		if (n->type_of[i] & OWN)
			n->type_of[i] = HS_NO_TYPE;
	for (unsigned i = 0; i < pass->workers; i++)
		worker_release(&pass->worker[i]);
}

static enum hs_status run(struct hs_naming *n, struct hs_namer_states *states,
			  bool late, const struct hs_types_options *opt,
			  struct hs_error *err)
{
	size_t pieces = (n->heap->chunk_count + PIECE - 1) >> PIECE_SHIFT;
	unsigned workers = hs_crew_count(opt->jobs, pieces + !late);
	HS_AUTO_FREE struct worker *worker = calloc(workers, sizeof(*worker));
	HS_AUTO_FREE uint8_t *who = calloc(pieces + 1, 1);
	if (!worker || !who)
		return hs_fail(err, HS_ERR_NOMEM, "no memory to name");
	struct pass pass = { .common = n,
			     .states = states,
			     .worker = worker,
			     .workers = workers,
			     .late = late,
			     .who = who };
	for (size_t i = 0; i < HS_NAMERS; i++)
		if (late ? hs_namers[i]->claim_late != NULL
			 : hs_namers[i]->claim != NULL)
			pass.asked[pass.asked_count++] = i;
	enum hs_status st = work(&pass, opt, pieces, err);
	if (!st && overflowed(&pass) && workers > 1) {
		unname(&pass);
		pass.workers = 1;
		st = work(&pass, opt, pieces, err);
	}
	if (!st)
		st = put_together(&pass, err);
	for (unsigned i = 0; i < workers; i++)
		worker_release(&worker[i]);
	return st;
}

enum hs_status hs_name_blocks(struct hs_naming *n,
			      struct hs_namer_states *states,
			      const struct hs_types_options *opt,
			      struct hs_error *err)
{
	for (size_t i = 0; i < n->heap->chunk_count; i++)
		n->type_of[i] = HS_NO_TYPE;
	for (size_t i = 0; i < HS_NAMERS; i++)
		if (hs_namers[i]->prepare)
			hs_namers[i]->prepare(n, states->of[i]);
	enum hs_status st = trouble(n, err);
	if (!st)
		st = run(n, states, false, opt, err);
	if (st)
		return st;
	for (size_t i = 0; i < HS_NAMERS; i++)
		if (hs_namers[i]->survey)
			hs_namers[i]->survey(n, states->of[i]);
	st = trouble(n, err);
	if (!st)
		st = run(n, states, true, opt, err);
	if (st)
		return st;
	hs_name_links(n);
	return trouble(n, err);
}
