/* SPDX-License-Identifier: MIT */
#include "tls/link_maps.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/grow.h"
#include "core/limits.h"

/* The head of struct link_map, in words; public, the same for ever. */
enum { L_LD = 2, L_NEXT = 3, L_PREV = 4 };
/* struct r_debug in words (r_version and r_state take one each), and r_next
 * of r_debug_extended behind it since 2.35, when r_version became 2. */
enum { R_MAP = 1, R_NEXT = 5 };

struct walk {
	const struct hs_target *target;
	struct hs_symbols *syms;
	struct hs_link_map_list *list;
	struct hs_note_list *notes;
};

static bool word(const struct walk *w, hs_addr addr, unsigned i, uint64_t *ret)
{
	return hs_target_read_word(w->target, addr + i * w->target->word_size,
				   ret, NULL) == HS_OK;
}

static bool already_met(const struct hs_link_map_list *list, hs_addr addr)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->map[i].addr == addr)
			return true;
	return false;
}

/* The module whose dynamic section is at LD; SIZE_MAX: none. A module's range
 * alone proves nothing: the section must be the very one. */
static enum hs_status module_of(const struct walk *w, hs_addr ld, size_t *ret,
				struct hs_error *err)
{
	hs_addr dynamic;
	size_t module = hs_target_find_module(w->target, ld);
	*ret = SIZE_MAX;
	if (module == SIZE_MAX)
		return HS_OK;
	enum hs_status st = hs_symbols_dynamic(w->syms, module, &dynamic, err);
	if (st)
		return st == HS_ERR_NO_SYMBOL ? HS_OK : st;
	if (dynamic == ld)
		*ret = module;
	return HS_OK;
}

static enum hs_status broken(struct walk *w, hs_addr at, struct hs_error *err)
{
	return hs_note_add(w->notes, HS_WARNING, "link-map-broken", at, err,
			   "ld.so's list of loaded objects breaks off at "
			   "0x%" PRIx64,
			   at);
}

/* Every l_prev must lead back: thus no cycle can catch us. */
static enum hs_status walk_maps(struct walk *w, hs_addr first,
				struct hs_error *err)
{
	hs_addr before = 0;
	if (first == 0 || already_met(w->list, first))
		return HS_OK;
	for (hs_addr at = first; at != 0;) {
		uint64_t ld, next, prev;
		if (w->list->count == HS_LIMIT_LINK_MAPS ||
		    !word(w, at, L_LD, &ld) || !word(w, at, L_NEXT, &next) ||
		    !word(w, at, L_PREV, &prev) || prev != before)
			return broken(w, at, err);
		enum hs_status st =
			hs_grow(&w->list->map, &w->list->capacity,
				w->list->count, sizeof(*w->list->map), err);
		if (st)
			return st;
		struct hs_link_map map = { .addr = at };
		st = module_of(w, ld, &map.module, err);
		if (st)
			return st;
		w->list->map[w->list->count++] = map;
		before = at;
		at = next;
	}
	return HS_OK;
}

/* DEBUG is the first struct r_debug; later namespaces hang on it. */
static enum hs_status walk_namespaces(struct walk *w, hs_addr debug,
				      struct hs_error *err)
{
	for (unsigned n = 0; debug != 0 && n < HS_LIMIT_NAMESPACES; n++) {
		uint64_t version, map;
		if (hs_target_read_uint(w->target, debug, 4, &version, NULL) ||
		    version == 0 || version > 2 || !word(w, debug, R_MAP, &map))
			return HS_OK;
		enum hs_status st = walk_maps(w, map, err);
		if (st)
			return st;
		if (version < 2 || !word(w, debug, R_NEXT, &debug))
			return HS_OK;
	}
	return HS_OK;
}

/* What ld.so wrote into the program's DT_DEBUG; 0: nothing. */
static hs_addr debug_of_program(const struct walk *w, size_t program)
{
	hs_addr at;
	unsigned size = 2 * w->target->word_size;
	if (program == SIZE_MAX ||
	    hs_symbols_dynamic(w->syms, program, &at, NULL) || at == HS_NO_ADDR)
		return 0;
	for (unsigned i = 0; i < HS_LIMIT_DYNAMIC_ENTRIES; i++, at += size) {
		uint64_t tag, value;
		if (!word(w, at, 0, &tag) || !word(w, at, 1, &value) ||
		    tag == DT_NULL)
			break;
		if (tag == DT_DEBUG)
			return value;
	}
	return 0;
}

enum hs_status hs_link_maps_read(const struct hs_target *target,
				 struct hs_symbols *syms,
				 const struct hs_runtime *runtime,
				 struct hs_link_map_list *list,
				 struct hs_note_list *notes,
				 struct hs_error *err)
{
	struct walk w = { target, syms, list, notes };
	struct hs_symbol_info info;
	uint64_t head;
	enum hs_status st = HS_OK;
	if (runtime->loader != SIZE_MAX) {
		/* Its first member is that of the first namespace. */
		st = hs_symbols_find(syms, runtime->loader, "_rtld_global",
				     &info, err);
		if (!st && word(&w, info.addr, 0, &head))
			st = walk_maps(&w, head, err);
		if (st && st != HS_ERR_NO_SYMBOL)
			return st;
		st = hs_symbols_find(syms, runtime->loader, "_r_debug", &info,
				     err);
		if (!st)
			st = walk_namespaces(&w, info.addr, err);
		if (st && st != HS_ERR_NO_SYMBOL)
			return st;
	}
	return walk_namespaces(&w, debug_of_program(&w, runtime->program), err);
}

void hs_link_map_list_release(struct hs_link_map_list *list)
{
	free(list->map);
	*list = (struct hs_link_map_list){ 0 };
}
