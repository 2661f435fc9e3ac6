/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>

#include <heapscan/graph.h>

#include "support/heap_scenario.h"

/*
 * A whole process image, damaged as the input says: the first byte chooses
 * release and architecture, then each 6 bytes are {kind, chunk, word, value}.
 * Whatever becomes of the heap: each block in use is reached or leaked, groups
 * add up, and owners retain what is reached.
 */
static void damage(struct heap_builder *hb, const uint8_t *p)
{
	size_t from = (size_t)(p[1] | p[2] << 8) % hb->chunk_count;
	size_t to = (size_t)(p[3] | p[4] << 8) % hb->chunk_count;
	hs_addr at = hb_addr(hb, from);
	uint64_t value = hb_user(hb, to) + (p[5] & 15);
	switch (p[0] % 4) {
	case 0: /* a reference */
		at = hb_user(hb, from) + (uint64_t)(p[5] >> 4) * hb->word;
		break;
	case 1: /* a size */
		at += hb->word;
		value = (uint64_t)p[5] << (p[3] % 32);
		break;
	case 2: /* a link of a free list */
		at = hb_user(hb, from) + (uint64_t)(p[5] & 1) * hb->word;
		break;
	default:
		value = (uint64_t)p[3] << 8 | p[4];
		break;
	}
	uint64_t none;
	if (!hs_target_read_word(&hb->target.base, at, &none, NULL))
		fake_target_put(&hb->target, at, value);
}

/*
 * Somebody who knows too much: what the input says of any word, sensible or
 * not. Chunk I's references begin at byte I of the input.
 */
struct knower {
	const struct heap_builder *hb;
	const uint8_t *data;
	size_t size;
};

static void tell(void *arg, size_t chunk, hs_known_ref_fn fn, void *fn_arg)
{
	const struct knower *k = arg;
	for (size_t at = chunk % k->size; at + 4 <= k->size; at += 4) {
		const uint8_t *p = k->data + at;
		struct hs_known_ref ref = {
			.word = p[0],
			.to = hb_user(k->hb, p[1] % k->hb->chunk_count) +
			      (p[2] & 31),
			.owns = p[3] & 1,
		};
		if (p[3] & 2)
			ref.word = UINT64_MAX - p[0];
		if (p[3] & 4)
			ref.to = UINT64_MAX - p[1];
		if ((p[3] & 24) == 24 || !fn(fn_arg, &ref))
			return;
	}
}

static const char *name(void *arg, size_t chunk)
{
	static const char *const names[] = { NULL, "a", "b", "\xff\xfe" };
	const struct knower *k = arg;
	return names[k->data[chunk % k->size] & 3];
}

static void require(int truth)
{
	if (!truth)
		abort();
}

static void check(struct hs_graph *graph, const struct hs_heap *heap)
{
	struct hs_graph_summary s;
	struct hs_heap_summary all;
	struct hs_leaks *leaks = NULL;
	struct hs_owners *owners = NULL;
	hs_graph_summary(graph, &s);
	hs_heap_summary(heap, &all);
	require(s.leaked.count + s.reachable.count == all.in_use.count);
	require(s.leaked.bytes + s.reachable.bytes == all.in_use.bytes);
	require(s.interior_only.count <= s.reachable.count);

	require(hs_leaks_find(graph, &leaks, NULL) == HS_OK);
	require(hs_leaks_count(leaks) == s.leaked.count);
	uint64_t count = 0;
	for (size_t i = 0; i < hs_leaks_group_count(leaks); i++) {
		struct hs_leak_group g;
		hs_leaks_group(leaks, i, &g);
		count += g.count;
		require(g.root_bytes <= g.root_bytes_most);
		struct hs_cycle cycle;
		require(hs_leaks_cycle(leaks, i, &cycle, NULL) == HS_OK);
		require(!cycle.count == (g.kind != HS_LEAK_CYCLE));
		require(!cycle.count ||
			cycle.step[cycle.count - 1].chunk == g.sample);
		hs_cycle_release(&cycle);
	}
	require(count == s.leaked.count);
	hs_leaks_free(leaks);

	struct hs_owner_info top;
	require(hs_owners_find(graph, &owners, NULL) == HS_OK);
	hs_owners_info(owners, HS_OWNER_TOP, &top);
	require(top.retained.count == s.reachable.count);
	require(top.retained.bytes == s.reachable.bytes);
	hs_owners_free(owners);

	for (size_t i = 0; i < hs_heap_chunk_count(heap); i += 17) {
		struct hs_path_list list;
		require(hs_graph_why(graph, i, 3, &list, NULL) == HS_OK);
		require((list.count > 0) == hs_graph_reached(graph, i));
		hs_path_list_release(&list);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned versions[] = { 23, 27, 31, 36, 42, 44 };
	struct heap_builder hb;
	struct hb_scene scene;
	struct hs_heap *heap = NULL;
	struct hs_graph *graph = NULL;
	if (size < 1 || size > 4096)
		return 0;
	hb_build(&hb, versions[data[0] % 6],
		 data[0] & 128 ? HS_ARCH_I386 : HS_ARCH_X86_64, 0, &scene);
	for (size_t at = 1; at + 6 <= size; at += 6)
		damage(&hb, data + at);
	if (!hs_heap_scan(&hb.target.base, NULL, NULL, &heap, NULL)) {
		struct hs_graph_options how = { .struct_size = sizeof(how),
						.jobs = 1 };
		struct knower knower = { &hb, data, size };
		const struct hs_graph_knowledge knowledge = { &knower, tell,
							      name, size & 1 };
		require(hs_graph_new(&hb.target.base, NULL, heap, &how, &graph,
				     NULL) == HS_OK);
		check(graph, heap);
		hs_graph_free(graph);
		graph = NULL;
		how.knowledge = &knowledge;
		require(hs_graph_new(&hb.target.base, NULL, heap, &how, &graph,
				     NULL) == HS_OK);
		check(graph, heap);
	}
	hs_graph_free(graph);
	hs_heap_free(heap);
	hb_release(&hb);
	return 0;
}
