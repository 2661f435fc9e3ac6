/* SPDX-License-Identifier: MIT */
#include "types/namer.h"

/*
 * What perl 5 cuts up itself, on 64-bit machines: heads of its values, their
 * bodies, its operators. Each arena says how large it is, which must be the
 * size of its block, and what else it has must fit.
 *
 *	heads    {next arena, heads u32, 0 u32, -}, then that many of
 *	         {body, references u32, flags u32, value}
 *	table    {next table, rows u32, rows in use u32}, then rows of
 *	         {arena, bytes, type u32}
 *	ops      {next slab, first slab, array, its size, references u16,
 *	         words u16, free words u16}; perl 5.36
 *	key      {next, the key below, references, hash u32, its length i32,
 *	         text}
 */
struct perl {
	bool there;
};

#define HEAD 24u
#define ROW 24u
#define TABLE_HEADER 16u
#define OPS_HEADER 40u
#define KEY_HEADER 32u
#define KEY_END 2u /* a NUL and a byte of flags */

/* Perl's 4080 bytes, and what others may have set at build time. */
#define MAX_ARENA 65536u

/* What malloc may add to what was asked for: to align, and what would be too
 * little for a chunk. */
#define SLACK 32u

/* The low byte of a head's flags; a free head has it all set. */
#define TYPE_LAST 17u
#define TYPE_FREE 0xffu

enum shape { HEADS, TABLE, BODIES, OPS, FREED_OPS, KEY };

static const struct {
	const char *name, *evidence;
} shapes[] = {
	[HEADS] = { "perl value heads",
		    "the number of heads, and each of them" },
	[TABLE] = { "perl arena table", "its arenas are as large as it says" },
	[BODIES] = { "perl value bodies", "the table of arenas" },
	[OPS] = { "perl operators",
		  "its size, and the slabs it is listed with" },
	[FREED_OPS] = { "perl operators' free lists", "the slab that it fits" },
	[KEY] = { "perl shared key", "its address in itself, and its length" },
};

/* What heads are, by type; those before arrays were renumbered over time. */
#define TYPE_ARRAY 11u
#define TYPE_HASH 12u
#define TYPE_CODE 13u

static bool shape_type(struct hs_naming *n, enum shape shape, uint32_t *ret)
{
	const struct hs_type what = {
		.name = shapes[shape].name,
		.source = HS_TYPE_PERL,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = shapes[shape].evidence,
		.module = SIZE_MAX,
	};
	return hs_naming_type(n, &what, ret);
}

static bool fits(const struct hs_block *b, uint64_t bytes)
{
	return bytes <= b->usable && b->usable - bytes < SLACK;
}

/* Type and flags of head I; false: it cannot be one. */
static bool read_head(struct hs_naming *n, const struct hs_block *b, uint64_t i,
		      uint64_t *type)
{
	uint64_t body, counts;
	if (!hs_block_word(n, b, i * (HEAD / 8), &body) ||
	    !hs_block_word(n, b, i * (HEAD / 8) + 1, &counts))
		return false;
	*type = counts >> 32 & 0xff;
	return body % 8 == 0 && (*type <= TYPE_LAST || *type == TYPE_FREE);
}

/* How many heads there are, the arena's own included; 0: it is none. */
static uint64_t count_heads(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t counts, type, in_use = 0;
	if (b->usable < 512 || b->usable > MAX_ARENA || b->first % 8 != 0 ||
	    !hs_block_word(n, b, 1, &counts) || counts >> 32 != 0 ||
	    counts > b->usable / HEAD || b->usable - counts * HEAD >= 2 * HEAD)
		return 0;
	if (b->first != 0 && !hs_naming_block_at(n, b->first, NULL))
		return 0;
	for (uint64_t i = 1; i < counts; i++) {
		if (!read_head(n, b, i, &type))
			return 0;
		in_use += type != TYPE_FREE && type != 0;
	}
	return in_use ? counts : 0;
}

