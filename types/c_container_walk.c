/* SPDX-License-Identifier: MIT */
#include "core/grow.h"
#include "core/prefetch.h"
#include "types/c_spread.h"

/*
 * The blocks of a container that was met with its type. It is followed as a
 * whole, and compared with its own count, before anything is claimed: one that
 * is not constructed yet claims nothing. What was met on the way is noted, for
 * not to go there twice. Offsets are those of std_nodes.c, std_owners.c and
 * libcxx.c.
 */

/* Claims from one that is made to the one that the caches are asked for. */
#define AHEAD 16u

static bool word(struct hs_c_source *s, hs_addr addr, uint64_t *ret)
{
	return hs_window_word(&s->c->read, addr, ret);
}

static bool live_at(struct hs_c_source *s, hs_addr addr, struct hs_block *ret)
{
	struct hs_block_finder *finder = &s->n->finder;
	const struct hs_index_region *region =
		hs_block_finder_region(finder, addr);
	uint32_t chunk;
	bool at_start;
	return region &&
	       hs_block_index_near(finder->index, region, addr, &chunk,
				   &at_start) &&
	       at_start && hs_naming_live(s->n, chunk, ret);
}

/* The block of a node, if there is one at ADDR. */
static bool node_at(struct hs_c_source *s, const struct hs_c_container *k,
		    hs_addr addr, struct hs_block *ret)
{
	uint64_t size = s->c->decls.type[k->blocks].size;
	if (s->c->budget == 0)
		return false;
	s->c->budget--;
	return live_at(s, addr, ret) && (hs_c_fits(s->n, ret, size) ||
					 hs_c_fits_with_rest(s->n, ret, size));
}

/* B is one of the container's blocks, if it is one; false: no memory. */
static bool note(struct hs_c_source *s, const struct hs_block *b)
{
	struct hs_c_queue *met = &s->c->met;
	struct hs_error err;
	enum hs_status st = hs_grow(&met->chunk, &met->capacity, met->count,
				    sizeof(*met->chunk), &err);
	if (st) {
		hs_naming_fail(s->n, st, &err);
		return false;
	}
	met->chunk[met->count++] = (uint32_t)b->chunk;
	return true;
}

static void claim(struct hs_c_source *s, const struct hs_block *b,
		  uint32_t type, enum hs_c_form form, hs_addr slot)
{
	hs_c_claim_as(s, b, type, form,
		      s->doubtful ? HS_C_DOUBTFUL_ONE : HS_C_FIRM_ONE, slot);
}

/* Claim all that were noted, for the container at SLOT. */
static void claim_met(struct hs_c_source *s, uint32_t type, enum hs_c_form form,
		      hs_addr slot)
{
	const struct hs_c_queue *met = &s->c->met;
	for (size_t i = 0; i < met->count && !s->n->failed; i++) {
		struct hs_block b = { .chunk = met->chunk[i] };
		if (met->count - i > AHEAD)
			hs_prefetch_to_write(
				&s->c->claim[met->chunk[i + AHEAD]]);
		claim(s, &b, type, form, slot);
	}
}

static void vector(struct hs_c_source *s, const struct hs_c_container *k,
		   hs_addr addr)
{
	uint64_t begin, end, limit;
	uint64_t size = s->c->decls.type[k->blocks].size;
	struct hs_block b;
	if (!word(s, addr, &begin) || !word(s, addr + 8, &end) ||
	    !word(s, addr + 16, &limit) || begin >= limit || end < begin ||
	    end > limit || (end - begin) % size || (limit - begin) % size ||
	    !live_at(s, begin, &b) ||
	    !(hs_c_fits(s->n, &b, limit - begin) ||
	      hs_c_fits_with_rest(s->n, &b, limit - begin)))
		return;
	claim(s, &b, k->blocks, HS_C_ELEMENTS, addr);
}

/* Words of a bit for each element: libstdc++ says where they end, libc++ how
 * many bits are set and how many words there are. */
static void bits(struct hs_c_source *s, const struct hs_c_container *k,
		 hs_addr addr)
{
	uint64_t begin, size;
	struct hs_block b;
	if (!word(s, addr, &begin) ||
	    !word(s, addr + (k->libcxx ? 16 : 32), &size))
		return;
	if (k->libcxx && size <= UINT64_MAX / 8)
		size *= 8;
	else if (!k->libcxx && size > begin)
		size -= begin;
	else
		return;
	if (live_at(s, begin, &b) &&
	    (hs_c_fits(s->n, &b, size) || hs_c_fits_with_rest(s->n, &b, size)))
		claim(s, &b, k->blocks, HS_C_NODE, addr);
}

/* Elements in rows, and the table of the rows, of which those from FIRST to
 * before END are in use. */
