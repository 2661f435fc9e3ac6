/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "types/c_alternatives.h"
#include "types/c_types.h"

/*
 * Which declared types are containers, and what their blocks look like: a node
 * is links and a value, and the value is what a template was made with. For
 * both a type is made up here that looks like it.
 */

#define WORD 8u

/* Of libc++'s vectors, trees and tables, up to LLVM 19 and later. */
#define NODES "__node_alloc_"
#define VALUE "__value_"
#define VECTOR "__begin_|__layout_.__begin_"
#define TREE_COUNT "__tree_.__pair3_.__value_|__tree_.__size_"
#define TREE "__tree_.__begin_node_", NULL, TREE_COUNT
#define TABLE_FIRST "__table_.__p1_|__table_.__first_node_"
#define TABLE_COUNT "__table_.__p2_.__value_|__table_.__size_"
#define TABLE "__table_.__bucket_list_", TABLE_FIRST, TABLE_COUNT

/* clang-format off */
static const struct {
	const char *name;
	const char *member; /* that says what a node's value is; or NULL */
	enum hs_c_container_kind kind;
	bool libcxx;
	uint8_t value;    /* which argument of the member, or of it */
	uint8_t size;     /* bytes from where its pointers begin, at least */
	uint8_t before;   /* ... so many before the member BASE */
	const char *base; /* what is before that: state of allocators, ... */
	/* Where a libc++ has its first node, and their number; or NULL: always
	 * in the same place. */
	const char *first, *count;
} known[] = {
	{ "vector<", NULL, HS_C_VECTOR, false, 0, 24, 0, "_M_impl._M_start", NULL, NULL },
	{ "vector<", NULL, HS_C_BITS, false, 0, 40, 0, "_M_impl._M_start", NULL, NULL },
	{ "deque<", NULL, HS_C_DEQUE, false, 0, 80, 0, "_M_impl._M_map", NULL, NULL },
	{ "list<", NULL, HS_C_LIST, false, 0, 24, 0, "_M_impl._M_node", NULL, NULL },
	{ "forward_list<", NULL, HS_C_FORWARD_LIST, false, 0, 8, 0, "_M_impl._M_head", NULL, NULL },
	{ "map<", "_M_t", HS_C_TREE, false, 1, 48, 8, "_M_t._M_impl._M_header", NULL, NULL },
	{ "set<", "_M_t", HS_C_TREE, false, 1, 48, 8, "_M_t._M_impl._M_header", NULL, NULL },
	{ "multimap<", "_M_t", HS_C_TREE, false, 1, 48, 8, "_M_t._M_impl._M_header", NULL, NULL },
	{ "multiset<", "_M_t", HS_C_TREE, false, 1, 48, 8, "_M_t._M_impl._M_header", NULL, NULL },
	{ "unordered_map<", "_M_h", HS_C_HASH, false, 1, 56, 0, "_M_h._M_buckets", NULL, NULL },
	{ "unordered_set<", "_M_h", HS_C_HASH, false, 1, 56, 0, "_M_h._M_buckets", NULL, NULL },
	{ "unordered_multimap<", "_M_h", HS_C_HASH, false, 1, 56, 0, "_M_h._M_buckets", NULL, NULL },
	{ "unordered_multiset<", "_M_h", HS_C_HASH, false, 1, 56, 0, "_M_h._M_buckets", NULL, NULL },
	{ "vector<", NULL, HS_C_VECTOR, true, 0, 24, 0, VECTOR, NULL, NULL },
	{ "vector<", NULL, HS_C_BITS, true, 0, 24, 0, VECTOR, NULL, NULL },
	{ "deque<", NULL, HS_C_DEQUE, true, 0, 48, 0, "__map_", NULL, NULL },
	{ "list<", NULL, HS_C_LIST, true, 0, 24, 0, "__end_", NULL, NULL },
	{ "forward_list<", NULL, HS_C_FORWARD_LIST, true, 0, 8, 0, "__before_begin_", NULL, NULL },
	{ "map<", "__tree_", HS_C_TREE, true, 0, 24, 0, TREE },
	{ "set<", "__tree_", HS_C_TREE, true, 0, 24, 0, TREE },
	{ "multimap<", "__tree_", HS_C_TREE, true, 0, 24, 0, TREE },
	{ "multiset<", "__tree_", HS_C_TREE, true, 0, 24, 0, TREE },
	{ "unordered_map<", "__table_", HS_C_HASH, true, 0, 40, 0, TABLE },
	{ "unordered_set<", "__table_", HS_C_HASH, true, 0, 40, 0, TABLE },
	{ "unordered_multimap<", "__table_", HS_C_HASH, true, 0, 40, 0, TABLE },
	{ "unordered_multiset<", "__table_", HS_C_HASH, true, 0, 40, 0, TABLE },
};
/* clang-format on */

