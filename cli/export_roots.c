/* SPDX-License-Identifier: MIT */
#include "cli/export_roots.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *module_path(const struct cli *cli, size_t module)
{
	struct hs_module_info m;
	if (module >= hs_target_module_count(cli->target))
		return "an unknown module";
	hs_target_module(cli->target, module, &m);
	return m.path;
}

static void of_thread(const struct cli *cli, size_t thread, const char *what,
		      char buf[OWNER_TEXT])
{
	struct hs_heap_thread_info t;
	if (thread >= hs_heap_thread_count(cli->heap)) {
		(void)snprintf(buf, OWNER_TEXT, "%s of an unknown thread",
			       what);
		return;
	}
	hs_heap_thread(cli->heap, thread, &t);
	(void)snprintf(buf, OWNER_TEXT, "%s of thread %" PRId64 "%s%s%s", what,
		       t.tid, t.name ? " (" : "", t.name ? t.name : "",
		       t.name ? ")" : "");
}

static void of_mapping(const struct cli *cli, size_t map, const char *what,
		       char buf[OWNER_TEXT])
{
	struct hs_map_info m = { .start = 0 };
	if (map >= hs_target_map_count(cli->target)) {
		(void)snprintf(buf, OWNER_TEXT, "%s", what);
		return;
	}
	hs_target_map(cli->target, map, &m);
	(void)snprintf(buf, OWNER_TEXT, "%s%s%s at 0x%" PRIx64, what,
		       m.path ? " " : "", m.path ? m.path : "", m.start);
}

const char *export_owner_text(const struct cli *cli,
			      const struct hs_root_info *root,
			      char buf[OWNER_TEXT])
{
	switch (root->kind) {
	case HS_ROOT_REGISTER:
		of_thread(cli, root->thread, "registers", buf);
		break;
	case HS_ROOT_STACK:
		of_thread(cli, root->thread, "stack", buf);
		break;
	case HS_ROOT_TLS:
		of_thread(cli, root->thread, "thread-local storage", buf);
		break;
	case HS_ROOT_THREAD:
		of_thread(cli, root->thread, "C library's record", buf);
		break;
	case HS_ROOT_SPECIFIC:
		of_thread(cli, root->thread, "pthread_setspecific", buf);
		break;
	case HS_ROOT_DATA:
		if (root->has_symbol)
			(void)snprintf(buf, OWNER_TEXT, "%s",
				       root->symbol.name);
		else
			(void)snprintf(buf, OWNER_TEXT, "%s",
				       "(variables without a name)");
		break;
	case HS_ROOT_FILE:
		of_mapping(cli, root->map, "mapped file", buf);
		break;
	case HS_ROOT_SHARED:
		of_mapping(cli, root->map, "shared memory", buf);
		break;
	case HS_ROOT_UNKNOWN:
		of_mapping(cli, root->map, "undecided heap", buf);
		break;
	default:
		of_mapping(cli, root->map, "anonymous memory", buf);
		break;
	}
	return buf;
}

const char *export_owner_parent(const struct cli *cli,
				const struct hs_root_info *root,
				char buf[OWNER_TEXT])
{
	if (root->kind != HS_ROOT_DATA)
		return NULL;
	(void)snprintf(buf, OWNER_TEXT, "variables of %s",
		       module_path(cli, root->module));
	return buf;
}

/* Bytes from the beginning of what export_owner_text() names. */
static uint64_t offset_in(const struct cli *cli,
			  const struct hs_root_info *root)
{
	struct hs_map_info m;
	struct hs_module_info module;
	switch (root->kind) {
	case HS_ROOT_REGISTER:
		return 0;
	case HS_ROOT_STACK:
	case HS_ROOT_TLS:
	case HS_ROOT_THREAD:
	case HS_ROOT_SPECIFIC:
		return root->offset;
	case HS_ROOT_DATA:
		if (root->has_symbol)
			return root->addr - root->symbol.addr;
		if (root->module >= hs_target_module_count(cli->target))
			return root->addr;
		hs_target_module(cli->target, root->module, &module);
		return root->addr - module.base;
	default:
		if (root->map >= hs_target_map_count(cli->target))
			return root->addr;
		hs_target_map(cli->target, root->map, &m);
		return root->addr - m.start;
	}
}

struct collector {
	struct export_job *job;
	struct export_roots *roots;
	struct hs_root_info last; /* words come by owner, mostly */
	uint32_t last_root;
	bool failed;
};

