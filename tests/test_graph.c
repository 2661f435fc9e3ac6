/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <heapscan/graph.h>

#include "graph/graph_inside.h"
#include "graph/word_filter.h"
#include "support/heap_scenario.h"

static uint64_t random_state = 0x2545f4914f6cdd1du;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void every_vector_unit_lets_the_same_words_through(void **state)
{
	(void)state;
	const struct hs_word_range ranges[] = {
		{ { 0x555555554000, 0x7ffff0000000 },
		  { 0x555565554000, 0x7ffff7fff000 } },
		{ { 0x1000, 0x1000 }, { 0x1000, 0x1000 } },
		{ { 0xfff8, 0x5000000000 }, { 0x100000008, 0x5000000000 } },
		{ { 1, 0x100000000 }, { 2, 0x1ffffffff } },
	};
	uint64_t words[HS_FILTER_WORDS];
	uint16_t wanted[HS_FILTER_WORDS], got[HS_FILTER_WORDS];
	for (size_t turn = 0; turn < 400; turn++) {
		const struct hs_word_range *r = &ranges[turn % 4];
		size_t count = turn % 5 ? next_random() % 100 : HS_FILTER_WORDS;
		size_t n = 0;
		for (size_t i = 0; i < count; i++) {
			uint64_t edge = next_random() & 1 ? r->low[i & 1]
							  : r->high[i & 1];
			switch (next_random() % 4) {
			case 0:
				words[i] = edge + next_random() % 3 - 1;
				break;
			case 1:
				words[i] = edge | UINT64_C(1) << 63;
				break;
			case 2:
				words[i] = next_random();
				break;
			default:
				words[i] = edge + next_random() % 0x10000;
				break;
			}
			if ((words[i] >= r->low[0] && words[i] < r->high[0]) ||
			    (words[i] >= r->low[1] && words[i] < r->high[1]))
				wanted[n++] = (uint16_t)i;
		}
		struct hs_filter_way way;
		for (size_t w = 0; hs_filter_way(w, &way); w++) {
			if (!way.usable)
				continue;
			size_t found =
				way.fn(r, (const uint8_t *)words, count, got);
			assert_int_equal(found, n);
			assert_memory_equal(got, wanted, n * sizeof(*got));
		}
	}
}

/* ---- a heap of NODES blocks that point to one another at random ---- */

#define NODES 40u
#define ROOT_AREA 0x7f1200000000u
#define ROOT_WORDS 8u
#define KNOWN 64u

struct web {
	struct heap_builder hb;
	struct hs_heap *heap;
	struct hs_graph *graph;
	uint64_t roots[512];
	size_t block[NODES]; /* hb's number */
	size_t chunk[NODES]; /* heap's index */
	bool edge[NODES][NODES], exact[NODES][NODES];
	bool root[NODES], root_exact[NODES];
	/* What somebody knows of words beyond their bits. */
	struct hs_known_ref known[KNOWN];
	size_t known_of[KNOWN]; /* the node that holds it */
	size_t known_count;
	struct hs_graph_knowledge knowledge;
	bool sharp;
	unsigned weak[NODES][NODES];
	unsigned owners[NODES]; /* words that own it */
};

/* What an enum of Swift puts into the top byte of a pointer. */
static uint64_t random_tag(const struct web *w)
{
	return w->sharp && next_random() % 3 == 0 ? UINT64_C(0x40) << 56 : 0;
}

static void tell_known(void *arg, size_t chunk, hs_known_ref_fn fn,
		       void *fn_arg)
{
	struct web *w = arg;
	for (size_t i = 0; i < w->known_count; i++)
		if (w->chunk[w->known_of[i]] == chunk &&
		    !fn(fn_arg, &w->known[i]))
			return;
}

