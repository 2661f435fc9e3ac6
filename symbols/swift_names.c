/* SPDX-License-Identifier: MIT */
#include "symbols/swift_names.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "symbols/swift_letters.h"
#include "symbols/swift_punycode.h"

#define NAME_BYTES 512u

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Keep the words of TEXT: "parseJSONText" has parse, JSONText. */
static void keep_words(struct hs_swift_stack *s, const struct hs_swift_item *it)
{
	unsigned start = UINT_MAX;
	const char *text = s->arena + it->at;
	for (unsigned i = 0; i <= it->len && s->words < HS_SWIFT_WORDS; i++) {
		char c = '\0';
		if (i < it->len)
			c = text[i];
		if (start != UINT_MAX &&
		    (c == '_' || !c ||
		     (is_upper(c) && !is_upper(text[i - 1])))) {
			if (i - start >= 2) {
				s->word[s->words].at = it->at + start;
				s->word[s->words++].len = i - start;
			}
			start = UINT_MAX;
		}
		if (start == UINT_MAX && c && c != '_' && (c < '0' || c > '9'))
			start = i;
	}
}

/* LEN bytes that follow, behind what NAME has. */
static bool literal(struct hs_swift_stack *s, struct hs_swift_item *name,
		    unsigned len)
{
	struct hs_swift_item part = { 0 };
	if (len == 0 || len > NAME_BYTES || strnlen(s->pos, len) < len ||
	    !hs_swift_put(s, &part, "%.*s", (int)len, s->pos))
		return false;
	s->pos += len;
	keep_words(s, &part);
	return hs_swift_put(s, name, "%.*s%.*s", HS_SWIFT_SHOW(s, *name),
			    HS_SWIFT_SHOW(s, part));
}

/* A name with characters beyond ASCII. */
static bool not_ascii(struct hs_swift_stack *s)
{
	char text[2 * NAME_BYTES];
	unsigned len;
	struct hs_swift_item name = { .kind = HS_SWIFT_WORD };
	if (!hs_swift_number(s, &len) || len == 0 || len > NAME_BYTES)
		return false;
	(void)hs_swift_next_if(s, '_');
	if (strnlen(s->pos, len) < len ||
	    !hs_swift_punycode(s->pos, len, text, sizeof(text)))
		return false;
	s->pos += len;
	return hs_swift_put(s, &name, "%s", text) && hs_swift_push(s, name) &&
	       hs_swift_keep(s, name);
}

