/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/dump.h"
#include "cli/progress.h"
#include "cli/slice_view.h"

#define FOR_FILES                                                              \
	"convert is for files; `heapscan capture --pid N -o FILE` is for "     \
	"processes"

/* By its first bytes: a name would be a guess. */
static bool is_slice(const char *path)
{
	static const char magic[] = "MEMSLICE";
	char head[8] = "";
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	size_t n = fread(head, 1, sizeof(head), file);
	(void)fclose(file);
	return n == sizeof(head) && memcmp(head, magic, n) == 0;
}

static bool ends_with(const char *text, const char *tail)
{
	size_t n = strlen(text), k = strlen(tail);
	return n >= k && strcasecmp(text + n - k, tail) == 0;
}

/* What to write: as told, else by the name, else the other one. */
static enum dump_format wanted(const struct cli *cli, bool from_slice)
{
	const struct options *opt = &cli->opt;
	if (opt->format != DUMP_ANY)
		return opt->format;
	if (ends_with(opt->args[0], ".msl") || opt->encrypt ||
	    opt->codec != HS_CAPTURE_SAME_CODEC ||
	    opt->hash != HS_CAPTURE_SAME_HASH)
		return DUMP_SLICE;
	return from_slice ? DUMP_CORE : DUMP_SLICE;
}

/*
 * A step of a series becomes a slice of its own. What is written is then not
 * its blocks but its memory, with the pages that other steps hold.
 */
static int has_bases(struct cli *cli, bool *ret)
{
	struct hs_slice *slice = NULL;
	int code = cli_open_slice(cli, &slice);
	if (!code)
		*ret = hs_slice_base_count(slice) > 0;
	hs_slice_close(slice);
	return code;
}

/* Blocks that only slices have. */
static bool has_tables(const struct hs_slice *slice)
{
	static const char *const both[] = {
		"memory-region",     "module-entry",      "module-list",
		"thread-context",    "import-provenance", "process-identity",
		"build-id-manifest", "end-of-capture",    "page-references",
		"related-dump",
	};
	for (size_t i = 0; i < hs_slice_block_count(slice); i++) {
		struct hs_slice_block_info b;
		bool known = false;
		hs_slice_block(slice, i, &b);
		for (size_t k = 0; k < sizeof(both) / sizeof(both[0]); k++)
			known |= strcmp(b.type_name, both[k]) == 0;
		if (!known)
			return true;
	}
	return false;
}

static int write_anew(struct cli *cli, struct dump *dump, bool from_slice,
		      struct hs_capture_result *result)
{
	struct hs_error err = { .code = HS_OK };
	struct hs_slice *slice = NULL;
	bool tables = false;
	int code = cli_open_target(cli);
	if (!code && cli->info.kind == HS_TARGET_LIVE)
		code = cli_usage(cli, FOR_FILES);
	if (!code)
		cli_note_problems(cli);
	if (!code)
		code = dump_look(dump, cli);
	if (!code && from_slice)
		code = cli_open_slice(cli, &slice);
	if (code)
		return code;
	tables = slice && has_tables(slice);
	hs_slice_close(slice);
	if (hs_capture_write(cli->target, cli->opt.args[0], &dump->opt, result,
			     &err))
		return cli_fail_error(cli, &err);
	if (tables)
		result->lost |= HS_LOST_TABLES;
	return EXIT_ANSWERED;
}

static int rewrite(struct cli *cli, struct dump *dump,
		   struct hs_capture_result *result)
{
	struct hs_error err = { .code = HS_OK };
	struct hs_slice *slice = NULL;
	int code = cli_open_slice(cli, &slice);
	if (!code &&
	    hs_slice_rewrite(slice, cli->opt.args[0], &dump->opt, result, &err))
		code = cli_fail_error(cli, &err);
	hs_slice_close(slice);
	return code;
}

int cmd_convert(struct cli *cli)
{
	const struct options *opt = &cli->opt;
	struct dump dump = { 0 };
	struct hs_capture_result result = { 0 };
	if (opt->pid)
		return cli_usage(cli, FOR_FILES);
	int code = dump_init(&dump, cli);
	if (code) {
		dump_release(&dump);
		return code;
	}
	bool from_slice = is_slice(opt->target);
	bool to_slice = wanted(cli, from_slice) == DUMP_SLICE;
	dump.opt.format = to_slice ? HS_CAPTURE_SLICE : HS_CAPTURE_CORE;
	bool step = false;
	if (from_slice && to_slice)
		code = has_bases(cli, &step);
	bool filtered = step || opt->only_writable || opt->exclude ||
			dump.opt.max_mapping || opt->shape_only;
	double begin = dump_clock();
	if (!code && from_slice && to_slice && !filtered)
		code = rewrite(cli, &dump, &result);
	else if (!code)
		code = write_anew(cli, &dump, from_slice, &result);
	if (!code)
		dump_report(&dump, cli, opt->args[0], &result,
			    dump_clock() - begin);
	/* What a missing base was to give is missing here, too. */
	if (!code && step && !cli->info.complete)
		code = EXIT_INCOMPLETE;
	dump_release(&dump);
	return code;
}