static void point(struct web *w, size_t from, size_t to)
{
	hs_addr at = hb_user(&w->hb, w->block[from]);
	size_t words = (size_t)hb_usable(&w->hb, w->block[from]) / 8;
	/* Each word once; one that is taken stays as it is. */
	at += 8 * (next_random() % words);
	if (fake_target_get(&w->hb.target, at))
		return;
	uint64_t usable = hb_usable(&w->hb, w->block[to]);
	uint64_t into = next_random() % 3 ? 0 : next_random() % (usable + 1);
	hs_addr value = hb_user(&w->hb, w->block[to]) + into;
	/* Of a block to its own header it would be malloc's. */
	if (value + 16 == hb_user(&w->hb, w->block[from]))
		return;
	uint64_t word = at - hb_user(&w->hb, w->block[from]);
	unsigned kind = w->sharp ? next_random() % 4 : 0;
	if (kind && w->known_count < KNOWN) {
		w->known[w->known_count] =
			(struct hs_known_ref){ word, value, kind != 1 };
		w->known_of[w->known_count++] = from;
	} else {
		kind = 0;
	}
	if (kind == 1) { /* there to see, and known not to own */
		fake_target_put(&w->hb.target, at, value);
		w->weak[from][to]++;
		return;
	}
	/* Disguised, or there to see; sometimes said though it was seen. */
	fake_target_put(&w->hb.target, at,
			kind == 2 ? ~value : value | random_tag(w));
	w->edge[from][to] = true;
	w->owners[to]++;
	w->exact[from][to] |= into == 0;
}

static void make_web(struct web *w, unsigned version, unsigned edges,
		     unsigned roots, bool sharp)
{
	memset(w, 0, sizeof(*w));
	w->sharp = sharp;
	hb_init(&w->hb, version, HS_ARCH_X86_64);
	size_t thread = hb_thread(&w->hb, HB_MAIN);
	hb_tcache(&w->hb, thread);
	size_t arena = hb_arena(&w->hb);
	for (size_t i = 0; i < NODES; i++) {
		w->block[i] = hb_alloc(&w->hb, i % 3 ? HB_MAIN : arena,
				       24 + next_random() % 200);
		/* Free blocks in between, full of pointers. */
		if (i % 4 == 0 && i < 24)
			hb_to_tcache(&w->hb,
				     hb_alloc(&w->hb, HB_MAIN, 200 + 16 * i),
				     thread);
	}
	fake_target_map(&w->hb.target, ROOT_AREA, w->roots, sizeof(w->roots),
			FAKE_RW);
	hb_finish(&w->hb);
	for (size_t i = 0; i < NODES; i++)
		for (size_t k = 0; k < hb_usable(&w->hb, w->block[i]); k += 8)
			fake_target_put(&w->hb.target,
					hb_user(&w->hb, w->block[i]) + k, 0);
	for (unsigned e = 0; e < edges; e++)
		point(w, next_random() % NODES, next_random() % NODES);
	for (size_t r = 0; r < roots; r++) {
		size_t to = next_random() % NODES;
		bool inside = next_random() % 4 == 0;
		w->roots[8 * r] = (hb_user(&w->hb, w->block[to]) + 8 * inside) |
				  random_tag(w);
		w->owners[to]++;
		w->root[to] = true;
		w->root_exact[to] |= !inside;
	}
	assert_int_equal(
		hs_heap_scan(&w->hb.target.base, NULL, NULL, &w->heap, NULL),
		HS_OK);
	for (size_t i = 0; i < NODES; i++)
		assert_true(hs_heap_find(w->heap, hb_user(&w->hb, w->block[i]),
					 &w->chunk[i]));
	/* More threads than the machine has, so that they meet. */
	w->knowledge = (struct hs_graph_knowledge){ .arg = w,
						    .refs = tell_known,
						    .tagged = sharp };
	struct hs_graph_options how = { .struct_size = sizeof(how),
					.jobs = 4,
					.ways = roots % 2,
					.knowledge = &w->knowledge };
	assert_int_equal(hs_graph_new(&w->hb.target.base, NULL, w->heap, &how,
				      &w->graph, NULL),
			 HS_OK);
}

static void clear_web(struct web *w)
{
	hs_graph_free(w->graph);
	hs_heap_free(w->heap);
	hb_release(&w->hb);
}

