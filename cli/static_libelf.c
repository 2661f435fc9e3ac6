/* SPDX-License-Identifier: MIT */
/*
 * What the libelf.a of elfutils 0.192 (Debian 13) calls and does not contain:
 * its archive was made without the part of elfutils that wraps tsearch(3). Part
 * of the static command where the archives do not link without it. The tree is
 * libelf's memory, zeroed; its first word is all that is used of it. libelf is
 * built without locks there, and so is this: each of our files is opened and
 * closed by one thread.
 */
#include <search.h>
#include <stddef.h>

typedef int (*compare_fn)(const void *, const void *);

void eu_search_tree_init(void **tree);
void eu_search_tree_fini(void **tree, void (*free_node)(void *));
void *eu_tsearch(const void *key, void **tree, compare_fn compare);
void *eu_tfind(const void *key, void **tree, compare_fn compare);
void *eu_tdelete(const void *key, void **tree, compare_fn compare);
void eu_tdestroy(void **tree, void (*free_node)(void *));

void eu_search_tree_init(void **tree)
{
	*tree = NULL;
}

void eu_tdestroy(void **tree, void (*free_node)(void *))
{
	tdestroy(*tree, free_node);
	*tree = NULL;
}

void eu_search_tree_fini(void **tree, void (*free_node)(void *))
{
	eu_tdestroy(tree, free_node);
}

void *eu_tsearch(const void *key, void **tree, compare_fn compare)
{
	return tsearch(key, tree, compare);
}

void *eu_tfind(const void *key, void **tree, compare_fn compare)
{
	return tfind(key, tree, compare);
}

void *eu_tdelete(const void *key, void **tree, compare_fn compare)
{
	return tdelete(key, tree, compare);
}
