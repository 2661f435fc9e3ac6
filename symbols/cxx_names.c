/* SPDX-License-Identifier: MIT */
#include "symbols/cxx_names.h"

#include <ctype.h>
#include <string.h>

#include "core/limits.h"

/* Templates in templates; what is deeper is copied as it is. */
#define MAX_DEPTH 64u
/* Arguments of one template that are looked at, to leave some out. */
#define MAX_ARGUMENTS 16u

/* An argument of all that std::shared_ptr is made of: clang has a name. */
#define LOCK_POLICY "(__gnu_cxx::_Lock_policy)2"

struct writer {
	char *buf;
	size_t size, len;
	bool full;
};

static void put(struct writer *w, const char *text, size_t len)
{
	if (w->full || len >= w->size - w->len) {
		w->full = true;
		return;
	}
	memmove(w->buf + w->len, text, len);
	w->len += len;
	w->buf[w->len] = 0;
}

static void put_at(struct writer *w, size_t at, const char *text)
{
	size_t len = strlen(text);
	if (w->full || len >= w->size - w->len) {
		w->full = true;
		return;
	}
	memmove(w->buf + at + len, w->buf + at, w->len - at + 1);
	memcpy(w->buf + at, text, len);
	w->len += len;
}

static void drop(struct writer *w, size_t at, size_t len)
{
	memmove(w->buf + at, w->buf + at + len, w->len - at - len + 1);
	w->len -= len;
}

static bool in_identifier(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static bool begins(const char *text, size_t len, const char *with)
{
	size_t n = strlen(with);
	return n <= len && memcmp(text, with, n) == 0;
}

static bool ends(const struct writer *w, const char *with)
{
	size_t n = strlen(with);
	return n <= w->len && memcmp(w->buf + w->len - n, with, n) == 0;
}

/* How many arguments of a template of the library must be said. 0: it is none
 * that is known. */
static unsigned needed(const char *name, size_t len)
{
	static const struct {
		const char *name;
		unsigned needed;
	} templates[] = {
		{ "vector", 1 },
		{ "deque", 1 },
		{ "list", 1 },
		{ "forward_list", 1 },
		{ "set", 1 },
		{ "multiset", 1 },
		{ "unordered_set", 1 },
		{ "unordered_multiset", 1 },
		{ "map", 2 },
		{ "multimap", 2 },
		{ "unordered_map", 2 },
		{ "unordered_multimap", 2 },
		{ "unique_ptr", 1 },
		{ "basic_string", 1 },
		{ "basic_string_view", 1 },
		{ "basic_ostream", 1 },
		{ "basic_istream", 1 },
		{ "basic_iostream", 1 },
		{ "basic_streambuf", 1 },
		{ "basic_stringbuf", 1 },
		{ "basic_stringstream", 1 },
		{ "basic_ostringstream", 1 },
		{ "basic_istringstream", 1 },
		{ "basic_filebuf", 1 },
		{ "basic_fstream", 1 },
		{ "basic_ofstream", 1 },
		{ "basic_ifstream", 1 },
		{ "basic_ios", 1 },
	};
	if (!begins(name, len, "std::"))
		return 0;
	size_t skip = begins(name, len, "std::__1::") ? 10 : 5;
	for (size_t i = 0; i < sizeof(templates) / sizeof(*templates); i++)
		if (strlen(templates[i].name) == len - skip &&
		    begins(name + skip, len - skip, templates[i].name))
			return templates[i].needed;
	return 0;
}

static bool is_default(const char *argument, size_t len)
{
	static const char *const usual[] = {
		"allocator<", "less<",           "hash<",
		"equal_to<",  "default_delete<", "char_traits<"
	};
	if (!begins(argument, len, "std::"))
		return false;
	size_t skip = begins(argument, len, "std::__1::") ? 10 : 5;
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (begins(argument + skip, len - skip, usual[i]))
			return true;
	return false;
}

/* "int const*" -> "const int*", from AT to the end. */
static void move_const(struct writer *w, size_t at)
{
	unsigned depth = 0;
	for (size_t i = at; i < w->len && !w->full; i++) {
		char c = w->buf[i];
		depth += c == '<' || c == '(';
		if (c == '>' || c == ')')
			depth -= depth > 0;
		if (depth)
			continue;
		if (c == '*' || c == '&')
			return;
		if (c != ' ' || !begins(w->buf + i, w->len - i, " const"))
			continue;
		char after = w->buf[i + 6];
		/* Of a function it is the object that is const. */
		if ((after != 0 && after != '*' && after != '&') ||
		    (i > at && w->buf[i - 1] == ')'))
			continue;
		drop(w, i, 6);
		put_at(w, at, "const ");
		return;
	}
}

/* basic_string<char> has a name of its own. */
static void name_string(struct writer *w, size_t start)
{
	static const struct {
		const char *is, *called;
	} strings[] = {
		{ "basic_string<char>", "string" },
		{ "basic_string<wchar_t>", "wstring" },
		{ "basic_string<char16_t>", "u16string" },
		{ "basic_string<char32_t>", "u32string" },
		{ "basic_string_view<char>", "string_view" },
		{ "basic_ostream<char>", "ostream" },
		{ "basic_istream<char>", "istream" },
		{ "basic_iostream<char>", "iostream" },
		{ "basic_streambuf<char>", "streambuf" },
		{ "basic_stringbuf<char>", "stringbuf" },
		{ "basic_stringstream<char>", "stringstream" },
		{ "basic_ostringstream<char>", "ostringstream" },
		{ "basic_istringstream<char>", "istringstream" },
		{ "basic_filebuf<char>", "filebuf" },
		{ "basic_fstream<char>", "fstream" },
		{ "basic_ofstream<char>", "ofstream" },
		{ "basic_ifstream<char>", "ifstream" },
		{ "basic_ios<char>", "ios" },
	};
	const char *name = w->buf + start;
	size_t len = w->len - start;
	if (w->full || !begins(name, len, "std::"))
		return;
	size_t skip = begins(name, len, "std::__1::") ? 10 : 5;
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		if (strcmp(name + skip, strings[i].is) != 0)
			continue;
		w->len = start + skip;
		put(w, strings[i].called, strlen(strings[i].called));
		return;
	}
}

