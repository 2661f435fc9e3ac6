/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "support/heap_builder.h"
#include "types/c_types.h"

/*
 * Types of C over arbitrary declarations and memory, as a forged debug file and
 * a damaged heap would give them. Input: counts, then types and members as they
 * are in the table, but with indexes within it, as its reader makes them; a
 * rule; the rest fills the blocks and a page with variables, eight bytes a
 *word, where
 *
 *	0xcafe 0000 0000 OFFS    PAGE + OFFS
 *	0xbeef 0000 NNNN OFFS    user pointer of block NNNN, plus OFFS
 *
 * Promised: it ends; claims name types that are there, lead back to a root or
 * another claim, and belong to live blocks; fields lie in their block; objects
 * of pools in theirs, where they are found again. Guesses are made as well.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define PAGE UINT64_C(0x7f5500000000)
#define PAGE_LEN 0x400u
#define BLOCKS 24u
#define MAX_TYPES 24u
#define MAX_MEMBERS 48u

struct world {
	struct heap_builder hb;
	uint8_t page[PAGE_LEN];
	hs_addr user[BLOCKS];
	struct hs_heap *heap;
};

struct input {
	const uint8_t *data;
	size_t len;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < bytes; i++) {
		if (in->len) {
			v |= (uint64_t)*in->data++ << 8 * i;
			in->len--;
		}
	}
	return v;
}

static struct world *world(void)
{
	static struct world *w;
	if (w)
		return w;
	w = calloc(1, sizeof(*w));
	if (!w)
		abort();
	hb_init(&w->hb, 36, HS_ARCH_X86_64);
	(void)hb_thread(&w->hb, HB_MAIN);
	fake_target_map(&w->hb.target, PAGE, w->page, PAGE_LEN, FAKE_RW);
	size_t chunk[BLOCKS];
	for (unsigned i = 0; i < BLOCKS; i++)
		chunk[i] = hb_alloc(&w->hb, HB_MAIN, 24u << i % 4);
	hb_finish(&w->hb);
	for (unsigned i = 0; i < BLOCKS; i++)
		w->user[i] = hb_user(&w->hb, chunk[i]);
	if (hs_heap_scan(&w->hb.target.base, NULL, NULL, &w->heap, NULL))
		abort();
	return w;
}

/*
 * What containers are known by: structs in structs, which say where things are,
 * and behind the members of the first one two arguments and a virtual base.
 */
enum { IN_CONTAINER, IN_PART, IN_UNION, PLACES };

