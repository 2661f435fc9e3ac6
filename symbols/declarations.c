/* SPDX-License-Identifier: MIT */
#include "symbols/declarations.h"

#include <stdio.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"

/* typedef of typedef of ...: three or four in life. */
#define MAX_ALIASES 32u
/* Members that are looked at for one that is in an anonymous one: a forged
 * struct may contain itself in a thousand ways. */
#define MAX_LOOKED_AT 16384u
/* Structs in structs, pointers to pointers, arrays of arrays. */
#define MAX_NESTED 16u

static bool no_memory(enum hs_status *st)
{
	*st = HS_ERR_NOMEM;
	return false;
}

enum hs_status hs_decls_init(struct hs_decls *d, struct hs_error *err)
{
	static const struct hs_decl_type first[] = {
		[HS_DECL_TYPE_VOID] = { .kind = HS_DECL_VOID },
		[HS_DECL_TYPE_OTHER] = { .kind = HS_DECL_OTHER },
	};
	enum hs_status st = HS_OK;
	uint32_t n;
	*d = (struct hs_decls){ 0 };
	if (hs_decls_add_text(d, "", &n, &st) &&
	    hs_decls_add_type(d, &first[0], &n, &st))
		(void)hs_decls_add_type(d, &first[1], &n, &st);
	if (st) {
		hs_decls_release(d);
		return hs_fail(err, st, "no memory for declarations");
	}
	return HS_OK;
}

void hs_decls_release(struct hs_decls *d)
{
	free(d->type);
	free(d->member);
	free(d->variable);
	free(d->local);
	free(d->manager);
	free(d->rename);
	free(d->text);
	hs_addr_map_release(&d->same);
	hs_addr_map_release(&d->by_name);
	*d = (struct hs_decls){ 0 };
}

bool hs_decls_add_text(struct hs_decls *d, const char *text, uint32_t *ret,
		       enum hs_status *st)
{
	size_t len = strlen(text) + 1;
	if (len > HS_LIMIT_DECLARED_TEXT - d->text_len) {
		d->cut = true;
		return false;
	}
	while (d->text_capacity - d->text_len < len)
		if (hs_grow(&d->text, &d->text_capacity, d->text_capacity, 1,
			    NULL))
			return no_memory(st);
	memcpy(d->text + d->text_len, text, len);
	*ret = (uint32_t)d->text_len;
	d->text_len += len;
	return true;
}

bool hs_decls_add_type(struct hs_decls *d, const struct hs_decl_type *type,
		       uint32_t *ret, enum hs_status *st)
{
	if (d->type_count == HS_LIMIT_DECLARED_TYPES) {
		d->cut = true;
		return false;
	}
	if (hs_grow(&d->type, &d->type_capacity, d->type_count,
		    sizeof(*d->type), NULL))
		return no_memory(st);
	d->type[d->type_count] = *type;
	*ret = (uint32_t)d->type_count++;
	return true;
}

bool hs_decls_add_member(struct hs_decls *d,
			 const struct hs_decl_member *member,
			 enum hs_status *st)
{
	if (d->member_count == HS_LIMIT_DECLARED_MEMBERS) {
		d->cut = true;
		return false;
	}
	if (hs_grow(&d->member, &d->member_capacity, d->member_count,
		    sizeof(*d->member), NULL))
		return no_memory(st);
	d->member[d->member_count++] = *member;
	return true;
}

bool hs_decls_add_variable(struct hs_decls *d,
			   const struct hs_decl_variable *variable,
			   enum hs_status *st)
{
	if (d->variable_count == HS_LIMIT_DECLARED_VARIABLES) {
		d->cut = true;
		return false;
	}
	if (hs_grow(&d->variable, &d->variable_capacity, d->variable_count,
		    sizeof(*d->variable), NULL))
		return no_memory(st);
	d->variable[d->variable_count++] = *variable;
	return true;
}

