/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/export.h"
#include "cli/export_file.h"
#include "cli/out_text.h"
#include "cli/reach.h"

/* What a format asks for beside the heap. */
#define ASKS_GRAPH 1u
#define ASKS_LEAKS 2u
#define ASKS_OWNERS 4u

static const struct export_format {
	enum dump_format format;
	const char *name;
	bool is_text;  /* may go to standard output */
	bool filtered; /* takes the filters of `chunks` */
	unsigned asks;
	int (*write)(struct export_job *job);
	const char *next; /* what to do with the file */
} formats[] = {
	{ EXPORT_CSV, "csv", true, true, 0, export_csv,
	  "a line for each block" },
	{ EXPORT_NDJSON, "ndjson", true, true, 0, export_ndjson,
	  "a JSON object on each line" },
	{ EXPORT_HEAPSNAPSHOT, "heapsnapshot", true, false,
	  ASKS_GRAPH | ASKS_LEAKS, export_heapsnapshot,
	  "load it in the Memory panel of Chrome's or Edge's DevTools" },
	{ EXPORT_PPROF, "pprof", false, false,
	  ASKS_GRAPH | ASKS_LEAKS | ASKS_OWNERS, export_pprof,
	  "pprof -http=: FILE shows it" },
	{ EXPORT_SQLITE, "sqlite", false, false,
	  ASKS_GRAPH | ASKS_LEAKS | ASKS_OWNERS, export_sqlite,
	  "sqlite3 FILE asks it; its tables are in docs/exports.md" },
};

static const struct export_format *find_format(enum dump_format format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (formats[i].format == format)
			return &formats[i];
	return NULL;
}

int export_nomem(struct export_job *job, const char *what)
{
	return cli_fail(job->cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
			"no memory for %s", what);
}

bool export_type(const struct export_job *job, size_t chunk,
		 struct hs_type_info *ret)
{
	size_t type = hs_types_of(job->cli->types, chunk);
	if (type == SIZE_MAX)
		return false;
	hs_types_info(job->cli->types, type, ret);
	return true;
}

const char *export_class(const struct export_job *job, size_t chunk,
			 uint64_t usable, char buf[EXPORT_CLASS])
{
	struct hs_type_info type;
	if (export_type(job, chunk, &type))
		return type.name;
	/* The largest size that glibc keeps a list of its own for. */
	if (usable <= 1032) {
		(void)snprintf(buf, EXPORT_CLASS, "malloc[%u]",
			       (unsigned)usable);
		return buf;
	}
	char from[TEXT_LEN], to[TEXT_LEN];
	unsigned shift = 63u - (unsigned)__builtin_clzll(usable);
	uint64_t low = UINT64_C(1) << shift;
	(void)snprintf(buf, EXPORT_CLASS, "malloc[%s to %s]",
		       text_size(from, low),
		       text_size(to, shift < 63 ? low * 2 : UINT64_MAX));
	return buf;
}

void export_utf8(const char *text, char *buf, size_t size)
{
	static const char unknown[] = "\xef\xbf\xbd";
	size_t used = 0;
	while (*text) {
		uint32_t point;
		size_t len = text_utf8(text, &point);
		const char *from = len ? text : unknown;
		size_t n = len ? len : sizeof(unknown) - 1;
		if (used + n >= size)
			break;
		memcpy(buf + used, from, n);
		used += n;
		text += len ? len : 1;
	}
	buf[used] = 0;
}

static bool has_filter(const struct options *opt)
{
	return opt->states || opt->arena || opt->tid >= 0 || opt->min_size ||
	       opt->max_size != UINT64_MAX || opt->sort != SORT_NONE ||
	       opt->top || opt->type;
}

static int check_usage(struct cli *cli, const struct export_format *f)
{
	const struct options *opt = &cli->opt;
	bool to_stdout = !opt->output || strcmp(opt->output, "-") == 0;
	if (!f)
		return cli_usage(cli,
				 "%s: --format takes heapsnapshot, pprof, "
				 "sqlite, csv or ndjson here",
				 opt->format ? "that is a dump" : "no format");
	if (to_stdout && !f->is_text)
		return cli_usage(cli, "%s is not text: name a file with -o",
				 f->name);
	if (has_filter(opt) && !f->filtered)
		return cli_usage(cli,
				 "filters go with csv and ndjson: %s needs all "
				 "blocks for what holds what",
				 f->name);
	return EXIT_ANSWERED;
}

/* Take what the format asks for and let it write. */
static int write_job(struct export_job *job, const struct export_format *f)
{
	struct cli *cli = job->cli;
	struct hs_error err = { .code = HS_OK };
	int code = f->asks ? reach_build(cli, &job->graph) : EXIT_ANSWERED;
	if (!code && (f->asks & ASKS_LEAKS) &&
	    hs_leaks_find(job->graph, &job->leaks, &err))
		code = cli_fail_error(cli, &err);
	if (!code && (f->asks & ASKS_OWNERS) &&
	    hs_owners_find(job->graph, &job->owners, &err))
		code = cli_fail_error(cli, &err);
	if (!code)
		code = f->write(job);
	if (!code && job->graph)
		reach_note_missing(job->graph);
	return code;
}

static int answered(const struct export_job *job)
{
	return job->graph ? reach_answered(job->cli, job->graph, false)
			  : cli_answered(job->cli);
}

static int write_file(struct export_job *job, const struct export_format *f)
{
	struct cli *cli = job->cli;
	struct export_file file;
	struct out out = { .buf = NULL };
	int code =
		export_file_open(&file, cli, cli->opt.output, cli->opt.force);
	if (code)
		return code;
	if (!out_init(&out, file.fd))
		code = export_nomem(job, "the file");
	job->out = &out;
	job->partial = file.partial;
	if (!code)
		code = write_job(job, f);
	if (!code)
		out_flush(&out);
	if (!code && out.error)
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_IO),
				"cannot write '%s': %s", file.path,
				strerror(out.error));
	if (!code)
		code = export_file_keep(&file, cli, cli->opt.force);
	if (!code) {
		cli_note("%s is written: %s", file.path, f->next);
		code = answered(job);
	}
	job->out = &cli->out;
	job->partial = NULL;
	export_file_release(&file);
	out_release(&out);
	return code;
}

int cmd_export(struct cli *cli)
{
	struct export_job job = { .cli = cli, .out = &cli->out };
	const struct export_format *f = find_format(cli->opt.format);
	int code = check_usage(cli, f);
	if (!code)
		code = cli_name_types(cli);
	if (code)
		return code;
	if (cli->opt.output && strcmp(cli->opt.output, "-") != 0) {
		code = write_file(&job, f);
	} else {
		code = write_job(&job, f);
		if (!code)
			code = answered(&job);
	}
	hs_owners_free(job.owners);
	hs_leaks_free(job.leaks);
	return code;
}