static void add_places(struct input *in, struct hs_decls *d, uint32_t types)
{
	static const struct {
		const char *name;
		unsigned in, of; /* PLACES: whatever */
	} members[] = {
		{ "_M_impl", IN_CONTAINER, IN_PART },
		{ "_M_t", IN_CONTAINER, IN_PART },
		{ "_M_h", IN_CONTAINER, IN_PART },
		{ "__tree_", IN_CONTAINER, IN_PART },
		{ "__table_", IN_CONTAINER, IN_PART },
		{ "__f_", IN_CONTAINER, IN_PART },
		{ "_M_u", IN_CONTAINER, IN_UNION },
		{ "__data", IN_CONTAINER, IN_UNION },
		{ "_M_payload", IN_CONTAINER, IN_PART },
		{ "_M_engaged", IN_CONTAINER, PLACES },
		{ "_M_index", IN_CONTAINER, PLACES },
		{ "__index", IN_CONTAINER, PLACES },
		{ "_M_storage", IN_CONTAINER, PLACES },
		{ "_M_initialized", IN_CONTAINER, PLACES },
		{ "_M_manager", IN_CONTAINER, PLACES },
		{ "_M_functor", IN_CONTAINER, PLACES },
		{ "__begin_", IN_CONTAINER, PLACES },
		{ "__map_", IN_CONTAINER, PLACES },
		{ "__end_", IN_CONTAINER, PLACES },
		{ "_M_start", IN_PART, PLACES },
		{ "_M_map", IN_PART, PLACES },
		{ "_M_node", IN_PART, PLACES },
		{ "_M_head", IN_PART, PLACES },
		{ "_M_header", IN_PART, PLACES },
		{ "_M_impl", IN_PART, IN_UNION },
		{ "_M_buckets", IN_PART, PLACES },
		{ "_M_value", IN_PART, PLACES },
		{ "__begin_node_", IN_PART, PLACES },
		{ "__f_", IN_PART, PLACES },
		{ "__buf_", IN_PART, PLACES },
		{ "_M_header", IN_UNION, PLACES },
		{ "_M_first", IN_UNION, IN_PART },
		{ "_M_rest", IN_UNION, IN_UNION },
		{ "__head", IN_UNION, IN_PART },
		{ "__tail", IN_UNION, PLACES },
	};
	enum hs_status st = HS_OK;
	uint32_t n;
	for (unsigned part = 0; part < PLACES; part++) {
		struct hs_decl_type *t = &d->type[types + part];
		t->member = (uint32_t)d->member_count;
		for (size_t i = 0; i < sizeof(members) / sizeof(*members);
		     i++) {
			uint8_t flags = (uint8_t)take(in, 1);
			struct hs_decl_member m = {
				.offset = flags % 64,
				.type = members[i].of == PLACES
						? flags % types
						: types + members[i].of,
			};
			if (members[i].in != part)
				continue;
			/* Structs in structs are too many soon. */
			if (members[i].of == PLACES && i % 8 &&
			    d->type[m.type].kind >= HS_DECL_STRUCT)
				m.type = HS_DECL_TYPE_OTHER;
			if (!hs_decls_add_text(d, members[i].name, &m.name,
					       &st) ||
			    !hs_decls_add_member(d, &m, &st))
				abort();
			t->members++;
		}
		for (n = 0; n < 3; n++) {
			struct hs_decl_member m = {
				.offset = 8 * take(in, 1),
				.type = (uint32_t)take(in, 1) % types,
			};
			if (!hs_decls_add_member(d, &m, &st))
				abort();
		}
		t->parameters = 2;
		t->virtuals = part != IN_UNION;
	}
}