/* The root called NAME below PARENT. */
static uint32_t get_root(struct export_roots *r, uint32_t parent,
			 const char *name)
{
	char key[OWNER_TEXT + 16];
	(void)snprintf(key, sizeof(key), "%" PRIu32 "\n%s", parent, name);
	uint32_t i = intern_get(&r->key, key);
	if (i == INTERN_FAILED || i < r->count)
		return i;
	if (r->count == r->capacity) {
		size_t more = r->capacity ? r->capacity * 2 : 64;
		void *root = realloc(r->root, more * sizeof(*r->root));
		if (!root)
			return INTERN_FAILED;
		r->root = root;
		r->capacity = more;
	}
	r->root[r->count++] = (struct export_root){ .parent = parent };
	return i;
}

static uint32_t root_of(struct collector *c, const struct hs_root_info *info)
{
	const struct hs_root_info *last = &c->last;
	char name[OWNER_TEXT], above[OWNER_TEXT];
	if (c->last_root != NO_ROOT && last->kind == info->kind &&
	    last->thread == info->thread && last->module == info->module &&
	    last->map == info->map && last->has_symbol == info->has_symbol &&
	    (!info->has_symbol || last->symbol.addr == info->symbol.addr))
		return c->last_root;
	uint32_t parent = NO_ROOT;
	if (export_owner_parent(c->job->cli, info, above)) {
		parent = get_root(c->roots, NO_ROOT, above);
		if (parent == INTERN_FAILED)
			return INTERN_FAILED;
	}
	c->last = *info;
	c->last_root = get_root(c->roots, parent,
				export_owner_text(c->job->cli, info, name));
	return c->last_root;
}

static bool collect(void *arg, const struct hs_root_info *info, size_t chunk,
		    uint64_t interior)
{
	struct collector *c = arg;
	struct export_roots *r = c->roots;
	uint32_t root = root_of(c, info);
	c->failed = true;
	if (root == INTERN_FAILED)
		return false;
	if (r->word_count == r->word_capacity) {
		size_t more = r->word_capacity ? r->word_capacity * 2 : 256;
		void *word = realloc(r->word, more * sizeof(*r->word));
		if (!word)
			return false;
		r->word = word;
		r->word_capacity = more;
	}
	r->word[r->word_count++] = (struct export_root_word){
		.root = root,
		.chunk = chunk,
		.offset = offset_in(c->job->cli, info),
		.interior = interior,
		.reg = info->kind == HS_ROOT_REGISTER
			       ? hs_register_name(c->job->cli->info.arch,
						  info->reg)
			       : NULL,
	};
	c->failed = false;
	return true;
}

/* Put the words of each root together, in the order in which they came. */
static bool sort_words(struct export_roots *r)
{
	struct export_root_word *sorted =
		malloc((r->word_count + 1) * sizeof(*sorted));
	size_t *next = calloc(r->count + 1, sizeof(*next));
	if (sorted && next) {
		for (size_t i = 0; i < r->word_count; i++)
			next[r->word[i].root + 1]++;
		for (size_t i = 0; i < r->count; i++) {
			next[i + 1] += next[i];
			r->root[i].first = next[i];
		}
		for (size_t i = 0; i < r->word_count; i++)
			sorted[next[r->word[i].root]++] = r->word[i];
		free(r->word);
		r->word = sorted;
		free(next);
		return true;
	}
	free(sorted);
	free(next);
	return false;
}

int export_roots_find(struct export_roots *ret, struct export_job *job)
{
	struct collector c = { .job = job, .roots = ret, .last_root = NO_ROOT };
	*ret = (struct export_roots){ .count = 0 };
	hs_graph_each_root(job->graph, collect, &c);
	if (c.failed || !sort_words(ret)) {
		export_roots_release(ret);
		return export_nomem(job, "roots");
	}
	return EXIT_ANSWERED;
}

void export_roots_release(struct export_roots *roots)
{
	intern_release(&roots->key);
	free(roots->root);
	free(roots->word);
	*roots = (struct export_roots){ .count = 0 };
}

const char *export_root_name(const struct export_roots *roots, size_t i)
{
	return strchr(roots->key.text[i], '\n') + 1;
}

void export_root_words(const struct export_roots *roots, size_t i,
		       size_t *first, size_t *end)
{
	*first = roots->root[i].first;
	*end = i + 1 < roots->count ? roots->root[i + 1].first
				    : roots->word_count;
}
