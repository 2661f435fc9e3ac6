/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/exit_status.h"
#include "cli/near.h"
#include "cli/out_text.h"

#define DEFAULT_DEPTH 2
#define DEFAULT_PATHS 1
#define DEFAULT_EVERY_NS 10000000000u

/* clang-format off */
const struct option_spec option_specs[] = {
	{ OPT_PID, "pid", 'p', "N", NULL,
	  "examine the running process N", GROUP_TARGET },
	{ OPT_PAUSE, "pause", 0, "HOW", "copy min",
	  "min: stop the process only while it forks", GROUP_TARGET },
	{ OPT_EXE, "exe", 0, "FILE", NULL,
	  "the program's file, where the target names none", GROUP_TARGET },
	{ OPT_SYSROOT, "sysroot", 0, "DIR", NULL,
	  "look for the target's files below DIR", GROUP_TARGET },
	{ OPT_DEBUG_DIR, "debug-dir", 0, "DIR", NULL,
	  "debug files, in place of /usr/lib/debug", GROUP_TARGET },
	{ OPT_RULES, "rules", 0, "FILE", NULL,
	  "what tags and void pointers of a C program stand for",
	  GROUP_NAMES | GROUP_CHUNKS | GROUP_GRAPH | GROUP_REACH |
		  GROUP_TYPES | GROUP_EXPORT | GROUP_DIFF | GROUP_RSS |
		  GROUP_SEARCH },
	{ OPT_PASSPHRASE_FILE, "passphrase-file", 0, "FILE", NULL,
	  "passphrase or key of an encrypted slice",
	  GROUP_TARGET | GROUP_SLICE },
	{ OPT_LEGACY, "legacy", 0, NULL, NULL,
	  "read slices in the layout of libmsl", GROUP_TARGET | GROUP_SLICE },
	{ OPT_NO_SYMBOLS, "no-symbols", 0, NULL, NULL,
	  "use nothing but the structure in memory", GROUP_TARGET },
	{ OPT_JSON, "json", 'j', NULL, NULL,
	  "answer in JSON (schema heapscan/1)", GROUP_REPORT },
	{ OPT_ALL, "all", 'a', NULL, NULL,
	  "no limit on lines", GROUP_REPORT },
	{ OPT_SUMMARY, "summary", 0, NULL, NULL,
	  "with --json: leave the chunks out", GROUP_SUMMARY },
	{ OPT_DOT, "dot", 0, NULL, NULL,
	  "references between chunks as dot", GROUP_DOT },
	{ OPT_CONTENT, "content", 0, NULL, NULL,
	  "show the text and bytes that memory holds", GROUP_CONTENT },
	{ OPT_STATE, "state", 0, "LIST",
	  "used mmapped tcache fastbin unsorted smallbin largebin top internal "
	  "unknown in-use free",
	  "only chunks in these states", GROUP_CHUNKS },
	{ OPT_ARENA, "arena", 0, "WHICH", NULL,
	  "of this arena: main, its number or its address",
	  GROUP_CHUNKS },
	{ OPT_TID, "tid", 0, "N", NULL,
	  "only chunks in this thread's cache", GROUP_CHUNKS },
	{ OPT_MIN_SIZE, "min-size", 0, "SIZE", NULL,
	  "only chunks of at least SIZE bytes", GROUP_CHUNKS },
	{ OPT_MAX_SIZE, "max-size", 0, "SIZE", NULL,
	  "only chunks, or mappings, of at most SIZE bytes",
	  GROUP_CHUNKS | GROUP_DUMP },
	{ OPT_SORT, "sort", 0, "KEY", "address size state count average name",
	  "by which column; sizes and counts: largest first",
	  GROUP_CHUNKS | GROUP_TYPES },
	{ OPT_TOP, "top", 0, "N", NULL,
	  "the first N, by size unless --sort is given",
	  GROUP_CHUNKS | GROUP_OWNERS | GROUP_TYPES | GROUP_DIFF },
	{ OPT_TYPE, "type", 0, "NAME", NULL,
	  "only blocks of this type; * and ? stand for anything",
	  GROUP_CHUNKS },
	{ OPT_GROUP_BY, "group-by", 0, "WHAT", "type source module",
	  "one line for each type, source of names or module", GROUP_TYPES },
	{ OPT_DIFF, "diff", 0, "BEFORE", NULL,
	  "what changed since this capture", GROUP_TYPES },
	{ OPT_AROUND, "around", 0, "ADDR", NULL,
	  "the neighbourhood of this block", GROUP_GRAPH },
	{ OPT_DEPTH, "depth", 0, "N", NULL,
	  "steps from --around, levels of owners (2)",
	  GROUP_GRAPH | GROUP_OWNERS },
	{ OPT_BY, "by", 0, "WHAT", "type size owner",
	  "fold blocks by type, size or owner", GROUP_GRAPH | GROUP_DIFF },
	{ OPT_MAX_NODES, "max-nodes", 0, "N", NULL,
	  "cut the graph at N nodes (200, folded 40)", GROUP_GRAPH },
	{ OPT_PATH, "path", 0, "ADDR", NULL,
	  "the way from a root to this block", GROUP_GRAPH },
	{ OPT_LEAKS, "leaks", 0, NULL, NULL,
	  "one leak of each shape", GROUP_GRAPH },
	{ OPT_PICTURE, "picture", 'T', "FORMAT", "dot svg png",
	  "draw it: svg or png", GROUP_GRAPH },
	{ OPT_JOBS, "jobs", 0, "N", NULL,
	  "work with N threads, not with all processors",
	  GROUP_REACH | GROUP_DIFF | GROUP_TYPES | GROUP_CHUNKS },
	{ OPT_BASELINE, "baseline", 0, "FILE", NULL,
	  "only what leaks more than in this leaks --json",
	  GROUP_LEAKS },
	{ OPT_FAIL_ON, "fail-on", 0, "LIMIT", NULL,
	  "exit 1 from so many blocks, or bytes (B, k, M, G) on",
	  GROUP_LEAKS },
	{ OPT_TYPES, "types", 0, NULL, NULL,
	  "name types and fields in heaps of any size",
	  GROUP_LEAKS | GROUP_WHY | GROUP_OWNERS | GROUP_GRAPH |
		  GROUP_SEARCH | GROUP_RSS },
	{ OPT_AT_EXIT, "at-exit", 0, NULL, NULL,
	  "run the program behind -- and look when it ends", GROUP_LEAKS },
	{ OPT_PATHS, "paths", 0, "N", NULL,
	  "show N ways, each with another last step (1)",
	  GROUP_WHY | GROUP_GRAPH },
	{ OPT_REFERRERS, "referrers", 0, NULL, NULL,
	  "everything that points to the block", GROUP_WHY },
	{ OPT_REFERENCES, "references", 0, NULL, NULL,
	  "everything that the block points to", GROUP_WHY },
	{ OPT_AS, "as", 0, "WHAT", "text hex integer pointer regex",
	  "what the pattern is (text)", GROUP_SEARCH },
	{ OPT_EVERYWHERE, "everywhere", 0, NULL, NULL,
	  "search all memory, not only the heap", GROUP_SEARCH },
	{ OPT_WHY, "why", 0, NULL, NULL,
	  "say of each hit who holds its block", GROUP_SEARCH },
	{ OPT_DIGESTS, "digests", 0, NULL, NULL,
	  "SHA-256 of each region's pages", GROUP_DIGESTS },
	{ OPT_OUTPUT, "output", 'o', "FILE", NULL,
	  "the file to write", GROUP_CAPTURE | GROUP_EXPORT },
	{ OPT_FORMAT, "format", 0, "WHAT",
	  "slice core heapsnapshot pprof sqlite csv ndjson",
	  "slice or core of a dump; the others for export",
	  GROUP_DUMP | GROUP_EXPORT },
	{ OPT_COMPRESS, "compress", 0, "CODEC", "none lz4 zstd",
	  "of a slice (zstd)", GROUP_DUMP },
	{ OPT_HASH, "hash", 0, "NAME", "blake3 sha256 sha512-256",
	  "of a slice (blake3)", GROUP_DUMP },
	{ OPT_ENCRYPT, "encrypt", 0, NULL, NULL,
	  "encrypt the slice with a passphrase", GROUP_DUMP },
	{ OPT_NEW_PASSPHRASE_FILE, "new-passphrase-file", 0, "FILE", NULL,
	  "passphrase of the slice that is written", GROUP_DUMP },
	{ OPT_FORCE, "force", 'f', NULL, NULL,
	  "replace an existing file", GROUP_DUMP | GROUP_EXPORT },
	{ OPT_ONLY_WRITABLE, "only-writable", 0, NULL, NULL,
	  "leave out what the process may not write", GROUP_DUMP },
	{ OPT_EXCLUDE, "exclude", 0, "LIST", NULL,
	  "leave out mappings: paths, patterns, [stack], 0xADDR", GROUP_DUMP },
	{ OPT_SHAPE_ONLY, "shape-only", 0, NULL, NULL,
	  "keep addresses and the allocator's data, no others", GROUP_DUMP },
	{ OPT_SERIES, "series", 0, "N", NULL,
	  "write N slices, each with what changed meanwhile",
	  GROUP_CAPTURE },
	{ OPT_EVERY, "every", 0, "TIME", NULL,
	  "from one to the next: seconds, or with m or h (10)",
	  GROUP_CAPTURE },
	{ OPT_COLOR, "color", 0, "WHEN", "auto always never",
	  "colour: auto, always or never", GROUP_COMMON },
	{ OPT_HELP, "help", 'h', NULL, NULL,
	  "explain the command", GROUP_COMMON },
	{ OPT_VERSION, "version", 'V', NULL, NULL,
	  "print the version", GROUP_COMMON },
	{ OPT_HELP, NULL, 0, NULL, NULL, NULL, 0 },
};
/* clang-format on */

