/* SPDX-License-Identifier: MIT */
#include "tls/thread_lists.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/grow.h"
#include "core/limits.h"

/* Addresses of the two list heads. */
struct heads {
	hs_addr used, user;
};

/* Both as variables of MODULE: libpthread up to 2.32, static programs. */
static enum hs_status heads_by_name(struct hs_symbols *syms, size_t module,
				    const char *used, const char *user,
				    struct heads *ret, struct hs_error *err)
{
	struct hs_symbol_info a, b;
	if (module == SIZE_MAX)
		return hs_fail(err, HS_ERR_NO_SYMBOL, "no such module");
	enum hs_status st = hs_symbols_find(syms, module, used, &a, err);
	if (!st)
		st = hs_symbols_find(syms, module, user, &b, err);
	if (st)
		return st;
	*ret = (struct heads){ a.addr, b.addr };
	return HS_OK;
}

static enum hs_status find_heads(struct hs_symbols *syms,
				 const struct hs_runtime *runtime,
				 const struct hs_thread_offsets *offsets,
				 struct heads *ret, struct hs_error *err)
{
	struct hs_symbol_info rtld;
	enum hs_status st = HS_ERR_NO_SYMBOL;
	if (runtime->loader != SIZE_MAX &&
	    offsets->stack_used != HS_NO_OFFSET &&
	    offsets->stack_user != HS_NO_OFFSET)
		st = hs_symbols_find(syms, runtime->loader, "_rtld_global",
				     &rtld, err);
	if (!st) {
		*ret = (struct heads){ rtld.addr + offsets->stack_used,
				       rtld.addr + offsets->stack_user };
		return HS_OK;
	}
	if (st == HS_ERR_NO_SYMBOL)
		st = heads_by_name(syms, runtime->libpthread, "stack_used",
				   "__stack_user", ret, err);
	if (st == HS_ERR_NO_SYMBOL && runtime->libc == SIZE_MAX) {
		st = heads_by_name(syms, runtime->program, "_dl_stack_used",
				   "_dl_stack_user", ret, err);
		if (st == HS_ERR_NO_SYMBOL)
			st = heads_by_name(syms, runtime->program, "stack_used",
					   "__stack_user", ret, err);
	}
	return st;
}

static enum hs_status add(const struct hs_target *target,
			  const struct hs_thread_offsets *offsets, hs_addr node,
			  struct hs_listed_threads *list, struct hs_error *err)
{
	hs_addr pthread = node - offsets->list, tp;
	uint64_t raw;
	if (!hs_pthread_tp(target, offsets, pthread, &tp) ||
	    hs_target_read_uint(target, pthread + offsets->tid, 4, &raw, NULL))
		return HS_OK;
	int32_t tid = (int32_t)(uint32_t)raw;
	if (tid <= 0)
		return HS_OK; /* it has ended, nobody joined it yet */
	enum hs_status st = hs_grow(&list->thread, &list->capacity, list->count,
				    sizeof(*list->thread), err);
	if (st)
		return st;
	list->thread[list->count++] = (struct hs_listed_thread){ tp, tid };
	return HS_OK;
}

/* Round the ring from HEAD. Every `prev` must lead back to where we came from:
 * a ring that does not is broken, and no cycle beside HEAD can catch us. */
static enum hs_status walk(const struct hs_target *target,
			   const struct hs_thread_offsets *offsets,
			   hs_addr head, struct hs_listed_threads *list,
			   bool *whole, struct hs_note_list *notes,
			   struct hs_error *err)
{
	hs_addr at = head;
	*whole = false;
	for (unsigned n = 0; n < HS_LIMIT_THREADS; n++) {
		uint64_t next, back;
		if (hs_target_read_word(target, at, &next, NULL))
			break;
		/* Zero before libpthread made a ring of it: no threads yet. */
		if (at == head && next == 0) {
			*whole = true;
			return HS_OK;
		}
		if (hs_target_read_word(target, next + target->word_size, &back,
					NULL) ||
		    back != at)
			break;
		if (next == head) {
			*whole = true;
			return HS_OK;
		}
		enum hs_status st = add(target, offsets, next, list, err);
		if (st)
			return st;
		at = next;
	}
	return hs_note_add(notes, HS_WARNING, "thread-list-broken", at, err,
			   "the C library's list of threads breaks off at "
			   "0x%" PRIx64,
			   at);
}

enum hs_status hs_thread_lists_read(const struct hs_target *target,
				    struct hs_symbols *syms,
				    const struct hs_runtime *runtime,
				    const struct hs_thread_offsets *offsets,
				    struct hs_listed_threads *ret,
				    struct hs_note_list *notes,
				    struct hs_error *err)
{
	struct heads heads;
	bool used, user;
	ret->known = false;
	if (offsets->list == HS_NO_OFFSET || offsets->tid == HS_NO_OFFSET)
		return HS_OK;
	enum hs_status st = find_heads(syms, runtime, offsets, &heads, err);
	if (st)
		return st == HS_ERR_NO_SYMBOL ? HS_OK : st;
	st = walk(target, offsets, heads.user, ret, &user, notes, err);
	if (!st)
		st = walk(target, offsets, heads.used, ret, &used, notes, err);
	if (st)
		return st;
	/* Somebody runs: two empty lists were never filled. */
	ret->known = used && user && ret->count > 0;
	return HS_OK;
}

void hs_listed_threads_release(struct hs_listed_threads *list)
{
	free(list->thread);
	*list = (struct hs_listed_threads){ 0 };
}