bool hs_decls_add_local(struct hs_decls *d, const struct hs_decl_local *local,
			enum hs_status *st)
{
	if (d->local_count == HS_LIMIT_DECLARED_VARIABLES) {
		d->cut = true;
		return false;
	}
	if (hs_grow(&d->local, &d->local_capacity, d->local_count,
		    sizeof(*d->local), NULL))
		return no_memory(st);
	d->local[d->local_count++] = *local;
	return true;
}

bool hs_decls_add_manager(struct hs_decls *d,
			  const struct hs_decl_manager *manager,
			  enum hs_status *st)
{
	if (d->manager_count == HS_LIMIT_DECLARED_TYPES) {
		d->cut = true;
		return false;
	}
	if (hs_grow(&d->manager, &d->manager_capacity, d->manager_count,
		    sizeof(*d->manager), NULL))
		return no_memory(st);
	d->manager[d->manager_count++] = *manager;
	return true;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

static uint64_t hash_name(uint64_t h, const char *name)
{
	for (const char *p = name; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3;
	return h;
}

/* Keys of hs_addr_map, which has no place for HS_NO_ADDR. */
static hs_addr key_of(uint64_t h)
{
	return h == HS_NO_ADDR ? 0 : h;
}

static hs_addr likeness(const struct hs_decl_type *t, const char *name)
{
	uint64_t h = hash_name(0xcbf29ce484222325, name);
	h = mix(h, (uint64_t)t->kind << 8 | t->number |
			   (uint64_t)t->complete << 4);
	h = mix(mix(h, t->size), t->count);
	return key_of(mix(mix(h, t->of), t->line));
}

static bool alike(const struct hs_decls *d, uint32_t a,
		  const struct hs_decl_type *b, const char *name)
{
	const struct hs_decl_type *t = &d->type[a];
	return t->kind == b->kind && t->number == b->number &&
	       t->complete == b->complete && t->size == b->size &&
	       t->count == b->count && t->line == b->line &&
	       /* What a typedef of C stands for was not looked at yet. */
	       ((t->kind == HS_DECL_ALIAS && !t->cxx) || t->of == b->of) &&
	       strcmp(hs_decls_text(d, t->name), name) == 0;
}

static bool put(struct hs_addr_map *map, hs_addr key, uint32_t value,
		uint32_t extra, enum hs_status *st)
{
	struct hs_addr_entry e = { key, value, extra };
	return !hs_addr_map_put(map, e, NULL) || no_memory(st);
}

bool hs_decls_same_type(struct hs_decls *d, const struct hs_decl_type *type,
			const char *name, uint32_t *ret, bool *fresh,
			enum hs_status *st)
{
	hs_addr key = likeness(type, name);
	const struct hs_addr_entry *e = hs_addr_map_get(&d->same, key);
	struct hs_decl_type t = *type;
	*fresh = false;
	if (e && alike(d, e->value, type, name)) {
		*ret = e->value;
		return true;
	}
	if (*name && !hs_decls_add_text(d, name, &t.name, st))
		return false;
	if (!hs_decls_add_type(d, &t, ret, st))
		return false;
	*fresh = true;
	return put(&d->same, key, *ret, 0, st);
}

bool hs_decls_rename(struct hs_decls *d, uint32_t type, const char *name,
		     enum hs_status *st)
{
	struct hs_decl_rename own = { .type = type };
	if (!hs_decls_add_text(d, name, &own.name, st))
		return false;
	if (hs_grow(&d->rename, &d->rename_capacity, d->rename_count,
		    sizeof(*d->rename), NULL))
		return no_memory(st);
	d->rename[d->rename_count++] = own;
	return true;
}

uint32_t hs_decls_strip_alias(const struct hs_decls *d, uint32_t type)
{
	for (unsigned i = 0; i < MAX_ALIASES; i++) {
		if (d->type[type].kind != HS_DECL_ALIAS)
			return type;
		type = d->type[type].of;
	}
	return HS_DECL_TYPE_OTHER;
}

static bool is_named_struct(const struct hs_decl_type *t)
{
	return (t->kind == HS_DECL_STRUCT || t->kind == HS_DECL_UNION ||
		t->kind == HS_DECL_ENUM) &&
	       t->name;
}

static hs_addr name_key(uint8_t kind, const char *name)
{
	return key_of(mix(hash_name(0xcbf29ce484222325, name), kind));
}

enum hs_status hs_decls_complete(struct hs_decls *d, struct hs_error *err)
{
	enum hs_status st = HS_OK;
	for (size_t i = 0; i < d->rename_count; i++)
		d->type[d->rename[i].type].name = d->rename[i].name;
	hs_addr_map_release(&d->by_name);
	for (uint32_t i = 0; i < d->type_count && !st; i++) {
		const struct hs_decl_type *t = &d->type[i];
		if (!is_named_struct(t) || !t->complete)
			continue;
		hs_addr key = name_key(t->kind, hs_decls_text(d, t->name));
		const struct hs_addr_entry *e =
			hs_addr_map_get(&d->by_name, key);
		/* Of several the first; extra says that there are more. */
		(void)put(&d->by_name, key, e ? e->value : i, e != NULL, &st);
	}
	for (uint32_t i = 0; i < d->type_count && !st; i++) {
		struct hs_decl_type *t = &d->type[i];
		if (!is_named_struct(t) || t->complete)
			continue;
		const char *name = hs_decls_text(d, t->name);
		const struct hs_addr_entry *e =
			hs_addr_map_get(&d->by_name, name_key(t->kind, name));
		if (!e || e->extra ||
		    strcmp(name, hs_decls_text(d, d->type[e->value].name)) != 0)
			continue;
		t->kind = HS_DECL_ALIAS;
		t->of = e->value;
	}
	return st ? hs_fail(err, st, "no memory for declarations") : HS_OK;
}

bool hs_decls_find(const struct hs_decls *d, const char *name, uint32_t *ret)
{
	static const uint8_t kinds[] = { HS_DECL_STRUCT, HS_DECL_UNION };
	for (size_t i = 0; i < sizeof(kinds); i++) {
		const struct hs_addr_entry *e =
			hs_addr_map_get(&d->by_name, name_key(kinds[i], name));
		if (!e ||
		    strcmp(hs_decls_text(d, d->type[e->value].name), name) != 0)
			continue;
		*ret = e->value;
		return !e->extra;
	}
	return false;
}

bool hs_decls_chosen(const struct hs_decls *d, const struct hs_decl_type *t,
		     const struct hs_decl_member *member, uint64_t discr)
{
	if (!member->choice)
		return true;
	if (!member->otherwise)
		return member->when == discr;
	for (uint32_t i = 0; i < t->members; i++) {
		const struct hs_decl_member *m = &d->member[t->member + i];
		if (m->choice && !m->otherwise && m->when == discr)
			return false;
	}
	return true;
}

bool hs_decls_parameter(const struct hs_decls *d, uint32_t type, uint32_t i,
			uint32_t *ret)
{
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, type)];
	if (i >= t->parameters)
		return false;
	*ret = d->member[t->member + t->members + i].type;
	return *ret != HS_DECL_TYPE_OTHER;
}