__attribute__((__format__(__printf__, 3, 4))) static bool
fail(struct options *opt, int status, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(opt->problem, sizeof(opt->problem), fmt, ap);
	va_end(ap);
	opt->exit = status;
	return false;
}

bool parse_addr(const char *text, hs_addr *ret)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	if (!isxdigit((unsigned char)*text))
		return false;
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 16);
	if (*end || errno)
		return false;
	*ret = value;
	return true;
}

bool parse_size(const char *text, uint64_t *ret)
{
	if (!isdigit((unsigned char)*text))
		return false;
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, hex ? 16 : 10);
	if (errno)
		return false;
	unsigned shift = 0;
	if (*end) {
		const char *unit = strchr("kKmMgG", *end);
		if (!unit || end[1])
			return false;
		static const unsigned char shifts[] = {
			10, 10, 20, 20, 30, 30
		};
		shift = shifts[unit - "kKmMgG"];
	}
	if (value > UINT64_MAX >> shift)
		return false;
	*ret = value << shift;
	return true;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	if (!isdigit((unsigned char)*text))
		return false;
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (*end || errno || value > max)
		return false;
	*ret = value;
	return true;
}

static bool parse_state(struct options *opt, const char *word, size_t len)
{
	for (int s = 0; s < HS_CHUNK_STATE_COUNT; s++) {
		const char *name = hs_chunk_state_name((enum hs_chunk_state)s);
		if (strlen(name) == len && memcmp(name, word, len) == 0) {
			opt->states |= 1u << s;
			return true;
		}
	}
	if (len == 6 && memcmp(word, "in-use", 6) == 0)
		opt->states |= 1u << HS_CHUNK_USED | 1u << HS_CHUNK_MMAPPED;
	else if (len == 4 && memcmp(word, "free", 4) == 0)
		opt->states |= 1u << HS_CHUNK_TCACHE | 1u << HS_CHUNK_FASTBIN |
			       1u << HS_CHUNK_UNSORTED |
			       1u << HS_CHUNK_SMALLBIN |
			       1u << HS_CHUNK_LARGEBIN;
	else
		return false;
	return true;
}