static void declare(struct input *in, struct hs_decls *d)
{
	enum hs_status st = HS_OK;
	uint32_t n, types = 2 + (uint32_t)take(in, 1) % MAX_TYPES;
	uint32_t members = (uint32_t)take(in, 1) % MAX_MEMBERS;
	/* With the members that containers know their values by. */
	static const char *const names[] = { "", "a", "_M_h", "_M_t" };
	static const struct {
		const char *name;
		uint64_t size;
	} containers[] = {
		{ "std::vector<a>", 24 },
		{ "std::map<a, a>", 48 },
		{ "std::unordered_map<a, a>", 56 },
		{ "std::list<a>", 24 },
		{ "std::deque<a>", 80 },
		{ "std::forward_list<a>", 8 },
		{ "std::__1::deque<a>", 48 },
		{ "std::_Sp_counted_ptr_inplace<a>", 40 },
		{ "std::function<a>", 32 },
		{ "std::any", 16 },
		{ "std::__1::function<a>", 48 },
		{ "std::_Optional_payload_base<a>", 16 },
		{ "std::__detail::__variant::_Variant_storage<a>", 32 },
		{ "std::__1::__variant_detail::__base<a>", 32 },
		{ "std::__future_base::_Result<a>", 32 },
		/* From here on of Rust, with members as they come. */
		{ "Vec<a>", 24 },
		{ "VecDeque<a>", 32 },
		{ "RawTable<a>", 32 },
		{ "String", 24 },
	};
	enum { FIRST_RUST = 15 };
	bool in_container[2 + MAX_TYPES] = { false }, places = false;
	uint32_t name[4];
	if (hs_decls_init(d, NULL))
		abort();
	for (unsigned i = 0; i < 4; i++)
		if (!hs_decls_add_text(d, names[i], &name[i], &st))
			abort();
	name[0] = 0;
	for (uint32_t i = 2; i < types; i++) {
		struct hs_decl_type t = {
			.kind = (uint8_t)(take(in, 1) % (HS_DECL_ALIAS + 1)),
			.size = take(in, 1),
			.count = take(in, 1),
			.name = name[take(in, 1) % 4],
			.of = (uint32_t)take(in, 1) % types,
			.complete = true,
			.tagged = true,
		};
		uint64_t flags = take(in, 1);
		if (flags & 1)
			t.size *= 0x0101010101010101;
		t.number = (uint8_t)((flags >> 1) % (HS_NUMBER_OTHER + 1));
		t.complete = !(flags & 0x80);
		t.tagged = !(flags & 0x40);
		if (members &&
		    (t.kind == HS_DECL_STRUCT || t.kind == HS_DECL_UNION ||
		     t.kind == HS_DECL_ENUM)) {
			t.member = (uint32_t)take(in, 1) % members;
			t.members = (uint32_t)take(in, 1) %
				    (members - t.member + 1);
		}
		/* Arguments are what follows the members. */
		t.cxx = flags & 0x20;
		if (t.cxx && t.kind == HS_DECL_STRUCT &&
		    members - t.member - t.members >= 2) {
			unsigned k = (unsigned)take(in, 1) %
				     (sizeof(containers) / sizeof(*containers));
			t.rust = k >= FIRST_RUST;
			places |= !t.rust;
			t.cxx = !t.rust;
			t.size = containers[k].size;
			t.complete = true;
			t.parameters = 2;
			in_container[i] = !t.rust;
			if (!hs_decls_add_text(d, containers[k].name, &t.name,
					       &st))
				abort();
		}
		if (!hs_decls_add_type(d, &t, &n, &st))
			abort();
	}
	for (uint32_t i = 0; i < members; i++) {
		uint64_t flags = take(in, 1);
		struct hs_decl_member m = {
			.offset = take(in, 1),
			.type = (uint32_t)take(in, 1) % types,
			.name = name[flags % 4],
			.bit = flags >> 2 & 7,
			.bits = flags & 0x80 ? (uint8_t)(1 + (flags >> 3) % 64)
					     : 0,
		};
		if (flags & 0x40)
			m.offset *= 0x0101010101010101;
		if (!hs_decls_add_member(d, &m, &st))
			abort();
	}
	/* Behind all others, so that nothing but containers has them. */
	for (unsigned i = 0; places && i < PLACES; i++) {
		struct hs_decl_type t = { .kind = i == IN_UNION
							  ? HS_DECL_UNION
							  : HS_DECL_STRUCT,
					  .size = 64,
					  .complete = true,
					  .cxx = true };
		if (!hs_decls_add_type(d, &t, &n, &st))
			abort();
	}
	if (places)
		add_places(in, d, types);
	for (uint32_t i = 2; i < types; i++) {
		if (!in_container[i])
			continue;
		d->type[i].member = d->type[types].member;
		d->type[i].members = d->type[types].members;
		d->type[i].parameters = 2;
		d->type[i].virtuals = 1;
	}
	for (unsigned i = 0; i < 4; i++) {
		struct hs_decl_variable v = {
			.at = PAGE + take(in, 1),
			.type = (uint32_t)take(in, 1) % types,
			.name = name[1],
		};
		if (!hs_decls_add_variable(d, &v, &st))
			abort();
	}
	if (hs_decls_complete(d, NULL))
		abort();
}

static void fill(struct world *w, struct input *in, hs_addr at, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t v = take(in, 8);
		if (v >> 48 == 0xcafe)
			v = PAGE + (v & 0xffff);
		else if (v >> 48 == 0xbeef)
			v = w->user[(v >> 16) % BLOCKS] + (v & 0xffff);
		fake_target_put(&w->hb.target, at + i, v);
	}
}

static bool check_field(void *arg, const struct hs_field_info *f)
{
	const struct hs_block *b = arg;
	if (!f->name || f->offset >= b->usable ||
	    (f->refers_to != HS_NO_ADDR && f->word + 8 > b->usable))
		abort();
	return true;
}

static void check(struct hs_naming *n, struct hs_c *c)
{
	char name[64];
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_c_claim *claim = &c->claim[i];
		struct hs_block b;
		if (claim->form == HS_C_NOTHING)
			continue;
		if (!hs_naming_block(n, i, &b) ||
		    claim->type >= c->decls.type_count)
			abort();
		if (claim->from & HS_C_FROM_VARIABLE
			    ? (claim->from & ~HS_C_FROM_VARIABLE) >=
				      c->root_count
			    : claim->from >= n->heap->chunk_count)
			abort();
		(void)hs_decls_spell(&c->decls, claim->type, name,
				     sizeof(name));
		hs_c_fields(n, c, &b, claim, check_field, &b);
	}
}

