/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "types/c_types.h"

/*
 * Which declared types are containers, and what their blocks look like: a node
 * is links and a value, and the value is what a template was made with. For
 * both a type is made up here that looks like it.
 */

#define WORD 8u

static const struct {
	const char *name;
	const char *member; /* that says what a node's value is; or NULL */
	enum hs_c_container_kind kind;
	uint64_t size, size_libcxx; /* of the container; 0: not that one */
	unsigned value;             /* which argument of the member, or of it */
} known[] = {
	{ "vector<", NULL, HS_C_VECTOR, 24, 24, 0 },
	{ "deque<", NULL, HS_C_DEQUE, 80, 48, 0 },
	{ "list<", NULL, HS_C_LIST, 24, 24, 0 },
	{ "forward_list<", NULL, HS_C_FORWARD_LIST, 8, 8, 0 },
	{ "map<", "_M_t", HS_C_TREE, 48, 0, 1 },
	{ "set<", "_M_t", HS_C_TREE, 48, 0, 1 },
	{ "multimap<", "_M_t", HS_C_TREE, 48, 0, 1 },
	{ "multiset<", "_M_t", HS_C_TREE, 48, 0, 1 },
	{ "unordered_map<", "_M_h", HS_C_HASH, 56, 0, 1 },
	{ "unordered_set<", "_M_h", HS_C_HASH, 56, 0, 1 },
	{ "unordered_multimap<", "_M_h", HS_C_HASH, 56, 0, 1 },
	{ "unordered_multiset<", "_M_h", HS_C_HASH, 56, 0, 1 },
	{ "map<", "__tree_", HS_C_TREE, 0, 24, 0 },
	{ "set<", "__tree_", HS_C_TREE, 0, 24, 0 },
	{ "multimap<", "__tree_", HS_C_TREE, 0, 24, 0 },
	{ "multiset<", "__tree_", HS_C_TREE, 0, 24, 0 },
	{ "unordered_map<", "__table_", HS_C_HASH, 0, 40, 0 },
	{ "unordered_set<", "__table_", HS_C_HASH, 0, 40, 0 },
	{ "unordered_multimap<", "__table_", HS_C_HASH, 0, 40, 0 },
	{ "unordered_multiset<", "__table_", HS_C_HASH, 0, 40, 0 },
};

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
 * still for tables, and what is in the nodes is what the allocator is for.
 */
static bool stored(const struct hs_decls *d, uint32_t holder,
		   const struct hs_c_container *k, uint32_t *value)
{
	uint32_t allocator;
	if (!k->libcxx || (k->kind != HS_C_TREE && k->kind != HS_C_HASH) ||
	    d->type[hs_decls_strip(d, *value)].complete)
		return true;
	return hs_decls_parameter(d, holder, k->kind == HS_C_TREE ? 2 : 3,
				  &allocator) &&
	       hs_decls_parameter(d, allocator, 0, value);
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
	/* A bit each. */
	if (k->kind == HS_C_VECTOR && t->kind == HS_DECL_NUMBER &&
	    t->number == HS_NUMBER_BOOL)
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

static bool add_container(struct maker *m, uint32_t type, size_t kind,
			  bool libcxx)
{
	struct hs_c_containers *all = &m->c->containers;
	struct hs_c_container k;
	struct hs_error err;
	bool known_well = m->c->decls.type[type].rust
				  ? describe_rust(m, type, kind, &k)
				  : describe(m, type, kind, libcxx, &k);
	if (!known_well)
		return !m->st;
	m->st = hs_grow(&all->list, &all->capacity, all->count,
			sizeof(*all->list), &err);
	if (m->st)
		return false;
	all->list[all->count++] = k;
	all->of[type] = (uint32_t)all->count;
	return true;
}

/* The object that std::make_shared() puts behind the counts, which only say how
 * many bytes it has. */
static bool add_shared(struct maker *m, uint32_t type, const char *storage)
{
	struct hs_decls *d = &m->c->decls;
	struct hs_decl_member place, object = { 0 };
	uint32_t of, first = (uint32_t)d->member_count;
	uint32_t at = type, offset = 0;
	for (const char *part = storage; *part;) {
		size_t len = strcspn(part, ".");
		if (!hs_decls_member(d, at, part, len, &place) ||
		    place.offset > UINT32_MAX - offset)
			return true;
		offset += (uint32_t)place.offset;
		at = place.type;
		part += len + (part[len] == '.');
	}
	if (!hs_decls_parameter(d, type, 0, &of))
		return true;
	object.offset = offset;
	object.type = of;
	if (!hs_decls_add_text(d, "object", &object.name, &m->st))
		return !m->st;
	for (uint32_t i = 0; i < d->type[type].members; i++) {
		struct hs_decl_member own = d->member[d->type[type].member + i];
		if (!hs_decls_add_member(d, &own, &m->st))
			return !m->st;
	}
	if (!hs_decls_add_member(d, &object, &m->st))
		return !m->st;
	d->type[type].member = first;
	d->type[type].members++;
	d->type[type].parameters = 0;
	return true;
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
	if (!t->parameters)
		return true;
	const char *name = in_std(hs_decls_text(d, t->name), &libcxx);
	if (!name || !is_template(name))
		return true;
	if (strncmp(name, "_Sp_counted_ptr_inplace<", 24) == 0)
		return add_shared(m, type, "_M_impl._M_storage");
	if (strncmp(name, "__shared_ptr_emplace<", 21) == 0)
		return add_shared(m, type, "__storage_") &&
		       add_shared(m, type, "__buffer_"); /* since LLVM 22 */
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		uint64_t size = libcxx ? known[i].size_libcxx : known[i].size;
		if (size && t->size == size &&
		    strncmp(name, known[i].name, strlen(known[i].name)) == 0)
			return add_container(m, type, i, libcxx);
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
	*containers = (struct hs_c_containers){ .list = NULL };
}

const struct hs_c_container *hs_c_container(const struct hs_c *c, uint32_t type)
{
	if (type >= c->containers.types || !c->containers.of[type])
		return NULL;
	return &c->containers.list[c->containers.of[type] - 1];
}