static bool parse_states(struct options *opt, const char *list)
{
	for (const char *at = list;; at++) {
		size_t len = strcspn(at, ",");
		if (!parse_state(opt, at, len))
			return false;
		at += len;
		if (!*at)
			return true;
	}
}

/* Index of VALUE among the space-separated CHOICES, or -1. */
static int choice(const char *choices, const char *value)
{
	size_t len = strlen(value);
	int index = 0;
	for (const char *at = choices; *at; index++) {
		size_t n = strcspn(at, " ");
		if (n == len && memcmp(at, value, n) == 0)
			return index;
		at += n;
		at += *at == ' ';
	}
	return -1;
}

static bool bad_value(struct options *opt, const struct option_spec *spec,
		      const char *value)
{
	char shown[128];
	text_escape(shown, sizeof(shown), value);
	if (spec->values)
		return fail(opt, EXIT_USAGE,
			    "--%s cannot be '%s': use one of %s", spec->name,
			    shown, spec->values);
	return fail(opt, EXIT_USAGE, "--%s cannot be '%s'", spec->name, shown);
}

/* "10" blocks, "64B", "1M" bytes. */
static bool parse_limit(struct options *opt, const char *text)
{
	size_t len = strlen(text);
	uint64_t value;
	if (parse_number(text, UINT64_MAX, &value)) {
		opt->fail_blocks = value;
		return true;
	}
	if (parse_size(text, &value)) {
		opt->fail_bytes = value;
		return true;
	}
	char digits[24];
	if (len < 2 || len > sizeof(digits) || text[len - 1] != 'B')
		return false;
	memcpy(digits, text, len - 1);
	digits[len - 1] = 0;
	return parse_size(digits, &opt->fail_bytes);
}

