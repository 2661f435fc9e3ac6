/* SPDX-License-Identifier: MIT */
#include "cli/out_dot.h"

#include <errno.h>

/* In place of out_dot.c where graphviz cannot be linked. */
bool out_dot_works(void)
{
	return false;
}

void out_dot(struct cli *cli, const struct graph_view *view)
{
	(void)view; /* its callers asked and have refused already */
	out_fail(&cli->out, ENOTSUP);
}
