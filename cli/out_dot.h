/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUT_DOT_H
#define CLI_OUT_DOT_H

#include "cli/graph_view.h"

/* Whether this build has graphviz; the static one has not. */
bool out_dot_works(void);
/* The view as dot text. Failures go to cli->out.error. */
void out_dot(struct cli *cli, const struct graph_view *view);

#endif
