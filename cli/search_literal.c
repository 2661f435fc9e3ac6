/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "cli/search_regex.h"

/*
 * Most of memory does not hold a word that any match must hold, and finding
 * out is many times as fast as matching. Only what stands at the top of the
 * pattern counts: neither groups nor classes are looked into. Where anything is
 * not plain, the answer is that nothing is known.
 */
struct reader {
	const char *at;
	uint8_t *best; /* the caller's */
	size_t best_len;
	uint8_t run[256];
	size_t run_len;
};

static void end_run(struct reader *r)
{
	if (r->run_len > r->best_len) {
		memcpy(r->best, r->run, r->run_len);
		r->best_len = r->run_len;
	}
	r->run_len = 0;
}

static void add(struct reader *r, char c)
{
	if (r->run_len == sizeof(r->run))
		end_run(r);
	r->run[r->run_len++] = (uint8_t)c;
}

/* Behind the class that begins at the reader; false: not understood. */
static bool skip_class(struct reader *r)
{
	const char *p = r->at + 1;
	if (*p == '^')
		p++;
	if (*p == ']')
		p++;
	for (; *p && *p != ']'; p++) {
		if (*p == '[') /* [:alpha:] and the like */
			return false;
		if (*p == '\\' && (!*++p || *p == 'Q' || *p == 'E'))
			return false;
	}
	r->at = p + 1;
	return *p == ']';
}

/* Behind the group that begins at the reader. */
static bool skip_group(struct reader *r)
{
	size_t depth = 0;
	while (*r->at) {
		char c = *r->at;
		if (c == '\\') {
			if (!r->at[1] || r->at[1] == 'Q' || r->at[1] == 'E')
				return false;
			r->at += 2;
			continue;
		}
		if (c == '[') {
			if (!skip_class(r))
				return false;
			continue;
		}
		/* Of what begins with (? or (* only these change nothing that
		 * stands behind the group. */
		if (c == '(' && r->at[1] == '*')
			return false;
		if (c == '(' && r->at[1] == '?' &&
		    (!r->at[2] || !strchr(":=!<>|", r->at[2])))
			return false;
		r->at++;
		depth += c == '(';
		if (c == ')' && --depth == 0)
			return true;
	}
	return false;
}

static bool read_escape(struct reader *r)
{
	char c = r->at[1];
	if (!c || (unsigned char)c >= 0x80)
		return false;
	if (isalnum((unsigned char)c)) {
		/* Those that take nothing of what follows. */
		if (!strchr("dDwWsSbBhHvVRAzZGKnrtfea", c))
			return false;
		end_run(r);
	} else {
		add(r, c);
	}
	r->at += 2;
	return true;
}

/* What may stand behind an atom: the last character of a run need not be there
 * once, or not next to what follows. */
static bool read_quantifiers(struct reader *r)
{
	for (; *r->at && strchr("*?+{", *r->at); r->at++) {
		if (*r->at != '+' && r->run_len)
			r->run_len--;
		end_run(r);
		if (*r->at == '{' && !(r->at = strchr(r->at, '}')))
			return false;
	}
	return true;
}

static bool read_all(struct reader *r)
{
	while (*r->at) {
		bool ok = true;
		switch (*r->at) {
		case '|':
		case ')':
			return false;
		case '(':
			end_run(r);
			ok = skip_group(r);
			break;
		case '[':
			end_run(r);
			ok = skip_class(r);
			break;
		case '\\':
			ok = read_escape(r);
			break;
		case '.':
		case '^':
		case '$':
			end_run(r);
			r->at++;
			break;
		default:
			add(r, *r->at++);
		}
		if (!ok || !read_quantifiers(r))
			return false;
	}
	end_run(r);
	return true;
}

void search_regex_literal(const char *pattern, uint8_t *buf, size_t *len,
			  bool *fold)
{
	struct reader r = { .at = pattern, .best = buf };
	*fold = strncmp(pattern, "(?i)", 4) == 0;
	if (*fold)
		r.at += 4;
	*len = read_all(&r) ? r.best_len : 0;
	for (size_t i = 0; *fold && i < *len; i++)
		if (buf[i] >= 'A' && buf[i] <= 'Z')
			buf[i] |= 0x20;
}