/* From the roots, or from START when it is not NODES, never through WITHOUT. */
static void reach(const struct web *w, size_t start, size_t without,
		  bool seen[NODES])
{
	memset(seen, 0, NODES * sizeof(*seen));
	for (size_t i = 0; i < NODES; i++) {
		bool first = start == NODES ? w->root[i] : w->edge[start][i];
		seen[i] = first && i != without;
	}
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < NODES; i++)
			for (size_t k = 0; seen[i] && k < NODES; k++)
				if (w->edge[i][k] && !seen[k] && k != without)
					more = seen[k] = true;
	}
}

static void check_leaks(struct web *w, const bool reached[NODES])
{
	struct hs_leaks *leaks = NULL;
	struct hs_graph_summary s;
	bool below[NODES][NODES], lost[NODES] = { false };
	size_t count = 0, inside = 0;
	hs_graph_summary(w->graph, &s);
	for (size_t i = 0; i < NODES; i++) {
		reach(w, i, NODES, below[i]);
		lost[i] = !reached[i];
		count += lost[i];
		bool exact = w->root_exact[i];
		for (size_t k = 0; k < NODES; k++)
			exact |= reached[k] && w->exact[k][i];
		inside += reached[i] && !exact;
	}
	assert_int_equal(s.leaked.count, count);
	assert_int_equal(s.reachable.count, NODES - count);
	assert_int_equal(s.interior_only.count, inside);
	assert_int_equal(hs_leaks_find(w->graph, &leaks, NULL), HS_OK);
	assert_int_equal(hs_leaks_count(leaks), count);
	uint64_t blocks = 0, bytes = 0;
	for (size_t i = 0; i < hs_leaks_group_count(leaks); i++) {
		struct hs_leak_group g;
		hs_leaks_group(leaks, i, &g);
		blocks += g.count;
		bytes += g.bytes;
		assert_true(g.roots > 0 && g.roots <= g.count);
	}
	assert_int_equal(blocks, count);
	assert_int_equal(bytes, s.leaked.bytes);
	for (size_t n = 0; n < count; n++) {
		struct hs_leak_info leak;
		hs_leaks_get(leaks, n, &leak);
		size_t i = 0;
		while (i < NODES && w->chunk[i] != leak.chunk)
			i++;
		assert_true(i < NODES && lost[i]);
		bool held = false;
		for (size_t k = 0; k < NODES; k++)
			held |= lost[k] && w->edge[k][i];
		enum hs_leak_kind wanted = HS_LEAK_ROOT;
		if (below[i][i])
			wanted = HS_LEAK_CYCLE;
		else if (held)
			wanted = HS_LEAK_CHILD;
		assert_int_equal(leak.kind, wanted);
		if (wanted == HS_LEAK_CHILD) {
			size_t r = 0;
			while (r < NODES && w->chunk[r] != leak.root)
				r++;
			assert_true(r < NODES && below[r][i]);
		}
	}
	hs_leaks_free(leaks);
}

static void check_counts(struct web *w)
{
	uint32_t count[512];
	assert_true(hs_heap_chunk_count(w->heap) <= 512);
	assert_int_equal(hs_graph_count_owners(w->graph, count, NULL), HS_OK);
	for (size_t i = 0; i < NODES; i++)
		assert_int_equal(count[w->chunk[i]], w->owners[i]);
}

static void check_owners(struct web *w, const bool reached[NODES])
{
	struct hs_owners *owners = NULL;
	assert_int_equal(hs_owners_find(w->graph, &owners, NULL), HS_OK);
	for (size_t i = 0; i < NODES; i++) {
		size_t node;
		struct hs_owner_info info;
		bool without[NODES];
		assert_int_equal(hs_owners_node(owners, w->chunk[i], &node),
				 reached[i]);
		if (!reached[i])
			continue;
		/* What it retains is what is lost without it. */
		uint64_t count = 0, bytes = 0;
		reach(w, NODES, i, without);
		for (size_t k = 0; k < NODES; k++)
			if (reached[k] && !without[k]) {
				count++;
				bytes += hb_usable(&w->hb, w->block[k]);
			}
		hs_owners_info(owners, node, &info);
		assert_int_equal(info.retained.count, count);
		assert_int_equal(info.retained.bytes, bytes);
		assert_int_equal(info.chunk, w->chunk[i]);
	}
	hs_owners_free(owners);
}