/* Where the qualified name begins that ends at the end of what is written. */
static size_t name_start(const struct writer *w, size_t least)
{
	size_t at = w->len;
	while (at > least &&
	       (in_identifier(w->buf[at - 1]) || w->buf[at - 1] == ':'))
		at--;
	return at;
}

static size_t write_type(struct writer *w, const char *text, unsigned depth);

/* The arguments from TEXT on, behind their bracket; bytes used, with the one
 * that closes. */
static size_t write_arguments(struct writer *w, const char *text,
			      unsigned depth)
{
	size_t start = name_start(w, 0), used = 0;
	unsigned least = needed(w->buf + start, w->len - start);
	size_t at[MAX_ARGUMENTS + 1];
	unsigned count = 0;
	put(w, "<", 1);
	for (;;) {
		while (text[used] == ' ')
			used++;
		if (count < MAX_ARGUMENTS)
			at[count] = w->len;
		count++;
		size_t first = w->len;
		used += write_type(w, text + used, depth + 1);
		while (!w->full && w->len > first && w->buf[w->len - 1] == ' ')
			w->buf[--w->len] = 0;
		move_const(w, first);
		if (w->full || text[used] != ',')
			break;
		used++;
		put(w, ", ", 2);
	}
	if (w->full)
		return used;
	/* Without the comma before it. */
	while (least && count > least && count <= MAX_ARGUMENTS &&
	       is_default(w->buf + at[count - 1], w->len - at[count - 1])) {
		w->len = at[--count] - 2;
		w->buf[w->len] = 0;
	}
	if (text[used] == '>') {
		used++;
		put(w, ">", 1);
	}
	name_string(w, start);
	return used;
}

/* Something in brackets that are not a template's is copied. */
static size_t bracketed(const char *text, char opens, char closes)
{
	size_t i = 0;
	unsigned depth = 0;
	do {
		depth += text[i] == opens;
		depth -= text[i] == closes;
	} while (text[i] && (i++, depth > 0));
	return i;
}

/* What GCC calls numbers, the demangler calls otherwise. Longer names first. */
static size_t write_number_type(struct writer *w, const char *text)
{
	static const struct {
		const char *gcc, *called;
	} types[] = {
		{ "long long unsigned int", "unsigned long long" },
		{ "long long int", "long long" },
		{ "long unsigned int", "unsigned long" },
		{ "long int", "long" },
		{ "short unsigned int", "unsigned short" },
		{ "short int", "short" },
	};
	if (*text != 'l' && *text != 's')
		return 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		size_t len = strlen(types[i].gcc);
		if (strncmp(text, types[i].gcc, len) != 0 ||
		    in_identifier(text[len]))
			continue;
		put(w, types[i].called, strlen(types[i].called));
		return len;
	}
	return 0;
}

