/* SPDX-License-Identifier: MIT */
#include "types/swift_identifier.h"

#include <limits.h>

#include "core/limits.h"
#include "symbols/swift_punycode.h"

bool hs_mangled_symbolic(struct hs_machine *m, char how)
{
	hs_addr desc;
	uint64_t slot;
	char name[HS_LIMIT_STRING];
	struct hs_text text;
	if (how > 2 || !hs_swift_relative(m->n, m->pos, &desc))
		return false;
	m->pos += 4;
	if (how == 2) {
		if (!hs_peek(m->n, desc, &slot))
			return false;
		desc = slot;
	}
	hs_text_init(&text, name, sizeof(name));
	unsigned kind = hs_swift_context_kind(m->n, desc);
	struct hs_item item = { .kind = kind == HS_SWIFT_KIND_PROTOCOL
						? HS_ITEM_PROTOCOL
						: HS_ITEM_TYPE,
				.desc = desc };
	return hs_swift_context_name(m->n, desc, NULL, &text) &&
	       hs_machine_put(m, &item, "%s", name) &&
	       hs_machine_push(m, item) && hs_machine_add_subst(m, item);
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Keep the words of TEXT: "parseJSONText" has parse, JSONText. */
static void keep_words(struct hs_machine *m, unsigned at, unsigned len)
{
	unsigned start = UINT_MAX;
	const char *text = m->arena + at;
	for (unsigned i = 0; i <= len && m->words < HS_MACHINE_WORDS; i++) {
		char c = '\0'; /* the end of TEXT */
		if (i < len)
			c = text[i];
		if (start != UINT_MAX &&
		    (c == '_' || !c ||
		     (is_upper(c) && !is_upper(text[i - 1])))) {
			if (i - start >= 2) {
				m->word[m->words].at = at + start;
				m->word[m->words++].len = i - start;
			}
			start = UINT_MAX;
		}
		if (start == UINT_MAX && c && c != '_' && (c < '0' || c > '9'))
			start = i;
	}
}

/* LEN bytes that follow, behind what NAME has. */
static bool literal(struct hs_machine *m, struct hs_item *name, unsigned len)
{
	char text[512], c;
	struct hs_item part = { 0 };
	if (len == 0 || len >= sizeof(text))
		return false;
	for (unsigned i = 0; i < len; i++) {
		if (!hs_machine_next(m, &c) || !c)
			return false;
		text[i] = c;
	}
	text[len] = 0;
	if (!hs_machine_put(m, &part, "%s", text))
		return false;
	keep_words(m, part.at, len);
	return hs_machine_put(m, name, "%.*s%s", HS_SHOW(m, *name), text);
}

/* A name with characters beyond ASCII, in Punycode as Swift writes it. */
static bool not_ascii(struct hs_machine *m)
{
	char code[512], text[1024], c;
	unsigned len;
	struct hs_item name = { .kind = HS_ITEM_WORD };
	m->pos++; /* the second 0 */
	if (!hs_machine_number(m, &len) || len == 0 || len >= sizeof(code))
		return false;
	if (hs_machine_peek(m) == '_')
		m->pos++;
	for (unsigned i = 0; i < len; i++) {
		if (!hs_machine_next(m, &c) || !c)
			return false;
		code[i] = c;
	}
	return hs_swift_punycode(code, len, text, sizeof(text)) &&
	       hs_machine_put(m, &name, "%s", text) &&
	       hs_machine_push(m, name) && hs_machine_add_subst(m, name);
}

bool hs_mangled_identifier(struct hs_machine *m, char first)
{
	struct hs_item name = { .kind = HS_ITEM_WORD };
	unsigned len;
	bool words = first == '0';
	if (!words)
		m->pos--;
	else if (hs_machine_peek(m) == '0')
		return not_ascii(m);
	do {
		char c = hs_machine_peek(m);
		while (words && ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
			unsigned i = (unsigned)(c | 0x20) - 'a';
			m->pos++;
			words = !is_upper(c);
			if (i >= m->words ||
			    !hs_machine_put(m, &name, "%.*s%.*s",
					    HS_SHOW(m, name),
					    (int)m->word[i].len,
					    m->arena + m->word[i].at))
				return false;
			c = hs_machine_peek(m);
		}
		if (c == '0') {
			m->pos++;
			break;
		}
		if (!hs_machine_number(m, &len) || !literal(m, &name, len))
			return false;
	} while (words);
	return name.len && hs_machine_push(m, name) &&
	       hs_machine_add_subst(m, name);
}

static bool pop_context(struct hs_machine *m, struct hs_item *ret)
{
	return hs_machine_pop(m, HS_ITEM_MODULE, ret) ||
	       hs_machine_pop(m, HS_ITEM_TYPE, ret) ||
	       hs_machine_pop(m, HS_ITEM_WORD, ret);
}

/* context, identifier -> "context.identifier" */
static bool pop_qualified(struct hs_machine *m, struct hs_item *ret)
{
	struct hs_item word, context;
	return hs_machine_pop(m, HS_ITEM_WORD, &word) &&
	       pop_context(m, &context) &&
	       hs_machine_put(m, ret, "%.*s.%.*s", HS_SHOW(m, context),
			      HS_SHOW(m, word));
}

bool hs_mangled_nominal(struct hs_machine *m, enum hs_item_kind kind)
{
	struct hs_item item = { .kind = kind };
	return pop_qualified(m, &item) && hs_machine_push(m, item) &&
	       hs_machine_add_subst(m, item);
}

bool hs_mangled_protocol(struct hs_machine *m, struct hs_item *ret)
{
	struct hs_item item = { .kind = HS_ITEM_PROTOCOL };
	if (hs_machine_pop(m, HS_ITEM_PROTOCOL, ret))
		return true;
	if (!pop_qualified(m, &item))
		return false;
	*ret = item;
	return true;
}

bool hs_mangled_extension(struct hs_machine *m)
{
	struct hs_item module, of, item = { .kind = HS_ITEM_TYPE };
	return (hs_machine_pop(m, HS_ITEM_MODULE, &module) ||
		hs_machine_pop(m, HS_ITEM_WORD, &module)) &&
	       hs_machine_pop(m, HS_ITEM_TYPE, &of) &&
	       hs_machine_put(m, &item, "(extension in %.*s):%.*s",
			      HS_SHOW(m, module), HS_SHOW(m, of)) &&
	       hs_machine_push(m, item);
}

bool hs_mangled_anonymous(struct hs_machine *m)
{
	struct hs_item name, context, item = { .kind = HS_ITEM_TYPE };
	return hs_machine_pop_mark(m, HS_ITEM_EMPTY_LIST) &&
	       hs_machine_pop(m, HS_ITEM_WORD, &name) &&
	       pop_context(m, &context) &&
	       hs_machine_put(m, &item, "%.*s.(private)",
			      HS_SHOW(m, context)) &&
	       hs_machine_push(m, item);
}

bool hs_mangled_local_name(struct hs_machine *m)
{
	struct hs_item word, name;
	unsigned i;
	if (hs_machine_peek(m) !=
	    'L') /* the which of that name in its function */
		return hs_machine_index(m, &i) &&
		       hs_machine_pop(m, HS_ITEM_WORD, &name) &&
		       hs_machine_push(m, name);
	m->pos++; /* private: a discriminator comes before the name */
	return hs_machine_pop(m, HS_ITEM_WORD, &word) &&
	       hs_machine_pop(m, HS_ITEM_WORD, &name) &&
	       hs_machine_push(m, name);
}