/* Members that are looked at for one alignment: forged types may contain
 * themselves. */
#define MAX_LOOKED_AT 4096u

/* What a value of TYPE is aligned to; declarations do not say it. LEFT: members
 * that may still be looked at. */
static uint64_t alignment(const struct hs_decls *d, uint32_t type,
			  unsigned depth, unsigned *left)
{
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, type)];
	uint64_t most = 1;
	if (depth == HS_LIMIT_EMBED_DEPTH)
		return most;
	switch (t->kind) {
	case HS_DECL_NUMBER:
	case HS_DECL_ENUM:
	case HS_DECL_POINTER:
		return t->size && t->size <= 16 ? t->size : WORD;
	case HS_DECL_ARRAY:
		return alignment(d, t->of, depth + 1, left);
	case HS_DECL_STRUCT:
	case HS_DECL_UNION:
		for (uint32_t i = 0; i<t->members && * left> 0; i++) {
			(*left)--;
			uint64_t own =
				alignment(d, d->member[t->member + i].type,
					  depth + 1, left);
			if (own > most)
				most = own;
		}
		return most;
	default:
		return WORD; /* of a pointer to a member, for one */
	}
}

static uint64_t up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

struct maker {
	struct hs_c *c;
	enum hs_status st;
};

/*
 * A type called like the container OF and WORD_TOO, of SIZE bytes, with a VALUE
 * at OFFSET (HS_DECL_TYPE_OTHER: without). False: no memory or room for it.
 */
static bool make(struct maker *m, uint32_t of, const char *what, uint64_t size,
		 uint32_t value, uint64_t offset, uint32_t *ret)
{
	struct hs_decls *d = &m->c->decls;
	char name[HS_LIMIT_STRING + 16];
	struct hs_decl_type t = { .kind = HS_DECL_STRUCT,
				  .complete = true,
				  .cxx = d->type[of].cxx,
				  .rust = d->type[of].rust,
				  .size = size,
				  .module = d->type[of].module };
	struct hs_decl_member member = { .offset = offset, .type = value };
	const char *container = hs_decls_text(d, d->type[of].name);
	if (strlen(container) + strlen(what) >= sizeof(name))
		return false;
	memcpy(name, container, strlen(container));
	memcpy(name + strlen(container), what, strlen(what) + 1);
	if (!hs_decls_add_text(d, name, &t.name, &m->st))
		return false;
	t.member = (uint32_t)d->member_count;
	if (value != HS_DECL_TYPE_OTHER) {
		if (!hs_decls_add_text(d, "value", &member.name, &m->st) ||
		    !hs_decls_add_member(d, &member, &m->st))
			return false;
		t.members = 1;
	}
	return hs_decls_add_type(d, &t, ret, &m->st);
}

/* Does a hash table of libstdc++ keep the hash in each node? */
static bool keeps_hash(const struct hs_decls *d, uint32_t table)
{
	const char *name =
		hs_decls_text(d, d->type[hs_decls_strip(d, table)].name);
	return strstr(name, "_Hashtable_traits<true,") != NULL;
}

/* What a node has, and where: OFFSET and SIZE for a VALUE. */
static void node_shape(const struct hs_decls *d, const struct hs_c_container *k,
		       uint32_t value, uint32_t table, uint64_t *offset,
		       uint64_t *size)
{
	unsigned left = MAX_LOOKED_AT;
	uint64_t align = alignment(d, value, 0, &left);
	uint64_t bytes = d->type[hs_decls_strip(d, value)].size;
	uint64_t links = 2 * (uint64_t)WORD;
	if (k->kind == HS_C_FORWARD_LIST ||
	    (k->kind == HS_C_HASH && !k->libcxx))
		links = WORD;
	else if (k->kind == HS_C_TREE) /* the last of it is the colour */
		links = k->libcxx ? 3 * WORD + 1 : 4 * WORD;
	*offset = up(links, align);
	*size = up(*offset + bytes, WORD);
	if (k->kind == HS_C_HASH && !k->libcxx && keeps_hash(d, table))
		*size += WORD;
	*size = up(*size, align);
}

