/* SPDX-License-Identifier: MIT */
#include "types/c_rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"

#define SPACE " \t\r"
#define WORD_CHARS                                                             \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* A line being read. */
struct line {
	const struct hs_decls *d;
	const char *pos, *end;
	bool unknown; /* it speaks of something that is not there */
	/* Units may have structs of their own with one name: which of them is
	 * meant this time, of the subject and of what is there, and are there
	 * more? */
	unsigned turn[2];
	bool more[2];
};

enum { SUBJECT, RESULT };

static void skip_space(struct line *l)
{
	while (l->pos < l->end && strchr(SPACE, *l->pos))
		l->pos++;
}

static bool accept(struct line *l, const char *mark)
{
	size_t len = strlen(mark);
	skip_space(l);
	if ((size_t)(l->end - l->pos) < len || memcmp(l->pos, mark, len) != 0)
		return false;
	l->pos += len;
	return true;
}

/* A word that is no part of a longer one. */
static bool accept_word(struct line *l, const char *word)
{
	const char *start = l->pos;
	if (accept(l, word) &&
	    (l->pos == l->end || !strchr(WORD_CHARS, *l->pos)))
		return true;
	l->pos = start;
	return false;
}

static bool name(struct line *l, char *buf, size_t size)
{
	size_t len = 0;
	skip_space(l);
	while (l->pos < l->end && strchr(WORD_CHARS, *l->pos)) {
		if (len + 1 >= size)
			return false;
		buf[len++] = *l->pos++;
	}
	buf[len] = 0;
	return len > 0;
}

/* Decimal or 0x. */
static bool number(struct line *l, uint64_t *ret)
{
	char digits[24], *rest;
	if (!name(l, digits, sizeof(digits)))
		return false;
	*ret = strtoull(digits, &rest, 0);
	return digits[0] >= '0' && digits[0] <= '9' && !*rest;
}

