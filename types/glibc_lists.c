/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "core/backend.h"
#include "types/shapes.h"

/*
 * What the C library and its loader keep for themselves, on 64-bit machines.
 * Their own variables lead there, so nothing else is looked at. Layouts of
 * glibc 2.31 to 2.44:
 *
 *	file     {name, decided i32, data, next, successors[]}, by locales and
 *	         catalogues of messages; the name has LC_ in it
 *	data     {name, content, its bytes, ..., strings u32, values[]}; the
 *	         content begins with a number of its category, and with how many
 *	         strings it has
 *	archive  {next, name, data[13]}
 *	aliases  {alias, value}[], where a value follows its alias
 *	binding  {next, folder, character set, domain[]}
 *	service  {state i32, functions[64], handle, next, name[]}
 *	actions  {next, places, {service, bits u32}[]}, the last service is 0
 *	services {size, inode, times[4], actions[17], ...}
 *	objects  {previous, block, objects, places, {start, end, link_map,
 *	         frames}[]}
 *	versions {name, hash u32, hidden i32, file}[], of a link_map
 */
#define FILE_SUCCESSORS 32u
#define DATA_STRINGS 40u /* or some words behind that */
#define DATA_STRINGS_END 72u
#define STRINGS_MOST 4096u
#define CATEGORIES 13u
#define LC_CTYPE_NUMBER 0u
#define LC_COLLATE_NUMBER 3u
#define LC_ALL_NUMBER 6u
#define ALIASES_LEAST 8u
#define BINDING_BYTES 24u
#define SERVICE_HANDLE 520u
#define SERVICE_NEXT 528u
#define SERVICE_NAME 536u
#define SERVICES_BYTES 216u
#define SERVICES_FIRST 48u
#define SERVICES 17u
#define ACTIONS_FIRST 16u
#define ACTIONS_MOST 64u /* a line of nsswitch.conf */
#define STATES 2u        /* 0, 1 or 2 */
#define OBJECT_BYTES 32u
#define OBJECT_243_BYTES 40u /* with other frames as well */
#define OBJECTS_FIRST 32u
#define VERSION_BYTES 24u
#define NAME_BYTES 256u
#define LINK_MAP_MOST 2048u /* bytes */

enum shape {
	LOCALE_FILE,
	LOCALE_FILE_NAME,
	ARCHIVE,
	ALIASES,
	ALIAS_TEXTS,
	BINDING,
	SERVICE,
	ACTIONS,
	DATABASE,
	OBJECTS,
	VERSIONS,
};

#define HIGH HS_CONFIDENCE_HIGH
static const struct hs_shape_name shapes[] = {
	[LOCALE_FILE] = { "locale file", "the C library's list, and its path",
			  HIGH },
	[LOCALE_FILE_NAME] = { "path of a locale file",
			       "the file's entry in a list", HIGH },
	[ARCHIVE] = { "locale from the archive", "the data of its categories",
		      HIGH },
	[ALIASES] = { "locale aliases", "each value follows its alias", HIGH },
	[ALIAS_TEXTS] = { "texts of locale aliases", "the aliases in it",
			  HIGH },
	[BINDING] = { "gettext domain", "its name fits, and its folder", HIGH },
	[SERVICE] = { "name service", "its name fits, and its links", HIGH },
	[ACTIONS] = { "name service actions", "the services that they lead to",
		      HIGH },
	[DATABASE] = { "name service databases", "their actions", HIGH },
	[OBJECTS] = { "loaded objects by address", "what lies where they say",
		      HIGH },
	[VERSIONS] = { "symbol versions", "the hashes of their names", HIGH },
};
#undef HIGH

/* Parts of arrays that may still be looked at: each array is met once, unless
 * somebody means harm. */
struct lists {
	uint64_t budget;
};
#define VISITS 64u /* of each block */

/* False: it has no name, as there is no memory. Lists end with that: what has
 * a name was met. */
static bool put(struct hs_naming *n, const struct hs_block *b, enum shape shape)
{
	uint32_t type;
	if (n->type_of[b->chunk] == HS_NO_TYPE &&
	    hs_shape_type(n, &shapes[shape], HS_TYPE_GLIBC, &type))
		n->type_of[b->chunk] = type;
	return n->type_of[b->chunk] != HS_NO_TYPE;
}

