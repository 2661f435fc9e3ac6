/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "core/limits.h"
#include "types/c_types.h"
#include "types/cxx_exception.h"

/* Numbers of an array that are written out. */
#define MAX_NUMBERS 16u
/* Characters of a string. */
#define MAX_TEXT 200u
#define LOWEST 4096u
/* Virtual bases of an object that are listed. */
#define MAX_VIRTUAL 16u

struct listing {
	struct hs_naming *n;
	struct hs_c *c;
	const struct hs_block *block;
	hs_field_fn fn;
	void *arg;
	unsigned left;  /* fields that may still be said */
	unsigned inner; /* structs around the one that is listed */
	bool stopped;
	bool weak; /* what is listed does not own what it leads to */
	hs_addr base[MAX_VIRTUAL]; /* virtual bases that were listed */
	unsigned bases;
};

/* An enum's words, or those of its bits; else the number. */
static void write_enum(const struct hs_decls *d, const struct hs_decl_type *t,
		       uint64_t v, struct hs_text *text)
{
	char number[32];
	uint64_t left = v, mask = t->size < 8 ? (UINT64_C(1) << 8 * t->size) - 1
					      : UINT64_MAX;
	for (uint32_t i = 0; i < t->members; i++) {
		const struct hs_decl_member *m = &d->member[t->member + i];
		if ((m->offset & mask) == v) {
			hs_text_add(text, hs_decls_text(d, m->name));
			return;
		}
	}
	size_t start = text->len;
	hs_text_add(text, "(");
	for (uint32_t i = 0; i < t->members && left; i++) {
		const struct hs_decl_member *m = &d->member[t->member + i];
		uint64_t bit = m->offset & mask;
		if (!bit || (bit & (bit - 1)) || !(left & bit))
			continue;
		hs_text_add(text, left == v ? "" : " | ");
		hs_text_add(text, hs_decls_text(d, m->name));
		left &= ~bit;
	}
	hs_text_add(text, ")");
	if (!left && v)
		return;
	text->len = start;
	text->buf[start] = 0;
	(void)snprintf(number, sizeof(number), "%" PRIu64, v);
	hs_text_add(text, number);
}

static int64_t signed_of(uint64_t v, unsigned bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);
	return (int64_t)((v ^ sign) - sign);
}

/* The number V of BITS bits as a T. False: it is no such number. */
static bool write_bits(const struct hs_decls *d, const struct hs_decl_type *t,
		       uint64_t v, unsigned bits, struct hs_text *text)
{
	char number[48];
	float single;
	double twice;
	uint32_t half = (uint32_t)v;
	if (t->kind == HS_DECL_ENUM) {
		write_enum(d, t, v, text);
		return true;
	}
	if (t->number == HS_NUMBER_BOOL && v <= 1) {
		hs_text_add(text, v ? "true" : "false");
		return true;
	}
	if (t->number == HS_NUMBER_FLOAT && bits == 32) {
		memcpy(&single, &half, sizeof(single));
		(void)snprintf(number, sizeof(number), "%.9g", (double)single);
	} else if (t->number == HS_NUMBER_FLOAT && bits == 64) {
		memcpy(&twice, &v, sizeof(twice));
		(void)snprintf(number, sizeof(number), "%.17g", twice);
	} else if (t->number == HS_NUMBER_SIGNED ||
		   (t->number == HS_NUMBER_CHAR &&
		    strncmp(hs_decls_text(d, t->name), "unsigned", 8) != 0)) {
		(void)snprintf(number, sizeof(number), "%" PRId64,
			       signed_of(v, bits));
	} else if (t->number == HS_NUMBER_UNSIGNED ||
		   t->number == HS_NUMBER_CHAR || t->number == HS_NUMBER_BOOL) {
		(void)snprintf(number, sizeof(number), "%" PRIu64, v);
	} else {
		return false;
	}
	hs_text_add(text, number);
	return true;
}

static bool is_scalar(const struct hs_decl_type *t)
{
	return (t->kind == HS_DECL_NUMBER || t->kind == HS_DECL_ENUM) &&
	       t->size > 0 && t->size <= 8;
}

static bool write_scalar(struct listing *l, const struct hs_decl_type *t,
			 hs_addr addr, struct hs_text *text)
{
	uint64_t v;
	return is_scalar(t) &&
	       hs_window_uint(&l->c->read, addr, (unsigned)t->size, &v) &&
	       write_bits(&l->c->decls, t, v, 8 * (unsigned)t->size, text);
}

static bool write_bit_field(struct listing *l, const struct hs_decl_type *t,
			    const struct hs_decl_member *m, hs_addr addr,
			    struct hs_text *text)
{
	uint64_t v;
	unsigned bytes = (m->bit + m->bits + 7u) / 8;
	if (bytes > 8 || !is_scalar(t) ||
	    !hs_window_uint(&l->c->read, addr, bytes, &v))
		return false;
	v >>= m->bit;
	if (m->bits < 64)
		v &= (UINT64_C(1) << m->bits) - 1;
	return write_bits(&l->c->decls, t, v, m->bits, text);
}