static void check_inners(struct hs_naming *n, struct hs_c *c)
{
	for (size_t i = 0; i < c->inners.count; i++) {
		const struct hs_c_inner *in = &c->inners.inner[i];
		uint64_t size;
		struct hs_block b;
		if (in->type >= c->decls.type_count ||
		    !hs_naming_live(n, in->chunk, &b) || in->at < b.user ||
		    in->at - b.user >= b.usable)
			abort();
		size = c->decls.type[in->type].size;
		if (size && !hs_c_inner_at(c, in->at))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	struct world *w = world();
	struct hs_c c = { .ready = true };
	struct hs_naming n = { .target = &w->hb.target.base, .heap = w->heap };
	struct hs_c_root root[4];
	char rule[64];
	size_t rule_len = take(&in, 1) % sizeof(rule);
	for (size_t i = 0; i < rule_len; i++)
		rule[i] = (char)take(&in, 1);
	rule[rule_len] = 0;
	declare(&in, &c.decls);
	c.any_cxx = true;
	fill(w, &in, PAGE, PAGE_LEN);
	for (unsigned i = 0; i < BLOCKS; i++)
		fill(w, &in, w->user[i], 24u << i % 4);
	hs_window_init(&n.block, n.target);
	hs_window_init(&n.meta, n.target);
	hs_window_init(&c.read, n.target);
	c.root = root;
	for (uint32_t i = 0; i < 4; i++)
		root[c.root_count++] = (struct hs_c_root){
			.variable = i, .at = c.decls.variable[i].at, .tid = -1
		};
	/* One of a function, in a register only. */
	root[3].local = true;
	root[3].value = root[3].at;
	root[3].at = HS_NO_ADDR;
	c.claim = calloc(w->heap->chunk_count + 1, sizeof(*c.claim));
	struct hs_block_index *index = NULL;
	if (!c.claim || hs_c_containers_init(&c, NULL) ||
	    hs_c_plans_init(&c, NULL) ||
	    hs_block_index_new(w->heap, &index, NULL) ||
	    hs_c_parts_init(&c, NULL))
		abort();
	n.finder.index = index;
	/* Functions that know what a std::function holds. */
	for (unsigned i = 0; i < 4; i++)
		if (hs_addr_map_put(
			    &c.containers.managers,
			    (struct hs_addr_entry){
				    PAGE + 8 * i,
				    (uint32_t)(7 * i % c.decls.type_count),
				    i % 3 },
			    NULL))
			abort();
	enum hs_status st = hs_c_rules_read(&c.rules, &c.decls, rule, NULL);
	if (st && st != HS_ERR_INVALID)
		abort();
	hs_c_spread(&n, &c);
	if (n.failed)
		abort();
	check(&n, &c);
	n.type_of = malloc((w->heap->chunk_count + 1) * sizeof(*n.type_of));
	if (!n.type_of)
		abort();
	for (size_t i = 0; i < w->heap->chunk_count; i++)
		n.type_of[i] = HS_NO_TYPE;
	hs_c_overrule_objects(&n, &c);
	if (hs_c_infer(&n, &c, NULL))
		abort();
	hs_c_spread_on(&n, &c);
	hs_c_inner_sort(&c);
	if (n.failed)
		abort();
	check(&n, &c);
	check_inners(&n, &c);
	for (size_t i = 0; i < HS_C_RANKS; i++)
		free(c.queue[i].chunk);
	free(c.inferred.chunk);
	free(c.met.chunk);
	free(c.inners.inner);
	free(c.choices.choice);
	free(n.type_of);
	hs_block_index_free(index);
	hs_decls_release(&c.decls);
	hs_c_rules_release(&c.rules);
	hs_c_containers_release(&c.containers);
	hs_addr_map_release(&c.vtables);
	free(c.part);
	hs_c_plans_release(&c.plans);
	free(c.claim);
	return 0;
}