/* The digits of a number, without what says its type ("4ul"). */
static size_t write_number(struct writer *w, const char *text)
{
	size_t len = 0, suffix;
	while (isdigit((unsigned char)text[len]))
		len++;
	put(w, text, len);
	suffix = len;
	while (text[suffix] == 'u' || text[suffix] == 'U' ||
	       text[suffix] == 'l' || text[suffix] == 'L')
		suffix++;
	return in_identifier(text[suffix]) ? len : suffix;
}

/* Parameters of a function that is an argument, from their bracket on; bytes
 * used. */
static size_t write_parameters(struct writer *w, const char *text,
			       unsigned depth)
{
	size_t used = 1;
	put(w, "(", 1);
	for (;;) {
		while (text[used] == ' ')
			used++;
		size_t first = w->len;
		used += write_type(w, text + used, depth + 1);
		move_const(w, first);
		if (w->full || text[used] != ',')
			break;
		used++;
		put(w, ", ", 2);
	}
	if (text[used] == ')') {
		used++;
		put(w, ")", 1);
	}
	return used;
}

/* "<lambda(int)>" as GCC declares it, "{lambda(int)#1}" as the demangler calls
 * it: the former does not say which one, and is written without that. 0: it is
 * none. */
static size_t write_lambda(struct writer *w, const char *text, unsigned depth)
{
	static const char of_gcc[] = "<lambda(", other[] = "{lambda(";
	size_t used = sizeof(of_gcc) - 2;
	bool gcc = strncmp(text, of_gcc, sizeof(of_gcc) - 1) == 0;
	if ((!gcc && strncmp(text, other, sizeof(other) - 1) != 0) ||
	    depth >= MAX_DEPTH)
		return 0;
	put(w, other, sizeof(other) - 2);
	used += write_parameters(w, text + used, depth);
	if (gcc && text[used] == '>') {
		used++;
		put(w, "}", 1);
	} else if (!gcc) {
		size_t len = strcspn(text + used, "}");
		len += text[used + len] == '}';
		put(w, text + used, len);
		used += len;
	}
	return used;
}

/* The bracket that TEXT begins with, within the arguments of a template: what a
 * function takes, or what it is in. */
static size_t write_bracket(struct writer *w, const char *text, unsigned depth,
			    bool word)
{
	size_t len = bracketed(text, '(', ')');
	if (!depth || depth >= MAX_DEPTH || strncmp(text + len, "::", 2) == 0 ||
	    text[1] == '_' || strncmp(text, "(lambda", 7) == 0 ||
	    strncmp(text, "(unnamed", 8) == 0 || ends(w, "operator")) {
		put(w, text, len);
		return len;
	}
	/* As the demangler has it: "void (int)". */
	if (word || ends(w, ">") || ends(w, "*") || ends(w, "&"))
		put(w, " ", 1);
	return write_parameters(w, text, depth);
}

/* One type, up to the end, a comma or a bracket that was not opened in it;
 * bytes of TEXT that were used. */