/*
 * What the nodes of a tree or table of libc++ have for VALUE. That of a map is
 * a wrapper of the pair up to LLVM 20; later it is a mere tag for trees, later
 * still for tables, and what is in the nodes is what the allocator is for. Of
 * that there may be no more than the name: then the nodes say it.
 */
static bool stored(const struct hs_decls *d, uint32_t holder,
		   const struct hs_c_container *k, uint32_t *value)
{
	uint32_t allocator, node, of;
	struct hs_decl_member m;
	if (!k->libcxx || (k->kind != HS_C_TREE && k->kind != HS_C_HASH) ||
	    d->type[hs_decls_strip(d, *value)].complete)
		return true;
	if (hs_decls_parameter(d, holder, k->kind == HS_C_TREE ? 2 : 3,
			       &allocator) &&
	    hs_decls_parameter(d, allocator, 0, &of)) {
		*value = of;
		return true;
	}
	if (!hs_decls_member(d, holder, NODES, strlen(NODES), &m) ||
	    !hs_decls_parameter(d, m.type, 0, &node) ||
	    !hs_decls_member(d, node, VALUE, strlen(VALUE), &m))
		return false;
	*value = m.type;
	return true;
}

/* Where the member at the end of PATH ("a.b.c") is in TYPE. */
static bool follow_path(const struct hs_decls *d, uint32_t type,
			const char *path, uint64_t *offset)
{
	struct hs_decl_member m;
	for (*offset = 0; *path; type = m.type) {
		size_t len = strcspn(path, ".");
		if (!hs_decls_member(d, type, path, len, &m) ||
		    m.offset > UINT32_MAX)
			return false;
		*offset += m.offset;
		path += len + (path[len] == '.');
	}
	return true;
}

/* The same of one of two paths, "a.b|a.c": as newer libraries have it. */
static bool find_either(const struct hs_decls *d, uint32_t type,
			const char *paths, uint64_t *offset)
{
	char path[64];
	size_t len = strcspn(paths, "|");
	if (len >= sizeof(path))
		return false;
	memcpy(path, paths, len);
	path[len] = 0;
	return follow_path(d, type, path, offset) ||
	       (paths[len] && follow_path(d, type, paths + len + 1, offset));
}

/* Where entry KIND of known[] says that things are in TYPE. */
static bool find_places(const struct hs_decls *d, uint32_t type, size_t kind,
			struct hs_c_container *k)
{
	static const uint8_t count_at[] = {
		[HS_C_LIST] = 16, [HS_C_TREE] = 40, [HS_C_HASH] = 24
	};
	uint64_t base, size = d->type[type].size;
	/* Of what has no state of its own parts may be called otherwise. */
	bool plain = size == known[kind].size;
	if (!find_either(d, type, known[kind].base, &base))
		base = plain ? known[kind].before : UINT64_MAX;
	if (base < known[kind].before)
		return false;
	base -= known[kind].before;
	if (base > size || known[kind].size > size - base)
		return false;
	k->pointer = base;
	k->capacity = base + 16;
	k->length = base;
	if (k->kind == HS_C_LIST || k->kind == HS_C_TREE ||
	    k->kind == HS_C_HASH)
		k->length += k->libcxx && k->kind == HS_C_TREE
				     ? 16
				     : count_at[k->kind];
	if (plain)
		return true;
	return (!known[kind].first ||
		find_either(d, type, known[kind].first, &k->capacity)) &&
	       (!known[kind].count ||
		find_either(d, type, known[kind].count, &k->length));
}

/* The container KIND of known[] that TYPE is; false: its elements are not
 * known. */