/* Row I of a table: an arena of bodies. */
static bool read_row(struct hs_naming *n, const struct hs_block *b, uint64_t i,
		     struct hs_block *arena)
{
	uint64_t at, bytes, type, word = TABLE_HEADER / 8 + i * (ROW / 8);
	return hs_block_word(n, b, word, &at) &&
	       hs_block_word(n, b, word + 1, &bytes) &&
	       hs_block_word(n, b, word + 2, &type) &&
	       (type & UINT32_MAX) <= TYPE_LAST &&
	       hs_naming_block_at(n, at, arena) && fits(arena, bytes);
}

/* How many arenas a table lists; 0: it is none. */
static uint64_t count_rows(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t counts;
	struct hs_block arena;
	if (b->usable < 512 || b->usable > MAX_ARENA ||
	    !hs_block_word(n, b, 1, &counts))
		return 0;
	uint64_t rows = counts & UINT32_MAX, used = counts >> 32;
	if (rows == 0 || used == 0 || used > rows ||
	    rows > (MAX_ARENA - TABLE_HEADER) / ROW ||
	    !fits(b, TABLE_HEADER + rows * ROW) ||
	    (b->first != 0 && !hs_naming_block_at(n, b->first, NULL)))
		return 0;
	for (uint64_t i = 0; i < used; i++)
		if (!read_row(n, b, i, &arena))
			return 0;
	return used;
}

/* A slab whose first one is FIRST. */
static bool looks_like_ops(struct hs_naming *n, const struct hs_block *b,
			   hs_addr first)
{
	uint64_t head, sizes;
	if (!hs_block_word(n, b, 1, &head) || head != first ||
	    !hs_block_word(n, b, 4, &sizes))
		return false;
	uint64_t words = sizes >> 16 & 0xffff, free = sizes >> 32 & 0xffff;
	return words >= 64 && (words & (words - 1)) == 0 && free <= words &&
	       sizes >> 48 == 0 && fits(b, OPS_HEADER + 8 * words);
}

static bool is_ops(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_block first, next;
	uint64_t head;
	return b->usable >= OPS_HEADER + 8 * 64 && b->first % 8 == 0 &&
	       hs_block_word(n, b, 1, &head) && looks_like_ops(n, b, head) &&
	       hs_naming_block_at(n, head, &first) &&
	       looks_like_ops(n, &first, head) &&
	       (b->first == 0 ? first.first != 0 || head == b->user
			      : hs_naming_block_at(n, b->first, &next) &&
					looks_like_ops(n, &next, head));
}

/* The key of a hash, which all hashes share. */
static bool is_key(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t key, references, hash, end;
	if (b->usable >= MAX_ARENA || b->first % 8 != 0 ||
	    !hs_block_word(n, b, 1, &key) || key != b->user + 24 ||
	    !hs_block_word(n, b, 2, &references) || references == 0 ||
	    references > UINT32_MAX || !hs_block_word(n, b, 3, &hash))
		return false;
	uint64_t len = hash >> 32;
	/* An empty one would be like other things that point into themselves,
	 * short strings of C++ in a list. */
	return len > 0 && fits(b, KEY_HEADER + len + KEY_END) &&
	       hs_window_uint(&n->block, b->user + KEY_HEADER + len, 1, &end) &&
	       end == 0 &&
	       (b->first == 0 || hs_naming_block_at(n, b->first, NULL));
}

/* Is it there at all? libperl.so, or a program that has it inside. */
static void prepare(struct hs_naming *n, void *state)
{
	struct perl *p = state;
	if (n->target->word_size != 8 || n->target->big_endian)
		return;
	for (size_t i = 0; i < n->target->modules.count && !p->there; i++) {
		const char *path = n->target->modules.module[i].path;
		const char *slash = strrchr(path, '/');
		p->there = strstr(slash ? slash : path, "perl");
	}
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	const struct perl *p = state;
	if (!p->there)
		return false;
	if (count_heads(n, b))
		return shape_type(n, HEADS, type);
	if (count_rows(n, b))
		return shape_type(n, TABLE, type);
	if (is_key(n, b))
		return shape_type(n, KEY, type);
	return is_ops(n, b) && shape_type(n, OPS, type);
}