static bool take_reach(struct options *opt, const struct option_spec *spec,
		       const char *value)
{
	uint64_t number;
	switch (spec->id) {
	case OPT_JOBS:
		if (!parse_number(value, 1024, &number) || !number)
			return false;
		opt->jobs = (unsigned)number;
		return true;
	case OPT_PATHS:
		if (!parse_number(value, 10000, &number) || !number)
			return false;
		opt->paths = (unsigned)number;
		return true;
	case OPT_BASELINE:
		opt->baseline = value;
		return *value != 0;
	case OPT_FAIL_ON:
		return parse_limit(opt, value);
	case OPT_PATH:
		opt->path = value;
		return *value != 0;
	case OPT_PICTURE:
		if (choice(spec->values, value) < 0)
			return false;
		opt->picture = choice(spec->values, value) ? value : NULL;
		return true;
	case OPT_AS:
		if (choice(spec->values, value) < 0)
			return false;
		opt->search = (enum search_kind)choice(spec->values, value);
		return true;
	default:
		return choice(spec->values, value) >= 0;
	}
}

/* WHICH: place in the list of values, -1: none of them. */
static bool take_codec(struct options *opt, int which)
{
	static const enum hs_capture_codec codecs[] = { HS_CAPTURE_STORED,
							HS_CAPTURE_LZ4,
							HS_CAPTURE_ZSTD };
	if (which < 0)
		return false;
	opt->codec = codecs[which];
	return true;
}

static bool take_hash(struct options *opt, int which)
{
	static const enum hs_capture_hash hashes[] = { HS_CAPTURE_BLAKE3,
						       HS_CAPTURE_SHA256,
						       HS_CAPTURE_SHA512_256 };
	if (which < 0)
		return false;
	opt->hash = hashes[which];
	return true;
}