static void deque(struct hs_c_source *s, const struct hs_c_container *k,
		  hs_addr addr)
{
	uint64_t size = s->c->decls.type[k->blocks].size;
	/* As the libraries have it: 512 bytes, or 4 KiB, or one element (16).
	 */
	uint64_t row = k->libcxx ? (size < 256 ? 4096 / size : 16)
				 : (size < 512 ? 512 / size : 1);
	uint64_t map, first, last, end, at;
	struct hs_block table, b;
	if (!word(s, addr, &map))
		return;
	if (k->libcxx) {
		if (!word(s, addr + 8, &first) || !word(s, addr + 16, &last) ||
		    !word(s, addr + 24, &end))
			return;
	} else {
		if (!word(s, addr + 8, &end) || !word(s, addr + 40, &first) ||
		    !word(s, addr + 72, &last) || end > UINT32_MAX)
			return;
		last += 8;
		end = map + 8 * end;
	}
	if (!live_at(s, map, &table) || first < map || first >= last ||
	    last > end || end - map > table.usable || first % 8 || last % 8 ||
	    !(hs_c_fits(s->n, &table, end - map) ||
	      hs_c_fits_with_rest(s->n, &table, end - map)))
		return;
	for (hs_addr slot = first; slot < last; slot += 8) {
		if (s->c->budget == 0 || !word(s, slot, &at) ||
		    !live_at(s, at, &b) ||
		    !(hs_c_fits(s->n, &b, row * size) ||
		      hs_c_fits_with_rest(s->n, &b, row * size)) ||
		    !note(s, &b))
			return;
		s->c->budget--;
	}
	claim_met(s, k->blocks, HS_C_ROW, addr);
	claim(s, &table, k->body, HS_C_NODE, addr);
}

/* The ring of a list, with COUNT nodes. */
static bool ring(struct hs_c_source *s, const struct hs_c_container *k,
		 hs_addr head, uint64_t count)
{
	uint64_t at, back;
	hs_addr from = head;
	struct hs_block b;
	/* The first word of a node of libc++ is the one before it. */
	unsigned next = k->libcxx ? 8 : 0, prev = 8 - next;
	if (!word(s, head + next, &at))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!node_at(s, k, at, &b) || !word(s, at + prev, &back) ||
		    back != from || !note(s, &b))
			return false;
		from = at;
		if (!word(s, at + next, &at))
			return false;
	}
	return at == head;
}

/* Nodes one after the other up to the null pointer, COUNT of them, or as many
 * as there are. */
static bool chain(struct hs_c_source *s, const struct hs_c_container *k,
		  hs_addr slot, uint64_t count)
{
	uint64_t at;
	struct hs_block b;
	if (!word(s, slot, &at))
		return false;
	for (uint64_t i = 0; i < count && at; i++) {
		if (!node_at(s, k, at, &b) || !note(s, &b) || !word(s, at, &at))
			return false;
		if (at == 0 && k->kind == HS_C_HASH)
			return i + 1 == count;
	}
	return at == 0;
}

static void hash(struct hs_c_source *s, const struct hs_c_container *k,
		 hs_addr addr)
{
	uint64_t buckets, number, count;
	struct hs_block b;
	hs_addr first = addr + k->capacity;
	addr += k->pointer;
	if (!word(s, addr, &buckets) || !word(s, addr + 8, &number) ||
	    !word(s, addr - k->pointer + k->length, &count) ||
	    number > UINT32_MAX || count > s->n->heap->chunk_count ||
	    !chain(s, k, first, count))
		return;
	claim_met(s, k->blocks, HS_C_NODE, addr);
	if (number > 1 && live_at(s, buckets, &b) &&
	    (hs_c_fits(s->n, &b, 8 * number) ||
	     hs_c_fits_with_rest(s->n, &b, 8 * number)))
		claim(s, &b, k->body, HS_C_NODE, addr);
}

/* Where nodes have their links. */
struct links {
	unsigned left, right, parent;
};

/* Depth first, by the nodes' own parents, as a tree that is damaged must not
 * keep us. END is what the root has for a parent. */
static bool tree(struct hs_c_source *s, const struct hs_c_container *k,
		 hs_addr root, hs_addr end, uint64_t count)
{
	static const struct links ours = { 16, 24, 8 }, libcxx = { 0, 8, 16 };
	const struct links *l = k->libcxx ? &libcxx : &ours;
	hs_addr at = root, from = end;
	uint64_t met = 0;
	while (at != end) {
		uint64_t left, right, parent;
		struct hs_block b;
		if (!node_at(s, k, at, &b) || !word(s, at + l->left, &left) ||
		    !word(s, at + l->right, &right) ||
		    !word(s, at + l->parent, &parent))
			return false;
		if (from == parent) {
			if (++met > count || !note(s, &b))
				return false;
			from = at;
			at = left ? left : right ? right : parent;
		} else if (from == left && right && right != left) {
			from = at;
			at = right;
		} else if (from == left || from == right) {
			from = at;
			at = parent;
		} else {
			return false;
		}
	}
	return met == count;
}

static void tree_of(struct hs_c_source *s, const struct hs_c_container *k,
		    hs_addr addr)
{
	uint64_t root, count;
	if (!word(s, addr + k->length, &count))
		return;
	addr += k->pointer;
	if (!word(s, addr + (k->libcxx ? 8 : 16), &root) || root == 0 ||
	    count == 0 || count > s->n->heap->chunk_count ||
	    !tree(s, k, root, addr + 8, count))
		return;
	claim_met(s, k->blocks, HS_C_NODE, addr);
}

