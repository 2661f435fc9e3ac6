/* SPDX-License-Identifier: MIT */
#include "cli/rules.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rules are lines that somebody wrote: this is a mistake about the file. */
#define MAX_BYTES (16u << 20)

/* Those that came with us, wherever we were installed. False: not there. */
static bool shipped(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len <= 0 || strchr(name, '/'))
		return false;
	self[len] = 0;
	char *slash = strrchr(self, '/');
	if (!slash)
		return false;
	*slash = 0;
	int n = snprintf(path, PATH_MAX, "%s/%s/heapscan/rules/%s.rules", self,
			 HS_BIN_TO_DATA, name);
	return n > 0 && n < PATH_MAX && access(path, R_OK) == 0;
}

static int read_all(struct cli *cli, FILE *in, char **ret)
{
	size_t len = 0, room = 4096;
	char *text = malloc(room);
	while (text) {
		len += fread(text + len, 1, room - len - 1, in);
		if (len < room - 1)
			break;
		if (room >= MAX_BYTES) {
			free(text);
			return cli_usage(cli, "'%s' is too long for rules",
					 cli->opt.rules);
		}
		room *= 2;
		char *bigger = realloc(text, room);
		if (!bigger)
			free(text);
		text = bigger;
	}
	if (!text)
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for the rules");
	text[len] = 0;
	*ret = text;
	if (!ferror(in) && strlen(text) == len)
		return EXIT_ANSWERED;
	return cli_usage(cli, "'%s' cannot be read as rules", cli->opt.rules);
}

int rules_load(struct cli *cli, char **ret)
{
	char path[PATH_MAX];
	*ret = NULL;
	if (!cli->opt.rules)
		return EXIT_ANSWERED;
	FILE *in = fopen(cli->opt.rules, "re");
	if (!in && shipped(cli->opt.rules, path))
		in = fopen(path, "re");
	if (!in)
		return cli_usage(cli,
				 "no rules '%s': %s; name a file, or one of "
				 "those installed in share/heapscan/rules",
				 cli->opt.rules, strerror(errno));
	int code = read_all(cli, in, ret);
	(void)fclose(in);
	return code;
}
