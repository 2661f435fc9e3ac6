/* SPDX-License-Identifier: MIT */
#include "cli/out_json.h"

#include "cli/out_json_doc.h"

static json_t *jsummary(const struct hs_heap *heap)
{
	struct hs_heap_summary s;
	hs_heap_summary(heap, &s);
	json_t *states = json_object();
	for (int i = 0; i < HS_CHUNK_STATE_COUNT; i++)
		if (json_object_set_new(
			    states, hs_chunk_state_name((enum hs_chunk_state)i),
			    jtotal(&s.state[i]))) {
			json_decref(states);
			return NULL;
		}
	return json_pack("{s:o,s:o,s:o}", "in_use", jtotal(&s.in_use), "free",
			 jtotal(&s.free), "states", states);
}

static json_t *jmallinfo(const struct hs_heap *heap)
{
	struct hs_mallinfo m;
	hs_heap_mallinfo(heap, &m);
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "arena",
			 jcount(m.arena), "ordblks", jcount(m.ordblks),
			 "smblks", jcount(m.smblks), "hblks", jcount(m.hblks),
			 "hblkhd", jcount(m.hblkhd), "fsmblks",
			 jcount(m.fsmblks), "uordblks", jcount(m.uordblks),
			 "fordblks", jcount(m.fordblks), "keepcost",
			 jcount(m.keepcost));
}

static json_t *jcovered(const struct hs_covered *c)
{
	return json_pack("{s:o,s:o}", "bytes", jcount(c->bytes), "captured",
			 jcount(c->captured));
}

static json_t *jcoverage(const struct hs_heap *heap)
{
	struct hs_heap_coverage c;
	hs_heap_coverage(heap, &c);
	return json_pack("{s:o,s:o,s:o}", "heap", jcovered(&c.heaps), "stacks",
			 jcovered(&c.stacks), "libc_data",
			 jcovered(&c.libc_data));
}

static json_t *jchecks(const struct hs_heap *heap)
{
	struct hs_heap_checks c;
	hs_heap_checks(heap, &c);
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "mmapped_expected",
			 jcount(c.mmapped_expected), "mmapped_found",
			 jcount(c.mmapped_found), "mmapped_bytes_expected",
			 jcount(c.mmapped_bytes_expected),
			 "mmapped_bytes_found", jcount(c.mmapped_bytes_found),
			 "system_mem_expected", jcount(c.system_mem_expected),
			 "system_mem_walked", jcount(c.system_mem_walked),
			 "complete", (int)c.complete);
}

/* Everything about the heap but its chunks. */
static void report(struct json_doc *doc, struct cli *cli)
{
	doc_begin(doc, cli);
	doc_allocator(doc);
	doc_threads(doc);
	doc_arenas(doc);
	doc_member(doc, "summary", jsummary(cli->heap));
	doc_member(doc, "mallinfo", jmallinfo(cli->heap));
	doc_member(doc, "checks", jchecks(cli->heap));
	doc_member(doc, "coverage", jcoverage(cli->heap));
	doc_problems(doc);
}

void out_json_report(struct cli *cli, bool chunks)
{
	struct json_doc doc;
	report(&doc, cli);
	if (chunks)
		doc_chunks(&doc);
	doc_end(&doc);
}

void out_json_chunks(struct cli *cli, const struct chunk_selection *chosen)
{
	struct json_doc doc;
	report(&doc, cli);
	doc_chunk_selection(&doc, chosen);
	doc_end(&doc);
}

void out_json_check(struct cli *cli, bool damaged,
		    const struct damage_view *view)
{
	struct json_doc doc;
	report(&doc, cli);
	doc_member(&doc, "damaged", json_boolean(damaged));
	doc_damage(&doc, view);
	doc_end(&doc);
}
