/* SPDX-License-Identifier: MIT */
#include "symbols/swift_symbol.h"

#include <stdio.h>
#include <string.h>

/*
 * A mangled entity is the way to it, its type, and letters that say what it is:
 *
 *	$s 3app 4BankC 3put yySiYa F		app.Bank.put, a function
 *	$s 3app 4bank AA4BankCSg vp		app.bank, a variable
 *
 * The way is module, nominal types (C, V, O, P behind the name), the name. The
 * type between is not looked at: what comes behind the first identifier that
 * is no nominal type's never changes the name.
 */
#define NAME_BYTES 512u

struct path {
	const char *at;
	char name[NAME_BYTES];
	size_t len;
};

static bool add(struct path *p, const char *text, size_t len)
{
	if (p->len + len + 2 > sizeof(p->name))
		return false;
	if (p->len)
		p->name[p->len++] = '.';
	memcpy(p->name + p->len, text, len);
	p->len += len;
	p->name[p->len] = 0;
	return true;
}

/* "4Bank"; not "0A4Bank", which is made of earlier words, nor Punycode. */
static bool identifier(const char **at, const char **text, size_t *len)
{
	const char *c = *at;
	size_t n = 0;
	if (*c < '1' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++)
		if ((n = n * 10 + (size_t)(*c - '0')) > NAME_BYTES)
			return false;
	if (strnlen(c, n) < n)
		return false;
	*text = c;
	*len = n;
	*at = c + n;
	return true;
}

/* The mark of a private name: "33_" and 32 digits, then "LL". */
static void skip_private(const char **at)
{
	const char *c = *at, *text;
	size_t len;
	if (identifier(&c, &text, &len) && len == 33 && text[0] == '_' &&
	    c[0] == 'L' && c[1] == 'L')
		*at = c + 2;
}

/* Behind the name of a module that extends somebody's type: "E" and more names,
 * maybe with conditions ("...lE") before. */
static bool is_extension(const char *at)
{
	if (*at == 'E')
		return true;
	for (; (at = strstr(at, "lE")); at += 2)
		if (at[2] >= '0' && at[2] <= '9')
			return true;
	return false;
}

/* The whole way; *OWN: it ends in a name, and not in a type. */
static bool walk(struct path *p, bool *own)
{
	const char *text;
	size_t len;
	*own = false;
	if (p->at[0] == 's' && p->at[1] >= '1' && p->at[1] <= '9') {
		p->at++;
		if (!add(p, "Swift", 5))
			return false;
	} else if (!identifier(&p->at, &text, &len) || !add(p, text, len)) {
		return false;
	}
	while (!*own && identifier(&p->at, &text, &len)) {
		skip_private(&p->at);
		if (!add(p, text, len))
			return false;
		*own = !*p->at || !strchr("CVOP", *p->at);
		p->at += !*own;
	}
	/* An operator, a type in a function, one of a protocol's values. */
	return *p->at != 'o' && *p->at != 'L' && strncmp(p->at, "_p", 2) != 0 &&
	       !(*own && is_extension(p->at));
}

/* "FTY0_", "FTQ1_": a piece of an async function. */
static size_t without_piece(const char *from, size_t len)
{
	size_t n = len;
	if (n < 5 || from[n - 1] != '_')
		return len;
	for (n--; n && from[n - 1] >= '0' && from[n - 1] <= '9';)
		n--;
	return n > 2 && (from[n - 1] == 'Y' || from[n - 1] == 'Q') &&
			       from[n - 2] == 'T'
		       ? n - 2
		       : len;
}

struct ending {
	const char *letters, *adds;
	bool own; /* behind a name */
};

/* clang-format off */
static const struct ending endings[] = {
	{ "vpZ", "", true }, { "vp", "", true },
	{ "vgZ", ".getter", true }, { "vg", ".getter", true },
	{ "vsZ", ".setter", true }, { "vs", ".setter", true },
	{ "FZ", "", true }, { "F", "", true },
	{ "fD", ".__deallocating_deinit", false },
	{ "fd", ".deinit", false },
};
/* clang-format on */

bool hs_swift_symbol(const char *mangled, char *buf, size_t size)
{
	struct path p = { .len = 0 };
	bool own;
	if (strncmp(mangled, "$s", 2) != 0)
		return false;
	p.at = mangled + 2;
	if (!walk(&p, &own))
		return false;
	size_t left = without_piece(p.at, strlen(p.at));
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const struct ending *e = &endings[i];
		size_t n = strlen(e->letters);
		if (e->own != own || left < n ||
		    memcmp(p.at + left - n, e->letters, n) != 0 ||
		    (!own && left != n))
			continue;
		(void)snprintf(buf, size, "%s%s", p.name, e->adds);
		return true;
	}
	return false;
}