static bool describe(struct maker *m, uint32_t type, size_t kind, bool libcxx,
		     struct hs_c_container *k)
{
	struct hs_decls *d = &m->c->decls;
	uint32_t holder = type, value;
	uint64_t offset = 0, size;
	struct hs_decl_member member = { 0 };
	*k = (struct hs_c_container){ .kind = known[kind].kind,
				      .libcxx = libcxx };
	if (!find_places(d, type, kind, k))
		return false;
	if (known[kind].member) {
		if (!hs_decls_member(d, type, known[kind].member,
				     strlen(known[kind].member), &member))
			return false;
		holder = member.type;
	}
	if (!hs_decls_parameter(d, holder, known[kind].value, &value) ||
	    !stored(d, holder, k, &value))
		return false;
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, value)];
	if (!t->size || t->size > UINT32_MAX || !t->complete)
		return false;
	size = t->size;
	bool bits = t->kind == HS_DECL_NUMBER && t->number == HS_NUMBER_BOOL;
	if (k->kind == HS_C_BITS)
		return bits && make(m, type, " bits", WORD, HS_DECL_TYPE_OTHER,
				    0, &k->blocks);
	if (k->kind == HS_C_VECTOR && bits)
		return false;
	if (k->kind == HS_C_HASH &&
	    !make(m, type, " buckets", WORD, HS_DECL_TYPE_OTHER, 0, &k->body))
		return false;
	if (k->kind == HS_C_DEQUE &&
	    !make(m, type, " map", WORD, HS_DECL_TYPE_OTHER, 0, &k->body))
		return false;
	if (k->kind == HS_C_VECTOR || k->kind == HS_C_DEQUE)
		return make(m, type, " elements", size, value, 0, &k->blocks);
	node_shape(d, k, value, holder, &offset, &size);
	return make(m, type, " node", size, value, offset, &k->blocks);
}

/* What of NAME is behind "std::", if anything. */
static const char *in_std(const char *name, bool *libcxx)
{
	if (strncmp(name, "std::", 5) != 0)
		return NULL;
	*libcxx = strncmp(name + 5, "__1::", 5) == 0;
	return name + (*libcxx ? 10 : 5);
}

/* Is NAME a template's with nothing behind its arguments? */
static bool is_template(const char *name)
{
	unsigned depth = 0;
	for (; *name; name++) {
		depth += *name == '<';
		depth -= *name == '>' && depth > 0;
		if (*name == '>' && depth == 0)
			return name[1] == 0;
	}
	return false;
}

/* Rust's; what its members are called has changed, and is tried. */
static const struct {
	const char *name, *what;
	enum hs_c_container_kind kind;
	const char *pointer, *capacity, *length;
} rust[] = {
	{ "Vec<", " elements", HS_C_RUST_VEC, "buf.inner.ptr", "buf.inner.cap",
	  "len" },
	{ "Vec<", " elements", HS_C_RUST_VEC, "buf.ptr", "buf.cap", "len" },
	{ "String", " text", HS_C_RUST_VEC, "vec.buf.inner.ptr",
	  "vec.buf.inner.cap", "vec.len" },
	{ "String", " text", HS_C_RUST_VEC, "vec.buf.ptr", "vec.buf.cap",
	  "vec.len" },
	{ "VecDeque<", " elements", HS_C_RUST_DEQUE, "buf.inner.ptr",
	  "buf.inner.cap", "len" },
	{ "RawTable<", " buckets", HS_C_RUST_TABLE, "table.ctrl",
	  "table.bucket_mask", "table.items" },
};

/* The type of what the container TYPE number I of rust[] holds. */
static bool rust_value(const struct hs_decls *d, uint32_t type, size_t i,
		       uint32_t *ret)
{
	struct hs_decl_member vec;
	if (strcmp(rust[i].name, "String") != 0)
		return hs_decls_parameter(d, type, 0, ret);
	return hs_decls_member(d, type, "vec", 3, &vec) &&
	       hs_decls_parameter(d, vec.type, 0, ret);
}

static bool describe_rust(struct maker *m, uint32_t type, size_t i,
			  struct hs_c_container *k)
{
	struct hs_decls *d = &m->c->decls;
	uint32_t value;
	*k = (struct hs_c_container){ .kind = rust[i].kind };
	if (!follow_path(d, type, rust[i].pointer, &k->pointer) ||
	    !follow_path(d, type, rust[i].capacity, &k->capacity) ||
	    !follow_path(d, type, rust[i].length, &k->length) ||
	    !rust_value(d, type, i, &value))
		return false;
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, value)];
	if (!t->size || t->size > UINT32_MAX || !t->complete)
		return false;
	k->entry = value;
	if (k->kind == HS_C_RUST_TABLE) /* not all of its entries are in use */
		value = HS_DECL_TYPE_OTHER;
	return make(m, type, rust[i].what, t->size, value, 0, &k->blocks);
}