static void check_paths(struct web *w, const bool reached[NODES])
{
	size_t steps[NODES];
	for (size_t i = 0; i < NODES; i++)
		steps[i] = w->root[i] ? 1 : SIZE_MAX;
	for (size_t n = 1; n < NODES; n++)
		for (size_t i = 0; i < NODES; i++)
			for (size_t k = 0; steps[i] == n && k < NODES; k++)
				if (w->edge[i][k] && steps[k] > n + 1)
					steps[k] = n + 1;
	for (size_t i = 0; i < NODES; i++) {
		struct hs_path_list list;
		assert_int_equal(
			hs_graph_why(w->graph, w->chunk[i], 5, &list, NULL),
			HS_OK);
		assert_int_equal(list.count > 0, reached[i]);
		if (list.count)
			assert_int_equal(list.path[0].count, steps[i]);
		for (size_t p = 0; p < list.count; p++) {
			const struct hs_path *path = &list.path[p];
			assert_int_equal(path->root.kind, HS_ROOT_ANONYMOUS);
			assert_int_equal(path->step[path->count - 1].chunk,
					 w->chunk[i]);
			for (size_t s = 1; s < path->count; s++) {
				struct hs_chunk_info from, to;
				hs_heap_chunk(w->heap, path->step[s - 1].chunk,
					      &from);
				hs_heap_chunk(w->heap, path->step[s].chunk,
					      &to);
				uint64_t word = fake_target_get(
					&w->hb.target,
					from.user + path->step[s].offset);
				hs_addr way = to.user + path->step[s].interior;
				if (w->sharp && word != ~way)
					word &= (UINT64_C(1) << 56) - 1;
				assert_true(word == way ||
					    (w->sharp && word == ~way));
			}
		}
		hs_path_list_release(&list);
	}
}

static void check_steps(struct web *w)
{
	for (size_t i = 0; i < NODES; i++) {
		struct hs_holder_list in, out;
		assert_int_equal(
			hs_graph_referrers(w->graph, w->chunk[i], &in, NULL),
			HS_OK);
		assert_int_equal(
			hs_graph_references(w->graph, w->chunk[i], &out, NULL),
			HS_OK);
		size_t holders = 0, blocks = 0;
		for (size_t k = 0; k < NODES; k++)
			holders += w->edge[k][i];
		size_t weak = 0, wanted = 0;
		for (size_t k = 0; k < NODES; k++)
			wanted += w->weak[k][i];
		for (size_t h = 0; h < in.count; h++) {
			weak += in.holder[h].weak;
			blocks += !in.holder[h].is_root && !in.holder[h].weak;
		}
		assert_int_equal(blocks, holders);
		assert_int_equal(weak, wanted);
		for (size_t h = 0; h < out.count; h++) {
			size_t k = 0;
			while (k < NODES && w->chunk[k] != out.holder[h].chunk)
				k++;
			assert_true(k < NODES);
			assert_true(out.holder[h].weak ? w->weak[i][k] > 0
						       : w->edge[i][k]);
		}
		hs_holder_list_release(&in);
		hs_holder_list_release(&out);
	}
}

static void random_webs_are_judged_as_by_trying_everything(void **state)
{
	(void)state;
	struct web *w = malloc(sizeof(*w));
	assert_non_null(w);
	for (unsigned turn = 0; turn < 120; turn++) {
		bool reached[NODES];
		make_web(w, turn % 2 ? 36 : 44, 5 + turn % 60 * 2, turn % 7,
			 turn >= 60);
		reach(w, NODES, NODES, reached);
		for (size_t i = 0; i < NODES; i++)
			assert_int_equal(
				hs_graph_reached(w->graph, w->chunk[i]),
				reached[i]);
		check_leaks(w, reached);
		check_owners(w, reached);
		check_paths(w, reached);
		check_steps(w);
		check_counts(w);
		clear_web(w);
	}
	free(w);
}

