/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "support/namer_world.h"
#include "types/object_shares.h"
#include "types/python_labels.h"

/*
 * types/python.c over arbitrary memory; what is promised stands in
 * namer_world.h. Then who holds which object: every way ends at a root and is
 * as long as the steps it has, every reference leads to something in use, and
 * what nothing leads to is looked at as well.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	struct hs_web *web;
	uint32_t from;
};

static bool check_ref(void *arg, uint32_t to, const struct hs_py_ref *ref)
{
	const struct seen *s = arg;
	struct hs_web *web = s->web;
	char label[160];
	hs_addr from =
		hs_web_is_object(web, s->from) ? hs_web_addr(web, s->from) : 0;
	if (to >= web->nodes || web->head[to] == HS_WEB_NONE ||
	    hs_web_cost(web, s->from, ref) > HS_WEB_MOST_COST)
		abort();
	hs_py_label(&web->py, from, true, ref, true, label, sizeof(label));
	if (!label[0])
		abort();
	return true;
}

static void check_way(struct hs_web *web, const struct hs_ways *ways,
		      uint32_t node)
{
	struct hs_holders h;
	if (ways->cost[node] == UINT32_MAX) {
		if (hs_holders_find(web, ways, node, &h, NULL))
			abort();
		if (!h.count || h.item[0].node != node ||
		    h.count > web->nodes || (h.cycle && h.closes >= h.count))
			abort();
		hs_holders_release(&h);
		return;
	}
	for (uint32_t steps = 0; ways->before[node] != HS_WAYS_ROOT; steps++) {
		uint32_t before = ways->before[node];
		if (steps == web->nodes ||
		    ways->cost[before] >= ways->cost[node])
			abort();
		node = before;
	}
}

/* Shares are the sum of what variables hold. */
static void check_shares(struct hs_web *web, const struct hs_ways *ways)
{
	struct hs_shares s;
	uint64_t objects = 0, bytes = 0;
	if (hs_shares_find(web, ways, &s, NULL))
		abort();
	for (size_t i = 0; i < s.count; i++) {
		objects += s.share[i].objects;
		bytes += s.share[i].bytes;
		if (s.share[i].node >= web->nodes ||
		    ways->cost[s.share[i].node] == UINT32_MAX ||
		    (i && s.share[i].bytes > s.share[i - 1].bytes))
			abort();
	}
	if (objects != s.held.objects || bytes != s.held.bytes)
		abort();
	hs_shares_release(&s);
}

static void who_holds(struct hs_naming *n, void *state)
{
	struct hs_live_range live[64];
	struct hs_web web = { .live = live };
	struct hs_ways ways;
	char name[64];
	const struct hs_map_list *maps = &n->target->maps;
	for (size_t i = 0; i < maps->count && web.live_count < 64; i++)
		if (maps->map[i].prot & HS_PROT_WRITE)
			live[web.live_count++] =
				(struct hs_live_range){ maps->map[i].start,
							maps->map[i].end };
	if (hs_web_init(&web, n, state, NULL) == HS_OK &&
	    hs_ways_find(&web, &ways, NULL) == HS_OK) {
		unsigned lost = 0;
		for (uint32_t i = 0; i < web.nodes; i++) {
			struct seen s = { &web, i };
			if (web.head[i] == HS_WEB_NONE)
				continue;
			web.py.work = web.work;
			(void)hs_web_refs(&web, i, check_ref, &s);
			(void)hs_py_name(&web.py, hs_web_addr(&web, i), name,
					 sizeof(name));
			/* Each of these is a look at everything. */
			if (ways.cost[i] != UINT32_MAX || lost++ < 4)
				check_way(&web, &ways, i);
		}
		check_shares(&web, &ways);
		hs_ways_release(&ways);
	}
	hs_web_release(&web);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	namer_world_run_with(&hs_namer_python, data, len, who_holds);
	return 0;
}