/* What a Vec or a VecDeque holds, of which the latter goes round. */
static void rust_vec(struct hs_c_source *s, const struct hs_c_container *k,
		     hs_addr addr)
{
	uint64_t at, capacity, length;
	uint64_t size = s->c->decls.type[k->blocks].size;
	struct hs_block b;
	if (!word(s, addr + k->pointer, &at) ||
	    !word(s, addr + k->capacity, &capacity) ||
	    !word(s, addr + k->length, &length) || capacity == 0 ||
	    length > capacity || !live_at(s, at, &b) ||
	    capacity > b.usable / size ||
	    !(hs_c_fits(s->n, &b, capacity * size) ||
	      hs_c_fits_with_rest(s->n, &b, capacity * size)))
		return;
	claim(s, &b, k->blocks,
	      k->kind == HS_C_RUST_VEC ? HS_C_COUNTED_ELSEWHERE : HS_C_ROW,
	      addr + k->length);
}

/* A byte for each entry says whether it is in use; they follow the entries, the
 * last one first, and a few bytes follow them. */
static bool rust_entries(struct hs_c_source *s, uint64_t bytes, uint64_t mask,
			 uint64_t items, uint64_t size, uint32_t type,
			 bool visit)
{
	uint64_t met = 0, used;
	for (uint64_t i = 0; i <= mask; i++) {
		if (s->c->budget == 0 ||
		    !hs_window_uint(&s->c->read, bytes + i, 1, &used))
			return false;
		s->c->budget--;
		if (used & 0x80)
			continue;
		met++;
		if (visit)
			hs_c_visit_value(s, type, bytes - (i + 1) * size);
	}
	return met == items;
}

/* Tables within entries of tables, by value. */
#define MAX_TABLES 4u
/* Bytes behind those of the entries: a group, as SSE2 has it, or a word. */
#define MAX_GROUP 16u

static void rust_table(struct hs_c_source *s, const struct hs_c_container *k,
		       hs_addr addr)
{
	uint64_t bytes, mask, items;
	uint64_t size = s->c->decls.type[k->blocks].size;
	struct hs_block b;
	if (s->nested == MAX_TABLES || !word(s, addr + k->pointer, &bytes) ||
	    !word(s, addr + k->capacity, &mask) ||
	    !word(s, addr + k->length, &items) || mask == 0 ||
	    mask > UINT32_MAX || (mask & (mask + 1)) || items > mask)
		return;
	uint64_t before = ((mask + 1) * size + 15) & ~UINT64_C(15);
	if (before > bytes || !live_at(s, bytes - before, &b) ||
	    before + mask + 1 > b.usable)
		return;
	uint64_t whole = before + mask + 1 + MAX_GROUP;
	if (!(hs_c_fits(s->n, &b, whole) ||
	      hs_c_fits_with_rest(s->n, &b, whole)) ||
	    !rust_entries(s, bytes, mask, items, size, k->entry, false))
		return;
	claim(s, &b, k->blocks, HS_C_NODE, addr);
	const struct hs_c_claim *own = &s->c->claim[b.chunk];
	if (own->type != k->blocks || own->clash)
		return;
	struct hs_c_source entries = *s;
	entries.from = (uint32_t)b.chunk;
	entries.start = b.user;
	entries.end = bytes;
	entries.nested++;
	(void)rust_entries(&entries, bytes, mask, items, size, k->entry, true);
}

void hs_c_visit_container(struct hs_c_source *s, const struct hs_c_container *k,
			  hs_addr addr)
{
	uint64_t count;
	s->c->met.count = 0;
	switch (k->kind) {
	case HS_C_VECTOR:
		vector(s, k, addr + k->pointer);
		break;
	case HS_C_BITS:
		bits(s, k, addr + k->pointer);
		break;
	case HS_C_DEQUE:
		deque(s, k, addr + k->pointer);
		break;
	case HS_C_LIST:
		if (!word(s, addr + k->length, &count) || count == 0 ||
		    count > s->n->heap->chunk_count)
			break;
		addr += k->pointer;
		if (ring(s, k, addr, count))
			claim_met(s, k->blocks, HS_C_NODE, addr);
		break;
	case HS_C_FORWARD_LIST:
		addr += k->pointer;
		if (chain(s, k, addr, s->n->heap->chunk_count))
			claim_met(s, k->blocks, HS_C_NODE, addr);
		break;
	case HS_C_TREE:
		tree_of(s, k, addr);
		break;
	case HS_C_HASH:
		hash(s, k, addr);
		break;
	case HS_C_HELD:
	case HS_C_LIBCXX_FUNCTION:
	case HS_C_WEAK:
		hs_c_visit_held(s, k, addr);
		break;
	case HS_C_RUST_VEC:
	case HS_C_RUST_DEQUE:
		rust_vec(s, k, addr);
		break;
	case HS_C_RUST_TABLE:
		rust_table(s, k, addr);
		break;
	}
}