/* "0.5", "10s", "5m", "2h": nanoseconds; at most a year. */
static bool parse_time(const char *text, uint64_t *ret)
{
	static const struct {
		char letter;
		unsigned seconds;
	} units[] = { { 0, 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 } };
	uint64_t whole = 0, parts = 0, scale = 1000000000;
	const char *at = text;
	for (; isdigit((unsigned char)*at) && whole < 100000000; at++)
		whole = whole * 10 + (uint64_t)(*at - '0');
	if (at == text)
		return false;
	if (*at == '.')
		for (at++; isdigit((unsigned char)*at) && scale > 1; at++) {
			scale /= 10;
			parts += (uint64_t)(*at - '0') * scale;
		}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (*at != units[i].letter || (*at && at[1]))
			continue;
		if (whole > 366u * 86400u / units[i].seconds)
			return false;
		*ret = (whole * 1000000000 + parts) * units[i].seconds;
		return true;
	}
	return false;
}

static bool take_filter(struct options *opt, const struct option_spec *spec,
			const char *value)
{
	uint64_t number;
	int which;
	switch (spec->id) {
	case OPT_STATE:
		return parse_states(opt, value);
	case OPT_ARENA:
		opt->arena = value;
		return *value != 0;
	case OPT_TID:
		if (!parse_number(value, INT32_MAX, &number))
			return false;
		opt->tid = (int64_t)number;
		return true;
	case OPT_FORMAT:
		opt->format = (enum dump_format)(choice(spec->values, value) +
						 DUMP_SLICE);
		return opt->format != DUMP_ANY;
	case OPT_SERIES:
		if (!parse_number(value, 1000000, &number) || !number)
			return false;
		opt->series = (unsigned)number;
		return true;
	case OPT_EVERY:
		return parse_time(value, &opt->every_ns);
	case OPT_COMPRESS:
		return take_codec(opt, choice(spec->values, value));
	case OPT_HASH:
		return take_hash(opt, choice(spec->values, value));
	case OPT_MIN_SIZE:
		return parse_size(value, &opt->min_size);
	case OPT_MAX_SIZE:
		return parse_size(value, &opt->max_size);
	case OPT_SORT:
		opt->sort = (enum sort_key)(choice(spec->values, value) + 1);
		return opt->sort != SORT_NONE;
	case OPT_TYPE:
		opt->type = value;
		return *value != 0;
	case OPT_DIFF:
		opt->diff = value;
		return *value != 0;
	case OPT_BY:
		which = choice(spec->values, value);
		opt->by = (enum fold_by)(which + 1);
		return which >= 0;
	case OPT_GROUP_BY:
		which = choice(spec->values, value);
		opt->group_by = (enum type_group)which;
		return which >= 0;
	case OPT_TOP:
		return parse_number(value, UINT64_MAX, &opt->top) && opt->top;
	case OPT_AROUND:
		return parse_addr(value, &opt->around);
	case OPT_DEPTH:
		if (!parse_number(value, 1000, &number))
			return false;
		opt->depth = (unsigned)number;
		return true;
	case OPT_MAX_NODES:
		if (!parse_number(value, 1000000, &number) || !number)
			return false;
		opt->max_nodes = (unsigned)number;
		return true;
	default:
		return take_reach(opt, spec, value);
	}
}

