/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/at_exit.h"
#include "cli/out_evidence.h"
#include "cli/out_json.h"
#include "cli/out_text.h"
#include "cli/progress.h"
#include "cli/rules.h"
#include "cli/secret.h"

/* Rows on a terminal before --all is needed: about one screen. */
#define TERMINAL_ROWS 50
#define LAST_STEPS 10 /* of a way, of these */
/* Problems repeated on stderr beside an answer that does not list them. */
#define SHOWN_PROBLEMS 4

bool cli_wants_colour(const struct cli *cli)
{
	if (cli->opt.colour != COLOUR_AUTO)
		return cli->opt.colour == COLOUR_ALWAYS;
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	return cli->tty && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static int exit_of_status(enum hs_status status)
{
	switch (status) {
	case HS_ERR_INVALID:
		return EXIT_USAGE;
	case HS_ERR_PERMISSION:
		return EXIT_DENIED;
	default:
		return EXIT_INPUT;
	}
}

static int fail_text(struct cli *cli, int exit_code, const char *code,
		     const char *text)
{
	char safe[2048];
	text_escape(safe, sizeof(safe), text);
	progress_clear();
	(void)fprintf(stderr, "heapscan: %s\n", safe);
	/* Half a document cannot be taken back once it left. */
	if (cli->opt.json && out_rewind(&cli->out))
		out_json_error(&cli->out, code, text);
	return exit_code;
}

int cli_fail(struct cli *cli, int exit_code, const char *code, const char *fmt,
	     ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail_text(cli, exit_code, code, text);
}

int cli_fail_error(struct cli *cli, const struct hs_error *err)
{
	return fail_text(cli, exit_of_status(err->code),
			 hs_status_name(err->code), err->text);
}

int cli_usage(struct cli *cli, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail_text(cli, EXIT_USAGE, "usage", text);
}

void cli_note(const char *fmt, ...)
{
	char text[1024], safe[2048];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_escape(safe, sizeof(safe), text);
	progress_clear();
	(void)fprintf(stderr, "%s\n", safe);
}

static void note_pause(const struct hs_target_info *info)
{
	if (info->paused_ns < 0)
		return;
	char copied[TEXT_LEN];
	cli_note("stopped %.*f ms, copied %s",
		 info->paused_ns < 10000000 ? 1 : 0,
		 (double)info->paused_ns / 1e6,
		 text_size(copied, info->copied));
}

/* The summary and check list problems themselves; other answers need telling.
 */
void cli_note_problems(const struct cli *cli)
{
	size_t shown = 0, more = 0, alike;
	struct hs_problem_info p;
	for (size_t i = 0; get_problem(cli, i, &p); i++) {
		if (p.severity == HS_NOTE || fold_problem(cli, i, &alike))
			continue;
		if (shown == SHOWN_PROBLEMS) {
			more++;
			continue;
		}
		shown++;
		if (alike)
			cli_note("%s: %s; and %zu more %s like it "
				 "(`heapscan check` lists them)",
				 hs_severity_name(p.severity), p.message, alike,
				 text_plural(alike, "file", "files"));
		else
			cli_note("%s: %s", hs_severity_name(p.severity),
				 p.message);
	}
	if (more)
		cli_note("... %zu more; `heapscan check` lists them", more);
}

enum hs_status cli_try_target(struct cli *cli, struct hs_error *err)
{
	const struct options *opt = &cli->opt;
	struct hs_open_options how = {
		.struct_size = sizeof(how),
		.backend = opt->pid ? "live" : NULL,
		.sysroot = opt->sysroot,
		.executable = opt->exe,
		.progress = progress_show,
		.secret = secret_ask,
		.secret_arg = (void *)(uintptr_t)opt->passphrase_file,
		.legacy = opt->legacy,
		.pause = opt->pause_min ? HS_PAUSE_MIN : HS_PAUSE_COPY,
	};
	enum hs_status st = hs_target_open(opt->pid ? opt->pid : opt->target,
					   &how, &cli->target, err);
	if (st)
		return st;
	hs_target_info(cli->target, &cli->info);
	note_pause(&cli->info);
	return HS_OK;
}

int cli_open_target(struct cli *cli)
{
	struct hs_error err = { .code = HS_OK };
	return cli_try_target(cli, &err) ? cli_fail_error(cli, &err)
					 : EXIT_ANSWERED;
}

static int scan_heap(struct cli *cli)
{
	struct hs_scan_options how = {
		.struct_size = sizeof(how),
		.progress = progress_show,
		.no_symbols = cli->opt.no_symbols,
	};
	struct hs_error err = { .code = HS_OK };
	enum hs_status st =
		hs_heap_scan(cli->target, cli->syms, &how, &cli->heap, &err);
	if (st == HS_ERR_NO_HEAP && cli->command->needs == NEEDS_ANY_HEAP) {
		cli_note("note: %s", err.text);
		return EXIT_ANSWERED;
	}
	return st ? cli_fail_error(cli, &err) : EXIT_ANSWERED;
}

static int load_symbols(struct cli *cli)
{
	struct hs_symbols_options how = {
		.struct_size = sizeof(how),
		.debug_dirs = cli->opt.debug_dir,
		.sysroot = cli->opt.sysroot,
	};
	struct hs_error err = { .code = HS_OK };
	if (!cli->opt.no_symbols && !cli->syms &&
	    hs_symbols_new(cli->target, &how, &cli->syms, &err))
		return cli_fail_error(cli, &err);
	return EXIT_ANSWERED;
}

int cli_scan(struct cli *cli)
{
	int code = load_symbols(cli);
	return code || cli->heap ? code : scan_heap(cli);
}

int cli_prepare(struct cli *cli)
{
	if (cli->command->needs < NEEDS_TARGET)
		return EXIT_ANSWERED;
	bool opened = cli->target != NULL;
	int code = cli->opt.at_exit ? at_exit_run(cli) : EXIT_ANSWERED;
	if (!code && !opened)
		code = cli_open_target(cli);
	if (code)
		return code;
	code = cli->command->needs >= NEEDS_ANY_HEAP ? cli_scan(cli)
						     : load_symbols(cli);
	if (code)
		return code;
	/* The rest needs its copy, not the process. */
	at_exit_release(cli);
	if (!opened && cli->command->run != cmd_summary &&
	    cli->command->run != cmd_check)
		cli_note_problems(cli);
	return EXIT_ANSWERED;
}

/* Better names take the place of others, and of what was made of these. */
static int name_types(struct cli *cli, bool without_c)
{
	char *rules;
	int code = rules_load(cli, &rules);
	if (code)
		return code;
	hs_objects_free(cli->objects);
	hs_graph_free(cli->graph);
	hs_types_free(cli->types);
	cli->objects = NULL;
	cli->graph = NULL;
	cli->types = NULL;
	struct hs_types_options how = {
		.struct_size = sizeof(how),
		.progress = progress_show,
		.jobs = cli->opt.jobs,
		.symbols = cli->syms,
		.rules = rules,
		.without_c = without_c,
	};
	struct hs_error err = { .code = HS_OK };
	if (hs_types_new(cli->target, cli->heap, &how, &cli->types, &err))
		code = cli_fail_error(cli, &err);
	cli->without_c = without_c;
	free(rules);
	return code;
}

int cli_name_types(struct cli *cli)
{
	return cli->types && !cli->without_c ? EXIT_ANSWERED
					     : name_types(cli, false);
}

int cli_name_types_quickly(struct cli *cli)
{
	return cli->types ? EXIT_ANSWERED : name_types(cli, true);
}

void cli_close_target(struct cli *cli)
{
	hs_stacks_free(cli->stacks);
	cli->stacks = NULL;
	hs_objects_free(cli->objects);
	cli->objects = NULL;
	hs_graph_free(cli->graph);
	hs_types_free(cli->types);
	hs_heap_free(cli->heap);
	hs_symbols_free(cli->syms);
	hs_target_close(cli->target);
	cli->types = NULL;
	cli->heap = NULL;
	cli->syms = NULL;
	cli->target = NULL;
}

void cli_release(struct cli *cli)
{
	cli_close_target(cli);
	at_exit_release(cli);
	options_release(&cli->opt);
	out_release(&cli->out);
}

int cli_answered(const struct cli *cli)
{
	if (!cli->info.complete)
		return EXIT_INCOMPLETE;
	if (cli->heap) {
		struct hs_heap_checks checks;
		hs_heap_checks(cli->heap, &checks);
		if (!checks.complete)
			return EXIT_INCOMPLETE;
	}
	return EXIT_ANSWERED;
}

size_t cli_row_limit(const struct cli *cli)
{
	return cli->tty && !cli->opt.all ? TERMINAL_ROWS : SIZE_MAX;
}

void cli_announce_rest(struct cli *cli, size_t shown, size_t total)
{
	char more[TEXT_LEN];
	if (shown < total)
		out_printf(&cli->out, "... %s more (use --all)\n",
			   text_count(more, total - shown));
}

bool cli_shows_step(struct cli *cli, size_t i, size_t count)
{
	char more[TEXT_LEN];
	size_t limit = cli_row_limit(cli), first = limit - LAST_STEPS;
	if (count <= limit || i < first || i >= count - LAST_STEPS)
		return true;
	if (i == first)
		out_printf(&cli->out, "   ... %s steps more (use --all)\n",
			   text_count(more, count - limit));
	return false;
}

size_t cli_thread_count(const struct cli *cli)
{
	return cli->heap ? hs_heap_thread_count(cli->heap)
			 : hs_target_thread_count(cli->target);
}

void cli_thread(const struct cli *cli, size_t i,
		struct hs_heap_thread_info *ret)
{
	if (cli->heap) {
		hs_heap_thread(cli->heap, i, ret);
		return;
	}
	struct hs_thread_info t;
	hs_target_thread(cli->target, i, &t);
	*ret = (struct hs_heap_thread_info){
		.tid = t.tid,
		.current = t.current,
		.pc = t.pc,
		.sp = t.sp,
		.tls_base = t.tls_base,
		.name = t.name,
		.arena = SIZE_MAX,
		.tcache = HS_NO_ADDR,
	};
}

hs_addr cli_arena_addr(const struct cli *cli, size_t i)
{
	if (i == SIZE_MAX)
		return HS_NO_ADDR;
	struct hs_arena_info arena;
	hs_heap_arena(cli->heap, i, &arena);
	return arena.addr;
}