static bool is_named(const struct hs_naming *n, const struct hs_block *b)
{
	return n->type_of[b->chunk] != HS_NO_TYPE;
}

static bool text_at(struct hs_naming *n, hs_addr at, char buf[NAME_BYTES])
{
	return at && hs_peek_name(n, at, buf, NAME_BYTES, NULL);
}

/* What begins as the content of a locale's category does; -1: nothing. */
static int category_at(struct hs_naming *n, hs_addr content, uint32_t *strings)
{
	uint32_t magic;
	if (!hs_peek_u32(n, content, &magic) ||
	    !hs_peek_u32(n, content + 4, strings) || *strings == 0 ||
	    *strings > STRINGS_MOST)
		return -1;
	if (magic == (0x20090720u ^ LC_CTYPE_NUMBER))
		return LC_CTYPE_NUMBER;
	if (magic == (0x20051014u ^ LC_COLLATE_NUMBER))
		return LC_COLLATE_NUMBER;
	/* 0x20031115 until 2.35, then 0x20190722 for some */
	unsigned category = magic ^ 0x20031115u;
	if (category >= CATEGORIES)
		category = magic ^ 0x20070920u;
	return category < CATEGORIES && category != LC_ALL_NUMBER
		       ? (int)category
		       : -1;
}

static const char *const category_name[CATEGORIES] = {
	"LC_CTYPE",
	"LC_NUMERIC",
	"LC_TIME",
	"LC_COLLATE",
	"LC_MONETARY",
	"LC_MESSAGES",
	"",
	"LC_PAPER",
	"LC_NAME",
	"LC_ADDRESS",
	"LC_TELEPHONE",
	"LC_MEASUREMENT",
	"LC_IDENTIFICATION",
};

/* The same by the file that a content is a mapping of: cores are mostly without
 * it. -1: none. */
static int category_by_file(const struct hs_naming *n, hs_addr content)
{
	const struct hs_map *map = hs_target_find_map(n->target, content);
	const char *base = map && map->path ? strrchr(map->path, '/') : NULL;
	if (!base || content != map->start || map->file_offset)
		return -1;
	/* .../LC_MESSAGES/SYS_LC_MESSAGES */
	base += strncmp(base, "/SYS_", 5) == 0 ? 5 : 1;
	for (int i = 0; i < (int)CATEGORIES; i++)
		if (category_name[i][0] && strcmp(base, category_name[i]) == 0)
			return i;
	return -1;
}

static bool put_data(struct hs_naming *n, hs_addr at)
{
	struct hs_block b;
	uint64_t content, bytes;
	uint32_t strings = 0, here, type;
	if (!hs_naming_block_at(n, at, &b) ||
	    !hs_block_word(n, &b, 1, &content) ||
	    !hs_block_word(n, &b, 2, &bytes))
		return false;
	int category = category_at(n, content, &strings);
	bool unseen = category < 0 && !hs_peek_u32(n, content, &here);
	if (unseen)
		category = category_by_file(n, content);
	if (category < 0 || (!unseen && bytes / 4 < strings))
		return false;
	for (unsigned off = DATA_STRINGS; off < DATA_STRINGS_END; off += 8) {
		if (!hs_peek_u32(n, at + off, &here))
			continue;
		if (unseen)
			strings = here;
		if (here != strings || !here || here > STRINGS_MOST ||
		    bytes / 4 < here ||
		    !hs_block_fits(n, &b, off + 8 + 8 * (uint64_t)strings))
			continue;
		char name[64];
		(void)snprintf(name, sizeof(name), "locale data %s",
			       category_name[category]);
		const struct hs_shape_name shape = {
			name,
			unseen ? "the file that it is of, whose strings fit"
			       : "its content, whose strings fit",
			HS_CONFIDENCE_HIGH
		};
		if (!is_named(n, &b) &&
		    hs_shape_type(n, &shape, HS_TYPE_GLIBC, &type))
			n->type_of[b.chunk] = type;
		return true;
	}
	return false;
}

