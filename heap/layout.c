/* SPDX-License-Identifier: MIT */
#include "heap/layout.h"

#include <assert.h>

static const struct {
	enum hs_struct owner;
	const char *member;
} fields[] = {
#define X(id, owner, member) [HS_FIELD_##id] = { HS_STRUCT_##owner, member },
	HS_FIELDS(X)
#undef X
};

static const char *const structs[] = {
#define X(id, type) [HS_STRUCT_##id] = type,
	HS_STRUCTS(X)
#undef X
};

static const struct {
	enum hs_field field;
	const char *member;
} renamed[] = {
#define X(id, member) { HS_FIELD_##id, member },
	HS_RENAMED(X)
#undef X
};
#define RENAMED_COUNT (sizeof(renamed) / sizeof(renamed[0]))

void hs_layout_init(struct hs_layout *layout, unsigned word_size)
{
	assert(word_size == 4 || word_size == 8);
	*layout = (struct hs_layout){
		.word_size = word_size,
		.header = 2 * word_size,
		.align = 2 * word_size,
		.min_size = 4 * word_size,
		.first = 0,
		.last = UINT16_MAX,
	};
}

void hs_layout_use_row(struct hs_layout *layout,
		       const struct hs_layout_row *row,
		       enum hs_layout_origin origin)
{
	assert(row->word_size == layout->word_size);
	for (size_t f = 0; f < HS_FIELD_COUNT; f++)
		if (fields[f].owner == row->of)
			layout->field[f] = (struct hs_field_pos){ 0 };
	for (size_t i = 0; i < row->field_count; i++)
		layout->field[row->fields[i].field] = row->fields[i].pos;
	layout->struct_size[row->of] = row->struct_size;
	layout->origin[row->of] = origin;
	if (row->first > layout->first)
		layout->first = row->first;
	if (row->last < layout->last)
		layout->last = row->last;
}

static void take(struct hs_field_pos *pos, const struct hs_member_query *q)
{
	if (!q->found || q->size == 0 || q->size > UINT16_MAX ||
	    q->offset > UINT16_MAX || q->count == 0 || q->count > q->size)
		return;
	*pos = (struct hs_field_pos){
		.offset = (uint16_t)q->offset,
		.size = (uint16_t)q->size,
		.count = (uint16_t)q->count,
	};
}

enum hs_status hs_layout_from_dwarf(struct hs_layout *layout,
				    struct hs_symbols *syms, size_t module,
				    struct hs_error *err)
{
	struct hs_member_query
		q[HS_FIELD_COUNT + RENAMED_COUNT + HS_STRUCT_COUNT] = { 0 };
	size_t n = 0;
	for (size_t f = 0; f < HS_FIELD_COUNT; f++)
		q[n++] = (struct hs_member_query){
			.type = structs[fields[f].owner],
			.member = fields[f].member,
		};
	size_t first_renamed = n;
	for (size_t r = 0; r < RENAMED_COUNT; r++)
		q[n++] = (struct hs_member_query){
			.type = structs[fields[renamed[r].field].owner],
			.member = renamed[r].member,
		};
	size_t first_struct = n;
	for (size_t s = 0; s < HS_STRUCT_COUNT; s++)
		q[n++] = (struct hs_member_query){ .type = structs[s] };

	enum hs_status st =
		hs_symbols_members(syms, module, "main_arena", q, n, err);
	if (st)
		return st;

	struct hs_layout found;
	hs_layout_init(&found, layout->word_size);
	for (size_t f = 0; f < HS_FIELD_COUNT; f++)
		take(&found.field[f], &q[f]);
	for (size_t r = 0; r < RENAMED_COUNT; r++)
		take(&found.field[renamed[r].field], &q[first_renamed + r]);
	for (size_t s = 0; s < HS_STRUCT_COUNT; s++)
		if (q[first_struct + s].found &&
		    q[first_struct + s].size <= UINT16_MAX) {
			found.struct_size[s] =
				(uint32_t)q[first_struct + s].size;
			found.origin[s] = HS_ORIGIN_DWARF;
		}
	const struct hs_field_pos *bins = &found.field[HS_FIELD_ARENA_BINS];
	if (!hs_layout_has(&found, HS_FIELD_ARENA_TOP) ||
	    !hs_layout_has(&found, HS_FIELD_ARENA_NEXT) ||
	    !hs_layout_has(&found, HS_FIELD_ARENA_SYSTEM_MEM) ||
	    bins->size != 2 * HS_BIN_PAIRS * layout->word_size)
		return hs_fail(err, HS_ERR_NO_SYMBOL,
			       "the debug info describes no malloc_state");
	*layout = found;
	hs_layout_settle(layout);
	return HS_OK;
}

void hs_layout_settle(struct hs_layout *layout)
{
	bool wide = layout->word_size == 8;
	if (!wide) {
		const struct hs_field_pos *fast =
			&layout->field[HS_FIELD_ARENA_FASTBINS];
		wide = fast->size == 0 || fast->count > 10;
	}
	layout->align = wide ? 16 : 8;
	layout->min_size = layout->word_size == 8 ? 32 : 16;
}