static bool is_called(const struct hs_naming *n, size_t chunk, enum shape shape)
{
	uint32_t type = n->type_of[chunk];
	return type != HS_NO_TYPE &&
	       n->table.type[type].source == HS_TYPE_PERL &&
	       strcmp(n->table.type[type].name, shapes[shape].name) == 0;
}

/* What lies in an arena that was claimed. */
static void name_block(struct hs_naming *n, const struct hs_block *b,
		       enum shape shape)
{
	uint32_t type;
	if (n->type_of[b->chunk] == HS_NO_TYPE && shape_type(n, shape, &type))
		n->type_of[b->chunk] = type;
}

static void name_bodies(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_block arena;
	uint64_t rows = count_rows(n, b);
	for (uint64_t i = 0; i < rows; i++)
		if (read_row(n, b, i, &arena))
			name_block(n, &arena, BODIES);
}

/* The first slab of a routine knows which of its operators are free. */
static void name_freed_ops(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_block freed;
	uint64_t at, count, head;
	if (hs_block_word(n, b, 1, &head) && head == b->user &&
	    hs_block_word(n, b, 2, &at) && hs_block_word(n, b, 3, &count) &&
	    hs_naming_block_at(n, at, &freed) && count <= freed.usable / 8 &&
	    freed.usable - count * 8 < SLACK + 8)
		name_block(n, &freed, FREED_OPS);
}

static uint32_t head_type(struct hs_naming *n, uint64_t type)
{
	struct hs_type what = {
		.name = type == TYPE_ARRAY  ? "perl array"
			: type == TYPE_HASH ? "perl hash"
			: type == TYPE_CODE ? "perl code"
					    : "perl scalar or other",
		.source = HS_TYPE_PERL,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = "its type in perl's own numbers",
		.module = SIZE_MAX,
	};
	uint32_t ret;
	return hs_naming_type(n, &what, &ret) ? ret : HS_NO_TYPE;
}

static void look_into_heads(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_area_info *area = &n->parts[HS_AREA_PERL].info;
	uint64_t heads = count_heads(n, b), type;
	if (!heads)
		return;
	area->in_blocks = true;
	area->live_known = true;
	area->count++;
	area->bytes += heads * HEAD;
	for (uint64_t i = 1; i < heads; i++)
		if (read_head(n, b, i, &type) && type != TYPE_FREE)
			hs_naming_part(n, HS_AREA_PERL, HEAD,
				       head_type(n, type));
}

static void survey(struct hs_naming *n, void *state)
{
	(void)state;
	if (!hs_naming_met(n, HS_TYPE_PERL, NULL))
		return;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		if (n->type_of[i] == HS_NO_TYPE ||
		    n->table.type[n->type_of[i]].source != HS_TYPE_PERL ||
		    !hs_naming_block(n, i, &b))
			continue;
		if (is_called(n, i, HEADS))
			look_into_heads(n, &b);
		else if (is_called(n, i, TABLE))
			name_bodies(n, &b);
		else if (is_called(n, i, OPS))
			name_freed_ops(n, &b);
	}
}

static bool part_at(struct hs_naming *n, void *state, hs_addr addr,
		    struct hs_part_info *ret)
{
	struct hs_block b;
	uint64_t type, i;
	const struct perl *p = state;
	if (!p->there || !hs_naming_block_in(n, addr, &b) ||
	    !is_called(n, b.chunk, HEADS))
		return false;
	i = (addr - b.user) / HEAD;
	if (i == 0 || i >= count_heads(n, &b) || !read_head(n, &b, i, &type))
		return false;
	*ret = (struct hs_part_info){
		.area = HS_AREA_PERL,
		.start = b.user + i * HEAD,
		.size = HEAD,
		.live = type != TYPE_FREE,
		.type = type == TYPE_FREE ? SIZE_MAX : head_type(n, type),
	};
	return true;
}

const struct hs_namer hs_namer_perl = {
	.state_size = sizeof(struct perl),
	.prepare = prepare,
	.claim = claim,
	.survey = survey,
	.part_at = part_at,
	.source = HS_TYPE_PERL,
};