/* A list of files; each is met once, so it ends. */
static void put_files(struct hs_naming *n, hs_addr at)
{
	struct hs_block b, text;
	uint64_t decided, data, next;
	char name[NAME_BYTES];
	while (at && hs_naming_block_at(n, at, &b) && !is_named(n, &b) &&
	       b.usable >= FILE_SUCCESSORS &&
	       hs_block_word(n, &b, 1, &decided) &&
	       ((uint32_t)decided <= 2 || (uint32_t)decided == UINT32_MAX) &&
	       hs_block_word(n, &b, 2, &data) &&
	       hs_block_word(n, &b, 3, &next) && text_at(n, b.first, name) &&
	       strstr(name, "LC_") && strchr(name, '/')) {
		if (!put(n, &b, LOCALE_FILE))
			return;
		if (hs_naming_block_at(n, b.first, &text) &&
		    hs_block_fits(n, &text, strlen(name) + 1))
			(void)put(n, &text, LOCALE_FILE_NAME);
		(void)put_data(n, data);
		at = next;
	}
}

static void put_archive(struct hs_naming *n, hs_addr at)
{
	struct hs_block b, text;
	char name[NAME_BYTES];
	while (at && hs_naming_block_at(n, at, &b) && !is_named(n, &b) &&
	       hs_block_fits(n, &b, 8 * (2 + CATEGORIES))) {
		unsigned found = 0;
		uint64_t to, language;
		if (!hs_block_word(n, &b, 1, &language) ||
		    !text_at(n, language, name))
			return;
		for (unsigned i = 0; i < CATEGORIES; i++)
			found += hs_block_word(n, &b, 2 + i, &to) && to &&
				 put_data(n, to);
		if (!found || !put(n, &b, ARCHIVE))
			return;
		if (hs_naming_block_at(n, language, &text) &&
		    hs_block_fits(n, &text, strlen(name) + 1))
			(void)put(n, &text, LOCALE_FILE_NAME);
		at = b.first;
	}
}

static void put_aliases(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_block texts, other;
	char alias[NAME_BYTES];
	unsigned pairs = 0;
	uint64_t at, value;
	if (!hs_naming_block_in(n, b->first, &texts) || is_named(n, &texts))
		return;
	for (unsigned i = 0; hs_block_word(n, b, 2 * i, &at) &&
			     hs_block_word(n, b, 2 * i + 1, &value);
	     i++, pairs++)
		if (!text_at(n, at, alias) || value != at + strlen(alias) + 1 ||
		    !hs_naming_block_in(n, at, &other) ||
		    other.chunk != texts.chunk || !text_at(n, value, alias))
			break; /* there is room for more */
	if (pairs < ALIASES_LEAST)
		return;
	(void)put(n, b, ALIASES);
	(void)put(n, &texts, ALIAS_TEXTS);
}

/* {next, folder, character set, domain[]} */
static void put_bindings(struct hs_naming *n, hs_addr at)
{
	struct hs_block b;
	uint64_t folder, set;
	char name[NAME_BYTES];
	while (at && hs_naming_block_at(n, at, &b) && !is_named(n, &b) &&
	       hs_block_word(n, &b, 1, &folder) &&
	       hs_block_word(n, &b, 2, &set) &&
	       text_at(n, at + BINDING_BYTES, name) &&
	       hs_block_fits(n, &b, BINDING_BYTES + strlen(name) + 1) &&
	       text_at(n, folder, name) && name[0] == '/' &&
	       (!set || text_at(n, set, name)) &&
	       (!b.first || hs_naming_block_at(n, b.first, NULL))) {
		if (!put(n, &b, BINDING))
			return;
		at = b.first;
	}
}

static bool is_service(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t handle, next;
	char name[NAME_BYTES];
	return (uint32_t)b->first <= STATES && b->usable > SERVICE_NAME &&
	       hs_block_word(n, b, SERVICE_HANDLE / 8, &handle) &&
	       hs_block_word(n, b, SERVICE_NEXT / 8, &next) &&
	       (!handle || hs_target_find_map(n->target, handle)) &&
	       (!next || hs_naming_block_at(n, next, NULL)) &&
	       text_at(n, b->user + SERVICE_NAME, name) &&
	       hs_block_fits(n, b, SERVICE_NAME + strlen(name) + 1);
}