/* ---- leaks with names ---- */

static const char *name_of(void *arg, size_t chunk)
{
	const struct web *w = arg;
	for (size_t i = 0; i < NODES; i++)
		if (w->chunk[i] == chunk && i % 4)
			return i % 4 == 1 ? "Parent" : "Child";
	return NULL;
}

/* Node 0 of a web without roots, edges or names to begin with. */
static void make_plain_web(struct web *w)
{
	make_web(w, 36, 0, 0, false);
	hs_graph_free(w->graph);
	w->graph = NULL;
	w->knowledge.name = name_of;
}

static void hold(struct web *w, size_t from, uint64_t word, size_t to)
{
	fake_target_put(&w->hb.target, hb_user(&w->hb, w->block[from]) + word,
			hb_user(&w->hb, w->block[to]));
}

static void judge(struct web *w, struct hs_leaks **ret)
{
	struct hs_graph_options how = { .struct_size = sizeof(how),
					.knowledge = &w->knowledge };
	assert_int_equal(hs_graph_new(&w->hb.target.base, NULL, w->heap, &how,
				      &w->graph, NULL),
			 HS_OK);
	assert_int_equal(hs_leaks_find(w->graph, ret, NULL), HS_OK);
}

/* The group that has the block of node I in it, and its number. */
static size_t group_of(struct web *w, const struct hs_leaks *leaks, size_t i,
		       struct hs_leak_group *ret)
{
	struct hs_leak_info leak;
	for (size_t n = 0; n < hs_leaks_count(leaks); n++) {
		hs_leaks_get(leaks, n, &leak);
		if (leak.chunk == w->chunk[i]) {
			hs_leaks_group(leaks, leak.group, ret);
			return leak.group;
		}
	}
	fail_msg("block %zu is not leaked", i);
	return SIZE_MAX;
}

static void leaks_with_names_are_folded_by_them(void **state)
{
	(void)state;
	struct web *w = malloc(sizeof(*w));
	assert_non_null(w);
	struct hs_leaks *leaks = NULL;
	struct hs_leak_group g;
	struct hs_cycle cycle;
	make_plain_web(w);
	/* Two parents of different sizes, each with a child of another. */
	hold(w, 1, 8, 2);
	hold(w, 5, 8, 6);
	/* A cycle of two. */
	hold(w, 9, 16, 10);
	hold(w, 10, 8, 9);
	judge(w, &leaks);
	assert_int_equal(group_of(w, leaks, 1, &g), group_of(w, leaks, 5, &g));
	assert_string_equal(g.shape, "Parent -> Child");
	assert_string_equal(g.type, "Parent");
	assert_int_equal(g.roots, 2);
	assert_int_equal(g.count, 4);
	uint64_t a = hb_usable(&w->hb, w->block[1]);
	uint64_t b = hb_usable(&w->hb, w->block[5]);
	assert_int_equal(g.root_bytes, a < b ? a : b);
	assert_int_equal(g.root_bytes_most, a < b ? b : a);
	(void)group_of(w, leaks, 4, &g); /* nobody knows its name */
	assert_null(g.type);
	assert_non_null(strstr(g.shape, " bytes"));
	/* Its lowest block is taken for the first. */
	size_t n = group_of(w, leaks, 9, &g);
	bool parent = w->chunk[9] < w->chunk[10];
	assert_string_equal(g.shape, parent ? "cycle of Parent -> Child"
					    : "cycle of Child -> Parent");
	assert_int_equal(hs_leaks_cycle(leaks, n, &cycle, NULL), HS_OK);
	assert_int_equal(cycle.count, 2);
	assert_int_equal(cycle.step[!parent].chunk, w->chunk[10]);
	assert_int_equal(cycle.step[!parent].offset, 16);
	assert_int_equal(cycle.step[parent].chunk, w->chunk[9]);
	assert_int_equal(cycle.step[parent].offset, 8);
	hs_cycle_release(&cycle);
	hs_leaks_free(leaks);
	clear_web(w);
	free(w);
}