static bool take_option(struct options *opt, const struct option_spec *spec,
			const char *value)
{
	uint64_t number;
	int which;
	switch (spec->id) {
	case OPT_PID:
		opt->pid = value;
		if (!parse_number(value, INT32_MAX, &number) || !number)
			return fail(
				opt, EXIT_USAGE,
				"--pid takes a process id, a number above 0");
		return true;
	case OPT_EXE:
		opt->exe = value;
		return true;
	case OPT_PAUSE:
		which = choice(spec->values, value);
		opt->pause_min = which == 1;
		return which >= 0 || bad_value(opt, spec, value);
	case OPT_SYSROOT:
		opt->sysroot = value;
		return true;
	case OPT_DEBUG_DIR:
		opt->debug_dir = value;
		return true;
	case OPT_RULES:
		opt->rules = value;
		return true;
	case OPT_PASSPHRASE_FILE:
		opt->passphrase_file = value;
		return true;
	case OPT_LEGACY:
		return opt->legacy = true;
	case OPT_DIGESTS:
		return opt->digests = true;
	case OPT_OUTPUT:
		opt->output = value;
		return true;
	case OPT_NEW_PASSPHRASE_FILE:
		opt->new_passphrase_file = value;
		return true;
	case OPT_EXCLUDE:
		opt->exclude = value;
		return true;
	case OPT_ENCRYPT:
		return opt->encrypt = true;
	case OPT_SHAPE_ONLY:
		return opt->shape_only = true;
	case OPT_FORCE:
		return opt->force = true;
	case OPT_ONLY_WRITABLE:
		return opt->only_writable = true;
	case OPT_NO_SYMBOLS:
		return opt->no_symbols = true;
	case OPT_JSON:
		return opt->json = true;
	case OPT_ALL:
		return opt->all = true;
	case OPT_SUMMARY:
		return opt->summary = true;
	case OPT_DOT:
		return opt->dot = true;
	case OPT_CONTENT:
		return opt->content = true;
	case OPT_AT_EXIT:
		return opt->at_exit = true;
	case OPT_REFERRERS:
		return opt->referrers = true;
	case OPT_REFERENCES:
		return opt->references = true;
	case OPT_EVERYWHERE:
		return opt->everywhere = true;
	case OPT_WHY:
		return opt->why = true;
	case OPT_LEAKS:
		return opt->leaks = true;
	case OPT_TYPES:
		return opt->types = true;
	case OPT_HELP:
		return opt->help = true;
	case OPT_VERSION:
		return opt->version = true;
	case OPT_COLOR:
		which = choice(spec->values, value);
		if (which < 0)
			return bad_value(opt, spec, value);
		opt->colour = (enum colour_choice)which;
		return true;
	default:
		return take_filter(opt, spec, value) ||
		       bad_value(opt, spec, value);
	}
}

static const struct option_spec *find_spec(const char *name, size_t len,
					   char letter)
{
	for (const struct option_spec *s = option_specs; s->name; s++)
		if (letter ? s->letter == letter
			   : strlen(s->name) == len &&
				     memcmp(s->name, name, len) == 0)
			return s;
	return NULL;
}

static bool unknown_option(struct options *opt, const char *word)
{
	char shown[128];
	text_escape(shown, sizeof(shown), word);
	for (const struct option_spec *s = option_specs; s->name; s++)
		if (word[1] == '-' && is_near(s->name, word + 2))
			return fail(opt, EXIT_USAGE,
				    "no such option '%s'; did you mean '--%s'?",
				    shown, s->name);
	return fail(opt, EXIT_USAGE,
		    "no such option '%s'; `heapscan help` lists them", shown);
}

_Static_assert(OPT_VERSION < 64, "SEEN has a bit for each option");

/* Take the option ARGV[*I] and its value; SEEN collects what was given. */
static bool parse_option(struct options *opt, int argc, char **argv, int *i,
			 uint64_t *seen)
{
	const char *word = argv[*i];
	const struct option_spec *spec;
	const char *value = NULL;
	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");
		spec = find_spec(word + 2, len, 0);
		if (word[2 + len])
			value = word + 2 + len + 1;
	} else {
		spec = find_spec(NULL, 0, word[1]);
		if (spec && word[2])
			value = word + 2;
	}
	if (!spec || (word[1] != '-' && value && !spec->arg))
		return unknown_option(opt, word);
	if (value && !spec->arg)
		return fail(opt, EXIT_USAGE, "--%s takes no value", spec->name);
	if (spec->arg && !value) {
		if (*i + 1 >= argc)
			return fail(opt, EXIT_USAGE, "--%s needs a value: %s",
				    spec->name, spec->arg);
		value = argv[++*i];
	}
	*seen |= UINT64_C(1) << spec->id;
	return take_option(opt, spec, value);
}