static bool keep(struct maker *m, uint32_t type, const struct hs_c_container *k)
{
	struct hs_c_containers *all = &m->c->containers;
	struct hs_error err;
	m->st = hs_grow(&all->list, &all->capacity, all->count,
			sizeof(*all->list), &err);
	if (m->st)
		return false;
	all->list[all->count++] = *k;
	all->of[type] = (uint32_t)all->count;
	return true;
}

static bool add_container(struct maker *m, uint32_t type, size_t kind,
			  bool libcxx)
{
	struct hs_c_container k;
	bool known_well = m->c->decls.type[type].rust
				  ? describe_rust(m, type, kind, &k)
				  : describe(m, type, kind, libcxx, &k);
	if (!known_well)
		return !m->st;
	return keep(m, type, &k);
}

/* What holds something of which others say what it is, or whether it is there:
 * one of its functions, the counts of a shared_ptr. */
static const struct {
	const char *name;
	bool libcxx;
	enum hs_c_container_kind kind;
	const char *manager, *value;
} holders[] = {
	{ "function<", false, HS_C_HELD, "_M_manager", "_M_functor" },
	{ "any", false, HS_C_HELD, "_M_manager", "_M_storage" },
	{ "any", true, HS_C_HELD, "__h|__h_", "__s|__s_" },
	{ "function<", true, HS_C_LIBCXX_FUNCTION, "__f_.__f_", "__f_.__buf_" },
	{ "__weak_ptr<", false, HS_C_WEAK, "_M_refcount._M_pi", "_M_ptr" },
	{ "weak_ptr<", true, HS_C_WEAK, "__cntrl_", "__ptr_" },
};

static size_t holder_of(const char *name, bool libcxx)
{
	size_t i = 0;
	for (; i < sizeof(holders) / sizeof(*holders); i++) {
		size_t len = strlen(holders[i].name);
		bool template = holders[i].name[len - 1] == '<';
		if (holders[i].libcxx == libcxx &&
		    strncmp(name, holders[i].name, len) == 0 &&
		    (template ? is_template(name) : name[len] == 0))
			break;
	}
	return i;
}

static bool add_holder(struct maker *m, uint32_t type, size_t i)
{
	const struct hs_decls *d = &m->c->decls;
	struct hs_c_container k = { .kind = holders[i].kind,
				    .libcxx = holders[i].libcxx };
	if (!find_either(d, type, holders[i].manager, &k.pointer) ||
	    !find_either(d, type, holders[i].value, &k.capacity) ||
	    (k.kind == HS_C_WEAK && !hs_decls_parameter(d, type, 0, &k.entry)))
		return true;
	return keep(m, type, &k);
}

/*
 * What std::shared_ptrs share: counts, and behind them the object of
 * std::make_shared(), of which only the bytes are declared, or what leads to
 * one. Without owners the object is gone.
 */
static const struct {
	const char *name;
	const char *storage; /* where a path leads to the object; or NULL */
	const char *member;  /* ... and else the member that leads to it; NULL:
			      * any of its own */
} counts[] = {
	{ "_Sp_counted_ptr_inplace<", "_M_impl._M_storage", "_M_impl" },
	{ "_Sp_counted_ptr<", NULL, "_M_ptr" },
	{ "_Sp_counted_deleter<", NULL, "_M_impl" },
	{ "__shared_ptr_emplace<", "__storage_", "__storage_" },
	{ "__shared_ptr_emplace<", "__buffer_", "__buffer_" }, /* LLVM 22 */
	{ "__shared_ptr_pointer<", NULL, NULL },
};

/* Make TYPE's member NAME (NULL: all but its bases), or OBJECT instead, one
 * that is there as long as the number of owners, which is where the ABI has it,
 * is not NONE. */
