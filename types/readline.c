/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

/*
 * Maps from keys to functions of GNU readline, on 64-bit machines: for each of
 * 256 characters and for all others {kind u8, function}, where the kind says
 * whether that is a function, another map, or a text to type.
 */
#define KEYS 257u
#define ENTRY_BYTES 16u
#define FUNCTION 0u
#define MAP 1u
#define TEXT 2u

static const struct hs_shape_name map_shape = { "readline keymap",
						"all of its keys",
						HS_CONFIDENCE_HIGH };

struct readline {
	bool loaded;
};

static void prepare(struct hs_naming *n, void *state)
{
	struct readline *r = state;
	r->loaded = n->target->word_size == 8 && !n->target->big_endian &&
		    (hs_module_named(n, "libreadline") != SIZE_MAX ||
		     hs_module_named(n, "bash") != SIZE_MAX);
}

static bool is_entry(struct hs_naming *n, uint64_t kind, uint64_t to)
{
	switch (kind) {
	case FUNCTION:
		return to == 0 || hs_naming_module(n, to) != SIZE_MAX;
	case MAP: /* those that are built in are variables */
		return hs_naming_module(n, to) != SIZE_MAX ||
		       hs_naming_block_at(n, to, NULL);
	default:
		return kind == TEXT && hs_naming_block_at(n, to, NULL);
	}
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	const struct readline *r = state;
	uint64_t kind, to;
	bool some = false; /* an empty one proves nothing */
	if (!r->loaded || (b->first & 0xff) > TEXT ||
	    !hs_block_fits(n, b, KEYS * ENTRY_BYTES))
		return false;
	for (size_t i = 0; i < KEYS; i++) {
		/* Only a byte of the word is ever written. */
		if (!hs_block_word(n, b, 2 * i, &kind) ||
		    !hs_block_word(n, b, 2 * i + 1, &to) ||
		    !is_entry(n, kind & 0xff, to))
			return false;
		some |= to != 0;
	}
	return some && hs_shape_type(n, &map_shape, HS_TYPE_READLINE, type);
}

const struct hs_namer hs_namer_readline = {
	.state_size = sizeof(struct readline),
	.prepare = prepare,
	.claim = claim,
	.source = HS_TYPE_READLINE,
};