static size_t write_type(struct writer *w, const char *text, unsigned depth)
{
	size_t i = 0, first = w->len;
	while (text[i] && !w->full) {
		bool word = w->len > first && in_identifier(w->buf[w->len - 1]);
		char c = text[i];
		size_t number = word ? 0 : write_number_type(w, text + i);
		if (number) {
			i += number;
			continue;
		}
		size_t lambda = word ? 0 : write_lambda(w, text + i, depth);
		if (lambda) {
			i += lambda;
			continue;
		}
		if (c == '<') {
			if (word && depth < MAX_DEPTH && !ends(w, "operator")) {
				i += 1 +
				     write_arguments(w, text + i + 1, depth);
				continue;
			}
			size_t len = ends(w, "operator")
					     ? strspn(text + i, "<=>")
					     : bracketed(text + i, '<', '>');
			put(w, text + i, len);
			i += len;
		} else if (strncmp(text + i, LOCK_POLICY,
				   strlen(LOCK_POLICY)) == 0) {
			put(w, "__gnu_cxx::_S_atomic", 20);
			i += strlen(LOCK_POLICY);
		} else if (c == '(' &&
			   strncmp(text + i, "(anonymous", 10) != 0) {
			i += write_bracket(w, text + i, depth, word);
		} else if (word && strncmp(text + i, "[abi:", 5) == 0) {
			i += bracketed(text + i, '[', ']');
		} else if (c == '{') {
			size_t len = bracketed(text + i, '{', '}');
			put(w, text + i, len);
			i += len;
		} else if (depth && (c == '>' || c == ',' || c == ')')) {
			break;
		} else if (isdigit((unsigned char)c) && !word) {
			i += write_number(w, text + i);
		} else if (c == ' ' && depth &&
			   (text[i + 1] == '*' || text[i + 1] == '&')) {
			i++;
		} else if (!word &&
			   strncmp(text + i, "std::__cxx11::", 14) == 0) {
			put(w, "std::", 5);
			i += 14;
		} else {
			put(w, text + i, 1);
			i++;
		}
	}
	return i;
}

bool hs_cxx_shorten(const char *name, char *buf, size_t size)
{
	struct writer w = { .buf = buf, .size = size };
	buf[0] = 0;
	(void)write_type(&w, name, 0);
	return !w.full;
}

bool hs_rust_shorten(const char *name, char *buf, size_t size)
{
	static const struct {
		const char *is, *called;
	} known[] = {
		{ ", alloc::alloc::Global", "" },
		{ ", std::hash::random::RandomState", "" },
		{ "alloc::vec::Vec<", "Vec<" },
		{ "alloc::string::String", "String" },
		{ "alloc::boxed::Box<", "Box<" },
		{ "alloc::rc::Rc<", "Rc<" },
		{ "alloc::sync::Arc<", "Arc<" },
		{ "alloc::collections::vec_deque::VecDeque<", "VecDeque<" },
		{ "alloc::collections::btree::map::BTreeMap<", "BTreeMap<" },
		{ "alloc::collections::btree::set::BTreeSet<", "BTreeSet<" },
		{ "std::collections::hash::map::HashMap<", "HashMap<" },
		{ "std::collections::hash::set::HashSet<", "HashSet<" },
		{ "hashbrown::raw::RawTable<", "RawTable<" },
		{ "core::option::Option<", "Option<" },
		{ "core::result::Result<", "Result<" },
		{ "core::cell::Cell<", "Cell<" },
		{ "core::cell::RefCell<", "RefCell<" },
	};
	struct writer w = { .buf = buf, .size = size };
	buf[0] = 0;
	while (*name && !w.full) {
		bool inside = w.len && (in_identifier(w.buf[w.len - 1]) ||
					w.buf[w.len - 1] == ':');
		size_t len = 0;
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
			len = strlen(known[i].is);
			if ((!inside || *known[i].is == ',') &&
			    strncmp(name, known[i].is, len) == 0) {
				put(&w, known[i].called,
				    strlen(known[i].called));
				break;
			}
			len = 0;
		}
		if (!len) {
			put(&w, name, 1);
			len = 1;
		}
		name += len;
	}
	return !w.full;
}

size_t hs_cxx_parameters(const char *function)
{
	unsigned depth = 0;
	const char *end = strrchr(function, ')');
	for (size_t i = end ? (size_t)(end - function) + 1 : 0; i-- > 0;) {
		depth += function[i] == ')';
		depth -= function[i] == '(';
		if (depth == 0)
			return i;
	}
	return strlen(function);
}

bool hs_cxx_class_of(const char *method, char *buf, size_t size)
{
	char class[HS_LIMIT_STRING];
	size_t end = hs_cxx_parameters(method), last = 0;
	unsigned depth = 0;
	for (size_t i = 0; i < end; i++) {
		if (strchr("<({[", method[i]))
			depth++;
		else if (strchr(">)}]", method[i]))
			depth -= depth > 0;
		else if (depth == 0 && method[i] == ' ')
			return false; /* the type that it returns, too */
		else if (depth == 0 && strncmp(method + i, "::", 2) == 0)
			last = i;
	}
	if (last == 0 || last >= sizeof(class))
		return false;
	memcpy(class, method, last);
	class[last] = 0;
	return hs_cxx_shorten(class, buf, size);
}
