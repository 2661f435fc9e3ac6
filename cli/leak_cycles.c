/* SPDX-License-Identifier: MIT */
#include "cli/leak_cycles.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out_text.h"
#include "cli/reach.h"

/* Steps of a cycle that a line has room for. */
#define CYCLE_STEPS 8u

/* Leaks of a group that are looked at, and different ones that are shown. */
#define LOOKED_AT 64u
#define SHOWN 5u

struct leak_cycles {
	struct hs_leaks *leaks;
	size_t groups;
	struct candidates {
		uint32_t count;
		uint32_t chunk[LOOKED_AT];
	} * of; /* NULL where all groups have one leak */
};

struct leak_cycles *leak_cycles_new(struct hs_leaks *leaks, size_t groups)
{
	struct leak_cycles *c = calloc(1, sizeof(*c));
	bool several = false;
	if (!c)
		return NULL;
	c->leaks = leaks;
	c->groups = groups;
	for (size_t i = 0; i < groups && !several; i++) {
		struct hs_leak_group g;
		hs_leaks_group(leaks, i, &g);
		several = g.kind == HS_LEAK_CYCLE && g.roots > 1;
	}
	if (several)
		c->of = calloc(groups, sizeof(*c->of));
	for (size_t i = 0; c->of && i < hs_leaks_count(leaks); i++) {
		struct hs_leak_info leak;
		hs_leaks_get(leaks, i, &leak);
		if (leak.kind != HS_LEAK_CYCLE || leak.root != SIZE_MAX ||
		    leak.group >= groups)
			continue;
		struct candidates *of = &c->of[leak.group];
		if (of->count < LOOKED_AT)
			of->chunk[of->count++] = (uint32_t)leak.chunk;
	}
	return c;
}

void leak_cycles_free(struct leak_cycles *cycles)
{
	if (cycles)
		free(cycles->of);
	free(cycles);
}

static void print_block(struct cli *cli, size_t chunk)
{
	struct hs_chunk_info c;
	const char *type = reach_type(cli, chunk);
	hs_heap_chunk(cli->heap, chunk, &c);
	if (type)
		out_escaped(&cli->out, type);
	else
		out_printf(&cli->out, "0x%" PRIx64, c.user);
}

/* Is it objects that count who refers to them? */
static bool is_retained(const struct cli *cli, size_t chunk)
{
	struct hs_type_info info;
	size_t type = cli->types ? hs_types_of(cli->types, chunk) : SIZE_MAX;
	if (type == SIZE_MAX)
		return false;
	hs_types_info(cli->types, type, &info);
	return info.source == HS_TYPE_SWIFT;
}

/* "app.Parent <-> app.Child retain cycle: ", in the words of who has them. */
static void print_cycle_kind(struct cli *cli, const struct hs_cycle *cycle,
			     size_t sample)
{
	for (size_t k = 0; k < cycle->count; k++)
		if (!is_retained(cli, cycle->step[k].chunk))
			return;
	if (cycle->count == 2) {
		print_block(cli, sample);
		out_str(&cli->out, " <-> ");
		print_block(cli, cycle->step[0].chunk);
		out_str(&cli->out, " ");
	}
	out_str(&cli->out, "retain cycle: ");
}

/* One edge of a cycle, in words. */
struct edge {
	const char *from, *to; /* types; NULL: not known */
	uint64_t at;           /* of the word */
	bool has_field;
	char field[FIELD_TEXT];
};

static void get_edge(struct cli *cli, const struct hs_cycle *cycle, size_t k,
		     size_t sample, struct edge *ret)
{
	size_t from = k ? cycle->step[k - 1].chunk : sample;
	ret->from = reach_type(cli, from);
	ret->to = reach_type(cli, cycle->step[k].chunk);
	ret->at = cycle->step[k].offset;
	ret->has_field = reach_field(cli, from, ret->at, ret->field);
}

/* How many steps from K on are the same, from blocks of a name to others of it:
 * a list's. */