/* The links of a large free chunk to itself, in a block made of it. */
static void what_malloc_left_in_a_block_keeps_nothing(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 3; at++) {
		struct web *w = malloc(sizeof(*w));
		assert_non_null(w);
		struct hs_leaks *leaks = NULL;
		make_plain_web(w);
		hs_addr user = hb_user(&w->hb, w->block[2]);
		assert_int_equal(user, hb_user(&w->hb, w->block[1]) + 8 +
					       hb_usable(&w->hb, w->block[1]));
		w->roots[0] = user;
		fake_target_put(&w->hb.target, user + 8 * (uint64_t)at,
				user - 16);
		judge(w, &leaks);
		assert_int_equal(hs_graph_reached(w->graph, w->chunk[1]),
				 at < 2);
		hs_leaks_free(leaks);
		clear_web(w);
		free(w);
	}
}

static void a_weak_reference_back_makes_no_cycle(void **state)
{
	(void)state;
	struct web *w = malloc(sizeof(*w));
	assert_non_null(w);
	struct hs_leaks *leaks = NULL;
	struct hs_leak_info leak;
	make_plain_web(w);
	hold(w, 1, 8, 2);
	hold(w, 2, 8, 1); /* of the child's parent, which it does not own */
	w->known[0] =
		(struct hs_known_ref){ 8, hb_user(&w->hb, w->block[1]), false };
	w->known_of[w->known_count++] = 2;
	/* A delegate: alive, and no owner of what it tells. */
	hold(w, 4, 0, 6);
	w->known[1] =
		(struct hs_known_ref){ 0, hb_user(&w->hb, w->block[6]), false };
	w->known_of[w->known_count++] = 4;
	w->roots[0] = hb_user(&w->hb, w->block[4]);
	judge(w, &leaks);
	assert_true(hs_graph_reached(w->graph, w->chunk[4]));
	assert_false(hs_graph_reached(w->graph, w->chunk[6]));
	for (size_t n = 0; n < hs_leaks_count(leaks); n++) {
		hs_leaks_get(leaks, n, &leak);
		enum hs_confidence sure = HS_CONFIDENCE_HIGH;
		enum hs_leak_kind kind = HS_LEAK_ROOT;
		if (leak.chunk == w->chunk[2])
			kind = HS_LEAK_CHILD;
		if (leak.chunk == w->chunk[6])
			sure = HS_CONFIDENCE_MEDIUM;
		assert_int_equal(leak.kind, kind);
		assert_int_equal(leak.confidence, sure);
	}
	hs_leaks_free(leaks);
	clear_web(w);
	free(w);
}

/* ---- the index ---- */

static void check_index(unsigned version, enum hs_arch arch)
{
	struct heap_builder hb;
	struct hb_scene scene;
	struct hs_heap *heap = NULL;
	struct hs_block_index *index = NULL;
	hb_build(&hb, version, arch, 0, &scene);
	assert_int_equal(hs_heap_scan(&hb.target.base, NULL, NULL, &heap, NULL),
			 HS_OK);
	assert_int_equal(hs_block_index_new(heap, &index, NULL), HS_OK);
	for (size_t i = 0; i < hs_heap_chunk_count(heap); i++) {
		struct hs_chunk_info c;
		hs_heap_chunk(heap, i, &c);
		bool live =
			c.state == HS_CHUNK_USED || c.state == HS_CHUNK_MMAPPED;
		const uint64_t far[] = {
			0, 1, 8, c.usable / 2, c.usable - 1, c.usable
		};
		for (size_t k = 0; k < 6; k++) {
			uint32_t chunk = UINT32_MAX;
			uint64_t into = UINT64_MAX;
			bool end = far[k] == c.usable;
			bool found = hs_block_index_find(index, c.user + far[k],
							 &chunk, &into);
			bool wanted = live && far[k] <= c.usable &&
				      !(end && c.state == HS_CHUNK_MMAPPED);
			if (!live || end)
				/* what is there may be another's */
				assert_true(!found || chunk != i || live);
			if (!wanted)
				continue;
			assert_true(found);
			assert_int_equal(chunk, i);
			assert_int_equal(into, far[k]);
		}
		assert_true(!live || c.user - 1 < index->range.high[0] ||
			    c.user >= index->range.low[1]);
	}
	uint32_t chunk;
	uint64_t into;
	assert_false(hs_block_index_find(index, 0, &chunk, &into));
	assert_false(hs_block_index_find(index, UINT64_MAX, &chunk, &into));
	hs_block_index_free(index);
	hs_heap_free(heap);
	hb_release(&hb);
}