static void put_services(struct hs_naming *n, hs_addr at)
{
	struct hs_block b;
	while (at && hs_naming_block_at(n, at, &b) && !is_named(n, &b) &&
	       is_service(n, &b)) {
		if (!put(n, &b, SERVICE) ||
		    !hs_block_word(n, &b, SERVICE_NEXT / 8, &at))
			return;
	}
}

/* {next, places, {service, bits}[]}; *LIST leads to the first service, and the
 * last one is 0. */
static bool is_actions(struct hs_naming *n, hs_addr list, struct hs_block *b)
{
	uint64_t places, at;
	struct hs_block service;
	if (!hs_naming_block_in(n, list, b) ||
	    list != b->user + ACTIONS_FIRST ||
	    !hs_block_word(n, b, 1, &places) || places == 0 ||
	    places > ACTIONS_MOST ||
	    !hs_block_fits(n, b, ACTIONS_FIRST + 16 * places))
		return false;
	for (uint64_t i = 0; i < places; i++) {
		if (!hs_block_word(n, b, 2 + 2 * i, &at))
			return false;
		if (!at)
			return i > 0 && i + 1 == places;
		if (!hs_naming_block_at(n, at, &service) ||
		    !is_service(n, &service))
			return false;
	}
	return false;
}

/* The services, and what is asked of each. */
static void put_database(struct hs_naming *n, const struct hs_block *b)
{
	bool some = false;
	for (unsigned i = 0; i < SERVICES; i++) {
		struct hs_block actions;
		uint64_t at;
		if (!hs_block_word(n, b, SERVICES_FIRST / 8 + i, &at))
			return;
		if (!at || !is_actions(n, at, &actions))
			continue;
		(void)put(n, &actions, ACTIONS);
		some = true;
	}
	if (some)
		(void)put(n, b, DATABASE);
}

/* What a variable of the C library leads to. */
static void look_at(struct hs_naming *n, struct lists *l, hs_addr at)
{
	struct hs_block b;
	(void)l;
	if (!hs_naming_block_at(n, at, &b) || is_named(n, &b))
		return;
	put_files(n, at);
	put_archive(n, at);
	(void)put_data(n, at);
	put_bindings(n, at);
	put_services(n, at);
	if (hs_block_fits(n, &b, SERVICES_BYTES))
		put_database(n, &b);
	put_aliases(n, &b);
}

/* COUNT objects of BYTES from AT on, each the place of a module? */
static bool are_objects(struct hs_naming *n, struct lists *l, hs_addr at,
			uint64_t count, unsigned bytes)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t start, end;
		hs_addr object = at + bytes * i;
		if (!l->budget)
			return false;
		l->budget--;
		if (!hs_peek(n, object, &start) ||
		    !hs_peek(n, object + 8, &end) || end <= start)
			return false;
		size_t module = hs_naming_module(n, start);
		if (module == SIZE_MAX ||
		    hs_naming_module(n, end - 1) != module)
			return false;
	}
	return true;
}

/* {previous, block, objects, places, ...}, at a round address within it. */
static void put_objects(struct hs_naming *n, struct lists *l, hs_addr at)
{
	static const unsigned sizes[] = { OBJECT_BYTES, OBJECT_243_BYTES };
	struct hs_block b;
	uint64_t block, count, places;
	if (!hs_naming_block_in(n, at, &b) || is_named(n, &b) ||
	    !hs_peek(n, at + 8, &block) || block != b.user ||
	    !hs_peek(n, at + 16, &count) || !hs_peek(n, at + 24, &places) ||
	    count == 0 || count > places)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (places <= b.usable / sizes[i] &&
		    at - b.user + OBJECTS_FIRST + sizes[i] * places <=
			    b.usable &&
		    are_objects(n, l, at + OBJECTS_FIRST, count, sizes[i])) {
			(void)put(n, &b, OBJECTS);
			return;
		}
}

