/* SPDX-License-Identifier: MIT */
#include "cli/dump.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/out_json.h"
#include "cli/out_text.h"
#include "cli/progress.h"
#include "cli/secret.h"

/* Set when the user wants us to stop: then no half-written file is left. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static bool show(void *arg, const char *what, uint64_t done, uint64_t total)
{
	return !interrupted && progress_show(arg, what, done, total);
}

double dump_clock(void)
{
	struct timespec t = { 0 };
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* "A,B,C" becomes three patterns. */
static bool split(struct dump *d, const char *list)
{
	size_t count = 1, n = 0;
	for (const char *c = list; *c; c++)
		count += *c == ',';
	d->text = strdup(list);
	d->exclude = calloc(count, sizeof(*d->exclude));
	if (!d->text || !d->exclude)
		return false;
	char *rest = d->text;
	for (char *word; (word = strsep(&rest, ",")) != NULL;)
		if (*word)
			d->exclude[n++] = word;
	d->opt.exclude = d->exclude;
	d->opt.exclude_count = n;
	return true;
}

int dump_init(struct dump *d, struct cli *cli)
{
	const struct options *opt = &cli->opt;
	const char *file = opt->new_passphrase_file ? opt->new_passphrase_file
						    : opt->passphrase_file;
	*d = (struct dump){
		.opt = {
			.struct_size = sizeof(d->opt),
			.format = opt->format == DUMP_CORE ? HS_CAPTURE_CORE
							   : HS_CAPTURE_SLICE,
			.codec = opt->codec,
			.hash = opt->hash,
			.encrypt = opt->encrypt,
			.secret = secret_ask,
			.secret_arg = (void *)(uintptr_t)file,
			.replace = opt->force,
			.only_writable = opt->only_writable,
			.max_mapping = opt->max_size == UINT64_MAX
					       ? 0
					       : opt->max_size,
			.progress = show,
		},
	};
	if (opt->exclude && !split(d, opt->exclude))
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory");
	struct sigaction action = { .sa_handler = on_interrupt,
				    .sa_flags = (int)SA_RESETHAND };
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	return EXIT_ANSWERED;
}

int dump_look(struct dump *d, struct cli *cli)
{
	struct hs_error err = { .code = HS_OK };
	if (!cli->opt.shape_only)
		return EXIT_ANSWERED;
	int code = cli_scan(cli);
	if (code)
		return code;
	if (hs_shape_new(cli->target, cli->heap, &d->shape, &err))
		return cli_fail_error(cli, &err);
	d->opt.redact = hs_shape_redact;
	d->opt.redact_arg = d->shape;
	return EXIT_ANSWERED;
}

void dump_forget(struct dump *d)
{
	hs_shape_free(d->shape);
	d->shape = NULL;
	d->opt.redact = NULL;
}

/* The signals stay blocked but while we sleep: none can fall in between. */
bool dump_wait(double due)
{
	sigset_t stop, before;
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGINT);
	(void)sigaddset(&stop, SIGTERM);
	(void)sigaddset(&stop, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &stop, &before);
	for (double now; !interrupted && (now = dump_clock()) < due;) {
		double left = due - now;
		struct timespec t = { .tv_sec = (time_t)left };
		t.tv_nsec = (long)((left - (double)t.tv_sec) * 1e9);
		(void)ppoll(NULL, 0, &t, &before);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return !interrupted;
}

void dump_release(struct dump *d)
{
	dump_forget(d);
	free(d->exclude);
	free(d->text);
	*d = (struct dump){ 0 };
}

void dump_report(struct dump *d, struct cli *cli, const char *path,
		 const struct hs_capture_result *r, double seconds)
{
	char memory[TEXT_LEN], size[TEXT_LEN], rate[TEXT_LEN];
	progress_clear();
	for (unsigned bit = 1; bit <= HS_LOST_BYTES; bit <<= 1)
		if (r->lost & ~d->lost_said & bit)
			cli_note("note: not in this file: %s",
				 hs_capture_lost_name(bit));
	d->lost_said |= r->lost;
	if (cli->opt.json) {
		out_json_dump(cli, path, r);
		return;
	}
	uint64_t seen = r->captured + r->unchanged;
	double per_second = seconds > 0 ? (double)seen / seconds : 0;
	out_printf(&cli->out, "%s: %s of memory in %s", path,
		   text_size(memory, r->captured),
		   text_size(size, r->file_size));
	if (r->unchanged)
		out_printf(&cli->out, ", %s unchanged",
			   text_size(memory, r->unchanged));
	out_printf(&cli->out, ", %.2f s (%s/s)\n", seconds,
		   text_size(rate, (uint64_t)per_second));
	if (r->missing)
		out_printf(&cli->out, "not captured: %s\n",
			   text_size(memory, r->missing));
	if (r->left_out)
		out_printf(&cli->out, "left out as asked: %s\n",
			   text_size(memory, r->left_out));
}