static bool no_such_command(struct options *opt, const char *word)
{
	char shown[256];
	const struct command *near = command_near(word);
	text_escape(shown, sizeof(shown), word);
	if (near)
		return fail(opt, EXIT_USAGE,
			    "no such command '%s'; did you mean '%s'?", shown,
			    near->name);
	return fail(opt, EXIT_USAGE,
		    "no such command '%s'; `heapscan help` lists them", shown);
}

static bool command_first(struct options *opt, const char *command)
{
	return fail(opt, EXIT_USAGE,
		    "a command comes before the target: heapscan %s ...",
		    command);
}

/* The first word is a command, else the target of the default command. */
static bool choose_command(struct options *opt)
{
	opt->command = &commands[0];
	if (opt->arg_count == 0)
		return true;
	const char *word = opt->args[0];
	const struct command *named = command_find(word);
	if (named) {
		opt->command = named;
		opt->named = true;
		memmove(opt->args, opt->args + 1,
			(size_t)--opt->arg_count * sizeof(*opt->args));
		return true;
	}
	if (access(word, F_OK) == 0 ||
	    strspn(word, "0123456789") == strlen(word))
		return true;
	char shown[256];
	text_escape(shown, sizeof(shown), word);
	const struct command *near = command_near(word);
	if (near)
		return fail(opt, EXIT_USAGE,
			    "no such command or file '%s'; did you mean '%s'?",
			    shown, near->name);
	if (opt->arg_count > 1 && command_find(opt->args[1]))
		return command_first(opt, opt->args[1]);
	return opt->arg_count > 1 || opt->pid ? no_such_command(opt, word)
					      : true;
}

static bool check_groups(struct options *opt, uint64_t seen)
{
	for (const struct option_spec *s = option_specs; s->name; s++)
		if (seen >> s->id & 1 && !(s->group & opt->command->groups))
			return fail(opt, EXIT_USAGE,
				    "--%s does not go with '%s'; see "
				    "`heapscan help %s`",
				    s->name, opt->command->name,
				    opt->command->name);
	/* One option, but each command has formats of its own. */
	if (opt->format > DUMP_CORE && !(opt->command->groups & GROUP_EXPORT))
		return fail(opt, EXIT_USAGE,
			    "--format takes slice or core here; `heapscan "
			    "export` writes the others");
	return true;
}

static bool take_arguments(struct options *opt)
{
	const struct command *c = opt->command;
	if (opt->at_exit) {
		if (opt->pid)
			return fail(opt, EXIT_USAGE,
				    "--at-exit takes a program, not a target");
		if (!opt->arg_count)
			return fail(opt, EXIT_USAGE,
				    "--at-exit needs a program: heapscan %s "
				    "--at-exit -- PROGRAM ARGS",
				    c->name);
		opt->args[opt->arg_count] = NULL; /* as execvp() wants it */
		return true;
	}
	if (c->needs != NEEDS_NOTHING && !opt->pid && !opt->target) {
		if (opt->arg_count == 0)
			return fail(opt, EXIT_USAGE,
				    c->needs == NEEDS_FILE
					    ? "no file: name a Memory Slice"
					    : "no target: name a core file or "
					      "--pid N");
		opt->target = opt->args[0];
		memmove(opt->args, opt->args + 1,
			(size_t)--opt->arg_count * sizeof(*opt->args));
	}
	if (opt->arg_count < c->min_args)
		return fail(opt, EXIT_USAGE, "usage: heapscan %s %s", c->name,
			    c->args);
	if (c->max_args >= 0 && opt->arg_count > c->max_args) {
		char shown[128];
		text_escape(shown, sizeof(shown), opt->args[c->max_args]);
		if (!opt->named && command_find(opt->args[c->max_args]))
			return command_first(opt, shown);
		return fail(opt, EXIT_USAGE,
			    "'%s' is one argument too many; see "
			    "`heapscan help %s`",
			    shown, c->name);
	}
	return true;
}

