/* SPDX-License-Identifier: MIT */
#include "support/type_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world *world_new(uint64_t hole)
{
	struct world *w = calloc(1, sizeof(*w));
	char path[] = "/lib/libthing.so";
	struct hs_module m = { .base = MODULE,
			       .end = MODULE + MODULE_LEN,
			       .path = path };
	assert_non_null(w);
	hb_init(&w->hb, 36, HS_ARCH_X86_64);
	size_t thread = hb_thread(&w->hb, HB_MAIN);
	hb_tcache(&w->hb, thread);
	fake_target_map(&w->hb.target, MODULE, w->module, MODULE_LEN - hole,
			HS_PROT_READ);
	fake_target_map(&w->hb.target, TEXTUAL, w->textual, sizeof(w->textual),
			FAKE_RW);
	if (hole)
		fake_target_hole(&w->hb.target, MODULE + MODULE_LEN - hole,
				 hole);
	assert_int_equal(
		hs_module_list_add(&w->hb.target.base.modules, &m, NULL),
		HS_OK);
	for (int i = 0; i < 10; i++)
		w->chunk[i] = hb_alloc(&w->hb, HB_MAIN, 56);
	w->chunk[SMALL_BLOCK] = hb_alloc(&w->hb, HB_MAIN, 24);
	hb_to_tcache(&w->hb, w->chunk[9], thread);
	hb_finish(&w->hb);
	for (int i = 0; i < 11; i++) {
		w->user[i] = hb_user(&w->hb, w->chunk[i]);
		for (unsigned k = 0; k < 56 && i < 9; k += 8)
			fake_target_put(&w->hb.target, w->user[i] + k, 0);
	}
	return w;
}

void world_free(struct world *w)
{
	hs_types_free(w->types);
	hs_heap_free(w->heap);
	hb_release(&w->hb);
	free(w);
}

void world_put(struct world *w, hs_addr at, uint64_t word)
{
	fake_target_put(&w->hb.target, at, word);
}

void world_put_text(struct world *w, uint64_t offset, const char *text)
{
	memcpy(w->module + offset, text, strlen(text) + 1);
}

void world_scan(struct world *w)
{
	assert_int_equal(
		hs_heap_scan(&w->hb.target.base, NULL, NULL, &w->heap, NULL),
		HS_OK);
}

void world_name(struct world *w)
{
	world_scan(w);
	assert_int_equal(hs_types_new(&w->hb.target.base, w->heap, NULL,
				      &w->types, NULL),
			 HS_OK);
}

static size_t index_of(struct world *w, int block)
{
	size_t i;
	assert_true(hs_heap_find(w->heap, w->user[block], &i));
	return i;
}

const char *world_name_of(struct world *w, int block)
{
	struct hs_type_info info;
	size_t type = hs_types_of(w->types, index_of(w, block));
	if (type == SIZE_MAX)
		return "";
	hs_types_info(w->types, type, &info);
	return info.name;
}

void world_put_cxx_class(struct world *w, uint64_t names)
{
	world_put(w, MODULE + 0x10, 0); /* vtable */
	world_put(w, MODULE + 0x18, MODULE + 0x100);
	world_put(w, MODULE + 0x20, MODULE + 0x800);
	world_put(w, MODULE + 0x100, MODULE + 0x210); /* type_info */
	world_put(w, MODULE + 0x108, MODULE + names);
	world_put(w, MODULE + 0x110, MODULE + 0x120);
	world_put(w, MODULE + 0x208, MODULE + 0x240); /* its class */
	world_put(w, MODULE + 0x240, MODULE + 0x280);
	world_put(w, MODULE + 0x248, MODULE + 0x340);
	world_put_text(w, 0x340, "N10__cxxabiv120__si_class_type_infoE");
}