static bool find_member(const struct hs_decls *d, uint32_t type,
			const char *name, size_t len, unsigned depth,
			unsigned *left, struct hs_decl_member *ret)
{
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, type)];
	if (depth == MAX_NESTED ||
	    (t->kind != HS_DECL_STRUCT && t->kind != HS_DECL_UNION))
		return false;
	for (uint32_t i = 0; i<t->members && * left> 0; i++) {
		(*left)--;
		const struct hs_decl_member *m = &d->member[t->member + i];
		const char *own = hs_decls_text(d, m->name);
		if (m->name) {
			if (strncmp(own, name, len) != 0 || own[len])
				continue;
			*ret = *m;
			return true;
		}
		struct hs_decl_member inner;
		if (find_member(d, m->type, name, len, depth + 1, left,
				&inner) &&
		    !__builtin_add_overflow(m->offset, inner.offset,
					    &inner.offset)) {
			*ret = inner;
			return true;
		}
	}
	return false;
}

bool hs_decls_member(const struct hs_decls *d, uint32_t type, const char *name,
		     size_t len, struct hs_decl_member *ret)
{
	unsigned left = MAX_LOOKED_AT;
	return find_member(d, type, name, len, 0, &left, ret);
}

bool hs_decls_tail(const struct hs_decls *d, uint32_t type, uint64_t *offset,
		   uint32_t *element)
{
	uint64_t start = 0;
	for (unsigned depth = 0; depth < MAX_NESTED; depth++) {
		const struct hs_decl_type *t =
			&d->type[hs_decls_strip(d, type)];
		if (t->kind == HS_DECL_ARRAY) {
			if (depth == 0 || t->count > 1)
				return false;
			*offset = start;
			*element = t->of;
			return d->type[hs_decls_strip(d, t->of)].size > 0;
		}
		if (t->kind != HS_DECL_STRUCT || t->members == 0)
			return false;
		const struct hs_decl_member *last =
			&d->member[t->member + t->members - 1];
		if (__builtin_add_overflow(start, last->offset, &start))
			return false;
		type = last->type;
	}
	return false;
}