static void the_index_finds_every_block_of_every_release(void **state)
{
	(void)state;
	for (unsigned version = 17; version <= 44; version += 3) {
		check_index(version, HS_ARCH_X86_64);
		check_index(version, HS_ARCH_I386);
		check_index(version, HS_ARCH_AARCH64);
	}
}

/* ---- what is missing ---- */

/* Blocks nobody holds, a hole in a root, and one in a block that was cut. */
static void judge_holes(bool complete, struct hs_graph_summary *s,
			enum hs_confidence wanted)
{
	struct heap_builder hb;
	struct hs_heap *heap = NULL;
	struct hs_graph *graph = NULL;
	struct hs_leaks *leaks = NULL;
	uint64_t roots[512] = { 0 };
	hb_init(&hb, 36, HS_ARCH_X86_64);
	hb_tcache(&hb, hb_thread(&hb, HB_MAIN));
	(void)hb_alloc(&hb, HB_MAIN, 100);
	size_t large = hb_alloc(&hb, HB_MAIN, 0x8000);
	(void)hb_alloc(&hb, HB_MAIN, 100);
	hs_addr page = (hb_user(&hb, large) + 0x2000) & ~(hs_addr)0xfff;
	if (!complete)
		hb_hole(&hb, page, 0x2000);
	fake_target_map(&hb.target, ROOT_AREA, roots, sizeof(roots), FAKE_RW);
	fake_target_hole(&hb.target, ROOT_AREA + 0x1000, 0x1000);
	hb_finish(&hb);
	hb.target.base.complete = complete;
	assert_int_equal(hs_heap_scan(&hb.target.base, NULL, NULL, &heap, NULL),
			 HS_OK);
	assert_int_equal(
		hs_graph_new(&hb.target.base, NULL, heap, NULL, &graph, NULL),
		HS_OK);
	hs_graph_summary(graph, s);
	assert_int_equal(hs_leaks_find(graph, &leaks, NULL), HS_OK);
	assert_true(hs_leaks_count(leaks) >= 3);
	for (size_t i = 0; i < hs_leaks_count(leaks); i++) {
		struct hs_leak_info leak;
		hs_leaks_get(leaks, i, &leak);
		assert_int_equal(leak.confidence, wanted);
	}
	hs_leaks_free(leaks);
	hs_graph_free(graph);
	hs_heap_free(heap);
	hb_release(&hb);
}

static void a_hole_in_a_block_makes_every_leak_doubtful(void **state)
{
	(void)state;
	struct hs_graph_summary s;
	judge_holes(false, &s, HS_CONFIDENCE_LOW);
	assert_int_equal(s.missing_block_bytes, 0x2000);
	assert_int_equal(s.missing_root_bytes, 0x1000);
}

/* A guard page between two stacks is such a hole. */
static void a_hole_where_nothing_is_missing_makes_no_leak_doubtful(void **state)
{
	(void)state;
	struct hs_graph_summary s;
	judge_holes(true, &s, HS_CONFIDENCE_HIGH);
	assert_int_equal(s.missing_block_bytes, 0);
	assert_int_equal(s.missing_root_bytes, 0);
}