static bool add_owned(struct maker *m, uint32_t type, const char *name,
		      const struct hs_decl_member *object, bool libcxx)
{
	struct hs_decls *d = &m->c->decls;
	struct hs_decl_member none = { .offset = WORD,
				       .type = HS_DECL_TYPE_OTHER,
				       .choice = true,
				       .when = libcxx ? UINT64_MAX : 0 };
	uint32_t first = (uint32_t)d->member_count;
	for (uint32_t i = 0; i < d->type[type].members; i++) {
		struct hs_decl_member own = d->member[d->type[type].member + i];
		if (name ? strcmp(hs_decls_text(d, own.name), name) == 0
			 : !own.base) {
			if (object)
				own = *object;
			own.choice = own.otherwise = true;
		}
		if (!hs_decls_add_member(d, &own, &m->st))
			return !m->st;
	}
	if (!hs_decls_add_member(d, &none, &m->st))
		return !m->st;
	d->type[type].member = first;
	d->type[type].members = (uint32_t)d->member_count - first;
	d->type[type].parameters = d->type[type].virtuals = 0;
	d->type[type].discr_offset = WORD;
	d->type[type].discr_size = libcxx ? 8 : 4;
	return true;
}

static bool add_shared(struct maker *m, uint32_t type, size_t i, bool libcxx)
{
	struct hs_decls *d = &m->c->decls;
	struct hs_decl_member object = { .choice = true };
	if (!counts[i].storage)
		return add_owned(m, type, counts[i].member, NULL, libcxx);
	if (!follow_path(d, type, counts[i].storage, &object.offset) ||
	    !hs_decls_parameter(d, type, 0, &object.type))
		return true;
	if (!hs_decls_add_text(d, "object", &object.name, &m->st))
		return !m->st;
	return add_owned(m, type, counts[i].member, &object, libcxx);
}

static bool look_at_rust(struct maker *m, uint32_t type)
{
	const struct hs_decls *d = &m->c->decls;
	const char *name = hs_decls_text(d, d->type[type].name);
	for (size_t i = 0; i < sizeof(rust) / sizeof(*rust); i++) {
		size_t len = strlen(rust[i].name);
		bool template = rust[i].name[len - 1] == '<';
		if (strncmp(name, rust[i].name, len) != 0 ||
		    !(template ? is_template(name) : name[len] == 0))
			continue;
		if (!add_container(m, type, i, false))
			return false;
		if (m->c->containers.of[type])
			return true;
	}
	return true;
}

static bool look_at(struct maker *m, uint32_t type)
{
	struct hs_decls *d = &m->c->decls;
	const struct hs_decl_type *t = &d->type[type];
	bool libcxx;
	if (t->kind != HS_DECL_STRUCT || !t->complete)
		return true;
	if (t->rust)
		return look_at_rust(m, type);
	const char *name = in_std(hs_decls_text(d, t->name), &libcxx);
	if (!name)
		return true;
	size_t holder = holder_of(name, libcxx);
	if (holder < sizeof(holders) / sizeof(*holders))
		return add_holder(m, type, holder);
	if (!is_template(name))
		return true;
	if (!hs_c_alternatives(d, type, name, &m->st))
		return false;
	if (!d->type[type].parameters)
		return true;
	name = in_std(hs_decls_text(d, d->type[type].name), &libcxx);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		if (strncmp(name, counts[i].name, strlen(counts[i].name)) != 0)
			continue;
		if (!add_shared(m, type, i, libcxx))
			return false;
		if (d->type[type].discr_size)
			return true;
		name = in_std(hs_decls_text(d, d->type[type].name), &libcxx);
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (known[i].libcxx != libcxx ||
		    strncmp(name, known[i].name, strlen(known[i].name)) != 0)
			continue;
		if (!add_container(m, type, i, libcxx))
			return false;
		if (m->c->containers.of[type])
			return true;
	}
	return true;
}

enum hs_status hs_c_containers_init(struct hs_c *c, struct hs_error *err)
{
	struct maker m = { .c = c };
	size_t types = c->decls.type_count;
	if (c->read.word_size != WORD)
		return HS_OK;
	c->containers.of = calloc(types + 1, sizeof(*c->containers.of));
	if (!c->containers.of)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu types",
			       types);
	c->containers.types = types;
	for (uint32_t i = 0; i < types && look_at(&m, i); i++)
		;
	return m.st ? hs_fail(err, m.st, "no memory for containers") : HS_OK;
}

void hs_c_containers_release(struct hs_c_containers *containers)
{
	free(containers->list);
	free(containers->of);
	hs_addr_map_release(&containers->managers);
	*containers = (struct hs_c_containers){ .list = NULL };
}

const struct hs_c_container *hs_c_container(const struct hs_c *c, uint32_t type)
{
	if (type >= c->containers.types || !c->containers.of[type])
		return NULL;
	return &c->containers.list[c->containers.of[type] - 1];
}