/* Of System V's tables. */
static uint32_t symbol_hash(const char *name)
{
	uint32_t h = 0, high;
	for (; *name; name++) {
		h = (h << 4) + (uint8_t)*name;
		high = h & 0xf0000000u;
		h = (h ^ high >> 24) & ~high;
	}
	return h;
}

static bool is_empty(struct hs_naming *n, hs_addr text)
{
	uint64_t end;
	return hs_naming_module(n, text) != SIZE_MAX &&
	       hs_window_uint(&n->meta, text, 1, &end) && end == 0;
}

static bool put_versions(struct hs_naming *n, struct lists *l, hs_addr at,
			 uint32_t count)
{
	struct hs_block b;
	char text[NAME_BYTES];
	uint64_t name, hash;
	bool some = false;
	if (!count || !hs_naming_block_at(n, at, &b) || is_named(n, &b) ||
	    !hs_block_fits(n, &b, VERSION_BYTES * (uint64_t)count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!l->budget || !hs_block_word(n, &b, 3 * (size_t)i, &name) ||
		    !hs_block_word(n, &b, 3 * (size_t)i + 1, &hash))
			return false;
		l->budget--;
		/* The first two have no name, or an empty one (2.41). */
		if (!name || (hash == 0 && is_empty(n, name)))
			continue;
		if (!text_at(n, name, text) ||
		    symbol_hash(text) != (uint32_t)hash)
			return false;
		some = true;
	}
	if (some)
		(void)put(n, &b, VERSIONS);
	return some;
}

typedef void (*look_fn)(struct hs_naming *n, struct lists *l, hs_addr at);

static void look_in(struct hs_naming *n, struct lists *l,
		    const struct hs_map *map, look_fn look)
{
	uint64_t word;
	for (hs_addr at = map->start; at + 8 <= map->end; at += 8)
		if (hs_window_word(&n->block, at, &word) && word &&
		    word % 16 == 0)
			look(n, l, word);
}

static void look_in_module(struct hs_naming *n, struct lists *l, size_t module,
			   bool writable, look_fn look)
{
	for (size_t i = 0; i < n->target->maps.count; i++) {
		const struct hs_map *map = &n->target->maps.map[i];
		if (map->prot & HS_PROT_EXEC ||
		    (writable && !(map->prot & HS_PROT_WRITE)) ||
		    hs_naming_module(n, map->start) != module)
			continue;
		look_in(n, l, map, look);
	}
}

/* link_maps were claimed in the first pass. */
static void look_in_link_maps(struct hs_naming *n, struct lists *l)
{
	struct hs_block b;
	if (!hs_naming_met(n, HS_TYPE_GLIBC, "link_map"))
		return;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		if (n->type_of[i] == HS_NO_TYPE)
			continue;
		const struct hs_type *t = &n->table.type[n->type_of[i]];
		uint64_t to, count;
		if (t->source != HS_TYPE_GLIBC ||
		    strcmp(t->name, "link_map") != 0 ||
		    !hs_naming_block(n, i, &b) || b.usable > LINK_MAP_MOST)
			continue;
		for (unsigned k = 8; hs_block_word(n, &b, k, &to) &&
				     hs_block_word(n, &b, k + 1, &count);
		     k++)
			if (to % 16 == 0 &&
			    put_versions(n, l, to, (uint32_t)count))
				break;
	}
}

static void survey(struct hs_naming *n, void *state)
{
	size_t loader = hs_module_named(n, "ld-");
	struct lists *l = state;
	if (n->target->word_size != 8 || n->target->big_endian)
		return;
	l->budget = (uint64_t)n->heap->chunk_count * VISITS;
	if (n->heap->module != SIZE_MAX)
		look_in_module(n, l, n->heap->module, true, look_at);
	if (loader != SIZE_MAX)
		look_in_module(n, l, loader, false, put_objects);
	else if (n->heap->module != SIZE_MAX) /* linked into one */
		look_in_module(n, l, n->heap->module, true, put_objects);
	look_in_link_maps(n, l);
}

const struct hs_namer hs_namer_glibc_lists = {
	.state_size = sizeof(struct lists),
	.survey = survey,
	.source = HS_TYPE_GLIBC,
};