/* An error about the first option must be JSON if the last one says so. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0 ||
		    strcmp(argv[i], "-j") == 0)
			return true;
	return false;
}

static void defaults(struct options *opt)
{
	*opt = (struct options){
		.command = &commands[0],
		.tid = -1,
		.max_size = UINT64_MAX,
		.codec = HS_CAPTURE_SAME_CODEC,
		.hash = HS_CAPTURE_SAME_HASH,
		.around = HS_NO_ADDR,
		.depth = DEFAULT_DEPTH,
		.paths = DEFAULT_PATHS,
		.every_ns = DEFAULT_EVERY_NS,
		.fail_blocks = UINT64_MAX,
		.fail_bytes = UINT64_MAX,
	};
}

/* Options in SEEN, words in OPT->args. */
static bool take_words(struct options *opt, int argc, char **argv,
		       uint64_t *seen)
{
	opt->args = calloc((size_t)argc + 1, sizeof(*opt->args));
	if (!opt->args)
		return fail(opt, EXIT_INPUT, "no memory for the arguments");

	bool only_words = false;
	for (int i = 0; i < argc; i++) {
		if (only_words || argv[i][0] != '-' || !argv[i][1])
			opt->args[opt->arg_count++] = argv[i];
		else if (strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (!parse_option(opt, argc, argv, &i, seen))
			return false;
	}
	return true;
}

bool options_parse(struct options *opt, int argc, char **argv)
{
	uint64_t seen = 0;
	defaults(opt);
	opt->json = wants_json(argc - 1, argv + 1);
	if (!take_words(opt, argc - 1, argv + 1, &seen))
		return false;
	if (opt->version)
		return true;
	if (!choose_command(opt))
		return false;
	if (opt->help)
		return true;
	/* `heapscan core.77 --dot` works as it stands. */
	if (opt->dot && opt->command == &commands[0])
		opt->command = command_find("graph");
	return check_groups(opt, seen) && take_arguments(opt);
}

/* What one target is opened with holds for all that is asked about it. */
static void inherit(struct options *opt, const struct options *shell)
{
	opt->pid = shell->pid;
	opt->target = shell->target;
	opt->exe = shell->exe;
	opt->sysroot = shell->sysroot;
	opt->debug_dir = shell->debug_dir;
	opt->no_symbols = shell->no_symbols;
	opt->passphrase_file = shell->passphrase_file;
	opt->legacy = shell->legacy;
	opt->pause_min = shell->pause_min;
	opt->json = shell->json;
	opt->all = shell->all;
	opt->colour = shell->colour;
}

bool options_parse_line(struct options *opt, const struct options *shell,
			int argc, char **argv)
{
	uint64_t seen = 0;
	defaults(opt);
	inherit(opt, shell);
	opt->json |= wants_json(argc, argv);
	if (!take_words(opt, argc, argv, &seen))
		return false;
	for (const struct option_spec *s = option_specs; s->name; s++)
		if (seen >> s->id & 1 && s->group & GROUP_TARGET)
			return fail(opt, EXIT_USAGE,
				    "--%s goes with the shell itself: "
				    "heapscan shell --%s ... TARGET",
				    s->name, s->name);
	if (opt->at_exit || opt->version)
		return fail(opt, EXIT_USAGE,
			    "--%s does not work on an open target",
			    opt->at_exit ? "at-exit" : "version");
	if (!opt->arg_count)
		return fail(opt, EXIT_USAGE,
			    "a line begins with a command; `help` lists them");
	opt->command = command_find(opt->args[0]);
	if (!opt->command)
		return no_such_command(opt, opt->args[0]);
	opt->named = true;
	memmove(opt->args, opt->args + 1,
		(size_t)--opt->arg_count * sizeof(*opt->args));
	return opt->help || (check_groups(opt, seen) && take_arguments(opt));
}

void options_release(struct options *opt)
{
	free(opt->args);
	opt->args = NULL;
}