static size_t same_edges(struct cli *cli, const struct hs_cycle *cycle,
			 size_t k, size_t sample, const struct edge *edge)
{
	size_t n = 1;
	if (!edge->from || !edge->to || strcmp(edge->from, edge->to) != 0)
		return 1;
	for (struct edge next; k + n < cycle->count; n++) {
		get_edge(cli, cycle, k + n, sample, &next);
		if (!next.to || strcmp(next.to, edge->to) != 0 ||
		    next.at != edge->at || next.has_field != edge->has_field ||
		    (next.has_field && strcmp(next.field, edge->field) != 0))
			break;
	}
	return n < 3 ? 1 : n; /* two are sooner read than counted */
}

/* "    app.Parent .child (strong) -> app.Child .parent (strong) -> app.Parent"
 */
void leak_cycle_print(struct cli *cli, const struct hs_cycle *cycle,
		      size_t sample)
{
	struct out *out = &cli->out;
	unsigned shown = 0;
	out_str(out, "    ");
	print_cycle_kind(cli, cycle, sample);
	print_block(cli, sample);
	for (size_t k = 0, n; k < cycle->count; k += n) {
		struct edge edge;
		if (shown++ == CYCLE_STEPS && cycle->count > k + 1) {
			out_printf(out, " ... %zu more", cycle->count - k);
			break;
		}
		get_edge(cli, cycle, k, sample, &edge);
		if (edge.has_field) {
			out_str(out, " .");
			out_escaped(out, edge.field);
		} else if (edge.at != HS_UNKNOWN) {
			out_printf(out, " +%" PRIu64, edge.at);
		}
		out_str(out, " -> ");
		print_block(cli, cycle->step[k].chunk);
		n = same_edges(cli, cycle, k, sample, &edge);
		if (n > 1)
			out_printf(out, " (%zu times)", n);
	}
	out_str(out, "\n");
}

static uint64_t mix(uint64_t hash, const char *text)
{
	bool index = false;
	for (; text && *text; text++) {
		/* Which element of an array it is makes no difference. */
		index = *text == '[' ||
			(index && isdigit((unsigned char)*text));
		if (!index || *text == '[')
			hash = (hash ^ (unsigned char)*text) *
			       UINT64_C(0x100000001b3);
	}
	return hash;
}

/* The same for cycles with the same names and fields, wherever they begin. */
static uint64_t kind_of(struct cli *cli, const struct hs_cycle *cycle,
			size_t sample)
{
	struct edge edge;
	uint64_t sum = 0;
	for (size_t k = 0; k < cycle->count; k++) {
		get_edge(cli, cycle, k, sample, &edge);
		uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), edge.from);
		sum += edge.has_field ? mix(hash, edge.field) : hash ^ edge.at;
	}
	return sum;
}

void leak_cycles_print(struct cli *cli, const struct leak_cycles *cycles,
		       size_t i)
{
	struct hs_leak_group g;
	struct hs_cycle cycle;
	uint64_t kind[SHOWN];
	unsigned kinds = 0;
	hs_leaks_group(cycles->leaks, i, &g);
	if (g.kind != HS_LEAK_CYCLE ||
	    hs_leaks_cycle(cycles->leaks, i, &cycle, NULL) || !cycle.count)
		return;
	leak_cycle_print(cli, &cycle, g.sample);
	kind[kinds++] = kind_of(cli, &cycle, g.sample);
	hs_cycle_release(&cycle);
	/* What has no names is a cycle of sizes, and one line is enough. */
	if (!cycles->of || g.roots < 2 || !g.type)
		return;
	for (size_t k = 0; k < cycles->of[i].count && kinds < SHOWN; k++) {
		size_t chunk = cycles->of[i].chunk[k];
		unsigned same = 0;
		if (hs_leaks_cycle_of(cycles->leaks, chunk, &cycle, NULL) ||
		    !cycle.count)
			continue;
		uint64_t this = kind_of(cli, &cycle, chunk);
		while (same < kinds && kind[same] != this)
			same++;
		if (same == kinds) {
			leak_cycle_print(cli, &cycle, chunk);
			kind[kinds++] = this;
		}
		hs_cycle_release(&cycle);
	}
}