/* "{1, 2, 3...}" of an array of numbers. */
static bool write_numbers(struct listing *l, const struct hs_decl_type *t,
			  hs_addr addr, struct hs_text *text)
{
	const struct hs_decls *d = &l->c->decls;
	const struct hs_decl_type *of = &d->type[hs_decls_strip(d, t->of)];
	if (!is_scalar(of) || t->count == 0)
		return false;
	hs_text_add(text, "{");
	for (uint64_t i = 0; i < t->count && i < MAX_NUMBERS; i++) {
		hs_text_add(text, i ? ", " : "");
		if (!write_scalar(l, of, addr + i * of->size, text))
			return false;
	}
	hs_text_add(text, t->count > MAX_NUMBERS ? "...}" : "}");
	return true;
}

/* At most MAX characters up to a NUL. False: they are not all characters. */
static bool write_text(struct listing *l, hs_addr addr, uint64_t max,
		       struct hs_text *text)
{
	uint64_t c = 0;
	for (uint64_t i = 0; i < max && i < MAX_TEXT; i++) {
		char byte[2] = { 0 };
		if (!hs_window_uint(&l->c->read, addr + i, 1, &c))
			return false;
		if (!c)
			return true;
		if (c < 0x20 || c == 0x7f)
			return false;
		byte[0] = (char)c;
		hs_text_add(text, byte);
	}
	return true;
}

static bool is_char(const struct hs_decls *d, uint32_t type)
{
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, type)];
	return t->kind == HS_DECL_NUMBER && t->number == HS_NUMBER_CHAR;
}

static void say(struct listing *l, const char *name, uint32_t type,
		hs_addr addr, unsigned depth, const struct hs_decl_member *bits)
{
	const struct hs_decls *d = &l->c->decls;
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, type)];
	char spelled[HS_LIMIT_STRING], value[1024], string[MAX_TEXT + 1];
	struct hs_text v, s;
	uint64_t pointer;
	struct hs_field_info info = {
		.name = name,
		.offset = addr - l->block->user,
		.word = addr - l->block->user,
		.strength = HS_STRENGTH_NONE,
		.refers_to = HS_NO_ADDR,
		.depth = depth,
	};
	if (!l->left || l->stopped) {
		l->stopped = true;
		return;
	}
	l->left--;
	if (hs_decls_spell(d, type, spelled, sizeof(spelled)))
		info.type = spelled;
	hs_text_init(&v, value, sizeof(value));
	hs_text_init(&s, string, sizeof(string));
	if (t->kind == HS_DECL_POINTER) {
		if (hs_window_word(&l->c->read, addr, &pointer)) {
			if (pointer >= LOWEST) {
				info.refers_to = pointer;
				if (l->weak)
					info.strength = HS_STRENGTH_WEAK;
			} else if (pointer == 0) {
				info.value = "NULL";
			}
			if (!l->n->brief && pointer >= LOWEST &&
			    is_char(d, t->of) &&
			    write_text(l, pointer, MAX_TEXT, &s))
				info.text = string;
		}
	} else if (l->n->brief) {
		; /* where it leads is all */
	} else if (t->kind == HS_DECL_ARRAY && is_char(d, t->of)) {
		if (write_text(l, addr, t->count, &s))
			info.text = string;
	} else if (bits ? write_bit_field(l, t, bits, addr, &v)
			: (write_scalar(l, t, addr, &v) ||
			   (t->kind == HS_DECL_ARRAY &&
			    write_numbers(l, t, addr, &v)))) {
		if (!v.full)
			info.value = value;
	}
	if (!l->fn(l->arg, &info))
		l->stopped = true;
}

static void list(struct listing *l, uint32_t type, hs_addr addr, hs_addr end,
		 const char *path, unsigned depth);

/* COUNT elements from ADDR on. Of pointers only those that lead somewhere. */
static void list_elements(struct listing *l, uint32_t of, hs_addr addr,
			  hs_addr end, uint64_t count, const char *path,
			  unsigned depth)
{
	const struct hs_decls *d = &l->c->decls;
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, of)];
	uint64_t v;
	if (!t->size)
		return;
	for (uint64_t i = 0;
	     i < count && i < (end - addr) / t->size && !l->stopped; i++) {
		char name[HS_LIMIT_STRING];
		hs_addr at = addr + i * t->size;
		int len = snprintf(name, sizeof(name), "%s[%" PRIu64 "]", path,
				   i);
		if (len < 0 || (size_t)len >= sizeof(name))
			return;
		if (t->kind == HS_DECL_POINTER &&
		    (!hs_window_word(&l->c->read, at, &v) || v == 0))
			continue;
		say(l, name, of, at, depth, NULL);
		list(l, of, at, end, name, depth + 1);
	}
}