struct spelling {
	char *buf;
	size_t size, len;
	bool full;
};

static void spell_text(struct spelling *s, const char *text)
{
	size_t len = strlen(text);
	if (s->full || len >= s->size - s->len) {
		s->full = true;
		return;
	}
	memcpy(s->buf + s->len, text, len + 1);
	s->len += len;
}

static void spell(const struct hs_decls *d, uint32_t type, unsigned depth,
		  struct spelling *s)
{
	static const char *const kinds[] = {
		[HS_DECL_STRUCT] = "struct ",
		[HS_DECL_UNION] = "union ",
		[HS_DECL_ENUM] = "enum ",
	};
	char number[32];
	const struct hs_decl_type *t = &d->type[type];
	const char *name = hs_decls_text(d, t->name);
	if (depth == MAX_NESTED) {
		s->full = true;
		return;
	}
	switch (t->kind) {
	case HS_DECL_VOID:
		spell_text(s, "void");
		break;
	case HS_DECL_FUNCTION:
		spell_text(s, "function");
		break;
	case HS_DECL_NUMBER:
		spell_text(s, name);
		break;
	case HS_DECL_ALIAS:
		/* A completed declaration keeps its tag. */
		if (t->tagged)
			spell(d, t->of, depth + 1, s);
		else
			spell_text(s, name);
		break;
	case HS_DECL_POINTER:
		spell(d, t->of, depth + 1, s);
		spell_text(s, s->len && s->buf[s->len - 1] == '*' ? "" : " ");
		spell_text(s, t->number == HS_POINTER_REFERENCE   ? "&"
			      : t->number == HS_POINTER_TO_RVALUE ? "&&"
								  : "*");
		break;
	case HS_DECL_ARRAY:
		spell(d, t->of, depth + 1, s);
		(void)snprintf(number, sizeof(number), "[%llu]",
			       (unsigned long long)t->count);
		spell_text(s, t->count ? number : "[]");
		break;
	case HS_DECL_STRUCT:
	case HS_DECL_UNION:
	case HS_DECL_ENUM:
		if (t->tagged || !t->name)
			spell_text(s, kinds[t->kind]);
		spell_text(s, t->name ? name : "{...}");
		break;
	default:
		s->full = true;
	}
}

bool hs_decls_spell(const struct hs_decls *d, uint32_t type, char *buf,
		    size_t size)
{
	struct spelling s = { .buf = buf, .size = size };
	buf[0] = 0;
	spell(d, type, 0, &s);
	return !s.full;
}