bool hs_swift_identifier(struct hs_swift_stack *s)
{
	struct hs_swift_item name = { .kind = HS_SWIFT_WORD };
	unsigned len;
	bool words = hs_swift_next_if(s, '0');
	if (words && hs_swift_next_if(s, '0'))
		return not_ascii(s);
	do {
		char c = *s->pos;
		while (words && (c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
			unsigned i = (unsigned)(c | 0x20) - 'a';
			s->pos++;
			words = !is_upper(c);
			if (i >= s->words ||
			    !hs_swift_put(s, &name, "%.*s%.*s",
					  HS_SWIFT_SHOW(s, name),
					  (int)s->word[i].len,
					  s->arena + s->word[i].at))
				return false;
			c = *s->pos;
		}
		if (hs_swift_next_if(s, '0'))
			break;
		if (!hs_swift_number(s, &len) || !literal(s, &name, len))
			return false;
	} while (words);
	return name.len && hs_swift_push(s, name) && hs_swift_keep(s, name);
}

static bool repeat(struct hs_swift_stack *s, unsigned times)
{
	while (times-- > 1)
		if (!s->depth || !hs_swift_push(s, s->item[s->depth - 1]))
			return false;
	return true;
}

bool hs_swift_substitution(struct hs_swift_stack *s)
{
	char c;
	do {
		unsigned times;
		bool digits = *s->pos >= '0' && *s->pos <= '9';
		if (!hs_swift_number(s, &times))
			return false;
		c = *s->pos;
		unsigned i = (unsigned)(c | 0x20) - 'a';
		if (c == '_')
			i = 26 + (digits ? times + 1 : 0);
		else if (i >= 26)
			return false;
		s->pos++;
		if (i >= s->substs || !hs_swift_push(s, s->subst[i]))
			return false;
		if (c == '_')
			return true;
		if (!repeat(s, times))
			return false;
	} while (c >= 'a');
	return true;
}

/* "A?", "(A & B)?" */
static bool optional(struct hs_swift_stack *s)
{
	struct hs_swift_item of, item = { .kind = HS_SWIFT_TYPE };
	return hs_swift_pop(s, HS_SWIFT_TYPE, &of) &&
	       hs_swift_put(s, &item, of.loose ? "(%.*s)?" : "%.*s?",
			    HS_SWIFT_SHOW(s, of)) &&
	       hs_swift_push(s, item) && hs_swift_keep(s, item);
}

bool hs_swift_standard(struct hs_swift_stack *s)
{
	unsigned times;
	struct hs_swift_item item = { .kind = HS_SWIFT_TYPE, .nominal = true };
	if (!hs_swift_number(s, &times))
		return false;
	switch (*s->pos) {
	case 'g':
		s->pos++;
		return optional(s);
	case 'o':
		s->pos++;
		return hs_swift_push_text(s, HS_SWIFT_MODULE, "__C");
	case 'C':
		s->pos++;
		return hs_swift_push_text(s, HS_SWIFT_MODULE,
					  "__C_Synthesized");
	default:
		break;
	}
	bool concurrency = hs_swift_next_if(s, 'c');
	const char *name =
		*s->pos ? hs_swift_letter(*s->pos, concurrency, &item.protocol)
			: NULL;
	if (!name)
		return false;
	s->pos++;
	return hs_swift_put(s, &item, "Swift.%s", name) &&
	       hs_swift_push(s, item) && repeat(s, times);
}

bool hs_swift_local_name(struct hs_swift_stack *s)
{
	struct hs_swift_item word, of,
		name = { .kind = HS_SWIFT_NAME, .hidden = true };
	unsigned i;
	char c = *s->pos;
	if (hs_swift_next_if(s, 'L')) /* the name, and a mark */
		return hs_swift_pop(s, HS_SWIFT_WORD, &word) &&
		       hs_swift_pop_name(s, &of) &&
		       hs_swift_put(s, &name, "%.*s", HS_SWIFT_SHOW(s, of)) &&
		       hs_swift_push(s, name);
	if (hs_swift_next_if(s, 'l')) /* of what has none: an initialiser */
		return hs_swift_pop(s, HS_SWIFT_WORD, &word) &&
		       hs_swift_push(s, name);
	name.hidden = false;
	if ((c >= 'a' && c <= 'j') || (c >= 'A' && c <= 'J')) {
		s->pos++;
		return hs_swift_pop_name(s, &of) &&
		       hs_swift_put(s, &name, "related decl '%c' for %.*s", c,
				    HS_SWIFT_SHOW(s, of)) &&
		       hs_swift_push(s, name);
	}
	name.local = true;
	return hs_swift_index(s, &i) && hs_swift_pop_name(s, &of) &&
	       hs_swift_put(s, &name, "%.*s #%u", HS_SWIFT_SHOW(s, of),
			    i + 1) &&
	       hs_swift_push(s, name);
}

bool hs_swift_operator(struct hs_swift_stack *s)
{
	static const char sign[] = "& @/= >    <*!|+?%-~   ^ .";
	struct hs_swift_item word, name = { .kind = HS_SWIFT_NAME };
	char text[NAME_BYTES + 1];
	if (!hs_swift_pop(s, HS_SWIFT_WORD, &word) || word.len > NAME_BYTES)
		return false;
	for (unsigned i = 0; i < word.len; i++) {
		char c = s->arena[word.at + i];
		if ((unsigned char)c >= 0x80) { /* beyond ASCII: itself */
			text[i] = c;
			continue;
		}
		if (c < 'a' || c > 'z' || sign[c - 'a'] == ' ')
			return false;
		text[i] = sign[c - 'a'];
	}
	/* Between, before, behind what it is for. */
	if (!hs_swift_next_if(s, 'i') && !hs_swift_next_if(s, 'p') &&
	    !hs_swift_next_if(s, 'P'))
		return false;
	return hs_swift_put(s, &name, "%.*s", (int)word.len, text) &&
	       hs_swift_push(s, name);
}

bool hs_swift_nominal(struct hs_swift_stack *s, char letter)
{
	struct hs_swift_item name, context,
		item = { .kind = HS_SWIFT_TYPE,
			 .nominal = true,
			 .protocol = letter == 'P',
			 .is_class = letter == 'C' };
	return hs_swift_pop_name(s, &name) &&
	       hs_swift_pop_context(s, &context) &&
	       hs_swift_join(s, &context, &name, &item) &&
	       hs_swift_push(s, item) && hs_swift_keep(s, item);
}
