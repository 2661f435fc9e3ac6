/* SPDX-License-Identifier: MIT */
#include "cli/fold.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/out_text.h"

/* Sizes up to this stand for themselves, as programs' objects have them; the
 * larger ones are four classes for each power of two. */
#define EXACT_SIZES 1024u
/* What pair_map tells apart: names and classes of sizes. */
#define KEY_NAME 0u
#define KEY_SIZE 1u

bool fold_in_use(const struct hs_chunk_info *c)
{
	return c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED;
}

/* The class of a key, made when it is new; FOLD_NONE: no memory. */
static uint32_t class_of_key(struct fold *f, uint32_t kind, uint32_t key)
{
	uint32_t at = pair_map_get(&f->keys, kind, key);
	if (at == PAIR_FAILED || at < f->count)
		return at;
	if (f->count == f->capacity) {
		size_t wanted = f->capacity ? 2 * f->capacity : 256;
		void *bigger = realloc(f->class, wanted * sizeof(*f->class));
		if (!bigger)
			return FOLD_NONE;
		f->class = bigger;
		f->capacity = wanted;
	}
	f->class[f->count++] = (struct fold_class){
		.name = kind == KEY_NAME ? key : FOLD_SIZES, .low = UINT64_MAX
	};
	return at;
}

static uint32_t class_of_size(struct fold *f, uint64_t size)
{
	unsigned log;
	if (size <= EXACT_SIZES)
		return class_of_key(f, KEY_SIZE, (uint32_t)size);
	log = 63u - (unsigned)__builtin_clzll(size);
	return class_of_key(f, KEY_SIZE,
			    EXACT_SIZES + 4 * log +
				    (unsigned)(size >> (log - 2) & 3));
}

struct folding {
	struct fold *fold;
	const struct hs_types *types;
	uint32_t *class_of_type; /* NULL: by size or owner */
	uint32_t *class_of;      /* by chunk; by owner names before */
	bool failed;
};

static bool fold_chunk(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct folding *n = arg;
	struct fold *f = n->fold;
	size_t type = SIZE_MAX;
	if (!fold_in_use(c)) {
		n->class_of[i] = FOLD_NONE;
		return true;
	}
	if (n->class_of_type)
		type = hs_types_of(n->types, i);
	if (f->by == FOLD_OWNER)
		n->class_of[i] = class_of_key(f, KEY_NAME, n->class_of[i]);
	else if (type != SIZE_MAX)
		n->class_of[i] = n->class_of_type[type];
	else
		n->class_of[i] = class_of_size(f, c->usable);
	n->failed = n->class_of[i] == FOLD_NONE;
	if (n->failed)
		return false;
	struct fold_class *class = &f->class[n->class_of[i]];
	if (c->usable < class->low)
		class->low = c->usable;
	if (c->usable > class->high)
		class->high = c->usable;
	return true;
}

/* Types of this heap that earlier ones had are the same classes. */
static bool match_types(struct folding *n)
{
	size_t count = hs_types_count(n->types);
	n->class_of_type = calloc(count + 1, sizeof(*n->class_of_type));
	for (size_t t = 0; n->class_of_type && t < count; t++) {
		struct hs_type_info info;
		hs_types_info(n->types, t, &info);
		uint32_t name = intern_get(&n->fold->names, info.name);
		if (name == INTERN_FAILED)
			return false;
		n->class_of_type[t] = class_of_key(n->fold, KEY_NAME, name);
		if (n->class_of_type[t] == FOLD_NONE)
			return false;
	}
	return n->class_of_type;
}

int fold_heap(struct fold *fold, struct cli *cli, uint32_t *class_of)
{
	struct folding n = { .fold = fold, .class_of = class_of };
	int code = EXIT_ANSWERED;
	if (fold->by == FOLD_OWNER)
		code = fold_owners(cli, fold->with_tid, &fold->names, class_of);
	else if (fold->by == FOLD_TYPE)
		code = cli_name_types(cli);
	if (code)
		return code;
	n.types = cli->types;
	if (fold->by == FOLD_TYPE)
		n.failed = !match_types(&n);
	if (!n.failed)
		hs_heap_each(cli->heap, fold_chunk, &n);
	free(n.class_of_type);
	return n.failed
		       ? cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				  "no memory to sort the blocks")
		       : EXIT_ANSWERED;
}

void fold_release(struct fold *f)
{
	free(f->class);
	intern_release(&f->names);
	pair_map_release(&f->keys);
}

const char *fold_text(const struct fold *f, size_t class, char buf[FOLD_TEXT])
{
	char low[TEXT_LEN], high[TEXT_LEN];
	const struct fold_class *c = &f->class[class];
	if (c->name != FOLD_SIZES)
		return f->names.text[c->name];
	(void)text_count(low, c->low);
	if (c->low == c->high)
		(void)snprintf(buf, FOLD_TEXT, "%s-byte blocks", low);
	else
		(void)snprintf(buf, FOLD_TEXT, "blocks of %s to %s bytes", low,
			       text_count(high, c->high));
	return buf;
}
