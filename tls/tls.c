/* SPDX-License-Identifier: MIT */
#include "tls/tls.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "core/limits.h"
#include "tls/dtv.h"
#include "tls/self_pointers.h"
#include "tls/thread_lists.h"

/* Thread pointers that a layout is proved with, and pairs of thread and module
 * whose two ways are compared: enough to convince. */
#define MAX_PROOFS 8u
#define MAX_COMPARED (1u << 16)

struct hs_tls {
	const struct hs_target *target;
	struct hs_tls_thread *thread;
	size_t count, capacity;
	bool lists_known;
	struct hs_module_tls *module; /* one for each of the target's */
	struct hs_note_list notes;
};

static enum hs_status add_thread(struct hs_tls *tls,
				 const struct hs_tls_thread *thread,
				 struct hs_error *err)
{
	enum hs_status st = hs_grow(&tls->thread, &tls->capacity, tls->count,
				    sizeof(*tls->thread), err);
	if (st)
		return st;
	tls->thread[tls->count++] = *thread;
	return HS_OK;
}

static enum hs_status threads_of_target(struct hs_tls *tls,
					struct hs_error *err)
{
	const struct hs_thread_list *list = &tls->target->threads;
	for (size_t i = 0; i < list->count; i++) {
		const struct hs_thread *t = &list->thread[i];
		struct hs_tls_thread thread = {
			.tid = t->tid,
			/* 0 is a thread that never set one */
			.tp = t->tls_base ? t->tls_base : HS_NO_ADDR,
			.thread = i,
			.origin = HS_TLS_REGISTERS,
		};
		enum hs_status st = add_thread(tls, &thread, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* Thread indexes by thread pointer or by tid, to find one among many. */
struct key {
	uint64_t value;
	size_t index;
};

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	if (x->value != y->value)
		return x->value > y->value ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

static enum hs_status sort_threads(const struct hs_tls *tls, bool by_tid,
				   struct key **ret, struct hs_error *err)
{
	struct key *key = malloc((tls->count + 1) * sizeof(*key));
	if (!key)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < tls->count; i++)
		key[i] = (struct key){
			by_tid ? (uint64_t)tls->thread[i].tid
			       : tls->thread[i].tp,
			i,
		};
	qsort(key, tls->count, sizeof(*key), compare_keys);
	*ret = key;
	return HS_OK;
}

/* The first of COUNT keys with this value, or NULL. */
static const struct key *find_key(const struct key *key, size_t count,
				  uint64_t value)
{
	size_t lo = 0, hi = count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (key[mid].value < value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < count && key[lo].value == value ? &key[lo] : NULL;
}

/*
 * clone() without a thread pointer of its own: several have this one, and the
 * tid tells which of them is listed, if it is not that of another namespace.
 */
static void mark_listed(struct hs_tls *tls, const struct key *key,
			const struct key *end, const struct hs_listed_thread *l)
{
	bool told = false;
	for (const struct key *k = key; k < end && k->value == l->tp; k++)
		told |= tls->thread[k->index].tid == l->tid;
	for (const struct key *k = key; k < end && k->value == l->tp; k++) {
		struct hs_tls_thread *t = &tls->thread[k->index];
		t->listed = !told || t->tid == l->tid;
		t->borrows = !t->listed;
	}
}

/*
 * The thread pointer is the identity: a tid inside a pid namespace is not the
 * one the dump knows. The tid serves where the dump has no thread pointer.
 */
static enum hs_status join_lists(struct hs_tls *tls,
				 const struct hs_listed_threads *list,
				 struct hs_error *err)
{
	HS_AUTO_FREE struct key *by_tp = NULL;
	HS_AUTO_FREE struct key *by_tid = NULL;
	enum hs_status st = sort_threads(tls, false, &by_tp, err);
	if (!st)
		st = sort_threads(tls, true, &by_tid, err);
	if (st)
		return st;
	size_t known = tls->count, only_listed = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct hs_listed_thread *l = &list->thread[i];
		const struct key *key = find_key(by_tp, known, l->tp);
		if (key) {
			mark_listed(tls, key, by_tp + known, l);
			continue;
		}
		key = find_key(by_tid, known, (uint64_t)l->tid);
		if (key && tls->thread[key->index].tp == HS_NO_ADDR) {
			tls->thread[key->index].tp = l->tp;
			tls->thread[key->index].origin = HS_TLS_LISTS;
			tls->thread[key->index].listed = true;
			continue;
		}
		struct hs_tls_thread thread = {
			.tid = l->tid,
			.tp = l->tp,
			.thread = SIZE_MAX,
			.origin = HS_TLS_LISTS,
			.listed = true,
		};
		st = add_thread(tls, &thread, err);
		/* A target without any thread says so itself. */
		if (!st && known > 0 &&
		    only_listed++ < HS_LIMIT_PROBLEMS_PER_CODE)
			st = hs_note_add(&tls->notes, HS_WARNING,
					 "thread-only-listed", l->tp, err,
					 "thread %" PRId64 " is on the C "
					 "library's lists, but its registers "
					 "are not in the capture",
					 l->tid);
		if (st)
			return st;
	}
	return HS_OK;
}

static enum hs_status note_unlisted(struct hs_tls *tls, struct hs_error *err)
{
	unsigned noted = 0;
	for (size_t i = 0; tls->lists_known && i < tls->count; i++) {
		const struct hs_tls_thread *t = &tls->thread[i];
		if (t->listed || t->borrows ||
		    noted++ >= HS_LIMIT_PROBLEMS_PER_CODE)
			continue;
		enum hs_status st = hs_note_add(
			&tls->notes, HS_NOTE, "thread-not-listed", t->tp, err,
			"thread %" PRId64 " is not on the C library's lists: "
			"it was not made by pthread_create()",
			t->tid);
		if (st)
			return st;
	}
	return HS_OK;
}

static bool any_pointer(const struct hs_tls *tls)
{
	for (size_t i = 0; i < tls->count; i++)
		if (tls->thread[i].tp != HS_NO_ADDR)
			return true;
	return false;
}

static enum hs_status scan_for_threads(struct hs_tls *tls,
				       const struct hs_thread_offsets *offsets,
				       struct hs_error *err)
{
	HS_AUTO_FREE hs_addr *tp = NULL;
	size_t count;
	enum hs_status st =
		hs_self_pointers_scan(tls->target, offsets, &tp, &count, err);
	for (size_t i = 0; !st && i < count; i++) {
		struct hs_tls_thread thread = {
			.tid = -1,
			.tp = tp[i],
			.thread = SIZE_MAX,
			.origin = HS_TLS_SCAN,
		};
		uint64_t tid;
		if (offsets->tid != HS_NO_OFFSET &&
		    !hs_target_read_uint(tls->target, tp[i] + offsets->tid, 4,
					 &tid, NULL))
			thread.tid = (int64_t)tid;
		st = add_thread(tls, &thread, err);
	}
	return st;
}

static void first_pointers(const struct hs_tls *tls, hs_addr *tp, size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < tls->count && *count < MAX_PROOFS; i++)
		if (tls->thread[i].tp != HS_NO_ADDR)
			tp[(*count)++] = tls->thread[i].tp;
}

static enum hs_status find_threads(struct hs_tls *tls, struct hs_symbols *syms,
				   const struct hs_runtime *runtime,
				   struct hs_thread_offsets *offsets,
				   struct hs_error *err)
{
	enum hs_status st = threads_of_target(tls, err);
	if (st)
		return st;
	for (size_t i = 0; i < tls->count && i < MAX_PROOFS; i++)
		if (tls->thread[i].tp != HS_NO_ADDR)
			hs_thread_offsets_guess(tls->target, tls->thread[i].tp,
						offsets);
	struct hs_listed_threads list = { 0 };
	st = hs_thread_lists_read(tls->target, syms, runtime, offsets, &list,
				  &tls->notes, err);
	if (!st)
		st = join_lists(tls, &list, err);
	tls->lists_known = list.known;
	hs_listed_threads_release(&list);
	if (!st)
		st = note_unlisted(tls, err);
	if (!st && !any_pointer(tls))
		st = scan_for_threads(tls, offsets, err);
	return st;
}

/* Two ways lead to a block in static TLS. They must meet. */
static enum hs_status compare_ways(struct hs_tls *tls, struct hs_error *err)
{
	size_t compared = 0, differ = 0;
	hs_addr first = HS_NO_ADDR;
	for (size_t m = 0; m < tls->target->modules.count; m++) {
		const struct hs_module_tls *mod = &tls->module[m];
		if (!mod->known || !mod->fixed || mod->modid == 0)
			continue;
		for (size_t i = 0; i < tls->count && compared < MAX_COMPARED;
		     i++) {
			hs_addr tp = tls->thread[i].tp, block;
			if (tp == HS_NO_ADDR)
				continue;
			compared++;
			if (hs_dtv_entry(tls->target, tp, mod->modid, &block,
					 NULL) ||
			    block == hs_tls_add(tls->target, tp, mod->offset))
				continue;
			if (differ++ == 0)
				first = tp;
		}
	}
	if (differ == 0)
		return HS_OK;
	return hs_note_add(&tls->notes, HS_WARNING, "dtv-contradicts", first,
			   err,
			   "the DTV of the thread at 0x%" PRIx64
			   " does not agree with the module's static offset "
			   "(%zu of %zu entries); the offset is used",
			   first, differ, compared);
}

static enum hs_status find_modules(struct hs_tls *tls, struct hs_symbols *syms,
				   const struct hs_runtime *runtime,
				   const struct hs_thread_offsets *offsets,
				   struct hs_error *err)
{
	struct hs_link_map_list maps = { 0 };
	hs_addr tp[MAX_PROOFS];
	size_t count;
	tls->module =
		calloc(tls->target->modules.count + 1, sizeof(*tls->module));
	if (!tls->module)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	enum hs_status st = hs_link_maps_read(tls->target, syms, runtime, &maps,
					      &tls->notes, err);
	first_pointers(tls, tp, &count);
	if (!st)
		st = hs_module_tls_find(tls->target, syms, runtime, &maps,
					offsets, tp, count, tls->module, err);
	hs_link_map_list_release(&maps);
	return st ? st : compare_ways(tls, err);
}

enum hs_status hs_tls_new(struct hs_target *target, struct hs_symbols *syms,
			  struct hs_tls **ret, struct hs_error *err)
{
	struct hs_tls *tls = calloc(1, sizeof(*tls));
	if (!tls)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	tls->target = target;
	struct hs_runtime runtime;
	struct hs_thread_offsets offsets;
	hs_runtime_find(target, syms, &runtime);
	enum hs_status st =
		hs_thread_offsets_find(target, syms, &runtime, &offsets, err);
	if (!st)
		st = find_threads(tls, syms, &runtime, &offsets, err);
	if (!st)
		st = find_modules(tls, syms, &runtime, &offsets, err);
	if (st) {
		hs_tls_free(tls);
		return st;
	}
	*ret = tls;
	return HS_OK;
}

void hs_tls_free(struct hs_tls *tls)
{
	if (!tls)
		return;
	free(tls->thread);
	free(tls->module);
	hs_note_list_release(&tls->notes);
	free(tls);
}

size_t hs_tls_thread_count(const struct hs_tls *tls)
{
	return tls->count;
}

void hs_tls_thread(const struct hs_tls *tls, size_t i,
		   struct hs_tls_thread *ret)
{
	assert(i < tls->count);
	*ret = tls->thread[i];
}

bool hs_tls_lists_known(const struct hs_tls *tls)
{
	return tls->lists_known;
}

const struct hs_note_list *hs_tls_notes(const struct hs_tls *tls)
{
	return &tls->notes;
}

enum hs_status hs_tls_block(const struct hs_tls *tls, size_t i, size_t module,
			    hs_addr *ret, struct hs_error *err)
{
	assert(i < tls->count && module < tls->target->modules.count);
	const struct hs_module_tls *m = &tls->module[module];
	hs_addr tp = tls->thread[i].tp;
	if (!m->known)
		return hs_fail(err, HS_ERR_NO_SYMBOL,
			       "no link map tells where thread-local variables "
			       "of \"%s\" are",
			       tls->target->modules.module[module].path);
	if (tp == HS_NO_ADDR)
		return hs_fail(err, HS_ERR_NO_SYMBOL,
			       "thread pointer of thread %" PRId64
			       " is not known",
			       tls->thread[i].tid);
	/* Code with initial-exec access never looks at the DTV: where there
	 * is a static offset, the variables are there. */
	if (m->fixed) {
		*ret = hs_tls_add(tls->target, tp, m->offset);
		return HS_OK;
	}
	return hs_dtv_entry(tls->target, tp, m->modid, ret, err);
}