static void list_members(struct listing *l, const struct hs_decl_type *t,
			 hs_addr addr, hs_addr end, const char *path,
			 unsigned depth)
{
	const struct hs_decls *d = &l->c->decls;
	for (uint32_t i = 0; i < t->members && !l->stopped; i++) {
		const struct hs_decl_member *m = &d->member[t->member + i];
		char name[HS_LIMIT_STRING];
		if (m->offset >= end - addr || !hs_c_is_there(l->c, t, m, addr))
			continue;
		if (!m->name) { /* its members are ours, in C */
			list(l, m->type, addr + m->offset, end, path, depth);
			continue;
		}
		int len = snprintf(name, sizeof(name), "%s%s%s", path,
				   *path ? "." : "", hs_decls_text(d, m->name));
		if (len < 0 || (size_t)len >= sizeof(name))
			continue;
		say(l, name, m->type, addr + m->offset, depth,
		    m->bits ? m : NULL);
		if (!m->bits)
			list(l, m->type, addr + m->offset, end, name,
			     depth + 1);
	}
}

/* The members of virtual bases, which are ours as well. */
static void list_virtual_bases(struct listing *l, const struct hs_decl_type *t,
			       hs_addr addr, hs_addr end, const char *path,
			       unsigned depth)
{
	const struct hs_decl_member *base;
	hs_addr at;
	for (uint32_t i = 0; i < t->virtuals && !l->stopped; i++) {
		unsigned k = 0;
		if (!hs_c_virtual_base(l->n, l->c, t, i, addr, &base, &at))
			continue;
		while (k < l->bases && l->base[k] != at)
			k++;
		if (k < l->bases || k == MAX_VIRTUAL)
			continue;
		l->base[l->bases++] = at;
		list(l, base->type, at, end, path, depth);
	}
}

/* What is within a value of TYPE at ADDR, before END. */
static void list(struct listing *l, uint32_t type, hs_addr addr, hs_addr end,
		 const char *path, unsigned depth)
{
	const struct hs_decls *d = &l->c->decls;
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, type)];
	if (l->inner == HS_LIMIT_EMBED_DEPTH || addr >= end)
		return;
	l->inner++;
	if (t->kind == HS_DECL_STRUCT || t->kind == HS_DECL_UNION) {
		const struct hs_c_container *k =
			hs_c_container(l->c, hs_decls_strip(d, type));
		bool weak = l->weak;
		l->weak = k && k->kind == HS_C_WEAK;
		list_members(l, t, addr, end, path, depth);
		l->weak = weak;
		list_virtual_bases(l, t, addr, end, path, depth);
	} else if (t->kind == HS_DECL_ARRAY) {
		const struct hs_decl_type *of =
			&d->type[hs_decls_strip(d, t->of)];
		if (!is_scalar(of))
			list_elements(l, t->of, addr, end, t->count, path,
				      depth);
	}
	l->inner--;
}

void hs_c_fields(struct hs_naming *n, struct hs_c *c, const struct hs_block *b,
		 const struct hs_c_claim *claim, hs_field_fn fn, void *arg)
{
	const struct hs_decls *d = &c->decls;
	struct listing l = { .n = n,
			     .c = c,
			     .block = b,
			     .fn = fn,
			     .arg = arg,
			     .left = HS_LIMIT_TYPE_FIELDS };
	hs_addr end = b->user + b->usable;
	uint64_t tail;
	uint32_t element;
	if (hs_c_is_counted(claim->form)) {
		hs_addr first;
		uint64_t count = hs_c_counted(n, c, claim, b, &first);
		list_elements(&l, claim->type, first, end, count, "", 0);
		return;
	}
	if (claim->form == HS_C_ARRAY || claim->form == HS_C_ROW) {
		if (!is_scalar(&d->type[hs_decls_strip(d, claim->type)]))
			list_elements(&l, claim->type, b->user, end, UINT64_MAX,
				      "", 0);
		return;
	}
	hs_addr start = b->user;
	if (claim->form == HS_C_THROWN && b->usable >= HS_CXX_THROWN)
		start += HS_CXX_THROWN;
	list(&l, claim->type, start, end, "", 0);
	if ((claim->form == HS_C_TAIL || claim->form == HS_C_WITHIN ||
	     claim->form == HS_C_RULE) &&
	    hs_decls_tail(d, claim->type, &tail, &element) &&
	    !is_scalar(&d->type[hs_decls_strip(d, element)])) {
		char path[HS_LIMIT_STRING];
		struct hs_text text;
		hs_text_init(&text, path, sizeof(path));
		hs_c_path(c, claim->type, tail, "", &text);
		char *bracket = strrchr(path, '[');
		if (bracket && !text.full) {
			*bracket = 0;
			list_elements(&l, element, b->user + tail, end,
				      UINT64_MAX, path, 1);
		}
	}
}