/* ---- stacks ---- */

/* Is a block reached that only a word below a thread's stack pointer has? */
static bool reached_from_below(struct web *w)
{
	struct hs_leaks *leaks = NULL;
	w->roots[8] = hb_user(&w->hb, w->block[4]);
	w->heap->threads[0].sp = ROOT_AREA + 0x800;
	judge(w, &leaks);
	hs_leaks_free(leaks);
	return hs_graph_reached(w->graph, w->chunk[4]);
}

static void what_a_function_left_below_its_stack_keeps_nothing(void **state)
{
	(void)state;
	struct web *w = malloc(sizeof(*w));
	assert_non_null(w);
	make_plain_web(w);
	assert_false(reached_from_below(w));
	clear_web(w);
	free(w);
}

/* Swift's crash handler has one: an array among libswiftCore's variables. */
static void variables_below_a_stack_among_them_are_roots(void **state)
{
	(void)state;
	struct web *w = malloc(sizeof(*w));
	assert_non_null(w);
	make_plain_web(w);
	char path[] = "/lib/libswiftCore.so";
	struct hs_module module = { .base = ROOT_AREA,
				    .end = ROOT_AREA + 0x1000,
				    .path = path };
	struct hs_module_list *list = &w->hb.target.base.modules;
	assert_int_equal(hs_module_list_add(list, &module, NULL), HS_OK);
	if (list->count == 2 && list->module[0].base > ROOT_AREA) {
		struct hs_module first = list->module[0];
		list->module[0] = list->module[1];
		list->module[1] = first;
	}
	assert_true(reached_from_below(w));
	clear_web(w);
	free(w);
}

static void a_helper_made_by_clone_has_no_stack_of_its_own(void **state)
{
	(void)state;
	struct web *w = malloc(sizeof(*w));
	assert_non_null(w);
	make_plain_web(w);
	w->heap->threads[0].shares = true;
	assert_true(reached_from_below(w));
	clear_web(w);
	free(w);
}

static bool stop_at_once(void *arg, const char *what, uint64_t done,
			 uint64_t total)
{
	(void)arg;
	(void)what;
	(void)done;
	(void)total;
	return false;
}

static void a_progress_callback_stops_the_work(void **state)
{
	(void)state;
	struct heap_builder hb;
	struct hb_scene scene;
	struct hs_heap *heap = NULL;
	struct hs_graph *graph = NULL;
	struct hs_graph_options how = { .struct_size = sizeof(how),
					.progress = stop_at_once,
					.jobs = 1 };
	hb_build(&hb, 36, HS_ARCH_X86_64, 0, &scene);
	assert_int_equal(hs_heap_scan(&hb.target.base, NULL, NULL, &heap, NULL),
			 HS_OK);
	assert_int_equal(
		hs_graph_new(&hb.target.base, NULL, heap, &how, &graph, NULL),
		HS_ERR_CANCELLED);
	assert_null(graph);
	hs_heap_free(heap);
	hb_release(&hb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_unit_lets_the_same_words_through),
		cmocka_unit_test(
			random_webs_are_judged_as_by_trying_everything),
		cmocka_unit_test(leaks_with_names_are_folded_by_them),
		cmocka_unit_test(what_malloc_left_in_a_block_keeps_nothing),
		cmocka_unit_test(a_weak_reference_back_makes_no_cycle),
		cmocka_unit_test(the_index_finds_every_block_of_every_release),
		cmocka_unit_test(a_hole_in_a_block_makes_every_leak_doubtful),
		cmocka_unit_test(
			a_hole_where_nothing_is_missing_makes_no_leak_doubtful),
		cmocka_unit_test(
			what_a_function_left_below_its_stack_keeps_nothing),
		cmocka_unit_test(variables_below_a_stack_among_them_are_roots),
		cmocka_unit_test(
			a_helper_made_by_clone_has_no_stack_of_its_own),
		cmocka_unit_test(a_progress_callback_stops_the_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
