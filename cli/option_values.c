/* SPDX-License-Identifier: MIT */
#include "cli/option_values.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/exit_status.h"
#include "cli/out_text.h"

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

/* What the values that have no list look like. */
static const struct {
	const char *arg, *form;
} forms[] = {
	{ "N", "a number" },
	{ "SIZE", "bytes: 4096, 64k, 2M or 1G" },
	{ "ADDR", "an address, hexadecimal" },
	{ "LIMIT", "blocks or bytes: 10, 64B, 1M" },
	{ "TIME", "seconds, minutes or hours: 30, 5m, 1h" },
};

static bool bad_value(struct options *opt, const struct option_spec *spec,
		      const char *value)
{
	char shown[128];
	text_escape(shown, sizeof(shown), value);
	if (spec->values)
		return option_fail(opt, EXIT_USAGE,
				   "--%s cannot be '%s': use one of %s",
				   spec->name, shown, spec->values);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(spec->arg, forms[i].arg) == 0)
			return option_fail(opt, EXIT_USAGE,
					   "--%s cannot be '%s': it takes %s",
					   spec->name, shown, forms[i].form);
	return option_fail(opt, EXIT_USAGE, "--%s cannot be '%s'", spec->name,
			   shown);
}

/* A mistyped name of a file that is only looked into must not pass for one
 * that had nothing to say. */
static bool take_place(struct options *opt, const struct option_spec *spec,
		       const char *value, const char **ret)
{
	char shown[256];
	*ret = value;
	/* --debug-dir takes several, separated by colons. */
	if (access(value, F_OK) == 0 || strchr(value, ':'))
		return true;
	text_escape(shown, sizeof(shown), value);
	return option_fail(opt, EXIT_USAGE, "--%s: there is no '%s'",
			   spec->name, shown);
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

bool option_take(struct options *opt, const struct option_spec *spec,
		 const char *value)
{
	uint64_t number;
	int which;
	switch (spec->id) {
	case OPT_PID:
		opt->pid = value;
		if (!parse_number(value, INT32_MAX, &number) || !number)
			return option_fail(
				opt, EXIT_USAGE,
				"--pid takes a process id, a number above 0");
		return true;
	case OPT_EXE:
		return take_place(opt, spec, value, &opt->exe);
	case OPT_PAUSE:
		which = choice(spec->values, value);
		opt->pause_min = which == 1;
		return which >= 0 || bad_value(opt, spec, value);
	case OPT_SYSROOT:
		return take_place(opt, spec, value, &opt->sysroot);
	case OPT_DEBUG_DIR:
		return take_place(opt, spec, value, &opt->debug_dir);
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
	case OPT_OBJECTS:
		return opt->objects = true;
	case OPT_EVERYWHERE:
		return opt->everywhere = true;
	case OPT_WHY:
		return opt->why = true;
	case OPT_LEAKS:
		return opt->leaks = true;
	case OPT_FRAMES:
		return opt->frames = true;
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
