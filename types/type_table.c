/* SPDX-License-Identifier: MIT */
#include "types/type_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"

static uint64_t hash_of(const struct hs_type *t)
{
	uint64_t h = 0xcbf29ce484222325;
	for (const char *p = t->name; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3;
	h ^= (uint64_t)t->source << 8 | (uint64_t)t->confidence;
	h ^= (uint64_t)t->module * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

static bool same(const struct hs_type *a, const struct hs_type *b)
{
	return a->source == b->source && a->confidence == b->confidence &&
	       a->module == b->module && strcmp(a->name, b->name) == 0;
}

static uint32_t *find_slot(uint32_t *slot, size_t slots,
			   const struct hs_type *types,
			   const struct hs_type *want)
{
	size_t i = (size_t)hash_of(want) & (slots - 1);
	while (slot[i] && !same(&types[slot[i] - 1], want))
		i = (i + 1) & (slots - 1);
	return &slot[i];
}

/* At most half of the slots are taken, so that a search ends. */
static enum hs_status more_slots(struct hs_type_table *table,
				 struct hs_error *err)
{
	if (table->slots > 2 * table->count + 2)
		return HS_OK;
	size_t slots = table->slots ? 4 * table->slots : 256;
	uint32_t *slot = calloc(slots, sizeof(*slot));
	if (!slot)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu names",
			       slots);
	for (size_t i = 0; i < table->count; i++)
		*find_slot(slot, slots, table->type, &table->type[i]) =
			(uint32_t)i + 1;
	free(table->slot);
	table->slot = slot;
	table->slots = slots;
	return HS_OK;
}

enum hs_status hs_type_table_put(struct hs_type_table *table,
				 const struct hs_type *want, uint32_t *ret,
				 struct hs_error *err)
{
	enum hs_status st = more_slots(table, err);
	if (st)
		return st;
	uint32_t *slot =
		find_slot(table->slot, table->slots, table->type, want);
	if (!*slot) {
		size_t len = strlen(want->name);
		st = hs_grow(&table->type, &table->capacity, table->count,
			     sizeof(*table->type), err);
		if (st)
			return st;
		char *name = strdup(want->name);
		if (!name)
			return hs_fail(err, HS_ERR_NOMEM,
				       "no memory for a name of %zu bytes",
				       len);
		struct hs_type *t = &table->type[table->count];
		*t = *want;
		t->name = name;
		t->total = (struct hs_total){ 0 };
		*slot = (uint32_t)++table->count;
	}
	*ret = *slot - 1;
	return HS_OK;
}

void hs_type_table_release(struct hs_type_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free((void *)(uintptr_t)table->type[i].name);
	free(table->type);
	free(table->slot);
	*table = (struct hs_type_table){ 0 };
}
