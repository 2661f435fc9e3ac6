/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/fold.h"
#include "cli/reach.h"

/*
 * Owners of several captures are the same when their words are: the words
 * hold no address, since a program may be loaded elsewhere every time.
 */
static const char *owner_text(const struct cli *cli,
			      const struct hs_root_info *root, bool with_tid,
			      char buf[ROOT_TEXT])
{
	struct hs_heap_thread_info t = { .name = NULL, .tid = -1 };
	struct hs_module_info m = { .path = "unknown module" };
	struct hs_map_info map = { .path = NULL };
	static const char *const whats[HS_ROOT_KIND_COUNT] = {
		[HS_ROOT_REGISTER] = "registers",
		[HS_ROOT_TLS] = "thread-local storage",
		[HS_ROOT_THREAD] = "C library's record",
		[HS_ROOT_SPECIFIC] = "pthread_setspecific data",
		[HS_ROOT_FILE] = "mapped file",
		[HS_ROOT_UNKNOWN] = "undecided heap",
	};
	const char *what = whats[root->kind] ? whats[root->kind]
					     : hs_root_kind_name(root->kind);
	char tid[32] = "";
	if (root->thread < hs_heap_thread_count(cli->heap))
		hs_heap_thread(cli->heap, root->thread, &t);
	if (root->module < hs_target_module_count(cli->target))
		hs_target_module(cli->target, root->module, &m);
	if (root->map < hs_target_map_count(cli->target))
		hs_target_map(cli->target, root->map, &map);
	if (with_tid && root->thread != SIZE_MAX)
		(void)snprintf(tid, sizeof(tid), " %" PRId64, t.tid);
	if (root->has_symbol && root->thread != SIZE_MAX)
		(void)snprintf(buf, ROOT_TEXT,
			       "thread-local variable %s of %s, thread%s",
			       root->symbol.name, m.path, tid);
	else if (root->has_symbol)
		(void)snprintf(buf, ROOT_TEXT, "variable %s of %s",
			       root->symbol.name, m.path);
	else if (root->thread != SIZE_MAX)
		(void)snprintf(buf, ROOT_TEXT, "%s of thread%s%s%s%s", what,
			       tid, t.name ? " (" : "", t.name ? t.name : "",
			       t.name ? ")" : "");
	else if (root->module != SIZE_MAX)
		(void)snprintf(buf, ROOT_TEXT, "%s of %s", what, m.path);
	else
		(void)snprintf(buf, ROOT_TEXT, "%s memory%s%s", what,
			       map.path ? " of " : "",
			       map.path ? map.path : "");
	return buf;
}

/* Blocks that no root has for itself and that retain less than one in so many
 * bytes are not worth a name each. */
#define SMALL_SHARE 100u

struct naming {
	struct cli *cli;
	struct hs_graph *graph;
	const struct hs_owners *owners;
	uint64_t small; /* bytes */
	struct intern *names;
	bool with_tid;
	uint32_t *name;  /* by chunk, the answer */
	uint8_t *lasts;  /* by chunk at the top: of the root it is named after;
			  * 0: none leads to it directly */
	size_t *waiting; /* nodes to go below, a stack */
	bool failed;
};

static uint32_t number(struct naming *n, const char *text)
{
	uint32_t name = intern_get(n->names, text);
	n->failed |= name == INTERN_FAILED;
	return name;
}

/* Name a block at the top, which no root has for itself, after one of those
 * that lead to it. */
static bool name_shared(void *arg, const struct hs_root_info *root,
			size_t chunk, uint64_t interior)
{
	struct naming *n = arg;
	size_t node;
	char text[ROOT_TEXT], shared[ROOT_TEXT + 16];
	(void)interior;
	if (n->lasts[chunk] >= root_rank(root->kind) ||
	    !hs_owners_node(n->owners, chunk, &node) ||
	    hs_owners_parent(n->owners, node) != HS_OWNER_TOP)
		return true;
	(void)snprintf(shared, sizeof(shared), "%s, and others",
		       owner_text(n->cli, root, n->with_tid, text));
	n->name[chunk] = number(n, shared);
	n->lasts[chunk] = root_rank(root->kind);
	return !n->failed;
}

static uint32_t name_of_top(struct naming *n, size_t node)
{
	struct hs_owner_info o;
	struct hs_root_info root;
	char text[ROOT_TEXT], shared[ROOT_TEXT + 16];
	hs_owners_info(n->owners, node, &o);
	if (o.is_root)
		return number(n,
			      owner_text(n->cli, &o.root, n->with_tid, text));
	if (n->lasts[o.chunk])
		return n->name[o.chunk];
	if (o.retained.bytes < n->small ||
	    !reach_root(n->graph, o.chunk, &root))
		return number(n, "several blocks together");
	(void)snprintf(shared, sizeof(shared), "%s, and others",
		       owner_text(n->cli, &root, n->with_tid, text));
	return number(n, shared);
}

/* Everything at and below NODE gets NAME. */
static void name_below(struct naming *n, size_t node, uint32_t name)
{
	struct hs_owner_info o;
	size_t count = 0;
	n->waiting[count++] = node;
	while (count) {
		node = n->waiting[--count];
		hs_owners_info(n->owners, node, &o);
		if (!o.is_root)
			n->name[o.chunk] = name;
		for (size_t i = 0; i < o.children; i++)
			n->waiting[count++] =
				hs_owners_child(n->owners, node, i);
	}
}

static void name_all(struct naming *n)
{
	struct hs_owner_info whole;
	size_t tops = hs_owners_children(n->owners, HS_OWNER_TOP);
	size_t chunks = hs_heap_chunk_count(n->cli->heap);
	uint32_t leaked = number(n, "nothing: leaked");
	hs_owners_info(n->owners, HS_OWNER_TOP, &whole);
	n->small = whole.retained.bytes / SMALL_SHARE + 1;
	hs_graph_each_root(n->graph, name_shared, n);
	for (size_t i = 0; i < tops && !n->failed; i++) {
		size_t top = hs_owners_child(n->owners, HS_OWNER_TOP, i);
		name_below(n, top, name_of_top(n, top));
	}
	for (size_t i = 0; i < chunks; i++)
		if (!hs_graph_reached(n->graph, i))
			n->name[i] = leaked;
}

int fold_owners(struct cli *cli, bool with_tid, struct intern *names,
		uint32_t *ret)
{
	struct naming n = {
		.cli = cli, .names = names, .with_tid = with_tid, .name = ret
	};
	struct hs_graph *graph = NULL;
	struct hs_owners *owners = NULL;
	struct hs_error err = { .code = HS_OK };
	size_t chunks = hs_heap_chunk_count(cli->heap);
	int code = reach_build_named(cli, &graph);
	if (!code) {
		reach_note_missing(graph);
		if (hs_owners_find(graph, &owners, &err))
			code = cli_fail_error(cli, &err);
	}
	n.graph = graph;
	n.owners = owners;
	n.lasts = calloc(chunks + 1, sizeof(*n.lasts));
	n.waiting = malloc((chunks + 2) * sizeof(*n.waiting));
	n.failed = !n.lasts || !n.waiting;
	if (!code && !n.failed)
		name_all(&n);
	if (!code && n.failed)
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for the owners");
	free(n.lasts);
	free(n.waiting);
	hs_owners_free(owners);
	return code;
}