static bool signed_number(struct line *l, int64_t *ret)
{
	uint64_t v;
	bool minus = accept(l, "-");
	if (!minus)
		(void)accept(l, "+");
	if (!number(l, &v) || v > HS_LIMIT_RULE_OFFSET)
		return false;
	*ret = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

/* An alias called NAME, or a struct that has its name from a typedef. */
static bool find_typedef(const struct hs_decls *d, const char *wanted,
			 uint32_t *ret)
{
	for (uint32_t i = 0; i < d->type_count; i++) {
		const struct hs_decl_type *t = &d->type[i];
		if (t->kind == HS_DECL_ALIAS && !t->tagged && t->name &&
		    strcmp(hs_decls_text(d, t->name), wanted) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool find_number(const struct hs_decls *d, const char *wanted,
			uint32_t *ret)
{
	for (uint32_t i = 0; i < d->type_count; i++) {
		const struct hs_decl_type *t = &d->type[i];
		if (t->kind == HS_DECL_NUMBER &&
		    strcmp(hs_decls_text(d, t->name), wanted) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* The complete struct or union called NAME, or one of several. */
static bool find_tag(struct line *l, int which, const char *wanted,
		     uint32_t *ret)
{
	unsigned nth = 0;
	bool found = false;
	if (l->turn[which] == 0 && hs_decls_find(l->d, wanted, ret))
		return true;
	for (uint32_t i = 0; i < l->d->type_count; i++) {
		const struct hs_decl_type *t = &l->d->type[i];
		if ((t->kind != HS_DECL_STRUCT && t->kind != HS_DECL_UNION) ||
		    !t->complete ||
		    strcmp(hs_decls_text(l->d, t->name), wanted) != 0)
			continue;
		if (nth == l->turn[which]) {
			*ret = i;
			found = true;
		}
		l->more[which] = nth++ > l->turn[which];
	}
	return found;
}

/* "struct conn", "union value", "sds". */
static bool type_name(struct line *l, int which, uint32_t *ret)
{
	char word[HS_LIMIT_STRING];
	bool tagged = accept_word(l, "struct") || accept_word(l, "union");
	if (!name(l, word, sizeof(word)))
		return false;
	*ret = HS_DECL_TYPE_OTHER;
	if (tagged ? !find_tag(l, which, word, ret)
		   : !find_typedef(l->d, word, ret) &&
			     !find_number(l->d, word, ret))
		l->unknown = true;
	return true;
}

/* ".value_.gc" of TYPE: what it is, its offset in TYPE. */
static bool member_path(struct line *l, uint32_t type,
			struct hs_decl_member *ret)
{
	char word[HS_LIMIT_STRING];
	struct hs_decl_member m = { .type = type };
	do {
		uint64_t offset = m.offset;
		if (!name(l, word, sizeof(word)))
			return false;
		if (l->unknown)
			continue;
		if (!hs_decls_member(l->d, m.type, word, strlen(word), &m) ||
		    __builtin_add_overflow(m.offset, offset, &m.offset) ||
		    m.offset > HS_LIMIT_RULE_OFFSET)
			l->unknown = true;
	} while (accept(l, "."));
	*ret = m;
	return true;
}

/* "tt & 0x0f", or "u8[-1] & 7", of what has TYPE. */
static bool left_side(struct line *l, uint32_t type, struct hs_c_test *test)
{
	static const struct {
		const char *word;
		uint8_t size;
	} plain[] = {
		{ "u8[", 1 }, { "u16[", 2 }, { "u32[", 4 }, { "u64[", 8 }
	};
	struct hs_decl_member m;
	test->mask = UINT64_MAX;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		if (!accept(l, plain[i].word))
			continue;
		test->size = plain[i].size;
		if (!signed_number(l, &test->offset) || !accept(l, "]"))
			return false;
		return !accept(l, "&") || number(l, &test->mask);
	}
	if (!member_path(l, type, &m))
		return false;
	if (!l->unknown) {
		uint64_t size = l->d->type[hs_decls_strip(l->d, m.type)].size;
		if (m.bits)
			size = (m.bit + m.bits + 7u) / 8;
		if (size == 0 || size > 8)
			l->unknown = true;
		test->size = (uint8_t)size;
		test->offset = (int64_t)m.offset;
		test->bit = m.bit;
		test->bits = m.bits;
	}
	return !accept(l, "&") || number(l, &test->mask);
}

static bool tests(struct line *l, uint32_t type, struct hs_c_tests *ret)
{
	do {
		if (ret->count == HS_C_TESTS)
			return false;
		struct hs_c_test *test = &ret->test[ret->count++];
		if (!left_side(l, type, test))
			return false;
		if (accept(l, "=="))
			test->op = HS_C_IS;
		else if (accept(l, "!="))
			test->op = HS_C_IS_NOT;
		else if (accept(l, "<="))
			test->op = HS_C_AT_MOST;
		else
			return false;
		if (!number(l, &test->value))
			return false;
	} while (accept(l, ","));
	return true;
}

/* SUBJECT [: TESTS] -> TYPE [at OFFSET] [if TESTS], or UNION -> .MEMBER, or
 * STRUCT.MEMBER [: TESTS] -> STRUCT anywhere */
static bool rule(struct line *l, struct hs_c_rule *ret)
{
	struct hs_decl_member m;
	if (!type_name(l, SUBJECT, &ret->subject))
		return false;
	ret->of = !l->unknown && l->d->type[ret->subject].kind == HS_DECL_ALIAS
			  ? HS_C_TYPEDEF
			  : HS_C_POINTEE;
	uint32_t of = hs_decls_strip(l->d, ret->subject);
	/* `robj` may be said for `struct redisObject`. */
	if (l->d->type[of].kind != HS_DECL_POINTER && ret->of == HS_C_TYPEDEF) {
		ret->subject = of;
		ret->of = HS_C_POINTEE;
	}
	if (accept(l, ".")) {
		if (!member_path(l, of, &m))
			return false;
		ret->of = HS_C_MEMBER;
		ret->member = m.offset;
	}
	if (accept(l, ":") && !tests(l, of, &ret->when))
		return false;
	if (!accept(l, "->"))
		return false;
	if (accept(l, ".")) {
		if (!member_path(l, of, &m))
			return false;
		ret->of = HS_C_VIEW;
		ret->type = m.type;
		ret->member = m.offset;
		return true;
	}
	if (!type_name(l, RESULT, &ret->type))
		return false;
	of = hs_decls_strip(l->d, ret->type);
	if (ret->of == HS_C_MEMBER && accept_word(l, "anywhere")) {
		ret->type = of;
		ret->anywhere = true;
		return true;
	}
	if (accept_word(l, "at") && !signed_number(l, &ret->at))
		return false;
	return !accept_word(l, "if") || tests(l, of, &ret->provided);
}

static int by_subject(const void *x, const void *y)
{
	const struct hs_c_rule *a = x, *b = y;
	return a->subject < b->subject ? -1 : a->subject > b->subject;
}

static enum hs_status add(struct hs_c_rules *rules,
			  const struct hs_c_rule *rule, struct hs_error *err)
{
	enum hs_status st = hs_grow(&rules->rule, &rules->capacity,
				    rules->count, sizeof(*rules->rule), err);
	if (st)
		return st;
	/* In order: there are few. */
	size_t at = rules->count++;
	while (at > 0 && by_subject(&rules->rule[at - 1], rule) > 0) {
		rules->rule[at] = rules->rule[at - 1];
		at--;
	}
	rules->rule[at] = *rule;
	rules->kinds[rule->subject] |= (uint8_t)(1u << rule->of);
	return HS_OK;
}

/* The rule at POS, for all types that have the names in it. */
static enum hs_status read_line(struct hs_c_rules *rules,
				const struct hs_decls *d, const char *pos,
				unsigned count, struct hs_error *err)
{
	unsigned turn[2] = { 0, 0 };
	for (unsigned i = 0; i < HS_LIMIT_RULE_TYPES; i++) {
		struct line l = { .d = d,
				  .pos = pos,
				  .end = pos + strcspn(pos, "#\n"),
				  .turn = { turn[0], turn[1] } };
		struct hs_c_rule r = { 0 };
		skip_space(&l);
		if (l.pos == l.end)
			return HS_OK;
		bool sound = rule(&l, &r);
		skip_space(&l);
		if (!sound || l.pos != l.end)
			return hs_fail(err, HS_ERR_INVALID,
				       "line %u of the rules is not "
				       "understood from column %td on",
				       count, l.pos - pos + 1);
		enum hs_status st = l.unknown ? HS_OK : add(rules, &r, err);
		if (st)
			return st;
		if (l.more[RESULT]) {
			turn[RESULT]++;
		} else if (l.more[SUBJECT]) {
			turn[RESULT] = 0;
			turn[SUBJECT]++;
		} else {
			break;
		}
	}
	return HS_OK;
}

enum hs_status hs_c_rules_read(struct hs_c_rules *rules,
			       const struct hs_decls *d, const char *text,
			       struct hs_error *err)
{
	*rules = (struct hs_c_rules){ 0 };
	rules->kinds = calloc(d->type_count + 1, sizeof(*rules->kinds));
	if (!rules->kinds)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for rules");
	unsigned count = 1;
	for (const char *pos = text; *pos; count++) {
		size_t len = strcspn(pos, "\n");
		if (count > HS_LIMIT_RULES)
			return hs_fail(err, HS_ERR_LIMIT,
				       "more than %u lines of rules",
				       HS_LIMIT_RULES);
		enum hs_status st = read_line(rules, d, pos, count, err);
		if (st)
			return st;
		pos += len + (pos[len] == '\n');
	}
	return HS_OK;
}

void hs_c_rules_release(struct hs_c_rules *rules)
{
	free(rules->rule);
	free(rules->kinds);
	*rules = (struct hs_c_rules){ 0 };
}

size_t hs_c_rules_find(const struct hs_c_rules *rules, uint32_t subject,
		       size_t *count)
{
	size_t first = 0, end = rules->count, n = 0;
	while (first < end) {
		size_t mid = first + (end - first) / 2;
		if (rules->rule[mid].subject < subject)
			first = mid + 1;
		else
			end = mid;
	}
	while (first + n < rules->count &&
	       rules->rule[first + n].subject == subject)
		n++;
	*count = n;
	return first;
}

bool hs_c_tests_hold(const struct hs_c_tests *tests, struct hs_window *window,
		     hs_addr addr)
{
	for (unsigned i = 0; i < tests->count; i++) {
		const struct hs_c_test *t = &tests->test[i];
		uint64_t v;
		if (!hs_window_uint(window, addr + (uint64_t)t->offset, t->size,
				    &v))
			return false;
		if (t->bits)
			v = v >> t->bit & (UINT64_MAX >> (64 - t->bits));
		v &= t->mask;
		if (t->op == HS_C_IS       ? v != t->value
		    : t->op == HS_C_IS_NOT ? v == t->value
					   : v > t->value)
			return false;
	}
	return true;
}
